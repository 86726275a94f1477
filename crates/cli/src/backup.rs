//! `rescind backup`: a copy of the database as it was at one commit, while the server goes on.

use crate::stdio::say;
use anyhow::bail;
use clap::{Args, Subcommand};
use rescind_host::store::backup::{self, Manifest};
use rescind_model::Instant;
use std::path::{Path, PathBuf};

/// Copy the database, also while a server has it open.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Backup {
    #[command(subcommand)]
    what: Option<What>,
    /// The database; a server may have it open.
    #[arg(long, visible_alias = "store", default_value = "rescind.db")]
    db: PathBuf,
    /// Where to write the copy. Its manifest is written beside it, as `….manifest.json`.
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check a backup: manifest, size, hash, every page, and whether this program knows its schema.
    Verify {
        /// The copy; its manifest is beside it.
        copy: PathBuf,
    },
}

impl Backup {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match (self.what, self.to) {
            (Some(What::Verify { copy }), _) => describe(&copy, &backup::verify(&copy)?),
            (None, Some(to)) => describe(&to, &backup::make(&self.db, &to)?),
            (None, None) => bail!("say where to write the copy: --to FILE"),
        }
    }
}

/// Says what a backup is.
pub fn describe(copy: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let Manifest { schema, rescind, bytes, sha256, keys, components, .. } = manifest;
    let made = Instant { unix_ms: manifest.made_at_ms };
    say(format_args!(
        "{}: of {made}, {keys} keys, {components} components, {bytes} bytes, schema {schema}, by rescind {rescind}",
        copy.display()
    ))?;
    say(format_args!("sha256 {sha256}"))?;
    Ok(())
}
