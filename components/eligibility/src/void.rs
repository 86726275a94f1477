//! The rules of a void: it cancels a known-good, unsettled sale as a whole.

use crate::engine::VoidReady;
use crate::place::Place::{Field, Item, Nowhere};
use crate::report::{Report, Until, answers, denies, denies_until, refusal};
use crate::situation::{Asked, Situation};
use crate::variant::Held;
use crate::{effective, evidence, offline, prepaid, proof, reason, rule, tally, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Remedy, SaleOutcome, SettlementMode, Value, Way};
use rescind_policy::document::{Instead, Same, VoidRules};

/// Judges a void by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let held = s.void();
    report.holds("void", held.as_ref());
    effective::judge(s, report);
    outcome_is_known_good(s, report);
    enabled(s, held.as_ref().map(|held| held.rules), amount, report);
    if let Some(held) = held {
        by_the_rules(s, &held, amount, asked, report)?;
    }
    offline::judge(s, Way::Void, amount, report);
    Ok(())
}

fn by_the_rules(
    s: &Situation<'_>,
    held: &Held<'_, VoidRules, VoidReady>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = held.rules;
    completions_have_their_own(s, report);
    nothing_under_way(s, report);
    nothing_else_happened(s, rules, report);
    amount_is_the_sale(s, rules, amount, report);
    kind_can_be_voided(s, rules, report);
    money_is_still_here(s, rules, report);
    prepaid::judge_void(s, report)?;
    in_time(s, rules, report)?;
    tally::judge(rule::VOID_COUNT, Way::Void, &rules.count, s, asked, report, || s.refund_instead(s.left))?;
    operator_may(s, held, asked, report)?;
    if let Asked::Decide { reason, .. } = asked {
        proof::of_operator(rule::VOID_AUTHENTICATION, Field("authentication"), rules.authentication, s, report);
        proof::of_customer(rule::VOID_IDENTITY, &rules.identity, s, s.captured, report);
        reason::judge(rule::VOID_REASON, rules.reason, &rules.reasons, &held.ready.reasons, reason, report);
    }
    evidence::judge(rule::VOID_EVIDENCE, &rules.evidence, s, s.captured, asked, report)
}

/// Void and refund alike: only a sale known to be good can be taken back by them.
pub(crate) fn outcome_is_known_good(s: &Situation<'_>, report: &mut Report) {
    let outcome = s.facts.status.outcome;
    report.asks(
        rule::SALE_OUTCOME,
        Nowhere,
        denies(outcome != SaleOutcome::Good),
        || (Value::Text(outcome.token().to_owned()), Value::Text(SaleOutcome::Good.token().to_owned())),
        // Declined, failed, cancelled, …: no money was taken or none is left, so there is nothing to do.
        || s.way_back_of_open(),
    );
}

/// There must be voids at the moment. Where there are none, the policy says what that means and where to go instead.
fn enabled(s: &Situation<'_>, rules: Option<&VoidRules>, amount: i64, report: &mut Report) {
    let closed = refusal(rules.and_then(|rules| rules.closed));
    let is_closed = rules.is_none_or(|rules| !rules.enabled);
    report.asks(
        rule::VOID_ENABLED,
        if rules.is_some() { Field("enabled") } else { Nowhere },
        is_closed.then_some((closed, Until::Changed)),
        || enabled_or_not(!is_closed),
        || match rules.and_then(|rules| rules.instead) {
            None | Some(Instead::OtherWay) => s.refund_instead(amount),
            Some(Instead::Support) => s.support(),
            Some(Instead::Nothing) => Remedy::None,
        },
    );
}

/// Whether a way is switched on, and that it has to be.
pub(crate) fn enabled_or_not(is_enabled: bool) -> (Value, Value) {
    let observed = if is_enabled { "enabled" } else { "disabled" };
    (Value::Text(observed.to_owned()), Value::Text("enabled".to_owned()))
}

/// What came from a hold goes back to it: the completion is voided, not the sale.
fn completions_have_their_own(s: &Situation<'_>, report: &mut Report) {
    let came_from_hold = s.facts.hold.is_some();
    report.asks(
        rule::VOID_HOLD_COMPLETION,
        Nowhere,
        denies(came_from_hold && s.is_good()),
        || (if came_from_hold { Value::Text("hold".to_owned()) } else { Value::Absent }, Value::Absent),
        || {
            let open = s.completion_void_is_open();
            if open { Remedy::UseCompletionVoid } else { s.refund_instead(s.refundable()) }
        },
    );
}

/// No void and no other operation may be under way.
pub(crate) fn nothing_under_way(s: &Situation<'_>, report: &mut Report) {
    let balance = &s.facts.balance;
    for (id, is_open) in
        [(rule::VOID_IN_PROGRESS, balance.void_open), (rule::VOID_OPERATION_OPEN, balance.operation_open)]
    {
        report.asks(id, Nowhere, denies(is_open), || one_or_none(is_open), || Remedy::AwaitOutcome);
    }
}

/// How many are under way, and how many may be.
pub(crate) fn one_or_none(is_open: bool) -> (Value, Value) {
    (Value::Count(u64::from(is_open)), Value::Count(0))
}

fn nothing_else_happened(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) {
    let balance = &s.facts.balance;
    let voided = balance.voided.minor;
    report.asks(
        rule::VOID_ALREADY_VOIDED,
        Nowhere,
        denies(voided > 0),
        || (s.amount(voided), s.amount(0)),
        || Remedy::None,
    );
    report.asks(
        rule::VOID_AFTER_REFUND,
        Field("after-refund"),
        answers(rules.after_refund, balance.refunds_sent > 0),
        || (Value::Count(u64::from(balance.refunds_sent)), Value::Count(0)),
        || s.refund_instead(s.left),
    );
    // Not a choice of the policy: a void takes all of the sale, so nothing of it may be promised to a refund.
    report.asks(
        rule::VOID_BALANCE,
        Nowhere,
        denies(!balance.void_open && !balance.operation_open && voided == 0 && s.left < s.captured),
        || (s.amount(s.left), s.amount(s.captured)),
        || s.refund_instead(s.left),
    );
}

fn amount_is_the_sale(s: &Situation<'_>, rules: &VoidRules, amount: i64, report: &mut Report) {
    report.asks(
        rule::VOID_AMOUNT,
        Nowhere,
        denies(amount != s.captured),
        || (s.amount(amount), s.amount(s.captured)),
        || {
            if amount > s.captured {
                return Remedy::ReduceTo(s.money(s.captured));
            }
            match s.refund_instead(amount) {
                Remedy::ContactSupport => Remedy::Provide("full-amount".to_owned()),
                remedy => remedy,
            }
        },
    );
    for (place, limit, is_outside) in [
        ("min-amount", rules.min_amount, rules.min_amount.is_some_and(|least| s.captured < least.minor())),
        ("max-amount", rules.max_amount, rules.max_amount.is_some_and(|most| s.captured > most.minor())),
    ] {
        let Some(limit) = limit else { continue };
        report.asks(
            rule::VOID_AMOUNT_LIMIT,
            Field(place),
            denies(is_outside),
            || (s.amount(s.captured), s.amount(limit.minor())),
            || s.refund_instead(s.left),
        );
    }
}

fn kind_can_be_voided(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) {
    if rules.kinds_not_voidable.is_empty() {
        return;
    }
    let kind = &s.facts.sale.kind;
    report.asks(
        rule::VOID_KIND,
        Field("kinds-not-voidable"),
        denies(rules.kinds_not_voidable.contains(kind)),
        || (Value::Text(kind.clone()), Value::Absent),
        || s.refund_instead(s.left),
    );
}

fn money_is_still_here(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) {
    let status = &s.facts.status;
    let settlement = s.facts.sale.settlement;
    let is_gone = settlement == SettlementMode::RealTime || status.paid_out_at.is_some();
    report.asks(
        rule::VOID_PAID_OUT,
        Field("paid-out"),
        answers(rules.paid_out, is_gone),
        || {
            let settlement = Value::Text(settlement.token().to_owned());
            (status.paid_out_at.map_or(settlement, Value::At), Value::Absent)
        },
        || s.refund_instead(s.left),
    );
    if rules.until_settlement {
        report.asks(
            rule::VOID_SETTLED,
            Field("until-settlement"),
            denies(status.settled_at.is_some()),
            || (status.settled_at.map_or(Value::Absent, Value::At), Value::Absent),
            || s.refund_instead(s.left),
        );
    }
}

fn in_time(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) -> Result<(), DecisionError> {
    for (index, same) in rules.same.iter().enumerate() {
        match same {
            Same::OpenBatch => in_open_batch(s, index, report),
            Same::BusinessDay => in_business_day(s, index, report),
            Same::CalendarDay => in_calendar_day(s, index, report)?,
        }
    }
    let began = s.began(rules.since);
    if let Some(wait) = rules.minimum_wait {
        let opens = window::after(began, wait)?;
        report.edge(opens);
        report.asks(
            rule::VOID_MINIMUM_WAIT,
            Field("minimum-wait"),
            denies_until(s.now < opens, opens),
            || (Value::Lasting(s.now.since(began)), Value::Lasting(wait.duration())),
            || Remedy::RetryAfter(opens),
        );
    }
    if let Some(length) = rules.window {
        let end = window::after(began, length)?;
        report.ends(end);
        report.asks(
            rule::VOID_WINDOW,
            Field("window"),
            denies(s.now >= end),
            || (Value::Lasting(s.now.since(began)), Value::Lasting(length.duration())),
            || s.refund_instead(s.left),
        );
    }
    Ok(())
}

/// A payment that no terminal made is in no batch, and so in none that is open.
fn in_open_batch(s: &Situation<'_>, index: usize, report: &mut Report) {
    let closed = s.facts.status.batch_closed_at;
    report.asks(
        rule::VOID_BATCH,
        Item("same", index),
        denies(closed.is_some() || s.facts.sale.slip.is_none()),
        || (closed.map_or(Value::Absent, Value::At), Value::Absent),
        || s.refund_instead(s.left),
    );
}

fn in_business_day(s: &Situation<'_>, index: usize, report: &mut Report) {
    let of_sale = s.facts.sale.business_day;
    report.edge(s.sale_day_ends);
    report.asks(
        rule::VOID_BUSINESS_DAY,
        Item("same", index),
        denies(s.today > of_sale),
        || (Value::Day(s.today), Value::Day(of_sale)),
        || s.refund_instead(s.left),
    );
    // Otherwise the host says that the day goes on after its cut-off; until when, it does not say.
    if s.today <= of_sale && s.sale_day_ends > s.now {
        report.ends(s.sale_day_ends);
    }
}

fn in_calendar_day(s: &Situation<'_>, index: usize, report: &mut Report) -> Result<(), DecisionError> {
    let (clock, paid) = (s.engine.clock, s.facts.sale.paid_at);
    let end = clock.end_of_calendar_day(paid)?;
    report.ends(end);
    report.asks(
        rule::VOID_CALENDAR_DAY,
        Item("same", index),
        denies(!clock.same_calendar_day(s.now, paid)?),
        || (Value::At(s.now), Value::At(end)),
        || s.refund_instead(s.left),
    );
    Ok(())
}

fn operator_may(
    s: &Situation<'_>,
    held: &Held<'_, VoidRules, VoidReady>,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let (id, place) = (rule::VOID_OPERATOR_ROLE, Field("operator-roles"));
    let listed = || held.ready.operator_roles.clone();
    proof::of_role(id, place, &held.rules.operator_roles, listed, s, asked, report)
}
