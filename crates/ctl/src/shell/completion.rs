//! What Tab proposes: commands, groups, processes.

use crate::commands::plugins::Plugins;
use crate::commands::{COMMANDS, Completes};
use crate::exchange::exchange;
use crate::records::StatusRow;
use crate::session::{Server, read_rows, read_value};
use crate::trouble::Trouble;
use provost_wire::xmlrpc;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use std::cell::OnceCell;
use std::time::Duration;

/// How long Tab waits for the server.
const PATIENCE: Duration = Duration::from_secs(2);

/// The method that tells the names.
const METHOD: &str = "supervisor.getAllProcessInfo";

/// Completion of one line. The server is asked at most once for it.
pub(super) struct Completion {
    server: Server,
    plugins: Plugins,
    processes: OnceCell<Vec<StatusRow>>,
}

impl Completion {
    pub(super) fn new(server: Server, plugins: Plugins) -> Self {
        Self {
            server,
            plugins,
            processes: OnceCell::new(),
        }
    }

    /// No server, no names: Tab is not the place for errors.
    fn processes(&self) -> &[StatusRow] {
        self.processes
            .get_or_init(|| self.fetch().unwrap_or_default())
    }

    fn fetch(&self) -> Result<Vec<StatusRow>, Trouble> {
        let mut connection = self.server.connect()?;
        let limited = connection.limit_reads(PATIENCE);
        limited.map_err(|cause| self.server.lost(METHOD, cause))?;
        let call = xmlrpc::write_call(METHOD, &[]);
        let answer = exchange(&self.server, &mut connection, METHOD, &call, None)?;
        read_rows(METHOD, &read_value(METHOD, &answer.body)?, StatusRow::read)
    }

    /// Where the word at the end of `line` begins, and what it could become, each with a blank behind it.
    fn propose(&self, line: &str) -> (usize, Vec<String>) {
        let start = line.rfind(char::is_whitespace).map_or(0, |blank| {
            blank + line[blank..].chars().next().map_or(1, char::len_utf8)
        });
        let (before, word) = line.split_at(start);
        let mut found = match before.split_whitespace().next() {
            None => self.command_names(),
            Some(command) => match self.plugins.command(command).map(|found| found.completes) {
                None | Some(Completes::Nothing) => Vec::new(),
                Some(Completes::Commands) => self.command_names(),
                Some(Completes::Groups) => group_names(self.processes()),
                Some(Completes::Processes) => process_names(self.processes(), word.contains(':')),
            },
        };
        found.retain(|name| name.starts_with(word));
        for name in &mut found {
            name.push(' ');
        }
        (start, found)
    }

    fn command_names(&self) -> Vec<String> {
        let built_in = COMMANDS.iter().map(|command| command.name);
        let others = self.plugins.blocks().into_iter();
        let others = others.flat_map(|(_, commands)| commands);
        built_in.chain(others).map(ToOwned::to_owned).collect()
    }
}

fn group_names(processes: &[StatusRow]) -> Vec<String> {
    let mut names: Vec<String> = processes.iter().map(|row| row.group.clone()).collect();
    names.dedup();
    names
}

/// Long forms where the group has another name, and everywhere once a colon was typed.
fn process_names(processes: &[StatusRow], long: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in processes {
        if !long && row.group == row.name {
            names.push(row.name.clone());
            continue;
        }
        names.push(format!("{}:{}", row.group, row.name));
        let all = format!("{}:*", row.group);
        if !names.contains(&all) {
            names.push(all);
        }
    }
    names
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.propose(line.get(..pos).unwrap_or(line)))
    }
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Hinter for Completion {
    type Hint = String;
}
impl Validator for Completion {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Trust;
    use provost_config::{Plugin, PluginSpec};

    fn completion() -> Completion {
        let row = |group: &str, name: &str| StatusRow {
            group: group.into(),
            name: name.into(),
            state: 20,
            state_name: "RUNNING".into(),
            description: String::new(),
            pid: 1,
        };
        let server = Server {
            url: "unix:///nonexistent".into(),
            credentials: None,
            daemon: None,
            trust: Trust::default(),
        };
        let plugins = Plugins::new(vec![PluginSpec {
            name: "laforge".to_owned(),
            plugin: Plugin::Laforge,
        }]);
        let completion = Completion::new(server, plugins);
        let rows = vec![row("cat", "cat"), row("web", "a-1"), row("web", "a-2")];
        assert!(completion.processes.set(rows).is_ok());
        completion
    }

    #[test]
    fn the_first_word_is_a_command_and_the_others_what_it_takes() {
        let completion = completion();
        let of = |line| completion.propose(line);
        let found = |start: usize, names: &[&str]| {
            (
                start,
                names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        };
        assert_eq!(of("st"), found(0, &["start ", "status ", "stop "]));
        assert_eq!(of("  rer"), found(2, &["reread "]));
        assert_eq!(of("help ver"), found(5, &["version "]));
        assert_eq!(of("update "), found(7, &["cat ", "web "]));
        assert_eq!(
            of("start "),
            found(6, &["cat ", "web:a-1 ", "web:* ", "web:a-2 "])
        );
        assert_eq!(of("stop cat cat:"), found(9, &["cat:cat ", "cat:* "]));
        assert_eq!(
            of("signal HUP web:a-"),
            found(11, &["web:a-1 ", "web:a-2 "])
        );
        assert_eq!(of("ki"), found(0, &["kill "]));
        assert_eq!(of("help ki"), found(5, &["kill "]));
        assert_eq!(of("kill HUP web:a-"), found(9, &["web:a-1 ", "web:a-2 "]));
        assert_eq!(of("mstop "), found(6, &[]));
        assert_eq!(of("reread "), found(7, &[]));
        assert_eq!(of("bogus "), found(6, &[]));
    }

    #[test]
    fn without_a_server_nothing_is_proposed() {
        let server = Server {
            url: "unix:///nonexistent".into(),
            credentials: None,
            daemon: None,
            trust: Trust::default(),
        };
        assert_eq!(
            Completion::new(server, Plugins::default()).propose("start "),
            (6, Vec::new())
        );
    }
}
