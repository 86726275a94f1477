//! What a change of a policy does: examples of sales that come out otherwise.

use crate::backtest::{Came, Turn, grouped};
use crate::case::decide;
use crate::generator::{CannotGenerate, Generator};
use crate::notation;
use rescind_eligibility::Engine;
use rescind_model::Instant;
use rescind_model::record::{Answer, Input};
use rescind_model::token::Token as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// Examples that are kept of each kind of change.
const EXAMPLES: usize = 2;

/// Sales that come out otherwise for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Effect {
    /// The change.
    #[serde(flatten)]
    pub turn: Turn,
    /// Rules that stand in the way now and did not.
    pub stands_now: Vec<String>,
    /// Rules that no longer do.
    pub no_longer_stands: Vec<String>,
    /// How many of the sales that were tried.
    pub count: u64,
    /// The plainest of them.
    pub examples: Vec<String>,
}

/// What a change does to sales drawn around the edges of both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Effects {
    /// How many sales were tried.
    pub tried: u64,
    /// How many come out otherwise.
    pub changed: u64,
    /// By reason, the most frequent first.
    pub effects: Vec<Effect>,
}

/// A change with the rules behind it.
type Reason = (Turn, Vec<String>, Vec<String>);

/// How many, with the plainest of them: few rules that stand in the way, then a small amount.
type Seen = (u64, Vec<((usize, i64), String)>);

/// Draws sales and compares what both versions answer.
///
/// # Errors
/// The policies have no place for what is drawn.
pub fn between(old: &Engine, new: &Engine, seed: u64, count: u64) -> Result<Effects, CannotGenerate> {
    let generator = Generator::between(old, new, seed);
    let mut seen: BTreeMap<Reason, Seen> = BTreeMap::new();
    let mut changed = 0_u64;
    for index in 0..count {
        let input = generator.input(index)?;
        let (was, now) = (answer(old, &input), answer(new, &input));
        let turn = Turn { way: input.question.way().token(), was: Came::of(&was), now: Came::of(&now) };
        if turn.was == turn.now {
            continue;
        }
        changed = changed.saturating_add(1);
        let (before, after) = (rules(&was), rules(&now));
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|rule| !other.contains(rule)).cloned().collect()
        };
        let key = (turn, only(&after, &before), only(&before, &after));
        let plainness = (before.len().saturating_add(after.len()), input.facts.sale.captured.minor);
        let (count, examples) = seen.entry(key).or_default();
        *count = count.saturating_add(1);
        if examples.len() < EXAMPLES || examples.iter().any(|(worst, _)| plainness < *worst) {
            examples.push((plainness, example(old, &input)));
            examples.sort();
            examples.truncate(EXAMPLES);
        }
    }
    let mut effects: Vec<Effect> = seen
        .into_iter()
        .map(|((turn, stands_now, no_longer_stands), (count, examples))| Effect {
            turn,
            stands_now,
            no_longer_stands,
            count,
            examples: examples.into_iter().map(|(_, example)| example).collect(),
        })
        .collect();
    effects.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.turn.cmp(&b.turn)));
    Ok(Effects { tried: count, changed, effects })
}

impl Effects {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let (tried, changed) = (grouped(self.tried), grouped(self.changed));
        let mut lines = vec![format!("of {tried} sales drawn around the edges of both, {changed} come out otherwise")];
        for effect in &self.effects {
            let Effect { turn, stands_now, no_longer_stands, count, examples } = effect;
            let mut why = Vec::new();
            if !stands_now.is_empty() {
                why.push(format!("now {}", stands_now.join(", ")));
            }
            if !no_longer_stands.is_empty() {
                why.push(format!("no longer {}", no_longer_stands.join(", ")));
            }
            let (was, now) = (turn.was.word(), turn.now.word());
            lines.push(format!("  {} {}: {was} → {now} ({})", grouped(*count), turn.way, why.join("; ")));
            lines.extend(examples.iter().map(|example| format!("      such as {example}")));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn answer(engine: &Engine, input: &Input) -> Answer {
    match decide(engine, &input.facts, &input.question) {
        Ok(decision) => Answer::Decided(decision),
        Err(error) => Answer::Error(error),
    }
}

fn rules(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Decided(decision) => decision.findings.iter().map(|finding| finding.rule.clone()).collect(),
        Answer::Error(error) => vec![notation::error(error).to_owned()],
    }
}

/// A question in words.
fn example(engine: &Engine, input: &Input) -> String {
    let (zone, facts, sale) = (engine.document().time_zone, &input.facts, &input.facts.sale);
    let local = |at: Instant| notation::local(zone, at);
    let card = sale.card_type.map(|card| format!(" {}", card.token())).unwrap_or_default();
    let amount = input.question.amount().map_or_else(|| "all".to_owned(), rescind_model::Money::decimal_text);
    format!(
        "{} of {amount} on {} of {} by {}{card} paid {}, asked {} later",
        input.question.way().token(),
        sale.kind,
        sale.captured.decimal_text(),
        sale.channel.token(),
        local(sale.paid_at),
        notation::lasting(facts.now.since(sale.paid_at)),
    )
}
