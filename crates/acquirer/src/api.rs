//! The paths of the protocol and of the simulation.

use crate::books::{Books, Reply};
use crate::limits::BODY_BYTES;
use crate::operation::{Call, Reference, json};
use crate::payment::{Arrival, QuestionAnswer, SaleQuestion};
use crate::refusal::Refusal;
use crate::script::Script;
use crate::server::Clock;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use rescind_model::{Duration, Instant};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What every request shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) books: Arc<Mutex<Books>>,
    pub(crate) clock: Clock,
    pub(crate) hold: Duration,
}

impl Shared {
    /// The books. A panic while they were held cannot have left them half written: every change is made in one step.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        (self.clock)()
    }
}

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/operations", post(call))
        .route("/operations/{reference}", get(look_up))
        .route("/operations/{reference}/trace", get(trace))
        .route("/sales/query", post(ask_for_sale))
        .route("/sales", post(arrive))
        .route("/scripts", post(add_script).get(list_scripts).delete(clear_scripts))
        .route("/effects", get(effects))
        .route("/effects/{reference}", get(effects_of))
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .fallback(|| async { Refusal::NoSuchRoute })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(shared)
}

/// A body within its limit.
fn bounded(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::Malformed("the body did not arrive whole".to_owned()),
    })
}

async fn call(State(shared): State<Shared>, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let call = Call::parse(&bounded(body)?)?;
    // Everything happens here; what follows is only about the answer.
    let reply = shared.books().call(&call, shared.now(), shared.hold);
    respond(reply, |answer| Json(answer).into_response()).await
}

/// Sends a reply in its time.
async fn respond<A>(reply: Reply<A>, show: impl FnOnce(A) -> Response) -> Result<Response, Refusal> {
    match reply {
        Reply::Answer { answer, after } => {
            wait(after).await;
            Ok(show(answer))
        }
        Reply::Silence { after } => {
            wait(after).await;
            let mut response = StatusCode::GATEWAY_TIMEOUT.into_response();
            response.extensions_mut().insert(HangUp);
            Ok(response)
        }
        Reply::Refused(refusal) => Err(refusal),
    }
}

async fn wait(time: Duration) {
    if time.ms > 0 {
        tokio::time::sleep(core::time::Duration::from_millis(time.ms)).await;
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"status": "not-found"}))).into_response()
}

async fn look_up(State(shared): State<Shared>, Path(reference): Path<String>) -> Result<Response, Refusal> {
    let reference = Reference::parse(&reference)?;
    let answer = shared.books().look_up(&reference, shared.now());
    Ok(answer.map_or_else(not_found, |answer| Json(answer).into_response()))
}

fn shown(answer: Option<QuestionAnswer>) -> Response {
    answer.map_or_else(not_found, |answer| Json(answer).into_response())
}

async fn ask_for_sale(State(shared): State<Shared>, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = SaleQuestion::parse(&bounded(body)?)?;
    let reply = shared.books().ask_for_sale(&question, shared.now(), shared.hold);
    respond(reply, shown).await
}

async fn trace(State(shared): State<Shared>, Path(reference): Path<String>) -> Result<Response, Refusal> {
    let reference = Reference::parse(&reference)?;
    let reply = shared.books().trace(&reference, shared.now(), shared.hold);
    respond(reply, shown).await
}

async fn arrive(State(shared): State<Shared>, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let arrival: Arrival = json(&bounded(body)?)?;
    let state = shared.books().arrive(&arrival, shared.now())?;
    Ok(Json(json!({"status": "taken", "state": state})).into_response())
}

async fn add_script(State(shared): State<Shared>, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let script: Script = json(&bounded(body)?)?;
    let mut books = shared.books();
    books.add_script(script)?;
    Ok((StatusCode::CREATED, Json(json!({"scripts": books.scripts().len()}))).into_response())
}

async fn list_scripts(State(shared): State<Shared>) -> Response {
    Json(json!({"scripts": shared.books().scripts()})).into_response()
}

async fn clear_scripts(State(shared): State<Shared>) -> StatusCode {
    shared.books().clear_scripts();
    StatusCode::NO_CONTENT
}

async fn effects(State(shared): State<Shared>) -> Response {
    let effects = shared.books().effects(shared.now());
    Json(effects).into_response()
}

async fn effects_of(State(shared): State<Shared>, Path(reference): Path<String>) -> Result<Response, Refusal> {
    let reference = Reference::parse(&reference)?;
    let effects = shared.books().effects_of_reference(&reference, shared.now());
    Ok(effects.map_or_else(not_found, |effects| Json(effects).into_response()))
}
