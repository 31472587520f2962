//! The listener of `cargo xtask bench events`: it answers what it is sent and hardly looks at it, so that the daemon is
//! what is measured. The benchmark writes it into the configuration of both daemons; nobody calls it by hand.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

/// How the last event ends.
const END: &[u8] = b"type:x\nend";

/// Serves until its input ends. With the last event it writes down in its file how many events it saw and how many
/// seconds they took. Answers whether the pipes worked.
pub(crate) fn run() -> bool {
    let served = match std::env::args().nth(2) {
        Some(file) => serve(&file),
        None => Err(io::Error::other("no file to write the figures to")),
    };
    if let Err(error) = &served {
        eprintln!("error: {error}");
    }
    served.is_ok()
}

fn serve(file: &str) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut answer = |text: &[u8]| output.write_all(text).and_then(|()| output.flush());
    let mut buffer = vec![0; 65_536];
    answer(b"READY\n")?;
    let mut begun = None;
    let mut seen = 0_u32;
    loop {
        let size = input.read(&mut buffer)?;
        let Some(data) = buffer.get(..size).filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        match begun {
            None => begun = Some(Instant::now()),
            Some(_) => seen += 1,
        }
        if let (Some(begun), true) = (begun, data.ends_with(END)) {
            let secs = begun.elapsed().as_secs_f64();
            std::fs::write(file, format!("{seen} {secs} end"))?;
        }
        answer(b"RESULT 2\nOKREADY\n")?;
    }
}
