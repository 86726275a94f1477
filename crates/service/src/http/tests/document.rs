//! The OpenAPI document is what the router answers.

use super::shop::Shop;
use crate::http::word::Vocabulary as _;
use crate::http::{openapi, routes};
use crate::terminal::notice::{CODES, Kind};
use crate::testkit::TestPorts;
use std::collections::BTreeSet;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn the_document_is_the_golden_file() {
    let text = openapi::text().unwrap();
    if std::env::var_os("RESCIND_WRITE_OPENAPI").is_some() {
        std::fs::write(GOLDEN, &text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(GOLDEN).unwrap();
    assert!(
        kept == text,
        "crates/service/openapi.json differs from the code. If the change is meant, write it anew: \
         RESCIND_WRITE_OPENAPI=1 cargo test --release -p rescind-service openapi"
    );
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let mut answered: BTreeSet<String> =
        routes::<TestPorts>().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    // The courier's.
    answered.insert("POST /v1/tick".to_owned());
    let described: BTreeSet<String> =
        openapi::routes().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(answered, described);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document: serde_json::Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    let text = document.to_string();
    let mut found = 0;
    for rest in text.split("\"$ref\":\"#").skip(1) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        found += 1;
    }
    assert!(found > 100);
}

#[test]
fn the_documentation_names_only_codes_that_there_are() {
    let page = include_str!("../../../../../docs/api.md");
    let first = |word: &str| crate::http::code::ALL.iter().any(|c| c.code.split('.').next() == Some(word));
    for quoted in page.split('`').skip(1).step_by(2) {
        let Some((head, tail)) = quoted.split_once('.') else { continue };
        let like_a_code = first(head) && tail.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if like_a_code && rescind_model::EventKind::read(quoted).is_err() {
            let kinds = [Kind::Incident.token(), Kind::Operation.token()];
            let of_notice = CODES.contains(&quoted) || kinds.contains(&quoted);
            assert!(of_notice || crate::http::code::find(quoted).is_some(), "{quoted}");
        }
    }
}

#[tokio::test]
async fn anybody_may_read_what_is_open() {
    let shop = Shop::new().await;
    assert_eq!(shop.get("", "/healthz").await.expect(200), serde_json::json!({"status": "ok"}));
    let served = shop.get("", "/openapi.json").await;
    assert_eq!(served.text, std::fs::read_to_string(GOLDEN).unwrap());
    assert_eq!(served.headers["content-type"], "application/json");
    let metrics = shop.get("", "/metrics").await;
    assert!(metrics.status.is_success() && metrics.text.contains("# "), "{}", metrics.text);
    for known in crate::http::code::ALL {
        let meaning = shop.get("", &format!("/problems/{}", known.code)).await.expect(200);
        assert_eq!(meaning["status"], known.status);
    }
    shop.get("", "/problems/nonsense").await.refused(404, "not-found");
}
