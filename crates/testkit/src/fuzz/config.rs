//! Files of configuration.

use provost_config::document::Document;
use provost_config::{Config, Failure, Host, LooseProgram, Overrides, User};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a configuration that is short enough to be read twice.
const SHORT: usize = 1024;

/// Digits of a `numprocs` that is tried: thousands of processes only take their time.
const DIGITS: usize = 2;

/// `data` is a configuration, and the options of a program that a client adds: refused with words, or understood whole, and
/// the same whenever it is read.
pub fn config_file(data: &[u8]) {
    let host = OneFile(data);
    let path = Path::new(CONF);
    let text = String::from_utf8_lossy(data);
    if asks_for_many(&text) {
        return;
    }
    let _ = Document::parse(&text);
    let _ = provost_config::load_supervisorctl(path, &host);
    let _ = provost_config::load_pidfile(path, &host);
    let load = || provost_config::load(path, &Overrides::default(), &host);
    let result = load();
    check(&result);
    if let Ok(config) = result
        && data.len() <= SHORT
    {
        let again = load().expect("it was understood before");
        assert_eq!(again.groups, config.groups);
        assert_eq!(again.diagnostics, config.diagnostics);
    }
    let options: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
        .collect();
    let program = LooseProgram {
        group: "g",
        name: "added",
        options: &options,
    };
    if let Err(failure) = provost_config::load_program(path, &[], program, &host) {
        assert!(!failure.upstream_message.is_empty());
        provost_config::render(&failure.diagnostics, &failure.sources);
    }
}

/// What was read of a configuration has its groups in their order, each name once; or says what is wrong.
pub fn check(result: &Result<Config, Failure>) {
    match result {
        Ok(config) => {
            let order: Vec<_> = config
                .groups
                .iter()
                .map(|group| (group.priority, &group.name))
                .collect();
            assert!(order.is_sorted(), "{order:?}");
            let mut names: Vec<_> = config.groups.iter().map(|group| &group.name).collect();
            names.sort();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
            provost_config::render(&config.diagnostics, &config.sources);
            provost_config::to_json(&config.diagnostics);
        }
        Err(failure) => {
            assert!(!failure.upstream_message.is_empty());
            assert!(!failure.diagnostics.is_empty());
            provost_config::render(&failure.diagnostics, &failure.sources);
            provost_config::to_json(&failure.diagnostics);
        }
    }
}

/// Whether a line sets more processes than are tried.
fn asks_for_many(text: &str) -> bool {
    let number = |line: &str| {
        let digits = line.chars().filter(char::is_ascii_digit);
        digits.count() > DIGITS
    };
    text.to_lowercase()
        .split(['\n', '\r'])
        .any(|line| line.contains("numprocs") && number(line))
}

/// A machine with one file.
#[derive(Debug)]
pub struct OneFile<'a>(pub &'a [u8]);

/// Where that file is.
pub const CONF: &str = "/etc/supervisord.conf";

impl Host for OneFile<'_> {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.exists(path) {
            Ok(self.0.to_vec())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path == Path::new(CONF) || self.is_dir(path)
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.exists(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        [Path::new("/"), Path::new("/etc"), Path::new("/tmp")].contains(&path)
    }

    fn list_dir(&self, _path: &Path) -> io::Result<Vec<OsString>> {
        Ok(vec![OsString::from("supervisord.conf")])
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        (name == "chris").then_some(User {
            uid: 1000,
            gid: 1000,
        })
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        (uid == 1000).then_some(User { uid, gid: uid })
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        (name == "chris").then_some(1000)
    }

    fn group_exists(&self, gid: u32) -> bool {
        gid == 1000
    }

    fn home_dir(&self, _user: Option<&str>) -> Option<String> {
        Some("/tmp".to_owned())
    }

    fn hostname(&self) -> String {
        "host".to_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        vec![("A".to_owned(), "b".to_owned())]
    }

    fn cwd(&self) -> PathBuf {
        "/tmp".into()
    }

    fn temp_dir(&self) -> String {
        "/tmp".to_owned()
    }

    fn uid(&self) -> u32 {
        1000
    }
}
