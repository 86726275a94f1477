//! A payment of which nobody knows whether it took place. Whoever reports the trouble has it undone (`operation`); where
//! nobody does, time calls a person. It ends nothing: the payment stays unknown until somebody says or finds out.

use crate::draft::{Subject, later};
use crate::limits::DOUBT_WITHIN;
use crate::operation;
use rescind_model::{Doubt, EventKind, Instant, Ledger, SaleOutcome};

/// Begins and ends with the outcome `unknown`, whatever led to it.
pub(crate) fn keep(ledger: &mut Ledger, at: Instant) {
    ledger.doubt = match ledger.status.outcome {
        SaleOutcome::Unknown => ledger.doubt.take().or(Some(Doubt { since: at, attention: false })),
        _ => None,
    };
}

/// From when a person has to look after the payment: nobody was called, and nothing is under way that would undo it.
pub(crate) fn calls_from(ledger: &Ledger) -> Option<Instant> {
    let doubt = ledger.doubt.as_ref()?;
    let waits = !doubt.attention && !operation::is_open(ledger);
    waits.then(|| later(doubt.since, DOUBT_WITHIN))
}

/// Calls a person.
pub(crate) fn pass(ledger: &mut Ledger, at: Instant) -> Option<(EventKind, Subject, Option<String>)> {
    calls_from(ledger).filter(|from| *from <= at)?;
    let subject = Subject::sale(Some(ledger.sale.captured.clone()));
    ledger.doubt.as_mut()?.attention = true;
    Some((EventKind::SaleAttention, subject, None))
}
