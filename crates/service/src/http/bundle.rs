//! Bundles: publishing them, what is published, and the one that a terminal fetches.

use crate::bundle::{BundleAsk, BundledPolicy, Line, Published};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body::at_most;
use crate::http::caller::Caller;
use crate::http::code;
use crate::http::id::Segment;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::limits::BUNDLE_BYTES;
use crate::ports::Ports;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::Digest;
use serde::Serialize;

/// The media type of a bundle (RFC 9052).
pub const COSE: &str = "application/cose";

/// What is published of one line of bundles.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BundleLine))]
pub struct LineView {
    /// Its name.
    name: String,
    /// The number of the set of keys that it leads to.
    key_set: u64,
    /// The ids of the keys in that set: any of them may sign the next bundle.
    keys: Vec<String>,
    /// The ids of keys that were retired, as far as they are remembered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired_keys: Vec<String>,
    /// What is published, one bundle for each engine.
    bundles: Vec<PublishedView>,
}

/// A bundle that is published.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PublishedBundle))]
pub struct PublishedView {
    /// What its code runs on, such as `aarch64-unknown-linux-gnu` or `pulley32`.
    target: String,
    /// The version of the engine.
    engine: String,
    /// The digest of the engine's profile.
    profile: String,
    /// Its version; only grows.
    version: u64,
    /// The SHA-256 of its bytes, also its `ETag`.
    sha256: String,
    /// Bytes.
    size: u64,
    /// The SHA-256 of the component that decides in it, before it was translated.
    component: String,
    /// The policies it decides by.
    policies: Vec<BundledView>,
    /// The first instant at which it holds.
    not_before: Time,
    /// The first instant at which it no longer does.
    expires: Time,
    /// When it was made.
    made_at: Time,
    /// The id of the key that signed it.
    signed_by: String,
    /// The number of the set of keys it leads to.
    key_set: u64,
    /// The key with which it was published.
    published_by: String,
    /// When.
    published_at: Time,
}

/// A policy in a bundle.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BundledPolicy))]
pub struct BundledView {
    /// The class of terminals it is for. Absent: all that have none of their own in the bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// Its name.
    name: String,
    /// Its author's version.
    version: String,
    /// The SHA-256 of its canonical form.
    hash: String,
}

impl PublishedView {
    fn of(published: &Published) -> Self {
        let policy = |policy: &BundledPolicy| BundledView {
            class: policy.class.clone(),
            name: policy.name.clone(),
            version: policy.version.clone(),
            hash: policy.hash.hex.clone(),
        };
        Self {
            target: published.target.clone(),
            engine: published.engine.clone(),
            profile: published.profile.hex.clone(),
            version: published.version,
            sha256: published.content.hex.clone(),
            size: published.size,
            component: published.component.hex.clone(),
            policies: published.policies.iter().map(policy).collect(),
            not_before: Time(published.not_before),
            expires: Time(published.expires),
            made_at: Time(published.made_at),
            signed_by: published.signed_by.clone(),
            key_set: published.key_set,
            published_by: published.by.clone(),
            published_at: Time(published.at),
        }
    }
}

impl LineView {
    fn of(line: &Line) -> Self {
        let ids = |keys: &[rescind_bundle::PublicKey]| keys.iter().map(|key| key.id().to_string()).collect();
        Self {
            name: line.name.clone(),
            key_set: line.trust.number,
            keys: ids(&line.trust.keys),
            retired_keys: ids(&line.trust.retired),
            bundles: line.published.iter().map(PublishedView::of).collect(),
        }
    }
}

/// Whether a body is said to be a bundle, or just bytes.
fn is_bundle(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case(COSE) || media.eq_ignore_ascii_case("application/octet-stream")
}

/// `PUT /v1/bundles/{name}`
pub async fn publish<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    who.require_admin()?;
    if !is_bundle(request.headers()) {
        let expected = "expected application/cose or application/octet-stream";
        return Err(Problem::field(code::BUNDLE_MEDIA, "Content-Type", expected));
    }
    // Before the body is read: what nobody could check is not taken in.
    app.bundle_root(&name)?;
    let bytes = at_most(request, BUNDLE_BYTES).await?;
    let (published, fresh) = app.publish_bundle(&who, &name, bytes.into()).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    answer::json(status, &PublishedView::of(&published))
}

/// `GET /v1/bundles`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["after", "limit"])?;
    let page = asked.page()?;
    let lines = app.bundle_lines(&who, page.after.as_deref(), page.limit).await?;
    let items = lines.items.iter().map(LineView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: lines.next })
}

/// `GET /v1/bundles/{name}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::OK, &LineView::of(&app.bundle_line(&who, &name).await?))
}

/// `GET /v1/terminal/bundle`
pub async fn fetch<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["target", "engine", "profile", "name"])?;
    let target = asked.text("target").map(str::to_owned);
    let ask = BundleAsk {
        target: target.ok_or_else(|| Error::Malformed {
            field: "target".to_owned(),
            message: "say what your code runs on: the target in the terminal's status".to_owned(),
        })?,
        engine: asked.text("engine").map(str::to_owned),
        profile: asked.read_with("profile", Digest::parse)?,
        line: asked.text("name").map(str::to_owned),
    };
    let published = app.bundle_for(&who, &ask).await?;
    let tag = format!("\"{}\"", published.content);
    let has_it = has(&headers, &tag);
    let body = if has_it { Body::empty() } else { Body::from(app.bundle_bytes(&published).await?) };
    let mut response = Response::new(body);
    let tag = HeaderValue::from_str(&tag).map_err(|error| Problem::internal(error.to_string()))?;
    response.headers_mut().insert(ETAG, tag);
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(COSE));
    }
    Ok(response)
}

/// Whether `If-None-Match` names a tag (RFC 9110, 13.1.2: compared weakly).
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
