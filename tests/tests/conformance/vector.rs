//! The vectors, and the file they are kept in: `tests/conformance/vectors.jsonl`.
//!
//! A line says where a question comes from, and what has to be answered, by digest: questions are made again from the packs'
//! cases and from numbers, so the file is a tenth of what they are.

use crate::origin::Origin;
use crate::pack::Cased;
use rescind_eligibility::{Considered, rule};
use rescind_model::record::Answer;
use rescind_model::token::Token as _;
use rescind_model::{Decision, DecisionError, Digest, Outcome};
use rescind_pack::case::Asked;
use rescind_pack::subject::Subject;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// One vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The pack's file, without the ending.
    pub pack: String,
    /// Where the question comes from.
    pub from: Origin,
    /// What is answered, in short.
    pub said: Said,
    /// The first 16 digits of the SHA-256 of facts and question.
    pub input: String,
    /// The SHA-256 of the answer's bytes.
    pub answer: String,
}

/// What makes a vector one of its own within its pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The way that is asked for; `assess` for all, `charge` for what the sale is charged.
    pub asked: String,
    /// `allow`, `refer`, `deny`, an error's name, or what all ways say.
    pub outcome: String,
    /// The rules that stand in the way, each with what it alone answers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<String>,
}

/// One rule at one place of a pack, and what it said: what has to be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side {
    pub rule: &'static str,
    pub place: String,
    pub stands: bool,
    /// What it alone answers.
    pub verdict: &'static str,
}

/// Where the file is.
pub fn file() -> PathBuf {
    crate::pack::root().join("tests/conformance/vectors.jsonl")
}

/// Reads it.
pub fn read() -> Vec<Line> {
    let text = std::fs::read_to_string(file()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The digest of facts and question.
pub fn input_digest(subject: &Subject) -> String {
    let asked = match &subject.asked {
        Asked::One(question) => serde_json::to_vec(question),
        Asked::All(amount) => serde_json::to_vec(&("assess", amount)),
        Asked::Nothing => serde_json::to_vec("charge"),
    };
    let facts = serde_json::to_vec(&subject.facts).unwrap();
    let mut hex = Digest::of(&[facts, asked.unwrap()].concat()).hex;
    hex.truncate(16);
    hex
}

fn rules(decision: &Decision) -> impl Iterator<Item = String> {
    decision.findings.iter().map(|finding| format!("{} {}", finding.rule, finding.verdict.token()))
}

fn error(error: &DecisionError) -> String {
    match error {
        DecisionError::MissingFact(what) => format!("missing-fact {what}"),
        DecisionError::BadAmount(what) => format!("bad-amount {what}"),
        DecisionError::BadTime(what) => format!("bad-time {what}"),
    }
}

impl Said {
    /// What the native engine says to a question.
    pub fn of(pack: &Cased, subject: &Subject) -> Self {
        let none = BTreeSet::new();
        let (asked, outcome, rules) = match &subject.asked {
            Asked::One(question) => {
                let asked = question.way().token().to_owned();
                match crate::engine::native_answer(pack, subject, question) {
                    Answer::Decided(decision) => {
                        (asked, decision.outcome.token().to_owned(), rules(&decision).collect())
                    }
                    Answer::Error(why) => (asked, error(&why), none),
                }
            }
            Asked::All(amount) => match pack.pack.engine.assess(&subject.facts, amount.as_ref()) {
                Ok(decisions) => {
                    let ways = decisions.iter().map(|d| format!("{} {}", d.way.token(), d.outcome.token()));
                    let outcome = ways.collect::<Vec<_>>().join(", ");
                    ("assess".to_owned(), outcome, decisions.iter().flat_map(rules).collect())
                }
                Err(why) => ("assess".to_owned(), error(&why), none),
            },
            Asked::Nothing => {
                let charged = match pack.pack.engine.acquiring_fee(&subject.facts.sale) {
                    Ok(Some(_)) => "charged".to_owned(),
                    Ok(None) => "not charged".to_owned(),
                    Err(why) => error(&why),
                };
                ("charge".to_owned(), charged, none)
            }
        };
        Self { asked, outcome, rules }
    }
}

/// Every rule that is asked for a question, and what it says.
pub fn sides(pack: &Cased, subject: &Subject) -> BTreeSet<Side> {
    let engine = &pack.pack.engine;
    let considered: Vec<Considered> = match &subject.asked {
        Asked::One(question) => engine.explain(&subject.facts, question).map(|explained| explained.considered),
        Asked::All(amount) => engine
            .explain_all(&subject.facts, amount.as_ref())
            .map(|all| all.into_iter().flat_map(|explained| explained.considered).collect()),
        Asked::Nothing => engine.explain_charge(&subject.facts.sale).map(|(_, considered)| considered),
    }
    .unwrap_or_default();
    considered.into_iter().map(|considered| Side::of(&considered)).collect()
}

impl Side {
    fn of(considered: &Considered) -> Self {
        let verdict = match (rule::TERMS.contains(&considered.rule), considered.stands, considered.verdict) {
            (true, true, _) => "applies",
            (true, false, _) => "does not apply",
            (false, _, Outcome::Allow) => "passes",
            (false, _, Outcome::Refer) => "refer",
            (false, _, Outcome::Deny) => "deny",
        };
        Self { rule: considered.rule, place: considered.place.clone(), stands: considered.stands, verdict }
    }
}
