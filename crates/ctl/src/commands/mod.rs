//! The commands: one file each, and the table that names them.
//!
//! To add one, write its file and its line in [`COMMANDS`]; help, completion and dispatch follow from the entry.

mod add;
mod avail;
mod bulk;
mod clear;
mod details;
mod exit;
mod fg;
mod help;
mod maintail;
mod offline;
mod open;
mod pid;
pub(crate) mod plugins;
mod quit;
mod reload;
mod remove;
mod reread;
mod restart;
mod shutdown;
mod signal;
mod start;
mod status;
mod stop;
pub(crate) mod tail;
mod update;
mod upgrade;
mod version;

use crate::exit as codes;
use crate::session::Session;
use crate::trouble::Trouble;

/// What a command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The shell goes on.
    Stay,
    /// The shell is left.
    Leave,
}

/// How a command ends.
pub(crate) type Outcome = Result<Flow, Trouble>;

/// What the words behind a command are, for completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    /// Nothing that could be proposed.
    Nothing,
    /// Names of commands.
    Commands,
    /// Names of active groups.
    Groups,
    /// Names of processes and groups of them.
    Processes,
}

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    /// The word it is called by.
    pub(crate) name: &'static str,
    /// What `help` and wrong arguments show: forms, a tab or more, and what they do.
    pub(crate) help: &'static str,
    /// What its arguments are.
    pub(crate) completes: Completes,
    /// Does it. Gets the rest of the line without blanks around it.
    pub(crate) run: fn(&mut Session, &str) -> Outcome,
}

/// All commands, sorted by name.
pub(crate) const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &avail::COMMAND,
    &clear::COMMAND,
    &exit::COMMAND,
    &fg::COMMAND,
    &help::COMMAND,
    &maintail::COMMAND,
    &open::COMMAND,
    &pid::COMMAND,
    &quit::COMMAND,
    &reload::COMMAND,
    &remove::COMMAND,
    &reread::COMMAND,
    &restart::COMMAND,
    &shutdown::COMMAND,
    &signal::COMMAND,
    &start::COMMAND,
    &status::COMMAND,
    &stop::COMMAND,
    &tail::COMMAND,
    &update::COMMAND,
    &upgrade::COMMAND,
    &version::COMMAND,
];

/// The command with this name.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .copied()
        .find(|command| command.name == name)
}

/// The help of all commands, one below the other, for pages made from it.
pub fn commands_help() -> String {
    let mut text = String::new();
    for command in COMMANDS {
        text.push_str(&command.help.replace("\t\t", "\t").replace('\t', "  "));
        text.push('\n');
    }
    text
}

/// The words of an argument; blanks divide them, and nothing quotes a blank.
fn words(arg: &str) -> Vec<&str> {
    arg.split_whitespace().collect()
}

impl Command {
    /// Prints what is wrong and the command's help, and fails.
    fn refuse(&self, session: &mut Session, problem: &str) {
        session.say(problem);
        session.say(self.help);
        session.set_status(codes::GENERIC);
    }

    /// Whether there are arguments, which this command does not take. Says so.
    fn refuses_arguments(&self, session: &mut Session, arg: &str) -> bool {
        if !arg.is_empty() {
            self.refuse(
                session,
                &format!("Error: {} accepts no arguments", self.name),
            );
        }
        !arg.is_empty()
    }
}

/// The number of bytes in `-100`, without its sign, as a parameter of a log method: the offset from the end. None if
/// it is no number.
fn bytes_from_end(digits: &str) -> Option<Result<i64, Trouble>> {
    let (negative, plain) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let too_many = || {
        Trouble::Argument(format!(
            "{digits} bytes cannot be asked for, at most {} can",
            i32::MAX
        ))
    };
    let count = plain.parse::<i32>().map(i64::from).map_err(|_| too_many());
    Some(count.map(|count| if negative { count } else { -count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sorted_and_their_help_shows_their_forms() {
        assert!(COMMANDS.is_sorted_by_key(|command| command.name));
        for command in COMMANDS {
            for line in command.help.lines().filter(|line| line.contains('\t')) {
                let form = line.split('\t').next().unwrap_or_default();
                assert!(
                    form.is_empty() || form.starts_with(command.name),
                    "{line:?}"
                );
            }
        }
    }

    #[test]
    fn numbers_of_bytes_count_from_the_end() {
        let of = |text| bytes_from_end(text).map(Result::ok);
        assert_eq!(of("100"), Some(Some(-100)));
        assert_eq!(of("+5"), Some(Some(-5)));
        assert_eq!(of("-5"), Some(Some(5)));
        assert_eq!(of("0"), Some(Some(0)));
        assert_eq!(of("99999999999"), Some(None));
        for text in ["", "x", "-", "1x", "--1"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
