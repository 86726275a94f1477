//! Backups: a copy of the database as it was at one commit, and beside it a manifest by which it can be checked.
//!
//! The copy is made by a process of its own, beside a server that goes on: SQLite's `VACUUM INTO` reads one state of the
//! database, in a read transaction, while the server's writer adds to its log; nobody waits for anybody. The server has
//! nothing to do with it and no route for it, so a backup needs no key that could be stolen, and works when nothing
//! serves, too. What it costs the server is the log, which cannot be cut back before the copy is made.
//!
//! `VACUUM INTO` rather than a copy of the pages: it takes over every row and nothing else. What was erased and still stood in
//! freed pages is not in the copy, and the copy's pages are new, whatever state those of the original are in.
//!
//! The manifest is put in its place after the copy, both whole and on the disk: a copy without one is not a backup.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{database, schema};
use crate::error::{BackupError, OpenError};
use crate::limits;

/// The form of manifests that this program writes.
pub const FORMAT: &str = "rescind-backup/1";

/// What formats of all versions begin with.
const FORMAT_FAMILY: &str = "rescind-backup/";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the database's schema.
    pub schema: i64,
    /// The version of `rescind` that made it.
    pub rescind: String,
    /// When the copy was begun, in milliseconds since 1970: everything acknowledged before is in it.
    pub made_at_ms: i64,
    /// Size of the copy in bytes.
    pub bytes: u64,
    /// SHA-256 of the copy, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Keys with a value.
    pub keys: u64,
    /// Archived components.
    pub components: u64,
}

/// Where the manifest of a copy is.
#[must_use]
pub fn manifest_path(copy: &Path) -> PathBuf {
    database::beside(copy, ".manifest.json")
}

/// Makes a backup of the database at `from`, which a server may have open, and gives its manifest.
///
/// The copy can be read by its owner only: it holds what the database holds.
///
/// # Errors
/// [`BackupError`]; then there is neither a copy nor a manifest.
pub fn make(from: &Path, to: &Path) -> Result<Manifest, BackupError> {
    let place = manifest_path(to);
    for path in [to, &place] {
        if path.try_exists().map_err(|error| file(path, &error))? {
            return Err(BackupError::Taken { path: path.to_owned() });
        }
    }
    // Dropped after the connection: while it is held, somebody reads.
    let _running = Running::start(from)?;
    let made_at_ms = now_ms();
    let copy = Unfinished::new(to)?;
    write_copy(from, &copy)?;
    let (bytes, sha256) = hash(&mut open(&copy.path)?, &mut io::sink()).map_err(|error| file(&copy.path, &error))?;
    let content = look_into(&copy.path)?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        schema: content.schema,
        rescind: env!("CARGO_PKG_VERSION").to_owned(),
        made_at_ms,
        bytes,
        sha256,
        keys: content.keys,
        components: content.components,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(|error| file(&place, &error))?;
    text.push(b'\n');
    let description = Unfinished::new(&place)?;
    description.file.write_all_to(&text).map_err(|error| file(&place, &error))?;
    copy.finish(to)?;
    if let Err(error) = description.finish(&place) {
        // Without its manifest it is no backup, and its name must not be taken by it.
        std::fs::remove_file(to).unwrap_or(());
        return Err(error);
    }
    Ok(manifest)
}

/// Checks a backup: its manifest, its size and hash, every page of it, and that this program knows its schema.
///
/// # Errors
/// [`BackupError`], naming what is wrong.
pub fn verify(copy: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(copy)?;
    let found = hash(&mut open(copy)?, &mut io::sink()).map_err(|error| file(copy, &error))?;
    compare(copy, &manifest, found)?;
    check_content(copy, copy, &manifest)?;
    Ok(manifest)
}

/// Reads the manifest of a copy, of this version or an older one.
pub(super) fn read_manifest(copy: &Path) -> Result<Manifest, BackupError> {
    let wrong = |reason: String| BackupError::Manifest { path: copy.to_owned(), reason };
    let place = manifest_path(copy);
    let text = File::open(&place).and_then(|file| {
        let mut text = String::new();
        file.take(limits::MANIFEST_BYTES).read_to_string(&mut text).map(|_| text)
    });
    let text = text.map_err(|error| wrong(format!("{}: {error}", place.display())))?;
    let fields: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let newer = |reason: String| BackupError::Newer { path: copy.to_owned(), reason };
    match fields.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => {}
        Some(other) if other.starts_with(FORMAT_FAMILY) => {
            return Err(newer(format!("its format is {other:?}, this program knows {FORMAT:?}")));
        }
        _ => return Err(wrong("its manifest names no format".to_owned())),
    }
    let manifest: Manifest = serde_json::from_value(fields).map_err(|error| wrong(error.to_string()))?;
    if manifest.schema > schema::VERSION {
        let (found, known) = (manifest.schema, schema::VERSION);
        return Err(newer(format!("its schema version is {found}, this program knows 0 to {known}")));
    }
    Ok(manifest)
}

/// Refuses bytes that are not those of the manifest.
pub(super) fn compare(copy: &Path, manifest: &Manifest, found: (u64, String)) -> Result<(), BackupError> {
    let damaged = |reason: String| BackupError::Damaged { path: copy.to_owned(), reason };
    let (bytes, sha256) = found;
    if bytes != manifest.bytes {
        return Err(damaged(format!("it has {bytes} bytes, its manifest says {}", manifest.bytes)));
    }
    if sha256 != manifest.sha256 {
        return Err(damaged(format!("its SHA-256 is {sha256}, its manifest says {}", manifest.sha256)));
    }
    Ok(())
}

/// Refuses a database that is not sound or not the manifest's. It is read at `path` and is the backup `copy`.
pub(super) fn check_content(path: &Path, copy: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let content = look_into(path).map_err(|error| match error {
        OpenError::Newer { found, known, .. } => {
            let reason = format!("its schema version is {found}, this program knows 0 to {known}");
            BackupError::Newer { path: copy.to_owned(), reason }
        }
        OpenError::Damaged { reason, .. } | OpenError::Layout { found: reason, .. } => {
            BackupError::Damaged { path: copy.to_owned(), reason }
        }
        other => BackupError::Database(other),
    })?;
    let expected = Content { schema: manifest.schema, keys: manifest.keys, components: manifest.components };
    if content != expected {
        let reason = format!("it holds {content:?}, its manifest says {expected:?}");
        return Err(BackupError::Damaged { path: copy.to_owned(), reason });
    }
    Ok(())
}

/// Whether somebody was reading the database for a backup, and is done now.
pub(super) fn wait_for_running(path: &Path) -> bool {
    // Perhaps another user's.
    let Ok(lock) = File::open(running_path(path)) else {
        return false;
    };
    let started = Instant::now();
    let mut waited = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return waited,
            Err(TryLockError::WouldBlock) if started.elapsed() < limits::WAIT_FOR_BACKUP => {
                if !waited {
                    tracing::info!(database = %path.display(), "a backup is being made: the start waits for it");
                }
                waited = true;
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(_) => return false,
        }
    }
}

fn running_path(database: &Path) -> PathBuf {
    database::beside(database, ".backup-lock")
}

/// Says to others that a backup is being made, for as long as it lives.
struct Running {
    _lock: File,
}

impl Running {
    fn start(database: &Path) -> Result<Self, BackupError> {
        if !database.try_exists().map_err(|error| file(database, &error))? {
            return Err(file(database, &"there is no such database"));
        }
        let path = running_path(database);
        let lock = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let lock = lock.map_err(|error| file(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(BackupError::Running { path: database.to_owned() }),
            Err(TryLockError::Error(error)) => Err(file(&path, &error)),
        }
    }
}

/// A file that is being written under another name, and is gone unless it is finished.
pub(super) struct Unfinished {
    pub(super) path: PathBuf,
    pub(super) file: Output,
    finished: bool,
}

/// A file that is written from its beginning.
pub(super) struct Output(pub(super) File);

impl Output {
    fn write_all_to(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }
}

impl Unfinished {
    /// In the folder of `to`, so that it can be put in its place by its name alone. Only its owner can read it.
    pub(super) fn new(to: &Path) -> Result<Self, BackupError> {
        let path = database::beside(to, &format!(".unfinished-{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.create_new(true).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path).map_err(|error| file(&path, &error))?;
        Ok(Self { path, file: Output(opened), finished: false })
    }

    /// Puts it in its place: whole, on the disk, and found there after a power cut.
    pub(super) fn finish(mut self, to: &Path) -> Result<(), BackupError> {
        let placed = self.file.0.sync_all().and_then(|()| std::fs::rename(&self.path, to));
        placed.map_err(|error| file(to, &error))?;
        self.finished = true;
        sync_folder(to)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            for ending in ["", "-journal"] {
                std::fs::remove_file(database::beside(&self.path, ending)).unwrap_or(());
            }
        }
    }
}

/// Makes the names in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Elsewhere folders cannot be opened, and names are durable without.
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| file(folder, &error))?;
    }
    Ok(())
}

fn write_copy(from: &Path, copy: &Unfinished) -> Result<(), BackupError> {
    let failed = |error: rusqlite::Error| BackupError::Database(database::classify(from, &error));
    // Not read-only, for the same reason as the store's readers; but nothing is created, and nothing but the copy written.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    database::check_layout(from, &connection)?;
    schema::check(from, &connection)?;
    let name = copy.path.to_str().ok_or_else(|| file(&copy.path, &"SQLite needs a path in UTF-8"))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => file(&copy.path, &error),
        _ => failed(error),
    })?;
    connection.close().map_err(|(_, error)| failed(error))
}

/// What is in a database, as far as a manifest says it.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    schema: i64,
    keys: u64,
    components: u64,
}

/// Looks through every page of a database that nobody has open, without leaving anything beside it.
fn look_into(path: &Path) -> Result<Content, OpenError> {
    let failed = |error: rusqlite::Error| database::classify(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    database::check_layout(path, &connection)?;
    let schema = schema::check(path, &connection)?;
    database::check_pages(path, &connection)?;
    let count = |table: &str| -> rusqlite::Result<u64> {
        let there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        match connection.query_row(there, [table], |_| Ok(())).optional()? {
            None => Ok(0),
            Some(()) => {
                let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
                Ok(u64::try_from(rows).unwrap_or(0))
            }
        }
    };
    let keys = count("spin_key_value").map_err(failed)?;
    let components = count("rescind_component").map_err(failed)?;
    Ok(Content { schema, keys, components })
}

pub(super) fn open(path: &Path) -> Result<File, BackupError> {
    File::open(path).map_err(|error| file(path, &error))
}

/// Size and SHA-256 of everything that is still to be read, which also goes to `to`.
pub(super) fn hash(from: &mut File, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut size = 0_u64;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        digest.update(bytes);
        to.write_all(bytes)?;
        size = size.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok((size, hex::encode(digest.finalize())))
}

pub(super) fn file(path: &Path, reason: &dyn std::fmt::Display) -> BackupError {
    BackupError::File { path: path.to_owned(), reason: reason.to_string() }
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
