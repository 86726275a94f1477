//! The story.

use anyhow::{Context as _, Result, ensure};
use core::time::Duration;
use http::Request;
use rescind_acquirer::{Behaviour, Kind, Match, Script};
use rescind_tests::chapter::{self, FINDING, finding, void, way, ways_back};
use rescind_tests::operator::{SUPERVISOR, begin};
use rescind_tests::shop::{NewSale, Sealed, text};
use rescind_tests::stage::Stage;
use rescind_tests::teller::{Teller, plain};
use rescind_tests::{Client, Reply, Shop, cny, eventually, moment};
use serde_json::{Value, json};

/// Whom the story is about.
const MERCHANT: &str = "M-1";

/// Everything that runs.
struct World {
    stage: Stage,
    shop: Shop,
    endpoint: Sealed,
    desk: Sealed,
}

/// Tells it all.
pub async fn tell(teller: &mut Teller) -> Result<()> {
    let left = moment::to_cut_off();
    if left < rescind_model::Duration::minutes(5) {
        println!("(the business day ends in {} s: the story waits for the next one)", left.ms / 1_000);
        moment::clear_of_the_cut_off(rescind_model::Duration::minutes(5)).await;
    }
    teller.chapter("A shop opens");
    let mut world = open(teller).await?;
    teller.chapter("Voids: the sale never was");
    void_life(teller, &world).await?;
    void_limits(teller, &world).await?;
    teller.chapter("Refunds: the money goes back");
    let (refund, asked_under) = refund_life(teller, &world).await?;
    teller.chapter("Reviews: somebody else agrees");
    let reviewed = review(teller, &world).await?;
    clear_through_a_timeout(teller, &world, &reviewed).await?;
    teller.chapter("Everybody is told");
    told(teller, &world).await?;
    chapter::till::tell(teller, &world.stage).await?;
    chapter::code::tell(teller, &world.stage).await?;
    chapter::hold::tell(teller, &world.stage).await?;
    chapter::support::tell(teller, &world.stage).await?;
    chapter::order::tell(teller, &world.stage).await?;
    chapter::operator::tell(teller, &world.stage).await?;
    chapter::customer::tell(teller, &world.stage).await?;
    chapter::after::tell(teller, &world.stage).await?;
    chapter::privacy::tell(teller, &world.stage).await?;
    chapter::funding::tell(teller, &world.stage).await?;
    chapter::policy::tell(teller, &world.stage).await?;
    chapter::offline::tell(teller, &world.stage).await?;
    teller.chapter("Nothing is forgotten");
    restart(teller, &mut world, &refund, &asked_under).await
}

async fn open(teller: &mut Teller) -> Result<World> {
    teller.step("Server, acquirer and webhook receiver start");
    let stage = Stage::open().await?;
    let Stage { server, acquirer, receiver, .. } = &stage;
    teller.note(&format!(
        "rescind serve       http://{}   (database: {})",
        server.authority(),
        server.setup().db.display()
    ));
    teller.note(&format!("simulated acquirer  {}", acquirer.url()));
    teller.note(&format!("webhook receiver    {}", receiver.url()));
    teller.get("nobody", &server.client(), "/healthz", &["/status"]).await?.is(200)?;

    teller.step("The admin sets up a merchant, its terminal, its people and their keys");
    let shop = Shop::open(server, MERCHANT, "lakala").await?;
    teller.note("persons M-1.cashier, .supervisor, .manager, .reviewer, .finance: one role and one key each");
    let policies = teller.get("admin", &shop.admin, "/v1/policies", &["/items/0"]).await?.is(200)?;
    ensure!(policies["items"].as_array().is_some_and(|all| all.len() >= 2), "both packs are in force");

    teller.step("The merchant has its events delivered, and lets a review desk in");
    let endpoint = shop.endpoint(&receiver.url()).await?;
    teller.note(&format!("POST /v1/webhook-endpoints  → {}, secret whsec_… (shown once)", endpoint.id));
    let desk = shop.review_desk(&json!({"kim": shop.person("reviewer"), "lee": shop.person("manager")})).await?;
    teller.note(&format!("POST /v1/review-sources     → {}, which calls M-1.reviewer \"kim\"", desk.id));
    Ok(World { stage, shop, endpoint, desk })
}

async fn register(teller: &Teller, world: &World, sale: NewSale<'_>) -> Result<()> {
    let essence = ["/id", "/amount", "/business_day", "/status/outcome"];
    teller.post("back office", &world.shop.system, "/v1/transactions", &sale.body(), &essence).await?.is(201)?;
    Ok(())
}

async fn void_life(teller: &mut Teller, world: &World) -> Result<()> {
    let shop = &world.shop;
    teller.step("A sale of 128.00, five minutes ago");
    register(teller, world, shop.sale("S-1").of("128.00").minutes_ago(5)).await?;

    teller.step("Which ways back are open?");
    let ways = ways_back(teller, "supervisor", &shop.supervisor, "S-1").await?;
    ensure!(way(&ways, "void")["outcome"] == "allow", "the void is open: {ways}");
    ensure!(way(&ways, "refund")["outcome"] == "deny", "the refund is not open on the day itself: {ways}");

    teller.step("The supervisor checks the void: no effect yet");
    let path = "/v1/transactions/S-1/voids";
    let essence =
        ["/outcome", "/amount", "/open_until", "/obligations/executor", "/obligations/fees", "/messages/zh-CN"];
    let check =
        teller.post("supervisor", &shop.supervisor, &format!("{path}/check"), &shop.void(), &essence).await?.is(200)?;
    ensure!(check["outcome"] == "allow" && check["open_until"].is_string(), "it is allowed, until an instant: {check}");
    let sale = shop.look_at("S-1").await?;
    ensure!(sale["balance"]["reserved"] == cny("0.00"), "a check reserves nothing: {sale}");

    teller.step("The supervisor shows who they are, once for the day and once more for this very void");
    let session = begin(&shop.supervisor, &SUPERVISOR).await?;
    teller.note(&format!(
        "POST /v1/operator-sessions   [supervisor, number {} and PIN]  → {}",
        SUPERVISOR.number, session.id
    ));
    let operation = shop.void_operation("S-1", "wrong-amount").await?;
    let proofs = format!("/v1/operator-sessions/{}/proofs", session.id);
    let step_up = json!({"token": session.token, "pin": SUPERVISOR.pin, "operation": operation});
    let essence = ["/operation", "/expires_at"];
    let proof = teller.post("supervisor", &shop.supervisor, &proofs, &step_up, &essence).await?.is(201)?;

    teller.step("With that proof the void is asked for and authorised: the sale is reserved for it");
    let essence = ["/id", "/state", "/amount", "/requested_by", "/executor"];
    let supervisor = shop.supervisor.showing(&text(&proof, "proof")?);
    let (made, _) = teller.tell("supervisor", &supervisor, path, &shop.void(), &essence).await?;
    let made = made.is(201)?;
    ensure!(made["state"] == "authorised", "it is authorised: {made}");

    teller.step("The courier carries it out through the acquirer");
    let id = text(&made, "id")?;
    let done = shop.void_in(&id, &["done"]).await?;
    teller.note(&format!("GET /v1/operations/{id}"));
    teller.parts(&done, &["/state", "/evidence/source", "/evidence/code", "/evidence/reference"]);
    counted(teller, world, "S-1", ["128.00", "0.00"], &text(&done, "provider_reference")?)?;

    teller.step("The slip is printed");
    let path = format!("/v1/operations/{id}/slip?locale=zh-CN");
    let slip = teller.get("supervisor", &shop.supervisor, &path, &[]).await?;
    ensure!(slip.status == 200 && slip.text.contains("撤销成功"), "only a void that is done prints 撤销成功: {slip}");
    for line in slip.text.lines() {
        teller.note(&format!("│ {line}"));
    }

    teller.step("A second void of the same sale is refused, with its finding");
    let again = void(teller, shop, "S-1", &FINDING).await?.refused(422, "decision.deny")?;
    ensure!(!finding(&again, "void.already-voided").is_null(), "the finding says why: {again}");
    Ok(())
}

async fn void_limits(teller: &mut Teller, world: &World) -> Result<()> {
    let shop = &world.shop;
    teller.step("Two more voids today, three in all");
    for sale in ["S-2", "S-3"] {
        register(teller, world, shop.sale(sale).of("20.00").minutes_ago(4)).await?;
        let made = void(teller, shop, sale, &["/state"]).await?.is(201)?;
        shop.void_in(&text(&made, "id")?, &["done"]).await?;
    }

    teller.step("The fourth void of the day is referred to support");
    register(teller, world, shop.sale("S-4").of("20.00").minutes_ago(3)).await?;
    let fourth = void(teller, shop, "S-4", &FINDING).await?.refused(422, "decision.refer")?;
    let count = finding(&fourth, "void.count");
    ensure!(count["observed"]["count"] == 3 && count["limit"]["count"] == 3, "three of three: {count}");
    ensure!(count["remedy"]["token"] == "contact-support", "support can help: {count}");

    teller.step("A void after the window: \"refund instead\"");
    register(teller, world, shop.sale("S-5").of("100.00").days_ago(2)).await?;
    let late = void(teller, shop, "S-5", &FINDING).await?.refused(422, "decision.deny")?;
    let window = finding(&late, "void.window");
    ensure!(window["remedy"] == json!({"token": "use-refund", "use": "refund"}), "refund instead: {window}");
    Ok(())
}

async fn refund_life(teller: &mut Teller, world: &World) -> Result<(String, String)> {
    let shop = &world.shop;
    let essence = ["/id", "/state", "/amount", "/plan/tier", "/plan/needed", "/arrival", "/fees"];
    teller.step("A refund of 60.00 on that sale of 100.00: the automatic review approves it");
    let ask = shop.refund("S-5", "60.00");
    let (made, key) = teller.tell("supervisor", &shop.supervisor, "/v1/refunds", &ask, &essence).await?;
    let made = made.is(201)?;
    ensure!(made["state"] == "approved" && made["plan"]["needed"] == 0, "no person is needed: {made}");

    teller.step("Another 60.00 is refused: 40.00 is left");
    let mut essence = FINDING.to_vec();
    essence.push("/left");
    let (again, _) = teller.tell("supervisor", &shop.supervisor, "/v1/refunds", &ask, &essence).await?;
    let again = again.refused(422, "decision.deny")?;
    ensure!(again["left"] == cny("40.00"), "it says what is left: {again}");
    let balance = finding(&again, "refund.balance");
    ensure!(balance["remedy"]["amount"] == cny("40.00"), "and what to do: {balance}");

    teller.step("Finance sends the refund to clearing; the acquirer clears it");
    let id = text(&made, "id")?;
    let path = format!("/v1/refunds/{id}/clearings");
    teller.tell("finance", &shop.finance, &path, &json!({}), &["/state"]).await?.0.is(200)?;
    let cleared = shop.refund_in(&id, &["cleared"]).await?;
    teller.note(&format!("GET /v1/refunds/{id}"));
    teller.parts(&cleared, &["/state", "/attempts", "/outcome_evidence/reference"]);
    counted(teller, world, "S-5", ["0.00", "60.00"], &text(&cleared, "provider_reference")?)?;
    Ok((id, key))
}

async fn review(teller: &mut Teller, world: &World) -> Result<String> {
    let shop = &world.shop;
    teller.step("A refund of 300.00 needs a person: it goes into review");
    register(teller, world, shop.sale("S-6").of("500.00").days_ago(3)).await?;
    let essence =
        ["/id", "/state", "/requested_by", "/plan/tier", "/plan/needed", "/plan/roles", "/revision", "/digest"];
    let (made, _) =
        teller.tell("manager", &shop.manager, "/v1/refunds", &shop.refund("S-6", "300.00"), &essence).await?;
    let made = made.is(201)?;
    ensure!(made["state"] == "in-review" && made["plan"]["needed"] == 1, "one person is needed: {made}");
    let id = text(&made, "id")?;

    teller.step("The manager who asked cannot approve it");
    let path = format!("/v1/refunds/{id}/approvals");
    let (own, _) = teller.tell("manager", &shop.manager, &path, &json!({}), &["/code", "/reason", "/detail"]).await?;
    let own = own.refused(403, "approval.not-permitted")?;
    ensure!(own["reason"] == "requester", "because it is the manager's own request: {own}");

    let verdict =
        json!({"refund": id, "principal": "kim", "decision": "approve", "revision": 1, "digest": made["digest"]});
    let changed =
        json!({"refund": id, "principal": "lee", "decision": "approve", "revision": 1, "digest": made["digest"]});
    teller.step("A webhook that was tampered with on its way is answered like an unknown key");
    let forged = deliver(world, "msg_demo_1", &verdict, &changed).await?;
    println!("    → POST /v1/webhooks/reviews   [review desk, signed for another body]");
    teller.answer(&forged, &["/code"]);
    forged.refused(401, "auth.required")?;

    teller.step("The review desk approves by signed webhook, in the name of \"kim\"");
    println!("    → POST /v1/webhooks/reviews   [review desk]   webhook-id: msg_demo_2, webhook-signature: v1,…");
    teller.note(&verdict.to_string());
    let approved = deliver(world, "msg_demo_2", &verdict, &verdict).await?;
    teller.answer(&approved, &["/state", "/approvals/0/by", "/approvals/0/role", "/approvals/0/revision"]);
    let body = approved.is(200)?;
    ensure!(
        body["state"] == "approved" && body["approvals"][0]["by"] == shop.person("reviewer"),
        "kim is the reviewer: {body}"
    );

    teller.step("The same webhook again gets the first answer again, and has no second effect");
    let again = deliver(world, "msg_demo_2", &verdict, &verdict).await?;
    println!("    → POST /v1/webhooks/reviews   [review desk]   webhook-id: msg_demo_2");
    teller.answer(&again, &["/state"]);
    ensure!(again.text == approved.text && again.header("idempotency-replayed") == "true", "the first answer: {again}");
    Ok(id)
}

async fn clear_through_a_timeout(teller: &mut Teller, world: &World, id: &str) -> Result<()> {
    let shop = &world.shop;
    teller.step("Clearing, and the acquirer does not answer: it paid all the same");
    world.stage.acquirer.script(Script {
        matching: Match { kind: Some(Kind::Refund), sale: Some("S-6".to_owned()), ..Match::default() },
        times: 1,
        behaviour: Behaviour::Timeout { took_place: true, hold_ms: Some(300) },
    })?;
    teller.note("the acquirer is scripted: it pays, then closes the connection without an answer");
    let path = format!("/v1/refunds/{id}/clearings");
    teller.tell("finance", &shop.finance, &path, &json!({}), &["/state"]).await?.0.is(200)?;
    let unknown = shop.refund_in(id, &["unknown"]).await?;
    teller.note(&format!("GET /v1/refunds/{id}"));
    teller.parts(&unknown, &["/state", "/outcome_evidence/note"]);

    teller.step("A timeout is not a failure: the courier asks, and finds that it was paid, once");
    let cleared = shop.refund_in(id, &["cleared"]).await?;
    teller.note(&format!("GET /v1/refunds/{id}"));
    let history = cleared["history"].as_array().context("there is no history")?;
    let types: Vec<String> = history.iter().map(|event| plain(&event["type"])).collect();
    teller.parts(&cleared, &["/state"]);
    teller.note(&format!("history: {}", types.join(" → ")));
    ensure!(
        types.ends_with(&["refund.clearing".into(), "refund.unknown".into(), "refund.cleared".into()]),
        "in that order"
    );
    counted(teller, world, "S-6", ["0.00", "300.00"], &text(&cleared, "provider_reference")?)
}

async fn told(teller: &mut Teller, world: &World) -> Result<()> {
    let shop = &world.shop;
    teller.step("Every event came to the webhook receiver, signed, in order per sale");
    let feed = shop.feed().await?;
    let deliveries = eventually("a webhook for every event", Duration::from_secs(30), async || {
        let taken = world.stage.receiver.at_least(1).await?;
        let ids = |id: &Value| taken.iter().any(|d| d.json().is_ok_and(|body| body["data"]["id"] == *id));
        Ok(feed.iter().all(|entry| ids(&entry["id"])).then_some(taken))
    })
    .await?;
    let mut last: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for delivery in &deliveries {
        let body = delivery.verified(&world.endpoint.secret)?;
        let sale = text(&body["data"], "sale")?;
        let sequence = body["data"]["sequence"].as_u64().context("an event has a sequence")?;
        let before = last.insert(sale.clone(), sequence).unwrap_or(0);
        ensure!(sequence == before || sequence == before + 1, "{sale}: event {sequence} came after event {before}");
    }
    teller.note(&format!(
        "{} webhooks, {} events, every signature verified with the endpoint's secret",
        deliveries.len(),
        feed.len()
    ));
    let example =
        deliveries.iter().find(|d| d.json().is_ok_and(|b| b["type"] == "refund.cleared")).context("none cleared")?;
    teller.note(&format!("webhook-id: {}   webhook-timestamp: {}", example.seal.id, example.seal.timestamp));
    teller.note(&format!("webhook-signature: {}", example.seal.signature));
    teller.parts(&example.json()?, &["/type", "/data/id", "/data/amount", "/data/message/title", "/data/message/body"]);

    teller.step("The feed tells the same, each event once");
    println!("    → GET /v1/events?limit=100&audience=merchant&locale=en   [back office]");
    let page = shop.system.see("/v1/events?limit=100&audience=merchant&locale=en").await?;
    let items = page["items"].as_array().context("the feed has no items")?;
    for entry in items {
        let amount = entry.get("amount").map(plain).unwrap_or_default();
        println!(
            "      {:<7} {:<22} {amount:>10}  {}",
            plain(&entry["id"]),
            plain(&entry["type"]),
            plain(&entry["message"]["title"])
        );
    }
    let mut ids: Vec<String> = items.iter().map(|entry| plain(&entry["id"])).collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == items.len() && items.len() == feed.len(), "each event is there once");
    Ok(())
}

async fn restart(teller: &mut Teller, world: &mut World, refund: &str, asked_under: &str) -> Result<()> {
    let shop = world.shop.clone();
    teller.step("The server is stopped and started again: all is still there");
    let before = everything(&shop).await?;
    world.stage.server.stop().await?;
    world.stage.server.start_again().await?;
    let after = everything(&shop).await?;
    teller.note(&format!("SIGTERM, then a new process on http://{}", world.stage.server.authority()));
    for (name, seen) in &after {
        let count = seen["items"].as_array().map_or_else(String::new, |items| format!(" ({} items)", items.len()));
        teller.note(&format!("GET {name}: as before{count}"));
    }
    ensure!(before == after, "what was answered before and after the restart differs");

    teller.step("The first refund's request, sent once more under its old key, gets its first answer");
    let essence = ["/id", "/state"];
    let ask = shop.refund("S-5", "60.00");
    let again = teller.tell_under(asked_under, "supervisor", &shop.supervisor, "/v1/refunds", &ask, &essence).await?;
    let body = again.is(201)?;
    ensure!(body["id"] == refund && again.header("idempotency-replayed") == "true", "the first answer: {again}");
    counted(
        teller,
        world,
        "S-5",
        ["0.00", "60.00"],
        &text(&shop.refund_in(refund, &["cleared"]).await?, "provider_reference")?,
    )
}

/// All that the merchant can see.
async fn everything(shop: &Shop) -> Result<Vec<(String, Value)>> {
    let mut paths: Vec<String> = (1..=6).map(|n| format!("/v1/transactions/S-{n}")).collect();
    paths.extend(
        ["/v1/refunds", "/v1/events?limit=100", "/v1/webhook-endpoints", "/v1/review-sources"].map(str::to_owned),
    );
    let mut all = Vec::new();
    for path in paths {
        let seen = shop.system.see(&path).await?;
        all.push((path, seen));
    }
    Ok(all)
}

/// Sends a verdict as the review desk does: sealed for one body, sent with another if somebody tampers with it.
async fn deliver(world: &World, id: &str, sealed: &Value, sent: &Value) -> Result<Reply> {
    let seal = rescind_notification::seal(&[&world.desk.secret], id, moment::now(), sealed.to_string().as_bytes());
    let seal = seal.map_err(|why| anyhow::anyhow!("it cannot be sealed: {why:?}"))?;
    let request = Request::post(format!("/v1/webhooks/reviews?source={}", world.desk.id))
        .header("webhook-id", seal.id)
        .header("webhook-timestamp", seal.timestamp)
        .header("webhook-signature", seal.signature)
        .body(sent.to_string())?;
    let nobody: Client = world.stage.server.client();
    nobody.send(request).await
}

/// What the acquirer says it did for a sale: voided, refunded, each once and under one reference.
fn counted(teller: &Teller, world: &World, sale: &str, expected: [&str; 2], reference: &str) -> Result<()> {
    let effects = world.stage.acquirer.effects();
    let seen = effects.sales.get(&format!("{MERCHANT}/{sale}")).context("the acquirer knows nothing of the sale")?;
    let own = effects.references.get(reference).context("the acquirer knows nothing of the reference")?;
    teller.note(&format!(
        "the acquirer's own books: {sale} voided {}, refunded {}, {} effect(s) under {reference} in {} call(s)",
        seen.voided, seen.refunded, own.effects, own.calls
    ));
    ensure!([seen.voided.as_str(), seen.refunded.as_str()] == expected, "the acquirer did something else: {seen:?}");
    ensure!(own.effects == 1 && seen.count == 1, "the acquirer did it {} times", seen.count);
    Ok(())
}
