//! What the system tells of processes.

use provost_daemon::outside::files_of_kills;
use provost_os::outside as os;

/// `data` is a file below `/proc`: it is read, or is none, and nothing is read that is not there.
pub fn system_texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some((state, parent, started, code)) = os::stat(data) {
        let fields: Vec<String> = (5..=21).map(|number| number.to_string()).collect();
        let more: Vec<String> = (23..=51).map(|number| number.to_string()).collect();
        let written = format!(
            "1 (a) {state} {} {} {started} {} {code}",
            parent.0,
            fields.join(" "),
            more.join(" ")
        );
        assert_eq!(
            os::stat(written.as_bytes()),
            Some((state, parent, started, code))
        );
    }
    let (user, _) = os::users(&text, 0);
    if let Some(user) = user {
        assert_eq!(os::users(&text, user), (Some(user), true));
    }
    let words = os::words(data);
    assert!(words.iter().all(|word| !word.is_empty()));
    let held: usize = words.iter().map(String::len).sum();
    assert!(held <= 3 * data.len());
    for (name, value) in os::pairs(data) {
        assert!(!name.contains('=') && name.len() + value.len() <= 3 * data.len());
    }
    if let Some(number) = os::pipe_number(data) {
        let again = format!("pipe:[{number}]");
        assert_eq!(os::pipe_number(again.as_bytes()), Some(number));
    }
    if let Some((_, count)) = os::awaited(&text) {
        assert!(count <= 1 << 20, "{count} descriptors are waited for");
    }
    assert!(os::polled(data).len() <= data.len() / 8);
    for file in files_of_kills(&text) {
        assert!(file.starts_with("/sys/fs/cgroup"));
    }
}
