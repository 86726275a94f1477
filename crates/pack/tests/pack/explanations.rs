//! Why a way is open or not.

use crate::golden::assert_golden;
use crate::world::{component, engine, pack, small_folder};
use rescind_model::Locale;
use rescind_pack::explanation::{Paint, text};
use rescind_pack::generator::Generator;
use rescind_pack::subject::Subject;

#[test]
fn every_rule_is_shown_with_what_it_saw_its_limit_and_its_place() {
    let folder = small_folder();
    let pack = pack(&folder.path().join("small.toml"));
    let subject = Subject::of_case(&pack, "at exactly 30 minutes").unwrap();
    let explained = subject.explain(&pack).unwrap();
    let [one] = explained.as_slice() else { panic!("{explained:?}") };
    let shown = |locale, paint| text(&pack.engine, &subject.facts, one, locale, paint);
    assert_golden("explanation.en.txt", &shown(Locale::En, Paint::Plain));
    assert_golden("explanation.zh-cn.txt", &shown(Locale::ZhCn, Paint::Plain));
    let coloured = shown(Locale::En, Paint::Coloured);
    assert!(coloured.starts_with("\u{1b}[31mdeny\u{1b}[0m void"), "{coloured}");
    assert!(coloured.contains("\u{1b}[31m✗\u{1b}[0m void.window"), "{coloured}");
}

#[test]
fn what_an_open_way_needs_and_brings_is_shown() {
    let folder = small_folder();
    let pack = pack(&folder.path().join("small.toml"));
    let subject = Subject::of_case(&pack, "one cent more has to be agreed to").unwrap();
    let explained = subject.explain(&pack).unwrap();
    assert_golden("explanation.open.txt", &text(&pack.engine, &subject.facts, &explained[0], Locale::En, Paint::Plain));
}

#[test]
fn a_case_is_found_by_a_part_of_its_name_that_no_other_has() {
    let folder = small_folder();
    let pack = pack(&folder.path().join("small.toml"));
    let error = |name| Subject::of_case(&pack, name).unwrap_err().to_string();
    assert!(error("nonsense").ends_with("has no case with \"nonsense\" in its name"));
    assert!(
        error("needs a reason").starts_with("several cases have \"needs a reason\" in their name:\n  a void needs")
    );
}

#[test]
fn facts_facts_with_a_question_and_records_are_read() {
    let engine = engine(&[]);
    let record = Generator::new(&engine, 1).record(3, &component()).unwrap();
    let of = |value: serde_json::Value| Subject::of_json(&value.to_string(), None).unwrap();
    let whole = of(serde_json::to_value(&record).unwrap());
    let input = of(serde_json::to_value(&record.input).unwrap());
    let facts = of(serde_json::to_value(&record.input.facts).unwrap());
    assert_eq!((&whole.facts, &whole.asked), (&input.facts, &input.asked));
    assert_eq!(facts.asked, rescind_pack::case::Asked::All(None));
    assert!(Subject::of_json("{}", None).unwrap_err().to_string().starts_with("expected facts: missing field"));
}
