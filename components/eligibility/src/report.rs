//! What the rules say about one way, collected.

use crate::business_day::Clock;
#[cfg(not(target_arch = "wasm32"))]
use crate::explain::Considered;
use crate::place::Place;
#[cfg(not(target_arch = "wasm32"))]
use crate::place::Section;
use crate::variant::Held;
use rescind_model::{DecisionError, Duration, Finding, Instant, Outcome, Remedy, Value};
use rescind_policy::document::Permission;

/// What stops a rule from standing in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Time alone: from this instant on it does not.
    At(Instant),
    /// Something else.
    Changed,
}

/// How a rule stands in the way: what it alone answers, and until when. `None`: it does not.
pub(crate) type Stands = Option<(Outcome, Until)>;

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

/// A clock that may be off, and the limit in time that it may be on the wrong side of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drift {
    now: Instant,
    bound: Duration,
    near: Option<Instant>,
}

impl Drift {
    /// A clock that shows `now` and is off by `bound` at most, either way.
    pub(crate) fn new(now: Instant, bound: Duration) -> Self {
        Self { now, bound, near: None }
    }

    /// Whether it is before or after this instant cannot be said: the true time is within `[now - bound, now + bound]`.
    fn reaches(&self, at: Instant) -> bool {
        at.unix_ms > self.earliest_ms() && at.unix_ms <= self.now.unix_ms.saturating_add(self.bound_ms())
    }

    /// The earliest that it can be.
    fn earliest_ms(&self) -> i64 {
        self.now.unix_ms.saturating_sub(self.bound_ms())
    }

    /// How far it may be off.
    pub(crate) fn bound_ms(&self) -> i64 {
        i64::try_from(self.bound.ms).unwrap_or(i64::MAX)
    }
}

/// Every rule that was asked, with the section it was asked of.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub(crate) struct Trace {
    section: Section,
    considered: Vec<Considered>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Trace {
    #[cold]
    #[inline(never)]
    fn records(&mut self, rule: &'static str, place: Place<'_>, stands: bool, saw: impl FnOnce() -> (Value, Value)) {
        let (observed, limit) = saw();
        let place = self.section.text(place);
        let verdict = Outcome::Allow;
        self.considered.push(Considered { rule, place, verdict, stands, observed, limit, remedy: None });
    }
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
    /// How far the clock may be off. `None`: it is the server's.
    drift: Option<Drift>,
    #[cfg(not(target_arch = "wasm32"))]
    trace: Option<Box<Trace>>,
}

impl Report {
    /// Collects findings.
    pub(crate) fn with_findings(drift: Option<Drift>) -> Self {
        Self::new(Detail::Findings, drift)
    }

    /// Collects only whether the way is open: nothing is allocated.
    pub(crate) fn sum_only(drift: Option<Drift>) -> Self {
        Self::new(Detail::Sum, drift)
    }

    /// Collects findings, and every rule that was asked.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn with_trace(drift: Option<Drift>) -> Self {
        Self { trace: Some(Box::default()), ..Self::with_findings(drift) }
    }

    fn new(detail: Detail, drift: Option<Drift>) -> Self {
        Self {
            detail,
            findings: Vec::new(),
            outcome: Outcome::Allow,
            clears_at: None,
            needs_change: false,
            ends_at: None,
            drift,
            #[cfg(not(target_arch = "wasm32"))]
            trace: None,
        }
    }

    /// Asks a rule: whether it stands in the way, what it saw (observed, limit), and what to do about it. What it saw is
    /// written out only if somebody will read it.
    // Most rules of most questions do not stand in the way: that has to cost a comparison, and not a call.
    #[inline(always)]
    pub(crate) fn asks(
        &mut self,
        rule: &'static str,
        place: Place<'_>,
        stands: Stands,
        saw: impl FnOnce() -> (Value, Value),
        remedy: impl FnOnce() -> Remedy,
    ) {
        match stands {
            None => self.records(rule, place, false, saw),
            Some((verdict, until)) => self.stands(rule, place, verdict, until, saw, remedy),
        }
    }

    #[inline(never)]
    fn stands(
        &mut self,
        rule: &'static str,
        place: Place<'_>,
        verdict: Outcome,
        until: Until,
        saw: impl FnOnce() -> (Value, Value),
        remedy: impl FnOnce() -> Remedy,
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
            let (observed, limit) = saw();
            let finding = Finding { rule: rule.to_owned(), verdict, observed, limit, remedy: remedy() };
            self.finds(rule, place, finding);
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn finds(&mut self, _: &'static str, _: Place<'_>, finding: Finding) {
        self.findings.push(finding);
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn finds(&mut self, rule: &'static str, place: Place<'_>, finding: Finding) {
        self.considers(rule, place, &finding);
        self.findings.push(finding);
    }

    /// A rule on what comes with the operation was asked: it never stands in the way.
    #[inline(always)]
    pub(crate) fn comes_with(
        &mut self,
        rule: &'static str,
        place: Place<'_>,
        applies: bool,
        saw: impl FnOnce() -> (Value, Value),
    ) {
        self.records(rule, place, applies, saw);
    }

    /// Other rules held until an instant, and will from another on.
    fn changes(&mut self, changed_at: Option<Instant>, changes_at: Option<Instant>) {
        if let Some(at) = changed_at {
            self.edge(at);
        }
        if let Some(at) = changes_at {
            self.ends(at);
        }
    }

    /// The rules of a way that hold are these: their end is an end of the way, and places are named by them.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn holds<R: serde::Serialize, M>(&mut self, section: &'static str, held: Option<&Held<'_, R, M>>) {
        self.changes(held.and_then(|held| held.changed_at), held.and_then(|held| held.changes_at));
        let Some(trace) = &mut self.trace else { return };
        trace.section = Section::new(section, held.and_then(|held| held.base), held.and_then(Held::variant));
        for (place, applies) in held.map(|held| held.asked(section)).into_iter().flatten() {
            trace.considered.push(Considered {
                rule: crate::rule::POLICY_VARIANT,
                place,
                verdict: Outcome::Allow,
                stands: applies,
                observed: Value::Absent,
                limit: Value::Absent,
                remedy: None,
            });
        }
    }

    /// The rules of a way that hold are these: their end is an end of the way.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn holds<R, M>(&mut self, _: &'static str, held: Option<&Held<'_, R, M>>) {
        self.changes(held.and_then(|held| held.changed_at), held.and_then(|held| held.changes_at));
    }

    #[cfg(target_arch = "wasm32")]
    #[inline]
    fn records(&mut self, _: &'static str, _: Place<'_>, _: bool, _: impl FnOnce() -> (Value, Value)) {}

    /// Records a rule that does not stand in the way.
    #[cfg(not(target_arch = "wasm32"))]
    #[inline(always)]
    fn records(&mut self, rule: &'static str, place: Place<'_>, stands: bool, saw: impl FnOnce() -> (Value, Value)) {
        if let Some(trace) = &mut self.trace {
            trace.records(rule, place, stands, saw);
        }
    }

    /// Records a rule that stands in the way.
    #[cfg(not(target_arch = "wasm32"))]
    fn considers(&mut self, rule: &'static str, place: Place<'_>, finding: &Finding) {
        let Some(trace) = &mut self.trace else { return };
        trace.considered.push(Considered {
            rule,
            place: trace.section.text(place),
            verdict: finding.verdict,
            stands: true,
            observed: finding.observed.clone(),
            limit: finding.limit.clone(),
            remedy: Some(finding.remedy.clone()),
        });
    }

    /// Something is decided by what was counted in the business day: a clock that may be off does not know which that is.
    ///
    /// # Errors
    /// The day is outside 1970 to 9999.
    pub(crate) fn business_day_edge(&mut self, clock: Clock) -> Result<(), DecisionError> {
        let Some(drift) = self.drift else { return Ok(()) };
        // The first cut-off that may still be to come.
        let earliest = Instant { unix_ms: drift.earliest_ms().max(0) };
        self.edge(clock.end_of_business_day(clock.business_day_of(earliest)?)?);
        Ok(())
    }

    /// Something is decided by whether this instant has come.
    pub(crate) fn edge(&mut self, at: Instant) {
        if let Some(drift) = self.drift.as_mut().filter(|drift| drift.near.is_none() && drift.reaches(at)) {
            drift.near = Some(at);
        }
    }

    /// A limit in time, the first there was, of which the clock cannot say whether it has passed.
    pub(crate) fn near_edge(&self) -> Option<Instant> {
        self.drift.and_then(|drift| drift.near)
    }

    /// A rule ends the way at an instant (the first at which it is over).
    pub(crate) fn ends(&mut self, at: Instant) {
        self.edge(at);
        self.ends_surely(at);
    }

    /// The same for an end that was put early enough for any clock that may be used.
    pub(crate) fn ends_surely(&mut self, at: Instant) {
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

    /// Takes back the advice of every finding but those of one rule.
    pub(crate) fn gives_no_advice_but_on(&mut self, rule: &'static str) {
        for finding in self.findings.iter_mut().filter(|finding| finding.rule != rule) {
            finding.remedy = Remedy::None;
        }
        #[cfg(not(target_arch = "wasm32"))]
        for considered in self.trace.iter_mut().flat_map(|trace| &mut trace.considered) {
            if considered.rule != rule && considered.remedy.is_some() {
                considered.remedy = Some(Remedy::None);
            }
        }
    }

    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        core::mem::take(&mut self.findings)
    }

    /// The name of the variant that held, and every rule that was asked.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn into_trace(self) -> (Option<String>, Vec<Considered>) {
        let Some(trace) = self.trace else { return (None, Vec::new()) };
        (trace.section.variant().map(str::to_owned), trace.considered)
    }
}

/// Denies if so, until something changes.
pub(crate) fn denies(so: bool) -> Stands {
    so.then_some((Outcome::Deny, Until::Changed))
}

/// Denies if so, until an instant.
pub(crate) fn denies_until(so: bool, at: Instant) -> Stands {
    so.then_some((Outcome::Deny, Until::At(at)))
}

/// Answers what a permission says if so, until something changes.
pub(crate) fn answers(permission: Permission, so: bool) -> Stands {
    verdict(permission).filter(|_| so).map(|verdict| (verdict, Until::Changed))
}

/// What a permission that is not `allow` answers. `None`: it does not stand in the way.
pub(crate) fn verdict(permission: Permission) -> Option<Outcome> {
    match permission {
        Permission::Allow => None,
        Permission::Refer => Some(Outcome::Refer),
        Permission::Deny => Some(Outcome::Deny),
    }
}

/// What a way that is closed, or a ceiling, answers: never allow.
pub(crate) fn refusal(permission: Option<Permission>) -> Outcome {
    permission.and_then(verdict).unwrap_or(Outcome::Deny)
}
