//! `rescind policy test`.

use super::{complain_of, ends, read_some, say_json, say_text};
use crate::stdio::complain;
use clap::Args;
use rescind_pack::mutants::Mutation;
use rescind_pack::suite::Suite;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run the cases beside packs, and say which rules no case shows to be right.
#[derive(Debug, Args)]
pub struct Test {
    /// Files, or folders of packs; the cases of `x.toml` are in `x.cases.toml`.
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Fail if fewer of a hundred rules are covered.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    min_coverage: u32,
    /// Change each value of the packs, one at a time, and fail if no case notices.
    #[arg(long)]
    mutants: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Test {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (packs, refused) = read_some(&self.paths)?;
        let suite = Suite::run(&packs, &refused);
        let mutation = self.mutants.then(|| Mutation::run(&packs));
        complain_of(refused);
        if self.json {
            say_json(&serde_json::json!({
                "packs": suite.packs, "refused": suite.refused, "cases": suite.cases(), "stated": suite.stated(),
                "covered": suite.covered(), "passed": suite.passed(), "mutation": mutation,
            }))?;
        }
        let reaches = suite.reaches(self.min_coverage);
        if !reaches {
            let (covered, stated) = (suite.covered(), suite.stated());
            complain(format_args!(
                "expected {} % of the rules covered, found {covered} of {stated}",
                self.min_coverage
            ));
        }
        if !self.json {
            say_text(&suite.text())?;
            if let Some(mutation) = &mutation {
                say_text(&mutation.text())?;
            }
        }
        let noticed = mutation.is_none_or(|mutation| mutation.passed());
        Ok(ends(suite.passed() && reaches && noticed))
    }
}
