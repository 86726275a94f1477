//! `wasi:keyvalue` as the service's store.

use rescind_service::ports::{Kv, KvError, Swap};
use spin_sdk::experimental::wasi::keyvalue::{atomics, store};

/// The store named in the manifest.
pub struct Store {
    bucket: store::Bucket,
}

impl Store {
    /// Opens a store.
    ///
    /// # Errors
    /// If the manifest does not give it to this component.
    pub fn open(name: &str) -> Result<Self, KvError> {
        store::open(name).map(|bucket| Self { bucket }).map_err(|e| failed(&e))
    }
}

fn failed(error: &store::Error) -> KvError {
    KvError(match error {
        store::Error::NoSuchStore => "there is no such store".to_owned(),
        store::Error::AccessDenied => "the store is not this component's".to_owned(),
        store::Error::Other(why) => why.clone(),
    })
}

impl Kv for Store {
    type Cell = atomics::Cas;

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.bucket.get(key).map_err(|e| failed(&e))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.bucket.set(key, value).map_err(|e| failed(&e))
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.bucket.delete(key).map_err(|e| failed(&e))
    }

    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Cell), KvError> {
        let cas = atomics::Cas::new(&self.bucket, key).map_err(|e| failed(&e))?;
        // `current` must come before `swap`: DynamoDB compares with what it gave.
        let value = cas.current().map_err(|e| failed(&e))?;
        Ok((value, cas))
    }

    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        match atomics::swap(cell, value) {
            Ok(()) => Ok(Swap::Swapped),
            Err(atomics::CasError::CasFailed(_)) => Ok(Swap::Refused),
            Err(atomics::CasError::StoreError(error)) => Err(failed(&error)),
        }
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        atomics::increment(&self.bucket, key, delta).map_err(|e| failed(&e))
    }
}
