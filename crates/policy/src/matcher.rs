//! Which sales a matcher matches, compared with which another does: all that can be said without a sale.

use crate::document::{Matcher, TimeBand};
use crate::scalar::TimeOfDay;

impl Matcher {
    /// Whether it says nothing, and so matches every sale.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every sale that `other` matches is matched by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let from = self.amount_from.is_none_or(|from| other.amount_from.is_some_and(|other| from <= other));
        let below = self.amount_below.is_none_or(|below| other.amount_below.is_some_and(|other| below >= other));
        let paid_from = self.paid_from.is_none_or(|from| other.paid_from.is_some_and(|other| from <= other));
        let paid_before = self.paid_before.is_none_or(|before| other.paid_before.is_some_and(|other| before >= other));
        let between = self.between.is_none_or(|band| other.between.is_some_and(|other| band.covers(other)));
        let lists = wider(&self.card_type, &other.card_type)
            && wider(&self.channel, &other.channel)
            && wider(&self.kind, &other.kind)
            && wider(&self.merchant, &other.merchant)
            && wider(&self.terminal_class, &other.terminal_class)
            && wider(&self.weekday, &other.weekday);
        from && below && paid_from && paid_before && between && lists
    }

    /// Matchers that together match what this and `other` both match. None if no sale can be matched by both; two if
    /// bands over midnight meet twice.
    #[must_use]
    pub fn and(&self, other: &Self) -> Vec<Self> {
        let lists = (|| {
            Some(Self {
                amount_below: least(self.amount_below, other.amount_below),
                amount_from: self.amount_from.max(other.amount_from),
                between: None,
                card_type: common(&self.card_type, &other.card_type)?,
                channel: common(&self.channel, &other.channel)?,
                kind: common(&self.kind, &other.kind)?,
                merchant: common(&self.merchant, &other.merchant)?,
                paid_before: least(self.paid_before, other.paid_before),
                paid_from: self.paid_from.max(other.paid_from),
                terminal_class: common(&self.terminal_class, &other.terminal_class)?,
                weekday: common(&self.weekday, &other.weekday)?,
            })
        })();
        let Some(both) = lists.filter(|both| !both.has_empty_range()) else { return Vec::new() };
        match (self.between, other.between) {
            (Some(a), Some(b)) => {
                a.and(b).into_iter().map(|band| Self { between: Some(band), ..both.clone() }).collect()
            }
            (a, b) => vec![Self { between: a.or(b), ..both }],
        }
    }

    /// Whether a range of amounts or days has nothing in it.
    #[must_use]
    pub fn has_empty_range(&self) -> bool {
        let amounts = self.amount_from.zip(self.amount_below).is_some_and(|(from, below)| from >= below);
        let days = self.paid_from.zip(self.paid_before).is_some_and(|(from, before)| from >= before);
        amounts || days || self.amount_below.is_some_and(|below| below.minor() == 0)
    }
}

impl TimeBand {
    /// Whether a time of day is within it.
    #[must_use]
    pub fn contains(self, at: TimeOfDay) -> bool {
        if self.from <= self.until { self.from <= at && at < self.until } else { at >= self.from || at < self.until }
    }

    /// Whether every time of day within `other` is within this.
    fn covers(self, other: Self) -> bool {
        // Where both begin, each is still whole: what leaves this one before it leaves `other` is not covered.
        let length =
            |from: TimeOfDay, until: TimeOfDay| until.minutes().saturating_sub(from.minutes()).rem_euclid(1440);
        let offset = length(self.from, other.from);
        offset.saturating_add(length(other.from, other.until)) <= length(self.from, self.until)
    }

    /// What is within both.
    fn and(self, other: Self) -> Vec<Self> {
        if self.covers(other) {
            return vec![other];
        }
        if other.covers(self) {
            return vec![self];
        }
        // Each common piece begins where one of them begins within the other, and ends where the first of them ends.
        let ends_first = |from: TimeOfDay, a: TimeOfDay, b: TimeOfDay| {
            let after = |until: TimeOfDay| until.minutes().saturating_sub(from.minutes()).rem_euclid(1440);
            if after(a) <= after(b) { a } else { b }
        };
        let mut pieces = Vec::new();
        for (one, two) in [(self, other), (other, self)] {
            if two.contains(one.from) && !pieces.iter().any(|piece: &Self| piece.from == one.from) {
                pieces.push(Self { from: one.from, until: ends_first(one.from, one.until, two.until) });
            }
        }
        pieces
    }
}

/// Whether a list matches whatever another does. An empty list matches everything.
fn wider<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|item| wide.contains(item)))
}

/// The items of both lists, an empty one being everything. None: nothing is in both.
fn common<T: Clone + PartialEq>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    if a.is_empty() || b.is_empty() {
        return Some(if a.is_empty() { b.to_vec() } else { a.to_vec() });
    }
    let both: Vec<T> = a.iter().filter(|item| b.contains(item)).cloned().collect();
    (!both.is_empty()).then_some(both)
}

/// The smaller, absent being without end.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: &str, until: &str) -> TimeBand {
        TimeBand { from: TimeOfDay::parse(from).unwrap(), until: TimeOfDay::parse(until).unwrap() }
    }

    #[test]
    fn bands_of_time_meet_as_their_minutes_do() {
        let times = ["00:00", "06:00", "09:30", "12:00", "22:00", "23:59"];
        let all: Vec<TimeBand> = times
            .iter()
            .flat_map(|from| times.iter().filter(move |until| *until != from).map(move |until| band(from, until)))
            .collect();
        let minutes: Vec<TimeOfDay> = (0..1440_i32)
            .step_by(7)
            .chain([359, 360, 569, 570, 719, 720, 1319, 1320, 1439])
            .map(|at| TimeOfDay::parse(&format!("{:02}:{:02}", at / 60, at % 60)).unwrap())
            .collect();
        for a in &all {
            for b in &all {
                let both = a.and(*b);
                for at in &minutes {
                    let once = both.iter().filter(|piece| piece.contains(*at)).count();
                    assert_eq!(once, usize::from(a.contains(*at) && b.contains(*at)), "{a:?} {b:?} {at}");
                }
                let covered = minutes.iter().all(|at| a.contains(*at) || !b.contains(*at));
                assert_eq!(a.covers(*b), covered, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_list_that_is_empty_matches_everything() {
        let kinds =
            |kinds: &[&str]| Matcher { kind: kinds.iter().map(|k| (*k).to_owned()).collect(), ..Matcher::default() };
        assert!(kinds(&[]).covers(&kinds(&["a"])) && !kinds(&["a"]).covers(&kinds(&[])));
        assert!(kinds(&["a", "b"]).covers(&kinds(&["b"])) && !kinds(&["b"]).covers(&kinds(&["a", "b"])));
        assert_eq!(kinds(&["a", "b"]).and(&kinds(&["b", "c"])), [kinds(&["b"])]);
        assert_eq!(kinds(&["a"]).and(&kinds(&[])), [kinds(&["a"])]);
        assert_eq!(kinds(&["a"]).and(&kinds(&["c"])), []);
    }
}
