//! Operations: voids under way, what became of them, and their slips.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::{Caller, Scope};
use crate::http::decision::{FeeView, PolicyView};
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::Amount;
use crate::http::problem::Problem;
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{ExecutorWord, OperationStateWord, ResultType, ResultTypeWord, Vocabulary as _, Word};
use crate::ports::Ports;
use crate::principal::{Bearer, Principal};
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Evidence, Instant, Locale, OperationId, PersonId, ResultOf, SaleId, Target, VoidOperation};
use serde::{Deserialize, Serialize};

/// A void of a sale.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Operation))]
pub struct OperationView {
    /// Names it.
    id: String,
    /// Always `void`, until there are other operations.
    kind: &'static str,
    /// The sale that is voided.
    sale: String,
    /// How far it got.
    state: OperationStateWord,
    /// The amount.
    amount: Amount,
    /// The reason code.
    reason: String,
    /// The person who asked for it.
    requested_by: String,
    /// The terminal it was asked for at.
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<String>,
    /// Who carries it out.
    executor: ExecutorWord,
    /// The reference every attempt gives to the provider.
    provider_reference: String,
    /// Whether its outcome is being forced by a reversal of the void.
    reversing: bool,
    /// Whether a person has to look at it.
    attention: bool,
    /// Fees that come with it.
    fees: Vec<FeeView>,
    /// The policy that allowed it.
    policy: PolicyView,
    /// When it was authorised.
    authorised_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// When something is due to happen next.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    /// What ended it, or the last that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceView>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

/// What a provider, a terminal or two persons said about an operation.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Evidence))]
pub struct EvidenceView {
    /// Where it comes from.
    source: String,
    /// The provider's response code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The provider's reference for what it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// A short text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// When it was said.
    at: Time,
}

impl EvidenceView {
    /// Evidence.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        Self {
            source: evidence.source.clone(),
            code: evidence.code.clone(),
            reference: evidence.reference.clone(),
            note: evidence.note.clone(),
            at: Time(evidence.at),
        }
    }
}

impl OperationView {
    /// A void of a sale.
    #[must_use]
    pub fn of(sale: &SaleId, void: &VoidOperation) -> Self {
        Self {
            id: void.id.value.clone(),
            kind: "void",
            sale: sale.value.clone(),
            state: Word(void.state),
            amount: Amount(void.amount.clone()),
            reason: void.reason.clone(),
            requested_by: void.requested_by.value.clone(),
            terminal: void.terminal.as_ref().map(|t| t.value.clone()),
            executor: Word(void.executor),
            provider_reference: void.provider_reference.clone(),
            reversing: void.reversing,
            attention: void.attention,
            fees: FeeView::all(&void.fees),
            policy: PolicyView::of(&void.policy),
            authorised_at: Time(void.authorised_at),
            updated_at: Time(void.updated_at),
            due_at: void.due_at.map(Time),
            evidence: void.evidence.as_ref().map(EvidenceView::of),
            masked: false,
        }
    }

    /// The void of that name in a sale's ledger.
    ///
    /// # Errors
    /// If it is not there, which the core does not let happen.
    pub fn find(aggregate: &Aggregate, id: &OperationId) -> Result<Self, Error> {
        let void = aggregate.ledger.voids.iter().find(|v| v.id == *id);
        void.map(|void| Self::of(&aggregate.ledger.sale.id, void))
            .ok_or_else(|| Error::Internal(format!("the ledger of {} does not hold {id}", aggregate.ledger.sale.id)))
    }

    /// The same, flagged.
    #[must_use]
    pub fn with_masked(self, masked: bool) -> Self {
        Self { masked, ..self }
    }
}

/// `GET /v1/operations/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<OperationId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let (aggregate, id) = app.operation(&scope.who, &scope.merchant, &id).await?;
    answer::json(StatusCode::OK, &OperationView::find(&aggregate, &id)?)
}

/// What became of an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationResult {
    /// What became of it. `failed` is for definitive evidence only: a timeout is `unknown`.
    outcome: ResultTypeWord,
    /// The provider's response code.
    code: Option<Text>,
    /// The provider's reference for what it did.
    reference: Option<Text>,
    /// A short text for people.
    note: Option<Text>,
}

impl OperationResult {
    fn parsed(self, who: &Principal, at: Instant, texts: &mut Texts) -> ResultOf {
        // A terminal speaks for itself; a merchant's system passes on what the provider told it.
        let source = match &who.bearer {
            Bearer::System { .. } => "provider",
            Bearer::Admin | Bearer::Person { .. } | Bearer::Terminal { .. } => "terminal",
        };
        let evidence = Evidence {
            source: source.to_owned(),
            code: texts.take_some(self.code),
            reference: texts.take_some(self.reference),
            note: texts.take_some(self.note),
            at,
        };
        match self.outcome.0 {
            ResultType::Done => ResultOf::Done(evidence),
            ResultType::Failed => ResultOf::Failed(evidence),
            ResultType::Unknown => ResultOf::Unknown(evidence),
            ResultType::Reversed => ResultOf::Reversed(evidence),
        }
    }
}

/// `POST /v1/operations/{id}/results`
pub async fn report<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<OperationId>,
    instruction: Instruction<OperationResult>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::operation(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |result, command| async move {
            let mut texts = Texts::default();
            let result = result.parsed(&scope.who, app.ports.now(), &mut texts);
            let (aggregate, id) = app.report(&scope.who, &scope.merchant, &id, result, &command).await?;
            Ok((StatusCode::OK, OperationView::find(&aggregate, &id)?.with_masked(texts.masked())))
        })
        .await
}

/// How two persons end an operation that no evidence will end. The first is whose key it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resolution {
    /// Whether it took place.
    pub took_place: bool,
    /// The second person.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub second: PersonId,
    /// Why they are sure.
    pub reason: Text,
}

/// `POST /v1/operations/{id}/resolutions`
pub async fn resolve<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<OperationId>,
    instruction: Instruction<Resolution>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::operation(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let reason = texts.take(ask.reason);
            let target = Target::Void(id.clone());
            let aggregate =
                app.resolve(&scope.who, &scope.merchant, &target, ask.took_place, ask.second, reason, &command).await?;
            Ok((StatusCode::OK, OperationView::find(&aggregate, &id)?.with_masked(texts.masked())))
        })
        .await
}

/// `GET /v1/operations/{id}/slip`
pub async fn slip<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<OperationId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["locale", "reprint"])?;
    print(&app, &scope, &Target::Void(id)).await
}

/// A slip, as the query wants it.
///
/// # Errors
/// A parameter is wrong; there is none, or it is not to be printed yet.
pub async fn print<P: Ports>(app: &crate::App<P>, scope: &Scope, target: &Target) -> Result<Response, Problem> {
    let locale = scope.asked.read_with("locale", Locale::read)?.unwrap_or(Locale::ZhCn);
    let reprint = scope.asked.read_as::<bool>("reprint")?.unwrap_or(false);
    let text = app.slip(&scope.who, &scope.merchant, target, locale, reprint).await?;
    Ok(answer::text("text/plain; charset=utf-8", text))
}
