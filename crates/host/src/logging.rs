//! The log: one JSON object per line on standard error.
//!
//! `rescind::request` has a line per request (method, path without query, component, status, duration in
//! microseconds, request id; never a body or an `Authorization` header), `rescind::guest` what components write.

use tracing_subscriber::EnvFilter;

use crate::error::HostError;

/// Starts logging for this process. `filter` is in the form of `RUST_LOG`, for example `info` or
/// `warn,rescind::request=info`.
///
/// # Errors
/// [`HostError::Setting`] if the filter is wrong or logging has been started before.
pub fn start(filter: &str) -> Result<(), HostError> {
    let wrong = |reason: String| HostError::Setting { setting: "log", reason };
    let parsed = EnvFilter::try_new(filter)
        .map_err(|error| wrong(format!("{filter:?} is not a filter ({error}); expected for example info")))?;
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(parsed).with_writer(std::io::stderr);
    subscriber.try_init().map_err(|error| wrong(error.to_string()))
}
