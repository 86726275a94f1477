//! `kill -9`, and what is there afterwards.

use crate::world::{World, types};
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::Behaviour;
use rescind_tests::client::fresh_key;
use rescind_tests::shop::text;
use rescind_tests::{Reply, Shop, cny};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const SALES: usize = 100;
const EACH: usize = 10;
/// Connections at once: below the usual limit of 1,024 file descriptors, above what the server works on at once.
const CONNECTIONS: usize = 400;
/// So many are acknowledged when the server is killed, with as many as there are connections under way.
const KILLED_AFTER: usize = 300;

/// A submission: its idempotency key, and its answer if there was one.
type Submission = (String, usize, Option<Reply>);

/// Submits refund number `n` of a sale under a key of its own.
async fn submit(shop: &Shop, n: usize) -> Result<Reply> {
    let ask = shop.refund(&format!("S-{}", n % SALES), "5.00");
    shop.manager.tell_under(&format!("refund-{n}"), "/v1/refunds", &ask).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_kill_9_and_nothing_twice() -> Result<()> {
    let mut world = World::open().await?;
    let shop = world.shop.clone();
    for sale in 0..SALES {
        shop.sale(&format!("S-{sale}")).days_ago(2).register().await?;
    }
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let lines = Arc::new(Semaphore::new(CONNECTIONS));
    let mut submissions = JoinSet::new();
    for n in 0..SALES * EACH {
        let (shop, acknowledged, lines) = (shop.clone(), acknowledged.clone(), lines.clone());
        submissions.spawn(async move {
            let _line = lines.acquire().await;
            let reply = submit(&shop, n).await.ok();
            if reply.as_ref().is_some_and(|r| r.status == 201) {
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            (format!("refund-{n}"), n, reply)
        });
    }
    while acknowledged.load(Ordering::SeqCst) < KILLED_AFTER {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.server.kill9().await?;
    let mut all: Vec<Submission> = Vec::new();
    while let Some(one) = submissions.join_next().await {
        all.push(one?);
    }
    all.sort_by_key(|(_, n, _)| *n);
    let acknowledged: BTreeMap<usize, (String, &Reply)> = all
        .iter()
        .filter_map(|(_, n, reply)| reply.as_ref().filter(|r| r.status == 201).map(|r| (*n, r)))
        .map(|(n, reply)| Ok((n, (text(&reply.json()?, "id")?, reply))))
        .collect::<Result<_>>()?;
    ensure!((KILLED_AFTER..SALES * EACH).contains(&acknowledged.len()), "{} were acknowledged", acknowledged.len());

    world.server.start_again().await?;
    let there = refunds_by_sale(&shop).await?;
    let mut known = BTreeSet::new();
    for (sale, refunds) in &there {
        for id in refunds {
            ensure!(known.insert(id.clone()), "{id} is there twice");
        }
        ensure!(refunds.len() <= EACH, "{sale} has {} refunds", refunds.len());
    }
    for (n, (id, _)) in &acknowledged {
        ensure!(
            there[&format!("S-{}", n % SALES)].contains(id),
            "refund-{n} was acknowledged as {id} and is not there"
        );
    }
    println!("{} acknowledged, {} there after the restart", acknowledged.len(), known.len());

    // Every key again: the acknowledged get their first answer byte for byte, the others exactly one refund each.
    let mut retries = JoinSet::new();
    for n in 0..SALES * EACH {
        let (shop, lines) = (shop.clone(), lines.clone());
        retries.spawn(async move {
            let _line = lines.acquire().await;
            let ask = shop.refund(&format!("S-{}", n % SALES), "5.00");
            let reply = shop.manager.insist(&format!("refund-{n}"), "/v1/refunds", &ask).await?;
            reply.is(201)?;
            anyhow::Ok((n, reply))
        });
    }
    let mut ids = BTreeSet::new();
    while let Some(retry) = retries.join_next().await {
        let (n, reply) = retry??;
        let id = text(&reply.json()?, "id")?;
        if let Some((first, answer)) = acknowledged.get(&n) {
            ensure!(*first == id && answer.text == reply.text, "refund-{n} was {first} and is {reply}");
        }
        ensure!(ids.insert(id.clone()), "two keys have refund {id}");
    }
    ensure!(known.is_subset(&ids), "there are refunds that belong to no key: {:?}", known.difference(&ids));
    let there = refunds_by_sale(&shop).await?;
    let all: BTreeSet<String> = there.values().flatten().cloned().collect();
    ensure!(all == ids && there.values().all(|refunds| refunds.len() == EACH), "one refund per key, and no other");
    for sale in 0..SALES {
        let balance = &shop.look_at(&format!("S-{sale}")).await?["balance"];
        ensure!(balance["reserved"] == cny("50.00") && balance["left"] == cny("50.00"), "S-{sale}: {balance}");
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for event in shop.feed().await? {
        if event["type"] == "refund.submitted" {
            *told.entry(text(&event, "refund")?).or_default() += 1;
        }
    }
    ensure!(told.len() == ids.len() && told.values().all(|times| *times == 1), "the feed tells each once");
    Ok(())
}

async fn refunds_by_sale(shop: &Shop) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut all = BTreeMap::new();
    for sale in (0..SALES).map(|n| format!("S-{n}")) {
        let seen = shop.look_at(&sale).await?;
        let refunds = seen["refunds"].as_array().context("a sale lists its refunds")?;
        let ids: BTreeSet<String> = refunds.iter().map(|r| text(r, "id")).collect::<Result<_>>()?;
        ensure!(ids.len() == refunds.len(), "{sale} lists a refund twice: {seen}");
        all.insert(sale, ids);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_courier_killed_while_the_provider_pays_pays_nobody_twice() -> Result<()> {
    let mut world = World::open().await?;
    let shop = world.shop.clone();
    let mut refunds = Vec::new();
    for n in 0..40 {
        let sale = format!("S-{n}");
        shop.sale(&sale).days_ago(2).register().await?;
        let id = world.approved_refund(&sale, "60.00").await?;
        // The money moves at once, and the answer comes too late for this server.
        world.script(&sale, Behaviour::Delay { ms: 3_000 })?;
        refunds.push((sale, id));
    }
    for (_, id) in &refunds {
        world.clear(id).await?;
    }
    let paid = |world: &World| world.acquirer.effects().sales.len();
    rescind_tests::eventually("the provider to pay the first", Duration::from_secs(20), async || {
        Ok((paid(&world) > 0).then_some(()))
    })
    .await?;
    world.server.kill9().await?;
    let before = paid(&world);
    ensure!((1..refunds.len()).contains(&before), "{before} were paid when the server was killed");
    world.server.start_again().await?;
    for (sale, id) in &refunds {
        let cleared = rescind_tests::eventually(&format!("{id} to be cleared"), Duration::from_secs(90), async || {
            let refund = shop.system.see(&format!("/v1/refunds/{id}")).await?;
            Ok((refund["state"] == "cleared").then_some(refund))
        })
        .await?;
        ensure!(types(&cleared["history"]).into_iter().filter(|t| *t == "refund.cleared").count() == 1, "{cleared}");
        world.did_once(sale, "0.00", "60.00")?;
    }
    world.nothing_twice()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_finishes_what_it_has_begun() -> Result<()> {
    let mut world = World::open().await?;
    let shop = world.shop.clone();
    for sale in 0..20 {
        shop.sale(&format!("S-{sale}")).days_ago(2).register().await?;
    }
    let mut submissions = JoinSet::new();
    for n in 0..20 {
        let shop = shop.clone();
        submissions.spawn(async move {
            let client = shop.manager.on_own_connections();
            let ask = shop.refund(&format!("S-{n}"), "5.00");
            (n, client.tell_under(&fresh_key(), "/v1/refunds", &ask).await)
        });
    }
    world.server.stop().await?;
    let mut acknowledged = Vec::new();
    while let Some(one) = submissions.join_next().await {
        if let (n, Ok(reply)) = one? {
            acknowledged.push((n, text(&reply.is(201)?, "id")?));
        }
    }
    world.server.start_again().await?;
    for (n, id) in acknowledged {
        let sale = shop.look_at(&format!("S-{n}")).await?;
        let there: Vec<&Value> = sale["refunds"].as_array().into_iter().flatten().map(|r| &r["id"]).collect();
        ensure!(there == [&Value::from(id)], "{sale}");
    }
    Ok(())
}
