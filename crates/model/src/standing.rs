//! What a ledger amounts to: how much is spoken for, how much is left.

use crate::money::MoneyError;
use crate::{FeeKind, Instant, Ledger, Money, Operation, OperationState, RefundState, SaleOutcome, Way};

/// Sums over one ledger, all in the sale's currency.
///
/// INVARIANT (*conservation*, `DOMAIN.md` §10): `cleared + voided + reversed + reserved <= captured`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Refunded for good, without what the network gave back.
    pub cleared: Money,
    /// Voided for good.
    pub voided: Money,
    /// Reversed for good.
    pub reversed: Money,
    /// Reserved by operations that have not ended.
    pub reserved: Money,
    /// Captured and not spoken for. Nothing, where nothing was captured: of an unpaid code, an open hold, a declined sale.
    pub left: Money,
    /// Whether a void is under way.
    pub void_open: bool,
    /// Refunds that may have reached the provider.
    pub refunds_sent: u32,
    /// Refunds that cleared, are under way or wait.
    pub refunds_counted: u32,
    /// When the newest refund was submitted.
    pub last_refund_at: Option<Instant>,
    /// Acquiring fee given back by whatever took place or holds a reservation.
    pub fee_returned: Money,
    /// The part that went to the coupon's sponsor, or is reserved to.
    pub coupon_returned: Money,
    /// Whether a reversal, order close or operation on a hold is under way.
    pub operation_open: bool,
    /// Sum of refunds asked for and not ended without money.
    pub requested: Money,
}

impl crate::Grounds {
    /// Nothing besides the policy.
    #[must_use]
    pub fn none() -> Self {
        Self { authentication: None, identity: None, grant: None, order: None }
    }
}

impl RefundState {
    /// Whether the refund still holds its reservation.
    #[must_use]
    pub fn holds_reservation(self) -> bool {
        matches!(
            self,
            Self::Submitted
                | Self::InReview
                | Self::NeedsInformation
                | Self::Approved
                | Self::Queued
                | Self::Clearing
                | Self::Unknown
        )
    }

    /// Whether nothing more can happen to it. A failed refund can be retried.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cleared | Self::Declined | Self::Withdrawn | Self::Expired)
    }
}

impl OperationState {
    /// Whether the operation still holds its reservation.
    #[must_use]
    pub fn holds_reservation(self) -> bool {
        matches!(self, Self::Authorised | Self::Sent | Self::Unknown)
    }
}

impl Operation {
    /// Whether it takes back what was captured, or may have been. What is done to an open hold does not.
    #[must_use]
    pub fn undoes_capture(&self) -> bool {
        matches!(self.kind, Way::Reversal | Way::OrderClose | Way::CompletionVoid)
    }
}

impl SaleOutcome {
    /// Whether the payer's money was captured, or nobody knows that it was not.
    #[must_use]
    pub fn may_be_captured(self) -> bool {
        matches!(self, Self::Good | Self::Unknown)
    }
}

impl Standing {
    /// Sums up a ledger.
    ///
    /// # Errors
    /// If the ledger holds amounts of another currency or more than was captured: it is then damaged.
    pub fn of(ledger: &Ledger) -> Result<Self, MoneyError> {
        let zero = ledger.sale.captured.zero_like();
        let mut standing = Self {
            cleared: zero.clone(),
            voided: zero.clone(),
            reversed: zero.clone(),
            reserved: zero.clone(),
            left: zero.clone(),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: zero.clone(),
            coupon_returned: zero.clone(),
            operation_open: ledger.operations.iter().any(|operation| operation.state.holds_reservation()),
            requested: zero,
        };
        let outcome = ledger.status.outcome;
        for operation in ledger.operations.iter().filter(|operation| operation.undoes_capture()) {
            // What is done to a hold or an unpaid code moves no captured money.
            if operation.state.holds_reservation() && outcome.may_be_captured() {
                standing.reserved = standing.reserved.plus(&operation.amount)?;
                standing.add_returned_fees(&operation.fees)?;
            }
            // After the void of a completion nothing is charged any more, and so nothing was given back.
            if operation.state == OperationState::Done && outcome == SaleOutcome::Reversed {
                standing.add_returned_fees(&operation.fees)?;
            }
        }
        if outcome == SaleOutcome::Reversed {
            standing.reversed = ledger.sale.captured.clone();
        }
        for void in &ledger.voids {
            let holds = void.state.holds_reservation();
            if holds {
                standing.reserved = standing.reserved.plus(&void.amount)?;
                standing.void_open = true;
            } else if void.state == OperationState::Done {
                standing.voided = standing.voided.plus(&void.amount)?;
            }
            if holds || void.state == OperationState::Done {
                standing.add_returned_fees(&void.fees)?;
            }
        }
        for refund in &ledger.refunds {
            let holds = refund.state.holds_reservation();
            let returned = ledger.returns.iter().any(|back| back.refund == refund.id);
            let cleared = refund.state == RefundState::Cleared && !returned;
            if holds {
                standing.reserved = standing.reserved.plus(&refund.request.amount)?;
            } else if cleared {
                standing.cleared = standing.cleared.plus(&refund.request.amount)?;
            }
            if holds || cleared {
                standing.requested = standing.requested.plus(&refund.request.amount)?;
                standing.refunds_counted = standing.refunds_counted.saturating_add(1);
                standing.add_returned_fees(&refund.fees)?;
                if let Some(coupon) = &refund.coupon {
                    standing.coupon_returned = standing.coupon_returned.plus(coupon)?;
                }
            }
            // A failed one was sent too: the network has seen a refund of this sale.
            if refund.attempts > 0 {
                standing.refunds_sent = standing.refunds_sent.saturating_add(1);
            }
            standing.last_refund_at = standing.last_refund_at.max(Some(refund.submitted_at));
        }
        let spoken_for = standing.cleared.plus(&standing.voided)?.plus(&standing.reversed)?.plus(&standing.reserved)?;
        let left = ledger.sale.captured.minus(&spoken_for)?;
        if outcome.may_be_captured() {
            standing.left = left;
        }
        Ok(standing)
    }

    fn add_returned_fees(&mut self, fees: &[crate::Fee]) -> Result<(), MoneyError> {
        for fee in fees.iter().filter(|f| f.kind == FeeKind::AcquiringReturned) {
            self.fee_returned = self.fee_returned.plus(&fee.amount)?;
        }
        Ok(())
    }
}
