//! The canonical form: one for each content, and nothing else is loaded.

use crate::packs::{compiled, pack};
use crate::variants::rich;
use proptest::prelude::*;
use rescind_policy::check::problems;
use rescind_policy::document::FORMAT;
use rescind_policy::limits::DOCUMENT_BYTES;
use rescind_policy::{Document, LoadError, Policy, canonical, compile};
use std::collections::{BTreeMap, BTreeSet};

/// JSON with sorted keys, to write documents in their canonical form by another road than the crate's.
enum Json {
    Atom(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

fn sorted(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Array(items) => Json::List(items.iter().map(sorted).collect()),
        serde_json::Value::Object(fields) => {
            Json::Map(fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        serde_json::Value::Number(number) => {
            assert!(number.is_i64() || number.is_u64(), "{number} is no integer");
            assert!(number.as_i64().unwrap().unsigned_abs() < 1 << 53, "{number} is beyond RFC 8785's integers");
            Json::Atom(number.to_string())
        }
        serde_json::Value::Null => panic!("null in a canonical document"),
        atom => Json::Atom(atom.to_string()),
    }
}

fn written(json: &Json) -> String {
    match json {
        Json::Atom(text) => text.clone(),
        Json::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Json::Map(fields) => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key:?}:{}", written(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// Uses every field of the language.
const EVERYTHING: &str = r#"
format = 1
name = "everything"
version = "9"
source = "this test, with \"quotes\", \\, tab \t, 中文 and \u007F"
currency = "CNY"
time-zone = "-03:30"
cut-off = "24:00"
[void]
enabled = false
executor = "terminal"
window = "30 minutes"
minimum-wait = "15 seconds"
until-settlement = true
same = ["open-batch", "business-day", "calendar-day"]
paid-out = "refer"
after-refund = "allow"
min-amount = "0.01"
max-amount = "20000.00"
operator-roles = ["supervisor"]
reason = "optional"
reasons = ["a"]
operation-fee = { fixed = "1", rate = "0.38%", floor = "0.01", cap = "20.00", payer = "customer" }
acquiring-fee = "kept"
slip = false
arrival = [{ channel = "card", card-type = "debit", min-days = 0, max-days = 1, working-days = true }]
count = [{ counted = "payer-token", per-business-day = 3, at-ceiling = "deny" }]
[refund]
enabled = true
executor = "courier"
window = "11 months"
after-window = "refer"
same-business-day = "refer"
partial = true
max-count = 50
min-spacing = "1 minute"
min-amount = "0.01"
max-amount = "100.00"
kinds-not-refundable = ["top-up"]
not-refundable = "refer"
real-time = "refer"
reason = "mandatory"
reasons = ["b"]
evidence = [{ kind = "photo", above = "1.00", reasons = ["b"] }]
tiers-by = ["requester-day"]
operation-fee = { rate = "100%", payer = "acquirer" }
late-fee = { after = "7 days", fixed = "0.00", payer = "merchant" }
acquiring-fee = "full"
slip = true
[[refund.tier]]
name = "all"
needed = 1
roles = ["manager"]
expires-after = "2 hours"
escalation = [{ after = "1 hour", roles = ["owner"] }]
"#;

/// Uses every field that the language has besides those of [`EVERYTHING`].
const REST: &str = r#"
[reversal]
enabled = false
executor = "terminal"
queries = ["1 second", "2 seconds"]
window = "7 days"
minimum-wait = "15 seconds"
after-window = "refer"
slip = true
[code]
enabled = true
executor = "courier"
time-to-live = "5 minutes"
scanned = "deny"
expired = "refer"
queries = ["32 seconds"]
slip = false
[hold]
enabled = true
executor = "terminal"
ceiling-percent = 115
validity = "30 days"
release-roles = ["supervisor"]
completion-void = { until-settlement = false, window = "1 day" }
penalty = { max-rate = "50%", cap = "500.00" }
queries = ["1 minute"]
slip = true
[[prepaid]]
kind = "hotel"
cancellable = "refer"
penalty = [{ within = "1 day", rate = "100%" }, { within = "2 days", fixed = "1.00", rate = "10%" }, { fixed = "0.50" }]
[support]
roles = ["support"]
grant-lives = "1 day"
case-lives = "3 days"
[legal]
roles = ["compliance"]
order-lives = "1 day"
[privacy]
retention-days = 365
"#;

/// Everything there is to say.
fn all_there_is() -> String {
    let proofs = r#"authentication = { max-age = "2 minutes", bound = false }
identity = [{ any-of = ["customer-confirmed"] }, { above = "1.00", any-of = ["pin-verified", "card-presented"] }]
"#;
    let refund = format!("[refund]\ncoupon = \"cash-first\"\nfunding = \"prefunded\"\n{proofs}");
    let text = EVERYTHING.replace("[refund]\n", &refund).replace("[void]\n", &format!("[void]\n{proofs}"));
    format!("{text}{REST}")
}

#[test]
fn a_section_that_is_not_written_leaves_no_trace_in_the_canonical_form() {
    // Policies of the time before a section was invented keep their bytes, and with them their hash.
    let old = String::from_utf8(compile(EVERYTHING, "test").unwrap().canonical().to_vec()).unwrap();
    let new = String::from_utf8(compile(&all_there_is(), "test").unwrap().canonical().to_vec()).unwrap();
    for key in ["reversal", "code", "hold", "prepaid", "support", "legal", "privacy", "authentication", "identity"] {
        let key = format!("\"{key}\":");
        assert!(!old.contains(&key) && new.contains(&key), "{key}");
    }
    for key in ["\"coupon\":\"cash-first\"", "\"funding\":\"prefunded\""] {
        assert!(!old.contains(key) && new.contains(key), "{key}");
    }
}

#[test]
fn every_pack_compiles_and_loads() {
    for name in ["lakala", "unionpay"] {
        let compiled = compiled(name);
        let policy = Policy::from_canonical(compiled.canonical()).unwrap();
        assert_eq!(policy.identity().hash, *compiled.hash());
        assert_eq!(policy.identity().name, name);
        assert_eq!(policy.document(), compiled.document());
    }
}

#[test]
fn the_canonical_form_has_sorted_keys_and_no_spaces() {
    for text in [pack("lakala"), pack("unionpay"), EVERYTHING.to_owned(), all_there_is(), rich()] {
        let compiled = compile(&text, "test").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let value: serde_json::Value = serde_json::from_slice(compiled.canonical()).unwrap();
        let canonical = core::str::from_utf8(compiled.canonical()).unwrap();
        assert_eq!(canonical, written(&sorted(&value)));
        assert!(Policy::from_canonical(compiled.canonical()).is_ok());
    }
}

#[test]
fn comments_and_order_change_no_hash_and_any_value_does() {
    let hash = |text: &str| compile(text, "test").unwrap().hash().clone();
    let text = pack("lakala");
    let bare: String =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}  # other\r\n\n")).collect();
    assert_eq!(hash(&text), hash(&bare));
    assert_eq!(hash(&text), hash(&text.replace("\"30 minutes\"", "\"1800 seconds\"")));
    assert_eq!(hash(&text), hash(&text.replace("\"1000.00\"", "\"1000\"")));
    assert_ne!(hash(&text), hash(&text.replace("\"30 minutes\"", "\"31 minutes\"")));
    assert_ne!(hash(&text), hash(&text.replace("\"1000.00\"", "\"1000.01\"")));
}

#[test]
fn a_hash_is_what_it_was_when_it_was_released() {
    // A change of the canonical form of an unchanged document would orphan every recorded decision.
    // Fields that came later were not in it.
    let released = EVERYTHING.replace("\nafter-window = \"refer\"", "").replace("\nnot-refundable = \"refer\"", "");
    let compiled = compile(&released, "test").unwrap();
    assert_eq!(compiled.hash().as_str(), "9478ce4c2d07c93456bda3d2e9369033041dda6c2db9171240eff372041f4d82");
}

#[test]
fn what_is_not_canonical_is_refused_with_the_reason() {
    let bytes = compiled("lakala").canonical().to_vec();
    let text = String::from_utf8(bytes).unwrap();
    let refused = |text: &str| Policy::from_canonical(text.as_bytes()).unwrap_err();
    let table: [(String, &str); 13] = [
        (text.replacen('{', "{ ", 1), "policy.not-canonical"),
        (format!("{text}\n"), "policy.not-canonical"),
        (text.replace("\"slip\":true", "\"slip\": true"), "policy.not-canonical"),
        (text.replace("Lakala", "\\u004cakala"), "policy.not-canonical"),
        (text.replacen("\"needed\":0,", "\"needed\":0,\"roles\":[],", 1), "policy.not-canonical"),
        (text.replacen("\"needed\":0,", "\"needed\":-0,", 1), "policy.shape"),
        (text.replacen("\"needed\":0,", "\"needed\":0.0,", 1), "policy.shape"),
        (text.replacen("\"needed\":0,", "\"needed\":11,", 1), "policy.value"),
        (text.replacen("\"needed\":0,", "\"needed\":0,\"needed\":0,", 1), "policy.shape"),
        (text.replace("\"format\":1", "\"format\":2"), "policy.format"),
        (text.replace("\"format\":1", "\"format\":2,\"from-the-future\":{}"), "policy.format"),
        (text.replace("\"format\":1", "\"format\":1,\"from-the-future\":{}"), "policy.shape"),
        (text.replace("\"currency\":\"CNY\"", "\"currency\":\"XXX\""), "policy.value"),
    ];
    for (changed, code) in table {
        assert_ne!(changed, text, "{code}: nothing was changed");
        assert_eq!(refused(&changed).code(), code, "{}", refused(&changed));
    }
    let large = format!("{}{}", text, " ".repeat(DOCUMENT_BYTES));
    assert_eq!(refused(&large), LoadError::TooLarge { found: large.len() });
    assert_eq!(refused(&"[".repeat(DOCUMENT_BYTES)).code(), "policy.shape");
}

/// A document by another road than the crate's: read as any JSON is, and written again to be compared.
fn by_another_road(bytes: &[u8]) -> Option<Document> {
    let document: Document = serde_json::from_slice(bytes).ok()?;
    let is_canonical = document.format == FORMAT && canonical(&document) == bytes;
    (is_canonical && problems(&document).is_empty()).then_some(document)
}

/// What the crate reads is what the other road reads, and it refuses what that refuses.
fn both_roads_meet(bytes: &[u8]) {
    let read = Policy::from_canonical(bytes);
    assert_eq!(
        read.as_ref().ok().map(Policy::document),
        by_another_road(bytes).as_ref(),
        "{}: {read:?}",
        String::from_utf8_lossy(bytes)
    );
    if let Ok(policy) = read {
        assert_eq!(policy.identity().hash, rescind_model::Digest::of(bytes));
    }
}

/// Documents that together use every field there is.
fn documents() -> &'static [Vec<u8>] {
    static DOCUMENTS: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
        let compiled = |text: String| compile(&text, "test").unwrap().canonical().to_vec();
        [pack("lakala"), pack("unionpay"), EVERYTHING.to_owned(), all_there_is(), rich()].map(compiled).to_vec()
    });
    &DOCUMENTS
}

#[test]
fn a_text_has_one_way_to_be_written() {
    let document = documents().first().unwrap();
    let source = Policy::from_canonical(document).unwrap().document().source.clone();
    let with = |written: &str| {
        let written = format!("\"source\":{written}");
        String::from_utf8(document.clone()).unwrap().replacen(
            &format!("\"source\":{}", serde_json::to_string(&source).unwrap()),
            &written,
            1,
        )
    };
    let mut ways: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Every letter below 256 and some above, as itself and in every way that JSON knows to escape it.
    for letter in (0..256).chain([0x2028, 0xd7ff, 0xfffd, 0xffff]).filter_map(char::from_u32) {
        let number = u32::from(letter);
        let short = match letter {
            '\x08' => 'b',
            '\x0c' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            other => other,
        };
        for written in [
            format!("\"{letter}\""),
            format!("\"\\{short}\""),
            format!("\"\\u{number:04x}\""),
            format!("\"\\u{number:04X}\""),
            format!("\"a\\u{number:04x}b{letter}\""),
        ] {
            let text = with(&written);
            both_roads_meet(text.as_bytes());
            if let Ok(policy) = Policy::from_canonical(text.as_bytes()) {
                ways.entry(policy.document().source.clone()).or_default().insert(written);
            }
        }
    }
    assert_eq!(ways.len(), 260);
    assert!(ways.values().all(|ways| ways.len() == 1), "{ways:?}");
    for written in ["\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u12\"", "\"\\", "\"", "\"\\x\"", "null", "1", "[]"] {
        both_roads_meet(with(written).as_bytes());
    }
}

#[test]
fn a_number_has_one_way_to_be_written() {
    let document = String::from_utf8(documents().first().unwrap().clone()).unwrap();
    assert!(document.contains("\"needed\":0,"));
    for number in [
        "00",
        "01",
        "1",
        "10",
        "11",
        "-0",
        "-1",
        "0.0",
        "1e0",
        "1E0",
        "+1",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "\"1\"",
        "true",
        "",
    ] {
        both_roads_meet(document.replacen("\"needed\":0,", &format!("\"needed\":{number},"), 1).as_bytes());
    }
}

/// What a byte is replaced by to get at the reader: structure, escapes, digits, anything.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![prop::sample::select(b"{}[]\",:\\u0129-.eE tn".to_vec()), any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(byte(), 0..400)) {
        prop_assert!(Policy::from_canonical(&bytes).is_err());
    }

    #[test]
    fn a_mutated_policy_is_refused_or_means_what_its_bytes_say(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), byte(), 0..3_u8), 1..4),
    ) {
        let mut bytes = which.get(documents()).clone();
        for (index, byte, how) in changes {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        both_roads_meet(&bytes);
    }

    #[test]
    fn members_that_are_moved_doubled_or_left_out_are_refused_or_mean_what_they_say(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5_u8), 1..3),
    ) {
        let document = core::str::from_utf8(which.get::<Vec<u8>>(documents())).unwrap();
        let mut members: Vec<String> = document.split(',').map(str::to_owned).collect();
        for (one, other, how) in changes {
            let (one, other) = (one.index(members.len()), other.index(members.len()));
            match how {
                0 => members.swap(one, other),
                1 => { let member = members.remove(one); members.insert(other.min(members.len()), member); }
                2 => { members.remove(one); }
                3 => { let next = (one + 1) % members.len(); members.swap(one, next); }
                _ => { let member = members[one].clone(); members.insert(one, member); }
            }
        }
        both_roads_meet(members.join(",").as_bytes());
    }

    #[test]
    fn a_cut_policy_is_refused(name in prop::sample::select(vec!["lakala", "unionpay"]), index in any::<prop::sample::Index>()) {
        let bytes = compiled(name).canonical().to_vec();
        prop_assert!(Policy::from_canonical(&bytes[..index.index(bytes.len())]).is_err());
    }

    #[test]
    fn no_toml_panics(lines in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, byte()), 1..5)) {
        // A pack with lines dropped, doubled, swapped, cut, or with one byte changed.
        let text = pack("lakala");
        let mut all: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        for (index, how, byte) in lines {
            let at = index.index(all.len());
            match how {
                0 => { all.remove(at); }
                1 => { let line = all[at].clone(); all.insert(at, line); }
                2 => { let to = (at + 1) % all.len(); all.swap(at, to); }
                3 => { let half = all[at].len() / 2; all[at].truncate(half); }
                4 => { let half = all[at].len() / 2; if let Some(b) = all[at].get_mut(half) { *b = byte; } }
                _ => all[at].insert(0, byte),
            }
        }
        let text = String::from_utf8_lossy(&all.join(&b'\n')).into_owned();
        match compile(&text, "test") {
            Ok(compiled) => prop_assert!(Policy::from_canonical(compiled.canonical()).is_ok()),
            Err(mistakes) => {
                prop_assert!(mistakes.iter().next().is_some());
                for mistake in &mistakes {
                    prop_assert!(text.get(mistake.span()).is_some(), "{:?}", mistake.span());
                }
            }
        }
    }
}
