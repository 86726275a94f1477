//! How large the body of a request may be: the same on every path, and more on those that the application names. Of the
//! larger ones only a few are taken in at a time, so that what connections can hold in memory stays bounded.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;
use crate::problem::Problem;

/// The limits.
pub(crate) struct BodyLimits {
    larger: Vec<(String, usize)>,
    room: Arc<Semaphore>,
}

impl BodyLimits {
    /// Paths that begin so take bodies of at most so many bytes.
    pub(crate) fn new(larger: Vec<(String, usize)>) -> Self {
        Self { larger, room: Arc::new(Semaphore::new(limits::LARGER_BODIES)) }
    }

    /// The most bytes that a path takes.
    pub(crate) fn of(&self, path: &str) -> usize {
        let larger = self.larger.iter().filter(|(prefix, _)| path.starts_with(prefix.as_str()));
        larger.map(|(_, bytes)| *bytes).fold(limits::REQUEST_BODY_BYTES, usize::max)
    }

    /// Room for a body of which so much is known, to be held until its request is answered. Usual ones need none.
    pub(crate) async fn room(
        &self,
        announced: Option<u64>,
        limit: usize,
    ) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let usual = announced.and_then(|length| usize::try_from(length).ok());
        if limit <= limits::REQUEST_BODY_BYTES || usual.is_some_and(|length| length <= limits::REQUEST_BODY_BYTES) {
            return Ok(None);
        }
        let wait: Duration = limits::WAIT_FOR_INSTANCE;
        match tokio::time::timeout(wait, Arc::clone(&self.room).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(Problem::Busy),
        }
    }
}
