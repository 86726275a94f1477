//! A store in memory, honest or with the defects of a real backend (`DESIGN.md`, storage table).

use crate::ports::{Kv, KvError, Swap};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How a store misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not at all: the embedded store, DynamoDB, Cosmos.
    None,
    /// A swap over nothing writes whatever is there by now: Spin's SQLite.
    UpsertOverNothing,
    /// Every swap says it failed, whether it wrote or not: Spin's Redis.
    SaysRefused,
}

/// How often each operation of the store was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// `get`
    pub get: u64,
    /// `set`
    pub set: u64,
    /// `delete`
    pub delete: u64,
    /// `atomics.cas.new` with `current`
    pub open: u64,
    /// `atomics.swap`
    pub swap: u64,
    /// `atomics.increment`
    pub increment: u64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        [self.get, self.set, self.delete, self.open, self.swap, self.increment].iter().sum()
    }
}

/// A store in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryKv {
    fault: Fault,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    values: BTreeMap<String, Vec<u8>>,
    calls: Calls,
}

impl MemoryKv {
    /// An empty store.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, inside: Arc::default() }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inside) -> R) -> R {
        f(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often each operation was called so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.with(|i| i.calls)
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.with(|i| i.values.keys().cloned().collect())
    }

    /// The largest value.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.with(|i| i.values.values().map(Vec::len).max().unwrap_or(0))
    }
}

/// What a swap compares with.
#[derive(Debug)]
pub struct MemoryCell {
    key: String,
    seen: Option<Vec<u8>>,
}

impl Kv for MemoryKv {
    type Cell = MemoryCell;

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.with(|i| {
            i.calls.get = i.calls.get.saturating_add(1);
            i.values.get(key).cloned()
        }))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.with(|i| {
            i.calls.set = i.calls.set.saturating_add(1);
            i.values.insert(key.to_owned(), value.to_vec());
        });
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.with(|i| {
            i.calls.delete = i.calls.delete.saturating_add(1);
            i.values.remove(key);
        });
        Ok(())
    }

    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Cell), KvError> {
        let seen = self.with(|i| {
            i.calls.open = i.calls.open.saturating_add(1);
            i.values.get(key).cloned()
        });
        Ok((seen.clone(), MemoryCell { key: key.to_owned(), seen }))
    }

    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        let fault = self.fault;
        Ok(self.with(|i| {
            i.calls.swap = i.calls.swap.saturating_add(1);
            let upsert = fault == Fault::UpsertOverNothing && cell.seen.is_none();
            let matches = upsert || i.values.get(&cell.key) == cell.seen.as_ref();
            if matches {
                i.values.insert(cell.key, value.to_vec());
            }
            if matches && fault != Fault::SaysRefused { Swap::Swapped } else { Swap::Refused }
        }))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.with(|i| {
            i.calls.increment = i.calls.increment.saturating_add(1);
            let there = match i.values.get(key) {
                None => 0,
                Some(bytes) => {
                    let bytes: [u8; 8] = bytes
                        .as_slice()
                        .try_into()
                        .map_err(|_| KvError("increment of a value that is no number".to_owned()))?;
                    i64::from_le_bytes(bytes)
                }
            };
            let sum = there.checked_add(delta).ok_or_else(|| KvError("increment overflows".to_owned()))?;
            i.values.insert(key.to_owned(), sum.to_le_bytes().to_vec());
            Ok(sum)
        })
    }
}
