//! Liabilities: money that somebody owes because of a refund.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::caller::Caller;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::{Amount, Positive};
use crate::http::problem::{Noun, Problem};
use crate::http::text::Text;
use crate::http::time::Time;
use crate::http::word::{LiabilityCauseWord, LiabilityStateWord, PartyWord, Vocabulary as _, Word};
use crate::liability::find;
use crate::ports::Ports;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Liability, LiabilityId, LiabilityState, RefundId, SaleId};
use serde::{Deserialize, Serialize};

/// A claim that somebody owes money because of a refund.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claim {
    /// Why. What was returned too much is the customer's to give back, anything else the merchant's to pay.
    cause: LiabilityCauseWord,
    /// How much, at most the refund's amount.
    amount: Positive,
    /// Why, for people.
    because: Text,
}

/// How a liability ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiabilityEnd {
    /// `settled`, `agreed` or `written-off`.
    state: LiabilityStateWord,
    /// What was agreed or paid.
    because: Text,
}

/// Money that somebody owes because of a refund.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Liability))]
pub struct LiabilityView {
    /// Names it.
    id: String,
    /// The sale.
    sale: String,
    /// The refund it comes from.
    refund: String,
    /// Why.
    cause: LiabilityCauseWord,
    /// How much.
    amount: Amount,
    /// Who owes.
    debtor: PartyWord,
    /// Whom.
    creditor: PartyWord,
    /// How far it got.
    state: LiabilityStateWord,
    /// What was said of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// When it came up.
    opened_at: Time,
    /// Who ended it. Absent while it is open, and where a later refund paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    /// When it last changed.
    updated_at: Time,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

impl LiabilityView {
    /// A liability of a sale.
    pub fn of(sale: &SaleId, liability: &Liability) -> Self {
        Self {
            id: liability.id.value.clone(),
            sale: sale.value.clone(),
            refund: liability.refund.value.clone(),
            cause: Word(liability.cause),
            amount: Amount(liability.amount.clone()),
            debtor: Word(liability.debtor),
            creditor: Word(liability.creditor),
            state: Word(liability.state),
            because: liability.because.clone(),
            opened_at: Time(liability.opened_at),
            ended_by: liability.ended_by.as_ref().map(|p| p.value.clone()),
            updated_at: Time(liability.updated_at),
            masked: false,
        }
    }

    fn find(aggregate: &Aggregate, id: &LiabilityId) -> Result<Self, Error> {
        let sale = &aggregate.ledger.sale.id;
        let missing = || Error::Internal(format!("the ledger of {sale} does not hold {id}"));
        Ok(Self::of(sale, find(aggregate, id).ok_or_else(missing)?))
    }
}

/// `POST /v1/refunds/{id}/liabilities`
pub async fn record<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Claim>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let Text { text, masked } = ask.because;
            let (aggregate, liability) = app
                .record_liability(&scope.who, &scope.merchant, &id, ask.cause.0, ask.amount.0, text, &command)
                .await?;
            Ok((StatusCode::CREATED, LiabilityView { masked, ..LiabilityView::find(&aggregate, &liability)? }))
        })
        .await
}

/// `GET /v1/liabilities`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["state", "after", "limit"])?;
    let page = scope.asked.page()?;
    let state = scope.asked.read_with("state", LiabilityState::read)?;
    let listed = app.list_liabilities(&scope.who, &scope.merchant, state, page.after.as_deref(), page.limit).await?;
    let items = listed.items.iter().map(|(aggregate, id)| LiabilityView::find(aggregate, id));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// `POST /v1/liabilities/{id}/ends`
pub async fn end<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<LiabilityId>,
    instruction: Instruction<LiabilityEnd>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    if instruction.ask.state.0 == LiabilityState::Open {
        return Err(Error::invalid("/state", "expected settled, agreed or written-off").into());
    }
    let about = About::within(Noun::Liability, id.as_str());
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let Text { text, masked } = ask.because;
            let (aggregate, id) =
                app.end_liability(&scope.who, &scope.merchant, &id, ask.state.0, text, &command).await?;
            Ok((StatusCode::OK, LiabilityView { masked, ..LiabilityView::find(&aggregate, &id)? }))
        })
        .await
}
