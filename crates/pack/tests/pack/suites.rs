//! Packs with their cases.

use crate::golden::assert_golden;
use crate::world::{folder, pack, small_folder};
use rescind_pack::lint::lint;
use rescind_pack::pack::Pack;
use rescind_pack::starter::Starter;
use rescind_pack::suite::Suite;

#[test]
fn a_new_pack_checks_lints_clean_passes_its_cases_and_covers_every_rule() {
    let folder = small_folder();
    let pack = pack(&folder.path().join("small.toml"));
    assert_eq!(lint(&pack.engine), []);
    let suite = Suite::run(&[pack], &[]);
    assert_eq!(suite.packs[0].gaps, []);
    assert!(suite.passed() && suite.reaches(100), "{}", suite.text());
    let sum = suite.text().lines().last().map(str::to_owned);
    let (cases, stated) = (suite.cases(), suite.stated());
    assert_eq!(sum, Some(format!("1 packs, {cases} cases, {stated} of {stated} rules covered")));
}

#[test]
fn a_name_that_is_no_file_is_refused() {
    for name in ["", "../x", "Big", "1st", "with space", "-x"] {
        let error = Starter::new(name).unwrap_err().to_string();
        assert!(error.ends_with(&format!("found {name:?}")), "{error}");
    }
}

#[test]
fn what_fails_is_shown_field_by_field_and_what_is_not_covered_by_side() {
    let starter = Starter::new("small").unwrap();
    let (first, _) = starter.cases.split_once("[[case]]\nname = \"where no fee").unwrap();
    let cases = first
        .replace("findings = [\"void.window use-refund\"]", "findings = [\"void.window none\"], open-until = \"none\"")
        .replacen("source = \"our default\"\n", "", 1);
    let folder = folder(&[("small.toml", &starter.pack), ("small.cases.toml", &cases)]);
    let suite = Suite::run(&[pack(&folder.path().join("small.toml"))], &[]);
    assert!(!suite.passed());
    assert!(!suite.reaches(100));
    assert_golden("suite.txt", &suite.text());
}

#[test]
fn a_pack_without_cases_fails() {
    let starter = Starter::new("small").unwrap();
    let folder = folder(&[("small.toml", &starter.pack)]);
    let suite = Suite::run(&[pack(&folder.path().join("small.toml"))], &[]);
    assert!(!suite.passed());
    assert!(suite.packs[0].problem.as_ref().unwrap().contains("small.cases.toml cannot be read"));
}

#[test]
fn all_mistakes_of_all_files_are_told_with_line_and_column() {
    let starter = Starter::new("small").unwrap();
    let one = starter.pack.replace("window = \"30 minutes\"", "window = \"30 minuts\"");
    let two = starter.pack.replace("enabled = true", "enabeld = true");
    let folder = folder(&[("one.toml", &one), ("two.toml", &two)]);
    let (packs, refused) = Pack::read_all(&[folder.path().to_owned()]).unwrap();
    assert!(packs.is_empty());
    let mistakes: Vec<_> = refused.iter().flat_map(|refused| refused.mistakes()).collect();
    let of = |name: &str| mistakes.iter().filter(|mistake| mistake.file.ends_with(name)).collect::<Vec<_>>();
    let window = of("one.toml");
    assert_eq!(window.len(), 1);
    assert_eq!((window[0].line, window[0].at.as_str()), (19, "void.window"));
    assert_eq!(window[0].code, "policy.scalar");
    // Two sections, each with a field that is unknown and one that is missing.
    assert!(of("two.toml").len() >= 2, "{mistakes:#?}");
}

#[test]
fn a_layer_whose_upper_is_not_there_says_where_it_is_expected() {
    let folder = folder(&[("low.toml", "extends = \"high\"\n")]);
    let (_, refused) = Pack::read_all(&[folder.path().join("low.toml")]).unwrap();
    let told = refused[0].to_string();
    assert!(told.contains("it extends \"high\", which is not beside it: expected"), "{told}");
}

/// What is not covered of the small pack with these cases, by place.
fn gaps(cases: &str, place: &str) -> Vec<String> {
    let starter = Starter::new("small").unwrap();
    let folder = folder(&[("small.toml", &starter.pack), ("small.cases.toml", cases)]);
    let suite = Suite::run(&[pack(&folder.path().join("small.toml"))], &[]);
    assert!(suite.passed(), "{}", suite.text());
    let told = suite.packs[0].gaps.iter().filter(|gap| gap.place == place);
    told.map(ToString::to_string).collect()
}

/// A case on a sale of 14:00.
fn case(name: &str, now: &str, rest: &str) -> String {
    format!(
        "[[case]]\nname = {name:?}\nsource = \"our default\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\n\
         now = \"2026-11-23T{now}+08:00\"\n{rest}\n\n"
    )
}

const VOIDED: &str = "void = { reason = \"duplicate\" }\nexpect.void = { outcome = \"allow\" }";
const OVER: &str =
    "void = { reason = \"duplicate\" }\nexpect.void = { outcome = \"deny\", findings = [\"void.window use-refund\"] }";

#[test]
fn a_window_wants_the_last_instant_that_passes_and_the_first_that_does_not() {
    let (early, last) = (case("early", "14:10:00", VOIDED), case("last", "14:29:59.999", VOIDED));
    let (first, late) = (case("first", "14:30:00", OVER), case("late", "15:00:00", OVER));
    let is_missing =
        |cases: &[&String]| gaps(&cases.iter().map(|case| case.as_str()).collect::<String>(), "void.window");
    assert_eq!(is_missing(&[&early, &late]), ["void.window at void.window: no case just inside, no case just outside"]);
    assert_eq!(is_missing(&[&last, &late]), ["void.window at void.window: no case just outside"]);
    assert_eq!(is_missing(&[&early, &first]), ["void.window at void.window: no case just inside"]);
    assert_eq!(is_missing(&[&last]), ["void.window at void.window: no case in which it stands in the way"]);
    assert_eq!(is_missing(&[&last, &first]), Vec::<String>::new());
}

#[test]
fn what_an_answer_carries_wants_a_case_that_compares_it() {
    let plain = case("plain", "14:10:00", VOIDED);
    assert_eq!(gaps(&plain, "void.slip"), ["void.slip: no case that compares `slip`"]);
    let compared = plain.replace("\"allow\"", "\"allow\", slip = true");
    assert_eq!(gaps(&compared, "void.slip"), Vec::<String>::new());
    // An answer that refuses carries no slip: that it says none shows nothing.
    let refused = case("refused", "14:30:00", OVER).replace("\"deny\"", "\"deny\", slip = false");
    assert_eq!(gaps(&refused, "void.slip"), ["void.slip: no case that compares `slip`"]);
}

#[test]
fn the_expiry_of_a_tier_is_shown_by_a_case_of_that_tier_only() {
    let refund = "refund = { reason = \"returned-goods\" }\n\
                  expect.refund = { outcome = \"allow\", tier = \"automatic\", expires-after = \"3 days\" }";
    let case = case("refund", "14:10:00", refund);
    assert_eq!(gaps(&case, "refund.tier[automatic].expires-after"), Vec::<String>::new());
    assert_eq!(
        gaps(&case, "refund.tier[one-person].expires-after"),
        ["refund.tier[one-person].expires-after: no case that compares `expires-after`"]
    );
}

#[test]
fn a_way_that_is_not_compared_shows_nothing() {
    let case = case("assessed", "14:29:59.999", "assess = {}\nexpect.refund = { outcome = \"allow\" }");
    assert_eq!(gaps(&case, "void.window"), ["void.window at void.window: no case at all"]);
}

#[test]
fn a_permission_wants_a_case_of_what_it_permits() {
    let refund = "refund = { reason = \"returned-goods\" }\nexpect.refund = { outcome = \"allow\" }";
    let ordinary = case("ordinary", "14:10:00", refund);
    assert_eq!(gaps(&ordinary, "refund.real-time"), ["refund.real-time at refund.real-time: no case at all"]);
    let in_real_time = case("in real time", "14:10:00", &format!("sale = {{ settlement = \"real-time\" }}\n{refund}"));
    assert_eq!(gaps(&in_real_time, "refund.real-time"), Vec::<String>::new());
}

#[test]
fn a_calendar_wants_every_day_that_it_names() {
    let starter = Starter::new("small").unwrap();
    let calendar = "[calendar]\nweekend = [\"saturday\", \"sunday\"]\nholidays = [\"2026-10-01\"]\n\
                    workdays = [\"2026-10-10\"]\nuntil = \"2026-12-31\"\n\n[support]";
    let days = |days: &str| {
        let cases = format!("[[case]]\nname = \"days\"\nsource = \"our default\"\nexpect.days = {{ {days} }}\n");
        let text = starter.pack.replace("[support]", calendar);
        let folder = folder(&[("small.toml", &text), ("small.cases.toml", &cases)]);
        let suite = Suite::run(&[pack(&folder.path().join("small.toml"))], &[]);
        let gaps = suite.packs[0].gaps.iter().filter(|gap| gap.place.starts_with("calendar."));
        (suite.passed(), gaps.map(|gap| gap.place.clone()).collect::<Vec<_>>())
    };
    let october = "from = \"2026-10-01\", until = \"2026-10-07\", off = [\"2026-10-01\"]";
    assert_eq!(days(october), (true, vec!["calendar.until".to_owned(), "calendar.workdays".to_owned()]));
    let to_the_end =
        "from = \"2026-10-01\", until = \"2026-12-31\", off = [\"2026-10-01\"], worked = [\"2026-10-10\"], ends = true";
    assert_eq!(days(to_the_end), (true, Vec::new()));
    assert!(!days("from = \"2026-10-01\", until = \"2026-10-07\"").0, "the first of October is off");
    assert!(
        !days("from = \"2026-10-05\", until = \"2027-01-01\", worked = [\"2026-10-10\"]").0,
        "nothing is said of 2027"
    );
}

const LAYER: &str = "layer = \"merchant\"\nextends = \"small\"\nformat = 1\nname = \"small-shop\"\nversion = \"0.1.0\"\n\
                     source = \"the shop\"\n\n[void]\nwindow = \"3 minutes\"\n";

#[test]
fn a_layer_is_compiled_on_what_it_extends_and_its_cases_cover_what_it_states() {
    let starter = Starter::new("small").unwrap();
    let cases = "[[case]]\nname = \"before\"\nsource = \"the shop\"\npaid-at = \"2026-11-23T14:00:00+08:00\"\n\
                 now = \"2026-11-23T14:02:59.999+08:00\"\nvoid = { reason = \"duplicate\" }\n\
                 expect.void = { outcome = \"allow\", open-until = \"2026-11-23T14:03:00+08:00\" }\n";
    let folder = folder(&[("small.toml", &starter.pack), ("small-shop.toml", LAYER), ("small-shop.cases.toml", cases)]);
    let shop = pack(&folder.path().join("small-shop.toml"));
    assert_eq!(shop.name(), "small-shop");
    assert_eq!(shop.uppers, [folder.path().join("small.toml")]);
    let suite = Suite::run(&[shop], &[]);
    assert!(suite.passed(), "{}", suite.text());
    // The window is all that the shop states, and the case is on one side of it.
    let gaps: Vec<String> = suite.packs[0].gaps.iter().map(ToString::to_string).collect();
    assert_eq!(gaps, ["void.window at void.window: no case in which it stands in the way"]);
    assert_eq!(suite.sum(), "1 packs, 1 cases, 0 of 1 rules covered");
}

#[test]
fn a_layer_that_is_looser_is_refused_at_its_place_in_its_own_file() {
    let starter = Starter::new("small").unwrap();
    let looser = LAYER.replace("3 minutes", "31 minutes");
    let folder = folder(&[("small.toml", &starter.pack), ("small-shop.toml", &looser)]);
    let (_, refused) = Pack::read_all(&[folder.path().join("small-shop.toml")]).unwrap();
    let mistakes = refused[0].mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    assert_eq!((mistakes[0].code.as_str(), mistakes[0].line), ("policy.looser", 9));
    assert!(mistakes[0].file.ends_with("small-shop.toml"));
}
