//! A bundle that is made and not signed: it goes to whoever holds the key, as a file.
//!
//! `[ "rescind-draft/1", content, [ * change of keys ] ]` in CBOR. Nothing in it is believed by anybody: it becomes a bundle
//! by a signature, and what is signed is written anew from what was read.

use minicbor::Encoder;

use crate::content::{Content, Layout, Unsignable};
use crate::cose::{Kind, Unsigned, Unwritten};
use crate::key::{PublicKey, SignFailed, Signer};
use crate::limits;
use crate::wire::{Malformed, Reader};

/// The form of a draft.
const FORMAT: &str = "rescind-draft/1";

/// A bundle without its signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    // INVARIANT: `Layout::read` takes it.
    payload: Vec<u8>,
    changes: Vec<Vec<u8>>,
}

impl core::fmt::Debug for Draft {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Draft({} bytes, {} changes of keys)", self.payload.len(), self.changes.len())
    }
}

impl Draft {
    /// What a content says, with all changes of keys there ever were, oldest first.
    ///
    /// # Errors
    /// [`Unsignable`] if terminals would refuse it.
    pub fn new(content: &Content, changes: Vec<Vec<u8>>) -> Result<Self, Unsignable> {
        Self::of(content.write().map_err(|error| SignFailed(error.to_string()))?, changes)
    }

    fn of(payload: Vec<u8>, changes: Vec<Vec<u8>>) -> Result<Self, Unsignable> {
        Layout::read(&payload)?;
        if changes.len() > limits::CHANGES {
            let found = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            return Err(Malformed::TooLong { what: "changes of keys", limit: limits::CHANGES, found }.into());
        }
        Ok(Self { payload, changes })
    }

    /// It as a file.
    ///
    /// # Errors
    /// [`Unsignable`] if it cannot be written.
    pub fn write(&self) -> Result<Vec<u8>, Unsignable> {
        Ok(self.encode().map_err(|error| SignFailed(error.to_string()))?)
    }

    fn encode(&self) -> Result<Vec<u8>, Unwritten> {
        let mut out = Encoder::new(Vec::with_capacity(self.payload.len().saturating_add(64)));
        out.array(3)?.str(FORMAT)?.bytes(&self.payload)?;
        out.array(u64::try_from(self.changes.len()).unwrap_or(u64::MAX))?;
        for change in &self.changes {
            out.bytes(change)?;
        }
        Ok(out.into_writer())
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`Unsignable`] if it is anything else, or terminals would refuse what it says.
    pub fn read(bytes: &[u8]) -> Result<Self, Unsignable> {
        let mut reader = Reader::new(bytes);
        reader.items(3, "a draft of a bundle")?;
        reader.exactly(FORMAT, "a draft of form rescind-draft/1")?;
        let payload = reader.bytes(limits::BUNDLE_BYTES, "a content")?.to_vec();
        let mut changes = Vec::new();
        for _ in 0..reader.list(limits::CHANGES, "changes of keys")? {
            changes.push(reader.bytes(limits::CHANGE_BYTES, "a change of keys")?.to_vec());
        }
        reader.end()?;
        Self::of(payload, changes)
    }

    /// The bytes that a key has to sign, whole: for a module that signs messages and knows nothing of bundles.
    ///
    /// # Errors
    /// [`Unsignable`] if they cannot be written.
    pub fn message(&self, key: &PublicKey) -> Result<Vec<u8>, Unsignable> {
        Ok(self.unsigned(key)?.message().concat())
    }

    /// The bundle.
    ///
    /// # Errors
    /// [`Unsignable`] if the signer could not, or the bundle would be too large.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, Unsignable> {
        let unsigned = self.unsigned(signer.public())?;
        let bytes = unsigned.with(&signer.sign(&unsigned.message())?)?;
        if bytes.len() > limits::BUNDLE_BYTES {
            let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            return Err(Malformed::TooLong { what: "a bundle", limit: limits::BUNDLE_BYTES, found }.into());
        }
        Ok(bytes)
    }

    fn unsigned(&self, key: &PublicKey) -> Result<Unsigned<'_>, SignFailed> {
        Unsigned::new(Kind::Bundle, &self.changes, &self.payload, key)
    }

    #[cfg(feature = "inspect")]
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The changes of keys it carries, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[Vec<u8>] {
        &self.changes
    }
}
