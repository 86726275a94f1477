//! What goes wrong, and where.

use std::collections::BTreeMap;

/// What befalls one operation of the store, or whoever asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The machine that asked dies for this request before the store does anything.
    CrashBefore,
    /// It dies after the store did what it was asked, before it hears of it.
    CrashAfter,
    /// The operation fails and has done nothing.
    FailsBefore,
    /// The operation has done its work, and its answer is lost.
    FailsAfter,
    /// A write says that it took place, and did not.
    SaysDone,
    /// A swap says that it did not write, and did.
    SaysRefused,
    /// The operation takes this many ms; everybody else goes on.
    Slow(i64),
    /// Every request on this machine dies.
    Restart,
    /// The clock of this machine steps by so many ms, and stays so.
    ClockStep(i64),
    /// The answer to this request is not delivered; the work is done to its end.
    AnswerLost,
}

impl Fault {
    /// Whether somebody dies between two steps.
    #[must_use]
    pub const fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::Restart)
    }

    /// Whether the answer to a write is the opposite of what was done.
    #[must_use]
    pub const fn is_lie(self) -> bool {
        matches!(self, Self::SaysDone | Self::SaysRefused | Self::FailsAfter)
    }
}

/// What befalls one call of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderFault {
    /// It was never reached.
    NotReached,
    /// It did what it was told, and its answer was lost.
    AnswerLost,
    /// It answers 500 and does nothing.
    ServerError,
    /// It accepts, and does it so many ms later.
    Late(i64),
    /// It refuses for good.
    Declines,
    /// It did it and says 94, duplicate transmission.
    SaysDuplicate,
    /// It takes this many ms to answer.
    Slow(i64),
}

/// Faults by the number of the operation they befall, counted over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Of the store.
    pub store: BTreeMap<u64, Fault>,
    /// Of the provider.
    pub provider: BTreeMap<u64, ProviderFault>,
}

impl Faults {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len().saturating_add(self.provider.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.store.is_empty() && self.provider.is_empty()
    }
}
