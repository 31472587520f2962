//! The environment that programs inherit: theirs until now, and ours from now on.

use std::collections::{BTreeMap, BTreeSet};

/// Variables that differ between any two shells and mean nothing to a program that is supervised.
const OF_THE_SHELL: &[&str] = &[
    "_",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "TERM",
    "COLUMNS",
    "LINES",
    "LS_COLORS",
];

/// The beginnings of names that mean a session of a person.
const OF_THE_SESSION: &[&str] = &["SSH_", "XDG_", "SUDO_", "DBUS_"];

/// What to tell of variables that differ; values are nobody's business.
pub(super) fn difference(
    theirs: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> Option<String> {
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let differing: Vec<&str> = names
        .into_iter()
        .filter(|name| theirs.get(*name) != ours.get(*name))
        .map(String::as_str)
        .filter(|name| !OF_THE_SHELL.contains(name))
        .filter(|name| !OF_THE_SESSION.iter().any(|start| name.starts_with(start)))
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "the environment differs from that of the old supervisord in {}; programs that are started from now on get \
             this one",
            differing.join(", ")
        )
    })
}

/// Our own environment, as far as it is text.
pub(super) fn ours() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_and_values_are_not() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            pairs.iter().map(own).collect()
        };
        let theirs = of(&[
            ("PATH", "/bin"),
            ("LANG", "C"),
            ("TOKEN", "secret"),
            ("SHLVL", "1"),
        ]);
        assert_eq!(difference(&theirs, &theirs), None);
        let ours = of(&[("PATH", "/usr/bin"), ("LANG", "C"), ("SSH_TTY", "x")]);
        let told = difference(&theirs, &ours).unwrap();
        assert!(told.contains(" in PATH, TOKEN; "), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
}
