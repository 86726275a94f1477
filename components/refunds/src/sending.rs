//! An operation is about to be sent. Recorded before it is, so that a crash in between leaves a trace.

use crate::draft::{Clock, Draft, Subject, wrong_state};
use crate::{limits, operation, refund};
use rescind_model::step::asks_first;
use rescind_model::{
    EventKind, Executor, Instant, OperationId, OperationState, RefundId, RefundState, Rejection, Target,
};

/// Records that an operation, or the reversal of an unknown void, is about to be sent.
///
/// It may be sent again under the same reference for as long as it has not ended: that gives no second event and never
/// makes an unknown outcome less unknown. Every sending is counted, but for voids.
pub(crate) fn record(draft: &mut Draft<'_>, target: &Target) -> Result<(), Rejection> {
    match target {
        Target::Void(id) => send_void(draft, id),
        Target::Refund(id) => send_refund(draft, id),
        Target::Operation(id) => send_operation(draft, id),
    }
}

fn send_void(draft: &mut Draft<'_>, id: &OperationId) -> Result<(), Rejection> {
    let clock = draft.clock();
    let void = draft.void(id)?;
    let first = match void.state {
        OperationState::Authorised => true,
        OperationState::Sent | OperationState::Unknown => false,
        OperationState::Done | OperationState::Failed => return Err(wrong_state(void.state)),
    };
    void.updated_at = clock.at;
    let from_courier = void.executor == Executor::Courier || void.state == OperationState::Unknown;
    void.due_at = answer_due(void.due_at, from_courier, clock);
    if first {
        void.state = OperationState::Sent;
        let subject = Subject::void(void);
        draft.record(EventKind::VoidSent, &subject, None);
    }
    Ok(())
}

fn send_refund(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let clock = draft.clock();
    match draft.refund(id)?.state {
        RefundState::Approved => refund::enter_clearing(draft, id, EventKind::RefundClearing)?,
        RefundState::Clearing | RefundState::Unknown => {}
        other => return Err(wrong_state(other)),
    }
    let refund = draft.refund(id)?;
    refund.attempts = refund.attempts.saturating_add(1);
    refund.updated_at = clock.at;
    let from_courier = refund.executor == Executor::Courier || refund.state == RefundState::Unknown;
    refund.due_at = answer_due(refund.due_at, from_courier, clock);
    Ok(())
}

fn send_operation(draft: &mut Draft<'_>, id: &OperationId) -> Result<(), Rejection> {
    let clock = draft.clock();
    // On the network's schedule the truth about the sale comes first.
    let asking = asks_first(operation::find(&draft.ledger, id)?, &draft.ledger);
    let operation = draft.operation(id)?;
    let ended = matches!(operation.state, OperationState::Done | OperationState::Failed);
    if asking || ended {
        return Err(wrong_state(operation.state));
    }
    let first = operation.state == OperationState::Authorised;
    operation.attempts = operation.attempts.saturating_add(1);
    operation.updated_at = clock.at;
    let from_courier = operation.executor == Executor::Courier || operation.state == OperationState::Unknown;
    operation.due_at = answer_due(operation.due_at, from_courier, clock);
    if first {
        operation.state = OperationState::Sent;
        // What is counted from here on is asked in vain for the operation, no longer for the sale.
        operation.queries = 0;
        let subject = Subject::operation(operation);
        draft.record(EventKind::OperationSent, &subject, None);
    }
    Ok(())
}

/// Leaves the provider time to answer. Never earlier than what was due before; what a terminal sends is not the courier's.
fn answer_due(due_at: Option<Instant>, from_courier: bool, clock: Clock) -> Option<Instant> {
    if from_courier { due_at.max(clock.due_in(limits::ANSWER_WITHIN)) } else { due_at }
}
