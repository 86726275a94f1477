//! `doctor` over a shop that was used for a while: nothing is found; and each damage that is done to it is found, under its
//! own code.

use super::bundle::{bundle, trust};
use super::funding::funded;
use super::payment_code::code;
use super::shop::{Shop, cny, refund, sale};
use crate::doctor::{Code, Finding, Hands, Report, Severity, examine};
use crate::ports::{Kv as _, Ports as _};
use crate::store::key::Key;
use crate::terminal::notice::{Kind, TerminalNotice};
use crate::testkit::{Fault, MemoryKv};
use axum::body::Body;
use http::Request;
use rescind_model::{Digest, Duration, SaleId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The world's noon.
const NOON: i64 = 1_795_406_400_000;

/// A walk without hands.
async fn look(shop: &Shop) -> (Report, Vec<Finding>) {
    let mut found = Vec::new();
    let ports = &shop.world.app.ports;
    let report = examine(ports.kv(), ports.now(), Hands::Off, &mut found).await.unwrap();
    (report, found)
}

/// Nothing is broken.
pub async fn in_order(shop: &Shop, case: &str) {
    let (_, mut found) = look(shop).await;
    found.retain(|finding| finding.code.severity() == Severity::Broken);
    assert_eq!(found, [], "{case}");
}

/// A walk that repairs, and what the next one finds.
async fn repair(shop: &Shop) -> Vec<Finding> {
    let ports = &shop.world.app.ports;
    examine(ports.kv(), ports.now(), Hands::On, &mut Vec::new()).await.unwrap();
    look(shop).await.1
}

fn codes(found: &[Finding], at_least: Severity) -> BTreeSet<Code> {
    found.iter().map(|f| f.code).filter(|code| code.severity() >= at_least).collect()
}

fn store(shop: &Shop) -> &MemoryKv {
    shop.world.app.ports.kv()
}

/// The first key that begins so.
fn first(shop: &Shop, prefix: &str) -> String {
    let found = shop.stored().into_iter().find(|key| key.starts_with(prefix));
    found.unwrap_or_else(|| panic!("nothing begins with {prefix}"))
}

/// Changes what is stored under a key: the whole envelope.
async fn change(shop: &Shop, key: &str, how: impl FnOnce(&mut Value)) {
    let bytes = store(shop).get(key).await.unwrap().unwrap_or_else(|| panic!("{key} is not there"));
    let mut there: Value = serde_json::from_slice(&bytes).unwrap();
    let before = there.clone();
    how(&mut there);
    assert_ne!(there, before, "{key} was changed");
    store(shop).set(key, &serde_json::to_vec(&there).unwrap()).await.unwrap();
}

async fn copy_to(shop: &Shop, from: &str, to: &str) {
    let bytes = store(shop).get(from).await.unwrap().unwrap();
    store(shop).set(to, &bytes).await.unwrap();
}

async fn gone(shop: &Shop, key: &str) {
    assert!(store(shop).get(key).await.unwrap().is_some(), "{key} is not there");
    store(shop).delete(key).await.unwrap();
}

async fn ticks(shop: &Shop, count: u32) {
    for _ in 0..count {
        shop.world.app.ports.pass(Duration { ms: 2_000 });
        shop.world.app.tick().await.unwrap();
    }
}

async fn put(shop: &Shop, key: &str, path: &str, media: &str, bytes: &[u8]) -> u16 {
    let request = Request::put(path).header("authorization", format!("Bearer {key}")).header("content-type", media);
    shop.send(request.body(Body::from(bytes.to_vec())).unwrap()).await.status.as_u16()
}

/// A shop where everything was used once: sales, a void, refunds by name and without, a code that was cancelled, a referral,
/// evidence, a bundle, funds, an endpoint, a notice. All of it is carried out, told and delivered.
async fn used() -> Shop {
    let shop = funded("prefunded").await;
    let app = &shop.world.app;
    app.ports.trust_bundles(&serde_json::to_string(&trust()).unwrap());
    assert_eq!(put(&shop, &shop.admin, "/v1/bundles/lakala", "application/cose", &bundle(1, 1_000)).await, 422);
    app.put_policy("lakala", &super::shop::pack("lakala")).await.unwrap();
    assert_eq!(put(&shop, &shop.admin, "/v1/bundles/lakala", "application/cose", &bundle(1, 1_000)).await, 201);
    let endpoint = json!({"url": "https://hooks.example/x", "audience": "merchant", "locale": "en"});
    shop.post(&shop.manager, "/v1/webhook-endpoints", &endpoint).await.expect(201);
    let paid = json!({"id": "F-1", "amount": cny("500.00")});
    shop.tell(&shop.system, "/v1/merchants/M-1/funds", &paid).await.expect(201);

    for id in ["S-1", "S-2"] {
        let mut new = sale(id, "2026-11-20T12:00:00+08:00");
        new["contact"] = json!({"phone": "13912345678"});
        shop.post(&shop.system, "/v1/transactions", &new).await.expect(201);
    }
    shop.sale_of_today("S-3").await;
    let voided = shop.void("S-3", "void-1").await;
    assert!(voided.status.as_u16() < 300, "{}", voided.text);
    let mut named = refund("S-1", "60.00");
    named["id"] = json!("R-1");
    for ask in [&named, &refund("S-2", "30.00")] {
        let made = shop.tell(&shop.manager, "/v1/refunds", ask).await.expect(201);
        let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
        if made["state"] == "in-review" {
            shop.tell(&shop.reviewer, &format!("{path}/approvals"), &json!({})).await.expect(200);
        }
        shop.tell(&shop.finance, &format!("{path}/clearings"), &json!({})).await.expect(200);
    }
    shop.post(&shop.system, "/v1/payment-codes", &code("S-4")).await.expect(201);
    shop.tell(&shop.supervisor, "/v1/payment-codes/S-4/cancellations", &json!({})).await;
    let picture = [&[0xff, 0xd8, 0xff][..], &[7; 500]].concat();
    let path = format!("/v1/evidence/{}", Digest::of(&picture));
    assert_eq!(put(&shop, &shop.system, &path, "image/jpeg", &picture).await, 201);
    let terminal = rescind_model::TerminalId::parse("T1").unwrap();
    let notice = TerminalNotice::new(&shop.merchant, &terminal, Kind::Incident, "sale.differs", "one", app.ports.now());
    app.notify(notice).await.unwrap();
    ticks(&shop, 8).await;
    shop.get(&shop.finance, "/v1/merchants/M-1/funding").await.expect(200);
    // Two days go by, with something on each of them.
    for id in ["S-5", "S-6"] {
        shop.sale_of_yesterday(id).await;
        shop.world.app.ports.pass(Duration { ms: 86_400_000 });
        ticks(&shop, 3).await;
    }
    shop
}

#[tokio::test]
async fn a_shop_that_was_used_is_in_order() {
    let shop = used().await;
    let (report, found) = look(&shop).await;
    assert_eq!(codes(&found, Severity::Untidy), BTreeSet::new(), "{found:#?}");
    assert!(report.events > 10 && report.keys > 60, "{report:?}");
    // Each kind of thing that a damage is done to below is there.
    for kind in [
        "sale",
        "refund",
        "idem",
        "decision",
        "books",
        "funds",
        "bundle-part",
        "evidence-part",
        "personal",
        "checkpoint",
    ] {
        assert!(report.kinds.contains_key(kind), "{kind}: {:?}", report.kinds);
    }
    // What waits for time is reminded of: nothing is forgotten while time goes by either.
    for _ in 0..4 {
        shop.world.app.ports.pass(Duration { ms: 3_600_000 });
        shop.world.app.tick().await.unwrap();
        let (_, found) = look(&shop).await;
        assert_eq!(codes(&found, Severity::Untidy), BTreeSet::new(), "{found:#?}");
    }
}

/// Where a refund of S-1 is, in its envelope.
const REFUND: &str = "/d/ledger/refunds/0";

/// Does a damage.
async fn damage(shop: &Shop, code: Code) {
    let sale = "sale:M-1:S-1";
    let at = |path: &'static str, value: Value| move |there: &mut Value| *there.pointer_mut(path).unwrap() = value;
    match code {
        Code::RecordUnreadable => change(shop, "merchant:M-1", at("/f", json!("merchant/9"))).await,
        Code::RecordElsewhere => copy_to(shop, "person:M-1.cashier", "person:M-1.somebody").await,
        Code::RecordLost => store(shop).set("terminal:M-1:T9", &7_i64.to_le_bytes()).await.unwrap(),
        Code::BodyOrphan => copy_to(shop, sale, &format!("{sale}#0000000000000007")).await,
        Code::KeyUnknown => copy_to(shop, sale, "tomorrow:M-1").await,
        Code::ProbeLeft => store(shop).set("probe:0000000000000001", b"1").await.unwrap(),
        Code::SaleConservation => {
            change(shop, sale, at("/d/ledger/refunds/0/request/amount/minor", json!(10_001))).await;
        }
        Code::SalePostings => {
            change(shop, sale, at("/d/ledger/entries/0/postings/0/amount/minor", json!(9_999))).await;
        }
        Code::SaleFees => {
            let fees =
                json!([{"kind": "AcquiringReturned", "amount": {"minor": 61, "currency": "CNY"}, "payer": "Acquirer"}]);
            change(shop, sale, at("/d/ledger/refunds/0/fees", fees)).await;
        }
        Code::SaleConsent => {
            change(shop, sale, |there| {
                there.pointer_mut(REFUND).unwrap()["approvals"] = json!([]);
                there.pointer_mut(REFUND).unwrap()["plan"]["needed"] = json!(1);
            })
            .await;
        }
        Code::SaleChain => change(shop, sale, at("/d/events/1/at/unix_ms", json!(NOON + 1))).await,
        Code::SaleCommits => change(shop, sale, at("/v", json!(99))).await,
        Code::SaleMerchant => gone(shop, "merchant:M-1").await,
        Code::SaleLimbo => {
            change(shop, sale, |there| {
                let refund = there.pointer_mut(REFUND).unwrap();
                refund["state"] = json!("Unknown");
                refund["due_at"] = Value::Null;
                refund["attention"] = json!(false);
            })
            .await;
        }
        Code::SaleForgotten | Code::SaleUnheard => {
            let mut unknown = super::shop::sale("S-9", "2026-11-23T11:50:00+08:00");
            unknown["outcome"] = json!("unknown");
            shop.post(&shop.system, "/v1/transactions", &unknown).await.expect(201);
            ticks(shop, 1).await;
            for key in shop.stored().iter().filter(|key| key.starts_with("due:")) {
                change(shop, key, |there| {
                    let entries = there.pointer_mut("/d/entries");
                    if let Some(entries) = entries {
                        entries.as_array_mut().unwrap().retain(|e| !e["id"].as_str().unwrap().contains("S-9"));
                    } else {
                        there["v"] = json!(99);
                    }
                })
                .await;
            }
            if code == Code::SaleUnheard {
                gone(shop, "unheard").await;
            }
        }
        Code::EventUntold => change(shop, "feed:M-1:p00000000", drop_last_of("S-1")).await,
        Code::EventTwice => {
            change(shop, "feed:M-1:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                let again = entries.iter().find(|e| e["id"] == "S-1:1").unwrap().clone();
                entries.push(again);
            })
            .await;
        }
        Code::EventOrder => {
            change(shop, "feed:M-1:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                entries.retain(|e| e["id"] != "S-1:2");
            })
            .await;
        }
        Code::EventDangling => {
            change(shop, "feed:M-1:p00000000", |there| {
                there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap().push(json!({"id": "S-7:1"}));
            })
            .await;
        }
        Code::IntentWaiting => shop.sale_of_yesterday("S-9").await,
        Code::IntentLane => {
            let id = SaleId::parse("S-9").unwrap();
            let lane = crate::store::lane::of(&shop.merchant, &id);
            let intent = json!({"id": "c-1", "merchant": "M-1", "sale": "S-9", "at": {"unix_ms": NOON}});
            let key = Key::lane((lane + 1) % 16).to_string();
            let bytes = json!({"f": "lane/1", "v": 1, "c": "", "d": {"intents": [intent]}});
            store(shop).set(&key, &serde_json::to_vec(&bytes).unwrap()).await.unwrap();
        }
        Code::NoticeUntold => {
            change(shop, "feed:M-1:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                entries.retain(|e| !e["id"].as_str().unwrap().starts_with("notice/"));
            })
            .await;
            change(shop, &first(shop, "notice:"), at("/d/published", json!(false))).await;
        }
        Code::NoticeWaiting => {
            change(shop, "notices", |there| {
                let waiting = json!({"merchant": "M-1", "id": "n-1", "since": {"unix_ms": NOON}});
                there.pointer_mut("/d/notices").unwrap().as_array_mut().unwrap().push(waiting);
            })
            .await;
        }
        Code::DeliveryForgotten => change(shop, &first(shop, "cursor:M-1:"), at("/d/at/index", json!(1))).await,
        Code::DeliveryWaiting => {
            change(shop, &first(shop, "cursor:M-1:"), at("/d/at/index", json!(1))).await;
            change(shop, "lane:00:tail", at("/d/merchants", json!({"M-1": 1}))).await;
        }
        Code::CursorAhead => change(shop, &first(shop, "cursor:M-1:"), at("/d/at/page", json!(1))).await,
        Code::ListGap => copy_to(shop, "list:merchants:p00000000", "list:merchants:p00000002").await,
        Code::ListOverfull => {
            change(shop, "list:persons:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                entries.extend((0..128).map(|n| json!({"id": format!("nobody-{n}")})));
            })
            .await;
        }
        Code::ListTwice => {
            change(shop, "list:merchants:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                entries.push(entries[0].clone());
            })
            .await;
        }
        Code::ListTail => {
            let tail = json!({"f": "tail/1", "v": 1, "c": "", "d": {"page": 3}});
            store(shop).set("list:merchants:tail", &serde_json::to_vec(&tail).unwrap()).await.unwrap();
        }
        Code::ListMissing => {
            change(shop, "refunds:M-1:p00000000", |there| {
                there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap().remove(0);
            })
            .await;
        }
        Code::ListDangling => {
            change(shop, "refunds:M-1:p00000000", |there| {
                let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
                entries.push(json!({"id": "R-7", "at": "S-1"}));
            })
            .await;
        }
        Code::IndexMissing => gone(shop, &first(shop, "index:M-1:order:")).await,
        Code::IndexUnused => {
            change(shop, &first(shop, "index:M-1:order:"), |there| {
                there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap().push(json!({"id": "S-7"}));
            })
            .await;
        }
        Code::DirectoryUnused => {
            change(shop, "list:merchants:p00000000", |there| {
                there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap().push(json!({"id": "M-7"}));
            })
            .await;
        }
        Code::BucketLeft => copy_to(shop, "list:merchants:p00000000", "due:1000:1000:p00000000").await,
        Code::RetentionPassed => copy_to(shop, "list:merchants:p00000000", "retain:1:p00000000").await,
        Code::ClaimOpen => change(shop, &first(shop, "idem:"), at("/d/answer", Value::Null)).await,
        Code::AnswerLost => {
            let key = answered(shop, "\"revision\"").await;
            change(shop, &key, |there| {
                let body = there.pointer_mut("/d/answer/body").unwrap();
                *body = json!(body.as_str().unwrap().replace("S-1", "S-7").replace("S-2", "S-7"));
            })
            .await;
        }
        Code::PointerUnused => {
            copy_to(shop, "refund:M-1:R-1", "refund:M-1:R-7").await;
        }
        Code::PointerDangling => {
            copy_to(shop, "refund:M-1:R-1", "refund:M-1:R-7").await;
            change(shop, "refund:M-1:R-7", at("/d/sale", json!("S-7"))).await;
        }
        Code::PointerMissing => gone(shop, "refund:M-1:R-1").await,
        Code::TallyOpen | Code::TallyNegative => {
            let place = json!({"id": "c-1", "sale": "S-1", "adds": 1, "at": {"unix_ms": NOON}});
            let open = if code == Code::TallyOpen { json!([place]) } else { json!([]) };
            let confirmed = if code == Code::TallyOpen { 0 } else { -1 };
            let tally = json!({"f": "tally/1", "v": 1, "c": "", "d": {"confirmed": confirmed, "open": open}});
            let key = "voids:M-1:2026-11-01:terminal:0";
            store(shop).set(key, &serde_json::to_vec(&tally).unwrap()).await.unwrap();
        }
        Code::DecisionDigest => {
            change(shop, &first(shop, "decision:"), at("/d/input-digest", json!(Digest::of(b"x").hex))).await;
        }
        Code::DecisionMissing => gone(shop, &first(shop, "decision:")).await,
        Code::DecisionUnlisted => {
            let from = first(shop, "decision:");
            copy_to(shop, &from, "decision:M-1:d-7").await;
            change(shop, "decision:M-1:d-7", at("/d/id", json!("d-7"))).await;
        }
        Code::PolicyContent => {
            change(shop, &first(shop, "policy:"), |there| {
                let canonical = there.pointer_mut("/d/canonical").unwrap();
                *canonical = json!(canonical.as_str().unwrap().replacen("version", "Version", 1));
            })
            .await;
        }
        Code::PolicyMissing => gone(shop, &first(shop, "policy:")).await,
        Code::EvidenceContent => store(shop).set(&first(shop, "evidence-part:"), b"another").await.unwrap(),
        Code::EvidenceMissing => gone(shop, &first(shop, "evidence-part:")).await,
        Code::EvidenceWaiting => gone(shop, &first(shop, "evidence:")).await,
        Code::PersonalCommitment => {
            change(shop, &first(shop, "personal:M-1:"), at("/d/items/0/kept/text/text", json!("13900000000"))).await;
        }
        Code::BundleContent => store(shop).set(&first(shop, "bundle-part:"), b"another").await.unwrap(),
        Code::BundleLeft => store(shop).set("bundle-part:nobody:0000", b"a part").await.unwrap(),
        Code::CheckpointContent => gone(shop, &first(shop, "checkpoint-page:M-1:")).await,
        Code::CheckpointChain => {
            // The first was taken out.
            gone(shop, &first(shop, "checkpoint:M-1:")).await;
        }
        Code::JournalOrder | Code::JournalClaim => {
            let head = |next: u64| json!({"journal": "00".repeat(16), "next": next, "link": "00".repeat(32)});
            let (known, work) = match code {
                Code::JournalOrder => (head(9), Value::Null),
                _ => (head(2), json!({"owner": "x", "since": {"unix_ms": NOON}})),
            };
            let data = json!({
                "key": null, "known": known, "seen": head(3), "work": work, "replaced": null, "marks": [],
            });
            let record = json!({"f": "terminal-journal/1", "v": 1, "c": "", "d": data});
            store(shop).set("journal:M-1:T1", &serde_json::to_vec(&record).unwrap()).await.unwrap();
        }
        Code::BooksAccounts => {
            change(shop, "books:M-1", at("/d/accounts/CNY/merchant/debit", json!(1))).await;
        }
        Code::BooksPaidIn => change(shop, "books:M-1", at("/d/prefunded/CNY/paid_in", json!(1))).await,
        Code::BooksHold => {
            change(shop, "books:M-1", |there| {
                let coming = json!([{"id": "F-7", "token": "x", "at": {"unix_ms": NOON}}]);
                *there.pointer_mut("/d/coming").unwrap() = coming;
            })
            .await;
        }
    }
}

/// Takes the last entry of a sale out of a page.
fn drop_last_of(sale: &'static str) -> impl FnOnce(&mut Value) {
    move |there| {
        let entries = there.pointer_mut("/d/entries").unwrap().as_array_mut().unwrap();
        let last = entries.iter().rposition(|e| e["id"].as_str().unwrap().starts_with(&format!("{sale}:")));
        entries.remove(last.unwrap());
    }
}

/// The key of a kept answer that says something.
async fn answered(shop: &Shop, word: &str) -> String {
    for key in shop.stored().into_iter().filter(|key| key.starts_with("idem:")) {
        let there: Value = serde_json::from_slice(&store(shop).get(&key).await.unwrap().unwrap()).unwrap();
        let body = there.pointer("/d/answer/body").and_then(Value::as_str).unwrap_or_default();
        if body.contains(word) {
            return key;
        }
    }
    panic!("no answer says {word}");
}

/// What else a damage does: one thing that is wrong is seen from several sides.
fn besides(code: Code) -> &'static [Code] {
    match code {
        // Nothing in it can be held against anything.
        Code::RecordUnreadable => &[],
        Code::SaleConservation => &[Code::SaleChain],
        Code::SalePostings => &[Code::BooksAccounts],
        Code::SaleConsent => &[Code::SaleConservation],
        // Its reservation was given back, so the sums are others; and nothing reminds of what is never due.
        Code::SaleLimbo => &[Code::SaleConservation, Code::SaleForgotten],
        // Its sale is new, and its endpoint is told at the next tick.
        Code::SaleForgotten | Code::SaleUnheard => &[Code::DeliveryWaiting],
        Code::SaleMerchant => &[Code::DirectoryUnused],
        // A hole in the feed shifts what the books and endpoints have read.
        Code::EventUntold => &[Code::CursorAhead, Code::BooksAccounts],
        Code::EventOrder | Code::NoticeUntold => &[Code::CursorAhead, Code::EventUntold],
        // What is in a page twice is twice in a list, too.
        Code::EventTwice => &[Code::DeliveryForgotten, Code::ListTwice],
        Code::EventDangling => &[Code::DeliveryForgotten, Code::EventTwice],
        Code::ListGap | Code::ListOverfull => &[Code::DirectoryUnused],
        Code::PolicyMissing => &[],
        Code::EvidenceContent => &[Code::EvidenceContent],
        Code::DecisionUnlisted => &[],
        Code::IntentWaiting | Code::IntentLane => &[Code::IntentWaiting],
        _ => &[],
    }
}

#[tokio::test]
async fn each_damage_is_found_under_its_code_and_what_can_be_derived_is_repaired() {
    let whole = used().await;
    let before = codes(&look(&whole).await.1, Severity::Unfinished);
    let mut repaired = BTreeSet::new();
    let mut wrong: Vec<String> = Vec::new();
    for &code in Code::ALL {
        let shop = whole.copy().await;
        damage(&shop, code).await;
        let (_, found) = look(&shop).await;
        let seen = codes(&found, Severity::Unfinished);
        assert!(!before.contains(&code), "{code:?} is there without a damage");
        let others: BTreeSet<Code> =
            seen.difference(&before).copied().filter(|c| *c != code && !besides(code).contains(c)).collect();
        if !seen.contains(&code) || !others.is_empty() {
            wrong.push(format!("{code:?}: {found:#?}"));
            continue;
        }
        for finding in found.iter().filter(|f| f.code == code) {
            let text = finding.to_string();
            assert!(text.contains(code.token()) && text.contains(code.severity().token()), "{text}");
        }
        if found.iter().any(|f| f.code == code && f.repairable) {
            let left = repair(&shop).await;
            if left.iter().any(|f| f.code == code) {
                wrong.push(format!("{code:?} after its repair: {left:#?}"));
            }
            repaired.insert(code);
            // What was announced is carried out by the next ticks.
            ticks(&shop, 3).await;
            let left = look(&shop).await.1;
            if !codes(&left, Severity::Untidy).is_empty() && besides(code).is_empty() {
                wrong.push(format!("{code:?} after some ticks: {left:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let repairable = [
        Code::BodyOrphan,
        Code::ProbeLeft,
        Code::SaleForgotten,
        Code::EventUntold,
        Code::NoticeUntold,
        Code::DeliveryForgotten,
        Code::ListTail,
        Code::ListMissing,
        Code::IndexMissing,
        Code::BucketLeft,
        Code::PointerMissing,
        Code::DecisionUnlisted,
        Code::BundleLeft,
    ];
    assert_eq!(repaired, repairable.into_iter().collect());
}

#[tokio::test]
async fn codes_are_words_of_their_own() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.token()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    assert!(Code::ALL.iter().all(|code| code.meaning().ends_with('.')));
}

#[tokio::test]
async fn a_store_with_heads_is_in_order_and_its_leftovers_go() {
    let shop = Shop::on(Fault::UpsertOverNothing, "lakala").await;
    super::people::provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    shop.sale_of_today("S-1").await;
    shop.sale_of_yesterday("S-2").await;
    shop.void("S-1", "void-1").await.expect(201);
    shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", "30.00")).await.expect(201);
    ticks(&shop, 4).await;
    let (report, found) = look(&shop).await;
    assert_eq!(codes(&found, Severity::Untidy), BTreeSet::new(), "{found:#?}");
    assert!(shop.stored().iter().any(|key| key.starts_with("sale:M-1:S-1#")), "{report:?}");
    // A body whose head is gone, and a head whose body is.
    let body = first(&shop, "sale:M-1:S-1#");
    copy_to(&shop, &body, "sale:M-1:S-1#00000000000000ff").await;
    assert_eq!(codes(&look(&shop).await.1, Severity::Untidy), BTreeSet::from([Code::BodyOrphan]));
    assert_eq!(codes(&repair(&shop).await, Severity::Untidy), BTreeSet::new());
    gone(&shop, &body).await;
    assert!(codes(&look(&shop).await.1, Severity::Broken).contains(&Code::RecordLost));
}
