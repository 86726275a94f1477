//! Once per key, and the first answer is the answer.

use super::shop::{Shop, cny, pack, refund, sale};
use crate::ports::Ports as _;
use axum::body::Body;
use http::Request;
use serde_json::json;

const KEY: Option<&str> = Some("8e03978e-40d5-43e8-bc93-6894a57f9324");

#[tokio::test]
async fn every_post_that_changes_money_needs_a_key() {
    let shop = Shop::new().await;
    for path in [
        "/v1/transactions/S-1/events",
        "/v1/transactions/S-1/voids",
        "/v1/operations/S-1~0/results",
        "/v1/operations/S-1~0/resolutions",
        "/v1/refunds",
        "/v1/refunds/R-1/approvals",
        "/v1/refunds/R-1/declines",
        "/v1/refunds/R-1/withdrawals",
        "/v1/refunds/R-1/clearings",
        "/v1/refunds/R-1/retries",
        "/v1/refunds/R-1/resolutions",
        "/v1/refunds/R-1/results",
        "/v1/transactions/S-1/troubles",
        "/v1/transactions/S-1/reversals",
        "/v1/payment-codes/C-1/scans",
        "/v1/payment-codes/C-1/cancellations",
        "/v1/holds/H-1/completions",
        "/v1/holds/H-1/releases",
        "/v1/holds/H-1/completion-voids",
    ] {
        shop.post(&shop.system, path, &json!({})).await.refused(400, "idempotency.key-missing");
    }
    for key in ["", "webhook:src-1:m-1", "caf\u{e9}", &"x".repeat(256)] {
        let request = Request::post("/v1/refunds")
            .header("authorization", format!("Bearer {}", shop.manager))
            .header("idempotency-key", key.as_bytes())
            .body(Body::from(refund("S-1", "1.00").to_string()))
            .unwrap();
        let reply = shop.send(request).await;
        assert_eq!(reply.at(), (400, "idempotency.key-malformed".to_owned(), "Idempotency-Key".to_owned()), "{key:?}");
    }
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again_byte_for_byte() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let body = refund("S-1", "60.00");
    let first = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &body.to_string()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    // Something happens in between: the answer stays what it was.
    let path = format!("/v1/refunds/{}/withdrawals", first.json()["id"].as_str().unwrap());
    shop.tell(&shop.manager, &path, &json!({"reason": "changed my mind"})).await;
    let spaced = serde_json::to_string_pretty(&body).unwrap();
    let again = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &spaced).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    let sale = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(sale["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_an_answer_too() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let first = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "150.00").to_string()).await;
    first.refused(422, "decision.deny");
    let again = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "150.00").to_string()).await;
    assert_eq!(
        (again.status, &again.text, &again.headers["content-type"]),
        (first.status, &first.text, &first.headers["content-type"])
    );
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn another_request_under_the_key_is_refused_whatever_differs() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    shop.sale_of_yesterday("S-2").await;
    shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await.expect(201);
    let reused = |reply: super::shop::Reply| reply.refused(422, "idempotency.key-reused");
    reused(shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "60.01").to_string()).await);
    reused(shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-2", "60.00").to_string()).await);
    reused(
        shop.call(
            &shop.manager,
            "POST",
            "/v1/transactions/S-2/voids",
            KEY,
            &refund("S-1", "60.00").to_string().replace("sale", "operator").replace("S-1", "M-1.manager"),
        )
        .await,
    );
    // Another person is another request, also where all else is the same.
    reused(shop.call(&shop.supervisor, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await);
    // Another merchant's key is another key.
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let manager = shop.world.person_key(&other, "manager").await.unwrap();
    shop.post(&manager, "/v1/transactions", &sale("S-1", "2026-11-22T12:00:00+08:00")).await.expect(201);
    shop.call(&manager, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await.expect(201);
}

#[tokio::test]
async fn a_replaced_key_of_the_same_holder_gets_the_same_answer() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let first = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await;
    let new_key = shop.world.person_key(&shop.merchant, "manager").await.unwrap();
    let again = shop.call(&new_key, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
}

#[tokio::test]
async fn requests_that_are_not_understood_leave_the_key_free() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    for (body, status) in [("{".to_owned(), 400), ("{}".to_owned(), 422), (refund("S-9", "1.00").to_string(), 404)] {
        let reply = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    let reply = shop.call(&shop.reviewer, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await;
    reply.refused(403, "auth.forbidden");
    shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &refund("S-1", "60.00").to_string()).await.expect(201);
}

#[tokio::test]
async fn a_request_under_way_is_not_started_again() {
    use crate::idempotency::Begin;
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let body = refund("S-1", "60.00").to_string();
    // What the API does first, by another instance that has not come further.
    let holder = serde_json::to_string(&crate::principal::Bearer::Person {
        person: rescind_model::PersonId::parse("M-1.manager").unwrap(),
    })
    .unwrap();
    let canonical = crate::http::body::canonical(body.as_bytes()).unwrap();
    let asked = format!("POST /v1/refunds\n{canonical}");
    let pepper = shop.world.app.pepper().await.unwrap();
    let payload = rescind_model::Digest { hex: pepper.seal("idempotency/1", &[&holder, &asked]).unwrap() };
    let Begin::Fresh(ticket) = shop.world.app.begin(&shop.merchant, KEY.unwrap(), &payload, None).await.unwrap() else {
        panic!()
    };
    let reply = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &body).await;
    reply.refused(409, "idempotency.in-flight");
    assert_eq!(reply.headers["retry-after"], "1");
    shop.world.app.abandon(ticket, &crate::Error::NotFound("refund")).await.unwrap();
    let made = shop.call(&shop.manager, "POST", "/v1/refunds", KEY, &body).await.expect(201);
    assert_eq!(made["amount"], cny("60.00"));
}

#[tokio::test]
async fn whoever_takes_over_what_was_carried_out_but_not_answered_hears_that_it_was() {
    use crate::testkit::{Op, Plan, Trouble};
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let honest = Shop::new().await;
    honest.sale_of_yesterday("S-1").await;
    let mut ask = refund("S-1", "60.00");
    ask["id"] = json!("R-1");
    for (who, path, body) in [("manager", "/v1/refunds", ask), ("finance", "/v1/refunds/R-1/clearings", json!({}))] {
        let key = |shop: &Shop| if who == "manager" { shop.manager.clone() } else { shop.finance.clone() };
        let body = body.to_string();
        let expected = honest.call(&key(&honest), "POST", path, Some(path), &body).await;
        // The command is in the sale; then the answer cannot be kept.
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan { after: 1, ..Plan::always(Trouble::FailsBefore) }.on("idem:").of(Op::Swap));
        shop.call(&key(&shop), "POST", path, Some(path), &body).await.refused(503, "store.unavailable");
        kv.calm();
        let again = shop.call(&key(&shop), "POST", path, Some(path), &body).await;
        assert_eq!((again.status, &again.text), (expected.status, &expected.text));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let third = shop.call(&key(&shop), "POST", path, Some(path), &body).await;
        assert_eq!((third.status, &third.text), (again.status, &again.text));
    }
}

#[tokio::test]
async fn a_mistyped_sale_does_not_use_up_the_callers_refund_id() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let mut ask = refund("S-9", "60.00");
    ask["id"] = json!("R-1");
    shop.tell(&shop.manager, "/v1/refunds", &ask).await.refused(404, "not-found");
    ask["sale"] = json!("S-1");
    let made = shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
    assert_eq!((&made["id"], &made["sale"]), (&json!("R-1"), &json!("S-1")));
}
