//! How long requests took.

use core::fmt;
use core::time::Duration;

/// Times of requests, sorted, and the time of all together.
#[derive(Debug)]
pub struct Samples {
    times: Vec<Duration>,
    total: Duration,
}

impl Samples {
    /// Times in any order.
    pub fn new(mut times: Vec<Duration>, total: Duration) -> Self {
        times.sort_unstable();
        Self { times, total }
    }

    /// Requests in a second.
    pub fn rate(&self) -> u64 {
        let count = u128::try_from(self.times.len()).unwrap_or(0);
        u64::try_from(count * 1_000_000 / self.total.as_micros().max(1)).unwrap_or(0)
    }

    /// The time within which so many of a thousand were answered.
    fn within(&self, per_mille: usize) -> Duration {
        let index = (self.times.len() * per_mille / 1_000).min(self.times.len().saturating_sub(1));
        self.times.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| {
            let hundredths = time.as_micros() / 10;
            format!("{}.{:02} ms", hundredths / 100, hundredths % 100)
        };
        write!(
            f,
            "p50 {:>9}   p99 {:>9}   {:>6}/s   ({} requests)",
            ms(self.within(500)),
            ms(self.within(990)),
            self.rate(),
            self.times.len()
        )
    }
}
