//! A process as clients see it.

use super::machine::{Process, State};
use provost_model::info::{
    Description, LastExit, PastExit, ProcessDetail, ProcessHistory, ProcessInfo, ProcessView,
    StateChange,
};
use provost_model::spec::LogFile;
use provost_model::{Channel, Now, ProcessState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest difference, in seconds, between the wall clock at the start and the start counted back from now that is
/// taken for rounding; beyond it the wall clock was set, and the age decides.
const WALL_CLOCK_SLACK_SECS: u64 = 1;

impl Process {
    /// What has happened to it, in numbers: early ends, shortages, exit status, seconds of the last start and end.
    pub(crate) fn history(&self) -> (u32, u32, Option<i32>, i64, i64) {
        (
            self.tries,
            self.shortages,
            self.exitstatus,
            self.started.map_or(0, |(_, wall)| wall.secs),
            self.ended.map_or(0, |wall| wall.secs),
        )
    }

    /// Where a channel is logged; none when it is not logged to a file, or the edge has not yet named the file.
    pub(crate) fn log_path(&self, channel: Channel) -> Option<&Arc<Path>> {
        let (spec, auto) = match channel {
            Channel::Stdout => (&self.spec.stdout, &self.auto_stdout),
            Channel::Stderr => (&self.spec.stderr, &self.auto_stderr),
        };
        match &spec.logfile {
            LogFile::None => None,
            LogFile::Auto => auto.as_ref(),
            LogFile::Path(path) => Some(path),
        }
    }

    /// Where a channel is logged if the edge chose the file.
    pub(crate) fn auto_log_path(&self, channel: Channel) -> Option<&Arc<Path>> {
        let output = match channel {
            Channel::Stdout => &self.spec.stdout,
            Channel::Stderr => &self.spec.stderr,
        };
        match output.logfile {
            LogFile::Auto => self.log_path(channel),
            LogFile::None | LogFile::Path(_) => None,
        }
    }

    /// The edge has named an AUTO log.
    pub(crate) fn auto_log_named(&mut self, channel: Channel, path: PathBuf) {
        match channel {
            Channel::Stdout => self.auto_stdout = Some(path.into()),
            Channel::Stderr => self.auto_stderr = Some(path.into()),
        }
    }

    /// Wall seconds of the last start, or 0. Of a living child it is counted back from now, so that a wall clock that
    /// was set does not change its age.
    fn start_secs(&self, now: Now) -> i64 {
        let Some((mono, wall)) = self.started else {
            return 0;
        };
        if self.child().is_none() {
            return wall.secs;
        }
        let age = i64::try_from(now.mono.since(mono).as_secs()).unwrap_or(i64::MAX);
        let counted = now.wall.secs.saturating_sub(age);
        if counted.abs_diff(wall.secs) <= WALL_CLOCK_SLACK_SECS {
            wall.secs
        } else {
            counted
        }
    }

    fn description(&self, start: i64, now: Now) -> Description {
        match self.state {
            State::Running { .. } => {
                let uptime = now.wall.secs.saturating_sub(start);
                Description::Up {
                    uptime_secs: u64::try_from(uptime).unwrap_or(0),
                }
            }
            State::Backoff { .. } | State::Fatal => Description::Trouble,
            State::Stopped | State::Exited { .. } => {
                if self.ended.is_some() {
                    Description::Ended
                } else {
                    Description::NotStarted
                }
            }
            State::Awaited { .. }
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Unknown { .. } => Description::Empty,
        }
    }

    /// `getProcessInfo`.
    pub(crate) fn info(&self, now: Now) -> ProcessInfo {
        let start = self.start_secs(now);
        let path = |channel| self.log_path(channel).map(Arc::clone);
        ProcessInfo {
            name: self.name.clone(),
            group: self.group.clone(),
            start,
            stop: self.ended.map_or(0, |wall| wall.secs),
            now: now.wall.secs,
            state: self.published(),
            spawnerr: self.spawnerr.clone(),
            exitstatus: self.exitstatus.unwrap_or(0),
            stdout_logfile: path(Channel::Stdout),
            stderr_logfile: path(Channel::Stderr),
            pid: self.child().map_or(0, |child| child.pid.0),
            description: self.description(start, now),
        }
    }

    /// As those see it who look at all of it.
    pub(crate) fn view(&self, now: Now) -> ProcessView {
        let last_exit = self.past.last_exit();
        let last_exit = last_exit.and_then(|change| self.exit(&change));
        ProcessView {
            info: self.info(now),
            since_ms: self.past.last().map(|change| change.at_ms),
            starts: self.past.starts,
            restarts: self.past.restarts,
            spawn_failures: self.past.spawn_failures,
            last_exit,
            autostart: self.spec.autostart,
        }
    }

    /// The end of a child that brought a change.
    fn exit(&self, change: &StateChange) -> Option<LastExit> {
        let status = change.exit?;
        Some(LastExit {
            status,
            at_ms: change.at_ms,
            expected: change.state == ProcessState::Stopped
                || change.state == ProcessState::Exited
                    && self.spec.exitcodes.contains(&status.code()),
        })
    }

    /// When it ended last.
    pub(crate) fn last_exit_ms(&self) -> Option<u64> {
        Some(self.past.last_exit()?.at_ms)
    }

    /// What became of it.
    pub(crate) fn told_history(&self, now: Now) -> ProcessHistory {
        let path = |channel| self.log_path(channel).map(Arc::clone);
        let (since_ms, changes) = self.past.of_the_day(now.wall);
        let exits = self.past.exits();
        let exits = exits.filter_map(|change| {
            Some(PastExit {
                exit: self.exit(&change)?,
                logged: None,
            })
        });
        ProcessHistory {
            proc: self.id,
            stdout_logfile: path(Channel::Stdout),
            stderr_logfile: path(Channel::Stderr),
            since_ms,
            changes,
            exits: exits.collect(),
        }
    }

    /// All that there is to tell.
    pub(crate) fn detail(&self, now: Now) -> ProcessDetail {
        ProcessDetail {
            view: self.view(now),
            spec: Arc::clone(&self.spec),
            changes: self.past.changes(),
        }
    }

    /// Whether nothing runs and nothing is about to, so that it can go out of service.
    pub(crate) fn is_idle(&self) -> bool {
        self.published().is_stopped() && self.child().is_none()
    }
}
