//! `rescind bundle build`.

use super::file::{self, Readers};
use super::{engine, target};
use crate::native;
use crate::policy;
use crate::stdio::{complain, say};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use rescind_bundle::cose::{Envelope, Kind};
use rescind_bundle::limits::{BUNDLE_BYTES, CHANGE_BYTES, POLICY_BYTES};
use rescind_bundle::{ClassPolicy, Content, Draft, ProofKey, Signer as _, SigningKey, Times, inspect, inspect_change};
use rescind_decider::{Target, Translation};
use rescind_model::{Digest, Instant};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A day in ms.
const DAY_MS: i64 = 86_400_000;

/// How long before it was made a bundle holds unless told: a terminal's clock may be behind, and takes it all the same.
const BEHIND_MS: i64 = 600_000;

/// Largest component that is read: some ten times what ours has.
const COMPONENT_BYTES: usize = 16 * 1024 * 1024;

/// Largest list of proof keys that is read.
const PROOF_KEYS_BYTES: usize = 64 * 1024;

/// Translate the component and put it into bundles with policies and keys: one file for each target.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub struct Build {
    /// The line of bundles. Unless told, that of --previous.
    #[arg(long, required_unless_present = "previous")]
    name: Option<String>,
    /// The version: terminals never go back to a lower one. Unless told, one more than that of --previous.
    #[arg(long, required_unless_present = "previous")]
    version: Option<u64>,
    /// The bundle before this one, for any target: its changes of keys are carried on.
    #[arg(long)]
    previous: Option<PathBuf>,
    /// The component that decides.
    #[arg(long, default_value = "target/components/eligibility.wasm")]
    component: PathBuf,
    /// A policy, as a pack (TOML) or compiled; may be repeated. CLASS=FILE is for that class of terminals, FILE for all
    /// others.
    #[arg(long = "policy", required = true, value_name = "[CLASS=]FILE")]
    policies: Vec<String>,
    /// What to translate for: native, pulley64, pulley32, or a triple that this program has a compiler for; may be repeated.
    #[arg(long = "target", default_value = "native")]
    targets: Vec<String>,
    /// From when it holds, such as 2026-11-23T22:59:00+08:00. Unless told, ten minutes before it was made.
    #[arg(long, value_parser = Instant::parse)]
    not_before: Option<Instant>,
    /// Until before when it holds.
    #[arg(long, value_parser = Instant::parse, conflicts_with = "days")]
    expires: Option<Instant>,
    /// For how many days it holds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// When it was made. Unless told, now.
    #[arg(long, value_parser = Instant::parse)]
    made_at: Option<Instant>,
    /// The server's time: no clock that is right shows less. Unless told, when it was made.
    #[arg(long, value_parser = Instant::parse)]
    anchor: Option<Instant>,
    /// The keys that check operators' proofs: a file with what `GET /v1/proof-keys` answers.
    #[arg(long)]
    proof_keys: Option<PathBuf>,
    /// A change of keys that `rotate` wrote, after those of --previous; may be repeated, oldest first.
    #[arg(long = "change")]
    changes: Vec<PathBuf>,
    /// Sign at once with the key in this file. Otherwise drafts are written, for `sign`.
    #[arg(long)]
    key: Option<PathBuf>,
    /// The folder for NAME-VERSION-TARGET.bundle, or .draft.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

/// What is taken over from the bundle before.
#[derive(Debug, Default)]
struct Before {
    name: Option<String>,
    version: Option<u64>,
    changes: Vec<Vec<u8>>,
}

impl Build {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let before = self.before()?;
        let name = self.name.clone().or_else(|| before.name.clone()).context("the line of bundles has no name")?;
        // It becomes a part of the files' names.
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.starts_with('.') || !name.bytes().all(word) {
            bail!("--name {name}: expected letters, digits, '-', '_' and '.'");
        }
        if before.name.as_ref().is_some_and(|known| *known != name) {
            bail!("--name {name}: the bundle before is one of {}", before.name.unwrap_or_default());
        }
        let next = before.version.and_then(|version| version.checked_add(1));
        let version = self.version.or(next).context("the bundle has no version")?;
        if before.version.is_some_and(|known| version <= known) {
            bail!("--version {version}: the bundle before has version {}", before.version.unwrap_or_default());
        }
        let key = self.key.as_deref().map(file::read_key).transpose()?;
        let changes = self.changes(&name, before.changes)?;
        let component = file::read(&self.component, "component", COMPONENT_BYTES)?;
        let policies = self.policies()?;
        let proof_keys = self.proof_keys()?;
        let times = self.times()?;

        let targets: Vec<Target> = self.targets.iter().map(|name| target(name)).collect();
        // All of them before the first is written: what cannot be translated leaves no half of a version.
        let mut made = Vec::new();
        let mut tried = false;
        for target in &targets {
            let translation = Translation::of(&component, target)
                .with_context(|| format!("{} cannot be translated", self.component.display()))?;
            if *target == Target::native() || target.triple() == Target::Pulley.triple() {
                try_out(&translation, &policies)?;
                tried = true;
            }
            let engine = engine(target)?;
            let content = Content {
                name: name.clone(),
                version,
                target: engine.target.clone(),
                wasmtime: engine.wasmtime,
                profile: engine.profile,
                component: digest(&component)?,
                code: translation.bytes().to_vec(),
                policies: policies.clone(),
                proof_keys: proof_keys.clone(),
                times,
            };
            let draft = Draft::new(&content, changes.clone())?;
            made.push((engine.target, finished(&draft, key.as_ref())?));
        }
        if !tried {
            try_out(&Translation::of(&component, &Target::Pulley)?, &policies)?;
        }
        let (ending, by) = match &key {
            Some(key) => ("bundle", format!("signed by {}", key.public().id())),
            None => ("draft", "not signed".to_owned()),
        };
        for (target, bytes) in made {
            let file = self.out.join(format!("{name}-{version}-{target}.{ending}"));
            file::write_new(&file, &bytes, Readers::Usual)?;
            say(format_args!("{}: {} bytes, {}, {by}", file.display(), bytes.len(), Digest::of(&bytes)))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn before(&self) -> anyhow::Result<Before> {
        let Some(path) = &self.previous else { return Ok(Before::default()) };
        let bytes = file::read(path, "bundle", BUNDLE_BYTES)?;
        let no_bundle = || format!("{} is no bundle", path.display());
        let shown = inspect(&bytes).with_context(no_bundle)?;
        let envelope = Envelope::read(&bytes, Kind::Bundle, BUNDLE_BYTES).with_context(no_bundle)?;
        let changes = envelope.changes.iter().map(|change| change.to_vec()).collect();
        Ok(Before { name: Some(shown.name), version: Some(shown.version), changes })
    }

    /// All changes of keys, in their order: a gap would leave every terminal behind it.
    fn changes(&self, name: &str, mut changes: Vec<Vec<u8>>) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut last = match changes.last() {
            Some(change) => inspect_change(change)?.number,
            None => 1,
        };
        for path in &self.changes {
            let bytes = file::read(path, "change of keys", CHANGE_BYTES)?;
            let change = inspect_change(&bytes).with_context(|| format!("{} is no change of keys", path.display()))?;
            if change.name != name {
                bail!("{} changes the keys of {}, and this is a bundle of {name}", path.display(), change.name);
            }
            // A line may begin with later sets than the first, where no terminal knows an earlier one.
            let begins = changes.is_empty() && change.number > 1;
            if !begins && Some(change.number) != last.checked_add(1) {
                bail!("{} leads to key set {}, and the one before it to set {last}", path.display(), change.number);
            }
            last = change.number;
            changes.push(bytes);
        }
        Ok(changes)
    }

    fn policies(&self) -> anyhow::Result<Vec<ClassPolicy>> {
        let mut policies = Vec::new();
        for text in &self.policies {
            let (class, path) = match text.split_once('=') {
                Some((class, path)) if !class.contains('/') => (Some(class.to_owned()), Path::new(path)),
                _ => (None, Path::new(text.as_str())),
            };
            let is_pack = path.extension().is_some_and(|ending| ending == "toml");
            let canonical = if is_pack { policy::canonical(path)? } else { file::read(path, "policy", POLICY_BYTES)? };
            policies.push(ClassPolicy { class, canonical });
        }
        Ok(policies)
    }

    fn proof_keys(&self) -> anyhow::Result<Vec<ProofKey>> {
        let Some(path) = &self.proof_keys else {
            complain(format_args!("note: without --proof-keys, terminals know no operator while they are offline"));
            return Ok(Vec::new());
        };
        let bytes = file::read(path, "list of proof keys", PROOF_KEYS_BYTES)?;
        let none = || format!("{} is not what GET /v1/proof-keys answers", path.display());
        let listed: Listed = serde_json::from_slice(&bytes).with_context(none)?;
        listed.items.iter().map(ListedKey::read).collect::<anyhow::Result<_>>().with_context(none)
    }

    fn times(&self) -> anyhow::Result<Times> {
        let made_at = self.made_at.unwrap_or_else(native::now).unix_ms;
        let not_before = self.not_before.map_or(made_at.saturating_sub(BEHIND_MS).max(0), |at| at.unix_ms);
        let days = i64::from(self.days).saturating_mul(DAY_MS);
        let expires = self.expires.map_or(made_at.saturating_add(days), |at| at.unix_ms);
        let server_time = self.anchor.map_or(made_at, |at| at.unix_ms);
        if expires <= not_before {
            bail!("it would end before it begins: --expires is not after --not-before");
        }
        if server_time < made_at {
            bail!("--anchor is before the bundle is made: say --made-at, or correct a clock");
        }
        Ok(Times { not_before, expires, made_at, server_time })
    }
}

/// The answer of `GET /v1/proof-keys`.
#[derive(Deserialize)]
struct Listed {
    items: Vec<ListedKey>,
}

#[derive(Deserialize)]
struct ListedKey {
    algorithm: String,
    public_key: String,
    retired_at: Option<String>,
}

impl ListedKey {
    fn read(&self) -> anyhow::Result<ProofKey> {
        if self.algorithm != "ed25519" {
            bail!("expected a key of ed25519, found {}", self.algorithm);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.public_key)?;
        let public = bytes.try_into().map_err(|_| anyhow::anyhow!("expected a key of 32 bytes"))?;
        let retired = self.retired_at.as_deref().map(Instant::parse).transpose()?;
        Ok(ProofKey { public, retired_at_unix_ms: retired.map(|at| at.unix_ms) })
    }
}

/// Loads the component and every policy once, as a terminal will.
fn try_out(translation: &Translation, policies: &[ClassPolicy]) -> anyhow::Result<()> {
    let runtime = translation.run(1).context("the component cannot be used")?;
    for policy in policies {
        let class = policy.class.as_deref().unwrap_or("every class");
        runtime.decider(&policy.canonical).with_context(|| format!("the policy for {class} cannot be loaded"))?;
    }
    Ok(())
}

fn finished(draft: &Draft, key: Option<&SigningKey>) -> anyhow::Result<Vec<u8>> {
    match key {
        Some(key) => Ok(draft.sign(key)?),
        None => Ok(draft.write()?),
    }
}

fn digest(bytes: &[u8]) -> anyhow::Result<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(&Digest::of(bytes).hex, &mut digest).context("a digest has 64 digits")?;
    Ok(digest)
}
