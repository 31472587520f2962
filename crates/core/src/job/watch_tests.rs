//! Who is watched for whom, and until when.

use super::tests::{bring_up, manual, one, three};
use crate::Input;
use crate::driver::{Driver, group};
use provost_model::spawn::SpawnProblem;
use provost_model::{Request, RequestId};

fn start_group(driver: &mut Driver) -> RequestId {
    driver.ask(Request::StartProcessGroup {
        name: "g".to_owned(),
        wait: true,
    })
}

#[test]
fn a_client_that_leaves_takes_its_watches_along_and_the_starts_go_on() {
    let members = vec![manual("g", "x", |_| ()), manual("g", "y", |_| ())];
    let mut driver = Driver::start(vec![group("g", 5, members)]);
    driver.orders();
    let id = start_group(&mut driver);
    driver.probed("x");
    assert_eq!(driver.core.jobs.watched().count(), 1);
    driver.give(Input::RequesterGone { id });
    assert_eq!(driver.core.jobs.watched().count(), 0);
    driver.probed("y");
    assert_eq!(driver.orders(), ["spawn x", "spawn y"]);
    assert_eq!(driver.core.jobs.watched().count(), 0);
    assert_eq!(driver.core.jobs.working().count(), 0);
}

#[test]
fn whoever_waits_hears_of_what_stops_behind_what_is_known_at_once() {
    let mut driver = three();
    bring_up(&mut driver, "g:y");
    driver.ask(Request::StopProcess {
        name: "g:y".to_owned(),
        wait: false,
    });
    let id = start_group(&mut driver);
    let problem = || SpawnProblem::EmptyCommand;
    driver.probed("y");
    driver.probed_with("x", Err(problem()));
    driver.probed_with("z", Err(problem()));
    let answer = "g:x=NOT_EXECUTABLE: command is empty g:z=NOT_EXECUTABLE: command is empty \
                  g:y=ABNORMAL_TERMINATION: g:y";
    assert_eq!(driver.answer(id).as_deref(), Some(answer));
}

#[test]
fn a_signal_that_was_sent_is_forgotten() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    let signal = |driver: &mut Driver| {
        driver.ask(Request::SignalProcess {
            name: "a".to_owned(),
            signal: "HUP".to_owned(),
        })
    };
    signal(&mut driver);
    assert_eq!(driver.core.jobs.last_signalled(), Some(driver.run("a")));
    driver.fenced();
    assert_eq!(driver.core.jobs.last_signalled(), None);
}
