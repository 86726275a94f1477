//! The typed document: what a policy can say.
//!
//! INVARIANT: fields stand in alphabetical order of their written names, so that serializing a document gives its canonical
//! form without sorting (a test compares the two). Everything absent is a limit that does not exist or a demand that is not
//! made; whatever *grants* something must be written.

use crate::scalar::{Amount, CutOff, Rate, Span, UtcOffset};
use crate::word;
use rescind_model::{CardType, Channel, Counted, Executor, Party, Role};
use serde::{Deserialize, Serialize};

/// The newest version of the language, and the only one so far.
pub const FORMAT: u32 = 1;

/// One policy: the rules of one provider for one merchant's sales.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// The currency of every amount here, and of every sale this policy decides on: ISO 4217.
    pub currency: String,
    /// When a business day ends, in local time.
    pub cut_off: CutOff,
    /// The version of the language: [`FORMAT`].
    pub format: u32,
    /// The policy's name, such as `lakala`.
    pub name: String,
    /// What holds for refunds. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundRules>,
    /// Where the rules come from, for people.
    pub source: String,
    /// Local time, for the cut-off, calendar days and months.
    pub time_zone: UtcOffset,
    /// The author's version of this policy.
    pub version: String,
    /// What holds for voids. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<VoidRules>,
}

/// What a rule answers where the policy has the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// It does not stand in the way.
    Allow,
    /// Support decides on a case.
    Refer,
    /// It stands in the way.
    Deny,
}

/// What of the acquiring fee comes back to the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReturnedFee {
    /// All of it, with the operation that takes back the whole sale; nothing before.
    Full,
    /// `round half up(charged × taken back so far / captured)`, less what was given back before.
    Proportion,
    /// Nothing.
    Kept,
}

/// Whether something has to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Demand {
    /// It must be.
    Mandatory,
    /// It may be.
    Optional,
}

/// What "the same day" is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Same {
    /// The business day stamped on the payment.
    BusinessDay,
    /// The local calendar date of the payment.
    CalendarDay,
    /// The terminal batch of the payment, as long as it is open.
    OpenBatch,
}

/// What the amount that chooses an approval tier is the sum of. With both, the larger sum counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierBasis {
    /// Everything asked for on this sale, this refund included.
    Sale,
    /// Everything the requester asked for in this business day, this refund included.
    RequesterDay,
}

word::words! {
    Permission { Allow "allow", Refer "refer", Deny "deny", }
    ReturnedFee { Full "full", Proportion "proportion", Kept "kept", }
    Demand { Mandatory "mandatory", Optional "optional", }
    Same { BusinessDay "business-day", CalendarDay "calendar-day", OpenBatch "open-batch", }
    TierBasis { Sale "sale", RequesterDay "requester-day", }
}

/// What holds for voids. A void always cancels the whole sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VoidRules {
    /// What of the acquiring fee comes back.
    #[serde(with = "word")]
    pub acquiring_fee: ReturnedFee,
    /// Once a refund of the sale may have reached the provider.
    #[serde(with = "word")]
    pub after_refund: Permission,
    /// When the money arrives; the first that matches the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrival: Vec<ArrivalRule>,
    /// How many per business day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<CountLimit>,
    /// Whether there are voids at all at the moment.
    pub enabled: bool,
    /// Who carries it out.
    #[serde(with = "word")]
    pub executor: Executor,
    /// The largest sale that can be voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_amount: Option<Amount>,
    /// The smallest sale that can be voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_amount: Option<Amount>,
    /// How long after the payment at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_wait: Option<Span>,
    /// What the operation costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_fee: Option<FeeRule>,
    /// Who may operate it: any of these. Empty: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_roles: Vec<Role>,
    /// Once the money was paid out, or if it is paid out in real time.
    #[serde(with = "word")]
    pub paid_out: Permission,
    /// Whether a reason code must be chosen.
    #[serde(with = "word")]
    pub reason: Demand,
    /// The reason codes to choose from. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Only within the same of each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "word::list")]
    pub same: Vec<Same>,
    /// Whether a slip is printed.
    pub slip: bool,
    /// Only as long as the sale has not been settled.
    pub until_settlement: bool,
    /// Only this long after the payment: `[paid, paid + window)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
}

/// How many voids per business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CountLimit {
    /// What happens to the one after the last: `refer` or `deny`.
    #[serde(with = "word")]
    pub at_ceiling: Permission,
    /// Whose voids are counted.
    #[serde(with = "word")]
    pub counted: Counted,
    /// How many are allowed.
    pub per_business_day: u32,
}

/// What holds for refunds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RefundRules {
    /// What of the acquiring fee comes back.
    #[serde(with = "word")]
    pub acquiring_fee: ReturnedFee,
    /// When the money arrives; the first that matches the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrival: Vec<ArrivalRule>,
    /// Whether there are refunds at all at the moment.
    pub enabled: bool,
    /// Which evidence has to be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRule>,
    /// Who carries it out.
    #[serde(with = "word")]
    pub executor: Executor,
    /// Kinds of sale that cannot be refunded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds_not_refundable: Vec<String>,
    /// What asking late costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_fee: Option<LateFee>,
    /// The largest refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_amount: Option<Amount>,
    /// How many refunds one sale can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u32>,
    /// The smallest refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_amount: Option<Amount>,
    /// How long after the last refund of the same sale at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_spacing: Option<Span>,
    /// What the operation costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_fee: Option<FeeRule>,
    /// Whether less than the whole sale can be refunded.
    pub partial: bool,
    /// Sales whose money is paid out in real time.
    #[serde(with = "word")]
    pub real_time: Permission,
    /// Whether a reason code must be chosen.
    #[serde(with = "word")]
    pub reason: Demand,
    /// The reason codes to choose from. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// In the business day of the payment.
    #[serde(with = "word")]
    pub same_business_day: Permission,
    /// Whether a slip is printed.
    pub slip: bool,
    /// Who must agree, by amount: ascending, the last one open-ended.
    pub tier: Vec<Tier>,
    /// What the amount that chooses the tier is the sum of.
    #[serde(with = "word::list")]
    pub tiers_by: Vec<TierBasis>,
    /// How long after the payment: `[paid, paid + window)`.
    pub window: RefundWindow,
}

/// How long after the payment a refund can be asked for, at the same local time of day: half-open, so the last instant is
/// the millisecond before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RefundWindow {
    /// Days of 24 hours.
    Days(u32),
    /// Calendar months; a date that a month does not have becomes its last day.
    Months(u32),
}

/// Evidence that has to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvidenceRule {
    /// Only for refunds of more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Amount>,
    /// What has to be given: `receipt`, `photo`, …
    pub kind: String,
    /// Only for these reasons. Empty: for every reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Who must agree to refunds up to an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tier {
    /// Whom it passes to in time, earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<EscalationRule>,
    /// How long after submission the request ends without the last approval.
    pub expires_after: Span,
    /// Its name, for people.
    pub name: String,
    /// How many distinct persons. Zero: the automatic review suffices.
    pub needed: u32,
    /// Whose approval counts: any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Up to this sum, included. Absent in the last tier only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Amount>,
}

/// A wider circle of approvers after some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EscalationRule {
    /// How long after submission.
    pub after: Span,
    /// Whose approval counts from then on, in addition.
    pub roles: Vec<Role>,
}

/// What an operation costs: `fixed + round half up(amount × rate)`, at least the floor, at most the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FeeRule {
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Amount>,
    /// A fixed part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Amount>,
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Amount>,
    /// Who pays it.
    #[serde(with = "word")]
    pub payer: Party,
    /// A share of the operation's amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// What asking late costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LateFee {
    /// From this long after the payment on, that instant included.
    pub after: Span,
    /// How much.
    pub fee: FeeRule,
}

/// When money arrives at the payer's side. A matcher that is absent matches every sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArrivalRule {
    /// For this kind of card only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    pub card_type: Option<CardType>,
    /// For this channel only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    pub channel: Option<Channel>,
    /// The latest, in days. Zero: at once.
    pub max_days: u32,
    /// The earliest, in days.
    pub min_days: u32,
    /// Whether they are working days.
    pub working_days: bool,
}
