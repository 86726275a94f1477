//! A checkpoint: a merchant's part of a day, signed.
//!
//! A `COSE_Sign1` envelope ([`rescind_bundle::cose`]) around a CBOR map, its entries in this order:
//!
//! | entry | what |
//! |---|---|
//! | 0 | `rescind-checkpoint/1` |
//! | 1 | merchant |
//! | 2 | number, from 1 on without gaps |
//! | 3 | day, in days since the Unix epoch |
//! | 4 | the SHA-256 of the envelope before it, 32 bytes; null in the first |
//! | 5 | where in the merchant's feed it begins: the list of page and index |
//! | 6 | where it ends |
//! | 7 | how many heads are in it |
//! | 8 | the size of the day tree |
//! | 9 | its root, 32 bytes |
//! | 10 | when it was made, in ms since the Unix epoch |

use crate::hash::Hash;
use crate::limits::CHECKPOINT_BYTES;
use crate::tree::Root;
use minicbor::Encoder;
use rescind_bundle::cose::{Envelope, Kind, seal};
use rescind_bundle::wire::{Malformed, Reader};
use rescind_bundle::{Ed25519, KeyId, PublicKey, SignFailed, Signer, Unverified};
use rescind_model::limits::NAME_BYTES;
use rescind_model::{Instant, MerchantId};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;

/// The form of a checkpoint.
const FORMAT: &str = "rescind-checkpoint/1";

/// A day in ms.
const DAY_MS: i64 = 86_400_000;

/// A calendar day in UTC. It begins at 08:00 in China, when shops are closed and the networks' cut-off (23:00 there) is long past:
/// what happens on a business day is in the checkpoint of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(i64);

impl Day {
    /// The day of an instant.
    #[must_use]
    pub fn of(at: Instant) -> Self {
        Self(at.unix_ms.div_euclid(DAY_MS))
    }

    /// The day before.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The day after.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The first instant that is not in it any more.
    #[must_use]
    pub fn end(self) -> Instant {
        Instant { unix_ms: self.0.saturating_add(1).saturating_mul(DAY_MS) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Instant { unix_ms: self.0.saturating_mul(DAY_MS) }.to_string();
        f.write_str(midnight.split_once('T').map_or(midnight.as_str(), |(day, _)| day))
    }
}

/// A place between two entries of a merchant's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPosition {
    /// The page.
    pub page: u64,
    /// Entries before it on that page.
    pub index: u64,
}

impl fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.page, self.index)
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose payments.
    pub merchant: MerchantId,
    /// Counts the merchant's checkpoints from 1.
    pub number: u64,
    /// The day. Days on which nothing was published have none; a day of more events than the trees hold has several.
    pub day: Day,
    /// The hash of the checkpoint before it.
    pub previous: Option<Hash>,
    /// Where in the merchant's feed it begins: where the one before it ended.
    pub from: FeedPosition,
    /// Where it ends. Every entry between belongs to it, and to no other.
    pub until: FeedPosition,
    /// How many heads: one for each event of a payment between the two.
    pub heads: u64,
    /// The day tree.
    pub tree: Root,
    /// When it was made, by the clock of whoever made it.
    pub made_at: Instant,
}

/// A checkpoint in its envelope, read and not yet checked: everything in it is only a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Who it says signed it.
    pub key: KeyId,
    /// Its hash, by which the next one names it.
    pub hash: Hash,
    bytes: Vec<u8>,
}

/// Why something is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// It is none, or only a part of one.
    #[error("this is not a checkpoint: {0}")]
    Malformed(#[from] Malformed),
    /// A value in it cannot be.
    #[error("this is not a checkpoint: {0}")]
    Impossible(String),
}

impl Checkpoint {
    /// Signs it.
    ///
    /// # Errors
    /// [`SignFailed`] if the signer could not.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignFailed> {
        let payload = self.write().map_err(|error| SignFailed(error.to_string()))?;
        seal(Kind::Checkpoint, &[], &payload, signer)
    }

    fn write(&self) -> Result<Vec<u8>, minicbor::encode::Error<Infallible>> {
        let mut out = Encoder::new(Vec::with_capacity(256));
        out.map(11)?.u8(0)?.str(FORMAT)?.u8(1)?.str(self.merchant.as_str())?;
        out.u8(2)?.u64(self.number)?.u8(3)?.i64(self.day.0)?.u8(4)?;
        match &self.previous {
            Some(hash) => out.bytes(&hash.0)?,
            None => out.null()?,
        };
        out.u8(5)?.array(2)?.u64(self.from.page)?.u64(self.from.index)?;
        out.u8(6)?.array(2)?.u64(self.until.page)?.u64(self.until.index)?;
        out.u8(7)?.u64(self.heads)?.u8(8)?.u64(self.tree.size)?.u8(9)?.bytes(&self.tree.root.0)?;
        out.u8(10)?.i64(self.made_at.unix_ms)?;
        Ok(out.into_writer())
    }

    fn read(payload: &[u8]) -> Result<Self, BadCheckpoint> {
        let impossible = |why: &dyn fmt::Display| BadCheckpoint::Impossible(why.to_string());
        let mut reader = Reader::new(payload);
        reader.map(11, "the eleven entries of a checkpoint")?;
        reader.entry(0, "the form")?;
        reader.exactly(FORMAT, "the form of a checkpoint")?;
        reader.entry(1, "the merchant")?;
        let merchant = MerchantId::parse(reader.text(NAME_BYTES, "the merchant")?).map_err(|e| impossible(&e))?;
        reader.entry(2, "the number")?;
        let number = reader.number("the number")?;
        reader.entry(3, "the day")?;
        let day = Day(reader.signed("the day")?);
        Instant::from_unix_ms(day.end().unix_ms).map_err(|e| impossible(&e))?;
        reader.entry(4, "the hash before")?;
        let first = reader.absent("the hash before")?;
        let previous = if first { None } else { Some(Hash(reader.array("a hash of 32 bytes")?)) };
        reader.entry(5, "the beginning")?;
        let from = position(&mut reader)?;
        reader.entry(6, "the end")?;
        let until = position(&mut reader)?;
        reader.entry(7, "the number of heads")?;
        let heads = reader.number("the number of heads")?;
        reader.entry(8, "the size of the tree")?;
        let size = reader.number("the size of the tree")?;
        reader.entry(9, "the root of the tree")?;
        let root = Hash(reader.array("a root of 32 bytes")?);
        reader.entry(10, "the instant")?;
        let made_at = Instant::from_unix_ms(reader.signed("the instant")?).map_err(|e| impossible(&e))?;
        reader.end()?;
        if number == 0 || (number == 1) != previous.is_none() || until <= from {
            return Err(BadCheckpoint::Impossible(
                "its number, predecessor and places do not fit each other".to_owned(),
            ));
        }
        Ok(Self { merchant, number, day, previous, from, until, heads, tree: Root { size, root }, made_at })
    }
}

fn position(reader: &mut Reader<'_>) -> Result<FeedPosition, Malformed> {
    reader.items(2, "page and index")?;
    Ok(FeedPosition { page: reader.number("a page")?, index: reader.number("an index")? })
}

impl Signed {
    /// Reads an envelope.
    ///
    /// # Errors
    /// [`BadCheckpoint`] if it is no checkpoint.
    pub fn read(bytes: &[u8]) -> Result<Self, BadCheckpoint> {
        let envelope = Envelope::read(bytes, Kind::Checkpoint, CHECKPOINT_BYTES)?;
        let checkpoint = Checkpoint::read(envelope.payload)?;
        Ok(Self { checkpoint, key: envelope.key, hash: Hash::of(bytes), bytes: bytes.to_vec() })
    }

    /// Fails unless this key signed it.
    ///
    /// # Errors
    /// [`Unverified`].
    pub fn check(&self, key: &PublicKey) -> Result<(), Unverified> {
        let envelope =
            Envelope::read(&self.bytes, Kind::Checkpoint, CHECKPOINT_BYTES).map_err(|_| Unverified::Signature)?;
        envelope.verify(key, &Ed25519)
    }

    /// Whether it is the next after `before` in one row of checkpoints.
    #[must_use]
    pub fn follows(&self, before: &Self) -> bool {
        let (this, last) = (&self.checkpoint, &before.checkpoint);
        this.merchant == last.merchant
            && last.number.checked_add(1) == Some(this.number)
            && this.previous == Some(before.hash)
            && this.day >= last.day
            && this.from == last.until
    }
}
