//! How a log stands: for listeners, and on its way from one image of supervisord to the next.

use super::{Flow, Retry, Sink, WRITE_PAUSE};
use crate::held::{Gap, Held};
use provost_model::LogState;
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
    #[serde(default)]
    failing_since: Option<Gap>,
}

impl Sink {
    /// What listeners are to hear, once for each change.
    pub fn take_change(&mut self) -> Option<LogState> {
        let fails = matches!(self.flow, Flow::Failing(_) | Flow::Broken);
        match (fails, self.failing_since) {
            (true, None) => {
                self.failing_since = Some(self.held.total());
                let reason = self.reason.to_string();
                Some(LogState::Failing { reason })
            }
            (false, Some(before)) => {
                self.failing_since = None;
                let Gap { bytes, lines } = self.held.total().since(before);
                Some(LogState::Working { bytes, lines })
            }
            _ => None,
        }
    }

    /// Why it takes no output, if it does not, and what was dropped since it was opened.
    pub fn figures(&self) -> (Option<&str>, Gap) {
        let reason = self.failing_since.map(|_| &*self.reason);
        (reason, self.held.total())
    }

    /// What waits, if anything does.
    pub fn state(&self) -> Option<SinkState> {
        self.has_waiting().then(|| SinkState {
            held: self.held.clone(),
            marker: self.marker.clone(),
            reason: self.reason.to_string(),
            gap_since: self.gap_since,
            at_line_start: self.at_line_start,
            failing_since: self.failing_since,
        })
    }

    /// Goes on with what waited; it is tried at once.
    pub fn resume(&mut self, state: SinkState, now: Instant) {
        self.held = state.held;
        self.marker = state.marker;
        self.reason = state.reason.into();
        self.gap_since = state.gap_since;
        self.at_line_start = state.at_line_start;
        self.failing_since = state.failing_since;
        self.flow = Flow::Failing(Retry {
            at: now,
            pause: WRITE_PAUSE.0,
        });
    }
}
