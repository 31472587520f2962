use crate::Input;
use crate::driver::{Driver, group, pool, process};
use provost_model::{EventKind, ProcessSpec, Request};
use std::sync::Arc;

fn ask(driver: &mut Driver, group: &str, name: &str) -> provost_model::RequestId {
    driver.ask(Request::AddProgramToGroup {
        group: group.to_owned(),
        program: name.to_owned(),
        options: Vec::new(),
    })
}

fn read(driver: &mut Driver, specs: Vec<ProcessSpec>) {
    let ticket = driver.loads.pop().expect("a program is looked at");
    let specs = specs.into_iter().map(Arc::new).collect();
    driver.give(Input::ProgramRead {
        ticket,
        result: Ok(specs),
    });
}

fn remove(driver: &mut Driver, group: &str, process: &str) -> String {
    driver.asked(Request::RemoveProcessFromGroup {
        group: group.to_owned(),
        process: process.to_owned(),
    })
}

#[test]
fn a_program_of_a_client_comes_into_the_group_and_starts() {
    let mut driver = Driver::start(vec![program("g", 5), program("h", 10)]);
    driver.orders();
    let id = ask(&mut driver, "g", "p");
    assert_eq!(driver.orders(), ["look at p"]);
    assert_eq!(driver.answer(id), None);
    let mut manual = process("g", "q");
    manual.autostart = false;
    manual.priority = -5;
    read(&mut driver, vec![manual, process("g", "p")]);
    assert_eq!(driver.orders(), ["added q", "added p", "spawn p"]);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    let infos = driver.asked(Request::GetAllProcessInfo);
    assert!(infos.starts_with("g:g g:p g:q h:h"), "{infos}");
    let configs = driver.asked(Request::GetAllConfigInfo);
    assert!(configs.contains("g:p true g:q true"), "{configs}");
    let group = driver.core.groups.named("g").expect("it is there").1;
    let first = driver
        .core
        .procs
        .get(group.by_priority[0])
        .unwrap()
        .name
        .clone();
    assert_eq!(&*first, "q", "the lowest priority comes first");
    // It belongs to the group in every respect: what is done to the group is done to it.
    driver.bring_up("p");
    driver.bring_up("g");
    let stop = driver.ask(Request::StopProcessGroup {
        name: "g".to_owned(),
        wait: false,
    });
    assert_eq!(driver.orders(), ["kill g SIGTERM", "kill p SIGTERM"]);
    driver.fenced();
    assert_eq!(driver.answer(stop).as_deref(), Some("g:g=OK g:p=OK"));
}

#[test]
fn a_name_that_is_taken_adds_nothing_of_the_program() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    driver.orders();
    let id = ask(&mut driver, "g", "p");
    read(&mut driver, vec![process("g", "p"), process("g", "g")]);
    assert_eq!(driver.answer(id).as_deref(), Some("BAD_NAME: g"));
    assert_eq!(driver.orders(), ["look at p"]);
    let twice = ask(&mut driver, "g", "p");
    read(&mut driver, vec![process("g", "p"), process("g", "p")]);
    assert_eq!(driver.answer(twice).as_deref(), Some("BAD_NAME: p"));
}

#[test]
fn a_wrong_program_touches_nothing() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    driver.orders();
    let id = ask(&mut driver, "g", "p");
    let ticket = driver.loads.pop().expect("a program is looked at");
    let result = Err("not a valid boolean value: 'x'".to_owned());
    driver.give(Input::ProgramRead { ticket, result });
    let fault = "INCORRECT_PARAMETERS: not a valid boolean value: 'x'";
    assert_eq!(driver.answer(id).as_deref(), Some(fault));
    assert_eq!(driver.orders(), ["look at p"]);
    let id = ask(&mut driver, "stranger", "p");
    let fault = driver.answer(id);
    assert_eq!(fault.as_deref(), Some("BAD_NAME: group: stranger"));
}

#[test]
fn a_program_cannot_join_listeners() {
    let listeners = pool(
        "pool",
        10,
        &[EventKind::Event],
        vec![process("pool", "listener")],
    );
    let mut driver = Driver::start(vec![listeners]);
    let id = ask(&mut driver, "pool", "p");
    let fault = driver.answer(id).unwrap_or_default();
    assert!(fault.starts_with("INCORRECT_PARAMETERS: group pool is one of event listeners"));
}

#[test]
fn a_program_that_comes_too_late_is_not_taken() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    let id = ask(&mut driver, "g", "p");
    driver.bring_up("g");
    driver.asked(Request::Shutdown);
    driver.orders();
    read(&mut driver, vec![process("g", "p")]);
    assert_eq!(driver.answer(id).as_deref(), Some("SHUTDOWN_STATE"));
    assert_eq!(driver.orders(), Vec::<String>::new());

    let mut driver = Driver::start(vec![program("g", 5)]);
    let id = ask(&mut driver, "g", "p");
    driver.bring_up("g");
    driver.secs(60);
    let fault = driver.answer(id).unwrap_or_default();
    assert!(
        fault.starts_with("FAILED: the options were not looked at"),
        "{fault}"
    );
    driver.orders();
    read(&mut driver, vec![process("g", "p")]);
    assert_eq!(driver.orders(), Vec::<String>::new());
}

#[test]
fn a_process_goes_when_nothing_of_it_runs() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    driver.bring_up("g");
    assert_eq!(remove(&mut driver, "g", "g"), "STILL_RUNNING: g");
    assert_eq!(remove(&mut driver, "g", "x"), "BAD_NAME: x");
    assert_eq!(remove(&mut driver, "x", "g"), "BAD_NAME: group: x");
    driver.ask(Request::StopProcess {
        name: "g".to_owned(),
        wait: false,
    });
    driver.killed("g", provost_model::Signal::TERM);
    driver.orders();
    assert_eq!(remove(&mut driver, "g", "g"), "Done");
    assert_eq!(driver.orders(), ["removed g"]);
    // The group stays, and takes others.
    let names = driver.asked(Request::GetGroupNames);
    assert_eq!(names, "Names([\"spy\", \"g\"])");
    let id = ask(&mut driver, "g", "p");
    read(&mut driver, vec![process("g", "p")]);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
}

#[test]
fn a_listener_that_goes_leaves_the_others_their_events() {
    let members = ["one", "two"].map(|name| {
        let mut listener = process("pool", name);
        listener.autostart = name == "two";
        listener
    });
    let listeners = pool(
        "pool",
        10,
        &[EventKind::RemoteCommunication],
        members.into(),
    );
    let mut driver = Driver::start(vec![listeners]);
    driver.bring_up("two");
    driver.says("two", "READY\n");
    assert_eq!(remove(&mut driver, "pool", "one"), "Done");
    assert_eq!(driver.core.check(), Ok(()));
    driver.orders();
    driver.asked(Request::SendRemoteCommEvent {
        kind: "a".to_owned(),
        data: "b".to_owned(),
    });
    assert_eq!(driver.orders(), ["deliver two REMOTE a b"]);
}

#[test]
fn a_twiddled_group_differs_from_its_configuration_after_a_reread() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    let latest = driver.core.latest.clone();
    ask(&mut driver, "g", "p");
    read(&mut driver, vec![process("g", "p")]);
    let id = driver.ask(Request::ReloadConfig);
    let ticket = driver.loads.pop().expect("it is read");
    let identifier = "supervisor".into();
    let result = Ok(crate::LoadedConfig {
        identifier,
        groups: latest,
    });
    driver.give(Input::ConfigLoaded { ticket, result });
    let answer = driver.answer(id);
    assert_eq!(
        answer.as_deref(),
        Some("added [] changed [\"g\"] removed []")
    );
}

#[test]
fn a_kill_goes_by_the_rules_of_its_package() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    let kill = |driver: &mut Driver, name: &str, signal: &str| {
        let (name, signal) = (name.to_owned(), signal.to_owned());
        let id = driver.ask(Request::KillProcess { name, signal });
        driver.fenced();
        driver.answer(id).unwrap_or_default()
    };
    driver.bring_up("g");
    driver.orders();
    assert_eq!(kill(&mut driver, "g", "hup"), "Done");
    assert_eq!(driver.orders(), ["kill g SIGHUP"]);
    assert_eq!(kill(&mut driver, "g", "NOSUCH"), "BAD_ARGUMENTS: NOSUCH");
    assert_eq!(
        kill(&mut driver, "g:*", "NOSUCH"),
        "g:g=BAD_ARGUMENTS: NOSUCH"
    );
    driver.ask(Request::StopProcess {
        name: "g".to_owned(),
        wait: true,
    });
    driver.orders();
    assert_eq!(kill(&mut driver, "g", "HUP"), "NOT_RUNNING");
    assert_eq!(kill(&mut driver, "g:*", "HUP"), "");
    assert_eq!(driver.orders(), Vec::<String>::new());
}

/// A group of one process that is called like it.
fn program(name: &str, priority: i64) -> Arc<provost_model::GroupSpec> {
    group(name, priority, vec![process(name, name)])
}

#[test]
fn a_process_without_a_name_is_not_taken() {
    let mut driver = Driver::start(vec![program("g", 5)]);
    let id = ask(&mut driver, "g", "");
    read(&mut driver, vec![process("g", "")]);
    let fault = driver.answer(id).unwrap_or_default();
    assert_eq!(fault, "INCORRECT_PARAMETERS: a process must have a name");
}

#[test]
fn a_process_that_goes_leaves_the_configurations_of_others_alone() {
    let two = group("g", 5, vec![process("g", "x"), process("g", "y")]);
    let mut driver = Driver::start(vec![two, program("h", 6)]);
    for name in ["x", "y", "h"] {
        driver.bring_up(name);
    }
    driver.exited("x", 0);
    assert_eq!(remove(&mut driver, "g", "x"), "Done");
    let (_, group) = driver.core.groups.named("g").expect("it is there");
    let names: Vec<&str> = group
        .spec
        .processes
        .iter()
        .map(|spec| spec.name.as_str())
        .collect();
    assert_eq!(names, ["y"]);
    let latest = |name: &str| {
        let found = driver.core.latest.iter().find(|spec| spec.name == name);
        found.map_or(0, |spec| spec.processes.len())
    };
    assert_eq!((latest("g"), latest("h"), latest("spy")), (1, 1, 1));
}
