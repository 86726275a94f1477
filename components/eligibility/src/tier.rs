//! Approval tiers: how many persons must agree to a refund.

use crate::engine::RefundReady;
use crate::place::Place;
use crate::report::Report;
use crate::rule;
use crate::situation::Situation;
use crate::variant::Held;
use rescind_model::{ApprovalPlan, DecisionError, Escalation, Value};
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
pub(crate) fn plan(
    s: &Situation<'_>,
    held: &Held<'_, RefundRules, RefundReady>,
    amount: i64,
    report: &mut Report,
) -> Result<Option<ApprovalPlan>, DecisionError> {
    let mut sum = amount;
    for basis in &held.rules.tiers_by {
        let before = match basis {
            TierBasis::Sale => s.facts.balance.requested.minor,
            TierBasis::RequesterDay => match &s.facts.requested_today {
                Some(requested) => requested.minor,
                // A terminal that does not know how much it was takes it for the most: the last tier is the strictest.
                None if s.facts.offline.is_some() => i64::MAX,
                None => return Err(DecisionError::MissingFact("requested-today".to_owned())),
            },
        };
        sum = sum.max(before.saturating_add(amount));
    }
    for (index, tier) in held.rules.tier.iter().enumerate() {
        let applies = tier.up_to.is_none_or(|up_to| sum <= up_to.minor());
        report.comes_with(rule::REFUND_TIER, Place::Named("tier", &tier.name), applies, || {
            (s.amount(sum), tier.up_to.map_or(Value::Absent, |up_to| s.amount(up_to.minor())))
        });
        if applies {
            return Ok(held.ready.plans.get(index).cloned());
        }
    }
    Ok(None)
}
