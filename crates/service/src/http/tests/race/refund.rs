//! Races about refunds: consent and its opposites, clearing, what became of it, what is left to do, funds.

use super::Law::{Both, One, Order};
use super::Under::{Lakala, Prefunded, Till};
use super::{Ask, Form, Race, Side, Step, ask, delete, post, race, tell};
use crate::http::tests::shop::{cny, refund, sale};
use crate::testkit::Fault;
use rescind_model::Duration;
use serde_json::{Value, json};

const BEFORE: &str = "2026-11-22T12:00:00+08:00";

/// Refund R-1 of a sale of 5000.00 of the day before.
fn asked(amount: &str) -> Vec<Step> {
    let mut body = sale("Y-1", BEFORE);
    body["amount"] = cny("5000.00");
    let mut ask = refund("Y-1", amount);
    ask["id"] = json!("R-1");
    vec![post("system", "/v1/transactions", body).first(), tell("supervisor", "/v1/refunds", ask).first()]
}

/// It waits for one reviewer.
fn in_review() -> Vec<Step> {
    asked("500.00")
}

/// It needed nobody's consent.
fn approved() -> Vec<Step> {
    asked("60.00")
}

fn then(mut steps: Vec<Step>, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    steps.extend(more);
    steps
}

fn deed(who: &'static str, deed: &str, body: Value) -> Ask {
    tell(who, &format!("/v1/refunds/R-1/{deed}"), body)
}

fn approve(who: &'static str) -> Ask {
    deed(who, "approvals", json!({}))
}

fn withdraw() -> Ask {
    deed("supervisor", "withdrawals", json!({"reason": "changed my mind"}))
}

fn decline(who: &'static str) -> Ask {
    deed(who, "declines", json!({"reason": "no"}))
}

fn clear() -> Ask {
    deed("finance", "clearings", json!({}))
}

/// What the provider said of the cleared refund.
fn ended(says: &'static str) -> Vec<Step> {
    let soon = || Step::Later(Duration::seconds(2));
    then(approved(), [clear().first(), Step::Provider(says), soon(), soon()])
}

const DONE: &str = r#"{"status":"done","code":"00","provider_reference":"P-1"}"#;
const FAILED: &str = r#"{"status":"failed","code":"51"}"#;

fn owe() -> Ask {
    deed("finance", "liabilities", json!({"cause": "over-returned", "amount": cny("5.00"), "because": "so"}))
}

fn end(who: &'static str, state: &str) -> Ask {
    tell(who, "/v1/liabilities/<owed>/ends", json!({"state": state, "because": "so"}))
}

fn word(who: &'static str, took_place: bool, second: &str) -> Ask {
    deed(who, "resolutions", json!({"took_place": took_place, "second": second, "reason": "the bank says so"}))
}

/// A reviewers' system.
fn desk() -> Step {
    let ask = json!({"label": "desk", "principals": {"kim": "M-1.reviewer"}});
    let made = post("admin", "/v1/review-sources?merchant=M-1", ask);
    Step::Ask(made, vec![("<source>", "/id"), ("<secret>", "/secret")])
}

fn review() -> Ask {
    let yes = json!({"refund": "R-1", "principal": "kim", "decision": "approve", "revision": 1});
    ask("nobody", "POST", "/v1/webhooks/reviews?source=<source>", yes, Form::Signed("msg_1"))
}

fn consent() -> Vec<Race> {
    vec![
        race(
            "a refund is approved or declined",
            Lakala,
            in_review(),
            [approve("reviewer").into(), decline("reviewer-2").into()],
            One,
        ),
        race(
            "a refund is approved or withdrawn",
            Lakala,
            in_review(),
            [approve("reviewer").into(), withdraw().into()],
            Order,
        ),
        race(
            "a refund is declined or withdrawn",
            Lakala,
            in_review(),
            [decline("reviewer").into(), withdraw().into()],
            One,
        ),
        race(
            "one consent is enough once",
            Lakala,
            in_review(),
            [approve("reviewer").into(), approve("reviewer-2").into()],
            One,
        ),
        race(
            "a question stops the review or comes too late",
            Lakala,
            in_review(),
            [deed("reviewer", "inquiries", json!({"question": "why?"})).into(), approve("reviewer-2").into()],
            One,
        ),
        race(
            "what the merchant answers is about a refund that is still asked for",
            Lakala,
            then(in_review(), [deed("reviewer", "inquiries", json!({"question": "why?"})).first()]),
            [deed("supervisor", "information", json!({"note": "so"})).into(), withdraw().into()],
            Order,
        ),
        race(
            "a refund is approved before its time is over",
            Lakala,
            then(in_review(), [Step::Later(Duration { ms: Duration::minutes(72 * 60).ms - 5_000 })]),
            [approve("reviewer").into(), Side::Later(Duration::seconds(10))],
            Order,
        ),
        race(
            "a reviewers' system approves, or the refund is declined here",
            Lakala,
            then(in_review(), [desk()]),
            [review().into(), decline("reviewer-2").into()],
            One,
        ),
        race(
            "a reviewers' system approves before it is revoked",
            Lakala,
            then(in_review(), [desk()]),
            [review().into(), delete("admin", "/v1/review-sources/<source>", Value::Null).into()],
            Order,
        ),
        race(
            "whoever loses the role approves first or not at all",
            Lakala,
            in_review(),
            [
                approve("reviewer").into(),
                super::put("admin", "/v1/persons/M-1.reviewer/grants", json!({"grants": []})).into(),
            ],
            Order,
        ),
    ]
}

fn clearing() -> Vec<Race> {
    // What somebody asks for counts towards that person's tier while it is being decided: two persons.
    let ask_for = |who, amount: &str| tell(who, "/v1/refunds", refund("S-1", amount));
    let sold = || post("system", "/v1/transactions", sale("S-1", BEFORE)).first();
    let paid_in = |amount: &str| tell("system", "/v1/merchants/M-1/funds", json!({"id": "B-1", "amount": cny(amount)}));
    vec![
        race(
            "what is left goes once",
            Lakala,
            vec![sold()],
            [ask_for("manager", "60.00").into(), ask_for("supervisor", "50.00").into()],
            One,
        ),
        race("a refund clears or is withdrawn", Lakala, approved(), [clear().into(), withdraw().into()], One),
        race(
            "a refund that is cleared twice is sent once",
            Lakala,
            approved(),
            [clear().into(), deed("manager", "clearings", json!({})).into()],
            One,
        ),
        race(
            "a terminal gave it back or did not",
            Till,
            then(approved(), [clear().first()]),
            [
                deed("terminal", "results", json!({"outcome": "done"})).into(),
                deed("system", "results", json!({"outcome": "failed"})).into(),
            ],
            One,
        ),
        race(
            "two persons say one thing of a refund, or the first takes it back",
            Till,
            then(
                approved(),
                [
                    clear().first(),
                    deed("terminal", "results", json!({"outcome": "unknown"})).first(),
                    word("manager", true, "M-1.finance").first(),
                ],
            ),
            [word("finance", true, "M-1.manager").into(), word("manager", false, "M-1.finance").into()],
            Order,
        )
        .meanwhile("operation.conflict"),
        race(
            "one payment into the funds is counted once",
            Prefunded,
            vec![],
            [paid_in("100.00").into(), paid_in("200.00").into()],
            One,
        ),
        race(
            "a refund clears with what was paid in, now or as soon as it is there",
            Prefunded,
            approved(),
            [clear().into(), paid_in("100.00").into()],
            Both,
        )
        .compared(super::Compared::InTheEnd),
    ]
}

fn afterwards() -> Vec<Race> {
    let owed_to_the_merchant = || then(ended(DONE), [owe().named("<owed>", "/id")]);
    vec![
        race(
            "a failed refund is sent again, or what is left is asked for anew",
            Lakala,
            ended(FAILED),
            [
                deed("finance", "retries", json!({})).into(),
                tell("manager", "/v1/refunds", refund("Y-1", "4950.00")).into(),
            ],
            One,
        ),
        race(
            "a failed refund is sent again once",
            Lakala,
            ended(FAILED),
            [deed("finance", "retries", json!({})).into(), deed("manager", "retries", json!({})).into()],
            One,
        ),
        race(
            "a refund is searched for or was given back",
            Lakala,
            ended(DONE),
            [
                deed("supervisor", "traces", json!({})).into(),
                deed("system", "returns", json!({"code": "account-closed"})).into(),
            ],
            Order,
        ),
        race(
            "a refund comes back once",
            Lakala,
            ended(DONE),
            [
                deed("system", "returns", json!({"code": "account-closed"})).into(),
                deed("system", "returns", json!({"code": "card-lost"})).into(),
            ],
            One,
        ),
        race(
            "a liability is recorded once",
            Lakala,
            ended(DONE),
            [owe().into(), {
                deed(
                    "manager",
                    "liabilities",
                    json!({"cause": "over-returned", "amount": cny("6.00"), "because": "so"}),
                )
                .into()
            }],
            One,
        ),
        race(
            "a liability has one end",
            Lakala,
            owed_to_the_merchant(),
            [end("finance", "settled").into(), end("manager", "written-off").into()],
            One,
        ),
        race(
            "what was agreed outside is not sent again",
            Lakala,
            then(
                ended(FAILED),
                [Step::Ask(
                    ask("manager", "GET", "/v1/refunds/R-1", Value::Null, Form::Plain),
                    vec![("<owed>", "/liabilities/0/id")],
                )],
            ),
            [deed("finance", "retries", json!({})).into(), end("manager", "agreed").into()],
            One,
        ),
    ]
}

pub(super) fn races() -> Vec<Race> {
    [consent(), clearing(), afterwards()].into_iter().flatten().collect()
}

#[tokio::test]
async fn consent_and_its_opposites() {
    super::run(consent(), Fault::None).await;
}

#[tokio::test]
async fn clearing_and_funds() {
    super::run(clearing(), Fault::None).await;
}

#[tokio::test]
async fn what_is_left_to_do() {
    super::run(afterwards(), Fault::None).await;
}
