//! The plain way, for comparison: every write is its own transaction, synced before the call returns.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::component::{self, Component, Kept};
use super::group_commit::{get, keys};
use super::{
    Figures, Keys, Seen, Session, Store, StoreError, Swap, add_to_counter, batch_bucket, check_component, check_key,
    check_value, database,
};
use crate::error::OpenError;

/// A key-value store whose every write is durable when the call returns (`--store per-write-commit`).
///
/// The same file and layout as [`super::SqliteStore`]; one connection, as in Spin.
#[derive(Debug)]
pub struct PerWriteStore {
    inner: Mutex<Inner>,
    /// Keeps other processes away for as long as the store lives.
    _database: database::Database,
}

#[derive(Debug)]
struct Inner {
    /// `None` once the store is closed.
    connection: Option<Connection>,
    figures: Figures,
}

impl PerWriteStore {
    /// Opens the database at `path`, creating it if there is none, and checks it.
    ///
    /// # Errors
    /// [`OpenError`] if the file is in use by another process, damaged, of another layout or not accessible.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let database = database::Database::open(path, None)?;
        let connection = Some(database.writer()?);
        Ok(Self { inner: Mutex::new(Inner { connection, figures: Figures::default() }), _database: database })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let inner = self.inner();
        read(inner.connection.as_ref().ok_or_else(closed)?)
            .map_err(|error| StoreError::Read { reason: error.to_string() })
    }

    /// Runs one transaction. `work` says whether it wrote.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<(T, bool), StoreError>) -> Result<T, StoreError> {
        let mut inner = self.inner();
        let connection = inner.connection.as_mut().ok_or_else(closed)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(lost)?;
        let (answer, wrote) = work(&transaction)?;
        if !wrote {
            return Ok(answer);
        }
        let result = transaction.commit();
        let figures = &mut inner.figures;
        if let Err(error) = result {
            figures.failed_commits = figures.failed_commits.saturating_add(1);
            if !database::is_recoverable(&error) {
                // Only a new start finds out what is on the disk.
                tracing::error!(%error, "the database failed; the store has stopped");
                inner.connection = None;
            }
            return Err(lost(error));
        }
        figures.commits = figures.commits.saturating_add(1);
        figures.writes = figures.writes.saturating_add(1);
        if let Some(count) = figures.batches.get_mut(batch_bucket(1)) {
            *count = count.saturating_add(1);
        }
        Ok(answer)
    }
}

impl Store for PerWriteStore {
    fn get(&self, _session: &Session, store: &str, key: &str) -> Result<Seen, StoreError> {
        Ok(Seen { value: self.read(|connection| get(connection, store, key))?, commits: None })
    }

    fn set(&self, _session: &Session, store: &str, key: &str, value: Bytes) -> Result<(), StoreError> {
        check_key(key)?;
        check_value(&value)?;
        self.write(|transaction| put(transaction, store, key, &value).map(|()| ((), true)))
    }

    fn delete(&self, _session: &Session, store: &str, key: &str) -> Result<(), StoreError> {
        check_key(key)?;
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(database::DELETE).map_err(lost)?;
            statement.execute(params![store, key]).map_err(lost)?;
            Ok(((), true))
        })
    }

    fn keys(&self, _session: &Session, store: &str, after: Option<&str>, limit: usize) -> Result<Keys, StoreError> {
        let keys = self.read(|connection| keys(connection, store, after.unwrap_or(""), limit))?;
        let next = if keys.len() < limit { None } else { keys.last().cloned() };
        Ok(Keys { keys, next })
    }

    fn increment(&self, _session: &Session, store: &str, key: &str, delta: i64) -> Result<i64, StoreError> {
        check_key(key)?;
        self.write(|transaction| {
            let stored = get(transaction, store, key).map_err(lost)?;
            let sum = add_to_counter(key, stored.as_deref(), delta)?;
            put(transaction, store, key, &sum.to_le_bytes())?;
            Ok((sum, true))
        })
    }

    fn swap(&self, _session: &Session, store: &str, key: &str, seen: &Seen, value: Bytes) -> Result<Swap, StoreError> {
        check_key(key)?;
        check_value(&value)?;
        let outcome = self.write(|transaction| {
            if get(transaction, store, key).map_err(lost)? != seen.value {
                return Ok((Swap::Changed, false));
            }
            put(transaction, store, key, &value)?;
            Ok((Swap::Done, true))
        });
        let mut inner = self.inner();
        inner.figures.swaps = inner.figures.swaps.saturating_add(1);
        if outcome == Ok(Swap::Changed) {
            inner.figures.failed_swaps = inner.figures.failed_swaps.saturating_add(1);
        }
        outcome
    }

    fn durable<'a>(&'a self, _session: &'a Session) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.inner().connection.as_ref().map(|_| ()).ok_or_else(closed)
    }

    fn blocks(&self) -> bool {
        true
    }

    fn keep_component(&self, component: &Component) -> Result<Kept, StoreError> {
        check_component(component)?;
        let inner = self.inner();
        component::keep(inner.connection.as_ref().ok_or_else(closed)?, component).map_err(lost)
    }

    fn figures(&self) -> Figures {
        self.inner().figures.clone()
    }

    fn close(&self) {
        let connection = self.inner().connection.take();
        if let Some(Err((_, error))) = connection.map(Connection::close) {
            tracing::warn!(%error, "the database was not closed cleanly; the next start recovers it");
        }
    }
}

fn put(transaction: &Transaction<'_>, store: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(database::UPSERT).map_err(lost)?;
    statement.execute(params![store, key, value]).map_err(lost)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn lost(error: rusqlite::Error) -> StoreError {
    StoreError::Lost { reason: error.to_string() }
}

fn closed() -> StoreError {
    StoreError::Stopped { reason: "it was closed, or the database failed: see the log".to_owned() }
}
