//! What went wrong, in two parts: what was found, and what to do about it.

use thiserror::Error;

/// A failure a contributor can act on.
#[derive(Debug, Error)]
#[error("{found}\n  what to do: {remedy}")]
pub struct Problem {
    found: String,
    remedy: String,
}

impl Problem {
    /// `found` says what was expected and what was there instead; `remedy` is an instruction.
    pub fn new(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { found: found.into(), remedy: remedy.into() }
    }
}
