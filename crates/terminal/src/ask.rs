//! What is asked, in the words of the caller: JSON through the C ABI, the same types in Rust.

use crate::error::TerminalError;
use rescind_model::record::Question;
use rescind_model::{Balance, Fee, Hold, OperationId, PaymentCode, PersonId, Role, Sale, SaleId, SaleStatus};
use serde::{Deserialize, Serialize};

/// Something is asked about a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ask {
    /// About which sale.
    pub sale: Subject,
    /// What.
    pub question: Question,
    /// Who stands at the terminal, as the terminal itself knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The operator's proof for this very operation, as the server gave it (`rsp1.…`). Who it names then is who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// How the customer was identified at the counter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Shown>,
    /// The fees that the operator saw and stands behind, if the proof was given for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fees: Option<Vec<Fee>>,
}

/// The sale that is asked about.
#[allow(clippy::large_enum_variant, reason = "made once per question and taken apart at once")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// One that this terminal stored, by its id.
    Stored(SaleId),
    /// One that the server knows, as it was told of it last. Nothing that is done to it here is done before the server
    /// agrees.
    Told(Told),
}

/// A sale as the server last told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The sale.
    pub sale: Sale,
    /// What happened to it.
    pub status: SaleStatus,
    /// How much of it is spoken for. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// The code it began as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<PaymentCode>,
    /// The hold it began as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// Who stands at the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The person.
    pub person: PersonId,
    /// The roles in which the terminal let the person in. A proof says it better.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// How the customer was identified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The card was read again: its token, which must be the sale's. It is compared and not kept.
    Card(String),
    /// The cardholder's PIN was verified; where the terminal's message can be looked up.
    Pin(Option<String>),
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Card(_) => "Card(…)",
            Self::Pin(_) => "Pin(…)",
        })
    }
}

/// An operation that is to be begun: decided anew, and written down if it is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Names it. Kept by the caller across retries and restarts: the same name is never begun twice.
    pub operation: OperationId,
    /// What.
    pub ask: Ask,
}

/// Reads JSON of a bounded length.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(json: &[u8], limit: usize, what: &str) -> Result<T, TerminalError> {
    if json.len() > limit {
        return Err(TerminalError::Argument(format!("{what} has {} bytes, expected at most {limit}", json.len())));
    }
    serde_json::from_slice(json).map_err(|error| TerminalError::Argument(format!("{what}: {error}")))
}

impl Ask {
    /// Reads its JSON.
    ///
    /// # Errors
    /// [`TerminalError::Argument`].
    pub fn read(json: &[u8]) -> Result<Self, TerminalError> {
        read(json, crate::limits::ASK_BYTES, "what is asked")
    }
}

impl Begin {
    /// Reads its JSON.
    ///
    /// # Errors
    /// [`TerminalError::Argument`].
    pub fn read(json: &[u8]) -> Result<Self, TerminalError> {
        read(json, crate::limits::ASK_BYTES, "the operation")
    }
}
