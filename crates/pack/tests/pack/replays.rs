//! Recorded decisions made again.

use crate::world::{append, component, engine, folder, records, small, ways_record};
use rescind_model::record::{Answer, Input};
use rescind_model::{Digest, Facts, Money, Outcome};
use rescind_pack::records::WaysAnswer;
use rescind_pack::replay::{Decider, Judge, Library, Native, Replay};
use std::num::NonZeroUsize;
use std::path::PathBuf;

fn library(replace: &[(&str, &str)]) -> Library {
    let compiled = rescind_policy::compile(&small(replace), "small.toml").unwrap();
    let mut library = Library::default();
    library.add(compiled.canonical().to_vec());
    library
}

fn replay(decider: &dyn Decider, library: &Library, files: &[PathBuf]) -> Replay {
    Replay::run(decider, library, files, true, NonZeroUsize::new(2).unwrap(), &mut |_| {}).unwrap()
}

#[test]
fn the_same_engine_and_policy_give_the_same_bytes() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 1_500)];
    let found = replay(&Native, &library(&[]), &files);
    assert!(found.is_faithful(), "{}", found.text());
    assert_eq!((found.records, found.identical), (1_500, 1_500));
    assert_eq!(found.text(), "1,500 decisions made again: 1,500 equal to the byte, 0 different\n");
}

#[test]
fn the_same_record_with_other_spaces_is_the_same_record() {
    let folder = folder(&[]);
    let file = records(folder.path(), &engine(&[]), 50);
    let text = std::fs::read_to_string(&file).unwrap();
    let spaced = text.lines().map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value.to_string().replace(":{", ": {")
    });
    std::fs::write(&file, spaced.collect::<Vec<_>>().join("\n")).unwrap();
    let found = replay(&Native, &library(&[]), &[file]);
    assert!(found.is_faithful(), "{}", found.text());
}

#[test]
fn a_changed_answer_is_shown_at_its_first_difference() {
    let folder = folder(&[]);
    let file = records(folder.path(), &engine(&[]), 40);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.contains("\"outcome\":\"Allow\",\"findings\":[]")).unwrap();
    lines[at] = lines[at].replace("\"outcome\":\"Allow\",\"findings\":[]", "\"outcome\":\"Refer\",\"findings\":[]");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let found = replay(&Native, &library(&[]), &[file]);
    assert!(!found.is_faithful());
    assert_eq!((found.different, found.differences.len()), (1, 1));
    let difference = &found.differences[0];
    assert!(difference.at.ends_with(&format!("records.jsonl:{}", at + 1)), "{difference}");
    assert_eq!(difference.path, "decided.outcome");
    assert_eq!((difference.recorded.as_str(), difference.found.as_str()), ("\"Refer\"", "\"Allow\""));
}

#[test]
fn a_changed_input_is_noticed_even_if_the_answer_is_the_same() {
    let folder = folder(&[]);
    let file = records(folder.path(), &engine(&[]), 10);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"voucher\":\"", "\"voucher\":\"9", 1)).unwrap();
    let found = replay(&Native, &library(&[]), &[file]);
    assert_eq!((found.identical, found.changed_inputs), (10, 1));
    assert!(!found.is_faithful());
}

#[test]
fn a_record_that_names_another_sale_than_its_input_is_noticed() {
    let folder = folder(&[]);
    let file = records(folder.path(), &engine(&[]), 10);
    let text = std::fs::read_to_string(&file).unwrap();
    for field in ["merchant", "sale", "at"] {
        let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // What the sale after it names.
        let other = lines.iter().map(|line| line[field].clone()).find(|other| *other != lines[0][field]);
        lines[0][field] = other.unwrap_or_else(|| "M-other".into());
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        let found = replay(&Native, &library(&[]), std::slice::from_ref(&file));
        assert_eq!((found.identical, found.changed_headers, found.changed_inputs), (10, 1, 0), "{field}");
        assert!(!found.is_faithful());
        assert!(found.text().contains("1 name another merchant, sale or time than their input"), "{}", found.text());
    }
}

#[test]
fn a_file_without_records_shows_nothing() {
    let folder = folder(&[]);
    for text in ["", "\n\n"] {
        let file = folder.path().join("empty.jsonl");
        std::fs::write(&file, text).unwrap();
        let found = replay(&Native, &library(&[]), &[file]);
        assert!(!found.is_faithful());
        assert!(found.text().contains("no decision to make again"), "{}", found.text());
    }
}

#[test]
fn a_policy_that_is_not_given_is_named() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 10)];
    let found = replay(&Native, &library(&[("0.1.0", "0.1.1")]), &files);
    assert!(!found.is_faithful());
    assert_eq!(found.unknown_policies.values().sum::<u64>(), 10);
    assert!(found.text().contains("10 were decided by small 0.1.0 ("), "{}", found.text());
}

/// Other bytes of the component, which fail.
struct Failing(Digest);

impl Decider for Failing {
    fn component(&self) -> Option<&Digest> {
        Some(&self.0)
    }
    fn load(&self, _: &[u8]) -> Result<Box<dyn Judge + '_>, String> {
        Ok(Box::new(Trap))
    }
}

struct Trap;

impl Judge for Trap {
    fn decide(&mut self, _: &Input) -> Result<Answer, String> {
        Err("it trapped".to_owned())
    }
    fn assess(&mut self, _: &Facts, _: Option<&Money>) -> Result<WaysAnswer, String> {
        Err("it trapped".to_owned())
    }
}

#[test]
fn a_decider_that_fails_gives_no_answer_and_other_components_are_counted() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 10)];
    let found = replay(&Failing(component()), &library(&[]), &files);
    assert_eq!((found.identical, found.different, found.other_component), (0, 0, 0));
    assert_eq!(found.failures["it trapped"], 10);
    assert!(!found.is_faithful());
    let found = replay(&Failing(Digest::of(b"another")), &library(&[]), &files);
    assert_eq!(found.other_component, 10);
}

/// A policy that counts voids: without a count nothing is decided.
const COUNTING: (&str, &str) = (
    "slip = true # no source: our default\n\n# 退货",
    "slip = true\n\n[[void.count]]\ncounted = \"operator\"\nper-business-day = 3\nat-ceiling = \"refer\"\n\n# 退货",
);

#[test]
fn what_was_answered_about_all_ways_is_made_again_too() {
    let folder = folder(&[]);
    let engine = engine(&[COUNTING]);
    let file = records(folder.path(), &engine, 20);
    let ways = (0..30).map(|index| ways_record(&engine, index, |_| {}));
    let unanswered = ways_record(&engine, 30, |facts| facts.tallies.clear());
    assert!(unanswered.error.is_some() && unanswered.answers.is_empty());
    let lines: Vec<String> = ways.chain([unanswered]).map(|record| serde_json::to_string(&record).unwrap()).collect();
    append(&file, &lines);
    let found = replay(&Native, &library(&[COUNTING]), std::slice::from_ref(&file));
    assert!(found.is_faithful(), "{}", found.text());
    assert_eq!((found.records, found.identical), (51, 51));
    // In another order, and with other spaces, it is the same.
    let value: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    std::fs::write(&file, value.to_string().replace(":{", ": {")).unwrap();
    let found = replay(&Native, &library(&[COUNTING]), std::slice::from_ref(&file));
    assert!(found.is_faithful(), "{}", found.text());
    // A trap is no answer to them either.
    let found = replay(&Failing(component()), &library(&[COUNTING]), &[file]);
    assert_eq!((found.identical, found.failures["it trapped"]), (0, 1));
}

#[test]
fn a_changed_answer_about_all_ways_is_shown_at_its_first_difference() {
    let folder = folder(&[]);
    let engine = engine(&[COUNTING]);
    let file = folder.path().join("ways.jsonl");
    let mut record = ways_record(&engine, 3, |_| {});
    let was = record.answers[1].outcome;
    record.answers[1].outcome = if was == Outcome::Allow { Outcome::Refer } else { Outcome::Allow };
    let mut silent = ways_record(&engine, 4, |facts| facts.tallies.clear());
    let error = silent.error.take().unwrap();
    let mut changed = ways_record(&engine, 5, |_| {});
    changed.facts.sale.kind = "other kind".to_owned();
    changed.answers = engine.assess(&changed.facts, None).unwrap();
    append(&file, &[&record, &silent, &changed].map(|record| serde_json::to_string(record).unwrap()));
    let found = replay(&Native, &library(&[COUNTING]), &[file]);
    assert_eq!((found.records, found.identical, found.different, found.changed_inputs), (3, 1, 2, 1));
    let paths: Vec<&str> = found.differences.iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(paths, ["answers[1].outcome", "answers"]);
    assert_eq!(found.differences[0].found, serde_json::to_string(&was).unwrap());
    let shown = serde_json::to_string(&error).unwrap();
    assert!(shown.contains("tallies.operator") && found.differences[1].found == "nothing", "{found:?}");
}
