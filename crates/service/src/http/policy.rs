//! Policies: their versions, which of them holds when, and how a candidate would have decided.

use crate::activation::{Activation, ActivationAsk, ActivationState, Candidate};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing, REPLAYED};
use crate::http::body::{self, Json};
use crate::http::caller::Caller;
use crate::http::code;
use crate::http::decision::PolicyView;
use crate::http::id::Segment;
use crate::http::instruction::key_of;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::http::word::{WayWord, Word};
use crate::policies::PolicyVersion;
use crate::ports::Ports;
use crate::shadow::{Difference, Kind, NOT_COMPARABLE, ShadowReport};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::MerchantId;
use serde::{Deserialize, Serialize};

/// One version of a policy: the same document for ever.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PolicyVersion))]
pub struct VersionView {
    /// The policy's name.
    name: String,
    /// Its author's version.
    version: String,
    /// The SHA-256 of its canonical form.
    hash: String,
    /// From when it may be in force, if it says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<Time>,
    /// Until before when.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_until: Option<Time>,
    /// The key with which it was installed; `deployment`: the host did.
    installed_by: String,
    /// When.
    installed_at: Time,
}

impl VersionView {
    fn of(version: PolicyVersion) -> Self {
        Self {
            name: version.name,
            version: version.version,
            hash: version.hash.hex,
            effective_from: version.effective.from.map(Time),
            effective_until: version.effective.until.map(Time),
            installed_by: version.by,
            installed_at: Time(version.at),
        }
    }
}

/// A version to put in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewActivation {
    /// The version.
    version: String,
    /// From when on it holds. Unless told, at once.
    at: Option<Time>,
}

/// A version that holds from an instant on, until another does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Activation))]
pub struct ActivationView {
    /// Names it.
    id: String,
    /// The version.
    version: String,
    /// Its hash.
    hash: String,
    /// From when it holds.
    from: Time,
    /// Until before when its document may be in force at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    /// `scheduled`, `in-force`, `superseded`, `cancelled`, or `not-loaded`: its time has come, its document cannot be loaded,
    /// and the one before goes on deciding. Absent where it was just asked for, or is long past.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The key with which it was asked for.
    asked_by: String,
    /// When it was asked for.
    asked_at: Time,
    /// The key with which it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_by: Option<String>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Time>,
}

impl ActivationView {
    fn of(activation: Activation, state: Option<ActivationState>) -> Self {
        let state = state.map(|state| match state {
            ActivationState::Scheduled => "scheduled",
            ActivationState::InForce => "in-force",
            ActivationState::Superseded => "superseded",
            ActivationState::Cancelled => "cancelled",
            ActivationState::NotLoaded => "not-loaded",
        });
        let cancelled_at = activation.cancelled.as_ref().map(|cancelled| Time(cancelled.at));
        Self {
            id: activation.id,
            version: activation.version,
            hash: activation.hash.hex,
            from: Time(activation.from),
            until: activation.until.map(Time),
            state,
            asked_by: activation.by,
            asked_at: Time(activation.at),
            cancelled_by: activation.cancelled.map(|cancelled| cancelled.by),
            cancelled_at,
        }
    }
}

/// A version that is to decide beside the one in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewCandidate {
    /// The version.
    version: String,
}

/// A version that decides beside the one in force, without effect.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Candidate))]
pub struct CandidateView {
    /// The version.
    version: String,
    /// Its hash.
    hash: String,
    /// From when on decisions are compared.
    since: Time,
    /// The key with which it was set.
    set_by: String,
}

impl CandidateView {
    fn of(candidate: Candidate) -> Self {
        let Candidate { version, hash, since, by, .. } = candidate;
        Self { version, hash: hash.hex, since: Time(since), set_by: by }
    }
}

/// How a candidate would have decided so far.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shadow {
    /// The candidate.
    candidate: CandidateView,
    /// Whether every decision since is in it. Otherwise ask again: each answer takes in some more.
    complete: bool,
    /// How many decisions are the same.
    equal: u64,
    /// How many are not.
    different: u64,
    /// How many can be told neither to be: the candidate would need a count that the policy in force does not keep.
    not_comparable: u64,
    /// Those two by kind, the most frequent first.
    kinds: Vec<KindView>,
    /// The newest of them, newest first.
    differences: Vec<DifferenceView>,
}

/// A kind of difference between what is in force and a candidate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ShadowKind))]
pub struct KindView {
    /// The way.
    way: WayWord,
    /// What was answered: `allow`, `refer`, `deny`.
    from: String,
    /// What the candidate answers: one of these, or `error`; `not-comparable` where it would need a count that is not kept.
    to: String,
    /// The first rule that makes the difference; `terms` where only what is demanded differs; the count that is not kept.
    rule: String,
    /// How often.
    count: u64,
}

/// One decision that a candidate would have made otherwise.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ShadowDifference))]
pub struct DifferenceView {
    /// Its record: `GET /v1/decisions/{id}`.
    decision: String,
    /// Whose.
    merchant: String,
    /// The sale.
    sale: String,
    /// When it was decided.
    at: Time,
    /// The way.
    way: WayWord,
    /// What was answered.
    from: String,
    /// What the candidate answers, as in `kinds`.
    to: String,
    /// The first rule that makes the difference, as in `kinds`.
    rule: String,
}

impl Shadow {
    fn of(report: ShadowReport) -> Self {
        let ShadowReport { candidate, complete, equal, kinds, differences } = report;
        let sum = |is_comparable: bool| {
            let of = kinds.iter().filter(|kind| (kind.to != NOT_COMPARABLE) == is_comparable);
            of.fold(0_u64, |sum, kind| sum.saturating_add(kind.count))
        };
        let (different, not_comparable) = (sum(true), sum(false));
        let kind = |Kind { way, from, to, rule, count }| KindView { way: Word(way), from, to, rule, count };
        let difference = |d: Difference| DifferenceView {
            decision: d.decision,
            merchant: d.merchant.value,
            sale: d.sale.value,
            at: Time(d.at),
            way: Word(d.way),
            from: d.from,
            to: d.to,
            rule: d.rule,
        };
        Self {
            candidate: CandidateView::of(candidate),
            complete,
            equal,
            different,
            not_comparable,
            kinds: kinds.into_iter().map(kind).collect(),
            differences: differences.into_iter().map(difference).collect(),
        }
    }
}

/// Whether a body is said to be TOML.
fn is_source(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/toml") || media.eq_ignore_ascii_case("text/toml")
}

/// `PUT /v1/policies/{name}`
pub async fn install<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["activate"])?;
    who.require_admin()?;
    let at_once = match asked.text("activate") {
        None => false,
        Some("now") => true,
        Some(_) => return Err(Error::invalid("activate", "expected now; for later, ask for an activation").into()),
    };
    if is_source(request.headers()) {
        // Compiling is the author's, at a desk. Here it would add some 780 kB to a component of 5.4 MB, and diagnostics with
        // spans of a file that nobody who calls this sees.
        let what = "Compile it first and send the file that comes out: rescind policy compile PACK.toml --out PACK.json. Its \
                    hash is the policy's identity; a layer is compiled with what it extends.";
        return Err(Problem::new(code::POLICY_SOURCE, what));
    }
    let canonical = body::bytes_of(request).await?;
    let version = if at_once {
        app.install_and_activate(&who, &name, &canonical).await?
    } else {
        app.install_policy(&who, &name, &canonical).await?
    };
    answer::json(StatusCode::OK, &VersionView::of(version))
}

/// `GET /v1/policies`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let items = app.list_policies(&who).await?.iter().map(PolicyView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: None })
}

/// `GET /v1/policies/{name}/versions`
pub async fn versions<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["after", "limit"])?;
    let page = asked.page()?;
    let listed = app.list_versions(&who, &name, page.after.as_deref(), page.limit).await?;
    let items = listed.items.into_iter().map(VersionView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// `GET /v1/policies/{name}/versions/{version}`
pub async fn version<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let Path((name, version)) = path.map_err(|_| Error::NotFound("policy version"))?;
    let (version, canonical) = app.canonical_of(&who, &name, &version).await?;
    let mut response = answer::text("application/json", canonical);
    let tag = HeaderValue::from_str(&format!("\"{}\"", version.hash)).map_err(|e| Problem::internal(e.to_string()))?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// `POST /v1/policies/{name}/activations`
pub async fn activate<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
    headers: HeaderMap,
    Json(new): Json<NewActivation>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    who.require_admin()?;
    let key = key_of(&headers)?;
    let ask = ActivationAsk { version: new.version, at: new.at.map(|at| at.0) };
    let (activation, fresh) = app.activate(&who, &name, &ask, &key).await?;
    let mut response = answer::json(StatusCode::CREATED, &ActivationView::of(activation, None))?;
    if !fresh {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// `GET /v1/policies/{name}/activations`
pub async fn activations<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["past", "after", "limit"])?;
    let page = asked.page()?;
    match asked.text("past") {
        None => {
            let (known, _) = app.list_activations(&who, &name).await?;
            let items = known.into_iter().map(|(activation, state)| ActivationView::of(activation, Some(state)));
            answer::json(StatusCode::OK, &Listing { items: items.collect(), next: None })
        }
        Some("true") => {
            let (past, next) = app.past_activations(&who, &name, page.after.as_deref(), page.limit).await?;
            let items = past.into_iter().map(|activation| ActivationView::of(activation, None)).collect();
            answer::json(StatusCode::OK, &Listing { items, next })
        }
        Some(_) => Err(Error::invalid("past", "expected true, or nothing").into()),
    }
}

/// `DELETE /v1/policies/{name}/activations/{id}`
pub async fn cancel<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    who.require_admin()?;
    let Path((name, id)) = path.map_err(|_| Error::NotFound("activation"))?;
    let cancelled = app.cancel_activation(&who, &name, &id).await?;
    answer::json(StatusCode::OK, &ActivationView::of(cancelled, Some(ActivationState::Cancelled)))
}

/// `PUT /v1/policies/{name}/shadow`
pub async fn set_shadow<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
    Json(new): Json<NewCandidate>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let set = app.set_candidate(&who, &name, Some(&new.version)).await?.ok_or(Error::NotFound("candidate"))?;
    answer::json(StatusCode::OK, &CandidateView::of(set))
}

/// `DELETE /v1/policies/{name}/shadow`
pub async fn end_shadow<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    app.set_candidate(&who, &name, None).await?;
    Ok(answer::nothing())
}

/// `GET /v1/policies/{name}/shadow`
pub async fn shadow<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["merchant"])?;
    let merchant = asked.read_as::<MerchantId>("merchant")?;
    let report = app.shadow(&who, &name, merchant.as_ref()).await?;
    answer::json(StatusCode::OK, &Shadow::of(report))
}
