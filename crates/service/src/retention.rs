//! Retention: what is kept outside the ledger has a day on which it goes. Whoever stores it first writes it into the list of
//! that day; ticks work the lists off, day by day, a bounded part at a time.
//!
//! An entry may be worked off twice and point to nothing: each step looks at what is stored and at the clock. A day's list
//! is removed when all of it is done, and only then the next day begins. Nobody adds to a day that has begun, because
//! nothing is kept for less than a day.

use crate::app::App;
use crate::error::Error;
use crate::limits::{DAY_MS, LIST_DEFAULT, RETENTION_DAYS_AT_ONCE, RETENTION_ITEMS_AT_ONCE};
use crate::ports::Ports;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use rescind_model::{BusinessDay, Digest, Duration, Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};

/// What ends on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Texts of a payment.
    Personal(SaleId),
    /// Evidence.
    Evidence(Digest),
    /// A part of evidence that may never have become whole.
    Part(Digest, Digest),
    /// The decisions of a business day in one lane.
    Decisions(BusinessDay, u8),
}

impl Ends {
    /// As an entry. Names never hold `:`.
    fn entry(&self, merchant: &MerchantId) -> Entry {
        let id = match self {
            Self::Personal(sale) => format!("personal:{merchant}:{sale}"),
            Self::Evidence(content) => format!("evidence:{merchant}:{content}"),
            Self::Part(content, part) => format!("part:{merchant}:{content}:{part}"),
            Self::Decisions(day, lane) => format!("decisions:{merchant}:{day}:{lane}"),
        };
        Entry { id, at: String::new() }
    }

    fn of(entry: &Entry) -> Option<(MerchantId, Self)> {
        let mut parts = entry.id.split(':');
        let (kind, merchant, what) = (parts.next()?, parts.next()?, parts.next()?);
        let ends = match kind {
            "personal" => Self::Personal(SaleId::parse(what).ok()?),
            "evidence" => Self::Evidence(Digest::parse(what).ok()?),
            "part" => Self::Part(Digest::parse(what).ok()?, Digest::parse(parts.next()?).ok()?),
            "decisions" => Self::Decisions(BusinessDay::parse(what).ok()?, parts.next()?.parse().ok()?),
            _ => return None,
        };
        Some((MerchantId::parse(merchant).ok()?, ends))
    }
}

/// How far the lists were worked off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The first day that is not done.
    pub(crate) day: i64,
    /// Where to go on in its list.
    at: Position,
    mark: String,
}

impl Record for Progress {
    const FORMAT: &'static str = "retention/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// The day on which an instant is over.
fn day_of(until: Instant) -> i64 {
    let ms = until.unix_ms;
    let whole = ms.div_euclid(DAY_MS);
    if ms.rem_euclid(DAY_MS) == 0 { whole } else { whole.saturating_add(1) }
}

impl<P: Ports> App<P> {
    /// Notes that something ends.
    pub(crate) async fn ends_on(&self, merchant: &MerchantId, what: &Ends, until: Instant) -> Result<(), Error> {
        let records = self.records().await?;
        let today = self.ports.now().unix_ms.div_euclid(DAY_MS);
        if records.read::<Progress>(&Key::retention()).await?.is_none() {
            let first = Progress { day: today, at: Position::START, mark: self.random_hex(32) };
            records
                .update::<Progress, _, _>(&Key::retention(), &first.mark, self.unique(), |there| {
                    Ok((there.is_none().then(|| first.clone()), ()))
                })
                .await?;
        }
        // Never today's: that list may be on its way out.
        let day = day_of(until).max(today.saturating_add(1));
        records.append(&Key::retention_day(day), &what.entry(merchant), self.unique()).await
    }

    /// Works off the days that are over, as many and as much as one tick may; gives how much was erased.
    ///
    /// # Errors
    /// The store's. What was done is done; the next tick goes on.
    pub async fn retain(&self) -> Result<u32, Error> {
        let records = self.records().await?;
        let mut erased = 0_u32;
        let mut looked_at = 0_u32;
        for _ in 0..RETENTION_DAYS_AT_ONCE {
            let now = self.ports.now();
            let Some(progress) = records.read::<Progress>(&Key::retention()).await? else { return Ok(erased) };
            if progress.day > now.unix_ms.div_euclid(DAY_MS) {
                return Ok(erased);
            }
            let list = Key::retention_day(progress.day);
            let mut at = progress.at;
            loop {
                let slice = records.slice(&list, at, LIST_DEFAULT).await?;
                for (position, entry) in &slice.entries {
                    let (ended, done) = self.end(entry, progress.day, now).await?;
                    erased = erased.saturating_add(ended);
                    if !done {
                        // The rest of it is the next tick's.
                        self.got_to(&progress, progress.day, at).await?;
                        return Ok(erased);
                    }
                    looked_at = looked_at.saturating_add(1);
                    at = *position;
                }
                if !slice.more {
                    break;
                }
                if looked_at >= RETENTION_ITEMS_AT_ONCE {
                    self.got_to(&progress, progress.day, at).await?;
                    return Ok(erased);
                }
            }
            let last = records.tail(&list).await?;
            for page in 0..=last {
                records.remove(&list.page(page)).await?;
            }
            records.remove(&list.tail()).await?;
            self.got_to(&progress, progress.day.saturating_add(1), Position::START).await?;
        }
        Ok(erased)
    }

    /// Ends one thing, or a part of it: `false` says that there is more. One that cannot be worked on comes again tomorrow: it
    /// must not hold up the others.
    async fn end(&self, entry: &Entry, day: i64, now: Instant) -> Result<(u32, bool), Error> {
        let Some((merchant, what)) = Ends::of(entry) else { return Ok((0, true)) };
        let whole = |ended: Result<u32, Error>| ended.map(|erased| (erased, true));
        let ended = match &what {
            Ends::Personal(sale) => whole(self.expire_personal(&merchant, sale, day, now).await),
            Ends::Evidence(content) => whole(self.expire_evidence(&merchant, content, day, now).await),
            Ends::Part(content, part) => whole(self.expire_part(&merchant, content, part).await),
            Ends::Decisions(day, lane) => self.expire_decisions(&merchant, *day, *lane).await,
        };
        match ended {
            Ok(ended) => Ok(ended),
            Err(Error::Unavailable(why)) => Err(Error::Unavailable(why)),
            Err(error) => {
                self.ports.log(&format!("retention of {}: {error}: {error:?}", entry.id));
                let tomorrow = Duration { ms: u64::try_from(DAY_MS).unwrap_or_default() };
                let tomorrow = now.plus(tomorrow).map_err(|e| Error::Internal(e.to_string()))?;
                self.ends_on(&merchant, &what, tomorrow).await?;
                Ok((0, true))
            }
        }
    }

    /// Notes how far the lists are worked off; never backwards, should another courier be ahead.
    async fn got_to(&self, from: &Progress, day: i64, at: Position) -> Result<(), Error> {
        let next = Progress { day, at, mark: self.random_hex(32) };
        self.records()
            .await?
            .update::<Progress, _, _>(&Key::retention(), &next.mark, self.unique(), |there| {
                let mine = there.is_some_and(|t| t.mark == from.mark);
                Ok((mine.then(|| next.clone()), ()))
            })
            .await
    }
}
