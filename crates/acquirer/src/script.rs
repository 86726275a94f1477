//! Scripts: what goes wrong, and when.

use crate::limits::{CODE_BYTES, WAIT_MS};
use crate::operation::{Call, Kind};
use crate::payment::Word;
use crate::refusal::Refusal;
use rescind_model::Money;
use serde::{Deserialize, Serialize};

/// Makes some calls go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Which calls.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// How.
    pub behaviour: Behaviour,
}

fn once() -> u32 {
    1
}

/// Which calls a script is for. What is absent matches every call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// For this sale, of any merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<String>,
    /// Over this amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<AmountMatch>,
    /// With this reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Questions of this kind, and no operations. Absent: operations, and no questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
}

/// What can be asked besides an operation's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// What became of a sale.
    Sale,
    /// Whether a refund arrived.
    Trace,
}

impl Question {
    /// Whether it can be answered with this word.
    fn takes(self, word: Word) -> bool {
        match word {
            Word::Unknown => true,
            Word::Arrived | Word::NotArrived => self == Self::Trace,
            Word::Paid | Word::NotPaid | Word::Declined | Word::Held | Word::Undone => self == Self::Sale,
        }
    }
}

/// An amount to match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AmountMatch {
    /// In any currency: `"60.00"`.
    Number(String),
    /// In one currency: `{"amount": "60.00", "currency": "CNY"}`.
    Money {
        /// The number.
        amount: String,
        /// The currency.
        currency: String,
    },
}

/// What happens instead of a plain answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Behaviour {
    /// The effect at once, the answer later.
    Delay {
        /// How much later, in milliseconds.
        ms: u64,
    },
    /// Refused for good. Only for a new try.
    Decline {
        /// The response code.
        code: String,
    },
    /// No answer.
    Timeout {
        /// Whether the effect happened.
        took_place: bool,
        /// How long the connection is held open before it is closed, in milliseconds; absent: as the options say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_ms: Option<u64>,
    },
    /// Answered as processing, done later. Only for a new try.
    LateSuccess {
        /// When it takes place, in milliseconds from the call.
        after_ms: u64,
    },
    /// The effect, answered as a duplicate transmission (code `94`).
    Duplicate,
    /// An error of the server, without effect.
    ServerError,
    /// Only for a question: it is answered with this word, whatever is in the books.
    Says {
        /// The word.
        status: Word,
    },
}

impl Behaviour {
    /// Whether it decides the outcome of a try, and so cannot happen to one that is decided.
    fn decides(&self) -> bool {
        matches!(self, Self::Decline { .. } | Self::LateSuccess { .. })
    }
}

impl Script {
    /// Fails unless all numbers and texts are in their range.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.times == 0 {
            return Err(Refusal::Invalid("times: expected at least 1".to_owned()));
        }
        let wait = match &self.behaviour {
            Behaviour::Delay { ms } => *ms,
            Behaviour::Timeout { hold_ms, .. } => hold_ms.unwrap_or(0),
            Behaviour::LateSuccess { after_ms } => *after_ms,
            Behaviour::Decline { code } => {
                let good = (1..=CODE_BYTES).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
                if !good || code == "00" || code == "94" {
                    return Err(Refusal::Invalid(format!(
                        "code: expected 1 to {CODE_BYTES} letters or digits, and not 00 or 94, which mean done"
                    )));
                }
                0
            }
            Behaviour::Duplicate | Behaviour::ServerError | Behaviour::Says { .. } => 0,
        };
        self.check_question()?;
        if wait > WAIT_MS {
            return Err(Refusal::Invalid(format!("behaviour: expected at most {WAIT_MS} ms")));
        }
        Ok(())
    }

    /// Fails if an operation is to be answered with a word, or a question as if it did something.
    fn check_question(&self) -> Result<(), Refusal> {
        let Match { question, kind, amount, .. } = &self.matching;
        let invalid = |why: &str| Err(Refusal::Invalid(why.to_owned()));
        match (question, &self.behaviour) {
            (None, Behaviour::Says { .. }) => invalid("behaviour: only a question is answered with a word"),
            (None, _) => Ok(()),
            (Some(_), _) if kind.is_some() || amount.is_some() => {
                invalid("match: a question has neither kind nor amount")
            }
            (Some(question), Behaviour::Says { status }) if !question.takes(*status) => {
                invalid("status: expected a word that answers the question")
            }
            (Some(_), Behaviour::Decline { .. } | Behaviour::LateSuccess { .. } | Behaviour::Duplicate) => {
                invalid("behaviour: a question has no effect that could be declined, late or repeated")
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// Whether it is for this question, about a sale or a reference.
    pub(crate) fn is_asked(&self, about: &Asked<'_>) -> bool {
        let Match { sale, reference, question, .. } = &self.matching;
        let (asked, of_sale, of_reference) = match about {
            Asked::Sale(sale) => (Question::Sale, Some(*sale), None),
            Asked::Trace { reference, sale } => (Question::Trace, *sale, Some(*reference)),
        };
        *question == Some(asked)
            && (sale.is_none() || sale.as_deref() == of_sale)
            && (reference.is_none() || reference.as_deref() == of_reference)
    }

    /// Whether it is for this call.
    pub(crate) fn applies(&self, call: &Call, new_try: bool) -> bool {
        let Match { kind, sale, amount, reference, question } = &self.matching;
        question.is_none()
            && (new_try || !self.behaviour.decides())
            && kind.is_none_or(|kind| kind == call.content.what.kind())
            && sale.as_ref().is_none_or(|sale| sale == call.content.sale.as_str())
            && reference.as_ref().is_none_or(|reference| reference == call.reference.as_str())
            && amount.as_ref().is_none_or(|amount| amount.is(&call.content.amount))
    }
}

/// A question as it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// About a sale.
    Sale(&'a str),
    /// About a refund's arrival: its reference, and its sale if it is known.
    Trace { reference: &'a str, sale: Option<&'a str> },
}

impl AmountMatch {
    fn is(&self, money: &Money) -> bool {
        let (number, currency) = match self {
            Self::Number(number) => (number, &money.currency),
            Self::Money { amount, currency } => (amount, currency),
        };
        Money::parse(number, currency).is_ok_and(|wanted| wanted == *money)
    }
}

impl From<&Money> for AmountMatch {
    fn from(money: &Money) -> Self {
        Self::Money { amount: money.decimal_text(), currency: money.currency.clone() }
    }
}
