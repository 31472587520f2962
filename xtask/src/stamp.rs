//! What setup installs into directories of its own, each once.
//!
//! A stamp in the directory names what was installed, so that a second run is instant and a change of version starts afresh.

use std::fs;
use std::path::Path;

/// Something to install.
pub(crate) struct Installed<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// All that it is made of: with anything else in the stamp it is installed anew.
    pub(crate) wanted: &'a str,
    /// Its directory.
    pub(crate) directory: &'a Path,
    /// What to do when it cannot be had.
    pub(crate) help: &'a [&'a str],
}

impl Installed<'_> {
    /// Installs it if it is missing, into a directory that is not there. Says what went wrong, and answers whether it is in place.
    pub(crate) fn ensure(&self, install: impl FnOnce(&Path) -> Result<(), String>) -> bool {
        let (name, shown) = (self.name, self.directory.display());
        let stamp = self.directory.join("stamp");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == self.wanted) {
            println!("setup: {name} is in {shown}");
            return true;
        }
        let begun = remove(self.directory).and_then(|()| install(self.directory));
        let done = begun.and_then(|()| {
            fs::write(&stamp, self.wanted).map_err(|error| format!("{}: {error}", stamp.display()))
        });
        match done {
            Ok(()) => println!("setup: installed {name} into {shown}"),
            Err(ref why) => {
                eprintln!("error: cannot set up {name} in {shown}: {why}");
                for help in self.help {
                    eprintln!("  help: {help}");
                }
            }
        }
        done.is_ok()
    }
}

fn remove(directory: &Path) -> Result<(), String> {
    if !directory.exists() {
        return Ok(());
    }
    fs::remove_dir_all(directory).map_err(|error| format!("removing the old one: {error}"))
}
