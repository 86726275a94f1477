//! What can be put right because it follows from what else is stored: each by one write of the record protocol, with the
//! store not in use. Nothing of a sale, an answer or a count is ever changed.

use crate::courier::Waiting;
use crate::error::Error;
use crate::ports::Kv;
use crate::refund::Pointer;
use crate::store::key::Key;
use crate::store::lane::{Intent, Lane};
use crate::store::list::{Entry, Tail};
use crate::store::{Commit, Records, probe};
use crate::terminal::notice::{AllWaiting, Waiting as WaitingNotice};
use rescind_model::{CommandId, Instant, MerchantId, RefundId, SaleId};
use std::collections::BTreeMap;

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repair {
    /// An intent is written down for a command that its sale holds: the courier publishes it, or only looks after the sale.
    Announce { merchant: MerchantId, sale: SaleId, command: CommandId, page: Option<u64>, published: bool },
    /// A notice is noted as waiting.
    AnnounceNotice { merchant: MerchantId, id: String },
    /// A merchant's endpoints are noted as having something to be told.
    Deliver { merchant: MerchantId },
    /// An entry is added to a list.
    Append { list: Key, entry: Entry },
    /// The hint at a list's last page is set.
    SetTail { list: Key, page: u64 },
    /// A refund's id leads to its sale.
    Point { merchant: MerchantId, refund: RefundId, sale: SaleId, command: CommandId },
    /// A leftover that is no record is removed, or one whose key nobody else uses.
    Delete { key: String },
    /// A record is removed.
    Remove { key: Key },
}

/// Carries repairs out; gives how many were.
pub(super) async fn all<K: Kv>(kv: &K, repairs: Vec<Repair>, now: Instant) -> Result<u64, Error> {
    let mut number = 0_u64;
    let seed = u64::try_from(now.unix_ms).unwrap_or_default().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let records = Records::new(kv, probe(kv, seed).await?, "native");
    for repair in repairs {
        number = number.saturating_add(1);
        let one = One { records: &records, now, unique: seed.wrapping_add(number) };
        one.carry_out(repair).await?;
    }
    Ok(number)
}

struct One<'a, K: Kv> {
    records: &'a Records<'a, K>,
    now: Instant,
    /// A number that nobody else uses.
    unique: u64,
}

impl<K: Kv> One<'_, K> {
    async fn carry_out(&self, repair: Repair) -> Result<(), Error> {
        match repair {
            Repair::Announce { merchant, sale, command, page, published } => {
                let id = command.to_string();
                self.announce(Intent { id, merchant, sale, at: self.now, page, lists: BTreeMap::new(), published })
                    .await
            }
            Repair::AnnounceNotice { merchant, id } => {
                let mark = self.mark();
                let change = |there: Option<&AllWaiting>| {
                    let mut next = there.cloned().unwrap_or_default();
                    let waiting = WaitingNotice { merchant: merchant.clone(), id: id.clone(), since: self.now };
                    next.notices.push(waiting);
                    next.marks.add(&mark);
                    Ok((Some(next), ()))
                };
                self.records.update::<AllWaiting, _, _>(&Key::notices(), &mark, self.unique, change).await
            }
            Repair::Deliver { merchant } => {
                let mark = self.mark();
                let change = |there: Option<&Waiting>| {
                    let mut next = there.cloned().unwrap_or_default();
                    let seen = next.merchants.entry(merchant.clone()).or_insert(0);
                    *seen = seen.wrapping_add(1);
                    next.mark.clone_from(&mark);
                    Ok((Some(next), ()))
                };
                self.records.update::<Waiting, _, _>(&Key::lane(0).tail(), &mark, self.unique, change).await
            }
            Repair::Append { list, entry } => self.records.append(&list, &entry, self.unique).await,
            Repair::SetTail { list, page } => self.set_tail(&list, page).await,
            Repair::Point { merchant, refund, sale, command } => {
                let pointer = Pointer { sale, command };
                let id = pointer.command.to_string();
                let change = |there: Option<&Pointer>| Ok((there.is_none().then(|| pointer.clone()), ()));
                self.records.update::<Pointer, _, _>(&Key::refund(&merchant, &refund), &id, self.unique, change).await
            }
            Repair::Delete { key } => Ok(self.records.store().delete(&key).await?),
            Repair::Remove { key } => self.records.remove(&key).await,
        }
    }

    fn mark(&self) -> String {
        format!("doctor-{}-{:016x}", self.now.unix_ms, self.unique)
    }

    async fn announce(&self, intent: Intent) -> Result<(), Error> {
        let key = Key::lane(crate::store::lane::of(&intent.merchant, &intent.sale));
        let mark = self.mark();
        let change = |there: Option<&Lane>| {
            let mut next = there.cloned().unwrap_or_default();
            if next.intents.iter().any(|i| i.id == intent.id) {
                return Ok((None, ()));
            }
            if next.is_full() {
                return Err(Error::Unavailable(
                    "a lane is full: serve for a while, so that the courier works it off, and repair again".to_owned(),
                ));
            }
            next.intents.push(intent.clone());
            next.mark.clone_from(&mark);
            Ok((Some(next), ()))
        };
        self.records.update::<Lane, _, _>(&key, &mark, self.unique, change).await
    }

    /// A hint is only ever raised by those who use the list, so this is proved by reading it.
    async fn set_tail(&self, list: &Key, page: u64) -> Result<(), Error> {
        let key = list.tail();
        let slot = self.records.open::<Tail>(&key).await?;
        let written = self.records.commit(slot, &Tail { page }, &page.to_string(), self.unique).await?;
        let now = self.records.tail(list).await?;
        if written == Commit::Written && now == page {
            return Ok(());
        }
        Err(Error::Unavailable(format!("{key} is still at page {now}")))
    }
}
