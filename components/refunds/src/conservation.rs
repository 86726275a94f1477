//! *conservation*: per sale, cleared + voided + reserved never exceed what was captured.

use rescind_model::standing::Standing;
use rescind_model::{Fee, FeeKind, Ledger, Money, Rejection};

/// Sums a ledger up.
///
/// INVARIANT (`DOMAIN.md` §10): holds before and after every transition. `Standing::of` fails when more is spoken for
/// than was captured or when currencies mix; an amount of zero or less would hide such an excess, so it fails too.
pub(crate) fn check(ledger: &Ledger) -> Result<Standing, Rejection> {
    let amounts = ledger.refunds.iter().map(|refund| &refund.request.amount);
    for amount in amounts.chain(ledger.voids.iter().map(|void| &void.amount)) {
        if amount.minor <= 0 {
            return Err(Rejection::Invalid(format!("ledger: an operation of {} minor units", amount.minor)));
        }
    }
    Standing::of(ledger).map_err(|error| Rejection::Invalid(format!("ledger: {error}")))
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
            returned = returned.plus(&fee.amount).map_err(bad)?;
        }
    }
    match returned.exceeds(&ledger.sale.fee_charged) {
        Ok(false) => Ok(()),
        Ok(true) | Err(_) => Err(Rejection::NotAllowed("fees".to_owned())),
    }
}
