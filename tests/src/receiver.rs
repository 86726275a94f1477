//! A merchant's server that receives webhooks.

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderMap, StatusCode};
use rescind_model::{Instant, SealHeaders};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running receiver. It ends when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    inbox: Arc<Mutex<Inbox>>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Everything that came, also what was answered with a failure.
    deliveries: Vec<Delivery>,
    /// How many of the next are answered with a failure.
    failures: usize,
}

/// One request that came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When.
    pub at: Instant,
    /// Its seal.
    pub seal: SealHeaders,
    /// Its bytes.
    pub body: Bytes,
    /// Whether it was answered with 204, and not with a failure.
    pub taken: bool,
}

impl Receiver {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> Result<Self> {
        Self::on(([127, 0, 0, 1], 0).into()).await
    }

    /// Listens on an address.
    ///
    /// # Errors
    /// It is taken.
    pub async fn on(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{address} is taken"))?;
        let address = listener.local_addr()?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let router = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
        let serving = tokio::spawn(async move {
            let ended = axum::serve(listener, router).await;
            drop(ended);
        });
        Ok(Self { address, inbox, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where webhooks go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next `count` deliveries with 500.
    pub fn fail(&self, count: usize) {
        self.inbox().failures = count;
    }

    /// Everything that came, in the order it came.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inbox().deliveries.clone()
    }

    /// What was taken, in the order it came, once there are at least so many.
    ///
    /// # Errors
    /// There are not within 30 s.
    pub async fn at_least(&self, count: usize) -> Result<Vec<Delivery>> {
        crate::eventually(&format!("{count} webhooks"), Duration::from_secs(30), async || {
            let taken: Vec<Delivery> = self.deliveries().into_iter().filter(|d| d.taken).collect();
            Ok((taken.len() >= count).then_some(taken))
        })
        .await
    }

    /// What was taken, in the order it came, once one of these is among it.
    ///
    /// # Errors
    /// It is not within 30 s.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Vec<Delivery>> {
        crate::eventually(what, Duration::from_secs(30), async || {
            let taken: Vec<Delivery> = self.deliveries().into_iter().filter(|d| d.taken).collect();
            let there = taken.iter().any(|d| d.json().is_ok_and(|body| wanted(&body)));
            Ok(there.then_some(taken))
        })
        .await
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(inbox): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let seal = SealHeaders {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
    };
    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = inbox.failures == 0;
    inbox.failures = inbox.failures.saturating_sub(1);
    inbox.deliveries.push(Delivery { at: crate::moment::now(), seal, body, taken });
    if taken { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

impl Delivery {
    /// The body, if the seal on it is one of this secret.
    ///
    /// # Errors
    /// It is not, or too old.
    pub fn verified(&self, secret: &str) -> Result<Value> {
        let tolerance = rescind_model::Duration::minutes(5);
        rescind_notification::verify(&[secret], &self.seal, &self.body, self.at, tolerance)
            .map_err(|why| anyhow!("webhook {} does not verify: {why:?}", self.seal.id))?;
        self.json()
    }

    /// The body, unverified.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn json(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
