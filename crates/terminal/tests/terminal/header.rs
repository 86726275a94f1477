//! The header that firmware is compiled with is the one that follows from the code.

use cbindgen::{Builder, Config};
use std::path::Path;

#[test]
fn the_header_is_the_one_that_follows_from_the_code() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::from_file(here.join("cbindgen.toml")).unwrap();
    let sources = ["src/error.rs", "src/ffi/signer.rs", "src/ffi/mod.rs"];
    let builder = sources.iter().fold(Builder::new(), |builder, source| builder.with_src(here.join(source)));
    let bindings = builder.with_config(config).generate().unwrap();
    let mut written = Vec::new();
    bindings.write(&mut written);
    let written = String::from_utf8(written).unwrap();
    let file = here.join("include/rescind_terminal.h");
    if std::env::var_os("RESCIND_WRITE_HEADER").is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == written, "{} is another: RESCIND_WRITE_HEADER=1 writes it anew", file.display());
}
