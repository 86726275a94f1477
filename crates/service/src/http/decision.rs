//! Decisions as JSON: findings for programs, messages for people.

use crate::app::App;
use crate::http::money::Amount;
use crate::http::time::Time;
use crate::http::word::{ExecutorWord, FeeKindWord, OutcomeWord, PartyWord, WayWord, Word};
use crate::ports::Ports;
use rescind_model::token::Token as _;
use rescind_model::{
    ApprovalPlan, Arrival, BusinessDay, Decision, Fee, Finding, Locale, MerchantId, Obligations, OfflineEffect,
    PolicyIdentity, Remedy, Value, Way,
};
use serde::{Deserialize, Serialize};

/// The answer to "may this be done now?".
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Decision))]
pub struct DecisionView {
    /// The way that was asked for.
    way: WayWord,
    /// The amount that was asked for.
    amount: Amount,
    /// `allow`, `deny`, or `refer`: support decides.
    outcome: OutcomeWord,
    /// The rules that stand in the way, in the policy's order.
    findings: Vec<FindingView>,
    /// What has to be done for it, if it is allowed.
    obligations: ObligationsView,
    /// From when it is open, if it is not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<Time>,
    /// Until when it is open, if time ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_until: Option<Time>,
    /// Which policy decided.
    policy: PolicyView,
    /// The decision in sentences.
    #[serde(skip_serializing_if = "Messages::is_empty")]
    messages: Messages,
}

/// Sentences for people, by language.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Messages {
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    zh_cn: Vec<String>,
    /// English.
    en: Vec<String>,
}

/// One rule that stands in the way.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Finding))]
pub struct FindingView {
    /// The rule's id, such as `void.window`. Stable.
    rule: String,
    /// What this rule alone would answer.
    verdict: OutcomeWord,
    /// What was observed.
    observed: ValueView,
    /// What the policy allows.
    limit: ValueView,
    /// What to do about it.
    remedy: RemedyView,
}

/// Something observed, or the limit it was held against.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Value))]
pub enum ValueView {
    /// Nothing was there.
    Absent,
    /// A word of a fixed vocabulary.
    Text {
        /// The word.
        text: String,
    },
    /// A count.
    Count {
        /// The count.
        count: u64,
    },
    /// An amount.
    Amount {
        /// The amount.
        amount: Amount,
    },
    /// A point in time.
    At {
        /// When.
        at: Time,
    },
    /// A length of time.
    Lasting {
        /// Milliseconds.
        ms: u64,
    },
    /// A business day.
    Day {
        /// The day.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
        day: BusinessDay,
    },
}

/// What the person asking can do about a finding. `use` names another way back.
#[derive(Debug, Serialize)]
#[serde(tag = "token", rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Remedy))]
pub enum RemedyView {
    /// Nothing in this system.
    None,
    /// Void the sale instead.
    UseVoid {
        /// The way to use.
        r#use: WayWord,
    },
    /// Ask for a refund instead.
    UseRefund {
        /// The way to use.
        r#use: WayWord,
    },
    /// Ask for a refund instead, from an instant on.
    UseRefundFrom {
        /// The way to use.
        r#use: WayWord,
        /// From when.
        from: Time,
    },
    /// Let a reversal find the truth first.
    UseReversal {
        /// The way to use.
        r#use: WayWord,
    },
    /// Wait for the outcome of what is under way.
    AwaitOutcome,
    /// Let a person with this role do it.
    AskRole {
        /// The role.
        role: String,
    },
    /// Try again at or after this instant.
    RetryAfter {
        /// When.
        at: Time,
    },
    /// Ask for at most this amount.
    ReduceTo {
        /// The amount.
        amount: Amount,
    },
    /// Give what is missing.
    Provide {
        /// What: a reason, evidence of a kind …
        what: String,
    },
    /// Call support, who can open a case.
    ContactSupport,
    /// Use another way.
    UseWay {
        /// The way to use.
        r#use: WayWord,
    },
    /// Nothing is wrong with the payment: print its slip again.
    Reprint,
    /// Nothing was taken: a new sale may be made under a new trace number.
    NewSale,
    /// Let the operator prove who they are, for this very operation.
    Authenticate,
    /// Let the customer prove who they are.
    Identify {
        /// In which way.
        how: String,
    },
}

/// What has to be done for an allowed operation.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Obligations))]
pub struct ObligationsView {
    /// Fees that come with it.
    fees: Vec<FeeView>,
    /// Approvals it needs before money moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals: Option<PlanView>,
    /// Kinds of evidence that have to be given.
    evidence: Vec<String>,
    /// Roles one of which the terminal operator must hold.
    operator_roles: Vec<String>,
    /// Who carries it out.
    executor: ExecutorWord,
    /// Whether a slip has to be printed.
    slip: bool,
    /// When the money arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrival: Option<ArrivalView>,
    /// How the operator has to prove who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<AuthenticationDemandView>,
    /// How the customer has to be identified: `card-presented`, `pin-verified` or `customer-confirmed`, any one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity: Vec<String>,
    /// How many distinct persons have to stand behind it.
    persons: u32,
    /// The part of the amount that goes back to the coupon's sponsor.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<Amount>,
    /// What is kept as a penalty, besides the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    penalty: Option<Amount>,
    /// What limits the day on which it clears: `same-day-income` or `prefunded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    funding: Option<String>,
    /// What a terminal may do before the server has heard of it: `cancels-locally` or `queued`. Absent: it was not decided
    /// offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    offline: Option<String>,
}

/// How an operator has to prove who they are.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AuthenticationDemand))]
pub struct AuthenticationDemandView {
    /// The oldest proof that counts, in milliseconds.
    max_age_ms: u64,
    /// Whether it must have been given for this very operation.
    bound: bool,
}

/// A fee that comes with an operation.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Fee))]
pub struct FeeView {
    /// What it is for.
    kind: FeeKindWord,
    /// How much.
    amount: Amount,
    /// Who pays it (for `acquiring-returned`: who gives it back).
    payer: PartyWord,
}

/// A fee that the asker saw in a decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeenFee {
    /// What it is for.
    kind: FeeKindWord,
    /// How much.
    amount: Amount,
    /// Who pays it.
    payer: PartyWord,
}

impl SeenFee {
    /// Fees as the core has them.
    #[must_use]
    pub fn all(seen: Option<Vec<Self>>) -> Option<Vec<Fee>> {
        let fee = |fee: Self| Fee { kind: fee.kind.0, amount: fee.amount.0, payer: fee.payer.0 };
        seen.map(|fees| fees.into_iter().map(fee).collect())
    }
}

/// The approvals an operation needs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ApprovalPlan))]
pub struct PlanView {
    /// The tier that demanded it.
    tier: String,
    /// How many distinct persons must approve. Zero: the automatic review suffices.
    needed: u32,
    /// Whose approval counts: any of these roles.
    roles: Vec<String>,
    /// How long after submission the request ends unless the last approval is in, in milliseconds.
    expires_after_ms: u64,
    /// Wider circles of approvers as time passes.
    escalations: Vec<EscalationView>,
}

/// Whom an approval passes to when it was not given in time.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Escalation))]
pub struct EscalationView {
    /// How long after submission, in milliseconds.
    after_ms: u64,
    /// Whose approval counts from then on, in addition.
    roles: Vec<String>,
}

/// When money can be expected at the payer's side.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Arrival))]
pub struct ArrivalView {
    /// The earliest, in days.
    min_days: u32,
    /// The latest, in days. Zero: at once.
    max_days: u32,
    /// Whether the days are working days.
    working_days: bool,
    /// The earliest date, local to the policy. Absent where its calendar of working days does not reach so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    earliest: Option<BusinessDay>,
    /// The latest date, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    latest: Option<BusinessDay>,
}

/// The policy that decided.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PolicyIdentity))]
pub struct PolicyView {
    /// Its name.
    name: String,
    /// Its author's version.
    version: String,
    /// The SHA-256 of its canonical form.
    hash: String,
}

impl Messages {
    fn is_empty(&self) -> bool {
        self.zh_cn.is_empty() && self.en.is_empty()
    }
}

impl DecisionView {
    /// A decision for programs alone.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        Self {
            way: Word(decision.way),
            amount: Amount(decision.amount.clone()),
            outcome: Word(decision.outcome),
            findings: decision.findings.iter().map(FindingView::of).collect(),
            obligations: ObligationsView::of(&decision.obligations),
            opens_at: decision.opens_at.map(Time),
            open_until: decision.open_until.map(Time),
            policy: PolicyView::of(&decision.policy),
            messages: Messages::default(),
        }
    }

    /// A decision for people too. If it cannot be put into words, the operator is told; the decision stands without them.
    pub async fn told<P: Ports>(app: &App<P>, merchant: &MerchantId, decision: &Decision) -> Self {
        let mut messages = Messages::default();
        for (locale, sentences) in [(Locale::ZhCn, &mut messages.zh_cn), (Locale::En, &mut messages.en)] {
            match app.explain(merchant, decision, locale).await {
                Ok(said) => *sentences = said,
                Err(why) => app.ports.log(&format!("a decision could not be put into words: {why:?}")),
            }
        }
        Self { messages, ..Self::of(decision) }
    }
}

impl FindingView {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            verdict: Word(finding.verdict),
            observed: ValueView::of(&finding.observed),
            limit: ValueView::of(&finding.limit),
            remedy: RemedyView::of(&finding.remedy),
        }
    }
}

impl ValueView {
    fn of(value: &Value) -> Self {
        match value {
            Value::Absent => Self::Absent,
            Value::Text(text) => Self::Text { text: text.clone() },
            Value::Count(count) => Self::Count { count: *count },
            Value::Amount(amount) => Self::Amount { amount: Amount(amount.clone()) },
            Value::At(at) => Self::At { at: Time(*at) },
            Value::Lasting(duration) => Self::Lasting { ms: duration.ms },
            Value::Day(day) => Self::Day { day: *day },
        }
    }
}

impl RemedyView {
    fn of(remedy: &Remedy) -> Self {
        match remedy {
            Remedy::None => Self::None,
            Remedy::UseVoid => Self::UseVoid { r#use: Word(Way::Void) },
            Remedy::UseRefund => Self::UseRefund { r#use: Word(Way::Refund) },
            Remedy::UseRefundFrom(from) => Self::UseRefundFrom { r#use: Word(Way::Refund), from: Time(*from) },
            Remedy::UseReversal => Self::UseReversal { r#use: Word(Way::Reversal) },
            Remedy::AwaitOutcome => Self::AwaitOutcome,
            Remedy::AskRole(role) => Self::AskRole { role: role.value.clone() },
            Remedy::RetryAfter(at) => Self::RetryAfter { at: Time(*at) },
            Remedy::ReduceTo(amount) => Self::ReduceTo { amount: Amount(amount.clone()) },
            Remedy::Provide(what) => Self::Provide { what: what.clone() },
            Remedy::ContactSupport => Self::ContactSupport,
            Remedy::UseOrderClose => Self::UseWay { r#use: Word(Way::OrderClose) },
            Remedy::UseHoldRelease => Self::UseWay { r#use: Word(Way::HoldRelease) },
            Remedy::UseCompletionVoid => Self::UseWay { r#use: Word(Way::CompletionVoid) },
            Remedy::Reprint => Self::Reprint,
            Remedy::NewSale => Self::NewSale,
            Remedy::Authenticate => Self::Authenticate,
            Remedy::Identify(kind) => Self::Identify { how: kind.token().to_owned() },
        }
    }
}

impl ObligationsView {
    fn of(obligations: &Obligations) -> Self {
        Self {
            fees: FeeView::all(&obligations.fees),
            approvals: obligations.approvals.as_ref().map(PlanView::of),
            evidence: obligations.evidence.clone(),
            operator_roles: obligations.operator_roles.iter().map(|r| r.value.clone()).collect(),
            executor: Word(obligations.executor),
            slip: obligations.slip,
            arrival: obligations.arrival.as_ref().map(ArrivalView::of),
            authentication: obligations
                .authentication
                .as_ref()
                .map(|demand| AuthenticationDemandView { max_age_ms: demand.max_age.ms, bound: demand.bound }),
            identity: obligations.identity.iter().map(|kind| kind.token().to_owned()).collect(),
            persons: obligations.persons,
            coupon: obligations.coupon.clone().map(Amount),
            penalty: obligations.penalty.clone().map(Amount),
            funding: obligations.funding.map(|basis| basis.token().to_owned()),
            offline: obligations.offline.map(|effect| {
                match effect {
                    OfflineEffect::CancelsLocally => "cancels-locally",
                    OfflineEffect::Queued => "queued",
                }
                .to_owned()
            }),
        }
    }
}

impl FeeView {
    /// Fees in their order.
    #[must_use]
    pub fn all(fees: &[Fee]) -> Vec<Self> {
        let view =
            |fee: &Fee| Self { kind: Word(fee.kind), amount: Amount(fee.amount.clone()), payer: Word(fee.payer) };
        fees.iter().map(view).collect()
    }
}

impl PlanView {
    /// A plan.
    #[must_use]
    pub fn of(plan: &ApprovalPlan) -> Self {
        let names = |roles: &[rescind_model::Role]| roles.iter().map(|r| r.value.clone()).collect();
        Self {
            tier: plan.tier.clone(),
            needed: plan.needed,
            roles: names(&plan.roles),
            expires_after_ms: plan.expires_after.ms,
            escalations: plan
                .escalations
                .iter()
                .map(|e| EscalationView { after_ms: e.after.ms, roles: names(&e.roles) })
                .collect(),
        }
    }
}

impl ArrivalView {
    /// An arrival.
    #[must_use]
    pub fn of(arrival: &Arrival) -> Self {
        let Arrival { min_days, max_days, working_days, earliest, latest } = *arrival;
        Self { min_days, max_days, working_days, earliest, latest }
    }
}

impl PolicyView {
    /// A policy.
    #[must_use]
    pub fn of(policy: &PolicyIdentity) -> Self {
        Self { name: policy.name.clone(), version: policy.version.clone(), hash: policy.hash.hex.clone() }
    }
}
