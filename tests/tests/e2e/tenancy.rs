//! What is another merchant's looks as if it were not there, everywhere.

use crate::world::World;
use anyhow::{Result, ensure};
use http::{Method, Request};
use rescind_tests::client::fresh_key;
use rescind_tests::shop::text;
use rescind_tests::{Client, Receiver, Shop, cny, moment};
use serde_json::{Value, json};

struct Two {
    world: World,
    theirs: Shop,
    void: String,
    refund: String,
}

/// M-1 with a void and a refund in review, and M-2 beside it.
async fn two() -> Result<Two> {
    let world = World::under("unionpay").await?;
    let theirs = Shop::open(&world.server, "M-2", "unionpay").await?;
    let shop = &world.shop;
    shop.sale("S-1").with("order_number", json!("ORDER-1")).register().await?;
    shop.sale("S-2").of("5000.00").days_ago(2).register().await?;
    let made = shop.void_sale("S-1").await?.is(201)?;
    let void = text(&made, "id")?;
    let made = shop.manager.tell("/v1/refunds", &shop.refund("S-2", "500.00")).await?.is(201)?;
    let refund = text(&made, "id")?;
    Ok(Two { theirs, void, refund, world })
}

async fn all(shop: &Shop) -> Result<Value> {
    Ok(json!([shop.look_at("S-1").await?, shop.look_at("S-2").await?, shop.feed().await?]))
}

#[tokio::test]
async fn nothing_of_another_merchant_can_be_read() -> Result<()> {
    let two = two().await?;
    let (void, refund) = (&two.void, &two.refund);
    for (there, nowhere) in [
        ("/v1/transactions/S-1".to_owned(), "/v1/transactions/S-9"),
        ("/v1/transactions/S-1/ways-back".to_owned(), "/v1/transactions/S-9/ways-back"),
        ("/v1/transactions/S-1/export".to_owned(), "/v1/transactions/S-9/export"),
        ("/v1/transactions/S-1/entries".to_owned(), "/v1/transactions/S-9/entries"),
        ("/v1/transactions/S-1/slip".to_owned(), "/v1/transactions/S-9/slip"),
        (format!("/v1/operations/{void}"), "/v1/operations/S-9~0123456789abcdef"),
        (format!("/v1/operations/{void}/slip"), "/v1/operations/S-9~0123456789abcdef/slip"),
        (format!("/v1/refunds/{refund}"), "/v1/refunds/S-9~0123456789abcdef"),
        (format!("/v1/refunds/{refund}/slip"), "/v1/refunds/S-9~0123456789abcdef/slip"),
        ("/v1/refunds?merchant=M-1".to_owned(), "/v1/refunds?merchant=M-9"),
        ("/v1/events?merchant=M-1".to_owned(), "/v1/events?merchant=M-9"),
        ("/v1/transactions/S-1?merchant=M-1".to_owned(), "/v1/transactions/S-1?merchant=M-9"),
        (
            "/v1/transactions?order_number=ORDER-1&merchant=M-1".to_owned(),
            "/v1/transactions?order_number=ORDER-1&merchant=M-9",
        ),
        ("/v1/terminals?merchant=M-1".to_owned(), "/v1/terminals?merchant=M-9"),
        ("/v1/webhook-endpoints?merchant=M-1".to_owned(), "/v1/webhook-endpoints?merchant=M-9"),
        ("/v1/review-sources?merchant=M-1".to_owned(), "/v1/review-sources?merchant=M-9"),
    ] {
        for stranger in [&two.theirs.system, &two.theirs.manager, &two.theirs.terminal, &two.theirs.reviewer] {
            let (seen, expected) = (stranger.get(&there).await?, stranger.get(nowhere).await?);
            ensure!(matches!(seen.status.as_u16(), 403 | 404), "{there}: {seen}");
            ensure!(seen.seen() == expected.seen(), "{there} differs from {nowhere}: {seen} {expected}");
        }
        let system = two.theirs.system.get(&there).await?;
        if !there.contains("/terminals") {
            system.refused(404, "not-found")?;
        }
    }
    for path in ["/v1/transactions?order_number=ORDER-1", "/v1/refunds", "/v1/events", "/v1/webhook-endpoints"] {
        let seen = two.theirs.system.see(path).await?;
        ensure!(seen["items"] == json!([]), "{path}: {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_of_another_merchant_can_be_changed() -> Result<()> {
    let two = two().await?;
    let (shop, theirs, void, refund) = (&two.world.shop, &two.theirs, &two.void, &two.refund);
    let before = all(shop).await?;
    let not_found = async |who: &Client, there: &str, nowhere: &str, body: &Value| {
        let (seen, expected) = (who.tell(there, body).await?, who.tell(nowhere, body).await?);
        seen.refused(404, "not-found")?;
        ensure!(seen.seen() == expected.seen(), "{there} differs from {nowhere}: {seen} {expected}");
        anyhow::Ok(())
    };
    let no_void = "/v1/operations/S-9~0123456789abcdef";
    let no_refund = "/v1/refunds/S-9~0123456789abcdef";
    let because = json!({"reason": "mine"});
    let ended = json!({"took_place": true, "second": theirs.person("finance"), "reason": "mine"});
    let person_ask = theirs.void();
    let claim = json!({"cause": "over-returned", "amount": cny("1.00"), "because": "mine"});
    for (who, there, nowhere, body) in [
        (
            &theirs.supervisor,
            "/v1/transactions/S-1/voids".to_owned(),
            "/v1/transactions/S-9/voids".to_owned(),
            &person_ask,
        ),
        (
            &theirs.supervisor,
            "/v1/transactions/S-1/voids/check".to_owned(),
            "/v1/transactions/S-9/voids/check".to_owned(),
            &person_ask,
        ),
        (
            &theirs.system,
            "/v1/transactions/S-1/events".to_owned(),
            "/v1/transactions/S-9/events".to_owned(),
            &json!({"type": "settled"}),
        ),
        (
            &theirs.terminal,
            format!("/v1/operations/{void}/results"),
            format!("{no_void}/results"),
            &json!({"outcome": "done"}),
        ),
        (
            &theirs.system,
            format!("/v1/operations/{void}/results"),
            format!("{no_void}/results"),
            &json!({"outcome": "done"}),
        ),
        (&theirs.manager, format!("/v1/operations/{void}/resolutions"), format!("{no_void}/resolutions"), &ended),
        (&theirs.manager, "/v1/refunds".to_owned(), "/v1/refunds".to_owned(), &theirs.refund("S-2", "1.00")),
        (
            &theirs.supervisor,
            "/v1/transactions/S-1/troubles".to_owned(),
            "/v1/transactions/S-9/troubles".to_owned(),
            &json!({"trouble": "no-answer"}),
        ),
        (
            &theirs.supervisor,
            "/v1/transactions/S-1/reversals".to_owned(),
            "/v1/transactions/S-9/reversals".to_owned(),
            &json!({}),
        ),
        (
            &theirs.supervisor,
            "/v1/transactions/S-1/cases".to_owned(),
            "/v1/transactions/S-9/cases".to_owned(),
            &json!({"way": "void", "reason": "duplicate"}),
        ),
        (
            &theirs.manager,
            format!("/v1/refunds/{refund}/information"),
            format!("{no_refund}/information"),
            &json!({"note": "x"}),
        ),
        (&theirs.manager, format!("/v1/refunds/{refund}/traces"), format!("{no_refund}/traces"), &json!({})),
        (
            &theirs.system,
            format!("/v1/refunds/{refund}/returns"),
            format!("{no_refund}/returns"),
            &json!({"code": "x"}),
        ),
        (&theirs.finance, format!("/v1/refunds/{refund}/liabilities"), format!("{no_refund}/liabilities"), &claim),
        (&theirs.reviewer, format!("/v1/refunds/{refund}/approvals"), format!("{no_refund}/approvals"), &json!({})),
        (&theirs.reviewer, format!("/v1/refunds/{refund}/declines"), format!("{no_refund}/declines"), &because),
        (&theirs.manager, format!("/v1/refunds/{refund}/withdrawals"), format!("{no_refund}/withdrawals"), &because),
        (&theirs.finance, format!("/v1/refunds/{refund}/clearings"), format!("{no_refund}/clearings"), &json!({})),
        (&theirs.finance, format!("/v1/refunds/{refund}/retries"), format!("{no_refund}/retries"), &json!({})),
        (&theirs.manager, format!("/v1/refunds/{refund}/resolutions"), format!("{no_refund}/resolutions"), &ended),
    ] {
        not_found(who, &there, &nowhere, body).await?;
        let (named, unknown) = (format!("{there}?merchant=M-1"), format!("{nowhere}?merchant=M-9"));
        not_found(who, &named, &unknown, body).await?;
    }
    // In bodies: their merchant, their terminal's sale, their person.
    let sale = shop.sale("S-3").with("merchant", json!("M-1")).body();
    theirs.system.post("/v1/transactions", &sale).await?.refused(404, "not-found")?;
    let endpoint = json!({"url": "https://example.com/hook"});
    theirs.system.post("/v1/webhook-endpoints?merchant=M-1", &endpoint).await?.refused(404, "not-found")?;
    let desk = json!({"label": "desk", "merchant": "M-1", "principals": {}});
    theirs.system.post("/v1/review-sources", &desk).await?.refused(404, "not-found")?;
    theirs.sale("S-1").register().await?;
    let operator = json!({"reason": "duplicate", "operator": shop.person("supervisor")});
    let foreign = theirs.terminal.tell("/v1/transactions/S-1/voids", &operator).await?;
    foreign.refused(422, "body.invalid")?;
    ensure!(all(shop).await? == before, "something of M-1 changed");
    Ok(())
}

#[tokio::test]
async fn the_same_names_at_two_merchants_are_two_things() -> Result<()> {
    let two = two().await?;
    let (shop, theirs) = (&two.world.shop, &two.theirs);
    let receivers = (Receiver::start().await?, Receiver::start().await?);
    shop.endpoint(&receivers.0.url()).await?;
    theirs.endpoint(&receivers.1.url()).await?;
    theirs.sale("S-2").of("70.00").days_ago(2).register().await?;
    let mut ask = theirs.refund("S-2", "60.00");
    ask["id"] = json!("R-1");
    let key = fresh_key();
    theirs.manager.tell_under(&key, "/v1/refunds", &ask).await?.is(201)?;
    let ours = shop.manager.tell_under(&key, "/v1/refunds", &ask).await?.is(201)?;
    ensure!(ours["id"] == "R-1", "{ours}");
    ensure!(shop.look_at("S-2").await?["amount"] == cny("5000.00"), "two sales of one name");
    ensure!(theirs.look_at("S-2").await?["balance"]["left"] == cny("10.00"), "two balances");
    let own = receivers.0.until("M-1 to hear of its refund", |b| b["data"]["refund"] == "R-1").await?;
    let other = receivers.1.until("M-2 to hear of its refund", |b| b["data"]["refund"] == "R-1").await?;
    for (deliveries, merchant) in [(own, "M-1"), (other, "M-2")] {
        for delivery in deliveries {
            let body = delivery.json()?;
            ensure!(body["data"]["merchant"] == merchant, "{merchant} heard {body}");
        }
    }
    for (shop, merchant) in [(shop, "M-1"), (theirs, "M-2")] {
        ensure!(shop.feed().await?.iter().all(|event| event["merchant"] == merchant), "the feed of {merchant}");
    }
    Ok(())
}

#[tokio::test]
async fn a_reviewers_system_of_another_merchant_decides_nothing_here() -> Result<()> {
    let two = two().await?;
    let (shop, theirs) = (&two.world.shop, &two.theirs);
    let before = all(shop).await?;
    let desk = theirs.review_desk(&json!({"kim": theirs.person("reviewer")})).await?;
    for (n, refund) in [two.refund.as_str(), "S-9~0123456789abcdef"].into_iter().enumerate() {
        let verdict = json!({"refund": refund, "principal": "kim", "decision": "approve"}).to_string();
        let seal = rescind_notification::seal(&[&desk.secret], &format!("msg_{n}"), moment::now(), verdict.as_bytes());
        let seal = seal.map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let request = Request::post(format!("/v1/webhooks/reviews?source={}", desk.id))
            .header("webhook-id", seal.id)
            .header("webhook-timestamp", seal.timestamp)
            .header("webhook-signature", seal.signature)
            .body(verdict)?;
        two.world.server.client().send(request).await?.refused(404, "not-found")?;
    }
    ensure!(all(shop).await? == before, "something of M-1 changed");
    Ok(())
}

#[tokio::test]
async fn who_works_for_two_merchants_says_which_and_loses_one_at_once() -> Result<()> {
    let two = two().await?;
    let shop = &two.world.shop;
    let both = shop.hire("both", &["manager"]).await?;
    let grants = |merchants: &[&str]| {
        let all: Vec<Value> = merchants.iter().map(|m| json!({"merchant": m, "roles": ["manager"]})).collect();
        json!({"grants": all}).to_string()
    };
    let path = format!("/v1/persons/{}/grants", shop.person("both"));
    both.see("/v1/transactions/S-1").await?;
    shop.admin.call(Method::PUT, &path, None, grants(&["M-1", "M-2"])).await?.is(200)?;
    both.get("/v1/transactions/S-1").await?.refused(400, "parameter.malformed")?;
    both.see("/v1/transactions/S-1?merchant=M-1").await?;
    both.get("/v1/transactions/S-1?merchant=M-2").await?.refused(404, "not-found")?;
    shop.admin.call(Method::PUT, &path, None, grants(&["M-2"])).await?.is(200)?;
    both.get("/v1/transactions/S-1?merchant=M-1").await?.refused(404, "not-found")?;
    both.get("/v1/transactions/S-1").await?.refused(404, "not-found")?;
    Ok(())
}
