//! The table "Bad input gets", as far as it is about HTTP.

use super::shop::{Shop, cny, refund, sale};
use crate::limits::BODY_BYTES;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_by_its_path() {
    let shop = Shop::new().await;
    let good = sale("S-1", "2026-11-23T11:50:00+08:00");
    let before = shop.stored();
    for (body, status, code, field) in [
        ("{".to_owned(), 400, "body.malformed", ""),
        ("nonsense".to_owned(), 400, "body.malformed", ""),
        (format!("{good}{good}"), 400, "body.malformed", ""),
        ("7".to_owned(), 422, "body.invalid", ""),
        (String::new(), 422, "body.invalid", "/id"),
        (with(good.clone(), "colour", json!("red")).to_string(), 422, "body.invalid", "/colour"),
        (with(good.clone(), "id", json!(7)).to_string(), 422, "body.invalid", "/id"),
        (with(good.clone(), "id", json!("a b")).to_string(), 422, "body.invalid", "/id"),
        (with(good.clone(), "id", json!("x".repeat(101))).to_string(), 422, "body.invalid", "/id"),
        (with(good.clone(), "id", json!("4111111111111111")).to_string(), 422, "body.invalid", "/id"),
        (with(good.clone(), "amount", cny("1.234")).to_string(), 422, "body.invalid", "/amount"),
        (with(good.clone(), "amount", cny("-1.00")).to_string(), 422, "body.invalid", "/amount"),
        (with(good.clone(), "amount", cny("0.00")).to_string(), 422, "body.invalid", "/amount"),
        (with(good.clone(), "amount", cny("1000000000000.00")).to_string(), 422, "body.invalid", "/amount"),
        (
            with(good.clone(), "amount", json!({"amount": "1", "currency": "XXX"})).to_string(),
            422,
            "body.invalid",
            "/amount",
        ),
        (
            with(good.clone(), "amount", json!({"amount": 60, "currency": "CNY"})).to_string(),
            422,
            "body.invalid",
            "/amount/amount",
        ),
        (with(good.clone(), "amount", json!({"amount": "60"})).to_string(), 422, "body.invalid", "/amount/currency"),
        (with(good.clone(), "fee_charged", cny("100.01")).to_string(), 422, "body.invalid", "/fee_charged"),
        (
            with(good.clone(), "fee_charged", json!({"amount": "1", "currency": "USD"})).to_string(),
            422,
            "body.invalid",
            "/fee_charged",
        ),
        (with(good.clone(), "channel", json!("Card")).to_string(), 422, "body.invalid", "/channel"),
        (with(good.clone(), "paid_at", json!("yesterday")).to_string(), 422, "body.invalid", "/paid_at"),
        (with(good.clone(), "business_day", json!("2026-02-29")).to_string(), 422, "body.invalid", "/business_day"),
        (with(good.clone(), "payer_token", json!("411111******1111")).to_string(), 422, "body.invalid", "/payer_token"),
        (with(good.clone(), "merchant", json!("M-1/x")).to_string(), 422, "body.invalid", "/merchant"),
        (
            with(good.clone(), "slip", json!({"terminal": "T1", "batch": "1", "voucher": 1, "trace": "1"})).to_string(),
            422,
            "body.invalid",
            "/slip/voucher",
        ),
        (
            with(good.clone(), "slip", json!({"terminal": "T9", "batch": "1", "voucher": "1", "trace": "1"}))
                .to_string(),
            422,
            "body.invalid",
            "/slip/terminal",
        ),
        (with(good.clone(), "operator", json!("nobody")).to_string(), 422, "body.invalid", "/operator"),
    ] {
        let reply = shop.call(&shop.system, "POST", "/v1/transactions", None, &body).await;
        assert_eq!(reply.at(), (status, code.to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    // The first use of the store finds out how it creates; nothing else was written.
    let after: Vec<String> = shop.stored().into_iter().filter(|k| !before.contains(k)).collect();
    assert_eq!(after, Vec::<String>::new());
}

#[tokio::test]
async fn an_amount_that_cannot_be_is_refused_and_nothing_is_stored() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let before = shop.stored();
    for amount in [cny("1.234"), cny("-1"), cny("0"), cny("1000000000000"), json!({"amount": "1", "currency": "USD"})] {
        let body = with(refund("S-1", "1.00"), "amount", amount.clone());
        let reply = shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &body.to_string()).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), "/amount".to_owned()), "{amount}: {}", reply.text);
        let reply = shop
            .tell(&shop.manager, "/v1/transactions/S-1/voids", &json!({"amount": amount, "reason": "duplicate"}))
            .await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), "/amount".to_owned()), "{amount}: {}", reply.text);
    }
    for amount in ["1.234", "-1", "0", "1000000000000", "abc", ""] {
        let reply = shop.get(&shop.manager, &format!("/v1/transactions/S-1/ways-back?amount={amount}")).await;
        assert_eq!(reply.at(), (422, "parameter.invalid".to_owned(), "amount".to_owned()), "{}", reply.text);
    }
    let sale = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((&sale["balance"]["left"], &sale["refunds"]), (&cny("100.00"), &json!([])));
    // At most the released claims of keys are new.
    let new: Vec<String> = shop.stored().into_iter().filter(|k| !before.contains(k)).collect();
    assert!(new.iter().all(|k| k.contains("idem") || k.starts_with("i:") || k == "secret:pepper"), "{new:?}");
    // The key is still good for the mended request.
    shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &refund("S-1", "60.00").to_string()).await.expect(201);
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let shop = Shop::new().await;
    let huge = format!("{{\"id\":\"{}\"}}", "x".repeat(BODY_BYTES));
    for (method, path) in [("POST", "/v1/transactions"), ("POST", "/v1/refunds"), ("PUT", "/v1/policies/lakala")] {
        let reply = shop.call(&shop.admin, method, &format!("{path}?merchant=M-1"), Some("k"), &huge).await;
        let expected = if path.starts_with("/v1/policies") { "parameter.malformed" } else { "body.too-large" };
        assert_eq!(reply.code(), expected, "{path}: {}", reply.text);
    }
    let reply = shop.call(&shop.admin, "PUT", "/v1/policies/lakala", None, &huge).await;
    assert_eq!(reply.refused(413, "body.too-large")["limit"], BODY_BYTES);
    // Announced is enough.
    let announced =
        Request::post("/v1/webhooks/reviews").header("content-length", "70000").body(Body::empty()).unwrap();
    shop.send(announced).await.refused(413, "body.too-large");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let shop = Shop::new().await;
    for path in
        ["/", "/v1", "/v1/nonsense", "/v1/transactions/S-1/nonsense", "/v1/transactions/", "/v2/refunds", "/v1/tick"]
    {
        shop.get(&shop.system, path).await.refused(404, "route.unknown");
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/transactions", "GET,HEAD,POST"),
        ("PATCH", "/v1/refunds/R-1", "GET,HEAD"),
        ("GET", "/v1/refunds/R-1/approvals", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("PUT", "/v1/keys/1", "DELETE"),
    ] {
        let reply = shop.call(&shop.system, method, path, None, "").await;
        let problem = reply.refused(405, "method.not-allowed");
        let mut allowed: Vec<&str> = reply.headers["allow"].to_str().unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{problem}");
    }
}

#[tokio::test]
async fn parameters_are_checked_like_bodies() {
    let shop = Shop::new().await;
    for (path, status, code, field) in [
        ("/v1/refunds?stat=cleared", 400, "parameter.malformed", "stat"),
        ("/v1/refunds?state=Cleared", 422, "parameter.invalid", "state"),
        ("/v1/refunds?limit=0", 422, "parameter.invalid", "limit"),
        ("/v1/refunds?limit=101", 422, "parameter.invalid", "limit"),
        ("/v1/refunds?limit=-1", 422, "parameter.invalid", "limit"),
        ("/v1/refunds?limit=1&limit=2", 400, "parameter.malformed", "limit"),
        ("/v1/refunds?after=", 422, "parameter.invalid", "after"),
        ("/v1/events?audience=everybody", 422, "parameter.invalid", "audience"),
        ("/v1/transactions", 400, "parameter.malformed", "query"),
        ("/v1/transactions?terminal=T1&batch=1", 400, "parameter.malformed", "query"),
        ("/v1/transactions?order_number=1&retrieval_reference=2", 400, "parameter.malformed", "query"),
        ("/v1/transactions?trace=1&business_day=today", 422, "parameter.invalid", "business_day"),
        ("/v1/transactions/S-1?merchant=a%2Fb", 404, "not-found", ""),
        ("/v1/transactions/a%2Fb", 404, "not-found", ""),
        ("/v1/transactions/%FF", 404, "not-found", ""),
        ("/v1/refunds/%F0%9F%92%B0", 404, "not-found", ""),
    ] {
        let reply = shop.get(&shop.system, path).await;
        assert_eq!(reply.at(), (status, code.to_owned(), field.to_owned()), "{path}: {}", reply.text);
    }
    // A position that no list gave.
    let reply = shop.get(&shop.system, "/v1/refunds?after=nonsense").await;
    assert!(reply.status.is_client_error(), "{}", reply.text);
}

#[tokio::test]
async fn more_than_is_left_is_refused_with_what_is_left() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let again = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await;
    assert_eq!(again.status, 422, "{}", again.text);
    let problem = again.json();
    assert_eq!(problem["left"], cny("40.00"), "{problem}");
    let findings = problem["decision"]["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(|f| f["remedy"]["token"] == "reduce-to" && f["remedy"]["amount"] == cny("40.00")),
        "{problem}"
    );
    for language in ["zh-CN", "en"] {
        assert!(!problem["decision"]["messages"][language].as_array().unwrap().is_empty(), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_refunds_or_a_void_and_a_refund_at_once_one_wins() {
    for round in 0..100 {
        let shop = std::sync::Arc::new(Shop::under("unionpay").await);
        shop.post(&shop.system, "/v1/transactions", &sale("S-1", "2026-11-23T11:50:00+08:00")).await.expect(201);
        let ask = |path: &'static str, body: Value| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.tell(&shop.manager, path, &body).await })
        };
        let (path, body) = if round % 2 == 0 {
            ("/v1/refunds", refund("S-1", "60.00"))
        } else {
            ("/v1/transactions/S-1/voids", json!({"reason": "duplicate"}))
        };
        let (one, two) = (ask("/v1/refunds", refund("S-1", "60.00")), ask(path, body));
        let mut replies = [one.await.unwrap(), two.await.unwrap()];
        replies.sort_by_key(|r| r.status);
        assert_eq!([replies[0].status.as_u16(), replies[1].status.as_u16()], [201, 422], "{replies:?}");
        assert!(replies[1].json()["left"].is_object(), "{}", replies[1].text);
    }
}

#[tokio::test]
async fn a_card_number_in_free_text_is_masked_flagged_and_stored_nowhere() {
    let shop = Shop::new().await;
    let card = "4111111111111111";
    let body = with(sale("S-1", "2026-11-22T12:00:00+08:00"), "order_number", json!(format!("no. {card}")));
    let registered = shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    assert_eq!((&registered["masked"], &registered["order_number"]), (&json!(true), &json!("no. 411111******1111")));
    assert_eq!(shop.post(&shop.system, "/v1/transactions", &body).await.status, 200);
    let found = shop.get(&shop.system, &format!("/v1/transactions?order_number=no.%20{card}")).await.expect(200);
    assert_eq!(found["items"][0]["id"], "S-1");

    let body = with(refund("S-1", "60.00"), "note", json!(format!("back to {card} please")));
    let made = shop.tell(&shop.manager, "/v1/refunds", &body).await.expect(201);
    assert_eq!(made["masked"], true);
    let seen = shop.get(&shop.manager, &format!("/v1/refunds/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(seen["note"]["text"], "back to 411111******1111 please");
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    let declined =
        shop.tell(&shop.reviewer, &format!("{path}/declines"), &json!({"reason": format!("card {card}")})).await;
    assert!(!declined.text.contains(card), "{}", declined.text);
    // Where a value is wrong, the error does not repeat the number either.
    let reply = shop.post(&shop.system, "/v1/transactions", &with(sale("S-2", "now"), "channel", json!(card))).await;
    assert!(!reply.text.contains(card) && reply.status == 422, "{}", reply.text);
    let reply = shop.post(&shop.system, "/v1/transactions", &with(sale("S-2", "now"), card, json!(card))).await;
    assert_eq!(reply.json()["field"], "/411111******1111", "{}", reply.text);
    let reply = shop.get(&shop.system, &format!("/v1/refunds?{card}=1")).await;
    assert!(!reply.text.contains(card) && reply.status == 400, "{}", reply.text);

    let shown = shop.get(&shop.manager, &path).await;
    assert!(!shown.text.contains(card) && shown.json().get("masked").is_none());
    use crate::ports::{Kv as _, Ports as _};
    for key in shop.stored() {
        let value = shop.world.app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
        assert!(!key.contains(card) && !String::from_utf8_lossy(&value).contains(card), "{key}");
    }
    assert!(shop.world.app.ports.logged().iter().all(|line| !line.contains(card)));
}

#[tokio::test]
async fn an_approval_that_may_not_be_changes_nothing() {
    let shop = Shop::new().await;
    shop.post(
        &shop.system,
        "/v1/transactions",
        &with(sale("S-1", "2026-11-22T12:00:00+08:00"), "amount", cny("5000.00")),
    )
    .await
    .expect(201);
    let made = shop
        .tell(&shop.manager, "/v1/refunds", &with(refund("S-1", "500.00"), "operator", json!("M-1.reviewer-2")))
        .await
        .expect(201);
    assert_eq!(made["state"], "in-review", "{made}");
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    let approvals = format!("{path}/approvals");
    let before = shop.get(&shop.manager, &path).await;

    let own = shop.tell(&shop.manager, &approvals, &json!({})).await.refused(403, "approval.not-permitted");
    assert_eq!(own["reason"], "requester");
    let operator = shop.world.person_key(&shop.merchant, "reviewer-2").await.unwrap();
    let own = shop.tell(&operator, &approvals, &json!({})).await.refused(403, "approval.not-permitted");
    assert_eq!(own["reason"], "operator");
    let changed = shop.tell(&shop.reviewer, &approvals, &json!({"revision": 2})).await.refused(409, "refund.changed");
    assert_eq!(changed["revision"], 1);
    shop.tell(&shop.reviewer, &approvals, &json!({"digest": "0".repeat(64)})).await.refused(409, "refund.changed");
    assert_eq!(shop.tell(&shop.reviewer, &approvals, &json!({"digest": "xyz"})).await.at().2, "/digest");
    assert_eq!(shop.tell(&shop.reviewer, &format!("{path}/declines"), &json!({})).await.at().2, "/reason");
    assert_eq!(shop.tell(&shop.reviewer, &format!("{path}/declines"), &json!({"reason": " "})).await.at().2, "/reason");
    assert_eq!(shop.get(&shop.manager, &path).await, before);

    let approved =
        shop.tell(&shop.reviewer, &approvals, &json!({"revision": 1, "digest": made["digest"]})).await.expect(200);
    assert_eq!(approved["approvals"][0]["by"], "M-1.reviewer");
    let twice = shop.tell(&shop.reviewer, &approvals, &json!({})).await;
    assert!(twice.status == 409 || twice.status == 403, "{}", twice.text);
    let decided = shop.tell(&shop.reviewer, &format!("{path}/declines"), &json!({"reason": "too late"})).await;
    decided.refused(409, "refund.wrong-state");
}

#[tokio::test]
async fn other_content_under_the_id_of_a_sale_is_refused() {
    let shop = Shop::new().await;
    let body = sale("S-1", "2026-11-23T11:50:00+08:00");
    let first = shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    let again = shop.post(&shop.system, "/v1/transactions", &body).await.expect(200);
    assert_eq!(first, again);
    shop.post(&shop.system, "/v1/transactions", &with(body.clone(), "amount", cny("100.01")))
        .await
        .refused(409, "sale.conflict");
    shop.post(&shop.system, "/v1/transactions", &with(body, "outcome", json!("unknown")))
        .await
        .refused(409, "sale.conflict");
}
