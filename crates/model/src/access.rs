//! Who may do what: verbs, rights, scopes, users, and where their proofs are found.
//!
//! Everything here answers questions without looking at anything outside: who a client is has been found out before.

use crate::Signal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

macro_rules! verbs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $reach:ident;)*) => {
        /// What a client may be allowed to do. Every method and every page needs exactly one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Verb { $($(#[$doc])* $variant,)* }

        impl Verb {
            /// Every verb, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in `allow`, faults and the audit log.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it reaches.
            pub fn reach(self) -> Reach {
                match self { $(Self::$variant => Reach::$reach,)* }
            }
        }
    };
}

/// What a verb reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing that needs a right: who is known may.
    Nothing,
    /// Programs, each for itself.
    Programs,
    /// All of supervisord: only who has every program in scope may.
    Daemon,
}

verbs! {
    /// Needs a login and no right: what methods there are, whether the server is well.
    Login = "login", Nothing;
    /// See states, versions, event pools.
    Status = "status", Programs;
    /// Read the configuration, and compare it with the files.
    Config = "config", Programs;
    /// Read the logs of programs.
    Logs = "logs", Programs;
    /// Read supervisord's own log.
    MainLog = "mainlog", Daemon;
    /// Empty supervisord's own log.
    ClearMainLog = "clear_mainlog", Daemon;
    /// Empty the logs of programs.
    ClearLog = "clearlog", Programs;
    /// Start programs.
    Start = "start", Programs;
    /// Stop programs.
    Stop = "stop", Programs;
    /// Stop and start a program in one, as the status page does.
    Restart = "restart", Programs;
    /// Send signals to programs.
    Signal = "signal", Programs;
    /// Write to the standard input of programs.
    Stdin = "stdin", Programs;
    /// Publish events.
    Event = "event", Daemon;
    /// Take groups of the configuration into service and out of it.
    Update = "update", Programs;
    /// Bring programs that are in no file, which may run anything.
    Define = "define", Daemon;
    /// Call the methods of helpers.
    Helper = "helper", Programs;
    /// Keep, read and forget values of `supervisor_cache`.
    Cache = "cache", Daemon;
    /// Write lines to supervisord's own log.
    WriteLog = "write_log", Daemon;
    /// End supervisord.
    Shutdown = "shutdown", Daemon;
    /// Restart supervisord.
    Reload = "reload", Daemon;
    /// Put another program in the place of supervisord, which may run anything.
    Upgrade = "upgrade", Daemon;
}

impl Verb {
    /// The verb of that name that `allow` may hold.
    pub fn of(name: &str) -> Option<Self> {
        let named = Self::ALL.iter().copied().find(|verb| verb.name() == name);
        named.filter(|verb| *verb != Self::Login)
    }

    /// Whether it changes nothing.
    pub fn only_reads(self) -> bool {
        matches!(
            self,
            Self::Login | Self::Status | Self::Config | Self::Logs | Self::MainLog
        )
    }
}

/// A set of verbs. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    verbs: BTreeSet<Verb>,
    /// Signals that may be sent without the verb for all of them.
    signals: Vec<Signal>,
}

impl Rights {
    /// All verbs.
    pub fn all() -> Self {
        Self::of(Verb::ALL)
    }

    /// These verbs.
    pub fn of(verbs: &[Verb]) -> Self {
        Self {
            verbs: verbs.iter().copied().collect(),
            signals: Vec::new(),
        }
    }

    /// The rights of a built-in role.
    pub fn of_role(name: &str) -> Option<Self> {
        use Verb::{ClearLog, Logs, Restart, Signal, Start, Status, Stop};
        Some(match name {
            "none" => Self::default(),
            "viewer" => Self::of(&[Status]),
            "operator" => Self::of(&[Status, Logs, Start, Stop, Restart, Signal, ClearLog]),
            "admin" => Self::all(),
            _ => return None,
        })
    }

    /// What an entry of `allow` says: a verb, or `signal:` and the name or number of one.
    pub fn of_entry(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        if let Some(verb) = Verb::of(entry) {
            return Some(Self::of(&[verb]));
        }
        let signal = entry.strip_prefix("signal:")?.trim();
        Some(Self {
            verbs: BTreeSet::new(),
            signals: vec![signal_of(signal)?],
        })
    }

    /// Adds what another set has.
    pub fn extend(&mut self, other: &Self) {
        self.verbs.extend(&other.verbs);
        self.signals.extend(&other.signals);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.verbs.is_empty() && self.signals.is_empty()
    }

    /// Whether they hold a verb, for some signal at least when it is that of signals.
    pub fn hold(&self, verb: Verb) -> bool {
        verb == Verb::Login
            || self.verbs.contains(&verb)
            || (verb == Verb::Signal && !self.signals.is_empty())
    }

    /// Whether a signal, as a client names it, may be sent.
    pub fn hold_signal(&self, name: &str) -> bool {
        self.verbs.contains(&Verb::Signal)
            || signal_of(name).is_some_and(|signal| self.signals.contains(&signal))
    }
}

fn signal_of(name: &str) -> Option<Signal> {
    let name = name.trim();
    match name.parse() {
        Ok(number) => Signal::from_number(number),
        Err(_) => Signal::from_name(name),
    }
}

/// Which programs a user reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Patterns of group and process; none stands for every program.
    patterns: Option<Vec<(String, String)>>,
}

impl Scope {
    /// Every program.
    pub fn everything() -> Self {
        Self::default()
    }

    /// The programs that fit one of these patterns: `group:process` with `*` and `?`; a group alone means all of it.
    pub fn of(patterns: &[String]) -> Self {
        let split = |pattern: &String| match pattern.trim().split_once(':') {
            Some((group, "")) => (group.to_owned(), "*".to_owned()),
            Some((group, process)) => (group.to_owned(), process.to_owned()),
            None => (pattern.trim().to_owned(), "*".to_owned()),
        };
        let patterns: Vec<_> = patterns.iter().map(split).collect();
        let is_all = patterns
            .iter()
            .any(|(group, process)| group == "*" && process == "*");
        Self {
            patterns: (!is_all).then_some(patterns),
        }
    }

    /// Whether it is every program.
    pub fn is_everything(&self) -> bool {
        self.patterns.is_none()
    }

    /// Whether a process is in it.
    pub fn has(&self, group: &str, process: &str) -> bool {
        self.any(|of_group, of_process| fits(of_group, group) && fits(of_process, process))
    }

    /// Whether some process of a group may be in it.
    pub fn touches(&self, group: &str) -> bool {
        self.any(|of_group, _| fits(of_group, group))
    }

    /// Whether every process that a group may have is in it.
    pub fn covers(&self, group: &str) -> bool {
        self.any(|of_group, of_process| of_process == "*" && fits(of_group, group))
    }

    fn any(&self, holds: impl Fn(&str, &str) -> bool) -> bool {
        self.patterns.as_ref().is_none_or(|patterns| {
            patterns
                .iter()
                .any(|(group, process)| holds(group, process))
        })
    }
}

/// Whether a text fits a pattern in which `*` stands for anything and `?` for one character.
fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when a try fails: behind the last star, one character later.
    let mut again: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let here = (pattern.clone(), text.clone());
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = here.1.clone();
                again = Some((pattern.clone(), here.1));
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((behind, mut from)) = again.take() else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (behind.clone(), from.clone());
                again = Some((behind, from));
            }
        }
    }
}

/// A text that is shown to nobody. Only a saved state has it, which nobody but the next program reads.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub String);

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// Writes over what is needed no more and nobody should find in memory. Copies that others have made stay.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // What is read afterwards must have been written.
    std::hint::black_box(bytes);
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A `[user:x]` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// Its label.
    pub name: String,
    /// What all its roles allow.
    pub rights: Rights,
    /// Which programs.
    pub scope: Scope,
    /// The user of the system whose processes are this user on a unix socket.
    pub unix_user: Option<u32>,
    /// The group of the system whose members' processes are.
    pub unix_group: Option<u32>,
    /// The password: in clear, `{SHA}` or `{ARGON2ID}`.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    #[serde(with = "crate::saved::maybe_path")]
    pub password_file: Option<PathBuf>,
    /// A file of tokens.
    #[serde(with = "crate::saved::maybe_path")]
    pub token_file: Option<PathBuf>,
    /// The common name of the certificate that proves this user.
    #[serde(default)]
    pub tls_subject: Option<String>,
    /// An alternative name of such a certificate.
    #[serde(default)]
    pub tls_san: Option<String>,
}

/// What a server takes for a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMode {
    /// Upstream's rule: a password where one is set.
    #[default]
    Password,
    /// Who the peer is, as the system tells.
    PeerCredentials,
    /// Either.
    Both,
}

/// What a server section says about who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAccess {
    /// What is taken for a proof.
    pub mode: AuthMode,
    /// What a peer may do that is no user; none where it is not written.
    pub peer_default: Option<Rights>,
}

/// `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSpec {
    /// The file; absolute.
    #[serde(with = "crate::saved::path")]
    pub file: PathBuf,
    /// Calls that only read are recorded, too.
    pub reads: bool,
    /// Calls that cannot be recorded are refused.
    pub refuse: bool,
}

/// All about who may do what that stands in no server section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSpec {
    /// All users in the order of the file.
    pub users: Vec<UserSpec>,
    /// The audit log.
    pub audit: Option<AuditSpec>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a:b", true),
            ("web", "web", true),
            ("web", "web2", false),
            ("web*", "web2", true),
            ("w?b", "wéb", true),
            ("w?b", "wb", false),
            ("*b*c", "abbbc", true),
            ("*b*c", "abcd", false),
            ("a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn scopes_know_processes_and_whole_groups() {
        let of = |text: &str| Scope::of(&[text.to_owned()]);
        assert!(of("*").is_everything() && of("*:*").is_everything() && of("*:").is_everything());
        assert!(of("web").has("web", "x") && of("web").covers("web"));
        assert!(!of("web").has("worker", "web"));
        let part = of("web:a*");
        assert!(part.has("web", "a1") && !part.has("web", "b"));
        assert!(part.touches("web") && !part.covers("web") && !part.touches("db"));
        let nothing = Scope::of(&[]);
        assert!(!nothing.is_everything() && !nothing.touches("web"));
    }

    #[test]
    fn rights_hold_what_they_were_given_and_no_more() {
        for verb in Verb::ALL {
            assert!(Rights::all().hold(*verb));
            assert_eq!(Rights::default().hold(*verb), *verb == Verb::Login);
            let entry = Rights::of_entry(verb.name());
            assert_eq!(entry.is_some(), *verb != Verb::Login, "{verb:?}");
        }
        let mut some = Rights::of_entry("signal:hup").unwrap();
        assert!(some.hold(Verb::Signal) && some.hold_signal("HUP") && some.hold_signal("1"));
        assert!(some.hold_signal("SIGHUP") && !some.hold_signal("KILL") && !some.hold_signal("x"));
        some.extend(&Rights::of(&[Verb::Signal]));
        assert!(some.hold_signal("KILL"));
        assert!(Rights::of_role("operator").unwrap().hold(Verb::Restart));
        assert!(!Rights::of_role("operator").unwrap().hold(Verb::Stdin));
        assert!(Rights::of_role("Admin").is_none() && Rights::of_entry("signal:NO").is_none());
    }
}
