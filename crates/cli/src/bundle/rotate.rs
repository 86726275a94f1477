//! `rescind bundle rotate`.

use super::file::{self, Readers};
use super::hand::{self, Hand, Work};
use super::read_trust;
use crate::stdio::say;
use anyhow::{Context as _, bail};
use clap::Args;
use rescind_bundle::PublicKey;
use rescind_bundle::cose::Kind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Change the set of keys that may sign: what this writes goes into every bundle from then on (`build --change`).
#[derive(Debug, Args)]
pub struct Rotate {
    /// The present set of keys. One of them signs.
    #[arg(long)]
    trust: PathBuf,
    /// A key of the next set, `ed25519:…`; may be repeated. Whatever is not named is retired for ever.
    #[arg(long = "next-key", required = true)]
    next_keys: Vec<String>,
    #[command(flatten)]
    hand: Hand,
    /// Where to write the change. Not needed with --message.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where to write the next set: for terminals that are provisioned from now on, and for the next change.
    #[arg(long)]
    next_trust: Option<PathBuf>,
}

impl Rotate {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let trust = read_trust(&self.trust)?;
        let key = |text: &String| PublicKey::parse(text).with_context(|| format!("--next-key {text}"));
        let keys: Vec<PublicKey> = self.next_keys.iter().map(key).collect::<anyhow::Result<_>>()?;
        let cannot = || format!("the keys of {} cannot be changed so", trust.name);
        match self.hand.work()? {
            Work::Message(public, file) => {
                let message = trust.change_message(keys, &public).with_context(cannot)?;
                hand::write_message(&file, &message)?;
                let (file, id) = (file.display(), public.id());
                say(format_args!("{file}: {} bytes for key {id} to sign ({})", message.len(), public.algorithm()))?;
            }
            Work::Sign(signer) => {
                let (Some(out), Some(next_file)) = (&self.out, &self.next_trust) else {
                    bail!("say where to write them: --out for the change, --next-trust for the next set");
                };
                let (next, change) = trust.change(keys, &*signer).with_context(cannot)?;
                hand::check(&change, Kind::Keys, signer.public()).with_context(cannot)?;
                file::write_new(out, &change, Readers::Usual)?;
                file::write_new(next_file, format!("{}\n", serde_json::to_string(&next)?).as_bytes(), Readers::Usual)?;
                let ids =
                    |keys: &[PublicKey]| keys.iter().map(|key| key.id().to_string()).collect::<Vec<_>>().join(" ");
                let retired = if next.retired.is_empty() { "none".to_owned() } else { ids(&next.retired) };
                say(format_args!(
                    "{}: {} key set {}, signed by {}",
                    out.display(),
                    next.name,
                    next.number,
                    signer.public().id()
                ))?;
                say(format_args!("{}: keys {}; retired {retired}", next_file.display(), ids(&next.keys)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
