//! Points in time as requests give them.

use rescind_model::{BusinessDay, Duration, Instant};

/// Now.
#[must_use]
pub fn now() -> Instant {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant { unix_ms: i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX) }
}

/// Some time ago.
#[must_use]
pub fn ago(time: Duration) -> Instant {
    let ms = i64::try_from(time.ms).unwrap_or(i64::MAX);
    Instant { unix_ms: now().unix_ms.saturating_sub(ms) }
}

/// The business day of the packs some days ago: it ends at 23:00 in China, 15:00 UTC.
#[must_use]
pub fn business_day(days_ago: u32) -> BusinessDay {
    let there = Instant { unix_ms: ago(days(days_ago)).unix_ms.saturating_add(9 * 3_600_000) };
    let date = there.to_utc().map(|time| time.date_naive()).ok();
    let day = date.and_then(|date| BusinessDay::from_date(date).ok());
    day.unwrap_or(BusinessDay { year: 1970, month: 1, day: 1 })
}

/// Whole days.
#[must_use]
pub fn days(days: u32) -> Duration {
    Duration::minutes(days.saturating_mul(24 * 60))
}

/// How long it is to the next cut-off of the packs: 23:00 in China, 15:00 UTC.
#[must_use]
pub fn to_cut_off() -> Duration {
    const DAY: i64 = 86_400_000;
    const CUT_OFF: i64 = 15 * 3_600_000;
    let left = (CUT_OFF - now().unix_ms).rem_euclid(DAY);
    Duration { ms: u64::try_from(left).unwrap_or(0) }
}

/// Waits for the cut-off if it is nearer than that: what is told of one business day must not be told over two.
pub async fn clear_of_the_cut_off(needed: Duration) {
    let left = to_cut_off();
    if left < needed {
        tokio::time::sleep(core::time::Duration::from_millis(left.ms.saturating_add(1_000))).await;
    }
}
