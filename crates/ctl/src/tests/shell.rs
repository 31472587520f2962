//! The shell without a terminal.

use super::{Fake, Reply, Trial, process, said};
use crate::shell;
use provost_wire::xmlrpc::Value;

fn run(trial: &mut Trial) -> (String, i32) {
    let status = shell::run(&mut trial.session, "sup", None, false);
    (trial.said().text, status)
}

fn one() -> Value {
    Value::Array(vec![process("cat", "cat", 200, "FATAL", 0, "x")])
}

const CAT: &str = "cat                              FATAL     x\n";

#[test]
fn it_begins_with_status_and_prints_its_prompts() {
    let server = Fake::new()
        .on("getAllProcessInfo", one())
        .on("getSupervisorVersion", Value::text("4.3.0"));
    let mut trial = server.session(true, "version\n\nbogus\nquit\nversion\n");
    let expected = format!("{CAT}sup> 4.3.0\nsup> sup> *** Unknown syntax: bogus\nsup> \n");
    // The exit status of the shell is 0 whatever its commands did.
    assert_eq!(run(&mut trial), (expected, 0));
}

#[test]
fn the_end_of_the_input_leaves_it_with_an_empty_line() {
    let server = Fake::new().on("getAllProcessInfo", one());
    let mut trial = server.session(true, "EOF\n");
    assert_eq!(run(&mut trial), (format!("{CAT}sup> \n"), 0));
}

#[test]
fn a_question_is_answered_by_the_next_line() {
    let server = Fake::new().on("getAllProcessInfo", one()).ok("shutdown");
    let mut trial = server.session(true, "shutdown\ny\nquit\n");
    let expected = format!(
        "{CAT}sup> Really shut the remote supervisord process down y/N? Shut down\nsup> \n"
    );
    assert_eq!(run(&mut trial), (expected, 0));
}

#[test]
fn it_survives_a_server_that_is_away() {
    let mut trial = Trial::new("unix:///nonexistent/x", true, "avail\nquit\n");
    let expected = "unix:///nonexistent/x no such file\nsup> error: cannot connect to unix:///nonexistent/x: No such \
                    file or directory; is supervisord running, and is this its address?\nsup> \n";
    assert_eq!(run(&mut trial), (expected.to_owned(), 0));
}

#[test]
fn each_command_has_its_own_connection_so_that_a_restarted_server_is_found() {
    let server = Fake::new().on("getAllProcessInfo", one());
    let mut trial = server.session(true, "status\nquit\n");
    run(&mut trial);
    assert_eq!(server.script.lock().unwrap().connections, 2);
}

#[test]
fn nothing_is_said_of_credentials_when_they_are_right() {
    let server = Fake::new();
    server.script.lock().unwrap().replies.clear();
    let server = server.reply(
        "getVersion",
        Reply::Guarded(Box::new(Reply::Value(Value::text("3.0")))),
    );
    let mut trial = server.session(false, "").with_credentials();
    assert_eq!(
        trial.run("pid").text,
        "error: supervisord refused: UNKNOWN_METHOD (fault 1)\n"
    );
    assert_eq!(
        server.run("pid"),
        said("Server requires authentication\n", 1)
    );
}
