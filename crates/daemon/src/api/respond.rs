//! Answers of HTTP, with upstream's headers in upstream's order.

use super::carry::tape::Tape;
use super::clock;
use super::follow::Mark;
use super::watch::Watch;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, SERVER,
    WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::SystemTime;
use tokio::sync::mpsc;

/// What upstream calls itself; there are tools that look.
const SERVER_NAME: &str = "Medusa/1.12";

/// A piece of what is followed, and where a log goes on after it.
pub(super) type Piece = (Bytes, Option<Mark>);

/// The body of an answer.
pub(super) struct Outgoing {
    content: Content,
    observer: Option<(Rc<Watch>, Rc<Tape>)>,
    /// What went wrong, in the answer that tells of it.
    detail: Option<Box<str>>,
}

enum Content {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Piece>),
}

impl Outgoing {
    /// Bytes that are all there.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty())),
            observer: None,
            detail: None,
        }
    }

    /// Bytes that come as they come, until their sender is dropped.
    pub(super) fn pieces(pieces: mpsc::Receiver<Piece>) -> Self {
        Self {
            content: Content::Pieces(pieces),
            observer: None,
            detail: None,
        }
    }

    /// Pieces that have all come.
    pub(super) fn ended() -> Self {
        // Its sender is dropped here.
        let (_, pieces) = mpsc::channel(1);
        Self::pieces(pieces)
    }

    /// Tells these when the last byte is handed over.
    pub(super) fn watched(mut self, watch: Rc<Watch>, tape: Rc<Tape>) -> Self {
        self.observer = Some((watch, tape));
        self
    }

    /// What went wrong; none for an answer that tells of nothing of the kind, empty for one with nothing to add to its
    /// status.
    pub(super) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Bytes, when they are all there.
    pub(super) fn len(&self) -> Option<usize> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.as_ref().map_or(0, Bytes::len)),
            Content::Pieces(_) => None,
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut self.content {
            Content::Whole(bytes) => Poll::Ready(bytes.take()),
            Content::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| {
                let (bytes, mark) = piece?;
                if let (Some((_, tape)), Some(mark)) = (&self.observer, mark) {
                    tape.follow(mark);
                }
                Some(bytes)
            }),
        };
        piece.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self.len() {
            Some(len) => SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX)),
            None => SizeHint::new(),
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if let Some((watch, tape)) = &self.observer
            && !tape.is_taken()
        {
            watch.answered();
            tape.finish();
        }
    }
}

/// An answer with a body.
pub(super) fn with(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Outgoing> {
    let body = Outgoing::whole(body);
    let length = HeaderValue::from(body.len().unwrap_or(0));
    let mut response = bare(status, body);
    put(&mut response, CONTENT_TYPE, HeaderValue::from_static(kind));
    put(&mut response, CONTENT_LENGTH, length);
    response
}

/// An answer with only the headers that all have.
pub(super) fn bare(status: StatusCode, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    put(&mut response, SERVER, HeaderValue::from_static(SERVER_NAME));
    if let Ok(date) = HeaderValue::try_from(clock::http_date(SystemTime::now())) {
        put(&mut response, DATE, date);
    }
    response
}

/// An answer that says what went wrong. `detail` is plain text, may be empty.
pub(super) fn error(status: StatusCode, detail: &str) -> Response<Outgoing> {
    let mut body = Outgoing::whole(error_page(status, detail));
    body.detail = Some(detail.into());
    let length = HeaderValue::from(body.len().unwrap_or(0));
    let mut response = bare(status, body);
    put(&mut response, CONTENT_LENGTH, length);
    put(
        &mut response,
        CONTENT_TYPE,
        HeaderValue::from_static("text/html"),
    );
    response
}

/// As [`error`], and the connection ends with it.
pub(super) fn error_and_close(status: StatusCode, detail: &str) -> Response<Outgoing> {
    let mut response = error(status, detail);
    put(&mut response, CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Asks for credentials. The connection ends with it, so that nobody holds one without having any.
pub(super) fn unauthorized() -> Response<Outgoing> {
    let mut page = Outgoing::whole(error_page(StatusCode::UNAUTHORIZED, ""));
    page.detail = Some(Box::default());
    let length = HeaderValue::from(page.len().unwrap_or(0));
    let mut response = bare(StatusCode::UNAUTHORIZED, page);
    put(&mut response, CONNECTION, HeaderValue::from_static("close"));
    put(
        &mut response,
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"default\""),
    );
    put(&mut response, CONTENT_LENGTH, length);
    put(
        &mut response,
        CONTENT_TYPE,
        HeaderValue::from_static("text/html"),
    );
    response
}

/// Sets a header.
pub(super) fn put(response: &mut Response<Outgoing>, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}

/// A whole answer as bytes, for a connection that is closed from outside its request.
pub(super) fn last_words(status: StatusCode) -> Vec<u8> {
    let page = error_page(status, "");
    format!(
        "HTTP/1.1 {} {}\r\nServer: {SERVER_NAME}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: text/html\r\n\r\n{page}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        page.len(),
    )
    .into_bytes()
}

fn error_page(status: StatusCode, detail: &str) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut page = format!(
        "<head>\r\n<title>{reason}</title>\r\n</head>\r\n<body>\r\n<p>Error code {}.\r\n<p>Message: {reason}.\r\n",
        status.as_u16()
    );
    if !detail.is_empty() {
        page.push_str("<p>");
        page.push_str(&escape(detail));
        page.push_str("\r\n");
    }
    page.push_str("</body>\r\n");
    page
}

/// Text for HTML, also inside quotes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
