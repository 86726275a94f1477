//! Traces as OTLP over HTTP in its JSON form, only if `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
//!
//! One span per request. The exporter is small on purpose: the OpenTelemetry SDK would bring more code than the rest
//! of the server. Requests carry `traceparent` (W3C Trace Context) to the component, which passes it on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::app::Finished;
use crate::error::HostError;
use crate::limits;
use crate::request_id::random_bytes;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// OTLP's numbers for a span of a server and for a span that failed.
const KIND_SERVER: u8 = 2;
const STATUS_ERROR: u8 = 2;

/// Collects spans for export.
pub(crate) struct Tracer {
    sender: mpsc::Sender<Value>,
    dropped: Arc<AtomicU64>,
}

/// A request being traced.
pub(crate) struct Span {
    trace: String,
    id: String,
    parent: Option<String>,
    start: SystemTime,
}

impl Tracer {
    /// Starts exporting if the environment says where to.
    pub(crate) fn from_environment(service: &str, version: &str) -> Result<Option<Self>, HostError> {
        let Ok(endpoint) = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") else {
            return Ok(None);
        };
        if endpoint.is_empty() {
            return Ok(None);
        }
        let wrong = || HostError::Setting {
            setting: "OTEL_EXPORTER_OTLP_ENDPOINT",
            reason: format!(
                "{endpoint:?} is not usable: expected http://host:port of a collector that speaks OTLP over HTTP"
            ),
        };
        let target: Uri = format!("{}/v1/traces", endpoint.trim_end_matches('/')).parse().map_err(|_| wrong())?;
        if target.scheme_str() != Some("http") || target.host().is_none() {
            return Err(wrong());
        }
        let (sender, receiver) = mpsc::channel(limits::SPANS);
        let dropped = Arc::new(AtomicU64::new(0));
        let resource =
            json!({ "attributes": [attribute("service.name", service), attribute("service.version", version)] });
        tokio::spawn(export(receiver, target, resource, Arc::clone(&dropped)));
        Ok(Some(Self { sender, dropped }))
    }

    /// Begins a span; the request carries it on.
    pub(crate) fn start(&self, headers: &mut HeaderMap) -> Span {
        let given = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(parse_traceparent);
        let (trace, parent) = match given {
            Some((trace, parent)) => (trace, Some(parent)),
            None => (hex::encode(random_bytes::<16>()), None),
        };
        let id = hex::encode(random_bytes::<8>());
        if let Ok(value) = HeaderValue::from_str(&format!("00-{trace}-{id}-01")) {
            headers.insert(TRACEPARENT, value);
        }
        Span { trace, id, parent, start: SystemTime::now() }
    }

    /// Ends a span and queues it for export; drops it if the collector is too slow.
    pub(crate) fn finish(&self, span: Span, finished: &Finished<'_>) {
        let status = finished.status.as_u16();
        let mut value = json!({
            "traceId": span.trace,
            "spanId": span.id,
            "name": format!("{} {}", finished.method, finished.component),
            "kind": KIND_SERVER,
            "startTimeUnixNano": nanoseconds(span.start),
            "endTimeUnixNano": nanoseconds(span.start.checked_add(finished.duration).unwrap_or(span.start)),
            "attributes": [
                attribute("http.request.method", finished.method.as_str()),
                attribute("url.path", &rescind_model::card_number::mask(finished.path).text),
                attribute("rescind.request_id", finished.id),
                { "key": "http.response.status_code", "value": { "intValue": status.to_string() } },
            ],
        });
        if let Some(fields) = value.as_object_mut() {
            if let Some(parent) = span.parent {
                fields.insert("parentSpanId".to_owned(), Value::String(parent));
            }
            if status >= 500 {
                fields.insert("status".to_owned(), json!({ "code": STATUS_ERROR }));
            }
        }
        if self.sender.try_send(value).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// JSON has no 64-bit integers: OTLP writes them as text.
fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos().to_string()
}

/// Trace and parent ids of a `traceparent` header.
fn parse_traceparent(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, parent, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    };
    (version == "00" && is_hex(trace, 32) && is_hex(parent, 16)).then(|| (trace.to_owned(), parent.to_owned()))
}

async fn export(mut spans: mpsc::Receiver<Value>, target: Uri, resource: Value, dropped: Arc<AtomicU64>) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut batch = Vec::new();
    while spans.recv_many(&mut batch, limits::SPANS_PER_EXPORT).await > 0 {
        let count = batch.len();
        let scope = json!({ "scope": { "name": "rescind-host" }, "spans": std::mem::take(&mut batch) });
        let body = json!({ "resourceSpans": [{ "resource": &resource, "scopeSpans": [scope] }] }).to_string();
        let request =
            Request::post(target.clone()).header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body)));
        let Ok(request) = request else { return };
        let answer = tokio::time::timeout(limits::EXPORT_TIMEOUT, client.request(request)).await;
        if !matches!(&answer, Ok(Ok(answer)) if answer.status().is_success()) {
            let dropped = dropped.swap(0, Ordering::Relaxed);
            tracing::warn!(spans = count, dropped, "spans could not be exported");
        }
        // Gather some before the next request.
        tokio::time::sleep(limits::EXPORT_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_parents_are_taken() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parse_traceparent(&format!("00-{trace}-{parent}-01")), Some((trace.to_owned(), parent.to_owned())));
        for wrong in
            ["", "00", "00-x-y-01", &format!("01-{trace}-{parent}-01"), &format!("00-{}-{parent}-01", "0".repeat(32))]
        {
            assert_eq!(parse_traceparent(wrong), None, "{wrong}");
        }
    }
}
