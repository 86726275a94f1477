//! Business days: which one an instant belongs to, and when one ends.
//!
//! The business day D runs from the cut-off of D-1 to the cut-off of D, local time: `[D-1 cut-off, D cut-off)`. The instant
//! of the cut-off itself belongs to the next business day.

use crate::scalar::{CutOff, UtcOffset};
use chrono::{Months, NaiveDate};
use rescind_model::time::TimeError;
use rescind_model::{BusinessDay, DecisionError, Instant};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A policy's local time and cut-off.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// How far local time is ahead of UTC.
    offset_ms: i64,
    /// How long after local midnight a business day ends.
    cut_off_ms: i64,
}

impl Clock {
    /// The clock of a time zone and a cut-off.
    #[must_use]
    pub fn new(zone: UtcOffset, cut_off: CutOff) -> Self {
        Self {
            offset_ms: i64::from(zone.minutes()).saturating_mul(MINUTE_MS),
            cut_off_ms: i64::from(cut_off.minutes()).saturating_mul(MINUTE_MS),
        }
    }

    /// The business day an instant belongs to.
    ///
    /// # Errors
    /// The instant or its day is outside 1970 to 9999.
    pub fn business_day_of(self, at: Instant) -> Result<BusinessDay, DecisionError> {
        // Moved so far that the cut-off lies on midnight, business days are calendar days.
        let to_midnight = DAY_MS.saturating_sub(self.cut_off_ms);
        day_number(self.local_ms(at)?.saturating_add(to_midnight)).and_then(day)
    }

    /// The first instant after a business day: its cut-off.
    ///
    /// # Errors
    /// Not a date, or its end is outside 1970 to 9999.
    pub fn end_of_business_day(self, day: BusinessDay) -> Result<Instant, DecisionError> {
        let midnight = i64::from(date(day)?.to_epoch_days()).saturating_mul(DAY_MS);
        self.at_local_ms(midnight.saturating_add(self.cut_off_ms))
    }

    /// Whether two instants have one local calendar date.
    ///
    /// # Errors
    /// An instant outside 1970 to 9999.
    pub fn same_calendar_day(self, a: Instant, b: Instant) -> Result<bool, DecisionError> {
        Ok(self.local_ms(a)?.div_euclid(DAY_MS) == self.local_ms(b)?.div_euclid(DAY_MS))
    }

    /// The local midnight after an instant.
    ///
    /// # Errors
    /// An instant outside 1970 to 9999.
    pub fn end_of_calendar_day(self, at: Instant) -> Result<Instant, DecisionError> {
        let day = self.local_ms(at)?.div_euclid(DAY_MS);
        self.at_local_ms(day.saturating_add(1).saturating_mul(DAY_MS))
    }

    /// The same local time of day so many calendar months later. A date that the month does not have becomes its last day.
    ///
    /// # Errors
    /// An instant outside 1970 to 9999.
    pub fn months_after(self, at: Instant, months: u32) -> Result<Instant, DecisionError> {
        let local = self.local_ms(at)?;
        let later = date(day(day_number(local)?)?)?.checked_add_months(Months::new(months));
        let later = later.ok_or_else(|| DecisionError::BadTime("a window ends after the year 9999".to_owned()))?;
        let midnight = i64::from(later.to_epoch_days()).saturating_mul(DAY_MS);
        self.at_local_ms(midnight.saturating_add(local.rem_euclid(DAY_MS)))
    }

    fn local_ms(self, at: Instant) -> Result<i64, DecisionError> {
        Ok(checked(at)?.unix_ms.saturating_add(self.offset_ms))
    }

    fn at_local_ms(self, local_ms: i64) -> Result<Instant, DecisionError> {
        checked(Instant { unix_ms: local_ms.saturating_sub(self.offset_ms) })
    }
}

/// An instant that is between 1970 and 9999: records can be built without the check.
///
/// # Errors
/// It is not.
pub fn checked(at: Instant) -> Result<Instant, DecisionError> {
    Instant::from_unix_ms(at.unix_ms).map_err(bad_time)
}

/// A business day that is a date.
///
/// # Errors
/// It is none.
pub fn date(day: BusinessDay) -> Result<NaiveDate, DecisionError> {
    day.to_date().map_err(bad_time)
}

/// Days since 1970-01-01.
fn day_number(local_ms: i64) -> Result<i32, DecisionError> {
    i32::try_from(local_ms.div_euclid(DAY_MS)).map_err(|_| DecisionError::BadTime("a day out of range".to_owned()))
}

fn day(number: i32) -> Result<BusinessDay, DecisionError> {
    let date =
        NaiveDate::from_epoch_days(number).ok_or_else(|| DecisionError::BadTime("a day out of range".to_owned()))?;
    BusinessDay::from_date(date).map_err(bad_time)
}

/// A time that cannot be, as an error of deciding.
#[must_use]
#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
pub fn bad_time(error: TimeError) -> DecisionError {
    DecisionError::BadTime(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zone: &str, cut_off: &str) -> Clock {
        Clock::new(UtcOffset::parse(zone).unwrap(), CutOff::parse(cut_off).unwrap())
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn the_cut_off_itself_belongs_to_the_next_business_day() {
        let table = [
            ("+08:00", "23:00", "2026-11-23T22:59:59.999+08:00", "2026-11-23"),
            ("+08:00", "23:00", "2026-11-23T23:00:00+08:00", "2026-11-24"),
            ("+08:00", "23:00", "2026-11-24T00:00:00+08:00", "2026-11-24"),
            ("+08:00", "23:00", "2026-12-31T22:59:59.999+08:00", "2026-12-31"),
            ("+08:00", "23:00", "2026-12-31T23:00:00+08:00", "2027-01-01"),
            ("+08:00", "23:00", "2028-02-28T23:00:00+08:00", "2028-02-29"),
            ("+08:00", "23:00", "2028-02-29T23:00:00+08:00", "2028-03-01"),
            ("+08:00", "24:00", "2026-11-23T23:59:59.999+08:00", "2026-11-23"),
            ("+08:00", "24:00", "2026-11-24T00:00:00+08:00", "2026-11-24"),
            ("+00:00", "00:01", "2026-11-23T00:01:00Z", "2026-11-24"),
            ("-05:00", "23:00", "2026-11-24T03:59:59.999Z", "2026-11-23"),
            ("-05:00", "23:00", "2026-11-24T04:00:00Z", "2026-11-24"),
            // The first instants there are.
            ("+08:00", "23:00", "1970-01-01T00:00:00Z", "1970-01-01"),
        ];
        for (zone, cut_off, instant, day) in table {
            assert_eq!(
                clock(zone, cut_off).business_day_of(at(instant)).unwrap().to_string(),
                day,
                "{zone} {cut_off} {instant}"
            );
        }
    }

    #[test]
    fn a_business_day_ends_where_the_next_begins() {
        for (zone, cut_off) in [("+08:00", "23:00"), ("-09:30", "00:01"), ("+14:00", "24:00"), ("+00:00", "12:00")] {
            let clock = clock(zone, cut_off);
            for text in ["2026-11-23", "2026-12-31", "2028-02-28", "2028-02-29", "2027-02-28"] {
                let day = BusinessDay::parse(text).unwrap();
                let end = clock.end_of_business_day(day).unwrap();
                let before = Instant { unix_ms: end.unix_ms - 1 };
                assert_eq!(clock.business_day_of(before).unwrap(), day);
                assert_eq!(clock.business_day_of(end).unwrap(), day.next().unwrap());
            }
        }
    }

    #[test]
    fn months_keep_the_time_of_day_and_stop_at_the_end_of_a_month() {
        let clock = clock("+08:00", "23:00");
        let table = [
            ("2026-11-23T14:00:00+08:00", 11, "2027-10-23T14:00:00+08:00"),
            ("2026-03-31T14:00:00+08:00", 11, "2027-02-28T14:00:00+08:00"),
            ("2027-03-31T23:59:59.999+08:00", 11, "2028-02-29T23:59:59.999+08:00"),
            ("2028-02-29T00:00:00+08:00", 12, "2029-02-28T00:00:00+08:00"),
            // Local, not UTC: in UTC this is the day before.
            ("2026-12-01T00:00:00+08:00", 1, "2027-01-01T00:00:00+08:00"),
        ];
        for (from, months, to) in table {
            assert_eq!(clock.months_after(at(from), months).unwrap(), at(to), "{from} + {months}");
        }
    }

    #[test]
    fn times_out_of_range_are_errors() {
        let clock = clock("+08:00", "23:00");
        for unix_ms in [-1, 253_402_300_800_000, i64::MAX, i64::MIN] {
            assert!(matches!(clock.business_day_of(Instant { unix_ms }), Err(DecisionError::BadTime(_))));
            assert!(matches!(clock.months_after(Instant { unix_ms }, 1), Err(DecisionError::BadTime(_))));
        }
        for (year, month, day) in [(0, 1, 1), (2026, 13, 1), (2026, 2, 29), (10_000, 1, 1)] {
            let day = BusinessDay { year, month, day };
            assert!(matches!(clock.end_of_business_day(day), Err(DecisionError::BadTime(_))), "{day}");
        }
        let last = BusinessDay { year: 9999, month: 12, day: 31 };
        assert!(clock.end_of_business_day(last).is_ok());
        assert!(clock.months_after(at("9999-12-01T00:00:00Z"), 1).is_err());
    }
}
