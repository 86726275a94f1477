//! Answers: JSON, or text for printers and Prometheus.

use crate::http::problem::{PROBLEM_JSON, Problem};
use crate::idempotency::Answer;
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

/// Set on an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Listing<T> {
    /// The items, at most `limit`.
    pub items: Vec<T>,
    /// Where the next page begins: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A JSON answer.
///
/// # Errors
/// Never in practice: what is answered can be written.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let body =
        serde_json::to_string(value).map_err(|e| Problem::internal(format!("an answer cannot be written: {e}")))?;
    Ok(with_type(status, "application/json", body))
}

/// An answer as it is stored under its key: the same bytes now and later.
pub fn stored(answer: Answer, replayed: bool) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media = if answer.status >= 400 { PROBLEM_JSON } else { "application/json" };
    let mut response = with_type(status, media, answer.body);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A text.
pub fn text(media: &'static str, body: String) -> Response {
    with_type(StatusCode::OK, media, body)
}

/// Done, and nothing to say.
pub fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn with_type(status: StatusCode, media: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// Whether a flag is down: such flags are not written.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub fn is_false(flag: &bool) -> bool {
    !flag
}

/// A body that asks for nothing: `{}`, or no body at all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nothing {}
