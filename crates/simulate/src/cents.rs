//! Amounts as they are written, and in cents. The run has one currency.

/// `60.00` as cents.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.')?;
    let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |rest| (true, rest));
    let part = Some(part).filter(|part| part.len() == 2)?.parse::<i64>().ok()?;
    let cents = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)?;
    Some(if negative { cents.saturating_neg() } else { cents })
}

/// Cents as `60.00`.
#[must_use]
pub fn write(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    let (whole, part) = (cents.checked_div(100).unwrap_or(0), cents.checked_rem(100).unwrap_or(0));
    format!("{sign}{whole}.{part:02}")
}

#[cfg(test)]
mod tests {
    use super::{parse, write};

    #[test]
    fn what_is_written_is_read() {
        for cents in [0, 1, 99, 100, 123_456, -5] {
            assert_eq!(parse(&write(cents)), Some(cents));
        }
        assert_eq!((parse("1"), parse("1.2"), parse("x.00")), (None, None, None));
    }
}
