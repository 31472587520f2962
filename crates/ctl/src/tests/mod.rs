//! Commands against a server that answers from a script: what people see, what is asked, and the exit status.

mod commands;
mod details;
mod failures;
mod groups;
mod logs;
mod plugins;
mod shell;

use crate::dispatch::run_line;
use crate::input::Input;
use crate::output::Output;
use crate::session::{Server, Session};
use crate::transport::{Credentials, Trust};
use provost_wire::xmlrpc::{self, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server answers.
#[derive(Clone)]
enum Reply {
    Value(Value),
    Fault(i32, String),
    /// The bytes as they are; the connection is closed after them.
    Raw(Vec<u8>),
    /// The same once credentials were sent, 401 before.
    Guarded(Box<Reply>),
}

#[derive(Default)]
struct Script {
    /// For each method, or path of a GET: what to answer, the last one again and again.
    replies: HashMap<String, Vec<Reply>>,
    calls: Vec<String>,
    connections: usize,
}

/// A server on a TCP port of its own.
struct Fake {
    url: String,
    script: Arc<Mutex<Script>>,
}

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    text: String,
    talk: String,
    status: i32,
}

impl Fake {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        // The thread lives as long as the test's process, waiting for a connection that never comes.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                shared.lock().unwrap().connections += 1;
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, script }.on("getVersion", Value::text("3.0"))
    }

    fn reply(self, method: &str, reply: Reply) -> Self {
        let mut script = self.script.lock().unwrap();
        script
            .replies
            .entry(method.to_owned())
            .or_default()
            .push(reply);
        drop(script);
        self
    }

    fn on(self, method: &str, value: Value) -> Self {
        self.reply(method, Reply::Value(value))
    }

    fn ok(self, method: &str) -> Self {
        self.on(method, Value::Bool(true))
    }

    fn fault(self, method: &str, code: i32, text: &str) -> Self {
        self.reply(method, Reply::Fault(code, text.to_owned()))
    }

    /// The calls so far, without the up-check.
    fn calls(&self) -> Vec<String> {
        let script = self.script.lock().unwrap();
        script
            .calls
            .iter()
            .filter(|call| *call != "getVersion()")
            .cloned()
            .collect()
    }

    fn run(&self, line: &str) -> Said {
        self.session(false, "").run(line)
    }

    fn session(&self, interactive: bool, typed: &str) -> Trial {
        Trial::new(&self.url, interactive, typed)
    }
}

/// A session whose ends are in the test's hands.
struct Trial {
    session: Session,
    text: Sink,
    talk: Sink,
    _keyboard: io::PipeWriter,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Trial {
    fn new(url: &str, interactive: bool, typed: &str) -> Self {
        let (reader, mut keyboard) = io::pipe().unwrap();
        keyboard.write_all(typed.as_bytes()).unwrap();
        let (text, talk) = (Sink::default(), Sink::default());
        let output = Output::new(Box::new(text.clone()), Box::new(talk.clone()));
        let server = Server {
            url: url.to_owned(),
            credentials: None,
            daemon: None,
            trust: Trust::default(),
        };
        let input = Input::new(File::from(OwnedFd::from(reader)));
        let session = Session::new(server, interactive, output, input);
        Self {
            session,
            text,
            talk,
            _keyboard: keyboard,
        }
    }

    fn with_credentials(mut self) -> Self {
        let credentials = Credentials {
            username: "me".into(),
            password: "secret".into(),
        };
        self.session.server.credentials = Some(credentials);
        self
    }

    fn run(&mut self, line: &str) -> Said {
        run_line(&mut self.session, line);
        self.said()
    }

    fn said(&self) -> Said {
        Said {
            text: self.text.take(),
            talk: self.talk.take(),
            status: self.session.status(),
        }
    }
}

fn said(text: &str, status: i32) -> Said {
    Said {
        text: text.to_owned(),
        talk: String::new(),
        status,
    }
}

fn serve(stream: TcpStream, script: &Mutex<Script>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((first, authorized, body)) = read_request(&mut reader) {
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let key = if first.starts_with("POST") {
            let call = xmlrpc::read_call(&body).unwrap();
            let method = call.method.strip_prefix("supervisor.");
            let method = method.unwrap_or(&call.method).to_owned();
            let params: Vec<String> = call.params.iter().map(show).collect();
            let shown = format!("{method}({})", params.join(", "));
            script.lock().unwrap().calls.push(shown);
            method
        } else {
            script.lock().unwrap().calls.push(first.clone());
            path
        };
        let reply = next_reply(&mut script.lock().unwrap(), &key);
        if !answer(&mut writer, reply, authorized) {
            return;
        }
    }
}

fn next_reply(script: &mut Script, key: &str) -> Reply {
    match script.replies.get_mut(key) {
        None => Reply::Fault(1, "UNKNOWN_METHOD".to_owned()),
        Some(replies) if replies.len() > 1 => replies.remove(0),
        Some(replies) => replies[0].clone(),
    }
}

/// Whether the connection stays open.
fn answer(writer: &mut TcpStream, reply: Reply, authorized: bool) -> bool {
    let body = match reply {
        Reply::Value(value) => xmlrpc::write_response(&value),
        Reply::Fault(code, text) => xmlrpc::write_fault(code, &text),
        Reply::Guarded(inner) if authorized => return answer(writer, *inner, true),
        Reply::Guarded(_) => {
            _ = writer.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            );
            return false;
        }
        Reply::Raw(bytes) => {
            _ = writer.write_all(&bytes);
            return false;
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    writer.write_all(head.as_bytes()).is_ok() && writer.write_all(&body).is_ok()
}

/// The request line, whether it carries the right credentials, and the body.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, bool, Vec<u8>)> {
    let mut first = String::new();
    let mut authorized = false;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if first.is_empty() {
            first = line.to_owned();
        } else if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse().unwrap();
        } else if let Some(value) = line.strip_prefix("Authorization: ") {
            // me:secret
            authorized = value == "Basic bWU6c2VjcmV0";
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, authorized, body))
}

fn show(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("{text:?}"),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn members(members: &[(&str, Value)]) -> Value {
    Value::Struct(
        members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    )
}

/// A process as `getProcessInfo` answers it.
fn process(
    group: &str,
    name: &str,
    state: i64,
    state_name: &str,
    pid: i64,
    description: &str,
) -> Value {
    members(&[
        ("name", Value::text(name)),
        ("group", Value::text(group)),
        ("state", Value::Int(state)),
        ("statename", Value::text(state_name)),
        ("pid", Value::Int(pid)),
        ("description", Value::text(description)),
    ])
}

/// A row as `startAllProcesses` and its like answer it.
fn result(group: &str, name: &str, status: i64, description: &str) -> Value {
    members(&[
        ("name", Value::text(name)),
        ("group", Value::text(group)),
        ("status", Value::Int(status)),
        ("description", Value::text(description)),
    ])
}

/// Four processes in various states.
fn several() -> Value {
    Value::Array(vec![
        process("cat", "cat", 20, "RUNNING", 101, "pid 101, uptime 0:00:05"),
        process("g", "a", 20, "RUNNING", 102, "pid 102, uptime 0:00:05"),
        process("g", "b", 0, "STOPPED", 0, "Not started"),
        process("young", "young", 10, "STARTING", 103, ""),
    ])
}
