//! How the service thinks about errors.
//!
//! Three kinds, never mixed:
//!
//! 1. **Refusals**: the question was understood and the answer is no. They carry a stable `code`, the decision with its
//!    findings where there is one, and are stored under the idempotency key: asking again gives the same answer.
//! 2. **Bad requests**: the question was not understood or not permitted. Nothing is stored.
//! 3. **Failures**: the store, a component or a provider did not answer. Nothing is known to have happened; the same key
//!    may be used again. The inside (`detail` for the log) never reaches the caller.

use crate::ports::KvError;
use crate::store::Unsound;
use rescind_model::{Decision, DecisionError, Money, OperationId, Rejection};

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401. The same words for every cause.
    #[error("a valid API key is required")]
    Unauthenticated,
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// 403 or 422 with a code: what was to show who asks, or who pays, does not. Bound to a moment, so it is not kept under
    /// the idempotency key: the same request with a better proof is the same request.
    #[error("{message}")]
    Unproved {
        /// Stable code.
        code: &'static str,
        /// What to do.
        message: &'static str,
    },
    /// 404: there is none, or it is somebody else's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// 400: malformed.
    #[error("{field}: {message}")]
    Malformed {
        /// The field's path, `/amount/currency` or `Idempotency-Key`.
        field: String,
        /// What was expected and what was found.
        message: String,
    },
    /// 422: well formed, but a value cannot be.
    #[error("{field}: {message}")]
    Invalid {
        /// The field's path.
        field: String,
        /// What was expected and what was found.
        message: String,
    },
    /// 409 with a code.
    #[error("{message}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// What is in the way.
        message: String,
    },
    /// 422: the policy says no, or refers to support (code `decision.refer` or `decision.deny`).
    #[error("the policy does not allow it")]
    Decided(Box<Decision>),
    /// 422: more than is left.
    #[error("more than is left of the sale: {left}")]
    ExceedsBalance {
        /// What is left.
        left: Money,
    },
    /// 409, 403 or 422: the ledger refuses; see [`Rejection`].
    #[error("the ledger refuses it")]
    Rejected(Rejection),
    /// 409: the terminal has to say first what became of this reversal.
    #[error("the terminal has not said what became of {0}")]
    ReversalOutstanding(OperationId),
    /// 422: the idempotency key was used with another payload.
    #[error("this Idempotency-Key was used with another request")]
    KeyReused,
    /// 409: the first request under this key has not ended.
    #[error("the first request with this Idempotency-Key is still under way")]
    KeyInFlight,
    /// 429: wait.
    #[error("{message}")]
    TooMany {
        /// Stable code.
        code: &'static str,
        /// What there was too much of.
        message: &'static str,
        /// Seconds after which trying again makes sense.
        retry_after: u32,
    },
    /// 413.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// 503: try again with the same key.
    #[error("the store is busy or unreachable; try again with the same key")]
    Unavailable(String),
    /// 503: the deployment's store cannot keep money safe. Nothing took place, and nothing will until it has another store.
    #[error("this store is refused: {0}")]
    StoreRefused(Unsound),
    /// 500: a bug or damaged data. The text is for the log.
    #[error("internal error")]
    Internal(String),
}

impl Error {
    /// A value that cannot be.
    #[must_use]
    pub fn invalid(field: &str, message: impl core::fmt::Display) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.to_string() }
    }

    /// Whether it is an answer that belongs to the idempotency key: decided on the state of things, not on the form of
    /// the request or the luck of the moment.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Decided(_) | Self::ExceedsBalance { .. } | Self::Rejected(_) | Self::Conflict { .. })
    }
}

impl From<KvError> for Error {
    fn from(error: KvError) -> Self {
        Self::Unavailable(error.0)
    }
}

impl From<DecisionError> for Error {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::MissingFact(name) => Self::invalid("", format!("the policy cannot decide without {name}")),
            DecisionError::BadAmount(why) => Self::invalid("/amount", why),
            DecisionError::BadTime(why) => Self::invalid("/at", why),
        }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::ExceedsBalance(left) => Self::ExceedsBalance { left },
            Rejection::NoSuchOperation => Self::NotFound("operation"),
            other => Self::Rejected(other),
        }
    }
}
