//! Running other programs, with errors that name what was run.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::problem::Problem;

/// How often a program under a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The cargo that runs this xtask, so that nested builds use the same toolchain.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// The rustc that this cargo would run.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

/// The command as one would type it, for messages.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs `command` with its output going to the terminal.
///
/// # Errors
///
/// If it cannot be started or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("`{}` could not be started", shown(command)))?;
    succeeded(command, status, "")
}

/// Runs `command` and gives what it printed on standard output.
///
/// # Errors
///
/// If it cannot be started, does not succeed (the message has its standard error), or prints something other than UTF-8.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(command, output.status, &complaint)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something other than UTF-8", shown(command)))
}

/// Runs `command` in silence for at most `limit`; past that it is ended and the call fails.
///
/// # Errors
///
/// As [`capture`], and when the limit is reached.
pub fn capture_within(command: &mut Command, limit: Duration) -> Result<String> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not be started", shown(command)))?;
    // Programs run here print little, so that a full pipe cannot hold them up before they end.
    while child.try_wait()?.is_none() {
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(anyhow!("`{}` had not finished after {} s", shown(command), limit.as_secs()));
        }
        thread::sleep(POLL);
    }
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(command, output.status, &complaint)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether `name` can be started at all.
pub fn exists(name: &str) -> bool {
    Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Replaces this process by `command`, so that signals reach it and its exit code is ours.
///
/// # Errors
///
/// If it cannot be started; where processes cannot be replaced, also if it does not succeed.
pub fn become_program(command: &mut Command) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        Err(error).with_context(|| format!("`{}` could not be started", shown(command)))
    }
    #[cfg(not(unix))]
    run(command)
}

fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| format!("`{}` could not be started", shown(command)))
}

fn succeeded(command: &Command, status: ExitStatus, complaint: &str) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let what = format!("`{}` ended with {status}", shown(command));
    let complaint = complaint.trim();
    if !complaint.is_empty() {
        // The program has said what is wrong; the caller knows what to do about it.
        return Err(anyhow!("{what}:\n{complaint}"));
    }
    Err(Problem::new(what, "read its message above; the same command can be run by hand from the repository root")
        .into())
}
