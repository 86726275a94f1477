//! `rescind restore`: a backup in the place of the database.

use crate::backup::describe;
use crate::stdio::say;
use clap::Args;
use rescind_host::store;
use std::path::PathBuf;

/// Put a backup in the place of the database, after checking it. Nothing may have the database open.
#[derive(Debug, Args)]
pub struct Restore {
    /// The copy that `rescind backup` wrote; its manifest is beside it.
    #[arg(long)]
    from: PathBuf,
    /// The database.
    #[arg(long, visible_alias = "store", default_value = "rescind.db")]
    db: PathBuf,
    /// If there is a database that is not empty, keep it under another name and put the backup in its place.
    #[arg(long)]
    replace: bool,
}

impl Restore {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let restored = store::restore(&self.from, &self.db, self.replace)?;
        describe(&self.db, &restored.manifest)?;
        if let Some(kept) = restored.kept {
            say(format_args!("what was there before is now {}", kept.display()))?;
        }
        Ok(())
    }
}
