//! Upgrade in place: this process goes on as another program, with the same pid, children, pipes, sockets and clients.
//!
//! 1. [`rehearse`]: the new program is started beside us and shown a copy of our state. It says whether it can go on with
//!    it. Nothing has changed if it cannot.
//! 2. [`quiet`]: what is under way is finished; what the core orders meanwhile and takes time is put aside.
//! 3. [`depart`]: all threads leave what they hold; the state goes into a sealed file; the program is replaced.
//! 4. [`arrive`]: the new program loads the state and goes on with the very next event.
//!
//! The state names descriptors by number. Those are never closed by a failure on either side, so that the program before
//! can go on with the same state when the new one cannot.

mod arrive;
mod capsule;
mod collect;
mod depart;
mod doing;
mod go_on;
mod journal;
mod kept;
mod quiet;
mod rehearse;
mod state;

pub(crate) use arrive::{Arrival, arrive, hold_out};
pub(crate) use depart::{begin_anew, depart, go_back_to};
pub(crate) use doing::Doing;
pub(crate) use go_on::Paused;
pub(crate) use journal::Journal;
pub(crate) use kept::Kept;
pub(crate) use quiet::HandingOver;
pub(crate) use rehearse::{Examined, REHEARSE, Rehearsed, show};
pub(crate) use state::{
    Life, SavedChild, SavedConnection, SavedFile, SavedRun, SavedServer, SavedSocket, SavedSource,
    SavedState,
};

/// A state packed again, or why it cannot be read.
pub(crate) fn repacked(state: &[u8]) -> Result<Vec<u8>, String> {
    capsule::pack(&capsule::unpack::<SavedState>(state)?)
}
