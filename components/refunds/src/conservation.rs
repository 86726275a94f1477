//! *conservation*: per sale, cleared + voided + reversed + reserved never exceed what was captured, and every entry
//! balances.

use crate::entry;
use rescind_model::standing::Standing;
use rescind_model::{Account, Fee, FeeKind, Ledger, Money, Party, Rejection};

/// Sums a ledger up.
///
/// INVARIANT (`DOMAIN.md` §10): holds before and after every transition. `Standing::of` fails when more is spoken for
/// than was captured or when currencies mix; an amount of zero or less would hide such an excess, so it fails too.
pub(crate) fn check(ledger: &Ledger) -> Result<Standing, Rejection> {
    let amounts = ledger.refunds.iter().map(|refund| &refund.request.amount);
    let amounts = amounts.chain(ledger.voids.iter().map(|void| &void.amount));
    for amount in amounts.chain(ledger.operations.iter().map(|operation| &operation.amount)) {
        if amount.minor <= 0 {
            return Err(Rejection::Invalid(format!("ledger: an operation of {} minor units", amount.minor)));
        }
    }
    if !ledger.entries.iter().all(entry::balances) {
        return Err(Rejection::Invalid("ledger: an entry does not balance".to_owned()));
    }
    let damaged = |error| Rejection::Invalid(format!("ledger: {error}"));
    for operation in &ledger.operations {
        operation.amount.same_currency(&ledger.sale.captured).map_err(damaged)?;
    }
    if let Some(hold) = &ledger.hold
        && ledger.sale.captured.exceeds(&hold.ceiling).map_err(damaged)?
    {
        return Err(Rejection::Invalid("ledger: captured more than the ceiling of its hold".to_owned()));
    }
    Standing::of(ledger).map_err(damaged)
}

/// Fees that fit the sale: its currency, no amount below zero, and no more of the acquiring fee given back than was
/// charged.
pub(crate) fn check_fees(ledger: &Ledger, standing: &Standing, fees: &[Fee]) -> Result<(), Rejection> {
    let mut returned = standing.fee_returned.clone();
    for fee in fees {
        let bad = |error| Rejection::Invalid(format!("fees: {error}"));
        returned.same_currency(&fee.amount).map_err(bad)?;
        Money::new(fee.amount.minor, &fee.amount.currency).map_err(bad)?;
        if fee.kind == FeeKind::AcquiringReturned {
            // What the acquirer charged nobody else can give back.
            if fee.payer != Party::Acquirer {
                return Err(Rejection::NotAllowed("fees".to_owned()));
            }
            returned = returned.plus(&fee.amount).map_err(bad)?;
        }
    }
    match returned.exceeds(&ledger.sale.fee_charged) {
        Ok(false) => Ok(()),
        Ok(true) | Err(_) => Err(Rejection::NotAllowed("fees".to_owned())),
    }
}

/// How much of a refund may go to the coupon's sponsor: at least what the payer cannot get any more, at most what the sponsor
/// can. Of what is left, each side gets back no more than it paid.
///
/// `standing` is that of the ledger without the refund, in which its amount fits.
pub(crate) fn sponsors_share(
    ledger: &Ledger,
    standing: &Standing,
    amount: &Money,
) -> Result<(Money, Money), Rejection> {
    let damaged = |error| Rejection::Invalid(format!("ledger: {error}"));
    let zero = amount.zero_like();
    // What the sponsor paid and has not got back, a void by legal order included, less what is on its way.
    let mut sponsors =
        Money::new(entry::balance(ledger, Account::CouponSponsor)?, &amount.currency).map_err(damaged)?;
    let held = ledger.refunds.iter().filter(|refund| refund.state.holds_reservation());
    for coupon in held.filter_map(|refund| refund.coupon.as_ref()) {
        sponsors = sponsors.minus(coupon).map_err(damaged)?;
    }
    let payers = standing.left.minus(&sponsors).map_err(damaged)?;
    let least = if amount.exceeds(&payers).map_err(damaged)? { amount.minus(&payers).map_err(damaged)? } else { zero };
    let most = if amount.exceeds(&sponsors).map_err(damaged)? { sponsors } else { amount.clone() };
    Ok((least, most))
}

/// The part of a refund for the coupon's sponsor, if it fits.
pub(crate) fn check_coupon(
    ledger: &Ledger,
    standing: &Standing,
    amount: &Money,
    coupon: Option<&Money>,
) -> Result<(), Rejection> {
    let bad = |error| Rejection::Invalid(format!("coupon: {error}"));
    let (least, most) = sponsors_share(ledger, standing, amount)?;
    let wanted = coupon.cloned().unwrap_or_else(|| amount.zero_like());
    Money::new(wanted.minor, &wanted.currency).map_err(bad)?;
    if wanted.exceeds(&most).map_err(bad)? || least.exceeds(&wanted).map_err(bad)? {
        return Err(Rejection::NotAllowed("coupon".to_owned()));
    }
    Ok(())
}
