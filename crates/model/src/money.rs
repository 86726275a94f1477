//! Money: whole minor units of an ISO 4217 currency. Two currencies never mix, nothing wraps, nothing is a float.

use crate::Money;
use crate::limits::AMOUNT_MINOR;
use core::fmt;
use rust_decimal::{Decimal, RoundingStrategy};

/// Why an amount is not one, or two amounts do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies.
    #[error("expected an amount in {expected}, found one in {found}")]
    OtherCurrency {
        /// The currency that was expected.
        expected: String,
        /// The currency that was given.
        found: String,
    },
    /// A currency that is not in the table.
    #[error("unknown currency {0:?}: expected an ISO 4217 code such as CNY")]
    UnknownCurrency(String),
    /// A text that is not a decimal number.
    #[error("expected a decimal number such as \"60.00\", found {0:?}")]
    NotANumber(String),
    /// More decimals than the currency has.
    #[error("{currency} has {allowed} decimals, found {found}")]
    TooManyDecimals {
        /// The currency.
        currency: String,
        /// How many decimals it has.
        allowed: u32,
        /// How many were given.
        found: u32,
    },
    /// Below zero, or above the limit.
    #[error("the amount is outside 0 to {AMOUNT_MINOR} minor units")]
    OutOfRange,
}

/// Number of decimals of a currency (ISO 4217, minor unit column). `None` for one that is not in the table.
#[must_use]
pub fn decimals(currency: &str) -> Option<u32> {
    // The currencies in which cards and codes are taken at counters. A code that is missing here is refused, not guessed.
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => Some(0),
        "AED" | "ALL" | "AMD" | "AOA" | "ARS" | "AUD" | "AZN" | "BAM" | "BBD" | "BDT" | "BGN" | "BMD" | "BND"
        | "BOB" | "BRL" | "BSD" | "BTN" | "BWP" | "BYN" | "BZD" | "CAD" | "CDF" | "CHF" | "CNY" | "COP" | "CRC"
        | "CUP" | "CVE" | "CZK" | "DKK" | "DOP" | "DZD" | "EGP" | "ERN" | "ETB" | "EUR" | "FJD" | "FKP" | "GBP"
        | "GEL" | "GHS" | "GIP" | "GMD" | "GTQ" | "GYD" | "HKD" | "HNL" | "HTG" | "HUF" | "IDR" | "ILS" | "INR"
        | "IRR" | "JMD" | "KES" | "KGS" | "KHR" | "KPW" | "KYD" | "KZT" | "LAK" | "LBP" | "LKR" | "LRD" | "LSL"
        | "MAD" | "MDL" | "MGA" | "MKD" | "MMK" | "MNT" | "MOP" | "MRU" | "MUR" | "MVR" | "MWK" | "MXN" | "MYR"
        | "MZN" | "NAD" | "NGN" | "NIO" | "NOK" | "NPR" | "NZD" | "PAB" | "PEN" | "PGK" | "PHP" | "PKR" | "PLN"
        | "QAR" | "RON" | "RSD" | "RUB" | "SAR" | "SBD" | "SCR" | "SDG" | "SEK" | "SGD" | "SHP" | "SLE" | "SOS"
        | "SRD" | "SSP" | "STN" | "SVC" | "SYP" | "SZL" | "THB" | "TJS" | "TMT" | "TOP" | "TRY" | "TTD" | "TWD"
        | "TZS" | "UAH" | "USD" | "UYU" | "UZS" | "VES" | "WST" | "XCD" | "YER" | "ZAR" | "ZMW" => Some(2),
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Some(3),
        _ => None,
    }
}

impl Money {
    /// An amount of minor units.
    ///
    /// # Errors
    /// If the currency is unknown or the amount outside `0..=AMOUNT_MINOR`.
    pub fn new(minor: i64, currency: &str) -> Result<Self, MoneyError> {
        decimals(currency).ok_or_else(|| MoneyError::UnknownCurrency(currency.to_owned()))?;
        if (0..=AMOUNT_MINOR).contains(&minor) {
            Ok(Self { minor, currency: currency.to_owned() })
        } else {
            Err(MoneyError::OutOfRange)
        }
    }

    /// Nothing, in this amount's currency.
    #[must_use]
    pub fn zero_like(&self) -> Self {
        Self { minor: 0, currency: self.currency.clone() }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// Reads a decimal text such as `60.00`. Fewer decimals than the currency has are fine, more are not.
    ///
    /// # Errors
    /// See [`MoneyError`].
    pub fn parse(text: &str, currency: &str) -> Result<Self, MoneyError> {
        let places = decimals(currency).ok_or_else(|| MoneyError::UnknownCurrency(currency.to_owned()))?;
        let not_a_number = || MoneyError::NotANumber(text.chars().take(40).collect());
        // Only digits and one point: no sign, exponent, grouping or surrounding space.
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(not_a_number()),
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && digits(rest) && digits(fraction)) {
            return Err(MoneyError::OutOfRange);
        }
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(not_a_number());
        }
        let found = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        if found > places {
            return Err(MoneyError::TooManyDecimals { currency: currency.to_owned(), allowed: places, found });
        }
        let mut minor: i64 = 0;
        let missing = places.saturating_sub(found);
        let padding = core::iter::repeat_n(b'0', usize::try_from(missing).unwrap_or(0));
        for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
            minor = minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(digit.wrapping_sub(b'0'))))
                .filter(|m| *m <= AMOUNT_MINOR)
                .ok_or(MoneyError::OutOfRange)?;
        }
        Self::new(minor, currency)
    }

    /// Fails unless both amounts are in one currency.
    ///
    /// # Errors
    /// [`MoneyError::OtherCurrency`].
    pub fn same_currency(&self, other: &Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::OtherCurrency { expected: self.currency.clone(), found: other.currency.clone() })
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Other currency, or a sum above the limit.
    pub fn plus(&self, other: &Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Self::new(minor, &self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// Other currency, or a difference below zero.
    pub fn minus(&self, other: &Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::OutOfRange)?;
        Self::new(minor, &self.currency)
    }

    /// Whether this is more than the other.
    ///
    /// # Errors
    /// Other currency.
    pub fn exceeds(&self, other: &Self) -> Result<bool, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor > other.minor)
    }

    /// The amount as a decimal number of major units, for fee arithmetic.
    #[must_use]
    pub fn to_decimal(&self) -> Decimal {
        Decimal::new(self.minor, decimals(&self.currency).unwrap_or(0))
    }

    /// A decimal number of major units as an amount, rounded half up to the minor unit (`DOMAIN.md` §5.5).
    ///
    /// # Errors
    /// Unknown currency, or out of range.
    pub fn from_decimal_half_up(value: Decimal, currency: &str) -> Result<Self, MoneyError> {
        let places = decimals(currency).ok_or_else(|| MoneyError::UnknownCurrency(currency.to_owned()))?;
        // Amounts are never negative, so half away from zero is half up.
        let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        let scale = Decimal::from(10_i64.checked_pow(places).ok_or(MoneyError::OutOfRange)?);
        let minor = rounded.checked_mul(scale).ok_or(MoneyError::OutOfRange)?;
        let minor = i64::try_from(minor.trunc().normalize()).map_err(|_| MoneyError::OutOfRange)?;
        Self::new(minor, currency)
    }

    /// The number alone, with all of the currency's decimals: `60.00`.
    #[must_use]
    pub fn decimal_text(&self) -> String {
        let places = usize::try_from(decimals(&self.currency).unwrap_or(0)).unwrap_or(0);
        let width = places.saturating_add(1);
        let digits = format!("{:0width$}", self.minor);
        if places == 0 {
            return digits;
        }
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        format!("{whole}.{fraction}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal_text(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cny(text: &str) -> Money {
        Money::parse(text, "CNY").unwrap()
    }

    #[test]
    fn an_amount_reads_as_it_is_written() {
        assert_eq!(cny("60.00").minor, 6000);
        assert_eq!(cny("60").minor, 6000);
        assert_eq!(cny("0.5").minor, 50);
        assert_eq!(Money::parse("60", "JPY").unwrap().minor, 60);
        assert_eq!(Money::parse("1.234", "KWD").unwrap().decimal_text(), "1.234");
    }

    #[test]
    fn what_is_not_an_amount_is_refused_with_the_reason() {
        let bad = |t: &str| Money::parse(t, "CNY").unwrap_err();
        for text in ["", ".", "1.", ".5", "1e3", "+1", " 1", "1 ", "1,000", "0x1", "١", "-", "--1"] {
            assert!(matches!(bad(text), MoneyError::NotANumber(_)), "{text:?} gave {:?}", bad(text));
        }
        assert_eq!(bad("-1"), MoneyError::OutOfRange);
        assert!(matches!(bad("1.234"), MoneyError::TooManyDecimals { allowed: 2, found: 3, .. }));
        assert_eq!(bad("1000000000000.00"), MoneyError::OutOfRange);
        assert_eq!(bad(&"9".repeat(400)), MoneyError::OutOfRange);
        assert!(matches!(Money::parse("1", "XXX"), Err(MoneyError::UnknownCurrency(_))));
        assert!(matches!(Money::parse("1", "cny"), Err(MoneyError::UnknownCurrency(_))));
    }

    #[test]
    fn currencies_never_mix() {
        let yen = Money::parse("1", "JPY").unwrap();
        assert!(cny("1").plus(&yen).is_err());
        assert!(cny("1").minus(&yen).is_err());
        assert!(cny("1").exceeds(&yen).is_err());
    }

    #[test]
    fn half_a_minor_unit_rounds_up() {
        let round = |t: &str| Money::from_decimal_half_up(t.parse().unwrap(), "CNY").unwrap().minor;
        assert_eq!(round("0.345"), 35);
        assert_eq!(round("0.344999"), 34);
        assert_eq!(round("0.355"), 36);
    }

    proptest! {
        #[test]
        fn text_and_amount_agree(minor in 0..=AMOUNT_MINOR, currency in prop::sample::select(vec!["CNY", "JPY", "KWD"])) {
            let money = Money::new(minor, currency).unwrap();
            let read = Money::parse(&money.decimal_text(), currency).unwrap();
            prop_assert_eq!(&read, &money);
            let again = Money::from_decimal_half_up(money.to_decimal(), currency).unwrap();
            prop_assert_eq!(&again, &money);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ignored = Money::parse(&text, "CNY").is_ok();
        }
    }
}
