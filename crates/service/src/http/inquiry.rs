//! After a refund was asked for: questions about it, searches for it, and what the network gave back.

use crate::error::Error;
use crate::http::Shared;
use crate::http::caller::Caller;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::limits::EVIDENCE_ITEMS;
use crate::http::operation::EvidenceView;
use crate::http::personal::PersonalView;
use crate::http::problem::Problem;
use crate::http::refund::{EvidencePiece, RefundView, pieces};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::inquiry::Answered;
use crate::mask::Lens;
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Evidence, Inquiry, PersonId, RefundId, RefundReturn, Trace};
use serde::{Deserialize, Serialize};

/// A reviewer's question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// What the merchant is asked.
    question: Text,
}

/// The merchant's answer. It needs a note or evidence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Information {
    /// The note that replaces the request's.
    note: Option<Text>,
    /// Evidence that is added.
    #[serde(default)]
    evidence: Vec<EvidencePiece>,
    /// The person who answers. A person's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    requester: Option<PersonId>,
}

/// Who wants a refund searched for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceAsk {
    /// The person who asks. A person's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    requester: Option<PersonId>,
}

/// What the network said when it gave a refund back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReturnNews {
    /// Its response code.
    code: Option<Text>,
    /// Its reference for the return.
    reference: Option<Text>,
    /// A short text.
    note: Option<Text>,
    /// When it said so. Now unless told.
    at: Option<Time>,
}

/// A reviewer's question, and whether it was answered.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Inquiry))]
pub struct InquiryView {
    /// Who asked.
    asked_by: String,
    /// What.
    question: PersonalView,
    /// When.
    asked_at: Time,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
}

impl InquiryView {
    /// All of a refund's.
    pub fn all(inquiries: &[Inquiry]) -> Vec<Self> {
        let view = |inquiry: &Inquiry| Self {
            asked_by: inquiry.asked_by.value.clone(),
            question: PersonalView::of(&inquiry.question),
            asked_at: Time(inquiry.asked_at),
            answered_by: inquiry.answered_by.as_ref().map(|p| p.value.clone()),
            answered_at: inquiry.answered_at.map(Time),
        };
        inquiries.iter().map(view).collect()
    }

    /// The same, with what was asked as a lens shows it.
    pub fn seen(&mut self, lens: &Lens, inquiry: &Inquiry) {
        self.question = PersonalView::through(lens, &inquiry.question);
    }
}

/// The search for a cleared refund that has not arrived.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Trace))]
pub struct TraceView {
    /// Who asked for it.
    requested_by: String,
    /// When.
    requested_at: Time,
    /// When the provider is asked next.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    /// How often the provider was asked in vain.
    queries: u32,
    /// Whether the money arrived. Absent: the provider does not know yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrived: Option<bool>,
    /// What the provider said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceView>,
}

impl TraceView {
    /// A search.
    pub fn of(trace: &Trace) -> Self {
        Self {
            requested_by: trace.requested_by.value.clone(),
            requested_at: Time(trace.requested_at),
            due_at: trace.due_at.map(Time),
            queries: trace.queries,
            arrived: trace.arrived,
            evidence: trace.evidence.as_ref().map(EvidenceView::of),
        }
    }
}

/// That the network gave a refund back.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Return))]
pub struct ReturnView {
    /// Names it.
    id: String,
    /// What the network said.
    evidence: EvidenceView,
    /// When it was recorded.
    at: Time,
}

impl ReturnView {
    /// A return.
    pub fn of(back: &RefundReturn) -> Self {
        Self { id: back.id.value.clone(), evidence: EvidenceView::of(&back.evidence), at: Time(back.at) }
    }
}

/// `POST /v1/refunds/{id}/inquiries`
pub async fn ask<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Question>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |Question { question: Text { text, masked } }, command| async move {
            let refund = app.ask_information(&scope.who, &scope.merchant, &id, text, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(masked)))
        })
        .await
}

/// `POST /v1/refunds/{id}/information`
pub async fn inform<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Information>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    if instruction.ask.evidence.len() > EVIDENCE_ITEMS {
        return Err(Error::invalid("/evidence", format!("expected at most {EVIDENCE_ITEMS} pieces")).into());
    }
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let answer =
                Answered { note: texts.take_some(ask.note), evidence: pieces(ask.evidence), requester: ask.requester };
            let refund = app.provide_information(&scope.who, &scope.merchant, &id, answer, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(texts.masked())))
        })
        .await
}

/// `POST /v1/refunds/{id}/traces`
pub async fn trace<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<TraceAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |TraceAsk { requester }, command| async move {
            let refund = app.request_trace(&scope.who, &scope.merchant, &id, requester.as_ref(), &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?))
        })
        .await
}

/// `POST /v1/refunds/{id}/returns`
pub async fn give_back<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<ReturnNews>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |news, command| async move {
            let mut texts = Texts::default();
            let evidence = Evidence {
                source: "provider".to_owned(),
                code: texts.take_some(news.code),
                reference: texts.take_some(news.reference),
                note: texts.take_some(news.note),
                at: news.at.map_or_else(|| app.ports.now(), |at| at.0),
            };
            let refund = app.report_return(&scope.who, &scope.merchant, &id, evidence, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(texts.masked())))
        })
        .await
}
