//! The SQLite file: opening it safely, and the table layout it shares with Spin's default key-value store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, ffi};

use super::{backup, clean_stop, restore, schema};
use crate::error::OpenError;
use crate::limits;

/// The table as Spin creates it: a database moves between both hosts.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
)";

/// How the file of a database begins.
const HEAD: &[u8; 16] = b"SQLite format 3\0";

/// Name, declared type, not-null flag and position in the primary key of each column.
const COLUMNS: [(&str, &str, bool, i64); 3] =
    [("store", "TEXT", true, 1), ("key", "TEXT", true, 2), ("value", "BLOB", true, 0)];

/// Reads one value.
pub(super) const SELECT: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
/// Writes one value.
pub(super) const UPSERT: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (store, key) DO UPDATE SET value = ?3";
/// Removes one value.
pub(super) const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
/// Reads one page of keys.
pub(super) const SELECT_KEYS: &str =
    "SELECT key FROM spin_key_value WHERE store = ?1 AND key > ?2 ORDER BY key LIMIT ?3";

/// The file, held for this process alone.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    /// How SQLite reaches the file, if not as it always does.
    vfs: Option<String>,
    /// Released by the operating system when the process ends, however it ends.
    lock: File,
    /// Whether everything is on the disk and nothing went wrong.
    clean: AtomicBool,
}

impl Drop for Database {
    /// Dropped after every connection to the file.
    fn drop(&mut self) {
        if self.clean.load(Ordering::Acquire)
            && let Err(error) = clean_stop::set(&self.lock, &self.path)
        {
            tracing::warn!(%error, "the clean stop could not be noted; the next start checks the whole database");
        }
    }
}

impl Database {
    /// Takes the file for this process and checks it, creating it if it does not exist. `vfs` is for tests.
    pub(super) fn open(path: &Path, vfs: Option<&str>) -> Result<Self, OpenError> {
        let lock = take_lock(path)?;
        let unusable = |error: std::io::Error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
        refuse_interrupted(&lock, path)?;
        let untouched = clean_stop::take(&lock, path).map_err(unusable)?;
        let depth = if untouched { Depth::Layout } else { Depth::Whole };
        match check(path, vfs, depth) {
            // Whoever reads it for a backup is soon done, and must not keep a server from coming back.
            Err(OpenError::InUse { .. }) if backup::wait_for_running(path) => check(path, vfs, depth)?,
            checked => checked?,
        }
        Ok(Self { path: path.to_owned(), vfs: vfs.map(str::to_owned), lock, clean: AtomicBool::new(false) })
    }

    /// Everything is on the disk and nothing will be written any more. Noted when the last connection is closed.
    pub(super) fn stopped_cleanly(&self) {
        self.clean.store(true, Ordering::Release);
    }

    /// A connection that writes: write-ahead log, every commit synced to the disk before it counts.
    pub(super) fn writer(&self) -> Result<Connection, OpenError> {
        let failed = |error: rusqlite::Error| classify(&self.path, &error);
        let mut connection = connect(&self.path, self.vfs.as_deref(), OpenFlags::default()).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        // FULL: the log is synced at every commit. NORMAL would lose the last commits in a power cut.
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "wal_autocheckpoint", limits::WAL_PAGES).map_err(failed)?;
        connection.pragma_update(None, "journal_size_limit", limits::WAL_FILE_BYTES).map_err(failed)?;
        self.tune(&connection).map_err(failed)?;
        connection.execute_batch(CREATE_TABLE).map_err(failed)?;
        schema::migrate(&self.path, &mut connection, schema::MIGRATIONS)?;
        Ok(connection)
    }

    /// A connection that only reads. Sees exactly what is durable.
    pub(super) fn reader(&self) -> Result<Connection, OpenError> {
        let failed = |error: rusqlite::Error| classify(&self.path, &error);
        // Not opened read-only: such a connection, closed last, would leave the log's files behind.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(&self.path, self.vfs.as_deref(), flags).map_err(failed)?;
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        self.tune(&connection).map_err(failed)?;
        Ok(connection)
    }

    fn tune(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        // A negative number is KiB, a positive one would be pages.
        let kib = i64::from(limits::SQLITE_CACHE_KIB).saturating_neg();
        connection.pragma_update(None, "cache_size", kib)?;
        connection.busy_timeout(Duration::from_secs(5))
    }
}

/// The path of a file that belongs to the database: its name with an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn connect(path: &Path, vfs: Option<&str>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match vfs {
        None => Connection::open_with_flags(path, flags),
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
    }
}

/// Another `rescind serve` on the same file is refused at once, whatever state its database is in.
pub(super) fn take_lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = beside(path, ".lock");
    let unusable = |error: &std::io::Error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| unusable(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}

/// Refuses a file that somebody has open, whatever else it is. A log that a crash left is merged by that.
pub(super) fn refuse_in_use(path: &Path) -> Result<(), OpenError> {
    if !begins_as_a_database(path) {
        // Nobody can have that open; and SQLite would take it for an empty one and delete its log.
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let taken = Connection::open_with_flags(path, flags).and_then(|connection| take_alone(&connection));
    match taken.map_err(|error| classify(path, &error)) {
        Err(in_use @ OpenError::InUse { .. }) => Err(in_use),
        // There is none, or it is damaged: nobody has it open.
        _ => Ok(()),
    }
}

/// Whether a file has the head of a database. One that is empty has none, and neither has one that is not there.
pub(super) fn begins_as_a_database(path: &Path) -> bool {
    let mut head = [0; HEAD.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *HEAD
}

/// Refuses a log whose database is gone: SQLite would delete it without a word.
fn check_log(path: &Path) -> Result<(), OpenError> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let log = size(&beside(path, "-wal"));
    if log == 0 || size(path) > 0 {
        return Ok(());
    }
    let reason = format!("it is empty or not there, and beside it is a log of {log} bytes that belongs to a database");
    Err(OpenError::Damaged { path: path.to_owned(), reason })
}

/// Fails if somebody else has the file open.
fn take_alone(connection: &Connection) -> rusqlite::Result<()> {
    // No waiting: whoever holds it now will still hold it in five seconds.
    connection.busy_timeout(Duration::ZERO)?;
    // In this mode the first access needs the whole file. A Spin process that has it open in write-ahead mode holds a
    // shared lock for as long as it lives, so it is noticed even while it is idle.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")
}

/// Refuses a database in whose place a backup is still to be put.
pub(super) fn refuse_interrupted(lock: &File, path: &Path) -> Result<(), OpenError> {
    match restore::interrupted(lock) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(OpenError::Restoring { path: path.to_owned() }),
        Err(error) => Err(OpenError::Unusable { path: path.to_owned(), reason: error.to_string() }),
    }
}

/// How much of a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Every page: nobody knows how the file was left.
    Whole,
    /// Whether it is free and ours. It is as a clean stop left it.
    Layout,
}

/// Refuses a file that is in use, damaged, or not a key-value database.
fn check(path: &Path, vfs: Option<&str>, depth: Depth) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| classify(path, &error);
    check_log(path)?;
    let connection = connect(path, vfs, OpenFlags::default()).map_err(failed)?;
    take_alone(&connection).map_err(failed)?;
    // What is not ours, or not for us yet, need not be sound.
    check_layout(path, &connection)?;
    schema::check(path, &connection)?;
    if depth == Depth::Whole {
        reported(path, || check_pages(path, &connection))?;
    }
    connection.close().map_err(|(_, error)| failed(error))
}

/// Refuses a file with a page that is not as it has to be.
pub(super) fn check_pages(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let found = found.map_err(|error| classify(path, &error))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), reason: found }) }
}

/// Runs the check, which reads the whole file, and lets the log say that the start takes time, and why.
fn reported<T>(path: &Path, check: impl FnOnce() -> T) -> T {
    let (started, bytes) = (Instant::now(), std::fs::metadata(path).map_or(0, |file| file.len()));
    if bytes > 0 {
        tracing::info!(database = %path.display(), bytes, "checking the whole database: it was not stopped cleanly, or is not where it was");
    }
    let checked = std::thread::scope(|scope| {
        let (done, waiting) = mpsc::channel::<()>();
        scope.spawn(move || {
            while waiting.recv_timeout(limits::CHECK_REPORT_INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                tracing::info!(bytes, seconds = started.elapsed().as_secs(), "still checking the database");
            }
        });
        let checked = check();
        drop(done);
        checked
    });
    if bytes > 0 {
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(bytes, took_ms, "checked the database");
    }
    checked
}

/// Refuses the database of something else. One without any table is nobody's yet.
pub(super) fn check_layout(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| classify(path, &error);
    let other_layout = |found: String| OpenError::Layout { path: path.to_owned(), found };
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info('spin_key_value') ORDER BY cid")
        .map_err(failed)?;
    let columns = statement
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?, row.get::<_, i64>(3)?))
        })
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    if columns.is_empty() {
        let stranger: Option<String> = connection
            .query_row(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()
            .map_err(failed)?;
        return match stranger {
            None => Ok(()),
            Some(table) => Err(other_layout(format!("a table {table:?} and no table \"spin_key_value\""))),
        };
    }
    let expected = COLUMNS.map(|(name, kind, not_null, pk)| (name.to_owned(), kind.to_owned(), not_null, pk));
    if columns != expected {
        return Err(other_layout(format!("the columns {columns:?} (name, type, not null, place in the key)")));
    }
    Ok(())
}

/// What an SQLite error at opening means to the operator.
pub(super) fn classify(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path, reason: error.to_string() }
        }
        _ => OpenError::Unusable { path, reason: error.to_string() },
    }
}

/// Whether the file itself is still sound after this error, so that the next transaction may be tried.
///
/// The line is the sync. A transaction is written behind the end of the log and counts when the log was synced with its
/// commit mark in it. If the *writing* fails (no space, a quota, a file system that became read-only), there was no sync:
/// what stands behind the end of the log is overwritten by the next transaction, whose own sync covers all of it. So
/// nothing of the failed one is there, nothing of an earlier one was touched, and as soon as there is room it goes on.
/// After a failed *sync* nobody knows what is on the disk, and the system may take the pages for written: a later sync that
/// succeeds proves nothing about them. The same after a failed read, and after a failure behind the sync (the log's
/// index), where the transaction may come back whole. Then only a new start finds out what is there.
pub(super) fn is_recoverable(error: &rusqlite::Error) -> bool {
    let Some(failure) = error.sqlite_error() else {
        return false;
    };
    match failure.extended_code {
        ffi::SQLITE_IOERR_WRITE => true,
        // Somebody moved another file into its place.
        ffi::SQLITE_READONLY_DBMOVED => false,
        _ => matches!(
            failure.code,
            ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::TooBig
                | ErrorCode::OperationInterrupted
        ),
    }
}
