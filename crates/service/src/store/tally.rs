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

/// A count, or a sum of minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Confirmed so far.
    pub confirmed: i64,
    /// Reserved.
    pub open: Vec<Place>,
    /// The last command that was confirmed or dropped, so that this write can be proved.
    #[serde(default)]
    pub settled: String,
}

impl Record for Tally {
    const FORMAT: &'static str = "tally/1";
    fn holds(&self, id: &str) -> bool {
        self.settled == id || self.open.iter().any(|p| p.id == id)
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
        if self.open.iter().any(|p| p.id == place.id) {
            return true;
        }
        if self.open.len() >= TALLY_OPEN {
            return false;
        }
        self.open.push(place);
        true
    }

    /// Ends a reservation: it counts from now on, or never did.
    pub fn settle(&mut self, id: &str, came_through: bool) -> bool {
        let Some(position) = self.open.iter().position(|p| p.id == id) else { return false };
        let place = self.open.remove(position);
        if came_through {
            self.confirmed = self.confirmed.saturating_add(place.adds);
        }
        id.clone_into(&mut self.settled);
        true
    }

    /// Reservations whose request cannot be alive any more.
    pub fn stale(&self, now: Instant) -> impl Iterator<Item = &Place> {
        self.open.iter().filter(move |p| now.since(p.at) > INTENT_PATIENCE)
    }
}
