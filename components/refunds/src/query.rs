//! Asking for an unknown outcome: first on the network's schedule, then as long as it takes.

use crate::draft::{Clock, Draft, Subject, wrong_state};
use crate::limits::{LATE_QUERY_EVERY, QUERY_SECONDS, REVERSAL_WAIT_AT_MOST, REVERSALS_BEFORE_ATTENTION};
use crate::operation;
use rescind_model::step::asks_first;
use rescind_model::{
    Duration, EventKind, Instant, Operation, OperationId, OperationState, RefundId, RefundState, Rejection, Target, Way,
};

/// When an outcome that has just become unknown is asked for.
pub(crate) fn first(clock: Clock) -> Option<Instant> {
    scheduled(0).and_then(|wait| clock.due_in(wait))
}

/// Records that an outcome was asked for in vain, or that the reversal of a void was sent in vain.
pub(crate) fn record(draft: &mut Draft<'_>, target: &Target) -> Result<(), Rejection> {
    match target {
        Target::Void(id) => of_void(draft, id),
        Target::Refund(id) => of_refund(draft, id),
        Target::Operation(id) => of_operation(draft, id),
    }
}

/// An unknown void that no query can settle is reversed (`DOMAIN.md` §5.1): stored, forwarded, and never given up.
fn of_void(draft: &mut Draft<'_>, id: &OperationId) -> Result<(), Rejection> {
    let clock = draft.clock();
    let void = draft.void(id)?;
    if void.state != OperationState::Unknown {
        return Err(wrong_state(void.state));
    }
    void.queries = void.queries.saturating_add(1);
    void.updated_at = clock.at;
    let kind = if void.reversing {
        let in_vain = void.queries.saturating_sub(in_schedule());
        void.due_at = clock.due_in(reversal_wait(in_vain));
        let call = in_vain >= REVERSALS_BEFORE_ATTENTION && !void.attention;
        void.attention |= call;
        call.then_some(EventKind::VoidAttention)
    } else if let Some(wait) = scheduled(void.queries) {
        void.due_at = clock.due_in(wait);
        None
    } else {
        void.reversing = true;
        void.due_at = clock.due_now();
        Some(EventKind::VoidReversing)
    };
    let subject = Subject::void(void);
    if let Some(kind) = kind {
        draft.record(kind, &subject, None);
    }
    Ok(())
}

/// An unknown refund that no query can settle is a person's to look at; it goes on being asked for, and keeps its
/// reservation.
fn of_refund(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let clock = draft.clock();
    let refund = draft.refund(id)?;
    if refund.state != RefundState::Unknown {
        return Err(wrong_state(refund.state));
    }
    refund.queries = refund.queries.saturating_add(1);
    refund.updated_at = clock.at;
    let wait = scheduled(refund.queries);
    refund.due_at = clock.due_in(wait.unwrap_or(LATE_QUERY_EVERY));
    let call = wait.is_none() && !refund.attention;
    refund.attention |= call;
    let subject = Subject::refund(refund);
    if call {
        draft.record(EventKind::RefundAttention, &subject, None);
    }
    Ok(())
}

/// An operation, by the step it is at ([`rescind_model::step::next_step`]): the sale asked for before it is sent, a reversal
/// sent in vain, or any other asked for in vain. None is ever given up; a person is called when the schedule is at its end.
fn of_operation(draft: &mut Draft<'_>, id: &OperationId) -> Result<(), Rejection> {
    let clock = draft.clock();
    let asking = asks_first(operation::find(&draft.ledger, id)?, &draft.ledger);
    let operation = draft.operation(id)?;
    if !(asking || operation.state == OperationState::Unknown) {
        return Err(wrong_state(operation.state));
    }
    operation.queries = operation.queries.saturating_add(1);
    operation.updated_at = clock.at;
    operation.due_at = next_of(operation, clock);
    let in_vain = match (operation.state, operation.kind) {
        (OperationState::Unknown, Way::Reversal) => operation.queries >= REVERSALS_BEFORE_ATTENTION,
        (OperationState::Unknown, _) => scheduled_of(operation).is_none(),
        _ => false,
    };
    let call = in_vain && !operation.attention;
    operation.attention |= call;
    let subject = Subject::operation(operation);
    if call {
        draft.record(EventKind::OperationAttention, &subject, None);
    }
    Ok(())
}

/// When the courier is due for an operation next: to ask for the sale or the operation, or to send a reversal again.
pub(crate) fn next_of(operation: &Operation, clock: Clock) -> Option<Instant> {
    match (operation.state, operation.kind) {
        (OperationState::Unknown, Way::Reversal) => clock.due_in(reversal_wait(operation.queries.saturating_add(1))),
        (OperationState::Unknown, _) => clock.due_in(scheduled_of(operation).unwrap_or(LATE_QUERY_EVERY)),
        _ => scheduled_of(operation).map_or_else(|| clock.due_now(), |wait| clock.due_in(wait)),
    }
}

/// How long to wait after the queries an operation has had in vain, by its network's schedule or as usual.
fn scheduled_of(operation: &Operation) -> Option<Duration> {
    if operation.schedule.is_empty() {
        return scheduled(operation.queries);
    }
    usize::try_from(operation.queries).ok().and_then(|index| operation.schedule.get(index)).copied()
}

/// The usual waits before queries.
pub(crate) fn usual_schedule() -> Vec<Duration> {
    QUERY_SECONDS.iter().copied().map(Duration::seconds).collect()
}

/// How long to wait after so many queries in vain; nothing when the schedule is at its end.
fn scheduled(queries: u32) -> Option<Duration> {
    let seconds = usize::try_from(queries).ok().and_then(|index| QUERY_SECONDS.get(index));
    seconds.map(|seconds| Duration::seconds(*seconds))
}

fn in_schedule() -> u32 {
    u32::try_from(QUERY_SECONDS.len()).unwrap_or(u32::MAX)
}

/// 2, 4, 8 … seconds, up to the longest wait.
fn reversal_wait(in_vain: u32) -> Duration {
    let seconds = 2_u32.saturating_pow(in_vain);
    Duration::seconds(seconds).min(REVERSAL_WAIT_AT_MOST)
}
