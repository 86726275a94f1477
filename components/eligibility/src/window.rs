//! Spans of time after a payment. Every window is half-open: `[paid, paid + length)`.
//!
//! A window of 30 minutes is open at the payment and 29 min 59.999 s after it; at exactly 30 minutes it is over. One of
//! working days is over when the last of them ends, at local midnight.

use crate::business_day::{bad_time, checked};
use crate::engine::Engine;
use chrono::NaiveDate;
use rescind_model::{DecisionError, Duration, Instant};
use rescind_policy::document::RefundWindow;
use rescind_policy::scalar::Span;

/// How far a request may seem to come before its payment: clocks of terminal and host differ by this at most. Such a
/// request is judged as if it came at the instant of the payment; beyond it, no decision is made.
pub const CLOCK_SKEW: Duration = Duration { ms: 5 * 60 * 1_000 };

const DAY_SECONDS: u32 = 86_400;
const DAY_MS: i64 = 86_400_000;

/// When a window is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// At this instant.
    At(Instant),
    /// After this instant, nobody can say when: the policy's calendar of working days does not reach so far.
    Unsaid(Instant),
}

impl End {
    /// The first instant at which it is over, or at which nobody can say so.
    pub(crate) fn at(self) -> Instant {
        match self {
            Self::At(at) | Self::Unsaid(at) => at,
        }
    }
}

/// The instant at which a span after a payment is over.
pub(crate) fn after(paid: Instant, span: Span) -> Result<Instant, DecisionError> {
    paid.plus(span.duration()).map_err(bad_time)
}

/// When a refund window is over.
pub(crate) fn end_of_refund(engine: &Engine, paid: Instant, window: RefundWindow) -> Result<End, DecisionError> {
    match window {
        RefundWindow::Days(days) => {
            let length = Duration::seconds(days.saturating_mul(DAY_SECONDS));
            paid.plus(length).map(End::At).map_err(bad_time)
        }
        RefundWindow::Months(months) => engine.clock.months_after(paid, months).map(End::At),
        RefundWindow::WorkingDays(days) => {
            let paid_on = local_date(engine, paid)?;
            match (engine.working_days.after_working_days(paid_on, days), &engine.document().calendar) {
                (Some(last), _) => end_of_day(engine, last).map(End::At),
                (None, Some(calendar)) => end_of_day(engine, calendar.until.day()).map(End::Unsaid),
                (None, None) => Err(DecisionError::BadTime("a window ends after the year 9999".to_owned())),
            }
        }
    }
}

/// The local calendar date of an instant.
fn local_date(engine: &Engine, at: Instant) -> Result<NaiveDate, DecisionError> {
    let local_ms = checked(at)?.unix_ms.saturating_add(engine.offset_ms);
    let days = i32::try_from(local_ms.div_euclid(DAY_MS)).ok().and_then(NaiveDate::from_epoch_days);
    days.ok_or_else(|| DecisionError::BadTime("a day out of range".to_owned()))
}

/// The local midnight that ends a day.
fn end_of_day(engine: &Engine, day: NaiveDate) -> Result<Instant, DecisionError> {
    let midnight = i64::from(day.to_epoch_days()).saturating_add(1).saturating_mul(DAY_MS);
    checked(Instant { unix_ms: midnight.saturating_sub(engine.offset_ms) })
}
