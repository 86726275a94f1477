//! The calendar of working days, and the days on which a policy is in force.

use super::{Check, Step};
use crate::document::{Calendar, Effective, Weekday};
use crate::limits::CALENDAR_DAYS;
use crate::scalar::Date;
use Step::{Index, Key};
use chrono::Datelike;

impl Check<'_> {
    pub(super) fn calendar(&mut self, calendar: Option<&Calendar>) {
        let Some(calendar) = calendar else { return };
        let key = Key("calendar");
        self.unique(&[key, Key("weekend")], &calendar.weekend);
        if calendar.weekend.len() >= 7 {
            self.problem(&[key, Key("weekend")], "policy.range", "a day of the week that is worked", "none", None);
        }
        self.dates("holidays", &calendar.holidays, calendar.until);
        self.dates("workdays", &calendar.workdays, calendar.until);
        for (index, day) in calendar.workdays.iter().enumerate() {
            let at = [key, Key("workdays"), Index(index)];
            if calendar.holidays.contains(day) {
                self.problem(
                    &at,
                    "policy.contradiction",
                    "a day that is no holiday",
                    format!("{day}, a holiday"),
                    None,
                );
            } else if !weekday(*day).is_none_or(|weekday| calendar.weekend.contains(&weekday)) {
                let found = format!("{day}, which is worked anyway");
                self.problem(&at, "policy.contradiction", "a day of a weekend", found, None);
            }
        }
    }

    /// Ascending, and within the calendar.
    fn dates(&mut self, field: &'static str, dates: &[Date], until: Date) {
        self.list_length(&[Key("calendar"), Key(field)], dates.len(), CALENDAR_DAYS);
        let mut before: Option<Date> = None;
        for (index, date) in dates.iter().enumerate() {
            let at = [Key("calendar"), Key(field), Index(index)];
            if let Some(before) = before.filter(|before| date <= before) {
                self.problem(&at, "policy.order", format!("a day after {before}"), date.to_string(), None);
            }
            if *date > until {
                self.problem(
                    &at,
                    "policy.range",
                    format!("a day up to the `until` of {until}"),
                    date.to_string(),
                    None,
                );
            }
            before = Some(*date);
        }
    }

    pub(super) fn effective(&mut self, effective: Option<&Effective>) {
        let Some(effective) = effective else { return };
        match (effective.from, effective.until) {
            (None, None) => {
                self.problem(&[Key("effective")], "policy.range", "`from`, `until` or both", "neither", None);
            }
            (Some(from), Some(until)) if from >= until => {
                let (expected, found) = (format!("a day after {from}"), format!("{until}: it would never be in force"));
                self.problem(&[Key("effective"), Key("until")], "policy.never", expected, found, None);
            }
            _ => {}
        }
    }
}

fn weekday(date: Date) -> Option<Weekday> {
    use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    let from_monday = usize::try_from(date.day().weekday().num_days_from_monday()).ok()?;
    [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday].get(from_monday).copied()
}
