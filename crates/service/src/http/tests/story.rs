//! Whole ways through the API, as the demo tells them.

use super::shop::{Shop, cny, refund};
use serde_json::json;

#[tokio::test]
async fn a_void_is_checked_asked_for_and_seen() {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    let ask = json!({"reason": "wrong-amount"});
    let before = shop.stored();
    let path = "/v1/transactions/S-1/voids/check";
    // Whoever only looks is told what will have to be shown.
    let looked = shop.post(&shop.supervisor, path, &ask).await.expect(200);
    let demanded = &looked["obligations"]["authentication"];
    assert_eq!((&looked["outcome"], &demanded["bound"]), (&json!("allow"), &json!(true)), "{looked}");
    let check = shop.prove(&shop.supervisor, path, "-", &shop.void_proof("S-1"), &ask).await.expect(200);
    assert_eq!((&check["outcome"], &check["way"], &check["amount"]), (&json!("allow"), &json!("void"), &cny("100.00")));
    assert!(check["open_until"].is_string() && check["messages"]["zh-CN"].is_array(), "{check}");
    let decided = |key: &String| key.starts_with("decision") || key.starts_with("retain");
    let after: Vec<String> = shop.stored().into_iter().filter(|key| !decided(key)).collect();
    assert_eq!(after, before, "nothing is stored but what was decided");

    let refused = shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &ask).await.refused(422, "decision.deny");
    assert_eq!(refused["decision"]["findings"][0]["remedy"]["token"], "authenticate");
    assert_eq!(shop.get(&shop.supervisor, "/v1/transactions/S-1").await.expect(200)["operations"], json!([]));
    let made = shop.void("S-1", "the-void").await.expect(201);
    assert_eq!((&made["state"], &made["kind"], &made["sale"]), (&json!("authorised"), &json!("void"), &json!("S-1")));
    let path = format!("/v1/operations/{}", made["id"].as_str().unwrap());
    assert_eq!(shop.get(&shop.supervisor, &path).await.expect(200), made);
    let slip = shop.get(&shop.supervisor, &format!("{path}/slip?locale=zh-CN&reprint=true")).await;
    assert_eq!(
        (slip.status.as_u16(), &slip.headers["content-type"]),
        (200, &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert!(!slip.text.contains("撤销成功"), "{}", slip.text);

    let again = shop.void("S-1", "the-second-void").await;
    let refused = again.json();
    assert_eq!(again.status, 422, "{refused}");
    assert_eq!(refused["left"], cny("0.00"), "{refused}");
    let sale = shop.get(&shop.supervisor, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((&sale["balance"]["reserved"], &sale["balance"]["left"]), (&cny("100.00"), &cny("0.00")));
    assert_eq!(sale["operations"], json!([made]));
    assert_eq!(sale["history"][0]["type"], "sale.registered");
}

#[tokio::test]
async fn a_sale_is_found_by_what_its_slip_says() {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    for query in ["terminal=T1&batch=000001&voucher=S-1", "trace=S-1&business_day=2026-11-23", "order_number=ORDER-S-1"]
    {
        let found = shop.get(&shop.system, &format!("/v1/transactions?{query}")).await.expect(200);
        assert_eq!(found["items"][0]["id"], "S-1", "{query}: {found}");
        assert!(found["items"][0].get("history").is_none());
    }
    let closed = shop.post(&shop.terminal, "/v1/terminals/T1/batches/000001/close", &json!({})).await.expect(200);
    let again = shop.post(&shop.terminal, "/v1/terminals/T1/batches/000001/close", &json!({})).await.expect(200);
    assert_eq!(closed, again);
    let sale = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(sale["status"]["batch_closed_at"], closed["closed_at"]);
    shop.post(&shop.terminal, "/v1/terminals/T9/batches/1/close", &json!({})).await.refused(404, "not-found");
}

#[tokio::test]
async fn what_became_known_of_a_sale_is_recorded_once() {
    let shop = Shop::new().await;
    let mut body = super::shop::sale("S-1", "2026-11-23T11:50:00+08:00");
    body["outcome"] = json!("unknown");
    shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    let ways = shop.get(&shop.system, "/v1/transactions/S-1/ways-back").await.expect(200);
    assert!(
        ways["ways"].as_array().unwrap().iter().all(|w| w["outcome"] != "allow" || w["way"] == "reversal"),
        "{ways}"
    );
    let events = "/v1/transactions/S-1/events";
    let known = shop.tell(&shop.system, events, &json!({"type": "outcome-known", "outcome": "good"})).await.expect(200);
    assert_eq!(known["status"]["outcome"], "good");
    let settled = shop.tell(&shop.system, events, &json!({"type": "settled"})).await.expect(200);
    assert!(settled["status"]["settled_at"].is_string());
    assert_eq!(shop.tell(&shop.system, events, &json!({"type": "outcome-known"})).await.at().2, "/outcome");
    assert_eq!(
        shop.tell(&shop.system, events, &json!({"type": "settled", "outcome": "good"})).await.at().2,
        "/outcome"
    );
    let contradicted = shop.tell(&shop.system, events, &json!({"type": "outcome-known", "outcome": "declined"})).await;
    assert_eq!(contradicted.status, 409, "{}", contradicted.text);
}

#[tokio::test]
async fn a_refund_is_reviewed_approved_and_told_in_the_feed() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let mut ask = refund("S-1", "60.00");
    ask["id"] = json!("R-1");
    let made = shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
    assert_eq!(
        (&made["id"], &made["amount"], &made["requested_by"]),
        (&json!("R-1"), &cny("60.00"), &json!("M-1.manager"))
    );
    assert_eq!(made["digest"].as_str().unwrap().len(), 64);
    let mut other = ask.clone();
    other["amount"] = cny("1.00");
    shop.tell(&shop.manager, "/v1/refunds", &other).await.refused(409, "refund.id-taken");
    let shown = shop.get(&shop.manager, "/v1/refunds/R-1").await.expect(200);
    assert_eq!(shown, made);
    let types: Vec<&str> = shown["history"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types[0], "refund.submitted");

    let listed = shop.get(&shop.manager, "/v1/refunds?limit=1").await.expect(200);
    assert_eq!(listed["items"][0]["id"], "R-1");
    let state = made["state"].as_str().unwrap();
    let same = shop.get(&shop.manager, &format!("/v1/refunds?state={state}")).await.expect(200);
    assert_eq!(same["items"].as_array().unwrap().len(), 1);
    assert_eq!(shop.get(&shop.manager, "/v1/refunds?state=failed").await.expect(200)["items"], json!([]));

    let cleared = shop.tell(&shop.finance, "/v1/refunds/R-1/clearings", &json!({})).await;
    assert!(cleared.status == 200 || cleared.code() == "refund.wrong-state", "{}", cleared.text);
    let retried = shop.tell(&shop.finance, "/v1/refunds/R-1/retries", &json!({})).await;
    retried.refused(409, "refund.wrong-state");

    let feed = shop.get(&shop.system, "/v1/events?audience=merchant&locale=en&limit=2").await.expect(200);
    let first = &feed["items"][0];
    assert_eq!(
        (&first["id"], &first["type"], &first["merchant"]),
        (&json!("S-1.1"), &json!("sale.registered"), &json!("M-1"))
    );
    let rest =
        shop.get(&shop.system, &format!("/v1/events?after={}", feed["next"].as_str().unwrap())).await.expect(200);
    let seen: Vec<String> = [&feed, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (1..=seen.len()).map(|n| format!("S-1.{n}")).collect();
    assert_eq!(seen, expected);
    let end = shop.get(&shop.system, &format!("/v1/events?after={}", rest["next"].as_str().unwrap())).await.expect(200);
    assert_eq!((&end["items"], &end["next"]), (&json!([]), &rest["next"]));
}

#[tokio::test]
async fn ways_back_tell_what_to_do_instead() {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    let ways = shop.get(&shop.supervisor, "/v1/transactions/S-1/ways-back?amount=60.00").await.expect(200);
    let way = |name: &str| ways["ways"].as_array().unwrap().iter().find(|w| w["way"] == name).unwrap().clone();
    assert_eq!(way("void")["outcome"], "allow", "{ways}");
    let refund = way("refund");
    assert_eq!((&refund["outcome"], &refund["amount"]), (&json!("deny"), &cny("60.00")));
    let finding = &refund["findings"][0];
    assert!(
        finding["rule"].is_string()
            && finding["observed"]["type"].is_string()
            && finding["remedy"]["token"].is_string(),
        "{refund}"
    );
    for language in ["zh-CN", "en"] {
        assert!(!refund["messages"][language].as_array().unwrap().is_empty());
    }
}

/// `App::ways_back` asks the policy without gathering `requested-today`, which both packs need as soon as a refund is open.
#[tokio::test]
async fn ways_back_are_told_of_a_sale_that_can_be_refunded() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    for key in [&shop.manager, &shop.system, &shop.terminal] {
        let ways = shop.get(key, "/v1/transactions/S-1/ways-back?amount=60.00").await.expect(200);
        assert_eq!(ways["ways"][1]["outcome"], "allow", "{ways}");
    }
}
