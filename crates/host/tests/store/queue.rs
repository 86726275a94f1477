//! The queue of writes is bounded, by number and by size.

use bytes::Bytes;
use rescind_host::limits;
use rescind_host::store::{Session, SqliteStore, Store as _, StoreError, Trial};
use std::time::{Duration, Instant};

use crate::disk::{self, Disk, Plan};
use crate::history::{STORE, wait};

/// A store whose disk takes so long for a sync that everything queues up behind the first.
fn slow() -> (std::sync::Arc<Disk>, SqliteStore) {
    let disk = Disk::new(1, Plan::default());
    let trial = Trial { vfs: Some(disk::NAME.to_owned()), ..Trial::default() };
    let store = SqliteStore::open_with(&disk.database(), trial).unwrap();
    disk.plan(Plan { sync_time: Duration::from_secs(2), ..Plan::default() });
    store.set(&Session::new(), STORE, "the first", Bytes::new()).unwrap();
    // Its commit begins after at most the linger.
    let begun = Instant::now();
    while store.figures().commits == 0 && begun.elapsed() < Duration::from_millis(200) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!((store.figures().commits, store.figures().waiting), (0, 1), "the first sync is still under way");
    (disk, store)
}

/// Writes until the store refuses. Gives how many writes and bytes wait when `ready` begins to refuse, and at the end.
fn fill(store: &SqliteStore, bytes: usize) -> [(u64, u64); 2] {
    let value = Bytes::from(vec![1; bytes]);
    let mut not_ready = None;
    for number in 0..u64::MAX {
        match store.set(&Session::new(), STORE, &format!("key-{number}"), value.clone()) {
            Ok(()) => {}
            Err(StoreError::Busy { .. }) => break,
            Err(error) => panic!("{error}"),
        }
        if not_ready.is_none() && store.ready().is_err() {
            assert!(matches!(store.ready(), Err(StoreError::Busy { .. })));
            let figures = store.figures();
            not_ready = Some((figures.waiting, figures.waiting_bytes));
        }
    }
    let figures = store.figures();
    [not_ready.unwrap(), (figures.waiting, figures.waiting_bytes)]
}

fn ends_well(disk: &Disk, store: SqliteStore, bytes: usize) {
    // Reading goes on, and sees everything.
    let reader = Session::new();
    assert!(store.exists(&reader, STORE, "key-0").unwrap());
    let one_more = store.set(&Session::new(), STORE, "one more", Bytes::from(vec![1; bytes]));
    assert!(matches!(one_more, Err(StoreError::Busy { .. })), "{one_more:?}");
    disk.plan(Plan::default());
    wait(&store, &reader).unwrap();
    let begun = Instant::now();
    while store.ready().is_err() || store.figures().waiting > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the queue does not drain");
        std::thread::sleep(Duration::from_millis(5));
    }
    let figures = store.figures();
    assert_eq!((figures.waiting_bytes, figures.failed_commits), (0, 0));
    assert_eq!(store.increment(&Session::new(), STORE, "n", 1), Ok(1));
    drop(store);
    disk::forget(disk);
}

#[test]
fn too_many_writes_are_refused_until_the_disk_has_taken_them() {
    let (disk, store) = slow();
    let [not_ready, full] = fill(&store, 10);
    assert_eq!(not_ready.0, u64::try_from(limits::QUEUED_WRITES).unwrap());
    assert_eq!(full.0, u64::try_from(limits::QUEUED_WRITES_HARD).unwrap());
    ends_well(&disk, store, 10);
}

#[test]
fn too_many_bytes_are_refused_until_the_disk_has_taken_them() {
    let (disk, store) = slow();
    let [not_ready, full] = fill(&store, limits::VALUE_BYTES);
    let (hard, largest) =
        (u64::try_from(limits::QUEUED_BYTES_HARD).unwrap(), u64::try_from(limits::VALUE_BYTES).unwrap());
    assert!((hard / 2..=hard / 2 + 2 * largest).contains(&not_ready.1), "{not_ready:?}");
    assert!((hard - 2 * largest..=hard).contains(&full.1), "{full:?}");
    assert!(full.0 < 200, "{full:?}");
    ends_well(&disk, store, limits::VALUE_BYTES);
}
