//! Which of the rules that a pack states its cases have touched, and on which side.

use crate::case::{Asked, Case, CaseError};
use crate::field;
use rescind_eligibility::{Considered, Engine, Sides, Stated};
use rescind_policy::Document;
use serde::Serialize;
use std::collections::BTreeMap;

/// What cases have touched of what a pack states.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    stated: Vec<Stated>,
    touched: BTreeMap<(&'static str, String), Sides>,
}

/// A rule of which a side was never touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gap {
    /// The rule.
    pub rule: &'static str,
    /// Where the pack states it.
    pub place: String,
    /// The sides that some question reaches and no case does.
    pub missing: Sides,
}

/// `void.window at void.window: no case in which it stands in the way`
impl core::fmt::Display for Gap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let terms = rescind_eligibility::rule::TERMS.contains(&self.rule);
        let (passes, stands) =
            if terms { ("does not apply", "applies") } else { ("is satisfied", "stands in the way") };
        let missing = match self.missing {
            Sides { passes: true, stands: true } => "no case at all".to_owned(),
            Sides { passes: true, .. } => format!("no case in which it {passes}"),
            _ => format!("no case in which it {stands}"),
        };
        write!(f, "{} at {}: {missing}", self.rule, self.place)
    }
}

impl Coverage {
    /// Of everything that a pack states.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self { stated: engine.stated(), touched: BTreeMap::new() }
    }

    /// Of what a layer states otherwise than what it extends: the rest is for the cases of that.
    #[must_use]
    pub fn of_layer(engine: &Engine, upper: &Engine) -> Self {
        let before = upper.stated();
        let changed = changed_places(upper.document(), engine.document());
        let mut stated = engine.stated();
        stated.retain(|rule| {
            let new = !before.iter().any(|old| old.rule == rule.rule && old.place == rule.place);
            new || changed.iter().any(|place| within(place, &rule.place))
        });
        Self { stated, touched: BTreeMap::new() }
    }

    /// Takes up what a case touches.
    ///
    /// # Errors
    /// A value in the case that is none. What cannot be decided touches nothing.
    pub fn touch(&mut self, engine: &Engine, case: &Case) -> Result<(), CaseError> {
        let facts = case.facts(engine)?;
        if let Ok((_, considered)) = engine.explain_charge(&facts.sale) {
            self.take(&considered);
        }
        let explained = match case.asked(engine)? {
            Asked::One(question) => engine.explain(&facts, &question).map(|explanation| vec![explanation]),
            Asked::All(amount) => engine.explain_all(&facts, amount.as_ref()),
            Asked::Charge => Ok(Vec::new()),
        };
        for explanation in explained.unwrap_or_default() {
            self.take(&explanation.considered);
        }
        Ok(())
    }

    fn take(&mut self, considered: &[Considered]) {
        for rule in considered {
            let sides = self.touched.entry((rule.rule, rule.place.clone())).or_default();
            if rule.stands {
                sides.stands = true;
            } else {
                sides.passes = true;
            }
        }
    }

    /// How many rules are stated.
    #[must_use]
    pub fn stated(&self) -> usize {
        self.stated.len()
    }

    /// How many of them were touched on every side that can be reached.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.stated.len().saturating_sub(self.gaps().len())
    }

    /// The rules of which a side was never touched, in the pack's order.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let gap = |stated: &Stated| {
            let touched = self.touched.get(&(stated.rule, stated.place.clone())).copied().unwrap_or_default();
            let missing = Sides {
                passes: stated.sides.passes && !touched.passes,
                stands: stated.sides.stands && !touched.stands,
            };
            (missing.passes || missing.stands).then(|| Gap { rule: stated.rule, place: stated.place.clone(), missing })
        };
        self.stated.iter().filter_map(gap).collect()
    }
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
