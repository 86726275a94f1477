//! Taking out what a checkpoint proves: rows of checkpoints, and one payment with its way into one.

use super::{Heads, Kept, PagePart, Volume, Work, day_tree, head_of};
use crate::app::App;
use crate::error::Error;
use crate::limits::{CHECKPOINT_BEHIND, CHECKPOINT_SCAN, LIST_LIMIT};
use crate::ports::Ports;
use crate::principal::{Deed, Principal};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::Page;
use rescind_audit::export::SealedBytes;
use rescind_audit::{Export, SalePart, Signed, Step, Tree};
use rescind_model::{Entry, Event, Instant, MerchantId, SaleId};

/// One event, to be found in a checkpoint.
struct Wanted<'a> {
    merchant: &'a MerchantId,
    sale: &'a SaleId,
    sequence: u64,
    /// When it happened.
    at: Instant,
    /// How many checkpoints before its day are looked through.
    behind: usize,
}

/// Where an event is.
struct Found {
    number: u64,
    kept: Kept,
    volume: Volume,
    /// Its volume in the day.
    in_day: usize,
    /// Its page in the volume.
    in_volume: usize,
    /// Its head on the page.
    in_page: usize,
}

/// Which checkpoints are wanted besides the one that a payment is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The event whose checkpoint it is; the newest that is in one unless told.
    pub event: Option<u64>,
    /// Up to which checkpoint the row goes on; the payment's own unless told.
    pub until: Option<u64>,
}

fn damaged(what: &str) -> Error {
    Error::Internal(format!("checkpoints: {what} is missing or damaged"))
}

fn index(at: usize) -> Result<u64, Error> {
    u64::try_from(at).map_err(|e| Error::Internal(e.to_string()))
}

/// A step of the way from a leaf to its root.
fn step(tree: &Tree, at: usize) -> Result<Step, Error> {
    let index = index(at)?;
    let siblings = tree.siblings(index).ok_or_else(|| damaged("a leaf"))?;
    Ok(Step { tree: tree.root(), index, siblings })
}

impl<P: Ports> App<P> {
    /// A merchant's checkpoints after a number, oldest first, and whether there are more.
    ///
    /// # Errors
    /// Not permitted; the store's.
    pub async fn checkpoints(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<Signed>, bool), Error> {
        who.may(Deed::Audit, merchant)?;
        let newest = self.newest_checkpoint(merchant).await?;
        let mut listed = Vec::new();
        let mut number = after;
        while number < newest && listed.len() < limit.min(LIST_LIMIT) {
            number = number.saturating_add(1);
            listed.push(self.kept_checkpoint(merchant, number).await?.read()?);
        }
        Ok((listed, number < newest))
    }

    /// A row of checkpoints as a file, from one to another.
    ///
    /// # Errors
    /// Not permitted; no such checkpoints; too many.
    pub async fn checkpoint_row(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        from: u64,
        until: u64,
    ) -> Result<Export, Error> {
        who.may(Deed::Audit, merchant)?;
        if from == 0 || until < from || until > self.newest_checkpoint(merchant).await? {
            return Err(Error::NotFound("checkpoint"));
        }
        Ok(Export::new(merchant.clone(), self.sealed_row(merchant, from, until).await?, None))
    }

    /// One payment as a file that proves what its history was when a checkpoint was made. `withheld` of its history: whoever may
    /// not see all of it gets its links.
    ///
    /// # Errors
    /// Not permitted; no such payment or event; `checkpoint.not-yet`, `checkpoint.differs`.
    pub async fn audit_export(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        asked: Asked,
    ) -> Result<Export, Error> {
        who.may(Deed::Export, merchant)?;
        let aggregate = self.sale(who, merchant, sale).await?;
        let (found, event) = self.committed_event(merchant, &aggregate, asked.event).await?;
        let head =
            head_of(&self.checkpoint_salt().await?, &aggregate, event.sequence)?.ok_or_else(|| damaged("an event"))?;
        let page = found.volume.pages.get(found.in_volume).ok_or_else(|| damaged("a page"))?;
        let key = Key::checkpoint_page(merchant, &page.tree.root.to_string());
        let heads = self.records().await?.read::<Heads>(&key).await?;
        let heads = heads.and_then(|heads| heads.tree()).ok_or_else(|| damaged("a page"))?;
        let way = [
            step(&heads, found.in_page)?,
            step(&found.volume.tree(), found.in_volume)?,
            step(&day_tree(&found.kept.volumes), found.in_day)?,
        ];
        let [on_page, ..] = &way;
        if !on_page.tree.has(&head.digest(merchant, sale).0, on_page.index, &on_page.siblings) {
            self.ports.log(&format!(
                "{merchant}/{sale}: event {} is not what checkpoint {} commits to: the history was changed",
                event.sequence, found.number
            ));
            return Err(Error::Conflict {
                code: "checkpoint.differs",
                message: format!(
                    "what is stored of event {} or before is not what checkpoint {} commits to",
                    event.sequence, found.number
                ),
            });
        }
        let until = asked.until.unwrap_or(found.number);
        if until < found.number || until > self.newest_checkpoint(merchant).await? {
            return Err(Error::NotFound("checkpoint"));
        }
        let row = self.sealed_row(merchant, found.number, until).await?;
        let shown = !crate::export::is_masked_for(who, merchant);
        let history = aggregate.events.iter().filter(|e| e.sequence <= event.sequence).cloned();
        let entries = usize::try_from(head.entries).map_err(|e| Error::Internal(e.to_string()))?;
        let entries: Vec<Entry> = aggregate.ledger.entries.iter().take(entries).cloned().collect();
        let part = SalePart {
            sale: sale.clone(),
            checkpoint: found.number,
            head,
            way,
            events: shown.then(|| history.collect()),
            entries,
        };
        Ok(Export::new(merchant.clone(), row, Some(part)))
    }

    /// The checkpoint of an event; of the newest that is in one, if none is named.
    async fn committed_event(
        &self,
        merchant: &MerchantId,
        aggregate: &Aggregate,
        sequence: Option<u64>,
    ) -> Result<(Found, Event), Error> {
        let sale = &aggregate.ledger.sale.id;
        let named = |event: &&Event| sequence.is_none_or(|sequence| event.sequence == sequence);
        let mut candidates = aggregate.events.iter().rev().filter(named).peekable();
        if candidates.peek().is_none() {
            return Err(Error::NotFound("event"));
        }
        let newest = self.newest_checkpoint(merchant).await?;
        let over = match newest {
            0 => None,
            _ => Some(self.kept_checkpoint(merchant, newest).await?.read()?.checkpoint),
        };
        if let Some(newest) = over {
            for event in candidates {
                // Most events after the newest checkpoint need no search; one that a fast clock dated is found by those before it.
                if event.at > newest.made_at && sequence.is_none() {
                    continue;
                }
                let behind = if sequence.is_some() { CHECKPOINT_SCAN } else { CHECKPOINT_BEHIND };
                let wanted = Wanted { merchant, sale, sequence: event.sequence, at: event.at, behind };
                if let Some(found) = self.find_committed(&wanted, newest.number).await? {
                    return Ok((found, event.clone()));
                }
            }
        }
        Err(Error::Conflict {
            code: "checkpoint.not-yet",
            message: "no checkpoint commits to it yet: they are made some minutes after midnight UTC".to_owned(),
        })
    }

    /// Looks for an event in the checkpoints: from the day on it happened, then in those before, should a clock have been wrong.
    async fn find_committed(&self, wanted: &Wanted<'_>, newest: u64) -> Result<Option<Found>, Error> {
        let merchant = wanted.merchant;
        // Checkpoints are ordered by day: the first whose day was not over when it happened.
        let (mut low, mut high) = (1_u64, newest);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) >> 1);
            let checkpoint = self.kept_checkpoint(merchant, middle).await?.read()?.checkpoint;
            if checkpoint.day.end() > wanted.at {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        for number in (low..=newest).take(CHECKPOINT_SCAN).chain((1..low).rev().take(wanted.behind)) {
            let kept = self.kept_checkpoint(merchant, number).await?;
            for (in_day, part) in kept.volumes.iter().enumerate().filter(|(_, part)| part.times.include(wanted.at)) {
                let key = Key::checkpoint_volume(merchant, &part.tree.root.to_string());
                let volume = self.records().await?.read::<Volume>(&key).await?.ok_or_else(|| damaged("a volume"))?;
                let within = volume.pages.iter().enumerate().filter(|(_, page)| page.times.include(wanted.at));
                for (in_volume, page) in within {
                    if let Some(in_page) = self.place_on(wanted, page).await? {
                        return Ok(Some(Found { number, kept, volume, in_day, in_volume, in_page }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Which head of a part of the feed's page an event is.
    async fn place_on(&self, wanted: &Wanted<'_>, part: &PagePart) -> Result<Option<usize>, Error> {
        let key = Key::feed(wanted.merchant).page(part.page);
        let page = self.records().await?.read::<Page>(&key).await?.ok_or_else(|| damaged("a page of the feed"))?;
        let entries = page.entries.get(part.from..part.until).ok_or_else(|| damaged("a page of the feed"))?;
        let mut events = entries.iter().filter_map(crate::feed::reference);
        Ok(events.position(|(sale, sequence)| sale == *wanted.sale && sequence == wanted.sequence))
    }

    async fn newest_checkpoint(&self, merchant: &MerchantId) -> Result<u64, Error> {
        let work = self.records().await?.read::<Work>(&Key::checkpoint_work(merchant)).await?;
        Ok(work.and_then(|work| work.last).map_or(0, |last| last.number))
    }

    async fn kept_checkpoint(&self, merchant: &MerchantId, number: u64) -> Result<Kept, Error> {
        let kept = self.records().await?.read::<Kept>(&Key::checkpoint(merchant, number)).await?;
        kept.ok_or_else(|| damaged("a checkpoint"))
    }

    async fn sealed_row(&self, merchant: &MerchantId, from: u64, until: u64) -> Result<Vec<SealedBytes>, Error> {
        let limit = u64::try_from(LIST_LIMIT).unwrap_or_default();
        if until.saturating_sub(from) >= limit {
            return Err(Error::invalid("until", format!("expected a row of at most {LIST_LIMIT} checkpoints")));
        }
        let mut row = Vec::new();
        for number in from..=until {
            row.push(self.kept_checkpoint(merchant, number).await?.sealed);
        }
        Ok(row)
    }
}
