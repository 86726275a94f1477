//! Instants and business days. No clock is read here: time is always an argument.

use crate::{BusinessDay, Duration, Instant};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeDelta, Utc};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time that is not one, or too far away to compute with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TimeError(String);

impl Instant {
    /// The first and last instant that can be used: years 1970 to 9999.
    const RANGE: core::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

    /// Milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// Before 1970 or after 9999.
    pub fn from_unix_ms(unix_ms: i64) -> Result<Self, TimeError> {
        if Self::RANGE.contains(&unix_ms) {
            Ok(Self { unix_ms })
        } else {
            Err(TimeError(format!("expected a time between 1970 and 9999, found {unix_ms} ms")))
        }
    }

    /// Reads RFC 3339, such as `2026-11-23T22:59:00+08:00`.
    ///
    /// # Errors
    /// Not RFC 3339, or out of range.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|e| {
            let shown: String = text.chars().take(40).collect();
            TimeError(format!("expected a time such as 2026-11-23T22:59:00+08:00, found {shown:?}: {e}"))
        })?;
        Self::from_unix_ms(time.timestamp_millis())
    }

    /// This instant moved later.
    ///
    /// # Errors
    /// After 9999.
    pub fn plus(self, by: Duration) -> Result<Self, TimeError> {
        let ms = i64::try_from(by.ms).ok().and_then(|ms| self.unix_ms.checked_add(ms));
        ms.map_or_else(|| Err(TimeError("the time is after the year 9999".to_owned())), Self::from_unix_ms)
    }

    /// How long after an earlier instant this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let ms = self.unix_ms.saturating_sub(earlier.unix_ms);
        Duration { ms: u64::try_from(ms).unwrap_or(0) }
    }

    /// As a calendar date and time in UTC.
    ///
    /// # Errors
    /// If it was built from a number outside its range.
    pub fn to_utc(self) -> Result<DateTime<Utc>, TimeError> {
        DateTime::from_timestamp_millis(self.unix_ms).ok_or_else(|| TimeError("time out of range".to_owned()))
    }
}

/// RFC 3339 in UTC with milliseconds when there are any.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Ok(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Err(_) => write!(f, "{} ms", self.unix_ms),
        }
    }
}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Instant {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.unix_ms.cmp(&other.unix_ms)
    }
}

impl BusinessDay {
    /// A calendar date as a business day.
    ///
    /// # Errors
    /// Not a date between 1970 and 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, TimeError> {
        let this = Self { year, month, day };
        this.to_date().map(|_| this)
    }

    /// The business day of a calendar date.
    ///
    /// # Errors
    /// Before 1970 or after 9999.
    pub fn from_date(date: NaiveDate) -> Result<Self, TimeError> {
        let out_of_range = || TimeError(format!("expected a day between 1970 and 9999, found {date}"));
        let year = u16::try_from(date.year()).ok().filter(|y| (1970..=9999).contains(y)).ok_or_else(out_of_range)?;
        let month = u8::try_from(date.month()).map_err(|_| out_of_range())?;
        let day = u8::try_from(date.day()).map_err(|_| out_of_range())?;
        Ok(Self { year, month, day })
    }

    /// The calendar date.
    ///
    /// # Errors
    /// If it was built from numbers that are no date.
    pub fn to_date(self) -> Result<NaiveDate, TimeError> {
        if !(1970..=9999).contains(&self.year) {
            return Err(TimeError(format!("expected a year between 1970 and 9999, found {}", self.year)));
        }
        NaiveDate::from_ymd_opt(i32::from(self.year), u32::from(self.month), u32::from(self.day))
            .ok_or_else(|| TimeError(format!("{self} is not a day of the calendar")))
    }

    /// Reads `2026-11-23`.
    ///
    /// # Errors
    /// Not a date of that form.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        let shown: String = text.chars().take(40).collect();
        date.map_or_else(
            || Err(TimeError(format!("expected a day such as 2026-11-23, found {shown:?}"))),
            Self::from_date,
        )
    }

    /// The day after.
    ///
    /// # Errors
    /// After 9999.
    pub fn next(self) -> Result<Self, TimeError> {
        let next = self.to_date()?.checked_add_signed(TimeDelta::days(1));
        next.map_or_else(|| Err(TimeError("the day is after the year 9999".to_owned())), Self::from_date)
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
impl PartialEq for BusinessDay {
    fn eq(&self, other: &Self) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }
}
impl Eq for BusinessDay {}
impl core::hash::Hash for BusinessDay {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.year, self.month, self.day).hash(state);
    }
}
impl PartialOrd for BusinessDay {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for BusinessDay {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.year, self.month, self.day).cmp(&(other.year, other.month, other.day))
    }
}
impl Serialize for BusinessDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for BusinessDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl Duration {
    /// Whole minutes.
    #[must_use]
    pub fn minutes(minutes: u32) -> Self {
        Self { ms: u64::from(minutes).saturating_mul(60_000) }
    }

    /// Whole seconds.
    #[must_use]
    pub fn seconds(seconds: u32) -> Self {
        Self { ms: u64::from(seconds).saturating_mul(1_000) }
    }
}
impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Duration {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.ms.cmp(&other.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_in_any_offset_and_prints_in_utc() {
        let instant = Instant::parse("2026-11-23T23:00:00+08:00").unwrap();
        assert_eq!(instant.to_string(), "2026-11-23T15:00:00Z");
        assert_eq!(Instant::parse("2026-11-23T15:00:00.250Z").unwrap().to_string(), "2026-11-23T15:00:00.250Z");
        for bad in ["", "2026-11-23", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-23T25:00:00Z"] {
            assert!(Instant::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn business_days_know_leap_years_and_year_ends() {
        assert_eq!(BusinessDay::parse("2028-02-28").unwrap().next().unwrap().to_string(), "2028-02-29");
        assert_eq!(BusinessDay::parse("2026-12-31").unwrap().next().unwrap().to_string(), "2027-01-01");
        for bad in ["2026-02-29", "2026-2-1", "26-01-01", "", "2026-13-01"] {
            assert!(BusinessDay::parse(bad).is_err(), "{bad}");
        }
    }
}
