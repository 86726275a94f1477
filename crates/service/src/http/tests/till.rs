//! What a till may say, how often, and what it owes.

use super::hold::hold;
use super::payment_code::{code, provider_says};
use super::people::{hire, shop_under};
use super::race::begun;
use super::shop::{FIRST_PIN, PIN, Shop, cny, pack, sale};
use crate::limits::{CONFIRMATIONS, INTENT_PATIENCE, OUTBOX_MESSAGES, OUTBOX_MESSAGES_OF_ONE, OUTSTANDING};
use crate::ports::{Kv as _, Ports as _};
use crate::principal::Bearer;
use crate::store::lane;
use crate::testkit::{Op, Plan, Trouble};
use rescind_model::{Duration, MerchantId, SaleId, TerminalId};
use serde_json::{Value, json};

const TODAY: &str = "2026-11-23T11:50:00+08:00";

fn unknown(id: &str) -> Value {
    let mut body = sale(id, TODAY);
    body["outcome"] = json!("unknown");
    body
}

fn troubles(view: &Value) -> usize {
    view["history"].as_array().unwrap().iter().filter(|event| event["type"] == "sale.trouble").count()
}

#[tokio::test]
async fn sixteen_troubles_of_one_payment_are_kept_and_none_after_them() {
    let shop = shop_under("lakala", |text| text).await;
    shop.sale_of_today("S-1").await;
    let path = "/v1/transactions/S-1/troubles";
    let fault = json!({"trouble": "printer-fault"}).to_string();
    for number in 0..16 {
        let key = format!("trouble-{number}");
        shop.call(&shop.terminal, "POST", path, Some(&key), &fault).await.expect(200);
    }
    let full = shop.call(&shop.terminal, "POST", path, Some("one-more"), &fault).await;
    full.clone().refused(409, "record.full");
    // Whoever asks again is told the same; whoever was told that it is kept, too.
    let again = shop.call(&shop.terminal, "POST", path, Some("one-more"), &fault).await;
    assert_eq!((again.status, &again.text), (full.status, &full.text));
    let last = shop.call(&shop.terminal, "POST", path, Some("trouble-15"), &fault).await.expect(200);
    assert_eq!(last["next"], "reprint");
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(troubles(&shown), 16);
    // Another payment has room of its own, and this one can be taken back.
    shop.sale_of_today("S-2").await;
    shop.tell(&shop.terminal, "/v1/transactions/S-2/troubles", &json!({"trouble": "printer-fault"})).await.expect(200);
    let void = json!({"reason": "wrong-amount"});
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &void).await.expect(201);
}

#[tokio::test]
async fn a_payment_with_sixteen_troubles_is_not_undone_by_a_seventeenth_but_by_a_reversal() {
    let shop = shop_under("lakala", |text| text).await;
    shop.post(&shop.system, "/v1/transactions", &unknown("S-1")).await.expect(201);
    let cashless = json!({"trouble": "unauthorised"});
    for _ in 0..16 {
        shop.tell(&shop.system, "/v1/transactions/S-1/troubles", &cashless).await.expect(200);
    }
    let seventeenth = json!({"trouble": "no-answer"});
    let full = shop.tell(&shop.terminal, "/v1/transactions/S-1/troubles", &seventeenth).await;
    full.refused(409, "record.full");
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((troubles(&shown), &shown["operations"]), (16, &json!([])));
    let reversal = shop.tell(&shop.supervisor, "/v1/transactions/S-1/reversals", &json!({})).await.expect(201);
    assert_eq!(reversal["kind"], "reversal");
}

#[tokio::test]
async fn two_troubles_at_once_do_not_make_seventeen() {
    let start = shop_under("lakala", |text| text).await;
    start.sale_of_today("S-1").await;
    let fault = json!({"trouble": "printer-fault"});
    for _ in 0..15 {
        start.tell(&start.terminal, "/v1/transactions/S-1/troubles", &fault).await.expect(200);
    }
    for seed in 0..8 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed * 104_729);
        kv.plan(Plan::always(Trouble::Slow));
        let path = "/v1/transactions/S-1/troubles";
        let (one, two) =
            tokio::join!(shop.tell(&shop.terminal, path, &fault), shop.tell(&shop.supervisor, path, &fault));
        kv.calm();
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        won.expect(200);
        lost.refused(409, "record.full");
        let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(troubles(&shown), 16, "seed {seed}");
    }
}

#[tokio::test]
async fn that_a_payment_was_declined_is_for_those_to_say_who_report_payments() {
    for (who, ends) in [("supervisor", false), ("manager", true), ("terminal", true), ("system", true)] {
        let shop = Shop::new().await;
        shop.post(&shop.system, "/v1/transactions", &unknown("S-1")).await.expect(201);
        let key = match who {
            "supervisor" => &shop.supervisor,
            "manager" => &shop.manager,
            "terminal" => &shop.terminal,
            _ => &shop.system,
        };
        let told = json!({"trouble": "declined"});
        let told = shop.tell(key, "/v1/transactions/S-1/troubles", &told).await.expect(200);
        let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        // It is on record whoever says it; it ends the payment if it is theirs to say.
        assert_eq!(troubles(&shown), 1, "{who}");
        let outcome = if ends { "declined" } else { "unknown" };
        assert_eq!((&shown["status"]["outcome"], &told["outcome"]), (&json!(outcome), &json!(outcome)), "{who}");
        assert_eq!(told["next"] == "new-sale", ends, "{who}: {told}");
        // What was not ended can still be undone.
        let reversal = shop.tell(&shop.manager, "/v1/transactions/S-1/reversals", &json!({})).await;
        assert_eq!(reversal.status.is_success(), !ends, "{who}: {}", reversal.text);
    }
}

#[tokio::test]
async fn a_payment_is_undone_at_the_terminal_that_made_it() {
    let shop = shop_under("unionpay", |text| text).await;
    let door = json!({"merchant": "M-1", "id": "T2", "label": "door"});
    shop.post(&shop.admin, "/v1/terminals", &door).await.expect(201);
    shop.post(&shop.system, "/v1/transactions", &unknown("S-1")).await.expect(201);
    let elsewhere = json!({"terminal": "T2"});
    let reversals = "/v1/transactions/S-1/reversals";
    let refused = shop.tell(&shop.supervisor, reversals, &elsewhere).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/terminal".to_owned()), "{}", refused.text);
    let trouble = json!({"trouble": "no-answer", "terminal": "T2"});
    let refused = shop.tell(&shop.supervisor, "/v1/transactions/S-1/troubles", &trouble).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/terminal".to_owned()), "{}", refused.text);
    shop.post(&shop.system, "/v1/payment-codes", &code("C-1")).await.expect(201);
    let refused = shop.tell(&shop.supervisor, "/v1/payment-codes/C-1/cancellations", &elsewhere).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/terminal".to_owned()), "{}", refused.text);
    let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((troubles(&shown), &shown["operations"]), (0, &json!([])));
    // At its own it is, and nobody else is held up by it.
    let made = shop.tell(&shop.supervisor, reversals, &json!({"terminal": "T1"})).await.expect(201);
    assert_eq!(made["terminal"], "T1");
    let bearer = Bearer::Terminal { merchant: shop.merchant.clone(), terminal: TerminalId::parse("T2").unwrap() };
    let door = shop.world.app.make_key(bearer, "door".to_owned()).await.unwrap().1;
    let mut next = sale("S-2", TODAY);
    next["slip"]["terminal"] = json!("T2");
    shop.post(&door, "/v1/transactions", &next).await.expect(201);
    shop.post(&shop.terminal, "/v1/transactions", &sale("S-3", TODAY))
        .await
        .refused(409, "terminal.reversal-outstanding");
    // What is no undoing may be asked for anywhere.
    shop.post(&shop.system, "/v1/holds", &hold("H-1")).await.expect(201);
    shop.tell(&shop.supervisor, "/v1/holds/H-1/completions", &elsewhere).await.expect(201);
}

#[tokio::test]
async fn one_merchants_messages_leave_room_for_anothers_in_their_lane() {
    let shop = Shop::new().await;
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    let manager = shop.world.person_key(&other, "manager").await.unwrap();
    let channel =
        json!({"url": "https://sms.example/send", "locale": "en", "audience": "customer", "customer_messages": true});
    shop.post(&shop.manager, "/v1/webhook-endpoints", &channel).await.expect(201);
    shop.post(&manager, "/v1/webhook-endpoints", &channel).await.expect(201);
    let in_lane = |merchant: &MerchantId, count: usize| {
        let ids = (0..).map(|number| format!("S-{number}"));
        let same = ids.filter(|id| lane::of(merchant, &SaleId::parse(id).unwrap()) == 0);
        same.take(count).collect::<Vec<String>>()
    };
    let ask = |sale: &str| json!({"sale": sale, "way": "refund", "amount": cny("60.00"), "contact": "13800000000"});
    let mut taken = 0;
    let mut refused = 0;
    for id in in_lane(&shop.merchant, OUTBOX_MESSAGES_OF_ONE.div_ceil(CONFIRMATIONS) + 1) {
        shop.sale_of_yesterday(&id).await;
        for _ in 0..CONFIRMATIONS {
            let reply = shop.tell(&shop.system, "/v1/confirmations", &ask(&id)).await;
            if reply.status == 201 {
                assert_eq!(refused, 0, "{}", reply.text);
                taken += 1;
            } else {
                reply.refused(503, "store.unavailable");
                refused += 1;
            }
        }
    }
    assert_eq!(taken, OUTBOX_MESSAGES_OF_ONE);
    assert!(refused > 0 && taken < OUTBOX_MESSAGES);
    let theirs = in_lane(&other, 1).remove(0);
    shop.post(&stranger, "/v1/transactions", &sale(&theirs, "2026-11-22T12:00:00+08:00")).await.expect(201);
    shop.tell(&stranger, "/v1/confirmations", &ask(&theirs)).await.expect(201);
    // What is delivered makes room.
    provider_says(&shop, "{}");
    shop.world.app.tick().await.unwrap();
    let own = in_lane(&shop.merchant, 20).pop().unwrap();
    shop.sale_of_yesterday(&own).await;
    shop.tell(&shop.system, "/v1/confirmations", &ask(&own)).await.expect(201);
}

/// Whatever step of the beginning the reset falls into.
#[tokio::test]
async fn a_session_that_begins_while_the_pin_is_reset_does_not_outlive_it() {
    let start = Shop::new().await;
    start.operator("07", "supervisor", "supervisor").await;
    start.sale_of_today("S-1").await;
    let login = json!({"number": "07", "pin": PIN});
    let (mut began, mut refused) = (0, 0);
    for number in 0..100 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan::once(Trouble::Held, number));
        let mut beginning = Box::pin(shop.post(&shop.terminal, "/v1/operator-sessions", &login));
        let over = begun(beginning.as_mut()).await;
        kv.release();
        let was_held = over.is_none();
        let held = was_held.then_some(beginning);
        shop.post(&shop.manager, "/v1/operators/07/resets", &json!({"pin": "605193"})).await.expect(200);
        let session = match (over, held) {
            (Some(session), _) => session,
            (None, Some(held)) => held.await,
            (None, None) => panic!("neither over nor held"),
        };
        kv.calm();
        if session.status == 201 {
            began += 1;
            let session = session.json();
            let operation = json!({"way": "void", "sale": "S-1", "amount": cny("100.00"), "reason": "wrong-amount"});
            let ask = json!({"token": session["token"], "pin": PIN, "operation": operation});
            let path = format!("/v1/operator-sessions/{}/proofs", session["id"].as_str().unwrap());
            let proof = shop.post(&shop.terminal, &path, &ask).await;
            assert_eq!(proof.status, 403, "held at {number}: {}", proof.text);
            // Nor does the token show by itself who is at work.
            let asked = json!({"sale": "S-1", "amount": cny("1.00"), "reason": "returned-goods"});
            let token = session["token"].as_str().unwrap();
            shop.prove(&shop.terminal, "/v1/refunds", "k", token, &asked).await.refused(403, "session.ended");
        } else {
            refused += 1;
            session.refused(403, "operator.refused");
        }
        if !was_held {
            break;
        }
    }
    assert!(began > 0 && refused > 0, "both orders were seen: {began}, {refused}");
}

#[tokio::test]
async fn persons_of_compliance_are_operators_for_their_orders_and_nothing_else() {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    let lex = hire(&shop, "lex", &["M-1"], "compliance").await;
    let lena = hire(&shop, "lena", &["M-1"], "compliance").await;
    let new = |number: &str, person: &str, role: &str| json!({"number": number, "person": person, "role": role, "pin": FIRST_PIN});
    // A role is not had by being an operator.
    shop.post(&shop.manager, "/v1/operators", &new("91", "lena", "supervisor")).await.refused(422, "body.invalid");
    shop.post(&shop.manager, "/v1/operators", &new("91", "M-1.cashier", "compliance"))
        .await
        .refused(422, "body.invalid");
    let made = shop.post(&shop.manager, "/v1/operators", &new("91", "lena", "compliance")).await.expect(201);
    assert_eq!(made["role"], "compliance");
    let change = json!({"pin": FIRST_PIN, "new_pin": PIN}).to_string();
    assert_eq!(shop.call(&lena, "POST", "/v1/operators/91/pin", None, &change).await.status, 204);
    let session = shop.session(&lena, "91").await;
    assert_eq!(session["operator"]["role"], "compliance");

    let order = json!({"reference": "COURT-7", "reason": "order of the court"});
    let order = shop.tell(&lex, "/v1/transactions/S-1/legal-orders", &order).await.expect(201);
    let id = order["id"].as_str().unwrap();
    let path = format!("/v1/legal-orders/{id}/confirmations");
    let operation = json!({"way": "void", "sale": "S-1", "amount": cny("100.00"), "order": id});
    let proof = shop.proof(&lena, &session, &operation).await;
    // Not for a void of the till's.
    let void = json!({"reason": "wrong-amount"});
    let refused = shop.prove(&lena, "/v1/transactions/S-1/voids", "v", &proof, &void).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let done = shop.prove(&lena, &path, "c", &proof, &json!({})).await.expect(200);
    assert_eq!((&done["state"], &done["confirmed_by"]), (&json!("confirmed"), &json!("lena")));
    // Whoever loses the role is no operator any more.
    let grants = json!({"grants": []}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/persons/lena/grants", None, &grants).await.expect(200);
    let login = json!({"number": "91", "pin": PIN});
    shop.post(&shop.terminal, "/v1/operator-sessions", &login).await.refused(403, "operator.refused");
}

#[tokio::test]
async fn whoever_registers_what_somebody_else_did_is_shown_it_only_if_it_is_theirs_to_see() {
    let shop = Shop::new().await;
    let cashier = shop.world.person_key(&shop.merchant, "cashier").await.unwrap();
    // The merchant's system registered it; a cashier sees what was sold by that cashier.
    let body = sale("S-1", TODAY);
    shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    shop.get(&cashier, "/v1/transactions/S-1").await.refused(404, "not-found");
    let hidden = shop.post(&cashier, "/v1/transactions", &body).await;
    assert!(!hidden.text.contains("100.00"), "{}", hidden.text);
    hidden.refused(409, "sale.conflict");
    for key in [&shop.manager, &shop.terminal] {
        let shown = shop.get(key, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(shop.post(key, "/v1/transactions", &body).await.expect(200), shown);
    }
    // What the cashier registered is the cashier's to send again, with or without being named in it.
    let own = sale("S-2", TODAY);
    let first = shop.post(&cashier, "/v1/transactions", &own).await.expect(201);
    assert_eq!(shop.post(&cashier, "/v1/transactions", &own).await.expect(200), first);
    for (path, made) in [("/v1/payment-codes", code("C-1")), ("/v1/holds", hold("H-1"))] {
        shop.post(&shop.system, path, &made).await.expect(201);
        let hidden = shop.post(&cashier, path, &made).await;
        assert!(!hidden.text.contains("T1"), "{}", hidden.text);
        hidden.refused(409, "sale.conflict");
    }
}

/// The reversals that terminal T1 may owe, as they are written down.
async fn owed(shop: &Shop) -> usize {
    let bytes = shop.world.app.ports.kv().get("outstanding:M-1:T1").await.unwrap();
    let record: Value = bytes.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    record["d"]["owed"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn reversals_that_never_came_through_make_room_for_those_that_are_owed() {
    let shop = Shop::under("unionpay").await;
    let kv = shop.world.app.ports.kv();
    let told = json!({"trouble": "no-answer"});
    for number in 0..OUTSTANDING {
        let id = format!("S-{number}");
        shop.post(&shop.system, "/v1/transactions", &unknown(&id)).await.expect(201);
        kv.plan(Plan::always(Trouble::FailsBefore).on("sale:").of(Op::Swap));
        let path = format!("/v1/transactions/{id}/troubles");
        shop.tell(&shop.terminal, &path, &told).await.refused(503, "store.unavailable");
        kv.calm();
    }
    assert_eq!(owed(&shop).await, OUTSTANDING);
    // Their commits may still be under way: they keep their place, and one more, which could not be found, waits.
    shop.post(&shop.system, "/v1/transactions", &unknown("T-1")).await.expect(201);
    shop.tell(&shop.terminal, "/v1/transactions/T-1/troubles", &told).await.refused(503, "store.unavailable");
    assert_eq!(owed(&shop).await, OUTSTANDING);
    // Later nobody can be at work on them.
    shop.world.app.ports.pass(INTENT_PATIENCE);
    shop.world.app.ports.pass(Duration { ms: 1 });
    shop.post(&shop.system, "/v1/transactions", &unknown("T-2")).await.expect(201);
    let made = shop.tell(&shop.terminal, "/v1/transactions/T-2/troubles", &told).await.expect(200);
    assert_eq!(owed(&shop).await, 1);
    let refused = shop.post(&shop.terminal, "/v1/transactions", &sale("N-1", TODAY)).await;
    assert_eq!(refused.refused(409, "terminal.reversal-outstanding")["operation"], made["operation"]["id"]);
    // What was reported goes with the next sale.
    let results = format!("/v1/operations/{}/results", made["operation"]["id"].as_str().unwrap());
    shop.tell(&shop.terminal, &results, &json!({"outcome": "done"})).await.expect(200);
    shop.post(&shop.terminal, "/v1/transactions", &sale("N-1", TODAY)).await.expect(201);
    assert_eq!(owed(&shop).await, 0);
}

#[tokio::test]
async fn a_terminal_that_owes_as_many_reversals_as_are_listed_reports_one_before_it_begins_another() {
    let shop = Shop::under("unionpay").await;
    let told = json!({"trouble": "no-answer"});
    let mut first = Value::Null;
    for number in 0..=OUTSTANDING {
        let id = format!("S-{number}");
        shop.post(&shop.system, "/v1/transactions", &unknown(&id)).await.expect(201);
        let answer = shop.tell(&shop.terminal, &format!("/v1/transactions/{id}/troubles"), &told).await;
        if number == OUTSTANDING {
            assert_eq!(answer.refused(409, "terminal.reversal-outstanding")["operation"], first);
        } else {
            let made = answer.expect(200);
            first = if number == 0 { made["operation"]["id"].clone() } else { first };
        }
    }
    let results = format!("/v1/operations/{}/results", first.as_str().unwrap());
    shop.tell(&shop.terminal, &results, &json!({"outcome": "done"})).await.expect(200);
    let last = format!("/v1/transactions/S-{OUTSTANDING}/troubles");
    shop.tell(&shop.terminal, &last, &told).await.expect(200);
    assert_eq!(owed(&shop).await, OUTSTANDING);
}
