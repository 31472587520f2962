//! Values that name something outside: directories, files, accounts, addresses.

use super::{Bad, Cause, integer};
use crate::host::{Host, User};
use crate::paths;
use crate::python::{self, repr, strip};
use provost_model::Authority;
use provost_model::spec::LogFile;
use std::path::{Path, PathBuf};

/// A directory that exists; `~` is expanded.
pub(crate) fn existing_directory(text: &str, host: &dyn Host) -> Result<String, Bad> {
    let path = paths::expand_user(text, host);
    if host.is_dir(Path::new(&path)) {
        return Ok(path);
    }
    Err(Bad::new(
        format!("{text} is not an existing directory"),
        "an existing directory",
    )
    .because(Cause::Directory))
}

/// A path whose directory exists; `~` is expanded.
pub(crate) fn path_in_directory(text: &str, host: &dyn Host) -> Result<String, Bad> {
    let path = paths::expand_user(text, host);
    if paths::lacks_directory(&path, host) {
        return Err(Bad::new(
            format!("The directory named as part of the path {text} does not exist"),
            "a path in an existing directory",
        )
        .because(Cause::Directory));
    }
    Ok(path)
}

/// What a `…_logfile` key of a program names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChildLog {
    /// A file, a made-up file, or nothing.
    File(LogFile),
    /// The deprecated value `syslog`.
    Syslog,
}

/// A program's log file.
pub(crate) fn logfile(text: &str, host: &dyn Host) -> Result<ChildLog, Bad> {
    // No letter beyond ASCII becomes one of these when it is made small.
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    Ok(if is("none") || is("off") || text.is_empty() {
        ChildLog::File(LogFile::None)
    } else if is("auto") {
        ChildLog::File(LogFile::Auto)
    } else if is("syslog") {
        ChildLog::Syslog
    } else {
        ChildLog::File(LogFile::Path(
            PathBuf::from(path_in_directory(text, host)?).into(),
        ))
    })
}

/// A user by name or number; gives the uid and its primary group.
pub(crate) fn user(text: &str, host: &dyn Host) -> Result<User, Bad> {
    let wants = "a user that this machine knows";
    let (found, upstream) = match python::int(text) {
        Some(id) => (
            u32::try_from(id).ok().and_then(|uid| host.user_by_id(uid)),
            format!("Invalid user id {text}"),
        ),
        None => (host.user_by_name(text), format!("Invalid user name {text}")),
    };
    found.ok_or_else(|| Bad::new(upstream, wants).because(Cause::Account))
}

/// A group by name or number.
pub(crate) fn group(text: &str, host: &dyn Host) -> Result<u32, Bad> {
    let wants = "a group that this machine knows";
    let (found, upstream) = match python::int(text) {
        Some(id) => (
            u32::try_from(id).ok().filter(|&gid| host.group_exists(gid)),
            format!("Invalid group id {text}"),
        ),
        None => (
            host.group_by_name(text),
            format!("Invalid group name {text}"),
        ),
    };
    found.ok_or_else(|| Bad::new(upstream, wants).because(Cause::Account))
}

/// `user` or `user:group`.
pub(crate) fn owner(text: &str, host: &dyn Host) -> Result<(u32, Option<u32>), Bad> {
    let parse = || match text.split_once(':') {
        None => Ok((user(text, host)?.uid, None)),
        Some((name, group_name)) => Ok((user(name, host)?.uid, Some(group(group_name, host)?))),
    };
    parse().map_err(|bad: Bad| Bad {
        upstream: format!("Invalid user:group definition {text}"),
        wants: "`user` or `user:group`, both known to this machine",
        ..bad
    })
}

/// A port, 1 to 65535.
pub(crate) fn port(text: &str) -> Result<u16, Bad> {
    let number = integer(text)?;
    let wants = "a port from 1 to 65535";
    if number < 1 {
        return Err(Bad::new(
            format!("{number} is below lower bound (1)"),
            wants,
        ));
    }
    u16::try_from(number)
        .map_err(|_| Bad::new(format!("{number} is above upper bound (65535)"), wants))
}

/// `host:port`, `*:port` or `port`; the host is empty for all interfaces.
///
/// An IPv6 address in brackets is taken, too, and loses them.
pub(crate) fn inet_address(text: &str) -> Result<(String, u16), Bad> {
    let wants = "a port, or a host and a port such as `127.0.0.1:9001`";
    let Some((host, port_text)) = text.rsplit_once(':') else {
        let port = port(text)
            .map_err(|_| Bad::new(format!("not a valid port number: {} ", repr(text)), wants))?;
        return Ok((String::new(), port));
    };
    if port_text.is_empty() {
        return Err(Bad::new("no port number specified in ''".to_owned(), wants));
    }
    let port = port(port_text).map_err(|bad| Bad { wants, ..bad })?;
    let host = host.to_lowercase();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(&host);
    Ok((
        if bare == "*" {
            String::new()
        } else {
            bare.to_owned()
        },
        port,
    ))
}

/// Hosts with commas between them, each with or without a port.
pub(crate) fn hosts(text: &str) -> Result<Vec<Authority>, Bad> {
    let items = text.split(',').map(strip).filter(|item| !item.is_empty());
    items
        .map(|item| {
            item.parse().map_err(|_| {
                Bad::new(
                    format!("value {} is not a host", repr(item)),
                    "hosts with commas between them, each as `name` or `name:port`",
                )
            })
        })
        .collect()
}

/// A URL of supervisorctl: a scheme, and a host or a path.
pub(crate) fn url(text: &str) -> Result<String, Bad> {
    let bad = || {
        Bad::new(
            format!("value {} is not a URL", repr(text)),
            "a URL such as `http://localhost:9001`",
        )
    };
    let scheme_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let (scheme, rest) = text.split_once(':').ok_or_else(bad)?;
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(scheme_char) {
        return Err(bad());
    }
    let place = rest.split(['?', '#']).next().unwrap_or("");
    if place.is_empty() || place == "//" {
        Err(bad())
    } else {
        Ok(text.to_owned())
    }
}
