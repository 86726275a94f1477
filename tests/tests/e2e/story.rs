//! The lives of voids and refunds, over HTTP, with an acquirer at the other end.

use crate::world::{World, finding, types};
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::Behaviour;
use rescind_tests::client::fresh_key;
use rescind_tests::operator::SUPERVISOR;
use rescind_tests::shop::text;
use rescind_tests::{Server, Shop, checkout, cny};
use serde_json::{Value, json};

#[tokio::test]
async fn a_void_is_checked_authorised_carried_out_and_printed() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").of("128.00").register().await?;
    let path = "/v1/transactions/S-1/voids";
    let check = shop.supervisor.post(&format!("{path}/check"), &shop.void()).await?.is(200)?;
    ensure!(check["outcome"] == "allow" && check["open_until"].is_string(), "{check}");
    ensure!(shop.look_at("S-1").await?["balance"]["reserved"] == cny("0.00"), "a check has no effect");

    let nobody = shop.supervisor.tell(path, &shop.void()).await?.refused(422, "decision.deny")?;
    ensure!(finding(&nobody, "void.authentication")["verdict"] == "deny", "{nobody}");
    let made = shop.void_sale("S-1").await?.is(201)?;
    ensure!(made["state"] == "authorised" && made["requested_by"] == shop.person("supervisor"), "{made}");
    let id = text(&made, "id")?;
    let done = shop.void_in(&id, &["done"]).await?;
    ensure!(done["evidence"]["source"] == "provider" && done["evidence"]["code"] == "00", "{done}");
    let slip = shop.supervisor.get(&format!("/v1/operations/{id}/slip?locale=zh-CN")).await?;
    ensure!(slip.status == 200 && slip.text.contains("撤销成功") && slip.text.contains("128.00"), "{slip}");
    let reprint = shop.supervisor.get(&format!("/v1/operations/{id}/slip?locale=zh-CN&reprint=true")).await?;
    ensure!(reprint.text != slip.text && reprint.text.contains("撤销成功"), "a reprint is marked: {reprint}");

    let again = shop.void_sale("S-1").await?.refused(422, "decision.deny")?;
    ensure!(finding(&again, "void.already-voided")["verdict"] == "deny", "{again}");
    let refund = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "1.00")).await?;
    ensure!(refund.status == 422, "{refund}");
    let sale = shop.look_at("S-1").await?;
    let expected = ["sale.registered", "void.authorised", "void.sent", "void.done"];
    ensure!(types(&sale["history"]) == expected, "{sale}");
    ensure!(sale["balance"]["voided"] == cny("128.00") && sale["balance"]["left"] == cny("0.00"), "{sale}");
    world.did_once("S-1", "128.00", "0.00")
}

#[tokio::test]
async fn the_fourth_void_of_a_business_day_is_referred_also_when_all_come_at_once() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    let mut asked = tokio::task::JoinSet::new();
    for n in 0..8 {
        let sale = format!("S-{n}");
        shop.sale(&sale).register().await?;
        let shop = shop.clone();
        asked.spawn(async move {
            let supervisor = shop.voiding(&sale).await?;
            supervisor.insist(&fresh_key(), &format!("/v1/transactions/{sale}/voids"), &shop.void()).await
        });
    }
    let (mut allowed, mut referred) = (0, 0);
    while let Some(reply) = asked.join_next().await {
        let reply = reply??;
        if reply.status == 201 {
            allowed += 1;
        } else {
            let problem = reply.refused(422, "decision.refer")?;
            let count = finding(&problem, "void.count");
            ensure!(count["limit"]["count"] == 3 && count["remedy"]["token"] == "contact-support", "{problem}");
            referred += 1;
        }
    }
    ensure!((allowed, referred) == (3, 5), "{allowed} were allowed, {referred} referred");
    Ok(())
}

#[tokio::test]
async fn after_the_window_a_refund_is_the_way() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").days_ago(2).register().await?;
    let late = shop.void_sale("S-1").await?.refused(422, "decision.deny")?;
    let window = finding(&late, "void.window");
    ensure!(window["remedy"] == json!({"token": "use-refund", "use": "refund"}), "{late}");
    ensure!(late["left"] == cny("100.00"), "{late}");
    let ways = shop.supervisor.see("/v1/transactions/S-1/ways-back?amount=60.00").await?;
    let refund =
        ways["ways"].as_array().and_then(|all| all.iter().find(|w| w["way"] == "refund")).context("no refund")?;
    ensure!(refund["outcome"] == "allow" && refund["amount"] == cny("60.00"), "{ways}");
    // Too old for both: support decides.
    shop.sale("S-2").days_ago(40).register().await?;
    let old = shop.manager.tell("/v1/refunds", &shop.refund("S-2", "60.00")).await?.refused(422, "decision.refer")?;
    ensure!(finding(&old, "refund.window")["remedy"]["token"] == "contact-support", "{old}");
    Ok(())
}

#[tokio::test]
async fn a_void_the_provider_declines_leaves_the_sale_as_it_was() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").register().await?;
    world.script("S-1", Behaviour::Decline { code: "57".to_owned() })?;
    let made = shop.void_sale("S-1").await?.is(201)?;
    let failed = shop.void_in(&text(&made, "id")?, &["failed"]).await?;
    ensure!(failed["evidence"]["code"] == "57", "{failed}");
    let slip = shop.supervisor.get(&format!("/v1/operations/{}/slip", text(&made, "id")?)).await?;
    ensure!(slip.status == 200 && !slip.text.contains("撤销成功") && slip.text.contains("57"), "{slip}");
    ensure!(shop.look_at("S-1").await?["balance"]["left"] == cny("100.00"), "nothing is reserved any more");
    // A new void under a new reference may succeed.
    let second = shop.void_sale("S-1").await?.is(201)?;
    ensure!(second["provider_reference"] != made["provider_reference"], "{second}");
    shop.void_in(&text(&second, "id")?, &["done"]).await?;
    world.did_once("S-1", "100.00", "0.00")
}

#[tokio::test]
async fn a_void_whose_answer_is_lost_is_asked_for_and_takes_place_once() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    for (sale, behaviour) in [
        ("S-1", Behaviour::Timeout { took_place: true, hold_ms: Some(50) }),
        ("S-2", Behaviour::Timeout { took_place: false, hold_ms: Some(50) }),
        ("S-3", Behaviour::LateSuccess { after_ms: 300 }),
    ] {
        shop.sale(sale).register().await?;
        world.script(sale, behaviour)?;
        let made = shop.void_sale(sale).await?.is(201)?;
        let id = text(&made, "id")?;
        let unknown = shop.void_in(&id, &["unknown"]).await?;
        ensure!(unknown["state"] == "unknown", "{unknown}");
        let slip = shop.supervisor.get(&format!("/v1/operations/{id}/slip")).await?;
        ensure!(!slip.text.contains("撤销成功"), "{slip}");
        shop.void_in(&id, &["done"]).await?;
        world.did_once(sale, "100.00", "0.00")?;
    }
    world.nothing_twice()
}

#[tokio::test]
async fn at_a_unionpay_terminal_the_terminal_says_what_became_of_the_void() -> Result<()> {
    let world = World::under("unionpay").await?;
    let shop = &world.shop;
    shop.sale("S-1").register().await?;
    let ask = shop.void();
    let at_the_till = async |sale: &str| shop.proving_void(&shop.terminal, &SUPERVISOR, sale).await;
    let made = at_the_till("S-1").await?.tell("/v1/transactions/S-1/voids", &ask).await?.is(201)?;
    ensure!(made["requested_by"] == shop.person("supervisor"), "it is whom the proof names: {made}");
    ensure!(made["executor"] == "terminal" && made["terminal"] == "T1", "{made}");
    let results = format!("/v1/operations/{}/results", text(&made, "id")?);
    let said = json!({"outcome": "done", "code": "00", "reference": "123456789012"});
    let (key, other) = (fresh_key(), fresh_key());
    let done = shop.terminal.tell_under(&key, &results, &said).await?;
    ensure!(done.is(200)?["state"] == "done", "{done}");
    let again = shop.terminal.tell_under(&key, &results, &said).await?;
    ensure!(again.text == done.text && again.header("idempotency-replayed") == "true", "{again}");
    shop.terminal.tell_under(&other, &results, &said).await?.is(200)?;
    shop.terminal
        .tell(&results, &json!({"outcome": "failed", "code": "05"}))
        .await?
        .refused(409, "outcome.contradicts")?;
    ensure!(world.effects("S-1").is_none(), "the courier leaves alone what the terminal carries out");
    // Forbidden once any refund was sent, and no refund once it is voided.
    let refund = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "10.00")).await?;
    ensure!(refund.status == 422, "{refund}");
    shop.sale("S-2").register().await?;
    let id = world.approved_refund("S-2", "10.00").await?;
    world.clear(&id).await?;
    shop.refund_in(&id, &["cleared"]).await?;
    let void =
        at_the_till("S-2").await?.tell("/v1/transactions/S-2/voids", &ask).await?.refused(422, "decision.deny")?;
    ensure!(finding(&void, "void.after-refund")["verdict"] == "deny", "{void}");
    Ok(())
}

#[tokio::test]
async fn a_refund_is_submitted_cleared_and_printed_with_its_share_of_the_fee() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").days_ago(2).register().await?;
    let mut ask = shop.refund("S-1", "60.00");
    ask["id"] = json!("R-1");
    let made = shop.supervisor.tell("/v1/refunds", &ask).await?.is(201)?;
    ensure!(made["state"] == "approved" && made["id"] == "R-1", "{made}");
    // 0.60 was charged on 100.00: 0.36 comes back with 60.00.
    let returned =
        made["fees"].as_array().and_then(|f| f.iter().find(|f| f["kind"] == "acquiring-returned")).context("no fee")?;
    ensure!(returned["amount"] == cny("0.36"), "{made}");
    for amount in ["60.00", "1.00"] {
        ask["amount"] = cny(amount);
        shop.supervisor.tell("/v1/refunds", &ask).await?.refused(409, "refund.id-taken")?;
    }

    world.clear("R-1").await?;
    let cleared = shop.refund_in("R-1", &["cleared"]).await?;
    let expected = ["refund.submitted", "refund.approved", "refund.clearing", "refund.cleared"];
    ensure!(types(&cleared["history"]) == expected && cleared["attempts"] == 1, "{cleared}");
    let slip = shop.supervisor.get("/v1/refunds/R-1/slip?locale=en").await?;
    ensure!(slip.status == 200 && slip.text.contains("60.00"), "{slip}");
    let rest = world.approved_refund("S-1", "40.00").await?;
    world.clear(&rest).await?;
    let rest = shop.refund_in(&rest, &["cleared"]).await?;
    let returned =
        rest["fees"].as_array().and_then(|f| f.iter().find(|f| f["kind"] == "acquiring-returned")).context("no fee")?;
    ensure!(returned["amount"] == cny("0.24"), "together they are what was charged: {rest}");
    let sale = shop.look_at("S-1").await?;
    ensure!(sale["balance"]["cleared"] == cny("100.00") && sale["balance"]["left"] == cny("0.00"), "{sale}");
    let seen = world.effects("S-1").context("the acquirer did nothing")?;
    ensure!(seen.refunded == "100.00" && seen.count == 2, "{seen:?}");
    let listed = shop.system.see("/v1/refunds?state=cleared&limit=1").await?;
    ensure!(listed["items"][0]["id"] == "R-1" && listed["next"].is_string(), "{listed}");
    Ok(())
}

#[tokio::test]
async fn a_refund_the_provider_declines_is_tried_again_under_its_old_reference() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").days_ago(2).register().await?;
    let id = world.approved_refund("S-1", "60.00").await?;
    world.script("S-1", Behaviour::Decline { code: "51".to_owned() })?;
    world.clear(&id).await?;
    let failed = shop.refund_in(&id, &["failed"]).await?;
    ensure!(failed["outcome_evidence"]["code"] == "51", "{failed}");
    ensure!(shop.look_at("S-1").await?["balance"]["left"] == cny("100.00"), "nothing is reserved any more");
    let retried = shop.finance.tell(&format!("/v1/refunds/{id}/retries"), &json!({})).await?.is(200)?;
    ensure!(retried["provider_reference"] == failed["provider_reference"], "{retried}");
    let cleared = shop.refund_in(&id, &["cleared"]).await?;
    ensure!(cleared["attempts"] == 2, "{cleared}");
    world.did_once("S-1", "0.00", "60.00")?;
    shop.finance.tell(&format!("/v1/refunds/{id}/retries"), &json!({})).await?.refused(409, "refund.wrong-state")?;
    Ok(())
}

#[tokio::test]
async fn a_duplicate_answer_and_a_broken_server_both_end_as_cleared_once() -> Result<()> {
    let world = World::open().await?;
    for (sale, behaviour) in [("S-1", Behaviour::Duplicate), ("S-2", Behaviour::ServerError)] {
        world.shop.sale(sale).days_ago(2).register().await?;
        let id = world.approved_refund(sale, "60.00").await?;
        world.script(sale, behaviour)?;
        world.clear(&id).await?;
        world.shop.refund_in(&id, &["cleared"]).await?;
        world.did_once(sale, "0.00", "60.00")?;
    }
    world.nothing_twice()
}

#[tokio::test]
async fn splitting_a_refund_does_not_lower_its_tier() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").of("500.00").days_ago(2).register().await?;
    shop.sale("S-2").of("500.00").days_ago(2).register().await?;
    let ask = async |sale: &str| shop.supervisor.tell("/v1/refunds", &shop.refund(sale, "60.00")).await?.is(201);
    ensure!(ask("S-1").await?["state"] == "approved", "60.00 is below the tier");
    // 120.00 by one person in a day, on one sale or on two, is above it.
    for sale in ["S-2", "S-1"] {
        let second = ask(sale).await?;
        ensure!(second["state"] == "in-review" && second["plan"]["tier"] == "one-person", "{second}");
    }
    let other = shop.manager.tell("/v1/refunds", &shop.refund("S-2", "30.00")).await?.is(201)?;
    ensure!(other["state"] == "approved", "somebody else's first of the day, 90.00 on the sale: {other}");
    Ok(())
}

#[tokio::test]
async fn a_refund_is_declined_with_a_reason_or_taken_back_by_who_asked() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    shop.sale("S-1").of("500.00").days_ago(2).register().await?;
    let ask = async || -> Result<String> {
        let made = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "300.00")).await?.is(201)?;
        text(&made, "id")
    };
    let left = async || -> Result<Value> { Ok(shop.look_at("S-1").await?["balance"]["left"].clone()) };
    let id = ask().await?;
    ensure!(left().await? == cny("200.00"), "the amount is reserved");
    let declines = format!("/v1/refunds/{id}/declines");
    shop.reviewer.tell(&declines, &json!({})).await?.refused(422, "body.invalid")?;
    let declined = shop.reviewer.tell(&declines, &json!({"reason": "no receipt"})).await?.is(200)?;
    ensure!(declined["state"] == "declined" && declined["ended_because"] == "no receipt", "{declined}");
    ensure!(left().await? == cny("500.00"), "the amount is released");
    let id = ask().await?;
    let withdrawals = format!("/v1/refunds/{id}/withdrawals");
    let because = json!({"reason": "the customer keeps it"});
    let other = shop.supervisor.tell(&withdrawals, &because).await?.refused(403, "approval.not-permitted")?;
    ensure!(other["reason"] == "not-requester", "{other}");
    let withdrawn = shop.manager.tell(&withdrawals, &because).await?.is(200)?;
    ensure!(withdrawn["state"] == "withdrawn" && left().await? == cny("500.00"), "{withdrawn}");
    shop.finance.tell(&format!("/v1/refunds/{id}/clearings"), &json!({})).await?.refused(409, "refund.wrong-state")?;
    ensure!(world.effects("S-1").is_none(), "nothing reached the provider");
    Ok(())
}

#[tokio::test]
async fn what_happened_to_the_sale_closes_the_void() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    for (sale, news) in [("S-1", "settled"), ("S-2", "paid-out")] {
        shop.sale(sale).register().await?;
        shop.system.tell(&format!("/v1/transactions/{sale}/events"), &json!({"type": news})).await?.is(200)?;
        let void = shop.void_sale(sale).await?;
        let void = void.refused(422, "decision.deny")?;
        ensure!(finding(&void, &format!("void.{news}"))["verdict"] == "deny", "{void}");
    }
    shop.sale("S-3").with("outcome", json!("unknown")).register().await?;
    let unknown = shop.void_sale("S-3").await?.refused(422, "decision.deny")?;
    ensure!(finding(&unknown, "sale.outcome")["verdict"] == "deny", "{unknown}");
    let good = json!({"type": "outcome-known", "outcome": "good"});
    shop.system.tell("/v1/transactions/S-3/events", &good).await?.is(200)?;
    shop.void_sale("S-3").await?.is(201)?;
    Ok(())
}

#[tokio::test]
async fn a_sale_is_found_by_what_its_slip_says() -> Result<()> {
    let world = World::under("lakala").await?;
    let shop = &world.shop;
    for sale in ["S-1", "S-2"] {
        let slip = json!({"terminal": "T1", "batch": "000007", "voucher": "000042", "trace": "000043"});
        shop.sale(sale).with("slip", slip).with("order_number", json!(format!("ORDER {sale}"))).register().await?;
    }
    let found = shop.terminal.see("/v1/transactions?terminal=T1&batch=000007&voucher=000042").await?;
    let ids: Vec<&Value> = found["items"].as_array().into_iter().flatten().map(|s| &s["id"]).collect();
    ensure!(ids == ["S-1", "S-2"], "several hits: all are shown: {found}");
    let found = shop.supervisor.see("/v1/transactions?order_number=ORDER%20S-2").await?;
    ensure!(found["items"][0]["id"] == "S-2", "{found}");
    let day = text(&found["items"][0], "business_day")?;
    let found = shop.supervisor.see(&format!("/v1/transactions?trace=000043&business_day={day}&limit=1")).await?;
    ensure!(found["next"].is_string(), "{found}");
    let next = text(&found, "next")?;
    let rest =
        shop.supervisor.see(&format!("/v1/transactions?trace=000043&business_day={day}&limit=1&after={next}")).await?;
    ensure!(found["items"][0]["id"] == "S-1" && rest["items"][0]["id"] == "S-2", "{found} {rest}");
    Ok(())
}

#[tokio::test]
async fn all_is_still_there_after_a_restart() -> Result<()> {
    let mut world = World::under("lakala").await?;
    let shop = world.shop.clone();
    shop.sale("S-1").days_ago(2).register().await?;
    let (key, ask) = (fresh_key(), shop.refund("S-1", "60.00"));
    let first = shop.supervisor.tell_under(&key, "/v1/refunds", &ask).await?;
    let id = text(&first.is(201)?, "id")?;
    world.clear(&id).await?;
    shop.refund_in(&id, &["cleared"]).await?;
    let before = (shop.look_at("S-1").await?, shop.feed().await?, shop.admin.see("/v1/keys?limit=100").await?);
    world.server.stop().await?;
    world.server.start_again().await?;
    let after = (shop.look_at("S-1").await?, shop.feed().await?, shop.admin.see("/v1/keys?limit=100").await?);
    ensure!(before == after, "{before:?} {after:?}");
    let again = shop.supervisor.tell_under(&key, "/v1/refunds", &ask).await?;
    ensure!(again.text == first.text && again.header("idempotency-replayed") == "true", "{again}");
    world.did_once("S-1", "0.00", "60.00")
}

#[tokio::test]
async fn the_server_describes_itself() -> Result<()> {
    let server = Server::start().await?;
    let nobody = server.client();
    let document = nobody.get("/openapi.json").await?.is(200)?;
    let golden = std::fs::read_to_string(checkout::root()?.join("crates/service/openapi.json"))?;
    ensure!(
        document == serde_json::from_str::<Value>(&golden)?,
        "it serves another document than the repository holds"
    );
    ensure!(nobody.see("/healthz").await? == json!({"status": "ok"}), "healthz");
    let meaning = nobody.see("/problems/balance.exceeded").await?;
    ensure!(meaning["status"] == 422, "{meaning}");
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").register().await?;
    let metrics = nobody.get("/metrics").await?;
    ensure!(metrics.status == 200 && metrics.text.contains("rescind_host_request_duration_seconds_count"), "{metrics}");
    let reply = nobody.get("/healthz").await?;
    ensure!(!reply.header("x-request-id").is_empty(), "{:?}", reply.headers);
    Ok(())
}
