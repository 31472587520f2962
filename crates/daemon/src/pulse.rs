//! What happens to processes, for clients that follow it.
//!
//! The control thread tells of every change; that costs one atomic load while nobody follows. Changes are numbered, and the
//! last of them are kept for those who are behind or come back. Nobody waits for a follower: one that is too far behind
//! finds what it missed gone, and has to look at everything anew.
//!
//! Followers are woken a moment after a change, together: an end, the start after it and the state that follows come at once,
//! and the processor is left to the child meanwhile.

use bytes::Bytes;
use provost_model::info::ProcessView;
use provost_model::{Answer, Mono, Reply};
use provost_os::clock;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Changes that are kept. With nobody there, as many are still kept for those who come back.
const KEPT: usize = 512;

/// From a change to the moment at which followers are woken: several times what a process takes to come back, and far less
/// than anybody sees.
const MOMENT: Duration = Duration::from_millis(10);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A process came into a state, or its child was born.
    Process(Box<ProcessView>),
    /// A process came into service.
    Added(Box<ProcessView>),
    /// A process went out of service.
    Removed {
        /// Its group.
        group: String,
        /// Its name in the group.
        name: String,
    },
}

impl Change {
    /// Group and name of the process.
    pub fn process(&self) -> (&str, &str) {
        match self {
            Self::Process(view) | Self::Added(view) => (&view.info.group, &view.info.name),
            Self::Removed { group, name } => (group, name),
        }
    }
}

/// A change and its place.
#[derive(Debug)]
pub struct Beat {
    /// What happened.
    pub change: Change,
    /// The number of the next one.
    pub next: u64,
    /// What clients are told, once somebody has put it into words.
    pub text: OnceLock<Bytes>,
}

/// See the module.
#[derive(Clone)]
pub struct Pulse(Arc<Inner>);

struct Inner {
    /// Tells numbers of this image from those of others.
    epoch: u64,
    /// Somebody follows, or did so a short while ago.
    is_felt: AtomicBool,
    ring: Mutex<Ring>,
    /// Wakes the api thread.
    bell: Notify,
    /// Wakes followers.
    news: watch::Sender<()>,
}

#[derive(Default)]
struct Ring {
    /// The number of the first change that is kept.
    first: u64,
    beats: VecDeque<Arc<Beat>>,
    followers: usize,
    /// Changes since the last follower left.
    unseen: usize,
    /// When followers are woken; none when they know of all changes.
    due: Option<Mono>,
}

impl Ring {
    fn next(&self) -> u64 {
        let count = u64::try_from(self.beats.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count)
    }
}

impl Default for Pulse {
    fn default() -> Self {
        let now = clock::wall();
        let secs = u64::try_from(now.secs).unwrap_or(0);
        Self(Arc::new(Inner {
            epoch: secs
                .wrapping_mul(1_000_000_000)
                .wrapping_add(u64::from(now.nanos)),
            is_felt: AtomicBool::new(false),
            ring: Mutex::default(),
            bell: Notify::new(),
            news: watch::Sender::new(()),
        }))
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pulse({} followers)", self.0.ring().followers)
    }
}

impl Inner {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Nothing can panic while it is locked; a poisoned one is whole.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// Something happened. It is looked at only if somebody may want to know.
    pub(crate) fn beat(&self, change: impl FnOnce() -> Option<Change>) {
        if !self.0.is_felt.load(Ordering::Acquire) {
            return;
        }
        let Some(change) = change() else {
            return;
        };
        let mut ring = self.0.ring();
        if ring.followers == 0 {
            ring.unseen += 1;
            if ring.unseen > KEPT {
                // Nobody comes back any more. The next number is none of those that were given out.
                ring.first = ring.next().saturating_add(1);
                ring.beats = VecDeque::new();
                self.0.is_felt.store(false, Ordering::Release);
                return;
            }
        }
        if ring.beats.len() >= KEPT {
            ring.beats.pop_front();
            ring.first = ring.first.saturating_add(1);
        }
        let next = ring.next().saturating_add(1);
        ring.beats.push_back(Arc::new(Beat {
            change,
            next,
            text: OnceLock::new(),
        }));
        if ring.due.is_none() && self.0.news.receiver_count() > 0 {
            ring.due = Some(clock::mono().plus(MOMENT));
        }
    }

    /// When followers are to be woken; none while there is nothing new for them.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        let is_felt = self.0.is_felt.load(Ordering::Acquire);
        is_felt.then(|| self.0.ring().due).flatten()
    }

    /// Has followers woken, if it is time.
    pub(crate) fn ring_if_due(&self, now: Mono) {
        if self.next_deadline().is_some_and(|due| due <= now) {
            self.0.ring().due = None;
            self.0.bell.notify_one();
        }
    }

    /// Wakes followers at once, since this life ends.
    pub(crate) fn ring_now(&self) {
        self.0.news.send_replace(());
    }

    /// Wakes followers when the control thread says so. The api thread does it, which is theirs: for the control thread it
    /// is one call, however many there are.
    pub async fn pass_on(self) {
        loop {
            self.0.bell.notified().await;
            self.0.news.send_replace(());
        }
    }

    /// An answer about all processes, with the number of the first change that is not in it. The control thread passes
    /// answers through here, so that no change comes between.
    pub(crate) fn mark(&self, mut answer: Answer) -> Answer {
        if let Ok(Reply::Views { position, .. }) = &mut answer {
            *position = Some((self.0.epoch, self.0.ring().next()));
        }
        answer
    }

    /// Begins to follow. From here on nothing that happens goes unnoticed.
    pub fn follow(&self) -> Follower {
        self.follower(Some(self.0.news.subscribe()))
    }

    /// The same for somebody who looks from time to time, and need not be woken.
    pub fn follow_from_afar(&self) -> Follower {
        self.follower(None)
    }

    fn follower(&self, news: Option<watch::Receiver<()>>) -> Follower {
        let inner = Arc::clone(&self.0);
        inner.ring().followers += 1;
        inner.is_felt.store(true, Ordering::Release);
        Follower { inner, news }
    }
}

/// Someone who follows.
pub struct Follower {
    inner: Arc<Inner>,
    news: Option<watch::Receiver<()>>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Follower")
    }
}

impl Follower {
    /// Tells numbers of this image from those of others.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch
    }

    /// The number of the next change.
    pub fn position(&self) -> u64 {
        self.inner.ring().next()
    }

    /// What happened from that number on, `max` changes at most; none when it is not kept any more, or is no number of
    /// this image.
    pub fn since(&self, number: u64, max: usize) -> Option<Vec<Arc<Beat>>> {
        let ring = self.inner.ring();
        if number > ring.next() {
            return None;
        }
        let skipped = usize::try_from(number.checked_sub(ring.first)?).ok()?;
        Some(ring.beats.iter().skip(skipped).take(max).cloned().collect())
    }

    /// Waits until something has happened, and a moment longer. What happened since the last call, or since following began,
    /// counts. From afar nothing is heard.
    pub async fn changed(&mut self) {
        match &mut self.news {
            // The sender lives as long as this follower.
            Some(news) => drop(news.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut ring = self.inner.ring();
        ring.followers = ring.followers.saturating_sub(1);
        ring.unseen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn removed(number: usize) -> Change {
        Change::Removed {
            group: "g".to_owned(),
            name: number.to_string(),
        }
    }

    fn names(beats: &[Arc<Beat>]) -> Vec<&str> {
        beats.iter().map(|beat| beat.change.process().1).collect()
    }

    #[tokio::test]
    async fn followers_get_what_happens_in_order() {
        let pulse = Pulse::default();
        let mut follower = pulse.follow();
        let from = follower.position();
        pulse.beat(|| Some(removed(1)));
        pulse.beat(|| Some(removed(2)));
        pulse.ring_now();
        follower.changed().await;
        let beats = follower.since(from, 10).unwrap();
        assert_eq!(names(&beats), ["1", "2"]);
        assert_eq!(beats[1].next, follower.position());
        assert_eq!(names(&follower.since(beats[0].next, 10).unwrap()), ["2"]);
        assert!(follower.since(from + 3, 10).is_none());
    }

    #[tokio::test]
    async fn followers_are_woken_once_for_what_came_in_a_moment() {
        let pulse = Pulse::default();
        let (mut follower, afar) = (pulse.follow(), pulse.follow_from_afar());
        let from = afar.position();
        assert_eq!(pulse.next_deadline(), None);
        pulse.beat(|| Some(removed(1)));
        let due = pulse.next_deadline().unwrap();
        pulse.beat(|| Some(removed(2)));
        assert_eq!(pulse.next_deadline(), Some(due));
        let mut passing = pin!(pulse.clone().pass_on());
        let mut woken = async |now| {
            pulse.ring_if_due(now);
            tokio::select! {
                biased;
                () = passing.as_mut() => false,
                () = follower.changed() => true,
                () = tokio::task::yield_now() => false,
            }
        };
        assert!(!woken(Mono::default()).await);
        assert!(woken(due).await);
        assert!(!woken(due.plus(MOMENT)).await);
        assert_eq!(pulse.next_deadline(), None);
        assert_eq!(names(&afar.since(from, 10).unwrap()), ["1", "2"]);
        drop(follower);
        pulse.beat(|| Some(removed(3)));
        assert_eq!(pulse.next_deadline(), None, "nobody is to be woken");
    }

    #[test]
    fn nothing_is_looked_at_while_nobody_follows() {
        let pulse = Pulse::default();
        pulse.beat(|| panic!("nobody wants to know"));
        let follower = pulse.follow();
        let from = follower.position();
        drop(follower);
        // Somebody may come back.
        pulse.beat(|| Some(removed(1)));
        assert_eq!(names(&pulse.follow().since(from, 10).unwrap()), ["1"]);
        for number in 0..=KEPT {
            pulse.beat(|| Some(removed(number)));
        }
        pulse.beat(|| panic!("nobody came back"));
        let follower = pulse.follow();
        assert!(follower.since(from, 10).is_none());
        assert!(follower.since(follower.position(), 10).unwrap().is_empty());
    }

    #[test]
    fn who_is_too_far_behind_is_told_so() {
        let pulse = Pulse::default();
        let follower = pulse.follow();
        let from = follower.position();
        for number in 0..=KEPT {
            pulse.beat(|| Some(removed(number)));
        }
        assert!(follower.since(from, 10).is_none());
        assert_eq!(names(&follower.since(from + 1, 2).unwrap()), ["1", "2"]);
    }
}
