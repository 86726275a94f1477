//! The acquirer's books: every reference, what it stands for, and what it did.
//!
//! No clock, no network: a call and the time go in, a reply comes out. The whole effect of a call happens in here, before
//! anything is awaited, so a caller that hangs up cannot split it.

use crate::effects::{Effects, ReferenceEffects, SaleEffects};
use crate::limits::{PAYMENTS, REFERENCES, SCRIPTS};
use crate::operation::{Answer, Call, Content, Kind, Reference, Status, What};
use crate::payment::{self, Arrival, Effect, Payment, PaymentState, QuestionAnswer, Word};
use crate::refusal::Refusal;
use crate::script::{Asked, Behaviour, Script};
use rescind_model::money::MoneyError;
use rescind_model::{Duration, Instant, Money};
use std::collections::{BTreeMap, HashMap};

/// What the caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply<A> {
    /// An answer, after a while.
    Answer { answer: A, after: Duration },
    /// Nothing: the connection is closed after a while.
    Silence { after: Duration },
    /// A refusal.
    Refused(Refusal),
}

/// Everything the acquirer knows.
#[derive(Debug, Default)]
pub(crate) struct Books {
    operations: HashMap<Reference, Operation>,
    /// Every reference ever called or blocked.
    calls: BTreeMap<Reference, Calls>,
    sales: BTreeMap<String, Totals>,
    payments: BTreeMap<String, Payment>,
    scripts: Vec<Script>,
    numbered: u64,
    /// References whose time is still to come.
    late: Vec<Reference>,
}

#[derive(Debug)]
struct Calls {
    kind: Kind,
    calls: u64,
}

#[derive(Debug)]
struct Operation {
    /// Absent: blocked by a reversal before it arrived.
    content: Option<Content>,
    state: State,
    provider_reference: String,
    at: Instant,
    attempt: u32,
    effects: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Done,
    Failed { code: String },
    Processing { done_at: Instant },
}

/// The code of what a reversal undid or prevented.
const REVERSED: &str = "reversed";

impl State {
    fn reversed() -> Self {
        Self::Failed { code: REVERSED.to_owned() }
    }

    /// How an operation with this effect ended.
    fn after(effect: Effect) -> Self {
        match effect {
            Effect::Happened | Effect::Nothing => Self::Done,
            Effect::Refused(code) => Self::Failed { code: code.to_owned() },
        }
    }
}

#[derive(Debug, Clone)]
struct Totals {
    voided: Money,
    refunded: Money,
    reversed: Money,
    count: u64,
}

impl Books {
    /// Carries a call out.
    pub(crate) fn call(&mut self, call: &Call, now: Instant, hold: Duration) -> Reply<Answer> {
        self.pass_time(now);
        match self.carry_out(call, now, hold) {
            Ok(reply) => reply,
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    /// The state of an operation.
    pub(crate) fn look_up(&mut self, reference: &Reference, now: Instant) -> Option<Answer> {
        self.pass_time(now);
        let operation = self.operations.get(reference)?;
        Some(operation.answer(reference, true))
    }

    /// Takes in a payment that reaches the acquirer past Rescind, and says how far it has got.
    pub(crate) fn arrive(&mut self, arrival: &Arrival, now: Instant) -> Result<PaymentState, Refusal> {
        self.pass_time(now);
        let name = arrival.name();
        if let Some(payment) = self.payments.get_mut(&name) {
            payment.arrives(arrival, now)?;
            return Ok(payment.state());
        }
        let payment = Payment::of(arrival, self.next_number(), now)?;
        let state = payment.state();
        self.keep(name, payment)?;
        Ok(state)
    }

    fn keep(&mut self, name: String, payment: Payment) -> Result<(), Refusal> {
        if self.payments.len() >= PAYMENTS {
            return Err(Refusal::Full("payments"));
        }
        self.payments.insert(name, payment);
        Ok(())
    }

    /// What became of a sale. An answer of nothing: it was never seen.
    pub(crate) fn ask_for_sale(
        &mut self,
        about: &payment::SaleQuestion,
        now: Instant,
        hold: Duration,
    ) -> Reply<Option<QuestionAnswer>> {
        self.pass_time(now);
        let known = self.payments.get(&about.name()).map(Payment::answer);
        self.answer_question(&Asked::Sale(about.sale.as_str()), known, now, hold)
    }

    /// Whether a refund arrived. An answer of nothing: it was never seen.
    pub(crate) fn trace(
        &mut self,
        reference: &Reference,
        now: Instant,
        hold: Duration,
    ) -> Reply<Option<QuestionAnswer>> {
        self.pass_time(now);
        let refund = self.operations.get(reference);
        let refund = refund.and_then(|o| Some((o, o.content.as_ref().filter(|c| c.what == What::Refund)?)));
        let known = refund.map(|(operation, _)| {
            // What is paid out arrives at once here; a script makes it late.
            let done = operation.state == State::Done;
            let (status, code) = if done { (Word::Arrived, "arrived") } else { (Word::Unknown, "unknown") };
            QuestionAnswer {
                status,
                code: code.to_owned(),
                provider_reference: Some(operation.provider_reference.clone()),
                at: operation.at.to_string(),
            }
        });
        let sale = refund.map(|(_, content)| content.sale.as_str().to_owned());
        let about = Asked::Trace { reference: reference.as_str(), sale: sale.as_deref() };
        self.answer_question(&about, known, now, hold)
    }

    /// A question changes nothing but its script.
    fn answer_question(
        &mut self,
        about: &Asked<'_>,
        known: Option<QuestionAnswer>,
        now: Instant,
        hold: Duration,
    ) -> Reply<Option<QuestionAnswer>> {
        let at_once = Duration { ms: 0 };
        match self.take_script(|script| script.is_asked(about)) {
            Some(Behaviour::ServerError) => Reply::Refused(Refusal::Scripted),
            Some(Behaviour::Timeout { hold_ms, .. }) => {
                Reply::Silence { after: hold_ms.map_or(hold, |ms| Duration { ms }) }
            }
            Some(Behaviour::Delay { ms }) => Reply::Answer { answer: known, after: Duration { ms } },
            Some(Behaviour::Says { status }) => {
                let provider_reference = known.and_then(|answer| answer.provider_reference);
                let code = status.code().to_owned();
                let said = QuestionAnswer { status, code, provider_reference, at: now.to_string() };
                Reply::Answer { answer: Some(said), after: at_once }
            }
            _ => Reply::Answer { answer: known, after: at_once },
        }
    }

    /// Adds a script behind those there are.
    pub(crate) fn add_script(&mut self, script: Script) -> Result<(), Refusal> {
        script.check()?;
        if self.scripts.len() >= SCRIPTS {
            return Err(Refusal::Full("scripts"));
        }
        self.scripts.push(script);
        Ok(())
    }

    /// The scripts that are left.
    pub(crate) fn scripts(&self) -> &[Script] {
        &self.scripts
    }

    /// Ends all scripts. What they made late still happens.
    pub(crate) fn clear_scripts(&mut self) {
        self.scripts.clear();
    }

    /// What really happened.
    pub(crate) fn effects(&mut self, now: Instant) -> Effects {
        self.pass_time(now);
        let references = self.calls.keys().filter_map(|r| Some((r.as_str().to_owned(), self.effects_of(r)?)));
        let sales = self.sales.iter().map(|(name, totals)| (name.clone(), totals.shown()));
        let payments = self.payments.iter().map(|(name, payment)| (name.clone(), payment.shown()));
        Effects { references: references.collect(), sales: sales.collect(), payments: payments.collect() }
    }

    /// What one reference did.
    pub(crate) fn effects_of_reference(&mut self, reference: &Reference, now: Instant) -> Option<ReferenceEffects> {
        self.pass_time(now);
        self.effects_of(reference)
    }

    fn effects_of(&self, reference: &Reference) -> Option<ReferenceEffects> {
        let Calls { kind, calls } = self.calls.get(reference)?;
        let effects = self.operations.get(reference).map_or(0, |operation| operation.effects);
        Some(ReferenceEffects { kind: *kind, effects, calls: *calls })
    }

    fn carry_out(&mut self, call: &Call, now: Instant, hold: Duration) -> Result<Reply<Answer>, Refusal> {
        self.check(call)?;
        self.count(call)?;
        let new_try = self.is_new_try(call);
        let behaviour = self.take_script(|script| script.applies(call, new_try));
        match &behaviour {
            Some(Behaviour::ServerError) => return Err(Refusal::Scripted),
            Some(Behaviour::Timeout { took_place: false, hold_ms }) => {
                return Ok(Reply::Silence { after: hold_ms.map_or(hold, |ms| Duration { ms }) });
            }
            Some(Behaviour::Decline { code }) => self.begin(call, State::Failed { code: code.clone() }, now),
            Some(Behaviour::LateSuccess { after_ms }) => {
                let done_at = now.plus(Duration { ms: *after_ms }).unwrap_or(now);
                self.begin(call, State::Processing { done_at }, now);
                self.late.push(call.reference.clone());
            }
            _ if new_try => {
                let effect = self.take_effect(&call.content, now)?;
                self.begin(call, State::after(effect), now);
                self.note_effect(&call.reference, effect);
            }
            _ => {}
        }
        if let Some(Behaviour::Timeout { hold_ms, .. }) = &behaviour {
            return Ok(Reply::Silence { after: hold_ms.map_or(hold, |ms| Duration { ms }) });
        }
        let after = Duration { ms: if let Some(Behaviour::Delay { ms }) = behaviour { ms } else { 0 } };
        let operation = self.operations.get(&call.reference);
        let mut answer = operation.map(|o| o.answer(&call.reference, !new_try)).ok_or(Refusal::Full("references"))?;
        // Code 94 means that it took place: it must not be said of anything else.
        if behaviour == Some(Behaviour::Duplicate) && answer.status == Status::Done {
            answer = Answer { status: Status::Failed, code: "94".to_owned(), duplicate: true, ..answer };
        }
        Ok(Reply::Answer { answer, after })
    }

    /// Fails if the reference stands for something else, or a reversal for nothing.
    fn check(&self, call: &Call) -> Result<(), Refusal> {
        let known = self.operations.get(&call.reference).and_then(|operation| operation.content.as_ref());
        if known.is_some_and(|content| *content != call.content) {
            return Err(Refusal::OtherContent);
        }
        let What::Reversal { original } = &call.content.what else { return Ok(()) };
        let original = self.operations.get(original).and_then(|operation| operation.content.as_ref());
        let fits = original.is_none_or(|original| {
            original.what == What::Void
                && original.merchant == call.content.merchant
                && original.sale == call.content.sale
                && original.amount == call.content.amount
        });
        if fits { Ok(()) } else { Err(Refusal::OriginalMismatch) }
    }

    /// Counts a call, and makes room for what it can add: its reference, and the one it may block.
    fn count(&mut self, call: &Call) -> Result<(), Refusal> {
        let known = self.calls.contains_key(&call.reference) || self.operations.contains_key(&call.reference);
        let room = REFERENCES.saturating_sub(self.calls.len().max(self.operations.len()));
        let needed = match &call.content.what {
            _ if known => 0,
            What::Reversal { .. } => 2,
            _ => 1,
        };
        if needed > room {
            return Err(Refusal::Full("references"));
        }
        let kind = call.content.what.kind();
        let calls = self.calls.entry(call.reference.clone()).or_insert(Calls { kind, calls: 0 });
        calls.calls = calls.calls.saturating_add(1);
        Ok(())
    }

    /// Whether this call may have an effect: it is the first under its reference, or a deliberate new attempt after a
    /// failure that is not a reversal's.
    fn is_new_try(&self, call: &Call) -> bool {
        match self.operations.get(&call.reference) {
            None => true,
            Some(Operation { state: State::Failed { code }, attempt, .. }) => {
                code != REVERSED && call.attempt > *attempt
            }
            Some(_) => false,
        }
    }

    fn take_script(&mut self, fits: impl FnMut(&Script) -> bool) -> Option<Behaviour> {
        let index = self.scripts.iter().position(fits)?;
        let script = self.scripts.get_mut(index)?;
        script.times = script.times.saturating_sub(1);
        let behaviour = script.behaviour.clone();
        if script.times == 0 {
            self.scripts.remove(index);
        }
        Some(behaviour)
    }

    /// Writes a new try down. Its provider reference stays the one of the first.
    fn begin(&mut self, call: &Call, state: State, now: Instant) {
        if let Some(operation) = self.operations.get_mut(&call.reference) {
            operation.state = state;
            operation.at = now;
            operation.attempt = call.attempt;
            return;
        }
        let operation = Operation {
            content: Some(call.content.clone()),
            state,
            provider_reference: self.next_number(),
            at: now,
            attempt: call.attempt,
            effects: 0,
        };
        self.operations.insert(call.reference.clone(), operation);
    }

    fn next_number(&mut self) -> String {
        self.numbered = self.numbered.saturating_add(1);
        format!("A{:011}", self.numbered)
    }

    /// Moves the money.
    fn take_effect(&mut self, content: &Content, now: Instant) -> Result<Effect, Refusal> {
        match &content.what {
            What::Void => self.post(content, |totals| {
                totals.voided = totals.voided.plus(&content.amount)?;
                totals.count = totals.count.saturating_add(1);
                Ok(())
            })?,
            What::Refund => self.post(content, |totals| {
                totals.refunded = totals.refunded.plus(&content.amount)?;
                totals.count = totals.count.saturating_add(1);
                Ok(())
            })?,
            What::Reversal { original } => return self.reverse(original, now),
            _ => return self.change_payment(content, now),
        }
        Ok(Effect::Happened)
    }

    /// Reverses, closes, completes, releases: whatever looks at what became of the payment.
    fn change_payment(&mut self, content: &Content, now: Instant) -> Result<Effect, Refusal> {
        let name = payment::name(&content.merchant, &content.sale);
        if let Some(payment) = self.payments.get_mut(&name) {
            return Ok(payment.undergo(&content.what, &content.amount, now)?);
        }
        let number = self.next_number();
        let (effect, blocked) = Payment::undergo_unseen(&content.what, &content.amount, number, now);
        if let Some(blocked) = blocked {
            self.keep(name, blocked)?;
        }
        Ok(effect)
    }

    /// Changes a sale's totals wholly or not at all.
    fn post(
        &mut self,
        content: &Content,
        change: impl FnOnce(&mut Totals) -> Result<(), MoneyError>,
    ) -> Result<(), Refusal> {
        let name = format!("{}/{}", content.merchant, content.sale);
        let mut totals = self.sales.get(&name).cloned().unwrap_or_else(|| Totals::none_like(&content.amount));
        change(&mut totals)?;
        self.sales.insert(name, totals);
        Ok(())
    }

    /// Undoes a void, or makes sure that it never takes place.
    fn reverse(&mut self, original: &Reference, now: Instant) -> Result<Effect, Refusal> {
        let Some(operation) = self.operations.get(original) else {
            let provider_reference = self.next_number();
            let state = State::reversed();
            let blocked = Operation { content: None, state, provider_reference, at: now, attempt: 1, effects: 0 };
            self.operations.insert(original.clone(), blocked);
            return Ok(Effect::Nothing);
        };
        let was_done = operation.state == State::Done;
        match operation.content.clone() {
            Some(content) if content.what != What::Void => return Err(Refusal::OriginalMismatch),
            Some(content) if was_done => self.post(&content, |totals| {
                totals.voided = totals.voided.minus(&content.amount)?;
                totals.reversed = totals.reversed.plus(&content.amount)?;
                Ok(())
            })?,
            _ => {}
        }
        if let Some(operation) = self.operations.get_mut(original).filter(|o| o.state != State::reversed()) {
            operation.state = State::reversed();
            operation.at = now;
        }
        Ok(if was_done { Effect::Happened } else { Effect::Nothing })
    }

    fn note_effect(&mut self, reference: &Reference, effect: Effect) {
        if let Some(operation) = self.operations.get_mut(reference).filter(|_| effect == Effect::Happened) {
            operation.effects = operation.effects.saturating_add(1);
        }
    }

    /// Lets what is late take place, in the order in which it was asked for.
    fn pass_time(&mut self, now: Instant) {
        if self.late.is_empty() {
            return;
        }
        for reference in core::mem::take(&mut self.late) {
            let Some(operation) = self.operations.get(&reference) else { continue };
            // A reversal may have ended it meanwhile.
            let State::Processing { done_at } = operation.state else { continue };
            if done_at > now {
                self.late.push(reference);
                continue;
            }
            let Some(content) = operation.content.clone() else { continue };
            let (state, effect) = match self.take_effect(&content, done_at) {
                Ok(effect) => (State::after(effect), effect),
                Err(refusal) => (State::Failed { code: refusal.code().to_owned() }, Effect::Nothing),
            };
            if let Some(operation) = self.operations.get_mut(&reference) {
                operation.state = state;
                operation.at = done_at;
            }
            self.note_effect(&reference, effect);
        }
    }
}

impl Operation {
    fn answer(&self, reference: &Reference, duplicate: bool) -> Answer {
        let (status, code) = match &self.state {
            State::Done => (Status::Done, "00"),
            State::Failed { code } => (Status::Failed, code.as_str()),
            State::Processing { .. } => (Status::Processing, "09"),
        };
        Answer {
            reference: reference.as_str().to_owned(),
            status,
            code: code.to_owned(),
            provider_reference: self.provider_reference.clone(),
            at: self.at.to_string(),
            attempt: self.attempt,
            duplicate,
        }
    }
}

impl Totals {
    fn none_like(amount: &Money) -> Self {
        let zero = amount.zero_like();
        Self { voided: zero.clone(), refunded: zero.clone(), reversed: zero, count: 0 }
    }

    fn shown(&self) -> SaleEffects {
        SaleEffects {
            currency: self.voided.currency.clone(),
            voided: self.voided.decimal_text(),
            refunded: self.refunded.decimal_text(),
            reversed: self.reversed.decimal_text(),
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant { unix_ms: 1_795_413_600_000 };
    const HOLD: Duration = Duration { ms: 0 };

    fn call(kind: &str, reference: &str, minor: &str) -> Call {
        let original = if kind == "reversal" { "\"V-0\"" } else { "null" };
        let body = format!(
            r#"{{"reference":"{reference}","kind":"{kind}","original":{original},"merchant":"m","sale":"s",
                "amount":{{"amount":"{minor}","currency":"JPY"}}}}"#
        );
        Call::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn no_reference_is_forgotten_and_beyond_the_limit_none_is_taken() {
        let mut books = Books::default();
        for n in 0..REFERENCES {
            let reply = books.call(&call("refund", &format!("R-{n}"), "1"), NOW, HOLD);
            assert!(matches!(reply, Reply::Answer { .. }));
        }
        for kind in ["refund", "reversal"] {
            let reply = books.call(&call(kind, "X-1", "1"), NOW, HOLD);
            assert_eq!(reply, Reply::Refused(Refusal::Full("references")), "{kind}");
        }
        // The first is still known.
        let Reply::Answer { answer, .. } = books.call(&call("refund", "R-0", "1"), NOW, HOLD) else { panic!() };
        assert!(answer.duplicate);
        assert_eq!(books.effects(NOW).references.len(), REFERENCES);
    }

    #[test]
    fn scripts_are_bounded() {
        let mut books = Books::default();
        let script = || Script { matching: Default::default(), times: 1, behaviour: Behaviour::Duplicate };
        for _ in 0..SCRIPTS {
            books.add_script(script()).unwrap();
        }
        assert_eq!(books.add_script(script()), Err(Refusal::Full("scripts")));
    }

    #[test]
    fn an_effect_that_cannot_be_counted_does_not_happen() {
        let mut books = Books::default();
        let most = "99999999999999";
        assert!(matches!(books.call(&call("refund", "R-1", most), NOW, HOLD), Reply::Answer { .. }));
        assert!(matches!(books.call(&call("refund", "R-2", "1"), NOW, HOLD), Reply::Refused(Refusal::Invalid(_))));
        assert_eq!(books.look_up(&Reference::parse("R-2").unwrap(), NOW), None);
        assert_eq!(books.effects(NOW).sales.get("m/s").map(|s| s.refunded.as_str()), Some(most));
    }
}
