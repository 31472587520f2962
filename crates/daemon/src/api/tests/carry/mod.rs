//! Hand-overs from one api thread to the next, with clients in the middle of anything.

mod scripts;
mod storm;
mod streams;
mod waiting;
mod whole;

use super::{DEADLINE, Response, call, post, read_head, read_response, wait_until};
use crate::api::{Api, ApiSettings, Carried, Listener, OpenServer, start};
use crate::audit::Audit;
use crate::control::{ClientMessage, ControlHandle};
use crate::logs::{Board, Logger};
use provost_model::access::{AccessSpec, ServerAccess};
use provost_model::config::{Interface, ServerAddress, ServerSpec};
use provost_model::{Answer, Reply, Request, RequestId};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How the stand-in for the control thread answers: none keeps the client waiting.
type Script = fn(&Request) -> Option<Answer>;

/// The stand-in for the core and its control thread.
struct Core {
    messages: Receiver<ClientMessage>,
    script: Script,
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    /// Answers that nobody has taken yet.
    early: HashMap<RequestId, Answer>,
    /// Everything that was asked, in order.
    asked: Vec<(RequestId, Request)>,
    gone: Vec<RequestId>,
}

impl Core {
    fn take(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            self.hear(message);
        }
    }

    fn hear(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Ask {
                id,
                request,
                answer,
            } => {
                assert!(
                    self.asked.iter().all(|(known, _)| known.0 < id.0),
                    "{id:?} was given before"
                );
                let answered = (self.script)(&request);
                self.asked.push((id, request));
                self.waiting.insert(id, answer);
                if let Some(answered) = answered {
                    self.answer(id, answered);
                }
            }
            ClientMessage::Attach { id, answer } => {
                self.waiting.insert(id, answer);
                if let Some(early) = self.early.remove(&id) {
                    self.answer(id, early);
                }
            }
            ClientMessage::Gone { id } => {
                self.waiting.remove(&id);
                self.early.remove(&id);
                self.gone.push(id);
            }
        }
    }

    fn answer(&mut self, id: RequestId, answer: Answer) {
        let kept = match self.waiting.remove(&id) {
            Some(sender) => sender.send(answer).err(),
            None => Some(answer),
        };
        if let Some(answer) = kept {
            self.early.insert(id, answer);
        }
    }

    /// The number of the only request of this kind.
    fn find(&self, request: &Request) -> Option<RequestId> {
        let mut found = self.asked.iter().filter(|(_, known)| known == request);
        let id = found.next().map(|(id, _)| *id);
        assert!(found.next().is_none(), "{request:?} was asked twice");
        id
    }
}

struct Setup {
    script: Script,
    access: AccessSpec,
    audit: Option<Audit>,
    credentials: Option<(String, String)>,
    strict: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            script: super::calm,
            access: AccessSpec::default(),
            audit: None,
            credentials: None,
            strict: false,
        }
    }
}

/// An api thread that is replaced while it serves.
struct Relay {
    api: Option<Api>,
    core: Arc<Mutex<Core>>,
    clients: Sender<ClientMessage>,
    wake: Sender<()>,
    address: SocketAddr,
    directory: PathBuf,
    board: Board,
    access: AccessSpec,
    audit: Option<Audit>,
}

impl Relay {
    fn new(setup: Setup) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("provost-carry-{}-{number}", std::process::id()));
        // Of an earlier process with our number.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let path = directory.join("sock");
        let unix = UnixListener::bind(&path).unwrap();
        let (clients, messages) = mpsc::channel();
        let core = Arc::new(Mutex::new(Core {
            messages,
            script: setup.script,
            waiting: HashMap::new(),
            early: HashMap::new(),
            asked: Vec::new(),
            gone: Vec::new(),
        }));
        let (wake, woken) = mpsc::channel();
        let control = Arc::clone(&core);
        std::thread::spawn(move || {
            for () in woken {
                control.lock().unwrap().take();
            }
        });
        let server = |address, listener| OpenServer {
            spec: ServerSpec {
                section: "server".to_owned(),
                address,
                credentials: setup.credentials.clone(),
                web_csrf: true,
                allowed_hosts: Vec::new(),
                max_request_body: 4 << 20,
                strict: setup.strict,
                access: ServerAccess::default(),
                tls: None,
            },
            listener,
        };
        let (host, port) = (String::new(), address.port());
        let (mode, owner) = (0o700, None);
        let servers = vec![
            server(ServerAddress::Inet { host, port }, Listener::Tcp(tcp)),
            server(
                ServerAddress::Unix { path, mode, owner },
                Listener::Unix(unix),
            ),
        ];
        let mut relay = Self {
            api: None,
            core,
            clients,
            wake,
            address,
            directory,
            board: Board::default(),
            access: setup.access,
            audit: setup.audit,
        };
        relay.start(Carried {
            servers,
            next_request: 1,
            ..Carried::default()
        });
        relay
    }

    fn start(&mut self, carried: Carried) {
        let wake = self.wake.clone();
        let wake = Arc::new(move || {
            // Its reader ends with the test.
            let _ = wake.send(());
        });
        let control = ControlHandle::new(self.clients.clone(), wake);
        let api = start(ApiSettings {
            servers: carried.servers,
            control: control.numbered_from(carried.next_request),
            main_log: Some(self.directory.join("main.log")),
            paths: provost_os::spot::Paths::Guarded,
            logger: Logger::nowhere(),
            board: self.board.clone(),
            namespaces: vec![("supervisor".to_owned(), Interface::Main)],
            descriptors: 4096,
            access: self.access.clone(),
            pulse: crate::pulse::Pulse::default(),
            about: crate::api::About::default(),
            loader: None,
            audit: self.audit.clone(),
            carried: carried.connections,
        });
        self.api = Some(api.unwrap());
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        let mut core = self.core.lock().unwrap();
        core.take();
        core
    }

    /// Replaces the api thread; `between` happens while there is none.
    fn hand_over_and(&mut self, between: impl FnOnce(&mut Core)) -> Duration {
        let begin = Instant::now();
        let api = self.api.take().unwrap();
        let core = Arc::clone(&self.core);
        // As with the real control thread, nothing is answered meanwhile.
        let mut core = core.lock().unwrap();
        let mut carried = api.hand_over();
        let took = begin.elapsed();
        for message in carried.take_back(&core.messages) {
            core.hear(message);
        }
        between(&mut core);
        for connection in &mut carried.connections {
            let text = serde_json::to_string(&connection.state).unwrap();
            connection.state = serde_json::from_str(&text).unwrap();
        }
        self.start(carried);
        took
    }

    fn hand_over(&mut self) -> Duration {
        self.hand_over_and(|_| ())
    }

    /// Hands over until no connection is left to be carried.
    fn forgets_all(&mut self) {
        wait_until("no connection is left", || {
            let carried = self.api.take().unwrap().hand_over();
            let left = carried.connections.len();
            self.start(carried);
            left == 0
        });
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// From another address of this machine: each may have its own connections.
    fn tcp_from(&self, last: u8) -> TcpStream {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket
                .bind(SocketAddr::from(([127, 0, 0, last], 0)))
                .unwrap();
            socket.connect(self.address).await.unwrap()
        });
        let stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream
    }

    fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(self.directory.join("sock")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Waits until this was asked.
    fn asked(&self, request: &Request) -> RequestId {
        let mut found = None;
        wait_until("a request is asked", || {
            found = self.core().find(request);
            found.is_some()
        });
        found.unwrap()
    }

    fn answer(&self, id: RequestId, answer: Answer) {
        self.core().answer(id, answer);
    }

    /// Lets the api thread do what it can, so that what is tested begins at different points. Nothing may depend on it.
    fn settle() {
        std::thread::sleep(Duration::from_millis(30));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(api) = self.api.take() {
            api.stop();
        }
        // What is left in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Whether nothing more comes than was read.
fn is_silent(stream: &TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut byte = [0];
    let read = (&*stream).read(&mut byte);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

fn start_request(name: &str) -> Request {
    Request::StartProcess {
        name: name.to_owned(),
        wait: true,
    }
}

fn stop_request(name: &str) -> Request {
    Request::StopProcess {
        name: name.to_owned(),
        wait: true,
    }
}

/// Keeps those waiting who start or stop something.
fn patient(request: &Request) -> Option<Answer> {
    match request {
        Request::StartProcess { .. }
        | Request::StopProcess { .. }
        | Request::StartAllProcesses { .. }
        | Request::StopAllProcesses { .. } => None,
        request => super::calm(request),
    }
}
