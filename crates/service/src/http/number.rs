//! Numbers that others gave to a sale: batch, voucher, trace, retrieval reference, order number, payer token.

use crate::http::limits::{NUMBER_BYTES, ORDER_NUMBER_BYTES, PAYER_TOKEN_BYTES};
use crate::http::text::Text;
use rescind_model::card_number;
use serde::{Deserialize, Deserializer, de};

/// A number as it is printed on a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(pub String);

/// The merchant's own order number. A card number in it is masked, the same in every search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderNumber(pub Text);

/// A keyed hash that stands for the payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayerToken(pub String);

/// Longest number that is taken without asking whether it is a card number: a retrieval reference has 12 digits, and one in
/// ten of those that begin like a Maestro card passes the check.
const RETRIEVAL_REFERENCE_DIGITS: usize = 12;

impl Number {
    /// Reads a number.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if text.is_empty() || text.len() > NUMBER_BYTES || !fits {
            return Err(format!("expected 1 to {NUMBER_BYTES} characters of A-Z a-z 0-9 . _ -"));
        }
        if text.len() > RETRIEVAL_REFERENCE_DIGITS {
            not_a_card(text)?;
        }
        Ok(Self(text.to_owned()))
    }
}

impl OrderNumber {
    /// Reads an order number.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("expected an order number without control characters".to_owned());
        }
        Text::parse(text, ORDER_NUMBER_BYTES).map(Self)
    }
}

impl PayerToken {
    /// Reads a payer token.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = text.bytes().all(|b| b.is_ascii_graphic() && b != b'*');
        if text.is_empty() || text.len() > PAYER_TOKEN_BYTES || !fits {
            return Err(format!(
                "expected a keyed hash of 1 to {PAYER_TOKEN_BYTES} printable characters, never a card number, masked or not"
            ));
        }
        not_a_card(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Refuses a card number where something else was expected.
///
/// # Errors
/// If it is one.
pub fn not_a_card(text: &str) -> Result<(), String> {
    if card_number::mask(text).found { Err("this is a card number: give another one".to_owned()) } else { Ok(()) }
}

macro_rules! read_from_text {
    ($($name:ident $limit:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
        impl core::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::parse(text)
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                use utoipa::openapi::{ObjectBuilder, schema::Type};
                ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some($limit)).into()
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )*};
}
read_from_text! { Number NUMBER_BYTES OrderNumber ORDER_NUMBER_BYTES PayerToken PAYER_TOKEN_BYTES }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retrieval_references_of_november_are_not_taken_for_cards() {
        // 632714000118 begins like a Maestro card and passes Luhn for some tails.
        for tail in 0..200_u32 {
            assert!(Number::parse(&format!("632714{tail:06}")).is_ok());
        }
    }

    #[test]
    fn card_numbers_do_not_pass_for_other_numbers() {
        assert!(Number::parse("4111111111111111").is_err());
        assert!(PayerToken::parse("4111111111111111").is_err());
        assert!(PayerToken::parse("411111******1111").is_err());
        assert!(OrderNumber::parse("4111111111111111").unwrap().0.masked);
    }
}
