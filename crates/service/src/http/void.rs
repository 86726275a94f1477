//! Voids: asking whether one is possible, and asking for one.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::decision::{DecisionView, SeenFee};
use crate::http::id::Id;
use crate::http::identity::Identity;
use crate::http::instruction::{About, Instruction};
use crate::http::limits::EVIDENCE_ITEMS;
use crate::http::money::Positive;
use crate::http::operation::OperationView;
use crate::http::problem::{Noun, Problem};
use crate::http::refund::{EvidencePiece, pieces};
use crate::http::text::{Text, Texts};
use crate::ports::Ports;
use crate::proof::ShownProof;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{CaseId, PersonId, SaleId, TerminalId};
use serde::Deserialize;

/// A void that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidAsk {
    /// The amount: the whole sale's unless told. A void must equal the sale.
    amount: Option<Positive>,
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
    /// Evidence that comes with it, where the policy demands some.
    #[serde(default)]
    evidence: Vec<EvidencePiece>,
    /// The fees that were seen, as a check decided them. If they are others by then, nothing is done.
    fees: Option<Vec<SeenFee>>,
    /// How the customer was identified, where the policy demands it.
    identity: Option<Identity>,
}

impl VoidAsk {
    fn parsed(self, proof: ShownProof, texts: &mut Texts) -> Result<crate::void::VoidAsk, Error> {
        if self.evidence.len() > EVIDENCE_ITEMS {
            return Err(Error::invalid("/evidence", format!("expected at most {EVIDENCE_ITEMS} pieces")));
        }
        let identity = self.identity.map(Identity::parsed).transpose()?;
        Ok(crate::void::VoidAsk {
            proof,
            identity,
            evidence: pieces(self.evidence),
            amount: self.amount.map(|amount| amount.0),
            reason: texts.take_some(self.reason),
            operator: self.operator,
            terminal: self.terminal,
            case: self.case,
            fees: SeenFee::all(self.fees),
        })
    }
}

/// `POST /v1/transactions/{id}/voids/check`
pub async fn check<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    Json(ask): Json<VoidAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let ask = ask.parsed(proof, &mut Texts::default())?;
    let decision = app.check_void(&scope.who, &scope.merchant, &id, &ask).await?;
    answer::json(StatusCode::OK, &DecisionView::told(&app, &scope.merchant, &decision).await)
}

/// `POST /v1/transactions/{id}/voids`
pub async fn ask<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    proof: ShownProof,
    instruction: Instruction<VoidAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Operation, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let ask = ask.parsed(proof, &mut texts)?;
            let (aggregate, operation) = app.void(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            Ok((StatusCode::CREATED, OperationView::find(&aggregate, &operation)?.with_masked(texts.masked())))
        })
        .await
}
