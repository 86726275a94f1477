//! What an engine calls itself, so that a bundle can say which one it is for before anything of it is deserialized.

use crate::limits;
use crate::profile::Target;
use rescind_model::Digest;
use wasmtime::ModuleVersionStrategy;

/// Raised whenever `engine_profile` changes in a way that its limits do not show.
const PROFILE: u32 = 1;

/// The engine's version, as far as translations depend on it.
#[must_use]
pub fn engine_version() -> String {
    ModuleVersionStrategy::default().as_str().to_owned()
}

/// The digest of the profile for a target. Translations of another profile are refused by the engine in any case: this
/// says so earlier, and in fewer words.
#[must_use]
pub fn profile_digest(target: &Target) -> Digest {
    let limits = [limits::MEMORY_BYTES, limits::TABLE_ELEMENTS, limits::WASM_STACK_BYTES, limits::INSTANCE_BYTES];
    Digest::of(format!("rescind-engine-profile/{PROFILE}\n{target}\n{limits:?}\n").as_bytes())
}

impl Target {
    /// The processor this program was built for, as far as the engine generates code for it; else Pulley.
    #[must_use]
    pub fn native() -> Self {
        let triple = if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
            "x86_64-unknown-linux-gnu"
        } else if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "musl")) {
            "x86_64-unknown-linux-musl"
        } else if cfg!(all(target_arch = "aarch64", target_os = "linux", target_env = "gnu")) {
            "aarch64-unknown-linux-gnu"
        } else if cfg!(all(target_arch = "aarch64", target_os = "linux", target_env = "musl")) {
            "aarch64-unknown-linux-musl"
        } else if cfg!(all(target_arch = "aarch64", target_os = "macos")) {
            "aarch64-apple-darwin"
        } else {
            return Self::Pulley;
        };
        Self::Named(triple.to_owned())
    }
}
