//! From a line to a command.

use crate::commands::plugins::Plugins;
use crate::commands::{Command, Flow, Outcome};
use crate::exit;
use crate::render;
use crate::session::Session;
use crate::trouble::Trouble;
use std::io;

/// The line that stands for the end of the input.
pub(crate) const END: &str = "EOF";

/// What a line asks for.
#[derive(Debug)]
enum Parsed<'a> {
    /// Nothing.
    Empty,
    /// The end of the input, which can also be typed.
    End,
    /// A command and its arguments.
    Command(&'static Command, &'a str),
    /// Something else.
    Unknown,
}

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Take the next one.
    Next,
    /// Leave the shell.
    Leave,
    /// Leave the shell because of Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more.
    Unheard,
}

/// Runs one line.
pub(crate) fn run_line(session: &mut Session, line: &str) -> After {
    let line = line.trim();
    let outcome = match parse(&session.plugins, line) {
        Parsed::Empty => Ok(Flow::Stay),
        Parsed::End => {
            session.say("");
            Ok(Flow::Leave)
        }
        Parsed::Command(command, arg) => run_command(session, command, arg),
        Parsed::Unknown => {
            session.say(render::harmless(&format!("*** Unknown syntax: {line}")));
            session.set_status(exit::GENERIC);
            Ok(Flow::Stay)
        }
    };
    session.hang_up();
    let after = match outcome {
        Ok(Flow::Stay) => After::Next,
        Ok(Flow::Leave) => After::Leave,
        Err(Trouble::Interrupted) => After::Interrupted,
        Err(trouble) => {
            session.say_trouble(&trouble);
            After::Next
        }
    };
    match session.flush() {
        Ok(()) => after,
        Err(trouble) => {
            tell_of_lost_output(session, &trouble);
            After::Unheard
        }
    }
}

/// A reader that leaves early (`head`) is none of our business; a full disk is.
fn tell_of_lost_output(session: &mut Session, trouble: &Trouble) {
    if !matches!(trouble, Trouble::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe) {
        session.talk(&format!("error: {trouble}"));
        session.set_status(exit::GENERIC);
    }
}

/// Runs a command; where the server asks for a name and a password, so do we, and run it again.
fn run_command(session: &mut Session, command: &Command, arg: &str) -> Outcome {
    loop {
        match (command.run)(session, arg) {
            Err(trouble) if trouble.is_unauthorized() => {
                session.say("Server requires authentication");
                if !session.interactive {
                    session.set_status(exit::GENERIC);
                    return Ok(Flow::Stay);
                }
                session.hang_up();
                session.ask_credentials()?;
            }
            outcome => return outcome,
        }
    }
}

/// The command of a line by name, and its arguments; none where the line is no command.
pub(crate) fn command<'a>(plugins: &Plugins, line: &'a str) -> Option<(&'static str, &'a str)> {
    match parse(plugins, line.trim()) {
        Parsed::Command(command, arguments) => Some((command.name, arguments)),
        Parsed::Empty | Parsed::End | Parsed::Unknown => None,
    }
}

/// The command is the letters, digits and underscores that a line begins with; `?` stands for `help`.
fn parse<'a>(plugins: &Plugins, line: &'a str) -> Parsed<'a> {
    let (name, arg) = if let Some(rest) = line.strip_prefix('?') {
        ("help", rest)
    } else {
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        line.split_at(end.unwrap_or(line.len()))
    };
    match plugins.command(name) {
        _ if line.is_empty() => Parsed::Empty,
        _ if name == END => Parsed::End,
        Some(command) => Parsed::Command(command, arg.trim()),
        None => Parsed::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_command() {
        let plugins = Plugins::default();
        let of = |line| match parse(&plugins, line) {
            Parsed::Empty => "-".to_owned(),
            Parsed::End => "end".to_owned(),
            Parsed::Command(command, arg) => format!("{}({arg})", command.name),
            Parsed::Unknown => "unknown".to_owned(),
        };
        assert_eq!(of(""), "-");
        assert_eq!(of("EOF"), "end");
        assert_eq!(of("status  a  b"), "status(a  b)");
        assert_eq!(of("tail-f x"), "tail(-f x)");
        assert_eq!(of("?"), "help()");
        assert_eq!(of("? start"), "help(start)");
        for line in ["bogus", "!ls", "-f", "Status", "statusx", "*"] {
            assert_eq!(of(line), "unknown", "{line}");
        }
    }
}
