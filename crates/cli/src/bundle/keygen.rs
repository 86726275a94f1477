//! `rescind bundle keygen`.

use super::file::{self, Readers};
use crate::native;
use crate::stdio::say;
use clap::Args;
use rescind_bundle::{Signer as _, SigningKey, Trust};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make a key that signs bundles, and the set of keys that terminals are provisioned with.
#[derive(Debug, Args)]
pub struct Keygen {
    /// Where to write the private key. Whoever can read it can sign; it is never overwritten.
    #[arg(long)]
    out: PathBuf,
    /// The name of a new line of bundles: the name of the policy of the merchants whose terminals take it. With --trust.
    #[arg(long, requires = "trust")]
    name: Option<String>,
    /// Where to write its first set of keys: for terminals (`trust` in their setup) and for the server (`bundle_keys`).
    #[arg(long, requires = "name")]
    trust: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Keygen {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let key = SigningKey::from_seed(native::random());
        let public = key.public();
        // Before anything is written: a name that is none leaves no file behind.
        let first = match (&self.name, &self.trust) {
            (Some(name), Some(file)) => Some((Trust::first(name, public.clone()).checked()?, file)),
            _ => None,
        };
        file::write_key(&self.out, &key)?;
        if let Some((trust, file)) = &first {
            file::write_new(file, format!("{}\n", serde_json::to_string(trust)?).as_bytes(), Readers::Usual)?;
        }
        if self.json {
            let made = serde_json::json!({
                "public-key": public, "key-id": public.id(), "private-key-file": self.out,
                "trust": first.map(|(trust, _)| trust),
            });
            say(format_args!("{}", serde_json::to_string_pretty(&made)?))?;
            return Ok(ExitCode::SUCCESS);
        }
        say(format_args!("public key  {public}"))?;
        say(format_args!("key id      {}", public.id()))?;
        say(format_args!("private key {}: keep it where nothing else runs", self.out.display()))?;
        if let Some((trust, file)) = &first {
            say(format_args!("key set 1   {}, of {}", file.display(), trust.name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
