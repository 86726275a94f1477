//! A database at rest: held for this process, read, and left byte for byte as it was.
//!
//! Not opened read-only: such a connection cannot keep others away. But nothing is written through it, and its write-ahead
//! log is neither merged nor removed, so that whoever looks at a database after a crash finds what the crash left.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::StoreError;
use super::database::{SELECT, check_layout, classify, refuse_interrupted, take_lock};
use super::schema;
use crate::error::OpenError;

/// What is wrong with a damaged database, at most: the first lines say enough.
const DAMAGES: u32 = 20;

const SELECT_ROWS: &str = "SELECT key, value FROM spin_key_value WHERE store = ?1 AND key > ?2 ORDER BY key LIMIT ?3";

/// A key with its value.
pub type Row = (String, Vec<u8>);

/// A database that nobody else has open.
#[derive(Debug)]
pub struct Resting {
    connection: Connection,
    /// Whether anything was ever stored.
    exists: bool,
    /// Keeps other processes away; released when this is dropped.
    _lock: std::fs::File,
}

impl Resting {
    /// Takes a database that is there. Nothing is created but the file beside it that keeps others away.
    ///
    /// # Errors
    /// [`OpenError`] if there is none, another process has it open, or it is not one of ours.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error: rusqlite::Error| classify(path, &error);
        if let Err(error) = std::fs::metadata(path) {
            return Err(OpenError::Unusable { path: path.to_owned(), reason: error.to_string() });
        }
        let lock = take_lock(path)?;
        refuse_interrupted(&lock, path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
        // As at a start: a Spin process that has it open is noticed even while it is idle.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
        connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").map_err(failed)?;
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        check_layout(path, &connection)?;
        schema::check(path, &connection)?;
        let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'spin_key_value'";
        let exists = connection.query_row(table, [], |_| Ok(())).optional().map_err(failed)?.is_some();
        Ok(Self { connection, exists, _lock: lock })
    }

    /// Looks at every page and every index of the file; gives what is wrong with it, nothing if it is sound.
    ///
    /// # Errors
    /// [`StoreError::Read`] if not even that is possible.
    pub fn damages(&self) -> Result<Vec<String>, StoreError> {
        let check = || {
            let mut statement = self.connection.prepare(&format!("PRAGMA integrity_check({DAMAGES})"))?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.collect::<Result<Vec<_>, _>>()
        };
        let lines = check().map_err(|error| unread(&error))?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Reads one value.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the database fails.
    pub fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.exists {
            return Ok(None);
        }
        let read = || {
            let mut statement = self.connection.prepare_cached(SELECT)?;
            statement.query_row(params![store, key], |row| row.get(0)).optional()
        };
        read().map_err(|error| unread(&error))
    }

    /// At most `limit` keys that follow one, in ascending order of their bytes, each with its value.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the database fails.
    pub fn rows(&self, store: &str, after: Option<&str>, limit: usize) -> Result<Vec<Row>, StoreError> {
        if !self.exists {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || {
            let mut statement = self.connection.prepare_cached(SELECT_ROWS)?;
            let rows = statement.query_map(params![store, after.unwrap_or(""), limit], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|error| unread(&error))
    }
}

fn unread(error: &rusqlite::Error) -> StoreError {
    StoreError::Read { reason: error.to_string() }
}
