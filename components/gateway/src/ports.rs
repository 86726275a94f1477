//! The gateway's ports: the host's store, clock and chance; the composed components' decisions.

use crate::policy::{self, Loaded};
use rescind_guest::kv::Store;
use rescind_model::{Instant, LoadError};
use rescind_service::ports::Ports;
use std::sync::Arc;

rescind_guest::composed!(
    /// The refunds and notification components the gateway is composed with.
    Composed,
    crate::bindings::refunds::transitions,
    crate::bindings::notification::messages
);

/// The gateway's world.
pub struct Gateway {
    store: Store,
    admin_token: Option<String>,
    bundle_keys: Option<String>,
}

impl Gateway {
    /// Opens the store and reads the variables.
    pub async fn open() -> Result<Self, String> {
        Ok(Self {
            store: Store::open("default").map_err(|e| e.to_string())?,
            admin_token: rescind_guest::variable("admin_token").await?,
            bundle_keys: rescind_guest::variable("bundle_keys").await?,
        })
    }
}

impl Ports for Gateway {
    type Kv = Store;
    type Policy = Loaded;
    type Pure = Composed;

    fn cached_policy(&self, hash: &str) -> Option<Arc<Loaded>> {
        policy::cached(hash)
    }
    fn load_policy(&self, hash: &str, canonical: &[u8]) -> Result<Arc<Loaded>, LoadError> {
        policy::load(hash, canonical)
    }
    fn kv(&self) -> &Store {
        &self.store
    }
    fn now(&self) -> Instant {
        rescind_guest::now()
    }
    fn random(&self) -> [u8; 32] {
        rescind_guest::random()
    }
    fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref()
    }
    fn bundle_keys(&self) -> Option<String> {
        self.bundle_keys.clone()
    }
    fn component(&self) -> &str {
        // Put there by the build, which makes the pure components first.
        option_env!("RESCIND_REFUNDS_DIGEST").unwrap_or("unknown")
    }
    fn eligibility(&self) -> Option<&str> {
        option_env!("RESCIND_ELIGIBILITY_DIGEST")
    }
    fn log(&self, message: &str) {
        rescind_guest::log::line(message);
    }
}
