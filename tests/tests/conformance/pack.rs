//! The packs of `policies/`, with their cases.

use rescind_pack::case::{Case, CaseFile};
use rescind_pack::pack::Pack;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A pack, or a layer on what it extends, with its cases.
pub struct Cased {
    pub pack: Pack,
    pub cases: Vec<Case>,
}

impl Cased {
    /// Its file's name without the ending.
    pub fn name(&self) -> String {
        self.pack.file.file_stem().unwrap().to_string_lossy().into_owned()
    }

    /// What engines are given.
    pub fn document(&self) -> &[u8] {
        self.pack.compiled.canonical()
    }
}

/// All of them, by name.
pub fn packs() -> Vec<Cased> {
    let (packs, refused) = Pack::read_all(&[root().join("policies")]).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    let cased = |pack: Pack| {
        let text = std::fs::read_to_string(pack.case_file()).unwrap();
        Cased { cases: CaseFile::read(&text).unwrap().cases, pack }
    };
    packs.into_iter().map(cased).collect()
}
