//! A guest's standard output and error: lines in the host's log, with the component and the request they belong to.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits;

/// Where the lines of one instance go.
#[derive(Debug, Clone)]
pub(crate) struct GuestLog {
    component: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    request_id: Arc<str>,
    line: Vec<u8>,
    lines: usize,
}

impl GuestLog {
    pub(crate) fn new(component: Arc<str>) -> Self {
        let state = State { request_id: "".into(), line: Vec::new(), lines: 0 };
        Self { component, state: Arc::new(Mutex::new(state)) }
    }

    /// From now on lines belong to this request.
    pub(crate) fn start(&self, request_id: &Arc<str>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.request_id = Arc::clone(request_id);
        state.lines = 0;
    }

    fn take(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = limits::LOG_LINE_BYTES.saturating_sub(state.line.len());
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            state.line.extend(text.iter().take(room));
            if piece.ends_with(b"\n") {
                self.write_line(&mut state);
            }
        }
    }

    /// A last line without a line break, when the instance pauses.
    fn flush(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.line.is_empty() {
            self.write_line(&mut state);
        }
    }

    fn write_line(&self, state: &mut State) {
        state.lines = state.lines.saturating_add(1);
        let line = String::from_utf8_lossy(&state.line).into_owned();
        state.line.clear();
        let (component, request_id) = (&*self.component, &*state.request_id);
        if state.lines <= limits::LOG_LINES_PER_REQUEST {
            tracing::info!(target: "rescind::guest", component, request_id, "{line}");
        } else if state.lines == limits::LOG_LINES_PER_REQUEST.saturating_add(1) {
            tracing::warn!(target: "rescind::guest", component, request_id, "more lines of this request are not logged");
        }
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for GuestLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        GuestLog::flush(&self);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        GuestLog::flush(&self);
        Poll::Ready(Ok(()))
    }
}

impl OutputStream for GuestLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        GuestLog::flush(self);
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::LOG_LINE_BYTES)
    }
}

impl Pollable for GuestLog {
    fn ready<'life, 'future>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}
