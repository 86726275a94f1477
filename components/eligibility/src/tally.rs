//! Counts of operations in a time, held against a way's limits.

use crate::engine::need;
use crate::place::Place;
use crate::report::{Report, Until, denies, refusal};
use crate::situation::{Asked, Situation};
use crate::{offline, rule};
use rescind_model::{DecisionError, Outcome, Remedy, TallyNeed, Value, Way};
use rescind_policy::document::CountLimit;
use rescind_policy::word::Word as _;

/// Judges every limit on voids or refunds. `instead` is the advice where the one too many is denied.
pub(crate) fn judge(
    id: &'static str,
    way: Way,
    limits: &[CountLimit],
    s: &Situation<'_>,
    asked: Asked<'_>,
    report: &mut Report,
    instead: impl Fn() -> Remedy,
) -> Result<(), DecisionError> {
    for (index, limit) in limits.iter().enumerate() {
        let Some(most) = limit.per_business_day.or(limit.at_most) else { continue };
        let place = Place::Item("count", index);
        let so_far = so_far(s, &need(way, limit));
        if limit.per_business_day.is_some() {
            // Around the cut-off it may have been counted in another day than the server counts it in.
            report.business_day_edge(s.engine.clock)?;
        }
        if s.facts.offline.is_some() {
            // A terminal knows its own operations; what others did, only the server does.
            unknown_offline(s, place, so_far.is_none(), report, || Value::Text(limit.counted.word().to_owned()));
        }
        let Some(so_far) = so_far else {
            // Advice on another way must not fail because a count of this one was not gathered: then it is not given.
            if matches!(asked, Asked::Probe) {
                report.asks(id, place, denies(true), || (Value::Absent, Value::Absent), || Remedy::None);
            } else if s.facts.offline.is_none() {
                return Err(DecisionError::MissingFact(name(way, limit)));
            }
            continue;
        };
        let verdict = refusal(Some(limit.at_ceiling));
        report.asks(
            id,
            place,
            (so_far >= most).then_some((verdict, Until::Changed)),
            || (Value::Count(u64::from(so_far)), Value::Count(u64::from(most))),
            || if verdict == Outcome::Refer { Remedy::ContactSupport } else { instead() },
        );
    }
    Ok(())
}

/// Something that decides can be known to the server only.
pub(crate) fn unknown_offline(
    s: &Situation<'_>,
    place: Place<'_>,
    is_unknown: bool,
    report: &mut Report,
    what: impl FnOnce() -> Value,
) {
    report.asks(
        rule::OFFLINE_UNKNOWN,
        // A policy without a word on terminals alone does not state what they do without.
        if s.engine.document().offline.is_some() { place } else { Place::Nowhere },
        is_unknown.then_some((Outcome::Refer, Until::Changed)),
        || (Value::Absent, what()),
        offline::connect,
    );
}

fn so_far(s: &Situation<'_>, need: &TallyNeed) -> Option<u32> {
    s.facts.tallies.iter().find(|tally| tally.need == *need).map(|tally| tally.count)
}

/// The name of a count: `tallies.operator`; of any but voids of a business day with what tells it apart.
fn name(way: Way, limit: &CountLimit) -> String {
    let counted = limit.counted.word();
    let way = if way == Way::Refund { "refund." } else { "" };
    match limit.within {
        Some(within) => format!("tallies.{way}{counted}.{}s", within.seconds()),
        None => format!("tallies.{way}{counted}"),
    }
}
