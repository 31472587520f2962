//! Events a second: many events wait in a pool's buffer, then its listener is started and takes them one after the other,
//! as the protocol wants it. The listener is the same on both sides, hardly looks at what it is sent, and takes the time
//! itself, so that the daemon is what is measured.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Events of one call, and calls.
const BATCH: usize = 1_000;
const CALLS: usize = 5;

/// No step takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_mins(4);

/// Starts a daemon with so many idle programs in a place of its own and measures. The place goes with it.
pub(crate) fn measure(daemon: &Path, place: &Path, programs: usize) -> Result<f64, String> {
    fs::create_dir_all(place)
        .map_err(|error| format!("cannot make {}: {error}", place.display()))?;
    let result = measure_in(daemon, place, programs);
    fs::remove_dir_all(place)
        .map_err(|error| format!("cannot remove {}: {error}", place.display()))?;
    result
}

fn measure_in(daemon: &Path, place: &Path, programs: usize) -> Result<f64, String> {
    let config = place.join("supervisord.conf");
    let listener = std::env::current_exe().map_err(|error| error.to_string())?;
    let text = configuration(place, &listener, programs);
    fs::write(&config, text).map_err(|error| error.to_string())?;
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

fn configuration(place: &Path, listener: &Path, programs: usize) -> String {
    let (here, listener) = (place.display(), listener.display());
    format!(
        "[supervisord]\nlogfile={here}/main.log\npidfile={here}/pid\nchildlogdir={here}\n\
         [unix_http_server]\nfile={here}/sock\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [eventlistener:l]\ncommand={listener} bench-listener {here}/ends\nevents=REMOTE_COMMUNICATION\n\
         buffer_size=1000000\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\n\
         [program:p]\ncommand=/bin/sleep 86400\nprocess_name=p%(process_num)d\nnumprocs={programs}\nstartsecs=0\n\
         stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
}

fn figure(place: &Path) -> Result<f64, String> {
    let (socket, result) = (place.join("sock"), place.join("ends"));
    let begun = Instant::now();
    while let Err(reason) = call(&socket, &multicall(BATCH, "data")) {
        if begun.elapsed() > PATIENCE {
            return Err(reason);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..CALLS {
        call(&socket, &multicall(BATCH, "data"))?;
    }
    call(&socket, &multicall(1, "end"))?;
    let start = "<?xml version='1.0'?><methodCall><methodName>supervisor.startProcess</methodName><params><param>\
                 <value><string>l</string></value></param></params></methodCall>";
    call(&socket, start)?;
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(&result).unwrap_or_default();
        if let Some(figures) = text.strip_suffix(" end") {
            let (count, secs) = figures.split_once(' ').unwrap_or_default();
            let read = |text: &str| text.parse::<f64>().map_err(|error| error.to_string());
            return Ok(read(count)? / read(secs)?);
        }
        if begun.elapsed() > PATIENCE {
            return Err("the events do not arrive".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// So many events with this text in one call.
fn multicall(count: usize, data: &str) -> String {
    let event = format!(
        "<value><struct><member><name>methodName</name><value><string>supervisor.sendRemoteCommEvent</string></value>\
         </member><member><name>params</name><value><array><data><value><string>x</string></value><value><string>{data}\
         </string></value></data></array></value></member></struct></value>"
    );
    let calls = event.repeat(count);
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
