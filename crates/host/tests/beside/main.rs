//! Backups made by a process of its own, beside one that has the database open.
//!
//! A program by themselves, one after the other: for a moment a process that is being started has a copy of every open file
//! of whoever starts it, and with them their locks.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

#[allow(dead_code, reason = "not all of it is needed here")]
#[path = "../store/history.rs"]
mod history;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rescind_host::store::{SCHEMA_VERSION, Session, SqliteStore, Store as _, backup, restore};
use sha2::{Digest as _, Sha256};

use history::{Ended, History, STORE, read, read_file, wait};

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sha256(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs as a process of its own when a test asks for it; does nothing in an ordinary run.
#[test]
fn other_process() {
    if let (Ok(from), Ok(to)) = (std::env::var("RESCIND_TEST_FROM"), std::env::var("RESCIND_TEST_TO")) {
        backup::make(from.as_ref(), to.as_ref()).unwrap();
    }
}

/// Makes a backup as the command does: beside whoever has the database open.
fn in_another_process(from: &Path, to: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "other_process"])
        .env("RESCIND_TEST_FROM", from)
        .env("RESCIND_TEST_TO", to)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_backup_under_load_is_the_state_at_one_commit_and_restored_elsewhere_is_the_same() {
    let _alone = alone();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = here.path().join("rescind.db");
    let history = History::default();
    let store = SqliteStore::open_with(&path, history.trial()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..4_u64 {
            let (history, store, stop) = (&history, &store, &stop);
            scope.spawn(move || {
                let mut chance = fastrand::Rng::with_seed(writer);
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(history.session(store, &mut chance), Ended::Durable);
                }
            });
        }
        let mut last = 0;
        for round in 0..8 {
            let to = there.path().join(format!("{round}.db"));
            let (acknowledged, before) = (history.acknowledged(), history.sessions());
            assert!(in_another_process(&path, &to).wait().unwrap().success());
            let after = history.sessions();
            assert!(after > before, "nobody wrote while it was made");
            let manifest = backup::verify(&to).unwrap();
            assert_eq!((manifest.schema, manifest.sha256.clone()), (SCHEMA_VERSION, sha256(&to)));

            let elsewhere = there.path().join(format!("restored-{round}.db"));
            let restored = restore(&to, &elsewhere, false).unwrap();
            assert_eq!((restored.manifest, restored.kept), (manifest.clone(), None));
            assert_eq!(sha256(&elsewhere), manifest.sha256);
            let state = read_file(&elsewhere);
            assert_eq!(u64::try_from(state.len()).unwrap(), manifest.keys);
            let end = history.must_have_been(&state, acknowledged, &format!("backup {round}"));
            assert!(end >= last);
            last = end;
        }
        stop.store(true, Ordering::Relaxed);
    });
    // The writer saw no stranger, and nothing failed.
    let figures = store.figures();
    assert_eq!((figures.failed_commits, figures.failed_checkpoints), (0, 0));
    println!("8 backups during {} commits", figures.commits);
    assert_eq!(history.must_have_been(&read(&store), history.written(), "the end"), history.written());
}

#[test]
fn a_start_waits_for_the_backup_that_reads_its_database() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("rescind.db"), folder.path().join("copy.db"));
    // So large that reading it takes a moment.
    let store = SqliteStore::open(&path).unwrap();
    let session = Session::new();
    for number in 0..400 {
        store.set(&session, STORE, &format!("key-{number}"), Bytes::from(vec![7; 200_000])).unwrap();
        if number % 100 == 0 {
            wait(&store, &session).unwrap();
        }
    }
    drop(store);
    let mut backup = in_another_process(&path, &to);
    while !names(folder.path()).iter().any(|name| name.contains(".unfinished-")) {
        assert_eq!(backup.try_wait().unwrap(), None, "it was done before it was looked at");
        std::thread::yield_now();
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(read(&store).len(), 400);
    assert!(backup.wait().unwrap().success());
    assert_eq!(backup::verify(&to).unwrap().keys, 400);
}
