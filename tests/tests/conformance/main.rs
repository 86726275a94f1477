//! The invariant *same-answer* over vectors that reach every rule: native, as the server runs the component, as a terminal
//! runs it, and in Pulley, byte for byte. What the vectors are and how they are written: `tests/conformance/README.md`.
//!
//! A binary of its own: it has the engines in it, which the tests end to end start as programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails, fails"
)]
#![allow(missing_docs, reason = "tests")]

mod check;
mod engine;
mod matrix;
mod origin;
mod pack;
mod planted;
mod search;
mod strain;
mod vector;

use check::{WORLD, assert_none, named};
use std::collections::{BTreeMap, BTreeSet};

/// At least so many vectors.
const VECTORS: usize = 1_000;

/// The file is read by people too, and kept for ever.
const FILE_BYTES: u64 = 1_000_000;

/// One in so many is asked in an instance of its own as well.
const FRESH: usize = 5;

#[test]
fn four_engines_give_every_answer_byte_for_byte() {
    let native = WORLD.differences(|vector| Ok(engine::native(WORLD.pack(vector), &vector.subject)));
    assert_none("native", &native);
    for (name, runtime) in engine::hosts(&engine::COMPONENT).unwrap() {
        assert_none(name, &WORLD.differences(WORLD.host_as_it_is(&runtime)));
        for vector in WORLD.vectors.iter().step_by(FRESH) {
            let pack = WORLD.pack(vector);
            let Some(answer) = engine::fresh(&runtime, pack, &vector.subject) else { continue };
            let digest = rescind_model::Digest::of(&answer.unwrap()).hex;
            let vector = &vector.line;
            assert_eq!(digest, vector.answer, "{name}, in a fresh instance: {}", named(&vector.pack, &vector.from));
        }
        for pack in &WORLD.packs {
            let mut decider = runtime.decider(pack.document()).unwrap();
            assert_eq!(decider.identity(), pack.pack.engine.identity());
            assert_eq!(decider.needs().unwrap(), pack.pack.engine.needs());
            assert_eq!(decider.terms().unwrap(), pack.pack.engine.terms());
        }
    }
}

#[test]
fn there_are_a_thousand_vectors_and_each_adds_something() {
    assert!(WORLD.vectors.len() >= VECTORS, "{}", WORLD.vectors.len());
    assert!(std::fs::metadata(vector::file()).unwrap().len() < FILE_BYTES);
    let (mut said, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for vector in &WORLD.vectors {
        let pack = WORLD.pack(vector);
        let now = vector::Said::of(pack, &vector.subject);
        assert_eq!(now, vector.line.said, "{}", named(&vector.line.pack, &vector.line.from));
        let mut adds = said.insert((vector.pack, now));
        for side in vector::sides(pack, &vector.subject) {
            adds |= reached.insert((vector.pack, side));
        }
        let Some(origin) = (!adds).then_some(&vector.line.from) else { continue };
        panic!("{}: another vector says the same and reaches as much", named(&vector.line.pack, origin));
    }
}

#[test]
fn every_pack_is_asked_for_every_way_and_every_way_answers_everything() {
    let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut answered: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for vector in &WORLD.vectors {
        let said = &vector.line.said;
        asked.entry(&vector.line.pack).or_default().insert(&said.asked);
        let outcome = said.outcome.split(' ').next().unwrap_or_default();
        answered.entry(&said.asked).or_default().insert(outcome);
    }
    let ways = ["void", "refund", "reversal", "order-close", "hold-release", "hold-completion", "completion-void"];
    for pack in &WORLD.packs {
        let asked = &asked[pack.name().as_str()];
        assert!(ways.iter().chain(&["assess"]).all(|way| asked.contains(way)), "{}: {asked:?}", pack.name());
    }
    for way in ways {
        let answered = &answered[way];
        assert!(["allow", "deny", "bad-time"].iter().all(|outcome| answered.contains(outcome)), "{way}: {answered:?}");
    }
}

#[test]
fn every_rule_says_everything_it_can_say() {
    let reached: BTreeSet<_> = matrix::reached(&WORLD).into_keys().collect();
    let known: Vec<_> = matrix::expected_gaps().collect();
    let unreached: BTreeSet<_> = matrix::cells().filter(|cell| !reached.contains(cell)).collect();
    let expected: BTreeSet<_> = known.iter().copied().collect();
    assert_eq!(known.len(), expected.len(), "one cell, two reasons");
    let missing: Vec<_> = unreached.difference(&expected).collect();
    assert!(missing.is_empty(), "no vector reaches, and nothing says why: {missing:?}");
    let after_all: Vec<_> = expected.difference(&unreached).collect();
    assert!(after_all.is_empty(), "said to be unreachable, and reached: {after_all:?}");
    let kept = std::fs::read_to_string(matrix::file()).unwrap();
    assert_eq!(kept, matrix::text(&WORLD), "tests/conformance/matrix.md is of other vectors");
}

#[test]
fn every_side_of_every_rule_that_a_pack_states_has_a_vector() {
    let gaps = matrix::gaps(&WORLD);
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

/// Not a test: writes the vectors and the matrix anew, when what is decided was meant to change.
#[test]
#[ignore = "writes the vectors"]
fn write() {
    let lines: Vec<vector::Line> = pack::packs().iter().flat_map(search::of).collect();
    let text: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    std::fs::write(vector::file(), text.concat()).unwrap();
    std::fs::write(matrix::file(), matrix::text(&WORLD)).unwrap();
    println!("{} vectors", lines.len());
}
