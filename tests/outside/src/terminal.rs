//! What a terminal shows of programs, and what a person types.

use provost_ctl::outside::{command, host, on_screen, shown, tailed};
use provost_testkit::fuzz::parts;

/// Bytes that one becomes when it is shown as text.
const ESCAPED: usize = 4;

/// `data` is output, a name, a line, a URL: in pieces output is shown as in one, nothing that steers a terminal but colours
/// gets through, and what is harmless is shown as it is.
pub fn terminal(data: &[u8]) {
    let (said, pieces) = parts(data);
    let whole = on_screen(&[said]);
    assert_eq!(on_screen(&pieces), whole);
    assert!(whole.len() <= ESCAPED * said.len());
    let seen = String::from_utf8(whole).expect("what is shown is text");
    only_colours(&seen);
    // What was shown once is harmless, and so is shown as it is.
    assert_eq!(on_screen(&[seen.as_bytes()]), seen.as_bytes());

    let text = String::from_utf8_lossy(said);
    let [name, message, value] = shown(&text);
    assert!(!name.contains(char::is_control));
    assert!(!message.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    assert!(!value.contains(char::is_control));
    assert_eq!(shown(&name)[0], name);

    for line in text.lines() {
        if let Some((name, arguments)) = command(line) {
            assert!(!name.is_empty());
            let held: usize = arguments.iter().map(|(group, _)| group.len()).sum();
            assert!(held <= line.len());
        }
        if let Some((name, from)) = tailed(line) {
            assert!(line.contains(&name));
            assert!(from.abs() <= i64::from(i32::MAX));
        }
        if let Ok(host) = host(line) {
            assert!(!host.is_empty());
        }
    }
}

/// Control characters are line ends, tabs, and beginnings of colours.
fn only_colours(mut left: &str) {
    while let Some(at) = left.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
        let rest = &left[at..];
        left = if let Some(rest) = rest.strip_prefix("\r\n") {
            rest
        } else {
            let colour = rest.strip_prefix("\x1b[").expect("it begins a colour");
            let end = colour.find(|c: char| !"0123456789:;".contains(c));
            let rest = &colour[end.unwrap_or(colour.len())..];
            rest.strip_prefix('m').expect("it is a colour")
        };
    }
}
