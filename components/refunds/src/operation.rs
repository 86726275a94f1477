//! The life that reversals, order closes and everything done to a hold share.

use crate::answer::{self, Meaning, Unsent};
use crate::argument::{self, at_most, valid};
use crate::code::check_fee;
use crate::draft::{Draft, Subject, wrong_state};
use crate::grant::Asked;
use crate::void::{first_due, gist, must_be_untouched};
use crate::{conservation, effect, grant, incident, limits, order, query, room};
use rescind_model::step::{asks_first, needs_asking};
use rescind_model::{
    BusinessDay, Capture, Channel, EventKind, Evidence, Ledger, Money, Operation, OperationAuthorisation, OperationId,
    OperationState, Rejection, ResultOf, SaleOutcome, TerminalId, Way,
};

/// Reserves a payment for an operation that the policy allowed.
///
/// A person, a terminal (before its next transaction) or Rescind itself may ask; whether it may be asked for was the
/// policy's to say. The instant of acceptance decides: a hold that ends while its completion is under way is completed.
pub(crate) fn authorise(draft: &mut Draft<'_>, wanted: &OperationAuthorisation) -> Result<(), Rejection> {
    let clock = draft.clock();
    let kind = wanted.decision.way;
    let amount = wanted.decision.amount.clone();
    valid(OperationId::parse(wanted.id.as_str()))?;
    if let Some(terminal) = &wanted.terminal {
        valid(TerminalId::parse(terminal.as_str()))?;
    }
    argument::reference(&wanted.provider_reference)?;
    let cause = argument::text("cause", &wanted.cause)?;
    if wanted.penalty && kind != Way::HoldCompletion {
        return Err(Rejection::Invalid("penalty: only a completion keeps one".to_owned()));
    }
    check_capture(wanted.capture.as_ref(), kind, &amount)?;

    room::free_name(&draft.ledger, wanted.id.as_str(), &wanted.provider_reference)?;
    must_have_none_open(&draft.ledger)?;
    must_be_open_to(draft, kind)?;
    order::must_not_wait(draft)?;
    must_be_whole(&draft.ledger, kind, &amount)?;
    let asked = Asked {
        id: wanted.id.as_str(),
        way: kind,
        amount: &amount,
        reason: &cause,
        penalty: wanted.penalty,
        requester: None,
    };
    let grounds = grant::accept(draft, &wanted.decision, &wanted.grounds, &asked)?;

    let ledger = &draft.ledger;
    let obligations = &wanted.decision.obligations;
    // An operation has no place for approvals: one that needs them cannot be promised.
    if obligations.approvals.as_ref().is_some_and(|plan| plan.needed > 0) {
        return Err(Rejection::NotAllowed("approvals".to_owned()));
    }
    at_most("fees", "fees", obligations.fees.len(), limits::FEES)?;
    at_most("queries", "waits", obligations.queries.len(), limits::SCHEDULE)?;
    conservation::check_fees(ledger, &conservation::check(ledger)?, &obligations.fees)?;

    let mut schedule = obligations.queries.clone();
    if schedule.is_empty() && needs_asking(kind, ledger) {
        schedule = query::usual_schedule();
    }
    let mut operation = Operation {
        id: wanted.id.clone(),
        kind,
        amount,
        cause: cause.clone(),
        penalty: wanted.penalty,
        capture: wanted.capture.clone(),
        requested_by: draft.actor().clone(),
        terminal: wanted.terminal.clone(),
        executor: obligations.executor,
        provider_reference: wanted.provider_reference.clone(),
        state: OperationState::Authorised,
        attempts: 0,
        queries: 0,
        schedule,
        attention: false,
        fees: obligations.fees.clone(),
        policy: wanted.decision.policy.clone(),
        authorised_at: clock.at,
        updated_at: clock.at,
        due_at: first_due(obligations.executor, clock),
        evidence: None,
        grounds,
    };
    if asks_first(&operation, ledger) {
        operation.due_at = query::next_of(&operation, clock);
    }
    let reason = Some(cause).filter(|text| !text.is_empty());
    draft.record(EventKind::OperationAuthorised, &Subject::operation(&operation), reason);
    draft.ledger.operations.push(operation);
    room::admit(draft)
}

/// A completion says what it captures; nothing else captures.
fn check_capture(capture: Option<&Capture>, kind: Way, amount: &Money) -> Result<(), Rejection> {
    match (capture, kind == Way::HoldCompletion) {
        (None, false) => Ok(()),
        (Some(capture), true) => {
            let day = capture.business_day;
            valid(BusinessDay::new(day.year, day.month, day.day))?;
            check_fee(&capture.fee_charged, amount)
        }
        (None, true) => Err(Rejection::Invalid("capture: a completion names its fee and business day".to_owned())),
        (Some(_), false) => Err(Rejection::Invalid("capture: only a completion captures".to_owned())),
    }
}

/// The payment is in a state that this way leads out of.
fn must_be_open_to(draft: &Draft<'_>, kind: Way) -> Result<(), Rejection> {
    let ledger = &draft.ledger;
    let outcome = ledger.status.outcome;
    let open = match kind {
        Way::Void | Way::Refund => {
            return Err(Rejection::Invalid("way: a void or refund has a command of its own".to_owned()));
        }
        Way::Reversal => outcome == SaleOutcome::Unknown,
        Way::OrderClose => match outcome {
            // An expired code may still be paid at a provider that does not know of its expiry.
            SaleOutcome::Unpaid | SaleOutcome::Expired => true,
            SaleOutcome::Unknown => ledger.sale.channel == Channel::PaymentCode,
            _ => false,
        },
        Way::HoldRelease => outcome == SaleOutcome::Held,
        Way::HoldCompletion => {
            let lapsed = ledger.hold.as_ref().is_some_and(|hold| hold.expires_at <= draft.clock().at);
            if outcome == SaleOutcome::Held && lapsed {
                return Err(wrong_state(SaleOutcome::Lapsed));
            }
            outcome == SaleOutcome::Held
        }
        Way::CompletionVoid => {
            if ledger.hold.is_some() && outcome == SaleOutcome::Good {
                must_be_untouched(ledger)?;
                if ledger.status.settled_at.is_some() {
                    return Err(Rejection::WrongState("settled".to_owned()));
                }
            }
            ledger.hold.is_some() && outcome == SaleOutcome::Good
        }
    };
    if open { Ok(()) } else { Err(wrong_state(outcome)) }
}

/// A completion captures up to the ceiling; everything else is about the whole payment.
fn must_be_whole(ledger: &Ledger, kind: Way, amount: &Money) -> Result<(), Rejection> {
    valid(Money::new(amount.minor, &amount.currency))?;
    if amount.is_zero() {
        return Err(Rejection::Invalid("amount: expected more than zero".to_owned()));
    }
    match &ledger.hold {
        Some(hold) if kind == Way::HoldCompletion => match amount.exceeds(&hold.ceiling) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Rejection::ExceedsBalance(hold.ceiling.clone())),
            Err(error) => Err(Rejection::Invalid(format!("amount: {error}"))),
        },
        _ if *amount == ledger.sale.captured => Ok(()),
        _ => Err(Rejection::NotAllowed("amount".to_owned())),
    }
}

/// An operation by name, to read.
pub(crate) fn find<'l>(ledger: &'l Ledger, id: &OperationId) -> Result<&'l Operation, Rejection> {
    ledger.operations.iter().find(|operation| operation.id == *id).ok_or(Rejection::NoSuchOperation)
}

/// The operation that is under way, if one is.
fn open(ledger: &Ledger) -> Option<&Operation> {
    ledger.operations.iter().find(|operation| operation.state.holds_reservation())
}

/// Whether an operation is under way.
pub(crate) fn is_open(ledger: &Ledger) -> bool {
    open(ledger).is_some()
}

/// An operation under way leaves room for nothing else.
pub(crate) fn must_have_none_open(ledger: &Ledger) -> Result<(), Rejection> {
    open(ledger).map_or(Ok(()), |operation| Err(Rejection::ConflictsWith(operation.id.to_string())))
}

/// Takes in what was said about an operation; `answer` has the table.
pub(crate) fn hear(draft: &mut Draft<'_>, id: &OperationId, heard: &ResultOf) -> Result<(), Rejection> {
    let clock = draft.clock();
    let operation = find(&draft.ledger, id)?;
    if matches!(heard, ResultOf::Reversed(_)) {
        return Err(Rejection::Invalid("outcome: only a void can be reversed".to_owned()));
    }
    let unsent = match Unsent::by(operation.executor) {
        Unsent::Mistake if asks_first(operation, &draft.ledger) => Unsent::AboutSale,
        other => other,
    };
    match answer::meaning(operation.state, unsent, heard)? {
        Meaning::NothingNew => Ok(()),
        Meaning::Unknown(evidence) => {
            let reason = gist(&evidence);
            let operation = draft.operation(id)?;
            operation.state = OperationState::Unknown;
            // A terminal reports without announcing that it sends: it was sent all the same.
            operation.attempts = operation.attempts.max(1);
            operation.queries = 0;
            operation.updated_at = clock.at;
            operation.due_at = query::next_of(operation, clock);
            operation.evidence = Some(evidence);
            let subject = Subject::operation(operation);
            draft.record(EventKind::OperationUnknown, &subject, reason);
            Ok(())
        }
        Meaning::Ended(state, evidence) => {
            let reason = gist(&evidence);
            let stood = draft.ledger.status.outcome;
            end(draft, id, state, evidence, reason)?;
            if state == OperationState::Failed { call_if_it_may_be_paid(draft, id, stood) } else { Ok(()) }
        }
    }
}

/// A code that cannot be closed may have been paid, and a hold that cannot be released may have been captured: nobody but a
/// person can find out, and time does not end the payment before one has.
fn call_if_it_may_be_paid(draft: &mut Draft<'_>, id: &OperationId, stood: SaleOutcome) -> Result<(), Rejection> {
    let operation = draft.operation(id)?;
    let doubtful = match operation.kind {
        Way::OrderClose => matches!(stood, SaleOutcome::Unpaid | SaleOutcome::Expired),
        Way::HoldRelease => stood == SaleOutcome::Held,
        _ => false,
    };
    if doubtful {
        operation.attention = true;
        let subject = Subject::operation(operation);
        draft.record(EventKind::OperationAttention, &subject, None);
    }
    Ok(())
}

/// Whether a person was called about a payment that could not be closed or released, and has not looked yet.
pub(crate) fn is_doubtful(ledger: &Ledger) -> bool {
    let ends = |operation: &&Operation| matches!(operation.kind, Way::OrderClose | Way::HoldRelease);
    let mut refused = ledger.operations.iter().filter(ends);
    refused.any(|operation| operation.state == OperationState::Failed && operation.attention)
}

/// Ends an operation for good, and lets it take effect on the payment.
pub(crate) fn end(
    draft: &mut Draft<'_>,
    id: &OperationId,
    state: OperationState,
    evidence: Evidence,
    reason: Option<String>,
) -> Result<(), Rejection> {
    let clock = draft.clock();
    let operation = draft.operation(id)?;
    operation.state = state;
    operation.attention = false;
    operation.updated_at = clock.at;
    operation.due_at = None;
    operation.evidence = Some(evidence);
    let ended = operation.clone();
    let kind = if state == OperationState::Done { EventKind::OperationDone } else { EventKind::OperationFailed };
    draft.record(kind, &Subject::operation(&ended), reason);
    effect::of_end(draft, &ended)?;
    let undoes = matches!(ended.kind, Way::Reversal | Way::OrderClose);
    if undoes && state == OperationState::Done { incident::undone(draft) } else { Ok(()) }
}
