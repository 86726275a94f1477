//! The sale under the operations: its ledger, and what happens to the sale itself.

use crate::argument::{at_most, valid};
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::limits::TEXT_BYTES;
use crate::{chain, code, entry, hold, operation};
use rescind_model::token::Token;
use rescind_model::{
    BusinessDay, Digest, EventKind, Instant, Ledger, MerchantId, Money, Origin, PersonId, Rejection, Sale, SaleId,
    SaleOutcome, SaleStatus, TerminalId,
};

/// An empty ledger for a sale, if it is one.
pub(crate) fn ledger(sale: &Sale, outcome: SaleOutcome, origin: &Origin) -> Result<Ledger, Rejection> {
    check(sale)?;
    check_origin(sale, outcome, origin)?;
    let status = SaleStatus { outcome, batch_closed_at: None, settled_at: None, paid_out_at: None, late: None };
    let (code, hold) = match origin {
        Origin::Sale => (None, None),
        Origin::Code(code) => (Some(code.clone()), None),
        Origin::Hold(hold) => (None, Some(hold.clone())),
    };
    Ok(Ledger {
        sale: sale.clone(),
        status,
        code,
        hold,
        doubt: None,
        refused_scan: None,
        voids: Vec::new(),
        refunds: Vec::new(),
        operations: Vec::new(),
        cases: Vec::new(),
        orders: Vec::new(),
        returns: Vec::new(),
        liabilities: Vec::new(),
        entries: Vec::new(),
        events: 0,
        chain: chain::start(&sale.merchant, &sale.id),
    })
}

/// The first event of a ledger; a sale that is good is posted.
pub(crate) fn register(draft: &mut Draft<'_>) -> Result<(), Rejection> {
    let captured = draft.ledger.sale.captured.clone();
    let outcome = draft.ledger.status.outcome.token().to_owned();
    let kind = match (&draft.ledger.code, &draft.ledger.hold) {
        (Some(_), _) => EventKind::CodeCreated,
        (None, Some(_)) => EventKind::HoldAuthorised,
        (None, None) => EventKind::SaleRegistered,
    };
    draft.record(kind, &Subject::sale(Some(captured)), Some(outcome));
    post_if_good(draft)
}

/// A sale that is known to be good is captured.
pub(crate) fn post_if_good(draft: &mut Draft<'_>) -> Result<(), Rejection> {
    match draft.ledger.status.outcome {
        SaleOutcome::Good => entry::captured(draft, None),
        _ => Ok(()),
    }
}

/// The outcome of an unknown payment became known: a sale is then good, declined or failed, a hold held, declined or
/// failed. While its reversal or order close is under way, an answer is a late one and has a command of its own.
///
/// Of a code that had a scan refused nobody can tell which scan is meant.
pub(crate) fn outcome_known(draft: &mut Draft<'_>, outcome: SaleOutcome) -> Result<(), Rejection> {
    if outcome != draft.ledger.status.outcome && draft.ledger.refused_scan.is_some() {
        return Err(Rejection::Invalid(
            "scan: a scan of this code was refused before; say which scan is meant, by its at or retrieval-reference"
                .to_owned(),
        ));
    }
    became_known(draft, outcome)
}

/// The outcome of the payment that there is. A code is unpaid again if its scan was declined or failed.
pub(crate) fn became_known(draft: &mut Draft<'_>, outcome: SaleOutcome) -> Result<(), Rejection> {
    let current = draft.ledger.status.outcome;
    if outcome == current {
        return Ok(());
    }
    if current != SaleOutcome::Unknown {
        return Err(contradicts(current));
    }
    use SaleOutcome::{Declined, Failed, Good, Held};
    let taken = if draft.ledger.hold.is_some() { Held } else { Good };
    if ![taken, Declined, Failed].contains(&outcome) {
        let taken = taken.token();
        return Err(Rejection::Invalid(format!("outcome: expected {taken}, declined or failed")));
    }
    operation::must_have_none_open(&draft.ledger)?;
    draft.ledger.status.outcome = outcome;
    draft.record(EventKind::SaleOutcomeKnown, &Subject::sale(None), Some(outcome.token().to_owned()));
    if outcome != taken {
        code::put_back(draft);
    }
    post_if_good(draft)
}

/// What can happen to a sale once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Milestone {
    BatchClosed,
    Settled,
    PaidOut,
}

/// Dates a milestone, the first time it is heard of.
///
/// Only what was captured is settled and paid out.
pub(crate) fn happened(draft: &mut Draft<'_>, milestone: Milestone) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let outcome = draft.ledger.status.outcome;
    if matches!(milestone, Milestone::Settled | Milestone::PaidOut) && outcome != SaleOutcome::Good {
        return Err(wrong_state(outcome));
    }
    let status = &mut draft.ledger.status;
    let (date, kind) = match milestone {
        Milestone::BatchClosed => (&mut status.batch_closed_at, EventKind::SaleBatchClosed),
        Milestone::Settled => (&mut status.settled_at, EventKind::SaleSettled),
        Milestone::PaidOut => (&mut status.paid_out_at, EventKind::SalePaidOut),
    };
    if date.is_none() {
        *date = Some(at);
        draft.record(kind, &Subject::sale(None), None);
    }
    Ok(())
}

/// Only a sale that is known to be good can be voided or refunded.
pub(crate) fn must_be_good(ledger: &Ledger) -> Result<(), Rejection> {
    match ledger.status.outcome {
        SaleOutcome::Good => Ok(()),
        other => Err(Rejection::SaleNotGood(other.token().to_owned())),
    }
}

/// How a payment may begin.
fn check_origin(sale: &Sale, outcome: SaleOutcome, origin: &Origin) -> Result<(), Rejection> {
    use SaleOutcome::{Declined, Failed, Good, Unknown};
    match origin {
        Origin::Code(made) => code::check(made, sale, outcome),
        Origin::Hold(made) => hold::check(made, sale, outcome),
        Origin::Sale if matches!(outcome, Good | Unknown | Declined | Failed) => Ok(()),
        Origin::Sale => Err(Rejection::Invalid("outcome: a sale begins good, unknown, declined or failed".to_owned())),
    }
}

fn check(sale: &Sale) -> Result<(), Rejection> {
    valid(SaleId::parse(sale.id.as_str()))?;
    valid(MerchantId::parse(sale.merchant.as_str()))?;
    if let Some(operator) = &sale.operator {
        valid(PersonId::parse(operator.as_str()))?;
    }
    valid(Money::new(sale.captured.minor, &sale.captured.currency))?;
    if sale.captured.is_zero() {
        return Err(Rejection::Invalid("captured: expected an amount above zero".to_owned()));
    }
    valid(Money::new(sale.fee_charged.minor, &sale.fee_charged.currency))?;
    valid(sale.captured.same_currency(&sale.fee_charged))?;
    if let Some(coupon) = &sale.coupon {
        valid(Money::new(coupon.minor, &coupon.currency))?;
        if valid(coupon.exceeds(&sale.captured))? {
            return Err(Rejection::Invalid("coupon: expected no more than was captured".to_owned()));
        }
    }
    if let Some(contact) = &sale.contact {
        valid(Digest::parse(contact.as_str()))?;
    }
    valid(Instant::from_unix_ms(sale.paid_at.unix_ms))?;
    if let Some(service_at) = sale.service_at {
        valid(Instant::from_unix_ms(service_at.unix_ms))?;
        if service_at < sale.paid_at {
            return Err(Rejection::Invalid("service-at: expected not before the payment".to_owned()));
        }
    }
    valid(BusinessDay::new(sale.business_day.year, sale.business_day.month, sale.business_day.day))?;
    let mut texts = vec![
        ("order-number", sale.order_number.as_deref()),
        ("retrieval-reference", sale.retrieval_reference.as_deref()),
        ("kind", Some(sale.kind.as_str())),
        ("payer-token", sale.payer_token.as_deref()),
    ];
    if let Some(slip) = &sale.slip {
        valid(TerminalId::parse(slip.terminal.as_str()))?;
        texts.extend([
            ("batch", Some(slip.batch.as_str())),
            ("voucher", Some(slip.voucher.as_str())),
            ("trace", Some(slip.trace.as_str())),
        ]);
    }
    for (what, text) in texts {
        at_most(what, "bytes", text.map_or(0, str::len), TEXT_BYTES)?;
    }
    Ok(())
}
