//! What the logs thread has to say about its own work. Collected while a log is written, and written to the main log
//! afterwards, so that trouble with the main log itself cannot go round in circles.

use provost_model::Level;

/// Lines for the main log, oldest first.
#[derive(Default)]
pub(super) struct Notes(Vec<(Level, String)>);

impl Notes {
    pub(super) fn add(&mut self, level: Level, text: String) {
        self.0.push((level, text));
    }

    pub(super) fn take(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
