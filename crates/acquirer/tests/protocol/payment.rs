//! Operations that look at what became of the payment: reversal of a sale, order close, everything done to a hold.

use super::*;

fn state(state: &str, captured: &str, changes: u64) -> (String, String, u64) {
    (state.to_owned(), captured.to_owned(), changes)
}

fn amounting(operation: Value, amount: &str) -> Value {
    with(operation, "amount", json!({"amount": amount, "currency": "CNY"}))
}

#[tokio::test]
async fn a_reversal_undoes_a_paid_sale_once() {
    let world = World::new().await;
    assert_eq!(world.arrive("card", "paid").await, (200, json!({"status": "taken", "state": "paid"})));
    let first = world.post(&sale_reversal("X-1")).await;
    assert_eq!((outcome(&first), &first["duplicate"]), (("done", "00"), &json!(false)));
    // Stored and forwarded: the same again, and then under another reference.
    assert_eq!(world.post(&sale_reversal("X-1")).await["duplicate"], json!(true));
    assert_eq!(outcome(&world.post(&sale_reversal("X-2")).await), ("done", "00"));
    assert_eq!((world.effects_of("X-1").await, world.effects_of("X-2").await), ((1, 2), (0, 1)));
    assert_eq!(world.payment().await, state("reversed", "0.00", 1));
}

#[tokio::test]
async fn a_payment_that_arrives_after_its_end_is_refused() {
    for (end, means, arriving, ended) in [
        (sale_reversal("X-1"), "card", "paid", "reversed"),
        (sale_reversal("X-1"), "hold", "held", "reversed"),
        (operation("order-close", "X-1"), "code", "paid", "closed"),
    ] {
        let world = World::new().await;
        assert_eq!(outcome(&world.post(&end).await), ("done", "00"), "there is nothing, and so it is done");
        assert_eq!(world.effects_of("X-1").await, (0, 1));
        let (status, body) = world.arrive(means, arriving).await;
        assert_eq!((status, &body["status"], &body["code"]), (409, &json!("refused"), &json!("undone")), "{end}");
        assert_eq!(world.payment().await, state(ended, "0.00", 0));
    }
}

#[tokio::test]
async fn a_declined_sale_needs_no_reversal_and_takes_one() {
    let world = World::new().await;
    world.arrive("card", "declined").await;
    assert_eq!(outcome(&world.post(&sale_reversal("X-1")).await), ("done", "00"));
    assert_eq!(world.effects_of("X-1").await, (0, 1));
}

#[tokio::test]
async fn a_reversal_is_of_the_whole_payment() {
    let world = World::new().await;
    world.arrive("card", "paid").await;
    assert_eq!(outcome(&world.post(&amounting(sale_reversal("X-1"), "59.99")).await), ("failed", "13"));
    let dollars = with(sale_reversal("X-2"), "amount", json!({"amount": "60.00", "currency": "USD"}));
    assert_eq!(world.refused(&dollars).await, (422, "other-currency".to_owned()));
    assert_eq!(world.payment().await, state("paid", "60.00", 0));
}

#[tokio::test]
async fn an_order_is_closed_while_nobody_has_paid_it() {
    let world = World::new().await;
    world.arrive("code", "unpaid").await;
    assert_eq!(outcome(&world.post(&operation("order-close", "C-1")).await), ("done", "00"));
    assert_eq!(outcome(&world.post(&operation("order-close", "C-2")).await), ("done", "00"));
    assert_eq!((world.effects_of("C-1").await, world.effects_of("C-2").await), ((1, 1), (0, 1)));
    assert_eq!(world.arrive("code", "paid").await.0, 409, "a closed order cannot be paid");
    assert_eq!(world.payment().await, state("closed", "0.00", 1));
}

#[tokio::test]
async fn a_paid_order_is_not_closed_and_can_be_reversed() {
    let world = World::new().await;
    world.arrive("code", "unpaid").await;
    assert_eq!(world.arrive("code", "paid").await.1["state"], "paid");
    assert_eq!(outcome(&world.post(&operation("order-close", "C-1")).await), ("failed", "paid"));
    assert_eq!(world.effects_of("C-1").await, (0, 1));
    assert_eq!(world.payment().await, state("paid", "60.00", 0));
    assert_eq!(outcome(&world.post(&sale_reversal("X-1")).await), ("done", "00"));
    assert_eq!(world.payment().await, state("reversed", "0.00", 1));
}

#[tokio::test]
async fn a_completion_captures_up_to_the_ceiling_and_once() {
    let world = World::new().await;
    let hold = json!({
        "merchant": "m-1", "sale": "S-1", "means": "hold", "state": "held",
        "amount": {"amount": "60.00", "currency": "CNY"}, "ceiling": {"amount": "69.00", "currency": "CNY"},
    });
    assert_eq!(world.arrive_as(&hold).await, (200, json!({"status": "taken", "state": "held"})));
    let completion = |reference: &str, amount: &str| amounting(operation("hold-completion", reference), amount);
    assert_eq!(outcome(&world.post(&completion("P-1", "69.01")).await), ("failed", "61"));
    assert_eq!(outcome(&world.post(&completion("P-2", "69.00")).await), ("done", "00"));
    assert_eq!(world.post(&completion("P-2", "69.00")).await["duplicate"], json!(true));
    assert_eq!(outcome(&world.post(&completion("P-3", "1.00")).await), ("failed", "captured"));
    assert_eq!(outcome(&world.post(&operation("hold-release", "L-1")).await), ("failed", "captured"));
    assert_eq!(outcome(&world.post(&sale_reversal("X-1")).await), ("failed", "captured"));
    assert_eq!(world.effects_of("P-2").await, (1, 2));
    assert_eq!(world.payment().await, state("captured", "69.00", 1));
}

#[tokio::test]
async fn a_voided_completion_leaves_the_hold_standing_again() {
    let world = World::new().await;
    world.arrive("hold", "held").await;
    assert_eq!(outcome(&world.post(&operation("completion-void", "W-0")).await), ("failed", "held"));
    world.post(&amounting(operation("hold-completion", "P-1"), "40.00")).await;
    let void = |reference: &str, amount: &str| amounting(operation("completion-void", reference), amount);
    assert_eq!(outcome(&world.post(&void("W-1", "60.00")).await), ("failed", "13"));
    assert_eq!(outcome(&world.post(&void("W-2", "40.00")).await), ("done", "00"));
    assert_eq!(world.payment().await, state("held", "0.00", 2));
    assert_eq!(outcome(&world.post(&amounting(operation("hold-completion", "P-2"), "50.00")).await), ("done", "00"));
    assert_eq!(world.payment().await, state("captured", "50.00", 3));
}

#[tokio::test]
async fn a_released_hold_is_gone() {
    let world = World::new().await;
    world.arrive("hold", "held").await;
    assert_eq!(outcome(&world.post(&operation("hold-release", "L-1")).await), ("done", "00"));
    assert_eq!(outcome(&world.post(&operation("hold-release", "L-2")).await), ("done", "00"));
    assert_eq!(outcome(&world.post(&operation("hold-completion", "P-1")).await), ("failed", "released"));
    assert_eq!(outcome(&world.post(&operation("completion-void", "W-1")).await), ("failed", "released"));
    assert_eq!((world.effects_of("L-1").await, world.effects_of("L-2").await), ((1, 1), (0, 1)));
    assert_eq!(world.payment().await, state("released", "0.00", 1));
}

#[tokio::test]
async fn what_is_done_to_a_hold_finds_one() {
    for (means, arriving) in [("card", "paid"), ("code", "unpaid"), ("hold", "declined")] {
        for kind in ["hold-completion", "hold-release", "completion-void"] {
            let world = World::new().await;
            assert_eq!(outcome(&world.post(&operation(kind, "X-1")).await), ("failed", "25"), "{kind} of nothing");
            world.arrive(means, arriving).await;
            assert_eq!(outcome(&world.post(&operation(kind, "X-2")).await), ("failed", "25"), "{kind} of {means}");
            assert_eq!(world.payment().await.2, 0);
        }
    }
}

#[tokio::test]
async fn a_payment_arrives_as_what_it_is() {
    let world = World::new().await;
    let amount = json!({"amount": "60.00", "currency": "CNY"});
    let good = json!({"merchant": "m-1", "sale": "S-1", "means": "card", "state": "paid", "amount": amount});
    for bad in [
        with(good.clone(), "state", json!("held")),
        with(good.clone(), "state", json!("unpaid")),
        with(good.clone(), "ceiling", amount.clone()),
        with(with(good.clone(), "means", json!("hold")), "state", json!("paid")),
        with(good.clone(), "amount", json!({"amount": "0.00", "currency": "CNY"})),
        with(good.clone(), "tip", json!("1.00")),
    ] {
        let (status, body) = world.arrive_as(&bad).await;
        assert_eq!((status, &body["code"]), (422, &json!("invalid")), "{bad}");
    }
    assert_eq!(world.arrive_as(&good).await.0, 200);
    assert_eq!(world.arrive_as(&good).await.0, 200, "the same again is harmless");
    for other in [
        with(good.clone(), "state", json!("declined")),
        with(good.clone(), "means", json!("code")),
        with(good.clone(), "amount", json!({"amount": "61.00", "currency": "CNY"})),
    ] {
        let (status, body) = world.arrive_as(&other).await;
        assert_eq!((status, &body["code"]), (422, &json!("other-content")), "{other}");
    }
}

/// Each kind with a payment that it changes, and the state after.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("reversal", "card", "paid", "reversed"),
    ("order-close", "code", "unpaid", "closed"),
    ("hold-completion", "hold", "held", "captured"),
    ("hold-release", "hold", "held", "released"),
    ("completion-void", "hold", "held", "held"),
];

/// A world with the payment that an operation of this kind changes, and the operation.
async fn ready(kind: &str, means: &str, arriving: &str) -> (World, Value) {
    let world = World::new().await;
    world.arrive(means, arriving).await;
    let wanted = if kind == "reversal" { sale_reversal("X-1") } else { operation(kind, "X-1") };
    if kind == "completion-void" {
        world.post(&operation("hold-completion", "P-1")).await;
    }
    (world, wanted)
}

#[tokio::test]
async fn every_kind_can_be_slow_declined_silent_late_and_repeated_and_has_one_effect() {
    for (kind, means, arriving, after) in KINDS {
        let matching = json!({"kind": kind});

        let (world, wanted) = ready(kind, means, arriving).await;
        let before = world.payment().await;
        world.script_for(matching.clone(), 1, json!({"kind": "decline", "code": "57"})).await;
        assert_eq!(outcome(&world.post(&wanted).await), ("failed", "57"), "{kind}");
        assert_eq!(outcome(&world.post(&wanted).await), ("failed", "57"), "{kind}: a late copy moves nothing");
        assert_eq!((world.payment().await, world.effects_of("X-1").await), (before.clone(), (0, 2)), "{kind}");
        let again = with(wanted.clone(), "attempt", json!(2));
        assert_eq!(outcome(&world.post(&again).await), ("done", "00"), "{kind}: tried again on purpose");
        assert_eq!((world.payment().await.0.as_str(), world.effects_of("X-1").await.0), (after, 1), "{kind}");

        for took_place in [true, false] {
            let (world, wanted) = ready(kind, means, arriving).await;
            let script = json!({"kind": "timeout", "took_place": took_place, "hold_ms": 0});
            world.script_for(matching.clone(), 1, script).await;
            world.silent(&wanted).await;
            let expected = if took_place { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(world.get("/operations/X-1").await.0, expected, "{kind}");
            let answer = world.post(&wanted).await;
            assert_eq!((outcome(&answer), &answer["duplicate"]), (("done", "00"), &json!(took_place)), "{kind}");
            assert_eq!((world.payment().await.0.as_str(), world.effects_of("X-1").await), (after, (1, 2)), "{kind}");
        }

        let (world, wanted) = ready(kind, means, arriving).await;
        world.script_for(matching.clone(), 1, json!({"kind": "late-success", "after_ms": 800})).await;
        assert_eq!(outcome(&world.post(&wanted).await), ("processing", "09"), "{kind}");
        world.pass(799);
        assert_eq!(outcome(&world.post(&wanted).await), ("processing", "09"), "{kind}");
        assert_eq!(world.effects_of("X-1").await.0, 0, "{kind}");
        world.pass(1);
        assert_eq!(outcome(&world.get("/operations/X-1").await.1), ("done", "00"), "{kind}");
        assert_eq!((world.payment().await.0.as_str(), world.effects_of("X-1").await), (after, (1, 2)), "{kind}");

        let (world, wanted) = ready(kind, means, arriving).await;
        world.script_for(matching.clone(), 1, json!({"kind": "duplicate"})).await;
        assert_eq!(outcome(&world.post(&wanted).await), ("failed", "94"), "{kind}");
        assert_eq!((world.payment().await.0.as_str(), world.effects_of("X-1").await), (after, (1, 1)), "{kind}");

        let (world, wanted) = ready(kind, means, arriving).await;
        world.script_for(matching, 1, json!({"kind": "delay", "ms": 1})).await;
        assert_eq!(outcome(&world.post(&wanted).await), ("done", "00"), "{kind}");
        assert_eq!(world.effects_of("X-1").await, (1, 1), "{kind}");
    }
}

#[tokio::test]
async fn a_late_close_finds_that_the_order_was_paid_meanwhile() {
    let world = World::new().await;
    world.arrive("code", "unpaid").await;
    world.script(json!({"kind": "late-success", "after_ms": 800})).await;
    assert_eq!(outcome(&world.post(&operation("order-close", "C-1")).await), ("processing", "09"));
    world.arrive("code", "paid").await;
    world.pass(800);
    assert_eq!(outcome(&world.get("/operations/C-1").await.1), ("failed", "paid"));
    assert_eq!((world.payment().await, world.effects_of("C-1").await.0), (state("paid", "60.00", 0), 0));
}
