//! What was written to disk: spools, run records, the audit log, saved states.

use provost_core::Core;
use provost_wire::audit::{Chain, NONE_BEFORE, Outcome, Record as Call, digest};
use provost_wire::checksum::crc32;
use provost_wire::runs;
use provost_wire::spool::{self, Record};
use std::sync::Arc;

/// `data` is read as a file of records, and as the body of a record whose checksum is right.
pub fn spool_records(data: &[u8]) {
    let _ = spool::read_header(data);
    spooled(data);
    let mut sealed = Vec::new();
    for body in data.split(|byte| *byte == 0xfe) {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        sealed.extend(length.to_le_bytes());
        sealed.extend(crc32(body).to_le_bytes());
        sealed.extend_from_slice(body);
    }
    spooled(&sealed);
}

/// Nothing is read that is not there, each whole record is one that writing gives again, and a shorter beginning of it is
/// no whole record.
fn spooled(data: &[u8]) {
    let mut rest = data;
    loop {
        match spool::decode(rest) {
            Record::Whole { event, length } => {
                let (record, after) = rest.split_at(length);
                let (serial, pool_serial, event) = event;
                let pool = Arc::from("p");
                let envelope = provost_model::Envelope {
                    serial,
                    pool,
                    pool_serial,
                    event,
                };
                let mut again = Vec::new();
                assert!(spool::encode(&envelope, &mut again));
                // A truth that is not 1 is read as false, and a checksum is right for both.
                assert_eq!(again.len(), record.len());
                let short = record.get(..length - 1).unwrap_or_default();
                assert!(matches!(spool::decode(short), Record::Partial { .. }));
                assert!(length > 0);
                rest = after;
            }
            Record::Partial { needed } => {
                assert!(needed > rest.len());
                break;
            }
            Record::Damaged { length } => {
                // What stands behind it is looked at, as the reader of a spool does.
                match rest.get(length..) {
                    Some(after) if length > 0 => rest = after,
                    _ => break,
                }
            }
        }
    }
}

/// `data` is read as run records and as an audit log, as it is and with right checksums; what is read can be written and
/// read again.
pub fn records(data: &[u8]) {
    run_records(data);
    let sealed: Vec<u8> = data
        .split(|byte| *byte == b'\n')
        .flat_map(|line| [line, format!(" {:08x}\n", crc32(line)).as_bytes()].concat())
        .collect();
    run_records(&sealed);
    let mut chain = Chain::default();
    for line in data.split(|byte| *byte == b'\n') {
        if let Err(broken) = chain.step(line) {
            assert_eq!(broken.line, chain.lines());
            break;
        }
    }
    audited(data);
}

fn run_records(data: &[u8]) {
    let reading = runs::read(data);
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(reading.running.len() + reading.damaged <= lines);
    let written: Option<String> = reading.running.iter().map(runs::started).collect();
    // Escaping makes a line longer, perhaps longer than one may be.
    let Some(written) = written else { return };
    let again = runs::read(written.as_bytes());
    assert_eq!(again.running, reading.running);
    assert_eq!(again.damaged, 0);
    let ends: String = reading
        .running
        .iter()
        .map(|record| runs::ended(&record.identity))
        .collect();
    let over = runs::read((written + &ends).as_bytes());
    assert_eq!((over.running.len(), over.damaged), (0, 0));
}

/// Lines of an audit log about clients that call themselves whatever they like fit, and none can be changed.
fn audited(data: &[u8]) {
    let (mut chain, mut prev) = (Chain::default(), NONE_BEFORE.to_owned());
    let words = data.split(|byte| *byte == b'\n').take(8);
    let mut lines = Vec::new();
    for (seq, word) in (1..).zip(words) {
        let text = String::from_utf8_lossy(word).into_owned();
        let call = Call {
            principal: text.clone(),
            how: "password".to_owned(),
            transport: "tcp",
            peer: None,
            addr: Some(text.clone()),
            method: text.clone(),
            target: Some(text.clone()),
            args: vec![text; 20],
            outcome: Outcome::Done,
            ms: 1,
        };
        let line = call.line(seq, "2026-01-01T00:00:00Z", &prev);
        assert!(!line.contains('\n') && line.len() < 64 << 10);
        prev = digest(line.as_bytes());
        assert_eq!(chain.step(line.as_bytes()), Ok(()));
        assert_eq!(chain.last(), Some((seq, prev.as_str())));
        lines.push(line);
    }
    if let [first, second, ..] = lines.as_slice() {
        let mut chain = Chain::default();
        let changed = first.replacen("\"ms\":1", "\"ms\":2", 1);
        assert_eq!(chain.step(changed.as_bytes()), Ok(()));
        assert!(chain.step(second.as_bytes()).is_err());
    }
}

/// `data` is read as a saved core: that ends, and one that is found sound is so, and is written and read again the same.
pub fn saved_state(data: &[u8]) {
    let Ok(core) = serde_json::from_slice::<Core>(data) else {
        return;
    };
    assert_eq!(core.check(), Ok(()));
    let text = serde_json::to_vec(&core).unwrap_or_default();
    let again = serde_json::from_slice::<Core>(&text).map(|again| again.digest());
    assert_eq!(again.ok(), Some(core.digest()));
}
