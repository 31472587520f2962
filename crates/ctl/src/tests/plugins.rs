//! Commands of plugins: which there are, what they ask, and what they say.

use super::*;
use crate::commands::plugins::Plugins;
use provost_config::{Plugin, PluginSpec};

fn with(fake: &Fake, plugins: &[(&str, Plugin)]) -> Trial {
    let mut trial = fake.session(false, "");
    let section = |(name, plugin): &(&str, Plugin)| PluginSpec {
        name: (*name).to_owned(),
        plugin: *plugin,
    };
    trial.session.plugins = Plugins::new(plugins.iter().map(section).collect());
    trial
}

#[test]
fn a_command_is_there_when_its_section_is() {
    let fake = Fake::new().on("cache.getCount", Value::Int(3));
    assert_eq!(
        fake.run("cache_count"),
        said("*** Unknown syntax: cache_count\n", 1)
    );
    let mut trial = with(&fake, &[("mine", Plugin::Cache)]);
    assert_eq!(trial.run("cache_count"), said("3\n", 0));
}

#[test]
fn help_lists_each_section_in_a_block_of_its_own() {
    let fake = Fake::new();
    let plugins = [
        ("mine", Plugin::Laforge),
        ("w", Plugin::Wildcards { match_group: false }),
    ];
    let text = with(&fake, &plugins).run("help").text;
    let blocks = "\n\
mine commands (type help <topic>):
==================================
kill


w commands (type help <topic>):
===============================
mrestart  mstart  mstop

";
    assert!(text.ends_with(blocks), "{text}");
    let help = with(&fake, &plugins).run("help kill").text;
    assert!(help.starts_with("kill <signal> <name>\t\t"), "{help}");
    let unknown = with(&fake, &plugins).run("help quickstart").text;
    assert_eq!(unknown, "*** No help on quickstart\n");
}

#[test]
fn words_of_cache_commands_are_cut_as_by_a_shell() {
    let fake = Fake::new()
        .ok("cache.store")
        .on("cache.fetch", Value::text("it's"));
    let mut trial = with(&fake, &[("cache", Plugin::Cache)]);
    assert_eq!(trial.run("cache_store 'a b' \"c d\""), said("", 0));
    assert_eq!(trial.run("cache_fetch 'a b'"), said("\"it's\"\n", 0));
    assert_eq!(
        fake.calls(),
        ["cache.store(\"a b\", \"c d\")", "cache.fetch(\"a b\")"]
    );
    let told = trial.run("cache_fetch");
    assert_eq!(
        told,
        said("cache_fetch <key>\tShow the value of a key\n", 0)
    );
    let told = trial.run("cache_fetch 'a");
    assert_eq!(told.status, 1);
    assert!(
        told.text
            .starts_with("error: 'a cannot be cut into words: "),
        "{}",
        told.text
    );
}

#[test]
fn a_kill_leaves_the_status_alone() {
    let rows = Value::Array(vec![
        result("g", "a", 80, "OK"),
        result("g", "b", 70, "NOT_RUNNING"),
    ]);
    let fake = Fake::new()
        .fault("laforge.killProcess", 3, "BAD_ARGUMENTS: NO")
        .on("laforge.killProcessGroup", rows);
    let mut trial = with(&fake, &[("laforge", Plugin::Laforge)]);
    assert_eq!(
        trial.run("kill NO cat g:*"),
        said(
            "cat: ERROR (signal not defined)\na: signal sent\nb: ERROR (not running)\n",
            0
        )
    );
}

#[test]
fn what_matches_is_done_side_by_side_and_told_as_it_ends() {
    let fake = Fake::new()
        .on("getAllProcessInfo", several())
        .ok("stopProcess")
        .fault("startProcess", 60, "ALREADY_STARTED: x");
    let mut trial = with(&fake, &[("w", Plugin::Wildcards { match_group: false })]);
    let mut told: Vec<String> = trial
        .run("mrestart a c*")
        .text
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "cat: ERROR (already started)",
            "cat: stopped",
            "g:a: ERROR (already started)",
            "g:a: stopped"
        ]
    );
    let asked = fake.calls();
    assert!(
        asked.contains(&"stopProcess(\"cat:cat\")".to_owned()),
        "{asked:?}"
    );
    assert_eq!(
        trial.run("mstop g:*"),
        said("No process matched given expression.\n", 0)
    );
    let mut by_group = with(&fake, &[("w", Plugin::Wildcards { match_group: true })]);
    let told = by_group.run("mstop g:[!a]");
    assert_eq!(told, said("g:b: stopped\n", 0));
}

#[test]
fn more_processes_than_connections_come_to_their_turn() {
    let many: Vec<Value> = (0..100)
        .map(|number| process("g", &format!("p{number}"), 20, "RUNNING", 1, ""))
        .collect();
    let fake = Fake::new()
        .on("getAllProcessInfo", Value::Array(many))
        .ok("stopProcess");
    let mut trial = with(&fake, &[("w", Plugin::Wildcards { match_group: false })]);
    let told = trial.run("mstop all");
    assert_eq!((told.text.lines().count(), told.status), (100, 0));
}

#[test]
fn one_after_the_other_is_restarted() {
    let fake = Fake::new()
        .on("getAllProcessInfo", several())
        .ok("stopProcess")
        .ok("startProcess");
    let mut trial = with(&fake, &[("s", Plugin::SerialRestart)]);
    assert_eq!(
        trial.run("serialrestart g:* nobody"),
        said(
            "No such process nobody\ng:a: stopped\ng:a: started\ng:b: stopped\ng:b: started\n",
            0
        )
    );
}

#[test]
fn a_quick_start_looks_until_all_are_there() {
    let states = |state: &str| Value::Array(vec![process("g", "a", 0, state, 0, "")]);
    let fake = Fake::new()
        .on("getAllProcessInfo", states("STOPPED"))
        .on("getAllProcessInfo", states("STARTING"))
        .on("getAllProcessInfo", states("RUNNING"))
        .ok("startProcess");
    let plugin = Plugin::Quick { retries: 9 };
    let mut trial = with(&fake, &[("q", plugin)]);
    assert_eq!(trial.run("quickstart g:"), said("g:a: RUNNING\n", 0));
    let asked = fake.calls();
    assert!(
        asked.contains(&"startProcess(\"g:a\", false)".to_owned()),
        "{asked:?}"
    );
}

#[test]
fn a_quick_start_says_what_it_will_never_see() {
    let states = |state: &str| Value::Array(vec![process("g", "a", 0, state, 0, "")]);
    for (state, retries) in [("FATAL", 600), ("STARTING", 2)] {
        let fake = Fake::new()
            .on("getAllProcessInfo", states(state))
            .ok("startProcess");
        let mut trial = with(&fake, &[("q", Plugin::Quick { retries })]);
        let told = trial.run("quickstart all");
        assert_eq!(told, said(&format!("g:a: {state}\n"), 0));
    }
    let fake = Fake::new()
        .on("getAllProcessInfo", states("RUNNING"))
        .fault("startProcess", 60, "ALREADY_STARTED: g:a");
    let mut trial = with(&fake, &[("q", Plugin::Quick { retries: 1 })]);
    assert_eq!(
        trial.run("quickstart *"),
        said("g:a ERROR(ALREADY_STARTED)\n", 0)
    );
    assert_eq!(
        trial.run("quickstop"),
        said("No process matched given expression.\n", 0)
    );
}
