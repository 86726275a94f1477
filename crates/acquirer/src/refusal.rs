//! How this server says no.
//!
//! A refusal means that nothing was done. It has a stable code for programs and a message for people; neither repeats
//! what the caller sent beyond the name of a field, so nothing secret can come back in it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rescind_model::money::MoneyError;
use serde::Serialize;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is no JSON.
    #[error("expected a JSON body: {0}")]
    Malformed(String),
    /// The body is too long.
    #[error("the body is longer than {} bytes", crate::BODY_BYTES)]
    TooLarge,
    /// A field is missing, unknown or out of range.
    #[error("{0}")]
    Invalid(String),
    /// The reference stands for something else.
    #[error("the reference was used for another operation; use a new one, or send exactly the same content")]
    OtherContent,
    /// The original of a reversal is no void, or one of another sale or amount.
    #[error("the original is not a void of this merchant, sale and amount")]
    OriginalMismatch,
    /// The payment was reversed or its order closed before it arrived.
    #[error("the payment was reversed, or its order closed: it cannot take place any more")]
    Undone,
    /// The sale has had effects in another currency.
    #[error("the sale has had effects in another currency")]
    OtherCurrency,
    /// As much is remembered as can be.
    #[error("{0}: the limit is reached")]
    Full(&'static str),
    /// There is no such path.
    #[error("there is no such path or method here; see the crate's documentation")]
    NoSuchRoute,
    /// A script asked for it.
    #[error("a script asked for this error; nothing was done")]
    Scripted,
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::TooLarge => "too-large",
            Self::Invalid(_) => "invalid",
            Self::OtherContent => "other-content",
            Self::OriginalMismatch => "original-mismatch",
            Self::Undone => "undone",
            Self::OtherCurrency => "other-currency",
            Self::Full(_) => "full",
            Self::NoSuchRoute => "no-such-route",
            Self::Scripted => "server-error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::OtherContent | Self::OriginalMismatch | Self::OtherCurrency => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Undone => StatusCode::CONFLICT,
            Self::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::Scripted => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::OtherCurrency { .. } => Self::OtherCurrency,
            other => Self::Invalid(format!("amount: {other}")),
        }
    }
}

#[derive(Serialize)]
struct Body {
    status: &'static str,
    code: &'static str,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body { status: "refused", code: self.code(), message: self.to_string() };
        (self.status(), Json(body)).into_response()
    }
}
