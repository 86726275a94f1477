//! A policy, loaded once and asked often.

use crate::business_day::Clock;
use crate::tier;
use rescind_model::{
    ApprovalPlan, BusinessDay, DecisionError, Duration, Instant, LoadError, Needs, PolicyIdentity, Terms,
};
use rescind_policy::document::{Document, RefundRules, TierBasis, VoidRules};
use rescind_policy::{LoadError as PolicyLoadError, Policy};

/// Decides by one policy. Everything that does not depend on the question was made ready when it was loaded.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    pub(crate) clock: Clock,
    plans: Vec<ApprovalPlan>,
    void_reasons: String,
    operator_roles: String,
    refund_reasons: String,
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
            clock: Clock::new(document.time_zone, document.cut_off),
            plans: refund.map(tier::plans).unwrap_or_default(),
            void_reasons: void.map(|rules| rules.reasons.join("|")).unwrap_or_default(),
            operator_roles: void.map(operator_roles).unwrap_or_default(),
            refund_reasons: refund.map(|rules| rules.reasons.join("|")).unwrap_or_default(),
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
            void_tallies: self
                .void_rules()
                .map(|rules| rules.count.iter().map(|limit| limit.counted).collect())
                .unwrap_or_default(),
            requested_today: self.refund_rules().is_some_and(|rules| rules.tiers_by.contains(&TierBasis::RequesterDay)),
        }
    }

    /// How long things live under this policy, and who may do what is rare.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let day = Duration { ms: 86_400_000 };
        Terms {
            code_lives: None,
            hold_ceiling_percent: None,
            hold_lives: None,
            support_roles: Vec::new(),
            legal_roles: Vec::new(),
            grant_lives: day,
            case_lives: day,
            order_lives: day,
            funding: None,
            retention_days: 365,
        }
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

    /// The reasons of a refund as one text.
    pub(crate) fn refund_reasons(&self) -> &str {
        &self.refund_reasons
    }
}

fn operator_roles(rules: &VoidRules) -> String {
    let roles: Vec<&str> = rules.operator_roles.iter().map(|role| role.as_str()).collect();
    roles.join("|")
}

#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn refused(error: PolicyLoadError) -> LoadError {
    LoadError { code: error.code().to_owned(), message: error.to_string() }
}
