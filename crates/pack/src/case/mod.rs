//! Case files: what a policy is expected to answer, written beside it by whoever wrote the policy.
//!
//! The format is shown in `docs/policies.md`.

mod days;
mod expect;
mod given;
mod lives;

pub use expect::Difference;

use crate::notation;
use chrono::NaiveDate;
use expect::Expect;
use given::{AuthenticationCase, BalanceCase, CodeCase, CountCase, HoldCase, OfflineCase, SaleCase};
use rescind_eligibility::Engine;
use rescind_model::record::Question;
use rescind_model::token::Token;
use rescind_model::{
    Asker, BusinessDay, Decision, DecisionError, Digest, Facts, IdentityProof, Instant, Money, OperationQuestion,
    PersonId, RefundQuestion, Role, TerminalId, VoidQuestion, Way,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who asks.
const ASKER: &str = "P-1";

/// What stands for the operation that is asked for: its digest is what proofs are bound to.
const THIS: &[u8] = b"this";

/// Why a case file could not be read or a case not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// Not a case file.
    #[error("{0}")]
    File(String),
    /// A case with a value that is none.
    #[error("case {case:?}: {problem}")]
    Value {
        /// The case's name.
        case: String,
        /// What was expected and found.
        problem: String,
    },
}

/// A case file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaseFile {
    /// The cases, in order.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One question with the answer that is expected. Whatever is not said is the most ordinary: a good, unsettled purchase of
/// 100.00 by card, nothing taken back so far, asked online by a cashier who did nothing else today and has just proved who
/// they are for this very operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// A sentence of the domain.
    pub name: String,
    /// Who says so: a guide, a network's rule, or `our default`. A pack is only as good as what its cases rest on, so
    /// [`CaseFile::without_source`] lists those that rest on nothing.
    pub source: Option<String>,
    /// The sale.
    #[serde(default)]
    sale: SaleCase,
    /// When the payment was made. It may be left out where nothing about a payment is expected.
    paid_at: Option<String>,
    /// When it is asked. It may be left out where nothing is asked.
    now: Option<String>,
    /// The business day the host stamped on the question.
    business_day: Option<String>,
    /// How much is spoken for.
    #[serde(default)]
    balance: BalanceCase,
    /// Voids so far in this business day, by whose: short for `count`.
    #[serde(default)]
    voids_today: BTreeMap<String, u32>,
    /// Operations so far, by way, whose and over which time.
    #[serde(default)]
    count: Vec<CountCase>,
    /// What the requester asked for so far today.
    requested_today: Option<String>,
    /// The roles of who asks.
    roles: Option<Vec<String>>,
    /// The terminal it is asked at.
    terminal: Option<String>,
    /// The class of the terminal it is asked at.
    terminal_class: Option<String>,
    /// The operator's proof: fresh, the asker's and for this operation unless told otherwise.
    #[serde(default)]
    authentication: AuthenticationCase,
    /// How the customer proved to be the payer.
    #[serde(default)]
    identity: Vec<String>,
    /// The code the payment began as.
    code: Option<CodeCase>,
    /// The hold the payment began as.
    hold: Option<HoldCase>,
    /// That a terminal decides without the server.
    offline: Option<OfflineCase>,
    /// A reversal, an order close or something done to a hold is asked for.
    operation: Option<OperationCase>,
    /// A void is asked for.
    void: Option<QuestionCase>,
    /// A refund is asked for.
    refund: Option<QuestionCase>,
    /// All ways are asked for.
    assess: Option<QuestionCase>,
    /// The answer.
    expect: Expect,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct QuestionCase {
    amount: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    evidence: Vec<String>,
    /// Whether the void carries out a legal order.
    #[serde(default)]
    legal: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct OperationCase {
    way: String,
    amount: Option<String>,
    trouble: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    penalty: bool,
}

/// What a case asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// One way.
    One(Question),
    /// All ways; an amount, or all that is left.
    All(Option<Money>),
    /// Nothing: what is expected the policy says by itself, such as what a sale is charged or how long things live.
    Nothing,
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// Not TOML, or not of the format.
    pub fn read(text: &str) -> Result<Self, CaseError> {
        toml::from_str(text).map_err(|error| CaseError::File(error.to_string()))
    }

    /// The cases that name no source: a source can be `our default`, but it has to be said.
    pub fn without_source(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.source.as_deref().is_none_or(|source| source.trim().is_empty()))
    }

    /// The names that several cases have.
    #[must_use]
    pub fn names_taken_twice(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        let mut twice: Vec<&str> =
            names.windows(2).filter_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None }).collect();
        twice.dedup();
        twice
    }
}

impl Case {
    /// Asks the question and compares the answer. Gives what differs; nothing if all is as expected.
    ///
    /// # Errors
    /// A value in the case that is none.
    pub fn run(&self, engine: &Engine) -> Result<Vec<Difference>, CaseError> {
        let mut differences = Vec::new();
        let expect = &self.expect;
        if expect.is_empty() {
            differences.push(Difference::one("expect", "something", "nothing"));
        }
        if let Some(lives) = &expect.lives {
            lives.compare(engine, &mut differences);
        }
        if let Some(days) = &expect.days {
            days.compare(engine, &mut differences).map_err(|problem| self.bad(problem))?;
        }
        let asked = self.asked(engine)?;
        if asked == Asked::Nothing && expect.charge.is_none() {
            return Ok(differences);
        }
        let facts = self.facts(engine)?;
        if let Some(expected) = &expect.charge {
            let found = match engine.acquiring_fee(&facts.sale) {
                Ok(Some(fee)) => fee.decimal_text(),
                Ok(None) => "none".to_owned(),
                Err(error) => notation::error(&error).to_owned(),
            };
            if *expected != found {
                differences.push(Difference::one("charge", expected, found));
            }
        }
        let decisions = match asked {
            Asked::Nothing => return Ok(differences),
            Asked::All(amount) => engine.assess(&facts, amount.as_ref()),
            Asked::One(question) => decide(engine, &facts, &question).map(|decision| vec![decision]),
        };
        match decisions {
            Ok(decisions) => self.compare(engine, &decisions, &mut differences),
            Err(error) if expect.error.as_deref() == Some(notation::error(&error)) => {}
            Err(error) => {
                let expected = expect.error.as_deref().unwrap_or("a decision");
                differences.push(Difference::one("error", expected, format!("{error:?}")));
            }
        }
        Ok(differences)
    }

    fn compare(&self, engine: &Engine, decisions: &[Decision], differences: &mut Vec<Difference>) {
        if let Some(error) = &self.expect.error {
            differences.push(Difference::one("error", error, "a decision"));
        }
        for (way, answer) in self.expect.answers() {
            let decision = decisions.iter().find(|decision| decision.way.token() == way);
            match (decision, answer) {
                (Some(decision), Some(answer)) => answer.compare(engine, decision, differences),
                (None, Some(_)) => differences.push(Difference::one(way, "a decision", "none")),
                // An assessment may be compared in part, but what only some states of a payment have is never left unsaid.
                (Some(_), None) if !matches!(way, "void" | "refund") => {
                    differences.push(Difference::one(way, "none", "a decision"));
                }
                _ => {}
            }
        }
    }

    /// The fields of a way's answer that are compared, by their names in the file. `None`: nothing of it is.
    #[must_use]
    pub fn compared(&self, way: Way) -> Option<Vec<&'static str>> {
        let answers = self.expect.answers();
        let answer = answers.iter().find(|(name, _)| *name == way.token())?.1?;
        Some(answer.compared())
    }

    /// Whether what the sale is charged is compared.
    #[must_use]
    pub fn compares_charge(&self) -> bool {
        self.expect.charge.is_some()
    }

    /// Whether the fee of the sale is the policy's own.
    #[must_use]
    pub fn is_charged_by_policy(&self) -> bool {
        self.sale.is_charged_by_policy()
    }

    /// The places of the policy, apart from any one payment, whose values are compared.
    #[must_use]
    pub fn compared_places(&self) -> Vec<&'static str> {
        self.expect.lives.as_ref().map(lives::Lives::places).unwrap_or_default()
    }

    /// The days of which it is compared whether they are worked: the first and the last.
    #[must_use]
    pub fn compared_days(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.expect.days.as_ref()?.looked_at()
    }

    /// What is asked.
    ///
    /// # Errors
    /// A value in the case that is none, or more than one question.
    pub fn asked(&self, engine: &Engine) -> Result<Asked, CaseError> {
        self.question(engine).map_err(|problem| self.bad(problem))
    }

    /// What is known.
    ///
    /// # Errors
    /// A value in the case that is none.
    pub fn facts(&self, engine: &Engine) -> Result<Facts, CaseError> {
        self.given(engine).map_err(|problem| self.bad(problem))
    }

    fn bad(&self, problem: String) -> CaseError {
        CaseError::Value { case: self.name.clone(), problem }
    }

    fn question(&self, engine: &Engine) -> Result<Asked, String> {
        let amount = |question: &QuestionCase| match &question.amount {
            Some(text) => money(engine, text),
            None => money(engine, self.sale.captured()),
        };
        match (&self.void, &self.refund, &self.assess, &self.operation) {
            (Some(void), None, None, None) => Ok(Asked::One(Question::Void(VoidQuestion {
                amount: amount(void)?,
                reason: void.reason.clone(),
                legal: void.legal,
                evidence: void.evidence.clone(),
            }))),
            (None, Some(refund), None, None) => Ok(Asked::One(Question::Refund(RefundQuestion {
                amount: amount(refund)?,
                reason: refund.reason.clone(),
                evidence: refund.evidence.clone(),
            }))),
            (None, None, Some(assess), None) => {
                Ok(Asked::All(assess.amount.as_ref().map(|text| money(engine, text)).transpose()?))
            }
            (None, None, None, Some(operation)) => Ok(Asked::One(Question::Operation(OperationQuestion {
                way: token(&operation.way)?,
                amount: operation.amount.as_ref().map(|text| money(engine, text)).transpose()?,
                trouble: operation.trouble.as_deref().map(token).transpose()?,
                reason: operation.reason.clone(),
                penalty: operation.penalty,
            }))),
            // An answer that is expected without a question would never be compared.
            (None, None, None, None) if self.expect.is_of_the_policy_alone() => Ok(Asked::Nothing),
            _ => Err("expected exactly one of `void`, `refund`, `operation` and `assess`".to_owned()),
        }
    }

    fn given(&self, engine: &Engine) -> Result<Facts, String> {
        let paid_text = self.paid_at.as_ref().ok_or("expected `paid-at`: when the payment was made")?;
        let paid_at = instant(paid_text)?;
        let now_text = match &self.now {
            Some(now) => now,
            None if self.expect.charge.is_some() => paid_text,
            None => return Err("expected `now`: when it is asked".to_owned()),
        };
        let now = instant(now_text)?;
        let roles = self.roles.clone().unwrap_or_else(|| vec!["cashier".to_owned()]);
        let roles: Result<Vec<Role>, String> =
            roles.iter().map(|role| Role::parse(role).map_err(|e| e.to_string())).collect();
        let terminal = self.terminal.as_deref().map(TerminalId::parse).transpose().map_err(|e| e.to_string())?;
        let counts = !self.offline.as_ref().is_some_and(|offline| offline.without_counts);
        let requested = money(engine, self.requested_today.as_deref().unwrap_or("0.00"))?;
        Ok(Facts {
            sale: self.sale.facts(engine, paid_at)?,
            status: self.sale.status()?,
            balance: self.balance.facts(engine)?,
            now,
            business_day: self.business_day.as_deref().map(day).transpose()?,
            tallies: if counts { given::tallies(engine, &self.voids_today, &self.count)? } else { Vec::new() },
            requested_today: (counts && engine.needs().requested_today).then_some(requested),
            asker: Asker {
                person: PersonId::parse(ASKER).ok(),
                roles: roles?,
                terminal,
                terminal_class: self.terminal_class.clone(),
            },
            code: self.code.as_ref().map(|code| code.facts(engine, paid_at)).transpose()?,
            hold: self.hold.as_ref().map(|hold| hold.facts(engine, &self.sale, paid_at)).transpose()?,
            operation: Some(Digest::of(THIS)),
            authentication: self.authentication.facts(now_text)?,
            identity: self.identity.iter().map(|kind| proof(kind, now)).collect::<Result<_, String>>()?,
            offline: self.offline.as_ref().map(|offline| offline.facts(engine, now)).transpose()?,
        })
    }
}

/// Asks one question.
///
/// # Errors
/// See [`DecisionError`]: then nothing was decided.
pub fn decide(engine: &Engine, facts: &Facts, question: &Question) -> Result<Decision, DecisionError> {
    match question {
        Question::Void(question) => engine.decide_void(facts, question),
        Question::Refund(question) => engine.decide_refund(facts, question),
        Question::Operation(question) => engine.decide_operation(facts, question),
    }
}

fn proof(kind: &str, at: Instant) -> Result<IdentityProof, String> {
    Ok(IdentityProof { kind: token(kind)?, reference: None, at })
}

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).map_err(|error| error.to_string())
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).map_err(|error| error.to_string())
}

/// An amount in the policy's currency, or `60.00 USD` in another.
fn money(engine: &Engine, text: &str) -> Result<Money, String> {
    let (amount, currency) = text.split_once(' ').unwrap_or((text, &engine.document().currency));
    Money::parse(amount, currency).map_err(|error| error.to_string())
}

fn token<T: Token>(text: &str) -> Result<T, String> {
    let words: Vec<&str> = T::ALL.iter().map(|(_, token)| *token).collect();
    T::from_token(text).ok_or_else(|| format!("expected one of {words:?}, found {text:?}"))
}
