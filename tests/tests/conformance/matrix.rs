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

/// The sides that packs of providers state and the engine says some question reaches, and no vector does.
pub fn gaps(world: &World) -> Vec<String> {
    let mut gaps = Vec::new();
    for (index, pack) in world.packs.iter().enumerate().filter(|(_, pack)| pack.is_a_providers()) {
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
    let letter = |index: usize| char::from(b'a' + u8::try_from(index).unwrap()).to_string();
    let cell = |rule: &'static str, verdict: &'static str| match reached.get(&(rule, verdict)) {
        Some(count) => count.to_string(),
        None => unreached(rule, verdict).map_or_else(|| "?".to_owned(), letter),
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
    for (index, (why, ..)) in UNREACHED.iter().enumerate() {
        lines.push(format!("- **{}**: {why}", letter(index)));
    }
    lines.extend(["", "| rule | passes | refer | deny |", "|---|---|---|---|"].map(str::to_owned));
    for id in rule::ALL {
        lines.push(format!("| `{id}` | {} |", VERDICTS.map(|verdict| cell(id, verdict)).join(" | ")));
    }
    lines.extend(
        ["", "| what comes with an operation | applies | does not apply |", "|---|---|---|"].map(str::to_owned),
    );
    for id in rule::TERMS {
        lines.push(format!("| `{id}` | {} |", TERMS.map(|verdict| cell(id, verdict)).join(" | ")));
    }
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for vector in &world.vectors {
        *kinds.entry((vector.line.pack.as_str(), vector.line.said.asked.as_str())).or_default() += 1;
    }
    let asked: BTreeSet<&str> = kinds.keys().map(|(_, asked)| *asked).collect();
    let head: Vec<&str> = asked.iter().copied().collect();
    lines.extend([
        String::new(),
        format!("| pack | {} |", head.join(" | ")),
        format!("|---|{}", "---|".repeat(head.len())),
    ]);
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

/// What cannot be reached, and why: the reason, what is not said, by which rules. A cell that is here and is reached after
/// all fails the test as much as one that is not here and is not reached.
pub const UNREACHED: &[(&str, &str, &[&str])] = &[
    (
        "the rule denies, or does not stand in the way: no policy can have it refer",
        "refer",
        &[
            rule::COMPLETION_VOID_AFTER_REFUND,
            rule::COMPLETION_VOID_AMOUNT,
            rule::COMPLETION_VOID_AUTHENTICATION,
            rule::COMPLETION_VOID_BALANCE,
            rule::COMPLETION_VOID_ENABLED,
            rule::COMPLETION_VOID_IN_PROGRESS,
            rule::COMPLETION_VOID_NO_HOLD,
            rule::COMPLETION_VOID_OPERATOR_ROLE,
            rule::COMPLETION_VOID_OUTCOME,
            rule::COMPLETION_VOID_SETTLED,
            rule::COMPLETION_VOID_WINDOW,
            rule::HOLD_COMPLETION_AUTHENTICATION,
            rule::HOLD_COMPLETION_CEILING,
            rule::HOLD_COMPLETION_ENABLED,
            rule::HOLD_COMPLETION_IN_PROGRESS,
            rule::HOLD_COMPLETION_NO_HOLD,
            rule::HOLD_COMPLETION_OPERATOR_ROLE,
            rule::HOLD_COMPLETION_OUTCOME,
            rule::HOLD_COMPLETION_PENALTY,
            rule::HOLD_COMPLETION_VALIDITY,
            rule::HOLD_RELEASE_AMOUNT,
            rule::HOLD_RELEASE_AUTHENTICATION,
            rule::HOLD_RELEASE_IN_PROGRESS,
            rule::HOLD_RELEASE_NO_HOLD,
            rule::HOLD_RELEASE_OPERATOR_ROLE,
            rule::HOLD_RELEASE_OUTCOME,
            rule::LEGAL_ENABLED,
            rule::LEGAL_ROLE,
            rule::ORDER_CLOSE_AMOUNT,
            rule::ORDER_CLOSE_IN_PROGRESS,
            rule::ORDER_CLOSE_NO_CODE,
            rule::ORDER_CLOSE_OUTCOME,
            rule::ORDER_CLOSE_PAID,
            rule::REFUND_AMOUNT_LIMIT,
            rule::REFUND_AUTHENTICATION,
            rule::REFUND_BALANCE,
            rule::REFUND_COUNT,
            rule::REFUND_EVIDENCE,
            rule::REFUND_IDENTITY,
            rule::REFUND_MINIMUM_WAIT,
            rule::REFUND_OPERATION_OPEN,
            rule::REFUND_PARTIAL,
            rule::REFUND_REASON,
            rule::REFUND_SPACING,
            rule::REFUND_VOID_OPEN,
            rule::REVERSAL_AMOUNT,
            rule::REVERSAL_IN_PROGRESS,
            rule::REVERSAL_MINIMUM_WAIT,
            rule::REVERSAL_NOTHING,
            rule::REVERSAL_OUTCOME,
            rule::SALE_OUTCOME,
            rule::VOID_ALREADY_VOIDED,
            rule::VOID_AMOUNT,
            rule::VOID_AMOUNT_LIMIT,
            rule::VOID_AUTHENTICATION,
            rule::VOID_BALANCE,
            rule::VOID_BATCH,
            rule::VOID_BUSINESS_DAY,
            rule::VOID_CALENDAR_DAY,
            rule::VOID_EVIDENCE,
            rule::VOID_HOLD_COMPLETION,
            rule::VOID_IDENTITY,
            rule::VOID_IN_PROGRESS,
            rule::VOID_KIND,
            rule::VOID_MINIMUM_WAIT,
            rule::VOID_OPERATION_OPEN,
            rule::VOID_OPERATOR_ROLE,
            rule::VOID_REASON,
            rule::VOID_SETTLED,
            rule::VOID_WINDOW,
        ],
    ),
    (
        "the rule refers, or does not stand in the way: support, or the server, decides",
        "deny",
        &[
            rule::HOLD_RELEASE_ENABLED,
            rule::OFFLINE_CLOCK,
            rule::OFFLINE_ENABLED,
            rule::OFFLINE_UNKNOWN,
            rule::ORDER_CLOSE_ENABLED,
            rule::POLICY_EFFECTIVE,
            rule::REVERSAL_ENABLED,
        ],
    ),
    (
        "it is asked only where there is no hold, and then it always stands in the way",
        "passes",
        &[rule::COMPLETION_VOID_NO_HOLD, rule::HOLD_COMPLETION_NO_HOLD, rule::HOLD_RELEASE_NO_HOLD],
    ),
];

/// Whether a cell is among them: its place there.
fn unreached(rule: &str, verdict: &str) -> Option<usize> {
    UNREACHED.iter().position(|(_, said, rules)| *said == verdict && rules.contains(&rule))
}

/// Every cell of [`UNREACHED`].
pub fn expected_gaps() -> impl Iterator<Item = (&'static str, &'static str)> {
    UNREACHED.iter().flat_map(|(_, verdict, rules)| rules.iter().map(|rule| (*rule, *verdict)))
}
