//! After the refund: a wrong amount, one that failed, one that never arrived, one that came back; and everything about one
//! payment as one file.

use super::{clear, register};
use crate::eventually;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use core::time::Duration;
use rescind_acquirer::{Behaviour, Kind, Question, Word};
use serde_json::{Value, json};

/// The parts of a liability that matter.
const LIABILITY: [&str; 6] = ["/id", "/cause", "/amount", "/debtor", "/creditor", "/state"];

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("After the refund");
    let shop = stage.shop("M-after", "lakala").await?;
    wrong_amount(teller, &shop).await?;
    failed(teller, stage, &shop).await?;
    not_arrived(teller, stage, &shop).await?;
    exported(teller, &shop).await
}

async fn ask(teller: &Teller, shop: &Shop, ask: &Value) -> Result<String> {
    let essence = ["/id", "/state", "/amount", "/corrects"];
    let (made, _) = teller.tell("supervisor", &shop.supervisor, "/v1/refunds", ask, &essence).await?;
    let made = made.is(201)?;
    ensure!(made["state"] == "approved", "no person is needed: {made}");
    text(&made, "id")
}

async fn wrong_amount(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("30.00 went back, and it should have been 40.00: a further refund says what it corrects");
    register(teller, shop, shop.sale("S-1").days_ago(2)).await?;
    let first = ask(teller, shop, &shop.refund("S-1", "30.00")).await?;
    clear(teller, shop, &first, &["cleared"]).await?;
    let mut more = shop.refund("S-1", "10.00");
    more["corrects"] = json!(first);
    let second = ask(teller, shop, &more).await?;
    let cleared = clear(teller, shop, &second, &["cleared"]).await?;
    ensure!(cleared["corrects"] == first, "{cleared}");

    teller.step("5.00 of it was too much after all: what the customer owes is written down, nothing is changed");
    let claim = json!({"cause": "over-returned", "amount": cny("5.00"), "because": "one item was kept"});
    let path = format!("/v1/refunds/{second}/liabilities");
    let (owed, _) = teller.tell("finance", &shop.finance, &path, &claim, &LIABILITY).await?;
    let owed = owed.is(201)?;
    ensure!(owed["debtor"] == "customer" && owed["state"] == "open", "{owed}");
    let end = format!("/v1/liabilities/{}/ends", text(&owed, "id")?);
    let paid = json!({"state": "settled", "because": "paid in cash at the counter"});
    let (ended, _) = teller.tell("finance", &shop.finance, &end, &paid, &["/state", "/ended_by"]).await?;
    ensure!(ended.is(200)?["state"] == "settled", "{ended}");
    Ok(())
}

async fn failed(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("A refund fails for good (51): the merchant still owes it, which stands as a liability");
    register(teller, shop, shop.sale("S-2").days_ago(2)).await?;
    let id = ask(teller, shop, &shop.refund("S-2", "25.00")).await?;
    stage.script(Kind::Refund, "S-2", Behaviour::Decline { code: "51".to_owned() })?;
    let failed = clear(teller, shop, &id, &["failed"]).await?;
    teller.parts(&failed, &["/liabilities/0/cause", "/liabilities/0/amount", "/liabilities/0/state"]);
    ensure!(failed["liabilities"][0]["cause"] == "refund-failed", "{failed}");

    teller.step("The retry clears under the old reference, and settles it");
    let path = format!("/v1/refunds/{id}/retries");
    let (again, _) = teller.tell("finance", &shop.finance, &path, &json!({}), &["/state"]).await?;
    let again = again.is(200)?;
    ensure!(again["provider_reference"] == failed["provider_reference"], "{again}");
    let cleared = shop.refund_in(&id, &["cleared"]).await?;
    teller.parts(&cleared, &["/state", "/attempts", "/liabilities/0/state"]);
    ensure!(cleared["liabilities"][0]["state"] == "settled", "{cleared}");
    stage.did_once(&cleared)?;
    ensure!(stage.moved(shop, "S-2") == ["0.00", "25.00"], "{:?}", stage.moved(shop, "S-2"));
    Ok(())
}

async fn not_arrived(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("The customer says that nothing arrived: the provider is asked");
    register(teller, shop, shop.sale("S-3").days_ago(2)).await?;
    let id = ask(teller, shop, &shop.refund("S-3", "20.00")).await?;
    clear(teller, shop, &id, &["cleared"]).await?;
    stage.says(Question::Trace, "S-3", 1, Word::NotArrived)?;
    let path = format!("/v1/refunds/{id}");
    let (begun, _) =
        teller.tell("manager", &shop.manager, &format!("{path}/traces"), &json!({}), &["/trace/requested_by"]).await?;
    begun.is(200)?;
    let traced = eventually("the provider to answer", Duration::from_secs(30), async || {
        let there = shop.system.see(&path).await?;
        Ok(there["trace"]["arrived"].is_boolean().then_some(there))
    })
    .await?;
    teller.parts(&traced, &["/trace/arrived", "/trace/evidence/code"]);
    ensure!(traced["trace"]["arrived"] == false && traced["state"] == "cleared", "a trace changes nothing: {traced}");

    teller.step("The network gives it back: a new record, the amount is the sale's again, and the customer is owed");
    let news = json!({"code": "account-closed", "reference": "RET-1"});
    let essence = ["/state", "/returned/evidence/code", "/liabilities/0/cause"];
    let (back, _) = teller.tell("back office", &shop.system, &format!("{path}/returns"), &news, &essence).await?;
    let back = back.is(200)?;
    ensure!(back["state"] == "cleared" && back["liabilities"][0]["cause"] == "refund-returned", "{back}");
    ensure!(shop.look_at("S-3").await?["balance"]["left"] == cny("100.00"), "it is the sale's again");
    let owed = text(&back["liabilities"][0], "id")?;
    let agreed = json!({"state": "agreed", "because": "a voucher over 20.00"});
    let (ended, _) = teller
        .tell("finance", &shop.finance, &format!("/v1/liabilities/{owed}/ends"), &agreed, &["/state", "/because"])
        .await?;
    ensure!(ended.is(200)?["state"] == "agreed", "{ended}");
    let open = shop.finance.see("/v1/liabilities?state=open").await?;
    ensure!(open["items"] == json!([]), "nothing is open any more: {open}");
    Ok(())
}

async fn exported(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("For a dispute: everything about that payment as one file, its chain of events verified");
    let path = "/v1/transactions/S-3/export";
    let essence = ["/format", "/masked", "/chain/intact", "/chain/head", "/component"];
    let file = teller.get("manager", &shop.manager, path, &essence).await?.is(200)?;
    let events = file["events"].as_array().context("the file has events")?;
    let entries = file["entries"].as_array().context("the file has entries")?;
    teller.note(&format!("{} events, {} double entries", events.len(), entries.len()));
    ensure!(file["chain"]["intact"] == true && file["chain"].get("broken").is_none(), "{}", file["chain"]);
    let last = events.last().context("something happened")?;
    ensure!(last["link"] == file["chain"]["head"] && file["ledger"]["chain"] == file["chain"]["head"], "{last}");
    let component = text(&file, "component")?;
    ensure!(component.len() == 64, "the component that made it is named by its digest: {component}");
    balanced(entries)?;
    let masked = shop.finance.see(path).await?;
    ensure!(
        masked["masked"] == true && masked["chain"]["intact"] == true,
        "finance gets it masked: {}",
        masked["chain"]
    );
    shop.terminal.get(path).await?.refused(403, "auth.forbidden")?;
    Ok(())
}

/// In each entry debits and credits are the same.
fn balanced(entries: &[Value]) -> Result<()> {
    for entry in entries {
        let sum = |side: &str| -> Result<i64> {
            let postings = entry["postings"].as_array().context("an entry has postings")?;
            let own = postings.iter().filter(|posting| posting["side"] == side);
            own.map(|posting| text(&posting["amount"], "amount")?.replace('.', "").parse::<i64>().context("an amount"))
                .sum()
        };
        ensure!(sum("debit")? == sum("credit")? && sum("debit")? > 0, "it does not balance: {entry}");
    }
    ensure!(!entries.is_empty(), "something was posted");
    Ok(())
}
