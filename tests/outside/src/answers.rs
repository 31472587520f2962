//! What supervisorctl and a take-over read from a server.

use provost_ctl::outside::{answer, tables};
use provost_daemon::outside::takeover;
use provost_testkit::fuzz::parts;
use provost_wire::xmlrpc;

/// How many times as long as an answer all that is shown of it may be: a column is as wide as its widest name, and what
/// steers a terminal becomes four characters.
const GROWTH: usize = 64;

/// A server sends `data`: in pieces it is the same answer as in one, its body is no longer than what came, and what is shown
/// of it steers no terminal.
pub fn server_answer(data: &[u8]) {
    let (said, pieces) = parts(data);
    let whole = answer(&[said]);
    assert_eq!(answer(&pieces), whole);
    let body = match &whole {
        Ok(answer) => answer.body.as_slice(),
        Err(problem) => {
            assert!(!problem.is_empty());
            said
        }
    };
    assert!(body.len() <= said.len());
    for text in [body, said] {
        let Ok(Ok(value)) = xmlrpc::read_response(text) else {
            continue;
        };
        for shown in tables(&value) {
            let steers = |c: char| c.is_control() && c != '\n';
            assert!(!shown.contains(steers), "{shown:?}");
            // As wide as a column is when nothing in it is wide.
            let rows = shown.lines().count() + 1;
            assert!(shown.len() <= GROWTH * (text.len() + 8 * rows) + (1 << 16));
        }
    }
    let told = takeover::processes_of(said);
    if let Ok(Some(count)) = told {
        assert!(count <= said.len());
    }
    let text = String::from_utf8_lossy(said);
    let _ = takeover::verdict(&text);
    if let Some(pid) = takeover::pid_in(said) {
        assert_eq!(takeover::pid_in(format!("{pid}\n").as_bytes()), Some(pid));
    }
}
