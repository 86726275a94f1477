//! Where a vector comes from: a case that an expert wrote, or a question drawn by number; and what was done to it.
//! From this alone the same question is made again.

use crate::pack::Cased;
use crate::strain::{STRAINS, Strained};
use rescind_model::record::Question;
use rescind_pack::case::Asked;
use rescind_pack::generator::Generator;
use rescind_pack::subject::Subject;
use serde::{Deserialize, Serialize};

/// The seed of every question that is drawn.
const SEED: u64 = 4;

/// What a question begins as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// A case of the pack, by its name.
    Case(String),
    /// A question of the pack's generator, by its number.
    Draw(u64),
}

/// Where a vector comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    #[serde(flatten)]
    pub base: Base,
    /// Names of strains, in the order in which they were applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strains: Vec<String>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.base {
            Base::Case(name) => write!(f, "case {name:?}")?,
            Base::Draw(index) => write!(f, "draw {index}")?,
        }
        self.strains.iter().try_for_each(|strain| write!(f, " + {strain}"))
    }
}

impl Base {
    /// What it is without any strain. `None`: there is no such case, it is about no payment, or the policy has no place for what is drawn.
    pub fn subject(&self, pack: &Cased) -> Option<Subject> {
        let engine = &pack.pack.engine;
        match self {
            Self::Case(name) => {
                let case = pack.cases.iter().find(|case| case.name == *name)?;
                let asked = case.asked(engine).unwrap();
                match case.facts(engine) {
                    Ok(facts) => Some(Subject { facts, asked }),
                    // What a policy says by itself is said of no payment.
                    Err(_) if asked == Asked::Nothing => None,
                    Err(why) => panic!("{name}: {why}"),
                }
            }
            Self::Draw(index) => {
                let input = Generator::new(engine, SEED).input(*index).ok()?;
                Some(Subject { facts: input.facts, asked: Asked::One(input.question) })
            }
        }
    }
}

impl Origin {
    /// The question itself.
    pub fn subject(&self, pack: &Cased) -> Option<Subject> {
        let mut subject = self.base.subject(pack)?;
        for name in &self.strains {
            match WHOLE.iter().find(|(known, _)| known == name) {
                Some((_, asked)) => subject.asked = asked.clone(),
                None => {
                    let (_, strain) = STRAINS.iter().find(|(known, _)| known == name)?;
                    strained(pack, &mut subject, *strain)?;
                }
            }
        }
        Some(subject)
    }
}

/// What can be asked of any facts besides one way: all of them, and what the sale is charged. The last of the strains.
pub const WHOLE: [(&str, Asked); 2] = [("ask-all", Asked::All(None)), ("ask-charge", Asked::Nothing)];

/// Changes a question. `None`: nothing single is asked.
pub fn strained(pack: &Cased, subject: &mut Subject, strain: fn(&mut Strained<'_>)) -> Option<()> {
    let question: &mut Question = match &mut subject.asked {
        Asked::One(question) => question,
        Asked::All(_) | Asked::Nothing => return None,
    };
    strain(&mut Strained { engine: &pack.pack.engine, facts: &mut subject.facts, question });
    Some(())
}
