//! Checking a bundle: everything, before anything of it is given out.

use rescind_proof::ProofKey;
use sha2::{Digest as _, Sha256};

use crate::content::{Layout, Times};
use crate::cose::{Envelope, Kind};
use crate::key::{Algorithm, KeyId, Unverified, Verifier};
use crate::limits;
use crate::trust::{BrokenChange, Trust};
use crate::wire::Malformed;

/// The engine that a terminal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// What it runs code for.
    pub target: String,
    /// Its version.
    pub wasmtime: String,
    /// The digest of its profile.
    pub profile: [u8; 32],
}

/// The bundle that a terminal has, for comparison with one that it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: u64,
    /// The SHA-256 of its bytes, if they are known: the same bundle may be offered again.
    pub digest: Option<[u8; 32]>,
}

/// Why a bundle is refused: the first reason that applies. Nothing that an unsigned byte says is believed, so only a
/// bundle that is genuine can be refused for what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than any bundle.
    #[error("a bundle has at most {limit} bytes, this one {found}")]
    TooLarge {
        /// How large it may be.
        limit: usize,
        /// How large it is.
        found: usize,
    },
    /// It is no bundle, or only a part of one.
    #[error("this is not a whole bundle: {0}")]
    Malformed(#[from] Malformed),
    /// Its changes of keys do not lead from the keys that are known to the one that signed it.
    #[error("the change to key set {number} cannot be followed: {why}")]
    BrokenChange {
        /// The set that cannot be reached.
        number: u64,
        /// Why.
        why: BrokenChange,
    },
    /// The key that signed it is not known.
    #[error("it is signed by key {0}, which is not known here")]
    UnknownKey(KeyId),
    /// The key that signed it was retired.
    #[error("it is signed by key {0}, which was retired")]
    RetiredKey(KeyId),
    /// Nobody here can check how it is signed.
    #[error("nobody here can check signatures by {0}")]
    UnknownAlgorithm(Algorithm),
    /// It was altered.
    #[error("its signature is wrong: it was altered, or signed by somebody else")]
    BadSignature,
    /// It belongs to another line of bundles.
    #[error("it is a bundle of {found:?}, and this terminal takes those of {expected:?}")]
    OtherName {
        /// The line that the terminal belongs to.
        expected: String,
        /// The line that the bundle belongs to.
        found: String,
    },
    /// It was translated for something else.
    #[error("it was translated for {found}, and this is {expected}")]
    OtherTarget {
        /// What this is.
        expected: String,
        /// What it was translated for.
        found: String,
    },
    /// It was translated by another version of the engine.
    #[error("it was translated by engine {found}, and this is {expected}")]
    OtherEngine {
        /// The version here.
        expected: String,
        /// The version there.
        found: String,
    },
    /// It was translated for an engine with other settings.
    #[error("it was translated for an engine with other settings than this one")]
    OtherProfile,
    /// It is older than what is installed, or another one of the same version.
    #[error("version {installed} is installed: version {offered} is not newer")]
    Rollback {
        /// The version that is installed.
        installed: u64,
        /// The version that was offered.
        offered: u64,
    },
    /// It does not hold yet.
    #[error("it does not hold before {not_before}, and it is {now} (ms since 1970)")]
    NotYet {
        /// The first instant at which it does.
        not_before: i64,
        /// Now.
        now: i64,
    },
    /// It has expired.
    #[error("it expired at {expires}, and it is {now} (ms since 1970)")]
    Expired {
        /// The first instant at which it no longer holds.
        expires: i64,
        /// Now.
        now: i64,
    },
}

impl Refusal {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "bundle.too-large",
            Self::Malformed(Malformed::Truncated) => "bundle.truncated",
            Self::Malformed(_) => "bundle.malformed",
            Self::BrokenChange { .. } => "bundle.keys",
            Self::UnknownKey(_) => "bundle.unknown-key",
            Self::RetiredKey(_) => "bundle.retired-key",
            Self::UnknownAlgorithm(_) => "bundle.algorithm",
            Self::BadSignature => "bundle.signature",
            Self::OtherName { .. } => "bundle.name",
            Self::OtherTarget { .. } => "bundle.target",
            Self::OtherEngine { .. } => "bundle.engine",
            Self::OtherProfile => "bundle.profile",
            Self::Rollback { .. } => "bundle.rollback",
            Self::NotYet { .. } => "bundle.not-yet",
            Self::Expired { .. } => "bundle.expired",
        }
    }
}

/// A bundle that is genuine and fits this terminal. It owns the very bytes that were checked and gives parts of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    bytes: Vec<u8>,
    digest: [u8; 32],
    // INVARIANT: its ranges are within `bytes`.
    layout: Layout,
    trust: Trust,
    signer: KeyId,
}

impl core::fmt::Debug for Verified {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Verified({:?} version {}, {} bytes)", self.layout.name, self.layout.version, self.bytes.len())
    }
}

impl Verified {
    /// The line of bundles it belongs to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.layout.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.layout.version
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// All of its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the component before it was translated.
    #[must_use]
    pub fn component(&self) -> &[u8; 32] {
        &self.layout.component
    }

    /// The translated component: what was signed, and what the engine may run.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        self.bytes.get(self.layout.code.clone()).unwrap_or_default()
    }

    /// The policy for a class of terminals: its own, or the one for all that have none. `None`: there is neither.
    #[must_use]
    pub fn policy(&self, class: Option<&str>) -> Option<&[u8]> {
        let of = |class: Option<&str>| self.layout.policies.iter().find(|(other, _)| other.as_deref() == class);
        let (_, range) = of(class).or_else(|| of(None))?;
        self.bytes.get(range.clone())
    }

    /// All policies, each with its class of terminals; without one: for every class that has none of its own.
    pub fn policies(&self) -> impl Iterator<Item = (Option<&str>, &[u8])> {
        let of = |range: &core::ops::Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.layout.policies.iter().map(move |(class, range)| (class.as_deref(), of(range)))
    }

    /// The engine it was made for.
    #[must_use]
    pub fn made_for(&self) -> Engine {
        let Layout { target, wasmtime, profile, .. } = &self.layout;
        Engine { target: target.clone(), wasmtime: wasmtime.clone(), profile: *profile }
    }

    /// The keys that check operators' proofs.
    #[must_use]
    pub fn proof_keys(&self) -> &[ProofKey] {
        &self.layout.proof_keys
    }

    /// When it holds.
    #[must_use]
    pub fn times(&self) -> Times {
        self.layout.times
    }

    /// Whom to believe from now on.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> KeyId {
        self.signer
    }

    /// It, for comparison with one that is offered.
    #[must_use]
    pub fn installed(&self) -> Installed {
        Installed { version: self.layout.version, digest: Some(self.digest) }
    }

    /// Fails unless its changes of keys also lead from an earlier set to whom is believed now. A bundle that is kept must be
    /// checkable from what the terminal was provisioned with, which is all that is left after a restart.
    ///
    /// # Errors
    /// [`Refusal::BrokenChange`].
    pub fn can_be_reached_from(&self, provisioned: &Trust, verifier: &dyn Verifier) -> Result<(), Refusal> {
        let envelope = Envelope::read(&self.bytes, Kind::Bundle, limits::BUNDLE_BYTES)?;
        let reached = provisioned
            .follow(&envelope.changes, verifier)
            .map_err(|(number, why)| Refusal::BrokenChange { number, why })?;
        if reached.number == self.trust.number && reached.keys == self.trust.keys {
            return Ok(());
        }
        let why = BrokenChange::Gap { expected: reached.number.saturating_add(1), found: self.trust.number };
        Err(Refusal::BrokenChange { number: self.trust.number, why })
    }

    /// Fails unless it holds at an instant, in ms since the Unix epoch.
    ///
    /// # Errors
    /// [`Refusal::NotYet`], [`Refusal::Expired`].
    pub fn holds_at(&self, now: i64) -> Result<(), Refusal> {
        let Times { not_before, expires, .. } = self.layout.times;
        if now < not_before {
            return Err(Refusal::NotYet { not_before, now });
        }
        if now >= expires {
            return Err(Refusal::Expired { expires, now });
        }
        Ok(())
    }
}

/// Checks a bundle that is offered: [`verify_installed`], and that it is newer than the one installed and holds now (ms
/// since the Unix epoch). The very bundle that is installed may be offered again.
///
/// # Errors
/// [`Refusal`]: form, keys, signature, name, target, engine, version, times, in this order.
pub fn verify(
    bytes: Vec<u8>,
    trust: &Trust,
    now: i64,
    installed: Option<Installed>,
    engine: &Engine,
    verifier: &dyn Verifier,
) -> Result<Verified, Refusal> {
    let verified = verify_installed(bytes, trust, engine, verifier)?;
    if let Some(installed) = installed {
        let offered = verified.version();
        let same = installed.digest.is_none_or(|digest| digest == verified.digest);
        if offered < installed.version || (offered == installed.version && !same) {
            return Err(Refusal::Rollback { installed: installed.version, offered });
        }
    }
    verified.holds_at(now)?;
    Ok(verified)
}

/// Checks a bundle that was installed before: that it is genuine and for this engine. When it holds is another question,
/// [`Verified::holds_at`]: a terminal that begins to work may not know the time yet.
///
/// # Errors
/// [`Refusal`]: form, keys, signature, name, target, engine, in this order.
pub fn verify_installed(
    bytes: Vec<u8>,
    trust: &Trust,
    engine: &Engine,
    verifier: &dyn Verifier,
) -> Result<Verified, Refusal> {
    let verified = verify_genuine(bytes, trust, verifier)?;
    fits(&verified.layout, engine)?;
    Ok(verified)
}

/// Checks that a bundle is genuine, whatever its engine, version and time: for a server that gives it out, and for whoever
/// made it. It is not for running: nothing says that it fits an engine.
///
/// # Errors
/// [`Refusal`]: form, keys, signature, name, in this order.
pub fn verify_genuine(bytes: Vec<u8>, trust: &Trust, verifier: &dyn Verifier) -> Result<Verified, Refusal> {
    if bytes.len() > limits::BUNDLE_BYTES {
        return Err(Refusal::TooLarge { limit: limits::BUNDLE_BYTES, found: bytes.len() });
    }
    let envelope = Envelope::read(&bytes, Kind::Bundle, limits::BUNDLE_BYTES)?;
    let reached =
        trust.follow(&envelope.changes, verifier).map_err(|(number, why)| Refusal::BrokenChange { number, why })?;
    let signer = envelope.key;
    let key = reached.key(signer).ok_or_else(|| {
        if reached.is_retired(signer) { Refusal::RetiredKey(signer) } else { Refusal::UnknownKey(signer) }
    })?;
    envelope.verify(key, verifier).map_err(|error| match error {
        Unverified::Algorithm(algorithm) => Refusal::UnknownAlgorithm(algorithm),
        Unverified::Signature => Refusal::BadSignature,
    })?;
    let mut layout = Layout::read(envelope.payload)?;
    let start = envelope.payload_at.start;
    layout.code = moved(&layout.code, start);
    for (_, range) in &mut layout.policies {
        *range = moved(range, start);
    }
    if layout.name != reached.name {
        return Err(Refusal::OtherName { expected: reached.name.clone(), found: layout.name.clone() });
    }
    let digest = Sha256::digest(&bytes).into();
    Ok(Verified { bytes, digest, layout, trust: reached, signer })
}

fn fits(layout: &Layout, engine: &Engine) -> Result<(), Refusal> {
    if layout.target != engine.target {
        return Err(Refusal::OtherTarget { expected: engine.target.clone(), found: layout.target.clone() });
    }
    if layout.wasmtime != engine.wasmtime {
        return Err(Refusal::OtherEngine { expected: engine.wasmtime.clone(), found: layout.wasmtime.clone() });
    }
    if layout.profile != engine.profile {
        return Err(Refusal::OtherProfile);
    }
    Ok(())
}

fn moved(range: &core::ops::Range<usize>, by: usize) -> core::ops::Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}
