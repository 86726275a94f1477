//! What stands in a bundle, for people: as it says itself, checked by nobody.

use chrono::{DateTime, SecondsFormat};
use rescind_proof::ProofKey;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;

use crate::content::{Layout, Unsignable};
use crate::cose::{Envelope, Kind};
use crate::draft::Draft;
use crate::key::{KeyId, PublicKey, Verifier};
use crate::limits;
use crate::trust::Trust;
use crate::wire::Malformed;

/// What a bundle says of itself. None of it was checked. As text by its `Display`, as JSON by its `Serialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// All of its bytes.
    pub bytes: usize,
    /// Their SHA-256.
    pub sha256: String,
    /// How it is signed; absent while it is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// By which key it says it is signed; absent while it is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The line of bundles.
    pub name: String,
    /// The version.
    pub version: u64,
    /// What it was translated for.
    pub target: String,
    /// By which version of the engine.
    pub wasmtime: String,
    /// The digest of the engine's profile.
    pub profile: String,
    /// The SHA-256 of the component before it was translated.
    pub component: String,
    /// The translated component.
    pub code: Part,
    /// The policies, each for a class of terminals.
    pub policies: Vec<Part>,
    /// The keys that check operators' proofs.
    pub proof_keys: Vec<InspectedProofKey>,
    /// The first instant at which it holds.
    pub not_before: String,
    /// The first instant at which it no longer does.
    pub expires: String,
    /// When it was made.
    pub made_at: String,
    /// The server's time when it was signed.
    pub server_time: String,
    /// The changes of keys it carries.
    pub changes: Vec<InspectedChange>,
}

/// Something long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// For which class of terminals, if for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Its bytes.
    pub bytes: usize,
    /// Their SHA-256.
    pub sha256: String,
}

/// A key that checks operators' proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectedProofKey {
    /// Its id.
    pub id: String,
    /// When it was retired, if it was.
    pub retired_at: Option<String>,
}

/// A change of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectedChange {
    /// The line of bundles whose keys change.
    pub name: String,
    /// The number of the set it makes.
    pub number: u64,
    /// Who signed it.
    pub signed_by: KeyId,
    /// The set.
    pub keys: Vec<PublicKey>,
}

/// Reads a bundle without checking who signed it.
///
/// # Errors
/// [`Malformed`] if it is no whole bundle.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Malformed> {
    let envelope = Envelope::read(bytes, Kind::Bundle, limits::BUNDLE_BYTES)?;
    let shown = shown(bytes, envelope.payload, &envelope.changes)?;
    Ok(Inspection { algorithm: Some(envelope.algorithm.to_string()), key: Some(envelope.key), ..shown })
}

/// Reads a draft: what its bundle will say.
///
/// # Errors
/// [`Unsignable`] if it is no draft.
pub fn inspect_draft(bytes: &[u8]) -> Result<Inspection, Unsignable> {
    let draft = Draft::read(bytes)?;
    let changes: Vec<&[u8]> = draft.changes().iter().map(Vec::as_slice).collect();
    Ok(shown(bytes, draft.payload(), &changes)?)
}

fn shown(bytes: &[u8], payload: &[u8], statements: &[&[u8]]) -> Result<Inspection, Malformed> {
    let layout = Layout::read(payload)?;
    let part = |class: &Option<String>, range: &std::ops::Range<usize>| {
        let bytes = payload.get(range.clone()).unwrap_or_default();
        Part { class: class.clone(), bytes: bytes.len(), sha256: sha256(bytes) }
    };
    let mut changes = Vec::new();
    for bytes in statements {
        changes.push(inspect_change(bytes)?);
    }
    Ok(Inspection {
        bytes: bytes.len(),
        sha256: sha256(bytes),
        algorithm: None,
        key: None,
        version: layout.version,
        profile: hex::encode(layout.profile),
        component: hex::encode(layout.component),
        code: part(&None, &layout.code),
        policies: layout.policies.iter().map(|(class, range)| part(class, range)).collect(),
        proof_keys: layout.proof_keys.iter().map(proof_key).collect(),
        not_before: instant(layout.times.not_before),
        expires: instant(layout.times.expires),
        made_at: instant(layout.times.made_at),
        server_time: instant(layout.times.server_time),
        changes,
        name: layout.name,
        target: layout.target,
        wasmtime: layout.wasmtime,
    })
}

/// Reads a change of keys without checking who signed it.
///
/// # Errors
/// [`Malformed`] if it is none.
pub fn inspect_change(bytes: &[u8]) -> Result<InspectedChange, Malformed> {
    let change = Envelope::read(bytes, Kind::Keys, limits::CHANGE_BYTES)?;
    let Trust { name, number, keys, .. } = Trust::read(change.payload)?;
    Ok(InspectedChange { name, number, signed_by: change.key, keys })
}

/// The signed bundle that the bytes are, whatever its target and version: for a server that gives it out, and for
/// whoever made it. It is not for running: nothing says that it fits an engine.
///
/// # Errors
/// [`crate::Refusal`].
pub fn check(bytes: &[u8], trust: &Trust, verifier: &dyn Verifier) -> Result<Inspection, crate::Refusal> {
    crate::verify_genuine(bytes.to_vec(), trust, verifier)?;
    Ok(inspect(bytes)?)
}

fn proof_key(key: &ProofKey) -> InspectedProofKey {
    InspectedProofKey { id: hex::encode(key.id()), retired_at: key.retired_at_unix_ms.map(instant) }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn instant(unix_ms: i64) -> String {
    let instant = DateTime::from_timestamp_millis(unix_ms);
    instant.map_or_else(|| unix_ms.to_string(), |instant| instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bundle      {} version {}, {} bytes", self.name, self.version, self.bytes)?;
        writeln!(f, "sha256      {}", self.sha256)?;
        match (&self.key, &self.algorithm) {
            (Some(key), Some(algorithm)) => writeln!(f, "signed by   {key} ({algorithm})")?,
            _ => writeln!(f, "signed by   nobody: a draft")?,
        }
        writeln!(f, "target      {}, engine {}", self.target, self.wasmtime)?;
        writeln!(f, "profile     {}", self.profile)?;
        writeln!(f, "component   {}", self.component)?;
        writeln!(f, "translated  {} bytes, {}", self.code.bytes, self.code.sha256)?;
        for policy in &self.policies {
            let class = policy.class.as_deref().unwrap_or("every class");
            writeln!(f, "policy      {}, {} bytes, {class}", policy.sha256, policy.bytes)?;
        }
        for key in &self.proof_keys {
            write!(f, "proof key   {}", key.id)?;
            match &key.retired_at {
                Some(at) => writeln!(f, ", retired at {at}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "holds       from {} until {}", self.not_before, self.expires)?;
        writeln!(f, "made        {}, signed at {}", self.made_at, self.server_time)?;
        for change in &self.changes {
            let keys: Vec<String> = change.keys.iter().map(|key| key.id().to_string()).collect();
            writeln!(f, "key set {}   {}, signed by {}", change.number, keys.join(" "), change.signed_by)?;
        }
        Ok(())
    }
}
