//! Which of the values that a pack states its cases show to be right.
//!
//! A rule is shown by cases whose answers are compared: one on each side of it, and where its boundary lies on a scale, one
//! just inside and one just outside. What an answer only carries is shown by a case that compares it. What no case compares is
//! not covered, whether or not a case happened to pass it by.

use crate::carried::{self, Carried};
use crate::case::{Asked, Case, CaseError};
use crate::field;
use chrono::NaiveDate;
use rescind_eligibility::rule::{
    ORDER_CLOSE_EXPIRED, REFUND_ACQUIRING_FEE, REFUND_ARRIVAL, REFUND_COUPON, REFUND_LATE_FEE, REFUND_OPERATION_FEE,
    REFUND_PARTIAL, REFUND_REAL_TIME, REFUND_SAME_DAY, REFUND_TIER, SALE_CHARGE, TERMS, VOID_ACQUIRING_FEE,
    VOID_AFTER_REFUND, VOID_ARRIVAL, VOID_OPERATION_FEE, VOID_PAID_OUT, VOID_PENALTY,
};
use rescind_eligibility::{Considered, Engine, Stated};
use rescind_model::{Facts, Instant, SaleOutcome, SettlementMode, Value};
use rescind_policy::Document;
use rescind_policy::business_day::Clock;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What cases have shown of what a pack states.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    stated: Vec<Stated>,
    carried: Vec<Carried>,
    touched: BTreeMap<(&'static str, String), Touched>,
    shown: BTreeSet<String>,
    /// Times of which it was compared which days are worked.
    days: Vec<(NaiveDate, NaiveDate)>,
    /// The dates that each list of the calendar names.
    dates: BTreeMap<&'static str, Vec<NaiveDate>>,
}

/// On which sides cases met a rule.
#[derive(Debug, Clone, Copy, Default)]
struct Touched {
    passes: Side,
    stands: Side,
}

/// How cases met a side of a rule.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    /// At all.
    is_met: bool,
    /// Somewhere on a scale that has a boundary.
    on_scale: bool,
    /// There, as near to the boundary as can be.
    at_edge: bool,
}

impl Side {
    fn meets(&mut self, near: Option<bool>) {
        self.is_met = true;
        self.on_scale |= near.is_some();
        self.at_edge |= near == Some(true);
    }

    fn is_shown(self) -> bool {
        self.is_met && (self.at_edge || !self.on_scale)
    }
}

/// What no case shows to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gap {
    /// The rule. `None`: a value that answers only carry.
    pub rule: Option<&'static str>,
    /// Where the pack states it.
    pub place: String,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// A case that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Any at all.
    Any,
    /// One in which the rule does not stand in the way, or does not apply.
    Passes,
    /// One in which it does.
    Stands,
    /// One on the last value that passes.
    JustInside,
    /// One on the first value that does not.
    JustOutside,
    /// One that compares this field of the answer.
    Comparing(&'static str),
}

/// `void.window at void.window: no case just outside`
impl core::fmt::Display for Gap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let terms = self.rule.is_some_and(|rule| TERMS.contains(&rule));
        let (passes, stands) =
            if terms { ("does not apply", "applies") } else { ("is satisfied", "stands in the way") };
        let missing: Vec<String> = self
            .missing
            .iter()
            .map(|missing| match missing {
                Missing::Any => "no case at all".to_owned(),
                Missing::Passes => format!("no case in which it {passes}"),
                Missing::Stands => format!("no case in which it {stands}"),
                Missing::JustInside => "no case just inside".to_owned(),
                Missing::JustOutside => "no case just outside".to_owned(),
                Missing::Comparing(field) => format!("no case that compares `{field}`"),
            })
            .collect();
        match self.rule {
            Some(rule) => write!(f, "{rule} at {}: {}", self.place, missing.join(", ")),
            None => write!(f, "{}: {}", self.place, missing.join(", ")),
        }
    }
}

impl Coverage {
    /// Of everything that a pack states.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let document = engine.document();
        let dates = document.calendar.as_ref().map(|calendar| {
            let days = |dates: &[rescind_policy::scalar::Date]| dates.iter().map(|date| date.day()).collect();
            let beyond = calendar.until.day().succ_opt().into_iter().collect();
            BTreeMap::from([
                ("calendar.holidays", days(&calendar.holidays)),
                ("calendar.workdays", days(&calendar.workdays)),
                ("calendar.until", beyond),
            ])
        });
        let (stated, carried) = (engine.stated(), carried::of(document));
        Self { stated, carried, dates: dates.unwrap_or_default(), ..Self::default() }
    }

    /// Of what a layer states otherwise than what it extends: the rest is for the cases of that.
    #[must_use]
    pub fn of_layer(engine: &Engine, upper: &Engine) -> Self {
        let before = Self::of(upper);
        let changed = changed_places(upper.document(), engine.document());
        let is_changed = |place: &str| changed.iter().any(|changed| within(changed, place));
        let mut own = Self::of(engine);
        own.stated.retain(|rule| {
            let new = !before.stated.iter().any(|old| old.rule == rule.rule && old.place == rule.place);
            new || is_changed(&rule.place)
        });
        own.carried.retain(|carried| {
            let new = !before.carried.iter().any(|old| old.place == carried.place);
            new || is_changed(&carried.place)
        });
        own
    }

    /// Takes up what a case shows: nothing but what it compares.
    ///
    /// # Errors
    /// A value in the case that is none. What cannot be decided shows nothing.
    pub fn touch(&mut self, engine: &Engine, case: &Case) -> Result<(), CaseError> {
        self.shown.extend(case.compared_places().into_iter().map(str::to_owned));
        self.days.extend(case.compared_days());
        let asked = case.asked(engine)?;
        if asked == Asked::Nothing && !case.compares_charge() {
            return Ok(());
        }
        let facts = case.facts(engine)?;
        let explained = match asked {
            Asked::One(question) => engine.explain(&facts, &question).map(|explanation| vec![explanation]),
            Asked::All(amount) => engine.explain_all(&facts, amount.as_ref()),
            Asked::Nothing => Ok(Vec::new()),
        };
        let clock = engine.document().clock();
        let mut compares_fees = false;
        for explanation in explained.unwrap_or_default() {
            let Some(compared) = case.compared(explanation.decision.way) else { continue };
            compares_fees |= compared.contains(&"fees");
            self.take(&explanation.considered, &compared, &facts, clock);
            let variant = explanation.variant.as_deref();
            for both in carried::shown(&explanation.decision, variant, &compared) {
                let stated = both.iter().find(|place| self.carried.iter().any(|carried| carried.place == **place));
                self.shown.extend(stated.cloned());
            }
        }
        let compares_charge = case.compares_charge() || compares_fees && case.is_charged_by_policy();
        if let Ok((_, considered)) = engine.explain_charge(&facts.sale)
            && compares_charge
        {
            self.take(&considered, &["charge"], &facts, clock);
        }
        Ok(())
    }

    fn take(&mut self, considered: &[Considered], compared: &[&str], facts: &Facts, clock: Clock) {
        for rule in considered {
            let needed = needed_to_show(rule.rule);
            if !needed.is_empty() && !needed.iter().any(|field| compared.contains(field)) {
                continue;
            }
            let always_passes =
                |stated: &Stated| stated.rule == rule.rule && stated.place == rule.place && !stated.sides.stands;
            if !is_put_to_it(rule, facts) && self.stated.iter().any(always_passes) {
                continue;
            }
            let near = is_near(rule, facts.now, clock);
            let touched = self.touched.entry((rule.rule, rule.place.clone())).or_default();
            if rule.stands { touched.stands.meets(near) } else { touched.passes.meets(near) }
        }
    }

    /// How many values are stated.
    #[must_use]
    pub fn stated(&self) -> usize {
        self.stated.len().saturating_add(self.carried.len())
    }

    /// How many of them were shown on every side that can be reached.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.stated().saturating_sub(self.gaps().len())
    }

    /// What no case shows, in the pack's order.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let rule = |stated: &Stated| {
            let touched = self.touched.get(&(stated.rule, stated.place.clone())).copied().unwrap_or_default();
            let missing = missing(stated, touched);
            (!missing.is_empty()).then(|| Gap { rule: Some(stated.rule), place: stated.place.clone(), missing })
        };
        let carried = |carried: &&Carried| !self.is_shown(carried);
        let gap = |carried: &Carried| Gap {
            rule: None,
            place: carried.place.clone(),
            missing: vec![Missing::Comparing(carried.compared_in)],
        };
        let rules = self.stated.iter().filter_map(rule);
        rules.chain(self.carried.iter().filter(carried).map(gap)).collect()
    }

    fn is_shown(&self, carried: &Carried) -> bool {
        let is_compared = |day: &NaiveDate| self.days.iter().any(|(from, until)| (from..=until).contains(&day));
        match self.dates.get(carried.place.as_str()) {
            Some(days) => days.iter().all(is_compared),
            // Of any week at all.
            None if carried.place == "calendar.weekend" => !self.days.is_empty(),
            None => self.shown.contains(&carried.place),
        }
    }
}

/// What is missing of a rule.
fn missing(stated: &Stated, touched: Touched) -> Vec<Missing> {
    let sides = stated.sides;
    if (!sides.passes || !touched.passes.is_met) && (!sides.stands || !touched.stands.is_met) {
        return vec![Missing::Any];
    }
    let of_side = |is_reachable: bool, side: Side, none, edge| match side {
        _ if !is_reachable || side.is_shown() => None,
        Side { is_met: false, .. } => Some(none),
        _ => Some(edge),
    };
    let passes = of_side(sides.passes, touched.passes, Missing::Passes, Missing::JustInside);
    let stands = of_side(sides.stands, touched.stands, Missing::Stands, Missing::JustOutside);
    passes.into_iter().chain(stands).collect()
}

/// The fields of an answer in which it shows what a rule on what comes with an operation gave: any of them. Empty: the
/// outcome and the findings show it, and those are always compared.
fn needed_to_show(rule: &str) -> &'static [&'static str] {
    match rule {
        VOID_OPERATION_FEE | VOID_ACQUIRING_FEE | REFUND_OPERATION_FEE | REFUND_LATE_FEE | REFUND_ACQUIRING_FEE => {
            &["fees"]
        }
        VOID_ARRIVAL | REFUND_ARRIVAL => &["arrival"],
        REFUND_COUPON => &["coupon"],
        REFUND_TIER => &["tier"],
        SALE_CHARGE => &["charge"],
        _ => &[],
    }
}

/// Whether what a permission is about was the case: a permission that never stands in the way is shown by nothing else.
fn is_put_to_it(rule: &Considered, facts: &Facts) -> bool {
    match rule.rule {
        VOID_AFTER_REFUND => facts.balance.refunds_sent > 0,
        VOID_PAID_OUT => is_real_time(facts) || facts.status.paid_out_at.is_some(),
        REFUND_REAL_TIME => is_real_time(facts),
        REFUND_SAME_DAY => rule.observed == Value::Day(facts.sale.business_day),
        ORDER_CLOSE_EXPIRED => {
            let has_run_out = facts.code.as_ref().is_some_and(|code| facts.now >= code.expires_at);
            has_run_out || facts.status.outcome == SaleOutcome::Expired
        }
        REFUND_PARTIAL => matches!(&rule.observed, Value::Amount(asked) if asked.minor < facts.sale.captured.minor),
        _ => true,
    }
}

fn is_real_time(facts: &Facts) -> bool {
    facts.sale.settlement == SettlementMode::RealTime
}

/// Whether what was observed lies as near to the limit as can be. `None`: it does not lie on a scale that has a boundary.
fn is_near(rule: &Considered, now: Instant, clock: Clock) -> Option<bool> {
    // What is there and what comes of it, both amounts: there is no boundary between them.
    let is_computed = match rule.rule {
        VOID_ACQUIRING_FEE | REFUND_ACQUIRING_FEE | REFUND_COUPON | REFUND_PARTIAL | VOID_PENALTY => true,
        VOID_OPERATION_FEE | REFUND_OPERATION_FEE | SALE_CHARGE => {
            !rule.place.ends_with(".cap") && !rule.place.ends_with(".floor")
        }
        _ => false,
    };
    if is_computed {
        return None;
    }
    let apart = |a: Instant, b: Instant| a.unix_ms.abs_diff(b.unix_ms);
    let distance = match (&rule.observed, &rule.limit) {
        (Value::Count(observed), Value::Count(limit)) => observed.abs_diff(*limit),
        (Value::Amount(observed), Value::Amount(limit)) => observed.minor.abs_diff(limit.minor),
        (Value::Lasting(observed), Value::Lasting(limit)) => observed.ms.abs_diff(limit.ms),
        (Value::At(observed), Value::At(limit)) => apart(*observed, *limit),
        (Value::Day(_), Value::At(limit)) => apart(now, *limit),
        (Value::Day(_), Value::Day(limit)) => apart(now, clock.end_of_business_day(*limit).ok()?),
        _ => return None,
    };
    Some(distance <= 1)
}

/// The places at which two documents say different things.
fn changed_places(upper: &Document, lower: &Document) -> Vec<String> {
    let leaves = |document| {
        field::leaves(document).into_iter().map(|leaf| (leaf.place.to_string(), leaf.value)).collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (leaves(upper), leaves(lower));
    let places = after.keys().chain(before.keys().filter(|place| !after.contains_key(*place)));
    places.filter(|place| before.get(*place) != after.get(*place)).cloned().collect()
}

/// Whether a value stands at a place or beneath it.
fn within(value: &str, place: &str) -> bool {
    value.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
