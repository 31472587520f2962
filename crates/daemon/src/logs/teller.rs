//! How logs threads tell the control thread what happened, whichever life it is in.

use super::order::Fact;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by all logs threads.
#[derive(Clone)]
pub(super) struct Teller(Arc<Mutex<Ear>>);

enum Ear {
    /// Is told at once.
    Open(Box<dyn Fn(Fact) + Send>),
    /// Nobody listens; it is kept for who does next.
    Closed(Vec<Fact>),
}

impl Teller {
    /// Tells by this call, which must not block.
    pub(super) fn new(facts: Box<dyn Fn(Fact) + Send>) -> Self {
        Self(Arc::new(Mutex::new(Ear::Open(facts))))
    }

    fn ear(&self) -> MutexGuard<'_, Ear> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, fact: Fact) {
        match &mut *self.ear() {
            Ear::Open(facts) => facts(fact),
            Ear::Closed(kept) => kept.push(fact),
        }
    }

    /// From now on facts are kept.
    pub(super) fn close(&self) {
        let mut ear = self.ear();
        if matches!(&*ear, Ear::Open(_)) {
            *ear = Ear::Closed(Vec::new());
        }
    }

    /// Tells by this call from now on, first what was kept.
    pub(super) fn open(&self, facts: Box<dyn Fn(Fact) + Send>) {
        let mut ear = self.ear();
        if let Ear::Closed(kept) = &mut *ear {
            kept.drain(..).for_each(&facts);
        }
        *ear = Ear::Open(facts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::Run;
    use std::sync::mpsc::channel;

    #[test]
    fn f24_what_is_told_to_nobody_is_heard_by_the_next() {
        let (sender, first) = channel();
        let teller = Teller::new(Box::new(move |fact| sender.send(fact).unwrap()));
        let drained = |run| Fact::Drained { run: Run(run) };
        teller.tell(drained(1));
        teller.close();
        teller.tell(drained(2));
        teller.close();
        let (sender, second) = channel();
        teller.open(Box::new(move |fact| sender.send(fact).unwrap()));
        teller.tell(drained(3));
        let runs = |facts: std::sync::mpsc::Receiver<Fact>| {
            let facts = facts.try_iter().map(|fact| match fact {
                Fact::Drained { run } => run.0,
                other => panic!("{other:?}"),
            });
            facts.collect::<Vec<_>>()
        };
        assert_eq!((runs(first), runs(second)), (vec![1], vec![2, 3]));
    }
}
