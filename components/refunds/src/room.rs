//! Room in a ledger: for another operation, its name, and every event that open operations may still need.

use crate::draft::Draft;
use crate::limits;
use crate::{approval, timer};
use rescind_model::{Ledger, OperationState, PersonId, Refund, RefundState, Rejection, VoidOperation};

/// A name and a provider reference that no operation of this ledger has. The provider acts on a reference at most once:
/// of two operations under one reference, one would never take place.
pub(crate) fn free_name(ledger: &Ledger, name: &str, reference: &str) -> Result<(), Rejection> {
    let voids = ledger.voids.iter().map(|void| (void.id.as_str(), void.provider_reference.as_str()));
    let refunds = ledger.refunds.iter().map(|refund| (refund.id.as_str(), refund.provider_reference.as_str()));
    for (taken, taken_reference) in voids.chain(refunds) {
        if taken == name {
            return Err(Rejection::NameTaken);
        }
        if taken_reference == reference {
            return Err(Rejection::Invalid(format!("provider-reference: already that of {taken}")));
        }
    }
    Ok(())
}

/// Lets a new or retried operation in if the ledger can still take all that may follow.
///
/// INVARIANT: `events + still_to_come <= limits::EVENTS`. Every other transition lowers `still_to_come` by at least the
/// events it records.
pub(crate) fn admit(draft: &Draft<'_>) -> Result<(), Rejection> {
    let operations = draft.ledger.voids.len().saturating_add(draft.ledger.refunds.len());
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
    let sale = [
        status.outcome == rescind_model::SaleOutcome::Unknown,
        status.batch_closed_at.is_none(),
        status.settled_at.is_none(),
        status.paid_out_at.is_none(),
    ];
    let sale = sale.into_iter().map(u64::from);
    let voids = ledger.voids.iter().map(of_void);
    let refunds = ledger.refunds.iter().map(|refund| of_refund(refund, ledger.sale.operator.as_ref()));
    sale.chain(voids).chain(refunds).fold(0, u64::saturating_add)
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

fn of_refund(refund: &Refund, seller: Option<&PersonId>) -> u64 {
    // … → resolved and cleared or failed
    let end = 2_u64;
    let unknown = end.saturating_add(u64::from(!refund.attention));
    let clearing = unknown.saturating_add(1); // unknown
    let approved = clearing.saturating_add(2); // queued, clearing
    match refund.state {
        RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation => {
            let approvals = refund.plan.needed.saturating_sub(approval::counted(refund, seller));
            let escalations = u64::try_from(timer::escalations_left(refund)).unwrap_or(u64::MAX);
            // in-review, approved
            approved.saturating_add(2).saturating_add(u64::from(approvals)).saturating_add(escalations)
        }
        RefundState::Approved | RefundState::Queued => approved,
        RefundState::Clearing => clearing,
        RefundState::Unknown => unknown,
        RefundState::Cleared
        | RefundState::Declined
        | RefundState::Withdrawn
        | RefundState::Expired
        | RefundState::Failed => 0,
    }
}
