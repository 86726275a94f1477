//! Reason codes: chosen from the policy's list.

use crate::place::Place;
use crate::report::{Report, denies};
use rescind_model::{Remedy, Value};
use rescind_policy::document::Demand;

/// Longest reason that is shown as it was given.
const SHOWN_BYTES: usize = 64;

/// Judges the reason that was given, or not. `listed` is the list as one text.
pub(crate) fn judge(
    rule: &'static str,
    demand: Demand,
    reasons: &[String],
    listed: &str,
    given: Option<&str>,
    report: &mut Report,
) {
    let is_fine = match given {
        None => demand == Demand::Optional,
        Some(given) => reasons.is_empty() || reasons.iter().any(|reason| reason == given),
    };
    report.asks(
        rule,
        Place::Field("reason"),
        denies(!is_fine),
        || (given.map_or(Value::Absent, shown), Value::Text(listed.to_owned())),
        || Remedy::Provide("reason".to_owned()),
    );
}

/// A reason that is not on the list may be anything, even a card number: only letters and hyphens are repeated.
fn shown(given: &str) -> Value {
    let is_plain = given.len() <= SHOWN_BYTES && given.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    Value::Text(if is_plain && !given.is_empty() { given.to_owned() } else { "unlisted".to_owned() })
}
