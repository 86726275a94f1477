//! `rescind policy compile`.

use super::read_one;
use crate::stdio::say;
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a pack's canonical form, which `PUT /v1/policies/{name}` and the terminal take.
#[derive(Debug, Args)]
pub struct Compile {
    /// The pack. A layer is compiled on what it extends, which is found beside it.
    pack: PathBuf,
    /// Where to write it.
    #[arg(long)]
    out: PathBuf,
}

impl Compile {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let compiled = read_one(&self.pack)?.compiled;
        std::fs::write(&self.out, compiled.canonical())
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        say(format_args!("{} {}", compiled.hash(), self.out.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
