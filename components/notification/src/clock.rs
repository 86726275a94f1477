//! The merchant's wall clock: shows instants as the people at the counter read them.

use crate::limits::OFFSET_MINUTES;
use chrono::{FixedOffset, Timelike};
use rescind_model::{Instant, RenderError};

/// A wall clock at a fixed offset from UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(FixedOffset);

impl Clock {
    /// The clock that is ahead of UTC by some minutes.
    pub(crate) fn ahead_by(minutes: i32) -> Result<Self, RenderError> {
        Some(minutes)
            .filter(|m| OFFSET_MINUTES.contains(m))
            .and_then(|m| m.checked_mul(60))
            .and_then(FixedOffset::east_opt)
            .map(Self)
            .ok_or_else(|| {
                RenderError::Unprintable(format!("utc-offset-minutes: expected -720 to 840, found {minutes}"))
            })
    }

    /// `2026-11-23 23:00`; with seconds if there are any. The same in all languages, and never without its date: a
    /// business day's window can end tomorrow.
    pub(crate) fn show(self, at: Instant) -> Result<String, RenderError> {
        let local = self.local(at)?;
        let form = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        Ok(local.format(form).to_string())
    }

    /// `2026-11-23 23:00:00`, as slips show it.
    pub(crate) fn show_seconds(self, at: Instant) -> Result<String, RenderError> {
        Ok(self.local(at)?.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// Whether two instants are in the same day on this clock.
    pub(crate) fn same_day(self, one: Instant, other: Instant) -> Result<bool, RenderError> {
        Ok(self.local(one)?.date_naive() == self.local(other)?.date_naive())
    }

    fn local(self, at: Instant) -> Result<chrono::DateTime<FixedOffset>, RenderError> {
        let range = |e: rescind_model::time::TimeError| RenderError::Unprintable(e.to_string());
        // Checked against 1970 to 9999 first: adding the offset to chrono's very last instant would panic.
        let utc = Instant::from_unix_ms(at.unix_ms).map_err(range)?.to_utc().map_err(range)?;
        Ok(utc.with_timezone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_show_the_merchants_wall_clock() {
        let at = Instant::parse("2026-11-23T15:00:00Z").unwrap();
        let show = |minutes| Clock::ahead_by(minutes).unwrap().show(at).unwrap();
        assert_eq!(show(480), "2026-11-23 23:00");
        assert_eq!(show(840), "2026-11-24 05:00");
        assert_eq!(show(-720), "2026-11-23 03:00");
        assert_eq!(show(345), "2026-11-23 20:45");
    }

    #[test]
    fn a_day_ends_at_the_merchants_midnight() {
        let china = Clock::ahead_by(480).unwrap();
        let at = |text| Instant::parse(text).unwrap();
        assert!(china.same_day(at("2026-11-22T16:00:00Z"), at("2026-11-23T15:59:59Z")).unwrap());
        assert!(!china.same_day(at("2026-11-23T15:59:59Z"), at("2026-11-23T16:00:00Z")).unwrap());
    }

    #[test]
    fn offsets_and_instants_outside_their_range_are_refused() {
        assert!(Clock::ahead_by(841).is_err());
        assert!(Clock::ahead_by(-721).is_err());
        assert!(Clock::ahead_by(i32::MIN).is_err());
        let clock = Clock::ahead_by(840).unwrap();
        for unix_ms in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
            assert!(clock.show(Instant { unix_ms }).is_err(), "{unix_ms}");
        }
        assert!(clock.show(Instant { unix_ms: 253_402_300_799_999 }).is_ok());
    }
}
