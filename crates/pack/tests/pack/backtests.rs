//! Recorded decisions against another policy.

use crate::golden::assert_golden;
use crate::world::{append, engine, folder, records, ways_record};
use rescind_eligibility::Engine;
use rescind_pack::backtest::{Backtest, Options};
use rescind_pack::generator::Generator;
use rescind_pack::plot;
use rescind_pack::records::RecordsError;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

fn options(threads: usize) -> Options {
    Options { only: None, skip_bad: false, threads: NonZeroUsize::new(threads).unwrap() }
}

fn run(engine: &Engine, files: &[PathBuf], options: &Options) -> (Backtest, String) {
    let mut csv = Vec::new();
    let found = Backtest::run(engine, files, options, Some(&mut csv), &mut |_| {}).unwrap();
    (found, String::from_utf8(csv).unwrap())
}

/// A text without the folder that the files are in.
fn without(folder: &Path, text: &str) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn the_same_policy_changes_nothing() {
    let folder = folder(&[]);
    let engine = engine(&[]);
    let files = [records(folder.path(), &engine, 500)];
    let (found, csv) = run(&engine, &files, &options(2));
    assert_eq!((found.records, found.changed, found.other_terms), (500, 0, 0));
    assert_eq!(csv.lines().count(), 1);
}

#[test]
fn a_change_is_told_by_outcome_and_by_rule_with_examples() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 2_000)];
    let other = engine(&[
        ("window = \"30 minutes\"", "window = \"3 minutes\""),
        ("after-window = \"refer\"", "after-window = \"deny\""),
        ("up-to = \"200.00\"", "up-to = \"100.00\""),
    ]);
    let (found, csv) = run(&other, &files, &options(2));
    assert_golden("backtest.txt", &without(folder.path(), &found.text("small 0.2.0")));
    assert_golden("backtest.json", &without(folder.path(), &serde_json::to_string_pretty(&found.json()).unwrap()));
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(u64::try_from(rows.len()).unwrap(), found.changed + found.other_terms);
    assert_golden("backtest.head.csv", &without(folder.path(), &csv.lines().take(6).collect::<Vec<_>>().join("\n")));
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_threads() {
    let folder = folder(&[]);
    // More than a block, so that threads share it.
    let files = [records(folder.path(), &engine(&[]), 1_200)];
    let other = engine(&[("window = \"30 minutes\"", "window = \"3 minutes\"")]);
    let one = run(&other, &files, &options(1));
    assert!(std::fs::metadata(&files[0]).unwrap().len() > 2 << 20);
    for threads in [2, 5] {
        assert_eq!(run(&other, &files, &options(threads)), one);
    }
}

#[test]
fn a_bad_line_ends_it_with_its_number_or_is_left_out_on_demand() {
    let folder = folder(&[]);
    let engine = engine(&[]);
    let file = records(folder.path(), &engine, 1_000);
    let mut lines: Vec<String> = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    lines[800] = "{\"format\":\"decision/1\"".to_owned();
    lines[900] = lines[900].replace("decision/1", "decision/9");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let files = [file];
    let error = Backtest::run(&engine, &files, &options(2), None, &mut |_| {}).unwrap_err();
    let RecordsError::BadLine(bad) = &error else { panic!("{error}") };
    assert_eq!(bad.line, 801);
    let skipping = Options { skip_bad: true, ..options(2) };
    let (found, _) = run(&engine, &files, &skipping);
    assert_eq!((found.records, found.bad_lines), (998, 2));
    assert_eq!(found.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [801, 901]);
    assert!(found.bad[1].problem.contains("found \"decision/9\""), "{}", found.bad[1]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = [PathBuf::from("no-such-records.jsonl")];
    let error = Backtest::run(&engine(&[]), &missing, &options(1), None, &mut |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the records no-such-records.jsonl"), "{error}");
}

#[test]
fn only_decisions_of_the_policy_asked_for_are_tried() {
    let folder = folder(&[]);
    let engine = engine(&[]);
    let files = [records(folder.path(), &engine, 20)];
    let other = Options { only: Some("another".to_owned()), ..options(1) };
    let (found, _) = run(&engine, &files, &other);
    assert_eq!((found.records, found.left_out), (0, 20));
}

#[test]
fn a_count_that_was_not_gathered_at_the_time_is_told_and_not_guessed() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 300)];
    let count =
        "slip = true\n\n[[void.count]]\ncounted = \"operator\"\nper-business-day = 3\nat-ceiling = \"refer\"\n\n# 退货";
    let counting = engine(&[("slip = true # no source: our default\n\n# 退货", count)]);
    let (found, _) = run(&counting, &files, &options(1));
    assert!(found.undecided.keys().any(|problem| problem == "missing-fact: tallies.operator"), "{:?}", found.undecided);
    assert!(found.text("small").contains("nothing can be decided where something was:"));
}

#[test]
fn no_two_generated_inputs_are_the_same_and_all_ways_and_outcomes_occur() {
    let engine = engine(&[]);
    let generator = Generator::new(&engine, 7);
    let again = Generator::new(&engine, 7);
    let (mut digests, mut ways, mut outcomes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for index in 0..3_000 {
        let record = generator.record(index, &crate::world::component()).unwrap();
        assert_eq!(record, again.record(index, &crate::world::component()).unwrap());
        digests.insert(record.input_digest.hex.clone());
        ways.insert(format!("{:?}", record.input.question.way()));
        outcomes.insert(format!("{:?}", rescind_pack::backtest::Came::of(&record.answer)));
    }
    assert_eq!(digests.len(), 3_000);
    assert_eq!(ways.len(), 7, "{ways:?}");
    // Nothing of it makes no sense to the engine.
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["Allow", "Deny", "Refer"]);
}

#[test]
fn the_picture_is_an_svg_with_a_bar_for_each_day() {
    let folder = folder(&[]);
    let files = [records(folder.path(), &engine(&[]), 1_000)];
    let other = engine(&[("window = \"30 minutes\"", "window = \"3 minutes\"")]);
    let (found, _) = run(&other, &files, &options(1));
    let svg = plot::svg(&found, "small 0.2.0").unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.contains("small 0.2.0:"));
    let red = svg.matches("#BE3228").count();
    assert!(red > 5, "{red} bars");
    // Nothing at all is a picture too.
    assert!(plot::svg(&Backtest::default(), "small").unwrap().contains("0 of 0"));
}

#[test]
fn what_was_answered_about_all_ways_is_tried_way_by_way_and_told_apart() {
    let folder = folder(&[]);
    let old = engine(&[]);
    let file = folder.path().join("ways.jsonl");
    let ways: Vec<_> = (0..200).map(|index| ways_record(&old, index, |_| {})).collect();
    append(&file, &ways.iter().map(|record| serde_json::to_string(record).unwrap()).collect::<Vec<_>>());
    let files = [file];
    let answers: usize = ways.iter().map(|record| record.answers.len()).sum();
    let (same, _) = run(&old, &files, &options(1));
    assert_eq!((same.records, same.changed, same.other_terms), (u64::try_from(answers).unwrap(), 0, 0));
    let shorter = engine(&[("window = \"30 minutes\"", "window = \"3 minutes\"")]);
    let (found, csv) = run(&shorter, &files, &options(2));
    let expected = ways.iter().filter(|record| {
        let now = shorter.assess(&record.facts, None).unwrap();
        record.answers.iter().zip(&now).any(|(was, now)| was.outcome != now.outcome)
    });
    let expected = u64::try_from(expected.count()).unwrap();
    assert!(expected > 0);
    assert_eq!((found.records, found.changed), (u64::try_from(answers).unwrap(), expected));
    assert!(found.turns.keys().all(|turn| turn.way == "void among all ways"), "{:?}", found.turns);
    assert!(found.text("small").contains(" voids among all ways that were allowed ("), "{}", found.text("small"));
    assert!(csv.lines().skip(1).all(|row| row.contains(",void among all ways,") || row.contains(" among all ways,")));
    // What cannot be decided any more was decided for each way.
    let counting =
        "slip = true\n\n[[void.count]]\ncounted = \"operator\"\nper-business-day = 3\nat-ceiling = \"refer\"\n\n# 退货";
    let counting = engine(&[("slip = true # no source: our default\n\n# 退货", counting)]);
    let (found, _) = run(&counting, &files, &options(1));
    assert_eq!(found.undecided.values().sum::<u64>(), found.changed);
    assert_eq!(found.changed, found.records, "nothing of all ways is decided without a count");
    let only = Options { only: Some("another".to_owned()), ..options(1) };
    assert_eq!(run(&old, &files, &only).0.left_out, 200);
}
