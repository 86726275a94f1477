//! Several callers on one thread, taking turns in an order that follows from a seed.

use super::Caller;
use crate::testkit::kv::drawn;
use core::future::poll_fn;
use core::task::Poll;

/// Polls whoever is not done, in an order that is drawn anew each time.
pub async fn turns<T>(callers: Vec<Caller<'_, T>>, seed: u64) -> Vec<T> {
    let mut seed = seed;
    let mut waiting: Vec<(usize, Caller<'_, T>)> = callers.into_iter().enumerate().collect();
    let mut done: Vec<(usize, T)> = Vec::new();
    poll_fn(|context| {
        let mut first: Vec<(usize, Caller<'_, T>)> = Vec::new();
        while !waiting.is_empty() {
            let length = u64::try_from(waiting.len()).unwrap_or(1);
            let at = usize::try_from(drawn(&mut seed, length)).unwrap_or(0);
            let (number, mut caller) = waiting.swap_remove(at);
            match caller.as_mut().poll(context) {
                Poll::Ready(told) => done.push((number, told)),
                Poll::Pending => first.push((number, caller)),
            }
        }
        waiting = first;
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, told)| told).collect()
}
