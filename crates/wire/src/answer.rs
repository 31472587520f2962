//! Answers of the core as values of XML-RPC, members in upstream's order.

mod pools;

use crate::describe::describe;
use crate::xmlrpc::{self, Field, Row, Rows, Value, WireFault, field};
use provost_model::info::{ConfigInfo, OutputInfo, ProcessInfo, ProcessResult};
use provost_model::spec::AutoRestart;
use provost_model::{Reply, SupervisorState};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// A member of a struct.
type Member = (String, Value);

/// The value of a good answer.
///
/// `local` is that of [`describe`], and `room` gives a buffer for what is long, whatever that has in it. A path of a log
/// and what helpers say are for the edge alone and have no form on the wire here: `nil`.
pub fn reply(reply: &Reply, local: &dyn Fn(i64) -> String, room: impl FnOnce() -> String) -> Value {
    match reply {
        Reply::Done => Value::Bool(true),
        Reply::Text(text) => Value::text(text),
        Reply::State(state) => supervisor_state(*state),
        Reply::Info(info) => process_info(info, local),
        Reply::Infos(infos) => process_infos(infos, local, room()),
        Reply::Configs(configs) => Value::Array(configs.iter().map(config_info).collect()),
        Reply::Results(results) => Value::Array(results.iter().map(process_result).collect()),
        Reply::Pools(pools) => Value::Array(pools.iter().map(pools::pool_info).collect()),
        Reply::Reload {
            added,
            changed,
            removed,
        } => {
            let lists = [added, changed, removed].map(|names| texts(names));
            Value::Array(vec![Value::Array(lists.into())])
        }
        Reply::Log(_)
        | Reply::Helper(_)
        | Reply::HelperMethods(_)
        | Reply::Detail(_)
        | Reply::History(_)
        | Reply::Differences(_)
        | Reply::Views { .. } => Value::Nil,
        Reply::Names(names) => texts(names),
        Reply::Count(count) => Value::Int(i64::try_from(*count).unwrap_or(i64::MAX)),
        Reply::Stored(bytes) => unpack(bytes),
    }
}

/// A value as the core keeps it for a client: what it would be as an answer.
pub(crate) fn pack(value: &Value) -> Arc<[u8]> {
    xmlrpc::write_response(value).into()
}

/// What [`pack`] was given. Only it makes such bytes, so nothing else comes here.
fn unpack(bytes: &[u8]) -> Value {
    match xmlrpc::read_response(bytes) {
        Ok(Ok(value)) => value,
        Ok(Err(_)) | Err(_) => Value::Nil,
    }
}

/// A fault as an element of an array, where it cannot be the whole answer.
pub fn fault(fault: &WireFault) -> Value {
    structure([
        int("faultCode", fault.code),
        text("faultString", &fault.text),
    ])
}

fn supervisor_state(state: SupervisorState) -> Value {
    structure([
        int("statecode", state.code()),
        text("statename", state.name()),
    ])
}

/// What is told of a process, in upstream's order. `scratch` is for whatever has to be put together.
fn info_members(
    info: &ProcessInfo,
    local: &dyn Fn(i64) -> String,
    scratch: &mut String,
    to: &mut impl Members,
) {
    scratch.clear();
    describe(scratch, info, local);
    to.text(field!("name"), &info.name);
    to.text(field!("group"), &info.group);
    to.int(field!("start"), info.start);
    to.int(field!("stop"), info.stop);
    to.int(field!("now"), info.now);
    to.int(field!("state"), info.state.code().into());
    to.text(field!("statename"), info.state.name());
    to.text(field!("spawnerr"), &info.spawnerr);
    to.int(field!("exitstatus"), info.exitstatus.into());
    let [stdout, stderr] =
        [&info.stdout_logfile, &info.stderr_logfile].map(|path| shown(path.as_ref()));
    to.text(field!("logfile"), &stdout);
    to.text(field!("stdout_logfile"), &stdout);
    to.text(field!("stderr_logfile"), &stderr);
    to.int(field!("pid"), info.pid.into());
    to.text(field!("description"), scratch);
}

/// Where members go.
trait Members {
    fn text(&mut self, field: &'static Field, text: &str);
    fn int(&mut self, field: &'static Field, number: i64);
}

/// A path of a log, or an empty text.
fn shown(path: Option<&Arc<Path>>) -> Cow<'_, str> {
    let Some(path) = path else {
        return Cow::default();
    };
    // Nearly always it is text, which is found out quicker than how to show what is not.
    path.to_str()
        .map_or_else(|| path.to_string_lossy(), Cow::Borrowed)
}

impl Members for Vec<Member> {
    fn text(&mut self, field: &'static Field, text: &str) {
        self.push((field.name.to_owned(), Value::text(text)));
    }

    fn int(&mut self, field: &'static Field, number: i64) {
        self.push((field.name.to_owned(), Value::Int(number)));
    }
}

impl Members for Row<'_> {
    fn text(&mut self, field: &'static Field, text: &str) {
        Row::text(self, field, text);
    }

    fn int(&mut self, field: &'static Field, number: i64) {
        Row::int(self, field, number);
    }
}

fn process_info(info: &ProcessInfo, local: &dyn Fn(i64) -> String) -> Value {
    let mut members = Vec::new();
    info_members(info, local, &mut String::new(), &mut members);
    Value::Struct(members)
}

/// The answer that is asked for most often, and the longest of them.
fn process_infos(infos: &[ProcessInfo], local: &dyn Fn(i64) -> String, buffer: String) -> Value {
    /// What a process has as a rule.
    const BYTES: usize = 1280;
    let mut rows = Rows::within(buffer, infos.len(), BYTES);
    let mut scratch = String::new();
    for info in infos {
        rows.row(|row| info_members(info, local, &mut scratch, row));
    }
    rows.finish()
}

fn process_result(result: &ProcessResult) -> Value {
    structure([
        text("name", &result.name),
        text("group", &result.group),
        int("status", result.status.code()),
        text("description", &result.description),
    ])
}

fn config_info(info: &ConfigInfo) -> Value {
    let exitcodes = info
        .exitcodes
        .iter()
        .map(|code| Value::Int((*code).into()))
        .collect();
    let mut members = vec![
        flag("autostart", info.autostart),
        ("autorestart".to_owned(), autorestart(info.autorestart)),
        text("directory", or_none(info.directory.as_deref())),
        (
            "uid".to_owned(),
            info.uid
                .map_or_else(|| Value::text("none"), |uid| Value::Int(uid.into())),
        ),
        text("command", &info.command),
        ("exitcodes".to_owned(), Value::Array(exitcodes)),
        text("group", &info.group),
        int("group_prio", info.group_prio),
        flag("inuse", info.inuse),
        flag("killasgroup", info.killasgroup),
        text("name", &info.name),
        int("process_prio", info.process_prio),
        flag("redirect_stderr", info.redirect_stderr),
        int("startretries", info.startretries),
        int("startsecs", info.startsecs),
    ];
    members.extend(output("stdout", &info.stdout));
    members.push(int("stopsignal", info.stopsignal.number()));
    members.push(int("stopwaitsecs", info.stopwaitsecs));
    members.extend(output("stderr", &info.stderr));
    members.push(text("serverurl", or_none(info.serverurl.as_deref())));
    Value::Struct(members)
}

fn output(channel: &str, info: &OutputInfo) -> [Member; 6] {
    let named = |name: &str| format!("{channel}_{name}");
    [
        int(named("capture_maxbytes"), info.capture_maxbytes),
        flag(named("events_enabled"), info.events_enabled),
        text(named("logfile"), &info.logfile),
        int(named("logfile_backups"), info.backups),
        int(named("logfile_maxbytes"), info.maxbytes),
        flag(named("syslog"), info.syslog),
    ]
}

/// A member of upstream's development version; a boolean where that version meant one.
fn autorestart(setting: AutoRestart) -> Value {
    match setting {
        AutoRestart::Never => Value::Bool(false),
        AutoRestart::Unexpected => Value::text("unexpected"),
        AutoRestart::Always => Value::Bool(true),
    }
}

fn or_none(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

fn structure<const N: usize>(members: [Member; N]) -> Value {
    Value::Struct(members.into())
}

fn texts(names: &[String]) -> Value {
    Value::Array(names.iter().map(Value::text).collect())
}

fn text(name: impl Into<String>, text: impl Into<String>) -> Member {
    (name.into(), Value::Str(text.into()))
}

fn int(name: impl Into<String>, number: impl Into<i64>) -> Member {
    (name.into(), Value::Int(number.into()))
}

fn flag(name: impl Into<String>, truth: bool) -> Member {
    (name.into(), Value::Bool(truth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::info::Description;
    use provost_model::{Fault, FaultCode, ProcessState, Signal};

    fn names(value: &Value) -> String {
        let Value::Struct(members) = value else {
            panic!("no struct: {value:?}")
        };
        members
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn local(secs: i64) -> String {
        format!("at {secs}")
    }

    #[test]
    fn process_info_has_upstreams_members_in_order() {
        let info = ProcessInfo {
            name: "a".into(),
            group: "g".into(),
            start: 1,
            stop: 2,
            now: 1 << 40,
            state: ProcessState::Exited,
            spawnerr: String::new(),
            exitstatus: -1,
            stdout_logfile: Some(Path::new("/out").into()),
            stderr_logfile: None,
            pid: 0,
            description: Description::Ended,
        };
        let value = reply(&Reply::Info(Box::new(info)), &local, String::new);
        assert_eq!(
            names(&value),
            "name group start stop now state statename spawnerr exitstatus logfile stdout_logfile stderr_logfile pid \
             description"
        );
        assert_eq!(value.member("logfile"), Some(&Value::text("/out")));
        assert_eq!(value.member("description"), Some(&Value::text("at 2")));
        let written = String::from_utf8(crate::xmlrpc::write_response(&value)).unwrap();
        assert!(
            written.contains("<name>now</name>\n<value><int>2147483647</int></value>"),
            "{written}"
        );
    }

    #[test]
    fn many_processes_are_written_as_each_of_them() {
        let info = |name: &str, state| ProcessInfo {
            name: name.into(),
            group: "g".into(),
            start: 1,
            stop: 2,
            now: 1 << 40,
            state,
            spawnerr: "can't find command '<x>' & \u{1}".to_owned(),
            exitstatus: -1,
            stdout_logfile: Some(Path::new("/\u{ffff}\u{fffd}ü").into()),
            stderr_logfile: None,
            pid: 4711,
            description: Description::Trouble,
        };
        let infos = vec![
            info("a", ProcessState::Fatal),
            info("b>", ProcessState::Running),
        ];
        let each = infos
            .iter()
            .map(|info| process_info(info, &local))
            .collect();
        let all = reply(&Reply::Infos(infos), &local, || "used before".to_owned());
        assert_eq!(
            String::from_utf8(xmlrpc::write_response(&all)).unwrap(),
            String::from_utf8(xmlrpc::write_response(&Value::Array(each))).unwrap()
        );
        assert_eq!(
            xmlrpc::into_response(all.clone()),
            xmlrpc::write_response(&all)
        );
        let Value::Written(written) = &all else {
            panic!("{all:?}")
        };
        assert_eq!(written.read().as_array().map(<[Value]>::len), Some(2));
    }

    #[test]
    fn config_info_has_upstreams_members_in_order() {
        let output = OutputInfo {
            logfile: "auto".to_owned(),
            maxbytes: 1,
            backups: 2,
            capture_maxbytes: 3,
            events_enabled: true,
            syslog: false,
        };
        let info = ConfigInfo {
            autostart: true,
            autorestart: AutoRestart::Unexpected,
            directory: None,
            uid: None,
            command: "/bin/cat".to_owned(),
            exitcodes: vec![0, 2],
            group: "g".to_owned(),
            group_prio: 999,
            inuse: false,
            killasgroup: false,
            name: "a".to_owned(),
            process_prio: 999,
            redirect_stderr: false,
            startretries: 3,
            startsecs: 1,
            stdout: output.clone(),
            stderr: output,
            stopsignal: Signal::TERM,
            stopwaitsecs: 10,
            serverurl: None,
        };
        let value = config_info(&info);
        assert_eq!(
            names(&value),
            "autostart autorestart directory uid command exitcodes group group_prio inuse killasgroup name \
             process_prio redirect_stderr startretries startsecs stdout_capture_maxbytes stdout_events_enabled \
             stdout_logfile stdout_logfile_backups stdout_logfile_maxbytes stdout_syslog stopsignal stopwaitsecs \
             stderr_capture_maxbytes stderr_events_enabled stderr_logfile stderr_logfile_backups \
             stderr_logfile_maxbytes stderr_syslog serverurl"
        );
        for unset in ["directory", "uid", "serverurl"] {
            assert_eq!(value.member(unset), Some(&Value::text("none")), "{unset}");
        }
        assert_eq!(value.member("stdout_logfile_backups"), Some(&Value::Int(2)));
        assert_eq!(value.member("stopsignal"), Some(&Value::Int(15)));
    }

    #[test]
    fn a_reload_is_three_lists_in_a_list_in_a_list() {
        let answer = Reply::Reload {
            added: vec!["a".to_owned()],
            changed: vec![],
            removed: vec!["r".to_owned()],
        };
        let list =
            |names: &[&str]| Value::Array(names.iter().map(|name| Value::text(*name)).collect());
        let expected = Value::Array(vec![Value::Array(vec![
            list(&["a"]),
            list(&[]),
            list(&["r"]),
        ])]);
        assert_eq!(reply(&answer, &local, String::new), expected);
    }

    #[test]
    fn a_fault_in_a_list_has_its_code_and_text() {
        let value = fault(&Fault::about(FaultCode::BadName, "x").into());
        assert_eq!(names(&value), "faultCode faultString");
        assert_eq!(
            value.member("faultString"),
            Some(&Value::text("BAD_NAME: x"))
        );
    }
}
