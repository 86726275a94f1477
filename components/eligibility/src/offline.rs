//! What a terminal may decide without the server (`DOMAIN.md` §8).
//!
//! What it is allowed is at most **queued**: the server decides again. Only the void of a whole sale that never left the
//! terminal is done at once: sale and void cancel each other there. Whatever a ceiling, a clock or a missing count leaves
//! open waits for the server.

use crate::place::Place;
use crate::report::{Report, Until, answers, refusal};
use crate::rule;
use crate::situation::Situation;
use rescind_model::{Duration, Forwarding, Instant, OfflineEffect, OfflineSituation, Outcome, Remedy, Value, Way};
use rescind_policy::document::{OfflineRules, Permission};
use rescind_policy::scalar::Span;
use rescind_policy::word::Word as _;

/// What is missing: the server.
const CONNECTION: &str = "connection";

/// The advice to ask the server.
pub(crate) fn connect() -> Remedy {
    Remedy::Provide(CONNECTION.to_owned())
}

/// Judges whether it may be decided here. Asked last: it has to know every limit in time that plays a part.
pub(crate) fn judge(s: &Situation<'_>, way: Way, amount: i64, report: &mut Report) {
    let Some(here) = &s.facts.offline else { return };
    let rules = s.engine.document().offline.as_ref();
    report.asks(
        rule::OFFLINE_ENABLED,
        Place::Nowhere,
        refers(rules.is_none()),
        || (Value::Text("disabled".to_owned()), Value::Text("enabled".to_owned())),
        connect,
    );
    if let Some(rules) = rules {
        permitted(way, rules, report);
        within_ceilings(s, here, amount, rules, report);
        fresh(s, here, rules, report);
    }
    let near = report.near_edge();
    report.asks(
        rule::OFFLINE_CLOCK,
        Place::Nowhere,
        refers(near.is_some()),
        || (Value::At(s.now), near.map_or(Value::Lasting(here.clock_bound), Value::At)),
        connect,
    );
}

/// What an operation that is allowed may do before the server has heard of it.
pub(crate) fn effect(here: &OfflineSituation, way: Way) -> OfflineEffect {
    // One that was perhaps sent may be known to the server: then it would be voided twice, or not at all.
    if way == Way::Void && here.forwarding == Forwarding::Kept {
        OfflineEffect::CancelsLocally
    } else {
        OfflineEffect::Queued
    }
}

fn refers(so: bool) -> Option<(Outcome, Until)> {
    so.then_some((Outcome::Refer, Until::Changed))
}

/// Where the policy states the permission for a way, and what it says.
pub(crate) fn permission(way: Way, rules: &OfflineRules) -> (&'static str, Permission) {
    match way {
        Way::Void => ("offline.void", rules.void),
        Way::Refund => ("offline.refund", rules.refund),
        Way::Reversal => ("offline.reversal", rules.reversal),
        Way::OrderClose | Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid => {
            ("offline.other", rules.other)
        }
    }
}

fn permitted(way: Way, rules: &OfflineRules, report: &mut Report) {
    let (place, permission) = permission(way, rules);
    report.asks(
        rule::OFFLINE_WAY,
        Place::Document(place),
        answers(permission, true),
        || (Value::Text("offline".to_owned()), Value::Text(permission.word().to_owned())),
        connect,
    );
}

fn within_ceilings(s: &Situation<'_>, here: &OfflineSituation, amount: i64, rules: &OfflineRules, report: &mut Report) {
    let above = |so: bool| so.then_some((refusal(Some(rules.at_ceiling)), Until::Changed));
    if let Some(most) = rules.max_amount.map(|most| most.minor()) {
        report.asks(
            rule::OFFLINE_AMOUNT,
            Place::Document("offline.max-amount"),
            above(amount > most),
            || (s.amount(amount), s.amount(most)),
            connect,
        );
    }
    if let Some(most) = rules.max_total.map(|most| most.minor()) {
        let total = here.total.minor.saturating_add(amount);
        report.asks(
            rule::OFFLINE_TOTAL,
            Place::Document("offline.max-total"),
            above(total > most),
            || (s.amount(total), s.amount(most)),
            connect,
        );
    }
    if let Some(most) = rules.max_count {
        report.asks(
            rule::OFFLINE_COUNT,
            Place::Document("offline.max-count"),
            above(here.operations >= most),
            || (Value::Count(u64::from(here.operations)), Value::Count(u64::from(most))),
            connect,
        );
    }
    report.asks(
        rule::OFFLINE_RECORDS,
        Place::Document("offline.max-records"),
        above(here.stored_records >= rules.max_records),
        || (Value::Count(u64::from(here.stored_records)), Value::Count(u64::from(rules.max_records))),
        connect,
    );
}

fn fresh(s: &Situation<'_>, here: &OfflineSituation, rules: &OfflineRules, report: &mut Report) {
    for (id, place, made, most) in [
        (rule::OFFLINE_CONTACT, "offline.contact-age", here.last_contact, rules.contact_age),
        (rule::OFFLINE_BUNDLE, "offline.bundle-age", here.bundle_made, rules.bundle_age),
    ] {
        let age = oldest(s.now, made, here.clock_bound);
        let is_over = age.is_none_or(|age| age > most.duration());
        if let Some(end) = end_of(made, most, here.clock_bound).filter(|_| !is_over) {
            report.ends_surely(end);
        }
        report.asks(
            id,
            Place::Document(place),
            is_over.then_some((refusal(Some(rules.at_ceiling)), Until::Changed)),
            || (age.map_or(Value::At(made), Value::Lasting), Value::Lasting(most.duration())),
            connect,
        );
    }
}

/// The most that something can be old. `None`: it comes after now, by more than the clock can be off.
fn oldest(now: Instant, made: Instant, bound: Duration) -> Option<Duration> {
    let ahead = made.since(now);
    (ahead <= bound).then(|| Duration { ms: now.since(made).ms.saturating_add(bound.ms).saturating_sub(ahead.ms) })
}

/// The first instant at which it may be too old; the age itself is included.
fn end_of(made: Instant, most: Span, bound: Duration) -> Option<Instant> {
    let most_ms = i64::try_from(most.duration().ms).ok()?.checked_add(1)?;
    let bound_ms = i64::try_from(bound.ms).ok()?;
    Some(Instant { unix_ms: made.unix_ms.checked_add(most_ms)?.checked_sub(bound_ms)? })
}
