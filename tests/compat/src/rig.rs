//! A script of operations that runs against both sides at once and writes down what it sees.

use std::thread;

use provost_e2e::{
    Daemon, Finished, Fixture, Normal, Outcome, PATIENCE, Side, Start, Value, python, scripts,
    wait_until,
};

use crate::compare::compare;
use crate::differences::{is_added_file, names_a_mistake};

/// How many times more upstream is observed where the transcripts differ.
pub(crate) const UPSTREAM_AGAIN: usize = 2;

/// A configuration to run a script against.
#[derive(Clone, Debug)]
pub struct Scenario {
    name: String,
    fixture: Option<Fixture>,
    config: String,
    arguments: Vec<String>,
    files: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

impl Scenario {
    /// A scenario; `config` follows the usual sections and may begin with more keys of `[supervisord]`.
    ///
    /// `@python@` and `@scripts@` in it stand for the interpreter and for the directory of the test programs, and
    /// `@events:⟨TYPES⟩@` for a listener that writes those events to `events.log`.
    pub fn new(name: &str, config: &str) -> Self {
        Self {
            name: name.to_owned(),
            fixture: None,
            config: expand(config),
            arguments: Vec::new(),
            files: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A scenario in a copy of a whole directory.
    pub fn of_fixture(name: &str, fixture: Fixture) -> Self {
        Self {
            fixture: Some(fixture),
            ..Self::new(name, "")
        }
    }

    /// A file beside the configuration. The placeholders are expanded in it, too.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), expand(content)));
        self
    }

    /// Arguments on the command line.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// A variable of the daemon's environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the script against both sides and compares the transcripts.
    ///
    /// Upstream does some things in one of several ways, as its threads and polls fall: where the transcripts differ it
    /// is observed again, and ours is held against each of its ways. Ours gets one run.
    pub fn run(&self, script: impl Fn(&mut Rig) + Sync) {
        let (upstream, ours) = thread::scope(|scope| {
            let upstream = scope.spawn(|| self.observe(Side::Upstream, &script));
            let ours = scope.spawn(|| self.observe(Side::Ours, &script));
            (upstream.join(), ours.join())
        });
        let ours = ours.unwrap_or_else(|_| panic!("{}: failed with ours", self.name));
        let mut complaint = self.verdict(upstream, &ours);
        for _ in 0..UPSTREAM_AGAIN {
            if complaint.is_none() {
                return;
            }
            let upstream =
                thread::scope(|scope| scope.spawn(|| self.observe(Side::Upstream, &script)).join());
            complaint = self.verdict(upstream, &ours);
        }
        if let Some(complaint) = complaint {
            panic!("{complaint}");
        }
    }

    /// What is wrong with ours when upstream did that.
    fn verdict(&self, upstream: thread::Result<String>, ours: &str) -> Option<String> {
        match upstream {
            Ok(upstream) => compare(&self.name, &upstream, ours).err(),
            Err(_) => Some(format!("{}: failed with upstream", self.name)),
        }
    }

    fn observe(&self, side: Side, script: impl Fn(&mut Rig)) -> String {
        let mut rig = Rig::new(self.start(side));
        script(&mut rig);
        rig.transcript.join("\n")
    }

    /// Starts a daemon of a side with this configuration.
    pub fn start(&self, side: Side) -> Daemon {
        let mut start = match &self.fixture {
            Some(fixture) => Start::of_fixture(side, fixture),
            None => Start::new(side, &self.config),
        };
        for (name, content) in &self.files {
            start = start.file(name, content);
        }
        for (name, value) in &self.environment {
            start = start.environment(name, value);
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        start.arguments(&arguments).start()
    }
}

/// Puts in what tests may not know.
pub fn expand(config: &str) -> String {
    let mut text = config
        .replace("@python@", &python().display().to_string())
        .replace("@scripts@", &scripts().display().to_string());
    while let Some((head, tail)) = text.split_once("@events:") {
        let (types, rest) = tail.split_once('@').expect("the placeholder is closed");
        let listener = format!(
            "[eventlistener:ev]\ncommand={} {}/listener.py %(here)s/events.log\nevents={types}\nbuffer_size=1000",
            python().display(),
            scripts().display(),
        );
        text = format!("{head}{listener}{rest}");
    }
    text
}

/// One side of a scenario: the daemon and what was seen so far.
#[derive(Debug)]
pub struct Rig {
    daemon: Daemon,
    normal: Normal,
    transcript: Vec<String>,
}

impl Rig {
    fn new(daemon: Daemon) -> Self {
        let normal = Normal::new().with(daemon.place().text(), "⟨dir⟩");
        Self {
            daemon,
            normal,
            transcript: Vec::new(),
        }
    }

    /// The daemon.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The daemon, to wait for its end.
    pub fn daemon_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// One more replacement in what follows.
    pub fn normalise(&mut self, text: &str, placeholder: &str) {
        self.normal = self.normal.clone().with(text, placeholder);
    }

    /// Writes something down.
    pub fn note(&mut self, text: &str) {
        self.transcript.push(self.normal.apply(text));
    }

    /// Writes down lines in the order that they have when what differs between two runs is replaced.
    pub fn note_sorted(&mut self, title: &str, lines: &[&str]) {
        let lines = lines.iter().map(|line| self.normal.apply(line));
        let mut lines: Vec<String> = lines.collect();
        lines.sort_unstable();
        self.transcript
            .push(format!("{title}\n{}", lines.join("\n")));
    }

    /// Calls a method and writes down how it ended.
    pub fn call(&mut self, method: &str, params: &[Value]) -> Outcome {
        let outcome = self
            .daemon
            .rpc()
            .call(&format!("supervisor.{method}"), params);
        let params: Vec<String> = params.iter().map(Value::to_string).collect();
        self.note(&format!(
            "{method}({}) -> {}",
            params.join(", "),
            timeless(&outcome)
        ));
        outcome
    }

    /// Calls a method whose result is a list of results, and writes it down by name: the order of completion depends
    /// on who is faster.
    pub fn call_sorted(&mut self, method: &str, params: &[Value]) {
        let outcome = self
            .daemon
            .rpc()
            .call(&format!("supervisor.{method}"), params);
        let mut lines: Vec<String> = outcome
            .value()
            .items()
            .iter()
            .map(Value::to_string)
            .collect();
        lines.sort();
        self.note(&format!("{method} -> {}", lines.join("\n  ")));
    }

    /// Waits until a process is in one of the states (`|` between them) and writes down what the daemon says of it.
    pub fn state(&mut self, name: &str, states: &str) {
        let info = self.daemon.wait_state(name, states);
        let text: Vec<String> = ["statename", "description", "spawnerr", "exitstatus"]
            .iter()
            .filter_map(|key| Some(format!("{key}: {}", info.get(key)?)))
            .collect();
        self.note(&format!("{name}: {}", text.join(", ")));
    }

    /// Waits until the main log contains a text.
    pub fn wait_log(&self, text: &str) {
        self.daemon.wait_log(text);
    }

    /// Waits until a file of the place contains a text.
    pub fn wait_file(&self, name: &str, text: &str) {
        self.daemon.wait_file(name, text);
    }

    /// Waits until the listener wrote an event with this text, then writes down all events but the listener's own.
    pub fn events(&mut self, last: &str) {
        self.wait_file("events.log", last);
        self.seen_events(|_| true);
    }

    /// Waits until the listener wrote that many events with this text.
    pub fn wait_events(&self, text: &str, times: usize) {
        self.wait(&format!("{times} events with `{text}`"), |daemon| {
            daemon.place().read("events.log").matches(text).count() >= times
        });
    }

    /// The same for the events that mention one of the given texts, grouped by it: the order between processes
    /// depends on who is faster.
    pub fn events_of(&mut self, last: &str, about: &[&str]) {
        self.wait_file("events.log", last);
        for one in about {
            self.note(&format!("events of {one}"));
            self.seen_events(|line| line.contains(one));
        }
    }

    fn seen_events(&mut self, wanted: impl Fn(&str) -> bool) {
        let text = self.daemon.place().read("events.log");
        for line in text
            .lines()
            .filter(|line| !line.contains("processname:ev ") && wanted(line))
        {
            self.note(line);
        }
    }

    /// Writes down the lines of the main log since the start, but for the listener's.
    pub fn log(&mut self) {
        self.log_lines(|_| true);
    }

    /// Writes down the lines of the main log that mention a text.
    pub fn log_of(&mut self, text: &str) {
        self.note(&format!("log of {text}"));
        self.log_lines(|line| line.contains(text));
    }

    fn log_lines(&mut self, wanted: impl Fn(&str) -> bool) {
        let log = self.daemon.main_log();
        let begin = log.find("supervisord started").unwrap_or(0);
        // A listener's own life runs beside what is looked at, and whether a wait is told depends on who is faster.
        let own = [
            "'ev' with pid",
            ": ev ",
            "waiting for",
            "for ev ",
            "for > than 1 seconds (startsecs) ev",
        ];
        for line in log[begin..].lines() {
            let ours = own.iter().any(|text| line.contains(text)) || names_a_mistake(line);
            if wanted(line) && !ours {
                self.note(line);
            }
        }
    }

    /// Writes down the content of a file of the place.
    pub fn file(&mut self, name: &str) {
        let text = self.daemon.place().read(name);
        self.note(&format!("--- {name}\n{text}---"));
    }

    /// Waits until a file of the place has a text, then writes down its content.
    pub fn file_with(&mut self, name: &str, text: &str) {
        self.wait_file(name, text);
        self.file(name);
    }

    /// Writes down the names of the files of the place that start with a text.
    pub fn list(&mut self, start: &str) {
        let mut names = self.daemon.place().list("");
        names.retain(|name| name.starts_with(start) && !is_added_file(name));
        self.note(&format!("files {start}*: {}", names.join(" ")));
    }

    /// Runs the side's own client and writes down what it says.
    pub fn ctl(&mut self, arguments: &[&str]) -> Finished {
        let finished = self.daemon.ctl(self.daemon.side(), arguments);
        self.note(&format!(
            "$ supervisorctl {}\n{}{}exit {}",
            arguments.join(" "),
            finished.stdout,
            finished.stderr,
            finished.code_text()
        ));
        finished
    }

    /// Waits for the daemon's end and writes down its exit code.
    pub fn end(&mut self) {
        let code = self.daemon.wait_end();
        self.note(&format!("ended with {code:?}"));
    }

    /// Replaces the end of the configuration file (everything behind the usual sections).
    pub fn reconfigure(&mut self, from: &str, to: &str) {
        let text = self.daemon.place().read("supervisord.conf");
        let changed = text.replace(from, &expand(to));
        assert_ne!(
            text, changed,
            "`{from}` does not stand in the configuration"
        );
        self.daemon.place().write("supervisord.conf", changed);
    }

    /// Waits for a condition.
    pub fn wait(&self, what: &str, condition: impl Fn(&Daemon) -> bool) {
        wait_until(PATIENCE, what, || condition(&self.daemon));
    }
}

/// An outcome as text, with the numbers of process info structs that are never the same.
fn timeless(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => mask(value).to_string(),
        other => other.to_string(),
    }
}

fn mask(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(mask).collect()),
        Value::Struct(members) => Value::Struct(
            members
                .iter()
                .map(|(name, value)| (name.clone(), mask_member(name, value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn mask_member(name: &str, value: &Value) -> Value {
    match value {
        Value::Int(number) if *number != 0 && ["start", "stop", "now", "pid"].contains(&name) => {
            Value::Text("⟨number⟩".to_owned())
        }
        other => mask(other),
    }
}
