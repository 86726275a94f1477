//! Holds (预授权): registered, looked at, completed, released, and the void of a completion.

use crate::error::Error;
use crate::hold::HoldAsk;
use crate::http::Shared;
use crate::http::answer;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::decision::SeenFee;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::{Amount, Positive};
use crate::http::number::{Number, OrderNumber, PayerToken};
use crate::http::operation::{OperationAsk, OperationView};
use crate::http::problem::{Noun, Problem};
use crate::http::sale::{HoldFacts, SaleView, Slip, check_id, one_of};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{CardTypeWord, ChannelWord, SaleOutcomeWord, SettlementModeWord, Word};
use crate::ports::Ports;
use crate::proof::ShownProof;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{
    CaseId, Channel, Instant, MerchantId, PersonId, SaleId, SaleOutcome, SettlementMode, TerminalId, Way,
};
use serde::{Deserialize, Serialize};

/// A hold to register. The same again is harmless; the same id with other content is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewHold {
    /// Names the hold, and the sale it becomes: 1 to 100 characters of `A-Z a-z 0-9 . _ - @`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: SaleId,
    /// The merchant. May be left out if the key belongs to one merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    merchant: Option<MerchantId>,
    /// The amount reserved.
    amount: Positive,
    /// When it was authorised.
    authorised_at: Time,
    /// The issuer's authorisation code.
    authorisation_code: Option<Number>,
    /// What is known of it: `held`, `unknown`, `declined` or `failed`. `held` unless told.
    outcome: Option<SaleOutcomeWord>,
    /// The numbers on the slip, if a terminal printed one.
    slip: Option<Slip>,
    /// The merchant's own order number.
    order_number: Option<OrderNumber>,
    /// 参考号: the network's retrieval reference number.
    retrieval_reference: Option<Number>,
    /// The person who operated the terminal.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// How the payer paid. `card` unless told.
    channel: Option<ChannelWord>,
    /// The kind of card, if it is known.
    card_type: Option<CardTypeWord>,
    /// What is sold, as the policy names it. `purchase` unless told.
    kind: Option<Number>,
    /// A keyed hash that stands for the payer. Never a card number, masked or not.
    payer_token: Option<PayerToken>,
    /// When the service is due.
    service_at: Option<Time>,
    /// When the merchant will get the money. `ordinary` unless told.
    settlement: Option<SettlementModeWord>,
}

impl NewHold {
    fn parsed(self, texts: &mut Texts) -> Result<HoldAsk, Error> {
        check_id(&self.id)?;
        let known = [SaleOutcome::Held, SaleOutcome::Unknown, SaleOutcome::Declined, SaleOutcome::Failed];
        Ok(HoldAsk {
            id: self.id,
            amount: self.amount.0,
            authorised_at: self.authorised_at.0,
            authorisation_code: self.authorisation_code.map(|code| code.0),
            outcome: one_of(self.outcome.map_or(SaleOutcome::Held, |word| word.0), &known)?,
            slip: self.slip.map(Slip::numbers),
            order_number: texts.take_some(self.order_number.map(|number| number.0)),
            retrieval_reference: self.retrieval_reference.map(|number| number.0),
            operator: self.operator,
            channel: self.channel.map_or(Channel::Card, |word| word.0),
            card_type: self.card_type.map(|word| word.0),
            kind: self.kind.map_or_else(|| "purchase".to_owned(), |kind| kind.0),
            payer_token: self.payer_token.map(|token| token.0),
            service_at: self.service_at.map(|at| at.0),
            settlement: self.settlement.map_or(SettlementMode::Ordinary, |word| word.0),
        })
    }
}

/// A hold and what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Hold))]
pub struct HoldView {
    /// Names the hold, and the sale it becomes.
    id: String,
    /// The merchant.
    merchant: String,
    /// What became of it: `held` until it is completed (`good`), `released` or `lapsed`.
    state: SaleOutcomeWord,
    #[serde(flatten)]
    hold: HoldFacts,
    /// What was done to it, oldest first.
    operations: Vec<OperationView>,
    /// The sale it became, once it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<SaleView>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

impl HoldView {
    fn of(aggregate: &Aggregate, now: Instant) -> Result<Self, Error> {
        let ledger = &aggregate.ledger;
        let sale = &ledger.sale;
        let hold = ledger.hold.as_ref().ok_or(Error::NotFound("hold"))?;
        let outcome = ledger.status.outcome;
        let busy = ledger.operations.iter().any(|operation| operation.state.holds_reservation());
        // Whether or not a timer has run since.
        let lapsed = outcome == SaleOutcome::Held && now >= hold.expires_at && !busy;
        let completed = (outcome == SaleOutcome::Good).then(|| SaleView::of(aggregate)).transpose();
        Ok(Self {
            id: sale.id.value.clone(),
            merchant: sale.merchant.value.clone(),
            state: Word(if lapsed { SaleOutcome::Lapsed } else { outcome }),
            hold: HoldFacts::of(hold),
            operations: OperationView::all(aggregate),
            sale: completed.map_err(|problem| Error::Internal(problem.body()))?,
            masked: false,
        })
    }
}

/// `POST /v1/holds`
pub async fn register<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewHold>,
) -> Result<Response, Problem> {
    let scope = caller.scope_or(new.merchant.clone())?;
    let mut texts = Texts::default();
    let ask = new.parsed(&mut texts)?;
    let made = app.register_hold(&scope.who, &scope.merchant, &ask).await;
    let (aggregate, created) = made.map_err(|e| Problem::of(e, Noun::Sale))?;
    let view = HoldView { masked: texts.masked(), ..HoldView::of(&aggregate, app.ports.now())? };
    answer::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &view)
}

/// `GET /v1/holds/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let aggregate = app.hold(&scope.who, &scope.merchant, &id).await?;
    answer::json(StatusCode::OK, &HoldView::of(&aggregate, app.ports.now())?)
}

/// A completion: it captures all or part of a hold and releases the rest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Completion {
    /// How much is captured. All that is held unless told; of a penalty, all that the policy lets be kept.
    amount: Option<Positive>,
    /// Whether it keeps a penalty, and does not pay for anything delivered.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    penalty: bool,
    /// The acquiring fee charged for it. Nothing unless told.
    fee_charged: Option<Amount>,
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

impl Completion {
    fn parsed(self, proof: ShownProof, texts: &mut Texts) -> crate::operation::OperationAsk {
        crate::operation::OperationAsk {
            proof,
            amount: self.amount.map(|amount| amount.0),
            penalty: self.penalty,
            fee_charged: self.fee_charged.map(|fee| fee.0),
            reason: texts.take_some(self.reason),
            operator: self.operator,
            terminal: self.terminal,
            grant: self.case,
            fees: SeenFee::all(self.fees),
            ..crate::operation::OperationAsk::of(&[Way::HoldCompletion])
        }
    }
}

/// Does something to a hold, and shows the operation.
async fn change<P: Ports, T: Send>(
    app: &crate::App<P>,
    caller: Caller,
    id: SaleId,
    proof: ShownProof,
    instruction: Instruction<T>,
    read: fn(T, ShownProof, &mut Texts) -> crate::operation::OperationAsk,
) -> Result<Response, Problem> {
    let scope = &caller.scope(&[])?;
    let about = About::on_sale(Noun::Sale, &id);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let ask = read(ask, proof, &mut texts);
            let (aggregate, operation) = app.change_hold(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            Ok((StatusCode::CREATED, OperationView::find(&aggregate, &operation)?.with_masked(texts.masked())))
        })
        .await
}

/// `POST /v1/holds/{id}/completions`
pub async fn complete<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    instruction: Instruction<Completion>,
) -> Result<Response, Problem> {
    change(&app, caller, id, proof, instruction, Completion::parsed).await
}

/// `POST /v1/holds/{id}/releases`
pub async fn release<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    instruction: Instruction<OperationAsk>,
) -> Result<Response, Problem> {
    change(&app, caller, id, proof, instruction, |ask, proof, texts| ask.parsed(&[Way::HoldRelease], proof, texts))
        .await
}

/// `POST /v1/holds/{id}/completion-voids`
pub async fn void_completion<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    instruction: Instruction<OperationAsk>,
) -> Result<Response, Problem> {
    change(&app, caller, id, proof, instruction, |ask, proof, texts| ask.parsed(&[Way::CompletionVoid], proof, texts))
        .await
}
