//! A legal or compliance order: one person puts it forward, another carries it into a void. It goes beyond windows and
//! beyond what a refund forbids, and never beyond what is left.
//!
//! Whose role lets them do either is checked by whoever calls. If the void fails, the order stays confirmed: the next
//! attempt is a new order of two persons.

use crate::argument::{self, valid};
use crate::draft::{Draft, Subject, later, wrong_state};
use crate::{conservation, limits, room, sale};
use rescind_model::{
    EventKind, Instant, Ledger, LegalOrder, Money, OperationId, OrderId, OrderProposal, OrderState, Rejection,
};

impl Subject {
    pub(crate) fn order(order: &LegalOrder) -> Self {
        Self {
            operation: order.operation.clone(),
            amount: Some(order.amount.clone()),
            about: Some(order.id.to_string()),
            ..Self::default()
        }
    }
}

/// The first of two persons puts an order forward.
///
/// One order waits at a time. One that waited too long, or for an amount that is no longer what is left, cannot be carried
/// out any more: it ends, and makes way.
pub(crate) fn propose(draft: &mut Draft<'_>, wanted: &OrderProposal) -> Result<(), Rejection> {
    let person = draft.person()?;
    let at = draft.clock().at;
    valid(OrderId::parse(wanted.id.as_str()))?;
    let reference = argument::reason(&wanted.reference)?;
    let reason = argument::reason(&wanted.reason)?;
    sale::must_be_good(&draft.ledger)?;
    must_be_all_that_is_left(&draft.ledger, &wanted.amount)?;
    if draft.ledger.orders.iter().any(|order| order.id == wanted.id) {
        return Err(Rejection::NameTaken);
    }
    end_stale(draft, &wanted.amount);
    if let Some(order) = draft.ledger.orders.iter().find(|order| order.state == OrderState::Proposed) {
        return Err(Rejection::ConflictsWith(order.id.to_string()));
    }
    if draft.ledger.orders.len() >= limits::ORDERS {
        return Err(Rejection::LimitReached("orders".to_owned()));
    }
    let order = LegalOrder {
        id: wanted.id.clone(),
        reference,
        reason: reason.clone(),
        amount: wanted.amount.clone(),
        state: OrderState::Proposed,
        proposed_by: person.id.clone(),
        proposed_at: at,
        expires_at: later(at, wanted.lives),
        confirmed_by: None,
        updated_at: at,
        operation: None,
    };
    let subject = Subject::order(&order);
    draft.ledger.orders.push(order);
    draft.record(EventKind::OrderProposed, &subject, Some(reason));
    room::admit(draft)
}

/// The second person carries an order into the void of this name, for exactly the order's amount.
pub(crate) fn confirm(
    draft: &mut Draft<'_>,
    id: &OrderId,
    amount: &Money,
    void: &OperationId,
) -> Result<(), Rejection> {
    let person = draft.person()?;
    let at = draft.clock().at;
    must_be_all_that_is_left(&draft.ledger, amount)?;
    let order = draft.ledger.orders.iter_mut().find(|order| order.id == *id).ok_or(Rejection::NoSuchOperation)?;
    let state = state_at(order, at);
    if state != OrderState::Proposed {
        return Err(wrong_state(state));
    }
    if order.proposed_by == person.id {
        return Err(Rejection::NotPermitted("same-person".to_owned()));
    }
    if order.amount != *amount {
        return Err(Rejection::NotAllowed("amount".to_owned()));
    }
    order.state = OrderState::Confirmed;
    order.confirmed_by = Some(person.id.clone());
    order.operation = Some(void.clone());
    order.updated_at = at;
    let subject = Subject::order(order);
    draft.record(EventKind::OrderConfirmed, &subject, None);
    Ok(())
}

/// A legal order that waits for its second person goes before everything that would take of what is left. One that can no
/// longer be carried out does not.
pub(crate) fn must_not_wait(draft: &Draft<'_>) -> Result<(), Rejection> {
    let (at, left) = (draft.clock().at, conservation::check(&draft.ledger)?.left);
    let mut waiting = draft.ledger.orders.iter().filter(|order| state_at(order, at) == OrderState::Proposed);
    let first = waiting.find(|order| order.amount == left);
    first.map_or(Ok(()), |order| Err(Rejection::ConflictsWith(order.id.to_string())))
}

/// All that is left and not less, and nothing under way that could still change it.
fn must_be_all_that_is_left(ledger: &Ledger, amount: &Money) -> Result<(), Rejection> {
    let voids = ledger.voids.iter().filter(|void| void.state.holds_reservation()).map(|void| void.id.to_string());
    let refunds = ledger.refunds.iter().filter(|refund| refund.state.holds_reservation());
    let refunds = refunds.map(|refund| refund.id.to_string());
    let others = ledger.operations.iter().filter(|operation| operation.state.holds_reservation());
    let others = others.map(|operation| operation.id.to_string());
    if let Some(id) = voids.chain(refunds).chain(others).next() {
        return Err(Rejection::ConflictsWith(id));
    }
    let left = conservation::check(ledger)?.left;
    if left.is_zero() || valid(amount.exceeds(&left))? {
        return Err(Rejection::ExceedsBalance(left));
    }
    if *amount != left {
        return Err(Rejection::NotAllowed("amount".to_owned()));
    }
    Ok(())
}

/// The state at an instant: what has expired is so even if no timer has run yet.
fn state_at(order: &LegalOrder, at: Instant) -> OrderState {
    if order.state == OrderState::Proposed && order.expires_at <= at { OrderState::Expired } else { order.state }
}

/// Ends the proposals that can no longer be carried out.
fn end_stale(draft: &mut Draft<'_>, left: &Money) {
    let at = draft.clock().at;
    let mut ended = Vec::new();
    for order in draft.ledger.orders.iter_mut().filter(|order| order.state == OrderState::Proposed) {
        if order.expires_at <= at || order.amount != *left {
            order.state = OrderState::Expired;
            order.updated_at = at;
            ended.push(Subject::order(order));
        }
    }
    for subject in ended {
        draft.record(EventKind::OrderExpired, &subject, None);
    }
}

/// When time ends an order.
pub(crate) fn due(order: &LegalOrder) -> Option<Instant> {
    (order.state == OrderState::Proposed).then_some(order.expires_at)
}

/// Ends what time has ended.
pub(crate) fn pass(order: &mut LegalOrder, at: Instant) -> Option<(EventKind, Subject, Option<String>)> {
    let over = state_at(order, at) != order.state;
    over.then(|| {
        order.state = OrderState::Expired;
        order.updated_at = at;
        (EventKind::OrderExpired, Subject::order(order), None)
    })
}
