//! A store whose files hold anything: it opens, or says why not, and takes the next genuine bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind_bundle::{ClassPolicy, Content, Disk, Ed25519, Engine, Signer as _, SigningKey, Store, Times, Trust};
use std::collections::BTreeMap;
use std::io;

#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Disk for Memory {
    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        match self.0.get(name) {
            Some(bytes) if bytes.len() > limit => Err(io::ErrorKind::FileTooLarge.into()),
            found => Ok(found.cloned()),
        }
    }
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn sync(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let bytes = self.0.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.0.insert(to.to_owned(), bytes);
        Ok(())
    }
    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Three files, cut where the first two bytes say.
    let (cuts, rest) = bytes.split_at(bytes.len().min(2));
    let cut = |n: usize, of: &[u8]| cuts.get(n).map_or(0, |cut| usize::from(*cut) * of.len() / 256);
    let (pointer, rest) = rest.split_at(cut(0, rest));
    let (a, b) = rest.split_at(cut(1, rest));
    let mut disk = Memory::default();
    for (name, bytes) in [("active", pointer), ("slot-a", a), ("slot-b", b)] {
        disk.write(name, bytes).unwrap();
    }
    let key = SigningKey::from_seed([7; 32]);
    let trust = Trust::first("lakala-north", key.public().clone());
    let engine = Engine { target: "pulley64".into(), wasmtime: "48.0.0".into(), profile: [3; 32] };
    let mut store = Store::open(disk, trust, engine, 0, &Ed25519).unwrap();
    // A pointer with a digest of its own can name any version, but none that cannot be followed by one.
    let Some(version) = store.floor().checked_add(1) else { return };
    let content = Content {
        name: "lakala-north".into(),
        version,
        target: "pulley64".into(),
        wasmtime: "48.0.0".into(),
        profile: [3; 32],
        component: [4; 32],
        code: b"code".to_vec(),
        policies: vec![ClassPolicy { class: None, canonical: b"{}".to_vec() }],
        proof_keys: vec![],
        times: Times { not_before: 1_000, expires: 9_000, made_at: 1_000, server_time: 1_500 },
    };
    let bundle = content.sign(&[], &key).unwrap();
    store.install(bundle, 5_000, &Ed25519).unwrap();
    assert_eq!(store.active().map(|active| active.version()), Some(version));
});
