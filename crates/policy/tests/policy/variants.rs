//! What holds for some sales instead, calendars, charges and ceilings: read, inherited, and refused where they make no sense.

use crate::packs::pack;
use rescind_policy::document::{Permission, RefundWindow};
use rescind_policy::{Diagnostic, Policy, WorkingDays, compile};

/// A pack without its own `leaves-to-layers` and `[calendar]`.
fn silent_about_layers_and_days(text: &str) -> String {
    let (before, days) = text.split_once("[calendar]").unwrap();
    let (_, after) = days.split_once("\n# ---").unwrap();
    let before: Vec<&str> = before.lines().filter(|line| !line.starts_with("leaves-to-layers")).collect();
    format!("{}\n# ---{after}", before.join("\n"))
}

/// Lakala with everything there is to say about some sales only.
pub(crate) fn rich() -> String {
    let text = silent_about_layers_and_days(&pack("lakala"));
    let text = text.replacen(
        "[void]",
        r#"leaves-to-layers = ["refund.window", "charge"]
effective = { from = "2026-01-01", until = "2027-01-01" }

[calendar]
weekend = ["saturday", "sunday"]
holidays = ["2026-10-01", "2026-10-02"]
workdays = ["2026-10-10"]
until = "2026-12-31"

[[charge]]
name = "credit"
match = { card-type = ["credit"], amount-from = "100.00" }
fee = { rate = "0.6%", payer = "merchant" }

[[charge]]
name = "other"
fee = { rate = "0.5%", cap = "20.00", payer = "merchant" }

[offline]
void = "allow"
refund = "deny"
reversal = "allow"
other = "deny"
at-ceiling = "refer"
max-amount = "500.00"
max-total = "2000.00"
max-count = 20
max-records = 500
bundle-age = "7 days"
contact-age = "24 hours"

[void]
since = "capture"
closed = "refer"
instead = "other-way"
kinds-not-voidable = ["top-up"]
evidence = [{ kind = "slip", after = "10 minutes", above = "100.00", reasons = ["duplicate"] }]"#,
        1,
    );
    let text = text.replacen("# 退款 ---", r#"[[void.count]]
counted = "operator"
at-most = 10
within = "1 hour"
at-ceiling = "deny"

[[void.when]]
name = "large-at-night"
match = { amount-from = "1000.00", amount-below = "5000.00", between = { from = "22:00", until = "06:00" }, weekday = ["saturday", "sunday"] }
window = "3 minutes"
operator-roles = ["manager"]
without = ["operation-fee"]

[[void.when]]
name = "kiosk"
match = { terminal-class = ["unattended"], channel = ["card", "payment-code"], merchant = ["M-1"], kind = ["purchase"], paid-from = "2026-01-01", paid-before = "2026-07-01" }
enabled = false

# 退款 ---"#, 1);
    text.replacen(
        "# 冲正 ---",
        r#"[[refund.when]]
name = "debit"
match = { card-type = ["debit"] }
window = "5 working days"
minimum-wait = "1 hour"
since = "authorisation"
closed = "deny"
instead = "support"
count = [{ counted = "payer-token", at-most = 2, within = "24 hours", at-ceiling = "refer" }]

# 冲正 ---"#,
        1,
    )
}

fn mistakes(text: &str) -> Vec<Diagnostic> {
    match compile(text, "test.toml") {
        Ok(_) => panic!("it was taken"),
        Err(mistakes) => mistakes.iter().cloned().collect(),
    }
}

#[test]
fn a_variant_has_what_it_says_and_the_rest_of_its_section() {
    let compiled = compile(&rich(), "rich.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let document = compiled.document();
    let (void, refund) = (document.void.clone().unwrap(), document.refund.clone().unwrap());
    let [night, kiosk] = document.when.void.as_slice() else { panic!("two variants of voids") };

    let mut expected = void.clone();
    expected.window = night.rules.window;
    expected.operator_roles.retain(|role| role.as_str() == "manager");
    expected.operation_fee = None;
    assert_eq!(night.rules, expected);
    assert_eq!(night.rules.window.unwrap().seconds(), 180);
    assert!(void.operation_fee.is_some());

    assert_eq!(kiosk.rules, rescind_policy::document::VoidRules { enabled: false, ..void });

    let [debit] = document.when.refund.as_slice() else { panic!("one variant of refunds") };
    assert_eq!(debit.rules.window, RefundWindow::WorkingDays(5));
    assert_eq!(debit.rules.after_window, Some(Permission::Refer));
    assert_eq!(debit.rules.tier, refund.tier);

    assert!(Policy::from_canonical(compiled.canonical()).is_ok());
    assert_ne!(document.working_days(), WorkingDays::new(None));
}

#[test]
fn each_mistake_about_some_sales_is_told_once_at_its_place() {
    // What is there, what is written instead; code, place, underlined.
    let table = [
        ("window = \"3 minutes\"", "window = \"3 min\"", "policy.scalar", "void.when[0].window", "\"3 min\""),
        ("window = \"3 minutes\"", "windw = \"3 minutes\"", "policy.unknown-field", "void.when[0]", "windw"),
        ("name = \"kiosk\"", "", "policy.missing-field", "void.when[1]", ""),
        (
            "name = \"kiosk\"",
            "name = \"large-at-night\"",
            "policy.duplicate",
            "void.when[1].name",
            "\"large-at-night\"",
        ),
        ("name = \"kiosk\"", "name = \"a b\"", "policy.word", "void.when[1].name", "\"a b\""),
        (
            "without = [\"operation-fee\"]",
            "without = [\"operation-fe\"]",
            "policy.unknown-field",
            "void.when[0].without[0]",
            "\"operation-fe\"",
        ),
        (
            "without = [\"operation-fee\"]",
            "without = [\"window\"]",
            "policy.without",
            "void.when[0].without[0]",
            "\"window\"",
        ),
        (
            "without = [\"operation-fee\"]",
            "without = [\"max-amount\"]",
            "policy.without",
            "void.when[0].without[0]",
            "\"max-amount\"",
        ),
        (
            "without = [\"operation-fee\"]",
            "without = [\"slip\"]",
            "policy.without",
            "void.when[0].without[0]",
            "\"slip\"",
        ),
        ("without = [\"operation-fee\"]", "when = []", "policy.unknown-field", "void.when[0]", "when"),
        (
            "terminal-class = [\"unattended\"]",
            "terminal-clas = [\"unattended\"]",
            "policy.unknown-field",
            "void.when[1].match",
            "terminal-clas",
        ),
        ("merchant = [\"M-1\"]", "merchant = [\"M 1\"]", "policy.word", "void.when[1].match.merchant[0]", "\"M 1\""),
        (
            "kind = [\"purchase\"]",
            "kind = [\"purchase\", \"purchase\"]",
            "policy.duplicate",
            "void.when[1].match.kind[1]",
            "\"purchase\"",
        ),
        (
            "amount-from = \"1000.00\"",
            "amount-from = \"5000.00\"",
            "policy.never",
            "void.when[0].match.amount-from",
            "\"5000.00\"",
        ),
        (
            "paid-from = \"2026-01-01\"",
            "paid-from = \"2026-07-01\"",
            "policy.never",
            "void.when[1].match.paid-from",
            "\"2026-07-01\"",
        ),
        ("until = \"06:00\"", "until = \"22:00\"", "policy.never", "void.when[0].match.between", ""),
        ("until = \"06:00\"", "until = \"24:00\"", "policy.scalar", "void.when[0].match.between.until", "\"24:00\""),
        ("match = { card-type = [\"debit\"] }", "match = {}", "policy.matcher", "refund.when[0].match", "{}"),
        ("match = { card-type = [\"debit\"] }", "", "policy.missing-field", "refund.when[0]", ""),
        (
            "since = \"authorisation\"",
            "funding = \"prefunded\"",
            "policy.when",
            "refund.when[0].funding",
            "\"prefunded\"",
        ),
        (
            "minimum-wait = \"1 hour\"",
            "minimum-wait = \"5 days\"",
            "policy.contradiction",
            "refund.when[0].minimum-wait",
            "\"5 days\"",
        ),
        ("closed = \"deny\"", "closed = \"allow\"", "policy.contradiction", "refund.when[0].closed", "\"allow\""),
        ("instead = \"support\"", "real-time = \"deny\"", "policy.no-remedy", "refund.when[0].real-time", "\"deny\""),
        (
            "at-most = 2, within = \"24 hours\"",
            "at-most = 2",
            "policy.contradiction",
            "refund.when[0].count[0].at-most",
            "2",
        ),
        (
            "at-most = 2, within = \"24 hours\"",
            "within = \"24 hours\"",
            "policy.contradiction",
            "refund.when[0].count[0].within",
            "\"24 hours\"",
        ),
        (
            "at-most = 2, within",
            "per-business-day = 3, at-most = 2, within",
            "policy.contradiction",
            "refund.when[0].count[0].per-business-day",
            "3",
        ),
        ("at-most = 2, within = \"24 hours\", ", "", "policy.contradiction", "refund.when[0].count[0]", ""),
        (
            "within = \"24 hours\"",
            "within = \"32 days\"",
            "policy.range",
            "refund.when[0].count[0].within",
            "\"32 days\"",
        ),
        ("at-most = 10", "at-most = 0", "policy.range", "void.count[1].at-most", "0"),
        ("at-most = 10", "at-most = 2_001", "policy.range", "void.count[1].at-most", "2_001"),
        (
            "reasons = [\"duplicate\"] }]",
            "reasons = [\"other\"] }]",
            "policy.unknown-reason",
            "void.evidence[0].reasons[0]",
            "\"other\"",
        ),
        ("\"charge\"]", "\"charges\"]", "policy.unknown-place", "leaves-to-layers[1]", "\"charges\""),
        ("\"charge\"]", "\"cut-off\"]", "policy.unknown-place", "leaves-to-layers[1]", "\"cut-off\""),
        ("until = \"2027-01-01\"", "until = \"2026-01-01\"", "policy.never", "effective.until", "\"2026-01-01\""),
        ("from = \"2026-01-01\", until = \"2027-01-01\"", "", "policy.range", "effective", ""),
        ("until = \"2027-01-01\"", "until = \"2027-02-29\"", "policy.scalar", "effective.until", "\"2027-02-29\""),
        ("\"2026-10-02\"]", "\"2026-10-01\"]", "policy.order", "calendar.holidays[1]", "\"2026-10-01\""),
        ("\"2026-10-02\"]", "\"2027-10-02\"]", "policy.range", "calendar.holidays[1]", "\"2027-10-02\""),
        (
            "workdays = [\"2026-10-10\"]",
            "workdays = [\"2026-10-09\"]",
            "policy.contradiction",
            "calendar.workdays[0]",
            "\"2026-10-09\"",
        ),
        (
            "workdays = [\"2026-10-10\"]",
            "workdays = [\"2026-10-02\"]",
            "policy.contradiction",
            "calendar.workdays[0]",
            "\"2026-10-02\"",
        ),
        (
            "weekend = [\"saturday\"",
            "weekend = [\"sturday\"",
            "policy.unknown-word",
            "calendar.weekend[0]",
            "\"sturday\"",
        ),
        ("weekend = [\"saturday\", \"sunday\"]", "", "policy.missing-field", "calendar", ""),
        (
            "amount-from = \"100.00\" }",
            "weekday = [\"monday\"] }",
            "policy.matcher",
            "charge[0].match.weekday",
            "[\"monday\"]",
        ),
        ("match = { card-type = [\"credit\"], amount-from = \"100.00\" }", "", "policy.never", "charge[1]", ""),
        (
            "cap = \"20.00\", payer = \"merchant\"",
            "payer = \"customer\"",
            "policy.contradiction",
            "charge[1].fee.payer",
            "\"customer\"",
        ),
        (
            "max-total = \"2000.00\"",
            "max-total = \"100.00\"",
            "policy.contradiction",
            "offline.max-amount",
            "\"500.00\"",
        ),
        ("max-records = 500", "max-records = 0", "policy.range", "offline.max-records", "0"),
        (
            "reversal = \"allow\"\nother",
            "reversal = \"alow\"\nother",
            "policy.unknown-word",
            "offline.reversal",
            "\"alow\"",
        ),
        (
            "at-ceiling = \"refer\"\nmax-amount",
            "at-ceiling = \"allow\"\nmax-amount",
            "policy.contradiction",
            "offline.at-ceiling",
            "\"allow\"",
        ),
    ];
    for (from, to, code, at, underlined) in table {
        let text = rich();
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        let all = mistakes(&text);
        let found: Vec<String> = all.iter().map(|one| format!("{} {one}", one.code())).collect();
        assert!(all.len() == 1, "{to}: {found:#?}");
        let one = &all[0];
        assert_eq!((one.code(), one.at()), (code, at), "{to}: {found:#?}");
        if !underlined.is_empty() {
            assert_eq!(text.get(one.span()), Some(underlined), "{to}");
        }
    }
}

#[test]
fn a_mistake_of_the_section_is_not_told_again_for_each_variant() {
    for (from, to) in [
        ("per-business-day = 3", "per-business-day = 0"),
        ("paid-out = \"deny\"", "paid-out = \"dny\""),
        ("slip = true # [001]", "# [001]"),
        ("authentication = { max-age = \"2 minutes\"", "authentication = { max-age = \"25 hours\""),
    ] {
        let text = rich();
        assert!(text.contains(from), "{from}");
        let all = mistakes(&text.replacen(from, to, 1));
        let found: Vec<String> = all.iter().map(|one| format!("{} {one}", one.code())).collect();
        assert_eq!(all.len(), 1, "{to}: {found:#?}");
        assert!(!all[0].at().contains("when"), "{to}: {found:#?}");
    }
}

#[test]
fn a_variant_behind_a_wider_one_never_holds() {
    let text = rich();
    let wider =
        "[[void.when]]\nname = \"all-cards\"\nmatch = { channel = [\"card\", \"payment-code\"] }\nslip = false\n\n";
    let text = text.replacen("[[void.when]]", &format!("{wider}[[void.when]]"), 1);
    let all = mistakes(&text);
    assert_eq!((all.len(), all[0].code(), all[0].at()), (1, "policy.never", "void.when[2].match"));
    assert!(all[0].found().contains("\"all-cards\""), "{}", all[0]);
}

#[test]
fn a_way_that_only_some_sales_have_is_written_in_full_and_switched_off() {
    let text = rich();
    let (before, rest) = text.split_once("[void]").unwrap();
    let (_, after) = rest.split_once("# 退款 ---").unwrap();
    let alone = format!(
        "{before}[void]\nenabled = false\n\n[[void.when]]\nname = \"a\"\nmatch = {{ kind = [\"b\"] }}\nenabled = true\n# 退款 ---{after}"
    );
    let all = mistakes(&alone);
    assert!(all.iter().all(|one| one.code() == "policy.missing-field" && one.at() == "void"), "{all:#?}");

    let (header, rest) = text.split_once("[void]\n").unwrap();
    let (fields, rest) = rest.split_once("\nexecutor").unwrap();
    let fields: Vec<&str> = fields.lines().filter(|line| !line.starts_with("enabled")).collect();
    let off = format!("{header}[void]\nenabled = false\n{}\nexecutor{rest}", fields.join("\n"));
    let on = off.replacen("window = \"3 minutes\"", "enabled = true\nwindow = \"3 minutes\"", 1).replacen(
        "enabled = false\n\n# 退款",
        "slip = false\n\n# 退款",
        1,
    );
    let document = compile(&on, "on.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")).document().clone();
    assert!(!document.void.unwrap().enabled);
    let enabled: Vec<bool> = document.when.void.iter().map(|variant| variant.rules.enabled).collect();
    assert_eq!(enabled, [true, false]);
}
