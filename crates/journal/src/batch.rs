//! A batch: records on their way to the server, signed by the terminal, checked by a pure function.
//!
//! A `COSE_Sign1` envelope ([`rescind_bundle::cose`]) around a CBOR map, its entries in this order:
//!
//! | entry | what |
//! |---|---|
//! | 0 | `rescind-batch/1` |
//! | 1 | merchant |
//! | 2 | terminal |
//! | 3 | the journal's id, 16 bytes |
//! | 4 | the number of the first record |
//! | 5 | the link before it, 32 bytes |
//! | 6 | the records, each as its bytes |
//! | 7 | the link after the last one, 32 bytes |
//!
//! The same records are always the same bytes, so a batch can be sent again.

use minicbor::Encoder;
use rescind_bundle::cose::{Envelope, Kind, seal};
use rescind_bundle::wire::{Malformed, Reader};
use rescind_bundle::{PublicKey, SignFailed, Signer, Unverified, Verifier};
use rescind_model::{MerchantId, TerminalId};
use std::convert::Infallible;

use crate::limits;
use crate::link::{Head, JournalId, Link};
use crate::record::Record;

/// The form of a batch.
const FORMAT: &str = "rescind-batch/1";

/// Whose journal it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The merchant.
    pub merchant: MerchantId,
    /// The terminal.
    pub terminal: TerminalId,
}

/// A batch that is genuine and continues what the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Where it begins.
    pub start: Head,
    /// Where it ends: what the server acknowledges once it has dealt with every record.
    pub end: Head,
    /// Its records, each with the link after it.
    pub records: Vec<(Record, Link)>,
    /// How many of them, from the front, the server had before.
    pub known: usize,
}

impl Batch {
    /// The records that are new to the server, each with the link after it.
    #[must_use]
    pub fn new_records(&self) -> &[(Record, Link)] {
        self.records.get(self.known..).unwrap_or_default()
    }
}

/// Why a batch is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// It is larger than any batch.
    #[error("a batch has at most {limit} bytes, this one {found}")]
    TooLarge {
        /// How large it may be.
        limit: usize,
        /// How large it is.
        found: usize,
    },
    /// It is no batch, or only a part of one.
    #[error("this is not a whole batch: {0}")]
    Malformed(#[from] Malformed),
    /// It was altered, or signed by somebody else than the terminal.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// It is of another terminal.
    #[error("it is a batch of terminal {terminal:?} of merchant {merchant:?}")]
    OtherOwner {
        /// The merchant it names.
        merchant: String,
        /// The terminal it names.
        terminal: String,
    },
    /// The terminal begins another journal than the one that is known: the old one was lost or taken away.
    #[error("it is of journal {found}, and {expected} is known")]
    OtherJournal {
        /// The journal that is known.
        expected: JournalId,
        /// The journal it is of.
        found: JournalId,
    },
    /// Records between what is known and this batch are missing.
    #[error("records are missing: expected record {expected}, and it begins with {found}")]
    Gap {
        /// The number that comes next.
        expected: u64,
        /// The number it begins with.
        found: u64,
    },
    /// It tells another story than the one that is known: records that were there before differ.
    #[error("records before {before} differ from those that are known")]
    Fork {
        /// The number of the first record after those that differ.
        before: u64,
    },
    /// Its records do not fit its links.
    #[error("its records do not fit the link at its end")]
    Chain,
    /// A record cannot be read, or is out of order.
    #[error("record {number}: {reason}")]
    Record {
        /// Its number.
        number: u64,
        /// Why.
        reason: String,
    },
}

impl BadBatch {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "batch.too-large",
            Self::Malformed(Malformed::Truncated) => "batch.truncated",
            Self::Malformed(_) => "batch.malformed",
            Self::Unverified(_) => "batch.signature",
            Self::OtherOwner { .. } => "batch.owner",
            Self::OtherJournal { .. } => "batch.journal",
            Self::Gap { .. } => "batch.gap",
            Self::Fork { .. } => "batch.fork",
            Self::Chain => "batch.chain",
            Self::Record { .. } => "batch.record",
        }
    }
}

/// Signs records as a batch. `start` is the place before the first of them.
///
/// # Errors
/// [`SignFailed`] if the signer could not.
pub fn sign_batch(owner: &Owner, start: &Head, records: &[&[u8]], signer: &dyn Signer) -> Result<Vec<u8>, SignFailed> {
    let payload = write(owner, start, records).map_err(|error| SignFailed(error.to_string()))?;
    seal(Kind::Journal, &[], &payload, signer)
}

fn write(owner: &Owner, start: &Head, records: &[&[u8]]) -> Result<Vec<u8>, minicbor::encode::Error<Infallible>> {
    let room = records.iter().fold(512_usize, |sum, record| sum.saturating_add(record.len()).saturating_add(8));
    let mut out = Encoder::new(Vec::with_capacity(room));
    out.map(8)?.u8(0)?.str(FORMAT)?;
    out.u8(1)?.str(owner.merchant.as_str())?.u8(2)?.str(owner.terminal.as_str())?;
    out.u8(3)?.bytes(&start.journal.0)?.u8(4)?.u64(start.next)?.u8(5)?.bytes(&start.link.0)?;
    out.u8(6)?.array(u64::try_from(records.len()).unwrap_or(u64::MAX))?;
    let mut end = *start;
    for record in records {
        out.bytes(record)?;
        end = end.after(record);
    }
    out.u8(7)?.bytes(&end.link.0)?;
    Ok(out.into_writer())
}

/// Checks a batch: that this terminal signed it, that its records are chained, and that they continue what is known.
/// `known` is what was acknowledged last; `None` if nothing of this terminal's journal was.
///
/// The same batch may come again, and one that begins with records that are known: [`Batch::new_records`] are those that
/// are not.
///
/// # Errors
/// [`BadBatch`]: form, signature, owner, chain, what is known, records, in this order. Nothing that an unsigned byte says
/// is believed.
pub fn verify_batch(
    bytes: &[u8],
    key: &PublicKey,
    verifier: &dyn Verifier,
    owner: &Owner,
    known: Option<&Head>,
) -> Result<Batch, BadBatch> {
    if bytes.len() > limits::BATCH_BYTES {
        return Err(BadBatch::TooLarge { limit: limits::BATCH_BYTES, found: bytes.len() });
    }
    let envelope = Envelope::read(bytes, Kind::Journal, limits::BATCH_BYTES)?;
    envelope.verify(key, verifier)?;
    let Claims { merchant, terminal, start, records, end } = Claims::read(envelope.payload)?;
    if merchant != owner.merchant.as_str() || terminal != owner.terminal.as_str() {
        return Err(BadBatch::OtherOwner { merchant: merchant.to_owned(), terminal: terminal.to_owned() });
    }
    let begun = Head::first(&owner.merchant, &owner.terminal, start.journal);
    let known = known.copied().unwrap_or(begun);
    if known.journal != start.journal {
        return Err(BadBatch::OtherJournal { expected: known.journal, found: start.journal });
    }
    if start.next > known.next {
        return Err(BadBatch::Gap { expected: known.next, found: start.next });
    }
    let links = links(&start, &records);
    if links.last().map(|last| last.link) != Some(end) {
        return Err(BadBatch::Chain);
    }
    // Where the batch and what is known meet, their links are the same; the first journal's beginning is always known.
    for place in [&known, &begun] {
        let met = [&start].into_iter().chain(&links).find(|head| head.next == place.next);
        if met.is_some_and(|met| met.link != place.link) {
            return Err(BadBatch::Fork { before: place.next });
        }
    }
    let mut read = Vec::with_capacity(records.len());
    let mut number = start.next;
    for (bytes, head) in records.into_iter().zip(&links) {
        read.push((read_record(bytes, number)?, head.link));
        number = head.next;
    }
    let known = read.iter().filter(|(record, _)| record.number < known.next).count();
    let end = Head { journal: start.journal, next: number, link: end };
    Ok(Batch { start, end, records: read, known })
}

/// A record from its bytes.
///
/// # Errors
/// [`BadBatch::Record`] if it cannot be read or has another number.
pub fn read_record(bytes: &[u8], number: u64) -> Result<Record, BadBatch> {
    let bad = |reason: String| BadBatch::Record { number, reason };
    let record: Record = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    if record.number != number {
        return Err(bad(format!("it says it is record {}", record.number)));
    }
    if !record.entry.has_short_texts() {
        return Err(bad("a text is too long".to_owned()));
    }
    Ok(record)
}

/// The places after each record.
fn links(start: &Head, records: &[&[u8]]) -> Vec<Head> {
    let mut head = *start;
    records
        .iter()
        .map(|record| {
            head = head.after(record);
            head
        })
        .collect()
}

/// What a batch says.
struct Claims<'a> {
    merchant: &'a str,
    terminal: &'a str,
    start: Head,
    records: Vec<&'a [u8]>,
    end: Link,
}

impl<'a> Claims<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        reader.map(8, "a batch")?;
        reader.entry(0, "the form")?;
        reader.exactly(FORMAT, "a batch of form rescind-batch/1")?;
        reader.entry(1, "the merchant")?;
        let merchant = reader.text(rescind_model::limits::NAME_BYTES, "the merchant")?;
        reader.entry(2, "the terminal")?;
        let terminal = reader.text(rescind_model::limits::NAME_BYTES, "the terminal")?;
        reader.entry(3, "the journal's id")?;
        let journal = JournalId(reader.array("the journal's id")?);
        reader.entry(4, "the first record's number")?;
        let at = reader.position();
        let next = reader.number("the first record's number")?;
        let last = u64::try_from(limits::BATCH_RECORDS).ok().and_then(|most| next.checked_add(most));
        if next == 0 || last.is_none() {
            return Err(Malformed::Unexpected { at, expected: "a number from 1" });
        }
        reader.entry(5, "the link before")?;
        let link = Link(reader.array("the link before")?);
        reader.entry(6, "the records")?;
        let at = reader.position();
        let count = reader.list(limits::BATCH_RECORDS, "the records")?;
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            records.push(reader.bytes(limits::RECORD_BYTES, "a record")?);
        }
        if records.is_empty() {
            return Err(Malformed::Unexpected { at, expected: "at least one record" });
        }
        reader.entry(7, "the link after")?;
        let end = Link(reader.array("the link after")?);
        reader.end()?;
        Ok(Self { merchant, terminal, start: Head { journal, next, link }, records, end })
    }
}
