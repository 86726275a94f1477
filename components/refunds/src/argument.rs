//! What arrives from outside, held against its range before anything is decided.

use crate::limits::{REFERENCE_BYTES, TEXT_BYTES};
use core::fmt::Display;
use rescind_model::{Digest, Evidence, PolicyIdentity, Rejection, card_number};

/// A parsed argument, or a rejection that says why it is none.
pub(crate) fn valid<T>(parsed: Result<T, impl Display>) -> Result<T, Rejection> {
    parsed.map_err(|error| Rejection::Invalid(error.to_string()))
}

/// A text of at most [`TEXT_BYTES`], card numbers masked: none is ever stored, whoever forgot it before.
pub(crate) fn text(what: &str, text: &str) -> Result<String, Rejection> {
    at_most(what, "bytes", text.len(), TEXT_BYTES)?;
    Ok(card_number::mask(text).text)
}

/// A text that must be there.
pub(crate) fn reason(given: &str) -> Result<String, Rejection> {
    if given.trim().is_empty() {
        return Err(Rejection::ReasonRequired);
    }
    text("reason", given)
}

/// A commitment, or any other digest.
pub(crate) fn commitment(given: &Digest) -> Result<Digest, Rejection> {
    valid(Digest::parse(given.as_str()))
}

/// A number of things within its limit.
pub(crate) fn at_most(what: &str, unit: &str, found: usize, limit: usize) -> Result<(), Rejection> {
    if found > limit {
        return Err(Rejection::Invalid(format!("{what}: expected at most {limit} {unit}, found {found}")));
    }
    Ok(())
}

/// A reference for the provider.
pub(crate) fn reference(text: &str) -> Result<(), Rejection> {
    printable("provider-reference", text)
}

/// A name that a provider understands: printable ASCII without spaces.
pub(crate) fn printable(what: &str, text: &str) -> Result<(), Rejection> {
    at_most(what, "bytes", text.len(), REFERENCE_BYTES)?;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Rejection::Invalid(format!("{what}: expected printable ASCII without spaces")));
    }
    Ok(())
}

/// A policy's identity.
pub(crate) fn policy(policy: &PolicyIdentity) -> Result<(), Rejection> {
    at_most("policy name", "bytes", policy.name.len(), TEXT_BYTES)?;
    at_most("policy version", "bytes", policy.version.len(), TEXT_BYTES)?;
    valid(Digest::parse(policy.hash.as_str())).map(|_| ())
}

/// Evidence as it is kept. What a provider said is cut, not refused: its truth matters more than its length.
pub(crate) fn evidence(heard: &Evidence) -> Evidence {
    Evidence {
        source: cut(&heard.source),
        code: heard.code.as_deref().map(cut),
        reference: heard.reference.as_deref().map(cut),
        note: heard.note.as_deref().map(|note| card_number::mask(&cut(note)).text),
        at: heard.at,
    }
}

/// The beginning of a text, at most [`TEXT_BYTES`], ending between two characters.
fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or_default().to_owned()
}
