//! `supervisord --demo`: the line it prints works, and Ctrl-C leaves nothing behind.

use std::process::{Command, Stdio};

use provost_e2e::{
    PATIENCE, Place, Side, Target, Terminal, children, clean, descendants, is_alive, run,
    send_signal, wait_for, wait_until,
};
use rustix::process::Signal;

/// The demonstration in a temporary directory of its own, so that what it leaves behind shows.
struct Demo {
    place: Place,
    process: std::process::Child,
}

impl Demo {
    fn start() -> Self {
        let place = Place::new();
        let mut command = command(&place);
        let process = command
            .stdin(Stdio::null())
            .stdout(place.create("out"))
            .stderr(place.create("err"))
            .spawn()
            .expect("supervisord starts");
        Self { place, process }
    }

    /// The one line of the greeting that is indented: what to run.
    fn line(&self) -> String {
        wait_for(PATIENCE, "the line to try", || {
            let out = self.place.read("out");
            // The log follows the greeting.
            out.contains("Ctrl-C here ends").then_some(())?;
            let line = out.lines().find(|line| line.starts_with("    "))?;
            Some(line.trim().to_owned())
        })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        provost_e2e::kill_tree(self.process.id());
        self.process.wait().ok();
        if std::thread::panicking() {
            self.place.tell("out");
        }
    }
}

fn command(place: &Place) -> Command {
    let mut command = Command::new(Side::Ours.command("supervisord"));
    clean(&mut command, place);
    std::fs::create_dir_all(place.join("tmp")).expect("the place is writable");
    command
        .arg("--demo")
        .env("TMPDIR", place.join("tmp"))
        .current_dir(place.path());
    command
}

#[test]
fn the_printed_line_works_and_sigint_leaves_nothing() {
    let mut demo = Demo::start();
    let line = demo.line();
    assert!(
        line.contains("supervisorctl") && line.ends_with(" status"),
        "{line}"
    );
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        clean(&mut shell, &demo.place);
        run(shell.args(["-c", line]).current_dir("/"))
    };
    // One of them ends now and then, by design.
    let status = wait_for(PATIENCE, "all four processes to be RUNNING", || {
        Some(shell(&line)).filter(|status| status.stdout.matches("RUNNING").count() == 4)
    });
    assert_eq!((status.code, status.stderr.as_str()), (Some(0), ""));
    for name in [
        "clock ",
        "flaky ",
        "greeter:greeter_0 ",
        "greeter:greeter_1 ",
    ] {
        assert!(status.stdout.contains(name), "{}", status.stdout);
    }
    let other = line.replace(" status", "");
    wait_until(PATIENCE, "the greeting in the log", || {
        let tail = shell(&format!("{other} tail greeter:greeter_1"));
        tail.stdout.contains("hello from number 1")
    });
    assert_eq!(
        shell(&format!("{other} stop 'greeter:*'"))
            .stdout
            .matches(": stopped")
            .count(),
        2
    );
    assert!(
        shell(&format!("{other} restart all"))
            .stdout
            .contains("clock: started")
    );
    let greeting = demo.place.read("out");
    let (_, url) = greeting
        .split_once("http://127.0.0.1:")
        .expect("the greeting names a page");
    let (port, _) = url.split_once('/').expect("the page has a path");
    let page = Target::Port(port.parse().expect("a port"))
        .exchange(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .expect("the page is there");
    assert!(page.text().contains("greeter_0"), "{page:?}");

    // The clock and the greeters always live; the fourth may be about to start again.
    let all = descendants(demo.process.id());
    assert!(all.len() >= 3);
    send_signal(demo.process.id(), Signal::INT);
    let ended = wait_for(PATIENCE, "the demonstration to end", || {
        demo.process.try_wait().expect("it is our child")
    });
    assert_eq!(ended.code(), Some(0));
    // The last `sleep` of the clock is no child of the demonstration's: its end may come a moment later.
    wait_until(PATIENCE, "all of its processes to be gone", || {
        all.iter().all(|pid| !is_alive(*pid))
    });
    assert_eq!(
        demo.place.list("tmp"),
        Vec::<String>::new(),
        "a directory is left"
    );
}

/// At a terminal Ctrl-C goes to the programs, too: that must not make it any less clean.
#[test]
fn ctrl_c_at_a_terminal_ends_it() {
    let place = Place::new();
    let mut terminal = Terminal::start(&command(&place));
    terminal.expect("Ctrl-C here ends the demonstration.");
    terminal.expect("success: clock entered RUNNING state");
    terminal.send(provost_e2e::CTRL_C);
    let (code, shown) = terminal.finish();
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("received SIGINT indicating exit request"),
        "{shown}"
    );
    assert_eq!(place.list("tmp"), Vec::<String>::new());
}

/// Two of them do not get into each other's way.
#[test]
fn two_demonstrations_run_side_by_side() {
    let demos = [Demo::start(), Demo::start()];
    for demo in &demos {
        demo.line();
        wait_until(PATIENCE, "its programs", || {
            !children(demo.process.id()).is_empty()
        });
    }
    assert_ne!(demos[0].line(), demos[1].line());
}
