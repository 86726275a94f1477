//! A disk that is full, read-only, or fails to sync.

use std::ops::Range;
use std::sync::Arc;

use rescind_host::store::{Session, SqliteStore, Store as _, StoreError, Trial};
use rusqlite::ffi;

use crate::disk::{self, Disk, Plan};
use crate::history::{Ended, History, STORE, read, read_file};

/// Runs with each kind of trouble, each at a step of its own.
const RUNS: u64 = 60;

const LOG_PAGES: u32 = 24;

fn open(disk: &Disk, history: &History) -> SqliteStore {
    let trial = Trial { vfs: Some(disk::NAME.to_owned()), log_pages: Some(LOG_PAGES), ..history.trial() };
    SqliteStore::open_with(&disk.database(), trial).unwrap()
}

/// Four writers, who come back when they are refused.
fn write(store: &SqliteStore, history: &History, seed: u64, sessions: usize) -> Vec<StoreError> {
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u64)
            .map(|writer| {
                let mut chance = fastrand::Rng::with_seed(seed ^ (writer << 32));
                scope.spawn(move || {
                    let ends = (0..sessions).map(|_| history.session(store, &mut chance));
                    ends.filter_map(|end| if let Ended::Refused(error) = end { Some(error) } else { None })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

/// Writes fail for a while, at a random step, and then do not any more. Gives how many writes failed.
fn while_nothing_can_be_written(code: i32, seed: u64) -> u64 {
    let disk = Disk::new(seed, Plan::default());
    let history = History::default();
    let store = open(&disk, &history);
    assert_eq!(write(&store, &history, seed, 4), []);
    let mut chance = fastrand::Rng::with_seed(seed);
    let from = disk.steps() + chance.u64(1..60);
    let steps: Range<u64> = from..from + chance.u64(1..40);
    disk.plan(Plan { no_writes: Some((steps, code)), ..Plan::default() });
    for error in write(&store, &history, !seed, 12) {
        assert!(matches!(error, StoreError::Lost { .. }), "{error}");
    }
    // There is room again, and nobody restarted anything.
    disk.plan(Plan::default());
    let before = history.sessions();
    assert_eq!(write(&store, &history, seed.rotate_left(9), 6), []);
    assert!(history.sessions() > before);
    assert_eq!(store.ready(), Ok(()));
    let written = disk.failures().0;
    // What is there is what was not lost, as it stands now and after a power cut.
    let session = Session::new();
    store.keys(&session, STORE, None, 1).unwrap();
    crate::history::wait(&store, &session).unwrap();
    let about = format!("seed {seed}, code {code}");
    let now = read(&store);
    let end = history.must_have_been(&now, history.acknowledged(), &about);
    drop(store);
    let left = disk.after_power_cut();
    assert!(read_file(&disk::file(left.path())) == now, "{about}: another state after the power cut");
    assert!(end >= history.acknowledged());
    disk::forget(&disk);
    written
}

#[test]
fn a_full_disk_refuses_loses_nothing_acknowledged_and_goes_on_when_there_is_room() {
    let failed: u64 = (0..RUNS).map(|seed| while_nothing_can_be_written(ffi::SQLITE_FULL, seed)).sum();
    println!("{RUNS} times without room, {failed} writes refused");
    assert!(failed > RUNS);
}

#[test]
fn a_disk_that_takes_no_writes_is_as_one_without_room() {
    // EROFS and EDQUOT: what SQLite makes of every other failure of a write.
    let failed: u64 = (0..RUNS).map(|seed| while_nothing_can_be_written(ffi::SQLITE_IOERR_WRITE, seed)).sum();
    println!("{RUNS} times read-only, {failed} writes refused");
    assert!(failed > RUNS);
}

#[test]
fn after_a_failed_sync_nothing_is_taken_before_a_new_start() {
    let mut in_doubt = 0;
    for seed in 0..RUNS {
        let disk = Disk::new(seed, Plan::default());
        let history = History::default();
        let store = open(&disk, &history);
        assert_eq!(write(&store, &history, seed, 4), []);
        let from = disk.steps() + fastrand::Rng::with_seed(seed).u64(1..60);
        disk.plan(Plan { no_sync_from: Some(from), ..Plan::default() });
        let refused = write(&store, &history, !seed, 12);
        assert!(
            !refused.is_empty() && refused.iter().all(|error| matches!(error, StoreError::Stopped { .. })),
            "{refused:?}"
        );
        // Syncs would succeed again; the store knows that this proves nothing.
        assert_eq!(disk.failures(), (0, 1));
        let steps = disk.steps();
        assert!(matches!(store.ready(), Err(StoreError::Stopped { .. })));
        assert!(matches!(
            store.set(&Session::new(), STORE, "key", bytes::Bytes::new()),
            Err(StoreError::Stopped { .. })
        ));
        assert_eq!(disk.steps(), steps, "it wrote after the failed sync");
        // Closing must not make durable either what was refused.
        let left = disk.after_power_cut();
        drop(store);
        let about = format!("seed {seed}, no sync from step {from}");
        let end = history.must_have_been(&read_file(&disk::file(left.path())), history.acknowledged(), &about);
        in_doubt += u64::from(end > history.acknowledged());
        disk::forget(&disk);
    }
    println!("{RUNS} failed syncs; {in_doubt} times what was in doubt turned out to be there");
}

#[test]
fn without_room_from_the_first_byte_there_is_a_clear_error_and_later_a_database() {
    let disk = Disk::new(7, Plan { no_writes: Some((0..u64::MAX, ffi::SQLITE_FULL)), ..Plan::default() });
    let trial = || Trial { vfs: Some(disk::NAME.to_owned()), ..Trial::default() };
    let refused = SqliteStore::open_with(&disk.database(), trial()).unwrap_err().to_string();
    assert!(refused.contains("full") && refused.contains("the space on the disk"), "{refused}");
    disk.plan(Plan::default());
    let store = Arc::new(SqliteStore::open_with(&disk.database(), trial()).unwrap());
    assert_eq!(read(&store).len(), 0);
    drop(store);
    disk::forget(&disk);
}
