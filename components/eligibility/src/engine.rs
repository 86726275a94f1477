//! A policy, loaded once and asked often.

use crate::business_day::{Clock, checked, date};
use crate::variant::{Asking, is_timed, matches};
use crate::{fee, tier};
use rescind_model::{
    ApprovalPlan, BusinessDay, DecisionError, Duration, Instant, LoadError, Money, Needs, Period, PolicyIdentity, Role,
    Sale, TallyNeed, Terms, Way,
};
use rescind_policy::document::{
    ChargeRule, CodeRules, CountLimit, Document, HoldRules, RefundRules, ReversalRules, TierBasis, Variant, VoidRules,
};
use rescind_policy::scalar::{Date, Span};
use rescind_policy::{LoadError as PolicyLoadError, Policy, WorkingDays};

/// When the outcome of a reversal is asked for if the policy has no schedule, in seconds: `UnionPay`'s.
const QUERY_SECONDS: [u32; 6] = [1, 2, 4, 8, 16, 32];

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// What is made ready of a section and of each of its variants.
#[derive(Debug, Clone)]
pub(crate) struct Prepared<M> {
    /// Of the section itself, if there is one.
    pub(crate) base: Option<M>,
    /// Of its variants, in order.
    pub(crate) variants: Vec<M>,
    /// Whether time of day or weekday chooses among them.
    pub(crate) timed: bool,
}

impl<M> Prepared<M> {
    fn of<R>(base: Option<&R>, variants: &[Variant<R>], make: impl Fn(&R) -> M) -> Self {
        Self {
            base: base.map(&make),
            variants: variants.iter().map(|variant| make(&variant.rules)).collect(),
            timed: variants.iter().any(|variant| is_timed(&variant.matches)),
        }
    }
}

/// Texts of a void's rules.
#[derive(Debug, Clone)]
pub(crate) struct VoidReady {
    /// The reasons as one text.
    pub(crate) reasons: String,
    /// The roles of its operator as one text.
    pub(crate) operator_roles: String,
}

/// What is made ready of a refund's rules.
#[derive(Debug, Clone)]
pub(crate) struct RefundReady {
    /// What each approval tier demands.
    pub(crate) plans: Vec<ApprovalPlan>,
    /// The reasons as one text.
    pub(crate) reasons: String,
}

/// When the outcome of an operation is asked for.
#[derive(Debug, Clone)]
pub(crate) struct QueriesReady {
    /// One wait after another.
    pub(crate) queries: Vec<Duration>,
}

impl QueriesReady {
    fn of(spans: &[Span]) -> Self {
        Self { queries: spans.iter().map(|span| span.duration()).collect() }
    }
}

/// When a policy is in force: `[from, until)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InForce {
    /// The first instant.
    pub(crate) from: Option<Instant>,
    /// The first after it.
    pub(crate) until: Option<Instant>,
}

/// Decides by one policy. Everything that does not depend on the question was made ready when it was loaded.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    pub(crate) clock: Clock,
    /// How far local time is ahead of UTC.
    pub(crate) offset_ms: i64,
    /// Absent: always.
    pub(crate) in_force: Option<InForce>,
    /// Which days are worked.
    pub(crate) working_days: WorkingDays,
    pub(crate) void: Prepared<VoidReady>,
    pub(crate) refund: Prepared<RefundReady>,
    pub(crate) reversal: Prepared<QueriesReady>,
    pub(crate) code: Prepared<QueriesReady>,
    pub(crate) hold: Prepared<QueriesReady>,
    /// The roles that may carry out a legal order as one text.
    pub(crate) legal_roles: String,
    /// When the outcome of a reversal is asked for if the policy has no word on reversals.
    pub(crate) usual_queries: Vec<Duration>,
}

impl Engine {
    /// Loads a compiled policy.
    ///
    /// # Errors
    /// With a stable code and what was expected and found: see [`rescind_policy::LoadError`].
    pub fn load(document: &[u8]) -> Result<Self, LoadError> {
        let policy = Policy::from_canonical(document).map_err(refused)?;
        Ok(Self::new(policy))
    }

    /// Decides by a policy that was already checked.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let document = policy.document();
        let when = &document.when;
        let offset_ms = i64::from(document.time_zone.minutes()).saturating_mul(MINUTE_MS);
        let begins = |day: Option<Date>| day.map(|day| begin_of(day, offset_ms));
        Self {
            clock: document.clock(),
            offset_ms,
            in_force: document.effective.map(|days| InForce { from: begins(days.from), until: begins(days.until) }),
            working_days: document.working_days(),
            void: Prepared::of(document.void.as_ref(), &when.void, |rules: &VoidRules| VoidReady {
                reasons: rules.reasons.join("|"),
                operator_roles: joined(&rules.operator_roles),
            }),
            refund: Prepared::of(document.refund.as_ref(), &when.refund, |rules: &RefundRules| RefundReady {
                plans: tier::plans(rules),
                reasons: rules.reasons.join("|"),
            }),
            reversal: Prepared::of(document.reversal.as_ref(), &when.reversal, |rules: &ReversalRules| {
                QueriesReady::of(&rules.queries)
            }),
            code: Prepared::of(document.code.as_ref(), &when.code, |rules: &CodeRules| {
                QueriesReady::of(&rules.queries)
            }),
            hold: Prepared::of(document.hold.as_ref(), &when.hold, |rules: &HoldRules| {
                QueriesReady::of(&rules.queries)
            }),
            legal_roles: document.legal.as_ref().map(|rules| joined(&rules.roles)).unwrap_or_default(),
            usual_queries: QUERY_SECONDS.map(Duration::seconds).to_vec(),
            policy,
        }
    }

    /// The policy's name, version and content hash.
    #[must_use]
    pub fn identity(&self) -> &PolicyIdentity {
        self.policy.identity()
    }

    /// Which counts the host has to gather before it asks: all that any variant of any way holds against a limit.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut tallies: Vec<TallyNeed> = Vec::new();
        let voids = self.voids().flat_map(|rules| rules.count.iter().map(|limit| need(Way::Void, limit)));
        let refunds = self.refunds().flat_map(|rules| rules.count.iter().map(|limit| need(Way::Refund, limit)));
        for need in voids.chain(refunds) {
            if !tallies.contains(&need) {
                tallies.push(need);
            }
        }
        let requested_today = self.refunds().any(|rules| rules.tiers_by.contains(&TierBasis::RequesterDay));
        Needs { tallies, requested_today }
    }

    /// How long things live under this policy, and who may do what is rare.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let document = self.document();
        let mut terms = document.terms();
        // What a section has switched off a variant can have.
        if let (None, Some(base)) = (terms.code_lives, &document.code) {
            let lives = document.when.code.iter().any(|variant| variant.rules.enabled);
            terms.code_lives = lives.then(|| base.time_to_live.duration());
        }
        if let (None, Some(base)) = (terms.hold_lives, &document.hold) {
            let lives = document.when.hold.iter().any(|variant| variant.rules.enabled);
            terms.hold_lives = lives.then(|| base.validity.duration());
            terms.hold_ceiling_percent = lives.then_some(base.ceiling_percent);
        }
        terms
    }

    /// The acquiring fee that the policy's schedule of charges has for a sale, if it has one for it. What is said of the
    /// time of asking is held against the time of the payment; no charge for a class of terminals matches.
    ///
    /// # Errors
    /// An amount of another currency or out of range, or a time out of range.
    pub fn acquiring_fee(&self, sale: &Sale) -> Result<Option<Money>, DecisionError> {
        let captured = self.minor("sale.captured", &sale.captured)?;
        let Some(charge) = self.charge(sale)? else { return Ok(None) };
        let minor = fee::charged(&charge.fee, captured)?.minor;
        Ok(Some(Money { minor, currency: sale.captured.currency.clone() }))
    }

    /// The first charge that matches a sale.
    pub(crate) fn charge(&self, sale: &Sale) -> Result<Option<&ChargeRule>, DecisionError> {
        let now = checked(sale.paid_at)?;
        date(sale.business_day)?;
        let asking = Asking { sale, now, offset_ms: self.offset_ms, terminal_class: None, drift_ms: None };
        let applies = |charge: &&ChargeRule| charge.matches.as_ref().is_none_or(|matcher| matches(matcher, &asking));
        Ok(self.document().charge.iter().find(applies))
    }

    /// The business day an instant belongs to under this policy's time zone and cut-off.
    ///
    /// # Errors
    /// [`DecisionError::BadTime`].
    pub fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.clock.business_day_of(at)
    }

    /// What the policy says.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.policy.document()
    }

    /// The rules of voids: the section's and every variant's.
    fn voids(&self) -> impl Iterator<Item = &VoidRules> {
        let document = self.document();
        document.void.iter().chain(document.when.void.iter().map(|variant| &variant.rules))
    }

    /// The rules of refunds: the section's and every variant's.
    fn refunds(&self) -> impl Iterator<Item = &RefundRules> {
        let document = self.document();
        document.refund.iter().chain(document.when.refund.iter().map(|variant| &variant.rules))
    }
}

/// The first instant of a local calendar day.
pub(crate) fn begin_of(day: Date, offset_ms: i64) -> Instant {
    let local_ms = i64::from(day.day().to_epoch_days()).saturating_mul(DAY_MS);
    Instant { unix_ms: local_ms.saturating_sub(offset_ms) }
}

/// Roles as one text.
pub(crate) fn joined(roles: &[Role]) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    roles.join("|")
}

/// What a limit counts.
pub(crate) fn need(way: Way, limit: &CountLimit) -> TallyNeed {
    let period = limit.within.map_or(Period::BusinessDay, |within| Period::Rolling(within.duration()));
    TallyNeed { way, counted: limit.counted, period }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn refused(error: PolicyLoadError) -> LoadError {
    LoadError { code: error.code().to_owned(), message: error.to_string() }
}
