//! The words of the vocabulary as programs see them: the kebab-case names of the WIT.

use crate::{
    CardType, Channel, EventKind, Executor, FeeKind, OperationState, Outcome, Party, RefundState, SaleOutcome,
    SettlementMode, Way,
};

/// A vocabulary with one token per value.
pub trait Token: Sized + Copy + PartialEq + 'static {
    /// All values with their tokens.
    const ALL: &'static [(Self, &'static str)];

    /// The token of this value.
    fn token(self) -> &'static str {
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, token)| token)
    }

    /// The value of a token.
    fn from_token(token: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t)| *t == token).map(|(value, _)| *value)
    }
}

macro_rules! tokens {
    ($($name:ident { $($value:ident $token:literal,)* })*) => {$(
        impl Token for $name {
            const ALL: &'static [(Self, &'static str)] = &[$(($name::$value, $token),)*];
        }
    )*};
}

tokens! {
    Channel { Card "card", PaymentCode "payment-code", }
    CardType { Credit "credit", Debit "debit", Prepaid "prepaid", }
    SettlementMode { Ordinary "ordinary", RealTime "real-time", }
    SaleOutcome { Good "good", Unknown "unknown", Declined "declined", Failed "failed", }
    Way { Void "void", Refund "refund", Reversal "reversal", OrderClose "order-close", HoldRelease "hold-release", }
    Outcome { Allow "allow", Refer "refer", Deny "deny", }
    Executor { Terminal "terminal", Courier "courier", }
    Party { Merchant "merchant", Customer "customer", Acquirer "acquirer", }
    FeeKind { AcquiringReturned "acquiring-returned", Operation "operation", Late "late", }
    OperationState { Authorised "authorised", Sent "sent", Done "done", Failed "failed", Unknown "unknown", }
    RefundState {
        Submitted "submitted", InReview "in-review", NeedsInformation "needs-information", Approved "approved",
        Queued "queued", Clearing "clearing", Cleared "cleared", Declined "declined", Withdrawn "withdrawn",
        Expired "expired", Failed "failed", Unknown "unknown",
    }
    EventKind {
        SaleRegistered "sale.registered", SaleOutcomeKnown "sale.outcome-known",
        SaleBatchClosed "sale.batch-closed", SaleSettled "sale.settled", SalePaidOut "sale.paid-out",
        VoidAuthorised "void.authorised", VoidSent "void.sent", VoidDone "void.done", VoidFailed "void.failed",
        VoidUnknown "void.unknown", VoidReversing "void.reversing", VoidAttention "void.attention",
        RefundSubmitted "refund.submitted", RefundInReview "refund.in-review",
        RefundApprovalGiven "refund.approval-given", RefundApproved "refund.approved",
        RefundDeclined "refund.declined", RefundWithdrawn "refund.withdrawn", RefundExpired "refund.expired",
        RefundEscalated "refund.escalated", RefundQueued "refund.queued", RefundClearing "refund.clearing",
        RefundCleared "refund.cleared", RefundFailed "refund.failed", RefundUnknown "refund.unknown",
        RefundAttention "refund.attention", RefundRetried "refund.retried", RefundResolved "refund.resolved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_leads_back_to_its_value() {
        fn check<T: Token + core::fmt::Debug>() {
            for (value, token) in T::ALL {
                assert_eq!(T::from_token(token), Some(*value));
                assert_eq!(value.token(), *token);
            }
        }
        check::<EventKind>();
        check::<RefundState>();
        check::<OperationState>();
        check::<Way>();
        check::<Outcome>();
        check::<SaleOutcome>();
        assert_eq!(Way::from_token("nonsense"), None);
    }
}
