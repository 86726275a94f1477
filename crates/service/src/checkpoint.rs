//! Checkpoints over a merchant's payments: made by ticks after each day, one after the other, and never changed.
//!
//! What belongs to a checkpoint is a span of the merchant's feed, in which every event stands once: it begins where the one
//! before it ended, and all entries between belong to it and to no other. So nothing can be missed or be moved, whatever a clock
//! says. A day's span ends before the first event of after that day, or with the feed if the day is over and there is none. An
//! event that is published late (its request or courier broke off, and somebody else finished it) belongs to the day it is
//! published on.
//!
//! Each event of the span is a head ([`rescind_audit::Head`]): it commits to its payment's history up to there, which never
//! changes any more. So it is the same whoever makes it, and whenever. Heads of one page of the feed are one tree, pages are put
//! into volumes, volumes into the day, because no stored value may be large and no tick long.
//!
//! All progress at a merchant is one record, [`Work`]. Each step reads it, prepares what follows under names that follow from the
//! content (so that a second courier, or one that was interrupted, writes the same), and swaps the record. What the checkpoint
//! says is decided by the swap that puts its signature into the record; writing it where it is kept comes after, and may be
//! repeated.

pub mod evidence;
pub mod key;

use crate::app::App;
use crate::error::Error;
use crate::limits::{
    CHECKPOINT_MERCHANTS_AT_ONCE, CHECKPOINT_PAGES, CHECKPOINT_STEPS_AT_ONCE, CHECKPOINT_VOLUMES, CHECKPOINT_WAITS,
};
use crate::ports::Ports;
use crate::sale::Aggregate;
use crate::secret::Pepper;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::{Page, Position};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rescind_audit::export::SealedBytes;
use rescind_audit::{Checkpoint, Day, FeedPosition, Hash, Head, Level, Root, Signed, Tree};
use rescind_bundle::Signer as _;
use rescind_model::{Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a checkpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Pages in a volume.
    pub(crate) pages: usize,
    /// Volumes in a checkpoint. A day with more has several checkpoints.
    pub(crate) volumes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { pages: CHECKPOINT_PAGES, volumes: CHECKPOINT_VOLUMES }
    }
}

/// When the events of a part happened: what finds one again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Times {
    earliest: Instant,
    latest: Instant,
}

impl Times {
    fn at(at: Instant) -> Self {
        Self { earliest: at, latest: at }
    }

    fn with(self, other: Self) -> Self {
        Self { earliest: self.earliest.min(other.earliest), latest: self.latest.max(other.latest) }
    }

    fn include(self, at: Instant) -> bool {
        (self.earliest..=self.latest).contains(&at)
    }
}

/// A part of a page of the feed, and the tree of its heads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PagePart {
    pub(crate) tree: Root,
    /// The page of the feed.
    page: u64,
    /// Its entries from this one …
    from: usize,
    /// … to before this one.
    until: usize,
    times: Times,
}

/// A volume by its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumePart {
    pub(crate) tree: Root,
    times: Times,
}

/// The heads of a page, under the root of their tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heads {
    /// Their digests, one after the other, as base64.
    digests: String,
}

impl Record for Heads {
    const FORMAT: &'static str = "checkpoint-page/1";
    fn holds(&self, id: &str) -> bool {
        self.digests == id
    }
}

impl Heads {
    fn of(digests: &[Hash]) -> Self {
        let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.0).collect();
        Self { digests: STANDARD_NO_PAD.encode(bytes) }
    }

    pub(crate) fn tree(&self) -> Option<Tree> {
        let bytes = STANDARD_NO_PAD.decode(&self.digests).ok()?;
        let (digests, rest) = bytes.as_chunks::<32>();
        rest.is_empty().then(|| Tree::of(digests.iter().map(|digest| digest.to_vec())))
    }
}

/// The pages of a volume, under the root of their tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Volume {
    pub(crate) pages: Vec<PagePart>,
}

impl Record for Volume {
    const FORMAT: &'static str = "checkpoint-volume/1";
    fn holds(&self, id: &str) -> bool {
        self.tree().root().root.to_string() == id
    }
}

impl Volume {
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(self.pages.iter().map(|page| page.tree.as_leaf(Level::Page)))
    }
}

pub(crate) fn day_tree(volumes: &[VolumePart]) -> Tree {
    Tree::of(volumes.iter().map(|volume| volume.tree.as_leaf(Level::Volume)))
}

/// A checkpoint as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// The signed envelope.
    sealed: SealedBytes,
    /// What is in it.
    pub(crate) volumes: Vec<VolumePart>,
}

impl Record for Kept {
    const FORMAT: &'static str = "checkpoint/1";
    fn holds(&self, id: &str) -> bool {
        Hash::of(&self.sealed.0).to_string() == id
    }
}

impl Kept {
    pub(crate) fn read(&self) -> Result<Signed, Error> {
        Signed::read(&self.sealed.0).map_err(|e| Error::Internal(format!("a stored checkpoint: {e}")))
    }
}

/// The last checkpoint that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Last {
    number: u64,
    hash: Hash,
}

/// How far a merchant's feed is in checkpoints, and the one that is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Work {
    last: Option<Last>,
    /// The day that was worked on last: an older one is over for good.
    day: Day,
    /// Where the next checkpoint begins.
    from: Position,
    /// Up to where the feed is in `volume` and `volumes`.
    pub(crate) until: Position,
    /// Heads in them.
    heads: u64,
    /// Pages of the volume that is being filled.
    volume: Vec<PagePart>,
    /// Volumes that are full.
    volumes: Vec<VolumePart>,
    /// The checkpoint, once it is signed, until it is kept.
    signed: Option<SealedBytes>,
    mark: String,
}

impl Record for Work {
    const FORMAT: &'static str = "checkpoint-work/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

impl Work {
    fn new(day: Day) -> Self {
        Self {
            last: None,
            day,
            from: Position::START,
            until: Position::START,
            heads: 0,
            volume: Vec::new(),
            volumes: Vec::new(),
            signed: None,
            mark: String::new(),
        }
    }
}

/// How far all merchants are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round {
    /// The first day that is not done.
    day: Day,
    /// Where to go on in the list of merchants.
    at: Position,
    mark: String,
}

impl Record for Round {
    const FORMAT: &'static str = "checkpoint-round/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// What is read of the feed at once.
struct Taken {
    until: Position,
    digests: Vec<Hash>,
    times: Option<Times>,
}

fn position(at: Position) -> Result<FeedPosition, Error> {
    let index = u64::try_from(at.index).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(FeedPosition { page: at.page, index })
}

/// The head of a payment's history after one of its events.
fn head_of(salt: &Pepper, aggregate: &Aggregate, sequence: u64) -> Result<Option<Head>, Error> {
    let (merchant, sale) = (&aggregate.ledger.sale.merchant, &aggregate.ledger.sale.id);
    // The same for the same event, whoever makes it; without it, nobody can try what a digest stands for.
    let salt = salt.seal("rescind-head-salt", &[merchant.as_str(), sale.as_str(), &sequence.to_string()])?;
    let salt = Hash::parse(&salt).ok_or_else(|| Error::Internal("a salt is no hash".to_owned()))?;
    Ok(Head::after((merchant, sale), (&aggregate.events, &aggregate.ledger.entries), sequence, salt))
}

impl<P: Ports> App<P> {
    /// Makes the checkpoints of days that are over, as many steps as one tick may; gives how many checkpoints were made.
    ///
    /// # Errors
    /// The store's. What was done is done; the next tick goes on.
    pub async fn make_checkpoints(&self, begun: Instant) -> Result<u32, Error> {
        self.make_checkpoints_within(Room::default(), begun).await
    }

    pub(crate) async fn make_checkpoints_within(&self, room: Room, begun: Instant) -> Result<u32, Error> {
        let records = self.records().await?;
        let mut steps = CHECKPOINT_STEPS_AT_ONCE;
        let mut merchants = CHECKPOINT_MERCHANTS_AT_ONCE;
        let mut made = 0_u32;
        loop {
            let now = self.ports.now();
            let waited = i64::try_from(CHECKPOINT_WAITS.ms).unwrap_or_default();
            let over = Day::of(Instant { unix_ms: now.unix_ms.saturating_sub(waited) }).before();
            let round = records.read::<Round>(&Key::checkpoint_round()).await?;
            let round = round.unwrap_or_else(|| Round { day: over, at: Position::START, mark: String::new() });
            if round.day > over {
                return Ok(made);
            }
            let mut at = round.at;
            let listed = records.slice(&Key::directory("merchants"), at, merchants).await?;
            for (position, entry) in &listed.entries {
                merchants = merchants.saturating_sub(1);
                let done = match MerchantId::parse(&entry.id) {
                    Ok(merchant) => self.work_on(&merchant, round.day, room, begun, (&mut steps, &mut made)).await,
                    Err(error) => Err(Error::Internal(error.to_string())),
                };
                match done {
                    Ok(true) => {}
                    Ok(false) => return self.round_got_to(&round, round.day, at).await.map(|()| made),
                    Err(Error::Unavailable(why)) => {
                        self.round_got_to(&round, round.day, at).await?;
                        return Err(Error::Unavailable(why));
                    }
                    // One merchant must not hold up the others. What was not taken in is before the next day's, where it is.
                    Err(error) => self.ports.log(&format!("checkpoint of {}: {error}: {error:?}", entry.id)),
                }
                at = *position;
                if self.out_of_time(begun) {
                    return self.round_got_to(&round, round.day, at).await.map(|()| made);
                }
            }
            if listed.more {
                return self.round_got_to(&round, round.day, at).await.map(|()| made);
            }
            self.round_got_to(&round, round.day.after(), Position::START).await?;
            if merchants == 0 || self.out_of_time(begun) {
                return Ok(made);
            }
        }
    }

    /// Notes how far all merchants are; never backwards, should another courier be ahead.
    async fn round_got_to(&self, from: &Round, day: Day, at: Position) -> Result<(), Error> {
        if (day, at) == (from.day, from.at) {
            return Ok(());
        }
        let next = Round { day, at, mark: self.random_hex(32) };
        self.records()
            .await?
            .update::<Round, _, _>(&Key::checkpoint_round(), &next.mark, self.unique(), |there| {
                let mine = there.map_or("", |there| there.mark.as_str()) == from.mark;
                Ok((mine.then(|| next.clone()), ()))
            })
            .await
    }

    /// Takes steps at a merchant until its day is done; `false` if there are steps left.
    async fn work_on(
        &self,
        merchant: &MerchantId,
        day: Day,
        room: Room,
        begun: Instant,
        (steps, made): (&mut u32, &mut u32),
    ) -> Result<bool, Error> {
        let records = self.records().await?;
        let key = Key::checkpoint_work(merchant);
        loop {
            if *steps == 0 {
                return Ok(false);
            }
            *steps = steps.saturating_sub(1);
            let there = records.read::<Work>(&key).await?;
            let work = there.unwrap_or_else(|| Work::new(day));
            if work.day > day {
                return Ok(true);
            }
            let next = match &work.signed {
                Some(sealed) => self.keep_checkpoint(merchant, &work, sealed).await?,
                None => match self.next_step(merchant, &work, day, room).await? {
                    Some(next) => next,
                    None => return Ok(true),
                },
            };
            let next = Work { mark: self.random_hex(32), ..next };
            // Whoever was faster took the same step, or one that makes this one needless: look again.
            let mine = records
                .update::<Work, _, _>(&key, &next.mark, self.unique(), |there| {
                    let mine = there.map_or("", |there| there.mark.as_str()) == work.mark;
                    Ok((mine.then(|| next.clone()), mine))
                })
                .await?;
            *made = made.saturating_add(u32::from(mine && work.signed.is_some()));
            if self.out_of_time(begun) {
                return Ok(false);
            }
        }
    }

    /// The next step at a merchant before anything is signed; `None` if there is nothing left to do for the day.
    async fn next_step(&self, merchant: &MerchantId, work: &Work, day: Day, room: Room) -> Result<Option<Work>, Error> {
        if work.volume.len() >= room.pages {
            return self.shelve(merchant, work).await.map(Some);
        }
        if work.volumes.len() >= room.volumes {
            return self.sign(merchant, work, day).await.map(Some);
        }
        if let Some(taken) = self.take(merchant, work.until, day).await? {
            return self.add(merchant, work, day, taken).await.map(Some);
        }
        match (work.heads, work.volume.is_empty()) {
            (0, _) => Ok(None),
            (_, false) => self.shelve(merchant, work).await.map(Some),
            (_, true) => self.sign(merchant, work, day).await.map(Some),
        }
    }

    /// Reads what follows in the feed on one page, up to the end of the day; `None` if nothing does.
    async fn take(&self, merchant: &MerchantId, at: Position, day: Day) -> Result<Option<Taken>, Error> {
        let records = self.records().await?;
        let Some(page) = records.read::<Page>(&Key::feed(merchant).page(at.page)).await? else { return Ok(None) };
        let ahead = page.entries.get(at.index..).unwrap_or_default();
        // Each payment is read once, and let go of: a page of large ones would fill an instance.
        let mut wanted: BTreeMap<SaleId, Vec<(usize, u64)>> = BTreeMap::new();
        for (place, entry) in ahead.iter().enumerate() {
            // What is told of terminals is no part of a payment's history.
            if let Some((sale, sequence)) = crate::feed::reference(entry) {
                wanted.entry(sale).or_default().push((place, sequence));
            }
        }
        let (now, salt) = (self.ports.now(), self.checkpoint_salt().await?);
        let mut heads: BTreeMap<usize, (Instant, Hash)> = BTreeMap::new();
        for (sale, places) in &wanted {
            let missing = || Error::Internal(format!("feed of {merchant}: an event of {sale} is missing"));
            let aggregate = records.read::<Aggregate>(&Key::sale(merchant, sale)).await?.ok_or_else(missing)?;
            for (place, sequence) in places {
                let event = aggregate.events.iter().find(|event| event.sequence == *sequence).ok_or_else(missing)?;
                let head = head_of(&salt, &aggregate, *sequence)?.ok_or_else(missing)?;
                heads.insert(*place, (event.at, head.digest(merchant, sale)));
            }
        }
        let mut taken = Taken { until: at, digests: Vec::new(), times: None };
        for place in 0..ahead.len() {
            if let Some((at, digest)) = heads.get(&place) {
                // What another machine dates into our future is of the day that it is published on: its clock is wrong.
                if (day.end()..=now).contains(at) {
                    break;
                }
                taken.digests.push(*digest);
                taken.times = Some(taken.times.map_or(Times::at(*at), |times| times.with(Times::at(*at))));
            }
            taken.until.index = taken.until.index.saturating_add(1);
        }
        if taken.until == at {
            return Ok(None);
        }
        if page.is_full() && taken.until.index >= page.entries.len() {
            taken.until = Position { page: at.page.saturating_add(1), index: 0 };
        }
        Ok(Some(taken))
    }

    async fn add(&self, merchant: &MerchantId, work: &Work, day: Day, taken: Taken) -> Result<Work, Error> {
        let mut next = Work { day, until: taken.until, ..work.clone() };
        let Some(times) = taken.times else { return Ok(next) };
        let tree = Tree::of(taken.digests.iter().map(|digest| digest.0.to_vec())).root();
        let key = Key::checkpoint_page(merchant, &tree.root.to_string());
        self.records().await?.put(&key, &Heads::of(&taken.digests)).await?;
        let same_page = taken.until.page == work.until.page;
        let until = if same_page { taken.until.index } else { crate::limits::page_entries() };
        next.volume.push(PagePart { tree, page: work.until.page, from: work.until.index, until, times });
        next.heads = next.heads.saturating_add(tree.size);
        Ok(next)
    }

    /// Closes the volume that is being filled. Its name follows from its pages, which are in the record by now: whoever does the
    /// same writes the same.
    async fn shelve(&self, merchant: &MerchantId, work: &Work) -> Result<Work, Error> {
        let volume = Volume { pages: work.volume.clone() };
        let tree = volume.tree().root();
        let times = work.volume.iter().map(|page| page.times).reduce(Times::with);
        let times = times.ok_or_else(|| Error::Internal("a volume without pages".to_owned()))?;
        let key = Key::checkpoint_volume(merchant, &tree.root.to_string());
        self.records().await?.put(&key, &volume).await?;
        let mut next = Work { volume: Vec::new(), ..work.clone() };
        next.volumes.push(VolumePart { tree, times });
        Ok(next)
    }

    async fn sign(&self, merchant: &MerchantId, work: &Work, day: Day) -> Result<Work, Error> {
        let number = work.last.as_ref().map_or(0, |last| last.number).saturating_add(1);
        let checkpoint = Checkpoint {
            merchant: merchant.clone(),
            number,
            day,
            previous: work.last.as_ref().map(|last| last.hash),
            from: position(work.from)?,
            until: position(work.until)?,
            heads: work.heads,
            tree: day_tree(&work.volumes).root(),
            made_at: self.ports.now(),
        };
        let signer = self.checkpoint_signer().await?;
        let sealed = checkpoint.sign(&signer).map_err(|e| Error::Internal(e.to_string()))?;
        self.ports.log(&format!(
            "checkpoint {number} of {merchant} for {day}: {} heads, root {}, signed with key {}",
            work.heads,
            checkpoint.tree.root,
            signer.public().id(),
        ));
        Ok(Work { day, signed: Some(SealedBytes(sealed)), ..work.clone() })
    }

    /// Writes a signed checkpoint where it is kept, for ever and always the same bytes.
    async fn keep_checkpoint(&self, merchant: &MerchantId, work: &Work, sealed: &SealedBytes) -> Result<Work, Error> {
        let kept = Kept { sealed: sealed.clone(), volumes: work.volumes.clone() };
        let signed = kept.read()?;
        let number = signed.checkpoint.number;
        self.records().await?.put(&Key::checkpoint(merchant, number), &kept).await?;
        let last = Some(Last { number, hash: signed.hash });
        Ok(Work { last, from: work.until, until: work.until, ..Work::new(work.day) })
    }
}
