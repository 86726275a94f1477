//! The packs of `policies/`, with their cases; and four of this test's own, for what no provider asks for.

use rescind_pack::case::{Case, CaseFile};
use rescind_pack::pack::Pack;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A pack, or a layer on what it extends, with its cases and those of what it extends.
pub struct Cased {
    pub pack: Pack,
    pub cases: Vec<Case>,
}

impl Cased {
    /// Its file's name without the ending.
    pub fn name(&self) -> String {
        self.pack.file.file_stem().unwrap().to_string_lossy().into_owned()
    }

    /// Whether it is one of `policies/`.
    pub fn is_a_providers(&self) -> bool {
        !self.pack.file.starts_with(root().join("tests"))
    }

    /// What engines are given.
    pub fn document(&self) -> &[u8] {
        self.pack.compiled.canonical()
    }
}

/// All of them: those of `policies/` by name, then this test's.
pub fn packs() -> Vec<Cased> {
    let folders = [root().join("policies"), root().join("tests/conformance/packs")];
    let (packs, refused) = Pack::read_all(&folders).unwrap();
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let cased = |pack: Pack| {
        let mut cases = cases(&pack.case_file());
        for upper in &pack.uppers {
            let own = |case: &Case| cases.iter().all(|other: &Case| other.name != case.name);
            let more: Vec<Case> = self::cases(&upper.with_extension("cases.toml")).into_iter().filter(own).collect();
            cases.extend(more);
        }
        Cased { cases, pack }
    };
    packs.into_iter().map(cased).collect()
}

/// The cases of a file. This test's own packs have none.
fn cases(file: &Path) -> Vec<Case> {
    let is_own = file.starts_with(root().join("tests"));
    match std::fs::read_to_string(file) {
        Ok(text) => CaseFile::read(&text).unwrap().cases,
        Err(_) if is_own => Vec::new(),
        Err(error) => panic!("{}: {error}", file.display()),
    }
}
