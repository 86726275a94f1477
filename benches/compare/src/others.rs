//! The other engines, each as its own documentation says that it is used fast: parsed once, input in its own types.

use crate::{Answer, Contender, Findings};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value as Json;
use std::hint::black_box;
use std::sync::Arc;

pub fn contenders(questions: &[Vec<u8>]) -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(Regorus::new(questions)),
        Box::new(Cedar::new(questions)),
        Box::new(Cel::new(questions)),
        Box::new(Zen::new(questions)),
    ]
}

/// `{"outcome": …, "findings": [[rule, verdict, observed, limit], …]}` in words.
fn words(answer: &Json) -> Answer {
    let word = |value: &Json| match value {
        Json::String(text) => text.to_lowercase(),
        Json::Number(number) => {
            number.as_f64().filter(|n| n.fract() == 0.0).map_or(number.to_string(), |n| format!("{n:.0}"))
        }
        other => other.to_string(),
    };
    let findings: Findings = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| [0, 1, 2, 3].map(|part| word(&finding[part])))
        .collect();
    Answer { outcome: answer["outcome"].as_str().unwrap().to_owned(), findings }
}

struct Regorus {
    engine: regorus::Engine,
    questions: Vec<regorus::Value>,
}

impl Regorus {
    fn new(questions: &[Vec<u8>]) -> Self {
        let mut engine = regorus::Engine::new();
        engine.add_policy("refund.rego".to_owned(), include_str!("../policies/refund.rego").to_owned()).unwrap();
        Self { engine, questions: questions.iter().map(|q| Self::value(q)).collect() }
    }

    fn value(bytes: &[u8]) -> regorus::Value {
        regorus::Value::from_json_str(std::str::from_utf8(bytes).unwrap()).unwrap()
    }

    fn eval(&mut self, input: regorus::Value) -> regorus::Value {
        self.engine.set_input(input);
        self.engine.eval_rule("data.refund.answer".to_owned()).unwrap()
    }
}

impl Contender for Regorus {
    fn name(&self) -> String {
        "regorus 0.14".to_owned()
    }

    fn answer(&mut self, question: usize) -> Answer {
        let answer = self.eval(self.questions[question].clone());
        words(&serde_json::from_str(&answer.to_json_str().unwrap()).unwrap())
    }

    fn typed(&mut self, question: usize) {
        black_box(self.eval(self.questions[question].clone()));
    }

    fn json(&mut self, bytes: &[u8]) {
        black_box(self.eval(Self::value(bytes)));
    }
}

struct Cedar {
    authorizer: cedar_policy::Authorizer,
    policies: cedar_policy::PolicySet,
    entities: cedar_policy::Entities,
    who: [cedar_policy::EntityUid; 3],
    questions: Vec<cedar_policy::Request>,
}

/// Cedar has no null: what is absent is left out.
fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

impl Cedar {
    fn new(questions: &[Vec<u8>]) -> Self {
        let policies = include_str!("../policies/refund.cedar").parse().unwrap();
        let who = [r#"Merchant::"M-8225""#, r#"Action::"refund""#, r#"Sale::"S-1""#].map(|uid| uid.parse().unwrap());
        let mut cedar = Self {
            authorizer: cedar_policy::Authorizer::new(),
            policies,
            entities: cedar_policy::Entities::empty(),
            who,
            questions: Vec::new(),
        };
        cedar.questions = questions.iter().map(|q| cedar.request(q)).collect();
        cedar
    }

    fn request(&self, bytes: &[u8]) -> cedar_policy::Request {
        let json = without_nulls(serde_json::from_slice(bytes).unwrap());
        let context = cedar_policy::Context::from_json_value(json, None).unwrap();
        let [principal, action, resource] = self.who.clone();
        cedar_policy::Request::new(principal, action, resource, context, None).unwrap()
    }

    /// The policies that forbade, with their verdicts, and the outcome that the host makes of them.
    fn eval<'p>(&'p self, request: &cedar_policy::Request) -> (&'static str, Vec<(&'p str, &'p str)>) {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        assert!(response.diagnostics().errors().next().is_none(), "cedar: {response:?}");
        let mut outcome = "allow";
        let mut findings = Vec::new();
        if response.decision() == cedar_policy::Decision::Deny {
            for id in response.diagnostics().reason() {
                let rule = self.policies.annotation(id, "id").unwrap();
                let verdict = self.policies.annotation(id, "verdict").unwrap();
                if verdict == "deny" || outcome == "allow" {
                    outcome = if verdict == "deny" { "deny" } else { "refer" };
                }
                findings.push((rule, verdict));
            }
        }
        (outcome, findings)
    }
}

impl Contender for Cedar {
    fn name(&self) -> String {
        "cedar-policy 4.14 (ids only)".to_owned()
    }

    fn says_why(&self) -> bool {
        false
    }

    fn answer(&mut self, question: usize) -> Answer {
        let (outcome, findings) = self.eval(&self.questions[question]);
        Answer {
            outcome: outcome.to_owned(),
            findings: findings
                .into_iter()
                .map(|(rule, verdict)| [rule.to_owned(), verdict.to_owned(), String::new(), String::new()])
                .collect(),
        }
    }

    fn typed(&mut self, question: usize) {
        black_box(self.eval(&self.questions[question]));
    }

    fn json(&mut self, bytes: &[u8]) {
        black_box(self.eval(&self.request(bytes)));
    }
}

struct Cel {
    env: Arc<cel::Env>,
    program: cel::Program,
    questions: Vec<cel::Context<'static, 'static>>,
}

/// JSON whose whole numbers are signed: CEL does not compare or add signed and unsigned ones.
struct Signed<'a>(&'a Json);

impl Serialize for Signed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Number(number) => match number.as_i64() {
                Some(whole) => serializer.serialize_i64(whole),
                None => number.serialize(serializer),
            },
            Json::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&Signed(item)))?;
                list.end()
            }
            Json::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Signed(value)))?;
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

impl Cel {
    fn new(questions: &[Vec<u8>]) -> Self {
        let env = Arc::new(cel::Env::stdlib());
        let program = env.compile(include_str!("../policies/refund.cel")).unwrap();
        let questions = questions.iter().map(|q| Self::context(&env, q)).collect();
        Self { env, program, questions }
    }

    fn context(env: &Arc<cel::Env>, bytes: &[u8]) -> cel::Context<'static, 'static> {
        let json: Json = serde_json::from_slice(bytes).unwrap();
        let mut context = cel::Context::with_env(env.clone());
        context.add_variable_from_value("input", cel::to_value(Signed(&json)).unwrap());
        context
    }
}

impl Contender for Cel {
    fn name(&self) -> String {
        "cel 0.15".to_owned()
    }

    fn answer(&mut self, question: usize) -> Answer {
        let answer = self.program.execute(&self.questions[question]).unwrap();
        words(&answer.json().unwrap())
    }

    fn typed(&mut self, question: usize) {
        black_box(self.program.execute(&self.questions[question]).unwrap());
    }

    fn json(&mut self, bytes: &[u8]) {
        let context = Self::context(&self.env, bytes);
        black_box(self.program.execute(&context).unwrap());
    }
}

struct Zen {
    decision: zen_engine::Decision,
    runtime: tokio::runtime::Runtime,
    questions: Vec<zen_engine::Variable>,
}

impl Zen {
    fn new(questions: &[Vec<u8>]) -> Self {
        let content: zen_engine::model::DecisionContent =
            serde_json::from_str(include_str!("../policies/refund.zen.json")).unwrap();
        let mut decision = zen_engine::DecisionEngine::default().create_decision(Arc::new(content));
        decision.compile();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { decision, runtime, questions: questions.iter().map(|q| Self::value(q)).collect() }
    }

    fn value(bytes: &[u8]) -> zen_engine::Variable {
        zen_engine::Variable::from(serde_json::from_slice::<Json>(bytes).unwrap())
    }

    fn eval(&self, input: zen_engine::Variable) -> zen_engine::Variable {
        self.runtime.block_on(self.decision.evaluate(input)).unwrap().result
    }
}

impl Contender for Zen {
    fn name(&self) -> String {
        "zen-engine 0.55".to_owned()
    }

    fn answer(&mut self, question: usize) -> Answer {
        let answer = self.eval(self.questions[question].clone());
        words(&answer.to_value())
    }

    fn typed(&mut self, question: usize) {
        black_box(self.eval(self.questions[question].clone()));
    }

    fn json(&mut self, bytes: &[u8]) {
        black_box(self.eval(Self::value(bytes)));
    }
}
