//! Webhooks out: signed, in order per sale, until they are taken. Webhooks in: reviewers' systems.

use crate::world::{World, types};
use anyhow::{Context as _, Result, ensure};
use http::{Method, Request};
use rescind_acquirer::Behaviour;
use rescind_tests::shop::{Sealed, text};
use rescind_tests::{Delivery, Receiver, Reply, Shop, eventually, moment};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The webhooks of each sale: their events' numbers in the order they were taken.
fn by_sale(deliveries: &[Delivery]) -> Result<BTreeMap<String, Vec<u64>>> {
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for delivery in deliveries {
        let data = delivery.json()?["data"].clone();
        all.entry(text(&data, "sale")?).or_default().push(data["sequence"].as_u64().context("no sequence")?);
    }
    Ok(all)
}

/// Each event of the feed came, in order per sale, each at least once.
fn told_in_order(deliveries: &[Delivery], feed: &[Value]) -> Result<()> {
    for (sale, mut numbers) in by_sale(deliveries)? {
        // At least once: the same again is no disorder.
        numbers.dedup();
        let expected: Vec<u64> = (1..=u64::try_from(numbers.len())?).collect();
        ensure!(numbers == expected, "{sale}: {numbers:?}");
    }
    let ids = |values: &mut dyn Iterator<Item = String>| values.collect::<BTreeSet<String>>();
    let came = deliveries.iter().map(|d| text(&d.json()?["data"], "id")).collect::<Result<Vec<_>>>()?;
    let happened = feed.iter().map(|event| text(event, "id")).collect::<Result<Vec<_>>>()?;
    let (came, happened) = (ids(&mut came.into_iter()), ids(&mut happened.into_iter()));
    ensure!(came == happened, "came {came:?}, happened {happened:?}");
    Ok(())
}

/// Everything of the feed, once the receiver has taken as much.
async fn all_told(shop: &Shop, receiver: &Receiver) -> Result<(Vec<Delivery>, Vec<Value>)> {
    let feed = shop.feed().await?;
    let last: BTreeSet<String> = feed.iter().map(|event| text(event, "id")).collect::<Result<_>>()?;
    let deliveries = eventually("all events to be delivered", Duration::from_secs(60), async || {
        let taken: Vec<Delivery> = receiver.deliveries().into_iter().filter(|d| d.taken).collect();
        let came: BTreeSet<String> = taken.iter().map(|d| text(&d.json()?["data"], "id")).collect::<Result<_>>()?;
        Ok(last.is_subset(&came).then_some(taken))
    })
    .await?;
    Ok((deliveries, feed))
}

#[tokio::test]
async fn every_event_is_delivered_signed_and_in_order() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let receiver = Receiver::start().await?;
    let endpoint = shop.endpoint(&receiver.url()).await?;
    for n in 0..10 {
        let sale = format!("S-{n}");
        shop.sale(&sale).days_ago(2).register().await?;
        world.script(&sale, Behaviour::Timeout { took_place: true, hold_ms: Some(20) })?;
        let id = world.approved_refund(&sale, "60.00").await?;
        world.clear(&id).await?;
    }
    for n in 0..10 {
        let refunds = shop.look_at(&format!("S-{n}")).await?["refunds"].clone();
        shop.refund_in(&text(&refunds[0], "id")?, &["cleared"]).await?;
    }
    let (deliveries, feed) = all_told(shop, &receiver).await?;
    told_in_order(&deliveries, &feed)?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for delivery in &deliveries {
        let body = delivery.verified(&endpoint.secret)?;
        ensure!(body["type"] == body["data"]["type"] && body["timestamp"] == body["data"]["at"], "{body}");
        // A registered sale is no news to who registered it; anything else is told in words too.
        let in_words = body["data"]["message"]["title"].is_string();
        ensure!(in_words == (body["type"] != "sale.registered"), "{body}");
        let (name, event) = (delivery.seal.id.clone(), text(&body["data"], "id")?);
        let before = names.insert(name, event.clone());
        ensure!(before.is_none_or(|before| before == event), "one webhook-id for two events");
    }
    ensure!(names.len() == feed.len(), "one webhook-id per event");
    ensure!(
        deliveries[0].verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err(),
        "another secret does not verify"
    );
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_fails_gets_the_same_again_and_misses_nothing() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let (failing, healthy) = (Receiver::start().await?, Receiver::start().await?);
    let endpoint = shop.endpoint(&failing.url()).await?;
    shop.endpoint(&healthy.url()).await?;
    failing.fail(1);
    for n in 0..3 {
        shop.sale(&format!("S-{n}")).days_ago(2).register().await?;
    }
    // One that fails holds up nobody but itself.
    let (taken, feed) = all_told(shop, &healthy).await?;
    told_in_order(&taken, &feed)?;
    let listed = eventually("the failure to show", Duration::from_secs(5), async || {
        let listed = shop.system.see("/v1/webhook-endpoints").await?;
        let own = listed["items"].as_array().and_then(|all| all.iter().find(|e| e["id"] == endpoint.id)).cloned();
        Ok(own.filter(|own| own["failing_since"].is_string()))
    })
    .await?;
    ensure!(listed.get("secret").is_none(), "{listed}");
    let (taken, feed) = all_told(shop, &failing).await?;
    told_in_order(&taken, &feed)?;
    let all = failing.deliveries();
    let refused: Vec<&Delivery> = all.iter().filter(|d| !d.taken).collect();
    ensure!(refused.len() == 1, "{refused:?}");
    let again = taken.iter().find(|d| d.seal.id == refused[0].seal.id).context("it did not come again")?;
    ensure!(again.body == refused[0].body, "the same event has the same id and the same bytes");
    again.verified(&endpoint.secret)?;
    eventually("the failure to be over", Duration::from_secs(5), async || {
        let listed = shop.system.see("/v1/webhook-endpoints").await?;
        Ok(listed["items"]
            .as_array()
            .is_some_and(|all| all.iter().all(|e| e.get("failing_since").is_none()))
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_receiver_that_is_away_is_told_when_it_is_back_also_after_a_restart() -> Result<()> {
    let mut world = World::open().await?;
    let shop = world.shop.clone();
    let receiver = Receiver::start().await?;
    let (address, url) = (receiver.address(), receiver.url());
    shop.endpoint(&url).await?;
    drop(receiver);
    shop.sale("S-1").days_ago(2).register().await?;
    eventually("the failure to show", Duration::from_secs(10), async || {
        let listed = shop.system.see("/v1/webhook-endpoints").await?;
        Ok(listed["items"][0]["failing_since"].is_string().then_some(()))
    })
    .await?;
    world.server.kill9().await?;
    let receiver = Receiver::on(address).await?;
    world.server.start_again().await?;
    let (taken, feed) = all_told(&shop, &receiver).await?;
    told_in_order(&taken, &feed)
}

#[tokio::test]
async fn an_endpoint_that_is_removed_is_told_no_more() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    let (removed, kept) = (Receiver::start().await?, Receiver::start().await?);
    let endpoint = shop.endpoint(&removed.url()).await?;
    shop.sale("S-1").days_ago(2).register().await?;
    removed.at_least(1).await?;
    let path = format!("/v1/webhook-endpoints/{}", endpoint.id);
    ensure!(shop.system.call(Method::DELETE, &path, None, String::new()).await?.status == 204, "it is gone");
    shop.endpoint(&kept.url()).await?;
    let before = removed.deliveries().len();
    shop.sale("S-2").days_ago(2).register().await?;
    let taken = kept.until("the one that is kept to hear", |body| body["data"]["sale"] == "S-2").await?;
    ensure!(by_sale(&taken)?.contains_key("S-2") && removed.deliveries().len() == before, "{taken:?}");
    ensure!(!by_sale(&taken)?.contains_key("S-1"), "an endpoint is told what happens from its creation on");
    Ok(())
}

#[tokio::test]
async fn webhooks_do_not_reach_private_networks_that_nobody_allowed() -> Result<()> {
    let world = World::open().await?;
    let shop = &world.shop;
    // This server allows 127.0.0.1 and no other.
    for url in [
        "http://127.0.0.2:9/hook",
        "http://[::1]:9/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:9/",
    ] {
        shop.system.post("/v1/webhook-endpoints", &json!({"url": url})).await?.is(201)?;
    }
    for url in ["ftp://example.com/", "file:///etc/passwd", "http://user:secret@example.com/", "nonsense", ""] {
        shop.system.post("/v1/webhook-endpoints", &json!({"url": url})).await?.refused(422, "body.invalid")?;
    }
    shop.sale("S-1").days_ago(2).register().await?;
    eventually("all to fail", Duration::from_secs(20), async || {
        let listed = shop.system.see("/v1/webhook-endpoints").await?;
        let all = listed["items"].as_array().context("no items")?;
        Ok((all.len() == 4 && all.iter().all(|e| e["failing_since"].is_string())).then_some(()))
    })
    .await?;
    // It does not stop anything else.
    let id = world.approved_refund("S-1", "60.00").await?;
    world.clear(&id).await?;
    shop.refund_in(&id, &["cleared"]).await?;
    Ok(())
}

/// A webhook of a review desk: sealed for one body at one time, sent with another.
async fn deliver(world: &World, desk: &Sealed, id: &str, age_ms: i64, signed: &Value, sent: &Value) -> Result<Reply> {
    let at = rescind_model::Instant { unix_ms: moment::now().unix_ms - age_ms };
    let seal = rescind_notification::seal(&[&desk.secret], id, at, signed.to_string().as_bytes());
    let seal = seal.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let request = Request::post(format!("/v1/webhooks/reviews?source={}", desk.id))
        .header("webhook-id", seal.id)
        .header("webhook-timestamp", seal.timestamp)
        .header("webhook-signature", seal.signature)
        .body(sent.to_string())?;
    world.server.client().send(request).await
}

async fn desk_and_refund(world: &World) -> Result<(Sealed, String)> {
    let shop = &world.shop;
    let persons = json!({"kim": shop.person("reviewer"), "lee": shop.person("manager"), "max": shop.person("cashier")});
    let desk = shop.review_desk(&persons).await?;
    shop.sale("S-1").of("5000.00").days_ago(2).register().await?;
    let made = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "500.00")).await?.is(201)?;
    ensure!(made["state"] == "in-review", "{made}");
    Ok((desk, text(&made, "id")?))
}

#[tokio::test]
async fn a_signed_webhook_approves_once() -> Result<()> {
    let world = World::under("lakala").await?;
    let (desk, id) = desk_and_refund(&world).await?;
    let yes = json!({"refund": id, "principal": "kim", "decision": "approve", "revision": 1});
    let first = deliver(&world, &desk, "msg_1", 0, &yes, &yes).await?;
    let approved = first.is(200)?;
    ensure!(approved["state"] == "approved" && approved["approvals"][0]["by"] == "M-1.reviewer", "{approved}");
    // The same id and body again, sealed anew: the first answer.
    for age in [0, 1_000] {
        let again = deliver(&world, &desk, "msg_1", age, &yes, &yes).await?;
        ensure!((again.status, &again.text) == (first.status, &first.text), "{again}");
        ensure!(again.header("idempotency-replayed") == "true", "{:?}", again.headers);
    }
    let no = json!({"refund": id, "principal": "kim", "decision": "decline", "reason": "no"});
    deliver(&world, &desk, "msg_1", 0, &no, &no).await?.refused(409, "webhook.replayed-differently")?;
    deliver(&world, &desk, "msg_2", 0, &no, &no).await?.refused(409, "refund.wrong-state")?;
    let refund = world.shop.system.see(&format!("/v1/refunds/{id}")).await?;
    ensure!(types(&refund["history"]).iter().filter(|t| **t == "refund.approved").count() == 1, "{refund}");
    Ok(())
}

#[tokio::test]
async fn a_stale_or_tampered_webhook_gets_the_401_of_an_unknown_key() -> Result<()> {
    let world = World::under("lakala").await?;
    let (desk, id) = desk_and_refund(&world).await?;
    let unknown = world.server.client().get("/v1/refunds").await?;
    unknown.refused(401, "auth.required")?;
    let yes = json!({"refund": id, "principal": "kim", "decision": "approve"});
    let other = json!({"refund": id, "principal": "lee", "decision": "approve"});
    let stranger = Sealed { id: "src-nobody".to_owned(), secret: desk.secret.clone() };
    let forger = Sealed { id: desk.id.clone(), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned() };
    for reply in [
        deliver(&world, &desk, "msg_1", 302_000, &yes, &yes).await?,
        deliver(&world, &desk, "msg_1", -302_000, &yes, &yes).await?,
        deliver(&world, &desk, "msg_1", 0, &other, &yes).await?,
        deliver(&world, &stranger, "msg_1", 0, &yes, &yes).await?,
        deliver(&world, &forger, "msg_1", 0, &yes, &yes).await?,
    ] {
        ensure!(reply.seen() == unknown.seen(), "{reply}");
    }
    let refund = world.shop.system.see(&format!("/v1/refunds/{id}")).await?;
    ensure!(refund["state"] == "in-review" && refund["approvals"] == json!([]), "{refund}");
    deliver(&world, &desk, "msg_1", 290_000, &yes, &yes).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn a_webhook_gives_a_person_no_more_rights_than_a_key() -> Result<()> {
    let world = World::under("lakala").await?;
    let (desk, id) = desk_and_refund(&world).await?;
    let verdict = |who: &str| json!({"refund": id, "principal": who, "decision": "approve"});
    for (n, (who, code)) in [("nobody", "auth.forbidden"), ("max", "auth.forbidden"), ("lee", "approval.not-permitted")]
        .into_iter()
        .enumerate()
    {
        let verdict = verdict(who);
        deliver(&world, &desk, &format!("msg_{n}"), 0, &verdict, &verdict).await?.refused(403, code)?;
    }
    let odd = json!({"refund": id, "principal": "kim", "decision": "maybe"});
    deliver(&world, &desk, "msg_7", 0, &odd, &odd).await?.refused(422, "body.invalid")?;
    let changed = json!({"refund": id, "principal": "kim", "decision": "approve", "revision": 2});
    deliver(&world, &desk, "msg_8", 0, &changed, &changed).await?.refused(409, "refund.changed")?;
    let refund = world.shop.system.see(&format!("/v1/refunds/{id}")).await?;
    ensure!(refund["state"] == "in-review", "{refund}");
    let no = json!({"refund": id, "principal": "kim", "decision": "decline", "reason": "no receipt"});
    let declined = deliver(&world, &desk, "msg_9", 0, &no, &no).await?.is(200)?;
    ensure!(declined["state"] == "declined" && declined["ended_because"] == "no receipt", "{declined}");
    Ok(())
}
