//! Making transcripts comparable: what must differ between two runs is replaced by a placeholder.

/// The rules of one transcript, in the order in which they apply.
#[derive(Clone, Debug, Default)]
pub struct Normal {
    replacements: Vec<(String, String)>,
}

/// What stands before a process id in the texts of both sides.
const BEFORE_PID: &[&str] = &["pid ", "' (", "pid:", "<name>pid</name>\n<value><int>"];

/// Members of structs whose numbers are times.
const BEFORE_TIME: &[&str] = &[
    "<name>start</name>\n<value><int>",
    "<name>stop</name>\n<value><int>",
    "<name>now</name>\n<value><int>",
    "when:",
];

const MONTHS: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Normal {
    /// No replacements of its own: only what holds for every transcript.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces a text wherever it stands.
    #[must_use]
    pub fn with(mut self, text: &str, placeholder: &str) -> Self {
        self.replacements
            .push((text.to_owned(), placeholder.to_owned()));
        self
    }

    /// Applies the rules: own replacements, time stamps of log lines, process ids, times, uptimes, stop dates and the
    /// random part of automatic log names.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.replacements {
            text = text.replace(from.as_str(), to);
        }
        let mut text = lines(&lines(&text, strip_stamp), frame_length);
        for before in BEFORE_PID {
            text = after_digits(&text, before, "⟨pid⟩");
        }
        for before in BEFORE_TIME {
            text = after_digits(&text, before, "⟨time⟩");
        }
        text = lines(&text, uptime);
        text = lines(&text, stop_date);
        lines(&text, automatic_name)
    }
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split('\n').map(change).collect::<Vec<_>>().join("\n")
}

/// Replaces a number other than 0 that follows `before`.
pub fn after_digits(text: &str, before: &str, placeholder: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(before) {
        out.push_str(head);
        out.push_str(before);
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = tail.split_at(digits);
        out.push_str(if number.is_empty() || number == "0" {
            number
        } else {
            placeholder
        });
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Drops `2026-01-01 10:00:00,020 ` from the start of a line.
fn strip_stamp(line: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00,000 ";
    let bytes = line.as_bytes();
    let fits = bytes.len() >= SHAPE.len()
        && bytes.iter().zip(SHAPE).all(|(&byte, &shape)| {
            if shape == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == shape
            }
        });
    if fits {
        line[SHAPE.len()..].to_owned()
    } else {
        line.to_owned()
    }
}

/// Digits that every process id of an event counts as in the `len:` of its header.
const PID_DIGITS: usize = 5;

/// The header of an event and the process id in its payload, on one line: the length is made that of a process id with
/// [`PID_DIGITS`] digits.
fn frame_length(line: &str) -> String {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let Some((head, tail)) = line.split_once(" len:") else {
        return line.to_owned();
    };
    let (length, tail) = tail.split_at(digits(tail));
    let pid = tail.split_once(" pid:").map_or(0, |(_, tail)| digits(tail));
    match length.parse::<usize>() {
        Ok(length) if pid > 0 && length >= pid => {
            let length = length - pid + PID_DIGITS;
            format!("{head} len:{length}{tail}")
        }
        _ => line.to_owned(),
    }
}

/// `uptime 0:00:05` up to the end of its word.
fn uptime(line: &str) -> String {
    let Some((head, tail)) = line.split_once("uptime ") else {
        return line.to_owned();
    };
    let end = tail
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(tail.len());
    format!("{head}uptime ⟨time⟩{}", &tail[end..])
}

/// `Nov 22 05:01 PM`.
fn stop_date(line: &str) -> String {
    for month in MONTHS {
        for (at, _) in line.match_indices(month) {
            let Some(candidate) = line.get(at..at + 15) else {
                continue;
            };
            if candidate.ends_with(" AM") || candidate.ends_with(" PM") {
                return format!("{}⟨date⟩{}", &line[..at], &line[at + 15..]);
            }
        }
    }
    line.to_owned()
}

/// The eight random characters of `name-stdout---identifier-abcdefgh.log`.
fn automatic_name(line: &str) -> String {
    let Some((head, tail)) = line.split_once("---") else {
        return line.to_owned();
    };
    let Some(end) = tail.find(".log") else {
        return line.to_owned();
    };
    let (name, rest) = tail.split_at(end);
    match name.len().checked_sub(9).and_then(|at| name.get(at..)) {
        Some(random) if random.starts_with('-') => {
            let identifier = &name[..name.len() - 9];
            format!("{head}---{identifier}-⟨random⟩{}", automatic_name(rest))
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Normal;

    #[test]
    fn what_differs_between_runs_is_replaced_and_nothing_else() {
        let normal = Normal::new().with("/tmp/x", "⟨dir⟩");
        for (raw, clean) in [
            (
                "2026-01-01 10:00:00,020 INFO spawned: 'cat' with pid 101",
                "INFO spawned: 'cat' with pid ⟨pid⟩",
            ),
            (
                "cat  RUNNING   pid 101, uptime 0:00:05",
                "cat  RUNNING   pid ⟨pid⟩, uptime ⟨time⟩",
            ),
            ("a  EXITED    Nov 22 05:01 PM", "a  EXITED    ⟨date⟩"),
            (
                "killing 'a' (77) with SIGKILL",
                "killing 'a' (⟨pid⟩) with SIGKILL",
            ),
            ("pid:0 expected:1", "pid:0 expected:1"),
            (
                "eventname:X len:57\\n from_state:STARTING pid:123",
                "eventname:X len:59\\n from_state:STARTING pid:⟨pid⟩",
            ),
            ("eventname:X len:6 type:n", "eventname:X len:6 type:n"),
            (
                "/tmp/x/a-stdout---supervisor-ab_c3fgh.log",
                "⟨dir⟩/a-stdout---supervisor-⟨random⟩.log",
            ),
            (
                "exit status 3; Mark the words",
                "exit status 3; Mark the words",
            ),
        ] {
            assert_eq!(normal.apply(raw), clean);
        }
    }
}
