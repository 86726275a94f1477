//! When money arrives, as far as it can be said.

use crate::clock::Clock;
use rescind_model::{Arrival, Instant, Refund, RenderError};

/// An estimate whose dates can be printed.
///
/// # Errors
/// [`RenderError::Unprintable`] for a day that is not in the calendar.
pub(crate) fn checked(arrival: Arrival) -> Result<Arrival, RenderError> {
    for day in [arrival.earliest, arrival.latest].into_iter().flatten() {
        day.to_date().map_err(|e| RenderError::Unprintable(e.to_string()))?;
    }
    Ok(arrival)
}

/// The estimate of a refund that moved at an instant. Its dates were counted from the day it was asked for: one that
/// waited for people or funds until another day keeps the number of days only.
pub(crate) fn of_refund(refund: &Refund, moved_at: Instant, clock: Clock) -> Result<Option<Arrival>, RenderError> {
    let Some(arrival) = refund.arrival else { return Ok(None) };
    if clock.same_day(refund.submitted_at, moved_at)? {
        return checked(arrival).map(Some);
    }
    Ok(Some(Arrival { earliest: None, latest: None, ..arrival }))
}
