//! What an approval is given to: a digest of exactly what was asked for.
//!
//! It is written down so that another program can compute it. It begins with the bytes of `rescind-refund-request/2` and a
//! zero byte; then, encoded as [`crate::encoding`] says and in this order: merchant, sale, refund, revision, amount in minor
//! units, currency, reason, note (its commitment), evidence (kind and content of each), requester, operator, contact, the
//! refund it corrects.

use crate::encoding::{length, optional, text};
use crate::{Digest, MerchantId, PersonId, RefundId, RefundRequest, SaleId};

/// Changes whenever the encoding does: digests of two encodings never meet.
const VERSION: &[u8] = b"rescind-refund-request/2\0";

/// The digest of one revision of a request.
#[must_use]
pub fn digest(
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
    optional(&mut bytes, request.note.as_ref().map(Digest::as_str));
    length(&mut bytes, request.evidence.len());
    for item in &request.evidence {
        text(&mut bytes, &item.kind);
        text(&mut bytes, item.content.as_str());
    }
    text(&mut bytes, request.requested_by.as_str());
    optional(&mut bytes, request.operator.as_ref().map(PersonId::as_str));
    optional(&mut bytes, request.contact.as_ref().map(Digest::as_str));
    optional(&mut bytes, request.corrects.as_ref().map(RefundId::as_str));
    Digest::of(&bytes)
}
