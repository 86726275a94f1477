//! Lets time pass for the application: `POST /v1/tick` to itself, in process, one at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tokio::sync::watch;

use crate::app::{App, Incoming};
use crate::error::HostError;
use crate::{limits, server};

/// Where a tick goes.
pub(crate) const PATH: &str = "/v1/tick";

/// How often, and with which token.
#[derive(Clone)]
pub(crate) struct Tick {
    interval: Duration,
    authorization: HeaderValue,
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token.
        f.debug_struct("Tick").field("interval", &self.interval).finish_non_exhaustive()
    }
}

impl Tick {
    pub(crate) fn new(interval: Duration, token: &str) -> Result<Self, HostError> {
        let wrong = |reason: String| HostError::Setting { setting: "tick", reason };
        if interval < limits::TICK_MINIMUM {
            return Err(wrong(format!("the interval is {interval:?}, it must be at least {:?}", limits::TICK_MINIMUM)));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            wrong("the token has characters that a header cannot carry; use letters, digits and - _ .".to_owned())
        })?;
        authorization.set_sensitive(true);
        Ok(Self { interval, authorization })
    }

    /// Ticks until told to stop. The next tick waits for the one before it.
    pub(crate) async fn run(self, app: Arc<App>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = server::stopping(&mut stop) => return,
                () = tokio::time::sleep(self.interval) => {}
            }
            let mut request = Request::new(());
            *request.method_mut() = http::Method::POST;
            *request.uri_mut() = http::Uri::from_static(PATH);
            request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
            let response = app.answer(Incoming { request, client: None }, async |()| Ok(Bytes::new())).await;
            let done = response.status().is_success();
            app.metrics.tick(done);
            if !done {
                tracing::warn!(status = response.status().as_u16(), "a tick was not done");
            }
        }
    }
}
