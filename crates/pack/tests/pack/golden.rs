//! Texts as they were agreed on. `RESCIND_WRITE_GOLDEN=1 cargo test -p rescind-pack` writes them anew.

use std::path::Path;

/// Compares a text with the file of that name.
#[track_caller]
pub fn assert_golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pack/golden").join(name);
    if std::env::var_os("RESCIND_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let agreed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(agreed == text, "{name} is not as agreed on.\n--- agreed\n{agreed}\n--- found\n{text}");
}
