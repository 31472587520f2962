//! What one client may have of something that there is little of, so that others find some, too.

use super::caller::Caller;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// A client has all that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// How much each has now.
#[derive(Debug)]
pub(super) struct Shares<K> {
    most: usize,
    counts: Rc<RefCell<HashMap<K, usize>>>,
}

/// One of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    key: K,
    counts: Rc<RefCell<HashMap<K, usize>>>,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Each may have this many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            counts: Rc::default(),
        }
    }

    /// One more for this one; none when it has all it may have.
    pub(super) fn take(&self, key: K) -> Option<Share<K>> {
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(key.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Share {
            key,
            counts: Rc::clone(&self.counts),
        })
    }
}

impl Shares<String> {
    /// One more for this client. Who may do everything takes of nobody's share.
    pub(super) fn of(&self, caller: &Caller) -> Result<Option<Share<String>>, Spent> {
        if caller.may_everything() {
            return Ok(None);
        }
        self.take(caller.name.clone()).map(Some).ok_or(Spent)
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.borrow_mut();
        if let Some(count) = counts.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s27_one_has_no_more_than_its_share_and_others_have_theirs() {
        let shares = Shares::new(2);
        let (first, second) = (shares.take("a"), shares.take("a"));
        assert!(first.is_some() && second.is_some());
        assert!(shares.take("a").is_none());
        assert!(shares.take("b").is_some());
        drop(first);
        let again = shares.take("a");
        assert!(again.is_some() && shares.take("a").is_none());
        drop((second, again));
        assert!(shares.counts.borrow().is_empty());
    }
}
