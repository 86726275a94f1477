//! Two at once, 200 times each: never two winners, and the acquirer's own count agrees.

use crate::world::{World, types};
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::Behaviour;
use rescind_tests::client::fresh_key;
use rescind_tests::shop::text;
use rescind_tests::{Reply, cny, moment};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const ROUNDS: usize = 200;

/// The one that won, and the one that was refused.
fn winner(one: Reply, two: Reply) -> Result<(Reply, Reply)> {
    match (one.status.as_u16(), two.status.as_u16()) {
        (201, 422) => Ok((one, two)),
        (422, 201) => Ok((two, one)),
        _ => anyhow::bail!("not exactly one won: {one} and {two}"),
    }
}

/// Sends all refunds to clearing and waits until all are cleared.
async fn clear_all(world: &World, refunds: &[String]) -> Result<()> {
    for id in refunds {
        world.clear(id).await?;
    }
    for id in refunds {
        world.shop.refund_in(id, &["cleared"]).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_refunds_of_60_on_100_exactly_one_wins() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let mut won = Vec::new();
    for round in 0..ROUNDS {
        let sale = format!("S-{round}");
        shop.sale(&sale).days_ago(2).register().await?;
        let ask = shop.refund(&sale, "60.00");
        let (one, two) = (fresh_key(), fresh_key());
        let (one, two) = tokio::join!(
            shop.manager.insist(&one, "/v1/refunds", &ask),
            shop.supervisor.insist(&two, "/v1/refunds", &ask),
        );
        let (first, second) = winner(one?, two?)?;
        ensure!(second.json()?["left"] == cny("40.00"), "{second}");
        won.push(text(&first.json()?, "id")?);
        let balance = &shop.look_at(&sale).await?["balance"];
        ensure!(balance["reserved"] == cny("60.00") && balance["left"] == cny("40.00"), "{balance}");
    }
    clear_all(&world, &won).await?;
    for round in 0..ROUNDS {
        world.did_once(&format!("S-{round}"), "0.00", "60.00")?;
    }
    world.nothing_twice()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_void_and_a_refund_exactly_one_wins() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let (mut voids, mut refunds) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let sale = format!("S-{round}");
        // Five minutes old, so it can be voided; of an earlier business day, so it can be refunded.
        shop.sale(&sale).of_day(moment::business_day(2)).register().await?;
        let (path, ask) = (format!("/v1/transactions/{sale}/voids"), shop.refund(&sale, "60.00"));
        let (one, two, cause) = (fresh_key(), fresh_key(), shop.void());
        let supervisor = shop.voiding(&sale).await?;
        let (void, refund) =
            tokio::join!(supervisor.insist(&one, &path, &cause), shop.manager.insist(&two, "/v1/refunds", &ask),);
        let (first, second) = winner(void?, refund?)?;
        let (made, left) = (first.json()?, second.json()?["left"].clone());
        if made["kind"] == "void" {
            // The courier may have carried it out already: nothing is left in either case.
            ensure!(left == cny("0.00"), "{second}");
            voids.push((sale, text(&made, "id")?));
        } else {
            ensure!(left == cny("40.00"), "{second}");
            refunds.push((sale, text(&made, "id")?));
        }
    }
    let ids: Vec<String> = refunds.iter().map(|(_, id)| id.clone()).collect();
    clear_all(&world, &ids).await?;
    for (sale, void) in &voids {
        shop.void_in(void, &["done"]).await?;
        world.did_once(sale, "100.00", "0.00")?;
    }
    for (sale, _) in &refunds {
        world.did_once(sale, "0.00", "60.00")?;
    }
    println!("{} voids and {} refunds won", voids.len(), refunds.len());
    world.nothing_twice()
}

/// What the provider does to the first attempts of a round: all of it ends as cleared, one way or another.
fn behaviours(round: usize) -> Vec<Behaviour> {
    match round % 5 {
        0 => vec![Behaviour::Timeout { took_place: true, hold_ms: Some(50) }],
        1 => vec![Behaviour::Timeout { took_place: false, hold_ms: Some(50) }],
        2 => vec![Behaviour::LateSuccess { after_ms: 400 }],
        3 => vec![Behaviour::Decline { code: "51".to_owned() }, Behaviour::LateSuccess { after_ms: 400 }],
        _ => vec![
            Behaviour::Decline { code: "51".to_owned() },
            Behaviour::Timeout { took_place: true, hold_ms: Some(50) },
        ],
    }
}

/// One round: the clearing under one key over and over, and retries beside it, until the late success has come.
async fn late_success_against_retry(world: Arc<World>, round: usize) -> Result<()> {
    let (shop, sale) = (&world.shop, format!("S-{round}"));
    shop.sale(&sale).days_ago(2).register().await?;
    let id = world.approved_refund(&sale, "60.00").await?;
    for behaviour in behaviours(round) {
        world.script(&sale, behaviour)?;
    }
    let (clearing, retry, nothing) =
        (format!("/v1/refunds/{id}/clearings"), format!("/v1/refunds/{id}/retries"), json!({}));
    let key = fresh_key();
    let (one, two) =
        tokio::join!(shop.finance.insist(&key, &clearing, &nothing), shop.finance.insist(&key, &clearing, &nothing));
    let (first_answer, two) = (one?, two?);
    first_answer.is(200)?;
    ensure!(first_answer.text == two.text, "{first_answer} and {two}");
    let mut retried = 0;
    let end = tokio::time::Instant::now() + Duration::from_secs(60);
    let cleared = loop {
        let (first, second) = (fresh_key(), fresh_key());
        let (again, one, two) = tokio::join!(
            shop.finance.insist(&key, &clearing, &nothing),
            shop.finance.insist(&first, &retry, &nothing),
            shop.manager.insist(&second, &retry, &nothing),
        );
        let again = again?;
        ensure!((again.status, &again.text) == (first_answer.status, &first_answer.text), "{again}");
        for reply in [one?, two?] {
            if reply.status == 200 {
                retried += 1;
            } else {
                reply.refused(409, "refund.wrong-state")?;
            }
        }
        let refund = shop.system.see(&format!("/v1/refunds/{id}")).await?;
        if refund["state"] == "cleared" {
            break refund;
        }
        ensure!(tokio::time::Instant::now() < end, "{refund}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let declined = behaviours(round).iter().filter(|b| matches!(b, Behaviour::Decline { .. })).count();
    ensure!(retried == declined, "{retried} retries were taken: {cleared}");
    let ends = types(&cleared["history"]).into_iter().filter(|t| *t == "refund.cleared").count();
    ensure!(ends == 1, "{cleared}");
    let effects = world.acquirer.effects();
    let own = effects.references.get(&text(&cleared, "provider_reference")?).context("the reference never arrived")?;
    ensure!(own.effects == 1, "round {round}: {own:?}");
    world.did_once(&sale, "0.00", "60.00")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_success_and_retries_pay_once() -> Result<()> {
    let world = Arc::new(World::open().await?);
    for batch in 0..ROUNDS / 50 {
        let mut rounds = JoinSet::new();
        for round in 0..50 {
            rounds.spawn(late_success_against_retry(world.clone(), batch * 50 + round));
        }
        while let Some(round) = rounds.join_next().await {
            round??;
        }
    }
    world.nothing_twice()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_creations_of_one_sale_one_is_registered() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let mut amounts: Vec<(String, Value)> = Vec::new();
    for round in 0..ROUNDS {
        let sale = format!("S-{round}");
        let one = shop.sale(&sale).days_ago(2).body();
        // Every other time the two are not the same sale.
        let mut two = one.clone();
        if round % 2 == 1 {
            two["amount"] = cny("200.00");
        }
        let other = shop.system.on_own_connections();
        let (first, second) =
            tokio::join!(shop.system.post("/v1/transactions", &one), other.post("/v1/transactions", &two),);
        let (first, second) = (first?, second?);
        let expected: [u16; 2] = if round % 2 == 0 { [200, 201] } else { [201, 409] };
        let mut seen = [first.status.as_u16(), second.status.as_u16()];
        seen.sort_unstable();
        ensure!(seen == expected, "{first} and {second}");
        let registered = if first.status == 201 { &one["amount"] } else { &two["amount"] };
        let there = shop.look_at(&sale).await?;
        ensure!(there["amount"] == *registered, "{there}");
        ensure!(types(&there["history"]) == ["sale.registered"], "{there}");
        amounts.push((sale, registered.clone()));
    }
    let mut ids = Vec::new();
    for (sale, _) in &amounts {
        ids.push(world.approved_refund(sale, "60.00").await?);
    }
    clear_all(&world, &ids).await?;
    for (sale, _) in &amounts {
        world.did_once(sale, "0.00", "60.00")?;
    }
    let feed = shop.feed().await?;
    for (sale, amount) in &amounts {
        let told: Vec<&Value> = feed.iter().filter(|e| e["sale"] == **sale && e["type"] == "sale.registered").collect();
        ensure!(told.len() == 1 && told[0]["amount"] == *amount, "{told:?}");
    }
    world.nothing_twice()
}

/// Both were answered; exactly one with 200, the other with this refusal.
fn one_of_two(one: &Reply, two: &Reply, code: &str) -> Result<()> {
    let (first, second) = if one.status == 200 { (one, two) } else { (two, one) };
    first.is(200)?;
    second.refused(409, code).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_yes_and_no_to_one_refund_exactly_one_is_heard() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    let second = shop.hire("second", &["manager"]).await?;
    let (mut approved, mut declined) = (Vec::new(), 0);
    for round in 0..ROUNDS / 2 {
        let sale = format!("S-{round}");
        shop.sale(&sale).of("500.00").days_ago(2).register().await?;
        let made = shop.manager.insist(&fresh_key(), "/v1/refunds", &shop.refund(&sale, "300.00")).await?.is(201)?;
        ensure!(made["state"] == "in-review", "{made}");
        let id = text(&made, "id")?;
        // The manager's requests of a day sum up: from the fourth on it takes two persons, of whom one has agreed.
        if made["plan"]["needed"] == 2 {
            second.insist(&fresh_key(), &format!("/v1/refunds/{id}/approvals"), &json!({})).await?.is(200)?;
        }
        let (yes, no) = (format!("/v1/refunds/{id}/approvals"), format!("/v1/refunds/{id}/declines"));
        let (one, two, because, nothing) = (fresh_key(), fresh_key(), json!({"reason": "no receipt"}), json!({}));
        let other = shop.reviewer.on_own_connections();
        let (yes, no) = tokio::join!(shop.reviewer.insist(&one, &yes, &nothing), other.insist(&two, &no, &because));
        one_of_two(&yes?, &no?, "refund.wrong-state")?;
        let refund = shop.system.see(&format!("/v1/refunds/{id}")).await?;
        let told = types(&refund["history"]);
        let ends = told.iter().filter(|t| matches!(**t, "refund.approved" | "refund.declined")).count();
        ensure!(ends == 1, "{refund}");
        if refund["state"] == "approved" {
            approved.push((sale, id));
        } else {
            declined += 1;
        }
    }
    println!("{} were approved, {declined} declined", approved.len());
    // Taken back by who asked, against sent to clearing.
    let mut cleared = Vec::new();
    for (sale, id) in &approved {
        let (clear, back) = (format!("/v1/refunds/{id}/clearings"), format!("/v1/refunds/{id}/withdrawals"));
        let (one, two, because, nothing) = (fresh_key(), fresh_key(), json!({"reason": "kept"}), json!({}));
        let (clear, back) =
            tokio::join!(shop.finance.insist(&one, &clear, &nothing), shop.manager.insist(&two, &back, &because),);
        let clear = clear?;
        one_of_two(&clear, &back?, "refund.wrong-state")?;
        if clear.status == 200 {
            cleared.push((sale, id));
        }
    }
    for (sale, id) in &cleared {
        shop.refund_in(id, &["cleared"]).await?;
        world.did_once(sale, "0.00", "300.00")?;
    }
    let paid = world.acquirer.effects().sales.len();
    ensure!(paid == cleared.len(), "{} went to clearing, {paid} were paid", cleared.len());
    world.nothing_twice()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_at_once_under_one_key_are_one_refund() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let mut rounds = JoinSet::new();
    for round in 0..20 {
        let sale = format!("S-{round}");
        shop.sale(&sale).days_ago(2).register().await?;
        let (shop, key) = (shop.clone(), fresh_key());
        rounds.spawn(async move {
            let mut all = JoinSet::new();
            for _ in 0..10 {
                let (shop, key, sale) = (shop.clone(), key.clone(), sale.clone());
                all.spawn(async move { shop.manager.insist(&key, "/v1/refunds", &shop.refund(&sale, "9.00")).await });
            }
            let mut answers = BTreeSet::new();
            while let Some(reply) = all.join_next().await {
                let reply = reply??;
                reply.is(201)?;
                answers.insert(reply.text);
            }
            ensure!(answers.len() == 1, "one key has several answers: {answers:?}");
            let there = shop.look_at(&sale).await?;
            ensure!(there["balance"]["reserved"] == cny("9.00"), "{there}");
            Ok(())
        });
    }
    while let Some(round) = rounds.join_next().await {
        round??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ticks_at_once_send_and_tell_everything_once() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let mut refunds = Vec::new();
    for n in 0..100 {
        let sale = format!("S-{n}");
        shop.sale(&sale).days_ago(2).register().await?;
        refunds.push((world.approved_refund(&sale, "60.00").await?, sale));
    }
    let mut couriers = JoinSet::new();
    for _ in 0..6 {
        let admin = shop.admin.on_own_connections();
        couriers.spawn(async move {
            loop {
                let reply = admin.post("/v1/tick", &json!({})).await;
                // What is in each other's way is tried again; nothing else may happen.
                if let Ok(reply) = reply
                    && !matches!(reply.status.as_u16(), 200 | 503)
                {
                    return reply;
                }
            }
        });
    }
    for (id, _) in &refunds {
        world.clear(id).await?;
    }
    for (id, _) in &refunds {
        shop.refund_in(id, &["cleared"]).await?;
    }
    if let Some(odd) = couriers.try_join_next() {
        anyhow::bail!("a tick was answered with {}", odd?);
    }
    couriers.shutdown().await;
    for (_, sale) in &refunds {
        world.did_once(sale, "0.00", "60.00")?;
    }
    let feed = shop.feed().await?;
    let ids: BTreeSet<String> = feed.iter().map(|event| text(event, "id")).collect::<Result<_>>()?;
    ensure!(ids.len() == feed.len() && feed.len() == 5 * refunds.len(), "{} events, {} ids", feed.len(), ids.len());
    world.nothing_twice()
}
