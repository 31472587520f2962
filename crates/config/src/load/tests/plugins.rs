//! Sections that name a factory, and programs that clients give.

use super::{accepted, read, refused, told};
use crate::config::{AddedProgram, Plugin, PluginSpec};
use crate::diagnostic::Failure;
use crate::load::{LooseProgram, load_program, load_supervisorctl};
use crate::testing::World;
use provost_model::config::Interface;
use std::path::Path;

const TWIDDLER: &str = "supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface\n";
const CACHE: &str =
    "supervisor.rpcinterface_factory = supervisor_cache.rpcinterface:make_cache_rpcinterface\n";

#[test]
fn factories_of_packages_are_built_in() {
    let text = format!(
        "[supervisord]\n[rpcinterface:t]\n{TWIDDLER}whitelist = log, getGroupNames\n[rpcinterface:all]\n{TWIDDLER}\
         [rpcinterface:c]\n{CACHE}[rpcinterface:l]\n\
         supervisor.rpcinterface_factory = mr.laforge.rpcinterface:make_laforge_rpcinterface\n"
    );
    let config = accepted(&text);
    let interfaces: Vec<_> = config
        .rpcinterfaces
        .iter()
        .map(|spec| (spec.namespace.as_str(), spec.interface.clone()))
        .collect();
    let whitelist = vec!["log".to_owned(), "getGroupNames".to_owned()];
    let expected = [
        ("t", Interface::Twiddler { whitelist }),
        (
            "all",
            Interface::Twiddler {
                whitelist: Vec::new(),
            },
        ),
        ("c", Interface::Cache),
        ("l", Interface::Laforge),
    ];
    assert_eq!(interfaces, expected);
}

#[test]
fn a_setting_that_a_factory_does_not_take_is_refused_or_told() {
    let server = "[supervisord]\n[inet_http_server]\nport=9001\n";
    let failure = refused(&format!("{server}[rpcinterface:x]\n{TWIDDLER}color=red\n"));
    assert_eq!(failure.upstream_message, "Could not make x rpc interface");
    let config = accepted(&format!("{server}[rpcinterface:x]\n{CACHE}color=red\n"));
    assert_eq!(config.diagnostics.len(), 1);
    assert!(
        config.diagnostics[0]
            .message
            .contains("`color` has no effect")
    );
}

#[test]
fn python_code_of_others_is_refused_with_the_way_out() {
    let failure =
        refused("[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=twiddler:make\n");
    assert_eq!(
        failure.upstream_message,
        "twiddler:make cannot be resolved within [rpcinterface:x]"
    );
    assert!(
        failure.diagnostics[0]
            .message
            .contains("no Python is loaded")
    );
    let help = &told(&failure)[0];
    assert!(
        help.contains("`supervisor_cache.rpcinterface:make_cache_rpcinterface`")
            && help.contains("`command=`")
            && !help.contains("did you mean"),
        "{help}"
    );
    for mistyped in [
        "supervisor_twidler.rpcinterface:make_twiddler_rpcinterface",
        "supervisor_twiddler:make_twiddler_rpcinterface",
    ] {
        let text = format!(
            "[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory={mistyped}\n"
        );
        let help = &told(&refused(&text))[0];
        let meant = "did you mean `supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface`?";
        assert!(help.contains(meant), "{help}");
    }
    let failure =
        refused("[supervisord]\n[eventlistener:x]\ncommand=x\nevents=TICK\nresult_handler=a:b\n");
    assert_eq!(
        failure.upstream_message,
        "a:b cannot be resolved within [eventlistener:x]"
    );
}

fn plugins(text: &str) -> Result<Vec<PluginSpec>, Failure> {
    let world = World::new().file("/site/s.conf", format!("[supervisorctl]\n{text}"));
    load_supervisorctl(Path::new("s.conf"), &world).map(|config| config.plugins)
}

#[test]
fn plugins_of_supervisorctl_come_in_the_order_of_the_file_with_their_settings() {
    let factory =
        |name: &str, value: &str| format!("[ctlplugin:{name}]\nsupervisor.ctl_factory={value}\n");
    let text = [
        factory("q", "supervisor_quick:make_quick_controllerplugin"),
        "retries=5\n".to_owned(),
        factory(
            "cache",
            "supervisor_cache.controllerplugin:make_cache_controllerplugin",
        ),
        factory(
            "w",
            "supervisorwildcards.controllerplugin:make_wildcards_controllerplugin",
        ),
        "match_group = 1\n".to_owned(),
        factory(
            "w2",
            "supervisor_wildcards.controllerplugin:make_wildcards_controllerplugin",
        ),
        factory(
            "s",
            "supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin",
        ),
        factory(
            "k",
            "mr.laforge.controllerplugin:make_laforge_controllerplugin",
        ),
    ]
    .concat();
    let found: Vec<_> = plugins(&text)
        .unwrap()
        .into_iter()
        .map(|spec| (spec.name, spec.plugin))
        .collect();
    let expected = [
        ("q", Plugin::Quick { retries: 5 }),
        ("cache", Plugin::Cache),
        ("w", Plugin::Wildcards { match_group: true }),
        ("w2", Plugin::Wildcards { match_group: false }),
        ("s", Plugin::SerialRestart),
        ("k", Plugin::Laforge),
    ]
    .map(|(name, plugin)| (name.to_owned(), plugin));
    assert_eq!(found, expected);
    let bad = factory("q", "supervisor_quick:make_quick_controllerplugin") + "retries=many\n";
    let failure = plugins(&bad).unwrap_err();
    assert!(
        failure
            .upstream_message
            .contains("retries in [ctlplugin:q]"),
        "{failure}"
    );
}

fn added(options: &[(&str, &str)]) -> Result<AddedProgram, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let options: Vec<_> = options.iter().map(owned).collect();
    let environment = vec![("BASE".to_owned(), "b".to_owned())];
    let loose = LooseProgram {
        group: "g",
        name: "p",
        options: &options,
    };
    load_program(Path::new("s.conf"), &environment, loose, &World::new())
        .map_err(|failure| failure.upstream_message)
}

#[test]
fn a_program_of_a_client_follows_the_rules_of_a_section() {
    let program = added(&[
        ("command", "run %(here)s %(group_name)s %(ENV_BASE)s ; kept"),
        ("numprocs", "2"),
        ("process_name", "%(program_name)s_%(process_num)d"),
        ("environment", "OWN=\"o\""),
        ("autostrat", "false"),
    ])
    .unwrap();
    let names: Vec<_> = program
        .processes
        .iter()
        .map(|spec| spec.namespec())
        .collect();
    assert_eq!(names, ["g:p_0", "g:p_1"]);
    let first = &program.processes[0];
    assert_eq!(first.command, "run /site g b ; kept");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(first.environment, [pair("BASE", "b"), pair("OWN", "o")]);
    let warned = &program.diagnostics[0];
    assert_eq!((warned.line, warned.column), (5, 1));
    assert!(warned.message.contains("no key `autostrat`"), "{warned:?}");
}

#[test]
fn a_wrong_program_of_a_client_gets_the_sentence_of_a_section() {
    for (options, sentence) in [
        (
            &[][..],
            "program section program:p does not specify a command in section 'program:p' (file: 's.conf')",
        ),
        (
            &[("command", "x"), ("autostart", "maybe")],
            "not a valid boolean value: 'maybe' in section 'program:p' (file: 's.conf')",
        ),
        (
            &[("command", "x"), ("numprocs", "2")],
            "%(process_num) must be present within process_name when numprocs > 1 in section 'program:p' (file: \
             's.conf')",
        ),
    ] {
        assert_eq!(added(options).unwrap_err(), sentence);
    }
}

#[test]
fn a_plugin_section_does_not_concern_supervisord() {
    let text = "[supervisord]\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n";
    assert!(read(&World::new(), text).is_ok());
    let failure = plugins("[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n").unwrap_err();
    assert_eq!(
        failure.upstream_message,
        "a:b cannot be resolved within [ctlplugin:x]"
    );
    assert!(told(&failure)[0].contains("`supervisor_quick:make_quick_controllerplugin`"));
}
