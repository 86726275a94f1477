//! Counts that span sales: a compare-and-swapped record of the operations that count. An operation reserves its place
//! before its sale is committed and confirms it afterwards; one that never came through is dropped once its sale shows
//! so. Never a bare counter: a retry would count twice.

use super::Record;
use crate::limits::{INTENT_PATIENCE, ROLLING_COUNTED, ROLLING_KEPT, TALLY_OPEN};
use crate::planted::{Mistake, made};
use rescind_model::{Duration, Instant, SaleId};
use serde::{Deserialize, Serialize};

/// What both kinds of count can do: that of a business day, which only grows, and that of a span that moves with the time.
pub trait Count: Record + Clone + Default {
    /// The total without one command's own place, of what is later than an instant. `None` on overflow: treat as "too many".
    fn total_without(&self, id: &str, later_than: Instant) -> Option<i64>;
    /// Reserves a place; `false` if there is no room. A second time changes nothing.
    fn reserve(&mut self, place: Place) -> bool;
    /// Ends a reservation: it counts from now on, or never did. A stale one only if it is still the one that was seen to be
    /// stale.
    fn settle(&mut self, id: &str, came_through: bool, only_as_of: Option<Instant>) -> bool;
    /// Reservations that have not ended.
    fn open(&self) -> &[Place];
    /// Reservations whose request cannot be alive any more.
    fn stale(&self, now: Instant) -> Vec<Place> {
        let stale = |p: &&Place| made(Mistake::DropReservations) || now.since(p.at) > INTENT_PATIENCE;
        self.open().iter().filter(stale).cloned().collect()
    }
}

/// The instant a span before another: what is not later than it is out of the span.
#[must_use]
pub fn before(now: Instant, span: Duration) -> Instant {
    Instant { unix_ms: now.unix_ms.saturating_sub(i64::try_from(span.ms).unwrap_or(i64::MAX)) }
}

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

/// `settled ID`: the place is not there any more, whoever removed it. `reserved ID TIME`: it is, as of that time.
fn is_proved(open: &[Place], id: &str) -> bool {
    match id.strip_prefix("settled ") {
        Some(id) => !open.iter().any(|p| p.id == id),
        None => open.iter().any(|p| p.proof() == id),
    }
}

/// Adds a place to those that are open, or renews it: an old one may be about to be dropped.
fn open_place(open: &mut Vec<Place>, place: Place) -> bool {
    if let Some(there) = open.iter_mut().find(|p| p.id == place.id) {
        *there = place;
        return true;
    }
    if open.len() >= TALLY_OPEN {
        return false;
    }
    open.push(place);
    true
}

fn close_place(open: &mut Vec<Place>, id: &str, only_as_of: Option<Instant>) -> Option<Place> {
    let position = open.iter().position(|p| p.id == id && only_as_of.is_none_or(|at| p.at == at))?;
    Some(open.remove(position))
}

impl Record for Tally {
    const FORMAT: &'static str = "tally/1";
    fn holds(&self, id: &str) -> bool {
        is_proved(&self.open, id)
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
        open_place(&mut self.open, place)
    }

    /// Ends a reservation: it counts from now on, or never did.
    /// A stale one only if it is still the one that was seen to be stale.
    pub fn settle(&mut self, id: &str, came_through: bool, only_as_of: Option<Instant>) -> bool {
        let Some(place) = close_place(&mut self.open, id, only_as_of) else { return false };
        if came_through {
            self.confirmed = self.confirmed.saturating_add(place.adds);
        }
        true
    }
}

impl Count for Tally {
    fn total_without(&self, id: &str, _: Instant) -> Option<i64> {
        Self::total_without(self, id)
    }
    fn reserve(&mut self, place: Place) -> bool {
        Self::reserve(self, place)
    }
    fn settle(&mut self, id: &str, came_through: bool, only_as_of: Option<Instant>) -> bool {
        Self::settle(self, id, came_through, only_as_of)
    }
    fn open(&self) -> &[Place] {
        &self.open
    }
}

/// An operation that counts in a span that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The command that carried it out.
    pub id: String,
    /// When it was accepted.
    pub at: Instant,
}

/// A count over spans that move with the time: which operations there were, and when. It is the same record whatever span is
/// asked for, so that a policy with another span finds what was done before it. What is out of the longest span that can be
/// asked for is dropped by the next that reserves a place, and of more than [`ROLLING_COUNTED`] the oldest: no policy can
/// allow as many, so that the answer is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// Confirmed so far, and not out of the longest span.
    pub confirmed: Vec<Counted>,
    /// Reserved.
    pub open: Vec<Place>,
}

impl Record for Rolling {
    const FORMAT: &'static str = "rolling-tally/1";
    fn holds(&self, id: &str) -> bool {
        is_proved(&self.open, id)
    }
}

impl Count for Rolling {
    fn total_without(&self, id: &str, later_than: Instant) -> Option<i64> {
        let confirmed = self.confirmed.iter().filter(|c| c.id != id && c.at > later_than).count();
        let open = self.open.iter().filter(|p| p.id != id && p.at > later_than).count();
        confirmed.checked_add(open).and_then(|total| i64::try_from(total).ok())
    }

    fn reserve(&mut self, place: Place) -> bool {
        // A request that was accepted a little earlier may still be under way, and counts from a little earlier on.
        let kept_from = before(before(place.at, ROLLING_KEPT), INTENT_PATIENCE);
        self.confirmed.retain(|c| c.at > kept_from);
        open_place(&mut self.open, place)
    }

    fn settle(&mut self, id: &str, came_through: bool, only_as_of: Option<Instant>) -> bool {
        let Some(place) = close_place(&mut self.open, id, only_as_of) else { return false };
        if came_through && !self.confirmed.iter().any(|c| c.id == place.id) {
            self.confirmed.push(Counted { id: place.id, at: place.at });
            if self.confirmed.len() > ROLLING_COUNTED {
                let oldest = self.confirmed.iter().map(|c| c.at).min();
                if let Some(index) = self.confirmed.iter().position(|c| Some(c.at) == oldest) {
                    self.confirmed.remove(index);
                }
            }
        }
        true
    }

    fn open(&self) -> &[Place] {
        &self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, at: i64) -> Place {
        Place { id: id.to_owned(), sale: SaleId { value: "S".to_owned() }, adds: 1, at: Instant { unix_ms: at } }
    }

    #[test]
    fn an_operation_leaves_the_span_at_its_end_and_not_a_moment_earlier() {
        let mut rolling = Rolling::default();
        let day = Duration { ms: 1_000 };
        let count =
            |rolling: &Rolling, now: i64| rolling.total_without("", before(Instant { unix_ms: now }, day)).unwrap();
        assert!(rolling.reserve(place("a", 5_000)));
        assert_eq!((count(&rolling, 5_000), count(&rolling, 5_999), count(&rolling, 6_000)), (1, 1, 0));
        assert!(rolling.settle("a", true, None));
        assert_eq!((count(&rolling, 5_000), count(&rolling, 5_999), count(&rolling, 6_000)), (1, 1, 0));
        assert!(!rolling.settle("a", true, None), "it is settled");
        assert!(rolling.reserve(place("a", 5_000)) && rolling.settle("a", true, None));
        assert_eq!(rolling.confirmed.len(), 1, "the same operation counts once");
        // Much later it is gone.
        let late = 5_000 + i64::try_from(ROLLING_KEPT.ms + INTENT_PATIENCE.ms).unwrap();
        assert!(rolling.reserve(place("b", late - 1)) && rolling.settle("b", false, None));
        assert_eq!(rolling.confirmed.len(), 1);
        assert!(rolling.reserve(place("b", late)));
        assert_eq!(rolling.confirmed, []);
    }

    #[test]
    fn what_came_to_nothing_never_counted() {
        let mut rolling = Rolling::default();
        assert!(rolling.reserve(place("a", 1)) && rolling.settle("a", false, None));
        assert_eq!(rolling, Rolling::default());
        assert!(rolling.reserve(place("b", 2)));
        assert!(!rolling.settle("b", false, Some(Instant { unix_ms: 1 })), "it was reserved anew since");
        assert_eq!(rolling.total_without("b", Instant { unix_ms: 0 }), Some(0));
    }

    /// What both kinds of count keep of the reservations that limits depend on.
    fn keeps_its_promises<C: Count + PartialEq + core::fmt::Debug>() {
        let always = Instant { unix_ms: 0 };
        let mut count = C::default();
        assert!(count.reserve(place("a", 10)) && count.reserve(place("b", 20)));
        assert!(count.holds("reserved a 10") && count.holds("settled c"));
        assert!(!count.holds("reserved a 11") && !count.holds("reserved c 10") && !count.holds("settled a"));
        assert_eq!(["", "a", "b"].map(|id| count.total_without(id, always)), [Some(2), Some(1), Some(1)]);
        // Again, later: it is the same place, and younger.
        assert!(count.reserve(place("a", 30)) && count.holds("reserved a 30"));
        assert_eq!((count.total_without("", always), count.open().len()), (Some(2), 2));
        assert!(!count.settle("a", true, Some(Instant { unix_ms: 10 })) && !count.settle("c", true, None));
        assert!(count.settle("a", true, Some(Instant { unix_ms: 30 })) && count.holds("settled a"));
        assert!(!count.settle("a", true, None));
        assert!(count.settle("b", false, None));
        assert_eq!((count.total_without("", always), count.open().len()), (Some(1), 0));

        let mut full = C::default();
        let names: Vec<String> = (0..TALLY_OPEN).map(|n| n.to_string()).collect();
        assert!(names.iter().all(|name| full.reserve(place(name, 1))));
        assert!(!full.reserve(place("more", 1)) && full.reserve(place("0", 2)));
        assert_eq!(full.open().len(), TALLY_OPEN);

        let patience = i64::try_from(INTENT_PATIENCE.ms).unwrap();
        let mut waiting = C::default();
        assert!(waiting.reserve(place("old", 10)) && waiting.reserve(place("new", 11)));
        let stale = |at: i64| {
            waiting
                .stale(Instant { unix_ms: patience.saturating_add(at) })
                .iter()
                .map(|p| p.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(stale(10), Vec::<String>::new());
        assert_eq!((stale(11), stale(12).len()), (vec!["old".to_owned()], 2));
    }

    #[test]
    fn a_place_is_reserved_renewed_and_settled_once() {
        keeps_its_promises::<Tally>();
        keeps_its_promises::<Rolling>();
    }

    #[test]
    fn a_sum_adds_what_each_place_adds_and_an_overflow_is_no_total() {
        let mut sum = Tally::default();
        for (id, adds) in [("a", 250), ("b", 40), ("c", -1)] {
            assert!(sum.reserve(Place { adds, ..place(id, 1) }) && sum.settle(id, id != "c", None));
        }
        assert_eq!((sum.confirmed, Tally::total_without(&sum, "")), (290, Some(290)));
        assert!(sum.reserve(Place { adds: i64::MAX, ..place("d", 1) }));
        assert_eq!((Tally::total_without(&sum, ""), Tally::total_without(&sum, "d")), (None, Some(290)));
    }

    #[test]
    fn a_count_holds_the_newest_and_more_of_them_than_a_policy_can_allow() {
        let mut rolling = Rolling::default();
        for n in 0..ROLLING_COUNTED {
            let (id, at) = (n.to_string(), i64::try_from(n).unwrap() + 10);
            assert!(rolling.reserve(place(&id, at)) && rolling.settle(&id, true, None));
        }
        assert!(rolling.reserve(place("more", 5_000)) && rolling.settle("more", true, None));
        assert_eq!(rolling.confirmed.len(), ROLLING_COUNTED);
        assert!(!rolling.confirmed.iter().any(|c| c.id == "0") && rolling.confirmed.iter().any(|c| c.id == "more"));
        let most = usize::try_from(rescind_policy::limits::ROLLING_COUNT).unwrap();
        assert!(
            most < ROLLING_COUNTED && u64::from(rescind_policy::limits::ROLLING_SECONDS) * 1_000 == ROLLING_KEPT.ms
        );
        let bytes = serde_json::to_vec(&rolling).unwrap().len();
        assert!(bytes < crate::limits::VALUE_BYTES / 2, "{bytes}");
    }
}
