//! What a ledger amounts to: how much is spoken for, how much is left.

use crate::money::MoneyError;
use crate::{
    Account, FeeKind, Instant, Ledger, Money, Operation, OperationState, Posting, RefundState, SaleOutcome, Side,
    VoidOperation, Way,
};

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
        Self { authentication: None, identity: None, grant: None, order: None, decision: None }
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
                standing.coupon_returned = standing.coupon_returned.plus(&coupon_of_void(ledger, void)?)?;
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

/// The coupon's part of a void: what went to the sponsor if it is done; if it is under way, what was promised when it was
/// authorised, which is all that the sponsor had not got back by then. What the network gave back since is no part of it.
/// Nothing for one that failed.
///
/// # Errors
/// If the ledger's amounts are out of range: it is then damaged.
pub fn coupon_of_void(ledger: &Ledger, void: &VoidOperation) -> Result<Money, MoneyError> {
    let postings = |what: Option<&str>, about: Option<&str>| -> i128 {
        let entries = ledger.entries.iter().filter(|entry| what.is_none_or(|what| entry.what == what));
        let entries = entries.filter(|entry| about.is_none() || entry.about.as_deref() == about);
        let lines = entries.flat_map(|entry| &entry.postings).filter(|line| line.account == Account::CouponSponsor);
        lines.map(signed).fold(0, i128::saturating_add)
    };
    let id = void.id.as_str();
    let minor = match void.state {
        OperationState::Failed => 0,
        OperationState::Done => postings(Some("void"), Some(id)).saturating_neg(),
        OperationState::Authorised | OperationState::Sent | OperationState::Unknown => {
            postings(None, None).saturating_sub(coupons_returned_since(ledger, void)).clamp(0, void.amount.minor.into())
        }
    };
    Money::new(i64::try_from(minor).unwrap_or(i64::MAX), &ledger.sale.captured.currency)
}

/// The coupons of the refunds that came back while a void was under way. A void takes all that was left when it was
/// authorised, so by how much more is left now tells which of the returns, the newest first, came since.
fn coupons_returned_since(ledger: &Ledger, void: &VoidOperation) -> i128 {
    let is_back = |id: &crate::RefundId| ledger.returns.iter().any(|back| back.refund == *id);
    let cleared = ledger.refunds.iter().filter(|refund| refund.state == RefundState::Cleared && !is_back(&refund.id));
    let cleared = cleared.map(|refund| i128::from(refund.request.amount.minor));
    let voided = ledger.voids.iter().filter(|other| other.state == OperationState::Done);
    let voided = voided.map(|other| i128::from(other.amount.minor));
    let taken = cleared.chain(voided).fold(i128::from(void.amount.minor), i128::saturating_add);
    let mut more = i128::from(ledger.sale.captured.minor).saturating_sub(taken);
    let mut coupons = 0_i128;
    for back in ledger.returns.iter().rev() {
        if more <= 0 {
            break;
        }
        more = more.saturating_sub(back.amount.minor.into());
        let refund = ledger.refunds.iter().find(|refund| refund.id == back.refund);
        let coupon = refund.and_then(|refund| refund.coupon.as_ref()).map_or(0, |coupon| coupon.minor);
        coupons = coupons.saturating_add(coupon.into());
    }
    coupons
}

fn signed(line: &Posting) -> i128 {
    let minor = i128::from(line.amount.minor);
    match line.side {
        Side::Debit => minor,
        Side::Credit => minor.saturating_neg(),
    }
}
