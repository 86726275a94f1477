//! By order of a court: two persons, beyond every window, never beyond what is left, and reported.

use super::{FINDING, becomes, finding, register, void};
use crate::operator::Operator;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use http::Request;
use serde_json::json;

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("By legal order");
    let shop = stage.shop("M-legal", "lakala").await?;
    let order = carried_out(teller, stage, &shop).await?;
    reported(teller, &shop, &order).await
}

async fn carried_out(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<String> {
    teller.step("A sale of 40 days ago: no void any more, and a refund is support's to decide");
    register(teller, shop, shop.sale("S-1").of("480.00").days_ago(40)).await?;
    void(teller, shop, "S-1", &FINDING).await?.refused(422, "decision.deny")?;
    let old = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "480.00")).await?;
    old.refused(422, "decision.refer")?;

    teller.step("The first of two compliance officers puts an order forward. Nobody else can");
    let (lex, lena) =
        (shop.hire("lex", &["compliance"]).await?, shop.hire("lena", &["compliance", "supervisor"]).await?);
    let ask = json!({"reference": "COURT-2026-118", "reason": "the sale was void by judgment"});
    let path = "/v1/transactions/S-1/legal-orders";
    let (no, _) = teller.tell("manager", &shop.manager, path, &ask, &["/code"]).await?;
    no.refused(403, "auth.forbidden")?;
    let essence = ["/id", "/state", "/reference", "/amount", "/proposed_by", "/expires_at"];
    let (made, _) = teller.tell("compliance (lex)", &lex, path, &ask, &essence).await?;
    let id = text(&made.is(201)?, "id")?;

    teller.step("The same person cannot be the second; another can, who proves who they are, and the void goes out");
    let confirm = format!("/v1/legal-orders/{id}/confirmations");
    let (no, _) = teller.tell("compliance (lex)", &lex, &confirm, &json!({}), &["/code", "/reason"]).await?;
    ensure!(no.refused(403, "approval.not-permitted")?["reason"] == "same-person", "{no}");
    let (no, _) = teller.tell("compliance (lena)", &lena, &confirm, &json!({}), &FINDING).await?;
    ensure!(!finding(&no.refused(422, "decision.deny")?, "void.authentication").is_null(), "{no}");
    let second = Operator { number: "11", pin: "906152", role: "supervisor", person: "lena" };
    shop.register_operator(&second).await?;
    let operation = json!({"way": "void", "sale": "S-1", "amount": cny("480.00"), "order": id});
    let lena = lena.showing(&shop.proof(&lena, &second, &operation).await?);
    let essence = ["/state", "/confirmed_by", "/operation", "/outcome"];
    let (yes, _) = teller.tell("compliance (lena)", &lena, &confirm, &json!({}), &essence).await?;
    let yes = yes.is(200)?;
    let done = becomes(teller, shop, &text(&yes, "operation")?, &["done"]).await?;
    stage.did_once(&done)?;
    ensure!(stage.moved(shop, "S-1") == ["480.00", "0.00"], "all of it, once: {:?}", stage.moved(shop, "S-1"));
    ensure!(shop.look_at("S-1").await?["balance"]["left"] == cny("0.00"), "and nothing is left");
    let again = lena.tell(path, &ask).await?;
    ensure!(again.status == 422, "never beyond what is left: {again}");
    Ok(id)
}

async fn reported(teller: &mut Teller, shop: &Shop, order: &str) -> Result<()> {
    teller.step("The regulator's report, as a table");
    let auditor = shop.hire("ada", &["auditor"]).await?;
    let path = "/v1/compliance-reports?limit=100";
    let listed = auditor.see(path).await?;
    ensure!(listed["items"][0]["id"] == order && listed["items"][0]["outcome"] == "done", "{listed}");
    let table = auditor.send(Request::get(path).header("accept", "text/csv").body(String::new())?).await?;
    ensure!(table.status == 200 && table.header("content-type") == "text/csv; charset=utf-8", "{table}");
    for line in table.text.lines() {
        teller.note(line);
    }
    let row = table.text.lines().nth(1).context("the table has a row")?;
    for part in [order, "COURT-2026-118", "480.00", &shop.person("lex"), &shop.person("lena"), "done"] {
        ensure!(row.contains(part), "{part} is missing in {row}");
    }
    shop.system.get(path).await?.refused(403, "auth.forbidden")?;
    Ok(())
}
