//! Two persons end what no evidence will end.

use crate::argument::{self, valid};
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::{operation, refund, void};
use rescind_model::{
    EventKind, Evidence, OperationId, OperationState, PersonId, RefundState, Rejection, Resolution, Target, Way,
};

/// Ends an unknown operation, or one that a person was asked to look at, by the word of two persons.
///
/// A void that is being reversed is left to the reversal until a person is asked. The evidence names both persons; a
/// refund gives two events, `refund-resolved` and then the one of its new state; so does any other operation.
pub(crate) fn resolve(draft: &mut Draft<'_>, resolution: &Resolution) -> Result<(), Rejection> {
    match &resolution.target {
        Target::Void(id) => {
            let void = draft.void(id)?;
            let unknown = void.state == OperationState::Unknown && !void.reversing;
            if !(unknown || void.attention) {
                return Err(wrong_state(void.state));
            }
            let (evidence, reason) = evidence(draft, resolution)?;
            let end = if resolution.took_place { OperationState::Done } else { OperationState::Failed };
            void::end(draft, id, end, evidence, Some(reason))
        }
        Target::Refund(id) => {
            let refund = draft.refund(id)?;
            if !(refund.state == RefundState::Unknown || refund.attention) {
                return Err(wrong_state(refund.state));
            }
            let subject = Subject::refund(refund);
            let (evidence, reason) = evidence(draft, resolution)?;
            draft.record(EventKind::RefundResolved, &subject, Some(reason.clone()));
            let end = if resolution.took_place { RefundState::Cleared } else { RefundState::Failed };
            refund::end(draft, id, end, evidence, Some(reason))
        }
        Target::Operation(id) => of_operation(draft, id, resolution),
    }
}

/// A reversal is left alone until a person is asked. One that has ended and was called into question by a late answer is
/// looked after and stays as it ended: a contrary word contradicts it.
fn of_operation(draft: &mut Draft<'_>, id: &OperationId, resolution: &Resolution) -> Result<(), Rejection> {
    let clock = draft.clock();
    let operation = draft.operation(id)?;
    let state = operation.state;
    let unknown = state == OperationState::Unknown && operation.kind != Way::Reversal;
    if !(unknown || operation.attention) {
        return Err(wrong_state(state));
    }
    let end = if resolution.took_place { OperationState::Done } else { OperationState::Failed };
    let ended = matches!(state, OperationState::Done | OperationState::Failed);
    if ended && state != end {
        return Err(contradicts(state));
    }
    let subject = Subject::operation(operation);
    let (evidence, reason) = evidence(draft, resolution)?;
    draft.record(EventKind::OperationResolved, &subject, Some(reason.clone()));
    if ended {
        let operation = draft.operation(id)?;
        operation.attention = false;
        operation.updated_at = clock.at;
        return Ok(());
    }
    operation::end(draft, id, end, evidence, Some(reason))
}

/// What the two persons said, with their names.
fn evidence(draft: &Draft<'_>, resolution: &Resolution) -> Result<(Evidence, String), Rejection> {
    let first = &draft.person()?.id;
    let second = valid(PersonId::parse(resolution.second.as_str()))?;
    if *first == second {
        return Err(Rejection::NotPermitted("same-person".to_owned()));
    }
    let reason = argument::reason(&resolution.reason)?;
    let evidence = Evidence {
        source: "resolution".to_owned(),
        code: None,
        reference: None,
        note: Some(format!("{first}, {second}: {reason}")),
        at: draft.clock().at,
    };
    Ok((evidence, reason))
}
