//! The document as it is read from its canonical form: its fields once more, in the order in which they stand.
//!
//! INVARIANT: what is accepted here is what [`canonical`](super::canonical) writes, and nothing else. The compiler sees that
//! no field of the document is left out; that names and order are those that are written is held by tests, which read
//! every pack, a document with every field, and ten thousands of damaged ones by both roads.

use super::reader::{Canonical, Reader, Record, Refused};
use crate::document::{
    ArrivalRule, AuthenticationRule, Calendar, ChargeRule, CodeRules, CompletionVoidRules, CountLimit, Document,
    Effective, EscalationRule, EvidenceRule, FeeRule, HoldRules, IdentityRule, LateFee, LayerName, LegalRules, Matcher,
    OfflineRules, PenaltyLimit, PenaltyStep, PrepaidRule, PrivacyRules, RefundRules, RefundWindow, ReversalRules,
    SupportRules, Tier, TimeBand, Variant, Variants, VoidRules,
};
use crate::scalar::{Amount, BadScalar, CutOff, Date, Rate, Span, TimeOfDay, UtcOffset};
use crate::word::Word;
use rescind_model::Role;

/// Reads one member: `one` is there; `perhaps` is there or absent; `any` is there unless it would be empty.
macro_rules! member {
    ($reader:ident $record:ident one $key:literal) => {
        one($reader, $record, concat!("\"", $key, "\":"))?
    };
    ($reader:ident $record:ident $how:ident $key:literal) => {
        $how($reader, concat!("\"", $key, "\":"))?
    };
}

// One function for every type and not one piece of code for every field: most of a terminal's component would be these.

#[inline(never)]
fn one<T: Canonical>(reader: &mut Reader<'_>, record: Record<'_>, written: &str) -> Result<T, Refused> {
    if reader.has(written) { T::read(reader) } else { Err(reader.lacks(record, written)) }
}

#[inline(never)]
fn perhaps<T: Canonical>(reader: &mut Reader<'_>, written: &str) -> Result<Option<T>, Refused> {
    if reader.has(written) { T::read(reader).map(Some) } else { Ok(None) }
}

#[inline(never)]
fn any<T: Listed + Default>(reader: &mut Reader<'_>, written: &str) -> Result<T, Refused> {
    if !reader.has(written) {
        return Ok(T::default());
    }
    let listed = T::read(reader)?;
    if listed.is_nothing() { Err(reader.differs()) } else { Ok(listed) }
}

macro_rules! records {
    ($($name:ident { $($how:ident $key:literal $field:ident,)* })*) => {$(
        impl Canonical for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
                let record = reader.begin(&[$($key),*])?;
                $(let $field = member!(reader record $how $key);)*
                reader.end(record)?;
                Ok(Self { $($field),* })
            }
        }
    )*};
}

records! {
    Document {
        perhaps "calendar" calendar,
        any "charge" charge,
        perhaps "code" code,
        one "currency" currency,
        one "cut-off" cut_off,
        perhaps "effective" effective,
        one "format" format,
        perhaps "hold" hold,
        any "layers" layers,
        any "leaves-to-layers" leaves_to_layers,
        perhaps "legal" legal,
        one "name" name,
        perhaps "offline" offline,
        any "prepaid" prepaid,
        perhaps "privacy" privacy,
        perhaps "refund" refund,
        perhaps "reversal" reversal,
        one "source" source,
        perhaps "support" support,
        one "time-zone" time_zone,
        one "version" version,
        perhaps "void" void,
        any "when" when,
    }
    Variants {
        any "code" code,
        any "hold" hold,
        any "refund" refund,
        any "reversal" reversal,
        any "void" void,
    }
    Matcher {
        perhaps "amount-below" amount_below,
        perhaps "amount-from" amount_from,
        perhaps "between" between,
        any "card-type" card_type,
        any "channel" channel,
        any "kind" kind,
        any "merchant" merchant,
        perhaps "paid-before" paid_before,
        perhaps "paid-from" paid_from,
        any "terminal-class" terminal_class,
        any "weekday" weekday,
    }
    TimeBand {
        one "from" from,
        one "until" until,
    }
    Calendar {
        any "holidays" holidays,
        one "until" until,
        one "weekend" weekend,
        any "workdays" workdays,
    }
    Effective {
        perhaps "from" from,
        perhaps "until" until,
    }
    LayerName {
        one "name" name,
        one "version" version,
    }
    ChargeRule {
        one "fee" fee,
        perhaps "match" matches,
        one "name" name,
    }
    OfflineRules {
        one "at-ceiling" at_ceiling,
        one "bundle-age" bundle_age,
        one "contact-age" contact_age,
        perhaps "max-amount" max_amount,
        perhaps "max-count" max_count,
        one "max-records" max_records,
        perhaps "max-total" max_total,
        one "other" other,
        one "refund" refund,
        one "reversal" reversal,
        one "void" void,
    }
    VoidRules {
        one "acquiring-fee" acquiring_fee,
        one "after-refund" after_refund,
        any "arrival" arrival,
        perhaps "authentication" authentication,
        perhaps "closed" closed,
        any "count" count,
        one "enabled" enabled,
        any "evidence" evidence,
        one "executor" executor,
        any "identity" identity,
        perhaps "instead" instead,
        any "kinds-not-voidable" kinds_not_voidable,
        perhaps "max-amount" max_amount,
        perhaps "min-amount" min_amount,
        perhaps "minimum-wait" minimum_wait,
        perhaps "operation-fee" operation_fee,
        any "operator-roles" operator_roles,
        one "paid-out" paid_out,
        one "reason" reason,
        any "reasons" reasons,
        any "same" same,
        perhaps "since" since,
        one "slip" slip,
        one "until-settlement" until_settlement,
        perhaps "window" window,
    }
    CountLimit {
        one "at-ceiling" at_ceiling,
        perhaps "at-most" at_most,
        one "counted" counted,
        perhaps "per-business-day" per_business_day,
        perhaps "within" within,
    }
    RefundRules {
        one "acquiring-fee" acquiring_fee,
        perhaps "after-window" after_window,
        any "arrival" arrival,
        perhaps "authentication" authentication,
        perhaps "closed" closed,
        any "count" count,
        perhaps "coupon" coupon,
        one "enabled" enabled,
        any "evidence" evidence,
        one "executor" executor,
        perhaps "funding" funding,
        any "identity" identity,
        perhaps "instead" instead,
        any "kinds-not-refundable" kinds_not_refundable,
        perhaps "late-fee" late_fee,
        perhaps "max-amount" max_amount,
        perhaps "max-count" max_count,
        perhaps "min-amount" min_amount,
        perhaps "min-spacing" min_spacing,
        perhaps "minimum-wait" minimum_wait,
        perhaps "not-refundable" not_refundable,
        perhaps "operation-fee" operation_fee,
        one "partial" partial,
        one "real-time" real_time,
        one "reason" reason,
        any "reasons" reasons,
        one "same-business-day" same_business_day,
        perhaps "since" since,
        one "slip" slip,
        one "tier" tier,
        one "tiers-by" tiers_by,
        one "window" window,
    }
    EvidenceRule {
        perhaps "above" above,
        perhaps "after" after,
        one "kind" kind,
        any "reasons" reasons,
    }
    Tier {
        any "escalation" escalation,
        one "expires-after" expires_after,
        one "name" name,
        one "needed" needed,
        any "roles" roles,
        perhaps "up-to" up_to,
    }
    EscalationRule {
        one "after" after,
        one "roles" roles,
    }
    FeeRule {
        perhaps "cap" cap,
        perhaps "fixed" fixed,
        perhaps "floor" floor,
        one "payer" payer,
        perhaps "rate" rate,
    }
    LateFee {
        one "after" after,
        one "fee" fee,
    }
    ArrivalRule {
        perhaps "card-type" card_type,
        perhaps "channel" channel,
        one "max-days" max_days,
        one "min-days" min_days,
        one "working-days" working_days,
    }
    AuthenticationRule {
        one "bound" bound,
        one "max-age" max_age,
    }
    IdentityRule {
        perhaps "above" above,
        one "any-of" any_of,
    }
    ReversalRules {
        perhaps "after-window" after_window,
        one "enabled" enabled,
        one "executor" executor,
        perhaps "minimum-wait" minimum_wait,
        any "queries" queries,
        one "slip" slip,
        perhaps "window" window,
    }
    CodeRules {
        one "enabled" enabled,
        one "executor" executor,
        one "expired" expired,
        any "queries" queries,
        one "scanned" scanned,
        one "slip" slip,
        one "time-to-live" time_to_live,
    }
    HoldRules {
        one "ceiling-percent" ceiling_percent,
        perhaps "completion-authentication" completion_authentication,
        any "completion-roles" completion_roles,
        perhaps "completion-void" completion_void,
        one "enabled" enabled,
        one "executor" executor,
        perhaps "penalty" penalty,
        any "queries" queries,
        perhaps "release-authentication" release_authentication,
        any "release-roles" release_roles,
        one "slip" slip,
        one "validity" validity,
    }
    CompletionVoidRules {
        perhaps "authentication" authentication,
        any "operator-roles" operator_roles,
        one "until-settlement" until_settlement,
        perhaps "window" window,
    }
    PenaltyLimit {
        perhaps "cap" cap,
        perhaps "max-rate" max_rate,
    }
    PrepaidRule {
        one "cancellable" cancellable,
        one "kind" kind,
        any "penalty" penalty,
    }
    PenaltyStep {
        perhaps "fixed" fixed,
        perhaps "rate" rate,
        perhaps "within" within,
    }
    SupportRules {
        one "case-lives" case_lives,
        one "grant-lives" grant_lives,
        one "roles" roles,
    }
    LegalRules {
        one "order-lives" order_lives,
        one "roles" roles,
    }
    PrivacyRules {
        one "retention-days" retention_days,
    }
}

impl<R: Canonical> Canonical for Variant<R> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let record = reader.begin(&["match", "name", "rules"])?;
        let matches = member!(reader record one "match");
        let name = member!(reader record one "name");
        let rules = member!(reader record one "rules");
        reader.end(record)?;
        Ok(Self { matches, name, rules })
    }
}

impl Canonical for RefundWindow {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let record = reader.begin(&["days", "months", "working-days"])?;
        let window = if reader.has("\"days\":") {
            Self::Days(Canonical::read(reader)?)
        } else if reader.has("\"months\":") {
            Self::Months(Canonical::read(reader)?)
        } else if reader.has("\"working-days\":") {
            Self::WorkingDays(Canonical::read(reader)?)
        } else {
            return Err(reader.refuse("`days`, `months` or `working-days`"));
        };
        reader.end(record)?;
        Ok(window)
    }
}

/// What is not written where there is nothing of it.
trait Listed: Canonical {
    /// Whether there is nothing.
    fn is_nothing(&self) -> bool;
}

impl<T: Canonical> Listed for Vec<T> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl Listed for Variants {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.list()
    }
}

impl<T: Word> Canonical for T {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.word()
    }
}

impl Canonical for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.boolean()
    }
}

impl Canonical for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.text()
    }
}

impl Canonical for u32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.number(|number| Self::try_from(number).map_err(|_| "a whole number"))
    }
}

/// Scalars that are numbers.
macro_rules! numbers {
    ($($name:ident $number:ty),*) => {$(
        impl Canonical for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
                reader.number(|number| {
                    let number = <$number>::try_from(number).map_err(|_| "a smaller number")?;
                    Self::new(number).map_err(|BadScalar { expected }| expected)
                })
            }
        }
    )*};
}
numbers!(Amount i64, Rate u32, Span u32);

/// Scalars that are texts. Each has one text.
macro_rules! texts {
    ($($name:ident)*) => {$(
        impl Canonical for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
                reader.parsed(|text| Self::parse(text).map_err(|BadScalar { expected }| expected))
            }
        }
    )*};
}
texts!(UtcOffset CutOff TimeOfDay Date);

impl Canonical for Role {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        reader.parsed(|text| Self::parse(text).map_err(|_| "a role such as \"manager\""))
    }
}
