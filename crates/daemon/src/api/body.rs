//! Reading the body of a request, as far as that is allowed.

use super::carry::tape::Tape;
use super::respond::{self, Outgoing};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::{Request, Response, StatusCode};

/// The whole body of at most `limit` bytes, or the answer that refuses it.
pub(super) async fn read(
    tape: &Tape,
    request: Request<Incoming>,
    limit: usize,
) -> Result<bytes::Bytes, Box<Response<Outgoing>>> {
    let refuse = |status, detail: &str| Err(Box::new(respond::error_and_close(status, detail)));
    let Some(length) = request.headers().get(CONTENT_LENGTH) else {
        return refuse(
            StatusCode::LENGTH_REQUIRED,
            "A request needs a Content-Length; chunked ones are not taken.",
        );
    };
    let length = length
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    if length.is_none_or(|length| length > most) {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("A request of this kind may have {limit} bytes."),
        );
    }
    tape.reading(true);
    let body = Limited::new(request.into_body(), limit).collect().await;
    tape.reading(false);
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => refuse(
            StatusCode::BAD_REQUEST,
            "The request ended before its Content-Length.",
        ),
    }
}
