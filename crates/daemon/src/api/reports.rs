//! Limits that clients reach, told in the main log: the first time at once, and what follows within ten seconds in one
//! line, so that nobody can fill the log by asking too much.

use crate::logs::Logger;
use provost_model::Level;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// For how long further events of a kind are only counted.
const QUIET: Duration = Duration::from_secs(10);

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    /// Places for connections of one kind.
    Connections,
    /// Places for connections of one address or user.
    ConnectionsOfOrigin,
    /// Requests under way of those who may not do everything.
    RequestsOfUser,
    /// Bytes under way of one who may not do everything.
    BytesOfUser,
    /// Bytes of a request line.
    RequestLine,
    /// Bytes of a header.
    Header,
    /// Bytes of a body.
    Body,
    /// Time for a request.
    RequestTime,
    /// Time in which a client takes something of its answer.
    AnswerTime,
    /// Failed logins.
    Logins,
    /// Clients with whom TLS could not be agreed on.
    Handshake,
}

impl Limit {
    /// The limit in a few words.
    fn name(self) -> &'static str {
        match self {
            Self::Connections => "limit of connections",
            Self::ConnectionsOfOrigin => "limit of connections of one address or user",
            Self::RequestsOfUser => "limit of requests of one user",
            Self::BytesOfUser => "limit of bytes of one user",
            Self::RequestLine => "limit of a request line",
            Self::Header => "limit of a request header",
            Self::Body => "limit of a request body",
            Self::RequestTime => "time for a request",
            Self::AnswerTime => "time for reading an answer",
            Self::Logins => "limit of failed logins",
            Self::Handshake => "end of a TLS handshake without agreement",
        }
    }
}

impl Limit {
    /// What is told of a client that reached it, behind its address.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::RequestLine => "sent a request line of more than 8 KiB, and was refused (414)",
            Self::Header => {
                "sent a request header of more than 16 KiB or 100 lines, and was refused (431)"
            }
            Self::Body => "sent a request with too large a body, and was refused (413)",
            Self::RequestTime => "did not send a whole request in time, and was disconnected (408)",
            Self::AnswerTime => "took nothing of its answer for a minute, and was disconnected",
            Self::Logins => {
                "failed to log in more than 10 times within a minute; further failures are answered a second late"
            }
            Self::Handshake => "could not agree on TLS",
            Self::RequestsOfUser => {
                "has as many requests under way as may be; another was refused (503)"
            }
            Self::BytesOfUser => {
                "has as many bytes of requests and answers under way as may be; another was refused (503)"
            }
            Self::Connections | Self::ConnectionsOfOrigin => "has too many connections",
        }
    }
}

/// Tells, and counts what it does not tell.
pub(super) struct Reports {
    logger: Logger,
    /// Limits told a moment ago, and how often they were reached since.
    counts: RefCell<BTreeMap<Limit, u64>>,
}

impl Reports {
    pub(super) fn new(logger: Logger) -> Rc<Self> {
        Rc::new(Self {
            logger,
            counts: RefCell::default(),
        })
    }

    /// A limit was reached; the sentence says by whom, and what came of it.
    pub(super) fn reached(self: &Rc<Self>, limit: Limit, sentence: impl FnOnce() -> String) {
        if let Some(count) = self.counts.borrow_mut().get_mut(&limit) {
            *count = count.saturating_add(1);
            return;
        }
        self.counts.borrow_mut().insert(limit, 0);
        self.logger.log(Level::Warn, sentence());
        tokio::task::spawn_local(Rc::clone(self).sum_up(limit));
    }

    /// Tells what was counted, until there is nothing to tell.
    async fn sum_up(self: Rc<Self>, limit: Limit) {
        loop {
            tokio::time::sleep(QUIET).await;
            let mut counts = self.counts.borrow_mut();
            match counts.get_mut(&limit) {
                Some(count) if *count > 0 => {
                    let text = format!(
                        "the {} was reached {count} more times within {} seconds",
                        limit.name(),
                        QUIET.as_secs()
                    );
                    *count = 0;
                    self.logger.log(Level::Warn, text);
                }
                _ => {
                    counts.remove(&limit);
                    return;
                }
            }
        }
    }
}
