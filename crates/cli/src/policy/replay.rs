//! `rescind policy replay`.

use super::component::Component;
use super::{complain_of, ends, progress, read_some, say_json, say_text};
use anyhow::{Context as _, bail};
use clap::Args;
use rescind_pack::records;
use rescind_pack::replay::{self, Decider, Library, Native};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make recorded decisions again and compare them to the byte.
#[derive(Debug, Args)]
pub struct Replay {
    /// Recorded decisions: JSON, one to a line, as `GET /v1/decisions` exports them.
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// Where the policies are that decided: packs (`*.toml`), and canonical forms (`*.json`) of versions that are no
    /// longer in force.
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Decide by this component's bytes instead of this program's own engine.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Leave out lines that are no record; otherwise the first ends it.
    #[arg(long)]
    skip_bad: bool,
    /// How many threads; as many as the machine bears unless told.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let library = library(&self.policies)?;
        let threads = self.threads.unwrap_or_else(records::threads);
        let component = match &self.component {
            Some(file) => Some(Component::read(file, threads, library.len())?),
            None => None,
        };
        let decider: &dyn Decider = match &component {
            Some(component) => component,
            None => &Native,
        };
        let bar = progress::over(&self.records);
        let found =
            replay::Replay::run(decider, &library, &self.records, self.skip_bad, threads, &mut |bytes| bar.inc(bytes));
        bar.finish_and_clear();
        let found = found?;
        if self.json {
            say_json(&found)?;
        } else {
            say_text(&found.text())?;
        }
        Ok(ends(found.is_faithful()))
    }
}

/// Every policy of a folder. One that is refused is told and left out: the decisions of the others are made again.
fn library(folder: &Path) -> anyhow::Result<Library> {
    let mut library = Library::default();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder of policies {}", folder.display()))?;
    let mut packs = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".json") {
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            library.add(bytes);
        } else if name.ends_with(".toml") && !name.ends_with(".cases.toml") {
            packs.push(file);
        }
    }
    let (packs, refused) = read_some(&packs)?;
    complain_of(refused);
    for pack in packs {
        library.add(pack.compiled.canonical().to_vec());
    }
    if library.is_empty() {
        bail!("{} holds no policies (*.toml, *.json)", folder.display());
    }
    Ok(library)
}
