//! The typed document: what a policy can say.
//!
//! INVARIANT: fields stand in alphabetical order of their written names, so that serializing a document gives its canonical
//! form without sorting (a test compares the two). Everything absent is a limit that does not exist or a demand that is not
//! made; whatever *grants* something must be written.

use crate::scalar::{Amount, CutOff, Date, Rate, Span, TimeOfDay, UtcOffset};
#[cfg(feature = "schema")]
use crate::schema::{RoleName, Worded};
use crate::word;
use rescind_model::{CardType, Channel, Counted, Executor, FundingBasis, IdentityKind, Party, Role};
use serde::{Deserialize, Serialize};

/// The newest version of the language, and the only one so far.
pub const FORMAT: u32 = 1;

/// One policy: the rules of one provider for one merchant's sales.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// Which days are worked. Absent: Monday to Friday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// What a sale is charged, for sales that come without their fee; the first that matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charge: Vec<ChargeRule>,
    /// What holds for payment codes. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRules>,
    /// The currency of every amount here, and of every sale this policy decides on: ISO 4217.
    pub currency: String,
    /// When a business day ends, in local time.
    pub cut_off: CutOff,
    /// When it is in force. Absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// The version of the language: [`FORMAT`].
    pub format: u32,
    /// What holds for holds (预授权). Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldRules>,
    /// The documents it was put together from, the uppermost first. Empty: it was written as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub layers: Vec<LayerName>,
    /// What layers below may loosen, as places such as `refund.window`. Empty: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves_to_layers: Vec<String>,
    /// Who carries out legal orders. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal: Option<LegalRules>,
    /// The policy's name, such as `lakala`.
    pub name: String,
    /// How far a terminal goes without the server. Absent: it decides nothing alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineRules>,
    /// Kinds of sale that are paid for in advance, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepaid: Vec<PrepaidRule>,
    /// How long personal data is kept. Absent: as long as nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyRules>,
    /// What holds for refunds. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundRules>,
    /// What holds for reversals. Absent: always open for a sale of unknown outcome, asked for on `UnionPay`'s schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal: Option<ReversalRules>,
    /// Where the rules come from, for people.
    pub source: String,
    /// Who decides referrals. Absent: the role `support`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<SupportRules>,
    /// Local time, for the cut-off, calendar days and months.
    pub time_zone: UtcOffset,
    /// The author's version of this policy.
    pub version: String,
    /// What holds for voids. Absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<VoidRules>,
    /// What holds instead for some sales.
    #[serde(default, skip_serializing_if = "Variants::is_empty")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub when: Variants,
}

/// What holds instead for sales that match, by way: written as `[[void.when]]`, `[[refund.when]]`, …, with only what
/// differs; compiled, each has every field. The first that matches holds; if none does, the section itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variants {
    /// Instead of `[code]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<Variant<CodeRules>>,
    /// Instead of `[hold]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<Variant<HoldRules>>,
    /// Instead of `[refund]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund: Vec<Variant<RefundRules>>,
    /// Instead of `[reversal]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reversal: Vec<Variant<ReversalRules>>,
    /// Instead of `[void]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub void: Vec<Variant<VoidRules>>,
}

impl Variants {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
            && self.hold.is_empty()
            && self.refund.is_empty()
            && self.reversal.is_empty()
            && self.void.is_empty()
    }
}

/// The rules of one way for the sales that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variant<R> {
    /// For which sales.
    #[serde(rename = "match")]
    pub matches: Matcher,
    /// Its name, for people: unique within its way.
    pub name: String,
    /// What holds for them.
    pub rules: R,
}

/// For which sales something holds: all that is said must be true of the sale; a list is true if any of its items is. At
/// least one thing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Matcher {
    /// The sale is below this: `amount-below = "20000.00"`. Excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_below: Option<Amount>,
    /// The sale is this or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_from: Option<Amount>,
    /// It is asked at a local time of day within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<TimeBand>,
    /// Kinds of card. A sale without a known kind matches none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<CardType>>"))]
    pub card_type: Vec<CardType>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<Channel>>"))]
    pub channel: Vec<Channel>,
    /// What was sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<String>,
    /// Who was paid, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merchant: Vec<String>,
    /// Business days of the payment before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_before: Option<Date>,
    /// Business days of the payment from this one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_from: Option<Date>,
    /// Classes of the terminal it is asked at. What is asked elsewhere matches none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminal_class: Vec<String>,
    /// Days of the week on which it is asked: local calendar days.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<Weekday>>"))]
    pub weekday: Vec<Weekday>,
}

/// Local times of day, half-open: `[from, until)`. `from` after `until` goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimeBand {
    /// From this on.
    pub from: TimeOfDay,
    /// Up to this, excluded.
    pub until: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// 星期一
    Monday,
    /// 星期二
    Tuesday,
    /// 星期三
    Wednesday,
    /// 星期四
    Thursday,
    /// 星期五
    Friday,
    /// 星期六
    Saturday,
    /// 星期日
    Sunday,
}

/// Which days are worked: all but the weekend and the holidays, and the workdays besides (调休).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calendar {
    /// Days that are not worked, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Date>,
    /// The last day of which it says whether it is worked. Beyond it nothing is said.
    pub until: Date,
    /// Days of the week that are not worked.
    #[serde(with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<Weekday>>"))]
    pub weekend: Vec<Weekday>,
    /// Days of a weekend that are worked, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workdays: Vec<Date>,
}

/// When a policy is in force: from the beginning of one local calendar day to the beginning of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Effective {
    /// From the beginning of this day. Absent: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// To the beginning of this day. Absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A document that others were put upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LayerName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a sale is charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChargeRule {
    /// How much; its payer is the merchant.
    pub fee: FeeRule,
    /// For which sales. Absent: for all.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<Matcher>,
    /// Its name, for people.
    pub name: String,
}

/// How far a terminal goes without the server. Whatever is above a ceiling waits for the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OfflineRules {
    /// What happens above a ceiling: `refer` or `deny`.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub at_ceiling: Permission,
    /// How old its bundle may be, that age included.
    pub bundle_age: Span,
    /// How long ago it may last have heard from the server, that age included.
    pub contact_age: Span,
    /// The largest operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_amount: Option<Amount>,
    /// The most operations since it last heard from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u32>,
    /// The most records that the server has not acknowledged.
    pub max_records: u32,
    /// The largest sum of operations since it last heard from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_total: Option<Amount>,
    /// Everything else: what is done to codes and holds.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub other: Permission,
    /// Refunds.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub refund: Permission,
    /// Reversals.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub reversal: Permission,
    /// Voids.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub void: Permission,
}

/// Where somebody is sent whose way is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instead {
    /// To another way that is open, or will be; to support if there is none.
    OtherWay,
    /// To support.
    Support,
    /// Nowhere: there is nothing to be done.
    Nothing,
}

/// From when a window runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Since {
    /// From the payment: for what came from a hold, its completion.
    Capture,
    /// From the authorisation: for what came from a hold, the hold.
    Authorisation,
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

/// How the parts of a refund fall on the coupon's sponsor and the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CouponRule {
    /// Coupon part so far = `round half up(coupon × taken back so far / captured)`.
    Proportion,
    /// The payer's part so far = `round half up(cash × taken back so far / captured)`; the coupon's part is the rest.
    CashProportion,
    /// The payer's part first, the coupon's with what is beyond it.
    CashFirst,
}

word::words! {
    CouponRule { Proportion "proportion", CashProportion "cash-proportion", CashFirst "cash-first", }
    Permission { Allow "allow", Refer "refer", Deny "deny", }
    ReturnedFee { Full "full", Proportion "proportion", Kept "kept", }
    Demand { Mandatory "mandatory", Optional "optional", }
    Same { BusinessDay "business-day", CalendarDay "calendar-day", OpenBatch "open-batch", }
    TierBasis { Sale "sale", RequesterDay "requester-day", }
    Instead { OtherWay "other-way", Support "support", Nothing "nothing", }
    Since { Capture "capture", Authorisation "authorisation", }
    Weekday {
        Monday "monday", Tuesday "tuesday", Wednesday "wednesday", Thursday "thursday", Friday "friday",
        Saturday "saturday", Sunday "sunday",
    }
}

/// What holds for voids. A void always cancels the whole sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VoidRules {
    /// What of the acquiring fee comes back.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<ReturnedFee>"))]
    pub acquiring_fee: ReturnedFee,
    /// Once a refund of the sale may have reached the provider.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub after_refund: Permission,
    /// When the money arrives; the first that matches the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrival: Vec<ArrivalRule>,
    /// How fresh the operator's proof has to be. Absent: none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationRule>,
    /// What happens while there are none: `refer` or `deny`. Absent: `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub closed: Option<Permission>,
    /// How many in a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<CountLimit>,
    /// Whether there are voids at all at the moment.
    pub enabled: bool,
    /// Which evidence has to be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRule>,
    /// Who carries it out.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Executor>"))]
    pub executor: Executor,
    /// How the customer has to be identified, by amount, ascending: the last that applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<IdentityRule>,
    /// Where one is sent while there are none. Absent: to another way.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Instead>"))]
    pub instead: Option<Instead>,
    /// Kinds of sale that cannot be voided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds_not_voidable: Vec<String>,
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
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub operator_roles: Vec<Role>,
    /// Once the money was paid out, or if it is paid out in real time.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub paid_out: Permission,
    /// Whether a reason code must be chosen.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Demand>"))]
    pub reason: Demand,
    /// The reason codes to choose from. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Only within the same of each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<Same>>"))]
    pub same: Vec<Same>,
    /// From when the window and the minimum wait run. Absent: from the capture.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Since>"))]
    pub since: Option<Since>,
    /// Whether a slip is printed.
    pub slip: bool,
    /// Only as long as the sale has not been settled.
    pub until_settlement: bool,
    /// Only this long after the payment: `[paid, paid + window)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
}

/// How many operations in a time: per business day, or in any span that ends with the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CountLimit {
    /// What happens to the one after the last: `refer` or `deny`.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub at_ceiling: Permission,
    /// How many are allowed in `within`. There exactly if `within` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u32>,
    /// Whose operations are counted.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Counted>"))]
    pub counted: Counted,
    /// How many are allowed per business day. There exactly if `within` is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_business_day: Option<u32>,
    /// The span, up to the instant of the question: `(now - within, now]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// What holds for refunds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RefundRules {
    /// What of the acquiring fee comes back.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<ReturnedFee>"))]
    pub acquiring_fee: ReturnedFee,
    /// What happens after the window: `refer` or `deny`. Absent: `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub after_window: Option<Permission>,
    /// When the money arrives; the first that matches the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrival: Vec<ArrivalRule>,
    /// How fresh the operator's proof has to be. Absent: none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationRule>,
    /// What happens while there are none: `refer` or `deny`. Absent: `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub closed: Option<Permission>,
    /// How many in a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<CountLimit>,
    /// How a refund falls on a coupon and the payer. Absent: in proportion.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<CouponRule>"))]
    pub coupon: Option<CouponRule>,
    /// Whether there are refunds at all at the moment.
    pub enabled: bool,
    /// Which evidence has to be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRule>,
    /// Who carries it out.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Executor>"))]
    pub executor: Executor,
    /// What limits the refunds that clear on one business day. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<FundingBasis>"))]
    pub funding: Option<FundingBasis>,
    /// How the customer has to be identified, by amount, ascending: the last that applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<IdentityRule>,
    /// Where one is sent while there are none. Absent: to another way.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Instead>"))]
    pub instead: Option<Instead>,
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
    /// How long after the payment at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_wait: Option<Span>,
    /// What happens to the kinds that are not refundable: `refer` or `deny`. Absent: `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub not_refundable: Option<Permission>,
    /// What the operation costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_fee: Option<FeeRule>,
    /// Whether less than the whole sale can be refunded.
    pub partial: bool,
    /// Sales whose money is paid out in real time.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub real_time: Permission,
    /// Whether a reason code must be chosen.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Demand>"))]
    pub reason: Demand,
    /// The reason codes to choose from. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// In the business day of the payment.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub same_business_day: Permission,
    /// From when the window and the minimum wait run. Absent: from the capture.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Since>"))]
    pub since: Option<Since>,
    /// Whether a slip is printed.
    pub slip: bool,
    /// Who must agree, by amount: ascending, the last one open-ended.
    pub tier: Vec<Tier>,
    /// What the amount that chooses the tier is the sum of.
    #[serde(with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<TierBasis>>"))]
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
    /// Working days of the calendar, that of the payment not counted: over when the last of them ends.
    WorkingDays(u32),
}

/// Evidence that has to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvidenceRule {
    /// Only for more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Amount>,
    /// Only from this long after the payment on, that instant included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// What has to be given: `receipt`, `photo`, …
    pub kind: String,
    /// Only for these reasons. Empty: for every reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Who must agree to refunds up to an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub roles: Vec<Role>,
    /// Up to this sum, included. Absent in the last tier only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Amount>,
}

/// A wider circle of approvers after some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EscalationRule {
    /// How long after submission.
    pub after: Span,
    /// Whose approval counts from then on, in addition.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub roles: Vec<Role>,
}

/// What an operation costs: `fixed + round half up(amount × rate)`, at least the floor, at most the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Party>"))]
    pub payer: Party,
    /// A share of the operation's amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// What asking late costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LateFee {
    /// From this long after the payment on, that instant included.
    pub after: Span,
    /// How much.
    pub fee: FeeRule,
}

/// When money arrives at the payer's side. A matcher that is absent matches every sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArrivalRule {
    /// For this kind of card only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<CardType>"))]
    pub card_type: Option<CardType>,
    /// For this channel only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Channel>"))]
    pub channel: Option<Channel>,
    /// The latest, in days. Zero: at once.
    pub max_days: u32,
    /// The earliest, in days.
    pub min_days: u32,
    /// Whether they are working days.
    pub working_days: bool,
}

/// How fresh an operator's proof has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AuthenticationRule {
    /// Whether it must be bound to the very operation.
    pub bound: bool,
    /// No older than this, that age included.
    pub max_age: Span,
}

/// How a customer has to be identified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IdentityRule {
    /// Only for more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Amount>,
    /// Any one of these suffices.
    #[serde(with = "word::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Worded<IdentityKind>>"))]
    pub any_of: Vec<IdentityKind>,
}

/// What holds for reversals. Only a sale of unknown outcome is reversed, and always as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReversalRules {
    /// What happens after the window: `refer` or `deny`. There exactly if there is a window.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "word::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub after_window: Option<Permission>,
    /// Whether there are reversals at the moment. Where not, support decides: there is no other way to end such a sale.
    pub enabled: bool,
    /// Who carries it out.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Executor>"))]
    pub executor: Executor,
    /// How long after the payment at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_wait: Option<Span>,
    /// When the outcome is asked for, one wait after another. Empty: as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Span>,
    /// Whether a slip is printed.
    pub slip: bool,
    /// Only this long after the payment: `[paid, paid + window)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
}

/// What holds for payment codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodeRules {
    /// Whether there are payment codes at the moment.
    pub enabled: bool,
    /// Who closes one.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Executor>"))]
    pub executor: Executor,
    /// Closing one whose time ran out unpaid.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub expired: Permission,
    /// When the outcome of closing is asked for, one wait after another. Empty: as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Span>,
    /// Closing one that was scanned and whose payment is of unknown outcome: `refer` or `deny`.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub scanned: Permission,
    /// Whether a slip is printed.
    pub slip: bool,
    /// How long one can be paid.
    pub time_to_live: Span,
}

/// What holds for holds: money that is reserved and not captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HoldRules {
    /// The most that a completion may capture, in percent of the hold.
    pub ceiling_percent: u32,
    /// How fresh the proof of whoever completes one has to be. Absent: none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_authentication: Option<AuthenticationRule>,
    /// Who may complete one: any of these. Empty: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub completion_roles: Vec<Role>,
    /// When a completion can be voided. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_void: Option<CompletionVoidRules>,
    /// Whether there are holds at the moment.
    pub enabled: bool,
    /// Who carries out what is done to one.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Executor>"))]
    pub executor: Executor,
    /// How much a completion may keep as a penalty. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<PenaltyLimit>,
    /// When the outcome is asked for, one wait after another. Empty: as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Span>,
    /// How fresh the proof of whoever releases one has to be. Absent: none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_authentication: Option<AuthenticationRule>,
    /// Who may release one: any of these. Empty: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub release_roles: Vec<Role>,
    /// Whether a slip is printed.
    pub slip: bool,
    /// How long one can be completed.
    pub validity: Span,
}

/// When a completion can be voided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CompletionVoidRules {
    /// How fresh the operator's proof has to be. Absent: none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationRule>,
    /// Who may operate it: any of these. Empty: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub operator_roles: Vec<Role>,
    /// Only as long as the completion has not been settled.
    pub until_settlement: bool,
    /// Only this long after the completion: `[completed, completed + window)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
}

/// The most that a completion may keep as a penalty; with both, the smaller counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PenaltyLimit {
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Amount>,
    /// At most this share of the hold, rounded half up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<Rate>,
}

/// A kind of sale that is paid for in advance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PrepaidRule {
    /// Whether it can be cancelled.
    #[serde(with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "Worded<Permission>"))]
    pub cancellable: Permission,
    /// The kind of sale, as the sale names it.
    pub kind: String,
    /// What is kept, nearest to the service first: the first that applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub penalty: Vec<PenaltyStep>,
}

/// What is kept of a sale paid in advance: `fixed + round half up(captured × rate)`, at most the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PenaltyStep {
    /// A fixed part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Amount>,
    /// A share of the sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// From this long before the service on, that instant included. Absent in the last step only: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// Who decides referrals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SupportRules {
    /// How long after it was opened a case ends undecided.
    pub case_lives: Span,
    /// How long a grant holds.
    pub grant_lives: Span,
    /// Any of these.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub roles: Vec<Role>,
}

/// Who carries out legal or compliance orders, always two persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LegalRules {
    /// How long an order waits for the second person.
    pub order_lives: Span,
    /// Any of these.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleName>"))]
    pub roles: Vec<Role>,
}

/// How long personal data is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PrivacyRules {
    /// Days after the payment.
    pub retention_days: u32,
}
