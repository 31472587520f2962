//! What leaves no trace in the state of anything and is counted where it happens: bytes of logs, and how long things took.
//!
//! They belong to the process, as the system's own counts do.

use provost_wire::metrics::Histogram;
use std::sync::atomic::AtomicU64;

/// Bytes that logs of programs have taken.
pub(crate) static LOG_BYTES: AtomicU64 = AtomicU64::new(0);

/// Requests by XML-RPC, from the whole request to its answer.
pub(crate) static XML_CALLS: Histogram = Histogram::new();

/// Requests of the JSON interface.
pub(crate) static JSON_CALLS: Histogram = Histogram::new();

/// From the decision to start a process to its birth.
pub(crate) static SPAWNS: Histogram = Histogram::new();

/// From the end of a process that is started again at once to the birth of the next.
pub(crate) static RESPAWNS: Histogram = Histogram::new();
