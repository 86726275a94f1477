//! The terminal's library for the processors that terminals have: built for each, and tested in qemu's user-mode emulation.
//!
//! Nothing is translated there, as on a terminal: the component is translated on this machine, for the processor and for
//! Pulley, and tests on the other side read it. What is decided there must be what is decided here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::checkout::Checkout;
use crate::command::{capture, cargo, exists, run as perform};
use crate::component;
use crate::problem::Problem;
use crate::steps::Steps;
use crate::toolchain::{self, AARCH64, ARMV7, Target, Toolchain, Way};

/// What the terminal's library consists of, itself first: all of it has tests that are run.
const PACKAGES: [&str; 9] = [
    "rescind-terminal",
    "rescind-bundle",
    "rescind-journal",
    "rescind-decider",
    "rescind-eligibility",
    "rescind-notification",
    "rescind-policy",
    "rescind-model",
    "rescind-proof",
];

/// What the component is translated for. Every test finds its own among them, and one that is not for it.
const TRANSLATIONS: [&str; 3] = ["aarch64-unknown-linux-gnu", "pulley64", "pulley32"];

/// A processor, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Processor {
    /// 64 bits: native code, and Pulley.
    Aarch64,
    /// 32 bits: Pulley alone, the engine generates no code for it.
    Armv7,
    /// One after the other.
    All,
}

/// What it takes to build for a processor and to run what was built.
#[derive(Debug)]
struct Bench {
    target: Target,
    /// The C compiler, which also links.
    compiler: &'static str,
    emulator: &'static str,
    /// Where the other processor's C library is.
    libraries: &'static str,
    /// Debian's and Ubuntu's names for the three.
    packages: [&'static str; 3],
}

const BENCHES: [(Processor, Bench); 2] = [
    (
        Processor::Aarch64,
        Bench {
            target: AARCH64,
            compiler: "aarch64-linux-gnu-gcc",
            emulator: "qemu-aarch64",
            libraries: "/usr/aarch64-linux-gnu",
            packages: ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"],
        },
    ),
    (
        Processor::Armv7,
        Bench {
            target: ARMV7,
            compiler: "arm-linux-gnueabihf-gcc",
            emulator: "qemu-arm",
            libraries: "/usr/arm-linux-gnueabihf",
            packages: ["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross", "qemu-user"],
        },
    ),
];

impl Bench {
    fn is_there(&self) -> bool {
        exists(self.compiler) && exists(self.emulator) && Path::new(self.libraries).join("lib").is_dir()
    }

    /// The words that stand before a program of the processor.
    fn runner(&self) -> String {
        format!("{} -L {}", self.emulator, self.libraries)
    }

    /// The variable by which cargo is told something of this target.
    fn variable(&self, what: &str) -> String {
        format!("CARGO_TARGET_{}_{what}", self.target.triple.replace('-', "_").to_uppercase())
    }

    /// cargo for this target, in a folder of its own.
    fn cargo(&self, checkout: &Checkout, toolchain: &Toolchain, words: &[&str]) -> Command {
        let mut cargo = settled(checkout, words);
        cargo.args(["--target", self.target.triple]).env(self.variable("LINKER"), self.compiler);
        toolchain.apply(&mut cargo);
        cargo
    }

    /// The same, for tests and whatever else is run there.
    fn tests(&self, checkout: &Checkout, toolchain: &Toolchain, words: &[&str]) -> Command {
        let mut cargo = self.cargo(checkout, toolchain, words);
        cargo
            .arg("--release")
            // Their dependencies have no compiler, and they read what was translated here.
            .env(self.variable("RUSTFLAGS"), "--cfg rescind_translated")
            .env(self.variable("RUNNER"), self.runner());
        cargo
    }

    /// What cargo built.
    fn built(&self, checkout: &Checkout, profile: &str) -> PathBuf {
        checkout.cross().join(self.target.triple).join(profile)
    }
}

/// Builds for `processor` and tests there; with `figures`, also measures there.
///
/// # Errors
///
/// If anything that is needed is missing, does not build, or fails a test, or if what is decided there is not what is
/// decided here.
pub fn run(checkout: &Checkout, way: Way, processor: Processor, figures: bool) -> Result<()> {
    let benches: Vec<&Bench> = BENCHES
        .iter()
        .filter(|(name, _)| processor == Processor::All || processor == *name)
        .map(|(_, bench)| bench)
        .collect();
    let sources = component::sources(checkout, &["eligibility".to_owned()])?;
    let each: usize = if figures { 5 } else { 4 };
    let mut steps =
        Steps::of(component::steps(&sources).saturating_add(4).saturating_add(each.saturating_mul(benches.len())));

    steps.loud("cross compilers and emulators", || provide(&benches))?;
    component::build(checkout, &sources, way, &mut steps)?;
    steps.loud("building the translator", || {
        perform(&mut here(checkout, &["build", "--release", "--example", "translate"])).map(|()| String::new())
    })?;
    steps.quiet("translating the component", || translate(checkout))?;
    let answers = checkout.cross().join("answers");
    fs::create_dir_all(&answers)?;
    let ours = answers.join("here");
    steps.loud("decisions of this machine", || {
        let mut test = here(checkout, &["test", "--release", "--test", "decider"]);
        perform(test.arg("same_answer").env("RESCIND_ANSWERS", &ours)).map(|()| String::new())
    })?;

    for bench in benches {
        let triple = bench.target.triple;
        let mut found = None;
        steps.quiet(&format!("finding a compiler for {triple}"), || {
            let toolchain = toolchain::find(checkout, way, bench.target)?;
            let name = toolchain.found().to_owned();
            found = Some(toolchain);
            Ok(name)
        })?;
        let toolchain = found.ok_or_else(|| anyhow!("no compiler was chosen"))?;
        steps.loud(&format!("the library for {triple}"), || library(checkout, bench, &toolchain))?;
        let theirs = answers.join(triple);
        steps.loud(&format!("tests on {triple}"), || {
            test(checkout, bench, &toolchain, &theirs).map(|()| String::new())
        })?;
        steps.quiet(&format!("decisions of {triple} and of this machine"), || compare(&ours, &theirs))?;
        if figures {
            steps.loud(&format!("figures of {triple}, emulated"), || {
                let program = bench.built(checkout, "release").join("examples/figures");
                let mut figures = emulated(bench, &program);
                perform(with_translations(checkout, bench, &mut figures)).map(|()| String::new())
            })?;
        }
    }
    Ok(())
}

/// cargo with a target folder and settings of its own: what is built here is tested once and not debugged.
fn settled(checkout: &Checkout, words: &[&str]) -> Command {
    let mut cargo = cargo();
    cargo
        .current_dir(checkout.root())
        .args(words)
        .arg("--target-dir")
        .arg(checkout.cross())
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    cargo
}

/// cargo for this machine, with a compiler of components for all others.
fn here(checkout: &Checkout, words: &[&str]) -> Command {
    let mut cargo = settled(checkout, words);
    cargo.args(["--package", "rescind-decider", "--features", "all-targets"]);
    cargo
}

/// Looks for what is needed besides Rust; installs it where that is allowed.
fn provide(benches: &[&Bench]) -> Result<String> {
    let missing: Vec<&&Bench> = benches.iter().filter(|bench| !bench.is_there()).collect();
    if missing.is_empty() {
        return Ok("all there".to_owned());
    }
    let mut packages: Vec<&str> = missing.iter().flat_map(|bench| bench.packages).collect();
    packages.sort_unstable();
    packages.dedup();
    let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    let is_root = capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if is_root && exists("apt-get") {
        perform(Command::new("apt-get").args(["--quiet", "update"]))?;
        let mut install = Command::new("apt-get");
        install.args(["--quiet", "--yes", "install", "--no-install-recommends"]).args(&packages);
        perform(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
        if missing.iter().all(|bench| bench.is_there()) {
            return Ok(format!("installed {}", packages.join(" ")));
        }
    }
    let wanted: Vec<String> = missing
        .iter()
        .map(|bench| format!("{}, {} and a C library below {}", bench.compiler, bench.emulator, bench.libraries))
        .collect();
    Err(Problem::new(
        format!("expected {}; not all of that is there", wanted.join(", and ")),
        format!("on Debian or Ubuntu, as root: {command}"),
    )
    .into())
}

/// Translates the component for every target.
fn translate(checkout: &Checkout) -> Result<String> {
    let program = checkout.cross().join("release/examples").join(format!("translate{}", env::consts::EXE_SUFFIX));
    let component = checkout.components().join("eligibility.wasm");
    let said = capture(Command::new(program).arg(component).arg(translations(checkout)).args(TRANSLATIONS))?;
    Ok(said.lines().collect::<Vec<_>>().join(", "))
}

fn translations(checkout: &Checkout) -> PathBuf {
    checkout.cross().join("translated")
}

/// Builds what firmware gets, alone, so that no other package gives it a compiler.
fn library(checkout: &Checkout, bench: &Bench, toolchain: &Toolchain) -> Result<String> {
    let words = ["rustc", "--package", "rescind-terminal", "--lib", "--profile", "terminal"];
    perform(bench.cargo(checkout, toolchain, &words).args(["--crate-type", "staticlib,cdylib"]))?;
    let folder = bench.built(checkout, "terminal");
    let mut sizes = Vec::new();
    for name in ["librescind_terminal.a", "librescind_terminal.so"] {
        let file = folder.join(name);
        let length = fs::metadata(&file).with_context(|| format!("{} was not built", file.display()))?.len();
        sizes.push(format!("{name} {} kB", length.div_ceil(1000)));
    }
    Ok(sizes.join(", "))
}

fn test(checkout: &Checkout, bench: &Bench, toolchain: &Toolchain, answers: &Path) -> Result<()> {
    // Tests start them: cargo builds programs for tests of their own package alone, and not where tests are named.
    let examples = ["build", "--package", "rescind-terminal", "--example", "server", "--example", "figures"];
    perform(&mut bench.tests(checkout, toolchain, &examples))?;
    let mut tests = bench.tests(checkout, toolchain, &["test", "--lib", "--tests"]);
    for package in PACKAGES {
        tests.args(["--package", package]);
    }
    // An old file must not pass for what these tests decided.
    match fs::remove_file(answers) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    tests
        .env("RESCIND_CC", bench.compiler)
        .env("RESCIND_LIBRARY", bench.built(checkout, "terminal").join("librescind_terminal.a"))
        .env("RESCIND_ANSWERS", answers);
    // In the emulator threads wait for each other whenever one maps memory: for seconds, on a busy machine, and then what is
    // ended by a clock is ended.
    perform(with_translations(checkout, bench, &mut tests).args(["--", "--test-threads", "1"]))
}

/// What a program of the processor has to know to find what was translated for it, and to start another.
fn with_translations<'a>(checkout: &Checkout, bench: &Bench, command: &'a mut Command) -> &'a mut Command {
    command.env("RESCIND_TRANSLATED", translations(checkout)).env("RESCIND_RUNNER", bench.runner())
}

/// A program of the processor.
fn emulated(bench: &Bench, program: &Path) -> Command {
    let mut command = Command::new(bench.emulator);
    command.args(["-L", bench.libraries]).arg(program);
    command
}

/// Holds what was decided there against what was decided here: pack, number of decisions, digest of questions and answers.
fn compare(ours: &Path, theirs: &Path) -> Result<String> {
    let read = |file: &Path| {
        fs::read_to_string(file).with_context(|| format!("{}: the tests wrote no decisions", file.display()))
    };
    let (ours, theirs) = (read(ours)?, read(theirs)?);
    if let Some(difference) = difference(&ours, &theirs) {
        return Err(Problem::new(
            difference,
            "one of the two machines decides wrongly: no bundle may go to such terminals before it is known which",
        )
        .into());
    }
    Ok(format!("the same in {} packs", ours.lines().count()))
}

/// What the first difference is, if there is one; no decisions at all are one.
fn difference(ours: &str, theirs: &str) -> Option<String> {
    let (mut here, mut there) = (ours.lines(), theirs.lines());
    if ours.is_empty() {
        return Some("nothing was decided".to_owned());
    }
    loop {
        match (here.next(), there.next()) {
            (None, None) => return None,
            (here, there) if here == there => {}
            (here, there) => {
                return Some(format!("here: {}; there: {}", here.unwrap_or("nothing"), there.unwrap_or("nothing")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digest_that_differs_is_a_difference() {
        assert_eq!(difference("alipay 9 aa\nunionpay 9 bb\n", "alipay 9 aa\nunionpay 9 bb\n"), None);
        let found = difference("alipay 9 aa\nunionpay 9 bb\n", "alipay 9 aa\nunionpay 9 bc\n");
        assert_eq!(found.as_deref(), Some("here: unionpay 9 bb; there: unionpay 9 bc"));
        let found = difference("alipay 9 aa\nunionpay 9 bb\n", "alipay 9 aa\n");
        assert_eq!(found.as_deref(), Some("here: unionpay 9 bb; there: nothing"));
        assert!(difference("", "").is_some());
    }

    #[test]
    fn cargo_is_told_of_a_target_in_capitals() {
        let variables: Vec<String> = BENCHES.iter().map(|(_, bench)| bench.variable("LINKER")).collect();
        assert_eq!(
            variables,
            ["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER"]
        );
    }
}
