//! The packages whose factories are built in: the real ones under upstream, ours beside them, to the byte.

use provost_compat::config_case::Case;
use provost_compat::desk::{Desk, compare_desks};
use provost_compat::rig::Scenario;
use provost_compat::talk::{Talk, compare_talks};
use provost_e2e::Value;

/// The server halves, and one of them again under another name and with a whitelist.
const INTERFACES: &str = "\
[rpcinterface:twiddler]
supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
[rpcinterface:little]
supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
whitelist = getAPIVersion, log
[rpcinterface:cache]
supervisor.rpcinterface_factory = supervisor_cache.rpcinterface:make_cache_rpcinterface
[rpcinterface:laforge]
supervisor.rpcinterface_factory = mr.laforge.rpcinterface:make_laforge_rpcinterface
";

const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
[program:member]
command=/bin/cat
autostart=false
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
[group:g]
programs=member
priority=5
[group:empty]
programs=
";

fn scenario(name: &str, plugins: &str) -> Scenario {
    Scenario::new(name, &format!("{INTERFACES}{plugins}{PROGRAMS}"))
}

fn options(pairs: &[(&str, &str)]) -> Value {
    let member = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::from(*value));
    Value::Struct(pairs.iter().map(member).collect())
}

/// A program that does nothing until it is started.
fn quiet(more: &[(&str, &str)]) -> Value {
    let mut pairs = vec![
        ("command", "/bin/cat"),
        ("autostart", "false"),
        ("startsecs", "0"),
        ("stdout_logfile", "NONE"),
        ("stderr_logfile", "NONE"),
    ];
    pairs.extend(more);
    options(&pairs)
}

fn add(talk: &mut Talk, group: &str, name: &str, program: Value) {
    let params = [group.into(), name.into(), program];
    talk.call("twiddler.addProgramToGroup", &params);
}

#[test]
fn settings_of_sections() {
    let section = |factory: &str, setting: &str| {
        format!("[rpcinterface:x]\nsupervisor.rpcinterface_factory = {factory}\n{setting}\n")
    };
    let twiddler = "supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface";
    let cache = "supervisor_cache.rpcinterface:make_cache_rpcinterface";
    let laforge = "mr.laforge.rpcinterface:make_laforge_rpcinterface";
    for (name, text) in [
        ("plugin whitelist", section(twiddler, "whitelist = log,")),
        ("plugin cache color", section(cache, "color = red")),
        ("plugin laforge color", section(laforge, "color = red")),
    ] {
        Case::new(name, &text).check().expect(name);
    }
}

#[test]
fn names_and_types() {
    compare_talks("plugins", &scenario("plugins", ""), |talk| {
        for interface in ["twiddler", "little", "cache", "laforge"] {
            talk.call(&format!("{interface}.getAPIVersion"), &[]);
            talk.call(&format!("{interface}.getAPIVersion"), &[1.into()]);
            talk.call(&format!("{interface}.getNothing"), &[]);
        }
        talk.call("laforge.getMrLaForgeVersion", &[]);
        let ours = ["twiddler.", "little.", "cache.", "laforge."];
        let listed = talk.daemon().rpc().call("system.listMethods", &[]).value();
        let names: Vec<String> = listed
            .items()
            .iter()
            .map(|name| name.text().to_owned())
            .filter(|name| ours.iter().any(|start| name.starts_with(start)))
            .collect();
        talk.note("names", &names.join("\n"));
        for name in &names {
            talk.call("system.methodSignature", &[name.as_str().into()]);
        }
    });
}

#[test]
fn programs_come_and_go() {
    compare_talks("twiddler", &scenario("twiddler", ""), |talk| {
        talk.daemon().wait_state("cat", "RUNNING");
        talk.call("twiddler.getGroupNames", &[]);
        add(talk, "empty", "a", quiet(&[]));
        add(talk, "empty", "a", quiet(&[]));
        add(talk, "nobody", "a", quiet(&[]));
        add(
            talk,
            "empty",
            "many",
            quiet(&[
                ("numprocs", "2"),
                ("process_name", "%(program_name)s_%(process_num)d"),
            ]),
        );
        add(
            talk,
            "cat",
            "auto",
            options(&[("command", "/bin/cat"), ("startsecs", "0")]),
        );
        talk.daemon().wait_state("cat:auto", "RUNNING");
        for wrong in [
            options(&[]),
            quiet(&[("autostart", "maybe")]),
            quiet(&[("numprocs", "2")]),
            quiet(&[("numprocs", "x")]),
            quiet(&[("user", "no-such-user")]),
            quiet(&[("stdout_logfile", "/no/such/place/x.log")]),
            quiet(&[("environment", "A")]),
            quiet(&[("stopsignal", "NOSUCH")]),
            quiet(&[("stopasgroup", "true"), ("killasgroup", "false")]),
            quiet(&[("priority", "first")]),
            quiet(&[("directory", "%")]),
            quiet(&[("exitcodes", "0,x")]),
            quiet(&[("stdout_logfile_maxbytes", "big")]),
        ] {
            add(talk, "empty", "wrong", wrong);
        }
        for name in ["with blank", "with:colon", "with/slash"] {
            add(talk, "empty", name, quiet(&[]));
        }
        add(talk, "empty", "text", "no struct".into());
        add(talk, "empty", "number", 5.into());
        let pair = Value::Array(vec!["command".into(), "/bin/cat".into()]);
        let other = Value::Array(vec!["autostart".into(), false.into()]);
        add(talk, "empty", "pairs", Value::Array(vec![pair, other]));
        add(
            talk,
            "empty",
            "half",
            Value::Array(vec![Value::Array(vec!["command".into()])]),
        );
        add(
            talk,
            "empty",
            "special",
            quiet(&[
                ("COMMAND", "/bin/cat ; kept"),
                ("nonsense", "x"),
                ("directory", "%(here)s"),
            ]),
        );
        talk.call(
            "twiddler.addProgramToGroup",
            &["empty".into(), "few".into()],
        );
        for name in ["empty:a", "empty:many_1", "empty:wrong", "cat:auto"] {
            let info = talk
                .daemon()
                .rpc()
                .call("supervisor.getProcessInfo", &[name.into()]);
            let state = match info {
                provost_e2e::Outcome::Value(info) => info.get("statename").map(Value::to_string),
                other => Some(other.to_string()),
            };
            talk.note(&format!("state of {name}"), &state.unwrap_or_default());
        }
        let remove = "twiddler.removeProcessFromGroup";
        talk.call(remove, &["nobody".into(), "a".into()]);
        talk.call(remove, &["empty".into(), "nobody".into()]);
        talk.call(remove, &["cat".into(), "cat".into()]);
        talk.call("supervisor.startProcess", &["empty:a".into()]);
        talk.call(remove, &["empty".into(), "a".into()]);
        talk.call("supervisor.stopProcess", &["empty:a".into()]);
        talk.call(remove, &["empty".into(), "a".into()]);
        talk.call(remove, &["empty".into(), "a".into()]);
        talk.call("supervisor.getProcessInfo", &["empty:a".into()]);
        talk.call(remove, &["g".into(), "member_0".into()]);
        talk.call("supervisor.reloadConfig", &[]);
        talk.call_sorted("supervisor.stopProcessGroup", &["cat".into()]);
        talk.call("supervisor.removeProcessGroup", &["cat".into()]);
        talk.call("twiddler.getGroupNames", &[]);
    });
}

#[test]
fn lines_for_the_log() {
    compare_talks("twiddler log", &scenario("twiddler_log", ""), |talk| {
        let levels = [
            Value::from("CRIT"),
            "erro".into(),
            "Warn".into(),
            "INFO".into(),
            "DEBG".into(),
            "warning".into(),
            "".into(),
            50.into(),
            30.into(),
            17.into(),
            true.into(),
            Value::Array(vec![]),
        ];
        for (number, level) in levels.into_iter().enumerate() {
            let text = format!("said {number} %s");
            talk.call("twiddler.log", &[text.as_str().into(), level]);
        }
        talk.call("twiddler.log", &["said at last".into()]);
        talk.daemon().wait_log("said at last");
        let log = talk.daemon().main_log();
        let lines: Vec<&str> = log
            .lines()
            .filter_map(|line| line.split_once(',').map(|(_, rest)| rest))
            .filter_map(|rest| rest.split_once(' ').map(|(_, line)| line))
            .filter(|line| line.contains("said "))
            .collect();
        talk.note("the log", &lines.join("\n"));
    });
}

#[test]
fn a_whitelist() {
    compare_talks("whitelist", &scenario("whitelist", ""), |talk| {
        talk.call("little.log", &["hello".into()]);
        talk.call("little.getGroupNames", &[]);
        talk.call("little.getGroupNames", &[1.into()]);
        talk.call("little.removeProcessFromGroup", &["g".into(), "x".into()]);
        talk.call("twiddler.getGroupNames", &[]);
    });
}

#[test]
fn values_by_key() {
    compare_talks("cache", &scenario("cache", ""), |talk| {
        let list = Value::Array(vec![1.into(), true.into(), "x".into()]);
        let values = [
            Value::from("text <&> it's"),
            7.into(),
            false.into(),
            list,
            options(&[("a", "b")]),
            "".into(),
        ];
        for (number, value) in values.into_iter().enumerate() {
            let key = format!("key {number}");
            talk.call("cache.store", &[key.as_str().into(), value]);
            talk.call("cache.fetch", &[key.as_str().into()]);
        }
        talk.call("cache.store", &["key 0".into(), "again".into()]);
        talk.call("cache.fetch", &["key 0".into()]);
        talk.call("cache.store", &["größe".into(), "ß".into()]);
        talk.call("cache.fetch", &["größe".into()]);
        for key in [
            Value::from(""),
            3.into(),
            "nobody".into(),
            Value::Array(vec![]),
        ] {
            talk.call("cache.fetch", std::slice::from_ref(&key));
            talk.call("cache.delete", std::slice::from_ref(&key));
        }
        talk.call("cache.store", &["".into(), 1.into()]);
        talk.call("cache.store", &["alone".into()]);
        talk.call("cache.getKeys", &[]);
        talk.call("cache.getCount", &[]);
        talk.call("cache.delete", &["key 1".into()]);
        talk.call("cache.delete", &["key 1".into()]);
        talk.call("cache.getCount", &[]);
        talk.call("cache.clear", &[1.into()]);
        talk.call("cache.clear", &[]);
        talk.call("cache.getKeys", &[]);
    });
}

#[test]
fn signals() {
    compare_talks("laforge", &scenario("laforge", ""), |talk| {
        talk.daemon().wait_state("cat", "RUNNING");
        for (name, signal) in [
            ("cat", "CONT"),
            ("cat", "sigcont"),
            ("cat", "18"),
            ("cat", " 18 "),
            ("cat", "0"),
            ("cat", "NOSUCH"),
            ("cat", ""),
            ("cat:*", "CONT"),
            ("idle", "CONT"),
            ("idle", "NOSUCH"),
            ("nobody", "CONT"),
            ("nobody:*", "CONT"),
            ("g:nobody", "CONT"),
        ] {
            let params = [name.into(), signal.into()];
            talk.call("laforge.killProcess", &params);
        }
        talk.call("laforge.killProcess", &["cat".into(), 18.into()]);
        talk.call("laforge.killProcess", &["cat".into()]);
        talk.call("laforge.killProcessGroup", &["cat".into(), "CONT".into()]);
        talk.call(
            "laforge.killProcessGroup",
            &["nobody".into(), "CONT".into()],
        );
    });
}

/// The client halves, but for one whose commands upstream does not list.
const CLIENTS: &str = "\
[ctlplugin:cache]
supervisor.ctl_factory = supervisor_cache.controllerplugin:make_cache_controllerplugin
[ctlplugin:laforge]
supervisor.ctl_factory = mr.laforge.controllerplugin:make_laforge_controllerplugin
[ctlplugin:one after the other]
supervisor.ctl_factory = supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin
[ctlplugin:wildcards]
supervisor.ctl_factory = supervisorwildcards.controllerplugin:make_wildcards_controllerplugin
";

fn settle(desk: &Desk) {
    desk.daemon().wait_state("cat", "RUNNING");
}

#[test]
fn commands_for_values() {
    compare_desks("ctl cache", &scenario("ctl_cache", CLIENTS), |desk| {
        let words =
            "a value of many words, which is so long that it does not fit on one line of eighty";
        let long = format!("cache_store long '{words} characters, and then some more'");
        for line in [
            "help",
            "cache_keys",
            "cache_store a b",
            "cache_store 'a b' \"it's\"",
            "cache_store a\\ c ''",
            &long,
            "cache_keys",
            "cache_count",
            "cache_fetch a",
            "cache_fetch 'a b'",
            "cache_fetch 'a c'",
            "cache_fetch long",
            "cache_fetch nobody",
            "cache_fetch ''",
            "cache_fetch 'a",
            "cache_delete a",
            "cache_delete a",
            "cache_count",
            "cache_clear",
            "cache_count",
            "quickstart cat",
        ] {
            desk.run(line);
        }
    });
}

#[test]
fn values_of_every_shape_are_shown_as_python_shows_them() {
    let text = "some words that go on and on until there is no more room for them on any line at all, and then on";
    let item = |index: i64| Value::from(format!("item-{index}").as_str());
    let wide = |index: i64| Value::from(index % 2 == 0);
    let shapes = [
        Value::from(text),
        format!("{text}\nand a second line\n{text}").as_str().into(),
        "x".repeat(90).as_str().into(),
        Value::Array((0..30).map(item).collect()),
        Value::Array((0..40).map(wide).collect()),
        Value::Array(vec![text.into(), "short".into(), text.into()]),
        options(&[("z", "last"), ("a", text), ("m", "it's")]),
        Value::Array(vec![
            options(&[("a", text)]),
            Value::Array(vec![]),
            options(&[]),
        ]),
        Value::Struct(vec![(
            "list".to_owned(),
            Value::Array((0..20).map(item).collect()),
        )]),
        true.into(),
        Value::Array(vec![false.into(), (-5).into()]),
    ];
    compare_desks("ctl shapes", &scenario("ctl_shapes", CLIENTS), |desk| {
        for (number, value) in shapes.iter().enumerate() {
            let key = format!("k{number}");
            let params = [key.as_str().into(), value.clone()];
            desk.daemon().rpc().call("cache.store", &params).value();
            desk.run(&format!("cache_fetch {key}"));
        }
    });
}

#[test]
fn commands_for_signals() {
    compare_desks("ctl kill", &scenario("ctl_kill", CLIENTS), |desk| {
        settle(desk);
        for line in [
            "kill",
            "kill HUP",
            "kill CONT cat",
            "kill 18 cat",
            "kill NOSUCH cat",
            "kill CONT idle",
            "kill CONT nobody",
            "kill CONT g:nobody cat",
            "kill CONT nobody:*",
            "kill CONT cat:*",
        ] {
            desk.run(line);
        }
    });
}

#[test]
fn commands_with_patterns() {
    compare_desks("ctl patterns", &scenario("ctl_patterns", CLIENTS), |desk| {
        settle(desk);
        for line in [
            "mstart",
            "mstart nobody",
            "mstart g:*",
            "mstart member_[!0]",
            "mstart cat",
            "mstop idl?",
            "mrestart member_1",
            "serialrestart",
            "serialrestart cat",
            "serialrestart c?t",
            "serialrestart nobody cat",
            "serialrestart member_0",
            "serialrestart g:member_0",
        ] {
            desk.run(line);
        }
        for line in [
            "mstart member_*",
            "mstart all",
            "mstop m* i*",
            "mstop all",
            "mstart *",
            "serialrestart g:*",
            "serialrestart all",
        ] {
            desk.run_sorted(line);
        }
    });
}

const QUICK: &str = "\
[ctlplugin:quick]
supervisor.ctl_factory = supervisor_quick:make_quick_controllerplugin
[ctlplugin:wildcards]
supervisor.ctl_factory = supervisorwildcards.controllerplugin:make_wildcards_controllerplugin
match_group = 1
";

#[test]
fn commands_that_are_quick() {
    compare_desks("ctl quick", &scenario("ctl_quick", QUICK), |desk| {
        settle(desk);
        for line in [
            "quickstart",
            "quickstart nobody",
            "quickstart cat",
            "quickstart cat:*",
            "quickstart idle:idle",
            "quickstop idle:",
            "quickstop idle:",
            "quickrestart cat:cat",
            "mstart idle",
            "mstart idle:*",
        ] {
            desk.run(line);
        }
        for line in [
            "quickstart g:",
            "quickrestart g:m*",
            "quickstop all",
            "quickstart *",
        ] {
            desk.run_sorted(line);
        }
    });
}
