//! Whom a terminal believes, and how that changes while terminals are away.
//!
//! A terminal is provisioned with a set of keys and the set's number. A change of keys is a statement of its own: the next
//! set, under the next number, signed by a key of the set before. Every bundle carries all changes there ever were, so a
//! terminal that was in a drawer for years walks from the set it knows to the one that signed the bundle, one signature at
//! a time. A terminal that knows a later set does not look at earlier changes: a retired key can start nothing there.

use minicbor::Encoder;
use serde::{Deserialize, Serialize};

use crate::cose::{self, Envelope, Kind, Unwritten};
use crate::key::{Algorithm, KeyId, PublicKey, SignFailed, Signer, Unverified, Verifier};
use crate::limits;
use crate::wire::{Malformed, Reader};

/// The form of a change of keys.
const FORMAT: &str = "rescind-keys/1";

/// The keys that may sign a line of bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Whose keys: the name of the line of bundles, such as `lakala-north`.
    pub name: String,
    /// The number of this set; the first is 1.
    pub number: u64,
    /// The keys, any of which may sign.
    pub keys: Vec<PublicKey>,
    /// Keys of earlier sets: only so that a refusal can say that they were retired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<PublicKey>,
}

/// Why a change of keys leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChange {
    /// It is no change of keys.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// It is about another line of bundles.
    #[error("it is about the keys of {0:?}")]
    OtherName(String),
    /// Changes between the known set and this one are missing, or they are not in order.
    #[error("it makes set {found}, and the one before it is not there: expected set {expected}")]
    Gap {
        /// The number that comes next.
        expected: u64,
        /// Its number.
        found: u64,
    },
    /// Who signed it is not in the set before.
    #[error("key {0}, which is not in the set before, signed it")]
    UnknownKey(KeyId),
    /// Its signature does not hold.
    #[error("{0}")]
    Unverified(#[from] Unverified),
}

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadChange {
    /// The signer is not trusted itself.
    #[error("key {0} is not in the present set: only one that is can change it")]
    NotTrusted(KeyId),
    /// No key, too many keys, a key twice, or a retired key again.
    #[error("{0}")]
    Keys(&'static str),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignFailed),
}

impl Trust {
    /// The first set of a line of bundles: what terminals are provisioned with.
    #[must_use]
    pub fn first(name: &str, key: PublicKey) -> Self {
        Self { name: name.to_owned(), number: 1, keys: vec![key], retired: Vec::new() }
    }

    /// The trusted key of that id.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// Whether a key of that id was trusted once and is not any more.
    #[must_use]
    pub fn is_retired(&self, id: KeyId) -> bool {
        self.retired.iter().any(|key| key.id() == id)
    }

    /// The next set, and the signed change that leads to it.
    ///
    /// # Errors
    /// [`BadChange`].
    pub fn change(&self, keys: Vec<PublicKey>, signer: &dyn Signer) -> Result<(Self, Vec<u8>), BadChange> {
        let (next, payload) = self.next(keys, signer.public())?;
        Ok((next, cose::seal(Kind::Keys, &[], &payload, signer)?))
    }

    /// The bytes that a key of this set has to sign for that change, whole: for a module that signs messages. What it
    /// answers goes into [`Trust::change`] with the same keys.
    ///
    /// # Errors
    /// [`BadChange`].
    pub fn change_message(&self, keys: Vec<PublicKey>, signer: &PublicKey) -> Result<Vec<u8>, BadChange> {
        let (_, payload) = self.next(keys, signer)?;
        Ok(cose::Unsigned::new(Kind::Keys, &[], &payload, signer)?.message().concat())
    }

    /// The next set, and what the change that leads to it says.
    fn next(&self, keys: Vec<PublicKey>, signer: &PublicKey) -> Result<(Self, Vec<u8>), BadChange> {
        if !self.keys.contains(signer) {
            return Err(BadChange::NotTrusted(signer.id()));
        }
        let mut retired = self.retired.clone();
        retired.extend(self.keys.iter().filter(|key| !keys.contains(key)).cloned());
        // The oldest names are forgotten first; forgetting one makes its key unknown, not trusted.
        let surplus = retired.len().saturating_sub(limits::KEYS);
        retired.drain(..surplus);
        let number = self.number.checked_add(1).ok_or(BadChange::Keys("the numbers of sets are used up"))?;
        let next = Self { name: self.name.clone(), number, keys, retired };
        next.check()?;
        let payload = next.write().map_err(|error| SignFailed(error.to_string()))?;
        Ok((next, payload))
    }

    /// It, if it can be a set of keys at all: for sets that people wrote down.
    ///
    /// # Errors
    /// [`BadChange::Keys`] for no key, too many, one twice, or one that is retired; also without a name or number.
    pub fn checked(self) -> Result<Self, BadChange> {
        let named = !self.name.is_empty() && self.name.len() <= limits::TEXT_BYTES;
        if !named || !self.name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadChange::Keys("a set has a name of at most 128 letters, digits and signs"));
        }
        if self.number == 0 {
            return Err(BadChange::Keys("the first set has number 1"));
        }
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), BadChange> {
        if self.keys.is_empty() || self.keys.len() > limits::KEYS {
            return Err(BadChange::Keys("a set has 1 to 16 keys"));
        }
        for (n, key) in self.keys.iter().enumerate() {
            if self.keys.iter().skip(n.saturating_add(1)).any(|other| other.id() == key.id()) {
                return Err(BadChange::Keys("a key is in the set twice"));
            }
            if self.is_retired(key.id()) {
                return Err(BadChange::Keys(
                    "a retired key does not come back: whoever has it could have waited for that",
                ));
            }
        }
        Ok(())
    }

    /// The set that a bundle's changes lead to from this one. Those up to this set's number are not looked at.
    ///
    /// # Errors
    /// The number of the set that cannot be reached, and why.
    pub fn follow(&self, changes: &[&[u8]], verifier: &dyn Verifier) -> Result<Self, (u64, BrokenChange)> {
        let mut reached = self.clone();
        for bytes in changes {
            let next = reached.number.saturating_add(1);
            if let Some(changed) = reached.step(bytes, verifier).map_err(|why| (next, why))? {
                reached = changed;
            }
        }
        Ok(reached)
    }

    /// The set after this one, or `None` if the change is not later than this set.
    fn step(&self, bytes: &[u8], verifier: &dyn Verifier) -> Result<Option<Self>, BrokenChange> {
        let envelope = Envelope::read(bytes, Kind::Keys, limits::CHANGE_BYTES)?;
        let next = Self::read(envelope.payload)?;
        if next.number <= self.number {
            return Ok(None);
        }
        let expected = self.number.saturating_add(1);
        if next.number != expected {
            return Err(BrokenChange::Gap { expected, found: next.number });
        }
        let key = self.key(envelope.key).ok_or(BrokenChange::UnknownKey(envelope.key))?;
        envelope.verify(key, verifier)?;
        if next.name != self.name {
            return Err(BrokenChange::OtherName(next.name));
        }
        Ok(Some(next))
    }

    fn write(&self) -> Result<Vec<u8>, Unwritten> {
        let mut out = Encoder::new(Vec::new());
        out.map(5)?.u8(0)?.str(FORMAT)?.u8(1)?.str(&self.name)?.u8(2)?.u64(self.number)?;
        for (number, keys) in [(3, &self.keys), (4, &self.retired)] {
            out.u8(number)?.array(u64::try_from(keys.len()).unwrap_or(u64::MAX))?;
            for key in keys {
                out.array(2)?.i64(key.algorithm().0)?.bytes(key.bytes())?;
            }
        }
        Ok(out.into_writer())
    }

    /// Reads the payload of a change, which nobody has checked yet.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        reader.map(5, "a set of keys")?;
        reader.entry(0, "the form")?;
        reader.exactly(FORMAT, "a set of keys of form rescind-keys/1")?;
        reader.entry(1, "the name")?;
        let name = reader.text(limits::TEXT_BYTES, "the name")?.to_owned();
        reader.entry(2, "the number")?;
        let number = reader.number("the number")?;
        reader.entry(3, "the keys")?;
        let keys = read_keys(&mut reader)?;
        reader.entry(4, "the retired keys")?;
        let retired = read_keys(&mut reader)?;
        reader.end()?;
        let this = Self { name, number, keys, retired };
        this.check().map_err(|_| Malformed::Unexpected { at: 0, expected: "keys that differ, at least one" })?;
        Ok(this)
    }
}

fn read_keys(reader: &mut Reader<'_>) -> Result<Vec<PublicKey>, Malformed> {
    let count = reader.list(limits::KEYS, "keys")?;
    let mut keys = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.position();
        reader.items(2, "a key")?;
        let algorithm = Algorithm(reader.signed("an algorithm")?);
        let bytes = reader.bytes(limits::PUBLIC_KEY_BYTES, "a public key")?;
        let key = PublicKey::new(algorithm, bytes);
        keys.push(key.map_err(|_| Malformed::Unexpected { at, expected: "a public key" })?);
    }
    Ok(keys)
}
