//! How the customer was identified, as a part of a request that takes money back.

use crate::error::Error;
use crate::http::number::{Number, PayerToken};
use crate::identity::ShownIdentity;
use serde::{Deserialize, Deserializer, de};

/// A code as a customer reads it out: 6 digits. What is wrong with it is said without repeating it.
#[derive(Clone)]
pub struct CodeText(String);

impl core::fmt::Debug for CodeText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CodeText(…)")
    }
}

impl<'de> Deserialize<'de> for CodeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(code) if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self(code))
            }
            _ => Err(de::Error::custom("expected 6 digits, as a text")),
        }
    }
}

/// How the customer was identified: exactly one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The card was read: its token, the keyed hash that the sale's `payer_token` is. From a terminal or a system.
    card_token: Option<PayerToken>,
    /// `true`: the terminal verified the cardholder's PIN. From a terminal.
    pin_verified: Option<bool>,
    /// With `pin_verified`: where the terminal's message can be looked up.
    reference: Option<Number>,
    /// The confirmation, with …
    confirmation: Option<Number>,
    /// … the code that the customer repeated.
    code: Option<CodeText>,
}

impl Identity {
    /// As the core takes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is exactly one of the three.
    pub fn parsed(self) -> Result<ShownIdentity, Error> {
        match (self.card_token, self.pin_verified, self.reference, self.confirmation, self.code) {
            (Some(token), None, None, None, None) => Ok(ShownIdentity::Card { token: token.0 }),
            (None, Some(true), reference, None, None) => {
                Ok(ShownIdentity::PinVerified { reference: reference.map(|r| r.0) })
            }
            (None, None, None, Some(confirmation), Some(code)) => {
                Ok(ShownIdentity::Confirmed { confirmation: confirmation.0, code: code.0 })
            }
            _ => Err(Error::invalid(
                "/identity",
                "expected exactly one of: card_token; pin_verified, true; confirmation with code",
            )),
        }
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

    impl utoipa::PartialSchema for super::CodeText {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{6}$")).into()
        }
    }
    impl utoipa::ToSchema for super::CodeText {}
}
