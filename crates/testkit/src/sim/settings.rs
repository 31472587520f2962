//! How a seed is run, and the words of a command line that say it.

use super::faults;
use std::fmt::Write as _;

/// When the daemon dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaths {
    /// As the dice of the seed have it.
    ByChance,
    /// Not at all.
    Never,
    /// It is killed once, right after so many orders since the beginning have been carried out.
    After(usize),
    /// It is killed so, and its successor after so many orders of its own life.
    Twice(usize, usize),
}

/// What of a scene may be left out: kinds of faults, and what people do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u64);

/// What people do, beside the kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Clients and signals come.
    Clients,
    /// The configuration file is edited.
    Edits,
    /// Upgrades are asked for.
    Upgrades,
    /// There is a helper, and clients call it.
    Helper,
}

impl Habit {
    const ALL: [Self; 4] = [Self::Clients, Self::Edits, Self::Upgrades, Self::Helper];
}

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);

    fn bit(place: usize) -> Self {
        Self(1 << (place % 64))
    }

    /// The kind of fault that stands at this place.
    pub(super) fn of_fault(place: usize) -> Self {
        Self::bit(place)
    }

    pub(super) fn of_habit(habit: Habit) -> Self {
        Self::bit(faults::count() + habit as usize)
    }

    /// All that people do.
    pub(super) fn habits() -> Self {
        let each = Habit::ALL.into_iter().map(Self::of_habit);
        each.fold(Self::NONE, Self::and)
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other has not.
    #[must_use]
    pub fn but(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it has all of the other.
    pub fn has(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// One by one.
    pub fn each(self) -> impl Iterator<Item = Self> {
        let bits = (0..64).map(Self::bit);
        bits.filter(move |one| self.has(*one))
    }

    fn names() -> Vec<String> {
        let habits = Habit::ALL.iter().map(|habit| format!("{habit:?}"));
        faults::names().chain(habits).collect()
    }

    fn describe(self) -> String {
        let names = Self::names();
        let mine = names.iter().enumerate();
        let mine = mine.filter(|(place, _)| self.has(Self::bit(*place)));
        let mine: Vec<&str> = mine.map(|(_, name)| name.as_str()).collect();
        mine.join(",")
    }

    fn read(text: &str) -> Result<Self, String> {
        let names = Self::names();
        let words = text.split(',').filter(|word| !word.is_empty());
        let kinds = words.map(|word| {
            let place = names.iter().position(|name| name == word);
            place
                .map(Self::bit)
                .ok_or_else(|| format!("{word:?} is none of {}", names.join(", ")))
        });
        kinds.collect::<Result<Vec<_>, _>>().map(|kinds| {
            let all = kinds.into_iter();
            all.fold(Self::NONE, Self::and)
        })
    }
}

/// How a seed is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Inputs until the faults cease.
    pub steps: usize,
    /// Keep the conversation.
    pub traced: bool,
    /// Nobody sets the wall clock; all else stays as it is.
    pub wall_is_fixed: bool,
    /// When the daemon dies.
    pub deaths: Deaths,
    /// What does not happen.
    pub without: Kinds,
    /// The configuration has no more groups than this.
    pub programs: Option<usize>,
}

impl Settings {
    /// So many inputs, and whatever the dice have in store.
    pub const fn new(steps: usize) -> Self {
        Self {
            steps,
            traced: false,
            wall_is_fixed: false,
            deaths: Deaths::ByChance,
            without: Kinds::NONE,
            programs: None,
        }
    }

    /// The same with the conversation.
    #[must_use]
    pub const fn traced(self) -> Self {
        Self {
            traced: true,
            ..self
        }
    }

    /// The variables of the environment that say all this but the trace.
    pub fn describe(&self) -> String {
        let mut text = format!("PROVOST_STEPS={}", self.steps);
        let _ = match self.deaths {
            Deaths::After(orders) => write!(text, " PROVOST_KILL={orders}"),
            Deaths::Twice(first, second) => write!(text, " PROVOST_KILL={first},{second}"),
            Deaths::ByChance | Deaths::Never => Ok(()),
        };
        if self.without != Kinds::NONE {
            let _ = write!(text, " PROVOST_WITHOUT={}", self.without.describe());
        }
        if let Some(programs) = self.programs {
            let _ = write!(text, " PROVOST_PROGRAMS={programs}");
        }
        text
    }

    /// Reads what [`Settings::describe`] says; a variable that is not there leaves what stands here.
    pub fn read(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str, text: &str| {
            let number = text.parse::<usize>();
            number.map_err(|_| format!("{name} must be a number, it is {text:?}"))
        };
        if let Some(text) = variable("PROVOST_STEPS") {
            self.steps = number("PROVOST_STEPS", &text)?;
        }
        if let Some(text) = variable("PROVOST_KILL") {
            let read = |text: &str| number("PROVOST_KILL", text);
            self.deaths = match text.split_once(',') {
                Some((first, second)) => Deaths::Twice(read(first)?, read(second)?),
                None => Deaths::After(read(&text)?),
            };
        }
        if let Some(text) = variable("PROVOST_WITHOUT") {
            self.without = Kinds::read(&text)?;
        }
        if let Some(text) = variable("PROVOST_PROGRAMS") {
            self.programs = Some(number("PROVOST_PROGRAMS", &text)?);
        }
        Ok(self)
    }
}
