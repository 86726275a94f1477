//! The chain of a journal's records: each link covers a record and the link before it.
//!
//! The link before the first record is the SHA-256 of `rescind-journal/1` and a zero byte, then merchant, terminal and the
//! journal's id (16 bytes), texts encoded as [`rescind_model::encoding`] says. Every other is that of
//! `rescind-journal-record/1` and a zero byte, the link before it (32 bytes), and the record's bytes.
//!
//! So a link is also a checksum of its record, and of everything before it.

use rescind_model::encoding::text;
use rescind_model::{MerchantId, TerminalId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Change whenever the encoding does.
const JOURNAL_VERSION: &[u8] = b"rescind-journal/1\0";
const RECORD_VERSION: &[u8] = b"rescind-journal-record/1\0";

macro_rules! bytes_as_text {
    ($(#[$doc:meta])* $name:ident, $length:literal, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let mut bytes = [0; $length];
                hex::decode_to_slice(&text, &mut bytes).map_err(|_| de::Error::custom($form))?;
                Ok(Self(bytes))
            }
        }
    };
}

bytes_as_text!(
    /// A link of the chain.
    Link,
    32,
    "a link: expected 64 hexadecimal digits"
);

bytes_as_text!(
    /// Names one journal of a terminal: random bytes, made when it is begun. A terminal that lost its journal begins another.
    JournalId,
    16,
    "a journal's id: expected 32 hexadecimal digits"
);

impl Link {
    /// The link before the first record of a journal.
    #[must_use]
    pub fn first(merchant: &MerchantId, terminal: &TerminalId, journal: JournalId) -> Self {
        let mut bytes = JOURNAL_VERSION.to_vec();
        text(&mut bytes, merchant.as_str());
        text(&mut bytes, terminal.as_str());
        bytes.extend_from_slice(&journal.0);
        Self(Sha256::digest(&bytes).into())
    }

    /// The link after a record.
    #[must_use]
    pub fn then(&self, record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(RECORD_VERSION);
        hash.update(self.0);
        hash.update(record);
        Self(hash.finalize().into())
    }
}

/// A place between two records: everything before it is known by one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The journal.
    pub journal: JournalId,
    /// The number of the record that comes next.
    pub next: u64,
    /// The link of everything before it.
    pub link: Link,
}

impl Head {
    /// The beginning of a journal.
    #[must_use]
    pub fn first(merchant: &MerchantId, terminal: &TerminalId, journal: JournalId) -> Self {
        Self { journal, next: 1, link: Link::first(merchant, terminal, journal) }
    }

    /// The place after one more record.
    #[must_use]
    pub fn after(&self, record: &[u8]) -> Self {
        // A number that cannot grow any more is not reached: there is one record a millisecond for 500 million years.
        Self { journal: self.journal, next: self.next.saturating_add(1), link: self.link.then(record) }
    }
}
