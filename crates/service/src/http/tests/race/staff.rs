//! Races of those who set things up and of those who work with them: the directory, keys, policies, operators.

use super::Law::{Both, One, Order};
use super::Under::Lakala;
use super::{Ask, Form, Race, Side, Step, ask, delete, post, put, race, tell};
use crate::http::tests::shop::{FIRST_PIN, PIN, cny, sale};
use crate::testkit::Fault;
use serde_json::{Value, json};

const TODAY: &str = "2026-11-23T11:50:00+08:00";
const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const OTHER_KEY: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

fn sold() -> Step {
    post("system", "/v1/transactions", sale("S-1", TODAY)).first()
}

fn void() -> Ask {
    tell("supervisor", "/v1/transactions/S-1/voids", json!({"reason": "wrong-amount"}))
}

fn bundle(version: u64, code: usize) -> Ask {
    ask("admin", "PUT", "/v1/bundles/lakala", Value::Null, Form::Bundle(version, code))
}

fn named(path: &str, name: &str, more: &Value) -> Side {
    let mut body = json!({"name": name});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    post("admin", path, body).into()
}

/// Operator 07 with a PIN of their own choice.
fn operator() -> Vec<Step> {
    let new = json!({"number": "07", "person": "M-1.supervisor", "role": "supervisor", "pin": FIRST_PIN});
    vec![post("manager", "/v1/operators", new).first(), change(FIRST_PIN, PIN).first()]
}

fn change(pin: &str, new: &str) -> Ask {
    // With the PIN that is no longer in force the same again is a wrong attempt.
    post("terminal", "/v1/operators/07/pin", json!({"pin": pin, "new_pin": new})).anew()
}

fn reset() -> Ask {
    post("manager", "/v1/operators/07/resets", json!({"pin": "605193"})).anew()
}

fn begin() -> Ask {
    post("terminal", "/v1/operator-sessions", json!({"number": "07", "pin": PIN})).anew()
}

fn at_work() -> Vec<Step> {
    let mut steps = operator();
    steps.push(sold());
    steps.push(Step::Ask(begin(), vec![("<session>", "/id"), ("<token>", "/token")]));
    steps
}

fn prove() -> Ask {
    let operation = json!({"way": "void", "sale": "S-1", "amount": cny("100.00"), "reason": "wrong-amount"});
    let body = json!({"token": "<token>", "pin": PIN, "operation": operation});
    post("terminal", "/v1/operator-sessions/<session>/proofs", body).anew()
}

fn device(key: &str) -> Ask {
    post("supervisor", "/v1/operators/07/devices", json!({"label": "phone", "public_key": key}))
}

fn directory() -> Vec<Race> {
    let grants = |roles: Value| put("admin", "/v1/persons/M-1.supervisor/grants", json!({"grants": roles})).anew();
    let made_key = || {
        let body = json!({"label": "spare", "bearer": {"kind": "person", "person": "M-1.supervisor"}});
        Step::Ask(post("admin", "/v1/keys", body), vec![("<key>", "/id"), ("<token>", "/token")])
    };
    let revoke = |who| delete(who, "/v1/keys/<key>", Value::Null);
    let policy = |version: &'static str| {
        ask("admin", "PUT", "/v1/policies/lakala?activate=now", Value::Null, Form::Policy(version)).anew()
    };
    let endpoint = || {
        let new = json!({"url": "https://shop.example/hook", "locale": "en"});
        post("system", "/v1/webhook-endpoints", new).named("<endpoint>", "/id")
    };
    let gone = |who| delete(who, "/v1/webhook-endpoints/<endpoint>", Value::Null);
    vec![
        race(
            "one merchant has one name",
            Lakala,
            vec![],
            [
                named("/v1/merchants", "one", &json!({"id": "M-9", "policy": "lakala"})),
                named("/v1/merchants", "two", &json!({"id": "M-9", "policy": "lakala"})),
            ],
            One,
        ),
        race(
            "one person has one name",
            Lakala,
            vec![],
            [
                named("/v1/persons", "one", &json!({"id": "p-9", "grants": []})),
                named("/v1/persons", "two", &json!({"id": "p-9", "grants": []})),
            ],
            One,
        ),
        race(
            "one terminal has one label",
            Lakala,
            vec![],
            [
                post("admin", "/v1/terminals", json!({"merchant": "M-1", "id": "T9", "label": "door"})).into(),
                post("admin", "/v1/terminals", json!({"merchant": "M-1", "id": "T9", "label": "bar"})).into(),
            ],
            One,
        ),
        race(
            "a person's roles are those that were given last",
            Lakala,
            vec![],
            [
                grants(json!([{"merchant": "M-1", "roles": ["cashier"]}])).into(),
                grants(json!([{"merchant": "M-1", "roles": ["auditor"]}])).into(),
            ],
            Both,
        ),
        race(
            "whoever loses the role voids first or not at all",
            Lakala,
            vec![sold()],
            [void().into(), grants(json!([])).into()],
            Order,
        ),
        race(
            "a key is used before it is revoked",
            Lakala,
            vec![sold(), made_key()],
            [
                tell("<token>", "/v1/transactions/S-1/voids", json!({"reason": "wrong-amount"})).into(),
                revoke("admin").into(),
            ],
            Order,
        ),
        race(
            "what is decided is decided under one policy",
            Lakala,
            vec![sold()],
            [void().into(), policy("9").into()],
            Order,
        ),
        race(
            "one version of a bundle is published",
            Lakala,
            vec![bundle(1, 50).first()],
            [bundle(2, 60).into(), bundle(2, 70).into()],
            One,
        ),
        race(
            "a newer bundle is published, and no older one after it",
            Lakala,
            vec![bundle(1, 50).first()],
            [bundle(2, 60).into(), bundle(3, 70).into()],
            Order,
        ),
        race("one policy is in force", Lakala, vec![], [policy("8").into(), policy("9").into()], Both),
        race(
            "an endpoint is told until it is gone",
            Lakala,
            vec![endpoint(), sold()],
            [gone("system").into(), Side::Tick],
            Both,
        ),
        race("an endpoint goes once", Lakala, vec![endpoint()], [gone("system").into(), gone("manager").into()], One),
    ]
}

fn operators() -> Vec<Race> {
    let new = |who: &str, pin: &str| {
        let body = json!({"number": "07", "person": format!("M-1.{who}"), "role": who, "pin": pin});
        post("manager", "/v1/operators", body)
    };
    let registered = || {
        let mut steps = operator();
        steps.push(device(KEY).named("<device>", "/id"));
        steps
    };
    let lost = || delete("manager", "/v1/operators/07/devices/<device>", Value::Null);
    let end = || delete("terminal", "/v1/operator-sessions/<session>", Value::Null);
    vec![
        race(
            "a number is one person's",
            Lakala,
            vec![],
            [new("supervisor", FIRST_PIN).into(), new("cashier", FIRST_PIN).into()],
            One,
        ),
        race(
            "with a PIN that was reset nobody begins to work",
            Lakala,
            operator(),
            [begin().into(), reset().into()],
            Order,
        ),
        race(
            "a PIN is confirmed, and whatever is set after it is not",
            Lakala,
            operator(),
            [post("supervisor", "/v1/operators/07/confirmations", Value::Null).into(), reset().into()],
            Both,
        ),
        race(
            "a PIN is chosen before it is reset",
            Lakala,
            operator(),
            [change(PIN, "718293").into(), reset().into()],
            Order,
        ),
        race("a session proves nothing once it ended", Lakala, at_work(), [prove().into(), end().into()], Order),
        race("with a PIN that was reset nothing is proved", Lakala, at_work(), [prove().into(), reset().into()], Order)
            .meanwhile("operator.refused"),
        race(
            "a proof is signed with a key that is known",
            Lakala,
            at_work(),
            [prove().into(), post("admin", "/v1/proof-keys/rotations", json!({})).anew().into()],
            Both,
        ),
        race("a device is lost once", Lakala, registered(), [lost().into(), lost().into()], One),
        race(
            "a device comes, another goes, and no other is lost",
            Lakala,
            registered(),
            [device(OTHER_KEY).anew().into(), lost().into()],
            Both,
        ),
    ]
}

pub(super) fn races() -> Vec<Race> {
    [directory(), operators()].into_iter().flatten().collect()
}

#[tokio::test]
async fn what_is_set_up_and_who_may_use_it() {
    super::run(directory(), Fault::None).await;
}

#[tokio::test]
async fn operators_and_their_sessions() {
    super::run(operators(), Fault::None).await;
}
