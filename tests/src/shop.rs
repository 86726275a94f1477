//! A merchant with everything it needs, set up over the API.

use crate::client::Client;
use crate::operator::Sessions;
use crate::server::Server;
use crate::{Reply, eventually, moment};
use anyhow::{Context as _, Result};
use core::time::Duration;
use rescind_model::{BusinessDay, Instant};
use serde_json::{Value, json};

/// How long things that happen by themselves may take: a provider's timeout, its queries, and a busy machine.
const SOON: Duration = Duration::from_secs(40);

/// The terminal every shop has.
pub const TERMINAL: &str = "T1";

/// A merchant, with a key for each role in it. The person with a role is named after it: `M-1.manager`.
#[derive(Debug, Clone)]
pub struct Shop {
    /// The merchant.
    pub merchant: String,
    /// Who sets things up.
    pub admin: Client,
    /// The merchant's back office.
    pub system: Client,
    /// The terminal.
    pub terminal: Client,
    /// A person at the counter.
    pub cashier: Client,
    /// Who may void.
    pub supervisor: Client,
    /// Who may void, ask for refunds, approve those of others, and clear.
    pub manager: Client,
    /// Who approves.
    pub reviewer: Client,
    /// Who clears.
    pub finance: Client,
    pub(crate) sessions: Sessions,
}

/// An amount as requests give it: `{"amount": "60.00", "currency": "CNY"}`.
#[must_use]
pub fn cny(amount: &str) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// A webhook endpoint or a reviewers' system, with its secret.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Names it.
    pub id: String,
    /// What its messages are sealed with.
    pub secret: String,
}

impl Shop {
    /// Sets a merchant up: one terminal, one person for each role, keys for all, operators who can void.
    ///
    /// # Errors
    /// Something was not answered as expected.
    pub async fn open(server: &Server, merchant: &str, policy: &str) -> Result<Self> {
        let admin = server.admin();
        let body =
            json!({"id": merchant, "name": format!("茶馆 {merchant}"), "policy": policy, "utc_offset_minutes": 480});
        admin.post("/v1/merchants", &body).await?.is(201)?;
        let body = json!({"merchant": merchant, "id": TERMINAL, "label": "counter"});
        admin.post("/v1/terminals", &body).await?.is(201)?;
        let system = json!({"kind": "system", "merchant": merchant});
        let terminal = json!({"kind": "terminal", "merchant": merchant, "terminal": TERMINAL});
        let person = async |role: &str| hire(&admin, merchant, role, &[role]).await;
        let shop = Self {
            merchant: merchant.to_owned(),
            system: key(&admin, "back office", &system).await?,
            terminal: key(&admin, "terminal", &terminal).await?,
            cashier: person("cashier").await?,
            supervisor: person("supervisor").await?,
            manager: person("manager").await?,
            reviewer: person("reviewer").await?,
            finance: person("finance").await?,
            admin,
            sessions: Sessions::default(),
        };
        shop.hire_operators().await?;
        Ok(shop)
    }

    /// One more person.
    ///
    /// # Errors
    /// Something was not answered as expected.
    pub async fn hire(&self, name: &str, roles: &[&str]) -> Result<Client> {
        hire(&self.admin, &self.merchant, name, roles).await
    }

    /// The id of a person who was hired under a name, or has a role.
    #[must_use]
    pub fn person(&self, name: &str) -> String {
        format!("{}.{name}", self.merchant)
    }

    /// A sale to register: 100.00 by card at the terminal, five minutes ago, stamped with today's business day.
    pub fn sale(&self, id: &str) -> NewSale<'_> {
        NewSale {
            shop: self,
            paid_at: moment::ago(rescind_model::Duration::minutes(5)),
            body: json!({
                "id": id,
                "amount": cny("100.00"),
                "fee_charged": cny("0.60"),
                "channel": "card",
                "card_type": "credit",
                "business_day": moment::business_day(0),
                "slip": {"terminal": TERMINAL, "batch": "000001", "voucher": number(id), "trace": number(id)},
            }),
        }
    }

    /// What a refund is asked for with.
    #[must_use]
    pub fn refund(&self, sale: &str, amount: &str) -> Value {
        json!({"sale": sale, "amount": cny(amount), "reason": "returned-goods"})
    }

    /// What a void is asked for with.
    #[must_use]
    pub fn void(&self) -> Value {
        json!({"reason": "wrong-amount"})
    }

    /// Has the merchant's events delivered to an address.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn endpoint(&self, url: &str) -> Result<Sealed> {
        let made = self.system.post("/v1/webhook-endpoints", &json!({"url": url, "locale": "en"})).await?.is(201)?;
        Sealed::of(&made)
    }

    /// Lets a reviewers' system in that calls persons by names of its own.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn review_desk(&self, principals: &Value) -> Result<Sealed> {
        let body = json!({"label": "review desk", "merchant": self.merchant, "principals": principals});
        Sealed::of(&self.admin.post("/v1/review-sources", &body).await?.is(201)?)
    }

    /// The sale as it stands.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn look_at(&self, sale: &str) -> Result<Value> {
        self.system.see(&format!("/v1/transactions/{sale}")).await
    }

    /// The refund, once it is in one of the states.
    ///
    /// # Errors
    /// It never is.
    pub async fn refund_in(&self, id: &str, states: &[&str]) -> Result<Value> {
        self.in_state(&format!("/v1/refunds/{id}"), states).await
    }

    /// The void, once it is in one of the states.
    ///
    /// # Errors
    /// It never is.
    pub async fn void_in(&self, id: &str, states: &[&str]) -> Result<Value> {
        self.in_state(&format!("/v1/operations/{id}"), states).await
    }

    async fn in_state(&self, path: &str, states: &[&str]) -> Result<Value> {
        let mut last = String::new();
        let found = eventually(&format!("{path} to be {}", states.join(" or ")), SOON, async || {
            let it = self.system.see(path).await?;
            let state = text(&it, "state")?;
            let there = states.contains(&state.as_str());
            last = state;
            Ok(there.then_some(it))
        })
        .await;
        found.with_context(|| format!("it is {last}"))
    }

    /// The whole feed, oldest first.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn feed(&self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut path = "/v1/events?limit=100".to_owned();
        loop {
            let page = self.system.see(&path).await?;
            let items = page["items"].as_array().context("the feed has no items")?;
            if items.is_empty() {
                return Ok(all);
            }
            all.extend(items.iter().cloned());
            path = format!("/v1/events?limit=100&after={}", text(&page, "next")?);
        }
    }
}

async fn hire(admin: &Client, merchant: &str, name: &str, roles: &[&str]) -> Result<Client> {
    let id = format!("{merchant}.{name}");
    let body = json!({"id": id, "name": name, "grants": [{"merchant": merchant, "roles": roles}]});
    admin.post("/v1/persons", &body).await?.is(201)?;
    key(admin, name, &json!({"kind": "person", "person": id})).await
}

async fn key(admin: &Client, label: &str, bearer: &Value) -> Result<Client> {
    let made = admin.post("/v1/keys", &json!({"label": label, "bearer": bearer})).await?.is(201)?;
    Ok(admin.with_key(&text(&made, "token")?))
}

/// A text of an answer.
///
/// # Errors
/// It is not there.
pub fn text(value: &Value, name: &str) -> Result<String> {
    let found = value.get(name).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("there is no text {name:?} in {value}"))
}

/// Six digits for a slip that follow from a sale's id.
fn number(id: &str) -> String {
    let sum = id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("{:06}", sum % 1_000_000)
}

impl Sealed {
    fn of(made: &Value) -> Result<Self> {
        Ok(Self { id: text(made, "id")?, secret: text(made, "secret")? })
    }
}

/// A sale that is to be registered.
#[derive(Debug, Clone)]
#[must_use]
pub struct NewSale<'s> {
    shop: &'s Shop,
    paid_at: Instant,
    body: Value,
}

impl NewSale<'_> {
    /// Over this amount.
    pub fn of(self, amount: &str) -> Self {
        self.with("amount", cny(amount))
    }

    /// Paid some minutes ago.
    pub fn minutes_ago(mut self, minutes: u32) -> Self {
        self.paid_at = moment::ago(rescind_model::Duration::minutes(minutes));
        self
    }

    /// Paid some days ago.
    pub fn days_ago(mut self, days: u32) -> Self {
        self.paid_at = moment::ago(moment::days(days));
        self.of_day(moment::business_day(days))
    }

    /// Stamped with this business day.
    pub fn of_day(self, day: BusinessDay) -> Self {
        self.with("business_day", json!(day))
    }

    /// With something else.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        if let Some(fields) = self.body.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
        self
    }

    /// The request's body.
    #[must_use]
    pub fn body(&self) -> Value {
        self.clone().with("paid_at", json!(self.paid_at.to_string())).body
    }

    /// Sends it from the back office.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send(&self) -> Result<Reply> {
        self.shop.system.post("/v1/transactions", &self.body()).await
    }

    /// Registers it.
    ///
    /// # Errors
    /// It was not registered as new.
    pub async fn register(&self) -> Result<Value> {
        self.send().await?.is(201)
    }
}
