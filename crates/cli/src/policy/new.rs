//! `rescind policy new`.

use crate::stdio::say;
use anyhow::{Context as _, bail};
use clap::Args;
use rescind_pack::starter::Starter;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Begin a pack, with cases.
#[derive(Debug, Args)]
pub struct New {
    /// Its name, such as `my-acquirer`.
    name: String,
    /// The folder it goes into.
    #[arg(long, default_value = "policies")]
    folder: PathBuf,
}

impl New {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let starter = Starter::new(&self.name)?;
        let pack = self.folder.join(format!("{}.toml", self.name));
        let cases = self.folder.join(format!("{}.cases.toml", self.name));
        if let Some(there) = [&pack, &cases].into_iter().find(|file| file.exists()) {
            bail!("{} is there already: choose another name, or another --folder", there.display());
        }
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        for (file, text) in [(&pack, &starter.pack), (&cases, &starter.cases)] {
            // Never over a file that came to be in between.
            let mut open =
                std::fs::File::create_new(file).with_context(|| format!("cannot make {}", file.display()))?;
            open.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
            say(format_args!("{}", file.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
