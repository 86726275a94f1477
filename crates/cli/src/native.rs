//! The service's ports on the host itself, for what has to be in the store before the application can serve: policies,
//! the first admin key, the demonstration shop. The components' own code runs natively here.

use crate::stdio::complain;
use bytes::Bytes;
use rescind_host::store::{Seen, Session, Store, StoreError, Swap as Swapped};
use rescind_model::{Instant, LoadError};
use rescind_service::doctor::Listed;
use rescind_service::native::{NativePolicy, NativePure};
use rescind_service::ports::{Kv, KvError, Ports, Swap};
use std::sync::Arc;

/// The name of the store in `spin.toml`.
pub const STORE: &str = "default";

/// A store of the host as the service sees it.
pub struct HostKv {
    store: Arc<dyn Store>,
    session: Session,
}

/// What a swap compares with.
pub struct HostCell {
    key: String,
    seen: Seen,
}

fn failed(error: &StoreError) -> KvError {
    KvError(error.to_string())
}

impl Kv for HostKv {
    type Cell = HostCell;

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        let seen = self.store.get(&self.session, STORE, key).map_err(|e| failed(&e))?;
        Ok(seen.value().map(|v| v.to_vec()))
    }
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.store.set(&self.session, STORE, key, Bytes::copy_from_slice(value)).map_err(|e| failed(&e))
    }
    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.store.delete(&self.session, STORE, key).map_err(|e| failed(&e))
    }
    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, HostCell), KvError> {
        let seen = self.store.get(&self.session, STORE, key).map_err(|e| failed(&e))?;
        Ok((seen.value().map(|v| v.to_vec()), HostCell { key: key.to_owned(), seen }))
    }
    async fn swap(&self, cell: HostCell, value: &[u8]) -> Result<Swap, KvError> {
        let value = Bytes::copy_from_slice(value);
        match self.store.swap(&self.session, STORE, &cell.key, &cell.seen, value).map_err(|e| failed(&e))? {
            Swapped::Done => Ok(Swap::Swapped),
            Swapped::Changed => Ok(Swap::Refused),
        }
    }
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.store.increment(&self.session, STORE, key, delta).map_err(|e| failed(&e))
    }
}

impl Listed for HostKv {
    async fn after(&self, key: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        let page = self.store.keys(&self.session, STORE, key, limit).map_err(|e| failed(&e))?;
        let mut rows = Vec::with_capacity(page.keys.len());
        for key in page.keys {
            if let Some(value) = self.get(&key).await? {
                rows.push((key, value));
            }
        }
        Ok(rows)
    }
}

/// The ports.
pub struct Native {
    kv: HostKv,
}

impl Native {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { kv: HostKv { store, session: Session::new() } }
    }

    /// Waits until everything that was written is durable.
    pub async fn durable(&self) -> Result<(), StoreError> {
        self.kv.store.durable(&self.kv.session).await
    }
}

/// The host's clock.
#[expect(clippy::disallowed_methods, reason = "the command runs on the host, where there is a clock")]
pub fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant { unix_ms: i64::try_from(since.as_millis()).unwrap_or(0) }
}

/// Unpredictable bytes.
pub fn random() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    if getrandom::fill(&mut bytes).is_err() {
        // Keys made without chance could be guessed: there is nothing safe to go on with.
        complain(format_args!("error: the operating system gives no random numbers"));
        std::process::abort();
    }
    bytes
}

impl Ports for Native {
    type Kv = HostKv;
    type Policy = NativePolicy;
    type Pure = NativePure;

    fn kv(&self) -> &HostKv {
        &self.kv
    }
    fn now(&self) -> Instant {
        now()
    }
    fn random(&self) -> [u8; 32] {
        random()
    }
    fn cached_policy(&self, _hash: &str) -> Option<Arc<NativePolicy>> {
        None
    }
    fn load_policy(&self, _hash: &str, canonical: &[u8]) -> Result<Arc<NativePolicy>, LoadError> {
        Ok(Arc::new(NativePolicy::load(canonical)?))
    }
    fn component(&self) -> &str {
        "native"
    }
    fn log(&self, message: &str) {
        complain(format_args!("{message}"));
    }
}
