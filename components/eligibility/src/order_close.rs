//! The rules of an order close (关单、撤销付款码): it ends a payment code that nobody has paid.

use crate::place::Place::{self, Field, Nowhere};
use crate::report::{Report, Until, denies, verdict};
use crate::situation::Situation;
use crate::{effective, offline, operation, rule};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Outcome, PaymentCode, Remedy, SaleOutcome, Value, Way};
use rescind_policy::document::{CodeRules, Permission};

/// Judges an order close by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let held = s.code();
    report.holds("code", held.as_ref());
    effective::judge(s, report);
    let rules = held.map(|held| held.rules);
    // Codes made before they were switched off still have to end.
    operation::enabled(
        rule::ORDER_CLOSE_ENABLED,
        if rules.is_some() { Field("enabled") } else { Nowhere },
        rules.is_some_and(|rules| rules.enabled),
        Outcome::Refer,
        report,
        || Remedy::ContactSupport,
    );
    let outcome = s.facts.status.outcome;
    let code = s.facts.code.as_ref();
    if code.is_none() && matches!(outcome, SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired) {
        return Err(DecisionError::MissingFact("code".to_owned()));
    }
    report.asks(
        rule::ORDER_CLOSE_NO_CODE,
        Nowhere,
        denies(code.is_none()),
        || (code.map_or(Value::Absent, |_| Value::Text("code".to_owned())), Value::Text("code".to_owned())),
        || s.way_back(),
    );
    if let Some(code) = code {
        of_code(s, rules, code, amount, report);
    }
    offline::judge(s, Way::OrderClose, amount, report);
    Ok(())
}

fn of_code(s: &Situation<'_>, rules: Option<&CodeRules>, code: &PaymentCode, amount: i64, report: &mut Report) {
    operation::nothing_under_way(rule::ORDER_CLOSE_IN_PROGRESS, s, report);
    operation::whole(rule::ORDER_CLOSE_AMOUNT, s, amount, s.captured, report);
    let outcome = s.facts.status.outcome;
    let is_open = matches!(outcome, SaleOutcome::Unpaid | SaleOutcome::Expired);
    // That its time ran out says nothing of whoever scanned it before.
    let may_be_paid = outcome == SaleOutcome::Unknown || is_open && code.scanned_at.is_some();
    if may_be_paid || is_open {
        scanned(s, rules, may_be_paid, report);
    }
    if is_open {
        expired(s, rules, code, report);
    }
    let is_paid = outcome == SaleOutcome::Good;
    asks(rule::ORDER_CLOSE_PAID, Nowhere, s, denies(is_paid), report, || s.way_back());
    let is_over = !is_paid && !is_open && outcome != SaleOutcome::Unknown;
    asks(rule::ORDER_CLOSE_OUTCOME, Nowhere, s, denies(is_over), report, || s.way_back());
}

/// Somebody scanned it: there is a payment, and nobody knows what became of it. A reversal finds out.
fn scanned(s: &Situation<'_>, rules: Option<&CodeRules>, may_be_paid: bool, report: &mut Report) {
    let refers = rules.is_none_or(|rules| rules.scanned == Permission::Refer);
    let verdict = if refers { Outcome::Refer } else { Outcome::Deny };
    let place = if rules.is_some() { Field("scanned") } else { Nowhere };
    let stands = may_be_paid.then_some((verdict, Until::Changed));
    asks(rule::ORDER_CLOSE_SCANNED, place, s, stands, report, || match s.facts.status.outcome {
        SaleOutcome::Unpaid | SaleOutcome::Expired => Remedy::ContactSupport,
        _ => s.way_back(),
    });
}

/// Its time ran out: what that means is the policy's choice.
fn expired(s: &Situation<'_>, rules: Option<&CodeRules>, code: &PaymentCode, report: &mut Report) {
    let verdict = rules.and_then(|rules| verdict(rules.expired));
    let is_over = s.facts.status.outcome == SaleOutcome::Expired || s.now >= code.expires_at;
    if verdict.is_some() {
        report.edge(code.expires_at);
    }
    if verdict == Some(Outcome::Deny) && !is_over {
        report.ends(code.expires_at);
    }
    report.asks(
        rule::ORDER_CLOSE_EXPIRED,
        if rules.is_some() { Field("expired") } else { Nowhere },
        verdict.filter(|_| is_over).map(|verdict| (verdict, Until::Changed)),
        || (Value::At(s.now), Value::At(code.expires_at)),
        // A provider that does not know of its expiry may have let somebody pay it.
        || Remedy::ContactSupport,
    );
}

fn asks(
    id: &'static str,
    place: Place<'_>,
    s: &Situation<'_>,
    stands: crate::report::Stands,
    report: &mut Report,
    remedy: impl FnOnce() -> Remedy,
) {
    let saw = || {
        let (found, limit) = (s.facts.status.outcome.token(), SaleOutcome::Unpaid.token());
        (Value::Text(found.to_owned()), Value::Text(limit.to_owned()))
    };
    report.asks(id, place, stands, saw, remedy);
}
