//! The protocol and the simulation, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly, in their helpers too"
)]

mod payment;
mod question;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rescind_acquirer::{Acquirer, BODY_BYTES, Options};
use rescind_model::{Duration, Instant};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// An acquirer at 2026-11-23T06:00:00Z, whose clock only tests move.
struct World {
    acquirer: Acquirer,
    client: Client<HttpConnector, Full<Bytes>>,
    clock: Arc<AtomicI64>,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(1_795_413_600_000));
        let shown = Arc::clone(&clock);
        let options = Options {
            clock: Arc::new(move || Instant { unix_ms: shown.load(Ordering::SeqCst) }),
            hold: Duration { ms: 50 },
        };
        let acquirer = Acquirer::bind("127.0.0.1:0", options).await.unwrap();
        // A client that repeats requests by itself would spoil the counts.
        let client =
            Client::builder(TokioExecutor::new()).retry_canceled_requests(false).pool_max_idle_per_host(0).build_http();
        Self { acquirer, client, clock }
    }

    fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// Status and body; `None` if the connection was closed without an answer.
    async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Option<(StatusCode, Value)> {
        let uri = format!("{}{path}", self.acquirer.url());
        let request = Request::builder().method(method).uri(uri).body(Full::new(body.into())).unwrap();
        let response = self.client.request(request).await.ok()?;
        let status = response.status();
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() }))
    }

    async fn post(&self, operation: &Value) -> Value {
        let (status, body) = self.send(Method::POST, "/operations", operation.to_string()).await.expect("an answer");
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    async fn refused(&self, operation: &Value) -> (u16, String) {
        let (status, body) = self.send(Method::POST, "/operations", operation.to_string()).await.expect("an answer");
        assert_eq!(body["status"], "refused", "{body}");
        assert!(!body["message"].as_str().unwrap().is_empty());
        (status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }

    async fn silent(&self, operation: &Value) {
        let answer = self.send(Method::POST, "/operations", operation.to_string()).await;
        assert!(answer.is_none(), "{answer:?}");
    }

    /// A payment reaches the acquirer: status and body.
    async fn arrive(&self, means: &str, state: &str) -> (u16, Value) {
        let payment = json!({
            "merchant": "m-1", "sale": "S-1", "means": means, "state": state,
            "amount": {"amount": "60.00", "currency": "CNY"},
        });
        self.arrive_as(&payment).await
    }

    async fn arrive_as(&self, payment: &Value) -> (u16, Value) {
        let (status, body) = self.send(Method::POST, "/sales", payment.to_string()).await.expect("an answer");
        (status.as_u16(), body)
    }

    /// State, what is captured, and how many operations changed it.
    async fn payment(&self) -> (String, String, u64) {
        let payment = &self.effects().await["payments"]["m-1/S-1"];
        let text = |field: &str| payment[field].as_str().unwrap().to_owned();
        (text("state"), text("captured"), payment["changes"].as_u64().unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, "").await.unwrap()
    }

    async fn script(&self, behaviour: Value) {
        self.script_for(json!({}), 1, behaviour).await;
    }

    async fn script_for(&self, matching: Value, times: u32, behaviour: Value) {
        let script = json!({"match": matching, "times": times, "behaviour": behaviour});
        let (status, body) = self.send(Method::POST, "/scripts", script.to_string()).await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }

    async fn effects(&self) -> Value {
        let (_, effects) = self.get("/effects").await;
        // Both ways to look agree.
        assert_eq!(effects, serde_json::to_value(self.acquirer.effects()).unwrap());
        effects
    }

    async fn effects_of(&self, reference: &str) -> (u64, u64) {
        let (_, body) = self.get(&format!("/effects/{reference}")).await;
        (body["effects"].as_u64().unwrap(), body["calls"].as_u64().unwrap())
    }
}

fn operation(kind: &str, reference: &str) -> Value {
    json!({
        "reference": reference, "kind": kind, "original": null, "merchant": "m-1", "sale": "S-1",
        "retrieval_reference": "123456789012", "amount": {"amount": "60.00", "currency": "CNY"},
    })
}

fn reversal(reference: &str, original: &str) -> Value {
    let mut reversal = operation("reversal", reference);
    reversal["original"] = json!(original);
    reversal
}

fn sale_reversal(reference: &str) -> Value {
    with(operation("reversal", reference), "undoes", json!("sale"))
}

fn with(mut operation: Value, field: &str, value: Value) -> Value {
    operation[field] = value;
    operation
}

fn outcome(answer: &Value) -> (&str, &str) {
    (answer["status"].as_str().unwrap(), answer["code"].as_str().unwrap())
}

#[tokio::test]
async fn a_void_is_done_and_shows_in_the_effects() {
    let world = World::new().await;
    let answer = world.post(&operation("void", "V-1")).await;
    assert_eq!(
        answer,
        json!({
            "reference": "V-1", "status": "done", "code": "00", "provider_reference": "A00000000001",
            "at": "2026-11-23T06:00:00Z", "attempt": 1, "duplicate": false,
        })
    );
    assert_eq!(
        world.effects().await,
        json!({
            "references": {"V-1": {"kind": "void", "effects": 1, "calls": 1}},
            "sales": {"m-1/S-1": {"currency": "CNY", "voided": "60.00", "refunded": "0.00", "reversed": "0.00", "count": 1}},
        })
    );
    let (status, state) = world.get("/operations/V-1").await;
    assert_eq!((status, &state["status"], &state["duplicate"]), (StatusCode::OK, &json!("done"), &json!(true)));
}

#[tokio::test]
async fn the_same_again_has_no_second_effect_and_the_same_answer() {
    let world = World::new().await;
    let first = world.post(&operation("refund", "R-1")).await;
    world.pass(5_000);
    for _ in 0..3 {
        let again = world.post(&operation("refund", "R-1")).await;
        assert_eq!(again, with(first.clone(), "duplicate", json!(true)));
    }
    assert_eq!(world.effects_of("R-1").await, (1, 4));
}

#[tokio::test]
async fn many_callers_at_once_have_one_effect() {
    let world = Arc::new(World::new().await);
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.post(&operation("refund", "R-1")).await["duplicate"].as_bool().unwrap() })
        })
        .collect();
    let mut firsts = 0_u32;
    for call in calls {
        firsts = firsts.checked_add(u32::from(!call.await.unwrap())).unwrap();
    }
    assert_eq!(firsts, 1);
    assert_eq!(world.effects_of("R-1").await, (1, 32));
}

#[tokio::test]
async fn another_content_under_the_same_reference_is_refused() {
    let world = World::new().await;
    world.post(&operation("refund", "R-1")).await;
    let others = [
        with(operation("refund", "R-1"), "amount", json!({"amount": "60.01", "currency": "CNY"})),
        with(operation("refund", "R-1"), "amount", json!({"amount": "60.00", "currency": "USD"})),
        with(operation("refund", "R-1"), "sale", json!("S-2")),
        with(operation("refund", "R-1"), "merchant", json!("m-2")),
        with(operation("refund", "R-1"), "retrieval_reference", json!(null)),
        with(operation("refund", "R-1"), "order", json!("4200001")),
        with(operation("refund", "R-1"), "authorisation_code", json!("123456")),
        operation("void", "R-1"),
    ];
    for other in others {
        assert_eq!(world.refused(&other).await, (422, "other-content".to_owned()), "{other}");
    }
    // 60 and 60.00 are one amount.
    let same = with(operation("refund", "R-1"), "amount", json!({"amount": "60", "currency": "CNY"}));
    assert_eq!(outcome(&world.post(&same).await), ("done", "00"));
    assert_eq!(world.effects().await["sales"]["m-1/S-1"]["refunded"], "60.00");
}

#[tokio::test]
async fn two_references_for_one_sale_show_as_a_double_payment() {
    let world = World::new().await;
    world.post(&operation("refund", "R-1")).await;
    world.post(&operation("refund", "R-2")).await;
    world.post(&operation("void", "V-1")).await;
    let sale = &world.effects().await["sales"]["m-1/S-1"];
    assert_eq!((&sale["refunded"], &sale["voided"], &sale["count"]), (&json!("120.00"), &json!("60.00"), &json!(3)));
}

#[tokio::test]
async fn what_nobody_sent_is_not_found() {
    let world = World::new().await;
    assert_eq!(world.get("/operations/V-9").await, (StatusCode::NOT_FOUND, json!({"status": "not-found"})));
    assert_eq!(world.get("/effects/V-9").await, (StatusCode::NOT_FOUND, json!({"status": "not-found"})));
    let (status, body) = world.get("/operation").await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("no-such-route")));
    assert_eq!(world.get("/healthz").await, (StatusCode::OK, json!({"status": "ok"})));
}

#[tokio::test]
async fn a_reversal_undoes_a_void_that_took_place() {
    let world = World::new().await;
    world.post(&operation("void", "V-1")).await;
    assert_eq!(outcome(&world.post(&reversal("V-1-R", "V-1")).await), ("done", "00"));
    // Nothing that comes later changes it.
    assert_eq!(outcome(&world.post(&operation("void", "V-1")).await), ("failed", "reversed"));
    assert_eq!(
        outcome(&world.post(&with(operation("void", "V-1"), "attempt", json!(2))).await),
        ("failed", "reversed")
    );
    assert_eq!(outcome(&world.get("/operations/V-1").await.1), ("failed", "reversed"));
    let again = world.post(&reversal("V-1-R", "V-1")).await;
    assert_eq!((outcome(&again), &again["duplicate"]), (("done", "00"), &json!(true)));
    let sale = &world.effects().await["sales"]["m-1/S-1"];
    assert_eq!((&sale["voided"], &sale["reversed"], &sale["count"]), (&json!("0.00"), &json!("60.00"), &json!(1)));
    assert_eq!(world.effects_of("V-1-R").await, (1, 2));
}

#[tokio::test]
async fn a_reversal_that_comes_first_blocks_the_void_for_ever() {
    let world = World::new().await;
    assert_eq!(outcome(&world.post(&reversal("V-1-R", "V-1")).await), ("done", "00"));
    assert_eq!(outcome(&world.get("/operations/V-1").await.1), ("failed", "reversed"));
    for attempt in [1, 2] {
        let late = with(operation("void", "V-1"), "attempt", json!(attempt));
        assert_eq!(outcome(&world.post(&late).await), ("failed", "reversed"));
    }
    assert_eq!(world.effects_of("V-1").await, (0, 2));
    assert_eq!(world.effects_of("V-1-R").await, (0, 1));
    assert_eq!(world.effects().await["sales"], json!({}));
}

#[tokio::test]
async fn a_reversal_names_a_void_of_the_same_sale_and_amount() {
    let world = World::new().await;
    world.post(&operation("void", "V-1")).await;
    world.post(&operation("refund", "R-1")).await;
    let mismatched = [
        reversal("X-1", "R-1"),
        with(reversal("X-1", "V-1"), "sale", json!("S-2")),
        with(reversal("X-1", "V-1"), "merchant", json!("m-2")),
        with(reversal("X-1", "V-1"), "amount", json!({"amount": "59.99", "currency": "CNY"})),
    ];
    for reversal in mismatched {
        assert_eq!(world.refused(&reversal).await, (422, "original-mismatch".to_owned()), "{reversal}");
    }
    assert_eq!(outcome(&world.get("/operations/R-1").await.1), ("done", "00"));
    assert_eq!(world.effects().await["sales"]["m-1/S-1"]["voided"], "60.00");
}

#[tokio::test]
async fn a_delay_comes_after_the_effect() {
    let world = Arc::new(World::new().await);
    world.script(json!({"kind": "delay", "ms": 300})).await;
    let slow = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.post(&operation("void", "V-1")).await })
    };
    let begun = tokio::time::Instant::now();
    while world.get("/operations/V-1").await.0 != StatusCode::OK {
        assert!(begun.elapsed().as_secs() < 5);
    }
    assert!(!slow.is_finished(), "done before it was answered");
    assert_eq!(outcome(&slow.await.unwrap()), ("done", "00"));
    assert!(begun.elapsed().as_millis() >= 200);
}

#[tokio::test]
async fn a_decline_is_final_unless_it_is_tried_again_on_purpose() {
    let world = World::new().await;
    world.script(json!({"kind": "decline", "code": "51"})).await;
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("failed", "51"));
    // A late copy of the same message moves nothing.
    let copy = world.post(&operation("refund", "R-1")).await;
    assert_eq!((outcome(&copy), &copy["duplicate"]), (("failed", "51"), &json!(true)));
    assert_eq!(world.effects_of("R-1").await, (0, 2));
    // A deliberate new attempt does, once, under the same provider reference.
    let second = with(operation("refund", "R-1"), "attempt", json!(2));
    let done = world.post(&second).await;
    assert_eq!((outcome(&done), &done["duplicate"], &done["attempt"]), (("done", "00"), &json!(false), &json!(2)));
    assert_eq!(done["provider_reference"], copy["provider_reference"]);
    for attempt in [1, 2, 3] {
        let later = world.post(&with(operation("refund", "R-1"), "attempt", json!(attempt))).await;
        assert_eq!((outcome(&later), &later["duplicate"]), (("done", "00"), &json!(true)));
    }
    assert_eq!(world.effects_of("R-1").await, (1, 6));
}

#[tokio::test]
async fn what_took_place_is_never_declined() {
    let world = World::new().await;
    world.post(&operation("refund", "R-1")).await;
    world.script(json!({"kind": "decline", "code": "51"})).await;
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("done", "00"));
    // The script waits for a call it can be for.
    assert_eq!(outcome(&world.post(&operation("refund", "R-2")).await), ("failed", "51"));
}

#[tokio::test]
async fn a_timeout_after_the_effect_is_found_out_by_asking() {
    let world = World::new().await;
    world.script(json!({"kind": "timeout", "took_place": true})).await;
    world.silent(&operation("refund", "R-1")).await;
    assert_eq!(outcome(&world.get("/operations/R-1").await.1), ("done", "00"));
    assert_eq!(world.post(&operation("refund", "R-1")).await["duplicate"], json!(true));
    assert_eq!(world.effects_of("R-1").await, (1, 2));
}

#[tokio::test]
async fn a_timeout_without_the_effect_leaves_no_trace_but_the_call() {
    let world = World::new().await;
    world.script(json!({"kind": "timeout", "took_place": false, "hold_ms": 0})).await;
    world.silent(&operation("refund", "R-1")).await;
    assert_eq!(world.get("/operations/R-1").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.effects_of("R-1").await, (0, 1));
    assert_eq!(world.post(&operation("refund", "R-1")).await["duplicate"], json!(false));
    assert_eq!(world.effects_of("R-1").await, (1, 2));
}

#[tokio::test]
async fn a_caller_that_hangs_up_first_cannot_split_an_effect() {
    let world = World::new().await;
    world.script(json!({"kind": "timeout", "took_place": true, "hold_ms": 60_000})).await;
    let patience = core::time::Duration::from_millis(100);
    let (void, refund) = (operation("void", "V-1"), operation("refund", "R-1"));
    assert!(tokio::time::timeout(patience, world.post(&void)).await.is_err(), "held open");
    // Others are served meanwhile.
    assert_eq!(outcome(&world.post(&refund).await), ("done", "00"));
    assert_eq!(world.effects_of("V-1").await, (1, 1));
}

#[tokio::test]
async fn a_late_success_is_processing_until_its_time() {
    let world = World::new().await;
    world.script(json!({"kind": "late-success", "after_ms": 800})).await;
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("processing", "09"));
    world.pass(799);
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("processing", "09"));
    assert_eq!(world.effects_of("R-1").await, (0, 2));
    world.pass(1);
    let (_, state) = world.get("/operations/R-1").await;
    assert_eq!((outcome(&state), &state["at"]), (("done", "00"), &json!("2026-11-23T06:00:00.800Z")));
    assert_eq!(world.effects_of("R-1").await, (1, 2));
}

#[tokio::test]
async fn a_reversal_stops_a_late_success() {
    let world = World::new().await;
    world.script(json!({"kind": "late-success", "after_ms": 800})).await;
    world.post(&operation("void", "V-1")).await;
    assert_eq!(outcome(&world.post(&reversal("V-1-R", "V-1")).await), ("done", "00"));
    world.pass(1_000);
    assert_eq!(outcome(&world.get("/operations/V-1").await.1), ("failed", "reversed"));
    assert_eq!(world.effects_of("V-1").await, (0, 1));
}

#[tokio::test]
async fn a_duplicate_answer_hides_a_success() {
    let world = World::new().await;
    world.script(json!({"kind": "duplicate"})).await;
    let answer = world.post(&operation("refund", "R-1")).await;
    assert_eq!((outcome(&answer), &answer["duplicate"]), (("failed", "94"), &json!(true)));
    assert_eq!(world.effects_of("R-1").await, (1, 1));
    assert_eq!(outcome(&world.get("/operations/R-1").await.1), ("done", "00"));
}

#[tokio::test]
async fn code_94_is_never_said_of_what_did_not_take_place() {
    let world = World::new().await;
    world.script(json!({"kind": "decline", "code": "05"})).await;
    world.post(&operation("refund", "R-1")).await;
    world.script(json!({"kind": "duplicate"})).await;
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("failed", "05"));
}

#[tokio::test]
async fn a_server_error_has_no_effect() {
    let world = World::new().await;
    world.script(json!({"kind": "server-error"})).await;
    assert_eq!(world.refused(&operation("refund", "R-1")).await, (500, "server-error".to_owned()));
    assert_eq!(world.get("/operations/R-1").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.effects_of("R-1").await, (0, 1));
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("done", "00"));
}

#[tokio::test]
async fn scripts_are_for_the_calls_they_match_as_often_as_they_say() {
    let world = World::new().await;
    let decline = |code: &str| json!({"kind": "decline", "code": code});
    world.script_for(json!({"kind": "void"}), 1, decline("57")).await;
    world.script_for(json!({"sale": "S-2"}), 1, decline("25")).await;
    world.script_for(json!({"amount": "0.51"}), 1, decline("51")).await;
    world
        .script_for(json!({"amount": {"amount": "0.52", "currency": "CNY"}, "kind": "refund"}), 1, decline("52"))
        .await;
    world.script_for(json!({"reference": "R-7"}), 2, json!({"kind": "server-error"})).await;
    let cny = |amount: &str| json!({"amount": amount, "currency": "CNY"});
    let code = async |operation: Value| world.post(&operation).await["code"].as_str().unwrap().to_owned();
    assert_eq!(code(operation("refund", "R-1")).await, "00");
    assert_eq!(code(operation("void", "V-1")).await, "57");
    assert_eq!(code(operation("void", "V-2")).await, "00");
    assert_eq!(code(with(operation("refund", "R-2"), "sale", json!("S-2"))).await, "25");
    assert_eq!(code(with(operation("refund", "R-3"), "amount", cny("0.51"))).await, "51");
    assert_eq!(code(with(operation("refund", "R-4"), "amount", cny("0.52"))).await, "52");
    for _ in 0..2 {
        assert_eq!(world.refused(&operation("refund", "R-7")).await.0, 500);
    }
    assert_eq!(code(operation("refund", "R-7")).await, "00");
    assert_eq!(world.get("/scripts").await.1, json!({"scripts": []}));
}

#[tokio::test]
async fn scripts_can_be_ended() {
    let world = World::new().await;
    world.script_for(json!({}), 100, json!({"kind": "server-error"})).await;
    assert_eq!(world.get("/scripts").await.1["scripts"][0]["times"], 100);
    assert_eq!(world.send(Method::DELETE, "/scripts", "").await.unwrap().0, StatusCode::NO_CONTENT);
    assert_eq!(outcome(&world.post(&operation("refund", "R-1")).await), ("done", "00"));
}

#[tokio::test]
async fn a_script_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    for script in [
        json!({"behaviour": {"kind": "explode"}}),
        json!({"behaviour": {"kind": "delay"}}),
        json!({"behaviour": {"kind": "delay", "ms": 600_001}}),
        json!({"behaviour": {"kind": "delay", "ms": 1, "seconds": 1}}),
        json!({"behaviour": {"kind": "decline", "code": ""}}),
        json!({"behaviour": {"kind": "decline", "code": "00"}}),
        json!({"behaviour": {"kind": "decline", "code": "94"}}),
        json!({"behaviour": {"kind": "duplicate"}, "times": 0}),
        json!({"behaviour": {"kind": "duplicate"}, "match": {"colour": "red"}}),
        json!({"match": {}}),
    ] {
        let (status, body) = world.send(Method::POST, "/scripts", script.to_string()).await.unwrap();
        assert_eq!((status.as_u16(), &body["code"]), (422, &json!("invalid")), "{script} {body}");
    }
}

#[tokio::test]
async fn an_operation_that_is_none_is_refused() {
    let world = World::new().await;
    let cny = |amount: &str| json!({"amount": amount, "currency": "CNY"});
    let good = operation("refund", "R-1");
    for bad in [
        with(good.clone(), "reference", json!("")),
        with(good.clone(), "reference", json!("a b")),
        with(good.clone(), "reference", json!("a/b")),
        with(good.clone(), "reference", json!("x".repeat(129))),
        with(good.clone(), "kind", json!("sale")),
        with(good.clone(), "original", json!("V-1")),
        with(good.clone(), "merchant", json!("m 1")),
        with(good.clone(), "sale", json!(null)),
        with(good.clone(), "amount", cny("0.00")),
        with(good.clone(), "amount", cny("-1.00")),
        with(good.clone(), "amount", cny("1.001")),
        with(good.clone(), "amount", json!({"amount": 60, "currency": "CNY"})),
        with(good.clone(), "amount", json!({"amount": "60.00", "currency": "XXX"})),
        with(good.clone(), "attempt", json!(0)),
        with(good.clone(), "attempt", json!(-1)),
        with(good.clone(), "tip", json!("1.00")),
        with(operation("reversal", "X-1"), "original", json!(null)),
        reversal("X-1", "X-1"),
        with(reversal("X-1", "V-1"), "undoes", json!("sale")),
        with(operation("order-close", "X-1"), "undoes", json!("sale")),
        with(operation("hold-release", "X-1"), "original", json!("V-1")),
        with(good.clone(), "order", json!("x".repeat(501))),
        with(good.clone(), "slip", json!({"terminal": "T1"})),
    ] {
        assert_eq!(world.refused(&bad).await, (422, "invalid".to_owned()), "{bad}");
    }
    for malformed in ["", "{", "nonsense"] {
        let (status, body) = world.send(Method::POST, "/operations", malformed).await.unwrap();
        assert_eq!((status.as_u16(), &body["code"]), (400, &json!("malformed")), "{malformed:?}");
    }
    assert_eq!(world.effects().await, json!({"references": {}, "sales": {}}));
}

#[tokio::test]
async fn a_body_is_bounded() {
    let world = World::new().await;
    let body = " ".repeat(BODY_BYTES.checked_add(1).unwrap());
    // The server may close before all of it was sent; then there is no answer to read.
    if let Some((status, body)) = world.send(Method::POST, "/operations", body).await {
        assert_eq!((status.as_u16(), &body["code"]), (413, &json!("too-large")));
    }
    let mut padded = operation("refund", "R-1").to_string();
    padded.push_str(&" ".repeat(BODY_BYTES.checked_sub(padded.len()).unwrap()));
    assert_eq!(world.send(Method::POST, "/operations", padded).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn a_sale_has_one_currency() {
    let world = World::new().await;
    world.post(&operation("refund", "R-1")).await;
    let dollars = with(operation("refund", "R-2"), "amount", json!({"amount": "1.00", "currency": "USD"}));
    assert_eq!(world.refused(&dollars).await, (422, "other-currency".to_owned()));
    assert_eq!(world.get("/operations/R-2").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let world = World::new().await;
    let address = world.acquirer.address();
    world.acquirer.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
