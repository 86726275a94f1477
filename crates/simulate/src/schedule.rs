//! Who goes on next: of those who could, one that is drawn. When nobody can, time passes until somebody can.

use crate::sim::Sim;
use anyhow::{Result, bail};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

/// Turns after which a run is taken for one that never ends.
const TURNS: u64 = 3_000_000;

struct Task<'a> {
    work: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    until: i64,
}

/// Runs everybody until the first so many are through. The others are there for them, and go on while these do.
///
/// # Errors
/// It does not end.
pub fn together<'a>(sim: &Sim, work: Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>, first: usize) -> Result<()> {
    let mut tasks: Vec<Task<'a>> = work.into_iter().map(|work| Task { work: Some(work), until: i64::MIN }).collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut ready: Vec<usize> = Vec::with_capacity(tasks.len());
    for _ in 0..TURNS {
        if tasks.iter().take(first).all(|task| task.work.is_none()) {
            return Ok(());
        }
        let now = sim.with(|inside| inside.clock);
        ready.clear();
        let mut next = i64::MAX;
        for (at, task) in tasks.iter().enumerate().filter(|(_, task)| task.work.is_some()) {
            if task.until <= now {
                ready.push(at);
            }
            next = next.min(task.until);
        }
        let chosen = match ready.as_slice() {
            [] => {
                if next == i64::MAX {
                    bail!("everybody waits for ever");
                }
                sim.with(|inside| inside.clock = inside.clock.max(next));
                continue;
            }
            [only] => *only,
            several => sim.with(|inside| inside.rng.choice(several).copied()).unwrap_or(0),
        };
        let others = tasks.iter().enumerate().filter(|(at, task)| *at != chosen && task.work.is_some());
        let horizon = others.map(|(_, task)| task.until).min().unwrap_or(i64::MAX);
        let Some(task) = tasks.get_mut(chosen) else { continue };
        let Some(work) = &mut task.work else { continue };
        sim.with(|inside| (inside.wake, inside.horizon) = (i64::MAX, horizon));
        let polled = work.as_mut().poll(&mut context);
        let (wake, broken) = sim.with(|inside| (inside.wake, !inside.auditor.violations.is_empty()));
        match polled {
            Poll::Ready(()) => task.work = None,
            // Who waits for nothing in particular wants another turn.
            Poll::Pending => task.until = if wake == i64::MAX { now } else { wake },
        }
        if broken {
            return Ok(());
        }
    }
    bail!("no-limbo: it does not come to rest")
}

/// Runs one piece of work by itself.
///
/// # Errors
/// It does not end.
pub fn alone<T>(sim: &Sim, work: impl Future<Output = T>) -> Result<T> {
    let mut result = None;
    {
        let slot = &mut result;
        let work: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(async move { *slot = Some(work.await) });
        together(sim, vec![work], 1)?;
    }
    result.ok_or_else(|| anyhow::anyhow!("stopped by a violation"))
}
