//! From the host's request to the router and back.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use spin_sdk::http::Request;
use tower::ServiceExt as _;

/// Answers a request.
pub async fn answer(router: Router, request: Request) -> Response {
    match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
