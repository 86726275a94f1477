//! Records on a store that may lie.
//!
//! What a store says of a write is never believed (`DESIGN.md`, storage table): after each swap the record is read
//! back. Every write carries an id that its record then *holds*:
//!
//! - the id is there: written;
//! - it is not, and the version moved on: somebody else won, decide again on the new state;
//! - it is not, and the version stands: unknown; the same bytes are tried again, then the caller is told to come back.
//!
//! Creation needs one winner. Where a swap over nothing is sound the record is created by it ([`Creation::Direct`]);
//! where it is an unconditional write (Spin's SQLite) a fixed-width head is made by `increment(head, 0)`, which is atomic
//! and harmless to repeat, and swapped from zero to the number of a body that was written under a key of its own
//! ([`Creation::Headed`]). [`probe`] finds out which.

pub mod key;
pub mod lane;
pub mod list;
pub mod marks;
pub mod tally;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::limits::{PROBE_SWAPS, PROOF_ATTEMPTS, SWAP_ATTEMPTS, VALUE_BYTES};
use crate::planted::{Mistake, made};
use crate::ports::{Kv, KvError, Swap};
use key::Key;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A stored thing.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// Name and number of the format: `sale/2`. An older one is read by [`Record::upcast`]; any other is refused, never
    /// guessed at.
    const FORMAT: &'static str;

    /// Whether a write with this id is part of the record.
    fn holds(&self, id: &str) -> bool;

    /// Reads data of an older format; `None` if there never was such a format. What it gives is written in today's at the
    /// next change.
    ///
    /// # Errors
    /// Why it is not what its format says.
    fn upcast(format: &str, data: serde_json::Value) -> Option<Result<Self, String>> {
        let _unread = (format, data);
        None
    }
}

/// How a record gets its first value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// A swap over nothing has one winner.
    Direct,
    /// Head and body.
    Headed,
    /// Neither is sound: nothing that money depends on is written.
    Refused(Unsound),
}

/// Why a store cannot keep money safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// It reads and writes, and does not compare and swap: two changes of one payment could both take place.
    #[error("it has no atomic operations (wasi:keyvalue/atomics)")]
    NoAtomics,
    /// Two creators of one record would both be told that they made it.
    #[error("neither its compare-and-swap over a missing value nor its counter has one winner")]
    NoCreation,
}

/// A stored record's wrapping. The field names are short because every record pays for them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    /// Format.
    f: String,
    /// Version: counts writes from 1.
    v: u64,
    /// Digest of the refunds component that made it, so that a replay can find its bytes.
    c: String,
    /// Digest of the eligibility component that decides beside it. Absent in records that were written before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    /// Data.
    d: T,
}

/// Only the outside of an envelope, for a clear message about what cannot be read.
#[derive(Deserialize)]
struct Outside {
    f: String,
}

/// Records over one store.
pub struct Records<'a, K: Kv> {
    kv: &'a K,
    creation: Creation,
    component: &'a str,
    eligibility: Option<&'a str>,
}

/// A record opened for one write.
pub struct Slot<C, T> {
    key: Key,
    at: Place<C>,
    version: u64,
    /// What was there.
    pub value: Option<T>,
}

enum Place<C> {
    /// The record itself.
    Body(C),
    /// The head that will point to the body.
    Head(C),
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It is there.
    Written,
    /// Somebody else's is; decide again.
    Lost,
}

impl<'a, K: Kv> Records<'a, K> {
    /// Records over a store. `component` is written into every envelope.
    pub fn new(kv: &'a K, creation: Creation, component: &'a str) -> Self {
        Self { kv, creation, component, eligibility: None }
    }

    /// The same, naming the eligibility component too.
    #[must_use]
    pub fn decided_by(self, eligibility: Option<&'a str>) -> Self {
        Self { eligibility, ..self }
    }

    /// Whether a creation may leave a body behind that no head points to. What must be erasable is not written by it.
    pub(crate) fn leaves_bodies(&self) -> bool {
        self.creation == Creation::Headed
    }

    /// Whether anything may be written to this store.
    ///
    /// # Errors
    /// [`Error::StoreRefused`] if not.
    pub fn writable(&self) -> Result<(), Error> {
        match self.creation {
            Creation::Refused(why) => Err(Error::StoreRefused(why)),
            Creation::Direct | Creation::Headed => Ok(()),
        }
    }

    /// Whether the store answers now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if not.
    pub async fn reach(&self) -> Result<(), Error> {
        // A key that nobody writes: the cheapest thing a store can be asked.
        self.kv.get("probe:reach").await?;
        Ok(())
    }

    /// The store itself, for bytes that are no records.
    pub(crate) fn store(&self) -> &'a K {
        self.kv
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The store failed, or the record is damaged or of an unknown format.
    pub async fn read<T: Record>(&self, key: &Key) -> Result<Option<T>, Error> {
        Ok(self.load::<T>(key).await?.map(|(value, _)| value))
    }

    async fn load<T: Record>(&self, key: &Key) -> Result<Option<(T, u64)>, Error> {
        self.bytes(key).await?.map(|bytes| decode(key, &bytes)).transpose()
    }

    /// A record's bytes, wherever they lie.
    async fn bytes(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        Ok(match self.kv.get(key.as_str()).await? {
            None => None,
            Some(there) => match head(&there) {
                None => Some(there),
                Some(0) => None,
                Some(body) => self.kv.get(&body_key(key, body)).await?,
            },
        })
    }

    /// Opens a record for a write. Both forms are understood wherever they are met, so that a database moves between
    /// hosts; only creation differs.
    ///
    /// # Errors
    /// As [`Records::read`]; [`Error::StoreRefused`] if nothing may be written to this store.
    pub async fn open<T: Record>(&self, key: &Key) -> Result<Slot<K::Cell, T>, Error> {
        self.writable()?;
        let (mut bytes, mut cell) = self.kv.open(key.as_str()).await?;
        if bytes.is_none() && self.creation == Creation::Headed {
            self.kv.increment(key.as_str(), 0).await?;
            (bytes, cell) = self.kv.open(key.as_str()).await?;
            if bytes.is_none() {
                return Err(Error::Unavailable("a head vanished".to_owned()));
            }
        }
        match bytes.as_deref().and_then(head) {
            None => slot(key, Place::Body(cell), bytes.as_deref()),
            Some(0) => slot(key, Place::Head(cell), None),
            Some(nonce) => {
                let (body, body_cell) = self.kv.open(&body_key(key, nonce)).await?;
                // A head without a body: the record was removed, and is made again by a swap over the head.
                let place = if body.is_some() { Place::Body(body_cell) } else { Place::Head(cell) };
                slot(key, place, body.as_deref())
            }
        }
    }

    /// Writes the next value of an opened record and proves it. `id` is what [`Record::holds`] is asked for; `nonce` is
    /// any number nobody else uses.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the write can be neither proved nor disproved; the same id may be tried again.
    pub async fn commit<T: Record>(
        &self,
        slot: Slot<K::Cell, T>,
        next: &T,
        id: &str,
        unique: u64,
    ) -> Result<Commit, Error> {
        let version =
            slot.version.checked_add(1).ok_or_else(|| Error::Internal("a record's version is full".to_owned()))?;
        let bytes = self.encode(&slot.key, version, next)?;
        let mut place = slot.at;
        for attempt in 0..PROOF_ATTEMPTS {
            let answer = match place {
                Place::Body(_) if made(Mistake::WriteBlindly) => {
                    self.kv.set(slot.key.as_str(), &bytes).await.map(|()| Swap::Swapped)
                }
                Place::Body(cell) => self.kv.swap(cell, &bytes).await,
                Place::Head(cell) => {
                    let nonce = head_nonce(unique, attempt);
                    self.kv.set(&body_key(&slot.key, nonce), &bytes).await?;
                    self.kv.swap(cell, &nonce.to_le_bytes()).await
                }
            };
            if made(Mistake::BelieveSwap) {
                return match answer {
                    Ok(Swap::Swapped) => Ok(Commit::Written),
                    Ok(Swap::Refused) => Ok(Commit::Lost),
                    Err(error) => Err(error.into()),
                };
            }
            // Whatever the answer, and if there is none: look.
            let seen = match self.bytes(&slot.key).await {
                // To the byte what was written: nothing in it has to be looked for.
                Ok(Some(there)) if there == bytes && next.holds(id) => return Ok(Commit::Written),
                Ok(there) => there.map(|there| decode::<T>(&slot.key, &there)).transpose(),
                Err(error) => Err(error),
            };
            match seen {
                Ok(Some((value, _))) if value.holds(id) => return Ok(Commit::Written),
                Ok(Some((_, now))) if now > slot.version => return Ok(Commit::Lost),
                // Without the id and without a new version: it did not arrive, or not yet. The same again.
                Ok(_) => {}
                Err(error) => {
                    if attempt.saturating_add(1) == PROOF_ATTEMPTS {
                        return Err(error);
                    }
                }
            }
            if let Err(KvError(why)) = &answer
                && attempt.saturating_add(1) == PROOF_ATTEMPTS
            {
                return Err(Error::Unavailable(why.clone()));
            }
            let again = self.open::<T>(&slot.key).await?;
            if again.value.as_ref().is_some_and(|v| v.holds(id)) {
                return Ok(Commit::Written);
            }
            let removed = again.value.is_none() && slot.version > 0;
            if again.version > slot.version || removed {
                return Ok(Commit::Lost);
            }
            // An older one is a stale handle: it proves nothing, and a swap from it is refused.
            place = again.at;
        }
        Err(Error::Unavailable("a write could not be proved".to_owned()))
    }

    /// Writes a record under a key that nobody else ever writes anything else to, and proves it. Again is harmless.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the write can be neither proved nor disproved; [`Error::StoreRefused`] if nothing may be
    /// written to this store.
    pub async fn put<T: Record>(&self, key: &Key, value: &T) -> Result<(), Error> {
        self.writable()?;
        let bytes = self.encode(key, 1, value)?;
        let mut why = "a write could not be proved".to_owned();
        for _ in 0..PROOF_ATTEMPTS {
            if let Err(KvError(failed)) = self.kv.set(key.as_str(), &bytes).await {
                why = failed;
            }
            // Whatever it says: look.
            match self.kv.get(key.as_str()).await {
                Ok(there) if there.as_deref() == Some(bytes.as_slice()) => return Ok(()),
                Ok(_) => {}
                Err(KvError(failed)) => why = failed,
            }
        }
        Err(Error::Unavailable(why))
    }

    /// Whether something is there, whatever it is.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_there(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.bytes(key).await?.is_some())
    }

    /// Reads, changes and writes a record until it is written or the change gives up. The change may be called several
    /// times, each time on what is there now; `None` means there is nothing to write.
    ///
    /// # Errors
    /// The change's own, or the store's.
    pub async fn update<T, R, F>(&self, key: &Key, id: &str, unique: u64, mut change: F) -> Result<R, Error>
    where
        T: Record,
        F: FnMut(Option<&T>) -> Result<(Option<T>, R), Error> + Send,
        R: Send,
    {
        for attempt in 0..SWAP_ATTEMPTS {
            let slot = self.open::<T>(key).await?;
            let (next, result) = change(slot.value.as_ref())?;
            let Some(next) = next else { return Ok(result) };
            let unique = unique.wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if self.commit(slot, &next, id, unique).await? == Commit::Written {
                return Ok(result);
            }
        }
        Err(Error::Unavailable(format!("{key} is written by too many at once")))
    }

    /// Removes a record that nobody writes any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.writable()?;
        match self.kv.get(key.as_str()).await?.as_deref().and_then(head) {
            // The head stays: a swap over an existing value is the only sound one.
            Some(nonce) => self.kv.delete(&body_key(key, nonce)).await?,
            None => self.kv.delete(key.as_str()).await?,
        }
        Ok(())
    }

    fn encode<T: Record>(&self, key: &Key, version: u64, value: &T) -> Result<Vec<u8>, Error> {
        let envelope = Envelope {
            f: T::FORMAT.to_owned(),
            v: version,
            c: self.component.to_owned(),
            e: self.eligibility.map(str::to_owned),
            d: value,
        };
        let bytes = serde_json::to_vec(&envelope).map_err(|e| Error::Internal(format!("{key}: {e}")))?;
        if bytes.len() > VALUE_BYTES {
            return Err(Error::Conflict {
                code: "record.full",
                message: format!("the record would grow beyond {VALUE_BYTES} bytes"),
            });
        }
        Ok(bytes)
    }
}

fn slot<C, T: Record>(key: &Key, at: Place<C>, bytes: Option<&[u8]>) -> Result<Slot<C, T>, Error> {
    let (value, version) = match bytes {
        None => (None, 0),
        Some(bytes) => {
            let (value, version) = decode(key, bytes)?;
            (Some(value), version)
        }
    };
    Ok(Slot { key: key.clone(), at, version, value })
}

pub(crate) fn decode<T: Record>(key: &(impl core::fmt::Display + ?Sized), bytes: &[u8]) -> Result<(T, u64), Error> {
    match serde_json::from_slice::<Envelope<T>>(bytes) {
        Ok(envelope) if envelope.f == T::FORMAT => Ok((envelope.d, envelope.v)),
        other => {
            let why = other.err().map_or_else(String::new, |e| format!(" ({e})"));
            let found = serde_json::from_slice::<Outside>(bytes).map_or_else(|_| "no envelope".to_owned(), |o| o.f);
            if found != T::FORMAT
                && let Ok(old) = serde_json::from_slice::<Envelope<serde_json::Value>>(bytes)
                && let Some(read) = T::upcast(&old.f, old.d)
            {
                let read = read.map_err(|e| Error::Internal(format!("{key}: not what {found} says: {e}")))?;
                return Ok((read, old.v));
            }
            Err(Error::Internal(format!("{key}: expected format {}, found {found}{why}", T::FORMAT)))
        }
    }
}

pub(crate) fn body_key(key: &(impl core::fmt::Display + ?Sized), nonce: i64) -> String {
    format!("{key}#{nonce:016x}")
}

/// A head is 8 bytes; an envelope never is.
pub(crate) fn head(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_le_bytes)
}

fn head_nonce(unique: u64, attempt: u32) -> i64 {
    let mixed = unique.wrapping_add(u64::from(attempt)) & 0x7fff_ffff_ffff_ffff;
    // Zero means "nothing yet".
    i64::try_from(mixed).unwrap_or(1).max(1)
}

/// Finds out how this store creates. Run once per instance; two handles race for one key, which shows a store whose
/// swap over nothing is unconditional. It goes by what is in the store afterwards and not by what the swaps say. What was
/// found holds for as long as the instance lives, so a moment's trouble must not pass for a property: whatever is not
/// clear is an error, and the next request probes again.
///
/// # Errors
/// [`Error::Unavailable`]: the store failed, or what it did is not clear.
pub async fn probe<K: Kv>(kv: &K, unique: u64) -> Result<Creation, Error> {
    if made(Mistake::CreatePlainly) {
        return Ok(Creation::Direct);
    }
    let key = format!("probe:{unique:016x}");
    match race(kv, &key).await {
        Ok(Race::Kept(Swap::Refused)) => Ok(Creation::Direct),
        Ok(Race::Kept(Swap::Swapped)) => {
            // The second swap did not write and says that it did. Either this store always says so, or it was a lie of the
            // moment by one that would have written: that does not come three times.
            for _ in 0..2 {
                if race(kv, &key).await? != Race::Kept(Swap::Swapped) {
                    return Err(Error::Unavailable("a probe was not clear: its answers differ".to_owned()));
                }
            }
            Ok(Creation::Direct)
        }
        Ok(Race::Overwritten) => heads(kv, &format!("probe-head:{unique:016x}")).await,
        Err(unclear) => {
            if swaps_at_all(kv, &key).await? {
                Err(unclear)
            } else {
                Ok(Creation::Refused(Unsound::NoAtomics))
            }
        }
    }
}

/// What came of two swaps over nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Race {
    /// The second did not write; that is what it said.
    Kept(Swap),
    /// The second overwrote the first.
    Overwritten,
}

/// Two handles that saw nothing race for one key.
async fn race<K: Kv>(kv: &K, key: &str) -> Result<Race, Error> {
    let (first, one) = kv.open(key).await?;
    let (second, two) = kv.open(key).await?;
    if first.is_some() || second.is_some() {
        return Err(Error::Unavailable("a probe key was taken".to_owned()));
    }
    let said = kv.swap(one, b"1").await;
    let wrote = kv.get(key).await?;
    let again = kv.swap(two, b"2").await;
    let now = kv.get(key).await?;
    kv.delete(key).await?;
    match (wrote.as_deref(), now.as_deref(), &again) {
        (Some(b"1"), Some(b"1"), Ok(answer)) => Ok(Race::Kept(*answer)),
        (Some(b"1"), Some(b"2"), _) => Ok(Race::Overwritten),
        _ => Err(Error::Unavailable(format!("a probe was not clear: {said:?} {wrote:?} {again:?} {now:?}"))),
    }
}

/// Whether records can be created by heads here: that needs a counter that starts at zero, counts as 8 little-endian bytes,
/// and a sound swap over a value.
async fn heads<K: Kv>(kv: &K, head: &str) -> Result<Creation, Error> {
    let zero = kv.increment(head, 0).await?;
    let (seen, one) = kv.open(head).await?;
    let (_, two) = kv.open(head).await?;
    let first = kv.swap(one, &7_i64.to_le_bytes()).await;
    let wrote = kv.get(head).await?;
    let again = kv.swap(two, &9_i64.to_le_bytes()).await;
    let kept = kv.get(head).await?;
    kv.delete(head).await?;
    let [nothing, seven, nine] = [0_i64, 7, 9].map(|n| Some(n.to_le_bytes().to_vec()));
    let overwritten = seen == nothing && wrote == seven && kept == nine;
    if zero != 0 || overwritten || seen.as_ref().is_some_and(|there| Some(there) != nothing.as_ref()) {
        return Ok(Creation::Refused(Unsound::NoCreation));
    }
    if seen == nothing && wrote == seven && kept == seven && again == Ok(Swap::Refused) {
        return Ok(Creation::Headed);
    }
    Err(Error::Unavailable(format!("a probe was not clear: {seen:?} {first:?} {wrote:?} {again:?} {kept:?}")))
}

/// Whether any of some swaps over a value takes place while every read and write does. If not, it is no moment's trouble.
async fn swaps_at_all<K: Kv>(kv: &K, key: &str) -> Result<bool, Error> {
    let mut swaps = false;
    for _ in 0..PROBE_SWAPS {
        kv.set(key, b"before").await?;
        swaps = kv.get(key).await?.as_deref() != Some(b"before");
        if !swaps && let Ok((_, cell)) = kv.open(key).await {
            // Whatever it says: look.
            let said = kv.swap(cell, b"after").await;
            swaps = said == Ok(Swap::Swapped) || kv.get(key).await?.as_deref() == Some(b"after");
        }
        if swaps {
            break;
        }
    }
    kv.delete(key).await?;
    Ok(swaps)
}
