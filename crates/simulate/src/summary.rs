//! What many runs met, and whether that was enough.

use crate::fault::Fault;
use crate::model::Model;
use crate::point::{CELLS, Point, ROWS, by_the_way, cannot};
use crate::run::Outcome;
use crate::sim::Death;
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
    /// Fewest commands and faults of a run.
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
    /// Where somebody died, and how often.
    pub deaths: BTreeMap<Death, u64>,
    /// Kinds of faults, by what they befell.
    pub befell: BTreeMap<&'static str, BTreeSet<&'static str>>,
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
        let (commands, faults) = (outcome.commands, outcome.faults);
        met.fewest = Some(met.fewest.map_or((commands, faults), |(c, f)| (c.min(commands), f.min(faults))));
        met.operations = met.operations.saturating_add(outcome.operations);
        met.requests = met.requests.saturating_add(u64::try_from(outcome.requests).unwrap_or(u64::MAX));
        met.moved = met.moved.saturating_add(u64::try_from(outcome.moved).unwrap_or(u64::MAX));
        self.count_deaths(&outcome.deaths);
        for (deed, kind) in &outcome.befell {
            self.befell.entry(deed).or_default().insert(kind);
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
        self.count_deaths(&other.deaths);
        for (deed, kinds) in other.befell {
            self.befell.entry(deed).or_default().extend(kinds);
        }
    }

    fn count_deaths(&mut self, deaths: &BTreeMap<Death, u64>) {
        for (at, more) in deaths {
            let count = self.deaths.entry(*at).or_insert(0);
            *count = count.saturating_add(*more);
        }
    }

    /// Cells of the matrix in which nobody died though somebody can.
    #[must_use]
    pub fn empty_cells(&self) -> Vec<Death> {
        CELLS.iter().copied().filter(|cell| !self.deaths.contains_key(cell)).collect()
    }

    /// The cells in which the fewest died, those first, with how many.
    #[must_use]
    pub fn rarest_cells(&self) -> Vec<(u64, Death)> {
        let mut cells: Vec<(u64, Death)> =
            CELLS.iter().map(|cell| (self.deaths.get(cell).copied().unwrap_or(0), *cell)).collect();
        cells.sort_unstable();
        cells
    }

    /// What is not as it has to be: too few commands or faults in a run, somebody who died where nobody can be.
    #[must_use]
    pub fn faults_of_its_own(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (model, met) in &self.by_model {
            let (commands, faults) = met.fewest.unwrap_or_default();
            if commands < FEWEST_COMMANDS || faults < FEWEST_FAULTS {
                wrong.push(format!("a run over {} had {commands} commands and {faults} faults", model.name()));
            }
        }
        for (deed, point) in self.deaths.keys() {
            if !ROWS.contains(deed) {
                wrong.push(format!("{deed} is no row of the matrix"));
            } else if let Some(why) = cannot(deed, *point).filter(|_| !by_the_way(deed, *point)) {
                wrong.push(format!("somebody died over {deed} after {}, which cannot be: {why}", point.name()));
            }
        }
        wrong
    }
}

/// Empty cells that are named; the matrix shows them all.
const NAMED: usize = 20;

/// Cells that are named with how many died there.
const RAREST: usize = 6;

/// Commands in every run, at least.
const FEWEST_COMMANDS: usize = 30;

/// Faults in every run, at least.
const FEWEST_FAULTS: usize = 3;

fn percent(part: u64, of: u64) -> u64 {
    part.saturating_mul(100).checked_div(of).unwrap_or(0)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "store        runs     crash  contend  lie    fewest commands, faults  requests  money moved  store operations"
        )?;
        for (model, met) in &self.by_model {
            let (commands, faults) = met.fewest.unwrap_or_default();
            writeln!(
                f,
                "{:<12} {:<8} {:>3} %  {:>5} %  {:>3} %  {commands:>15}, {faults:<6}  {:>8}  {:>11}  {:>16}",
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
        writeln!(f, "\nwhere somebody died, by what they had done last (x: met; .: not met; blank: cannot be):")?;
        for (number, point) in Point::ALL.iter().enumerate() {
            let bars: String = (0..number).map(|_| "| ").collect();
            writeln!(f, "  {:<16} {bars}{}", "", point.name())?;
        }
        for deed in ROWS {
            let cell = |point: &Point| match (self.deaths.contains_key(&(deed, *point)), cannot(deed, *point)) {
                (true, _) => "x ",
                (false, None) => ". ",
                (false, Some(_)) => "  ",
            };
            let row: String = Point::ALL.iter().map(cell).collect();
            writeln!(f, "  {deed:<16} {}", row.trim_end())?;
        }
        let empty = self.empty_cells();
        if empty.is_empty() {
            let rarest = self.rarest_cells();
            let least = rarest.first().map_or(0, |(count, _)| *count);
            let names = rarest.iter().take(RAREST);
            let names: Vec<String> =
                names.map(|(count, (deed, point))| format!("{deed} after {} {count}", point.name())).collect();
            writeln!(
                f,
                "no cell that can be met is empty; at least {least} died in each, fewest: {}",
                names.join(", ")
            )?;
        } else {
            let first = empty.iter().take(NAMED);
            let names: Vec<String> = first.map(|(deed, point)| format!("{deed} after {}", point.name())).collect();
            writeln!(f, "{} cells that can be met are empty, such as {}", empty.len(), names.join(", "))?;
        }
        writeln!(f, "\nkinds of faults that befell:")?;
        for (deed, kinds) in &self.befell {
            let kinds: Vec<&str> = kinds.iter().copied().collect();
            writeln!(f, "  {deed:<16} {}", kinds.join(" "))?;
        }
        Ok(())
    }
}
