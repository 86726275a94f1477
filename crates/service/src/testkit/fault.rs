//! What backends do wrong, always: one rule for each, shared by the store of the tests and that of the simulation.

use crate::ports::Swap;

/// How a backend misbehaves, always (`docs/storage.md`). Where Spin is named: read in its sources at 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Not at all: the embedded store.
    None,
    /// A swap over nothing writes whatever is there by now, and an increment of what is no number ends the store: Spin's
    /// SQLite.
    UpsertOverNothing,
    /// Every swap says it failed, whether it wrote or not: Spin's Redis.
    SaysRefused,
    /// Every swap says it wrote, whether it did or not: Spin's Redis once its `UNWATCH` is mended and nothing else. The
    /// transaction's empty answer is then taken for a good one.
    SaysSwapped,
    /// A swap compares a version that begins anew when a value is removed, and that `set` forgets: `DynamoDB`.
    VersionBeginsAnew,
    /// Two increments can be told the same number: Cosmos.
    ToldTwice,
    /// A swap over nothing writes whatever is there, and counters are texts: no backend that is known, but neither way of
    /// creation is sound on it.
    NoCreation,
    /// No compare-and-swap and no counter: Akamai Functions.
    NoAtomics,
}

/// What a swap goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compares {
    /// Whether the value is the one that was seen.
    Value,
    /// Whether anything was written since.
    Touch,
    /// Whether a number beside the value is the one that was seen.
    Version,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::UpsertOverNothing,
        Self::SaysRefused,
        Self::SaysSwapped,
        Self::VersionBeginsAnew,
        Self::ToldTwice,
        Self::NoCreation,
        Self::NoAtomics,
    ];

    /// Whether a swap over nothing writes whatever is there by then.
    #[must_use]
    pub const fn upserts(self) -> bool {
        matches!(self, Self::UpsertOverNothing | Self::NoCreation)
    }

    /// What is said of a swap.
    #[must_use]
    pub const fn says(self, wrote: bool) -> Swap {
        match self {
            Self::SaysRefused => Swap::Refused,
            Self::SaysSwapped => Swap::Swapped,
            _ if wrote => Swap::Swapped,
            _ => Swap::Refused,
        }
    }

    /// Whether an increment of what is no number ends the store, until it is started again.
    #[must_use]
    pub const fn ends_by_counting(self) -> bool {
        matches!(self, Self::UpsertOverNothing)
    }

    /// Whether there is a compare-and-swap and a counter.
    #[must_use]
    pub const fn has_atomics(self) -> bool {
        !matches!(self, Self::NoAtomics)
    }

    pub(super) const fn compares(self) -> Compares {
        match self {
            // Redis watches a key, Cosmos compares etags.
            Self::SaysRefused | Self::SaysSwapped | Self::ToldTwice => Compares::Touch,
            Self::VersionBeginsAnew => Compares::Version,
            Self::None | Self::UpsertOverNothing | Self::NoCreation | Self::NoAtomics => Compares::Value,
        }
    }

    /// A stored counter as a number, `None` if it is none.
    #[must_use]
    pub fn number(self, stored: &[u8]) -> Option<i64> {
        if self.counts_in_bytes() {
            stored.try_into().ok().map(i64::from_le_bytes)
        } else {
            core::str::from_utf8(stored).ok()?.parse().ok()
        }
    }

    /// A number as a stored counter.
    #[must_use]
    pub fn counter(self, number: i64) -> Vec<u8> {
        if self.counts_in_bytes() { number.to_le_bytes().to_vec() } else { number.to_string().into_bytes() }
    }

    const fn counts_in_bytes(self) -> bool {
        matches!(self, Self::None | Self::UpsertOverNothing)
    }
}
