//! A number over what must be the same before and after a state was handed over.
//!
//! Both programs make it, perhaps of different versions: it is made of named facts, and not of how they are written down.
//! A fact that a later version has more is left out here, or both would differ.

use crate::program::Process;
use crate::supervisor::Core;
use std::fmt::{self, Write};

/// FNV-1a, which is the same everywhere and for ever.
struct Hash(u64);

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Ok(())
    }
}

impl Core {
    /// A number over programs, their states and runs, the numbers given so far, who waits, and which events wait.
    ///
    /// Equal states have equal numbers in this version and in each later one.
    pub fn digest(&self) -> u64 {
        let mut hash = Hash(0xCBF2_9CE4_8422_2325);
        // Nothing fails in a number.
        let _ = self.write_facts(&mut hash);
        hash.0
    }

    fn write_facts(&self, out: &mut Hash) -> fmt::Result {
        writeln!(out, "identifier {}", self.identifier)?;
        writeln!(out, "state {}", self.state().name())?;
        for group in &self.latest {
            writeln!(out, "configured {}", group.name)?;
        }
        for (id, group) in self.groups.created() {
            let (name, unstopped) = (&group.name, group.unstopped);
            writeln!(out, "group {} {name} {unstopped}", id.0)?;
            for process in group.procs.iter().filter_map(|&proc| self.procs.get(proc)) {
                write_process(out, process)?;
            }
        }
        for (home, pool) in &self.pools {
            writeln!(out, "pool {} {}", home.0, pool.name())?;
            for (serial, pool_serial) in pool.serials() {
                writeln!(out, "event {serial} {pool_serial}")?;
            }
        }
        let (last_socket, _) = self.sockets.last();
        for (what, last) in [
            ("process", self.last_proc.into()),
            ("group", self.groups.last().into()),
            ("run", self.runs.last()),
            ("order", self.tickets.last()),
            ("socket", last_socket),
            ("spool", self.last_spool),
            ("event", self.bus.serials.peek()),
        ] {
            writeln!(out, "last {what} {last}")?;
        }
        for (ticket, _) in self.tickets.open() {
            writeln!(out, "order {}", ticket.0)?;
        }
        for request in self.jobs.unanswered() {
            writeln!(out, "request {}", request.0)?;
        }
        for (namespace, values) in self.stores.counts() {
            writeln!(out, "store {namespace} {values}")?;
        }
        Ok(())
    }
}

fn write_process(out: &mut Hash, process: &Process) -> fmt::Result {
    let run = process.run().map_or(0, |run| run.0);
    let pid = process.child().map_or(0, |child| child.pid.0);
    let (id, name) = (process.id.0, &process.name);
    let state = process.published();
    writeln!(out, "process {id} {name} {state} run {run} pid {pid}")?;
    let deadline = process.deadline().map_or(0, |at| at.0);
    let (tries, shortages, status, started, ended) = process.history();
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    writeln!(
        out,
        "deadline {deadline} tries {tries} {shortages} status {status} started {started} ended {ended}"
    )
}
