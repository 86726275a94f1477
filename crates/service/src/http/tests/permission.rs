//! Who may do what, and what others learn of it: nothing.

use super::shop::{Shop, other_version, pack, refund, sale};
use axum::body::Body;
use http::Request;
use serde_json::json;

#[tokio::test]
async fn all_that_is_not_a_valid_key_is_answered_with_the_same_bytes() {
    let shop = Shop::new().await;
    let made = shop
        .post(&shop.admin, "/v1/keys", &json!({"label": "old", "bearer": {"kind": "system", "merchant": "M-1"}}))
        .await;
    let made = made.expect(201);
    let revoked = made["token"].as_str().unwrap().to_owned();
    shop.get(&revoked, "/v1/refunds").await.expect(200);
    let id = made["id"].as_str().unwrap();
    shop.call(&shop.admin, "DELETE", &format!("/v1/keys/{id}"), None, "").await.expect(200);

    let (short, _) = shop.system.split_at(20);
    let tampered = format!("{}z", shop.system.strip_suffix(|_: char| true).unwrap());
    let unknown = format!("rsk_{}_{}", "0".repeat(16), "0".repeat(64));
    let mut replies = Vec::new();
    for key in ["", "nonsense", &revoked, &tampered, &unknown, short] {
        replies.push(shop.get(key, "/v1/refunds").await);
        replies.push(shop.get(key, "/v1/transactions/S-1?nonsense=1").await);
        replies.push(shop.call(key, "POST", "/v1/refunds", None, "{").await);
        replies.push(shop.call(key, "POST", "/v1/keys", None, "{}").await);
    }
    let basic = Request::get("/v1/refunds").header("authorization", "Basic YTpi").body(Body::empty()).unwrap();
    replies.push(shop.send(basic).await);
    let twice = Request::get("/v1/refunds")
        .header("authorization", format!("Bearer {}", shop.system))
        .header("authorization", format!("Bearer {}", shop.admin))
        .body(Body::empty())
        .unwrap();
    replies.push(shop.send(twice).await);
    let unsigned = Request::post("/v1/webhooks/reviews?source=src-1").body(Body::from("{}")).unwrap();
    replies.push(shop.send(unsigned).await);

    for reply in &replies {
        assert_eq!(reply, &replies[0]);
    }
    replies[0].refused(401, "auth.required");
    assert_eq!(replies[0].headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn what_is_somebody_elses_looks_as_if_it_were_not_there() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "150.00")).await;
    made.refused(422, "decision.deny");
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let id = made["id"].as_str().unwrap();

    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    for (theirs, nowhere) in [
        (format!("/v1/transactions/{}", "S-1"), "/v1/transactions/S-9".to_owned()),
        (format!("/v1/transactions/{}/ways-back", "S-1"), "/v1/transactions/S-9/ways-back".to_owned()),
        (format!("/v1/refunds/{id}"), "/v1/refunds/S-9~1234".to_owned()),
        (format!("/v1/refunds/{id}/slip"), "/v1/refunds/R-9/slip".to_owned()),
        ("/v1/transactions/S-1?merchant=M-1".to_owned(), "/v1/transactions/S-1?merchant=M-9".to_owned()),
        ("/v1/refunds?merchant=M-1".to_owned(), "/v1/refunds?merchant=M-9".to_owned()),
    ] {
        let reply = shop.get(&stranger, &theirs).await;
        reply.refused(404, "not-found");
        assert_eq!(reply, shop.get(&stranger, &nowhere).await, "{theirs}");
    }
    for path in [format!("/v1/refunds/{id}/clearings"), format!("/v1/refunds/{id}/withdrawals")] {
        let reply = shop.tell(&stranger, &path, &json!({"reason": "mine"})).await;
        assert!(reply.status.is_client_error(), "{}", reply.text);
    }
    let seen = shop.get(&stranger, "/v1/transactions?order_number=ORDER-S-1").await.expect(200);
    assert_eq!(seen, json!({"items": []}));
    assert_eq!(shop.get(&stranger, "/v1/events").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_role_is_told_so() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let made = shop.tell(&shop.supervisor, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    let approvals = format!("/v1/refunds/{}/approvals", made["id"].as_str().unwrap());
    shop.tell(&shop.system, &approvals, &json!({})).await.refused(403, "auth.forbidden");
    shop.tell(&shop.terminal, &approvals, &json!({})).await.refused(403, "auth.forbidden");
    shop.post(&shop.manager, "/v1/merchants", &json!({"id": "M-3", "name": "x", "policy": "lakala"}))
        .await
        .refused(403, "auth.forbidden");
    shop.get(&shop.system, "/v1/keys").await.refused(403, "auth.forbidden");
    shop.call(&shop.system, "PUT", "/v1/policies/lakala", None, "{}").await.refused(403, "auth.forbidden");
    // An admin sets things up and moves no money.
    shop.tell(&shop.admin, "/v1/transactions/S-1/voids?merchant=M-1", &json!({"reason": "duplicate"}))
        .await
        .refused(403, "auth.forbidden");
    shop.get(&shop.admin, "/v1/transactions/S-1").await.refused(400, "parameter.malformed");
    shop.get(&shop.admin, "/v1/transactions/S-1?merchant=M-1").await.expect(200);
}

#[tokio::test]
async fn keys_and_secrets_are_shown_once() {
    let shop = Shop::new().await;
    let ask = json!({"url": "https://example.com/hook", "locale": "en"});
    let made = shop.post(&shop.system, "/v1/webhook-endpoints", &ask).await.expect(201);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let listed = shop.get(&shop.system, "/v1/webhook-endpoints").await;
    assert!(!listed.text.contains("whsec_") && listed.text.contains(made["id"].as_str().unwrap()));
    let path = format!("/v1/webhook-endpoints/{}", made["id"].as_str().unwrap());
    assert_eq!(shop.call(&shop.system, "DELETE", &path, None, "").await.status, 204);
    shop.call(&shop.system, "DELETE", &path, None, "").await.refused(404, "not-found");

    let ask = json!({"label": "desk", "principals": {"kim": "M-1.reviewer"}});
    // A desk speaks for persons: who asks for refunds must not let one in.
    for key in [&shop.system, &shop.manager] {
        shop.post(key, "/v1/review-sources", &ask).await.refused(403, "auth.forbidden");
    }
    let made = shop.post(&shop.admin, "/v1/review-sources?merchant=M-1", &ask).await.expect(201);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(!shop.get(&shop.system, "/v1/review-sources").await.text.contains("whsec_"));
    let keys = shop.get(&shop.admin, "/v1/keys?limit=100").await;
    assert!(!keys.text.contains("rsk_"));
}

#[tokio::test]
async fn the_directory_is_set_up_over_the_api() {
    let shop = Shop::new().await;
    let put = shop
        .call(
            &shop.admin,
            "PUT",
            "/v1/policies/unionpay?activate=now",
            None,
            &String::from_utf8(pack("unionpay")).unwrap(),
        )
        .await;
    let put = put.expect(200);
    assert_eq!(put["name"], "unionpay");
    let policies = shop.get(&shop.admin, "/v1/policies").await.expect(200);
    let put = json!({"name": put["name"], "version": put["version"], "hash": put["hash"]});
    assert!(policies["items"].as_array().unwrap().contains(&put), "{policies}");
    let merchant = json!({"id": "M-7", "name": "茶馆", "policy": "unionpay", "utc_offset_minutes": 480});
    assert_eq!(shop.post(&shop.admin, "/v1/merchants", &merchant).await.expect(201), merchant);
    assert_eq!(shop.post(&shop.admin, "/v1/merchants", &merchant).await.expect(201), merchant);
    let other = json!({"id": "M-7", "name": "别人", "policy": "unionpay"});
    shop.post(&shop.admin, "/v1/merchants", &other).await.refused(409, "name.taken");
    let terminal = json!({"merchant": "M-7", "id": "T1", "label": "counter"});
    assert_eq!(shop.post(&shop.admin, "/v1/terminals", &terminal).await.expect(201), terminal);
    assert_eq!(shop.get(&shop.admin, "/v1/terminals?merchant=M-7").await.expect(200)["items"], json!([terminal]));
    let changed = json!({"label": "door", "class": "unattended"});
    let path = "/v1/terminals/T1?merchant=M-7";
    let shown = shop.call(&shop.admin, "PUT", path, None, &changed.to_string()).await.expect(200);
    assert_eq!(shown, json!({"merchant": "M-7", "id": "T1", "label": "door", "class": "unattended"}));
    assert_eq!(shop.get(&shop.admin, "/v1/terminals?merchant=M-7").await.expect(200)["items"], json!([shown]));
    shop.call(&shop.admin, "PUT", "/v1/terminals/T8?merchant=M-7", None, &changed.to_string())
        .await
        .refused(404, "not-found");
    let settings = json!({"policy": "lakala", "policies_by_class": {"unattended": "unionpay"}, "record_checks": false});
    let shown =
        shop.call(&shop.admin, "PUT", "/v1/merchants/M-7/settings", None, &settings.to_string()).await.expect(200);
    assert_eq!((&shown["policy"], &shown["policies_by_class"]["unattended"]), (&json!("lakala"), &json!("unionpay")));
    assert_eq!(shown["record_checks"], false);
    for (settings, field) in [
        (json!({"policy": "nonsense"}), "/policy"),
        (json!({"policy": "lakala", "policies_by_class": {"x": "nonsense"}}), "/policies_by_class"),
        (json!({"policy": "lakala", "policies_by_class": {"two words": "lakala"}}), "/policies_by_class"),
    ] {
        let refused = shop.call(&shop.admin, "PUT", "/v1/merchants/M-7/settings", None, &settings.to_string()).await;
        assert_eq!(refused.at(), (422, "body.invalid".to_owned(), field.to_owned()));
    }
    let person = json!({"id": "li", "name": "李", "grants": [{"merchant": "M-7", "roles": ["cashier"]}]});
    assert_eq!(shop.post(&shop.admin, "/v1/persons", &person).await.expect(201), person);
    let grants = json!({"grants": [{"merchant": "M-7", "roles": ["manager", "reviewer"]}]});
    let changed = shop.call(&shop.admin, "PUT", "/v1/persons/li/grants", None, &grants.to_string()).await.expect(200);
    assert_eq!(changed["grants"], grants["grants"]);
    let key = json!({"label": "li", "bearer": {"kind": "person", "person": "li"}});
    let token = shop.post(&shop.admin, "/v1/keys", &key).await.expect(201)["token"].as_str().unwrap().to_owned();
    shop.get(&token, "/v1/refunds").await.expect(200);
    let registered = shop.post(&token, "/v1/transactions", &sale("S-1", "2026-11-23T11:50:00+08:00")).await.expect(201);
    assert_eq!(registered["merchant"], "M-7");
    let page = shop.get(&shop.admin, "/v1/merchants?limit=1").await.expect(200);
    let rest =
        shop.get(&shop.admin, &format!("/v1/merchants?after={}", page["next"].as_str().unwrap())).await.expect(200);
    assert_eq!((page["items"][0]["id"].as_str(), rest["items"][0]["id"].as_str()), (Some("M-1"), Some("M-7")));
}

#[tokio::test]
async fn the_last_admin_key_stays_however_many_are_revoked_at_once() {
    use crate::ports::Ports as _;
    use crate::testkit::{Plan, Trouble};
    for seed in 0..20 {
        let shop = Shop::new().await;
        let keys = shop.get(&shop.admin, "/v1/keys?limit=100").await.expect(200);
        let first = keys["items"].as_array().unwrap().iter().find(|k| k["bearer"]["kind"] == "admin").unwrap();
        let first = format!("/v1/keys/{}", first["id"].as_str().unwrap());
        shop.call(&shop.admin, "DELETE", &first, None, "").await.refused(409, "key.last-admin");
        let ask = json!({"label": "second", "bearer": {"kind": "admin"}});
        let made = shop.post(&shop.admin, "/v1/keys", &ask).await.expect(201);
        let (second, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
        let second = format!("/v1/keys/{second}");
        // Each revokes the other's, at once.
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two) = tokio::join!(
            shop.call(&shop.admin, "DELETE", &second, None, ""),
            shop.call(token, "DELETE", &first, None, ""),
        );
        kv.calm();
        let gone = [&one, &two].iter().filter(|reply| reply.status == 200).count();
        assert_eq!(gone, 1, "seed {seed}: {} {}", one.text, two.text);
        let left = if one.status == 200 { &shop.admin } else { token };
        shop.get(left, "/v1/keys").await.expect(200);
    }
}

#[tokio::test]
async fn a_role_that_nobody_knows_is_refused_with_those_that_are_known() {
    let shop = Shop::new().await;
    let person = |role: &str| json!({"id": "p-1", "name": "P", "grants": [{"merchant": "M-1", "roles": [role]}]});
    let refused = shop.post(&shop.admin, "/v1/persons", &person("manger")).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/grants".to_owned()));
    assert!(refused.text.contains("auditor, cashier, compliance, finance, manager"), "{}", refused.text);
    shop.post(&shop.admin, "/v1/persons", &person("auditor")).await.expect(201);
    // A role of the merchant's policy, and of no other's.
    let text = include_str!("../../../../../policies/lakala.toml")
        .replace("roles = [\"reviewer\", \"manager\"]", "roles = [\"reviewer\", \"manager\", \"regional-head\"]");
    let policy = rescind_policy::compile(&other_version(&text), "lakala.toml").unwrap();
    shop.world.app.put_policy("lakala", policy.canonical()).await.unwrap();
    shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let grants = |merchant: &str| json!({"grants": [{"merchant": merchant, "roles": ["regional-head"]}]}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/persons/p-1/grants", None, &grants("M-1")).await.expect(200);
    shop.call(&shop.admin, "PUT", "/v1/persons/p-1/grants", None, &grants("M-2")).await.refused(422, "body.invalid");
}
