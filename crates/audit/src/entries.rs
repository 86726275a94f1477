//! The chain of a ledger's double entries. The ledger keeps none, because a double entry follows from an event; here it is made,
//! so that a checkpoint commits to what was posted and not only to what happened.
//!
//! The link before the first entry is the SHA-256 of `rescind-entries/1` and a zero byte, then merchant and sale. Every other is
//! that of `rescind-entry/1` and a zero byte, then the link before it (32 bytes), sequence (8 bytes), instant (8 bytes,
//! milliseconds), command, what, about, and the list of postings: account and side (their tokens), amount (minor units as 8
//! bytes, then currency). All of it as [`rescind_model::encoding`] says.

use crate::hash::Hash;
use rescind_model::encoding::{length, optional, text};
use rescind_model::token::Token as _;
use rescind_model::{CommandId, Entry, MerchantId, Posting, SaleId, Side};

/// Change whenever the encoding does.
const ENTRIES_VERSION: &[u8] = b"rescind-entries/1\0";
const ENTRY_VERSION: &[u8] = b"rescind-entry/1\0";

/// The link of the last of these entries, which are a ledger's from the first on.
#[must_use]
pub fn link_after(merchant: &MerchantId, sale: &SaleId, entries: &[Entry]) -> Hash {
    let mut bytes = ENTRIES_VERSION.to_vec();
    text(&mut bytes, merchant.as_str());
    text(&mut bytes, sale.as_str());
    entries.iter().fold(Hash::of(&bytes), link)
}

/// The link of an entry that follows `previous`.
fn link(previous: Hash, entry: &Entry) -> Hash {
    // Named one by one: a new field cannot be forgotten.
    let Entry { sequence, at, command, what, about, postings } = entry;
    let mut bytes = ENTRY_VERSION.to_vec();
    bytes.extend_from_slice(&previous.0);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&at.unix_ms.to_be_bytes());
    text(&mut bytes, CommandId::as_str(command));
    text(&mut bytes, what);
    optional(&mut bytes, about.as_deref());
    length(&mut bytes, postings.len());
    for Posting { account, side, amount } in postings {
        text(&mut bytes, account.token());
        text(&mut bytes, side.token());
        bytes.extend_from_slice(&amount.minor.to_be_bytes());
        text(&mut bytes, &amount.currency);
    }
    Hash::of(&bytes)
}

/// Whether the debits of an entry are its credits: at least two postings of one currency, none of nothing, that sum to zero.
#[must_use]
pub fn balances(entry: &Entry) -> bool {
    let Some(first) = entry.postings.first() else { return false };
    let one_currency = entry.postings.iter().all(|posting| posting.amount.currency == first.amount.currency);
    let something = entry.postings.iter().all(|posting| posting.amount.minor != 0);
    let signed = |posting: &Posting| match posting.side {
        Side::Debit => Some(posting.amount.minor),
        Side::Credit => posting.amount.minor.checked_neg(),
    };
    let sum = entry.postings.iter().map(signed).try_fold(0_i64, |sum, minor| sum.checked_add(minor?));
    entry.postings.len() > 1 && one_currency && something && sum == Some(0)
}
