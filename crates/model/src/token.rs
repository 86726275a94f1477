//! The words of the vocabulary as programs see them: the kebab-case names of the WIT.

use crate::{
    Account, AuthenticationMethod, CardType, CaseState, Channel, EventKind, Executor, FeeKind, FundingBasis,
    IdentityKind, LiabilityCause, LiabilityState, OperationState, OrderState, Outcome, Party, Presenter, RefundState,
    SaleOutcome, SettlementMode, Side, Trouble, Way,
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
    SaleOutcome {
        Good "good", Unknown "unknown", Declined "declined", Failed "failed", Reversed "reversed", Unpaid "unpaid",
        Cancelled "cancelled", Expired "expired", Held "held", Released "released", Lapsed "lapsed",
    }
    Way {
        Void "void", Refund "refund", Reversal "reversal", OrderClose "order-close", HoldRelease "hold-release",
        HoldCompletion "hold-completion", CompletionVoid "completion-void",
    }
    Presenter { Merchant "merchant", Payer "payer", }
    Trouble {
        NoAnswer "no-answer", Declined "declined", HardwareFault "hardware-fault", SoftwareFault "software-fault",
        PrinterFault "printer-fault", Unauthorised "unauthorised",
    }
    IdentityKind {
        CardPresented "card-presented", PinVerified "pin-verified", CustomerConfirmed "customer-confirmed",
    }
    AuthenticationMethod { Pin "pin", Signature "signature", }
    FundingBasis { SameDayIncome "same-day-income", Prefunded "prefunded", }
    CaseState {
        Open "open", Assigned "assigned", Granted "granted", Refused "refused", Consumed "consumed", Expired "expired",
    }
    OrderState { Proposed "proposed", Confirmed "confirmed", Expired "expired", }
    LiabilityCause { OverReturned "over-returned", RefundFailed "refund-failed", RefundReturned "refund-returned", }
    LiabilityState { Open "open", Settled "settled", Agreed "agreed", WrittenOff "written-off", }
    Account {
        Customer "customer", Merchant "merchant", Acquirer "acquirer", AcquiringFees "acquiring-fees",
        OperationFees "operation-fees", LateFees "late-fees", CouponSponsor "coupon-sponsor",
        Liabilities "liabilities",
    }
    Side { Debit "debit", Credit "credit", }
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
        RefundInformationAsked "refund.information-asked", RefundInformationGiven "refund.information-given",
        RefundTraceRequested "refund.trace-requested", RefundTraceAnswered "refund.trace-answered",
        RefundReturned "refund.returned", SaleTrouble "sale.trouble", SaleLateAnswer "sale.late-answer",
        SaleAttention "sale.attention",
        CodeCreated "code.created", CodeScanned "code.scanned", CodeExpired "code.expired",
        HoldAuthorised "hold.authorised", HoldLapsed "hold.lapsed",
        OperationAuthorised "operation.authorised", OperationSent "operation.sent", OperationDone "operation.done",
        OperationFailed "operation.failed", OperationUnknown "operation.unknown",
        OperationAttention "operation.attention", OperationResolved "operation.resolved",
        CaseOpened "case.opened", CaseAssigned "case.assigned", CaseGranted "case.granted",
        CaseRefused "case.refused", CaseConsumed "case.consumed", CaseExpired "case.expired",
        OrderProposed "order.proposed", OrderConfirmed "order.confirmed", OrderExpired "order.expired",
        LiabilityOpened "liability.opened", LiabilityEnded "liability.ended", DataErased "data.erased",
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
