//! A refund: submitted, agreed to, cleared, or ended without money.

use crate::argument::{self, at_most, valid};
use crate::conservation;
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::grant::Asked;
use crate::void::{first_due, gist, must_have_no_void};
use crate::{approval, digest, entry, grant, liability, limits, order, query, room, sale, timer};
use rescind_model::standing::Standing;
use rescind_model::{
    Actor, ApprovalPlan, Digest, Duration, EventKind, Evidence, EvidenceItem, FeeKind, Ledger, LiabilityCause, Money,
    PersonId, Refund, RefundId, RefundRequest, RefundState, RefundSubmission, Refusal, Rejection, ResultOf, Role, Way,
};

/// Reserves an amount for a refund. One that needs nobody's approval is approved in the same step.
///
/// A person submits in their own name only: whoever could submit in another's could then approve it.
pub(crate) fn submit(draft: &mut Draft<'_>, wanted: &RefundSubmission) -> Result<(), Rejection> {
    let clock = draft.clock();
    valid(RefundId::parse(wanted.id.as_str()))?;
    argument::reference(&wanted.provider_reference)?;
    let request = checked(&wanted.request)?;
    if let Actor::Person(person) = draft.actor()
        && person.id != request.requested_by
    {
        return Err(Rejection::NotPermitted("not-requester".to_owned()));
    }

    let ledger = &draft.ledger;
    sale::must_be_good(ledger)?;
    room::free_name(ledger, wanted.id.as_str(), &wanted.provider_reference)?;
    must_have_no_void(ledger)?;
    order::must_not_wait(draft)?;
    must_correct_a_cleared_one(ledger, &request)?;
    let asked = Asked {
        id: wanted.id.as_str(),
        way: Way::Refund,
        amount: &request.amount,
        reason: &request.reason,
        penalty: false,
        requester: Some(&request.requested_by),
    };
    let grounds = grant::accept(draft, &wanted.decision, &wanted.grounds, &asked)?;
    let ledger = &draft.ledger;
    let obligations = &wanted.decision.obligations;
    let missing = obligations.evidence.iter().any(|kind| !request.evidence.iter().any(|item| item.kind == *kind));
    if missing {
        return Err(Rejection::NotAllowed("evidence".to_owned()));
    }
    let plan = obligations.approvals.clone().unwrap_or_else(automatic);
    check_plan(&plan)?;
    let standing = conservation::check(ledger)?;
    must_fit(&standing, &request.amount)?;
    at_most("fees", "fees", obligations.fees.len(), limits::FEES)?;
    conservation::check_fees(ledger, &standing, &obligations.fees)?;
    conservation::check_coupon(ledger, &standing, &request.amount, obligations.coupon.as_ref())?;

    let needs_people = plan.needed > 0;
    let revision = 1;
    let mut refund = Refund {
        id: wanted.id.clone(),
        revision,
        digest: digest::of_request(&ledger.sale.merchant, &ledger.sale.id, &wanted.id, revision, &request),
        state: if needs_people { RefundState::InReview } else { RefundState::Approved },
        request,
        plan,
        approvals: Vec::new(),
        fees: obligations.fees.clone(),
        arrival: obligations.arrival,
        executor: obligations.executor,
        provider_reference: wanted.provider_reference.clone(),
        attempts: 0,
        queries: 0,
        attention: false,
        policy: wanted.decision.policy.clone(),
        submitted_at: clock.at,
        updated_at: clock.at,
        due_at: None,
        evidence: None,
        ended_because: None,
        grounds,
        inquiries: Vec::new(),
        coupon: obligations.coupon.clone(),
        funding: obligations.funding,
        trace: None,
    };
    if needs_people {
        refund.due_at = Some(timer::first_review_step(&refund));
    }
    let subject = Subject::refund(&refund);
    let reason = Some(refund.request.reason.clone()).filter(|text| !text.is_empty());
    draft.ledger.refunds.push(refund);
    draft.record(EventKind::RefundSubmitted, &subject, reason);
    let next = if needs_people { EventKind::RefundInReview } else { EventKind::RefundApproved };
    draft.record(next, &subject, None);
    room::admit(draft)
}

/// The plan of a refund that the automatic review alone approves.
fn automatic() -> ApprovalPlan {
    ApprovalPlan {
        tier: "automatic".to_owned(),
        needed: 0,
        roles: Vec::new(),
        expires_after: Duration { ms: 0 },
        escalations: Vec::new(),
    }
}

/// A request within its limits, its free text masked.
fn checked(request: &RefundRequest) -> Result<RefundRequest, Rejection> {
    let amount = valid(Money::new(request.amount.minor, &request.amount.currency))?;
    if amount.is_zero() {
        return Err(Rejection::Invalid("amount: expected more than zero".to_owned()));
    }
    valid(PersonId::parse(request.requested_by.as_str()))?;
    if let Some(operator) = &request.operator {
        valid(PersonId::parse(operator.as_str()))?;
    }
    check_evidence(&request.evidence)?;
    if let Some(contact) = &request.contact {
        valid(Digest::parse(contact.as_str()))?;
    }
    Ok(RefundRequest {
        amount,
        reason: argument::text("reason", &request.reason)?,
        note: request.note.as_ref().map(argument::commitment).transpose()?,
        evidence: request.evidence.clone(),
        requested_by: request.requested_by.clone(),
        operator: request.operator.clone(),
        contact: request.contact.clone(),
        corrects: request.corrects.clone(),
    })
}

/// Evidence within its limits.
pub(crate) fn check_evidence(items: &[EvidenceItem]) -> Result<(), Rejection> {
    at_most("evidence", "items", items.len(), limits::EVIDENCE)?;
    for EvidenceItem { kind, content } in items {
        // The vocabulary's tokens and names have one shape; a role is one.
        valid(Role::parse(kind).map_err(|_| "evidence: expected a kind such as receipt"))?;
        valid(Digest::parse(content.as_str()))?;
    }
    Ok(())
}

/// Only a refund that cleared can have had a wrong amount.
fn must_correct_a_cleared_one(ledger: &Ledger, request: &RefundRequest) -> Result<(), Rejection> {
    let Some(wrong) = &request.corrects else { return Ok(()) };
    match find(ledger, wrong)?.state {
        RefundState::Cleared => Ok(()),
        other => Err(wrong_state(other)),
    }
}

/// A plan that can be kept: small, and not one that nobody could ever fulfil.
fn check_plan(plan: &ApprovalPlan) -> Result<(), Rejection> {
    at_most("plan tier", "bytes", plan.tier.len(), limits::TEXT_BYTES)?;
    at_most("plan", "approvals", usize::try_from(plan.needed).unwrap_or(usize::MAX), limits::APPROVALS)?;
    at_most("plan", "roles", plan.roles.len(), limits::ROLES)?;
    at_most("plan", "escalations", plan.escalations.len(), limits::ESCALATIONS)?;
    for escalation in &plan.escalations {
        at_most("escalation", "roles", escalation.roles.len(), limits::ROLES)?;
    }
    let all = plan.roles.iter().chain(plan.escalations.iter().flat_map(|step| &step.roles));
    let mut nobody = true;
    for role in all {
        valid(Role::parse(role.as_str()))?;
        nobody = false;
    }
    if plan.needed > 0 && nobody {
        return Err(Rejection::Invalid("plan: it needs approvals and names no role that could give one".to_owned()));
    }
    Ok(())
}

/// An amount that is still there.
fn must_fit(standing: &Standing, amount: &Money) -> Result<(), Rejection> {
    match amount.exceeds(&standing.left) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Rejection::ExceedsBalance(standing.left.clone())),
        Err(error) => Err(Rejection::Invalid(format!("amount: {error}"))),
    }
}

/// The requester takes a refund back, as long as no money was asked for.
pub(crate) fn withdraw(draft: &mut Draft<'_>, refusal: &Refusal) -> Result<(), Rejection> {
    let clock = draft.clock();
    let refund = draft.refund(&refusal.refund)?;
    match refund.state {
        RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation => {
            timer::must_not_have_expired(refund, clock.at)?;
        }
        RefundState::Approved | RefundState::Queued => {}
        other => return Err(wrong_state(other)),
    }
    let requester = refund.request.requested_by.clone();
    if draft.person()?.id != requester {
        return Err(Rejection::NotPermitted("not-requester".to_owned()));
    }
    let reason = argument::reason(&refusal.reason)?;
    end_without_money(draft, &refusal.refund, RefundState::Withdrawn, reason)
}

/// Ends a refund that never reached the provider, and releases its reservation.
pub(crate) fn end_without_money(
    draft: &mut Draft<'_>,
    id: &RefundId,
    state: RefundState,
    reason: String,
) -> Result<(), Rejection> {
    let clock = draft.clock();
    let refund = draft.refund(id)?;
    refund.state = state;
    refund.updated_at = clock.at;
    refund.due_at = None;
    refund.ended_because = Some(reason.clone());
    let subject = Subject::refund(refund);
    let kind = if state == RefundState::Withdrawn { EventKind::RefundWithdrawn } else { EventKind::RefundDeclined };
    draft.record(kind, &subject, Some(reason));
    Ok(())
}

/// An approved refund goes to clearing.
pub(crate) fn clear(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let state = draft.refund(id)?.state;
    if !matches!(state, RefundState::Approved | RefundState::Queued) {
        return Err(wrong_state(state));
    }
    enter_clearing(draft, id, EventKind::RefundClearing)
}

/// An approved refund waits until the merchant has funds. Its consent is kept; `clear` takes it on.
pub(crate) fn queue(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let at = draft.clock().at;
    match draft.refund(id)?.state {
        RefundState::Queued => return Ok(()),
        RefundState::Approved => {}
        other => return Err(wrong_state(other)),
    }
    approval::must_be_complete(&draft.ledger, id)?;
    let refund = draft.refund(id)?;
    refund.state = RefundState::Queued;
    refund.updated_at = at;
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundQueued, &subject, None);
    Ok(())
}

/// Moves a refund into clearing, from wherever its caller has found it.
///
/// INVARIANT (*consent*): this is the only way into `clearing`, and it asks again whether the consent is complete.
pub(crate) fn enter_clearing(draft: &mut Draft<'_>, id: &RefundId, kind: EventKind) -> Result<(), Rejection> {
    let clock = draft.clock();
    approval::must_be_complete(&draft.ledger, id)?;
    let refund = draft.refund(id)?;
    refund.state = RefundState::Clearing;
    refund.queries = 0;
    refund.attention = false;
    refund.updated_at = clock.at;
    refund.due_at = first_due(refund.executor, clock);
    let subject = Subject::refund(refund);
    draft.record(kind, &subject, None);
    Ok(())
}

/// A failed refund is tried again: reserved anew, under its old reference and its old approvals.
pub(crate) fn retry(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let refund = draft.refund(id)?;
    if refund.state != RefundState::Failed {
        return Err(wrong_state(refund.state));
    }
    let amount = refund.request.amount.clone();
    sale::must_be_good(&draft.ledger)?;
    must_have_no_void(&draft.ledger)?;
    order::must_not_wait(draft)?;
    liability::must_not_be_paid(&draft.ledger, id)?;
    let standing = conservation::check(&draft.ledger)?;
    must_fit(&standing, &amount)?;
    lower_returned_fee(draft, id, &standing)?;
    fit_coupon(draft, id, &standing)?;
    enter_clearing(draft, id, EventKind::RefundRetried)?;
    room::admit(draft)
}

/// Refunds that were made in the meantime may have taken this one's share of the acquiring fee by rounding. No more is
/// given back than was charged.
fn lower_returned_fee(draft: &mut Draft<'_>, id: &RefundId, standing: &Standing) -> Result<(), Rejection> {
    let damaged = |error| Rejection::Invalid(format!("ledger: {error}"));
    let mut left = draft.ledger.sale.fee_charged.minus(&standing.fee_returned).map_err(damaged)?;
    for fee in &mut draft.refund(id)?.fees {
        if fee.kind == FeeKind::AcquiringReturned {
            if fee.amount.exceeds(&left).map_err(damaged)? {
                fee.amount = left.clone();
            }
            left = left.minus(&fee.amount).map_err(damaged)?;
        }
    }
    Ok(())
}

/// The same for the coupon: refunds made in the meantime may have shifted a minor unit between its sponsor and the payer.
fn fit_coupon(draft: &mut Draft<'_>, id: &RefundId, standing: &Standing) -> Result<(), Rejection> {
    let amount = find(&draft.ledger, id)?.request.amount.clone();
    let (least, most) = conservation::sponsors_share(&draft.ledger, standing, &amount)?;
    let refund = draft.refund(id)?;
    let wanted = refund.coupon.clone().unwrap_or_else(|| amount.zero_like());
    let minor = wanted.minor.max(least.minor).min(most.minor);
    if minor != wanted.minor {
        refund.coupon = Some(valid(Money::new(minor, &amount.currency))?);
    }
    Ok(())
}

/// Takes in what was said about a refund.
///
/// | state | done | failed | unknown |
/// |---|---|---|---|
/// | clearing | → cleared | → failed, unless it is the failure it was retried after | → unknown |
/// | unknown | → cleared | → failed | nothing new |
/// | cleared | nothing new | contradicts | nothing new |
/// | failed | contradicts | nothing new | nothing new |
/// | declined, withdrawn, expired | contradicts | wrong-state | wrong-state |
/// | any other | wrong-state | wrong-state | wrong-state |
pub(crate) fn hear(draft: &mut Draft<'_>, id: &RefundId, heard: &ResultOf) -> Result<(), Rejection> {
    let clock = draft.clock();
    let refund = draft.refund(id)?;
    match (refund.state, heard) {
        (_, ResultOf::Reversed(_)) => Err(Rejection::Invalid("outcome: only a void can be reversed".to_owned())),
        (RefundState::Cleared, ResultOf::Done(_) | ResultOf::Unknown(_))
        | (RefundState::Failed, ResultOf::Failed(_) | ResultOf::Unknown(_))
        | (RefundState::Unknown, ResultOf::Unknown(_)) => Ok(()),
        (RefundState::Cleared, ResultOf::Failed(_))
        | (
            RefundState::Failed | RefundState::Declined | RefundState::Withdrawn | RefundState::Expired,
            ResultOf::Done(_),
        ) => Err(contradicts(refund.state)),
        (RefundState::Clearing | RefundState::Unknown, ResultOf::Done(evidence)) => {
            let evidence = argument::evidence(evidence);
            let reason = gist(&evidence);
            end(draft, id, RefundState::Cleared, evidence, reason)
        }
        (RefundState::Clearing | RefundState::Unknown, ResultOf::Failed(evidence)) => {
            let evidence = argument::evidence(evidence);
            if refund.evidence.as_ref() == Some(&evidence) {
                return Ok(());
            }
            let reason = gist(&evidence);
            end(draft, id, RefundState::Failed, evidence, reason)
        }
        (RefundState::Clearing, ResultOf::Unknown(evidence)) => {
            refund.state = RefundState::Unknown;
            // Whoever carries it out may have sent it: a void is impossible from now on.
            refund.attempts = refund.attempts.max(1);
            refund.queries = 0;
            refund.updated_at = clock.at;
            refund.due_at = query::first(clock);
            let evidence = argument::evidence(evidence);
            let reason = gist(&evidence);
            refund.evidence = Some(evidence);
            let subject = Subject::refund(refund);
            draft.record(EventKind::RefundUnknown, &subject, reason);
            Ok(())
        }
        (other, _) => Err(wrong_state(other)),
    }
}

/// Ends a refund that was with the provider: posted if it cleared, released if it failed.
pub(crate) fn end(
    draft: &mut Draft<'_>,
    id: &RefundId,
    state: RefundState,
    evidence: Evidence,
    reason: Option<String>,
) -> Result<(), Rejection> {
    let clock = draft.clock();
    let refund = draft.refund(id)?;
    refund.state = state;
    // A terminal reports without announcing that it sends: it was sent all the same.
    refund.attempts = refund.attempts.max(1);
    refund.attention = false;
    refund.updated_at = clock.at;
    refund.due_at = None;
    refund.evidence = Some(evidence);
    let subject = Subject::refund(refund);
    let Refund { request, coupon, fees, .. } = refund.clone();
    if state == RefundState::Cleared {
        entry::refunded(draft, &request.amount, coupon.as_ref(), &fees, id.as_str())?;
        draft.record(EventKind::RefundCleared, &subject, reason);
        liability::settle(draft, id)
    } else {
        draft.record(EventKind::RefundFailed, &subject, reason);
        liability::open_for(draft, id, LiabilityCause::RefundFailed)
    }
}

/// A refund by name, to read.
pub(crate) fn find<'l>(ledger: &'l Ledger, id: &RefundId) -> Result<&'l Refund, Rejection> {
    ledger.refunds.iter().find(|refund| refund.id == *id).ok_or(Rejection::NoSuchOperation)
}
