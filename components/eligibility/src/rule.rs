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
