//! Every case of every pack.

use rescind_eligibility::Engine;
use rescind_pack::case::CaseFile;
use rescind_pack::pack::Pack;
use rescind_pack::sources::{self, Standing};
use rescind_pack::suite::Suite;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// A pack, on what it extends.
fn engine(pack: &str) -> Engine {
    Pack::read(&policies().join(format!("{pack}.toml"))).unwrap_or_else(|refused| panic!("{refused}")).engine
}

fn cases_of(pack: &str) -> CaseFile {
    let text = std::fs::read_to_string(policies().join(format!("{pack}.cases.toml"))).unwrap();
    CaseFile::read(&text).unwrap_or_else(|error| panic!("{pack}: {error}"))
}

/// Runs a pack's cases. Gives how many there are, and which of them found something else than they expect.
fn run(pack: &str) -> (usize, Vec<String>) {
    let engine = engine(pack);
    let file = cases_of(pack);
    assert_eq!(file.names_taken_twice(), Vec::<&str>::new(), "{pack}");
    let mut wrong = Vec::new();
    for case in &file.cases {
        let differences = case.run(&engine).unwrap_or_else(|error| panic!("{pack}: {error}"));
        if !differences.is_empty() {
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            wrong.push(format!("{pack}: {}\n    {}", case.name, differences.join("\n    ")));
        }
    }
    (file.cases.len(), wrong)
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
    let mut wrong = Vec::new();
    for pack in &packs {
        let (cases, wrong_here) = run(pack);
        println!("{pack}: {cases} cases");
        wrong.extend(wrong_here);
        let without: Vec<String> = cases_of(pack).without_source().map(|case| case.name.clone()).collect();
        assert_eq!(without, Vec::<String>::new(), "{pack}: cases without a source");
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_case_is_missing_on_any_side_of_any_rule() {
    let (packs, refused) = Pack::read_all(&[policies()]).unwrap();
    let suite = Suite::run(&packs, &refused);
    assert!(suite.passed() && suite.covered() == suite.stated(), "{}", suite.text());
    println!("{}", suite.sum());
}

#[test]
fn every_value_of_a_pack_says_where_it_comes_from() {
    for name in packs() {
        let text = std::fs::read_to_string(policies().join(format!("{name}.toml"))).unwrap();
        let unsaid = sources::of(&text).into_iter().filter(|value| value.standing == Standing::Unsaid);
        let unsaid: Vec<String> = unsaid.map(|value| format!("{}:{} {}", name, value.line, value.place)).collect();
        assert_eq!(unsaid, Vec::<String>::new());
    }
}

#[test]
fn one_country_has_one_calendar() {
    let mut calendars = BTreeMap::new();
    for name in packs() {
        let engine = engine(&name);
        let document = engine.document();
        let Some(calendar) = document.calendar.clone() else { continue };
        let (of, first) =
            calendars.entry(document.currency.clone()).or_insert_with(|| (name.clone(), calendar.clone()));
        assert_eq!(calendar, *first, "{name} and {of}");
    }
    assert_eq!(calendars.len(), 2);
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

/// A void on the lakala pack, with more lines of the case.
fn void(more: &str) -> CaseFile {
    let text = format!(
        "[[case]]\nname = \"n\"\nsource = \"our default\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\n\
         now = \"2026-11-23T14:10:00+08:00\"\nvoid = {{ reason = \"duplicate\" }}\n{more}\n"
    );
    CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn differences(file: &CaseFile) -> Vec<String> {
    let found = file.cases[0].run(&engine("lakala")).unwrap_or_else(|error| panic!("{error}"));
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_count_names_way_whose_and_period() {
    let file = void(
        "count = [{ way = \"void\", counted = \"merchant-account\", so-far = 3 }]\n\
         expect.void = { outcome = \"refer\", findings = [\"void.count (refer) contact-support\"] }",
    );
    assert_eq!(differences(&file), Vec::<String>::new());
}

#[test]
fn a_count_that_the_policy_does_not_ask_for_is_a_mistake() {
    let file = void(
        "count = [{ way = \"void\", counted = \"operator\", within = \"24 hours\", so-far = 3 }]\n\
         expect.void = { outcome = \"allow\" }",
    );
    let error = file.cases[0].run(&engine("lakala")).unwrap_err().to_string();
    assert_eq!(error, "case \"n\": the policy does not count voids of one operator within 1 day");
}

#[test]
fn what_differs_is_told_field_by_field() {
    let file = void("expect.void = { outcome = \"deny\", findings = [\"void.window use-refund\"], slip = false }");
    assert_eq!(
        differences(&file),
        [
            "void.outcome: expected deny, found allow",
            "void.findings:\n  - void.window use-refund",
            "void.slip: expected false, found true"
        ]
    );
}

#[test]
fn a_charge_can_be_expected_without_any_question() {
    let text = "[[case]]\nname = \"n\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\nexpect.charge = \"none\"\n";
    let file = CaseFile::read(text).unwrap();
    assert_eq!(differences(&file), Vec::<String>::new());
    assert_eq!(file.without_source().count(), 1);
}

/// What differs in a refund that one person approves on the lakala pack, with more of the answer.
fn refund(answer: &str) -> Vec<String> {
    let text = format!(
        "[[case]]\nname = \"n\"\npaid-at = \"2026-11-20T14:00:00+08:00\"\nnow = \"2026-11-23T14:00:00+08:00\"\n\
         sale = {{ captured = \"2000.00\" }}\nrefund = {{ amount = \"1000.00\", reason = \"quality\" }}\n\
         expect.refund = {{ outcome = \"allow\", {answer} }}\n"
    );
    differences(&CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn who_approves_and_until_when_is_compared_in_any_unit() {
    let answer =
        "approvers = [\"reviewer\", \"manager\"], expires-after = \"3 days\", escalation = [\"1440 minutes manager\"]";
    assert_eq!(refund(answer), Vec::<String>::new());
    assert_eq!(refund("expires-after = \"71 hours\""), ["refund.expires-after: expected 71 hours, found 3 days"]);
    assert_eq!(refund("expires-after = \"soon\""), ["refund.expires-after: expected soon, found 3 days"]);
    assert_eq!(
        refund("escalation = [\"24 hours reviewer\"]"),
        ["refund.escalation: expected 24 hours reviewer, found 1 day manager"]
    );
    assert_eq!(refund("escalation = []"), ["refund.escalation:\n  + 1 day manager"]);
    assert_eq!(refund("approvers = [\"manager\"]"), ["refund.approvers:\n  + reviewer"]);
}

#[test]
fn the_limit_of_a_finding_is_compared() {
    let asked = |limit: &str| {
        let text = format!(
            "[[case]]\nname = \"n\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\nnow = \"2026-11-23T14:10:00+08:00\"\n\
             void = {{}}\nexpect.void = {{ outcome = \"deny\", findings = [\"void.reason provide reason\"], \
             limits = [\"void.reason {limit}\"] }}\n"
        );
        differences(&CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}")))
    };
    assert_eq!(asked("wrong-amount|wrong-payee|duplicate|customer-request"), Vec::<String>::new());
    assert_eq!(
        asked("duplicate"),
        [
            "void.limits: expected void.reason duplicate, found void.reason wrong-amount|wrong-payee|duplicate|customer-request"
        ]
    );
}

#[test]
fn what_the_policy_says_by_itself_is_expected_without_any_payment() {
    let lives = |expected: &str| {
        let text = format!("[[case]]\nname = \"n\"\nexpect.lives = {{ {expected} }}\n");
        differences(&CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}")))
    };
    let all = "support-roles = [\"support\"], cases = \"3 days\", grants = \"1 day\", legal-roles = [\"compliance\"], \
               orders = \"24 hours\", codes = \"300 seconds\", holds = \"30 days\", personal-data-days = 365";
    assert_eq!(lives(all), Vec::<String>::new());
    assert_eq!(
        lives("legal-roles = [\"manager\"], codes = \"6 minutes\", personal-data-days = 364"),
        [
            "lives.codes: expected 6 minutes, found 5 minutes",
            "lives.legal-roles: expected manager, found compliance",
            "lives.personal-data-days: expected 364, found 365",
        ]
    );
}

#[test]
fn an_answer_that_nothing_asks_for_is_a_mistake() {
    let text = "[[case]]\nname = \"n\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\nexpect.charge = \"none\"\n\
                expect.void = { outcome = \"deny\" }\n";
    let error = CaseFile::read(text).unwrap().cases[0].run(&engine("lakala")).unwrap_err().to_string();
    assert_eq!(error, "case \"n\": expected exactly one of `void`, `refund`, `operation` and `assess`");
}

#[test]
fn a_question_wants_to_know_when_the_payment_was_made() {
    let file =
        CaseFile::read("[[case]]\nname = \"n\"\nrefund = {}\nexpect.refund = { outcome = \"allow\" }\n").unwrap();
    let error = file.cases[0].run(&engine("lakala")).unwrap_err().to_string();
    assert_eq!(error, "case \"n\": expected `paid-at`: when the payment was made");
}

#[test]
fn the_days_of_a_calendar_are_compared_as_what_differs_from_monday_to_friday() {
    let days = |expected: &str| {
        let text = format!("[[case]]\nname = \"n\"\nexpect.days = {{ {expected} }}\n");
        CaseFile::read(&text).unwrap_or_else(|error| panic!("{error}"))
    };
    let week = "from = \"2026-10-05\", until = \"2026-10-11\"";
    let right = format!("{week}, off = [\"2026-10-05\", \"2026-10-06\", \"2026-10-07\"], worked = [\"2026-10-10\"]");
    assert_eq!(differences(&days(&right)), Vec::<String>::new());
    assert_eq!(
        differences(&days(&format!("{week}, off = [\"2026-10-05\", \"2026-10-06\", \"2026-10-08\"]"))),
        ["days.off:\n  - 2026-10-08\n  + 2026-10-07", "days.worked:\n  + 2026-10-10"]
    );
    let last = "from = \"2027-12-31\", until = \"2027-12-31\"";
    assert_eq!(differences(&days(&format!("{last}, ends = true"))), Vec::<String>::new());
    let day_before = "from = \"2027-12-30\", until = \"2027-12-30\", ends = true";
    assert_eq!(differences(&days(day_before)), ["days.ends: expected nothing after 2027-12-30, found more"]);
    let error = days("from = \"2026-01-01\", until = \"2062-01-01\"").cases[0].run(&engine("lakala")).unwrap_err();
    assert!(error.to_string().contains("expected at most 3660 days"), "{error}");
}
