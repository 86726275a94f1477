//! The rules of an order close (关单、撤销付款码): it ends a payment code that nobody has paid.

use crate::report::{Report, Until, verdict};
use crate::situation::Situation;
use crate::{operation, rule};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Outcome, Remedy, SaleOutcome, Value};
use rescind_policy::document::{CodeRules, Permission};

/// Judges an order close by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let rules = s.engine.code_rules();
    if rules.is_none_or(|rules| !rules.enabled) {
        // Codes made before they were switched off still have to end.
        operation::disabled(rule::ORDER_CLOSE_ENABLED, Outcome::Refer, report, || Remedy::ContactSupport);
    }
    let outcome = s.facts.status.outcome;
    let Some(code) = &s.facts.code else {
        if matches!(outcome, SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired) {
            return Err(DecisionError::MissingFact("code".to_owned()));
        }
        report.stands(rule::ORDER_CLOSE_NO_CODE, Outcome::Deny, Until::Changed, || {
            (Value::Absent, Value::Text("code".to_owned()), s.way_back())
        });
        return Ok(());
    };
    operation::nothing_under_way(rule::ORDER_CLOSE_IN_PROGRESS, s, report);
    operation::whole(rule::ORDER_CLOSE_AMOUNT, s, amount, s.captured, report);
    match outcome {
        SaleOutcome::Unpaid if code.scanned_at.is_some() => scanned(s, rules, report),
        SaleOutcome::Unknown => scanned(s, rules, report),
        SaleOutcome::Unpaid | SaleOutcome::Expired => {
            let verdict = rules.and_then(|rules| verdict(rules.expired));
            let is_over = outcome == SaleOutcome::Expired || s.now >= code.expires_at;
            match verdict {
                Some(verdict) if is_over => {
                    report.stands(rule::ORDER_CLOSE_EXPIRED, verdict, Until::Changed, || {
                        // A provider that does not know of its expiry may have let somebody pay it.
                        (Value::At(s.now), Value::At(code.expires_at), Remedy::ContactSupport)
                    });
                }
                Some(Outcome::Deny) => report.ends(code.expires_at),
                _ => {}
            }
        }
        SaleOutcome::Good => stands(rule::ORDER_CLOSE_PAID, s, Outcome::Deny, report, || s.way_back()),
        _ => stands(rule::ORDER_CLOSE_OUTCOME, s, Outcome::Deny, report, || s.way_back()),
    }
    Ok(())
}

/// Somebody scanned it: there is a payment, and nobody knows what became of it. A reversal finds out.
fn scanned(s: &Situation<'_>, rules: Option<&CodeRules>, report: &mut Report) {
    let refers = rules.is_none_or(|rules| rules.scanned == Permission::Refer);
    let verdict = if refers { Outcome::Refer } else { Outcome::Deny };
    stands(rule::ORDER_CLOSE_SCANNED, s, verdict, report, || match s.facts.status.outcome {
        SaleOutcome::Unpaid => Remedy::ContactSupport,
        _ => s.way_back(),
    });
}

fn stands(id: &'static str, s: &Situation<'_>, verdict: Outcome, report: &mut Report, remedy: impl FnOnce() -> Remedy) {
    report.stands(id, verdict, Until::Changed, || {
        let (found, limit) = (s.facts.status.outcome.token(), SaleOutcome::Unpaid.token());
        (Value::Text(found.to_owned()), Value::Text(limit.to_owned()), remedy())
    });
}
