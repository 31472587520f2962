//! Events a second: a daemon is given many events at once by `system.multicall`, and one listener takes them one after the
//! other, as the protocol wants it. The listener is the same on both sides and hardly looks at what it is sent, so that
//! the daemon is what is measured.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Events of one call; upstream takes that many without a limit of its own being met.
const BATCH: usize = 2_000;

/// At least so many events and so much time make a figure.
const EVENTS_MIN: usize = 4_000;
const TIME_MIN: Duration = Duration::from_secs(2);
const EVENTS_MAX: usize = 60_000;

/// No step takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_mins(4);

/// A listener in Python without any of its libraries: reads what there is and answers in one write. After the last event
/// of a call it writes a byte to a file.
const LISTENER: &str = "
import os, sys
os.write(1, b'READY\\n')
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
while True:
    data = os.read(0, 65536)
    if not data:
        break
    if data.endswith(b'type:x\\nend'):
        os.write(out, b'x')
    os.write(1, b'RESULT 2\\nOKREADY\\n')
";

/// Starts a daemon in a place of its own and measures. The place goes with it.
pub(crate) fn measure(daemon: &Path, place: &Path) -> Result<f64, String> {
    fs::create_dir_all(place)
        .map_err(|error| format!("cannot make {}: {error}", place.display()))?;
    let result = measure_in(daemon, place);
    fs::remove_dir_all(place)
        .map_err(|error| format!("cannot remove {}: {error}", place.display()))?;
    result
}

fn measure_in(daemon: &Path, place: &Path) -> Result<f64, String> {
    let (config, listener) = (place.join("supervisord.conf"), place.join("listener.py"));
    fs::write(&listener, LISTENER).map_err(|error| error.to_string())?;
    fs::write(&config, configuration(place)).map_err(|error| error.to_string())?;
    let mut child = Command::new(daemon)
        .args(["-n", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", daemon.display()))?;
    let figure = figure(place);
    end(&mut child);
    figure
}

/// Asks it to end, which ends the listener with it.
fn end(child: &mut Child) {
    let pid = child.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &pid]).status();
    if !asked.is_ok_and(|status| status.success()) {
        // The daemon is ours, and nobody waits for it any more.
        let _ = child.kill();
    }
    let _ = child.wait();
}

fn configuration(place: &Path) -> String {
    let here = place.display();
    format!(
        "[supervisord]\nlogfile={here}/main.log\npidfile={here}/pid\nchildlogdir={here}\n\
         [unix_http_server]\nfile={here}/sock\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [eventlistener:l]\ncommand=python3 -S {here}/listener.py {here}/ends\nevents=REMOTE_COMMUNICATION\n\
         buffer_size=1000000\nstartsecs=0\nstdout_logfile=NONE\n"
    )
}

fn figure(place: &Path) -> Result<f64, String> {
    let (socket, ends) = (place.join("sock"), place.join("ends"));
    let count = || fs::read(&ends).map_or(0, |bytes| bytes.len());
    // The first event shows that all are ready.
    let begun = Instant::now();
    while call(&socket, &multicall(1)).is_err() || count() == 0 {
        if begun.elapsed() > PATIENCE {
            return Err("the listener takes no events".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let (mut sent, calls) = (0, multicall(BATCH));
    let mut spent = Duration::ZERO;
    while sent < EVENTS_MAX && (sent < EVENTS_MIN || spent < TIME_MIN) {
        let (before, begun) = (count(), Instant::now());
        call(&socket, &calls)?;
        while count() == before {
            if begun.elapsed() > PATIENCE {
                return Err("the events do not arrive".to_owned());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        sent += BATCH;
        spent += begun.elapsed();
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let sent = sent as f64;
    Ok(sent / spent.as_secs_f64())
}

/// So many events in one call; the last of them says `end`.
fn multicall(count: usize) -> String {
    let event = |data: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value><string>supervisor.sendRemoteCommEvent</string></value>\
             </member><member><name>params</name><value><array><data><value><string>x</string></value><value><string>{data}\
             </string></value></data></array></value></member></struct></value>"
        )
    };
    let mut calls = event("data").repeat(count.saturating_sub(1));
    calls.push_str(&event("end"));
    format!(
        "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>\
         {calls}</data></array></value></param></params></methodCall>"
    )
}

fn call(socket: &Path, body: &str) -> Result<(), String> {
    let mut stream = UnixStream::connect(socket).map_err(|error| error.to_string())?;
    let head = format!(
        "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut answer = Vec::new();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .and_then(|()| stream.read_to_end(&mut answer))
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&answer);
    if text.contains(" 200 ") && !text.contains("faultCode") {
        Ok(())
    } else {
        Err(text.chars().take(300).collect())
    }
}
