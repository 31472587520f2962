//! What one connection has heard and not answered yet, and what it is at: all that another image needs to go on with it.

use super::framing::{CONTINUE, Skip, length};
use super::progress::Progress;
use super::{ConnectionState, FollowState};
use crate::api::caller::PeerProcess;
use crate::api::follow::Mark;
use crate::control::{Awaited, ControlHandle};
use provost_config::certificate::Certificate;
use provost_model::{Answer, Request, RequestId};
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::ffi::OsString;
use std::fs::File;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt as _;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use tokio::io::ReadBuf;

/// Bytes for which memory is kept between requests.
const KEPT: usize = 16 * 1024;

/// How far the hand-over of all connections has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::api) enum Carry {
    /// There is none.
    #[default]
    No,
    /// Connections go as they come to rest.
    Wanted,
    /// What has not come to rest goes as it is.
    Forced,
}

/// Where a connection came from.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Origin {
    /// The server, by its address.
    pub(in crate::api) server: String,
    pub(in crate::api) address: Option<SocketAddr>,
    pub(in crate::api) process: Option<PeerProcess>,
}

/// See the module.
#[derive(Debug)]
pub(in crate::api) struct Tape {
    control: ControlHandle,
    origin: Origin,
    carry: Rc<Cell<Carry>>,
    /// From the first byte of the first request that is not answered.
    heard: RefCell<Vec<u8>>,
    /// Where the request under way ends in `heard`.
    end: Cell<usize>,
    /// Bytes of an answered request that are still to come.
    owed: Cell<usize>,
    /// What an earlier image heard, and how much of it has been read again.
    again: RefCell<(Vec<u8>, usize)>,
    /// Written before anything else, and how much of it has been.
    rest: RefCell<(Vec<u8>, usize)>,
    skip: Cell<Skip>,
    progress: RefCell<Progress>,
    /// The answer of the core that is awaited.
    waiting: RefCell<Option<Awaited>>,
    /// The log that is followed, up to what was handed over for writing.
    following: RefCell<Option<Mark>>,
    /// The body of a request is awaited.
    reads_body: Cell<bool>,
    /// The body of the request under way was wanted, and leave to send it given where that was waited for.
    wants_body: Cell<bool>,
    /// Something has been asked.
    is_used: Cell<bool>,
    /// Another image goes on.
    is_taken: Cell<bool>,
    /// No other image can: what was agreed with the client is known to this one only.
    is_bound: Cell<bool>,
    /// The certificate that the client proved to have.
    certificate: OnceCell<Rc<Certificate>>,
    /// Who waits for bytes that are held back.
    reader: RefCell<Option<Waker>>,
}

impl Tape {
    pub(in crate::api) fn new(
        control: ControlHandle,
        carry: Rc<Cell<Carry>>,
        origin: Origin,
    ) -> Self {
        Self {
            control,
            origin,
            carry,
            heard: RefCell::default(),
            end: Cell::new(0),
            owed: Cell::new(0),
            again: RefCell::default(),
            rest: RefCell::default(),
            skip: Cell::new(Skip::Nothing),
            progress: RefCell::default(),
            waiting: RefCell::new(None),
            following: RefCell::new(None),
            reads_body: Cell::new(false),
            wants_body: Cell::new(false),
            is_used: Cell::new(false),
            is_taken: Cell::new(false),
            is_bound: Cell::new(false),
            certificate: OnceCell::new(),
            reader: RefCell::new(None),
        }
    }

    /// Goes on where an earlier image stopped.
    pub(in crate::api) fn resume(
        control: ControlHandle,
        carry: Rc<Cell<Carry>>,
        state: ConnectionState,
        log: Option<File>,
    ) -> Self {
        let origin = Origin {
            server: state.server,
            address: state.address,
            process: state.process,
        };
        let skip = match &state.follow {
            Some(_) => Skip::Header(0),
            None if state.progress.continued => Skip::Continue,
            None => Skip::Nothing,
        };
        let tape = Self::new(control, carry, origin);
        *tape.again.borrow_mut() = (state.heard, 0);
        *tape.rest.borrow_mut() = (state.rest, 0);
        *tape.following.borrow_mut() = state.follow.map(|follow| Mark {
            file: log.map(Arc::new),
            path: OsString::from_vec(follow.path).into(),
            inode: follow.inode,
            position: follow.position,
        });
        *tape.progress.borrow_mut() = state.progress;
        tape.skip.set(skip);
        tape.is_used.set(state.is_used);
        tape
    }

    pub(in crate::api) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Bytes came.
    pub(in crate::api) fn hear(&self, bytes: &[u8]) {
        let owed = self.owed.get().min(bytes.len());
        self.owed.set(self.owed.get() - owed);
        let bytes = bytes.get(owed..).unwrap_or_default();
        self.heard.borrow_mut().extend_from_slice(bytes);
    }

    /// Gives out what an earlier image heard; none when there is nothing left of it.
    pub(in crate::api) fn replay(&self, buffer: &mut ReadBuf<'_>) -> Option<usize> {
        let mut again = self.again.borrow_mut();
        let (bytes, given) = &mut *again;
        let left = bytes.get(*given..).unwrap_or_default();
        let piece = left.get(..left.len().min(buffer.remaining()))?;
        if piece.is_empty() {
            return None;
        }
        let count = piece.len();
        buffer.put_slice(piece);
        *given += count;
        if *given == bytes.len() {
            *again = (Vec::new(), 0);
        }
        Some(count)
    }

    /// Whether nothing is to be read from the client at present. Its end is not noticed before the request that it sent
    /// has found its place again.
    pub(in crate::api) fn holds_back(&self, waker: &Waker) -> bool {
        let holds = self.is_wanted() || self.progress.borrow().ask.is_some();
        if holds {
            *self.reader.borrow_mut() = Some(waker.clone());
        }
        holds
    }

    /// The header of a request is complete.
    pub(in crate::api) fn begin(&self) {
        self.is_used.set(true);
        let heard = self.heard.borrow();
        self.end.set(length(&heard).unwrap_or(usize::MAX));
    }

    /// Whether a body is awaited.
    pub(in crate::api) fn reading(&self, does: bool) {
        self.reads_body.set(does);
        self.wants_body.set(true);
    }

    /// The answer is handed over for writing, or nobody wants it.
    pub(in crate::api) fn finish(&self) {
        if self.is_taken.get() {
            return;
        }
        let mut heard = self.heard.borrow_mut();
        let end = self.end.replace(0);
        let count = end.min(heard.len());
        self.owed.set(end - count);
        if count == heard.len() && heard.capacity() > KEPT {
            *heard = Vec::new();
        } else {
            heard.drain(..count);
        }
        self.reads_body.set(false);
        self.wants_body.set(false);
        self.following.replace(None);
        if let Some(id) = self.progress.take().ask {
            // A question that is not asked again.
            self.control.gone(RequestId(id));
        }
        self.read_on();
    }

    /// What has been done for the request under way.
    pub(in crate::api) fn progress(&self) -> RefMut<'_, Progress> {
        self.progress.borrow_mut()
    }

    /// Asks the core, or waits on for what an earlier image asked.
    pub(in crate::api) async fn ask(&self, request: Request) -> Answer {
        struct Left<'a>(&'a Tape);
        impl Drop for Left<'_> {
            fn drop(&mut self) {
                self.0.waiting.take();
            }
        }
        let carried = self.progress.borrow_mut().ask.take();
        let awaited = match carried {
            Some(id) => self.control.attach(RequestId(id)),
            None => self.control.ask(request),
        };
        if carried.is_some() {
            self.read_on();
        }
        self.waiting.replace(Some(awaited));
        let _left = Left(self);
        poll_fn(|cx| match &mut *self.waiting.borrow_mut() {
            Some(awaited) => awaited.poll(cx),
            // It has been handed over, and nobody is to see an answer here.
            None => Poll::Pending,
        })
        .await
    }

    fn read_on(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The log that is followed.
    pub(in crate::api) fn followed(&self) -> Option<Mark> {
        self.following.borrow().clone()
    }

    /// So far the log that is followed has been handed over for writing.
    pub(in crate::api) fn follow(&self, mark: Mark) {
        self.following.replace(Some(mark));
    }

    /// How many of these bytes of an answer an earlier image has written.
    pub(in crate::api) fn skip(&self, bytes: &[u8]) -> usize {
        let (skip, count) = self.skip.get().step(bytes);
        self.skip.set(skip);
        count
    }

    /// Notices what is offered for writing.
    pub(in crate::api) fn say(&self, bytes: &[u8]) {
        if self.wants_body.get() && bytes.ends_with(CONTINUE) {
            self.progress.borrow_mut().continued = true;
        }
    }

    /// Takes bytes for a later image to write, if there is one.
    pub(in crate::api) fn absorb(&self, bytes: &[u8]) -> bool {
        let absorbs = self.is_wanted() && !self.is_bound();
        if absorbs {
            self.rest.borrow_mut().0.extend_from_slice(bytes);
        }
        absorbs
    }

    /// Whether something is to be written before all else.
    pub(in crate::api) fn has_rest(&self) -> bool {
        !self.rest.borrow().0.is_empty()
    }

    /// Gives what is to be written before all else to `write`, which takes what it can; true once nothing is left.
    pub(in crate::api) fn write_rest(
        &self,
        mut write: impl FnMut(&[u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<bool> {
        let mut rest = self.rest.borrow_mut();
        loop {
            let (bytes, written) = &mut *rest;
            let left = bytes.get(*written..).unwrap_or_default();
            if left.is_empty() {
                *rest = (Vec::new(), 0);
                return Ok(true);
            }
            match write(left) {
                Ok(count) => *written = written.saturating_add(count),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether all connections are to be handed over.
    pub(in crate::api) fn is_wanted(&self) -> bool {
        self.carry.get() != Carry::No
    }

    /// Whether another image goes on with this.
    pub(in crate::api) fn is_taken(&self) -> bool {
        self.is_taken.get()
    }

    /// No other image can go on with this.
    pub(in crate::api) fn bind(&self) {
        self.is_bound.set(true);
    }

    /// Whether the connection ends here when all are handed over.
    pub(in crate::api) fn is_bound(&self) -> bool {
        self.is_bound.get()
    }

    /// The client has proved to have this certificate, if one.
    pub(in crate::api) fn proven(&self, certificate: Option<Certificate>) {
        if let Some(certificate) = certificate {
            // A connection has one handshake, and so one certificate.
            let _ = self.certificate.set(Rc::new(certificate));
        }
    }

    /// The certificate of the client.
    pub(in crate::api) fn certificate(&self) -> Option<&Rc<Certificate>> {
        self.certificate.get()
    }

    /// Whether the request under way can only go on by what the client, the core or a log has not given yet; or must do.
    pub(in crate::api) fn is_at_rest(&self) -> bool {
        match &*self.waiting.borrow() {
            Some(awaited) => awaited.is_open(),
            None => {
                self.reads_body.get()
                    || self.following.borrow().is_some()
                    || self.carry.get() == Carry::Forced
            }
        }
    }

    /// Another image goes on. What is dropped from now on tells nobody.
    pub(in crate::api) fn settle(&self) {
        self.is_taken.set(true);
        if let Some(mut awaited) = self.waiting.take() {
            self.progress.borrow_mut().ask = Some(awaited.id().0);
            awaited.leave();
        }
    }

    /// Nobody wants an answer any more.
    pub(in crate::api) fn abandon(&self) {
        self.finish();
        self.heard.take();
        self.again.take();
    }

    /// Gives all of it away.
    pub(in crate::api) fn take(&self) -> (ConnectionState, Option<File>) {
        self.settle();
        let mut heard = self.heard.take();
        let (again, given) = self.again.take();
        heard.extend_from_slice(again.get(given..).unwrap_or_default());
        let (mut rest, written) = self.rest.take();
        rest.drain(..written.min(rest.len()));
        let progress = self.progress.take();
        let mark = self.following.take();
        let (follow, log) = match mark {
            Some(mark) => {
                let log = mark.file.and_then(|file| file.try_clone().ok());
                let follow = FollowState {
                    path: mark.path.into_os_string().into_vec(),
                    inode: mark.inode,
                    position: mark.position,
                };
                (Some(follow), log)
            }
            None => (None, None),
        };
        let state = ConnectionState {
            server: self.origin.server.clone(),
            address: self.origin.address,
            process: self.origin.process.clone(),
            heard,
            rest,
            is_used: self.is_used.get(),
            progress,
            follow,
            ..ConnectionState::default()
        };
        (state, log)
    }

    /// Gives away work that goes on though its client has left.
    pub(in crate::api) fn take_work(&self) -> ConnectionState {
        let end = self.end.get();
        let (mut state, _) = self.take();
        // Nobody wants to know what was asked behind it.
        state.heard.truncate(end);
        ConnectionState {
            is_detached: true,
            rest: Vec::new(),
            ..state
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if let Some(id) = self.progress.get_mut().ask {
            self.control.gone(RequestId(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape() -> Tape {
        let (sender, _) = std::sync::mpsc::channel();
        let control = ControlHandle::new(sender, Arc::new(|| ()));
        Tape::new(control, Rc::default(), Origin::default())
    }

    #[test]
    fn an_answered_request_is_forgotten_and_the_next_one_is_not() {
        let tape = tape();
        tape.hear(b"\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /");
        tape.begin();
        tape.finish();
        assert_eq!(*tape.heard.borrow(), b"GET /");
        tape.hear(b" HTTP/1.1\r\nA: b\r\n\r\n");
        tape.begin();
        tape.finish();
        assert!(tape.heard.borrow().is_empty());
    }

    #[test]
    fn a_body_that_comes_after_its_answer_is_of_no_request() {
        let tape = tape();
        tape.hear(b"POST / HTTP/1.1\nContent-Length: 5\n\nab");
        tape.begin();
        tape.finish();
        tape.hear(b"c");
        tape.hear(b"deG");
        assert_eq!(*tape.heard.borrow(), b"G");
    }
}
