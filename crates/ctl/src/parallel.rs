//! Calls for many processes side by side, each process with its own calls one after the other.
//!
//! A connection has one call at a time, so each process gets a connection of its own, and one thread waits for all of
//! them.

use crate::exchange::Reading;
use crate::session::{Session, read_value};
use crate::transport::Connection;
use crate::trouble::Trouble;
use provost_wire::xmlrpc::{self, Value};
use std::collections::VecDeque;
use std::os::fd::AsFd;

/// Connections at once. The server takes 64 on a unix socket, and others want to talk to it, too.
const AT_ONCE: usize = 32;

/// One call: the full name of the method, and its parameters.
pub(crate) type Call = (String, Vec<Value>);

/// The calls for one process.
struct Chain {
    /// Which of all.
    index: usize,
    /// How many of its calls were made before the one under way.
    made: usize,
    /// Those to come.
    calls: VecDeque<Call>,
}

/// A chain with a call under way.
struct Line {
    chain: Chain,
    connection: Connection,
    asked: String,
    reading: Reading,
}

/// Makes all calls. `told` gets each outcome with the numbers of its chain and of its call, as they come; a chain goes on
/// after a refusal. Ctrl-C ends it.
pub(crate) fn run(
    session: &mut Session,
    chains: Vec<Vec<Call>>,
    mut told: impl FnMut(&mut Session, usize, usize, Result<Value, Trouble>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    session.watch_interrupts()?;
    let mut waiting: VecDeque<Chain> = VecDeque::new();
    for (index, calls) in chains.into_iter().enumerate() {
        let calls = calls.into();
        let made = 0;
        waiting.push_back(Chain { index, made, calls });
    }
    let mut lines: Vec<Line> = Vec::new();
    loop {
        while lines.len() < AT_ONCE
            && let Some(chain) = waiting.pop_front()
        {
            lines.extend(begin(session, chain)?);
        }
        if lines.is_empty() {
            return Ok(());
        }
        session.flush()?;
        let descriptors: Vec<_> = lines.iter().map(|line| line.connection.as_fd()).collect();
        let readable = session.wait(&descriptors, false)?;
        for index in readable {
            if let Some(line) = lines.get_mut(index) {
                let server = &session.server;
                line.reading
                    .take(server, &mut line.connection, &line.asked)?;
            }
        }
        let is_done = |line: &Line| line.reading.is_complete();
        let (done, rest): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(is_done);
        lines = rest;
        for line in done {
            let answer = line.reading.finish(&session.server, &line.asked)?;
            let outcome = read_value(&line.asked, &answer.body);
            let Chain { index, made, calls } = line.chain;
            told(session, index, made, outcome)?;
            let made = made + 1;
            waiting.push_front(Chain { index, made, calls });
        }
    }
}

/// Sends the next call of a chain; none when it has no more.
fn begin(session: &Session, mut chain: Chain) -> Result<Option<Line>, Trouble> {
    let Some((asked, params)) = chain.calls.pop_front() else {
        return Ok(None);
    };
    let server = &session.server;
    let mut connection = server.connect()?;
    let body = xmlrpc::write_call(&asked, &params);
    let sent = connection.send_call(&body);
    sent.map_err(|cause| server.lost(&asked, cause))?;
    Ok(Some(Line {
        chain,
        connection,
        asked,
        reading: Reading::default(),
    }))
}
