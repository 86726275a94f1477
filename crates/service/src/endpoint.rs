//! Webhook endpoints: where a merchant's events are delivered, and how far deliveries got. Each endpoint has one cursor
//! into the feed, so events arrive in order, at least once; an endpoint that fails holds up nobody but itself.

use crate::app::App;
use crate::error::Error;
use crate::limits::{ENDPOINTS, URL_BYTES};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Position;
use rescind_model::{Audience, Instant, Locale, MerchantId};
use serde::{Deserialize, Serialize};

/// An endpoint that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointAsk {
    /// Where to: `https://…`, or `http://…` where the host permits it.
    pub url: String,
    /// For whom the messages in the deliveries are written.
    pub audience: Audience,
    /// In which language.
    pub locale: Locale,
    /// What it is.
    pub description: Option<String>,
    /// Whether it passes messages on to customers.
    pub customer_messages: bool,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Names it.
    pub id: String,
    /// Where to.
    pub url: String,
    /// For whom.
    pub audience: Audience,
    /// In which language.
    pub locale: Locale,
    /// What it is.
    pub description: Option<String>,
    /// Whether it is handed what customers are to be told and nobody else: codes, with the address they go to.
    #[serde(default)]
    pub customer_messages: bool,
    /// Since when.
    pub created_at: Instant,
    /// Since when deliveries fail, if they do.
    #[serde(skip)]
    pub failing_since: Option<Instant>,
    /// Always false: an endpoint that fails is tried again for ever, ever more seldom.
    #[serde(skip)]
    pub disabled: bool,
    pub(crate) secret: String,
    /// Where in the feed it began: an endpoint is told what happens from its creation on.
    pub(crate) from: Position,
}

/// A merchant's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoints {
    pub(crate) endpoints: Vec<Endpoint>,
    mark: String,
}

impl Record for Endpoints {
    const FORMAT: &'static str = "endpoints/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// How far deliveries to one endpoint got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// After the last delivered event.
    pub(crate) at: Position,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Since when.
    pub(crate) failing_since: Option<Instant>,
    /// Not before this.
    pub(crate) not_before: Option<Instant>,
    pub(crate) mark: String,
}

impl Record for Cursor {
    const FORMAT: &'static str = "cursor/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

impl<P: Ports> App<P> {
    /// Creates an endpoint. Its signing secret is given once and never again.
    ///
    /// # Errors
    /// Not permitted; not an address; too many.
    pub async fn create_endpoint(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: EndpointAsk,
    ) -> Result<(Endpoint, String), Error> {
        who.may(Deed::Configure, merchant)?;
        if ask.customer_messages && matches!(who.bearer, Bearer::System { .. }) {
            return Err(Error::Forbidden("customers' codes go where an admin or a manager says".to_owned()));
        }
        self.merchant(merchant).await?;
        check_url(&ask.url)?;
        let secret = self.webhook_secret();
        self.publish_waiting().await;
        let records = self.records().await?;
        let feed = Key::feed(merchant);
        let page = records.tail(&feed).await?;
        let index = records.slice(&feed, Position { page, index: 0 }, usize::MAX).await?;
        let from = index.entries.last().map_or(Position { page, index: 0 }, |(position, _)| *position);
        let endpoint = Endpoint {
            id: format!("ep-{}", self.random_hex(16)),
            url: ask.url,
            audience: ask.audience,
            locale: ask.locale,
            description: ask.description,
            customer_messages: ask.customer_messages,
            created_at: self.ports.now(),
            failing_since: None,
            disabled: false,
            secret: secret.clone(),
            from,
        };
        self.change_endpoints(merchant, |endpoints| {
            if endpoints.len() >= ENDPOINTS {
                return Err(Error::Conflict {
                    code: "endpoints.full",
                    message: format!("a merchant has at most {ENDPOINTS} webhook endpoints"),
                });
            }
            endpoints.push(endpoint.clone());
            Ok(())
        })
        .await?;
        let what = if endpoint.customer_messages { "an endpoint for messages to customers" } else { "an endpoint" };
        self.ports.log(&format!("{} gave {merchant} {what}, {}", who.key, endpoint.id));
        Ok((endpoint, secret))
    }

    /// A merchant's endpoints.
    ///
    /// # Errors
    /// Not permitted, or the store's.
    pub async fn list_endpoints(&self, who: &Principal, merchant: &MerchantId) -> Result<Vec<Endpoint>, Error> {
        who.may(Deed::Configure, merchant)?;
        let records = self.records().await?;
        let mut endpoints = self.endpoints_of(merchant).await?;
        for endpoint in &mut endpoints {
            let cursor = records.read::<Cursor>(&Key::cursor(merchant, &endpoint.id)).await?;
            endpoint.failing_since = cursor.and_then(|c| c.failing_since);
        }
        Ok(endpoints)
    }

    /// Removes an endpoint; what was not delivered is not any more.
    ///
    /// # Errors
    /// Not permitted; no such endpoint.
    pub async fn delete_endpoint(&self, who: &Principal, merchant: &MerchantId, id: &str) -> Result<(), Error> {
        who.may(Deed::Configure, merchant)?;
        self.change_endpoints(merchant, |endpoints| {
            let before = endpoints.len();
            endpoints.retain(|e| e.id != id);
            if endpoints.len() == before { Err(Error::NotFound("webhook endpoint")) } else { Ok(()) }
        })
        .await?;
        self.ports.log(&format!("{} removed endpoint {id} of {merchant}", who.key));
        Ok(())
    }

    pub(crate) async fn endpoints_of(&self, merchant: &MerchantId) -> Result<Vec<Endpoint>, Error> {
        let records = self.records().await?;
        Ok(records.read::<Endpoints>(&Key::endpoints(merchant)).await?.map_or_else(Vec::new, |e| e.endpoints))
    }

    async fn change_endpoints(
        &self,
        merchant: &MerchantId,
        mut change: impl FnMut(&mut Vec<Endpoint>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let records = self.records().await?;
        let mark = self.random_hex(16);
        records
            .update::<Endpoints, _, _>(&Key::endpoints(merchant), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                change(&mut next.endpoints)?;
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }
}

fn check_url(url: &str) -> Result<(), Error> {
    let parsed: Option<http::Uri> = url.parse().ok().filter(|_| url.len() <= URL_BYTES);
    let good = parsed.is_some_and(|u| {
        let scheme = u.scheme_str().is_some_and(|s| s == "https" || s == "http");
        // User names in addresses end up in logs.
        scheme && u.authority().is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
    });
    if good {
        Ok(())
    } else {
        Err(Error::invalid("/url", "expected an address such as https://example.com/hook, without a user name"))
    }
}
