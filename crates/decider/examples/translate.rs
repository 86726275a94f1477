//! Translates a component for this machine and for Pulley:
//! `cargo run --release -p rescind-decider --example translate target/components/eligibility.wasm`
//! writes `eligibility.native.cwasm` and `eligibility.pulley.cwasm` beside it.
//!
//! A program without a compiler runs them (`Runtime::load`) if it can trust the folder; a terminal takes them from a
//! signed bundle and from nowhere else.

use rescind_decider::{Target, Translation};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("expected the path of a component")?);
    let component = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (target, ending) in [(Target::Host, "native.cwasm"), (Target::Pulley, "pulley.cwasm")] {
        let translation = Translation::of(&component, &target)?;
        let translated = path.with_extension(ending);
        std::fs::write(&translated, translation.bytes())?;
        println!("{} for {target}: {} kB", translated.display(), translation.bytes().len() / 1_000);
    }
    Ok(())
}
