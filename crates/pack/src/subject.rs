//! What an explanation is asked for: a case of a pack, or facts as JSON with a question.

use crate::case::{Asked, CaseFile};
use crate::pack::Pack;
use rescind_eligibility::Explanation;
use rescind_model::Facts;
use rescind_model::record::{DecisionRecord, Input, Question, WAYS_FORMAT, WaysRecord};

/// Facts and a question.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What is known.
    pub facts: Facts,
    /// What is asked.
    pub asked: Asked,
}

/// Why nothing can be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotExplain(String);

impl CannotExplain {
    fn nothing_asked() -> Self {
        Self("it asks for no decision: what it expects the policy says by itself".to_owned())
    }
}

impl Subject {
    /// A case of the pack, by its name or a part of it that no other has.
    ///
    /// # Errors
    /// No such case, several, or one with a value that is none.
    pub fn of_case(pack: &Pack, name: &str) -> Result<Self, CannotExplain> {
        let file = pack.case_file();
        let unreadable = |error: &dyn core::fmt::Display| CannotExplain(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&error))?;
        let cases = CaseFile::read(&text).map_err(|error| unreadable(&error))?.cases;
        let found: Vec<_> = cases.iter().filter(|case| case.name.contains(name)).collect();
        let case = match (found.iter().find(|case| case.name == name), found.as_slice()) {
            (Some(exact), _) => exact,
            (None, [one]) => one,
            (None, []) => {
                return Err(CannotExplain(format!("{} has no case with {name:?} in its name", file.display())));
            }
            (None, several) => {
                let names: Vec<String> = several.iter().map(|case| format!("\n  {}", case.name)).collect();
                return Err(CannotExplain(format!("several cases have {name:?} in their name:{}", names.concat())));
            }
        };
        let bad = |error: crate::case::CaseError| CannotExplain(error.to_string());
        let asked = case.asked(&pack.engine).map_err(bad)?;
        if asked == Asked::Nothing {
            return Err(CannotExplain::nothing_asked());
        }
        Ok(Self { facts: case.facts(&pack.engine).map_err(bad)?, asked })
    }

    /// Facts as JSON: alone, with a question (`{"facts": …, "question": …}`), or recorded: a decision, or all ways at once.
    /// A question that is given besides comes first; without any, all ways are asked for.
    ///
    /// # Errors
    /// Not JSON, or none of these.
    pub fn of_json(text: &str, asked: Option<Asked>) -> Result<Self, CannotExplain> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| CannotExplain(e.to_string()))?;
        let bad = |what: &str| {
            let what = what.to_owned();
            move |error: serde_json::Error| CannotExplain(format!("expected {what}: {error}"))
        };
        let own = |question: Question| asked.clone().unwrap_or(Asked::One(question));
        if value.get("input").is_some() {
            let record: DecisionRecord = serde_json::from_value(value).map_err(bad("a recorded decision"))?;
            return Ok(Self { facts: record.input.facts, asked: own(record.input.question) });
        }
        if value.get("format").and_then(serde_json::Value::as_str) == Some(WAYS_FORMAT) {
            let record: WaysRecord = serde_json::from_value(value).map_err(bad("what was recorded of all ways"))?;
            return Ok(Self { facts: record.facts, asked: asked.unwrap_or(Asked::All(record.amount)) });
        }
        if value.get("facts").is_some() {
            let input: Input = serde_json::from_value(value).map_err(bad("facts with a question"))?;
            return Ok(Self { facts: input.facts, asked: own(input.question) });
        }
        let facts: Facts = serde_json::from_value(value).map_err(bad("facts"))?;
        Ok(Self { facts, asked: asked.unwrap_or(Asked::All(None)) })
    }

    /// Asks, and gives every rule that was asked.
    ///
    /// # Errors
    /// Nothing is decided: why.
    pub fn explain(&self, pack: &Pack) -> Result<Vec<Explanation>, CannotExplain> {
        let explained = match &self.asked {
            Asked::One(question) => pack.engine.explain(&self.facts, question).map(|one| vec![one]),
            Asked::All(amount) => pack.engine.explain_all(&self.facts, amount.as_ref()),
            Asked::Nothing => return Err(CannotExplain::nothing_asked()),
        };
        explained.map_err(|error| CannotExplain(format!("nothing is decided: {error:?}")))
    }
}
