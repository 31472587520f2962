//! The intended differences from upstream, each with its reason.
//!
//! A case of a differential test may differ only when it stands here. `docs/differences.md` tells users the same, and
//! names every `key`.

/// One intended difference in one case.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The name under which `docs/differences.md` explains it.
    pub key: &'static str,
    /// The case in which it shows; with a `*` at the end, all cases that begin so (some of which may agree).
    pub case: &'static str,
    /// A text that Provost's transcript must contain: what it does instead.
    pub ours: &'static str,
    /// Why it is so.
    pub reason: &'static str,
}

/// All of them.
pub const LIST: &[Difference] = &[];

impl Difference {
    /// Whether the entry speaks of many cases.
    pub fn is_broad(&self) -> bool {
        self.case.ends_with('*')
    }

    fn covers(&self, case: &str) -> bool {
        match self.case.strip_suffix('*') {
            Some(start) => case.starts_with(start),
            None => self.case == case,
        }
    }
}

/// The entry of a case. One that names the case itself goes before one that covers many.
pub fn of_case(case: &str) -> Option<&'static Difference> {
    let exact = LIST.iter().find(|entry| entry.case == case);
    exact.or_else(|| LIST.iter().find(|entry| entry.covers(case)))
}
