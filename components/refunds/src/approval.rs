//! Consent: who may give it, to what, and when it is complete.

use crate::draft::{Draft, Subject, wrong_state};
use crate::{argument, digest, inquiry, limits, refund, timer};
use rescind_model::{
    ActingPerson, Approval, Consent, EventKind, Instant, Ledger, PersonId, Refund, RefundId, RefundState, Refusal,
    Rejection, Role,
};

/// A person agrees to a refund.
pub(crate) fn approve(draft: &mut Draft<'_>, consent: &Consent) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let refund = draft.refund(&consent.refund)?;
    if refund.state != RefundState::InReview {
        return Err(wrong_state(refund.state));
    }
    timer::must_not_have_expired(refund, at)?;
    let other_revision = consent.revision.is_some_and(|seen| seen != refund.revision);
    let other_content = consent.digest.as_ref().is_some_and(|seen| *seen != refund.digest);
    if other_revision || other_content {
        return Err(Rejection::Changed(refund.revision));
    }
    let person = draft.person()?;
    let seller = draft.ledger.sale.operator.clone();
    let refund = draft.refund(&consent.refund)?;
    let role = permitted(refund, seller.as_ref(), person, at)?;
    if refund.approvals.iter().any(|given| given.by == person.id && is_current(refund, given)) {
        return Err(not_permitted("already-approved"));
    }
    if refund.approvals.len() >= limits::APPROVALS {
        return Err(Rejection::LimitReached("approvals".to_owned()));
    }
    refund.approvals.push(Approval {
        by: person.id.clone(),
        role: role.clone(),
        revision: refund.revision,
        digest: refund.digest.clone(),
        at,
    });
    refund.updated_at = at;
    let complete = counted(refund, seller.as_ref()) >= refund.plan.needed;
    if complete {
        // From here on the consent is kept: no timer of the review runs any more.
        refund.state = RefundState::Approved;
        refund.due_at = None;
    }
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundApprovalGiven, &subject, Some(role.to_string()));
    if complete {
        draft.record(EventKind::RefundApproved, &subject, None);
    }
    Ok(())
}

/// A person who could approve a refund refuses it. Somebody who has approved may think again.
pub(crate) fn decline(draft: &mut Draft<'_>, refusal: &Refusal) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let refund = draft.refund(&refusal.refund)?;
    if !matches!(refund.state, RefundState::InReview | RefundState::NeedsInformation) {
        return Err(wrong_state(refund.state));
    }
    timer::must_not_have_expired(refund, at)?;
    let person = draft.person()?;
    let seller = draft.ledger.sale.operator.clone();
    permitted(draft.refund(&refusal.refund)?, seller.as_ref(), person, at)?;
    let reason = argument::reason(&refusal.reason)?;
    refund::end_without_money(draft, &refusal.refund, RefundState::Declined, reason)
}

/// Whether a person has a hand in what is to be approved: asked for it or added to it, operated the terminal when it was
/// asked for, or when the sale was made (`seller`). A refund that names another operator does not let the sale's approve it.
fn involved(refund: &Refund, seller: Option<&PersonId>, person: &PersonId) -> Option<&'static str> {
    if inquiry::is_requester(refund, person) {
        Some("requester")
    } else if refund.request.operator.as_ref() == Some(person) || seller == Some(person) {
        Some("operator")
    } else {
        None
    }
}

/// The role that lets a person decide on a refund at this instant.
pub(crate) fn permitted(
    refund: &Refund,
    seller: Option<&PersonId>,
    person: &ActingPerson,
    at: Instant,
) -> Result<Role, Rejection> {
    if let Some(why) = involved(refund, seller, &person.id) {
        return Err(not_permitted(why));
    }
    let escalated = timer::escalations(refund).filter(|(when, _)| *when <= at).flat_map(|(_, step)| &step.roles);
    let counting = refund.plan.roles.iter().chain(escalated);
    let held = counting.into_iter().find(|role| person.roles.contains(role));
    held.cloned().ok_or_else(|| not_permitted("role"))
}

fn not_permitted(why: &str) -> Rejection {
    Rejection::NotPermitted(why.to_owned())
}

/// Whether an approval is of what the request is now.
fn is_current(refund: &Refund, approval: &Approval) -> bool {
    approval.revision == refund.revision && approval.digest == refund.digest
}

/// How many approvals count: of what the request is now, by distinct persons, none of them involved in it.
pub(crate) fn counted(refund: &Refund, seller: Option<&PersonId>) -> u32 {
    let mut persons: Vec<&PersonId> = refund
        .approvals
        .iter()
        .filter(|given| is_current(refund, given))
        .map(|given| &given.by)
        .filter(|by| involved(refund, seller, by).is_none())
        .collect();
    persons.sort_unstable();
    persons.dedup();
    u32::try_from(persons.len()).unwrap_or(u32::MAX)
}

/// INVARIANT (*consent*, `DOMAIN.md` §10): nothing clears without the approvals its plan demanded, of what clears. The
/// digest is computed afresh, so that approvals of anything else than the request as it stands are worth nothing.
pub(crate) fn must_be_complete(ledger: &Ledger, id: &RefundId) -> Result<(), Rejection> {
    let refund = refund::find(ledger, id)?;
    let sale = &ledger.sale;
    let fresh = digest::of_request(&sale.merchant, &sale.id, &refund.id, refund.revision, &refund.request);
    if fresh != refund.digest || counted(refund, sale.operator.as_ref()) < refund.plan.needed {
        return Err(Rejection::NotAllowed("consent".to_owned()));
    }
    Ok(())
}
