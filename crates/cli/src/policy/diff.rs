//! `rescind policy diff`.

use super::{read_one, say_json, say_text};
use clap::Args;
use rescind_pack::{difference, effect};
use std::path::PathBuf;
use std::process::ExitCode;

/// Say in words what changed between two versions.
#[derive(Debug, Args)]
pub struct Diff {
    /// The version before.
    old: PathBuf,
    /// The version after.
    new: PathBuf,
    /// Show sales that come out otherwise.
    #[arg(long)]
    effects: bool,
    /// How many sales are tried for that.
    #[arg(long, default_value_t = 20_000, requires = "effects")]
    sales: u64,
    /// From which they are drawn.
    #[arg(long, default_value_t = 1, requires = "effects")]
    seed: u64,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (old, new) = (read_one(&self.old)?, read_one(&self.new)?);
        let (before, after) = (old.compiled.document(), new.compiled.document());
        let effects =
            if self.effects { Some(effect::between(&old.engine, &new.engine, self.seed, self.sales)?) } else { None };
        if self.json {
            let changes = difference::between(before, after);
            say_json(&serde_json::json!({
                "old": { "name": before.name, "version": before.version, "hash": old.compiled.hash() },
                "new": { "name": after.name, "version": after.version, "hash": new.compiled.hash() },
                "changes": changes, "course": difference::whole(before, after), "effects": effects,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        say_text(&difference::text(before, after))?;
        if let Some(effects) = effects {
            say_text("")?;
            say_text(&effects.text())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
