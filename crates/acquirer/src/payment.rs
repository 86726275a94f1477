//! Payments the acquirer was told of: sales, orders behind payment codes, holds, and what became of each.
//!
//! Voids and refunds do not look here: they work on any sale and show in the totals, so that a mistake of the caller is
//! seen and not caught.

use crate::effects::PaymentEffects;
use crate::operation::{AmountBody, KnownBy, Slip, What, json};
use crate::refusal::Refusal;
use rescind_model::money::MoneyError;
use rescind_model::{Instant, MerchantId, Money, SaleId};
use serde::{Deserialize, Serialize};

/// How a payment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// A card sale.
    Card,
    /// An order behind a payment code.
    Code,
    /// A hold on a card.
    Hold,
}

/// What reaches the acquirer of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arriving {
    /// An order that nobody has paid yet.
    Unpaid,
    /// It was paid.
    Paid,
    /// It was refused.
    Declined,
    /// Money is held for it.
    Held,
}

/// A payment as it reaches the acquirer, past Rescind: from a terminal, or from a payer's telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// Who is paid.
    pub merchant: MerchantId,
    /// The sale's name within the merchant.
    pub sale: SaleId,
    /// How it is paid.
    pub means: Means,
    /// What happened.
    pub state: Arriving,
    /// How much.
    pub amount: AmountBody,
    /// The most that a completion may capture. Absent: the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<AmountBody>,
}

impl Arrival {
    pub(crate) fn name(&self) -> String {
        name(&self.merchant, &self.sale)
    }

    /// Fails unless the state is one that such a payment can arrive in.
    fn check(&self) -> Result<(), Refusal> {
        let fits = match self.means {
            Means::Card => matches!(self.state, Arriving::Paid | Arriving::Declined),
            Means::Code => matches!(self.state, Arriving::Unpaid | Arriving::Paid | Arriving::Declined),
            Means::Hold => matches!(self.state, Arriving::Held | Arriving::Declined),
        };
        if !fits {
            return Err(Refusal::Invalid(
                "state: expected paid or declined, for a code also unpaid, for a hold held or declined".to_owned(),
            ));
        }
        if self.ceiling.is_some() && self.means != Means::Hold {
            return Err(Refusal::Invalid("ceiling: only a hold has one".to_owned()));
        }
        Ok(())
    }
}

/// What a payment's books go by.
pub(crate) fn name(merchant: &MerchantId, sale: &SaleId) -> String {
    format!("{merchant}/{sale}")
}

/// How far a payment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentState {
    /// An order that nobody has paid yet.
    Unpaid,
    /// Paid.
    Paid,
    /// Refused.
    Declined,
    /// Money is held.
    Held,
    /// All or part of what was held was captured.
    Captured,
    /// What was held was released.
    Released,
    /// It was reversed, or its reversal came before it: it can never take place.
    Reversed,
    /// Its order was closed, or the close came before it: it can never be paid.
    Closed,
}

/// One payment.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    /// Absent: only its end was heard of.
    means: Option<Means>,
    amount: Money,
    ceiling: Money,
    state: PaymentState,
    captured: Money,
    number: String,
    at: Instant,
    changes: u64,
}

/// What an operation did to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changed something.
    Happened,
    /// There was nothing to change; what was wanted is so.
    Nothing,
    /// It cannot be, with the response code that says why.
    Refused(&'static str),
}

/// ISO 8583: no such record.
const NO_SUCH_PAYMENT: &str = "25";
/// ISO 8583: not this amount.
const OTHER_AMOUNT: &str = "13";
/// ISO 8583: more than the limit.
const ABOVE_CEILING: &str = "61";

/// What is answered when somebody asks for a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Of a sale: it was paid.
    Paid,
    /// Of a sale: nobody paid it so far.
    NotPaid,
    /// Of a sale: the issuer or network refused it.
    Declined,
    /// Of a hold: the money is held.
    Held,
    /// Of a sale: it was reversed, closed or released, and cannot be paid any more.
    Undone,
    /// Of a refund: the payer has the money.
    Arrived,
    /// Of a refund: the payer does not have it yet.
    NotArrived,
    /// Nobody can tell yet.
    Unknown,
}

impl Word {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::NotPaid => "not-paid",
            Self::Declined => "declined",
            Self::Held => "held",
            Self::Undone => "undone",
            Self::Arrived => "arrived",
            Self::NotArrived => "not-arrived",
            Self::Unknown => "unknown",
        }
    }
}

impl Payment {
    /// A payment that arrives.
    pub(crate) fn of(arrival: &Arrival, number: String, at: Instant) -> Result<Self, Refusal> {
        arrival.check()?;
        let amount = arrival.amount.money()?;
        let ceiling = arrival.ceiling.as_ref().map_or_else(|| Ok(amount.clone()), AmountBody::money)?;
        ceiling.same_currency(&amount)?;
        let mut payment = Self {
            means: Some(arrival.means),
            captured: amount.zero_like(),
            state: PaymentState::Unpaid,
            changes: 0,
            amount,
            ceiling,
            number,
            at,
        };
        payment.becomes(arrival.state, at);
        Ok(payment)
    }

    /// The same payment arrives again, or goes on from an open order.
    pub(crate) fn arrives(&mut self, arrival: &Arrival, at: Instant) -> Result<(), Refusal> {
        if matches!(self.state, PaymentState::Reversed | PaymentState::Closed) {
            return Err(Refusal::Undone);
        }
        let again = Self::of(arrival, String::new(), at)?;
        if self.means != again.means || self.amount != again.amount || self.ceiling != again.ceiling {
            return Err(Refusal::OtherContent);
        }
        match (self.state, arrival.state) {
            (PaymentState::Unpaid, next) => self.becomes(next, at),
            (PaymentState::Paid, Arriving::Paid | Arriving::Unpaid)
            | (PaymentState::Declined, Arriving::Declined | Arriving::Unpaid)
            | (PaymentState::Held | PaymentState::Captured | PaymentState::Released, Arriving::Held) => {}
            _ => return Err(Refusal::OtherContent),
        }
        Ok(())
    }

    fn becomes(&mut self, state: Arriving, at: Instant) {
        self.at = at;
        self.state = match state {
            Arriving::Unpaid => PaymentState::Unpaid,
            Arriving::Paid => {
                self.captured = self.amount.clone();
                PaymentState::Paid
            }
            Arriving::Declined => PaymentState::Declined,
            Arriving::Held => PaymentState::Held,
        };
    }

    /// Does to it what an operation asks for.
    pub(crate) fn undergo(&mut self, what: &What, amount: &Money, at: Instant) -> Result<Effect, MoneyError> {
        amount.same_currency(&self.amount)?;
        let (effect, next) = self.outcome_of(what, amount)?;
        if !matches!(effect, Effect::Refused(_)) && next != self.state {
            self.captured = if next == PaymentState::Captured { amount.clone() } else { self.amount.zero_like() };
            self.state = next;
            self.at = at;
        }
        if effect == Effect::Happened {
            self.changes = self.changes.saturating_add(1);
        }
        Ok(effect)
    }

    /// What an operation does, and where that leads.
    fn outcome_of(&self, what: &What, amount: &Money) -> Result<(Effect, PaymentState), MoneyError> {
        use PaymentState::{Captured, Closed, Declined, Held, Paid, Released, Reversed, Unpaid};
        let refused = |code| (Effect::Refused(code), self.state);
        Ok(match (what, self.state) {
            (What::SaleReversal, Paid | Held) if *amount != self.amount => refused(OTHER_AMOUNT),
            (What::SaleReversal, Paid | Held | Unpaid) => (Effect::Happened, Reversed),
            (What::SaleReversal, Declined) => (Effect::Nothing, Reversed),
            (What::SaleReversal | What::HoldRelease, Captured) => refused("captured"),
            (What::SaleReversal, Released | Reversed | Closed) => (Effect::Nothing, self.state),

            (What::OrderClose, Unpaid) => (Effect::Happened, Closed),
            (What::OrderClose, Declined) => (Effect::Nothing, Closed),
            (What::OrderClose, Paid | Captured) => refused("paid"),
            (What::OrderClose | What::CompletionVoid, Held) => refused("held"),
            (What::OrderClose, Released | Reversed | Closed) => (Effect::Nothing, self.state),

            (What::HoldCompletion, Held) if amount.minor > self.ceiling.minor => refused(ABOVE_CEILING),
            (What::HoldCompletion, Held) => (Effect::Happened, Captured),
            (What::HoldCompletion, Captured) => refused("captured"),
            (What::HoldCompletion | What::CompletionVoid, Released) => refused("released"),

            (What::HoldRelease, Held) => (Effect::Happened, Released),
            (What::HoldRelease, Released | Reversed) => (Effect::Nothing, self.state),

            (What::CompletionVoid, Captured) if *amount != self.captured => refused(OTHER_AMOUNT),
            (What::CompletionVoid, Captured) => (Effect::Happened, Held),

            (What::HoldCompletion | What::HoldRelease | What::CompletionVoid, _) => refused(NO_SUCH_PAYMENT),
            // These do not ask what became of the payment.
            (What::Void | What::Refund | What::Reversal { .. }, _) => (Effect::Nothing, self.state),
        })
    }

    /// What one operation does to a payment that was never heard of: its end is written down, so that it cannot take
    /// place any more.
    pub(crate) fn undergo_unseen(what: &What, amount: &Money, number: String, at: Instant) -> (Effect, Option<Self>) {
        let state = match what {
            What::SaleReversal => PaymentState::Reversed,
            What::OrderClose => PaymentState::Closed,
            _ => return (Effect::Refused(NO_SUCH_PAYMENT), None),
        };
        let zero = amount.zero_like();
        let (amount, ceiling) = (amount.clone(), amount.clone());
        let payment = Self { means: None, amount, ceiling, state, captured: zero, number, at, changes: 0 };
        (Effect::Nothing, Some(payment))
    }

    pub(crate) fn state(&self) -> PaymentState {
        self.state
    }

    pub(crate) fn answer(&self) -> QuestionAnswer {
        let (status, code) = match self.state {
            PaymentState::Paid | PaymentState::Captured => (Word::Paid, "paid"),
            PaymentState::Unpaid => (Word::NotPaid, "not-paid"),
            PaymentState::Declined => (Word::Declined, "declined"),
            PaymentState::Held => (Word::Held, "held"),
            PaymentState::Released => (Word::Undone, "released"),
            PaymentState::Reversed => (Word::Undone, "reversed"),
            PaymentState::Closed => (Word::Undone, "closed"),
        };
        QuestionAnswer {
            status,
            code: code.to_owned(),
            provider_reference: Some(self.number.clone()),
            at: self.at.to_string(),
        }
    }

    pub(crate) fn shown(&self) -> PaymentEffects {
        PaymentEffects {
            means: self.means,
            state: self.state,
            currency: self.amount.currency.clone(),
            amount: self.amount.decimal_text(),
            captured: self.captured.decimal_text(),
            changes: self.changes,
        }
    }
}

/// A question about a sale.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaleQuestion {
    pub(crate) merchant: MerchantId,
    pub(crate) sale: SaleId,
    #[serde(default)]
    retrieval_reference: Option<String>,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    authorisation_code: Option<String>,
    #[serde(default)]
    slip: Option<Slip>,
}

impl SaleQuestion {
    /// Reads a question.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let question: Self = json(body)?;
        let Self { retrieval_reference, order, authorisation_code, slip, .. } = question.clone();
        KnownBy { retrieval_reference, order, authorisation_code, slip }.check()?;
        Ok(question)
    }

    pub(crate) fn name(&self) -> String {
        name(&self.merchant, &self.sale)
    }
}

/// The answer to a question about a sale, or about the arrival of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionAnswer {
    /// What became of it.
    pub status: Word,
    /// A word for programs, more exact than the status.
    pub code: String,
    /// Our reference for it. Absent: a script answered, and there is nothing behind it.
    pub provider_reference: Option<String>,
    /// Since when it is so: RFC 3339.
    pub at: String,
}
