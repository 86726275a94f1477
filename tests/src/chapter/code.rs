//! Payment codes: cancelled before anybody scans them, scanned at that very moment, paid, expired; and the report.

use super::till::code_of;
use super::{FINDING, becomes, finding, way, ways_back};
use crate::client::fresh_key;
use crate::moment;
use crate::policies::BRIEF;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{Arriving, Means, PaymentState};
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Payment codes");
    let shop = stage.shop("M-code", "lakala").await?;
    let cancelled = unscanned(teller, stage, &shop).await?;
    at_once(teller, stage, &shop).await?;
    scanned(teller, &shop).await?;
    expired(teller, stage).await?;
    report(teller, &shop, &cancelled).await
}

async fn show(teller: &Teller, stage: &Stage, shop: &Shop, id: &str) -> Result<String> {
    stage.arrives(shop, id, Means::Code, Arriving::Unpaid, "42.00")?;
    let essence = ["/id", "/state", "/expires_at"];
    let made = teller.post("terminal", &shop.terminal, "/v1/payment-codes", &code_of(id, "42.00"), &essence).await?;
    ensure!(made.is(201)?["state"] == "unscanned", "nobody has scanned it: {made}");
    Ok(format!("/v1/payment-codes/{id}"))
}

async fn unscanned(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<Value> {
    teller.step("A code over 42.00 is shown, and cancelled before anybody scans it");
    let path = show(teller, stage, shop, "C-1").await?;
    let why = json!({"reason": "customer-request"});
    let (asked, _) = teller
        .tell("supervisor", &shop.supervisor, &format!("{path}/cancellations"), &why, &["/id", "/kind", "/state"])
        .await?;
    let asked = asked.is(202)?;
    ensure!(asked["kind"] == "order-close", "{asked}");
    let done = becomes(teller, shop, &text(&asked, "id")?, &["done"]).await?;
    let shown = shop.terminal.see(&path).await?;
    ensure!(shown["state"] == "cancelled", "{shown}");
    let books = stage.payment(shop, "C-1")?;
    teller.note(&format!("the acquirer's own books: C-1 {:?}", books.state));
    ensure!(books.state == PaymentState::Closed, "nobody can pay it any more: {books:?}");
    let late = stage.arrives(shop, "C-1", Means::Code, Arriving::Paid, "42.00");
    late.err().context("the acquirer took a payment of a closed order")?;
    Ok(done)
}

async fn at_once(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("Scanned and cancelled at the same moment, ten times: each time exactly one of the two holds");
    let mut scans = 0;
    for round in 0..10 {
        let id = format!("C-race-{round}");
        stage.arrives(shop, &id, Means::Code, Arriving::Unpaid, "42.00")?;
        shop.terminal.post("/v1/payment-codes", &code_of(&id, "42.00")).await?.is(201)?;
        let path = format!("/v1/payment-codes/{id}");
        let (scan, cancel) = (format!("{path}/scans"), format!("{path}/cancellations"));
        let (paid, why) = (json!({"outcome": "good"}), json!({"reason": "customer-request"}));
        let (one, two) = (fresh_key(), fresh_key());
        let other = shop.supervisor.on_own_connections();
        let (scanned, cancelled) =
            tokio::join!(shop.terminal.insist(&one, &scan, &paid), other.insist(&two, &cancel, &why));
        let (scanned, cancelled) = (scanned?, cancelled?);
        match (scanned.status.as_u16(), cancelled.status.as_u16()) {
            (200, 422) => {
                scans += 1;
                ensure!(shop.terminal.see(&path).await?["state"] == "paid", "it is paid: {scanned}");
            }
            (422 | 409, 202) => {
                becomes(&Teller::quiet(), shop, &text(&cancelled.json()?, "id")?, &["done"]).await?;
                ensure!(shop.terminal.see(&path).await?["state"] == "cancelled", "it is cancelled: {cancelled}");
            }
            _ => anyhow::bail!("not exactly one of the two holds: {scanned} and {cancelled}"),
        }
    }
    teller.note(&format!("{scans} times the scan was first, {} times the cancellation", 10 - scans));
    Ok(())
}

async fn scanned(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("Scanned and paid: it is a sale now, and no code to cancel. The router says which way is open");
    let path = "/v1/payment-codes/C-2";
    shop.terminal.post("/v1/payment-codes", &code_of("C-2", "42.00")).await?.is(201)?;
    let paid = json!({"outcome": "good", "fee_charged": cny("0.16"), "retrieval_reference": "632714000118"});
    let essence = ["/state", "/sale/amount"];
    teller.tell("terminal", &shop.terminal, &format!("{path}/scans"), &paid, &essence).await?.0.is(200)?;
    let (no, _) =
        teller.tell("supervisor", &shop.supervisor, &format!("{path}/cancellations"), &json!({}), &FINDING).await?;
    let no = no.refused(422, "decision.deny")?;
    ensure!(finding(&no, "order-close.paid")["remedy"]["use"].is_string(), "it says what to do instead: {no}");
    let ways = ways_back(teller, "supervisor", &shop.supervisor, "C-2").await?;
    ensure!(way(&ways, "void")["outcome"] == "allow", "{ways}");

    teller.step("Scanned, and nobody knows whether it was paid: a reversal finds out, or support decides");
    shop.terminal.post("/v1/payment-codes", &code_of("C-3", "42.00")).await?.is(201)?;
    shop.terminal.tell("/v1/payment-codes/C-3/scans", &json!({"outcome": "unknown"})).await?.is(200)?;
    let (no, _) = teller
        .tell("supervisor", &shop.supervisor, "/v1/payment-codes/C-3/cancellations", &json!({}), &FINDING)
        .await?;
    let no = no.refused(422, "decision.refer")?;
    ensure!(finding(&no, "order-close.scanned")["remedy"]["use"] == "reversal", "{no}");
    Ok(())
}

async fn expired(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.step("An expired code (here they live 2 s) may still be cancelled under this policy");
    let shop = stage.shop("M-brief", BRIEF).await?;
    let path = show(teller, stage, &shop, "C-1").await?;
    crate::eventually("the code to expire", core::time::Duration::from_secs(10), async || {
        Ok((shop.terminal.see(&path).await?["state"] == "expired").then_some(()))
    })
    .await?;
    let (asked, _) = teller
        .tell("supervisor", &shop.supervisor, &format!("{path}/cancellations"), &json!({}), &["/kind", "/state"])
        .await?;
    becomes(teller, &shop, &text(&asked.is(202)?, "id")?, &["done"]).await?;
    ensure!(stage.payment(&shop, "C-1")?.state == PaymentState::Closed, "its order is closed");

    teller.step("Under UnionPay an expired or scanned code is not cancelled at all: there it says why");
    let theirs = stage.shop("M-union", "unionpay").await?;
    theirs.system.post("/v1/payment-codes", &code_of("C-9", "42.00")).await?.is(201)?;
    let scan = json!({"outcome": "unknown"});
    theirs.system.tell("/v1/payment-codes/C-9/scans", &scan).await?.is(200)?;
    let (no, _) = teller
        .tell("supervisor", &theirs.supervisor, "/v1/payment-codes/C-9/cancellations", &json!({}), &FINDING)
        .await?;
    ensure!(!finding(&no.refused(422, "decision.deny")?, "order-close.scanned").is_null(), "{no}");
    Ok(())
}

async fn report(teller: &mut Teller, shop: &Shop, cancelled: &Value) -> Result<()> {
    teller.step("The day's report of cancellations: when, how much, by whom, how they ended");
    let path = format!("/v1/payment-codes/cancellations?business_day={}&limit=100", moment::business_day(0));
    let report = teller.get("back office", &shop.system, &path, &["/business_day", "/items/0"]).await?.is(200)?;
    let all = report["items"].as_array().context("the report has items")?;
    let own = all.iter().find(|item| item["operation"] == cancelled["id"]).context("the first is in it")?;
    ensure!(own["state"] == "done" && own["amount"] == cny("42.00"), "{own}");
    ensure!(own["by"]["id"] == shop.person("supervisor") && own["asked_at"].is_string(), "{own}");
    ensure!(all.iter().all(|item| item["state"] == "done"), "all of this shop's were carried out: {report}");
    Ok(())
}
