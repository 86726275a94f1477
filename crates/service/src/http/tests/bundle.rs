//! Bundles: what is taken, what terminals get, and what is left of an upload that broke off.

use super::race::begun;
use super::shop::{Shop, pack};
use crate::http::routes;
use crate::limits::{BUNDLE_BYTES, BUNDLE_PART_BYTES};
use crate::ports::{Kv as _, Ports as _};
use crate::principal::Bearer;
use crate::testkit::{Fault, Plan, TestPorts, Trouble};
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use rescind_bundle::{
    ClassPolicy, Content, Ed25519, Engine, PublicKey, Signer as _, SigningKey, Times, Trust, engines, verify,
};
use rescind_model::{Digest, Duration};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The world's noon, in ms since the Unix epoch.
const NOON: i64 = 1_795_406_400_000;
const DAY: i64 = 86_400_000;
const COSE: &str = "application/cose";

pub fn key(n: u8) -> SigningKey {
    SigningKey::from_seed([n; 32])
}

fn public(n: u8) -> PublicKey {
    key(n).public().clone()
}

/// The set that terminals of the line `lakala` are provisioned with.
pub fn trust() -> Trust {
    Trust::first("lakala", public(1))
}

fn engine(target: &str) -> Engine {
    let known = engines::ENGINES.iter().find(|known| known.target == target).unwrap();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    let profile: Vec<u8> = known.profile.as_bytes().chunks(2).map(byte).collect();
    Engine { target: target.to_owned(), wasmtime: known.wasmtime.to_owned(), profile: profile.try_into().unwrap() }
}

/// A bundle of the line `lakala` for Pulley, with so many bytes of code.
pub fn content(version: u64, code: usize) -> Content {
    let Engine { target, wasmtime, profile } = engine("pulley64");
    Content {
        name: "lakala".into(),
        version,
        target,
        wasmtime,
        profile,
        component: [4; 32],
        code: (0..code).map(|n| u8::try_from((n / 3) % 256).unwrap()).collect(),
        policies: vec![ClassPolicy { class: None, canonical: pack("lakala") }],
        proof_keys: vec![],
        times: Times { not_before: NOON - DAY, expires: NOON + 30 * DAY, made_at: NOON - DAY, server_time: NOON - DAY },
    }
}

/// It, signed by key 1.
pub fn bundle(version: u64, code: usize) -> Vec<u8> {
    content(version, code).sign(&[], &key(1)).unwrap()
}

async fn shop() -> Shop {
    shop_on(Fault::None).await
}

async fn shop_on(fault: Fault) -> Shop {
    let shop = Shop::on(fault, "lakala").await;
    shop.world.app.ports.trust_bundles(&serde_json::to_string(&trust()).unwrap());
    shop
}

type Fetched = (StatusCode, HeaderMap, Vec<u8>);

impl Shop {
    async fn publish(&self, bytes: &[u8]) -> super::shop::Reply {
        self.publish_as(&self.admin, "/v1/bundles/lakala", COSE, bytes).await
    }

    async fn publish_as(&self, key: &str, path: &str, media: &str, bytes: &[u8]) -> super::shop::Reply {
        let request = Request::put(path).header("authorization", format!("Bearer {key}")).header("content-type", media);
        self.send(request.body(Body::from(bytes.to_vec())).unwrap()).await
    }

    async fn fetch_as(&self, key: &str, query: &str, has: Option<&str>) -> Fetched {
        let request = Request::get(format!("/v1/terminal/bundle?{query}"));
        let mut request = request.header("authorization", format!("Bearer {key}"));
        if let Some(tag) = has {
            request = request.header("if-none-match", tag);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// What the terminal gets; it takes nothing that it could not check.
    async fn fetched(&self) -> Option<Vec<u8>> {
        let (status, headers, bytes) = self.fetch_as(&self.terminal, "target=pulley64", None).await;
        if status == 404 {
            return None;
        }
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(headers["etag"], format!("\"{}\"", Digest::of(&bytes)));
        Some(bytes)
    }

    async fn refused_for(&self, key: &str, query: &str) -> (u16, String, String) {
        let (status, _, bytes) = self.fetch_as(key, query, None).await;
        let problem: Value = serde_json::from_slice(&bytes).unwrap();
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        (status.as_u16(), text("code"), text("detail"))
    }

    fn parts_left(&self) -> usize {
        self.stored().iter().filter(|key| key.starts_with("bundle-part:")).count()
    }
}

#[tokio::test]
async fn what_is_published_is_what_the_terminal_gets() {
    let shop = shop().await;
    assert_eq!(shop.fetched().await, None);
    // More than 4 MB, which is more than anything else that is taken.
    let bytes = bundle(1, 4 * 1024 * 1024);
    assert!(bytes.len() > 4_000_000 && bytes.len() < BUNDLE_BYTES);
    let published = shop.publish(&bytes).await.expect(201);
    assert_eq!(published["sha256"], Digest::of(&bytes).hex);
    assert_eq!(
        (&published["version"], &published["target"], &published["engine"]),
        (&json!(1), &json!("pulley64"), &json!("48"))
    );
    assert_eq!(
        published["policies"],
        json!([{"name": "lakala", "version": super::shop::version_of(&pack("lakala")), "hash": Digest::of(&pack("lakala")).hex}])
    );
    assert_eq!((&published["signed_by"], &published["key_set"]), (&json!(public(1).id().to_string()), &json!(1)));
    assert_eq!(published["expires"], "2026-12-23T04:00:00Z");
    assert!(shop.world.app.ports.kv().largest() <= BUNDLE_PART_BYTES);

    // The same again is harmless, also as plain bytes.
    assert_eq!(shop.publish(&bytes).await.expect(200), published);
    let again = shop.publish_as(&shop.admin, "/v1/bundles/lakala", "application/octet-stream", &bytes).await;
    assert_eq!(again.expect(200), published);
    assert_eq!(shop.parts_left(), bytes.len().div_ceil(BUNDLE_PART_BYTES));

    let (status, headers, got) = shop.fetch_as(&shop.terminal, "target=pulley64", None).await;
    assert_eq!((status, headers["content-type"].as_bytes()), (StatusCode::OK, COSE.as_bytes()));
    assert!(got == bytes);
    let seen = verify(got, &trust(), NOON, None, &engine("pulley64"), &Ed25519).unwrap();
    assert_eq!(seen.version(), 1);

    let tag = format!("\"{}\"", Digest::of(&bytes));
    for has in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let (status, headers, body) = shop.fetch_as(&shop.terminal, "target=pulley64", Some(&has)).await;
        assert_eq!(
            (status, headers["etag"].to_str().unwrap(), body.len()),
            (StatusCode::NOT_MODIFIED, tag.as_str(), 0),
            "{has}"
        );
    }
    for has in ["\"other\"", "", &tag.to_uppercase()] {
        assert_eq!(shop.fetch_as(&shop.terminal, "target=pulley64", Some(has)).await.0, 200, "{has}");
    }

    let line = shop.get(&shop.admin, "/v1/bundles/lakala").await.expect(200);
    assert_eq!(
        line,
        json!({"name": "lakala", "key_set": 1, "keys": [public(1).id().to_string()], "bundles": [published]})
    );
    assert_eq!(shop.get(&shop.admin, "/v1/bundles").await.expect(200), json!({"items": [line]}));
    shop.get(&shop.admin, "/v1/bundles/unionpay").await.refused(404, "not-found");
}

#[tokio::test]
async fn only_admins_publish_and_only_a_terminal_fetches_its_own() {
    let shop = shop().await;
    shop.publish(&bundle(1, 100)).await.expect(201);
    for key in [&shop.terminal, &shop.system, &shop.manager, &shop.finance] {
        shop.publish_as(key, "/v1/bundles/lakala", COSE, &bundle(2, 100)).await.refused(403, "auth.forbidden");
        shop.get(key, "/v1/bundles").await.refused(403, "auth.forbidden");
        shop.get(key, "/v1/bundles/lakala").await.refused(403, "auth.forbidden");
    }
    for key in [&shop.admin, &shop.system, &shop.manager, &shop.finance] {
        shop.get(key, "/v1/terminal/bundle?target=pulley64").await.refused(403, "auth.forbidden");
    }
    for (method, path) in routes::<TestPorts>().into_iter().filter(|(_, path)| path.contains("bundle")) {
        let reply = shop.call("", method.as_str(), &path.replace("{name}", "lakala"), None, "").await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, "auth.required"), "{method} {path}");
        assert!(method == Method::GET || method == Method::PUT);
    }
    // Another merchant's terminal decides by another policy: this one is none of its business.
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.terminal_key(&other).await.unwrap();
    let (status, code, _) = shop.refused_for(&stranger, "target=pulley64").await;
    assert_eq!((status, code.as_str()), (404, "bundle.none"));
    let (status, code, detail) = shop.refused_for(&stranger, "target=pulley64&name=lakala").await;
    assert_eq!((status, code.as_str()), (404, "bundle.none"), "{detail}");

    for (query, code) in [
        ("", "parameter.malformed"),
        ("target=pulley64&class=x", "parameter.malformed"),
        ("target=pulley64&profile=x", "parameter.invalid"),
    ] {
        let path = format!("/v1/terminal/bundle?{query}");
        assert_eq!(shop.get(&shop.terminal, &path).await.code(), code, "{query}");
    }
}

#[tokio::test]
async fn what_terminals_would_refuse_or_the_server_could_not_decide_again_is_not_taken() {
    let shop = shop().await;
    let good = bundle(5, 100);
    shop.publish(&good).await.expect(201);
    let changed = |change: fn(&mut Content)| {
        let mut content = content(6, 100);
        change(&mut content);
        content.sign(&[], &key(1)).unwrap()
    };
    let altered = |at: usize| {
        let mut bytes = bundle(6, 100);
        let at = if at == 0 { bytes.len() - 1 } else { at };
        bytes[at] ^= 1;
        bytes
    };
    let (_, gap) = Trust { number: 2, ..trust() }.change(vec![public(3)], &key(1)).unwrap();
    let cases: Vec<(&str, u16, Vec<u8>)> = vec![
        ("bundle.unknown-key", 422, content(6, 100).sign(&[], &key(9)).unwrap()),
        ("bundle.keys", 422, content(6, 100).sign(&[gap], &key(3)).unwrap()),
        ("bundle.signature", 422, altered(0)),
        ("bundle.signature", 422, altered(300)),
        ("bundle.malformed", 422, altered(1)),
        ("bundle.malformed", 422, b"{}".to_vec()),
        ("bundle.truncated", 422, good[..good.len() - 1].to_vec()),
        ("bundle.truncated", 422, vec![]),
        ("bundle.malformed", 422, [good.clone(), vec![0]].concat()),
        ("bundle.name", 422, changed(|content| content.name = "unionpay".into())),
        ("bundle.not-yet", 422, changed(|content| content.times.not_before = NOON + 1)),
        ("bundle.expired", 422, changed(|content| content.times.expires = NOON)),
        ("bundle.engine-unknown", 422, changed(|content| content.wasmtime = "1".into())),
        ("bundle.engine-unknown", 422, changed(|content| content.profile = [9; 32])),
        ("bundle.engine-unknown", 422, changed(|content| content.target = "pulley65".into())),
        ("bundle.policy", 422, changed(|content| content.policies[0].canonical = b"{}".to_vec())),
        ("bundle.policy", 422, changed(|content| content.policies[0].canonical = pack("unionpay"))),
        ("bundle.version-taken", 409, bundle(5, 101)),
        ("bundle.rollback", 409, bundle(4, 100)),
        ("body.too-large", 413, vec![0; BUNDLE_BYTES + 1]),
    ];
    let before = shop.stored();
    for (code, status, bytes) in cases {
        let reply = shop.publish(&bytes).await;
        assert_eq!((reply.code().as_str(), reply.status.as_u16()), (code, status), "{}", reply.text);
    }
    let json = shop.publish_as(&shop.admin, "/v1/bundles/lakala", "application/json", &good).await;
    json.refused(415, "bundle.media-unknown");
    shop.publish_as(&shop.admin, "/v1/bundles/unionpay", COSE, &good).await.refused(409, "bundle.no-keys");
    assert_eq!(shop.stored(), before, "nothing was written");
    assert_eq!(shop.fetched().await, Some(good));
}

#[tokio::test]
async fn a_deployment_that_was_told_of_no_keys_takes_no_bundle() {
    let shop = Shop::new().await;
    shop.publish(&bundle(1, 100)).await.refused(409, "bundle.no-keys");
    let sets = |sets: &[Trust]| serde_json::to_string(sets).unwrap();
    for nonsense in ["", "{}", "ed25519:00", &sets(&[trust(), trust()]), &sets(&[Trust { keys: vec![], ..trust() }])] {
        shop.world.app.ports.trust_bundles(nonsense);
        shop.publish(&bundle(1, 100)).await.refused(409, "bundle.no-keys");
        let logged = shop.world.app.ports.logged();
        assert!(logged.last().unwrap().starts_with("the variable bundle_keys cannot be read"), "{logged:?}");
    }
    let other = Trust { name: "unionpay".into(), ..trust() };
    shop.world.app.ports.trust_bundles(&sets(&[other, trust()]));
    shop.publish(&bundle(1, 100)).await.expect(201);
}

#[tokio::test]
async fn a_terminal_gets_the_bundle_of_its_class_and_only_with_the_policy_that_decides_here() {
    let shop = shop().await;
    let set = |name: &str| Trust { name: name.into(), ..trust() };
    let sets = serde_json::to_string(&[set("lakala"), set("unionpay")]).unwrap();
    shop.world.app.ports.trust_bundles(&sets);
    shop.world.app.put_policy("unionpay", &pack("unionpay")).await.unwrap();
    let classes = json!({"policy": "lakala", "policies_by_class": {"kiosk": "unionpay"}}).to_string();
    shop.call(&shop.admin, "PUT", "/v1/merchants/M-1/settings", None, &classes).await.expect(200);
    let kiosk = json!({"merchant": "M-1", "id": "K1", "label": "door", "class": "kiosk"});
    shop.post(&shop.admin, "/v1/terminals", &kiosk).await.expect(201);
    let terminal = rescind_model::TerminalId::parse("K1").unwrap();
    let bearer = Bearer::Terminal { merchant: shop.merchant.clone(), terminal };
    let kiosk = shop.world.app.make_key(bearer, "kiosk".to_owned()).await.unwrap().1;
    let get = async |key: &str, query: &str| shop.fetch_as(key, query, None).await.2;

    // One for all classes, in which a kiosk would decide by lakala.
    let plain = bundle(1, 100);
    shop.publish(&plain).await.expect(201);
    assert_eq!(get(&shop.terminal, "target=pulley64").await, plain);
    let (status, code, detail) = shop.refused_for(&kiosk, "target=pulley64").await;
    assert_eq!((status, code.as_str()), (404, "bundle.none"));
    assert!(detail.contains("would decide by lakala, and unionpay decides here"), "{detail}");

    // One with a policy for kiosks.
    let mut both = content(2, 100);
    both.policies.push(ClassPolicy { class: Some("kiosk".into()), canonical: pack("unionpay") });
    let both = both.sign(&[], &key(1)).unwrap();
    let shown = shop.publish(&both).await.expect(201);
    assert_eq!(shown["policies"][1]["class"], "kiosk");
    assert_eq!(get(&shop.terminal, "target=pulley64").await, both);
    assert_eq!(get(&kiosk, "target=pulley64").await, both);

    // A line for kiosks goes first, unless the terminal names the one it was provisioned for.
    let mut own = content(1, 200);
    (own.name, own.policies[0].canonical) = ("unionpay".into(), pack("unionpay"));
    let own = own.sign(&[], &key(1)).unwrap();
    shop.publish_as(&shop.admin, "/v1/bundles/unionpay", COSE, &own).await.expect(201);
    assert_eq!(get(&kiosk, "target=pulley64").await, own);
    assert_eq!(get(&kiosk, "target=pulley64&name=lakala").await, both);
    assert_eq!(get(&shop.terminal, "target=pulley64").await, both);
    assert_eq!(shop.refused_for(&shop.terminal, "target=pulley64&name=unionpay").await.1, "bundle.none");

    let names = shop.get(&shop.admin, "/v1/bundles").await.expect(200);
    let names: Vec<&str> =
        names["items"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["lakala", "unionpay"]);
    let first = shop.get(&shop.admin, "/v1/bundles?limit=1").await.expect(200);
    let rest = format!("/v1/bundles?after={}", first["next"].as_str().unwrap());
    assert_eq!(shop.get(&shop.admin, &rest).await.expect(200)["items"][0]["name"], "unionpay");
}

#[tokio::test]
async fn each_engine_has_its_own_bundle_and_one_that_expired_is_not_given_out() {
    let shop = shop().await;
    let arm = |version: u64| {
        let Engine { target, wasmtime, profile } = engine("aarch64-unknown-linux-gnu");
        Content { target, wasmtime, profile, ..content(version, 100) }.sign(&[], &key(1)).unwrap()
    };
    let pulley = bundle(7, 100);
    shop.publish(&pulley).await.expect(201);
    shop.publish(&arm(3)).await.expect(201);
    shop.publish(&arm(4)).await.expect(201);
    assert_eq!(shop.fetched().await, Some(pulley));
    let get = async |query: &str| shop.fetch_as(&shop.terminal, query, None).await;
    assert_eq!(get("target=aarch64-unknown-linux-gnu").await.2, arm(4));
    let profile = Digest { hex: engines::ENGINES.iter().find(|e| e.target == "pulley64").unwrap().profile.to_owned() };
    assert_eq!(get(&format!("target=pulley64&engine=48&profile={profile}")).await.0, 200);
    for query in [
        "target=pulley32".to_owned(),
        "target=pulley64&engine=47".to_owned(),
        format!("target=pulley64&profile={}", Digest::of(b"other")),
    ] {
        assert_eq!(shop.refused_for(&shop.terminal, &query).await.1, "bundle.none", "{query}");
    }
    let line = shop.get(&shop.admin, "/v1/bundles/lakala").await.expect(200);
    assert_eq!(line["bundles"].as_array().unwrap().len(), 2);

    shop.world.app.ports.pass(Duration { ms: u64::try_from(30 * DAY).unwrap() });
    let (status, code, detail) = shop.refused_for(&shop.terminal, "target=pulley64").await;
    assert_eq!((status, code.as_str()), (404, "bundle.none"));
    assert!(detail.contains("expired at 2026-12-23T04:00:00Z"), "{detail}");
}

#[tokio::test]
async fn keys_change_and_the_server_goes_along_while_terminals_sleep() {
    let shop = shop().await;
    let (second, to_second) = trust().change(vec![public(1), public(2)], &key(1)).unwrap();
    let (third, to_third) = second.change(vec![public(2)], &key(2)).unwrap();
    let (fourth, to_fourth) = third.change(vec![public(3)], &key(2)).unwrap();
    let changes = [to_second, to_third, to_fourth];
    let signed = |version: u64, changes: &[Vec<u8>], by: u8| content(version, 100).sign(changes, &key(by)).unwrap();
    let shown = |number: u64, by: u8| (json!(number), json!(public(by).id().to_string()));
    let of = |reply: Value| (reply["key_set"].clone(), reply["signed_by"].clone());

    assert_eq!(of(shop.publish(&signed(1, &[], 1)).await.expect(201)), shown(1, 1));
    // While set 2 holds, both keys sign.
    assert_eq!(of(shop.publish(&signed(2, &changes[..1], 2)).await.expect(201)), shown(2, 2));
    assert_eq!(of(shop.publish(&signed(3, &changes[..1], 1)).await.expect(201)), shown(2, 1));
    // A bundle that does not carry what is known would leave terminals that saw it behind.
    shop.publish(&signed(4, &[], 1)).await.refused(422, "bundle.keys");
    assert_eq!(of(shop.publish(&signed(4, &changes, 3)).await.expect(201)), shown(4, 3));

    // Retired keys sign nothing here any more: not with the chain, not without, not with one of their own.
    let (_, fork) = trust().change(vec![public(66)], &key(1)).unwrap();
    for (bytes, code) in [
        (signed(5, &changes, 1), "bundle.retired-key"),
        (signed(5, &changes[..1], 1), "bundle.retired-key"),
        (signed(5, &[], 1), "bundle.retired-key"),
        (signed(5, &changes[..2], 2), "bundle.retired-key"),
        (signed(5, &[fork], 66), "bundle.keys"),
    ] {
        shop.publish(&bytes).await.refused(422, code);
    }
    // Nor does one that only terminals which never slept could follow.
    shop.publish(&signed(5, &changes[1..], 3)).await.refused(422, "bundle.keys");

    // Every terminal gets the same bytes, and finds its way from whatever set it knows.
    let got = shop.fetched().await.unwrap();
    for known in [&trust(), &second, &third, &fourth] {
        let seen = verify(got.clone(), known, NOON, None, &engine("pulley64"), &Ed25519).unwrap();
        assert_eq!((seen.version(), seen.trust()), (4, &fourth), "knows set {}", known.number);
    }
    let line = shop.get(&shop.admin, "/v1/bundles/lakala").await.expect(200);
    assert_eq!(line["keys"], json!([public(3).id().to_string()]));
    assert_eq!(line["retired_keys"], json!([public(1).id().to_string(), public(2).id().to_string()]));

    // The deployment is told of a later set, from which terminals now begin: what was retired after it stays retired.
    shop.world.app.ports.trust_bundles(&serde_json::to_string(&third).unwrap());
    shop.publish(&signed(5, &[], 2)).await.refused(422, "bundle.retired-key");
    shop.publish(&signed(5, &changes[2..], 3)).await.expect(201);
    let got = shop.fetched().await.unwrap();

    // The deployment is told of other keys: from then on these count, and what was published goes on being given out.
    let anew = Trust { number: 9, ..Trust::first("lakala", public(7)) };
    shop.world.app.ports.trust_bundles(&serde_json::to_string(&anew).unwrap());
    shop.publish(&signed(6, &changes, 3)).await.refused(422, "bundle.unknown-key");
    assert_eq!(shop.fetched().await, Some(got));
    shop.publish(&signed(6, &[], 7)).await.expect(201);
}

#[tokio::test]
async fn a_torn_upload_is_never_given_out_and_nothing_of_it_stays() {
    let old = bundle(1, 100);
    let new = bundle(2, 2 * BUNDLE_PART_BYTES + 5);
    for fault in [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused] {
        let start = shop_on(fault).await;
        start.publish(&old).await.expect(201);
        let mut cut = 0;
        loop {
            let shop = start.copy().await;
            let kv = shop.world.app.ports.kv();
            kv.plan(Plan::once(Trouble::Held, cut));
            {
                // The instance is gone before this operation of the store, and never comes back.
                let mut upload = Box::pin(shop.publish(&new));
                if begun(upload.as_mut()).await.is_some() {
                    break;
                }
            }
            kv.release();
            kv.calm();
            let got = shop.fetched().await.unwrap();
            assert!(got == old || got == new, "{fault:?}: cut at {cut}: {} bytes", got.len());
            // Whoever uploaded it tries again.
            let status = shop.publish(&new).await.status.as_u16();
            assert_eq!(status, if got == new { 200 } else { 201 }, "{fault:?}: cut at {cut}");
            assert_eq!(shop.fetched().await, Some(new.clone()));
            // What was left goes with the next one, once nobody can be at it any more.
            shop.world.app.ports.pass(Duration::minutes(3));
            let next = bundle(3, 100);
            shop.publish(&next).await.expect(201);
            shop.world.app.ports.pass(Duration::minutes(3));
            shop.publish(&bundle(4, 100)).await.expect(201);
            // Version 4, and version 3, which somebody may still be reading.
            assert_eq!(shop.parts_left(), 2, "{fault:?}: cut at {cut}: {:?}", shop.stored());
            cut += 1;
        }
        assert!(cut > 10, "{fault:?}: {cut}");
    }
}

#[tokio::test]
async fn a_store_that_lies_or_fails_gives_out_the_old_bundle_or_the_new_one() {
    let old = bundle(1, 100);
    let new = bundle(2, 2 * BUNDLE_PART_BYTES + 5);
    let start = shop().await;
    start.publish(&old).await.expect(201);
    for trouble in [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused, Trouble::Stale]
    {
        for number in 0..40 {
            let shop = start.copy().await;
            let kv = shop.world.app.ports.kv();
            kv.plan(Plan::once(trouble, number));
            let reply = shop.publish(&new).await;
            kv.calm();
            assert!(matches!(reply.status.as_u16(), 200 | 201 | 503), "{trouble:?} {number}: {}", reply.text);
            let got = shop.fetched().await.unwrap();
            assert!(got == old || got == new, "{trouble:?} {number}");
            if reply.status.is_success() {
                assert!(got == new, "{trouble:?} {number}: what was answered is there");
            }
            assert!(shop.publish(&new).await.status.is_success(), "{trouble:?} {number}");
            assert!(shop.fetched().await == Some(new.clone()), "{trouble:?} {number}");
        }
    }
}

#[tokio::test]
async fn parts_that_were_damaged_are_not_given_out() {
    let shop = shop().await;
    shop.publish(&bundle(1, 100)).await.expect(201);
    let part = shop.stored().into_iter().find(|key| key.starts_with("bundle-part:")).unwrap();
    shop.world.app.ports.kv().set(&part, b"other").await.unwrap();
    assert_eq!(shop.refused_for(&shop.terminal, "target=pulley64").await.1, "internal");
    shop.world.app.ports.kv().delete(&part).await.unwrap();
    assert_eq!(shop.refused_for(&shop.terminal, "target=pulley64").await.1, "store.unavailable");
}

#[tokio::test]
async fn of_two_bundles_of_one_version_one_is_published() {
    for seed in 0..20 {
        let shop = shop().await;
        let (one, two) = (bundle(1, BUNDLE_PART_BYTES + 1), bundle(1, BUNDLE_PART_BYTES + 2));
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (first, second) = tokio::join!(shop.publish(&one), shop.publish(&two));
        kv.calm();
        let (won, lost, winner) = if first.status == 201 { (&one, &second, &first) } else { (&two, &first, &second) };
        assert_eq!(winner.status, 201, "seed {seed}: {} {}", first.text, second.text);
        lost.refused(409, "bundle.version-taken");
        assert_eq!(shop.fetched().await.as_ref(), Some(won), "seed {seed}");
        assert_eq!(shop.parts_left(), 2, "seed {seed}: the loser's are gone");
    }
}
