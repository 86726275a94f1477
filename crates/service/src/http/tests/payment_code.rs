//! Payment codes: made, scanned or cancelled, and which of the two came first.

use super::shop::{Reply, Shop, cny, other_version, pack, sale};
use crate::ports::{OutboundAnswer, Ports as _};
use crate::testkit::{Plan, Trouble};
use rescind_model::Duration;
use serde_json::{Value, json};

pub fn code(id: &str) -> Value {
    json!({
        "id": id,
        "amount": cny("100.00"),
        "presented_by": "merchant",
        "reference": format!("N-{id}"),
        "slip": {"terminal": "T1", "batch": "000001", "voucher": id, "trace": id},
        "order_number": format!("ORDER-{id}"),
    })
}

async fn made(shop: &Shop, id: &str) -> String {
    shop.post(&shop.system, "/v1/payment-codes", &code(id)).await.expect(201);
    format!("/v1/payment-codes/{id}")
}

fn paid() -> Value {
    json!({"outcome": "good", "fee_charged": cny("0.38"), "retrieval_reference": "632714000118"})
}

/// The provider says the same to everything.
pub fn provider_says(shop: &Shop, body: &'static str) {
    let answer = move |_: &str, _: &str, _: &[u8]| Ok(OutboundAnswer { status: 200, body: body.as_bytes().to_vec() });
    shop.world.app.ports.answer_with(Box::new(answer));
}

#[tokio::test]
async fn a_code_is_made_once_and_expires_as_the_policy_says() {
    let shop = Shop::new().await;
    let first = shop.post(&shop.terminal, "/v1/payment-codes", &code("C-1")).await.expect(201);
    assert_eq!((&first["state"], &first["outcome"]), (&json!("unscanned"), &json!("unpaid")));
    assert_eq!(
        (&first["created_at"], &first["expires_at"]),
        (&json!("2026-11-23T04:00:00Z"), &json!("2026-11-23T04:05:00Z"))
    );
    shop.world.app.ports.pass(Duration::seconds(299));
    assert_eq!(shop.post(&shop.terminal, "/v1/payment-codes", &code("C-1")).await.expect(200), first);
    let mut other = code("C-1");
    other["amount"] = cny("1.00");
    shop.post(&shop.terminal, "/v1/payment-codes", &other).await.refused(409, "sale.conflict");
    shop.post(&shop.system, "/v1/transactions", &sale("C-1", "2026-11-23T11:50:00+08:00"))
        .await
        .refused(409, "sale.conflict");
    shop.world.app.ports.pass(Duration::seconds(1));
    assert_eq!(shop.get(&shop.terminal, "/v1/payment-codes/C-1").await.expect(200)["state"], "expired");
    // A sale is no code.
    shop.sale_of_today("S-1").await;
    shop.get(&shop.terminal, "/v1/payment-codes/S-1").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_scanned_code_is_a_sale_that_is_found_by_what_the_scan_said() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let scanned = shop.tell(&shop.terminal, &format!("{path}/scans"), &paid()).await.expect(200);
    assert_eq!((&scanned["state"], &scanned["sale"]["status"]["outcome"]), (&json!("paid"), &json!("good")));
    assert_eq!(scanned["sale"]["fee_charged"], cny("0.38"));
    let found = shop.get(&shop.system, "/v1/transactions?retrieval_reference=632714000118").await.expect(200);
    assert_eq!(found["items"][0]["id"], "C-1");
    let shown = shop.get(&shop.system, "/v1/transactions/C-1").await.expect(200);
    assert_eq!((&shown["code"]["reference"], &shown["channel"]), (&json!("N-C-1"), &json!("payment-code")));
    let refused = shop.tell(&shop.supervisor, &format!("{path}/cancellations"), &json!({})).await;
    let refused = refused.refused(422, "decision.deny");
    assert_eq!(refused["decision"]["findings"][0]["rule"], "order-close.paid", "{refused}");
    assert!(refused["decision"]["findings"][0]["remedy"]["use"].is_string(), "{refused}");
    // The advice is the way that is open, counts included.
    assert_eq!(refused["decision"]["findings"][0]["remedy"]["token"], "use-void", "{refused}");
}

#[tokio::test]
async fn a_scan_of_unknown_outcome_is_left_to_support_or_a_reversal() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let scanned = shop.tell(&shop.terminal, &format!("{path}/scans"), &json!({"outcome": "unknown"})).await.expect(200);
    assert_eq!((&scanned["state"], &scanned["sale"]), (&json!("scanned"), &Value::Null));
    let refused = shop.tell(&shop.supervisor, &format!("{path}/cancellations"), &json!({})).await;
    assert_eq!(
        refused.refused(422, "decision.refer")["decision"]["findings"][0]["rule"],
        "order-close.scanned",
        "{}",
        refused.text
    );
    // A grant that there is not leaves the answer what it was.
    let with_grant = json!({"case": "K-1"});
    shop.tell(&shop.supervisor, &format!("{path}/cancellations"), &with_grant).await.refused(422, "decision.refer");
    // The till does not know either: what can be done about it is done, after asking on the network's schedule.
    let told =
        shop.tell(&shop.terminal, "/v1/transactions/C-1/troubles", &json!({"trouble": "no-answer"})).await.expect(200);
    assert_eq!((&told["next"], &told["operation"]["kind"]), (&json!("undone"), &json!("reversal")), "{told}");
    assert!(told["operation"]["due_at"].as_str() > told["operation"]["authorised_at"].as_str(), "{told}");
}

#[tokio::test]
async fn a_scan_that_turns_out_declined_leaves_the_code_to_be_paid_or_cancelled() {
    let shop = Shop::new().await;
    for (id, next) in [("C-1", "scans"), ("C-2", "cancellations")] {
        let path = made(&shop, id).await;
        let before = shop.get(&shop.terminal, &path).await.expect(200);
        shop.tell(&shop.terminal, &format!("{path}/scans"), &json!({"outcome": "unknown"})).await.expect(200);
        let declined = json!({"type": "outcome-known", "outcome": "declined"});
        let told = shop.tell(&shop.system, &format!("/v1/transactions/{id}/events"), &declined).await.expect(200);
        assert_eq!((&told["status"]["outcome"], &told["status"]["doubt"]), (&json!("unpaid"), &Value::Null));
        assert_eq!(shop.get(&shop.terminal, &path).await.expect(200), before);
        shop.world.app.ports.pass(Duration::seconds(1));
        if next == "scans" {
            let shown = shop.tell(&shop.terminal, &format!("{path}/{next}"), &paid()).await.expect(200);
            assert_eq!(shown["state"], "paid");
        } else {
            let asked = shop.tell(&shop.supervisor, &format!("{path}/{next}"), &json!({})).await.expect(202);
            assert_eq!((&asked["kind"], &asked["state"]), (&json!("order-close"), &json!("authorised")));
        }
    }
}

#[tokio::test]
async fn what_becomes_known_after_a_refused_scan_names_the_scan() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let events = "/v1/transactions/C-1/events";
    let scans = format!("{path}/scans");
    let heard = |outcome: &str| json!({"type": "outcome-known", "outcome": outcome});
    let of = |outcome: &str, scan: &Value| json!({"type": "outcome-known", "outcome": outcome, "scan": scan});
    let first = shop.tell(&shop.terminal, &scans, &json!({"outcome": "unknown"})).await.expect(200);
    let first = json!({"at": first["scanned_at"]});
    shop.tell(&shop.system, events, &heard("declined")).await.expect(200);
    shop.world.app.ports.pass(Duration::seconds(1));
    let second = json!({"outcome": "unknown", "retrieval_reference": "632714000119"});
    assert_eq!(shop.tell(&shop.terminal, &scans, &second).await.expect(200)["state"], "scanned");
    let unnamed = shop.tell(&shop.system, events, &heard("failed")).await;
    assert!(unnamed.text.contains("say which scan is meant"), "{}", unnamed.text);
    unnamed.refused(422, "argument.invalid");
    let again = shop.tell(&shop.system, events, &of("failed", &first)).await.expect(200);
    assert_eq!(again["status"]["outcome"], "unknown");
    // Nor does the till's word say which of the two was declined.
    let trouble = json!({"trouble": "declined"});
    shop.tell(&shop.terminal, "/v1/transactions/C-1/troubles", &trouble).await.expect(200);
    assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], "scanned");
    let second = json!({"retrieval_reference": "632714000119"});
    let known = shop.tell(&shop.system, events, &of("good", &second)).await.expect(200);
    assert_eq!((&known["status"]["outcome"], &known["status"]["late"]), (&json!("good"), &Value::Null));
    for (body, field) in [
        (of("good", &json!({})), "/scan"),
        (json!({"type": "settled", "scan": second}), "/scan"),
        (of("good", &json!({"at": "now"})), "/scan/at"),
    ] {
        let reply = shop.tell(&shop.system, events, &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    shop.sale_of_today("S-1").await;
    let no_code = shop.tell(&shop.system, "/v1/transactions/S-1/events", &of("good", &second)).await;
    no_code.refused(422, "argument.invalid");
}

#[tokio::test]
async fn a_refused_scan_that_was_paid_after_all_is_kept_and_calls_a_person() {
    let shop = Shop::new().await;
    for (id, passes) in [("C-1", 0), ("C-2", 300)] {
        let path = made(&shop, id).await;
        let events = format!("/v1/transactions/{id}/events");
        shop.tell(&shop.terminal, &format!("{path}/scans"), &json!({"outcome": "unknown"})).await.expect(200);
        for outcome in ["declined", "good"] {
            let heard = json!({"type": "outcome-known", "outcome": outcome});
            shop.tell(&shop.system, &events, &heard).await.expect(200);
            shop.world.app.ports.pass(Duration::seconds(passes));
        }
        let shown = shop.get(&shop.system, &format!("/v1/transactions/{id}")).await.expect(200);
        assert_eq!(shown["status"]["late"]["outcome"], "good", "{shown}");
        let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
        let called = |e: &&Value| e["type"] == "sale.attention" && e["sale"] == id;
        assert_eq!(feed["items"].as_array().unwrap().iter().filter(called).count(), 1, "{feed}");
    }
}

#[tokio::test]
async fn a_second_scan_by_a_clock_that_is_behind_is_not_dropped() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let scan =
        |reference: &str| json!({"outcome": "unknown", "at": "2026-11-23T03:00:00Z", "retrieval_reference": reference});
    let scans = format!("{path}/scans");
    shop.world.app.ports.pass(Duration::seconds(1));
    shop.tell(&shop.terminal, &scans, &scan("632714000118")).await.expect(200);
    let declined = json!({"type": "outcome-known", "outcome": "declined"});
    shop.tell(&shop.system, "/v1/transactions/C-1/events", &declined).await.expect(200);
    let again = shop.tell(&shop.terminal, &scans, &scan("632714000118")).await.expect(200);
    assert_eq!(again["state"], "unscanned");
    let second = shop.tell(&shop.terminal, &scans, &scan("632714000119")).await.expect(200);
    assert_eq!((&second["state"], &second["scanned_at"]), (&json!("scanned"), &second["created_at"]));
}

#[tokio::test]
async fn a_cancelled_code_is_cancelled_when_the_provider_says_so_and_reported() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let cancel = json!({"reason": "customer-request"});
    let asked = shop.tell(&shop.supervisor, &format!("{path}/cancellations"), &cancel).await.expect(202);
    assert_eq!((&asked["kind"], &asked["state"]), (&json!("order-close"), &json!("authorised")));
    assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], "cancelling");
    shop.tell(&shop.terminal, &format!("{path}/scans"), &paid()).await.refused(422, "operation.conflict");
    provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    shop.world.app.tick().await.unwrap();
    let shown = shop.get(&shop.terminal, &path).await.expect(200);
    assert_eq!((&shown["state"], &shown["outcome"]), (&json!("cancelled"), &json!("cancelled")));
    let late = shop.tell(&shop.terminal, &format!("{path}/scans"), &paid()).await;
    assert_eq!(late.refused(409, "outcome.contradicts")["state"], "cancelled");
    // It was paid all the same: that is kept, and calls a person.
    let seen =
        shop.get(&shop.system, &format!("/v1/transactions/{}", path.rsplit('/').next().unwrap())).await.expect(200);
    assert_eq!(seen["status"]["late"]["outcome"], "good", "{seen}");

    let report = shop.get(&shop.system, "/v1/payment-codes/cancellations?business_day=2026-11-23").await.expect(200);
    let item = &report["items"][0];
    assert_eq!((&item["code"], &item["operation"], &item["amount"]), (&json!("C-1"), &asked["id"], &cny("100.00")));
    assert_eq!((&item["by"]["id"], &item["state"]), (&json!("M-1.supervisor"), &json!("done")));
    assert!(item["asked_at"].is_string() && item["ended_at"].is_string(), "{item}");
    assert_eq!(report["items"].as_array().unwrap().len(), 1);
    let other = shop.get(&shop.system, "/v1/payment-codes/cancellations?business_day=2026-11-22").await.expect(200);
    assert_eq!(other["items"], json!([]));
    let page = shop.get(&shop.system, "/v1/payment-codes/cancellations?limit=1").await.expect(200);
    assert_eq!((&page["business_day"], &page["items"]), (&json!("2026-11-23"), &report["items"]));
    let slip = shop.get(&shop.terminal, &format!("/v1/operations/{}/slip", asked["id"].as_str().unwrap())).await;
    assert_eq!(slip.status, 200, "{}", slip.text);
    let feed = shop.get(&shop.system, "/v1/events?audience=merchant&locale=en").await.expect(200);
    let told = feed["items"].as_array().unwrap().iter().find(|e| e["type"] == "operation.done").unwrap();
    assert_eq!(told["operation"], asked["id"]);
    assert!(told["message"]["body"].is_string(), "{told}");
}

#[tokio::test]
async fn a_cancellation_that_fails_or_is_unknown_says_so() {
    for (answer, state) in [(r#"{"status":"failed","code":"25"}"#, "cancel-failed"), ("nonsense", "cancel-unknown")] {
        let shop = Shop::new().await;
        let path = made(&shop, "C-1").await;
        shop.tell(&shop.supervisor, &format!("{path}/cancellations"), &json!({})).await.expect(202);
        provider_says(&shop, answer);
        shop.world.app.tick().await.unwrap();
        assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], state);
    }
}

#[tokio::test]
async fn a_policy_without_codes_makes_none() {
    let shop = Shop::new().await;
    let text = include_str!("../../../../../policies/lakala.toml")
        .replace("[code]\nenabled = true", "[code]\nenabled = false");
    let policy = rescind_policy::compile(&other_version(&text), "lakala.toml").unwrap();
    shop.world.app.put_policy("lakala", policy.canonical()).await.unwrap();
    shop.post(&shop.system, "/v1/payment-codes", &code("C-1")).await.refused(409, "code.disabled");
}

#[tokio::test]
async fn of_a_scan_and_a_cancellation_at_once_one_is_first() {
    let start = Shop::new().await;
    let path = made(&start, "C-1").await;
    let (scans, cancellations) = (format!("{path}/scans"), format!("{path}/cancellations"));
    let mut scanned = 0;
    for seed in 0..50 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (paid, cancel) = (paid().to_string(), "{}");
        // The cancellation takes more steps: it gets a head start that grows.
        let scan = async {
            for _ in 0..8 * seed {
                tokio::task::yield_now().await;
            }
            shop.call(&shop.terminal, "POST", &scans, Some("scan"), &paid).await
        };
        let (one, two) =
            tokio::join!(scan, shop.call(&shop.supervisor, "POST", &cancellations, Some("cancel"), cancel));
        kv.calm();
        let shown = shop.get(&shop.terminal, &path).await.expect(200);
        let case = format!("seed {seed}: {} {}", one.text, two.text);
        if one.status == 200 {
            scanned += 1;
            two.refused(422, "decision.deny");
            assert_eq!((&shown["state"], &shown["operations"]), (&json!("paid"), &json!([])), "{case}");
        } else {
            one.refused(422, "operation.conflict");
            assert_eq!((two.status.as_u16(), &shown["state"]), (202, &json!("cancelling")), "{case}");
        }
    }
    assert!((1..50).contains(&scanned), "{scanned} of 50 times the scan was first");
}

#[tokio::test]
async fn only_who_may_touches_a_code_and_others_learn_nothing_of_it() {
    let shop = Shop::new().await;
    let path = made(&shop, "C-1").await;
    let (scans, cancellations) = (format!("{path}/scans"), format!("{path}/cancellations"));
    shop.post(&shop.reviewer, "/v1/payment-codes", &code("C-2")).await.refused(403, "auth.forbidden");
    shop.post(&shop.admin, "/v1/payment-codes?merchant=M-1", &code("C-2")).await.refused(403, "auth.forbidden");
    shop.tell(&shop.supervisor, &scans, &paid()).await.refused(403, "auth.forbidden");
    shop.tell(&shop.reviewer, &cancellations, &json!({})).await.refused(403, "auth.forbidden");
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    for (reply, nowhere) in [
        (shop.get(&stranger, &path).await, shop.get(&stranger, "/v1/payment-codes/C-9").await),
        (
            shop.tell(&stranger, &scans, &paid()).await,
            shop.tell(&stranger, "/v1/payment-codes/C-9/scans", &paid()).await,
        ),
        (
            shop.tell(&stranger, &cancellations, &json!({})).await,
            shop.tell(&stranger, "/v1/payment-codes/C-9/cancellations", &json!({})).await,
        ),
    ] {
        reply.refused(404, "not-found");
        assert_eq!(reply, nowhere);
    }
    assert_eq!(shop.get(&stranger, "/v1/payment-codes/cancellations").await.expect(200)["items"], json!([]));
    assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], "unscanned");
    // By a clock that is behind, before there was a code: money is not lost for that.
    let early = json!({"outcome": "good", "at": "2026-11-23T03:00:00Z"});
    let paid = shop.tell(&shop.terminal, &format!("{path}/scans"), &early).await;
    assert!(paid.status.is_success(), "{}", paid.text);
    let shown = shop.get(&shop.terminal, &path).await.expect(200);
    assert_eq!((&shown["state"], &shown["scanned_at"]), (&json!("paid"), &shown["created_at"]));
}

#[tokio::test]
async fn a_scan_and_a_cancellation_have_one_effect_per_key() {
    let shop = Shop::new().await;
    let (one, two) = (made(&shop, "C-1").await, made(&shop, "C-2").await);
    let scan = async |path: &str, body: Value| {
        shop.call(&shop.terminal, "POST", &format!("{path}/scans"), Some("k-scan"), &body.to_string()).await
    };
    let cancel = async |path: &str, body: Value| {
        shop.call(&shop.supervisor, "POST", &format!("{path}/cancellations"), Some("k-cancel"), &body.to_string()).await
    };
    let same = |first: &Reply, again: &Reply| {
        assert_eq!((first.status, &first.text), (again.status, &again.text));
        assert_eq!(again.headers["idempotency-replayed"], "true");
    };
    same(&scan(&one, paid()).await, &scan(&one, paid()).await);
    scan(&one, json!({"outcome": "declined"})).await.refused(422, "idempotency.key-reused");
    let first = cancel(&two, json!({})).await;
    assert_eq!(first.status, 202, "{}", first.text);
    same(&first, &cancel(&two, json!({})).await);
    cancel(&one, json!({})).await.refused(422, "idempotency.key-reused");
    let shown = shop.get(&shop.system, "/v1/transactions/C-2").await.expect(200);
    assert_eq!(shown["operations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_code_is_named_by_its_path() {
    let shop = Shop::new().await;
    let with = |field: &str, value: Value| {
        let mut body = code("C-1");
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("id", json!("cancellations")), "/id"),
        (with("id", json!("a~b")), "/id"),
        (with("id", json!("4111111111111111")), "/id"),
        (with("amount", cny("0.00")), "/amount"),
        (with("presented_by", json!("nobody")), "/presented_by"),
        (with("reference", json!("a b")), "/reference"),
        (with("slip", json!({"terminal": "T9", "batch": "1", "voucher": "1", "trace": "1"})), "/slip/terminal"),
        (with("coupon", cny("100.01")), "/coupon"),
        (with("coupon", json!({"amount": "1", "currency": "USD"})), "/coupon"),
        (with("operator", json!("nobody")), "/operator"),
        (with("expires_at", json!("2026-11-23T12:00:00Z")), "/expires_at"),
    ] {
        let reply = shop.post(&shop.system, "/v1/payment-codes", &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    let mut bare = code("C-1");
    bare.as_object_mut().unwrap().remove("slip");
    assert_eq!(shop.post(&shop.terminal, "/v1/payment-codes", &bare).await.at().2, "/slip");
    let path = made(&shop, "C-1").await;
    for (body, field) in [
        (json!({}), "/outcome"),
        (json!({"outcome": "reversed"}), "/outcome"),
        (json!({"outcome": "good", "fee_charged": cny("100.01")}), "/fee_charged"),
        (json!({"outcome": "good", "at": "now"}), "/at"),
        (json!({"outcome": "good", "payer_token": "411111******1111"}), "/payer_token"),
    ] {
        let reply = shop.tell(&shop.terminal, &format!("{path}/scans"), &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    for (query, field) in [("business_day=today", "business_day"), ("limit=0", "limit")] {
        let reply = shop.get(&shop.system, &format!("/v1/payment-codes/cancellations?{query}")).await;
        assert_eq!(reply.at().2, field, "{}", reply.text);
    }
    assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], "unscanned");
    // By a clock that is behind, before there was a code: money is not lost for that.
    let early = json!({"outcome": "good", "at": "2026-11-23T03:00:00Z"});
    let paid = shop.tell(&shop.terminal, &format!("{path}/scans"), &early).await;
    assert!(paid.status.is_success(), "{}", paid.text);
    let shown = shop.get(&shop.terminal, &path).await.expect(200);
    assert_eq!((&shown["state"], &shown["scanned_at"]), (&json!("paid"), &shown["created_at"]));
}
