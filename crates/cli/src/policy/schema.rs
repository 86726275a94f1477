//! `rescind policy schema`.

use super::{say_json, say_text};
use clap::Args;
use rescind_pack::reference;
use std::process::ExitCode;

/// Print the JSON Schema of packs, for editors: `#:schema policy.schema.json` as a pack's first line.
#[derive(Debug, Args)]
pub struct Schema {
    /// As a reference for people, in Markdown.
    #[arg(long)]
    markdown: bool,
}

impl Schema {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let schema = rescind_policy::schema();
        if self.markdown {
            say_text(&reference::markdown(&schema))?;
        } else {
            say_json(&schema)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
