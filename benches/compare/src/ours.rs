//! Our component, warm, fresh and in Pulley, and our engine natively.

use crate::{Answer, Contender};
use rescind_decider::{Decider, Runtime, Target, Verified};
use rescind_eligibility::Engine;
use rescind_model::record::{Answer as Decided, Input, Question};
use rescind_model::token::Token as _;
use rescind_model::{Decision, Value};
use std::hint::black_box;
use std::rc::Rc;

const POLICY: &str = include_str!("../policies/refund.toml");

/// A translation that `crates/decider/examples/translate.rs` made.
fn runtime(target: &Target, ending: &str) -> Runtime {
    let folder = std::env::var("RESCIND_COMPONENTS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/components").to_owned());
    let path = format!("{folder}/{ending}.cwasm");
    let translation =
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; README.md says how it is made"));
    // SAFETY: made on this machine by who runs this program, in a folder of theirs.
    let verified = unsafe { Verified::new(&translation) };
    Runtime::load(target, verified).unwrap()
}

pub fn contenders(questions: &[Input]) -> Vec<Box<dyn Contender>> {
    let compiled = rescind_policy::compile(POLICY, "refund.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let document: Rc<[u8]> = compiled.canonical().into();
    let questions: Rc<[Input]> = questions.into();
    let mut all: Vec<Box<dyn Contender>> =
        vec![Box::new(Native { engine: Engine::load(&document).unwrap(), questions: questions.clone() })];
    for (target, ending) in [(Target::Host, "native"), (Target::Pulley, "pulley64")] {
        let runtime = runtime(&target, ending);
        let name = if target.is_pulley() { "our component in Pulley" } else { "our component" };
        all.push(Box::new(Warm { name, decider: runtime.decider(&document).unwrap(), questions: questions.clone() }));
        all.push(Box::new(Fresh { name, runtime, document: document.clone(), questions: questions.clone() }));
    }
    all
}

fn words(decision: &Decision) -> Answer {
    let word = |value: &Value| match value {
        Value::Absent => String::new(),
        Value::Text(text) => text.clone(),
        Value::Count(count) => count.to_string(),
        Value::Amount(amount) => amount.minor.to_string(),
        Value::At(at) => at.unix_ms.to_string(),
        Value::Lasting(time) => time.ms.to_string(),
        Value::Day(day) => day.to_string(),
    };
    Answer {
        outcome: decision.outcome.token().to_owned(),
        findings: decision
            .findings
            .iter()
            .map(|f| [f.rule.clone(), f.verdict.token().to_owned(), word(&f.observed), word(&f.limit)])
            .collect(),
    }
}

fn decided(answer: Decided) -> Decision {
    match answer {
        Decided::Decided(decision) => decision,
        Decided::Error(error) => panic!("{error:?}"),
    }
}

struct Native {
    engine: Engine,
    questions: Rc<[Input]>,
}

impl Native {
    fn decide(&self, input: &Input) -> Decision {
        match &input.question {
            Question::Refund(question) => self.engine.decide_refund(&input.facts, question).unwrap(),
            _ => panic!("refunds are asked for"),
        }
    }
}

impl Contender for Native {
    fn name(&self) -> String {
        "our engine, native".to_owned()
    }

    fn answer(&mut self, question: usize) -> Answer {
        words(&self.decide(&self.questions[question]))
    }

    fn typed(&mut self, question: usize) {
        black_box(self.decide(&self.questions[question]));
    }

    fn json(&mut self, bytes: &[u8]) {
        let input: Input = serde_json::from_slice(bytes).unwrap();
        black_box(self.decide(&input));
    }
}

struct Warm {
    name: &'static str,
    decider: Decider,
    questions: Rc<[Input]>,
}

impl Contender for Warm {
    fn name(&self) -> String {
        format!("{}, warm", self.name)
    }

    fn answer(&mut self, question: usize) -> Answer {
        let Input { facts, question } = &self.questions[question];
        words(&decided(self.decider.decide(facts, question).unwrap()))
    }

    fn typed(&mut self, question: usize) {
        let Input { facts, question } = &self.questions[question];
        black_box(self.decider.decide(facts, question).unwrap());
    }

    fn json(&mut self, bytes: &[u8]) {
        let Input { facts, question } = &serde_json::from_slice(bytes).unwrap();
        black_box(self.decider.decide(facts, question).unwrap());
    }
}

/// An instance for every question, the policy loaded anew.
struct Fresh {
    name: &'static str,
    runtime: Runtime,
    document: Rc<[u8]>,
    questions: Rc<[Input]>,
}

impl Contender for Fresh {
    fn name(&self) -> String {
        format!("{}, fresh with load", self.name)
    }

    fn answer(&mut self, question: usize) -> Answer {
        let Input { facts, question } = &self.questions[question];
        words(&decided(self.runtime.decide_once(&self.document, facts, question).unwrap()))
    }

    fn typed(&mut self, question: usize) {
        let Input { facts, question } = &self.questions[question];
        black_box(self.runtime.decide_once(&self.document, facts, question).unwrap());
    }

    fn json(&mut self, bytes: &[u8]) {
        let Input { facts, question } = &serde_json::from_slice(bytes).unwrap();
        black_box(self.runtime.decide_once(&self.document, facts, question).unwrap());
    }
}
