//! `rescind bundle`: what terminals decide with, made, signed and looked at.

mod build;
mod file;
mod hand;
mod inspect;
mod keygen;
mod rotate;
mod sign;
mod verify;

use anyhow::Context as _;
use clap::Subcommand;
use rescind_bundle::{Engine, Trust};
use rescind_decider::{Target, engine_version, profile_digest};
use std::path::Path;
use std::process::ExitCode;

/// Make, sign and check what terminals decide with.
#[derive(Debug, Subcommand)]
pub enum Bundle {
    /// Make a key that signs bundles, and the set of keys that terminals are provisioned with.
    Keygen(keygen::Keygen),
    /// Translate the component and put it into bundles with policies and keys: one file for each target.
    Build(build::Build),
    /// Sign a draft that `build` made, with a key in a file or in a module that signs messages.
    Sign(sign::Sign),
    /// Change the set of keys that may sign: what this writes goes into every bundle from then on (`build --change`).
    Rotate(rotate::Rotate),
    /// Show what a bundle, a draft or a change of keys says. Nothing of it is checked.
    Inspect(inspect::Inspect),
    /// Check a bundle as a terminal would; fails with the terminal's reason.
    Verify(verify::Verify),
}

impl Bundle {
    /// Runs the command. Fails if a bundle that it was asked to check is refused.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Keygen(keygen) => keygen.run(),
            Self::Build(build) => build.run(),
            Self::Sign(sign) => sign.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Verify(verify) => verify.run(),
        }
    }
}

/// A target by name: `native` is this machine's processor, or byte code where there is no compiler for it.
fn target(name: &str) -> Target {
    if name == "native" { Target::native() } else { Target::Named(name.to_owned()) }
}

/// The engine of this build for a target.
fn engine(target: &Target) -> anyhow::Result<Engine> {
    let mut profile = [0; 32];
    hex::decode_to_slice(&profile_digest(target).hex, &mut profile).context("a profile's digest has 64 digits")?;
    Ok(Engine { target: target.to_string(), wasmtime: engine_version(), profile })
}

/// The set of keys in a file.
pub fn read_trust(file: &Path) -> anyhow::Result<Trust> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the keys {}", file.display()))?;
    let trust: Trust = serde_json::from_str(&text).with_context(|| format!("{} is no set of keys", file.display()))?;
    trust.checked().with_context(|| format!("{} is no set of keys", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rescind_bundle::engines::{ENGINES, is_known};

    /// What this prints belongs into `crates/bundle/src/engines.rs`; what stands there stays, as long as a terminal may
    /// have that firmware.
    #[test]
    fn servers_know_the_engine_of_every_terminal_of_today() {
        let native = Target::native().to_string();
        let targets: Vec<&str> = ENGINES.iter().map(|known| known.target).chain([native.as_str()]).collect();
        for name in targets {
            let engine = engine(&target(name)).unwrap();
            let line = format!("known({name:?}, {:?}, {:?})", engine.wasmtime, hex::encode(engine.profile));
            assert!(is_known(&engine), "{line}");
        }
    }
}
