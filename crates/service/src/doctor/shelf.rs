//! Reading a whole store: its keys in order, and single records besides.

use crate::error::Error;
use crate::ports::{Kv, KvError};
use crate::store::key::Key;
use crate::store::{Creation, Record, Records, body_key, head};
use core::future::Future;
use sha2::{Digest as _, Sha256};

/// Rows that are read at once: few enough for memory, should each be as large as a value may be.
pub(super) const AT_ONCE: usize = 64;

/// A store whose keys can be listed. No request does that; whoever looks at a store at rest may.
pub trait Listed: Kv {
    /// At most `limit` keys that follow one, in ascending order of their bytes, each with its value.
    fn after(
        &self,
        key: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(String, Vec<u8>)>, KvError>> + Send;
}

/// A key with its value.
pub(super) type Row = (String, Vec<u8>);

/// The records of a store, for reading.
pub(super) struct Shelf<'a, K: Kv> {
    kv: &'a K,
    records: Records<'a, K>,
}

impl<'a, K: Listed> Shelf<'a, K> {
    pub(super) fn of(kv: &'a K) -> Self {
        // Nothing is written through it.
        Self { kv, records: Records::new(kv, Creation::Direct, "") }
    }

    /// The value itself.
    pub(super) async fn raw(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.kv.get(key).await?)
    }

    pub(super) async fn after(&self, key: Option<&str>) -> Result<Vec<Row>, Error> {
        Ok(self.kv.after(key, AT_ONCE).await?)
    }

    /// The rows whose keys begin so, after one of them.
    pub(super) async fn beginning(&self, prefix: &str, after: &str) -> Result<Vec<Row>, Error> {
        let mut rows = self.after(Some(after)).await?;
        rows.retain(|(key, _)| key.starts_with(prefix));
        Ok(rows)
    }

    /// A record. One that cannot be read is none: that is said where the walk meets it.
    pub(super) async fn read<T: Record>(&self, key: &Key) -> Result<Option<T>, Error> {
        match self.records.read::<T>(key).await {
            Err(Error::Unavailable(why)) => Err(Error::Unavailable(why)),
            Ok(found) => Ok(found),
            Err(_) => Ok(None),
        }
    }

    /// The bytes of a record, through its head if it has one.
    pub(super) async fn body(&self, key: &str, bytes: Vec<u8>) -> Result<Body, Error> {
        Ok(match head(&bytes) {
            None => Body::There(bytes),
            Some(0) => Body::NotYet,
            Some(nonce) => self.raw(&body_key(key, nonce)).await?.map_or(Body::Gone, Body::There),
        })
    }

    /// Whether there is a record.
    pub(super) async fn has(&self, key: &Key) -> Result<bool, Error> {
        match self.raw(key.as_str()).await? {
            None => Ok(false),
            Some(bytes) => Ok(matches!(self.body(key.as_str(), bytes).await?, Body::There(_))),
        }
    }
}

/// What is under a key.
pub(super) enum Body {
    /// A record.
    There(Vec<u8>),
    /// A head that points to nothing yet: whoever creates the record next uses it.
    NotYet,
    /// A head whose body is not there.
    Gone,
}

/// 128 bits that stand for some names: a million sales are told apart in a few bytes each.
pub(super) fn short(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest.iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte))
}
