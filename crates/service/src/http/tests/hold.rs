//! Holds: completed, released, lapsed, and the void of a completion.

use super::payment_code::provider_says;
use super::shop::{Shop, cny, pack};
use crate::ports::Ports as _;
use crate::testkit::{Plan, Trouble};
use rescind_model::Duration;
use serde_json::{Value, json};

const DONE: &str = r#"{"status":"done","code":"00"}"#;

pub fn hold(id: &str) -> Value {
    json!({
        "id": id,
        "amount": cny("1000.00"),
        "authorised_at": "2026-11-23T11:50:00+08:00",
        "authorisation_code": "A12345",
        "card_type": "credit",
        "slip": {"terminal": "T1", "batch": "000001", "voucher": id, "trace": id},
        "order_number": format!("ORDER-{id}"),
    })
}

async fn held(shop: &Shop, id: &str) -> String {
    shop.post(&shop.system, "/v1/holds", &hold(id)).await.expect(201);
    format!("/v1/holds/{id}")
}

#[tokio::test]
async fn a_hold_has_the_ceiling_and_validity_of_the_policy() {
    let shop = Shop::new().await;
    let made = shop.post(&shop.terminal, "/v1/holds", &hold("H-1")).await.expect(201);
    assert_eq!(
        (&made["state"], &made["authorised"], &made["ceiling"]),
        (&json!("held"), &cny("1000.00"), &cny("1150.00"))
    );
    assert_eq!(made["expires_at"], "2026-12-23T03:50:00Z");
    assert_eq!(shop.post(&shop.terminal, "/v1/holds", &hold("H-1")).await.expect(200), made);
    let mut other = hold("H-1");
    other["authorisation_code"] = json!("B1");
    shop.post(&shop.terminal, "/v1/holds", &other).await.refused(409, "sale.conflict");
    let sale = shop.get(&shop.system, "/v1/transactions/H-1").await.expect(200);
    assert_eq!((&sale["hold"]["ceiling"], &sale["balance"]["left"]), (&cny("1150.00"), &cny("0.00")));
    let ways = shop.get(&shop.supervisor, "/v1/transactions/H-1/ways-back").await.expect(200);
    let open: Vec<&str> = ways["ways"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|w| w["outcome"] == "allow")
        .map(|w| w["way"].as_str().unwrap())
        .collect();
    assert_eq!(open, ["hold-release", "hold-completion"], "{ways}");
    shop.world.app.ports.pass(Duration::minutes(30 * 24 * 60));
    assert_eq!(shop.get(&shop.system, "/v1/holds/H-1").await.expect(200)["state"], "lapsed");
    let late = shop.tell(&shop.supervisor, "/v1/holds/H-1/completions", &json!({"amount": cny("1.00")})).await;
    late.refused(422, "decision.deny");
}

#[tokio::test]
async fn a_completed_hold_is_a_sale_until_its_completion_is_voided() {
    let shop = Shop::new().await;
    let path = held(&shop, "H-1").await;
    provider_says(&shop, DONE);
    let ask = json!({"amount": cny("1100.00"), "fee_charged": cny("6.60")});
    let asked = shop.tell(&shop.supervisor, &format!("{path}/completions"), &ask).await.expect(201);
    assert_eq!((&asked["kind"], &asked["amount"]), (&json!("hold-completion"), &cny("1100.00")));
    shop.world.app.tick().await.unwrap();
    let shown = shop.get(&shop.system, &path).await.expect(200);
    assert_eq!((&shown["state"], &shown["sale"]["amount"]), (&json!("good"), &cny("1100.00")));
    assert_eq!(shown["sale"]["fee_charged"], cny("6.60"));
    shop.tell(&shop.supervisor, &format!("{path}/releases"), &json!({})).await.refused(422, "decision.deny");
    // As for a void: a name alone gives nothing back, neither by a key nor at a terminal.
    let voids = format!("{path}/completion-voids");
    let named = json!({"operator": "M-1.supervisor"});
    for (key, body) in [(&shop.supervisor, json!({})), (&shop.terminal, named)] {
        let refused = shop.tell(key, &voids, &body).await.refused(422, "decision.deny");
        assert_eq!(refused["decision"]["findings"][0]["rule"], "completion-void.authentication", "{refused}");
    }
    let other = shop.hold_proof("H-1", "hold-release", 110_000, "supervisor", [None, None]);
    shop.prove(&shop.supervisor, &voids, "other", &other, &json!({})).await.refused(403, "proof.other-operation");
    let proof = shop.hold_proof("H-1", "completion-void", 110_000, "supervisor", [None, None]);
    let asked = shop.prove(&shop.supervisor, &voids, "void", &proof, &json!({})).await.expect(201);
    assert_eq!((&asked["kind"], &asked["state"]), (&json!("completion-void"), &json!("authorised")));
    shop.world.app.tick().await.unwrap();
    let shown = shop.get(&shop.system, &path).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["authorised"], &shown["sale"]),
        (&json!("held"), &cny("1000.00"), &Value::Null)
    );
    assert_eq!(shown["operations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_released_hold_is_over_and_a_penalty_is_what_the_policy_lets_be_kept() {
    let shop = Shop::new().await;
    let (one, two) = (held(&shop, "H-1").await, held(&shop, "H-2").await);
    provider_says(&shop, DONE);
    let proof = shop.hold_proof("H-1", "hold-release", 100_000, "supervisor", [Some("customer-request"), None]);
    let body = json!({"reason": "customer-request"});
    shop.prove(&shop.supervisor, &format!("{one}/releases"), "release", &proof, &body).await.expect(201);
    let too_much = json!({"amount": cny("500.01"), "penalty": true});
    let refused = shop.tell(&shop.supervisor, &format!("{two}/completions"), &too_much).await;
    let refused = refused.refused(422, "decision.deny");
    assert_eq!(refused["decision"]["findings"][0]["remedy"]["amount"], cny("500.00"), "{refused}");
    let kept = shop.tell(&shop.supervisor, &format!("{two}/completions"), &json!({"penalty": true})).await.expect(201);
    assert_eq!((&kept["penalty"], &kept["amount"]), (&json!(true), &cny("500.00")));
    shop.world.app.tick().await.unwrap();
    assert_eq!(shop.get(&shop.system, &one).await.expect(200)["state"], "released");
    let shown = shop.get(&shop.system, &two).await.expect(200);
    assert_eq!((&shown["state"], &shown["sale"]["amount"]), (&json!("good"), &cny("500.00")));
    shop.tell(&shop.supervisor, &format!("{one}/completions"), &json!({})).await.refused(422, "decision.deny");
}

/// Under `UnionPay` the terminal carries these out, and says what became of them.
#[tokio::test]
async fn a_terminal_reports_what_became_of_what_it_carries_out() {
    let shop = Shop::under("unionpay").await;
    let path = held(&shop, "H-1").await;
    let (releases, named) = (format!("{path}/releases"), json!({"operator": "M-1.supervisor"}));
    // A role is not held by being named.
    let refused = shop.tell(&shop.terminal, &releases, &named).await.refused(422, "decision.deny");
    assert_eq!(refused["decision"]["findings"][0]["rule"], "hold-release.authentication", "{refused}");
    let proof = shop.hold_proof("H-1", "hold-release", 100_000, "supervisor", [None, Some("T1")]);
    let asked = shop.prove(&shop.terminal, &releases, "release", &proof, &named).await.expect(201);
    assert_eq!((&asked["executor"], &asked["terminal"]), (&json!("terminal"), &json!("T1")));
    let operation = format!("/v1/operations/{}", asked["id"].as_str().unwrap());
    assert_eq!(shop.get(&shop.terminal, &operation).await.expect(200), asked);
    let results = format!("{operation}/results");
    shop.tell(&shop.manager, &results, &json!({"outcome": "done"})).await.refused(403, "auth.forbidden");
    let unknown = shop.tell(&shop.terminal, &results, &json!({"outcome": "unknown", "code": "98"})).await.expect(200);
    assert_eq!(unknown["state"], "unknown");
    let word = |second: &str| json!({"took_place": true, "second": second, "reason": "the bank says so"});
    let resolutions = format!("{operation}/resolutions");
    let first = shop.tell(&shop.manager, &resolutions, &word("M-1.finance")).await.expect(200);
    assert_eq!(first["state"], "unknown");
    let second = shop.tell(&shop.finance, &resolutions, &word("M-1.manager")).await.expect(200);
    assert_eq!(second["state"], "done");
    shop.tell(&shop.terminal, &results, &json!({"outcome": "failed"})).await.refused(409, "outcome.contradicts");
    assert_eq!(shop.get(&shop.terminal, &path).await.expect(200)["state"], "released");
    let slip = shop.get(&shop.terminal, &format!("{operation}/slip?locale=en&reprint=true")).await;
    assert_eq!(slip.status, 200, "{}", slip.text);
}

#[tokio::test]
async fn of_a_completion_and_a_release_at_once_one_is_first() {
    let start = Shop::new().await;
    let path = held(&start, "H-1").await;
    let (completions, releases) = (format!("{path}/completions"), format!("{path}/releases"));
    let mut completed = 0;
    for seed in 0..50 {
        let shop = start.copy().await;
        let proof = shop.hold_proof("H-1", "hold-release", 100_000, "manager", [None, None]);
        let nothing = json!({});
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two) = tokio::join!(
            shop.call(&shop.supervisor, "POST", &completions, Some("complete"), "{}"),
            shop.prove(&shop.manager, &releases, "release", &proof, &nothing),
        );
        kv.calm();
        let case = format!("seed {seed}: {} {}", one.text, two.text);
        let (won, lost) = if one.status == 201 { (&one, &two) } else { (&two, &one) };
        completed += u32::from(one.status == 201);
        assert_eq!(won.status, 201, "{case}");
        lost.refused(422, "decision.deny");
        let shown = shop.get(&shop.system, &path).await.expect(200);
        assert_eq!(shown["operations"], json!([won.json()]), "{case}");
    }
    assert!((1..50).contains(&completed), "one of the two was always first: {completed}");
}

#[tokio::test]
async fn only_who_may_touches_a_hold_and_others_learn_nothing_of_it() {
    let shop = Shop::new().await;
    let path = held(&shop, "H-1").await;
    shop.post(&shop.reviewer, "/v1/holds", &hold("H-2")).await.refused(403, "auth.forbidden");
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    let unseen = shop.get(&stranger, &path).await;
    unseen.refused(404, "not-found");
    assert_eq!(unseen, shop.get(&stranger, "/v1/holds/H-9").await);
    // A sale is no hold.
    shop.sale_of_today("S-1").await;
    shop.get(&shop.system, "/v1/holds/S-1").await.refused(404, "not-found");
    for deed in ["completions", "releases", "completion-voids"] {
        shop.tell(&shop.reviewer, &format!("{path}/{deed}"), &json!({})).await.refused(403, "auth.forbidden");
        shop.tell(&shop.admin, &format!("{path}/{deed}?merchant=M-1"), &json!({})).await.refused(403, "auth.forbidden");
        shop.tell(&stranger, &format!("{path}/{deed}"), &json!({})).await.refused(404, "not-found");
        shop.tell(&shop.supervisor, &format!("/v1/holds/S-1/{deed}"), &json!({})).await.refused(404, "not-found");
    }
    // The policy wants a person for a release; a terminal names one.
    let reply = shop.tell(&shop.terminal, &format!("{path}/releases"), &json!({})).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(shop.get(&shop.system, &path).await.expect(200)["operations"], json!([]));
}

#[tokio::test]
async fn each_thing_done_to_a_hold_has_one_effect_per_key() {
    for (deed, body, other) in [
        ("completions", json!({"amount": cny("10.00")}), json!({"amount": cny("10.01")})),
        ("releases", json!({}), json!({"reason": "customer-request"})),
    ] {
        let shop = Shop::new().await;
        let path = format!("{}/{deed}", held(&shop, "H-1").await);
        let proof = shop.hold_proof("H-1", "hold-release", 100_000, "supervisor", [None, None]);
        let ask = async |body: &Value| match deed {
            "releases" => shop.prove(&shop.supervisor, &path, "k", &proof, body).await,
            _ => shop.call(&shop.supervisor, "POST", &path, Some("k"), &body.to_string()).await,
        };
        let first = ask(&body).await;
        let again = ask(&body).await;
        assert_eq!((first.status.as_u16(), &first.text), (201, &again.text));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        ask(&other).await.refused(422, "idempotency.key-reused");
        let shown = shop.get(&shop.system, "/v1/holds/H-1").await.expect(200);
        assert_eq!(shown["operations"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_hold_is_named_by_its_path() {
    let shop = Shop::new().await;
    let with = |field: &str, value: Value| {
        let mut body = hold("H-1");
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("id", json!("a~b")), "/id"),
        (with("amount", cny("0.00")), "/amount"),
        (with("amount", cny("999999999999.99")), "/amount"),
        (with("authorised_at", json!("today")), "/authorised_at"),
        (with("outcome", json!("good")), "/outcome"),
        (with("fee_charged", cny("1.00")), "/fee_charged"),
        (with("operator", json!("nobody")), "/operator"),
    ] {
        let reply = shop.post(&shop.system, "/v1/holds", &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
    let path = held(&shop, "H-1").await;
    for (body, field) in [
        (json!({"amount": cny("0.00")}), "/amount"),
        (json!({"amount": {"amount": "1", "currency": "USD"}}), "/amount"),
        (json!({"amount": cny("10.00"), "fee_charged": cny("10.01")}), "/fee_charged"),
        (json!({"penalty": "yes"}), "/penalty"),
        (json!({"terminal": "T9"}), "/terminal"),
    ] {
        let reply = shop.tell(&shop.supervisor, &format!("{path}/completions"), &body).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
}
