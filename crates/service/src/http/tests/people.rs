//! What takes persons besides the one who asks: support, legal orders, questions, and what is left to do after a refund.

use super::shop::{Reply, Shop, cny, other_version, pack, refund, sale};
use crate::ports::{Kv as _, OutboundAnswer, Ports as _};
use crate::testkit::{Plan, Trouble};
use rescind_model::chain;
use rescind_model::{Duration, PersonId};
use serde_json::{Value, json};
use std::sync::Arc;

/// A pack whose voids demand no proof of the operator: what proofs do is tested where they are made, and once below. `change` makes
/// another policy of the text.
pub fn policy(name: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let text = if name == "lakala" {
        include_str!("../../../../../policies/lakala.toml")
    } else {
        include_str!("../../../../../policies/unionpay.toml")
    };
    let kept = text.lines().filter(|line| !line.starts_with("authentication =") && !line.starts_with("identity ="));
    let text = other_version(&change(kept.collect::<Vec<_>>().join("\n")));
    rescind_policy::compile(&text, name).unwrap().canonical().to_vec()
}

/// A shop under such a policy.
pub async fn shop_under(name: &str, change: impl Fn(String) -> String) -> Shop {
    let shop = Shop::under(name).await;
    shop.world.app.put_policy(name, &policy(name, change)).await.unwrap();
    shop
}

/// A key of a new person with these roles.
pub async fn hire(shop: &Shop, name: &str, merchants: &[&str], role: &str) -> String {
    let grants: Vec<Value> = merchants.iter().map(|m| json!({"merchant": m, "roles": [role]})).collect();
    shop.post(&shop.admin, "/v1/persons", &json!({"id": name, "name": name, "grants": grants})).await.expect(201);
    let person = PersonId::parse(name).unwrap();
    shop.world.app.make_key(crate::principal::Bearer::Person { person }, name.to_owned()).await.unwrap().1
}

pub fn provider_says(shop: &Shop, body: &'static str) {
    let answer = move |_: &str, _: &str, _: &[u8]| Ok(OutboundAnswer { status: 200, body: body.as_bytes().to_vec() });
    shop.world.app.ports.answer_with(Box::new(answer));
}

pub async fn ticks(shop: &Shop, times: u32) {
    for _ in 0..times {
        shop.world.app.ports.pass(Duration::seconds(2));
        shop.world.app.tick().await.unwrap();
    }
}

fn types(view: &Value) -> Vec<String> {
    view["history"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect()
}

/// Lakala refers the fourth void of a day to support.
async fn after_three_voids() -> (Shop, String) {
    let shop = shop_under("lakala", |text| text).await;
    for id in ["V-1", "V-2", "V-3", "S-1"] {
        shop.sale_of_today(id).await;
    }
    let ask = json!({"reason": "wrong-amount"});
    let early = shop.tell(&shop.supervisor, "/v1/transactions/S-1/cases", &case_of("void")).await;
    early.refused(409, "case.not-needed");
    for id in ["V-1", "V-2", "V-3"] {
        shop.tell(&shop.supervisor, &format!("/v1/transactions/{id}/voids"), &ask).await.expect(201);
    }
    let refused = shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &ask).await;
    refused.refused(422, "decision.refer");
    let support = hire(&shop, "helen", &["M-1"], "support").await;
    (shop, support)
}

fn case_of(way: &str) -> Value {
    let receipt = json!({"kind": "receipt", "content": "0".repeat(64)});
    json!({"way": way, "reason": "wrong-amount", "evidence": [receipt]})
}

async fn opened(shop: &Shop) -> String {
    let made = shop.tell(&shop.supervisor, "/v1/transactions/S-1/cases", &case_of("void")).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn void_with(shop: &Shop, case: &str) -> Reply {
    let ask = json!({"reason": "wrong-amount", "case": case});
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &ask).await
}

#[tokio::test]
async fn support_grants_once_what_the_policy_leaves_to_it() {
    let (shop, support) = after_three_voids().await;
    let id = opened(&shop).await;
    let path = format!("/v1/cases/{id}");
    let case = shop.get(&shop.supervisor, &path).await.expect(200);
    assert_eq!(
        (&case["state"], &case["way"], &case["rules"], &case["amount"], &case["opened_by"]),
        (&json!("open"), &json!("void"), &json!(["void.count"]), &cny("100.00"), &json!("M-1.supervisor"))
    );
    assert_eq!(case["evidence"][0]["kind"], "receipt");
    // One live case of one way and amount.
    let again = shop.tell(&shop.supervisor, "/v1/transactions/S-1/cases", &case_of("void")).await;
    assert_eq!(again.refused(422, "operation.conflict")["conflicts_with"], id.as_str());
    // What lifts nothing leaves the answer what it was.
    void_with(&shop, &id).await.refused(422, "decision.refer");
    void_with(&shop, "S-1~nothing").await.refused(422, "decision.refer");

    let taken = shop.tell(&support, &format!("{path}/assignments"), &json!({})).await.expect(200);
    assert_eq!((&taken["state"], &taken["assigned_to"]), (&json!("assigned"), &json!("helen")));
    let granted = shop.tell(&support, &format!("{path}/grants"), &json!({"because": "the customer called"})).await;
    let granted = granted.expect(200);
    assert_eq!((&granted["state"], &granted["decided_by"]), (&json!("granted"), &json!("helen")));
    let refused = shop.tell(&support, &format!("{path}/refusals"), &json!({"because": "no"})).await;
    assert_eq!(refused.refused(409, "case.wrong-state")["state"], "granted");

    // Support was told another reason.
    let other = json!({"reason": "customer-request", "case": id});
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &other).await.refused(422, "decision.refer");
    let void = void_with(&shop, &id).await.expect(201);
    let case = shop.get(&support, &path).await.expect(200);
    assert_eq!((&case["state"], &case["consumed_by"]), (&json!("consumed"), &void["id"]));
    let sale = shop.get(&shop.supervisor, "/v1/transactions/S-1").await.expect(200);
    let told: Vec<&str> = sale["history"].as_array().unwrap().iter().filter_map(|e| e["about"].as_str()).collect();
    assert!(told.iter().all(|about| *about == id) && told.len() == 4, "{sale}");
}

#[tokio::test]
async fn a_refused_case_opens_nothing_and_one_that_nobody_decides_ends_by_time() {
    let (shop, support) = after_three_voids().await;
    let id = opened(&shop).await;
    shop.tell(&support, &format!("/v1/cases/{id}/refusals"), &json!({"because": "no receipt"})).await.expect(200);
    void_with(&shop, &id).await.refused(422, "decision.refer");
    let second = opened(&shop).await;
    shop.world.app.ports.pass(Duration::minutes(72 * 60));
    let late = shop.tell(&support, &format!("/v1/cases/{second}/grants"), &json!({"because": "late"})).await;
    assert_eq!(late.refused(409, "case.wrong-state")["state"], "expired");
    ticks(&shop, 2).await;
    let listed = shop.get(&support, "/v1/cases?state=expired").await.expect(200);
    assert_eq!(listed["items"][0]["id"], second.as_str());
    assert_eq!(shop.get(&support, "/v1/cases?state=open").await.expect(200)["items"], json!([]));
    let page = shop.get(&support, "/v1/cases?limit=1").await.expect(200);
    assert_eq!(page["items"][0]["id"], id.as_str());
    let next = format!("/v1/cases?limit=1&after={}", page["next"].as_str().unwrap());
    assert_eq!(shop.get(&support, &next).await.expect(200)["items"][0]["id"], second.as_str());
}

#[tokio::test]
async fn only_support_decides_and_only_where_it_holds_the_role() {
    let (shop, support) = after_three_voids().await;
    shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let both = hire(&shop, "both", &["M-1", "M-2"], "support").await;
    let elsewhere = hire(&shop, "elsewhere", &["M-2"], "support").await;
    let id = opened(&shop).await;
    let grants = format!("/v1/cases/{id}/grants");
    let because = json!({"because": "yes"});
    for key in [&shop.supervisor, &shop.manager, &shop.finance, &shop.system, &shop.terminal, &shop.admin] {
        for path in [&grants, &format!("/v1/cases/{id}/refusals"), &format!("/v1/cases/{id}/assignments")] {
            let body = if path.ends_with("assignments") { json!({}) } else { because.clone() };
            shop.tell(key, &format!("{path}?merchant=M-1"), &body).await.refused(403, "auth.forbidden");
        }
    }
    shop.get(&shop.supervisor, "/v1/cases").await.refused(403, "auth.forbidden");
    shop.get(&shop.terminal, "/v1/cases").await.refused(403, "auth.forbidden");
    shop.get(&elsewhere, "/v1/cases?merchant=M-1").await.refused(404, "not-found");
    shop.tell(&elsewhere, &grants, &because).await.refused(404, "not-found");
    shop.get(&elsewhere, &format!("/v1/cases/{id}")).await.refused(404, "not-found");
    shop.get(&both, "/v1/cases").await.refused(400, "parameter.malformed");
    assert_eq!(shop.get(&both, "/v1/cases?merchant=M-2").await.expect(200)["items"], json!([]));

    let to = |person: &str| json!({"to": person});
    let path = format!("/v1/cases/{id}/assignments");
    let odd = shop.tell(&support, &path, &to("M-1.cashier")).await;
    assert_eq!(odd.at(), (422, "body.invalid".to_owned(), "/to".to_owned()));
    shop.tell(&support, &path, &to("both")).await.expect(200);
    let refused = shop.tell(&support, &grants, &because).await;
    assert_eq!(refused.refused(403, "approval.not-permitted")["reason"], "not-assigned");
    let key = Some("grant-1");
    let path = format!("{grants}?merchant=M-1");
    let first = shop.call(&both, "POST", &path, key, &because.to_string()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = shop.call(&both, "POST", &path, key, &because.to_string()).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    shop.call(&both, "POST", &path, key, r#"{"because":"other"}"#).await.refused(422, "idempotency.key-reused");
}

#[tokio::test]
async fn what_the_policy_denies_is_no_matter_for_support_and_bad_input_no_case() {
    let (shop, _) = after_three_voids().await;
    shop.sale_of_yesterday("S-0").await;
    let path = "/v1/transactions/S-0/cases";
    shop.tell(&shop.supervisor, path, &case_of("void")).await.refused(422, "decision.deny");
    for (body, field) in [
        (json!({}), "/way"),
        (json!({"way": "telephone"}), "/way"),
        (json!({"way": "void", "amount": cny("0.00")}), "/amount"),
        (json!({"way": "void", "evidence": [{"kind": "receipt", "content": "x"}]}), "/evidence/0/content"),
        (json!({"way": "void", "trouble": "none"}), "/trouble"),
    ] {
        let reply = shop.tell(&shop.supervisor, path, &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}");
    }
    let named = shop.tell(&shop.system, "/v1/transactions/S-1/cases", &case_of("void")).await;
    assert_eq!(named.at().2, "/requester");
    shop.tell(&shop.finance, path, &case_of("void")).await.refused(403, "auth.forbidden");
    shop.tell(&shop.supervisor, "/v1/transactions/S-9/cases", &case_of("void")).await.refused(404, "not-found");
    let masked = json!({"way": "void", "reason": "4111111111111111"});
    let reply = shop.tell(&shop.supervisor, "/v1/transactions/S-1/cases", &masked).await;
    assert!(!reply.text.contains("4111111111111111"), "{}", reply.text);
}

#[tokio::test]
async fn a_grant_used_twice_at_once_is_used_once() {
    for seed in 0..20 {
        let (shop, support) = after_three_voids().await;
        let id = opened(&shop).await;
        shop.tell(&support, &format!("/v1/cases/{id}/grants"), &json!({"because": "yes"})).await.expect(200);
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two) = tokio::join!(void_with(&shop, &id), void_with(&shop, &id));
        kv.calm();
        let done = [&one, &two].iter().filter(|reply| reply.status == 201).count();
        assert_eq!(done, 1, "seed {seed}: {} {}", one.text, two.text);
        let sale = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(sale["operations"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_grant_and_a_refusal_at_once_leave_one_word() {
    for seed in 0..10 {
        let (shop, support) = after_three_voids().await;
        let id = opened(&shop).await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let because = json!({"because": "so"});
        let (yes, no) = (format!("/v1/cases/{id}/grants"), format!("/v1/cases/{id}/refusals"));
        let (one, two) = tokio::join!(shop.tell(&support, &yes, &because), shop.tell(&support, &no, &because));
        kv.calm();
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        lost.refused(409, "case.wrong-state");
        assert_eq!(shop.get(&support, &format!("/v1/cases/{id}")).await.expect(200), won.expect(200));
    }
}

async fn two_of_compliance(shop: &Shop) -> (String, String) {
    (hire(shop, "lex", &["M-1"], "compliance").await, hire(shop, "lena", &["M-1"], "compliance").await)
}

fn order() -> Value {
    json!({"reference": "COURT-7", "reason": "order of the court, =cmd"})
}

async fn proposed(shop: &Shop, lex: &str) -> String {
    let made = shop.tell(lex, "/v1/transactions/S-1/legal-orders", &order()).await.expect(201);
    assert_eq!((&made["state"], &made["amount"]), (&json!("proposed"), &cny("60.00")));
    made["id"].as_str().unwrap().to_owned()
}

/// A sale of long ago, of which 40.00 were returned: no way is open but the one by legal order.
async fn partly_refunded() -> (Shop, String, String) {
    let shop = shop_under("lakala", |text| text).await;
    shop.sale_of_yesterday("S-1").await;
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "40.00")).await.expect(201);
    let id = made["id"].as_str().unwrap();
    if made["state"] == "in-review" {
        shop.tell(&shop.reviewer, &format!("/v1/refunds/{id}/approvals"), &json!({})).await.expect(200);
    }
    shop.tell(&shop.finance, &format!("/v1/refunds/{id}/clearings"), &json!({})).await.expect(200);
    provider_says(&shop, r#"{"status":"done","code":"00","provider_reference":"P-1"}"#);
    ticks(&shop, 2).await;
    let there = shop.get(&shop.manager, &format!("/v1/refunds/{id}")).await.expect(200);
    assert_eq!(there["state"], "cleared");
    let (lex, lena) = two_of_compliance(&shop).await;
    (shop, lex, lena)
}

#[tokio::test]
async fn a_legal_order_takes_two_persons_and_takes_all_that_is_left() {
    let (shop, lex, lena) = partly_refunded().await;
    let id = proposed(&shop, &lex).await;
    let path = format!("/v1/legal-orders/{id}/confirmations");
    let same = shop.tell(&lex, &path, &json!({})).await;
    assert_eq!(same.refused(403, "approval.not-permitted")["reason"], "same-person");
    for key in [&shop.manager, &shop.supervisor, &shop.system, &shop.admin, &shop.terminal] {
        let path = format!("{path}?merchant=M-1");
        shop.tell(key, &path, &json!({})).await.refused(403, "auth.forbidden");
        let propose = "/v1/transactions/S-1/legal-orders?merchant=M-1";
        shop.tell(key, propose, &order()).await.refused(403, "auth.forbidden");
    }
    let second = shop.tell(&lena, "/v1/transactions/S-1/legal-orders", &order()).await;
    assert_eq!(second.refused(422, "operation.conflict")["conflicts_with"], id.as_str());
    let key = Some("confirm-1");
    let first = shop.call(&lena, "POST", &path, key, "{}").await;
    let confirmed = first.clone().expect(200);
    assert_eq!(
        (&confirmed["state"], &confirmed["confirmed_by"], &confirmed["outcome"]),
        (&json!("confirmed"), &json!("lena"), &json!("authorised"))
    );
    let again = shop.call(&lena, "POST", &path, key, "{}").await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    shop.tell(&lena, &path, &json!({})).await.refused(409, "order.wrong-state");
    let sale = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
    assert_eq!((&sale["balance"]["left"], &sale["balance"]["reserved"]), (&cny("0.00"), &cny("60.00")));

    let odd = shop.tell(&lena, "/v1/transactions/S-1/legal-orders", &json!({"reference": " ", "reason": "r"})).await;
    assert_eq!(odd.at(), (422, "body.invalid".to_owned(), "/reference".to_owned()));
    shop.tell(&lena, "/v1/legal-orders/S-1~nothing/confirmations", &json!({})).await.refused(404, "not-found");
    shop.tell(&lena, "/v1/legal-orders/nothing/confirmations", &json!({})).await.refused(404, "not-found");
}

#[tokio::test]
async fn the_regulators_report_is_a_list_and_a_table() {
    let (shop, lex, lena) = partly_refunded().await;
    let id = proposed(&shop, &lex).await;
    let path = format!("/v1/legal-orders/{id}/confirmations");
    shop.tell(&lena, &path, &json!({})).await.expect(200);
    ticks(&shop, 3).await;
    let all = shop.get(&lex, "/v1/compliance-reports").await.expect(200);
    let only = &all["items"][0];
    assert_eq!(
        (&only["id"], &only["reference"], &only["proposed_by"], &only["confirmed_by"]),
        (&json!(id), &json!("COURT-7"), &json!("lex"), &json!("lena"))
    );
    let at = only["proposed_at"].as_str().unwrap();
    for (query, count) in [
        (format!("from={at}"), 1),
        (format!("to={at}"), 0),
        ("from=2026-11-24T00:00:00Z".to_owned(), 0),
        ("from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z".to_owned(), 1),
    ] {
        let part = shop.get(&lex, &format!("/v1/compliance-reports?{query}")).await.expect(200);
        assert_eq!(part["items"].as_array().unwrap().len(), count, "{query}");
    }
    let request = http::Request::get("/v1/compliance-reports?limit=1")
        .header("authorization", format!("Bearer {lex}"))
        .header("accept", "text/csv")
        .body(axum::body::Body::empty())
        .unwrap();
    let table = shop.send(request).await;
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    assert!(table.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1].starts_with(&format!("{id},M-1,S-1,COURT-7,\"order of the court, =cmd\",60.00,CNY,confirmed,lex,"))
    );
    let outcome = only["outcome"].as_str().unwrap();
    assert!(lines[1].contains(&format!(",{outcome},")), "{}", lines[1]);

    for key in [&shop.manager, &shop.system, &shop.terminal] {
        shop.get(key, "/v1/compliance-reports").await.refused(403, "auth.forbidden");
    }
    let auditor = hire(&shop, "ada", &["M-1"], "auditor").await;
    shop.get(&auditor, "/v1/compliance-reports").await.expect(200);
    let odd = shop.get(&lex, "/v1/compliance-reports?from=yesterday").await;
    assert_eq!(odd.at(), (422, "parameter.invalid".to_owned(), "from".to_owned()));
}

#[tokio::test]
async fn an_order_that_waits_too_long_or_meets_another_way_ends() {
    let (shop, lex, lena) = partly_refunded().await;
    let id = proposed(&shop, &lex).await;
    let path = format!("/v1/legal-orders/{id}/confirmations");
    // While it waits, nobody takes away what it is to take.
    let meanwhile = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "10.00")).await;
    meanwhile.refused(422, "operation.conflict");
    shop.world.app.ports.pass(Duration::minutes(24 * 60));
    // Against the timer that ends it: one of the two, and never both.
    let nothing = json!({});
    let (late, ticked) = tokio::join!(shop.tell(&lena, &path, &nothing), shop.world.app.tick());
    ticked.unwrap();
    late.refused(409, "order.wrong-state");
    ticks(&shop, 2).await;
    let report = shop.get(&lex, "/v1/compliance-reports").await.expect(200);
    assert_eq!(report["items"][0]["state"], "expired");
    assert!(report["items"][0].get("operation").is_none());
    proposed(&shop, &lena).await;
}

/// A refund that waits for a reviewer.
async fn in_review() -> (Shop, String) {
    let shop = shop_under("lakala", |text| text).await;
    let mut body = sale("S-1", "2026-11-22T12:00:00+08:00");
    body["amount"] = cny("5000.00");
    shop.post(&shop.system, "/v1/transactions", &body).await.expect(201);
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "500.00")).await.expect(201);
    assert_eq!(made["state"], "in-review");
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    (shop, path)
}

#[tokio::test]
async fn a_question_stops_the_review_and_its_answer_makes_another_request() {
    let (shop, path) = in_review().await;
    let (ask, answer) = (format!("{path}/inquiries"), format!("{path}/information"));
    let question = json!({"question": "where is the receipt of 4111111111111111?"});
    for key in [&shop.supervisor, &shop.system, &shop.terminal] {
        let reply = shop.tell(key, &ask, &question).await;
        assert_eq!(reply.status, 403, "{}", reply.text);
    }
    shop.tell(&shop.manager, &ask, &question).await.refused(403, "approval.not-permitted");
    shop.tell(&shop.manager, &answer, &json!({"note": "early"})).await.refused(409, "refund.wrong-state");
    let asked = shop.tell(&shop.reviewer, &ask, &question).await.expect(200);
    assert_eq!((&asked["state"], &asked["masked"]), (&json!("needs-information"), &json!(true)));
    assert!(!asked.to_string().contains("4111111111111111"));
    shop.tell(&shop.reviewer, &ask, &question).await.refused(409, "refund.wrong-state");
    let approval = shop.tell(&shop.reviewer, &format!("{path}/approvals"), &json!({})).await;
    approval.refused(409, "refund.wrong-state");

    shop.tell(&shop.manager, &answer, &json!({})).await.refused(422, "argument.invalid");
    shop.tell(&shop.reviewer, &answer, &json!({"note": "me"})).await.refused(403, "auth.forbidden");
    let named = shop.tell(&shop.system, &answer, &json!({"note": "n"})).await;
    assert_eq!(named.at(), (422, "body.invalid".to_owned(), "/requester".to_owned()));
    let receipt = json!({"kind": "receipt", "content": "a".repeat(64)});
    let body = json!({"note": "here", "evidence": [receipt]}).to_string();
    let first = shop.call(&shop.manager, "POST", &answer, Some("answer"), &body).await;
    let answered = first.clone().expect(200);
    assert_eq!(
        (&answered["state"], &answered["revision"], &answered["approvals"]),
        (&json!("in-review"), &json!(2), &json!([]))
    );
    assert_ne!(answered["digest"], asked["digest"]);
    assert_eq!(answered["evidence"].as_array().unwrap().len(), 1);
    assert_eq!(answered["inquiries"][0]["answered_by"], "M-1.manager");
    let again = shop.call(&shop.manager, "POST", &answer, Some("answer"), &body).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    shop.call(&shop.manager, "POST", &answer, Some("answer"), "{}").await.refused(422, "idempotency.key-reused");
    // What was seen before the answer is no consent to it.
    let stale = shop.tell(&shop.reviewer, &format!("{path}/approvals"), &json!({"revision": 1})).await;
    assert_eq!(stale.refused(409, "refund.changed")["revision"], 2);
    let approved = shop.tell(&shop.reviewer, &format!("{path}/approvals"), &json!({"revision": 2})).await.expect(200);
    assert_eq!(approved["state"], "approved");
    assert_eq!(
        types(&approved)[1..],
        [
            "refund.in-review",
            "refund.information-asked",
            "refund.information-given",
            "refund.approval-given",
            "refund.approved"
        ]
        .map(str::to_owned)
    );
}

#[tokio::test]
async fn of_a_question_and_an_approval_at_once_one_comes_first() {
    for seed in 0..10 {
        let (shop, path) = in_review().await;
        let other = shop.world.person_key(&shop.merchant, "reviewer-2").await.unwrap();
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (ask, approve) = (format!("{path}/inquiries"), format!("{path}/approvals"));
        let (question, consent) = (json!({"question": "why?"}), json!({}));
        let (asked, approved) =
            tokio::join!(shop.tell(&shop.reviewer, &ask, &question), shop.tell(&other, &approve, &consent));
        kv.calm();
        let state = shop.get(&shop.manager, &path).await.expect(200)["state"].clone();
        match (asked.status.as_u16(), approved.status.as_u16()) {
            (200, 409) => assert_eq!(state, "needs-information"),
            (409, 200) => assert_eq!(state, "approved"),
            both => panic!("seed {seed}: {both:?} {} {}", asked.text, approved.text),
        }
    }
}

/// A refund of 60.00 on 100.00 that the provider has said something about.
async fn refunded(provider: &'static str) -> (Shop, String) {
    let shop = shop_under("lakala", |text| text).await;
    shop.sale_of_yesterday("S-1").await;
    let mut ask = refund("S-1", "60.00");
    ask["id"] = json!("R-1");
    shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
    shop.tell(&shop.finance, "/v1/refunds/R-1/clearings", &json!({})).await.expect(200);
    provider_says(&shop, provider);
    ticks(&shop, 2).await;
    (shop, "/v1/refunds/R-1".to_owned())
}

const DONE: &str = r#"{"status":"done","code":"00","provider_reference":"P-1"}"#;
const FAILED: &str = r#"{"status":"failed","code":"51"}"#;

#[tokio::test]
async fn a_failed_refund_leaves_a_liability_that_its_retry_settles() {
    let (shop, path) = refunded(FAILED).await;
    let failed = shop.get(&shop.manager, &path).await.expect(200);
    assert_eq!(failed["state"], "failed");
    let owed = &failed["liabilities"][0];
    assert_eq!(
        (&owed["cause"], &owed["state"], &owed["amount"], &owed["debtor"], &owed["creditor"]),
        (&json!("refund-failed"), &json!("open"), &cny("60.00"), &json!("merchant"), &json!("customer"))
    );
    let listed = shop.get(&shop.finance, "/v1/liabilities?state=open").await.expect(200);
    assert_eq!(listed["items"], json!([owed]));
    shop.tell(&shop.finance, &format!("{path}/retries"), &json!({})).await.expect(200);
    // Whoever wants it written off while the retry is under way is too early.
    let end = format!("/v1/liabilities/{}/ends", owed["id"].as_str().unwrap());
    let agreed = json!({"state": "agreed", "because": "a voucher"});
    shop.tell(&shop.finance, &end, &agreed).await.refused(422, "operation.conflict");
    provider_says(&shop, DONE);
    ticks(&shop, 3).await;
    let cleared = shop.get(&shop.manager, &path).await.expect(200);
    assert_eq!((&cleared["state"], &cleared["liabilities"][0]["state"]), (&json!("cleared"), &json!("settled")));
    let late = shop.tell(&shop.finance, &end, &agreed).await;
    assert_eq!(late.refused(409, "outcome.contradicts")["state"], "settled");
}

#[tokio::test]
async fn what_was_agreed_outside_is_recorded_and_then_not_paid_again() {
    let (shop, path) = refunded(FAILED).await;
    let owed = shop.get(&shop.manager, &path).await.expect(200)["liabilities"][0]["id"].as_str().unwrap().to_owned();
    let end = format!("/v1/liabilities/{owed}/ends");
    let agreed = json!({"state": "agreed", "because": "a voucher"});
    for key in [&shop.supervisor, &shop.reviewer, &shop.system, &shop.terminal, &shop.admin] {
        shop.tell(key, &format!("{end}?merchant=M-1"), &agreed).await.refused(403, "auth.forbidden");
    }
    let open = shop.tell(&shop.finance, &end, &json!({"state": "open", "because": "x"})).await;
    assert_eq!(open.at(), (422, "body.invalid".to_owned(), "/state".to_owned()));
    shop.tell(&shop.finance, "/v1/liabilities/L-nothing/ends", &agreed).await.refused(404, "not-found");
    shop.tell(&shop.finance, "/v1/liabilities/S-1~nothing/ends", &agreed).await.refused(404, "not-found");
    let body = agreed.to_string();
    let first = shop.call(&shop.finance, "POST", &end, Some("end"), &body).await;
    let ended = first.clone().expect(200);
    assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("agreed"), &json!("M-1.finance")));
    let again = shop.call(&shop.finance, "POST", &end, Some("end"), &body).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    shop.tell(&shop.finance, &format!("{path}/retries"), &json!({})).await.refused(422, "operation.conflict");
    let stranger = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.person_key(&stranger, "finance").await.unwrap();
    shop.tell(&stranger, &end, &agreed).await.refused(404, "not-found");
    assert_eq!(shop.get(&stranger, "/v1/liabilities").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_amount_is_corrected_by_a_new_record() {
    let (shop, path) = refunded(DONE).await;
    // Too little: a further refund that says what it corrects.
    let mut more = refund("S-1", "10.00");
    more["corrects"] = json!("R-1");
    let made = shop.tell(&shop.manager, "/v1/refunds", &more).await.expect(201);
    assert_eq!(made["corrects"], "R-1");
    let mut odd = refund("S-1", "1.00");
    odd["corrects"] = json!(made["id"]);
    shop.tell(&shop.manager, "/v1/refunds", &odd).await.refused(409, "refund.wrong-state");
    odd["corrects"] = json!("R-9");
    assert!(shop.tell(&shop.manager, "/v1/refunds", &odd).await.status.is_client_error());
    // Too much: what the customer owes.
    let owe = format!("{path}/liabilities");
    let claim = json!({"cause": "over-returned", "amount": cny("5.00"), "because": "one item was kept"});
    for key in [&shop.supervisor, &shop.reviewer, &shop.system, &shop.terminal] {
        shop.tell(key, &owe, &claim).await.refused(403, "auth.forbidden");
    }
    let too_much = json!({"cause": "over-returned", "amount": cny("60.01"), "because": "all"});
    shop.tell(&shop.finance, &owe, &too_much).await.refused(422, "balance.exceeded");
    let failed = json!({"cause": "refund-failed", "amount": cny("5.00"), "because": "no"});
    shop.tell(&shop.finance, &owe, &failed).await.refused(409, "refund.wrong-state");
    shop.tell(&shop.finance, "/v1/refunds/R-9/liabilities", &claim).await.refused(404, "not-found");
    let recorded = shop.tell(&shop.finance, &owe, &claim).await.expect(201);
    assert_eq!((&recorded["debtor"], &recorded["creditor"]), (&json!("customer"), &json!("merchant")));
    shop.tell(&shop.manager, &owe, &claim).await.refused(422, "operation.conflict");
    let end = format!("/v1/liabilities/{}/ends", recorded["id"].as_str().unwrap());
    let one = json!({"state": "settled", "because": "paid in cash"});
    let two = json!({"state": "written-off", "because": "small"});
    let (one, two) = tokio::join!(shop.tell(&shop.finance, &end, &one), shop.tell(&shop.manager, &end, &two));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, two.text);
}

#[tokio::test]
async fn what_the_network_gives_back_is_the_payments_again_and_the_customer_is_owed() {
    let (shop, path) = refunded(DONE).await;
    let back = format!("{path}/returns");
    let news = json!({"code": "account-closed", "reference": "RET-1", "note": "no such card"});
    for key in [&shop.manager, &shop.finance, &shop.terminal, &shop.admin] {
        shop.tell(key, &format!("{back}?merchant=M-1"), &news).await.refused(403, "auth.forbidden");
    }
    let body = news.to_string();
    let first = shop.call(&shop.system, "POST", &back, Some("back"), &body).await;
    let returned = first.clone().expect(200);
    assert_eq!(
        (&returned["state"], &returned["returned"]["evidence"]["code"]),
        (&json!("cleared"), &json!("account-closed"))
    );
    assert_eq!(returned["liabilities"][0]["cause"], "refund-returned");
    let again = shop.call(&shop.system, "POST", &back, Some("back"), &body).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    shop.tell(&shop.system, &back, &news).await.refused(422, "operation.conflict");
    let sale = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(sale["balance"]["left"], cny("100.00"));
    let entries = shop.get(&shop.manager, "/v1/transactions/S-1/entries").await.expect(200);
    let posted: Vec<&str> = entries["items"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert!(posted.starts_with(&["sale", "acquiring-fee", "refund"]) && posted.contains(&"return"), "{posted:?}");
    shop.tell(&shop.manager, &format!("{path}/traces"), &json!({})).await.refused(409, "refund.wrong-state");
}

#[tokio::test]
async fn a_refund_that_has_not_arrived_is_searched_for_once() {
    let (shop, path) = refunded(DONE).await;
    let trace = format!("{path}/traces");
    for key in [&shop.finance, &shop.reviewer, &shop.admin] {
        shop.tell(key, &format!("{trace}?merchant=M-1"), &json!({})).await.refused(403, "auth.forbidden");
    }
    let named = shop.tell(&shop.system, &trace, &json!({})).await;
    assert_eq!(named.at().2, "/requester");
    let support = hire(&shop, "helen", &["M-1"], "support").await;
    let (own, named) = (json!({}), json!({"requester": "M-1.manager"}));
    let (one, two) = tokio::join!(shop.tell(&support, &trace, &own), shop.tell(&shop.system, &trace, &named),);
    let (begun, refused) = if one.status == 200 { (one, two) } else { (two, one) };
    let begun = begun.expect(200);
    assert!(begun["trace"]["requested_by"].is_string() && begun["trace"].get("arrived").is_none());
    assert_eq!(refused.refused(409, "refund.wrong-state")["state"], "tracing");
    let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
    assert!(feed["items"].as_array().unwrap().iter().any(|e| e["type"] == "refund.trace-requested"));
}

#[tokio::test]
async fn an_export_holds_everything_and_masks_by_role() {
    let (shop, path) = refunded(FAILED).await;
    let ask = json!({"url": "https://example.com/hook", "audience": "merchant", "locale": "en"});
    shop.post(&shop.system, "/v1/webhook-endpoints", &ask).await.expect(201);
    shop.tell(&shop.finance, &format!("{path}/retries"), &json!({})).await.expect(200);
    let reply = shop.get(&shop.manager, "/v1/transactions/S-1/export").await;
    assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"M-1-S-1.json\"");
    let file = reply.expect(200);
    assert_eq!(
        (&file["format"], &file["masked"], &file["chain"]["intact"]),
        (&json!("rescind-export/1"), &json!(false), &json!(true))
    );
    let events = file["events"].as_array().unwrap();
    assert_eq!(events.last().unwrap()["link"], file["chain"]["head"]);
    assert_eq!(file["ledger"]["chain"], file["chain"]["head"]);
    assert_eq!(
        file["ledger"]["sale"]["payer-token"].as_str().or(file["ledger"]["sale"]["payer_token"].as_str()),
        Some("9f86d081884c7d659a2feaa0c55ad015")
    );
    assert_eq!((&file["policies"][0]["name"], &file["policies"][0]["kept"]), (&json!("lakala"), &json!(true)));
    assert!(!file["entries"].as_array().unwrap().is_empty() && !file["balances"].as_array().unwrap().is_empty());
    let delivery = &file["deliveries"][0];
    assert_eq!((&delivery["complete"], delivery["waiting"].as_array().unwrap().is_empty()), (&json!(true), false));
    assert_eq!(file["component"], "native");

    let masked = shop.get(&shop.finance, "/v1/transactions/S-1/export").await;
    assert!(!masked.text.contains("9f86d081884c7d659a2feaa0c55ad015"), "{}", masked.text);
    let masked = masked.expect(200);
    assert_eq!((&masked["masked"], &masked["chain"]["intact"]), (&json!(true), &json!(true)));
    for key in [&shop.supervisor, &shop.reviewer, &shop.terminal] {
        shop.get(key, "/v1/transactions/S-1/export").await.refused(403, "auth.forbidden");
    }
    let stranger = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.person_key(&stranger, "manager").await.unwrap();
    shop.get(&stranger, "/v1/transactions/S-1/export").await.refused(404, "not-found");
    shop.get(&stranger, "/v1/transactions/S-1/entries").await.refused(404, "not-found");
}

#[tokio::test]
async fn an_export_finds_what_an_endpoint_waits_for_however_far_behind_it_is() {
    let shop = Shop::new().await;
    let ask = json!({"url": "https://example.com/hook", "audience": "merchant", "locale": "en"});
    shop.post(&shop.system, "/v1/webhook-endpoints", &ask).await.expect(201);
    shop.world
        .app
        .ports
        .answer_with(Box::new(|_: &str, _: &str, _: &[u8]| Err(crate::ports::NoAnswer("nobody is there".to_owned()))));
    // Many events of others come before those of the payment.
    let code = json!({"id": "C-1", "amount": cny("1.00"), "presented_by": "merchant"});
    shop.post(&shop.system, "/v1/payment-codes", &code).await.expect(201);
    for number in 0..420 {
        shop.tell(&shop.system, "/v1/payment-codes/C-1/scans", &json!({"outcome": "declined"})).await.expect(200);
        if number % 100 == 99 {
            shop.world.app.tick().await.unwrap();
        }
    }
    shop.sale_of_today("S-1").await;
    shop.void("S-1", "void").await.expect(201);
    let file = shop.get(&shop.manager, "/v1/transactions/S-1/export").await.expect(200);
    let delivery = &file["deliveries"][0];
    assert_eq!((&delivery["waiting"], &delivery["complete"]), (&json!([1, 2]), &json!(true)), "{delivery}");
}

#[tokio::test]
async fn the_chain_is_reckoned_as_the_ledger_makes_it_and_shows_every_change() {
    let (shop, _) = refunded(FAILED).await;
    let who = shop.world.app.authenticate(Some(&format!("Bearer {}", shop.manager))).await.unwrap();
    let id = rescind_model::SaleId::parse("S-1").unwrap();
    let whole = shop.world.app.sale(&who, &shop.merchant, &id).await.unwrap();
    let (ledger, events) = (&whole.ledger, &whole.events);
    assert_eq!(chain::verify(ledger, events), Ok(()));
    let mut changed = events.clone();
    changed[2].reason = Some("other".to_owned());
    assert!(chain::verify(ledger, &changed).unwrap_err().to_string().contains("event 3"));
    let mut without = events.clone();
    without.remove(1);
    assert!(chain::verify(ledger, &without).unwrap_err().to_string().contains("expected event 2"));
    assert!(chain::verify(ledger, &events[..events.len() - 1]).unwrap_err().to_string().contains("found"));
    let mut other = ledger.clone();
    other.chain = rescind_model::Digest::of(b"other");
    assert!(chain::verify(&other, events).is_err());
}

#[tokio::test]
async fn every_post_of_these_needs_a_key_of_its_own() {
    let shop = Arc::new(Shop::new().await);
    for path in [
        "/v1/transactions/S-1/cases",
        "/v1/cases/S-1~0/assignments",
        "/v1/cases/S-1~0/grants",
        "/v1/cases/S-1~0/refusals",
        "/v1/transactions/S-1/legal-orders",
        "/v1/legal-orders/S-1~0/confirmations",
        "/v1/refunds/R-1/inquiries",
        "/v1/refunds/R-1/information",
        "/v1/refunds/R-1/traces",
        "/v1/refunds/R-1/returns",
        "/v1/refunds/R-1/liabilities",
        "/v1/liabilities/S-1~0/ends",
        "/v1/merchants/M-1/funds",
    ] {
        shop.post(&shop.system, path, &json!({})).await.refused(400, "idempotency.key-missing");
        shop.post("", path, &json!({})).await.refused(401, "auth.required");
    }
}

#[tokio::test]
async fn the_second_person_proves_who_they_are_where_the_policy_demands_it() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let (lex, lena) = two_of_compliance(&shop).await;
    let made = shop.tell(&lex, "/v1/transactions/S-1/legal-orders", &order()).await.expect(201);
    let path = format!("/v1/legal-orders/{}/confirmations", made["id"].as_str().unwrap());
    let bare = shop.tell(&lena, &path, &json!({})).await;
    assert_eq!(bare.refused(422, "decision.deny")["decision"]["findings"][0]["rule"], "void.authentication");
    let operation = |sale| rescind_proof::Operation {
        merchant: "M-1",
        sale,
        way: "void",
        minor: 10_000,
        currency: "CNY",
        reason: None,
        terminal: None,
        holder: "person",
        penalty: false,
        order: Some(made["id"].as_str().unwrap()),
        case: None,
        fees: None,
    };
    let proof = |who: &str, sale| {
        let person = PersonId::parse(who).unwrap();
        shop.till.proof(shop.world.app.ports.now(), &person, "supervisor", &operation(sale)).unwrap()
    };
    let other = shop.prove(&lena, &path, "k-1", &proof("lena", "S-2"), &json!({})).await;
    assert!(other.status.is_client_error() && other.code().starts_with("proof."), "{}", other.text);
    let stolen = shop.prove(&lena, &path, "k-2", &proof("lex", "S-1"), &json!({})).await;
    assert!(stolen.status.is_client_error() && stolen.code().starts_with("proof."), "{}", stolen.text);
    let stale = proof("lena", "S-1");
    shop.world.app.ports.pass(Duration::minutes(3));
    let late = shop.prove(&lena, &path, "k-3", &stale, &json!({})).await;
    assert!(late.status.is_client_error() && late.code().starts_with("proof."), "{}", late.text);
    let confirmed = shop.prove(&lena, &path, "k-4", &proof("lena", "S-1"), &json!({})).await.expect(200);
    assert_eq!((&confirmed["state"], &confirmed["confirmed_by"]), (&json!("confirmed"), &json!("lena")));
}

/// Makes the record of a payment as heavy as one with a long history.
async fn weigh(shop: &Shop, sale: &str, bytes: usize) {
    let kv = shop.world.app.ports.kv();
    let key = format!("sale:M-1:{sale}");
    let mut record: Value = serde_json::from_slice(&kv.get(&key).await.unwrap().unwrap()).unwrap();
    let events = record["d"]["events"].as_array_mut().unwrap();
    let mut told = events.last().unwrap().clone();
    told["reason"] = json!("x".repeat(480));
    let weight = serde_json::to_vec(&told).unwrap().len();
    events.extend(std::iter::repeat_n(told, bytes / weight + 1));
    kv.set(&key, &serde_json::to_vec(&record).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_nearly_full_keeps_its_last_quarter_for_outcomes() {
    let (shop, support) = after_three_voids().await;
    let id = opened(&shop).await;
    let (grants, because) = (format!("/v1/cases/{id}/grants"), json!({"because": "the customer called"}));
    let assignments = format!("/v1/cases/{id}/assignments");
    weigh(&shop, "S-1", crate::limits::SALE_BYTES).await;
    // Half of it is left for what is under way to end.
    shop.tell(&support, &assignments, &json!({})).await.refused(409, "record.full");
    let shop_of_half = shop.copy().await;
    shop_of_half.tell(&support, &grants, &because).await.expect(200);
    weigh(&shop, "S-1", crate::limits::SALE_BYTES_TO_END - crate::limits::SALE_BYTES).await;
    shop.tell(&support, &grants, &because).await.refused(409, "record.full");
    let settled = json!({"type": "settled"});
    shop.tell(&shop.system, "/v1/transactions/S-1/events", &settled).await.expect(200);
}

#[tokio::test]
async fn a_liability_ends_and_consent_is_given_only_while_outcomes_have_room() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    shop.tell(&shop.finance, &format!("{path}/clearings"), &json!({})).await.expect(200);
    provider_says(&shop, r#"{"status":"done","code":"00"}"#);
    ticks(&shop, 3).await;
    let owed = json!({"cause": "over-returned", "amount": cny("5.00"), "because": "so"});
    let owed = shop.tell(&shop.finance, &format!("{path}/liabilities"), &owed).await.expect(201);
    let ends = format!("/v1/liabilities/{}/ends", owed["id"].as_str().unwrap());
    let agreed = json!({"state": "agreed", "because": "a voucher"});
    weigh(&shop, "S-1", crate::limits::SALE_BYTES_TO_END).await;
    shop.tell(&shop.finance, &ends, &agreed).await.refused(409, "record.full");
}
