//! Numbered progress: `[2/6] component gateway … 197 kB, 0.1 s`.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

/// A run of a known number of steps.
#[derive(Debug)]
pub struct Steps {
    total: usize,
    done: usize,
}

impl Steps {
    /// A run of `total` steps, none done.
    pub fn of(total: usize) -> Self {
        Self { total, done: 0 }
    }

    /// Runs one step that prints nothing of its own; what it returns is printed on its line.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub fn quiet(&mut self, what: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        print!("{} … ", self.head(what));
        io::stdout().flush()?;
        let start = Instant::now();
        let note = work().inspect_err(|_| println!("failed"))?;
        println!("{}", with_time(&note, start));
        Ok(())
    }

    /// Runs one step whose own output goes between its two lines; what it returns is printed on the second.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub fn loud(&mut self, what: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        let head = self.head(what);
        println!("{head} …");
        let start = Instant::now();
        let note = work().inspect_err(|_| println!("{head} … failed"))?;
        println!("{head} … {}", with_time(&note, start));
        Ok(())
    }

    fn head(&mut self, what: &str) -> String {
        self.done = self.done.saturating_add(1);
        format!("[{}/{}] {what}", self.done, self.total)
    }
}

fn with_time(note: &str, start: Instant) -> String {
    let time = seconds(start.elapsed());
    if note.is_empty() { time } else { format!("{note}, {time}") }
}

/// A duration as people read it, to a tenth of a second.
pub fn seconds(duration: Duration) -> String {
    let tenths = duration.subsec_millis().checked_div(100).unwrap_or_default();
    format!("{}.{tenths} s", duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_cut_to_a_tenth_of_a_second() {
        assert_eq!(seconds(Duration::from_millis(12_399)), "12.3 s");
        assert_eq!(seconds(Duration::from_millis(99)), "0.0 s");
    }
}
