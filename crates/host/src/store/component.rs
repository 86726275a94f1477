//! The archive of components: the exact bytes of everything that ever decided here, under their SHA-256, in the same
//! file as the records that name them. So a replay of an old decision finds what made it, and a backup has both.
//!
//! A table of our own: the one that is shared with Spin stays as Spin makes it.

use std::fmt;
use std::path::Path;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::database;
use crate::error::{ArchiveError, OpenError};

/// Made after the table that is shared with Spin, by whose absence a foreign file is known.
pub(super) const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS rescind_component (
    digest     TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    bytes      BLOB NOT NULL
)";

const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'rescind_component'";
const SELECT: &str = "SELECT name, kept_at_ms, bytes FROM rescind_component WHERE digest = ?1";
const SELECT_ALL: &str = "SELECT digest, name, kept_at_ms, bytes FROM rescind_component ORDER BY kept_at_ms, digest";
const UPSERT: &str = "INSERT INTO rescind_component (digest, name, kept_at_ms, bytes) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (digest) DO UPDATE SET bytes = ?4";

/// A component as it was read from its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Component {
    name: String,
    digest: String,
    bytes: Bytes,
}

impl Component {
    /// A component of this name, which is only for people.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { name: name.into(), digest: hex::encode(Sha256::digest(&bytes)), bytes }
    }

    /// Reads a component file. Its name is that of the file, without the ending.
    ///
    /// # Errors
    /// The system's.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self::new(name, std::fs::read(path)?))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal digits: what records name it by.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: there are many.
        f.debug_struct("Component").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// What keeping a component came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was there, byte for byte.
    Already,
    /// It was written.
    Now,
    /// Other bytes stood under its digest: the file was damaged there. The right ones are in their place now.
    Repaired,
}

/// One entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called by.
    pub digest: String,
    /// What people called it when it was first kept.
    pub name: String,
    /// When that was, in milliseconds since 1970.
    pub kept_at_ms: i64,
    /// Size in bytes.
    pub size: usize,
    /// Whether its bytes still have this digest.
    pub whole: bool,
}

/// The archive of a database, for reading, also while a server has it open.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    /// A database that no server of this version has opened yet has no archive.
    exists: bool,
}

impl Archive {
    /// Opens the archive of the database at `path`.
    ///
    /// # Errors
    /// [`OpenError`] if there is no such database or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error: rusqlite::Error| database::classify(path, &error);
        // Not read-only, for the same reason as the store's readers; but nothing is created.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
        let exists = connection.query_row(EXISTS, [], |_| Ok(())).optional().map_err(failed)?.is_some();
        Ok(Self { connection, exists })
    }

    /// Everything in it, oldest first. Every entry's bytes are checked.
    ///
    /// # Errors
    /// [`ArchiveError::Read`] if the database fails.
    pub fn list(&self) -> Result<Vec<Entry>, ArchiveError> {
        if !self.exists {
            return Ok(Vec::new());
        }
        let entry = |row: &rusqlite::Row<'_>| {
            let digest: String = row.get(0)?;
            let bytes = row.get_ref(3)?.as_bytes()?;
            let whole = hex::encode(Sha256::digest(bytes)) == digest;
            Ok(Entry { digest, name: row.get(1)?, kept_at_ms: row.get(2)?, size: bytes.len(), whole })
        };
        let mut statement = self.connection.prepare(SELECT_ALL)?;
        let entries = statement.query_map([], entry)?.collect::<Result<_, _>>()?;
        Ok(entries)
    }

    /// The component with this digest, checked.
    ///
    /// # Errors
    /// [`ArchiveError`] if it is not there, its bytes have another digest, or the database fails.
    pub fn get(&self, digest: &str) -> Result<Component, ArchiveError> {
        let row = if self.exists { find(&self.connection, digest)? } else { None };
        let (name, bytes) = row.ok_or_else(|| ArchiveError::Missing { digest: digest.to_owned() })?;
        let component = Component::new(name, bytes);
        if component.digest == digest {
            Ok(component)
        } else {
            Err(ArchiveError::Damaged { digest: digest.to_owned(), found: component.digest })
        }
    }
}

fn find(connection: &Connection, digest: &str) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
    connection.query_row(SELECT, [digest], |row| Ok((row.get(0)?, row.get(2)?))).optional()
}

/// Writes a component unless it is there. Its own transaction, synced.
pub(super) fn keep(connection: &Connection, component: &Component) -> rusqlite::Result<Kept> {
    let there = find(connection, &component.digest)?;
    if there.as_ref().is_some_and(|(_, bytes)| *bytes == component.bytes) {
        return Ok(Kept::Already);
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    connection.execute(UPSERT, params![component.digest, component.name, now, &*component.bytes])?;
    Ok(if there.is_some() { Kept::Repaired } else { Kept::Now })
}
