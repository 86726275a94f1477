//! The chapters of the story: every way back, and every person in it.
//!
//! The demo tells them one after the other on one server; each is also a test of its own. A chapter opens a shop of its
//! own, so that what one shop does in a day does not count for another.

pub mod after;
pub mod code;
pub mod customer;
pub mod funding;
pub mod hold;
pub mod offline;
pub mod operator;
pub mod order;
pub mod policy;
pub mod privacy;
pub mod support;
pub mod till;

use crate::client::Client;
use crate::shop::Shop;
use crate::teller::{Teller, plain};
use anyhow::{Result, ensure};
use serde_json::Value;

/// The parts of a decision that is no: first finding, and what to do.
pub const FINDING: [&str; 6] = [
    "/code",
    "/decision/findings/0/rule",
    "/decision/findings/0/observed",
    "/decision/findings/0/limit",
    "/decision/findings/0/remedy",
    "/decision/messages/en",
];

/// The parts of an operation that matter.
pub const OPERATION: [&str; 6] = ["/id", "/kind", "/state", "/amount", "/executor", "/evidence/code"];

/// The finding of a rule in a refusal or a decision.
#[must_use]
pub fn finding<'v>(answer: &'v Value, rule: &str) -> &'v Value {
    let findings = answer.pointer("/decision/findings").or_else(|| answer.get("findings"));
    let found = findings.and_then(Value::as_array).and_then(|all| all.iter().find(|f| f["rule"] == rule));
    found.unwrap_or(&Value::Null)
}

/// One way of several.
#[must_use]
pub fn way<'v>(ways: &'v Value, name: &str) -> &'v Value {
    let found = ways["ways"].as_array().and_then(|all| all.iter().find(|way| way["way"] == name));
    found.unwrap_or(&Value::Null)
}

/// Shows one line per way of a payment.
///
/// # Errors
/// It was not answered as expected.
pub async fn ways_back(teller: &Teller, who: &str, client: &Client, sale: &str) -> Result<Value> {
    let ways = teller.get(who, client, &format!("/v1/transactions/{sale}/ways-back"), &[]).await?.is(200)?;
    for way in ways["ways"].as_array().into_iter().flatten() {
        let say =
            |name: &str, label: &str| way.get(name).map(|at| format!(", {label} {}", plain(at))).unwrap_or_default();
        let why = way.pointer("/findings/0/rule").map(|rule| format!(" ({})", plain(rule))).unwrap_or_default();
        let times = format!("{}{}", say("open_until", "open until"), say("opens_at", "opens at"));
        teller.note(&format!("{}: {}{why}{times}", plain(&way["way"]), plain(&way["outcome"])));
    }
    Ok(ways)
}

/// Waits for an operation to be in one of the states, and shows it.
///
/// # Errors
/// It never is.
pub async fn becomes(teller: &Teller, shop: &Shop, id: &str, states: &[&str]) -> Result<Value> {
    let there = shop.void_in(id, states).await?;
    teller.note(&format!("GET /v1/operations/{id}"));
    teller.parts(&there, &["/kind", "/state", "/evidence/source", "/evidence/code", "/attention"]);
    Ok(there)
}

/// The supervisor voids a sale, with a session and a proof; gives the void's answer.
///
/// # Errors
/// There was no answer, or no proof.
pub async fn void(teller: &Teller, shop: &Shop, sale: &str, essence: &[&str]) -> Result<crate::Reply> {
    let supervisor = shop.voiding(sale).await?;
    let path = format!("/v1/transactions/{sale}/voids");
    Ok(teller.tell("supervisor", &supervisor, &path, &shop.void(), essence).await?.0)
}

/// Registers a sale and shows it.
///
/// # Errors
/// It was not registered as new.
pub async fn register(teller: &Teller, shop: &Shop, sale: crate::shop::NewSale<'_>) -> Result<Value> {
    let essence = ["/id", "/amount", "/kind", "/status/outcome"];
    teller.post("back office", &shop.system, "/v1/transactions", &sale.body(), &essence).await?.is(201)
}

/// A refund that was approved is sent to clearing; gives it once it is in one of the states.
///
/// # Errors
/// It never is.
pub async fn clear(teller: &Teller, shop: &Shop, refund: &str, states: &[&str]) -> Result<Value> {
    let path = format!("/v1/refunds/{refund}/clearings");
    let (sent, _) = teller.tell("finance", &shop.finance, &path, &serde_json::json!({}), &["/state"]).await?;
    sent.is(200)?;
    let there = shop.refund_in(refund, states).await?;
    teller.note(&format!("GET /v1/refunds/{refund}"));
    teller.parts(&there, &["/state", "/outcome_evidence/code", "/outcome_evidence/reference"]);
    ensure!(there["id"] == refund, "it is that refund: {there}");
    Ok(there)
}
