//! A layer restricts: whatever the policy above it refuses, no layer allows.

use crate::documents::{any_layers, layer, surrounded};
use crate::explanation::{decide, questions};
use crate::laws::pack_and_facts;
use crate::world::engine;
use proptest::prelude::*;
use rescind_model::{Decision, DecisionError, Outcome};
use rescind_policy::compile_layers;

/// What packs do not say yet: what a terminal may do alone, and other rules for some sales.
const MORE: &str = r#"
[offline]
void = "allow"
refund = "allow"
reversal = "allow"
other = "refer"
max-records = 5
contact-age = "1 day"
bundle-age = "7 days"
at-ceiling = "refer"

[[void.when]]
name = "hotel"
match = { kind = ["hotel-reservation"] }
minimum-wait = "10 seconds"
max-amount = "9000.00"

[[refund.when]]
name = "large"
match = { amount-from = "1000.00" }
minimum-wait = "1 hour"
"#;

fn upper(name: &str) -> String {
    let path = format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let pack = std::fs::read_to_string(path).unwrap();
    if pack.contains("[offline]") { pack } else { pack + MORE }
}

fn openness(answer: &Result<Decision, DecisionError>) -> Option<u8> {
    match answer.as_ref().ok()?.outcome {
        Outcome::Deny => Some(0),
        Outcome::Refer => Some(1),
        Outcome::Allow => Some(2),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_layer_allows_what_its_upper_refuses(
        (name, layers) in prop::sample::select(vec!["lakala", "unionpay"]).prop_flat_map(|name| (Just(name), any_layers(name))),
        sales in prop::collection::vec((pack_and_facts(), prop::collection::vec(any::<u32>(), 32)), 16),
    ) {
        let provider = upper(name);
        let mut files = vec![(provider.as_str(), "provider.toml")];
        let mut above = engine(compile_layers(&files).unwrap().document());
        for layer in &layers {
            files.push((layer, "layer.toml"));
            // One that is looser, or leaves a sale without a remedy, is refused.
            let Ok(compiled) = compile_layers(&files) else {
                files.pop();
                continue;
            };
            let below = engine(compiled.document());
            for ((_, facts), rolls) in &sales {
                let facts = surrounded(&below, facts, rolls.clone());
                for question in questions(&facts) {
                    let (upper, lower) = (decide(&above, &facts, &question), decide(&below, &facts, &question));
                    if let (Some(is), Some(may_be)) = (openness(&lower), openness(&upper)) {
                        prop_assert!(is <= may_be, "{}\n{:?}\nabove: {:?}\nbelow: {:?}", layer, question, upper, lower);
                    }
                }
            }
            above = below;
        }
    }
}

#[test]
fn the_law_on_layers_meets_many_of_them() {
    // Otherwise the law would say nothing.
    let provider = upper("lakala");
    let mut roll = 1_u32;
    let mut rolls = || -> Vec<u32> {
        let mut next = || {
            roll = roll.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            roll >> 8
        };
        (0..90).map(|_| next()).collect()
    };
    let taken = (0..200).filter(|_| {
        let layer = layer("lakala", rolls());
        compile_layers(&[(&provider, "provider.toml"), (&layer, "layer.toml")]).is_ok()
    });
    let taken = taken.count();
    assert!(taken > 60, "{taken} of 200");
}
