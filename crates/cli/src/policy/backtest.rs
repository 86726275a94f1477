//! `rescind policy backtest`.

use super::{progress, read_one, say_json, say_text};
use anyhow::Context as _;
use clap::Args;
use rescind_pack::backtest::{self, Options};
use rescind_pack::{plot, records};
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Try recorded decisions against another policy: what it would have answered otherwise.
#[derive(Debug, Args)]
pub struct Backtest {
    /// The pack to try.
    #[arg(long)]
    policy: PathBuf,
    /// Recorded decisions: JSON, one to a line, as `GET /v1/decisions` exports them.
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// Only decisions of policies of this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Write every change to this file, a line each.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw the changes day by day into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
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

impl Backtest {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let pack = read_one(&self.policy)?;
        let threads = self.threads.unwrap_or_else(records::threads);
        let options = Options { only: self.only, skip_bad: self.skip_bad, threads };
        let mut csv = match &self.csv {
            Some(file) => {
                let open = std::fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
                Some(BufWriter::new(open))
            }
            None => None,
        };
        let bar = progress::over(&self.records);
        let found = backtest::Backtest::run(
            &pack.engine,
            &self.records,
            &options,
            csv.as_mut().map(|csv| -> &mut dyn Write { csv }),
            &mut |bytes| bar.inc(bytes),
        );
        bar.finish_and_clear();
        let found = found?;
        let document = pack.compiled.document();
        let name = format!("{} {}", document.name, document.version);
        if let Some(file) = &self.plot {
            let svg = plot::svg(&found, &name)?;
            std::fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        }
        if self.json {
            say_json(&found.json())?;
        } else {
            say_text(&found.text(&name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
