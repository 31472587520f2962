//! A web server of the loopback interface that gives the answers it is told to, and keeps the requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use provost_e2e::{PATIENCE, wait_for};

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method and path.
    pub line: String,
    /// Header lines.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

/// The server. It ends with the test's process.
#[derive(Debug)]
pub struct Web {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    /// Serves with these statuses in turn, the last one again and again.
    ///
    /// # Panics
    /// When the loopback interface has no free port.
    pub fn answering(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let Some(request) = read(&connection) else {
                    continue;
                };
                let count = {
                    let mut kept = kept.lock().expect("no holder panics");
                    kept.push(request);
                    kept.len()
                };
                answer(&connection, statuses[count.min(statuses.len()) - 1]);
            }
        });
        Self { port, requests }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far.
    ///
    /// # Panics
    /// Never: nobody panics while holding them.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no holder panics").clone()
    }

    /// Waits for a request with this text in its body, and returns it.
    pub fn wait_body(&self, text: &str) -> Request {
        wait_for(PATIENCE, &format!("a request with `{text}`"), || {
            self.requests()
                .into_iter()
                .find(|request| request.body.contains(text))
        })
    }
}

/// A request; none when the client only connected, as checks of a port do.
fn read(connection: &TcpStream) -> Option<Request> {
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(connection);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Some(0), |(_, value)| value.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let first = lines.remove(0);
    Some(Request {
        line: first.trim_end_matches(" HTTP/1.1").to_owned(),
        headers: lines,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn answer(mut connection: &TcpStream, status: u16) {
    let head = format!("HTTP/1.1 {status} As Told\r\nContent-Length: 2\r\nConnection: close\r\n");
    // A client that went away has its answer already.
    let _ = write!(connection, "{head}\r\nok");
}
