//! The built `rescind`, run to its end.

use crate::checkout;
use anyhow::{Context as _, Result, bail, ensure};
use core::time::Duration;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// The longest a command may take: one may translate a component first, on two cores beside other tests.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The command in a few words.
    pub command: String,
    /// Its exit code; nothing if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub said: String,
    /// What it wrote to standard error.
    pub complained: String,
}

/// Runs `rescind` in a folder.
///
/// # Errors
/// It is not built, cannot be started, or does not end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Result<Ended> {
    run_with(folder, arguments, &[]).await
}

/// As [`run`], for a command that may take hours.
///
/// # Errors
/// As [`run`].
pub async fn run_patiently(folder: &Path, arguments: &[&str]) -> Result<Ended> {
    run_for(folder, arguments, &[], Duration::from_secs(12 * 3_600)).await
}

/// Runs `rescind` in a folder, with variables of its environment that are not told: keys.
///
/// # Errors
/// It is not built, cannot be started, or does not end.
pub async fn run_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    run_for(folder, arguments, environment, PATIENCE).await
}

async fn run_for(folder: &Path, arguments: &[&str], environment: &[(&str, &str)], patience: Duration) -> Result<Ended> {
    let command = format!("rescind {}", arguments.join(" "));
    let mut child = Command::new(checkout::program()?);
    child.envs(environment.iter().copied());
    child.current_dir(folder).args(arguments).env("NO_COLOR", "1").stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(patience, child.output()).await {
        Ok(output) => output.with_context(|| format!("{command} cannot be started"))?,
        Err(_) => bail!("{command} did not end within {} s", patience.as_secs()),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { command, code: output.status.code(), said: text(&output.stdout), complained: text(&output.stderr) })
}

impl Ended {
    /// What it said, if it ended well.
    ///
    /// # Errors
    /// It did not.
    pub fn well(&self) -> Result<&str> {
        ensure!(self.code == Some(0), "{self}");
        Ok(&self.said)
    }

    /// What it complained of, if it refused, and did not break down over it.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn refused(&self) -> Result<&str> {
        ensure!(self.code == Some(1) && !self.complained.contains("panicked"), "{self}");
        Ok(&self.complained)
    }
}

impl core::fmt::Display for Ended {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { command, code, said, complained } = self;
        write!(f, "{command} ended with {code:?}\n{said}{complained}")
    }
}
