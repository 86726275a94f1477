//! What comes out: decisions, what a policy needs, and refusals.

use super::word::{Executor, FeeKind, FundingBasis, IdentityKind, OfflineEffect, Outcome, Party, Way};
use super::{BusinessDay, Duration, Incoming, Instant, TallyNeed, incoming};
use rescind_model as model;

incoming! {
    Decision {
        "way" way: Way,
        "amount" amount: Money,
        "outcome" outcome: Outcome,
        "findings" findings: Vec<Finding>,
        "obligations" obligations: Obligations,
        "opens-at" opens_at: Option<Instant>,
        "open-until" open_until: Option<Instant>,
        "policy" policy: PolicyIdentity,
    }
    LoadError {
        "code" code: String,
        "message" message: String,
    }
    Needs {
        "tallies" tallies: Vec<TallyNeed>,
        "requested-today" requested_today: bool,
    }
    Terms {
        "code-lives" code_lives: Option<Duration>,
        "hold-ceiling-percent" hold_ceiling_percent: Option<u32>,
        "hold-lives" hold_lives: Option<Duration>,
        "support-roles" support_roles: Vec<Role>,
        "legal-roles" legal_roles: Vec<Role>,
        "grant-lives" grant_lives: Duration,
        "case-lives" case_lives: Duration,
        "order-lives" order_lives: Duration,
        "funding" funding: Option<FundingBasis>,
        "retention-days" retention_days: u32,
        "offline" offline: Option<OfflineTerms>,
    }
    PolicyIdentity {
        "name" name: String,
        "version" version: String,
        "hash" hash: Digest,
    }
    Finding {
        "rule" rule: String,
        "verdict" verdict: Outcome,
        "observed" observed: Value,
        "limit" limit: Value,
        "remedy" remedy: Remedy,
    }
    Money {
        "minor" minor: i64,
        "currency" currency: String,
    }
    Obligations {
        "fees" fees: Vec<Fee>,
        "approvals" approvals: Option<ApprovalPlan>,
        "evidence" evidence: Vec<String>,
        "operator-roles" operator_roles: Vec<Role>,
        "executor" executor: Executor,
        "slip" slip: bool,
        "arrival" arrival: Option<Arrival>,
        "identity" identity: Vec<IdentityKind>,
        "authentication" authentication: Option<AuthenticationDemand>,
        "persons" persons: u32,
        "coupon" coupon: Option<Money>,
        "penalty" penalty: Option<Money>,
        "funding" funding: Option<FundingBasis>,
        "queries" queries: Vec<Duration>,
        "offline" offline: Option<OfflineEffect>,
    }
    OfflineTerms {
        "max-records" max_records: u32,
        "contact-lives" contact_lives: Duration,
        "bundle-lives" bundle_lives: Duration,
    }
    Role {
        "value" value: String,
    }
    Digest {
        "hex" hex: String,
    }
    ApprovalPlan {
        "tier" tier: String,
        "needed" needed: u32,
        "roles" roles: Vec<Role>,
        "expires-after" expires_after: Duration,
        "escalations" escalations: Vec<Escalation>,
    }
    Arrival {
        "min-days" min_days: u32,
        "max-days" max_days: u32,
        "working-days" working_days: bool,
        "earliest" earliest: Option<BusinessDay>,
        "latest" latest: Option<BusinessDay>,
    }
    AuthenticationDemand {
        "max-age" max_age: Duration,
        "bound" bound: bool,
    }
    Fee {
        "kind" kind: FeeKind,
        "amount" amount: Money,
        "payer" payer: Party,
    }
    Escalation {
        "after" after: Duration,
        "roles" roles: Vec<Role>,
    }
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(variant)]
pub(crate) enum DecisionError {
    #[component(name = "missing-fact")]
    MissingFact(String),
    #[component(name = "bad-amount")]
    BadAmount(String),
    #[component(name = "bad-time")]
    BadTime(String),
}

impl Incoming for DecisionError {
    type Model = model::DecisionError;
    #[inline]
    fn model(self) -> Self::Model {
        match self {
            Self::MissingFact(it) => model::DecisionError::MissingFact(it.model()),
            Self::BadAmount(it) => model::DecisionError::BadAmount(it.model()),
            Self::BadTime(it) => model::DecisionError::BadTime(it.model()),
        }
    }
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(variant)]
pub(crate) enum Remedy {
    #[component(name = "none")]
    None,
    #[component(name = "use-void")]
    UseVoid,
    #[component(name = "use-refund")]
    UseRefund,
    #[component(name = "use-refund-from")]
    UseRefundFrom(Instant),
    #[component(name = "use-reversal")]
    UseReversal,
    #[component(name = "await-outcome")]
    AwaitOutcome,
    #[component(name = "ask-role")]
    AskRole(Role),
    #[component(name = "retry-after")]
    RetryAfter(Instant),
    #[component(name = "reduce-to")]
    ReduceTo(Money),
    #[component(name = "provide")]
    Provide(String),
    #[component(name = "use-order-close")]
    UseOrderClose,
    #[component(name = "use-hold-release")]
    UseHoldRelease,
    #[component(name = "use-completion-void")]
    UseCompletionVoid,
    #[component(name = "reprint")]
    Reprint,
    #[component(name = "new-sale")]
    NewSale,
    #[component(name = "authenticate")]
    Authenticate,
    #[component(name = "identify")]
    Identify(IdentityKind),
    #[component(name = "contact-support")]
    ContactSupport,
}

impl Incoming for Remedy {
    type Model = model::Remedy;
    #[inline]
    fn model(self) -> Self::Model {
        match self {
            Self::None => model::Remedy::None,
            Self::UseVoid => model::Remedy::UseVoid,
            Self::UseRefund => model::Remedy::UseRefund,
            Self::UseRefundFrom(it) => model::Remedy::UseRefundFrom(it.model()),
            Self::UseReversal => model::Remedy::UseReversal,
            Self::AwaitOutcome => model::Remedy::AwaitOutcome,
            Self::AskRole(it) => model::Remedy::AskRole(it.model()),
            Self::RetryAfter(it) => model::Remedy::RetryAfter(it.model()),
            Self::ReduceTo(it) => model::Remedy::ReduceTo(it.model()),
            Self::Provide(it) => model::Remedy::Provide(it.model()),
            Self::UseOrderClose => model::Remedy::UseOrderClose,
            Self::UseHoldRelease => model::Remedy::UseHoldRelease,
            Self::UseCompletionVoid => model::Remedy::UseCompletionVoid,
            Self::Reprint => model::Remedy::Reprint,
            Self::NewSale => model::Remedy::NewSale,
            Self::Authenticate => model::Remedy::Authenticate,
            Self::Identify(it) => model::Remedy::Identify(it.model()),
            Self::ContactSupport => model::Remedy::ContactSupport,
        }
    }
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(variant)]
pub(crate) enum Value {
    #[component(name = "absent")]
    Absent,
    #[component(name = "text")]
    Text(String),
    #[component(name = "count")]
    Count(u64),
    #[component(name = "amount")]
    Amount(Money),
    #[component(name = "at")]
    At(Instant),
    #[component(name = "lasting")]
    Lasting(Duration),
    #[component(name = "day")]
    Day(BusinessDay),
}

impl Incoming for Value {
    type Model = model::Value;
    #[inline]
    fn model(self) -> Self::Model {
        match self {
            Self::Absent => model::Value::Absent,
            Self::Text(it) => model::Value::Text(it.model()),
            Self::Count(it) => model::Value::Count(it.model()),
            Self::Amount(it) => model::Value::Amount(it.model()),
            Self::At(it) => model::Value::At(it.model()),
            Self::Lasting(it) => model::Value::Lasting(it.model()),
            Self::Day(it) => model::Value::Day(it.model()),
        }
    }
}
