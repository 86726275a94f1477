//! Reviewers' systems: a verdict by signed webhook (Standard Webhooks). The signature is the authentication.

use crate::error::Error;
use crate::http::Shared;
use crate::http::body;
use crate::http::caller::Parameters;
use crate::http::code;
use crate::http::instruction::{About, WEBHOOK_KEYS, once};
use crate::http::problem::Problem;
use crate::http::refund::RefundView;
use crate::http::text::Text;
use crate::http::word::{VerdictType, VerdictTypeWord};
use crate::ports::Ports;
use crate::review::Verdict;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use rescind_model::{Digest, RefundId, SealHeaders};
use serde::Deserialize;

/// What a reviewer's system says about a refund.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Review {
    /// The refund.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    refund: RefundId,
    /// The system's own name for the person who decided.
    principal: String,
    /// Yes or no.
    decision: VerdictTypeWord,
    /// The revision the person saw. The current one unless told.
    revision: Option<u32>,
    /// The digest the person saw. The current one unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    digest: Option<Digest>,
    /// Why not. Needed to decline.
    reason: Option<Text>,
}

/// `POST /v1/webhooks/reviews`
pub async fn receive<P: Ports>(State(app): State<Shared<P>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let seal = seal_of(&parts.headers);
    let source = Parameters::read(&parts).ok().and_then(|p| p.text("source").map(str::to_owned));
    let bytes = body::bytes_of(Request::from_parts(parts, body)).await?;
    let (Some(seal), Some(source)) = (seal, source) else { return Err(Error::Unauthenticated.into()) };
    let source = app.review_source(&source, &seal, &bytes).await?;
    let review: Review = body::parse(&bytes)?;
    let masked = review.reason.as_ref().is_some_and(|r| r.masked);
    let verdict = Verdict {
        refund: review.refund,
        principal: review.principal,
        approve: review.decision.0 == VerdictType::Approve,
        revision: review.revision,
        digest: review.digest,
        reason: review.reason.map(|r| r.text),
    };
    // Two systems may give the same id to different messages.
    let key = format!("{WEBHOOK_KEYS}{}:{}", source.id, seal.id);
    let payload = Digest::of(body::canonical(&bytes)?.as_bytes());
    let about = About::refund(&verdict.refund);
    let (app, source, verdict) = (&*app, &source, &verdict);
    let answer = once(app, &source.merchant, &key, &payload, &about, None, |command| async move {
        let refund = app.apply_verdict(source, verdict, &command).await?;
        Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(masked)))
    });
    answer.await.map_err(|problem| {
        if problem.is(code::KEY_REUSED) {
            Problem::new(code::WEBHOOK_DIFFERS, "A new message needs a new webhook-id.")
        } else {
            problem
        }
    })
}

/// The headers of the seal, each of them once.
fn seal_of(headers: &HeaderMap) -> Option<SealHeaders> {
    let text = |name: &str| {
        let mut given = headers.get_all(name).iter();
        match (given.next(), given.next()) {
            (Some(one), None) => one.to_str().ok().map(str::to_owned),
            _ => None,
        }
    };
    Some(SealHeaders {
        id: text("webhook-id")?,
        timestamp: text("webhook-timestamp")?,
        signature: text("webhook-signature")?,
    })
}
