//! What the end of an operation does to the payment. Nothing else changes a payment's outcome or amounts afterwards.
//!
//! | kind | done | failed |
//! |---|---|---|
//! | `reversal`, `order-close` of an unknown sale | → reversed | → good, a hold → held |
//! | `order-close` of an unpaid or expired code | → cancelled | as before |
//! | `hold-completion` | → good, and what was captured is written into the sale | stays held |
//! | `hold-release` | → released | stays held |
//! | `completion-void` | → held, and the hold's amounts stand again | stays good |

use crate::draft::Draft;
use crate::{entry, sale};
use rescind_model::token::Token;
use rescind_model::{FeeKind, Ledger, Operation, OperationState, Rejection, SaleOutcome, Way};

/// Lets an operation that has just ended take effect.
pub(crate) fn of_end(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Rejection> {
    let took_place = operation.state == OperationState::Done;
    let was = draft.ledger.status.outcome;
    let next = match (operation.kind, was, took_place) {
        (Way::Reversal | Way::OrderClose, SaleOutcome::Unknown, true) => SaleOutcome::Reversed,
        (Way::Reversal | Way::OrderClose, SaleOutcome::Unknown, false) => stands(&draft.ledger),
        (Way::OrderClose, SaleOutcome::Unpaid | SaleOutcome::Expired, true) => SaleOutcome::Cancelled,
        (Way::HoldRelease, SaleOutcome::Held, true) => SaleOutcome::Released,
        (Way::HoldCompletion, SaleOutcome::Held, true) => {
            capture(draft, operation)?;
            SaleOutcome::Good
        }
        (Way::CompletionVoid, SaleOutcome::Good, true) => {
            give_back_to_hold(&mut draft.ledger);
            SaleOutcome::Held
        }
        (_, other, _) => other,
    };
    draft.ledger.status.outcome = next;
    if took_place {
        post(draft, operation)
    } else {
        // What was never undone may be known to have been captured now.
        sale::post_if_good(draft)
    }
}

/// Posts what an operation did. The acquiring fee comes back with the capture that is undone, so that what the operation's
/// own fees say of it is not posted a second time.
fn post(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Rejection> {
    let about = operation.id.as_str();
    match operation.kind {
        Way::HoldCompletion => entry::captured(draft, Some(about))?,
        Way::Reversal | Way::OrderClose | Way::CompletionVoid => {
            entry::uncaptured(draft, operation.kind.token(), about)?;
        }
        Way::HoldRelease | Way::Void | Way::Refund => {}
    }
    let own = operation.fees.iter().filter(|fee| fee.kind != FeeKind::AcquiringReturned);
    let own: Vec<_> = own.cloned().collect();
    entry::fees_of(draft, &own, about)
}

/// What a payment is whose outcome was unknown, once it is certain that it was not undone.
fn stands(ledger: &Ledger) -> SaleOutcome {
    if ledger.hold.is_some() { SaleOutcome::Held } else { SaleOutcome::Good }
}

/// The payment was made when its completion was heard to be done; its business day and fee came with the completion.
fn capture(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let missing = || Rejection::Invalid("ledger: a completion without what it captures".to_owned());
    let capture = operation.capture.as_ref().ok_or_else(missing)?;
    let sale = &mut draft.ledger.sale;
    sale.captured = operation.amount.clone();
    sale.fee_charged = capture.fee_charged.clone();
    sale.business_day = capture.business_day;
    sale.paid_at = at;
    Ok(())
}

/// The business day stays that of the completion: a hold belongs to none until it is completed again.
fn give_back_to_hold(ledger: &mut Ledger) {
    let Some(hold) = &ledger.hold else { return };
    let sale = &mut ledger.sale;
    sale.captured = hold.authorised.clone();
    sale.fee_charged = hold.authorised.zero_like();
    sale.paid_at = hold.authorised_at;
    // What was closed, settled and paid out was the completion.
    let status = &mut ledger.status;
    (status.batch_closed_at, status.settled_at, status.paid_out_at) = (None, None, None);
}
