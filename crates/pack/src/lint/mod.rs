//! What is written correctly and still cannot be meant: rules that never decide, windows that contradict each other, sales
//! that nobody can take back.
//!
//! Two ways to find it: reading what a document says ([`said`](self)), and asking the engine at every edge of the document.

mod said;
mod search;

use rescind_eligibility::Engine;
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It cannot be meant.
    Problem,
    /// It can be meant; somebody should look at it.
    Note,
}

/// Something a policy says that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lint {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code, such as `lint.no-remedy`.
    pub code: &'static str,
    /// Where, such as `refund.window`.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// A sale that shows it.
    pub example: Option<String>,
}

impl core::fmt::Display for Lint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let severity = if self.severity == Severity::Note { "note: " } else { "" };
        write!(f, "{severity}{}: {}: {}", self.code, self.place, self.message)?;
        self.example.as_ref().map_or(Ok(()), |example| write!(f, "\n    such as {example}"))
    }
}

/// A known-good, unrefunded sale inside its refund window that no way takes back, and no remedy is named.
pub const NO_REMEDY: &str = "lint.no-remedy";
/// A rule denies and nothing else can be done.
pub const DENY_WITHOUT_ALTERNATIVE: &str = "lint.deny-without-alternative";
/// Refunds end before voids do.
pub const REFUND_CLOSES_BEFORE_VOID: &str = "lint.refund-closes-before-void";
/// A rule that no sale reaches.
pub const NEVER_APPLIES: &str = "lint.never-applies";
/// Two times that cannot both be meant.
pub const WINDOW_CONTRADICTION: &str = "lint.window-contradiction";
/// A count without something that happens at its ceiling.
pub const COUNTER_WITHOUT_CEILING: &str = "lint.counter-without-ceiling";
/// Amounts that no tier is for.
pub const TIER_GAP: &str = "lint.tier-gap";
/// Amounts that two tiers are for.
pub const TIER_OVERLAP: &str = "lint.tier-overlap";
/// A tier for larger amounts that demands less.
pub const TIER_WEAKER_ABOVE: &str = "lint.tier-weaker-above";
/// Ceilings that contradict each other.
pub const CEILING_CONTRADICTION: &str = "lint.ceiling-contradiction";
/// The engine decides nothing about an ordinary sale.
pub const UNDECIDABLE: &str = "lint.undecidable";

/// Not everything was tried: the document has more edges than the search has time for.
pub const UNTRIED: &str = "lint.untried";

/// Every code, with what it finds.
pub const CODES: [(&str, &str); 12] = [
    (NO_REMEDY, "a known-good, unrefunded sale inside its refund window without any remedy"),
    (DENY_WITHOUT_ALTERNATIVE, "a rule that denies, where nothing else can be done"),
    (REFUND_CLOSES_BEFORE_VOID, "a refund window that closes before voids do"),
    (NEVER_APPLIES, "a rule that no sale reaches"),
    (WINDOW_CONTRADICTION, "times that cannot both be meant"),
    (COUNTER_WITHOUT_CEILING, "a count without anything that happens at its ceiling"),
    (TIER_GAP, "amounts that no approval tier is for"),
    (TIER_OVERLAP, "amounts that two approval tiers are for"),
    (TIER_WEAKER_ABOVE, "a tier for larger amounts that demands fewer persons"),
    (CEILING_CONTRADICTION, "ceilings that contradict each other"),
    (UNDECIDABLE, "an ordinary sale about which nothing is decided"),
    (UNTRIED, "sales that were not tried, since the search ends in some seconds"),
];

/// Everything about a policy that cannot be meant; problems first, each place once.
#[must_use]
pub fn lint(engine: &Engine) -> Vec<Lint> {
    lint_within(engine, search::QUESTIONS)
}

/// The same with so many questions at most.
#[must_use]
pub fn lint_within(engine: &Engine, questions: usize) -> Vec<Lint> {
    let mut found = said::lint(engine.document());
    found.extend(search::lint(engine, questions));
    found.sort();
    found.dedup_by(|a, b| a.code == b.code && a.place == b.place && a.message == b.message);
    found
}
