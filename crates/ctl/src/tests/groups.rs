//! add, remove, avail, reread, update, shutdown, reload.

use super::{Fake, members, result, said, several};
use provost_wire::xmlrpc::Value;

fn names(names: &[&str]) -> Value {
    Value::Array(names.iter().map(|name| Value::text(*name)).collect())
}

fn changes(added: &[&str], changed: &[&str], removed: &[&str]) -> Value {
    Value::Array(vec![Value::Array(vec![
        names(added),
        names(changed),
        names(removed),
    ])])
}

#[test]
fn add_and_remove_say_what_they_did() {
    let server = Fake::new()
        .ok("addProcessGroup")
        .fault("addProcessGroup", 90, "ALREADY_ADDED: b")
        .fault("addProcessGroup", 10, "BAD_NAME: c")
        .fault("addProcessGroup", 6, "SHUTDOWN_STATE")
        .ok("removeProcessGroup")
        .fault("removeProcessGroup", 91, "STILL_RUNNING: b")
        .fault("removeProcessGroup", 10, "BAD_NAME: c");
    assert_eq!(
        server.run("add a b"),
        said(
            "a: added process group\nERROR: process group already active\n",
            0
        )
    );
    assert_eq!(
        server.run("add c d"),
        said("ERROR: no such process/group: c\nERROR: shutting down\n", 1)
    );
    assert_eq!(
        server.run("remove a b c"),
        said(
            "a: removed process group\nERROR: process/group still running: b\nERROR: no such process/group: c\n",
            1
        )
    );
    assert_eq!(server.run("add"), said("", 0));
    assert_eq!(server.run("remove"), said("", 0));
}

#[test]
fn avail_shows_the_configuration_in_columns() {
    let row = |group: &str, name: &str, flag: bool, priority: i64| {
        members(&[
            ("group", Value::text(group)),
            ("name", Value::text(name)),
            ("inuse", Value::Bool(flag)),
            ("autostart", Value::Bool(flag)),
            ("group_prio", Value::Int(priority)),
            ("process_prio", Value::Int(5)),
        ])
    };
    let server = Fake::new()
        .on(
            "getAllConfigInfo",
            Value::Array(vec![row("cat", "cat", true, 999), row("g", "a", false, -1)]),
        )
        .fault("getAllConfigInfo", 6, "SHUTDOWN_STATE");
    assert_eq!(
        server.run("avail"),
        said(
            "cat                              in use    auto      999:5\n\
             g:a                              avail     manual    -1:5\n",
            0
        )
    );
    assert_eq!(
        server.run("avail"),
        said("ERROR: supervisor shutting down\n", 1)
    );
}

#[test]
fn reread_sorts_what_is_different() {
    let server = Fake::new()
        .on("reloadConfig", changes(&["new"], &["fast"], &["man"]))
        .on("reloadConfig", changes(&[], &[], &[]))
        .fault(
            "reloadConfig",
            92,
            "CANT_REREAD: File contains parsing errors: 'x'\n\t[line  2]: 'y\\n'",
        )
        .fault("reloadConfig", 6, "SHUTDOWN_STATE");
    assert_eq!(
        server.run("reread"),
        said("fast: changed\nman: disappeared\nnew: available\n", 0)
    );
    assert_eq!(
        server.run("reread"),
        said("No config updates to processes\n", 0)
    );
    assert_eq!(
        server.run("reread"),
        said(
            "ERROR: CANT_REREAD: File contains parsing errors: 'x'\n\t[line  2]: 'y\\n'\n",
            1
        )
    );
    assert_eq!(
        server.run("reread"),
        said("ERROR: supervisor shutting down\n", 1)
    );
}

#[test]
fn update_follows_the_configuration() {
    let server = Fake::new()
        .on("reloadConfig", changes(&["new"], &["fast"], &["man"]))
        .on("stopProcessGroup", Value::Array(Vec::new()))
        .ok("removeProcessGroup")
        .ok("addProcessGroup");
    assert_eq!(
        server.run("update"),
        said(
            "man: stopped\nman: removed process group\nfast: stopped\nfast: updated process group\n\
             new: added process group\n",
            0
        )
    );
    assert_eq!(
        server.calls(),
        [
            "reloadConfig()",
            "stopProcessGroup(\"man\")",
            "removeProcessGroup(\"man\")",
            "stopProcessGroup(\"fast\")",
            "removeProcessGroup(\"fast\")",
            "addProcessGroup(\"fast\")",
            "addProcessGroup(\"new\")",
        ]
    );
}

#[test]
fn update_of_some_groups_leaves_the_others() {
    let server = Fake::new()
        .on("reloadConfig", changes(&["new"], &["cat"], &["g"]))
        .on("getAllProcessInfo", several())
        .on(
            "stopProcessGroup",
            Value::Array(vec![result("g", "a", 30, "FAILED: a")]),
        )
        .ok("addProcessGroup");
    assert_eq!(
        server.run("update x new x g"),
        said(
            "ERROR: no such group: x\ng: stopped\ng: has problems; not removing\nnew: added process group\n",
            1
        )
    );
}

#[test]
fn update_says_the_same_as_reread_of_a_broken_file() {
    let server = Fake::new()
        .fault("reloadConfig", 92, "CANT_REREAD: The 'x' section is broken")
        .fault("reloadConfig", 6, "SHUTDOWN_STATE");
    assert_eq!(
        server.run("update all"),
        said("ERROR: CANT_REREAD: The 'x' section is broken\n", 1)
    );
    assert_eq!(
        server.run("update"),
        said("ERROR: already shutting down\n", 1)
    );
}

#[test]
fn reload_of_a_broken_file_is_refused_like_a_reread() {
    let server = Fake::new().fault("restart", 92, "CANT_REREAD: no such file (s.conf:2:1)");
    assert_eq!(
        server.run("reload"),
        said("ERROR: CANT_REREAD: no such file (s.conf:2:1)\n", 1)
    );
}

#[test]
fn shutdown_and_reload_ask_only_a_person() {
    let server = Fake::new()
        .ok("shutdown")
        .ok("shutdown")
        .fault("shutdown", 6, "SHUTDOWN_STATE")
        .ok("restart")
        .ok("restart")
        .fault("restart", 6, "SHUTDOWN_STATE");
    let (down, again) = (
        "Really shut the remote supervisord process down y/N? ",
        "Really restart the remote supervisord process y/N? ",
    );
    assert_eq!(server.run("shutdown"), said("Shut down\n", 0));
    assert_eq!(server.run("reload"), said("Restarted supervisord\n", 0));
    assert_eq!(server.session(true, "no\n").run("shutdown"), said(down, 0));
    assert_eq!(server.session(true, "\n").run("reload"), said(again, 0));
    assert_eq!(server.calls(), ["shutdown()", "restart()"]);
    assert_eq!(
        server.session(true, "Yes\n").run("shutdown"),
        said(&format!("{down}Shut down\n"), 0)
    );
    assert_eq!(
        server.session(true, "y\n").run("reload"),
        said(&format!("{again}Restarted supervisord\n"), 0)
    );
    assert_eq!(
        server.run("shutdown"),
        said("ERROR: already shutting down\n", 0)
    );
    assert_eq!(
        server.run("reload"),
        said("ERROR: already shutting down\n", 1)
    );
}
