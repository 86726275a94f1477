//! *told* (`DOMAIN.md` §10): every event is in the feed once and in order per sale, or on its way there; and every endpoint
//! has been told everything, or will be.

use super::finding::Code;
use super::repair::Repair;
use super::shelf::{Listed, short};
use super::walk::Walk;
use crate::courier::unheard::Walk as Unheard;
use crate::courier::{Buckets, Waiting};
use crate::endpoint::{Cursor, Endpoints};
use crate::error::Error;
use crate::feed::reference;
use crate::limits::{LANES, page_entries};
use crate::store::key::Key;
use crate::store::lane::{self, Intent, Lane};
use crate::store::list::{Page, Position};
use crate::terminal::notice::{AllWaiting, Stored, referred};
use rescind_model::{MerchantId, SaleId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How far a sale's events are in the feed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// The sequence number of the last.
    pub(super) last: u64,
    /// The page of the feed it is in.
    pub(super) page: u64,
    /// The sequence number of the last that its merchant's books have read.
    pub(super) booked: u64,
}

/// Who reads a feed.
struct Reader {
    merchant: String,
    key: String,
    at: Position,
    /// Whether it is told by ticks, and not read when somebody asks.
    told: bool,
}

/// What is remembered of the feeds and of what is on its way there.
#[derive(Default)]
pub(super) struct Publication {
    /// Intents by the sale they are about.
    pub(super) intents: BTreeMap<(MerchantId, SaleId), Vec<Intent>>,
    /// Merchants with something on its way into their feed.
    publishing: BTreeSet<String>,
    /// Merchants whose endpoints are noted as having something to be told.
    delivering: BTreeSet<String>,
    /// Notices on their way.
    notices: HashSet<u128>,
    /// Notices in a feed.
    told_notices: HashSet<u128>,
    /// Sales in a feed.
    pub(super) told: HashMap<u128, Told>,
    /// The ends of the feeds.
    pub(super) ends: BTreeMap<String, Position>,
    readers: Vec<Reader>,
    /// Buckets of due times that are in the index.
    buckets: HashSet<(i64, i64)>,
    /// The earliest reminder of each sale.
    pub(super) reminders: HashMap<u128, i64>,
    /// Whether the sales of old releases were looked through.
    pub(super) looked_through: bool,
}

impl<K: Listed> Walk<'_, '_, K> {
    /// What the walk has to know before it begins: all of it is bounded.
    pub(super) async fn read_what_waits(&mut self) -> Result<(), Error> {
        for number in 0..LANES {
            let key = Key::lane(number);
            let there = self.shelf.read::<Lane>(&key).await?.unwrap_or_default();
            for intent in there.intents {
                if !intent.published {
                    self.publication.publishing.insert(intent.merchant.to_string());
                }
                let sale = (intent.merchant.clone(), intent.sale.clone());
                self.publication.intents.entry(sale).or_default().push(intent);
            }
            let waiting = self.shelf.read::<Waiting>(&key.tail()).await?.unwrap_or_default();
            self.publication.delivering.extend(waiting.merchants.keys().map(ToString::to_string));
        }
        let notices = self.shelf.read::<AllWaiting>(&Key::notices()).await?.unwrap_or_default();
        for waiting in notices.notices {
            self.publication.publishing.insert(waiting.merchant.to_string());
            self.publication.notices.insert(short(&[waiting.merchant.as_str(), &waiting.id]));
        }
        let index = self.shelf.read::<Buckets>(&Key::due_index()).await?.unwrap_or_default();
        self.publication.buckets = index.buckets.iter().map(|bucket| (bucket.start, bucket.width)).collect();
        self.publication.looked_through = self.shelf.read::<Unheard>(&Key::unheard()).await?.is_some_and(|w| w.done);
        Ok(())
    }

    pub(super) fn lane(&mut self, key: &str, number: &str, bytes: &[u8]) {
        let Some((there, _)) = self.decode::<Lane>(key, bytes) else { return };
        for intent in there.intents {
            let Intent { id, merchant, sale, .. } = &intent;
            if number.parse() != Ok(lane::of(merchant, sale)) {
                self.found(Code::IntentLane, key, format!("{id} of {merchant}/{sale} is not of this lane"));
            }
            let what = format!("{id} of {merchant}/{sale} waits: the next ticks publish and drive it, or give it up");
            self.found(Code::IntentWaiting, key, what);
        }
    }

    pub(super) fn feed_page(&mut self, key: &str, merchant: &str, number: u64, page: &Page) {
        let booked_to = self.ledgers.read_to(merchant);
        for (index, entry) in page.entries.iter().enumerate() {
            if let Some(notice) = referred(entry) {
                if !self.publication.told_notices.insert(short(&[merchant, notice])) {
                    self.found(Code::EventTwice, key, format!("notice {notice}"));
                }
                continue;
            }
            let Some((sale, sequence)) = reference(entry) else {
                self.found(Code::EventDangling, key, format!("{} is no reference", entry.id));
                continue;
            };
            let told = self.publication.told.entry(short(&[merchant, sale.as_str()])).or_default();
            let expected = told.last.saturating_add(1);
            if sequence > told.last {
                told.last = sequence;
                told.page = number;
                if (Position { page: number, index }) < booked_to {
                    told.booked = sequence;
                }
            }
            if sequence > expected {
                let what = format!("event {sequence} of {sale} is here, and event {expected} was not before it");
                self.found(Code::EventOrder, key, what);
            } else if sequence < expected {
                self.found(Code::EventTwice, key, format!("event {sequence} of {sale}"));
            }
        }
    }

    pub(super) fn due_page(&mut self, key: &str, start: &str, width: &str, page: &Page) {
        let bucket = start.parse().ok().zip(width.parse().ok());
        if !bucket.is_some_and(|bucket| self.publication.buckets.contains(&bucket)) {
            let what = "its bucket is not in the index: nobody works it off any more";
            self.mend(Code::BucketLeft, key, what, vec![Repair::Remove { key: Key::met(key) }]);
            return;
        }
        for entry in &page.entries {
            let mut parts = entry.id.split(':');
            let (Some(merchant), Some(sale)) = (parts.next(), parts.next()) else { continue };
            let Ok(at) = entry.at.parse::<i64>() else { continue };
            let known = self.publication.reminders.entry(short(&[merchant, sale])).or_insert(at);
            *known = at.min(*known);
        }
    }

    pub(super) fn notice(&mut self, key: &str, merchant: &str, id: &str, bytes: &[u8]) {
        let Some(there) =
            self.fitting::<Stored>(key, bytes, |there| Key::notice(&there.notice.merchant, &there.notice.id))
        else {
            return;
        };
        let name = short(&[merchant, id]);
        let told = self.publication.told_notices.remove(&name);
        let waits = self.publication.notices.contains(&name);
        if told || waits {
            return;
        }
        let repair = Repair::AnnounceNotice { merchant: there.notice.merchant.clone(), id: id.to_owned() };
        // One that says it was published would not be published again.
        if there.published {
            self.found(Code::NoticeUntold, key, "it says that it was published, and is not in the feed");
        } else {
            self.mend(Code::NoticeUntold, key, "it is not in the feed, and not noted as waiting", vec![repair]);
        }
    }

    pub(super) fn notices(&mut self, key: &str, bytes: &[u8]) {
        let Some((there, _)) = self.decode::<AllWaiting>(key, bytes) else { return };
        for waiting in there.notices {
            let what = format!("notice {} of {} waits: the next tick publishes it", waiting.id, waiting.merchant);
            self.found(Code::NoticeWaiting, key, what);
        }
    }

    pub(super) async fn endpoints(&mut self, key: &str, merchant: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some((there, _)) = self.decode::<Endpoints>(key, bytes) else { return Ok(()) };
        let Ok(id) = MerchantId::parse(merchant) else { return Ok(()) };
        for endpoint in there.endpoints {
            let cursor = Key::cursor(&id, &endpoint.id);
            let at = self.shelf.read::<Cursor>(&cursor).await?.map_or(endpoint.from, |cursor| cursor.at);
            let reader = Reader { merchant: merchant.to_owned(), key: cursor.to_string(), at, told: true };
            self.publication.readers.push(reader);
        }
        Ok(())
    }

    /// Notes that something has read a feed so far.
    pub(super) fn has_read(&mut self, key: &str, merchant: &str, at: Position) {
        let reader = Reader { merchant: merchant.to_owned(), key: key.to_owned(), at, told: false };
        self.publication.readers.push(reader);
    }

    /// Once the ends of all feeds are known.
    pub(super) fn look_at_deliveries(&mut self) {
        for reader in core::mem::take(&mut self.publication.readers) {
            let Reader { merchant, key, at, told } = reader;
            let end = self.publication.ends.get(&merchant).copied().unwrap_or(Position::START);
            if is_ahead(at, end) {
                let what = format!("it has read up to {at}, and the feed ends at {end}");
                self.found(Code::CursorAhead, &key, what);
            }
            if at >= end || !told {
                continue;
            }
            let what = format!("it was told up to {at} of {end}");
            if self.publication.delivering.contains(&merchant) || self.publication.publishing.contains(&merchant) {
                self.found(Code::DeliveryWaiting, &key, format!("{what}: the next ticks go on"));
            } else if let Ok(merchant) = MerchantId::parse(&merchant) {
                self.mend(Code::DeliveryForgotten, &key, what, vec![Repair::Deliver { merchant }]);
            }
        }
    }

    /// What the feeds name and no sale or notice answered to.
    pub(super) async fn name_untaken_references(&mut self) -> Result<(), Error> {
        if self.publication.told.is_empty() && self.publication.told_notices.is_empty() {
            return Ok(());
        }
        self.again::<Page>("feed:", |this, key, page| {
            let merchant = key.split(':').nth(1).unwrap_or_default();
            for entry in &page.entries {
                let gone = match (referred(entry), reference(entry)) {
                    (Some(notice), _) => this.publication.told_notices.contains(&short(&[merchant, notice])),
                    (None, Some((sale, _))) => this.publication.told.contains_key(&short(&[merchant, sale.as_str()])),
                    (None, None) => false,
                };
                if gone {
                    this.found(Code::EventDangling, key, format!("{} is named here and is not there", entry.id));
                }
            }
        })
        .await
    }
}

/// Whether somebody has read further than a feed goes. A reader that begins with a page which is not there yet has not.
pub(super) fn is_ahead(at: Position, end: Position) -> bool {
    let next = Position { page: end.page.saturating_add(1), index: 0 };
    at > end && !(at == next && end.index >= page_entries())
}
