//! What the rules say about one way, collected.

use rescind_model::{Finding, Instant, Outcome, Remedy, Value};
use rescind_policy::document::Permission;

/// What stops a rule from standing in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Time alone: from this instant on it does not.
    At(Instant),
    /// Something else.
    Changed,
}

/// Whether a way is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    /// Now, at least by referral.
    Open(Outcome),
    /// From this instant on, at least by referral: time alone stands in the way.
    From(Instant),
    /// No.
    Closed,
}

/// Whether findings are written out, or only their sum is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Findings,
    Sum,
}

/// The rules that stand in the way, and the times between which the way is open.
#[derive(Debug)]
pub(crate) struct Report {
    detail: Detail,
    findings: Vec<Finding>,
    outcome: Outcome,
    /// The latest instant at which something that denies stops doing so by time.
    clears_at: Option<Instant>,
    /// Whether something denies that time does not remove.
    needs_change: bool,
    /// The earliest end of all time rules.
    ends_at: Option<Instant>,
}

impl Report {
    /// Collects findings.
    pub(crate) fn with_findings() -> Self {
        Self::new(Detail::Findings)
    }

    /// Collects only whether the way is open: nothing is allocated.
    pub(crate) fn sum_only() -> Self {
        Self::new(Detail::Sum)
    }

    fn new(detail: Detail) -> Self {
        Self {
            detail,
            findings: Vec::new(),
            outcome: Outcome::Allow,
            clears_at: None,
            needs_change: false,
            ends_at: None,
        }
    }

    /// A rule stands in the way. What it saw (observed, limit, remedy) is written out only if findings are asked for.
    pub(crate) fn stands(
        &mut self,
        rule: &'static str,
        verdict: Outcome,
        until: Until,
        saw: impl FnOnce() -> (Value, Value, Remedy),
    ) {
        if verdict == Outcome::Deny || self.outcome == Outcome::Allow {
            self.outcome = verdict;
        }
        // What is referred can be done by referral already.
        match until {
            _ if verdict != Outcome::Deny => {}
            Until::At(at) => self.clears_at = self.clears_at.max(Some(at)),
            Until::Changed => self.needs_change = true,
        }
        if self.detail == Detail::Findings {
            let (observed, limit, remedy) = saw();
            self.findings.push(Finding { rule: rule.to_owned(), verdict, observed, limit, remedy });
        }
    }

    /// A rule ends the way at an instant (the first at which it is over).
    pub(crate) fn ends(&mut self, at: Instant) {
        self.ends_at = Some(self.ends_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// The answer: deny if any rule denies, else refer if any refers, else allow.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// From when on it is open, at least by referral, if time alone denies it and some time is left then.
    pub(crate) fn opens_at(&self) -> Option<Instant> {
        self.clears_at.filter(|at| !self.needs_change && self.ends_at.is_none_or(|end| *at < end))
    }

    /// Until when it is open, if it is or will be.
    pub(crate) fn open_until(&self) -> Option<Instant> {
        self.ends_at.filter(|_| self.outcome != Outcome::Deny || self.opens_at().is_some())
    }

    pub(crate) fn openness(&self) -> Openness {
        match (self.outcome, self.opens_at()) {
            (Outcome::Deny, Some(at)) => Openness::From(at),
            (Outcome::Deny, None) => Openness::Closed,
            (outcome, _) => Openness::Open(outcome),
        }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// What a permission that is not `allow` answers. `None`: it does not stand in the way.
pub(crate) fn verdict(permission: Permission) -> Option<Outcome> {
    match permission {
        Permission::Allow => None,
        Permission::Refer => Some(Outcome::Refer),
        Permission::Deny => Some(Outcome::Deny),
    }
}
