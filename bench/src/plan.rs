//! What a supervisor is to look after, said once for all of them.

use std::path::{Path, PathBuf};

/// Where the output of a group goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// To `/dev/null`; the supervisor has no pipe.
    No,
    /// Both streams through pipes of the supervisor into files, which are never rotated.
    Files,
}

/// Programs that are all the same.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) count: usize,
    /// The command, absolute, without anything that a shell or a configuration would have to quote.
    pub(crate) command: Vec<String>,
    pub(crate) capture: Capture,
    /// Started again whenever it ends.
    pub(crate) restart: bool,
}

/// All of one run.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) groups: Vec<Group>,
    /// How long the reference rests after short reads, in microseconds; 0 for never.
    pub(crate) batch: u32,
    /// More lines of the configuration, for supervisors that read Supervisor's.
    pub(crate) more: String,
    /// Programs wait until somebody starts them, where the supervisor knows that.
    pub(crate) waiting: bool,
}

impl Plan {
    /// One group and nothing else.
    pub(crate) fn of(group: Group) -> Self {
        Self {
            groups: vec![group],
            ..Self::default()
        }
    }

    pub(crate) fn programs(&self) -> usize {
        self.groups.iter().map(|group| group.count).sum()
    }

    /// Every program: its group, and its number in there.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&Group, usize)> {
        self.groups
            .iter()
            .flat_map(|group| (0..group.count).map(move |number| (group, number)))
    }
}

/// The program that everybody looks after, with the files that it writes and waits for in one run.
pub(crate) struct Children<'a> {
    pub(crate) program: &'a Path,
    pub(crate) place: &'a Path,
}

impl Children<'_> {
    /// Where they stamp their starts and ends.
    pub(crate) fn stamps(&self) -> PathBuf {
        self.place.join("stamps")
    }

    /// The FIFO that lets them begin.
    pub(crate) fn gate(&self) -> PathBuf {
        self.place.join("gate")
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let program = self.program.display().to_string();
        std::iter::once(program)
            .chain(words.iter().map(|&word| word.to_owned()))
            .collect()
    }

    /// They stamp their start and live until TERM.
    pub(crate) fn idle(&self, count: usize, capture: Capture) -> Group {
        Group {
            name: "idle",
            count,
            command: self.command(&["pause", &self.stamps().display().to_string()]),
            capture,
            restart: true,
        }
    }

    /// One that leaves so many milliseconds after each start. Its stamps are in a file of their own.
    pub(crate) fn crasher(&self, life: u32, stamps: &Path, capture: Capture) -> Group {
        let (stamps, life) = (stamps.display().to_string(), life.to_string());
        Group {
            name: "crash",
            count: 1,
            command: self.command(&["crash", &stamps, &life]),
            capture,
            restart: true,
        }
    }

    /// They write so many bytes each, so many at a time, when the gate opens.
    pub(crate) fn spew(&self, count: usize, bytes: u64, chunk: u32) -> Group {
        let (gate, bytes) = (self.gate().display().to_string(), bytes.to_string());
        Group {
            name: "spew",
            count,
            command: self.command(&["spew", &gate, &bytes, &chunk.to_string()]),
            capture: Capture::Files,
            restart: false,
        }
    }

    /// They write a line of a hundred bytes in each period, when the gate opens.
    pub(crate) fn tick(&self, count: usize, micros: u32, lines: u64) -> Group {
        let (gate, micros) = (self.gate().display().to_string(), micros.to_string());
        Group {
            name: "spew",
            count,
            command: self.command(&["tick", &gate, &micros, &lines.to_string()]),
            capture: Capture::Files,
            restart: false,
        }
    }
}
