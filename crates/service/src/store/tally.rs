//! Counts that span sales: a compare-and-swapped record of the operations that count. An operation reserves its place
//! before its sale is committed and confirms it afterwards; one that never came through is dropped once its sale shows
//! so. Never a bare counter: a retry would count twice.

use super::Record;
use crate::limits::{INTENT_PATIENCE, TALLY_OPEN};
use rescind_model::{Instant, SaleId};
use serde::{Deserialize, Serialize};

/// A place that is reserved and not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The command that reserves it.
    pub id: String,
    /// The sale in which the command will be found if it came through.
    pub sale: SaleId,
    /// How much it adds: 1, or minor units.
    pub adds: i64,
    /// Since when.
    pub at: Instant,
}

impl Place {
    /// What proves that it is written.
    #[must_use]
    pub fn proof(&self) -> String {
        format!("reserved {} {}", self.id, self.at.unix_ms)
    }
}

/// A count, or a sum of minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Confirmed so far.
    pub confirmed: i64,
    /// Reserved.
    pub open: Vec<Place>,
}

impl Record for Tally {
    const FORMAT: &'static str = "tally/1";
    /// `settled ID`: the place is not there any more, whoever removed it. `reserved ID TIME`: it is, as of that time.
    fn holds(&self, id: &str) -> bool {
        match id.strip_prefix("settled ") {
            Some(id) => !self.open.iter().any(|p| p.id == id),
            None => self.open.iter().any(|p| p.proof() == id),
        }
    }
}

impl Tally {
    /// The total without one command's own place. `None` on overflow: treat as "too many".
    #[must_use]
    pub fn total_without(&self, id: &str) -> Option<i64> {
        self.open.iter().filter(|p| p.id != id).try_fold(self.confirmed, |sum, p| sum.checked_add(p.adds))
    }

    /// Reserves a place; `false` if there is no room. A second time changes nothing.
    pub fn reserve(&mut self, place: Place) -> bool {
        if let Some(there) = self.open.iter_mut().find(|p| p.id == place.id) {
            // Reserved anew: an old place may be about to be dropped.
            *there = place;
            return true;
        }
        if self.open.len() >= TALLY_OPEN {
            return false;
        }
        self.open.push(place);
        true
    }

    /// Ends a reservation: it counts from now on, or never did.
    /// A stale one only if it is still the one that was seen to be stale.
    pub fn settle(&mut self, id: &str, came_through: bool, only_as_of: Option<Instant>) -> bool {
        let is_it = |p: &Place| p.id == id && only_as_of.is_none_or(|at| p.at == at);
        let Some(position) = self.open.iter().position(is_it) else { return false };
        let place = self.open.remove(position);
        if came_through {
            self.confirmed = self.confirmed.saturating_add(place.adds);
        }
        true
    }

    /// Reservations whose request cannot be alive any more.
    pub fn stale(&self, now: Instant) -> impl Iterator<Item = &Place> {
        self.open.iter().filter(move |p| now.since(p.at) > INTENT_PATIENCE)
    }
}
