//! The intended differences from upstream, each with its reason.
//!
//! A case of a differential test may differ only when it stands here. `docs/differences.md` tells users the same, and
//! names every `key`.
//!
//! One difference shows in so many cases that it is taken out before they are compared: the member `autorestart` of
//! `getAllConfigInfo`, which 4.3.0 does not have ([`without_autorestart`]). A test of its own asserts its values.

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

/// Takes the member `autorestart` out of the XML of an answer.
pub fn without_autorestart(xml: &str) -> String {
    const BEGIN: &str = "<member>\n<name>autorestart</name>\n";
    const END: &str = "</member>\n";
    let mut out = String::new();
    let mut rest = xml;
    while let Some((head, tail)) = rest.split_once(BEGIN) {
        out.push_str(head);
        rest = tail.split_once(END).map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}
