//! Working days: which days of a calendar are worked, and which one is so many of them later.

use crate::document::{Calendar, Document, Weekday};
use chrono::{Datelike, NaiveDate};

/// Which days are worked: all but the weekend and the holidays, and the workdays besides (调休).
///
/// Without a calendar, Monday to Friday are worked, for ever: no provider's rules count working days in a country whose
/// weekend is another without saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDays {
    /// From Monday on.
    weekend: [bool; 7],
    /// Ascending.
    holidays: Vec<NaiveDate>,
    /// Ascending.
    workdays: Vec<NaiveDate>,
    /// The last day of which anything is said.
    until: Option<NaiveDate>,
}

impl Document {
    /// Its working days.
    #[must_use]
    pub fn working_days(&self) -> WorkingDays {
        WorkingDays::new(self.calendar.as_ref())
    }
}

impl WorkingDays {
    /// Those of a calendar; without one, Monday to Friday.
    #[must_use]
    pub fn new(calendar: Option<&Calendar>) -> Self {
        use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
        let is_off =
            |day| calendar.map_or(matches!(day, Saturday | Sunday), |calendar| calendar.weekend.contains(&day));
        let sorted = |days: Option<&Vec<crate::scalar::Date>>| {
            let mut days: Vec<NaiveDate> = days.into_iter().flatten().map(|date| date.day()).collect();
            days.sort_unstable();
            days
        };
        Self {
            weekend: [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday].map(is_off),
            holidays: sorted(calendar.map(|calendar| &calendar.holidays)),
            workdays: sorted(calendar.map(|calendar| &calendar.workdays)),
            until: calendar.map(|calendar| calendar.until.day()),
        }
    }

    /// Whether a day is worked. `None`: the calendar does not reach so far.
    #[must_use]
    pub fn is_worked(&self, date: NaiveDate) -> Option<bool> {
        if self.until.is_some_and(|until| date > until) {
            return None;
        }
        if self.workdays.binary_search(&date).is_ok() {
            return Some(true);
        }
        let from_monday = usize::try_from(date.weekday().num_days_from_monday()).ok()?;
        let is_weekend = self.weekend.get(from_monday).copied()?;
        Some(!is_weekend && self.holidays.binary_search(&date).is_err())
    }

    /// The day that is so many working days after another, which itself is not counted: zero is the day itself, worked or
    /// not. `None`: the calendar does not reach so far, or the year 9999 ends before.
    ///
    /// It takes at most seven steps for each of the `days` and of the holidays, because every week has a day that is no
    /// weekend.
    #[must_use]
    pub fn after_working_days(&self, date: NaiveDate, days: u32) -> Option<NaiveDate> {
        let most = u64::from(days).saturating_add(u64::try_from(self.holidays.len()).ok()?).saturating_mul(7);
        let (mut day, mut left) = (date, days);
        for _ in 0..most {
            if left == 0 {
                break;
            }
            day = day.succ_opt().filter(|day| day.year() <= 9999)?;
            if self.is_worked(day)? {
                left = left.saturating_sub(1);
            }
        }
        (left == 0).then_some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Date;

    fn date(text: &str) -> NaiveDate {
        Date::parse(text).unwrap().day()
    }

    fn days(texts: &[&str]) -> Vec<Date> {
        texts.iter().map(|text| Date::parse(text).unwrap()).collect()
    }

    /// The State Council's days off around New Year and National Day 2026, and the days of a weekend that are worked for them (调休).
    fn china() -> WorkingDays {
        WorkingDays::new(Some(&Calendar {
            weekend: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: days(&[
                "2026-01-01",
                "2026-01-02",
                "2026-01-03",
                "2026-10-01",
                "2026-10-02",
                "2026-10-03",
                "2026-10-04",
                "2026-10-05",
                "2026-10-06",
                "2026-10-07",
            ]),
            workdays: days(&["2026-01-04", "2026-09-20", "2026-10-10"]),
            until: Date::parse("2026-12-31").unwrap(),
        }))
    }

    #[test]
    fn a_weekend_that_is_worked_counts_and_a_holiday_does_not() {
        let china = china();
        for (day, worked) in [
            ("2026-09-20", true),  // a Sunday that is worked
            ("2026-09-27", false), // another
            ("2026-09-30", true),
            ("2026-10-01", false), // a Thursday
            ("2026-10-08", true),
            ("2026-10-10", true), // a Saturday that is worked
            ("2026-10-11", false),
        ] {
            assert_eq!(china.is_worked(date(day)), Some(worked), "{day}");
        }
        assert_eq!(china.is_worked(date("2026-12-31")), Some(true));
        assert_eq!(china.is_worked(date("2027-01-01")), None);
    }

    #[test]
    fn working_days_are_counted_from_the_day_after() {
        let (china, plain) = (china(), WorkingDays::new(None));
        let table = [
            (&china, "2026-09-30", 1, Some("2026-10-08")),
            (&china, "2026-09-30", 3, Some("2026-10-10")),
            (&china, "2026-09-30", 4, Some("2026-10-12")),
            (&china, "2026-10-01", 0, Some("2026-10-01")),
            (&china, "2026-12-25", 4, Some("2026-12-31")),
            (&china, "2026-12-25", 5, None),
            (&plain, "2026-11-27", 1, Some("2026-11-30")), // over a weekend
            (&plain, "2026-11-28", 1, Some("2026-11-30")), // from a Saturday
            (&plain, "2026-12-31", 1, Some("2027-01-01")), // over the year's end
            (&plain, "2028-02-28", 1, Some("2028-02-29")), // into the leap day
            (&plain, "2028-02-28", 2, Some("2028-03-01")),
            (&plain, "2026-11-23", 5, Some("2026-11-30")),
            (&plain, "2026-11-23", 261, Some("2027-11-23")),
            (&plain, "9999-12-31", 1, None),
        ];
        for (calendar, from, count, to) in table {
            assert_eq!(calendar.after_working_days(date(from), count), to.map(date), "{from} + {count}");
        }
    }

    #[test]
    fn a_day_is_so_many_working_days_later_as_are_worked_between() {
        let china = china();
        let mut worked = 0;
        let mut day = date("2025-12-31");
        while day < date("2026-12-31") {
            day = day.succ_opt().unwrap();
            if china.is_worked(day) == Some(true) {
                worked += 1;
                assert_eq!(china.after_working_days(date("2025-12-31"), worked), Some(day));
            }
        }
        assert_eq!(china.after_working_days(date("2025-12-31"), worked + 1), None);
        assert_eq!(china.after_working_days(date("2025-12-31"), u32::MAX), None);
    }
}
