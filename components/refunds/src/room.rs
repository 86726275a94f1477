//! Room in a ledger: for another operation, its name, and every event that open operations may still need.

use crate::draft::Draft;
use crate::limits;
use crate::{approval, incident, liability, timer};
use rescind_model::{
    CaseState, Ledger, LiabilityState, Operation, OperationState, OrderState, Refund, RefundState, Rejection,
    SaleOutcome, VoidOperation, Way,
};

/// A name and a provider reference that no operation of this ledger has. The provider acts on a reference at most once:
/// of two operations under one reference, one would never take place.
pub(crate) fn free_name(ledger: &Ledger, name: &str, reference: &str) -> Result<(), Rejection> {
    let voids = ledger.voids.iter().map(|void| (void.id.as_str(), void.provider_reference.as_str()));
    let refunds = ledger.refunds.iter().map(|refund| (refund.id.as_str(), refund.provider_reference.as_str()));
    let operations = ledger.operations.iter();
    let operations = operations.map(|operation| (operation.id.as_str(), operation.provider_reference.as_str()));
    unused_name(ledger, name)?;
    for (taken, taken_reference) in voids.chain(refunds).chain(operations) {
        if taken_reference == reference {
            return Err(Rejection::Invalid(format!("provider-reference: already that of {taken}")));
        }
    }
    Ok(())
}

/// A name that nothing sent to or heard from the provider has.
pub(crate) fn unused_name(ledger: &Ledger, name: &str) -> Result<(), Rejection> {
    let voids = ledger.voids.iter().map(|void| void.id.as_str());
    let refunds = ledger.refunds.iter().map(|refund| refund.id.as_str());
    let others = ledger.operations.iter().map(|operation| operation.id.as_str());
    let returns = ledger.returns.iter().map(|back| back.id.as_str());
    let taken = voids.chain(refunds).chain(others).chain(returns).any(|taken| taken == name);
    if taken { Err(Rejection::NameTaken) } else { Ok(()) }
}

/// Lets an erasure in: it has room of its own, and takes none from what is open.
pub(crate) fn admit_erasure(draft: &Draft<'_>) -> Result<(), Rejection> {
    let all = limits::EVENTS.saturating_add(limits::ERASURE_EVENTS);
    if draft.events().saturating_add(still_to_come(&draft.ledger)) > all {
        return Err(Rejection::LimitReached("events".to_owned()));
    }
    Ok(())
}

/// Lets a new or retried operation in if the ledger can still take all that may follow.
///
/// INVARIANT: `events + still_to_come <= limits::EVENTS`, erasures aside. A transition that is not admitted lowers
/// `still_to_come` by at least the events it records.
pub(crate) fn admit(draft: &Draft<'_>) -> Result<(), Rejection> {
    let ledger = &draft.ledger;
    let operations = [ledger.voids.len(), ledger.refunds.len(), ledger.operations.len()];
    let operations = operations.into_iter().fold(0, usize::saturating_add);
    if operations > limits::OPERATIONS {
        return Err(Rejection::LimitReached("operations".to_owned()));
    }
    if draft.events().saturating_add(still_to_come(&draft.ledger)) > limits::EVENTS {
        return Err(Rejection::LimitReached("events".to_owned()));
    }
    Ok(())
}

/// The most events that can follow without a new or retried operation.
pub(crate) fn still_to_come(ledger: &Ledger) -> u64 {
    let status = &ledger.status;
    let sale = [status.batch_closed_at.is_none(), status.settled_at.is_none(), status.paid_out_at.is_none()];
    let sale = sale.into_iter().map(u64::from);
    let voids = ledger.voids.iter().map(of_void);
    let refunds = ledger.refunds.iter().map(|refund| of_refund(ledger, refund));
    let cases = ledger.cases.iter().map(|case| match case.state {
        CaseState::Open => 3,     // assigned, granted, consumed
        CaseState::Assigned => 2, // granted, consumed
        CaseState::Granted => 1,  // consumed
        CaseState::Refused | CaseState::Consumed | CaseState::Expired => 0,
    });
    let orders = ledger.orders.iter().map(|order| u64::from(order.state == OrderState::Proposed));
    let liabilities = ledger.liabilities.iter().map(|owed| u64::from(owed.state == LiabilityState::Open));
    let operations = ledger.operations.iter().map(of_operation);
    let payment = [of_payment(ledger), of_late_answer(ledger)];
    let others = sale.chain(cases).chain(orders).chain(liabilities).chain(payment);
    voids.chain(refunds).chain(operations).chain(others).fold(0, u64::saturating_add)
}

/// What the payment itself can still become without an operation.
fn of_payment(ledger: &Ledger) -> u64 {
    match ledger.status.outcome {
        // a person called, outcome known, and then a hold can lapse
        SaleOutcome::Unknown => {
            let called = ledger.doubt.as_ref().is_some_and(|doubt| doubt.attention);
            1_u64.saturating_add(u64::from(!called)).saturating_add(u64::from(ledger.hold.is_some()))
        }
        SaleOutcome::Unpaid => 4, // expired, scanned all the same, a person called, outcome known
        SaleOutcome::Expired => 3, // scanned, a person called, outcome known
        SaleOutcome::Held => 1,   // lapsed
        _ => 0,
    }
}

/// A late answer is told. As long as no person was called, one that says `good` of an undone payment is told again and calls
/// one, who looks after it.
fn of_late_answer(ledger: &Ledger) -> u64 {
    let undone = ledger.operations.iter().any(|operation| matches!(operation.kind, Way::Reversal | Way::OrderClose));
    let first = u64::from(undone && ledger.status.late.is_none());
    // Of a scan that was refused: that it was good after all, and a person called.
    let of_refused = ledger.refused_scan.is_some() && !incident::was_said_good(ledger);
    let first = first.saturating_add(if of_refused { 2 } else { 0 });
    if incident::can_call(ledger) && !incident::was_called(ledger) { first.saturating_add(3) } else { first }
}

fn of_operation(operation: &Operation) -> u64 {
    // … → resolved and done or failed
    let end = 2_u64;
    let end = match operation.kind {
        // or failed, a person called, who looked after it
        Way::OrderClose | Way::HoldRelease => end.saturating_add(1),
        // after it the hold can lapse, and its next completion be settled: three dates
        Way::CompletionVoid => end.saturating_add(4),
        _ => end,
    };
    let unknown = end.saturating_add(u64::from(!operation.attention));
    match operation.state {
        OperationState::Authorised => unknown.saturating_add(2), // sent, unknown
        OperationState::Sent => unknown.saturating_add(1),       // unknown
        OperationState::Unknown => unknown,
        OperationState::Done | OperationState::Failed => u64::from(operation.attention), // resolved
    }
}

fn of_void(void: &VoidOperation) -> u64 {
    // … → done or failed
    let end = 1_u64;
    let reversing = u64::from(!void.reversing);
    let attention = u64::from(!void.attention);
    let unknown = end.saturating_add(reversing).saturating_add(attention);
    match void.state {
        OperationState::Authorised => unknown.saturating_add(2), // sent, unknown
        OperationState::Sent => unknown.saturating_add(1),       // unknown
        OperationState::Unknown => unknown,
        OperationState::Done | OperationState::Failed => 0,
    }
}

fn of_refund(ledger: &Ledger, refund: &Refund) -> u64 {
    // cleared → returned, its liability opened and ended
    let cleared = 3_u64;
    // … → resolved and cleared; or resolved and failed, its liability opened and ended
    let end = cleared.saturating_add(2);
    let unknown = end.saturating_add(u64::from(!refund.attention));
    let clearing = unknown.saturating_add(1); // unknown
    // attention, clearing; which lowers the flag, so that it can be raised again
    let queued = end.saturating_add(3).saturating_add(u64::from(!refund.attention));
    let approved = queued.saturating_add(1); // queued
    match refund.state {
        RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation => {
            // An answer makes the approvals fall: all have to come again.
            let asked = refund.state == RefundState::NeedsInformation;
            let seller = ledger.sale.operator.as_ref();
            let given = if asked { 0 } else { approval::counted(refund, seller) };
            let approvals = refund.plan.needed.saturating_sub(given);
            let escalations = u64::try_from(timer::escalations_left(refund)).unwrap_or(u64::MAX);
            // in-review, approved
            let review = u64::from(approvals).saturating_add(escalations).saturating_add(u64::from(asked));
            approved.saturating_add(2).saturating_add(review)
        }
        RefundState::Approved => approved,
        RefundState::Queued => queued,
        RefundState::Clearing => clearing,
        RefundState::Unknown => unknown,
        RefundState::Cleared => {
            let traced = refund.trace.as_ref().is_some_and(|trace| trace.arrived.is_none());
            u64::from(traced).saturating_add(if liability::is_returned(ledger, &refund.id) { 0 } else { cleared })
        }
        RefundState::Declined | RefundState::Withdrawn | RefundState::Expired | RefundState::Failed => 0,
    }
}
