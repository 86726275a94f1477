//! Every limit of a ledger, with its reason.

use rescind_model::Duration;

/// Voids, refunds and other operations of one sale. WeChat Pay, the most generous network in the packs, takes 50 partial refunds; the rest
/// is for voids and failed attempts.
pub const OPERATIONS: usize = 64;

/// Events of one sale. Its history is one value in storage, read and written whole. A new operation is refused unless
/// every open one keeps room for all events it may still need, so no report is ever refused for want of it.
pub const EVENTS: u64 = 1_024;

/// Events of erasures beyond [`EVENTS`]: personal data can be erased, and that be told, when a history is full. One event
/// names [`ERASED_PER_EVENT`] commitments.
pub const ERASURE_EVENTS: u64 = 64;

/// Commitments one event of an erasure names: as many as fit its text.
pub const ERASED_PER_EVENT: usize = 7;

/// Commitments one command declares erased. More take another command.
pub const ERASED: usize = 64;

/// Referrals of one sale. Each was asked for by a person; who needs more is looking for another answer.
pub const CASES: usize = 32;

/// Rules a referral lifts: no policy has more that can refer one way.
pub const RULES: usize = 32;

/// Legal orders of one sale. Each that ends by time or whose void fails may be followed by another.
pub const ORDERS: usize = 16;

/// Questions of reviewers about one refund.
pub const INQUIRIES: usize = 16;

/// Liabilities that persons may record for one sale, besides those that failures and returns open by themselves.
pub const LIABILITIES: usize = 64;

/// Approvals a plan may demand and a refund may hold. More people than that are a meeting, not a control.
pub const APPROVALS: usize = 16;

/// Pieces of evidence of one refund.
pub const EVIDENCE: usize = 16;

/// Roles in a plan or in one of its escalations.
pub const ROLES: usize = 16;

/// Escalations of a plan. Each costs one event.
pub const ESCALATIONS: usize = 8;

/// Fees of one operation: one per kind and payer, with room to spare.
pub const FEES: usize = 16;

/// Free texts, in bytes: notes, reasons, what a provider said.
pub const TEXT_BYTES: usize = 500;

/// The reference for the provider, in bytes. The networks take 32 to 64; the adapter knows its own.
pub const REFERENCE_BYTES: usize = 128;

/// Seconds to wait before each query of an unknown outcome, and by their number how many there are
/// (UnionPay: at most 6, at 1, 2, 4, 8, 16, 32 s).
pub const QUERY_SECONDS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// Waits in a network's own schedule of queries. UnionPay's has 6.
pub const SCHEDULE: usize = 32;

/// How often an unknown refund is asked for after the schedule: rarely enough for any network, often enough that a late
/// answer is found within a working session.
pub const LATE_QUERY_EVERY: Duration = Duration { ms: 600_000 };

/// The longest wait between two reversals of a void or sale. The shortest is 2 s; it doubles.
pub const REVERSAL_WAIT_AT_MOST: Duration = Duration { ms: 600_000 };

/// Reversals in vain after which a person is asked to look (about 17 minutes). They go on being sent.
pub const REVERSALS_BEFORE_ATTENTION: u32 = 10;

/// How long an answer to something that was sent may take before the courier looks after it. An adapter's own timeout has
/// to be shorter, or a slow answer is overtaken.
pub const ANSWER_WITHIN: Duration = Duration { ms: 30_000 };

/// How long a terminal may say nothing about an operation it carries out, before a person is asked to look. It may have
/// lost its link for a while; it stores and forwards.
pub const TERMINAL_REPORTS_WITHIN: Duration = Duration { ms: 600_000 };

/// How long nobody may know whether a payment took place, and nobody undo it, before a person is asked to look. Whoever
/// stood at the till has reported the trouble by then, or has gone.
pub const DOUBT_WITHIN: Duration = Duration { ms: 600_000 };

/// How long an approved refund may wait for the merchant's funds, before a person is asked to look: a week, so that a
/// merchant that sells on some days only has had one of them. It goes on waiting.
pub const FUNDS_WITHIN: Duration = Duration { ms: 604_800_000 };
