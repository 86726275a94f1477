//! The canonical form, and a policy read from it.

mod fields;
mod members;
mod reader;

use crate::check;
use crate::document::{Document, FORMAT};
use crate::limits::DOCUMENT_BYTES;
use reader::{Reader, Refusal};
use rescind_model::{Digest, PolicyIdentity};

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
        /// What was expected there and found, and at which byte.
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
        let document = read(bytes)?;
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

/// Reads a document from its canonical form. What is accepted is what [`canonical`] writes, byte by byte.
fn read(bytes: &[u8]) -> Result<Document, LoadError> {
    let text = core::str::from_utf8(bytes).map_err(|error| LoadError::Shape { found: error.to_string() })?;
    match Reader::new(text).whole::<Document>() {
        Ok(document) if document.format == FORMAT => Ok(document),
        Ok(document) => Err(LoadError::Format { found: u64::from(document.format) }),
        Err(refusal) => Err(refused(text, refusal)),
    }
}

/// A document of another format fails on its first unknown field; that it is of another format is what has to be said.
#[cold]
fn refused(text: &str, refusal: Refusal) -> LoadError {
    match (members::format(text), refusal) {
        (Some(found), _) if found != u64::from(FORMAT) => LoadError::Format { found },
        (_, Refusal::Shape(found)) => LoadError::Shape { found },
        (_, Refusal::NotCanonical(at)) => LoadError::NotCanonical { at },
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
