//! The native programs and tests.

use anyhow::Result;

use crate::checkout::Checkout;
use crate::command::{become_program, cargo, run};
use std::process::Command;

/// Builds programs of the workspace for release.
///
/// Every native build selects the same packages and the same kinds of dependencies as `cargo test` does, for cargo
/// unifies features over what is selected: otherwise each command would compile wasmtime anew. `--examples` is there
/// because it makes cargo count dev-dependencies, as the tests do. xtask stands apart: it must not share features with
/// the engine.
///
/// # Errors
///
/// If cargo fails.
pub fn build(checkout: &Checkout, programs: &[&str]) -> Result<()> {
    let mut cargo = cargo();
    cargo.current_dir(checkout.root()).args(["build", "--release", "--workspace", "--exclude", "xtask", "--examples"]);
    for program in programs {
        cargo.args(["--bin", program]);
    }
    run(&mut cargo)
}

/// Runs the workspace's tests; `arguments` go to cargo as they are.
///
/// # Errors
///
/// If one fails.
pub fn test(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    run(cargo()
        .current_dir(checkout.root())
        .args(["test", "--release", "--workspace", "--exclude", "xtask"])
        .args(arguments))
}

/// Kills a server under load so often, and looks at what it left each time.
///
/// # Errors
///
/// If something is not in order.
pub fn kill(checkout: &Checkout, rounds: u32) -> Result<()> {
    run(cargo()
        .current_dir(checkout.root())
        .args([
            "test",
            "--release",
            "--workspace",
            "--exclude",
            "xtask",
            "--test",
            "e2e",
            "--",
            "--nocapture",
            "kill::",
        ])
        .env("RESCIND_KILL_ROUNDS", rounds.to_string()))
}

/// Runs xtask's own tests.
///
/// # Errors
///
/// If one fails.
pub fn test_xtask(checkout: &Checkout) -> Result<()> {
    run(cargo().current_dir(checkout.root()).args(["test", "--release", "--package", "xtask"]))
}

/// The package of the terminal's library. It is built alone: with others, cargo would give it their compiler.
const TERMINAL: &str = "rescind-terminal";

/// Builds the terminal's library with the profile for firmware, stripped, without a compiler in it.
///
/// # Errors
///
/// If cargo fails.
pub fn library(checkout: &Checkout) -> Result<()> {
    run(cargo().current_dir(checkout.root()).args(["rustc", "--package", TERMINAL, "--lib"]).args([
        "--profile",
        "terminal",
        "--crate-type",
        "cdylib",
    ]))
}

/// Prints what a terminal costs; how large the library is, if it was built before.
///
/// # Errors
///
/// If cargo fails, or what is measured.
pub fn figures(checkout: &Checkout) -> Result<()> {
    let mut cargo = cargo();
    cargo.current_dir(checkout.root()).args(["run", "--release", "--package", TERMINAL, "--example", "figures"]);
    run(cargo.env("RESCIND_TERMINAL_LIBRARY", checkout.terminal_library()))
}

/// Builds the simulator and becomes it. With `--mistakes` it is built apart, with mistakes that can be made on purpose: what
/// is delivered is never built from there.
///
/// # Errors
///
/// If cargo fails, or the simulator cannot be started.
pub fn simulate(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    if !arguments.iter().any(|argument| argument == "--mistakes") {
        build(checkout, &["rescind-simulate"])?;
        return start(checkout, "rescind-simulate", arguments);
    }
    let apart = checkout.root().join("target").join("planted");
    let build = ["build", "--release", "--package", "rescind-simulate", "--features", "planted", "--target-dir"];
    run(cargo().current_dir(checkout.root()).args(build).arg(&apart))?;
    let program = apart.join("release").join("rescind-simulate");
    become_program(Command::new(program).current_dir(checkout.root()).args(arguments))
}

/// Becomes the program `name`, built before.
///
/// # Errors
///
/// If it cannot be started.
pub fn start(checkout: &Checkout, name: &str, arguments: &[String]) -> Result<()> {
    become_program(Command::new(checkout.program(name)).current_dir(checkout.root()).args(arguments))
}
