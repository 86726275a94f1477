//! What a bundle says: written to be signed, and read where it lies.
//!
//! A CBOR map, its entries in this order:
//!
//! | entry | what |
//! |---|---|
//! | 0 | `rescind-bundle/1` |
//! | 1 | the name of the line of bundles |
//! | 2 | version |
//! | 3 | target, such as `x86_64-unknown-linux-gnu` or `pulley32` |
//! | 4 | version of the engine |
//! | 5 | digest of the engine's profile, 32 bytes |
//! | 6 | digest of the component (`.wasm`), 32 bytes |
//! | 7 | the component, translated for the target |
//! | 8 | policies: `[class or null, canonical form]` |
//! | 9 | keys that check operators' proofs: `[ed25519 key, retired at or null]` |
//! | 10 | not before |
//! | 11 | expires |
//! | 12 | made at |
//! | 13 | the server's time when it was signed |
//!
//! All times are milliseconds since the Unix epoch.

use minicbor::Encoder;
use rescind_proof::ProofKey;
use std::ops::Range;

use crate::cose::Unwritten;
use crate::draft::Draft;
use crate::key::{SignFailed, Signer};
use crate::limits;
use crate::wire::{Malformed, Reader};

/// The form of a bundle's content.
const FORMAT: &str = "rescind-bundle/1";

/// A policy, and which terminals decide by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassPolicy {
    /// The class of terminals. `None`: all that have no policy of their own.
    pub class: Option<String>,
    /// The policy's canonical form; its SHA-256 is the policy's hash.
    pub canonical: Vec<u8>,
}

/// From when to when something holds, in ms since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The first instant at which it holds.
    pub not_before: i64,
    /// The first instant at which it no longer does.
    pub expires: i64,
    /// When it was made: policies can limit the age of a bundle they are used from.
    pub made_at: i64,
    /// The server's time when it was signed: no clock that is right shows less.
    pub server_time: i64,
}

/// A bundle before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The line of bundles it belongs to: the one whose keys sign it.
    pub name: String,
    /// Its version; terminals never go back to a lower one.
    pub version: u64,
    /// What it was translated for.
    pub target: String,
    /// The version of the engine that translated it.
    pub wasmtime: String,
    /// The digest of the engine's profile.
    pub profile: [u8; 32],
    /// The SHA-256 of the component before it was translated: what a decision names as its component.
    pub component: [u8; 32],
    /// The translated component.
    pub code: Vec<u8>,
    /// The policies.
    pub policies: Vec<ClassPolicy>,
    /// The keys that check operators' proofs.
    pub proof_keys: Vec<ProofKey>,
    /// When it holds.
    pub times: Times,
}

/// Why a bundle cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    /// Terminals would refuse it.
    #[error("terminals would refuse it: {0}")]
    Content(#[from] Malformed),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignFailed),
}

impl Content {
    /// The signed bundle. `changes` are all changes of keys there ever were, oldest first.
    ///
    /// # Errors
    /// [`Unsignable`]: what is signed here can be read there, or it is not signed.
    pub fn sign(&self, changes: &[Vec<u8>], signer: &dyn Signer) -> Result<Vec<u8>, Unsignable> {
        Draft::new(self, changes.to_vec())?.sign(signer)
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, Unwritten> {
        let mut out = Encoder::new(Vec::with_capacity(self.code.len().saturating_add(4_096)));
        out.map(14)?.u8(0)?.str(FORMAT)?;
        out.u8(1)?.str(&self.name)?.u8(2)?.u64(self.version)?;
        out.u8(3)?.str(&self.target)?.u8(4)?.str(&self.wasmtime)?.u8(5)?.bytes(&self.profile)?;
        out.u8(6)?.bytes(&self.component)?.u8(7)?.bytes(&self.code)?;
        out.u8(8)?.array(u64::try_from(self.policies.len()).unwrap_or(u64::MAX))?;
        for policy in &self.policies {
            out.array(2)?;
            match &policy.class {
                Some(class) => out.str(class)?,
                None => out.null()?,
            };
            out.bytes(&policy.canonical)?;
        }
        out.u8(9)?.array(u64::try_from(self.proof_keys.len()).unwrap_or(u64::MAX))?;
        for key in &self.proof_keys {
            out.array(2)?.bytes(&key.public)?;
            match key.retired_at_unix_ms {
                Some(at) => out.i64(at)?,
                None => out.null()?,
            };
        }
        let Times { not_before, expires, made_at, server_time } = self.times;
        out.u8(10)?.i64(not_before)?.u8(11)?.i64(expires)?.u8(12)?.i64(made_at)?.u8(13)?.i64(server_time)?;
        Ok(out.into_writer())
    }
}

/// A policy's class, and where it lies.
type FoundPolicy = (Option<String>, Range<usize>);

/// A bundle's content as it lies in memory: what is short is read, what is long is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub name: String,
    pub version: u64,
    pub target: String,
    pub wasmtime: String,
    pub profile: [u8; 32],
    pub component: [u8; 32],
    pub code: Range<usize>,
    pub policies: Vec<FoundPolicy>,
    pub proof_keys: Vec<ProofKey>,
    pub times: Times,
}

impl Layout {
    /// Reads a payload; all ranges are within it.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        reader.map(14, "a bundle's content")?;
        reader.entry(0, "the form")?;
        reader.exactly(FORMAT, "content of form rescind-bundle/1")?;
        let name = text(&mut reader, 1, "the name")?;
        reader.entry(2, "the version")?;
        let at = reader.position();
        let version = reader.number("the version")?;
        if version == 0 {
            return Err(Malformed::Unexpected { at, expected: "a version from 1" });
        }
        let target = text(&mut reader, 3, "the target")?;
        let wasmtime = text(&mut reader, 4, "the engine's version")?;
        reader.entry(5, "the profile's digest")?;
        let profile = reader.array("the profile's digest")?;
        reader.entry(6, "the component's digest")?;
        let component = reader.array("the component's digest")?;
        reader.entry(7, "the component")?;
        let code = range(&mut reader, limits::CODE_BYTES, "the component")?;
        reader.entry(8, "the policies")?;
        let policies = policies(&mut reader)?;
        reader.entry(9, "the proof keys")?;
        let proof_keys = proof_keys(&mut reader)?;
        let times = Times {
            not_before: instant(&mut reader, 10, "not before")?,
            expires: instant(&mut reader, 11, "expires")?,
            made_at: instant(&mut reader, 12, "made at")?,
            server_time: instant(&mut reader, 13, "the server's time")?,
        };
        reader.end()?;
        if times.expires <= times.not_before || times.server_time < times.made_at {
            return Err(Malformed::Unexpected { at: reader.position(), expected: "times in their order" });
        }
        Ok(Self { name, version, target, wasmtime, profile, component, code, policies, proof_keys, times })
    }
}

fn text(reader: &mut Reader<'_>, entry: u64, what: &'static str) -> Result<String, Malformed> {
    reader.entry(entry, what)?;
    let at = reader.position();
    let text = reader.text(limits::TEXT_BYTES, what)?;
    // They are shown to people and compared; what cannot be seen has no place in them.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Malformed::Unexpected { at, expected: what });
    }
    Ok(text.to_owned())
}

fn range(reader: &mut Reader<'_>, limit: usize, what: &'static str) -> Result<Range<usize>, Malformed> {
    let at = reader.position();
    let length = reader.bytes(limit, what)?.len();
    if length == 0 {
        return Err(Malformed::Unexpected { at, expected: what });
    }
    Ok(reader.position().saturating_sub(length)..reader.position())
}

fn instant(reader: &mut Reader<'_>, entry: u64, what: &'static str) -> Result<i64, Malformed> {
    reader.entry(entry, what)?;
    bounded_instant(reader, what)
}

fn bounded_instant(reader: &mut Reader<'_>, what: &'static str) -> Result<i64, Malformed> {
    let at = reader.position();
    let instant = reader.signed(what)?;
    if (0..=limits::LAST_UNIX_MS).contains(&instant) {
        Ok(instant)
    } else {
        Err(Malformed::Unexpected { at, expected: what })
    }
}

fn policies(reader: &mut Reader<'_>) -> Result<Vec<FoundPolicy>, Malformed> {
    let start = reader.position();
    let count = reader.list(limits::POLICIES, "the policies")?;
    let mut policies: Vec<FoundPolicy> = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.position();
        reader.items(2, "a policy")?;
        let class = if reader.absent("a class of terminals")? {
            None
        } else {
            Some(reader.text(limits::TEXT_BYTES, "a class of terminals")?.to_owned())
        };
        if policies.iter().any(|(other, _)| *other == class) {
            return Err(Malformed::Unexpected { at, expected: "one policy for each class" });
        }
        policies.push((class, range(reader, limits::POLICY_BYTES, "a policy")?));
    }
    if policies.is_empty() {
        return Err(Malformed::Unexpected { at: start, expected: "at least one policy" });
    }
    Ok(policies)
}

fn proof_keys(reader: &mut Reader<'_>) -> Result<Vec<ProofKey>, Malformed> {
    let count = reader.list(limits::PROOF_KEYS, "the proof keys")?;
    let mut keys = Vec::with_capacity(count);
    for _ in 0..count {
        reader.items(2, "a proof key")?;
        let public = reader.array("a proof key")?;
        let retired_at_unix_ms = if reader.absent("when it was retired")? {
            None
        } else {
            Some(bounded_instant(reader, "when it was retired")?)
        };
        keys.push(ProofKey { public, retired_at_unix_ms });
    }
    Ok(keys)
}
