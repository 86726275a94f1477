//! Recorded decisions against another policy: what it would have answered otherwise, by rule and by outcome.

use crate::case::decide;
use crate::notation;
use crate::records::{self, BadLine, Block, Done, Line, Record, RecordsError, Ways};
use rescind_eligibility::Engine;
use rescind_model::record::Answer;
use rescind_model::token::Token as _;
use rescind_model::{BusinessDay, Decision, DecisionError, Finding, Instant, Money, Outcome, Way};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Examples that are kept of each kind of change; all of them are in the CSV.
pub const EXAMPLES: usize = 3;

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Came {
    /// Allowed.
    Allow,
    /// Referred to support.
    Refer,
    /// Denied.
    Deny,
    /// Nothing was decided: a fact is missing or makes no sense.
    Error,
}

impl Came {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Refer => "refer",
            Self::Deny => "deny",
            Self::Error => "error",
        }
    }

    /// What an answer came to.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Decided(decision) => Self::from(decision.outcome),
            Answer::Error(_) => Self::Error,
        }
    }
}

impl From<Outcome> for Came {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Allow,
            Outcome::Refer => Self::Refer,
            Outcome::Deny => Self::Deny,
        }
    }
}

impl Serialize for Came {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Ways whose outcome changed likewise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Turn {
    /// The way that was asked for; `void among all ways` where all ways were.
    pub way: &'static str,
    /// What was answered.
    pub was: Came,
    /// What would be.
    pub now: Came,
}

/// How often, and how much it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Extent {
    /// How many decisions.
    pub count: u64,
    /// The sum of their amounts by currency, in minor units.
    pub minor: BTreeMap<String, i128>,
    /// The first of them, as `file:line`, with the record's name.
    pub examples: Vec<String>,
}

/// A rule that is the reason for changes: what it answered alone, and what it would.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// The rule.
    pub rule: String,
    /// What it answered. `None`: it did not stand in the way.
    pub rule_was: Option<Came>,
    /// What it would. `None`: it would not.
    pub rule_now: Option<Came>,
    /// The change it came with.
    #[serde(flatten)]
    pub turn: Turn,
}

/// `void.window denies now`, `refund.window denies, where it referred`
impl core::fmt::Display for Cause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let present = |came: Came| if came == Came::Refer { "refers" } else { "denies" };
        let past = |came: Came| if came == Came::Refer { "referred" } else { "denied" };
        match (self.rule_was, self.rule_now) {
            (Some(was), Some(now)) => write!(f, "{} {}, where it {}", self.rule, present(now), past(was)),
            (Some(was), None) => write!(f, "{} no longer {}", self.rule, present(was)),
            (None, Some(now)) => write!(f, "{} {} now", self.rule, present(now)),
            (None, None) => f.write_str(&self.rule),
        }
    }
}

/// A rule with what it answers, before and after.
type Swing = (String, Option<Came>, Option<Came>);

/// How many outcomes became stricter and looser on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DayCount {
    /// Decisions.
    pub records: u64,
    /// Outcomes that became stricter.
    pub stricter: u64,
    /// Outcomes that became looser.
    pub looser: u64,
}

/// What a backtest found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backtest {
    /// Decisions that were tried.
    pub records: u64,
    /// Decisions of other policies than those asked for, left out.
    pub left_out: u64,
    /// Lines that are no record, left out.
    pub bad_lines: u64,
    /// The first bad lines.
    pub bad: Vec<BadLine>,
    /// Decisions whose outcome is another.
    pub changed: u64,
    /// Decisions with the same outcome but other terms: fees, approvals, time limits, findings.
    pub other_terms: u64,
    /// Outcomes that changed.
    pub turns: BTreeMap<Turn, Extent>,
    /// Why.
    pub causes: BTreeMap<Cause, u64>,
    /// Terms that changed where the outcome did not, by way.
    pub terms: BTreeMap<(&'static str, &'static str), u64>,
    /// Why nothing could be decided where something had been: most often a count that was not gathered at the time.
    pub undecided: BTreeMap<String, u64>,
    /// Days, by the question's local date.
    pub days: BTreeMap<BusinessDay, DayCount>,
}

/// What is asked of a backtest.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only decisions of policies of this name.
    pub only: Option<String>,
    /// Whether bad lines are counted and left out; otherwise the first ends the backtest.
    pub skip_bad: bool,
    /// How many threads.
    pub threads: NonZeroUsize,
}

/// One decision that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// The line within its block, from 0.
    line: u64,
    id: String,
    merchant: String,
    sale: String,
    at: Instant,
    day: Option<BusinessDay>,
    amount: Option<Money>,
    turn: Turn,
    /// Rules that answer otherwise.
    swings: Vec<Swing>,
    /// Terms that changed.
    terms: Vec<&'static str>,
    /// Why nothing could be decided.
    problem: Option<String>,
}

/// What one block came to.
#[derive(Debug, Default)]
struct Part {
    records: u64,
    left_out: u64,
    days: BTreeMap<BusinessDay, u64>,
    changes: Vec<Change>,
    bad: Vec<(u64, String)>,
}

impl Backtest {
    /// Tries every recorded decision against a policy. Every change is written to `csv`, in the order of the files and
    /// lines; `progress` is told how many bytes were gone through since it was last told.
    ///
    /// # Errors
    /// A file that cannot be read or written; a line that is no record, unless bad lines are skipped.
    pub fn run(
        engine: &Engine,
        files: &[PathBuf],
        options: &Options,
        mut csv: Option<&mut dyn Write>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, RecordsError> {
        let mut all = Self::default();
        if let Some(csv) = csv.as_mut() {
            written(csv.write_all(HEAD.as_bytes()))?;
        }
        let worker = || {
            let mut scratch = Vec::new();
            move |block: &Block| part(engine, block, options, &mut scratch)
        };
        records::scan(files, options.threads, worker, |done| {
            progress(done.bytes);
            all.merge(files, options, &done)?;
            if let Some(csv) = csv.as_mut() {
                let mut rows = String::new();
                for change in &done.part.changes {
                    row(&mut rows, files, &done, change);
                }
                written(csv.write_all(rows.as_bytes()))?;
            }
            Ok(())
        })?;
        if let Some(csv) = csv.as_mut() {
            written(csv.flush())?;
        }
        Ok(all)
    }

    fn merge(&mut self, files: &[PathBuf], options: &Options, done: &Done<Part>) -> Result<(), RecordsError> {
        let file = records::name_of(files, done.file);
        for (line, problem) in &done.part.bad {
            let line = done.first_line.saturating_add(*line);
            let bad = BadLine { file: file.clone(), line, problem: problem.clone() };
            if !options.skip_bad {
                return Err(RecordsError::BadLine(bad));
            }
            self.bad_lines = self.bad_lines.saturating_add(1);
            if self.bad.len() < EXAMPLES {
                self.bad.push(bad);
            }
        }
        self.records = self.records.saturating_add(done.part.records);
        self.left_out = self.left_out.saturating_add(done.part.left_out);
        for (day, records) in &done.part.days {
            count(&mut self.days.entry(*day).or_default().records, *records);
        }
        for change in &done.part.changes {
            self.note(&file, done.first_line, change);
        }
        Ok(())
    }

    fn note(&mut self, file: &std::path::Path, first_line: u64, change: &Change) {
        let turn = &change.turn;
        if let Some(problem) = &change.problem {
            count(self.undecided.entry(problem.clone()).or_default(), 1);
        }
        if turn.was == turn.now {
            self.other_terms = self.other_terms.saturating_add(1);
            for term in &change.terms {
                count(self.terms.entry((turn.way, *term)).or_default(), 1);
            }
            return;
        }
        self.changed = self.changed.saturating_add(1);
        let extent = self.turns.entry(turn.clone()).or_default();
        extent.count = extent.count.saturating_add(1);
        if let Some(amount) = &change.amount {
            let sum = extent.minor.entry(amount.currency.clone()).or_default();
            *sum = sum.saturating_add(i128::from(amount.minor));
        }
        if extent.examples.len() < EXAMPLES {
            let line = first_line.saturating_add(change.line);
            extent.examples.push(format!("{}:{line} {}", file.display(), change.id));
        }
        for (rule, rule_was, rule_now) in &change.swings {
            let cause = Cause { rule: rule.clone(), rule_was: *rule_was, rule_now: *rule_now, turn: turn.clone() };
            count(self.causes.entry(cause).or_default(), 1);
        }
        if let Some(day) = change.day {
            let day = self.days.entry(day).or_default();
            if turn.now > turn.was {
                count(&mut day.stricter, 1);
            } else {
                count(&mut day.looser, 1);
            }
        }
    }

    /// In words, with what matters most first.
    #[must_use]
    pub fn text(&self, policy: &str) -> String {
        let mut text = String::new();
        let same = self.records.saturating_sub(self.changed).saturating_sub(self.other_terms);
        line(&mut text, format_args!("{} decisions tried against {policy}", grouped(self.records)));
        line(&mut text, format_args!("  {} the same", grouped(same)));
        line(&mut text, format_args!("  {} with the same outcome on other terms", grouped(self.other_terms)));
        line(&mut text, format_args!("  {} with another outcome", grouped(self.changed)));
        if self.left_out > 0 {
            line(&mut text, format_args!("  {} of other policies, left out", grouped(self.left_out)));
        }
        if self.bad_lines > 0 {
            line(&mut text, format_args!("  {} bad lines, left out; the first:", grouped(self.bad_lines)));
            for bad in &self.bad {
                line(&mut text, format_args!("    {bad}"));
            }
        }
        self.turns_text(&mut text);
        if !self.causes.is_empty() {
            line(&mut text, format_args!("\nwhy:"));
            let mut causes: Vec<_> = self.causes.iter().collect();
            causes.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
            let width = causes.iter().map(|(_, count)| grouped(**count).len()).max().unwrap_or(0);
            for (cause, count) in causes {
                let (was, now) = (cause.turn.was.word(), cause.turn.now.word());
                line(&mut text, format_args!("  {:>width$}  {cause} ({was} → {now})", grouped(*count)));
            }
        }
        if !self.terms.is_empty() {
            line(&mut text, format_args!("\nother terms, the outcome being the same:"));
            let width = self.terms.values().map(|count| grouped(*count).len()).max().unwrap_or(0);
            for ((way, term), count) in &self.terms {
                line(&mut text, format_args!("  {:>width$}  {way}: {term}", grouped(*count)));
            }
        }
        if !self.undecided.is_empty() {
            line(&mut text, format_args!("\nnothing can be decided where something was:"));
            let width = self.undecided.values().map(|count| grouped(*count).len()).max().unwrap_or(0);
            for (problem, count) in &self.undecided {
                line(&mut text, format_args!("  {:>width$}  {problem}", grouped(*count)));
            }
        }
        text
    }

    fn turns_text(&self, text: &mut String) {
        if self.turns.is_empty() {
            return;
        }
        line(text, format_args!("\nthis change would have"));
        let width = self.turns.values().map(|extent| grouped(extent.count).len()).max().unwrap_or(0);
        let mut turns: Vec<_> = self.turns.iter().collect();
        turns.sort_by(|(a, m), (b, n)| n.count.cmp(&m.count).then_with(|| a.cmp(b)));
        for (turn, extent) in turns {
            let sums: Vec<String> = extent.minor.iter().map(|(currency, minor)| sum(currency, *minor)).collect();
            let ways = plural(turn.way, extent.count);
            let effect = fate(turn.now);
            let number = grouped(extent.count);
            let (was, sums) = (fate(turn.was), sums.join(", "));
            line(text, format_args!("  {effect} {number:>width$} {ways} that were {was} ({sums})"));
            line(text, format_args!("      such as {}", extent.examples.join(", ")));
        }
    }

    /// As JSON, for programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let turns: Vec<_> = self
            .turns
            .iter()
            .map(|(turn, extent)| {
                serde_json::json!({
                    "way": turn.way, "was": turn.was, "now": turn.now, "count": extent.count,
                    "minor": extent.minor.iter().map(|(c, m)| (c.clone(), m.to_string())).collect::<BTreeMap<_, _>>(),
                    "examples": extent.examples,
                })
            })
            .collect();
        let causes: Vec<_> = self
            .causes
            .iter()
            .map(|(cause, count)| {
                serde_json::json!({
                    "rule": cause.rule, "rule-was": cause.rule_was, "rule-now": cause.rule_now, "way": cause.turn.way, "was": cause.turn.was,
                    "now": cause.turn.now, "count": count,
                })
            })
            .collect();
        let terms: Vec<_> = self
            .terms
            .iter()
            .map(|((way, term), count)| serde_json::json!({ "way": way, "term": term, "count": count }))
            .collect();
        let bad: Vec<String> = self.bad.iter().map(ToString::to_string).collect();
        serde_json::json!({
            "records": self.records, "left-out": self.left_out, "bad-lines": self.bad_lines, "bad": bad,
            "changed": self.changed, "other-terms": self.other_terms, "turns": turns, "causes": causes,
            "terms": terms, "undecided": self.undecided,
            "days": self.days.iter().map(|(day, counts)| (day.to_string(), *counts)).collect::<BTreeMap<_, _>>(),
        })
    }
}

/// What an outcome means for whoever asked.
fn fate(came: Came) -> &'static str {
    match came {
        Came::Error => "left undecided",
        Came::Allow => "allowed",
        Came::Refer => "referred to support",
        Came::Deny => "refused",
    }
}

/// What was asked about all ways at once is told apart: nobody asked to do it.
const AMONG: &str = " among all ways";

fn among_all(way: Way) -> &'static str {
    match way {
        Way::Void => "void among all ways",
        Way::Refund => "refund among all ways",
        Way::Reversal => "reversal among all ways",
        Way::OrderClose => "order-close among all ways",
        Way::HoldRelease => "hold-release among all ways",
        Way::HoldCompletion => "hold-completion among all ways",
        Way::CompletionVoid => "completion-void among all ways",
    }
}

fn plural(way: &str, count: u64) -> String {
    let way = way.replace('-', " ");
    let (way, among) = way.split_at(way.find(AMONG).unwrap_or(way.len()));
    if count == 1 { format!("{way}{among}") } else { format!("{way}s{among}") }
}

/// A sum of amounts. It can be larger than any one amount.
fn sum(currency: &str, minor: i128) -> String {
    let one = i64::try_from(minor).ok().map(|minor| Money { minor, currency: currency.to_owned() }.decimal_text());
    format!("{} {currency}", one.unwrap_or_else(|| format!("{minor} minor units")))
}

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).rem_euclid(3) == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn count(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

fn line(text: &mut String, line: core::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    writeln!(text, "{line}").unwrap_or(());
}

fn written(result: std::io::Result<()>) -> Result<(), RecordsError> {
    result.map_err(|error| RecordsError::Unwritable(format!("cannot write the changes: {error}")))
}

fn part(engine: &Engine, block: &Block, options: &Options, scratch: &mut Vec<u8>) -> Part {
    let mut part = Part::default();
    for (number, line) in block.lines() {
        match try_line(engine, line, number, options, scratch) {
            Ok(None) => count(&mut part.left_out, 1),
            Ok(Some(Tried { day, decisions, changes })) => {
                count(&mut part.records, decisions);
                if let Some(day) = day {
                    count(part.days.entry(day).or_default(), decisions);
                }
                part.changes.extend(changes);
            }
            Err(problem) => part.bad.push((number, problem)),
        }
    }
    part
}

/// What a line came to.
struct Tried {
    /// The business day of its decisions.
    day: Option<BusinessDay>,
    /// How many they are: one, or one for each way.
    decisions: u64,
    /// Those that would come out otherwise.
    changes: Vec<Change>,
}

/// Tries a line. `None`: it is not asked for.
fn try_line(
    engine: &Engine,
    line: &[u8],
    number: u64,
    options: &Options,
    scratch: &mut Vec<u8>,
) -> Result<Option<Tried>, String> {
    let left_out = |name: &str| options.only.as_ref().is_some_and(|only| only != name);
    let day = |at: Instant| engine.document().clock().business_day_of(at).ok();
    match Line::read(line)? {
        Line::One(record) if left_out(&record.policy.name) => Ok(None),
        Line::Ways(ways) if left_out(&ways.policy.name) => Ok(None),
        Line::One(record) => {
            let day = day(record.at);
            let changes = try_one(engine, &record, number, day, scratch)?;
            Ok(Some(Tried { day, decisions: 1, changes: changes.into_iter().collect() }))
        }
        Line::Ways(ways) => try_ways(engine, &ways, number, day(ways.at), scratch).map(Some),
    }
}

fn try_one(
    engine: &Engine,
    record: &Record<'_>,
    number: u64,
    day: Option<BusinessDay>,
    scratch: &mut Vec<u8>,
) -> Result<Option<Change>, String> {
    let input = &record.input;
    let mut now = decide(engine, &input.facts, &input.question);
    if let Ok(decision) = &mut now {
        // That another policy decides is no difference.
        decision.policy.clone_from(&record.policy);
    }
    let now = match now {
        Ok(decision) => Answer::Decided(decision),
        Err(error) => Answer::Error(error),
    };
    if record.answered(&now, scratch) {
        return Ok(None);
    }
    let was = record.answer()?;
    let about = About {
        id: &record.id,
        merchant: &record.merchant,
        sale: &record.sale,
        at: record.at,
        way: input.question.way().token(),
        amount: input.question.amount(),
    };
    Ok(change(&about, &was, &now, number, day))
}

/// Tries what was answered for all ways at once, each way for itself.
fn try_ways(
    engine: &Engine,
    ways: &Ways<'_>,
    number: u64,
    day: Option<BusinessDay>,
    scratch: &mut Vec<u8>,
) -> Result<Tried, String> {
    let mut now = engine.assess(&ways.facts, ways.amount.as_ref());
    for decision in now.iter_mut().flatten() {
        decision.policy.clone_from(&ways.policy);
    }
    let decisions = |answers: usize| u64::try_from(answers.max(1)).unwrap_or(u64::MAX);
    if ways.answered(&now, scratch) {
        return Ok(Tried { day, decisions: decisions(now.map_or(0, |now| now.len())), changes: Vec::new() });
    }
    let was = ways.answer()?;
    let of = |answers: &records::WaysAnswer, way: Way| match answers {
        Ok(answers) => answers.iter().find(|answer| answer.way == way).cloned().map(Answer::Decided),
        Err(error) => Some(Answer::Error(error.clone())),
    };
    // The ways follow from the facts: either answer has the same.
    let asked: Vec<Way> = was.iter().chain(&now).next().into_iter().flatten().map(|answer| answer.way).collect();
    let changes = asked.iter().filter_map(|way| {
        let about = About {
            id: &ways.id,
            merchant: &ways.merchant,
            sale: &ways.sale,
            at: ways.at,
            way: among_all(*way),
            amount: None,
        };
        change(&about, &of(&was, *way)?, &of(&now, *way)?, number, day)
    });
    Ok(Tried { day, decisions: decisions(asked.len()), changes: changes.collect() })
}

/// What a decision is about.
struct About<'a> {
    id: &'a str,
    merchant: &'a str,
    sale: &'a str,
    at: Instant,
    way: &'static str,
    /// What was asked for, if an amount was.
    amount: Option<&'a Money>,
}

/// How a decision would come out otherwise. `None`: it would not.
fn change(about: &About<'_>, was: &Answer, now: &Answer, line: u64, day: Option<BusinessDay>) -> Option<Change> {
    let turn = Turn { way: about.way, was: Came::of(was), now: Came::of(now) };
    let (mut swings, mut terms, mut problem) = (Vec::new(), Vec::new(), None);
    match (was, now) {
        (Answer::Decided(was), Answer::Decided(now)) => {
            swings = swung(&was.findings, &now.findings);
            terms = terms_changed(was, now);
            if turn.was == turn.now && terms.is_empty() {
                return None;
            }
        }
        (Answer::Decided(_), Answer::Error(error)) => problem = Some(told(error)),
        (Answer::Error(_), Answer::Decided(now)) => {
            swings = swung(&[], &now.findings);
        }
        (Answer::Error(_), Answer::Error(_)) => return None,
    }
    let decided = |answer: &Answer| match answer {
        Answer::Decided(decision) => Some(decision.amount.clone()),
        Answer::Error(_) => None,
    };
    Some(Change {
        line,
        id: about.id.to_owned(),
        merchant: about.merchant.to_owned(),
        sale: about.sale.to_owned(),
        at: about.at,
        day,
        amount: about.amount.cloned().or_else(|| decided(now)).or_else(|| decided(was)),
        turn,
        swings,
        terms,
        problem,
    })
}

/// Why nothing was decided, without what differs from record to record.
fn told(error: &DecisionError) -> String {
    match error {
        DecisionError::MissingFact(fact) => format!("missing-fact: {fact}"),
        DecisionError::BadAmount(text) | DecisionError::BadTime(text) => {
            let what = text.split_once(':').map_or("", |(what, _)| what);
            format!("{}{}{what}", notation::error(error), if what.is_empty() { "" } else { ": " })
        }
    }
}

/// Rules that answer otherwise, in the order in which they are asked.
fn swung(was: &[Finding], now: &[Finding]) -> Vec<Swing> {
    let answer = |findings: &[Finding], rule: &str| {
        let of_rule = findings.iter().filter(|finding| finding.rule == rule).map(|finding| Came::from(finding.verdict));
        of_rule.max()
    };
    let mut swings: Vec<Swing> = Vec::new();
    for finding in now.iter().chain(was) {
        let (before, after) = (answer(was, &finding.rule), answer(now, &finding.rule));
        if before != after && !swings.iter().any(|(rule, ..)| *rule == finding.rule) {
            swings.push((finding.rule.clone(), before, after));
        }
    }
    swings
}

/// What else than outcome and policy differs, in the order of the decision.
fn terms_changed(was: &Decision, now: &Decision) -> Vec<&'static str> {
    let (a, b) = (&was.obligations, &now.obligations);
    let rules = |decision: &Decision| decision.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>();
    let same_rules =
        was.findings.len() == now.findings.len() && (was.findings == now.findings || rules(was) == rules(now));
    let differs = [
        ("findings", !same_rules),
        ("remedies", same_rules && was.findings != now.findings),
        ("fees", a.fees != b.fees),
        ("approvals", a.approvals != b.approvals),
        ("evidence", a.evidence != b.evidence),
        ("operator-roles", a.operator_roles != b.operator_roles),
        ("executor", a.executor != b.executor),
        ("slip", a.slip != b.slip),
        ("arrival", a.arrival != b.arrival),
        ("identity", a.identity != b.identity),
        ("authentication", a.authentication != b.authentication),
        ("persons", a.persons != b.persons),
        ("coupon", a.coupon != b.coupon),
        ("penalty", a.penalty != b.penalty),
        ("funding", a.funding != b.funding),
        ("queries", a.queries != b.queries),
        ("offline", a.offline != b.offline),
        ("opens-at", was.opens_at != now.opens_at),
        ("open-until", was.open_until != now.open_until),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(term, _)| term).collect()
}

/// The CSV's first line.
const HEAD: &str =
    "file,line,record,merchant,sale,at,way,amount,currency,was,now,stricter-rules,looser-rules,terms,problem\r\n";

fn row(rows: &mut String, files: &[PathBuf], done: &Done<Part>, change: &Change) {
    let Change { line, id, merchant, sale, at, amount, turn, swings, terms, problem, .. } = change;
    // Sorted by what a reader looks for: what stands in the way now or more strictly, and what no longer does.
    let rules = |stricter: bool| -> Vec<&str> {
        let swings = swings.iter().filter(|(_, was, now)| (now > was) == stricter);
        swings.map(|(rule, ..)| rule.as_str()).collect()
    };
    let cells = [
        records::name_of(files, done.file).display().to_string(),
        done.first_line.saturating_add(*line).to_string(),
        id.clone(),
        merchant.clone(),
        sale.clone(),
        at.to_string(),
        turn.way.to_owned(),
        amount.as_ref().map(Money::decimal_text).unwrap_or_default(),
        amount.as_ref().map(|money| money.currency.clone()).unwrap_or_default(),
        turn.was.word().to_owned(),
        turn.now.word().to_owned(),
        rules(true).join(" "),
        rules(false).join(" "),
        terms.join(" "),
        problem.clone().unwrap_or_default(),
    ];
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    rows.push_str(&cells.join(","));
    rows.push_str("\r\n");
}

/// A cell after RFC 4180. What a spreadsheet would take for a formula is made a text.
fn cell(text: String) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
