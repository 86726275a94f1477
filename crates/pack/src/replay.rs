//! Recorded decisions made again: the same component and policy give the same bytes, or the first difference is shown.

use crate::case::decide;
use crate::records::{self, BadLine, Block, Done, Record, RecordsError};
use rescind_eligibility::Engine;
use rescind_model::Digest;
use rescind_model::record::{Answer, Input};
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
            let mut loaded = Loaded::new();
            move |block: &Block| part(decider, library, &mut loaded, block)
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

fn part<'a>(decider: &'a dyn Decider, library: &Library, loaded: &mut Loaded<'a>, block: &Block) -> Part {
    let mut part = Part::default();
    for (number, line) in block.lines() {
        match Record::read(line) {
            Ok(record) => again(decider, library, loaded, (number, line), &record, &mut part),
            Err(problem) => part.bad.push((number, problem)),
        }
    }
    part
}

fn again<'a>(
    decider: &'a dyn Decider,
    library: &Library,
    loaded: &mut Loaded<'a>,
    (number, line): (u64, &[u8]),
    record: &Record<'_>,
    part: &mut Part,
) {
    let input = &record.input;
    part.records = part.records.saturating_add(1);
    if !record.is_about() {
        part.changed_headers = part.changed_headers.saturating_add(1);
    }
    let hash = &record.policy.hash.hex;
    if !loaded.contains_key(hash) {
        let Some(canonical) = library.policies.get(hash) else {
            let policy = format!("{} {} ({hash})", record.policy.name, record.policy.version);
            let count = part.unknown.entry(policy).or_default();
            *count = count.saturating_add(1);
            return;
        };
        loaded.insert(hash.clone(), decider.load(canonical));
    }
    if decider.component().is_some_and(|component| *component != record.component) {
        part.other_component = part.other_component.saturating_add(1);
    }
    if !record.input_is_unchanged(line) {
        part.changed_inputs = part.changed_inputs.saturating_add(1);
    }
    let answer = match loaded.get_mut(hash) {
        Some(Ok(judge)) => judge.decide(input),
        Some(Err(reason)) => Err(format!("the policy {hash} cannot be loaded: {reason}")),
        None => Err("the policy cannot be loaded".to_owned()),
    };
    match answer {
        Ok(answer) if record.answered(&answer) => part.identical = part.identical.saturating_add(1),
        Ok(answer) => match record.answer() {
            // The same answer, written with other spaces or in another order: one writer writes both as the same bytes.
            Ok(recorded) if recorded == answer => part.identical = part.identical.saturating_add(1),
            Ok(recorded) => part.different.push((number, difference(record.id.to_string(), &recorded, &answer))),
            Err(problem) => part.bad.push((number, problem)),
        },
        Err(reason) => {
            let count = part.failures.entry(reason).or_default();
            *count = count.saturating_add(1);
        }
    }
}

fn difference(record: String, recorded: &Answer, found: &Answer) -> Difference {
    let json = |answer: &Answer| serde_json::to_value(answer).unwrap_or_default();
    let (recorded, found) = (json(recorded), json(found));
    let mut path = String::new();
    let (recorded, found) = first_difference(&mut path, &recorded, &found);
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    Difference { at: String::new(), record, path, recorded: text(recorded), found: text(found) }
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
