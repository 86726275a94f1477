//! Personal data: kept beside the ledger, shown by role, erased without breaking the chain; and evidence by its hash.

use super::register;
use crate::Client;
use crate::shop::{Shop, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Result, ensure};
use http::Request;
use rescind_model::Digest;
use serde_json::{Value, json};

const NOTE: &str = "Anna Li brought the kettle back";
const EMAIL: &str = "anna.li@example.com";
const RECEIPT: &str = "kettle, 320.00, paid by card";

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Evidence, masking, erasure");
    let shop = stage.shop("M-privacy", "lakala").await?;
    let path = kept(teller, &shop).await?;
    erased(teller, &shop, &path).await
}

async fn put(shop: &Shop, path: &str, content: &str) -> Result<crate::Reply> {
    let request = Request::put(path).header("content-type", "text/plain").body(content.to_owned())?;
    shop.cashier.send(request).await
}

async fn kept(teller: &mut Teller, shop: &Shop) -> Result<String> {
    teller.step("The cashier gives evidence, named by the hash of its content, and never sees it again");
    let content = Digest::of(RECEIPT.as_bytes()).hex;
    let path = format!("/v1/evidence/{content}");
    teller.note(&format!("PUT {path}   [cashier]"));
    let wrong = put(shop, &path, "another text").await?;
    ensure!(wrong.status == 422, "the name is the content's hash: {wrong}");
    let given = put(shop, &path, RECEIPT).await?;
    teller.answer(&given, &["/media_type", "/size", "/given_by"]);
    given.is(201)?;
    shop.cashier.get(&path).await?.refused(403, "auth.forbidden")?;
    let read = shop.reviewer.get(&path).await?;
    ensure!(read.status == 200 && read.text == RECEIPT, "a reviewer reads it: {read}");

    teller.step("A refund with a note and a contact: who sees them depends on the role");
    register(teller, shop, shop.sale("S-1").of("320.00").days_ago(2)).await?;
    let mut ask = shop.refund("S-1", "320.00");
    ask["note"] = json!(NOTE);
    ask["contact"] = json!({"email": EMAIL});
    ask["evidence"] = json!([{"kind": "receipt", "content": content}]);
    let (made, _) =
        teller.tell("supervisor", &shop.supervisor, "/v1/refunds", &ask, &["/id", "/state", "/note"]).await?;
    let refund = format!("/v1/refunds/{}", text(&made.is(201)?, "id")?);
    ensure!(!made.text.contains(EMAIL), "an answer that is kept holds the commitment alone: {made}");
    let essence = ["/note/text", "/contact/text", "/evidence/0/stored"];
    for (who, client, email) in
        [("supervisor", &shop.supervisor, "a***@example.com"), ("reviewer", &shop.reviewer, EMAIL)]
    {
        let seen = teller.get(who, client, &refund, &essence).await?.is(200)?;
        ensure!(seen["note"]["text"] == NOTE && seen["contact"]["text"] == email, "{who}: {seen}");
    }
    Ok(refund)
}

async fn erased(teller: &mut Teller, shop: &Shop, refund: &str) -> Result<()> {
    teller.step("The customer asks to be forgotten: compliance erases, and the history says so");
    let compliance: Client = shop.hire("lena", &["compliance"]).await?;
    let why = json!({"reason": "the customer asked"});
    let path = "/v1/transactions/S-1/erasures";
    let (no, _) = teller.tell("finance", &shop.finance, path, &why, &["/code"]).await?;
    no.refused(403, "auth.forbidden")?;
    let (done, _) = teller.tell("compliance", &compliance, path, &why, &["/erased", "/kept"]).await?;
    let done = done.is(200)?;
    ensure!(done["erased"].as_array().is_some_and(|all| all.len() == 3), "note, contact and receipt: {done}");
    let seen = teller.get("reviewer", &shop.reviewer, refund, &["/note", "/contact"]).await?.is(200)?;
    ensure!(seen["note"]["erased"] == true && seen["contact"]["erased"] == true, "{seen}");
    ensure!(seen["note"].get("text").is_none(), "{seen}");

    teller.step("The history tells of it, and its chain still holds");
    let file =
        teller.get("manager", &shop.manager, "/v1/transactions/S-1/export", &["/chain/intact"]).await?.is(200)?;
    ensure!(file["chain"]["intact"] == true, "{}", file["chain"]);
    let told: Vec<&Value> =
        file["events"].as_array().into_iter().flatten().filter(|event| event["type"] == "data.erased").collect();
    ensure!(told.len() == 1, "the history tells of it once: {told:?}");
    Ok(())
}
