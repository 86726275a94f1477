//! A run that fails, with everything left out that it fails without.

use crate::run::{Outcome, Plan, run};
use crate::shop::Shop;

/// The smallest plan that was found to fail in the same way, and how it goes, told as a story.
#[must_use]
pub fn minimise(shop: &Shop, plan: &Plan) -> (Plan, Outcome) {
    let first = run(shop, plan, false);
    let law = law_of(&first);
    let fails = |plan: &Plan| {
        let outcome = run(shop, plan, false);
        !outcome.violations.is_empty() && law_of(&outcome) == law
    };
    let mut best = plan.clone();
    let mut width = best.deeds.len().max(1);
    // Ever smaller parts are left out, as long as that helps.
    while width > 0 {
        let mut from = 0;
        while from < best.deeds.len() {
            let mut less = best.clone();
            let until = from.saturating_add(width).min(less.deeds.len());
            less.deeds.drain(from..until);
            if fails(&less) {
                best = less;
            } else {
                from = until;
            }
        }
        width = width.checked_div(2).unwrap_or(0);
    }
    for at in best.faults.store.clone().into_keys() {
        let mut less = best.clone();
        less.faults.store.remove(&at);
        if fails(&less) {
            best = less;
        }
    }
    for at in (0..best.faults.aimed.len()).rev() {
        let mut less = best.clone();
        less.faults.aimed.remove(at);
        if fails(&less) {
            best = less;
        }
    }
    for at in (0..best.faults.cut_off.len()).rev() {
        let mut less = best.clone();
        less.faults.cut_off.remove(at);
        if fails(&less) {
            best = less;
        }
    }
    for at in best.faults.provider.clone().into_keys() {
        let mut less = best.clone();
        less.faults.provider.remove(&at);
        if fails(&less) {
            best = less;
        }
    }
    let told = run(shop, &best, true);
    (best, told)
}

/// The invariant that does not hold: the word before the colon.
fn law_of(outcome: &Outcome) -> String {
    outcome.violations.first().and_then(|what| what.split(':').next()).unwrap_or_default().to_owned()
}
