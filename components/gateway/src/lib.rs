//! The gateway: the HTTP API. Decisions come from the components it is composed with; it cannot make outbound requests.

#[allow(missing_docs, reason = "generated")]
mod bindings;
mod policy;
mod ports;

use ports::Gateway;
use rescind_service::{App, http};
use spin_sdk::http::{IntoResponse, Request};
use std::sync::{Arc, OnceLock};

/// The routes: the program's own structure, the same for every request of every instance.
static ROUTER: OnceLock<axum::Router> = OnceLock::new();

/// Answers one request.
#[spin_sdk::http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let router = match ROUTER.get() {
        Some(router) => router,
        None => {
            rescind_guest::log::panics();
            let gateway = match Gateway::open().await {
                Ok(gateway) => gateway,
                Err(error) => {
                    rescind_guest::log::line(&format!("the gateway cannot start: {error}"));
                    return Err(spin_sdk::http::Error::other("the gateway cannot start"));
                }
            };
            ROUTER.get_or_init(|| http::router(Arc::new(App::new(gateway))))
        }
    };
    Ok(rescind_guest::http::answer(router.clone(), request).await)
}
