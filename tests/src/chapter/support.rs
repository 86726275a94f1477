//! What the policy leaves to support, and what a reviewer asks before agreeing.

use super::{FINDING, becomes, finding, register, void};
use crate::Client;
use crate::operator::SUPERVISOR;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{Behaviour, Kind};
use rescind_model::Digest;
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Support, and questions during a review");
    let shop = stage.shop("M-support", "lakala").await?;
    referred(teller, stage, &shop).await?;
    asked(teller, &shop).await
}

/// Evidence by the hash of its content.
fn evidence(kind: &str, content: &str) -> Value {
    json!([{"kind": kind, "content": Digest::of(content.as_bytes()).hex}])
}

async fn void_under(teller: &Teller, shop: &Shop, case: &str, essence: &[&str]) -> Result<crate::Reply> {
    let mut body = shop.void();
    body["case"] = json!(case);
    let mut operation = shop.void_operation("S-4", &text(&body, "reason")?).await?;
    operation["case"] = json!(case);
    let supervisor = shop.supervisor.showing(&shop.proof(&shop.supervisor, &SUPERVISOR, &operation).await?);
    Ok(teller.tell("supervisor", &supervisor, "/v1/transactions/S-4/voids", &body, essence).await?.0)
}

async fn referred(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step("Three voids a day; the fourth is referred to support, not refused");
    for sale in ["S-1", "S-2", "S-3", "S-4"] {
        shop.sale(sale).of("20.00").minutes_ago(4).register().await?;
    }
    for sale in ["S-1", "S-2", "S-3"] {
        let made = void(&Teller::quiet(), shop, sale, &[]).await?.is(201)?;
        shop.void_in(&text(&made, "id")?, &["done"]).await?;
    }
    let no = void(teller, shop, "S-4", &FINDING).await?.refused(422, "decision.refer")?;
    ensure!(finding(&no, "void.count")["remedy"]["token"] == "contact-support", "{no}");

    teller.step("The supervisor opens a case, with a photograph of the receipt");
    let ask = json!({"way": "void", "reason": "wrong-amount", "evidence": evidence("receipt", "a receipt")});
    let essence = ["/id", "/state", "/way", "/amount", "/rules", "/expires_at"];
    let (case, _) = teller.tell("supervisor", &shop.supervisor, "/v1/transactions/S-4/cases", &ask, &essence).await?;
    let case = text(&case.is(201)?, "id")?;
    let no = void_under(teller, shop, &case, &["/code"]).await?;
    no.refused(422, "decision.refer").context("a case that nobody granted opens nothing")?;

    teller.step("Support takes it and grants it, with a reason. Nobody of the shop can");
    let helen: Client = shop.hire("helen", &["support"]).await?;
    let path = format!("/v1/cases/{case}");
    let because = json!({"because": "the customer called, the receipt is the one"});
    let (no, _) = teller.tell("manager", &shop.manager, &format!("{path}/grants"), &because, &["/code"]).await?;
    no.refused(403, "auth.forbidden")?;
    let waiting = teller.get("support", &helen, "/v1/cases?state=open", &["/items/0/id", "/items/0/rules"]).await?;
    ensure!(waiting.is(200)?["items"][0]["id"] == case, "{waiting}");
    let (taken, _) =
        teller.tell("support", &helen, &format!("{path}/assignments"), &json!({}), &["/state", "/assigned_to"]).await?;
    ensure!(taken.is(200)?["state"] == "assigned", "{taken}");
    let essence = ["/state", "/decided_by", "/because", "/expires_at"];
    let (granted, _) = teller.tell("support", &helen, &format!("{path}/grants"), &because, &essence).await?;
    ensure!(granted.is(200)?["state"] == "granted", "{granted}");

    teller.step("The same void again, naming the case: allowed, and the grant is used up with it");
    stage.script(Kind::Void, "S-4", Behaviour::Decline { code: "57".to_owned() })?;
    let made = void_under(teller, shop, &case, &["/id", "/state"]).await?.is(201)?;
    let failed = becomes(teller, shop, &text(&made, "id")?, &["failed"]).await?;
    let seen = teller.get("support", &helen, &path, &["/state", "/consumed_by"]).await?.is(200)?;
    ensure!(seen["state"] == "consumed" && seen["consumed_by"] == failed["id"], "{seen}");

    teller.step("The provider refused that one (57). A second void under the same grant is refused: once is once");
    let no = void_under(teller, shop, &case, &FINDING).await?.refused(422, "decision.refer")?;
    ensure!(!finding(&no, "void.count").is_null(), "{no}");
    ensure!(stage.moved(shop, "S-4") == ["0.00", "0.00"], "nothing was moved");
    Ok(())
}

async fn asked(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("A refund of 1,500.00 takes two persons; the first agrees");
    register(teller, shop, shop.sale("S-9").of("2000.00").days_ago(3)).await?;
    let essence = ["/id", "/state", "/plan/tier", "/plan/needed", "/revision", "/digest"];
    let (made, _) =
        teller.tell("supervisor", &shop.supervisor, "/v1/refunds", &shop.refund("S-9", "1500.00"), &essence).await?;
    let made = made.is(201)?;
    let path = format!("/v1/refunds/{}", text(&made, "id")?);
    let seen = json!({"revision": 1, "digest": made["digest"]});
    let approvals = format!("{path}/approvals");
    let essence = ["/code", "/state", "/revision", "/approvals"];
    let (one, _) = teller.tell("reviewer", &shop.reviewer, &approvals, &seen, &["/state", "/approvals/0/by"]).await?;
    ensure!(one.is(200)?["state"] == "in-review", "{one}");

    teller.step("The second has a question: the review waits for the merchant");
    let question = json!({"question": "Which of the two receipts is it?"});
    let (asked, _) = teller
        .tell("manager", &shop.manager, &format!("{path}/inquiries"), &question, &["/state", "/inquiries/0/asked_by"])
        .await?;
    ensure!(asked.is(200)?["state"] == "needs-information", "{asked}");

    teller.step("The merchant answers with evidence: another request, so the first approval falls");
    let answer = json!({"note": "the second one", "evidence": evidence("receipt", "the second receipt")});
    let information = format!("{path}/information");
    let (told, _) = teller.tell("supervisor", &shop.supervisor, &information, &answer, &essence).await?;
    let told = told.is(200)?;
    ensure!(told["state"] == "in-review" && told["revision"] == 2 && told["approvals"] == json!([]), "{told}");
    ensure!(told["digest"] != made["digest"], "it is another request: {told}");
    let (stale, _) = teller.tell("reviewer", &shop.reviewer, &approvals, &seen, &["/code", "/revision"]).await?;
    stale.refused(409, "refund.changed")?;

    teller.step("Both agree to what it says now");
    let now = json!({"revision": 2, "digest": told["digest"]});
    shop.reviewer.tell(&approvals, &now).await?.is(200)?;
    let (both, _) = teller.tell("manager", &shop.manager, &approvals, &now, &["/state", "/approvals/1/by"]).await?;
    let both = both.is(200)?;
    ensure!(both["state"] == "approved" && both["amount"] == cny("1500.00"), "{both}");
    Ok(())
}
