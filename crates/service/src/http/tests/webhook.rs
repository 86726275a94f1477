//! Reviewers' systems.

use super::shop::{Reply, Shop, cny, refund, sale};
use crate::ports::Ports as _;
use axum::body::Body;
use http::Request;
use rescind_model::{Duration, Instant};
use serde_json::{Value, json};

struct Desk {
    id: String,
    secret: String,
}

async fn desk(shop: &Shop) -> Desk {
    let ask = json!({"label": "review desk", "principals": {"kim": "M-1.reviewer", "lee": "M-1.manager", "max": "M-1.cashier"}});
    let made = shop.post(&shop.admin, "/v1/review-sources?merchant=M-1", &ask).await.expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Desk { id: text("id"), secret: text("secret") }
}

async fn waiting_refund(shop: &Shop) -> String {
    let mut body = sale("S-1", "2026-11-22T12:00:00+08:00");
    body["amount"] = cny("5000.00");
    shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "500.00")).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn deliver(shop: &Shop, desk: &Desk, id: &str, at: Instant, signed: &Value, sent: &Value) -> Reply {
    let seal =
        shop.world.app.ports.seal(std::slice::from_ref(&desk.secret), id, at, signed.to_string().as_bytes()).unwrap();
    let request = Request::post(format!("/v1/webhooks/reviews?source={}", desk.id))
        .header("webhook-id", seal.id)
        .header("webhook-timestamp", seal.timestamp)
        .header("webhook-signature", seal.signature)
        .body(Body::from(sent.to_string()))
        .unwrap();
    shop.send(request).await
}

#[tokio::test]
async fn a_signed_webhook_approves_once() {
    let shop = Shop::new().await;
    let (desk, id, now) = (desk(&shop).await, waiting_refund(&shop).await, shop.world.app.ports.now());
    let yes = json!({"refund": id, "principal": "kim", "decision": "approve", "revision": 1});
    let first = deliver(&shop, &desk, "msg_1", now, &yes, &yes).await;
    let approved = first.clone().expect(200);
    assert_eq!((&approved["state"], &approved["approvals"][0]["by"]), (&json!("approved"), &json!("M-1.reviewer")));
    let again = deliver(&shop, &desk, "msg_1", now, &yes, &yes).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let no = json!({"refund": id, "principal": "kim", "decision": "decline", "reason": "no"});
    deliver(&shop, &desk, "msg_1", now, &no, &no).await.refused(409, "webhook.replayed-differently");
    deliver(&shop, &desk, "msg_2", now, &no, &no).await.refused(409, "refund.wrong-state");
}

#[tokio::test]
async fn a_stale_or_tampered_webhook_is_answered_like_an_unknown_key() {
    let shop = Shop::new().await;
    let (desk, id, now) = (desk(&shop).await, waiting_refund(&shop).await, shop.world.app.ports.now());
    let yes = json!({"refund": id, "principal": "kim", "decision": "approve"});
    let other = json!({"refund": id, "principal": "lee", "decision": "approve"});
    let old = Instant { unix_ms: now.unix_ms - 301_000 };
    let unknown = shop.get("", "/v1/refunds").await;
    assert_eq!(deliver(&shop, &desk, "msg_1", old, &yes, &yes).await, unknown);
    assert_eq!(deliver(&shop, &desk, "msg_1", now.plus(Duration::seconds(301)).unwrap(), &yes, &yes).await, unknown);
    assert_eq!(deliver(&shop, &desk, "msg_1", now, &other, &yes).await, unknown);
    let stranger = Desk { id: "src-nobody".to_owned(), secret: desk.secret.clone() };
    assert_eq!(deliver(&shop, &stranger, "msg_1", now, &yes, &yes).await, unknown);
    let forger = Desk { id: desk.id.clone(), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned() };
    assert_eq!(deliver(&shop, &forger, "msg_1", now, &yes, &yes).await, unknown);
    let state = shop.get(&shop.manager, &format!("/v1/refunds/{id}")).await.expect(200);
    assert_eq!(state["state"], "in-review");
}

#[tokio::test]
async fn a_webhook_gives_a_person_no_more_rights_than_a_key() {
    let shop = Shop::new().await;
    let (desk, id, now) = (desk(&shop).await, waiting_refund(&shop).await, shop.world.app.ports.now());
    let verdict = |who: &str| json!({"refund": id, "principal": who, "decision": "approve"});
    deliver(&shop, &desk, "m1", now, &verdict("nobody"), &verdict("nobody")).await.refused(403, "auth.forbidden");
    deliver(&shop, &desk, "m2", now, &verdict("max"), &verdict("max")).await.refused(403, "auth.forbidden");
    // The manager asked for it.
    let own = deliver(&shop, &desk, "m3", now, &verdict("lee"), &verdict("lee")).await;
    assert_eq!(own.refused(403, "approval.not-permitted")["reason"], "requester");
    let odd = json!({"refund": id, "principal": "kim", "decision": "maybe"});
    let reply = deliver(&shop, &desk, "m4", now, &odd, &odd).await;
    assert_eq!(reply.at(), (422, "body.invalid".to_owned(), "/decision".to_owned()));
    let bare = json!({"refund": id, "principal": "kim", "decision": "decline"});
    let reply = deliver(&shop, &desk, "m5", now, &bare, &bare).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
}

#[tokio::test]
async fn a_revoked_desk_is_unknown_from_the_next_message_on() {
    let shop = Shop::new().await;
    let (desk, id, now) = (desk(&shop).await, waiting_refund(&shop).await, shop.world.app.ports.now());
    let path = format!("/v1/review-sources/{}", desk.id);
    for key in [&shop.system, &shop.manager] {
        shop.call(key, "DELETE", &path, None, "").await.refused(403, "auth.forbidden");
    }
    shop.call(&shop.admin, "DELETE", "/v1/review-sources/src-nobody", None, "").await.refused(404, "not-found");
    let revoked = shop.call(&shop.admin, "DELETE", &path, None, "").await.expect(200);
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    assert_eq!(shop.call(&shop.admin, "DELETE", &path, None, "").await.expect(200), revoked);
    let yes = json!({"refund": id, "principal": "kim", "decision": "approve"});
    let unknown = shop.get("", "/v1/refunds").await;
    assert_eq!(deliver(&shop, &desk, "msg_1", now, &yes, &yes).await, unknown);
    let listed = shop.get(&shop.system, "/v1/review-sources").await.expect(200);
    assert_eq!(listed["items"][0]["revoked_at"], revoked["revoked_at"]);
}
