//! A void: the whole sale, cancelled before it settles.

use crate::answer::{self, Meaning, Unsent};
use crate::argument::{self, at_most, valid};
use crate::draft::{Clock, Draft, Subject};
use crate::grant::Asked;
use crate::{conservation, entry, grant, limits, operation, order, query, room, sale};
use rescind_model::standing::coupon_of_void;
use rescind_model::{
    EventKind, Evidence, Executor, Instant, Ledger, Money, OperationId, OperationState, RefundState, Rejection,
    ResultOf, TerminalId, VoidAuthorisation, VoidOperation, Way,
};

/// Reserves the whole sale for a void; by legal order, all that is left of it.
///
/// The person who acts is the one who asked for it.
pub(crate) fn authorise(draft: &mut Draft<'_>, wanted: &VoidAuthorisation) -> Result<(), Rejection> {
    let person = draft.person()?;
    let clock = draft.clock();
    valid(OperationId::parse(wanted.id.as_str()))?;
    if let Some(terminal) = &wanted.terminal {
        valid(TerminalId::parse(terminal.as_str()))?;
    }
    argument::reference(&wanted.provider_reference)?;
    let reason = argument::text("reason", &wanted.reason)?;

    let ledger = &draft.ledger;
    sale::must_be_good(ledger)?;
    room::free_name(ledger, wanted.id.as_str(), &wanted.provider_reference)?;
    let amount = match &wanted.grounds.order {
        None => {
            must_be_untouched(ledger)?;
            order::must_not_wait(draft)?;
            ledger.sale.captured.clone()
        }
        // Beyond what an ordinary void forbids; `order` holds it against what is left.
        Some(_) => wanted.decision.amount.clone(),
    };
    let asked = Asked {
        id: wanted.id.as_str(),
        way: Way::Void,
        amount: &amount,
        reason: &reason,
        penalty: false,
        requester: None,
    };
    let grounds = grant::accept(draft, &wanted.decision, &wanted.grounds, &asked)?;
    if let Some(id) = &grounds.order {
        order::confirm(draft, id, &amount, &wanted.id)?;
    }
    let ledger = &draft.ledger;
    let obligations = &wanted.decision.obligations;
    // A void has no place for approvals: one that needs them cannot be promised.
    if obligations.approvals.as_ref().is_some_and(|plan| plan.needed > 0) {
        return Err(Rejection::NotAllowed("approvals".to_owned()));
    }
    at_most("fees", "fees", obligations.fees.len(), limits::FEES)?;
    conservation::check_fees(ledger, &conservation::check(ledger)?, &obligations.fees)?;

    let void = VoidOperation {
        id: wanted.id.clone(),
        amount,
        reason: reason.clone(),
        requested_by: person.id.clone(),
        terminal: wanted.terminal.clone(),
        executor: obligations.executor,
        provider_reference: wanted.provider_reference.clone(),
        state: OperationState::Authorised,
        reversing: false,
        queries: 0,
        attention: false,
        fees: obligations.fees.clone(),
        policy: wanted.decision.policy.clone(),
        authorised_at: clock.at,
        updated_at: clock.at,
        due_at: first_due(obligations.executor, clock),
        evidence: None,
        grounds,
    };
    draft.record(EventKind::VoidAuthorised, &Subject::void(&void), Some(reason).filter(|text| !text.is_empty()));
    draft.ledger.voids.push(void);
    room::admit(draft)
}

/// When the courier takes up an operation that is ready to go: at once, or never if it is the terminal's.
pub(crate) fn first_due(executor: Executor, clock: Clock) -> Option<Instant> {
    match executor {
        Executor::Courier => clock.due_now(),
        Executor::Terminal => None,
    }
}

/// UnionPay: a void must find the sale whole, and no refund of it was ever sent, whatever became of that.
pub(crate) fn must_be_untouched(ledger: &Ledger) -> Result<(), Rejection> {
    must_have_no_void(ledger)?;
    let touched = ledger
        .refunds
        .iter()
        .find(|refund| refund.state.holds_reservation() || refund.state == RefundState::Cleared || refund.attempts > 0);
    touched.map_or(Ok(()), |refund| Err(Rejection::ConflictsWith(refund.id.to_string())))
}

/// A void that is under way or done leaves room for nothing else, nor does any other operation under way: but what came back from the network after a void by legal
/// order is there again.
pub(crate) fn must_have_no_void(ledger: &Ledger) -> Result<(), Rejection> {
    operation::must_have_none_open(ledger)?;
    let nothing_left = conservation::check(ledger)?.left.is_zero();
    let excludes =
        |void: &&VoidOperation| void.state.holds_reservation() || (void.state == OperationState::Done && nothing_left);
    let void = ledger.voids.iter().find(excludes);
    void.map_or(Ok(()), |void| Err(Rejection::ConflictsWith(void.id.to_string())))
}

/// Takes in what was said about a void; `answer` has the table.
pub(crate) fn hear(draft: &mut Draft<'_>, id: &OperationId, heard: &ResultOf) -> Result<(), Rejection> {
    let clock = draft.clock();
    let void = draft.void(id)?;
    match answer::meaning(void.state, Unsent::by(void.executor), heard)? {
        Meaning::NothingNew => Ok(()),
        Meaning::Unknown(evidence) => {
            let reason = gist(&evidence);
            void.state = OperationState::Unknown;
            void.queries = 0;
            void.updated_at = clock.at;
            void.due_at = query::first(clock);
            void.evidence = Some(evidence);
            let subject = Subject::void(void);
            draft.record(EventKind::VoidUnknown, &subject, reason);
            Ok(())
        }
        Meaning::Ended(state, evidence) => {
            let reason = gist(&evidence);
            end(draft, id, state, evidence, reason)
        }
    }
}

/// Ends a void for good: posted if it is done, released if it failed.
pub(crate) fn end(
    draft: &mut Draft<'_>,
    id: &OperationId,
    state: OperationState,
    evidence: Evidence,
    reason: Option<String>,
) -> Result<(), Rejection> {
    let clock = draft.clock();
    // All that its sponsor had not got back when the void was authorised. Once it has ended, nobody can tell.
    let coupon = promised_coupon(&draft.ledger, id)?;
    let void = draft.void(id)?;
    void.state = state;
    void.reversing = false;
    void.attention = false;
    void.updated_at = clock.at;
    void.due_at = None;
    void.evidence = Some(evidence);
    let subject = Subject::void(void);
    let (amount, fees) = (void.amount.clone(), void.fees.clone());
    if state == OperationState::Done {
        entry::voided(draft, &amount, &coupon, &fees, id.as_str())?;
        draft.record(EventKind::VoidDone, &subject, reason);
    } else {
        draft.record(EventKind::VoidFailed, &subject, reason);
    }
    Ok(())
}

/// The coupon's part of a void that is under way.
fn promised_coupon(ledger: &Ledger, id: &OperationId) -> Result<Money, Rejection> {
    let void = ledger.voids.iter().find(|void| void.id == *id).ok_or(Rejection::NoSuchOperation)?;
    coupon_of_void(ledger, void).map_err(|error| Rejection::Invalid(format!("ledger: {error}")))
}

/// The shortest thing evidence says: its code, or its note.
pub(crate) fn gist(evidence: &Evidence) -> Option<String> {
    evidence.code.clone().or_else(|| evidence.note.clone())
}
