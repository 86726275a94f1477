//! What the rules of reversals, order closes and operations on holds have in common.

use crate::place::Place;
use crate::report::{Report, Until, denies};
use crate::situation::Situation;
use crate::void;
use rescind_model::{Outcome, Remedy};

/// The policy must have such an operation, and at the moment; `verdict` where it does not.
pub(crate) fn enabled(
    id: &'static str,
    place: Place<'_>,
    is_enabled: bool,
    verdict: Outcome,
    report: &mut Report,
    remedy: impl FnOnce() -> Remedy,
) {
    let stands = (!is_enabled).then_some((verdict, Until::Changed));
    report.asks(id, place, stands, || void::enabled_or_not(is_enabled), remedy);
}

/// No other operation and no void of the payment may be under way.
pub(crate) fn nothing_under_way(id: &'static str, s: &Situation<'_>, report: &mut Report) {
    let is_open = s.facts.balance.operation_open || s.facts.balance.void_open;
    report.asks(id, Place::Nowhere, denies(is_open), || void::one_or_none(is_open), || Remedy::AwaitOutcome);
}

/// The operation takes all of something.
pub(crate) fn whole(id: &'static str, s: &Situation<'_>, amount: i64, all: i64, report: &mut Report) {
    report.asks(
        id,
        Place::Nowhere,
        denies(amount != all),
        || (s.amount(amount), s.amount(all)),
        || if amount > all { Remedy::ReduceTo(s.money(all)) } else { Remedy::Provide("full-amount".to_owned()) },
    );
}
