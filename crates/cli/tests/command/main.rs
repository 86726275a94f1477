//! The command as other programs meet it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod audit;
mod backup;
mod bundle;

use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of this test's own, empty.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn rescind(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rescind"));
    command.current_dir(folder);
    command
}

/// The path of the shipped packs.
fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_ends_the_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = rescind(&folder("pipe")).args(["policy", "check"]).arg(policies()).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(141), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = rescind(&folder("full")).args(["policy", "check"]).arg(policies()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: standard output cannot be written: "), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_key_that_nobody_saw_is_no_quiet_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let folder = folder("key");
    let output = rescind(&folder).arg("serve").arg("--policies").arg(policies()).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("nobody saw it: remove rescind.db"), "{said}");
}

const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// By another program.
const DIGEST: &str = "24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29";

#[test]
fn components_go_into_the_archive_and_come_out_by_digest() {
    let folder = folder("components");
    fs::create_dir_all(folder.join("target/components")).unwrap();
    fs::write(folder.join("target/components/refunds.wasm"), COMPONENT).unwrap();
    fs::write(folder.join("target/components/refunds.stamp"), "no component").unwrap();
    let run = |arguments: &[&str]| rescind(&folder).arg("components").args(arguments).output().unwrap();

    assert_eq!(good(&run(&["import"])), format!("{DIGEST} refunds archived\n"));
    assert_eq!(good(&run(&["import", "target/components/refunds.wasm"])), format!("{DIGEST} refunds was there\n"));
    let listed = good(&run(&["list"]));
    assert!(listed.starts_with(DIGEST) && listed.ends_with("Z refunds\n") && listed.lines().count() == 1, "{listed}");
    assert_eq!(good(&run(&["export", DIGEST, "--out", "out.wasm"])), "out.wasm: refunds, 8 bytes\n");
    assert_eq!(fs::read(folder.join("out.wasm")).unwrap(), COMPONENT);

    let missing = run(&["export", &DIGEST.replace('a', "b"), "--out", "none.wasm"]);
    assert!(!missing.status.success() && text(&missing.stderr).contains("no component with the digest"));
    assert!(!folder.join("none.wasm").exists());
    let stranger = run(&["import", "target/components/refunds.stamp"]);
    assert!(!stranger.status.success() && text(&stranger.stderr).contains("is no WebAssembly component"));
}

#[test]
fn a_value_that_no_case_notices_fails_the_test_of_mutants() {
    let folder = folder("mutants");
    let run = |arguments: &[&str]| rescind(&folder).args(["policy"]).args(arguments).output().unwrap();
    good(&run(&["new", "quay"]));
    let told = good(&run(&["test", "policies/quay.toml", "--min-coverage", "100", "--mutants"]));
    let last = told.lines().last().unwrap();
    assert!(last.ends_with(" mutants, 0 survive") && !last.starts_with("0 "), "{told}");
    let sum = good(&run(&["test", "policies/quay.toml"])).lines().last().unwrap().to_owned();
    assert!(sum.starts_with("1 packs, ") && sum.ends_with(" rules covered"), "{sum}");

    let cases = folder.join("policies/quay.cases.toml");
    let text = fs::read_to_string(&cases).unwrap();
    fs::write(&cases, text.replace(", slip = true", "")).unwrap();
    let unnoticed = run(&["test", "policies/quay.toml", "--mutants"]);
    let told = self::text(&unnoticed.stdout);
    assert_eq!(unnoticed.status.code(), Some(1));
    assert!(told.contains("void.slip = true could be false") && told.ends_with(" mutants, 2 survive\n"), "{told}");
}

// ------------------------------------------------------------ rescind policy

/// The small pack that `rescind policy new` begins, with its cases, in a folder of the test's own.
fn small(test: &str) -> PathBuf {
    let folder = folder(test);
    good(&policy(&folder, &["new", "small", "--folder", "."]));
    folder
}

fn policy(folder: &Path, arguments: &[&str]) -> Output {
    rescind(folder).arg("policy").args(arguments).output().unwrap()
}

/// What was printed by a command that ended so.
#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{said}\n{}", text(&output.stderr));
    said
}

#[track_caller]
fn last_line(said: &str) -> &str {
    said.trim_end().lines().last().unwrap()
}

#[track_caller]
fn json(output: &Output, code: i32) -> Value {
    let said = ended(output, code);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// A pack of the folder with something else in it, as another file.
fn changed(folder: &Path, from: &str, to: &str, replace: &[(&str, &str)]) {
    let mut pack = fs::read_to_string(folder.join(from)).unwrap();
    for (old, new) in replace {
        assert!(pack.contains(old), "{old}");
        pack = pack.replace(old, new);
    }
    fs::write(folder.join(to), pack).unwrap();
}

const SHORTER: [(&str, &str); 2] = [("0.1.0", "0.2.0"), ("window = \"30 minutes\"", "window = \"3 minutes\"")];

#[test]
fn a_pack_is_begun_and_never_over_another() {
    let folder = folder("policy-new");
    let made = policy(&folder, &["new", "small", "--folder", "packs"]);
    assert_eq!(ended(&made, 0), "packs/small.toml\npacks/small.cases.toml\n");
    let again = policy(&folder, &["new", "small", "--folder", "packs"]);
    assert_eq!(ended(&again, 1), "");
    assert!(text(&again.stderr).contains("packs/small.toml is there already"), "{}", text(&again.stderr));
    let unnamed = policy(&folder, &["new", "No Name", "--folder", "packs"]);
    assert_eq!(ended(&unnamed, 1), "");
    assert_eq!(fs::read_dir(folder.join("packs")).unwrap().count(), 2);
}

#[test]
fn packs_are_checked_and_all_mistakes_are_told_at_their_places() {
    let folder = small("policy-check");
    let checked = ended(&policy(&folder, &["check", "small.toml"]), 0);
    assert!(checked.starts_with("small.toml: small 0.1.0 ") && last_line(&checked) == "1 packs, all good", "{checked}");
    let wrong = [("window = \"30 minutes\"", "window = \"30 minuets\""), ("partial = true", "partial = 1")];
    changed(&folder, "small.toml", "wrong.toml", &wrong);
    let refused = policy(&folder, &["check", "small.toml", "wrong.toml"]);
    assert_eq!(last_line(&ended(&refused, 1)), "1 packs are good, 1 are refused");
    let said = text(&refused.stderr);
    assert!(said.contains("wrong.toml") && said.contains("void.window") && said.contains("refund.partial"), "{said}");
    let told = json(&policy(&folder, &["check", "--json", "wrong.toml"]), 1);
    let mistakes = told["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{told}");
    assert!(mistakes.iter().all(|mistake| mistake["line"].as_u64() > Some(1)), "{told}");
    let missing = policy(&folder, &["check", "none.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("none.toml"), "{}", text(&missing.stderr));
}

#[test]
fn cases_are_run_and_rules_that_none_touches_are_counted() {
    let folder = small("policy-test");
    let tested = ended(&policy(&folder, &["test", "small.toml"]), 0);
    let words: Vec<&str> = last_line(&tested).split(' ').collect();
    let ["1", "packs,", _, "cases,", covered, "of", stated, "rules", "covered"] = words[..] else { panic!("{tested}") };
    assert!(covered.parse::<u32>().unwrap() <= stated.parse().unwrap());
    let told = json(&policy(&folder, &["test", "--json", "small.toml"]), 0);
    assert_eq!(told["passed"], true);
    assert!(told["covered"].as_u64() <= told["stated"].as_u64(), "{told}");
    // A rule that changed makes its cases fail.
    changed(&folder, "small.toml", "small.toml", &[SHORTER[1]]);
    let failed = policy(&folder, &["test", "small.toml"]);
    assert!(last_line(&ended(&failed, 1)).ends_with(" rules covered"), "{}", text(&failed.stdout));
    fs::write(folder.join("small.cases.toml"), "[[case]]\nname = 1\n").unwrap();
    assert_eq!(policy(&folder, &["test", "small.toml"]).status.code(), Some(1));
    let less = policy(&folder, &["test", "--min-coverage", "101", "small.toml"]);
    assert_eq!(less.status.code(), Some(2), "a percentage above 100 is none");
}

#[test]
fn a_decision_is_explained_rule_by_rule() {
    let folder = small("policy-explain");
    good(&policy(&folder, &["generate-records", "--policy", "small.toml", "--count", "3", "--out", "records.jsonl"]));
    let records = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let record: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    fs::write(folder.join("record.json"), record.to_string()).unwrap();
    fs::write(folder.join("facts.json"), record["input"]["facts"].to_string()).unwrap();
    let said = ended(&policy(&folder, &["explain", "small.toml", "--facts", "record.json"]), 0);
    assert!(said.contains("sale.outcome"), "{said}");
    let asked = ["explain", "small.toml", "--facts", "facts.json", "--refund", "1.00", "--json"];
    let told = json(&policy(&folder, &asked), 0);
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert!(json(&policy(&folder, &["explain", "small.toml", "--facts", "facts.json", "--json"]), 0).is_array());
    // What was recorded of all ways at once.
    let facts = &record["input"]["facts"];
    let ways = json!({"format": "ways/1", "id": "w-1", "merchant": record["merchant"], "sale": record["sale"],
        "at": record["at"], "policy": record["policy"], "component": record["component"],
        "input-digest": record["input-digest"], "facts": facts, "amount": null, "answers": []});
    fs::write(folder.join("ways.json"), ways.to_string()).unwrap();
    let all = json(&policy(&folder, &["explain", "small.toml", "--facts", "ways.json", "--json"]), 0);
    assert!(all.as_array().unwrap().len() >= 2, "{all}");
    for (arguments, why) in [
        (vec!["explain", "small.toml", "--facts", "none.json"], "cannot read the facts none.json"),
        (vec!["explain", "small.toml", "--case", "no such case"], "has no case with \"no such case\""),
        (vec!["explain", "none.toml", "--facts", "facts.json"], "none.toml"),
        (vec!["explain", "small.toml", "--facts", "facts.json", "--refund", "a lot"], "error: "),
    ] {
        let failed = policy(&folder, &arguments);
        assert_eq!(failed.status.code(), Some(1), "{arguments:?}");
        assert!(text(&failed.stderr).contains(why), "{}", text(&failed.stderr));
    }
    assert_eq!(policy(&folder, &["explain", "small.toml"]).status.code(), Some(2), "neither case nor facts");
}

#[test]
fn what_cannot_be_meant_is_told_and_notes_fail_only_the_strict() {
    let folder = small("policy-lint");
    assert_eq!(ended(&policy(&folder, &["lint", "small.toml"]), 0), "1 packs, 0 problems, 0 notes\n");
    changed(&folder, "small.toml", "note.toml", &[("after-window = \"refer\"", "after-window = \"deny\"")]);
    let noted = ended(&policy(&folder, &["lint", "note.toml"]), 0);
    assert!(noted.starts_with("note.toml: note: lint.deny-without-alternative: "), "{noted}");
    ended(&policy(&folder, &["lint", "--strict", "note.toml"]), 1);
    changed(&folder, "small.toml", "bad.toml", &[("partial = true", "partial = true\nmin-spacing = \"30 days\"")]);
    let bad = ended(&policy(&folder, &["lint", "bad.toml"]), 1);
    assert!(bad.contains("lint.window-contradiction: refund.min-spacing: "), "{bad}");
    let told = json(&policy(&folder, &["lint", "--json", "bad.toml"]), 1);
    assert_eq!(
        (&told["problems"], &told["packs"][0]["lints"][0]["severity"]),
        (&json!(1), &json!("problem")),
        "{told}"
    );
}

#[test]
fn two_versions_are_told_apart_in_words() {
    let folder = small("policy-diff");
    changed(&folder, "small.toml", "next.toml", &SHORTER);
    let said = ended(&policy(&folder, &["diff", "small.toml", "next.toml"]), 0);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "small 0.1.0 → small 0.2.0",
            "policy: version 0.1.0 → 0.2.0",
            "void: window 30 minutes → 3 minutes (stricter)",
            "in all: only stricter"
        ]
    );
    let told = json(&policy(&folder, &["diff", "--json", "--effects", "--sales", "500", "small.toml", "next.toml"]), 0);
    assert_eq!((&told["course"], &told["effects"]["tried"]), (&json!("stricter"), &json!(500)));
    assert!(told["effects"]["effects"].as_array().unwrap().iter().all(|effect| effect["now"] == "deny"), "{told}");
    let same = ended(&policy(&folder, &["diff", "small.toml", "small.toml"]), 0);
    assert_eq!(last_line(&same), "nothing changed but comments and order");
    let missing = policy(&folder, &["diff", "small.toml", "none.toml"]);
    assert!(missing.status.code() == Some(1) && text(&missing.stderr).contains("none.toml"));
}

#[test]
fn decisions_are_tried_against_another_policy() {
    let folder = small("policy-backtest");
    changed(&folder, "small.toml", "next.toml", &SHORTER);
    let made = ["generate-records", "--policy", "small.toml", "--count", "2000", "--out", "records.jsonl"];
    good(&policy(&folder, &made));
    let arguments =
        ["backtest", "--policy", "next.toml", "records.jsonl", "--csv", "changes.csv", "--plot", "changes.svg"];
    let tried = policy(&folder, &arguments);
    let said = ended(&tried, 0);
    assert!(said.starts_with("2,000 decisions tried against small 0.2.0\n") && said.contains("void.window denies now"));
    // No bar where nobody sits at a terminal.
    assert_eq!(text(&tried.stderr), "");
    let csv = fs::read_to_string(folder.join("changes.csv")).unwrap();
    let mut rows = csv.split("\r\n");
    assert!(rows.next().unwrap().starts_with("file,line,record,"));
    let denied = rows.filter(|row| row.contains(",allow,deny,void.window,")).count();
    assert!(denied > 0, "{csv}");
    let svg = fs::read_to_string(folder.join("changes.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("small 0.2.0"));
    let told =
        json(&policy(&folder, &["backtest", "--policy", "next.toml", "records.jsonl", "--json", "--threads", "1"]), 0);
    assert_eq!((&told["records"], &told["bad-lines"]), (&json!(2000), &json!(0)));
    let rate = &told["rate"];
    assert!(rate["per-second"].as_u64() > Some(0) && rate["per-second"] == rate["per-second-per-core"], "{rate}");
    assert_eq!((&rate["threads"], &rate["cores"]), (&json!(1), &json!(1)));

    fs::write(folder.join("bad.jsonl"), "{}\n").unwrap();
    for (records, why) in [("bad.jsonl", "bad.jsonl:1: "), ("none.jsonl", "cannot read the records none.jsonl")] {
        let failed = policy(&folder, &["backtest", "--policy", "next.toml", records]);
        assert_eq!(ended(&failed, 1), "");
        assert!(text(&failed.stderr).contains(why), "{}", text(&failed.stderr));
    }
    let skipped =
        json(&policy(&folder, &["backtest", "--policy", "next.toml", "bad.jsonl", "--skip-bad", "--json"]), 0);
    assert_eq!((&skipped["records"], &skipped["bad-lines"]), (&json!(0), &json!(1)));
}

#[test]
fn decisions_are_made_again_or_shown_at_the_first_difference() {
    let folder = small("policy-replay");
    let made = ["generate-records", "--policy", "small.toml", "--count", "300", "--out", "records.jsonl"];
    good(&policy(&folder, &made));
    let again = policy(&folder, &["replay", "--policies", ".", "records.jsonl"]);
    assert_eq!(ended(&again, 0), "300 decisions made again: 300 equal to the byte, 0 different\n");
    assert_eq!(text(&again.stderr), "");
    let records = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let forged = records.replacen("\"outcome\":\"Allow\",\"findings\":[]", "\"outcome\":\"Refer\",\"findings\":[]", 1);
    assert!(forged != records);
    fs::write(folder.join("forged.jsonl"), forged).unwrap();
    let differs = ended(&policy(&folder, &["replay", "--policies", ".", "forged.jsonl"]), 1);
    assert!(differs.starts_with("300 decisions made again: 299 equal to the byte, 1 different\n"), "{differs}");
    assert!(differs.contains("decided.outcome: recorded \"Refer\", found \"Allow\""), "{differs}");
    let told = json(&policy(&folder, &["replay", "--policies", ".", "--json", "forged.jsonl"]), 1);
    assert_eq!(told["differences"][0]["path"], "decided.outcome");
    // Another version did not decide these.
    fs::create_dir(folder.join("others")).unwrap();
    changed(&folder, "small.toml", "others/next.toml", &SHORTER);
    let strange = ended(&policy(&folder, &["replay", "--policies", "others", "records.jsonl"]), 1);
    assert!(strange.contains("300 were decided by small 0.1.0 ("), "{strange}");
    fs::create_dir(folder.join("empty")).unwrap();
    let none = policy(&folder, &["replay", "--policies", "empty", "records.jsonl"]);
    assert!(
        none.status.code() == Some(1) && text(&none.stderr).contains("holds no policies"),
        "{}",
        text(&none.stderr)
    );
}

#[test]
fn a_pack_is_compiled_to_the_form_that_its_hash_names() {
    let folder = small("policy-compile");
    let made = ended(&policy(&folder, &["compile", "small.toml", "--out", "small.json"]), 0);
    let (hash, file) = made.trim_end().split_once(' ').unwrap();
    assert_eq!(file, "small.json");
    let canonical = fs::read(folder.join("small.json")).unwrap();
    assert_eq!(rescind_model::Digest::of(&canonical).as_str(), hash);
    let checked = ended(&policy(&folder, &["check", "small.toml"]), 0);
    assert!(checked.contains(hash), "{checked}");
    fs::write(folder.join("wrong.toml"), "format = 1\n").unwrap();
    let refused = policy(&folder, &["compile", "wrong.toml", "--out", "wrong.json"]);
    assert_eq!(ended(&refused, 1), "");
    assert!(text(&refused.stderr).contains("the policy wrong.toml is refused") && !folder.join("wrong.json").exists());
}

#[test]
fn the_reference_is_what_the_language_says_of_itself() {
    let folder = folder("policy-schema");
    let schema = json(&policy(&folder, &["schema"]), 0);
    assert!(schema["properties"]["void"].is_object(), "{schema}");
    let reference = ended(&policy(&folder, &["schema", "--markdown"]), 0);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy-reference.md");
    let kept = fs::read_to_string(file).unwrap();
    assert!(
        reference == kept,
        "the language changed and docs/policy-reference.md did not; write it with\n  \
         cargo run -p rescind -- policy schema --markdown > docs/policy-reference.md"
    );
}

// ------------------------------------------------------------ rescind serve

#[cfg(unix)]
#[test]
fn a_pack_that_changed_and_kept_its_version_is_named_with_what_to_do() {
    let folder = small("serve-changed");
    fs::create_dir(folder.join("policies")).unwrap();
    changed(&folder, "small.toml", "policies/small.toml", &[]);
    let serve = || rescind(&folder).arg("serve").output().unwrap();
    // There is no application: what comes before it is done.
    let first = serve();
    assert!(text(&first.stdout).starts_with("admin key (shown once): "), "{}", text(&first.stderr));
    changed(&folder, "small.toml", "policies/small.toml", &[SHORTER[1]]);
    let hash = |pack: &str| {
        let checked = ended(&policy(&folder, &["check", pack]), 0);
        checked.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let (before, after) = (hash("small.toml"), hash("policies/small.toml"));
    let refused = serve();
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    for part in ["policies/small.toml", "small 0.1.0", &before, &after, "give policies/small.toml a version of its own"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    // With a version of its own it is installed beside the other.
    changed(&folder, "policies/small.toml", "policies/small.toml", &[SHORTER[0]]);
    let said = text(&serve().stderr);
    assert!(!said.contains("cannot be installed"), "{said}");
}
