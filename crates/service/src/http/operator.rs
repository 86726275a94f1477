//! Operators: numbers, PINs and devices of the persons at a merchant's tills.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::text::Text;
use crate::http::time::Time;
use crate::http::word::{OperatorRoleWord, Word};
use crate::limits::LABEL_CHARS;
use crate::operator::{Device, OperatorAsk, OperatorNumber, OperatorView, Unconfirmed};
use crate::pin::Pin;
use crate::ports::Ports;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use rescind_model::PersonId;
use serde::{Deserialize, Deserializer, Serialize, de};

/// A PIN in a body. What is wrong with it is said without repeating it.
#[derive(Debug)]
pub struct PinText(pub Pin);

impl<'de> Deserialize<'de> for PinText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serde_json::Value::String(digits) = serde_json::Value::deserialize(deserializer)? else {
            return Err(de::Error::custom("expected a PIN of 6 to 12 digits, as a text"));
        };
        Pin::parse(&digits).map(Self).map_err(de::Error::custom)
    }
}

/// An operator's number in a body.
#[derive(Debug)]
pub struct NumberText(pub OperatorNumber);

impl<'de> Deserialize<'de> for NumberText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        OperatorNumber::parse(&text).map(Self).map_err(de::Error::custom)
    }
}

/// So many bytes as base64url without padding.
#[derive(Debug)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom(format!("expected {N} bytes as base64url without padding")))
    }
}

/// An operator to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewOperator {
    /// The number that is typed at a till: 1 to 12 letters and digits.
    number: NumberText,
    /// The person.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    person: PersonId,
    /// As what the person stands at the till: a role the person holds at this merchant.
    role: OperatorRoleWord,
    /// The first PIN, which is good for choosing another with it: 6 to 12 digits; no run, nothing repeated.
    pin: PinText,
}

/// A new PIN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPin {
    /// 6 to 12 digits; no run, nothing repeated.
    pin: PinText,
}

/// Another PIN, which the operator chooses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PinChange {
    /// The PIN in force, whoever set it.
    pin: PinText,
    /// The new one: 6 to 12 digits; no run, nothing repeated.
    new_pin: PinText,
}

/// A device to be registered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewDevice {
    /// What it is.
    label: Text,
    /// Its ed25519 public key: 32 bytes as base64url without padding.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    public_key: Bytes<32>,
    /// The operator's own PIN. Not needed with the operator's own key.
    pin: Option<PinText>,
}

/// An operator.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Operator))]
pub struct OperatorShown {
    /// The number.
    number: String,
    /// The person.
    person: String,
    /// As what the person stands at the till.
    role: OperatorRoleWord,
    /// Whether it is locked: too many wrong PINs in a row.
    locked: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_at: Option<Time>,
    /// Devices that sign for it.
    devices: Vec<DeviceShown>,
    /// Since when there is such an operator.
    created_at: Time,
    /// Whether somebody else set the PIN that is in force: it is good for choosing another only.
    pin_must_change: bool,
    /// When the PIN in force was set.
    pin_set_at: Time,
    /// By whom; absent for an admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin_set_by: Option<String>,
    /// Under which key.
    pin_set_with: String,
    /// Present as long as nobody has confirmed who chose the PIN in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin_unconfirmed: Option<UnconfirmedShown>,
    /// When the PIN was last reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_at: Option<Time>,
    /// By whom; absent for an admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_by: Option<String>,
}

/// That the PIN in force was chosen with one that somebody else had set, under a key that is not the operator's own.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = UnconfirmedPin))]
pub struct UnconfirmedShown {
    /// Who had set the other one; absent for an admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_by: Option<String>,
    /// Under which key.
    set_with: String,
    /// Under which key this one was chosen.
    chosen_with: String,
    /// When.
    chosen_at: Time,
}

impl UnconfirmedShown {
    fn of(left: Unconfirmed) -> Self {
        Self {
            set_by: left.set_by.map(|p| p.value),
            set_with: left.set_with,
            chosen_with: left.chosen_with,
            chosen_at: Time(left.chosen_at),
        }
    }
}

/// An operator's device.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Device))]
pub struct DeviceShown {
    /// Names it.
    id: String,
    /// What it is.
    label: String,
    /// Since when it signs.
    added_at: Time,
    /// Under which key its operator added it.
    added_with: String,
}

impl DeviceShown {
    fn of(device: Device) -> Self {
        Self { id: device.id, label: device.label, added_at: Time(device.added_at), added_with: device.added_by }
    }
}

impl OperatorShown {
    /// An operator.
    #[must_use]
    pub fn of(view: OperatorView) -> Self {
        Self {
            locked: view.is_locked(),
            number: view.number.to_string(),
            person: view.person.value,
            role: Word(view.role),
            locked_at: view.locked_at.map(Time),
            devices: view.devices.into_iter().map(DeviceShown::of).collect(),
            created_at: Time(view.created_at),
            pin_must_change: !view.pin_set.own,
            pin_set_at: Time(view.pin_set.at),
            pin_set_by: view.pin_set.by.map(|p| p.value),
            pin_set_with: view.pin_set.key,
            pin_unconfirmed: view.unconfirmed.map(UnconfirmedShown::of),
            reset_at: view.reset.as_ref().map(|r| Time(r.at)),
            reset_by: view.reset.and_then(|r| r.by).map(|p| p.value),
        }
    }
}

fn number_of(path: &str) -> Result<OperatorNumber, Error> {
    OperatorNumber::parse(path).map_err(|_| Error::NotFound("operator"))
}

/// `POST /v1/operators`
pub async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewOperator>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let ask = OperatorAsk { number: new.number.0, person: new.person, role: new.role.0, pin: new.pin.0 };
    let view = app.create_operator(&scope.who, &scope.merchant, ask).await?;
    answer::json(StatusCode::CREATED, &OperatorShown::of(view))
}

/// `GET /v1/operators`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["after", "limit"])?;
    let page = scope.asked.page()?;
    let found = app.list_operators(&scope.who, &scope.merchant, page.after.as_deref(), page.limit).await?;
    let items = found.items.into_iter().map(OperatorShown::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: found.next })
}

/// `POST /v1/operators/{number}/resets`
pub async fn reset<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    Json(new): Json<NewPin>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let number = number_of(&path.map_err(|_| Error::NotFound("operator"))?)?;
    let view = app.reset_operator(&scope.who, &scope.merchant, &number, &new.pin.0).await?;
    answer::json(StatusCode::OK, &OperatorShown::of(view))
}

/// `POST /v1/operators/{number}/pin`
pub async fn change_pin<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    Json(change): Json<PinChange>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let number = number_of(&path.map_err(|_| Error::NotFound("operator"))?)?;
    app.change_pin(&scope.who, &scope.merchant, &number, &change.pin.0, &change.new_pin.0).await?;
    Ok(answer::nothing())
}

/// `POST /v1/operators/{number}/confirmations`
pub async fn confirm<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let number = number_of(&path.map_err(|_| Error::NotFound("operator"))?)?;
    let view = app.confirm_operator(&scope.who, &scope.merchant, &number).await?;
    answer::json(StatusCode::OK, &OperatorShown::of(view))
}

/// `POST /v1/operators/{number}/devices`
pub async fn add_device<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    Json(new): Json<NewDevice>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let number = number_of(&path.map_err(|_| Error::NotFound("operator"))?)?;
    if new.label.text.chars().count() > LABEL_CHARS {
        return Err(Error::invalid("/label", format!("expected at most {LABEL_CHARS} characters")).into());
    }
    let pin = new.pin.as_ref().map(|pin| &pin.0);
    let device = app.add_device(&scope.who, &scope.merchant, &number, new.label.text, new.public_key.0, pin).await?;
    answer::json(StatusCode::CREATED, &DeviceShown::of(device))
}

/// `DELETE /v1/operators/{number}/devices/{device}`
pub async fn remove_device<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let Path((number, device)) = path.map_err(|_| Error::NotFound("device"))?;
    app.remove_device(&scope.who, &scope.merchant, &number_of(&number)?, &device).await?;
    Ok(answer::nothing())
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

    impl utoipa::PartialSchema for super::PinText {
        fn schema() -> RefOr<Schema> {
            let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{6,12}$"));
            digits.write_only(true).into()
        }
    }
    impl utoipa::ToSchema for super::PinText {}
    impl utoipa::PartialSchema for super::NumberText {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9]{1,12}$")).into()
        }
    }
    impl utoipa::ToSchema for super::NumberText {}
}
