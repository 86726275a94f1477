//! Outbound HTTP: who may call whom, over which addresses, for how long, and how much comes back.
//!
//! - A component reaches what its `allowed_outbound_hosts` names, nothing if it names nothing.
//! - Every address is checked after it was resolved, and the connection is made to that very address: there is no
//!   second look-up that could answer differently.
//! - A request leaves only when everything its session wrote or saw is durable.
//! - Redirects are answers like any other; the guest decides.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsConnector;
use url::Host;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::destination::{Destination, Pattern};
use crate::error::HostError;
use crate::limits;
use crate::metrics::Metrics;
use crate::network::Exceptions;
use crate::store::{Session, Store};

/// The client all components share.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    client: Client<Connector, WasiBody>,
    requests: Arc<Semaphore>,
}

impl Outbound {
    pub(crate) fn new(exceptions: Exceptions) -> Result<Self, HostError> {
        let tls = tls().map_err(|error| HostError::Engine { reason: format!("TLS: {error}") })?;
        let connector = Connector { exceptions: Arc::new(exceptions), tls: TlsConnector::from(Arc::new(tls)) };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(hyper_util::rt::TokioTimer::new())
            .pool_idle_timeout(limits::OUTBOUND_IDLE)
            .pool_max_idle_per_host(limits::OUTBOUND_IDLE_PER_HOST)
            .build(connector);
        Ok(Self { client, requests: Arc::new(Semaphore::new(limits::OUTBOUND_REQUESTS)) })
    }

    async fn send(
        &self,
        mut request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<http::Response<WasiBody>, Error> {
        let limit = |asked: Option<Duration>, ours: Duration| asked.map_or(ours, |asked| asked.min(ours));
        let between_bytes = limit(options.between_bytes_timeout, limits::BETWEEN_BYTES_TIMEOUT);
        let first_byte =
            limit(options.first_byte_timeout, limits::FIRST_BYTE_TIMEOUT).saturating_add(limits::CONNECT_TIMEOUT);
        // The client would write its own version number otherwise, and hop-by-hop headers are its business.
        *request.version_mut() = http::Version::HTTP_11;
        let permit = Arc::clone(&self.requests).try_acquire_owned().map_err(|_| Error::ConnectionLimitReached)?;
        let answer = tokio::time::timeout(first_byte, self.client.request(request)).await;
        let answer = answer.map_err(|_| Error::HttpResponseTimeout)?.map_err(|error| explain(&error))?;
        Ok(answer.map(|body| AnswerBody::new(body, between_bytes, permit).boxed_unsync()))
    }
}

/// What one instance needs to make requests.
pub(crate) struct Hooks {
    pub(crate) allowed: Arc<[Pattern]>,
    pub(crate) outbound: Outbound,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) session: Arc<Session>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) component: Arc<str>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        processed: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send> {
        // The guest's report on what it made of the answer is of no use here.
        drop(processed);
        let (outbound, store, session) = (self.outbound.clone(), Arc::clone(&self.store), Arc::clone(&self.session));
        let metrics = Arc::clone(&self.metrics);
        let destination = Destination::of(request.uri());
        let allowed = destination.as_ref().is_some_and(|to| self.allowed.iter().any(|pattern| pattern.allows(to)));
        if !allowed {
            let to = destination.map_or_else(|| "an address that is none".to_owned(), |to| to.to_string());
            tracing::warn!(component = &*self.component, %to, "outbound request refused: not in allowed_outbound_hosts");
        }
        Box::new(async move {
            let result = async {
                if !allowed {
                    return Err(Error::HttpRequestDenied);
                }
                // Nobody outside may hear of a write before it is certain.
                store.durable(&session).await.map_err(|error| Error::InternalError(Some(error.to_string())))?;
                outbound.send(request, options.unwrap_or_default()).await
            }
            .await;
            metrics.outbound(result.is_ok());
            let finished: Io = Box::new(std::future::ready(Ok(())));
            result.map(|answer| (answer, finished))
        })
    }
}

/// The roots of trust come with the program: a container without certificates works, and nothing on the machine can add one.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(rustls::DEFAULT_VERSIONS)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("the name does not resolve")]
    Name,
    #[error("every address of it is in a network that is closed to components")]
    Closed,
    #[error("connecting took too long")]
    Timeout,
    #[error("the connection was refused")]
    Refused,
    #[error("the TLS handshake failed")]
    Tls,
}

/// Finds the wasi:http error for what the client says.
fn explain(error: &hyper_util::client::legacy::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(connect) = error.downcast_ref::<ConnectError>() {
            return match connect {
                ConnectError::Name => Error::DnsError { rcode: None, info_code: None },
                ConnectError::Closed => Error::DestinationIpProhibited,
                ConnectError::Timeout => Error::ConnectionTimeout,
                ConnectError::Refused => Error::ConnectionRefused,
                ConnectError::Tls => Error::TlsProtocolError,
            };
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            return if hyper.is_incomplete_message() {
                Error::HttpResponseIncomplete
            } else {
                Error::HttpProtocolError
            };
        }
        cause = error.source();
    }
    Error::HttpProtocolError
}

/// Connects to checked addresses only.
#[derive(Clone)]
struct Connector {
    exceptions: Arc<Exceptions>,
    tls: TlsConnector,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("exceptions", &self.exceptions).finish_non_exhaustive()
    }
}

impl tower_service::Service<http::Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = tokio::time::timeout(limits::CONNECT_TIMEOUT, connector.connect(&uri)).await;
            connected.map_err(|_| ConnectError::Timeout)?
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &http::Uri) -> Result<Stream, ConnectError> {
        let to = Destination::of(uri).ok_or(ConnectError::Name)?;
        let stream = self.connect_tcp(&to).await?;
        if to.scheme != "https" {
            return Ok(Stream::new(stream));
        }
        let name = match &to.host {
            Host::Domain(domain) => ServerName::try_from(domain.clone()).map_err(|_| ConnectError::Name)?,
            Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
        };
        self.tls.connect(name, stream).await.map(Stream::new).map_err(|_| ConnectError::Tls)
    }

    async fn connect_tcp(&self, to: &Destination) -> Result<TcpStream, ConnectError> {
        let addresses: Vec<SocketAddr> = match &to.host {
            Host::Domain(domain) => {
                tokio::net::lookup_host((domain.as_str(), to.port)).await.map_err(|_| ConnectError::Name)?.collect()
            }
            Host::Ipv4(address) => vec![SocketAddr::new(IpAddr::V4(*address), to.port)],
            Host::Ipv6(address) => vec![SocketAddr::new(IpAddr::V6(*address), to.port)],
        };
        if addresses.is_empty() {
            return Err(ConnectError::Name);
        }
        let mut failure = ConnectError::Closed;
        for address in addresses {
            if !self.exceptions.may_reach(&to.host, address.ip()) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one small write; waiting for more only delays it.
                    stream.set_nodelay(true).map_err(|_| ConnectError::Refused)?;
                    return Ok(stream);
                }
                Err(_) => failure = ConnectError::Refused,
            }
        }
        if matches!(failure, ConnectError::Closed) {
            tracing::warn!(%to, "outbound request refused: its addresses are in a closed network; --allow-private opens one");
        }
        Err(failure)
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, encrypted or not.
struct Stream(TokioIo<Box<dyn Duplex>>);

impl Stream {
    fn new(stream: impl Duplex + 'static) -> Self {
        Self(TokioIo::new(Box::new(stream)))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// An answer's body, bounded in size and in the time between two pieces.
struct AnswerBody {
    body: Incoming,
    left: usize,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl AnswerBody {
    fn new(body: Incoming, pause: Duration, permit: OwnedSemaphorePermit) -> Self {
        Self {
            body,
            left: limits::OUTBOUND_RESPONSE_BYTES,
            pause,
            timer: Box::pin(tokio::time::sleep(pause)),
            _permit: permit,
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => self.timer.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout))),
            Poll::Ready(Some(Ok(frame))) => {
                let size = frame.data_ref().map_or(0, Bytes::len);
                let too_large = || Error::HttpResponseBodySize(u64::try_from(limits::OUTBOUND_RESPONSE_BYTES).ok());
                let Some(left) = self.left.checked_sub(size) else {
                    return Poll::Ready(Some(Err(too_large())));
                };
                self.left = left;
                let next = Instant::now().checked_add(self.pause).unwrap_or_else(Instant::now);
                self.timer.as_mut().reset(next);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Error::Hyper(error)))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }
}
