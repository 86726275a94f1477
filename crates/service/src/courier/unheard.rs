//! Payments of which nobody knew before time called a person about such (`sale/1`): nothing ever noted that they are due.
//! Ticks walk every merchant's feed once, a bounded part at a time, and drive those that they find.
//!
//! What is registered today is noted as it is committed, so the walk ends for good at the last merchant there is then.

use super::Outbound;
use crate::app::App;
use crate::error::Error;
use crate::feed::reference;
use crate::limits::LIST_LIMIT;
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Position;
use rescind_model::{Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How far the walk got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Walk {
    /// The merchants before this position are done.
    merchants: Position,
    /// Where to go on in the feed of the one after it.
    feed: Position,
    pub(crate) done: bool,
    mark: String,
}

impl Record for Walk {
    const FORMAT: &'static str = "unheard/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

impl<P: Outbound> App<P> {
    /// Goes on with the walk, over at most [`LIST_LIMIT`] events; gives how many sales had something due.
    pub(super) async fn drive_unheard(&self, begun: Instant) -> Result<u32, Error> {
        let records = self.records().await?;
        let seen = records.read::<Walk>(&Key::unheard()).await?;
        let first = || Walk { merchants: Position::START, feed: Position::START, done: false, mark: String::new() };
        let mut walk = seen.clone().unwrap_or_else(first);
        if walk.done {
            return Ok(0);
        }
        let (mut left, mut found) = (LIST_LIMIT, Vec::new());
        while left > 0 {
            let merchants = records.slice(&Key::directory("merchants"), walk.merchants, 1).await?;
            let Some((after, entry)) = merchants.entries.into_iter().next() else {
                walk.done = true;
                break;
            };
            left = left.saturating_sub(1);
            if let Ok(merchant) = MerchantId::parse(&entry.id) {
                let feed = records.slice(&Key::feed(&merchant), walk.feed, left.max(1)).await?;
                left = left.saturating_sub(feed.entries.len());
                walk.feed = feed.entries.last().map_or(walk.feed, |(position, _)| *position);
                let sales: BTreeSet<SaleId> =
                    feed.entries.iter().filter_map(|(_, entry)| Some(reference(entry)?.0)).collect();
                for sale in sales {
                    if self.waits_unheard(&merchant, &sale).await? {
                        found.push((merchant.clone(), sale));
                    }
                }
                if feed.more {
                    continue;
                }
            }
            (walk.merchants, walk.feed) = (after, Position::START);
        }
        // First what was found, then how far it went: whoever is interrupted in between finds it again.
        let driven = self.drive_all(&found, begun).await?;
        walk.mark = self.random_hex(16);
        records
            .update::<Walk, _, _>(&Key::unheard(), &walk.mark, self.unique(), |there| {
                // Somebody else went on from there.
                Ok(((there == seen.as_ref()).then(|| walk.clone()), ()))
            })
            .await?;
        Ok(driven)
    }

    /// Whether nobody knows of a payment, and no person was called yet.
    async fn waits_unheard(&self, merchant: &MerchantId, sale: &SaleId) -> Result<bool, Error> {
        match self.records().await?.read::<Aggregate>(&Key::sale(merchant, sale)).await {
            Ok(there) => Ok(there.and_then(|a| a.ledger.doubt).is_some_and(|doubt| !doubt.attention)),
            Err(Error::Unavailable(why)) => Err(Error::Unavailable(why)),
            // One sale that cannot be read must not hold up the others.
            Err(error) => {
                self.ports.log(&format!("sale {merchant}/{sale}: {error}: {error:?}"));
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;
    use crate::ports::{Kv as _, Ports as _};
    use crate::store::list::Entry;
    use crate::testkit::World;
    use rescind_model::{EventKind, SaleOutcome};
    use serde_json::{Value, json};

    const VOID: &str = include_str!("../../tests/fixtures/sale-1-void.json");

    /// A sale of the first format whose outcome nobody knew when it was registered.
    fn unknown(id: &str) -> Vec<u8> {
        let mut record: Value = serde_json::from_str(VOID).unwrap();
        let data = &mut record["d"];
        data["ledger"]["sale"]["id"] = json!(id);
        data["ledger"]["status"]["outcome"] = json!("Unknown");
        data["ledger"]["voids"] = json!([]);
        data["ledger"]["events"] = json!(1);
        data["events"].as_array_mut().unwrap().truncate(1);
        data["events"][0]["reason"] = json!("unknown");
        data["commits"] = json!(1);
        data["recent"].as_array_mut().unwrap().truncate(1);
        serde_json::to_vec(&record).unwrap()
    }

    #[tokio::test]
    async fn of_an_old_payment_that_nobody_knows_a_person_is_called_once() {
        let path = format!("{}/../../policies/lakala.toml", env!("CARGO_MANIFEST_DIR"));
        let pack = rescind_policy::compile(&std::fs::read_to_string(path).unwrap(), "lakala").unwrap();
        let world = World::new();
        world.merchant("m0", "lakala", pack.canonical()).await.unwrap();
        let merchant = world.merchant("m1", "lakala", pack.canonical()).await.unwrap();
        let app = &world.app;
        let records = app.records().await.unwrap();
        // More than one tick walks over.
        let count = LIST_LIMIT + 20;
        for number in 0..count {
            let id = format!("S-{number}");
            app.ports.kv().set(&format!("sale:m1:{id}"), &unknown(&id)).await.unwrap();
            let entry = Entry { id: format!("{id}:1"), at: String::new() };
            records.append(&Key::feed(&merchant), &entry, app.unique()).await.unwrap();
        }
        let called = async || {
            let mut called = 0;
            for number in 0..count {
                let key = Key::sale(&merchant, &SaleId::parse(&format!("S-{number}")).unwrap());
                let there = records.read::<Aggregate>(&key).await.unwrap().unwrap();
                assert_eq!(there.ledger.status.outcome, SaleOutcome::Unknown);
                called += there.events.iter().filter(|event| event.kind == EventKind::SaleAttention).count();
            }
            called
        };
        app.ports.set_now(Instant { unix_ms: 1_795_406_400_000 + 660_000 });
        assert_eq!(called().await, 0);
        app.tick().await.unwrap();
        let first = called().await;
        assert!((1..=LIST_LIMIT).contains(&first), "{first}");
        for _ in 0..3 {
            app.tick().await.unwrap();
        }
        assert_eq!(called().await, count);
        assert!(records.read::<Walk>(&Key::unheard()).await.unwrap().unwrap().done);
    }
}
