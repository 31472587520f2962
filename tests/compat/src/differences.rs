//! The intended differences from upstream, each with its reason.
//!
//! A case of a differential test may differ only when it stands here. `docs/differences.md` tells users the same, and
//! names every `key`.

/// One intended difference in one case.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The name under which `docs/differences.md` explains it.
    pub key: &'static str,
    /// The case in which it shows.
    pub case: &'static str,
    /// A text that Provost's transcript must contain: what it does instead.
    pub ours: &'static str,
    /// Why it is so.
    pub reason: &'static str,
}

/// All of them.
pub const LIST: &[Difference] = &[];

/// The entry of a case.
pub fn of_case(case: &str) -> Option<&'static Difference> {
    LIST.iter().find(|entry| entry.case == case)
}
