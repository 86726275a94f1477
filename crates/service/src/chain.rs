//! The chain of a ledger's events, reckoned a second time: `rescind-refunds` makes it, and whoever hands a history out holds
//! it against the ledger's head with an own reckoning of the written encoding (`docs/api.md`, *Everything about one payment*).

use rescind_model::token::Token as _;
use rescind_model::{Actor, Digest, Event, Ledger};

const LEDGER: &[u8] = b"rescind-ledger/1\0";
const EVENT: &[u8] = b"rescind-event/1\0";

fn length(bytes: &mut Vec<u8>, length: usize) {
    // A `usize` is never wider than 64 bits on any target Rust has.
    bytes.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn optional(bytes: &mut Vec<u8>, value: Option<&str>) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(bytes, value);
    }
}

/// The link of an event that follows another.
fn link(previous: &Digest, event: &Event) -> Digest {
    // Named one by one: a new field cannot be forgotten.
    let Event { sequence, kind, at, command, operation, refund, amount, actor, reason, about, link: _ } = event;
    let mut bytes = EVENT.to_vec();
    text(&mut bytes, previous.as_str());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    text(&mut bytes, kind.token());
    bytes.extend_from_slice(&at.unix_ms.to_be_bytes());
    text(&mut bytes, command.as_str());
    optional(&mut bytes, operation.as_ref().map(rescind_model::OperationId::as_str));
    optional(&mut bytes, refund.as_ref().map(rescind_model::RefundId::as_str));
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

/// Holds a whole history against its ledger. Gives what is wrong at the first place where they differ.
///
/// # Errors
/// What was expected and what was found.
pub fn verify(ledger: &Ledger, events: &[Event]) -> Result<(), String> {
    let mut bytes = LEDGER.to_vec();
    text(&mut bytes, ledger.sale.merchant.as_str());
    text(&mut bytes, ledger.sale.id.as_str());
    let mut head = Digest::of(&bytes);
    let mut expected = 0_u64;
    for event in events {
        expected = expected.saturating_add(1);
        if event.sequence != expected {
            return Err(format!("expected event {expected}, found event {}", event.sequence));
        }
        head = link(&head, event);
        if event.link != head {
            return Err(format!("event {expected} does not fit the link it carries"));
        }
    }
    if ledger.events != expected {
        return Err(format!("expected {} events, found {expected}", ledger.events));
    }
    if ledger.chain != head {
        return Err("the ledger's head is not the link of its last event".to_owned());
    }
    Ok(())
}
