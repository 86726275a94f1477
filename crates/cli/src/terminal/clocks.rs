//! The clocks of the machine that the terminal is simulated on, as firmware reads its own.

use crate::native;
use rescind_model::Instant;
use rescind_terminal::Reading;
use std::fs;

/// Where Linux names the run of the machine, and says how long it lasts, sleep included.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
const UPTIME: &str = "/proc/uptime";

/// The clocks. The wall clock can be told to be wrong, to see what the terminal makes of that.
#[derive(Debug)]
pub struct Clocks {
    boot: String,
    /// `None`: the machine's own, `/proc/uptime`.
    begun: Option<std::time::Instant>,
    wrong_by_ms: i64,
}

impl Clocks {
    /// Those of this machine. Where it does not say how long it has been running, every start of the program counts as a
    /// start of the terminal, after which the time is only known once the server was heard.
    pub fn of_this_machine() -> Self {
        match fs::read_to_string(BOOT) {
            Ok(boot) if !boot.trim().is_empty() && uptime_ms().is_some() => {
                Self { boot: boot.trim().to_owned(), begun: None, wrong_by_ms: 0 }
            }
            Ok(_) | Err(_) => Self { boot: random_name(), begun: Some(started()), wrong_by_ms: 0 },
        }
    }

    /// Names this run of the machine.
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// What they show now.
    pub fn read(&self) -> Reading {
        let monotonic_ms = match self.begun {
            Some(begun) => u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            None => uptime_ms().unwrap_or(0),
        };
        Reading {
            wall: Instant { unix_ms: native::now().unix_ms.saturating_add(self.wrong_by_ms).max(0) },
            monotonic_ms,
        }
    }

    /// Somebody sets the wall clock: from now on it shows so much more, or less.
    pub fn set_wrong_by(&mut self, ms: i64) {
        self.wrong_by_ms = ms;
    }
}

#[expect(clippy::disallowed_methods, reason = "the command runs on the host, where there is a clock")]
fn started() -> std::time::Instant {
    std::time::Instant::now()
}

/// A name that nothing had before.
pub fn random_name() -> String {
    native::random().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `12345.67 …`: seconds with two decimals.
fn uptime_ms() -> Option<u64> {
    parse_uptime(&fs::read_to_string(UPTIME).ok()?)
}

fn parse_uptime(text: &str) -> Option<u64> {
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = if hundredths.len() == 2 { hundredths.parse().ok()? } else { return None };
    seconds.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(hundredths.checked_mul(10)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_uptime_is_read_in_milliseconds() {
        assert_eq!(parse_uptime("12345.67 54321.00\n"), Some(12_345_670));
        assert_eq!(parse_uptime("0.05 0.00"), Some(50));
        for bad in ["", "12", "12.3 1", "x.00"] {
            assert_eq!(parse_uptime(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_wall_clock_that_is_set_shows_another_time_and_the_other_clock_does_not() {
        let mut clocks = Clocks::of_this_machine();
        let before = clocks.read();
        clocks.set_wrong_by(-3_600_000);
        let after = clocks.read();
        assert!(after.wall < before.wall && after.monotonic_ms >= before.monotonic_ms, "{before:?} {after:?}");
    }
}
