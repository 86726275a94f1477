//! `POST /v1/tick`: the courier's one route.

use crate::app::App;
use crate::http::problem::Problem;
use crate::http::{Shared, answer, protect};
use crate::ports::Outbound;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The courier's API: it lets time pass.
pub fn courier_router<P: Outbound>(app: Arc<App<P>>) -> Router {
    protect(Router::new().route("/v1/tick", post(tick::<P>)), app)
}

async fn tick<P: Outbound>(State(app): State<Shared<P>>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let only = match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    let token = only.and_then(|a| a.strip_prefix("Bearer "));
    // The host's own timer, or an admin.
    let timer = match (token, app.ports.tick_token()) {
        (Some(token), Some(expected)) => bool::from(token.as_bytes().ct_eq(expected.as_bytes())),
        _ => false,
    };
    if !timer {
        app.authenticate(only).await?.require_admin()?;
    }
    let report = app.tick().await?;
    answer::json(StatusCode::OK, &report)
}
