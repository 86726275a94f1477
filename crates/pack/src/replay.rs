//! Recorded decisions made again: the same component and policy give the same bytes, or the first difference is shown.

use crate::case::decide;
use crate::records::{self, BadLine, Block, Done, Line, RecordsError, WaysAnswer};
use rescind_eligibility::Engine;
use rescind_model::record::{Answer, Input};
use rescind_model::{Digest, Facts, Money, PolicyIdentity};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Differences that are kept; all are counted.
pub const KEPT: usize = 10;

/// Who decides again: the engine of this program, or a component's bytes.
pub trait Decider: Sync {
    /// The digest of the component's bytes. `None`: the native engine of this program.
    fn component(&self) -> Option<&Digest>;

    /// Loads a policy in its canonical form. Called once per thread and policy.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    fn load(&self, canonical: &[u8]) -> Result<Box<dyn Judge + '_>, String>;
}

/// A policy, loaded by a [`Decider`].
pub trait Judge {
    /// Decides. An error while deciding is an answer too.
    ///
    /// # Errors
    /// The decider itself failed: a trap, a limit. That is no answer.
    fn decide(&mut self, input: &Input) -> Result<Answer, String>;

    /// Looks at all ways at once. An error while deciding is an answer too.
    ///
    /// # Errors
    /// As [`Judge::decide`].
    fn assess(&mut self, facts: &Facts, amount: Option<&Money>) -> Result<WaysAnswer, String>;
}

/// The native engine of this program.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native;

impl Decider for Native {
    fn component(&self) -> Option<&Digest> {
        None
    }

    fn load(&self, canonical: &[u8]) -> Result<Box<dyn Judge + '_>, String> {
        let engine = Engine::load(canonical).map_err(|error| format!("{}: {}", error.code, error.message))?;
        Ok(Box::new(engine))
    }
}

impl Judge for Engine {
    fn decide(&mut self, input: &Input) -> Result<Answer, String> {
        Ok(match decide(self, &input.facts, &input.question) {
            Ok(decision) => Answer::Decided(decision),
            Err(error) => Answer::Error(error),
        })
    }

    fn assess(&mut self, facts: &Facts, amount: Option<&Money>) -> Result<WaysAnswer, String> {
        Ok(Engine::assess(self, facts, amount))
    }
}

/// Policies in canonical form by content hash.
#[derive(Debug, Clone, Default)]
pub struct Library {
    policies: HashMap<String, Vec<u8>>,
}

impl Library {
    /// Takes a policy up.
    pub fn add(&mut self, canonical: Vec<u8>) {
        self.policies.insert(Digest::of(&canonical).hex, canonical);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }
}

/// One decision that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// `file:line`.
    pub at: String,
    /// The record's name.
    pub record: String,
    /// The first place at which the answers differ, such as `decided.obligations.fees[0].amount.minor`.
    pub path: String,
    /// What was recorded there, as JSON.
    pub recorded: String,
    /// What was found there, as JSON.
    pub found: String,
}

impl core::fmt::Display for Difference {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { at, record, path, recorded, found } = self;
        write!(f, "{at}: {record}: {path}: recorded {recorded}, found {found}")
    }
}

/// What a replay found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Replay {
    /// Decisions made again.
    pub records: u64,
    /// Those that are equal to the byte.
    pub identical: u64,
    /// Those that are not.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Decisions that other bytes of the component made; they are replayed all the same.
    pub other_component: u64,
    /// Decisions whose input is not the one its digest was made of: somebody changed the record.
    pub changed_inputs: u64,
    /// Decisions whose merchant, sale or time is not that of their input: somebody changed the record.
    pub changed_headers: u64,
    /// Decisions that the decider could not make, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Decisions of policies that were not given, by name, version and hash.
    pub unknown_policies: BTreeMap<String, u64>,
    /// Lines that are no record, left out.
    pub bad_lines: u64,
    /// The first of them.
    pub bad: Vec<String>,
}

#[derive(Debug, Default)]
struct Part {
    records: u64,
    identical: u64,
    other_component: u64,
    changed_inputs: u64,
    changed_headers: u64,
    different: Vec<(u64, Difference)>,
    failures: BTreeMap<String, u64>,
    unknown: BTreeMap<String, u64>,
    bad: Vec<(u64, String)>,
}

impl Replay {
    /// Decides every recorded input again.
    ///
    /// # Errors
    /// A file that cannot be read; a line that is no record, unless `skip_bad`.
    pub fn run(
        decider: &dyn Decider,
        library: &Library,
        files: &[PathBuf],
        skip_bad: bool,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, RecordsError> {
        let mut all = Self::default();
        let worker = || {
            let (mut loaded, mut scratch) = (Loaded::new(), Vec::new());
            move |block: &Block| part(decider, library, &mut loaded, &mut scratch, block)
        };
        records::scan(files, threads, worker, |done| {
            progress(done.bytes);
            all.merge(files, skip_bad, done)
        })?;
        Ok(all)
    }

    /// Whether every decision was made again, equal to the byte. Where there was none, nothing was shown.
    #[must_use]
    pub fn is_faithful(&self) -> bool {
        self.records > 0
            && self.changed_headers == 0
            && self.identical == self.records
            && self.different == 0
            && self.changed_inputs == 0
            && self.bad_lines == 0
            && self.failures.is_empty()
            && self.unknown_policies.is_empty()
    }

    fn merge(&mut self, files: &[PathBuf], skip_bad: bool, done: Done<Part>) -> Result<(), RecordsError> {
        let file = records::name_of(files, done.file);
        let Part {
            records,
            identical,
            other_component,
            changed_inputs,
            changed_headers,
            different,
            failures,
            unknown,
            bad,
        } = done.part;
        for (line, problem) in bad {
            let bad = BadLine { file: file.clone(), line: done.first_line.saturating_add(line), problem };
            if !skip_bad {
                return Err(RecordsError::BadLine(bad));
            }
            self.bad_lines = self.bad_lines.saturating_add(1);
            if self.bad.len() < KEPT {
                self.bad.push(bad.to_string());
            }
        }
        self.records = self.records.saturating_add(records);
        self.identical = self.identical.saturating_add(identical);
        self.other_component = self.other_component.saturating_add(other_component);
        self.changed_inputs = self.changed_inputs.saturating_add(changed_inputs);
        self.changed_headers = self.changed_headers.saturating_add(changed_headers);
        for (reason, count) in failures {
            let sum = self.failures.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        for (policy, count) in unknown {
            let sum = self.unknown_policies.entry(policy).or_default();
            *sum = sum.saturating_add(count);
        }
        for (line, mut difference) in different {
            self.different = self.different.saturating_add(1);
            if self.differences.len() < KEPT {
                difference.at = format!("{}:{}", file.display(), done.first_line.saturating_add(line));
                self.differences.push(difference);
            }
        }
        Ok(())
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let number = crate::backtest::grouped;
        let mut lines = vec![format!(
            "{} decisions made again: {} equal to the byte, {} different",
            number(self.records),
            number(self.identical),
            number(self.different)
        )];
        lines.extend(self.differences.iter().map(|difference| format!("  {difference}")));
        if self.different > u64::try_from(self.differences.len()).unwrap_or(u64::MAX) {
            lines.push("  …".to_owned());
        }
        if self.other_component > 0 {
            lines.push(format!("{} were decided by other bytes of the component", number(self.other_component)));
        }
        if self.changed_inputs > 0 {
            lines.push(format!(
                "{} have an input that is not the one their digest was made of: the record was changed",
                number(self.changed_inputs)
            ));
        }
        if self.changed_headers > 0 {
            lines.push(format!(
                "{} name another merchant, sale or time than their input: the record was changed",
                number(self.changed_headers)
            ));
        }
        if self.records == 0 {
            lines.push(
                "there was no decision to make again, so nothing is shown: expected at least one record".to_owned(),
            );
        }
        for (policy, count) in &self.unknown_policies {
            lines.push(format!("{} were decided by {policy}, which is not among the policies given", number(*count)));
        }
        for (reason, count) in &self.failures {
            lines.push(format!("{} could not be decided: {reason}", number(*count)));
        }
        if self.bad_lines > 0 {
            lines.push(format!("{} lines are no record, left out; the first:", number(self.bad_lines)));
            lines.extend(self.bad.iter().map(|bad| format!("  {bad}")));
        }
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }
}

/// The policies that a thread has loaded, by hash.
type Loaded<'a> = HashMap<String, Result<Box<dyn Judge + 'a>, String>>;

/// What a thread keeps between records.
struct Bench<'a, 'k> {
    decider: &'a dyn Decider,
    library: &'k Library,
    loaded: &'k mut Loaded<'a>,
    scratch: &'k mut Vec<u8>,
    part: Part,
}

fn part<'a>(
    decider: &'a dyn Decider,
    library: &Library,
    loaded: &mut Loaded<'a>,
    scratch: &mut Vec<u8>,
    block: &Block,
) -> Part {
    let mut bench = Bench { decider, library, loaded, scratch, part: Part::default() };
    for (number, line) in block.lines() {
        if let Err(problem) = bench.again(number, line) {
            bench.part.bad.push((number, problem));
        }
    }
    bench.part
}

impl Bench<'_, '_> {
    /// Decides what a line records again.
    fn again(&mut self, number: u64, line: &[u8]) -> Result<(), String> {
        match Line::read(line)? {
            Line::One(record) => {
                let whole = (record.is_about_its_input(), record.input_is_unchanged(line));
                let Some(judge) = self.judge(&record.policy, &record.component, whole) else { return Ok(()) };
                let answer = judge.and_then(|judge| judge.decide(&record.input));
                let Some(answer) = self.answered(answer) else { return Ok(()) };
                // Or the same answer, written with other spaces or in another order: one writer writes both as the same
                // bytes.
                if record.answered(&answer, self.scratch) || record.answer()? == answer {
                    self.part.identical = self.part.identical.saturating_add(1);
                } else {
                    let (recorded, found) = (json(&record.answer()?), json(&answer));
                    self.differs(number, &record.id, &recorded, &found);
                }
            }
            Line::Ways(ways) => {
                let whole = (ways.is_about_its_facts(), ways.input_is_unchanged());
                let Some(judge) = self.judge(&ways.policy, &ways.component, whole) else { return Ok(()) };
                let answer = judge.and_then(|judge| judge.assess(&ways.facts, ways.amount.as_ref()));
                let Some(answer) = self.answered(answer) else { return Ok(()) };
                if ways.answered(&answer, self.scratch) || ways.answer()? == answer {
                    self.part.identical = self.part.identical.saturating_add(1);
                } else {
                    let (recorded, found) = (all_json(&ways.answer()?), all_json(&answer));
                    self.differs(number, &ways.id, &recorded, &found);
                }
            }
        }
        Ok(())
    }

    /// Counts a record, and what is wrong with it; gives who decides it again. `None`: its policy was not given.
    fn judge(
        &mut self,
        policy: &PolicyIdentity,
        component: &Digest,
        (is_about, is_unchanged): (bool, bool),
    ) -> Option<Result<&mut dyn Judge, String>> {
        let part = &mut self.part;
        part.records = part.records.saturating_add(1);
        if !is_about {
            part.changed_headers = part.changed_headers.saturating_add(1);
        }
        let hash = &policy.hash.hex;
        let Some(canonical) = self.library.policies.get(hash) else {
            let policy = format!("{} {} ({hash})", policy.name, policy.version);
            let count = part.unknown.entry(policy).or_default();
            *count = count.saturating_add(1);
            return None;
        };
        if self.decider.component().is_some_and(|own| own != component) {
            part.other_component = part.other_component.saturating_add(1);
        }
        if !is_unchanged {
            part.changed_inputs = part.changed_inputs.saturating_add(1);
        }
        if !self.loaded.contains_key(hash) {
            self.loaded.insert(hash.clone(), self.decider.load(canonical));
        }
        Some(match self.loaded.get_mut(hash) {
            Some(Ok(judge)) => Ok(&mut **judge),
            Some(Err(reason)) => Err(format!("the policy {hash} cannot be loaded: {reason}")),
            None => Err("the policy cannot be loaded".to_owned()),
        })
    }

    /// An answer; a failure is counted.
    fn answered<A>(&mut self, answer: Result<A, String>) -> Option<A> {
        match answer {
            Ok(answer) => Some(answer),
            Err(reason) => {
                let count = self.part.failures.entry(reason).or_default();
                *count = count.saturating_add(1);
                None
            }
        }
    }

    fn differs(&mut self, number: u64, record: &str, recorded: &Value, found: &Value) {
        let mut path = String::new();
        let (recorded, found) = first_difference(&mut path, recorded, found);
        let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let (recorded, found) = (text(recorded), text(found));
        let difference = Difference { at: String::new(), record: record.to_owned(), path, recorded, found };
        self.part.different.push((number, difference));
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

/// As the record has them.
fn all_json(answer: &WaysAnswer) -> Value {
    match answer {
        Ok(answers) => serde_json::json!({ "answers": answers }),
        Err(error) => serde_json::json!({ "error": error }),
    }
}

/// Goes down to the first value that differs and writes the way there into `path`.
fn first_difference<'a>(
    path: &mut String,
    recorded: &'a Value,
    found: &'a Value,
) -> (Option<&'a Value>, Option<&'a Value>) {
    match (recorded, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let differing = keys.into_iter().find(|key| a.get(*key) != b.get(*key));
            let Some(key) = differing else { return (Some(recorded), Some(found)) };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => first_difference(path, a, b),
                (a, b) => (a, b),
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let length = a.len().max(b.len());
            let Some(index) = (0..length).find(|index| a.get(*index) != b.get(*index)) else {
                return (Some(recorded), Some(found));
            };
            path.push_str(&format!("[{index}]"));
            match (a.get(index), b.get(index)) {
                (Some(a), Some(b)) => first_difference(path, a, b),
                (a, b) => (a, b),
            }
        }
        _ => (Some(recorded), Some(found)),
    }
}
