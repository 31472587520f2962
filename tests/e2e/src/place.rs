//! A private directory for one test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::run::run;

/// A fresh directory, removed when the value is dropped.
///
/// All names have the same length, so that sizes of logs that mention the directory agree between two runs. They are
/// short, because a unix socket in it may have 107 bytes only.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Place {
    /// Creates a directory under the system's temporary one.
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pv-{:07}-{number:04}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A left-over of a killed test whose pid came around again.
        fs::remove_dir_all(&path).ok();
        fs::create_dir(&path).expect("the temporary directory is writable");
        // Programs under another user must be able to enter it, whatever the umask is.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { path }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as text, as it stands in configurations and transcripts.
    pub fn text(&self) -> &str {
        self.path
            .to_str()
            .expect("temporary directories have plain names")
    }

    /// A path below the directory.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file and returns its path. Parent directories are made.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("the place is writable");
        }
        fs::write(&path, content).expect("the place is writable");
        path
    }

    /// Copies the content of a directory here, permissions included, and returns the place's path.
    pub fn copy_of(&self, directory: &Path) -> &Path {
        copy(directory, &self.path);
        &self.path
    }

    /// Writes a file that may be executed and returns its path.
    pub fn script(&self, name: &str, content: &str) -> PathBuf {
        let text = self.write(&format!(".{name}.text"), content);
        let path = self.program(name, &text);
        fs::remove_file(text).expect("it is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    /// Copies a program and returns the copy's path.
    ///
    /// Another process writes it: a child that another thread forks at that moment would hold a file that this one writes open
    /// for writing, and such a file cannot be executed.
    pub fn program(&self, name: &str, from: &Path) -> PathBuf {
        let path = self.join(name);
        let done = run(Command::new("cp").arg(from).arg(&path));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        path
    }

    /// The content of a file; empty when it does not exist. Bytes that are no UTF-8 are replaced.
    pub fn read(&self, name: &str) -> String {
        fs::read(self.join(name)).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// Prints a file for the person who reads a failed test's output.
    pub fn tell(&self, name: &str) {
        eprintln!("---- {name} ----\n{}", self.read(name));
    }

    /// Opens a file for writing, made anew.
    pub fn create(&self, name: &str) -> fs::File {
        fs::File::create(self.join(name)).expect("the place is writable")
    }

    /// The names of the files in a directory below, sorted.
    pub fn list(&self, name: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.join(name)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        names
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the directory is readable") {
        let entry = entry.expect("the directory is readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("the place is writable");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("the place is writable");
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

/// How many lines of a log are printed after a failure: what went on last, and no flood.
const LINES_SHOWN: usize = 120;

/// The end of a text, and how much stands before it.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(LINES_SHOWN);
    let shown = lines.get(left_out..).unwrap_or_default().join("\n");
    match left_out {
        0 => shown,
        count => format!("({count} lines before)\n{shown}"),
    }
}
