//! What time does: it escalates and ends reviews, ends codes and holds, and calls a person when a terminal is
//! silent or nobody knows of a payment. Nothing that may have
//! reached the provider is ever ended or released by it.

use crate::draft::{Draft, Subject, later};
use crate::limits::{FUNDS_WITHIN, TERMINAL_REPORTS_WITHIN};
use crate::{case, code, doubt, hold, order};
use rescind_model::{
    Escalation, EventKind, Executor, Instant, Ledger, Operation, OperationState, Refund, RefundState, Rejection,
    SaleOutcome, VoidOperation,
};

/// See [`crate::due`].
pub(crate) fn due(ledger: &Ledger) -> Option<Instant> {
    let voids = ledger.voids.iter().flat_map(|void| [void.due_at, silent_from(void)]);
    let refunds =
        ledger.refunds.iter().flat_map(|refund| [refund.due_at, silent_about_from(refund), unfunded_from(refund)]);
    let traces = ledger.refunds.iter().filter_map(|refund| refund.trace.as_ref()).map(|trace| trace.due_at);
    let operations = ledger.operations.iter().flat_map(|operation| [operation.due_at, unreported_from(operation)]);
    let cases = ledger.cases.iter().map(case::due);
    let orders = ledger.orders.iter().map(order::due);
    let payment = [code::ends_at(ledger), hold::ends_at(ledger), doubt::calls_from(ledger)];
    let done_by_courier = voids.chain(refunds).chain(traces).chain(operations);
    done_by_courier.chain(cases).chain(orders).chain(payment).flatten().min()
}

/// Lets time do its work.
pub(crate) fn pass(draft: &mut Draft<'_>) {
    let at = draft.clock().at;
    let mut happened = Vec::new();
    for void in &mut draft.ledger.voids {
        if silent_from(void).is_some_and(|from| from <= at) {
            void.attention = true;
            void.updated_at = at;
            happened.push((EventKind::VoidAttention, Subject::void(void), None));
        }
    }
    for refund in &mut draft.ledger.refunds {
        if awaits_consent(refund.state) {
            pass_review(refund, at, &mut happened);
        } else if silent_about_from(refund).or(unfunded_from(refund)).is_some_and(|from| from <= at) {
            refund.attention = true;
            refund.updated_at = at;
            happened.push((EventKind::RefundAttention, Subject::refund(refund), None));
        }
    }
    happened.extend(draft.ledger.cases.iter_mut().filter_map(|case| case::pass(case, at)));
    happened.extend(draft.ledger.orders.iter_mut().filter_map(|order| order::pass(order, at)));
    for operation in &mut draft.ledger.operations {
        if unreported_from(operation).is_some_and(|from| from <= at) {
            operation.attention = true;
            operation.updated_at = at;
            happened.push((EventKind::OperationAttention, Subject::operation(operation), None));
        }
    }
    pass_payment(&mut draft.ledger, at, &mut happened);
    happened.extend(doubt::pass(&mut draft.ledger, at));
    for (kind, subject, reason) in happened {
        draft.record(kind, &subject, reason);
    }
}

/// Ends a code that nobody has scanned, or a hold that nobody has completed. What is under way is left to its outcome.
fn pass_payment(ledger: &mut Ledger, at: Instant, happened: &mut Vec<(EventKind, Subject, Option<String>)>) {
    let ends = [
        (code::ends_at(ledger), SaleOutcome::Expired, EventKind::CodeExpired),
        (hold::ends_at(ledger), SaleOutcome::Lapsed, EventKind::HoldLapsed),
    ];
    for (ends_at, outcome, kind) in ends {
        if ends_at.is_some_and(|end| end <= at) {
            ledger.status.outcome = outcome;
            happened.push((kind, Subject::sale(Some(ledger.sale.captured.clone())), None));
        }
    }
}

/// Escalates or ends a review. One that has expired is not escalated first.
fn pass_review(refund: &mut Refund, at: Instant, happened: &mut Vec<(EventKind, Subject, Option<String>)>) {
    let due_at = refund.due_at.unwrap_or(refund.submitted_at);
    if due_at > at {
        return;
    }
    let subject = Subject::refund(refund);
    if expiry(refund) <= at {
        refund.state = RefundState::Expired;
        refund.due_at = None;
        happened.push((EventKind::RefundExpired, subject, None));
    } else {
        let mut reached: Vec<_> = escalations(refund).filter(|(when, _)| (due_at..=at).contains(when)).collect();
        reached.sort_by_key(|(when, _)| *when);
        for (_, step) in reached {
            let roles: Vec<&str> = step.roles.iter().map(rescind_model::Role::as_str).collect();
            happened.push((EventKind::RefundEscalated, subject.clone(), Some(roles.join(" "))));
        }
        let next = escalations(refund).map(|(when, _)| when).filter(|when| *when > at).min();
        refund.due_at = Some(next.unwrap_or_else(|| expiry(refund)));
    }
    refund.updated_at = at;
}

/// From when a person has to look after a void that its terminal has said nothing about. It has no `due-at` until its
/// outcome is unknown: nobody but the terminal may send it.
fn silent_from(void: &VoidOperation) -> Option<Instant> {
    let terminals = void.executor == Executor::Terminal
        && matches!(void.state, OperationState::Authorised | OperationState::Sent)
        && !void.attention;
    terminals.then(|| later(void.updated_at, TERMINAL_REPORTS_WITHIN))
}

/// The same for a refund.
fn silent_about_from(refund: &Refund) -> Option<Instant> {
    let terminals = refund.executor == Executor::Terminal && refund.state == RefundState::Clearing && !refund.attention;
    terminals.then(|| later(refund.updated_at, TERMINAL_REPORTS_WITHIN))
}

/// From when a person has to look after a refund that waits for funds. Its consent is kept, and it goes on waiting.
fn unfunded_from(refund: &Refund) -> Option<Instant> {
    let waits = refund.state == RefundState::Queued && !refund.attention;
    waits.then(|| later(refund.updated_at, FUNDS_WITHIN))
}

/// The same as for a silent terminal's refund, for any other operation.
fn unreported_from(operation: &Operation) -> Option<Instant> {
    let terminals = operation.executor == Executor::Terminal
        && matches!(operation.state, OperationState::Authorised | OperationState::Sent)
        && !operation.attention;
    terminals.then(|| later(operation.updated_at, TERMINAL_REPORTS_WITHIN))
}

/// Whether approvals are outstanding: only then can a refund expire.
fn awaits_consent(state: RefundState) -> bool {
    matches!(state, RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation)
}

/// When a review ends unless the last approval is in.
fn expiry(refund: &Refund) -> Instant {
    later(refund.submitted_at, refund.plan.expires_after)
}

/// The escalations that can come, each with its instant. One at or after the expiry never comes.
pub(crate) fn escalations(refund: &Refund) -> impl Iterator<Item = (Instant, &Escalation)> {
    let end = expiry(refund);
    let steps = refund.plan.escalations.iter().map(|step| (later(refund.submitted_at, step.after), step));
    steps.filter(move |(when, _)| *when < end)
}

/// How many escalations have not been told yet: those at or after the instant the review is due.
pub(crate) fn escalations_left(refund: &Refund) -> usize {
    let due_at = refund.due_at.unwrap_or(refund.submitted_at);
    escalations(refund).filter(|(when, _)| *when >= due_at).count()
}

/// The first instant at which a review changes by itself.
pub(crate) fn first_review_step(refund: &Refund) -> Instant {
    let first = escalations(refund).map(|(when, _)| when).min();
    first.unwrap_or_else(|| expiry(refund))
}

/// Whoever decides after the deadline decides too late, even if no timer has run yet.
pub(crate) fn must_not_have_expired(refund: &Refund, at: Instant) -> Result<(), Rejection> {
    if expiry(refund) <= at {
        return Err(crate::draft::wrong_state(RefundState::Expired));
    }
    Ok(())
}
