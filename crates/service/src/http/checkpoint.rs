//! Checkpoints, what they prove, and the keys that they are checked with.

use crate::checkpoint::evidence::Asked;
use crate::checkpoint::key::CheckpointKey;
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::caller::{Caller, Parameters};
use crate::http::id::{Id, Segment};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use rescind_audit::{Export, Signed};
use rescind_model::SaleId;
use serde::Serialize;

/// A checkpoint over a merchant's payments, as a list shows it. What proves it is the file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Checkpoint))]
pub struct CheckpointView {
    /// Counts the merchant's checkpoints from 1.
    number: u64,
    /// The day, in UTC. Days on which nothing was published have none; a very full one may have several.
    day: String,
    /// The SHA-256 of the signed checkpoint: keep it, and no other history can be told later.
    hash: String,
    /// That of the one before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    /// Where in the merchant's feed it begins.
    from: String,
    /// Where it ends.
    until: String,
    /// How many events it commits to.
    heads: u64,
    /// The key that signed it.
    key: String,
    /// When it was made.
    made_at: Time,
}

impl CheckpointView {
    fn of(signed: &Signed) -> Self {
        let checkpoint = &signed.checkpoint;
        Self {
            number: checkpoint.number,
            day: checkpoint.day.to_string(),
            hash: signed.hash.to_string(),
            previous: checkpoint.previous.map(|hash| hash.to_string()),
            from: checkpoint.from.to_string(),
            until: checkpoint.until.to_string(),
            heads: checkpoint.heads,
            key: signed.key.to_string(),
            made_at: Time(checkpoint.made_at),
        }
    }
}

/// A public key that checkpoints are checked with.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CheckpointKey))]
pub struct CheckpointKeyView {
    /// The first 8 bytes of the SHA-256 of the public key, as hexadecimal digits: checkpoints name their key so.
    id: String,
    /// The public key: `ed25519:` and 64 hexadecimal digits, as `rescind audit verify --key` takes it.
    public_key: String,
    /// Since when it signs.
    created_at: Time,
    /// Since when its successor does. What it signed before stays signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<Time>,
}

fn listing(keys: Vec<CheckpointKey>) -> Listing<CheckpointKeyView> {
    let view = |key: CheckpointKey| CheckpointKeyView {
        id: key.public.id().to_string(),
        public_key: key.public.to_string(),
        created_at: Time(key.created_at),
        retired_at: key.retired_at.map(Time),
    };
    Listing { items: keys.into_iter().map(view).collect(), next: None }
}

/// A number from 1 on.
fn number(asked: &Parameters, name: &str) -> Result<Option<u64>, Error> {
    let read = |text: &str| text.parse::<u64>().ok().filter(|n| *n > 0).ok_or("expected a number from 1 on");
    asked.read_with(name, read)
}

/// A file to be kept: its own bytes, which must not be formatted anew.
fn file(export: &Export, name: &str) -> Result<Response, Problem> {
    let mut response = answer::json(StatusCode::OK, export)?;
    // Names hold nothing that would have to be quoted.
    let name = format!("attachment; filename=\"{name}\"");
    let name = HeaderValue::from_str(&name).map_err(|e| Problem::internal(e.to_string()))?;
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// `GET /v1/checkpoints`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["after", "limit"])?;
    let page = scope.asked.page()?;
    let after = number(&scope.asked, "after")?.unwrap_or(0);
    let (listed, more) = app.checkpoints(&scope.who, &scope.merchant, after, page.limit).await?;
    let next = listed.last().filter(|_| more).map(|last| last.checkpoint.number.to_string());
    answer::json(StatusCode::OK, &Listing { items: listed.iter().map(CheckpointView::of).collect(), next })
}

/// `GET /v1/checkpoints/{number}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["since"])?;
    let until: u64 = id.parse().map_err(|_| Error::NotFound("checkpoint"))?;
    let from = number(&scope.asked, "since")?.unwrap_or(until);
    let row = app.checkpoint_row(&scope.who, &scope.merchant, from, until).await?;
    file(&row, &format!("{}-checkpoints-{from}-{until}.json", scope.merchant))
}

/// `GET /v1/transactions/{id}/audit`
pub async fn audit<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["event", "until"])?;
    let asked = Asked { event: number(&scope.asked, "event")?, until: number(&scope.asked, "until")? };
    let export = app.audit_export(&scope.who, &scope.merchant, &id, asked).await?;
    file(&export, &format!("{}-{id}-audit.json", scope.merchant))
}

/// `GET /v1/checkpoint-keys`
pub async fn keys<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    caller.general(&[])?;
    answer::json(StatusCode::OK, &listing(app.checkpoint_keys().await?))
}

/// `POST /v1/checkpoint-keys/rotations`
pub async fn rotate<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::CREATED, &listing(app.rotate_checkpoint_keys(&who).await?))
}
