//! How instants, amounts, findings and the like are written for people who write policies: in case files, explanations and
//! reports, everywhere the same.

use chrono::{FixedOffset, SecondsFormat};
use rescind_model::token::Token as _;
use rescind_model::{
    Arrival, DecisionError, Duration, Finding, Instant, Money, OfflineEffect, Outcome, Period, Remedy, TallyNeed, Value,
};
use rescind_policy::scalar::{Amount, Rate, Span, UtcOffset};
use rescind_policy::word::Word as _;

/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

/// An instant in a policy's local time, as its author reads it.
#[must_use]
pub fn local(zone: UtcOffset, at: Instant) -> String {
    let zone = FixedOffset::east_opt(zone.minutes().saturating_mul(60));
    match (at.to_utc(), zone) {
        (Ok(time), Some(zone)) => time.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::AutoSi, true),
        _ => at.to_string(),
    }
}

/// A finding on one line: rule, verdict unless it is the ordinary `deny`, remedy.
#[must_use]
pub fn finding(zone: UtcOffset, finding: &Finding) -> String {
    let verdict =
        if finding.verdict == Outcome::Deny { String::new() } else { format!("({}) ", finding.verdict.token()) };
    format!("{} {verdict}{}", finding.rule, remedy(zone, &finding.remedy))
}

/// A remedy as a case file writes it, such as `use-refund-from 2026-11-23T23:00:00+08:00`.
#[must_use]
pub fn remedy(zone: UtcOffset, remedy: &Remedy) -> String {
    match remedy {
        Remedy::None => "none".to_owned(),
        Remedy::UseVoid => "use-void".to_owned(),
        Remedy::UseRefund => "use-refund".to_owned(),
        Remedy::UseRefundFrom(at) => format!("use-refund-from {}", local(zone, *at)),
        Remedy::UseReversal => "use-reversal".to_owned(),
        Remedy::AwaitOutcome => "await-outcome".to_owned(),
        Remedy::AskRole(role) => format!("ask-role {role}"),
        Remedy::RetryAfter(at) => format!("retry-after {}", local(zone, *at)),
        Remedy::ReduceTo(amount) => format!("reduce-to {}", amount.decimal_text()),
        Remedy::Provide(what) => format!("provide {what}"),
        Remedy::ContactSupport => "contact-support".to_owned(),
        Remedy::UseOrderClose => "use-order-close".to_owned(),
        Remedy::UseHoldRelease => "use-hold-release".to_owned(),
        Remedy::UseCompletionVoid => "use-completion-void".to_owned(),
        Remedy::Reprint => "reprint".to_owned(),
        Remedy::NewSale => "new-sale".to_owned(),
        Remedy::Authenticate => "authenticate".to_owned(),
        Remedy::Identify(kind) => format!("identify {}", kind.token()),
    }
}

/// Something observed, or a limit. Nothing there: `-`.
#[must_use]
pub fn value(zone: UtcOffset, value: &Value) -> String {
    match value {
        Value::Absent => "-".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Count(count) => count.to_string(),
        Value::Amount(money) => money.decimal_text(),
        Value::At(at) => local(zone, *at),
        Value::Lasting(length) => lasting(*length),
        Value::Day(day) => day.to_string(),
    }
}

/// A length of time in the largest units that say it exactly, two at most unless more are needed: `30 minutes`,
/// `29 minutes 59.999 seconds`.
#[must_use]
pub fn lasting(length: Duration) -> String {
    let (seconds, ms) = (length.ms.div_euclid(SECOND_MS), length.ms.rem_euclid(SECOND_MS));
    let parts = [
        (seconds.div_euclid(86_400), "day"),
        (seconds.rem_euclid(86_400).div_euclid(3_600), "hour"),
        (seconds.rem_euclid(3_600).div_euclid(60), "minute"),
    ];
    let mut text: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| counted(count, unit)).collect();
    let rest = seconds.rem_euclid(60);
    if ms > 0 {
        text.push(format!("{rest}.{ms:03} seconds"));
    } else if rest > 0 || text.is_empty() {
        text.push(counted(rest, "second"));
    }
    text.join(" ")
}

/// A span as a policy writes it: in the largest unit that says it as one whole number.
#[must_use]
pub fn span(span: Span) -> String {
    let seconds = u64::from(span.seconds());
    for (unit, length) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] {
        if seconds.rem_euclid(length) == 0 {
            return counted(seconds.div_euclid(length), unit);
        }
    }
    counted(seconds, "second")
}

/// `1 day`, `30 days`.
#[must_use]
pub fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A policy's amount in its currency, such as `100.00`.
#[must_use]
pub fn amount(currency: &str, amount: Amount) -> String {
    Money { minor: amount.minor(), currency: currency.to_owned() }.decimal_text()
}

/// A rate as a policy writes it, such as `0.38%`.
#[must_use]
pub fn rate(rate: Rate) -> String {
    let (whole, fraction) = (rate.millionths().div_euclid(10_000), rate.millionths().rem_euclid(10_000));
    let fraction = format!("{fraction:04}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{whole}%") } else { format!("{whole}.{fraction}%") }
}

/// When money arrives, such as `1 to 3 working days`.
#[must_use]
pub fn arrival(arrival: &Arrival) -> String {
    let days = if arrival.working_days { "working days" } else { "days" };
    format!("{} to {} {days}", arrival.min_days, arrival.max_days)
}

/// What an operation may do offline, as a case file writes it.
#[must_use]
pub fn offline(effect: OfflineEffect) -> &'static str {
    match effect {
        OfflineEffect::CancelsLocally => "cancels-locally",
        OfflineEffect::Queued => "queued",
    }
}

/// What is counted, such as `voids of the merchant-account per business day`.
#[must_use]
pub fn need(need: &TallyNeed) -> String {
    let period = match &need.period {
        Period::BusinessDay => "per business day".to_owned(),
        Period::Rolling(length) => format!("within {}", lasting(*length)),
    };
    format!("{}s of one {} {period}", need.way.token(), need.counted.word())
}

/// The kind of an error, as a case file writes it.
#[must_use]
pub fn error(error: &DecisionError) -> &'static str {
    match error {
        DecisionError::MissingFact(_) => "missing-fact",
        DecisionError::BadAmount(_) => "bad-amount",
        DecisionError::BadTime(_) => "bad-time",
    }
}
