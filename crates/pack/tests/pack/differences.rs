//! What changed between two versions.

use crate::golden::assert_golden;
use crate::world::{engine, engine_of, small};
use rescind_eligibility::Engine;
use rescind_model::record::Answer;
use rescind_pack::backtest::Came;
use rescind_pack::case::decide;
use rescind_pack::difference::{self, Course};
use rescind_pack::draw::Draw;
use rescind_pack::effect;
use rescind_pack::generator::Generator;
use rescind_policy::Document;

#[test]
fn a_change_is_told_by_section_and_field_and_whether_it_is_stricter() {
    let old = engine(&[]);
    let new = engine(&[
        ("version = \"0.1.0\"", "version = \"0.2.0\""),
        ("window = \"30 minutes\"", "window = \"3 minutes\"\nmax-amount = \"20000.00\""),
        ("window = \"30 days\"", "window = \"3 months\""),
        ("same-business-day = \"allow\"", "same-business-day = \"deny\""),
        ("up-to = \"200.00\"", "up-to = \"100.00\""),
        ("\"not-delivered\", ", ""),
        ("slip = true # no source: our default\ntiers-by", "slip = true\nevidence = [{ kind = \"photo\" }]\ntiers-by"),
    ]);
    assert_golden("difference.txt", &difference::text(old.document(), new.document()));
}

#[test]
fn what_a_variant_only_takes_over_is_told_once() {
    let variant = "\n[[void.when]]\nname = \"credit\"\nmatch = { card-type = [\"credit\"] }\nwindow = \"10 minutes\"\n";
    let with = |text: String| format!("{text}{variant}");
    let old = engine_of(&with(small(&[])));
    let new = engine_of(&with(small(&[("until-settlement = true", "until-settlement = false")])));
    let changed = difference::between(old.document(), new.document());
    let told: Vec<String> = changed.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["void: until-settlement yes → no (looser)"]);
    assert_eq!(difference::whole(old.document(), new.document()), Course::Looser);
    let told = |old: &str, new: &str| -> Vec<String> {
        let (old, new) = (engine_of(old), engine_of(new));
        difference::between(old.document(), new.document()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(&small(&[]), &with(small(&[]))),
        [
            "void.when[credit]: match.card-type added: credit (stricter)",
            "void.when[credit]: window added: 10 minutes (stricter)"
        ]
    );
}

#[test]
fn a_tier_that_goes_and_one_that_reaches_farther_are_looser() {
    let (old, farther) = (engine(&[]), engine(&[("up-to = \"200.00\"", "up-to = \"300.00\"")]));
    let courses = |old: &Document, new: &Document| -> Vec<Course> {
        difference::between(old, new).iter().map(|changed| changed.course).collect()
    };
    assert_eq!(courses(old.document(), farther.document()), [Course::Looser]);
    assert_eq!(courses(farther.document(), old.document()), [Course::Stricter]);
    let mut without = old.document().clone();
    // Nobody is needed any more, however much it is.
    let tiers = &mut without.refund.as_mut().unwrap().tier;
    tiers.remove(1);
    tiers[0].up_to = None;
    assert_eq!(courses(old.document(), &without), [Course::Looser, Course::Looser]);
    assert_eq!(courses(&without, old.document()), [Course::Stricter, Course::Stricter]);
}

#[test]
fn the_same_policy_has_no_difference() {
    let text = difference::text(engine(&[]).document(), engine(&[("# 撤销:", "# void:")]).document());
    assert_eq!(text, "small 0.1.0 → small 0.1.0\nnothing changed but comments and order\n");
}

#[test]
fn each_leaning_has_its_course_both_ways() {
    let pairs = [
        ("window = \"30 minutes\"", "window = \"3 minutes\""),
        ("window = \"30 days\"", "window = \"29 days\""),
        ("paid-out = \"deny\"", "paid-out = \"refer\""),
        ("until-settlement = true", "until-settlement = false"),
        ("partial = true", "partial = false"),
        ("reason = \"mandatory\"", "reason = \"optional\""),
        ("\"duplicate\", ", ""),
        ("needed = 1", "needed = 2"),
    ];
    let stricter_after = [true, true, false, false, true, false, true, true];
    for ((from, to), stricter) in pairs.into_iter().zip(stricter_after) {
        let (old, new) = (engine(&[]), engine(&[(from, to)]));
        let there = difference::between(old.document(), new.document());
        let back = difference::between(new.document(), old.document());
        let (there_is, back_is) =
            if stricter { (Course::Stricter, Course::Looser) } else { (Course::Looser, Course::Stricter) };
        assert!(there.iter().all(|changed| changed.course == there_is), "{there:?}");
        assert!(back.iter().all(|changed| changed.course == back_is), "{back:?}");
        assert!(!there.is_empty() && !back.is_empty(), "{from}");
    }
}

#[test]
fn the_effects_of_a_shorter_window_are_voids_that_are_denied() {
    let (old, new) = (engine(&[]), engine(&[("window = \"30 minutes\"", "window = \"3 minutes\"")]));
    let found = effect::between(&old, &new, 1, 2_000).unwrap();
    assert!(found.changed > 0);
    for effect in &found.effects {
        assert_eq!((effect.turn.way, effect.turn.now.word()), ("void", "deny"));
        assert_eq!(effect.stands_now, ["void.window"]);
    }
    assert_golden("effects.txt", &found.text());
}

/// The small pack with more said at its end.
fn with(more: &str) -> Engine {
    engine_of(&format!("{}\n{more}", small(&[])))
}

const HOLD: &str =
    "[hold]\nenabled = true\nexecutor = \"terminal\"\nceiling-percent = 115\nvalidity = \"30 days\"\nslip = true\n";

const OFFLINE: &str = "[offline]\nvoid = \"allow\"\nreversal = \"allow\"\nrefund = \"refer\"\nother = \"refer\"\n\
                       at-ceiling = \"refer\"\nmax-records = 500\ncontact-age = \"24 hours\"\nbundle-age = \"7 days\"\n";

#[test]
fn a_part_that_grants_something_is_looser_where_it_comes_and_stricter_where_it_goes() {
    let penalty = format!("{HOLD}penalty = {{ max-rate = \"20%\", cap = \"100.00\" }}\n");
    let completion = format!("{HOLD}completion-void = {{ until-settlement = true, window = \"1 hour\" }}\n");
    for (before, after) in [(HOLD, penalty.as_str()), (HOLD, completion.as_str()), ("", OFFLINE), ("", HOLD)] {
        let (old, new) = (with(before), with(after));
        for (from, to, course) in [(&old, &new, Course::Looser), (&new, &old, Course::Stricter)] {
            let changed = difference::between(from.document(), to.document());
            assert!(!changed.is_empty() && changed.iter().all(|changed| changed.course == course), "{changed:?}");
            assert_eq!(difference::whole(from.document(), to.document()), course);
        }
    }
}

#[test]
fn what_a_terminal_alone_refers_without_a_word_and_denies_with_one_is_neither() {
    let denies = OFFLINE.replace("refund = \"refer\"", "refund = \"deny\"");
    let (without, denying) = (with(""), with(&denies));
    for (old, new) in [(&without, &denying), (&denying, &without)] {
        assert_eq!(difference::whole(old.document(), new.document()), Course::Other);
    }
}

#[test]
fn a_part_that_demands_something_is_stricter_where_it_comes() {
    let refund = "[refund]\n";
    let demands = [
        "authentication = { max-age = \"2 minutes\", bound = true }\n",
        "identity = [{ above = \"50.00\", any-of = [\"pin-verified\"] }]\n",
        "evidence = [{ kind = \"photo\", above = \"50.00\" }]\n",
        "count = [{ counted = \"operator\", per-business-day = 3, at-ceiling = \"refer\" }]\n",
    ];
    for demand in demands {
        let new = engine(&[(refund, &format!("{refund}{demand}"))]);
        let changed = difference::between(engine(&[]).document(), new.document());
        assert!(changed.iter().all(|changed| changed.course == Course::Stricter), "{changed:?}");
    }
    // From a smaller amount on, for every reason: what was asked for before is asked for still.
    let photo = |from: &str| engine(&[(refund, &format!("{refund}evidence = [{{ kind = \"photo\"{from} }}]\n"))]);
    let (dear, cheap) = (photo(", above = \"50.00\""), photo(", above = \"20.00\""));
    let told = difference::text(dear.document(), cheap.document());
    assert!(
        told.ends_with("refund: evidence[photo].above 50.00 → 20.00 (stricter)\nin all: only stricter\n"),
        "{told}"
    );
}

#[test]
fn a_variant_is_judged_by_what_held_for_its_sales() {
    let variant = |name: &str, matches: &str, window: &str| {
        format!("\n[[void.when]]\nname = \"{name}\"\nmatch = {{ {matches} }}\nwindow = \"{window}\"\n")
    };
    let (credit, large) = ("card-type = [\"credit\"]", "amount-from = \"500.00\"");
    let told = |old: &str, new: &str| -> Vec<String> {
        let (old, new) = (with(old), with(new));
        difference::text(old.document(), new.document()).lines().skip(1).map(str::to_owned).collect()
    };
    // A variant that comes with a longer window than the section's is looser, though it is one part more.
    assert_eq!(
        told("", &variant("credit", credit, "40 minutes")),
        [
            "void.when[credit]: match.card-type added: credit (looser)",
            "void.when[credit]: window added: 40 minutes (looser)",
            "in all: only looser"
        ]
    );
    // One that goes leaves its sales to the section.
    assert_eq!(
        told(&variant("credit", credit, "40 minutes"), ""),
        [
            "void.when[credit]: match.card-type removed, was credit (stricter)",
            "void.when[credit]: window removed, was 40 minutes (stricter)",
            "in all: only stricter"
        ]
    );
    // One that is for more sales changes those, without another word.
    let more = "card-type = [\"credit\", \"prepaid\"]";
    assert_eq!(
        told(&variant("credit", credit, "40 minutes"), &variant("credit", more, "40 minutes")),
        ["void.when[credit]: match.card-type credit → credit, prepaid (looser)", "in all: only looser"]
    );
    // Where two match, the first holds: their order says something.
    let (short, long) = (variant("credit", credit, "5 minutes"), variant("large", large, "10 minutes"));
    assert_eq!(
        told(&format!("{short}{long}"), &format!("{long}{short}")),
        ["void: order of when credit, large → large, credit (looser)", "in all: only looser"]
    );
}

#[test]
fn what_has_no_order_is_neither() {
    let old = engine(&[]);
    for (from, to) in [
        ("executor = \"courier\" # no source: our default (who", "executor = \"terminal\" # (who"),
        ("acquiring-fee = \"full\"", "acquiring-fee = \"kept\""),
        ("cut-off = \"23:00\"", "cut-off = \"22:00\""),
    ] {
        let new = engine(&[(from, to)]);
        assert_eq!(difference::whole(old.document(), new.document()), Course::Other, "{to}");
        assert!(difference::between(old.document(), new.document()).iter().all(|one| one.course == Course::Other));
    }
    let renamed =
        engine(&[("version = \"0.1.0\"", "version = \"0.2.0\""), ("name = \"one-person\"", "name = \"boss\"")]);
    assert_eq!(difference::whole(old.document(), renamed.document()), Course::Same);
}

/// A section, and what each of its lines may say; an empty one says nothing. A section whose first line is empty is not there.
type Lines = (&'static str, &'static [&'static [&'static str]]);

const SECTIONS: &[Lines] = &[
    (
        "[void]",
        &[
            &["enabled = true\nexecutor = \"courier\"\nafter-refund = \"deny\"\nacquiring-fee = \"full\"\nslip = true"],
            &["", "window = \"3 minutes\"", "window = \"30 minutes\"", "window = \"2 hours\""],
            &["until-settlement = true", "until-settlement = false"],
            &["paid-out = \"deny\"", "paid-out = \"refer\"", "paid-out = \"allow\""],
            &["reason = \"mandatory\"", "reason = \"optional\""],
            &["", "reasons = [\"wrong-amount\"]", "reasons = [\"wrong-amount\", \"duplicate\"]"],
            &["", "max-amount = \"100.00\"", "max-amount = \"500.00\""],
            &["", "min-amount = \"1.00\"", "min-amount = \"5.00\""],
            &["", "operator-roles = [\"supervisor\"]", "operator-roles = [\"supervisor\", \"cashier\"]"],
            &["", "same = [\"business-day\"]", "same = [\"business-day\", \"open-batch\"]"],
            &["", "kinds-not-voidable = [\"top-up\"]", "kinds-not-voidable = [\"top-up\", \"purchase\"]"],
            &["", "minimum-wait = \"15 seconds\"", "minimum-wait = \"1 minute\""],
            &[
                "",
                "authentication = { max-age = \"2 minutes\", bound = true }",
                "authentication = { max-age = \"5 minutes\", bound = true }",
                "authentication = { max-age = \"5 minutes\", bound = false }",
            ],
            &[
                "",
                "count = [{ counted = \"operator\", per-business-day = 3, at-ceiling = \"refer\" }]",
                "count = [{ counted = \"operator\", per-business-day = 5, at-ceiling = \"refer\" }]",
                "count = [{ counted = \"operator\", per-business-day = 3, at-ceiling = \"deny\" }, { counted = \"operator\", at-most = 2, within = \"10 minutes\", at-ceiling = \"refer\" }]",
                "count = [{ counted = \"terminal\", per-business-day = 3, at-ceiling = \"refer\" }]",
            ],
            &["", "evidence = [{ kind = \"photo\" }]", "evidence = [{ kind = \"photo\", above = \"100.00\" }]"],
        ],
    ),
    (
        "[refund]",
        &[
            &[
                "enabled = true\nexecutor = \"courier\"\nacquiring-fee = \"proportion\"\nslip = true\ntiers-by = [\"sale\"]",
            ],
            &["window = \"30 days\"", "window = \"2 months\"", "window = \"3 months\"", "window = \"10 days\""],
            &["after-window = \"refer\"", "after-window = \"deny\""],
            &["same-business-day = \"allow\"", "same-business-day = \"refer\""],
            &["real-time = \"allow\"", "real-time = \"refer\""],
            &["partial = true", "partial = false"],
            &["reason = \"mandatory\"", "reason = \"optional\""],
            &[
                "",
                "identity = [{ above = \"100.00\", any-of = [\"pin-verified\"] }]",
                "identity = [{ any-of = [\"pin-verified\", \"card-presented\"] }]",
            ],
            &[
                "tier = [{ name = \"all\", needed = 1, roles = [\"manager\"], expires-after = \"72 hours\" }]",
                "tier = [{ name = \"small\", up-to = \"100.00\", needed = 0, expires-after = \"72 hours\" }, { name = \"all\", needed = 1, roles = [\"manager\"], expires-after = \"72 hours\" }]",
                "tier = [{ name = \"small\", up-to = \"200.00\", needed = 0, expires-after = \"72 hours\" }, { name = \"all\", needed = 2, roles = [\"manager\", \"finance\"], expires-after = \"72 hours\" }]",
                "tier = [{ name = \"all\", needed = 2, roles = [\"manager\"], expires-after = \"24 hours\" }]",
            ],
        ],
    ),
    (
        "[hold]",
        &[
            &["", "enabled = true\nexecutor = \"terminal\"\nslip = true"],
            &["ceiling-percent = 100", "ceiling-percent = 115"],
            &["validity = \"30 days\"", "validity = \"7 days\""],
            &["", "penalty = { cap = \"100.00\" }", "penalty = { max-rate = \"20%\", cap = \"100.00\" }"],
            &[
                "",
                "completion-void = { until-settlement = true }",
                "completion-void = { until-settlement = false, window = \"1 hour\" }",
                "completion-void = { until-settlement = true, window = \"1 hour\", operator-roles = [\"supervisor\"] }",
            ],
        ],
    ),
    (
        "[offline]",
        &[
            &["", "reversal = \"allow\"\nother = \"refer\"\nmax-records = 500\nbundle-age = \"7 days\""],
            &["void = \"allow\"", "void = \"refer\"", "void = \"deny\""],
            &["refund = \"deny\"", "refund = \"allow\""],
            &["at-ceiling = \"refer\"", "at-ceiling = \"deny\""],
            &["contact-age = \"24 hours\"", "contact-age = \"1 hour\""],
            &["", "max-amount = \"500.00\"", "max-amount = \"100.00\""],
        ],
    ),
    (
        "[[prepaid]]",
        &[
            &["", "kind = \"dinner\""],
            &["cancellable = \"allow\"", "cancellable = \"refer\"", "cancellable = \"deny\""],
        ],
    ),
    (
        "[[void.when]]",
        &[
            &[
                "",
                "name = \"credit\"\nmatch = { card-type = [\"credit\"] }",
                "name = \"credit\"\nmatch = { card-type = [\"credit\"], amount-from = \"100.00\" }",
            ],
            &["window = \"3 minutes\"", "window = \"30 minutes\"", "window = \"2 hours\""],
        ],
    ),
];

const HEADER: &str = "format = 1\nname = \"small\"\nversion = \"1\"\nsource = \"none\"\ncurrency = \"CNY\"\n\
                      time-zone = \"+08:00\"\ncut-off = \"23:00\"\n";

const LAYER: &str =
    "format = 1\nlayer = \"merchant\"\nextends = \"small\"\nname = \"lower\"\nversion = \"1\"\nsource = \"none\"\n";

/// Which of its words each line says.
type Said = Vec<Vec<usize>>;

fn drawn(draw: &mut Draw) -> Said {
    let line =
        |draw: &mut Draw, words: &[&str]| usize::try_from(draw.below(u64::try_from(words.len()).unwrap())).unwrap();
    SECTIONS.iter().map(|(_, lines)| lines.iter().map(|words| line(draw, words)).collect()).collect()
}

fn written(header: &str, said: &Said) -> String {
    let mut text = header.to_owned();
    for ((section, lines), said) in SECTIONS.iter().zip(said) {
        let words: Vec<&str> = lines.iter().zip(said).map(|(words, at)| words[*at]).collect();
        if !words[0].is_empty() {
            let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
            text.push_str(&format!("\n{section}\n{}\n", words.join("\n")));
        }
    }
    text
}

/// What a version and a layer with the same words have to do with each other: a version that is only stricter can be said
/// by a layer, and allows nothing that the one before did not; what a layer made is nowhere looser.
#[test]
fn versions_and_layers_are_judged_by_one_table() {
    let (mut stricter, mut refused, mut layered, mut asked) = (0, 0, 0, 0);
    for seed in 0..700 {
        let mut draw = Draw::new(11, seed);
        let said = drawn(&mut draw);
        let mut changed = said.clone();
        for _ in 0..=draw.below(3) {
            let other = drawn(&mut draw);
            let section = usize::try_from(draw.below(u64::try_from(SECTIONS.len()).unwrap())).unwrap();
            let line = usize::try_from(draw.below(u64::try_from(said[section].len()).unwrap())).unwrap();
            changed[section][line] = other[section][line];
        }
        let (old, new) = (written(HEADER, &said), written(HEADER, &changed));
        let Ok(before) = rescind_policy::compile(&old, "old") else { continue };
        let Ok(after) = rescind_policy::compile(&new, "new") else { continue };
        let course = difference::whole(before.document(), after.document());
        let lines = difference::between(before.document(), after.document());
        let layer = written(LAYER, &changed);
        let laid = rescind_policy::compile_layers(&[(&old, "old"), (&layer, "layer")]);
        if matches!(course, Course::Stricter | Course::Same) {
            stricter += 1;
            assert!(laid.is_ok(), "{}\n{old}\n{layer}\n{lines:?}", laid.unwrap_err());
            assert!(lines.iter().all(|line| line.course != Course::Looser), "{lines:?}");
            let engines = [&before, &after].map(|policy| Engine::load(policy.canonical()).unwrap());
            asked += nothing_is_newly_allowed(&engines, &lines);
        }
        match laid {
            Ok(laid) => {
                layered += 1;
                let course = difference::whole(before.document(), laid.document());
                let lines = difference::between(before.document(), laid.document());
                assert!(matches!(course, Course::Stricter | Course::Same), "{course:?}\n{old}\n{layer}\n{lines:?}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(stricter > 100 && refused > 50 && layered > 100 && asked > 5_000, "{stricter} {refused} {layered} {asked}");
}

fn nothing_is_newly_allowed([old, new]: &[Engine; 2], lines: &[difference::Changed]) -> u32 {
    let came = |engine: &Engine, input: &rescind_model::record::Input| {
        Came::of(&match decide(engine, &input.facts, &input.question) {
            Ok(decision) => Answer::Decided(decision),
            Err(error) => Answer::Error(error),
        })
    };
    let generator = Generator::between(old, new, 3);
    let mut asked = 0_u32;
    for index in 0..100 {
        let input = generator.input(index).unwrap();
        let (was, now) = (came(old, &input), came(new, &input));
        if was != Came::Error && now != Came::Error {
            asked = asked.saturating_add(1);
            assert!(now >= was, "{was:?} {now:?} {lines:?} {input:?}");
        }
    }
    asked
}
