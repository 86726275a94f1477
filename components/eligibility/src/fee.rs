//! Fees, in whole minor units. Each is rounded half up once, and exactly: rates are decimal products, which are exact;
//! proportions are integers of 128 bits, because a decimal quotient is rounded before it could be rounded half up.

use crate::place::Place::{self, Field};
use crate::report::Report;
use crate::situation::Situation;
use crate::{rule, window};
use rescind_model::{DecisionError, Fee, FeeKind, Party, Value};
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

/// A fee before and after its floor and its cap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charged {
    /// `fixed + round half up(amount × rate)`.
    pub(crate) computed: i64,
    /// At least the floor.
    pub(crate) floored: i64,
    /// At most the cap: what is charged.
    pub(crate) minor: i64,
}

/// What a fee is for this amount.
pub(crate) fn charged(rule: &FeeRule, amount: i64) -> Result<Charged, DecisionError> {
    let share = match rule.rate {
        Some(rate) => share_half_up(amount, rate)?,
        None => 0,
    };
    let computed = rule.fixed.map_or(0, |fixed| fixed.minor()).saturating_add(share);
    let floored = rule.floor.map_or(computed, |floor| computed.max(floor.minor()));
    let minor = rule.cap.map_or(floored, |cap| floored.min(cap.minor()));
    if minor > rescind_model::limits::AMOUNT_MINOR {
        return Err(DecisionError::BadAmount("a fee is out of range".to_owned()));
    }
    Ok(Charged { computed, floored, minor })
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

/// Where a section states a fee, its floor and its cap.
const OPERATION_FEE: [&str; 3] = ["operation-fee", "operation-fee.floor", "operation-fee.cap"];
const LATE_FEE_BOUNDS: [&str; 2] = ["late-fee.floor", "late-fee.cap"];

/// What an operation of this amount costs.
fn operation_fee(
    id: &'static str,
    rule: &FeeRule,
    amount: i64,
    s: &Situation<'_>,
    report: &mut Report,
) -> Result<i64, DecisionError> {
    let charged = charged(rule, amount)?;
    let [fee, floor, cap] = OPERATION_FEE.map(Field);
    report.comes_with(id, fee, true, || (s.amount(amount), s.amount(charged.minor)));
    bounds(id, [floor, cap], rule, charged, |minor| s.amount(minor), report);
    Ok(charged.minor)
}

/// The floor and the cap of a fee: each applies if it changed the fee.
pub(crate) fn bounds(
    id: &'static str,
    [floor, cap]: [Place<'_>; 2],
    rule: &FeeRule,
    charged: Charged,
    amount: impl Fn(i64) -> Value,
    report: &mut Report,
) {
    if let Some(least) = rule.floor {
        let applies = charged.floored > charged.computed;
        report.comes_with(id, floor, applies, || (amount(charged.computed), amount(least.minor())));
    }
    if let Some(most) = rule.cap {
        let applies = charged.minor < charged.floored;
        report.comes_with(id, cap, applies, || (amount(charged.floored), amount(most.minor())));
    }
}

/// The fees of a void. It takes back the whole sale, or all that is left of it, so in proportion is in full. A legal order
/// is nobody's service: the operation then costs nothing.
pub(crate) fn of_void(
    s: &Situation<'_>,
    rules: &VoidRules,
    legal: bool,
    report: &mut Report,
) -> Result<Vec<Fee>, DecisionError> {
    let mut fees = Fees { situation: s, customer_has: s.captured, list: Vec::new() };
    let charged = s.facts.sale.fee_charged.minor;
    let rest = charged.saturating_sub(s.facts.balance.fee_returned.minor);
    let returned = if rules.acquiring_fee == ReturnedFee::Kept { 0 } else { rest };
    report.comes_with(rule::VOID_ACQUIRING_FEE, Field("acquiring-fee"), returned > 0, || {
        (s.amount(charged), s.amount(returned))
    });
    fees.add(FeeKind::AcquiringReturned, returned, Party::Acquirer);
    if let Some(fee) = rules.operation_fee.as_ref().filter(|_| !legal) {
        let minor = operation_fee(rule::VOID_OPERATION_FEE, fee, s.captured, s, report)?;
        fees.add(FeeKind::Operation, minor, fee.payer);
    }
    Ok(fees.list)
}

/// The fees of a refund.
pub(crate) fn of_refund(
    s: &Situation<'_>,
    rules: &RefundRules,
    amount: i64,
    report: &mut Report,
) -> Result<Vec<Fee>, DecisionError> {
    let mut fees = Fees { situation: s, customer_has: amount, list: Vec::new() };
    let returned = returned_with_refund(s, rules.acquiring_fee, amount)?;
    report.comes_with(rule::REFUND_ACQUIRING_FEE, Field("acquiring-fee"), returned > 0, || {
        (s.amount(s.facts.sale.fee_charged.minor), s.amount(returned))
    });
    fees.add(FeeKind::AcquiringReturned, returned, Party::Acquirer);
    if let Some(fee) = &rules.operation_fee {
        let minor = operation_fee(rule::REFUND_OPERATION_FEE, fee, amount, s, report)?;
        fees.add(FeeKind::Operation, minor, fee.payer);
    }
    if let Some(late) = &rules.late_fee {
        let paid = s.facts.sale.paid_at;
        let is_late = s.now >= window::after(paid, late.after)?;
        report.comes_with(rule::REFUND_LATE_FEE, Field("late-fee"), is_late, || {
            (Value::Lasting(s.now.since(paid)), Value::Lasting(late.after.duration()))
        });
        if is_late {
            let charged = charged(&late.fee, amount)?;
            bounds(rule::REFUND_LATE_FEE, LATE_FEE_BOUNDS.map(Field), &late.fee, charged, |m| s.amount(m), report);
            fees.add(FeeKind::Late, charged.minor, late.fee.payer);
        }
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
            assert_eq!(charged(&rule, of).unwrap().minor, fee, "of {of}");
        }
    }
}
