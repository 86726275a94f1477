//! Words that cross the border.

use super::words;

words! {
    Trouble {
        "no-answer" NoAnswer,
        "declined" Declined,
        "hardware-fault" HardwareFault,
        "software-fault" SoftwareFault,
        "printer-fault" PrinterFault,
        "unauthorised" Unauthorised,
    }
    Way {
        "void" Void,
        "refund" Refund,
        "reversal" Reversal,
        "order-close" OrderClose,
        "hold-release" HoldRelease,
        "hold-completion" HoldCompletion,
        "completion-void" CompletionVoid,
    }
    AuthenticationMethod {
        "pin" Pin,
        "signature" Signature,
    }
    IdentityKind {
        "card-presented" CardPresented,
        "pin-verified" PinVerified,
        "customer-confirmed" CustomerConfirmed,
    }
    Forwarding {
        "kept" Kept,
        "perhaps-sent" PerhapsSent,
        "forwarded" Forwarded,
    }
    Presenter {
        "merchant" Merchant,
        "payer" Payer,
    }
    CardType {
        "credit" Credit,
        "debit" Debit,
        "prepaid" Prepaid,
    }
    Channel {
        "card" Card,
        "payment-code" PaymentCode,
    }
    SettlementMode {
        "ordinary" Ordinary,
        "real-time" RealTime,
    }
    SaleOutcome {
        "good" Good,
        "unknown" Unknown,
        "declined" Declined,
        "failed" Failed,
        "reversed" Reversed,
        "unpaid" Unpaid,
        "cancelled" Cancelled,
        "expired" Expired,
        "held" Held,
        "released" Released,
        "lapsed" Lapsed,
    }
    Counted {
        "merchant-account" MerchantAccount,
        "payer-token" PayerToken,
        "operator" Operator,
        "terminal" Terminal,
    }
    Outcome {
        "allow" Allow,
        "refer" Refer,
        "deny" Deny,
    }
    FundingBasis {
        "same-day-income" SameDayIncome,
        "prefunded" Prefunded,
    }
    Executor {
        "terminal" Terminal,
        "courier" Courier,
    }
    OfflineEffect {
        "cancels-locally" CancelsLocally,
        "queued" Queued,
    }
    FeeKind {
        "acquiring-returned" AcquiringReturned,
        "operation" Operation,
        "late" Late,
    }
    Party {
        "merchant" Merchant,
        "customer" Customer,
        "acquirer" Acquirer,
    }
}
