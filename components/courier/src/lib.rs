//! The courier: carries operations out through the provider, delivers webhooks, lets time pass. It is driven by
//! `POST /v1/tick`; it decides nothing.

#[allow(missing_docs, reason = "generated")]
mod bindings;
mod calendar;
mod outbound;
mod ports;

use ports::Courier;
use rescind_service::{App, http};
use spin_sdk::http::{IntoResponse, Request};
use std::sync::{Arc, OnceLock};

/// The routes: the program's own structure and the deployment's variables, the same for every request.
static ROUTER: OnceLock<axum::Router> = OnceLock::new();

/// Answers one request.
#[spin_sdk::http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let router = match ROUTER.get() {
        Some(router) => router,
        None => {
            rescind_guest::log::panics();
            let courier = match Courier::open().await {
                Ok(courier) => courier,
                Err(error) => {
                    rescind_guest::log::line(&format!("the courier cannot start: {error}"));
                    return Err(spin_sdk::http::Error::other("the courier cannot start"));
                }
            };
            ROUTER.get_or_init(|| http::courier_router(Arc::new(App::new(courier))))
        }
    };
    Ok(rescind_guest::http::answer(router.clone(), request).await)
}
