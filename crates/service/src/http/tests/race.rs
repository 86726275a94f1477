//! Every instruction against its opposite: two at once end as if one had come after the other.
//!
//! The first is held up before its first operation of the store, its second, and so on to its last, and each time the
//! other is carried out in between, from beginning to end; then the roles are exchanged. Whatever the two leave behind
//! and were answered has to be what one of the two orders without a race leaves and answers. Then time passes, the
//! courier works, and the same has to hold again, nothing was sent to the provider twice, and no payment gave back
//! more than was taken.

mod payment;
mod refund;
mod staff;

use super::people;
use super::shop::{Reply, Shop};
use crate::ports::{Kv as _, OutboundAnswer, Ports as _};
use crate::store::key::Key;
use crate::testkit::{Fault, MemoryKv, Plan, TestPorts, Trouble};
use axum::body::Body;
use core::future::poll_fn;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::{Method, Request};
use rescind_model::{BusinessDay, Duration, PersonId, SaleId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Two instructions that exclude each other, or change the same thing.
struct Race {
    /// What is raced for, as a sentence.
    what: &'static str,
    under: Under,
    /// What happens before.
    before: Vec<Step>,
    one: Side,
    other: Side,
    law: Law,
    /// What the loser may also be told while the winner is not through.
    meanwhile: &'static str,
    /// How much of what is left behind is compared.
    compared: Compared,
}

/// How much of what is left behind has to be that of one of the two orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// All of it.
    All,
    /// All of it, but what happened may be on record in another order.
    InAnyOrder,
    /// All of it once the courier has worked.
    InTheEnd,
}

/// Under which rules. None demands an operator's proof: what proofs do is tested where they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Under {
    /// The courier carries everything out.
    Lakala,
    /// Terminals void and reverse; refunds are limited by the income of the day.
    UnionPay,
    /// The same, and terminals refund too; a void ends with the terminal's batch.
    Till,
    /// Refunds are limited by what was paid in.
    Prefunded,
}

/// What one of the two does.
#[derive(Clone)]
enum Side {
    /// Somebody asks.
    Ask(Ask),
    /// Time passes, and the courier does what is due.
    Later(Duration),
    /// The courier does what is due now.
    Tick,
}

/// A request.
#[derive(Clone)]
struct Ask {
    who: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    form: Form,
    /// Whether the same again is another one.
    anew: bool,
}

/// How it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Under an idempotency key.
    Key,
    /// Named by its id: the same again is harmless.
    Plain,
    /// Content of this media type: the body's text.
    Content(&'static str),
    /// A policy of this version.
    Policy(&'static str),
    /// A bundle of this version, with so many bytes of code.
    Bundle(u64, usize),
    /// A signed webhook of a reviewers' system, under this id.
    Signed(&'static str),
    /// A batch of a terminal's journal: the body is its hexadecimal digits.
    Batch,
}

/// What happens before a race.
enum Step {
    /// A request that succeeds; of what it answers, this is remembered under that name.
    Ask(Ask, Vec<(&'static str, &'static str)>),
    /// A request that is refused.
    Refused(Ask),
    /// Time passes, and the courier works.
    Later(Duration),
    /// What the provider says to everything from now on.
    Provider(&'static str),
}

/// What two orders without a race have to show, so that there is something to race for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Law {
    /// Whoever is first wins, and the other is refused.
    One,
    /// Both take place, in either order.
    Both,
    /// One of the two orders refuses the second, the other does not.
    Order,
}

fn ask(who: &'static str, method: &'static str, path: &str, body: Value, form: Form) -> Ask {
    Ask { who, method, path: path.to_owned(), body, form, anew: false }
}

/// A request under an idempotency key.
fn tell(who: &'static str, path: &str, body: Value) -> Ask {
    ask(who, "POST", path, body, Form::Key)
}

/// A request without one.
fn post(who: &'static str, path: &str, body: Value) -> Ask {
    ask(who, "POST", path, body, Form::Plain)
}

fn put(who: &'static str, path: &str, body: Value) -> Ask {
    ask(who, "PUT", path, body, Form::Plain)
}

fn delete(who: &'static str, path: &str, body: Value) -> Ask {
    ask(who, "DELETE", path, body, Form::Plain)
}

impl Ask {
    /// The same again is another one.
    fn anew(self) -> Self {
        Self { anew: true, ..self }
    }

    /// As a step that succeeds.
    fn first(self) -> Step {
        Step::Ask(self, Vec::new())
    }

    /// The same, with what it answers at this pointer remembered under a name.
    fn named(self, name: &'static str, pointer: &'static str) -> Step {
        Step::Ask(self, vec![(name, pointer)])
    }
}

impl From<Ask> for Side {
    fn from(ask: Ask) -> Self {
        Self::Ask(ask)
    }
}

fn race(what: &'static str, under: Under, before: Vec<Step>, [one, other]: [Side; 2], law: Law) -> Race {
    Race { what, under, before, one, other, law, meanwhile: "", compared: Compared::All }
}

impl Race {
    /// With another word for the loser while the winner is not through.
    fn meanwhile(self, code: &'static str) -> Self {
        Self { meanwhile: code, ..self }
    }

    /// With less that has to be the same.
    fn compared(self, compared: Compared) -> Self {
        Self { compared, ..self }
    }
}

/// All of them.
fn table() -> Vec<Race> {
    [payment::races(), refund::races(), staff::races()].into_iter().flatten().collect()
}

/// Routes that have no opposite, and why.
const NO_OPPOSITE: [(&str, &str, &str); 12] = [
    ("POST", "/v1/transactions/{id}/voids/check", "it only looks: nothing is changed that another could change too"),
    ("POST", "/v1/operator-challenges", "nothing is stored for a challenge, and any number of them may be open"),
    (
        "POST",
        "/v1/checkpoint-keys/rotations",
        "a checkpoint names the key that signed it, and every key stays published",
    ),
    ("POST", "/v1/keys", "every request makes a key of its own that nobody knows before it is answered"),
    ("PUT", "/v1/merchants/{id}/settings", "the last word counts, as with a person's grants, and nothing excludes it"),
    ("PUT", "/v1/terminals/{id}", "the last word counts, as with a person's grants, and nothing excludes it"),
    ("POST", "/v1/policies/{name}/activations", "all of them are kept, and which holds is raced for in `policy`"),
    ("DELETE", "/v1/policies/{name}/activations/{id}", "only time excludes it, and time is no request of anybody's"),
    ("PUT", "/v1/policies/{name}/shadow", "the last word counts, and a candidate has no effect on anything"),
    ("DELETE", "/v1/policies/{name}/shadow", "the last word counts, and a candidate has no effect on anything"),
    ("POST", "/v1/review-sources", "every request makes a source of its own that nobody knows before it is answered"),
    (
        "POST",
        "/v1/webhook-endpoints",
        "every request makes an endpoint of its own that nobody knows before it is answered",
    ),
];

/// A shop, and who and what is there.
struct Place {
    shop: Shop,
    names: BTreeMap<&'static str, String>,
    provider: Provider,
}

/// What the provider was told to do, and did.
#[derive(Clone, Default)]
struct Provider {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// Carries out what it is told and remembers it; a payment of unknown outcome was made.
    fn answer(&self, method: &str, url: &str, body: &[u8]) -> OutboundAnswer {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let say = |status: u16, word: &str| OutboundAnswer {
            status,
            body: json!({"status": word, "code": "00", "provider_reference": "P-1"}).to_string().into_bytes(),
        };
        let path = url.strip_prefix("http://acquirer").unwrap_or_default();
        match (method, path) {
            ("POST", "/operations") => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                heard.push(format!("{} {}", asked["reference"].as_str().unwrap(), asked["attempt"]));
                say(200, "done")
            }
            ("POST", "/sales/query") => say(200, "paid"),
            ("GET", _) if path.ends_with("/trace") => say(200, "arrived"),
            ("GET", _) => {
                let reference = path.strip_prefix("/operations/").unwrap_or_default();
                let known = heard.iter().any(|done| done.split(' ').next() == Some(reference));
                if known { say(200, "done") } else { say(404, "not-found") }
            }
            _ => say(200, "done"),
        }
    }
}

fn policy(under: Under) -> (&'static str, Vec<u8>) {
    // A proof is for one operation, and who shows it is not what is raced for.
    let without_proofs = |text: String| {
        let kept = text.lines().filter(|line| !line.starts_with("release-authentication ="));
        let text = kept.collect::<Vec<_>>().join("\n");
        text.replace(", authentication = { max-age = \"2 minutes\", bound = true } }", " }")
    };
    match under {
        Under::Lakala => ("lakala", people::policy("lakala", without_proofs)),
        Under::UnionPay => ("unionpay", people::policy("unionpay", without_proofs)),
        Under::Prefunded => ("unionpay", {
            let basis = |text: String| without_proofs(text).replace("\"same-day-income\"", "\"prefunded\"");
            people::policy("unionpay", basis)
        }),
        Under::Till => ("unionpay", {
            people::policy("unionpay", |text| {
                let text = without_proofs(text).replace("funding = \"same-day-income\"", "");
                let (before, refunds) = text.split_once("[refund]").unwrap();
                let refunds = refunds.replacen("executor = \"courier\"", "executor = \"terminal\"", 1);
                format!("{before}[refund]{refunds}").replace("same = [\"business-day\"]", "same = [\"open-batch\"]")
            })
        }),
    }
}

impl Place {
    /// A shop with keys for everybody.
    async fn open(under: Under, store: Fault) -> Self {
        let (name, canonical) = policy(under);
        let shop = Shop::on(store, name).await;
        shop.world.app.put_policy(name, &canonical).await.unwrap();
        shop.world.app.ports.trust_bundles(&serde_json::to_string(&super::bundle::trust()).unwrap());
        let mut names = BTreeMap::from([
            ("admin", shop.admin.clone()),
            ("system", shop.system.clone()),
            ("terminal", shop.terminal.clone()),
            ("supervisor", shop.supervisor.clone()),
            ("manager", shop.manager.clone()),
            ("reviewer", shop.reviewer.clone()),
            ("finance", shop.finance.clone()),
        ]);
        for name in ["cashier", "reviewer-2"] {
            names.insert(name, shop.world.person_key(&shop.merchant, name).await.unwrap());
        }
        for (name, role) in [
            ("helen", "support"),
            ("hugo", "support"),
            ("lex", "compliance"),
            ("lena", "compliance"),
            ("leo", "compliance"),
        ] {
            names.insert(name, people::hire(&shop, name, &["M-1"], role).await);
        }
        names.insert("nobody", String::new());
        Self { shop, names, provider: Provider::default() }
    }

    async fn copy(&self) -> Self {
        let provider = Provider::default();
        let place = Self { shop: self.shop.copy().await, names: self.names.clone(), provider: provider.clone() };
        let answer = move |method: &str, url: &str, body: &[u8]| Ok(provider.answer(method, url, body));
        place.shop.world.app.ports.answer_with(Box::new(answer));
        place
    }

    /// A text with the names in it replaced by what they stand for.
    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.names.iter().filter(|(name, _)| name.starts_with('<')) {
            text = text.replace(name, value);
        }
        text
    }

    /// Sends a request. `key` is its idempotency key.
    async fn send(&self, ask: &Ask, key: &str) -> Reply {
        let path = self.filled(&ask.path);
        let body = if ask.body.is_null() { String::new() } else { self.filled(&ask.body.to_string()) };
        let request = Request::builder().method(ask.method).uri(&path);
        let token = self.names.get(ask.who).unwrap_or_else(|| panic!("{} is nobody", ask.who));
        let request = match token.as_str() {
            "" => request,
            token => request.header("authorization", format!("Bearer {token}")),
        };
        let (request, body) = match ask.form {
            Form::Key => (request.header("idempotency-key", key), body.into_bytes()),
            Form::Plain => (request, body.into_bytes()),
            Form::Content(media) => {
                (request.header("content-type", media), ask.body.as_str().unwrap().as_bytes().to_vec())
            }
            Form::Policy(version) => (request, other_policy(version)),
            Form::Bundle(version, code) => {
                (request.header("content-type", "application/cose"), super::bundle::bundle(version, code))
            }
            Form::Batch => {
                let digits = ask.body.as_str().unwrap();
                let pairs = digits.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
                let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap());
                (request.header("content-type", "application/cbor"), bytes.collect())
            }
            Form::Signed(id) => {
                let ports = &self.shop.world.app.ports;
                let secret = self.filled("<secret>");
                let seal = ports.seal(&[secret], id, ports.now(), body.as_bytes()).unwrap();
                let request = request.header("webhook-id", seal.id).header("webhook-timestamp", seal.timestamp);
                (request.header("webhook-signature", seal.signature), body.into_bytes())
            }
        };
        self.shop.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn prepare(&mut self, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            let key = format!("before-{number}");
            match step {
                Step::Ask(ask, names) => {
                    let reply = self.send(ask, &key).await;
                    assert!(reply.status.is_success(), "{} {}: {}", ask.method, ask.path, reply.text);
                    for (name, pointer) in names {
                        let value = reply.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                        self.names.insert(name, value.unwrap_or_else(|| panic!("{pointer}: {}", reply.text)));
                    }
                }
                Step::Refused(ask) => {
                    let reply = self.send(ask, &key).await;
                    assert!(reply.status.is_client_error(), "{} {}: {}", ask.method, ask.path, reply.text);
                }
                Step::Later(time) => {
                    self.shop.world.app.ports.pass(*time);
                    self.shop.world.app.tick().await.unwrap();
                }
                Step::Provider(says) => super::payment_code::provider_says(&self.shop, says),
            }
        }
        self.shop.world.app.publish_waiting().await;
    }

    async fn play(&self, side: &Side, key: &str) -> Told {
        match side {
            Side::Ask(ask) => {
                let reply = self.send(ask, key).await;
                let code = if reply.status.is_success() { String::new() } else { reply.code() };
                Told { status: reply.status.as_u16(), code, reply: Some(reply) }
            }
            Side::Later(time) => {
                self.shop.world.app.ports.pass(*time);
                self.ticked().await
            }
            Side::Tick => self.ticked().await,
        }
    }

    async fn ticked(&self) -> Told {
        self.shop.world.app.tick().await.unwrap();
        Told { status: 200, code: String::new(), reply: None }
    }

    fn kv(&self) -> &MemoryKv {
        self.shop.world.app.ports.kv()
    }

    /// Everything that is left behind, without times and what chance makes.
    async fn seen(&self) -> Value {
        self.shop.world.app.publish_waiting().await;
        let mut all = BTreeMap::new();
        // Keys of the API and sources are named by chance.
        let mut nameless: Vec<String> = Vec::new();
        for (key, bytes) in self.stored().await {
            // The parts of evidence are no records.
            let record = || serde_json::from_slice::<Value>(&bytes).map_or(Value::Null, |record| record["d"].clone());
            match key.split(':').next().unwrap_or_default() {
                "key" | "source" => nameless.push(steady(record()).to_string()),
                kind if LEFT_BEHIND.contains(&kind) => {
                    all.insert(key, steady(record()));
                }
                _ => {}
            }
        }
        nameless.sort();
        json!({"records": all, "nameless": nameless, "counted": self.counted().await})
    }

    /// What is stored, by key. Where a record has a head, what the head names is the record.
    async fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for key in self.shop.stored().into_iter().filter(|key| !key.contains('#')) {
            let bytes = self.kv().get(&key).await.unwrap().unwrap();
            let head: Option<[u8; 8]> = bytes.as_slice().try_into().ok();
            let body = match head.map(i64::from_le_bytes) {
                Some(nonce) => self.kv().get(&format!("{key}#{nonce:016x}")).await.unwrap(),
                None => Some(bytes),
            };
            all.extend(body.map(|body| (key, body)));
        }
        all
    }

    /// The voids of the day, and what was asked for by whoever asks for refunds.
    async fn counted(&self) -> Vec<i64> {
        let app = &self.shop.world.app;
        let merchant = &self.shop.merchant;
        let day = BusinessDay::parse("2026-11-23").unwrap();
        let mut totals = Vec::new();
        let mut keys = vec![Key::void_tally(merchant, day, "merchant-account", "M-1")];
        for person in ["M-1.manager", "M-1.supervisor", "M-1.cashier"] {
            keys.push(Key::requested_tally(merchant, day, &PersonId::parse(person).unwrap()));
        }
        for key in keys {
            totals.push(app.total(&key, merchant, None, app.ports.now()).await.unwrap());
        }
        totals
    }

    /// Time passes until nothing more is due at once.
    async fn settle(&self) {
        for _ in 0..3 {
            self.shop.world.app.ports.pass(Duration::seconds(2));
            self.shop.world.app.tick().await.unwrap();
        }
    }

    /// The laws that hold whatever happened.
    async fn must_be_sound(&self, case: &str) {
        let heard = self.provider.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let once: BTreeSet<&String> = heard.iter().collect();
        assert_eq!(once.len(), heard.len(), "{case}: sent twice: {heard:?}");
        let app = &self.shop.world.app;
        let system = app.authenticate(Some(&format!("Bearer {}", self.shop.system))).await.unwrap();
        let mut happened: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for key in self.stored().await.keys().filter(|key| key.starts_with("sale:M-1:")) {
            let id = SaleId::parse(key.rsplit(':').next().unwrap()).unwrap();
            let there = app.sale(&system, &self.shop.merchant, &id).await.unwrap();
            assert_eq!(rescind_model::chain::verify(&there.ledger, &there.events), Ok(()), "{case}");
            let shown = self.shop.get(&self.shop.system, &format!("/v1/transactions/{id}")).await.expect(200);
            let minor = |name: &str| minor_of(&shown["balance"][name]);
            let back = minor("cleared") + minor("voided") + minor("reserved");
            let undone = matches!(shown["status"]["outcome"].as_str(), Some("good"));
            assert!(!undone || back + minor("left") == minor("captured"), "{case}: {shown}");
            assert!(back <= minor("captured"), "{case}: {shown}");
            let entries = self.shop.get(&self.shop.system, &format!("/v1/transactions/{id}/entries")).await.expect(200);
            for entry in entries["items"].as_array().unwrap() {
                let sum: i64 = entry["postings"].as_array().unwrap().iter().map(signed).sum();
                assert_eq!(sum, 0, "{case}: {entry}");
            }
            let types = shown["history"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned());
            happened.insert(id.to_string(), types.collect());
        }
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let feed = self.shop.get(&self.shop.system, &format!("/v1/events?limit=100{after}")).await.expect(200);
            let of_sales = |event: &&Value| !event["type"].as_str().unwrap().starts_with("terminal.");
            for event in feed["items"].as_array().unwrap().iter().filter(of_sales) {
                let sale = event["sale"].as_str().unwrap().to_owned();
                told.entry(sale).or_default().push(event["type"].as_str().unwrap().to_owned());
            }
            match feed["next"].as_str() {
                Some(next) if !feed["items"].as_array().unwrap().is_empty() => after = format!("&after={next}"),
                _ => break,
            }
        }
        assert_eq!(told, happened, "{case}: told once, in order");
    }
}

fn minor_of(amount: &Value) -> i64 {
    amount["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

/// A posting's amount; debits are positive.
fn signed(posting: &Value) -> i64 {
    let minor = minor_of(&posting["amount"]);
    if posting["side"] == "debit" { minor } else { -minor }
}

/// Another version of the policy: voids are closed to everybody.
fn other_policy(version: &str) -> Vec<u8> {
    people::policy("lakala", |text| {
        let text = text.replacen("version = \"", &format!("version = \"{version}."), 1);
        text.replacen("[void]\nenabled = true", "[void]\nenabled = false", 1)
    })
}

/// Records that are compared, by the first word of their key.
const LEFT_BEHIND: [&str; 19] = [
    "bundles",
    "sale",
    "personal",
    "evidence",
    "evidence-part",
    "batch",
    "refund",
    "merchant",
    "terminal",
    "person",
    "operator",
    "operator-sessions",
    "endpoints",
    "policy-name",
    "funds",
    "confirmations",
    "outstanding",
    "resolution",
    "outbox",
];

/// A record without times, and without what chance or their sequence makes: salts, links, marks.
fn steady(value: Value) -> Value {
    const CHANCE: [&str; 11] =
        ["mark", "marks", "salt", "seal", "token", "secret", "digest", "link", "chain", "recent", "pin"];
    // Where a PIN or a word came too late, that it came may still be noted: it opens nothing.
    const LATE: [&str; 3] = ["failures", "failures_ever", "agreed"];
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| {
                let time = name == "at" || name.ends_with("_at") || name.ends_with("-at") || name.ends_with("unix_ms");
                !time && !CHANCE.contains(&name.as_str()) && !LATE.contains(&name.as_str())
            });
            Value::Object(kept.map(|(name, value)| (name, steady(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(steady).collect(),
        Value::String(text) if text.split(' ').all(|word| word.len() >= 32 && is_hex(word)) => json!("#"),
        // What is named by chance, or by what chance made: writes, erasures, devices. Decisions are named by what was known,
        // and who comes second may know of the first's reservation.
        Value::String(text) if ["w-", "e-", "d-", "dev-"].iter().any(|start| text.starts_with(start)) => json!("#"),
        // The code that a customer repeats.
        Value::String(text) if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) => json!("#"),
        other => other,
    }
}

/// What is left behind, with what happened sorted by what it was.
fn unordered(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted = fields.iter().map(|(name, value)| match value.as_array() {
                Some(events) if name == "events" => (name.clone(), sorted(events)),
                _ => (name.clone(), unordered(value)),
            });
            Value::Object(sorted.collect())
        }
        Value::Array(items) => items.iter().map(unordered).collect(),
        other => other.clone(),
    }
}

fn sorted(events: &[Value]) -> Value {
    let mut texts: Vec<String> = events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            event["sequence"] = Value::Null;
            event.to_string()
        })
        .collect();
    texts.sort();
    json!(texts)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What somebody was told.
#[derive(Debug, Clone)]
struct Told {
    status: u16,
    code: String,
    reply: Option<Reply>,
}

impl Told {
    fn brief(&self) -> (u16, String) {
        (self.status, self.code.clone())
    }

    fn text(&self) -> &str {
        self.reply.as_ref().map_or("", |reply| reply.text.as_str())
    }
}

/// What came of two instructions: what each was told, and what was left behind, at once and after the courier's work.
#[derive(Debug, Clone, PartialEq)]
struct End {
    told: [(u16, String); 2],
    at_once: Value,
    settled: Value,
}

/// A request as far as it gets by itself, so that it can be left where it is held up; what it gave, if it was over.
pub async fn begun<T>(request: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    let mut request = request;
    poll_fn(|context| match request.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

impl Race {
    /// One after the other. `[0]` is always what `one` was told.
    async fn in_order(&self, start: &Place, reversed: bool) -> End {
        let place = start.copy().await;
        let (one, other) = if reversed {
            let other = place.play(&self.other, "other").await;
            (place.play(&self.one, "one").await, other)
        } else {
            let one = place.play(&self.one, "one").await;
            (one, place.play(&self.other, "other").await)
        };
        self.end(&place, [one, other], &format!("{}: in order", self.what)).await
    }

    async fn end(&self, place: &Place, told: [Told; 2], case: &str) -> End {
        let at_once = place.seen().await;
        let texts = format!("{case}: {} | {}", told[0].text(), told[1].text());
        for (side, told, key) in [(&self.one, &told[0], "one"), (&self.other, &told[1], "other")] {
            assert!(told.status < 500, "{texts}");
            self.same_again(place, side, told, key, &texts).await;
        }
        assert!(place.seen().await == at_once, "{texts}: what was repeated had another effect\n{}", {
            let mut text = String::new();
            differ("again", &place.seen().await, &at_once, &mut text);
            text
        });
        place.settle().await;
        let settled = place.seen().await;
        place.must_be_sound(&texts).await;
        End { told: told.map(|told| told.brief()), at_once, settled }
    }

    /// Who asks again under the same key is told the same.
    async fn same_again(&self, place: &Place, side: &Side, told: &Told, key: &str, case: &str) {
        let (Side::Ask(ask), Some(first)) = (side, &told.reply) else { return };
        if ask.anew || ask.method == "GET" {
            return;
        }
        let again = place.send(ask, key).await;
        let kept = again.headers.contains_key("idempotency-replayed");
        if matches!(ask.form, Form::Key | Form::Signed(_)) && !matches!(told.status, 401 | 403 | 404) {
            if kept {
                assert_eq!((again.status, &again.text), (first.status, &first.text), "{case}");
            } else {
                // Whoever asked may have lost the right to, or the key with it.
                assert!(matches!(again.status.as_u16(), 401 | 403), "{case}: not kept: {}", again.text);
            }
        }
        assert!(!again.status.is_server_error(), "{case}: {}", again.text);
    }

    /// One is held up before an operation of the store, and the other comes in between. `None`: the one was over first.
    async fn held_at(&self, start: &Place, number: u64, reversed: bool) -> Option<End> {
        let place = start.copy().await;
        let (held, between) = if reversed { (&self.other, &self.one) } else { (&self.one, &self.other) };
        let (held_key, between_key) = if reversed { ("other", "one") } else { ("one", "other") };
        place.kv().plan(Plan::once(Trouble::Held, number));
        let mut first = Box::pin(place.play(held, held_key));
        if begun(first.as_mut()).await.is_some() {
            return None;
        }
        let second = place.play(between, between_key).await;
        place.kv().release();
        let first = first.await;
        place.kv().calm();
        let case = format!("{}: {} held at {number}", self.what, held_key);
        let told = if reversed { [second, first] } else { [first, second] };
        Some(self.end(&place, told, &case).await)
    }

    /// Both at once, on a store that suspends them again and again.
    async fn mixed(&self, start: &Place, seed: u64) -> End {
        let place = start.copy().await;
        place.kv().seed(seed);
        place.kv().plan(Plan::always(Trouble::Slow));
        let (one, other) = tokio::join!(place.play(&self.one, "one"), place.play(&self.other, "other"));
        place.kv().calm();
        self.end(&place, [one, other], &format!("{}: mixed by {seed}", self.what)).await
    }

    /// What is raced for is there to be raced for.
    fn must_be_opposites(&self, ahead: &End, behind: &End) {
        let done = |end: &End| [end.told[0].0 < 300, end.told[1].0 < 300];
        let shown = format!("{}: {:?} | {:?}", self.what, ahead.told, behind.told);
        match self.law {
            Law::One => assert_eq!((done(ahead), done(behind)), ([true, false], [false, true]), "{shown}"),
            Law::Both => assert_eq!((done(ahead), done(behind)), ([true, true], [true, true]), "{shown}"),
            Law::Order => {
                let all = [done(ahead), done(behind)].concat();
                assert!(done(ahead)[0] && done(behind)[1], "who is first is not refused: {shown}");
                assert_eq!(all.iter().filter(|done| !**done).count(), 1, "{shown}");
            }
        }
        for (status, code) in ahead.told.iter().chain(&behind.told).filter(|told| told.0 >= 300) {
            // A refusal that says what is the matter, not that the request was not understood.
            let misread = ["body.", "parameter.", "argument.", "idempotency."].iter().any(|c| code.starts_with(c));
            // Which part of evidence is missing is said as what is wrong with the list of them.
            let understood = !misread || self.what.starts_with("evidence");
            assert!(matches!(status, 401 | 403 | 404 | 409 | 422) && understood, "{shown}");
        }
    }

    /// Whether a race ended as an order did.
    fn is(&self, end: &End, order: &End) -> bool {
        let told = end.told.iter().zip(&order.told).all(|(found, wanted)| {
            found == wanted || (wanted.0 >= 400 && !self.meanwhile.is_empty() && found.1 == self.meanwhile)
        });
        told && match self.compared {
            Compared::All => end.at_once == order.at_once && end.settled == order.settled,
            Compared::InAnyOrder => unordered(&end.settled) == unordered(&order.settled),
            Compared::InTheEnd => end.settled == order.settled,
        }
    }

    async fn run(&self, start: &Place) {
        let (ahead, behind) = (self.in_order(start, false).await, self.in_order(start, true).await);
        self.must_be_opposites(&ahead, &behind);
        let ends = [&ahead, &behind];
        let mut seen = [0_u32; 2];
        let mut check = |end: &End, case: String| {
            let which = ends.iter().position(|possible| self.is(end, possible));
            let Some(which) = which else {
                panic!("{}: {case}: neither order\n{}", self.what, differences(end, &ends));
            };
            seen[which] += 1;
        };
        for reversed in [false, true] {
            // Time that has passed cannot be held up.
            if matches!(if reversed { &self.other } else { &self.one }, Side::Later(_)) {
                continue;
            }
            for number in 0.. {
                let Some(end) = self.held_at(start, number, reversed).await else {
                    assert!(number > 0, "{}: nothing of the store was needed", self.what);
                    break;
                };
                check(&end, format!("reversed {reversed}, held at {number}"));
            }
        }
        if !matches!(self.other, Side::Later(_)) {
            for seed in 0..4 {
                check(&self.mixed(start, seed * 7919).await, format!("seed {seed}"));
            }
        }
        assert!(ahead == behind || seen.iter().all(|times| *times > 0), "{}: one order was never seen", self.what);
    }
}

/// Where an end differs from each of the possible ones.
fn differences(end: &End, possible: &[&End]) -> String {
    let mut text = String::new();
    for one in possible {
        text.push_str(&format!("-- told {:?}, in order {:?}\n", end.told, one.told));
        for (name, found, wanted) in [("at once", &end.at_once, &one.at_once), ("settled", &end.settled, &one.settled)]
        {
            differ(name, found, wanted, &mut text);
        }
    }
    text
}

fn differ(at: &str, found: &Value, wanted: &Value, text: &mut String) {
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let of = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                differ(&format!("{at}/{name}"), &of(a), &of(b), text);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (number, (a, b)) in a.iter().zip(b).enumerate() {
                differ(&format!("{at}/{number}"), a, b, text);
            }
        }
        _ if found != wanted => {
            let short = |value: &Value| value.to_string().chars().take(400).collect::<String>();
            text.push_str(&format!("{at}: {} instead of {}\n", short(found), short(wanted)));
        }
        _ => {}
    }
}

/// All races of a table on a store, to the end: each that is lost says so, and they are named together.
async fn run(races: Vec<Race>, store: Fault) {
    let mut lost = Vec::new();
    for race in &races {
        // Each begins with the same ids and times.
        let mut race_on = Box::pin(async {
            let mut start = Place::open(race.under, store).await;
            start.prepare(&race.before).await;
            race.run(&start).await;
        });
        let step = |context: &mut Context<'_>| match std::panic::catch_unwind(AssertUnwindSafe(|| {
            race_on.as_mut().poll(context)
        })) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(true),
            Err(_) => Poll::Ready(false),
        };
        if !poll_fn(step).await {
            lost.push(race.what);
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

fn matches(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(want, found)| want.starts_with('{') || want == found)
}

#[test]
fn every_route_that_changes_something_races_its_opposite_or_says_why_it_has_none() {
    let mut raced = Vec::new();
    for race in table() {
        for side in [race.one, race.other] {
            if let Side::Ask(ask) = side {
                raced.push((ask.method, ask.path));
            }
        }
    }
    let mut without = 0;
    for (method, pattern) in crate::http::routes::<TestPorts>() {
        if method == Method::GET {
            continue;
        }
        let races = raced.iter().any(|(by, path)| *by == method.as_str() && matches(pattern, path));
        let why = NO_OPPOSITE.iter().find(|(by, path, _)| *by == method.as_str() && *path == pattern);
        assert!(races != why.is_some(), "{method} {pattern}: either it races, or it is said why not");
        if let Some((_, _, why)) = why {
            assert!(why.split(' ').count() >= 6, "{method} {pattern}: {why}");
            without += 1;
        }
    }
    assert_eq!(without, NO_OPPOSITE.len(), "a route without an opposite that there is not");
}
