//! `rescind policy sources`.

use super::{ends, say_json, say_text};
use anyhow::Context as _;
use clap::Args;
use rescind_pack::sources::{self, Standing};
use std::path::PathBuf;
use std::process::ExitCode;

/// List every value of a pack with the source its author names.
#[derive(Debug, Args)]
pub struct Sources {
    /// The pack.
    pack: PathBuf,
    /// Only values that rest on our default, in whole or in part, or of which nothing is said.
    #[arg(long)]
    unsourced: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Sources {
    /// Fails if nothing is said of some value: a value without a source has to be marked as one.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = std::fs::read_to_string(&self.pack)
            .with_context(|| format!("cannot read the policy {}", self.pack.display()))?;
        let values = sources::of(&text);
        if self.json {
            say_json(&values)?;
        } else {
            say_text(&sources::text(&values, self.unsourced))?;
        }
        Ok(ends(values.iter().all(|value| value.standing != Standing::Unsaid)))
    }
}
