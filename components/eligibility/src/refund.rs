//! The rules of a refund: it returns money of a known-good sale, in full or in part, over the original route.

use crate::report::{Report, Until, verdict};
use crate::situation::{Asked, Situation};
use crate::{prepaid, proof, reason, rule, void, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Instant, Outcome, Remedy, SettlementMode, Value};
use rescind_policy::document::{EvidenceRule, RefundRules};

/// Judges a refund by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    void::outcome_is_known_good(s, report);
    let rules = s.engine.refund_rules();
    if rules.is_none_or(|rules| !rules.enabled) {
        report.stands(rule::REFUND_ENABLED, Outcome::Deny, Until::Changed, || {
            (
                Value::Text("disabled".to_owned()),
                Value::Text("enabled".to_owned()),
                void_instead(s, amount).unwrap_or(support(s)),
            )
        });
    }
    let Some(rules) = rules else { return Ok(()) };
    enough_is_left(s, amount, report);
    can_be_refunded(s, rules, amount, report);
    prepaid::judge_refund(s, amount, report)?;
    in_time(s, rules, amount, report)?;
    in_parts(s, rules, amount, report)?;
    within_limits(s, rules, amount, report);
    if let Asked::Decide { reason, evidence } = asked {
        proof::of_operator(rule::REFUND_AUTHENTICATION, rules.authentication.as_ref(), s, report);
        proof::of_customer(rule::REFUND_IDENTITY, &rules.identity, s, amount, report);
        reason::judge(rule::REFUND_REASON, rules.reason, &rules.reasons, s.engine.refund_reasons(), reason, report);
        for kind in demanded(rules, amount, reason).filter(|kind| !evidence.contains(kind)) {
            report.stands(rule::REFUND_EVIDENCE, Outcome::Deny, Until::Changed, || {
                (Value::Absent, Value::Text(kind.clone()), Remedy::Provide(kind.clone()))
            });
        }
    }
    Ok(())
}

/// The kinds of evidence demanded for this amount and reason. Without a reason: those demanded whatever it will be.
pub(crate) fn demanded<'r>(
    rules: &'r RefundRules,
    amount: i64,
    reason: Option<&'r str>,
) -> impl Iterator<Item = &'r String> {
    let applies = move |rule: &&EvidenceRule| {
        rule.above.is_none_or(|above| amount > above.minor())
            && (rule.reasons.is_empty() || reason.is_some_and(|reason| rule.reasons.iter().any(|r| r == reason)))
    };
    let rules = &rules.evidence;
    rules
        .iter()
        .enumerate()
        .filter(move |(_, rule)| applies(rule))
        // Two rules can demand the same kind: it is asked for once.
        .filter(move |(index, rule)| {
            !rules.iter().take(*index).any(|earlier| applies(&earlier) && earlier.kind == rule.kind)
        })
        .map(|(_, rule)| &rule.kind)
}

/// The advice to void instead, if the whole sale was to be refunded and can be voided now.
pub(crate) fn void_instead(s: &Situation<'_>, amount: i64) -> Option<Remedy> {
    (amount == s.captured && s.void_is_open()).then_some(Remedy::UseVoid)
}

/// Support helps with money that was taken and is still there.
pub(crate) fn support(s: &Situation<'_>) -> Remedy {
    if s.is_good() && s.left > 0 { Remedy::ContactSupport } else { Remedy::None }
}

fn enough_is_left(s: &Situation<'_>, amount: i64, report: &mut Report) {
    let balance = &s.facts.balance;
    if balance.void_open {
        report.stands(rule::REFUND_VOID_OPEN, Outcome::Deny, Until::Changed, || {
            (Value::Count(1), Value::Count(0), Remedy::AwaitOutcome)
        });
    }
    if balance.operation_open {
        report.stands(rule::REFUND_OPERATION_OPEN, Outcome::Deny, Until::Changed, || {
            (Value::Count(1), Value::Count(0), Remedy::AwaitOutcome)
        });
    }
    if amount > s.left || s.left == 0 {
        report.stands(rule::REFUND_BALANCE, Outcome::Deny, Until::Changed, || {
            let remedy = if s.left > 0 {
                Remedy::ReduceTo(s.money(s.left))
            } else if balance.reserved.minor > 0 {
                Remedy::AwaitOutcome
            } else {
                Remedy::None
            };
            (s.amount(amount), s.amount(s.left), remedy)
        });
    }
}

fn can_be_refunded(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) {
    let sale = &s.facts.sale;
    if let Some(kind) = rules.kinds_not_refundable.iter().find(|kind| **kind == sale.kind) {
        let verdict = rules.not_refundable.and_then(verdict).unwrap_or(Outcome::Deny);
        report.stands(rule::REFUND_KIND, verdict, Until::Changed, || {
            (Value::Text(kind.clone()), Value::Absent, void_instead(s, amount).unwrap_or(support(s)))
        });
    }
    if let Some(verdict) = verdict(rules.real_time).filter(|_| sale.settlement == SettlementMode::RealTime) {
        report.stands(rule::REFUND_REAL_TIME, verdict, Until::Changed, || {
            let (found, limit) = (SettlementMode::RealTime.token(), SettlementMode::Ordinary.token());
            (
                Value::Text(found.to_owned()),
                Value::Text(limit.to_owned()),
                void_instead(s, amount).unwrap_or(support(s)),
            )
        });
    }
}

fn in_time(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let end = window::end_of_refund(s.engine.clock, s.facts.sale.paid_at, rules.window)?;
    let after = rules.after_window.and_then(verdict).unwrap_or(Outcome::Deny);
    // What support can do once it is over, no time ends.
    if s.now < end || after == Outcome::Deny {
        report.ends(end);
    }
    if let Some(verdict) = verdict(rules.same_business_day).filter(|_| s.today <= s.facts.sale.business_day) {
        let opens = next_business_day(s)?;
        report.stands(rule::REFUND_SAME_DAY, verdict, Until::At(opens), || {
            let later = if opens < end { Remedy::RetryAfter(opens) } else { support(s) };
            (Value::Day(s.today), Value::At(opens), void_instead(s, amount).unwrap_or(later))
        });
    }
    if s.now >= end {
        report.stands(rule::REFUND_WINDOW, after, Until::Changed, || {
            (Value::At(s.now), Value::At(end), void_instead(s, amount).unwrap_or(support(s)))
        });
    }
    Ok(())
}

/// When the business day after the sale's begins. If that has passed and the host still stamps the sale's day, its day
/// goes on after the cut-off, and the next cut-off is what can be promised.
fn next_business_day(s: &Situation<'_>) -> Result<Instant, DecisionError> {
    if s.sale_day_ends > s.now {
        return Ok(s.sale_day_ends);
    }
    let clock = s.engine.clock;
    clock.end_of_business_day(clock.business_day_of(s.now)?)
}

fn in_parts(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let balance = &s.facts.balance;
    // All that is not kept as a penalty.
    let all = s.captured.saturating_sub(s.penalty());
    if !rules.partial && amount < all {
        report.stands(rule::REFUND_PARTIAL, Outcome::Deny, Until::Changed, || {
            let whole = s.left == s.captured && s.is_good();
            let remedy = if whole { Remedy::Provide("full-amount".to_owned()) } else { support(s) };
            (s.amount(amount), s.amount(all), remedy)
        });
    }
    if let Some(most) = rules.max_count.filter(|most| balance.refunds_counted >= *most) {
        report.stands(rule::REFUND_COUNT, Outcome::Deny, Until::Changed, || {
            (Value::Count(u64::from(balance.refunds_counted)), Value::Count(u64::from(most)), support(s))
        });
    }
    if let (Some(spacing), Some(last)) = (rules.min_spacing, balance.last_refund_at) {
        let opens = window::after(last, spacing)?;
        if s.now < opens {
            report.stands(rule::REFUND_SPACING, Outcome::Deny, Until::At(opens), || {
                (Value::Lasting(s.now.since(last)), Value::Lasting(spacing.duration()), Remedy::RetryAfter(opens))
            });
        }
    }
    Ok(())
}

fn within_limits(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) {
    if let Some(most) = rules.max_amount.map(|most| most.minor()).filter(|most| amount > *most) {
        report.stands(rule::REFUND_AMOUNT_LIMIT, Outcome::Deny, Until::Changed, || {
            let remedy = if rules.partial { Remedy::ReduceTo(s.money(most)) } else { support(s) };
            (s.amount(amount), s.amount(most), remedy)
        });
    }
    if let Some(least) = rules.min_amount.map(|least| least.minor()).filter(|least| amount < *least) {
        report.stands(rule::REFUND_AMOUNT_LIMIT, Outcome::Deny, Until::Changed, || {
            (s.amount(amount), s.amount(least), support(s))
        });
    }
}
