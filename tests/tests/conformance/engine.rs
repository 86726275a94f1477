//! The four engines.
//!
//! - **native**: the eligibility crate as a library;
//! - **server**: the built component, compiled by the engine of `rescind serve` with its settings;
//! - **terminal**: the same component translated ahead of time for this processor, loaded without a compiler;
//! - **pulley**: the same translated to Pulley's byte code, and interpreted.

use crate::pack::{Cased, root};
use rescind_decider::{Decider, DeciderError, Runtime, Target, Translation};
use rescind_model::record::{Answer, Question};
use rescind_pack::case::{Asked, decide};
use rescind_pack::subject::Subject;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The component that decides, as it was built.
pub static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = std::env::var_os("RESCIND_ELIGIBILITY")
        .map_or_else(|| root().join("target/components/eligibility.wasm"), PathBuf::from);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build --components` makes it", path.display()))
});

/// Instances at once: a warm one for each policy that is looked at, and one for a question of its own.
const INSTANCES: u32 = 4;

/// The hosts of a component, by name.
pub fn hosts(component: &[u8]) -> Result<Vec<(&'static str, Runtime)>, DeciderError> {
    Ok(vec![
        ("server", server(component)?),
        ("terminal", translated(component, &Target::native())?),
        ("pulley", translated(component, &Target::Pulley)?),
    ])
}

fn server(component: &[u8]) -> Result<Runtime, DeciderError> {
    let (engine, component) = rescind_host::compiled("eligibility", component)
        .map_err(|error| DeciderError::Translation { target: "the server".to_owned(), reason: error.to_string() })?;
    Runtime::in_engine(engine, &component)
}

/// Translated and loaded, without a word to each other.
pub fn translated(component: &[u8], target: &Target) -> Result<Runtime, DeciderError> {
    Translation::of(component, target)?.run(INSTANCES)
}

/// The bytes that have to be the same: the answer as it is recorded, exported and replayed.
fn bytes(answer: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap()
}

/// What the native engine answers.
pub fn native(pack: &Cased, subject: &Subject) -> Vec<u8> {
    let engine = &pack.pack.engine;
    match &subject.asked {
        Asked::One(question) => bytes(&native_answer(pack, subject, question)),
        Asked::All(amount) => bytes(&engine.assess(&subject.facts, amount.as_ref())),
        Asked::Nothing => bytes(&engine.acquiring_fee(&subject.facts.sale)),
    }
}

/// The same before it is written.
pub fn native_answer(pack: &Cased, subject: &Subject, question: &Question) -> Answer {
    match decide(&pack.pack.engine, &subject.facts, question) {
        Ok(decision) => Answer::Decided(decision),
        Err(error) => Answer::Error(error),
    }
}

/// What an engine with the component answers, kept loaded.
pub fn warm(decider: &mut Decider, subject: &Subject) -> Result<Vec<u8>, DeciderError> {
    Ok(match &subject.asked {
        Asked::One(question) => bytes(&decider.decide(&subject.facts, question)?),
        Asked::All(amount) => bytes(&decider.assess(&subject.facts, amount.as_ref())?),
        Asked::Nothing => bytes(&decider.acquiring_fee(&subject.facts.sale)?),
    })
}

/// What an instance answers that was made for this question. `None`: only single questions are asked so.
pub fn fresh(runtime: &Runtime, pack: &Cased, subject: &Subject) -> Option<Result<Vec<u8>, DeciderError>> {
    let Asked::One(question) = &subject.asked else { return None };
    Some(runtime.decide_once(pack.document(), &subject.facts, question).map(|answer| bytes(&answer)))
}
