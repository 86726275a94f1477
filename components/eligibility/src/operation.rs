//! What the rules of reversals, order closes and operations on holds have in common.

use crate::report::{Report, Until};
use crate::situation::Situation;
use rescind_model::{Outcome, Remedy, Value};

/// The policy has no such operation, or not at the moment.
pub(crate) fn disabled(id: &'static str, verdict: Outcome, report: &mut Report, remedy: impl FnOnce() -> Remedy) {
    report.stands(id, verdict, Until::Changed, || {
        (Value::Text("disabled".to_owned()), Value::Text("enabled".to_owned()), remedy())
    });
}

/// No other operation and no void of the payment may be under way.
pub(crate) fn nothing_under_way(id: &'static str, s: &Situation<'_>, report: &mut Report) {
    if s.facts.balance.operation_open || s.facts.balance.void_open {
        report.stands(id, Outcome::Deny, Until::Changed, || (Value::Count(1), Value::Count(0), Remedy::AwaitOutcome));
    }
}

/// The operation takes all of something.
pub(crate) fn whole(id: &'static str, s: &Situation<'_>, amount: i64, all: i64, report: &mut Report) {
    if amount != all {
        report.stands(id, Outcome::Deny, Until::Changed, || {
            let more = amount > all;
            let remedy = if more { Remedy::ReduceTo(s.money(all)) } else { Remedy::Provide("full-amount".to_owned()) };
            (s.amount(amount), s.amount(all), remedy)
        });
    }
}
