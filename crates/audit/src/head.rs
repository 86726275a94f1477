//! A head: what one leaf commits to. It stands for a payment's whole history up to one event, and for the double entries of
//! everything up to there.
//!
//! A head's digest is the SHA-256 of `rescind-head/1` and a zero byte, then merchant, sale, number of events (8 bytes), the link
//! of the last of them, number of double entries (8 bytes), the link of the last of those (32 bytes), and the salt (32 bytes);
//! texts and numbers as [`rescind_model::encoding`] says.

use crate::entries;
use crate::hash::Hash;
use rescind_model::encoding::text;
use rescind_model::{Digest, Entry, Event, MerchantId, SaleId};
use serde::{Deserialize, Serialize};

/// Change whenever the encoding does.
const VERSION: &[u8] = b"rescind-head/1\0";

/// A payment's history up to one event, by its links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How many events: the sequence number of the last one.
    pub events: u64,
    /// The link of that event, which covers all before it (`rescind_model::chain`).
    pub link: Digest,
    /// How many double entries the commands of these events led to.
    pub entries: u64,
    /// The link of the last of them ([`entries`]).
    pub entries_link: Hash,
    /// Known to who may see the payment: without it, nobody can try what the digest stands for.
    pub salt: Hash,
}

impl Head {
    /// The head of a history after the event of this number; `None` if there is no such event. `events` and `entries` are those
    /// of the ledger, from the first on.
    ///
    /// The double entries up to the last one that a command of these events led to belong to it. It is the same however much
    /// has happened since.
    #[must_use]
    pub fn after(
        (merchant, sale): (&MerchantId, &SaleId),
        (events, entries): (&[Event], &[Entry]),
        sequence: u64,
        salt: Hash,
    ) -> Option<Self> {
        let count = events.iter().position(|event| event.sequence == sequence)?.checked_add(1)?;
        let events = events.get(..count)?;
        let last = events.last()?;
        let of_these = |entry: &Entry| events.iter().any(|event| event.command == entry.command);
        let posted = entries.iter().rposition(of_these).map_or(Some(0), |at| at.checked_add(1))?;
        let entries = entries.get(..posted)?;
        Some(Self {
            events: sequence,
            link: last.link.clone(),
            entries: u64::try_from(posted).ok()?,
            entries_link: entries::link_after(merchant, sale, entries),
            salt,
        })
    }

    /// The digest: a leaf of a page.
    #[must_use]
    pub fn digest(&self, merchant: &MerchantId, sale: &SaleId) -> Hash {
        // Named one by one: a new field cannot be forgotten.
        let Self { events, link, entries, entries_link, salt } = self;
        let mut bytes = VERSION.to_vec();
        text(&mut bytes, merchant.as_str());
        text(&mut bytes, sale.as_str());
        bytes.extend_from_slice(&events.to_be_bytes());
        text(&mut bytes, link.as_str());
        bytes.extend_from_slice(&entries.to_be_bytes());
        bytes.extend_from_slice(&entries_link.0);
        bytes.extend_from_slice(&salt.0);
        Hash::of(&bytes)
    }
}
