//! When a policy is in force: what is asked before or after is left to support.

use crate::place::Place;
use crate::report::{Report, Until};
use crate::rule;
use crate::situation::Situation;
use rescind_model::{Outcome, Remedy, Value};

/// Judges it.
pub(crate) fn judge(s: &Situation<'_>, report: &mut Report) {
    let Some(in_force) = s.engine.in_force else { return };
    if let Some(from) = in_force.from {
        report.edge(from);
        report.asks(
            rule::POLICY_EFFECTIVE,
            Place::Document("effective.from"),
            (s.now < from).then_some((Outcome::Refer, Until::At(from))),
            || (Value::At(s.now), Value::At(from)),
            || Remedy::ContactSupport,
        );
    }
    if let Some(until) = in_force.until {
        report.edge(until);
        if s.now < until {
            report.ends(until);
        }
        report.asks(
            rule::POLICY_EFFECTIVE,
            Place::Document("effective.until"),
            (s.now >= until).then_some((Outcome::Refer, Until::Changed)),
            || (Value::At(s.now), Value::At(until)),
            || Remedy::ContactSupport,
        );
    }
}
