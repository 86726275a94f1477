//! HTTP/1.1 over TCP: connections, bodies, and stopping without dropping anybody.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming as Body};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::{App, Incoming};
use crate::limits;
use crate::problem::Problem;
use crate::write_timeout::WriteTimeout;

/// What clients are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Connections open at once.
    pub(crate) connections: usize,
    /// Time for the head of a request.
    pub(crate) head: Duration,
    /// Time for an answer of which nothing is read.
    pub(crate) write: Duration,
}

/// Accepts connections until told to stop, then waits for those in flight.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, patience: Patience, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(patience.connections));
    let mut connections = JoinSet::new();
    loop {
        let permit = tokio::select! {
            () = stopping(&mut stop) => break,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = stopping(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, client)) => {
                let (app, stop) = (Arc::clone(&app), stop.clone());
                connections.spawn(async move {
                    connection(stream, client, app, patience, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of file descriptors: let some close instead of spinning.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits::STOP_TIMEOUT, finish).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    client: SocketAddr,
    app: Arc<App>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was lost at once");
        return;
    }
    let service = service_fn(move |request: Request<Body>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(&app, request, client).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.head).keep_alive(true).half_close(false);
    let mut connection =
        std::pin::pin!(builder.serve_connection(TokioIo::new(WriteTimeout::new(stream, patience.write)), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping(&mut stop) => {
            // The request in flight is answered, then the connection is closed.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(app: &App, request: Request<Body>, client: SocketAddr) -> Response<Full<Bytes>> {
    let limit = app.body_limits.of(request.uri().path());
    let too_large = request.headers().get(CONTENT_LENGTH).is_some_and(|length| {
        let length = length.to_str().ok().and_then(|length| length.parse::<u64>().ok());
        length.and_then(|length| usize::try_from(length).ok()).is_none_or(|length| length > limit)
    });
    let announced = request.body().size_hint().exact();
    // Held until the request is answered: until then its body, or what was made of it, is in memory.
    let mut room = None;
    let read = async |body| {
        if too_large {
            return Err(Problem::TooLarge);
        }
        room = app.body_limits.room(announced, limit).await?;
        read(body, limit).await
    };
    let response = app.answer(Incoming { request, client: Some(client) }, read).await.map(Full::new);
    drop(room);
    response
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout(limits::BODY_TIMEOUT, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        Ok(Err(_)) => Err(Problem::Malformed),
        Err(_) => Err(Problem::TooSlow),
    }
}

/// Resolves when the host stops.
pub(crate) async fn stopping(stop: &mut watch::Receiver<bool>) {
    // An error means that the host is gone, which is a stop too.
    let stopped = stop.wait_for(|stop| *stop).await.is_ok();
    tracing::trace!(stopped, "stopping");
}
