//! What an operation costs with many stored sales, beside one with few.
//!
//! Two servers, one on a database with few sales and one with many, both of one merchant, filled by the service's own code
//! and started anew after that. Then the same mix of requests in turns, so that what else the machine does meets both.

use super::samples::Samples;
use super::{CONNECTIONS, run, start, until_taken};
use anyhow::{Context as _, Result, ensure};
use rescind_tests::{Client, Policies, Server, Shop, Store, program};
use serde_json::Value;

/// Sales of the database that the other is compared with.
const FEW: u64 = 1_000;
/// Requests in one turn, a fourth of each kind.
const REQUESTS: usize = 2_048;
/// Turns of each, after one that is not counted.
const TURNS: usize = 5;
/// So far apart are stored sales that are asked for one after the other: all over the database, and none twice.
const STRIDE: u64 = 7_919;

/// A server on a filled database.
struct Stored {
    sales: u64,
    shop: Shop,
    // Kept: it ends when it is dropped.
    _server: Server,
}

/// Compares a database of so many sales with one of 1,000.
pub async fn measure(sales: u64) -> Result<()> {
    ensure!(sales >= FEW, "expected at least {FEW} stored sales, found {sales}");
    super::machine::describe()?;
    let policies = Policies::with_open()?;
    let databases = [Stored::fill(FEW, &policies).await?, Stored::fill(sales, &policies).await?];
    println!(
        "\na fourth each: sale registered, void of it checked, refund of a stored sale submitted, stored sale read; {CONNECTIONS} connections"
    );
    let mut rates: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for turn in 0..=TURNS {
        for (stored, rates) in databases.iter().zip(&mut rates) {
            let samples = stored.turn(turn).await?;
            if turn > 0 {
                println!("  turn {turn}  {:>8} stored  {samples}", stored.sales);
                rates.push(samples.rate());
            }
        }
    }
    let [few, many] = rates.map(|mut rates| {
        rates.sort_unstable();
        rates.get(rates.len() / 2).copied().unwrap_or(0)
    });
    let ratio = few * 100 / many.max(1);
    println!(
        "  median rates: {few}/s with {FEW}, {many}/s with {sales}: cost per operation {}.{:02} times",
        ratio / 100,
        ratio % 100
    );
    Ok(())
}

impl Stored {
    async fn fill(sales: u64, policies: &Policies) -> Result<Self> {
        let mut server = start(policies, Store::Group).await?;
        let shop = Shop::open(&server, "M-1", "open").await?;
        server.stop().await?;
        let text = |path: &std::path::Path| path.to_str().map(str::to_owned).context("a path that is not UTF-8");
        let (db, policies) = (text(&server.setup().db)?, text(policies.path())?);
        let count = sales.to_string();
        let arguments = ["fill", "--db", &db, "--policies", &policies, "--merchant", "M-1", "--sales", &count];
        let filled = program::run_patiently(std::env::temp_dir().as_path(), &arguments).await?;
        let size = std::fs::metadata(&db)?.len() / 1_000_000;
        println!("filled      {}, {size} MB", filled.well()?.trim());
        server.start_again().await?;
        Ok(Self { sales, shop, _server: server })
    }

    async fn turn(&self, turn: usize) -> Result<Samples> {
        let (shop, sales) = (self.shop.clone(), self.sales);
        let callers: Vec<Client> = (0..CONNECTIONS).map(|_| shop.manager.on_own_connections()).collect();
        // Made before the time runs.
        let new: Vec<(String, Value)> = (0..REQUESTS)
            .map(|n| {
                let id = format!("S-{turn}-{}", n / 4);
                let body = shop.sale(&id).body();
                (id, body)
            })
            .collect();
        let first = u64::try_from(turn * REQUESTS)?;
        let work = move |client: Client, n: usize| {
            let (id, sale) = new.get(n).cloned().unwrap_or_default();
            let number = (first + u64::try_from(n).unwrap_or(0)) / 4;
            let stored = format!("F-{:07}", number * STRIDE % sales);
            let (void, refund) = (shop.void(), shop.refund(&stored, "10.00"));
            async move {
                match n % 4 {
                    0 => until_taken(&client, "/v1/transactions", &sale).await.map(drop),
                    1 => {
                        let path = format!("/v1/transactions/{id}/voids/check");
                        // The sale may still be on its way, over another connection.
                        loop {
                            let reply = client.post(&path, &void).await?;
                            if reply.status != 404 {
                                return reply.is(200).map(drop);
                            }
                            tokio::time::sleep(core::time::Duration::from_millis(2)).await;
                        }
                    }
                    2 => until_taken(&client, "/v1/refunds", &refund).await.map(drop),
                    _ => client.see(&format!("/v1/transactions/{stored}")).await.map(drop),
                }
            }
        };
        run(callers, REQUESTS, work).await
    }
}
