//! Funds: under UnionPay refunds clear from what came in on the day, and the rest waits its turn.

use super::register;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Funds of the day");
    let shop = stage.shop("M-funds", "unionpay").await?;
    teller.step("60.00 came in today; a refund of 80.00 is approved, and waits");
    register(teller, &shop, shop.sale("D-1").of("60.00")).await?;
    shop.sale("S-1").days_ago(3).register().await?;
    shop.sale("S-2").days_ago(3).register().await?;
    let (first, second) = (approved(&shop, "S-1", "80.00").await?, approved(&shop, "S-2", "5.00").await?);
    let essence = ["/state", "/amount"];
    let clearings = |id: &str| format!("/v1/refunds/{id}/clearings");
    let (sent, _) = teller.tell("finance", &shop.finance, &clearings(&first), &json!({}), &essence).await?;
    ensure!(sent.is(200)?["state"] == "queued", "the funds do not reach: {sent}");

    teller.step("A small one behind it would fit, and waits its turn: nobody is overtaken");
    let (sent, _) = teller.tell("finance", &shop.finance, &clearings(&second), &json!({}), &essence).await?;
    ensure!(sent.is(200)?["state"] == "queued", "first come, first served: {sent}");
    let funds = show(teller, &shop).await?;
    ensure!(funds["income"] == cny("60.00") && funds["queued"]["count"] == 2, "{funds}");

    teller.step("More comes in: both clear, in their order, and no approval is asked for again");
    register(teller, &shop, shop.sale("D-2").of("40.00")).await?;
    let (one, two) = (shop.refund_in(&first, &["cleared"]).await?, shop.refund_in(&second, &["cleared"]).await?);
    for refund in [&one, &two] {
        stage.did_once(refund)?;
    }
    let funds = show(teller, &shop).await?;
    ensure!(funds["cleared"] == cny("85.00") && funds["left"] == cny("15.00"), "{funds}");
    ensure!(funds["queued"]["count"] == 0, "nobody waits: {funds}");
    Ok(())
}

async fn approved(shop: &Shop, sale: &str, amount: &str) -> Result<String> {
    let made = shop.supervisor.tell("/v1/refunds", &shop.refund(sale, amount)).await?.is(201)?;
    ensure!(made["state"] == "approved", "no person is needed: {made}");
    text(&made, "id")
}

async fn show(teller: &Teller, shop: &Shop) -> Result<Value> {
    let path = format!("/v1/merchants/{}/funding", shop.merchant);
    let essence =
        ["/items/0/income", "/items/0/held", "/items/0/cleared", "/items/0/left", "/items/0/queued", "/complete"];
    Ok(teller.get("finance", &shop.finance, &path, &essence).await?.is(200)?["items"][0].clone())
}
