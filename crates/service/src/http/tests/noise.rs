//! Noise in, problems out: nothing a caller sends makes a handler fail.

use super::shop::Shop;
use crate::http::routes;
use crate::testkit::TestPorts;
use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON of any shape, leaning towards what the API knows.
fn some_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("amount".to_owned()),
        Just("currency".to_owned()),
        Just("CNY".to_owned()),
        Just("60.00".to_owned()),
        Just("id".to_owned()),
        Just("sale".to_owned()),
        Just("reason".to_owned()),
        Just("outcome".to_owned()),
        Just("done".to_owned()),
        Just("S-1".to_owned()),
        Just("slip".to_owned()),
        Just("paid_at".to_owned()),
        Just("2026-11-22T12:00:00+08:00".to_owned()),
        Just("bearer".to_owned()),
        Just("kind".to_owned()),
        ".{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..6).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

fn on_every_route(body: &[u8], segment: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let shop = Shop::new().await;
        for (method, path) in routes::<TestPorts>() {
            for key in [&shop.admin, &shop.manager, &shop.system] {
                let path = path
                    .replace("{id}", segment)
                    .replace("{n}", segment)
                    .replace("{name}", segment)
                    .replace("{code}", segment);
                let Ok(request) = Request::builder()
                    .method(&method)
                    .uri(format!("{path}?merchant=M-1"))
                    .header("authorization", format!("Bearer {key}"))
                    .header("idempotency-key", "k")
                    .body(Body::from(body.to_vec()))
                else {
                    continue;
                };
                let reply = shop.send(request).await;
                assert!(reply.status.as_u16() < 500, "{method} {path}: {} {}", reply.status, reply.text);
                if !reply.status.is_success() {
                    reply.code();
                }
                if method == "POST" || method == "PUT" {
                    let open = path.contains("/close") || path.contains("/problems/");
                    assert!(open || reply.status.is_client_error(), "{method} {path}: {} {}", reply.status, reply.text);
                }
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused(body in prop::collection::vec(any::<u8>(), 1..200), segment in "[%a-zA-Z0-9~._-]{1,20}") {
        on_every_route(&body, &segment);
    }

    #[test]
    fn arbitrary_json_never_fails_on_our_side(body in some_json()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::new().await;
            shop.sale_of_today("S-1").await;
            for (method, path) in routes::<TestPorts>() {
                let path = path.replace("{id}", "S-1").replace("{n}", "1").replace("{name}", "lakala").replace("{code}", "internal");
                let reply = shop.call(&shop.manager, method.as_str(), &path, Some("k"), &body.to_string()).await;
                assert!(reply.status.as_u16() < 500, "{method} {path} {body}: {:?}", shop.world.app.ports.logged());
            }
        });
    }

    #[test]
    fn arbitrary_queries_never_fail_on_our_side(query in "[ -~]{0,60}", after in "[0-9a-f:.-]{0,30}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::new().await;
            for path in ["/v1/refunds", "/v1/transactions", "/v1/events", "/v1/transactions/S-1/ways-back"] {
                for query in [query.clone(), format!("after={after}"), format!("order_number={query}")] {
                    let request = Request::get(format!("{path}?{query}"));
                    let request = request.header("authorization", format!("Bearer {}", shop.manager)).body(Body::empty());
                    let Ok(request) = request else { continue };
                    let reply = shop.send(request).await;
                    assert!(reply.status.as_u16() < 500, "{path}?{query}: {}", reply.text);
                }
            }
        });
    }
}

#[tokio::test]
async fn deep_nesting_is_not_followed() {
    let shop = Shop::new().await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    shop.call(&shop.system, "POST", "/v1/transactions", None, &deep).await.refused(422, "body.invalid");
    let deep = json!({"id": "S-1"}).to_string().replace("\"S-1\"", &deep);
    let reply = shop.call(&shop.system, "POST", "/v1/transactions", None, &deep).await;
    assert!(reply.status.is_client_error(), "{}", reply.text);
}
