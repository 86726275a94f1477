//! Confirmations: a code is sent to the customer.

use crate::confirmation::{AskedConfirmation, ConfirmationAsk};
use crate::http::Shared;
use crate::http::caller::Caller;
use crate::http::instruction::{About, Instruction};
use crate::http::money::Positive;
use crate::http::problem::{Noun, Problem};
use crate::http::time::Time;
use crate::http::word::WayWord;
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::SaleId;
use serde::{Deserialize, Serialize};

/// A code to be sent to the customer of a sale, who agrees by repeating it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewConfirmation {
    /// The sale.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    sale: SaleId,
    /// The way.
    way: WayWord,
    /// The amount, exactly as it will be asked for.
    amount: Positive,
    /// How the customer is reached: for the merchant's system alone to say. For all others the code goes to the sale's
    /// contact. Kept until the message is delivered.
    contact: Option<String>,
}

/// A code that is being sent.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Confirmation))]
pub struct ConfirmationView {
    /// Names it: goes into `identity.confirmation`.
    id: String,
    /// When it ends.
    expires_at: Time,
}

impl ConfirmationView {
    fn of(asked: AskedConfirmation) -> Self {
        Self { id: asked.id, expires_at: Time(asked.expires_at) }
    }
}

/// `POST /v1/confirmations`
pub async fn ask<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    instruction: Instruction<NewConfirmation>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Sale, &instruction.ask.sale);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |new, command| async move {
            let ask = ConfirmationAsk { sale: new.sale, way: new.way.0, amount: new.amount.0, contact: new.contact };
            let asked = app.ask_confirmation(&scope.who, &scope.merchant, &ask, &command).await?;
            Ok((StatusCode::CREATED, ConfirmationView::of(asked)))
        })
        .await
}
