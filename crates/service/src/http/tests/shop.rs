//! A shop with its API: one merchant under the Lakala pack, another under UnionPay's, keys for everybody.

use crate::ports::Ports as _;
use crate::testkit::{Fault, Till, World};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use rescind_model::MerchantId;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub struct Shop {
    pub world: World,
    pub router: Router,
    pub merchant: MerchantId,
    pub admin: String,
    pub system: String,
    pub terminal: String,
    pub supervisor: String,
    pub manager: String,
    pub reviewer: String,
    pub finance: String,
    pub till: Till,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    pub fn code(&self) -> String {
        let body = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        assert_eq!(body["status"], self.status.as_u16(), "{body}");
        assert_eq!(body["type"], format!("/problems/{}", body["code"].as_str().unwrap()));
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty());
        body["code"].as_str().unwrap().to_owned()
    }

    /// The problem's code and field.
    pub fn at(&self) -> (u16, String, String) {
        let field = self.json()["field"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), self.code(), field)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{}", self.text);
        self.json()
    }
}

pub fn pack(name: &str) -> Vec<u8> {
    let (text, file) = match name {
        "lakala" => (include_str!("../../../../../policies/lakala.toml"), "lakala.toml"),
        _ => (include_str!("../../../../../policies/unionpay.toml"), "unionpay.toml"),
    };
    rescind_policy::compile(text, file).unwrap().canonical().to_vec()
}

/// A changed pack's text under a version of its own: what is installed never changes.
pub fn other_version(text: &str) -> String {
    let changed = text.replacen("\nversion = \"", "\nversion = \"changed-", 1);
    assert_ne!(changed, text, "a pack has a version");
    changed
}

/// The version of a compiled pack.
pub fn version_of(canonical: &[u8]) -> String {
    let document: Value = serde_json::from_slice(canonical).unwrap();
    document["version"].as_str().unwrap().to_owned()
}

impl Shop {
    pub async fn new() -> Self {
        Self::under("lakala").await
    }

    pub async fn under(policy: &str) -> Self {
        Self::on(Fault::None, policy).await
    }

    pub async fn on(fault: Fault, policy: &str) -> Self {
        let world = World::on(fault);
        let merchant = world.merchant("M-1", policy, &pack(policy)).await.unwrap();
        let admin = world.app.make_key(crate::principal::Bearer::Admin, "admin".to_owned()).await.unwrap().1;
        Self {
            router: crate::http::router(world.app.clone()),
            admin,
            system: world.system_key(&merchant).await.unwrap(),
            terminal: world.terminal_key(&merchant).await.unwrap(),
            supervisor: world.person_key(&merchant, "supervisor").await.unwrap(),
            manager: world.person_key(&merchant, "manager").await.unwrap(),
            reviewer: world.person_key(&merchant, "reviewer").await.unwrap(),
            finance: world.person_key(&merchant, "finance").await.unwrap(),
            till: Till::of(&world.app).await.unwrap(),
            merchant,
            world,
        }
    }

    /// A shop of its own, as this one is now.
    pub async fn copy(&self) -> Self {
        self.with(self.world.copy().await.unwrap())
    }

    /// The same, its database moved to another kind of store.
    pub async fn moved_to(&self, fault: Fault) -> Self {
        self.with(self.world.copied_to(fault).await.unwrap())
    }

    fn with(&self, world: World) -> Self {
        Self {
            router: crate::http::router(world.app.clone()),
            world,
            merchant: self.merchant.clone(),
            admin: self.admin.clone(),
            system: self.system.clone(),
            terminal: self.terminal.clone(),
            supervisor: self.supervisor.clone(),
            manager: self.manager.clone(),
            reviewer: self.reviewer.clone(),
            finance: self.finance.clone(),
            till: self.till.clone(),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub async fn call(&self, key: &str, method: &str, path: &str, idempotency: Option<&str>, body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(idempotency) = idempotency {
            request = request.header("idempotency-key", idempotency);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn get(&self, key: &str, path: &str) -> Reply {
        self.call(key, "GET", path, None, "").await
    }

    /// A request without an idempotency key.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.call(key, "POST", path, None, &body.to_string()).await
    }

    /// A request with a new idempotency key.
    pub async fn tell(&self, key: &str, path: &str, body: &Value) -> Reply {
        let fresh = self.world.app.random_hex(32);
        self.call(key, "POST", path, Some(&fresh), &body.to_string()).await
    }

    /// A good sale of 100.00 of the day before: it can be refunded, and under Lakala no longer voided.
    pub async fn sale_of_yesterday(&self, id: &str) {
        self.post(&self.system, "/v1/transactions", &sale(id, "2026-11-22T12:00:00+08:00")).await.expect(201);
    }

    /// A good sale of 100.00 of ten minutes ago: it can be voided.
    pub async fn sale_of_today(&self, id: &str) {
        self.post(&self.system, "/v1/transactions", &sale(id, "2026-11-23T11:50:00+08:00")).await.expect(201);
    }

    /// A request with an idempotency key and an operator's proof.
    pub async fn prove(&self, key: &str, path: &str, idempotency: &str, proof: &str, body: &Value) -> Reply {
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("idempotency-key", idempotency)
            .header("operator-proof", proof);
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A void of a sale of 100.00 for `wrong-amount` by the supervisor, with a proof for it, under a key.
    pub async fn void(&self, sale: &str, idempotency: &str) -> Reply {
        let proof = self.void_proof(sale);
        let path = format!("/v1/transactions/{sale}/voids");
        self.prove(&self.supervisor, &path, idempotency, &proof, &json!({"reason": "wrong-amount"})).await
    }

    /// The supervisor's proof for that void, given now.
    pub fn void_proof(&self, sale: &str) -> String {
        let operation = rescind_proof::Operation {
            merchant: self.merchant.as_str(),
            sale,
            way: "void",
            minor: 10_000,
            currency: "CNY",
            reason: Some("wrong-amount"),
            terminal: None,
            holder: "person",
            penalty: false,
            order: None,
            case: None,
            fees: None,
        };
        let supervisor = rescind_model::PersonId::parse("M-1.supervisor").unwrap();
        self.till.proof(self.world.app.ports.now(), &supervisor, "supervisor", &operation).unwrap()
    }

    /// A proof given now, by one of the merchant's persons in a role, for something done to a whole hold.
    pub fn hold_proof(&self, hold: &str, way: &str, minor: i64, role: &str, words: [Option<&str>; 2]) -> String {
        let [reason, terminal] = words;
        let merchant = self.merchant.as_str();
        let operation = rescind_proof::Operation {
            merchant,
            sale: hold,
            way,
            minor,
            currency: "CNY",
            reason,
            terminal,
            holder: if terminal.is_some() { "terminal" } else { "person" },
            penalty: false,
            order: None,
            case: None,
            fees: None,
        };
        let person = rescind_model::PersonId::parse(&format!("M-1.{role}")).unwrap();
        self.till.proof(self.world.app.ports.now(), &person, role, &operation).unwrap()
    }

    /// Makes one of the merchant's persons an operator.
    pub async fn operator(&self, number: &str, person: &str, role: &str) {
        let ask = json!({"number": number, "person": format!("M-1.{person}"), "role": role, "pin": FIRST_PIN});
        self.post(&self.manager, "/v1/operators", &ask).await.expect(201);
        self.choose(number, FIRST_PIN, PIN).await;
    }

    /// An operator chooses another PIN, at the terminal.
    pub async fn choose(&self, number: &str, pin: &str, new: &str) {
        let path = format!("/v1/operators/{number}/pin");
        let body = json!({"pin": pin, "new_pin": new}).to_string();
        assert_eq!(self.call(&self.terminal, "POST", &path, None, &body).await.status, 204);
    }

    /// A session of an operator, by PIN.
    pub async fn session(&self, key: &str, number: &str) -> Value {
        self.post(key, "/v1/operator-sessions", &json!({"number": number, "pin": PIN})).await.expect(201)
    }

    /// A proof for one operation, by PIN.
    pub async fn proof(&self, key: &str, session: &Value, operation: &Value) -> String {
        let path = format!("/v1/operator-sessions/{}/proofs", session["id"].as_str().unwrap());
        let ask = json!({"token": session["token"], "pin": PIN, "operation": operation});
        self.post(key, &path, &ask).await.expect(201)["proof"].as_str().unwrap().to_owned()
    }

    /// What lies in the store, in words: to show that nothing was stored.
    pub fn stored(&self) -> Vec<String> {
        self.world.app.ports.kv().keys()
    }
}

/// The PIN that a manager sets, and its operator changes.
pub const FIRST_PIN: &str = "271846";

/// The PIN of everybody here.
pub const PIN: &str = "839274";

pub fn cny(amount: &str) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

pub fn sale(id: &str, paid_at: &str) -> Value {
    json!({
        "id": id,
        "amount": cny("100.00"),
        "fee_charged": cny("0.60"),
        "channel": "card",
        "card_type": "credit",
        "slip": {"terminal": "T1", "batch": "000001", "voucher": id, "trace": id},
        "order_number": format!("ORDER-{id}"),
        "payer_token": "9f86d081884c7d659a2feaa0c55ad015",
        "paid_at": paid_at,
    })
}

pub fn refund(sale: &str, amount: &str) -> Value {
    json!({"sale": sale, "amount": cny(amount), "reason": "returned-goods"})
}
