//! Questions: what became of a sale, and whether a refund arrived.

use super::*;

fn sale() -> Value {
    json!({"merchant": "m-1", "sale": "S-1", "order": "4200001", "retrieval_reference": null, "slip": null})
}

impl World {
    async fn ask(&self) -> (StatusCode, Value) {
        self.send(Method::POST, "/sales/query", sale().to_string()).await.expect("an answer")
    }

    async fn word(&self) -> String {
        let (status, answer) = self.ask().await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["status"].as_str().unwrap().to_owned()
    }

    async fn traced(&self, reference: &str) -> Value {
        let (status, answer) = self.get(&format!("/operations/{reference}/trace")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["status"].clone()
    }
}

#[tokio::test]
async fn what_became_of_a_sale_is_told_and_not_changed() {
    let world = World::new().await;
    assert_eq!(world.ask().await, (StatusCode::NOT_FOUND, json!({"status": "not-found"})));
    world.arrive("code", "unpaid").await;
    assert_eq!(world.word().await, "not-paid");
    world.pass(5_000);
    world.arrive("code", "paid").await;
    let (_, answer) = world.ask().await;
    assert_eq!(
        answer,
        json!({
            "status": "paid", "code": "paid", "provider_reference": "A00000000001", "at": "2026-11-23T06:00:05Z",
        })
    );
    assert_eq!(world.payment().await, ("paid".to_owned(), "60.00".to_owned(), 0));
    world.post(&sale_reversal("X-1")).await;
    let (_, answer) = world.ask().await;
    assert_eq!((&answer["status"], &answer["code"]), (&json!("undone"), &json!("reversed")));
}

#[tokio::test]
async fn a_hold_is_told_apart_from_a_payment() {
    let world = World::new().await;
    world.arrive("hold", "held").await;
    assert_eq!(world.word().await, "held");
    world.post(&operation("hold-completion", "P-1")).await;
    assert_eq!(world.word().await, "paid");
    world.post(&operation("completion-void", "W-1")).await;
    world.post(&operation("hold-release", "L-1")).await;
    assert_eq!(world.word().await, "undone");
}

#[tokio::test]
async fn the_truth_can_come_out_late() {
    let world = World::new().await;
    world.arrive("code", "paid").await;
    let question = json!({"question": "sale", "sale": "S-1"});
    world.script_for(question.clone(), 3, json!({"kind": "says", "status": "unknown"})).await;
    for _ in 0..3 {
        assert_eq!(world.word().await, "unknown");
    }
    assert_eq!(world.word().await, "paid");
    // A script can also lie, be silent, or fail.
    world.script_for(question.clone(), 1, json!({"kind": "says", "status": "not-paid"})).await;
    assert_eq!(world.word().await, "not-paid");
    world.script_for(question.clone(), 1, json!({"kind": "timeout", "took_place": false, "hold_ms": 0})).await;
    assert!(world.send(Method::POST, "/sales/query", sale().to_string()).await.is_none());
    world.script_for(question, 1, json!({"kind": "server-error"})).await;
    assert_eq!(world.ask().await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.word().await, "paid");
}

#[tokio::test]
async fn scripts_for_questions_leave_operations_alone_and_the_other_way_round() {
    let world = World::new().await;
    world.arrive("card", "paid").await;
    world.script(json!({"kind": "server-error"})).await;
    world.script_for(json!({"question": "sale"}), 1, json!({"kind": "says", "status": "unknown"})).await;
    assert_eq!(world.word().await, "unknown");
    assert_eq!(world.word().await, "paid");
    assert_eq!(world.refused(&operation("refund", "R-1")).await.0, 500);
    assert_eq!(world.get("/scripts").await.1, json!({"scripts": []}));
    world.script_for(json!({"question": "sale", "sale": "S-2"}), 1, json!({"kind": "server-error"})).await;
    assert_eq!(world.word().await, "paid", "another sale's script");
}

#[tokio::test]
async fn a_refund_is_traced_by_its_reference() {
    let world = World::new().await;
    assert_eq!(world.get("/operations/R-1/trace").await, (StatusCode::NOT_FOUND, json!({"status": "not-found"})));
    world.script(json!({"kind": "late-success", "after_ms": 800})).await;
    world.post(&operation("refund", "R-1")).await;
    assert_eq!(world.traced("R-1").await, "unknown");
    world.pass(800);
    assert_eq!(world.traced("R-1").await, "arrived");
    let matching = json!({"question": "trace", "reference": "R-1", "sale": "S-1"});
    world.script_for(matching.clone(), 2, json!({"kind": "says", "status": "unknown"})).await;
    world.script_for(matching, 1, json!({"kind": "says", "status": "not-arrived"})).await;
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(world.traced("R-1").await);
    }
    assert_eq!(said, [json!("unknown"), json!("unknown"), json!("not-arrived"), json!("arrived")]);
    // Only refunds arrive anywhere.
    world.post(&operation("void", "V-1")).await;
    assert_eq!(world.get("/operations/V-1/trace").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_script_says_what_answers_the_question() {
    let world = World::new().await;
    let says = |status: &str| json!({"kind": "says", "status": status});
    for (matching, behaviour) in [
        (json!({}), says("unknown")),
        (json!({"question": "sale"}), says("arrived")),
        (json!({"question": "trace"}), says("paid")),
        (json!({"question": "sale"}), says("perhaps")),
        (json!({"question": "sale", "kind": "void"}), says("paid")),
        (json!({"question": "sale", "amount": "60.00"}), says("paid")),
        (json!({"question": "sale"}), json!({"kind": "decline", "code": "51"})),
        (json!({"question": "trace"}), json!({"kind": "late-success", "after_ms": 1})),
        (json!({"question": "trace"}), json!({"kind": "duplicate"})),
    ] {
        let script = json!({"match": matching, "behaviour": behaviour});
        let (status, body) = world.send(Method::POST, "/scripts", script.to_string()).await.unwrap();
        assert_eq!((status.as_u16(), &body["code"]), (422, &json!("invalid")), "{script}");
    }
}

#[tokio::test]
async fn a_question_that_is_none_is_refused() {
    let world = World::new().await;
    for bad in [
        json!({"merchant": "m-1"}),
        with(sale(), "merchant", json!("m 1")),
        with(sale(), "amount", json!("60.00")),
        with(sale(), "order", json!("x".repeat(501))),
    ] {
        let (status, body) = world.send(Method::POST, "/sales/query", bad.to_string()).await.unwrap();
        assert_eq!((status.as_u16(), &body["code"]), (422, &json!("invalid")), "{bad}");
    }
}
