//! Two persons end what no evidence will end.

use crate::argument::{self, valid};
use crate::draft::{Draft, Subject, wrong_state};
use crate::{refund, void};
use rescind_model::{EventKind, Evidence, OperationState, PersonId, RefundState, Rejection, Resolution, Target};

/// Ends an unknown operation, or one that a person was asked to look at, by the word of two persons.
///
/// A void that is being reversed is left to the reversal until a person is asked. The evidence names both persons; a
/// refund gives two events, `refund-resolved` and then the one of its new state.
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
        Target::Operation(_) => Err(Rejection::NoSuchOperation),
    }
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
