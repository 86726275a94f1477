//! The listening side: accepts connections, and can close one without an answer.

use crate::api::{HangUp, Shared, router};
use crate::books::Books;
use crate::effects::Effects;
use crate::limits::{CONNECTIONS, HEAD_SECONDS};
use crate::payment::{Arrival, PaymentState};
use crate::refusal::Refusal;
use crate::script::Script;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rescind_model::{Duration, Instant};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How the acquirer behaves.
#[derive(Clone)]
pub struct Options {
    /// Its clock; tests can hold it.
    pub clock: Clock,
    /// How long a time-out holds the connection open, unless its script says otherwise.
    pub hold: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Arc::new(system_time), hold: Duration::seconds(30) }
    }
}

impl core::fmt::Debug for Options {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Options").field("hold", &self.hold).finish_non_exhaustive()
    }
}

#[allow(clippy::disallowed_methods, reason = "runs on the host, where there is a clock")]
fn system_time() -> Instant {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant { unix_ms: i64::try_from(elapsed.as_millis()).unwrap_or(0) }
}

/// A running acquirer. It ends when this is dropped.
pub struct Acquirer {
    address: SocketAddr,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl core::fmt::Debug for Acquirer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Acquirer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Acquirer {
    /// Listens on an address, such as `127.0.0.1:0` for a free port, and serves.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(address: impl ToSocketAddrs, options: Options) -> io::Result<Self> {
        Self::serve(TcpListener::bind(address).await?, options)
    }

    /// Serves on a listener. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The listener has no local address.
    pub fn serve(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let Options { clock, hold } = options;
        let shared = Shared { books: Arc::new(Mutex::new(Books::default())), clock, hold };
        let serving = tokio::spawn(accept(listener, router(shared.clone())));
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base address for callers: `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What really happened, without going over HTTP.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.shared.books().effects(self.shared.now())
    }

    /// Lets a payment reach the acquirer, without going over HTTP.
    ///
    /// # Errors
    /// It was reversed or closed before it arrived; it is another than was told of; a value out of range.
    pub fn arrive(&self, arrival: &Arrival) -> Result<PaymentState, Refusal> {
        self.shared.books().arrive(arrival, self.shared.now())
    }

    /// Adds a script, without going over HTTP.
    ///
    /// # Errors
    /// The script is out of range, or there are too many.
    pub fn script(&self, script: Script) -> Result<(), Refusal> {
        self.shared.books().add_script(script)
    }

    /// Ends all scripts.
    pub fn clear_scripts(&self) {
        self.shared.books().clear_scripts();
    }

    /// Serves until it is ended by dropping the future: for a program that does nothing else.
    pub async fn run(mut self) {
        // It ends by being aborted only.
        let _aborted = (&mut self.serving).await.is_err();
    }

    /// Stops serving, closes all connections and waits until the port is free.
    pub async fn stop(mut self) {
        self.serving.abort();
        let _aborted = (&mut self.serving).await.is_err();
    }
}

impl Drop for Acquirer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Accepts for ever. Its connections end with it.
async fn accept(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    converse(stream, router).await;
                    drop(place);
                });
            }
            // Too many open files, or a caller that left at once: others may still come.
            Err(_) => tokio::time::sleep(core::time::Duration::from_millis(10)).await,
        }
        // Forget those that ended.
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| answer(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(core::time::Duration::from_secs(HEAD_SECONDS))
        .serve_connection(TokioIo::new(stream), service);
    // A connection that breaks is the caller's affair; its effects are in the books.
    let _broken = connection.await.is_err();
}

/// The connection is closed instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, NoAnswer> {
    let response = router.oneshot(request.map(Body::new)).await.map_err(|never| match never {})?;
    if response.extensions().get::<HangUp>().is_some() { Err(NoAnswer) } else { Ok(response) }
}
