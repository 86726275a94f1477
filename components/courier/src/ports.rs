//! The courier's ports: the host's store, clock, chance and outbound HTTP; the composed components' transitions.

use crate::calendar::{self, Calendar};
use crate::outbound;
use rescind_guest::kv::Store;
use rescind_model::{Instant, LoadError};
use rescind_service::ports::{NoAnswer, Outbound, OutboundAnswer, Ports};
use std::sync::Arc;

rescind_guest::composed!(
    /// The refunds and notification components the courier is composed with.
    Composed,
    crate::bindings::refunds::transitions,
    crate::bindings::notification::messages
);

/// The courier's world.
pub struct Courier {
    store: Store,
    acquirer_url: Option<String>,
    tick_token: Option<String>,
}

impl Courier {
    /// Opens the store and reads the variables.
    pub async fn open() -> Result<Self, String> {
        let acquirer_url = rescind_guest::variable("acquirer_url").await?;
        Ok(Self {
            store: Store::open("default").map_err(|e| e.to_string())?,
            // The default of the manifest names a host that can never exist.
            acquirer_url: acquirer_url
                .map(|url| url.trim_end_matches('/').to_owned())
                .filter(|u| !u.ends_with(".invalid")),
            tick_token: rescind_guest::variable("tick_token").await?,
        })
    }
}

impl Outbound for Courier {
    fn acquirer_url(&self) -> Option<&str> {
        self.acquirer_url.as_deref()
    }
    fn tick_token(&self) -> Option<&str> {
        self.tick_token.as_deref()
    }
    async fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<OutboundAnswer, NoAnswer> {
        outbound::send(method, url, headers, body).await
    }
}

impl Ports for Courier {
    type Kv = Store;
    type Policy = Calendar;
    type Pure = Composed;

    fn cached_policy(&self, hash: &str) -> Option<Arc<Calendar>> {
        calendar::cached(hash)
    }
    fn load_policy(&self, hash: &str, canonical: &[u8]) -> Result<Arc<Calendar>, LoadError> {
        calendar::load(hash, canonical)
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
