//! A reviewer asks, the merchant answers: the request is then another, and everyone has to look again.
//!
//! | state | ask | answer |
//! |---|---|---|
//! | in-review | → needs-information | wrong-state |
//! | needs-information | wrong-state | → in-review, revision + 1, no approvals |
//! | any other | wrong-state | wrong-state |
//!
//! The review's clock does not stop meanwhile: it escalates and expires as it would.
//!
//! Who answers adds to what is asked for, and so counts as a requester from then on: they may not agree to it. For the same
//! reason nobody answers who has asked, or who has agreed to the request as it stood.

use crate::argument::{self, at_most};
use crate::draft::{Draft, Subject, wrong_state};
use crate::{approval, digest, limits, refund, room, timer};
use rescind_model::{EventKind, Information, InformationRequest, Inquiry, PersonId, Refund, RefundState, Rejection};

/// A person who could approve asks something.
pub(crate) fn ask(draft: &mut Draft<'_>, wanted: &InformationRequest) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let refund = draft.refund(&wanted.refund)?;
    if refund.state != RefundState::InReview {
        return Err(wrong_state(refund.state));
    }
    timer::must_not_have_expired(refund, at)?;
    let person = draft.person()?;
    let seller = draft.ledger.sale.operator.clone();
    let refund = draft.refund(&wanted.refund)?;
    approval::permitted(refund, seller.as_ref(), person, at)?;
    let question = argument::commitment(&wanted.question)?;
    if refund.inquiries.len() >= limits::INQUIRIES {
        return Err(Rejection::LimitReached("inquiries".to_owned()));
    }
    refund.inquiries.push(Inquiry {
        asked_by: person.id.clone(),
        question,
        asked_at: at,
        answered_by: None,
        answered_at: None,
    });
    refund.state = RefundState::NeedsInformation;
    refund.updated_at = at;
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundInformationAsked, &subject, None);
    room::admit(draft)
}

/// The requester answers, or somebody else of the merchant who has no part in the review.
pub(crate) fn answer(draft: &mut Draft<'_>, given: &Information) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let (merchant, sale) = (draft.ledger.sale.merchant.clone(), draft.ledger.sale.id.clone());
    let person = draft.person()?;
    let refund = draft.refund(&given.refund)?;
    if refund.state != RefundState::NeedsInformation {
        return Err(wrong_state(refund.state));
    }
    timer::must_not_have_expired(refund, at)?;
    if refund.approvals.iter().any(|approval| approval.by == person.id) {
        return Err(Rejection::NotPermitted("already-approved".to_owned()));
    }
    if refund.inquiries.iter().any(|inquiry| inquiry.asked_by == person.id) {
        return Err(Rejection::NotPermitted("same-person".to_owned()));
    }
    if given.note.is_none() && given.evidence.is_empty() {
        return Err(Rejection::Invalid("information: expected a note or evidence".to_owned()));
    }
    let note = given.note.as_ref().map(argument::commitment).transpose()?;
    refund::check_evidence(&given.evidence)?;
    let evidence = refund.request.evidence.len().saturating_add(given.evidence.len());
    at_most("evidence", "items", evidence, limits::EVIDENCE)?;

    refund.request.note = note.or_else(|| refund.request.note.take());
    refund.request.evidence.extend(given.evidence.iter().cloned());
    refund.revision = refund.revision.saturating_add(1);
    refund.digest = digest::of_request(&merchant, &sale, &refund.id, refund.revision, &refund.request);
    refund.approvals.clear();
    if let Some(inquiry) = refund.inquiries.last_mut() {
        inquiry.answered_by = Some(person.id.clone());
        inquiry.answered_at = Some(at);
    }
    refund.state = RefundState::InReview;
    refund.updated_at = at;
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundInformationGiven, &subject, None);
    Ok(())
}

/// Whether a person has a part in what is asked for: asked for it, or added to it since.
pub(crate) fn is_requester(refund: &Refund, person: &PersonId) -> bool {
    let answered = refund.inquiries.iter().any(|inquiry| inquiry.answered_by.as_ref() == Some(person));
    answered || refund.request.requested_by == *person
}
