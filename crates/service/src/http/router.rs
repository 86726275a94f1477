//! Which path is answered by whom. Unknown paths and methods are problems too.

use crate::app::App;
use crate::http::problem::{Inside, Problem};
use crate::http::{
    Shared, bundle, case, checkpoint, code, confirmation, decision_record, directory, endpoint, event, evidence,
    export, funding, health, hold, inquiry, liability, operation, operator, order, payment_code, personal, policy,
    proof, refund, review, sale, session, sync, trouble, void,
};
use crate::ports::Ports;
use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderValue, Method, StatusCode};
use rescind_model::card_number;
use std::sync::Arc;

/// The routes of a router, and the router of the routes: one list makes both.
struct Routes<P: Ports> {
    router: Router<Shared<P>>,
    all: Vec<(Method, &'static str)>,
}

impl<P: Ports> Routes<P> {
    fn add<H, T>(mut self, method: Method, filter: MethodFilter, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Shared<P>>,
        T: 'static,
    {
        self.all.push((method, path));
        Self { router: self.router.route(path, on(filter, handler)), all: self.all }
    }

    fn get<H: Handler<T, Shared<P>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::GET, MethodFilter::GET, path, handler)
    }

    fn post<H: Handler<T, Shared<P>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::POST, MethodFilter::POST, path, handler)
    }

    fn put<H: Handler<T, Shared<P>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::PUT, MethodFilter::PUT, path, handler)
    }

    fn delete<H: Handler<T, Shared<P>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn new() -> Self {
        Self { router: Router::new(), all: Vec::new() }
            .get("/healthz", health::healthz)
            .get("/readyz", health::readyz::<P>)
            .get("/metrics", health::metrics::<P>)
            .get("/openapi.json", health::openapi)
            .get("/problems/{code}", health::problem)
            .post("/v1/transactions", sale::register::<P>)
            .get("/v1/transactions", sale::search::<P>)
            .get("/v1/transactions/{id}", sale::show::<P>)
            .post("/v1/transactions/{id}/events", sale::record::<P>)
            .get("/v1/transactions/{id}/ways-back", sale::ways_back::<P>)
            .post("/v1/transactions/{id}/voids/check", void::check::<P>)
            .post("/v1/transactions/{id}/voids", void::ask::<P>)
            .post("/v1/terminals/{id}/batches/{n}/close", sale::close_batch::<P>)
            .post("/v1/terminal/sync", sync::sync::<P>)
            .get("/v1/operations/{id}", operation::show::<P>)
            .post("/v1/operations/{id}/results", operation::report::<P>)
            .post("/v1/operations/{id}/resolutions", operation::resolve::<P>)
            .get("/v1/operations/{id}/slip", operation::slip::<P>)
            .post("/v1/refunds", refund::submit::<P>)
            .get("/v1/refunds", refund::list::<P>)
            .get("/v1/refunds/{id}", refund::show::<P>)
            .post("/v1/refunds/{id}/approvals", refund::approve::<P>)
            .post("/v1/refunds/{id}/declines", refund::decline::<P>)
            .post("/v1/refunds/{id}/withdrawals", refund::withdraw::<P>)
            .post("/v1/refunds/{id}/clearings", refund::clear::<P>)
            .post("/v1/refunds/{id}/retries", refund::retry::<P>)
            .post("/v1/refunds/{id}/resolutions", refund::resolve::<P>)
            .get("/v1/refunds/{id}/slip", refund::slip::<P>)
            .post("/v1/webhooks/reviews", review::receive::<P>)
            .get("/v1/events", event::list::<P>)
            .post("/v1/webhook-endpoints", endpoint::create::<P>)
            .get("/v1/webhook-endpoints", endpoint::list::<P>)
            .delete("/v1/webhook-endpoints/{id}", endpoint::delete::<P>)
            .post("/v1/operators", operator::create::<P>)
            .get("/v1/operators", operator::list::<P>)
            .post("/v1/operators/{number}/resets", operator::reset::<P>)
            .post("/v1/operators/{number}/pin", operator::change_pin::<P>)
            .post("/v1/operators/{number}/confirmations", operator::confirm::<P>)
            .post("/v1/operators/{number}/devices", operator::add_device::<P>)
            .delete("/v1/operators/{number}/devices/{device}", operator::remove_device::<P>)
            .post("/v1/operator-challenges", session::challenge::<P>)
            .post("/v1/operator-sessions", session::begin::<P>)
            .delete("/v1/operator-sessions/{id}", session::end::<P>)
            .post("/v1/operator-sessions/{id}/proofs", session::step_up::<P>)
            .get("/v1/proof-keys", proof::keys::<P>)
            .post("/v1/proof-keys/rotations", proof::rotate::<P>)
            .get("/v1/checkpoint-keys", checkpoint::keys::<P>)
            .post("/v1/checkpoint-keys/rotations", checkpoint::rotate::<P>)
            .get("/v1/checkpoints", checkpoint::list::<P>)
            .get("/v1/checkpoints/{number}", checkpoint::show::<P>)
            .post("/v1/confirmations", confirmation::ask::<P>)
            .post("/v1/merchants", directory::create_merchant::<P>)
            .get("/v1/merchants", directory::list_merchants::<P>)
            .put("/v1/merchants/{id}/settings", directory::replace_settings::<P>)
            .post("/v1/terminals", directory::create_terminal::<P>)
            .get("/v1/terminals", directory::list_terminals::<P>)
            .put("/v1/terminals/{id}", directory::replace_terminal::<P>)
            .post("/v1/persons", directory::create_person::<P>)
            .get("/v1/persons", directory::list_persons::<P>)
            .put("/v1/persons/{id}/grants", directory::replace_grants::<P>)
            .post("/v1/keys", directory::create_key::<P>)
            .get("/v1/keys", directory::list_keys::<P>)
            .delete("/v1/keys/{id}", directory::revoke_key::<P>)
            .post("/v1/review-sources", directory::create_source::<P>)
            .get("/v1/review-sources", directory::list_sources::<P>)
            .delete("/v1/review-sources/{id}", directory::revoke_source::<P>)
            .post("/v1/transactions/{id}/erasures", personal::erase::<P>)
            .put("/v1/evidence/{content}", evidence::give::<P>)
            .get("/v1/evidence/{content}", evidence::show::<P>)
            .delete("/v1/evidence/{content}", evidence::erase::<P>)
            .get("/v1/evidence/{content}/description", evidence::describe::<P>)
            .put("/v1/evidence/{content}/parts/{part}", evidence::give_part::<P>)
            .post("/v1/evidence/{content}/completions", evidence::complete::<P>)
            .get("/v1/policies", policy::list::<P>)
            .put("/v1/policies/{name}", policy::install::<P>)
            .get("/v1/policies/{name}/versions", policy::versions::<P>)
            .get("/v1/policies/{name}/versions/{version}", policy::version::<P>)
            .post("/v1/policies/{name}/activations", policy::activate::<P>)
            .get("/v1/policies/{name}/activations", policy::activations::<P>)
            .delete("/v1/policies/{name}/activations/{id}", policy::cancel::<P>)
            .put("/v1/policies/{name}/shadow", policy::set_shadow::<P>)
            .get("/v1/policies/{name}/shadow", policy::shadow::<P>)
            .delete("/v1/policies/{name}/shadow", policy::end_shadow::<P>)
            .get("/v1/bundles", bundle::list::<P>)
            .put("/v1/bundles/{name}", bundle::publish::<P>)
            .get("/v1/bundles/{name}", bundle::show::<P>)
            .get("/v1/terminal/bundle", bundle::fetch::<P>)
            .get("/v1/decisions", decision_record::list::<P>)
            .get("/v1/decisions/{id}", decision_record::show::<P>)
            .get("/v1/transactions/{id}/slip", sale::slip::<P>)
            .post("/v1/transactions/{id}/troubles", trouble::tell::<P>)
            .post("/v1/transactions/{id}/reversals", trouble::reverse::<P>)
            .post("/v1/refunds/{id}/results", refund::report::<P>)
            .post("/v1/payment-codes", payment_code::create::<P>)
            .get("/v1/payment-codes/cancellations", payment_code::cancellations::<P>)
            .get("/v1/payment-codes/{id}", payment_code::show::<P>)
            .post("/v1/payment-codes/{id}/scans", payment_code::scan::<P>)
            .post("/v1/payment-codes/{id}/cancellations", payment_code::cancel::<P>)
            .post("/v1/holds", hold::register::<P>)
            .get("/v1/holds/{id}", hold::show::<P>)
            .post("/v1/holds/{id}/completions", hold::complete::<P>)
            .post("/v1/holds/{id}/releases", hold::release::<P>)
            .post("/v1/holds/{id}/completion-voids", hold::void_completion::<P>)
            .post("/v1/transactions/{id}/cases", case::open::<P>)
            .get("/v1/cases", case::list::<P>)
            .get("/v1/cases/{id}", case::show::<P>)
            .post("/v1/cases/{id}/assignments", case::assign::<P>)
            .post("/v1/cases/{id}/grants", case::grant::<P>)
            .post("/v1/cases/{id}/refusals", case::refuse::<P>)
            .post("/v1/transactions/{id}/legal-orders", order::propose::<P>)
            .post("/v1/legal-orders/{id}/confirmations", order::confirm::<P>)
            .get("/v1/compliance-reports", order::report::<P>)
            .post("/v1/refunds/{id}/inquiries", inquiry::ask::<P>)
            .post("/v1/refunds/{id}/information", inquiry::inform::<P>)
            .post("/v1/refunds/{id}/traces", inquiry::trace::<P>)
            .post("/v1/refunds/{id}/returns", inquiry::give_back::<P>)
            .post("/v1/refunds/{id}/liabilities", liability::record::<P>)
            .get("/v1/liabilities", liability::list::<P>)
            .post("/v1/liabilities/{id}/ends", liability::end::<P>)
            .get("/v1/transactions/{id}/entries", funding::entries::<P>)
            .get("/v1/transactions/{id}/export", export::export::<P>)
            .get("/v1/transactions/{id}/audit", checkpoint::audit::<P>)
            .get("/v1/merchants/{id}/balances", funding::balances::<P>)
            .get("/v1/merchants/{id}/funding", funding::show::<P>)
            .post("/v1/merchants/{id}/funds", funding::pay_in::<P>)
    }
}

/// The API without `/v1/tick`, which is the courier's. Building it is cheap: one is built per instance.
pub fn router<P: Ports>(app: Arc<App<P>>) -> Router {
    protect(Routes::<P>::new().router, app)
}

/// Every route of [`router`].
#[must_use]
pub fn routes<P: Ports>() -> Vec<(Method, &'static str)> {
    Routes::<P>::new().all
}

/// What every router of the service has around its routes: problems for what it does not know, bodies over the limit
/// refused before they are read, the inside of failures in the log, nothing kept by caches.
pub fn protect<P: Ports>(routes: Router<Shared<P>>, app: Arc<App<P>>) -> Router {
    routes.fallback(unknown).layer(middleware::from_fn_with_state(app.clone(), guard::<P>)).with_state(app)
}

async fn unknown() -> Problem {
    Problem::new(code::ROUTE_UNKNOWN, "GET /openapi.json describes every route.")
}

async fn guard<P: Ports>(State(app): State<Shared<P>>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), card_number::mask(request.uri().path()).text);
    let mut response = match announced_too_large(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(ALLOW).cloned();
        response = Problem::method_not_allowed().into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    }
    if let Some(Inside(why)) = response.extensions_mut().remove::<Inside>() {
        app.ports.log(&format!("{line}: {}: {why}", response.status().as_u16()));
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn announced_too_large(request: &Request) -> Option<Problem> {
    let length = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    // Some things are larger; their routes hold each body against its own limit again.
    let limit = match request.uri().path() {
        "/v1/terminal/sync" => sync::BATCH_BYTES,
        path if path.starts_with("/v1/evidence/") => crate::limits::EVIDENCE_PART_BYTES,
        path if path.starts_with("/v1/bundles/") => crate::limits::BUNDLE_BYTES,
        _ => crate::limits::BODY_BYTES,
    };
    let fits = u64::try_from(limit).is_ok_and(|limit| length <= limit);
    (!fits).then(|| Problem::from(crate::Error::TooLarge(limit)))
}
