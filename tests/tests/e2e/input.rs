//! The table "Bad input gets", over HTTP.

use crate::world::{World, finding};
use anyhow::{Context as _, Result, ensure};
use http::{Method, Request};
use rescind_tests::client::fresh_key;
use rescind_tests::shop::text;
use rescind_tests::{Reply, Server, Shop, cny};
use serde_json::{Value, json};

/// The largest body that is taken.
const BODY_BYTES: usize = 64 * 1024;

fn with(body: &Value, field: &str, value: Value) -> String {
    let mut body = body.clone();
    body[field] = value;
    body.to_string()
}

/// The problem's code and the field it names.
fn at(reply: &Reply) -> Result<(u16, String, String)> {
    let problem = reply.json()?;
    let code = text(&problem, "code").with_context(|| reply.to_string())?;
    reply.refused(reply.status.as_u16(), &code)?;
    Ok((reply.status.as_u16(), code, problem["field"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_by_its_path() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    let good = shop.sale("S-1").days_ago(2).body();
    let table: Vec<(String, u16, &str, &str)> = vec![
        ("{".to_owned(), 400, "body.malformed", ""),
        ("nonsense".to_owned(), 400, "body.malformed", ""),
        (format!("{good}{good}"), 400, "body.malformed", ""),
        (format!("{{\"id\":{}", "[".repeat(10_000)), 422, "body.invalid", "/id"),
        ("7".to_owned(), 422, "body.invalid", ""),
        (String::new(), 422, "body.invalid", "/id"),
        (with(&good, "colour", json!("red")), 422, "body.invalid", "/colour"),
        (with(&good, "id", json!(7)), 422, "body.invalid", "/id"),
        (with(&good, "id", json!("a b")), 422, "body.invalid", "/id"),
        (with(&good, "id", json!("x".repeat(101))), 422, "body.invalid", "/id"),
        (with(&good, "id", json!("4111111111111111")), 422, "body.invalid", "/id"),
        (with(&good, "amount", cny("1.234")), 422, "body.invalid", "/amount"),
        (with(&good, "amount", cny("-1.00")), 422, "body.invalid", "/amount"),
        (with(&good, "amount", cny("0.00")), 422, "body.invalid", "/amount"),
        (with(&good, "amount", cny("1e2")), 422, "body.invalid", "/amount"),
        (with(&good, "amount", cny("1000000000000.00")), 422, "body.invalid", "/amount"),
        (with(&good, "amount", json!({"amount": "1", "currency": "XXX"})), 422, "body.invalid", "/amount"),
        (with(&good, "amount", json!({"amount": 60, "currency": "CNY"})), 422, "body.invalid", "/amount/amount"),
        (with(&good, "amount", json!({"amount": "60"})), 422, "body.invalid", "/amount/currency"),
        (
            with(&good, "amount", json!({"amount": "60", "currency": "CNY", "vat": "6"})),
            422,
            "body.invalid",
            "/amount/vat",
        ),
        (with(&good, "fee_charged", cny("100.01")), 422, "body.invalid", "/fee_charged"),
        (with(&good, "channel", json!("Card")), 422, "body.invalid", "/channel"),
        (with(&good, "paid_at", json!("yesterday")), 422, "body.invalid", "/paid_at"),
        (with(&good, "business_day", json!("2026-02-29")), 422, "body.invalid", "/business_day"),
        (with(&good, "payer_token", json!("411111******1111")), 422, "body.invalid", "/payer_token"),
        (
            with(&good, "slip", json!({"terminal": "T1", "batch": "1", "voucher": 1, "trace": "1"})),
            422,
            "body.invalid",
            "/slip/voucher",
        ),
        (
            with(&good, "slip", json!({"terminal": "T9", "batch": "1", "voucher": "1", "trace": "1"})),
            422,
            "body.invalid",
            "/slip/terminal",
        ),
        (with(&good, "operator", json!("nobody")), 422, "body.invalid", "/operator"),
    ];
    for (body, status, code, field) in table {
        let reply = shop.system.call(Method::POST, "/v1/transactions", None, body.clone()).await?;
        ensure!(at(&reply)? == (status, code.to_owned(), field.to_owned()), "{body}: {reply}");
    }
    // A body that is no text at all, and one with a NUL.
    for body in ["\u{0}", "{\"id\":\"\u{0}\"}"] {
        let reply = shop.system.call(Method::POST, "/v1/transactions", None, body.to_owned()).await?;
        ensure!(matches!(reply.status.as_u16(), 400 | 422), "{reply}");
    }
    shop.system.get("/v1/transactions/S-1").await?.refused(404, "not-found")?;
    ensure!(shop.feed().await?.is_empty(), "nothing happened");
    Ok(())
}

#[tokio::test]
async fn an_amount_that_cannot_be_is_refused_and_nothing_is_stored() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").days_ago(2).register().await?;
    let before = (shop.look_at("S-1").await?, shop.feed().await?);
    let key = fresh_key();
    for amount in [cny("1.234"), cny("-1"), cny("0"), cny("1000000000000"), json!({"amount": "1", "currency": "USD"})] {
        let mut refund = shop.refund("S-1", "1.00");
        refund["amount"] = amount.clone();
        let reply = shop.manager.tell_under(&key, "/v1/refunds", &refund).await?;
        ensure!(at(&reply)? == (422, "body.invalid".into(), "/amount".into()), "{amount}: {reply}");
        let void = json!({"amount": amount, "reason": "duplicate"});
        for path in ["/v1/transactions/S-1/voids", "/v1/transactions/S-1/voids/check"] {
            let reply = shop.manager.tell(path, &void).await?;
            ensure!(at(&reply)? == (422, "body.invalid".into(), "/amount".into()), "{amount}: {reply}");
        }
    }
    for amount in ["1.234", "-1", "0", "1000000000000", "abc", ""] {
        let reply = shop.manager.get(&format!("/v1/transactions/S-1/ways-back?amount={amount}")).await?;
        ensure!(at(&reply)? == (422, "parameter.invalid".into(), "amount".into()), "{amount}: {reply}");
    }
    ensure!((shop.look_at("S-1").await?, shop.feed().await?) == before, "something happened");
    // The key is still good for the mended request.
    shop.manager.tell_under(&key, "/v1/refunds", &shop.refund("S-1", "60.00")).await?.is(201)?;
    Ok(())
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    let padded = |bytes: usize| {
        let body = shop.sale("S-1").days_ago(2).body().to_string();
        let padding = " ".repeat(bytes.saturating_sub(body.len()));
        format!("{body}{padding}")
    };
    let post = async |bytes: usize| shop.system.call(Method::POST, "/v1/transactions", None, padded(bytes)).await;
    let refused = post(BODY_BYTES + 1).await?.refused(413, "body.too-large")?;
    ensure!(refused["limit"] == BODY_BYTES, "{refused}");
    shop.system.get("/v1/transactions/S-1").await?.refused(404, "not-found")?;
    post(BODY_BYTES).await?.is(201)?;
    // Above what the host itself takes, to every route, with a key and without.
    let huge = " ".repeat(3 * 1024 * 1024);
    for path in ["/v1/transactions", "/v1/refunds", "/v1/webhooks/reviews?source=x", "/v1/tick"] {
        for client in [&shop.system, &server.client()] {
            let reply = client.call(Method::POST, path, Some("k"), huge.clone()).await;
            // A server may answer and close while the body is still being sent; the caller then sees the closing.
            if let Ok(reply) = reply {
                ensure!(reply.status == 413 && reply.header("content-type") == "application/problem+json", "{reply}");
            }
        }
    }
    shop.look_at("S-1").await?;
    Ok(())
}

#[tokio::test]
async fn unknown_routes_get_404_and_unknown_methods_405_with_allow() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    for path in [
        "/",
        "/v1",
        "/v1/nonsense",
        "/v1/transactions/S-1/nonsense",
        "/v1/transactions/",
        "/v2/refunds",
        "//",
        "/v1/../v1/refunds",
    ] {
        shop.system.get(path).await?.refused(404, "route.unknown")?;
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/transactions", "GET,HEAD,POST"),
        (Method::PATCH, "/v1/refunds/R-1", "GET,HEAD"),
        (Method::GET, "/v1/refunds/R-1/approvals", "POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::PUT, "/v1/keys/1", "DELETE"),
        (Method::GET, "/v1/tick", "POST"),
    ] {
        let reply = shop.system.call(method.clone(), path, None, String::new()).await?;
        reply.refused(405, "method.not-allowed")?;
        let mut allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        ensure!(allowed.join(",") == allow, "{method} {path}: {allowed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").days_ago(2).register().await?;
    for path in
        ["/healthz", "/openapi.json", "/v1/refunds", "/v1/transactions/S-1", "/v1/transactions/S-9", "/nonsense"]
    {
        let get = shop.system.get(path).await?;
        let head = shop.system.call(Method::HEAD, path, None, String::new()).await?;
        ensure!(head.status == get.status && head.text.is_empty(), "{head}");
        ensure!(head.header("content-type") == get.header("content-type"), "{head}");
    }
    for path in ["/v1/tick", "/v1/refunds/R-1/approvals"] {
        let head = shop.system.call(Method::HEAD, path, None, String::new()).await?;
        ensure!(head.status == 405 && head.header("allow") == "POST", "{head}");
    }
    Ok(())
}

#[tokio::test]
async fn parameters_are_checked_like_bodies() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    for (path, status, code, field) in [
        ("/v1/refunds?stat=cleared", 400, "parameter.malformed", "stat"),
        ("/v1/refunds?state=Cleared", 422, "parameter.invalid", "state"),
        ("/v1/refunds?limit=0", 422, "parameter.invalid", "limit"),
        ("/v1/refunds?limit=101", 422, "parameter.invalid", "limit"),
        ("/v1/refunds?limit=1&limit=2", 400, "parameter.malformed", "limit"),
        ("/v1/events?audience=everybody", 422, "parameter.invalid", "audience"),
        ("/v1/transactions", 400, "parameter.malformed", "query"),
        ("/v1/transactions?trace=1&business_day=today", 422, "parameter.invalid", "business_day"),
        ("/v1/transactions/a%2Fb", 404, "not-found", ""),
        ("/v1/transactions/%FF", 404, "not-found", ""),
        ("/v1/transactions/%00", 404, "not-found", ""),
        ("/v1/refunds/%F0%9F%92%B0", 404, "not-found", ""),
    ] {
        let reply = shop.system.get(path).await?;
        ensure!(at(&reply)? == (status, code.to_owned(), field.to_owned()), "{path}: {reply}");
    }
    let nowhere = shop.system.get("/v1/refunds?after=nonsense").await?;
    ensure!(nowhere.status.is_client_error(), "{nowhere}");
    Ok(())
}

#[tokio::test]
async fn every_401_says_the_same() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").days_ago(2).register().await?;
    let revoked = {
        let body = json!({"label": "lost", "bearer": {"kind": "system", "merchant": "M-1"}});
        let made = shop.admin.post("/v1/keys", &body).await?.is(201)?;
        let client = server.client().with_key(&text(&made, "token")?);
        client.get("/v1/refunds").await?.is(200)?;
        let path = format!("/v1/keys/{}", text(&made, "id")?);
        shop.admin.call(Method::DELETE, &path, None, String::new()).await?.is(200)?;
        client
    };
    let good = shop.system.key().to_owned();
    let last = if good.ends_with('0') { "1" } else { "0" };
    let client = |key: &str| server.client().with_key(key);
    let callers = [
        server.client(),
        client("nonsense"),
        revoked,
        client(&format!("{}{last}", &good[..good.len() - 1])),
        client(&format!("rsk_{}_{}", "0".repeat(16), "0".repeat(64))),
        client(&good[..20]),
        client(&format!("{good}x")),
    ];
    let mut replies = Vec::new();
    for caller in &callers {
        replies.push(caller.get("/v1/refunds").await?);
        replies.push(caller.get("/v1/transactions/S-1").await?);
        replies.push(caller.get("/v1/transactions/S-9?nonsense=1").await?);
        replies.push(caller.call(Method::POST, "/v1/refunds", None, "{".to_owned()).await?);
        replies.push(caller.post("/v1/keys", &json!({})).await?);
        replies.push(caller.post("/v1/tick", &json!({})).await?);
    }
    let nobody = server.client();
    for (name, value) in [("authorization", "Basic YTpi"), ("authorization", "Bearer"), ("authorization", "bearer x")] {
        let request = Request::get("/v1/refunds").header(name, value).body(String::new())?;
        replies.push(nobody.send(request).await?);
    }
    let twice = Request::get("/v1/refunds")
        .header("authorization", format!("Bearer {good}"))
        .header("authorization", format!("Bearer {}", shop.admin.key()))
        .body(String::new())?;
    replies.push(nobody.send(twice).await?);
    replies.push(nobody.post("/v1/webhooks/reviews?source=src-1", &json!({})).await?);
    replies[0].refused(401, "auth.required")?;
    ensure!(replies[0].header("www-authenticate") == "Bearer", "{:?}", replies[0].headers);
    for reply in &replies {
        ensure!(reply.seen() == replies[0].seen(), "{reply} {:?}", reply.headers);
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_role_gets_403_and_changes_nothing() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").of("5000.00").days_ago(2).register().await?;
    let made = shop.supervisor.tell("/v1/refunds", &shop.refund("S-1", "500.00")).await?.is(201)?;
    let refund = format!("/v1/refunds/{}", text(&made, "id")?);
    let before = (shop.look_at("S-1").await?, shop.feed().await?);
    let nothing = json!({});
    let (approvals, clearings, retries) =
        (format!("{refund}/approvals"), format!("{refund}/clearings"), format!("{refund}/retries"));
    for (who, path, body) in [
        (&shop.system, &approvals, &nothing),
        (&shop.terminal, &approvals, &nothing),
        (&shop.admin.with_key(shop.cashier.key()), &approvals, &nothing),
        (&shop.cashier, &clearings, &nothing),
        (&shop.terminal, &clearings, &nothing),
        (&shop.reviewer, &retries, &nothing),
        (&shop.reviewer, &"/v1/refunds".to_owned(), &shop.refund("S-1", "1.00")),
        (&shop.finance, &"/v1/transactions/S-1/voids".to_owned(), &shop.void()),
        (&shop.cashier, &"/v1/transactions/S-1/events".to_owned(), &json!({"type": "settled"})),
    ] {
        who.tell(path, body).await?.refused(403, "auth.forbidden").with_context(|| path.clone())?;
    }
    for (who, path) in [(&shop.system, "/v1/keys"), (&shop.manager, "/v1/merchants"), (&shop.terminal, "/v1/persons")] {
        who.get(path).await?.refused(403, "auth.forbidden")?;
    }
    let merchant = json!({"id": "M-3", "name": "x", "policy": "lakala"});
    shop.manager.post("/v1/merchants", &merchant).await?.refused(403, "auth.forbidden")?;
    let key = json!({"label": "mine", "bearer": {"kind": "admin"}});
    shop.system.post("/v1/keys", &key).await?.refused(403, "auth.forbidden")?;
    shop.system
        .call(Method::PUT, "/v1/policies/lakala", None, "{}".to_owned())
        .await?
        .refused(403, "auth.forbidden")?;
    shop.system.post("/v1/tick", &json!({})).await?.refused(403, "auth.forbidden")?;
    shop.admin.post("/v1/tick", &json!({})).await?.is(200)?;
    // An admin sets things up and moves no money.
    let void = "/v1/transactions/S-1/voids?merchant=M-1";
    shop.admin.tell(void, &shop.void()).await?.refused(403, "auth.forbidden")?;
    ensure!((shop.look_at("S-1").await?, shop.feed().await?) == before, "something happened");
    Ok(())
}

#[tokio::test]
async fn more_than_is_left_is_refused_with_what_is_left() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    shop.sale("S-1").days_ago(2).register().await?;
    let whole = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "100.01")).await?.refused(422, "decision.deny")?;
    ensure!(whole["left"] == cny("100.00"), "{whole}");
    shop.manager.tell("/v1/refunds", &shop.refund("S-1", "60.00")).await?.is(201)?;
    let again = shop.manager.tell("/v1/refunds", &shop.refund("S-1", "60.00")).await?.refused(422, "decision.deny")?;
    ensure!(again["left"] == cny("40.00"), "{again}");
    let balance = finding(&again, "refund.balance");
    ensure!(balance["remedy"] == json!({"token": "reduce-to", "amount": cny("40.00")}), "{again}");
    for language in ["zh-CN", "en"] {
        ensure!(again["decision"]["messages"][language].as_array().is_some_and(|m| !m.is_empty()), "{again}");
    }
    Ok(())
}

#[tokio::test]
async fn an_approval_that_may_not_be_changes_nothing() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    let operator = shop.hire("operator", &["cashier", "reviewer"]).await?;
    shop.sale("S-1").of("5000.00").days_ago(2).register().await?;
    let mut ask = shop.refund("S-1", "1500.00");
    ask["operator"] = json!(shop.person("operator"));
    let made = shop.manager.tell("/v1/refunds", &ask).await?.is(201)?;
    ensure!(made["state"] == "in-review" && made["plan"]["needed"] == 2, "{made}");
    let refund = format!("/v1/refunds/{}", text(&made, "id")?);
    let approvals = format!("{refund}/approvals");
    let nothing = json!({});
    let before = shop.system.see(&refund).await?;
    let not_permitted = async |who: &rescind_tests::Client, reason: &str| {
        let problem = who.tell(&approvals, &nothing).await?.refused(403, "approval.not-permitted")?;
        ensure!(problem["reason"] == reason, "{problem}");
        Ok(())
    };
    not_permitted(&shop.manager, "requester").await?;
    not_permitted(&operator, "operator").await?;
    not_permitted(&shop.finance, "role").await?;
    let changed = shop.reviewer.tell(&approvals, &json!({"revision": 2})).await?.refused(409, "refund.changed")?;
    ensure!(changed["revision"] == 1, "{changed}");
    shop.reviewer.tell(&approvals, &json!({"digest": "0".repeat(64)})).await?.refused(409, "refund.changed")?;
    shop.reviewer.tell(&approvals, &json!({"digest": "xyz"})).await?.refused(422, "body.invalid")?;
    ensure!(shop.system.see(&refund).await? == before, "something changed");

    let seen = json!({"revision": made["revision"], "digest": made["digest"]});
    let one = shop.reviewer.tell(&approvals, &seen).await?.is(200)?;
    ensure!(one["state"] == "in-review" && one["approvals"].as_array().is_some_and(|a| a.len() == 1), "{one}");
    not_permitted(&shop.reviewer, "already-approved").await?;
    let nothing_cleared = shop.finance.tell(&format!("{refund}/clearings"), &nothing).await?;
    nothing_cleared.refused(409, "refund.wrong-state")?;
    ensure!(shop.system.see(&refund).await? == one, "something changed");

    let second = shop.hire("second", &["manager"]).await?;
    let two = second.tell(&approvals, &seen).await?.is(200)?;
    ensure!(two["state"] == "approved", "{two}");
    let third = shop.hire("third", &["reviewer"]).await?;
    third.tell(&approvals, &nothing).await?.refused(409, "refund.wrong-state")?;
    let late = json!({"reason": "too late"});
    third.tell(&format!("{refund}/declines"), &late).await?.refused(409, "refund.wrong-state")?;
    ensure!(shop.system.see(&refund).await? == two, "something changed");
    Ok(())
}

#[tokio::test]
async fn the_same_key_with_another_request_gets_422_and_another_merchants_is_unrelated() -> Result<()> {
    let world = World::under("lakala").await?;
    let (shop, key) = (&world.shop, Some("8e03978e-40d5-43e8-bc93-6894a57f9324"));
    let other = Shop::open(&world.server, "M-2", "lakala").await?;
    for sale in ["S-1", "S-2"] {
        shop.sale(sale).days_ago(2).register().await?;
        other.sale(sale).days_ago(2).register().await?;
    }
    let post = async |who: &rescind_tests::Client, path: &str, body: Value| {
        who.call(Method::POST, path, key, body.to_string()).await
    };
    let first = post(&shop.manager, "/v1/refunds", shop.refund("S-1", "60.00")).await?;
    first.is(201)?;
    for (who, path, body) in [
        (&shop.manager, "/v1/refunds", shop.refund("S-2", "60.00")),
        (&shop.manager, "/v1/refunds", shop.refund("S-1", "60.01")),
        (&shop.manager, "/v1/transactions/S-2/voids", shop.void()),
        (&shop.supervisor, "/v1/refunds", shop.refund("S-1", "60.00")),
    ] {
        post(who, path, body).await?.refused(422, "idempotency.key-reused")?;
    }
    let again = post(&shop.manager, "/v1/refunds", shop.refund("S-1", "60.00")).await?;
    ensure!((again.status, &again.text) == (first.status, &first.text), "{again}");
    ensure!(again.header("idempotency-replayed") == "true", "{:?}", again.headers);
    let unrelated = post(&other.manager, "/v1/refunds", other.refund("S-1", "60.00")).await?;
    unrelated.is(201)?;
    ensure!(unrelated.header("idempotency-replayed").is_empty(), "{unrelated}");
    ensure!(shop.look_at("S-2").await?["refunds"] == json!([]), "nothing happened to the other sale");
    Ok(())
}

#[tokio::test]
async fn every_post_that_changes_money_needs_a_key() -> Result<()> {
    let server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    for path in [
        "/v1/transactions/S-1/events",
        "/v1/transactions/S-1/voids",
        "/v1/operations/S-1~0/results",
        "/v1/operations/S-1~0/resolutions",
        "/v1/refunds",
        "/v1/refunds/R-1/approvals",
        "/v1/refunds/R-1/declines",
        "/v1/refunds/R-1/withdrawals",
        "/v1/refunds/R-1/clearings",
        "/v1/refunds/R-1/retries",
        "/v1/refunds/R-1/resolutions",
        "/v1/refunds/R-1/results",
        "/v1/refunds/R-1/inquiries",
        "/v1/refunds/R-1/information",
        "/v1/refunds/R-1/traces",
        "/v1/refunds/R-1/returns",
        "/v1/refunds/R-1/liabilities",
        "/v1/transactions/S-1/troubles",
        "/v1/transactions/S-1/reversals",
        "/v1/transactions/S-1/cases",
        "/v1/transactions/S-1/legal-orders",
        "/v1/payment-codes/S-1/scans",
        "/v1/payment-codes/S-1/cancellations",
        "/v1/holds/S-1/completions",
        "/v1/holds/S-1/releases",
        "/v1/holds/S-1/completion-voids",
        "/v1/cases/S-1~0/grants",
        "/v1/legal-orders/S-1~0/confirmations",
        "/v1/liabilities/S-1~0/ends",
        "/v1/merchants/M-1/funds",
        "/v1/confirmations",
    ] {
        shop.system.post(path, &json!({})).await?.refused(400, "idempotency.key-missing")?;
    }
    for key in ["", "webhook:src-1:m-1", &"x".repeat(256)] {
        let reply = shop.manager.tell_under(key, "/v1/refunds", &shop.refund("S-1", "1.00")).await?;
        reply.refused(400, "idempotency.key-malformed")?;
    }
    Ok(())
}
