//! Backups made while others write, and put in another's place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rescind_host::store::{Archive, Component, SCHEMA_VERSION, Session, SqliteStore, Store as _, backup, restore};
use rescind_host::{BackupError, OpenError};
use sha2::{Digest as _, Sha256};

use crate::history::{Ended, History, STORE, read, read_file, wait};

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
        .args(["--exact", "backup::other_process"])
        .env("RESCIND_TEST_FROM", from)
        .env("RESCIND_TEST_TO", to)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_backup_under_load_is_the_state_at_one_commit_and_restored_elsewhere_is_the_same() {
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

#[test]
fn a_start_waits_for_the_backup_that_reads_its_database() {
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
