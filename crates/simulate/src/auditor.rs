//! Who watches: a plain model of what must hold, which knows the rules (`DOMAIN.md` §10) and not the code that follows
//! them. It sees what is written into the store, what the acquirer did, and what was answered.

use crate::provider::{Provider, State};
use crate::sim::Values;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is remembered of a sale's record.
#[derive(Debug, Clone, Default)]
struct Seen {
    commits: u64,
    events: usize,
    last: Value,
}

/// A refund as its record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    sale: String,
    refund: String,
    cents: i64,
}

/// An answer that was given for good.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Who asked.
    pub who: &'static str,
    /// The path.
    pub path: String,
    /// The body that was sent.
    pub body: String,
    /// The idempotency key.
    pub key: String,
    /// The status.
    pub status: u16,
    /// The text.
    pub text: String,
}

/// Who watches.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    /// What does not hold, as sentences.
    pub violations: Vec<String>,
    /// What was answered for good.
    pub promises: Vec<Promise>,
    /// Who approved what, or at least asked to: by refund.
    pub approvals: BTreeMap<String, BTreeSet<&'static str>>,
    /// Refunds whose end was acknowledged: they must not move money.
    pub ended: BTreeSet<String>,
    seen: BTreeMap<String, Seen>,
    /// Voids that hold or have moved money, by sale.
    voids: BTreeMap<String, usize>,
    /// By the reference under which the acquirer knows it.
    refunds: BTreeMap<String, Known>,
    last_values: BTreeMap<String, Arc<[u8]>>,
}

/// Voids that the policy of the runs allows on a business day.
pub const VOIDS_A_DAY: usize = 2;

/// States in which a refund holds or has moved money.
const LIVE_REFUND: [&str; 8] =
    ["Submitted", "InReview", "NeedsInformation", "Approved", "Queued", "Clearing", "Unknown", "Cleared"];

/// States in which a void or other operation holds or has moved money.
const LIVE_OPERATION: [&str; 4] = ["Authorised", "Sent", "Unknown", "Done"];

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How many persons have to approve a refund of so many cents at least: the tiers of the policy in force.
fn needed(cents: i64) -> usize {
    match cents {
        ..=10_000 => 0,
        10_001..=100_000 => 1,
        _ => 2,
    }
}

/// What lies under a key: itself, or the body that its head points to.
#[must_use]
pub fn committed<'v>(key: &str, values: &'v Values) -> Option<&'v Arc<[u8]>> {
    let there = values.get(key)?;
    match <[u8; 8]>::try_from(there.as_ref()).map(i64::from_le_bytes) {
        Ok(0) => None,
        Ok(nonce) => values.get(&format!("{key}#{nonce:016x}")),
        Err(_) => Some(there),
    }
}

impl Auditor {
    /// Notes that something does not hold.
    pub fn object(&mut self, what: String) {
        if self.violations.len() < 8 {
            self.violations.push(what);
        }
    }

    /// Something was written under a key of a sale.
    pub fn saw_write(&mut self, key: &str, values: &Values) {
        let head = key.split('#').next().unwrap_or(key);
        let Some(bytes) = committed(head, values) else { return };
        if self.last_values.get(head) == Some(bytes) {
            return;
        }
        self.last_values.insert(head.to_owned(), Arc::clone(bytes));
        let Ok(record) = serde_json::from_slice::<Value>(bytes) else {
            self.object(format!("durable: {head} is no record"));
            return;
        };
        self.saw_record(head, &record);
    }

    /// The record of a sale changed.
    fn saw_record(&mut self, key: &str, record: &Value) {
        let commits = record.pointer("/d/commits").and_then(Value::as_u64).unwrap_or(0);
        let events = list(record, "/d/events");
        let before = self.seen.get(key).cloned().unwrap_or_default();
        if commits != before.commits.saturating_add(1) {
            self.object(format!("durable: {key} went from commit {} to {commits}", before.commits));
        }
        if before.events > 0 && before.events.checked_sub(1).and_then(|at| events.get(at)) != Some(&before.last) {
            self.object(format!("durable: {key} forgot what happened"));
        }
        let last = events.last().cloned().unwrap_or_default();
        self.seen.insert(key.to_owned(), Seen { commits, events: events.len(), last });
        self.conserves(key, record);
    }

    /// *conservation*: what is given back or promised is not more than was taken.
    fn conserves(&mut self, key: &str, record: &Value) {
        let ledger = record.pointer("/d/ledger").unwrap_or(&Value::Null);
        let sale = text(ledger, "/sale/id").to_owned();
        let mut given = 0_i64;
        for void in list(ledger, "/voids") {
            if LIVE_OPERATION.contains(&text(void, "/state")) {
                given = given.saturating_add(number(void, "/amount/minor"));
            }
        }
        let voids = list(ledger, "/voids").iter().filter(|void| LIVE_OPERATION.contains(&text(void, "/state"))).count();
        self.voids.insert(sale.clone(), voids);
        let voids: usize = self.voids.values().sum();
        if voids > VOIDS_A_DAY {
            self.object(format!("counted: {voids} voids on one day, where {VOIDS_A_DAY} are allowed"));
        }
        for refund in list(ledger, "/refunds") {
            let cents = number(refund, "/request/amount/minor");
            if LIVE_REFUND.contains(&text(refund, "/state")) {
                given = given.saturating_add(cents);
            }
            let known = Known { sale: sale.clone(), refund: text(refund, "/id").to_owned(), cents };
            let reference = text(refund, "/provider_reference").to_owned();
            if let Some(other) = self.refunds.insert(reference.clone(), known.clone())
                && other != known
            {
                self.object(format!("one-effect: reference {reference} stands for {other:?} and {known:?}"));
            }
        }
        for operation in list(ledger, "/operations") {
            let undoes = ["Reversal", "OrderClose"].contains(&text(operation, "/kind"));
            if undoes && text(operation, "/state") == "Done" && given > 0 {
                self.object(format!("conservation: {key} is undone and gives back {given}"));
            }
        }
        let taken = number(ledger, "/sale/captured/minor");
        if given > taken {
            self.object(format!("conservation: {key} gives back {given} of {taken}"));
        }
        for entry in list(ledger, "/entries") {
            let mut sum = 0_i64;
            for posting in list(entry, "/postings") {
                let sign = if text(posting, "/side") == "Credit" { -1 } else { 1 };
                sum = sum.saturating_add(number(posting, "/amount/minor").saturating_mul(sign));
            }
            if sum != 0 {
                self.object(format!("conservation: an entry of {key} does not balance: {entry}"));
            }
        }
    }

    /// The acquirer did something.
    pub fn saw_provider(&mut self, provider: &Provider) {
        for (sale, book) in &provider.books {
            let given = book.voided.saturating_add(book.refunded).saturating_add(book.reversed);
            if given > book.captured {
                self.object(format!("conservation: the acquirer gave back {given} of {} for {sale}", book.captured));
            }
        }
        for (reference, operation) in provider.operations.iter().filter(|(_, o)| o.kind == "refund") {
            if !matches!(operation.state, State::Done | State::Processing(_)) {
                continue;
            }
            let Some(known) = self.refunds.get(reference).cloned() else {
                self.object(format!("durable: the acquirer has {reference}, which no record names"));
                continue;
            };
            if known.cents != operation.cents || known.sale != operation.sale {
                self.object(format!("consent: the acquirer was told {operation:?} for {known:?}"));
            }
            let approved = self.approvals.get(&known.refund).map_or(0, BTreeSet::len);
            if approved < needed(known.cents) {
                self.object(format!(
                    "consent: refund {} of {} went out with {approved} approvals",
                    known.refund, known.cents
                ));
            }
            if self.ended.contains(&known.refund) {
                self.object(format!("consent: refund {} went out after it was ended", known.refund));
            }
        }
    }
}
