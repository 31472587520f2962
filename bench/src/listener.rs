//! The event listener of the bench: it answers what it is sent and hardly looks at it, so that the daemon is what is
//! measured. The bench writes it into configurations; nobody calls it by hand.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

/// How the last event ends.
const END: &[u8] = b"type:x\nend";

/// What a listener writes down when it has seen the last event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) events: u64,
    /// How many the pool had by its own count.
    pub(crate) sent: u64,
    pub(crate) secs: f64,
}

/// Serves until its input ends. Makes the second file when it is ready, and the first one with the last event.
pub(crate) fn serve(result: &str, ready: &str) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut answer = |text: &[u8]| output.write_all(text).and_then(|()| output.flush());
    let mut buffer = vec![0; 65_536];
    answer(b"READY\n")?;
    std::fs::write(ready, "")?;
    let (mut begun, mut first, mut events) = (None, None, 0_u64);
    loop {
        let size = input.read(&mut buffer)?;
        let Some(data) = buffer.get(..size).filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        let begun = *begun.get_or_insert_with(Instant::now);
        if first.is_none() {
            first = serial(data);
        }
        events += 1;
        if data.ends_with(END) {
            let secs = begun.elapsed().as_secs_f64();
            let sent = serial(data)
                .zip(first)
                .map_or(0, |(last, first)| last + 1 - first);
            std::fs::write(result, format!("{events} {sent} {secs} end"))?;
        }
        answer(b"RESULT 2\nOKREADY\n")?;
    }
}

/// The number that the pool gave an event.
fn serial(frame: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(frame);
    let (_, rest) = text.split_once("poolserial:")?;
    rest.split(' ').next()?.parse().ok()
}

/// What a listener wrote down; nothing before it has.
pub(crate) fn read(file: &Path) -> Option<Heard> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut words = text.strip_suffix(" end")?.split(' ');
    Some(Heard {
        events: words.next()?.parse().ok()?,
        sent: words.next()?.parse().ok()?,
        secs: words.next()?.parse().ok()?,
    })
}
