//! What the text of a value means, kind by kind, with upstream's sentence when it means nothing.
//!
//! A conversion knows nothing of files and keys; who calls it adds the place.

mod capabilities;
mod places;

pub(crate) use capabilities::capabilities;
pub(crate) use places::{
    ChildLog, existing_directory, group, hosts, inet_address, logfile, owner, path_in_directory,
    port, url, user,
};

use crate::hints;
use crate::python::{self, repr, strip};
use provost_model::spec::{AutoRestart, LogfileFull};
use provost_model::{Level, Orphans, Signal};

/// A text that is not of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Upstream's sentence.
    pub(crate) upstream: String,
    /// What is expected instead; follows "expects".
    pub(crate) wants: &'static str,
    /// What to write, where it can be guessed.
    pub(crate) try_this: Option<String>,
    /// What kind of problem it is, where it is not simply a bad value.
    pub(crate) cause: Cause,
}

/// Why a value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its form.
    Form,
    /// It names a directory that is not there.
    Directory,
    /// It names a user or group that is not there.
    Account,
}

impl Bad {
    pub(crate) fn new(upstream: String, wants: &'static str) -> Self {
        Self {
            upstream,
            wants,
            try_this: None,
            cause: Cause::Form,
        }
    }

    fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    fn or_try(mut self, value: Option<String>) -> Self {
        self.try_this = value;
        self
    }
}

/// The name that was probably meant.
fn near<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    hints::nearest(text, names).map(str::to_owned)
}

/// A whole number.
pub(crate) fn integer(text: &str) -> Result<i64, Bad> {
    python::int(text).ok_or_else(|| {
        let digits = strip(text).trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let guess = python::int(digits).map(|number| number.to_string());
        Bad::new(int_error(text), "a whole number").or_try(guess)
    })
}

fn int_error(text: &str) -> String {
    format!("invalid literal for int() with base 10: {}", repr(text))
}

const TRUTHY: &[&str] = &["yes", "true", "on", "1"];
const FALSY: &[&str] = &["no", "false", "off", "0"];

fn truth(text: &str) -> Option<bool> {
    // No letter beyond ASCII becomes one of these when it is made small.
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(TRUTHY) {
        Some(true)
    } else {
        is_one_of(FALSY).then_some(false)
    }
}

/// `true` or `false`, in upstream's spellings.
pub(crate) fn boolean(text: &str) -> Result<bool, Bad> {
    truth(text).ok_or_else(|| {
        Bad::new(
            format!("not a valid boolean value: {}", repr(text)),
            "`true` or `false`",
        )
        .or_try(match text.to_lowercase().chars().next() {
            Some('t' | 'y' | 'e') => Some("true".to_owned()),
            Some('f' | 'n' | 'd') => Some("false".to_owned()),
            _ => None,
        })
    })
}

/// When to start again.
pub(crate) fn autorestart(text: &str) -> Result<AutoRestart, Bad> {
    let lower = text.to_lowercase();
    match truth(&lower) {
        Some(true) => Ok(AutoRestart::Always),
        Some(false) => Ok(AutoRestart::Never),
        None if lower == "unexpected" => Ok(AutoRestart::Unexpected),
        None => Err(Bad::new(
            format!("invalid 'autorestart' value {}", repr(&lower)),
            "`true`, `false` or `unexpected`",
        )
        .or_try(near(&lower, ["true", "false", "unexpected"]))),
    }
}

/// How a process begins with SIGPIPE; whether at its default.
pub(crate) fn sigpipe(text: &str) -> Result<bool, Bad> {
    match text.to_lowercase().as_str() {
        "ignore" => Ok(false),
        "default" => Ok(true),
        other => Err(Bad::new(
            format!("invalid 'sigpipe' value {}", repr(other)),
            "`ignore` or `default`",
        )
        .or_try(near(other, ["ignore", "default"]))),
    }
}

/// What happens when a log is full.
pub(crate) fn logfile_full(text: &str) -> Result<LogfileFull, Bad> {
    match text.to_lowercase().as_str() {
        "drop" => Ok(LogfileFull::Drop),
        "block" => Ok(LogfileFull::Block),
        other => Err(Bad::new(
            format!("invalid 'logfile_full' value {}", repr(other)),
            "`drop` or `block`",
        )
        .or_try(near(other, ["drop", "block"]))),
    }
}

/// Whether SIGUSR1 upgrades.
pub(crate) fn sigusr1(text: &str) -> Result<bool, Bad> {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "ignore" => Ok(false),
        "upgrade" => Ok(true),
        other => Err(Bad::new(
            format!("invalid 'sigusr1' value {}", repr(other)),
            "`ignore` or `upgrade`",
        )
        .or_try(near(&lower, ["ignore", "upgrade"]))),
    }
}

/// What to do with processes that were left behind.
pub(crate) fn orphans(text: &str) -> Result<Orphans, Bad> {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "adopt" => Ok(Orphans::Adopt),
        "kill" => Ok(Orphans::Kill),
        "refuse" => Ok(Orphans::Refuse),
        other => Err(Bad::new(
            format!("invalid 'orphans' value {}", repr(other)),
            "`adopt`, `kill` or `refuse`",
        )
        .or_try(near(&lower, ["adopt", "kill", "refuse"]))),
    }
}

/// The permission bits that a mode may have; what is above them is dropped, as the kernel does.
const MODE_BITS: i64 = 0o7777;

/// Permission bits, in octal.
pub(crate) fn octal(text: &str) -> Result<u32, Bad> {
    python::int_octal(text)
        .and_then(|mode| u32::try_from(mode & MODE_BITS).ok())
        .ok_or_else(|| {
            Bad::new(
                format!("{text} can not be converted to an octal type"),
                "permission bits in octal digits, such as `022`",
            )
        })
}

const SUFFIXES: &[(&str, i64)] = &[("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];

/// A number of bytes, with `KB`, `MB` or `GB` behind it.
pub(crate) fn byte_size(text: &str) -> Result<i64, Bad> {
    if let Some(count) = python::int(text) {
        return Ok(count);
    }
    let lower = text.to_lowercase();
    let (number, factor) = SUFFIXES
        .iter()
        .find_map(|&(suffix, factor)| lower.strip_suffix(suffix).map(|number| (number, factor)))
        .unwrap_or((&lower, 1));
    python::int(number)
        .map(|count| count.saturating_mul(factor))
        .ok_or_else(|| {
            let guess = ["k", "m", "g"].iter().find_map(|unit| {
                let count = python::int(lower.strip_suffix(unit)?)?;
                Some(format!("{count}{}B", unit.to_uppercase()))
            });
            Bad::new(
                int_error(number),
                "a whole number of bytes, with or without `KB`, `MB` or `GB`",
            )
            .or_try(guess)
        })
}

/// `allow` (true) or `refuse`.
pub(crate) fn permission(text: &str) -> Result<bool, Bad> {
    match text.to_lowercase().as_str() {
        "allow" => Ok(true),
        "refuse" => Ok(false),
        _ => Err(Bad::new(
            format!("not `refuse` or `allow`: {}", repr(text)),
            "`refuse` or `allow`",
        )),
    }
}

/// A signal by number or name.
///
/// Upstream lets `_DFL`, `_IGN` and other names of its own tables slip through; they are refused here.
pub(crate) fn signal(text: &str) -> Result<Signal, Bad> {
    let wants = "a signal's name or number, such as `TERM`";
    match python::int(text) {
        Some(number) => Signal::from_number(number).ok_or_else(|| {
            Bad::new(
                format!("value {} is not a valid signal number", repr(text)),
                wants,
            )
        }),
        None => Signal::from_name(text).ok_or_else(|| {
            let upper = text.to_uppercase();
            let names = Signal::names().map(|name| name.trim_start_matches("SIG"));
            let guess = near(upper.trim_start_matches("SIG"), names);
            Bad::new(
                format!("value {} is not a valid signal name", repr(text)),
                wants,
            )
            .or_try(guess)
        }),
    }
}

/// A comma list of exit codes; an empty text is an empty list.
pub(crate) fn exit_codes(text: &str) -> Result<Vec<i32>, Bad> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let code = |item: &str| {
        i32::try_from(python::int(item)?)
            .ok()
            .filter(|code| (0..=255).contains(code))
    };
    text.split(',')
        .map(code)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Bad::new(
                format!("not a valid list of exit codes: {}", repr(text)),
                "exit codes from 0 to 255 with commas between them",
            )
        })
}

/// A comma list; an empty text is an empty list, but a trailing comma gives an empty item.
pub(crate) fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| strip(item).to_owned()).collect()
}

/// The levels of the main log, by the names that a file has for them.
const LEVELS: &[&str] = &[
    "critical", "error", "warn", "info", "debug", "trace", "blather",
];

/// A level of the main log.
pub(crate) fn level(text: &str) -> Result<Level, Bad> {
    let lower = text.to_lowercase();
    Level::from_name(&lower).ok_or_else(|| {
        Bad::new(
            format!("bad logging level name {}", repr(text)),
            "one of `critical`, `error`, `warn`, `info`, `debug`, `trace`, `blather`",
        )
        .or_try(match lower.as_str() {
            "warning" => Some("warn".to_owned()),
            _ => near(&lower, LEVELS.iter().copied()),
        })
    })
}

/// A program, group or process name, without blanks around.
pub(crate) fn name(text: &str) -> Result<String, Bad> {
    match [' ', ':', '/']
        .into_iter()
        .find(|&c| strip(text).contains(c))
    {
        None => Ok(strip(text).to_owned()),
        Some(c) => Err(Bad::new(
            format!("Invalid name: {} because of character: '{c}'", repr(text)),
            "a name without blanks, `:` and `/`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use provost_model::spec::LogFile;

    fn text<T>(result: Result<T, Bad>) -> String {
        result
            .err()
            .map_or_else(|| "ok".to_owned(), |bad| bad.upstream)
    }

    #[test]
    fn numbers_of_bytes_take_three_suffixes() {
        for (given, bytes) in [
            ("0", 0),
            ("5KB", 5120),
            ("1 mb", 1 << 20),
            ("2Gb", 2 << 30),
            ("-1kb", -1024),
        ] {
            assert_eq!(byte_size(given), Ok(bytes), "{given}");
        }
        assert_eq!(
            text(byte_size("1.5MB")),
            "invalid literal for int() with base 10: '1.5'"
        );
        assert_eq!(
            text(byte_size("10K")),
            "invalid literal for int() with base 10: '10k'"
        );
        assert_eq!(
            byte_size("10K").unwrap_err().try_this.as_deref(),
            Some("10KB")
        );
        assert_eq!(
            text(byte_size("")),
            "invalid literal for int() with base 10: ''"
        );
    }

    #[test]
    fn wrong_values_get_upstreams_sentence() {
        let world = World::new();
        let cases = [
            (
                text(integer("10s")),
                "invalid literal for int() with base 10: '10s'",
            ),
            (text(boolean("Maybe")), "not a valid boolean value: 'Maybe'"),
            (
                text(autorestart("Often")),
                "invalid 'autorestart' value 'often'",
            ),
            (text(octal("9")), "9 can not be converted to an octal type"),
            (
                text(signal("_DFL")),
                "value '_DFL' is not a valid signal name",
            ),
            (
                text(signal("99")),
                "value '99' is not a valid signal number",
            ),
            (
                text(exit_codes("0,256")),
                "not a valid list of exit codes: '0,256'",
            ),
            (
                text(exit_codes("0,")),
                "not a valid list of exit codes: '0,'",
            ),
            (text(level("Warning")), "bad logging level name 'Warning'"),
            (
                text(existing_directory("/nope", &world)),
                "/nope is not an existing directory",
            ),
            (
                text(path_in_directory("/nope/x", &world)),
                "The directory named as part of the path /nope/x does not exist",
            ),
            (text(user("nope", &world)), "Invalid user name nope"),
            (text(user("4711", &world)), "Invalid user id 4711"),
            (
                text(owner("me:nope", &world)),
                "Invalid user:group definition me:nope",
            ),
            (text(inet_address("")), "not a valid port number: '' "),
            (text(inet_address("h:")), "no port number specified in ''"),
            (text(inet_address("h:0")), "0 is below lower bound (1)"),
            (
                text(inet_address("h:65536")),
                "65536 is above upper bound (65535)",
            ),
            (
                text(inet_address("99999")),
                "not a valid port number: '99999' ",
            ),
            (
                text(name("a:b c")),
                "Invalid name: 'a:b c' because of character: ' '",
            ),
            (text(url("localhost")), "value 'localhost' is not a URL"),
            (text(url("http://")), "value 'http://' is not a URL"),
        ];
        for (got, expected) in cases {
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn right_values_are_taken() {
        let world = World::new();
        assert_eq!(boolean("ON"), Ok(true));
        assert_eq!(autorestart("Unexpected"), Ok(AutoRestart::Unexpected));
        assert_eq!(octal("0o700"), Ok(0o700));
        assert_eq!(signal(" usr1 "), Ok(Signal::USR1));
        assert_eq!(exit_codes(" 0, 2"), Ok(vec![0, 2]));
        assert_eq!(exit_codes(""), Ok(vec![]));
        assert_eq!(list("a, b,"), ["a", "b", ""]);
        assert_eq!(logfile("", &world), Ok(ChildLog::File(LogFile::None)));
        assert_eq!(logfile("Auto", &world), Ok(ChildLog::File(LogFile::Auto)));
        assert_eq!(logfile("SysLog", &world), Ok(ChildLog::Syslog));
        assert_eq!(
            logfile("x.log", &world),
            Ok(ChildLog::File(LogFile::Path(
                std::path::Path::new("x.log").into()
            )))
        );
        assert_eq!(owner("www:web", &world), Ok((33, Some(34))));
        assert_eq!(owner("33", &world), Ok((33, None)));
        assert_eq!(inet_address("*:9001"), Ok((String::new(), 9001)));
        assert_eq!(
            inet_address("LocalHost: 9001"),
            Ok(("localhost".to_owned(), 9001))
        );
        assert_eq!(inet_address("[::1]:9001"), Ok(("::1".to_owned(), 9001)));
        assert_eq!(name(" web "), Ok("web".to_owned()));
        assert_eq!(url("unix:///tmp/s"), Ok("unix:///tmp/s".to_owned()));
    }
}
