//! Whether cases notice a wrong value: each value of a pack is changed, one at a time, and the cases are run again. A change
//! that they all let pass is a **survivor**: the pack could be wrong there and nobody would know.
//!
//! Numbers go one step up and down (amounts a minor unit, lengths of time a second, rates a hundredth of a percent, dates a day,
//! times of day a minute), switches are turned, words are exchanged for every other of their vocabulary or, where that has no
//! end, for one that nobody uses, and fields and items of lists are dropped. What the language refuses is no mutant. Neither is
//! what [means](meaning) the same.

use crate::case::{Case, CaseFile};
use crate::field::{self, Field, Unit};
use crate::meaning::meaning;
use crate::notation;
use crate::pack::Pack;
use chrono::NaiveDate;
use rescind_eligibility::Engine;
use rescind_model::{CardType, Channel, Counted, Executor, FundingBasis, IdentityKind, Money, Party};
use rescind_policy::document::{CouponRule, Demand, Instead, Permission, ReturnedFee, Same, Since, TierBasis, Weekday};
use rescind_policy::scalar::{Amount, CutOff, Date, Rate, Span, TimeOfDay, UtcOffset};
use rescind_policy::word::Word;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// The smallest step of a rate that providers quote, in millionths: a hundredth of a percent.
const RATE_STEP: u32 = 100;

/// Minutes in an hour.
const HOUR: i32 = 60;

/// What heads a document: who and what it is. Nothing is decided by it.
const HEADER: [&str; 6] = ["extends", "format", "layer", "name", "source", "version"];

/// A pack in which one value was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mutant {
    /// The line of the value in the pack's file, from 1.
    pub line: usize,
    /// Where it stands: `refund.tier[1].expires-after`.
    pub place: String,
    /// The value as it is written.
    pub was: String,
    /// What it was changed to. `None`: it was left out.
    pub now: Option<String>,
}

/// `12: void.window = "30 minutes" could be "1801 seconds"`
impl core::fmt::Display for Mutant {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {} = {} could be ", self.line, self.place, self.was)?;
        f.write_str(self.now.as_deref().unwrap_or("left out"))
    }
}

/// What became of the mutants of one pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mutated {
    /// The policy's name.
    pub policy: String,
    /// Its file.
    pub file: PathBuf,
    /// Why nothing was tried.
    pub problem: Option<String>,
    /// How many were tried.
    pub mutants: usize,
    /// Those that no case noticed, in the order of the file.
    pub survivors: Vec<Mutant>,
}

/// What became of the mutants of all packs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mutation {
    /// Pack by pack.
    pub packs: Vec<Mutated>,
}

impl Mutation {
    /// Changes every value of every pack, one at a time, and runs its cases.
    #[must_use]
    pub fn run(packs: &[Pack]) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut found: BTreeMap<usize, Mutated> = std::thread::scope(|scope| {
            let of_worker = |worker| {
                let own = packs.iter().enumerate().skip(worker).step_by(workers);
                scope.spawn(move || own.map(|(index, pack)| (index, mutated(pack))).collect::<Vec<_>>())
            };
            let running: Vec<_> = (0..workers).map(of_worker).collect();
            // Of one that stopped nothing is found, and its packs say so.
            running.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        let stopped = |pack| untried(pack, Some("its mutants were not tried to the end: this is a fault".to_owned()));
        let of_pack = |(index, pack)| found.remove(&index).unwrap_or_else(|| stopped(pack));
        Self { packs: packs.iter().enumerate().map(of_pack).collect() }
    }

    /// How many were tried.
    #[must_use]
    pub fn mutants(&self) -> usize {
        self.packs.iter().map(|pack| pack.mutants).sum()
    }

    /// How many of them no case noticed.
    #[must_use]
    pub fn survivors(&self) -> usize {
        self.packs.iter().map(|pack| pack.survivors.len()).sum()
    }

    /// Whether every pack was tried and every change noticed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.survivors() == 0 && self.packs.iter().all(|pack| pack.problem.is_none())
    }

    /// The last line: `695 mutants, 0 survive`.
    #[must_use]
    pub fn sum(&self) -> String {
        format!("{} mutants, {} survive", self.mutants(), self.survivors())
    }

    /// In words: what is not noticed, pack by pack, and the sum as the last line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for Mutated { policy, problem, mutants, survivors, .. } in &self.packs {
            lines.push(format!("{policy}: {mutants} mutants, {} survive", survivors.len()));
            lines.extend(problem.iter().map(|problem| format!("  {problem}")));
            lines.extend(survivors.iter().map(|survivor| format!("  {survivor}")));
        }
        lines.push(self.sum());
        lines.join("\n")
    }
}

/// No mutant of a pack, and why.
fn untried(pack: &Pack, problem: Option<String>) -> Mutated {
    Mutated { policy: pack.name().to_owned(), file: pack.file.clone(), problem, mutants: 0, survivors: Vec::new() }
}

fn mutated(pack: &Pack) -> Mutated {
    match tried(pack) {
        Ok((mutants, survivors)) => Mutated { mutants, survivors, ..untried(pack, None) },
        Err(problem) => untried(pack, Some(problem)),
    }
}

fn tried(pack: &Pack) -> Result<(usize, Vec<Mutant>), String> {
    let unreadable = |file: &PathBuf, error: &dyn core::fmt::Display| format!("{}: {error}", file.display());
    let file = pack.case_file();
    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
    let cases = CaseFile::read(&text).map_err(|error| unreadable(&file, &error))?.cases;
    // What fails already notices nothing.
    let passes = |case: &Case| case.run(&pack.engine).is_ok_and(|differences| differences.is_empty());
    let cases: Vec<Case> = cases.into_iter().filter(passes).collect();

    let mut uppers: Vec<String> = Vec::new();
    for upper in &pack.uppers {
        uppers.push(std::fs::read_to_string(upper).map_err(|error| unreadable(upper, &error))?);
    }
    let table: Table = toml::from_str(&pack.text).map_err(|error| unreadable(&pack.file, &error))?;
    let places = DeTable::parse(&pack.text).map_err(|error| unreadable(&pack.file, &error))?;
    let document = pack.compiled.document();
    let meant = meaning(document);

    let (mut mutants, mut survivors) = (0_usize, Vec::new());
    // The case that noticed the last one often notices the next.
    let mut first = 0_usize;
    for change in changes(&table, &document.currency) {
        let Some(engine) = changed(&table, &change, &uppers).filter(|engine| meaning(engine.document()) != meant)
        else {
            continue;
        };
        mutants = mutants.saturating_add(1);
        let notices = |case: &Case| case.run(&engine).map_or(true, |differences| !differences.is_empty());
        let by_turns = cases.iter().enumerate().cycle().skip(first).take(cases.len());
        let mut by_turns = by_turns.filter(|(_, case)| notices(case));
        match by_turns.next() {
            Some((index, _)) => first = index,
            None => survivors.push(Mutant {
                line: line_of(&pack.text, &places, &change.path),
                place: written(&change.path),
                was: change.was.to_string(),
                now: change.now.as_ref().map(ToString::to_string),
            }),
        }
    }
    survivors.sort_by_key(|survivor: &Mutant| survivor.line);
    Ok((mutants, survivors))
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// One value that is changed.
#[derive(Debug, Clone)]
struct Change {
    path: Vec<Step>,
    was: Value,
    /// `None`: it is dropped.
    now: Option<Value>,
}

/// The engine of a pack in which one value is another. `None`: the language refuses it.
fn changed(table: &Table, change: &Change, uppers: &[String]) -> Option<Engine> {
    let mut root = Value::Table(table.clone());
    let (last, path) = change.path.split_last()?;
    let mut at = &mut root;
    for step in path {
        at = match step {
            Step::Key(key) => at.get_mut(key.as_str())?,
            Step::Index(index) => at.get_mut(*index)?,
        };
    }
    match (last, &change.now) {
        (Step::Key(key), Some(now)) => *at.get_mut(key.as_str())? = now.clone(),
        (Step::Index(index), Some(now)) => *at.get_mut(*index)? = now.clone(),
        (Step::Index(index), None) => {
            at.as_array_mut()?.remove(*index);
        }
        (Step::Key(key), None) => {
            at.as_table_mut()?.remove(key.as_str())?;
        }
    }
    let text = toml::to_string(&root).ok()?;
    let layers = uppers.iter().map(String::as_str).chain([text.as_str()]).map(|text| (text, "mutant.toml"));
    let compiled = rescind_policy::compile_layers(&layers.collect::<Vec<_>>()).ok()?;
    Engine::load(compiled.canonical()).ok()
}

/// Every change of every value, in the order of the keys.
fn changes(table: &Table, currency: &str) -> Vec<Change> {
    let mut found = Vec::new();
    for (key, value) in table {
        if !HEADER.contains(&key.as_str()) {
            let mut path = vec![Step::Key(key.clone())];
            descend(&mut path, value, currency, &mut found);
        }
    }
    found
}

fn descend(path: &mut Vec<Step>, value: &Value, currency: &str, found: &mut Vec<Change>) {
    match value {
        Value::Table(fields) => {
            for (key, value) in fields {
                path.push(Step::Key(key.clone()));
                found.push(Change { path: path.clone(), was: value.clone(), now: None });
                descend(path, value, currency, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                found.push(Change { path: path.clone(), was: item.clone(), now: None });
                descend(path, item, currency, found);
                path.pop();
            }
        }
        _ => {
            let others = others(path, value, currency);
            found.extend(others.into_iter().map(|now| Change {
                path: path.clone(),
                was: value.clone(),
                now: Some(now),
            }));
        }
    }
}

/// What a value could be instead: its neighbours, or the other words of its vocabulary.
fn others(path: &[Step], value: &Value, currency: &str) -> Vec<Value> {
    let keys = || path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None });
    let (Some(section), Some(key)) = (keys().next(), keys().next_back()) else { return Vec::new() };
    let field = field::of(section, &keys().collect::<Vec<_>>());
    match value {
        Value::Boolean(switch) => vec![Value::Boolean(!switch)],
        Value::Integer(number) => neighbours(*number).into_iter().map(Value::Integer).collect(),
        Value::String(text) => texts(field, key, text, currency).into_iter().map(Value::String).collect(),
        _ => Vec::new(),
    }
}

/// One less and one more.
fn neighbours<N: TryFrom<i64>>(number: impl Into<i64>) -> Vec<N> {
    let number = number.into();
    [number.checked_sub(1), number.checked_add(1)].into_iter().flatten().filter_map(|n| N::try_from(n).ok()).collect()
}

fn texts(field: Option<&Field>, key: &str, text: &str, currency: &str) -> Vec<String> {
    match field.map_or(Unit::Text, |field| field.unit) {
        Unit::Amount => {
            let minor = Money::parse(text, currency).map(|money| money.minor);
            let beside = minor.map(neighbours::<i64>).unwrap_or_default().into_iter().filter(|minor| *minor >= 0);
            beside
                .filter_map(|minor| Amount::new(minor).ok())
                .map(|amount| notation::amount(currency, amount))
                .collect()
        }
        Unit::Span => {
            let seconds = Span::parse(text).map(|span| neighbours::<u32>(span.seconds())).unwrap_or_default();
            seconds
                .into_iter()
                .filter_map(|seconds| Span::new(seconds).ok())
                .map(|span| format!("{} seconds", span.seconds()))
                .collect()
        }
        Unit::Rate => {
            let millionths = Rate::parse(text).map(Rate::millionths);
            let beside = millionths.map(|rate| [rate.checked_sub(RATE_STEP), rate.checked_add(RATE_STEP)]);
            beside.into_iter().flatten().flatten().filter_map(|rate| Rate::new(rate).ok()).map(notation::rate).collect()
        }
        Unit::Window => {
            let parts = text.split_once(' ').and_then(|(number, unit)| Some((number.parse::<u32>().ok()?, unit)));
            let Some((number, unit)) = parts else { return Vec::new() };
            neighbours::<u32>(number).into_iter().map(|number| format!("{number} {unit}")).collect()
        }
        Unit::Count | Unit::Flag => Vec::new(),
        Unit::Permission | Unit::Text => words(field, key, text),
    }
}

/// Other words, days and times of day.
fn words(field: Option<&Field>, key: &str, text: &str) -> Vec<String> {
    fn all_but<W: Word>(text: &str) -> Vec<String> {
        W::ALL.iter().map(|(_, word)| *word).filter(|word| *word != text).map(str::to_owned).collect()
    }
    if let Ok(date) = Date::parse(text) {
        let days: [Option<NaiveDate>; 2] = [date.day().pred_opt(), date.day().succ_opt()];
        return days.into_iter().flatten().map(|day| day.to_string()).collect();
    }
    if let Ok(minutes) = CutOff::parse(text).map(CutOff::minutes).or(TimeOfDay::parse(text).map(TimeOfDay::minutes)) {
        return neighbours::<i32>(minutes).into_iter().filter(|m| *m >= 0).map(|m| clock(m, "")).collect();
    }
    if field.is_some_and(|field| field.unit == Unit::Permission) {
        return all_but::<Permission>(text);
    }
    match key {
        "acquiring-fee" => all_but::<ReturnedFee>(text),
        "card-type" => all_but::<CardType>(text),
        "channel" => all_but::<Channel>(text),
        "counted" => all_but::<Counted>(text),
        "coupon" => all_but::<CouponRule>(text),
        "currency" => ["CNY", "USD"].into_iter().filter(|word| *word != text).map(str::to_owned).collect(),
        "executor" => all_but::<Executor>(text),
        "funding" => all_but::<FundingBasis>(text),
        "instead" => all_but::<Instead>(text),
        "payer" => all_but::<Party>(text),
        "reason" => all_but::<Demand>(text),
        "same" => all_but::<Same>(text),
        "since" => all_but::<Since>(text),
        "tiers-by" => all_but::<TierBasis>(text),
        "time-zone" => UtcOffset::parse(text)
            .map(|offset| neighbours::<i32>(offset.minutes()))
            .unwrap_or_default()
            .into_iter()
            .map(|minutes| clock(minutes.abs(), if minutes < 0 { "-" } else { "+" }))
            .collect(),
        "any-of" => all_but::<IdentityKind>(text),
        "weekday" | "weekend" => all_but::<Weekday>(text),
        _ => vec![format!("{text}-2")],
    }
}

/// `+08:01`
fn clock(minutes: i32, sign: &str) -> String {
    format!("{sign}{:02}:{:02}", minutes.div_euclid(HOUR), minutes.rem_euclid(HOUR))
}

/// The line at which a value begins, from 1.
fn line_of(text: &str, table: &Spanned<DeTable<'_>>, path: &[Step]) -> usize {
    let mut at = table.span().start;
    let mut value: Option<&DeValue<'_>> = None;
    for step in path {
        let next = match (value, step) {
            (None, Step::Key(key)) => table.get_ref().get(key.as_str()),
            (Some(DeValue::Table(fields)), Step::Key(key)) => fields.get(key.as_str()),
            (Some(DeValue::Array(items)), Step::Index(index)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        at = next.span().start;
        value = Some(next.get_ref());
    }
    let before = text.get(..at).unwrap_or_default();
    before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// `refund.tier[1].expires-after`
fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
