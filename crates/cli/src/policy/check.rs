//! `rescind policy check`.

use super::{complain_of, ends, read_some, say_json};
use crate::stdio::say;
use clap::Args;
use rescind_pack::pack::Refused;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check packs and print everything that is wrong with them, each at its place.
#[derive(Debug, Args)]
pub struct Check {
    /// Files, or folders of packs. A layer is compiled on what it extends, which is found beside it.
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// As JSON: every mistake with file, line, column, code and suggestion.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (packs, refused) = read_some(&self.paths)?;
        let well = refused.is_empty();
        if self.json {
            let mistakes: Vec<_> = refused.iter().flat_map(Refused::mistakes).collect();
            let packs: Vec<_> = packs
                .iter()
                .map(|pack| {
                    let document = pack.compiled.document();
                    serde_json::json!({
                        "file": pack.file, "name": document.name, "version": document.version,
                        "hash": pack.compiled.hash(), "extends": pack.uppers,
                    })
                })
                .collect();
            say_json(&serde_json::json!({ "packs": packs, "mistakes": mistakes }))?;
            return Ok(ends(well));
        }
        for pack in &packs {
            let document = pack.compiled.document();
            let (name, version, hash) = (&document.name, &document.version, pack.compiled.hash());
            say(format_args!("{}: {name} {version} {hash}", pack.file.display()))?;
        }
        if well {
            say(format_args!("{} packs, all good", packs.len()))?;
        } else {
            say(format_args!("{} packs are good, {} are refused", packs.len(), refused.len()))?;
        }
        complain_of(refused);
        Ok(ends(well))
    }
}
