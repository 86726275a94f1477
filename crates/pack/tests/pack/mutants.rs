//! Whether cases notice a wrong value.

use crate::world::{folder, pack, small, small_folder};
use rescind_pack::meaning::meaning;
use rescind_pack::mutants::{Mutant, Mutation};
use rescind_pack::pack::Pack;
use rescind_pack::starter::Starter;
use rescind_policy::Document;
use std::path::Path;

fn shipped(name: &str) -> Pack {
    pack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(format!("{name}.toml")))
}

/// The small pack's mutants, with these cases.
fn mutated(cases: &str) -> Mutation {
    let folder = folder(&[("small.toml", &small(&[])), ("small.cases.toml", cases)]);
    Mutation::run(&[pack(&folder.path().join("small.toml"))])
}

fn told(mutation: &Mutation) -> Vec<String> {
    mutation.packs.iter().flat_map(|pack| &pack.survivors).map(Mutant::to_string).collect()
}

#[test]
fn no_change_of_a_new_pack_goes_unnoticed() {
    let folder = small_folder();
    let mutation = Mutation::run(&[pack(&folder.path().join("small.toml"))]);
    assert_eq!(told(&mutation), Vec::<String>::new());
    assert!(mutation.passed() && mutation.mutants() > 60, "{}", mutation.text());
    assert_eq!(mutation.text().lines().last().unwrap(), format!("{} mutants, 0 survive", mutation.mutants()));
}

#[test]
fn no_change_of_a_shipped_pack_or_layer_goes_unnoticed() {
    let mutation = Mutation::run(&[shipped("alipay"), shipped("offline")]);
    assert_eq!(told(&mutation), Vec::<String>::new());
    let tried: Vec<(&str, bool)> =
        mutation.packs.iter().map(|pack| (pack.policy.as_str(), pack.mutants > 20)).collect();
    assert_eq!(tried, [("alipay", true), ("offline", true)]);
}

#[test]
fn a_value_that_no_case_compares_could_be_another() {
    let starter = Starter::new("small").unwrap();
    let (without, _) = starter.cases.rsplit_once("[[case]]\nname = \"how long things live").unwrap();
    let mutation = mutated(without);
    assert_eq!(
        told(&mutation),
        [
            "61: support.roles[0] = \"support\" could be \"support-2\"",
            "62: support.grant-lives = \"24 hours\" could be \"86399 seconds\"",
            "62: support.grant-lives = \"24 hours\" could be \"86401 seconds\"",
            "63: support.case-lives = \"72 hours\" could be \"259199 seconds\"",
            "63: support.case-lives = \"72 hours\" could be \"259201 seconds\"",
        ]
    );
    assert!(!mutation.passed());
    assert!(mutation.text().ends_with(" mutants, 5 survive"), "{}", mutation.text());
}

#[test]
fn every_kind_of_value_is_changed() {
    // A case that hardly compares anything: nearly everything could be another.
    let told = told(&mutated(
        "[[case]]\nname = \"no question\"\nsource = \"our default\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\n\
         now = \"2026-11-23T14:10:00+08:00\"\nvoid = { amount = \"0.00\" }\nexpect.error = \"bad-amount\"\n",
    ));
    for expected in [
        "12: time-zone = \"+08:00\" could be \"+08:01\"",
        "13: cut-off = \"23:00\" could be \"22:59\"",
        "18: void.executor = \"courier\" could be \"terminal\"",
        "19: void.window = \"30 minutes\" could be \"1801 seconds\"",
        "19: void.window = \"30 minutes\" could be left out",
        "20: void.until-settlement = true could be false",
        "21: void.paid-out = \"deny\" could be \"refer\"",
        "24: void.reasons[1] = \"duplicate\" could be left out",
        "32: refund.window = \"30 days\" could be \"29 days\"",
        "45: refund.tier[0].up-to = \"200.00\" could be \"200.01\"",
        "57: refund.arrival[0].max-days = 3 could be 2",
    ] {
        assert!(told.iter().any(|told| told == expected), "{expected} is not among\n{}", told.join("\n"));
    }
    // What heads the file decides nothing.
    assert!(!told.iter().any(|told| told.contains(": name") || told.contains("source =") || told.contains("version")));
}

#[test]
fn a_case_that_fails_already_notices_nothing() {
    let starter = Starter::new("small").unwrap();
    let failing = starter.cases.replace("cases = \"72 hours\"", "cases = \"71 hours\"");
    assert_eq!(mutated(&failing).survivors(), 5);
}

#[test]
fn a_pack_without_cases_is_not_passed() {
    let folder = folder(&[("small.toml", &small(&[]))]);
    let mutation = Mutation::run(&[pack(&folder.path().join("small.toml"))]);
    assert!(!mutation.passed());
    assert!(mutation.text().contains("small.cases.toml"), "{}", mutation.text());
}

const CALENDAR: &str = "[calendar]\nweekend = [\"saturday\", \"sunday\"]\nholidays = [\"2026-10-01\", \"2026-10-03\"]\n\
                        workdays = [\"2026-10-10\"]\nuntil = \"2026-12-31\"\n\n[support]";

#[test]
fn documents_that_answer_alike_mean_the_same() {
    let document = |replace: &[(&str, &str)]| -> Document {
        let text = small(&[("[support]", CALENDAR)]);
        let text = replace.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        rescind_policy::compile(&text, "small.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")).document().clone()
    };
    let meant = meaning(&document(&[]));
    for (what, replace) in [
        ("another version", ("version = \"0.1.0\"", "version = \"0.2.0\"")),
        ("a holiday on a Saturday", ("\"2026-10-03\"", "\"2026-10-04\"")),
        ("a void gives back all in any case", ("acquiring-fee = \"full\"", "acquiring-fee = \"proportion\"")),
        ("a coupon is shared in proportion anyway", ("partial = true", "partial = true\ncoupon = \"proportion\"")),
        (
            "nobody pays nothing",
            ("partial = true", "partial = true\noperation-fee = { fixed = \"0.00\", payer = \"customer\" }"),
        ),
        ("no refund is smaller than a cent", ("partial = true", "partial = true\nmin-amount = \"0.01\"")),
    ] {
        assert_eq!(meaning(&document(&[replace])), meant, "{what}");
    }
    for (what, replace) in [
        ("a holiday on a Friday", ("\"2026-10-03\"", "\"2026-10-02\"")),
        ("a coupon is shared otherwise", ("partial = true", "partial = true\ncoupon = \"cash-first\"")),
        (
            "somebody pays something",
            ("partial = true", "partial = true\noperation-fee = { fixed = \"0.01\", payer = \"customer\" }"),
        ),
        ("a refund of a cent is too small", ("partial = true", "partial = true\nmin-amount = \"0.02\"")),
    ] {
        assert_ne!(meaning(&document(&[replace])), meant, "{what}");
    }
}
