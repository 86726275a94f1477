//! Where values come from.

use rescind_pack::sources::{Standing, of, text};

const PACK: &str = r##"
format = 1
name = "x"
cut-off = "23:00" # 日切 [001]
time-zone = "+08:00"

[void]
window = "30 minutes" # [000] 30分钟
kinds = ["a#b"] # no source: our default
penalty = [
    { within = "24 hours" }, # [003] says so; how much: no source, our default
    { within = "48 hours" },
]

[[refund.tier]] # [002]
up-to = "100.00"

[privacy]
retention-days = 365
"##;

#[test]
fn a_value_goes_by_its_own_comment_or_the_one_above_it() {
    let found = of(PACK);
    let told: Vec<(usize, &str, Standing)> =
        found.iter().map(|value| (value.line, value.place.as_str(), value.standing)).collect();
    assert_eq!(
        told,
        [
            (4, "cut-off", Standing::Cited),
            (5, "time-zone", Standing::Cited),
            (8, "void.window", Standing::Cited),
            (9, "void.kinds", Standing::OurDefault),
            (11, "void.penalty[0]", Standing::Partly),
            (12, "void.penalty[1]", Standing::Partly),
            (16, "refund.tier.up-to", Standing::Cited),
            (19, "privacy.retention-days", Standing::Unsaid),
        ]
    );
    assert_eq!(found[3].value, "[\"a#b\"]");
}

#[test]
fn those_without_a_source_can_be_listed_alone() {
    let text = text(&of(PACK), true);
    assert_eq!(
        text,
        "! 9: void.kinds = [\"a#b\"]: no source: our default\n\
         ~ 11: void.penalty[0] = { within = \"24 hours\" }: [003] says so; how much: no source, our default\n\
         ~ 12: void.penalty[1] = { within = \"48 hours\" }: [003] says so; how much: no source, our default\n\
         ? 19: privacy.retention-days = 365: nothing is said\n\
         8 values: 4 cited, 2 partly, 1 our default (no source), 1 unsaid\n"
    );
}
