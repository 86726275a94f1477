//! What an operation rests on: a decision that allows it, or one that refers it and a grant that lifts what it found.

use crate::argument::{self, valid};
use crate::case;
use crate::draft::{Draft, Subject, wrong_state};
use rescind_model::{
    Actor, Authentication, CaseState, Decision, EventKind, Grounds, IdentityProof, Ledger, Money, Outcome, PersonId,
    Referral, Rejection, Way,
};

/// What is asked for, which a decision and a grant are held against.
pub(crate) struct Asked<'a> {
    /// Names the operation.
    pub(crate) id: &'a str,
    pub(crate) way: Way,
    pub(crate) amount: &'a Money,
    /// The reason code, as it is kept; empty if none was given.
    pub(crate) reason: &'a str,
    /// Whether a completion keeps a penalty.
    pub(crate) penalty: bool,
    /// In whose name, where that is not whoever acts.
    pub(crate) requester: Option<&'a PersonId>,
}

/// Accepts the decision and grounds of an operation, and gives the grounds as they are kept with it.
///
/// A grant is consumed only where it is needed: with a decision that allows by itself it stays unused, and is not among the
/// grounds that are kept. Once consumed it is gone, also if the operation fails before it had any effect: support granted
/// one attempt, and the next is another case.
pub(crate) fn accept(
    draft: &mut Draft<'_>,
    decision: &Decision,
    grounds: &Grounds,
    asked: &Asked<'_>,
) -> Result<Grounds, Rejection> {
    let not_allowed = |what: &str| Err(Rejection::NotAllowed(what.to_owned()));
    if decision.way != asked.way {
        return not_allowed("way");
    }
    if decision.amount != *asked.amount {
        return not_allowed("amount");
    }
    argument::policy(&decision.policy)?;
    let mut kept = checked(grounds)?;
    must_be_proved(decision, &kept)?;
    must_be_unused(&draft.ledger, &kept)?;
    // Only a legal order has a second person behind it (`order`).
    if kept.order.is_some() && asked.way != Way::Void {
        return not_allowed("order");
    }
    if decision.obligations.persons > 1 && kept.order.is_none() {
        return not_allowed("persons");
    }
    match (decision.outcome, &kept.grant) {
        (Outcome::Allow, _) => kept.grant = None,
        (Outcome::Refer, Some(_)) => consume(draft, decision, &kept, asked)?,
        (Outcome::Refer, None) | (Outcome::Deny, _) => return not_allowed("outcome"),
    }
    Ok(kept)
}

/// Marks the grant used, if it is for what is asked and lifts everything the decision found.
fn consume(draft: &mut Draft<'_>, decision: &Decision, grounds: &Grounds, asked: &Asked<'_>) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let Some(id) = &grounds.grant else { return Ok(()) };
    let actor = match draft.actor() {
        Actor::Person(person) => Some(&person.id),
        Actor::Terminal(_) | Actor::System => None,
    };
    // A terminal acts for the operator who proved who they are, a system for whoever asks.
    let operator = grounds.authentication.as_ref().map(|proof| &proof.person);
    let users = [actor, operator, asked.requester];
    let case = case::find(draft, id)?;
    let state = case::state_at(case, at);
    if state != CaseState::Granted {
        return Err(wrong_state(state));
    }
    if !lifts(case, decision) || !is_for(case, asked) {
        return Err(Rejection::NotAllowed("grant".to_owned()));
    }
    // Whoever granted it would be alone with it.
    if case.decided_by.is_some() && users.contains(&case.decided_by.as_ref()) {
        return Err(Rejection::NotPermitted("same-person".to_owned()));
    }
    case.state = CaseState::Consumed;
    case.consumed_by = Some(asked.id.to_owned());
    case.updated_at = at;
    let subject = Subject::case(case);
    draft.record(EventKind::CaseConsumed, &subject, Some(asked.id.to_owned()));
    Ok(())
}

/// The same way and amount, and no rule that was not referred to support. What denies, no grant lifts.
fn lifts(case: &Referral, decision: &Decision) -> bool {
    let known =
        decision.findings.iter().all(|finding| finding.verdict == Outcome::Refer && case.rules.contains(&finding.rule));
    case.way == decision.way && case.amount == decision.amount && known
}

/// What support was told of it is what is done now: the reason, if one was given, and whether a penalty is kept.
fn is_for(case: &Referral, asked: &Asked<'_>) -> bool {
    case.penalty == asked.penalty && case.reason.as_deref().is_none_or(|reason| reason == asked.reason)
}

/// The proofs that the decision demands are there. How fresh and whose they must be, the policy has judged.
fn must_be_proved(decision: &Decision, grounds: &Grounds) -> Result<(), Rejection> {
    if let Some(demand) = &decision.obligations.authentication {
        let bound = |proof: &Authentication| proof.operation.is_some() || !demand.bound;
        if !grounds.authentication.as_ref().is_some_and(bound) {
            return Err(Rejection::NotAllowed("authentication".to_owned()));
        }
    }
    let kinds = &decision.obligations.identity;
    if !kinds.is_empty() && !grounds.identity.as_ref().is_some_and(|proof| kinds.contains(&proof.kind)) {
        return Err(Rejection::NotAllowed("identity".to_owned()));
    }
    Ok(())
}

/// A proof for one operation stands behind no other: each demands that the operator proves anew who they are.
fn must_be_unused(ledger: &Ledger, grounds: &Grounds) -> Result<(), Rejection> {
    let Some(proof) = grounds.authentication.as_ref().filter(|proof| proof.operation.is_some()) else { return Ok(()) };
    let voids = ledger.voids.iter().map(|void| &void.grounds);
    let refunds = ledger.refunds.iter().map(|refund| &refund.grounds);
    let operations = ledger.operations.iter().map(|operation| &operation.grounds);
    let same =
        |used: &Authentication| used.person == proof.person && used.at == proof.at && used.operation == proof.operation;
    let mut used = voids.chain(refunds).chain(operations).filter_map(|grounds| grounds.authentication.as_ref());
    if used.any(same) { Err(Rejection::NotPermitted("proof-used".to_owned())) } else { Ok(()) }
}

/// Grounds within their limits.
fn checked(grounds: &Grounds) -> Result<Grounds, Rejection> {
    if let Some(proof) = &grounds.authentication {
        valid(PersonId::parse(proof.person.as_str()))?;
        if let Some(operation) = &proof.operation {
            valid(rescind_model::Digest::parse(operation.as_str()))?;
        }
    }
    let identity = grounds.identity.as_ref().map(|proof| {
        let reference =
            proof.reference.as_deref().map(|text| argument::text("identity reference", text)).transpose()?;
        Ok(IdentityProof { reference, ..proof.clone() })
    });
    Ok(Grounds { identity: identity.transpose()?, ..grounds.clone() })
}
