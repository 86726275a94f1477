//! The clock that ends calls which do not end by themselves.

use crate::error::DeciderError;
use crate::limits;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use wasmtime::Engine;

/// Advances the engine's epoch until dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    /// Dropped to stop the thread at once.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Result<Self, DeciderError> {
        let (stop, stopped) = channel::<()>();
        let engine = engine.weak();
        let tick = move || {
            while stopped.recv_timeout(limits::TICK) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        let thread = Builder::new()
            .name("decider-clock".to_owned())
            .spawn(tick)
            .map_err(|error| DeciderError::Instance { reason: format!("its clock: {error}") })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once and cannot panic; if it did, there is nothing left to do for it.
            let _ended = thread.join();
        }
    }
}
