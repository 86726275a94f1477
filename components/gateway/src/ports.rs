//! The gateway's ports: the host's store, clock and chance; the composed components' decisions.

use crate::bindings::notification::messages;
use crate::bindings::refunds::transitions;
use crate::policy::{self, Loaded};
use rescind_guest::kv::Store;
use rescind_model::{
    Actor, Audience, Command, CommandId, Decision, Duration, Instant, Ledger, LoadError, Locale, Message, Notice,
    Rejection, RenderError, Sale, SaleOutcome, SealError, SealHeaders, SlipRequest, Transition,
};
use rescind_service::ports::Ports;
use std::sync::Arc;

/// The gateway's world.
pub struct Gateway {
    store: Store,
    admin_token: Option<String>,
}

impl Gateway {
    /// Opens the store and reads the variables.
    pub async fn open() -> Result<Self, String> {
        Ok(Self {
            store: Store::open("default").map_err(|e| e.to_string())?,
            admin_token: rescind_guest::variable("admin_token").await?,
        })
    }
}

impl Ports for Gateway {
    type Kv = Store;
    type Policy = Loaded;

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
    fn open_ledger(
        &self,
        sale: &Sale,
        outcome: SaleOutcome,
        by: &Actor,
        command: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        transitions::open(sale, outcome, by, command, now)
    }
    fn apply(
        &self,
        ledger: &Ledger,
        command: &Command,
        by: &Actor,
        id: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        transitions::apply(ledger, command, by, id, now)
    }
    fn due(&self, ledger: &Ledger) -> Option<Instant> {
        transitions::due(ledger)
    }
    fn render(&self, notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
        messages::render(notice, audience, locale)
    }
    fn explain(
        &self,
        decision: &Decision,
        locale: Locale,
        utc_offset_minutes: i32,
    ) -> Result<Vec<String>, RenderError> {
        messages::explain(decision, locale, utc_offset_minutes)
    }
    fn slip(&self, request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
        messages::slip(request, locale)
    }
    fn seal(&self, secrets: &[String], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError> {
        messages::seal(secrets, id, at, body)
    }
    fn verify(
        &self,
        secrets: &[String],
        headers: &SealHeaders,
        body: &[u8],
        now: Instant,
        tolerance: Duration,
    ) -> Result<(), SealError> {
        messages::verify(secrets, headers, body, now, tolerance)
    }
    fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref()
    }
    fn component(&self) -> &str {
        // Put there by the build, which makes the pure components first.
        option_env!("RESCIND_REFUNDS_DIGEST").unwrap_or("unknown")
    }
    fn log(&self, message: &str) {
        rescind_guest::log::line(message);
    }
}
