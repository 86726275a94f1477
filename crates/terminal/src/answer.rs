//! What the terminal answers: the decision as data, and in words for the people on both sides of the counter.

use crate::clock::{Source, Time};
use crate::error::TerminalError;
use rescind_model::{Decision, Duration, Instant, Locale, OfflineEffect, OperationId, Outcome};
use serde::Serialize;

/// A decision with its words, and what was begun by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// The number of its record. Absent where it was only looked at.
    pub record: Option<u64>,
    /// Why not, or what is open, one sentence each.
    pub messages: Texts<Vec<String>>,
    /// What was begun.
    pub operation: Option<Done>,
    /// When it was decided, by the terminal's idea of the time.
    pub clock: Clock,
}

impl Answer {
    pub(crate) fn of(decision: Decision, time: &Time, utc_offset_minutes: i32) -> Result<Self, TerminalError> {
        let messages = Texts::both(|locale| rescind_notification::explain(&decision, locale, utc_offset_minutes))?;
        Ok(Self { decision, record: None, messages, operation: None, clock: Clock::of(time) })
    }

    /// Whether it may be done, if only by the server later.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision.outcome == Outcome::Allow
    }
}

/// An operation that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Done {
    /// Its name.
    pub id: OperationId,
    /// Whether it is done (`CancelsLocally`) or waits for the server (`Queued`).
    pub effect: OfflineEffect,
    /// Its slip: lines of at most 32 columns.
    pub slip: Texts<String>,
    /// Whether it had been begun before, and nothing happened now.
    pub replayed: bool,
}

/// The time as a decision saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clock {
    /// The time.
    pub now: Instant,
    /// How far it may be off, either way.
    pub bound: Duration,
    /// How it is known.
    pub source: Source,
}

impl Clock {
    pub(crate) fn of(time: &Time) -> Self {
        Self { now: time.now, bound: time.bound, source: time.source }
    }
}

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Texts<T> {
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    pub chinese: T,
    /// English.
    #[serde(rename = "en")]
    pub english: T,
}

impl<T> Texts<T> {
    pub(crate) fn both<E>(write: impl Fn(Locale) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { chinese: write(Locale::ZhCn)?, english: write(Locale::En)? })
    }
}
