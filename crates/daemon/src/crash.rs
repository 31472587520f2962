//! Panics: caught, written down with their cause, and told to the control thread, which has this process begin anew with
//! the same state.
//!
//! Whichever thread it is, the hook is called first and on that thread. The main log gets what is known at once; if the
//! logs thread itself is the one, the next image writes it.

use crate::logs::Logger;
use crate::messages::readable;
use provost_model::Level;
use provost_os::reactor::Waker;
use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Causes that are kept until somebody takes them.
const CAUSES_MAX: usize = 4;

/// Bytes of a cause that are kept: a backtrace of some hundred frames.
const CAUSE_BYTES_MAX: usize = 64 << 10;

static HAPPENED: AtomicBool = AtomicBool::new(false);
static DESK: Mutex<Desk> = Mutex::new(Desk {
    causes: Vec::new(),
    told: None,
});

/// Whom to tell.
struct Told {
    logger: Logger,
    waker: Waker,
}

struct Desk {
    causes: Vec<String>,
    told: Option<Told>,
}

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on panics are written down instead of printed.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(note));
}

/// Who is told in this life.
pub(crate) fn tell(logger: Logger, waker: Waker) {
    desk().told = Some(Told { logger, waker });
}

/// Whether a panic happened that nobody has taken.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Acquire)
}

/// What happened and is not in the main log, once.
pub(crate) fn take() -> Vec<String> {
    HAPPENED.store(false, Ordering::Release);
    std::mem::take(&mut desk().causes)
}

fn note(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let name = if name == "main" { "control" } else { name };
    let place = info
        .location()
        .map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    // What it says may have come from outside.
    let said = readable(info.payload_as_str().unwrap_or_default().as_bytes());
    let mut cause = format!(
        "internal error in the thread {name}: panicked at {place}: {said}\n{}",
        Backtrace::force_capture()
    );
    let cut = cause.floor_char_boundary(CAUSE_BYTES_MAX);
    cause.truncate(cut);
    let mut desk = desk();
    let is_writer = name == "logs";
    match &desk.told {
        Some(told) if !is_writer => told.logger.log(Level::Critical, cause),
        Some(_) | None if desk.causes.len() < CAUSES_MAX => desk.causes.push(cause),
        Some(_) | None => {}
    }
    // Whoever is woken must find it.
    HAPPENED.store(true, Ordering::Release);
    if let Some(told) = &desk.told {
        told.waker.wake();
    }
}

/// Which image this is: the first one, one that took its place, or one that got it back.
#[cfg(debug_assertions)]
static IMAGE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// This image goes on for another one.
#[cfg(debug_assertions)]
pub(crate) fn arrived(is_back: bool) {
    IMAGE.store(if is_back { 2 } else { 1 }, Ordering::Relaxed);
}

/// Nothing, outside builds for tests.
#[cfg(not(debug_assertions))]
pub(crate) fn arrived(_is_back: bool) {}

/// A place where a build for tests can be made to panic: `PROVOST_PANIC=PLACE:N` panics when it is passed the N-th time, in
/// the image that was started first; `PROVOST_PANIC=PLACE:N:new` in those that take its place, `:always` in each.
#[cfg(debug_assertions)]
pub(crate) fn point(place: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU64;

    struct Fault {
        place: String,
        left: AtomicU64,
    }
    static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
    let fault = FAULT.get_or_init(|| {
        let text = std::env::var("PROVOST_PANIC").ok()?;
        let mut words = text.split(':');
        let (place, count) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let image = IMAGE.load(Ordering::Relaxed);
        let is_meant = match words.next() {
            None => image == 0,
            Some("new") => image == 1,
            Some(_) => true,
        };
        is_meant.then_some(Fault {
            place,
            left: AtomicU64::new(count),
        })
    });
    if let Some(fault) = fault
        && fault.place == place
        && fault.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        panic!("asked for at {place}");
    }
}

/// Nothing, outside builds for tests.
#[cfg(not(debug_assertions))]
#[expect(clippy::inline_always, reason = "nothing is left of it")]
#[inline(always)]
pub(crate) fn point(_place: &str) {}
