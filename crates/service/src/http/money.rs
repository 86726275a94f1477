//! Amounts on the wire: `{"amount":"60.00","currency":"CNY"}`.

use rescind_model::Money;
use serde::{Deserialize, Serialize, Serializer};

/// An amount of money.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AmountText {
    /// A decimal number, with at most as many decimals as the currency has, never negative: `60.00`.
    amount: String,
    /// ISO 4217: `CNY`.
    currency: String,
}

/// An amount of money, zero included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AmountText")]
pub struct Amount(pub Money);

/// An amount of money above zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AmountText")]
pub struct Positive(pub Money);

impl TryFrom<AmountText> for Amount {
    type Error = rescind_model::money::MoneyError;
    fn try_from(text: AmountText) -> Result<Self, Self::Error> {
        Money::parse(&text.amount, &text.currency).map(Self)
    }
}

impl TryFrom<AmountText> for Positive {
    type Error = String;
    fn try_from(text: AmountText) -> Result<Self, String> {
        positive(&text.amount, &text.currency).map(Self)
    }
}

/// Reads an amount above zero.
///
/// # Errors
/// What was expected and what was found.
pub fn positive(amount: &str, currency: &str) -> Result<Money, String> {
    let money = Money::parse(amount, currency).map_err(|e| e.to_string())?;
    if money.is_zero() { Err("expected an amount above zero, found zero".to_owned()) } else { Ok(money) }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AmountText { amount: self.0.decimal_text(), currency: self.0.currency.clone() }.serialize(serializer)
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use super::{Amount, AmountText, Positive};
    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    impl PartialSchema for Amount {
        fn schema() -> RefOr<Schema> {
            AmountText::schema()
        }
    }
    impl ToSchema for Amount {
        fn name() -> std::borrow::Cow<'static, str> {
            "Amount".into()
        }
    }
    impl PartialSchema for Positive {
        fn schema() -> RefOr<Schema> {
            AmountText::schema()
        }
    }
    impl ToSchema for Positive {
        fn name() -> std::borrow::Cow<'static, str> {
            "PositiveAmount".into()
        }
    }
}
