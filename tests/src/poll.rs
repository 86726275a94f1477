//! Waiting for what happens by itself, as briefly as it takes.

use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use tokio::time::Instant;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(20);

/// Looks until there is something, for at most so long. `what` is said if there never is.
///
/// # Errors
/// The look's own, and time running out.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look().await.with_context(|| format!("while waiting for {what}"))? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {} s in vain for {what}", within.as_secs());
        }
        tokio::time::sleep(EVERY).await;
    }
}
