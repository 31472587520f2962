//! The stylesheet, under upstream's address.

use crate::api::clock;
use crate::api::respond::{self, Outgoing, put};
use hyper::header::{HeaderValue, IF_MODIFIED_SINCE, LAST_MODIFIED};
use hyper::{HeaderMap, Response, StatusCode};
use std::time::SystemTime;

const SHEET: &str = include_str!("supervisor.css");

/// The sheet, unless the client has it since it last changed, which was before `started`.
pub(super) fn answer(started: SystemTime, headers: &HeaderMap) -> Response<Outgoing> {
    let known = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(clock::read_http_date);
    if known.is_some_and(|known| known >= clock::whole_seconds(started)) {
        return respond::bare(StatusCode::NOT_MODIFIED, Outgoing::whole(""));
    }
    let mut response = respond::with(StatusCode::OK, "text/css", SHEET);
    if let Ok(date) = HeaderValue::try_from(clock::http_date(started)) {
        put(&mut response, LAST_MODIFIED, date);
    }
    response
}
