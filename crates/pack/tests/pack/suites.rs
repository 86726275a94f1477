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
