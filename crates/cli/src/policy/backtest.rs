//! `rescind policy backtest`.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]

use super::{progress, read_one, say_json, say_text};
use anyhow::Context as _;
use clap::Args;
use rescind_pack::backtest::{self, Options};
use rescind_pack::{plot, records};
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

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
        let begun = Instant::now();
        let found = backtest::Backtest::run(
            &pack.engine,
            &self.records,
            &options,
            csv.as_mut().map(|csv| -> &mut dyn Write { csv }),
            &mut |bytes| bar.inc(bytes),
        );
        let took = begun.elapsed();
        bar.finish_and_clear();
        let found = found?;
        let document = pack.compiled.document();
        let name = format!("{} {}", document.name, document.version);
        if let Some(file) = &self.plot {
            let svg = plot::svg(&found, &name)?;
            std::fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        }
        if self.json {
            let mut json = found.json();
            if let Some(fields) = json.as_object_mut() {
                fields.insert("rate".to_owned(), rate(found.records, took, threads));
            }
            say_json(&json)?;
        } else {
            say_text(&found.text(&name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// How fast it went: whole decisions per second, and per second of each core that had a thread.
fn rate(decisions: u64, took: Duration, threads: NonZeroUsize) -> serde_json::Value {
    let cores = threads.min(records::threads());
    let microseconds = took.as_micros().max(1);
    let per_second = |decisions: u128| {
        let rate = decisions.saturating_mul(1_000_000).checked_div(microseconds).unwrap_or_default();
        u64::try_from(rate).unwrap_or(u64::MAX)
    };
    let all = per_second(u128::from(decisions));
    let cores = u64::try_from(cores.get()).unwrap_or(u64::MAX);
    serde_json::json!({
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "threads": threads, "cores": cores,
        "per-second": all, "per-second-per-core": all.checked_div(cores).unwrap_or_default(),
    })
}
