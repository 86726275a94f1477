//! Every case of every pack.

use rescind_eligibility::Engine;
use rescind_pack::case::CaseFile;
use std::path::Path;

fn policies() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn engine(pack: &str) -> Engine {
    let path = policies().join(format!("{pack}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let compiled = rescind_policy::compile(&text, pack).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Engine::load(compiled.canonical()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Runs a pack's cases and gives how many there are.
fn run(pack: &str) -> usize {
    let engine = engine(pack);
    let text = std::fs::read_to_string(policies().join(format!("{pack}.cases.toml"))).unwrap();
    let file = CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut wrong = Vec::new();
    for case in &file.cases {
        let differences = case.run(&engine).unwrap_or_else(|error| panic!("{error}"));
        if !differences.is_empty() {
            wrong.push(format!("{}\n    {}", case.name, differences.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases of {pack}:\n{}", wrong.len(), file.cases.len(), wrong.join("\n"));
    let mut names: Vec<&str> = file.cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), file.cases.len(), "two cases of {pack} have one name");
    file.cases.len()
}

/// The names of all packs: whatever lies in the folder.
fn packs() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(policies())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".toml").map(str::to_owned))
        .filter(|name| !name.ends_with(".cases"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_pack_answers_as_its_cases_expect() {
    let packs = packs();
    assert!(packs.len() >= 2, "{packs:?}");
    for pack in &packs {
        println!("{pack}: {} cases", run(pack));
    }
}

#[test]
fn a_case_that_expects_otherwise_fails() {
    let text = std::fs::read_to_string(policies().join("lakala.cases.toml")).unwrap();
    let engine = engine("lakala");
    for (is, was) in
        [("outcome = \"allow\"", "outcome = \"deny\""), ("\"void.window use-refund\"", "\"void.window none\"")]
    {
        let file = CaseFile::read(&text.replace(is, was)).unwrap();
        assert!(file.cases.iter().any(|case| !case.run(&engine).unwrap().is_empty()), "{is} → {was}");
    }
}

#[test]
fn every_rule_has_an_id_of_its_own_and_stands_in_the_way_of_some_test() {
    use rescind_eligibility::rule::ALL;
    let tests = [
        include_str!("../../../../components/eligibility/tests/eligibility/rules.rs"),
        include_str!("../../../../components/eligibility/tests/eligibility/laws.rs"),
    ]
    .map(str::to_owned);
    let cases = ["lakala", "unionpay"]
        .map(|pack| std::fs::read_to_string(policies().join(format!("{pack}.cases.toml"))).unwrap());
    let texts: Vec<String> = tests.into_iter().chain(cases).collect();
    for (index, id) in ALL.iter().enumerate() {
        assert!(!ALL[..index].contains(id), "{id} is there twice");
        let met = |text: &String| text.contains(&format!("\"{id} ")) || text.contains(&format!("\"{id}\""));
        assert!(texts.iter().any(met), "no test meets {id}");
    }
}
