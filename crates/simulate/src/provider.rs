//! The acquirer of a run: it moves the money, and its books say what really happened. It does what it is told once per
//! reference and catches no mistake of the caller's: two references for one sale both take effect.

use crate::fault::ProviderFault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It will take place at this time.
    Processing(i64),
    /// It took place.
    Done,
    /// It was refused for good.
    Failed(&'static str),
}

/// An operation that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `void`, `refund`, …
    pub kind: String,
    /// The sale.
    pub sale: String,
    /// How much, in cents.
    pub cents: i64,
    /// What became of it.
    pub state: State,
    /// Which attempt under its reference.
    pub attempt: u64,
    /// Whether it undoes the payment itself.
    undoes_sale: bool,
    /// The void that it undoes.
    original: Option<String>,
}

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payment {
    /// It took place.
    Paid,
    /// Nobody paid it so far.
    NotPaid,
    /// It was refused.
    Declined,
    /// The money is held.
    Held,
    /// It was reversed, closed or released.
    Undone,
}

/// The books of one payment, in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// How it stands.
    pub payment: Payment,
    /// What was taken.
    pub captured: i64,
    /// What is voided now.
    pub voided: i64,
    /// What was refunded.
    pub refunded: i64,
    /// What was reversed with the payment itself.
    pub reversed: i64,
}

/// The acquirer.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// By reference.
    pub operations: BTreeMap<String, Operation>,
    /// By sale.
    pub books: BTreeMap<String, Book>,
    /// Voids that were reversed before they came.
    blocked: Vec<String>,
}

/// What the acquirer answers: a status and a body.
pub type Answer = (u16, Value);

impl Provider {
    /// A payment reaches the acquirer past the application. What is known stays as it is.
    pub fn pays(&mut self, sale: &str, payment: Payment, cents: i64) {
        let captured = if payment == Payment::Paid { cents } else { 0 };
        self.books.entry(sale.to_owned()).or_insert(Book { payment, captured, voided: 0, refunded: 0, reversed: 0 });
    }

    /// An open order is paid, unless it was closed; whether it was.
    pub fn scanned(&mut self, sale: &str, cents: i64) -> bool {
        match self.books.get_mut(sale) {
            Some(book) if book.payment == Payment::NotPaid => {
                book.payment = Payment::Paid;
                book.captured = cents;
                true
            }
            Some(book) => book.payment == Payment::Paid,
            None => false,
        }
    }

    /// Lets what is processing take place when its time has come.
    pub fn pass(&mut self, now: i64) {
        let due: Vec<String> = self
            .operations
            .iter()
            .filter(|(_, operation)| matches!(operation.state, State::Processing(at) if at <= now))
            .map(|(reference, _)| reference.clone())
            .collect();
        for reference in due {
            let state = self.effect(&reference);
            if let Some(operation) = self.operations.get_mut(&reference) {
                operation.state = state;
            }
        }
    }

    /// Answers a call. Time has passed up to `now`.
    pub fn answer(&mut self, method: &str, path: &str, body: &[u8], now: i64, fault: Option<ProviderFault>) -> Answer {
        self.pass(now);
        let asked: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let sale = asked.pointer("/sale").and_then(Value::as_str).unwrap_or_default();
        match (method, path) {
            ("POST", "/operations") => self.carry_out(&asked, now, fault),
            ("POST", "/sales/query") => {
                let word = match self.books.get(sale).map(|book| book.payment) {
                    None => return (404, json!({"status": "not-found"})),
                    Some(Payment::Paid) => "paid",
                    Some(Payment::NotPaid) => "not-paid",
                    Some(Payment::Declined) => "declined",
                    Some(Payment::Held) => "held",
                    Some(Payment::Undone) => "undone",
                };
                (200, json!({"status": word, "code": word}))
            }
            ("GET", path) if path.ends_with("/trace") => (200, json!({"status": "arrived", "code": "00"})),
            ("GET", path) => self.say(path.strip_prefix("/operations/").unwrap_or_default(), false),
            _ => (404, Value::Null),
        }
    }

    fn say(&self, reference: &str, duplicate: bool) -> Answer {
        let Some(operation) = self.operations.get(reference) else { return (404, json!({"status": "not-found"})) };
        let (status, code) = match operation.state {
            State::Processing(_) => ("processing", "09"),
            State::Done => ("done", "00"),
            State::Failed(code) => ("failed", code),
        };
        let attempt = operation.attempt;
        (
            200,
            json!({"reference": reference, "status": status, "code": code, "attempt": attempt, "duplicate": duplicate}),
        )
    }

    fn carry_out(&mut self, asked: &Value, now: i64, fault: Option<ProviderFault>) -> Answer {
        let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let reference = text("reference");
        let attempt = asked.get("attempt").and_then(Value::as_u64).unwrap_or(1);
        let cents = asked.pointer("/amount/amount").and_then(Value::as_str).and_then(crate::cents::parse).unwrap_or(0);
        if let Some(known) = self.operations.get_mut(&reference) {
            if known.kind != text("kind") || known.sale != text("sale") || known.cents != cents {
                return (422, json!({"status": "refused", "code": "other-content", "message": "another operation"}));
            }
            let again = matches!(known.state, State::Failed(code) if code != "reversed") && attempt > known.attempt;
            if !again {
                return self.say(&reference, true);
            }
            known.attempt = attempt;
        }
        let original = Some(text("original")).filter(|original| !original.is_empty());
        let operation = Operation {
            kind: text("kind"),
            sale: text("sale"),
            cents,
            state: State::Processing(i64::MAX),
            attempt,
            undoes_sale: text("undoes") == "sale",
            original,
        };
        self.operations.insert(reference.clone(), operation);
        let state = match fault {
            Some(ProviderFault::Declines) => State::Failed("51"),
            Some(ProviderFault::Late(ms)) => State::Processing(now.saturating_add(ms)),
            _ => self.effect(&reference),
        };
        if let Some(operation) = self.operations.get_mut(&reference) {
            operation.state = state;
        }
        if fault == Some(ProviderFault::SaysDuplicate)
            && self.operations.get(&reference).is_some_and(|operation| operation.state == State::Done)
        {
            return (200, json!({"reference": reference, "status": "failed", "code": "94", "attempt": attempt}));
        }
        self.say(&reference, false)
    }

    /// What an operation does to the books.
    fn effect(&mut self, reference: &str) -> State {
        let Some(operation) = self.operations.get(reference).cloned() else { return State::Failed("12") };
        let Operation { kind, sale, cents, undoes_sale, original, .. } = operation;
        if self.blocked.iter().any(|blocked| blocked == reference) {
            return State::Failed("reversed");
        }
        if kind == "reversal" && !undoes_sale {
            let original = original.unwrap_or_default();
            let was_done = self.operations.get(&original).is_some_and(|void| void.state == State::Done);
            if let Some(void) = self.operations.get_mut(&original) {
                void.state = State::Failed("reversed");
            } else {
                self.blocked.push(original);
            }
            if was_done && let Some(book) = self.books.get_mut(&sale) {
                book.voided = book.voided.saturating_sub(cents);
            }
            return State::Done;
        }
        let book = self.books.entry(sale).or_insert(Book {
            payment: Payment::Undone,
            captured: 0,
            voided: 0,
            refunded: 0,
            reversed: 0,
        });
        match (kind.as_str(), book.payment) {
            ("void", _) => book.voided = book.voided.saturating_add(cents),
            ("refund", _) => book.refunded = book.refunded.saturating_add(cents),
            ("reversal", Payment::Paid) => {
                book.reversed = book.captured;
                book.payment = Payment::Undone;
            }
            ("order-close", Payment::Paid) => return State::Failed("paid"),
            ("reversal", Payment::NotPaid | Payment::Declined | Payment::Undone | Payment::Held)
            | ("order-close", _)
            | ("hold-release", Payment::Held | Payment::Undone) => book.payment = Payment::Undone,
            ("hold-completion", Payment::Held) => {
                book.payment = Payment::Paid;
                book.captured = cents;
            }
            ("hold-completion", Payment::Paid) | ("hold-release", Payment::Paid) => return State::Failed("captured"),
            ("hold-completion", _) => return State::Failed("released"),
            ("completion-void", Payment::Paid) => {
                book.payment = Payment::Held;
                book.captured = 0;
            }
            _ => return State::Failed("25"),
        }
        State::Done
    }
}
