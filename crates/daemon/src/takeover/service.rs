//! The service manager behind the old daemon: what it does when that ends, and that the new one comes into its place.

use provost_model::Pid;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The control group of a process, in the one hierarchy that newer systems have.
fn control_group(pid: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.to_owned())
}

/// The unit of systemd that a process belongs to.
fn unit_of(pid: Pid) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths
        .filter_map(|path| path.rsplit('/').next())
        .find(|name| name.ends_with(".service"))
        .map(str::to_owned)
}

/// What systemd would do. An error is why it must not be tried.
pub(super) fn check(old: Pid, pidfile: &Path) -> Result<Option<String>, String> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(None);
    }
    let Some(unit) = unit_of(old) else {
        return Ok(None);
    };
    let properties = "MainPID,Type,PIDFile,KillMode";
    let told = Command::new("systemctl")
        .args(["show", "--property", properties, &unit])
        .output();
    let told = match told {
        Ok(told) if told.status.success() => told.stdout,
        _ => {
            return Err(format!(
                "the old supervisord belongs to {unit} of systemd, and `systemctl show {unit}` does not tell what becomes of \
                 its programs when it ends"
            ));
        }
    };
    verdict(&unit, &String::from_utf8_lossy(&told), old, pidfile)
}

pub(super) fn verdict(
    unit: &str,
    properties: &str,
    old: Pid,
    pidfile: &Path,
) -> Result<Option<String>, String> {
    let value = |name: &str| {
        let mut lines = properties.lines().filter_map(|line| line.split_once('='));
        lines
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    };
    if value("MainPID") != old.to_string() {
        return Ok(None);
    }
    let same_file = |path: &str| {
        path == pidfile.as_os_str()
            || fs::canonicalize(path)
                .is_ok_and(|path| fs::canonicalize(pidfile).is_ok_and(|ours| ours == path))
    };
    if value("Type") == "forking" && same_file(value("PIDFile")) {
        return Ok(None);
    }
    if ["process", "none"].contains(&value("KillMode")) {
        return Ok(Some(format!(
            "systemd will take the end of the old supervisord for the end of {unit}, and may start it again: have it start \
             Provost, or set Restart=no, before the take-over"
        )));
    }
    Err(format!(
        "the old supervisord is the main process of {unit}: when it ends, systemd kills all of its programs; first set \
         KillMode=process there (`systemctl edit {unit}`, then `systemctl daemon-reload`), or make it Type=forking with \
         PIDFile={}",
        pidfile.display()
    ))
}

/// Brings us into the control group of the old daemon, where the limits of its service are. Tells why not, if not.
pub(super) fn join(old: Pid) -> Option<String> {
    let (theirs, ours) = (control_group(&old.to_string())?, control_group("self")?);
    if theirs == ours || theirs.contains("..") {
        return None;
    }
    let path = format!("/sys/fs/cgroup{theirs}/cgroup.procs");
    if !Path::new(&path).exists() {
        return None;
    }
    let error = fs::write(&path, std::process::id().to_string()).err()?;
    Some(format!(
        "could not move into the control group {theirs} of the old supervisord: {error}; new programs run outside of it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_must_not_take_the_programs_down() {
        let file = Path::new("/run/supervisord.pid");
        let ask = |text: &str| verdict("s.service", text, Pid(7), file);
        let simple = "Type=simple\nMainPID=7\nPIDFile=\n";
        let refused = ask(&format!("{simple}KillMode=control-group\n")).unwrap_err();
        assert!(refused.contains("KillMode=process"), "{refused}");
        assert!(ask(&format!("{simple}KillMode=mixed\n")).is_err());
        let warned = ask(&format!("{simple}KillMode=process\n")).unwrap();
        assert!(warned.is_some_and(|text| text.contains("Restart=no")));
        let forking =
            "Type=forking\nMainPID=7\nKillMode=control-group\nPIDFile=/run/supervisord.pid\n";
        assert_eq!(ask(forking), Ok(None));
        assert_eq!(ask("MainPID=8\nKillMode=control-group\n"), Ok(None));
    }
}
