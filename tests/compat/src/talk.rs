//! Conversations over HTTP: many exchanges with one daemon, each a case of its own.

use std::thread;

use provost_e2e::{Answer, Daemon, Normal, Outcome, Side, Target, Value, encode_call};

use crate::compare::compare;
use crate::differences::{is_added_header, without_autorestart};
use crate::page;
use crate::rig::{Scenario, UPSTREAM_AGAIN};

/// One side of a conversation, and what was said.
#[derive(Debug)]
pub struct Talk {
    daemon: Daemon,
    target: Target,
    normal: Normal,
    said: Vec<(String, String)>,
}

/// What was said in a conversation: the name of each exchange, and its text.
type Said = Vec<(String, String)>;

/// Holds the conversation with both sides and compares exchange by exchange.
///
/// Upstream does some things in one of several ways, as its polls fall: where an exchange differs the conversation is held with
/// it again, and ours is compared with each of its ways. Ours gets one conversation.
///
/// # Panics
/// When any exchange differs, with all that differ.
pub fn compare_talks(topic: &str, scenario: &Scenario, script: impl Fn(&mut Talk) + Sync) {
    let (upstream, ours) = thread::scope(|scope| {
        let upstream = scope.spawn(|| hold(scenario, Side::Upstream, &script));
        let ours = scope.spawn(|| hold(scenario, Side::Ours, &script));
        (upstream.join(), ours.join())
    });
    let ours = ours.unwrap_or_else(|_| panic!("{topic}: failed with ours"));
    let mut differing: Vec<(usize, String)> = (0..ours.len())
        .map(|index| (index, format!("{topic}: failed with upstream")))
        .collect();
    keep_differing(topic, &mut differing, upstream, &ours);
    for _ in 0..UPSTREAM_AGAIN {
        if differing.is_empty() {
            return;
        }
        let upstream = thread::scope(|scope| {
            scope
                .spawn(|| hold(scenario, Side::Upstream, &script))
                .join()
        });
        keep_differing(topic, &mut differing, upstream, &ours);
    }
    let complaints: Vec<&str> = differing.iter().map(|(_, text)| text.as_str()).collect();
    assert!(
        complaints.is_empty(),
        "{} of {} exchanges differ:\n\n{}",
        complaints.len(),
        ours.len(),
        complaints.join("\n\n")
    );
}

/// Of the exchanges of ours that differed until now, keeps those that differ from this conversation, too, with what is wrong.
fn keep_differing(
    topic: &str,
    differing: &mut Vec<(usize, String)>,
    upstream: thread::Result<Said>,
    ours: &Said,
) {
    // What it failed with is on standard error.
    let Ok(upstream) = upstream else { return };
    assert_eq!(
        upstream.len(),
        ours.len(),
        "{topic}: the script itself took two ways"
    );
    differing.retain_mut(|(index, complaint)| {
        let ((name, left), (_, right)) = (&upstream[*index], &ours[*index]);
        match compare(&format!("{topic} {name}"), left, right) {
            Ok(()) => false,
            Err(text) => {
                *complaint = text;
                true
            }
        }
    });
}

fn hold(scenario: &Scenario, side: Side, script: impl Fn(&mut Talk)) -> Said {
    let daemon = scenario.start(side);
    let target = Target::Unix(daemon.socket());
    let own_pid = format!("<int>{}</int>", daemon.pid());
    let normal = Normal::new()
        .with(daemon.place().text(), "⟨dir⟩")
        .with(&own_pid, "<int>⟨daemon⟩</int>");
    let mut talk = Talk {
        daemon,
        target,
        normal,
        said: Vec::new(),
    };
    script(&mut talk);
    talk.said
}

impl Talk {
    /// The daemon.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The daemon is left in a state in which it cannot end in order.
    pub fn ends_otherwise(&mut self) {
        self.daemon.ends_otherwise();
    }

    /// Speaks with another of its servers from now on.
    pub fn turn_to(&mut self, target: Target) {
        self.target = target;
    }

    /// Calls a method and keeps the answer to the byte, but for what must differ.
    pub fn call(&mut self, method: &str, params: &[Value]) {
        let list: Vec<String> = params.iter().map(Value::to_string).collect();
        let name = format!("{method}({})", list.join(", "));
        self.post(&name, &encode_call(method, params), "");
    }

    /// Calls a method whose results come in the order in which things were done, and keeps them by name.
    pub fn call_sorted(&mut self, method: &str, params: &[Value]) {
        let list: Vec<String> = params.iter().map(Value::to_string).collect();
        let outcome = self.daemon.rpc().call(method, params);
        let text = match outcome {
            Outcome::Value(Value::Array(items)) => {
                let mut lines: Vec<String> = items.iter().map(Value::to_string).collect();
                lines.sort();
                lines.join("\n")
            }
            other => other.to_string(),
        };
        self.note(&format!("{method}({})", list.join(", ")), &text);
    }

    /// Posts a body to the XML-RPC address.
    pub fn post(&mut self, name: &str, body: &str, headers: &str) {
        let answer = self.target.post(body, headers);
        self.keep(name, answer);
    }

    /// Sends bytes.
    pub fn send(&mut self, name: &str, request: &str) {
        let answer = self.target.exchange(request.as_bytes());
        self.keep(name, answer);
    }

    /// Asks for a page and keeps what a script takes from the answer. Header lines are whole lines with their line ends.
    pub fn visit(&mut self, path: &str, headers: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let name = format!("GET {path} {}", headers.trim_end().replace("\r\n", ", "));
        self.see(name.trim_end(), &request);
    }

    /// Sends a form and keeps what a script takes from the answer.
    pub fn submit(&mut self, path: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.see(&format!("POST {path} {body}"), &request);
    }

    /// Sends bytes and keeps what a script takes from the answer.
    pub fn see(&mut self, name: &str, request: &str) {
        let text = match self.target.exchange(request.as_bytes()) {
            Ok(answer) => page::seen(&answer),
            Err(_) => "no answer".to_owned(),
        };
        self.note(name, &text);
    }

    /// Keeps something that was seen otherwise.
    pub fn note(&mut self, name: &str, text: &str) {
        self.said.push((name.to_owned(), self.normal.apply(text)));
    }

    fn keep(&mut self, name: &str, answer: std::io::Result<Answer>) {
        let text = match answer {
            Ok(answer) => self.normal.apply(&shown(&answer)),
            // Which error the kernel reports for a dropped connection depends on what was under way.
            Err(_) => "no answer".to_owned(),
        };
        self.said.push((name.to_owned(), text));
    }
}

/// An answer as text: the head with its date left out and its length checked, and the body. Of a page that reports an
/// error only the lines with code and message are kept: the rest is for people's eyes.
fn shown(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer.head.iter().take(1).cloned().collect();
    for line in answer.head.iter().skip(1) {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let name = name.to_lowercase();
        let value = match name.as_str() {
            "date" => "⟨date⟩",
            "content-length" if value.parse() == Ok(answer.body.len()) => "⟨right⟩",
            _ => value,
        };
        // `close` and `keep-alive` count the same in any case of letters.
        let value = if name == "connection" {
            value.to_lowercase()
        } else {
            value.to_owned()
        };
        let line = format!("{name}: {value}");
        if !is_added_header(&line) {
            lines.push(line);
        }
    }
    let mut body = without_autorestart(&answer.text());
    if answer.status() >= 400 {
        let kept: Vec<&str> = body
            .lines()
            .filter(|line| line.contains("code") || line.contains("Message"))
            .collect();
        body = kept.join("\n");
    }
    format!("{}\n\n{body}", lines.join("\n"))
}
