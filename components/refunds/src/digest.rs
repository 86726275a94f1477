//! What an approval is given to: a digest of exactly what was asked for.
//!
//! The encoding is written down so that another program can compute it. It begins with the bytes of
//! `rescind-refund-request/2` and a zero byte; then, in this order: merchant, sale, refund, revision, amount in minor
//! units, currency, reason, note, evidence (kind and content of each), requester, operator, contact, the refund it corrects.
//!
//! | what | how |
//! |---|---|
//! | text | its length in bytes as 8 bytes, then its UTF-8 bytes |
//! | amount | 8 bytes, two's complement |
//! | revision | 4 bytes |
//! | list | its length as 8 bytes, then its items |
//! | option | one byte, 0 for absent or 1, then the value if there is one |
//!
//! All numbers are big-endian. No two requests share an encoding: every length is written before what it measures.

use rescind_model::{Digest, MerchantId, RefundId, RefundRequest, SaleId};

/// Changes whenever the encoding does: digests of two encodings never meet.
const VERSION: &[u8] = b"rescind-refund-request/2\0";

/// The digest of one revision of a request.
#[must_use]
pub fn of_request(
    merchant: &MerchantId,
    sale: &SaleId,
    refund: &RefundId,
    revision: u32,
    request: &RefundRequest,
) -> Digest {
    let mut bytes = VERSION.to_vec();
    text(&mut bytes, merchant.as_str());
    text(&mut bytes, sale.as_str());
    text(&mut bytes, refund.as_str());
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(&request.amount.minor.to_be_bytes());
    text(&mut bytes, &request.amount.currency);
    text(&mut bytes, &request.reason);
    optional(&mut bytes, request.note.as_deref());
    length(&mut bytes, request.evidence.len());
    for item in &request.evidence {
        text(&mut bytes, &item.kind);
        text(&mut bytes, item.content.as_str());
    }
    text(&mut bytes, request.requested_by.as_str());
    optional(&mut bytes, request.operator.as_ref().map(rescind_model::PersonId::as_str));
    optional(&mut bytes, request.contact.as_ref().map(Digest::as_str));
    optional(&mut bytes, request.corrects.as_ref().map(RefundId::as_str));
    Digest::of(&bytes)
}

pub(crate) fn length(bytes: &mut Vec<u8>, length: usize) {
    // A `usize` is never wider than 64 bits on any target Rust has.
    bytes.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

pub(crate) fn text(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

pub(crate) fn optional(bytes: &mut Vec<u8>, value: Option<&str>) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(bytes, value);
    }
}
