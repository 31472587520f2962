//! Lines of the audit log: one object of JSON each, chained by the hash of the line before.
//!
//! A line that was changed, put in or taken out no longer fits its neighbours. What was cut off at the end cannot be seen
//! by the file alone: compare the number of the last line, which [`Chain`] tells, with what somebody wrote down.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Characters of a text in a line. Longer ones are cut off.
const TEXT: usize = 256;

/// Arguments of a call that are shown.
const ARGS: usize = 16;

/// What stands in `prev` of the very first line.
pub const NONE_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is about to be done.
    Begun,
    /// It was done.
    Done,
    /// It was refused for want of a right; the fault's code.
    Denied(i32),
    /// It ended with a fault; its code.
    Fault(i32),
    /// The client left before its answer, whatever came of the call.
    Left,
    /// No proof, or a wrong one, this many times.
    Unknown(u64),
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "ok",
            Self::Denied(_) => "denied",
            Self::Fault(_) => "fault",
            Self::Left => "left",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who.
    pub principal: String,
    /// What proved it.
    pub how: String,
    /// `tcp` or `unix`.
    pub transport: &'static str,
    /// uid, gid and pid of the process at the other end, when it connected.
    pub peer: Option<(u32, u32, i32)>,
    /// The client's address.
    pub addr: Option<String>,
    /// The method, or the page and its action.
    pub method: String,
    /// What it was about.
    pub target: Option<String>,
    /// Its arguments as far as they may be shown.
    pub args: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Milliseconds it took.
    pub ms: u64,
}

impl Record {
    /// The line, without its end. `time` is RFC 3339.
    pub fn line(&self, seq: u64, time: &str, prev: &str) -> String {
        let mut out = String::with_capacity(384);
        // Writing into a String cannot fail, here and below.
        let _ = write!(out, "{{\"seq\":{seq},\"time\":{}", quoted(time));
        let mut text = |key: &str, value: &str| {
            let _ = write!(out, ",\"{key}\":{}", quoted(value));
        };
        text("principal", &self.principal);
        text("how", &self.how);
        text("transport", self.transport);
        if let Some((uid, gid, pid)) = self.peer {
            let _ = write!(
                out,
                ",\"peer\":{{\"uid\":{uid},\"gid\":{gid},\"pid\":{pid}}}"
            );
        }
        if let Some(addr) = &self.addr {
            let _ = write!(out, ",\"addr\":{}", quoted(addr));
        }
        let _ = write!(out, ",\"method\":{}", quoted(&self.method));
        if let Some(target) = &self.target {
            let _ = write!(out, ",\"target\":{}", quoted(target));
        }
        let args: Vec<String> = self.args.iter().take(ARGS).map(|arg| quoted(arg)).collect();
        let _ = write!(out, ",\"args\":[{}]", args.join(","));
        let _ = write!(out, ",\"outcome\":\"{}\"", self.outcome.name());
        match self.outcome {
            Outcome::Denied(fault) | Outcome::Fault(fault) => {
                let _ = write!(out, ",\"fault\":{fault}");
            }
            Outcome::Unknown(count) => {
                let _ = write!(out, ",\"count\":{count}");
            }
            Outcome::Begun | Outcome::Done | Outcome::Left => {}
        }
        let _ = write!(out, ",\"ms\":{},\"prev\":\"{prev}\"}}", self.ms);
        out
    }
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(TEXT).collect();
    Json::String(cut).to_string()
}

/// The SHA-256 of a line without its end, as `prev` of the next has it.
pub fn digest(line: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(line) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Where a line does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Which line, from 1.
    pub line: u64,
    /// What is wrong, in words.
    pub why: String,
}

/// A walk along a chain, line by line.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    lines: u64,
    /// Number and digest of the line before. The number is none for a line that was not finished.
    last: Option<(Option<u64>, String)>,
}

impl Chain {
    /// The number of the last line and its digest; none before the first.
    pub fn last(&self) -> Option<(u64, &str)> {
        let (seq, digest) = self.last.as_ref()?;
        Some((seq.unwrap_or(0), digest))
    }

    /// Lines seen.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Looks at the next line, without its end.
    pub fn step(&mut self, line: &[u8]) -> Result<(), Break> {
        self.lines += 1;
        let broken = |why: &str| Break {
            line: self.lines,
            why: why.to_owned(),
        };
        let object: Json =
            serde_json::from_slice(line).map_err(|_| broken("it is no object of JSON"))?;
        let seq = object.get("seq").and_then(Json::as_u64);
        let prev = object.get("prev").and_then(Json::as_str);
        let (Some(seq), Some(prev)) = (seq, prev) else {
            return Err(broken("it has no `seq` or no `prev`"));
        };
        if let Some((before, digest)) = &self.last {
            if prev != digest {
                return Err(broken(
                    "its `prev` is not the SHA-256 of the line before it: one of the two was changed, or lines were \
                     put in or taken out between them",
                ));
            }
            if before.is_some_and(|before| before.checked_add(1) != Some(seq)) {
                return Err(broken(
                    "its `seq` does not follow that of the line before it",
                ));
            }
        }
        self.last = Some((Some(seq), digest(line)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            principal: "deploy".to_owned(),
            how: "peercred".to_owned(),
            transport: "unix",
            peer: Some((1, 2, 3)),
            addr: None,
            method: "supervisor.stopProcess".to_owned(),
            target: Some("web\n\"x".to_owned()),
            args: vec!["a".repeat(1000)],
            outcome: Outcome::Fault(10),
            ms: 5,
        }
    }

    fn chain(count: u64) -> Vec<String> {
        let (mut lines, mut prev) = (Vec::new(), NONE_BEFORE.to_owned());
        for seq in 1..=count {
            let line = record().line(seq, "2026-01-01T00:00:00Z", &prev);
            prev = digest(line.as_bytes());
            lines.push(line);
        }
        lines
    }

    fn walk(lines: &[String]) -> Result<u64, u64> {
        let mut chain = Chain::default();
        for line in lines {
            chain.step(line.as_bytes()).map_err(|broken| broken.line)?;
        }
        Ok(chain.last().map_or(0, |(seq, _)| seq))
    }

    #[test]
    fn a_line_is_one_object_without_line_ends() {
        let line = record().line(7, "t", "p");
        assert!(!line.contains('\n'));
        let object: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(object["target"], "web\n\"x");
        assert_eq!(object["args"][0].as_str().unwrap().len(), TEXT);
        assert_eq!(object["fault"], 10);
        assert_eq!(object["peer"]["pid"], 3);
    }

    #[test]
    fn i34_every_edit_breaks_the_chain() {
        let whole = chain(6);
        assert_eq!(walk(&whole), Ok(6));
        // A file that begins later, after the one before was moved away.
        assert_eq!(walk(&whole[3..]), Ok(6));
        for at in 1..5 {
            let mut without = whole.clone();
            without.remove(at);
            assert_eq!(walk(&without), Err(at as u64 + 1));
            let mut swapped = whole.clone();
            swapped.swap(at, at + 1);
            assert!(walk(&swapped).is_err());
            let mut doubled = whole.clone();
            doubled.insert(at, whole[at].clone());
            assert!(walk(&doubled).is_err());
            let mut changed = whole.clone();
            changed[at] = whole[at].replace("deploy", "nobody");
            assert_eq!(walk(&changed), Err(at as u64 + 2));
            let mut damaged = whole.clone();
            damaged[at].truncate(20);
            assert_eq!(walk(&damaged), Err(at as u64 + 1));
        }
    }
}
