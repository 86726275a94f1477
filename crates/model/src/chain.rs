//! The chain of a ledger's events: each carries the hash of the one before it, so that nothing can be changed, taken out
//! or put elsewhere without being found.
//!
//! `link = SHA-256(previous link, event)`; the ledger keeps the last one as `chain`. Before the first event stands a link
//! that names the payment, so that no ledger's events can pass for another's.
//!
//! The encoding is that of [`crate::encoding`]. The link before the first event is the SHA-256 of `rescind-ledger/1` and a zero byte, then merchant and
//! sale. Every other is that of `rescind-event/1` and a zero byte, then, in this order: the link before it as text (64
//! hexadecimal digits), sequence (8 bytes), kind (its token), instant (8 bytes, milliseconds), command, operation, refund,
//! amount (minor units as 8 bytes, then currency), actor, reason, about. An actor is one byte and what follows it: 0 for a
//! person (name, then the list of roles), 1 for a terminal (name), 2 for the system.
//!
//! What a chain cannot show by itself is that its end was cut off *together with* the ledger's head: an export that is to
//! prove more has to be compared with a head that somebody else kept.

use crate::encoding::{length, optional, text};
use crate::token::Token;
use crate::{Actor, CommandId, Digest, Event, Ledger, MerchantId, OperationId, RefundId, SaleId};

/// Change whenever the encoding does.
const LEDGER_VERSION: &[u8] = b"rescind-ledger/1\0";
const EVENT_VERSION: &[u8] = b"rescind-event/1\0";

/// Where a history departs from its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// An event is missing, or stands elsewhere: the sequence number expected here, and the one found.
    Sequence {
        /// What should stand here.
        expected: u64,
        /// What does.
        found: u64,
    },
    /// The event of this sequence number, or one before it, was changed.
    Link(u64),
    /// The events end before or after the ledger does: how many it has produced, and how many there are.
    Length {
        /// By the ledger.
        expected: u64,
        /// In the history.
        found: u64,
    },
    /// All events fit each other, but the ledger's head is of another history.
    Head,
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Sequence { expected, found } => write!(f, "expected event {expected}, found event {found}"),
            Self::Link(sequence) => write!(f, "event {sequence} does not fit the link it carries"),
            Self::Length { expected, found } => write!(f, "expected {expected} events, found {found}"),
            Self::Head => f.write_str("the ledger's head is not the link of its last event"),
        }
    }
}

impl core::error::Error for Broken {}

/// The link before the first event.
#[must_use]
pub fn start(merchant: &MerchantId, sale: &SaleId) -> Digest {
    let mut bytes = LEDGER_VERSION.to_vec();
    text(&mut bytes, merchant.as_str());
    text(&mut bytes, sale.as_str());
    Digest::of(&bytes)
}

/// The link of an event that follows `previous`. The event's own link is not looked at.
#[must_use]
pub fn link(previous: &Digest, event: &Event) -> Digest {
    // Named one by one: a new field cannot be forgotten.
    let Event { sequence, kind, at, command, operation, refund, amount, actor, reason, about, link: _ } = event;
    let mut bytes = EVENT_VERSION.to_vec();
    text(&mut bytes, previous.as_str());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    text(&mut bytes, kind.token());
    bytes.extend_from_slice(&at.unix_ms.to_be_bytes());
    text(&mut bytes, CommandId::as_str(command));
    optional(&mut bytes, operation.as_ref().map(OperationId::as_str));
    optional(&mut bytes, refund.as_ref().map(RefundId::as_str));
    bytes.push(u8::from(amount.is_some()));
    if let Some(amount) = amount {
        bytes.extend_from_slice(&amount.minor.to_be_bytes());
        text(&mut bytes, &amount.currency);
    }
    match actor {
        Actor::Person(person) => {
            bytes.push(0);
            text(&mut bytes, person.id.as_str());
            length(&mut bytes, person.roles.len());
            for role in &person.roles {
                text(&mut bytes, role.as_str());
            }
        }
        Actor::Terminal(terminal) => {
            bytes.push(1);
            text(&mut bytes, terminal.as_str());
        }
        Actor::System => bytes.push(2),
    }
    optional(&mut bytes, reason.as_deref());
    optional(&mut bytes, about.as_deref());
    Digest::of(&bytes)
}

/// Holds a ledger's whole history against its chain.
///
/// # Errors
/// The first place at which they differ.
pub fn verify(ledger: &Ledger, events: &[Event]) -> Result<(), Broken> {
    let mut head = start(&ledger.sale.merchant, &ledger.sale.id);
    let mut expected = 0_u64;
    for event in events {
        expected = expected.saturating_add(1);
        if event.sequence != expected {
            return Err(Broken::Sequence { expected, found: event.sequence });
        }
        head = link(&head, event);
        if event.link != head {
            return Err(Broken::Link(expected));
        }
    }
    if ledger.events != expected {
        return Err(Broken::Length { expected: ledger.events, found: expected });
    }
    if ledger.chain != head { Err(Broken::Head) } else { Ok(()) }
}
