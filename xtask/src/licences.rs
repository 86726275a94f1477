//! Licences, sources and advisories of every dependency, by cargo-deny.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::checkout::Checkout;
use crate::command::{capture, capture_within, cargo, run};
use crate::problem::Problem;
use crate::steps::Steps;

/// The release this checkout was tried with. It is built from source, so it must build with the workspace's compiler.
const VERSION: &str = "0.20.2";

/// The advisory database is a small repository; where it cannot be reached, the check must not hang.
const ADVISORIES_LIMIT: Duration = Duration::from_secs(120);

/// cargo-deny, found or installed.
#[derive(Debug)]
pub struct Tool {
    program: std::path::PathBuf,
}

impl Tool {
    /// Finds the pinned version below `target/tools` or on PATH.
    pub fn found(checkout: &Checkout) -> Option<Self> {
        let ours = checkout.tools().join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
        [ours, "cargo-deny".into()]
            .into_iter()
            .find(|program| {
                // Another version may know other settings in deny.toml.
                capture(Command::new(program).arg("--version")).is_ok_and(|version| version.trim().ends_with(VERSION))
            })
            .map(|program| Self { program })
    }

    /// Finds it, or builds it below `target/tools`.
    ///
    /// # Errors
    ///
    /// If it does not build.
    pub fn install(checkout: &Checkout, steps: &mut Steps) -> Result<Self> {
        if let Some(tool) = Self::found(checkout) {
            steps.quiet("cargo-deny", || Ok("up to date".to_owned()))?;
            return Ok(tool);
        }
        let what = format!("installing cargo-deny {VERSION} below target/tools (minutes, once)");
        steps.loud(&what, || {
            run(cargo()
                .current_dir(checkout.root())
                .args(["install", "--locked", "--version", VERSION, "--root"])
                .arg(checkout.tools())
                .arg("cargo-deny"))?;
            Ok(String::new())
        })?;
        Self::found(checkout).ok_or_else(|| {
            Problem::new(
                format!("cargo-deny {VERSION} was installed, but does not say so"),
                format!("run {}/bin/cargo-deny --version", checkout.tools().display()),
            )
            .into()
        })
    }

    /// Checks licences, bans and sources, then advisories if their database can be reached. Two steps.
    ///
    /// # Errors
    ///
    /// If a dependency breaks a rule of `deny.toml`.
    pub fn check(&self, checkout: &Checkout, steps: &mut Steps) -> Result<()> {
        steps.loud("licences, bans and sources", || {
            run(self.command(checkout).args(["check", "licenses", "bans", "sources"]))
                .context("a dependency breaks a rule of deny.toml: replace it, or change the rule there and say why")?;
            Ok(String::new())
        })?;
        steps.quiet("advisories", || {
            let mut fetch = self.command(checkout);
            fetch.args(["fetch", "db"]);
            if capture_within(&mut fetch, ADVISORIES_LIMIT).is_err() {
                return Ok("not checked (database not reachable)".to_owned());
            }
            run(self
                .command(checkout)
                .args(["check", "--disable-fetch", "advisories"]))
            .context("a dependency has an advisory: `cargo update` it or replace it, or add it to deny.toml and say why it does not matter")?;
            Ok(String::new())
        })
    }

    fn command(&self, checkout: &Checkout) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(checkout.root()).args(["--log-level", "error"]);
        command
    }
}
