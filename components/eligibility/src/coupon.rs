//! How what goes back is split between the payer and the sponsor of a coupon (`DOMAIN.md` §5.5).

use crate::fee::part_half_up;
use crate::place::Place;
use crate::report::Report;
use crate::rule;
use crate::situation::Situation;
use rescind_model::{DecisionError, Money};
use rescind_policy::document::CouponRule;

/// The part of a refund that goes to the coupon's sponsor: what is due for everything taken back so far, less what went back
/// before. Nothing: `None`.
///
/// Whatever was rounded, withdrawn or failed before: neither sponsor nor payer ever gets more than each paid, so the refund
/// that completes the sale returns exactly the coupon to the one and exactly the rest to the other.
pub(crate) fn of_refund(
    s: &Situation<'_>,
    stated: Option<CouponRule>,
    amount: i64,
    report: &mut Report,
) -> Result<Option<Money>, DecisionError> {
    let part = if s.coupon == 0 { 0 } else { due(s, stated.unwrap_or(CouponRule::Proportion), amount)? };
    let place = if stated.is_some() { Place::Field("coupon") } else { Place::Nowhere };
    report.comes_with(rule::REFUND_COUPON, place, part > 0, || (s.amount(s.coupon), s.amount(part)));
    Ok(some(s, part))
}

fn due(s: &Situation<'_>, rule: CouponRule, amount: i64) -> Result<i64, DecisionError> {
    let cash = s.captured.saturating_sub(s.coupon);
    let taken_back = s.taken_back().saturating_add(amount).min(s.captured);
    let due = match rule {
        CouponRule::Proportion => part_half_up(s.coupon, taken_back, s.captured)?,
        // WeChat Pay: the payer's part is rounded half up, and the coupon's part is the rest.
        CouponRule::CashProportion => taken_back.saturating_sub(part_half_up(cash, taken_back, s.captured)?),
        CouponRule::CashFirst => taken_back.saturating_sub(cash).max(0),
    };
    let returned = s.facts.balance.coupon_returned.minor;
    // What is due never leaves the payer more cash than was paid: `due >= taken back - cash`. A refund that was withdrawn after
    // others were rounded can leave the sponsor with more than is due now, or with less by more than this refund.
    Ok(due.saturating_sub(returned).clamp(0, amount))
}

/// The part of a void: all of the coupon that did not go back before.
pub(crate) fn of_void(s: &Situation<'_>) -> Option<Money> {
    some(s, s.coupon.saturating_sub(s.facts.balance.coupon_returned.minor))
}

fn some(s: &Situation<'_>, minor: i64) -> Option<Money> {
    (minor > 0).then(|| s.money(minor))
}
