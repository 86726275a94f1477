//! The feed: every event of a merchant exactly once, in order per sale; and what people are told of its terminals
//! (`terminal/notice`).
//!
//! The feed's pages hold references; the events themselves are in their sale's history. An intent was written down
//! before the sale changed. Publishing assigns the intent a page (by compare-and-swap on the lane), adds the references
//! to that page unless they are there, and strikes the intent out. If the page filled up without them, it will be
//! without them for ever, and only then is the intent moved to the next page. So whoever publishes, however often and
//! however often interrupted, each event is in the feed once.

use crate::app::App;
use crate::error::Error;
use crate::limits::{INTENT_PATIENCE, LANES, LIST_LIMIT, SWAP_ATTEMPTS};
use crate::planted::{Mistake, made};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::lane::{Intent, Lane};
use crate::store::list::{Entry, Position};
use crate::store::{Commit, Record as _};
use crate::terminal::notice::{self, TerminalNotice};
use rescind_model::{Audience, Event, Instant, Locale, MerchantId, Message, Notice, SaleId, TerminalId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    /// Where to go on after it.
    pub position: String,
    /// What is told.
    pub told: Told,
}

/// What the feed tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened to a sale.
    OfSale {
        /// What.
        event: Box<Event>,
        /// The sale, as it stands now: one for all of its events.
        aggregate: Arc<Aggregate>,
    },
    /// Something about a terminal.
    OfTerminal(Box<TerminalNotice>),
}

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// In order.
    pub items: Vec<FeedItem>,
    /// Where to go on: always given, so that a reader can wait for more.
    pub next: String,
}

/// The pages of lists that are open for adding, by the list.
type Tails = BTreeMap<String, u64>;

impl<P: Ports> App<P> {
    /// Reads a merchant's feed.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn events(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<FeedPage, Error> {
        who.may(Deed::Read, merchant)?;
        let from = after.map_or(Ok(Position::START), Position::parse)?;
        self.publish_waiting().await;
        let mut page = self.read_feed(merchant, from, limit.clamp(1, LIST_LIMIT)).await?;
        page.items.retain(|item| match &item.told {
            Told::OfSale { aggregate, .. } => crate::sale::visible(who, merchant, aggregate),
            Told::OfTerminal(notice) => hears_of(who, merchant, &notice.terminal),
        });
        Ok(page)
    }

    pub(crate) async fn read_feed(
        &self,
        merchant: &MerchantId,
        from: Position,
        limit: usize,
    ) -> Result<FeedPage, Error> {
        let records = self.records().await?;
        let slice = records.slice(&Key::feed(merchant), from, limit).await?;
        let mut items = Vec::new();
        let mut sales: BTreeMap<SaleId, Arc<Aggregate>> = BTreeMap::new();
        let mut last = from;
        for (position, entry) in slice.entries {
            last = position;
            if let Some(id) = notice::referred(&entry) {
                let told = self.notice(merchant, id).await?;
                let missing = || Error::Internal(format!("feed of {merchant}: {} is missing", entry.id));
                let told = Told::OfTerminal(Box::new(told.ok_or_else(missing)?));
                items.push(FeedItem { position: position.to_string(), told });
                continue;
            }
            let Some((sale, sequence)) = reference(&entry) else {
                return Err(Error::Internal(format!("feed of {merchant}: entry {:?} is not a reference", entry.id)));
            };
            if !sales.contains_key(&sale)
                && let Some(found) = records.read::<Aggregate>(&Key::sale(merchant, &sale)).await?
            {
                sales.insert(sale.clone(), Arc::new(found));
            }
            let aggregate = sales.get(&sale);
            let event = aggregate.and_then(|a| a.events.iter().find(|e| e.sequence == sequence));
            let (Some(aggregate), Some(event)) = (aggregate, event) else {
                return Err(Error::Internal(format!("feed of {merchant}: event {} is missing", entry.id)));
            };
            let told = Told::OfSale { event: Box::new(event.clone()), aggregate: Arc::clone(aggregate) };
            items.push(FeedItem { position: position.to_string(), told });
        }
        Ok(FeedPage { items, next: last.to_string() })
    }

    /// A message about an event, for people.
    ///
    /// # Errors
    /// If it cannot be rendered.
    pub async fn render(
        &self,
        aggregate: &Aggregate,
        event: &Event,
        audience: Audience,
        locale: Locale,
    ) -> Result<Option<Message>, Error> {
        let merchant = self.merchant(&aggregate.ledger.sale.merchant).await?;
        let void = event.operation.as_ref().and_then(|id| aggregate.ledger.voids.iter().find(|v| v.id == *id));
        let refund = event.refund.as_ref().and_then(|id| aggregate.ledger.refunds.iter().find(|r| r.id == *id));
        let (ledger, about) = (&aggregate.ledger, event.about.as_deref());
        let notice = Notice {
            event: event.clone(),
            sale: aggregate.ledger.sale.clone(),
            void_operation: void.cloned(),
            refund: refund.cloned(),
            operation: event.operation.as_ref().and_then(|id| ledger.operations.iter().find(|o| o.id == *id)).cloned(),
            referral: about.and_then(|id| ledger.cases.iter().find(|c| c.id.as_str() == id)).cloned(),
            order: about.and_then(|id| ledger.orders.iter().find(|o| o.id.as_str() == id)).cloned(),
            liability: about.and_then(|id| ledger.liabilities.iter().find(|l| l.id.as_str() == id)).cloned(),
            code: ledger.code.clone(),
            hold: ledger.hold.clone(),
            merchant_name: merchant.name,
            utc_offset_minutes: merchant.utc_offset_minutes,
        };
        self.ports
            .render(&notice, audience, locale)
            .map_err(|e| Error::Internal(format!("an event cannot be rendered: {e:?}")))
    }

    /// Publishes whatever waits in any lane: the courier's work, done here too so that lists are up to date. A lane that
    /// cannot be published is left to the next tick and logged; the others are not held up.
    pub async fn publish_waiting(&self) -> u32 {
        let mut published = 0_u32;
        for lane in 0..LANES {
            published = published.saturating_add(self.publish_or_log(lane).await);
        }
        published
    }

    pub(crate) async fn publish_or_log(&self, lane: u8) -> u32 {
        self.publish_lane(lane).await.unwrap_or_else(|error| {
            self.ports.log(&format!("lane {lane} cannot be published now: {error}: {error:?}"));
            0
        })
    }

    /// Publishes what waits in one lane. Intents whose sale needs the courier stay, marked as published.
    pub(crate) async fn publish_lane(&self, number: u8) -> Result<u32, Error> {
        let records = self.records().await?;
        let key = Key::lane(number);
        let mut published = 0_u32;
        // Each round assigns pages or publishes; a round is repeated while pages fill up or others interfere.
        for _ in 0..SWAP_ATTEMPTS {
            let Some(lane) = records.read::<Lane>(&key).await? else { return Ok(published) };
            if lane.intents.iter().all(|i| i.published) {
                return Ok(published);
            }
            let now = self.ports.now();
            let mut sales: BTreeMap<(MerchantId, SaleId), Option<Aggregate>> = BTreeMap::new();
            let mut unreadable: Vec<String> = Vec::new();
            for intent in lane.intents.iter().filter(|i| !i.published) {
                let id = (intent.merchant.clone(), intent.sale.clone());
                if let std::collections::btree_map::Entry::Vacant(place) = sales.entry(id) {
                    match records.read::<Aggregate>(&Key::sale(&intent.merchant, &intent.sale)).await {
                        Ok(sale) => {
                            place.insert(sale);
                        }
                        // A sale that cannot be read holds up its own intents only; they are never given up.
                        Err(error) => {
                            self.ports.log(&format!("sale {}/{}: {error}: {error:?}", intent.merchant, intent.sale));
                            unreadable.push(intent.id.clone());
                            place.insert(None);
                        }
                    }
                } else if sales.get(&(intent.merchant.clone(), intent.sale.clone())).is_some_and(Option::is_none) {
                    unreadable.push(intent.id.clone());
                }
            }
            let aggregate = |i: &Intent| sales.get(&(i.merchant.clone(), i.sale.clone())).and_then(Option::as_ref);
            let committed = |i: &Intent| aggregate(i).is_some_and(|a| a.holds(&i.id));
            let waiting = lane.clone();
            let given_up: Vec<&Intent> = waiting
                .intents
                .iter()
                .filter(|i| {
                    let over = made(Mistake::GiveUpAtOnce) || now.since(i.at) > INTENT_PATIENCE;
                    !i.published && !committed(i) && over && !unreadable.contains(&i.id)
                })
                .collect();
            // 1. Assign pages, on the lane as it is after the sales were read: whatever was committed in a sale by then is
            // either still announced here or published already, so that none is overtaken.
            let slot = records.open::<Lane>(&key).await?;
            let Some(mut lane) = slot.value.clone() else { return Ok(published) };
            let mut tails = Tails::default();
            for intent in lane.intents.iter_mut().filter(|i| !i.published && i.page.is_none() && committed(i)) {
                intent.page = Some(self.tail_of(&Key::feed(&intent.merchant), &mut tails).await?);
                let entered = self.entered(intent, aggregate(intent)).await;
                for (list, _) in entered {
                    let tail = self.tail_of(&list, &mut tails).await?;
                    intent.lists.insert(list.to_string(), tail);
                }
            }
            if slot.value.as_ref() != Some(&lane) {
                let mark = self.random_hex(16);
                lane.mark.clone_from(&mark);
                if records.commit(slot, &lane, &mark, self.unique()).await? != Commit::Written {
                    continue;
                }
            }
            // What can be published now, the events of each sale in order.
            let can_be = |i: &&Intent| !i.published && i.page.is_some() && committed(i);
            let mut ready: Vec<&Intent> = lane.intents.iter().filter(can_be).collect();
            ready.sort_by_key(|i| aggregate(i).and_then(|a| first_sequence(a, i)));
            if ready.is_empty() && given_up.is_empty() {
                return Ok(published);
            }
            if made(Mistake::StrikeFirst) {
                let ids: Vec<String> = ready.iter().map(|i| i.id.clone()).collect();
                self.strike(&key, &ids, &[], &ids, &BTreeMap::new()).await?;
            }
            // 2. Add the references, page by page and merchant by merchant.
            let mut groups: BTreeMap<(MerchantId, u64), Vec<&Intent>> = BTreeMap::new();
            for intent in &ready {
                if let Some(page) = intent.page {
                    groups.entry((intent.merchant.clone(), page)).or_default().push(intent);
                }
            }
            // Some commands change a ledger without an event: there is nothing to tell.
            let silent =
                |i: &&&Intent| !aggregate(i).is_some_and(|a| a.events.iter().any(|e| e.command.as_str() == i.id));
            let mut done: Vec<String> = ready.iter().filter(silent).map(|i| i.id.clone()).collect();
            let mut moved: BTreeMap<String, u64> = BTreeMap::new();
            // Once a page of a merchant was full, its later ones wait for the next round: what moves on comes first.
            let mut full: Vec<MerchantId> = Vec::new();
            for ((merchant, page), intents) in groups {
                if full.contains(&merchant) {
                    continue;
                }
                self.list_new(&intents, &aggregate).await?;
                let feed = Key::feed(&merchant);
                let refs: Vec<Vec<Entry>> = intents.iter().map(|i| references(i, aggregate(i))).collect();
                let rest = records.add_to_page(&feed, page, &refs.concat(), self.unique()).await?;
                let next = match rest.is_empty() {
                    true => page,
                    false => records.advance(&feed, page, self.unique()).await?,
                };
                let mut told = false;
                for (intent, own) in intents.iter().zip(refs).filter(|(_, own)| !own.is_empty()) {
                    let left: Vec<Entry> = own.iter().filter(|entry| rest.contains(entry)).cloned().collect();
                    if left.len() == own.len() {
                        moved.insert(intent.id.clone(), next);
                        continue;
                    }
                    // Of an intent that is split, what is in the old page stays there; its rest goes to the next. Whoever
                    // repeats this finds it there: it is the first page that was open after the split.
                    if !left.is_empty() {
                        records.add_from(&feed, next, &left, self.unique()).await?;
                    }
                    told = true;
                    done.push(intent.id.clone());
                }
                if !rest.is_empty() {
                    full.push(merchant.clone());
                }
                if told {
                    self.note_deliveries(&key, &merchant).await?;
                }
            }
            done.sort();
            done.dedup();
            published = published.saturating_add(u32::try_from(done.len()).unwrap_or(u32::MAX));
            let told: Vec<&Event> = ready
                .iter()
                .filter(|i| done.contains(&i.id))
                .flat_map(|i| {
                    let events = aggregate(i).map(|a| a.events.as_slice()).unwrap_or_default();
                    events.iter().filter(move |e| e.command.as_str() == i.id)
                })
                .collect();
            if !told.is_empty() {
                self.count_events(&told).await?;
            }
            // 3. Strike out.
            let gone: Vec<(String, Instant)> = given_up.iter().map(|i| (i.id.clone(), i.at)).collect();
            let needs_courier = |i: &Intent| aggregate(i).is_some_and(|a| self.ports.due(&a.ledger).is_some());
            let kept: Vec<String> = ready.iter().filter(|i| needs_courier(i)).map(|i| i.id.clone()).collect();
            self.strike(&key, &done, &gone, &kept, &moved).await?;
        }
        Ok(published)
    }

    /// What an intent enters in lists by which a merchant's things are found: its events' own, and a newly authorised
    /// cancellation of a payment code in the list of its business day.
    async fn entered(&self, intent: &Intent, aggregate: Option<&Aggregate>) -> Vec<(Key, Entry)> {
        let Some(there) = aggregate else { return Vec::new() };
        let (merchant, sale) = (&intent.merchant, &intent.sale);
        let mut all = Vec::new();
        for event in there.events.iter().filter(|e| e.command.as_str() == intent.id) {
            all.extend(crate::register::entries(merchant, sale, event));
            if crate::code::is_cancellation(there, event)
                && let Some(operation) = &event.operation
            {
                let day = self.day_of_cancellation(there, event.at).await;
                let entry = Entry { id: operation.to_string(), at: sale.to_string() };
                all.push((Key::cancellations(merchant, day), entry));
            }
        }
        all
    }

    /// The page of a list that is open for adding, read once.
    async fn tail_of(&self, list: &Key, tails: &mut Tails) -> Result<u64, Error> {
        if let Some(tail) = tails.get(list.as_str()) {
            return Ok(*tail);
        }
        let tail = self.records().await?.tail(list).await?;
        tails.insert(list.to_string(), tail);
        Ok(tail)
    }

    /// Enters what is new in its lists, each from the page on that was assigned to it: whoever does so again after somebody
    /// died over it finds it where it is.
    async fn list_new<'a>(
        &self,
        intents: &[&Intent],
        aggregate: &(impl Fn(&Intent) -> Option<&'a Aggregate> + Sync),
    ) -> Result<(), Error> {
        let mut tails = Tails::default();
        let mut lists: BTreeMap<(Key, u64), Vec<Entry>> = BTreeMap::new();
        for intent in intents {
            for (list, entry) in self.entered(intent, aggregate(intent)).await {
                let assigned = intent.lists.get(list.as_str()).copied().filter(|_| !made(Mistake::ListAtEnd));
                let page = match assigned {
                    Some(page) => page,
                    // Its page of the feed was not assigned here: the doctor puts what is missing back.
                    None => self.tail_of(&list, &mut tails).await?,
                };
                lists.entry((list, page)).or_default().push(entry);
            }
        }
        for ((list, page), entries) in lists {
            self.records().await?.add_from(&list, page, &entries, self.unique()).await?;
        }
        Ok(())
    }

    async fn strike(
        &self,
        key: &Key,
        done: &[String],
        gone: &[(String, Instant)],
        kept: &[String],
        moved: &BTreeMap<String, u64>,
    ) -> Result<(), Error> {
        let records = self.records().await?;
        let mark = self.random_hex(16);
        records
            .update::<Lane, _, _>(key, &mark, self.unique(), |there| {
                let Some(there) = there else { return Ok((None, ())) };
                let mut next = there.clone();
                // One that was announced anew meanwhile is not given up.
                let given_up = |i: &Intent| gone.iter().any(|(id, at)| i.id == *id && i.at == *at);
                next.intents.retain(|i| !given_up(i) && (!done.contains(&i.id) || kept.contains(&i.id)));
                for intent in &mut next.intents {
                    if done.contains(&intent.id) {
                        intent.published = true;
                    } else if let Some(page) = moved.get(&intent.id) {
                        intent.page = Some((*page).max(intent.page.unwrap_or(0)));
                    }
                }
                if next == *there {
                    return Ok((None, ()));
                }
                let publishes = |i: &Intent| !i.published && done.contains(&i.id);
                if there.intents.iter().any(publishes) {
                    next.struck = there.struck.wrapping_add(1);
                }
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }
}

/// Whether somebody is told about a terminal: it itself, and everybody who sees the sales of others.
fn hears_of(who: &Principal, merchant: &MerchantId, terminal: &TerminalId) -> bool {
    match &who.bearer {
        Bearer::Admin | Bearer::System { .. } => true,
        Bearer::Terminal { terminal: own, .. } => own == terminal,
        Bearer::Person { .. } => who.roles_at(merchant).iter().any(|role| role.as_str() != "cashier"),
    }
}

pub(crate) fn entry(sale: &SaleId, event: &Event) -> Entry {
    Entry { id: format!("{sale}:{}", event.sequence), at: String::new() }
}

/// What an intent tells, as the feed refers to it.
fn references(intent: &Intent, aggregate: Option<&Aggregate>) -> Vec<Entry> {
    let events = aggregate.map(|there| there.events.as_slice()).unwrap_or_default();
    events.iter().filter(|e| e.command.as_str() == intent.id).map(|e| entry(&intent.sale, e)).collect()
}

pub(crate) fn reference(entry: &Entry) -> Option<(SaleId, u64)> {
    let (sale, sequence) = entry.id.rsplit_once(':')?;
    Some((SaleId::parse(sale).ok()?, sequence.parse().ok()?))
}

fn first_sequence(aggregate: &Aggregate, intent: &Intent) -> Option<(SaleId, u64)> {
    let event = aggregate.events.iter().find(|e| e.command.as_str() == intent.id)?;
    Some((intent.sale.clone(), event.sequence))
}
