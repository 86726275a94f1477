//! The file: checkpoints in a row, and what is proved by them of one payment.
//!
//! It is JSON, written in one way: without white space, members in this order. A file in another form is refused, so that not
//! one byte of it can differ without being noticed.

use crate::hash::Hash;
use crate::head::Head;
use crate::limits::EXPORT_BYTES;
use crate::tree::Root;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rescind_model::{Entry, Event, MerchantId, SaleId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The form of the file. Changes whenever it does.
pub const FORMAT: &str = "rescind-audit/1";

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// [`FORMAT`].
    pub format: String,
    /// Whose payments.
    pub merchant: MerchantId,
    /// Checkpoints of the merchant's, each the next after the one before it.
    pub checkpoints: Vec<SealedBytes>,
    /// One payment. Without it the file shows a row of days and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<SalePart>,
}

/// A checkpoint's envelope: bytes, as base64 with padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBytes(pub Vec<u8>);

impl Serialize for SealedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SealedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| de::Error::custom("expected a checkpoint as base64"))
    }
}

/// One payment as it was when a checkpoint was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalePart {
    /// The payment.
    pub sale: SaleId,
    /// The number of the checkpoint that it is in.
    pub checkpoint: u64,
    /// What stands for its history there.
    pub head: Head,
    /// The way from the head to the checkpoint: through page, volume and day.
    pub way: [Step; 3],
    /// What happened, from the first event to the head's. Absent if whoever took the file out may not see all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
    /// The double entries, from the first to the head's.
    pub entries: Vec<Entry>,
}

/// A step from a leaf to the root of its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The tree.
    pub tree: Root,
    /// Where in it the leaf stands, from 0.
    pub index: u64,
    /// The hashes beside the way, from below.
    pub siblings: Vec<Hash>,
}

/// Why bytes are no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnExport {
    /// Larger than any.
    #[error("an export has at most {EXPORT_BYTES} bytes")]
    TooLarge,
    /// Something else.
    #[error("this is not an export of form {FORMAT}: {0}")]
    Unreadable(String),
    /// It says the same in other words: with white space, in another order, with an escape more.
    #[error("it is not written as exports are: it was formatted anew, or altered")]
    Rewritten,
}

impl Export {
    /// A file.
    #[must_use]
    pub fn new(merchant: MerchantId, checkpoints: Vec<SealedBytes>, payment: Option<SalePart>) -> Self {
        Self { format: FORMAT.to_owned(), merchant, checkpoints, payment }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Never in practice: it consists of texts, numbers and lists.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a file. Nothing of it is checked yet but its form.
    ///
    /// # Errors
    /// [`NotAnExport`].
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnExport> {
        if bytes.len() > EXPORT_BYTES {
            return Err(NotAnExport::TooLarge);
        }
        let unreadable = |error: serde_json::Error| NotAnExport::Unreadable(error.to_string());
        let export: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        if export.format != FORMAT {
            return Err(NotAnExport::Unreadable("its format is another".to_owned()));
        }
        if export.to_text().map_err(unreadable)?.as_bytes() != bytes {
            return Err(NotAnExport::Rewritten);
        }
        Ok(export)
    }
}
