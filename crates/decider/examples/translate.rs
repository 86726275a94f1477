//! Translates a component ahead of time: `cargo run --release -p rescind-decider --example translate
//! target/components/eligibility.wasm FOLDER` writes what is for this very machine and for Pulley into the folder;
//! with `--features all-targets`, further arguments name what else it is for: `aarch64-unknown-linux-gnu`, `pulley32`.
//!
//! A program without a compiler runs them (`Runtime::load`) if it can trust the folder; a terminal takes them from a
//! signed bundle and from nowhere else.

use rescind_decider::{Target, Translation};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args_os().skip(1);
    let (Some(component), Some(folder)) = (given.next().map(PathBuf::from), given.next().map(PathBuf::from)) else {
        return Err("expected the path of a component and of a folder".into());
    };
    let mut targets = Vec::new();
    for triple in given {
        targets.push(Target::Named(triple.into_string().map_err(|triple| format!("{triple:?} is no target"))?));
    }
    if targets.is_empty() {
        targets = vec![Target::Host, Target::Pulley];
    }
    let bytes = std::fs::read(&component).map_err(|error| format!("{}: {error}", component.display()))?;
    std::fs::create_dir_all(&folder)?;
    for target in targets {
        let translation = Translation::of(&bytes, &target)?;
        let name = target.triple().unwrap_or("native");
        std::fs::write(folder.join(format!("{name}.cwasm")), translation.bytes())?;
        println!("{name}.cwasm: {} kB", translation.bytes().len() / 1_000);
    }
    Ok(())
}
