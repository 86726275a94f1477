//! Ten thousand damaged policies: each is refused with a reason, or loaded and asked. None breaks the component off.

use crate::world::{Draw, NATIVE, Pack, packs};
use rescind_decider::DeciderError;
use rescind_eligibility::Engine;
use rescind_model::record::Input;
use serde_json::Value;

const MUTANTS: usize = 10_000;

/// Questions that every accepted policy is asked.
const QUESTIONS: usize = 24;

/// What a damaged file becomes.
enum Fate {
    /// A diagnostic of the compiler.
    Diagnosed,
    /// A refusal of the component.
    Refused,
    /// Asked.
    Asked,
}

fn bytes(draw: &mut Draw, bytes: &mut Vec<u8>) {
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len().max(1));
        match draw.below(6) {
            _ if bytes.is_empty() => bytes.push(b'{'),
            0 => bytes[at] ^= 1 << draw.below(8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, draw.of(b"\0\"{}[],:0919.-eE\\ \n\xff\xe6")),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + draw.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let end = (at + draw.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
}

/// Another value in place of one that is somewhere in the document.
fn strange(draw: &mut Draw, was: &Value) -> Value {
    let all = [
        Value::Null,
        Value::from(0),
        Value::from(-1),
        Value::from(1),
        Value::from(u32::MAX),
        Value::from(i64::MAX),
        Value::from(i64::MIN),
        Value::from(u64::MAX),
        Value::from(0.5),
        Value::from(""),
        Value::from("allow"),
        Value::from("deny"),
        Value::from("refer"),
        Value::from("9999-12-31"),
        Value::from("1970-01-01"),
        Value::from("100%"),
        Value::from("999999999999.99"),
        Value::from("36500 days"),
        Value::from("x".repeat(5_000)),
        Value::from(true),
        Value::from(false),
        Value::Array(vec![was.clone(), was.clone()]),
        Value::Array(vec![was.clone(); 300]),
        Value::Array(Vec::new()),
        Value::Object(serde_json::Map::new()),
    ];
    match was {
        // Near what was there: these are the ones that get through.
        Value::Number(number) if draw.once_in(2) => {
            let number = number.as_i64().unwrap_or(0);
            Value::from(draw.of(&[
                number.saturating_add(1),
                number.saturating_sub(1),
                number.saturating_mul(1_000),
                number / 2,
            ]))
        }
        Value::Bool(was) if draw.once_in(2) => Value::from(!was),
        _ => draw.of(&all),
    }
}

fn structure(draw: &mut Draw, value: &mut Value, donor: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !draw.once_in(12) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = draw.of(&keys);
            match draw.below(10) {
                0 => drop(fields.remove(&key)),
                1 => {
                    if let Some(other) = donor.get(&key) {
                        fields.insert(key, other.clone());
                    }
                }
                2 => {
                    let other = draw.of(&keys);
                    let moved = fields.get(&other).cloned().unwrap_or_default();
                    fields.insert(key, moved);
                }
                _ => {
                    let none = Value::Null;
                    let donor = donor.get(&key).unwrap_or(&none);
                    if let Some(inner) = fields.get_mut(&key) {
                        structure(draw, inner, donor);
                    }
                }
            }
        }
        Value::Array(items) if !items.is_empty() && !draw.once_in(6) => {
            let at = draw.below(items.len());
            match draw.below(5) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.reverse(),
                _ => structure(draw, &mut items[at], donor),
            }
        }
        _ => *value = strange(draw, value),
    }
}

fn lines(draw: &mut Draw, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    for _ in 0..=draw.below(3) {
        if lines.is_empty() {
            break;
        }
        let (at, other) = (draw.below(lines.len()), draw.below(lines.len()));
        match draw.below(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(other, lines[at].clone()),
            2 => lines.swap(at, other),
            _ => {
                let digits: Vec<usize> =
                    lines[at].bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(i, _)| i).collect();
                if !digits.is_empty() {
                    let digit = draw.of(&digits);
                    let number = draw.of(&["0", "-1", "99999999999999999999", "7", "31"]);
                    lines[at].replace_range(digit..=digit, number);
                }
            }
        }
    }
    lines.join("\n")
}

/// Loads what came of it and asks it everything.
fn run(mutant: &[u8], questions: &[Input], what: &str) -> Fate {
    let mut loaded = match NATIVE.instance().unwrap().load(mutant) {
        Ok(loaded) => loaded,
        Err(DeciderError::Policy { code, message }) => {
            assert!(
                code.starts_with("policy.") && !message.is_empty(),
                "{what}: refused without a reason: {code:?} {message:?}"
            );
            return Fate::Refused;
        }
        Err(error) => panic!("{what}: {error}"),
    };
    for input in questions {
        if let Err(error) = loaded.decide(&input.facts, &input.question) {
            panic!("{what}: {error}; {}", serde_json::to_string(input).unwrap());
        }
    }
    Fate::Asked
}

fn mutate(draw: &mut Draw, pack: &Pack, donor: &Pack, questions: &[Input], what: &str) -> Fate {
    match draw.below(4) {
        0 => {
            let mut mutant = pack.document.clone();
            bytes(draw, &mut mutant);
            run(&mutant, questions, what)
        }
        1 => {
            let mut text = lines(draw, &pack.text);
            if draw.once_in(4) {
                let mut raw = text.into_bytes();
                bytes(draw, &mut raw);
                text = String::from_utf8_lossy(&raw).into_owned();
            }
            match rescind_policy::compile(&text, "mutant.toml") {
                Ok(compiled) => match run(compiled.canonical(), questions, what) {
                    Fate::Refused => panic!("{what}: what the compiler accepts the component refuses"),
                    fate => fate,
                },
                Err(mistakes) => {
                    assert!(!mistakes.to_string().is_empty(), "{what}: refused without a diagnostic");
                    Fate::Diagnosed
                }
            }
        }
        _ => {
            let mut document: Value = serde_json::from_slice(&pack.document).unwrap();
            let donor: Value = serde_json::from_slice(&donor.document).unwrap();
            for _ in 0..=draw.below(3) {
                structure(draw, &mut document, &donor);
            }
            run(&serde_json::to_vec(&document).unwrap(), questions, what)
        }
    }
}

#[test]
fn a_damaged_policy_is_refused_or_decides_and_never_breaks_off() {
    let packs = packs();
    let mut draw = Draw::new(2);
    // Questions about every pack's sales, put to every mutant.
    let questions: Vec<Input> =
        packs.iter().cycle().take(QUESTIONS).map(|pack| draw.input(&Engine::load(&pack.document).unwrap())).collect();
    let (mut diagnosed, mut refused, mut asked) = (0_usize, 0_usize, 0_usize);
    for index in 0..MUTANTS {
        let mut draw = Draw::new(u64::try_from(index).unwrap());
        let (pack, donor) = (&packs[draw.below(packs.len())], &packs[draw.below(packs.len())]);
        match mutate(&mut draw, pack, donor, &questions, &format!("mutant {index} of {}", pack.name)) {
            Fate::Diagnosed => diagnosed += 1,
            Fate::Refused => refused += 1,
            Fate::Asked => asked += 1,
        }
    }
    println!("{MUTANTS} mutants: {diagnosed} diagnosed, {refused} refused, {asked} asked {QUESTIONS} questions each");
    // Were nearly all refused, nothing would have been asked.
    assert!(asked > MUTANTS / 20 && diagnosed > MUTANTS / 20 && refused > MUTANTS / 20);
}
