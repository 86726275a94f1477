//! `rescind policy`: packs as files. What the commands find out is found out in `rescind-pack`; here it is asked for and
//! printed.

mod backtest;
mod check;
mod compile;
mod component;
mod diff;
mod explain;
mod generate;
mod lint;
mod new;
mod progress;
mod replay;
mod schema;
mod sources;
mod test;

use crate::stdio::{complain, say};
use anyhow::{anyhow, bail};
use clap::{Subcommand, ValueEnum};
use rescind_model::Locale;
use rescind_pack::explanation::Paint;
use rescind_pack::pack::{Pack, Reason, Refused};
use rescind_policy::Compiled;
use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write, test, compare and compile policies.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Check packs and print everything that is wrong with them, each at its place.
    Check(check::Check),
    /// Run the cases beside packs, and say which rules no case shows to be right.
    Test(test::Test),
    /// Say why a way is open or not: every rule that was asked, what it saw, its limit, and what to do.
    Explain(explain::Explain),
    /// Find what is written correctly and cannot be meant.
    Lint(lint::Lint),
    /// Say in words what changed between two versions.
    Diff(diff::Diff),
    /// Try recorded decisions against another policy: what it would have answered otherwise.
    Backtest(backtest::Backtest),
    /// Make recorded decisions again and compare them to the byte.
    Replay(replay::Replay),
    /// Make recorded decisions to try these commands on: the same for the same seed.
    GenerateRecords(generate::GenerateRecords),
    /// Write a pack's canonical form, which `PUT /v1/policies/{name}` and the terminal take.
    Compile(compile::Compile),
    /// Print the JSON Schema of packs, for editors, or a reference for people.
    Schema(schema::Schema),
    /// Begin a pack, with cases.
    New(new::New),
    /// List every value of a pack with the source its author names.
    Sources(sources::Sources),
}

impl Policy {
    /// Runs the command. Fails if what it was asked to look at is not as it should be.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(check) => check.run(),
            Self::Test(test) => test.run(),
            Self::Explain(explain) => explain.run(),
            Self::Lint(lint) => lint.run(),
            Self::Diff(diff) => diff.run(),
            Self::Backtest(backtest) => backtest.run(),
            Self::Replay(replay) => replay.run(),
            Self::GenerateRecords(generate) => generate.run(),
            Self::Compile(compile) => compile.run(),
            Self::Schema(schema) => schema.run(),
            Self::New(new) => new.run(),
            Self::Sources(sources) => sources.run(),
        }
    }
}

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// 简体中文
    ZhCn,
}

impl Language {
    /// As the vocabulary has it.
    pub fn locale(self) -> Locale {
        match self {
            Self::En => Locale::En,
            Self::ZhCn => Locale::ZhCn,
        }
    }
}

/// Compiles every pack of a folder (`*.toml` that are not `*.cases.toml`), or one file. What is wrong with any is told at
/// once.
pub fn read(path: &Path) -> anyhow::Result<Vec<(PathBuf, Compiled)>> {
    let (packs, refused) = Pack::read_all(&[path.to_owned()]).map_err(|error| anyhow!(error))?;
    if refused.is_empty() {
        return Ok(packs.into_iter().map(|pack| (pack.file, pack.compiled)).collect());
    }
    let refused: Vec<String> = refused.into_iter().map(shown).collect();
    bail!("{}", refused.join("\n"))
}

/// One pack, or everything that is wrong with it.
fn read_one(file: &Path) -> anyhow::Result<Pack> {
    Pack::read(file).map_err(|refused| anyhow!(shown(refused)))
}

/// The canonical form of one pack; a layer's is that of what it makes.
pub fn canonical(file: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(read_one(file)?.compiled.canonical().to_vec())
}

/// The packs that can be read; what is wrong with the others is printed.
fn read_some(paths: &[PathBuf]) -> anyhow::Result<(Vec<Pack>, Vec<Refused>)> {
    Pack::read_all(paths).map_err(|error| anyhow!(error))
}

/// What is wrong with a pack, at its places in the file.
fn shown(refused: Refused) -> String {
    let file = refused.file.display();
    match refused.reason {
        Reason::Unreadable(reason) => format!("the policy {file} is refused: {reason}"),
        Reason::Mistakes(diagnostics) => {
            let report = miette::Report::new(diagnostics);
            format!("the policy {file} is refused; correct it and start again\n{report:?}")
        }
    }
}

fn complain_of(refused: Vec<Refused>) {
    for refused in refused {
        complain(format_args!("{}", shown(refused)));
    }
}

/// Prints something as JSON.
fn say_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say(format_args!("{}", serde_json::to_string_pretty(value)?))?;
    Ok(())
}

/// Prints a text that may end its own last line.
fn say_text(text: &str) -> anyhow::Result<()> {
    say(format_args!("{}", text.strip_suffix('\n').unwrap_or(text)))?;
    Ok(())
}

/// How the command ends.
fn ends(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Colours for a person at a terminal who has not asked for none.
fn paint() -> Paint {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && stdout().is_terminal() { Paint::Coloured } else { Paint::Plain }
}
