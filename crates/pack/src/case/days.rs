//! What a case expects of a policy's calendar: which days of a time are worked.

use super::expect::Difference;
use chrono::{Datelike as _, NaiveDate, Weekday};
use rescind_eligibility::Engine;
use rescind_policy::scalar::Date;
use serde::Deserialize;

/// The longest time that one case looks at: ten years, so that a mistyped year is told and not counted out.
const MOST_DAYS: i64 = 3_660;

/// Which days are worked, said as notices of holidays say it: as what is another than Monday to Friday.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Days {
    /// The first day that is looked at.
    from: String,
    /// The last one.
    until: String,
    /// Mondays to Fridays that are not worked, ascending.
    #[serde(default)]
    off: Vec<String>,
    /// Saturdays and Sundays that are worked, ascending.
    #[serde(default)]
    worked: Vec<String>,
    /// Whether nothing is said of the day after the last.
    #[serde(default)]
    ends: bool,
}

impl Days {
    /// The days that are looked at, from the first to the last; the day after it too, if nothing is to be said of that.
    pub(super) fn looked_at(&self) -> Option<(NaiveDate, NaiveDate)> {
        let (from, until) = (date(&self.from).ok()?, date(&self.until).ok()?);
        Some((from, if self.ends { until.succ_opt()? } else { until }))
    }

    /// Compares what is expected with the policy's calendar.
    ///
    /// # Errors
    /// Days that are none, or too many.
    pub(super) fn compare(&self, engine: &Engine, differences: &mut Vec<Difference>) -> Result<(), String> {
        let calendar = engine.document().working_days();
        let (from, until) = (date(&self.from)?, date(&self.until)?);
        let days = until.signed_duration_since(from).num_days();
        if !(0..=MOST_DAYS).contains(&days) {
            return Err(format!("days: expected at most {MOST_DAYS} days, {} to {}", self.from, self.until));
        }
        let (mut off, mut worked, mut unsaid) = (Vec::new(), Vec::new(), Vec::new());
        for day in from.iter_days().take_while(|day| *day <= until) {
            let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            match calendar.is_worked(day) {
                Some(true) if is_weekend => worked.push(day.to_string()),
                Some(false) if !is_weekend => off.push(day.to_string()),
                Some(_) => {}
                None => unsaid.push(day.to_string()),
            }
        }
        for (field, expected, found) in
            [("off", self.off.as_slice(), off), ("worked", &self.worked, worked), ("unsaid", &[], unsaid)]
        {
            if *expected != *found {
                differences.push(Difference { field: format!("days.{field}"), expected: expected.to_vec(), found });
            }
        }
        let says_more = until.succ_opt().is_some_and(|next| calendar.is_worked(next).is_some());
        if self.ends && says_more {
            differences.push(Difference::one("days.ends", format!("nothing after {until}"), "more"));
        }
        Ok(())
    }
}

fn date(text: &str) -> Result<NaiveDate, String> {
    Date::parse(text).map(Date::day).map_err(|error| format!("days: {error}"))
}
