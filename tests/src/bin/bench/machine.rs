//! What was measured, and on what.

use anyhow::{Context as _, Result};
use rescind_tests::checkout;
use std::path::Path;
use std::process::Command;

/// Machine and versions.
pub fn describe() -> Result<()> {
    let cpu = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let memory = line_of("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine     {cpu}, {cores} cores, memory {memory}, {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let version = Command::new(checkout::program()?).arg("--version").output().context("rescind cannot be started")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let lock = std::fs::read_to_string(checkout::root()?.join("Cargo.lock"))?;
    let of = |name: &str| version_in(&lock, name).unwrap_or_else(|| "?".to_owned());
    println!(
        "versions    {version}, wasmtime {}, spin-sdk {}, SQLite of libsqlite3-sys {}",
        of("wasmtime"),
        of("spin-sdk"),
        of("libsqlite3-sys")
    );
    Ok(())
}

/// The components' sizes.
pub fn components() -> Result<()> {
    println!("\ncomponents");
    let mut sum = 0;
    for name in ["eligibility", "refunds", "notification", "gateway", "courier"] {
        let bytes = std::fs::metadata(checkout::component(name)?)?.len();
        sum += bytes;
        println!("  {name:<14} {:>6} kB", bytes / 1_000);
    }
    println!("  {:<14} {:>6} kB", "together", sum / 1_000);
    Ok(())
}

/// What follows the colon in the first line that begins with a name.
fn line_of(file: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A package's version in a `Cargo.lock`.
fn version_in(lock: &str, name: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0.to_owned())
}
