//! Clients that ask too much, too slowly, or nothing at all.

use super::*;
use std::process::{Command, Stdio};

#[test]
fn f51_too_long_lines_and_headers_are_refused() {
    let rig = Rig::new(Plan::default());
    let line = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(9 * 1024));
    assert_eq!(rig.ask(line).status, 414);
    let endless = format!("GET /{}", "a".repeat(20 * 1024));
    assert_eq!(rig.ask(endless).status, 414);
    let header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(17 * 1024));
    assert_eq!(rig.ask(header).status, 431);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    assert_eq!(rig.ask(many).status, 431);
    let fitting = format!("GET /ok.html?{} HTTP/1.1\r\n\r\n", "a".repeat(8 * 1000));
    assert_eq!(rig.ask(fitting).status, 200);
}

#[test]
fn f52_a_body_that_is_too_large_is_refused_before_it_is_read() {
    let rig = Rig::new(Plan::default());
    let mut stream = rig.tcp();
    stream
        .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(&mut stream).unwrap().status, 413);
    // A client that goes on sending is heard out, so that it reads its answer.
    let mut stream = rig.tcp();
    stream
        .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n")
        .unwrap();
    stream.write_all(&vec![b'x'; 5_000_000]).unwrap();
    assert_eq!(read_response(&mut stream).unwrap().status, 413);
}

#[test]
fn f54_f55_a_bomb_costs_a_refusal() {
    let rig = Rig::new(Plan::default());
    let bomb =
        b"<!DOCTYPE x [<!ENTITY a \"aaaa\">]><methodCall><methodName>&a;</methodName></methodCall>";
    let response = rig.ask(post(bomb));
    assert_eq!(response.status, 400);
    assert!(
        response
            .text()
            .contains("a document type declaration is not accepted"),
        "{}",
        response.text()
    );
    let deep = format!(
        "<methodCall><params>{}",
        "<param><value><array><data>".repeat(50_000)
    );
    assert_eq!(rig.ask(post(deep.as_bytes())).status, 400);
}

#[test]
fn f57_whoever_connects_and_says_nothing_displaces_only_his_own_kind() {
    // A quarter of the descriptors, 16, are places for TCP; an eighth, 8, for the unix socket.
    let rig = Rig::new(Plan {
        descriptors: 64,
        ..Plan::default()
    });
    let mut shell = rig.unix();
    shell.write_all(&call("supervisor.getState")).unwrap();
    assert_eq!(read_response(&mut shell).unwrap().status, 200);
    let mut silent: Vec<TcpStream> = Vec::new();
    for round in 0..100 {
        let mut stream = rig.tcp();
        stream.write_all(b"POST /RPC2 HTTP/1.1\r\nHost:").unwrap();
        silent.push(stream);
        if round % 10 == 0 {
            assert_eq!(
                rig.ask(call("supervisor.getState")).status,
                200,
                "over TCP in round {round}"
            );
            assert!(
                rig.call("supervisor.getState", &[]).is_ok(),
                "over the unix socket in round {round}"
            );
        }
    }
    // The oldest were told why.
    assert_eq!(read_response(&mut silent[0]).unwrap().status, 503);
    assert!(is_closed(&mut silent[0]));
    // A connection of the other kind was not touched.
    shell.write_all(&call("supervisor.getState")).unwrap();
    assert_eq!(read_response(&mut shell).unwrap().status, 200);
    for _ in 0..100 {
        let mut stream = rig.unix();
        stream.write_all(b"POST").unwrap();
        std::mem::forget(stream);
    }
    assert!(rig.call("supervisor.getState", &[]).is_ok());
}

#[test]
fn an_idle_connection_makes_room_before_one_that_may_be_about_to_ask() {
    let rig = Rig::new(Plan {
        descriptors: 8,
        ..Plan::default()
    });
    // Two places.
    let mut idle = rig.tcp();
    idle.write_all(&call("supervisor.getState")).unwrap();
    assert_eq!(read_response(&mut idle).unwrap().status, 200);
    let mut asking = rig.tcp();
    asking.write_all(b"GET /ok.html HTTP/1.1\r\n").unwrap();
    assert_eq!(rig.get("/ok.html").status, 200);
    assert!(is_closed(&mut idle));
    asking.write_all(b"\r\n").unwrap();
    assert_eq!(read_response(&mut asking).unwrap().status, 200);
}

#[test]
fn when_everybody_is_at_work_the_newcomer_is_refused() {
    let script: Script = |request| {
        if *request == Request::GetState {
            None
        } else {
            calm(request)
        }
    };
    let rig = Rig::new(Plan {
        script,
        descriptors: 4,
        ..Plan::default()
    });
    let mut working = rig.tcp();
    working.write_all(&call("supervisor.getState")).unwrap();
    rig.hears(&Heard::Asked(Request::GetState));
    let mut late = rig.tcp();
    assert_eq!(read_response(&mut late).unwrap().status, 503);
    assert!(
        rig.call("supervisor.getIdentification", &[]).is_ok(),
        "the unix socket has places of its own"
    );
}

#[test]
fn f49_half_a_header_and_a_trickle_of_a_body_end_after_their_time() {
    let rig = Rig::new(Plan::default());
    let begin = Instant::now();
    let (mut silent, mut half, mut body) = (rig.tcp(), rig.tcp(), rig.unix());
    half.write_all(b"POST /RPC2 HTTP/1.1\r\n").unwrap();
    body.write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 2000\r\n\r\n")
        .unwrap();
    while begin.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(200));
        // On a busy machine their time may be over by now; what counts is what they are told.
        let _ = half.write_all(b"A");
        let _ = body.write_all(b"A");
    }
    assert_eq!(read_response(&mut half).unwrap().status, 408);
    assert_eq!(read_response(&mut body).unwrap().status, 408);
    assert!(is_closed(&mut silent));
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_secs(9) && took < DEADLINE,
        "{took:?}"
    );
}

#[test]
fn a_stop_lets_the_answer_under_way_out_and_ends_the_rest() {
    let script: Script = |request| {
        if *request == Request::Shutdown {
            None
        } else {
            calm(request)
        }
    };
    let mut rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    let (mut idle, mut asking, mut half) = (rig.tcp(), rig.unix(), rig.tcp());
    idle.write_all(&call("supervisor.getState")).unwrap();
    assert_eq!(read_response(&mut idle).unwrap().status, 200);
    half.write_all(b"POST").unwrap();
    asking.write_all(&call("supervisor.shutdown")).unwrap();
    rig.hears(&Heard::Asked(Request::Shutdown));
    let answer = rig.kept.lock().unwrap().pop().unwrap();
    let answering = std::thread::spawn(move || answer.send(Ok(Reply::Done)));
    let begin = Instant::now();
    rig.stop();
    assert!(begin.elapsed() < DEADLINE / 2);
    answering.join().unwrap().unwrap();
    let response = read_response(&mut asking).unwrap();
    assert_eq!(
        xmlrpc::read_response(&response.body),
        Ok(Ok(Value::Bool(true)))
    );
    assert!(is_closed(&mut asking) && is_closed(&mut idle) && is_closed(&mut half));
    assert!(TcpStream::connect(rig.address).is_err());
}

/// Where the server of the next test says how to reach it.
const ADDRESS_FILE: &str = "PROVOST_TEST_ADDRESS_FILE";

/// The server of the next test, in a process that has few descriptors. Ends with its standard input.
#[test]
#[ignore = "is started by the next test"]
fn server_with_few_descriptors() {
    // More places than there are descriptors, so that these run out first.
    let rig = Rig::new(Plan {
        descriptors: 1 << 20,
        ..Plan::default()
    });
    let file = PathBuf::from(std::env::var_os(ADDRESS_FILE).unwrap());
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, rig.address.to_string()).unwrap();
    std::fs::rename(&fresh, &file).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn without_descriptors_the_silent_make_room() {
    let file = std::env::temp_dir().join(format!("provost-api-address-{}", std::process::id()));
    // Of an earlier process with our number.
    let _ = std::fs::remove_file(&file);
    let program = "ulimit -n 40; exec \"$0\" --exact --ignored \
        api::tests::limits::server_with_few_descriptors";
    let mut server = Command::new("sh")
        .args(["-c", program])
        .arg(std::env::current_exe().unwrap())
        .env(ADDRESS_FILE, &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the server is there", || file.exists());
    let address: SocketAddr = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    std::fs::remove_file(&file).unwrap();
    let connect = || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    };
    let mut silent = Vec::new();
    for round in 0..200 {
        silent.push(connect());
        if round % 20 == 0 {
            let mut asking = connect();
            asking.write_all(&call("supervisor.getState")).unwrap();
            let response = read_response(&mut asking).unwrap();
            assert_eq!(response.status, 200, "in round {round}");
        }
    }
    assert_eq!(read_response(&mut silent[0]).unwrap().status, 503);
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_control_loop_that_hangs_is_told_of_and_holds_up_nothing_else() {
    let rig = Rig::new(Plan {
        script: |_| None,
        ..Plan::default()
    });
    let begun = Instant::now();
    let mut waits = rig.tcp();
    waits
        .write_all(b"GET /api/v1/processes HTTP/1.1\r\n\r\n")
        .unwrap();
    let mut probe = rig.tcp();
    probe.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    // What the core is not asked for comes at once.
    assert_eq!(rig.get("/api/v1/openapi.json").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(2));
    let answer = read_response(&mut probe).unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (503, "the control loop does not answer\n")
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn f57_streams_take_no_places_of_connections() {
    // 16 places for TCP and as many streams, of which a user who may not do everything has 14.
    let rig = Rig::new(Plan {
        descriptors: 64,
        script: |request| match request {
            Request::GetAllViews => Some(Ok(Reply::Views {
                views: Vec::new(),
                position: None,
            })),
            _ => Some(Ok(Reply::Done)),
        },
        ..Plan::default()
    });
    let open = || {
        let mut stream = rig.tcp();
        stream
            .write_all(b"GET /api/v1/events HTTP/1.1\r\n\r\n")
            .unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        (stream, String::from_utf8_lossy(&begin).into_owned())
    };
    let mut streams = Vec::new();
    for _ in 0..16 {
        let (stream, status) = open();
        assert_eq!(status, "HTTP/1.1 200");
        streams.push(stream);
    }
    assert_eq!(open().1, "HTTP/1.1 503");
    let silent: Vec<_> = (0..16).map(|_| rig.tcp()).collect();
    assert_eq!(rig.get("/healthz").status, 200);
    drop((silent, streams.pop()));
    let begun = Instant::now();
    while open().1 != "HTTP/1.1 200" {
        assert!(begun.elapsed() < DEADLINE);
    }
}
