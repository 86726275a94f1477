//! The packs that ship.

/// A pack's text.
pub(crate) fn pack(name: &str) -> String {
    let path = format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A pack, compiled.
pub(crate) fn compiled(name: &str) -> rescind_policy::Compiled {
    rescind_policy::compile(&pack(name), name).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}
