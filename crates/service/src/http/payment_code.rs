//! Payment codes: made, looked at, scanned, cancelled, and the report of cancellations.

use crate::code::{CodeAsk, CodeState, ScanAsk};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::event::ActorView;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::{Amount, Positive};
use crate::http::number::{Number, OrderNumber, PayerToken};
use crate::http::operation::{OperationAsk, OperationView};
use crate::http::problem::{Noun, Problem};
use crate::http::sale::{CodeFacts, SaleView, Slip, check_id, one_of};
use crate::http::text::Texts;
use crate::http::time::Time;
use crate::http::word::{CodeStateWord, OperationStateWord, PresenterWord, SaleOutcomeWord, SettlementModeWord, Word};
use crate::operation::find_operation;
use crate::ports::Ports;
use crate::proof::ShownProof;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{
    BusinessDay, Instant, MerchantId, OperationId, OperationState, PersonId, SaleId, SaleOutcome, SettlementMode, Way,
};
use serde::{Deserialize, Serialize};

/// The one name that a code cannot have: it is a path of its own.
const REPORT: &str = "cancellations";

/// A payment code to make. The same again is harmless; the same id with other content is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewCode {
    /// Names the code, and the sale it becomes: 1 to 100 characters of `A-Z a-z 0-9 . _ - @`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: SaleId,
    /// The merchant who is to be paid. May be left out if the key belongs to one merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    merchant: Option<MerchantId>,
    /// The amount asked for.
    amount: Positive,
    /// The part of it that a coupon will pay.
    coupon: Option<Amount>,
    /// Who shows it.
    presented_by: PresenterWord,
    /// What the network calls the order. The id unless told.
    reference: Option<Number>,
    /// The numbers on the slip, if a terminal made it.
    slip: Option<Slip>,
    /// The merchant's own order number.
    order_number: Option<OrderNumber>,
    /// The person who operates the terminal.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// What is sold, as the policy names it. `purchase` unless told.
    kind: Option<Number>,
    /// When the service that is paid for in advance is due.
    service_at: Option<Time>,
    /// When the merchant will get the money. `ordinary` unless told.
    settlement: Option<SettlementModeWord>,
}

impl NewCode {
    fn parsed(self, texts: &mut Texts) -> Result<CodeAsk, Error> {
        check_id(&self.id)?;
        if self.id.value == REPORT {
            return Err(Error::invalid("/id", format!("expected another name than {REPORT}")));
        }
        Ok(CodeAsk {
            id: self.id,
            amount: self.amount.0,
            coupon: self.coupon.map(|coupon| coupon.0).filter(|coupon| !coupon.is_zero()),
            presented_by: self.presented_by.0,
            reference: self.reference.map(|reference| reference.0),
            slip: self.slip.map(Slip::numbers),
            order_number: texts.take_some(self.order_number.map(|number| number.0)),
            operator: self.operator,
            kind: self.kind.map_or_else(|| "purchase".to_owned(), |kind| kind.0),
            service_at: self.service_at.map(|at| at.0),
            settlement: self.settlement.map_or(SettlementMode::Ordinary, |word| word.0),
        })
    }
}

/// A payment code and how far it got.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PaymentCode))]
pub struct CodeView {
    /// Names the code, and the sale it becomes.
    id: String,
    /// The merchant.
    merchant: String,
    /// How far it got.
    state: CodeStateWord,
    /// What is known of the payment.
    outcome: SaleOutcomeWord,
    /// The amount asked for.
    amount: Amount,
    #[serde(flatten)]
    code: CodeFacts,
    /// The merchant's own order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    /// What was done to it, oldest first.
    operations: Vec<OperationView>,
    /// The sale it became, once it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<SaleView>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

impl CodeView {
    fn of(aggregate: &Aggregate, now: Instant) -> Result<Self, Error> {
        let ledger = &aggregate.ledger;
        let sale = &ledger.sale;
        let code = ledger.code.as_ref().ok_or(Error::NotFound("payment code"))?;
        let state = CodeState::of(aggregate, code, now);
        let paid = (state == CodeState::Paid).then(|| SaleView::of(aggregate)).transpose();
        Ok(Self {
            id: sale.id.value.clone(),
            merchant: sale.merchant.value.clone(),
            state: Word(state),
            outcome: Word(ledger.status.outcome),
            amount: Amount(sale.captured.clone()),
            code: CodeFacts::of(code),
            order_number: sale.order_number.clone(),
            operations: OperationView::all(aggregate),
            sale: paid.map_err(|problem| Error::Internal(problem.body()))?,
            masked: false,
        })
    }

    fn with_masked(self, masked: bool) -> Self {
        Self { masked, ..self }
    }
}

/// `POST /v1/payment-codes`
pub async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewCode>,
) -> Result<Response, Problem> {
    let scope = caller.scope_or(new.merchant.clone())?;
    let mut texts = Texts::default();
    let ask = new.parsed(&mut texts)?;
    let made = app.create_code(&scope.who, &scope.merchant, &ask).await;
    let (aggregate, created) = made.map_err(|e| Problem::of(e, Noun::Sale))?;
    let view = CodeView::of(&aggregate, app.ports.now())?.with_masked(texts.masked());
    answer::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &view)
}

/// `GET /v1/payment-codes/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let aggregate = app.payment_code(&scope.who, &scope.merchant, &id).await?;
    answer::json(StatusCode::OK, &CodeView::of(&aggregate, app.ports.now())?)
}

/// That a code was scanned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Scan))]
pub struct NewScan {
    /// What is known of the payment: `good`, `unknown`, `declined` or `failed`.
    outcome: SaleOutcomeWord,
    /// When it was scanned. Now unless told.
    at: Option<Time>,
    /// The business day stamped on the payment. The policy's, for that time, unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    business_day: Option<BusinessDay>,
    /// The acquiring fee charged for it. Nothing unless told.
    fee_charged: Option<Amount>,
    /// A keyed hash that stands for the payer. Never a card number, masked or not.
    payer_token: Option<PayerToken>,
    /// 参考号: the network's retrieval reference number.
    retrieval_reference: Option<Number>,
}

/// `POST /v1/payment-codes/{id}/scans`
pub async fn scan<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<NewScan>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let known = [SaleOutcome::Good, SaleOutcome::Unknown, SaleOutcome::Declined, SaleOutcome::Failed];
    one_of(instruction.ask.outcome.0, &known)?;
    let about = About::on_sale(Noun::Sale, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |scan, command| async move {
            let ask = ScanAsk {
                outcome: scan.outcome.0,
                at: scan.at.map(|at| at.0),
                business_day: scan.business_day,
                fee_charged: scan.fee_charged.map(|fee| fee.0),
                payer_token: scan.payer_token.map(|token| token.0),
                retrieval_reference: scan.retrieval_reference.map(|reference| reference.0),
            };
            let aggregate = app.scan(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            Ok((StatusCode::OK, CodeView::of(&aggregate, app.ports.now())?))
        })
        .await
}

/// `POST /v1/payment-codes/{id}/cancellations`
pub async fn cancel<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    instruction: Instruction<OperationAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Sale, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let ask = ask.parsed(&[Way::OrderClose], proof, &mut texts);
            let (aggregate, operation) = app.cancel_code(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            // Whether it is cancelled is for the provider to say.
            Ok((StatusCode::ACCEPTED, OperationView::find(&aggregate, &operation)?.with_masked(texts.masked())))
        })
        .await
}

/// A cancellation of a payment code, as the report lists it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cancellation {
    /// The code.
    code: String,
    /// The operation.
    operation: String,
    /// When it was asked for.
    asked_at: Time,
    /// The amount of the code.
    amount: Amount,
    /// Who asked for it.
    by: ActorView,
    /// The reason code, or the trouble that led to it.
    reason: String,
    /// How far it got.
    state: OperationStateWord,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
}

/// The cancellations of payment codes on one business day.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancellationReport {
    /// The day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    business_day: BusinessDay,
    /// In the order they were asked for.
    items: Vec<Cancellation>,
    /// Where the next page begins: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Cancellation {
    fn of(aggregate: &Aggregate, id: &OperationId) -> Result<Self, Error> {
        let sale = &aggregate.ledger.sale.id;
        let operation = find_operation(aggregate, id)
            .ok_or_else(|| Error::Internal(format!("the ledger of {sale} does not hold {id}")))?;
        let ended = matches!(operation.state, OperationState::Done | OperationState::Failed);
        Ok(Self {
            code: sale.value.clone(),
            operation: operation.id.value.clone(),
            asked_at: Time(operation.authorised_at),
            amount: Amount(operation.amount.clone()),
            by: ActorView::of(&operation.requested_by),
            reason: operation.cause.clone(),
            state: Word(operation.state),
            ended_at: ended.then_some(Time(operation.updated_at)),
        })
    }
}

/// `GET /v1/payment-codes/cancellations`
pub async fn cancellations<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["business_day", "after", "limit"])?;
    let page = scope.asked.page()?;
    let day = scope.asked.read_with("business_day", BusinessDay::parse)?;
    let listed = app.list_cancellations(&scope.who, &scope.merchant, day, page.after.as_deref(), page.limit).await?;
    let items = listed.items.iter().map(|(aggregate, id)| Cancellation::of(aggregate, id));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    answer::json(StatusCode::OK, &CancellationReport { business_day: listed.business_day, items, next: listed.next })
}
