//! What clients are answered about logs, stdin and configurations.

use super::tests::{bring_up, manual, one, stop, three};
use crate::driver::{Driver, group, single};
use crate::{ClearProblem, Input, StdinProblem};
use provost_model::{Channel, Request};

#[test]
fn stdin_goes_to_what_lives() {
    let mut driver = one();
    let send = |text: &str| Request::SendProcessStdin {
        name: "a".to_owned(),
        chars: text.to_owned(),
    };
    assert_eq!(driver.asked(send("x")), "NOT_RUNNING: a");
    bring_up(&mut driver, "a");
    let answers = [
        (Ok(()), "Done"),
        (Err(StdinProblem::Closed), "NO_FILE: a"),
        (Err(StdinProblem::Full), "FAILED: stdin buffer full"),
    ];
    for (result, answer) in answers {
        let id = driver.ask(send("h\u{e9}"));
        assert_eq!(driver.orders(), ["write a h\u{e9}"]);
        let ticket = driver.writes.pop().unwrap();
        driver.give(Input::StdinWritten { ticket, result });
        assert_eq!(driver.answer(id).as_deref(), Some(answer));
    }
    stop(&mut driver, "a", false);
    assert_eq!(driver.asked(send("x")), "NOT_RUNNING: a");
}

#[test]
fn clearing_logs_tells_what_failed() {
    let mut driver = three();
    let id = driver.ask(Request::ClearProcessLogs {
        name: "g:*".to_owned(),
    });
    assert_eq!(driver.orders(), ["clear y", "clear x", "clear z"]);
    let mut tickets = std::mem::take(&mut driver.clears);
    let failed = Err(ClearProblem::Failed("no".to_owned()));
    driver.give(Input::LogsCleared {
        ticket: tickets.remove(2),
        result: failed,
    });
    let none = Err(ClearProblem::NoFile(String::new()));
    driver.give(Input::LogsCleared {
        ticket: tickets.remove(1),
        result: none,
    });
    assert_eq!(driver.answer(id), None);
    driver.give(Input::LogsCleared {
        ticket: tickets.remove(0),
        result: Ok(()),
    });
    let results = "g:y=OK g:x=OK g:z=FAILED: g:z";
    assert_eq!(driver.answer(id).as_deref(), Some(results));

    let id = driver.ask(Request::ClearMainLog);
    let ticket = driver.clears.pop().unwrap();
    let none = Err(ClearProblem::NoFile(String::new()));
    driver.give(Input::LogsCleared {
        ticket,
        result: none,
    });
    assert_eq!(driver.answer(id).as_deref(), Some("NO_FILE"));

    let id = driver.ask(Request::ClearAllProcessLogs);
    driver.secs(10);
    assert!(
        driver
            .answer(id)
            .unwrap()
            .starts_with("spy:spy=FAILED: spy g:y=FAILED: g:y")
    );
}

#[test]
fn queries_answer_at_once_and_sorted() {
    let members = vec![manual("b", "z", |_| {}), manual("b", "a", |_| {})];
    let mut driver = Driver::start(vec![
        single("c", |spec| spec.autostart = false),
        group("b", 9999, members),
    ]);
    assert_eq!(
        driver.asked(Request::GetAllProcessInfo),
        "b:a b:z c:c spy:spy"
    );
    let configs = "b:a true c:c true spy:spy true b:z true";
    assert_eq!(driver.asked(Request::GetAllConfigInfo), configs);
    assert_eq!(driver.asked(Request::GetState), "RUNNING");
    assert_eq!(driver.asked(Request::GetIdentification), "supervisor");
    assert_eq!(driver.asked(Request::Check), "Done");
    let path = Request::LogPath {
        name: "c".to_owned(),
        channel: Channel::Stdout,
    };
    assert_eq!(driver.asked(path.clone()), "Log(None)");
    let proc = driver.core.find("c", "c").unwrap();
    let channel = Channel::Stdout;
    driver.give(Input::AutoLogNamed {
        proc,
        channel,
        path: "/tmp/c.log".into(),
    });
    assert_eq!(driver.asked(path), "Log(Some(\"/tmp/c.log\"))");
    assert_eq!(
        driver.info("c").stdout_logfile.as_deref(),
        Some(std::path::Path::new("/tmp/c.log"))
    );
}
