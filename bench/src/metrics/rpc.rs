//! Requests of clients: a new connection for each, as `supervisorctl` and most scripts make them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Figures, ratio};
use crate::run::Run;

/// Methods, and the rows of CPU, time and size.
pub(super) const METHODS: [(&str, &[&str]); 2] = [
    ("supervisor.getState", &["state.cpu", "state.time"]),
    (
        "supervisor.getAllProcessInfo",
        &["infos.cpu", "infos.time", "infos.size"],
    ),
];

/// Enough requests for a median that means something, where one of them does not take a second.
const REQUESTS: u64 = 300;
const LONG: Duration = Duration::from_secs(2);

/// Asks the same again and again.
pub(super) fn measure(
    run: &Run<'_>,
    socket: &Path,
    method: &str,
    supervisors: &[u32],
) -> Result<Figures, String> {
    let body = call(method, "");
    // The first ones fill caches that a daemon in use has filled.
    let mut size = 0;
    for _ in 0..3 {
        size = request(socket, &body)?.len();
    }
    let before = run.usage(supervisors)?;
    let begun = Instant::now();
    let mut asked = 0;
    while asked < REQUESTS && begun.elapsed() < LONG {
        request(socket, &body)?;
        asked += 1;
    }
    let took = begun.elapsed().as_secs_f64();
    let used = run.usage(supervisors)?.since(before);
    let (cpu, time) = (used.cpu * 1e6 / ratio(asked), took * 1e6 / ratio(asked));
    if method.ends_with("getState") {
        return Ok(vec![("state.cpu", cpu), ("state.time", time)]);
    }
    let size = ratio(size as u64) / 1_000.0;
    Ok(vec![
        ("infos.cpu", cpu),
        ("infos.time", time),
        ("infos.size", size),
    ])
}

/// A call with these parameters, as XML.
pub(super) fn call(method: &str, params: &str) -> String {
    format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    )
}

/// One string as a parameter.
pub(super) fn text(value: &str) -> String {
    format!("<param><value><string>{value}</string></value></param>")
}

/// Posts it and returns the whole answer. A fault is an error.
pub(super) fn request(socket: &Path, body: &str) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", socket.display());
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    let head = format!(
        "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let start = String::from_utf8_lossy(answer.get(..200.min(answer.len())).unwrap_or_default());
    if start.contains(" 200 ") && !start.contains("<fault>") {
        Ok(answer)
    } else {
        Err(format!("refused: {start}"))
    }
}
