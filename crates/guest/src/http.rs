//! From the host's request to the router and back.

use axum::Router;
use axum::body::Body;
use axum::http::Method;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use spin_sdk::http::Request;
use tower::ServiceExt as _;

/// Answers a request.
pub async fn answer(router: Router, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    match router.oneshot(request.map(Body::new)).await {
        Ok(mut response) => {
            if head {
                // axum tells the length of the body that it leaves out; the host would miss so many bytes.
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        }
        Err(never) => match never {},
    }
}
