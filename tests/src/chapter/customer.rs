//! The customer: from 5,000.00 on the policy wants to know that it is the customer who is at the counter.

use super::{FINDING, becomes, finding, register};
use crate::operator::SUPERVISOR;
use crate::shop::{Shop, cny, text};
use crate::stage::Stage;
use crate::teller::Teller;
use crate::{Receiver, eventually};
use anyhow::{Context as _, Result, ensure};
use core::time::Duration;
use serde_json::{Value, json};

/// How the customer is reached, as it was registered with the sale: nobody's number.
const CONTACT: &str = "+8613800000000";

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("The customer agrees");
    let shop = stage.shop("M-customer", "lakala").await?;
    let receiver = Receiver::start().await?;
    by_code(teller, stage, &shop, &receiver).await?;
    by_card(teller, &shop).await
}

/// A void of the whole sale, with the supervisor's proof, and what shows who the customer is.
async fn void_with(
    teller: &Teller,
    shop: &Shop,
    sale: &str,
    identity: Option<Value>,
    essence: &[&str],
) -> Result<crate::Reply> {
    let proving = shop.proving_void(&shop.terminal, &SUPERVISOR, sale).await?;
    let mut body = shop.void();
    if let Some(identity) = identity {
        body["identity"] = identity;
    }
    Ok(teller.tell("terminal", &proving, &format!("/v1/transactions/{sale}/voids"), &body, essence).await?.0)
}

async fn by_code(teller: &mut Teller, stage: &Stage, shop: &Shop, receiver: &Receiver) -> Result<()> {
    teller.step("A void of 6,000.00: the customer has to be identified");
    register(teller, shop, shop.sale("S-1").of("6000.00").with("contact", json!({"phone": CONTACT}))).await?;
    let no = void_with(teller, shop, "S-1", None, &FINDING).await?;
    ensure!(!finding(&no.refused(422, "decision.deny")?, "void.identity").is_null(), "{no}");

    teller.step("A code goes to the customer, through the merchant's endpoint for such messages");
    let body = json!({"url": receiver.url(), "locale": "en", "audience": "customer", "customer_messages": true});
    shop.manager.post("/v1/webhook-endpoints", &body).await?.is(201)?;
    let ask = json!({"sale": "S-1", "way": "void", "amount": cny("6000.00")});
    let (asked, _) =
        teller.tell("supervisor", &shop.supervisor, "/v1/confirmations", &ask, &["/id", "/expires_at"]).await?;
    let id = text(&asked.is(201)?, "id")?;
    ensure!(!asked.text.contains("code"), "the code is not in the answer: {asked}");
    let letter = eventually("the code to be delivered", Duration::from_secs(20), async || {
        let bodies = receiver.deliveries().iter().filter_map(|d| d.json().ok()).collect::<Vec<_>>();
        Ok(bodies.into_iter().find(|body| body["type"] == "customer.confirmation" && body["data"]["sale"] == "S-1"))
    })
    .await?;
    teller.parts(&letter, &["/type", "/data/way", "/data/amount", "/data/contact", "/data/message/body"]);
    let code = code_in(&letter)?;

    teller.step("A wrong code is refused; the right one, repeated by the customer, lets the void through");
    let next = code.chars().last().and_then(|c| c.to_digit(10)).context("a code ends with a digit")?;
    let head: String = code.chars().take(5).collect();
    let wrong = json!({"confirmation": id, "code": format!("{head}{}", (next + 1) % 10)});
    let no = void_with(teller, shop, "S-1", Some(wrong), &["/code", "/detail"]).await?;
    no.refused(422, "confirmation.wrong-code")?;
    let right = json!({"confirmation": id, "code": code});
    let made = void_with(teller, shop, "S-1", Some(right.clone()), &["/id", "/state"]).await?;
    let done = becomes(teller, shop, &text(&made.is(201)?, "id")?, &["done"]).await?;
    stage.did_once(&done)?;
    ensure!(!shop.look_at("S-1").await?.to_string().contains(&code), "the code is recorded nowhere");
    let feed = shop.system.get("/v1/events?limit=100&audience=customer").await?;
    ensure!(!feed.text.contains(&code) && !feed.text.contains(CONTACT), "nor told to anybody else: {feed}");
    Ok(())
}

/// Six digits in a row.
fn code_in(letter: &Value) -> Result<String> {
    let said = letter["data"]["message"]["body"].as_str().context("the message has a text")?;
    let mut runs = said.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
    runs.next().map(str::to_owned).with_context(|| format!("no code in {said:?}"))
}

async fn by_card(teller: &mut Teller, shop: &Shop) -> Result<()> {
    teller.step("Or the original card: another card than the one that paid is refused");
    register(teller, shop, shop.sale("S-2").of("7000.00").with("payer_token", json!("tok-5d015a"))).await?;
    let no = void_with(teller, shop, "S-2", Some(json!({"card_token": "tok-another"})), &["/code", "/detail"]).await?;
    no.refused(422, "identity.mismatch")?;
    let yes = void_with(teller, shop, "S-2", Some(json!({"card_token": "tok-5d015a"})), &["/state"]).await?;
    becomes(teller, shop, &text(&yes.is(201)?, "id")?, &["done"]).await?;
    Ok(())
}
