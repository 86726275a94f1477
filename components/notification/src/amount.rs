//! Amounts as people read them.

use rescind_model::money::MoneyError;
use rescind_model::{Locale, Money, RenderError};

/// `¥60.00` for yuan in Chinese, `CNY 60.00` otherwise: `¥` means yen elsewhere.
pub(crate) fn show(money: &Money, locale: Locale) -> Result<String, RenderError> {
    let text = checked(money)?.decimal_text();
    Ok(match (locale, money.currency.as_str()) {
        (Locale::ZhCn, "CNY") => format!("¥{text}"),
        (_, currency) => format!("{currency} {text}"),
    })
}

/// `CNY -60.00`: money that goes back, on paper. No currency sign: printers' code pages disagree on `¥`.
pub(crate) fn show_returned(money: &Money) -> Result<String, RenderError> {
    let text = checked(money)?.decimal_text();
    Ok(format!("{} -{text}", money.currency))
}

/// The amount again, if it is one.
fn checked(money: &Money) -> Result<Money, RenderError> {
    Money::new(money.minor, &money.currency).map_err(|e| {
        RenderError::Unprintable(match e {
            // The text comes from outside: short, whatever it holds.
            MoneyError::UnknownCurrency(c) => {
                format!("amount: unknown currency {:?}", c.chars().take(8).collect::<String>())
            }
            other => format!("amount: {other}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yuan_sign_is_for_chinese_yuan_only() {
        let yuan = Money::new(6000, "CNY").unwrap();
        let yen = Money::new(6000, "JPY").unwrap();
        assert_eq!(show(&yuan, Locale::ZhCn).unwrap(), "¥60.00");
        assert_eq!(show(&yuan, Locale::En).unwrap(), "CNY 60.00");
        assert_eq!(show(&yen, Locale::ZhCn).unwrap(), "JPY 6000");
        assert_eq!(show_returned(&yuan).unwrap(), "CNY -60.00");
    }

    #[test]
    fn what_is_no_amount_is_not_printed() {
        for (minor, currency) in [(-1, "CNY"), (i64::MAX, "CNY"), (1, "XXX"), (1, ""), (1, "cny")] {
            let money = Money { minor, currency: currency.to_owned() };
            assert!(matches!(show(&money, Locale::En), Err(RenderError::Unprintable(_))), "{minor} {currency}");
        }
    }
}
