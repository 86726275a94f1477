//! What goes wrong at the till: no answer, declined, a printer fault, and payments by code of which nobody knows.

use super::{becomes, register, way, ways_back};
use crate::policies::QUICK;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{Arriving, Behaviour, Kind, Means, PaymentState, Question, Word};
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("At the till: it went wrong");
    let shop = stage.shop("M-till", QUICK).await?;
    no_answer(teller, stage, &shop).await?;
    declined_or_printed(teller, &shop).await?;
    of_unknown_codes(teller, stage, &shop).await
}

async fn trouble(teller: &Teller, shop: &Shop, sale: &str, what: &str) -> Result<Value> {
    let path = format!("/v1/transactions/{sale}/troubles");
    let essence = ["/outcome", "/next", "/operation/kind", "/operation/state", "/operation/due_at", "/slip"];
    teller.tell("terminal", &shop.terminal, &path, &json!({"trouble": what}), &essence).await?.0.is(200)
}

async fn no_answer(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("A card sale of 66.00 without an answer: it was paid, and the till does not know");
    stage.arrives(shop, "S-1", Means::Card, Arriving::Paid, "66.00")?;
    let sale = shop.sale("S-1").of("66.00").minutes_ago(1).with("outcome", json!("unknown"));
    teller
        .post("terminal", &shop.terminal, "/v1/transactions", &sale.body(), &["/id", "/status/outcome"])
        .await?
        .is(201)?;

    teller.step("The till says so: the sale is reversed at once (冲正). That answer is lost too");
    stage.script(Kind::Reversal, "S-1", Behaviour::Timeout { took_place: true, hold_ms: Some(100) })?;
    let told = trouble(teller, shop, "S-1", "no-answer").await?;
    ensure!(told["next"] == "undone" && told["operation"]["kind"] == "reversal", "it is being reversed: {told}");
    let id = text(&told["operation"], "id")?;
    becomes(teller, shop, &id, &["unknown"]).await?;

    teller.step("It is stored and forwarded until it is answered, and has one effect");
    let done = becomes(teller, shop, &id, &["done"]).await?;
    stage.did_once(&done)?;
    let payment = stage.payment(shop, "S-1")?;
    teller.note(&format!("the acquirer's own books: S-1 {:?}, captured {}", payment.state, payment.captured));
    ensure!(payment.state == PaymentState::Reversed && payment.captured == "0.00", "it is reversed: {payment:?}");

    teller.step("The answer to the sale arrives late, and changes nothing");
    let late = json!({"type": "outcome-known", "outcome": "good"});
    let essence = ["/status/outcome", "/status/late"];
    let (late, _) = teller.tell("back office", &shop.system, "/v1/transactions/S-1/events", &late, &essence).await?;
    let late = late.is(200)?;
    ensure!(late["status"]["outcome"] == "reversed" && late["status"]["late"]["outcome"] == "good", "{late}");
    ensure!(trouble(teller, shop, "S-1", "no-answer").await?["next"] == "new-sale", "a new sale may be made");
    ensure!(stage.payment(shop, "S-1")? == payment, "nothing more was sent");
    Ok(())
}

async fn declined_or_printed(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("Declined by the issuer: nothing was taken, there is nothing to reverse");
    let sale = shop.sale("S-2").of("20.00").minutes_ago(1).with("outcome", json!("unknown"));
    register(teller, shop, sale).await?;
    let told = trouble(teller, shop, "S-2", "declined").await?;
    ensure!(told["next"] == "new-sale" && told["outcome"] == "declined" && told.get("operation").is_none(), "{told}");

    teller.step("The printer jams on a good sale: the slip is printed again, marked");
    register(teller, shop, shop.sale("S-3").of("35.00").minutes_ago(1)).await?;
    let told = trouble(teller, shop, "S-3", "printer-fault").await?;
    ensure!(told["next"] == "reprint" && told["outcome"] == "good", "{told}");
    let path = text(&told, "slip")?;
    let (first, again) =
        (format!("{}?locale=zh-CN", path.replace("?reprint=true", "")), format!("{path}&locale=zh-CN"));
    let first = shop.terminal.get(&first).await?;
    let again = teller.get("terminal", &shop.terminal, &again, &[]).await?;
    ensure!(first.status == 200 && again.status == 200 && first.text != again.text, "a reprint is marked: {again}");
    let marked: Vec<&str> = again.text.lines().filter(|line| !first.text.contains(line.trim())).collect();
    teller.note(&marked.join("\n"));
    ensure!(!marked.is_empty(), "a reprint says that it is one: {again}");
    let ways = ways_back(teller, "supervisor", &shop.supervisor, "S-3").await?;
    ensure!(way(&ways, "void")["outcome"] == "allow", "the sale stands, and can be voided: {ways}");
    Ok(())
}

async fn of_unknown_codes(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    for (code, arriving, title) in [
        ("C-1", Arriving::Paid, "A payment by code of which nobody knows: the network is asked, and says it was paid"),
        (
            "C-2",
            Arriving::Unpaid,
            "Another: nobody paid it, so after the last question it is made sure that nobody can",
        ),
    ] {
        teller.step(title);
        let ask = code_of(code, "30.00");
        teller
            .post("terminal", &shop.terminal, "/v1/payment-codes", &ask, &["/state", "/expires_at"])
            .await?
            .is(201)?;
        stage.arrives(shop, code, Means::Code, arriving, "30.00")?;
        stage.says(Question::Sale, code, 1, Word::Unknown)?;
        let path = format!("/v1/payment-codes/{code}/scans");
        let scan = json!({"outcome": "unknown"});
        teller.tell("terminal", &shop.terminal, &path, &scan, &["/state", "/outcome"]).await?.0.is(200)?;
        let told = trouble(teller, shop, code, "no-answer").await?;
        ensure!(told["next"] == "undone" && told["operation"]["due_at"].is_string(), "it is asked first: {told}");
        let id = text(&told["operation"], "id")?;
        let paid = arriving == Arriving::Paid;
        let ended = becomes(teller, shop, &id, &[if paid { "failed" } else { "done" }]).await?;
        ensure!(ended["kind"] == told["operation"]["kind"], "{ended}");
        let outcome = shop.look_at(code).await?["status"]["outcome"].clone();
        let payment = stage.payment(shop, code)?;
        teller.note(&format!("{code} is {outcome}; the acquirer's own books: {:?}", payment.state));
        if paid {
            ensure!(outcome == "good" && payment.state == PaymentState::Paid, "it stands: {outcome} {payment:?}");
            let ways = ways_back(teller, "supervisor", &shop.supervisor, code).await?;
            ensure!(way(&ways, "void")["outcome"] == "allow", "and can be taken back: {ways}");
        } else {
            ensure!(outcome == "reversed", "it is over: {outcome}");
            let late = stage.arrives(shop, code, Means::Code, Arriving::Paid, "30.00");
            late.err().context("the acquirer took a payment that was undone")?;
        }
    }
    Ok(())
}

/// A code as the till shows it.
pub(super) fn code_of(id: &str, amount: &str) -> Value {
    json!({
        "id": id,
        "amount": cny(amount),
        "presented_by": "merchant",
        "slip": {"terminal": crate::shop::TERMINAL, "batch": "000001", "voucher": id, "trace": id},
    })
}
