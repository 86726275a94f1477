//! One merchant with everybody who works there, on each kind of store: made once, and copied for each run.

use crate::actor::APPROVERS;
use crate::life::Life;
use crate::model::Model;
use crate::ports::{SimKv, SimPorts};
use crate::provider::Payment;
use crate::schedule;
use crate::sim::{Inside, MACHINES, Request, Sim, Values};
use crate::till;
use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use rescind_bundle::Signer as _;
use rescind_model::{Audience, Instant, Locale, MerchantId, PersonId, Role, SaleOutcome, TerminalId};
use rescind_service::App;
use rescind_service::directory::{Merchant, Person, Terminal};
use rescind_service::endpoint::EndpointAsk;
use rescind_service::limits::{PAGE_ENTRIES, make_pages};
use rescind_service::native::NativePure;
use rescind_service::ports::Pure as _;
use rescind_service::principal::{Bearer, Grant, Principal};
use rescind_service::terminal::journal::JournalKey;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt as _;

/// Noon in China on 2026-11-23.
pub const NOON: i64 = 1_795_406_400_000;

/// When the merchant was made: so long before that no clock is wrong by as much.
const OPENED: i64 = NOON - 600_000;

/// The machines that couriers run on; the others answer requests.
pub const COURIERS: [usize; 2] = [2, 3];

/// The rules of the run: the Lakala pack without proofs of who stands at the till, which no actor here carries.
fn policy() -> Result<Vec<u8>> {
    let text = policy_text();
    let policy = rescind_policy::compile(&text, "lakala.toml").map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    Ok(policy.canonical().to_vec())
}

/// The rules at the terminal while it has no line: the same without the count that only the server knows, and with ceilings.
fn terminal_policy() -> Result<Vec<u8>> {
    let text = policy_text().replacen("\nversion = \"", "\nversion = \"terminal-", 1);
    let text = text.replace("leaves-to-layers = [\"offline\"]", "");
    let (before, count) = text.split_once("[[void.count]]").context("the pack counts no voids")?;
    let (_, after) = count.split_once("# 退款 -").context("the pack has no refunds")?;
    let text = format!(
        "{before}\n# 退款 -{after}\n[offline]\nvoid = \"allow\"\nreversal = \"allow\"\nrefund = \"allow\"\nother = \"refer\"\n\
         at-ceiling = \"refer\"\nmax-amount = \"500.00\"\nmax-total = \"5000.00\"\nmax-count = 50\nmax-records = 400\n\
         contact-age = \"24 hours\"\nbundle-age = \"7 days\"\n"
    );
    let policy = rescind_policy::compile(&text, "terminal.toml").map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    Ok(policy.canonical().to_vec())
}

fn policy_text() -> String {
    let text = include_str!("../../../policies/lakala.toml");
    let kept = text.lines().filter(|line| {
        !["authentication =", "release-authentication =", "identity ="].iter().any(|word| line.starts_with(word))
    });
    let text = kept.collect::<Vec<_>>().join("\n");
    text.replace("per-business-day = 3 ", &format!("per-business-day = {} ", crate::auditor::VOIDS_A_DAY))
        .replace(", authentication = { max-age = \"2 minutes\", bound = true } }", " }")
        .replacen("\nversion = \"", "\nversion = \"simulated-", 1)
}

/// Entries in a small page: more than one event of a command, and fewer than what happens to a sale.
const SMALL_PAGE: usize = 3;

/// A merchant on one kind of store.
pub struct Shop {
    /// Which.
    pub model: Model,
    /// Entries in a page of a list.
    page_entries: usize,
    /// What the run under way shares.
    pub sim: Sim,
    /// What lay in the store when the merchant was ready.
    start: Values,
    store: SimKv,
    tokens: BTreeMap<&'static str, String>,
    /// Where the reviewers' system sends its webhooks.
    pub reviews: String,
    /// With what it seals them.
    secret: String,
    /// What the terminal hands in.
    batches: Vec<Vec<u8>>,
    gateways: Vec<Router>,
    couriers: Vec<Arc<App<SimPorts>>>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The problem's code.
    #[must_use]
    pub fn code(&self) -> String {
        self.json().pointer("/code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A request as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose token it carries.
    pub who: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The body, as JSON text.
    pub body: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// The id of the webhook that it is; sealed anew whenever it is sent.
    pub seal: Option<String>,
    /// The batch of a terminal's journal that it hands in, in the place of a body.
    pub batch: Option<usize>,
}

impl Shop {
    /// Makes the merchant.
    ///
    /// # Errors
    /// The policy cannot be compiled, or the service refuses what it is given.
    pub fn open(model: Model) -> Result<Self> {
        Self::with_pages(model, PAGE_ENTRIES)
    }

    /// Makes the merchant where pages of lists are so small that a run fills many of them.
    ///
    /// # Errors
    /// The policy cannot be compiled, or the service refuses what it is given.
    pub fn with_small_pages(model: Model) -> Result<Self> {
        Self::with_pages(model, SMALL_PAGE)
    }

    fn with_pages(model: Model, page_entries: usize) -> Result<Self> {
        make_pages(page_entries);
        let sim = Sim::new(model, Values::new(), OPENED, 1, crate::fault::Faults::default());
        let apps: Vec<_> =
            (0..MACHINES).map(|machine| Arc::new(App::new(SimPorts::new(sim.clone(), machine)))).collect();
        let app = apps.first().context("no machine")?;
        let batches = till::batches(&terminal_policy()?)?;
        let (tokens, source, secret) = schedule::alone(&sim, make(app))??;
        for app in &apps {
            // How the store creates is a fact about the deployment, found out before anything happens.
            let _records = schedule::alone(&sim, async { app.records().await.map(|_| ()) })?;
        }
        let start = sim.with(|inside| inside.values.clone());
        let gateways = apps.iter().map(|app| rescind_service::http::router(Arc::clone(app))).collect();
        let reviews = format!("/v1/webhooks/reviews?source={source}");
        let store = SimKv::of(sim.clone());
        Ok(Self { model, page_entries, sim, start, store, tokens, reviews, secret, batches, gateways, couriers: apps })
    }

    /// Begins a run.
    pub fn begin(&self, seed: u64, faults: crate::fault::Faults, with_story: bool) {
        make_pages(self.page_entries);
        for app in &self.couriers {
            app.ports.forget();
        }
        self.sim.begin(Sim::new(self.model, self.start.clone(), NOON, seed, faults));
        self.sim.with(|inside| {
            inside.set_clocks();
            inside.provider.pays(till::KNOWN, Payment::Paid, till::CENTS);
            inside.auditor.begins(&self.start);
        });
        if with_story {
            self.sim.with(|inside| inside.story = Some(Vec::new()));
        }
    }

    /// The store, as the first machine sees it.
    #[must_use]
    pub const fn store(&self) -> &SimKv {
        &self.store
    }

    /// Begins a request on a machine; gives its number.
    fn request(&self, deed: &'static str, machine: usize) -> usize {
        self.sim.with(|inside: &mut Inside| {
            let began = inside.clock;
            inside.requests.push(Request::new(deed, machine, began));
            inside.requests.len().saturating_sub(1)
        })
    }

    /// Sends a request to a gateway. `None`: it died, or its answer did not arrive.
    pub async fn send(&self, deed: &'static str, machine: usize, ask: &Ask) -> Option<Reply> {
        let request = self.request(deed, machine);
        let reply = Life::new(self.sim.clone(), request, self.handle(machine, ask)).await;
        let lost = self.sim.with(|inside| inside.ends(request));
        reply?.filter(|_| !lost)
    }

    async fn handle(&self, machine: usize, ask: &Ask) -> Option<Reply> {
        let token = self.tokens.get(ask.who).map(String::as_str).unwrap_or_default();
        let mut request = http::Request::builder()
            .method(ask.method)
            .uri(&ask.path)
            .header("authorization", format!("Bearer {token}"));
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(id) = &ask.seal {
            let at = Instant { unix_ms: self.sim.with(|inside| inside.clock) };
            let secrets = core::slice::from_ref(&self.secret);
            let sealed = NativePure::seal(secrets, id, at, ask.body.as_bytes()).ok()?;
            request = request
                .header("webhook-id", sealed.id)
                .header("webhook-timestamp", sealed.timestamp)
                .header("webhook-signature", sealed.signature);
        }
        let body = match ask.batch {
            None => Body::from(ask.body.clone()),
            Some(batch) => {
                request = request.header("content-type", "application/cbor");
                Body::from(self.batches.get(batch)?.clone())
            }
        };
        let request = request.body(body).ok()?;
        let response = self.gateways.get(machine)?.clone().oneshot(request).await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        Some(Reply { status, text: String::from_utf8(bytes.to_vec()).ok()? })
    }

    /// One turn of a courier; whether it came to its end.
    pub async fn tick(&self, machine: usize) -> bool {
        let Some(courier) = self.couriers.get(machine) else { return false };
        let request = self.request("tick", machine);
        let done = Life::new(self.sim.clone(), request, courier.tick()).await;
        self.sim.with(|inside| inside.ends(request));
        match done {
            Some(Ok(_)) => true,
            Some(Err(error)) => {
                self.sim.with(|inside| inside.tell(|_| format!("    courier {machine}: {error}")));
                false
            }
            None => false,
        }
    }
}

fn bearer_of(merchant: &MerchantId) -> Result<Bearer> {
    Ok(Bearer::Terminal { merchant: merchant.clone(), terminal: TerminalId::parse("T1")? })
}

/// Makes a merchant with everybody who works there; gives their tokens, and the reviewers' system with its secret.
async fn make(app: &Arc<App<SimPorts>>) -> Result<(BTreeMap<&'static str, String>, String, String)> {
    let admin = Principal { key: "admin".to_owned(), bearer: Bearer::Admin, grants: Vec::new() };
    app.put_policy("lakala", &policy()?).await?;
    let merchant = MerchantId::parse("M-1")?;
    app.create_merchant(&admin, Merchant::new(merchant.clone(), "小店", "lakala", 480)).await?;
    let terminal = TerminalId::parse("T1")?;
    let till = Terminal { merchant: merchant.clone(), id: terminal.clone(), label: "counter".to_owned(), class: None };
    app.create_terminal(&admin, till).await?;
    app.install_policy(&admin, "lakala", &terminal_policy()?).await?;
    let key = JournalKey { key: till::key().public().clone(), replace: None };
    app.register_journal_key(&admin, &merchant, &terminal, &key).await?;
    let mut tokens = BTreeMap::new();
    for (name, role) in [
        ("supervisor", "supervisor"),
        ("manager", "manager"),
        ("manager-2", "manager"),
        ("reviewer", "reviewer"),
        ("reviewer-2", "reviewer"),
        ("finance", "finance"),
        ("compliance", "compliance"),
        ("compliance-2", "compliance"),
    ] {
        let grants = vec![Grant { merchant: merchant.clone(), roles: vec![Role::parse(role)?] }];
        let person = PersonId::parse(&format!("M-1.{name}"))?;
        app.create_person(&admin, Person { id: person.clone(), name: name.to_owned(), grants }).await?;
        tokens.insert(name, app.make_key(Bearer::Person { person }, name.to_owned()).await?.1);
    }
    let bearer = bearer_of(&merchant)?;
    tokens.insert("terminal", app.make_key(bearer, "T1".to_owned()).await?.1);
    let bearer = Bearer::System { merchant: merchant.clone() };
    tokens.insert("system", app.make_key(bearer, "back office".to_owned()).await?.1);
    let endpoint = EndpointAsk {
        url: "http://shop/events".to_owned(),
        audience: Audience::Merchant,
        locale: Locale::En,
        description: None,
        customer_messages: false,
    };
    app.create_endpoint(&admin, &merchant, endpoint).await?;
    // From here on everything is told to the endpoint.
    let own = Principal { key: "till".to_owned(), bearer: bearer_of(&merchant)?, grants: Vec::new() };
    app.register_sale(&own, till::sale(till::KNOWN, 10)?, SaleOutcome::Good).await?;
    let users = APPROVERS.iter().enumerate();
    let users = users.map(|(number, name)| Ok((format!("user-{number}"), PersonId::parse(&format!("M-1.{name}"))?)));
    let users = users.collect::<Result<_>>()?;
    let (source, secret) = app.create_source(&admin, merchant, "reviews".to_owned(), users).await?;
    Ok((tokens, source.id, secret))
}
