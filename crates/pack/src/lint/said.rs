//! What a document says that cannot be meant, whatever the sale.

use super::{
    CEILING_CONTRADICTION, COUNTER_WITHOUT_CEILING, Lint, NEVER_APPLIES, Severity, TIER_GAP, TIER_OVERLAP,
    TIER_WEAKER_ABOVE, WINDOW_CONTRADICTION,
};
use crate::notation;
use rescind_policy::Document;
use rescind_policy::document::{
    ArrivalRule, CountLimit, EvidenceRule, IdentityRule, OfflineRules, Permission, RefundRules, RefundWindow,
    ReversalRules, Same, Tier, TierBasis, VoidRules,
};
use rescind_policy::scalar::{Amount, Span};

/// Seconds in a day.
const DAY: u64 = 86_400;

/// The longest a calendar month lasts.
const MONTH_DAYS: u64 = 31;

/// The longest time that so many working days can take, holidays and weekends included: nobody rests for a month.
const WORKING_DAY_DAYS: u64 = 31;

/// Goes through a document.
pub(super) fn lint(document: &Document) -> Vec<Lint> {
    let mut said = Said { currency: &document.currency, found: Vec::new() };
    if let Some(rules) = &document.void {
        said.void("void", rules);
    }
    for variant in &document.when.void {
        said.void(&format!("void.when[{}]", variant.name), &variant.rules);
    }
    if let Some(rules) = &document.refund {
        said.refund("refund", rules);
    }
    for variant in &document.when.refund {
        said.refund(&format!("refund.when[{}]", variant.name), &variant.rules);
    }
    if let Some(rules) = &document.reversal {
        said.reversal("reversal", rules);
    }
    for variant in &document.when.reversal {
        said.reversal(&format!("reversal.when[{}]", variant.name), &variant.rules);
    }
    if let Some(rules) = &document.offline {
        said.offline(rules);
    }
    said.found
}

struct Said<'a> {
    currency: &'a str,
    found: Vec<Lint>,
}

impl Said<'_> {
    fn say(&mut self, severity: Severity, code: &'static str, place: String, message: String) {
        self.found.push(Lint { severity, code, place, message, example: None });
    }

    fn problem(&mut self, code: &'static str, place: String, message: String) {
        self.say(Severity::Problem, code, place, message);
    }

    fn amount(&self, amount: Amount) -> String {
        notation::amount(self.currency, amount)
    }

    fn void(&mut self, place: &str, rules: &VoidRules) {
        let whole_day = rules.same.iter().any(|same| *same != Same::OpenBatch);
        if let Some(window) = rules.window.filter(|window| whole_day && u64::from(window.seconds()) >= DAY) {
            self.problem(
                NEVER_APPLIES,
                format!("{place}.window"),
                format!("the day ends first: a window of {} never decides. Leave it out", notation::span(window)),
            );
        }
        let length = rules.window.map(|window| u64::from(window.seconds()));
        self.waits(place, rules.minimum_wait, length);
        self.counts(place, &rules.count);
        self.evidence(place, &rules.evidence, rules.max_amount, length, &rules.reasons);
        self.identity(place, &rules.identity, rules.max_amount);
        self.arrival(place, &rules.arrival);
    }

    fn refund(&mut self, place: &str, rules: &RefundRules) {
        let longest = longest(rules.window);
        self.waits(place, rules.minimum_wait, Some(longest));
        self.counts(place, &rules.count);
        // What is referred after the window is judged by everything else as well.
        let last = (rules.after_window != Some(Permission::Refer)).then_some(longest);
        self.evidence(place, &rules.evidence, rules.max_amount, last, &rules.reasons);
        self.identity(place, &rules.identity, rules.max_amount);
        self.arrival(place, &rules.arrival);
        self.tiers(place, rules);
        if let (Some(late), Some(last)) = (&rules.late_fee, last)
            && u64::from(late.after.seconds()) >= last
        {
            self.problem(
                NEVER_APPLIES,
                format!("{place}.late-fee.after"),
                format!("the window is over before {}: the late fee is never asked for", notation::span(late.after)),
            );
        }
        if let Some(spacing) = rules.min_spacing.filter(|spacing| u64::from(spacing.seconds()) >= longest) {
            self.problem(
                WINDOW_CONTRADICTION,
                format!("{place}.min-spacing"),
                format!("after {} the window is over: there is never a second refund", notation::span(spacing)),
            );
        }
        if !rules.partial && rules.max_count.is_some_and(|most| most > 1) {
            self.problem(
                NEVER_APPLIES,
                format!("{place}.max-count"),
                "without partial refunds a sale is refunded once at most. Leave it out".to_owned(),
            );
        }
        if !rules.partial && rules.min_spacing.is_some() {
            self.problem(
                NEVER_APPLIES,
                format!("{place}.min-spacing"),
                "without partial refunds a sale is refunded once at most. Leave it out".to_owned(),
            );
        }
    }

    fn waits(&mut self, place: &str, wait: Option<Span>, window: Option<u64>) {
        if let (Some(wait), Some(window)) = (wait, window)
            && u64::from(wait.seconds()) >= window
        {
            self.problem(
                WINDOW_CONTRADICTION,
                format!("{place}.minimum-wait"),
                format!("the window is over before {} have passed: it never opens", notation::span(wait)),
            );
        }
    }

    fn counts(&mut self, place: &str, counts: &[CountLimit]) {
        for (index, limit) in counts.iter().enumerate() {
            if limit.at_ceiling == Permission::Allow {
                self.problem(
                    COUNTER_WITHOUT_CEILING,
                    format!("{place}.count[{index}].at-ceiling"),
                    "a count at whose ceiling nothing happens limits nothing: write \"refer\" or \"deny\"".to_owned(),
                );
            }
            // A count over a longer time that allows as many makes one over a shorter time pointless.
            let outdone = counts.iter().enumerate().find(|(other, wider)| {
                *other != index
                    && wider.counted == limit.counted
                    && wider.at_ceiling == limit.at_ceiling
                    && matches!((limit.within, wider.within), (Some(short), Some(long)) if short < long)
                    && wider.at_most <= limit.at_most
            });
            if let Some((other, _)) = outdone {
                self.problem(
                    NEVER_APPLIES,
                    format!("{place}.count[{index}]"),
                    format!("count[{other}] allows no more in a longer time: this one never decides"),
                );
            }
        }
    }

    fn evidence(
        &mut self,
        place: &str,
        evidence: &[EvidenceRule],
        most: Option<Amount>,
        last: Option<u64>,
        reasons: &[String],
    ) {
        for (index, rule) in evidence.iter().enumerate() {
            let at = |key: &str| format!("{place}.evidence[{index}].{key}");
            if let (Some(above), Some(most)) = (rule.above, most)
                && above >= most
            {
                let message = format!("nothing is above {} here: it is never asked for", self.amount(most));
                self.problem(NEVER_APPLIES, at("above"), message);
            }
            if let (Some(after), Some(last)) = (rule.after, last)
                && u64::from(after.seconds()) >= last
            {
                let message = format!("the window is over before {}: it is never asked for", notation::span(after));
                self.problem(NEVER_APPLIES, at("after"), message);
            }
            let unknown = rule.reasons.iter().all(|reason| !reasons.contains(reason));
            if !rule.reasons.is_empty() && !reasons.is_empty() && unknown {
                let message = format!("none of these reasons can be chosen: {}", rule.reasons.join(", "));
                self.problem(NEVER_APPLIES, at("reasons"), message);
            }
        }
    }

    fn identity(&mut self, place: &str, identity: &[IdentityRule], most: Option<Amount>) {
        for (index, rule) in identity.iter().enumerate() {
            if let (Some(above), Some(most)) = (rule.above, most)
                && above >= most
            {
                let message = format!("nothing is above {} here: it is never asked for", self.amount(most));
                self.problem(NEVER_APPLIES, format!("{place}.identity[{index}].above"), message);
            }
        }
    }

    fn arrival(&mut self, place: &str, arrival: &[ArrivalRule]) {
        for (index, rule) in arrival.iter().enumerate() {
            let wider = arrival.iter().take(index).position(|earlier| {
                let channel = earlier.channel.is_none() || earlier.channel == rule.channel;
                let card = earlier.card_type.is_none() || earlier.card_type == rule.card_type;
                channel && card
            });
            if let Some(earlier) = wider {
                self.problem(
                    NEVER_APPLIES,
                    format!("{place}.arrival[{index}]"),
                    format!("arrival[{earlier}] is for all of these sales already"),
                );
            }
        }
    }

    fn tiers(&mut self, place: &str, rules: &RefundRules) {
        let last = rules.tier.len().saturating_sub(1);
        let mut before: Option<&Tier> = None;
        for (index, tier) in rules.tier.iter().enumerate() {
            let at = format!("{place}.tier[{}]", tier.name);
            match (before.and_then(|before| before.up_to), tier.up_to) {
                (Some(below), Some(up_to)) if up_to == below => {
                    let message = format!("the tier before is for everything up to {} already", self.amount(below));
                    self.problem(TIER_OVERLAP, at.clone(), message);
                }
                (Some(below), Some(up_to)) if up_to < below => {
                    let message = format!("it ends at {}, below the tier before", self.amount(up_to));
                    self.problem(TIER_OVERLAP, at.clone(), message);
                }
                _ => {}
            }
            if index < last && tier.up_to.is_none() {
                self.problem(TIER_OVERLAP, at.clone(), "it is for every amount: no later tier applies".to_owned());
            }
            if let Some(up_to) = tier.up_to.filter(|_| index == last) {
                let message = format!("no tier is for more than {}: leave out up-to in the last", self.amount(up_to));
                self.problem(TIER_GAP, at.clone(), message);
            }
            if let Some(weaker) = before.filter(|before| before.needed > tier.needed) {
                let message = format!("it needs {}, the tier below it {}", tier.needed, weaker.needed);
                self.problem(TIER_WEAKER_ABOVE, at.clone(), message);
            }
            // Only where one refund is all a sale can have is the sum never above the largest refund.
            let one_refund = !rules.partial || rules.max_count == Some(1);
            let by_sale = rules.tiers_by == [TierBasis::Sale];
            if let (Some(below), Some(most)) = (before.and_then(|before| before.up_to), rules.max_amount)
                && one_refund
                && by_sale
                && most <= below
            {
                let message = format!("no refund is above {}", self.amount(most));
                self.problem(NEVER_APPLIES, at, message);
            }
            before = Some(tier);
        }
    }

    fn reversal(&mut self, place: &str, rules: &ReversalRules) {
        let window = rules.window.map(|window| u64::from(window.seconds()));
        self.waits(place, rules.minimum_wait, window);
        let asked: u64 = rules.queries.iter().map(|wait| u64::from(wait.seconds())).sum();
        if let Some(window) = rules.window.filter(|window| asked >= u64::from(window.seconds())) {
            self.problem(
                WINDOW_CONTRADICTION,
                format!("{place}.window"),
                format!("it is over after {}, before the last query ({asked} seconds)", notation::span(window)),
            );
        }
    }

    fn offline(&mut self, rules: &OfflineRules) {
        if let (Some(one), Some(all)) = (rules.max_amount, rules.max_total)
            && one > all
        {
            let message = format!("one operation may be {}, all together {}", self.amount(one), self.amount(all));
            self.problem(CEILING_CONTRADICTION, "offline.max-total".to_owned(), message);
        }
        if let Some(most) = rules.max_count.filter(|most| *most > rules.max_records) {
            let message = format!("{most} operations do not fit into {} records", rules.max_records);
            self.problem(CEILING_CONTRADICTION, "offline.max-count".to_owned(), message);
        }
        let ways = [rules.void, rules.refund, rules.reversal, rules.other];
        if ways.iter().all(|way| *way == Permission::Deny) {
            let message = "it permits nothing: leave the section out".to_owned();
            self.say(Severity::Note, NEVER_APPLIES, "offline".to_owned(), message);
        }
    }
}

/// The longest a refund window can be, in seconds.
fn longest(window: RefundWindow) -> u64 {
    let days = match window {
        RefundWindow::Days(days) => u64::from(days),
        RefundWindow::Months(months) => u64::from(months).saturating_mul(MONTH_DAYS),
        RefundWindow::WorkingDays(days) => u64::from(days).saturating_mul(WORKING_DAY_DAYS),
    };
    days.saturating_mul(DAY)
}
