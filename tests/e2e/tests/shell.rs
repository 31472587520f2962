//! The interactive shell at a terminal: what a person types and sees.

use provost_e2e::{
    CTRL_C, CTRL_D, Daemon, PATIENCE, Place, Side, Start, Terminal, run_with_input, wait_until,
};

const PROMPT: &str = "supervisor> ";

/// The key that brings earlier lines back.
const UP: &str = "\x1b[A";

const PROGRAMS: &str = "[program:cat]\ncommand=/bin/cat\nstdout_logfile=%(here)s/cat.log\nstartsecs=0\n\
    [program:ticker]\ncommand=/bin/sh -c 'echo first; exec cat'\nstdout_logfile=%(here)s/ticker.log\nstartsecs=0\n\
    [program:web]\ncommand=/bin/cat\nnumprocs=2\nprocess_name=w%(process_num)d\nstartsecs=0\n";

fn start(more: &str) -> Daemon {
    let daemon = Start::new(Side::Ours, &format!("{more}{PROGRAMS}")).start();
    for name in ["cat", "ticker", "web:w0", "web:w1"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon
}

/// The shell, up to its first prompt.
fn shell(daemon: &Daemon, arguments: &[&str]) -> Terminal {
    let mut command = daemon.ctl_command(Side::Ours);
    command.args(arguments);
    let mut terminal = Terminal::start(&command);
    let first = terminal.expect(PROMPT);
    assert!(
        first.contains("cat ") && first.contains("RUNNING"),
        "{first}"
    );
    terminal
}

#[test]
fn commands_one_after_the_other_until_exit() {
    let daemon = start("");
    let mut terminal = shell(&daemon, &[]);
    terminal.line("stop cat");
    terminal.expect("cat: stopped");
    terminal.expect(PROMPT);
    terminal.line("nonsense");
    terminal.expect("*** Unknown syntax: nonsense");
    terminal.expect(PROMPT);
    terminal.line("");
    terminal.expect(PROMPT);
    terminal.line("status cat");
    terminal.expect("STOPPED");
    terminal.expect(PROMPT);
    terminal.line("exit");
    assert_eq!(terminal.finish().0, Some(0));
}

#[test]
fn the_end_of_input_and_ctrl_c_at_the_prompt_leave_the_shell() {
    let daemon = start("");
    for keys in [CTRL_D, CTRL_C, "half a line\x03"] {
        let mut terminal = shell(&daemon, &[]);
        terminal.send(keys);
        let (code, shown) = terminal.finish();
        assert_eq!(code, Some(0), "{keys:?}: {shown}");
        assert!(
            shown.ends_with('\n'),
            "{keys:?}: the terminal's prompt would stand behind {shown:?}"
        );
    }
}

#[test]
fn tab_completes_commands_groups_and_processes() {
    let daemon = start("");
    let mut terminal = shell(&daemon, &[]);
    terminal.send("rer\t");
    terminal.expect("reread ");
    terminal.send("\r");
    terminal.expect("No config updates to processes");
    terminal.expect(PROMPT);
    terminal.send("status tick\t");
    terminal.expect("ticker ");
    terminal.send("\r");
    terminal.expect("RUNNING");
    terminal.expect(PROMPT);
    terminal.send("restart web:w1\t\r");
    terminal.expect("web:w1: started");
    terminal.expect(PROMPT);
    // Several fit: what they have in common is filled in, and a second Tab lists them.
    terminal.send("status web\t");
    terminal.expect("web:");
    terminal.send("\t");
    for name in ["web:w0", "web:*", "web:w1"] {
        terminal_lists(&mut terminal, name);
    }
    terminal.send(CTRL_C);
    assert_eq!(terminal.finish().0, Some(0));
}

/// Candidates may come in any order and columns: look for each from the same place.
fn terminal_lists(terminal: &mut Terminal, name: &str) {
    wait_until(PATIENCE, &format!("{name} in the list"), || {
        terminal.shows(name)
    });
}

#[test]
fn lines_are_kept_in_the_history_file_and_come_back() {
    let daemon = start("");
    let history = daemon.place().join("history");
    let options = ["-r", history.to_str().expect("a plain path")];
    let mut terminal = shell(&daemon, &options);
    terminal.line("pid cat");
    terminal.expect(PROMPT);
    terminal.line("avail");
    terminal.expect(PROMPT);
    terminal.line("exit");
    assert_eq!(terminal.finish().0, Some(0));
    assert_eq!(daemon.place().read("history"), "pid cat\navail\nexit\n");

    let mut terminal = shell(&daemon, &options);
    terminal.send(UP);
    terminal.expect("exit");
    terminal.send(UP);
    terminal.expect("avail");
    terminal.send(UP);
    terminal.expect("pid cat");
    terminal.send("\r");
    terminal.expect(&daemon.rpc().pid("cat").to_string());
    terminal.expect(PROMPT);
    terminal.send(CTRL_D);
    assert_eq!(terminal.finish().0, Some(0));
    assert_eq!(
        daemon.place().read("history"),
        "pid cat\navail\nexit\npid cat\n"
    );
}

/// What is followed comes as it is written; Ctrl-C ends the following and gives the prompt back.
#[test]
fn tail_f_ends_with_ctrl_c_and_the_shell_goes_on() {
    let daemon = start("");
    let mut terminal = shell(&daemon, &[]);
    terminal.line("tail -f ticker");
    terminal.expect("==> Press Ctrl-C to exit <==");
    terminal.expect("first");
    daemon
        .rpc()
        .call(
            "supervisor.sendProcessStdin",
            &["ticker".into(), "second\n".into()],
        )
        .value();
    terminal.expect("second");
    terminal.send(CTRL_C);
    terminal.expect(PROMPT);
    terminal.line("maintail -f");
    terminal.expect("spawned: 'ticker'");
    terminal.send(CTRL_C);
    terminal.expect(PROMPT);
    terminal.line("pid");
    terminal.expect(&daemon.pid().to_string());
    terminal.line("quit");
    assert_eq!(terminal.finish().0, Some(0));
    assert_eq!(daemon.rpc().state("ticker"), "RUNNING");
}

/// From the command line, too, and then the command is over.
#[test]
fn tail_f_on_the_command_line_ends_with_ctrl_c() {
    let daemon = start("");
    let mut command = daemon.ctl_command(Side::Ours);
    command.args(["tail", "-f", "ticker"]);
    let mut terminal = Terminal::start(&command);
    terminal.expect("first");
    terminal.send(CTRL_C);
    terminal.finish();
    assert_eq!(daemon.rpc().state("ticker"), "RUNNING");
}

#[test]
fn fg_shows_output_and_sends_what_is_typed() {
    let daemon = start("");
    let mut terminal = shell(&daemon, &[]);
    terminal.line("fg cat");
    terminal.expect("==> Press Ctrl-C to exit <==");
    terminal.line("hello");
    // Once as the terminal's echo, once from the program.
    terminal.expect("hello");
    terminal.expect("hello");
    terminal.send(CTRL_C);
    terminal.expect("Exiting foreground");
    terminal.expect(PROMPT);
    terminal.line("stop cat");
    terminal.expect("cat: stopped");
    terminal.expect(PROMPT);
    terminal.line("fg cat");
    terminal.expect("ERROR: process not running");
    terminal.expect(PROMPT);
    terminal.line("exit");
    assert_eq!(terminal.finish().0, Some(0));
    assert_eq!(daemon.place().read("cat.log"), "hello\n");
}

/// A server that wants a password: it is asked for, not shown, and used from then on.
#[test]
fn a_password_is_asked_for_and_not_shown() {
    let config = "[unix_http_server]\nfile=%(here)s/s.sock\nusername=u\npassword=secret\n\
        [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
        [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
        [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n\
        [program:cat]\ncommand=/bin/cat\nstartsecs=0\n";
    let daemon = Start::bare(Side::Ours, config).start();
    let mut terminal = Terminal::start(&daemon.ctl_command(Side::Ours));
    terminal.expect("Server requires authentication");
    terminal.expect("Username:");
    terminal.line("u");
    terminal.expect("Password:");
    terminal.line("secret");
    terminal.expect("RUNNING");
    terminal.expect(PROMPT);
    terminal.line("pid cat");
    terminal.expect(PROMPT);
    terminal.line("exit");
    let (code, shown) = terminal.finish();
    assert_eq!(code, Some(0));
    assert!(
        !shown.contains("secret"),
        "the password is on the screen: {shown}"
    );
}

#[test]
fn reload_and_shutdown_ask_first() {
    let mut daemon = start("");
    let mut terminal = shell(&daemon, &[]);
    for (command, question) in [
        (
            "reload",
            "Really restart the remote supervisord process y/N? ",
        ),
        (
            "shutdown",
            "Really shut the remote supervisord process down y/N? ",
        ),
    ] {
        for no in ["", "n", "nonsense"] {
            terminal.line(command);
            terminal.expect(question);
            terminal.line(no);
            terminal.expect(PROMPT);
        }
    }
    assert!(daemon.ended().is_none());
    assert!(
        !daemon.main_log().contains("waiting for"),
        "something was stopped"
    );
    terminal.line("shutdown");
    terminal.expect("y/N? ");
    terminal.line("y");
    terminal.expect("Shut down");
    assert_eq!(daemon.wait_end(), Some(0));
    terminal.expect(PROMPT);
    terminal.line("status");
    terminal.expect("no such file");
    terminal.expect(PROMPT);
    terminal.line("exit");
    assert_eq!(terminal.finish().0, Some(0));
}

/// Commands from a pipe: the prompt is printed all the same, questions are not asked of nobody.
#[test]
fn commands_can_come_from_a_pipe() {
    let daemon = start("");
    let end = run_with_input(
        &mut daemon.ctl_command(Side::Ours),
        b"stop cat\nstatus cat\n",
    );
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(
        end.stdout.contains("supervisor> cat: stopped\n"),
        "{}",
        end.stdout
    );
    assert!(end.stdout.contains("STOPPED"), "{}", end.stdout);
}

/// A shell that was opened before the daemon was: it says so, and works once the daemon is there.
#[test]
fn a_shell_without_a_daemon_says_so_and_goes_on() {
    let place = Place::new();
    let start = Start::new(Side::Ours, PROGRAMS);
    let mut command = std::process::Command::new(Side::Ours.command("supervisorctl"));
    provost_e2e::clean(&mut command, &place);
    command
        .args(["-s", &format!("unix://{}", place.join("s.sock").display())])
        .current_dir(place.path());
    let mut terminal = Terminal::start(&command);
    terminal.expect("no such file");
    terminal.expect(PROMPT);
    let mut daemon = start.launch_in(place);
    daemon.wait_ready();
    terminal.line("status web:*");
    terminal.expect("web:w0");
    terminal.expect("web:w1");
    // Typed before the prompt it would end a line that nobody reads.
    terminal.expect(PROMPT);
    terminal.send(CTRL_D);
    assert_eq!(terminal.finish().0, Some(0));
}
