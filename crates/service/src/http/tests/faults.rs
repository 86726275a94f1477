//! Every request on every defect of a store, at every place where it can strike: what was acknowledged is there, nothing
//! is there twice, and whoever was not told asks again under the same key and gets the one effect.

use super::doctor::in_order;
use super::hold::hold;
use super::payment_code::code;
use super::shop::{Reply, Shop, cny, refund, sale};
use crate::limits::{IDEMPOTENCY_LEASE, INTENT_PATIENCE};
use crate::ports::{OutboundAnswer, Ports as _};
use crate::store::key::Key;
use crate::testkit::{Fault, MemoryKv, Op, Plan, Trouble};
use rescind_model::{BusinessDay, Duration, PersonId};
use serde_json::{Value, json};

const BACKENDS: [Fault; 3] = [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused];
const KEY: Option<&str> = Some("the-one-key");

/// What a backend may be troubled by. None has both a swap that overwrites and stale reads.
fn troubles(backend: Fault) -> Vec<Trouble> {
    let all = [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused, Trouble::Stale];
    all.into_iter().filter(|t| backend != Fault::UpsertOverNothing || *t != Trouble::Stale).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Register,
    Void,
    Submit,
    SubmitNamed,
    Approve,
    Clear,
    MakeCode,
    Scan,
    Cancel,
    Complete,
    Trouble,
}

const DEEDS: [Deed; 11] = [
    Deed::Register,
    Deed::Void,
    Deed::Submit,
    Deed::SubmitNamed,
    Deed::Approve,
    Deed::Clear,
    Deed::MakeCode,
    Deed::Scan,
    Deed::Cancel,
    Deed::Complete,
    Deed::Trouble,
];

impl Deed {
    /// Registered by a name of the caller's, without a key.
    fn is_named(self) -> bool {
        matches!(self, Self::Register | Self::MakeCode)
    }
}

/// A shop where the deed can be done.
async fn before(deed: Deed, backend: Fault) -> Shop {
    // Under UnionPay a terminal owes its reversals.
    let shop = Shop::on(backend, if deed == Deed::Trouble { "unionpay" } else { "lakala" }).await;
    match deed {
        Deed::Register | Deed::MakeCode => {}
        Deed::Scan | Deed::Cancel => {
            shop.post(&shop.system, "/v1/payment-codes", &code("S-1")).await.expect(201);
        }
        Deed::Complete => {
            shop.post(&shop.system, "/v1/holds", &hold("S-1")).await.expect(201);
        }
        Deed::Trouble => {
            let mut unknown = sale("S-1", "2026-11-23T11:50:00+08:00");
            unknown["outcome"] = json!("unknown");
            shop.post(&shop.system, "/v1/transactions", &unknown).await.expect(201);
        }
        Deed::Void => shop.sale_of_today("S-1").await,
        Deed::Submit | Deed::SubmitNamed => shop.sale_of_yesterday("S-1").await,
        Deed::Approve | Deed::Clear => {
            let mut large = sale("S-1", "2026-11-22T12:00:00+08:00");
            large["amount"] = cny("5000.00");
            shop.post(&shop.system, "/v1/transactions", &large).await.expect(201);
            let amount = if deed == Deed::Approve { "500.00" } else { "60.00" };
            let mut ask = refund("S-1", amount);
            ask["id"] = json!("R-1");
            shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
        }
    }
    shop.world.app.publish_waiting().await;
    shop
}

async fn attempt(shop: &Shop, deed: Deed) -> Reply {
    let post = async |key: &str, path: &str, body: Value| shop.call(key, "POST", path, KEY, &body.to_string()).await;
    match deed {
        Deed::Register => shop.post(&shop.system, "/v1/transactions", &sale("S-1", "2026-11-23T11:50:00+08:00")).await,
        Deed::Void => shop.void("S-1", KEY.unwrap_or_default()).await,
        Deed::Submit => post(&shop.manager, "/v1/refunds", refund("S-1", "60.00")).await,
        Deed::SubmitNamed => {
            let mut ask = refund("S-1", "60.00");
            ask["id"] = json!("R-1");
            post(&shop.manager, "/v1/refunds", ask).await
        }
        Deed::Approve => post(&shop.reviewer, "/v1/refunds/R-1/approvals", json!({"revision": 1})).await,
        Deed::MakeCode => shop.post(&shop.system, "/v1/payment-codes", &code("S-1")).await,
        Deed::Scan => {
            let scan = json!({"outcome": "good", "retrieval_reference": "632714000118"});
            post(&shop.terminal, "/v1/payment-codes/S-1/scans", scan).await
        }
        Deed::Cancel => post(&shop.supervisor, "/v1/payment-codes/S-1/cancellations", json!({})).await,
        Deed::Complete => post(&shop.supervisor, "/v1/holds/S-1/completions", json!({"amount": cny("900.00")})).await,
        Deed::Trouble => post(&shop.terminal, "/v1/transactions/S-1/troubles", json!({"trouble": "no-answer"})).await,
        Deed::Clear => post(&shop.finance, "/v1/refunds/R-1/clearings", json!({})).await,
    }
}

/// Everything that can be seen, without the times.
async fn seen(shop: &Shop) -> Value {
    let sale = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
    let refunds = shop.get(&shop.system, "/v1/refunds").await.expect(200);
    let found = shop.get(&shop.system, "/v1/transactions?order_number=ORDER-S-1").await.expect(200);
    let cancelled = shop.get(&shop.system, "/v1/payment-codes/cancellations").await.expect(200);
    let all = json!({"sale": sale, "feed": feed, "refunds": refunds, "found": found, "counted": counted(shop).await, "cancelled": cancelled});
    timeless(all)
}

/// The voids of the day, and what the manager asked for.
async fn counted(shop: &Shop) -> Vec<i64> {
    let app = &shop.world.app;
    let day = BusinessDay::parse("2026-11-23").unwrap();
    let manager = PersonId::parse("M-1.manager").unwrap();
    let keys = [
        Key::void_tally(&shop.merchant, day, "merchant-account", "M-1"),
        Key::requested_tally(&shop.merchant, day, &manager),
    ];
    let mut totals = Vec::new();
    for key in keys {
        totals.push(app.total(&key, &shop.merchant, None, app.ports.now()).await.unwrap());
    }
    totals
}

fn timeless(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !(name == "at" || name.ends_with("_at")));
            Value::Object(kept.map(|(name, value)| (name, timeless(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(timeless).collect(),
        // Sentences that name the time.
        Value::String(text) if text.contains("11:") || text.contains("12:") => Value::Null,
        other => other,
    }
}

fn kv(shop: &Shop) -> &MemoryKv {
    shop.world.app.ports.kv()
}

/// The deed with trouble, then again without: nobody can tell that there was any.
async fn survives(shop: &Shop, deed: Deed, plan: Plan, honest: &Value) {
    let shop = shop.copy().await;
    let case = format!("{deed:?} on {:?}, {plan:?}", kv(&shop).fault());
    kv(&shop).plan(plan);
    let first = attempt(&shop, deed).await;
    kv(&shop).calm();
    let told = first.status.as_u16();
    assert!(
        first.status.is_success() || told == 503 || (told == 409 && first.code() == "idempotency.in-flight"),
        "{case}: {}",
        first.text
    );
    let mut again = attempt(&shop, deed).await;
    if again.status.as_u16() == 409 {
        assert!(!first.status.is_success(), "{case}: {}", again.text);
        again.refused(409, "idempotency.in-flight");
        shop.world.app.ports.pass(IDEMPOTENCY_LEASE);
        shop.world.app.ports.pass(Duration { ms: 1 });
        again = attempt(&shop, deed).await;
    }
    assert!(again.status.is_success(), "{case}: {} then {}", first.text, again.text);
    if first.status.is_success() && !deed.is_named() {
        assert_eq!(again.text, first.text, "{case}");
        assert!(again.headers.contains_key("idempotency-replayed"), "{case}");
    }
    assert_eq!(seen(&shop).await, *honest, "{case}");
    // What was reserved and never confirmed is settled by what is in the sale.
    shop.world.app.ports.pass(INTENT_PATIENCE);
    shop.world.app.ports.pass(Duration { ms: 1 });
    assert_eq!(json!(counted(&shop).await), honest["counted"], "{case}");
    in_order(&shop, &case).await;
}

/// How many operations of the store a deed takes where all is well, and what can be seen after it.
async fn honestly(before: &Shop, deed: Deed) -> (u64, Value) {
    let shop = before.copy().await;
    let start = kv(&shop).calls().total();
    let reply = attempt(&shop, deed).await;
    assert!(reply.status.is_success(), "{deed:?}: {}", reply.text);
    let operations = kv(&shop).calls().total().saturating_sub(start);
    (operations, seen(&shop).await)
}

#[tokio::test]
async fn one_fault_anywhere_leaves_one_effect() {
    for backend in BACKENDS {
        for deed in DEEDS {
            let shop = before(deed, backend).await;
            let (operations, honest) = honestly(&shop, deed).await;
            for trouble in troubles(backend) {
                for n in 0..operations {
                    survives(&shop, deed, Plan::once(trouble, n), &honest).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_goes_bad_and_stays_so_leaves_one_effect_once_it_is_well() {
    for backend in BACKENDS {
        for deed in DEEDS {
            let shop = before(deed, backend).await;
            let (operations, honest) = honestly(&shop, deed).await;
            for trouble in troubles(backend) {
                for n in 0..operations {
                    survives(&shop, deed, Plan { after: n, ..Plan::always(trouble) }, &honest).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_of_which_one_part_is_bad_leaves_one_effect_once_it_is_well() {
    for backend in BACKENDS {
        for deed in DEEDS {
            let start = before(deed, backend).await;
            let (_, honest) = honestly(&start, deed).await;
            for trouble in troubles(backend) {
                for prefix in ["sale:", "idem:", "lane:", "voids:", "asked:", "refund:", "index:", "outstanding:"] {
                    for op in [Op::Get, Op::Set, Op::Open, Op::Swap, Op::Increment] {
                        survives(&start, deed, Plan::always(trouble).on(prefix).of(op), &honest).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn two_at_once_on_a_slow_store_cannot_both_take_what_is_left() {
    for backend in BACKENDS {
        let start = before(Deed::Submit, backend).await;
        for seed in 0..40 {
            let shop = start.copy().await;
            kv(&shop).seed(seed);
            kv(&shop).plan(Plan::always(Trouble::Slow));
            let (path, body) = ("/v1/refunds", refund("S-1", "60.00").to_string());
            let (one, two) = tokio::join!(
                shop.call(&shop.manager, "POST", path, Some("one"), &body),
                shop.call(&shop.supervisor, "POST", path, Some("two"), &body),
            );
            kv(&shop).calm();
            let mut statuses = [one.status.as_u16(), two.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 422], "{backend:?}, seed {seed}: {} {}", one.text, two.text);
            let there = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
            assert_eq!(there["refunds"].as_array().unwrap().len(), 1, "{backend:?}, seed {seed}");
        }
    }
}

#[tokio::test]
async fn one_request_sent_twice_at_once_on_a_slow_store_has_one_effect() {
    for backend in BACKENDS {
        for deed in DEEDS {
            let start = before(deed, backend).await;
            let (_, honest) = honestly(&start, deed).await;
            for seed in 0..20 {
                let shop = start.copy().await;
                kv(&shop).seed(seed);
                kv(&shop).plan(Plan::always(Trouble::Slow));
                let (one, two) = tokio::join!(attempt(&shop, deed), attempt(&shop, deed));
                kv(&shop).calm();
                let done = |reply: &Reply| reply.status.is_success();
                assert!(done(&one) || done(&two), "{deed:?} on {backend:?}, seed {seed}: {} {}", one.text, two.text);
                for reply in [&one, &two] {
                    assert!(done(reply) || reply.code() == "idempotency.in-flight", "{}", reply.text);
                }
                assert_eq!(seen(&shop).await, honest, "{deed:?} on {backend:?}, seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn a_tick_that_a_fault_interrupts_is_made_good_by_the_next() {
    for backend in BACKENDS {
        let cleared = before(Deed::Clear, backend).await;
        attempt(&cleared, Deed::Clear).await.expect(200);
        let mut operations = 0;
        for trouble in [None].into_iter().chain(troubles(backend).into_iter().map(Some)) {
            for n in 0..if trouble.is_none() { 1 } else { operations } {
                let shop = cleared.copy().await;
                let app = &shop.world.app;
                app.ports.answer_with(Box::new(|_, _, _| {
                    Ok(OutboundAnswer { status: 200, body: br#"{"status":"done","code":"00"}"#.to_vec() })
                }));
                let start = kv(&shop).calls().total();
                if let Some(trouble) = trouble {
                    kv(&shop).plan(Plan::once(trouble, n));
                }
                let first = app.tick().await;
                if trouble.is_none() {
                    first.unwrap();
                    operations = kv(&shop).calls().total().saturating_sub(start);
                }
                kv(&shop).calm();
                for _ in 0..10 {
                    app.ports.pass(Duration::seconds(10));
                    app.tick().await.unwrap();
                }
                let case = format!("{backend:?}, {trouble:?} at {n}: {:?}", app.ports.logged());
                let there = shop.get(&shop.system, "/v1/refunds/R-1").await.expect(200);
                assert_eq!(there["state"], "cleared", "{case}");
                let posts: Vec<_> = app.ports.sent().into_iter().filter(|s| s.method == "POST").collect();
                assert_eq!(posts.len(), 1, "{case}");
                let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
                let told = feed["items"].as_array().unwrap().len();
                let happened = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
                assert_eq!(Some(told), happened["history"].as_array().map(Vec::len), "{case}");
                in_order(&shop, &case).await;
            }
        }
    }
}
