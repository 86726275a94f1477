//! `cargo xtask bench`: how long a void check and a durable refund submission take over HTTP, and how large the
//! components are. `cargo xtask bench --stored N` instead: what an operation costs with N stored sales, beside one with 1,000.
//! It measures and judges nothing: figures depend on the machine, and caller and server share it here.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(clippy::arithmetic_side_effects, reason = "counts of requests; overflow stops the run")]

mod machine;
mod samples;
mod stored;

use anyhow::{Context as _, Result};
use rescind_tests::client::fresh_key;
use rescind_tests::{Client, Policies, Server, Shop, Store};
use samples::Samples;
use serde_json::Value;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections of the busy runs: as many terminals at once.
const CONNECTIONS: usize = 64;
/// Void checks on one connection, and on all of them together.
const CHECKS: [usize; 2] = [2_000, 10_000];
/// Refunds submitted in one run, each on a sale of its own.
const REFUNDS: usize = 2_048;
/// Runs with each store, in turns, so that what else the machine does meets both.
const TURNS: usize = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure().await,
        ["--stored", sales] => match sales.parse() {
            Ok(sales) => stored::measure(sales).await,
            Err(_) => Err(anyhow::anyhow!("--stored takes a number of sales, found {sales:?}")),
        },
        _ => Err(anyhow::anyhow!("expected nothing or --stored N, found {arguments:?}")),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("bench: {reason:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<()> {
    machine::describe()?;
    machine::components()?;
    println!("\nvoid check over HTTP (POST /v1/transactions/{{id}}/voids/check)");
    let policies = Policies::with_open()?;
    let server = start(&policies, Store::Group).await?;
    let shop = Shop::open(&server, "M-1", "open").await?;
    shop.sale("S-1").register().await?;
    checks(&shop, CONNECTIONS, 500).await?; // makes all instances
    for (connections, count) in [1, CONNECTIONS].into_iter().zip(CHECKS) {
        println!("  {connections:>2} connections  {}", checks(&shop, connections, count).await?);
    }
    drop(server);

    println!("\ndurable refund submission over HTTP (POST /v1/refunds), {CONNECTIONS} connections, no acquirer");
    let mut rates: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for turn in 1..=TURNS {
        for (store, rates) in [Store::Group, Store::PerWriteCommit].into_iter().zip(&mut rates) {
            let (samples, again) = refunds(&policies, store).await?;
            let name = if store == Store::Group { "group" } else { "per-write-commit" };
            println!("  turn {turn}  --store {name:<16}  {samples}, {again} told to come back");
            rates.push(samples.rate());
        }
    }
    let [group, per_write] = rates.map(|mut rates| {
        rates.sort_unstable();
        rates.get(rates.len() / 2).copied().unwrap_or(0)
    });
    let ratio = group * 10 / per_write.max(1);
    println!("  median rates: group {group}/s, per-write-commit {per_write}/s: {}.{} times", ratio / 10, ratio % 10);
    Ok(())
}

async fn start(policies: &Policies, store: Store) -> Result<Server> {
    Server::with(|setup| {
        setup.store = store;
        setup.tick_ms = 200;
        policies.path().clone_into(&mut setup.policies);
    })
    .await
}

/// Void checks of one sale over so many connections.
async fn checks(shop: &Shop, connections: usize, count: usize) -> Result<Samples> {
    let callers = (0..connections).map(|_| shop.supervisor.on_own_connections()).collect();
    let body = shop.void();
    run(callers, count, move |client, _| {
        let body = body.clone();
        async move { client.post("/v1/transactions/S-1/voids/check", &body).await?.is(200).map(drop) }
    })
    .await
}

/// Refunds on a new server with one store, each of a sale of its own. Who is told to come back (503) does after 50 ms, and
/// that is part of its time. Gives how often that was, too.
async fn refunds(policies: &Policies, store: Store) -> Result<(Samples, usize)> {
    let server = start(policies, store).await?;
    let shop = Shop::open(&server, "M-1", "open").await?;
    let sales: Vec<Value> = (0..REFUNDS).map(|n| shop.sale(&format!("S-{n}")).days_ago(2).body()).collect();
    let callers: Vec<Client> = (0..CONNECTIONS).map(|_| shop.system.on_own_connections()).collect();
    let register = move |client: Client, n: usize| {
        let sale = sales.get(n).cloned().unwrap_or_default();
        async move { until_taken(&client, "/v1/transactions", &sale).await.map(drop) }
    };
    run(callers, REFUNDS, register).await?;
    let callers = (0..CONNECTIONS).map(|_| shop.manager.on_own_connections()).collect();
    let asks: Vec<Value> = (0..REFUNDS).map(|n| shop.refund(&format!("S-{n}"), "60.00")).collect();
    let again = Arc::new(AtomicUsize::new(0));
    let count = again.clone();
    let submit = move |client: Client, n: usize| {
        let (ask, again) = (asks.get(n).cloned().unwrap_or_default(), count.clone());
        async move {
            again.fetch_add(until_taken(&client, "/v1/refunds", &ask).await?, Ordering::Relaxed);
            Ok(())
        }
    };
    let samples = run(callers, REFUNDS, submit).await?;
    Ok((samples, again.load(Ordering::Relaxed)))
}

/// Posts under one key until it is taken. Gives how often it was not.
async fn until_taken(client: &Client, path: &str, body: &Value) -> Result<usize> {
    let key = fresh_key();
    let mut again = 0;
    loop {
        let reply = client.tell_under(&key, path, body).await?;
        if !reply.status.is_server_error() && !reply.is_code("idempotency.in-flight") {
            return reply.is(201).map(|_| again);
        }
        again += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has each caller do one after the other until so many are done, and takes the time of each.
async fn run<F, W>(callers: Vec<Client>, count: usize, work: W) -> Result<Samples>
where
    W: Fn(Client, usize) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let (next, work) = (Arc::new(AtomicUsize::new(0)), Arc::new(work));
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for client in callers {
        let (next, work) = (next.clone(), work.clone());
        all.spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return anyhow::Ok(times);
                }
                let begun = Instant::now();
                work(client.clone(), n).await?;
                times.push(begun.elapsed());
            }
        });
    }
    let mut times = Vec::new();
    while let Some(one) = all.join_next().await {
        times.extend(one.context("a caller panicked")??);
    }
    Ok(Samples::new(times, begun.elapsed()))
}
