//! `wasi:keyvalue@0.2.0-draft2`: what `spin_sdk::experimental` imports, over a [`Store`].
//!
//! Differs from Spin's SQLite store in two ways, both stricter: a swap after `current() = none` creates the key only
//! if it still has no value, and incrementing something that is no counter is an error. A compare-and-swap handle
//! holds the value of the moment it was made; `current` gives that value without reading again.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::instance::InstanceData;
use crate::limits;
use crate::store::{Seen, Session, Store, StoreError, Swap};

/// An open bucket: the name of a store the component may use.
#[derive(Debug)]
pub struct Bucket {
    name: Arc<str>,
}

/// A compare-and-swap handle.
#[derive(Debug)]
pub struct Cas {
    name: Arc<str>,
    key: String,
    seen: Seen,
}

/// The outer error ends the instance (a bug of the guest or ours), the inner one is the guest's to handle.
type Answer<T, E = store::Error> = wasmtime::Result<Result<T, E>>;

impl InstanceData {
    fn bucket(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<Arc<str>> {
        Ok(Arc::clone(&self.table.get(bucket)?.name))
    }

    /// Runs `work` on the store, away from the event loop if the store waits for the disk.
    fn on_store<T>(&self, work: impl FnOnce(&dyn Store, &Session) -> Result<T, StoreError>) -> Result<T, store::Error> {
        let keyvalue = &*self.component.store;
        let session = &*self.request.session;
        let result = if keyvalue.blocks() {
            tokio::task::block_in_place(|| work(keyvalue, session))
        } else {
            work(keyvalue, session)
        };
        result.map_err(|error| store::Error::Other(error.to_string()))
    }
}

impl store::Host for InstanceData {
    fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        if !self.component.grants.key_value_stores.contains(&identifier) {
            return Ok(Err(store::Error::AccessDenied));
        }
        Ok(Ok(self.table.push(Bucket { name: identifier.into() })?))
    }
}

impl store::HostBucket for InstanceData {
    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| Ok(store.get(session, &name, &key)?.into_value().map(Vec::from))))
    }

    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| store.set(session, &name, &key, Bytes::from(value))))
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| store.delete(session, &name, &key)))
    }

    fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| store.exists(session, &name, &key)))
    }

    fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<String>) -> Answer<store::KeyResponse> {
        let name = self.bucket(&bucket)?;
        let page = self.on_store(|store, session| store.keys(session, &name, cursor.as_deref(), limits::KEYS_PER_PAGE));
        Ok(page.map(|page| store::KeyResponse { keys: page.keys, cursor: page.next }))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for InstanceData {
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| store.increment(session, &name, &key, delta)))
    }

    fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Answer<(), atomics::CasError> {
        let Cas { name, key, seen } = self.table.delete(cas)?;
        let outcome =
            self.on_store(|store, session| match store.swap(session, &name, &key, &seen, Bytes::from(value))? {
                Swap::Done => Ok(None),
                Swap::Changed => store.get(session, &name, &key).map(Some),
            });
        Ok(match outcome {
            Ok(None) => Ok(()),
            Ok(Some(seen)) => Err(atomics::CasError::CasFailed(self.table.push(Cas { name, key, seen })?)),
            Err(error) => Err(atomics::CasError::StoreError(error)),
        })
    }
}

impl atomics::HostCas for InstanceData {
    fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        let name = self.bucket(&bucket)?;
        match self.on_store(|store, session| store.get(session, &name, &key)) {
            Ok(seen) => Ok(Ok(self.table.push(Cas { name, key, seen })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.seen.value().map(|value| value.to_vec())))
    }

    fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for InstanceData {
    fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| {
            let read = |key: String| {
                let value = store.get(session, &name, &key)?.into_value().map(Vec::from);
                Ok((key, value))
            };
            keys.into_iter().map(read).collect()
        }))
    }

    fn set_many(&mut self, bucket: Resource<Bucket>, key_values: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| {
            key_values.into_iter().try_for_each(|(key, value)| store.set(session, &name, &key, Bytes::from(value)))
        }))
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        let name = self.bucket(&bucket)?;
        Ok(self.on_store(|store, session| keys.iter().try_for_each(|key| store.delete(session, &name, key))))
    }
}
