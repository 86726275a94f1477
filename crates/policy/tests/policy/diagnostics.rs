//! Mistakes in a policy file: all at once, each at its place, with what to write instead.

use crate::packs::pack;
use rescind_policy::{Diagnostic, compile};

fn mistakes(text: &str) -> Vec<Diagnostic> {
    compile(text, "test.toml").map(|compiled| compiled.hash().clone()).unwrap_err().iter().cloned().collect()
}

/// A pack with one text replaced by another; it must have been there.
fn changed(name: &str, from: &str, to: &str) -> String {
    let text = pack(name);
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_to_write() {
    type Text = &'static str;
    // What is there, what is written instead; code, place, underlined, suggestion.
    type Row = (Text, Text, Text, Text, Text, Option<Text>);
    let table: &[Row] = &[
        ("window = \"30 minutes\"", "window = \"30 min\"", "policy.scalar", "void.window", "\"30 min\"", None),
        (
            "window = \"30 minutes\"",
            "windw = \"30 minutes\"",
            "policy.unknown-field",
            "void",
            "windw",
            Some("`window`"),
        ),
        ("slip = true", "", "policy.missing-field", "void", "", None),
        (
            "executor = \"courier\"",
            "executor = \"curier\"",
            "policy.unknown-word",
            "void.executor",
            "\"curier\"",
            Some("\"courier\""),
        ),
        ("per-business-day = 3", "per-business-day = -3", "policy.type", "void.count[0].per-business-day", "-3", None),
        ("per-business-day = 3", "per-business-day = 0", "policy.range", "void.count[0].per-business-day", "0", None),
        (
            "at-ceiling = \"refer\"",
            "at-ceiling = \"allow\"",
            "policy.contradiction",
            "void.count[0].at-ceiling",
            "\"allow\"",
            Some("at-ceiling = \"refer\""),
        ),
        ("up-to = \"100.00\"", "up-to = 100.00", "policy.amount", "refund.tier[0].up-to", "100.00", Some("\"100.00\"")),
        ("up-to = \"100.00\"", "up-to = \"100.001\"", "policy.amount", "refund.tier[0].up-to", "\"100.001\"", None),
        ("up-to = \"1000.00\"", "up-to = \"100.00\"", "policy.tiers", "refund.tier[1].up-to", "\"100.00\"", None),
        ("needed = 1", "needed = 3", "policy.tiers", "refund.tier[2].needed", "2", None),
        ("needed = 2", "needed = 2\nup-to = \"2000.00\"", "policy.tiers", "refund.tier[2].up-to", "\"2000.00\"", None),
        (
            "window = \"30 days\"",
            "window = \"1 day\"",
            "policy.contradiction",
            "refund.window",
            "\"1 day\"",
            Some("window = \"2 days\""),
        ),
        (
            "real-time = \"refer\"",
            "real-time = \"deny\"",
            "policy.no-remedy",
            "refund.real-time",
            "\"deny\"",
            Some("real-time = \"refer\""),
        ),
        ("cut-off = \"23:00\"", "cut-off = 23:00:00", "policy.scalar", "cut-off", "23:00:00", None),
        (
            "time-zone = \"+08:00\"",
            "time-zone = \"Asia/Shanghai\"",
            "policy.scalar",
            "time-zone",
            "\"Asia/Shanghai\"",
            None,
        ),
        ("currency = \"CNY\"", "currency = \"RMB\"", "policy.currency", "currency", "\"RMB\"", None),
        ("name = \"lakala\"", "name = \"La Kala\"", "policy.word", "name", "\"La Kala\"", Some("\"la-kala\"")),
        ("format = 1", "format = 2", "policy.scalar", "format", "2", None),
        ("\"wrong-payee\"", "\"wrong-amount\"", "policy.duplicate", "void.reasons[1]", "\"wrong-amount\"", None),
        (
            "{ kind = \"receipt\"",
            "{ kind = \"receipt\", reasons = [\"bad\"]",
            "policy.unknown-reason",
            "refund.evidence[0].reasons[0]",
            "\"bad\"",
            None,
        ),
        (
            "fixed = \"1.00\", payer",
            "payer",
            "policy.fee",
            "refund.late-fee",
            "{ after = \"15 days\", payer = \"merchant\" }",
            None,
        ),
        (
            "after = \"24 hours\"",
            "after = \"72 hours\"",
            "policy.tiers",
            "refund.tier[1].escalation[0].after",
            "\"72 hours\"",
            None,
        ),
        ("enabled = true", "enabled = \"yes\"", "policy.type", "void.enabled", "\"yes\"", None),
    ];
    for (from, to, code, at, underlined, suggestion) in table {
        let text = changed("lakala", from, to);
        let all = mistakes(&text);
        let found: Vec<String> = all.iter().map(|one| format!("{} {one}", one.code())).collect();
        assert_eq!(all.len(), 1, "{to}: {found:#?}");
        let one = &all[0];
        assert_eq!((one.code(), one.at()), (*code, *at), "{to}: {found:#?}");
        if !underlined.is_empty() {
            assert_eq!(text.get(one.span()), Some(*underlined), "{to}");
        }
        assert_eq!(one.suggestion(), *suggestion, "{to}");
        assert!(!one.expected().is_empty() && !one.found().is_empty());
    }
}

#[test]
fn each_mistake_in_the_ways_besides_void_and_refund_is_told() {
    // What is there, what is written instead; code, place.
    let table = [
        ("max-age = \"2 minutes\"", "max-age = \"25 hours\"", "policy.range", "void.authentication.max-age"),
        (", bound = true", "", "policy.missing-field", "void.authentication"),
        ("\"pin-verified\"", "\"pin\"", "policy.unknown-word", "void.identity[0].any-of[1]"),
        ("\"pin-verified\"", "\"card-presented\"", "policy.duplicate", "void.identity[0].any-of[1]"),
        (
            "identity = [{ above = \"5000.00\"",
            "identity = [{ above = \"5000.00\", any-of = [\"pin-verified\"] }, { above = \"5000.00\"",
            "policy.identity",
            "void.identity[1].above",
        ),
        (
            "any-of = [\"card-presented\", \"pin-verified\", \"customer-confirmed\"]",
            "",
            "policy.range",
            "void.identity[0].any-of",
        ),
        ("not-refundable = \"refer\"", "not-refundable = \"allow\"", "policy.contradiction", "refund.not-refundable"),
        ("after-window = \"refer\"", "after-window = \"allow\"", "policy.contradiction", "refund.after-window"),
        ("coupon = \"proportion\"", "coupon = \"share\"", "policy.unknown-word", "refund.coupon"),
        ("coupon = \"proportion\"", "funding = \"none\"", "policy.unknown-word", "refund.funding"),
        ("[reversal]", "[reversal]\nwindow = \"7 days\"", "policy.contradiction", "reversal.after-window"),
        ("[reversal]", "[reversal]\nafter-window = \"deny\"", "policy.contradiction", "reversal.after-window"),
        (
            "[reversal]",
            "[reversal]\nafter-window = \"allow\"\nwindow = \"7 days\"",
            "policy.contradiction",
            "reversal.after-window",
        ),
        (
            "[reversal]",
            "[reversal]\nafter-window = \"deny\"\nwindow = \"15 seconds\"\nminimum-wait = \"15 seconds\"",
            "policy.contradiction",
            "reversal.minimum-wait",
        ),
        ("queries = [", "queries = [\"0 seconds\", ", "policy.scalar", "reversal.queries[0]"),
        ("scanned = \"refer\"", "scanned = \"allow\"", "policy.contradiction", "code.scanned"),
        ("time-to-live = \"5 minutes\"", "", "policy.missing-field", "code"),
        ("ceiling-percent = 115", "ceiling-percent = 99", "policy.range", "hold.ceiling-percent"),
        ("ceiling-percent = 115", "ceiling-percent = 201", "policy.range", "hold.ceiling-percent"),
        (
            "completion-void = { until-settlement = true,",
            "completion-void = { until-settlement = false,",
            "policy.void-without-end",
            "hold.completion-void",
        ),
        (
            "release-authentication = { max-age = \"2 minutes\"",
            "release-authentication = { max-age = \"25 hours\"",
            "policy.range",
            "hold.release-authentication.max-age",
        ),
        (
            "operator-roles = [\"cashier\", \"supervisor\", \"manager\"], authentication = { max-age = \"2 minutes\"",
            "operator-roles = [\"cashier\", \"supervisor\", \"manager\"], authentication = { max-age = \"25 hours\"",
            "policy.range",
            "hold.completion-void.authentication.max-age",
        ),
        ("penalty = { max-rate = \"50%\" }", "penalty = {}", "policy.fee", "hold.penalty"),
        ("validity = \"30 days\"", "validty = \"30 days\"", "policy.missing-field", "hold"),
        ("within = \"48 hours\"", "within = \"24 hours\"", "policy.penalty", "prepaid[0].penalty[1].within"),
        ("within = \"24 hours\", ", "", "policy.penalty", "prepaid[0].penalty[0].within"),
        (", rate = \"30%\"", "", "policy.fee", "prepaid[0].penalty[1]"),
        ("kind = \"travel-package\"", "kind = \"hotel-reservation\"", "policy.duplicate", "prepaid[1].kind"),
        ("kind = \"travel-package\"", "kind = \"Travel\"", "policy.word", "prepaid[1].kind"),
        ("roles = [\"support\"]", "roles = []", "policy.range", "support.roles"),
        ("roles = [\"compliance\"]", "", "policy.range", "legal.roles"),
        ("retention-days = 365", "retention-days = 0", "policy.range", "privacy.retention-days"),
        ("retention-days = 365", "retention-days = 10959", "policy.range", "privacy.retention-days"),
    ];
    for (from, to, code, at) in table {
        let all = mistakes(&changed("lakala", from, to));
        let found: Vec<String> = all.iter().map(|one| format!("{} {one}", one.code())).collect();
        assert!(all.iter().any(|one| (one.code(), one.at()) == (code, at)), "{to}: {found:#?}");
        assert!(all.len() <= 2, "{to}: {found:#?}");
    }
}

#[test]
fn a_schedule_of_queries_has_an_end() {
    let waits = vec!["\"1 second\""; 17].join(", ");
    let all = mistakes(&changed("unionpay", "queries = [\"1 second\"", &format!("queries = [{waits}")));
    assert_eq!((all.len(), all[0].code(), all[0].at()), (1, "policy.range", "reversal.queries"));
}

#[test]
fn a_void_without_an_end_is_refused() {
    let text = changed("lakala", "window = \"30 minutes\"", "").replacen(
        "until-settlement = true",
        "until-settlement = false",
        1,
    );
    let all = mistakes(&text);
    assert_eq!((all.len(), all[0].code()), (1, "policy.void-without-end"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = changed("unionpay", "name = \"unionpay\"", "name = 7")
        .replace("cut-off = \"23:00\"", "cut-off = \"25:00\"")
        .replace("same = [\"business-day\"]", "same = [\"busines-day\", \"week\"]")
        .replace("window = \"11 months\"", "window = \"11 moons\"")
        .replace("needed = 0", "needed = \"none\"")
        .replace("max-days = 10", "max-days = 10\nmax-weeks = 2");
    let codes: Vec<(String, &str)> = mistakes(&text).iter().map(|one| (one.at().to_owned(), one.code())).collect();
    let expected = [
        ("name", "policy.type"),
        ("cut-off", "policy.scalar"),
        ("void.same[0]", "policy.unknown-word"),
        ("void.same[1]", "policy.unknown-word"),
        ("refund.window", "policy.scalar"),
        ("refund.tier[0].needed", "policy.type"),
        ("refund.arrival[0]", "policy.unknown-field"),
    ];
    let expected: Vec<(String, &str)> = expected.iter().map(|(at, code)| ((*at).to_owned(), *code)).collect();
    assert_eq!(codes, expected);
}

#[test]
fn contradictions_are_told_together_with_mistakes_in_another_section() {
    let text = changed("lakala", "per-business-day = 3", "per-business-day = 0")
        .replace("window = \"30 days\"", "window = \"soon\"");
    let codes: Vec<&str> = mistakes(&text).iter().map(Diagnostic::code).collect();
    assert_eq!(codes, ["policy.range", "policy.scalar"]);
}

#[test]
fn a_section_can_be_switched_off_alone() {
    let header = "format = 1\nname = \"a\"\nversion = \"1\"\nsource = \"s\"\ncurrency = \"CNY\"\ntime-zone = \"+08:00\"\ncut-off = \"24:00\"\n";
    let compiled = compile(&format!("{header}[void]\nenabled = false\n[refund]\nenabled = false\n"), "test").unwrap();
    assert_eq!((&compiled.document().void, &compiled.document().refund), (&None, &None));
    let off = format!("{header}[code]\nenabled = false\n[hold]\nenabled = false\n");
    let compiled = compile(&off, "test").unwrap();
    assert_eq!((&compiled.document().code, &compiled.document().hold), (&None, &None));
    assert_eq!(mistakes(&format!("{header}[void]\nenabled = true\n")).len(), 7, "everything a void needs is asked for");
}

#[test]
fn what_is_not_toml_is_told_as_such() {
    let all = mistakes("format = \nname = \"a\"\n[void\n");
    assert!(all.len() >= 2, "{all:?}");
    assert!(all.iter().all(|one| one.code() == "policy.syntax"));
    assert_eq!(mistakes(&"#".repeat(300_000))[0].code(), "policy.too-large");
    assert!(mistakes(&"[".repeat(100_000)).iter().all(|one| one.code() == "policy.syntax"));
}

#[test]
fn a_diagnostic_can_be_shown_with_its_source() {
    use miette::Diagnostic as _;
    let text = changed("lakala", "window = \"30 minutes\"", "windw = \"30 minutes\"");
    let error = compile(&text, "lakala.toml").unwrap_err();
    assert!(error.to_string().starts_with("1 mistake in lakala.toml\n  policy.unknown-field: void: "), "{error}");
    let one = error.related().unwrap().next().unwrap();
    assert_eq!(one.code().unwrap().to_string(), "policy.unknown-field");
    assert_eq!(one.help().unwrap().to_string(), "write `window`");
    let label = one.labels().unwrap().next().unwrap();
    let shown = one.source_code().unwrap().read_span(label.inner(), 0, 0).unwrap();
    assert_eq!(core::str::from_utf8(shown.data()).unwrap(), "windw");
    assert_eq!(shown.name(), Some("lakala.toml"));
}
