//! A hold: money that is reserved, until a completion captures of it, a release gives it back, or time ends it.

use crate::argument::{at_most, valid};
use crate::limits::TEXT_BYTES;
use crate::operation;
use rescind_model::{Hold, Instant, Ledger, Money, Rejection, Sale, SaleOutcome};

/// A hold that can be completed.
pub(crate) fn check(hold: &Hold, sale: &Sale, outcome: SaleOutcome) -> Result<(), Rejection> {
    use SaleOutcome::{Declined, Failed, Held, Unknown};
    if !matches!(outcome, Held | Unknown | Declined | Failed) {
        return Err(Rejection::Invalid("outcome: a hold begins held, unknown, declined or failed".to_owned()));
    }
    valid(Money::new(hold.authorised.minor, &hold.authorised.currency))?;
    valid(Money::new(hold.ceiling.minor, &hold.ceiling.currency))?;
    if hold.authorised != sale.captured {
        return Err(Rejection::Invalid("authorised: expected the payment's amount".to_owned()));
    }
    if valid(hold.authorised.exceeds(&hold.ceiling))? {
        return Err(Rejection::Invalid("ceiling: expected at least what is authorised".to_owned()));
    }
    if !sale.fee_charged.is_zero() {
        return Err(Rejection::Invalid("fee-charged: a hold costs nothing before its completion".to_owned()));
    }
    if sale.coupon.is_some() {
        return Err(Rejection::Invalid("coupon: a hold reserves the payer's own money".to_owned()));
    }
    valid(Instant::from_unix_ms(hold.authorised_at.unix_ms))?;
    valid(Instant::from_unix_ms(hold.expires_at.unix_ms))?;
    if hold.expires_at <= hold.authorised_at {
        return Err(Rejection::Invalid("expires-at: expected after authorised-at".to_owned()));
    }
    at_most("authorisation-code", "bytes", hold.authorisation_code.as_deref().map_or(0, str::len), TEXT_BYTES)
}

/// When time ends a hold: it stands, nothing is under way that would capture or release it, and no person was called to find
/// out whether it was captured.
pub(crate) fn ends_at(ledger: &Ledger) -> Option<Instant> {
    let hold = ledger.hold.as_ref()?;
    let stands =
        ledger.status.outcome == SaleOutcome::Held && !operation::is_open(ledger) && !operation::is_doubtful(ledger);
    stands.then_some(hold.expires_at)
}
