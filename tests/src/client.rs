//! Callers of the API.

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The longest a caller waits: longer than any request lives.
const PATIENCE: Duration = Duration::from_secs(40);

/// The longest a caller goes on asking: a key whose request died with the server is free after its lease of 35 s.
const INSISTENCE: Duration = Duration::from_secs(70);

/// Where a server is now: it moves to another port when it is started again.
#[derive(Debug, Clone, Default)]
pub struct Address(Arc<RwLock<String>>);

impl Address {
    /// The base address, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn get(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, address: String) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Somebody who calls the API, with a key or without.
#[derive(Debug, Clone)]
pub struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    address: Address,
    key: Option<String>,
    proof: Option<String>,
}

/// An answer, with what it is the answer to.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The request in a few words.
    pub request: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .retry_canceled_requests(false)
            .build(connector);
        Self { http, address, key: None, proof: None }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// The same without a key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// The same with an operator's proof (or a session's token), which every request shows.
    #[must_use]
    pub fn showing(&self, proof: &str) -> Self {
        Self { proof: Some(proof.to_owned()), ..self.clone() }
    }

    /// Whether it shows a proof.
    #[must_use]
    pub fn shows_proof(&self) -> bool {
        self.proof.is_some()
    }

    /// The same with connections of its own.
    #[must_use]
    pub fn on_own_connections(&self) -> Self {
        Self { key: self.key.clone(), proof: self.proof.clone(), ..Self::new(self.address.clone()) }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Asks.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.call(Method::GET, path, None, String::new()).await
    }

    /// Asks, and wants a 200.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn see(&self, path: &str) -> Result<Value> {
        self.get(path).await?.is(200)
    }

    /// Posts without an idempotency key.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.call(Method::POST, path, None, body.to_string()).await
    }

    /// Posts under a new idempotency key.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn tell(&self, path: &str, body: &Value) -> Result<Reply> {
        self.tell_under(&fresh_key(), path, body).await
    }

    /// Posts under an idempotency key.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn tell_under(&self, key: &str, path: &str, body: &Value) -> Result<Reply> {
        self.call(Method::POST, path, Some(key), body.to_string()).await
    }

    /// Posts under an idempotency key as `docs/api.md` asks callers to: again as long as the answer is that the first
    /// request is still under way or that the server cannot say.
    ///
    /// # Errors
    /// There was no answer, or none but these within 70 s.
    pub async fn insist(&self, key: &str, path: &str, body: &Value) -> Result<Reply> {
        let end = tokio::time::Instant::now() + INSISTENCE;
        loop {
            let reply = self.tell_under(key, path, body).await?;
            let later = reply.status.is_server_error() || reply.is_code("idempotency.in-flight");
            if !later {
                return Ok(reply);
            }
            if tokio::time::Instant::now() >= end {
                bail!("{} s of asking under {key} ended with {reply}", INSISTENCE.as_secs());
            }
            let wait = reply.header("retry-after").parse().unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
    }

    /// Any request with a body of text.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn call(&self, method: Method, path: &str, idempotency: Option<&str>, body: String) -> Result<Reply> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = idempotency {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(body)?).await
    }

    /// Any request whose address is a path. The client's key is added unless the request brings an `authorization`.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send<B: Into<Bytes>>(&self, request: Request<B>) -> Result<Reply> {
        let (mut parts, body) = request.into_parts();
        let line = format!("{} {}", parts.method, parts.uri);
        let address = format!("{}{}", self.address.get(), parts.uri);
        parts.uri = address.parse::<Uri>().with_context(|| format!("{address} is no address"))?;
        if let Some(key) = &self.key
            && !parts.headers.contains_key("authorization")
        {
            parts.headers.insert("authorization", format!("Bearer {key}").parse()?);
        }
        if let Some(proof) = &self.proof {
            parts.headers.insert("operator-proof", proof.parse()?);
        }
        let request = Request::from_parts(parts, Full::new(body.into()));
        let exchange = async {
            let response = self.http.request(request).await.map_err(|e| anyhow!("{line}: no answer: {e:?}"))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|e| anyhow!("{line}: the answer broke off: {e}"))?.to_bytes();
            let text = String::from_utf8(body.to_vec()).with_context(|| format!("{line}: the answer is no text"))?;
            Ok(Reply { request: line.clone(), status: parts.status, headers: parts.headers, text })
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(reply) => reply,
            Err(_) => bail!("{line}: no answer within {} s", PATIENCE.as_secs()),
        }
    }
}

impl Reply {
    /// The body as JSON; nothing is `null`.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn json(&self) -> Result<Value> {
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).with_context(|| format!("{self} is no JSON"))
    }

    /// The body, if this is the status.
    ///
    /// # Errors
    /// It is another.
    pub fn is(&self, status: u16) -> Result<Value> {
        if self.status.as_u16() != status {
            bail!("expected status {status}, found {self}");
        }
        self.json()
    }

    /// The problem details, if these are the status and the code, in the form every problem has.
    ///
    /// # Errors
    /// It is another answer.
    pub fn refused(&self, status: u16, code: &str) -> Result<Value> {
        let problem = self.is(status)?;
        let well_formed = self.header("content-type") == "application/problem+json"
            && problem["status"] == status
            && problem["type"] == format!("/problems/{code}")
            && problem["title"].as_str().is_some_and(|t| !t.is_empty())
            && problem["detail"].as_str().is_some_and(|t| !t.is_empty());
        if problem["code"] != code || !well_formed {
            bail!("expected the problem {code}, found {self}");
        }
        Ok(problem)
    }

    /// Whether it is a problem of this code.
    #[must_use]
    pub fn is_code(&self, code: &str) -> bool {
        self.json().is_ok_and(|body| body["code"] == code)
    }

    /// A header's text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All that a caller can see, without what differs from answer to answer: the request's id and the time.
    #[must_use]
    pub fn seen(&self) -> (u16, Vec<(String, String)>, String) {
        let headers = self.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
        let mut headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
        headers.sort();
        (self.status.as_u16(), headers, self.text.clone())
    }
}

impl core::fmt::Display for Reply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} to {}: {}", self.status, self.request, self.text)
    }
}

/// An idempotency key that nobody has used.
#[must_use]
pub fn fresh_key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{number}", std::process::id(), crate::moment::now().unix_ms)
}
