//! What time it is, without a clock of one's own: the server said a time once, and the device's clocks say how long ago.
//!
//! Within one run of the device its monotonic clock counts from there. After a restart only the wall clock can tell how
//! long the device was off, and only if the maker says that nobody can set it ([`ClockQuality::wall_is_protected`]). Else
//! the time is unknown until the server is heard again, and nothing that hangs on time is decided. How far the answer may
//! be off grows with time; it never gets smaller by waiting. Time that was seen never comes again.

use crate::limits;
use rescind_journal::{TimeAnchor, TimeState};
use rescind_model::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// What the device's clocks show at one moment. Read both together, directly before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The wall clock.
    pub wall: Instant,
    /// Milliseconds of a clock that nobody can set, that also counts while the device sleeps, and that begins anew with
    /// every run of the device: on Linux `CLOCK_BOOTTIME`.
    pub monotonic_ms: u64,
}

/// How good the device's clocks are, as its maker states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClockQuality {
    /// How far the time may be off at the moment the server was heard; at least half of [`limits::ROUND_TRIP`].
    pub base: Duration,
    /// How fast the monotonic clock may drift, in parts per million.
    pub monotonic_ppm: u32,
    /// How fast the wall clock may drift, in parts per million, also while the device is off.
    pub wall_ppm: u32,
    /// Whether nobody but the device's maker can set the wall clock, and it runs on while the device is off.
    pub wall_is_protected: bool,
}

impl Default for ClockQuality {
    /// An ordinary crystal (100 ppm: nine seconds a day), and a wall clock that anybody can set.
    fn default() -> Self {
        Self { base: Duration { ms: 6_000 }, monotonic_ppm: 100, wall_ppm: 100, wall_is_protected: false }
    }
}

impl ClockQuality {
    /// Whether it can be so.
    pub(crate) fn is_sound(&self) -> bool {
        self.monotonic_ppm <= limits::DRIFT_PPM
            && self.wall_ppm <= limits::DRIFT_PPM
            && (limits::ROUND_TRIP.ms / 2..=limits::UNKNOWN_BOUND.ms).contains(&self.base.ms)
    }
}

/// How the time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// By the monotonic clock, since the server was heard.
    Monotonic,
    /// By the wall clock, since the server was heard before a restart.
    Wall,
    /// It is not.
    Unknown,
}

/// The time, and how far it may be off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// The time. Where it is unknown: the latest that was ever seen.
    pub now: Instant,
    /// How far it may be off, either way.
    pub bound: Duration,
    /// How it is known.
    pub source: Source,
    /// A clock shows less than it must: what it should show at least, and what it shows.
    pub set_back: Option<(Instant, Instant)>,
}

impl Time {
    /// The earliest that it can be.
    #[must_use]
    pub fn earliest(&self) -> Instant {
        Instant { unix_ms: self.now.unix_ms.saturating_sub(signed(self.bound)).max(0) }
    }

    /// The latest that it can be.
    #[must_use]
    pub fn latest(&self) -> Instant {
        Instant { unix_ms: self.now.unix_ms.saturating_add(signed(self.bound)) }
    }
}

/// Tells the time.
#[must_use]
pub fn tell(known: &TimeState, boot: &str, quality: &ClockQuality, reading: Reading) -> Time {
    let seen = known.highest.unwrap_or(Instant { unix_ms: 0 });
    let unknown = |set_back| Time { now: seen, bound: limits::UNKNOWN_BOUND, source: Source::Unknown, set_back };
    let Some(anchor) = &known.anchor else { return unknown(None) };
    let here =
        if anchor.boot == boot { same_run(anchor, quality, reading) } else { other_run(anchor, quality, reading) };
    let Some(time) = here else { return unknown(None) };
    if time.source == Source::Unknown || time.latest() < seen {
        let shown = if time.latest() < seen { Some((seen, time.now)) } else { None };
        return unknown(time.set_back.or(shown));
    }
    Time { now: time.now.max(seen), ..time }
}

fn same_run(anchor: &TimeAnchor, quality: &ClockQuality, reading: Reading) -> Option<Time> {
    // It cannot run backwards; if it did, the device does not keep its promise and nothing is known.
    let elapsed = reading.monotonic_ms.checked_sub(anchor.monotonic_ms)?;
    let drift = drifted(elapsed, quality.monotonic_ppm);
    let on_wall = reading.wall.unix_ms.saturating_sub(anchor.wall.unix_ms);
    let slack = limits::STEP.ms.saturating_add(drift).saturating_add(drifted(elapsed, quality.wall_ppm));
    let expected = i64::try_from(elapsed).ok()?;
    let ahead = on_wall.saturating_sub(expected);
    let set_back = (ahead.unsigned_abs() > slack && ahead < 0)
        .then(|| (Instant { unix_ms: anchor.wall.unix_ms.saturating_add(expected) }, reading.wall));
    // More time on the wall than on the monotonic clock: it was set forward, or the other one stood still.
    let unexplained = if ahead > 0 { ahead.unsigned_abs().saturating_sub(slack) } else { 0 };
    let bound = quality.base.ms.saturating_add(drift).saturating_add(unexplained);
    Some(Time {
        now: later(anchor.server, elapsed)?,
        bound: Duration { ms: bound },
        source: Source::Monotonic,
        set_back,
    })
}

fn other_run(anchor: &TimeAnchor, quality: &ClockQuality, reading: Reading) -> Option<Time> {
    if !quality.wall_is_protected {
        return None;
    }
    let Ok(elapsed) = u64::try_from(reading.wall.unix_ms.saturating_sub(anchor.wall.unix_ms)) else {
        let set_back = Some((anchor.wall, reading.wall));
        return Some(Time { now: anchor.server, bound: limits::UNKNOWN_BOUND, source: Source::Unknown, set_back });
    };
    let bound = quality.base.ms.saturating_add(drifted(elapsed, quality.wall_ppm));
    Some(Time {
        now: later(anchor.server, elapsed)?,
        bound: Duration { ms: bound },
        source: Source::Wall,
        set_back: None,
    })
}

/// How much a clock can be off after a time, rounded up.
fn drifted(elapsed: u64, ppm: u32) -> u64 {
    elapsed.saturating_mul(u64::from(ppm)).div_ceil(1_000_000)
}

fn later(at: Instant, by: u64) -> Option<Instant> {
    at.plus(Duration { ms: by }).ok()
}

fn signed(duration: Duration) -> i64 {
    i64::try_from(duration.ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: i64 = 1_795_406_400_000;
    const HOUR: u64 = 3_600_000;
    const QUALITY: ClockQuality =
        ClockQuality { base: Duration { ms: 6_000 }, monotonic_ppm: 100, wall_ppm: 100, wall_is_protected: true };

    fn at(ms: i64) -> Instant {
        Instant { unix_ms: ms }
    }

    /// The server was heard when the monotonic clock showed 1,000 and the wall clock was a minute ahead.
    fn heard() -> TimeState {
        let anchor =
            TimeAnchor { server: at(SERVER), wall: at(SERVER + 60_000), monotonic_ms: 1_000, boot: "run-1".into() };
        TimeState { anchor: Some(anchor), highest: Some(at(SERVER)) }
    }

    fn after(ms: u64) -> Reading {
        let wall = at(SERVER.saturating_add(60_000).saturating_add_unsigned(ms));
        Reading { wall, monotonic_ms: ms.saturating_add(1_000) }
    }

    #[test]
    fn time_goes_on_from_what_the_server_said_and_becomes_less_sure() {
        let time = tell(&heard(), "run-1", &QUALITY, after(HOUR));
        let expected = Time {
            now: at(SERVER + 3_600_000),
            bound: Duration { ms: 6_360 },
            source: Source::Monotonic,
            set_back: None,
        };
        assert_eq!(time, expected);
        assert_eq!(tell(&heard(), "run-1", &QUALITY, after(0)).bound, Duration { ms: 6_000 });
    }

    #[test]
    fn a_wall_clock_that_is_set_back_is_noticed_and_not_believed() {
        let mut reading = after(HOUR);
        reading.wall = at(reading.wall.unix_ms - 1_800_000);
        let time = tell(&heard(), "run-1", &QUALITY, reading);
        assert_eq!(time.now, at(SERVER + 3_600_000));
        assert_eq!(time.bound, Duration { ms: 6_360 });
        assert_eq!(time.set_back, Some((after(HOUR).wall, reading.wall)));
        // Within what its drift and its steps explain, nothing happened.
        reading.wall = at(after(HOUR).wall.unix_ms - 2_720);
        assert_eq!(tell(&heard(), "run-1", &QUALITY, reading).set_back, None);
        reading.wall = at(after(HOUR).wall.unix_ms - 2_721);
        assert!(tell(&heard(), "run-1", &QUALITY, reading).set_back.is_some());
    }

    #[test]
    fn time_that_only_the_wall_clock_saw_makes_it_less_sure() {
        // The monotonic clock stood still while the device slept, against its promise; or the wall clock was set forward.
        let mut reading = after(HOUR);
        reading.wall = at(reading.wall.unix_ms + 7_200_000);
        let time = tell(&heard(), "run-1", &QUALITY, reading);
        assert_eq!(time.bound, Duration { ms: 6_360 + 7_200_000 - 2_720 });
        assert!(time.latest() >= at(SERVER + 3 * 3_600_000 - 2_720));
    }

    #[test]
    fn after_a_restart_a_protected_wall_clock_counts_on_and_any_other_is_nothing() {
        let reading = Reading { monotonic_ms: 5, ..after(HOUR) };
        let time = tell(&heard(), "run-2", &QUALITY, reading);
        assert_eq!((time.now, time.bound, time.source), (at(SERVER + 3_600_000), Duration { ms: 6_360 }, Source::Wall));
        let open = ClockQuality { wall_is_protected: false, ..QUALITY };
        let time = tell(&heard(), "run-2", &open, reading);
        assert_eq!((time.now, time.bound, time.source), (at(SERVER), limits::UNKNOWN_BOUND, Source::Unknown));
        // A monotonic clock that shows more than before proves nothing across a restart.
        assert_eq!(tell(&heard(), "run-2", &open, after(HOUR)).source, Source::Unknown);
    }

    #[test]
    fn time_that_was_seen_never_comes_again() {
        let mut known = heard();
        known.highest = Some(at(SERVER + 7_200_000));
        let time = tell(&known, "run-2", &QUALITY, Reading { monotonic_ms: 5, ..after(HOUR) });
        assert_eq!(time.source, Source::Unknown);
        assert_eq!(time.set_back, Some((at(SERVER + 7_200_000), at(SERVER + 3_600_000))));
        // A little less than was seen, within what clocks are off: it is what was seen.
        known.highest = Some(at(SERVER + 3_606_360));
        let time = tell(&known, "run-1", &QUALITY, after(HOUR));
        assert_eq!((time.now, time.source), (at(SERVER + 3_606_360), Source::Monotonic));
        // Before the anchor: a battery that ran empty.
        let mut reading = after(0);
        reading.wall = at(0);
        let time = tell(&heard(), "run-2", &QUALITY, reading);
        assert_eq!((time.source, time.set_back.is_some()), (Source::Unknown, true));
    }

    #[test]
    fn a_monotonic_clock_that_runs_backwards_and_a_server_never_heard_tell_nothing() {
        let reading = Reading { monotonic_ms: 999, ..after(0) };
        assert_eq!(tell(&heard(), "run-1", &QUALITY, reading).source, Source::Unknown);
        let never = TimeState { anchor: None, highest: None };
        assert_eq!(tell(&never, "run-1", &QUALITY, after(0)).now, at(0));
    }
}
