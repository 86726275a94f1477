//! Spans of time after a payment. Every window is half-open: `[paid, paid + length)`.
//!
//! A window of 30 minutes is open at the payment and 29 min 59.999 s after it; at exactly 30 minutes it is over.

use crate::business_day::{Clock, bad_time};
use rescind_model::{DecisionError, Duration, Instant};
use rescind_policy::document::RefundWindow;
use rescind_policy::scalar::Span;

/// How far a request may seem to come before its payment: clocks of terminal and host differ by this at most. Such a
/// request is judged as if it came at the instant of the payment; beyond it, no decision is made.
pub const CLOCK_SKEW: Duration = Duration { ms: 5 * 60 * 1_000 };

const DAY_SECONDS: u32 = 86_400;

/// The instant at which a span after a payment is over.
pub(crate) fn after(paid: Instant, span: Span) -> Result<Instant, DecisionError> {
    paid.plus(span.duration()).map_err(bad_time)
}

/// The instant at which a refund window is over.
pub(crate) fn end_of_refund(clock: Clock, paid: Instant, window: RefundWindow) -> Result<Instant, DecisionError> {
    match window {
        RefundWindow::Days(days) => paid.plus(Duration::seconds(days.saturating_mul(DAY_SECONDS))).map_err(bad_time),
        RefundWindow::WorkingDays(_) => Err(DecisionError::BadTime("no calendar".to_owned())),
        RefundWindow::Months(months) => clock.months_after(paid, months),
    }
}
