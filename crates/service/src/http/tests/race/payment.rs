//! Races at the till and about a payment: how it begins, what becomes of it, which way back is taken first.

use super::Law::{Both, One, Order};
use super::Under::{Lakala, Till, UnionPay};
use super::{Ask, Form, Race, Side, Step, ask, delete, post, put, race, tell};
use crate::http::tests::device::{Device, lakala, noon, stored, terminal_policy};
use crate::http::tests::hold::hold;
use crate::http::tests::payment_code::code;
use crate::http::tests::shop::{cny, other_version, refund, sale};
use crate::testkit::Fault;
use rescind_model::{Digest, Duration};
use serde_json::{Value, json};

/// No request lives for minutes: what ends by time ends while it is under way.
const SOON: Duration = Duration { ms: 10_000 };

const TODAY: &str = "2026-11-23T11:50:00+08:00";

/// A good sale of 100.00 of ten minutes ago.
fn sold(id: &str) -> Step {
    post("system", "/v1/transactions", sale(id, TODAY)).first()
}

/// One of which nobody knows whether it took place.
fn unknown(id: &str) -> Step {
    let mut body = sale(id, TODAY);
    body["outcome"] = json!("unknown");
    post("system", "/v1/transactions", body).first()
}

fn void(who: &'static str, id: &str) -> Ask {
    tell(who, &format!("/v1/transactions/{id}/voids"), json!({"reason": "wrong-amount"}))
}

/// A terminal whose journal is known, with the void of a sale that waits in it.
fn offline() -> (Vec<Step>, Ask) {
    let kept = lakala().lines().filter(|line| !line.starts_with("authentication =") && !line.starts_with("identity ="));
    let policy = terminal_policy(&other_version(&kept.collect::<Vec<_>>().join("\n")));
    let mut device = Device::new(policy.clone(), None);
    device.knows(stored("S-1", noon(-10)));
    device.voids("V-1", "S-1", noon(-5));
    let key = rescind_bundle::Signer::public(&device.key).to_string();
    let policy = Value::String(String::from_utf8(policy).unwrap());
    let before = vec![
        sold("S-1"),
        ask("admin", "PUT", "/v1/policies/lakala", policy, Form::Content("application/json")).first(),
        put("admin", "/v1/terminals/T1?merchant=M-1", json!({"label": "counter", "journal_key": key})).first(),
    ];
    let digits: String = device.all().iter().map(|byte| format!("{byte:02x}")).collect();
    (before, ask("terminal", "POST", "/v1/terminal/sync", Value::String(digits), Form::Batch))
}

fn news(body: Value) -> Ask {
    tell("system", "/v1/transactions/S-1/events", body)
}

fn good() -> Ask {
    news(json!({"type": "outcome-known", "outcome": "good"}))
}

fn held() -> Step {
    post("system", "/v1/holds", hold("H-1")).first()
}

fn on_hold(who: &'static str, deed: &str) -> Ask {
    tell(who, &format!("/v1/holds/H-1/{deed}"), json!({}))
}

fn on_code(who: &'static str, deed: &str, body: Value) -> Ask {
    tell(who, &format!("/v1/payment-codes/C-1/{deed}"), body)
}

fn coded() -> Step {
    post("system", "/v1/payment-codes", code("C-1")).first()
}

/// A void that the terminal carries out, and of which it knows nothing more.
fn void_of_unknown_outcome() -> Vec<Step> {
    vec![
        sold("S-1"),
        void("supervisor", "S-1").named("<void>", "/id"),
        tell("terminal", "/v1/operations/<void>/results", json!({"outcome": "unknown"})).first(),
    ]
}

fn result(who: &'static str, outcome: &str) -> Ask {
    tell(who, "/v1/operations/<void>/results", json!({"outcome": outcome}))
}

fn word(who: &'static str, path: &str, took_place: bool, second: &str) -> Ask {
    tell(who, path, json!({"took_place": took_place, "second": second, "reason": "the bank says so"}))
}

/// Three voids, after which the policy leaves the fourth to support; its case.
fn referred() -> Vec<Step> {
    let mut steps: Vec<Step> = ["V-1", "V-2", "V-3", "S-1"].into_iter().map(sold).collect();
    steps.extend(["V-1", "V-2", "V-3"].into_iter().map(|id| void("supervisor", id).first()));
    steps.push(Step::Refused(void("supervisor", "S-1")));
    steps
}

fn case(who: &'static str) -> Ask {
    tell(who, "/v1/transactions/S-1/cases", json!({"way": "void", "reason": "wrong-amount"}))
}

fn opened() -> Vec<Step> {
    let mut steps = referred();
    steps.push(case("supervisor").named("<case>", "/id"));
    steps
}

fn granted() -> Vec<Step> {
    let mut steps = opened();
    steps.push(tell("helen", "/v1/cases/<case>/grants", json!({"because": "so"})).first());
    steps
}

fn with_grant(who: &'static str) -> Ask {
    tell(who, "/v1/transactions/S-1/voids", json!({"reason": "wrong-amount", "case": "<case>"}))
}

fn propose(who: &'static str) -> Ask {
    tell(who, "/v1/transactions/S-1/legal-orders", json!({"reference": "C-1", "reason": "so"}))
}

fn confirm(who: &'static str) -> Ask {
    tell(who, "/v1/legal-orders/<order>/confirmations", json!({}))
}

fn proposed() -> Vec<Step> {
    vec![sold("S-1"), propose("lex").named("<order>", "/id")]
}

/// What happened, and then nothing until five seconds before so many minutes are over.
fn nearly(minutes: u32, mut steps: Vec<Step>) -> Vec<Step> {
    steps.push(Step::Later(Duration { ms: Duration::minutes(minutes).ms - 5_000 }));
    steps
}

fn beginnings() -> Vec<Race> {
    let other_amount = |mut body: Value| {
        body["amount"] = cny("1.00");
        body
    };
    vec![
        race(
            "one id is a sale or a payment code",
            Lakala,
            vec![],
            [
                post("system", "/v1/transactions", sale("C-1", TODAY)).into(),
                post("system", "/v1/payment-codes", code("C-1")).into(),
            ],
            One,
        ),
        race(
            "one id is a sale or a hold",
            Lakala,
            vec![],
            [
                post("system", "/v1/transactions", sale("H-1", TODAY)).into(),
                post("system", "/v1/holds", hold("H-1")).into(),
            ],
            One,
        ),
        race(
            "one hold has one amount",
            Lakala,
            vec![],
            [
                post("system", "/v1/holds", hold("H-1")).into(),
                post("system", "/v1/holds", other_amount(hold("H-1"))).into(),
            ],
            One,
        ),
        race(
            "one code has one amount",
            Lakala,
            vec![],
            [
                post("system", "/v1/payment-codes", code("C-1")).into(),
                post("terminal", "/v1/payment-codes", other_amount(code("C-1"))).into(),
            ],
            One,
        ),
        race(
            "a code is paid or cancelled",
            Lakala,
            vec![coded()],
            [
                on_code("terminal", "scans", json!({"outcome": "good"})).into(),
                on_code("supervisor", "cancellations", json!({})).into(),
            ],
            One,
        ),
        race(
            "a code is cancelled once",
            Lakala,
            vec![coded()],
            [
                on_code("supervisor", "cancellations", json!({})).into(),
                on_code("manager", "cancellations", json!({})).into(),
            ],
            One,
        ),
        race(
            "a scan has one outcome",
            Lakala,
            vec![coded()],
            [
                on_code("terminal", "scans", json!({"outcome": "good"})).into(),
                on_code("system", "scans", json!({"outcome": "unknown"})).into(),
            ],
            Order,
        ),
        race(
            "a code that was paid before it expired is paid, whenever that is heard",
            Lakala,
            nearly(5, vec![coded()]),
            [
                on_code("terminal", "scans", json!({"outcome": "good", "at": "2026-11-23T12:00:00+08:00"})).into(),
                Side::Later(SOON),
            ],
            Both,
        ),
        race(
            "a hold is completed or released",
            Lakala,
            vec![held()],
            [on_hold("supervisor", "completions").into(), on_hold("manager", "releases").into()],
            One,
        ),
        race(
            "a hold is completed before it lapses",
            Lakala,
            nearly(30 * 24 * 60 - 10, vec![held()]),
            [on_hold("supervisor", "completions").into(), Side::Later(SOON)],
            Order,
        ),
        race(
            "what a hold captured is voided or refunded",
            UnionPay,
            vec![held(), on_hold("terminal", "completions").named("<void>", "/id"), result("terminal", "done").first()],
            [
                on_hold("supervisor", "completion-voids").into(),
                tell("manager", "/v1/refunds", refund("H-1", "50.00")).into(),
            ],
            One,
        ),
    ]
}

fn ways_back() -> Vec<Race> {
    vec![
        race(
            "a sale is voided or refunded",
            UnionPay,
            vec![sold("S-1")],
            [void("supervisor", "S-1").into(), tell("manager", "/v1/refunds", refund("S-1", "60.00")).into()],
            One,
        ),
        race(
            "a sale is voided once",
            Lakala,
            vec![sold("S-1")],
            [void("supervisor", "S-1").into(), void("manager", "S-1").into()],
            One,
        ),
        race(
            "a sale is voided before it is settled",
            Lakala,
            vec![sold("S-1")],
            [void("supervisor", "S-1").into(), news(json!({"type": "settled"})).into()],
            Order,
        ),
        race(
            "a sale is voided before it is paid out",
            UnionPay,
            vec![sold("S-1")],
            [void("supervisor", "S-1").into(), news(json!({"type": "paid-out"})).into()],
            Order,
        ),
        race(
            "a sale is voided before its batch is closed",
            Till,
            vec![sold("S-1")],
            [
                void("supervisor", "S-1").into(),
                post("terminal", "/v1/terminals/T1/batches/000001/close", json!({})).into(),
            ],
            Order,
        ),
        race(
            "the last void of a day is one",
            Lakala,
            vec![
                sold("V-1"),
                sold("V-2"),
                sold("S-1"),
                sold("S-2"),
                void("supervisor", "V-1").first(),
                void("supervisor", "V-2").first(),
            ],
            [void("supervisor", "S-1").into(), void("manager", "S-2").into()],
            One,
        ),
        race(
            "a void took place or did not",
            UnionPay,
            vec![sold("S-1"), void("supervisor", "S-1").named("<void>", "/id")],
            [result("terminal", "done").into(), result("system", "failed").into()],
            One,
        ),
        race(
            "two persons say one thing, or the first takes it back",
            UnionPay,
            {
                let mut steps = void_of_unknown_outcome();
                steps.push(word("manager", "/v1/operations/<void>/resolutions", true, "M-1.finance").first());
                steps
            },
            [
                word("finance", "/v1/operations/<void>/resolutions", true, "M-1.manager").into(),
                word("manager", "/v1/operations/<void>/resolutions", false, "M-1.finance").into(),
            ],
            Order,
        )
        .meanwhile("operation.conflict"),
        race(
            "two persons say it took place, the terminal that it did not",
            UnionPay,
            {
                let mut steps = void_of_unknown_outcome();
                steps.push(word("manager", "/v1/operations/<void>/resolutions", true, "M-1.finance").first());
                steps
            },
            [
                word("finance", "/v1/operations/<void>/resolutions", true, "M-1.manager").into(),
                result("terminal", "failed").into(),
            ],
            One,
        ),
        race(
            "trouble at the till or a late answer",
            Lakala,
            vec![unknown("S-1")],
            [tell("terminal", "/v1/transactions/S-1/troubles", json!({"trouble": "no-answer"})).into(), good().into()],
            Both,
        ),
        race(
            "a payment is reversed or turns out good",
            Lakala,
            vec![unknown("S-1")],
            [tell("supervisor", "/v1/transactions/S-1/reversals", json!({})).into(), good().into()],
            Order,
        ),
        race(
            "two who have trouble with one payment have it undone once",
            Lakala,
            vec![unknown("S-1")],
            [
                tell("terminal", "/v1/transactions/S-1/troubles", json!({"trouble": "no-answer"})).into(),
                tell("supervisor", "/v1/transactions/S-1/reversals", json!({})).into(),
            ],
            Order,
        ),
        race(
            "a payment was declined or is being undone",
            Lakala,
            vec![unknown("S-1")],
            [
                tell("terminal", "/v1/transactions/S-1/troubles", json!({"trouble": "declined"})).into(),
                tell("supervisor", "/v1/transactions/S-1/troubles", json!({"trouble": "no-answer"})).into(),
            ],
            Both,
        ),
    ]
}

fn referrals_and_orders() -> Vec<Race> {
    let verdict = |who, what: &str| tell(who, &format!("/v1/cases/<case>/{what}"), json!({"because": "so"}));
    vec![
        race(
            "one case is open at a time",
            Lakala,
            referred(),
            [case("supervisor").into(), case("manager").into()],
            One,
        ),
        race(
            "a case is granted or refused",
            Lakala,
            opened(),
            [verdict("helen", "grants").into(), verdict("hugo", "refusals").into()],
            One,
        ),
        race(
            "a case is one person's: whoever takes it, the other does not grant it",
            Lakala,
            opened(),
            [tell("helen", "/v1/cases/<case>/assignments", json!({})).into(), verdict("hugo", "grants").into()],
            One,
        ),
        race(
            "a case is given to one or to another",
            Lakala,
            opened(),
            [
                tell("helen", "/v1/cases/<case>/assignments", json!({"to": "helen"})).into(),
                tell("helen", "/v1/cases/<case>/assignments", json!({"to": "hugo"})).into(),
            ],
            Both,
        ),
        race(
            "a case is granted before it ends by itself",
            Lakala,
            nearly(72 * 60, opened()),
            [verdict("helen", "grants").into(), Side::Later(SOON)],
            Order,
        ),
        race(
            "a grant is used once",
            Lakala,
            granted(),
            [with_grant("supervisor").into(), with_grant("manager").into()],
            One,
        ),
        race(
            "a grant is used for the payment, or the payment is settled first",
            Lakala,
            granted(),
            [with_grant("supervisor").into(), news(json!({"type": "settled"})).into()],
            Order,
        ),
        race(
            "what a void takes is not left for a legal order",
            UnionPay,
            vec![sold("S-1")],
            [propose("lex").into(), void("supervisor", "S-1").into()],
            One,
        ),
        race(
            "one legal order waits at a time",
            Lakala,
            vec![sold("S-1")],
            [propose("lex").into(), propose("lena").into()],
            One,
        ),
        race(
            "a legal order is confirmed once",
            Lakala,
            proposed(),
            [confirm("lena").into(), confirm("leo").into()],
            One,
        ),
        race(
            "a legal order is confirmed before it expires",
            Lakala,
            nearly(24 * 60, proposed()),
            [confirm("lena").into(), Side::Later(SOON)],
            Order,
        ),
    ]
}

/// The SHA-256 of a receipt's text.
fn receipt() -> String {
    format!("/v1/evidence/{}", Digest::of(RECEIPT.as_bytes()))
}

const RECEIPT: &str = "a receipt";

fn give() -> Ask {
    let content = Form::Content("text/plain");
    ask("cashier", "PUT", &receipt(), json!(RECEIPT), content)
}

fn part() -> Ask {
    let path = format!("{}/parts/{}", receipt(), Digest::of(RECEIPT.as_bytes()));
    ask("cashier", "PUT", &path, json!(RECEIPT), Form::Content("application/octet-stream"))
}

fn completion() -> Ask {
    let whole = json!({"media_type": "text/plain", "parts": [Digest::of(RECEIPT.as_bytes()).hex]});
    post("cashier", &format!("{}/completions", receipt()), whole)
}

fn erase_evidence() -> Ask {
    delete("manager", &receipt(), json!({"reason": "asked to"}))
}

fn personal() -> Vec<Race> {
    let known = || {
        let mut body = sale("S-1", "2026-11-22T12:00:00+08:00");
        body["contact"] = json!({"phone": "13800000000"});
        let channel = json!({"url": "https://sms.example/send", "locale": "en", "audience": "customer", "customer_messages": true});
        vec![
            post("system", "/v1/transactions", body).first(),
            post("manager", "/v1/webhook-endpoints", channel).first(),
        ]
    };
    let erase = || tell("manager", "/v1/transactions/S-1/erasures", json!({"reason": "asked to"}));
    vec![
        race(
            "a code goes to the sale's contact unless it was erased",
            Lakala,
            known(),
            [
                tell(
                    "supervisor",
                    "/v1/confirmations",
                    json!({"sale": "S-1", "way": "refund", "amount": cny("60.00")}),
                )
                .into(),
                erase().into(),
            ],
            Order,
        ),
        race(
            "an export shows what was not erased",
            Lakala,
            known(),
            [erase().into(), ask("manager", "GET", "/v1/transactions/S-1/export", Value::Null, Form::Plain).into()],
            Both,
        ),
        race(
            "a refund's note is kept or erased",
            Lakala,
            known(),
            [
                erase().into(),
                tell("manager", "/v1/refunds", {
                    let mut body = refund("S-1", "60.00");
                    body["note"] = json!("broken");
                    body
                })
                .into(),
            ],
            Both,
        )
        // What is erased is what was there when the erasure began; it is on record when it was done.
        .compared(super::Compared::InAnyOrder),
        race(
            "evidence is given or erased",
            Lakala,
            vec![give().first()],
            [erase_evidence().into(), give().into()],
            Order,
        ),
        race(
            "evidence becomes whole or is erased",
            Lakala,
            vec![give().first(), part().first()],
            [completion().into(), erase_evidence().into()],
            Order,
        )
        .meanwhile("evidence.erased"),
        race(
            "a part of evidence comes, or the whole is erased",
            Lakala,
            vec![give().first()],
            [part().into(), erase_evidence().into()],
            Both,
        ),
    ]
}

/// What waited at a terminal, against what happens to its sale elsewhere.
fn from_terminals() -> Vec<Race> {
    let (before, _) = offline();
    let (settled_before, _) = offline();
    vec![
        race(
            "one sale is voided at the counter, or by what waited at a terminal",
            Lakala,
            before,
            [offline().1.into(), void("supervisor", "S-1").into()],
            Order,
        ),
        race(
            "a sale settles, or is voided by what waited at a terminal",
            Lakala,
            settled_before,
            [offline().1.into(), news(json!({"type": "settled"})).into()],
            Both,
        ),
    ]
}

pub(super) fn races() -> Vec<Race> {
    [beginnings(), ways_back(), referrals_and_orders(), personal(), from_terminals()].into_iter().flatten().collect()
}

#[tokio::test]
async fn what_waited_at_a_terminal() {
    super::run(from_terminals(), Fault::None).await;
}

#[tokio::test]
async fn how_a_payment_begins_and_ends() {
    super::run(beginnings(), Fault::None).await;
}

#[tokio::test]
async fn which_way_back_is_first() {
    super::run(ways_back(), Fault::None).await;
}

#[tokio::test]
async fn referrals_and_legal_orders() {
    super::run(referrals_and_orders(), Fault::None).await;
}

#[tokio::test]
async fn personal_data_and_evidence() {
    super::run(personal(), Fault::None).await;
}

/// Where a swap over nothing overwrites what somebody else has just made.
#[tokio::test]
async fn how_a_payment_begins_where_a_creation_takes_two_steps() {
    super::run(beginnings(), Fault::UpsertOverNothing).await;
}

/// Where no swap says that it wrote, whether it did or not.
#[tokio::test]
async fn which_way_back_is_first_where_no_swap_says_that_it_wrote() {
    super::run(ways_back(), Fault::SaysRefused).await;
}
