//! Layers: what a merchant or a class of terminals restricts of its provider's policy.

use crate::packs::pack;
use crate::variants::rich;
use proptest::prelude::*;
use rescind_policy::document::{Document, LayerName, RefundWindow};
use rescind_policy::{Compiled, Diagnostic, Policy, compile, compile_layers, extends};

const HEADER: &str =
    "format = 1\nlayer = \"merchant\"\nextends = \"lakala\"\nname = \"shop\"\nversion = \"2\"\nsource = \"the shop\"\n";

/// A pack that leaves nothing to its layers and has no calendar.
fn provider() -> String {
    let text = pack("lakala");
    let (before, days) = text.split_once("[calendar]").unwrap_or((&text, "\n# ---"));
    let (_, after) = days.split_once("\n# ---").unwrap_or_default();
    let before: Vec<&str> = before.lines().filter(|line| !line.starts_with("leaves-to-layers")).collect();
    format!("{}\n# ---{after}", before.join("\n"))
}

fn layer(rules: &str) -> String {
    format!("{HEADER}{rules}")
}

fn put_upon(upper: &str, layer: &str) -> Result<Compiled, Vec<Diagnostic>> {
    compile_layers(&[(upper, "lakala.toml"), (layer, "shop.toml")])
        .map_err(|mistakes| mistakes.iter().cloned().collect())
}

fn effective(upper: &str, rules: &str) -> Document {
    let text = layer(rules);
    let compiled = put_upon(upper, &text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert!(Policy::from_canonical(compiled.canonical()).is_ok());
    compiled.document().clone()
}

#[test]
fn a_layer_that_says_nothing_changes_nothing_but_names() {
    for upper in [provider(), rich()] {
        let plain = compile(&upper, "lakala.toml").unwrap().document().clone();
        let expected = Document {
            // What was left to it.
            leaves_to_layers: Vec::new(),
            layers: vec![LayerName { name: plain.name.clone(), version: plain.version.clone() }],
            name: "shop".to_owned(),
            source: "the shop".to_owned(),
            version: "2".to_owned(),
            ..plain
        };
        assert_eq!(effective(&upper, ""), expected);
        assert_eq!(effective(&upper, "[void]\n[refund]\n[hold]\n[support]\n"), expected);
    }
}

#[test]
fn the_stricter_of_both_holds_and_the_rest_is_as_above() {
    let plain = compile(&provider(), "lakala.toml").unwrap().document().clone();
    let document = effective(
        &provider(),
        r#"
[void]
window = "10 minutes"
max-amount = "500.00"
operator-roles = ["manager"]
authentication = { max-age = "1 minute", bound = true }
[[void.count]]
counted = "merchant-account"
per-business-day = 2
at-ceiling = "deny"
[[void.count]]
counted = "operator"
at-most = 1
within = "1 hour"
at-ceiling = "refer"
[refund]
window = "2 weeks"
kinds-not-refundable = ["gift-card"]
evidence = [{ kind = "photo" }]
[[refund.tier]]
name = "always-one"
up-to = "500.00"
needed = 1
roles = ["manager"]
expires-after = "24 hours"
[[refund.tier]]
name = "always-two"
needed = 2
roles = ["manager", "reviewer"]
expires-after = "72 hours"
[privacy]
retention-days = 90
[hold]
enabled = false
"#
        .replace("2 weeks", "14 days")
        .as_str(),
    );
    let (void, refund) = (document.void.unwrap(), document.refund.unwrap());
    assert_eq!(void.window.unwrap().seconds(), 600);
    assert_eq!(void.max_amount.unwrap().minor(), 50_000);
    assert_eq!(void.operator_roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(), ["manager"]);
    let counts: Vec<_> = void.count.iter().map(|count| (count.per_business_day, count.at_most)).collect();
    assert_eq!(counts, [(Some(2), None), (None, Some(1))]);
    assert_eq!(void.reasons, plain.void.unwrap().reasons);
    assert_eq!(refund.kinds_not_refundable, ["top-up", "gift-card"]);
    assert_eq!(refund.evidence.iter().map(|rule| rule.kind.as_str()).collect::<Vec<_>>(), ["receipt", "photo"]);
    let tiers: Vec<_> = refund
        .tier
        .iter()
        .map(|tier| {
            let up_to = tier.up_to.map(|amount| amount.minor());
            let roles: Vec<&str> = tier.roles.iter().map(|role| role.as_str()).collect();
            (up_to, tier.needed, roles.join(" "), tier.expires_after.seconds() / 3_600, tier.escalation.len())
        })
        .collect();
    assert_eq!(
        tiers,
        [(Some(50_000), 1, "manager".to_owned(), 24, 0), (None, 2, "manager reviewer".to_owned(), 72, 0),]
    );
    assert_eq!(document.privacy.unwrap().retention_days, 90);
    assert_eq!(document.hold, plain.hold.map(|hold| rescind_policy::document::HoldRules { enabled: false, ..hold }));
    assert_eq!(document.reversal, plain.reversal);
}

#[test]
fn what_is_looser_is_told_with_what_the_upper_says() {
    // What the layer says; place, underlined, expected, suggestion.
    let table = [
        (
            "[void]\nwindow = \"40 minutes\"",
            "void.window",
            "\"40 minutes\"",
            "\"30 minutes\", as in lakala, or stricter",
            Some("\"30 minutes\""),
        ),
        (
            "[void]\noperator-roles = [\"clerk\"]",
            "void.operator-roles",
            "[\"clerk\"]",
            "[\"cashier\", \"supervisor\", \"manager\"], as in lakala, or stricter",
            Some("[\"cashier\", \"supervisor\", \"manager\"]"),
        ),
        (
            "[void]\noperator-roles = [\"clerk\", \"manager\"]",
            "void.operator-roles",
            "[\"clerk\", \"manager\"]",
            "[\"cashier\", \"supervisor\", \"manager\"], as in lakala, or stricter",
            Some("[\"cashier\", \"supervisor\", \"manager\"]"),
        ),
        (
            "[void]\npaid-out = \"refer\"",
            "void.paid-out",
            "\"refer\"",
            "\"deny\", as in lakala, or stricter",
            Some("\"deny\""),
        ),
        (
            "[void]\nexecutor = \"terminal\"",
            "void.executor",
            "\"terminal\"",
            "\"courier\", as in lakala",
            Some("\"courier\""),
        ),
        ("[void]\nsince = \"authorisation\"", "void.since", "\"authorisation\"", "nothing, as in lakala", None),
        (
            "[void]\nuntil-settlement = false",
            "void.until-settlement",
            "false",
            "true, as in lakala, or stricter",
            Some("true"),
        ),
        (
            "[void]\nreason = \"optional\"",
            "void.reason",
            "\"optional\"",
            "\"mandatory\", as in lakala, or stricter",
            Some("\"mandatory\""),
        ),
        (
            "[void]\nauthentication = { max-age = \"1 minute\", bound = false }",
            "void.authentication",
            "{ max-age = \"1 minute\", bound = false }",
            "{ max-age = \"2 minutes\", bound = true }, as in lakala, or stricter",
            Some("{ max-age = \"2 minutes\", bound = true }"),
        ),
        (
            "[refund]\nwindow = \"1 month\"",
            "refund.window",
            "\"1 month\"",
            "\"30 days\", as in lakala, or stricter",
            Some("\"30 days\""),
        ),
        (
            "[refund]\nwindow = \"30 working days\"",
            "refund.window",
            "\"30 working days\"",
            "\"30 days\", as in lakala, or stricter",
            Some("\"30 days\""),
        ),
        (
            "[refund]\nafter-window = \"allow\"",
            "refund.after-window",
            "\"allow\"",
            "\"refer\", as in lakala, or stricter",
            Some("\"refer\""),
        ),
        (
            "[[void.when]]\nname = \"a\"\nmatch = { kind = [\"b\"] }\nwindow = \"31 minutes\"",
            "void.when[0].window",
            "\"31 minutes\"",
            "\"30 minutes\", as in lakala, or stricter",
            Some("\"30 minutes\""),
        ),
        (
            "[[refund.tier]]\nname = \"a\"\nneeded = 2\nroles = [\"manager\"]\nexpires-after = \"73 hours\"",
            "refund.tier",
            "",
            "nothing looser than `refund.tier` of lakala",
            None,
        ),
        ("[hold.completion-void]\nuntil-settlement = true\nwindow = \"1 day\"", "hold.completion-void", "", "", None),
        ("cut-off = \"22:00\"", "cut-off", "\"22:00\"", "\"23:00\", as in lakala", Some("\"23:00\"")),
        (
            "leaves-to-layers = [\"refund.window\"]",
            "leaves-to-layers[0]",
            "\"refund.window\"",
            "only places that lakala leaves to its layers",
            None,
        ),
        ("[calendar]\nweekend = []\nuntil = \"2030-01-01\"", "calendar", "", "no `[calendar]`, as in lakala", None),
        ("[[prepaid]]\nkind = \"travel-package\"\ncancellable = \"allow\"", "prepaid", "", "", None),
        (
            "[[charge]]\nname = \"a\"\nfee = { rate = \"1%\", payer = \"merchant\" }",
            "charge",
            "",
            "nothing, as in lakala",
            None,
        ),
    ];
    for (rules, at, underlined, expected, suggestion) in table {
        let text = layer(rules);
        let all = put_upon(&provider(), &text).unwrap_err();
        assert_eq!(all.len(), 1, "{rules}: {all:#?}");
        assert_eq!((all[0].code(), all[0].at()), ("policy.looser", at), "{rules}: {}", all[0]);
        if !underlined.is_empty() {
            assert_eq!(text.get(all[0].span()), Some(underlined), "{rules}");
        }
        if !expected.is_empty() {
            assert_eq!((all[0].expected(), all[0].suggestion()), (expected, suggestion), "{rules}");
        }
    }
}

#[test]
fn mistakes_of_a_layer_are_told_in_its_file() {
    let table = [
        (layer("[void]\nwindw = \"1 minute\""), "policy.unknown-field", "void"),
        (layer("[void]\nwindow = \"1 min\""), "policy.scalar", "void.window"),
        (layer("[refund]\nminimum-wait = \"30 days\""), "policy.contradiction", "refund.minimum-wait"),
        (layer("[refund]\nreal-time = \"deny\""), "policy.no-remedy", "refund.real-time"),
        (
            layer("[[void.when]]\nname = \"a\"\nmatch = { kind = [\"b\"] }\nwithout = [\"window\"]"),
            "policy.without",
            "void.when[0].without[0]",
        ),
        (
            layer(
                "[[void.when]]\nname = \"a\"\nmatch = { kind = [\"b\"] }\nmin-amount = \"2.00\"\nmax-amount = \"1.00\"",
            ),
            "policy.contradiction",
            "void.when[0].min-amount",
        ),
        (layer("for = {}\n[void]\nwindow = \"1 minute\""), "policy.matcher", "for"),
        (layer("for = { kind = [\"b\"] }\n[privacy]\nretention-days = 1"), "policy.layer", "privacy"),
        (HEADER.replace("lakala", "lakalla"), "policy.layer", "extends"),
        (HEADER.replace("\"merchant\"", "\"merchants\""), "policy.unknown-word", "layer"),
        (HEADER.replace("version = \"2\"\n", ""), "policy.missing-field", ""),
        (HEADER.replace("format = 1\n", "format = 2\n"), "policy.scalar", "format"),
    ];
    for (text, code, at) in table {
        let all = put_upon(&provider(), &text).unwrap_err();
        let found: Vec<String> = all.iter().map(|one| format!("{} {one}", one.code())).collect();
        assert!(all.len() == 1 && (all[0].code(), all[0].at()) == (code, at), "{code} {at}: {found:#?}");
        assert!(text.get(all[0].span()).is_some());
    }
    let alone = compile(HEADER, "shop.toml").unwrap_err();
    assert_eq!(alone.iter().next().unwrap().code(), "policy.layer");
    assert_eq!(extends(HEADER).as_deref(), Some("lakala"));
    assert_eq!(extends(&provider()), None);
    assert!(compile_layers(&[]).is_err());
    let terminal = HEADER.replace("\"merchant\"", "\"terminal-class\"");
    let below = HEADER.replace("lakala", "shop").replace("name = \"shop\"", "name = \"below\"");
    let upside_down = compile_layers(&[(&provider(), "a"), (&terminal, "b"), (&below, "c")]).unwrap_err();
    assert_eq!(upside_down.iter().next().unwrap().at(), "layer");
}

#[test]
fn what_the_upper_leaves_to_its_layers_may_be_looser() {
    let upper = rich();
    let document = effective(
        &upper,
        "[[charge]]\nname = \"flat\"\nfee = { rate = \"1%\", payer = \"merchant\" }\n[refund]\nwindow = \"60 days\"\n",
    );
    assert_eq!(document.charge.len(), 1);
    assert_eq!(document.refund.unwrap().window, RefundWindow::Days(60));
    // The variant has a window of its own, which was not left.
    assert_eq!(document.when.refund[0].rules.window, RefundWindow::WorkingDays(5));
    let whole = provider().replacen("[void]", "leaves-to-layers = [\"void\", \"offline\"]\n[void]", 1);
    let offline = "[offline]\nvoid = \"allow\"\nrefund = \"deny\"\nreversal = \"deny\"\nother = \"deny\"\nat-ceiling = \"deny\"\nmax-records = 5\nbundle-age = \"1 day\"\ncontact-age = \"1 hour\"\n";
    let document = effective(&whole, &format!("[void]\nwindow = \"60 minutes\"\nexecutor = \"terminal\"\n{offline}"));
    assert_eq!(document.void.unwrap().window.unwrap().seconds(), 3_600);
    assert_eq!(document.offline.unwrap().max_records, 5);
    // What was left to the layer is not left to what is put upon it, unless it says so.
    assert!(document.leaves_to_layers.is_empty());
    assert_eq!(effective(&whole, "leaves-to-layers = [\"offline\"]\n").leaves_to_layers, ["offline"]);
}

#[test]
fn what_a_merchant_does_not_leave_its_terminals_cannot_loosen() {
    let provider = provider().replacen("[void]", "leaves-to-layers = [\"refund.window\"]\n[void]", 1);
    let terminals = |window: &str| {
        format!(
            "format = 1\nlayer = \"terminal-class\"\nextends = \"shop\"\nname = \"kiosks\"\nversion = \"1\"\nsource = \"s\"\n[refund]\nwindow = \"{window}\"\n"
        )
    };
    let put = |merchant: &str, window: &str| {
        compile_layers(&[(&provider, "a"), (&layer(merchant), "b"), (&terminals(window), "c")])
            .map(|compiled| compiled.document().refund.as_ref().unwrap().window)
            .map_err(|mistakes| mistakes.iter().next().unwrap().code())
    };
    let shorter = "[refund]\nwindow = \"10 days\"\n";
    assert_eq!(put(shorter, "9 days"), Ok(RefundWindow::Days(9)));
    assert_eq!(put(shorter, "5 months"), Err("policy.looser"));
    let leaving = format!("leaves-to-layers = [\"refund.window\"]\n{shorter}");
    assert_eq!(put(&leaving, "5 months"), Ok(RefundWindow::Months(5)));
}

#[test]
fn days_are_no_shorter_than_working_days_of_a_calendar_that_ends() {
    let working = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("window = ") && !line.contains("minutes")).unwrap();
        text.replacen(line, "window = \"5 working days\"", 1)
    };
    let upper = working(&provider());
    assert_eq!(effective(&upper, "[refund]\nwindow = \"5 days\"\n").refund.unwrap().window, RefundWindow::Days(5));
    let calendar = "[calendar]\nuntil = \"2027-12-31\"\nweekend = [\"saturday\", \"sunday\"]\n";
    let upper = format!("{upper}\n{calendar}");
    let mistakes = put_upon(&upper, &layer("[refund]\nwindow = \"5 days\"\n")).unwrap_err();
    assert_eq!((mistakes.len(), mistakes[0].code(), mistakes[0].at()), (1, "policy.looser", "refund.window"));
    let shorter = effective(&upper, "[refund]\nwindow = \"4 working days\"\n");
    assert_eq!(shorter.refund.unwrap().window, RefundWindow::WorkingDays(4));
}

#[test]
fn a_layer_that_makes_too_many_variants_is_refused_at_once() {
    let name = |letter: &str, index: usize| format!("{}{index:02}", letter.repeat(62));
    let (mut upper, mut below) =
        (provider(), layer("for = { between = { from = \"02:00\", until = \"01:00\" } }\n[void]\n"));
    for index in 0..32 {
        let (above, own, hour) = (name("a", index), name("b", index), index % 20);
        upper += &format!(
            "\n[[void.when]]\nname = \"{above}\"\nmatch = {{ merchant = [\"M-{index}\"], between = {{ from = \"{:02}:30\", until = \"{:02}:10\" }} }}\nmax-amount = \"{}.00\"\n",
            hour + 1,
            hour + 1,
            index + 100,
        );
        below += &format!(
            "[[void.when]]\nname = \"{own}\"\nmatch = {{ kind = [\"k-{index}\"], between = {{ from = \"{:02}:45\", until = \"{:02}:20\" }} }}\nmax-amount = \"5.00\"\n",
            hour + 2,
            hour + 2,
        );
    }
    #[expect(clippy::disallowed_methods, reason = "a native test that looks for a hang")]
    let began = std::time::Instant::now();
    let mistakes = put_upon(&upper, &below).unwrap_err();
    assert!(mistakes.iter().any(|mistake| mistake.code() == "policy.range"), "{mistakes:#?}");
    // It takes a blink, where every pair of 32 by 32 variants took minutes.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_layer_tightens_what_holds_for_some_sales_too() {
    // Above: 30 minutes; 3 minutes for large sales at night; kiosks never.
    let document = effective(&rich(), "[void]\nwindow = \"10 minutes\"\nmax-amount = \"2000.00\"\n");
    let windows: Vec<_> = document
        .when
        .void
        .iter()
        .map(|one| (one.name.as_str(), one.rules.window.unwrap().seconds(), one.rules.max_amount.unwrap().minor()))
        .collect();
    assert_eq!(windows, [("large-at-night", 180, 200_000), ("kiosk", 600, 200_000)]);
    assert_eq!(document.void.unwrap().window.unwrap().seconds(), 600);
}

#[test]
fn a_layer_for_some_sales_holds_for_them_only() {
    let document = effective(
        &rich(),
        "for = { terminal-class = [\"counter\"], card-type = [\"credit\"] }\n[void]\nwindow = \"2 minutes\"\n[[void.when]]\nname = \"gifts\"\nmatch = { kind = [\"gift\"] }\nenabled = false\n",
    );
    let plain = compile(&rich(), "lakala.toml").unwrap().document().clone();
    assert_eq!(document.void, plain.void);
    let rules: Vec<_> = document
        .when
        .void
        .iter()
        .map(|one| (one.name.as_str(), one.rules.window.unwrap().seconds(), one.rules.enabled))
        .collect();
    assert_eq!(
        rules,
        [
            ("large-at-night-gifts", 120, false),
            ("large-at-night-shop", 120, true),
            ("large-at-night", 180, true),
            // Kiosks are no counters: nothing of both.
            ("kiosk", 1_800, false),
            ("gifts", 120, false),
            ("shop", 120, true),
        ]
    );
    let shop = &document.when.void[5].matches;
    assert_eq!((shop.terminal_class.as_slice(), shop.card_type.len()), (["counter".to_owned()].as_slice(), 1));
    assert_eq!(document.when.void[1].matches.between, plain.when.void[0].matches.between);
    assert_eq!(document.refund, plain.refund);
}

#[test]
fn a_layer_for_sales_that_the_upper_treats_apart_is_compared_with_that() {
    let upper = rich();
    // Debit cards have five working days above, not thirty days.
    let debit =
        |window: &str| layer(&format!("for = {{ card-type = [\"debit\"] }}\n[refund]\nwindow = \"{window}\"\n"));
    let upper = upper.replacen("leaves-to-layers = [\"refund.window\", \"charge\"]", "", 1);
    assert!(put_upon(&upper, &debit("4 working days")).is_ok());
    let all = put_upon(&upper, &debit("6 working days")).unwrap_err();
    assert_eq!((all.len(), all[0].code(), all[0].at()), (1, "policy.looser", "refund.window"));
}

#[test]
fn a_terminal_class_is_put_upon_a_merchant() {
    let merchant = layer("[void]\nwindow = \"20 minutes\"\n");
    let class = |window: &str| {
        format!(
            "format = 1\nlayer = \"terminal-class\"\nextends = \"shop\"\nname = \"shop-kiosks\"\nversion = \"1\"\nsource = \"s\"\nfor = {{ terminal-class = [\"unattended\"] }}\n[void]\nwindow = \"{window}\"\n"
        )
    };
    let text = class("5 minutes");
    let compiled =
        compile_layers(&[(&provider(), "lakala.toml"), (&merchant, "shop.toml"), (&text, "kiosks.toml")]).unwrap();
    let document = compiled.document();
    let layers: Vec<&str> = document.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!((layers, document.name.as_str()), (vec!["lakala", "shop"], "shop-kiosks"));
    assert_eq!(document.void.as_ref().unwrap().window.unwrap().seconds(), 1_200);
    assert_eq!(document.when.void[0].rules.window.unwrap().seconds(), 300);
    let looser = class("25 minutes");
    let mistakes = compile_layers(&[(&provider(), "lakala.toml"), (&merchant, "shop.toml"), (&looser, "kiosks.toml")])
        .unwrap_err();
    let one = mistakes.iter().next().unwrap();
    assert_eq!((one.code(), one.expected()), ("policy.looser", "\"20 minutes\", as in shop, or stricter"));
}

/// Things a layer can say of Lakala's policy, each stricter than it; any of them together make a layer.
const STRICTER: &[(&str, &str)] = &[
    ("void", "window = \"9 minutes\""),
    ("void", "max-amount = \"700.00\""),
    ("void", "same = [\"calendar-day\"]"),
    ("void", "operator-roles = [\"manager\", \"supervisor\"]"),
    ("void", "count = [{ counted = \"merchant-account\", per-business-day = 2, at-ceiling = \"deny\" }]"),
    ("void", "identity = [{ above = \"100.00\", any-of = [\"pin-verified\"] }]"),
    ("refund", "window = \"20 days\""),
    ("refund", "partial = false"),
    ("refund", "max-count = 3"),
    ("refund", "min-amount = \"1.00\""),
    ("refund", "kinds-not-refundable = [\"gift\"]"),
    ("refund", "tiers-by = [\"sale\"]"),
    ("refund", "tier = [{ name = \"two\", needed = 2, roles = [\"manager\"], expires-after = \"48 hours\" }]"),
    ("code", "time-to-live = \"1 minute\""),
    ("hold", "ceiling-percent = 100"),
    ("hold", "release-roles = [\"manager\"]"),
];

/// What `rich` leaves to its layers, left on.
const LEAVING: &str = "leaves-to-layers = [\"refund.window\", \"charge\"]\n";

fn written(picked: &[usize]) -> String {
    let mut text = String::new();
    for section in ["void", "refund", "code", "hold"] {
        text += &format!("[{section}]\n");
        for (_, line) in picked.iter().filter_map(|at| STRICTER.get(*at)).filter(|(of, _)| *of == section) {
            text += &format!("{line}\n");
        }
    }
    text
}

fn some() -> impl Strategy<Value = Vec<usize>> {
    proptest::sample::subsequence((0..STRICTER.len()).collect::<Vec<_>>(), 0..=STRICTER.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn two_layers_hold_as_one_that_says_both(one in some(), other in some(), is_for_some in any::<bool>()) {
        let only = if is_for_some { "for = { kind = [\"toy\"] }\n" } else { "" };
        // How long a code lives and what a completion may capture are one for all sales.
        let for_some = |at: &usize| !is_for_some || !["time-to-live", "ceiling-percent"].iter().any(|one| STRICTER[*at].1.starts_with(one));
        let (one, other): (Vec<usize>, Vec<usize>) =
            (one.into_iter().filter(for_some).collect(), other.into_iter().filter(for_some).collect());
        let upper = rich();
        let first = layer(&format!("{LEAVING}{only}{}", written(&one)));
        let second = layer(&format!("{LEAVING}{only}{}", written(&other))).replace("\"lakala\"", "\"shop\"");
        let mut both: Vec<usize> = one.iter().chain(&other).copied().collect();
        both.sort_unstable();
        both.dedup();
        let both = layer(&format!("{LEAVING}{only}{}", written(&both)));
        let stacked = compile_layers(&[(&upper, "a"), (&first, "b"), (&second, "c")]).unwrap();
        let at_once = put_upon(&upper, &both).unwrap();
        let (stacked, at_once) = (stacked.document(), at_once.document());
        prop_assert_eq!(&stacked.void, &at_once.void);
        prop_assert_eq!(&stacked.refund, &at_once.refund);
        prop_assert_eq!(&stacked.code, &at_once.code);
        prop_assert_eq!(&stacked.hold, &at_once.hold);
        if !is_for_some {
            prop_assert_eq!(&stacked.when, &at_once.when);
        }
    }

    #[test]
    fn a_layer_put_upon_its_own_result_changes_nothing(picked in some()) {
        let upper = rich();
        let text = layer(&format!("{LEAVING}{}", written(&picked)));
        let again = text.replace("\"lakala\"", "\"shop\"");
        let once = put_upon(&upper, &text).unwrap();
        let twice = compile_layers(&[(&upper, "a"), (&text, "b"), (&again, "c")]).unwrap();
        let unnamed = |document: &Document| Document { layers: Vec::new(), ..document.clone() };
        prop_assert_eq!(unnamed(once.document()), unnamed(twice.document()));
    }
}
