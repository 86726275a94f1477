//! Answers the host gives by itself: RFC 9457 problem details. What went wrong inside is in the log, under the
//! request's id; a client learns the status, a stable code and that id, nothing else.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::limits;

/// A refusal or failure with its stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The component failed. Whether its writes happened is unknown; the same idempotency key finds out.
    Internal,
    /// No component has this path.
    NoRoute,
    /// The request body is too large.
    TooLarge,
    /// The request body did not come in time.
    TooSlow,
    /// The request cannot be understood.
    Malformed,
    /// Too much is going on; nothing of the request was run.
    Busy,
    /// What the request wrote or saw is not certain; the same idempotency key may be used again.
    NotDurable,
    /// The store has stopped.
    StoreStopped,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The request could not be completed"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route", "There is nothing at this path"),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The request body is larger than this path takes")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body-too-slow", "The request body did not arrive in time"),
            Self::Malformed => {
                (StatusCode::BAD_REQUEST, "malformed-request", "The request body broke off or cannot be read")
            }
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many requests at the moment; nothing was done, try again",
            ),
            Self::NotDurable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-durable",
                "The result could not be stored; try again with the same idempotency key",
            ),
            Self::StoreStopped => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store-stopped",
                "The store has stopped; the operator has to restart the server",
            ),
        }
    }

    /// The response for the request with this id.
    pub(crate) fn response(self, request_id: &str) -> Response<Bytes> {
        let (status, code, title) = self.parts();
        let body = serde_json::json!({
            "type": "about:blank",
            "title": title,
            "status": status.as_u16(),
            "code": code,
            "instance": request_id,
        });
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_SECONDS));
        }
        response
    }
}
