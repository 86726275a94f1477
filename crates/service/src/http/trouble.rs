//! What went wrong at the till, and reversals.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::decision::DecisionView;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::operation::{OperationAsk, OperationView};
use crate::http::problem::{Noun, Problem};
use crate::http::text::{Text, Texts};
use crate::http::word::{NextType, NextTypeWord, SaleOutcomeWord, TroubleWord, Word};
use crate::ports::Ports;
use crate::proof::ShownProof;
use crate::reversal::{Next, Troubled};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{MerchantId, PersonId, SaleId, TerminalId, Trouble, Way};
use serde::{Deserialize, Serialize};

/// Something went wrong at the till.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TroubleReport {
    /// What.
    trouble: TroubleWord,
    /// A short text.
    note: Option<Text>,
    /// The person who operates the terminal. A person's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// The terminal it happened at. A terminal's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    terminal: Option<TerminalId>,
}

/// A trouble that was recorded, and what follows from it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TroubleAnswer {
    /// The sale, code or hold.
    sale: String,
    /// What went wrong.
    trouble: TroubleWord,
    /// What is known of the payment now.
    outcome: SaleOutcomeWord,
    /// What follows.
    next: NextTypeWord,
    /// The operation that undoes the payment, with `undone`. No new sale of it before that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationView>,
    /// Why it is not undone and what to do instead, with `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    /// Where the sale's slip is printed again, with `reprint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    slip: Option<String>,
    /// One decision for each way, with `ways-back`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ways: Option<Vec<DecisionView>>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

impl TroubleAnswer {
    async fn of<P: Ports>(
        app: &crate::App<P>,
        merchant: &MerchantId,
        trouble: Trouble,
        told: Troubled,
        masked: bool,
    ) -> Result<Self, Error> {
        let sale = &told.aggregate.ledger.sale.id;
        let mut answer = Self {
            sale: sale.value.clone(),
            trouble: Word(trouble),
            outcome: Word(told.aggregate.ledger.status.outcome),
            next: Word(NextType::WaysBack),
            operation: None,
            decision: None,
            slip: None,
            ways: None,
            masked,
        };
        match told.next {
            Next::Undone(id) => {
                answer.next = Word(NextType::Undone);
                answer.operation = Some(OperationView::find(&told.aggregate, &id)?);
            }
            Next::Refused(decision) => {
                answer.next = Word(NextType::Refused);
                answer.decision = Some(DecisionView::told(app, merchant, &decision).await);
            }
            Next::NewSale => answer.next = Word(NextType::NewSale),
            Next::Reprint => {
                answer.next = Word(NextType::Reprint);
                answer.slip = Some(format!("/v1/transactions/{sale}/slip?reprint=true"));
            }
            Next::WaysBack(decisions) => {
                let mut ways = Vec::with_capacity(decisions.len());
                for decision in &decisions {
                    ways.push(DecisionView::told(app, merchant, decision).await);
                }
                answer.ways = Some(ways);
            }
        }
        Ok(answer)
    }
}

/// `POST /v1/transactions/{id}/troubles`
pub async fn tell<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<TroubleReport>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Sale, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |told, command| async move {
            let mut texts = Texts::default();
            let trouble = told.trouble.0;
            let ask = crate::reversal::TroubleAsk {
                trouble,
                note: texts.take_some(told.note),
                operator: told.operator,
                terminal: told.terminal,
            };
            let told = app.trouble(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            let answer = TroubleAnswer::of(app, &scope.merchant, trouble, told, texts.masked()).await?;
            Ok((StatusCode::OK, answer))
        })
        .await
}

/// `POST /v1/transactions/{id}/reversals`
pub async fn reverse<P: Ports>(
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
            let ask = ask.parsed(&[Way::Reversal], proof, &mut texts);
            let (aggregate, operation) = app.operate(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            Ok((StatusCode::CREATED, OperationView::find(&aggregate, &operation)?.with_masked(texts.masked())))
        })
        .await
}
