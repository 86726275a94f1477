//! Bytes that changed by themselves.

use std::path::Path;

use bytes::Bytes;
use rescind_host::OpenError;
use rescind_host::store::{Session, SqliteStore, Store as _, backup};

use crate::history::{STORE, State, read_file};

const PAGE: usize = 4096;

/// A database with many pages of every kind, closed, and what is in it.
fn database(path: &Path) -> State {
    let store = SqliteStore::open(path).unwrap();
    let session = Session::new();
    for number in 0..600_usize {
        let value = Bytes::from(vec![b'v'; number * 37 % 9000]);
        store.set(&session, STORE, &format!("key-{number:04}"), value).unwrap();
    }
    drop(store);
    read_file(path)
}

#[test]
fn a_page_whose_head_was_changed_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rescind.db");
    database(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0_u32;
    for page in 1..whole.len() / PAGE {
        // Pages of trees alone have a kind; the others are parts of long values.
        if ![2, 5, 10, 13].contains(&whole[page * PAGE]) {
            continue;
        }
        let mut bytes = whole.clone();
        bytes[page * PAGE..page * PAGE + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
        std::fs::write(&path, bytes).unwrap();
        let opened = SqliteStore::open(&path);
        assert!(matches!(opened, Err(OpenError::Damaged { .. })), "page {page}: {opened:?}");
        let said = opened.unwrap_err().to_string();
        assert!(said.contains("rescind.db is damaged") && said.contains("restore it from a backup"), "{said}");
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn one_changed_byte_is_always_noticed_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rescind.db");
    let state = database(&path);
    let copy = folder.path().join("copy.db");
    backup::make(&path, &copy).unwrap();
    let (whole, backed_up) = (std::fs::read(&path).unwrap(), std::fs::read(&copy).unwrap());
    let mut chance = fastrand::Rng::with_seed(11);
    let (mut refused, mut failed, mut changed, mut same) = (0_u32, 0_u32, 0_u32, 0_u32);
    for _ in 0..300 {
        let mut bytes = backed_up.clone();
        let at = chance.usize(0..bytes.len());
        bytes[at] ^= 1 << chance.u8(0..8);
        std::fs::write(&copy, bytes).unwrap();
        assert!(backup::verify(&copy).is_err(), "the byte at {at} was changed and nobody noticed");

        let mut bytes = whole.clone();
        let at = chance.usize(0..bytes.len());
        bytes[at] ^= 1 << chance.u8(0..8);
        std::fs::write(&path, bytes).unwrap();
        let Ok(store) = SqliteStore::open(&path) else {
            refused += 1;
            continue;
        };
        let session = Session::new();
        let read: Result<Vec<Option<Bytes>>, _> =
            state.keys().map(|key| store.get(&session, STORE, key).map(|seen| seen.into_value())).collect();
        match read {
            Err(_) => failed += 1,
            Ok(values) if values.iter().zip(state.values()).all(|(read, held)| read.as_ref() == Some(held)) => {
                same += 1;
            }
            Ok(_) => changed += 1,
        }
    }
    println!(
        "300 changed bytes in a backup: all noticed. In a database: {refused} refused at the start, {failed} at reading, {same} where \
         nothing is, {changed} inside a value or key, which SQLite does not check"
    );
    assert_eq!(refused + failed + same + changed, 300);
}
