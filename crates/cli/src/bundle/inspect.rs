//! `rescind bundle inspect`.

use super::file;
use crate::stdio::{complain, say};
use anyhow::bail;
use clap::Args;
use rescind_bundle::limits::BUNDLE_BYTES;
use rescind_bundle::{PublicKey, inspect, inspect_change, inspect_draft};
use std::path::PathBuf;
use std::process::ExitCode;

/// Show what a bundle, a draft or a change of keys says. Nothing of it is checked.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The file.
    file: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = file::read(&self.file, "bundle", BUNDLE_BYTES)?;
        let (text, json) = match (inspect(&bytes), inspect_draft(&bytes), inspect_change(&bytes)) {
            (Ok(shown), ..) | (_, Ok(shown), _) => (shown.to_string(), serde_json::to_string_pretty(&shown)?),
            (_, _, Ok(change)) => {
                let keys: Vec<String> = change.keys.iter().map(PublicKey::to_string).collect();
                let line = format!(
                    "key set {}   of {}, signed by {}\n{}",
                    change.number,
                    change.name,
                    change.signed_by,
                    keys.join("\n")
                );
                (line, serde_json::to_string_pretty(&change)?)
            }
            (Err(why), Err(_), Err(_)) => bail!("{} is no bundle: {why}", self.file.display()),
        };
        if self.json {
            say(format_args!("{json}"))?;
        } else {
            say(format_args!("{}", text.trim_end()))?;
            complain(format_args!("note: this is what it says; `rescind bundle verify` checks it"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
