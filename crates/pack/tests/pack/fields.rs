//! The table of fields against the language.

use crate::world::{engine, pack};
use rescind_pack::boundary::Boundaries;
use rescind_pack::field::{self, FIELDS};
use std::path::Path;

#[test]
fn every_value_of_every_pack_is_a_field_that_is_known() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut seen = 0;
    for entry in std::fs::read_dir(policies).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".toml") || name.ends_with(".cases.toml") {
            continue;
        }
        for leaf in field::leaves(pack(&file).compiled.document()) {
            assert!(leaf.field.is_some(), "{name}: {} is no field that is known", leaf.place);
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_field_of_the_language_is_in_the_table() {
    // Every public field of the document's structures, as serde writes it. Those that only hold others need no unit.
    let holding = [
        "authentication",
        "arrival",
        "calendar",
        "charge",
        "code",
        "completion-authentication",
        "completion-void",
        "count",
        "effective",
        "escalation",
        "evidence",
        "fee",
        "hold",
        "identity",
        "late-fee",
        "layers",
        "legal",
        "matches",
        "offline",
        "operation-fee",
        "penalty",
        "prepaid",
        "privacy",
        "refund",
        "release-authentication",
        "reversal",
        "rules",
        "support",
        "tier",
        "void",
        "when",
    ];
    let source = include_str!("../../../policy/src/document.rs");
    let fields =
        source.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": ")).map(|(name, _)| name);
    let mut read = 0;
    for name in fields.filter(|name| !name.contains(' ')) {
        let key = name.replace('_', "-");
        let known = FIELDS.iter().any(|field| field.key == key);
        assert!(known || holding.contains(&key.as_str()), "{key} is not in the table of fields");
        read += 1;
    }
    assert!(read > 120, "{read}");
}

#[test]
fn the_edges_of_a_policy_are_its_amounts_spans_and_words() {
    let edges = Boundaries::of(&engine(&[]));
    assert_eq!(edges.amounts, [1, 10_000, 20_000]);
    // 0, 30 minutes, 24 hours, 72 hours, 30 days.
    assert_eq!(edges.ages, [0, 1_800_000, 86_400_000, 259_200_000, 2_592_000_000]);
    assert_eq!(edges.kinds, ["other", "purchase"]);
    assert_eq!(edges.refund_reasons, ["customer-request", "not-delivered", "returned-goods"]);
    assert_eq!(edges.times_of_day, [23 * 60]);
    let around = edges.amounts_around();
    assert_eq!(around, [1, 2, 9_999, 10_000, 10_001, 19_999, 20_000, 20_001]);
}
