//! Funds for refunds: what a merchant took in on the business day, or paid in beforehand, limits what clears. What the
//! funds do not reach queues and does not fail; the queue is worked off in order by each tick, when money comes in and when
//! a business day begins.
//!
//! Funds are held in the merchant's books (`books`) before the refund's ledger says that it clears, by one compare-and-swap
//! over all that counts; the hold ends when the books have read the ledger's own event, or when it is seen that there is
//! none. So two refunds never clear on the same money, whoever is interrupted where.

use crate::app::App;
use crate::books::{Books, Coming, Hold, Read};
use crate::error::Error;
use crate::limits::{
    BOOK_EVENTS, FUNDING_HOLDS, FUNDS_ID_BYTES, HOLD_ENDS, INTENT_PATIENCE, LIST_LIMIT, SWAP_ATTEMPTS,
};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::refund::find;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use crate::store::{Commit, Record};
use rescind_model::{
    Actor, BusinessDay, Command, CommandId, Digest, FundingBasis, Instant, MerchantId, Money, Refund, RefundId,
    RefundState, SaleId,
};
use serde::{Deserialize, Serialize};

/// A payment into the funds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The payer's own id for it.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// What it is, card numbers masked.
    pub note: Option<String>,
    /// When it was recorded.
    pub at: Instant,
    /// The attempt that wrote it: only that one's money counts.
    pub(crate) token: String,
}

impl Record for Receipt {
    const FORMAT: &'static str = "receipt/1";
    fn holds(&self, id: &str) -> bool {
        self.token == id
    }
}

/// A merchant's funds on a business day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funds {
    /// What limits refunds under the policy in force, if anything does.
    pub basis: Option<FundingBasis>,
    /// The business day that was asked about.
    pub day: BusinessDay,
    /// The books.
    pub read: Read,
}

/// Whether funds could be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// They are.
    Yes,
    /// There are not enough, or others wait for them.
    Short,
}

/// Who may pass whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Behind all that wait.
    Last,
    /// First of those that wait.
    First,
}

impl<P: Ports> App<P> {
    /// Sends a refund to clearing if the merchant has funds for it; queues it if not. One that failed before cannot wait: it
    /// is tried again when there are funds.
    pub(crate) async fn clear_funded(
        &self,
        actor: &Actor,
        aggregate: &Aggregate,
        id: &RefundId,
        again: bool,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        if aggregate.holds(command.as_str()) {
            return Ok(aggregate.clone());
        }
        let sale = &aggregate.ledger.sale;
        let record = self.merchant(&sale.merchant).await?;
        let policy = self.policy_of(&record).await?;
        let refund = find(aggregate, id).ok_or(Error::NotFound("refund"))?;
        let change = if again { Command::Retry(id.clone()) } else { Command::Clear(id.clone()) };
        if refund.state == RefundState::Queued && !again {
            // Its turn comes in order.
            self.work_off_queue(&sale.merchant, &policy).await?;
            let now = self.records().await?.read::<Aggregate>(&Key::sale(&sale.merchant, &sale.id)).await?;
            return now.ok_or(Error::NotFound("refund"));
        }
        // What the ledger refuses anyway must not take anybody's funds or place.
        self.plain(aggregate, &change, actor, command)?;
        let Some(hold) = self.hold_for(sale, refund, &policy, command)? else {
            return self.commit_funded(&sale.merchant, &sale.id, &change, actor, command).await;
        };
        let read = self.bring_books_up(&sale.merchant, &policy, BOOK_EVENTS).await?;
        match (self.hold_funds(&sale.merchant, read, &hold, Turn::Last).await?, again) {
            (Held::Yes, _) => self.commit_held(&sale.merchant, &hold, &change, actor, None).await,
            (Held::Short, false) => {
                let queue = Command::Queue(id.clone());
                self.commit_funded(&sale.merchant, &sale.id, &queue, actor, command).await
            }
            (Held::Short, true) => Err(Error::Conflict {
                code: "funds.short",
                message: "the merchant has no funds for it now: try again later".to_owned(),
            }),
        }
    }

    fn hold_for(
        &self,
        sale: &rescind_model::Sale,
        refund: &Refund,
        policy: &P::Policy,
        command: &CommandId,
    ) -> Result<Option<Hold>, Error> {
        let now = self.ports.now();
        let Some(basis) = refund.funding else { return Ok(None) };
        Ok(Some(Hold {
            refund: refund.id.clone(),
            sale: sale.id.clone(),
            command: command.clone(),
            basis,
            day: policy.business_day_of(now)?,
            amount: refund.request.amount.clone(),
            at: now,
        }))
    }

    async fn commit_funded(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        change: &Command,
        actor: &Actor,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        Ok(self.transact(merchant, sale, command, |app, a| app.plain(a, change, actor, command)).await?.aggregate())
    }

    /// Commits what funds are held for; gives them back if the ledger refuses it. `seen`: only if the sale did not change
    /// since.
    async fn commit_held(
        &self,
        merchant: &MerchantId,
        hold: &Hold,
        change: &Command,
        actor: &Actor,
        seen: Option<u64>,
    ) -> Result<Aggregate, Error> {
        let command = &hold.command;
        let done = self
            .transact(merchant, &hold.sale, command, |app, a| {
                if seen.is_some_and(|seen| seen != a.commits) {
                    return Err(Error::Conflict {
                        code: "operation.conflict",
                        message: "the sale changed meanwhile".to_owned(),
                    });
                }
                app.plain(a, change, actor, command)
            })
            .await;
        match done {
            Ok(outcome) => Ok(outcome.aggregate()),
            // Nothing is known: the hold stays until the books see what became of it.
            Err(error @ (Error::Unavailable(_) | Error::StoreRefused(_) | Error::Internal(_))) => Err(error),
            Err(error) => {
                self.change_books(merchant, |books| books.holds.retain(|there| there.command != *command)).await?;
                Err(error)
            }
        }
    }

    /// Holds funds, if there are enough.
    async fn hold_funds(&self, merchant: &MerchantId, read: Read, hold: &Hold, turn: Turn) -> Result<Held, Error> {
        let currency = &hold.amount.currency;
        if !read.books.watched {
            let entry = Entry { id: merchant.to_string(), at: String::new() };
            self.records().await?.append(&Key::directory("funded"), &entry, self.unique()).await?;
        }
        // What is not known to be there does not count: the tick goes on reading.
        if !read.complete {
            return Ok(Held::Short);
        }
        let gone = self.holds_without_effect(merchant, &read.books).await?;
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Books, _, _>(&Key::books(merchant), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                next.watched = true;
                next.mark.clone_from(&mark);
                if next.holds.iter().any(|there| there.command == hold.command) {
                    return Ok((None, Held::Yes));
                }
                next.holds.retain(|there| !gone.contains(there));
                let others_wait = next.waiting.get(currency).is_some_and(|waiting| waiting.count > 0);
                let passed = turn == Turn::Last && others_wait;
                let short = next.left(hold.basis, hold.day, currency) < hold.amount.minor;
                if passed || short || next.holds.len() >= FUNDING_HOLDS {
                    // The first time it is noted that the merchant's funds are watched, also if there are none.
                    return Ok(((!read.books.watched).then_some(next), Held::Short));
                }
                next.holds.push(hold.clone());
                Ok((Some(next), Held::Yes))
            })
            .await
    }

    /// Holds whose command cannot come through any more.
    async fn holds_without_effect(&self, merchant: &MerchantId, books: &Books) -> Result<Vec<Hold>, Error> {
        let records = self.records().await?;
        let now = self.ports.now();
        let mut gone = Vec::new();
        for hold in books.holds.iter().filter(|hold| now.since(hold.at) > INTENT_PATIENCE) {
            let sale = records.read::<Aggregate>(&Key::sale(merchant, &hold.sale)).await?;
            // What the books have read is in their sums; after a day nothing of it can be unread.
            let counted = now.since(hold.at) > HOLD_ENDS;
            if counted || !sale.is_some_and(|sale| sale.holds(hold.command.as_str())) {
                gone.push(hold.clone());
            }
        }
        Ok(gone)
    }

    async fn change_books(
        &self,
        merchant: &MerchantId,
        change: impl Fn(&mut Books) + Send + Sync,
    ) -> Result<(), Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Books, _, _>(&Key::books(merchant), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                change(&mut next);
                if there == Some(&next) {
                    return Ok((None, ()));
                }
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }

    /// Brings the books of all merchants up to date whose refunds are limited by funds, and works their queues off.
    pub(crate) async fn work_off_queues(&self, out_of_time: impl Fn() -> bool + Send + Sync) -> Result<u32, Error> {
        let records = self.records().await?;
        let mut at = Position::START;
        let mut cleared = 0_u32;
        loop {
            let slice = records.slice(&Key::directory("funded"), at, LIST_LIMIT).await?;
            for (position, entry) in slice.entries {
                at = position;
                if out_of_time() {
                    return Ok(cleared);
                }
                let Ok(merchant) = MerchantId::parse(&entry.id) else { continue };
                // One merchant whose books cannot be read must not hold up the others.
                match self.work_off_funds(&merchant, &out_of_time).await {
                    Ok(did) => cleared = cleared.saturating_add(did),
                    Err(error) => self.ports.log(&format!("funds of {merchant}: {error}: {error:?}")),
                }
            }
            if !slice.more {
                return Ok(cleared);
            }
        }
    }

    async fn work_off_funds(
        &self,
        merchant: &MerchantId,
        out_of_time: &(impl Fn() -> bool + Send + Sync),
    ) -> Result<u32, Error> {
        let record = self.merchant(merchant).await?;
        let policy = self.policy_of(&record).await?;
        loop {
            let read = self.bring_books_up(merchant, &policy, BOOK_EVENTS).await?;
            if out_of_time() {
                return Ok(0);
            }
            if read.complete {
                break;
            }
        }
        self.work_off_queue(merchant, &policy).await
    }

    /// Sends the refunds that wait for funds to clearing, first come first served, until the funds do not reach.
    pub(crate) async fn work_off_queue(&self, merchant: &MerchantId, policy: &P::Policy) -> Result<u32, Error> {
        let records = self.records().await?;
        let mut cleared = 0_u32;
        let mut read = self.bring_books_up(merchant, policy, BOOK_EVENTS).await?;
        if read.books.waiting.values().all(|waiting| waiting.count <= 0) {
            return Ok(0);
        }
        let mut at = read.books.queue;
        // Up to which position nothing waits any more.
        let mut front = at;
        let mut short = false;
        while !short {
            let slice = records.slice(&Key::queued(merchant), at, LIST_LIMIT).await?;
            if slice.entries.is_empty() {
                break;
            }
            for (position, entry) in slice.entries {
                at = position;
                if self.clear_next(merchant, policy, &entry, &mut read).await? == Held::Short {
                    short = true;
                    break;
                }
                front = position;
                cleared = cleared.saturating_add(1);
            }
        }
        self.change_books(merchant, |books| books.queue = books.queue.max(front)).await?;
        Ok(cleared)
    }

    /// Sends the refund of an entry of the queue to clearing, if it still waits.
    async fn clear_next(
        &self,
        merchant: &MerchantId,
        policy: &P::Policy,
        entry: &Entry,
        read: &mut Read,
    ) -> Result<Held, Error> {
        let (Ok(sale), Ok(id)) = (SaleId::parse(&entry.at), RefundId::parse(&entry.id)) else { return Ok(Held::Yes) };
        for _ in 0..SWAP_ATTEMPTS {
            let there = self.records().await?.read::<Aggregate>(&Key::sale(merchant, &sale)).await?;
            let Some(there) = there else { return Ok(Held::Yes) };
            let Some(refund) = find(&there, &id).filter(|refund| refund.state == RefundState::Queued) else {
                return Ok(Held::Yes);
            };
            // The same for whoever drives the queue at this state.
            let text = format!("{merchant}:{sale}:{id}:{}:funds", there.commits);
            let short = crate::idempotency::short(&Digest::of(text.as_bytes()));
            let command = CommandId { value: format!("k-{short}") };
            let Some(hold) = self.hold_for(&there.ledger.sale, refund, policy, &command)? else {
                return Ok(Held::Yes);
            };
            if self.hold_funds(merchant, read.clone(), &hold, Turn::First).await? == Held::Short {
                return Ok(Held::Short);
            }
            match self
                .commit_held(merchant, &hold, &Command::Clear(id.clone()), &Actor::System, Some(there.commits))
                .await
            {
                Ok(_) => return Ok(Held::Yes),
                // Somebody changed it: look again.
                Err(Error::Conflict { .. }) => {}
                // It cannot clear, whatever the funds: it stands as it is, for a person, and holds up nobody.
                Err(Error::Rejected(rejection)) => {
                    self.ports.log(&format!("refund {id}: waits for funds and cannot clear: {rejection:?}"));
                    return Ok(Held::Yes);
                }
                Err(error) => return Err(error),
            }
            *read = self.bring_books_up(merchant, policy, BOOK_EVENTS).await?;
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }

    /// Records a payment into the funds: once per id.
    ///
    /// # Errors
    /// Not permitted; no such merchant; [`Error::Conflict`] `funds.id-taken` for another payment of that id.
    pub async fn pay_in(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &str,
        amount: &Money,
        note: Option<String>,
    ) -> Result<Receipt, Error> {
        who.may(Deed::PayIn, merchant)?;
        let record = self.merchant(merchant).await?;
        if id.is_empty() || id.len() > FUNDS_ID_BYTES || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid("/id", format!("expected 1 to {FUNDS_ID_BYTES} printable characters")));
        }
        let token = self.random_hex(32);
        let now = self.ports.now();
        self.count_what_came(merchant).await?;
        // Announced first: what is announced and has a receipt is counted, by whoever finds it.
        let mark = self.random_hex(16);
        let coming = Coming { id: id.to_owned(), token: token.clone(), at: now };
        self.records()
            .await?
            .update::<Books, _, _>(&Key::books(merchant), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if next.coming.iter().any(|there| there.token == coming.token) {
                    return Ok((None, ()));
                }
                if next.coming.len() >= FUNDING_HOLDS {
                    return Err(Error::Unavailable("too much is being paid in at once".to_owned()));
                }
                next.coming.push(coming.clone());
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await?;
        let receipt = Receipt { id: id.to_owned(), amount: amount.clone(), note, at: now, token: token.clone() };
        let there = self.write_receipt(merchant, &receipt).await?;
        self.count_receipt(merchant, &there, &token).await?;
        if there.amount != *amount || there.note != receipt.note {
            return Err(Error::Conflict {
                code: "funds.id-taken",
                message: format!("{id} was paid in before, with another amount or note"),
            });
        }
        // Whatever waited may go now; if not, the next tick sees to it.
        let policy = self.policy_of(&record).await?;
        if let Err(error) = self.work_off_queue(merchant, &policy).await {
            self.ports.log(&format!("funds of {merchant}: {error}: {error:?}"));
        }
        Ok(there)
    }

    /// The receipt of that id: this one, or the one that was there.
    async fn write_receipt(&self, merchant: &MerchantId, receipt: &Receipt) -> Result<Receipt, Error> {
        let records = self.records().await?;
        let key = Key::receipt(merchant, &receipt.id);
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Receipt>(&key).await?;
            if let Some(there) = slot.value {
                return Ok(there);
            }
            if records.commit(slot, receipt, &receipt.token, self.unique()).await? == Commit::Written {
                return Ok(receipt.clone());
            }
        }
        Err(Error::Unavailable(format!("{key} is written by too many at once")))
    }

    /// Counts a receipt's money unless it was counted, and strikes out the attempt that found it.
    async fn count_receipt(&self, merchant: &MerchantId, receipt: &Receipt, token: &str) -> Result<(), Error> {
        let mark = self.random_hex(16);
        let Money { minor, currency } = receipt.amount.clone();
        self.records()
            .await?
            .update::<Books, _, _>(&Key::books(merchant), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                let announced = next.coming.iter().any(|coming| coming.token == receipt.token);
                next.coming.retain(|coming| coming.token != receipt.token && coming.token != token);
                if announced {
                    let funds = next.prefunded.entry(currency.clone()).or_default();
                    let sum = funds.paid_in.checked_add(minor);
                    funds.paid_in = sum.ok_or_else(|| Error::invalid("/amount", "the funds would be too large"))?;
                }
                if there == Some(&next) {
                    return Ok((None, ()));
                }
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }

    /// Ends the announcements of requests that cannot be alive any more.
    async fn count_what_came(&self, merchant: &MerchantId) -> Result<(), Error> {
        let records = self.records().await?;
        let now = self.ports.now();
        let Some(books) = records.read::<Books>(&Key::books(merchant)).await? else { return Ok(()) };
        for coming in books.coming.iter().filter(|coming| now.since(coming.at) > INTENT_PATIENCE) {
            match records.read::<Receipt>(&Key::receipt(merchant, &coming.id)).await? {
                Some(receipt) => self.count_receipt(merchant, &receipt, &coming.token).await?,
                None => {
                    let token = &coming.token;
                    self.change_books(merchant, |books| books.coming.retain(|there| there.token != *token)).await?;
                }
            }
        }
        Ok(())
    }

    /// A merchant's funds on a business day, today unless told.
    ///
    /// # Errors
    /// Not permitted; no such merchant.
    pub async fn funds(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        day: Option<BusinessDay>,
    ) -> Result<Funds, Error> {
        who.may(Deed::Account, merchant)?;
        let record = self.merchant(merchant).await?;
        let policy = self.policy_of(&record).await?;
        let day = day.map_or_else(|| policy.business_day_of(self.ports.now()), Ok)?;
        let read = self.bring_books_up(merchant, &policy, BOOK_EVENTS).await?;
        Ok(Funds { basis: policy.terms().funding, day, read })
    }
}
