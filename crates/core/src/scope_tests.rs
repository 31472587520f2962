//! Requests of clients to whom only some programs exist.

use crate::driver::{Driver, group, process, single};
use provost_model::access::Scope;
use provost_model::{Channel, Request};
use std::sync::Arc;

/// Two processes in a group and one by itself, all running.
fn running() -> Driver {
    let pair = group("web", 5, vec![process("web", "a"), process("web", "b")]);
    let mut driver = Driver::start(vec![pair, single("db", |_| ())]);
    for name in ["a", "b", "db"] {
        driver.spawned(name);
    }
    driver.secs(1);
    driver.orders();
    driver
}

fn within(programs: &str, request: Request) -> Request {
    Request::Within {
        scope: Arc::new(Scope::of(&[programs.to_owned()])),
        request: Box::new(request),
    }
}

#[test]
fn i33_what_is_out_of_scope_has_no_name() {
    let mut driver = running();
    let name = || "db".to_owned();
    let (wait, signal) = (false, "HUP".to_owned());
    let before = driver.core.clone();
    for request in [
        Request::StartProcess { name: name(), wait },
        Request::StopProcess { name: name(), wait },
        Request::StopProcessGroup { name: name(), wait },
        Request::GetProcessInfo { name: name() },
        Request::ClearProcessLogs { name: name() },
        Request::SignalProcess {
            name: name(),
            signal,
        },
        Request::SendProcessStdin {
            name: name(),
            chars: "x".to_owned(),
        },
        Request::LogPath {
            name: name(),
            channel: Channel::Stdout,
        },
        Request::StopProcess {
            name: "db:*".to_owned(),
            wait,
        },
    ] {
        let answer = driver.asked(within("web:*", request.clone()));
        assert!(answer.contains("BAD_NAME: db"), "{request:?}: {answer}");
        assert_eq!(driver.orders(), Vec::<String>::new(), "{request:?}");
    }
    assert_eq!(driver.core.next_deadline(), before.next_deadline());
}

#[test]
fn i33_groups_and_all_are_what_is_in_scope() {
    for request in [
        Request::StopProcessGroup {
            name: "web".to_owned(),
            wait: false,
        },
        Request::StopAllProcesses { wait: false },
        Request::StopProcess {
            name: "web:*".to_owned(),
            wait: false,
        },
    ] {
        let mut driver = running();
        driver.ask(within("web:b", request.clone()));
        let killed = |driver: &mut Driver| {
            let mut names: Vec<String> = driver
                .orders()
                .iter()
                .filter_map(|order| {
                    order
                        .strip_prefix("kill ")?
                        .split(' ')
                        .next()
                        .map(str::to_owned)
                })
                .filter(|name| name != "spy")
                .collect();
            names.sort();
            names
        };
        assert_eq!(killed(&mut driver), ["b"], "{request:?}");
        // The next client is another one.
        driver.ask(Request::StopAllProcesses { wait: false });
        assert_eq!(killed(&mut driver), ["a", "db"], "{request:?}");
    }
}
