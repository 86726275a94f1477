//! How a candidate would have decided: it decides again what was recorded, from the very input of each decision, and what it
//! says otherwise is counted and listed.
//!
//! Nothing of this happens while somebody waits for a decision. A candidate costs such a request no write at all, and a
//! candidate that errs, or ends the instance it runs in, ends the request of whoever asked for the comparison. All that a
//! decision notices of it is that a count which the candidate's policy needs is gathered besides (a read each) where the policy
//! in force keeps it already: the same operations of the same, within another span. A count that no policy in force keeps is
//! not kept for a candidate either. To find nothing of it would be to compare with a candidate under which nobody ever did
//! anything; so it is left out, and such a decision is *not comparable*: neither equal nor different.
//!
//! A comparison is a running sum over the lists of a merchant's decisions: counts and the places up to which they go are one
//! record, so each decision is counted exactly once, the equal ones too. It follows when somebody asks, a bounded part at a
//! time, and says whether it is complete. What was not recorded (checks of a merchant whose `record_checks` is off) is not
//! compared. Where the candidate's business day is another one than that of the policy in force, the candidate is given its
//! own day with the counts of the other.

use crate::activation::Candidate;
use crate::app::App;
use crate::decision::Kept;
use crate::directory::Merchant;
use crate::error::Error;
use crate::limits::{
    LANES, LIST_LIMIT, SHADOW_DAYS, SHADOW_DECISIONS, SHADOW_DIFFERENCES, SHADOW_KINDS, SHADOW_MERCHANTS,
    SWAP_ATTEMPTS, TICK_BUDGET,
};
use crate::ports::{Policy, Ports};
use crate::principal::Principal;
use crate::store::key::Key;
use crate::store::list::Position;
use crate::store::{Commit, Record};
use rescind_model::record::{Answer, Question};
use rescind_model::token::Token as _;
use rescind_model::{BusinessDay, Decision, DecisionError, Digest, Duration, Facts, Instant, MerchantId, SaleId, Way};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A day in ms.
const DAY: Duration = Duration { ms: 86_400_000 };

/// What stands where a candidate gave no answer.
const ERROR: &str = "error";

/// What stands where a candidate could give none, for want of a count that the policy in force does not keep.
pub const NOT_COMPARABLE: &str = "not-comparable";

/// Whether a fact that is missing is a count: what was done before, which only whoever keeps it knows.
fn is_count(fact: &str) -> bool {
    fact.starts_with("tallies.") || fact == "requested-today"
}

/// What stands for the rule where outcome and findings are the same, and what is demanded is not.
const TERMS: &str = "terms";

/// What stands for the rule of all kinds beyond those that are counted apart.
const OTHERS: &str = "others";

/// A kind of difference, and how often it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The way.
    pub way: Way,
    /// What the policy in force answered: `allow`, `refer`, `deny`.
    pub from: String,
    /// What the candidate answers: one of these, or `error`; [`NOT_COMPARABLE`] where it would need a count that is not kept.
    pub to: String,
    /// The first rule that makes the difference; `terms` where only what is demanded differs; the count that is not kept.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// One decision that a candidate would have made otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The record of the decision.
    pub decision: String,
    /// Whose.
    pub merchant: MerchantId,
    /// The sale.
    pub sale: SaleId,
    /// When it was decided.
    pub at: Instant,
    /// As [`Kind::way`].
    pub way: Way,
    /// As [`Kind::from`].
    pub from: String,
    /// As [`Kind::to`].
    pub to: String,
    /// As [`Kind::rule`].
    pub rule: String,
}

/// What a candidate would have decided at one merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Comparison {
    candidate: Digest,
    since: Instant,
    /// The first day whose lists may still grow.
    open_from: BusinessDay,
    /// The place in each lane, for the days from then on.
    places: BTreeMap<BusinessDay, Vec<Position>>,
    equal: u64,
    kinds: Vec<Kind>,
    differences: Vec<Difference>,
    mark: String,
}

impl Record for Comparison {
    const FORMAT: &'static str = "shadow/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// What a candidate would have decided so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowReport {
    /// The candidate.
    pub candidate: Candidate,
    /// Whether every decision since is in it. Otherwise ask again.
    pub complete: bool,
    /// Decisions that are the same.
    pub equal: u64,
    /// All others, by kind, the most frequent first.
    pub kinds: Vec<Kind>,
    /// The newest of them, newest first.
    pub differences: Vec<Difference>,
}

fn date_of(at: Instant) -> Result<BusinessDay, Error> {
    let date = at.to_utc().map_err(|e| Error::Internal(e.to_string()))?.date_naive();
    BusinessDay::from_date(date).map_err(|e| Error::Internal(e.to_string()))
}

fn days(at: Instant, days: i64) -> Instant {
    let by = i64::try_from(DAY.ms).unwrap_or_default().saturating_mul(days);
    Instant { unix_ms: at.unix_ms.saturating_add(by) }
}

/// Asks a policy what another was asked.
fn decide(policy: &impl Policy, facts: &Facts, question: &Question) -> Result<Decision, DecisionError> {
    match question {
        Question::Void(question) => policy.decide_void(facts, question),
        Question::Refund(question) => policy.decide_refund(facts, question),
        Question::Operation(question) => policy.decide_operation(facts, question),
    }
}

/// The facts as the candidate would have been given them.
fn as_given_to(policy: &impl Policy, facts: &Facts) -> Facts {
    Facts { business_day: policy.business_day_of(facts.now).ok().or(facts.business_day), ..facts.clone() }
}

/// What the candidate says otherwise: its outcome and the first rule that makes the difference.
fn difference(was: &Decision, would_be: &Result<Decision, DecisionError>) -> Option<(String, String)> {
    let would_be = match would_be {
        Ok(decision) => decision,
        Err(DecisionError::MissingFact(fact)) if is_count(fact) => {
            return Some((NOT_COMPARABLE.to_owned(), fact.clone()));
        }
        Err(error) => {
            let what = match error {
                DecisionError::MissingFact(_) => "missing-fact",
                DecisionError::BadAmount(_) => "bad-amount",
                DecisionError::BadTime(_) => "bad-time",
            };
            return Some((ERROR.to_owned(), what.to_owned()));
        }
    };
    let not_in = |here: &Decision, there: &Decision| {
        let says =
            |f: &&rescind_model::Finding| !there.findings.iter().any(|g| g.rule == f.rule && g.verdict == f.verdict);
        here.findings.iter().find(says).map(|finding| finding.rule.clone())
    };
    let to = would_be.outcome.token().to_owned();
    if let Some(rule) = not_in(would_be, was).or_else(|| not_in(was, would_be)) {
        return Some((to, rule));
    }
    let same = was.outcome == would_be.outcome
        && was.amount == would_be.amount
        && was.obligations == would_be.obligations
        && was.opens_at == would_be.opens_at
        && was.open_until == would_be.open_until;
    (!same).then(|| (to, TERMS.to_owned()))
}

impl Comparison {
    fn of(candidate: &Candidate, now: Instant) -> Result<Self, Error> {
        // A business day may have any name from the day before to the day after.
        let open_from = date_of(days(candidate.since, -1).max(days(now, SHADOW_DAYS.saturating_neg())))?;
        Ok(Self {
            candidate: candidate.hash.clone(),
            since: candidate.since,
            open_from,
            places: BTreeMap::new(),
            equal: 0,
            kinds: Vec::new(),
            differences: Vec::new(),
            mark: String::new(),
        })
    }

    fn count(&mut self, difference: Difference) {
        let Difference { way, from, to, rule, .. } = &difference;
        let same = |k: &&mut Kind| k.way == *way && k.from == *from && k.to == *to && k.rule == *rule;
        if let Some(kind) = self.kinds.iter_mut().find(same) {
            kind.count = kind.count.saturating_add(1);
        } else {
            let full = self.kinds.len() >= SHADOW_KINDS;
            let rule = if full { OTHERS.to_owned() } else { rule.clone() };
            let others = self.kinds.iter_mut().find(|k| full && k.rule == OTHERS);
            if let Some(kind) = others {
                kind.count = kind.count.saturating_add(1);
            } else {
                self.kinds.push(Kind { way: *way, from: from.clone(), to: to.clone(), rule, count: 1 });
            }
        }
        self.differences.push(difference);
        if self.differences.len() > SHADOW_DIFFERENCES {
            self.differences.remove(0);
        }
    }

    /// Takes a decision in, if it is one of the policy's since the candidate was set.
    fn take(&mut self, name: &str, policy: &impl Policy, kept: &Kept) {
        let pairs: Vec<(Decision, Result<Decision, DecisionError>)> = match kept {
            Kept::One(record) if record.policy.name == name && record.at >= self.since => {
                let Answer::Decided(was) = &record.answer else { return };
                let facts = as_given_to(policy, &record.input.facts);
                vec![(was.clone(), decide(policy, &facts, &record.input.question))]
            }
            Kept::Ways(record) if record.policy.name == name && record.at >= self.since => {
                let facts = as_given_to(policy, &record.facts);
                let all = policy.assess(&facts, record.amount.as_ref());
                let of = |way: Way| match &all {
                    Ok(all) => all.iter().find(|d| d.way == way).cloned().map(Ok),
                    Err(error) => Some(Err(error.clone())),
                };
                record.answers.iter().filter_map(|was| Some((was.clone(), of(was.way)?))).collect()
            }
            Kept::One(_) | Kept::Ways(_) => return,
        };
        let (merchant, sale, at) = match kept {
            Kept::One(record) => (&record.merchant, &record.sale, record.at),
            Kept::Ways(record) => (&record.merchant, &record.sale, record.at),
        };
        for (was, would_be) in pairs {
            match difference(&was, &would_be) {
                None => self.equal = self.equal.saturating_add(1),
                Some((to, rule)) => self.count(Difference {
                    decision: kept.id().to_owned(),
                    merchant: merchant.clone(),
                    sale: sale.clone(),
                    at,
                    way: was.way,
                    from: was.outcome.token().to_owned(),
                    to,
                    rule,
                }),
            }
        }
    }
}

impl<P: Ports> App<P> {
    /// How the candidate would have decided so far: at one merchant, or at the first [`SHADOW_MERCHANTS`] of those whose
    /// policy it is.
    ///
    /// # Errors
    /// Not an admin; no such policy; [`Error::NotFound`] where there is no candidate; one that cannot be loaded any more.
    pub async fn shadow(
        &self,
        who: &Principal,
        name: &str,
        merchant: Option<&MerchantId>,
    ) -> Result<ShadowReport, Error> {
        who.require_admin()?;
        let known = self.activations(name).await?.ok_or(Error::NotFound("policy"))?;
        let candidate = known.candidate.ok_or(Error::NotFound("candidate"))?;
        let loaded = self.loaded(name, &candidate.version, &candidate.hash).await?;
        let policy = loaded.ok_or_else(|| Error::Conflict {
            code: "policy.not-loaded",
            message: "the candidate cannot be loaded by the component that decides here".to_owned(),
        })?;
        let (merchants, mut complete) = match merchant {
            Some(merchant) => (vec![self.merchant(merchant).await?], true),
            None => self.merchants_under(name).await?,
        };
        let begun = self.ports.now();
        let mut report =
            ShadowReport { candidate, complete: true, equal: 0, kinds: Vec::new(), differences: Vec::new() };
        let mut budget = SHADOW_DECISIONS;
        for merchant in merchants {
            let out_of_time = self.ports.now().since(begun) > TICK_BUDGET;
            let left = if out_of_time { 0 } else { budget };
            let (one, looked_at, done) = self.compare_at(name, &report.candidate, &policy, &merchant.id, left).await?;
            budget = budget.saturating_sub(looked_at);
            complete &= done;
            report.add(one);
        }
        report.complete = complete;
        report.kinds.sort_by_key(|kind| core::cmp::Reverse(kind.count));
        report.differences.sort_by_key(|difference| core::cmp::Reverse(difference.at));
        report.differences.truncate(SHADOW_DIFFERENCES);
        Ok(report)
    }

    async fn merchants_under(&self, name: &str) -> Result<(Vec<Merchant>, bool), Error> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let list = Key::directory("merchants");
            let key = |id: &str| MerchantId::parse(id).ok().map(|id| Key::merchant(&id));
            let listed = self.listed::<Merchant>(&list, after.as_deref(), LIST_LIMIT, key).await?;
            found.extend(listed.items.into_iter().filter(|m| m.policies().any(|policy| policy == name)));
            if found.len() > SHADOW_MERCHANTS {
                found.truncate(SHADOW_MERCHANTS);
                return Ok((found, false));
            }
            after = listed.next;
            if after.is_none() {
                return Ok((found, true));
            }
        }
    }

    /// Brings the comparison at a merchant up to date, by at most so many decisions. Gives how many were looked at, and
    /// whether those were all.
    async fn compare_at(
        &self,
        name: &str,
        candidate: &Candidate,
        policy: &Arc<P::Policy>,
        merchant: &MerchantId,
        most: usize,
    ) -> Result<(Comparison, usize, bool), Error> {
        let records = self.records().await?;
        let key = Key::shadow(name, merchant).checked()?;
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Comparison>(&key).await?;
            let now = self.ports.now();
            let same = |c: &&Comparison| c.candidate == candidate.hash && c.since == candidate.since;
            let mut next = match slot.value.as_ref().filter(same) {
                Some(there) => there.clone(),
                None => Comparison::of(candidate, now)?,
            };
            let before = next.clone();
            let (looked_at, done) = self.catch_up(name, policy, merchant, &mut next, most, now).await?;
            if next == before {
                return Ok((next, looked_at, done));
            }
            next.mark = self.random_hex(32);
            let mark = next.mark.clone();
            if records.commit(slot, &next, &mark, self.unique()).await? == Commit::Written {
                return Ok((next, looked_at, done));
            }
        }
        Err(Error::Unavailable(format!("{key} is written by too many at once")))
    }

    async fn catch_up(
        &self,
        name: &str,
        policy: &Arc<P::Policy>,
        merchant: &MerchantId,
        comparison: &mut Comparison,
        most: usize,
        now: Instant,
    ) -> Result<(usize, bool), Error> {
        let records = self.records().await?;
        let (last, settled) = (date_of(days(now, 1))?, date_of(days(now, -2))?);
        let mut looked_at = 0_usize;
        let mut day = comparison.open_from;
        while day <= last {
            let mut places = comparison.places.remove(&day).unwrap_or_default();
            places.resize(usize::from(LANES), Position::START);
            for (lane, place) in (0..LANES).zip(&mut places) {
                let list = Key::decisions(merchant, day, lane);
                let slice = records.slice(&list, *place, most.saturating_sub(looked_at)).await?;
                for (after, entry) in slice.entries {
                    if let Some(kept) = self.kept_decision(merchant, &entry.id).await? {
                        comparison.take(name, &**policy, &kept);
                    }
                    (*place, looked_at) = (after, looked_at.saturating_add(1));
                }
                if slice.more {
                    comparison.places.insert(day, places);
                    return Ok((looked_at, false));
                }
            }
            let next = day.next().map_err(|e| Error::Internal(e.to_string()))?;
            if day < settled {
                // Nobody adds to it any more.
                comparison.open_from = next;
            } else if places.iter().any(|place| *place != Position::START) {
                comparison.places.insert(day, places);
            }
            day = next;
        }
        Ok((looked_at, true))
    }
}

impl ShadowReport {
    fn add(&mut self, one: Comparison) {
        self.equal = self.equal.saturating_add(one.equal);
        self.differences.extend(one.differences);
        for kind in one.kinds {
            let same =
                |k: &&mut Kind| k.way == kind.way && k.from == kind.from && k.to == kind.to && k.rule == kind.rule;
            match self.kinds.iter_mut().find(same) {
                Some(there) => there.count = there.count.saturating_add(kind.count),
                None => self.kinds.push(kind),
            }
        }
    }
}
