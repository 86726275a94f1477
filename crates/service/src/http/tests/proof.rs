//! Operators' proofs: what they open, and all that they do not.

use super::shop::{PIN, Shop, cny, pack, refund, sale};
use crate::ports::Ports as _;
use crate::principal::Bearer;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::testkit::{Op, Plan, Trouble};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rescind_model::{Authentication, AuthenticationMethod, Duration, PersonId, SaleId, TerminalId};
use rescind_proof::{ProofError, ProofKey, verify};
use serde_json::{Value, json};

const VOIDS: &str = "/v1/transactions/S-1/voids";

fn void_of(sale: &str) -> Value {
    json!({"way": "void", "sale": sale, "amount": cny("100.00"), "reason": "wrong-amount"})
}

fn reason() -> Value {
    json!({"reason": "wrong-amount"})
}

async fn stored(shop: &Shop, sale: &str) -> Aggregate {
    let key = Key::sale(&shop.merchant, &SaleId::parse(sale).unwrap());
    shop.world.app.records().await.unwrap().read::<Aggregate>(&key).await.unwrap().unwrap()
}

/// A shop with a sale of today, supervisor 07 at work at the terminal.
async fn at_work() -> (Shop, Value) {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    shop.sale_of_today("S-2").await;
    shop.operator("07", "supervisor", "supervisor").await;
    let session = shop.session(&shop.terminal, "07").await;
    (shop, session)
}

#[tokio::test]
async fn a_void_at_a_terminal_rests_on_the_operators_proof() {
    let (shop, session) = at_work().await;
    let (proof, at) = (shop.proof(&shop.terminal, &session, &void_of("S-1")).await, shop.world.app.ports.now());
    // Without a proof nobody is known to stand at the till.
    let nobody = shop.tell(&shop.terminal, VOIDS, &reason()).await;
    assert_eq!(nobody.at(), (422, "body.invalid".to_owned(), "/operator".to_owned()));
    shop.world.app.ports.pass(Duration::seconds(60));
    let made = shop.prove(&shop.terminal, VOIDS, "k1", &proof, &reason()).await.expect(201);
    assert_eq!((&made["requested_by"], &made["terminal"]), (&json!("M-1.supervisor"), &json!("T1")));

    let void = stored(&shop, "S-1").await.ledger.voids.remove(0);
    let digest = rescind_proof::operation_digest(&rescind_proof::Operation {
        merchant: "M-1",
        sale: "S-1",
        way: "void",
        minor: 10_000,
        currency: "CNY",
        reason: Some("wrong-amount"),
        terminal: Some("T1"),
        holder: "terminal",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    });
    let expected = Authentication {
        person: PersonId::parse("M-1.supervisor").unwrap(),
        method: AuthenticationMethod::Pin,
        at,
        operation: Some(rescind_model::Digest { hex: crate::secret::hex_of(&digest) }),
    };
    assert_eq!(void.grounds.authentication, Some(expected));
    // The proof itself is nowhere.
    for key in shop.stored() {
        use crate::ports::Kv as _;
        let value = shop.world.app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
        assert!(!String::from_utf8_lossy(&value).contains(&proof), "{key}");
    }
}

#[tokio::test]
async fn a_sessions_token_shows_who_is_at_work_but_is_bound_to_nothing() {
    let (shop, session) = at_work().await;
    shop.sale_of_yesterday("S-4").await;
    let token = session["token"].as_str().unwrap();
    let ask = refund("S-4", "60.00");
    shop.world.app.ports.pass(Duration::seconds(300));
    let made = shop.prove(&shop.terminal, "/v1/refunds", "k1", token, &ask).await.expect(201);
    assert_eq!(made["requested_by"], "M-1.supervisor");
    let shown = stored(&shop, "S-4").await.ledger.refunds.remove(0).grounds.authentication.unwrap();
    assert_eq!((shown.person.as_str(), shown.operation), ("M-1.supervisor", None));
    assert_eq!(shop.world.app.ports.now().since(shown.at), Duration::seconds(300));
    // The policy wants a proof for the very void.
    let void = shop.prove(&shop.terminal, VOIDS, "k0", token, &reason()).await.refused(422, "decision.deny");
    assert_eq!(void["decision"]["findings"][0]["observed"]["text"], "unbound");
    // Under another key it is worth nothing.
    shop.prove(&shop.system, VOIDS, "k2", token, &reason()).await.refused(403, "session.ended");
    let mut altered = token.to_owned();
    altered.pop();
    shop.prove(&shop.terminal, VOIDS, "k3", &altered, &reason()).await.refused(403, "session.ended");
}

#[tokio::test]
async fn a_proof_opens_one_operation_and_no_other() {
    let (shop, session) = at_work().await;
    let proof = shop.proof(&shop.terminal, &session, &void_of("S-1")).await;
    let other = async |path: &str, body: Value| {
        shop.prove(&shop.terminal, path, &shop.world.app.random_hex(16), &proof, &body).await
    };
    for reply in [
        other("/v1/transactions/S-2/voids", reason()).await,
        other(VOIDS, json!({"reason": "duplicate"})).await,
        other(VOIDS, json!({})).await,
        other(VOIDS, json!({"reason": "wrong-amount", "amount": cny("99.00")})).await,
        other("/v1/refunds", refund("S-1", "100.00")).await,
    ] {
        reply.refused(403, "proof.other-operation");
    }
    assert!(stored(&shop, "S-1").await.ledger.voids.is_empty());
    // It has no effect to look, so looking with it is free.
    let path = "/v1/transactions/S-1/voids/check";
    let check = shop.prove(&shop.terminal, path, "-", &proof, &reason()).await.expect(200);
    assert_eq!(check["outcome"], "allow");
    shop.prove(&shop.terminal, path, "-", &proof, &json!({})).await.refused(403, "proof.other-operation");
    // Naming the amount that is meant anyway is the same operation.
    other(VOIDS, json!({"reason": "wrong-amount", "amount": cny("100.00")})).await.expect(201);
}

#[tokio::test]
async fn a_stale_altered_or_foreign_proof_is_refused() {
    let (shop, session) = at_work().await;
    let proof = shop.proof(&shop.terminal, &session, &void_of("S-1")).await;
    let void =
        async |key: &str, proof: &str| shop.prove(key, VOIDS, &shop.world.app.random_hex(16), proof, &reason()).await;
    let last = if proof.ends_with('A') { "B" } else { "A" };
    let altered = format!("{}{last}", proof.split_at(proof.len() - 1).0);
    for bad in [altered.as_str(), "nonsense", "rsp1.AAAA", ""] {
        void(&shop.terminal, bad).await.refused(403, "proof.invalid");
    }
    // Another terminal's, and another key's.
    let second = json!({"merchant": "M-1", "id": "T2", "label": "door"});
    shop.post(&shop.admin, "/v1/terminals", &second).await.expect(201);
    let terminal = TerminalId::parse("T2").unwrap();
    let bearer = Bearer::Terminal { merchant: shop.merchant.clone(), terminal };
    let door = shop.world.app.make_key(bearer, "door".to_owned()).await.unwrap().1;
    let mut theirs = sale("S-3", "2026-11-23T11:50:00+08:00");
    theirs["slip"]["terminal"] = json!("T2");
    shop.post(&door, "/v1/transactions", &theirs).await.expect(201);
    let at_the_door = shop.prove(&door, "/v1/transactions/S-3/voids", "d1", &proof, &reason()).await;
    at_the_door.refused(403, "proof.invalid");
    void(&shop.system, &proof).await.refused(403, "proof.other-operation");
    // A person's own key takes that person's proofs only.
    void(&shop.manager, &proof).await.refused(403, "proof.other-operation");
    let mut at_terminal = void_of("S-1");
    at_terminal["terminal"] = json!("T1");
    let body = json!({"reason": "wrong-amount", "terminal": "T1"});
    // One that was given at the terminal stays there, whoever names the terminal.
    shop.prove(&shop.manager, VOIDS, "m1", &proof, &body).await.refused(403, "proof.other-operation");
    shop.prove(
        &shop.system,
        VOIDS,
        "s1",
        &proof,
        &json!({"reason": "wrong-amount", "terminal": "T1", "operator": "M-1.manager"}),
    )
    .await
    .refused(403, "proof.other-operation");
    let named = json!({"reason": "wrong-amount", "operator": "M-1.manager"});
    shop.prove(&shop.terminal, VOIDS, "t1", &proof, &named).await.refused(403, "proof.other-person");

    // Another merchant's, who has a sale of that id too.
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.terminal_key(&other).await.unwrap();
    shop.post(&stranger, "/v1/transactions", &sale("S-1", "2026-11-23T11:50:00+08:00")).await.expect(201);
    shop.prove(&stranger, VOIDS, "x1", &proof, &reason()).await.refused(403, "proof.invalid");

    // It holds for two minutes, and for what two clocks may differ.
    shop.world.app.ports.pass(Duration::seconds(125));
    void(&shop.terminal, &proof).await.refused(403, "proof.expired");
    assert!(stored(&shop, "S-1").await.ledger.voids.is_empty());
    let two = http::Request::post(VOIDS)
        .header("authorization", format!("Bearer {}", shop.terminal))
        .header("idempotency-key", "two")
        .header("operator-proof", &proof)
        .header("operator-proof", &proof)
        .body(axum::body::Body::from(reason().to_string()))
        .unwrap();
    assert_eq!(shop.send(two).await.at(), (400, "parameter.malformed".to_owned(), "Operator-Proof".to_owned()));
}

#[tokio::test]
async fn a_refused_proof_leaves_the_key_free_and_a_newer_one_is_the_same_request() {
    let (shop, session) = at_work().await;
    let wrong = shop.proof(&shop.terminal, &session, &void_of("S-2")).await;
    shop.prove(&shop.terminal, VOIDS, "k1", &wrong, &reason()).await.refused(403, "proof.other-operation");
    let first = shop.proof(&shop.terminal, &session, &void_of("S-1")).await;
    let made = shop.prove(&shop.terminal, VOIDS, "k1", &first, &reason()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    shop.world.app.ports.pass(Duration::seconds(300));
    // Over, newer, or none: the answer was given.
    let newer = shop.proof(&shop.terminal, &session, &void_of("S-1")).await;
    for proof in [first.as_str(), newer.as_str(), "nonsense"] {
        let again = shop.prove(&shop.terminal, VOIDS, "k1", proof, &reason()).await;
        assert_eq!((again.status, &again.text), (made.status, &made.text));
    }
    // Under a new key the proof may be good; the sale is not there to be voided twice.
    let twice = shop.prove(&shop.terminal, VOIDS, "k2", &newer, &reason()).await;
    assert_eq!(twice.status, 422, "{}", twice.text);
    assert_eq!(stored(&shop, "S-1").await.ledger.voids.len(), 1);
}

#[tokio::test]
async fn whoever_was_not_told_asks_again_though_the_proof_has_expired() {
    for way in ["void", "refund"] {
        let (shop, session) = at_work().await;
        shop.sale_of_yesterday("S-4").await;
        let (path, body, operation) = if way == "void" {
            (VOIDS, reason(), void_of("S-1"))
        } else {
            let operation = json!({"way": "refund", "sale": "S-4", "amount": cny("60.00"), "reason": "returned-goods"});
            ("/v1/refunds", refund("S-4", "60.00"), operation)
        };
        let proof = shop.proof(&shop.terminal, &session, &operation).await;
        let kv = shop.world.app.ports.kv();
        kv.plan(Plan { after: 1, ..Plan::always(Trouble::FailsBefore) }.on("idem:").of(Op::Swap));
        shop.prove(&shop.terminal, path, "k1", &proof, &body).await.refused(503, "store.unavailable");
        kv.calm();
        shop.world.app.ports.pass(Duration::seconds(600));
        let again = shop.prove(&shop.terminal, path, "k1", &proof, &body).await;
        assert_eq!(again.status, 201, "{way}: {}", again.text);
        assert_eq!(again.headers["idempotency-replayed"], "true");
    }
}

#[tokio::test]
async fn a_refund_at_a_terminal_is_asked_for_by_whose_proof_it_is() {
    let (shop, session) = at_work().await;
    shop.sale_of_yesterday("S-4").await;
    let operation = json!({"way": "refund", "sale": "S-4", "amount": cny("60.00"), "reason": "returned-goods"});
    let proof = shop.proof(&shop.terminal, &session, &operation).await;
    shop.prove(&shop.terminal, "/v1/refunds", "k0", &proof, &refund("S-4", "61.00"))
        .await
        .refused(403, "proof.other-operation");
    let made = shop.prove(&shop.terminal, "/v1/refunds", "k1", &proof, &refund("S-4", "60.00")).await.expect(201);
    assert_eq!((&made["requested_by"], &made["operator"]), (&json!("M-1.supervisor"), &json!("M-1.supervisor")));
    let refund = stored(&shop, "S-4").await.ledger.refunds.remove(0);
    let shown = refund.grounds.authentication.unwrap();
    assert_eq!((shown.person.as_str(), shown.operation.is_some()), ("M-1.supervisor", true));
}

#[tokio::test]
async fn the_operator_acts_in_the_operators_role_only_and_only_while_holding_it() {
    let shop = Shop::new().await;
    shop.sale_of_today("S-1").await;
    let grants = json!({"grants": [{"merchant": "M-1", "roles": ["cashier", "manager"]}]}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/persons/M-1.cashier/grants", None, &grants).await.expect(200);
    shop.operator("09", "cashier", "cashier").await;
    let session = shop.session(&shop.terminal, "09").await;
    let asked = crate::proof::AskedOperation {
        way: rescind_model::Way::Void,
        sale: SaleId::parse("S-1").unwrap(),
        amount: rescind_model::Money::new(10_000, "CNY").unwrap(),
        reason: Some("wrong-amount".to_owned()),
        terminal: None,
        penalty: false,
        order: None,
        case: None,
        fees: None,
    };
    let proof = crate::proof::ShownProof(Some(shop.proof(&shop.terminal, &session, &void_of("S-1")).await));
    let who = shop.world.app.authenticate(Some(&format!("Bearer {}", shop.terminal))).await.unwrap();
    let roles = async || {
        let standing = shop.world.app.standing_of_asker(&who, &shop.merchant, None, &asked, &proof).await.unwrap();
        standing.asker.roles.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(roles().await, ["cashier"]);
    let grants = json!({"grants": [{"merchant": "M-1", "roles": ["manager"]}]}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/persons/M-1.cashier/grants", None, &grants).await.expect(200);
    assert!(roles().await.is_empty());
}

#[tokio::test]
async fn stepping_up_takes_the_session_its_key_and_its_pin() {
    let (shop, session) = at_work().await;
    let path = format!("/v1/operator-sessions/{}/proofs", session["id"].as_str().unwrap());
    let ask = json!({"token": session["token"], "pin": PIN, "operation": void_of("S-1")});
    let with = |field: &str, value: Value| {
        let mut changed = ask.clone();
        changed[field] = value;
        changed
    };
    shop.post(&shop.reviewer, &path, &ask).await.refused(403, "auth.forbidden");
    shop.post(&shop.system, &path, &ask).await.refused(403, "session.ended");
    shop.post(&shop.terminal, &path, &with("token", json!("rso_07_x_y"))).await.refused(403, "session.ended");
    shop.post(&shop.terminal, "/v1/operator-sessions/os-07-0000000000000000/proofs", &ask)
        .await
        .refused(403, "session.ended");
    shop.post(&shop.terminal, &path, &with("pin", json!("592817"))).await.refused(403, "operator.refused");
    let mut elsewhere = void_of("S-1");
    elsewhere["terminal"] = json!("T2");
    assert_eq!(shop.post(&shop.terminal, &path, &with("operation", elsewhere)).await.at().2, "/operation/terminal");
    // Wrong PINs at the step-up count like all others.
    for _ in 0..4 {
        shop.post(&shop.terminal, &path, &with("pin", json!("592817"))).await.refused(403, "operator.refused");
    }
    shop.post(&shop.terminal, &path, &ask).await.refused(403, "operator.refused");
}

#[tokio::test]
async fn a_terminal_checks_proofs_without_a_line_and_keys_are_succeeded() {
    let (shop, session) = at_work().await;
    let published = async || -> Vec<(String, ProofKey)> {
        let keys = shop.get(&shop.terminal, "/v1/proof-keys").await.expect(200);
        let read = |key: &Value| {
            let public = URL_SAFE_NO_PAD.decode(key["public_key"].as_str().unwrap()).unwrap().try_into().unwrap();
            let retired = key["retired_at"].as_str().map(|at| rescind_model::Instant::parse(at).unwrap().unix_ms);
            (key["id"].as_str().unwrap().to_owned(), ProofKey { public, retired_at_unix_ms: retired })
        };
        keys["items"].as_array().unwrap().iter().map(read).collect()
    };
    let now = || shop.world.app.ports.now().unix_ms;
    let first = shop.proof(&shop.terminal, &session, &void_of("S-1")).await;
    let before = published().await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].0, crate::secret::hex_of(&before[0].1.id()));
    let keys: Vec<ProofKey> = before.iter().map(|(_, key)| *key).collect();
    let seen = verify(&first, &keys, now(), 0).unwrap();
    assert_eq!((seen.person.as_str(), seen.roles.as_slice()), ("M-1.supervisor", &["supervisor".to_owned()][..]));
    assert_eq!((seen.operator.as_str(), seen.terminal.as_deref()), ("07", Some("T1")));

    for key in [&shop.manager, &shop.terminal, &shop.system] {
        shop.post(key, "/v1/proof-keys/rotations", &json!({})).await.refused(403, "auth.forbidden");
    }
    shop.get("", "/v1/proof-keys").await.refused(401, "auth.required");
    shop.world.app.ports.pass(Duration::seconds(1));
    shop.post(&shop.admin, "/v1/proof-keys/rotations", &json!({})).await.expect(201);
    let second = shop.proof(&shop.terminal, &session, &void_of("S-2")).await;
    // A terminal that has not heard of the new key says so; one that has takes both.
    assert_eq!(verify(&second, &keys, now(), 0), Err(ProofError::UnknownKey));
    let keys: Vec<ProofKey> = published().await.iter().map(|(_, key)| *key).collect();
    assert!(verify(&first, &keys, now(), 0).is_ok() && verify(&second, &keys, now(), 0).is_ok());
    shop.prove(&shop.terminal, VOIDS, "k1", &first, &reason()).await.expect(201);
    shop.prove(&shop.terminal, "/v1/transactions/S-2/voids", "k2", &second, &reason()).await.expect(201);
    for _ in 0..20 {
        shop.post(&shop.admin, "/v1/proof-keys/rotations", &json!({})).await.expect(201);
    }
    assert_eq!(published().await.len(), crate::limits::PROOF_KEYS);
    assert!(!shop.get(&shop.admin, "/v1/proof-keys").await.text.contains("seed"));
}

#[tokio::test]
async fn a_proof_names_the_fees_that_were_seen_and_nothing_is_done_for_others() {
    let (shop, session) = at_work().await;
    let look = shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids/check", &reason()).await.expect(200);
    let fees = look["obligations"]["fees"].clone();
    assert_eq!(fees, json!([{"kind": "acquiring-returned", "amount": cny("0.60"), "payer": "acquirer"}]));
    let with = |mut of: Value, fees: &Value| {
        of["fees"] = fees.clone();
        of
    };
    let proof = shop.proof(&shop.terminal, &session, &with(void_of("S-1"), &fees)).await;
    // What was seen is a part of what is proved.
    let other = json!([{"kind": "acquiring-returned", "amount": cny("0.59"), "payer": "acquirer"}]);
    for (key, asked) in [("k1", reason()), ("k2", with(reason(), &json!([]))), ("k3", with(reason(), &other))] {
        shop.prove(&shop.terminal, VOIDS, key, &proof, &asked).await.refused(403, "proof.other-operation");
    }
    // Who saw others is not taken to agree to these.
    let stale = shop.proof(&shop.terminal, &session, &with(void_of("S-1"), &other)).await;
    let changed = shop.prove(&shop.terminal, VOIDS, "k4", &stale, &with(reason(), &other)).await;
    changed.refused(409, "fees.changed");
    assert!(stored(&shop, "S-1").await.ledger.voids.is_empty());
    let made = shop.prove(&shop.terminal, VOIDS, "k5", &proof, &with(reason(), &fees)).await.expect(201);
    assert_eq!(made["fees"], fees);
}

#[tokio::test]
async fn a_proof_names_the_case_it_rests_on() {
    let (shop, session) = at_work().await;
    let mut rests = void_of("S-1");
    rests["case"] = json!("S-1~1");
    let (with, without) = (
        shop.proof(&shop.terminal, &session, &rests).await,
        shop.proof(&shop.terminal, &session, &void_of("S-1")).await,
    );
    let mut asked = reason();
    asked["case"] = json!("S-1~1");
    shop.prove(&shop.terminal, VOIDS, "k1", &without, &asked).await.refused(403, "proof.other-operation");
    shop.prove(&shop.terminal, VOIDS, "k2", &with, &reason()).await.refused(403, "proof.other-operation");
    // A case that is not needed is not used.
    shop.prove(&shop.terminal, VOIDS, "k3", &with, &asked).await.expect(201);
}
