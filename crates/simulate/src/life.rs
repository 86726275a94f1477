//! A request that can die between any two of its steps.

use crate::sim::Sim;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Work on one request. `None`: it died.
pub struct Life<F> {
    sim: Sim,
    request: usize,
    work: Option<Pin<Box<F>>>,
}

impl<F: Future> Life<F> {
    /// Work on a request.
    #[must_use]
    pub fn new(sim: Sim, request: usize, work: F) -> Self {
        Self { sim, request, work: Some(Box::pin(work)) }
    }
}

impl<F: Future> Future for Life<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sim, request, work } = self.get_mut();
        let Some(alive) = work else { return Poll::Ready(None) };
        let begun = sim.with(|inside| (!inside.is_dead(*request)).then(|| inside.running.replace(*request)));
        let Some(before) = begun else {
            *work = None;
            return Poll::Ready(None);
        };
        let polled = alive.as_mut().poll(context);
        let dead = sim.with(|inside| {
            inside.running = before;
            inside.is_dead(*request)
        });
        if dead {
            *work = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    }
}
