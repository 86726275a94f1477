//! Decisions as they were recorded: looked at, listed by day, and taken out to be made again.

use crate::decision::{Decisions, Kept, Seen, way_of};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::caller::Caller;
use crate::http::decision::PolicyView;
use crate::http::id::Segment;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::http::word::{OutcomeWord, Vocabulary as _, WayWord, Word};
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_DISPOSITION, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::record::Answer;
use rescind_model::token::Token as _;
use rescind_model::{BusinessDay, Outcome};
use serde::Serialize;
use serde_json::Value;

/// The media type of one JSON text per line.
const JSON_LINES: &str = "application/jsonl";

/// A decision with everything it depended on.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DecisionRecord))]
pub struct RecordView {
    /// Names it within the merchant.
    id: String,
    /// The merchant.
    merchant: String,
    /// The sale.
    sale: String,
    /// When it was decided.
    at: Time,
    /// The way that was asked for. Absent: all ways at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<WayWord>,
    /// The answer. Absent where all ways were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeWord>,
    /// Which policy decided.
    policy: PolicyView,
    /// The SHA-256 of the component that decided.
    component: String,
    /// The SHA-256 of the input, before anything was masked.
    input_digest: String,
    /// Whether something in the record is masked: it can then not be made again from it.
    #[serde(skip_serializing_if = "crate::http::answer::is_false")]
    masked: bool,
    /// The record itself, as `rescind policy replay` and `backtest` read it.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, serde_json::Value>))]
    record: Value,
}

impl RecordView {
    fn of(seen: &Seen) -> Result<Self, Problem> {
        let record = match &seen.kept {
            Kept::One(record) => serde_json::to_value(record),
            Kept::Ways(record) => serde_json::to_value(record),
        };
        let record = record.map_err(|e| Problem::internal(e.to_string()))?;
        let outcome = match &seen.kept {
            Kept::One(record) => match &record.answer {
                Answer::Decided(decision) => Some(Word(decision.outcome)),
                Answer::Error(_) => None,
            },
            Kept::Ways(_) => None,
        };
        let (merchant, sale, at, policy, component, digest) = match &seen.kept {
            Kept::One(r) => (&r.merchant, &r.sale, r.at, &r.policy, &r.component, &r.input_digest),
            Kept::Ways(r) => (&r.merchant, &r.sale, r.at, &r.policy, &r.component, &r.input_digest),
        };
        Ok(Self {
            id: seen.kept.id().to_owned(),
            merchant: merchant.value.clone(),
            sale: sale.value.clone(),
            at: Time(at),
            way: way_of(&seen.kept).map(Word),
            outcome,
            policy: PolicyView::of(policy),
            component: component.hex.clone(),
            input_digest: digest.hex.clone(),
            masked: seen.masked,
            record,
        })
    }
}

/// `GET /v1/decisions/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let seen = app.decision(&scope.who, &scope.merchant, &id).await?;
    answer::json(StatusCode::OK, &RecordView::of(&seen)?)
}

/// `GET /v1/decisions`
pub async fn list<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["day", "outcome", "after", "limit"])?;
    let page = scope.asked.page()?;
    let day = scope.asked.read_with("day", BusinessDay::parse)?;
    let outcome = scope.asked.read_with("outcome", Outcome::read)?;
    let lines = wants_lines(&headers);
    if lines {
        app.sees_decisions_whole(&scope.who, &scope.merchant)?;
    }
    let (who, merchant) = (&scope.who, &scope.merchant);
    let listed = app.list_decisions(who, merchant, day, outcome, page.after.as_deref(), page.limit).await?;
    if lines {
        return in_lines(&listed, merchant.as_str(), outcome);
    }
    let items = listed.items.iter().map(RecordView::of).collect::<Result<Vec<_>, _>>()?;
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// One record per line, of either kind: its `format` says which.
fn in_lines(listed: &Decisions, merchant: &str, outcome: Option<Outcome>) -> Result<Response, Problem> {
    let mut text = String::new();
    for seen in &listed.items {
        let line = match &seen.kept {
            Kept::One(record) => serde_json::to_string(record),
            Kept::Ways(record) => serde_json::to_string(record),
        };
        text.push_str(&line.map_err(|e| Problem::internal(e.to_string()))?);
        text.push('\n');
    }
    let mut response = answer::text(JSON_LINES, text);
    let wrong = |e: http::header::InvalidHeaderValue| Problem::from(Error::Internal(e.to_string()));
    let day = listed.business_day;
    // Names hold nothing that would have to be quoted.
    let name = format!("attachment; filename=\"decisions-{merchant}-{day}.jsonl\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(wrong)?);
    if let Some(next) = &listed.next {
        // Lines have no place for it (RFC 8288).
        let only = outcome.map(|outcome| format!("&outcome={}", outcome.token())).unwrap_or_default();
        let link = format!("</v1/decisions?merchant={merchant}&day={day}{only}&after={next}>; rel=\"next\"");
        response.headers_mut().insert(LINK, HeaderValue::from_str(&link).map_err(wrong)?);
    }
    Ok(response)
}

/// Whether lines are asked for before JSON.
fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds =
        accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or(kind).trim());
    kinds.find(|kind| matches!(*kind, JSON_LINES | "application/json" | "*/*")) == Some(JSON_LINES)
}
