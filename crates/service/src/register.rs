//! Lists over all payments of a merchant: refunds, referrals, legal orders, liabilities, what waits for funds. The things
//! themselves are in their payments' ledgers; the lists name them and are written when their first event is published.

use crate::app::App;
use crate::error::Error;
use crate::limits::LIST_LIMIT;
use crate::ports::Ports;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use rescind_model::{Event, EventKind, MerchantId, SaleId};
use std::collections::BTreeMap;

/// A part of such a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered<T> {
    /// In the order they were first heard of, each with its payment.
    pub items: Vec<(Aggregate, T)>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// The lists that an event adds to, with what is added.
pub(crate) fn entries(merchant: &MerchantId, sale: &SaleId, event: &Event) -> Vec<(Key, Entry)> {
    let refund = event.refund.as_ref().map(ToString::to_string);
    let about = event.about.clone();
    let (list, named) = match event.kind {
        EventKind::RefundSubmitted => (Key::refunds(merchant), refund),
        EventKind::RefundQueued => (Key::queued(merchant), refund),
        EventKind::CaseOpened => (Key::cases(merchant), about),
        EventKind::OrderProposed => (Key::orders(merchant), about),
        EventKind::LiabilityOpened => (Key::liabilities(merchant), about),
        _ => return Vec::new(),
    };
    let Some(id) = named else { return Vec::new() };
    let mut all = Vec::new();
    if event.kind == EventKind::LiabilityOpened && !id.contains('~') {
        // The ledger named it: the name does not say in which payment it is.
        all.push((liability_index(merchant, &id), Entry { id: sale.to_string(), at: String::new() }));
    }
    all.push((list, Entry { id, at: sale.to_string() }));
    all
}

/// In which payment a liability is that a ledger named.
pub(crate) fn liability_index(merchant: &MerchantId, id: &str) -> Key {
    Key::index(merchant, "liability", id)
}

impl<P: Ports> App<P> {
    /// A part of a list, read through to the ledgers. `pick` finds the thing of that name, or passes it over.
    pub(crate) async fn registered<T>(
        &self,
        list: &Key,
        merchant: &MerchantId,
        after: Option<&str>,
        limit: usize,
        pick: impl Fn(&Aggregate, &str) -> Option<T> + Send + Sync,
    ) -> Result<Registered<T>, Error>
    where
        T: Send,
    {
        self.publish_waiting().await;
        let mut from = after.map_or(Ok(Position::START), Position::parse)?;
        let limit = limit.clamp(1, LIST_LIMIT);
        let records = self.records().await?;
        // Rare things must not make one request read the whole list: after this many entries the caller goes on.
        let slice = records.slice(list, from, LIST_LIMIT.saturating_mul(4)).await?;
        let mut more = slice.more;
        let mut items = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut sales: BTreeMap<SaleId, Option<Aggregate>> = BTreeMap::new();
        for (position, entry) in slice.entries {
            if items.len() >= limit {
                more = true;
                break;
            }
            from = position;
            let Ok(sale) = SaleId::parse(&entry.at) else { continue };
            if seen.contains(&entry.id) {
                continue;
            }
            if !sales.contains_key(&sale) {
                let found = records.read::<Aggregate>(&Key::sale(merchant, &sale)).await?;
                sales.insert(sale.clone(), found);
            }
            if let Some(aggregate) = sales.get(&sale).and_then(Option::as_ref)
                && let Some(item) = pick(aggregate, &entry.id)
            {
                items.push((aggregate.clone(), item));
            }
            seen.push(entry.id);
        }
        Ok(Registered { items, next: more.then(|| from.to_string()) })
    }
}

/// The payment in a name that the core made: `<sale>~<number>`.
pub(crate) fn sale_in(name: &str) -> Option<SaleId> {
    name.rsplit_once('~').and_then(|(sale, _)| SaleId::parse(sale).ok())
}
