//! What happens when more is written than the disk takes: the queue is bounded, whoever is let in can finish, and whoever
//! is not is told so with `Retry-After` before anything of theirs is run.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use rescind_host::limits::{QUEUED_BYTES_HARD, QUEUED_WRITES, QUEUED_WRITES_HARD};
use rescind_host::store::{Session, SqliteStore, Store, StoreError};
use rescind_host::{Handler, Host};
use std::path::Path;
use std::sync::Arc;

/// Somebody else's transaction on the same file: the store's writer waits for it, as for a disk that does not answer.
struct Stuck(rusqlite::Connection);

impl Stuck {
    fn new(database: &Path) -> Self {
        let connection = rusqlite::Connection::open(database).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }

    fn let_go(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// Writes until the store takes no more. Gives how many it took.
fn fill(store: &dyn Store, session: &Session, value: &Bytes) -> usize {
    for n in 0..=QUEUED_WRITES_HARD {
        match store.set(session, "s", &format!("k{n}"), value.clone()) {
            Ok(()) => {}
            Err(StoreError::Busy { waiting }) => {
                assert_eq!(waiting, n, "what waits is what was taken");
                return n;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the queue has no end");
}

fn is_busy(store: &dyn Store) -> bool {
    matches!(store.ready(), Err(StoreError::Busy { .. }))
}

async fn answer(handler: &Handler, method: Method) -> (StatusCode, Option<String>, String) {
    let request = Request::builder().method(method).uri("/v1/x").body(Bytes::new()).unwrap();
    let response = handler.handle(request).await;
    let retry = response.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    let problem = serde_json::from_slice::<serde_json::Value>(response.body()).unwrap_or_default();
    let code = problem.get("code").and_then(serde_json::Value::as_str).unwrap_or_default();
    (response.status(), retry, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_refuses_new_requests_first_and_writes_last_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rescind.db");
    std::fs::write(folder.path().join("faulty.wasm"), wat::parse_str(include_str!("faulty.wat")).unwrap()).unwrap();
    std::fs::write(
        folder.path().join("spin.toml"),
        "spin_manifest_version = 2\n[application]\nname = \"test\"\n[[trigger.http]]\nroute = \"/v1/...\"\n\
         component = \"faulty\"\n[component.faulty]\nsource = \"faulty.wasm\"\n",
    )
    .unwrap();
    let store = Arc::new(SqliteStore::open(&database).unwrap());
    let kept: Arc<dyn Store> = store.clone();
    let host = Host::builder(folder.path().join("spin.toml"))
        .store(kept)
        .listen(([127, 0, 0, 1], 0).into())
        .build()
        .await
        .unwrap();
    let handler = host.handler();

    let stuck = Stuck::new(&database);
    let session = Session::new();
    for n in 0..QUEUED_WRITES {
        assert!(!is_busy(&*store), "{n} writes wait");
        store.set(&session, "s", &format!("k{n}"), Bytes::from_static(b"v")).unwrap();
    }
    // No new request that changes something; reading goes on, and what is under way can finish.
    assert_eq!(
        answer(&handler, Method::POST).await,
        (StatusCode::SERVICE_UNAVAILABLE, Some("1".to_owned()), "busy".to_owned())
    );
    assert_eq!(answer(&handler, Method::GET).await.0, StatusCode::OK);
    for n in QUEUED_WRITES..QUEUED_WRITES_HARD {
        store.set(&session, "s", &format!("k{n}"), Bytes::from_static(b"v")).unwrap();
    }
    let refused = store.set(&session, "s", "one more", Bytes::from_static(b"v"));
    assert_eq!(refused, Err(StoreError::Busy { waiting: QUEUED_WRITES_HARD }));
    assert_eq!(store.get(&session, "s", "one more").unwrap().value(), None, "a refused write is not seen");
    assert_eq!(store.figures().waiting, u64::try_from(QUEUED_WRITES_HARD).unwrap());

    stuck.let_go();
    store.durable(&session).await.unwrap();
    assert!(!is_busy(&*store));
    let last = format!("k{}", QUEUED_WRITES_HARD - 1);
    assert_eq!(store.get(&Session::new(), "s", &last).unwrap().into_value(), Some(Bytes::from_static(b"v")));
    assert_eq!(store.figures().failed_commits, 0);
    // Run again now: this component fails at POST, which is its own affair.
    assert_eq!(answer(&handler, Method::POST).await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn large_values_fill_the_queue_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rescind.db");
    let store = SqliteStore::open(&database).unwrap();
    let session = Session::new();
    let stuck = Stuck::new(&database);
    let large = Bytes::from(vec![7; 1 << 20]);
    for n in 0.. {
        if is_busy(&store) {
            let half = QUEUED_BYTES_HARD / 2 / large.len();
            assert!(n <= half && n + 1 >= half, "new requests are refused from half of the bytes on, not at {n}");
            break;
        }
        store.set(&session, "s", &format!("first{n}"), large.clone()).unwrap();
    }
    let more = {
        let mut more = 0;
        while store.set(&session, "s", &format!("second{more}"), large.clone()).is_ok() {
            more += 1;
            assert!(more < QUEUED_BYTES_HARD / large.len(), "the queue has no end");
        }
        more
    };
    assert!(more > 0, "what is under way can finish");
    stuck.let_go();
}

#[tokio::test]
async fn a_store_that_was_full_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rescind.db");
    let store = SqliteStore::open(&database).unwrap();
    for round in 0..2 {
        let stuck = Stuck::new(&database);
        let session = Session::new();
        let taken = fill(&store, &session, &Bytes::from(format!("{round}")));
        assert_eq!(taken, QUEUED_WRITES_HARD);
        stuck.let_go();
        store.durable(&session).await.unwrap();
        let seen = store.get(&Session::new(), "s", "k0").unwrap().into_value();
        assert_eq!(seen, Some(Bytes::from(format!("{round}"))));
    }
}
