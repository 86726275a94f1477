//! What the record protocol makes of a store. A caller that is told `Unavailable` asks again under the same id, as one does
//! whose request got 503; so these cases hold while operations fail and lie as well.

use super::{Asked, Broken, Caller, Case, Level, Need, Subject, boxed};
use crate::app::App;
use crate::error::Error;
use crate::idempotency::{Answer, Begin};
use crate::limits::{IDEMPOTENCY_LEASE, PAGE_ENTRIES};
use crate::ports::Kv as _;
use crate::store::key::Key;
use crate::store::lane::{Intent, Lane};
use crate::store::list::{Entry, Position};
use crate::store::tally::{Place, Tally};
use crate::store::{Commit, Creation, Record, Records};
use crate::testkit::TestPorts;
use core::sync::atomic::{AtomicU64, Ordering};
use rescind_model::{Digest, Duration, Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const fn case(name: &'static str, promise: &'static str) -> Case {
    Case { name, promise, level: Level::Record, need: Need::Always }
}

pub(super) const CASES: &[Case] = &[
    case("record-creation-race", "of racing creators one makes the record; all others see that record"),
    case("record-update-race", "racing updates are all in the record, each once, whoever was first"),
    case("record-proof", "written: it is there; lost: it is not; unknown: either, and never twice"),
    case("record-put", "what nobody else writes is proved, and again is harmless"),
    case("record-removed", "a removed record is gone, and of those who make it again one does"),
    case("record-foreign", "a value of an unknown form is refused with its name, and not written over"),
    case("record-moved", "records made either way are read and changed either way"),
    case("tally-race", "a limit over several sales is never exceeded, and a place counts once"),
    case("list-race", "racing appends are all in the list once, over full pages without holes, in each caller's order"),
    case("list-batch", "a batch is there as a whole, and once, whoever else adds"),
    case("lane-race", "racing intents are all in the lane until they are struck out, each once; a full lane refuses"),
    case("idempotency-race", "of racing requests under one key one is carried out, and all get its answer"),
];

pub(super) async fn ask<S: Subject>(name: &str, asked: &Asked<'_, S>) -> Result<(), Broken> {
    if let Creation::Refused(why) = asked.creation {
        return nothing_is_written(asked, Error::StoreRefused(why)).await;
    }
    match name {
        "record-creation-race" => creation_race(asked).await,
        "record-update-race" => update_race(asked).await,
        "record-proof" => proof(asked).await,
        "record-put" => put(asked).await,
        "record-removed" => removed(asked).await,
        "record-foreign" => foreign(asked).await,
        "record-moved" => moved(asked).await,
        "tally-race" => tally_race(asked).await,
        "list-race" => list_race(asked).await,
        "list-batch" => list_batch(asked).await,
        "lane-race" => lane_race(asked).await,
        "idempotency-race" => idempotency_race(asked).await,
        other => Err(format!("there is no case {other}")),
    }
}

/// How often a caller asks again. One in three operations may fail, and four attempts are made of each write.
const AGAIN: u32 = 1_000;

/// Numbers nobody else uses.
static UNIQUE: AtomicU64 = AtomicU64::new(1);

fn unique() -> u64 {
    // Spread, as random ones are: the protocol adds to them.
    UNIQUE.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A record that keeps the ids of its writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
struct Log {
    ids: Vec<String>,
}

impl Record for Log {
    const FORMAT: &'static str = "contract-log/1";
    fn holds(&self, id: &str) -> bool {
        self.ids.iter().any(|there| there == id)
    }
}

impl Log {
    fn with(&self, id: &str) -> Self {
        let mut ids = self.ids.clone();
        ids.push(id.to_owned());
        Self { ids }
    }

    fn times(&self, id: &str) -> usize {
        self.ids.iter().filter(|there| *there == id).count()
    }
}

fn told(error: &Error) -> Broken {
    format!("{error:?}")
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// One request: an instance of its own, and records over it.
macro_rules! request {
    ($asked:expr, $records:ident => $body:expr) => {{
        let mut outcome = Err("the store never answered for certain".to_owned());
        for _ in 0..AGAIN {
            let Ok(kv) = $asked.subject.instance().await else { continue };
            let $records = Records::new(&kv, $asked.creation, "contract");
            let result: Result<_, Error> = async { $body }.await;
            match result {
                Err(Error::Unavailable(_)) => {}
                Ok(done) => {
                    outcome = Ok(done);
                    break;
                }
                Err(other) => {
                    outcome = Err(told(&other));
                    break;
                }
            }
        }
        outcome
    }};
}

/// Runs one function per caller, at once, and waits until everybody sees what they did; the first that is broken says so.
async fn at_once<'a, S: Subject, T: Send + 'a>(
    asked: &'a Asked<'_, S>,
    callers: impl Iterator<Item = Caller<'a, Result<T, Broken>>>,
) -> Result<Vec<T>, Broken> {
    let told = asked.subject.together(callers.collect()).await.into_iter().collect();
    asked.subject.rest().await;
    told
}

async fn read<S: Subject, T: Record>(asked: &Asked<'_, S>, key: &Key) -> Result<Option<T>, Broken> {
    request!(asked, records => records.read::<T>(key).await)
}

async fn nothing_is_written<S: Subject>(asked: &Asked<'_, S>, expected: Error) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let kv = asked.subject.instance().await.map_err(|e| e.to_string())?;
    let records = Records::new(&kv, asked.creation, "contract");
    let entry = Entry { id: "a".to_owned(), at: String::new() };
    for refused in [
        records.open::<Log>(&key).await.map(|_| ()),
        records.put(&key, &Log::default()).await,
        records.update::<Log, _, _>(&key, "a", 1, |_| Ok((Some(Log::default()), ()))).await,
        records.append(&key, &entry, 1).await,
        records.remove(&key).await,
    ] {
        expect(refused.as_ref().err() == Some(&expected), || format!("{refused:?}, expected {expected:?}"))?;
    }
    let there = kv.get(key.as_str()).await.map_err(|e| e.to_string())?;
    expect(there.is_none(), || "something was written".to_owned())
}

async fn creation_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    for round in 0..asked.effort.rounds {
        let key = Key::directory(&format!("{}:{round}", asked.name));
        let key = &key;
        let callers = (0..asked.effort.callers).map(|caller| {
            let creating = async move {
                let own = caller.to_string();
                request!(asked, records => {
                    let slot = records.open::<Log>(key).await?;
                    match &slot.value {
                        Some(made) => Ok(made.ids.clone()),
                        None => {
                            let next = Log::default().with(&own);
                            match records.commit(slot, &next, &own, unique()).await? {
                                Commit::Written => Ok(next.ids),
                                Commit::Lost => {
                                    Err(Error::Unavailable("somebody else made it: what did they make?".to_owned()))
                                }
                            }
                        }
                    }
                })
            };
            boxed(creating)
        });
        let seen = at_once(asked, callers).await?;
        let last = read::<S, Log>(asked, key).await?.map(|log| log.ids);
        let one = last.as_ref().is_some_and(|ids| ids.len() == 1);
        expect(one && seen.iter().all(|ids| Some(ids) == last.as_ref()), || {
            format!("creators saw {seen:?}, then there was {last:?}")
        })?;
    }
    Ok(())
}

async fn update_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let key = &key;
    let each = asked.effort.rounds;
    let callers = (0..asked.effort.callers).map(|caller| {
        let updating = async move {
            for n in 0..each {
                let id = format!("{caller}.{n}");
                request!(asked, records => records
                    .update::<Log, _, _>(key, &id, unique(), |log| {
                        let there = log.cloned().unwrap_or_default();
                        Ok(((!there.holds(&id)).then(|| there.with(&id)), ()))
                    })
                    .await)?;
            }
            Ok(())
        };
        boxed(updating)
    });
    at_once(asked, callers).await?;
    let log = read::<S, Log>(asked, key).await?.unwrap_or_default();
    for caller in 0..asked.effort.callers {
        let own = format!("{caller}.");
        let order: Vec<&String> = log.ids.iter().filter(|id| id.starts_with(&own)).collect();
        let expected: Vec<String> = (0..each).map(|n| format!("{own}{n}")).collect();
        expect(order.iter().copied().eq(expected.iter()), || format!("caller {caller}'s updates are {order:?}"))?;
    }
    Ok(())
}

async fn proof<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let key = &key;
    let callers = (0..asked.effort.callers).map(|caller| {
        let writing = async move {
            let mut said = Vec::new();
            for n in 0..asked.effort.rounds {
                let id = format!("{caller}.{n}");
                let Ok(kv) = asked.subject.instance().await else { continue };
                let records = Records::new(&kv, asked.creation, "contract");
                // Once, and no second time: what it is told has to be so.
                let Ok(slot) = records.open::<Log>(key).await else { continue };
                let next = slot.value.clone().unwrap_or_default().with(&id);
                said.push((id.clone(), records.commit(slot, &next, &id, unique()).await));
            }
            Ok(said)
        };
        boxed(writing)
    });
    let said: Vec<(String, Result<Commit, Error>)> = at_once(asked, callers).await?.into_iter().flatten().collect();
    let log = read::<S, Log>(asked, key).await?.unwrap_or_default();
    for (id, commit) in &said {
        let times = log.times(id);
        let so = match commit {
            Ok(Commit::Written) => times == 1,
            Ok(Commit::Lost) => times == 0,
            Err(Error::Unavailable(_)) => times <= 1,
            Err(_) => false,
        };
        expect(so, || format!("{id} was told {commit:?} and is there {times} times"))?;
    }
    expect(said.iter().any(|(_, commit)| *commit == Ok(Commit::Written)), || "nobody wrote anything".to_owned())
}

async fn put<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    for round in 0..asked.effort.rounds {
        let key = Key::directory(&format!("{}:{round}", asked.name));
        let log = Log::default().with(&round.to_string());
        request!(asked, records => records.put(&key, &log).await)?;
        request!(asked, records => records.put(&key, &log).await)?;
        let there = read::<S, Log>(asked, &key).await?;
        expect(there.as_ref() == Some(&log), || format!("{log:?} was put, {there:?} is there"))?;
    }
    Ok(())
}

async fn removed<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let key = &key;
    for round in 0..asked.effort.rounds.min(8) {
        let id = format!("before {round}");
        request!(asked, records => records
            .update::<Log, _, _>(key, &id, unique(), |log| {
                Ok(((!log.is_some_and(|l| l.holds(&id))).then(|| Log::default().with(&id)), ()))
            })
            .await)?;
        asked.subject.rest().await;
        // A removal is not proved: whoever needs it looks, and asks again. Nobody writes meanwhile, and it is made again only
        // when nothing is on its way any more: later than any request lives.
        request!(asked, records => {
            records.remove(key).await?;
            match records.read::<Log>(key).await? {
                None => Ok(()),
                Some(_) => Err(Error::Unavailable("it is still there".to_owned())),
            }
        })?;
        asked.subject.rest().await;
        let callers = (0..asked.effort.callers).map(|caller| {
            let making = async move {
                let id = format!("{caller}");
                request!(asked, records => records
                    .update::<Log, _, _>(key, &id, unique(), |log| {
                        let there = log.cloned().unwrap_or_default();
                        Ok(((!there.holds(&id)).then(|| there.with(&id)), ()))
                    })
                    .await)
            };
            boxed(making)
        });
        at_once(asked, callers).await?;
        let mut ids = read::<S, Log>(asked, key).await?.unwrap_or_default().ids;
        ids.sort_unstable();
        let expected: Vec<String> = (0..asked.effort.callers).map(|c| c.to_string()).collect();
        expect(ids == expected, || format!("after it was made again it holds {ids:?}"))?;
        request!(asked, records => {
            records.remove(key).await?;
            match records.read::<Log>(key).await? {
                None => Ok(()),
                Some(_) => Err(Error::Unavailable("it is still there".to_owned())),
            }
        })?;
        asked.subject.rest().await;
    }
    Ok(())
}

async fn foreign<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let kv = asked.subject.instance().await.map_err(|e| e.to_string())?;
    // Another application in the same keyspace, a newer version of this one, and damage.
    for (number, value, named) in [
        (0, br#"{"f":"contract-log/9","v":1,"c":"x","d":{"ids":[],"more":1}}"#.as_slice(), "contract-log/9"),
        (1, b"somebody else's", "no envelope"),
        (2, br#"{"f":"contract-log/1","v":1,"c":"x","d":{"ids":["a"#, "no envelope"),
        (3, b"17", "no envelope"),
    ] {
        let key = Key::directory(&format!("{}:{number}", asked.name));
        for _ in 0..AGAIN {
            // Again until it is there: the case is about what comes then.
            drop(kv.set(key.as_str(), value).await);
            if kv.get(key.as_str()).await.ok().flatten().as_deref() == Some(value) {
                break;
            }
        }
        asked.subject.rest().await;
        let read: Result<Option<Log>, Broken> = read(asked, &key).await;
        let refused =
            |result: Option<&Broken>| result.is_some_and(|why| why.contains(named) && why.contains("Internal"));
        expect(refused(read.as_ref().err()), || format!("{read:?} was read, {named} should be named"))?;
        let written: Result<(), Broken> = request!(asked, records => records
            .update::<Log, _, _>(&key, "a", unique(), |_| Ok((Some(Log::default().with("a")), ())))
            .await);
        expect(refused(written.as_ref().err()), || format!("{written:?}: it should be refused"))?;
        let there = request!(asked, records => Ok(records.store().get(key.as_str()).await?))?;
        expect(there.as_deref() == Some(value), || format!("{named} was written over"))?;
    }
    Ok(())
}

async fn moved<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    // What another host wrote: a record as it is, and one behind a head.
    let plain = Key::directory(&format!("{}:plain", asked.name));
    let headed = Key::directory(&format!("{}:headed", asked.name));
    let bytes = br#"{"f":"contract-log/1","v":3,"c":"x","d":{"ids":["old"]}}"#.to_vec();
    let body = format!("{headed}#{:016x}", 7);
    for (key, value) in [
        (plain.as_str().to_owned(), bytes.clone()),
        (body, bytes),
        (headed.as_str().to_owned(), 7_i64.to_le_bytes().to_vec()),
    ] {
        request!(asked, records => {
            let kv = records.store();
            kv.set(&key, &value).await?;
            match kv.get(&key).await? == Some(value.clone()) {
                true => Ok(()),
                false => Err(Error::Unavailable("it is not there yet".to_owned())),
            }
        })?;
    }
    asked.subject.rest().await;
    for key in [&plain, &headed] {
        request!(asked, records => records
            .update::<Log, _, _>(key, "new", unique(), |log| {
                let there = log.cloned().unwrap_or_default();
                Ok(((!there.holds("new")).then(|| there.with("new")), ()))
            })
            .await)?;
        asked.subject.rest().await;
        let there = read::<S, Log>(asked, key).await?.unwrap_or_default().ids;
        expect(there == ["old", "new"], || format!("{key} holds {there:?}"))?;
    }
    Ok(())
}

/// Ends a reservation, if it is there.
async fn end<S: Subject>(asked: &Asked<'_, S>, key: &Key, id: &str, came_through: bool) -> Result<(), Broken> {
    let settled = format!("settled {id}");
    request!(asked, records => records
        .update::<Tally, _, _>(key, &settled, unique(), |tally| {
            let mut next = tally.cloned().unwrap_or_default();
            Ok((next.settle(id, came_through, None).then_some(next), ()))
        })
        .await)
}

async fn tally_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let key = &key;
    let sale = SaleId::parse("S").map_err(|e| e.to_string())?;
    let (sale, each) = (&sale, asked.effort.rounds.min(12));
    // Fewer places than are wanted.
    let limit = i64::try_from(asked.effort.callers.saturating_mul(each) / 2).unwrap_or(0);
    let callers = (0..asked.effort.callers).map(|caller| {
        let counting = async move {
            let mut ends = Vec::new();
            for n in 0..each {
                let id = format!("{caller}.{n}");
                let at = Instant { unix_ms: 1_000 };
                let place = Place { id: id.clone(), sale: sale.clone(), adds: 1, at };
                let proof = place.proof();
                let reserved = request!(asked, records => records
                    .update::<Tally, _, _>(key, &proof, unique(), |tally| {
                        let mut next = tally.cloned().unwrap_or_default();
                        if next.holds(&proof) {
                            return Ok((None, true));
                        }
                        let fits = next.total_without(&id).is_some_and(|total| total < limit);
                        let fits = fits && next.reserve(place.clone());
                        Ok((fits.then_some(next), fits))
                    })
                    .await)?;
                if !reserved {
                    continue;
                }
                // Every third comes to nothing and gives its place back.
                let came_through = n % 3 != 0;
                end(asked, key, &id, came_through).await?;
                ends.push((id, came_through));
            }
            Ok(ends)
        };
        boxed(counting)
    });
    let ends: Vec<(String, bool)> = at_once(asked, callers).await?.into_iter().flatten().collect();
    // Whoever did not see the place yet left it open. What is stale is ended by the next that looks, and counts once.
    for (id, came_through) in &ends {
        end(asked, key, id, *came_through).await?;
    }
    asked.subject.rest().await;
    let through = i64::try_from(ends.iter().filter(|(_, came_through)| *came_through).count()).unwrap_or(0);
    let tally = read::<S, Tally>(asked, key).await?.unwrap_or_default();
    expect(tally.open.is_empty() && tally.confirmed == through && through <= limit && through > 0, || {
        format!("{through} came through of at most {limit}, the tally is {tally:?}")
    })
}

fn entry(id: String) -> Entry {
    Entry { id, at: String::new() }
}

/// Every entry of a list, with the sizes of its pages.
async fn entries<S: Subject>(asked: &Asked<'_, S>, list: &Key) -> Result<Vec<(Position, String)>, Broken> {
    let mut all: Vec<(Position, String)> = Vec::new();
    loop {
        let from = all.last().map_or(Position::START, |(position, _)| *position);
        let slice = request!(asked, records => records.slice(list, from, 50).await)?;
        all.extend(slice.entries.into_iter().map(|(position, entry)| (position, entry.id)));
        if !slice.more {
            return Ok(all);
        }
    }
}

/// Adds entries in order: to a page for as long as it is not known to be full without them, then to the next.
async fn add<S: Subject>(asked: &Asked<'_, S>, list: &Key, entries: &[Entry]) -> Result<(), Broken> {
    let mut left = entries.to_vec();
    let mut page = request!(asked, records => records.tail(list).await)?;
    while !left.is_empty() {
        // The same page again until it is certain: then nothing is in two.
        left = request!(asked, records => records.add_to_page(list, page, &left, unique()).await)?;
        if !left.is_empty() {
            page = request!(asked, records => records.advance(list, page, unique()).await)?;
        }
    }
    Ok(())
}

async fn list_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let list = Key::directory(&asked.name);
    let (list, each) = (&list, asked.effort.each);
    let callers = (0..asked.effort.callers).map(|caller| {
        let adding = async move {
            for n in 0..each {
                add(asked, list, &[entry(format!("{caller}.{n}"))]).await?;
            }
            Ok(())
        };
        boxed(adding)
    });
    at_once(asked, callers).await?;
    let all = entries(asked, list).await?;
    let wanted = asked.effort.callers.saturating_mul(each);
    let different: BTreeSet<&str> = all.iter().map(|(_, id)| id.as_str()).collect();
    expect(all.len() == wanted && different.len() == wanted, || {
        format!("{wanted} were added, {} are there, {} different", all.len(), different.len())
    })?;
    for caller in 0..asked.effort.callers {
        let own = format!("{caller}.");
        let numbers = all.iter().filter_map(|(_, id)| id.strip_prefix(&own)).filter_map(|n| n.parse::<usize>().ok());
        expect(numbers.eq(0..each), || format!("caller {caller}'s entries are out of order"))?;
    }
    let places = all.iter().map(|(position, _)| position);
    let expected = (0..wanted).map(|n| {
        let page = u64::try_from(n / PAGE_ENTRIES).unwrap_or(0);
        Position { page, index: n.checked_rem(PAGE_ENTRIES).unwrap_or(0).saturating_add(1) }
    });
    expect(places.copied().eq(expected), || "a page that is not the last is not full".to_owned())
}

async fn list_batch<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let list = Key::directory(&asked.name);
    let list = &list;
    let callers = (0..asked.effort.callers).map(|caller| {
        let adding = async move {
            for n in 0..asked.effort.rounds.min(10) {
                // The middle one is everybody's.
                let batch = [format!("{caller}.{n}.first"), format!("{n}.shared"), format!("{caller}.{n}.last")];
                let batch = batch.map(entry);
                request!(asked, records => records.add_to_page(list, 0, &batch, unique()).await)?;
            }
            Ok(())
        };
        boxed(adding)
    });
    at_once(asked, callers).await?;
    let all: Vec<String> = entries(asked, list).await?.into_iter().map(|(_, id)| id).collect();
    let different: BTreeSet<&String> = all.iter().collect();
    expect(different.len() == all.len(), || format!("{} entries, {} different", all.len(), different.len()))?;
    for id in &all {
        // A first without its last is there only if the page was full then.
        let Some(own) = id.strip_suffix(".first") else { continue };
        let whole = different.contains(&format!("{own}.last")) || all.len() >= PAGE_ENTRIES;
        expect(whole, || format!("{own} is there in part"))?;
    }
    Ok(())
}

/// Strikes an intent out if it is there.
async fn strike<S: Subject>(asked: &Asked<'_, S>, key: &Key, id: &str) -> Result<(), Broken> {
    let mark = format!("struck {id}");
    request!(asked, records => records
        .update::<Lane, _, _>(key, &mark, unique(), |lane| {
            let mut next = lane.cloned().unwrap_or_default();
            let before = next.intents.len();
            next.intents.retain(|there| there.id != id);
            next.mark.clone_from(&mark);
            Ok(((next.intents.len() < before).then_some(next), ()))
        })
        .await)
}

async fn lane_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let key = Key::directory(&asked.name);
    let merchant = MerchantId::parse("M").map_err(|e| e.to_string())?;
    let sale = SaleId::parse("S").map_err(|e| e.to_string())?;
    let (key, merchant, sale) = (&key, &merchant, &sale);
    let each = PAGE_ENTRIES.checked_div(asked.effort.callers).unwrap_or(1).min(asked.effort.rounds);
    let intent = |id: &str| Intent {
        id: id.to_owned(),
        merchant: merchant.clone(),
        sale: sale.clone(),
        at: Instant { unix_ms: 1 },
        page: None,
        lists: std::collections::BTreeMap::new(),
        published: false,
    };
    let intent = &intent;
    let callers = (0..asked.effort.callers).map(|caller| {
        let working = async move {
            for n in 0..each {
                let id = format!("{caller}.{n}");
                request!(asked, records => records
                    .update::<Lane, _, _>(key, &id, unique(), |lane| {
                        let mut next = lane.cloned().unwrap_or_default();
                        if next.intents.iter().any(|there| there.id == id) {
                            return Ok((None, ()));
                        }
                        if next.is_full() {
                            return Err(Error::Internal("full too early".to_owned()));
                        }
                        next.intents.push(intent(&id));
                        Ok((Some(next), ()))
                    })
                    .await)?;
                if n % 2 == 0 {
                    strike(asked, key, &id).await?;
                }
            }
            Ok(())
        };
        boxed(working)
    });
    at_once(asked, callers).await?;
    // Whoever does not see it yet strikes nothing out. The next tick does.
    for caller in 0..asked.effort.callers {
        for n in (0..each).step_by(2) {
            strike(asked, key, &format!("{caller}.{n}")).await?;
        }
    }
    asked.subject.rest().await;
    let lane = read::<S, Lane>(asked, key).await?.unwrap_or_default();
    let mut ids: Vec<&str> = lane.intents.iter().map(|there| there.id.as_str()).collect();
    ids.sort_unstable();
    let mut expected: Vec<String> = (0..asked.effort.callers)
        .flat_map(|caller| (0..each).filter(|n| n % 2 == 1).map(move |n| format!("{caller}.{n}")))
        .collect();
    expected.sort_unstable();
    expect(ids == expected, || format!("the lane holds {ids:?}, {expected:?} was expected"))?;
    for caller in 0..asked.effort.callers {
        let own = format!("{caller}.");
        let numbers = lane.intents.iter().filter_map(|there| there.id.strip_prefix(&own));
        let numbers: Vec<usize> = numbers.filter_map(|n| n.parse().ok()).collect();
        expect(numbers.is_sorted(), || format!("caller {caller}'s intents are out of order: {numbers:?}"))?;
    }
    Ok(())
}

async fn idempotency_race<S: Subject>(asked: &Asked<'_, S>) -> Result<(), Broken> {
    let merchant = MerchantId::parse("M").map_err(|e| e.to_string())?;
    for round in 0..asked.effort.rounds.min(12) {
        let name = format!("{}:{round}", asked.name);
        let payload = Digest::of(name.as_bytes());
        let mut now = Instant { unix_ms: 1_795_406_400_000 };
        let mut carried_out = None;
        for _ in 0..AGAIN {
            let (name, payload, merchant) = (&name, &payload, &merchant);
            let callers = (0..asked.effort.callers).map(|_| {
                let asking = async move {
                    let Ok(app) = application(asked, now).await else { return Ok(None) };
                    match app.begin(merchant, name, payload, None).await {
                        Ok(Begin::Fresh(ticket)) => Ok(Some(ticket)),
                        Ok(Begin::Replay(_)) => Err("an answer that nobody gave".to_owned()),
                        Err(Error::KeyInFlight | Error::Unavailable(_)) => Ok(None),
                        Err(other) => Err(told(&other)),
                    }
                };
                boxed(asking)
            });
            let mut fresh: Vec<_> = at_once(asked, callers).await?.into_iter().flatten().collect();
            expect(fresh.len() <= 1, || format!("{} were carried out at once", fresh.len()))?;
            carried_out = fresh.pop();
            if carried_out.is_some() {
                break;
            }
            // Whoever claimed it never learned so. After the lease another may.
            let lease = IDEMPOTENCY_LEASE.ms.saturating_add(1);
            now = now.plus(Duration { ms: lease }).map_err(|e| e.to_string())?;
        }
        let ticket = carried_out.ok_or_else(|| "nobody was ever told to carry it out".to_owned())?;
        let answer = Answer { status: 201, body: format!("\"{name}\"") };
        let mut ticket = Some(ticket);
        let (name, payload, merchant) = (&name, &payload, &merchant);
        // The answer is kept, or the request comes again and is carried out again as the same command.
        let app = application(asked, now).await?;
        for _ in 0..AGAIN {
            app.ports.set_now(now);
            if let Some(own) = ticket.take()
                && app.finish(own, &answer).await.is_ok()
            {
                break;
            }
            let lease = IDEMPOTENCY_LEASE.ms.saturating_add(1);
            now = now.plus(Duration { ms: lease }).map_err(|e| e.to_string())?;
            match app.begin(merchant, name, payload, None).await {
                Ok(Begin::Fresh(again)) => ticket = Some(again),
                Ok(Begin::Replay(_)) => break,
                Err(Error::KeyInFlight | Error::Unavailable(_)) => {}
                Err(other) => return Err(told(&other)),
            }
        }
        let other = Digest::of(b"another request");
        let (other, answer) = (&other, &answer);
        let callers = (0..asked.effort.callers).map(|caller| {
            let asking = async move {
                let app = application(asked, now).await?;
                for _ in 0..AGAIN {
                    let asks = if caller == 0 { other } else { payload };
                    match app.begin(merchant, name, asks, None).await {
                        Ok(Begin::Replay(kept)) if caller > 0 && kept == *answer => return Ok(()),
                        Err(Error::KeyReused) if caller == 0 => return Ok(()),
                        Err(Error::Unavailable(_)) => {}
                        Err(Error::KeyInFlight) if asked.subject.is_troubled() => {}
                        wrong => return Err(format!("after it was answered: {wrong:?}")),
                    }
                }
                Err("the store never answered for certain".to_owned())
            };
            boxed(asking)
        });
        at_once(asked, callers).await?;
    }
    Ok(())
}

/// An application over the store, as an instance has it: it finds out by itself how records are created.
async fn application<S: Subject>(asked: &Asked<'_, S>, now: Instant) -> Result<App<TestPorts<S::Kv>>, Broken> {
    let kv = asked.subject.instance().await.map_err(|e| e.to_string())?;
    Ok(App::new(TestPorts::new(kv, now, unique())))
}
