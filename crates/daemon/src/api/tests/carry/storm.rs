//! Many hand-overs, and hand-overs at moments that nobody chose.

use super::*;
use std::sync::atomic::AtomicBool;

/// Clients that ask as fast as they can.
const BUSY: usize = 20;

/// Answers by what is asked, so that an answer to somebody else's question shows.
fn echo(request: &Request) -> Option<Answer> {
    match request {
        Request::StartProcess { name, .. } => Some(Ok(Reply::Text(name.clone()))),
        request => super::super::calm(request),
    }
}

fn ask(name: &str) -> Vec<u8> {
    let params = [provost_wire::xmlrpc::Value::text(name)];
    post(&provost_wire::xmlrpc::write_call(
        "supervisor.startProcess",
        &params,
    ))
}

fn is_answer(response: &Response, name: &str) -> bool {
    response.status == 200
        && response
            .text()
            .contains(&format!("<string>{name}</string>"))
}

/// Asks until `done`, and tells how often: once at least, however late a busy machine lets it begin.
fn busy(stream: &mut (impl Read + Write), number: usize, done: &AtomicBool) -> usize {
    let mut count = 0;
    loop {
        let name = format!("client{number}-{count}");
        stream.write_all(&ask(&name)).unwrap();
        let response = read_response(stream).unwrap();
        assert!(is_answer(&response, &name), "{name}: {response:?}");
        count += 1;
        if done.load(Ordering::Relaxed) {
            return count;
        }
    }
}

#[test]
fn two_hundred_hand_overs_are_noticed_by_nobody() {
    let mut relay = Relay::new(Setup {
        script: echo,
        ..Setup::default()
    });
    let idle: Vec<TcpStream> = (0..40).map(|_| relay.tcp()).collect();
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..BUSY {
        let done = Arc::clone(&done);
        let (tcp, unix) = (relay.tcp(), relay.unix());
        clients.push(std::thread::spawn(move || match number % 2 {
            0 => busy(&mut { tcp }, number, &done),
            _ => busy(&mut { unix }, number, &done),
        }));
    }
    // And one that comes anew each time.
    let (address, path) = (relay.address, relay.directory.join("sock"));
    let over = Arc::clone(&done);
    let fresh = std::thread::spawn(move || {
        let mut count = 0;
        while !over.load(Ordering::Relaxed) {
            let name = format!("fresh-{count}");
            let mut tcp = TcpStream::connect(address).unwrap();
            tcp.write_all(&ask(&name)).unwrap();
            assert!(is_answer(&read_response(&mut tcp).unwrap(), &name));
            let mut unix = UnixStream::connect(&path).unwrap();
            unix.write_all(&ask(&name)).unwrap();
            assert!(is_answer(&read_response(&mut unix).unwrap(), &name));
            count += 2;
        }
        count
    });
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..200 {
        std::thread::sleep(Duration::from_millis(5));
        took.push(relay.hand_over());
    }
    done.store(true, Ordering::Relaxed);
    let mut asked = fresh.join().unwrap();
    for client in clients {
        asked += client.join().unwrap();
    }
    took.sort();
    // The machine may be busy with others for most of the time: what a hand-over takes by itself shows in the shortest.
    let undisturbed = took[took.len() / 10];
    // Each was asked once: the core has as many requests as the clients have answers.
    let core = relay.core();
    assert_eq!(core.asked.len(), asked);
    assert!(core.gone.is_empty() && core.early.is_empty());
    assert!(undisturbed < Duration::from_millis(70), "{undisturbed:?}");
    drop(idle);
}

/// As many at rest as the places of one address and of unix sockets allow, and as many busy ones as above: to be looked at,
/// as times depend on the machine.
#[test]
#[ignore = "measures"]
#[expect(clippy::print_stderr, reason = "it is what this is for")]
fn how_long_a_hand_over_takes() {
    let mut relay = Relay::new(Setup {
        script: echo,
        ..Setup::default()
    });
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..BUSY {
        let done = Arc::clone(&done);
        let mut stream = relay.tcp();
        clients.push(std::thread::spawn(move || busy(&mut stream, number, &done)));
    }
    let mut idle: Vec<Box<dyn Read>> = Vec::new();
    for _ in 0..44 {
        idle.push(Box::new(relay.tcp()));
    }
    for last in 2..4 {
        for _ in 0..50 {
            idle.push(Box::new(relay.tcp_from(last)));
        }
    }
    for _ in 0..60 {
        idle.push(Box::new(relay.unix()));
    }
    let mut took: Vec<Duration> = (0..50)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            relay.hand_over()
        })
        .collect();
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    took.sort();
    eprintln!(
        "{} idle and {BUSY} busy: median {:?}, longest {:?}",
        idle.len(),
        took[25],
        took[49]
    );
}
