//! Evidence: giving it, whole or in parts, looking at it, erasing it. Named by its content, so that giving it again is
//! harmless without a key.

use crate::error::Error;
use crate::evidence::{Media, Piece};
use crate::http::Shared;
use crate::http::answer;
use crate::http::body::{Json, at_most};
use crate::http::caller::Caller;
use crate::http::code;
use crate::http::problem::Problem;
use crate::http::text::Text;
use crate::http::time::Time;
use crate::limits::EVIDENCE_PART_BYTES;
use crate::ports::Ports;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::Digest;
use serde::{Deserialize, Serialize};

/// A piece of evidence that is kept here.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = StoredEvidence))]
pub struct PieceView {
    /// The SHA-256 of the content.
    content: String,
    /// The media type.
    media_type: &'static str,
    /// Bytes.
    size: u64,
    /// Who gave it.
    given_by: String,
    /// When.
    stored_at: Time,
    /// When it goes, by the merchant's policy.
    keep_until: Time,
    /// Present once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<ErasedView>,
}

/// That content was erased.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ErasedEvidence))]
pub struct ErasedView {
    /// When.
    at: Time,
    /// By whom.
    by: String,
    /// Why.
    because: String,
}

impl PieceView {
    fn of(piece: &Piece) -> Self {
        Self {
            content: piece.content.hex.clone(),
            media_type: piece.media.name(),
            size: piece.size,
            given_by: piece.given_by.clone(),
            stored_at: Time(piece.stored_at),
            keep_until: Time(piece.keep_until),
            erased: piece.erased.as_ref().map(|erased| ErasedView {
                at: Time(erased.at),
                by: erased.by.clone(),
                because: erased.because.clone(),
            }),
        }
    }
}

/// The parts that make a piece.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvidenceParts {
    /// `image/jpeg`, `image/png`, `application/pdf` or `text/plain`.
    media_type: String,
    /// The SHA-256 of each part, in order.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    parts: Vec<Digest>,
}

/// Why evidence is to go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvidenceErasure {
    /// Why. Needed while an operation under way rests on it.
    reason: Option<Text>,
}

/// Names in a path that are digests: what is none names nothing.
type Named<T> = Result<Path<T>, PathRejection>;

fn digest(text: &str) -> Result<Digest, Error> {
    Digest::parse(text).map_err(|_| Error::NotFound("evidence"))
}

fn one(path: Named<String>) -> Result<Digest, Error> {
    path.map_err(|_| Error::NotFound("evidence")).and_then(|Path(text)| digest(&text))
}

fn media_of(headers: &HeaderMap) -> Result<Media, Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.and_then(Media::of).ok_or_else(|| Problem::field(code::MEDIA_UNKNOWN, "Content-Type", EXPECTED))
}

const EXPECTED: &str = "expected image/jpeg, image/png, application/pdf or text/plain";

/// `PUT /v1/evidence/{content}`
pub async fn give<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let content = one(path)?;
    let media = media_of(request.headers())?;
    let bytes = at_most(request, EVIDENCE_PART_BYTES).await?;
    let given = app.give_evidence(&scope.who, &scope.merchant, &content, media, &bytes).await?;
    shown(&given)
}

/// `PUT /v1/evidence/{content}/parts/{part}`
pub async fn give_part<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let Path((content, part)) = path.map_err(|_| Error::NotFound("evidence"))?;
    let (content, part) = (digest(&content)?, digest(&part)?);
    let bytes = at_most(request, EVIDENCE_PART_BYTES).await?;
    app.give_part(&scope.who, &scope.merchant, &content, &part, &bytes).await?;
    Ok(answer::nothing())
}

/// `POST /v1/evidence/{content}/completions`
pub async fn complete<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<String>,
    Json(ask): Json<EvidenceParts>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let content = one(path)?;
    let media = Media::of(&ask.media_type);
    let media = media.ok_or_else(|| Problem::field(code::MEDIA_UNKNOWN, "/media_type", EXPECTED))?;
    let given = app.complete_evidence(&scope.who, &scope.merchant, &content, media, ask.parts).await?;
    shown(&given)
}

fn shown((piece, created): &(Piece, bool)) -> Result<Response, Problem> {
    answer::json(if *created { StatusCode::CREATED } else { StatusCode::OK }, &PieceView::of(piece))
}

/// `GET /v1/evidence/{content}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<String>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let content = one(path)?;
    let (media, bytes) = app.read_evidence(&scope.who, &scope.merchant, &content).await?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.name()));
    // Somebody else's file: a browser must neither guess what it is nor run what is in it.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(response)
}

/// `GET /v1/evidence/{content}/description`
pub async fn describe<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<String>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let piece = app.describe_evidence(&scope.who, &scope.merchant, &one(path)?).await?;
    answer::json(StatusCode::OK, &PieceView::of(&piece))
}

/// `DELETE /v1/evidence/{content}`
pub async fn erase<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Named<String>,
    Json(ask): Json<EvidenceErasure>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let content = one(path)?;
    let reason = ask.reason.map(|reason| reason.text);
    let piece = app.erase_evidence(&scope.who, &scope.merchant, &content, reason.as_deref()).await?;
    answer::json(StatusCode::OK, &PieceView::of(&piece))
}
