//! `rescind bundle verify`.

use super::file;
use super::{engine, read_trust, target};
use crate::native;
use crate::stdio::say;
use anyhow::Context as _;
use clap::Args;
use rescind_bundle::limits::BUNDLE_BYTES;
use rescind_bundle::{Ed25519, Installed, Refusal, Verified, inspect, verify};
use rescind_model::Instant;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a bundle as a terminal would; fails with the terminal's reason.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle.
    file: PathBuf,
    /// The set of keys that the terminal was provisioned with.
    #[arg(long)]
    trust: PathBuf,
    /// What the terminal's code runs on. Unless told, what the bundle says it is for.
    #[arg(long)]
    target: Option<String>,
    /// The version of the bundle that is installed there, if it is not this very one.
    #[arg(long)]
    installed: Option<u64>,
    /// The terminal's time, such as 2026-11-23T22:59:00+08:00. Unless told, now.
    #[arg(long, value_parser = Instant::parse)]
    at: Option<Instant>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Fails if the terminal would refuse it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = file::read(&self.file, "bundle", BUNDLE_BYTES)?;
        let trust = read_trust(&self.trust)?;
        // What no bundle says cannot be the reason of a refusal.
        let said = inspect(&bytes).map(|shown| shown.target).unwrap_or_default();
        let target = target(self.target.as_deref().unwrap_or(&said));
        let now = self.at.unwrap_or_else(native::now).unix_ms;
        // No bundle has that digest: what is installed is another one.
        let installed = self.installed.map(|version| Installed { version, digest: Some([0; 32]) });
        match verify(bytes, &trust, now, installed, &engine(&target)?, &Ed25519) {
            Ok(verified) => self.taken(&verified),
            Err(refusal) => self.refused(&refusal),
        }
    }

    fn taken(&self, bundle: &Verified) -> anyhow::Result<ExitCode> {
        let (name, version, signer) = (bundle.name(), bundle.version(), bundle.signer());
        let until = Instant::from_unix_ms(bundle.times().expires).context("an end after the year 9999")?;
        if self.json {
            let shown = serde_json::json!({
                "taken": true, "name": name, "version": version, "target": bundle.made_for().target,
                "expires": until.to_string(), "signed-by": signer, "key-set": bundle.trust().number,
            });
            say(format_args!("{}", serde_json::to_string_pretty(&shown)?))?;
        } else {
            let (file, target) = (self.file.display(), bundle.made_for().target);
            say(format_args!(
                "{file}: good: {name} version {version} for {target}, signed by {signer}, until {until}"
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn refused(&self, refusal: &Refusal) -> anyhow::Result<ExitCode> {
        if self.json {
            let shown = serde_json::json!({"taken": false, "code": refusal.code(), "reason": refusal.to_string()});
            say(format_args!("{}", serde_json::to_string_pretty(&shown)?))?;
        } else {
            say(format_args!("{}: refused: {}: {refusal}", self.file.display(), refusal.code()))?;
        }
        Ok(ExitCode::FAILURE)
    }
}
