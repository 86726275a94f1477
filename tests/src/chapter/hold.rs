//! Holds and money paid in advance: completed in part, a penalty kept, released, refused.

use super::{FINDING, OPERATION, becomes, finding, register, way, ways_back};
use crate::moment;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Result, ensure};
use rescind_acquirer::{Arriving, Means, PaymentState};
use rescind_model::Duration;
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Holds and reservations");
    let shop = stage.shop("M-hold", "lakala").await?;
    completed(teller, stage, &shop).await?;
    penalised_or_released(teller, stage, &shop).await?;
    paid_in_advance(teller, &shop).await
}

async fn held(teller: &Teller, stage: &Stage, shop: &Shop, id: &str) -> Result<String> {
    stage.arrives(shop, id, Means::Hold, Arriving::Held, "1000.00")?;
    let hold = json!({
        "id": id,
        "amount": cny("1000.00"),
        "authorised_at": moment::ago(Duration::minutes(30)).to_string(),
        "authorisation_code": "A12345",
        "card_type": "credit",
        "slip": {"terminal": crate::shop::TERMINAL, "batch": "000001", "voucher": id, "trace": id},
    });
    let essence = ["/id", "/state", "/authorised", "/ceiling", "/expires_at"];
    teller.post("terminal", &shop.terminal, "/v1/holds", &hold, &essence).await?.is(201)?;
    Ok(format!("/v1/holds/{id}"))
}

async fn ask(teller: &Teller, shop: &Shop, path: &str, body: &Value) -> Result<Value> {
    let (asked, _) = teller.tell("supervisor", &shop.supervisor, path, body, &OPERATION).await?;
    becomes(teller, shop, &text(&asked.is(201)?, "id")?, &["done"]).await
}

async fn completed(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("A hold of 1,000.00 (预授权): up to 115 % of it may be captured");
    let path = held(teller, stage, shop, "H-1").await?;
    let too_much = json!({"amount": cny("1150.01")});
    let (no, _) =
        teller.tell("supervisor", &shop.supervisor, &format!("{path}/completions"), &too_much, &FINDING).await?;
    let no = no.refused(422, "decision.deny")?;
    ensure!(no["decision"]["findings"][0]["remedy"]["amount"] == cny("1150.00"), "it says how much may be: {no}");

    teller.step("It is completed for 820.00 (预授权完成), which releases the rest");
    let part = json!({"amount": cny("820.00"), "fee_charged": cny("4.92")});
    let done = ask(teller, shop, &format!("{path}/completions"), &part).await?;
    stage.did_once(&done)?;
    let shown = shop.system.see(&path).await?;
    ensure!(shown["state"] == "good" && shown["sale"]["amount"] == cny("820.00"), "{shown}");
    let books = stage.payment(shop, "H-1")?;
    ensure!((books.state, books.captured.as_str()) == (PaymentState::Captured, "820.00"), "{books:?}");

    teller.step("The completion is voided (预授权完成撤销): it is a hold again");
    let void = json!({"reason": "wrong-amount"});
    let operation = json!({"way": "completion-void", "sale": "H-1", "amount": cny("820.00"), "reason": "wrong-amount"});
    let proof = shop.proof(&shop.supervisor, &crate::operator::SUPERVISOR, &operation).await?;
    let supervisor = shop.supervisor.showing(&proof);
    let path_of_void = format!("{path}/completion-voids");
    let (asked, _) = teller.tell("supervisor", &supervisor, &path_of_void, &void, &OPERATION).await?;
    becomes(teller, shop, &text(&asked.is(201)?, "id")?, &["done"]).await?;
    let shown = shop.system.see(&path).await?;
    ensure!(shown["state"] == "held" && shown.get("sale").is_none(), "{shown}");
    ensure!(stage.payment(shop, "H-1")?.state == PaymentState::Held, "at the acquirer too");
    Ok(())
}

async fn penalised_or_released(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("The customer does not come: at most half may be kept");
    let path = "/v1/holds/H-1/completions";
    let too_much = json!({"amount": cny("500.01"), "penalty": true});
    let (no, _) = teller.tell("supervisor", &shop.supervisor, path, &too_much, &FINDING).await?;
    let no = no.refused(422, "decision.deny")?;
    ensure!(no["decision"]["findings"][0]["remedy"]["amount"] == cny("500.00"), "{no}");
    let kept = ask(teller, shop, path, &json!({"amount": cny("300.00"), "penalty": true})).await?;
    ensure!(kept["penalty"] == true && kept["amount"] == cny("300.00"), "{kept}");
    let books = stage.payment(shop, "H-1")?;
    teller.note(&format!("the acquirer's own books: H-1 {:?}, captured {}", books.state, books.captured));
    ensure!((books.state, books.captured.as_str()) == (PaymentState::Captured, "300.00"), "{books:?}");

    teller.step("Another hold is released as a whole (预授权撤销)");
    let path = held(teller, stage, shop, "H-2").await?;
    let operation =
        json!({"way": "hold-release", "sale": "H-2", "amount": cny("1000.00"), "reason": "customer-request"});
    let proof = shop.proof(&shop.supervisor, &crate::operator::SUPERVISOR, &operation).await?;
    let (supervisor, body) = (shop.supervisor.showing(&proof), json!({"reason": "customer-request"}));
    let (asked, _) = teller.tell("supervisor", &supervisor, &format!("{path}/releases"), &body, &OPERATION).await?;
    becomes(teller, shop, &text(&asked.is(201)?, "id")?, &["done"]).await?;
    let shown = shop.system.see(&path).await?;
    ensure!(shown["state"] == "released", "{shown}");
    ensure!(stage.payment(shop, "H-2")?.state == PaymentState::Released, "at the acquirer too");
    let (no, _) =
        teller.tell("supervisor", &shop.supervisor, &format!("{path}/completions"), &json!({}), &FINDING).await?;
    no.refused(422, "decision.deny")?;
    Ok(())
}

async fn paid_in_advance(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("A hotel paid in advance, 36 hours before: 30 % is kept, the rest may go back");
    let in_hours =
        |hours: i64| rescind_model::Instant { unix_ms: moment::now().unix_ms + hours * 3_600_000 }.to_string();
    let booked = |id: &str, kind: &str, hours: i64| {
        shop.sale(id).of("600.00").days_ago(2).with("kind", json!(kind)).with("service_at", json!(in_hours(hours)))
    };
    register(teller, shop, booked("P-1", "hotel-reservation", 36)).await?;
    let (no, _) = teller.tell("manager", &shop.manager, "/v1/refunds", &shop.refund("P-1", "600.00"), &FINDING).await?;
    let no = no.refused(422, "decision.deny")?;
    ensure!(finding(&no, "refund.penalty")["remedy"]["amount"] == cny("420.00"), "420.00 may go back: {no}");
    let essence = ["/id", "/state", "/amount", "/plan/tier"];
    let (made, _) =
        teller.tell("manager", &shop.manager, "/v1/refunds", &shop.refund("P-1", "420.00"), &essence).await?;
    ensure!(made.is(201)?["state"] == "in-review", "{made}");

    teller.step("Three hours before, all of it is kept unless support decides otherwise; so it is with a journey");
    register(teller, shop, booked("P-2", "hotel-reservation", 3)).await?;
    let ways = ways_back(teller, "manager", &shop.manager, "P-2").await?;
    ensure!(way(&ways, "refund")["outcome"] == "refer", "nothing goes back unless support says so: {ways}");
    ensure!(!finding(way(&ways, "refund"), "refund.penalty").is_null(), "and it says why: {ways}");
    register(teller, shop, booked("P-3", "travel-package", 200)).await?;
    let (no, _) = teller.tell("manager", &shop.manager, "/v1/refunds", &shop.refund("P-3", "10.00"), &FINDING).await?;
    let no = no.refused(422, "decision.refer")?;
    ensure!(finding(&no, "refund.kind-not-cancellable")["remedy"]["token"] == "contact-support", "{no}");
    Ok(())
}
