//! Backups, and putting them in a database's place.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rescind_host::store::{Archive, Component, SCHEMA_VERSION, Session, SqliteStore, Store as _, backup, restore};
use rescind_host::{BackupError, OpenError};
use sha2::{Digest as _, Sha256};

use crate::history::{STORE, read_file, wait};

fn sha256(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A database with one value, closed.
fn database(path: &Path, value: &'static str) {
    let store = SqliteStore::open(path).unwrap();
    store.set(&Session::new(), STORE, "key", Bytes::from_static(value.as_bytes())).unwrap();
    store.keep_component(&Component::new("refunds", &b"\0asm"[..])).unwrap();
}

fn value(path: &Path) -> String {
    String::from_utf8(read_file(path)["key"].to_vec()).unwrap()
}

#[test]
fn a_backup_needs_no_server_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("rescind.db"), folder.path().join("copy.db"));
    assert!(matches!(backup::make(&path, &to), Err(BackupError::File { .. })), "there is no database yet");
    assert_eq!(names(folder.path()), Vec::<String>::new());
    database(&path, "one");
    let manifest = backup::make(&path, &to).unwrap();
    assert_eq!((manifest.keys, manifest.components), (1, 1));
    assert_eq!(manifest.rescind, env!("CARGO_PKG_VERSION"));
    assert!(matches!(backup::make(&path, &to), Err(BackupError::Taken { .. })));
    fs::remove_file(&to).unwrap();
    assert!(matches!(backup::make(&path, &to), Err(BackupError::Taken { .. })), "its manifest is there");
    let ours = ["copy.db.manifest.json", "rescind.db", "rescind.db.backup-lock", "rescind.db.lock"];
    assert_eq!(names(folder.path()), ours);
    // Something that is no database of ours is not copied, and leaves nothing.
    fs::write(&path, "notes, not a database. ".repeat(100)).unwrap();
    let refused = backup::make(&path, &folder.path().join("other.db"));
    assert!(matches!(refused, Err(BackupError::Database(OpenError::Damaged { .. }))), "{refused:?}");
    assert_eq!(names(folder.path()), ours);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_backup() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("rescind.db"), folder.path().join("copy.db"));
    database(&path, "one");
    backup::make(&path, &to).unwrap();
    for file in [to.clone(), backup::manifest_path(&to)] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_was_erased_is_not_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("rescind.db"), folder.path().join("copy.db"));
    let store = SqliteStore::open(&path).unwrap();
    let session = Session::new();
    let secret = "the address of a customer, ".repeat(200);
    store.set(&session, STORE, "personal", Bytes::from(secret.clone())).unwrap();
    store.set(&session, STORE, "other", Bytes::from_static(b"stays")).unwrap();
    wait(&store, &session).unwrap();
    store.delete(&session, STORE, "personal").unwrap();
    wait(&store, &session).unwrap();
    drop(store);
    let holds = |path: &Path| fs::read(path).unwrap().windows(26).any(|bytes| bytes == &secret.as_bytes()[..26]);
    assert!(holds(&path), "SQLite keeps freed pages as they are; if it does not any more, this test shows nothing");
    backup::make(&path, &to).unwrap();
    assert!(!holds(&to));
}

/// A backup of a database with one value.
fn backed_up(folder: &Path) -> PathBuf {
    let (path, to) = (folder.join("origin.db"), folder.join("copy.db"));
    database(&path, "from the backup");
    backup::make(&path, &to).unwrap();
    to
}

#[test]
fn damaged_newer_and_incomplete_backups_are_refused_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let copy = backed_up(folder.path());
    let target = folder.path().join("rescind.db");
    let (bytes, manifest) = (fs::read(&copy).unwrap(), fs::read_to_string(backup::manifest_path(&copy)).unwrap());
    let refused = |about: &str| {
        let verified = backup::verify(&copy).unwrap_err();
        let restored = restore(&copy, &target, true).unwrap_err();
        assert_eq!(verified.to_string(), restored.to_string(), "{about}");
        assert!(!target.exists(), "{about}");
        fs::write(&copy, &bytes).unwrap();
        fs::write(backup::manifest_path(&copy), &manifest).unwrap();
        verified
    };
    let describe = |from: &str, to: &str| {
        assert!(manifest.contains(from), "{manifest}");
        fs::write(backup::manifest_path(&copy), manifest.replace(from, to)).unwrap();
    };

    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&copy, changed).unwrap();
    assert!(matches!(refused("one bit"), BackupError::Damaged { .. }));
    fs::write(&copy, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(refused("one byte less"), BackupError::Damaged { .. }));
    describe("rescind-backup/1", "rescind-backup/2");
    assert!(matches!(refused("a later format"), BackupError::Newer { .. }));
    describe(&format!("\"schema\": {SCHEMA_VERSION}"), &format!("\"schema\": {}", SCHEMA_VERSION + 1));
    assert!(matches!(refused("a later schema"), BackupError::Newer { .. }));
    describe("\"keys\": 1", "\"keys\": 2");
    assert!(matches!(refused("another number of keys"), BackupError::Damaged { .. }));
    describe("rescind-backup/1", "something else");
    assert!(matches!(refused("no manifest of ours"), BackupError::Manifest { .. }));
    fs::remove_file(backup::manifest_path(&copy)).unwrap();
    assert!(matches!(refused("no manifest"), BackupError::Manifest { .. }));

    // A later schema that the manifest does not tell of.
    let connection = rusqlite::Connection::open(&copy).unwrap();
    connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    drop(connection);
    let size = fs::metadata(&copy).unwrap().len();
    describe(&Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>(), &sha256(&copy));
    assert_eq!(size, u64::try_from(bytes.len()).unwrap());
    assert!(matches!(refused("a later schema in the copy alone"), BackupError::Newer { .. }));
    assert!(restore(&copy, &target, false).is_ok());
    assert_eq!(value(&target), "from the backup");
}

#[test]
fn a_database_that_is_there_is_kept_and_only_replaced_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let copy = backed_up(folder.path());
    let target = folder.path().join("rescind.db");
    // One without any row, as a first start that failed leaves it, is in nobody's way.
    drop(SqliteStore::open(&target).unwrap());
    assert_eq!(restore(&copy, &target, false).unwrap().kept.map(|kept| read_file(&kept).len()), Some(0));
    assert_eq!(value(&target), "from the backup");

    // Nor is a file of nothing.
    let nothing = folder.path().join("nothing.db");
    fs::write(&nothing, "").unwrap();
    restore(&copy, &nothing, false).unwrap();
    assert_eq!(value(&nothing), "from the backup");

    let other = folder.path().join("other.db");
    database(&other, "what was there");
    assert!(matches!(restore(&copy, &other, false), Err(BackupError::Occupied { .. })));
    assert_eq!(value(&other), "what was there");
    let restored = restore(&copy, &other, true).unwrap();
    assert_eq!(value(&other), "from the backup");
    assert_eq!(value(&restored.kept.unwrap()), "what was there");
    assert_eq!(Archive::open(&other).unwrap().list().unwrap().len(), 1);

    // Damaged, it is kept as it is.
    let broken = folder.path().join("broken.db");
    fs::write(&broken, "no database").unwrap();
    fs::write(folder.path().join("broken.db-wal"), "its log").unwrap();
    assert!(matches!(restore(&copy, &broken, false), Err(BackupError::Occupied { .. })));
    let kept = restore(&copy, &broken, true).unwrap().kept.unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "no database");
    let mut log = kept.into_os_string();
    log.push("-wal");
    assert_eq!(fs::read_to_string(log).unwrap(), "its log");
    assert_eq!(value(&broken), "from the backup");
}

#[test]
fn nothing_is_restored_over_a_database_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let copy = backed_up(folder.path());
    let target = folder.path().join("rescind.db");
    let store = SqliteStore::open(&target).unwrap();
    let refused = restore(&copy, &target, true);
    assert!(matches!(refused, Err(BackupError::Database(OpenError::InUse { .. }))), "{refused:?}");
    drop(store);
    // Spin, which takes no lock of ours.
    let spin = rusqlite::Connection::open(&target).unwrap();
    spin.query_row("SELECT count(*) FROM spin_key_value", [], |_| Ok(())).unwrap();
    let refused = restore(&copy, &target, true);
    assert!(matches!(refused, Err(BackupError::Database(OpenError::InUse { .. }))), "{refused:?}");
    drop(spin);
    restore(&copy, &target, true).unwrap();
}

#[test]
fn a_restore_that_was_interrupted_serves_nothing_until_it_is_done() {
    // As the power cut finds the names, one after the other: nothing renamed yet, the log, the database, the new one in place.
    for stage in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let copy = backed_up(folder.path());
        let target = folder.path().join("rescind.db");
        let aside = folder.path().join("rescind.db.before-restore-17");
        database(&target, "what was there");
        if stage >= 2 {
            fs::rename(&target, &aside).unwrap();
        }
        if stage == 3 {
            fs::copy(&copy, &target).unwrap();
        }
        fs::write(folder.path().join("rescind.db.lock"), format!("restoring/1 {}", aside.display())).unwrap();
        let refused = SqliteStore::open(&target).unwrap_err();
        assert!(matches!(refused, OpenError::Restoring { .. }), "{refused}");
        assert!(refused.to_string().contains("run the same `rescind restore` again"), "{refused}");
        let restored = restore(&copy, &target, false).unwrap();
        assert_eq!(restored.kept.as_deref(), Some(&*aside), "stage {stage}");
        assert_eq!(value(&aside), "what was there");
        assert_eq!(value(&target), "from the backup");
    }
}
