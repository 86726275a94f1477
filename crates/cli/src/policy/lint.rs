//! `rescind policy lint`.

use super::{complain_of, ends, read_some, say_json};
use crate::stdio::say;
use clap::Args;
use rescind_pack::lint::{Severity, lint};
use std::path::PathBuf;
use std::process::ExitCode;

/// Find what is written correctly and cannot be meant.
#[derive(Debug, Args)]
pub struct Lint {
    /// Files, or folders of packs.
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Fail for notes too.
    #[arg(long)]
    strict: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (packs, refused) = read_some(&self.paths)?;
        let mut well = refused.is_empty();
        complain_of(refused);
        let (mut problems, mut notes) = (0_usize, 0_usize);
        let mut found = Vec::new();
        for pack in &packs {
            let lints = lint(&pack.engine);
            let of_pack = lints.iter().filter(|lint| lint.severity == Severity::Problem).count();
            problems = problems.saturating_add(of_pack);
            notes = notes.saturating_add(lints.len().saturating_sub(of_pack));
            if !self.json {
                for lint in &lints {
                    say(format_args!("{}: {lint}", pack.file.display()))?;
                }
            }
            found.push(serde_json::json!({ "file": pack.file, "policy": pack.name(), "lints": lints }));
        }
        if self.json {
            say_json(&serde_json::json!({ "packs": found, "problems": problems, "notes": notes }))?;
        } else {
            say(format_args!("{} packs, {problems} problems, {notes} notes", packs.len()))?;
        }
        well &= problems == 0 && !(self.strict && notes > 0);
        Ok(ends(well))
    }
}
