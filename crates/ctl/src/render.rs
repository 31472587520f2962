//! How answers look: the status table, columns of names, and text that may not steer a terminal.
//!
//! Nothing here prints; [`crate::session::Session`] is the one place that does.

use crate::namespec;
use crate::records::{ConfigRow, DetailRow, LogRow, PoolRow, StatusRow};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Names shorter than this leave the state column where it always is.
const NAME_WIDTH_MIN: usize = 30;

/// Longer names make the column no wider: each line would be as long, and the standard library formats no wider one.
const NAME_WIDTH_MAX: usize = 4096;

/// Blanks between the longest name and the state.
const NAME_GAP: usize = 3;

/// The width that lists of names are laid out for, the same on every terminal so that output can be compared.
const LIST_WIDTH: usize = 79;

/// The text with its control characters as `\n`, `\t`, `\r` and `\xNN`, so that a name or a description cannot forge
/// a line or steer a terminal.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escape(text, char::is_control)
}

/// Like [`one_line`], but line ends and tabs stay: messages of the server may have several lines.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

fn escape(text: &str, hide: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hide) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hide(c) {
            push_escaped(&mut shown, c);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn push_escaped(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        // Writing to a String cannot fail. All control characters are below U+00A0.
        _ => _ = write!(shown, "\\x{:02x}", u32::from(c)),
    }
}

/// The text in quotes as Python's `repr` writes it, which upstream's messages do.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            _ if c == quote => {
                shown.push('\\');
                shown.push(c);
            }
            _ if c.is_control() => push_escaped(&mut shown, c),
            _ => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

/// The lines of `status`: name, state and description in columns.
pub(crate) fn status_table(rows: &[&StatusRow]) -> String {
    let names: Vec<String> = rows
        .iter()
        .map(|row| one_line(&namespec::join(&row.group, &row.name)).into_owned())
        .collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(NAME_WIDTH_MIN, NAME_WIDTH_MAX) + NAME_GAP;
    let mut table = String::with_capacity(rows.len() * (width + 50));
    for (name, row) in names.iter().zip(rows) {
        let state = one_line(&row.state_name);
        let description = one_line(&row.description);
        // Writing to a String cannot fail.
        _ = writeln!(table, "{name:<width$}{state:<10}{description}");
    }
    table
}

/// What `status -v` adds of a process, line by line.
pub(crate) fn details(row: &DetailRow, logs: &[LogRow]) -> Vec<String> {
    let mut lines = Vec::new();
    for (channel, path) in ["stdout", "stderr"].iter().zip(&row.logs) {
        let path = if path.is_empty() { "none" } else { path };
        lines.push(format!("  {channel} log: {}", one_line(path)));
        let log = logs.iter().find(|log| {
            (&*log.group, &*log.name, &*log.channel) == (&*row.group, &*row.name, *channel)
        });
        let Some(log) = log else { continue };
        if !log.failing.is_empty() {
            lines.push(format!("    takes no output: {}", one_line(&log.failing)));
        }
        let (bytes, count) = log.dropped;
        if bytes > 0 {
            lines.push(format!("    dropped: {bytes} bytes, {count} lines"));
        }
    }
    if let Some(status) = row.exit_status {
        lines.push(match status {
            -1 => "  last end: by a signal".to_owned(),
            status => format!("  last end: exit status {status}"),
        });
    }
    if !row.spawn_error.is_empty() {
        lines.push(format!("  start failed: {}", one_line(&row.spawn_error)));
    }
    lines
}

/// What `status -v` shows of a pool, line by line.
pub(crate) fn pool(row: &PoolRow) -> Vec<String> {
    let [delivered, rejected, dropped] = row.counts;
    let (queued, size) = row.queued;
    let mut lines = vec![
        format!("event pool {}", one_line(&row.name)),
        format!("  events: {}", one_line(&row.events.join(", "))),
        format!("  buffer: {queued} of {size}"),
        format!("  delivered: {delivered}, rejected: {rejected}, dropped: {dropped}"),
    ];
    if let Some(spool) = &row.spool {
        let (bytes, max) = spool.bytes;
        let trouble = if spool.works {
            ""
        } else {
            " (it does not work at the moment)"
        };
        lines.push(format!(
            "  spool: {} events, {bytes} of {max} bytes in {}{trouble}",
            spool.events,
            one_line(&spool.path)
        ));
    }
    for listener in &row.listeners {
        let protocol = match listener.event_serial {
            -1 => one_line(&listener.listener_state).into_owned(),
            serial => format!(
                "{} with event {serial} ({})",
                one_line(&listener.listener_state),
                one_line(&listener.event_name)
            ),
        };
        let line = format!(
            "  listener {}: {} {protocol}",
            one_line(&listener.name),
            one_line(&listener.state_name)
        );
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// One line of `avail`, without its end.
pub(crate) fn config_line(row: &ConfigRow) -> String {
    format!(
        "{:<32} {:<9} {:<9} {}:{}",
        one_line(&namespec::join(&row.group, &row.name)),
        if row.in_use { "in use" } else { "avail" },
        if row.autostart { "auto" } else { "manual" },
        row.group_priority,
        row.process_priority,
    )
}

/// Names in columns read downwards, each column as wide as its longest name, as many columns as fit. Each line ends
/// with a line end; no names give no lines.
pub(crate) fn columns(names: &[&str]) -> String {
    let mut shown = String::new();
    let Some((rows, widths)) = (1..=names.len()).find_map(|rows| {
        let widths: Vec<usize> = names.chunks(rows).map(widest).collect();
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        (total <= LIST_WIDTH || rows == names.len()).then_some((rows, widths))
    }) else {
        return shown;
    };
    for row in 0..rows {
        let cells: Vec<String> = names
            .chunks(rows)
            .zip(&widths)
            .filter_map(|(column, width)| column.get(row).map(|name| format!("{name:<width$}")))
            .collect();
        shown.push_str(&cells.join("  "));
        shown.push('\n');
    }
    shown
}

fn widest(names: &[&str]) -> usize {
    names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, name: &str, state: &str, description: &str) -> StatusRow {
        StatusRow {
            group: group.to_owned(),
            name: name.to_owned(),
            state: 20,
            state_name: state.to_owned(),
            description: description.to_owned(),
            pid: 1,
        }
    }

    #[test]
    fn a_name_longer_than_usual_moves_the_whole_table() {
        let long = "n".repeat(40);
        let rows = [
            row("cat", "cat", "RUNNING", "pid 1, uptime 0:00:05"),
            row("g", &long, "STARTING", ""),
        ];
        let table = status_table(&rows.iter().collect::<Vec<_>>());
        let expected = format!(
            "cat{}RUNNING   pid 1, uptime 0:00:05\ng:{long}   STARTING  \n",
            " ".repeat(42)
        );
        assert_eq!(table, expected);
    }

    #[test]
    fn a_name_of_any_length_is_shown() {
        let long = "n".repeat(100_000);
        let rows = [
            row(&long, &long, "RUNNING", "x"),
            row("a", "a", "FATAL", "y"),
        ];
        let table = status_table(&rows.iter().collect::<Vec<_>>());
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], format!("{long}RUNNING   x"));
        assert_eq!(lines[1].len(), NAME_WIDTH_MAX + NAME_GAP + 11);
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        let rows = [row("a\nb", "a\nb", "FATAL", "can't find \x1b[2Jx\t\u{9b}é")];
        let table = status_table(&rows.iter().collect::<Vec<_>>());
        let expected = format!(
            "a\\nb{}FATAL     can't find \\x1b[2Jx\\t\\x9bé\n",
            " ".repeat(29)
        );
        assert_eq!(table, expected);
    }

    #[test]
    fn names_fill_columns_downwards() {
        let names = [
            "add", "avail", "clear", "exit", "fg", "maintail", "open", "pid", "quit", "reload",
            "remove", "reread", "restart", "shutdown", "signal", "start", "status", "stop", "tail",
            "update", "version",
        ];
        let expected = "\
add    exit      open  reload  restart   start   tail   
avail  fg        pid   remove  shutdown  status  update 
clear  maintail  quit  reread  signal    stop    version
";
        assert_eq!(columns(&names), expected);
        assert_eq!(columns(&[]), "");
        assert_eq!(columns(&["one"]), "one\n");
    }

    #[test]
    fn quotes_are_pythons() {
        for (text, expected) in [
            ("x", "'x'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("a\\b\n\x01", "'a\\\\b\\n\\x01'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
