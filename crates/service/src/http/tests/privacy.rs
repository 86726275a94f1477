//! What is personal: who sees it, where it never is, how it goes.

use super::shop::{Reply, Shop, cny, pack, refund, sale};
use crate::ports::{Kv as _, OutboundAnswer, Ports as _};
use crate::testkit::{Fault, Op, Plan, Trouble};
use axum::body::Body;
use http::Request;
use rescind_model::{Digest, Duration};
use serde_json::{Value, json};

const PHONE: &str = "13812345678";
const EMAIL: &str = "anna.li@example.com";
const NOTE: &str = "Anna wants it in blue";
const TOKEN: &str = "9f86d081884c7d659a2feaa0c55ad015";
const DAY: Duration = Duration { ms: 86_400_000 };

impl Shop {
    async fn role(&self, role: &str) -> String {
        use crate::directory::Person;
        use crate::principal::{Bearer, Grant};
        let person = rescind_model::PersonId::parse(&format!("M-1.the-{role}")).unwrap();
        let roles = vec![rescind_model::Role::parse(role).unwrap()];
        let grants = vec![Grant { merchant: self.merchant.clone(), roles }];
        let made = Person { id: person.clone(), name: role.to_owned(), grants };
        self.world.app.create_person(&self.world.admin, made).await.unwrap();
        self.world.app.make_key(Bearer::Person { person }, role.to_owned()).await.unwrap().1
    }

    /// A sale with a contact, and a refund of it with a note, another contact and evidence; the refund's path.
    async fn personal_story(&self) -> String {
        let cashier = self.world.person_key(&self.merchant, "cashier").await.unwrap();
        let mut new = sale("S-1", "2026-11-22T12:00:00+08:00");
        new["operator"] = json!("M-1.cashier");
        new["contact"] = json!({"phone": PHONE});
        self.post(&self.system, "/v1/transactions", &new).await.expect(201);
        self.post(&self.system, "/v1/transactions", &new).await.expect(200);
        let made = self.tell(&cashier, "/v1/refunds", &asked()).await.expect(201);
        format!("/v1/refunds/{}", made["id"].as_str().unwrap())
    }

    async fn put(&self, key: &str, path: &str, media: &str, bytes: &[u8]) -> Reply {
        let request = Request::put(path).header("authorization", format!("Bearer {key}")).header("content-type", media);
        self.send(request.body(Body::from(bytes.to_vec())).unwrap()).await
    }

    async fn erased(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.call(key, "DELETE", path, None, &body.to_string()).await
    }

    async fn chain_holds(&self, id: &str) {
        let system = self.world.app.authenticate(Some(&format!("Bearer {}", self.system))).await.unwrap();
        let sale = rescind_model::SaleId::parse(id).unwrap();
        let aggregate = self.world.app.sale(&system, &self.merchant, &sale).await.unwrap();
        assert_eq!(rescind_model::chain::verify(&aggregate.ledger, &aggregate.events), Ok(()));
    }

    async fn bytes_stored(&self) -> String {
        let mut all = String::new();
        for key in self.stored() {
            let value = self.world.app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
            all.push_str(&String::from_utf8_lossy(&value));
        }
        all
    }
}

fn asked() -> Value {
    let mut ask = refund("S-1", "60.00");
    ask["note"] = json!(NOTE);
    ask["contact"] = json!({"email": EMAIL});
    ask["evidence"] = json!([{"kind": "receipt", "content": Digest::of(b"a receipt").hex}]);
    ask
}

fn holds_any(text: &str, of: &[&str]) -> Option<String> {
    of.iter().find(|t| text.contains(**t)).map(|t| (*t).to_owned())
}

#[tokio::test]
async fn each_role_sees_what_the_table_says() {
    let shop = Shop::new().await;
    let refund = shop.personal_story().await;
    for (who, note, email, phone, token) in [
        ("cashier", None, "a***@example.com", "138****5678", "****d015"),
        ("supervisor", Some(NOTE), "a***@example.com", "138****5678", "****d015"),
        ("auditor", Some(NOTE), "a***@example.com", "138****5678", TOKEN),
        ("reviewer", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("manager", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("finance", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("support", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("compliance", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("system", Some(NOTE), EMAIL, PHONE, TOKEN),
        ("terminal", None, "a***@example.com", "138****5678", "****d015"),
    ] {
        let key = match who {
            "system" => shop.system.clone(),
            "terminal" => shop.terminal.clone(),
            // The cashier who sold: others of the role do not see the sale at all.
            "cashier" => shop.world.person_key(&shop.merchant, "cashier").await.unwrap(),
            role => shop.role(role).await,
        };
        let seen = shop.get(&key, &refund).await.expect(200);
        assert_eq!(seen["note"]["text"].as_str(), note, "{who}: {seen}");
        assert_eq!(seen["contact"]["text"], email, "{who}: {seen}");
        assert_eq!(seen["evidence"][0]["stored"], false, "{who}");
        let listed = shop.get(&key, "/v1/refunds").await.expect(200);
        assert_eq!(listed["items"][0]["note"], seen["note"], "{who}");
        let seen = shop.get(&key, "/v1/transactions/S-1").await.expect(200);
        assert_eq!(seen["contact"]["text"], phone, "{who}: {seen}");
        assert_eq!(seen["payer_token"], token, "{who}");
        assert_eq!(seen["refunds"][0]["contact"]["text"], email, "{who}");
        let found = shop.get(&key, "/v1/transactions?order_number=ORDER-S-1").await.expect(200);
        assert_eq!(
            (&found["items"][0]["contact"], &found["items"][0]["payer_token"]),
            (&seen["contact"], &json!(token))
        );
    }
}

/// Every route that shows something, asked by those who see least; then the log, the feed, webhooks, what was sent to the
/// provider, and what is kept under idempotency keys.
#[tokio::test]
async fn nothing_personal_leaks_to_the_till_the_log_or_the_outside() {
    let shop = Shop::new().await;
    let app = &shop.world.app;
    let endpoint = json!({"url": "https://hooks.example/x", "audience": "merchant", "locale": "en"});
    shop.post(&shop.manager, "/v1/webhook-endpoints", &endpoint).await.expect(201);
    app.ports
        .answer_with(Box::new(|_, _, _| Ok(OutboundAnswer { status: 200, body: br#"{"status":"done"}"#.to_vec() })));
    let refund = shop.personal_story().await;
    shop.tell(&shop.reviewer, &format!("{refund}/approvals"), &json!({})).await;
    shop.tell(&shop.finance, &format!("{refund}/clearings"), &json!({})).await;
    for _ in 0..5 {
        app.ports.pass(Duration { ms: 2_000 });
        app.tick().await.unwrap();
    }
    let private = [PHONE, EMAIL, NOTE, TOKEN, "anna.li", "12345678"];
    let cashier = shop.world.person_key(&shop.merchant, "cashier").await.unwrap();
    let mut seen = 0;
    for key in [&cashier, &shop.terminal, &shop.admin] {
        for (method, route) in crate::http::routes::<crate::testkit::TestPorts>() {
            let id = if route.starts_with("/v1/refunds/") { refund.trim_start_matches("/v1/refunds/") } else { "S-1" };
            for query in [
                "",
                "?merchant=M-1",
                "?merchant=M-1&order_number=ORDER-S-1",
                "?merchant=M-1&audience=reviewer&locale=en",
            ] {
                let path = format!("{}{query}", route.replace("{id}", id));
                if method == http::Method::GET {
                    let reply = shop.get(key, &path).await;
                    assert_eq!(holds_any(&reply.text, &private), None, "{path}: {}", reply.text);
                    seen += usize::from(reply.status.is_success() && reply.text.contains("S-1"));
                }
            }
        }
        // Answers to instructions, also the second time.
        for _ in 0..2 {
            let reply = shop
                .call(key, "POST", "/v1/refunds?merchant=M-1", Some(&format!("again {key}")), &asked().to_string())
                .await;
            assert_eq!(holds_any(&reply.text, &private), None, "{}", reply.text);
        }
    }
    assert!(seen > 15, "only {seen} answers were about the sale");
    let told = app.ports.sent();
    assert!(told.iter().any(|s| s.url.starts_with("https://hooks.example")), "no webhook was sent");
    for sent in told {
        let text = format!("{} {:?} {}", sent.url, sent.headers, String::from_utf8_lossy(&sent.body));
        assert_eq!(holds_any(&text, &private), None, "{text}");
    }
    shop.post(&shop.system, "/v1/transactions", &json!({"id": "S-2", "contact": {"phone": format!("{PHONE}x")}})).await;
    assert_eq!(holds_any(&app.ports.logged().join("\n"), &private), None);
    for key in shop.stored() {
        let value = app.ports.kv().get(&key).await.unwrap().unwrap_or_default();
        let text = String::from_utf8_lossy(&value).into_owned();
        let allowed: &[&str] = match key.split(':').next().unwrap() {
            "personal" => &private,
            // The token is the payer's pseudonym, and what the policy counts by.
            "sale" | "decision" => &[TOKEN, "12345678"],
            _ => &["12345678"],
        };
        let kept: Vec<&str> = private.iter().copied().filter(|p| !allowed.contains(p)).collect();
        assert_eq!(holds_any(&text, &kept), None, "{key}: {text}");
    }
}

#[tokio::test]
async fn an_erasure_takes_the_texts_and_leaves_the_chain() {
    let shop = Shop::new().await;
    let refund = shop.personal_story().await;
    let compliance = shop.role("compliance").await;
    let path = "/v1/transactions/S-1/erasures";
    let why = json!({"reason": "the customer asked"});
    // Wrong role, other merchant, no key, no reason.
    for key in [&shop.system, &shop.terminal, &shop.supervisor, &shop.reviewer, &shop.finance, &shop.admin] {
        shop.tell(key, &format!("{path}?merchant=M-1"), &why).await.refused(403, "auth.forbidden");
    }
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.person_key(&other, "manager").await.unwrap();
    shop.tell(&stranger, path, &why).await.refused(404, "not-found");
    shop.post(&compliance, path, &why).await.refused(400, "idempotency.key-missing");
    shop.tell(&compliance, path, &json!({})).await.refused(422, "body.invalid");
    let foreign = json!({"reason": "r", "commitments": [Digest::of(b"not here").hex]});
    shop.tell(&compliance, path, &foreign).await.refused(422, "body.invalid");

    // One by its commitment.
    let before = shop.get(&compliance, &refund).await.expect(200);
    let note = before["note"]["commitment"].clone();
    let one = json!({"reason": "a slip of the pen", "commitments": [note]});
    assert_eq!(shop.tell(&shop.manager, path, &one).await.expect(200)["erased"], json!([note]));
    let seen = shop.get(&compliance, &refund).await.expect(200);
    assert_eq!(seen["note"], json!({"commitment": note, "kind": "note", "erased": true}));
    assert_eq!(seen["contact"]["text"], EMAIL);

    // All of it; the same key again and another key are harmless.
    let first = shop.call(&compliance, "POST", path, Some("erase-1"), &why.to_string()).await;
    assert_eq!(first.json()["erased"].as_array().unwrap().len(), 3, "{}", first.text);
    let again = shop.call(&compliance, "POST", path, Some("erase-1"), &why.to_string()).await;
    assert_eq!((first.status.as_u16(), &first.text), (200, &again.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let events = shop.get(&compliance, "/v1/transactions/S-1").await.expect(200)["history"].clone();
    shop.tell(&compliance, path, &why).await.expect(200);
    let seen = shop.get(&compliance, "/v1/transactions/S-1").await.expect(200);
    assert_eq!(seen["history"], events, "an erasure is told once");
    assert_eq!(seen["contact"]["erased"], true);
    assert_eq!(seen["refunds"][0]["contact"]["erased"], true);
    let told = events.as_array().unwrap().iter().filter(|e| e["type"] == "data.erased").count();
    assert_eq!(told, 2);
    let left = shop.bytes_stored().await;
    assert_eq!(holds_any(&left, &[PHONE, EMAIL, NOTE]), None);
    shop.chain_holds("S-1").await;

    // The sale can be registered again and the refund go on.
    let mut same = sale("S-1", "2026-11-22T12:00:00+08:00");
    same["operator"] = json!("M-1.cashier");
    same["contact"] = json!({"phone": PHONE});
    shop.post(&shop.system, "/v1/transactions", &same).await.expect(200);
    assert_eq!(holds_any(&shop.bytes_stored().await, &[PHONE]), None, "what was erased came back");
    shop.chain_holds("S-1").await;
}

#[tokio::test]
async fn an_export_shows_what_its_taker_may_see_and_nothing_that_was_erased() {
    let shop = Shop::new().await;
    shop.personal_story().await;
    let export = "/v1/transactions/S-1/export";
    let compliance = shop.role("compliance").await;
    let whole = shop.get(&compliance, export).await.expect(200);
    let texts = |export: &Value| -> Vec<String> {
        export["personal"].as_array().unwrap().iter().filter_map(|p| p["text"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(texts(&whole), [PHONE, NOTE, EMAIL]);
    let auditor = shop.role("auditor").await;
    assert_eq!(texts(&shop.get(&auditor, export).await.expect(200)), ["138****5678", NOTE, "a***@example.com"]);
    let masked = shop.get(&shop.finance, export).await;
    assert_eq!(holds_any(&masked.text, &[PHONE, NOTE, EMAIL, TOKEN]), None);
    assert_eq!(masked.expect(200)["personal"], json!([]));
    shop.tell(&compliance, "/v1/transactions/S-1/erasures", &json!({"reason": "asked"})).await.expect(200);
    let after = shop.get(&compliance, export).await;
    assert_eq!(holds_any(&after.text, &[PHONE, NOTE, EMAIL]), None);
    let after = after.expect(200);
    assert_eq!(after["chain"]["intact"], true);
    assert_eq!(after["personal"].as_array().unwrap().iter().filter(|p| p["erased"] == true).count(), 3);
}

#[tokio::test]
async fn a_reviewers_question_and_its_answer_are_as_personal_as_the_request() {
    let shop = Shop::new().await;
    let mut large = sale("S-2", "2026-11-22T12:00:00+08:00");
    large["amount"] = cny("5000.00");
    shop.post(&shop.system, "/v1/transactions", &large).await.expect(201);
    let made = shop.tell(&shop.manager, "/v1/refunds", &refund("S-2", "500.00")).await.expect(201);
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    let question = "which of Anna's two?";
    let asked = shop.tell(&shop.reviewer, &format!("{path}/inquiries"), &json!({"question": question})).await;
    assert_eq!(holds_any(&asked.text, &["Anna"]), None);
    assert_eq!(asked.expect(200)["state"], "needs-information");
    // Whoever may have to answer reads it; the ledger holds a commitment, and nobody else is told more.
    for key in [&shop.terminal, &shop.supervisor, &shop.system] {
        let shown = shop.get(key, &path).await.expect(200);
        assert_eq!(shown["inquiries"][0]["question"]["text"], question, "{shown}");
    }
    let ledger = shop.world.app.ports.kv().get("sale:M-1:S-2").await.unwrap().unwrap();
    assert_eq!(holds_any(&String::from_utf8_lossy(&ledger), &["Anna"]), None);
    let seen = shop.get(&shop.admin, &format!("{path}?merchant=M-1")).await;
    assert_eq!((holds_any(&seen.text, &["Anna"]), seen.status.as_u16()), (None, 200));
    let answered = shop.tell(&shop.manager, &format!("{path}/information"), &json!({"note": "the one for Anna"})).await;
    assert_eq!(holds_any(&answered.text, &["Anna"]), None);
    answered.expect(200);
    assert_eq!(shop.get(&shop.reviewer, &path).await.expect(200)["note"]["text"], "the one for Anna");
    assert_eq!(holds_any(&shop.get(&shop.terminal, &path).await.text, &["the one for Anna"]), None);
    let why = json!({"reason": "asked"});
    shop.tell(&shop.manager, "/v1/transactions/S-2/erasures", &why).await.expect(200);
    assert_eq!(holds_any(&shop.bytes_stored().await, &["Anna"]), None);
    shop.chain_holds("S-2").await;
}

#[tokio::test]
async fn a_sale_is_the_same_only_with_the_same_contact() {
    let shop = Shop::new().await;
    let mut new = sale("S-1", "2026-11-22T12:00:00+08:00");
    new["contact"] = json!({"phone": PHONE});
    let made = shop.post(&shop.system, "/v1/transactions", &new).await.expect(201);
    assert_eq!(shop.post(&shop.system, "/v1/transactions", &new).await.expect(200)["contact"], made["contact"]);
    for other in [json!({"phone": "13812345679"}), json!({"app": PHONE}), Value::Null] {
        new["contact"] = other;
        shop.post(&shop.system, "/v1/transactions", &new).await.refused(409, "sale.conflict");
    }
}

#[tokio::test]
async fn another_note_under_the_same_key_is_another_request() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let first = shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &asked().to_string()).await;
    let made = first.clone().expect(201);
    let again = shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &asked().to_string()).await;
    assert_eq!(again.expect(201)["digest"], made["digest"]);
    for (field, value) in [("note", json!("something else")), ("contact", json!({"email": "b@example.com"}))] {
        let mut other = asked();
        other[field] = value;
        let reply = shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &other.to_string()).await;
        reply.refused(422, "idempotency.key-reused");
    }
}

fn photo(bytes: usize) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff][..], &vec![7; bytes]].concat()
}

#[tokio::test]
async fn evidence_is_what_its_name_says_and_only_for_those_who_decide() {
    let shop = Shop::new().await;
    let bytes = photo(1_000);
    let content = Digest::of(&bytes);
    let path = format!("/v1/evidence/{content}");
    let cashier = shop.world.person_key(&shop.merchant, "cashier").await.unwrap();
    // Not what it says, not a kind that is taken, not for everybody.
    shop.put(&cashier, &path, "image/jpeg", b"\xff\xd8\xffother").await.refused(422, "parameter.invalid");
    shop.put(&cashier, &path, "image/png", &bytes).await.refused(422, "body.invalid");
    shop.put(&cashier, &path, "image/svg+xml", &bytes).await.refused(415, "evidence.media-unknown");
    shop.put(&cashier, "/v1/evidence/nonsense", "image/jpeg", &bytes).await.refused(404, "not-found");
    shop.put(&shop.reviewer, &path, "image/jpeg", &bytes).await.refused(403, "auth.forbidden");
    let card = b"my card is 4111111111111111";
    let reply =
        shop.put(&cashier, &format!("/v1/evidence/{}", Digest::of(card)), "text/plain; charset=utf-8", card).await;
    reply.refused(422, "body.invalid");
    let large = photo(300_000);
    let reply = shop.put(&cashier, &format!("/v1/evidence/{}", Digest::of(&large)), "image/jpeg", &large).await;
    reply.refused(413, "body.too-large");
    shop.get(&shop.reviewer, &path).await.refused(404, "not-found");

    let made = shop.put(&cashier, &path, "image/jpeg", &bytes).await.expect(201);
    assert_eq!((&made["size"], &made["given_by"]), (&json!(1_003), &json!("M-1.cashier")));
    assert_eq!(shop.put(&shop.terminal, &path, "image/jpeg", &bytes).await.expect(200), made);
    for role in ["reviewer", "manager", "finance", "support", "compliance", "auditor"] {
        let key = shop.role(role).await;
        let request = Request::get(&path).header("authorization", format!("Bearer {key}")).body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(shop.router.clone(), request).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"image/jpeg".parse().unwrap()),
            "{role}"
        );
        assert_eq!(response.headers()["content-disposition"], "attachment");
        let got = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        assert_eq!(got.to_vec(), bytes);
        assert_eq!(shop.get(&key, &format!("{path}/description")).await.expect(200), made);
    }
    let supervisor = shop.supervisor.clone();
    for key in [&cashier, &shop.terminal, &supervisor] {
        shop.get(key, &path).await.refused(403, "auth.forbidden");
        shop.get(key, &format!("{path}/description")).await.refused(403, "auth.forbidden");
        shop.erased(key, &path, &json!({})).await.refused(403, "auth.forbidden");
    }
    let other = shop.world.merchant("M-2", "unionpay", &pack("unionpay")).await.unwrap();
    let stranger = shop.world.person_key(&other, "manager").await.unwrap();
    shop.get(&stranger, &path).await.refused(404, "not-found");
    shop.erased(&stranger, &path, &json!({})).await.refused(404, "not-found");
}

#[tokio::test]
async fn large_evidence_comes_in_parts_and_parts_that_nobody_completes_go() {
    let shop = Shop::new().await;
    let app = &shop.world.app;
    let bytes = photo(600_000);
    let content = Digest::of(&bytes);
    let parts: Vec<&[u8]> = bytes.chunks(256 * 1024).collect();
    let names: Vec<String> = parts.iter().map(|p| Digest::of(p).hex).collect();
    let path = format!("/v1/evidence/{content}");
    let whole = json!({"media_type": "image/jpeg", "parts": names});
    for (part, name) in parts.iter().zip(&names).skip(1) {
        for _ in 0..2 {
            let reply =
                shop.put(&shop.terminal, &format!("{path}/parts/{name}"), "application/octet-stream", part).await;
            assert_eq!(reply.status.as_u16(), 204, "{}", reply.text);
        }
    }
    let reply = shop.post(&shop.terminal, &format!("{path}/completions"), &whole).await;
    assert_eq!(reply.at(), (422, "body.invalid".to_owned(), "/parts/0".to_owned()));
    let wrong = shop.put(&shop.terminal, &format!("{path}/parts/{}", names[0]), "image/jpeg", b"else").await;
    wrong.refused(422, "parameter.invalid");
    shop.put(&shop.terminal, &format!("{path}/parts/{}", names[0]), "image/jpeg", parts[0]).await;
    let mut mixed = whole.clone();
    mixed["parts"].as_array_mut().unwrap().reverse();
    shop.post(&shop.terminal, &format!("{path}/completions"), &mixed).await.refused(422, "parameter.invalid");
    shop.post(&shop.reviewer, &format!("{path}/completions"), &whole).await.refused(403, "auth.forbidden");
    let made = shop.post(&shop.terminal, &format!("{path}/completions"), &whole).await.expect(201);
    assert_eq!(shop.post(&shop.terminal, &format!("{path}/completions"), &whole).await.expect(200), made);
    // Parts of something that never becomes whole.
    let lost = Digest::of(b"never whole");
    let part = Digest::of(b"a part");
    shop.put(&shop.terminal, &format!("/v1/evidence/{lost}/parts/{part}"), "image/jpeg", b"a part").await;
    let kept = |shop: &Shop| shop.stored().iter().filter(|k| k.starts_with("evidence-part:")).count();
    assert_eq!(kept(&shop), 4);
    for _ in 0..3 {
        app.ports.pass(DAY);
        app.tick().await.unwrap();
    }
    assert_eq!(kept(&shop), 3, "the parts of the whole stay, the other goes");
    shop.get(&shop.reviewer, &format!("{path}/description")).await.expect(200);
}

#[tokio::test]
async fn evidence_that_an_operation_rests_on_goes_by_compliance_alone() {
    let shop = Shop::new().await;
    let bytes = b"a receipt";
    let content = Digest::of(bytes);
    let path = format!("/v1/evidence/{content}");
    shop.put(&shop.system, &path, "text/plain", bytes).await.expect(201);
    // A refund that waits for a person.
    let refund = shop.personal_story().await;
    assert_eq!(shop.get(&shop.manager, &refund).await.expect(200)["evidence"][0]["stored"], true);
    let compliance = shop.role("compliance").await;
    shop.erased(&shop.manager, &path, &json!({"reason": "tidy"})).await.refused(409, "evidence.needed");
    shop.erased(&compliance, &path, &json!({})).await.refused(409, "evidence.needed");
    // An erasure of the payment by the manager leaves it too, and says so.
    let why = json!({"reason": "the customer asked"});
    let done = shop.tell(&shop.manager, "/v1/transactions/S-1/erasures", &why).await.expect(200);
    assert_eq!(done["kept"], json!([content.hex]));
    let gone = shop.erased(&compliance, &path, &why).await.expect(200);
    assert_eq!(gone["erased"]["because"], "the customer asked");
    assert_eq!(shop.erased(&compliance, &path, &why).await.expect(200), gone, "again is harmless");
    shop.get(&compliance, &path).await.refused(404, "not-found");
    shop.put(&shop.system, &path, "text/plain", bytes).await.refused(409, "evidence.erased");
    assert_eq!(shop.get(&shop.manager, &refund).await.expect(200)["evidence"][0]["stored"], false);
    assert!(!shop.stored().iter().any(|k| k.starts_with("evidence-part:")));
    let history = shop.get(&compliance, "/v1/transactions/S-1").await.expect(200)["history"].clone();
    let told: Vec<&str> = history.as_array().unwrap().iter().filter_map(|e| e["reason"].as_str()).collect();
    assert!(told.iter().any(|r| r.contains(content.as_str())), "{told:?}");
    shop.chain_holds("S-1").await;
    // Nothing rests on it: the manager may.
    let other = b"another receipt";
    let path = format!("/v1/evidence/{}", Digest::of(other));
    shop.put(&shop.system, &path, "text/plain", other).await.expect(201);
    shop.erased(&shop.manager, &path, &json!({})).await.expect(200);
}

#[tokio::test]
async fn after_its_time_everything_personal_goes_a_day_at_a_time() {
    let shop = Shop::new().await;
    let app = &shop.world.app;
    let content = Digest::of(b"a receipt");
    shop.put(&shop.system, &format!("/v1/evidence/{content}"), "text/plain", b"a receipt").await.expect(201);
    shop.personal_story().await;
    let refund =
        shop.get(&shop.manager, "/v1/refunds").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let days = {
        use crate::ports::Policy as _;
        let merchant = app.merchant(&shop.merchant).await.unwrap();
        app.policy_of(&merchant).await.unwrap().terms().retention_days
    };
    assert!(days > 100);
    // Months in which nothing is erased, and the courier does not run for most of them.
    app.tick().await.unwrap();
    for _ in 0..days - 2 {
        app.ports.pass(DAY);
    }
    let mut erased = 0;
    for _ in 0..60 {
        erased += app.tick().await.unwrap().erased;
    }
    assert_eq!(erased, 0);
    assert_eq!(shop.get(&shop.manager, &format!("/v1/refunds/{refund}")).await.expect(200)["note"]["text"], NOTE);
    app.ports.pass(DAY);
    app.ports.pass(DAY);
    app.ports.pass(DAY);
    for _ in 0..3 {
        erased += app.tick().await.unwrap().erased;
    }
    assert_eq!(erased, 5, "two contacts, a note, a receipt and a decision");
    assert!(!shop.stored().iter().any(|key| key.starts_with("decision")), "{:?}", shop.stored());
    let seen = shop.get(&shop.manager, &format!("/v1/refunds/{refund}")).await.expect(200);
    assert_eq!((&seen["note"]["erased"], &seen["contact"]["erased"]), (&json!(true), &json!(true)), "{seen}");
    assert_eq!(seen["evidence"][0]["stored"], false);
    assert_eq!(holds_any(&shop.bytes_stored().await, &[PHONE, EMAIL, NOTE, "a receipt"]), None);
    assert!(!shop.stored().iter().any(|k| k.starts_with("evidence-part:") || k.starts_with("evidence:M-1")));
    let history = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200)["history"].clone();
    let told = history.as_array().unwrap().iter().filter(|e| e["type"] == "data.erased").count();
    assert!(told >= 2, "{history}");
    shop.chain_holds("S-1").await;
}

const TROUBLES: [(usize, Trouble); 3] = [(0, Trouble::FailsBefore), (1, Trouble::FailsAfter), (2, Trouble::SaysDone)];
const BACKENDS: [Fault; 3] = [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused];

/// At every place where a store can fail: a submission with personal data has one effect and one commitment each; an
/// erasure takes everything and is told once; retention goes on where it stopped.
#[tokio::test]
async fn faults_lose_no_text_and_keep_none() {
    // Every third place for each of three backends and three troubles: each place is struck on each backend.
    for (nth, backend) in BACKENDS.into_iter().enumerate() {
        let start = Shop::on(backend, "lakala").await;
        start.sale_of_yesterday("S-1").await;
        let submitted = start.copy().await;
        submitted.call(&submitted.manager, "POST", "/v1/refunds", Some("k-1"), &asked().to_string()).await.expect(201);
        for (offset, trouble) in TROUBLES {
            for n in (0..80).skip((nth + offset) % 3).step_by(3) {
                // Submitted with trouble, then again.
                let shop = start.copy().await;
                let kv = shop.world.app.ports.kv();
                let begun = kv.calls().total();
                kv.plan(Plan::once(trouble, n));
                let submit = || async {
                    shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &asked().to_string()).await
                };
                submit().await;
                let struck = kv.calls().total() > begun + n;
                kv.calm();
                shop.world.app.ports.pass(Duration { ms: 40_000 });
                let made = submit().await.expect(201);
                let case = format!("{backend:?}, {trouble:?} at {n}");
                let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
                let seen = shop.get(&shop.manager, &path).await.expect(200);
                assert_eq!((&seen["note"]["text"], &seen["contact"]["text"]), (&json!(NOTE), &json!(EMAIL)), "{case}");

                // Erased with trouble, then again.
                kv.plan(Plan::once(trouble, n));
                let why = json!({"reason": "asked"}).to_string();
                let erase = || async {
                    shop.call(&shop.manager, "POST", "/v1/transactions/S-1/erasures", Some("e-1"), &why).await
                };
                erase().await;
                kv.calm();
                shop.world.app.ports.pass(Duration { ms: 40_000 });
                erase().await.expect(200);
                let seen = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
                let told = seen["history"].as_array().unwrap().iter().filter(|e| e["type"] == "data.erased").count();
                assert_eq!(told, 1, "{case}: {seen}");
                assert_eq!(seen["refunds"][0]["note"]["erased"], true, "{case}");
                assert_eq!(holds_any(&shop.bytes_stored().await, &[NOTE, EMAIL]), None, "{case}");
                shop.chain_holds("S-1").await;
                if !struck {
                    break;
                }
            }
        }
        for (offset, trouble) in TROUBLES {
            for n in (0..60).skip((nth + offset) % 3).step_by(3) {
                let shop = submitted.copy().await;
                let app = &shop.world.app;
                app.ports.pass(Duration { ms: DAY.ms * 400 });
                let begun = app.ports.kv().calls().total();
                app.ports.kv().plan(Plan::once(trouble, n));
                let first = app.retain().await;
                let struck = app.ports.kv().calls().total() > begun + n;
                app.ports.kv().calm();
                for _ in 0..15 {
                    app.retain().await.unwrap();
                }
                let case = format!("{backend:?}, retention, {trouble:?} at {n}: {first:?}");
                assert_eq!(holds_any(&shop.bytes_stored().await, &[NOTE, EMAIL]), None, "{case}");
                let seen = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
                let told = seen["history"].as_array().unwrap().iter().filter(|e| e["type"] == "data.erased").count();
                assert_eq!(told, 1, "{case}");
                shop.chain_holds("S-1").await;
                if !struck {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_races_with_readers_and_with_the_request_it_erases() {
    for backend in BACKENDS {
        let start = Shop::on(backend, "lakala").await;
        let refund = start.personal_story().await;
        for seed in 0..12 {
            let shop = start.copy().await;
            let kv = shop.world.app.ports.kv();
            kv.seed(seed);
            kv.plan(Plan::always(Trouble::Slow));
            let why = json!({"reason": "asked"});
            let mut more = asked();
            more["amount"] = cny("40.00");
            let more = more.to_string();
            let (read, erased, again, submitted) = tokio::join!(
                shop.get(&shop.manager, &refund),
                shop.tell(&shop.manager, "/v1/transactions/S-1/erasures", &why),
                shop.get(&shop.manager, "/v1/transactions/S-1"),
                shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &more),
            );
            kv.calm();
            let case = format!("{backend:?}, seed {seed}");
            for seen in [read.expect(200)["note"].clone(), again.expect(200)["refunds"][0]["note"].clone()] {
                assert!(seen["text"] == NOTE || seen["erased"] == true, "{case}: {seen}");
            }
            let submitted = submitted.expect(201);
            let erased = erased.expect(200);
            // What the erasure answered for is gone; what came after it is there, or was caught.
            let seen = shop.get(&shop.manager, "/v1/transactions/S-1").await.expect(200);
            let gone: Vec<&str> = erased["erased"].as_array().unwrap().iter().filter_map(|d| d.as_str()).collect();
            for view in seen["refunds"].as_array().unwrap() {
                for personal in [&view["note"], &view["contact"]] {
                    let named = gone.contains(&personal["commitment"].as_str().unwrap());
                    assert_eq!(named, personal["erased"] == true, "{case}: {personal}");
                }
            }
            assert_eq!(seen["refunds"].as_array().unwrap().len(), 2, "{case}");
            assert!(submitted["note"]["commitment"].is_string());
            shop.chain_holds("S-1").await;
        }
    }
}

#[tokio::test]
async fn what_was_erased_while_its_request_was_on_its_way_does_not_come_back() {
    let shop = Shop::new().await;
    shop.sale_of_yesterday("S-1").await;
    let kv = shop.world.app.ports.kv();
    // The texts are kept; the sale itself cannot be written.
    kv.plan(Plan::always(Trouble::FailsBefore).on("sale:").of(Op::Swap));
    let submit = || async { shop.call(&shop.manager, "POST", "/v1/refunds", Some("k-1"), &asked().to_string()).await };
    submit().await.refused(503, "store.unavailable");
    kv.calm();
    assert!(holds_any(&shop.bytes_stored().await, &[NOTE]).is_some());
    shop.tell(&shop.manager, "/v1/transactions/S-1/erasures", &json!({"reason": "asked"})).await.expect(200);
    assert_eq!(holds_any(&shop.bytes_stored().await, &[NOTE, EMAIL]), None);
    let made = submit().await.expect(201);
    let seen = shop.get(&shop.manager, &format!("/v1/refunds/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(seen["note"]["erased"], true);
    assert_eq!(holds_any(&shop.bytes_stored().await, &[NOTE, EMAIL]), None);
}
