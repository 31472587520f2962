//! Reading the body of a request, as far as that is allowed.

use super::caller::Caller;
use super::respond::{self, Outgoing};
use super::shares::Share;
use super::{Context, route};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::{Request, Response, StatusCode};

/// A body, and the share of its caller that it takes as long as somebody needs it.
type Body = (bytes::Bytes, Option<Share<String>>);

/// The whole body of at most `limit` bytes, or the answer that refuses it.
pub(super) async fn read(
    context: &Context,
    caller: &Caller,
    request: Request<Incoming>,
    limit: usize,
) -> Result<Body, Box<Response<Outgoing>>> {
    let tape = caller.tape();
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
    let length = length.and_then(|length| usize::try_from(length).ok());
    let Some(length) = length.filter(|length| *length <= limit) else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("A request of this kind may have {limit} bytes."),
        );
    };
    let Ok(share) = context.user_bodies.of_bytes(caller, length) else {
        return Err(Box::new(route::spent(context, caller)));
    };
    tape.reading(true);
    let body = Limited::new(request.into_body(), limit).collect().await;
    tape.reading(false);
    match body {
        Ok(body) => Ok((body.to_bytes(), share)),
        Err(_) => refuse(
            StatusCode::BAD_REQUEST,
            "The request ended before its Content-Length.",
        ),
    }
}
