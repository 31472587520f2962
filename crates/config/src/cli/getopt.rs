//! The way Python's `getopt` reads a command line.
//!
//! Options end at the first argument that is none. Short ones may be put together, long ones cut to a unique beginning.

/// One option that a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switch<Id> {
    /// What it is to the command.
    pub(crate) id: Id,
    /// The letter behind `-`.
    pub(crate) short: Option<char>,
    /// The name behind `--`.
    pub(crate) long: Option<&'static str>,
    /// Whether a value follows.
    pub(crate) value: bool,
    /// Whether upstream has no such option. It is taken only in full, so that it makes no beginning ambiguous that
    /// is unique with upstream.
    pub(crate) own: bool,
}

/// One option as given: what it is, how it is called in messages, its value (empty for a switch).
pub(crate) type Given<Id> = (Id, String, String);

/// What a command line holds: its options, and what comes after them.
pub(crate) type Parsed<Id> = (Vec<Given<Id>>, Vec<String>);

/// Reads a command line without the command's name.
pub(crate) fn parse<Id: Copy>(
    args: &[String],
    switches: &[Switch<Id>],
) -> Result<Parsed<Id>, String> {
    let mut given = Vec::new();
    let mut rest = args.iter();
    loop {
        let here = rest.clone();
        let Some(arg) = rest.next() else {
            return Ok((given, Vec::new()));
        };
        if arg == "--" {
            return Ok((given, rest.cloned().collect()));
        } else if let Some(long) = arg.strip_prefix("--") {
            given.push(parse_long(long, &mut rest, switches)?);
        } else if let Some(cluster) = arg.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            parse_cluster(cluster, &mut rest, switches, &mut given)?;
        } else {
            return Ok((given, here.cloned().collect()));
        }
    }
}

fn parse_long<'a, Id: Copy>(
    text: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    switches: &[Switch<Id>],
) -> Result<Given<Id>, String> {
    let (name, attached) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    // Both `logfile_maxbytes` and `logfile-maxbytes` are taken.
    let switch = match find_long(name, switches) {
        Err(Unmatched::Unknown) => find_long(&name.replace('-', "_"), switches),
        found => found,
    };
    let switch = switch.map_err(|unmatched| match unmatched {
        Unmatched::Unknown => format!("option --{name} not recognized"),
        Unmatched::Ambiguous => format!("option --{name} not a unique prefix"),
    })?;
    let full = switch.long.unwrap_or(name);
    let value = match (switch.value, attached) {
        (true, Some(value)) => value.to_owned(),
        (true, None) => rest
            .next()
            .ok_or_else(|| format!("option --{full} requires argument"))?
            .clone(),
        (false, Some(_)) => return Err(format!("option --{full} must not have an argument")),
        (false, None) => String::new(),
    };
    Ok((switch.id, format!("--{full}"), value))
}

enum Unmatched {
    Unknown,
    Ambiguous,
}

fn find_long<'s, Id>(name: &str, switches: &'s [Switch<Id>]) -> Result<&'s Switch<Id>, Unmatched> {
    if let Some(exact) = switches.iter().find(|switch| switch.long == Some(name)) {
        return Ok(exact);
    }
    let begins = |switch: &&Switch<Id>| {
        !switch.own && switch.long.is_some_and(|long| long.starts_with(name))
    };
    let mut candidates = switches.iter().filter(begins);
    match (candidates.next(), candidates.next()) {
        (None, _) => Err(Unmatched::Unknown),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Unmatched::Ambiguous),
    }
}

fn parse_cluster<'a, Id: Copy>(
    cluster: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    switches: &[Switch<Id>],
    given: &mut Vec<Given<Id>>,
) -> Result<(), String> {
    let mut letters = cluster.chars();
    while let Some(letter) = letters.next() {
        let switch = switches
            .iter()
            .find(|switch| switch.short == Some(letter))
            .ok_or_else(|| format!("option -{letter} not recognized"))?;
        let name = format!("-{letter}");
        if !switch.value {
            given.push((switch.id, name, String::new()));
            continue;
        }
        let value = match letters.as_str() {
            "" => rest
                .next()
                .ok_or_else(|| format!("option -{letter} requires argument"))?
                .clone(),
            attached => attached.to_owned(),
        };
        given.push((switch.id, name, value));
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWITCHES: &[Switch<u8>] = &[
        Switch {
            id: 1,
            short: Some('n'),
            long: Some("nodaemon"),
            value: false,
            own: false,
        },
        Switch {
            id: 2,
            short: Some('c'),
            long: Some("configuration"),
            value: true,
            own: false,
        },
        Switch {
            id: 3,
            short: None,
            long: Some("logfile"),
            value: true,
            own: false,
        },
        Switch {
            id: 4,
            short: None,
            long: Some("logfile_maxbytes"),
            value: true,
            own: false,
        },
        Switch {
            id: 5,
            short: None,
            long: Some("check"),
            value: false,
            own: true,
        },
    ];

    fn run(line: &str) -> String {
        let args: Vec<String> = line
            .split(' ')
            .filter(|arg| !arg.is_empty())
            .map(str::to_owned)
            .collect();
        match parse(&args, SWITCHES) {
            Ok((given, rest)) => format!("{given:?} {rest:?}"),
            Err(message) => message,
        }
    }

    #[test]
    fn command_lines_are_read_as_python_reads_them() {
        for (line, expected) in [
            ("", "[] []"),
            (
                "-nc x y -n",
                r#"[(1, "-n", ""), (2, "-c", "x")] ["y", "-n"]"#,
            ),
            ("-ncx", r#"[(1, "-n", ""), (2, "-c", "x")] []"#),
            ("--conf=a=b", r#"[(2, "--configuration", "a=b")] []"#),
            ("--conf a", r#"[(2, "--configuration", "a")] []"#),
            ("--logfile= x", r#"[(3, "--logfile", "")] ["x"]"#),
            (
                "--logfile-maxbytes 1",
                r#"[(4, "--logfile_maxbytes", "1")] []"#,
            ),
            ("--check", r#"[(5, "--check", "")] []"#),
            ("--c x", r#"[(2, "--configuration", "x")] []"#),
            ("- x", r#"[] ["-", "x"]"#),
            ("-n -- -n", r#"[(1, "-n", "")] ["-n"]"#),
            ("-x", "option -x not recognized"),
            ("--x", "option --x not recognized"),
            ("--che", "option --che not recognized"),
            ("-c", "option -c requires argument"),
            ("--conf", "option --configuration requires argument"),
            ("--nod=1", "option --nodaemon must not have an argument"),
            ("--log x", "option --log not a unique prefix"),
        ] {
            assert_eq!(run(line), expected, "{line}");
        }
    }
}
