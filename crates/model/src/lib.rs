//! Nouns that two or more rooms of Provost speak.
//!
//! This crate holds types and their `Display`, parsing and small look-ups. It refuses to do anything else: no I/O,
//! no clock, no decision. Whoever needs behaviour puts it in the room whose behaviour it is.

pub mod access;
pub mod authority;
pub mod config;
pub mod errno;
pub mod event;
pub mod exit;
pub mod fault;
pub mod helper;
pub mod ids;
pub mod info;
pub mod notice;
pub mod orphan;
pub mod quote;
pub mod request;
pub mod saved;
pub mod signal;
pub mod spawn;
pub mod spec;
pub mod state;
pub mod time;
pub mod tls;

pub use authority::Authority;
pub use errno::Errno;
pub use event::{Envelope, Event, EventKind, LogState};
pub use exit::ExitStatus;
pub use fault::{Fault, FaultCode};
pub use ids::{Channel, Pid, ProcId, RequestId, Run, SocketId, SpoolId, Ticket};
pub use notice::{Level, Notice};
pub use orphan::{Orphan, Orphans, Resting};
pub use request::{Answer, CacheDeed, Reply, Request};
pub use signal::Signal;
pub use spec::{FcgiSpec, GroupKind, GroupSpec, ProcessSpec};
pub use state::{ProcessState, SupervisorState};
pub use time::{Mono, Now, Wall};
