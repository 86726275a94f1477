//! Every rule, and everything it can say: which of it the vectors reach, and why the rest cannot be reached.

use crate::check::World;
use crate::vector::{Side, sides};
use rescind_eligibility::rule;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a rule that can stand in the way may say.
pub const VERDICTS: [&str; 3] = ["passes", "refer", "deny"];

/// What a rule may say of what comes with an operation.
pub const TERMS: [&str; 2] = ["applies", "does not apply"];

/// Every cell there could be.
pub fn cells() -> impl Iterator<Item = (&'static str, &'static str)> {
    let standing = rule::ALL.into_iter().flat_map(|rule| VERDICTS.map(|verdict| (rule, verdict)));
    standing.chain(rule::TERMS.into_iter().flat_map(|rule| TERMS.map(|verdict| (rule, verdict))))
}

/// How many vectors reach each cell.
pub fn reached(world: &World) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut reached = BTreeMap::new();
    for vector in &world.vectors {
        let cells: BTreeSet<(&str, &str)> =
            sides(world.pack(vector), &vector.subject).iter().map(|side| (side.rule, side.verdict)).collect();
        for cell in cells {
            *reached.entry(cell).or_default() += 1;
        }
    }
    reached
}

/// The sides that packs state and the engine says some question reaches, and no vector does.
pub fn gaps(world: &World) -> Vec<String> {
    let mut gaps = Vec::new();
    for (index, pack) in world.packs.iter().enumerate() {
        let vectors = world.vectors.iter().filter(|vector| vector.pack == index);
        let touched: BTreeSet<Side> = vectors.flat_map(|vector| sides(pack, &vector.subject)).collect();
        let touched: BTreeSet<(&str, &str, bool)> =
            touched.iter().map(|side| (side.rule, side.place.as_str(), side.stands)).collect();
        for stated in pack.pack.engine.stated() {
            for (can, stands) in [(stated.sides.passes, false), (stated.sides.stands, true)] {
                if can && !touched.contains(&(stated.rule, stated.place.as_str(), stands)) {
                    let side = if stands { "stands" } else { "passes" };
                    gaps.push(format!("{}: {} at {} {side}", pack.name(), stated.rule, stated.place));
                }
            }
        }
    }
    gaps
}

/// The matrix as people read it.
pub fn text(world: &World) -> String {
    let reached = reached(world);
    let cell = |rule: &'static str, verdict: &'static str| match reached.get(&(rule, verdict)) {
        Some(count) => count.to_string(),
        None => UNREACHED.iter().find(|(_, cells)| cells.contains(&(rule, verdict))).map_or_else(
            || "?".to_owned(),
            |(why, _)| {
                let letter = UNREACHED.iter().position(|(other, _)| other == why).unwrap_or_default();
                char::from(b'a' + u8::try_from(letter).unwrap()).to_string()
            },
        ),
    };
    let mut lines = vec![
        "# What the vectors reach".to_owned(),
        String::new(),
        format!(
            "Written with the vectors. {} vectors of {} packs; a number says how many reach the cell, a letter why none can.",
            world.vectors.len(),
            world.packs.len()
        ),
        String::new(),
    ];
    for (index, (why, _)) in UNREACHED.iter().enumerate() {
        lines.push(format!("- **{}**: {why}", char::from(b'a' + u8::try_from(index).unwrap())));
    }
    lines.extend(["", "| rule | passes | refer | deny |", "|---|---|---|---|"].map(str::to_owned));
    for id in rule::ALL {
        lines.push(format!("| `{id}` | {} |", VERDICTS.map(|verdict| cell(id, verdict)).join(" | ")));
    }
    lines.extend(["", "| what comes with an operation | applies | does not apply |", "|---|---|---|"].map(str::to_owned));
    for id in rule::TERMS {
        lines.push(format!("| `{id}` | {} |", TERMS.map(|verdict| cell(id, verdict)).join(" | ")));
    }
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for vector in &world.vectors {
        *kinds.entry((vector.line.pack.as_str(), vector.line.said.asked.as_str())).or_default() += 1;
    }
    let asked: BTreeSet<&str> = kinds.keys().map(|(_, asked)| *asked).collect();
    let head: Vec<&str> = asked.iter().copied().collect();
    lines.extend([String::new(), format!("| pack | {} |", head.join(" | ")), format!("|---|{}", "---|".repeat(head.len()))]);
    for pack in world.packs.iter().map(crate::pack::Cased::name) {
        let counts: Vec<String> =
            head.iter().map(|asked| kinds.get(&(pack.as_str(), asked)).copied().unwrap_or(0).to_string()).collect();
        lines.push(format!("| {pack} | {} |", counts.join(" | ")));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Where it is kept.
pub fn file() -> PathBuf {
    crate::pack::root().join("tests/conformance/matrix.md")
}

/// What cannot be reached, and why. A cell that is here and is reached after all fails the test as much as one that is not
/// here and is not reached.
pub const UNREACHED: &[(&str, &[(&str, &str)])] = &[];
