//! The rules of a refund: it returns money of a known-good sale, in full or in part, over the original route.

use crate::engine::RefundReady;
use crate::place::Place::{Field, Nowhere};
use crate::report::{Report, Until, answers, denies, denies_until, refusal, verdict};
use crate::situation::{Asked, Situation};
use crate::variant::Held;
use crate::window::End;
use crate::{effective, evidence, offline, prepaid, proof, reason, rule, tally, void, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Instant, Outcome, Remedy, SettlementMode, Value, Way};
use rescind_policy::document::{Instead, RefundRules, TierBasis};

/// Judges a refund by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let held = s.refund();
    report.holds("refund", held.as_ref());
    effective::judge(s, report);
    void::outcome_is_known_good(s, report);
    enabled(s, held.as_ref().map(|held| held.rules), amount, report);
    if let Some(held) = held {
        by_the_rules(s, &held, amount, asked, report)?;
    }
    offline::judge(s, Way::Refund, amount, report);
    Ok(())
}

fn by_the_rules(
    s: &Situation<'_>,
    held: &Held<'_, RefundRules, RefundReady>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = held.rules;
    enough_is_left(s, amount, report);
    can_be_refunded(s, rules, amount, report);
    prepaid::judge_refund(s, amount, report)?;
    in_time(s, rules, amount, report)?;
    in_parts(s, rules, amount, report)?;
    let instead = || void_or_support(s, amount);
    tally::judge(rule::REFUND_TALLY, Way::Refund, &rules.count, s, asked, report, instead)?;
    within_limits(s, rules, amount, report);
    if let Asked::Decide { reason, .. } = asked {
        proof::of_operator(rule::REFUND_AUTHENTICATION, Field("authentication"), rules.authentication, s, report);
        proof::of_customer(rule::REFUND_IDENTITY, &rules.identity, s, amount, report);
        reason::judge(rule::REFUND_REASON, rules.reason, &rules.reasons, &held.ready.reasons, reason, report);
    }
    evidence::judge(rule::REFUND_EVIDENCE, &rules.evidence, s, amount, asked, report)?;
    if let Some(late) = &rules.late_fee {
        report.edge(window::after(s.facts.sale.paid_at, late.after)?);
    }
    if s.facts.offline.is_some() && rules.tiers_by.contains(&TierBasis::RequesterDay) {
        let is_unknown = s.facts.requested_today.is_none();
        report.business_day_edge(s.engine.clock)?;
        tally::unknown_offline(s, Field("tiers-by"), is_unknown, report, || Value::Text("requester-day".to_owned()));
    }
    Ok(())
}

/// There must be refunds at the moment. Where there are none, the policy says what that means and where to go instead.
fn enabled(s: &Situation<'_>, rules: Option<&RefundRules>, amount: i64, report: &mut Report) {
    let closed = refusal(rules.and_then(|rules| rules.closed));
    let is_closed = rules.is_none_or(|rules| !rules.enabled);
    report.asks(
        rule::REFUND_ENABLED,
        if rules.is_some() { Field("enabled") } else { Nowhere },
        is_closed.then_some((closed, Until::Changed)),
        || void::enabled_or_not(!is_closed),
        || match rules.and_then(|rules| rules.instead) {
            None | Some(Instead::OtherWay) => void_or_support(s, amount),
            Some(Instead::Support) => s.support(),
            Some(Instead::Nothing) => Remedy::None,
        },
    );
}

/// The advice to void instead, if the whole sale was to be refunded and can be voided now; else to call support.
pub(crate) fn void_or_support(s: &Situation<'_>, amount: i64) -> Remedy {
    void_instead(s, amount).unwrap_or_else(|| s.support())
}

/// The advice to void instead, if the whole sale was to be refunded and can be voided now.
fn void_instead(s: &Situation<'_>, amount: i64) -> Option<Remedy> {
    (amount == s.captured && s.void_is_open()).then_some(Remedy::UseVoid)
}

fn enough_is_left(s: &Situation<'_>, amount: i64, report: &mut Report) {
    let balance = &s.facts.balance;
    for (id, is_open) in
        [(rule::REFUND_VOID_OPEN, balance.void_open), (rule::REFUND_OPERATION_OPEN, balance.operation_open)]
    {
        report.asks(id, Nowhere, denies(is_open), || void::one_or_none(is_open), || Remedy::AwaitOutcome);
    }
    report.asks(
        rule::REFUND_BALANCE,
        Nowhere,
        denies(amount > s.left || s.left == 0),
        || (s.amount(amount), s.amount(s.left)),
        || {
            if s.left > 0 {
                s.reduce_refund_to(s.left)
            } else if balance.reserved.minor > 0 {
                Remedy::AwaitOutcome
            } else {
                Remedy::None
            }
        },
    );
}

fn can_be_refunded(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) {
    let sale = &s.facts.sale;
    if !rules.kinds_not_refundable.is_empty() {
        report.asks(
            rule::REFUND_KIND,
            Field("kinds-not-refundable"),
            rules.kinds_not_refundable.contains(&sale.kind).then_some((refusal(rules.not_refundable), Until::Changed)),
            || (Value::Text(sale.kind.clone()), Value::Absent),
            || void_or_support(s, amount),
        );
    }
    report.asks(
        rule::REFUND_REAL_TIME,
        Field("real-time"),
        answers(rules.real_time, sale.settlement == SettlementMode::RealTime),
        || {
            let limit = SettlementMode::Ordinary.token();
            (Value::Text(sale.settlement.token().to_owned()), Value::Text(limit.to_owned()))
        },
        || void_or_support(s, amount),
    );
}

fn in_time(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let began = s.began(rules.since);
    if let Some(wait) = rules.minimum_wait {
        let opens = window::after(began, wait)?;
        report.edge(opens);
        report.asks(
            rule::REFUND_MINIMUM_WAIT,
            Field("minimum-wait"),
            denies_until(s.now < opens, opens),
            || (Value::Lasting(s.now.since(began)), Value::Lasting(wait.duration())),
            || Remedy::RetryAfter(opens),
        );
    }
    let length = window::end_of_refund(s.engine, began, rules.window)?;
    let end = length.at();
    let after = match length {
        End::At(_) => refusal(rules.after_window),
        // That it is over cannot be said, and not that it is open.
        End::Unsaid(_) => Outcome::Refer,
    };
    report.edge(end);
    // What support can do once it is over, no time ends.
    if s.now < end || after == Outcome::Deny {
        report.ends(end);
    }
    let is_same_day = s.today <= s.facts.sale.business_day;
    match verdict(rules.same_business_day) {
        Some(verdict) => {
            let opens = if is_same_day { next_business_day(s)? } else { s.sale_day_ends };
            report.edge(opens);
            report.asks(
                rule::REFUND_SAME_DAY,
                Field("same-business-day"),
                is_same_day.then_some((verdict, Until::At(opens))),
                || (Value::Day(s.today), Value::At(opens)),
                || {
                    let later = if opens < end { Remedy::RetryAfter(opens) } else { s.support() };
                    void_instead(s, amount).unwrap_or(later)
                },
            );
        }
        None => report.asks(
            rule::REFUND_SAME_DAY,
            Field("same-business-day"),
            None,
            || (Value::Day(s.today), Value::Absent),
            || Remedy::None,
        ),
    }
    report.asks(
        rule::REFUND_WINDOW,
        Field("window"),
        (s.now >= end).then_some((after, Until::Changed)),
        || (Value::At(s.now), Value::At(end)),
        || void_or_support(s, amount),
    );
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
    report.asks(
        rule::REFUND_PARTIAL,
        Field("partial"),
        denies(!rules.partial && amount < all),
        || (s.amount(amount), s.amount(all)),
        || {
            let whole = s.left == s.captured && s.is_good();
            if whole { Remedy::Provide("full-amount".to_owned()) } else { s.support() }
        },
    );
    if let Some(most) = rules.max_count {
        report.asks(
            rule::REFUND_COUNT,
            Field("max-count"),
            denies(balance.refunds_counted >= most),
            || (Value::Count(u64::from(balance.refunds_counted)), Value::Count(u64::from(most))),
            || s.support(),
        );
    }
    let Some(spacing) = rules.min_spacing else { return Ok(()) };
    let last = balance.last_refund_at;
    let opens = last.map(|last| window::after(last, spacing)).transpose()?;
    if let Some(opens) = opens {
        report.edge(opens);
    }
    let early = opens.filter(|opens| s.now < *opens);
    report.asks(
        rule::REFUND_SPACING,
        Field("min-spacing"),
        early.map(|opens| (Outcome::Deny, Until::At(opens))),
        || {
            let observed = last.map_or(Value::Absent, |last| Value::Lasting(s.now.since(last)));
            (observed, Value::Lasting(spacing.duration()))
        },
        || early.map_or(Remedy::None, Remedy::RetryAfter),
    );
    Ok(())
}

fn within_limits(s: &Situation<'_>, rules: &RefundRules, amount: i64, report: &mut Report) {
    if let Some(most) = rules.max_amount.map(|most| most.minor()) {
        report.asks(
            rule::REFUND_AMOUNT_LIMIT,
            Field("max-amount"),
            denies(amount > most),
            || (s.amount(amount), s.amount(most)),
            || if rules.partial { s.reduce_refund_to(most) } else { s.support() },
        );
    }
    if let Some(least) = rules.min_amount.map(|least| least.minor()) {
        report.asks(
            rule::REFUND_AMOUNT_LIMIT,
            Field("min-amount"),
            denies(amount < least),
            || (s.amount(amount), s.amount(least)),
            || s.support(),
        );
    }
}
