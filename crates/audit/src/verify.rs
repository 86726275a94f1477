//! Checking a file with nothing but the file and public keys.

use crate::checkpoint::{BadCheckpoint, Checkpoint, Signed};
use crate::entries;
use crate::export::{Export, NotAnExport, SalePart};
use crate::hash::Hash;
use crate::head::Head;
use crate::limits::CHECKPOINTS;
use crate::tree::{Level, Root};
use rescind_bundle::{KeyId, PublicKey};
use rescind_model::{Digest, Entry, Event, MerchantId, SaleId, chain};

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Whose payments.
    pub merchant: MerchantId,
    /// The checkpoints, in their order, with their hashes.
    pub checkpoints: Vec<(Checkpoint, Hash)>,
    /// Of one payment.
    pub payment: Option<ProvedSale>,
}

/// What a file proves of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedSale {
    /// The payment.
    pub sale: SaleId,
    /// The number of the checkpoint that it is in.
    pub checkpoint: u64,
    /// What it committed to.
    pub head: Head,
    /// The history, or `None` if it was withheld: then only its links are proved.
    pub events: Option<Vec<Event>>,
    /// The double entries.
    pub entries: Vec<Entry>,
}

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none.
    #[error(transparent)]
    NotAnExport(#[from] NotAnExport),
    /// It holds no checkpoint, or too many.
    #[error("expected 1 to {CHECKPOINTS} checkpoints, found {0}")]
    Checkpoints(usize),
    /// One of its checkpoints is none.
    #[error("checkpoint {place} of the file: {why}")]
    BadCheckpoint {
        /// Which, counted from 1.
        place: usize,
        /// Why.
        why: BadCheckpoint,
    },
    /// It names a key that was not given.
    #[error("checkpoint {number} is signed with key {key}, which is none of those given")]
    UnknownKey {
        /// Which.
        number: u64,
        /// The key's id.
        key: KeyId,
    },
    /// It was altered, or signed by somebody else.
    #[error("checkpoint {number}: the signature is wrong: it was altered, or signed by somebody else")]
    Signature {
        /// Which.
        number: u64,
    },
    /// It is another merchant's.
    #[error("checkpoint {number} is of merchant {found}, the file is of {expected}")]
    OtherMerchant {
        /// Which.
        number: u64,
        /// Whose the file says it is.
        expected: MerchantId,
        /// Whose it is.
        found: MerchantId,
    },
    /// It does not continue the one before it.
    #[error(
        "checkpoint {number} does not continue the one before it: they are of two different histories, or one is missing"
    )]
    Row {
        /// Which.
        number: u64,
    },
    /// The payment's checkpoint is not in the file.
    #[error("the payment is said to be in checkpoint {0}, which is not in the file")]
    NoSuchCheckpoint(u64),
    /// The payment's head is not in the checkpoint.
    #[error("the payment's history is not in checkpoint {number}: the way from it to the {tree} tree leads elsewhere")]
    NotIncluded {
        /// Which.
        number: u64,
        /// The tree that it departs from.
        tree: &'static str,
    },
    /// The history departs from its chain.
    #[error("the payment's history: {0}")]
    History(chain::Broken),
    /// The double entries are not those that were committed to.
    #[error("the double entries are not those that the checkpoint commits to")]
    Entries,
    /// A double entry does not balance.
    #[error("double entry {0} does not balance")]
    Unbalanced(u64),
}

/// Checks a file: its form, the signature of each checkpoint by one of the keys, that each continues the one before it; and
/// if it shows a payment, that its head is in its checkpoint, that its events fit their chain up to that head, that its double
/// entries are those committed to, and that each of them balances.
///
/// # Errors
/// [`Refused`]: the first thing that does not hold. Then nothing in the file is proved.
pub fn verify(bytes: &[u8], keys: &[PublicKey]) -> Result<Proved, Refused> {
    let Export { format: _, merchant, checkpoints, payment } = Export::read(bytes)?;
    if checkpoints.is_empty() || checkpoints.len() > CHECKPOINTS {
        return Err(Refused::Checkpoints(checkpoints.len()));
    }
    let mut row: Vec<Signed> = Vec::with_capacity(checkpoints.len());
    for (place, sealed) in (1_usize..).zip(&checkpoints) {
        let signed = Signed::read(&sealed.0).map_err(|why| Refused::BadCheckpoint { place, why })?;
        let number = signed.checkpoint.number;
        let key = keys.iter().find(|key| key.id() == signed.key);
        let key = key.ok_or(Refused::UnknownKey { number, key: signed.key })?;
        signed.check(key).map_err(|_| Refused::Signature { number })?;
        if signed.checkpoint.merchant != merchant {
            let found = signed.checkpoint.merchant;
            return Err(Refused::OtherMerchant { number, expected: merchant, found });
        }
        if row.last().is_some_and(|before| !signed.follows(before)) {
            return Err(Refused::Row { number });
        }
        row.push(signed);
    }
    let payment = match payment {
        None => None,
        Some(part) => {
            let found = row.iter().find(|signed| signed.checkpoint.number == part.checkpoint);
            let found = found.ok_or(Refused::NoSuchCheckpoint(part.checkpoint))?;
            Some(verify_payment(&found.checkpoint, part)?)
        }
    };
    let checkpoints = row.into_iter().map(|signed| (signed.checkpoint, signed.hash)).collect();
    Ok(Proved { merchant, checkpoints, payment })
}

fn verify_payment(checkpoint: &Checkpoint, part: SalePart) -> Result<ProvedSale, Refused> {
    let SalePart { sale, checkpoint: number, head, way: [page, volume, day], events, entries } = part;
    let merchant = &checkpoint.merchant;
    let not_in = |tree| Refused::NotIncluded { number, tree };
    let has = |step: &crate::export::Step, leaf: &[u8]| step.tree.has(leaf, step.index, &step.siblings);
    let leaf = head.digest(merchant, &sale).0;
    let signed: Root = checkpoint.tree;
    if !has(&page, &leaf) {
        return Err(not_in("page"));
    }
    if !has(&volume, &page.tree.as_leaf(Level::Page)) {
        return Err(not_in("volume"));
    }
    if day.tree != signed || !has(&day, &volume.tree.as_leaf(Level::Volume)) {
        return Err(not_in("day"));
    }
    if let Some(events) = &events {
        verify_history(merchant, &sale, &head, events).map_err(Refused::History)?;
    }
    let as_many = u64::try_from(entries.len()).is_ok_and(|count| count == head.entries);
    if !as_many || entries::link_after(merchant, &sale, &entries) != head.entries_link {
        return Err(Refused::Entries);
    }
    if let Some(entry) = entries.iter().find(|entry| !entries::balances(entry)) {
        return Err(Refused::Unbalanced(entry.sequence));
    }
    Ok(ProvedSale { sale, checkpoint: number, head, events, entries })
}

/// Holds a history against a head.
fn verify_history(merchant: &MerchantId, sale: &SaleId, head: &Head, events: &[Event]) -> Result<(), chain::Broken> {
    let mut link: Digest = chain::start(merchant, sale);
    let mut expected = 0_u64;
    for event in events {
        expected = expected.saturating_add(1);
        if event.sequence != expected {
            return Err(chain::Broken::Sequence { expected, found: event.sequence });
        }
        link = chain::link(&link, event);
        if event.link != link {
            return Err(chain::Broken::Link(expected));
        }
    }
    if head.events != expected {
        return Err(chain::Broken::Length { expected: head.events, found: expected });
    }
    if head.link != link { Err(chain::Broken::Head) } else { Ok(()) }
}
