//! Where the core's answers go, also those to requests that were carried over from an earlier image of the daemon.

use provost_model::{Answer, RequestId};
use std::collections::{HashMap, HashSet};
use tokio::sync::oneshot;

/// Who waits for which answer.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    /// Carried over, and nobody has attached yet.
    expected: HashSet<RequestId>,
    /// Came before anybody attached.
    early: HashMap<RequestId, Answer>,
}

impl Answers {
    /// Connections that were carried over are going to attach to these requests.
    pub(crate) fn expect(&mut self, ids: impl IntoIterator<Item = RequestId>) {
        for id in ids {
            // Whoever waited here is gone, where the same image goes on.
            self.waiting.remove(&id);
            self.expected.insert(id);
        }
    }

    /// Answers that nobody has taken. Another image takes them as answers of its core, once it expects them.
    pub(crate) fn take_early(&mut self) -> HashMap<RequestId, Answer> {
        std::mem::take(&mut self.early)
    }

    /// A request was made.
    pub(crate) fn ask(&mut self, id: RequestId, answer: oneshot::Sender<Answer>) {
        self.waiting.insert(id, answer);
    }

    /// Somebody waits for the answer to a request that was carried over.
    pub(crate) fn attach(&mut self, id: RequestId, answer: oneshot::Sender<Answer>) {
        self.expected.remove(&id);
        match self.early.remove(&id) {
            // A client that left in between needs no answer.
            Some(early) => drop(answer.send(early)),
            None => drop(self.waiting.insert(id, answer)),
        }
    }

    /// The core answered.
    pub(crate) fn reply(&mut self, id: RequestId, answer: Answer) {
        if let Some(client) = self.waiting.remove(&id) {
            // As above.
            let _ = client.send(answer);
        } else if self.expected.remove(&id) {
            self.early.insert(id, answer);
        }
    }

    /// The client left. Whether the core still has its request.
    pub(crate) fn gone(&mut self, id: RequestId) -> bool {
        self.early.remove(&id);
        // Both, without a shortcut.
        let waited = self.waiting.remove(&id).is_some();
        self.expected.remove(&id) || waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::Reply;

    const ONE: RequestId = RequestId(1);

    #[test]
    fn an_answer_before_the_attachment_is_kept_and_given_once() {
        let mut answers = Answers::default();
        answers.expect([ONE]);
        answers.reply(ONE, Ok(Reply::Done));
        let (sender, mut answered) = oneshot::channel();
        answers.attach(ONE, sender);
        assert_eq!(answered.try_recv(), Ok(Ok(Reply::Done)));
        assert!(answers.waiting.is_empty() && answers.early.is_empty());
    }

    #[test]
    fn an_answer_that_comes_after_a_hand_over_can_be_carried_too() {
        let mut answers = Answers::default();
        let (sender, answered) = oneshot::channel();
        answers.ask(ONE, sender);
        drop(answered);
        answers.expect([ONE]);
        answers.reply(ONE, Ok(Reply::Done));
        let early = answers.take_early();
        let mut next = Answers::default();
        next.expect([ONE]);
        for (id, answer) in early {
            next.reply(id, answer);
        }
        let (sender, mut answered) = oneshot::channel();
        next.attach(ONE, sender);
        assert_eq!(answered.try_recv(), Ok(Ok(Reply::Done)));
    }

    #[test]
    fn an_answer_after_the_attachment_goes_through() {
        let mut answers = Answers::default();
        answers.expect([ONE]);
        let (sender, mut answered) = oneshot::channel();
        answers.attach(ONE, sender);
        answers.reply(ONE, Ok(Reply::Done));
        assert_eq!(answered.try_recv(), Ok(Ok(Reply::Done)));
    }

    #[test]
    fn who_leaves_withdraws_what_the_core_has_and_nothing_else() {
        let mut answers = Answers::default();
        answers.expect([ONE]);
        assert!(answers.gone(ONE));
        assert!(!answers.gone(ONE));
        answers.expect([ONE]);
        answers.reply(ONE, Ok(Reply::Done));
        assert!(!answers.gone(ONE));
        answers.reply(ONE, Ok(Reply::Done));
        assert!(answers.early.is_empty(), "nobody waits");
    }
}
