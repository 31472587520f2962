//! Shared sockets on their way from one image of supervisord to the next.

use super::{Shared, Sockets, State};
use crate::handover::{Kept, SavedSocket};
use provost_model::spawn::SocketProblem;
use std::io;

impl Sockets {
    /// All of them, for another image. One that is just being opened, which is so only after a panic, counts as failed.
    pub(crate) fn into_saved(self) -> Vec<SavedSocket> {
        let saved = self.all.into_iter().map(|(socket, shared)| {
            let open = match shared.state {
                State::Opening(_) => Err(SocketProblem {
                    url: shared.spec.url.clone(),
                    reason: "it was interrupted".to_owned(),
                    errno: None,
                }),
                State::Open(fd) => Ok(Kept::new(fd)),
                State::Failed(problem) => Err(problem),
            };
            SavedSocket {
                socket,
                spec: shared.spec,
                open,
            }
        });
        saved.collect()
    }

    /// Goes on with a socket that an earlier image of ours opened.
    pub(crate) fn resume(&mut self, saved: SavedSocket) -> io::Result<()> {
        let state = match saved.open {
            Ok(fd) => State::Open(fd.take()?),
            Err(problem) => State::Failed(problem),
        };
        let shared = Shared {
            spec: saved.spec,
            state,
            is_relieved: false,
        };
        self.all.insert(saved.socket, shared);
        Ok(())
    }
}
