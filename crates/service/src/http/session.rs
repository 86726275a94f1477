//! Operator sessions and challenges, and the step-up to one operation.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::decision::SeenFee;
use crate::http::id::Segment;
use crate::http::limits::TOKEN_BYTES;
use crate::http::money::Positive;
use crate::http::operator::{Bytes, NumberText, PinText};
use crate::http::problem::Problem;
use crate::http::text::Text;
use crate::http::time::Time;
use crate::http::word::{AuthenticationMethodWord, OperatorRoleWord, WayWord, Word};
use crate::ports::Ports;
use crate::proof::AskedOperation;
use crate::session::{BegunSession, Showing};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{CaseId, OrderId, SaleId, TerminalId};
use serde::{Deserialize, Serialize};

/// One operation, exactly as it will be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationBound {
    /// The way.
    way: WayWord,
    /// The sale, payment code or hold.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    sale: SaleId,
    /// The amount. Of a void, the sale's.
    amount: Positive,
    /// The reason code, if the request will give one.
    reason: Option<Text>,
    /// The terminal, if the request will name one. A terminal's own key stands for itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    terminal: Option<TerminalId>,
    /// Whether a completion keeps a penalty.
    #[serde(default)]
    penalty: bool,
    /// The legal order that the void carries out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    order: Option<OrderId>,
    /// The granted case, if the request will name one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    case: Option<CaseId>,
    /// The fees that the operator sees, if the request will name them.
    fees: Option<Vec<SeenFee>>,
}

impl OperationBound {
    fn parsed(self) -> AskedOperation {
        AskedOperation {
            way: self.way.0,
            sale: self.sale,
            amount: self.amount.0,
            reason: self.reason.map(|reason| reason.text),
            terminal: self.terminal,
            penalty: self.penalty,
            order: self.order,
            case: self.case,
            fees: SeenFee::all(self.fees),
        }
    }
}

/// A challenge that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewChallenge {
    /// The operator's number.
    number: NumberText,
    /// The operation it is for. For a session unless told.
    operation: Option<OperationBound>,
}

/// A challenge to be signed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Challenge {
    /// To be sent back with the signature. Good once.
    challenge: String,
    /// The text of the QR code. The device signs its UTF-8 bytes with ed25519.
    text: String,
    /// When it ends.
    expires_at: Time,
}

/// An operator at a till: number, and PIN or signed challenge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSession {
    /// The operator's number.
    number: NumberText,
    /// The PIN; or …
    pin: Option<PinText>,
    /// … the challenge, with …
    challenge: Option<String>,
    /// … the device's signature over the text of the QR code: 64 bytes as base64url without padding.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    signature: Option<Bytes<64>>,
}

/// The operator at a till.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorAtWork {
    /// The number.
    number: String,
    /// The person.
    person: String,
    /// As what.
    role: OperatorRoleWord,
}

/// An operator's session.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorSession {
    /// Names it.
    id: String,
    /// Proves it, with the key under which it began. Shown once.
    token: String,
    /// Who.
    operator: OperatorAtWork,
    /// How.
    method: AuthenticationMethodWord,
    /// Since when.
    began_at: Time,
    /// When it ends unless it is used.
    idle_at: Time,
    /// When it ends in any case.
    expires_at: Time,
    /// Wrong PINs since the last right one. Show it: an operator who mistyped nothing knows that somebody guesses.
    failed_attempts: u32,
}

/// An operator who shows once more who they are, for one operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewProof {
    /// The session's token.
    token: String,
    /// The PIN; or …
    pin: Option<PinText>,
    /// … a challenge for this operation, with …
    challenge: Option<String>,
    /// … the device's signature over the text of the QR code.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    signature: Option<Bytes<64>>,
    /// The operation.
    operation: OperationBound,
}

/// An operator's proof.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorProof {
    /// For the `Operator-Proof` header of the one request it is for.
    proof: String,
    /// The digest of the operation.
    operation: String,
    /// When it ends.
    expires_at: Time,
}

fn showing(pin: Option<PinText>, challenge: Option<String>, signature: Option<Bytes<64>>) -> Result<Showing, Error> {
    match (pin, challenge, signature) {
        (Some(pin), None, None) => Ok(Showing::Pin(pin.0)),
        (None, Some(challenge), Some(signature)) if challenge.len() <= TOKEN_BYTES => {
            Ok(Showing::Signature { challenge, signature: signature.0 })
        }
        _ => Err(Error::invalid("/pin", "expected either a PIN, or a challenge with its signature")),
    }
}

impl OperatorSession {
    fn of(begun: BegunSession) -> Self {
        Self {
            id: begun.id,
            token: begun.token,
            operator: OperatorAtWork {
                number: begun.operator.number.to_string(),
                person: begun.operator.person.value,
                role: Word(begun.operator.role),
            },
            method: Word(begun.method),
            began_at: Time(begun.began_at),
            idle_at: Time(begun.idle_at),
            expires_at: Time(begun.expires_at),
            failed_attempts: begun.failed_before,
        }
    }
}

/// `POST /v1/operator-challenges`
pub async fn challenge<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(ask): Json<NewChallenge>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let operation = ask.operation.map(OperationBound::parsed);
    let given = app.challenge(&scope.who, &scope.merchant, &ask.number.0, operation.as_ref()).await?;
    let view = Challenge { challenge: given.challenge, text: given.text, expires_at: Time(given.expires_at) };
    answer::json(StatusCode::CREATED, &view)
}

/// `POST /v1/operator-sessions`
pub async fn begin<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(ask): Json<NewSession>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let showing = showing(ask.pin, ask.challenge, ask.signature)?;
    let begun = app.begin_session(&scope.who, &scope.merchant, &ask.number.0, &showing).await?;
    answer::json(StatusCode::CREATED, &OperatorSession::of(begun))
}

/// `DELETE /v1/operator-sessions/{id}`
pub async fn end<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    app.end_session(&scope.who, &scope.merchant, &id).await?;
    Ok(answer::nothing())
}

/// `POST /v1/operator-sessions/{id}/proofs`
pub async fn step_up<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
    Json(ask): Json<NewProof>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let showing = showing(ask.pin, ask.challenge, ask.signature)?;
    let operation = ask.operation.parsed();
    let issued = app.step_up(&scope.who, &scope.merchant, &id, &ask.token, &showing, &operation).await?;
    let view =
        OperatorProof { proof: issued.text, operation: issued.operation.hex, expires_at: Time(issued.expires_at) };
    answer::json(StatusCode::CREATED, &view)
}
