//! Resting, and from one image of supervisord to the next.

use super::{Line, Room, RunLog};
use crate::logs::{CarriedChannel, CarriedLogs, CarriedRun, HeldLog};
use provost_model::{Channel, Errno, Level, Run};
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;

impl Room {
    /// Leaves all pipes unread from now on; what floods of messages held back is told first.
    pub(super) fn rest(&mut self, done: &Sender<()>) {
        self.rests = true;
        for (run, log) in &mut self.runs {
            for (channel, line) in log.lines.iter_mut() {
                let Some(pipe) = &mut line.pipe else { continue };
                if std::mem::take(&mut pipe.watched) {
                    // It can only fail for a descriptor that is not waited for, which is what is wanted.
                    let _ = self.reactor.remove(pipe.fd.as_fd());
                }
                self.paused.insert((*run, channel));
            }
        }
        self.desk.main.tell_floods(true);
        self.desk.main.tell_notes();
        // Who asked may have lost patience; then the word to go on is on its way.
        let _ = done.send(());
    }

    /// Reads on.
    pub(super) fn go_on(&mut self) {
        self.rests = false;
        self.resume();
    }

    /// Gives everything away. Nothing is read or written.
    pub(super) fn hand_over(mut self) -> CarriedLogs {
        let remnants: BTreeSet<Run> = self.remnants.values().flatten().copied().collect();
        let mut carried = CarriedLogs::default();
        for (run, RunLog { proc, lines }) in std::mem::take(&mut self.runs) {
            let mut spec = None;
            let mut protocol = false;
            let mut channels = Vec::new();
            for (channel, Line { output, pipe }) in lines.into_each() {
                spec.get_or_insert_with(|| output.spec().clone());
                protocol |= output.is_protocol();
                let sink = output.sink();
                let path = sink.and_then(|sink| self.desk.main.sinks.path(sink));
                channels.push(CarriedChannel {
                    channel,
                    path: path.map(std::path::Path::to_path_buf),
                    pipe: pipe.map(|pipe| pipe.fd),
                    state: output.into_state(),
                });
            }
            let Some(spec) = spec else { continue };
            carried.runs.push(CarriedRun {
                run,
                proc,
                spec,
                protocol,
                is_remnant: remnants.contains(&run),
                channels,
            });
        }
        carried.held = self.desk.main.sinks.states();
        self.desk.main.give_up();
        carried
    }

    /// Goes on with a run.
    pub(super) fn take_up(&mut self, carried: CarriedRun) {
        let CarriedRun {
            run,
            proc,
            spec,
            protocol,
            is_remnant,
            channels,
        } = carried;
        let path_of = |wanted| {
            let mut channels = channels.iter();
            channels
                .find(|channel| channel.channel == wanted)
                .and_then(|channel| channel.path.clone())
        };
        let paths = [path_of(Channel::Stdout), path_of(Channel::Stderr)];
        let wanted: Vec<Channel> = channels.iter().map(|channel| channel.channel).collect();
        self.open_for_adopted(run, proc, &spec, paths, protocol, &wanted);
        if is_remnant {
            self.remnants.entry(proc).or_default().push_back(run);
        }
        for channel in channels {
            let log = self.runs.get_mut(&run);
            if let Some(line) = log.and_then(|log| log.lines.get_mut(channel.channel)) {
                line.output.resume(channel.state);
            }
            if let Some(pipe) = channel.pipe {
                self.attach(run, channel.channel, pipe);
            }
        }
    }

    /// Goes on with what waited for a log.
    pub(super) fn take_up_log(&mut self, held: HeldLog) {
        let path = held.path.clone();
        if let Err(error) = self.desk.main.sinks.resume(held) {
            let text = format!(
                "could not open log {}: {}; what waited for it is lost",
                path.display(),
                Errno::of(&error)
            );
            self.desk.main.sinks.note(Level::Error, text);
        }
    }
}
