//! What the server answers to a batch: JSON that server and terminal share.

use rescind_model::{BusinessDay, CaseId, Instant, OperationId, RefundId, Tally};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::link::Head;

/// The server has dealt with every record before a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acknowledgement {
    /// The place: the terminal lets go of what is before it.
    pub head: Head,
    /// The server's time when it answered.
    pub server_time: Instant,
    /// What this terminal's own operations of a business day amount to, as far as the server knows. Others cannot add to
    /// them, so the terminal can count on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<TerminalCounts>,
    /// What became of the operations in the batch, for the operator.
    #[serde(default)]
    pub operations: Vec<OperationAnswer>,
}

/// Counts of one terminal on one business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalCounts {
    /// The day.
    pub day: BusinessDay,
    /// The counts.
    pub tallies: Vec<Tally>,
}

/// What became of an operation at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationAnswer {
    /// Which, by the terminal's name for it.
    pub operation: OperationId,
    /// What.
    pub became: Became,
    /// In words for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What the server made of an operation that a terminal had decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It still stands, and is on its way.
    Accepted,
    /// It is done.
    Done,
    /// It was too late for it: a refund was opened instead, under normal approval.
    Refund(RefundId),
    /// Support decides.
    Case(CaseId),
    /// It does not stand, and nothing took its place.
    Refused,
}

/// Why bytes are no acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an acknowledgement: {0}")]
pub struct NotAnAcknowledgement(String);

impl Acknowledgement {
    /// Reads one.
    ///
    /// # Errors
    /// [`NotAnAcknowledgement`] if it is too long or of another form.
    pub fn read(json: &[u8]) -> Result<Self, NotAnAcknowledgement> {
        if json.len() > limits::ACKNOWLEDGEMENT_BYTES {
            return Err(NotAnAcknowledgement(format!("it has {} bytes", json.len())));
        }
        serde_json::from_slice(json).map_err(|error| NotAnAcknowledgement(error.to_string()))
    }
}
