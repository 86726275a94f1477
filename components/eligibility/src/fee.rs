//! Fees, in whole minor units. Each is rounded half up once, and exactly: rates are decimal products, which are exact;
//! proportions are integers of 128 bits, because a decimal quotient is rounded before it could be rounded half up.

use crate::situation::Situation;
use crate::window;
use rescind_model::{DecisionError, Fee, FeeKind, Party};
use rescind_policy::document::{FeeRule, RefundRules, ReturnedFee, VoidRules};
use rescind_policy::scalar::{Amount, Rate};
use rust_decimal::{Decimal, RoundingStrategy};

/// Digits of a rate after the point: rates are millionths.
const RATE_SCALE: u32 = 6;

/// `amount × rate`, rounded half up to the minor unit.
fn share_half_up(amount: i64, rate: Rate) -> Result<i64, DecisionError> {
    let out_of_range = || DecisionError::BadAmount("a fee is out of range".to_owned());
    // 14 digits by 10: within the 28 that a decimal holds exactly.
    let exact = Decimal::from(amount).checked_mul(Decimal::new(i64::from(rate.millionths()), RATE_SCALE));
    let minor = exact.ok_or_else(out_of_range)?.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(minor).map_err(|_| out_of_range())
}

/// `amount × part / whole`, rounded half up to the minor unit. All are zero or more; `whole` is more than zero.
///
/// Integers, because the quotient of two decimal numbers is rounded before it could be rounded half up.
pub(crate) fn part_half_up(amount: i64, part: i64, whole: i64) -> Result<i64, DecisionError> {
    let twice = i128::from(amount)
        .checked_mul(i128::from(part))
        .and_then(|product| product.checked_mul(2))
        .and_then(|twice| twice.checked_add(i128::from(whole)));
    twice
        .zip(i128::from(whole).checked_mul(2))
        .and_then(|(twice, divisor)| twice.checked_div(divisor))
        .and_then(|minor| i64::try_from(minor).ok())
        .ok_or_else(|| DecisionError::BadAmount("a fee is out of range".to_owned()))
}

/// The acquiring fee that comes back with a refund: what is due for everything taken back so far, less what was given back
/// before. So a full refund returns exactly what was charged, in whatever parts it is made.
fn returned_with_refund(s: &Situation<'_>, rule: ReturnedFee, amount: i64) -> Result<i64, DecisionError> {
    let charged = s.facts.sale.fee_charged.minor;
    let taken_back = s.taken_back().saturating_add(amount).min(s.captured);
    let due = match rule {
        ReturnedFee::Kept => 0,
        ReturnedFee::Full if taken_back < s.captured => 0,
        ReturnedFee::Proportion => part_half_up(charged, taken_back, s.captured)?,
        ReturnedFee::Full => charged,
    };
    // A refund that failed after others were rounded can leave one minor unit more returned than is due now.
    Ok(due.saturating_sub(s.facts.balance.fee_returned.minor).max(0))
}

/// What is kept of an amount as a penalty: `fixed + round half up(amount × rate)`, at most all of it.
pub(crate) fn penalty(fixed: Option<Amount>, rate: Option<Rate>, of: i64) -> Result<i64, DecisionError> {
    let share = rate.map(|rate| share_half_up(of, rate)).transpose()?.unwrap_or(0);
    Ok(fixed.map_or(0, Amount::minor).saturating_add(share).min(of))
}

fn charge(rule: &FeeRule, amount: i64) -> Result<i64, DecisionError> {
    let share = match rule.rate {
        Some(rate) => share_half_up(amount, rate)?,
        None => 0,
    };
    let fee = rule.fixed.map_or(0, |fixed| fixed.minor()).saturating_add(share);
    let fee = rule.floor.map_or(fee, |floor| fee.max(floor.minor()));
    let fee = rule.cap.map_or(fee, |cap| fee.min(cap.minor()));
    if fee > rescind_model::limits::AMOUNT_MINOR {
        return Err(DecisionError::BadAmount("a fee is out of range".to_owned()));
    }
    Ok(fee)
}

/// Fees of one operation: what is nothing is left out.
struct Fees<'s, 'a> {
    situation: &'s Situation<'a>,
    /// What the customer can still pay: nobody pays more for a refund than it brings.
    customer_has: i64,
    list: Vec<Fee>,
}

impl Fees<'_, '_> {
    fn add(&mut self, kind: FeeKind, minor: i64, payer: Party) {
        let minor = if payer == Party::Customer {
            let paid = minor.min(self.customer_has);
            self.customer_has = self.customer_has.saturating_sub(paid);
            paid
        } else {
            minor
        };
        if minor > 0 {
            self.list.push(Fee { kind, amount: self.situation.money(minor), payer });
        }
    }
}

/// The fees of a void. It takes back the whole sale, or all that is left of it, so in proportion is in full. A legal order
/// is nobody's service: the operation then costs nothing.
pub(crate) fn of_void(s: &Situation<'_>, rules: &VoidRules, legal: bool) -> Result<Vec<Fee>, DecisionError> {
    let mut fees = Fees { situation: s, customer_has: s.captured, list: Vec::new() };
    if rules.acquiring_fee != ReturnedFee::Kept {
        let rest = s.facts.sale.fee_charged.minor.saturating_sub(s.facts.balance.fee_returned.minor);
        fees.add(FeeKind::AcquiringReturned, rest, Party::Acquirer);
    }
    if let Some(rule) = rules.operation_fee.as_ref().filter(|_| !legal) {
        fees.add(FeeKind::Operation, charge(rule, s.captured)?, rule.payer);
    }
    Ok(fees.list)
}

/// The fees of a refund.
pub(crate) fn of_refund(s: &Situation<'_>, rules: &RefundRules, amount: i64) -> Result<Vec<Fee>, DecisionError> {
    let mut fees = Fees { situation: s, customer_has: amount, list: Vec::new() };
    fees.add(FeeKind::AcquiringReturned, returned_with_refund(s, rules.acquiring_fee, amount)?, Party::Acquirer);
    if let Some(rule) = &rules.operation_fee {
        fees.add(FeeKind::Operation, charge(rule, amount)?, rule.payer);
    }
    if let Some(late) = &rules.late_fee
        && s.now >= window::after(s.facts.sale.paid_at, late.after)?
    {
        fees.add(FeeKind::Late, charge(&late.fee, amount)?, late.fee.payer);
    }
    Ok(fees.list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minor_unit_is_rounded_up() {
        for (amount, part, whole, minor) in [
            (1, 1, 2, 1),
            (1, 1, 3, 0),
            (1, 2, 3, 1),
            (3, 1, 2, 2),
            (60, 6_000, 1_000_000, 0),
            (99_999_999_999_999, 1, 1, 99_999_999_999_999),
        ] {
            assert_eq!(part_half_up(amount, part, whole).unwrap(), minor, "{amount} × {part} / {whole}");
        }
        assert!(part_half_up(1, 1, 0).is_err());
        assert!(part_half_up(i64::MAX, i64::MAX, 1).is_err());
    }

    #[test]
    fn a_charge_lies_between_floor_and_cap() {
        let amount = |minor| Some(Amount::new(minor).unwrap());
        let rule = FeeRule {
            cap: amount(2_000),
            fixed: None,
            floor: amount(10),
            payer: Party::Merchant,
            rate: Some(Rate::parse("0.55%").unwrap()),
        };
        // [004]: debit 0.55 %, at most 20.00.
        for (of, fee) in
            [(100, 10), (10_000, 55), (363_636, 2_000), (363_546, 2_000), (363_545, 1_999), (100_000_000, 2_000)]
        {
            assert_eq!(charge(&rule, of).unwrap(), fee, "of {of}");
        }
    }
}
