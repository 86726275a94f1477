//! Versions of policies, which of them holds when, candidates beside them, and every decision on record.

use super::people;
use super::shop::{Reply, Shop, cny, pack, refund, sale, version_of};
use crate::limits::ACTIVATIONS;
use crate::native::NativePolicy;
use crate::ports::{Kv as _, Policy as _, Ports as _};
use crate::store::key::Key;
use crate::testkit::{Plan, Trouble};
use http::Request;
use rescind_model::record::{Answer, DecisionRecord, Question, WaysRecord, ways_digest};
use rescind_model::{Counted, DecisionError, Digest, Duration, Period, SaleId, Way};
use rescind_policy::Policy;
use rescind_policy::document::{CountLimit, Document, Effective, Matcher, Permission, TierBasis, Variant};
use rescind_policy::scalar::{Amount, Date, Span};
use serde_json::{Value, json};

const HOUR: Duration = Duration { ms: 3_600_000 };

/// Lakala's pack under another version, without proofs of the operator, and with a change.
fn document(version: &str, change: impl FnOnce(&mut Document)) -> Vec<u8> {
    let base = people::policy("lakala", |text| text);
    let mut document = Policy::from_canonical(&base).unwrap().document().clone();
    document.version = version.to_owned();
    change(&mut document);
    rescind_policy::canonical(&document)
}

/// A change: voids of at most so much.
fn at_most(minor: i64) -> impl FnOnce(&mut Document) {
    move |document| document.void.as_mut().unwrap().max_amount = Some(Amount::new(minor).unwrap())
}

impl Shop {
    async fn set(&self, path: &str, body: &[u8]) -> Reply {
        self.call(&self.admin, "PUT", path, None, core::str::from_utf8(body).unwrap()).await
    }

    async fn install(&self, canonical: &[u8]) -> Value {
        self.set("/v1/policies/lakala", canonical).await.expect(200)
    }

    async fn activate(&self, key: &str, ask: &Value) -> Reply {
        self.call(&self.admin, "POST", "/v1/policies/lakala/activations", Some(key), &ask.to_string()).await
    }

    async fn states(&self) -> Vec<(String, String)> {
        let shown = self.get(&self.admin, "/v1/policies/lakala/activations").await.expect(200);
        let items = shown["items"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        items.map(|item| (text(&item["version"]), text(&item["state"]))).collect()
    }

    /// Which version answers a check of a void.
    async fn deciding_version(&self) -> String {
        let check = self.post(&self.supervisor, CHECK, &why()).await.expect(200);
        check["policy"]["version"].as_str().unwrap().to_owned()
    }

    /// The decisions as they are taken out.
    async fn lines(&self, key: &str, query: &str) -> Reply {
        let request = Request::get(format!("/v1/decisions{query}"))
            .header("authorization", format!("Bearer {key}"))
            .header("accept", "application/jsonl");
        self.send(request.body(axum::body::Body::empty()).unwrap()).await
    }

    async fn decisions(&self) -> Vec<Value> {
        let page = self.get(&self.manager, "/v1/decisions?limit=100").await.expect(200);
        assert_eq!(page.get("next"), None, "all on one page");
        page["items"].as_array().unwrap().clone()
    }
}

const CHECK: &str = "/v1/transactions/S-1/voids/check";

fn why() -> Value {
    json!({"reason": "wrong-amount"})
}

fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect()
}

async fn open() -> Shop {
    let shop = people::shop_under("lakala", |text| text).await;
    shop.sale_of_today("S-1").await;
    shop
}

#[tokio::test]
async fn a_version_is_installed_once_and_changes_nothing_until_it_is_put_in_force() {
    let shop = open().await;
    let before = shop.deciding_version().await;
    let two = document("2", at_most(5_000));
    let made = shop.install(&two).await;
    assert_eq!((&made["name"], &made["version"]), (&json!("lakala"), &json!("2")));
    assert_eq!(made["hash"], Digest::of(&two).as_str());
    assert_eq!(shop.install(&two).await, made, "the same again is harmless");
    assert_eq!(shop.deciding_version().await, before);
    // The same version with another content.
    let other = document("2", at_most(6_000));
    shop.set("/v1/policies/lakala", &other).await.refused(409, "policy.version-taken");
    shop.set("/v1/policies/lakala?activate=now", &other).await.refused(409, "policy.version-taken");
    // What cannot be loaded, has another name, or is no canonical form.
    for (path, body) in [
        ("/v1/policies/lakala", b"{}".to_vec()),
        ("/v1/policies/unionpay", two.clone()),
        ("/v1/policies/lakala", [two.as_slice(), b" "].concat()),
    ] {
        assert_eq!(shop.set(path, &body).await.status, 422, "{path}");
    }
    let toml = Request::put("/v1/policies/lakala")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("content-type", "application/toml; charset=utf-8")
        .body(axum::body::Body::from("name = \"lakala\""))
        .unwrap();
    let refused = shop.send(toml).await.refused(415, "policy.source");
    let told = refused["detail"].as_str().unwrap();
    assert!(told.contains("rescind policy compile PACK.toml --out PACK.json"), "{told}");
    assert_eq!(shop.set("/v1/policies/lakala?activate=soon", &two).await.at().2, "activate");

    let listed = shop.get(&shop.manager, "/v1/policies/lakala/versions").await.expect(200);
    let versions: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    let original = version_of(&pack("lakala"));
    assert_eq!(versions, [original.as_str(), before.as_str(), "2"]);
    assert_eq!(listed["items"][0]["installed_by"], "deployment");
    assert_eq!(listed["items"][2], made);
    let canonical = shop.get(&shop.manager, "/v1/policies/lakala/versions/2").await;
    assert_eq!(canonical.text.as_bytes(), two);
    assert_eq!(canonical.headers["etag"], format!("\"{}\"", Digest::of(&two)));
    shop.get(&shop.manager, "/v1/policies/lakala/versions/3").await.refused(404, "not-found");
    shop.get(&shop.manager, "/v1/policies/nothing/versions").await.refused(404, "not-found");
    shop.get("", "/v1/policies/lakala/versions/2").await.refused(401, "auth.required");

    shop.set("/v1/policies/lakala?activate=now", &two).await.expect(200);
    assert_eq!(shop.deciding_version().await, "2");
    let count = shop.states().await.len();
    shop.set("/v1/policies/lakala?activate=now", &two).await.expect(200);
    assert_eq!(shop.states().await.len(), count, "it is in force already");
}

#[tokio::test]
async fn a_host_that_starts_again_leaves_in_force_what_was_chosen_since() {
    let shop = open().await;
    shop.set("/v1/policies/lakala?activate=now", &document("2", at_most(5_000))).await.expect(200);
    shop.world.app.put_policy("lakala", &pack("lakala")).await.unwrap();
    assert_eq!(shop.deciding_version().await, "2");
    // A pack with a new version is new.
    shop.world.app.put_policy("lakala", &document("3", |_| {})).await.unwrap();
    assert_eq!(shop.deciding_version().await, "3");
    let error = shop.world.app.put_policy("lakala", &document("3", at_most(5_000))).await.unwrap_err();
    assert!(matches!(error, crate::Error::Conflict { code: "policy.version-taken", .. }), "{error:?}");
}

#[tokio::test]
async fn a_host_that_starts_again_leaves_in_force_what_was_chosen_since_however_often() {
    let shop = open().await;
    for version in ["2", "3"] {
        shop.install(&document(version, |_| {})).await;
    }
    for n in 0..=ACTIVATIONS {
        let version = if n % 2 == 0 { "2" } else { "3" };
        shop.activate(&format!("k{n}"), &json!({"version": version})).await.expect(201);
    }
    let (original, before) = (version_of(&pack("lakala")), shop.deciding_version().await);
    assert!(!shop.states().await.iter().any(|(version, _)| *version == original), "it is in the past");
    shop.world.app.put_policy("lakala", &pack("lakala")).await.unwrap();
    assert_eq!(shop.deciding_version().await, before);
}

#[tokio::test]
async fn an_activation_is_not_taken_back_in_its_last_seconds() {
    let shop = open().await;
    shop.install(&document("2", |_| {})).await;
    let made = shop.activate("k", &json!({"version": "2", "at": "2026-11-23T12:10:00+08:00"})).await.expect(201);
    let path = format!("/v1/policies/lakala/activations/{}", made["id"].as_str().unwrap());
    shop.world.app.ports.pass(Duration { ms: 10 * 60_000 - 4_999 });
    // By the clock of another instance it may hold already.
    shop.call(&shop.admin, "DELETE", &path, None, "").await.refused(409, "policy.in-force");
    assert_eq!(shop.states().await.last().unwrap().1, "scheduled");
}

#[tokio::test]
async fn what_holds_at_once_holds_from_an_instant_that_is_not_over_when_it_is_written() {
    let start = open().await;
    start.install(&document("2", |_| {})).await;
    let shop = start.copy().await;
    let now = shop.world.app.ports.now();
    let version = shop.world.app.policy_version("lakala", "2").await.unwrap();
    // It was asked for a minute ago, and is written only now.
    shop.world.app.ports.pass(Duration::minutes(1));
    let asked = crate::activation::Activation::of("a".to_owned(), &version, now, "k", now);
    let kept = shop.world.app.put_in_force("lakala", &asked).await.unwrap();
    assert_eq!((kept.from, kept.at), (shop.world.app.ports.now(), now));
    let late = crate::activation::Activation { id: "b".to_owned(), asked_for: Some(now), ..asked };
    let error = shop.world.app.put_in_force("lakala", &late).await.unwrap_err();
    assert!(matches!(&error, crate::Error::Invalid { field, .. } if field == "/at"), "{error:?}");
}

#[tokio::test]
async fn a_policy_is_read_by_those_whose_payments_it_decides() {
    let shop = open().await;
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    let (version, there) = (version_of(&pack("lakala")), "/v1/policies/lakala");
    for path in ["versions".to_owned(), format!("versions/{version}"), "activations".to_owned()] {
        shop.get(&shop.manager, &format!("{there}/{path}")).await.expect(200);
        shop.get(&shop.admin, &format!("{there}/{path}")).await.expect(200);
        shop.get(&stranger, &format!("{there}/{path}")).await.refused(404, "not-found");
    }
    shop.get(&stranger, &format!("{there}/activations?past=true")).await.refused(404, "not-found");
    let names = async |key: &str| {
        let listed = shop.get(key, "/v1/policies").await.expect(200);
        listed["items"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&shop.admin).await, ["lakala", "unionpay"]);
    assert_eq!(
        (names(&shop.manager).await, names(&stranger).await),
        (vec!["lakala".to_owned()], vec!["unionpay".to_owned()])
    );
}

#[tokio::test]
async fn roles_are_granted_that_a_policy_of_a_class_or_of_tomorrow_names() {
    let shop = open().await;
    let naming = |role: &'static str| {
        move |document: &mut Document| {
            let tiers = &mut document.refund.as_mut().unwrap().tier;
            tiers.last_mut().unwrap().roles.push(rescind_model::Role::parse(role).unwrap());
        }
    };
    let grant = async |id: &str, role: &str| {
        let person = json!({"id": id, "name": id, "grants": [{"merchant": "M-1", "roles": [role]}]});
        shop.post(&shop.admin, "/v1/persons", &person).await
    };
    grant("p1", "night-manager").await.refused(422, "body.invalid");
    shop.install(&document("2", naming("night-manager"))).await;
    shop.activate("k", &json!({"version": "2", "at": "2026-11-24T00:00:00+08:00"})).await.expect(201);
    grant("p1", "night-manager").await.expect(201);

    grant("p2", "door-keeper").await.refused(422, "body.invalid");
    let doors = document("1", |document| {
        document.name = "doors".to_owned();
        naming("door-keeper")(document);
    });
    shop.set("/v1/policies/doors?activate=now", &doors).await.expect(200);
    let settings = json!({"policy": "lakala", "policies_by_class": {"unattended": "doors"}});
    shop.set("/v1/merchants/M-1/settings", settings.to_string().as_bytes()).await.expect(200);
    grant("p2", "door-keeper").await.expect(201);
}

#[tokio::test]
async fn a_version_holds_from_its_instant_on_and_not_a_moment_earlier() {
    let shop = open().await;
    let (app, first) = (&shop.world.app, shop.deciding_version().await);
    shop.install(&document("2", at_most(5_000))).await;
    let ask = json!({"version": "2", "at": "2026-11-23T12:20:00+08:00"});
    let made = shop.activate("k", &ask).await.expect(201);
    assert_eq!(made["from"], "2026-11-23T04:20:00Z");
    let again = shop.activate("k", &ask).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(201), made);
    shop.activate("k", &json!({"version": "2"})).await.refused(422, "idempotency.key-reused");
    shop.call(&shop.admin, "POST", "/v1/policies/lakala/activations", None, &ask.to_string())
        .await
        .refused(400, "idempotency.key-missing");
    let refused = shop.activate("k2", &json!({"version": "9"})).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/version".to_owned()));
    let refused = shop.activate("k3", &json!({"version": "2", "at": "2026-11-23T11:59:59+08:00"})).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/at".to_owned()));

    assert_eq!(shop.states().await.last().unwrap().1, "scheduled");
    app.ports.pass(Duration { ms: 20 * 60_000 - 1 });
    assert_eq!(shop.deciding_version().await, first);
    app.ports.pass(Duration { ms: 1 });
    assert_eq!(shop.deciding_version().await, "2");
    let original = version_of(&pack("lakala"));
    let now = of(&[(&original, "superseded"), (&first, "superseded"), ("2", "in-force")]);
    assert_eq!(shop.states().await, now);
    let path = format!("/v1/policies/lakala/activations/{}", made["id"].as_str().unwrap());
    shop.call(&shop.admin, "DELETE", &path, None, "").await.refused(409, "policy.in-force");

    // One whose time has not come is taken back, and never holds.
    let later = json!({"version": first, "at": "2026-11-23T12:25:00+08:00"});
    let later = shop.activate("k4", &later).await.expect(201);
    let path = format!("/v1/policies/lakala/activations/{}", later["id"].as_str().unwrap());
    let gone = shop.call(&shop.admin, "DELETE", &path, None, "").await.expect(200);
    assert_eq!(gone["state"], "cancelled");
    assert_eq!(shop.call(&shop.admin, "DELETE", &path, None, "").await.expect(200), gone);
    app.ports.pass(HOUR);
    assert_eq!(shop.deciding_version().await, "2");
    assert_eq!(shop.states().await.last().unwrap().1, "cancelled");
    shop.call(&shop.admin, "DELETE", "/v1/policies/lakala/activations/none", None, "").await.refused(404, "not-found");
}

#[tokio::test]
async fn what_was_promised_stays_whatever_holds_later() {
    let shop = open().await;
    let mut large = sale("S-2", "2026-11-22T12:00:00+08:00");
    large["amount"] = cny("5000.00");
    shop.post(&shop.system, "/v1/transactions", &large).await.expect(201);
    let asked = shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", "500.00")).await.expect(201);
    let stricter = document("2", |document| {
        for tier in &mut document.refund.as_mut().unwrap().tier {
            tier.needed = if tier.needed > 0 { 3 } else { 0 };
        }
    });
    shop.set("/v1/policies/lakala?activate=now", &stricter).await.expect(200);
    let path = format!("/v1/refunds/{}", asked["id"].as_str().unwrap());
    let now = shop.get(&shop.manager, &path).await.expect(200);
    assert_eq!((&now["plan"], &now["policy"]), (&asked["plan"], &asked["policy"]));
}

#[tokio::test]
async fn a_document_is_in_force_within_its_own_dates_only() {
    let shop = open().await;
    let app = &shop.world.app;
    let first = shop.deciding_version().await;
    let date = |text: &str| Some(Date::parse(text).unwrap());
    let week = document("week", |document| {
        document.effective = Some(Effective { from: date("2026-11-24"), until: date("2026-12-01") });
    });
    let made = shop.install(&week).await;
    assert_eq!(made["effective_from"], "2026-11-23T16:00:00Z", "the beginning of the day in the policy's time zone");
    assert_eq!(made["effective_until"], "2026-11-30T16:00:00Z");
    shop.set("/v1/policies/lakala?activate=now", &week).await.refused(409, "policy.not-effective");
    for (key, at) in [("a", "2026-11-23T23:59:59+08:00"), ("b", "2026-12-01T00:00:00+08:00")] {
        shop.activate(key, &json!({"version": "week", "at": at})).await.refused(409, "policy.not-effective");
    }
    shop.activate("c", &json!({"version": "week", "at": "2026-11-24T00:00:00+08:00"})).await.expect(201);
    app.ports.set_now(rescind_model::Instant::parse("2026-11-24T00:00:00+08:00").unwrap());
    assert_eq!(shop.deciding_version().await, "week");
    app.ports.set_now(rescind_model::Instant::parse("2026-11-30T23:59:59.999+08:00").unwrap());
    assert_eq!(shop.deciding_version().await, "week");
    // After it what held before it holds again.
    app.ports.pass(Duration { ms: 1 });
    assert_eq!(shop.deciding_version().await, first);
    // A host that has such a pack in its folder puts it in force when its time comes, or not at all.
    let later = document("later", |document| {
        document.effective = Some(Effective { from: date("2026-12-05"), until: None });
    });
    app.put_policy("lakala", &later).await.unwrap();
    let over = document("over", |document| {
        document.effective = Some(Effective { from: None, until: date("2026-11-01") });
    });
    app.put_policy("lakala", &over).await.unwrap();
    assert_eq!(shop.states().await.last(), of(&[("later", "scheduled")]).last());
    assert!(app.ports.logged().iter().any(|line| line.contains("its time is over")));
}

#[tokio::test]
async fn what_cannot_be_loaded_never_replaces_what_can() {
    let shop = open().await;
    let app = &shop.world.app;
    let (first, two) = (shop.deciding_version().await, document("2", at_most(5_000)));
    shop.install(&two).await;
    shop.activate("k", &json!({"version": "2", "at": "2026-11-23T12:10:00+08:00"})).await.expect(201);
    // Meanwhile the component is replaced by one that does not know the document; here, the document by another.
    let key = Key::policy(&Digest::of(&two));
    let stored = app.ports.kv().get(key.as_str()).await.unwrap().unwrap();
    let broken = String::from_utf8(stored.clone()).unwrap().replacen("max-amount", "xax-amount", 1);
    app.ports.kv().set(key.as_str(), broken.as_bytes()).await.unwrap();
    app.ports.forget_policies();
    app.ports.pass(Duration::minutes(10));
    assert_eq!(shop.deciding_version().await, first, "the one before goes on deciding");
    assert!(
        app.ports.logged().iter().any(|line| line.starts_with("ALERT policy lakala 2 ")),
        "{:?}",
        app.ports.logged()
    );
    assert_eq!(shop.states().await.last(), of(&[("2", "not-loaded")]).last());
    let listed = shop.get(&shop.manager, "/v1/policies").await.expect(200);
    assert_eq!(listed["items"][0]["version"], first, "what is listed is what decides");
    let gauge = |text: String| text.lines().find(|l| l.starts_with("rescind_policies_not_loaded")).unwrap().to_owned();
    assert_eq!(gauge(shop.get("", "/metrics").await.text), "rescind_policies_not_loaded 1");
    shop.activate("k2", &json!({"version": "2"})).await.refused(422, "body.invalid");
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"2"}"#).await.refused(422, "body.invalid");
    // A store that does not answer says nothing about the document: then nothing is decided.
    app.ports.kv().plan(Plan::always(Trouble::FailsBefore).on(key.as_str()));
    shop.post(&shop.supervisor, CHECK, &why()).await.refused(503, "store.unavailable");
    app.ports.kv().calm();
    // As soon as it can be loaded it decides.
    app.ports.kv().set(key.as_str(), &stored).await.unwrap();
    assert_eq!(shop.deciding_version().await, "2");
    assert_eq!(gauge(shop.get("", "/metrics").await.text), "rescind_policies_not_loaded 0");
}

#[tokio::test]
async fn activations_at_once_are_all_there_and_one_of_them_holds() {
    let start = open().await;
    for version in ["2", "3"] {
        start.install(&document(version, |_| {})).await;
    }
    let (two, three, asked) = (json!({"version": "2"}), json!({"version": "3"}), why());
    for seed in 0..20 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, again, other, check) = tokio::join!(
            shop.activate("k", &two),
            shop.activate("k", &two),
            shop.activate("l", &three),
            shop.post(&shop.supervisor, CHECK, &asked),
        );
        kv.calm();
        let case = format!("seed {seed}");
        assert_eq!(
            (one.expect(201)["id"].clone(), 201),
            (again.expect(201)["id"].clone(), other.status.as_u16()),
            "{case}"
        );
        let states = shop.states().await;
        let count = |version: &str| states.iter().filter(|(v, _)| v == version).count();
        assert_eq!((count("2"), count("3")), (1, 1), "{case}: {states:?}");
        assert_eq!(states.iter().filter(|(_, state)| state == "in-force").count(), 1, "{case}: {states:?}");
        // Of two from one instant the later word counts; whoever decided meanwhile says by what.
        assert_eq!(states.last().unwrap().1, "in-force", "{case}: {states:?}");
        assert_eq!(shop.deciding_version().await, states.last().unwrap().0, "{case}");
        let decided = check.expect(200)["policy"]["version"].as_str().unwrap().to_owned();
        assert!(states.iter().any(|(version, _)| *version == decided), "{case}: {decided}");
    }
}

#[tokio::test]
async fn of_two_contents_of_one_version_one_is_installed() {
    let start = open().await;
    let (one, two) = (document("2", at_most(5_000)), document("2", at_most(6_000)));
    for seed in 0..20 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (first, second) =
            tokio::join!(shop.set("/v1/policies/lakala", &one), shop.set("/v1/policies/lakala", &two));
        kv.calm();
        let won = [&first, &second].iter().filter(|reply| reply.status == 200).count();
        assert_eq!(won, 1, "seed {seed}: {} {}", first.text, second.text);
        let lost = if first.status == 200 { &second } else { &first };
        lost.refused(409, "policy.version-taken");
        let kept = shop.get(&shop.admin, "/v1/policies/lakala/versions/2").await.text;
        assert_eq!(kept.as_bytes(), if first.status == 200 { &one } else { &two }, "seed {seed}");
    }
}

#[tokio::test]
async fn installing_and_activating_survive_a_fault_anywhere() {
    let start = open().await;
    let two = document("2", at_most(5_000));
    for trouble in [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused] {
        for n in 0..40 {
            let shop = start.copy().await;
            let kv = shop.world.app.ports.kv();
            kv.plan(Plan::once(trouble, n));
            let put = shop.set("/v1/policies/lakala", &two).await;
            let case = format!("{trouble:?} at {n}: {}", put.text);
            assert!(put.status == 200 || put.status == 503, "{case}");
            if put.status == 503 {
                shop.install(&two).await;
            }
            let asked = shop.activate("k", &json!({"version": "2"})).await;
            kv.calm();
            assert!(asked.status == 201 || asked.status == 503, "{case} {}", asked.text);
            shop.activate("k", &json!({"version": "2"})).await.expect(201);
            let states = shop.states().await;
            assert_eq!(states.iter().filter(|(version, _)| version == "2").count(), 1, "{case}: {states:?}");
            assert_eq!(shop.deciding_version().await, "2", "{case}");
            let listed = shop.get(&shop.admin, "/v1/policies/lakala/versions").await.expect(200);
            let two: Vec<&Value> = listed["items"].as_array().unwrap().iter().filter(|v| v["version"] == "2").collect();
            assert_eq!(two.len(), 1, "{case}: {listed}");
        }
    }
}

#[tokio::test]
async fn the_oldest_activations_make_room_and_are_still_listed() {
    let shop = open().await;
    shop.install(&document("2", |_| {})).await;
    let first = shop.states().await;
    let more = ACTIVATIONS + 3;
    for n in 0..more {
        shop.world.app.ports.pass(Duration { ms: 1 });
        shop.activate(&format!("k{n}"), &json!({"version": "2"})).await.expect(201);
    }
    assert_eq!(shop.states().await.len(), ACTIVATIONS);
    let past = shop.get(&shop.admin, "/v1/policies/lakala/activations?past=true&limit=100").await.expect(200);
    let past = past["items"].as_array().unwrap();
    assert_eq!(past.len(), first.len() + more - ACTIVATIONS);
    assert_eq!(past[0]["version"], first[0].0);
    assert_eq!(shop.deciding_version().await, "2");
    for n in 0..crate::limits::ACTIVATIONS_AHEAD {
        let ask = json!({"version": "2", "at": format!("2026-12-{:02}T12:00:00Z", n % 28 + 1)});
        shop.activate(&format!("ahead {n}"), &ask).await.expect(201);
    }
    let one_more = json!({"version": "2", "at": "2027-01-01T00:00:00Z"});
    shop.activate("one more", &one_more).await.refused(409, "policy.too-many-activations");
}

#[tokio::test]
async fn every_decision_is_on_record_and_can_be_made_again() {
    let shop = open().await;
    let app = &shop.world.app;
    let void = shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.refused(422, "decision.deny");
    shop.sale_of_yesterday("S-2").await;
    let path = "/v1/transactions/S-2/voids/check";
    shop.post(&shop.supervisor, path, &why()).await.expect(200);
    let given = shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", "60.00")).await.expect(201);
    shop.get(&shop.manager, "/v1/transactions/S-2/ways-back").await.expect(200);

    let listed = shop.decisions().await;
    assert_eq!(listed.len(), 5);
    let said = |way: &str, outcome: &str| {
        listed.iter().filter(|d| d["way"] == way && d["outcome"] == outcome).cloned().collect::<Vec<Value>>()
    };
    assert_eq!((said("void", "allow").len(), said("void", "deny").len(), said("refund", "allow").len()), (1, 2, 1));
    let canonical = people::policy("lakala", |text| text);
    let policy = NativePolicy::load(&canonical).unwrap();
    let mut replayed = 0;
    for shown in &listed {
        assert_eq!(
            shop.get(&shop.manager, &format!("/v1/decisions/{}", shown["id"].as_str().unwrap())).await.expect(200),
            *shown
        );
        if shown["way"].is_null() {
            let record: WaysRecord = serde_json::from_value(shown["record"].clone()).unwrap();
            assert_eq!(record.format, "ways/1");
            assert_eq!(ways_digest(&record.facts, record.amount.as_ref()), record.input_digest, "{shown}");
            let again = policy.assess(&record.facts, record.amount.as_ref()).unwrap();
            assert_eq!(record.answer(), Ok(again.as_slice()), "{shown}");
            replayed += 1;
            continue;
        }
        let record: DecisionRecord = serde_json::from_value(shown["record"].clone()).unwrap();
        assert_eq!(record.input.digest(), record.input_digest, "{shown}");
        assert_eq!((record.policy.hash.as_str(), &record.merchant), (Digest::of(&canonical).as_str(), &shop.merchant));
        let facts = &record.input.facts;
        let again = match &record.input.question {
            Question::Void(question) => policy.decide_void(facts, question),
            Question::Refund(question) => policy.decide_refund(facts, question),
            Question::Operation(question) => policy.decide_operation(facts, question),
        };
        assert_eq!(record.answer, Answer::Decided(again.unwrap()), "{shown}");
        replayed += 1;
    }
    assert_eq!(replayed, 5);
    // Taken out line by line, each kind by its name.
    let lines = shop.lines(&shop.manager, "").await;
    let mut formats: Vec<String> = Vec::new();
    for line in lines.text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert!(listed.iter().any(|shown| shown["record"] == value), "{line}");
        formats.push(value["format"].as_str().unwrap().to_owned());
    }
    formats.sort_unstable();
    assert_eq!(formats, ["decision/1", "decision/1", "decision/1", "decision/1", "ways/1"]);
    assert_eq!(shop.lines(&shop.manager, "?outcome=deny").await.text.lines().count(), 2);
    // The ledger names the decision that let each operation.
    let ledger = async |sale: &str| {
        let key = Key::sale(&shop.merchant, &SaleId::parse(sale).unwrap());
        let records = app.records().await.unwrap();
        records.read::<crate::sale::Aggregate>(&key).await.unwrap().unwrap().ledger
    };
    let grounds = &ledger("S-1").await.voids[0].grounds;
    assert_eq!(grounds.decision.as_deref(), said("void", "allow")[0]["id"].as_str(), "{void}");
    let grounds = &ledger("S-2").await.refunds[0].grounds;
    assert_eq!(grounds.decision.as_deref(), said("refund", "allow")[0]["id"].as_str(), "{given}");

    let denied = shop.get(&shop.manager, "/v1/decisions?outcome=deny").await.expect(200);
    assert_eq!(denied["items"].as_array().unwrap().len(), 2);
    let other_day = shop.get(&shop.manager, "/v1/decisions?day=2026-11-22").await.expect(200);
    assert_eq!(other_day["items"], json!([]));
    let mut seen = 0;
    let mut after = String::new();
    loop {
        let page = shop.get(&shop.manager, &format!("/v1/decisions?limit=1{after}")).await.expect(200);
        seen += page["items"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, 5, "page by page");
    for wrong in ["nonsense", "99.0.0", "0.x", "0.0.999"] {
        let refused = shop.get(&shop.manager, &format!("/v1/decisions?after={wrong}")).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
}

#[tokio::test]
async fn decisions_are_shown_by_role_and_taken_out_whole_or_not_at_all() {
    let shop = open().await;
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    let token = "9f86d081884c7d659a2feaa0c55ad015";
    let lines = async |key: &str, query: &str| shop.lines(key, query).await;
    let id = shop.decisions().await[0]["id"].as_str().unwrap().to_owned();
    for key in [&shop.manager, &shop.finance, &shop.system] {
        let seen = shop.get(key, "/v1/decisions").await;
        assert!(seen.text.contains(token) && !seen.text.contains("masked"), "{}", seen.text);
        let out = lines(key, "").await;
        assert_eq!((out.status.as_u16(), &out.headers["content-type"]), (200, &"application/jsonl".parse().unwrap()));
        let records: Vec<DecisionRecord> = out.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].input.digest(), records[0].input_digest);
    }
    // The operator of Rescind sees no payer's token, and takes nothing out that could not be made again.
    let seen = shop.get(&shop.admin, "/v1/decisions?merchant=M-1").await;
    assert!(!seen.text.contains(token), "{}", seen.text);
    assert_eq!(seen.expect(200)["items"][0]["masked"], true);
    lines(&shop.admin, "?merchant=M-1").await.refused(403, "auth.forbidden");
    for key in [&shop.terminal, &shop.supervisor, &shop.reviewer] {
        shop.get(key, "/v1/decisions").await.refused(403, "auth.forbidden");
        shop.get(key, &format!("/v1/decisions/{id}")).await.refused(403, "auth.forbidden");
        lines(key, "").await.refused(403, "auth.forbidden");
    }
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.system_key(&other).await.unwrap();
    shop.get(&stranger, &format!("/v1/decisions/{id}")).await.refused(404, "not-found");
    shop.get(&stranger, "/v1/decisions?merchant=M-1").await.refused(404, "not-found");
    assert_eq!(shop.get(&stranger, "/v1/decisions").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_merchant_may_leave_checks_off_the_record_and_never_what_is_acted_on() {
    let shop = open().await;
    let settings = json!({"policy": "lakala", "record_checks": false});
    shop.set("/v1/merchants/M-1/settings", settings.to_string().as_bytes()).await.expect(200);
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    shop.get(&shop.manager, "/v1/transactions/S-1/ways-back").await.expect(200);
    assert_eq!(shop.decisions().await, Vec::<Value>::new());
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    assert_eq!(shop.decisions().await.len(), 1);
}

#[tokio::test]
async fn nothing_follows_from_a_decision_that_cannot_be_recorded() {
    let shop = open().await;
    let kv = shop.world.app.ports.kv();
    for prefix in ["decision:", "decisions:"] {
        kv.plan(Plan::always(Trouble::FailsBefore).on(prefix));
        let asked =
            shop.call(&shop.supervisor, "POST", "/v1/transactions/S-1/voids", Some("k"), &why().to_string()).await;
        asked.refused(503, "store.unavailable");
        kv.calm();
        let shown = shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(shown["operations"], json!([]), "{prefix}");
    }
    shop.call(&shop.supervisor, "POST", "/v1/transactions/S-1/voids", Some("k"), &why().to_string()).await.expect(201);
    assert_eq!(shop.decisions().await.len(), 1, "the same decision has one record");
}

#[tokio::test]
async fn a_candidate_decides_beside_without_effect_and_its_differences_are_counted() {
    let shop = open().await;
    let app = &shop.world.app;
    shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.refused(404, "not-found");
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    app.ports.pass(Duration { ms: 1 });
    shop.install(&document("2", at_most(5_000))).await;
    let set = shop.set("/v1/policies/lakala/shadow", br#"{"version":"2"}"#).await.expect(200);
    assert_eq!(shop.set("/v1/policies/lakala/shadow", br#"{"version":"2"}"#).await.expect(200), set);
    let shadow = async || shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.expect(200);
    let nothing = shadow().await;
    assert_eq!((&nothing["equal"], &nothing["different"], &nothing["complete"]), (&json!(0), &json!(0), &json!(true)));

    // 100.00 is more than the candidate would void; 10.00 is not.
    let before = app.ports.kv().calls();
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    let one_check = app.ports.kv().calls();
    let mut small = sale("S-3", "2026-11-23T11:50:00+08:00");
    (small["amount"], small["fee_charged"]) = (cny("10.00"), cny("0.06"));
    shop.post(&shop.system, "/v1/transactions", &small).await.expect(201);
    shop.post(&shop.supervisor, "/v1/transactions/S-3/voids/check", &why()).await.expect(200);
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    let seen = shadow().await;
    assert_eq!((&seen["equal"], &seen["different"], &seen["complete"]), (&json!(1), &json!(2), &json!(true)), "{seen}");
    let kind = json!({"way": "void", "from": "allow", "to": "deny", "rule": "void.amount-limit", "count": 2});
    assert_eq!(seen["kinds"], json!([kind]));
    let difference = &seen["differences"][0];
    assert_eq!((&difference["sale"], &difference["merchant"]), (&json!("S-1"), &json!("M-1")));
    let record = shop.get(&shop.manager, &format!("/v1/decisions/{}", difference["decision"].as_str().unwrap())).await;
    assert_eq!(record.expect(200)["outcome"], "allow", "what was decided stays what it was");
    assert_eq!(shadow().await, seen, "each decision is counted once");
    assert_eq!(shop.get(&shop.admin, "/v1/policies/lakala/shadow?merchant=M-1").await.expect(200), seen);
    shop.get(&shop.manager, "/v1/policies/lakala/shadow").await.refused(403, "auth.forbidden");

    // A day later the sums go on, and the day before is not read again.
    app.ports.pass(Duration { ms: 5 * 86_400_000 });
    shop.get(&shop.manager, "/v1/transactions/S-3/ways-back").await.expect(200);
    let later = shadow().await;
    assert_eq!((&later["equal"], &later["different"]), (&json!(3), &json!(2)), "void and refund of S-3: {later}");

    let without = shop.call(&shop.admin, "DELETE", "/v1/policies/lakala/shadow", None, "").await;
    assert_eq!(without.status, 204);
    shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.refused(404, "not-found");
    // What a candidate costs a check: nothing is written for it.
    let plain = app.ports.kv().calls();
    shop.post(&shop.supervisor, "/v1/transactions/S-3/voids/check", &why()).await.expect(200);
    let now = app.ports.kv().calls();
    assert!(one_check.swap - before.swap <= now.swap - plain.swap, "{before:?} {one_check:?} {plain:?} {now:?}");
}

#[tokio::test]
async fn a_candidate_that_errs_is_counted_and_disturbs_nobody() {
    let shop = open().await;
    // It has another currency: nothing can be decided by it.
    let dollars = document("usd", |document| "USD".clone_into(&mut document.currency));
    shop.install(&dollars).await;
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"usd"}"#).await.expect(200);
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    let seen = shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.expect(200);
    let kind = json!({"way": "void", "from": "allow", "to": "error", "rule": "bad-amount", "count": 1});
    assert_eq!((&seen["kinds"], &seen["equal"]), (&json!([kind]), &json!(0)), "{seen}");
    // Should it not load any more, decisions go on without it.
    let key = Key::policy(&Digest::of(&dollars));
    shop.world
        .app
        .ports
        .kv()
        .set(key.as_str(), br#"{"f":"policy/1","v":1,"c":"x","d":{"canonical":"{}"}}"#)
        .await
        .unwrap();
    shop.world.app.ports.forget_policies();
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    // It was not even looked at: only whoever asks for the comparison is told.
    let logged =
        || shop.world.app.ports.logged().iter().filter(|line| line.contains("ALERT policy lakala usd")).count();
    assert_eq!(logged(), 0);
    shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.refused(409, "policy.not-loaded");
    assert_eq!(logged(), 1);
}

#[tokio::test]
async fn what_only_a_candidate_wants_counted_disturbs_nobody() {
    let shop = open().await;
    // The same is counted by both, within another span: what one keeps the other finds.
    shop.set("/v1/policies/lakala?activate=now", &document("2", rolling(3))).await.expect(200);
    shop.install(&document("3", rolling_within(3, 7_200))).await;
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"3"}"#).await.expect(200);
    let kv = shop.world.app.ports.kv();
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    let counted = |item: &Value| item["record"]["input"]["facts"]["tallies"].as_array().unwrap().len();
    assert_eq!(shop.decisions().await.iter().map(counted).collect::<Vec<_>>(), [2], "each with its span");
    // What cannot be looked up for a candidate is left out: the decision is made. The policy's own comes first.
    kv.plan(Plan::once(Trouble::FailsBefore, 1).on("rolling:"));
    shop.post(&shop.supervisor, CHECK, &why()).await.expect(200);
    kv.calm();
    assert!(shop.world.app.ports.logged().iter().any(|line| line.starts_with("a count for a candidate")));
    let mut found: Vec<usize> = shop.decisions().await.iter().map(counted).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2]);
}

#[tokio::test]
async fn a_candidate_decides_by_the_counts_that_the_policy_in_force_keeps() {
    let shop = open().await;
    shop.set("/v1/policies/lakala?activate=now", &document("2", rolling(3))).await.expect(200);
    shop.install(&document("3", rolling_within(1, 7_200))).await;
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"3"}"#).await.expect(200);
    for id in ["S-1", "S-2"] {
        if id == "S-2" {
            shop.sale_of_today(id).await;
        }
        shop.tell(&shop.supervisor, &format!("/v1/transactions/{id}/voids"), &why()).await.expect(201);
    }
    // The first void by the operator was in order under both, the second one too many under the candidate.
    let seen = shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.expect(200);
    let kind = json!({"way": "void", "from": "allow", "to": "deny", "rule": "void.count", "count": 1});
    assert_eq!((&seen["equal"], &seen["kinds"]), (&json!(1), &json!([kind])), "{seen}");
    assert_eq!((&seen["different"], &seen["not_comparable"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn where_a_count_is_not_kept_a_candidate_is_not_compared() {
    let shop = open().await;
    shop.install(&document("2", rolling(1))).await;
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"2"}"#).await.expect(200);
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    shop.sale_of_today("S-2").await;
    shop.tell(&shop.supervisor, "/v1/transactions/S-2/voids", &why()).await.expect(201);
    let seen = shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.expect(200);
    let counts = ["equal", "different", "not_comparable"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!(counts, [0, 0, 2], "nobody knows how many voids the operator made within the hour: {seen}");
    let kind =
        json!({"way": "void", "from": "allow", "to": "not-comparable", "rule": "tallies.operator.3600s", "count": 2});
    assert_eq!(seen["kinds"], json!([kind]));
    assert_eq!(seen["differences"][0]["to"], "not-comparable");
    // The same of a sum that only the candidate's tiers are chosen by.
    let by_day = document("3", |document| {
        document.refund.as_mut().unwrap().tiers_by = vec![TierBasis::Sale, TierBasis::RequesterDay];
    });
    let by_sale = document("4", |document| document.refund.as_mut().unwrap().tiers_by = vec![TierBasis::Sale]);
    shop.set("/v1/policies/lakala?activate=now", &by_sale).await.expect(200);
    shop.install(&by_day).await;
    shop.world.app.ports.pass(Duration { ms: 1 });
    shop.set("/v1/policies/lakala/shadow", br#"{"version":"3"}"#).await.expect(200);
    shop.sale_of_yesterday("S-3").await;
    shop.tell(&shop.manager, "/v1/refunds", &refund("S-3", "60.00")).await.expect(201);
    let seen = shop.get(&shop.admin, "/v1/policies/lakala/shadow").await.expect(200);
    let counts = ["equal", "different", "not_comparable"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!((counts, &seen["kinds"][0]["rule"]), ([0, 0, 1], &json!("requested-today")), "{seen}");
}

#[tokio::test]
async fn two_who_ask_for_the_comparison_at_once_count_nothing_twice() {
    let start = open().await;
    start.install(&document("2", at_most(5_000))).await;
    start.set("/v1/policies/lakala/shadow", br#"{"version":"2"}"#).await.expect(200);
    for _ in 0..3 {
        start.post(&start.supervisor, CHECK, &why()).await.expect(200);
    }
    for seed in 0..10 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (path, asked) = ("/v1/policies/lakala/shadow", why());
        let (one, two, check) = tokio::join!(
            shop.get(&shop.admin, path),
            shop.get(&shop.admin, path),
            shop.post(&shop.supervisor, CHECK, &asked),
        );
        kv.calm();
        assert!(one.status == 200 && two.status == 200 && check.status == 200, "{} {}", one.text, two.text);
        assert_eq!(shop.get(&shop.admin, path).await.expect(200)["different"], 4, "seed {seed}");
    }
}

/// At most so many voids by one operator within an hour.
fn rolling(most: u32) -> impl FnOnce(&mut Document) {
    rolling_within(most, 3_600)
}

/// The same within so many seconds.
fn rolling_within(most: u32, seconds: u32) -> impl FnOnce(&mut Document) {
    move |document| {
        document.void.as_mut().unwrap().count = vec![CountLimit {
            at_ceiling: Permission::Deny,
            at_most: Some(most),
            counted: Counted::Operator,
            per_business_day: None,
            within: Some(Span::new(seconds).unwrap()),
        }];
    }
}

#[tokio::test]
async fn a_count_over_a_moving_span_lets_one_more_when_the_first_is_an_hour_old() {
    let shop = open().await;
    let app = &shop.world.app;
    shop.set("/v1/policies/lakala?activate=now", &document("2", rolling(2))).await.expect(200);
    let void = async |n: u32| {
        let young = sale(&format!("V-{n}"), &app.ports.now().to_string());
        let registered = shop.post(&shop.system, "/v1/transactions", &young).await;
        assert!(registered.status.is_success(), "{}", registered.text);
        let path = format!("/v1/transactions/V-{n}/voids");
        shop.call(&shop.supervisor, "POST", &path, Some(&format!("k{n}")), &why().to_string()).await
    };
    void(1).await.expect(201);
    app.ports.pass(Duration::minutes(30));
    void(2).await.expect(201);
    // A retry of the same request is the same void and counts once.
    void(2).await.expect(201);
    let refused = void(3).await.refused(422, "decision.deny");
    assert_eq!(refused["decision"]["findings"][0]["rule"], "void.count", "{refused}");
    app.ports.pass(Duration { ms: 30 * 60_000 - 1 });
    void(4).await.refused(422, "decision.deny");
    app.ports.pass(Duration { ms: 1 });
    void(5).await.expect(201);
    void(6).await.refused(422, "decision.deny");
    // What was counted is on record with the decision.
    let allowed = shop.get(&shop.manager, "/v1/decisions?outcome=allow&limit=100").await.expect(200);
    let counts = |item: &Value| item["record"]["input"]["facts"]["tallies"][0]["count"].as_u64().unwrap();
    let mut counts: Vec<u64> = allowed["items"].as_array().unwrap().iter().map(counts).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 1, 1]);
}

#[tokio::test]
async fn a_count_over_a_moving_span_is_kept_to_however_many_ask_at_once_and_whatever_breaks_off() {
    let start = open().await;
    start.set("/v1/policies/lakala?activate=now", &document("2", rolling(1))).await.expect(200);
    start.sale_of_today("S-2").await;
    let ask = async |shop: &Shop, sale: &str, key: &str| {
        let path = format!("/v1/transactions/{sale}/voids");
        shop.call(&shop.supervisor, "POST", &path, Some(key), &why().to_string()).await
    };
    for seed in 0..20 {
        let shop = start.copy().await;
        let kv = shop.world.app.ports.kv();
        kv.seed(seed);
        kv.plan(Plan::always(Trouble::Slow));
        let (one, two) = tokio::join!(ask(&shop, "S-1", "one"), ask(&shop, "S-2", "two"));
        kv.calm();
        let done = [&one, &two].iter().filter(|reply| reply.status == 201).count();
        assert!(done <= 1, "seed {seed}: {} {}", one.text, two.text);
    }
    for trouble in [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused] {
        for n in 0..12 {
            let shop = start.copy().await;
            let kv = shop.world.app.ports.kv();
            kv.plan(Plan::once(trouble, n).on("rolling:"));
            let _first = ask(&shop, "S-1", "one").await;
            kv.calm();
            let again = ask(&shop, "S-1", "one").await;
            if again.status == 409 {
                shop.world.app.ports.pass(crate::limits::IDEMPOTENCY_LEASE);
                shop.world.app.ports.pass(Duration { ms: 1 });
                ask(&shop, "S-1", "one").await.expect(201);
            } else {
                again.expect(201);
            }
            ask(&shop, "S-2", "two").await.refused(422, "decision.deny");
        }
    }
}

#[tokio::test]
async fn another_span_finds_what_was_done_before_it_was_asked_for() {
    let shop = open().await;
    shop.sale_of_today("S-2").await;
    shop.set("/v1/policies/lakala?activate=now", &document("2", rolling(1))).await.expect(200);
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &why()).await.expect(201);
    shop.set("/v1/policies/lakala?activate=now", &document("3", rolling_within(1, 7_200))).await.expect(200);
    shop.tell(&shop.supervisor, "/v1/transactions/S-2/voids", &why()).await.refused(422, "decision.deny");
}

#[tokio::test]
async fn what_cannot_be_decided_and_what_is_put_forward_is_on_record() {
    let shop = open().await;
    let by_payer = document("2", |document| {
        rolling(3)(document);
        document.void.as_mut().unwrap().count[0].counted = Counted::PayerToken;
    });
    shop.set("/v1/policies/lakala?activate=now", &by_payer).await.expect(200);
    let mut nobody = sale("S-2", "2026-11-23T11:50:00+08:00");
    nobody.as_object_mut().unwrap().remove("payer_token");
    shop.post(&shop.system, "/v1/transactions", &nobody).await.expect(201);
    for path in ["/v1/transactions/S-2/voids", "/v1/transactions/S-2/voids/check"] {
        assert_eq!(shop.tell(&shop.supervisor, path, &why()).await.status, 422, "{path}");
    }
    let listed = shop.decisions().await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    for item in &listed {
        let record: DecisionRecord = serde_json::from_value(item["record"].clone()).unwrap();
        assert!(matches!(record.answer, Answer::Error(_)), "{item}");
        assert_eq!(
            (&item["way"], item.get("outcome"), &item["policy"]["version"]),
            (&json!("void"), None, &json!("2"))
        );
    }
    // So is that nothing could be said of all ways.
    assert_eq!(shop.get(&shop.manager, "/v1/transactions/S-2/ways-back").await.status, 422);
    let listed = shop.decisions().await;
    let ways: Vec<&Value> = listed.iter().filter(|item| item["record"]["format"] == "ways/1").collect();
    assert_eq!(ways.len(), 1, "{listed:?}");
    let record: WaysRecord = serde_json::from_value(ways[0]["record"].clone()).unwrap();
    assert_eq!((record.answers.len(), &record.policy.version), (0, &"2".to_owned()));
    assert!(
        matches!(record.answer(), Err(DecisionError::MissingFact(fact)) if fact.starts_with("tallies.payer-token"))
    );
    assert_eq!(NativePolicy::load(&by_payer).unwrap().assess(&record.facts, None).err(), record.error);
    let lex = people::hire(&shop, "lex", &["M-1"], "compliance").await;
    let order = json!({"reference": "COURT-7", "reason": "order of the court"});
    shop.tell(&lex, "/v1/transactions/S-1/legal-orders", &order).await.expect(201);
    let listed = shop.decisions().await;
    let legal: Vec<&Value> =
        listed.iter().filter(|d| d["record"]["input"]["question"]["void"]["legal"] == true).collect();
    assert_eq!((legal.len(), &legal[0]["sale"]), (1, &json!("S-1")));
}

#[tokio::test]
async fn a_sale_is_taken_in_where_no_policy_can_say_what_it_is_charged() {
    let shop = open().await;
    let mut without = sale("S-5", "2026-11-23T11:50:00+08:00");
    without.as_object_mut().unwrap().remove("fee_charged");
    without["business_day"] = json!("2026-11-23");
    let app = &shop.world.app;
    for activation in app.activations("lakala").await.unwrap().unwrap().list {
        let key = Key::policy(&activation.hash);
        let broken = br#"{"f":"policy/1","v":1,"c":"x","d":{"canonical":"{}"}}"#;
        app.ports.kv().set(key.as_str(), broken).await.unwrap();
    }
    app.ports.forget_policies();
    shop.post(&shop.system, "/v1/transactions", &without).await.expect(201);
    let records = app.records().await.unwrap();
    let key = Key::sale(&shop.merchant, &SaleId::parse("S-5").unwrap());
    let there = records.read::<crate::sale::Aggregate>(&key).await.unwrap().unwrap().ledger.sale;
    assert!(there.fee_charged.is_zero());
    assert!(app.ports.logged().iter().any(|line| line.starts_with("ALERT no charge for sale S-5")));
}

#[tokio::test]
async fn refunds_are_counted_where_a_policy_wants_it() {
    let shop = open().await;
    let counted = document("2", |document| {
        document.refund.as_mut().unwrap().count = vec![CountLimit {
            at_ceiling: Permission::Refer,
            at_most: None,
            counted: Counted::PayerToken,
            per_business_day: Some(2),
            within: None,
        }];
    });
    shop.set("/v1/policies/lakala?activate=now", &counted).await.expect(200);
    let policy = NativePolicy::load(&counted).unwrap();
    let need = policy.needs().tallies.into_iter().find(|need| need.way == Way::Refund);
    shop.sale_of_yesterday("S-2").await;
    for amount in ["10.00", "20.00"] {
        shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", amount)).await.expect(201);
    }
    let Some(need) = need else { return };
    assert_eq!((need.counted, need.period), (Counted::PayerToken, Period::BusinessDay));
    let listed = shop.decisions().await;
    let counts = |item: &Value| item["record"]["input"]["facts"]["tallies"][0]["count"].as_u64();
    let mut counts: Vec<u64> = listed.iter().filter(|d| d["way"] == "refund").filter_map(counts).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 1]);
    shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", "5.00")).await.refused(422, "decision.refer");
}

#[tokio::test]
async fn another_policy_decides_at_terminals_of_its_class() {
    let shop = open().await;
    shop.set("/v1/policies/unionpay?activate=now", &people::policy("unionpay", |text| text)).await.expect(200);
    let settings = json!({"policy": "lakala", "policies_by_class": {"unattended": "unionpay"}});
    shop.set("/v1/merchants/M-1/settings", settings.to_string().as_bytes()).await.expect(200);
    let at_the_till = json!({"reason": "wrong-amount", "operator": "M-1.cashier"});
    let checked = async || shop.post(&shop.terminal, CHECK, &at_the_till).await.expect(200)["policy"]["name"].clone();
    assert_eq!(checked().await, "lakala", "a terminal of no class");
    shop.set("/v1/terminals/T1?merchant=M-1", br#"{"label":"door","class":"unattended"}"#).await.expect(200);
    assert_eq!(checked().await, "unionpay");
    // Whoever asks elsewhere asks under the policy of the terminal that made the payment, whether it is named or not.
    for ask in [why(), json!({"reason": "wrong-amount", "terminal": "T1"})] {
        let named = shop.post(&shop.supervisor, CHECK, &ask).await.expect(200);
        assert_eq!(named["policy"]["name"], "unionpay", "{ask}");
    }
    let ways = shop.get(&shop.manager, "/v1/transactions/S-1/ways-back").await.expect(200);
    assert_eq!(ways["ways"][0]["policy"]["name"], "unionpay", "{ways}");
    // Nobody picks the policy by naming another terminal.
    let second = json!({"merchant": "M-1", "id": "T2", "label": "counter"});
    shop.post(&shop.admin, "/v1/terminals", &second).await.expect(201);
    let mut other = sale("S-2", "2026-11-23T11:50:00+08:00");
    other["slip"]["terminal"] = json!("T2");
    shop.post(&shop.system, "/v1/transactions", &other).await.expect(201);
    let at_t1 = json!({"reason": "wrong-amount", "terminal": "T1"});
    let refused = shop.post(&shop.supervisor, "/v1/transactions/S-2/voids/check", &at_t1).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/terminal".to_owned()));
    let refused = shop.tell(&shop.supervisor, "/v1/transactions/S-2/voids", &at_t1).await;
    assert_eq!(refused.at(), (422, "body.invalid".to_owned(), "/terminal".to_owned()));
    let own = shop.post(&shop.supervisor, "/v1/transactions/S-2/voids/check", &why()).await.expect(200);
    assert_eq!(own["policy"]["name"], "lakala");
    let asked = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "10.00")).await;
    assert!(!asked.text.contains("lakala"), "{}", asked.text);
    let listed = shop.decisions().await;
    let refunds: Vec<&Value> = listed.iter().filter(|d| d["way"] == "refund").collect();
    assert_eq!((refunds.len(), &refunds[0]["policy"]["name"]), (1, &json!("unionpay")));
    let class = |item: &Value| item["record"]["input"]["facts"]["asker"]["terminal_class"].clone();
    let by = |name: &str| listed.iter().filter(|d| d["policy"]["name"] == name).map(class).collect::<Vec<Value>>();
    let unionpay = by("unionpay");
    let there = unionpay.iter().filter(|class| **class == json!("unattended")).count();
    assert_eq!(there, 1, "only what was asked at the terminal: {unionpay:?}");
    assert_eq!(by("lakala"), [Value::Null, Value::Null], "two checks, at a terminal of no class and without one");
}

#[tokio::test]
async fn what_holds_at_a_class_of_terminals_holds_for_what_is_asked_at_one() {
    let shop = open().await;
    let strict = document("2", |document| {
        let mut rules = document.void.clone().unwrap();
        rules.max_amount = Some(Amount::new(5_000).unwrap());
        let matches = Matcher { terminal_class: vec!["unattended".to_owned()], ..Matcher::default() };
        document.when.void.insert(0, Variant { matches, name: "unattended".to_owned(), rules });
    });
    shop.set("/v1/policies/lakala?activate=now", &strict).await.expect(200);
    shop.set("/v1/terminals/T1?merchant=M-1", br#"{"label":"door","class":"unattended"}"#).await.expect(200);
    let outcome = async |key: &str, ask: &Value| shop.post(key, CHECK, ask).await.expect(200)["outcome"].clone();
    // At the terminal 100.00 is too much; a back office is not there, whichever terminal it names.
    assert_eq!(outcome(&shop.terminal, &json!({"reason": "wrong-amount", "operator": "M-1.cashier"})).await, "deny");
    for key in [&shop.supervisor, &shop.system] {
        for ask in [why(), json!({"reason": "wrong-amount", "terminal": "T1"})] {
            let mut ask = ask.clone();
            if *key == shop.system {
                ask["operator"] = json!("M-1.supervisor");
            }
            assert_eq!(outcome(key, &ask).await, "allow", "{ask}");
        }
    }
    // The terminal that is named is still the one whose operations are counted.
    let listed = shop.decisions().await;
    let asker = |item: &Value| item["record"]["input"]["facts"]["asker"].clone();
    let named: Vec<Value> = listed.iter().map(asker).filter(|asker| !asker["terminal"].is_null()).collect();
    let classes = named.iter().filter(|asker| !asker["terminal_class"].is_null()).count();
    assert_eq!((named.len(), classes), (3, 1), "{named:?}");
}

#[tokio::test]
async fn evidence_that_comes_with_a_void_is_told_to_the_policy() {
    let shop = open().await;
    let receipt = Digest::of(b"a receipt");
    let ask = json!({"reason": "wrong-amount", "evidence": [{"kind": "receipt", "content": receipt.as_str()}]});
    shop.tell(&shop.supervisor, "/v1/transactions/S-1/voids", &ask).await.expect(201);
    let listed = shop.decisions().await;
    assert_eq!(listed[0]["record"]["input"]["question"]["void"]["evidence"], json!(["receipt"]));
}

#[tokio::test]
async fn without_a_fee_a_sale_has_what_the_policy_charges_and_the_same_again_is_the_same() {
    let shop = open().await;
    let mut without = sale("S-5", "2026-11-23T11:50:00+08:00");
    without.as_object_mut().unwrap().remove("fee_charged");
    let made = shop.post(&shop.system, "/v1/transactions", &without).await.expect(201);
    let policy = NativePolicy::load(&people::policy("lakala", |text| text)).unwrap();
    let records = shop.world.app.records().await.unwrap();
    let key = Key::sale(&shop.merchant, &SaleId::parse("S-5").unwrap());
    let there = records.read::<crate::sale::Aggregate>(&key).await.unwrap().unwrap().ledger.sale;
    let charge = policy.acquiring_fee(&there).unwrap().unwrap_or_else(|| there.captured.zero_like());
    assert_eq!(there.fee_charged, charge);
    assert_eq!(shop.post(&shop.system, "/v1/transactions", &without).await.expect(200), made);
    // Whatever is charged since.
    shop.set("/v1/policies/lakala?activate=now", &document("2", |document| document.charge.clear())).await.expect(200);
    assert_eq!(shop.post(&shop.system, "/v1/transactions", &without).await.expect(200), made);
    let mut told = without.clone();
    told["fee_charged"] = cny("0.61");
    shop.post(&shop.system, "/v1/transactions", &told).await.refused(409, "sale.conflict");
}

#[tokio::test]
async fn a_store_of_an_earlier_release_goes_on() {
    let shop = open().await;
    let kv = shop.world.app.ports.kv();
    let (name, first) = (Key::policy_name("lakala"), shop.deciding_version().await);
    for key in shop.stored() {
        if key.starts_with("policy-version") {
            kv.delete(&key).await.unwrap();
        }
    }
    let hash = Digest::of(&people::policy("lakala", |text| text));
    let old = json!({"f": "active-policy/1", "v": 1, "c": "x",
        "d": {"name": "lakala", "version": first, "hash": hash.as_str(), "since": {"unix_ms": 1}}});
    kv.set(name.as_str(), old.to_string().as_bytes()).await.unwrap();
    assert_eq!(shop.deciding_version().await, first);
    let kept = shop.get(&shop.admin, &format!("/v1/policies/lakala/versions/{first}")).await;
    assert_eq!(kept.text.as_bytes(), people::policy("lakala", |text| text));
    // Its version is taken, though nothing says so but that it is in force.
    let other = document(&first, at_most(1_000));
    shop.set("/v1/policies/lakala", &other).await.refused(409, "policy.version-taken");
    shop.set("/v1/policies/lakala?activate=now", &document("2", |_| {})).await.expect(200);
    assert_eq!(shop.states().await, of(&[(&first, "superseded"), ("2", "in-force")]));
}
