//! Random configurations, read here and by upstream itself.
//!
//! Runs when `PROVOST_ORACLE` names a directory whose `bin/python` has supervisor 4.3.0; says that it is skipped
//! otherwise. `PROVOST_SEED` repeats a run.

mod common;

use common::Machine;
use provost_config::cli::{Supervisord, parse_supervisord};
use provost_config::{Config, load};
use provost_model::config::{MainLog, ServerAddress, ServerSpec};
use provost_model::spec::{AutoRestart, FcgiAddress, LogFile, OutputSpec, ProcessSpec};
use provost_model::{GroupKind, GroupSpec, Level};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const CASES: &str = "1000";
/// What the cases are drawn from unless `PROVOST_SEED` says otherwise: a run must not fail for another reason than the
/// code that it tests. Look for more with other seeds.
const SEED: &str = "29854";
const SHOWN: usize = 5;

#[test]
#[expect(clippy::print_stderr, reason = "a skipped comparison must be seen")]
fn upstream_reads_the_same() {
    let Some(oracle) = std::env::var_os("PROVOST_ORACLE") else {
        eprintln!("skipped: PROVOST_ORACLE does not name a directory with upstream");
        return;
    };
    let seed = std::env::var("PROVOST_SEED").unwrap_or_else(|_| SEED.to_owned());
    let root = std::env::temp_dir().join(format!("provost-config-{}", std::process::id()));
    // Of an earlier process with our number.
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir(&root).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upstream.py");
    let output = Command::new(Path::new(&oracle).join("bin/python"))
        .arg(script)
        .arg(&root)
        .args([&seed, CASES])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let cases: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let path = PathBuf::from(case["path"].as_str().unwrap());
        let (expected, got) = (upstream(case), here(case, &path));
        if expected != got {
            let text = std::fs::read_to_string(&path).unwrap();
            let shown = different_lines(&expected, &got);
            wrong.push(format!(
                "{} {}\n{text}\n{shown}",
                path.display(),
                case["argv"]
            ));
        }
    }
    std::fs::remove_dir_all(&root).unwrap();
    let shown = wrong
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n----\n");
    assert!(
        wrong.is_empty(),
        "PROVOST_SEED={seed}: {} of {} differ:\n{shown}",
        wrong.len(),
        cases.len()
    );
}

/// The lines that only one of two values has: `-` upstream's, `+` ours.
fn different_lines(expected: &Value, got: &Value) -> String {
    let (expected, got) = (format!("{expected:#}"), format!("{got:#}"));
    let only = |from: &str, other: &str, sign: &str| -> String {
        let lines = from
            .lines()
            .filter(|line| !other.lines().any(|known| known == *line));
        lines.flat_map(|line| [sign, " ", line, "\n"]).collect()
    };
    only(&expected, &got, "-") + &only(&got, &expected, "+")
}

/// What upstream made of it, with the differences that are meant taken out.
fn upstream(case: &Value) -> Value {
    if let Some(error) = case["error"].as_str() {
        return json!({"error": comparable(error)});
    }
    let mut config = case["config"].clone();
    for group in config["groups"].as_array_mut().unwrap() {
        // Of processes with one name only the last is ever run.
        let mut kept: Vec<Value> = Vec::new();
        for process in group["processes"].as_array().unwrap() {
            match kept
                .iter_mut()
                .find(|known| known["name"] == process["name"])
            {
                Some(known) => *known = process.clone(),
                None => kept.push(process.clone()),
            }
        }
        group["processes"] = Value::Array(kept);
    }
    let mut groups: Vec<Value> = Vec::new();
    for group in config["groups"].as_array().unwrap() {
        // Of groups with one name only the first is ever run.
        if groups.iter().all(|known| known["name"] != group["name"]) {
            groups.push(group.clone());
        }
    }
    config["groups"] = Value::Array(groups);
    let messages = config["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str);
    config["messages"] = json!(messages.filter(|line| tellable(line)).collect::<Vec<_>>());
    json!({"config": config})
}

/// A directory that a pattern matches is told of as included by upstream, and as unreadable here.
fn tellable(line: &str) -> bool {
    !(line.contains("/conf.d\" during parsing") || line.starts_with("Could not read included file"))
}

/// Upstream names the wrong section here, and shows a Python tuple there.
fn comparable(error: &str) -> String {
    if let Some((_, rest)) = error.split_once("names unknown program") {
        return format!("names unknown program{rest}");
    }
    if let Some((_, rest)) = error.split_once(" is ambiguous") {
        return format!("is ambiguous{rest}");
    }
    let tuple = error
        .strip_prefix("('")
        .and_then(|rest| rest.split_once(" %s"));
    match tuple {
        Some((before, after)) => {
            let (after, section) = after.split_once(") in [").unwrap();
            let (middle, value) = after.split_once("', ").unwrap();
            // The value stands there as Python writes it: a continued one with `\n` for the ends of its lines.
            let value = value.trim_matches('\'').replace("\\n", "\n");
            format!("{before} {value}{middle} in [{section}")
        }
        None => error.to_owned(),
    }
}

fn here(case: &Value, path: &Path) -> Value {
    let env = [
        ("HOME", "/root"),
        ("PATH", "/bin:/usr/bin"),
        ("FOO", "foo"),
        ("PCT", "100%"),
        ("DIR", "/tmp"),
    ];
    let env = env
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let machine = Machine {
        cwd: path.parent().unwrap().to_owned(),
        env: env.collect(),
    };
    let mut argv: Vec<OsString> = vec!["supervisord".into()];
    argv.extend(
        case["argv"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| arg.as_str().unwrap().into()),
    );
    let overrides = match parse_supervisord(&argv, &machine) {
        Ok(Supervisord::Run(run)) => run.overrides,
        other => panic!("{other:?}"),
    };
    match load(path, &overrides, &machine) {
        Err(failure) => {
            assert!(
                failure
                    .diagnostics
                    .iter()
                    .any(|problem| problem.severity == provost_config::Severity::Error)
            );
            provost_config::render(&failure.diagnostics, &failure.sources);
            json!({"error": comparable(&failure.upstream_message)})
        }
        Ok(config) => {
            provost_config::render(&config.diagnostics, &config.sources);
            json!({"config": shown(&config)})
        }
    }
}

fn shown(config: &Config) -> Value {
    let daemon = &config.supervisord;
    let levels: HashMap<Level, i32> = Level::ALL
        .iter()
        .copied()
        .zip([3, 5, 10, 20, 30, 40, 50])
        .collect();
    let logfile = match &daemon.logfile {
        MainLog::File(path) => json!(path),
        MainLog::Syslog => json!("syslog"),
    };
    let messages = config
        .startup_messages
        .iter()
        .map(|(_, line)| line.as_str());
    json!({
        "supervisord": {
            "minfds": daemon.minfds,
            "minprocs": daemon.minprocs,
            "directory": daemon.directory,
            "uid": daemon.uid,
            "umask": daemon.umask,
            "logfile": logfile,
            "logfile_maxbytes": daemon.logfile_maxbytes,
            "logfile_backups": daemon.logfile_backups,
            "loglevel": levels[&daemon.loglevel],
            "pidfile": daemon.pidfile,
            "identifier": daemon.identifier,
            "nodaemon": daemon.nodaemon,
            "silent": daemon.silent,
            "childlogdir": daemon.childlogdir,
            "nocleanup": daemon.nocleanup,
            "strip_ansi": daemon.strip_ansi,
        },
        "groups": config.groups.iter().map(|group| show_group(group)).collect::<Vec<_>>(),
        "servers": config.servers.iter().map(show_server).collect::<Vec<_>>(),
        "interfaces": config.rpcinterfaces.iter().map(|interface| interface.namespace.as_str()).collect::<Vec<_>>(),
        "messages": messages.filter(|line| tellable(line)).collect::<Vec<_>>(),
    })
}

fn show_group(group: &GroupSpec) -> Value {
    let processes: Vec<Value> = group
        .processes
        .iter()
        .map(|process| show_process(process))
        .collect();
    let mut shown = json!({"name": group.name, "priority": group.priority, "processes": processes});
    match &group.kind {
        // Upstream knows nothing of helpers, and no file here has one.
        GroupKind::Program | GroupKind::Group | GroupKind::Helper(_) => {}
        GroupKind::Pool(pool) => {
            let mut names: Vec<_> = pool.events.iter().map(|kind| kind.name()).collect();
            names.sort_unstable();
            shown["pool"] = json!([pool.buffer_size, names]);
        }
        GroupKind::Fcgi(fcgi) => {
            let (mode, owner) = match &fcgi.address {
                FcgiAddress::Unix { mode, owner, .. } => (json!(mode), show_owner(*owner)),
                FcgiAddress::Tcp { .. } => (Value::Null, Value::Null),
            };
            shown["socket"] = json!([fcgi.url, fcgi.backlog, mode, owner]);
        }
    }
    shown
}

fn show_owner(owner: Option<(u32, Option<u32>)>) -> Value {
    owner.map_or(Value::Null, |(uid, gid)| {
        json!([uid, gid.map_or(-1, i64::from)])
    })
}

fn show_server(server: &ServerSpec) -> Value {
    let credentials = json!(
        server
            .credentials
            .as_ref()
            .map(|(name, password)| [name, password])
    );
    match &server.address {
        ServerAddress::Inet { host, port } => json!([server.section, host, port, credentials]),
        ServerAddress::Unix { path, mode, owner } => {
            json!([server.section, path, mode, show_owner(*owner), credentials])
        }
    }
}

fn show_process(process: &ProcessSpec) -> Value {
    let autorestart = match process.autorestart {
        AutoRestart::Never => "never",
        AutoRestart::Unexpected => "unexpected",
        AutoRestart::Always => "always",
    };
    json!({
        "name": process.name,
        "command": process.command,
        "directory": process.directory,
        "umask": process.umask,
        "priority": process.priority,
        "autostart": process.autostart,
        "autorestart": autorestart,
        "startsecs": process.startsecs,
        "startretries": process.startretries,
        "uid": process.uid,
        "stopsignal": process.stopsignal.number(),
        "stopwaitsecs": process.stopwaitsecs,
        "stopasgroup": process.stopasgroup,
        "killasgroup": process.killasgroup,
        "exitcodes": process.exitcodes,
        "redirect_stderr": process.redirect_stderr,
        "serverurl": process.serverurl,
        "environment": process.environment.iter().map(|(name, value)| [name, value]).collect::<Vec<_>>(),
        "stdout": show_output(&process.stdout),
        "stderr": show_output(&process.stderr),
    })
}

fn show_output(output: &OutputSpec) -> Value {
    let logfile = match &output.logfile {
        LogFile::None => Value::Null,
        LogFile::Auto => json!("AUTO"),
        LogFile::Path(path) => json!(path),
    };
    json!([
        logfile,
        output.maxbytes,
        output.backups,
        output.capture_maxbytes,
        output.events_enabled,
        output.syslog
    ])
}
