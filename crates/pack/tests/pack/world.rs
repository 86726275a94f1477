//! A small pack to try tools on: the one that `rescind policy new` begins.

use rescind_eligibility::Engine;
use rescind_model::record::{WAYS_FORMAT, WaysRecord, ways_digest};
use rescind_model::{Digest, Facts};
use rescind_pack::generator::Generator;
use rescind_pack::pack::Pack;
use rescind_pack::starter::Starter;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What stands for the bytes of a component.
pub fn component() -> Digest {
    Digest::of(b"component")
}

/// The small pack's text, with replacements. Each has to be there.
#[track_caller]
pub fn small(replace: &[(&str, &str)]) -> String {
    let mut text = Starter::new("small").unwrap().pack;
    for (from, to) in replace {
        assert!(text.contains(from), "the pack has no {from:?}");
        text = text.replace(from, to);
    }
    text
}

/// An engine of the small pack, with replacements.
#[track_caller]
pub fn engine(replace: &[(&str, &str)]) -> Engine {
    engine_of(&small(replace))
}

#[track_caller]
pub fn engine_of(text: &str) -> Engine {
    let compiled = rescind_policy::compile(text, "small.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Engine::load(compiled.canonical()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A folder with files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The small pack with its cases, in a folder.
pub fn small_folder() -> TempDir {
    let starter = Starter::new("small").unwrap();
    folder(&[("small.toml", &starter.pack), ("small.cases.toml", &starter.cases)])
}

#[track_caller]
pub fn pack(file: &Path) -> Pack {
    Pack::read(file).unwrap_or_else(|refused| panic!("{refused}"))
}

/// So many records of an engine, in a file.
pub fn records(folder: &Path, engine: &Engine, count: u64) -> PathBuf {
    let file = folder.join("records.jsonl");
    let mut out = std::fs::File::create(&file).unwrap();
    let generator = Generator::new(engine, 1);
    for index in 0..count {
        let record = generator.record(index, &component()).unwrap();
        writeln!(out, "{}", serde_json::to_string(&record).unwrap()).unwrap();
    }
    file
}

/// What an engine answers about all ways, as it is recorded; `without` takes something away of what is known.
pub fn ways_record(engine: &Engine, index: u64, without: impl FnOnce(&mut Facts)) -> WaysRecord {
    let mut facts = Generator::new(engine, 1).input(index).unwrap().facts;
    without(&mut facts);
    let (answers, error) = match engine.assess(&facts, None) {
        Ok(answers) => (answers, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    WaysRecord {
        format: WAYS_FORMAT.to_owned(),
        id: format!("w-{index}"),
        merchant: facts.sale.merchant.clone(),
        sale: facts.sale.id.clone(),
        at: facts.now,
        policy: engine.identity().clone(),
        component: component(),
        input_digest: ways_digest(&facts, None),
        facts,
        amount: None,
        answers,
        error,
    }
}

/// Adds lines to a file of records.
pub fn append(file: &Path, lines: &[String]) {
    let mut text = std::fs::read_to_string(file).unwrap_or_default();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    std::fs::write(file, text).unwrap();
}
