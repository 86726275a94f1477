//! What a merchant's payments amount to: a running sum over the merchant's feed, each event taken in exactly once because
//! the sum and the place in the feed up to which it goes are one record.
//!
//! Nothing is written here when a payment is made or taken back: the books follow the feed when somebody asks, and in each
//! tick where funds limit refunds. So they cost nothing where nobody needs them, and no two payments meet on one record.
//!
//! # What counts as the income of a business day
//!
//! - a payment, gross, on the business day stamped on it, once it is posted: registered as good, found to be good, a code
//!   paid, a hold completed;
//! - less what a void, a reversal, an order close or the void of a completion takes back, on the business day on which
//!   that took effect.
//!
//! Fees do not count, and neither does what the network gives back. What became known more than [`BOOK_DAYS`] days late is
//! income of no day: nothing clears on that day any more. Refunds are not negative income: they are what the income pays for.

use crate::app::App;
use crate::error::Error;
use crate::feed::Told;
use crate::limits::{BOOK_DAYS, LIST_LIMIT};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Position;
use rescind_model::{
    Account, BusinessDay, CommandId, Event, EventKind, FundingBasis, Instant, MerchantId, Money, Refund, RefundId,
    SaleId, Side,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums by ISO 4217 currency: a merchant's policy has one, but a sum over payments must not depend on it.
pub(crate) type ByCurrency<T> = BTreeMap<String, T>;

/// A day in ms.
const DAY_MS: i64 = 86_400_000;

/// What an account was debited and credited with, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turnover {
    /// Debits.
    pub debit: i64,
    /// Credits.
    pub credit: i64,
}

/// One business day, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// Payments of the day.
    pub income: i64,
    /// What was taken back on the day, refunds aside.
    pub taken_back: i64,
    /// Refunds that went to clearing on the day and have not ended.
    pub clearing: i64,
    /// Refunds that went to clearing on the day and cleared.
    pub cleared: i64,
}

/// What a merchant paid in beforehand, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefunded {
    /// Paid in so far.
    pub paid_in: i64,
    /// Refunds that went to clearing and have not ended.
    pub clearing: i64,
    /// Refunds that cleared and did not come back.
    pub cleared: i64,
}

/// Refunds that wait for funds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// How many.
    pub count: i64,
    /// Their sum in minor units.
    pub amount: i64,
}

/// Funds held for a refund from before its ledger says that it clears until the books have read so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// The refund.
    pub(crate) refund: RefundId,
    /// Its sale.
    pub(crate) sale: SaleId,
    /// The command that sends it to clearing: the hold is its.
    pub(crate) command: CommandId,
    /// Out of which funds.
    pub(crate) basis: FundingBasis,
    /// The business day on which it is to clear.
    pub(crate) day: BusinessDay,
    /// How much.
    pub(crate) amount: Money,
    /// Since when.
    pub(crate) at: Instant,
}

/// Money that is being paid in: counted once its receipt is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coming {
    /// The receipt's id.
    pub(crate) id: String,
    /// Which attempt at writing it.
    pub(crate) token: String,
    /// Since when.
    pub(crate) at: Instant,
}

/// A merchant's books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Books {
    /// The place in the feed up to which they go.
    pub(crate) at: Position,
    /// All postings, by currency and account.
    pub accounts: ByCurrency<BTreeMap<String, Turnover>>,
    /// Business days, the newest [`BOOK_DAYS`] and the next.
    pub days: BTreeMap<BusinessDay, ByCurrency<Day>>,
    /// What was paid in beforehand.
    pub prefunded: ByCurrency<Prefunded>,
    /// What waits for funds.
    pub waiting: ByCurrency<Waiting>,
    /// Before the first refund of the queue that may still wait.
    pub(crate) queue: Position,
    pub(crate) holds: Vec<Hold>,
    pub(crate) coming: Vec<Coming>,
    /// Whether the merchant is among those whose books each tick brings up to date.
    pub(crate) watched: bool,
    pub(crate) mark: String,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            at: Position::START,
            accounts: BTreeMap::new(),
            days: BTreeMap::new(),
            prefunded: BTreeMap::new(),
            waiting: BTreeMap::new(),
            queue: Position::START,
            holds: Vec::new(),
            coming: Vec::new(),
            watched: false,
            mark: String::new(),
        }
    }
}

impl Record for Books {
    const FORMAT: &'static str = "books/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// A merchant's books as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The books.
    pub books: Books,
    /// Whether they go to the end of the feed. If not, ask again: they go on where they stopped.
    pub complete: bool,
}

fn add(sum: &mut i64, minor: i64) -> Result<(), Error> {
    *sum = sum.checked_add(minor).ok_or_else(|| Error::Internal("a merchant's sum is too large".to_owned()))?;
    Ok(())
}

/// The steps of a refund that funds care about.
fn is_step(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::RefundQueued
            | EventKind::RefundClearing
            | EventKind::RefundRetried
            | EventKind::RefundCleared
            | EventKind::RefundFailed
            | EventKind::RefundWithdrawn
            | EventKind::RefundDeclined
            | EventKind::RefundExpired
    )
}

/// The step that a refund took before an event.
fn step_before<'a>(aggregate: &'a Aggregate, event: &Event) -> Option<&'a Event> {
    let mut earlier = aggregate.events.iter().filter(|e| e.sequence < event.sequence && e.refund == event.refund);
    earlier.rfind(|e| is_step(e.kind))
}

/// The merchant's business days.
struct Calendar<'a> {
    /// That of an instant.
    day_of: &'a (dyn Fn(Instant) -> Result<BusinessDay, Error> + Send + Sync),
    /// The first that is kept.
    oldest: BusinessDay,
    /// The last: after the cut-off, terminals stamp the next day before our clock does.
    newest: BusinessDay,
}

impl Books {
    /// Takes one event in.
    fn take(&mut self, aggregate: &Aggregate, event: &Event, calendar: &Calendar<'_>) -> Result<(), Error> {
        // A command's entries come with the first of its events.
        let first = aggregate.events.iter().find(|e| e.command == event.command);
        if first.is_some_and(|first| first.sequence == event.sequence) {
            for entry in aggregate.ledger.entries.iter().filter(|entry| entry.command == event.command) {
                self.post(aggregate, entry, calendar)?;
            }
        }
        let ledger = &aggregate.ledger;
        let refund = event.refund.as_ref().and_then(|id| ledger.refunds.iter().find(|r| r.id == *id));
        match refund {
            Some(refund) if refund.funding.is_some() => self.step(aggregate, event, refund, calendar),
            _ => Ok(()),
        }
    }

    fn post(
        &mut self,
        aggregate: &Aggregate,
        entry: &rescind_model::Entry,
        calendar: &Calendar<'_>,
    ) -> Result<(), Error> {
        use rescind_model::token::Token as _;
        let takes_back = matches!(entry.what.as_str(), "void" | "reversal" | "order-close" | "completion-void");
        for posting in &entry.postings {
            let Money { minor, currency } = &posting.amount;
            let accounts = self.accounts.entry(currency.clone()).or_default();
            let turnover = accounts.entry(posting.account.token().to_owned()).or_default();
            add(if posting.side == Side::Debit { &mut turnover.debit } else { &mut turnover.credit }, *minor)?;
            match (posting.account, posting.side) {
                (Account::Merchant, Side::Credit) if entry.what == "sale" => {
                    let day = self.day(aggregate.ledger.sale.business_day, calendar, currency);
                    day.map_or(Ok(()), |day| add(&mut day.income, *minor))?;
                }
                (Account::Merchant, Side::Debit) if takes_back => {
                    let day = self.day((calendar.day_of)(entry.at)?, calendar, currency);
                    day.map_or(Ok(()), |day| add(&mut day.taken_back, *minor))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What an event does to the funds and the queue.
    fn step(
        &mut self,
        aggregate: &Aggregate,
        event: &Event,
        refund: &Refund,
        calendar: &Calendar<'_>,
    ) -> Result<(), Error> {
        let Money { minor, currency } = &refund.request.amount;
        let minor = *minor;
        let prefunded = refund.funding == Some(FundingBasis::Prefunded);
        if event.kind == EventKind::RefundReturned {
            // What was paid in beforehand is there again; the income of a day that is over is not.
            if prefunded {
                add(&mut self.prefunded.entry(currency.clone()).or_default().cleared, minor.saturating_neg())?;
            }
            return Ok(());
        }
        if !is_step(event.kind) {
            return Ok(());
        }
        let before = step_before(aggregate, event);
        let was = |kinds: &[EventKind]| before.is_some_and(|step| kinds.contains(&step.kind));
        if was(&[EventKind::RefundQueued]) && event.kind != EventKind::RefundQueued {
            let waiting = self.waiting.entry(currency.clone()).or_default();
            add(&mut waiting.count, -1)?;
            add(&mut waiting.amount, minor.saturating_neg())?;
        }
        let clears = matches!(event.kind, EventKind::RefundClearing | EventKind::RefundRetried);
        let was_clearing = was(&[EventKind::RefundClearing, EventKind::RefundRetried]);
        // What went to clearing stands with the day on which it did, however long the provider takes.
        let began = if was_clearing { before.map_or(event.at, |step| step.at) } else { event.at };
        let (clearing, cleared) = match event.kind {
            EventKind::RefundQueued => {
                let waiting = self.waiting.entry(currency.clone()).or_default();
                add(&mut waiting.count, 1)?;
                add(&mut waiting.amount, minor)?;
                (0, 0)
            }
            _ if clears => {
                self.holds.retain(|hold| hold.command != event.command);
                (minor, 0)
            }
            EventKind::RefundCleared => (if was_clearing { minor.saturating_neg() } else { 0 }, minor),
            _ => (if was_clearing { minor.saturating_neg() } else { 0 }, 0),
        };
        if let Some(day) = self.day((calendar.day_of)(began)?, calendar, currency) {
            add(&mut day.clearing, clearing)?;
            add(&mut day.cleared, cleared)?;
        }
        if prefunded {
            let funds = self.prefunded.entry(currency.clone()).or_default();
            add(&mut funds.clearing, clearing)?;
            add(&mut funds.cleared, cleared)?;
        }
        Ok(())
    }

    /// A business day that is kept; older ones make way.
    fn day(&mut self, day: BusinessDay, calendar: &Calendar<'_>, currency: &str) -> Option<&mut Day> {
        self.days.retain(|kept, _| *kept >= calendar.oldest);
        if day < calendar.oldest || day > calendar.newest {
            return None;
        }
        Some(self.days.entry(day).or_default().entry(currency.to_owned()).or_default())
    }

    /// What is left of the funds, in minor units; below zero after a void of what had paid for a refund.
    pub(crate) fn left(&self, basis: FundingBasis, day: BusinessDay, currency: &str) -> i64 {
        let funds = match basis {
            FundingBasis::SameDayIncome => {
                let day = self.days.get(&day).and_then(|day| day.get(currency)).copied().unwrap_or_default();
                let taken = day.taken_back.saturating_add(day.clearing).saturating_add(day.cleared);
                day.income.saturating_sub(taken)
            }
            FundingBasis::Prefunded => {
                let funds = self.prefunded.get(currency).copied().unwrap_or_default();
                funds.paid_in.saturating_sub(funds.clearing.saturating_add(funds.cleared))
            }
        };
        funds.saturating_sub(self.held(basis, day, currency))
    }

    /// What is held for refunds that are about to clear, in minor units.
    pub(crate) fn held(&self, basis: FundingBasis, day: BusinessDay, currency: &str) -> i64 {
        let counts = |hold: &&Hold| {
            hold.basis == basis
                && hold.amount.currency == currency
                && (basis == FundingBasis::Prefunded || hold.day == day)
        };
        self.holds.iter().filter(counts).fold(0_i64, |sum, hold| sum.saturating_add(hold.amount.minor))
    }
}

impl<P: Ports> App<P> {
    /// A merchant's books, brought up to date with what happened so far: at most `most` events.
    pub(crate) async fn bring_books_up(
        &self,
        merchant: &MerchantId,
        policy: &P::Policy,
        most: usize,
    ) -> Result<Read, Error> {
        self.publish_waiting().await;
        let records = self.records().await?;
        let key = Key::books(merchant);
        let mut books = records.read::<Books>(&key).await?.unwrap_or_default();
        let now = self.ports.now();
        let day_of = |at: Instant| Ok(policy.business_day_of(at)?);
        let today = day_of(now)?;
        let kept = BOOK_DAYS.saturating_mul(DAY_MS);
        let calendar = Calendar {
            day_of: &day_of,
            oldest: day_of(Instant { unix_ms: now.unix_ms.saturating_sub(kept).max(0) })?,
            newest: today.next().unwrap_or(today),
        };
        let mut taken = 0_usize;
        while taken < most {
            let from = books.at;
            let page = self.read_feed(merchant, from, LIST_LIMIT).await?;
            if page.items.is_empty() {
                return Ok(Read { books, complete: true });
            }
            let to = Position::parse(&page.next)?;
            let mark = self.random_hex(16);
            books = records
                .update::<Books, _, _>(&key, &mark, self.unique(), |there| {
                    let mut next = there.cloned().unwrap_or_default();
                    if next.at != from {
                        // Somebody else took these in.
                        return Ok((None, next));
                    }
                    for item in &page.items {
                        if let Told::OfSale { event, aggregate } = &item.told {
                            next.take(aggregate, event, &calendar)?;
                        }
                    }
                    next.at = to;
                    next.mark.clone_from(&mark);
                    Ok((Some(next.clone()), next))
                })
                .await?;
            taken = taken.saturating_add(page.items.len());
        }
        Ok(Read { books, complete: false })
    }

    /// A merchant's accounts: the sum of the double entries of all its payments.
    ///
    /// # Errors
    /// Not permitted; no such merchant.
    pub async fn balances(&self, who: &Principal, merchant: &MerchantId) -> Result<Read, Error> {
        who.may(Deed::Account, merchant)?;
        let record = self.merchant(merchant).await?;
        let policy = self.policy_of(&record).await?;
        self.bring_books_up(merchant, &policy, crate::limits::BOOK_EVENTS).await
    }
}
