//! Every route that changes something: who may, who may not, what somebody else's key, no key and a repeated key get.

use super::hold::hold;
use super::payment_code::{code, provider_says};
use super::shop::{Shop, cny, pack, refund, sale, version_of};
use crate::ports::Ports as _;
use crate::testkit::TestPorts;
use http::Method;
use rescind_model::{Duration, PersonId};
use rescind_proof::Operation;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A route, who may use it, and what is sent to it. What stands in angle brackets is filled in from the fixture.
struct Route {
    method: &'static str,
    path: &'static str,
    /// The letters of those who may: see [`Office::keys`].
    may: &'static str,
    takes: Takes,
    body: Value,
}

/// What a route takes besides its body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing: it is named by its id, and the same again is harmless; or it is the admin's.
    Nothing,
    /// An idempotency key. The other body that the same key is tried with.
    Key(&'static str),
    /// The same, and an operator's proof.
    Proof(&'static str),
}

fn route(method: &'static str, path: &'static str, may: &'static str, takes: Takes, body: Value) -> Route {
    Route { method, path, may, takes, body }
}

/// Every route that changes something. A terminal, **S**ystem and **A**dmin are capital letters, persons are small ones.
fn table() -> Vec<Route> {
    use Takes::{Key, Nothing, Proof};
    let post = |path, may, takes, body| route("POST", path, may, takes, body);
    let reason = || json!({"reason": "because"});
    let because = || json!({"because": "because"});
    let word = || json!({"took_place": true, "second": "M-1.finance", "reason": "so"});
    let done = || json!({"outcome": "done"});
    let person = || json!({"id": "p-9", "name": "P", "grants": []});
    let other = r#"{"reason":"other"}"#;
    vec![
        post("/v1/transactions", "TScsm", Nothing, sale("S-9", "2026-11-23T11:50:00+08:00")),
        post("/v1/transactions/S-1/events", "TSm", Key(r#"{"type":"paid-out"}"#), json!({"type": "settled"})),
        post("/v1/transactions/S-1/voids/check", "TScsm", Nothing, json!({"operator": "<person>"})),
        post(
            "/v1/transactions/S-1/voids",
            "TScsm",
            Proof(r#"{"operator":"M-1.manager"}"#),
            json!({"operator": "<person>"}),
        ),
        post(
            "/v1/transactions/S-1/troubles",
            "TScsm",
            Key(r#"{"trouble":"unauthorised"}"#),
            json!({"trouble": "printer-fault"}),
        ),
        post("/v1/transactions/S-1/reversals", "TScsm", Proof(other), json!({})),
        post("/v1/transactions/S-1/erasures", "ml", Key(r#"{"reason":"other"}"#), reason()),
        post(
            "/v1/transactions/S-1/cases",
            "TScsm",
            Key(r#"{"way":"refund"}"#),
            json!({"way": "void", "requester": "<person>"}),
        ),
        post(
            "/v1/transactions/S-1/legal-orders",
            "l",
            Key(r#"{"reference":"C-2","reason":"other"}"#),
            json!({"reference": "C-1", "reason": "so"}),
        ),
        post("/v1/terminal/sync", "T", Nothing, Value::Null),
        post("/v1/terminals/T1/batches/000009/close", "TSm", Nothing, json!({})),
        post("/v1/operations/<void>/results", "TS", Key(r#"{"outcome":"failed"}"#), done()),
        post(
            "/v1/operations/<void>/resolutions",
            "mf",
            Key(r#"{"took_place":false,"second":"M-1.finance","reason":"so"}"#),
            word(),
        ),
        post(
            "/v1/refunds",
            "TScsm",
            Proof(r#"{"sale":"S-1","amount":{"amount":"2.00","currency":"CNY"}}"#),
            json!({"sale": "S-1", "amount": cny("1.00"), "requester": "<person>"}),
        ),
        post("/v1/refunds/R-1/approvals", "srmf", Key(r#"{"revision":7}"#), json!({})),
        post("/v1/refunds/R-1/declines", "srmf", Key(other), reason()),
        post("/v1/refunds/R-1/withdrawals", "TScsm", Key(other), reason()),
        post("/v1/refunds/R-1/clearings", "Smf", Key(""), json!({})),
        post("/v1/refunds/R-1/retries", "Smf", Key(""), json!({})),
        post("/v1/refunds/R-1/results", "TS", Key(r#"{"outcome":"failed"}"#), done()),
        post(
            "/v1/refunds/R-1/resolutions",
            "mf",
            Key(r#"{"took_place":false,"second":"M-1.finance","reason":"so"}"#),
            word(),
        ),
        post("/v1/refunds/R-1/inquiries", "srmf", Key(r#"{"question":"other"}"#), json!({"question": "which?"})),
        post(
            "/v1/refunds/R-1/information",
            "TScsm",
            Key(r#"{"note":"other"}"#),
            json!({"note": "this", "requester": "<person>"}),
        ),
        post(
            "/v1/refunds/R-2/traces",
            "TScsmp",
            Key(r#"{"requester":"M-1.cashier"}"#),
            json!({"requester": "<person>"}),
        ),
        post("/v1/refunds/R-2/returns", "S", Key(r#"{"code":"other"}"#), json!({"code": "account-closed"})),
        post(
            "/v1/refunds/R-2/liabilities",
            "mf",
            Key(r#"{"cause":"over-returned","amount":{"amount":"2.00","currency":"CNY"},"because":"so"}"#),
            json!({"cause": "over-returned", "amount": cny("1.00"), "because": "so"}),
        ),
        post(
            "/v1/liabilities/<liability>/ends",
            "mf",
            Key(r#"{"state":"settled","because":"so"}"#),
            json!({"state": "agreed", "because": "so"}),
        ),
        post("/v1/cases/<case>/assignments", "p", Key(r#"{"to":"helen"}"#), json!({})),
        post("/v1/cases/<case>/grants", "p", Key(r#"{"because":"other"}"#), because()),
        post("/v1/cases/<case>/refusals", "p", Key(r#"{"because":"other"}"#), because()),
        post("/v1/legal-orders/<order>/confirmations", "l", Proof(""), json!({})),
        post(
            "/v1/merchants/M-1/funds",
            "AS",
            Key(r#"{"id":"B-1","amount":{"amount":"2.00","currency":"CNY"}}"#),
            json!({"id": "B-1", "amount": cny("1.00")}),
        ),
        post("/v1/payment-codes", "TScsm", Nothing, code("C-9")),
        post("/v1/payment-codes/C-1/scans", "TSm", Key(r#"{"outcome":"declined"}"#), json!({"outcome": "unknown"})),
        post("/v1/payment-codes/C-1/cancellations", "TScsm", Proof(other), json!({})),
        post("/v1/holds", "TScsm", Nothing, hold("H-9")),
        post("/v1/holds/H-1/completions", "TScsm", Proof(other), json!({})),
        post(
            "/v1/holds/H-1/releases",
            "TScsm",
            Proof(r#"{"operator":"M-1.manager"}"#),
            json!({"operator": "<person>"}),
        ),
        post("/v1/holds/H-1/completion-voids", "TScsm", Proof(other), json!({})),
        post(
            "/v1/confirmations",
            "TScsm",
            Key(r#"{"sale":"S-1","way":"void","amount":{"amount":"100.00","currency":"CNY"},"contact":"13900000000"}"#),
            json!({"sale": "S-1", "way": "void", "amount": cny("100.00"), "contact": "13800000000"}),
        ),
        post("/v1/webhook-endpoints", "ASm", Nothing, json!({"url": "https://example.com/h", "locale": "en"})),
        route("DELETE", "/v1/webhook-endpoints/e-1", "ASm", Nothing, Value::Null),
        post(
            "/v1/operators",
            "Am",
            Nothing,
            json!({"number": "7", "person": "M-1.cashier", "role": "cashier", "pin": "839274"}),
        ),
        post("/v1/operators/1/resets", "Asm", Nothing, json!({"pin": "839274"})),
        post("/v1/operators/1/confirmations", "Asm", Nothing, Value::Null),
        post("/v1/operators/1/pin", "TScsml", Nothing, json!({"pin": "839274", "new_pin": "718293"})),
        post(
            "/v1/operators/1/devices",
            "TScsml",
            Nothing,
            json!({"public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "label": "phone"}),
        ),
        route("DELETE", "/v1/operators/1/devices/d-1", "Am", Nothing, Value::Null),
        post("/v1/operator-challenges", "TScsml", Nothing, json!({"number": "1"})),
        post("/v1/operator-sessions", "TScsml", Nothing, json!({"number": "1", "pin": "000000"})),
        route("DELETE", "/v1/operator-sessions/s-1", "TScsml", Nothing, Value::Null),
        post(
            "/v1/operator-sessions/s-1/proofs",
            "TScsml",
            Nothing,
            json!({"token": "x", "pin": "000000", "operation": {"way": "void", "sale": "S-1", "amount": cny("100.00")}}),
        ),
        post("/v1/proof-keys/rotations", "A", Nothing, json!({})),
        post("/v1/checkpoint-keys/rotations", "A", Nothing, json!({})),
        post("/v1/merchants", "A", Nothing, json!({"id": "M-9", "name": "x", "policy": "lakala"})),
        post("/v1/terminals", "A", Nothing, json!({"merchant": "M-1", "id": "T9", "label": "new"})),
        post("/v1/persons", "A", Nothing, person()),
        route("PUT", "/v1/persons/M-1.cashier/grants", "A", Nothing, json!({"grants": []})),
        post("/v1/keys", "A", Nothing, json!({"label": "x", "bearer": {"kind": "admin"}})),
        route("DELETE", "/v1/keys/0000000000000000", "A", Nothing, Value::Null),
        post("/v1/review-sources", "A", Nothing, json!({"label": "desk", "principals": {"kim": "M-1.reviewer"}})),
        route("DELETE", "/v1/review-sources/src-1", "A", Nothing, Value::Null),
        route("PUT", "/v1/policies/lakala", "A", Nothing, json!({})),
        post(
            "/v1/policies/lakala/activations",
            "A",
            Key(r#"{"version":"another"}"#),
            json!({"version": version_of(&pack("lakala"))}),
        ),
        route("DELETE", "/v1/policies/lakala/activations/first", "A", Nothing, Value::Null),
        route("PUT", "/v1/policies/lakala/shadow", "A", Nothing, json!({"version": version_of(&pack("lakala"))})),
        route("DELETE", "/v1/policies/lakala/shadow", "A", Nothing, Value::Null),
        route("PUT", "/v1/bundles/lakala", "A", Nothing, json!({})),
        route("PUT", "/v1/merchants/M-1/settings", "A", Nothing, json!({"policy": "lakala"})),
        route("PUT", "/v1/terminals/T1", "A", Nothing, json!({"label": "new"})),
    ]
}

/// Tested where they are: whoever sends a review signs it and has no key (`webhook.rs`); evidence is bytes, not JSON, and
/// who may give it depends on the payment (`privacy.rs`).
const ELSEWHERE: [&str; 2] = ["/v1/webhooks/reviews", "/v1/evidence"];

/// A shop with something for every route, and keys for everybody.
struct Office {
    shop: Shop,
    keys: BTreeMap<char, String>,
    /// Keys of another merchant's, under the same letters.
    strangers: BTreeMap<char, String>,
    names: BTreeMap<&'static str, String>,
}

impl Office {
    async fn open() -> Self {
        let shop = Shop::new().await;
        let key = async |name: &str| shop.world.person_key(&shop.merchant, name).await.unwrap();
        let hire = async |name: &str, role: &str| {
            let person = json!({"id": name, "name": name, "grants": [{"merchant": "M-1", "roles": [role]}]});
            shop.post(&shop.admin, "/v1/persons", &person).await.expect(201);
            let person = PersonId::parse(name).unwrap();
            shop.world.app.make_key(crate::principal::Bearer::Person { person }, name.to_owned()).await.unwrap().1
        };
        let keys = BTreeMap::from([
            ('A', shop.admin.clone()),
            ('T', shop.terminal.clone()),
            ('S', shop.system.clone()),
            ('c', key("cashier").await),
            ('s', shop.supervisor.clone()),
            ('m', shop.manager.clone()),
            ('r', shop.reviewer.clone()),
            ('f', shop.finance.clone()),
            ('p', hire("helen", "support").await),
            ('l', hire("lex", "compliance").await),
        ]);
        let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
        let mut strangers = BTreeMap::from([
            ('S', shop.world.system_key(&other).await.unwrap()),
            ('T', shop.world.terminal_key(&other).await.unwrap()),
        ]);
        for (who, name) in
            [('c', "cashier"), ('s', "supervisor"), ('m', "manager"), ('r', "reviewer"), ('f', "finance")]
        {
            strangers.insert(who, shop.world.person_key(&other, name).await.unwrap());
        }
        for (who, role) in [('p', "support"), ('l', "compliance")] {
            strangers.insert(who, super::people::hire(&shop, &format!("M-2.{role}"), &["M-2"], role).await);
        }
        for id in ["S-1", "S-2", "V-1"] {
            shop.sale_of_today(id).await;
        }
        let void = shop.void("V-1", "void").await.expect(201)["id"].as_str().unwrap().to_owned();
        shop.sale_of_yesterday("Y-1").await;
        shop.sale_of_yesterday("Y-2").await;
        for (id, of) in [("R-1", "Y-1"), ("R-2", "Y-2")] {
            let mut ask = refund(of, "40.00");
            ask["id"] = json!(id);
            shop.tell(&shop.manager, "/v1/refunds", &ask).await.expect(201);
        }
        shop.tell(&shop.finance, "/v1/refunds/R-2/clearings", &json!({})).await.expect(200);
        provider_says(&shop, r#"{"status":"done","code":"00"}"#);
        for _ in 0..3 {
            shop.world.app.ports.pass(Duration::seconds(2));
            shop.world.app.tick().await.unwrap();
        }
        let owed = json!({"cause": "over-returned", "amount": cny("5.00"), "because": "so"});
        let owed = shop.tell(&shop.finance, "/v1/refunds/R-2/liabilities", &owed).await.expect(201);
        let mut real_time = sale("D-1", "2026-11-22T12:00:00+08:00");
        real_time["settlement"] = json!("real-time");
        shop.post(&shop.system, "/v1/transactions", &real_time).await.expect(201);
        let case = json!({"way": "refund", "reason": "returned-goods"});
        let case = shop.tell(&shop.manager, "/v1/transactions/D-1/cases", &case).await.expect(201);
        let second = hire("lena", "compliance").await;
        let order = json!({"reference": "C-7", "reason": "so"});
        let order = shop.tell(&second, "/v1/transactions/S-2/legal-orders", &order).await.expect(201);
        shop.post(&shop.system, "/v1/payment-codes", &code("C-1")).await.expect(201);
        shop.post(&shop.system, "/v1/holds", &hold("H-1")).await.expect(201);
        let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
        let names = BTreeMap::from([
            ("<void>", void),
            ("<case>", id(&case)),
            ("<order>", id(&order)),
            ("<liability>", id(&owed)),
        ]);
        Self { shop, keys, strangers, names }
    }

    /// A route's path and body for somebody; an admin names the merchant.
    fn filled(&self, route: &Route, who: char) -> (String, String) {
        self.filled_by(route, who, "M-1")
    }

    /// The same for somebody of a merchant, who names persons of that merchant's.
    fn filled_by(&self, route: &Route, who: char, merchant: &str) -> (String, String) {
        let mut path = route.path.to_owned();
        for (name, id) in &self.names {
            path = path.replace(name, id);
        }
        if who == 'A' && !general(route.path) {
            path.push_str("?merchant=M-1");
        }
        let mut body = route.body.clone();
        for field in ["operator", "requester"] {
            if body[field] == "<person>" {
                // A person's key stands for itself.
                body[field] = json!(format!("{merchant}.supervisor"));
                if who.is_lowercase() {
                    body.as_object_mut().unwrap().remove(field);
                }
            }
        }
        if body["second"] == "M-1.finance" {
            body["second"] = json!(format!("{merchant}.finance"));
        }
        if merchant != "M-1" && who != 'S' && body.get("contact").is_some() {
            // Only a merchant's system says where a confirmation goes.
            body.as_object_mut().unwrap().remove("contact");
        }
        (path, if body.is_null() { String::new() } else { body.to_string() })
    }

    /// A path with the names of what is there replaced by names of nothing.
    fn nowhere(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for id in self.names.values() {
            path = path.replace(id, "N-9~0000000000000000");
        }
        for id in ["S-1", "R-1", "R-2", "C-1", "H-1"] {
            path = path.replace(&format!("/{id}/"), "/N-9/");
        }
        path
    }
}

/// Routes about no merchant in particular.
fn general(path: &str) -> bool {
    [
        "/v1/merchants",
        "/v1/persons",
        "/v1/keys",
        "/v1/policies",
        "/v1/bundles",
        "/v1/proof-keys",
        "/v1/checkpoint-keys",
        "/v1/terminals",
        "/v1/review-sources/",
    ]
    .iter()
    .any(|start| {
        let about_a_merchant = path.starts_with("/v1/terminals/") || path.ends_with("/funds");
        path == *start || (path.starts_with(start) && !about_a_merchant)
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(want, found)| want.starts_with('{') || want == found)
}

#[test]
fn every_route_that_changes_something_is_in_the_table() {
    let table = table();
    let mut used = BTreeSet::new();
    for (method, pattern) in crate::http::routes::<TestPorts>() {
        if method == Method::GET || ELSEWHERE.iter().any(|start| pattern.starts_with(start)) {
            continue;
        }
        // A name in the table is no other route's fixed word: the first that matches, literally before by pattern.
        let found = table.iter().position(|route| route.method == method.as_str() && matches(pattern, route.path));
        let found = found.unwrap_or_else(|| panic!("{method} {pattern}: who may, and who may not?"));
        used.insert(found);
    }
    assert_eq!(used.len(), table.len(), "a route of the table that there is not");
}

#[tokio::test]
async fn without_a_key_nobody_gets_in() {
    let office = Office::open().await;
    for route in table() {
        let (path, body) = office.filled(&route, 'm');
        let reply = office.shop.call("", route.method, &path, Some("k"), &body).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, "auth.required"), "{} {path}", route.method);
    }
}

#[tokio::test]
async fn a_wrong_role_is_refused_and_a_right_one_is_not() {
    let office = Office::open().await;
    let mut wrong = Vec::new();
    for route in table() {
        for (who, key) in &office.keys {
            let shop = office.shop.copy().await;
            let (path, body) = office.filled(&route, *who);
            let reply = shop.call(key, route.method, &path, Some("k"), &body).await;
            let forbidden = reply.status == 403 && reply.code() == "auth.forbidden";
            if forbidden == route.may.contains(*who) {
                wrong.push(format!("{} {path} as {who}: {} {}", route.method, reply.status, reply.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn another_merchants_key_learns_nothing_and_changes_nothing() {
    let office = Office::open().await;
    let before = office.shop.get(&office.shop.system, "/v1/transactions/S-1").await.expect(200);
    let fresh = || office.shop.world.app.random_hex(32);
    let mut wrong = Vec::new();
    for route in table() {
        for (who, key) in &office.strangers {
            // Whatever names somebody names one of the stranger's own: nothing but the payment is another's.
            let (path, body) = office.filled_by(&route, *who, "M-2");
            let names_something = route.path.split('/').count() > 3 && !own(route.path);
            let mut asked = Vec::new();
            if general(route.path) || names_something {
                asked.push(path.clone());
            }
            if !general(route.path) {
                asked.push(format!("{path}?merchant=M-1"));
            }
            for path in asked {
                let reply = office.shop.call(key, route.method, &path, Some(&fresh()), &body).await;
                let at = format!("{} {path} as {who}: {} {}", route.method, reply.status, reply.text);
                // Whoever has the role at home is told that there is no such thing, anybody else may be told of the role.
                let hidden = reply.status == 404 && reply.code() == "not-found";
                let forbidden = reply.status == 403 && reply.code() == "auth.forbidden";
                if !hidden && (route.may.contains(*who) || !forbidden) {
                    wrong.push(at);
                    continue;
                }
                if hidden {
                    // The same as of what nobody has.
                    let nowhere =
                        office.shop.call(key, route.method, &office.nowhere(&path), Some(&fresh()), &body).await;
                    if nowhere.text != reply.text && !path.contains('?') {
                        wrong.push(format!("{at}, of nothing: {}", nowhere.text));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let shown = office.shop.get(&office.shop.system, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(shown, before);
}

/// What a stranger names there is among the stranger's own.
fn own(path: &str) -> bool {
    path.starts_with("/v1/terminals/")
        || path == "/v1/terminal/sync"
        || path.starts_with("/v1/operator")
        || path.starts_with("/v1/webhook-endpoints/")
}

#[tokio::test]
async fn one_key_has_one_effect_on_every_route_that_takes_one() {
    let office = Office::open().await;
    for route in table() {
        let (Takes::Key(other) | Takes::Proof(other)) = route.takes else { continue };
        // Only the merchant's system may say where a confirmation goes.
        let order = if route.path == "/v1/confirmations" { ['S'; 5] } else { ['m', 'p', 'l', 'S', 'A'] };
        let who = order.into_iter().find(|who| route.may.contains(*who)).unwrap();
        let (shop, key) = (office.shop.copy().await, &office.keys[&who]);
        let (path, body) = office.filled(&route, who);
        let at = format!("{} {path}", route.method);
        let none = shop.call(key, route.method, &path, None, &body).await;
        assert_eq!((none.status.as_u16(), none.code().as_str()), (400, "idempotency.key-missing"), "{at}");
        let first = shop.call(key, route.method, &path, Some("k"), &body).await;
        let again = shop.call(key, route.method, &path, Some("k"), &body).await;
        assert_eq!((first.status, &first.text), (again.status, &again.text), "{at}");
        let replayed = again.headers.get("idempotency-replayed").is_some_and(|value| value == "true");
        assert!(replayed, "{at}: nothing was kept: {} {}", first.status, first.text);
        if !other.is_empty() {
            let reused = shop.call(key, route.method, &path, Some("k"), other).await;
            assert_eq!(
                (reused.status.as_u16(), reused.code().as_str()),
                (422, "idempotency.key-reused"),
                "{at}: {}",
                reused.text
            );
        }
    }
}

#[tokio::test]
async fn a_stale_proof_is_refused_wherever_one_is_taken() {
    let office = Office::open().await;
    let shop = &office.shop;
    let operation = Operation {
        merchant: "M-1",
        sale: "S-1",
        way: "void",
        minor: 10_000,
        currency: "CNY",
        reason: None,
        terminal: None,
        holder: "person",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    };
    let person = |name: &str| PersonId::parse(name).unwrap();
    let given = shop.world.app.ports.now();
    let by_manager = shop.till.proof(given, &person("M-1.manager"), "manager", &operation).unwrap();
    let by_lex = shop.till.proof(given, &person("lex"), "supervisor", &operation).unwrap();
    shop.world.app.ports.pass(Duration::minutes(10));
    let mut checked = 0;
    for route in table().iter().filter(|route| matches!(route.takes, Takes::Proof(_))) {
        let who = if route.may == "l" { 'l' } else { 'm' };
        let (path, body) = office.filled(route, who);
        let proof = if who == 'l' { &by_lex } else { &by_manager };
        let body: Value = serde_json::from_str(&body).unwrap();
        let reply = shop.prove(&office.keys[&who], &path, "stale", proof, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "proof.expired"), "{path}: {}", reply.text);
        checked += 1;
    }
    assert!(checked >= 8);
}
