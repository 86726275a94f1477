//! What both stores promise, and what only the group commit has to prove.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use super::*;
use crate::error::OpenError;

const STORE: &str = "default";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("rescind.db")
    }

    fn group_commit(&self) -> SqliteStore {
        SqliteStore::open(&self.database()).unwrap()
    }
}

/// Both implementations, each on its own file.
fn both() -> Vec<(Folder, Arc<dyn Store>)> {
    let (first, second) = (Folder::new(), Folder::new());
    let group: Arc<dyn Store> = Arc::new(first.group_commit());
    let per_write: Arc<dyn Store> = Arc::new(PerWriteStore::open(&second.database()).unwrap());
    vec![(first, group), (second, per_write)]
}

fn wait(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
    futures_util::FutureExt::now_or_never(store.durable(session)).unwrap_or_else(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.durable(session))
    })
}

fn value(store: &dyn Store, key: &str) -> Option<Bytes> {
    store.get(&Session::new(), STORE, key).unwrap().into_value()
}

#[test]
fn a_write_is_visible_at_once_and_in_order() {
    for (_folder, store) in both() {
        let session = Session::new();
        for round in 0..100_u32 {
            store.set(&session, STORE, "key", Bytes::from(round.to_string())).unwrap();
            assert_eq!(value(&*store, "key"), Some(Bytes::from(round.to_string())));
        }
        store.delete(&session, STORE, "key").unwrap();
        assert_eq!(value(&*store, "key"), None);
        assert!(!store.exists(&session, STORE, "key").unwrap());
        wait(&*store, &session).unwrap();
        assert_eq!(value(&*store, "key"), None);
        assert_eq!(value(&*store, "other"), None);
    }
}

#[test]
fn stores_do_not_share_keys() {
    for (_folder, store) in both() {
        let session = Session::new();
        store.set(&session, "one", "key", Bytes::from_static(b"1")).unwrap();
        assert_eq!(store.get(&session, "two", "key").unwrap().into_value(), None);
    }
}

#[test]
fn of_racing_creators_exactly_one_wins() {
    for (_folder, store) in both() {
        for round in 0..50 {
            let key = format!("key-{round}");
            let barrier = Arc::new(Barrier::new(6));
            let winners = Arc::new(AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for creator in 0..6_u32 {
                    let (store, key, barrier, winners) = (&store, &key, Arc::clone(&barrier), Arc::clone(&winners));
                    scope.spawn(move || {
                        let session = Session::new();
                        let seen = store.get(&session, STORE, key).unwrap();
                        assert_eq!(seen.value(), None);
                        barrier.wait();
                        let swap = store.swap(&session, STORE, key, &seen, Bytes::from(creator.to_string())).unwrap();
                        if swap == Swap::Done {
                            winners.fetch_add(1, Ordering::SeqCst);
                            wait(&**store, &session).unwrap();
                            assert_eq!(value(&**store, key), Some(Bytes::from(creator.to_string())));
                        }
                    });
                }
            });
            assert_eq!(winners.load(Ordering::SeqCst), 1, "round {round}");
        }
    }
}

#[test]
fn racing_appends_all_survive() {
    for (_folder, store) in both() {
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..50_u32 {
                        let session = Session::new();
                        loop {
                            let seen = store.get(&session, STORE, "log").unwrap();
                            let mut text = seen.value().map_or_else(Vec::new, |value| value.to_vec());
                            text.extend_from_slice(format!("{thread}/{round};").as_bytes());
                            if store.swap(&session, STORE, "log", &seen, Bytes::from(text)).unwrap() == Swap::Done {
                                break;
                            }
                        }
                        if round % 7 == 0 {
                            wait(&**store, &session).unwrap();
                        }
                    }
                });
            }
        });
        let log = String::from_utf8(value(&*store, "log").unwrap().to_vec()).unwrap();
        let entries: Vec<&str> = log.split_terminator(';').collect();
        assert_eq!(entries.len(), 200);
        assert_eq!(entries.iter().collect::<BTreeSet<_>>().len(), 200);
        let figures = store.figures();
        assert!(figures.swaps >= 200 && figures.swaps - figures.failed_swaps == 200, "{figures:?}");
    }
}

#[test]
fn a_swap_compares_with_what_was_seen_even_across_commits() {
    for (_folder, store) in both() {
        let session = Session::new();
        store.set(&session, STORE, "key", Bytes::from_static(b"old")).unwrap();
        wait(&*store, &session).unwrap();
        let seen = store.get(&session, STORE, "key").unwrap();
        store.set(&session, STORE, "key", Bytes::from_static(b"new")).unwrap();
        wait(&*store, &session).unwrap();
        assert_eq!(store.swap(&session, STORE, "key", &seen, Bytes::from_static(b"mine")).unwrap(), Swap::Changed);
        assert_eq!(value(&*store, "key"), Some(Bytes::from_static(b"new")));
    }
}

#[test]
fn counters_count_and_other_values_are_refused() {
    for (_folder, store) in both() {
        let session = Session::new();
        assert_eq!(store.increment(&session, STORE, "n", 0), Ok(0));
        assert_eq!(store.increment(&session, STORE, "n", 5), Ok(5));
        assert_eq!(store.increment(&session, STORE, "n", -7), Ok(-2));
        assert_eq!(value(&*store, "n"), Some(Bytes::copy_from_slice(&(-2_i64).to_le_bytes())));
        store.set(&session, STORE, "text", Bytes::from_static(b"twelve bytes")).unwrap();
        assert!(matches!(store.increment(&session, STORE, "text", 1), Err(StoreError::Counter { .. })));
        store.set(&session, STORE, "full", Bytes::copy_from_slice(&i64::MAX.to_le_bytes())).unwrap();
        assert!(matches!(store.increment(&session, STORE, "full", 1), Err(StoreError::Counter { .. })));
        // The store goes on after a refusal.
        assert_eq!(store.increment(&session, STORE, "n", 3), Ok(1));
    }
}

#[test]
fn keys_come_in_pages_that_include_what_is_not_durable_yet() {
    for (_folder, store) in both() {
        let session = Session::new();
        for number in 0..25 {
            store.set(&session, STORE, &format!("key-{number:02}"), Bytes::from_static(b"x")).unwrap();
        }
        wait(&*store, &session).unwrap();
        store.delete(&session, STORE, "key-03").unwrap();
        store.set(&session, STORE, "key-03a", Bytes::from_static(b"x")).unwrap();
        store.set(&session, STORE, "zzz", Bytes::from_static(b"x")).unwrap();
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = store.keys(&session, STORE, after.as_deref(), 10).unwrap();
            all.extend(page.keys);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected: Vec<String> =
            (0..25).filter(|number| *number != 3).map(|number| format!("key-{number:02}")).collect();
        expected.extend(["key-03a".to_owned(), "zzz".to_owned()]);
        expected.sort();
        assert_eq!(all, expected);
    }
}

/// What is under way is listed where it belongs, also at the two ends of a page.
#[test]
fn a_page_begins_behind_its_start_and_ends_with_what_is_under_way() {
    let folder = Folder::new();
    {
        let store = folder.group_commit();
        let session = Session::new();
        for number in 0..5 {
            store.set(&session, STORE, &format!("key-{number}"), Bytes::from_static(b"x")).unwrap();
        }
        wait(&store, &session).unwrap();
    }
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let tell = move |told| {
        if matches!(told, Told::Committing(_)) {
            let _released = gate.recv();
        }
    };
    let trial = Trial { tell: Some(Box::new(tell)), ..Trial::default() };
    let store = SqliteStore::open_with(&folder.database(), trial).unwrap();
    let session = Session::new();
    store.delete(&session, STORE, "key-4").unwrap();
    store.set(&session, STORE, "key-9", Bytes::from_static(b"x")).unwrap();
    let page = |after, limit| {
        let Keys { keys, next } = store.keys(&session, STORE, after, limit).unwrap();
        (keys.join(" "), next)
    };
    assert_eq!(page(None, 5), ("key-0 key-1 key-2 key-3".to_owned(), Some("key-4".to_owned())));
    assert_eq!(page(Some("key-4"), 5), ("key-9".to_owned(), None));
    assert_eq!(page(None, 6), ("key-0 key-1 key-2 key-3 key-9".to_owned(), None));
    assert_eq!(page(Some("key-9"), 5), (String::new(), None));
    drop(release);
    wait(&store, &session).unwrap();
    assert_eq!(store.keys(&session, STORE, None, 5).unwrap().keys.len(), 5);
}

#[test]
fn only_a_page_that_is_full_has_a_next() {
    for (_folder, store) in both() {
        let session = Session::new();
        for key in ["a", "b", "c"] {
            store.set(&session, STORE, key, Bytes::from_static(b"x")).unwrap();
        }
        wait(&*store, &session).unwrap();
        let next = |limit| store.keys(&session, STORE, None, limit).unwrap().next;
        assert_eq!((next(2).as_deref(), next(3).as_deref(), next(4)), (Some("b"), Some("c"), None));
    }
}

#[test]
fn a_database_at_rest_is_read_as_it_is() {
    let folder = Folder::new();
    drop(folder.group_commit());
    let empty = Resting::open(&folder.database()).unwrap();
    assert_eq!((empty.get(STORE, "a"), empty.rows(STORE, None, 9)), (Ok(None), Ok(Vec::new())));
    drop(empty);
    {
        let store = folder.group_commit();
        let session = Session::new();
        for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
            store.set(&session, STORE, key, Bytes::from(value)).unwrap();
        }
        store.set(&session, "other", "d", Bytes::from("4")).unwrap();
        wait(&store, &session).unwrap();
    }
    let resting = Resting::open(&folder.database()).unwrap();
    assert_eq!(resting.get(STORE, "b"), Ok(Some(b"2".to_vec())));
    assert_eq!(resting.get(STORE, "d"), Ok(None));
    let row = |key: &str, value: &[u8]| (key.to_owned(), value.to_vec());
    assert_eq!(resting.rows(STORE, None, 2), Ok(vec![row("a", b"1"), row("b", b"2")]));
    assert_eq!(resting.rows(STORE, Some("b"), 2), Ok(vec![row("c", b"3")]));
    assert_eq!(resting.damages(), Ok(Vec::new()));
    drop(resting);

    fill(&folder.group_commit());
    damage(&folder);
    // Whether it finds what is wrong or cannot even look: it does not call the file sound.
    assert_ne!(Resting::open(&folder.database()).unwrap().damages(), Ok(Vec::new()));
}

#[test]
fn a_store_says_whether_its_calls_wait_for_the_disk_and_when_it_is_closed() {
    for (index, (_folder, store)) in both().into_iter().enumerate() {
        assert_eq!(store.blocks(), index == 1, "only the store that commits each write waits for the disk in the call");
        assert_eq!(store.ready(), Ok(()));
        store.close();
        assert!(matches!(store.ready(), Err(StoreError::Stopped { .. })));
    }
}

#[test]
fn a_transaction_is_counted_among_those_of_its_size() {
    let buckets = [0, 1, 2, 3, 256, 257, 1024, 1025, u64::MAX].map(batch_bucket);
    assert_eq!(buckets, [0, 0, 1, 2, 8, 9, 9, 10, 10]);
}

#[test]
fn a_component_has_at_most_so_many_bytes() {
    let largest = Component::new("refunds", vec![0; limits::COMPONENT_BYTES]);
    assert_eq!(check_component(&largest), Ok(()));
    let (bytes, larger) = (limits::COMPONENT_BYTES + 1, vec![0; limits::COMPONENT_BYTES + 1]);
    assert_eq!(check_component(&Component::new("refunds", larger)), Err(StoreError::ComponentSize { bytes }));
}

#[test]
fn sizes_are_bounded() {
    for (_folder, store) in both() {
        let session = Session::new();
        assert!(matches!(store.set(&session, STORE, "", Bytes::new()), Err(StoreError::KeySize { bytes: 0 })));
        let long = "k".repeat(limits::KEY_BYTES + 1);
        assert!(matches!(store.set(&session, STORE, &long, Bytes::new()), Err(StoreError::KeySize { .. })));
        let longest = "k".repeat(limits::KEY_BYTES);
        store.set(&session, STORE, &longest, Bytes::from(vec![0; limits::VALUE_BYTES])).unwrap();
        let large = Bytes::from(vec![0; limits::VALUE_BYTES + 1]);
        assert!(matches!(store.set(&session, STORE, "k", large), Err(StoreError::ValueSize { .. })));
        store.set(&session, STORE, "k", Bytes::new()).unwrap();
        assert_eq!(value(&*store, "k"), Some(Bytes::new()));
    }
}

#[test]
fn what_was_durable_is_there_after_reopening() {
    let folder = Folder::new();
    {
        let store = folder.group_commit();
        for number in 0..500_i32 {
            let session = Session::new();
            store.set(&session, STORE, &number.to_string(), Bytes::from(number.to_string())).unwrap();
            if number % 100 == 0 {
                wait(&store, &session).unwrap();
            }
        }
        // Closing flushes the rest.
    }
    // One plain file is left, easy to copy.
    assert!(!folder.database().with_extension("db-wal").exists());
    let plain = PerWriteStore::open(&folder.database()).unwrap();
    for number in 0..500_i32 {
        assert_eq!(value(&plain, &number.to_string()), Some(Bytes::from(number.to_string())));
    }
}

#[test]
fn the_answer_waits_for_writes_it_only_saw() {
    let folder = Folder::new();
    let store = folder.group_commit();
    let writer = Session::new();
    store.set(&writer, STORE, "key", Bytes::from_static(b"x")).unwrap();
    let reader = Session::new();
    assert_eq!(reader.seen(), 0);
    store.get(&reader, STORE, "key").unwrap();
    assert_eq!(reader.seen(), writer.seen());
    wait(&store, &reader).unwrap();
    let other =
        rusqlite::Connection::open_with_flags(folder.database(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let stored: Vec<u8> =
        other.query_row("SELECT value FROM spin_key_value WHERE key = 'key'", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, b"x");
    // Now it comes from the file: nothing to wait for.
    let later = Session::new();
    store.get(&later, STORE, "key").unwrap();
    assert_eq!(later.seen(), 0);
}

#[test]
fn writes_of_one_request_share_one_commit() {
    let folder = Folder::new();
    let store = folder.group_commit();
    let session = Session::new();
    for number in 0..5 {
        store.set(&session, STORE, &format!("key-{number}"), Bytes::from_static(b"x")).unwrap();
    }
    wait(&store, &session).unwrap();
    let figures = store.figures();
    assert_eq!((figures.writes, figures.waiting), (5, 0));
    assert!(figures.commits <= 2, "{figures:?}");
}

#[test]
fn a_full_disk_loses_everything_not_durable_and_nothing_builds_on_it() {
    let folder = Folder::new();
    let store = SqliteStore::open_with(&folder.database(), Trial { max_pages: Some(64), ..Trial::default() }).unwrap();
    let before = Session::new();
    store.set(&before, STORE, "ledger", Bytes::from_static(b"durable")).unwrap();
    wait(&store, &before).unwrap();

    let big = Session::new();
    store.set(&big, STORE, "ledger", Bytes::from_static(b"never durable")).unwrap();
    store.set(&big, STORE, "big", Bytes::from(vec![7; 512 * 1024])).unwrap();
    let bystander = Session::new();
    assert_eq!(
        store.get(&bystander, STORE, "ledger").unwrap().into_value(),
        Some(Bytes::from_static(b"never durable"))
    );
    assert!(matches!(wait(&store, &big), Err(StoreError::Lost { .. })));

    // Back to the durable state; whoever saw the lost write is refused, reading and writing alike, for ever.
    assert_eq!(value(&store, "ledger"), Some(Bytes::from_static(b"durable")));
    assert!(matches!(wait(&store, &bystander), Err(StoreError::Lost { .. })));
    assert!(matches!(store.get(&bystander, STORE, "ledger"), Err(StoreError::Lost { .. })));
    assert!(matches!(store.set(&bystander, STORE, "x", Bytes::new()), Err(StoreError::Lost { .. })));

    // Others go on, from the durable state.
    let after = Session::new();
    let seen = store.get(&after, STORE, "ledger").unwrap();
    assert_eq!(store.swap(&after, STORE, "ledger", &seen, Bytes::from_static(b"next")).unwrap(), Swap::Done);
    wait(&store, &after).unwrap();
    assert!(matches!(wait(&store, &bystander), Err(StoreError::Lost { .. })));
    assert_eq!(store.figures().failed_commits, 1);
    drop(store);
    assert_eq!(value(&folder.group_commit(), "ledger"), Some(Bytes::from_static(b"next")));
}

#[test]
fn a_second_opener_is_refused() {
    let folder = Folder::new();
    let store = folder.group_commit();
    assert!(matches!(SqliteStore::open(&folder.database()), Err(OpenError::InUse { .. })));
    drop(store);
    folder.group_commit();
}

/// Runs as another process when a test asks for it; does nothing in an ordinary run.
#[test]
fn other_process() {
    let Ok(path) = std::env::var("RESCIND_TEST_HOLD") else {
        return;
    };
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))").unwrap();
    std::fs::write(format!("{path}.ready"), b"").unwrap();
    while !std::path::Path::new(&format!("{path}.go")).exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    connection.execute("INSERT INTO spin_key_value VALUES ('default', 'stranger', x'01')", []).unwrap();
}

fn another_process(folder: &Folder) -> std::process::Child {
    let path = folder.database();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::other_process"])
        .env("RESCIND_TEST_HOLD", &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !path.with_extension("db.ready").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child
}

#[test]
fn a_database_that_spin_has_open_is_refused() {
    let folder = Folder::new();
    let mut spin = another_process(&folder);
    let refused = SqliteStore::open(&folder.database());
    std::fs::write(folder.database().with_extension("db.go"), b"").unwrap();
    assert!(spin.wait().unwrap().success());
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
    let store = folder.group_commit();
    assert_eq!(value(&store, "stranger"), Some(Bytes::from_static(b"\x01")));
}

#[test]
fn a_stranger_who_writes_behind_us_stops_the_store() {
    let folder = Folder::new();
    let store = folder.group_commit();
    let mut stranger = another_process(&folder);
    std::fs::write(folder.database().with_extension("db.go"), b"").unwrap();
    assert!(stranger.wait().unwrap().success());
    let session = Session::new();
    store.set(&session, STORE, "key", Bytes::from_static(b"x")).unwrap();
    assert!(wait(&store, &session).is_err());
    assert!(matches!(store.ready(), Err(StoreError::Stopped { .. })));
    assert!(matches!(store.get(&Session::new(), STORE, "key"), Err(StoreError::Stopped { .. })));
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let folder = Folder::new();
    let text = folder.0.path().join("notes.db");
    std::fs::write(&text, "these are notes, not a database. ".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::open(&text), Err(OpenError::Damaged { .. })));

    fill(&folder.group_commit());
    damage(&folder);
    assert!(matches!(SqliteStore::open(&folder.database()), Err(OpenError::Damaged { .. })));

    let foreign = folder.0.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    assert!(matches!(SqliteStore::open(&foreign), Err(OpenError::Layout { .. })));

    let other_layout = folder.0.path().join("other.db");
    rusqlite::Connection::open(&other_layout)
        .unwrap()
        .execute_batch("CREATE TABLE spin_key_value (key TEXT PRIMARY KEY, value BLOB)")
        .unwrap();
    let refused = SqliteStore::open(&other_layout).unwrap_err().to_string();
    assert!(refused.contains("layout of Spin's key-value store"), "{refused}");
}

#[test]
fn a_log_whose_database_is_gone_is_not_deleted() {
    let folder = Folder::new();
    let log = folder.database().with_extension("db-wal");
    std::fs::write(&log, "everything of today").unwrap();
    let refused = SqliteStore::open(&folder.database()).unwrap_err().to_string();
    assert!(refused.contains("beside it is a log of 19 bytes"), "{refused}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "everything of today");
}

fn fill(store: &dyn Store) {
    let session = Session::new();
    for number in 0..2000 {
        store.set(&session, STORE, &format!("key-{number}"), Bytes::from(vec![3; 100])).unwrap();
    }
}

/// Breaks pages in the middle of the file.
fn damage(folder: &Folder) {
    let mut bytes = std::fs::read(folder.database()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].iter_mut().take(20_000).for_each(|byte| *byte = 0xa5);
    std::fs::write(folder.database(), bytes).unwrap();
}

#[cfg(unix)]
#[test]
fn only_a_file_as_a_clean_stop_left_it_is_not_checked_in_full() {
    let folder = Folder::new();
    let lock = folder.database().with_extension("db.lock");
    let mark = || std::fs::read_to_string(&lock).unwrap();
    let store = folder.group_commit();
    fill(&store);
    assert_eq!(mark(), "", "a crash now leaves no mark");
    drop(store);
    assert_eq!(Some(mark()), clean_stop::left(&folder.database()));
    // A log that is still to be merged says that it was no clean stop; an empty one says nothing.
    let log = folder.database().with_extension("db-wal");
    for (bytes, clean) in [(&b""[..], true), (b"x", false)] {
        std::fs::write(&log, bytes).unwrap();
        assert_eq!(clean_stop::left(&folder.database()).is_some(), clean);
    }
    std::fs::remove_file(&log).unwrap();
    let store = folder.group_commit();
    assert_eq!(mark(), "");
    drop(store);

    // Touched since the stop: checked.
    damage(&folder);
    assert!(matches!(SqliteStore::open(&folder.database()), Err(OpenError::Damaged { .. })));
    assert_eq!(mark(), "", "a start that was refused leaves no mark");
    // A mark that is about this very file is believed, which shows that nothing else was the reason.
    std::fs::write(&lock, clean_stop::left(&folder.database()).unwrap()).unwrap();
    let store = folder.group_commit();
    // Nothing is marked if anything went wrong.
    fail_a_commit(&store);
    drop(store);
    assert_eq!(mark(), "");
    assert!(matches!(SqliteStore::open(&folder.database()), Err(OpenError::Damaged { .. })));
}

/// Makes a commit fail by touching what is damaged.
fn fail_a_commit(store: &SqliteStore) {
    let session = Session::new();
    // The writer may meet it before the last of them is handed over.
    let deleted = (0..2000).try_for_each(|number| store.delete(&session, STORE, &format!("key-{number}")));
    assert!(deleted.and_then(|()| wait(store, &session)).is_err());
}

#[test]
fn a_folder_that_is_not_there_is_a_clear_error() {
    let folder = Folder::new();
    let refused = SqliteStore::open(&folder.0.path().join("missing/rescind.db")).unwrap_err();
    assert!(matches!(refused, OpenError::Unusable { .. }));
}

const FIRST: &[u8] = b"\0asm, as the first build made it";

fn archived(folder: &Folder) -> Vec<component::Entry> {
    Archive::open(&folder.database()).unwrap().list().unwrap()
}

#[test]
fn a_component_is_archived_once_and_found_by_its_digest() {
    for (folder, store) in both() {
        let component = Component::new("refunds", FIRST);
        assert_eq!(component.digest(), "13a71f352a9c135c0307362dd565f629ea2b085362011c023a31da95d1b3ac2d");
        assert_eq!(store.keep_component(&component), Ok(Kept::Now));
        assert_eq!(store.keep_component(&component), Ok(Kept::Already));
        assert_eq!(store.keep_component(&Component::new("refunds", &b"the next build"[..])), Ok(Kept::Now));
        // A server's writes go on beside it, and the archive can be read meanwhile.
        let session = Session::new();
        store.set(&session, STORE, "key", Bytes::from_static(b"1")).unwrap();
        wait(&*store, &session).unwrap();
        let archive = Archive::open(&folder.database()).unwrap();
        assert_eq!(archive.list().unwrap().len(), 2);
        assert_eq!(archive.get(component.digest()).unwrap(), component);
        assert!(matches!(archive.get("54f7"), Err(crate::ArchiveError::Missing { .. })));
        store.close();
        assert!(matches!(store.keep_component(&component), Err(StoreError::Stopped { .. })));
    }
}

#[test]
fn damaged_bytes_are_never_taken_for_a_component_and_are_written_again() {
    let folder = Folder::new();
    let component = Component::new("refunds", FIRST);
    folder.group_commit().keep_component(&component).unwrap();
    let damage = rusqlite::Connection::open(folder.database()).unwrap();
    damage.execute("UPDATE rescind_component SET bytes = x'00617364'", []).unwrap();
    drop(damage);
    assert_eq!(archived(&folder).iter().map(|entry| entry.whole).collect::<Vec<_>>(), [false]);
    let refused = Archive::open(&folder.database()).unwrap().get(component.digest());
    assert!(matches!(refused, Err(crate::ArchiveError::Damaged { .. })), "{refused:?}");
    assert_eq!(folder.group_commit().keep_component(&component), Ok(Kept::Repaired));
    assert_eq!(Archive::open(&folder.database()).unwrap().get(component.digest()).unwrap(), component);
}

#[test]
fn a_component_that_cannot_be_kept_is_an_error() {
    let folder = Folder::new();
    let store = SqliteStore::open_with(&folder.database(), Trial { max_pages: Some(8), ..Trial::default() }).unwrap();
    let component = Component::new("refunds", vec![1; 100_000]);
    assert!(matches!(store.keep_component(&component), Err(StoreError::Lost { .. })));
    assert_eq!(archived(&folder), []);
    let session = Session::new();
    store.set(&session, STORE, "key", Bytes::from_static(b"1")).unwrap();
    wait(&store, &session).unwrap();
}

#[test]
fn spins_table_stays_as_spin_makes_it() {
    let folder = Folder::new();
    folder.group_commit().keep_component(&Component::new("refunds", FIRST)).unwrap();
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(tables, ["rescind_component", "spin_key_value"]);
    let held: i64 = connection.query_row("SELECT count(*) FROM spin_key_value", [], |row| row.get(0)).unwrap();
    assert_eq!(held, 0);
}

#[test]
fn a_database_of_spin_has_an_empty_archive() {
    let folder = Folder::new();
    rusqlite::Connection::open(folder.database())
        .unwrap()
        .execute_batch("CREATE TABLE spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))")
        .unwrap();
    assert_eq!(archived(&folder), []);
    let folder = Folder::new();
    assert!(matches!(Archive::open(&folder.database()), Err(OpenError::Unusable { .. })));
}
