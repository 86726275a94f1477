//! Operations: voids, reversals, order closes and what is done to holds; what became of them, and their slips.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::{Caller, Scope};
use crate::http::decision::{FeeView, PolicyView, SeenFee};
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::Amount;
use crate::http::problem::Problem;
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{ExecutorWord, OperationStateWord, ResultType, ResultTypeWord, Vocabulary as _, WayWord, Word};
use crate::operation::{find_operation, find_void};
use crate::ports::Ports;
use crate::principal::{Bearer, Principal};
use crate::proof::ShownProof;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{
    Actor, CaseId, Evidence, Instant, Locale, Operation, OperationId, PersonId, ResultOf, SaleId, Target, TerminalId,
    VoidOperation, Way,
};
use serde::{Deserialize, Serialize};

/// A void or another operation of a sale. Refunds have a form of their own.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Operation))]
pub struct OperationView {
    /// Names it.
    id: String,
    /// What it does.
    kind: WayWord,
    /// The sale, code or hold it is done to.
    sale: String,
    /// How far it got.
    state: OperationStateWord,
    /// The amount.
    amount: Amount,
    /// The reason code, or the trouble that led to it.
    reason: String,
    /// Whether a completion keeps a penalty.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    penalty: bool,
    /// The person who asked for it. Absent if a terminal or a system did by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<String>,
    /// The terminal it was asked for at.
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<String>,
    /// Who carries it out.
    executor: ExecutorWord,
    /// The reference every attempt gives to the provider.
    provider_reference: String,
    /// Whether its outcome is being forced by a reversal of the void.
    reversing: bool,
    /// How often its outcome, or before it was sent that of the sale, was asked for in vain.
    queries: u32,
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
            kind: Word(Way::Void),
            sale: sale.value.clone(),
            state: Word(void.state),
            amount: Amount(void.amount.clone()),
            reason: void.reason.clone(),
            penalty: false,
            requested_by: Some(void.requested_by.value.clone()),
            terminal: void.terminal.as_ref().map(|t| t.value.clone()),
            executor: Word(void.executor),
            provider_reference: void.provider_reference.clone(),
            reversing: void.reversing,
            queries: void.queries,
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

    /// Another operation of a sale.
    #[must_use]
    pub fn of_operation(sale: &SaleId, operation: &Operation) -> Self {
        Self {
            id: operation.id.value.clone(),
            kind: Word(operation.kind),
            sale: sale.value.clone(),
            state: Word(operation.state),
            amount: Amount(operation.amount.clone()),
            reason: operation.cause.clone(),
            penalty: operation.penalty,
            requested_by: match &operation.requested_by {
                Actor::Person(person) => Some(person.id.value.clone()),
                Actor::Terminal(_) | Actor::System => None,
            },
            terminal: operation.terminal.as_ref().map(|t| t.value.clone()),
            executor: Word(operation.executor),
            provider_reference: operation.provider_reference.clone(),
            reversing: false,
            queries: operation.queries,
            attention: operation.attention,
            fees: FeeView::all(&operation.fees),
            policy: PolicyView::of(&operation.policy),
            authorised_at: Time(operation.authorised_at),
            updated_at: Time(operation.updated_at),
            due_at: operation.due_at.map(Time),
            evidence: operation.evidence.as_ref().map(EvidenceView::of),
            masked: false,
        }
    }

    /// All voids and other operations of a sale, oldest first.
    #[must_use]
    pub fn all(aggregate: &Aggregate) -> Vec<Self> {
        let ledger = &aggregate.ledger;
        let sale = &ledger.sale.id;
        let voids = ledger.voids.iter().map(|void| Self::of(sale, void));
        let others = ledger.operations.iter().map(|operation| Self::of_operation(sale, operation));
        let mut all: Vec<Self> = voids.chain(others).collect();
        all.sort_by_key(|view| view.authorised_at.0);
        all
    }

    /// The void or other operation of that name in a sale's ledger.
    ///
    /// # Errors
    /// If it is not there, which the core does not let happen.
    pub fn find(aggregate: &Aggregate, id: &OperationId) -> Result<Self, Error> {
        let sale = &aggregate.ledger.sale.id;
        let void = find_void(aggregate, id).map(|void| Self::of(sale, void));
        void.or_else(|| find_operation(aggregate, id).map(|operation| Self::of_operation(sale, operation)))
            .ok_or_else(|| Error::Internal(format!("the ledger of {sale} does not hold {id}")))
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

/// An operation that is asked for: all of the payment, with nothing besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationAsk {
    /// The reason code.
    reason: Option<Text>,
    /// The person who operates the terminal. A person's own key stands for itself; so does an `Operator-Proof`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// The terminal it is asked for at. A terminal's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    terminal: Option<TerminalId>,
    /// The granted case it rests on, where the policy leaves it to support.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    case: Option<CaseId>,
    /// The fees that were seen, as a check decided them. If they are others by then, nothing is done.
    fees: Option<Vec<SeenFee>>,
}

impl OperationAsk {
    /// What is asked for, on one of these ways.
    pub fn parsed(self, ways: &'static [Way], proof: ShownProof, texts: &mut Texts) -> crate::operation::OperationAsk {
        crate::operation::OperationAsk {
            proof,
            reason: texts.take_some(self.reason),
            operator: self.operator,
            terminal: self.terminal,
            grant: self.case,
            fees: SeenFee::all(self.fees),
            ..crate::operation::OperationAsk::of(ways)
        }
    }
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
    /// The result, with the evidence of whoever reports it.
    pub fn parsed(self, who: &Principal, at: Instant, texts: &mut Texts) -> ResultOf {
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
            let target = Target::Operation(id.clone());
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
    print(&app, &scope, &Target::Operation(id)).await
}

/// A slip, as the query wants it.
///
/// # Errors
/// A parameter is wrong; there is none, or it is not to be printed yet.
pub async fn print<P: Ports>(app: &crate::App<P>, scope: &Scope, target: &Target) -> Result<Response, Problem> {
    let (locale, reprint) = printing(scope)?;
    let text = app.slip(&scope.who, &scope.merchant, target, locale, reprint).await?;
    Ok(answer::text("text/plain; charset=utf-8", text))
}

/// How the query wants a slip.
///
/// # Errors
/// A parameter is wrong.
pub fn printing(scope: &Scope) -> Result<(Locale, bool), Error> {
    let locale = scope.asked.read_with("locale", Locale::read)?.unwrap_or(Locale::ZhCn);
    Ok((locale, scope.asked.read_as::<bool>("reprint")?.unwrap_or(false)))
}
