//! What is written correctly and cannot be meant.

use crate::world::{engine, engine_of, small};
use rescind_eligibility::Engine;
use rescind_pack::lint::{self, CODES, Severity, lint, lint_within};

fn codes(engine: &Engine) -> Vec<(&'static str, String)> {
    lint(engine).into_iter().map(|lint| (lint.code, lint.place)).collect()
}

#[track_caller]
fn finds(replace: &[(&str, &str)], code: &'static str, place: &str) {
    let found = codes(&engine(replace));
    assert!(found.contains(&(code, place.to_owned())), "expected {code} at {place}, found {found:?}");
}

#[test]
fn a_kind_that_is_neither_voided_nor_refunded() {
    let kinds = "kinds-not-refundable = [\"top-up\"]\npartial = true";
    let found = lint(&engine(&[("partial = true", kinds), ("window = \"30 minutes\"", "window = \"3 minutes\"")]));
    let no_remedy = found.iter().find(|lint| lint.code == lint::NO_REMEDY).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(no_remedy.severity, Severity::Problem);
    assert!(no_remedy.message.contains("refund.kind, void."), "{no_remedy}");
    assert!(no_remedy.example.as_ref().unwrap().starts_with("top-up of "), "{no_remedy}");
}

#[test]
fn a_denial_after_the_window_is_a_note() {
    let found = lint(&engine(&[("after-window = \"refer\"", "after-window = \"deny\"")]));
    // As it lies, settled, and paid out in real time.
    assert_eq!(found.len(), 3, "{found:?}");
    for lint in &found {
        assert_eq!((lint.severity, lint.code), (Severity::Note, lint::DENY_WITHOUT_ALTERNATIVE));
    }
    assert!(found[0].example.as_ref().unwrap().contains("asked 30 days later"), "{}", found[0]);
}

#[test]
fn a_refund_window_that_closes_before_voids_do() {
    finds(
        &[
            ("window = \"30 minutes\"", "window = \"48 hours\""),
            ("until-settlement = true", "until-settlement = false"),
            ("window = \"30 days\"", "window = \"1 day\""),
        ],
        lint::REFUND_CLOSES_BEFORE_VOID,
        "refund.window",
    );
}

#[test]
fn rules_that_no_sale_reaches() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("window = \"30 minutes\"", "window = \"24 hours\"\nsame = [\"business-day\"]")], "void.window"),
        (
            &[
                ("after-window = \"refer\"", "after-window = \"deny\""),
                (
                    "partial = true",
                    "partial = true\nlate-fee = { after = \"30 days\", fixed = \"1.00\", payer = \"merchant\" }",
                ),
            ],
            "refund.late-fee.after",
        ),
        (&[("partial = true", "partial = false\nmax-count = 2")], "refund.max-count"),
        (
            &[(
                "partial = true",
                "partial = true\nmax-amount = \"500.00\"\nevidence = [{ kind = \"photo\", above = \"500.00\" }]",
            )],
            "refund.evidence[0].above",
        ),
        (&[("partial = true", "partial = false\nmax-amount = \"200.00\"")], "refund.tier[one-person]"),
        (
            &[(
                "[support]",
                "[[refund.arrival]]\nchannel = \"card\"\nmin-days = 0\nmax-days = 1\nworking-days = true\n\n[support]",
            )],
            "refund.arrival[1]",
        ),
    ];
    for (replace, place) in cases {
        finds(replace, lint::NEVER_APPLIES, place);
    }
}

#[test]
fn times_that_cannot_both_be_meant() {
    finds(
        &[("partial = true", "partial = true\nmin-spacing = \"30 days\"")],
        lint::WINDOW_CONTRADICTION,
        "refund.min-spacing",
    );
    let reversal = "[reversal]\nenabled = true\nexecutor = \"courier\"\nslip = true\nwindow = \"10 seconds\"\n\
                    after-window = \"refer\"\nqueries = [\"1 second\", \"9 seconds\"]\n\n[support]";
    finds(&[("[support]", reversal)], lint::WINDOW_CONTRADICTION, "reversal.window");
}

#[test]
fn a_lint_is_found_in_a_variant_too() {
    let variant =
        "\n[[refund.when]]\nname = \"credit\"\nmatch = { card-type = [\"credit\"] }\nmin-spacing = \"40 days\"\n";
    let found = codes(&engine_of(&format!("{}{variant}", small(&[]))));
    assert!(found.contains(&(lint::WINDOW_CONTRADICTION, "refund.when[credit].min-spacing".to_owned())), "{found:?}");
}

#[test]
fn every_code_is_listed_once() {
    let mut codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert!(codes.iter().all(|code| code.starts_with("lint.")));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), CODES.len());
}

/// No refund of what was paid on some days.
fn not_refunded(when: &str) -> String {
    format!(
        "{}\n[[refund.when]]\nname = \"fair\"\nmatch = {{ kind = [\"other\"], {when} }}\nenabled = false\ninstead = \"nothing\"\n",
        small(&[("window = \"30 minutes\"", "window = \"3 minutes\"")])
    )
}

#[test]
fn days_of_the_payment_are_edges() {
    for when in ["paid-from = \"2031-05-01\", paid-before = \"2031-05-02\"", "paid-from = \"2031-05-01\""] {
        let found = lint(&engine_of(&not_refunded(when)));
        let lint = found.iter().find(|lint| lint.code == lint::NO_REMEDY).unwrap_or_else(|| panic!("{found:?}"));
        let example = lint.example.as_ref().unwrap();
        assert!(example.starts_with("other of ") && example.contains("2031-0"), "{example}");
    }
}

#[test]
fn a_calendar_that_ends_is_an_edge() {
    let windows = [
        ("window = \"30 days\"", "window = \"5 working days\""),
        ("[support]", "[calendar]\nweekend = [\"saturday\", \"sunday\"]\nuntil = \"2031-05-02\"\n\n[support]"),
    ];
    let engine = engine(&windows);
    let edges = rescind_pack::boundary::Boundaries::of(&engine);
    assert_eq!(edges.calendar_ends.map(|day| day.to_string()).as_deref(), Some("2031-05-02"));
    // Beyond it nobody can say whether the window is over: support decides, so that nothing is without a remedy.
    let found = lint(&engine);
    assert!(found.iter().all(|lint| lint.code != lint::NO_REMEDY), "{found:?}");
}

#[test]
fn sales_without_a_slip_and_without_a_payer_are_asked_about() {
    // A refund by terminals alone leaves a sale of no terminal nothing.
    let batches = [
        ("window = \"30 minutes\"", "window = \"30 minutes\"\nsame = [\"open-batch\"]"),
        ("partial = true", "partial = true\nkinds-not-refundable = [\"purchase\"]"),
    ];
    let found = lint(&engine(&batches));
    let slip = found.iter().find(|lint| lint.example.as_ref().is_some_and(|e| e.contains(", without a slip")));
    let slip = slip.unwrap_or_else(|| panic!("{found:?}"));
    assert!(slip.code == lint::NO_REMEDY && slip.message.contains("void.batch"), "{slip}");
    let count = "slip = true\n\n[[void.count]]\ncounted = \"payer-token\"\nper-business-day = 3\nat-ceiling = \"refer\"\n\n# 退货";
    let found = lint(&engine(&[("slip = true # no source: our default\n\n# 退货", count)]));
    let payer = found.iter().find(|lint| lint.code == lint::UNDECIDABLE).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(payer.severity, Severity::Note);
    assert!(payer.message.contains("tallies.payer-token"), "{payer}");
    assert!(payer.example.as_ref().unwrap().ends_with(", of a payer who is not known"), "{payer}");
}

#[test]
fn what_was_not_tried_is_said() {
    let engine = engine(&[]);
    let found = lint_within(&engine, 100);
    let [untried] = found.iter().filter(|lint| lint.code == lint::UNTRIED).collect::<Vec<_>>()[..] else {
        panic!("{found:?}")
    };
    assert_eq!(untried.severity, Severity::Note);
    assert!(untried.message.contains(" kinds of sale were not tried"), "{untried}");
    assert!(lint(&engine).iter().all(|lint| lint.code != lint::UNTRIED));
}
