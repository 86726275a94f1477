//! `rescind policy generate-records`.

use super::read_one;
use crate::stdio::complain;
use anyhow::Context as _;
use clap::Args;
use rescind_model::Digest;
use rescind_pack::generator::Generator;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make recorded decisions to try these commands on: the same for the same seed.
#[derive(Debug, Args)]
pub struct GenerateRecords {
    /// The pack that decides.
    #[arg(long, default_value = "policies/lakala.toml")]
    policy: PathBuf,
    /// What is drawn depends on this and the policy alone.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many; no two are the same.
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// Where to write them. Standard output unless told.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl GenerateRecords {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let pack = read_one(&self.policy)?;
        // No component decided: records say so by the digest of nothing.
        let component = Digest::of(&[]);
        let out: Box<dyn Write> = match &self.out {
            Some(file) => {
                Box::new(std::fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?)
            }
            None => Box::new(stdout().lock()),
        };
        let mut out = BufWriter::new(out);
        let generator = Generator::new(&pack.engine, self.seed);
        for index in 0..self.count {
            let record = generator.record(index, &component)?;
            serde_json::to_writer(&mut out, &record)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        if let Some(file) = &self.out {
            complain(format_args!("{} records in {}", self.count, file.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
