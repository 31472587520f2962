//! Running a command to its end.

use std::io::{Read, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::process::kill_tree;
use crate::wait::PATIENCE;

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What it wrote to its standard output, bytes that are no UTF-8 replaced.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// Its exit code; `None` when a signal or the deadline ended it.
    pub code: Option<i32>,
}

impl Finished {
    /// The exit code as transcripts show it.
    pub fn code_text(&self) -> String {
        self.code
            .map_or_else(|| "killed".to_owned(), |code| code.to_string())
    }
}

/// Runs a command without input.
pub fn run(command: &mut Command) -> Finished {
    run_with_input(command, b"")
}

/// Runs a command, writes `input` to it and closes its standard input. It is killed when it takes too long.
///
/// # Panics
/// When the command cannot be started.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Finished {
    let mut child = command
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        // A command that leaves without reading everything is no failure of the harness.
        stdin.write_all(input).ok();
    }
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status.code();
        }
        if begun.elapsed() > PATIENCE {
            kill_tree(child.id());
            child.wait().ok();
            break None;
        }
        thread::sleep(std::time::Duration::from_millis(3));
    };
    Finished {
        stdout: finish(stdout),
        stderr: finish(stderr),
        code,
    }
}

type Reader = Option<thread::JoinHandle<Vec<u8>>>;

fn collect(stream: Option<impl Read + Send + 'static>) -> Reader {
    let mut stream = stream?;
    Some(thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        bytes
    }))
}

fn finish(reader: Reader) -> String {
    let bytes = reader
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
