//! Who watches: a plain model of what must hold, which knows the rules (`DOMAIN.md` §10) and not the code that follows
//! them. It sees what is written into the store, what the acquirer did, and what was answered.

use crate::provider::{Provider, State};
use crate::shop::Ask;
use crate::sim::Values;
use core::hash::{Hash as _, Hasher as _};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::DefaultHasher;
use std::sync::Arc;

/// What is remembered of a sale's record.
#[derive(Debug, Clone, Default)]
struct Seen {
    commits: u64,
    events: usize,
    history: u64,
}

/// What the auditor reads of a sale's record. Everything else in it is passed over.
#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    d: Aggregate<'a>,
}

#[derive(Debug, Deserialize)]
struct Aggregate<'a> {
    commits: u64,
    #[serde(borrow)]
    events: Vec<Event<'a>>,
    #[serde(borrow)]
    ledger: Ledger<'a>,
}

#[derive(Debug, Hash, Deserialize)]
struct Event<'a> {
    sequence: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    refund: Option<Cow<'a, str>>,
    #[serde(borrow)]
    actor: Actor<'a>,
}

/// Who did something.
#[derive(Debug, Hash, Deserialize)]
enum Actor<'a> {
    Person(#[serde(borrow)] Person<'a>),
    Terminal(#[serde(borrow)] Cow<'a, str>),
    System,
}

#[derive(Debug, Hash, Deserialize)]
struct Person<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Ledger<'a> {
    #[serde(borrow)]
    sale: Sale<'a>,
    #[serde(borrow)]
    voids: Vec<Operation<'a>>,
    #[serde(borrow)]
    refunds: Vec<Refund<'a>>,
    #[serde(borrow)]
    operations: Vec<Operation<'a>>,
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
    #[serde(borrow)]
    orders: Vec<Order<'a>>,
}

#[derive(Debug, Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Sale<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    captured: Minor,
    fee_charged: Minor,
}

#[derive(Debug, Deserialize)]
struct Fee<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    amount: Minor,
}

#[derive(Debug, Deserialize)]
struct Minor {
    minor: i64,
}

#[derive(Debug, Deserialize)]
struct Operation<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// A void has none.
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    provider_reference: Cow<'a, str>,
    amount: Minor,
    attention: bool,
    #[serde(borrow)]
    executor: Cow<'a, str>,
    #[serde(borrow)]
    evidence: Option<Evidence<'a>>,
    #[serde(borrow)]
    grounds: Grounds<'a>,
    #[serde(borrow)]
    fees: Vec<Fee<'a>>,
}

#[derive(Debug, Deserialize)]
struct Evidence<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Grounds<'a> {
    #[serde(borrow)]
    order: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Refund<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    provider_reference: Cow<'a, str>,
    #[serde(borrow)]
    request: Asked<'a>,
    plan: Plan,
    attempts: u64,
    attention: bool,
    #[serde(borrow)]
    evidence: Option<Evidence<'a>>,
    #[serde(borrow)]
    fees: Vec<Fee<'a>>,
}

#[derive(Debug, Deserialize)]
struct Plan {
    needed: u64,
}

/// One thing with a reference, whatever kind it is.
struct Referred<'a> {
    id: &'a str,
    is_refund: bool,
    state: &'a str,
    reference: &'a str,
    attempts: Option<u64>,
    attention: bool,
    by_persons: bool,
}

impl Operation<'_> {
    fn referred(&self) -> Referred<'_> {
        Referred {
            id: &self.id,
            is_refund: false,
            state: &self.state,
            reference: &self.provider_reference,
            attempts: None,
            attention: self.attention,
            by_persons: self.evidence.as_ref().is_some_and(|evidence| evidence.source == BY_PERSONS),
        }
    }
}

impl Refund<'_> {
    fn referred(&self) -> Referred<'_> {
        Referred {
            id: &self.id,
            is_refund: true,
            state: &self.state,
            reference: &self.provider_reference,
            attempts: Some(self.attempts),
            attention: self.attention,
            by_persons: self.evidence.as_ref().is_some_and(|evidence| evidence.source == BY_PERSONS),
        }
    }
}

/// The person who asks for refunds.
const REQUESTER: &str = "M-1.manager";

/// What evidence says that two persons gave.
const BY_PERSONS: &str = "resolution";

/// States in which nothing was sent so far.
const NOT_SENT: [&str; 6] = ["Authorised", "Submitted", "InReview", "NeedsInformation", "Approved", "Queued"];

#[derive(Debug, Deserialize)]
struct Asked<'a> {
    amount: Minor,
    #[serde(borrow)]
    requested_by: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    postings: Vec<Posting<'a>>,
}

#[derive(Debug, Deserialize)]
struct Posting<'a> {
    #[serde(borrow)]
    side: Cow<'a, str>,
    amount: Minor,
}

/// A refund as its record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    sale: String,
    refund: String,
    cents: i64,
}

/// Something that nobody knows the outcome of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its name.
    pub id: String,
    /// Whether it is a refund.
    pub is_refund: bool,
    /// The reference under which the acquirer may know it.
    pub reference: String,
}

/// An answer that was given for good.
#[derive(Debug, Clone)]
pub struct Promise {
    /// What was asked.
    pub ask: Ask,
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
    /// How far what has a reference had got when it was last written, and how often it was said to be sent.
    sent: BTreeMap<String, (String, Option<u64>)>,
    /// Who said what became of an operation, by its name.
    pub words: BTreeMap<String, BTreeSet<&'static str>>,
    /// What nobody knows the outcome of, by sale: what two persons may end.
    pub unknown: BTreeMap<String, Vec<Unknown>>,
    /// Legal orders that wait for their second person, by sale.
    pub orders: BTreeMap<String, String>,
    /// Refunds of the day, by sale: cents, and the approvals that their plans ask for.
    asked: BTreeMap<String, (i64, u64)>,
    last_values: BTreeMap<String, Arc<[u8]>>,
    /// How many entries each page of the feed has.
    pages: BTreeMap<String, usize>,
    /// The last event of each sale that is in the feed.
    fed: BTreeMap<String, u64>,
}

/// What the auditor reads of a page of the feed.
#[derive(Debug, Deserialize)]
struct PageRecord<'a> {
    #[serde(borrow)]
    d: Page<'a>,
}

#[derive(Debug, Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    entries: Vec<Entered<'a>>,
}

#[derive(Debug, Deserialize)]
struct Entered<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Voids that the policy of the runs allows on a business day.
pub const VOIDS_A_DAY: usize = 2;

/// States in which a refund holds or has moved money.
const LIVE_REFUND: [&str; 8] =
    ["Submitted", "InReview", "NeedsInformation", "Approved", "Queued", "Clearing", "Unknown", "Cleared"];

/// States in which a void or other operation holds or has moved money.
const LIVE_OPERATION: [&str; 4] = ["Authorised", "Sent", "Unknown", "Done"];

/// What happened, in short: two histories that differ differ in this.
fn digest(events: &[Event<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    events.hash(&mut hasher);
    hasher.finish()
}

/// How many persons have to approve a refund of so many cents at least: the tiers of the policy in force.
fn needed(cents: i64) -> u64 {
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

/// Whether a head points to a body.
#[must_use]
pub fn leads_to(head: &str, body: &str, values: &Values) -> bool {
    let nonce = values.get(head).and_then(|there| <[u8; 8]>::try_from(there.as_ref()).ok());
    nonce.is_some_and(|nonce| format!("{head}#{:016x}", i64::from_le_bytes(nonce)) == body)
}

/// What a courier was at, by what it made happen.
fn deed_of(news: &[Event<'_>]) -> Option<&'static str> {
    let any = |ends: &[&str]| news.iter().any(|event| ends.iter().any(|end| event.kind.ends_with(end)));
    if news.is_empty() {
        None
    } else if any(&["Sent", "Clearing"]) {
        Some("send")
    } else if any(&["Done", "Failed", "Unknown", "Cleared", "Reversing"]) {
        Some("report")
    } else {
        Some("timer")
    }
}

impl Auditor {
    /// Notes that something does not hold.
    pub fn object(&mut self, what: String) {
        if self.violations.len() < 8 {
            self.violations.push(what);
        }
    }

    /// What lies in the store when a run begins.
    pub fn begins(&mut self, values: &Values) {
        for key in values.keys().filter(|key| key.starts_with("sale:")) {
            let _before_anybody_acts = self.saw_write(key, values);
        }
        for key in values.keys().filter(|key| key.starts_with("feed:") && !key.contains('#')) {
            self.saw_feed(key, values);
        }
    }

    /// Something was written under a key of a sale. What a courier was at, if it shows.
    pub fn saw_write(&mut self, key: &str, values: &Values) -> Option<&'static str> {
        let head = key.split('#').next().unwrap_or(key);
        let bytes = committed(head, values)?;
        if self.last_values.get(head) == Some(bytes) {
            return None;
        }
        self.last_values.insert(head.to_owned(), Arc::clone(bytes));
        match serde_json::from_slice::<Record<'_>>(bytes) {
            Ok(record) => self.saw_record(head, &record.d),
            Err(error) => {
                self.object(format!("durable: {head} is no record: {error}"));
                None
            }
        }
    }

    /// *told*: something was written into the feed. What is there stays there; each event of a sale comes after the one before.
    pub fn saw_feed(&mut self, key: &str, values: &Values) {
        let head = key.split('#').next().unwrap_or(key);
        let Some(bytes) = committed(head, values).filter(|_| !head.ends_with(":tail")) else { return };
        let page = match serde_json::from_slice::<PageRecord<'_>>(bytes) {
            Ok(page) => page.d,
            Err(error) => return self.object(format!("durable: {head} is no page: {error}")),
        };
        let before = self.pages.insert(head.to_owned(), page.entries.len()).unwrap_or(0);
        if page.entries.len() < before {
            self.object(format!("told: {head} went from {before} entries to {}", page.entries.len()));
        }
        for entered in page.entries.iter().skip(before) {
            // What is told of a terminal has no number.
            let Some((sale, sequence)) = entered.id.rsplit_once(':') else { continue };
            let Ok(sequence) = sequence.parse::<u64>() else { continue };
            let last = self.fed.insert(sale.to_owned(), sequence);
            if last.is_some_and(|last| sequence <= last) {
                self.object(format!("told: {} is in the feed after event {last:?} of its sale", entered.id));
            }
        }
    }

    /// The record of a sale changed.
    fn saw_record(&mut self, key: &str, record: &Aggregate<'_>) -> Option<&'static str> {
        let before = self.seen.get(key).cloned().unwrap_or_default();
        if record.commits != before.commits.saturating_add(1) {
            self.object(format!("durable: {key} went from commit {} to {}", before.commits, record.commits));
        }
        if record.events.get(..before.events).map(digest) != Some(before.history) && before.events > 0 {
            self.object(format!("durable: {key} forgot what happened"));
        }
        let now = Seen { commits: record.commits, events: record.events.len(), history: digest(&record.events) };
        self.seen.insert(key.to_owned(), now);
        self.conserves(key, &record.ledger);
        self.consents(&record.ledger);
        for event in record.events.get(before.events..).unwrap_or_default() {
            if event.kind == "RefundClearing" {
                self.agreed_to_this(record, event);
            }
        }
        deed_of(record.events.get(before.events..).unwrap_or_default())
    }

    /// *consent*: what two persons have to say was said by two, and whoever splits what they ask for needs as many approvals.
    /// Besides, what can be resolved or confirmed is noted for those who look for it.
    fn consents(&mut self, ledger: &Ledger<'_>) {
        let sale = ledger.sale.id.as_ref();
        let operations = ledger.voids.iter().chain(&ledger.operations).map(Operation::referred);
        let mut unknown = Vec::new();
        for one in operations.chain(ledger.refunds.iter().map(Refund::referred)) {
            let said = self.words.get(one.id).map_or(0, BTreeSet::len);
            if one.by_persons && said < 2 {
                self.object(format!("consent: {} was ended by the word of {said}", one.id));
            }
            if one.state == "Unknown" || one.attention {
                let (id, reference) = (one.id.to_owned(), one.reference.to_owned());
                unknown.push(Unknown { id, is_refund: one.is_refund, reference });
            }
            self.sent.insert(one.reference.to_owned(), (one.state.to_owned(), one.attempts));
        }
        self.unknown.insert(sale.to_owned(), unknown);
        self.orders.remove(sale);
        if let Some(order) = ledger.orders.iter().find(|order| order.state == "Proposed") {
            self.orders.insert(sale.to_owned(), order.id.clone().into_owned());
        }
        let own = ledger.refunds.iter().filter(|refund| refund.request.requested_by == REQUESTER);
        let cents = own.fold(0_i64, |sum, refund| sum.saturating_add(refund.request.amount.minor));
        let planned = ledger.refunds.iter().map(|refund| refund.plan.needed).max().unwrap_or(0);
        self.asked.insert(sale.to_owned(), (cents, planned));
        // All of these are asked for on one day: whichever was counted last has the tier of them all.
        let total = self.asked.values().fold(0_i64, |sum, (cents, _)| sum.saturating_add(*cents));
        let most = self.asked.values().map(|(_, planned)| *planned).max().unwrap_or(0);
        if total > 0 && most < needed(total) {
            self.object(format!(
                "consent: {total} was asked for on one day, and no refund of it needs more than {most}"
            ));
        }
    }

    /// *consent*: a refund goes out. Those who had to agree did so after the last time that what they agree to changed.
    fn agreed_to_this(&mut self, record: &Aggregate<'_>, clearing: &Event<'_>) {
        let about = |event: &&Event<'_>| event.refund == clearing.refund && event.sequence < clearing.sequence;
        let mut agreed: BTreeSet<&str> = BTreeSet::new();
        for event in record.events.iter().filter(about) {
            match (event.kind.as_ref(), &event.actor) {
                ("RefundInformationGiven", _) => agreed.clear(),
                ("RefundApprovalGiven", Actor::Person(person)) if person.id != REQUESTER => {
                    agreed.insert(&person.id);
                }
                _ => {}
            }
        }
        let refund = record.ledger.refunds.iter().find(|refund| Some(&refund.id) == clearing.refund.as_ref());
        let Some(refund) = refund else {
            return self.object(format!("consent: {:?} goes out, which is no refund", clearing.refund));
        };
        let count = u64::try_from(agreed.len()).unwrap_or(0);
        if count < needed(refund.request.amount.minor).max(refund.plan.needed) {
            let what = format!("consent: refund {} goes out as {agreed:?} agreed to it as it is", refund.id);
            self.object(what);
        }
    }

    /// The acquirer is called. What it is told has to be written down by then: whoever comes after a crash has to know.
    pub fn saw_call(&mut self, reference: &str, attempt: u64) {
        match self.sent.get(reference) {
            None => self.object(format!("durable: {reference} was sent, which no record names")),
            Some((state, _)) if NOT_SENT.contains(&state.as_str()) => {
                self.object(format!("durable: {reference} was sent while its record said {state}"));
            }
            Some((_, Some(attempts))) if attempt > *attempts => {
                self.object(format!("durable: attempt {attempt} of {reference} was sent; the record knows {attempts}"));
            }
            Some(_) => {}
        }
    }

    /// *conservation*: what is given back or promised is not more than was taken.
    fn conserves(&mut self, key: &str, ledger: &Ledger<'_>) {
        let sale = ledger.sale.id.as_ref();
        let live = |operation: &&Operation<'_>| LIVE_OPERATION.contains(&operation.state.as_ref());
        let voids = ledger.voids.iter().filter(live);
        let mut given = voids.clone().fold(0_i64, |sum, void| sum.saturating_add(void.amount.minor));
        // A legal order goes beyond what is counted, and what a terminal did without the server is done.
        let counted = |void: &&Operation<'_>| void.grounds.order.is_none() && void.executor == "Courier";
        self.voids.insert(sale.to_owned(), voids.filter(counted).count());
        let voids: usize = self.voids.values().sum();
        if voids > VOIDS_A_DAY {
            self.object(format!("counted: {voids} voids on one day, where {VOIDS_A_DAY} are allowed"));
        }
        for refund in &ledger.refunds {
            let cents = refund.request.amount.minor;
            if LIVE_REFUND.contains(&refund.state.as_ref()) {
                given = given.saturating_add(cents);
            }
            let reference = refund.provider_reference.as_ref();
            let known = Known { sale: sale.to_owned(), refund: refund.id.clone().into_owned(), cents };
            match self.refunds.get(reference) {
                Some(other) if *other == known => {}
                Some(other) => {
                    let what = format!("one-effect: reference {reference} stands for {other:?} and {known:?}");
                    self.object(what);
                }
                None => {
                    self.refunds.insert(reference.to_owned(), known);
                }
            }
        }
        for operation in &ledger.operations {
            let undoes = ["Reversal", "OrderClose"].contains(&operation.kind.as_ref());
            if undoes && operation.state == "Done" && given > 0 {
                self.object(format!("conservation: {key} is undone and gives back {given}"));
            }
        }
        let of_operations = ledger.voids.iter().chain(&ledger.operations).filter(live).flat_map(|one| &one.fees);
        let of_refunds = ledger.refunds.iter().filter(|refund| LIVE_REFUND.contains(&refund.state.as_ref()));
        let fees = of_operations.chain(of_refunds.flat_map(|refund| &refund.fees));
        let returned = fees.filter(|fee| fee.kind == "AcquiringReturned");
        let returned = returned.fold(0_i64, |sum, fee| sum.saturating_add(fee.amount.minor));
        let charged = ledger.sale.fee_charged.minor;
        if returned > charged {
            self.object(format!("conservation: {key} gives back {returned} of a fee of {charged}"));
        }
        let taken = ledger.sale.captured.minor;
        if given > taken {
            self.object(format!("conservation: {key} gives back {given} of {taken}"));
        }
        for entry in &ledger.entries {
            let sum = entry.postings.iter().fold(0_i64, |sum, posting| {
                let sign = if posting.side == "Credit" { -1 } else { 1 };
                sum.saturating_add(posting.amount.minor.saturating_mul(sign))
            });
            if sum != 0 {
                self.object(format!("conservation: an entry of {key} does not balance: {entry:?}"));
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
            if u64::try_from(approved).unwrap_or(0) < needed(known.cents) {
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
