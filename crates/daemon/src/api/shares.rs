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

/// Some of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    key: K,
    amount: usize,
    most: usize,
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
        let mut share = self.nothing(key);
        share.resize(1).then_some(share)
    }

    /// A share that can grow.
    fn nothing(&self, key: K) -> Share<K> {
        Share {
            key,
            amount: 0,
            most: self.most,
            counts: Rc::clone(&self.counts),
        }
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

    /// So many bytes for this client. A request that an earlier image let in has them whatever others have.
    pub(super) fn of_bytes(
        &self,
        caller: &Caller,
        bytes: usize,
    ) -> Result<Option<Share<String>>, Spent> {
        if caller.may_everything() {
            return Ok(None);
        }
        let mut share = self.nothing(caller.name.clone());
        if caller.tape().progress().is_begun() {
            share.set(bytes);
        } else if !share.resize(bytes) {
            return Err(Spent);
        }
        Ok(Some(share))
    }
}

impl<K: Clone + Eq + Hash> Share<K> {
    /// Makes it this large; false, and nothing is changed, when all shares of this one are more than it may have then. One
    /// that is alone can have any size, so that nothing is refused for ever.
    pub(super) fn resize(&mut self, amount: usize) -> bool {
        let others = self.others();
        let fits = others == 0 || others.saturating_add(amount) <= self.most;
        if fits {
            self.set(amount);
        }
        fits
    }

    /// Makes it this large, whatever comes of it.
    fn set(&mut self, amount: usize) {
        let all = self.others().saturating_add(amount);
        self.counts.borrow_mut().insert(self.key.clone(), all);
        self.amount = amount;
    }
}

impl<K: Eq + Hash> Share<K> {
    /// What this one has in other shares.
    fn others(&self) -> usize {
        let counts = self.counts.borrow();
        let all = counts.get(&self.key).copied().unwrap_or_default();
        all.saturating_sub(self.amount)
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let left = self.others();
        let mut counts = self.counts.borrow_mut();
        if left == 0 {
            counts.remove(&self.key);
        } else if let Some(count) = counts.get_mut(&self.key) {
            *count = left;
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

    #[test]
    fn s27_bytes_are_shared_and_the_first_may_be_of_any_size() {
        let shares = Shares::new(10);
        let (mut first, mut second) = (shares.nothing("a"), shares.nothing("a"));
        assert!(first.resize(6) && second.resize(4));
        assert!(!second.resize(5) && !first.resize(7));
        assert!(first.resize(2) && second.resize(8));
        let mut other = shares.nothing("b");
        assert!(other.resize(11), "it is alone");
        drop(first);
        assert!(second.resize(1000));
        drop((second, other));
        assert!(shares.counts.borrow().is_empty());
    }
}
