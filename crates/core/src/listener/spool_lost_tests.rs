//! A spool whose file was lost, and is opened anew.

use super::*;

/// The events of the order to write that is under way.
fn being_written(driver: &mut Driver) -> Vec<Envelope> {
    match order(driver) {
        SpoolOrder::Append { events, .. } => events,
        other => panic!("{other:?}"),
    }
}

/// The file was lost over the present order, and is opened anew with so many events.
fn opened_anew(driver: &mut Driver, events: u64) {
    answer(driver, Ok(SpoolAnswer::Lost));
    assert!(matches!(order(driver), SpoolOrder::Open { .. }));
    answer(driver, Ok(SpoolAnswer::Opened { events, bytes: 0 }));
}

/// What the listener gets from now on, each at once.
fn given(driver: &mut Driver) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(driver.orders());
        done(driver);
    }
    all.extend(driver.orders());
    all
}

#[test]
fn f05_of_events_that_were_being_written_those_on_disk_come_once() {
    // Whether the disk has taken it before it broke down, or not.
    for taken in [0, 1] {
        let mut driver = open(0);
        for data in ["1", "2", "3", "4"] {
            send(&mut driver, data);
        }
        let first = being_written(&mut driver);
        assert_eq!(texts(&first), ["3"]);
        appended(&mut driver, 0);
        assert_eq!(losses(&mut driver), 1);
        let all = being_written(&mut driver);
        assert_eq!(texts(&all), ["4"]);
        send(&mut driver, "5");
        let on_disk = &all[..taken];
        opened_anew(&mut driver, on_disk.len() as u64);
        if !on_disk.is_empty() {
            assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
            read(&mut driver, numbered(on_disk, 0), 0);
        }
        // What waits is written, also what the disk has: it is known when it is read again.
        let again = being_written(&mut driver);
        assert_eq!(texts(&again), ["4", "5"]);
        appended(&mut driver, 2);
        read(&mut driver, numbered(&again, on_disk.len() as u64), 0);
        driver.says("l", "READY\n");
        let given = given(&mut driver);
        let expected = ["1", "2", "4", "5"].map(|data| format!("deliver l REMOTE t {data}"));
        assert_eq!(given, expected, "{taken}");
        assert_eq!(losses(&mut driver), 0);
    }
}

#[test]
fn f05_what_listeners_and_the_buffer_have_is_not_given_again_from_a_file_that_was_lost() {
    let mut driver = open(5);
    let events: Vec<Envelope> = (0..)
        .zip(["a", "b", "c", "d", "e"])
        .map(|(number, data)| Envelope {
            serial: 100 + number,
            pool: "mail".into(),
            pool_serial: number,
            event: Arc::new(Event::RemoteCommunication {
                kind: "t".to_owned(),
                data: data.to_owned(),
            }),
        })
        .collect();
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    // One goes to the listener, two into the buffer, one is ahead, one still on disk.
    driver.says("l", "READY\n");
    read(&mut driver, numbered(&events[..4], 0), 1);
    assert_eq!(driver.orders(), ["deliver l REMOTE t a"]);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    opened_anew(&mut driver, 5);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    read(&mut driver, numbered(&events, 0), 0);
    let rest = given(&mut driver);
    let expected = ["b", "c", "d", "e"].map(|data| format!("deliver l REMOTE t {data}"));
    assert_eq!(rest, expected);
    driver.core.check().expect("it is sound");
}

#[test]
fn f05_a_lost_file_that_cannot_be_opened_leaves_what_waited_to_the_buffer() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    answer(&mut driver, Ok(SpoolAnswer::Lost));
    answer(&mut driver, Err(SpoolProblem));
    assert_eq!(losses(&mut driver), 1);
    driver.says("l", "READY\n");
    let given = given(&mut driver);
    assert_eq!(given, ["deliver l REMOTE t 2", "deliver l REMOTE t 3"]);
}

/// An event on its way to the listener.
fn remote(data: &str) -> String {
    format!("deliver l REMOTE t {data}")
}

#[test]
fn f05_what_was_left_out_once_is_left_out_again_when_the_file_is_lost_again() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    let all = being_written(&mut driver);
    assert_eq!(texts(&all), ["3"]);
    appended(&mut driver, 1);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    // It comes into the buffer, and the disk does not know that it is done when it is.
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), [remote("1")]);
    read(&mut driver, numbered(&all, 0), 0);
    for _ in 0..2 {
        send(&mut driver, "4");
        assert!(matches!(order(&mut driver), SpoolOrder::Append { .. }));
        opened_anew(&mut driver, 1);
        assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
        read(&mut driver, numbered(&all, 0), 0);
    }
    assert_eq!(texts(&being_written(&mut driver)), ["4", "4"]);
    assert_eq!(given(&mut driver), ["2", "3"].map(remote));
    driver.core.check().expect("it is sound");
}

#[test]
fn f05_what_was_written_again_is_not_lost_when_the_file_is_lost_again() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    let all = being_written(&mut driver);
    // The disk has not taken it, takes it the next time, and is lost before anybody gets it.
    opened_anew(&mut driver, 0);
    assert_eq!(texts(&being_written(&mut driver)), ["3"]);
    appended(&mut driver, 1);
    read(&mut driver, numbered(&all, 0), 0);
    send(&mut driver, "4");
    assert!(matches!(order(&mut driver), SpoolOrder::Append { .. }));
    opened_anew(&mut driver, 1);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    read(&mut driver, numbered(&all, 0), 0);
    assert_eq!(texts(&being_written(&mut driver)), ["4"]);
    opened_anew(&mut driver, 1);
    read(&mut driver, numbered(&all, 0), 0);
    let again = being_written(&mut driver);
    appended(&mut driver, 1);
    read(&mut driver, numbered(&again, 1), 0);
    driver.says("l", "READY\n");
    let given = given(&mut driver);
    assert_eq!(given, ["1", "2", "3", "4"].map(remote));
}

#[test]
fn f05_what_came_from_the_disk_is_not_called_lost_when_the_disk_has_no_room_for_it_again() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    let all = being_written(&mut driver);
    // The disk has taken it, and says that it is full when it is written again.
    opened_anew(&mut driver, 1);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    read(&mut driver, numbered(&all, 0), 0);
    assert_eq!(texts(&being_written(&mut driver)), ["3"]);
    appended(&mut driver, 0);
    assert_eq!(losses(&mut driver), 0);
    driver.says("l", "READY\n");
    let given = given(&mut driver);
    assert_eq!(given, ["1", "2", "3"].map(remote));
}
