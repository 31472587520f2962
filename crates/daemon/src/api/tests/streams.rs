//! Streams of events.

use super::*;
use provost_model::{Fault, FaultCode};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn measuring_goes_on_after_a_question_that_nobody_answered() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let rig = Rig::new(Plan {
        // The first is for the snapshot, the second for the first sample.
        script: |request| match request {
            Request::GetAllViews if ASKED.fetch_add(1, Ordering::Relaxed) == 1 => {
                Some(Err(Fault::bare(FaultCode::Failed)))
            }
            Request::GetAllViews => Some(Ok(Reply::Views {
                views: Vec::new(),
                position: None,
            })),
            _ => Some(Ok(Reply::Done)),
        },
        ..Plan::default()
    });
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /api/v1/events?usage=1 HTTP/1.1\r\n\r\n")
        .unwrap();
    let (mut text, begun) = (String::new(), Instant::now());
    let mut piece = [0; 4096];
    while !text.contains("event: usage") {
        // A silent stream has its heartbeats.
        assert!(begun.elapsed() < DEADLINE, "no sample: {text}");
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "it ended: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert!(ASKED.load(Ordering::Relaxed) > 2);
}
