//! What waits for a log, on its way from one image of supervisord to the next.

use super::{Flow, Retry, Sink, WRITE_PAUSE};
use provost_capture::held::Held;
use serde::{Deserialize, Serialize};
use std::time::{Instant, SystemTime};

/// Everything about an open log that is not in its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SinkState {
    held: Held,
    marker: Vec<u8>,
    reason: String,
    gap_since: Option<SystemTime>,
    at_line_start: bool,
}

impl Sink {
    /// What waits, if anything does.
    pub(in crate::logs) fn state(&self) -> Option<SinkState> {
        self.has_waiting().then(|| SinkState {
            held: self.held.clone(),
            marker: self.marker.clone(),
            reason: self.reason.to_string(),
            gap_since: self.gap_since,
            at_line_start: self.at_line_start,
        })
    }

    /// Goes on with what waited; it is tried at once.
    pub(in crate::logs) fn resume(&mut self, state: SinkState, now: Instant) {
        self.held = state.held;
        self.marker = state.marker;
        self.reason = state.reason.into();
        self.gap_since = state.gap_since;
        self.at_line_start = state.at_line_start;
        self.flow = Flow::Failing(Retry {
            at: now,
            pause: WRITE_PAUSE.0,
        });
    }
}
