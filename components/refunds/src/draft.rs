//! A transition under way: the next ledger and its events, until both are handed over together.

use crate::argument::valid;
use crate::{chain, conservation, doubt};
use rescind_model::token::Token;
use rescind_model::{
    ActingPerson, Actor, CommandId, Duration, Event, EventKind, Instant, Ledger, Money, Operation, OperationId,
    PersonId, Refund, RefundId, Rejection, TerminalId, Transition, VoidOperation,
};

/// A ledger being changed by one command. Dropping it changes nothing.
pub(crate) struct Draft<'a> {
    pub(crate) ledger: Ledger,
    events: Vec<Event>,
    by: &'a Actor,
    command: &'a CommandId,
    clock: Clock,
}

/// The two readings of the time (see the crate's documentation).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// The clock as it stands: when the courier is due counts from here.
    now: Instant,
    /// No earlier than anything the ledger has dated: what is written down, and what deadlines are held against.
    pub(crate) at: Instant,
}

impl Clock {
    /// When the courier is due, this long from now.
    pub(crate) fn due_in(self, wait: Duration) -> Option<Instant> {
        Some(later(self.now, wait))
    }

    /// The courier is due at once.
    pub(crate) fn due_now(self) -> Option<Instant> {
        Some(self.now)
    }
}

/// An instant moved later; what would be after the year 9999 is its last millisecond.
pub(crate) fn later(from: Instant, by: Duration) -> Instant {
    const LAST: Instant = Instant { unix_ms: 253_402_300_799_999 };
    from.plus(by).unwrap_or(LAST)
}

/// What an event is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) operation: Option<OperationId>,
    pub(crate) refund: Option<RefundId>,
    pub(crate) amount: Option<Money>,
    /// The referral, legal order or liability.
    pub(crate) about: Option<String>,
}

impl Subject {
    pub(crate) fn sale(amount: Option<Money>) -> Self {
        Self { amount, ..Self::default() }
    }

    pub(crate) fn void(void: &VoidOperation) -> Self {
        Self { operation: Some(void.id.clone()), amount: Some(void.amount.clone()), ..Self::default() }
    }

    pub(crate) fn operation(operation: &Operation) -> Self {
        Self { operation: Some(operation.id.clone()), amount: Some(operation.amount.clone()), ..Self::default() }
    }

    pub(crate) fn refund(refund: &Refund) -> Self {
        Self { refund: Some(refund.id.clone()), amount: Some(refund.request.amount.clone()), ..Self::default() }
    }
}

impl<'a> Draft<'a> {
    /// Starts from a ledger, once that is known to be sound.
    pub(crate) fn of(ledger: &Ledger, by: &'a Actor, command: &'a CommandId, now: Instant) -> Result<Self, Rejection> {
        conservation::check(ledger)?;
        let now = valid(Instant::from_unix_ms(now.unix_ms))?;
        valid(CommandId::parse(command.as_str()))?;
        check_actor(by)?;
        let at = latest(ledger).map_or(now, |latest| latest.max(now));
        Ok(Self { ledger: ledger.clone(), events: Vec::new(), by, command, clock: Clock { now, at } })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn actor(&self) -> &'a Actor {
        self.by
    }

    /// The command that is carried out.
    pub(crate) fn command(&self) -> &'a CommandId {
        self.command
    }

    /// The person who acts.
    pub(crate) fn person(&self) -> Result<&'a ActingPerson, Rejection> {
        match self.by {
            Actor::Person(person) => Ok(person),
            Actor::Terminal(_) | Actor::System => Err(Rejection::NotPermitted("not-a-person".to_owned())),
        }
    }

    pub(crate) fn void(&mut self, id: &OperationId) -> Result<&mut VoidOperation, Rejection> {
        self.ledger.voids.iter_mut().find(|void| void.id == *id).ok_or(Rejection::NoSuchOperation)
    }

    pub(crate) fn operation(&mut self, id: &OperationId) -> Result<&mut Operation, Rejection> {
        self.ledger.operations.iter_mut().find(|operation| operation.id == *id).ok_or(Rejection::NoSuchOperation)
    }

    pub(crate) fn refund(&mut self, id: &RefundId) -> Result<&mut Refund, Rejection> {
        self.ledger.refunds.iter_mut().find(|refund| refund.id == *id).ok_or(Rejection::NoSuchOperation)
    }

    /// Notes that something happened. Numbered and linked when the transition is finished.
    pub(crate) fn record(&mut self, kind: EventKind, subject: &Subject, reason: Option<String>) {
        self.events.push(Event {
            sequence: 0,
            kind,
            at: self.clock.at,
            command: self.command.clone(),
            operation: subject.operation.clone(),
            refund: subject.refund.clone(),
            amount: subject.amount.clone(),
            actor: self.by.clone(),
            reason,
            about: subject.about.clone(),
            link: self.ledger.chain.clone(),
        });
    }

    /// How many events the ledger will have produced with those of this transition.
    pub(crate) fn events(&self) -> u64 {
        self.ledger.events.saturating_add(u64::try_from(self.events.len()).unwrap_or(u64::MAX))
    }

    /// Hands the transition over, if the ledger it leads to is sound.
    pub(crate) fn finish(mut self) -> Result<Transition, Rejection> {
        doubt::keep(&mut self.ledger, self.clock.at);
        for event in &mut self.events {
            let next = self.ledger.events.checked_add(1);
            self.ledger.events = next.ok_or_else(|| Rejection::LimitReached("events".to_owned()))?;
            event.sequence = self.ledger.events;
            event.link = chain::link(&self.ledger.chain, event);
            self.ledger.chain = event.link.clone();
        }
        conservation::check(&self.ledger)?;
        Ok(Transition { ledger: self.ledger, events: self.events })
    }
}

/// The newest date in a ledger.
fn latest(ledger: &Ledger) -> Option<Instant> {
    let voids = ledger.voids.iter().map(|void| void.updated_at);
    let refunds = ledger.refunds.iter().map(|refund| refund.updated_at);
    let operations = ledger.operations.iter().map(|operation| operation.updated_at);
    let status = &ledger.status;
    let milestones = [status.batch_closed_at, status.settled_at, status.paid_out_at];
    let cases = ledger.cases.iter().map(|case| case.updated_at);
    let orders = ledger.orders.iter().map(|order| order.updated_at);
    let liabilities = ledger.liabilities.iter().map(|liability| liability.updated_at);
    let posted = ledger.entries.last().map(|entry| entry.at);
    let doubted = ledger.doubt.as_ref().map(|doubt| doubt.since);
    let dated = voids.chain(refunds).chain(operations).chain(milestones.into_iter().flatten());
    dated.chain(cases).chain(orders).chain(liabilities).chain(posted).chain(doubted).max()
}

fn check_actor(by: &Actor) -> Result<(), Rejection> {
    match by {
        Actor::Person(person) => valid(PersonId::parse(person.id.as_str())).map(|_| ()),
        Actor::Terminal(terminal) => valid(TerminalId::parse(terminal.as_str())).map(|_| ()),
        Actor::System => Ok(()),
    }
}

/// The state does not allow the command.
pub(crate) fn wrong_state(state: impl Token) -> Rejection {
    Rejection::WrongState(state.token().to_owned())
}

/// The command says the opposite of what is final.
pub(crate) fn contradicts(state: impl Token) -> Rejection {
    Rejection::Contradicts(state.token().to_owned())
}
