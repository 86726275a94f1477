//! Outbound requests, each with a time limit of its own.

use bytes::Bytes;
use core::pin::pin;
use core::task::Poll;
use http_body_util::{BodyExt as _, Full, Limited};
use rescind_service::ports::{NoAnswer, OutboundAnswer};
use spin_sdk::time::sleep;
use std::time::Duration;

/// How long the other side may take. Longer than any provider promises, shorter than a tick lives.
const WITHIN: Duration = Duration::from_secs(5);

/// How much of an answer is read: provider answers are short, receivers of webhooks have nothing to say.
const ANSWER_BYTES: usize = 64 * 1024;

/// Sends a request and reads the answer.
pub async fn send(
    method: &'static str,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<OutboundAnswer, NoAnswer> {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|e| NoAnswer(e.to_string()))?;
    let exchange = async {
        let response = spin_sdk::http::send(request).await.map_err(|e| NoAnswer(format!("{e:?}")))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|e| NoAnswer(e.to_string()))?.to_bytes().to_vec();
        Ok(OutboundAnswer { status, body })
    };
    within(WITHIN, exchange).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, NoAnswer>>) -> Result<T, NoAnswer> {
    let mut work = pin!(work);
    let mut clock = pin!(sleep(limit));
    core::future::poll_fn(|context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        clock.as_mut().poll(context).map(|()| Err(NoAnswer(format!("none within {} s", limit.as_secs()))))
    })
    .await
}
