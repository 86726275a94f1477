//! Operators: who sets them up, and that nobody else passes for them.

use super::shop::{FIRST_PIN, PIN, Shop, pack};
use crate::operator::OperatorNumber;
use crate::ports::Ports as _;
use crate::testkit::{Plan, Trouble};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rescind_model::Duration;
use rescind_proof::{Challenge, ShownOperation, SigningKey};
use serde_json::{Value, json};

const SESSIONS: &str = "/v1/operator-sessions";

fn login(number: &str, pin: &str) -> Value {
    json!({"number": number, "pin": pin})
}

fn minutes(minutes: u32) -> Duration {
    Duration::seconds(minutes * 60)
}

#[tokio::test]
async fn managers_and_admins_set_operators_up_and_nobody_else() {
    let shop = Shop::new().await;
    let ask = json!({"number": "07", "person": "M-1.cashier", "role": "cashier", "pin": PIN});
    for key in [&shop.supervisor, &shop.system, &shop.terminal, &shop.finance] {
        shop.post(key, "/v1/operators", &ask).await.refused(403, "auth.forbidden");
    }
    let made = shop.post(&shop.manager, "/v1/operators", &ask).await.expect(201);
    assert_eq!((&made["number"], &made["locked"]), (&json!("07"), &json!(false)));
    shop.post(&shop.manager, "/v1/operators", &ask).await.refused(409, "name.taken");
    let mut other = ask.clone();
    other["number"] = json!("08");
    // One person, one number.
    shop.post(&shop.manager, "/v1/operators", &other).await.refused(409, "operator.has-number");
    other["person"] = json!("M-1.manager");
    other["role"] = json!("manager");
    shop.post(&shop.admin, "/v1/operators?merchant=M-1", &other).await.expect(201);

    for (field, value, at) in [
        ("person", json!("nobody"), "/person"),
        // A role that the person does not hold.
        ("role", json!("supervisor"), "/role"),
        ("pin", json!("123456"), "/pin"),
        ("pin", json!("000000"), "/pin"),
        ("pin", json!("47"), "/pin"),
        ("pin", json!("48271"), "/pin"),
        ("pin", json!(839_274), "/pin"),
        ("number", json!("0 7"), "/number"),
    ] {
        let mut wrong = ask.clone();
        wrong["number"] = json!("09");
        wrong[field] = value.clone();
        let reply = shop.post(&shop.manager, "/v1/operators", &wrong).await;
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), at.to_owned()), "{value}");
        assert!(field != "pin" || !reply.text.contains(value.to_string().trim_matches('"')), "{}", reply.text);
    }
    let listed = shop.get(&shop.supervisor, "/v1/operators").await;
    let numbers: Vec<Value> =
        listed.clone().expect(200)["items"].as_array().unwrap().iter().map(|o| o["number"].clone()).collect();
    assert_eq!(numbers, [json!("07"), json!("08")]);
    assert!(!listed.text.contains("hash") && !listed.text.contains(PIN), "{}", listed.text);
    shop.get(&shop.system, "/v1/operators").await.refused(403, "auth.forbidden");

    // Another merchant's manager does not see them, and has a 07 of their own.
    let stranger = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.person_key(&stranger, "manager").await.unwrap();
    assert_eq!(shop.get(&stranger, "/v1/operators").await.expect(200)["items"], json!([]));
    shop.get(&stranger, "/v1/operators?merchant=M-1").await.refused(404, "not-found");
    let reset = json!({"pin": "592817"});
    shop.post(&stranger, "/v1/operators/07/resets", &reset).await.refused(404, "not-found");
}

#[tokio::test]
async fn an_operator_begins_and_stops_working() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    let session = shop.session(&shop.terminal, "07").await;
    assert_eq!(session["operator"], json!({"number": "07", "person": "M-1.supervisor", "role": "supervisor"}));
    assert_eq!(session["method"], "pin");
    let token = session["token"].as_str().unwrap();
    let secret = token.rsplit('_').next().unwrap();
    for key in shop.stored() {
        use crate::ports::Kv as _;
        let value = shop.world.app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
        let value = String::from_utf8_lossy(&value).into_owned();
        assert!(!value.contains(secret) && !value.contains(PIN), "{key}");
    }
    let path = format!("{SESSIONS}/{}", session["id"].as_str().unwrap());
    // Under another key it is not there.
    shop.call(&shop.system, "DELETE", &path, None, "").await.refused(404, "not-found");
    assert_eq!(shop.call(&shop.terminal, "DELETE", &path, None, "").await.status, 204);
    shop.call(&shop.terminal, "DELETE", &path, None, "").await.refused(404, "not-found");
    shop.call(&shop.terminal, "DELETE", &format!("{SESSIONS}/os-99-0"), None, "").await.refused(404, "not-found");
    // Reviewers stand at no till.
    shop.post(&shop.reviewer, SESSIONS, &login("07", PIN)).await.refused(403, "auth.forbidden");
    let both = json!({"number": "07", "pin": PIN, "challenge": "x", "signature": URL_SAFE_NO_PAD.encode([0_u8; 64])});
    assert_eq!(shop.post(&shop.terminal, SESSIONS, &both).await.at().2, "/pin");
    assert_eq!(shop.post(&shop.terminal, SESSIONS, &json!({"number": "07"})).await.at().2, "/pin");
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_the_end_of_the_shift() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    let operation = json!({"way": "void", "sale": "S-1", "amount": super::shop::cny("100.00")});
    let step_up = async |session: &Value| {
        let path = format!("{SESSIONS}/{}/proofs", session["id"].as_str().unwrap());
        let ask = json!({"token": session["token"], "pin": PIN, "operation": operation});
        shop.post(&shop.terminal, &path, &ask).await
    };
    let session = shop.session(&shop.terminal, "07").await;
    shop.world.app.ports.pass(minutes(15));
    step_up(&session).await.expect(201);
    shop.world.app.ports.pass(minutes(15));
    shop.world.app.ports.pass(Duration::seconds(1));
    step_up(&session).await.refused(403, "session.ended");

    let session = shop.session(&shop.terminal, "07").await;
    for _ in 0..32 {
        shop.world.app.ports.pass(minutes(15));
        step_up(&session).await.expect(201);
    }
    shop.world.app.ports.pass(Duration::seconds(1));
    step_up(&session).await.refused(403, "session.ended");
}

#[tokio::test]
async fn unknown_wrong_and_locked_are_refused_with_the_same_bytes_and_the_same_work() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    shop.operator("08", "supervisor", "supervisor").await;
    for _ in 0..5 {
        shop.post(&shop.terminal, SESSIONS, &login("08", "592817")).await.refused(403, "operator.refused");
    }
    // The first of a kind makes its record.
    shop.post(&shop.terminal, SESSIONS, &login("99", PIN)).await.refused(403, "operator.refused");
    let kv = shop.world.app.ports.kv();
    let mut seen = Vec::new();
    for (number, pin) in [("07", "592817"), ("99", PIN), ("08", PIN), ("08", "592817")] {
        let before = kv.calls().total();
        let reply = shop.post(&shop.terminal, SESSIONS, &login(number, pin)).await;
        seen.push((reply, kv.calls().total() - before));
    }
    for other in &seen {
        assert_eq!(other, &seen[0]);
    }
    // A number that is tried leaves nothing behind.
    assert!(!shop.stored().iter().any(|key| key.ends_with(":99")), "{:?}", shop.stored());
}

#[tokio::test]
async fn five_wrong_pins_lock_and_a_reset_unlocks() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    shop.operator("08", "supervisor", "supervisor").await;
    let wrong = |number: &str| login(number, "592817");
    for _ in 0..4 {
        shop.post(&shop.terminal, SESSIONS, &wrong("07")).await.refused(403, "operator.refused");
    }
    // The fifth is right, and the count begins anew.
    let session = shop.session(&shop.terminal, "07").await;
    for _ in 0..5 {
        shop.post(&shop.terminal, SESSIONS, &wrong("07")).await.refused(403, "operator.refused");
        shop.post(&shop.terminal, SESSIONS, &wrong("08")).await.refused(403, "operator.refused");
    }
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    // Time alone does not unlock.
    shop.world.app.ports.pass(minutes(600));
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    let listed = shop.get(&shop.supervisor, "/v1/operators").await.expect(200);
    assert!(listed["items"][0]["locked"] == true && listed["items"][0]["locked_at"].is_string(), "{listed}");

    let new = json!({"pin": "605193"});
    for key in [&shop.system, &shop.terminal, &shop.finance] {
        shop.post(key, "/v1/operators/07/resets", &new).await.refused(403, "auth.forbidden");
    }
    let easy = shop.post(&shop.supervisor, "/v1/operators/07/resets", &json!({"pin": "111111"})).await;
    assert_eq!(easy.at().2, "/pin");
    let reset = shop.post(&shop.supervisor, "/v1/operators/07/resets", &new).await.expect(200);
    assert_eq!((&reset["locked"], &reset["reset_by"]), (&json!(false), &json!("M-1.supervisor")));
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    // A PIN that somebody else set is good for one thing.
    shop.post(&shop.terminal, SESSIONS, &login("07", "605193")).await.refused(403, "operator.pin-must-change");
    shop.choose("07", "605193", PIN).await;
    shop.post(&shop.terminal, SESSIONS, &login("07", "605193")).await.refused(403, "operator.refused");
    let begun = shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.expect(201);
    assert_eq!(begun["failed_attempts"], 1);
    // What was open under the old PIN is not any more.
    let path = format!("{SESSIONS}/{}", session["id"].as_str().unwrap());
    shop.call(&shop.terminal, "DELETE", &path, None, "").await.refused(404, "not-found");

    // A supervisor must not become another supervisor by giving them a PIN.
    shop.post(&shop.supervisor, "/v1/operators/08/resets", &new).await.refused(403, "auth.forbidden");
    shop.post(&shop.manager, "/v1/operators/08/resets", &new).await.expect(200);
    shop.post(&shop.admin, "/v1/operators/08/resets?merchant=M-1", &new).await.expect(200);
    shop.post(&shop.manager, "/v1/operators/99/resets", &new).await.refused(404, "not-found");
    let log = shop.world.app.ports.logged().join("\n");
    assert!(log.contains("reset the PIN of operator M-1/07"), "{log}");
    assert!(!log.contains("605193") && !log.contains(PIN) && !log.contains("592817"), "{log}");
}

#[tokio::test]
async fn nobody_gets_more_guesses_by_asking_at_once() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    for _ in 0..3 {
        shop.post(&shop.terminal, SESSIONS, &login("07", "592817")).await.refused(403, "operator.refused");
    }
    for seed in 0..8 {
        let shop = shop.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan::always(Trouble::Slow));
        kv.seed(seed * 7919);
        let wrong = login("07", "592817");
        let guess = || shop.post(&shop.terminal, SESSIONS, &wrong);
        let (a, b, c, d) = tokio::join!(guess(), guess(), guess(), guess());
        for reply in [a, b, c, d] {
            reply.refused(403, "operator.refused");
        }
        kv.calm();
        let number = OperatorNumber::parse("07").unwrap();
        let operator = shop.world.app.operator(&shop.merchant, &number).await.unwrap().unwrap();
        // Two were counted and checked, two were not looked at.
        assert_eq!((operator.view.failures, operator.refused), (5, 2), "seed {seed}");
    }
}

#[tokio::test]
async fn on_the_last_attempt_one_of_two_is_checked() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    for _ in 0..4 {
        shop.post(&shop.terminal, SESSIONS, &login("07", "592817")).await.refused(403, "operator.refused");
    }
    let mut passed = 0;
    for seed in 0..8 {
        let shop = shop.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan::always(Trouble::Slow));
        kv.seed(seed * 104_729);
        let (right, wrong) = (login("07", PIN), login("07", "592817"));
        let (right, wrong) =
            tokio::join!(shop.post(&shop.terminal, SESSIONS, &right), shop.post(&shop.terminal, SESSIONS, &wrong));
        kv.calm();
        wrong.refused(403, "operator.refused");
        let number = OperatorNumber::parse("07").unwrap();
        let operator = shop.world.app.operator(&shop.merchant, &number).await.unwrap().unwrap();
        if right.status == 201 {
            passed += 1;
            // The wrong one came too late to be checked, or began a new count.
            assert!(operator.view.failures <= 1 && operator.view.locked_at.is_none(), "seed {seed}");
        } else {
            right.refused(403, "operator.refused");
            assert_eq!((operator.view.failures, operator.refused), (5, 1), "seed {seed}");
        }
    }
    assert!((1..8).contains(&passed), "both orders were seen: {passed}");
}

#[tokio::test]
async fn whoever_loses_the_role_is_no_operator() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    shop.session(&shop.terminal, "07").await;
    let grants = json!({"grants": [{"merchant": "M-1", "roles": ["cashier"]}]}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/persons/M-1.supervisor/grants", None, &grants).await.expect(200);
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    shop.call(&shop.admin, "PUT", "/v1/persons/M-1.supervisor/grants", None, r#"{"grants":[]}"#).await.expect(200);
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
}

#[tokio::test]
async fn a_persons_own_key_is_for_that_person() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    shop.session(&shop.supervisor, "07").await;
    shop.post(&shop.manager, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
}

struct Phone {
    key: SigningKey,
    id: String,
}

async fn phone(shop: &Shop, number: &str) -> Phone {
    let key = SigningKey::from_seed([9; 32]);
    let public = URL_SAFE_NO_PAD.encode(key.public(None).public);
    let ask = json!({"label": "phone", "public_key": public});
    let path = format!("/v1/operators/{number}/devices");
    for stranger in [&shop.system, &shop.terminal, &shop.supervisor, &shop.manager] {
        let reply = shop.post(stranger, &path, &ask).await;
        // The operator's own key needs no PIN.
        if reply.status == 201 {
            let id = reply.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(shop.call(stranger, "DELETE", &format!("{path}/{id}"), None, "").await.status, 204);
            assert_eq!(stranger, &shop.supervisor);
            continue;
        }
        assert_eq!(reply.at(), (422, "body.invalid".to_owned(), "/pin".to_owned()));
    }
    let mut ask = ask;
    ask["pin"] = json!("592817");
    shop.post(&shop.terminal, &path, &ask).await.refused(403, "operator.refused");
    ask["pin"] = json!(PIN);
    // A person's key knows of no number but that person's.
    shop.post(&shop.manager, &path, &ask).await.refused(403, "operator.refused");
    let made = shop.post(&shop.terminal, &path, &ask).await.expect(201);
    Phone { key, id: made["id"].as_str().unwrap().to_owned() }
}

/// What the telephone sends back for the text of a QR code.
fn sign(phone: &Phone, number: &str, given: &Value, digest: Option<&[u8; 32]>) -> Value {
    let operation = digest.map(|digest| ShownOperation { digest, way: "void", sale: "S-1", amount: "100.00 CNY" });
    let challenge = Challenge {
        merchant: "M-1",
        operator: number,
        terminal: Some("T1"),
        operation,
        challenge: given["challenge"].as_str().unwrap(),
    };
    assert_eq!(given["text"], challenge.text());
    let signature = URL_SAFE_NO_PAD.encode(phone.key.sign_challenge(&challenge));
    json!({"number": number, "challenge": given["challenge"], "signature": signature})
}

#[tokio::test]
async fn a_telephone_signs_a_challenge_once() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    shop.operator("08", "cashier", "cashier").await;
    let phone = phone(&shop, "07").await;
    let ask = json!({"number": "07"});
    let challenge = async || shop.post(&shop.terminal, "/v1/operator-challenges", &ask).await.expect(201);
    let before = shop.stored();
    let given = challenge().await;
    assert_eq!(shop.stored().len(), before.len(), "nothing is stored for a challenge");

    let signed = sign(&phone, "07", &given, None);
    // Made for the terminal's key, for this number.
    shop.post(&shop.system, SESSIONS, &signed).await.refused(403, "operator.refused");
    let mut other = signed.clone();
    other["number"] = json!("08");
    shop.post(&shop.terminal, SESSIONS, &other).await.refused(403, "operator.refused");
    let mut altered = signed.clone();
    altered["challenge"] = json!(given["challenge"].as_str().unwrap().replacen('1', "2", 1));
    shop.post(&shop.terminal, SESSIONS, &altered).await.refused(403, "operator.refused");
    let mut forged = signed.clone();
    forged["signature"] = json!(URL_SAFE_NO_PAD.encode([7_u8; 64]));
    shop.post(&shop.terminal, SESSIONS, &forged).await.refused(403, "operator.refused");

    let session = shop.post(&shop.terminal, SESSIONS, &signed).await.expect(201);
    assert_eq!(session["method"], "signature");
    shop.post(&shop.terminal, SESSIONS, &signed).await.refused(403, "operator.refused");

    let late = sign(&phone, "07", &challenge().await, None);
    shop.world.app.ports.pass(minutes(2));
    shop.post(&shop.terminal, SESSIONS, &late).await.refused(403, "operator.refused");

    // Two at once: one.
    let given = challenge().await;
    let signed = sign(&phone, "07", &given, None);
    let kv = shop.world.app.ports.kv();
    kv.plan(Plan::always(Trouble::Slow));
    let (a, b) =
        tokio::join!(shop.post(&shop.terminal, SESSIONS, &signed), shop.post(&shop.terminal, SESSIONS, &signed));
    kv.calm();
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);

    // A lost telephone signs no more.
    let lost = sign(&phone, "07", &challenge().await, None);
    let path = format!("/v1/operators/07/devices/{}", phone.id);
    shop.call(&shop.finance, "DELETE", &path, None, "").await.refused(403, "auth.forbidden");
    assert_eq!(shop.call(&shop.manager, "DELETE", &path, None, "").await.status, 204);
    shop.call(&shop.manager, "DELETE", &path, None, "").await.refused(404, "not-found");
    shop.post(&shop.terminal, SESSIONS, &lost).await.refused(403, "operator.refused");
}

#[tokio::test]
async fn wrong_pins_do_not_lock_a_telephone() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    let phone = phone(&shop, "07").await;
    for _ in 0..5 {
        shop.post(&shop.terminal, SESSIONS, &login("07", "592817")).await.refused(403, "operator.refused");
    }
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    let given = shop.post(&shop.terminal, "/v1/operator-challenges", &json!({"number": "07"})).await.expect(201);
    let begun = shop.post(&shop.terminal, SESSIONS, &sign(&phone, "07", &given, None)).await.expect(201);
    assert_eq!(begun["failed_attempts"], 5);
}

#[tokio::test]
async fn who_sets_a_pin_does_not_become_its_operator() {
    let shop = Shop::new().await;
    let ask = json!({"number": "07", "person": "M-1.supervisor", "role": "supervisor", "pin": FIRST_PIN});
    let made = shop.post(&shop.manager, "/v1/operators", &ask).await.expect(201);
    assert_eq!((&made["pin_must_change"], &made["pin_set_by"]), (&json!(true), &json!("M-1.manager")));
    shop.post(&shop.terminal, SESSIONS, &login("07", FIRST_PIN)).await.refused(403, "operator.pin-must-change");
    let device = json!({"label": "x", "public_key": URL_SAFE_NO_PAD.encode(SigningKey::from_seed([1; 32]).public(None).public),
        "pin": FIRST_PIN});
    let devices = "/v1/operators/07/devices";
    shop.post(&shop.terminal, devices, &device).await.refused(403, "operator.pin-must-change");
    // With a key of their own the manager is nobody; wrong, the same or easy ones change nothing.
    let change = |pin: &str, new: &str| json!({"pin": pin, "new_pin": new});
    let path = "/v1/operators/07/pin";
    shop.post(&shop.manager, path, &change(FIRST_PIN, PIN)).await.refused(403, "operator.refused");
    shop.post(&shop.terminal, path, &change("592817", PIN)).await.refused(403, "operator.refused");
    for easy in [FIRST_PIN, "111111"] {
        assert_eq!(shop.post(&shop.terminal, path, &change(FIRST_PIN, easy)).await.at().2, "/new_pin");
    }
    shop.choose("07", FIRST_PIN, PIN).await;
    shop.post(&shop.terminal, SESSIONS, &login("07", FIRST_PIN)).await.refused(403, "operator.refused");
    shop.session(&shop.terminal, "07").await;
    let listed = shop.get(&shop.manager, "/v1/operators").await.expect(200);
    let shown = &listed["items"][0];
    assert_eq!((&shown["pin_must_change"], &shown["pin_set_by"]), (&json!(false), &json!("M-1.supervisor")));
    let log = shop.world.app.ports.logged().join("\n");
    assert!(log.contains("of M-1.supervisor and set its first PIN"), "{log}");
    assert!(log.contains("operator M-1/07 chose another PIN, under "), "{log}");

    // With the person's own key no detour is needed.
    let own = shop.post(&shop.supervisor, "/v1/operators/07/resets", &json!({"pin": "605193"})).await;
    own.refused(403, "auth.forbidden");
    let ask = json!({"number": "01", "person": "M-1.manager", "role": "manager", "pin": "605193"});
    let own = shop.post(&shop.manager, "/v1/operators", &ask).await.expect(201);
    assert_eq!(own["pin_must_change"], false);
    shop.post(&shop.terminal, SESSIONS, &login("01", "605193")).await.expect(201);
}

#[tokio::test]
async fn one_key_does_not_lock_a_shop() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    shop.operator("08", "supervisor", "supervisor").await;
    // A person's key counts against nobody else's number.
    let cashier = shop.world.person_key(&shop.merchant, "cashier").await.unwrap();
    for _ in 0..6 {
        shop.post(&cashier, SESSIONS, &login("08", "592817")).await.refused(403, "operator.refused");
    }
    shop.session(&shop.terminal, "08").await;
    // A terminal's has so many wrong ones, over all numbers, the right ones not counted.
    for number in 0..20 {
        shop.session(&shop.terminal, "07").await;
        shop.post(&shop.terminal, SESSIONS, &login(&format!("9{number}"), PIN)).await.refused(403, "operator.refused");
    }
    let full = shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await;
    full.clone().refused(429, "operator.too-many-attempts");
    shop.session(&shop.system, "07").await;
    shop.world.app.ports.pass(minutes(60));
    shop.session(&shop.terminal, "07").await;
    let log = shop.world.app.ports.logged().join("\n");
    assert!(log.contains("operator M-1/08: a PIN was refused") || log.contains("M-1: a PIN was refused"), "{log}");
    assert!(!log.contains("M-1/9"), "what is typed as a number may be a PIN: {log}");
}

#[tokio::test]
async fn thirty_wrong_pins_lock_however_often_the_right_one_comes_between() {
    let shop = Shop::new().await;
    shop.operator("07", "cashier", "cashier").await;
    for round in 0..10 {
        for _ in 0..3 {
            shop.post(&shop.terminal, SESSIONS, &login("07", "592817")).await.refused(403, "operator.refused");
        }
        if round < 9 {
            assert_eq!(shop.session(&shop.terminal, "07").await["failed_attempts"], 3);
        }
        shop.world.app.ports.pass(minutes(20));
    }
    shop.post(&shop.terminal, SESSIONS, &login("07", PIN)).await.refused(403, "operator.refused");
    shop.post(&shop.supervisor, "/v1/operators/07/resets", &json!({"pin": FIRST_PIN})).await.expect(200);
    shop.choose("07", FIRST_PIN, PIN).await;
    shop.session(&shop.terminal, "07").await;
}

#[tokio::test]
async fn a_telephone_steps_up_for_the_operation_it_shows() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    let phone = phone(&shop, "07").await;
    let session = shop.session(&shop.terminal, "07").await;
    let operation = json!({"way": "void", "sale": "S-1", "amount": super::shop::cny("100.00")});
    let digest = rescind_proof::operation_digest(&rescind_proof::Operation {
        merchant: "M-1",
        sale: "S-1",
        way: "void",
        minor: 10_000,
        currency: "CNY",
        reason: None,
        terminal: Some("T1"),
        holder: "terminal",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    });
    let path = format!("{SESSIONS}/{}/proofs", session["id"].as_str().unwrap());
    let proofs = async |signed: &Value, operation: &Value| {
        let ask = json!({
            "token": session["token"], "challenge": signed["challenge"], "signature": signed["signature"],
            "operation": operation,
        });
        shop.post(&shop.terminal, &path, &ask).await
    };
    let ask = json!({"number": "07", "operation": operation});
    let given = shop.post(&shop.terminal, "/v1/operator-challenges", &ask).await.expect(201);
    let signed = sign(&phone, "07", &given, Some(&digest));
    // Not for a session, and not for another operation.
    shop.post(&shop.terminal, SESSIONS, &signed).await.refused(403, "operator.refused");
    let mut other = operation.clone();
    other["sale"] = json!("S-2");
    proofs(&signed, &other).await.refused(403, "operator.refused");
    proofs(&signed, &operation).await.expect(201);
    proofs(&signed, &operation).await.refused(403, "operator.refused");
    // And a challenge for a session is not for an operation.
    let given = shop.post(&shop.terminal, "/v1/operator-challenges", &json!({"number": "07"})).await.expect(201);
    proofs(&sign(&phone, "07", &given, None), &operation).await.refused(403, "operator.refused");
}

/// At a till nobody but the operator and whoever set the first PIN can say which of them exchanged it.
#[tokio::test]
async fn who_chose_the_pin_is_open_until_somebody_else_than_its_setter_confirms_it() {
    let shop = Shop::new().await;
    shop.operator("07", "supervisor", "supervisor").await;
    let shown = async || shop.get(&shop.manager, "/v1/operators").await.expect(200)["items"][0].clone();
    let open = shown().await["pin_unconfirmed"].clone();
    assert_eq!((&open["set_by"], &open["chosen_at"]), (&json!("M-1.manager"), &json!("2026-11-23T04:00:00Z")));
    assert_ne!(open["set_with"], open["chosen_with"]);
    // Another PIN of the operator's own leaves it open.
    shop.choose("07", PIN, "605193").await;
    assert_eq!(shown().await["pin_unconfirmed"], open);
    let confirm = "/v1/operators/07/confirmations";
    for (key, code) in [(&shop.manager, "auth.forbidden"), (&shop.terminal, "auth.forbidden")] {
        shop.call(key, "POST", confirm, None, "").await.refused(403, code);
    }
    let by_admin = format!("{confirm}?merchant=M-1");
    let confirmed = shop.copy().await;
    let after = confirmed.call(&shop.admin, "POST", &by_admin, None, "").await.expect(200);
    assert_eq!(after["pin_unconfirmed"], Value::Null);
    // The operator's own key says it too, again is harmless, and then nothing is open to anybody.
    for key in [&shop.supervisor, &shop.supervisor, &shop.manager] {
        assert_eq!(shop.call(key, "POST", confirm, None, "").await.expect(200)["pin_unconfirmed"], Value::Null);
    }
    // Set anew it is another; chosen with the operator's own key, nothing is open.
    let reset = json!({"pin": FIRST_PIN});
    shop.post(&shop.manager, "/v1/operators/07/resets", &reset).await.expect(200);
    let change = json!({"pin": FIRST_PIN, "new_pin": PIN}).to_string();
    assert_eq!(shop.call(&shop.supervisor, "POST", "/v1/operators/07/pin", None, &change).await.status, 204);
    assert_eq!(shown().await["pin_unconfirmed"], Value::Null);
}

#[tokio::test]
async fn a_pin_that_somebody_else_set_is_exchanged_within_a_day_or_not_at_all() {
    let shop = Shop::new().await;
    let ask = json!({"number": "07", "person": "M-1.supervisor", "role": "supervisor", "pin": FIRST_PIN});
    shop.post(&shop.manager, "/v1/operators", &ask).await.expect(201);
    shop.world.app.ports.pass(minutes(24 * 60));
    let in_time = shop.copy().await;
    in_time.choose("07", FIRST_PIN, PIN).await;
    shop.world.app.ports.pass(Duration::seconds(1));
    let change = json!({"pin": FIRST_PIN, "new_pin": PIN});
    shop.post(&shop.terminal, "/v1/operators/07/pin", &change).await.refused(403, "operator.pin-expired");
    // Whoever does not know it learns nothing of its age.
    let guess = json!({"pin": "592817", "new_pin": PIN});
    shop.post(&shop.terminal, "/v1/operators/07/pin", &guess).await.refused(403, "operator.refused");
    shop.post(&shop.admin, "/v1/operators/07/resets?merchant=M-1", &json!({"pin": FIRST_PIN})).await.expect(200);
    shop.choose("07", FIRST_PIN, PIN).await;
    // An own one does not expire.
    shop.world.app.ports.pass(minutes(48 * 60));
    shop.session(&shop.terminal, "07").await;
}
