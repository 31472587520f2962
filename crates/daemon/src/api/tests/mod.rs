//! The api thread from outside: raw sockets against it, a stand-in for the control thread behind it.

mod access;
mod actions;
mod carry;
mod http;
mod limits;
mod logs;
mod methods;
mod streams;
mod web;

use super::{Api, ApiSettings, Listener, OpenServer, start};
use crate::control::{ClientMessage, ControlHandle};
use crate::logs::{Board, Logger};
use provost_model::access::{AccessSpec, ServerAccess};
use provost_model::config::{Interface, ServerAddress, ServerSpec};
use provost_model::{Answer, Reply, Request, SupervisorState};
use provost_wire::xmlrpc::{self, Value, WireFault};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Longer than anything here takes, even with the machine busy.
const DEADLINE: Duration = Duration::from_mins(1);

/// What the stand-in heard.
#[derive(Debug, PartialEq)]
enum Heard {
    Asked(Request),
    Gone,
}

/// How the stand-in answers: none keeps the client waiting.
type Script = fn(&Request) -> Option<Answer>;

/// An api thread with a TCP and a unix server.
struct Rig {
    api: Option<Api>,
    address: SocketAddr,
    directory: PathBuf,
    board: Board,
    heard: Receiver<Heard>,
    kept: Arc<Mutex<Vec<oneshot::Sender<Answer>>>>,
}

struct Plan {
    script: Script,
    credentials: Option<(&'static str, &'static str)>,
    descriptors: usize,
    logger: Logger,
    web_csrf: bool,
    strict: bool,
    allowed_hosts: &'static [&'static str],
    access: AccessSpec,
    namespaces: Vec<(String, Interface)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            script: calm,
            credentials: None,
            descriptors: 1024,
            logger: Logger::nowhere(),
            web_csrf: true,
            strict: false,
            allowed_hosts: &[],
            access: AccessSpec::default(),
            namespaces: vec![("supervisor".to_owned(), Interface::Main)],
        }
    }
}

/// Answers what needs no process.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is a script, and scripts may answer nothing"
)]
fn calm(request: &Request) -> Option<Answer> {
    Some(Ok(match request {
        Request::GetState => Reply::State(SupervisorState::Running),
        Request::GetIdentification => Reply::Text("supervisor".to_owned()),
        Request::GetAllProcessInfo => Reply::Infos(Vec::new()),
        _ => Reply::Done,
    }))
}

impl Rig {
    fn new(plan: Plan) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("provost-api-{}-{number}", std::process::id()));
        // Of an earlier process with our number.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let unix = UnixListener::bind(directory.join("sock")).unwrap();
        let (sender, messages) = mpsc::channel();
        let (tell, heard) = mpsc::channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let kept = Arc::clone(&kept);
            move || stand_in(&messages, &tell, &kept, plan.script)
        });
        let credentials = plan
            .credentials
            .map(|(user, password)| (user.to_owned(), password.to_owned()));
        let server = |address, listener| OpenServer {
            spec: ServerSpec {
                section: "server".to_owned(),
                address,
                credentials: credentials.clone(),
                web_csrf: plan.web_csrf,
                allowed_hosts: plan
                    .allowed_hosts
                    .iter()
                    .map(|host| host.parse().unwrap())
                    .collect(),
                max_request_body: 4 << 20,
                strict: plan.strict,
                access: ServerAccess::default(),
                tls: None,
            },
            listener,
        };
        let inet = ServerAddress::Inet {
            host: String::new(),
            port: address.port(),
        };
        let file = ServerAddress::Unix {
            path: directory.join("sock"),
            mode: 0o700,
            owner: None,
        };
        let board = Board::default();
        let api = start(ApiSettings {
            servers: vec![
                server(inet, Listener::Tcp(tcp)),
                server(file, Listener::Unix(unix)),
            ],
            control: ControlHandle::new(sender, Arc::new(|| ())),
            main_log: Some(directory.join("main.log")),
            paths: provost_os::spot::Paths::Guarded,
            logger: plan.logger,
            board: board.clone(),
            namespaces: plan.namespaces,
            descriptors: plan.descriptors,
            access: plan.access,
            pulse: crate::pulse::Pulse::default(),
            about: crate::api::About::default(),
            loader: None,
            history: Duration::ZERO,
            audit: None,
            carried: Vec::new(),
        });
        Self {
            api: Some(api.unwrap()),
            address,
            directory,
            board,
            heard,
            kept,
        }
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(self.directory.join("sock")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes on a connection of their own and reads one answer.
    fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        let mut stream = self.tcp();
        stream.write_all(request.as_ref()).unwrap();
        read_response(&mut stream).unwrap()
    }

    fn get(&self, path: &str) -> Response {
        self.ask(format!("GET {path} HTTP/1.1\r\n\r\n"))
    }

    /// Makes a call over the unix socket.
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, WireFault> {
        let mut stream = self.unix();
        stream
            .write_all(&post(&xmlrpc::write_call(method, params)))
            .unwrap();
        let response = read_response(&mut stream).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        xmlrpc::read_response(&response.body).unwrap()
    }

    /// Waits until the stand-in hears this.
    fn hears(&self, expected: &Heard) {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(heard) if heard == *expected => return,
                Ok(_) => {}
                Err(error) => panic!("{error}: never heard {expected:?}"),
            }
        }
    }

    fn stop(&mut self) {
        if let Some(api) = self.api.take() {
            api.stop();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
        // What is left in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn stand_in(
    messages: &Receiver<ClientMessage>,
    tell: &Sender<Heard>,
    kept: &Mutex<Vec<oneshot::Sender<Answer>>>,
    script: Script,
) {
    for message in messages {
        match message {
            ClientMessage::Ask {
                request, answer, ..
            } => {
                // What was heard is there to be looked at once the client has its answer, or the answer can be given.
                let answered = script(&request);
                let told = || tell.send(Heard::Asked(request));
                if let Some(answered) = answered {
                    let _ = told();
                    let _ = answer.send(answered);
                } else {
                    kept.lock().unwrap().push(answer);
                    let _ = told();
                }
            }
            ClientMessage::Attach { .. } => {}
            ClientMessage::Gone { .. } => drop(tell.send(Heard::Gone)),
        }
    }
}

/// An HTTP request that carries a call.
fn post(body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A call without parameters, as an HTTP request.
fn call(method: &str) -> Vec<u8> {
    post(&xmlrpc::write_call(method, &[]))
}

/// An answer as it came.
#[derive(Debug)]
struct Response {
    status: u16,
    /// Status line and headers, without the blank line.
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1);
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Reads one answer with a `Content-Length`; none when the connection ends before one.
fn read_response(stream: &mut (impl Read + ?Sized)) -> Option<Response> {
    let head = read_head(stream)?;
    let mut response = Response {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head,
        body: Vec::new(),
    };
    let length: usize = response
        .header("Content-Length")
        .unwrap_or("0")
        .parse()
        .ok()?;
    response.body.resize(length, 0);
    stream.read_exact(&mut response.body).ok()?;
    Some(response)
}

/// Reads up to the blank line.
fn read_head(stream: &mut (impl Read + ?Sized)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    head.truncate(head.len() - 4);
    String::from_utf8(head).ok()
}

/// Whether the server ends the connection, whatever it says before that.
fn is_closed(stream: &mut (impl Read + ?Sized)) -> bool {
    let mut rest = Vec::new();
    !matches!(stream.read_to_end(&mut rest), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Waits until a condition holds.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
