//! The packs that ship compile, and what they compile to is what was reviewed.

use rescind_policy::{Policy, compile};

#[test]
fn every_pack_compiles_and_loads() {
    for name in ["lakala", "unionpay"] {
        let path = format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let compiled = compile(&text, &path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let policy = Policy::from_canonical(compiled.canonical()).unwrap();
        assert_eq!(policy.identity().hash, *compiled.hash());
        assert_eq!(policy.identity().name, name);
        assert_eq!(policy.document(), compiled.document());
        println!("{name}: {} bytes {}", compiled.canonical().len(), compiled.hash());
    }
}
