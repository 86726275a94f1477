//! Case files: what a policy is expected to answer, written beside it by whoever wrote the policy.
//!
//! The format is shown in `docs/policies.md`.

use chrono::{FixedOffset, SecondsFormat};
use rescind_eligibility::Engine;
use rescind_model::token::Token;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, BusinessDay, Decision, DecisionError, Digest, Facts, Finding,
    Hold, IdentityProof, Instant, Money, OperationQuestion, Outcome, PaymentCode, PersonId, Presenter, RefundQuestion,
    Remedy, Role, Sale, SaleStatus, SlipNumbers, Tally, VoidQuestion,
};
use rescind_policy::scalar::Span;
use rescind_policy::word::Word as _;
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
/// 100.00 by card, nothing taken back so far, asked by a cashier who did nothing else today and has just proved who they
/// are for this very operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// A sentence of the domain.
    pub name: String,
    /// The sale.
    #[serde(default)]
    sale: SaleCase,
    /// When the payment was made.
    paid_at: String,
    /// When it is asked.
    now: String,
    /// The business day the host stamped on the question.
    business_day: Option<String>,
    /// How much is spoken for.
    #[serde(default)]
    balance: BalanceCase,
    /// Voids so far today, by whose.
    #[serde(default)]
    voids_today: BTreeMap<String, u32>,
    /// What the requester asked for so far today.
    requested_today: Option<String>,
    /// The roles of who asks.
    roles: Option<Vec<String>>,
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
struct SaleCase {
    captured: Option<String>,
    fee_charged: Option<String>,
    channel: Option<String>,
    card_type: Option<String>,
    kind: Option<String>,
    settlement: Option<String>,
    business_day: Option<String>,
    coupon: Option<String>,
    service_at: Option<String>,
    outcome: Option<String>,
    batch_closed_at: Option<String>,
    settled_at: Option<String>,
    paid_out_at: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct BalanceCase {
    cleared: Option<String>,
    voided: Option<String>,
    reserved: Option<String>,
    #[serde(default)]
    void_open: bool,
    #[serde(default)]
    refunds_sent: u32,
    #[serde(default)]
    refunds_counted: u32,
    #[serde(default)]
    operation_open: bool,
    coupon_returned: Option<String>,
    last_refund_at: Option<String>,
    fee_returned: Option<String>,
    requested: Option<String>,
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

/// The operator's proof.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AuthenticationCase {
    /// Whether there is none.
    #[serde(default)]
    absent: bool,
    /// When it was given.
    at: Option<String>,
    /// Whose it is.
    person: Option<String>,
    /// What it was given for: `this`, `other` or `any`.
    operation: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CodeCase {
    /// Made at `paid-at` unless told otherwise.
    created_at: Option<String>,
    /// As the policy says unless told otherwise.
    expires_at: Option<String>,
    scanned_at: Option<String>,
    presented_by: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HoldCase {
    /// The sale's amount unless told otherwise.
    authorised: Option<String>,
    /// As the policy says unless told otherwise.
    ceiling: Option<String>,
    /// Made at `paid-at` unless told otherwise.
    authorised_at: Option<String>,
    /// As the policy says unless told otherwise.
    expires_at: Option<String>,
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

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Expect {
    void: Option<Answer>,
    refund: Option<Answer>,
    reversal: Option<Answer>,
    order_close: Option<Answer>,
    hold_release: Option<Answer>,
    hold_completion: Option<Answer>,
    completion_void: Option<Answer>,
    /// The kind of error.
    error: Option<String>,
}

/// What is expected of one way. Findings are compared in full; what is left out is not compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Answer {
    outcome: String,
    /// `rule remedy`, such as `void.window use-refund-from 2026-11-23T23:00:00+08:00`.
    #[serde(default)]
    findings: Vec<String>,
    open_until: Option<String>,
    opens_at: Option<String>,
    tier: Option<String>,
    needed: Option<u32>,
    fees: Option<Vec<String>>,
    evidence: Option<Vec<String>>,
    executor: Option<String>,
    arrival: Option<String>,
    amount: Option<String>,
    /// `120000 ms, bound` or `none`.
    authentication: Option<String>,
    identity: Option<Vec<String>>,
    persons: Option<u32>,
    coupon: Option<String>,
    penalty: Option<String>,
    funding: Option<String>,
    /// Milliseconds.
    queries: Option<Vec<u64>>,
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// Not TOML, or not of the format.
    pub fn read(text: &str) -> Result<Self, CaseError> {
        toml::from_str(text).map_err(|error| CaseError::File(error.to_string()))
    }
}

impl Case {
    /// Asks the question and compares the answer. Gives what differs, one line each; nothing if all is as expected.
    ///
    /// # Errors
    /// A value in the case that is none.
    pub fn run(&self, engine: &Engine) -> Result<Vec<String>, CaseError> {
        let bad = |problem: String| CaseError::Value { case: self.name.clone(), problem };
        let facts = self.facts(engine).map_err(bad)?;
        let decisions = self.ask(engine, &facts).map_err(bad)?;
        let mut differences = Vec::new();
        let decisions = match decisions {
            Ok(decisions) => decisions,
            Err(error) => {
                let found = error_kind(&error);
                if self.expect.error.as_deref() != Some(found) {
                    differences.push(format!(
                        "expected {}, found {error:?}",
                        self.expect.error.as_deref().unwrap_or("a decision")
                    ));
                }
                return Ok(differences);
            }
        };
        if let Some(error) = &self.expect.error {
            differences.push(format!("expected the error {error}, found a decision"));
        }
        let expect = &self.expect;
        let expected = [
            ("void", &expect.void),
            ("refund", &expect.refund),
            ("reversal", &expect.reversal),
            ("order-close", &expect.order_close),
            ("hold-release", &expect.hold_release),
            ("hold-completion", &expect.hold_completion),
            ("completion-void", &expect.completion_void),
        ];
        for (way, answer) in expected {
            let decision = decisions.iter().find(|decision| decision.way.token() == way);
            match (decision, answer) {
                (Some(decision), Some(answer)) => answer.compare(engine, decision, &mut differences),
                (None, Some(_)) => differences.push(format!("{way}: expected a decision, found none")),
                // An assessment may be compared in part, but what only some states of a payment have is never left unsaid.
                (Some(_), None) if !matches!(way, "void" | "refund") => {
                    differences.push(format!("{way}: expected none, found a decision"));
                }
                _ => {}
            }
        }
        if expected.iter().all(|(_, answer)| answer.is_none()) && self.expect.error.is_none() {
            differences.push("nothing is expected".to_owned());
        }
        Ok(differences)
    }

    fn ask(&self, engine: &Engine, facts: &Facts) -> Result<Result<Vec<Decision>, DecisionError>, String> {
        let amount = |question: &QuestionCase| match &question.amount {
            Some(text) => money(engine, text),
            None => Ok(facts.sale.captured.clone()),
        };
        match (&self.void, &self.refund, &self.assess, &self.operation) {
            (Some(void), None, None, None) => {
                let (amount, reason) = (amount(void)?, void.reason.clone());
                let question = VoidQuestion { amount, reason, legal: void.legal, evidence: void.evidence.clone() };
                Ok(engine.decide_void(facts, &question).map(|decision| vec![decision]))
            }
            (None, Some(refund), None, None) => {
                let question = RefundQuestion {
                    amount: amount(refund)?,
                    reason: refund.reason.clone(),
                    evidence: refund.evidence.clone(),
                };
                Ok(engine.decide_refund(facts, &question).map(|decision| vec![decision]))
            }
            (None, None, Some(assess), None) => {
                let amount = assess.amount.as_ref().map(|text| money(engine, text)).transpose()?;
                Ok(engine.assess(facts, amount.as_ref()))
            }
            (None, None, None, Some(operation)) => {
                let question = OperationQuestion {
                    way: token(&operation.way)?,
                    amount: operation.amount.as_ref().map(|text| money(engine, text)).transpose()?,
                    trouble: operation.trouble.as_deref().map(token).transpose()?,
                    reason: operation.reason.clone(),
                    penalty: operation.penalty,
                };
                Ok(engine.decide_operation(facts, &question).map(|decision| vec![decision]))
            }
            _ => Err("expected exactly one of `void`, `refund`, `operation` and `assess`".to_owned()),
        }
    }

    fn facts(&self, engine: &Engine) -> Result<Facts, String> {
        let paid_at = instant(&self.paid_at)?;
        let nothing = |text: &Option<String>| money(engine, text.as_deref().unwrap_or("0.00"));
        let (sale, balance) = (&self.sale, &self.balance);
        let roles = self.roles.clone().unwrap_or_else(|| vec!["cashier".to_owned()]);
        let roles: Result<Vec<Role>, String> =
            roles.iter().map(|role| Role::parse(role).map_err(|e| e.to_string())).collect();
        let needed = engine.needs();
        let tallies = needed.tallies.iter().map(|need| {
            let count = self.voids_today.get(need.counted.word()).copied().unwrap_or(0);
            Tally { need: need.clone(), count }
        });
        Ok(Facts {
            sale: self.sale(engine, paid_at)?,
            status: SaleStatus {
                outcome: token(sale.outcome.as_deref().unwrap_or("good"))?,
                batch_closed_at: sale.batch_closed_at.as_deref().map(instant).transpose()?,
                settled_at: sale.settled_at.as_deref().map(instant).transpose()?,
                paid_out_at: sale.paid_out_at.as_deref().map(instant).transpose()?,
                late: None,
            },
            balance: Balance {
                cleared: nothing(&balance.cleared)?,
                voided: nothing(&balance.voided)?,
                reserved: nothing(&balance.reserved)?,
                void_open: balance.void_open,
                refunds_sent: balance.refunds_sent,
                refunds_counted: balance.refunds_counted,
                last_refund_at: balance.last_refund_at.as_deref().map(instant).transpose()?,
                fee_returned: nothing(&balance.fee_returned)?,
                coupon_returned: nothing(&balance.coupon_returned)?,
                operation_open: balance.operation_open,
                requested: nothing(&balance.requested)?,
            },
            now: instant(&self.now)?,
            business_day: self.business_day.as_deref().map(day).transpose()?,
            tallies: tallies.collect(),
            requested_today: needed.requested_today.then(|| nothing(&self.requested_today)).transpose()?,
            asker: Asker { person: PersonId::parse(ASKER).ok(), roles: roles?, terminal: None, terminal_class: None },
            code: self.code.as_ref().map(|code| code.facts(engine, paid_at)).transpose()?,
            hold: self.hold.as_ref().map(|hold| hold.facts(engine, &self.sale, paid_at)).transpose()?,
            operation: Some(Digest::of(THIS)),
            authentication: self.authentication.facts(&self.now)?,
            identity: self.identity.iter().map(|kind| self.identity(kind)).collect::<Result<_, String>>()?,
            offline: None,
        })
    }

    fn identity(&self, kind: &str) -> Result<IdentityProof, String> {
        Ok(IdentityProof { kind: token(kind)?, reference: None, at: instant(&self.now)? })
    }

    fn sale(&self, engine: &Engine, paid_at: Instant) -> Result<Sale, String> {
        let sale = &self.sale;
        let name = |text: &str| text.to_owned();
        Ok(Sale {
            id: "S-1".parse().map_err(|e| format!("{e}"))?,
            merchant: "M-1".parse().map_err(|e| format!("{e}"))?,
            slip: Some(SlipNumbers {
                terminal: "T-1".parse().map_err(|e| format!("{e}"))?,
                batch: name("000001"),
                voucher: name("000001"),
                trace: name("000001"),
            }),
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: money(engine, sale.captured.as_deref().unwrap_or("100.00"))?,
            fee_charged: money(engine, sale.fee_charged.as_deref().unwrap_or("0.00"))?,
            channel: token(sale.channel.as_deref().unwrap_or("card"))?,
            card_type: sale.card_type.as_deref().map(token).transpose()?,
            kind: name(sale.kind.as_deref().unwrap_or("purchase")),
            payer_token: None,
            coupon: sale.coupon.as_deref().map(|text| money(engine, text)).transpose()?,
            contact: None,
            service_at: sale.service_at.as_deref().map(instant).transpose()?,
            paid_at,
            business_day: match &sale.business_day {
                Some(text) => day(text)?,
                None => engine.business_day_of(paid_at).map_err(|e| format!("{e:?}"))?,
            },
            settlement: token(sale.settlement.as_deref().unwrap_or("ordinary"))?,
        })
    }
}

impl AuthenticationCase {
    fn facts(&self, now: &str) -> Result<Option<Authentication>, String> {
        if self.absent {
            return Ok(None);
        }
        let operation = match self.operation.as_deref() {
            None | Some("this") => Some(Digest::of(THIS)),
            Some("other") => Some(Digest::of(b"other")),
            Some("any") => None,
            Some(other) => return Err(format!("expected `this`, `other` or `any`, found {other:?}")),
        };
        let person = PersonId::parse(self.person.as_deref().unwrap_or(ASKER)).map_err(|error| error.to_string())?;
        let at = instant(self.at.as_deref().unwrap_or(now))?;
        Ok(Some(Authentication { person, method: AuthenticationMethod::Pin, at, operation }))
    }
}

impl CodeCase {
    fn facts(&self, engine: &Engine, made: Instant) -> Result<PaymentCode, String> {
        let created_at = self.created_at.as_deref().map_or(Ok(made), instant)?;
        let expires_at = match (&self.expires_at, engine.terms().code_lives) {
            (Some(text), _) => instant(text)?,
            (None, Some(lives)) => created_at.plus(lives).map_err(|error| error.to_string())?,
            (None, None) => return Err("the policy has no codes: say when it expires".to_owned()),
        };
        Ok(PaymentCode {
            presented_by: self.presented_by.as_deref().map_or(Ok(Presenter::Merchant), token)?,
            reference: "O-1".to_owned(),
            created_at,
            expires_at,
            scanned_at: self.scanned_at.as_deref().map(instant).transpose()?,
        })
    }
}

impl HoldCase {
    fn facts(&self, engine: &Engine, sale: &SaleCase, made: Instant) -> Result<Hold, String> {
        let authorised = self.authorised.as_deref().or(sale.captured.as_deref()).unwrap_or("100.00");
        let authorised = money(engine, authorised)?;
        let authorised_at = self.authorised_at.as_deref().map_or(Ok(made), instant)?;
        let terms = engine.terms();
        let ceiling = match (&self.ceiling, terms.hold_ceiling_percent) {
            (Some(text), _) => money(engine, text)?,
            (None, Some(percent)) => {
                let minor = authorised.minor.saturating_mul(i64::from(percent)).div_euclid(100);
                Money { minor, currency: authorised.currency.clone() }
            }
            (None, None) => authorised.clone(),
        };
        let lives = terms.hold_lives.map_or_else(|| Span::new(86_400).map(Span::duration), Ok);
        let expires_at = match &self.expires_at {
            Some(text) => instant(text)?,
            None => {
                let lives = lives.map_err(|error| error.to_string())?;
                authorised_at.plus(lives).map_err(|error| error.to_string())?
            }
        };
        Ok(Hold { authorised, ceiling, authorised_at, expires_at, authorisation_code: None })
    }
}

impl Answer {
    fn compare(&self, engine: &Engine, decision: &Decision, differences: &mut Vec<String>) {
        let way = decision.way.token();
        let mut differ = |what: &str, expected: String, found: String| {
            if expected != found {
                differences.push(format!("{way}: {what}: expected {expected}, found {found}"));
            }
        };
        let at = |at: Option<Instant>| at.map_or("none".to_owned(), |at| local(engine, at));
        differ("outcome", self.outcome.clone(), decision.outcome.token().to_owned());
        let findings: Vec<String> = decision.findings.iter().map(|finding| finding_text(engine, finding)).collect();
        differ("findings", format!("{:#?}", self.findings), format!("{findings:#?}"));
        if let Some(expected) = &self.open_until {
            differ("open-until", expected.clone(), at(decision.open_until));
        }
        if let Some(expected) = &self.opens_at {
            differ("opens-at", expected.clone(), at(decision.opens_at));
        }
        let obligations = &decision.obligations;
        if let Some(expected) = &self.tier {
            differ(
                "tier",
                expected.clone(),
                obligations.approvals.as_ref().map_or("none".to_owned(), |plan| plan.tier.clone()),
            );
        }
        if let Some(expected) = self.needed {
            let found = obligations.approvals.as_ref().map_or(0, |plan| plan.needed);
            differ("needed", expected.to_string(), found.to_string());
        }
        if let Some(expected) = &self.fees {
            let fee = |fee: &rescind_model::Fee| {
                format!("{} {} {}", fee.kind.token(), fee.amount.decimal_text(), fee.payer.token())
            };
            let found: Vec<String> = obligations.fees.iter().map(fee).collect();
            differ("fees", format!("{expected:?}"), format!("{found:?}"));
        }
        if let Some(expected) = &self.evidence {
            differ("evidence", format!("{expected:?}"), format!("{:?}", obligations.evidence));
        }
        if let Some(expected) = &self.executor {
            differ("executor", expected.clone(), obligations.executor.token().to_owned());
        }
        if let Some(expected) = &self.amount {
            differ("amount", expected.clone(), decision.amount.decimal_text());
        }
        if let Some(expected) = &self.authentication {
            let demand = obligations.authentication.as_ref().map_or("none".to_owned(), |demand| {
                format!("{} ms, {}", demand.max_age.ms, if demand.bound { "bound" } else { "unbound" })
            });
            differ("authentication", expected.clone(), demand);
        }
        if let Some(expected) = &self.identity {
            let found: Vec<&str> = obligations.identity.iter().map(|kind| kind.token()).collect();
            differ("identity", format!("{expected:?}"), format!("{found:?}"));
        }
        if let Some(expected) = self.persons {
            differ("persons", expected.to_string(), obligations.persons.to_string());
        }
        let amount = |amount: &Option<Money>| amount.as_ref().map_or("none".to_owned(), Money::decimal_text);
        if let Some(expected) = &self.coupon {
            differ("coupon", expected.clone(), amount(&obligations.coupon));
        }
        if let Some(expected) = &self.penalty {
            differ("penalty", expected.clone(), amount(&obligations.penalty));
        }
        if let Some(expected) = &self.funding {
            differ("funding", expected.clone(), obligations.funding.map_or("none", Token::token).to_owned());
        }
        if let Some(expected) = &self.queries {
            let found: Vec<u64> = obligations.queries.iter().map(|wait| wait.ms).collect();
            differ("queries", format!("{expected:?}"), format!("{found:?}"));
        }
        if let Some(expected) = &self.arrival {
            let found = obligations.arrival.as_ref().map_or("none".to_owned(), |arrival| {
                let days = if arrival.working_days { "working days" } else { "days" };
                format!("{} to {} {days}", arrival.min_days, arrival.max_days)
            });
            differ("arrival", expected.clone(), found);
        }
    }
}

/// A finding on one line: rule, verdict unless it is the ordinary `deny`, remedy.
fn finding_text(engine: &Engine, finding: &Finding) -> String {
    let verdict =
        if finding.verdict == Outcome::Deny { String::new() } else { format!("({}) ", finding.verdict.token()) };
    format!("{} {verdict}{}", finding.rule, remedy_text(engine, &finding.remedy))
}

fn remedy_text(engine: &Engine, remedy: &Remedy) -> String {
    match remedy {
        Remedy::None => "none".to_owned(),
        Remedy::UseVoid => "use-void".to_owned(),
        Remedy::UseRefund => "use-refund".to_owned(),
        Remedy::UseRefundFrom(at) => format!("use-refund-from {}", local(engine, *at)),
        Remedy::UseReversal => "use-reversal".to_owned(),
        Remedy::AwaitOutcome => "await-outcome".to_owned(),
        Remedy::AskRole(role) => format!("ask-role {role}"),
        Remedy::RetryAfter(at) => format!("retry-after {}", local(engine, *at)),
        Remedy::ReduceTo(amount) => format!("reduce-to {}", amount.decimal_text()),
        Remedy::Provide(what) => format!("provide {what}"),
        Remedy::ContactSupport => "contact-support".to_owned(),
        Remedy::UseOrderClose => "use-order-close".to_owned(),
        Remedy::UseHoldRelease => "use-hold-release".to_owned(),
        Remedy::UseCompletionVoid => "use-completion-void".to_owned(),
        Remedy::Reprint => "reprint".to_owned(),
        Remedy::NewSale => "new-sale".to_owned(),
        Remedy::Authenticate => "authenticate".to_owned(),
        Remedy::Identify(kind) => format!("identify {}", kind.token()),
    }
}

/// An instant in the policy's local time, as its author reads it.
fn local(engine: &Engine, at: Instant) -> String {
    let zone = FixedOffset::east_opt(engine.document().time_zone.minutes().saturating_mul(60));
    match (at.to_utc(), zone) {
        (Ok(time), Some(zone)) => time.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::AutoSi, true),
        _ => at.to_string(),
    }
}

fn error_kind(error: &DecisionError) -> &'static str {
    match error {
        DecisionError::MissingFact(_) => "missing-fact",
        DecisionError::BadAmount(_) => "bad-amount",
        DecisionError::BadTime(_) => "bad-time",
    }
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
