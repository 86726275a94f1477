//! Approval tiers: how many persons must agree to a refund.

use crate::situation::Situation;
use rescind_model::{ApprovalPlan, DecisionError, Escalation};
use rescind_policy::document::{RefundRules, Tier, TierBasis};

/// What each tier demands, made once when the policy is loaded.
pub(crate) fn plans(rules: &RefundRules) -> Vec<ApprovalPlan> {
    let plan = |tier: &Tier| ApprovalPlan {
        tier: tier.name.clone(),
        needed: tier.needed,
        roles: tier.roles.clone(),
        expires_after: tier.expires_after.duration(),
        escalations: tier
            .escalation
            .iter()
            .map(|escalation| Escalation { after: escalation.after.duration(), roles: escalation.roles.clone() })
            .collect(),
    };
    rules.tier.iter().map(plan).collect()
}

/// What the tier of this refund demands. The tier is chosen by the largest of the sums the policy names, this refund
/// included, so splitting a refund does not lower its tier.
pub(crate) fn plan(s: &Situation<'_>, rules: &RefundRules, amount: i64) -> Result<Option<ApprovalPlan>, DecisionError> {
    let mut sum = amount;
    for basis in &rules.tiers_by {
        let before = match basis {
            TierBasis::Sale => s.facts.balance.requested.minor,
            TierBasis::RequesterDay => match &s.facts.requested_today {
                Some(requested) => requested.minor,
                None => return Err(DecisionError::MissingFact("requested-today".to_owned())),
            },
        };
        sum = sum.max(before.saturating_add(amount));
    }
    let tier = rules.tier.iter().position(|tier| tier.up_to.is_none_or(|up_to| sum <= up_to.minor()));
    Ok(tier.and_then(|tier| s.engine.plans().get(tier)).cloned())
}
