//! When money can be expected at the payer's side.

use crate::place::Place;
use crate::report::Report;
use crate::situation::Situation;
use chrono::{Days, NaiveDate};
use rescind_model::{Arrival, BusinessDay, Value};
use rescind_policy::document::ArrivalRule;
use rescind_policy::word::Word as _;

/// The first estimate that matches the sale, with its dates counted from the question's business day.
pub(crate) fn estimate(
    id: &'static str,
    rules: &[ArrivalRule],
    s: &Situation<'_>,
    report: &mut Report,
) -> Option<Arrival> {
    let sale = &s.facts.sale;
    for (index, rule) in rules.iter().enumerate() {
        let applies = rule.channel.is_none_or(|channel| channel == sale.channel)
            && rule.card_type.is_none_or(|card_type| Some(card_type) == sale.card_type);
        report.comes_with(id, Place::Item("arrival", index), applies, || {
            (Value::Text(sale.channel.word().to_owned()), Value::Count(u64::from(rule.max_days)))
        });
        if applies {
            let earliest = later(s, s.date, rule.min_days, rule.working_days);
            let between = rule.max_days.saturating_sub(rule.min_days);
            let latest = earliest.and_then(|earliest| later(s, earliest, between, rule.working_days));
            let day = |date: Option<NaiveDate>| date.and_then(|date| BusinessDay::from_date(date).ok());
            return Some(Arrival {
                min_days: rule.min_days,
                max_days: rule.max_days,
                working_days: rule.working_days,
                earliest: day(earliest),
                latest: day(latest),
            });
        }
    }
    None
}

/// So many days later. `None`: the calendar of working days does not reach so far.
fn later(s: &Situation<'_>, from: NaiveDate, days: u32, working_days: bool) -> Option<NaiveDate> {
    match days {
        0 => Some(from),
        _ if working_days => s.engine.working_days.after_working_days(from, days),
        _ => from.checked_add_days(Days::new(u64::from(days))),
    }
}
