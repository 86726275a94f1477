//! Where things are: the checkout, the built program, the built components.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The root of the checkout.
///
/// # Errors
/// This source lies somewhere else than it did when it was compiled.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("the tests have no folder above them")?;
    root.canonicalize().with_context(|| format!("the checkout is no longer at {}", root.display()))
}

/// The built `rescind`: `RESCIND_PROGRAM` if set, else the one beside this program, else that of the checkout.
///
/// # Errors
/// It is not built.
pub fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("RESCIND_PROGRAM") {
        return Ok(PathBuf::from(named));
    }
    let this = std::env::current_exe().context("this program does not know where it is")?;
    // Tests lie in `deps`, programs beside it.
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join("rescind"));
    let built = root()?.join("target/release/rescind");
    match beside.chain([built.clone()]).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("{} is not there: build it with `cargo xtask build`", built.display()),
    }
}

/// A built component.
///
/// # Errors
/// It is not built.
pub fn component(name: &str) -> Result<PathBuf> {
    let path = root()?.join("target/components").join(format!("{name}.wasm"));
    if path.is_file() { Ok(path) } else { bail!("{} is not there: build it with `cargo xtask build`", path.display()) }
}
