//! What goes wrong, and where.

use crate::point::Part;
use crate::sim::{Death, MACHINES};
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
    /// This machine and the store do not hear each other for so many ms: whatever it asks for fails, before its effect or after.
    Parted(i64),
}

impl Fault {
    /// Its name in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::FailsBefore => "fails-before",
            Self::FailsAfter => "fails-after",
            Self::SaysDone => "says-done",
            Self::SaysRefused => "says-refused",
            Self::Slow(_) => "slow",
            Self::Restart => "restart",
            Self::ClockStep(_) => "clock-step",
            Self::AnswerLost => "answer-lost",
            Self::Parted(_) => "parted",
        }
    }

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

/// What a fault is aimed at, wherever in the run that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// A write of a kind.
    Part(Part),
    /// The next that somebody does who is at this, and has got so far: an operation of the store, or a call of the provider.
    Cell(Death),
    /// A call of the provider by somebody who is at this.
    Call(&'static str),
    /// The first look of a courier's turn at the spans of time in which something is due. Most turns have been through their
    /// lanes by then.
    Spans,
}

/// A fault that strikes at the n-th of what it is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aimed {
    /// What it is aimed at.
    pub aim: Aim,
    /// At which of these, from 1.
    pub nth: u64,
    /// What befalls it.
    pub fault: Fault,
}

/// A time in which what one actor sends fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOff {
    /// The actor.
    pub lane: usize,
    /// From when on, in ms from the beginning of the run.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// Whether requests still arrive, and only answers do not.
    pub arrives: bool,
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
    /// It is not reached from now on, for so many ms.
    Silent(i64),
}

/// Faults by the number of the operation they befall, counted over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Of the store.
    pub store: BTreeMap<u64, Fault>,
    /// Of the store, by who does what.
    pub aimed: Vec<Aimed>,
    /// Of the lines between actors and gateways.
    pub cut_off: Vec<CutOff>,
    /// Of the provider.
    pub provider: BTreeMap<u64, ProviderFault>,
    /// By how many ms each machine's clock is wrong, if that is planned; otherwise it is drawn.
    pub clocks: Option<[i64; MACHINES]>,
}

impl Faults {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let store = self.store.len().saturating_add(self.aimed.len());
        store.saturating_add(self.cut_off.len()).saturating_add(self.provider.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
