//! A policy, loaded once and asked often.

use crate::business_day::Clock;
use crate::tier;
use rescind_model::{
    ApprovalPlan, BusinessDay, DecisionError, Duration, Instant, LoadError, Money, Needs, Period, PolicyIdentity, Role,
    Sale, TallyNeed, Terms, Way,
};
use rescind_policy::document::{CodeRules, CountLimit, Document, HoldRules, RefundRules, TierBasis, VoidRules};
use rescind_policy::scalar::Span;
use rescind_policy::{LoadError as PolicyLoadError, Policy};

/// When the outcome of a reversal is asked for if the policy has no schedule, in seconds: `UnionPay`'s.
const QUERY_SECONDS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// Decides by one policy. Everything that does not depend on the question was made ready when it was loaded.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    pub(crate) clock: Clock,
    plans: Vec<ApprovalPlan>,
    void_reasons: String,
    operator_roles: String,
    refund_reasons: String,
    legal_roles: String,
    reversal_queries: Vec<Duration>,
    code_queries: Vec<Duration>,
    hold_queries: Vec<Duration>,
}

impl Engine {
    /// Loads a compiled policy.
    ///
    /// # Errors
    /// With a stable code and what was expected and found: see [`rescind_policy::LoadError`].
    pub fn load(document: &[u8]) -> Result<Self, LoadError> {
        let policy = Policy::from_canonical(document).map_err(refused)?;
        Ok(Self::new(policy))
    }

    /// Decides by a policy that was already checked.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let document = policy.document();
        let (void, refund) = (document.void.as_ref(), document.refund.as_ref());
        Self {
            clock: document.clock(),
            plans: refund.map(tier::plans).unwrap_or_default(),
            void_reasons: void.map(|rules| rules.reasons.join("|")).unwrap_or_default(),
            operator_roles: void.map(|rules| joined(&rules.operator_roles)).unwrap_or_default(),
            refund_reasons: refund.map(|rules| rules.reasons.join("|")).unwrap_or_default(),
            legal_roles: document.legal.as_ref().map(|rules| joined(&rules.roles)).unwrap_or_default(),
            reversal_queries: match &document.reversal {
                Some(rules) => durations(&rules.queries),
                None => QUERY_SECONDS.map(Duration::seconds).to_vec(),
            },
            code_queries: document.code.as_ref().map(|rules| durations(&rules.queries)).unwrap_or_default(),
            hold_queries: document.hold.as_ref().map(|rules| durations(&rules.queries)).unwrap_or_default(),
            policy,
        }
    }

    /// The policy's name, version and content hash.
    #[must_use]
    pub fn identity(&self) -> &PolicyIdentity {
        self.policy.identity()
    }

    /// Which counts the host has to gather before it asks.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Needs {
            tallies: self.void_rules().map(|rules| rules.count.iter().map(need).collect()).unwrap_or_default(),
            requested_today: self.refund_rules().is_some_and(|rules| rules.tiers_by.contains(&TierBasis::RequesterDay)),
        }
    }

    /// How long things live under this policy, and who may do what is rare.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.document().terms()
    }

    /// The acquiring fee that the policy's schedule of charges has for a sale, if it has one for it.
    ///
    /// # Errors
    /// An amount of another currency or out of range.
    pub fn acquiring_fee(&self, sale: &Sale) -> Result<Option<Money>, DecisionError> {
        self.minor("sale.captured", &sale.captured)?;
        Ok(None)
    }

    /// The business day an instant belongs to under this policy's time zone and cut-off.
    ///
    /// # Errors
    /// [`DecisionError::BadTime`].
    pub fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.clock.business_day_of(at)
    }

    /// What the policy says.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.policy.document()
    }

    pub(crate) fn void_rules(&self) -> Option<&VoidRules> {
        self.document().void.as_ref()
    }

    pub(crate) fn refund_rules(&self) -> Option<&RefundRules> {
        self.document().refund.as_ref()
    }

    pub(crate) fn code_rules(&self) -> Option<&CodeRules> {
        self.document().code.as_ref()
    }

    pub(crate) fn hold_rules(&self) -> Option<&HoldRules> {
        self.document().hold.as_ref()
    }

    /// When the outcome of an operation is asked for.
    pub(crate) fn queries(&self, way: Way) -> &[Duration] {
        match way {
            Way::Reversal => &self.reversal_queries,
            Way::OrderClose => &self.code_queries,
            Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid => &self.hold_queries,
            Way::Void | Way::Refund => &[],
        }
    }

    /// What each approval tier demands.
    pub(crate) fn plans(&self) -> &[ApprovalPlan] {
        &self.plans
    }

    /// The reasons of a void as one text.
    pub(crate) fn void_reasons(&self) -> &str {
        &self.void_reasons
    }

    /// The roles of a void's operator as one text.
    pub(crate) fn operator_roles(&self) -> &str {
        &self.operator_roles
    }

    /// The roles that may carry out a legal order as one text.
    pub(crate) fn legal_roles(&self) -> &str {
        &self.legal_roles
    }

    /// The reasons of a refund as one text.
    pub(crate) fn refund_reasons(&self) -> &str {
        &self.refund_reasons
    }
}

/// Roles as one text.
pub(crate) fn joined(roles: &[Role]) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    roles.join("|")
}

/// What a limit counts.
pub(crate) fn need(limit: &CountLimit) -> TallyNeed {
    let period = limit.within.map_or(Period::BusinessDay, |within| Period::Rolling(within.duration()));
    TallyNeed { way: Way::Void, counted: limit.counted, period }
}

fn durations(spans: &[Span]) -> Vec<Duration> {
    spans.iter().map(|span| span.duration()).collect()
}

#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn refused(error: PolicyLoadError) -> LoadError {
    LoadError { code: error.code().to_owned(), message: error.to_string() }
}
