//! Differences that were put there: were they not found, the check would prove nothing.

use crate::check::WORLD;
use crate::engine::{COMPONENT, native, translated};
use rescind_decider::Target;
use rescind_eligibility::{Engine, rule};
use rescind_pack::draw::Draw;
use std::borrow::Cow;

fn below(draw: &mut Draw, end: usize) -> usize {
    usize::try_from(draw.below(u64::try_from(end).unwrap())).unwrap()
}

/// One bit is another.
fn flipped(bytes: &[u8], byte: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[byte] ^= 1 << bit;
    bytes
}

#[test]
fn one_bit_in_one_answer_is_found_and_named() {
    let mut draw = Draw::new(1, 0);
    for _ in 0..20 {
        let struck = below(&mut draw, WORLD.vectors.len());
        let mut asked = 0;
        let differences = WORLD.differences(|vector| {
            let answer = native(WORLD.pack(vector), &vector.subject);
            asked += 1;
            let (byte, bit) = (below(&mut draw, answer.len()), u8::try_from(draw.below(8)).unwrap());
            Ok(if asked == struck + 1 { flipped(&answer, byte, bit) } else { answer })
        });
        let found: Vec<usize> = differences.iter().map(|difference| difference.vector).collect();
        assert_eq!(found, [struck]);
    }
}

#[test]
fn one_bit_in_a_policy_is_found_in_every_answer_of_that_pack() {
    let runtime = translated(&COMPONENT, &Target::Pulley).unwrap();
    let mut draw = Draw::new(2, 0);
    for (index, pack) in WORLD.packs.iter().enumerate() {
        // One that still is a policy, or the component refuses it: found already.
        let altered = std::iter::repeat_with(|| {
            flipped(pack.document(), below(&mut draw, pack.document().len()), u8::try_from(draw.below(3)).unwrap())
        });
        let altered = altered.take(20_000).find(|altered| Engine::load(altered).is_ok());
        let altered = altered.unwrap_or_else(|| panic!("{}: every bit counts", pack.name()));
        let document = |other: &'_ crate::pack::Cased| {
            if other.name() == pack.name() {
                Cow::Owned(altered.clone())
            } else {
                Cow::Owned(other.document().to_vec())
            }
        };
        let mut host = WORLD.host(&runtime, document);
        let differences = WORLD.differences(|vector| {
            // The others were asked elsewhere.
            if vector.pack == index { host(vector) } else { Ok(native(WORLD.pack(vector), &vector.subject)) }
        });
        // A decision names its policy by hash, so none is the same; what is charged does not.
        let decisions = WORLD.vectors.iter().filter(|vector| {
            let said = &vector.line.said;
            vector.pack == index && ["allow", "refer", "deny"].contains(&said.outcome.as_str())
        });
        assert!(differences.len() >= decisions.count(), "{}: {}", pack.name(), differences.len());
        assert!(differences.iter().all(|difference| WORLD.vectors[difference.vector].pack == index));
    }
}

#[test]
fn one_bit_in_the_component_is_found() {
    // In a text: the id of a rule, if the component has it in one place.
    let reported = |id: &str| {
        let says = |rule: &String| rule.split(' ').next() == Some(id);
        WORLD.vectors.iter().filter(|vector| vector.line.said.rules.iter().any(says)).count()
    };
    let id = rule::ALL.into_iter().max_by_key(|id| if places(id.as_bytes()).len() == 1 { reported(id) } else { 0 });
    let id = id.unwrap();
    let [place] = places(id.as_bytes())[..] else { panic!("no rule's id stands in one place") };
    let runtime = translated(&flipped(&COMPONENT, place, 0), &Target::native()).unwrap();
    let differences = WORLD.differences(WORLD.host_as_it_is(&runtime));
    assert!(reported(id) > 0 && differences.len() >= reported(id), "{id}: {}", differences.len());

    // Anywhere: most bits leave no component, or one that breaks off; some decide otherwise, and some nobody sees.
    let mut draw = Draw::new(3, 0);
    let (mut refused, mut broken, mut found, mut unseen) = (0, 0, 0, 0);
    while found < 2 {
        let (byte, bit) = (below(&mut draw, COMPONENT.len()), u8::try_from(draw.below(8)).unwrap());
        let Ok(runtime) = translated(&flipped(&COMPONENT, byte, bit), &Target::native()) else {
            refused += 1;
            continue;
        };
        let mut host = WORLD.host_as_it_is(&runtime);
        let (mut first, mut breaks_off) = (None, false);
        for vector in &WORLD.vectors {
            match host(vector) {
                Ok(answer) if rescind_model::Digest::of(&answer).hex == vector.line.answer => {}
                Ok(_) => first = Some(vector),
                Err(_) => breaks_off = true,
            }
            if first.is_some() || breaks_off {
                break;
            }
        }
        match (first, breaks_off) {
            (Some(_), _) => found += 1,
            (None, true) => broken += 1,
            (None, false) => unseen += 1,
        }
        assert!(unseen < 60, "{refused} refused, {broken} broke off, {found} found, {unseen} unseen");
    }
    println!(
        "one bit of the component: {refused} refused, {broken} broke off, {found} answered otherwise, {unseen} unseen"
    );
}

/// Where bytes stand in the component.
fn places(bytes: &[u8]) -> Vec<usize> {
    COMPONENT.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes).map(|(at, _)| at).collect()
}
