//! What the gateway and the courier get from their host, behind the service's ports.
//!
//! Instances are reused one request after another. Nothing here keeps anything a request could change.

mod composed;
pub mod http;
pub mod kv;
pub mod log;

use rescind_model::Instant;
// For the macro.
use spin_sdk::wasip3::{clocks::system_clock, random::random};
#[doc(hidden)]
pub use {rescind_model as model, rescind_service as service};

/// The time.
#[must_use]
pub fn now() -> Instant {
    let now = system_clock::now();
    let ms = now.seconds.saturating_mul(1_000).saturating_add(i64::from(now.nanoseconds / 1_000_000));
    Instant { unix_ms: ms.max(0) }
}

/// Unpredictable bytes.
#[must_use]
pub fn random() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    let given = random::get_random_bytes(32);
    for (to, from) in bytes.iter_mut().zip(given) {
        *to = from;
    }
    bytes
}

/// A variable of the component, if it is set to something.
///
/// # Errors
/// If the host cannot tell.
pub async fn variable(name: &str) -> Result<Option<String>, String> {
    match spin_sdk::variables::get(name).await {
        Ok(value) => Ok(Some(value).filter(|v| !v.is_empty())),
        Err(spin_sdk::variables::Error::Undefined(_)) => Ok(None),
        Err(error) => Err(format!("variable {name}: {error}")),
    }
}
