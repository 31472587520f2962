//! The JSON interface as a client sees it: requests, answers, and streams of events.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, Start};
use crate::http::{Answer, Stream, Target, read_answer};
use crate::side::Side;

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}

/// Programs for tests of the interface: two that run, one that has ended as it should, one that was never started.
pub const WEB: &str = "\
[program:web]
command=/bin/cat
process_name=w%(process_num)s
numprocs=2
startsecs=0
environment=LANG=\"C\",API_TOKEN=\"tok3n\"

[program:once]
command=/bin/sh -c 'echo out; echo err >&2; exit 3'
autorestart=false
startsecs=0
exitcodes=3

[program:rest]
command=/bin/cat
autostart=false
startsecs=0
";

/// A daemon of ours with [`WEB`], once all is as it stays.
pub fn start_web() -> Daemon {
    let daemon = Start::new(Side::Ours, WEB).start();
    daemon.wait_state("once", "EXITED");
    daemon.wait_state("web:w0", "RUNNING");
    daemon.wait_state("web:w1", "RUNNING");
    daemon
}

/// One of the processes of a list.
pub fn one_of<'a>(list: &'a Value, group: &str, name: &str) -> Option<&'a Value> {
    let mut processes = list["processes"].as_array().expect("a list").iter();
    processes.find(|process| process["group"] == group && process["name"] == name)
}

impl Target {
    /// The unix socket of a daemon.
    pub fn of(daemon: &Daemon) -> Self {
        Self::Unix(daemon.socket())
    }

    /// Asks for `path`. Further header lines are whole lines with their line ends.
    pub fn get(&self, path: &str, headers: &str) -> Answer {
        self.call("GET", path, headers, "")
    }

    /// Posts to `path`; the body is JSON, or empty for none.
    pub fn act(&self, path: &str, headers: &str, body: &str) -> Answer {
        let kind = "Content-Type: application/json\r\n";
        let length = format!("Content-Length: {}\r\n", body.len());
        let lines = if body.is_empty() {
            ""
        } else {
            &format!("{kind}{length}")
        };
        self.call("POST", path, &format!("{headers}{lines}"), body)
    }

    /// Any request.
    pub fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}");
        self.exchange(request.as_bytes())
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

/// An event that came over a stream.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// Its id; empty when it has none.
    pub id: String,
    /// Its data.
    pub data: Value,
    /// When it came.
    pub at: Instant,
}

/// A stream of events.
pub struct EventStream {
    stream: Box<dyn Stream>,
    /// What came and is not looked at yet, without the frames of the transfer.
    text: String,
    /// What came, with them.
    raw: Vec<u8>,
    /// Bytes of the chunk under way that are still to come.
    chunk: usize,
    ended: bool,
}

impl EventStream {
    /// Opens one. Further header lines are whole lines with their line ends.
    pub fn open(target: &Target, path: &str, headers: &str) -> Self {
        let mut stream = target
            .connect_with_timeout(Duration::from_millis(50))
            .expect("the server listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("it hears");
        let mut opened = Self {
            stream,
            text: String::new(),
            raw: Vec::new(),
            chunk: 0,
            ended: false,
        };
        let begun = Instant::now();
        let end = loop {
            if let Some(end) = opened.raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            assert!(
                begun.elapsed() < crate::PATIENCE && !opened.ended,
                "no answer"
            );
            opened.read();
        };
        let head = String::from_utf8_lossy(&opened.raw[..end]).into_owned();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        opened.raw.drain(..end + 4);
        opened.unpack();
        opened
    }

    /// The next event; none when the stream has ended or `deadline` has passed.
    pub fn next(&mut self, deadline: Duration) -> Option<Told> {
        let begun = Instant::now();
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let lines = event.lines();
                    let mut values = lines.filter_map(|line| line.strip_prefix(name));
                    values.next().unwrap_or_default().to_owned()
                };
                let name = field("event: ");
                if name.is_empty() {
                    // A comment.
                    continue;
                }
                return Some(Told {
                    name,
                    id: field("id: "),
                    data: serde_json::from_str(&field("data: ")).expect("data is JSON"),
                    at: Instant::now(),
                });
            }
            if self.ended || begun.elapsed() > deadline {
                return None;
            }
            self.read();
        }
    }

    /// Takes events until one fits.
    ///
    /// # Panics
    /// When none comes in time; what came instead is told.
    pub fn until(&mut self, what: &str, mut fits: impl FnMut(&Told) -> bool) -> Told {
        let begun = Instant::now();
        let mut seen = Vec::new();
        while begun.elapsed() < crate::PATIENCE {
            let Some(told) = self.next(crate::PATIENCE) else {
                break;
            };
            if fits(&told) {
                return told;
            }
            seen.push(format!("{} {}", told.name, told.data));
        }
        panic!("waited in vain for {what}; what came: {seen:#?}");
    }

    /// Whether the server has ended it.
    pub fn has_ended(&mut self) -> bool {
        self.read();
        self.ended
    }

    /// Reads the answer to another request over the same connection.
    pub fn answer(&mut self) -> io::Result<Answer> {
        read_answer(&mut *self.stream)
    }

    fn read(&mut self) {
        let mut bytes = [0; 16384];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.raw.extend_from_slice(&bytes[..count]);
                self.unpack();
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(_) => self.ended = true,
        }
    }

    /// Takes chunks out of what came. Before the header is whole, nothing looks like one.
    fn unpack(&mut self) {
        if self.raw.starts_with(b"HTTP/") {
            return;
        }
        loop {
            if self.chunk > 0 {
                let count = self.chunk.min(self.raw.len());
                let bytes: Vec<u8> = self.raw.drain(..count).collect();
                self.chunk -= count;
                self.text.push_str(&String::from_utf8_lossy(&bytes));
                if self.chunk > 0 {
                    return;
                }
            }
            // The line end behind a chunk comes before the size of the next one.
            let start = if self.raw.starts_with(b"\r\n") { 2 } else { 0 };
            let Some(end) = self.raw[start..].windows(2).position(|two| two == b"\r\n") else {
                return;
            };
            let size = String::from_utf8_lossy(&self.raw[start..start + end]).into_owned();
            self.raw.drain(..start + end + 2);
            self.chunk = usize::from_str_radix(size.trim(), 16).expect("a size of a chunk");
            if self.chunk == 0 {
                self.ended = true;
                return;
            }
        }
    }
}
