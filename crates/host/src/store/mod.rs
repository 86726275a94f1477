//! The key-value stores of the host: one trait, two implementations over one SQLite file in the layout of Spin's
//! default store.
//!
//! | | [`SqliteStore`] | [`PerWriteStore`] |
//! |---|---|---|
//! | a write | visible at once, durable with the next commit | durable when the call returns |
//! | one commit | everything that queued up during the one before | one write |
//! | who waits | the request's answer and its outbound requests | the call |
//!
//! A [`Session`] is one request's view: it remembers the newest write that the request made or saw. Nothing that the
//! request says to the outside may leave before [`Store::durable`] has answered for its session.

pub mod backup;
mod clean_stop;
pub mod component;
mod database;
mod group_commit;
mod per_write;
mod resting;
mod restore;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use component::{Archive, Component, Kept};
pub use group_commit::SqliteStore;
#[doc(hidden)]
pub use group_commit::{Told, Trial};
pub use per_write::PerWriteStore;
pub use resting::Resting;
pub use restore::{Restored, restore};
pub use schema::VERSION as SCHEMA_VERSION;

use crate::limits;

/// What one request has made and seen: the number of the newest write, 0 if none that was not already durable.
#[derive(Debug, Default)]
pub struct Session {
    seen: AtomicU64,
}

impl Session {
    /// A session that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the newest write this session made or saw, 0 if none.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    fn see(&self, sequence: u64) {
        self.seen.fetch_max(sequence, Ordering::AcqRel);
    }
}

/// A value as it was read, and when: what a later [`Store::swap`] compares with.
#[derive(Debug, Clone)]
pub struct Seen {
    value: Option<Bytes>,
    /// Number of commits when it was read from the file, or `None` if it was read from writes not yet durable.
    commits: Option<u64>,
}

impl Seen {
    /// The value, `None` if the key had none.
    #[must_use]
    pub fn value(&self) -> Option<&Bytes> {
        self.value.as_ref()
    }

    /// The value itself, `None` if the key had none.
    #[must_use]
    pub fn into_value(self) -> Option<Bytes> {
        self.value
    }
}

/// What came of a compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The value was as expected and the new one is in its place.
    Done,
    /// The value was another one; nothing was written.
    Changed,
}

/// One page of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Keys in ascending order of their bytes.
    pub keys: Vec<String>,
    /// Where the next page starts, `None` if this was the last.
    pub next: Option<String>,
}

/// Why a store refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting for the disk. Try again shortly.
    #[error("the store is busy: {waiting} writes wait for the disk; try again in a moment")]
    Busy {
        /// Writes that are waiting.
        waiting: usize,
    },
    /// A write this session made or saw could not be made durable.
    #[error(
        "a write this request made or saw was not made durable ({reason}); nothing of it is in the store, try again"
    )]
    Lost {
        /// What the database said.
        reason: String,
    },
    /// The store stopped for good.
    #[error("the store has stopped: {reason}; no write is taken until the host is restarted")]
    Stopped {
        /// What happened.
        reason: String,
    },
    /// The key is empty or too long.
    #[error("a key must have 1 to {} bytes, this one has {bytes}", limits::KEY_BYTES)]
    KeySize {
        /// Its size.
        bytes: usize,
    },
    /// The value is too large.
    #[error("a value must have at most {} bytes, this one has {bytes}", limits::VALUE_BYTES)]
    ValueSize {
        /// Its size.
        bytes: usize,
    },
    /// `increment` met a value that is not a counter, or the sum does not fit.
    #[error("cannot increment {key:?}: {reason}")]
    Counter {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The component is too large to be archived.
    #[error("a component must have at most {} bytes, this one has {bytes}", limits::COMPONENT_BYTES)]
    ComponentSize {
        /// Its size.
        bytes: usize,
    },
    /// The database failed to read.
    #[error("the database could not be read: {reason}")]
    Read {
        /// What the database said.
        reason: String,
    },
}

/// Upper bounds of the buckets in which sizes of commits are counted; the last is open.
pub const BATCH_BUCKETS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];

/// What the store did since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions made durable.
    pub commits: u64,
    /// Transactions that failed.
    pub failed_commits: u64,
    /// Writes in all durable transactions.
    pub writes: u64,
    /// Durable transactions by number of writes, one count per bound of [`BATCH_BUCKETS`] and one for larger; not cumulative.
    pub batches: [u64; 11],
    /// Compare-and-swaps tried.
    pub swaps: u64,
    /// Compare-and-swaps that found another value.
    pub failed_swaps: u64,
    /// Writes waiting for the disk now.
    pub waiting: u64,
    /// Their size in bytes.
    pub waiting_bytes: u64,
    /// Pages of the write-ahead log after the last commit.
    pub log_pages: u64,
    /// Times that the log could not be copied into the database. Nothing is lost by that; the log grows.
    pub failed_checkpoints: u64,
}

/// Named stores of byte values. All calls are short: memory, or one read of a database page that is usually cached.
///
/// Keys are 1 to [`limits::KEY_BYTES`] bytes, values at most [`limits::VALUE_BYTES`]. Every call fails with
/// [`StoreError::Stopped`] once the store has stopped, and with [`StoreError::Lost`] once a write its session saw was lost.
pub trait Store: Send + Sync + 'static {
    /// Reads the value of `key`.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the database fails.
    fn get(&self, session: &Session, store: &str, key: &str) -> Result<Seen, StoreError>;

    /// Puts `value` under `key`, whatever was there.
    ///
    /// # Errors
    /// [`StoreError::KeySize`], [`StoreError::ValueSize`], [`StoreError::Busy`].
    fn set(&self, session: &Session, store: &str, key: &str, value: Bytes) -> Result<(), StoreError>;

    /// Removes `key`; does nothing if it has no value.
    ///
    /// # Errors
    /// [`StoreError::Busy`].
    fn delete(&self, session: &Session, store: &str, key: &str) -> Result<(), StoreError>;

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the database fails.
    fn exists(&self, session: &Session, store: &str, key: &str) -> Result<bool, StoreError> {
        Ok(self.get(session, store, key)?.value.is_some())
    }

    /// One page of at most `limit` keys that follow `after`, in ascending order.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the database fails.
    fn keys(&self, session: &Session, store: &str, after: Option<&str>, limit: usize) -> Result<Keys, StoreError>;

    /// Adds `delta` to the counter under `key` (8 bytes, little endian, as Spin keeps them; absent counts as 0) and
    /// gives the sum.
    ///
    /// # Errors
    /// [`StoreError::Counter`] if the value is not 8 bytes or the sum does not fit 64 bits.
    fn increment(&self, session: &Session, store: &str, key: &str, delta: i64) -> Result<i64, StoreError>;

    /// Puts `value` under `key` if its value still is what `seen` says; absent is a value like any other.
    ///
    /// # Errors
    /// As [`Store::set`].
    fn swap(&self, session: &Session, store: &str, key: &str, seen: &Seen, value: Bytes) -> Result<Swap, StoreError>;

    /// Waits until every write that `session` made or saw is durable.
    ///
    /// # Errors
    /// [`StoreError::Lost`] or [`StoreError::Stopped`] if that will never be.
    fn durable<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Whether the store has room for another request's writes.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Stopped`].
    fn ready(&self) -> Result<(), StoreError>;

    /// Whether writes wait for the disk inside the call, so that the caller must not hold up an event loop.
    fn blocks(&self) -> bool;

    /// Archives a component, so that its bytes are there for as long as the records that name them. Waits until they
    /// are durable.
    ///
    /// # Errors
    /// [`StoreError::ComponentSize`], [`StoreError::Lost`].
    fn keep_component(&self, component: &Component) -> Result<Kept, StoreError>;

    /// What the store did since it was opened.
    fn figures(&self) -> Figures;

    /// Makes everything durable and closes the database. Later calls fail with [`StoreError::Stopped`].
    fn close(&self);
}

fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > limits::KEY_BYTES {
        return Err(StoreError::KeySize { bytes: key.len() });
    }
    Ok(())
}

fn check_value(value: &Bytes) -> Result<(), StoreError> {
    if value.len() > limits::VALUE_BYTES {
        return Err(StoreError::ValueSize { bytes: value.len() });
    }
    Ok(())
}

fn check_component(component: &Component) -> Result<(), StoreError> {
    let bytes = component.bytes().len();
    if bytes > limits::COMPONENT_BYTES {
        return Err(StoreError::ComponentSize { bytes });
    }
    Ok(())
}

/// The sum of a counter's stored bytes and `delta`.
fn add_to_counter(key: &str, stored: Option<&[u8]>, delta: i64) -> Result<i64, StoreError> {
    let refuse = |reason: String| StoreError::Counter { key: key.to_owned(), reason };
    let old = match stored {
        None => 0,
        Some(bytes) => i64::from_le_bytes(
            bytes
                .try_into()
                .map_err(|_| refuse(format!("a counter has 8 bytes, the stored value has {}", bytes.len())))?,
        ),
    };
    old.checked_add(delta).ok_or_else(|| refuse(format!("{old} + {delta} does not fit a signed 64-bit number")))
}

/// The index in [`Figures::batches`] for a transaction of `writes` writes.
fn batch_bucket(writes: u64) -> usize {
    BATCH_BUCKETS.iter().position(|bound| writes <= *bound).unwrap_or(BATCH_BUCKETS.len())
}
