//! Operators: who stands at the till, shown afresh for each void, and nobody else in their place.

use super::{FINDING, becomes, finding, register};
use crate::client::fresh_key;
use crate::operator::{CASHIER, MANAGER, Operator, SUPERVISOR, begin};
use crate::shop::{Shop, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rescind_proof::{Challenge, ProofKey, ShownOperation, SigningKey};
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Operators: a screen that was left open voids nothing");
    let shop = stage.shop("M-staff", "lakala").await?;
    locked_out(teller, &shop).await?;
    proofs(teller, stage, &shop).await?;
    by_device(teller, &shop).await
}

async fn login(teller: &Teller, shop: &Shop, who: &Operator, pin: &str) -> Result<crate::Reply> {
    let body = json!({"number": who.number, "pin": pin});
    teller.post("terminal", &shop.terminal, "/v1/operator-sessions", &body, &["/code", "/operator", "/method"]).await
}

async fn locked_out(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("A wrong PIN, five times: the same answer each time, and then the operator is locked");
    let wrong = login(teller, shop, &CASHIER, "771034").await?;
    wrong.refused(403, "operator.refused")?;
    for _ in 0..4 {
        let again = login(&Teller::quiet(), shop, &CASHIER, "771034").await?;
        ensure!(again.seen() == wrong.seen(), "{again} differs from {wrong}");
    }
    let right = login(teller, shop, &CASHIER, CASHIER.pin).await?;
    ensure!(right.seen() == wrong.seen(), "the right PIN does not help any more: {right}");
    let nobody = Operator { number: "99", ..CASHIER };
    let unknown = login(&Teller::quiet(), shop, &nobody, CASHIER.pin).await?;
    ensure!(unknown.seen() == wrong.seen(), "a number that nobody has looks the same: {unknown}");

    teller.step("The supervisor sees it and resets the cashier, but not a manager");
    let all = shop.supervisor.see("/v1/operators").await?;
    let own = all["items"].as_array().and_then(|all| all.iter().find(|one| one["number"] == CASHIER.number));
    ensure!(own.context("the cashier is listed")?["locked"] == true, "{all}");
    let path = |who: &Operator| format!("/v1/operators/{}/resets", who.number);
    let new = json!({"pin": "640182"});
    let reset = teller.post("supervisor", &shop.supervisor, &path(&CASHIER), &new, &["/locked", "/reset_by"]).await?;
    ensure!(reset.is(200)?["locked"] == false, "{reset}");
    shop.supervisor.post(&path(&MANAGER), &new).await?.refused(403, "auth.forbidden")?;
    login(teller, shop, &CASHIER, CASHIER.pin).await?.refused(403, "operator.refused")?;
    login(teller, shop, &CASHIER, "640182").await?.refused(403, "operator.pin-must-change")?;

    teller.step("Whoever reset it does not become the cashier: it opens nothing but the choice of another PIN");
    shop.choose_pin(CASHIER.number, "640182", "552907").await?;
    login(teller, shop, &CASHIER, "552907").await?.is(201)?;
    Ok(())
}

async fn proofs(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("A void at the terminal without a proof is refused: a session alone is not enough");
    for sale in ["S-1", "S-2"] {
        register(teller, shop, shop.sale(sale).of("50.00")).await?;
    }
    let (path, other) = ("/v1/transactions/S-1/voids", "/v1/transactions/S-2/voids");
    let named = json!({"reason": "wrong-amount", "operator": shop.person("supervisor")});
    let (no, _) = teller.tell("terminal", &shop.terminal, path, &named, &FINDING).await?;
    ensure!(!finding(&no.refused(422, "decision.deny")?, "void.authentication").is_null(), "{no}");
    let session = begin(&shop.terminal, &SUPERVISOR).await?;
    let at_work = shop.terminal.showing(&session.token);
    let (no, _) = teller.tell("terminal", &at_work, path, &shop.void(), &FINDING).await?;
    ensure!(
        finding(&no.refused(422, "decision.deny")?, "void.authentication")["observed"]["text"] == "unbound",
        "{no}"
    );

    teller.step("The supervisor types the PIN once more, for this very void");
    let operation = shop.void_operation("S-1", "wrong-amount").await?;
    let body = json!({"token": session.token, "pin": SUPERVISOR.pin, "operation": operation});
    let proofs = format!("/v1/operator-sessions/{}/proofs", session.id);
    let given =
        teller.post("terminal", &shop.terminal, &proofs, &body, &["/operation", "/expires_at"]).await?.is(201)?;
    let proof = text(&given, "proof")?;

    teller.step("Whoever has the public keys can check it, without a line: a terminal that is offline too");
    let keys = shop.terminal.see("/v1/proof-keys").await?;
    let keys = published(&keys)?;
    let now = crate::moment::now().unix_ms;
    let seen = rescind_proof::verify(&proof, &keys, now, 5_000).map_err(|e| anyhow::anyhow!("not genuine: {e}"))?;
    teller.note(&format!(
        "{} as operator {}, at {}, for {}",
        seen.person, seen.operator, shop.merchant, given["operation"]
    ));
    ensure!(seen.person == shop.person("supervisor") && seen.operator == SUPERVISOR.number, "{seen:?}");
    ensure!(rescind_proof::verify(&proof, &keys, now + 10 * 60_000, 5_000).is_err(), "it does not last");

    teller.step("It opens that void and no other; altered by one character it opens nothing");
    let showing = shop.terminal.showing(&proof);
    let (no, _) = teller.tell("terminal", &showing, other, &shop.void(), &["/code", "/detail"]).await?;
    no.refused(403, "proof.other-operation")?;
    let (no, _) = teller.tell("terminal", &showing, path, &json!({"reason": "duplicate"}), &["/code"]).await?;
    no.refused(403, "proof.other-operation")?;
    let middle = proof.len() / 2;
    let flipped = if proof.as_bytes().get(middle) == Some(&b'A') { "B" } else { "A" };
    let (head, tail) = proof.split_at_checked(middle).context("a proof is ASCII")?;
    let altered = shop.terminal.showing(&format!("{head}{flipped}{}", tail.chars().skip(1).collect::<String>()));
    let (no, _) = teller.tell("terminal", &altered, path, &shop.void(), &["/code", "/detail"]).await?;
    no.refused(403, "proof.invalid")?;
    ensure!(shop.look_at("S-1").await?["operations"] == json!([]), "nothing happened so far");

    teller.step("With the proof it is done, in the supervisor's name");
    let key = fresh_key();
    let made = teller.tell_under(&key, "terminal", &showing, path, &shop.void(), &["/state", "/requested_by"]).await?;
    let void = made.is(201)?;
    ensure!(void["requested_by"] == shop.person("supervisor"), "{void}");
    let done = becomes(teller, shop, &text(&void, "id")?, &["done"]).await?;
    stage.did_once(&done)?;
    let again = shop.terminal.tell_under(&key, path, &shop.void()).await?;
    ensure!(again.text == made.text, "a retry needs no newer proof: {again}");
    Ok(())
}

fn published(keys: &Value) -> Result<Vec<ProofKey>> {
    let all = keys["items"].as_array().context("keys are listed")?;
    let read = |key: &Value| -> Result<ProofKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text(key, "public_key")?)?;
        let public = bytes.try_into().map_err(|_| anyhow::anyhow!("a key of another length: {key}"))?;
        Ok(ProofKey { public, retired_at_unix_ms: None })
    };
    all.iter().map(read).collect()
}

async fn by_device(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("Instead of the PIN the manager's telephone signs a QR code (ed25519), once");
    let device = SigningKey::from_seed([42; 32]);
    let public = URL_SAFE_NO_PAD.encode(device.public(None).public);
    let path = format!("/v1/operators/{}/devices", MANAGER.number);
    let body = json!({"label": "telephone", "public_key": public});
    teller.post("manager", &shop.manager, &path, &body, &["/id", "/label"]).await?.is(201)?;
    let session = begin(&shop.terminal, &MANAGER).await?;
    let operation = shop.void_operation("S-2", "wrong-amount").await?;
    let ask = json!({"number": MANAGER.number, "operation": operation});
    let given = teller.post("terminal", &shop.terminal, "/v1/operator-challenges", &ask, &["/text"]).await?.is(201)?;
    let challenge = text(&given, "challenge")?;
    let digest = rescind_proof::operation_digest(&rescind_proof::Operation {
        merchant: &shop.merchant,
        sale: "S-2",
        way: "void",
        minor: 5_000,
        currency: "CNY",
        reason: Some("wrong-amount"),
        terminal: Some(crate::shop::TERMINAL),
        holder: "terminal",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    });
    let signed = Challenge {
        merchant: &shop.merchant,
        operator: MANAGER.number,
        terminal: Some(crate::shop::TERMINAL),
        operation: Some(ShownOperation { digest: &digest, way: "void", sale: "S-2", amount: "50.00 CNY" }),
        challenge: &challenge,
    };
    ensure!(signed.text() == text(&given, "text")?, "the device sees what it signs: {given}");
    let signature = URL_SAFE_NO_PAD.encode(device.sign_challenge(&signed));
    let body = json!({"token": session.token, "challenge": challenge, "signature": signature, "operation": operation});
    let proofs = format!("/v1/operator-sessions/{}/proofs", session.id);
    let proof =
        teller.post("terminal", &shop.terminal, &proofs, &body, &["/operation", "/expires_at"]).await?.is(201)?;
    shop.terminal.post(&proofs, &body).await?.refused(403, "operator.refused").context("a challenge is good once")?;
    let showing = shop.terminal.showing(&text(&proof, "proof")?);
    let (made, _) = teller
        .tell("terminal", &showing, "/v1/transactions/S-2/voids", &shop.void(), &["/state", "/requested_by"])
        .await?;
    ensure!(made.is(201)?["requested_by"] == shop.person("manager"), "{made}");
    Ok(())
}
