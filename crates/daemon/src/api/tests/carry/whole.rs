//! Requests that are cut anywhere, and answers that are.

use super::*;

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

/// A stream for each place at which a request can be cut, the kinds of server in turn.
fn cut_at_every_byte(relay: &mut Relay, request: &[u8], check: impl Fn(&mut dyn Both, usize)) {
    let cuts: Vec<usize> = (0..=request.len()).collect();
    for some in cuts.chunks(60) {
        let mut streams: Vec<(usize, Box<dyn Both>)> = Vec::new();
        for &cut in some {
            let mut stream: Box<dyn Both> = if cut % 2 == 0 {
                Box::new(relay.tcp())
            } else {
                Box::new(relay.unix())
            };
            stream.write_all(&request[..cut]).unwrap();
            streams.push((cut, stream));
        }
        Relay::settle();
        relay.hand_over();
        for (cut, stream) in &mut streams {
            // A byte, and once more: what was carried is carried again.
            if *cut < request.len() {
                stream.write_all(&request[*cut..=*cut]).unwrap();
            }
        }
        Relay::settle();
        relay.hand_over();
        for (cut, stream) in &mut streams {
            if *cut < request.len() {
                stream.write_all(&request[*cut + 1..]).unwrap();
            }
        }
        for (cut, stream) in &mut streams {
            check(&mut **stream, *cut);
        }
    }
}

fn is_state(response: &Response) -> bool {
    response.status == 200 && response.text().contains("RUNNING")
}

#[test]
fn a_call_that_is_cut_anywhere_gets_one_answer() {
    let mut relay = Relay::new(Setup::default());
    let request = call("supervisor.getState");
    cut_at_every_byte(&mut relay, &request, |stream, cut| {
        assert!(is_state(&read_response(stream).unwrap()), "cut at {cut}");
        // The next answer is that of the next call, and nothing is between them.
        stream
            .write_all(&call("supervisor.getIdentification"))
            .unwrap();
        let next = read_response(stream).unwrap();
        assert!(next.text().contains("<string>supervisor<"), "cut at {cut}");
    });
    let core = relay.core();
    let states = core.asked.iter();
    let states = states.filter(|(_, request)| *request == Request::GetState);
    assert_eq!(states.count(), request.len() + 1);
}

#[test]
fn pipelined_calls_that_are_cut_anywhere_get_their_answers_in_order() {
    let mut relay = Relay::new(Setup::default());
    let get = b"GET /ok.html HTTP/1.1\r\n\r\n".to_vec();
    let small = post(b"<methodCall><methodName>supervisor.getState</methodName></methodCall>");
    let request = [get.clone(), small, get].concat();
    cut_at_every_byte(&mut relay, &request, |stream, cut| {
        assert_eq!(read_response(stream).unwrap().text(), "OK", "cut at {cut}");
        assert!(is_state(&read_response(stream).unwrap()), "cut at {cut}");
        assert_eq!(read_response(stream).unwrap().text(), "OK", "cut at {cut}");
    });
}

#[test]
fn version_1_0_closes_after_its_answer_and_not_before() {
    let mut relay = Relay::new(Setup::default());
    let request = b"GET /ok.html HTTP/1.0\r\n\r\n";
    cut_at_every_byte(&mut relay, request, |stream, cut| {
        assert_eq!(read_response(stream).unwrap().text(), "OK", "cut at {cut}");
        assert!(super::super::is_closed(&mut *stream), "cut at {cut}");
    });
}

#[test]
fn a_client_is_told_once_to_send_its_body() {
    let mut relay = Relay::new(Setup::default());
    let body = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for cut in [0, 1, 20, body.len() - 1] {
        let mut stream = relay.tcp();
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(read_head(&mut stream).unwrap(), "HTTP/1.1 100 Continue");
        stream.write_all(&body[..cut]).unwrap();
        Relay::settle();
        relay.hand_over();
        assert!(is_silent(&stream), "cut at {cut}");
        relay.hand_over();
        stream.write_all(&body[cut..]).unwrap();
        assert!(is_state(&read_response(&mut stream).unwrap()));
        assert!(is_silent(&stream));
    }
    // Whose header is not complete is told afterwards.
    let mut stream = relay.tcp();
    stream.write_all(&head.as_bytes()[..50]).unwrap();
    Relay::settle();
    relay.hand_over();
    stream.write_all(&head.as_bytes()[50..]).unwrap();
    assert_eq!(read_head(&mut stream).unwrap(), "HTTP/1.1 100 Continue");
    stream.write_all(body).unwrap();
    assert!(is_state(&read_response(&mut stream).unwrap()));
}

/// More than sockets hold.
const LARGE: usize = 6 << 20;

fn large(request: &Request) -> Option<Answer> {
    match request {
        Request::GetIdentification => Some(Ok(Reply::Text("0123456789".repeat(LARGE / 10)))),
        request => super::super::calm(request),
    }
}

#[test]
fn an_answer_that_is_read_slowly_is_whole() {
    let mut relay = Relay::new(Setup {
        script: large,
        ..Setup::default()
    });
    let (mut kept, mut ended) = (relay.tcp(), relay.unix());
    let two = [
        call("supervisor.getIdentification"),
        call("supervisor.getState"),
    ];
    kept.write_all(&two.concat()).unwrap();
    let body = String::from_utf8(call("supervisor.getIdentification")).unwrap();
    let closing = body.replace("HTTP/1.1\r\n", "HTTP/1.1\r\nConnection: close\r\n");
    ended.write_all(closing.as_bytes()).unwrap();
    relay.asked_twice(&Request::GetIdentification);
    Relay::settle();
    let mut read = |stream: &mut dyn Both| {
        let head = read_head(&mut &mut *stream).unwrap();
        let (_, length) = head.split_once("Content-Length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        for piece in body.chunks_mut(length / 2 + 1) {
            relay.hand_over();
            stream.read_exact(piece).unwrap();
        }
        let text = String::from_utf8(body).unwrap();
        let (_, text) = text.split_once("<string>").unwrap();
        let (text, _) = text.split_once("</string>").unwrap();
        assert!(text == "0123456789".repeat(LARGE / 10), "{}", text.len());
    };
    read(&mut kept);
    read(&mut ended);
    assert!(is_state(&read_response(&mut kept).unwrap()));
    kept.write_all(&call("supervisor.getState")).unwrap();
    assert!(is_state(&read_response(&mut kept).unwrap()));
    assert!(super::super::is_closed(&mut ended));
    assert_eq!(relay.core().gone, []);
}

impl Relay {
    fn asked_twice(&self, request: &Request) {
        wait_until("a request is asked twice", || {
            let core = self.core();
            core.asked
                .iter()
                .filter(|(_, known)| known == request)
                .count()
                == 2
        });
    }
}

#[test]
fn a_client_that_is_heard_out_reads_its_refusal() {
    let mut relay = Relay::new(Setup::default());
    let mut stream = relay.tcp();
    stream
        .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n")
        .unwrap();
    stream.write_all(&vec![b'x'; 1_000_000]).unwrap();
    Relay::settle();
    relay.hand_over();
    stream.write_all(&vec![b'x'; 1_000_000]).unwrap();
    relay.hand_over();
    stream.write_all(&vec![b'x'; 3_000_000]).unwrap();
    assert_eq!(read_response(&mut stream).unwrap().status, 413);
    assert!(super::super::is_closed(&mut stream));
}

#[test]
fn a_body_that_nobody_reads_is_no_request() {
    let mut relay = Relay::new(Setup {
        script: patient,
        ..Setup::default()
    });
    let mut stream = relay.tcp();
    let body = "GET /nowhere HTTP/1.1\r\n\r\n";
    let page = format!(
        "GET /?action=start&processname=a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let two = [page.into_bytes(), call("supervisor.getState")].concat();
    stream.write_all(&two).unwrap();
    let id = relay.asked(&start_request("a"));
    relay.hand_over();
    relay.answer(id, Ok(Reply::Done));
    assert_eq!(read_response(&mut stream).unwrap().status, 301);
    relay.hand_over();
    assert!(is_state(&read_response(&mut stream).unwrap()));
    assert!(is_silent(&stream));
}

#[test]
fn who_waits_for_a_penalty_is_not_waited_for() {
    let mut relay = Relay::new(Setup {
        credentials: Some(("user".to_owned(), "password".to_owned())),
        ..Setup::default()
    });
    let request = |proof: &[u8]| {
        let proof = provost_wire::base64::encode(proof);
        format!("GET /ok.html HTTP/1.1\r\nAuthorization: Basic {proof}\r\n\r\n")
    };
    for _ in 0..10 {
        let mut stream = relay.tcp();
        stream.write_all(request(b"user:x").as_bytes()).unwrap();
        assert_eq!(read_response(&mut stream).unwrap().status, 401);
    }
    // It is of those that go as they are, after the others; unless the machine was so busy that the request had not been
    // read by then, or was answered before.
    wait_until("a hand-over while one waits for its penalty", || {
        let mut stream = relay.tcp();
        let begin = Instant::now();
        stream.write_all(request(b"user:x").as_bytes()).unwrap();
        Relay::settle();
        let took = relay.hand_over();
        let is_in_time = begin.elapsed() < Duration::from_millis(900);
        assert_eq!(read_response(&mut stream).unwrap().status, 401);
        assert!(super::super::is_closed(&mut stream));
        is_in_time && took >= Duration::from_millis(80)
    });
    let mut stream = relay.tcp();
    stream
        .write_all(request(b"user:password").as_bytes())
        .unwrap();
    assert_eq!(read_response(&mut stream).unwrap().text(), "OK");
}

#[test]
fn clients_that_nobody_has_accepted_are_served_by_the_next() {
    let mut relay = Relay::new(Setup::default());
    let mut streams = Vec::new();
    let (address, path) = (relay.address, relay.directory.join("sock"));
    relay.hand_over_and(|_| {
        for _ in 0..20 {
            let mut tcp = TcpStream::connect(address).unwrap();
            tcp.write_all(&call("supervisor.getState")).unwrap();
            let mut unix = UnixStream::connect(&path).unwrap();
            unix.write_all(&call("supervisor.getState")).unwrap();
            streams.push((tcp, unix));
        }
    });
    for (tcp, unix) in &mut streams {
        assert!(is_state(&read_response(tcp).unwrap()));
        assert!(is_state(&read_response(unix).unwrap()));
    }
}

#[test]
fn a_connection_whose_server_is_no_more_is_closed_and_its_request_withdrawn() {
    let mut relay = Relay::new(Setup {
        script: patient,
        ..Setup::default()
    });
    let mut stream = relay.unix();
    let params = [provost_wire::xmlrpc::Value::text("a")];
    let body = provost_wire::xmlrpc::write_call("supervisor.startProcess", &params);
    stream.write_all(&post(&body)).unwrap();
    let id = relay.asked(&start_request("a"));
    let api = relay.api.take().unwrap();
    let mut carried = api.hand_over();
    assert_eq!(carried.requests().collect::<Vec<_>>(), [id]);
    carried.servers.pop();
    relay.start(carried);
    assert!(super::super::is_closed(&mut stream));
    wait_until("it is withdrawn", || relay.core().gone == [id]);
}

#[test]
fn states_of_other_versions_are_read() {
    let text = "{\"server\": \"unix /x\", \"heard\": \"R0VU\", \"colour\": [1], \"progress\": {\"mood\": 2}}";
    let state: crate::api::ConnectionState = serde_json::from_str(text).unwrap();
    assert_eq!(state.request(), None);
    assert_eq!(state.heard, b"GET");
    let again = serde_json::to_string(&state).unwrap();
    assert!(again.contains("\"heard\":\"R0VU\""), "{again}");
}

#[test]
fn silent_connections_stay_silent_and_useful() {
    let mut relay = Relay::new(Setup::default());
    let (mut used, mut fresh) = (relay.tcp(), relay.tcp());
    used.write_all(&call("supervisor.getState")).unwrap();
    assert!(is_state(&read_response(&mut used).unwrap()));
    for _ in 0..20 {
        relay.hand_over();
    }
    assert!(is_silent(&used) && is_silent(&fresh));
    for stream in [&mut used, &mut fresh] {
        stream.write_all(&call("supervisor.getState")).unwrap();
        assert!(is_state(&read_response(stream).unwrap()));
    }
}
