//! A thread of a spool breaks down: what it had open goes on in another one.

use super::*;
use provost_model::Event;
use std::fs;
use std::sync::mpsc::channel;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn event(serial: u64) -> Envelope {
    Envelope {
        serial,
        pool: "mail".into(),
        pool_serial: serial,
        event: Arc::new(Event::RemoteCommunication {
            kind: "t".to_owned(),
            data: serial.to_string(),
        }),
    }
}

/// Gives an order, and waits for what comes of it.
fn done(spools: &mut Spools, ticket: u64, order: SpoolOrder, all: &mut Answers) -> SpoolAnswer {
    let report = all.reporter();
    let ticket = Ticket(ticket);
    assert!(spools.order(ticket, SpoolId(1), order, &Logger::nowhere(), || report));
    let answer = all.next();
    assert_eq!(answer.0, ticket);
    spools.answered(ticket);
    answer.1.expect("it is done")
}

type Answer = (Ticket, Result<SpoolAnswer, SpoolProblem>);

struct Answers(Sender<Answer>, Receiver<Answer>);

impl Answers {
    fn new() -> Self {
        let (sender, answers) = channel();
        Self(sender, answers)
    }

    fn reporter(&self) -> Report {
        let sender = self.0.clone();
        Box::new(move |done| {
            if let Done::Errand(Errand::Spooled { ticket, answer }) = done {
                let _ = sender.send((ticket, answer));
            }
        })
    }

    fn next(&self) -> Answer {
        self.1.recv_timeout(PATIENCE).expect("an answer")
    }
}

#[test]
fn f05_a_spool_whose_thread_broke_down_is_opened_anew_by_the_next_one() {
    let path = std::env::temp_dir().join(format!("provost-lost-{}.events", std::process::id()));
    // Of an earlier process with our number.
    let _ = fs::remove_file(&path);
    let open = || SpoolOrder::Open {
        pool: "mail".into(),
        path: path.clone(),
        maxbytes: 1 << 20,
    };
    let append = |events| SpoolOrder::Append { done: 0, events };
    let mut spools = Spools::default();
    let mut all = Answers::new();
    done(&mut spools, 1, open(), &mut all);
    let answer = done(&mut spools, 2, append(vec![event(1), event(2)]), &mut all);
    assert!(matches!(answer, SpoolAnswer::Appended { taken: 2, .. }));
    // The thread is gone, as after a panic: it takes an order and never answers.
    let (gone, jobs) = channel();
    drop(spools.lanes.insert(path.clone(), gone));
    let order = append(vec![event(3)]);
    let report = all.reporter();
    assert!(spools.order(Ticket(3), SpoolId(1), order, &Logger::nowhere(), || report));
    drop(jobs);
    let (carried, lost) = spools.hand_over();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].is_in_use);
    assert_eq!(lost[0].orders, [Ticket(3)]);
    // On its way to another image.
    let text = serde_json::to_string(&carried).unwrap();
    let mut carried: Vec<CarriedSpool> = serde_json::from_str(&text).unwrap();
    let mut next = Spools::default();
    let report = all.reporter();
    next.resume(carried.remove(0), &Logger::nowhere(), report)
        .unwrap();
    let order = SpoolOrder::Read { done: 0, max: 10 };
    assert_eq!(done(&mut next, 4, order, &mut all), SpoolAnswer::Lost);
    let answer = done(&mut next, 5, open(), &mut all);
    assert!(matches!(answer, SpoolAnswer::Opened { events: 2, .. }));
    let order = SpoolOrder::Read { done: 0, max: 10 };
    let SpoolAnswer::Read { events, left, .. } = done(&mut next, 6, order, &mut all) else {
        panic!("it was not read");
    };
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    assert_eq!((events, left), (vec![event(1), event(2)], 0));
    fs::remove_file(&path).unwrap();
}
