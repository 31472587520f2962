//! A core that is written down and read again, now and then or before every step (I29).
//!
//! What is read must be written in the same bytes again, be the same state, find itself sound, and answer the next input
//! as the state that was never written down does. The world then goes on with the one that was read.

use super::rng::Rng;
use super::run::Subject;
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::{Mono, Now};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// How often a core is written down and read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// In a third of the seeds, each time by chance.
    ByChance,
    /// Before every step.
    Always,
}

/// The core of a seed, which is saved and loaded on the way.
pub struct Kept {
    core: Core,
    dice: Rng,
    /// Permille of the steps before which it is.
    rate: u32,
    complaint: Option<String>,
    journal: Journal,
}

/// A state, and what it was told since: enough to work out the present one, as the daemon does after a panic.
struct Journal {
    base: Core,
    told: Vec<(Now, Input)>,
}

/// Inputs after which the state is remembered anew.
const TOLD_MAX: usize = 64;

impl Journal {
    fn new(core: &Core) -> Self {
        Self {
            base: core.clone(),
            told: Vec::new(),
        }
    }

    fn note(&mut self, core: &Core, now: Now, input: &Input) {
        if self.told.len() >= TOLD_MAX {
            *self = Self::new(core);
        }
        self.told.push((now, input.clone()));
    }

    fn work_out(&self) -> Core {
        let mut core = self.base.clone();
        let mut done_before = Vec::new();
        for (now, input) in &self.told {
            core.handle(*now, input.clone(), &mut done_before);
            done_before.clear();
        }
        core
    }
}

impl Kept {
    /// A core for this configuration.
    pub fn new(seed: u64, often: Often, config: LoadedConfig) -> Self {
        let mut dice = Rng::new(seed).fork(29);
        let is_one = dice.below(3) == 0;
        let rate = u32::try_from(dice.between(1, 20)).unwrap_or(0);
        let rate = match often {
            Often::Always => 1_000,
            Often::ByChance if is_one => rate,
            Often::ByChance => 0,
        };
        let core = Core::new(config);
        Self {
            journal: Journal::new(&core),
            core,
            dice,
            rate,
            complaint: None,
        }
    }
}

impl Kept {
    /// The same for another core.
    fn with(&self, core: Core) -> Self {
        Self {
            journal: Journal::new(&core),
            core,
            dice: self.dice.clone(),
            rate: self.rate,
            complaint: None,
        }
    }
}

impl Subject for Kept {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        self.journal.note(&self.core, now, &input);
        if !self.dice.chance(self.rate) {
            self.core.handle(now, input, out);
            return;
        }
        let carried = carry(&input);
        let mut loaded = match carried.and_then(|()| reload(&self.core, str::to_owned)) {
            Ok(loaded) => loaded,
            Err(what) => {
                self.complaint = Some(what);
                self.core.handle(now, input, out);
                return;
            }
        };
        let mut expected = Vec::new();
        self.core.handle(now, input.clone(), &mut expected);
        loaded.handle(now, input, out);
        if let Err(what) = out.iter().try_for_each(carry) {
            self.complaint = Some(what);
        } else if expected != *out {
            let what = format!("a loaded core orders {out:?}, the one before {expected:?}");
            self.complaint = Some(what);
        } else if loaded.next_deadline() != self.core.next_deadline() {
            self.complaint = Some("a loaded core wants to be called at another time".to_owned());
        }
        self.core = loaded;
    }

    fn next_deadline(&self) -> Option<Mono> {
        self.core.next_deadline()
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        self.with(Core::after(&self.core, config))
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        self.with(Core::new(config))
    }

    fn survive(&mut self) {
        let core = self.journal.work_out();
        if let Some(what) = difference(&self.core, &core) {
            self.complaint = Some(format!("the journal leads elsewhere: {what}"));
        }
        self.core = core;
    }

    fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }
}

/// Whether an input or an order is the same after it was written down and read again: they are carried, too.
fn carry<T>(one: &T) -> Result<(), String>
where
    T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    let text = serde_json::to_string(one).map_err(|error| format!("{one:?}: {error}"))?;
    let read: T = serde_json::from_str(&text).map_err(|error| format!("{text}: {error}"))?;
    if read == *one {
        Ok(())
    } else {
        Err(format!("{one:?} is read as {read:?}"))
    }
}

/// The core as it is after it was written down, went through something and was read again, if it is the same then.
pub fn reload(core: &Core, through: impl FnOnce(&str) -> String) -> Result<Core, String> {
    core.check()
        .map_err(|what| format!("a core finds itself unsound: {what}"))?;
    let text = save(core)?;
    let loaded = load(&through(&text))?;
    if save(&loaded)? != text {
        return Err(format!("a loaded core is saved differently: {text}"));
    }
    if loaded.digest() != core.digest() {
        return Err("a loaded core has another digest".to_owned());
    }
    // Also what is not saved and made again.
    match difference(core, &loaded) {
        Some(what) => Err(format!("a loaded core is not what it was: {what}")),
        None => Ok(loaded),
    }
}

/// Where two cores differ first.
fn difference(before: &Core, after: &Core) -> Option<String> {
    let (before, after) = (format!("{before:?}"), format!("{after:?}"));
    if before == after {
        return None;
    }
    let same = before.bytes().zip(after.bytes());
    let place = same.take_while(|(one, other)| one == other).count();
    let shown = |text: &str| -> String { text.chars().skip(place).take(200).collect() };
    let (before, after) = (shown(&before), shown(&after));
    Some(format!("{after} in place of {before}"))
}

/// A core as a text.
pub fn save(core: &Core) -> Result<String, String> {
    serde_json::to_string(core).map_err(|error| format!("a core cannot be saved: {error}"))
}

/// The core of a text.
pub fn load(text: &str) -> Result<Core, String> {
    serde_json::from_str(text).map_err(|error| format!("a core cannot be loaded: {error}"))
}
