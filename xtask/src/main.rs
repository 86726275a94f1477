//! `cargo xtask`: one way to do each thing a contributor does.
//!
//! It contains no WebAssembly engine, so a fresh clone has it within a minute.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]

mod checkout;
mod command;
mod component;
mod contract;
mod cross;
mod licences;
mod native;
mod problem;
mod steps;
mod toolchain;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Parser, Subcommand};

use checkout::Checkout;
use steps::{Steps, seconds};
use toolchain::Way;

/// Builds and runs Rescind.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    /// How to find a compiler for wasm.
    #[arg(long, global = true, value_enum, default_value = "auto", env = "RESCIND_WASM_TOOLCHAIN")]
    toolchain: Way,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds the components and the `rescind` program.
    Build {
        /// Only the components.
        #[arg(long)]
        components: bool,
        /// Only this component, by the name of its folder; may be repeated.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Builds, then serves the demo on this machine.
    Up {
        /// Arguments for `rescind serve --demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds, then plays the demo through.
    Demo {
        /// Arguments for the demo.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds, checks contracts and licences, and runs every test.
    Test {
        /// Arguments for `cargo test`, as a filter of test names.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the terminal's library for other processors and runs its tests there, emulated.
    Cross {
        /// Which processor.
        #[arg(value_enum, default_value = "all")]
        processor: cross::Processor,
        /// Measures there as well. An emulator's times say nothing; what they have to one another says something.
        #[arg(long)]
        figures: bool,
    },
    /// Builds, then kills a server under load again and again, and looks at what it left.
    Kill {
        /// How often. 200 take some ten minutes.
        #[arg(long, default_value_t = 200)]
        rounds: u32,
    },
    /// Builds, then measures.
    Bench {
        /// Arguments for the bench program: `--stored N`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the terminal's library as firmware gets it, then prints what a terminal costs beside the goals.
    Figures,
    /// Builds the simulator, then runs the service over bad stores, crashes and races.
    Simulate {
        /// Arguments for the simulator: `--seed S --runs N`, `--store redis`, `--story`, `--mistakes`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Finds the compiler for wasm and says which it is.
    Toolchain {
        /// Ask rustup again although it could not bring the target before.
        #[arg(long)]
        again: bool,
    },
    /// Checks that the contracts in `wit/` keep what was released.
    WitCheck,
    /// Keeps today's contracts as the released ones of their version.
    WitRelease,
    /// Checks licences, sources and advisories of every dependency.
    Deny,
}

fn main() -> ExitCode {
    match perform(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let way = arguments.toolchain;
    match arguments.task {
        Task::Build { components, only } if components || !only.is_empty() => {
            let sources = component::sources(&checkout, &only)?;
            let mut steps = Steps::of(component::steps(&sources));
            component::build(&checkout, &sources, way, &mut steps)
        }
        Task::Build { .. } => build(&checkout, way, &["rescind"], 0).map(drop),
        Task::Up { arguments } => {
            build(&checkout, way, &["rescind"], 0)?;
            let mut serve = vec!["serve".to_owned(), "--demo".to_owned()];
            serve.extend(arguments);
            native::start(&checkout, "rescind", &serve)
        }
        Task::Demo { arguments } => {
            build(&checkout, way, &["rescind", "demo"], 0)?;
            native::start(&checkout, "demo", &arguments)
        }
        Task::Bench { arguments } => {
            build(&checkout, way, &["rescind", "bench"], 0)?;
            native::start(&checkout, "bench", &arguments)
        }
        Task::Kill { rounds } => {
            build(&checkout, way, &["rescind"], 0)?;
            native::kill(&checkout, rounds)
        }
        Task::Cross { processor, figures } => cross::run(&checkout, way, processor, figures),
        Task::Figures => figures(&checkout, way),
        Task::Simulate { arguments } => native::simulate(&checkout, &arguments),
        Task::Test { arguments } => test(&checkout, way, &arguments),
        Task::Toolchain { again } => {
            if again {
                toolchain::forget(&checkout)?;
            }
            Steps::of(1).quiet("finding a compiler for wasm", || {
                Ok(toolchain::find(&checkout, way, toolchain::WASM)?.found().to_owned())
            })
        }
        Task::WitCheck => Steps::of(1).quiet("contracts", || contract::check(&checkout)),
        Task::WitRelease => Steps::of(1).quiet("releasing the contracts", || {
            let released = contract::release(&checkout)?;
            Ok(if released.is_empty() { "every version was released before".to_owned() } else { released.join(" ") })
        }),
        Task::Deny => {
            let mut steps = Steps::of(3);
            let tool = licences::Tool::install(&checkout, &mut steps)?;
            tool.check(&checkout, &mut steps)
        }
    }
}

/// What a step says that has nothing to add to its own output.
fn silently((): ()) -> String {
    String::new()
}

/// Builds the components and `programs`; `more` steps follow.
fn build(checkout: &Checkout, way: Way, programs: &[&str], more: usize) -> Result<Steps> {
    let sources = component::sources(checkout, &[])?;
    let total = component::steps(&sources).saturating_add(1).saturating_add(more);
    let mut steps = Steps::of(total);
    component::build(checkout, &sources, way, &mut steps)?;
    let what = format!("building {}", programs.join(" and "));
    steps.loud(&what, || native::build(checkout, programs).map(silently))?;
    Ok(steps)
}

fn figures(checkout: &Checkout, way: Way) -> Result<()> {
    let sources = component::sources(checkout, &["eligibility".to_owned()])?;
    let mut steps = Steps::of(component::steps(&sources).saturating_add(2));
    component::build(checkout, &sources, way, &mut steps)?;
    steps.loud("the terminal's library, as small as firmware gets it", || native::library(checkout).map(silently))?;
    steps.loud("figures", || native::figures(checkout).map(silently))
}

fn test(checkout: &Checkout, way: Way, arguments: &[String]) -> Result<()> {
    let start = Instant::now();
    let deny = licences::Tool::found(checkout);
    let deny_steps: usize = if deny.is_some() { 2 } else { 0 };
    let mut steps = build(checkout, way, &["rescind"], 3_usize.saturating_add(deny_steps))?;
    steps.quiet("contracts", || contract::check(checkout))?;
    match deny {
        Some(tool) => tool.check(checkout, &mut steps)?,
        None => {
            println!("licences: not checked (cargo-deny is not there; `cargo xtask deny` installs it below target/)");
        }
    }
    steps.loud("tests", || native::test(checkout, arguments).map(silently))?;
    steps.loud("tests of xtask", || native::test_xtask(checkout).map(silently))?;
    println!("all tests passed in {}", seconds(start.elapsed()));
    Ok(())
}
