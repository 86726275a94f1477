//! How a terminal is: what a service engineer looks at, and what firmware decides by when to sync.

use crate::answer::Clock;
use crate::clock::Time;
use rescind_bundle::{Engine, Verified};
use rescind_journal::{Counters, Head};
use rescind_model::{Instant, PolicyIdentity};
use serde::Serialize;

/// How a terminal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The version of this library.
    pub library: &'static str,
    /// What bundles for it are translated for.
    pub target: String,
    /// The engine's version, and the digest of its profile: bundles must be made for the same.
    pub engine: String,
    /// The digest of the engine's profile.
    pub profile: String,
    /// The bundle, if there is one.
    pub bundle: Option<BundleStatus>,
    /// Why the bundle does not decide, if it does not.
    pub unusable: Option<String>,
    /// The journal.
    pub journal: JournalStatus,
    /// The time.
    pub clock: Clock,
    /// When the server was last heard.
    pub last_contact: Option<Instant>,
    /// The public half of the key that signs batches, for the server's register.
    pub public_key: String,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BundleStatus {
    /// The line of bundles.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub digest: String,
    /// The policy that decides.
    pub policy: Option<PolicyIdentity>,
    /// When it was made.
    pub made_at: Instant,
    /// The first instant at which it no longer holds.
    pub expires: Instant,
    /// Whether it holds now, as far as the time is known.
    pub holds: bool,
}

impl BundleStatus {
    pub(crate) fn of(bundle: &Verified, policy: Option<PolicyIdentity>, time: &Time) -> Self {
        let times = bundle.times();
        Self {
            name: bundle.name().to_owned(),
            version: bundle.version(),
            digest: hex::encode(bundle.digest()),
            policy,
            made_at: Instant { unix_ms: times.made_at },
            expires: Instant { unix_ms: times.expires },
            holds: bundle.holds_at(time.earliest().unix_ms).is_ok() && bundle.holds_at(time.latest().unix_ms).is_ok(),
        }
    }
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalStatus {
    /// Up to here the server has acknowledged.
    pub acknowledged: Head,
    /// Up to here there are records.
    pub head: Head,
    /// Whether new business is refused before the server has acknowledged.
    pub is_full: bool,
    /// How many records it takes.
    pub max_records: u64,
    /// How many bytes.
    pub max_bytes: u64,
    /// What ceilings are held against.
    pub counters: Counters,
}

impl Status {
    pub(crate) fn of(
        engine: &Engine,
        bundle: Option<BundleStatus>,
        unusable: Option<String>,
        journal: JournalStatus,
        time: &Time,
        last_contact: Option<Instant>,
        public_key: String,
    ) -> Self {
        Self {
            library: env!("CARGO_PKG_VERSION"),
            target: engine.target.clone(),
            engine: engine.wasmtime.clone(),
            profile: hex::encode(engine.profile),
            bundle,
            unusable,
            journal,
            clock: Clock::of(time),
            last_contact,
            public_key,
        }
    }
}
