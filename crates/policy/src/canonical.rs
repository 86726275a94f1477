//! The canonical form, and a policy read from it.

use crate::check;
use crate::document::{Document, FORMAT};
use crate::limits::DOCUMENT_BYTES;
use rescind_model::{Digest, PolicyIdentity};
use serde::Deserialize;

/// Why bytes are not a compiled policy. Each has a stable [`code`](LoadError::code).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Larger than [`DOCUMENT_BYTES`].
    #[error("expected at most {DOCUMENT_BYTES} bytes, found {found}")]
    TooLarge {
        /// How many bytes there were.
        found: usize,
    },
    /// Not JSON of the document's shape.
    #[error("expected a compiled policy as `rescind policy compile` writes it: {found}")]
    Shape {
        /// What was found, with line and column.
        found: String,
    },
    /// A version of the language that this program does not know.
    #[error("expected a policy of format {FORMAT}, found format {found}: use a newer Rescind")]
    Format {
        /// The version that was found.
        found: u64,
    },
    /// The same content, written differently.
    #[error(
        "expected the canonical form (sorted keys, no spaces), found other bytes from byte {at} on: compile the policy again"
    )]
    NotCanonical {
        /// Where it differs first.
        at: usize,
    },
    /// A value that the language does not have, or values that contradict each other.
    #[error("{at}: expected {expected}, found {found}")]
    Value {
        /// Where: `refund.tier[1].up-to`.
        at: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
}

impl LoadError {
    /// A stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "policy.too-large",
            Self::Shape { .. } => "policy.shape",
            Self::Format { .. } => "policy.format",
            Self::NotCanonical { .. } => "policy.not-canonical",
            Self::Value { .. } => "policy.value",
        }
    }
}

/// A policy that was checked, with the hash of its canonical form.
///
/// INVARIANT: the document has no [problems](check::problems), and `identity.hash` is the SHA-256 of `canonical(document)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    document: Document,
    identity: PolicyIdentity,
}

impl Policy {
    /// Reads a compiled policy. The bytes are taken as they are or refused: no byte of them may be different.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, LoadError> {
        if bytes.len() > DOCUMENT_BYTES {
            return Err(LoadError::TooLarge { found: bytes.len() });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|error| shape(bytes, &error))?;
        if document.format != FORMAT {
            return Err(LoadError::Format { found: u64::from(document.format) });
        }
        let again = canonical(&document);
        if again != bytes {
            let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(LoadError::NotCanonical { at: same });
        }
        if let Some(problem) = check::problems(&document).into_iter().next() {
            return Err(LoadError::Value {
                at: problem.at.to_string(),
                expected: problem.expected,
                found: problem.found,
            });
        }
        let identity =
            PolicyIdentity { name: document.name.clone(), version: document.version.clone(), hash: Digest::of(bytes) };
        Ok(Self { document, identity })
    }

    /// What the policy says.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its name, version and content hash.
    #[must_use]
    pub fn identity(&self) -> &PolicyIdentity {
        &self.identity
    }
}

/// A document of another format fails on its first unknown field; that it is of another format is what has to be said.
fn shape(bytes: &[u8], error: &serde_json::Error) -> LoadError {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u64,
    }
    match serde_json::from_slice::<FormatOnly>(bytes) {
        Ok(FormatOnly { format }) if format != u64::from(FORMAT) => LoadError::Format { found: format },
        _ => LoadError::Shape { found: error.to_string() },
    }
}

/// The canonical form of a document: RFC 8785 (keys sorted, no spaces, the one escaping), integers and strings only.
///
/// Serializing a document cannot fail: it holds nothing but integers, texts, lists and records. Should it ever, the
/// result is empty bytes, which no reader takes for a policy.
#[must_use]
pub fn canonical(document: &Document) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}
