//! What anybody may read: whether it is up, its numbers, its description, what a problem code means.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::code;
use crate::http::problem::Problem;
use crate::ports::Ports;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

/// Kept by `tests::the_document_is_the_golden_file`.
const OPENAPI: &str = include_str!("../../openapi.json");

/// That it is up.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`: what is not does not answer.
    status: &'static str,
}

/// That its store answers, and can keep money safe.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// Always `ready`: what is not answers with a problem.
    status: &'static str,
}

/// What a problem code means.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Meaning {
    /// The code.
    code: &'static str,
    /// In words.
    title: &'static str,
    /// The HTTP status it comes with.
    status: u16,
}

/// `GET /healthz`
pub async fn healthz() -> Result<Response, Problem> {
    answer::json(StatusCode::OK, &Health { status: "ok" })
}

/// `GET /readyz`
pub async fn readyz<P: Ports>(State(app): State<Shared<P>>) -> Result<Response, Problem> {
    let records = app.records().await?;
    records.writable()?;
    // That it was found once how records are created says nothing of this moment.
    records.reach().await?;
    answer::json(StatusCode::OK, &Readiness { status: "ready" })
}

/// `GET /metrics`
pub async fn metrics<P: Ports>(State(app): State<Shared<P>>) -> Result<Response, Problem> {
    Ok(answer::text("text/plain; version=0.0.4; charset=utf-8", app.metrics().await?))
}

/// `GET /openapi.json`
pub async fn openapi() -> Response {
    answer::text("application/json", OPENAPI.to_owned())
}

/// `GET /problems/{code}`
pub async fn problem(path: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let known = path.ok().and_then(|Path(text)| code::find(&text)).ok_or(Error::NotFound("problem code"))?;
    answer::json(StatusCode::OK, &Meaning { code: known.code, title: known.title, status: known.status })
}
