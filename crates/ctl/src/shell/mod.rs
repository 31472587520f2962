//! The shell: `status` first, then one line after the other.
//!
//! At a terminal lines are edited, completed and remembered; other inputs are read as they are, with the prompt
//! printed all the same, because scripts look for it.

mod completion;
mod history;

use crate::dispatch::{self, After, run_line};
use crate::exit;
use crate::session::Session;
use crate::trouble::Trouble;
use completion::Completion;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// What the shell does before it asks for anything.
const FIRST_LINE: &str = "status";

/// Where lines come from.
enum Lines {
    Terminal(Box<Editor<Completion, DefaultHistory>>),
    Plain,
}

/// What came.
enum Read {
    Line(String),
    End,
    Interrupted,
}

/// Whether a person sits at both ends.
pub(crate) fn is_at_terminal() -> bool {
    provost_os::tty::is_terminal(io::stdin().as_fd())
        && provost_os::tty::is_terminal(io::stdout().as_fd())
}

/// Runs the shell until it is left, and answers the exit status, which is 0 whatever commands did.
pub(crate) fn run(
    session: &mut Session,
    prompt: &str,
    history_file: Option<&Path>,
    at_terminal: bool,
) -> i32 {
    if let Err(trouble) = session.watch_interrupts() {
        session.talk(&format!("error: {trouble}"));
        return exit::GENERIC;
    }
    let mut lines = Lines::open(history_file, at_terminal);
    let prompt = format!("{prompt}> ");
    let mut line = FIRST_LINE.to_owned();
    loop {
        match run_line(session, &line) {
            After::Next => {}
            After::Leave | After::Unheard => break,
            After::Interrupted => {
                part_with_empty_line(session);
                break;
            }
        }
        line = match lines.read(session, &prompt) {
            Ok(Read::Line(line)) => line,
            Ok(Read::End) => dispatch::END.to_owned(),
            Ok(Read::Interrupted) | Err(Trouble::Interrupted) => {
                part_with_empty_line(session);
                break;
            }
            Err(trouble) => {
                session.talk(&format!("error: {trouble}"));
                return exit::GENERIC;
            }
        };
    }
    lines.close(history_file);
    exit::SUCCESS
}

/// The shell's prompt is left behind on its own line.
fn part_with_empty_line(session: &mut Session) {
    session.say("");
    // The shell ends here; that its last line cannot be written changes nothing.
    _ = session.flush();
}

impl Lines {
    /// Edits lines only at a terminal, and reads plain ones where an editor cannot be had.
    fn open(history_file: Option<&Path>, at_terminal: bool) -> Self {
        if !at_terminal {
            return Self::Plain;
        }
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .max_history_size(history::LINES_MAX)
            .map(rustyline::config::Builder::build);
        let Ok(Ok(mut editor)) = config.map(Editor::with_config) else {
            return Self::Plain;
        };
        if let Some(path) = history_file {
            history::load(path, &mut editor);
        }
        Self::Terminal(Box::new(editor))
    }

    fn read(&mut self, session: &mut Session, prompt: &str) -> Result<Read, Trouble> {
        match self {
            Self::Plain => Ok(session.ask(prompt)?.map_or(Read::End, Read::Line)),
            Self::Terminal(editor) => {
                editor.set_helper(Some(Completion::new(
                    session.server.clone(),
                    session.plugins.clone(),
                )));
                match editor.readline(prompt) {
                    Ok(line) => Ok(Read::Line(line)),
                    Err(ReadlineError::Eof) => Ok(Read::End),
                    Err(ReadlineError::Interrupted) => Ok(Read::Interrupted),
                    Err(ReadlineError::Io(cause)) => Err(Trouble::Input(cause)),
                    Err(other) => Err(Trouble::Input(io::Error::other(other))),
                }
            }
        }
    }

    fn close(&self, history_file: Option<&Path>) {
        if let (Self::Terminal(editor), Some(path)) = (self, history_file) {
            history::save(path, editor);
        }
    }
}
