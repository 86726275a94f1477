//! Finding a compiler for `wasm32-unknown-unknown`, and for the processors of terminals.
//!
//! Three ways, in this order:
//!
//! 1. the active toolchain already has the target;
//! 2. `rustup target add` brings it;
//! 3. Debian's web compiler is unpacked below `target/` and builds the standard library from its sources: for machines
//!    that reach a package mirror but not rustup's downloads. Nothing is installed and no privilege is needed.

mod debian;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use crate::checkout::Checkout;
use crate::command::{capture, capture_within, exists, rustc};
use crate::problem::Problem;

/// What is built for that is not this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub triple: &'static str,
    /// The crates of the standard library that are built where only their sources are at hand.
    sources: &'static str,
}

/// The target of every component: no libc and no WASI, so a component imports what its code names and nothing else.
pub const WASM: Target = Target { triple: "wasm32-unknown-unknown", sources: "std,panic_abort" };

/// Terminals of 64 bits.
pub const AARCH64: Target = Target { triple: "aarch64-unknown-linux-gnu", sources: "std,panic_unwind" };

/// Terminals of 32 bits, with a floating-point unit as all of Debian's and Android's have it.
pub const ARMV7: Target = Target { triple: "armv7-unknown-linux-gnueabihf", sources: "std,panic_unwind" };

/// rustup fetches some 30 MB; on a network that swallows packets it must not hold up a build for longer than this.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// Which way to a compiler to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// The first that works.
    Auto,
    /// The active toolchain as it is.
    Active,
    /// The active toolchain, after `rustup target add`.
    Rustup,
    /// Debian's web compiler, unpacked below `target/toolchain`.
    Debian,
}

/// A compiler that has the target, as settings for cargo.
#[derive(Debug)]
pub struct Toolchain {
    found: String,
    environment: Vec<(OsString, OsString)>,
    arguments: Vec<OsString>,
}

impl Toolchain {
    /// Which compiler it is and how it was found.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Makes `cargo` build with it.
    pub fn apply(&self, cargo: &mut Command) {
        cargo.args(&self.arguments);
        for (name, value) in &self.environment {
            cargo.env(name, value);
        }
    }

    fn active(version: &str, how: &str) -> Self {
        Self { found: format!("{version} ({how})"), environment: Vec::new(), arguments: Vec::new() }
    }
}

/// Finds a compiler for `target` by `way`.
///
/// # Errors
///
/// If that way does not work; for [`Way::Auto`], if none does: the message has what each said.
pub fn find(checkout: &Checkout, way: Way, target: Target) -> Result<Toolchain> {
    let active = Active::ask(checkout.root(), target)?;
    match way {
        Way::Active => active.as_it_is(),
        Way::Rustup => active.add_target(),
        Way::Debian => debian::provide(&checkout.toolchain().join("debian"), &active),
        Way::Auto => first_that_works(checkout, &active),
    }
}

/// Forgets that rustup could not bring the target, so that the next search asks it again.
///
/// # Errors
///
/// If the note cannot be removed.
pub fn forget(checkout: &Checkout) -> Result<()> {
    for target in [WASM, AARCH64, ARMV7] {
        let note = Refusal::file(checkout, target);
        if note.exists() {
            fs::remove_file(note)?;
        }
    }
    Ok(())
}

fn first_that_works(checkout: &Checkout, active: &Active) -> Result<Toolchain> {
    let first = match active.as_it_is() {
        Ok(toolchain) => return Ok(toolchain),
        Err(reason) => reason,
    };
    let second = match Refusal::read(checkout, active) {
        // Asked before with this very compiler: do not wait for the network at each build.
        Some(reason) => {
            anyhow!("{reason} (noted earlier; `cargo xtask toolchain --again` asks anew)")
        }
        None => match active.add_target() {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => {
                Refusal::write(checkout, active, &reason)?;
                reason
            }
        },
    };
    let third = match debian::provide(&checkout.toolchain().join("debian"), active) {
        Ok(toolchain) => return Ok(toolchain),
        Err(reason) => reason,
    };
    let triple = active.target.triple;
    Err(Problem::new(
        format!(
            "no compiler for {triple} was found\n  1. active toolchain: {first:#}\n  2. rustup: {second:#}\n  3. Debian's web compiler: {third:#}"
        ),
        format!(
            "with a network, `rustup target add {triple}`; behind a Debian or Ubuntu mirror, make `apt-get download rustc-web` work (1.94 or newer: the security suite has it); then run the command again"
        ),
    )
    .into())
}

/// The toolchain that plain `rustc` means here.
#[derive(Debug)]
struct Active {
    /// The first line of `rustc -vV`, as `rustc 1.95.0 (…)`.
    version: String,
    /// What it shall compile for.
    target: Target,
    /// As `x86_64-unknown-linux-gnu`.
    host: String,
    sysroot: PathBuf,
    /// Where the target's standard library is, if the toolchain has it.
    target_libraries: PathBuf,
}

impl Active {
    fn ask(root: &Path, target: Target) -> Result<Self> {
        let verbose = capture(rustc().arg("-vV").current_dir(root)).map_err(|reason| {
            Problem::new(
                format!("the active rustc could not be asked for its version: {reason:#}"),
                "install Rust 1.95 or newer with rustup, or put it on PATH",
            )
        })?;
        let version = verbose.lines().next().unwrap_or_default().to_owned();
        let host = verbose
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| anyhow!("`rustc -vV` named no host"))?
            .to_owned();
        let sysroot = capture(rustc().args(["--print", "sysroot"]).current_dir(root))?;
        let libraries =
            capture(rustc().args(["--print", "target-libdir", "--target", target.triple]).current_dir(root))?;
        Ok(Self {
            version,
            target,
            host,
            sysroot: PathBuf::from(sysroot.trim()),
            target_libraries: PathBuf::from(libraries.trim()),
        })
    }

    fn as_it_is(&self) -> Result<Toolchain> {
        if self.has_target() {
            return Ok(Toolchain::active(&self.version, "the active toolchain has the target"));
        }
        Err(Problem::new(
            format!("{} has no standard library for {}", self.version, self.target.triple),
            format!("rustup target add {}", self.target.triple),
        )
        .into())
    }

    fn add_target(&self) -> Result<Toolchain> {
        if !exists("rustup") {
            return Err(anyhow!("rustup is not on PATH"));
        }
        let mut rustup = Command::new("rustup");
        // With the variable set, rustup would put a page of addresses under its reason.
        rustup.args(["target", "add", self.target.triple]).env("RUST_BACKTRACE", "0");
        // The toolchain is named by its folder: rustc may be one that the current directory's settings would not choose.
        if env::var_os("RUSTUP_TOOLCHAIN").is_none()
            && let Some(name) = self.sysroot.file_name()
        {
            rustup.arg("--toolchain").arg(name);
        }
        capture_within(&mut rustup, RUSTUP_LIMIT)?;
        if self.has_target() {
            return Ok(Toolchain::active(&self.version, "rustup brought the target"));
        }
        Err(anyhow!("rustup added the target, but to another toolchain than {}", self.sysroot.display()))
    }

    fn has_target(&self) -> bool {
        // The folder alone proves nothing: an interrupted download leaves it empty.
        fs::read_dir(&self.target_libraries).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        })
    }

    /// The linker for wasm that comes with the toolchain, or one on PATH.
    fn wasm_linker(&self) -> Result<PathBuf> {
        let bundled = self
            .sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("bin")
            .join(format!("rust-lld{}", env::consts::EXE_SUFFIX));
        if bundled.is_file() {
            return Ok(bundled);
        }
        for name in ["rust-lld", "wasm-ld"] {
            if exists(name) {
                return Ok(PathBuf::from(name));
            }
        }
        Err(Problem::new(
            format!("no linker for wasm: {} is not there, nor is rust-lld or wasm-ld on PATH", bundled.display()),
            "use a toolchain from rustup, which has rust-lld, or install the package `lld`",
        )
        .into())
    }
}

/// The note that rustup could not bring the target to one particular compiler.
struct Refusal;

impl Refusal {
    fn file(checkout: &Checkout, target: Target) -> PathBuf {
        checkout.toolchain().join(format!("rustup-refused-{}", target.triple))
    }

    fn read(checkout: &Checkout, active: &Active) -> Option<String> {
        let note = fs::read_to_string(Self::file(checkout, active.target)).ok()?;
        let (version, reason) = note.split_once('\n')?;
        (version == active.version).then(|| reason.trim_end().to_owned())
    }

    fn write(checkout: &Checkout, active: &Active, reason: &anyhow::Error) -> Result<()> {
        fs::create_dir_all(checkout.toolchain())?;
        let reason = format!("{reason:#}").replace('\n', " ");
        fs::write(Self::file(checkout, active.target), format!("{}\n{reason}\n", active.version))?;
        Ok(())
    }
}
