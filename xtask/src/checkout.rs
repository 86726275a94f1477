//! Where things are in this checkout.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// The checkout this xtask belongs to.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
    native: PathBuf,
}

impl Checkout {
    /// Finds the checkout: the folder above this package's own.
    ///
    /// # Errors
    ///
    /// If the package folder has no parent.
    pub fn find() -> Result<Self> {
        // `cargo run` sets it at run time; the compile-time value serves a binary started by hand.
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root =
            manifest.parent().ok_or_else(|| anyhow!("{} has no parent folder", manifest.display()))?.to_path_buf();
        let native = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, native })
    }

    /// The repository root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A native program built with `--release`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.native.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// The terminal's library, built with its own profile.
    pub fn terminal_library(&self) -> PathBuf {
        let name = format!("{}rescind_terminal{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        self.native.join("terminal").join(name)
    }

    /// The sources of the components, one folder each.
    pub fn component_sources(&self) -> PathBuf {
        self.root.join("components")
    }

    /// The finished components: `spin.toml` and the tests name them here, whatever `CARGO_TARGET_DIR` says.
    pub fn components(&self) -> PathBuf {
        self.root.join("target").join("components")
    }

    /// Cargo's target folder for wasm alone, so that native and wasm builds never invalidate or block each other.
    pub fn wasm_target(&self) -> PathBuf {
        self.root.join("target").join("wasm")
    }

    /// What the toolchain finder keeps between runs.
    pub fn toolchain(&self) -> PathBuf {
        self.root.join("target").join("toolchain")
    }

    /// Tools built from source for this checkout.
    pub fn tools(&self) -> PathBuf {
        self.root.join("target").join("tools")
    }

    /// The contracts.
    pub fn wit(&self) -> PathBuf {
        self.root.join("wit")
    }
}
