//! The provider is silent. The counter goes on, and in the end everything is known.

use crate::world::World;
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{Behaviour, Kind, Match, Script};
use rescind_tests::{Receiver, eventually};
use std::time::{Duration, Instant};

/// More than the courier sends at once.
const WAITING: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_provider_is_silent_the_counter_goes_on() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let receiver = Receiver::start().await?;
    shop.endpoint(&receiver.url()).await?;
    let mut refunds = Vec::new();
    for n in 0..WAITING {
        let sale = format!("S-{n}");
        shop.sale(&sale).days_ago(2).register().await?;
        refunds.push((world.approved_refund(&sale, "60.00").await?, sale));
    }
    let silence = Behaviour::Timeout { took_place: true, hold_ms: Some(20_000) };
    let matching = Match { kind: Some(Kind::Refund), ..Match::default() };
    world.acquirer.script(Script { matching, times: 1_000_000, behaviour: silence })?;
    for (id, _) in &refunds {
        world.clear(id).await?;
    }
    // Half a minute at the counter: sales, refunds, reading, and being told.
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    let mut n = 0;
    while begun.elapsed() < Duration::from_secs(30) {
        let (sale, asked) = (format!("C-{n}"), Instant::now());
        shop.sale(&sale)
            .days_ago(2)
            .register()
            .await
            .with_context(|| format!("after {} s", begun.elapsed().as_secs()))?;
        shop.supervisor.tell("/v1/refunds", &shop.refund(&sale, "1.00")).await?.is(201)?;
        shop.look_at(&sale).await?;
        slowest = slowest.max(asked.elapsed());
        n += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{n} sales and refunds meanwhile, the slowest took {slowest:?}");
    let last = format!("C-{}", n - 1);
    let told = begun.elapsed();
    receiver.until("the last sale to be told", |body| body["data"]["sale"] == last).await?;
    println!("the last was told after {:?}", begun.elapsed().saturating_sub(told));
    world.acquirer.clear_scripts();
    for (id, sale) in &refunds {
        eventually(&format!("{id} to be cleared"), Duration::from_secs(120), async || {
            let refund = shop.system.see(&format!("/v1/refunds/{id}")).await?;
            Ok((refund["state"] == "cleared").then_some(()))
        })
        .await?;
        world.did_once(sale, "0.00", "60.00")?;
    }
    let metrics = world.server.client().get("/metrics").await?.text;
    ensure!(!metrics.contains("rescind_outcomes_unknown_total 0\n"), "the provider was not silent: {metrics}");
    ensure!(slowest < Duration::from_secs(5), "the counter waited {slowest:?}");
    world.nothing_twice()
}
