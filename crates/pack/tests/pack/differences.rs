//! What changed between two versions.

use crate::golden::assert_golden;
use crate::world::{engine, engine_of, small};
use rescind_pack::difference::{self, Course};
use rescind_pack::effect;

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
    let told = |old: &str, new: &str| -> Vec<String> {
        let (old, new) = (engine_of(old), engine_of(new));
        difference::between(old.document(), new.document()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(&small(&[]), &with(small(&[]))),
        ["void.when[credit]: match.card-type added: credit", "void.when[credit]: window added: 10 minutes (stricter)"]
    );
}

#[test]
fn a_tier_that_goes_and_one_that_reaches_farther_are_looser() {
    let (old, farther) = (engine(&[]), engine(&[("up-to = \"200.00\"", "up-to = \"300.00\"")]));
    let courses = |old: &rescind_policy::Document, new: &rescind_policy::Document| -> Vec<Course> {
        difference::between(old, new).iter().map(|changed| changed.course).collect()
    };
    assert_eq!(courses(old.document(), farther.document()), [Course::Looser]);
    assert_eq!(courses(farther.document(), old.document()), [Course::Stricter]);
    let mut without = old.document().clone();
    without.refund.as_mut().unwrap().tier.remove(1);
    assert!(courses(old.document(), &without).contains(&Course::Looser));
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
