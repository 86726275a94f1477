//! Referrals: opened where the policy leaves it to support, taken, granted or refused.

use crate::app::App;
use crate::case::{CaseChange, find};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::caller::Caller;
use crate::http::decision::PolicyView;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::limits::EVIDENCE_ITEMS;
use crate::http::money::{Amount, Positive};
use crate::http::problem::{Noun, Problem};
use crate::http::refund::{EvidencePiece, PieceView, pieces};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{CaseStateWord, Vocabulary as _, WayWord, Word};
use crate::ports::Ports;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{CaseId, CaseState, PersonId, SaleId, TerminalId};
use serde::{Deserialize, Serialize};

/// A case that is to be opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseAsk {
    /// The way that the policy leaves to support.
    way: WayWord,
    /// How much. All of it unless told; of a refund all that is left.
    amount: Option<Positive>,
    /// The reason code of the operation.
    reason: Option<Text>,
    /// Evidence for support, kept elsewhere and named by its content.
    #[serde(default)]
    evidence: Vec<EvidencePiece>,
    /// Whether a completion keeps a penalty.
    #[serde(default)]
    penalty: bool,
    /// The person who asks. A person's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    requester: Option<PersonId>,
    /// The terminal, if one is used. A terminal's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    terminal: Option<TerminalId>,
}

/// A case.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Case))]
pub struct CaseView {
    /// Names it.
    id: String,
    /// The sale.
    sale: String,
    /// The way that was referred.
    way: WayWord,
    /// The amount.
    amount: Amount,
    /// The rules that referred it: a grant lifts these and no others.
    rules: Vec<String>,
    /// The reason code of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether it is about a completion that keeps a penalty.
    penalty: bool,
    /// Evidence that came with it.
    evidence: Vec<PieceView>,
    /// Who opened it.
    opened_by: String,
    /// When.
    opened_at: Time,
    /// How far it got.
    state: CaseStateWord,
    /// Who looks at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<String>,
    /// Who granted or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// When it ends by itself: the case before it is decided, then the grant.
    expires_at: Time,
    /// The operation or refund that used the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_by: Option<String>,
    /// When it last changed.
    updated_at: Time,
    /// The policy that referred it.
    policy: PolicyView,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

impl CaseView {
    /// The case of that name in a sale's ledger.
    ///
    /// # Errors
    /// If it is not there, which the core does not let happen.
    pub fn find(aggregate: &Aggregate, id: &CaseId) -> Result<Self, Error> {
        let sale = &aggregate.ledger.sale.id;
        let case =
            find(aggregate, id).ok_or_else(|| Error::Internal(format!("the ledger of {sale} does not hold {id}")))?;
        Ok(Self {
            id: case.id.value.clone(),
            sale: sale.value.clone(),
            way: Word(case.way),
            amount: Amount(case.amount.clone()),
            rules: case.rules.clone(),
            reason: case.reason.clone(),
            penalty: case.penalty,
            evidence: PieceView::all(&case.evidence),
            opened_by: case.opened_by.value.clone(),
            opened_at: Time(case.opened_at),
            state: Word(case.state),
            assigned_to: case.assigned_to.as_ref().map(|p| p.value.clone()),
            decided_by: case.decided_by.as_ref().map(|p| p.value.clone()),
            because: case.because.clone(),
            expires_at: Time(case.expires_at),
            consumed_by: case.consumed_by.clone(),
            updated_at: Time(case.updated_at),
            policy: PolicyView::of(&case.policy),
            masked: false,
        })
    }

    fn with_masked(self, masked: bool) -> Self {
        Self { masked, ..self }
    }
}

/// `POST /v1/transactions/{id}/cases`
pub async fn open<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<CaseAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    if instruction.ask.evidence.len() > EVIDENCE_ITEMS {
        return Err(Error::invalid("/evidence", format!("expected at most {EVIDENCE_ITEMS} pieces")).into());
    }
    let about = About::on_sale(Noun::Case, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let ask = crate::case::CaseAsk {
                way: ask.way.0,
                amount: ask.amount.map(|amount| amount.0),
                reason: texts.take_some(ask.reason),
                evidence: pieces(ask.evidence),
                penalty: ask.penalty,
                requester: ask.requester,
                terminal: ask.terminal,
            };
            let (aggregate, case) = app.open_case(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            Ok((StatusCode::CREATED, CaseView::find(&aggregate, &case)?.with_masked(texts.masked())))
        })
        .await
}

/// `GET /v1/cases`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["state", "after", "limit"])?;
    let page = scope.asked.page()?;
    let state = scope.asked.read_with("state", CaseState::read)?;
    let listed = app.list_cases(&scope.who, &scope.merchant, state, page.after.as_deref(), page.limit).await?;
    let items = listed.items.iter().map(|(aggregate, id)| CaseView::find(aggregate, id));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// `GET /v1/cases/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<CaseId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let (aggregate, id) = app.case(&scope.who, &scope.merchant, &id).await?;
    answer::json(StatusCode::OK, &CaseView::find(&aggregate, &id)?)
}

/// Who is to look at a case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assignment {
    /// The person of support. Whoever asks unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    to: Option<PersonId>,
}

/// A decision of support, with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseVerdict {
    /// Why.
    because: Text,
}

/// Changes a case that is there, and shows it. `read` also says whether something was masked.
async fn change<P: Ports, T: Send>(
    app: &App<P>,
    caller: Caller,
    id: CaseId,
    instruction: Instruction<T>,
    read: fn(T) -> (CaseChange, bool),
) -> Result<Response, Problem> {
    let scope = &caller.scope(&[])?;
    let about = About::within(Noun::Case, id.as_str());
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let (change, masked) = read(ask);
            let (aggregate, id) = app.change_case(&scope.who, &scope.merchant, &id, change, &command).await?;
            Ok((StatusCode::OK, CaseView::find(&aggregate, &id)?.with_masked(masked)))
        })
        .await
}

/// `POST /v1/cases/{id}/assignments`
pub async fn assign<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<CaseId>,
    instruction: Instruction<Assignment>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Assignment { to }| (CaseChange::Assign { to }, false)).await
}

/// `POST /v1/cases/{id}/grants`
pub async fn grant<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<CaseId>,
    instruction: Instruction<CaseVerdict>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |CaseVerdict { because: Text { text, masked } }| {
        (CaseChange::Decide { grant: true, because: text }, masked)
    })
    .await
}

/// `POST /v1/cases/{id}/refusals`
pub async fn refuse<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<CaseId>,
    instruction: Instruction<CaseVerdict>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |CaseVerdict { because: Text { text, masked } }| {
        (CaseChange::Decide { grant: false, because: text }, masked)
    })
    .await
}
