//! A whole store, walked and checked: `rescind doctor`.
//!
//! One pass over all keys in their order, with single reads besides. What has to be held together (an event and its place in
//! the feed, a thing and the list that names it) is remembered in a few bytes each until the walk meets the other side, so
//! that a store of a million sales is walked in a few hundred megabytes.
//!
//! | file | idea |
//! |---|---|
//! | `finding` | what can be found: codes, and how bad each is |
//! | `shelf` | reading a whole store |
//! | `walk` | the pass: which key holds what |
//! | `ledger` | one sale by itself |
//! | `publication` | the feed, intents, notices, deliveries |
//! | `list` | pages and hints |
//! | `sale` | a sale against everything that names it |
//! | `content` | what is named by what is in it: decisions, policies, evidence, texts, bundles |
//! | `checkpoint` | checkpoints, their row and their trees |
//! | `promise` | what was answered, claimed, counted |
//! | `books` | a merchant's accounts against the postings of its payments |
//! | `repair` | what can be put right |
//!
//! The store must not be in use: what is under way would look as if it were broken.
//!
//! # What cannot be known
//!
//! - A sale remembers the last 16 commands and those of all events. Whether an answered request without an event was carried
//!   out longer ago cannot be seen, so only what its answer names is looked for.
//! - Counts of a business day forget which operations they counted: only what is still open in them is looked at.
//! - Income by business day follows from the policies' calendars of then, and is not made again.
//! - Whether the heads under a checkpoint are those of its events: whoever has its public key sees that in an export
//!   (`rescind audit verify`).
//! - Whether a decision or a piece of evidence that is not there was erased when its time was over.

mod books;
mod checkpoint;
mod content;
mod finding;
mod ledger;
mod list;
mod promise;
mod publication;
mod repair;
mod sale;
mod shelf;
mod walk;

pub use finding::{Code, Finding, Severity};
pub use shelf::Listed;

use crate::error::Error;
use rescind_model::Instant;
use std::collections::BTreeMap;

/// Repairs that one run remembers: a store that needs more is looked at again after them.
const REPAIRS_AT_ONCE: usize = 100_000;

/// Who is told what the walk finds, as it goes.
pub trait Notes: Send {
    /// Something was found.
    fn found(&mut self, finding: &Finding);
    /// So many keys were walked so far.
    fn walked(&mut self, keys: u64) {
        let _unused = keys;
    }
}

impl Notes for Vec<Finding> {
    fn found(&mut self, finding: &Finding) {
        self.push(finding.clone());
    }
}

/// Whether anything is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// Nothing is written.
    Off,
    /// What can be derived is repaired after the walk. The store must take writes.
    On,
}

/// What a walk came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Keys there are.
    pub keys: u64,
    /// Keys by what they begin with.
    pub kinds: BTreeMap<String, u64>,
    /// Events of all sales.
    pub events: u64,
    /// Findings by code.
    pub findings: BTreeMap<Code, u64>,
    /// Repairs that were carried out.
    pub repaired: u64,
    /// Repairs that are left to another run, because there were too many for one.
    pub left: u64,
}

impl Report {
    /// The worst that was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.keys().map(|code| code.severity()).max()
    }

    /// How much of a severity was found.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        let of_it = self.findings.iter().filter(|(code, _)| code.severity() == severity);
        of_it.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// Walks a store at rest.
///
/// # Errors
/// [`Error::Unavailable`] if the store fails. What is in it is never an error but a finding.
pub async fn examine<K: Listed>(kv: &K, now: Instant, hands: Hands, notes: &mut dyn Notes) -> Result<Report, Error> {
    let (mut report, repairs) = walk::Walk::over(kv, now, notes).await?;
    if hands == Hands::On && !repairs.is_empty() {
        report.repaired = repair::all(kv, repairs, now).await?;
    }
    Ok(report)
}
