//! The scalars of a policy: amounts, rates, spans of time, a time zone, a cut-off.

use crate::limits::{RATE_MILLIONTHS, SPAN_SECONDS, ZONE_MINUTES};
use core::fmt;
use rescind_model::limits::AMOUNT_MINOR;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not the scalar it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct BadScalar {
    /// What was expected, with an example.
    pub expected: &'static str,
}

/// An amount in whole minor units of the policy's currency. Canonical form: an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

impl Amount {
    /// An amount of minor units, `0..=AMOUNT_MINOR`.
    ///
    /// # Errors
    /// Out of range.
    pub fn new(minor: i64) -> Result<Self, BadScalar> {
        if (0..=AMOUNT_MINOR).contains(&minor) {
            Ok(Self(minor))
        } else {
            Err(BadScalar { expected: "an amount between 0 and 99,999,999,999,999 minor units" })
        }
    }

    /// The minor units.
    #[must_use]
    pub fn minor(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Amount {
    type Error = BadScalar;
    fn try_from(minor: i64) -> Result<Self, BadScalar> {
        Self::new(minor)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// A share of an amount in millionths, at most all of it. Written `"0.6%"`; canonical form: an integer (6000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Rate(u32);

impl Rate {
    const EXPECTED: BadScalar =
        BadScalar { expected: "a rate from \"0%\" to \"100%\" with at most four decimals, such as \"0.38%\"" };

    /// A rate in millionths.
    ///
    /// # Errors
    /// Above 100 %.
    pub fn new(millionths: u32) -> Result<Self, BadScalar> {
        if millionths <= RATE_MILLIONTHS { Ok(Self(millionths)) } else { Err(Self::EXPECTED) }
    }

    /// Reads `0.38%`.
    ///
    /// # Errors
    /// Not of that form, or out of range.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        let number = text.strip_suffix('%').ok_or(Self::EXPECTED)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 3 || fraction.len() > 4 {
            return Err(Self::EXPECTED);
        }
        let whole: u32 = whole.parse().map_err(|_| Self::EXPECTED)?;
        let fraction: u32 = format!("{fraction:0<4}").parse().map_err(|_| Self::EXPECTED)?;
        whole
            .checked_mul(10_000)
            .and_then(|millionths| millionths.checked_add(fraction))
            .map_or(Err(Self::EXPECTED), Self::new)
    }

    /// The millionths.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Rate {
    type Error = BadScalar;
    fn try_from(millionths: u32) -> Result<Self, BadScalar> {
        Self::new(millionths)
    }
}

impl From<Rate> for u32 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

/// A span of time, 1 second to 366 days. Written `"30 minutes"`; canonical form: whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Span(u32);

impl Span {
    const EXPECTED: BadScalar = BadScalar {
        expected: "a span such as \"15 seconds\", \"30 minutes\", \"72 hours\" or \"3 days\", at most 366 days",
    };

    /// A span of whole seconds.
    ///
    /// # Errors
    /// Zero, or longer than 366 days.
    pub fn new(seconds: u32) -> Result<Self, BadScalar> {
        if (1..=SPAN_SECONDS).contains(&seconds) { Ok(Self(seconds)) } else { Err(Self::EXPECTED) }
    }

    /// Reads `30 minutes`.
    ///
    /// # Errors
    /// Not of that form, or out of range.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        let (number, unit) = number_and_unit(text).ok_or(Self::EXPECTED)?;
        let seconds = match unit {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return Err(Self::EXPECTED),
        };
        number.checked_mul(seconds).map_or(Err(Self::EXPECTED), Self::new)
    }

    /// The seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// As the vocabulary's duration.
    #[must_use]
    pub fn duration(self) -> rescind_model::Duration {
        rescind_model::Duration::seconds(self.0)
    }
}

impl TryFrom<u32> for Span {
    type Error = BadScalar;
    fn try_from(seconds: u32) -> Result<Self, BadScalar> {
        Self::new(seconds)
    }
}

impl From<Span> for u32 {
    fn from(span: Span) -> Self {
        span.0
    }
}

/// Splits `30 minutes` into 30 and `minute`. One space, ASCII digits, `s` at the end or not.
pub(crate) fn number_and_unit(text: &str) -> Option<(u32, &str)> {
    let (number, unit) = text.split_once(' ')?;
    if number.is_empty() || number.len() > 9 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, unit.strip_suffix('s').unwrap_or(unit)))
}

/// `HH:MM` with two digits each; the caller checks ranges.
fn hours_and_minutes(text: &str) -> Option<(i32, i32)> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two(hours) || !two(minutes) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60).then_some((hours, minutes))
}

/// A fixed distance from UTC. Fixed, because a cut-off must be computable on a terminal without a time zone database; the
/// networks covered have no daylight saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UtcOffset {
    minutes: i32,
}

impl UtcOffset {
    const EXPECTED: BadScalar =
        BadScalar { expected: "a fixed offset from UTC between \"-14:00\" and \"+14:00\", such as \"+08:00\"" };

    /// Reads `+08:00`.
    ///
    /// # Errors
    /// Not of that form, or farther than 14 hours.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (1, rest),
            (_, Some(rest)) => (-1, rest),
            _ => return Err(Self::EXPECTED),
        };
        let (hours, minutes) = hours_and_minutes(rest).ok_or(Self::EXPECTED)?;
        let total = hours.saturating_mul(60).saturating_add(minutes);
        // "-00:00" would be a second way to write UTC.
        if total > ZONE_MINUTES || (sign < 0 && total == 0) {
            return Err(Self::EXPECTED);
        }
        Ok(Self { minutes: total.saturating_mul(sign) })
    }

    /// Minutes east of UTC.
    #[must_use]
    pub fn minutes(self) -> i32 {
        self.minutes
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
    }
}

/// The local time at which a business day ends, `00:01` to `24:00`.
///
/// The business day D runs from the cut-off of D-1 (included) to the cut-off of D (excluded): the instant of the cut-off
/// belongs to the next business day. `24:00` makes business days equal to calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CutOff {
    minutes: i32,
}

impl CutOff {
    const EXPECTED: BadScalar = BadScalar {
        expected: "a local time between \"00:01\" and \"24:00\", such as \"23:00\" (\"24:00\": the business day is the calendar day)",
    };

    /// Reads `23:00`.
    ///
    /// # Errors
    /// Not of that form, or out of range.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        let (hours, minutes) = hours_and_minutes(text).ok_or(Self::EXPECTED)?;
        let minutes = hours.saturating_mul(60).saturating_add(minutes);
        if (1..=24 * 60).contains(&minutes) { Ok(Self { minutes }) } else { Err(Self::EXPECTED) }
    }

    /// Minutes after local midnight.
    #[must_use]
    pub fn minutes(self) -> i32 {
        self.minutes
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes.div_euclid(60), self.minutes.rem_euclid(60))
    }
}

/// A local time of day, `00:00` to `23:59`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    minutes: i32,
}

impl TimeOfDay {
    const EXPECTED: BadScalar =
        BadScalar { expected: "a local time of day between \"00:00\" and \"23:59\", such as \"22:30\"" };

    /// Reads `22:30`.
    ///
    /// # Errors
    /// Not of that form, or out of range.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        let (hours, minutes) = hours_and_minutes(text).ok_or(Self::EXPECTED)?;
        let minutes = hours.saturating_mul(60).saturating_add(minutes);
        if (0..24 * 60).contains(&minutes) { Ok(Self { minutes }) } else { Err(Self::EXPECTED) }
    }

    /// Minutes after local midnight.
    #[must_use]
    pub fn minutes(self) -> i32 {
        self.minutes
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes.div_euclid(60), self.minutes.rem_euclid(60))
    }
}

/// A local calendar day, `1970-01-01` to `9999-12-31`. Written and in canonical form `"2026-10-01"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(chrono::NaiveDate);

impl Date {
    const EXPECTED: BadScalar =
        BadScalar { expected: "a date between \"1970-01-01\" and \"9999-12-31\", such as \"2026-10-01\"" };

    /// Reads `2026-10-01`.
    ///
    /// # Errors
    /// Not of that form, no day of the calendar, or out of range.
    pub fn parse(text: &str) -> Result<Self, BadScalar> {
        Self::read(text).filter(|date| chrono::Datelike::year(&date.0) >= 1970).ok_or(Self::EXPECTED)
    }

    /// Four, two and two digits. By hand: a calendar's parser knows a hundred other ways to write a day, and a terminal
    /// would have to store them all.
    fn read(text: &str) -> Option<Self> {
        let is_shaped =
            text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        if text.len() != 10 || !is_shaped {
            return None;
        }
        let (year, month, day) = (text.get(..4)?, text.get(5..7)?, text.get(8..)?);
        chrono::NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).map(Self)
    }

    /// The day.
    #[must_use]
    pub fn day(self) -> chrono::NaiveDate {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )*};
}
as_text!(UtcOffset CutOff TimeOfDay Date);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_in_percent() {
        for (text, millionths) in [("0.6%", 6_000), ("0.38%", 3_800), ("100%", 1_000_000), ("0%", 0), ("0.0001%", 1)] {
            assert_eq!(Rate::parse(text).unwrap().millionths(), millionths, "{text}");
        }
        for bad in ["", "%", "0.6", "-1%", "100.0001%", "0.00001%", "1 %", ".5%", "5.%", "1000%"] {
            assert!(Rate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_span_is_read_with_its_unit() {
        for (text, seconds) in
            [("1 second", 1), ("30 minutes", 1_800), ("72 hours", 259_200), ("366 days", SPAN_SECONDS)]
        {
            assert_eq!(Span::parse(text).unwrap().seconds(), seconds, "{text}");
        }
        for bad in
            ["", "30", "30min", "0 minutes", "367 days", "-1 day", "1 month", "1  day", "9999999999 days", "x days"]
        {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_zone_and_a_cut_off_have_one_way_to_be_written() {
        for text in ["+08:00", "-05:30", "+00:00", "+14:00"] {
            assert_eq!(UtcOffset::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "08:00", "+8:00", "+08:60", "+15:00", "-00:00", "Asia/Shanghai", "+08:00:00"] {
            assert!(UtcOffset::parse(bad).is_err(), "{bad}");
        }
        for text in ["23:00", "00:01", "24:00"] {
            assert_eq!(CutOff::parse(text).unwrap().to_string(), text);
        }
        for bad in ["00:00", "24:01", "23", "23:60", "9:00", ""] {
            assert!(CutOff::parse(bad).is_err(), "{bad}");
        }
    }
}
