//! The envelope around everything that is signed: `COSE_Sign1` (RFC 9052), written in the one way this crate also reads.
//!
//! ```text
//! 18([ protected, {}, payload, signature ])
//! protected = { 1: algorithm, 3: content type, 4: key id, ? "rescind-keys": [ + change of keys ] }
//! ```
//!
//! The content type says what is signed, so that no signature for one thing can pass for another. The unprotected header is
//! empty, and lengths are written in the shortest way: not one byte can differ without being noticed.

use minicbor::Encoder;
use std::convert::Infallible;
use std::ops::Range;

use crate::key::{Algorithm, KeyId, PublicKey, SignFailed, Signer, Unverified, Verifier};
use crate::limits;
use crate::wire::{Malformed, Reader};

/// The tag of `COSE_Sign1`.
const TAG: u64 = 18;

/// Where the changes of keys stand in the protected header.
const CHANGES: &str = "rescind-keys";

/// What an encoder can say; writing into memory never fails by itself.
pub(crate) type Unwritten = minicbor::encode::Error<Infallible>;

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A bundle.
    Bundle,
    /// A change of keys.
    Keys,
    /// A batch of a terminal's journal.
    Journal,
    /// A checkpoint over a merchant's payments.
    Checkpoint,
}

impl Kind {
    /// Its content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Bundle => "application/vnd.rescind.bundle+cbor",
            Self::Keys => "application/vnd.rescind.keys+cbor",
            Self::Journal => "application/vnd.rescind.journal+cbor",
            Self::Checkpoint => "application/vnd.rescind.checkpoint+cbor",
        }
    }
}

/// An envelope that was read and not yet checked: everything in it is only a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// How it says it was signed.
    pub algorithm: Algorithm,
    /// Who it says signed it.
    pub key: KeyId,
    /// The changes of keys that lead to that key, oldest first.
    pub changes: Vec<&'a [u8]>,
    /// What is signed.
    pub payload: &'a [u8],
    /// Where the payload stands in the bytes.
    pub payload_at: Range<usize>,
    protected: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads an envelope of a kind; its payload may have so many bytes.
    ///
    /// # Errors
    /// [`Malformed`] if it is anything else.
    pub fn read(bytes: &'a [u8], kind: Kind, payload_bytes: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.tag(TAG, "a signed envelope (COSE_Sign1)")?;
        reader.items(4, "the four parts of a signed envelope")?;
        let protected = reader.bytes(limits::HEADER_BYTES, "a protected header")?;
        reader.map(0, "an empty unprotected header")?;
        let payload = reader.bytes(payload_bytes, "a payload")?;
        let payload_end = reader.position();
        let signature = reader.bytes(limits::SIGNATURE_BYTES, "a signature")?;
        reader.end()?;
        // The heads of these parts are not signed. Each is as short as it can be, or the whole would be longer than this.
        let shortest = [protected.len(), payload.len(), signature.len()]
            .into_iter()
            .fold(3_usize, |sum, part| sum.saturating_add(head(part)).saturating_add(part));
        if shortest != bytes.len() {
            return Err(Malformed::Overlong);
        }
        let (algorithm, key, changes) = header(protected, kind)?;
        let payload_at = payload_end.saturating_sub(payload.len())..payload_end;
        Ok(Self { algorithm, key, changes, payload, payload_at, protected, signature })
    }

    /// Fails unless the key signed it.
    ///
    /// # Errors
    /// [`Unverified`].
    pub fn verify(&self, key: &PublicKey, verifier: &dyn Verifier) -> Result<(), Unverified> {
        if self.algorithm != key.algorithm() || self.key != key.id() {
            return Err(Unverified::Signature);
        }
        let head = signed_head(self.protected, self.payload.len()).map_err(|_| Unverified::Signature)?;
        verifier.verify(key, &[&head, self.payload], self.signature)
    }
}

/// A payload that a key is to sign: what the signer is given, and the envelope around what it answers. Signing is apart from
/// it, so that a key can stay in a module that signs messages and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned<'a> {
    protected: Vec<u8>,
    head: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> Unsigned<'a> {
    /// A payload of a kind, for a key.
    ///
    /// # Errors
    /// [`SignFailed`] if it cannot be written.
    pub fn new(kind: Kind, changes: &[Vec<u8>], payload: &'a [u8], key: &PublicKey) -> Result<Self, SignFailed> {
        let unwritten = |error: Unwritten| SignFailed(error.to_string());
        let protected = protected(kind, changes, key).map_err(unwritten)?;
        let head = signed_head(&protected, payload.len()).map_err(unwritten)?;
        Ok(Self { protected, head, payload })
    }

    /// What is signed (the `Sig_structure` of RFC 9052), in parts.
    #[must_use]
    pub fn message(&self) -> [&[u8]; 2] {
        [&self.head, self.payload]
    }

    /// The envelope with the signature, which nobody has checked.
    ///
    /// # Errors
    /// [`SignFailed`] for a signature that is too long.
    pub fn with(&self, signature: &[u8]) -> Result<Vec<u8>, SignFailed> {
        if signature.len() > limits::SIGNATURE_BYTES {
            return Err(SignFailed(format!("a signature of {} bytes is too long", signature.len())));
        }
        envelope(&self.protected, self.payload, signature).map_err(|error| SignFailed(error.to_string()))
    }
}

/// Signs a payload.
///
/// # Errors
/// [`SignFailed`] if the signer could not.
pub fn seal(kind: Kind, changes: &[Vec<u8>], payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignFailed> {
    let unsigned = Unsigned::new(kind, changes, payload, signer.public())?;
    let signature = signer.sign(&unsigned.message())?;
    unsigned.with(&signature)
}

fn envelope(protected: &[u8], payload: &[u8], signature: &[u8]) -> Result<Vec<u8>, Unwritten> {
    let room = [protected.len(), payload.len(), signature.len()].into_iter().fold(32_usize, usize::saturating_add);
    let mut out = Encoder::new(Vec::with_capacity(room));
    out.tag(minicbor::data::Tag::new(TAG))?.array(4)?.bytes(protected)?.map(0)?.bytes(payload)?.bytes(signature)?;
    Ok(out.into_writer())
}

fn protected(kind: Kind, changes: &[Vec<u8>], key: &PublicKey) -> Result<Vec<u8>, Unwritten> {
    let mut out = Encoder::new(Vec::new());
    out.map(if changes.is_empty() { 3 } else { 4 })?;
    out.u8(1)?.i64(key.algorithm().0)?;
    out.u8(3)?.str(kind.content_type())?;
    out.u8(4)?.bytes(&key.id().0)?;
    if !changes.is_empty() {
        out.str(CHANGES)?.array(u64::try_from(changes.len()).unwrap_or(u64::MAX))?;
        for change in changes {
            out.bytes(change)?;
        }
    }
    Ok(out.into_writer())
}

fn header(bytes: &[u8], kind: Kind) -> Result<(Algorithm, KeyId, Vec<&[u8]>), Malformed> {
    let mut reader = Reader::new(bytes);
    let with_changes = reader.map(3, "a protected header").is_err();
    if with_changes {
        reader = Reader::new(bytes);
        reader.map(4, "a protected header")?;
    }
    reader.entry(1, "the algorithm")?;
    let algorithm = Algorithm(reader.signed("the algorithm")?);
    reader.entry(3, "the content type")?;
    reader.exactly(kind.content_type(), "this content type")?;
    reader.entry(4, "the key id")?;
    let key = KeyId(reader.array("a key id of 8 bytes")?);
    let mut changes = Vec::new();
    if with_changes {
        reader.exactly(CHANGES, "changes of keys")?;
        for _ in 0..reader.list(limits::CHANGES, "changes of keys")? {
            changes.push(reader.bytes(limits::CHANGE_BYTES, "a change of keys")?);
        }
    }
    reader.end()?;
    Ok((algorithm, key, changes))
}

/// What is signed, up to the payload's own bytes: `["Signature1", protected, h'', payload]`.
fn signed_head(protected: &[u8], payload: usize) -> Result<Vec<u8>, Unwritten> {
    let mut out = Encoder::new(Vec::with_capacity(protected.len().saturating_add(32)));
    out.array(4)?.str("Signature1")?.bytes(protected)?.bytes(&[])?;
    out.bytes_len(u64::try_from(payload).unwrap_or(u64::MAX))?;
    Ok(out.into_writer())
}

/// The bytes that the head of so many bytes takes.
fn head(length: usize) -> usize {
    match length {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}
