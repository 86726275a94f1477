//! Funds: what limits the refunds of a business day, and the queue before it.

use super::people::{hire, provider_says, shop_under, ticks};
use super::shop::{Reply, Shop, cny, pack, refund, sale};
use crate::ports::Ports as _;
use crate::testkit::{Plan, Trouble};
use rescind_model::Duration;
use serde_json::{Value, json};

/// A shop whose refunds are limited by the income of the day, or by what was paid in.
pub async fn funded(basis: &str) -> Shop {
    let basis = format!("funding = \"{basis}\"");
    let shop = shop_under("unionpay", |text| text.replace("funding = \"same-day-income\"", &basis)).await;
    provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    shop
}

async fn sale_of(shop: &Shop, id: &str, amount: &str, paid_at: &str) {
    let mut body = sale(id, paid_at);
    body["amount"] = cny(amount);
    shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
}

const TODAY: &str = "2026-11-23T11:50:00+08:00";
const BEFORE: &str = "2026-11-20T12:00:00+08:00";

/// An approved refund of a sale of some days ago.
async fn approved(shop: &Shop, id: &str, amount: &str) {
    sale_of(shop, &format!("S-{id}"), "1000.00", BEFORE).await;
    let mut ask = refund(&format!("S-{id}"), amount);
    ask["id"] = json!(id);
    let made = shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
    if made["state"] == "in-review" {
        shop.tell(&shop.reviewer, &format!("/v1/refunds/{id}/approvals"), &json!({})).await.expect(200);
    }
    assert_eq!(state(shop, id).await, "approved");
}

async fn state(shop: &Shop, id: &str) -> String {
    let there = shop.get(&shop.manager, &format!("/v1/refunds/{id}")).await.expect(200);
    there["state"].as_str().unwrap().to_owned()
}

async fn clear(shop: &Shop, id: &str) -> Reply {
    shop.tell(&shop.finance, &format!("/v1/refunds/{id}/clearings"), &json!({})).await
}

async fn funds(shop: &Shop) -> Value {
    let funds = shop.get(&shop.finance, "/v1/merchants/M-1/funding").await.expect(200);
    assert_eq!(funds["complete"], true);
    funds
}

async fn pay_in(shop: &Shop, id: &str, amount: &str) -> Reply {
    shop.tell(&shop.system, "/v1/merchants/M-1/funds", &json!({"id": id, "amount": cny(amount)})).await
}

#[tokio::test]
async fn what_the_income_of_the_day_does_not_reach_waits_for_more() {
    let shop = funded("same-day-income").await;
    sale_of(&shop, "D-1", "100.00", TODAY).await;
    approved(&shop, "R-1", "80.00").await;
    approved(&shop, "R-2", "30.00").await;
    approved(&shop, "R-3", "5.00").await;
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "clearing");
    let line = &funds(&shop).await["items"][0];
    assert_eq!((&line["income"], &line["held"], &line["left"]), (&cny("100.00"), &cny("80.00"), &cny("20.00")));
    assert_eq!(clear(&shop, "R-2").await.expect(200)["state"], "queued");
    // It would fit, and waits its turn.
    assert_eq!(clear(&shop, "R-3").await.expect(200)["state"], "queued");
    ticks(&shop, 3).await;
    assert_eq!(state(&shop, "R-1").await, "cleared");
    let there = funds(&shop).await;
    let line = &there["items"][0];
    assert_eq!((&there["basis"], &there["business_day"]), (&json!("same-day-income"), &json!("2026-11-23")));
    assert_eq!((&line["held"], &line["cleared"], &line["left"]), (&cny("0.00"), &cny("80.00"), &cny("20.00")));
    assert_eq!(line["queued"], json!({"count": 2, "amount": cny("35.00")}));
    // Whoever asks again hears that it waits.
    assert_eq!(clear(&shop, "R-2").await.expect(200)["state"], "queued");
    // More comes in.
    sale_of(&shop, "D-2", "12.00", TODAY).await;
    ticks(&shop, 3).await;
    assert_eq!((state(&shop, "R-2").await.as_str(), state(&shop, "R-3").await.as_str()), ("cleared", "queued"));
    sale_of(&shop, "D-3", "3.00", TODAY).await;
    ticks(&shop, 3).await;
    assert_eq!(state(&shop, "R-3").await, "cleared");
    let line = &funds(&shop).await["items"][0];
    assert_eq!((&line["left"], &line["queued"]["count"]), (&cny("0.00"), &json!(0)));
}

#[tokio::test]
async fn a_new_business_day_brings_its_own_income() {
    let shop = funded("same-day-income").await;
    sale_of(&shop, "D-1", "50.00", TODAY).await;
    approved(&shop, "R-1", "60.00").await;
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "queued");
    // 23:00 ends the day; what came in on it is gone with it.
    shop.world.app.ports.pass(Duration::minutes(12 * 60));
    ticks(&shop, 2).await;
    assert_eq!(state(&shop, "R-1").await, "queued");
    sale_of(&shop, "D-2", "60.00", "2026-11-24T00:00:00+08:00").await;
    ticks(&shop, 3).await;
    assert_eq!(state(&shop, "R-1").await, "cleared");
    let yesterday = shop.get(&shop.finance, "/v1/merchants/M-1/funding?business_day=2026-11-23").await.expect(200);
    assert_eq!((&yesterday["items"][0]["income"], &yesterday["items"][0]["cleared"]), (&cny("50.00"), &cny("0.00")));
}

#[tokio::test]
async fn a_void_makes_the_income_smaller_and_an_unknown_sale_is_none() {
    let shop = funded("same-day-income").await;
    sale_of(&shop, "D-1", "100.00", TODAY).await;
    sale_of(&shop, "D-2", "40.00", TODAY).await;
    let mut unknown = sale("D-3", TODAY);
    unknown["outcome"] = json!("unknown");
    shop.post(&shop.system, "/v1/transactions", &unknown).await.expect(201);
    let void =
        shop.tell(&shop.supervisor, "/v1/transactions/D-1/voids", &json!({"reason": "duplicate"})).await.expect(201);
    let line = &funds(&shop).await["items"][0];
    assert_eq!((&line["income"], &line["taken_back"]), (&cny("140.00"), &cny("0.00")));
    let results = format!("/v1/operations/{}/results", void["id"].as_str().unwrap());
    let done = shop.tell(&shop.terminal, &results, &json!({"outcome": "done", "code": "00"})).await;
    if done.status != 200 {
        ticks(&shop, 3).await;
    }
    let line = &funds(&shop).await["items"][0];
    assert_eq!((&line["income"], &line["taken_back"], &line["left"]), (&cny("140.00"), &cny("100.00"), &cny("40.00")));
    approved(&shop, "R-1", "40.01").await;
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "queued");
    let good = json!({"type": "outcome-known", "outcome": "good"});
    shop.tell(&shop.system, "/v1/transactions/D-3/events", &good).await.expect(200);
    ticks(&shop, 2).await;
    assert_ne!(state(&shop, "R-1").await, "queued");
}

#[tokio::test]
async fn what_fails_gives_its_funds_back_and_is_retried_only_with_funds() {
    let shop = funded("same-day-income").await;
    sale_of(&shop, "D-1", "60.00", TODAY).await;
    approved(&shop, "R-1", "60.00").await;
    approved(&shop, "R-2", "60.00").await;
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "clearing");
    provider_says(&shop, r#"{"status":"failed","code":"51"}"#);
    ticks(&shop, 2).await;
    assert_eq!(state(&shop, "R-1").await, "failed");
    assert_eq!(funds(&shop).await["items"][0]["left"], cny("60.00"));
    provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    assert_eq!(clear(&shop, "R-2").await.expect(200)["state"], "clearing");
    let retry = shop.tell(&shop.finance, "/v1/refunds/R-1/retries", &json!({})).await;
    retry.refused(409, "funds.short");
    sale_of(&shop, "D-2", "60.00", TODAY).await;
    shop.tell(&shop.finance, "/v1/refunds/R-1/retries", &json!({})).await.expect(200);
    ticks(&shop, 3).await;
    assert_eq!((state(&shop, "R-1").await.as_str(), state(&shop, "R-2").await.as_str()), ("cleared", "cleared"));
    assert_eq!(funds(&shop).await["items"][0]["left"], cny("0.00"));
}

#[tokio::test]
async fn two_clear_on_the_last_funds_and_one_waits() {
    for seed in 0..15 {
        let shop = funded("same-day-income").await;
        sale_of(&shop, "D-1", "60.00", TODAY).await;
        approved(&shop, "R-1", "60.00").await;
        approved(&shop, "R-2", "60.00").await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two) = tokio::join!(clear(&shop, "R-1"), clear(&shop, "R-2"));
        kv.calm();
        let mut states = [one.expect(200)["state"].clone(), two.expect(200)["state"].clone()];
        states.sort_by_key(ToString::to_string);
        assert_eq!(states, [json!("clearing"), json!("queued")], "seed {seed}");
        ticks(&shop, 2).await;
        let line = &funds(&shop).await["items"][0];
        assert_eq!(
            (&line["left"], &line["cleared"], &line["queued"]["count"]),
            (&cny("0.00"), &cny("60.00"), &json!(1))
        );
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_anywhere_neither_loses_nor_doubles_funds() {
    let shop = funded("same-day-income").await;
    sale_of(&shop, "D-1", "60.00", TODAY).await;
    approved(&shop, "R-1", "60.00").await;
    let kv = shop.world.app.ports.kv();
    let before = kv.calls().total();
    {
        let copy = shop.copy().await;
        clear(&copy, "R-1").await.expect(200);
    }
    assert_eq!(kv.calls().total(), before, "a copy has a store of its own");
    for trouble in [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone] {
        for n in 0..60 {
            let copy = shop.copy().await;
            provider_says(&copy, r#"{"status":"done","code":"00"}"#);
            let kv = copy.world.app.ports.kv();
            kv.plan(Plan::once(trouble, n));
            let path = "/v1/refunds/R-1/clearings";
            let _whatever = copy.call(&copy.finance, "POST", path, Some("k"), "{}").await;
            kv.calm();
            copy.world.app.ports.pass(Duration::minutes(3));
            ticks(&copy, 1).await;
            let again = copy.call(&copy.finance, "POST", path, Some("k"), "{}").await;
            assert_eq!(again.status, 200, "{trouble:?} at {n}: {}", again.text);
            ticks(&copy, 4).await;
            assert_eq!(state(&copy, "R-1").await, "cleared", "{trouble:?} at {n}");
            let line = &funds(&copy).await["items"][0];
            let sums = (&line["income"], &line["cleared"], &line["held"], &line["left"]);
            assert_eq!(sums, (&cny("60.00"), &cny("60.00"), &cny("0.00"), &cny("0.00")), "{trouble:?} at {n}");
        }
    }
}

#[tokio::test]
async fn what_was_paid_in_counts_once_and_releases_what_waits() {
    let shop = funded("prefunded").await;
    sale_of(&shop, "D-1", "1000.00", TODAY).await;
    approved(&shop, "R-1", "60.00").await;
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "queued", "income is no funds under this policy");
    for key in [&shop.manager, &shop.finance, &shop.terminal] {
        let reply = shop.tell(key, "/v1/merchants/M-1/funds", &json!({"id": "P-1", "amount": cny("1.00")})).await;
        reply.refused(403, "auth.forbidden");
    }
    assert_eq!(pay_in(&shop, "P-1", "40.00").await.expect(201)["amount"], cny("40.00"));
    assert_eq!(state(&shop, "R-1").await, "queued");
    // The same once more, under another key.
    pay_in(&shop, "P-1", "40.00").await.expect(201);
    pay_in(&shop, "P-1", "41.00").await.refused(409, "funds.id-taken");
    assert_eq!(funds(&shop).await["items"][0]["prefunded"]["paid_in"], cny("40.00"));
    pay_in(&shop, "P-2", "25.00").await.expect(201);
    assert_eq!(state(&shop, "R-1").await, "clearing", "it goes at once");
    ticks(&shop, 3).await;
    let line = funds(&shop).await["items"][0]["prefunded"].clone();
    assert_eq!(
        line,
        json!({"paid_in": cny("65.00"), "held": cny("0.00"), "cleared": cny("60.00"), "left": cny("5.00")})
    );
    // The network gives it back: it is there again.
    shop.tell(&shop.system, "/v1/refunds/R-1/returns", &json!({"code": "closed"})).await.expect(200);
    assert_eq!(funds(&shop).await["items"][0]["prefunded"]["left"], cny("65.00"));
    for (body, field) in [
        (json!({"amount": cny("1.00")}), "/id"),
        (json!({"id": "", "amount": cny("1.00")}), "/id"),
        (json!({"id": "x y", "amount": cny("1.00")}), "/id"),
        (json!({"id": "4111111111111111", "amount": cny("1.00")}), "/id"),
        (json!({"id": "P-3", "amount": cny("0.00")}), "/amount"),
    ] {
        let reply = shop.tell(&shop.system, "/v1/merchants/M-1/funds", &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}");
    }
    shop.tell(&shop.admin, "/v1/merchants/M-9/funds", &json!({"id": "P", "amount": cny("1.00")}))
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn paid_in_twice_at_once_or_against_the_queue_it_counts_once() {
    for seed in 0..15 {
        let shop = funded("prefunded").await;
        approved(&shop, "R-1", "60.00").await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two, cleared, ticked) = tokio::join!(
            pay_in(&shop, "P-1", "60.00"),
            pay_in(&shop, "P-1", "60.00"),
            clear(&shop, "R-1"),
            shop.world.app.tick()
        );
        kv.calm();
        ticked.unwrap();
        one.expect(201);
        two.expect(201);
        cleared.expect(200);
        ticks(&shop, 4).await;
        assert_eq!(state(&shop, "R-1").await, "cleared", "seed {seed}");
        let line = funds(&shop).await["items"][0]["prefunded"].clone();
        assert_eq!((&line["paid_in"], &line["left"]), (&cny("60.00"), &cny("0.00")), "seed {seed}");
    }
}

#[tokio::test]
async fn a_payment_in_that_breaks_off_anywhere_counts_once() {
    let shop = funded("prefunded").await;
    pay_in(&shop, "P-0", "1.00").await.expect(201);
    for trouble in [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone] {
        for n in 0..30 {
            let copy = shop.copy().await;
            let kv = copy.world.app.ports.kv();
            kv.plan(Plan::once(trouble, n));
            let _whatever = pay_in(&copy, "P-1", "60.00").await;
            kv.calm();
            pay_in(&copy, "P-1", "60.00").await.expect(201);
            copy.world.app.ports.pass(Duration::minutes(3));
            pay_in(&copy, "P-2", "2.00").await.expect(201);
            let line = funds(&copy).await["items"][0]["prefunded"].clone();
            assert_eq!(line["paid_in"], cny("63.00"), "{trouble:?} at {n}");
        }
    }
}

#[tokio::test]
async fn what_is_queued_can_be_taken_back_and_calls_a_person_in_the_end() {
    let shop = funded("same-day-income").await;
    approved(&shop, "R-1", "60.00").await;
    approved(&shop, "R-2", "60.00").await;
    for id in ["R-1", "R-2"] {
        assert_eq!(clear(&shop, id).await.expect(200)["state"], "queued");
    }
    let withdraw = json!({"reason": "changed my mind"});
    shop.tell(&shop.manager, "/v1/refunds/R-1/withdrawals", &withdraw).await.expect(200);
    assert_eq!(funds(&shop).await["items"][0]["queued"], json!({"count": 1, "amount": cny("60.00")}));
    for _ in 0..8 {
        shop.world.app.ports.pass(Duration::minutes(24 * 60));
        ticks(&shop, 2).await;
    }
    let waits = shop.get(&shop.manager, "/v1/refunds/R-2").await.expect(200);
    assert_eq!((&waits["state"], &waits["attention"]), (&json!("queued"), &json!(true)));
    let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
    let told = feed["items"].as_array().unwrap().iter().filter(|e| e["type"] == "refund.attention").count();
    assert_eq!(told, 1);
    sale_of(&shop, "D-1", "60.00", "2026-12-01T12:00:00+08:00").await;
    ticks(&shop, 4).await;
    assert_eq!(state(&shop, "R-2").await, "cleared");
}

#[tokio::test]
async fn without_a_rule_for_funds_nothing_of_this_happens() {
    let shop = shop_under("lakala", |text| text).await;
    shop.sale_of_yesterday("S-1").await;
    let mut ask = refund("S-1", "60.00");
    ask["id"] = json!("R-1");
    shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
    assert_eq!(clear(&shop, "R-1").await.expect(200)["state"], "clearing");
    ticks(&shop, 2).await;
    let stored = shop.stored();
    assert!(!stored.iter().any(|key| key.starts_with("books:") || key.starts_with("queued:")), "{stored:?}");
    let there = shop.get(&shop.finance, "/v1/merchants/M-1/funding").await.expect(200);
    assert!(there.get("basis").is_none(), "{there}");
}

#[tokio::test]
async fn a_merchants_accounts_are_the_sum_of_its_payments_and_balance() {
    let shop = funded("same-day-income").await;
    for n in 0..5 {
        sale_of(&shop, &format!("D-{n}"), "100.00", TODAY).await;
    }
    approved(&shop, "R-1", "80.00").await;
    clear(&shop, "R-1").await.expect(200);
    ticks(&shop, 3).await;
    let accounts = shop.get(&shop.finance, "/v1/merchants/M-1/balances").await.expect(200);
    assert_eq!(accounts["complete"], true);
    let line = |name: &str| {
        accounts["items"].as_array().unwrap().iter().find(|line| line["account"] == name).cloned().unwrap()
    };
    // Five sales of 100.00, one of 1000.00, 80.00 given back.
    assert_eq!((&line("customer")["debit"], &line("customer")["credit"]), (&cny("1500.00"), &cny("80.00")));
    let minor = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let lines = accounts["items"].as_array().unwrap();
    let (debit, credit) = lines.iter().fold((0, 0), |(d, c), l| (d + minor(&l["debit"]), c + minor(&l["credit"])));
    assert_eq!(debit, credit);
    let mut of_payments = 0;
    for id in ["D-0", "D-1", "D-2", "D-3", "D-4", "S-R-1"] {
        let entries = shop.get(&shop.finance, &format!("/v1/transactions/{id}/entries")).await.expect(200);
        of_payments += entries["balances"].as_array().unwrap().iter().map(|l| minor(&l["debit"])).sum::<i64>();
    }
    assert_eq!(of_payments, debit);
    for key in [&shop.supervisor, &shop.reviewer, &shop.terminal] {
        shop.get(key, "/v1/merchants/M-1/balances").await.refused(403, "auth.forbidden");
        shop.get(key, "/v1/merchants/M-1/funding").await.refused(403, "auth.forbidden");
    }
    shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = hire(&shop, "stranger", &["M-2"], "finance").await;
    for path in ["/v1/merchants/M-1/balances", "/v1/merchants/M-1/funding"] {
        shop.get(&stranger, path).await.refused(404, "not-found");
    }
    shop.get(&shop.finance, "/v1/merchants/M-1/funding?merchant=M-2").await.refused(404, "not-found");
    let odd = shop.get(&shop.finance, "/v1/merchants/M-1/funding?business_day=today").await;
    assert_eq!(odd.at(), (422, "parameter.invalid".to_owned(), "business_day".to_owned()));
}
