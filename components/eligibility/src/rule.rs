//! The ids of all rules. Stable: programs depend on them.

/// The sale must be known to be good.
pub const SALE_OUTCOME: &str = "sale.outcome";

/// There must be voids.
pub const VOID_ENABLED: &str = "void.enabled";
/// No other void of the sale may be under way.
pub const VOID_IN_PROGRESS: &str = "void.in-progress";
/// The sale must not have been voided.
pub const VOID_ALREADY_VOIDED: &str = "void.already-voided";
/// No refund may have reached the provider.
pub const VOID_AFTER_REFUND: &str = "void.after-refund";
/// Nothing of the sale may be spoken for: a void takes all of it.
pub const VOID_BALANCE: &str = "void.balance";
/// A void must equal the sale.
pub const VOID_AMOUNT: &str = "void.amount";
/// The sale must be within the amounts that can be voided.
pub const VOID_AMOUNT_LIMIT: &str = "void.amount-limit";
/// The money must not have been paid out.
pub const VOID_PAID_OUT: &str = "void.paid-out";
/// The sale must not have been settled.
pub const VOID_SETTLED: &str = "void.settled";
/// The terminal batch must be open.
pub const VOID_BATCH: &str = "void.batch";
/// It must be the business day of the sale.
pub const VOID_BUSINESS_DAY: &str = "void.business-day";
/// It must be the calendar day of the sale.
pub const VOID_CALENDAR_DAY: &str = "void.calendar-day";
/// Some time must have passed since the payment.
pub const VOID_MINIMUM_WAIT: &str = "void.minimum-wait";
/// Not too much time may have passed since the payment.
pub const VOID_WINDOW: &str = "void.window";
/// Not too many voids in the business day.
pub const VOID_COUNT: &str = "void.count";
/// The operator must hold a role.
pub const VOID_OPERATOR_ROLE: &str = "void.operator-role";
/// A reason from the list must be chosen.
pub const VOID_REASON: &str = "void.reason";

/// There must be refunds.
pub const REFUND_ENABLED: &str = "refund.enabled";
/// No void of the sale may be under way.
pub const REFUND_VOID_OPEN: &str = "refund.void-open";
/// Not more than what is left.
pub const REFUND_BALANCE: &str = "refund.balance";
/// The kind of sale must be refundable.
pub const REFUND_KIND: &str = "refund.kind";
/// Sales paid out in real time may not be refundable.
pub const REFUND_REAL_TIME: &str = "refund.real-time";
/// Not in the business day of the sale.
pub const REFUND_SAME_DAY: &str = "refund.same-day";
/// Not too long after the payment.
pub const REFUND_WINDOW: &str = "refund.window";
/// The whole sale, where parts are not refundable.
pub const REFUND_PARTIAL: &str = "refund.partial";
/// Not too many refunds of one sale.
pub const REFUND_COUNT: &str = "refund.count";
/// Some time must have passed since the last refund.
pub const REFUND_SPACING: &str = "refund.spacing";
/// Between the smallest and the largest refund.
pub const REFUND_AMOUNT_LIMIT: &str = "refund.amount-limit";
/// A reason from the list must be chosen.
pub const REFUND_REASON: &str = "refund.reason";
/// Evidence must be given.
pub const REFUND_EVIDENCE: &str = "refund.evidence";

/// A legal order: there must be some.
pub const LEGAL_ENABLED: &str = "legal.enabled";
/// A legal order: the person must hold a role.
pub const LEGAL_ROLE: &str = "legal.role";

/// A sale that came from a hold is not voided: its completion is.
pub const VOID_HOLD_COMPLETION: &str = "void.hold-completion";
/// No operation on the payment may be under way.
pub const VOID_OPERATION_OPEN: &str = "void.operation-open";
/// The kind of prepaid sale must be cancellable.
pub const VOID_KIND_NOT_CANCELLABLE: &str = "void.kind-not-cancellable";
/// Nothing of a prepaid sale may have to be kept: a void takes all of it.
pub const VOID_PENALTY: &str = "void.penalty";
/// The operator must have proved who they are, freshly, for this void.
pub const VOID_AUTHENTICATION: &str = "void.authentication";
/// The customer must have proved to be the payer.
pub const VOID_IDENTITY: &str = "void.identity";

/// No operation on the payment may be under way.
pub const REFUND_OPERATION_OPEN: &str = "refund.operation-open";
/// The kind of prepaid sale must be cancellable.
pub const REFUND_KIND_NOT_CANCELLABLE: &str = "refund.kind-not-cancellable";
/// The penalty of a prepaid sale is kept.
pub const REFUND_PENALTY: &str = "refund.penalty";
/// The operator must have proved who they are, freshly, for this refund.
pub const REFUND_AUTHENTICATION: &str = "refund.authentication";
/// The customer must have proved to be the payer.
pub const REFUND_IDENTITY: &str = "refund.identity";

/// There must be reversals.
pub const REVERSAL_ENABLED: &str = "reversal.enabled";
/// The outcome of the payment must be unknown: another way takes back what is known.
pub const REVERSAL_OUTCOME: &str = "reversal.outcome";
/// Something must have been taken, perhaps.
pub const REVERSAL_NOTHING: &str = "reversal.nothing-to-reverse";
/// Nothing else may be under way.
pub const REVERSAL_IN_PROGRESS: &str = "reversal.in-progress";
/// A reversal must equal the payment.
pub const REVERSAL_AMOUNT: &str = "reversal.amount";
/// Some time must have passed since the payment.
pub const REVERSAL_MINIMUM_WAIT: &str = "reversal.minimum-wait";
/// Not too much time may have passed since the payment.
pub const REVERSAL_WINDOW: &str = "reversal.window";

/// There must be payment codes.
pub const ORDER_CLOSE_ENABLED: &str = "order-close.enabled";
/// The payment must have begun as a code.
pub const ORDER_CLOSE_NO_CODE: &str = "order-close.no-code";
/// Nothing else may be under way.
pub const ORDER_CLOSE_IN_PROGRESS: &str = "order-close.in-progress";
/// An order is closed as a whole.
pub const ORDER_CLOSE_AMOUNT: &str = "order-close.amount";
/// Nobody may have scanned the code.
pub const ORDER_CLOSE_SCANNED: &str = "order-close.scanned";
/// The code's time may not have run out.
pub const ORDER_CLOSE_EXPIRED: &str = "order-close.expired";
/// Nobody may have paid.
pub const ORDER_CLOSE_PAID: &str = "order-close.paid";
/// The order must still be open.
pub const ORDER_CLOSE_OUTCOME: &str = "order-close.outcome";

/// There must be holds.
pub const HOLD_RELEASE_ENABLED: &str = "hold-release.enabled";
/// The payment must have begun as a hold.
pub const HOLD_RELEASE_NO_HOLD: &str = "hold-release.no-hold";
/// The money must be held.
pub const HOLD_RELEASE_OUTCOME: &str = "hold-release.outcome";
/// Nothing else may be under way.
pub const HOLD_RELEASE_IN_PROGRESS: &str = "hold-release.in-progress";
/// A hold is released as a whole.
pub const HOLD_RELEASE_AMOUNT: &str = "hold-release.amount";
/// The operator must hold a role.
pub const HOLD_RELEASE_OPERATOR_ROLE: &str = "hold-release.operator-role";
/// The operator must have proved who they are, freshly, for this release.
pub const HOLD_RELEASE_AUTHENTICATION: &str = "hold-release.authentication";

/// There must be holds.
pub const HOLD_COMPLETION_ENABLED: &str = "hold-completion.enabled";
/// The payment must have begun as a hold.
pub const HOLD_COMPLETION_NO_HOLD: &str = "hold-completion.no-hold";
/// The money must be held.
pub const HOLD_COMPLETION_OUTCOME: &str = "hold-completion.outcome";
/// Nothing else may be under way.
pub const HOLD_COMPLETION_IN_PROGRESS: &str = "hold-completion.in-progress";
/// The hold must be valid.
pub const HOLD_COMPLETION_VALIDITY: &str = "hold-completion.validity";
/// Not more than the hold's ceiling.
pub const HOLD_COMPLETION_CEILING: &str = "hold-completion.ceiling";
/// Not more than the policy lets be kept.
pub const HOLD_COMPLETION_PENALTY: &str = "hold-completion.penalty";
/// The operator must hold a role.
pub const HOLD_COMPLETION_OPERATOR_ROLE: &str = "hold-completion.operator-role";
/// The operator must have proved who they are, freshly, for this completion.
pub const HOLD_COMPLETION_AUTHENTICATION: &str = "hold-completion.authentication";

/// Completions must be voidable.
pub const COMPLETION_VOID_ENABLED: &str = "completion-void.enabled";
/// The payment must have begun as a hold.
pub const COMPLETION_VOID_NO_HOLD: &str = "completion-void.no-hold";
/// The hold must have been completed.
pub const COMPLETION_VOID_OUTCOME: &str = "completion-void.outcome";
/// Nothing else may be under way.
pub const COMPLETION_VOID_IN_PROGRESS: &str = "completion-void.in-progress";
/// No refund may have reached the provider.
pub const COMPLETION_VOID_AFTER_REFUND: &str = "completion-void.after-refund";
/// Nothing of it may be spoken for: it is voided as a whole.
pub const COMPLETION_VOID_BALANCE: &str = "completion-void.balance";
/// The void must equal the completion.
pub const COMPLETION_VOID_AMOUNT: &str = "completion-void.amount";
/// The completion must not have been settled.
pub const COMPLETION_VOID_SETTLED: &str = "completion-void.settled";
/// Not too much time may have passed since the completion.
pub const COMPLETION_VOID_WINDOW: &str = "completion-void.window";
/// The operator must hold a role.
pub const COMPLETION_VOID_OPERATOR_ROLE: &str = "completion-void.operator-role";
/// The operator must have proved who they are, freshly, for this very void.
pub const COMPLETION_VOID_AUTHENTICATION: &str = "completion-void.authentication";

/// The policy must be in force.
pub const POLICY_EFFECTIVE: &str = "policy.effective";
/// The kind of sale must be voidable.
pub const VOID_KIND: &str = "void.kind";
/// Evidence must be given.
pub const VOID_EVIDENCE: &str = "void.evidence";
/// Some time must have passed since the payment.
pub const REFUND_MINIMUM_WAIT: &str = "refund.minimum-wait";
/// Not too many refunds in a time, over all sales of whoever is counted.
pub const REFUND_TALLY: &str = "refund.tally";

/// A terminal alone: the policy must say how far it goes.
pub const OFFLINE_ENABLED: &str = "offline.enabled";
/// A terminal alone: the policy must permit this way.
pub const OFFLINE_WAY: &str = "offline.way";
/// A terminal alone: not too large an operation.
pub const OFFLINE_AMOUNT: &str = "offline.amount";
/// A terminal alone: not too much in all since it last heard from the server.
pub const OFFLINE_TOTAL: &str = "offline.total";
/// A terminal alone: not too many operations since it last heard from the server.
pub const OFFLINE_COUNT: &str = "offline.count";
/// A terminal alone: not too many records that the server has not acknowledged.
pub const OFFLINE_RECORDS: &str = "offline.records";
/// A terminal alone: it must have heard from the server not too long ago.
pub const OFFLINE_CONTACT: &str = "offline.contact";
/// A terminal alone: its bundle must not be too old.
pub const OFFLINE_BUNDLE: &str = "offline.bundle";
/// A terminal alone: its clock must be good enough for every limit in time that decides.
pub const OFFLINE_CLOCK: &str = "offline.clock";
/// A terminal alone: nothing may decide that only the server knows.
pub const OFFLINE_UNKNOWN: &str = "offline.unknown";

/// A variant was tried: it applies if it matches.
pub const POLICY_VARIANT: &str = "policy.variant";
/// The operation has a price.
pub const VOID_OPERATION_FEE: &str = "void.operation-fee";
/// The acquiring fee comes back.
pub const VOID_ACQUIRING_FEE: &str = "void.acquiring-fee";
/// An arrival estimate was tried: it applies if it is the first that matches.
pub const VOID_ARRIVAL: &str = "void.arrival";
/// The operation has a price.
pub const REFUND_OPERATION_FEE: &str = "refund.operation-fee";
/// Asking late has a price.
pub const REFUND_LATE_FEE: &str = "refund.late-fee";
/// Something of the acquiring fee comes back.
pub const REFUND_ACQUIRING_FEE: &str = "refund.acquiring-fee";
/// Something of a coupon goes back to its sponsor.
pub const REFUND_COUPON: &str = "refund.coupon";
/// An approval tier was tried: it applies if it is the first that is high enough.
pub const REFUND_TIER: &str = "refund.tier";
/// An arrival estimate was tried: it applies if it is the first that matches.
pub const REFUND_ARRIVAL: &str = "refund.arrival";
/// A step of a penalty schedule was tried: it applies if it is the first in force.
pub const PREPAID_PENALTY: &str = "prepaid.penalty";
/// A charge was tried: it applies if it is the first that matches.
pub const SALE_CHARGE: &str = "sale.charge";

/// Every rule, for whoever has to have words for each of them.
pub const ALL: [&str; 101] = [
    POLICY_EFFECTIVE,
    VOID_KIND,
    VOID_EVIDENCE,
    REFUND_MINIMUM_WAIT,
    REFUND_TALLY,
    OFFLINE_ENABLED,
    OFFLINE_WAY,
    OFFLINE_AMOUNT,
    OFFLINE_TOTAL,
    OFFLINE_COUNT,
    OFFLINE_RECORDS,
    OFFLINE_CONTACT,
    OFFLINE_BUNDLE,
    OFFLINE_CLOCK,
    OFFLINE_UNKNOWN,
    SALE_OUTCOME,
    VOID_ENABLED,
    VOID_IN_PROGRESS,
    VOID_ALREADY_VOIDED,
    VOID_AFTER_REFUND,
    VOID_BALANCE,
    VOID_AMOUNT,
    VOID_AMOUNT_LIMIT,
    VOID_PAID_OUT,
    VOID_SETTLED,
    VOID_BATCH,
    VOID_BUSINESS_DAY,
    VOID_CALENDAR_DAY,
    VOID_MINIMUM_WAIT,
    VOID_WINDOW,
    VOID_COUNT,
    VOID_OPERATOR_ROLE,
    VOID_REASON,
    REFUND_ENABLED,
    REFUND_VOID_OPEN,
    REFUND_BALANCE,
    REFUND_KIND,
    REFUND_REAL_TIME,
    REFUND_SAME_DAY,
    REFUND_WINDOW,
    REFUND_PARTIAL,
    REFUND_COUNT,
    REFUND_SPACING,
    REFUND_AMOUNT_LIMIT,
    REFUND_REASON,
    REFUND_EVIDENCE,
    LEGAL_ENABLED,
    LEGAL_ROLE,
    VOID_HOLD_COMPLETION,
    VOID_OPERATION_OPEN,
    VOID_KIND_NOT_CANCELLABLE,
    VOID_PENALTY,
    VOID_AUTHENTICATION,
    VOID_IDENTITY,
    REFUND_OPERATION_OPEN,
    REFUND_KIND_NOT_CANCELLABLE,
    REFUND_PENALTY,
    REFUND_AUTHENTICATION,
    REFUND_IDENTITY,
    REVERSAL_ENABLED,
    REVERSAL_OUTCOME,
    REVERSAL_NOTHING,
    REVERSAL_IN_PROGRESS,
    REVERSAL_AMOUNT,
    REVERSAL_MINIMUM_WAIT,
    REVERSAL_WINDOW,
    ORDER_CLOSE_ENABLED,
    ORDER_CLOSE_NO_CODE,
    ORDER_CLOSE_IN_PROGRESS,
    ORDER_CLOSE_AMOUNT,
    ORDER_CLOSE_SCANNED,
    ORDER_CLOSE_EXPIRED,
    ORDER_CLOSE_PAID,
    ORDER_CLOSE_OUTCOME,
    HOLD_RELEASE_ENABLED,
    HOLD_RELEASE_NO_HOLD,
    HOLD_RELEASE_OUTCOME,
    HOLD_RELEASE_IN_PROGRESS,
    HOLD_RELEASE_AMOUNT,
    HOLD_RELEASE_OPERATOR_ROLE,
    HOLD_RELEASE_AUTHENTICATION,
    HOLD_COMPLETION_ENABLED,
    HOLD_COMPLETION_NO_HOLD,
    HOLD_COMPLETION_OUTCOME,
    HOLD_COMPLETION_IN_PROGRESS,
    HOLD_COMPLETION_VALIDITY,
    HOLD_COMPLETION_CEILING,
    HOLD_COMPLETION_PENALTY,
    HOLD_COMPLETION_OPERATOR_ROLE,
    HOLD_COMPLETION_AUTHENTICATION,
    COMPLETION_VOID_ENABLED,
    COMPLETION_VOID_NO_HOLD,
    COMPLETION_VOID_OUTCOME,
    COMPLETION_VOID_IN_PROGRESS,
    COMPLETION_VOID_AFTER_REFUND,
    COMPLETION_VOID_BALANCE,
    COMPLETION_VOID_AMOUNT,
    COMPLETION_VOID_SETTLED,
    COMPLETION_VOID_WINDOW,
    COMPLETION_VOID_OPERATOR_ROLE,
    COMPLETION_VOID_AUTHENTICATION,
];

/// Rules that never stand in the way: they say what comes with an operation, and are named by explanations only.
pub const TERMS: [&str; 12] = [
    POLICY_VARIANT,
    VOID_OPERATION_FEE,
    VOID_ACQUIRING_FEE,
    VOID_ARRIVAL,
    REFUND_OPERATION_FEE,
    REFUND_LATE_FEE,
    REFUND_ACQUIRING_FEE,
    REFUND_COUPON,
    REFUND_TIER,
    REFUND_ARRIVAL,
    PREPAID_PENALTY,
    SALE_CHARGE,
];
