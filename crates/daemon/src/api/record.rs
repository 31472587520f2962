//! What is written down about a call, and when: a line before its answer, whatever comes of it.

use super::Context;
use super::caller::{Caller, Peer};
use crate::audit::Audit;
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Mono};
use provost_os::clock;
use provost_wire::audit::{Outcome, Record};
use std::rc::Rc;

/// A call that is to be recorded. One that is dropped half way is recorded as left by its client.
pub(super) struct Entry {
    audit: Option<Audit>,
    peer: Rc<Peer>,
    record: Record,
    since: Mono,
}

/// What a call is.
pub(super) struct Deed<'a> {
    pub(super) verb: Verb,
    pub(super) method: &'a str,
    pub(super) target: Option<&'a str>,
    /// Without secrets.
    pub(super) args: Vec<String>,
}

/// Begins to record a call. Fails when it must be recorded and cannot be.
pub(super) async fn begin(
    context: &Context,
    caller: &Caller,
    deed: Deed<'_>,
) -> Result<Entry, Fault> {
    let is_wanted = |audit: &&Audit| audit.records_reads() || !deed.verb.only_reads();
    let (began, ended, left) = {
        let progress = caller.tape().progress();
        (progress.began, progress.ended, progress.left)
    };
    // What an earlier image wrote is not written twice.
    let is_open = |_: &&Audit| !ended && !left;
    let audit = context.audit.as_ref().filter(is_wanted).filter(is_open);
    let audit = audit.cloned();
    let mut record = of_caller(caller, deed.method);
    record.target = deed.target.map(str::to_owned);
    record.args = deed.args;
    if let Some(audit) = audit.as_ref().filter(|audit| audit.refuses()) {
        let is_written = if let Some(is_written) = began {
            is_written
        } else {
            // If nobody waits for the end of it, it counts as not written.
            caller.tape().progress().began = Some(false);
            audit.record(record.clone()).await
        };
        if !is_written {
            let text =
                "the call cannot be recorded in the audit log, and [audit] on_failure=refuse";
            return Err(Fault::about(FaultCode::Failed, text));
        }
        caller.tape().progress().began = Some(true);
    }
    let since = Mono(
        *caller
            .tape()
            .progress()
            .since
            .get_or_insert(clock::mono().0),
    );
    Ok(Entry {
        audit,
        peer: Rc::clone(&caller.peer),
        record,
        since,
    })
}

/// Records a call that its caller had no right to.
pub(super) async fn denied(context: &Context, caller: &Caller, deed: Deed<'_>, fault: &Fault) {
    let was_ended = std::mem::replace(&mut caller.tape().progress().ended, true);
    if let Some(audit) = context.audit.as_ref().filter(|_| !was_ended) {
        let mut record = of_caller(caller, deed.method);
        record.target = deed.target.map(str::to_owned);
        record.args = deed.args;
        record.outcome = Outcome::Denied(fault.code.code());
        audit.record(record).await;
    }
}

impl Entry {
    /// Records how it ended; none for well, else the fault's code.
    pub(super) async fn end(mut self, fault: Option<i32>) {
        {
            let mut progress = self.peer.tape.progress();
            progress.ended = true;
            // A request may have more than one deed; each is timed by itself.
            progress.since = None;
        }
        if let Some(audit) = self.audit.take() {
            let mut record = self.record.clone();
            record.outcome = fault.map_or(Outcome::Done, Outcome::Fault);
            record.ms = self.elapsed();
            audit.record(record).await;
        }
    }

    fn elapsed(&self) -> u64 {
        let took = clock::mono().since(self.since);
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.peer.tape.is_taken() {
            // The call goes on.
            return;
        }
        if let Some(audit) = self.audit.take() {
            self.peer.tape.progress().left = true;
            let mut record = self.record.clone();
            record.outcome = Outcome::Left;
            record.ms = self.elapsed();
            audit.post(record);
        }
    }
}

fn of_caller(caller: &Caller, method: &str) -> Record {
    let mut record = of_peer(&caller.peer);
    record.principal.clone_from(&caller.name);
    record.how.clone_from(&caller.how);
    method.clone_into(&mut record.method);
    record
}

fn of_peer(peer: &Peer) -> Record {
    let process = peer.process.as_ref();
    Record {
        principal: String::new(),
        how: String::new(),
        transport: if peer.tape.is_bound() {
            "tls"
        } else if peer.address.is_some() {
            "tcp"
        } else {
            "unix"
        },
        peer: process.map(|process| (process.uid, process.gid, process.pid)),
        addr: peer.address.map(|address| address.to_string()),
        method: String::new(),
        target: None,
        args: Vec::new(),
        outcome: Outcome::Begun,
        ms: 0,
    }
}

/// Records that somebody was not let in.
pub(super) fn unknown(context: &Context, peer: &Peer, count: u64) {
    if let Some(audit) = &context.audit {
        let mut record = of_peer(peer);
        "login".clone_into(&mut record.method);
        record.outcome = Outcome::Unknown(count);
        audit.post(record);
    }
}
