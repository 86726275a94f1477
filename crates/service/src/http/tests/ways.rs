//! `docs/ways.md`, walked: every state a payment can be in, made over the API, and every wish about it, carried out.

use super::hold::hold;
use super::payment_code::{code, provider_says};
use super::shop::{Reply, Shop, cny, refund, sale};
use crate::ports::{OutboundAnswer, Ports as _};
use core::future::Future;
use core::pin::Pin;
use rescind_model::token::Token as _;
use rescind_model::{Duration, OperationState, PersonId, RefundState, SaleOutcome, Way};
use rescind_proof::Operation;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TABLE: &str = include_str!("../../../../../docs/ways.md");
const PACKS: [&str; 2] = ["lakala", "unionpay"];
const WISHES: [&str; 4] = ["all", "part", "penalty", "correct"];
const TODAY: &str = "2026-11-23T11:50:00+08:00";
const YESTERDAY: &str = "2026-11-22T12:00:00+08:00";
const DONE: &str = r#"{"status":"done","code":"00","provider_reference":"P-1"}"#;
const FAILED: &str = r#"{"status":"failed","code":"25"}"#;
/// Longer than any schedule of queries, any terminal's silence and any number of reversals before a person is called.
const SILENCE_MINUTES: u32 = 120;

// ------------------------------------------------------------------------------------------------------------ the table

/// What a step does. On the heap: the steps of all rows together are more than a test's stack holds.
type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

struct Row {
    name: &'static str,
    under: Vec<&'static str>,
    cells: Vec<&'static str>,
}

/// One way in a cell: under which policies, by which steps, and what the merchant has at its end.
struct Path {
    under: Option<&'static str>,
    steps: Vec<&'static str>,
    left: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let columns: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [state, under, cells @ ..] = columns.as_slice() else { panic!("a row without columns: {line}") };
        let (name, what) = state.trim_start_matches("**").split_once("**: ").unwrap();
        assert!(!what.is_empty(), "{name} does not say what it is");
        let under = if *under == "both" { PACKS.to_vec() } else { vec![*under] };
        assert!(under.iter().all(|pack| PACKS.contains(pack)), "{name}: {under:?}");
        Row { name, under, cells: cells.to_vec() }
    };
    TABLE.lines().filter(|line| line.starts_with("| **")).map(row).collect()
}

impl Row {
    /// The ways of the cell for a wish. None is without one, under any of the row's policies.
    fn paths(&self, wish: &str) -> Vec<Path> {
        let column = WISHES.iter().position(|known| *known == wish).unwrap();
        assert_eq!(self.cells.len(), WISHES.len(), "{}: a cell is missing", self.name);
        let mut parts: Vec<&'static str> = self.cells[column].split("<br>").collect();
        let test = parts.pop().unwrap_or_default();
        assert_eq!(test, format!("({}::{wish})", self.name), "the cell's test");
        let paths: Vec<Path> = parts.into_iter().map(Path::read).collect();
        for pack in &self.under {
            let has_one = paths.iter().any(|path| path.under.is_none_or(|only| only == *pack));
            assert!(has_one, "{} · {wish}: no way under {pack}", self.name);
        }
        paths
    }
}

impl Path {
    fn read(text: &'static str) -> Self {
        let pieces: Vec<&'static str> = text.splitn(3, '`').collect();
        let [under, steps, end] = pieces.as_slice() else { panic!("no steps in {text:?}") };
        let under = under.trim().trim_end_matches(':');
        let left = end.trim().strip_prefix("⇒ ").unwrap_or_else(|| panic!("no end in {text:?}"));
        let left = left.split(' ').next().unwrap_or_default();
        Self { under: (!under.is_empty()).then_some(under), steps: steps.split("; ").collect(), left }
    }
}

/// Makes the row's state and carries out every way of the cell from it, each on a shop of its own.
async fn walk(name: &str, wish: &str) {
    let rows = rows();
    let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("docs/ways.md has no row {name}"));
    for path in row.paths(wish) {
        for pack in row.under.iter().filter(|pack| path.under.is_none_or(|only| only == **pack)) {
            let mut counter = Box::pin(Counter::at(name, pack)).await;
            counter.trail = format!("{name} · {wish} under {pack}");
            for step in &path.steps {
                counter.trail.push_str(" · ");
                counter.trail.push_str(step);
                counter.step(step).await;
            }
            let left = counter.left().await;
            assert_eq!(left, minor(path.left), "{}: what the merchant has at the end", counter.trail);
        }
    }
}

macro_rules! rows {
    ($($name:ident)*) => {
        const WALKED: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            #[tokio::test]
            async fn all() { super::walk(stringify!($name), "all").await; }
            #[tokio::test]
            async fn part() { super::walk(stringify!($name), "part").await; }
            #[tokio::test]
            async fn penalty() { super::walk(stringify!($name), "penalty").await; }
            #[tokio::test]
            async fn correct() { super::walk(stringify!($name), "correct").await; }
        })*
    };
}

rows! {
    good_today
    good_past_the_void_window
    good_after_three_voids
    good_yesterday
    batch_closed
    settled
    paid_out
    real_time
    beyond_the_refund_window
    kind_not_refundable
    void_under_way
    void_unknown
    void_failed
    voided
    legal_order_proposed
    refund_in_review
    refund_needs_information
    refund_approved
    refund_queued
    refund_clearing
    refund_unknown
    part_refunded
    refunded_and_not_arrived
    fully_refunded
    refund_declined
    refund_withdrawn
    refund_expired
    refund_failed
    refund_returned
    unknown_card_sale
    reversal_under_way
    reversal_unknown
    reversed
    reversed_and_told_otherwise
    declined
    failed
    code_unscanned
    code_scanned
    code_scanned_and_declined
    code_paid
    code_cancel_under_way
    code_cancel_unknown
    code_cancelled
    code_expired
    held
    hold_unknown
    hold_completion_under_way
    hold_completion_unknown
    hold_completed
    hold_completed_and_settled
    completion_void_under_way
    completion_void_unknown
    hold_release_under_way
    hold_release_unknown
    hold_released
    hold_lapsed
    prepaid_free
    prepaid_inside_the_penalty
    prepaid_kept_whole
    prepaid_uncancellable
}

/// The rows of an outcome. A new outcome does not compile without one.
fn rows_of_outcome(outcome: SaleOutcome) -> &'static [&'static str] {
    match outcome {
        SaleOutcome::Good => &["good_today", "good_yesterday", "code_paid", "hold_completed"],
        SaleOutcome::Unknown => &["unknown_card_sale", "code_scanned", "hold_unknown"],
        SaleOutcome::Declined => &["declined"],
        SaleOutcome::Failed => &["failed"],
        SaleOutcome::Reversed => &["reversed", "reversed_and_told_otherwise"],
        SaleOutcome::Unpaid => &["code_unscanned", "code_scanned_and_declined", "code_cancel_under_way"],
        SaleOutcome::Cancelled => &["code_cancelled"],
        SaleOutcome::Expired => &["code_expired"],
        SaleOutcome::Held => &["held"],
        SaleOutcome::Released => &["hold_released"],
        SaleOutcome::Lapsed => &["hold_lapsed"],
    }
}

/// The rows of a refund's state.
fn rows_of_refund(state: RefundState) -> &'static [&'static str] {
    match state {
        // The automatic review is part of the submission: no refund rests before it.
        RefundState::Submitted | RefundState::InReview => &["refund_in_review"],
        RefundState::NeedsInformation => &["refund_needs_information"],
        RefundState::Approved => &["refund_approved"],
        RefundState::Queued => &["refund_queued"],
        RefundState::Clearing => &["refund_clearing"],
        RefundState::Cleared => &["part_refunded", "fully_refunded", "refund_returned", "refunded_and_not_arrived"],
        RefundState::Declined => &["refund_declined"],
        RefundState::Withdrawn => &["refund_withdrawn"],
        RefundState::Expired => &["refund_expired"],
        RefundState::Failed => &["refund_failed"],
        RefundState::Unknown => &["refund_unknown"],
    }
}

/// The rows of an operation's state. What failed leaves the payment as it was, which has a row of its own.
fn rows_of_operation(way: Way, state: OperationState) -> &'static [&'static str] {
    use OperationState::{Authorised, Done, Failed, Sent, Unknown};
    match (way, state) {
        (Way::Refund, _) => &[],
        (Way::Void, Authorised | Sent) => &["void_under_way"],
        (Way::Void, Unknown) => &["void_unknown"],
        (Way::Void, Done) => &["voided"],
        (Way::Void, Failed) => &["void_failed"],
        (Way::Reversal, Authorised | Sent) => &["reversal_under_way"],
        (Way::Reversal, Unknown) => &["reversal_unknown"],
        (Way::Reversal, Done) => &["reversed"],
        (Way::Reversal, Failed) => &["good_today", "held"],
        (Way::OrderClose, Authorised | Sent) => &["code_cancel_under_way"],
        (Way::OrderClose, Unknown) => &["code_cancel_unknown"],
        (Way::OrderClose, Done) => &["code_cancelled"],
        (Way::OrderClose, Failed) => &["code_unscanned", "code_expired"],
        (Way::HoldRelease, Authorised | Sent) => &["hold_release_under_way"],
        (Way::HoldRelease, Unknown) => &["hold_release_unknown"],
        (Way::HoldRelease, Done) => &["hold_released"],
        (Way::HoldCompletion, Authorised | Sent) => &["hold_completion_under_way"],
        (Way::HoldCompletion, Unknown) => &["hold_completion_unknown"],
        (Way::HoldCompletion, Done) | (Way::CompletionVoid, Failed) => &["hold_completed"],
        (Way::CompletionVoid, Authorised | Sent) => &["completion_void_under_way"],
        (Way::CompletionVoid, Unknown) => &["completion_void_unknown"],
        (Way::HoldRelease | Way::HoldCompletion, Failed) | (Way::CompletionVoid, Done) => &["held"],
    }
}

#[test]
fn no_state_is_without_a_row_and_no_cell_without_a_way() {
    let rows = rows();
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names, WALKED, "the rows of docs/ways.md, in order, are those that are walked");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a row stands there twice");
    for row in &rows {
        for wish in WISHES {
            assert!(!row.paths(wish).is_empty());
        }
    }
    let mut needed: Vec<(String, &[&str])> = Vec::new();
    needed.extend(SaleOutcome::ALL.iter().map(|(outcome, word)| ((*word).to_owned(), rows_of_outcome(*outcome))));
    needed.extend(RefundState::ALL.iter().map(|(state, word)| (format!("refund {word}"), rows_of_refund(*state))));
    for (way, word) in Way::ALL.iter().filter(|(way, _)| *way != Way::Refund) {
        needed.extend(
            OperationState::ALL.iter().map(|(state, n)| (format!("{word} {n}"), rows_of_operation(*way, *state))),
        );
    }
    for (state, rows) in needed {
        assert!(!rows.is_empty() && rows.iter().all(|row| names.contains(row)), "{state} needs a row of {rows:?}");
    }
    // Every way there is takes some payment back.
    for (_, word) in Way::ALL {
        let ask = |step: &str| step.split(' ').next() == Some(word);
        let used = rows.iter().any(|row| {
            WISHES.iter().any(|wish| row.paths(wish).iter().any(|path| path.steps.iter().any(|step| ask(step))))
        });
        assert!(used, "no cell uses {word}");
    }
}

// ------------------------------------------------------------------------------------------------------- at the counter

/// A payment of 100.00 at a shop, and what is under way about it.
struct Counter {
    shop: Shop,
    payment: String,
    /// The payment and the sales that were made in its stead.
    sales: Vec<String>,
    operation: String,
    refund: String,
    /// A legal order, and for how much it is, in minor units.
    order: (String, i64),
    support: String,
    compliance: [String; 2],
    trail: String,
}

fn minor(amount: &str) -> i64 {
    rescind_model::Money::parse(amount, "CNY").unwrap().minor
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, found {value}"))
}

impl Counter {
    /// A counter under a policy as it ships, with nothing paid yet.
    fn under(pack_name: &str) -> Doing<'_, Self> {
        Box::pin(Self::opened(pack_name))
    }

    async fn opened(pack_name: &str) -> Self {
        let shop = Shop::under(pack_name).await;
        let hire = async |name: &str, role: &str| {
            let person = json!({"id": name, "name": name, "grants": [{"merchant": "M-1", "roles": [role]}]});
            shop.post(&shop.admin, "/v1/persons", &person).await.expect(201);
            let person = PersonId::parse(name).unwrap();
            shop.world.app.make_key(crate::principal::Bearer::Person { person }, name.to_owned()).await.unwrap().1
        };
        let support = hire("helen", "support").await;
        let compliance = [hire("lex", "compliance").await, hire("lena", "compliance").await];
        Self {
            shop,
            payment: "S-1".to_owned(),
            sales: vec!["S-1".to_owned()],
            operation: String::new(),
            refund: String::new(),
            order: (String::new(), 0),
            support,
            compliance,
            trail: String::new(),
        }
    }

    fn registered(pack: &str, body: Value) -> Doing<'_, Self> {
        Box::pin(async move {
            let counter = Self::under(pack).await;
            counter.shop.post(&counter.shop.system, "/v1/transactions", &body).await.expect(201);
            counter
        })
    }

    async fn sold(pack: &str, paid_at: &str) -> Self {
        Self::registered(pack, sale("S-1", paid_at)).await
    }

    async fn sold_as(pack: &str, paid_at: &str, field: &str, value: &str) -> Self {
        let mut body = sale("S-1", paid_at);
        body[field] = json!(value);
        Self::registered(pack, body).await
    }

    async fn prepaid(pack: &str, paid_at: &str, kind: &str, service_at: &str) -> Self {
        let mut body = sale("S-1", paid_at);
        (body["kind"], body["service_at"]) = (json!(kind), json!(service_at));
        Self::registered(pack, body).await
    }

    async fn code(pack: &str) -> Self {
        let counter = Self::under(pack).await;
        counter.shop.post(&counter.shop.system, "/v1/payment-codes", &code("S-1")).await.expect(201);
        counter
    }

    async fn scanned(pack: &str, outcome: &str) -> Self {
        let counter = Self::code(pack).await;
        let body = json!({"outcome": outcome});
        counter.shop.tell(&counter.shop.system, "/v1/payment-codes/S-1/scans", &body).await.expect(200);
        counter
    }

    async fn held(pack: &str, outcome: &str) -> Self {
        let counter = Self::under(pack).await;
        let mut body = hold("S-1");
        (body["amount"], body["outcome"]) = (cny("100.00"), json!(outcome));
        counter.shop.post(&counter.shop.system, "/v1/holds", &body).await.expect(201);
        counter
    }

    /// The state of a row.
    async fn at(row: &str, pack: &str) -> Self {
        match row {
            "good_today" => Self::sold(pack, TODAY).await,
            "good_past_the_void_window" => Self::sold(pack, "2026-11-23T10:00:00+08:00").await,
            "good_after_three_voids" => {
                let mut counter = Self::sold(pack, TODAY).await;
                for id in ["V-1", "V-2", "V-3"] {
                    counter.shop.sale_of_today(id).await;
                    id.clone_into(&mut counter.payment);
                    counter.step("void").await;
                }
                "S-1".clone_into(&mut counter.payment);
                counter
            }
            "good_yesterday" => Self::sold(pack, YESTERDAY).await,
            "batch_closed" => {
                let counter = Self::sold(pack, TODAY).await;
                let close = "/v1/terminals/T1/batches/000001/close";
                counter.shop.tell(&counter.shop.terminal, close, &json!({})).await.expect(200);
                counter
            }
            "settled" => Self::sold(pack, TODAY).await.then("told settled").await,
            "paid_out" => Self::sold(pack, TODAY).await.then("told paid-out").await,
            "real_time" => Self::sold_as(pack, YESTERDAY, "settlement", "real-time").await,
            "beyond_the_refund_window" => {
                let long_ago = if pack == "lakala" { "2026-10-20T12:00:00+08:00" } else { "2025-12-01T12:00:00+08:00" };
                Self::sold(pack, long_ago).await
            }
            "kind_not_refundable" => Self::sold_as(pack, YESTERDAY, "kind", "top-up").await,

            "void_under_way" => Self::sold(pack, TODAY).await.then("ask void").await,
            "void_unknown" => Self::sold(pack, TODAY).await.then("ask void; unknown").await,
            "void_failed" => Self::sold(pack, TODAY).await.then("ask void; failed").await,
            "voided" => Self::sold(pack, TODAY).await.then("void").await,
            "legal_order_proposed" => Self::sold(pack, TODAY).await.then("propose").await,

            "refund_in_review" | "refund_needs_information" | "refund_declined" | "refund_expired" => {
                let mut counter = Self::sold(pack, YESTERDAY).await;
                // Another refund of the same requester on the same day: now persons have to agree.
                counter.shop.sale_of_yesterday("B-1").await;
                counter.shop.tell(&counter.shop.manager, "/v1/refunds", &refund("B-1", "100.00")).await.expect(201);
                counter.step("ask refund 40.00").await;
                counter
                    .then(match row {
                        "refund_needs_information" => "inquire",
                        "refund_declined" => "decline",
                        "refund_expired" => "after 3 days; tick",
                        _ => "tick",
                    })
                    .await
            }
            "refund_approved" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00").await,
            "refund_queued" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00; send unfunded").await,
            "refund_clearing" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00; send").await,
            "refund_unknown" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00; send; unknown").await,
            "part_refunded" | "refunded_and_not_arrived" => {
                Self::sold(pack, YESTERDAY).await.then("refund 40.00").await
            }
            "fully_refunded" => Self::sold(pack, YESTERDAY).await.then("refund 100.00").await,
            "refund_withdrawn" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00; withdraw").await,
            "refund_failed" => Self::sold(pack, YESTERDAY).await.then("ask refund 40.00; send; failed").await,
            "refund_returned" => Self::sold(pack, YESTERDAY).await.then("refund 40.00; returned").await,

            "unknown_card_sale" => Self::sold_as(pack, TODAY, "outcome", "unknown").await,
            "reversal_under_way" => Self::sold_as(pack, TODAY, "outcome", "unknown").await.then("ask reversal").await,
            "reversal_unknown" => {
                Self::sold_as(pack, TODAY, "outcome", "unknown").await.then("ask reversal; unknown").await
            }
            "reversed" => Self::sold_as(pack, TODAY, "outcome", "unknown").await.then("reversal").await,
            "reversed_and_told_otherwise" => {
                Self::sold_as(pack, TODAY, "outcome", "unknown").await.then("reversal; news good").await
            }
            "declined" => Self::sold_as(pack, TODAY, "outcome", "declined").await,
            "failed" => Self::sold_as(pack, TODAY, "outcome", "failed").await,

            "code_unscanned" => Self::code(pack).await,
            "code_scanned" => Self::scanned(pack, "unknown").await,
            "code_scanned_and_declined" => Self::scanned(pack, "declined").await,
            "code_paid" => Self::scanned(pack, "good").await.then("after 10 minutes").await,
            "code_cancel_under_way" => Self::code(pack).await.then("ask order-close").await,
            "code_cancel_unknown" => Self::code(pack).await.then("ask order-close; unknown").await,
            "code_cancelled" => Self::code(pack).await.then("order-close").await,
            "code_expired" => Self::code(pack).await.then("after 5 minutes; tick").await,

            "held" => Self::held(pack, "held").await,
            "hold_unknown" => Self::held(pack, "unknown").await,
            "hold_completion_under_way" => Self::held(pack, "held").await.then("ask hold-completion 100.00").await,
            "hold_completion_unknown" => {
                Self::held(pack, "held").await.then("ask hold-completion 100.00; unknown").await
            }
            "hold_completed" => Self::held(pack, "held").await.then("hold-completion 100.00").await,
            "hold_completed_and_settled" => {
                Self::held(pack, "held").await.then("hold-completion 100.00; told settled").await
            }
            "completion_void_under_way" => {
                Self::held(pack, "held").await.then("hold-completion 100.00; ask completion-void").await
            }
            "completion_void_unknown" => {
                Self::held(pack, "held").await.then("hold-completion 100.00; ask completion-void; unknown").await
            }
            "hold_release_under_way" => Self::held(pack, "held").await.then("ask hold-release").await,
            "hold_release_unknown" => Self::held(pack, "held").await.then("ask hold-release; unknown").await,
            "hold_released" => Self::held(pack, "held").await.then("hold-release").await,
            "hold_lapsed" => Self::held(pack, "held").await.then("after 30 days; tick").await,

            "prepaid_free" => Self::prepaid(pack, TODAY, "hotel-reservation", "2026-12-03T12:00:00+08:00").await,
            "prepaid_inside_the_penalty" => {
                Self::prepaid(pack, YESTERDAY, "hotel-reservation", "2026-11-24T18:00:00+08:00").await
            }
            "prepaid_kept_whole" => {
                Self::prepaid(pack, YESTERDAY, "hotel-reservation", "2026-11-23T22:00:00+08:00").await
            }
            "prepaid_uncancellable" => {
                Self::prepaid(pack, YESTERDAY, "travel-package", "2026-12-03T12:00:00+08:00").await
            }
            other => panic!("docs/ways.md has the row {other}, and nobody knows how to make its state"),
        }
    }

    fn then(mut self, steps: &str) -> Doing<'_, Self> {
        Box::pin(async move {
            for step in steps.split("; ") {
                self.trail.push_str(" · ");
                self.trail.push_str(step);
                self.step(step).await;
            }
            self
        })
    }

    // --------------------------------------------------------------------------------------------------------- steps

    fn step<'a>(&'a mut self, step: &'a str) -> Doing<'a, ()> {
        Box::pin(self.take(step))
    }

    async fn take(&mut self, step: &str) {
        let words: Vec<&str> = step.split_whitespace().collect();
        match words.as_slice() {
            ["refused", way @ .., "by", rule, remedy] => self.refused(way, rule.trim_end_matches(':'), remedy).await,
            ["case", way @ ..] => self.by_case(way).await,
            ["ask", way @ ..] => self.ask(way, None).await,
            ["legal-order"] => {
                self.propose().await;
                self.confirm().await;
            }
            ["propose"] => self.propose().await,
            ["confirm"] => self.confirm().await,
            ["done"] => self.ends("done").await,
            ["failed"] => self.ends("failed").await,
            ["unknown"] => self.is_unknown().await,
            ["silence"] => self.silence().await,
            ["alerted"] => self.alerted().await,
            ["resolve", outcome] => self.resolve(outcome).await,
            ["approve"] => self.approve().await,
            ["decline"] => self.on_refund(&self.shop.reviewer, "declines", &json!({"reason": "no"}), "declined").await,
            ["withdraw"] => {
                self.on_refund(&self.shop.manager, "withdrawals", &json!({"reason": "no"}), "withdrawn").await;
            }
            ["inquire"] => {
                let body = json!({"question": "which item?"});
                self.on_refund(&self.shop.reviewer, "inquiries", &body, "needs-information").await;
            }
            ["inform"] => {
                self.on_refund(&self.shop.manager, "information", &json!({"note": "the cup"}), "in-review").await;
            }
            ["clear"] => {
                self.send_refund().await;
                self.ends("done").await;
            }
            ["send"] => self.send_refund().await,
            ["send", "unfunded"] => {
                self.on_refund(&self.shop.finance, "clearings", &json!({}), "queued").await;
            }
            ["retry"] => {
                self.on_refund(&self.shop.finance, "retries", &json!({}), "clearing").await;
                self.ends("done").await;
            }
            ["funds"] => {
                self.fund().await;
                self.ends("done").await;
            }
            ["trace"] => {
                let path = format!("/v1/refunds/{}/traces", self.refund);
                self.shop.tell(&self.shop.manager, &path, &json!({})).await.expect(200);
            }
            ["returned"] => {
                let path = format!("/v1/refunds/{}/returns", self.refund);
                self.shop.tell(&self.shop.system, &path, &json!({"code": "account-closed"})).await.expect(200);
            }
            ["owe", amount] => self.owe(amount).await,
            ["agree"] => self.agree().await,
            ["told", news] => self.news(&json!({"type": news})).await,
            ["news", outcome] => self.news(&json!({"type": "outcome-known", "outcome": outcome})).await,
            ["sell", amount] => self.sell(amount).await,
            ["nothing"] => self.nothing().await,
            ["after", count, unit] => self.after(count.parse().unwrap(), unit),
            ["tick"] => {
                self.shop.world.app.tick().await.unwrap();
            }
            way => {
                self.ask(way, None).await;
                self.carry_out(way).await;
            }
        }
    }

    /// Asks for a way, once.
    fn try_ask<'a>(&'a self, way: &'a [&'a str], grant: Option<&'a str>) -> Doing<'a, Reply> {
        Box::pin(self.request(way, grant))
    }

    async fn request(&self, way: &[&str], grant: Option<&str>) -> Reply {
        let shop = &self.shop;
        // A proof is used once: the next is given a moment later.
        shop.world.app.ports.pass(Duration::seconds(1));
        let (path, mut body) = match way {
            ["void"] => (format!("/v1/transactions/{}/voids", self.payment), json!({"reason": "wrong-amount"})),
            ["refund", amount] => ("/v1/refunds".to_owned(), refund(&self.payment, amount)),
            ["correction", amount] => {
                let mut body = refund(&self.payment, amount);
                body["corrects"] = json!(self.refund);
                ("/v1/refunds".to_owned(), body)
            }
            ["reversal"] => (format!("/v1/transactions/{}/reversals", self.payment), json!({})),
            ["order-close"] => (format!("/v1/payment-codes/{}/cancellations", self.payment), json!({})),
            ["hold-release"] => (format!("/v1/holds/{}/releases", self.payment), json!({})),
            ["hold-completion", amount] => {
                (format!("/v1/holds/{}/completions", self.payment), json!({"amount": cny(amount)}))
            }
            ["penalty", amount] => {
                let body = json!({"amount": cny(amount), "penalty": true});
                (format!("/v1/holds/{}/completions", self.payment), body)
            }
            ["completion-void"] => (format!("/v1/holds/{}/completion-voids", self.payment), json!({})),
            other => panic!("{}: nobody knows the step {other:?}", self.trail),
        };
        if let Some(grant) = grant {
            body[GRANT] = json!(grant);
        }
        let once = shop.world.app.random_hex(32);
        match way {
            // At the till, with the supervisor's proof for it.
            ["void"] => shop.prove(&shop.terminal, &path, &once, &self.void_proof(grant), &body).await,
            ["refund" | "correction", _] => shop.tell(&shop.manager, &path, &body).await,
            [way @ ("hold-release" | "completion-void")] => {
                let proof = shop.hold_proof(&self.payment, way, 10_000, "supervisor", [None, Some("T1")]);
                shop.prove(&shop.terminal, &path, &once, &proof, &body).await
            }
            _ => {
                body["operator"] = json!("M-1.supervisor");
                shop.tell(&shop.terminal, &path, &body).await
            }
        }
    }

    fn void_proof(&self, grant: Option<&str>) -> String {
        let operation = Operation {
            merchant: "M-1",
            sale: &self.payment,
            way: "void",
            minor: 10_000,
            currency: "CNY",
            reason: Some("wrong-amount"),
            terminal: Some("T1"),
            holder: "terminal",
            penalty: false,
            order: None,
            case: grant,
            fees: None,
        };
        let supervisor = PersonId::parse("M-1.supervisor").unwrap();
        self.shop.till.proof(self.shop.world.app.ports.now(), &supervisor, "supervisor", &operation).unwrap()
    }

    /// Asks for a way, which is granted.
    async fn ask(&mut self, way: &[&str], grant: Option<&str>) {
        let reply = self.try_ask(way, grant).await;
        assert!(matches!(reply.status.as_u16(), 201 | 202), "{}: {}", self.trail, reply.text);
        let id = text(&reply.json()["id"]).to_owned();
        if matches!(way, ["refund" | "correction", _]) {
            (self.refund, self.operation) = (id, String::new());
        } else {
            self.operation = id;
        }
    }

    async fn carry_out(&self, way: &[&str]) {
        if matches!(way, ["refund" | "correction", _]) {
            self.approve().await;
            self.send_refund().await;
        }
        self.ends("done").await;
    }

    /// The policy refuses, by this rule and with this remedy.
    async fn refused(&self, way: &[&str], rule: &str, remedy: &str) {
        let reply = self.try_ask(way, None).await;
        assert_eq!(reply.status, 422, "{}: {}", self.trail, reply.text);
        let findings = reply.json()["decision"]["findings"].clone();
        let found: Vec<(&str, &str, Option<&str>)> = findings
            .as_array()
            .unwrap_or_else(|| panic!("{}: {}", self.trail, reply.text))
            .iter()
            .map(|finding| {
                (text(&finding["rule"]), text(&finding["remedy"]["token"]), finding["remedy"]["use"].as_str())
            })
            .collect();
        let named = |token: &str, way: Option<&str>| match way {
            Some(way) if token == "use-way" => remedy.strip_prefix("use-") == Some(way),
            _ => remedy == token,
        };
        assert!(found.iter().any(|(by, token, way)| *by == rule && named(token, *way)), "{}: {found:?}", self.trail);
        // A call to support leads somewhere only where support can grant.
        if remedy == "contact-support" {
            reply.refused(422, "decision.refer");
        }
    }

    /// The policy leaves it to support, which grants it.
    async fn by_case(&mut self, way: &[&str]) {
        let shop = &self.shop;
        self.try_ask(way, None).await.refused(422, "decision.refer");
        let mut ask = json!({"way": way[0]});
        match way {
            ["refund", amount] => (ask["amount"], ask["reason"]) = (cny(amount), json!("returned-goods")),
            ["void"] => ask["reason"] = json!("wrong-amount"),
            _ => {}
        }
        let path = format!("/v1/transactions/{}/cases", self.payment);
        let opened = shop.tell(&shop.supervisor, &path, &ask).await.expect(201);
        let case = text(&opened["id"]).to_owned();
        let because = json!({"because": "the customer called"});
        shop.tell(&self.support, &format!("/v1/cases/{case}/grants"), &because).await.expect(200);
        self.ask(way, Some(&case)).await;
        self.carry_out(way).await;
    }

    async fn propose(&mut self) {
        let path = format!("/v1/transactions/{}/legal-orders", self.payment);
        let ask = json!({"reference": "COURT-7", "reason": "order of the court"});
        let made = self.shop.tell(&self.compliance[0], &path, &ask).await.expect(201);
        self.order = (text(&made["id"]).to_owned(), minor(text(&made["amount"]["amount"])));
    }

    async fn confirm(&mut self) {
        let (order, left) = &self.order;
        let path = format!("/v1/legal-orders/{order}/confirmations");
        let operation = Operation {
            merchant: "M-1",
            sale: &self.payment,
            way: "void",
            minor: *left,
            currency: "CNY",
            reason: None,
            terminal: None,
            holder: "person",
            penalty: false,
            order: Some(order),
            case: None,
            fees: None,
        };
        let (lena, now) = (PersonId::parse("lena").unwrap(), self.shop.world.app.ports.now());
        let proof = self.shop.till.proof(now, &lena, "supervisor", &operation).unwrap();
        let once = self.shop.world.app.random_hex(32);
        let made = self.shop.prove(&self.compliance[1], &path, &once, &proof, &json!({})).await.expect(200);
        text(&made["operation"]).clone_into(&mut self.operation);
        self.ends("done").await;
    }

    /// Something about the refund, after which it is in a state.
    async fn on_refund(&self, key: &str, deed: &str, body: &Value, state: &str) {
        let path = format!("/v1/refunds/{}/{deed}", self.refund);
        let reply = self.shop.tell(key, &path, body).await;
        assert_eq!(reply.status, 200, "{}: {}", self.trail, reply.text);
        assert_eq!(reply.json()["state"], state, "{}", self.trail);
    }

    async fn approve(&self) {
        if self.state().await == "in-review" {
            self.on_refund(&self.shop.reviewer, "approvals", &json!({}), "approved").await;
        }
    }

    /// Sends an approved refund on its way, on a day whose income covers it.
    async fn send_refund(&self) {
        self.fund().await;
        self.on_refund(&self.shop.finance, "clearings", &json!({}), "clearing").await;
    }

    /// Sells enough for the refunds of the day to clear.
    async fn fund(&self) {
        let id = format!("F-{}", self.shop.world.app.random_hex(8));
        let mut body = sale(&id, &self.shop.world.app.ports.now().to_string());
        body["amount"] = cny("1000.00");
        self.shop.post(&self.shop.system, "/v1/transactions", &body).await.expect(201);
    }

    async fn owe(&self, amount: &str) {
        let path = format!("/v1/refunds/{}/liabilities", self.refund);
        let claim = json!({"cause": "over-returned", "amount": cny(amount), "because": "too much was returned"});
        let made = self.shop.tell(&self.shop.finance, &path, &claim).await.expect(201);
        assert_eq!((&made["debtor"], &made["state"]), (&json!("customer"), &json!("open")), "{}", self.trail);
    }

    async fn agree(&self) {
        let owed = self.shop.get(&self.shop.finance, "/v1/liabilities?state=open").await.expect(200);
        let ids: Vec<&str> = owed["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect();
        assert_eq!(ids.len(), 1, "{}: {owed}", self.trail);
        let body = json!({"state": "agreed", "because": "a voucher"});
        let ended = self.shop.tell(&self.shop.finance, &format!("/v1/liabilities/{}/ends", ids[0]), &body).await;
        assert_eq!(ended.expect(200)["state"], "agreed");
    }

    async fn news(&self, body: &Value) {
        let path = format!("/v1/transactions/{}/events", self.payment);
        self.shop.tell(&self.shop.system, &path, body).await.expect(200);
    }

    async fn sell(&mut self, amount: &str) {
        let id = format!("N-{}", self.sales.len());
        let mut body = sale(&id, &self.shop.world.app.ports.now().to_string());
        body["amount"] = cny(amount);
        self.shop.post(&self.shop.system, "/v1/transactions", &body).await.expect(201);
        self.sales.push(id);
    }

    /// No way is open, and nothing is reserved.
    async fn nothing(&self) {
        let path = format!("/v1/transactions/{}/ways-back", self.payment);
        let ways = self.shop.get(&self.shop.supervisor, &path).await.expect(200);
        for way in ways["ways"].as_array().unwrap() {
            assert_eq!(way["outcome"], "deny", "{}: {way}", self.trail);
        }
        assert_eq!(self.shown(&self.payment).await["balance"]["reserved"], cny("0.00"), "{}", self.trail);
    }

    fn after(&self, count: u32, unit: &str) {
        let minutes = match unit {
            "minutes" => 1,
            "hours" => 60,
            "day" | "days" => 24 * 60,
            other => panic!("{}: no unit {other}", self.trail),
        };
        self.shop.world.app.ports.pass(Duration::minutes(count * minutes));
    }

    // ------------------------------------------------------------------------------------------------------- outcomes

    async fn shown(&self, id: &str) -> Value {
        self.shop.get(&self.shop.system, &format!("/v1/transactions/{id}")).await.expect(200)
    }

    async fn under_way(&self) -> Value {
        let path = if self.operation.is_empty() {
            format!("/v1/refunds/{}", self.refund)
        } else {
            format!("/v1/operations/{}", self.operation)
        };
        self.shop.get(&self.shop.system, &path).await.expect(200)
    }

    async fn state(&self) -> String {
        text(&self.under_way().await["state"]).to_owned()
    }

    /// Who carries it out says what became of it.
    fn ends<'a>(&'a self, outcome: &'a str) -> Doing<'a, ()> {
        Box::pin(self.hear(outcome))
    }

    async fn hear(&self, outcome: &str) {
        let there = self.under_way().await;
        let wanted = match (self.operation.is_empty(), outcome) {
            (true, "done") => "cleared",
            (_, outcome) => outcome,
        };
        if there["executor"] == "terminal" {
            let path = format!("/v1/operations/{}/results", self.operation);
            let key = &self.shop.terminal;
            let reply = self.shop.tell(key, &path, &json!({"outcome": outcome, "code": "00"})).await;
            assert_eq!(reply.status, 200, "{}: {}", self.trail, reply.text);
        } else {
            provider_says(&self.shop, if outcome == "done" { DONE } else { FAILED });
            for _ in 0..40 {
                if self.state().await == wanted {
                    break;
                }
                self.shop.world.app.ports.pass(Duration::seconds(2));
                self.shop.world.app.tick().await.unwrap();
            }
        }
        assert_eq!(self.state().await, wanted, "{}", self.trail);
    }

    /// What carries it out does not know.
    async fn is_unknown(&self) {
        if self.under_way().await["executor"] == "terminal" {
            let path = format!("/v1/operations/{}/results", self.operation);
            self.shop.tell(&self.shop.terminal, &path, &json!({"outcome": "unknown"})).await.expect(200);
        } else {
            self.nobody_answers();
            for _ in 0..40 {
                if self.state().await == "unknown" {
                    break;
                }
                self.shop.world.app.ports.pass(Duration::seconds(2));
                self.shop.world.app.tick().await.unwrap();
            }
        }
        assert_eq!(self.state().await, "unknown", "{}", self.trail);
    }

    fn nobody_answers(&self) {
        let answer = |_: &str, _: &str, _: &[u8]| Ok(OutboundAnswer { status: 200, body: b"nonsense".to_vec() });
        self.shop.world.app.ports.answer_with(Box::new(answer));
    }

    /// Time passes, and nothing ends by it that may have reached the provider.
    async fn silence(&self) {
        self.nobody_answers();
        for _ in 0..SILENCE_MINUTES {
            self.after(1, "minutes");
            self.shop.world.app.tick().await.unwrap();
        }
        assert_eq!(self.state().await, "unknown", "{}: ended by a timer", self.trail);
    }

    /// A person was called.
    async fn alerted(&self) {
        let shown = self.shown(&self.payment).await;
        let told =
            shown["history"].as_array().unwrap().iter().any(|event| text(&event["type"]).ends_with(".attention"));
        let late = shown["operations"].as_array().unwrap().iter().any(|operation| operation["attention"] == true);
        assert!(told || late, "{}: {shown}", self.trail);
    }

    /// Two persons end what no evidence ends.
    async fn resolve(&self, outcome: &str) {
        let path = if self.operation.is_empty() {
            format!("/v1/refunds/{}/resolutions", self.refund)
        } else {
            format!("/v1/operations/{}/resolutions", self.operation)
        };
        let word =
            |second: &str| json!({"took_place": outcome == "done", "second": second, "reason": "the bank says so"});
        self.shop.tell(&self.shop.manager, &path, &word("M-1.finance")).await.expect(200);
        if outcome != "done" {
            self.shop.tell(&self.shop.finance, &path, &word("M-1.manager")).await.refused(422, "operation.conflict");
            self.shop.world.app.ports.pass(crate::limits::WORDS_APART);
        }
        self.shop.tell(&self.shop.finance, &path, &word("M-1.manager")).await.expect(200);
        let wanted = if self.operation.is_empty() && outcome == "done" { "cleared" } else { outcome };
        assert_eq!(self.state().await, wanted, "{}", self.trail);
    }

    /// What the merchant has of the payment and of what was sold in its stead, with what the customer owes.
    async fn left(&self) -> i64 {
        let mut sum = 0;
        for id in &self.sales {
            let shown = self.shown(id).await;
            let balance = &shown["balance"];
            assert_eq!(balance["reserved"], cny("0.00"), "{}: something is still under way", self.trail);
            match text(&shown["status"]["outcome"]) {
                "good" => sum += minor(text(&balance["left"]["amount"])),
                "declined" | "failed" | "reversed" | "cancelled" | "expired" | "released" | "lapsed" => {}
                open => panic!("{}: {open} is no end", self.trail),
            }
        }
        sum + self.owed().await
    }

    async fn owed(&self) -> i64 {
        let reply = self.shop.get(&self.shop.finance, "/v1/liabilities?state=open").await;
        if reply.status == 404 {
            return 0;
        }
        let owed = reply.expect(200);
        let items = owed["items"].as_array().unwrap().clone();
        items
            .iter()
            .filter(|item| item["debtor"] == "customer")
            .map(|item| minor(text(&item["amount"]["amount"])))
            .sum()
    }
}

/// The field of a request that names the granted case.
const GRANT: &str = "case";
