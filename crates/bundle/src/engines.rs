//! The engines that terminals have, or had: a bundle for any other is a mistake of whoever made it, and a server does not
//! give it out. A line stays for as long as one terminal may have that firmware.

use crate::Engine;

/// A kind of processor, or byte code, that firmware of ours was built for with one version of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownEngine {
    /// What it runs code for.
    pub target: &'static str,
    /// Its version.
    pub wasmtime: &'static str,
    /// The digest of its profile, as 64 hexadecimal digits.
    pub profile: &'static str,
}

/// All of them. That the engine of today is among them is a test of `rescind bundle`; what it prints belongs here.
pub const ENGINES: &[KnownEngine] = &[
    known("aarch64-apple-darwin", "48", "7b4e3080e51a742a14b596b092f8b021ba3e0cf2b153add8bc23d270a9c8d726"),
    known("aarch64-unknown-linux-gnu", "48", "e6ec131e7f025ae3f73eccb30112502b4b88b518a607718013f4fa9aae76e682"),
    known("aarch64-unknown-linux-musl", "48", "fd1f9b3cd3b22cccc1a21318ab01eccf2b5feb99fd16ab538bbb7ba585010057"),
    known("pulley32", "48", "7bc32a66342c2a93594a13104db866d2fca572e5ff50aa715b079347ebe3b6a8"),
    known("pulley64", "48", "4410e2cee8d29ccb59a99ea7bcbb0226445cb70ff6f0fad8c08378650465cc3d"),
    known("x86_64-unknown-linux-gnu", "48", "d259333b17aeb119beacfaebffb6e414d604225c1049da6d5f7ed4f38b6f91ac"),
    known("x86_64-unknown-linux-musl", "48", "467462d406bde02ac36b1e7ee9c9a00e4e8e921f9b31e54ddf03ac8f2ec32a4a"),
];

const fn known(target: &'static str, wasmtime: &'static str, profile: &'static str) -> KnownEngine {
    KnownEngine { target, wasmtime, profile }
}

/// Whether a terminal has, or had, this engine.
#[must_use]
pub fn is_known(engine: &Engine) -> bool {
    let profile = hex::encode(engine.profile);
    ENGINES
        .iter()
        .any(|known| known.target == engine.target && known.wasmtime == engine.wasmtime && known.profile == profile)
}
