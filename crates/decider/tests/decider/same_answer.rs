//! The invariant *same-answer*: native, translated by Cranelift and in Pulley, warm and fresh, byte for byte.

use crate::world::{Draw, NATIVE, PULLEY, native, packs};
use rescind_eligibility::Engine;
use rescind_model::record::Answer;
use rescind_model::{Digest, Outcome};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const PER_PACK: usize = 1_500;

fn bytes(answer: &impl serde::Serialize) -> String {
    serde_json::to_string(answer).unwrap()
}

#[test]
fn every_engine_gives_the_same_answer_byte_for_byte() {
    let mut seen = BTreeMap::<&str, usize>::new();
    // What was asked and answered, by pack: `cargo xtask cross` compares it with that of other processors.
    let mut digests = String::new();
    for pack in packs() {
        let engine = Engine::load(&pack.document).unwrap();
        let mut cranelift = NATIVE.decider(&pack.document).unwrap();
        let mut pulley = PULLEY.decider(&pack.document).unwrap();
        let mut draw = Draw::new(4);
        let mut story = String::new();
        for index in 0..PER_PACK {
            let input = draw.input(&engine);
            let expected = native(&engine, &input);
            *seen
                .entry(match &expected {
                    Answer::Decided(decision) if decision.outcome == Outcome::Allow => "allow",
                    Answer::Decided(decision) if decision.outcome == Outcome::Refer => "refer",
                    Answer::Decided(_) => "deny",
                    Answer::Error(_) => "error",
                })
                .or_default() += 1;
            let expected = bytes(&expected);
            writeln!(story, "{} {expected}", bytes(&input)).unwrap();
            let at = || format!("{}, input {index}: {}", pack.name, bytes(&input));
            assert_eq!(bytes(&cranelift.decide(&input.facts, &input.question).unwrap()), expected, "{}", at());
            assert_eq!(bytes(&pulley.decide(&input.facts, &input.question).unwrap()), expected, "Pulley, {}", at());
            if index % 50 == 0 {
                for runtime in [&*NATIVE, &*PULLEY] {
                    let fresh = runtime.decide_once(&pack.document, &input.facts, &input.question).unwrap();
                    assert_eq!(bytes(&fresh), expected, "fresh, {}", at());
                }
                let all = engine.assess(&input.facts, input.question.amount());
                for decider in [&mut cranelift, &mut pulley] {
                    let assessed = decider.assess(&input.facts, input.question.amount()).unwrap();
                    assert_eq!(assessed, all, "assess, {}", at());
                    assert_eq!(
                        decider.acquiring_fee(&input.facts.sale).unwrap(),
                        engine.acquiring_fee(&input.facts.sale)
                    );
                    let now = input.facts.now;
                    assert_eq!(decider.business_day_of(now).unwrap(), engine.business_day_of(now));
                }
            }
        }
        writeln!(digests, "{} {PER_PACK} {}", pack.name, Digest::of(story.as_bytes()).hex).unwrap();
        for decider in [&mut cranelift, &mut pulley] {
            assert_eq!(decider.identity(), engine.identity());
            assert_eq!(decider.needs().unwrap(), engine.needs());
            assert_eq!(decider.terms().unwrap(), engine.terms());
        }
    }
    // Were one of them missing, the questions would prove nothing about it.
    assert!(["allow", "refer", "deny", "error"].iter().all(|answer| seen.get(answer) > Some(&20)), "{seen:?}");
    if let Some(file) = std::env::var_os("RESCIND_ANSWERS") {
        std::fs::write(file, digests).unwrap();
    }
    println!("{seen:?}");
}
