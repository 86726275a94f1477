//! What happens to one request, from its head to its durable answer. Knows nothing of sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::body_limit::BodyLimits;
use crate::instance::RequestScope;
use crate::metrics::{Gauges, Metrics};
use crate::pool::{Pool, Unserved};
use crate::problem::Problem;
use crate::request_id;
use crate::route::{self, Route};
use crate::store::{Session, Store, StoreError};
use crate::trace::{Span, Tracer};

/// The header in which a component finds the address of its client, named as Spin names it.
const SPIN_CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// The application that is served.
pub(crate) struct App {
    /// Each route with the index of its component.
    pub(crate) routes: Vec<(Route, usize)>,
    /// The ids of the components, by index.
    pub(crate) components: Vec<Arc<str>>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tracer: Option<Tracer>,
    pub(crate) deadline: Duration,
    pub(crate) body_limits: BodyLimits,
}

/// A request whose body may still be on its way.
pub(crate) struct Incoming<B> {
    pub(crate) request: Request<B>,
    /// The address it comes from, `None` for the host itself.
    pub(crate) client: Option<std::net::SocketAddr>,
}

impl App {
    /// Answers one request. `read` takes its body whole or says what is wrong with it.
    pub(crate) async fn answer<B>(
        &self,
        incoming: Incoming<B>,
        read: impl AsyncFnOnce(B) -> Result<Bytes, Problem>,
    ) -> Response<Bytes> {
        let started = Instant::now();
        let (mut head, body) = incoming.request.into_parts();
        let id = request_id::assign(&mut head.headers);
        describe_client(&mut head.headers, incoming.client);
        let span = self.tracer.as_ref().map(|tracer| tracer.start(&mut head.headers));
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let target = route::find(&self.routes, &path).copied();
        let served = self.serve(head, body, read, target, &id).await;
        let mut response = served.unwrap_or_else(|problem| problem.response(&id));
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(request_id::X_REQUEST_ID, value);
        }
        let component = target.and_then(|index| self.components.get(index)).map_or("", |id| &**id);
        self.report(
            &Finished {
                method: &method,
                path: &path,
                component,
                id: &id,
                status: response.status(),
                duration: started.elapsed(),
            },
            span,
        );
        response
    }

    async fn serve<B>(
        &self,
        head: http::request::Parts,
        body: B,
        read: impl AsyncFnOnce(B) -> Result<Bytes, Problem>,
        target: Option<usize>,
        id: &Arc<str>,
    ) -> Result<Response<Bytes>, Problem> {
        let is_metrics = head.method == Method::GET && head.uri.path() == "/metrics";
        let Some(guest) = target else {
            return if is_metrics { Ok(self.with_metrics(Response::new(Bytes::new()))) } else { Err(Problem::NoRoute) };
        };
        self.admit(&head.method)?;
        let body = read(body).await?;
        let request = Request::from_parts(absolute(head), body);
        let session = Arc::new(Session::new());
        let scope = RequestScope { id: Arc::clone(id), session: Arc::clone(&session), deadline: self.deadline };
        let response = self.pool.serve(guest, request, scope).await.map_err(|unserved| match unserved {
            Unserved::Busy => {
                self.metrics.refused();
                Problem::Busy
            }
            Unserved::Failed(_) => Problem::Internal,
        })?;
        // Nobody may hear of a write before it is certain.
        self.store.durable(&session).await.map_err(|error| {
            tracing::error!(request_id = &**id, %error, "the answer was withheld: its writes are not durable");
            if matches!(error, StoreError::Stopped { .. }) { Problem::StoreStopped } else { Problem::NotDurable }
        })?;
        Ok(if is_metrics { self.with_metrics(response) } else { response })
    }

    /// Refuses what could not be finished anyway. Reading stays possible while the disk is busy.
    fn admit(&self, method: &Method) -> Result<(), Problem> {
        match self.store.ready() {
            Ok(()) => Ok(()),
            Err(StoreError::Busy { .. }) if method.is_safe() => Ok(()),
            Err(error) => {
                self.metrics.refused();
                Err(if matches!(error, StoreError::Stopped { .. }) { Problem::StoreStopped } else { Problem::Busy })
            }
        }
    }

    /// The component's own figures, if it has some, and the host's behind them.
    fn with_metrics(&self, response: Response<Bytes>) -> Response<Bytes> {
        let (mut head, body) = response.into_parts();
        let own = match head.status {
            StatusCode::OK => body,
            // A component without figures of its own is no reason to hide the host's.
            StatusCode::NOT_FOUND => Bytes::new(),
            _ => return Response::from_parts(head, body),
        };
        let (instances, waiting) = self.pool.load();
        let host = self.metrics.text(&Gauges { instances, waiting, store: self.store.figures() });
        let mut text = Vec::from(own);
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(host.as_bytes());
        head.status = StatusCode::OK;
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
        Response::from_parts(head, Bytes::from(text))
    }

    fn report(&self, finished: &Finished<'_>, span: Option<Span>) {
        self.metrics.request(finished.status, finished.duration);
        // The host's own timer comes several times a second: it is worth a line only when it fails.
        let is_tick = finished.path == crate::ticker::PATH && finished.status.is_success();
        if !is_tick {
            tracing::info!(
            target: "rescind::request",
            method = finished.method.as_str(),
            path = rescind_model::card_number::mask(finished.path).text,
            component = finished.component,
            status = finished.status.as_u16(),
            duration_us = u64::try_from(finished.duration.as_micros()).unwrap_or(u64::MAX),
            request_id = finished.id,
            );
        }
        if let (Some(tracer), Some(span)) = (&self.tracer, span) {
            tracer.finish(span, finished);
        }
    }
}

/// What is known of a request when its answer is ready.
pub(crate) struct Finished<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) component: &'a str,
    pub(crate) id: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) duration: Duration,
}

/// Only the host says where a request comes from.
fn describe_client(headers: &mut HeaderMap, client: Option<std::net::SocketAddr>) {
    headers.remove(SPIN_CLIENT_ADDR);
    if let Some(value) = client.and_then(|address| HeaderValue::from_str(&address.to_string()).ok()) {
        headers.insert(SPIN_CLIENT_ADDR, value);
    }
}

/// wasi:http knows a request's scheme and authority; HTTP/1.1 sends the path and a `Host`.
fn absolute(mut head: http::request::Parts) -> http::request::Parts {
    let mut uri = std::mem::take(&mut head.uri).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    if uri.authority.is_none() {
        let host = head.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        uri.authority = Some(host.unwrap_or_else(|| Authority::from_static("localhost")));
    }
    uri.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    head.uri = Uri::from_parts(uri).unwrap_or_default();
    head
}
