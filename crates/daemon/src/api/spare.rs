//! The buffer of the longest answers: kept from one to the next, because memory that is new for each of them costs more
//! than what is written into it. After a second without such an answer it is given back.

use bytes::Bytes;
use provost_os::memory;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Buffers from this size on are kept: smaller ones come from the heap, which has room at once.
const LARGE: usize = 128 * 1024;

/// And up to this size: what is larger is rare.
const HUGE: usize = 32 * 1024 * 1024;

/// How long a buffer is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(1);

/// One buffer, and who gives it back.
#[derive(Debug, Default)]
pub(super) struct Spare {
    buffer: Arc<Mutex<Vec<u8>>>,
    /// Answers so far that used it.
    uses: Cell<u64>,
    is_watched: Cell<bool>,
}

impl Spare {
    /// The buffer, or an empty one where another answer has it.
    pub(super) fn take(&self) -> String {
        let mut bytes = std::mem::take(&mut *lock(&self.buffer));
        bytes.clear();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// An answer, whose buffer comes back when it has left.
    pub(super) fn lend(self: &Rc<Self>, bytes: Vec<u8>) -> Bytes {
        if !(LARGE..=HUGE).contains(&bytes.capacity()) {
            return bytes.into();
        }
        self.uses.set(self.uses.get().wrapping_add(1));
        if !self.is_watched.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).give_back());
        }
        Bytes::from_owner(Lent {
            bytes,
            home: Arc::clone(&self.buffer),
        })
    }

    /// Waits until it has not been used for a while.
    async fn give_back(self: Rc<Self>) {
        loop {
            let before = self.uses.get();
            tokio::time::sleep(KEPT).await;
            // Nobody has it now, or one who takes more than a second; then it is looked at once more.
            let is_away = Arc::strong_count(&self.buffer) > 1;
            if self.uses.get() == before && !is_away {
                break;
            }
        }
        self.is_watched.set(false);
        drop(std::mem::take(&mut *lock(&self.buffer)));
        // What the answer was made from is free as well.
        memory::give_back();
    }
}

/// A buffer on its way to a client.
struct Lent {
    bytes: Vec<u8>,
    home: Arc<Mutex<Vec<u8>>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut home = lock(&self.home);
        if home.capacity() < self.bytes.capacity() {
            *home = std::mem::take(&mut self.bytes);
        }
    }
}

/// Nothing that is done with the lock held can leave a buffer half changed.
fn lock(buffer: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runtime(test: impl AsyncFnOnce(Rc<Spare>)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test(Rc::default()));
    }

    #[test]
    fn a_long_answer_uses_the_buffer_of_the_one_before_and_a_second_at_once_its_own() {
        with_runtime(async |spare| {
            let mut first = spare.take();
            first.push_str(&"a".repeat(2 * LARGE));
            let at = first.as_ptr();
            let sent = spare.lend(first.into_bytes());
            assert_eq!(spare.take().capacity(), 0, "it is under way");
            assert_eq!(sent.len(), 2 * LARGE);
            drop(sent);
            let second = spare.take();
            assert!(second.is_empty() && second.as_ptr() == at);
        });
    }

    #[test]
    fn short_answers_leave_nothing_behind() {
        with_runtime(async |spare| {
            drop(spare.lend(vec![b'a'; 100]));
            assert_eq!(spare.take().capacity(), 0);
        });
    }

    #[test]
    fn a_buffer_that_nobody_uses_is_given_back() {
        with_runtime(async |spare| {
            drop(spare.lend(vec![b'a'; LARGE]));
            let deadline = std::time::Instant::now() + Duration::from_secs(30);
            while lock(&spare.buffer).capacity() > 0 {
                assert!(std::time::Instant::now() < deadline);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!spare.is_watched.get());
        });
    }
}
