//! Failed and unknown sales: reversed, found out, or nothing to reverse; and what a terminal owes before it sells again.

use super::payment_code::provider_says;
use super::shop::{Shop, cny, other_version, pack, refund, sale};
use crate::ports::Ports as _;
use crate::testkit::{Op, Plan, Trouble};
use rescind_model::Duration;
use serde_json::{Value, json};

const TROUBLES: &str = "/v1/transactions/S-1/troubles";
const NOW: &str = "2026-11-23T11:59:00+08:00";

fn unknown(id: &str) -> Value {
    let mut body = sale(id, "2026-11-23T11:50:00+08:00");
    body["outcome"] = json!("unknown");
    body
}

async fn of_unknown_outcome(policy: &str) -> Shop {
    let shop = Shop::under(policy).await;
    shop.post(&shop.system, "/v1/transactions", &unknown("S-1")).await.expect(201);
    shop
}

#[tokio::test]
async fn an_unknown_card_sale_is_reversed_at_once_and_a_late_answer_changes_nothing() {
    let shop = of_unknown_outcome("lakala").await;
    let told = json!({"trouble": "no-answer", "note": "no answer for card 4111111111111111"});
    let told = shop.tell(&shop.terminal, TROUBLES, &told).await.expect(200);
    assert_eq!((&told["next"], &told["outcome"], &told["masked"]), (&json!("undone"), &json!("unknown"), &json!(true)));
    let operation = &told["operation"];
    assert_eq!((&operation["kind"], &operation["reason"]), (&json!("reversal"), &json!("no-answer")));
    assert_eq!((&operation["state"], &operation["executor"]), (&json!("authorised"), &json!("courier")));
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(shown["operations"], json!([operation]));
    let happened: Vec<&str> =
        shown["history"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(happened, ["sale.registered", "sale.trouble", "operation.authorised"]);
    assert!(shown["history"][1]["reason"].as_str().unwrap().starts_with("no-answer: "), "{shown}");
    // Somebody else asks for the same: it is under way.
    let again = shop.tell(&shop.supervisor, TROUBLES, &json!({"trouble": "hardware-fault"})).await.expect(200);
    assert_eq!((&again["next"], &again["operation"]["id"]), (&json!("undone"), &operation["id"]));
    let second = shop.tell(&shop.supervisor, "/v1/transactions/S-1/reversals", &json!({})).await;
    second.refused(422, "decision.deny");

    provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    shop.world.app.tick().await.unwrap();
    let sent = shop.world.app.ports.sent().len();
    let events = "/v1/transactions/S-1/events";
    let good = json!({"type": "outcome-known", "outcome": "good"});
    let late = shop.tell(&shop.system, events, &good).await.expect(200);
    assert_eq!(late["status"]["outcome"], "reversed");
    assert_eq!(
        (&late["status"]["late"]["outcome"], &late["operations"][0]["attention"]),
        (&json!("good"), &json!(true))
    );
    assert_eq!(shop.tell(&shop.system, events, &good).await.expect(200), late);
    let other = json!({"type": "outcome-known", "outcome": "declined"});
    shop.tell(&shop.system, events, &other).await.refused(409, "outcome.contradicts");
    shop.world.app.ports.pass(Duration::minutes(10));
    shop.world.app.tick().await.unwrap();
    assert_eq!(shop.world.app.ports.sent().len(), sent, "nothing is sent again");
    let told = shop.tell(&shop.terminal, TROUBLES, &json!({"trouble": "no-answer"})).await.expect(200);
    assert_eq!((&told["next"], &told["outcome"]), (&json!("new-sale"), &json!("reversed")));
}

#[tokio::test]
async fn declined_printer_fault_and_unauthorised_are_told_apart() {
    let shop = of_unknown_outcome("lakala").await;
    let declined = shop.tell(&shop.terminal, TROUBLES, &json!({"trouble": "declined"})).await.expect(200);
    assert_eq!((&declined["next"], &declined["outcome"]), (&json!("new-sale"), &json!("declined")));
    assert_eq!(declined.get("operation"), None);
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/reversals", &json!({})).await.refused(422, "decision.deny");
    shop.get(&shop.terminal, "/v1/transactions/S-1/slip").await.refused(409, "sale.not-good");

    shop.sale_of_today("S-2").await;
    let told = json!({"trouble": "printer-fault"});
    let told = shop.tell(&shop.terminal, "/v1/transactions/S-2/troubles", &told).await.expect(200);
    assert_eq!((&told["next"], &told["outcome"]), (&json!("reprint"), &json!("good")));
    let slip = shop.get(&shop.terminal, &format!("{}&locale=zh-CN", told["slip"].as_str().unwrap())).await;
    assert_eq!(
        (slip.status.as_u16(), &slip.headers["content-type"]),
        (200, &"text/plain; charset=utf-8".parse().unwrap())
    );
    let first = shop.get(&shop.terminal, "/v1/transactions/S-2/slip").await;
    assert_ne!(first.text, slip.text, "a reprint is marked");

    let told = json!({"trouble": "unauthorised"});
    let told = shop.tell(&shop.supervisor, "/v1/transactions/S-2/troubles", &told).await.expect(200);
    assert_eq!(told["next"], "ways-back");
    let ways: Vec<&str> = told["ways"].as_array().unwrap().iter().map(|w| w["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["void", "refund"]);
    let shown = shop.get(&shop.system, "/v1/transactions/S-2").await.expect(200);
    assert_eq!(shown["operations"], json!([]), "nothing is done about a good sale");
}

#[tokio::test]
async fn a_trouble_that_the_policy_does_nothing_about_is_recorded_all_the_same() {
    let shop = of_unknown_outcome("lakala").await;
    let text = include_str!("../../../../../policies/lakala.toml")
        .replace("[reversal]\nenabled = true", "[reversal]\nenabled = false");
    let policy = rescind_policy::compile(&other_version(&text), "lakala.toml").unwrap();
    shop.world.app.put_policy("lakala", policy.canonical()).await.unwrap();
    let told = shop.tell(&shop.terminal, TROUBLES, &json!({"trouble": "no-answer"})).await.expect(200);
    assert_eq!((&told["next"], &told["decision"]["outcome"]), (&json!("refused"), &json!("refer")), "{told}");
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(shown["history"][1]["type"], "sale.trouble");
    assert_eq!(shown["operations"], json!([]));
}

/// A till that breaks down reports nothing: whoever registered the sale does not know of it either.
#[tokio::test]
async fn of_an_unknown_sale_that_nobody_reports_trouble_for_a_person_is_called_once() {
    let shop = of_unknown_outcome("unionpay").await;
    let attention = |shown: &Value| -> usize {
        shown["history"].as_array().unwrap().iter().filter(|e| e["type"] == "sale.attention").count()
    };
    shop.world.app.tick().await.unwrap();
    shop.world.app.ports.pass(Duration::minutes(9));
    shop.world.app.tick().await.unwrap();
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((attention(&shown), &shown["status"]["doubt"]["attention"]), (0, &json!(false)));
    for _ in 0..3 {
        shop.world.app.ports.pass(Duration::minutes(2));
        shop.world.app.tick().await.unwrap();
        let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        assert_eq!((attention(&shown), &shown["status"]["doubt"]["attention"]), (1, &json!(true)), "{shown}");
        assert_eq!(shown["history"][1]["actor"], json!({"kind": "system"}));
    }
    // It is looked after: nobody has to look any more.
    shop.tell(&shop.terminal, TROUBLES, &json!({"trouble": "no-answer"})).await.expect(200);
    let done = json!({"outcome": "done", "code": "00"});
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    let operation = shown["operations"][0]["id"].as_str().unwrap();
    shop.tell(&shop.terminal, &format!("/v1/operations/{operation}/results"), &done).await.expect(200);
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((&shown["status"]["outcome"], &shown["status"]["doubt"]), (&json!("reversed"), &Value::Null));
}

/// `DOMAIN.md` §5.2: before the terminal's next transaction.
#[tokio::test]
async fn a_terminal_that_owes_a_reversal_does_not_sell_before_it_reported_it() {
    let shop = of_unknown_outcome("unionpay").await;
    let told = shop.tell(&shop.terminal, TROUBLES, &json!({"trouble": "no-answer"})).await.expect(200);
    let operation = told["operation"]["id"].as_str().unwrap();
    assert_eq!((&told["operation"]["executor"], &told["operation"]["terminal"]), (&json!("terminal"), &json!("T1")));
    for (path, body) in [
        ("/v1/transactions", sale("S-2", NOW)),
        ("/v1/payment-codes", super::payment_code::code("C-1")),
        ("/v1/holds", super::hold::hold("H-1")),
    ] {
        let refused = shop.post(&shop.terminal, path, &body).await.refused(409, "terminal.reversal-outstanding");
        assert_eq!(refused["operation"], operation);
    }
    // What is known already is no new sale; what a merchant's systems register has taken place.
    shop.post(&shop.terminal, "/v1/transactions", &unknown("S-1")).await.expect(200);
    shop.post(&shop.system, "/v1/transactions", &sale("S-3", NOW)).await.expect(201);
    let done = json!({"outcome": "done", "code": "00"});
    let done = shop.tell(&shop.terminal, &format!("/v1/operations/{operation}/results"), &done).await.expect(200);
    assert_eq!(done["state"], "done");
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-2", NOW)).await.expect(201);
    assert_eq!(shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200)["status"]["outcome"], "reversed");
    // What was reported is no longer looked at.
    let before = shop.world.app.ports.kv().calls().total();
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-4", NOW)).await.expect(201);
    let one = shop.world.app.ports.kv().calls().total() - before;
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-5", NOW)).await.expect(201);
    assert_eq!(shop.world.app.ports.kv().calls().total() - before - one, one);
}

#[tokio::test]
async fn a_reversal_that_never_came_through_holds_nothing_up() {
    let shop = of_unknown_outcome("unionpay").await;
    let kv = shop.world.app.ports.kv();
    kv.plan(Plan::always(Trouble::FailsBefore).on("sale:").of(Op::Swap));
    let body = json!({"trouble": "no-answer"}).to_string();
    shop.call(&shop.terminal, "POST", TROUBLES, Some("k"), &body).await.refused(503, "store.unavailable");
    kv.calm();
    assert!(shop.stored().iter().any(|key| key.starts_with("outstanding:")));
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-2", NOW)).await.expect(201);
    let told = shop.call(&shop.terminal, "POST", TROUBLES, Some("k"), &body).await.expect(200);
    assert_eq!(told["next"], "undone");
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-3", NOW))
        .await
        .refused(409, "terminal.reversal-outstanding");
}

#[tokio::test]
async fn of_a_reversal_and_a_late_answer_at_once_neither_is_lost() {
    let start = of_unknown_outcome("lakala").await;
    let mut reversed = 0;
    for seed in 0..50 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let good = json!({"type": "outcome-known", "outcome": "good"}).to_string();
        let (one, two) = tokio::join!(
            shop.call(&shop.supervisor, "POST", "/v1/transactions/S-1/reversals", Some("reverse"), "{}"),
            async {
                // A reversal takes more steps than an answer: it has a start, of another length each time.
                for _ in 0..seed * 4 {
                    tokio::task::yield_now().await;
                }
                shop.call(&shop.system, "POST", "/v1/transactions/S-1/events", Some("late"), &good).await
            },
        );
        kv.calm();
        let case = format!("seed {seed}: {} {}", one.text, two.text);
        let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(two.status, 200, "{case}");
        if one.status == 201 {
            reversed += 1;
            assert_eq!(
                (&shown["status"]["outcome"], &shown["status"]["late"]["outcome"]),
                (&json!("unknown"), &json!("good")),
                "{case}"
            );
        } else {
            one.refused(422, "decision.deny");
            assert_eq!((&shown["status"]["outcome"], &shown["operations"]), (&json!("good"), &json!([])), "{case}");
        }
    }
    assert!(reversed > 0, "the reversal was never first");
}

#[tokio::test]
async fn a_terminal_says_what_became_of_a_refund_that_it_carries_out() {
    let shop = Shop::new().await;
    let text = include_str!("../../../../../policies/lakala.toml");
    let (before, refunds) = text.split_once("[refund]").unwrap();
    let refunds = refunds.replacen("executor = \"courier\"", "executor = \"terminal\"", 1);
    let policy = rescind_policy::compile(&other_version(&format!("{before}[refund]{refunds}")), "lakala.toml").unwrap();
    shop.world.app.put_policy("lakala", policy.canonical()).await.unwrap();
    shop.sale_of_yesterday("S-1").await;
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    shop.tell(&shop.finance, &format!("{path}/clearings"), &json!({})).await.expect(200);
    let results = format!("{path}/results");
    shop.tell(&shop.manager, &results, &json!({"outcome": "done"})).await.refused(403, "auth.forbidden");
    let body = json!({"outcome": "done", "code": "00", "reference": "632714000119"}).to_string();
    let first = shop.call(&shop.terminal, "POST", &results, Some("k"), &body).await;
    assert_eq!(first.clone().expect(200)["state"], "cleared");
    assert_eq!(shop.call(&shop.terminal, "POST", &results, Some("k"), &body).await.text, first.text);
    let failed = json!({"outcome": "failed"});
    shop.call(&shop.terminal, "POST", &results, Some("k"), &failed.to_string())
        .await
        .refused(422, "idempotency.key-reused");
    assert!(shop.tell(&shop.terminal, &results, &failed).await.status.is_client_error());
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    shop.tell(&stranger, &results, &failed).await.refused(404, "not-found");
    // What the courier carries out is not a terminal's to report.
    let courier = Shop::new().await;
    courier.sale_of_yesterday("S-1").await;
    let made = courier.tell(&courier.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let results = format!("/v1/refunds/{}/results", made["id"].as_str().unwrap());
    courier.tell(&courier.terminal, &results, &failed).await.refused(409, "operation.not-yours");
}

#[tokio::test]
async fn a_prepaid_sale_says_when_its_service_is_due_and_what_a_coupon_paid() {
    let shop = Shop::new().await;
    let mut body = sale("S-1", "2026-11-23T11:50:00+08:00");
    body["kind"] = json!("hotel-reservation");
    body["service_at"] = json!("2026-11-25T06:00:00+08:00");
    body["coupon"] = cny("20.00");
    let made = shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    assert_eq!((&made["service_at"], &made["coupon"]), (&json!("2026-11-24T22:00:00Z"), &cny("20.00")));
    for (field, value) in [
        ("coupon", cny("100.01")),
        ("coupon", json!({"amount": "1", "currency": "USD"})),
        ("service_at", json!("soon")),
        ("outcome", json!("reversed")),
    ] {
        let mut wrong = sale("S-2", "2026-11-23T11:50:00+08:00");
        wrong[field] = value;
        let reply = shop.post(&shop.system, "/v1/transactions", &wrong).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), format!("/{field}")), "{}", reply.text);
    }
}

#[tokio::test]
async fn only_who_may_says_what_went_wrong_and_others_learn_nothing_of_it() {
    let shop = of_unknown_outcome("lakala").await;
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    for (path, body) in [(TROUBLES, json!({"trouble": "no-answer"})), ("/v1/transactions/S-1/reversals", json!({}))] {
        shop.tell(&shop.reviewer, path, &body).await.refused(403, "auth.forbidden");
        shop.tell(&shop.admin, &format!("{path}?merchant=M-1"), &body).await.refused(403, "auth.forbidden");
        shop.tell(&stranger, path, &body).await.refused(404, "not-found");
        shop.post(&shop.terminal, path, &body).await.refused(400, "idempotency.key-missing");
    }
    shop.get(&stranger, "/v1/transactions/S-1/slip").await.refused(404, "not-found");
    for (body, field) in [
        (json!({}), "/trouble"),
        (json!({"trouble": "fire"}), "/trouble"),
        (json!({"trouble": "no-answer", "note": " "}), "/note"),
        (json!({"trouble": "no-answer", "operator": "nobody"}), "/operator"),
        (json!({"trouble": "no-answer", "amount": cny("1.00")}), "/amount"),
    ] {
        let reply = shop.tell(&shop.terminal, TROUBLES, &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(shown["history"].as_array().unwrap().len(), 1);
    let body = json!({"trouble": "no-answer"}).to_string();
    let first = shop.call(&shop.terminal, "POST", TROUBLES, Some("k"), &body).await;
    let again = shop.call(&shop.terminal, "POST", TROUBLES, Some("k"), &body).await;
    assert_eq!((first.status.as_u16(), &first.text), (200, &again.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = json!({"trouble": "declined"}).to_string();
    shop.call(&shop.terminal, "POST", TROUBLES, Some("k"), &other).await.refused(422, "idempotency.key-reused");
}
