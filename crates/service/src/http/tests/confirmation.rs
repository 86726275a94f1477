//! The customer's identity: cards, PINs, and codes that are sent and repeated.

use super::shop::{Shop, cny, pack, refund};
use crate::ports::{Kv as _, OutboundAnswer, Ports as _};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::testkit::{Op, Plan, Trouble};
use rescind_model::{Duration, IdentityKind, IdentityProof, SaleId};
use serde_json::{Value, json};

const CONTACT: &str = "+86 138 0000 0000";

/// A shop with a sale of yesterday and an endpoint that passes messages on.
async fn shop() -> Shop {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let ask =
        json!({"url": "https://sms.example/send", "locale": "en", "audience": "customer", "customer_messages": true});
    shop.post(&shop.system, "/v1/webhook-endpoints", &ask).await.refused(403, "auth.forbidden");
    let made = shop.post(&shop.manager, "/v1/webhook-endpoints", &ask).await.expect(201);
    assert_eq!(made["customer_messages"], true);
    up(&shop);
    shop
}

fn up(shop: &Shop) {
    shop.world.app.ports.answer_with(Box::new(|_, _, _| Ok(OutboundAnswer { status: 200, body: Vec::new() })));
}

fn ask(amount: &str) -> Value {
    json!({"sale": "S-1", "way": "refund", "amount": cny(amount), "contact": CONTACT})
}

async fn sent(shop: &Shop, amount: &str) -> String {
    let made = shop.tell(&shop.system, "/v1/confirmations", &ask(amount)).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// The webhooks with codes that went out: `webhook-id` and body.
fn letters(shop: &Shop) -> Vec<(String, Value)> {
    let sent = shop.world.app.ports.sent();
    let letters = sent.iter().filter_map(|s| {
        let id = s.headers.iter().find(|(name, _)| name == "webhook-id")?.1.clone();
        Some((id, serde_json::from_slice::<Value>(&s.body).ok()?))
    });
    letters.filter(|(_, body)| body["type"] == "customer.confirmation").collect()
}

/// The code in a message: six digits in a row.
fn code_in(letter: &Value) -> String {
    let text = letter["data"]["message"]["body"].as_str().unwrap();
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| run.len() == 6).map(str::to_owned).next().unwrap_or_else(|| panic!("{text}"))
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn confirmed(amount: &str, id: &str, code: &str) -> Value {
    let mut body = refund("S-1", amount);
    body["identity"] = json!({"confirmation": id, "code": code});
    body
}

async fn stored(shop: &Shop, sale: &str) -> Aggregate {
    let key = Key::sale(&shop.merchant, &SaleId::parse(sale).unwrap());
    shop.world.app.records().await.unwrap().read::<Aggregate>(&key).await.unwrap().unwrap()
}

/// Whether a text lies anywhere in the store.
async fn lies(shop: &Shop, text: &str) -> bool {
    for key in shop.stored() {
        let value = shop.world.app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
        if String::from_utf8_lossy(&value).contains(text) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_customer_agrees_by_repeating_a_code() {
    let shop = shop().await;
    let (key, body) = (Some("cf-key"), ask("60.00").to_string());
    let first = shop.call(&shop.system, "POST", "/v1/confirmations", key, &body).await;
    let again = shop.call(&shop.system, "POST", "/v1/confirmations", key, &body).await;
    assert_eq!((first.status.as_u16(), &first.text), (201, &again.text));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("cf-") && !first.text.contains("code"), "{}", first.text);

    shop.world.app.tick().await.unwrap();
    shop.world.app.tick().await.unwrap();
    let letters = letters(&shop);
    assert_eq!(letters.len(), 1, "one key, one message");
    let letter = &letters[0].1["data"];
    assert_eq!(
        (&letter["confirmation"], &letter["sale"], &letter["way"], &letter["contact"]),
        (&json!(id), &json!("S-1"), &json!("refund"), &json!(CONTACT))
    );
    let code = code_in(&letters[0].1);
    // Delivered, and gone.
    assert!(!lies(&shop, CONTACT).await && !lies(&shop, &format!("\"{code}\"")).await);
    let feed = shop.get(&shop.system, "/v1/events?audience=customer").await;
    assert!(!feed.text.contains(&code) && !feed.text.contains("confirmation"), "{}", feed.text);

    let (key, body) = (Some("refund-key"), confirmed("60.00", &id, &code).to_string());
    let made = shop.call(&shop.manager, "POST", "/v1/refunds", key, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let repeated = shop.call(&shop.manager, "POST", "/v1/refunds", key, &body).await;
    assert_eq!(repeated.text, made.text);
    let proof = stored(&shop, "S-1").await.ledger.refunds.remove(0).grounds.identity;
    let at = shop.world.app.ports.now();
    // It says where the code went, without saying where: two contacts can be told apart, and none can be read.
    let reference = proof.as_ref().unwrap().reference.clone().unwrap();
    assert!(reference.strip_prefix(&format!("{id}:")).is_some_and(|seal| seal.len() == 32), "{reference}");
    let expected = IdentityProof { kind: IdentityKind::CustomerConfirmed, reference: Some(reference), at };
    assert_eq!(proof, Some(expected));
    assert!(!lies(&shop, &format!("\"{code}\"")).await);
    // For one operation.
    let twice = shop.tell(&shop.manager, "/v1/refunds", &confirmed("60.00", &id, &code)).await;
    twice.refused(422, "confirmation.ended");
}

#[tokio::test]
async fn codes_are_asked_for_by_who_may_take_back_and_for_sales_they_see() {
    let shop = shop().await;
    for key in [&shop.reviewer, &shop.finance] {
        shop.tell(key, "/v1/confirmations", &ask("60.00")).await.refused(403, "auth.forbidden");
    }
    shop.post(&shop.manager, "/v1/confirmations", &ask("60.00")).await.refused(400, "idempotency.key-missing");
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.person_key(&other, "manager").await.unwrap();
    shop.tell(&stranger, "/v1/confirmations", &ask("60.00")).await.refused(404, "not-found");
    let too_much = shop.tell(&shop.manager, "/v1/confirmations", &ask("100.01")).await;
    assert_eq!(too_much.at().2, "/amount");
    for _ in 0..5 {
        sent(&shop, "60.00").await;
    }
    // A customer is not flooded, and nobody gets more guesses by more codes.
    shop.tell(&shop.system, "/v1/confirmations", &ask("60.00")).await.refused(422, "limit.reached");

    let deaf = Shop::new().await;
    deaf.sale_of_yesterday("S-1").await;
    let plain = json!({"url": "https://example.com/hook"});
    let made = deaf.post(&deaf.system, "/v1/webhook-endpoints", &plain).await.expect(201);
    assert_eq!(made["customer_messages"], false);
    deaf.tell(&deaf.system, "/v1/confirmations", &ask("60.00")).await.refused(409, "confirmation.no-channel");
}

#[tokio::test]
async fn a_till_does_not_say_where_a_code_goes() {
    let shop = shop().await;
    for key in [&shop.manager, &shop.supervisor] {
        let named = shop.tell(key, "/v1/confirmations", &ask("60.00")).await;
        assert_eq!(named.at(), (422, "body.invalid".to_owned(), "/contact".to_owned()));
    }
    let bare = |sale: &str| json!({"sale": sale, "way": "refund", "amount": cny("60.00")});
    shop.tell(&shop.manager, "/v1/confirmations", &bare("S-1")).await.refused(409, "confirmation.no-contact");
    // The merchant's own system passes the message on, and may know better.
    shop.tell(&shop.system, "/v1/confirmations", &bare("S-1")).await.expect(201);
    let mut known = super::shop::sale("S-2", "2026-11-22T12:00:00+08:00");
    known["contact"] = json!({"phone": "+86 139 1111 1111"});
    shop.post(&shop.system, "/v1/transactions", &known).await.expect(201);
    shop.tell(&shop.manager, "/v1/confirmations", &bare("S-2")).await.expect(201);
    shop.world.app.tick().await.unwrap();
    let contacts: Vec<Value> = letters(&shop).iter().map(|(_, letter)| letter["data"]["contact"].clone()).collect();
    assert_eq!(contacts.len(), 2);
    assert!(contacts.contains(&Value::Null) && contacts.contains(&json!("+8613911111111")), "{contacts:?}");
    let log = shop.world.app.ports.logged().join("\n");
    assert!(log.contains("an endpoint for messages to customers"), "{log}");
}

#[tokio::test]
async fn a_code_is_for_one_way_and_amount_and_for_ten_minutes() {
    let shop = shop().await;
    let id = sent(&shop, "60.00").await;
    shop.world.app.tick().await.unwrap();
    let code = code_in(&letters(&shop)[0].1);
    let refund =
        async |amount: &str, id: &str| shop.tell(&shop.manager, "/v1/refunds", &confirmed(amount, id, &code)).await;
    refund("61.00", &id).await.refused(422, "confirmation.ended");
    refund("60.00", "cf-0000").await.refused(422, "confirmation.ended");
    let mut void = json!({"reason": "wrong-amount"});
    void["identity"] = json!({"confirmation": id, "code": code});
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &void).await.refused(422, "confirmation.ended");
    shop.world.app.ports.pass(Duration::seconds(600));
    refund("60.00", &id).await.refused(422, "confirmation.ended");
}

#[tokio::test]
async fn five_wrong_codes_end_it_also_when_they_come_at_once() {
    let shop = shop().await;
    let id = sent(&shop, "60.00").await;
    shop.world.app.tick().await.unwrap();
    let code = code_in(&letters(&shop)[0].1);
    let wrong = confirmed("60.00", &id, &another(&code));
    for _ in 0..4 {
        shop.tell(&shop.manager, "/v1/refunds", &wrong).await.refused(422, "confirmation.wrong-code");
    }
    for seed in 0..8 {
        let shop = shop.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan::always(Trouble::Slow));
        kv.seed(seed * 7919);
        let guess = || shop.tell(&shop.manager, "/v1/refunds", &wrong);
        let (a, b, c) = tokio::join!(guess(), guess(), guess());
        kv.calm();
        for reply in [a, b, c] {
            reply.refused(422, "confirmation.ended");
        }
        let late = shop.tell(&shop.manager, "/v1/refunds", &confirmed("60.00", &id, &code)).await;
        late.refused(422, "confirmation.ended");
    }
    // The last try may be right.
    shop.tell(&shop.manager, "/v1/refunds", &confirmed("60.00", &id, &code)).await.expect(201);
}

#[tokio::test]
async fn two_who_use_one_code_at_once_are_one() {
    let shop = shop().await;
    let id = sent(&shop, "40.00").await;
    shop.world.app.tick().await.unwrap();
    let body = confirmed("40.00", &id, &code_in(&letters(&shop)[0].1));
    for seed in 0..12 {
        let shop = shop.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan::always(Trouble::Slow));
        kv.seed(seed * 104_729);
        let (a, b) = tokio::join!(
            shop.tell(&shop.manager, "/v1/refunds", &body),
            shop.tell(&shop.manager, "/v1/refunds", &body)
        );
        kv.calm();
        let (made, refused) = if a.status == 201 { (a, b) } else { (b, a) };
        assert_eq!(made.status, 201, "seed {seed}: {}", made.text);
        refused.refused(422, "confirmation.ended");
        assert_eq!(stored(&shop, "S-1").await.ledger.refunds.len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_by_the_policy_does_not_use_a_code_up() {
    let shop = shop().await;
    let id = sent(&shop, "60.00").await;
    shop.world.app.tick().await.unwrap();
    let mut body = confirmed("60.00", &id, &code_in(&letters(&shop)[0].1));
    body.as_object_mut().unwrap().remove("reason");
    let refused = shop.tell(&shop.manager, "/v1/refunds", &body).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(!refused.code().starts_with("confirmation"), "{}", refused.text);
    body["reason"] = json!("returned-goods");
    shop.tell(&shop.manager, "/v1/refunds", &body).await.expect(201);
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_sent_again_until_its_time_is_over() {
    let shop = shop().await;
    shop.world.app.ports.answer_with(Box::new(|_, _, _| Ok(OutboundAnswer { status: 500, body: Vec::new() })));
    sent(&shop, "60.00").await;
    shop.world.app.tick().await.unwrap();
    shop.world.app.tick().await.unwrap();
    assert_eq!(letters(&shop).len(), 1, "it waits before it is sent again");
    assert!(lies(&shop, CONTACT).await);
    shop.world.app.ports.pass(Duration::seconds(5));
    up(&shop);
    shop.world.app.tick().await.unwrap();
    let all = letters(&shop);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], all[1], "the same id and the same body, so that the receiver can tell");
    assert!(!lies(&shop, CONTACT).await);

    shop.world.app.ports.answer_with(Box::new(|_, _, _| Ok(OutboundAnswer { status: 500, body: Vec::new() })));
    sent(&shop, "50.00").await;
    shop.world.app.tick().await.unwrap();
    assert!(lies(&shop, CONTACT).await);
    shop.world.app.ports.pass(Duration::seconds(600));
    shop.world.app.tick().await.unwrap();
    assert!(!lies(&shop, CONTACT).await, "what was not delivered is not kept either");
    assert_eq!(letters(&shop).len(), 3);
}

#[tokio::test]
async fn a_courier_that_dies_after_sending_sends_again_and_nothing_is_lost() {
    let shop = shop().await;
    sent(&shop, "60.00").await;
    let kv = shop.world.app.ports.kv();
    kv.plan(Plan::always(Trouble::FailsBefore).on("outbox:").of(Op::Swap));
    assert!(shop.world.app.tick().await.is_err());
    kv.calm();
    shop.world.app.tick().await.unwrap();
    let all = letters(&shop);
    assert_eq!((all.len(), &all[0]), (2, all.last().unwrap()));
    assert!(!lies(&shop, CONTACT).await);
}

#[tokio::test]
async fn a_request_that_broke_off_is_begun_anew_and_its_last_code_counts() {
    let shop = shop().await;
    let body = ask("60.00").to_string();
    let again = || shop.call(&shop.system, "POST", "/v1/confirmations", Some("cf-key"), &body);
    let kv = shop.world.app.ports.kv();
    kv.plan(Plan::always(Trouble::FailsBefore).on("outbox:").of(Op::Swap));
    again().await.refused(503, "store.unavailable");
    kv.calm();
    let id = again().await.expect(201)["id"].as_str().unwrap().to_owned();
    shop.world.app.tick().await.unwrap();
    let all = letters(&shop);
    assert_eq!(all.len(), 1);
    shop.tell(&shop.manager, "/v1/refunds", &confirmed("60.00", &id, &code_in(&all[0].1))).await.expect(201);
}

#[tokio::test]
async fn only_who_reads_cards_can_say_that_one_was_shown() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let shown = |identity: Value| {
        let mut body = refund("S-1", "10.00");
        body["identity"] = identity;
        body["requester"] = json!("M-1.manager");
        body
    };
    let paid = "9f86d081884c7d659a2feaa0c55ad015";
    let card = shown(json!({"card_token": paid}));
    let other = shown(json!({"card_token": "9f86d081884c7d659a2feaa0c55ad016"}));
    let pin = shown(json!({"pin_verified": true, "reference": "000123"}));
    shop.tell(&shop.terminal, "/v1/refunds", &other).await.refused(422, "identity.mismatch");
    // Persons see payer tokens in sales: theirs would prove that they can read.
    shop.tell(&shop.manager, "/v1/refunds", &card).await.refused(403, "auth.forbidden");
    shop.tell(&shop.manager, "/v1/refunds", &pin).await.refused(403, "auth.forbidden");
    shop.tell(&shop.system, "/v1/refunds", &pin).await.refused(403, "auth.forbidden");
    for bad in [
        json!({}),
        json!({"pin_verified": false}),
        json!({"card_token": paid, "pin_verified": true}),
        json!({"confirmation": "cf-1"}),
        json!({"code": "123456"}),
        json!({"card_token": paid, "reference": "1"}),
    ] {
        assert_eq!(shop.tell(&shop.terminal, "/v1/refunds", &shown(bad.clone())).await.at().2, "/identity", "{bad}");
    }
    let bad_code = shown(json!({"confirmation": "cf-1", "code": 4711}));
    let reply = shop.tell(&shop.terminal, "/v1/refunds", &bad_code).await;
    assert!(reply.at().2 == "/identity/code" && !reply.text.contains("4711"), "{}", reply.text);

    shop.tell(&shop.terminal, "/v1/refunds", &card).await.expect(201);
    shop.tell(&shop.terminal, "/v1/refunds", &pin).await.expect(201);
    shop.tell(&shop.system, "/v1/refunds", &card).await.expect(201);
    let at = shop.world.app.ports.now();
    let proof =
        |kind, reference: Option<&str>| Some(IdentityProof { kind, reference: reference.map(str::to_owned), at });
    let seen: Vec<_> = stored(&shop, "S-1").await.ledger.refunds.into_iter().map(|r| r.grounds.identity).collect();
    assert_eq!(
        seen,
        [
            proof(IdentityKind::CardPresented, None),
            proof(IdentityKind::PinVerified, Some("000123")),
            proof(IdentityKind::CardPresented, None),
        ]
    );
    // A sale whose payer is not known has no card that matches.
    let mut unknown = super::shop::sale("S-2", "2026-11-22T12:00:00+08:00");
    unknown.as_object_mut().unwrap().remove("payer_token");
    shop.post(&shop.system, "/v1/transactions", &unknown).await.expect(201);
    let mut card = card;
    card["sale"] = json!("S-2");
    shop.tell(&shop.terminal, "/v1/refunds", &card).await.refused(422, "identity.mismatch");
}
