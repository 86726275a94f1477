//! Every rule that a policy states, with the sides of it that some question can reach: what its cases have to touch.
//!
//! Native only, like explanations. INVARIANT (a law tests it): whatever an explanation finds stated is among these, and on
//! a side that can be reached.

use crate::engine::Engine;
use crate::explain::{Sides, Stated};
use crate::offline;
use crate::place::Place::{self, Charge, Document, Field, Item, Named, PenaltyStep, Prepaid};
use crate::place::Section;
use crate::rule;
use rescind_model::token::Token as _;
use rescind_model::{CardType, Channel, Way};
use rescind_policy::document::{
    ArrivalRule, CodeRules, CompletionVoidRules, CountLimit, Demand, EvidenceRule, FeeRule, HoldRules, IdentityRule,
    Matcher, Permission, PrepaidRule, RefundRules, ReturnedFee, ReversalRules, Same, TierBasis, Variant, VoidRules,
};
use rescind_policy::scalar::Rate;

/// From this rate on, nothing is rounded to nothing: half a minor unit is one.
const HALF: u32 = 500_000;

/// All of it, in millionths.
const WHOLE: u32 = 1_000_000;

const BOTH: Sides = Sides { passes: true, stands: true };
const STANDS: Sides = Sides { passes: false, stands: true };

/// Whatever else is said, it can pass; it stands only if so.
fn stands_if(stands: bool) -> Sides {
    Sides { passes: true, stands }
}

/// One of two sides, for ever.
fn one(stands: bool) -> Sides {
    Sides { passes: !stands, stands }
}

impl Engine {
    /// Every rule that the policy states, in its order.
    #[must_use]
    pub fn stated(&self) -> Vec<Stated> {
        let document = self.document();
        let when = &document.when;
        let mut said = Said { stated: Vec::new(), section: Section::default(), offline: document.offline.is_some() };
        said.in_force(self);
        said.section("void", document.void.as_ref(), &when.void, Said::void);
        said.section("refund", document.refund.as_ref(), &when.refund, Said::refund);
        said.section("reversal", document.reversal.as_ref(), &when.reversal, Said::reversal);
        said.section("code", document.code.as_ref(), &when.code, Said::code);
        said.section("hold", document.hold.as_ref(), &when.hold, Said::hold);
        for rule in &document.prepaid {
            said.prepaid(rule);
        }
        if document.legal.is_some() {
            said.says(rule::LEGAL_ROLE, Document("legal.roles"), BOTH);
        }
        said.alone(self);
        said.charges(self);
        said.stated
    }
}

struct Said {
    stated: Vec<Stated>,
    /// The section that is read.
    section: Section,
    /// Whether terminals decide alone.
    offline: bool,
}

impl Said {
    fn says(&mut self, rule: &'static str, place: Place<'_>, sides: Sides) {
        self.says_at(rule, self.section.text(place), sides);
    }

    /// What several variants took over is stated once, with the sides that any of them can reach.
    fn says_at(&mut self, rule: &'static str, place: String, sides: Sides) {
        match self.stated.iter_mut().find(|stated| stated.rule == rule && stated.place == place) {
            Some(stated) => {
                stated.sides.passes |= sides.passes;
                stated.sides.stands |= sides.stands;
            }
            None => self.stated.push(Stated { rule, place, sides }),
        }
    }

    fn section<R: serde::Serialize>(
        &mut self,
        name: &'static str,
        base: Option<&R>,
        variants: &[Variant<R>],
        read: fn(&mut Self, &R, &Matcher),
    ) {
        if let Some(rules) = base {
            self.section = Section::new(name, base, None);
            read(self, rules, &Matcher::default());
        }
        for variant in variants {
            self.says_at(rule::POLICY_VARIANT, format!("{name}.when[{}]", variant.name), BOTH);
            self.section = Section::new(name, base, Some((&variant.name, &variant.rules)));
            read(self, &variant.rules, &variant.matches);
        }
    }

    fn in_force(&mut self, engine: &Engine) {
        let Some(in_force) = engine.in_force else { return };
        for (place, at) in [("effective.from", in_force.from), ("effective.until", in_force.until)] {
            if at.is_some() {
                self.says(rule::POLICY_EFFECTIVE, Document(place), BOTH);
            }
        }
    }

    /// A field that is there or not.
    fn given<T>(&mut self, rule: &'static str, place: &'static str, value: Option<&T>) {
        if value.is_some() {
            self.says(rule, Field(place), BOTH);
        }
    }

    fn permission(&mut self, rule: &'static str, place: Place<'_>, permission: Permission) {
        self.says(rule, place, stands_if(permission != Permission::Allow));
    }

    fn void(&mut self, rules: &VoidRules, matcher: &Matcher) {
        self.says(rule::VOID_ENABLED, Field("enabled"), one(!rules.enabled));
        self.permission(rule::VOID_AFTER_REFUND, Field("after-refund"), rules.after_refund);
        self.void_amounts(rules, matcher);
        if !rules.kinds_not_voidable.is_empty() {
            self.says(rule::VOID_KIND, Field("kinds-not-voidable"), BOTH);
        }
        self.permission(rule::VOID_PAID_OUT, Field("paid-out"), rules.paid_out);
        if rules.until_settlement {
            self.says(rule::VOID_SETTLED, Field("until-settlement"), BOTH);
        }
        for (index, same) in rules.same.iter().enumerate() {
            let id = match same {
                Same::OpenBatch => rule::VOID_BATCH,
                Same::BusinessDay => rule::VOID_BUSINESS_DAY,
                Same::CalendarDay => rule::VOID_CALENDAR_DAY,
            };
            self.says(id, Item("same", index), BOTH);
        }
        self.given(rule::VOID_MINIMUM_WAIT, "minimum-wait", rules.minimum_wait.as_ref());
        self.given(rule::VOID_WINDOW, "window", rules.window.as_ref());
        self.counts(rule::VOID_COUNT, &rules.count);
        self.given(rule::VOID_OPERATOR_ROLE, "operator-roles", rules.operator_roles.first());
        self.given(rule::VOID_AUTHENTICATION, "authentication", rules.authentication.as_ref());
        self.identity(rule::VOID_IDENTITY, &rules.identity);
        self.reason(rule::VOID_REASON, rules.reason, &rules.reasons);
        self.evidence(rule::VOID_EVIDENCE, &rules.evidence);
        let returned = rules.acquiring_fee != ReturnedFee::Kept;
        self.says(rule::VOID_ACQUIRING_FEE, Field("acquiring-fee"), stands_if(returned));
        self.operation_fee(rule::VOID_OPERATION_FEE, rules.operation_fee.as_ref());
        self.arrivals(rule::VOID_ARRIVAL, &rules.arrival, matcher);
    }

    /// A void is of the whole sale, so a variant for an amount can leave one side only.
    fn void_amounts(&mut self, rules: &VoidRules, matcher: &Matcher) {
        let from = matcher.amount_from.map_or(1, |from| from.minor().max(1));
        let below = matcher.amount_below.map_or(i64::MAX, |below| below.minor());
        if let Some(least) = rules.min_amount.map(|least| least.minor()) {
            let sides = Sides { passes: below > least, stands: from < least };
            self.says(rule::VOID_AMOUNT_LIMIT, Field("min-amount"), sides);
        }
        if let Some(most) = rules.max_amount.map(|most| most.minor()) {
            let sides = Sides { passes: from <= most, stands: below.saturating_sub(1) > most };
            self.says(rule::VOID_AMOUNT_LIMIT, Field("max-amount"), sides);
        }
    }

    fn refund(&mut self, rules: &RefundRules, matcher: &Matcher) {
        self.says(rule::REFUND_ENABLED, Field("enabled"), one(!rules.enabled));
        if !rules.kinds_not_refundable.is_empty() {
            self.says(rule::REFUND_KIND, Field("kinds-not-refundable"), BOTH);
        }
        self.permission(rule::REFUND_REAL_TIME, Field("real-time"), rules.real_time);
        self.given(rule::REFUND_MINIMUM_WAIT, "minimum-wait", rules.minimum_wait.as_ref());
        self.permission(rule::REFUND_SAME_DAY, Field("same-business-day"), rules.same_business_day);
        self.says(rule::REFUND_WINDOW, Field("window"), BOTH);
        self.says(rule::REFUND_PARTIAL, Field("partial"), stands_if(!rules.partial));
        self.given(rule::REFUND_COUNT, "max-count", rules.max_count.as_ref());
        self.given(rule::REFUND_SPACING, "min-spacing", rules.min_spacing.as_ref());
        self.counts(rule::REFUND_TALLY, &rules.count);
        self.given(rule::REFUND_AMOUNT_LIMIT, "max-amount", rules.max_amount.as_ref());
        if let Some(least) = rules.min_amount {
            // The smallest amount there is: nothing is below it.
            self.says(rule::REFUND_AMOUNT_LIMIT, Field("min-amount"), stands_if(least.minor() > 1));
        }
        self.given(rule::REFUND_AUTHENTICATION, "authentication", rules.authentication.as_ref());
        self.identity(rule::REFUND_IDENTITY, &rules.identity);
        self.reason(rule::REFUND_REASON, rules.reason, &rules.reasons);
        self.evidence(rule::REFUND_EVIDENCE, &rules.evidence);
        if self.offline && rules.tiers_by.contains(&TierBasis::RequesterDay) {
            self.says(rule::OFFLINE_UNKNOWN, Field("tiers-by"), BOTH);
        }
        let returned = rules.acquiring_fee != ReturnedFee::Kept;
        self.says(rule::REFUND_ACQUIRING_FEE, Field("acquiring-fee"), stands_if(returned));
        self.operation_fee(rule::REFUND_OPERATION_FEE, rules.operation_fee.as_ref());
        if let Some(late) = &rules.late_fee {
            self.says(rule::REFUND_LATE_FEE, Field("late-fee"), BOTH);
            self.bounds(rule::REFUND_LATE_FEE, ["late-fee.floor", "late-fee.cap"].map(Field), &late.fee);
        }
        self.tiers(rules);
        self.arrivals(rule::REFUND_ARRIVAL, &rules.arrival, matcher);
        self.given(rule::REFUND_COUPON, "coupon", rules.coupon.as_ref());
    }

    fn tiers(&mut self, rules: &RefundRules) {
        let least = rules.min_amount.map_or(1, |least| least.minor());
        for tier in &rules.tier {
            let sides = tier.up_to.map_or(STANDS, |up_to| Sides { passes: true, stands: up_to.minor() >= least });
            self.says(rule::REFUND_TIER, Named("tier", &tier.name), sides);
        }
    }

    fn reversal(&mut self, rules: &ReversalRules, _: &Matcher) {
        self.says(rule::REVERSAL_ENABLED, Field("enabled"), one(!rules.enabled));
        self.given(rule::REVERSAL_MINIMUM_WAIT, "minimum-wait", rules.minimum_wait.as_ref());
        self.given(rule::REVERSAL_WINDOW, "window", rules.window.as_ref());
    }

    fn code(&mut self, rules: &CodeRules, _: &Matcher) {
        self.says(rule::ORDER_CLOSE_ENABLED, Field("enabled"), one(!rules.enabled));
        self.says(rule::ORDER_CLOSE_SCANNED, Field("scanned"), BOTH);
        self.permission(rule::ORDER_CLOSE_EXPIRED, Field("expired"), rules.expired);
    }

    fn hold(&mut self, rules: &HoldRules, _: &Matcher) {
        let enabled = one(!rules.enabled);
        self.says(rule::HOLD_RELEASE_ENABLED, Field("enabled"), enabled);
        self.given(rule::HOLD_RELEASE_OPERATOR_ROLE, "release-roles", rules.release_roles.first());
        self.given(rule::HOLD_RELEASE_AUTHENTICATION, "release-authentication", rules.release_authentication.as_ref());
        self.says(rule::HOLD_COMPLETION_ENABLED, Field("enabled"), enabled);
        self.says(rule::HOLD_COMPLETION_VALIDITY, Field("validity"), BOTH);
        self.says(rule::HOLD_COMPLETION_CEILING, Field("ceiling-percent"), BOTH);
        self.given(rule::HOLD_COMPLETION_PENALTY, "penalty", rules.penalty.as_ref());
        self.given(rule::HOLD_COMPLETION_OPERATOR_ROLE, "completion-roles", rules.completion_roles.first());
        let proof = rules.completion_authentication.as_ref();
        self.given(rule::HOLD_COMPLETION_AUTHENTICATION, "completion-authentication", proof);
        if let Some(void) = &rules.completion_void {
            self.says(rule::COMPLETION_VOID_ENABLED, Field("completion-void"), enabled);
            if rules.enabled {
                self.completion_void(void);
            }
        }
    }

    fn completion_void(&mut self, void: &CompletionVoidRules) {
        if void.until_settlement {
            self.says(rule::COMPLETION_VOID_SETTLED, Field("completion-void.until-settlement"), BOTH);
        }
        self.given(rule::COMPLETION_VOID_WINDOW, "completion-void.window", void.window.as_ref());
        let role = void.operator_roles.first();
        self.given(rule::COMPLETION_VOID_OPERATOR_ROLE, "completion-void.operator-roles", role);
        let proof = void.authentication.as_ref();
        self.given(rule::COMPLETION_VOID_AUTHENTICATION, "completion-void.authentication", proof);
    }

    fn prepaid(&mut self, rule: &PrepaidRule) {
        let kind = rule.kind.as_str();
        // Asked of this kind only, so it is the same for every sale that it is asked of.
        let (cancellable, penalty) = (Prepaid(kind, "cancellable"), Prepaid(kind, "penalty"));
        let is_nothing = |rate: Option<Rate>| rate.is_none_or(|rate| rate.millionths() == 0);
        let ends_open = rule.penalty.last().is_some_and(|step| step.within.is_none());
        let can_keep_nothing = !ends_open
            || rule.penalty.iter().any(|step| {
                let rounds_to_nothing = step.rate.is_none_or(|rate| rate.millionths() < HALF);
                step.fixed.is_none_or(|fixed| fixed.minor() == 0) && rounds_to_nothing
            });
        let can_keep = rule.penalty.iter().any(|step| {
            step.within.is_some() || step.fixed.is_some_and(|fixed| fixed.minor() > 0) || !is_nothing(step.rate)
        });
        let keeps_all =
            ends_open && rule.penalty.iter().all(|step| step.rate.is_some_and(|rate| rate.millionths() == WHOLE));
        self.says(rule::VOID_KIND_NOT_CANCELLABLE, cancellable, one(rule.cancellable != Permission::Allow));
        self.says(rule::VOID_PENALTY, penalty, Sides { passes: can_keep_nothing, stands: can_keep });
        self.says(rule::REFUND_KIND_NOT_CANCELLABLE, cancellable, one(rule.cancellable != Permission::Allow));
        self.says(rule::REFUND_PENALTY, penalty, Sides { passes: !keeps_all, stands: true });
        for (index, step) in rule.penalty.iter().enumerate() {
            let sides = Sides { passes: step.within.is_some(), stands: true };
            self.says(rule::PREPAID_PENALTY, PenaltyStep(kind, index), sides);
        }
    }

    /// What a terminal may decide alone.
    fn alone(&mut self, engine: &Engine) {
        let Some(rules) = &engine.document().offline else { return };
        for way in [Way::Void, Way::Refund, Way::Reversal, Way::OrderClose] {
            let (place, permission) = offline::permission(way, rules);
            self.says(rule::OFFLINE_WAY, Document(place), one(permission != Permission::Allow));
        }
        for (id, place, is_there) in [
            (rule::OFFLINE_AMOUNT, "offline.max-amount", rules.max_amount.is_some()),
            (rule::OFFLINE_TOTAL, "offline.max-total", rules.max_total.is_some()),
            (rule::OFFLINE_CONTACT, "offline.contact-age", true),
            (rule::OFFLINE_BUNDLE, "offline.bundle-age", true),
        ] {
            if is_there {
                self.says(id, Document(place), BOTH);
            }
        }
        for (id, place, most) in [
            (rule::OFFLINE_COUNT, "offline.max-count", rules.max_count),
            (rule::OFFLINE_RECORDS, "offline.max-records", Some(rules.max_records)),
        ] {
            if let Some(most) = most {
                self.says(id, Document(place), Sides { passes: most > 0, stands: true });
            }
        }
    }

    fn charges(&mut self, engine: &Engine) {
        for charge in &engine.document().charge {
            let sides = Sides { passes: charge.matches.is_some(), stands: true };
            self.says(rule::SALE_CHARGE, Charge(&charge.name, ""), sides);
            self.bounds(rule::SALE_CHARGE, ["floor", "cap"].map(|part| Charge(&charge.name, part)), &charge.fee);
        }
    }

    fn counts(&mut self, id: &'static str, limits: &[CountLimit]) {
        for index in 0..limits.len() {
            if self.offline {
                self.says(rule::OFFLINE_UNKNOWN, Item("count", index), BOTH);
            }
            self.says(id, Item("count", index), BOTH);
        }
    }

    fn identity(&mut self, id: &'static str, rules: &[IdentityRule]) {
        for index in 0..rules.len() {
            self.says(id, Item("identity", index), BOTH);
        }
    }

    fn reason(&mut self, id: &'static str, demand: Demand, reasons: &[String]) {
        self.says(id, Field("reason"), stands_if(demand == Demand::Mandatory || !reasons.is_empty()));
    }

    fn evidence(&mut self, id: &'static str, rules: &[EvidenceRule]) {
        for (index, rule) in rules.iter().enumerate() {
            // What is demanded always is not demanded once more.
            let always = |other: &EvidenceRule| {
                other.kind == rule.kind && other.above.is_none() && other.after.is_none() && other.reasons.is_empty()
            };
            let stands = !rules.iter().take(index).any(always);
            self.says(id, Item("evidence", index), stands_if(stands));
        }
    }

    fn operation_fee(&mut self, id: &'static str, fee: Option<&FeeRule>) {
        let Some(fee) = fee else { return };
        self.says(id, Field("operation-fee"), STANDS);
        self.bounds(id, ["operation-fee.floor", "operation-fee.cap"].map(Field), fee);
    }

    /// The floor and the cap of a fee: what they change depends on the amount if there is a rate, else on nothing.
    fn bounds(&mut self, id: &'static str, [floor, cap]: [Place<'_>; 2], fee: &FeeRule) {
        let fixed = fee.fixed.map_or(0, |fixed| fixed.minor());
        let grows = fee.rate.is_some_and(|rate| rate.millionths() > 0);
        if let Some(least) = fee.floor.map(|floor| floor.minor()) {
            self.says(id, floor, Sides { passes: grows || fixed >= least, stands: fixed < least });
        }
        if let Some(most) = fee.cap.map(|cap| cap.minor()) {
            self.says(id, cap, Sides { passes: fixed <= most, stands: grows || fixed > most });
        }
    }

    /// Estimates are tried in order, until one matches: what sales are left for each.
    fn arrivals(&mut self, id: &'static str, rules: &[ArrivalRule], matcher: &Matcher) {
        let channels = Channel::ALL.iter().map(|(channel, _)| *channel);
        let cards = || CardType::ALL.iter().map(|(card_type, _)| Some(*card_type)).chain([None]);
        let mut left: Vec<(Channel, Option<CardType>)> = channels
            .filter(|channel| matcher.channel.is_empty() || matcher.channel.contains(channel))
            .flat_map(|channel| cards().map(move |card_type| (channel, card_type)))
            .filter(|(_, card)| matcher.card_type.is_empty() || card.is_some_and(|c| matcher.card_type.contains(&c)))
            .collect();
        for (index, rule) in rules.iter().enumerate() {
            let applies = |(channel, card_type): &(Channel, Option<CardType>)| {
                rule.channel.is_none_or(|only| only == *channel)
                    && rule.card_type.is_none_or(|only| Some(only) == *card_type)
            };
            let sides = Sides { passes: left.iter().any(|sale| !applies(sale)), stands: left.iter().any(applies) };
            left.retain(|sale| !applies(sale));
            if sides != Sides::default() {
                self.says(id, Item("arrival", index), sides);
            }
        }
    }
}
