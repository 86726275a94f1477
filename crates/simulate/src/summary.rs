//! What many runs met, and whether that was enough.

use crate::fault::Fault;
use crate::model::Model;
use crate::run::Outcome;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// What the runs over one kind of store met.
#[derive(Debug, Clone, Default)]
pub struct Met {
    /// Runs.
    pub runs: u64,
    /// Runs in which somebody died between two steps.
    pub crashed: u64,
    /// Runs in which two or more worked on one sale at a time.
    pub contended: u64,
    /// Runs in which the answer to a write was the opposite of what was done.
    pub lied: u64,
    /// Fewest requests and faults of a run.
    pub fewest: Option<(usize, usize)>,
    /// Operations of the store.
    pub operations: u64,
    /// Requests.
    pub requests: u64,
    /// Operations that moved money.
    pub moved: u64,
}

/// What all runs met.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// By store.
    pub by_model: BTreeMap<Model, Met>,
    /// Deeds and the steps at which somebody died over them.
    pub crashes: BTreeMap<&'static str, BTreeSet<u64>>,
    /// Deeds and the kinds of faults that befell them.
    pub faults: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Summary {
    /// Counts a run.
    pub fn add(&mut self, model: Model, outcome: &Outcome) {
        let met = self.by_model.entry(model).or_default();
        met.runs = met.runs.saturating_add(1);
        met.crashed = met.crashed.saturating_add(u64::from(outcome.struck.iter().any(|fault| fault.is_crash())));
        met.contended = met.contended.saturating_add(u64::from(outcome.contenders > 1));
        // Every swap of Spin's Redis says the opposite of what it did.
        let lied = model == Model::SpinRedis || outcome.struck.iter().copied().any(Fault::is_lie);
        met.lied = met.lied.saturating_add(u64::from(lied));
        let (requests, faults) = (outcome.requests, outcome.struck.len());
        met.fewest = Some(met.fewest.map_or((requests, faults), |(r, f)| (r.min(requests), f.min(faults))));
        met.operations = met.operations.saturating_add(outcome.operations);
        met.requests = met.requests.saturating_add(u64::try_from(outcome.requests).unwrap_or(u64::MAX));
        met.moved = met.moved.saturating_add(u64::try_from(outcome.moved).unwrap_or(u64::MAX));
        for (deed, step, kind) in &outcome.strikes {
            if kind.starts_with("crash") || *kind == "restart" {
                self.crashes.entry(deed).or_default().insert(*step);
            }
            self.faults.entry(deed).or_default().insert(kind);
        }
    }

    /// Counts what another counted.
    pub fn merge(&mut self, other: Self) {
        for (model, met) in other.by_model {
            let there = self.by_model.entry(model).or_default();
            there.runs = there.runs.saturating_add(met.runs);
            there.crashed = there.crashed.saturating_add(met.crashed);
            there.contended = there.contended.saturating_add(met.contended);
            there.lied = there.lied.saturating_add(met.lied);
            there.operations = there.operations.saturating_add(met.operations);
            there.requests = there.requests.saturating_add(met.requests);
            there.moved = there.moved.saturating_add(met.moved);
            there.fewest = match (there.fewest, met.fewest) {
                (Some((r, f)), Some((s, g))) => Some((r.min(s), f.min(g))),
                (one, two) => one.or(two),
            };
        }
        for (deed, steps) in other.crashes {
            self.crashes.entry(deed).or_default().extend(steps);
        }
        for (deed, kinds) in other.faults {
            self.faults.entry(deed).or_default().extend(kinds);
        }
    }
}

fn percent(part: u64, of: u64) -> u64 {
    part.saturating_mul(100).checked_div(of).unwrap_or(0)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "store        runs     crash  contend  lie    fewest requests, faults  requests  money moved  store operations"
        )?;
        for (model, met) in &self.by_model {
            let (requests, faults) = met.fewest.unwrap_or_default();
            writeln!(
                f,
                "{:<12} {:<8} {:>3} %  {:>5} %  {:>3} %  {requests:>15}, {faults:<6}  {:>8}  {:>11}  {:>16}",
                model.name(),
                met.runs,
                percent(met.crashed, met.runs),
                percent(met.contended, met.runs),
                percent(met.lied, met.runs),
                met.requests,
                met.moved,
                met.operations,
            )?;
        }
        writeln!(f, "\ndied over, at its steps in the store (a dot: nobody died there):")?;
        for (deed, steps) in &self.crashes {
            let last = steps.iter().copied().max().unwrap_or(0).min(48);
            let row: String = (1..=last).map(|step| if steps.contains(&step) { 'x' } else { '.' }).collect();
            writeln!(f, "  {deed:<16} {row}")?;
        }
        writeln!(f, "\nkinds of faults that befell:")?;
        for (deed, kinds) in &self.faults {
            let kinds: Vec<&str> = kinds.iter().copied().collect();
            writeln!(f, "  {deed:<16} {}", kinds.join(" "))?;
        }
        Ok(())
    }
}
