//! The storage contract (`docs/storage.md`), asked of the embedded store as it ships, both ways of committing. The tables
//! go to standard error whatever the test runner captures.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use bytes::Bytes;
use rescind_host::store::{PerWriteStore, Seen, Session, SqliteStore, Store, Swap as Swapped};
use rescind_service::ports::{Kv, KvError, Swap};
use rescind_service::store::Creation;
use rescind_service::testkit::contract::{Caller, Effort, Subject, report};
use std::io::Write as _;
use std::sync::Arc;

/// The name of the store in `spin.toml`.
const STORE: &str = "default";

/// The embedded store, reached as the host lets a component reach it.
struct Embedded {
    name: &'static str,
    store: Arc<dyn Store>,
}

/// One request's view of it.
struct Request {
    store: Arc<dyn Store>,
    session: Session,
}

fn failed(error: &rescind_host::store::StoreError) -> KvError {
    KvError(error.to_string())
}

impl Kv for Request {
    type Cell = (String, Seen);

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
    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Cell), KvError> {
        let seen = self.store.get(&self.session, STORE, key).map_err(|e| failed(&e))?;
        Ok((seen.value().map(|v| v.to_vec()), (key.to_owned(), seen)))
    }
    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        let (key, seen) = cell;
        let value = Bytes::copy_from_slice(value);
        match self.store.swap(&self.session, STORE, &key, &seen, value).map_err(|e| failed(&e))? {
            Swapped::Done => Ok(Swap::Swapped),
            Swapped::Changed => Ok(Swap::Refused),
        }
    }
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.store.increment(&self.session, STORE, key, delta).map_err(|e| failed(&e))
    }
}

impl Subject for Embedded {
    type Kv = Request;

    fn name(&self) -> String {
        self.name.to_owned()
    }

    async fn instance(&self) -> Result<Request, KvError> {
        Ok(Request { store: Arc::clone(&self.store), session: Session::new() })
    }

    /// Each on a thread of its own: nothing here waits but for the disk.
    async fn together<'a, T: Send + 'a>(&'a self, callers: Vec<Caller<'a, T>>) -> Vec<T> {
        let runtime = tokio::runtime::Handle::current();
        std::thread::scope(|scope| {
            let running: Vec<_> = callers.into_iter().map(|caller| scope.spawn(|| runtime.block_on(caller))).collect();
            running.into_iter().filter_map(|caller| caller.join().ok()).collect()
        })
    }
}

async fn keeps_the_contract(subject: Embedded, effort: Effort, coped: &[&str]) {
    let told = report(&subject, effort).await;
    #[expect(clippy::explicit_write, reason = "what eprintln! prints is kept from view while a test passes")]
    writeln!(std::io::stderr(), "{told}").unwrap();
    assert_eq!(told.creation, Creation::Direct, "{told}");
    assert!(told.is_kept(), "{told}");
    assert_eq!(told.coped(), coped, "{told}");
    subject.store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract_with_group_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("rescind.db")).unwrap());
    keeps_the_contract(Embedded { name: "embedded, group commit", store }, Effort::MUCH, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract_with_a_commit_for_each_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(PerWriteStore::open(&folder.path().join("rescind.db")).unwrap());
    // Each write waits for the disk.
    let effort = Effort { rounds: 12, each: 50, ..Effort::MUCH };
    keeps_the_contract(Embedded { name: "embedded, a commit for each write", store }, effort, &[]).await;
}
