//! `rescind bundle sign`.

use super::file::{self, Readers};
use super::hand::{self, Hand, Work};
use crate::stdio::say;
use anyhow::Context as _;
use clap::Args;
use rescind_bundle::Draft;
use rescind_bundle::cose::Kind;
use rescind_bundle::limits::BUNDLE_BYTES;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign a draft that `build` made, with a key in a file or in a module that signs messages.
#[derive(Debug, Args)]
pub struct Sign {
    /// The draft.
    draft: PathBuf,
    #[command(flatten)]
    hand: Hand,
    /// Where to write the bundle. Unless told, beside the draft: FILE.draft becomes FILE.bundle.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Sign {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = file::read(&self.draft, "draft", BUNDLE_BYTES)?;
        let draft = Draft::read(&bytes).with_context(|| format!("{} is no draft", self.draft.display()))?;
        let cannot = || format!("{} cannot be signed", self.draft.display());
        match self.hand.work()? {
            Work::Message(public, file) => {
                let message = draft.message(&public).with_context(cannot)?;
                hand::write_message(&file, &message)?;
                let (file, id) = (file.display(), public.id());
                say(format_args!("{file}: {} bytes for key {id} to sign ({})", message.len(), public.algorithm()))?;
            }
            Work::Sign(signer) => {
                let bundle = draft.sign(&*signer).with_context(cannot)?;
                hand::check(&bundle, Kind::Bundle, signer.public()).with_context(cannot)?;
                let out = self.out.unwrap_or_else(|| self.draft.with_extension("bundle"));
                file::write_new(&out, &bundle, Readers::Usual)?;
                let shown = rescind_bundle::inspect(&bundle)?;
                say(format_args!("{}: {}, signed by {}", out.display(), shown.sha256, signer.public().id()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
