//! Webhook endpoints: where a merchant is told what happened.

use crate::endpoint::{Endpoint, EndpointAsk};
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::id::Segment;
use crate::http::problem::Problem;
use crate::http::text::Text;
use crate::http::time::Time;
use crate::http::word::{AudienceWord, LocaleWord, Word};
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Audience, Locale};
use serde::{Deserialize, Serialize};

/// An endpoint to be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewEndpoint {
    /// Where to: `https://…`.
    url: String,
    /// For whom the messages in the deliveries are written. `merchant` unless told.
    audience: Option<AudienceWord>,
    /// In which language. `zh-CN` unless told.
    locale: Option<LocaleWord>,
    /// What it is.
    description: Option<Text>,
    /// Whether it passes messages on to customers: it is then handed their confirmation codes, as `customer.confirmation`.
    /// It is not unless told.
    customer_messages: Option<bool>,
}

/// A webhook endpoint.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Endpoint))]
pub struct EndpointView {
    /// Names it.
    id: String,
    /// Where to.
    url: String,
    /// For whom.
    audience: AudienceWord,
    /// In which language.
    locale: LocaleWord,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether it passes messages on to customers.
    customer_messages: bool,
    /// Since when.
    created_at: Time,
    /// Since when deliveries fail, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Time>,
}

/// A new webhook endpoint with its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedEndpoint {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// The signing secret, `whsec_…`. Shown once.
    secret: String,
}

impl EndpointView {
    fn of(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url,
            audience: Word(endpoint.audience),
            locale: Word(endpoint.locale),
            description: endpoint.description,
            customer_messages: endpoint.customer_messages,
            created_at: Time(endpoint.created_at),
            failing_since: endpoint.failing_since.map(Time),
        }
    }
}

/// `POST /v1/webhook-endpoints`
pub async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewEndpoint>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let ask = EndpointAsk {
        url: new.url,
        audience: new.audience.map_or(Audience::Merchant, |word| word.0),
        locale: new.locale.map_or(Locale::ZhCn, |word| word.0),
        description: new.description.map(|text| text.text),
        customer_messages: new.customer_messages.unwrap_or(false),
    };
    let (endpoint, secret) = app.create_endpoint(&scope.who, &scope.merchant, ask).await?;
    answer::json(StatusCode::CREATED, &CreatedEndpoint { endpoint: EndpointView::of(endpoint), secret })
}

/// `GET /v1/webhook-endpoints`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let endpoints = app.list_endpoints(&scope.who, &scope.merchant).await?;
    let items = endpoints.into_iter().map(EndpointView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: None })
}

/// `DELETE /v1/webhook-endpoints/{id}`
pub async fn delete<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    app.delete_endpoint(&scope.who, &scope.merchant, &id).await?;
    Ok(answer::nothing())
}
