//! Ports in memory, and an application over them with a merchant, persons, terminals and keys.

use super::fault::Fault;
use super::kv::MemoryKv;
use crate::app::App;
use crate::directory::{Merchant, Person, Terminal};
use crate::error::Error;
use crate::native::{NativePolicy, NativePure};
use crate::ports::{Kv, NoAnswer, Outbound, OutboundAnswer, Ports};
use crate::principal::{Bearer, Grant, Principal};
use rescind_model::{Duration, Instant, LoadError, MerchantId, PersonId, Role, TerminalId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the other side of outbound requests answers: a function of method, address and body.
pub type Provider = Box<dyn Fn(&str, &str, &[u8]) -> Result<OutboundAnswer, NoAnswer> + Send + Sync>;

/// A request that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Ports in memory, over any store.
pub struct TestPorts<K = MemoryKv> {
    kv: K,
    now: Arc<AtomicI64>,
    dice: AtomicU64,
    policies: Mutex<BTreeMap<String, Arc<NativePolicy>>>,
    provider: Mutex<Provider>,
    sent: Mutex<Vec<Sent>>,
    log: Mutex<Vec<String>>,
    bundle_keys: Mutex<Option<String>>,
}

impl<K> TestPorts<K> {
    /// Over a store, at a time, with a seed for chance.
    #[must_use]
    pub fn new(kv: K, now: Instant, seed: u64) -> Self {
        Self {
            kv,
            now: Arc::new(AtomicI64::new(now.unix_ms)),
            dice: AtomicU64::new(seed),
            policies: Mutex::default(),
            provider: Mutex::new(Box::new(|_, _, _| Err(NoAnswer("nobody is there".to_owned())))),
            sent: Mutex::default(),
            log: Mutex::default(),
            bundle_keys: Mutex::default(),
        }
    }

    /// Moves the clock.
    pub fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.ms).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Instant) {
        self.now.store(now.unix_ms, Ordering::SeqCst);
    }

    /// Puts somebody at the other end of outbound requests.
    pub fn answer_with(&self, provider: Provider) {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = provider;
    }

    /// Tells the deployment of keys that sign bundles.
    pub fn trust_bundles(&self, keys: &str) {
        *self.bundle_keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.to_owned());
    }

    /// Forgets what was loaded, as a new instance would have.
    pub fn forget_policies(&self) {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was logged so far.
    pub fn logged(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<K: Kv + 'static> Ports for TestPorts<K> {
    type Kv = K;
    type Policy = NativePolicy;
    type Pure = NativePure;

    fn kv(&self) -> &K {
        &self.kv
    }
    fn now(&self) -> Instant {
        Instant { unix_ms: self.now.load(Ordering::SeqCst) }
    }
    fn random(&self) -> [u8; 32] {
        let roll = self.dice.fetch_add(1, Ordering::SeqCst);
        let hex = rescind_model::Digest::of(&roll.to_le_bytes()).hex;
        let mut bytes = [0_u8; 32];
        for (to, from) in bytes.iter_mut().zip(hex.bytes()) {
            *to = from;
        }
        // Two hexadecimal texts would share their alphabet: spread them.
        for byte in &mut bytes {
            *byte = byte.wrapping_mul(37).wrapping_add(u8::try_from(roll & 0xff).unwrap_or(0));
        }
        bytes
    }
    fn cached_policy(&self, hash: &str) -> Option<Arc<NativePolicy>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }
    fn load_policy(&self, hash: &str, canonical: &[u8]) -> Result<Arc<NativePolicy>, LoadError> {
        let policy = Arc::new(NativePolicy::load(canonical)?);
        self.policies.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.to_owned(), Arc::clone(&policy));
        Ok(policy)
    }
    fn bundle_keys(&self) -> Option<String> {
        self.bundle_keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn component(&self) -> &str {
        "native"
    }
    fn log(&self, message: &str) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
}

impl<K: Kv + 'static> Outbound for TestPorts<K> {
    fn acquirer_url(&self) -> Option<&str> {
        Some("http://acquirer")
    }
    fn tick_token(&self) -> Option<&str> {
        Some("tick")
    }
    async fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<OutboundAnswer, NoAnswer> {
        let answer = self.provider.lock().unwrap_or_else(PoisonError::into_inner)(method, url, &body);
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let sent = Sent { method: method.to_owned(), url: url.to_owned(), headers, body };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        answer
    }
}

/// An application over ports in memory.
pub struct World {
    /// The application.
    pub app: Arc<App<TestPorts>>,
    /// An admin.
    pub admin: Principal,
}

impl World {
    /// An empty world at 2026-11-23 12:00 in China, on an honest store.
    ///
    /// # Panics
    /// Never: the constants are good.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Fault::None)
    }

    /// An empty world on a store with this fault.
    #[must_use]
    pub fn on(fault: Fault) -> Self {
        let noon = Instant { unix_ms: 1_795_406_400_000 };
        let app = Arc::new(App::new(TestPorts::new(MemoryKv::new(fault), noon, 1)));
        let admin = Principal { key: "admin".to_owned(), bearer: Bearer::Admin, grants: Vec::new() };
        Self { app, admin }
    }

    /// A world of its own, as this one is now, at peace.
    ///
    /// # Errors
    /// The store's: how it creates is found out at once, so that this is not a part of the first request.
    pub async fn copy(&self) -> Result<Self, Error> {
        self.copied_to(self.app.ports.kv.fault()).await
    }

    /// The same on another kind of store.
    ///
    /// # Errors
    /// As [`World::copy`].
    pub async fn copied_to(&self, fault: Fault) -> Result<Self, Error> {
        let from = &self.app.ports;
        let ports = TestPorts::new(from.kv.copied_to(fault), from.now(), from.dice.load(Ordering::SeqCst));
        let policies = from.policies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *ports.policies.lock().unwrap_or_else(PoisonError::into_inner) = policies;
        *ports.bundle_keys.lock().unwrap_or_else(PoisonError::into_inner) = from.bundle_keys();
        let app = Arc::new(App::new(ports));
        app.records().await?;
        Ok(Self { app, admin: self.admin.clone() })
    }

    /// Installs a compiled policy and makes a merchant under it, with terminal `T1` and persons `cashier`, `supervisor`,
    /// `manager`, `reviewer`, `reviewer-2`, `finance` of those roles.
    ///
    /// # Errors
    /// If the policy cannot be installed, or names are not names.
    pub async fn merchant(&self, merchant: &str, policy_name: &str, canonical: &[u8]) -> Result<MerchantId, Error> {
        self.app.put_policy(policy_name, canonical).await?;
        let bad = |e: rescind_model::name::BadName| Error::Internal(e.to_string());
        let id = MerchantId::parse(merchant).map_err(bad)?;
        let merchant = Merchant::new(id.clone(), "小店", policy_name, 480);
        self.app.create_merchant(&self.admin, merchant).await?;
        let terminal = Terminal {
            merchant: id.clone(),
            id: TerminalId::parse("T1").map_err(bad)?,
            label: "counter".to_owned(),
            class: None,
        };
        self.app.create_terminal(&self.admin, terminal).await?;
        for (name, role) in [
            ("cashier", "cashier"),
            ("supervisor", "supervisor"),
            ("manager", "manager"),
            ("reviewer", "reviewer"),
            ("reviewer-2", "reviewer"),
            ("finance", "finance"),
        ] {
            let grants = vec![Grant { merchant: id.clone(), roles: vec![Role::parse(role).map_err(bad)?] }];
            let person =
                Person { id: PersonId::parse(&format!("{id}.{name}")).map_err(bad)?, name: name.to_owned(), grants };
            self.app.create_person(&self.admin, person).await?;
        }
        Ok(id)
    }

    /// A token for one of the persons of [`World::merchant`].
    ///
    /// # Errors
    /// If there is no such person.
    pub async fn person_key(&self, merchant: &MerchantId, name: &str) -> Result<String, Error> {
        let person = PersonId::parse(&format!("{merchant}.{name}")).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(self.app.make_key(Bearer::Person { person }, name.to_owned()).await?.1)
    }

    /// A token for terminal `T1`.
    ///
    /// # Errors
    /// The store's.
    pub async fn terminal_key(&self, merchant: &MerchantId) -> Result<String, Error> {
        let terminal = TerminalId::parse("T1").map_err(|e| Error::Internal(e.to_string()))?;
        Ok(self.app.make_key(Bearer::Terminal { merchant: merchant.clone(), terminal }, "T1".to_owned()).await?.1)
    }

    /// A token for the merchant's back office.
    ///
    /// # Errors
    /// The store's.
    pub async fn system_key(&self, merchant: &MerchantId) -> Result<String, Error> {
        Ok(self.app.make_key(Bearer::System { merchant: merchant.clone() }, "back office".to_owned()).await?.1)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
