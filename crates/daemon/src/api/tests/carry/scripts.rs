//! Random scripts of pipelined requests, with hand-overs at random points: the client sees, byte for byte, what it sees
//! without any.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::Config;
use provost_wire::xmlrpc::{self, Value};

/// A request of a script.
#[derive(Clone, Debug)]
enum Item {
    Page,
    Nowhere,
    Head,
    State,
    /// A call that waits for its answer.
    Slow,
    /// Several, with one that waits among them.
    Multi(usize),
    /// A body that waits for leave.
    Expect,
    /// An answer that does not fit into a socket.
    Large,
    /// A restart by its page: two questions that wait.
    Restart,
    Nonsense,
}

/// What happens to a script.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Send(usize),
    HandOver,
    Answer,
    Wait,
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        2 => Just(Item::Page),
        1 => Just(Item::Nowhere),
        1 => Just(Item::Head),
        2 => Just(Item::State),
        3 => Just(Item::Slow),
        2 => (0_usize..4).prop_map(Item::Multi),
        1 => Just(Item::Expect),
        1 => Just(Item::Large),
        1 => Just(Item::Restart),
        1 => Just(Item::Nonsense),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..200).prop_map(Step::Send),
        1 => (200_usize..4000).prop_map(Step::Send),
        3 => Just(Step::HandOver),
        2 => Just(Step::Answer),
        2 => Just(Step::Wait),
    ]
}

fn bytes(item: &Item, number: usize) -> Vec<u8> {
    let name = Value::text(format!("p{number}"));
    let start =
        |name: &Value| xmlrpc::write_call("supervisor.startProcess", std::slice::from_ref(name));
    match item {
        Item::Page => b"GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        Item::Nowhere => b"\r\nGET /nowhere HTTP/1.1\n\n".to_vec(),
        Item::Head => b"HEAD /ok.html HTTP/1.1\r\n\r\n".to_vec(),
        Item::State => call("supervisor.getState"),
        Item::Slow => post(&start(&name)),
        Item::Multi(slow) => {
            let one = |index: usize| {
                let (method, params) = if index == *slow {
                    ("supervisor.startProcess", vec![name.clone()])
                } else {
                    ("supervisor.getIdentification", vec![])
                };
                Value::Struct(vec![
                    ("methodName".to_owned(), Value::text(method)),
                    ("params".to_owned(), Value::Array(params)),
                ])
            };
            let calls = Value::Array((0..4).map(one).collect());
            post(&xmlrpc::write_call("system.multicall", &[calls]))
        }
        Item::Expect => {
            let text = String::from_utf8(post(&start(&name))).unwrap();
            let line = "HTTP/1.1\r\nExpect: 100-continue\r\n";
            text.replacen("HTTP/1.1\r\n", line, 1).into_bytes()
        }
        Item::Large => call("supervisor.shutdown"),
        Item::Restart => {
            format!("GET /?action=restart&processname=r{number} HTTP/1.1\r\nHost: x\r\n\r\n")
                .into_bytes()
        }
        Item::Nonsense => post(b"<methodCall><nonsense/></methodCall>"),
    }
}

fn slow(request: &Request) -> Option<Answer> {
    match request {
        Request::StartProcess { .. } | Request::StopProcess { .. } => None,
        Request::Shutdown => Some(Ok(Reply::Text("large ".repeat(100_000)))),
        request => super::super::calm(request),
    }
}

/// Answers everything that waits, each by its name.
fn release(core: &mut Core) {
    let waiting: Vec<RequestId> = core.waiting.keys().copied().collect();
    for id in waiting {
        let asked = core.asked.iter().find(|(known, _)| *known == id);
        let reply = match asked {
            Some((_, Request::StartProcess { name, .. })) => Reply::Text(name.clone()),
            _ => Reply::Done,
        };
        core.answer(id, Ok(reply));
    }
}

/// What the client sees, without dates, and what the core was asked.
fn run(items: &[Item], steps: &[Step], on_unix: bool) -> (String, Vec<Request>) {
    let mut relay = Relay::new(Setup {
        script: slow,
        ..Setup::default()
    });
    let mut script = Vec::new();
    for (number, item) in items.iter().enumerate() {
        script.extend(bytes(item, number));
    }
    script.extend_from_slice(b"GET /ok.html HTTP/1.1\r\nConnection: close\r\n\r\n");
    let (mut writer, mut reader): (Box<dyn Write>, Box<dyn Read + Send>) = if on_unix {
        let stream = relay.unix();
        (Box::new(stream.try_clone().unwrap()), Box::new(stream))
    } else {
        let stream = relay.tcp();
        (Box::new(stream.try_clone().unwrap()), Box::new(stream))
    };
    let reading = std::thread::spawn(move || {
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        seen
    });
    let mut left = script.as_slice();
    for step in steps {
        match step {
            Step::Send(count) => {
                let (now, later) = left.split_at((*count).min(left.len()));
                writer.write_all(now).unwrap();
                left = later;
            }
            Step::HandOver => drop(relay.hand_over()),
            Step::Answer => release(&mut relay.core()),
            Step::Wait => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    writer.write_all(left).unwrap();
    wait_until("everything is answered", || {
        release(&mut relay.core());
        reading.is_finished()
    });
    let seen = String::from_utf8(reading.join().unwrap()).unwrap();
    let lines = seen.split_inclusive('\n');
    let seen = lines.filter(|line| !line.starts_with("Date: ")).collect();
    let core = relay.core();
    assert!(core.gone.is_empty(), "{:?}", core.gone);
    // Questions that change nothing may be asked twice.
    let asked = core.asked.iter().map(|(_, request)| request.clone());
    let changes = |request: &Request| {
        matches!(
            request,
            Request::StartProcess { .. } | Request::StopProcess { .. }
        )
    };
    (seen, asked.filter(changes).collect())
}

/// Each takes some time: fewer than usual, unless more are asked for.
fn cases() -> u32 {
    let usual = Config::default().cases;
    if std::env::var_os("PROPTEST_CASES").is_some() {
        usual
    } else {
        48
    }
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn hand_overs_change_nothing(
        items in prop::collection::vec(item(), 1..8),
        steps in prop::collection::vec(step(), 1..24),
        on_unix: bool,
    ) {
        let still: Vec<Step> = Vec::new();
        let expected = run(&items, &still, on_unix);
        let found = run(&items, &steps, on_unix);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_large_answer_is_carried_while_it_is_read() {
    for _ in 0..10 {
        let steps = [
            Step::Send(300),
            Step::Wait,
            Step::HandOver,
            Step::HandOver,
            Step::Send(3000),
            Step::Answer,
            Step::HandOver,
        ];
        for on_unix in [true, false] {
            let (seen, _) = run(&[Item::Large], &steps, on_unix);
            assert!(seen.ends_with("OK"));
        }
    }
}
