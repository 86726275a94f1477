//! The instances of all components: how many there may be, who waits for one, and which are kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wasmtime::Engine;

use crate::instance::{Failure, Guest, Instance, RequestScope};
use crate::limits;
use crate::metrics::Metrics;

/// Why a request was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// Too many requests wait already, or this one waited too long. Nothing of it was run.
    Busy,
    /// The component failed.
    Failed(Failure),
}

/// All instances.
pub(crate) struct Pool {
    engine: Engine,
    guests: Vec<Guest>,
    /// One permit for every instance that serves.
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    idle: Mutex<Idle>,
    capacity: usize,
    metrics: Arc<Metrics>,
}

/// Instances between requests, the longest unused first, each with the index of its component.
#[derive(Default)]
struct Idle {
    instances: VecDeque<(usize, Instant, Instance)>,
    /// Instances there are, serving or not.
    live: usize,
}

/// Counts an instance for as long as it lives, even if the task that runs it panics.
struct Slot {
    pool: Arc<Pool>,
    /// It went back to the idle ones, where it still counts.
    kept: bool,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.kept {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.live = idle.live.saturating_sub(1);
        }
    }
}

impl Pool {
    pub(crate) fn new(engine: Engine, guests: Vec<Guest>, capacity: u32, metrics: Arc<Metrics>) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            engine,
            guests,
            running: Arc::new(Semaphore::new(capacity)),
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
            capacity,
            metrics,
        }
    }

    /// Serves one request by the component with this index. Gives the answer as soon as it is whole; what the guest
    /// does after it goes on in the background.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        guest: usize,
        request: http::Request<Bytes>,
        scope: RequestScope,
    ) -> Result<http::Response<Bytes>, Unserved> {
        let permit = self.permit().await?;
        let (sender, receiver) = oneshot::channel();
        let pool = Arc::clone(self);
        // A task of its own: a client that leaves must not leave an instance half way.
        tokio::spawn(async move {
            match pool.take(guest).await {
                Ok((instance, slot)) => {
                    if let Some(instance) = instance.serve(request, scope, sender).await {
                        slot.keep(guest, instance);
                    }
                }
                Err(failure) => {
                    pool.metrics.failure(failure);
                    sender.send(Err(failure)).unwrap_or(());
                }
            }
            // Only now may another request run: the instance is back or gone.
            drop(permit);
        });
        match receiver.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(failure)) => Err(Unserved::Failed(failure)),
            // The task ended without an answer: it panicked.
            Err(_) => Err(Unserved::Failed(Failure::Trap)),
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Unserved> {
        let semaphore = Arc::clone(&self.running);
        if let Ok(permit) = Arc::clone(&semaphore).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.waiting).ok_or(Unserved::Busy)?;
        match tokio::time::timeout(limits::WAIT_FOR_INSTANCE, semaphore.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Unserved::Busy),
        }
    }

    async fn take(self: &Arc<Self>, guest: usize) -> Result<(Instance, Slot), Failure> {
        let slot = || Slot { pool: Arc::clone(self), kept: false };
        let surplus = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // The one used last: its memory is still in the processor's cache.
            let found = idle.instances.iter().rposition(|(owner, _, _)| *owner == guest);
            if let Some((_, _, instance)) = found.and_then(|index| idle.instances.remove(index)) {
                return Ok((instance, slot()));
            }
            // Another component's instance makes room. With a permit in hand there is one if all are taken.
            let surplus = if idle.live >= self.capacity { idle.instances.pop_front() } else { None };
            if surplus.is_none() {
                idle.live = idle.live.saturating_add(1);
            }
            surplus
        };
        let slot = slot();
        drop(surplus);
        let made = match self.guests.get(guest) {
            Some(guest) => guest.instantiate(&self.engine).await,
            None => Err(Failure::Instantiate),
        };
        let instance = made?;
        self.metrics.instance_made();
        Ok((instance, slot))
    }

    /// Drops instances nobody has used for a while. Called every few seconds.
    pub(crate) fn sweep(&self) {
        let mut old = Vec::new();
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            while idle.instances.front().is_some_and(|(_, since, _)| since.elapsed() > limits::IDLE) {
                old.extend(idle.instances.pop_front());
                idle.live = idle.live.saturating_sub(1);
            }
        }
        drop(old);
    }

    /// Waits until no instance serves any more.
    pub(crate) async fn settled(&self) {
        let all = u32::try_from(self.capacity).unwrap_or(u32::MAX);
        if self.running.acquire_many(all).await.is_err() {
            tracing::debug!("the pool was closed");
        }
    }

    /// Instances there are, and requests that wait for one.
    pub(crate) fn load(&self) -> (usize, usize) {
        let live = self.idle.lock().unwrap_or_else(PoisonError::into_inner).live;
        (live, self.waiting.load(Ordering::Relaxed))
    }
}

impl Slot {
    fn keep(mut self, guest: usize, instance: Instance) {
        self.kept = true;
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.instances.push_back((guest, Instant::now(), instance));
    }
}

/// A place in the bounded queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let entered = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < limits::WAITING_REQUESTS).then(|| count.saturating_add(1))
        });
        entered.ok().map(|_| Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
