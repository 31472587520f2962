//! Someone at the keyboard of one client with one server: commands, and what they print.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use provost_e2e::{
    Daemon, Finished, Normal, PATIENCE, Side, clean, is_asleep, python, run_with_input,
    send_signal, wait_for, wait_until,
};
use rustix::process::Signal;

use crate::compare::compare;
use crate::differences::without_added_commands;
use crate::rig::{Scenario, UPSTREAM_AGAIN};

/// A client, a server.
type Pair = (Side, Side);

const AT_UPSTREAM: [Pair; 2] = [
    (Side::Upstream, Side::Upstream),
    (Side::Ours, Side::Upstream),
];

const AT_OURS: [Pair; 2] = [(Side::Upstream, Side::Ours), (Side::Ours, Side::Ours)];

/// What was said at a desk; none when the script failed there, which is on standard error.
type Observed = Option<Vec<(String, String)>>;

/// Executes its arguments with Ctrl-C meaning what it means at a keyboard: tests that run in the background may have
/// been started with it ignored.
const HEED_INTERRUPTS: &str = "
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
";

/// Someone at the keyboard of one client, with one server.
#[derive(Debug)]
pub struct Desk {
    client: Side,
    daemon: Daemon,
    normal: Normal,
    said: Vec<(String, String)>,
}

impl Desk {
    fn new(pair: Pair, scenario: &Scenario) -> Self {
        let daemon = scenario.start(pair.1);
        let normal = Normal::new()
            .with(daemon.place().text(), "⟨dir⟩")
            .with(&daemon.pid().to_string(), "⟨daemon⟩");
        Self {
            client: pair.0,
            daemon,
            normal,
            said: Vec::new(),
        }
    }

    /// The daemon that it speaks with.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    fn keep(&mut self, name: &str, finished: &Finished) {
        let text = format!(
            "{}{}exit {}",
            without_added_commands(&finished.stdout),
            finished.stderr,
            finished.code_text()
        );
        let again = self
            .said
            .iter()
            .filter(|(line, _)| line.split(" #").next() == Some(name))
            .count();
        let name = if again == 0 {
            name.to_owned()
        } else {
            format!("{name} #{}", again + 1)
        };
        self.said
            .push((name, without_prose(&self.normal.apply(&text))));
    }

    /// One command line, its words divided by blanks.
    pub fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let finished = self.daemon.ctl(self.client, &words);
        self.keep(line, &finished);
    }

    /// The same for a command whose lines come in the order in which things were done.
    pub fn run_sorted(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let mut finished = self.daemon.ctl(self.client, &words);
        let mut lines: Vec<&str> = finished.stdout.lines().collect();
        lines.sort_unstable();
        finished.stdout = lines.join("\n") + "\n";
        self.keep(line, &finished);
    }

    /// The numbers that a command prints, told apart only by being numbers.
    pub fn run_for_numbers(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let mut finished = self.daemon.ctl(self.client, &words);
        let lines: Vec<&str> = finished
            .stdout
            .lines()
            .map(|line| {
                if line != "0" && line.parse::<u32>().is_ok() {
                    "⟨number⟩"
                } else {
                    line
                }
            })
            .collect();
        finished.stdout = lines.join("\n") + "\n";
        self.keep(line, &finished);
    }

    /// A command that goes on until Ctrl-C, which is pressed once it has printed `last`. `typed` is what it is given
    /// to read before.
    pub fn run_until(&mut self, line: &str, typed: &str, last: &str) {
        let (out, err) = ("desk.out", "desk.err");
        let place = self.daemon.place();
        let file = |name: &str| File::create(place.join(name)).expect("the place is writable");
        let client = self.daemon.ctl_command(self.client);
        let mut command = Command::new(python());
        clean(&mut command, place);
        let mut child = command
            .args(["-c", HEED_INTERRUPTS])
            .arg(client.get_program())
            .args(client.get_args())
            .args(line.split(' '))
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(file(out))
            .stderr(file(err))
            .spawn()
            .expect("the client starts");
        let mut stdin = child.stdin.take().expect("it is a pipe");
        stdin.write_all(typed.as_bytes()).expect("the client reads");
        self.daemon.wait_file(out, last);
        // Upstream's client says something else of a key that is pressed while it still handles what it printed.
        wait_until(PATIENCE, "the client to wait for more", || {
            is_asleep(child.id())
        });
        send_signal(child.id(), Signal::INT);
        let code = wait_for(PATIENCE, "the client to end", || {
            child.try_wait().expect("it is our child")
        });
        let place = self.daemon.place();
        let finished = Finished {
            stdout: place.read(out),
            stderr: place.read(err),
            code: code.code(),
        };
        self.keep(line, &finished);
    }

    /// What is typed into a shell that is no terminal.
    pub fn shell(&mut self, name: &str, arguments: &[&str], typed: &str) {
        let mut command = self.daemon.ctl_command(self.client);
        let finished = run_with_input(command.args(arguments), typed.as_bytes());
        self.keep(name, &finished);
    }
}

/// Leaves out what is in words of its own on each side: the help that follows a wrong use of a command, and what a
/// client says of failures that are its own.
pub fn without_prose(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut helping = false;
    for line in text.lines() {
        helping &= !line.starts_with("exit ") && !line.starts_with("supervisor> ");
        if line.starts_with("error: ") {
            kept.push("error: ⟨text⟩");
        } else if !helping {
            kept.push(line);
        }
        let misused = [
            " accepts no ",
            " requires a ",
            "too few ",
            "too many arg",
            "no process name",
        ];
        helping |= line.to_lowercase().starts_with("error: ")
            && misused.iter().any(|part| line.contains(part));
    }
    kept.join("\n")
}

/// Lets every pair do the same and compares each with upstream's client at upstream's server.
///
/// Upstream's server does some things in one of several ways, as its polls fall. Where something differs, both clients are
/// observed with it again, and each way is compared with each. Our server is observed once with each client.
///
/// # Panics
/// When any exchange differs, with all that differ.
pub fn compare_desks(topic: &str, scenario: &Scenario, script: impl Fn(&mut Desk) + Sync) {
    let observe = |pairs: &[Pair]| -> Vec<Observed> {
        thread::scope(|scope| {
            let start = |&pair| {
                let script = &script;
                scope.spawn(move || {
                    let mut desk = Desk::new(pair, scenario);
                    script(&mut desk);
                    desk.said
                })
            };
            let started: Vec<_> = pairs.iter().map(start).collect();
            let ended = started.into_iter().map(thread::ScopedJoinHandle::join);
            ended.map(Result::ok).collect()
        })
    };
    let with_ours = observe(&AT_OURS);
    let with_ours: Vec<Vec<(String, String)>> = with_ours
        .into_iter()
        .zip(AT_OURS)
        .map(|(said, pair)| said.unwrap_or_else(|| panic!("{topic}: failed with {pair:?}")))
        .collect();
    let (mut reference, mut with_upstream) = (Vec::new(), Vec::new());
    let mut complaints = Vec::new();
    for _ in 0..=UPSTREAM_AGAIN {
        let mut observed = observe(&AT_UPSTREAM).into_iter();
        reference.extend(observed.next().flatten());
        with_upstream.extend(observed.next().flatten());
        complaints = AT_OURS
            .iter()
            .zip(with_ours.iter().map(std::slice::from_ref))
            .chain([(&AT_UPSTREAM[1], with_upstream.as_slice())])
            .flat_map(|(pair, ways)| differences(topic, *pair, &reference, ways))
            .collect();
        if complaints.is_empty() {
            return;
        }
    }
    panic!(
        "{} exchanges differ:\n\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
}

/// What is wrong with the exchanges of a pair, each of which must in one of its ways be as upstream's in one of its.
fn differences(
    topic: &str,
    (client, server): Pair,
    reference: &[Vec<(String, String)>],
    ways: &[Vec<(String, String)>],
) -> Vec<String> {
    let Some(first) = reference.first().filter(|_| !ways.is_empty()) else {
        return vec![format!("{topic}: failed with {:?}", (client, server))];
    };
    let check = |(index, (name, _)): (usize, &(String, String))| {
        let case = format!("{topic} {} to {}: {name}", client.name(), server.name());
        let mut complaint = None;
        for (upstream, other) in reference
            .iter()
            .flat_map(|upstream| ways.iter().map(move |other| (upstream, other)))
        {
            let (Some((_, upstream)), Some((_, other))) = (upstream.get(index), other.get(index))
            else {
                return Some(format!("{case}: the script itself took two ways"));
            };
            complaint = compare(&case, upstream, other).err();
            if complaint.is_none() {
                break;
            }
        }
        complaint
    };
    first.iter().enumerate().filter_map(check).collect()
}
