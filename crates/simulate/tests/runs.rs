//! A few runs over every store, so that a change that breaks an invariant is seen at once. `cargo xtask simulate` makes many.

use rescind_simulate::model::Model;
use rescind_simulate::run::{Plan, run};
use rescind_simulate::shop::Shop;

/// Runs over each store.
const RUNS: u64 = 40;

#[test]
fn nothing_is_lost_paid_twice_or_left_open_over_any_store() {
    for model in Model::ALL {
        let shop = Shop::open(model).unwrap();
        let (mut moved, mut struck) = (0, 0);
        for seed in 0..RUNS {
            let outcome = run(&shop, &Plan::of(seed, 31, 8), false);
            assert!(outcome.violations.is_empty(), "{model:?}, seed {seed}: {:#?}", outcome.violations);
            moved += outcome.moved;
            struck += outcome.struck.len();
        }
        assert!(moved > 20 && struck > 100, "{model:?}: {moved} operations moved money, {struck} faults struck");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let shop = Shop::open(Model::Lying).unwrap();
    let plan = Plan::of(7, 31, 8);
    let (one, two) = (run(&shop, &plan, true), run(&shop, &plan, true));
    assert!(one.story.len() > 100);
    assert_eq!(one.story, two.story);
}
