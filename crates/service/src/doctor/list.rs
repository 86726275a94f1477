//! Lists as the walk meets them: page after page, then the hint.

use super::finding::Code;
use super::repair::Repair;
use crate::limits::page_entries;
use crate::store::key::Key;
use crate::store::list::{Page, Position};
use std::collections::BTreeSet;

/// A key of a list, taken apart.
pub(super) enum Part {
    /// A page's number.
    Page(u64),
    /// The hint.
    Tail,
}

/// Takes a list's key apart: the list, and which part of it.
pub(super) fn part(key: &str) -> Option<(&str, Part)> {
    let (list, last) = key.rsplit_once(':')?;
    if last == "tail" {
        return Some((list, Part::Tail));
    }
    let number = last.strip_prefix('p').filter(|n| n.len() >= 8)?.parse().ok()?;
    Some((list, Part::Page(number)))
}

/// A list of which the pages so far were met.
#[derive(Debug)]
pub(super) struct OpenList {
    /// Its key.
    pub(super) name: String,
    /// Whether its pages are removed from the first on when they are worked off.
    removed: bool,
    /// The number of the page that is to come.
    next: u64,
    /// Entries of the last page.
    last: usize,
    gap: bool,
    tail: Option<u64>,
}

impl OpenList {
    pub(super) fn begin(name: &str, removed: bool) -> Self {
        Self { name: name.to_owned(), removed, next: 0, last: page_entries(), gap: false, tail: None }
    }

    /// Takes a page in; gives what is wrong with it.
    pub(super) fn page(&mut self, number: u64, page: &Page) -> Vec<(Code, String)> {
        let mut found = Vec::new();
        if self.next == 0 && self.removed {
            self.next = number;
        }
        if number != self.next {
            found.push((Code::ListGap, format!("expected page {}, found page {number}", self.next)));
            self.gap = true;
        } else if self.last < page_entries() {
            found.push((Code::ListGap, format!("the page before has only {} entries", self.last)));
            self.gap = true;
        }
        if page.entries.len() > page_entries() {
            found.push((Code::ListOverfull, format!("{} entries", page.entries.len())));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = page.entries.iter().find(|entry| !seen.insert(entry.id.as_str())) {
            found.push((Code::ListTwice, format!("{} is in the page twice", twice.id)));
        }
        self.next = number.saturating_add(1);
        self.last = page.entries.len();
        found
    }

    pub(super) fn tail(&mut self, page: u64) {
        self.tail = Some(page);
    }

    /// After the last entry.
    pub(super) fn end(&self) -> Position {
        match self.next.checked_sub(1) {
            None => Position::START,
            Some(page) => Position { page, index: self.last },
        }
    }

    /// The list is over: gives what is wrong with its hint.
    pub(super) fn close(&self) -> Option<(String, Repair)> {
        // Where the pages went before the hint, whoever works the list off removes that too.
        if self.gap || (self.removed && self.next == 0) {
            return None;
        }
        let full = self.last >= page_entries();
        let open = if full { self.next } else { self.next.saturating_sub(1) };
        let tail = self.tail.filter(|tail| *tail > open)?;
        let what = format!("it says page {tail}; the page to add to is {open}");
        Some((what, Repair::SetTail { list: Key::met(&self.name), page: open }))
    }
}
