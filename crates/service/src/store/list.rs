//! Lists that grow: pages of a bounded number of entries, deduplicated by id. A page that is full stays as it is for
//! ever and the next number is its successor; there are no holes. A hint says where the last page was; it may lag.

use super::key::Key;
use super::{Commit, Record, Records};
use crate::error::Error;
use crate::limits::{PAGE_ENTRIES, SWAP_ATTEMPTS, page_entries};
use crate::planted::{Mistake, made};
use crate::ports::Kv;
use serde::{Deserialize, Serialize};

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Names the entry: the same id is in a list once.
    pub id: String,
    /// What it points to, in the list's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// In the order they were added.
    pub entries: Vec<Entry>,
}

impl Page {
    /// Whether an entry is in it.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.entries.iter().any(|e| e.id == id)
    }

    /// Whether nothing can be added any more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries.len() >= page_entries()
    }
}

impl Record for Page {
    const FORMAT: &'static str = "page/1";
    /// Several ids are joined by line ends: a write of many entries is there when all of them are.
    fn holds(&self, ids: &str) -> bool {
        ids.split('\n').all(|id| self.has(id))
    }
}

/// The hint at the last page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The number of a page that exists or is next; the last one is this or a later one.
    pub page: u64,
}

impl Record for Tail {
    const FORMAT: &'static str = "tail/1";
    fn holds(&self, id: &str) -> bool {
        id.parse::<u64>().is_ok_and(|page| self.page >= page)
    }
}

/// Where an entry is: page and index, as callers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Page number.
    pub page: u64,
    /// Index within the page.
    pub index: usize,
}

impl Position {
    /// Before the first entry.
    pub const START: Self = Self { page: 0, index: 0 };

    /// Reads what [`core::fmt::Display`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('.').and_then(|(page, index)| {
            Some(Self { page: page.parse().ok()?, index: index.parse().ok().filter(|i| *i <= PAGE_ENTRIES)? })
        });
        parsed.ok_or_else(|| Error::Malformed {
            field: "after".to_owned(),
            message: "expected a position that an earlier answer gave".to_owned(),
        })
    }
}

impl core::fmt::Display for Position {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.page, self.index)
    }
}

/// What was read of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Entries with the positions after them.
    pub entries: Vec<(Position, Entry)>,
    /// Whether there is more now.
    pub more: bool,
}

impl<K: Kv> Records<'_, K> {
    /// The number of the page that is open for adding.
    ///
    /// # Errors
    /// The store's.
    pub async fn tail(&self, list: &Key) -> Result<u64, Error> {
        Ok(self.read::<Tail>(&list.tail()).await?.map_or(0, |t| t.page))
    }

    /// Adds entries that are not there yet to one page, in order, as many as it has room for. Gives those that it is full
    /// without, and will be for ever: they belong to the next.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_to_page(
        &self,
        list: &Key,
        page: u64,
        entries: &[Entry],
        unique: u64,
    ) -> Result<Vec<Entry>, Error> {
        for attempt in 0..SWAP_ATTEMPTS {
            let slot = self.open::<Page>(&list.page(page)).await?;
            let mut next = slot.value.clone().unwrap_or_default();
            let mut added: Vec<&str> = Vec::new();
            let mut rest: Vec<Entry> = Vec::new();
            for entry in entries {
                let missing = !rest.is_empty() && made(Mistake::FullAtFirst);
                if next.has(&entry.id) && !made(Mistake::ListTwice) && !missing {
                    continue;
                }
                if next.is_full() {
                    rest.push(entry.clone());
                } else {
                    next.entries.push(entry.clone());
                    added.push(&entry.id);
                }
            }
            if added.is_empty() {
                return Ok(rest);
            }
            // All of them: another writer may have written some and not others.
            let added = added.join("\n");
            let unique = unique.wrapping_add(u64::from(attempt));
            if self.commit(slot, &next, &added, unique).await? == Commit::Written {
                return Ok(rest);
            }
        }
        Err(Error::Unavailable(format!("{list} is written by too many at once")))
    }

    /// Adds entries to the first page from this one on that has room for them, unless they are there. Full pages stay as they
    /// are: as long as none of the entries is on an earlier page, each is in the list once, however often and by however many
    /// this is repeated.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_from(&self, list: &Key, page: u64, entries: &[Entry], unique: u64) -> Result<(), Error> {
        let (mut page, mut unique) = (page, unique);
        let mut rest = self.add_to_page(list, page, entries, unique).await?;
        while !rest.is_empty() {
            // Each write has numbers of its own, as many as it has attempts.
            unique = unique.wrapping_add(u64::from(SWAP_ATTEMPTS));
            page = self.advance(list, page, unique).await?;
            rest = self.add_to_page(list, page, &rest, unique).await?;
        }
        Ok(())
    }

    /// Adds an entry at the end, unless the open page has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn append(&self, list: &Key, entry: &Entry, unique: u64) -> Result<(), Error> {
        let page = self.tail(list).await?;
        self.add_from(list, page, core::slice::from_ref(entry), unique).await
    }

    /// Notes that a page is full; gives the next.
    ///
    /// # Errors
    /// The store's.
    pub async fn advance(&self, list: &Key, full: u64, unique: u64) -> Result<u64, Error> {
        let next = full.checked_add(1).ok_or_else(|| Error::Internal(format!("{list} is full")))?;
        self.update::<Tail, _, _>(&list.tail(), &next.to_string(), unique, |tail| {
            let behind = tail.is_none_or(|t| t.page < next);
            Ok((behind.then_some(Tail { page: next }), ()))
        })
        .await?;
        Ok(next)
    }

    /// Reads up to `limit` entries from a position on.
    ///
    /// # Errors
    /// The store's.
    pub async fn slice(&self, list: &Key, from: Position, limit: usize) -> Result<Slice, Error> {
        let mut entries = Vec::new();
        let mut at = from;
        loop {
            let Some(page) = self.read::<Page>(&list.page(at.page)).await? else {
                return Ok(Slice { entries, more: false });
            };
            for (index, entry) in page.entries.iter().enumerate().skip(at.index) {
                if entries.len() >= limit {
                    return Ok(Slice { entries, more: true });
                }
                entries.push((Position { page: at.page, index: index.saturating_add(1) }, entry.clone()));
            }
            if !page.is_full() {
                return Ok(Slice { entries, more: false });
            }
            at = Position { page: at.page.saturating_add(1), index: 0 };
        }
    }
}
