//! What the old daemon says of its processes.

use provost_model::spec::{LogFile, namespec};
use provost_model::{Mono, Pid, ProcessSpec, ProcessState, Resting, Wall};
use provost_wire::xmlrpc::Value;
use std::path::PathBuf;
use std::time::Duration;

/// One process, from `getAllProcessInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) phase: ProcessState,
    /// None when there is no process.
    pub(super) pid: Option<Pid>,
    /// Wall seconds of the last start and the last end; 0 for never.
    pub(super) start: i64,
    pub(super) stop: i64,
    /// Wall seconds of the answer.
    now: i64,
    exitstatus: i32,
    spawnerr: String,
    /// Where its channels are logged; empty for nowhere.
    logs: [String; 2],
}

impl State {
    /// Its full name.
    pub(super) fn namespec(&self) -> String {
        namespec(&self.group, &self.name)
    }

    /// When it ended last.
    pub(super) fn ended(&self) -> Option<Wall> {
        moment(self.stop)
    }

    /// As the core hears of one that does not run.
    pub(super) fn resting(&self, now: Mono) -> Resting {
        let age = u64::try_from(self.now.saturating_sub(self.start)).unwrap_or(0);
        let age = u64::try_from(Duration::from_secs(age).as_nanos()).unwrap_or(u64::MAX);
        Resting {
            group: self.group.clone(),
            name: self.name.clone(),
            state: self.phase,
            started: moment(self.start).map(|wall| (Mono(now.0.saturating_sub(age)), wall)),
            ended: self.ended(),
            exitstatus: Some(self.exitstatus),
            spawnerr: self.spawnerr.clone(),
        }
    }

    /// The files with made-up names that it logs to.
    pub(super) fn auto_logs(&self, spec: &ProcessSpec) -> [Option<PathBuf>; 2] {
        let [stdout, stderr] = &self.logs;
        let path = |file: &LogFile, path: &String| {
            (*file == LogFile::Auto && !path.is_empty()).then(|| PathBuf::from(path))
        };
        [
            path(&spec.stdout.logfile, stdout),
            path(&spec.stderr.logfile, stderr),
        ]
    }
}

fn moment(secs: i64) -> Option<Wall> {
    (secs > 0).then_some(Wall { secs, nanos: 0 })
}

/// Reads the answer. None when it is none.
pub(super) fn read(answer: &Value) -> Option<Vec<State>> {
    answer.as_array()?.iter().map(read_one).collect()
}

fn read_one(value: &Value) -> Option<State> {
    let text = |name| Some(value.member(name)?.as_str()?.to_owned());
    let number = |name| value.member(name)?.as_int();
    let pid = i32::try_from(number("pid")?).ok()?;
    Some(State {
        group: text("group")?,
        name: text("name")?,
        phase: ProcessState::of_code(i32::try_from(number("state")?).ok()?)?,
        pid: (pid > 0).then_some(Pid(pid)),
        start: number("start")?,
        stop: number("stop")?,
        now: number("now")?,
        exitstatus: i32::try_from(number("exitstatus")?).ok()?,
        spawnerr: text("spawnerr")?,
        logs: [text("stdout_logfile")?, text("stderr_logfile")?],
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A process of a group of the same name.
    pub(in super::super) fn state(name: &str, phase: ProcessState, pid: i32) -> State {
        State {
            group: name.to_owned(),
            name: name.to_owned(),
            phase,
            pid: (pid > 0).then_some(Pid(pid)),
            start: 1000,
            stop: 0,
            now: 1010,
            exitstatus: 0,
            spawnerr: String::new(),
            logs: [String::new(), String::new()],
        }
    }

    fn answer(code: i64) -> Value {
        let int = |name: &str, number| (name.to_owned(), Value::Int(number));
        let text = |name: &str, text: &str| (name.to_owned(), Value::text(text));
        Value::Array(vec![Value::Struct(vec![
            text("name", "a"),
            text("group", "a"),
            int("start", 1000),
            int("stop", 0),
            int("now", 1010),
            int("state", code),
            text("spawnerr", ""),
            int("exitstatus", 0),
            text("stdout_logfile", ""),
            text("stderr_logfile", ""),
            int("pid", 7),
        ])])
    }

    #[test]
    fn answers_are_read_and_others_are_not_believed() {
        let expected = state("a", ProcessState::Running, 7);
        assert_eq!(read(&answer(20)), Some(vec![expected]));
        assert_eq!(read(&answer(21)), None);
        assert_eq!(read(&Value::Nil), None);
        assert_eq!(read(&Value::Array(vec![Value::Nil])), None);
    }

    #[test]
    fn times_are_counted_back_from_the_answer() {
        let resting = state("a", ProcessState::Stopped, 0).resting(Mono(20_000_000_000));
        let wall = Wall {
            secs: 1000,
            nanos: 0,
        };
        assert_eq!(resting.started, Some((Mono(10_000_000_000), wall)));
        assert_eq!(resting.ended, None);
        let never = State {
            start: 0,
            ..state("a", ProcessState::Stopped, 0)
        };
        assert_eq!(never.resting(Mono(0)).started, None);
    }
}
