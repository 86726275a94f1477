//! Policies of every shape that loads: a pack with anything that can be said changed at random.

use crate::world::{LAKALA, UNIONPAY, ceilings, cny};
use proptest::prelude::*;
use rescind_eligibility::Engine;
use rescind_model::{CardType, Channel, Counted, Duration, Facts, Forwarding, Instant, OfflineSituation, Tally};
use rescind_policy::canonical;
use rescind_policy::document::{
    ArrivalRule, Calendar, ChargeRule, CompletionVoidRules, CountLimit, CouponRule, Document, Effective, EvidenceRule,
    FeeRule, HoldRules, Instead, LateFee, Matcher, OfflineRules, Permission, RefundRules, RefundWindow, ReturnedFee,
    ReversalRules, Same, Since, TimeBand, Variant, VoidRules, Weekday,
};
use rescind_policy::scalar::{Amount, Date, Rate, Span, TimeOfDay};

/// A source of choices.
pub(crate) struct Dice {
    rolls: Vec<u32>,
    next: usize,
}

impl Dice {
    fn roll(&mut self) -> u32 {
        let roll = self.rolls.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        roll
    }

    /// 0 to `below - 1`; 0 where the dice are used up.
    fn below(&mut self, below: u32) -> u32 {
        self.roll() % below
    }

    fn chance(&mut self, percent: u32) -> bool {
        100 - self.below(100) <= percent
    }

    fn of<T: Clone>(&mut self, items: &[T]) -> T {
        let length = u32::try_from(items.len()).unwrap();
        items[usize::try_from(self.below(length)).unwrap()].clone()
    }

    fn maybe<T>(&mut self, percent: u32, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(percent) { Some(make(self)) } else { None }
    }

    fn some<T>(&mut self, percent: u32, most: u32, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if !self.chance(percent) {
            return Vec::new();
        }
        let length = 1 + self.below(most);
        (0..length).map(|_| make(self)).collect()
    }

    fn amount(&mut self) -> Amount {
        let most = self.of(&[10, 10_000, 1_000_000, 10_000_000]);
        Amount::new(i64::from(1 + self.below(most))).unwrap()
    }

    fn span(&mut self) -> Span {
        let most = self.of(&[60, 7_200, 200_000, 30 * 86_400]);
        Span::new(1 + self.below(most)).unwrap()
    }

    fn permission(&mut self) -> Permission {
        self.of(&[Permission::Allow, Permission::Refer, Permission::Deny])
    }

    fn refusal(&mut self) -> Permission {
        self.of(&[Permission::Refer, Permission::Deny])
    }

    fn word(&mut self) -> String {
        self.of(&["purchase", "top-up", "hotel-reservation", "M-1", "counter"].map(str::to_owned))
    }

    fn date(&mut self) -> Date {
        // Around the payments of the laws.
        let day = 20_400 + i32::try_from(self.below(500)).unwrap();
        let text = date_text(day);
        Date::parse(&text).unwrap()
    }

    fn time(&mut self) -> TimeOfDay {
        let minutes = self.below(1_440);
        TimeOfDay::parse(&format!("{:02}:{:02}", minutes / 60, minutes % 60)).unwrap()
    }

    fn matcher(&mut self) -> Matcher {
        Matcher {
            amount_below: self.maybe(20, Self::amount),
            amount_from: self.maybe(20, Self::amount),
            between: self.maybe(30, |dice| TimeBand { from: dice.time(), until: dice.time() }),
            card_type: self.some(20, 1, |dice| dice.of(&[CardType::Debit, CardType::Credit])),
            channel: self.some(20, 1, |dice| dice.of(&[Channel::Card, Channel::PaymentCode])),
            kind: self.some(30, 1, Self::word),
            merchant: self.some(10, 1, |_| "M-1".to_owned()),
            paid_before: self.maybe(10, Self::date),
            paid_from: self.maybe(10, Self::date),
            terminal_class: self.some(20, 1, |_| "counter".to_owned()),
            weekday: self.some(20, 1, |dice| dice.of(&[Weekday::Monday, Weekday::Saturday, Weekday::Sunday])),
        }
    }

    fn fee(&mut self) -> FeeRule {
        FeeRule {
            cap: self.maybe(40, Self::amount),
            fixed: self.maybe(50, Self::amount),
            floor: self.maybe(40, Self::amount),
            payer: self.of(&[rescind_model::Party::Merchant, rescind_model::Party::Customer]),
            rate: self.maybe(80, |dice| Rate::new(dice.below(20_000)).unwrap()),
        }
    }

    fn count(&mut self) -> CountLimit {
        let within = self.maybe(50, Self::span);
        let most = Some(1 + self.below(4));
        CountLimit {
            at_ceiling: self.refusal(),
            at_most: most.filter(|_| within.is_some()),
            counted: self.of(&[Counted::MerchantAccount, Counted::PayerToken, Counted::Operator, Counted::Terminal]),
            per_business_day: most.filter(|_| within.is_none()),
            within,
        }
    }

    fn evidence(&mut self) -> EvidenceRule {
        EvidenceRule {
            above: self.maybe(50, Self::amount),
            after: self.maybe(40, Self::span),
            kind: self.of(&["receipt", "photo"].map(str::to_owned)),
            reasons: self.some(40, 1, |dice| dice.of(&["duplicate", "wrong-amount"].map(str::to_owned))),
        }
    }

    fn arrival(&mut self) -> ArrivalRule {
        let min_days = self.below(5);
        ArrivalRule {
            card_type: self.maybe(30, |_| CardType::Debit),
            channel: self.maybe(50, |dice| dice.of(&[Channel::Card, Channel::PaymentCode])),
            max_days: min_days + self.below(5),
            min_days,
            working_days: self.chance(60),
        }
    }

    fn returned(&mut self) -> ReturnedFee {
        self.of(&[ReturnedFee::Full, ReturnedFee::Proportion, ReturnedFee::Kept])
    }

    fn instead(&mut self) -> Instead {
        self.of(&[Instead::OtherWay, Instead::Support, Instead::Nothing])
    }

    /// About every tenth field is another than it was.
    fn void(&mut self, rules: &mut VoidRules) {
        self.change(&mut rules.acquiring_fee, Self::returned);
        self.change(&mut rules.after_refund, Self::permission);
        self.change(&mut rules.arrival, |dice| dice.some(100, 3, Self::arrival));
        self.change(&mut rules.closed, |dice| Some(dice.refusal()));
        self.change(&mut rules.instead, |dice| Some(dice.instead()));
        self.change(&mut rules.count, |dice| dice.some(80, 2, Self::count));
        self.change(&mut rules.enabled, |_| false);
        self.change(&mut rules.evidence, |dice| dice.some(100, 2, Self::evidence));
        self.change(&mut rules.kinds_not_voidable, |dice| vec![dice.word().to_lowercase()]);
        self.change(&mut rules.max_amount, |dice| Some(dice.amount()));
        self.change(&mut rules.min_amount, |dice| Some(dice.amount()));
        self.change(&mut rules.minimum_wait, |dice| Some(dice.span()));
        self.change(&mut rules.operation_fee, |dice| Some(dice.fee()));
        self.change(&mut rules.paid_out, Self::permission);
        self.change(&mut rules.same, |dice| vec![dice.of(&[Same::BusinessDay, Same::CalendarDay, Same::OpenBatch])]);
        self.change(&mut rules.since, |dice| Some(dice.of(&[Since::Capture, Since::Authorisation])));
        self.change(&mut rules.window, |dice| Some(dice.span()));
    }

    fn refund(&mut self, rules: &mut RefundRules) {
        self.change(&mut rules.acquiring_fee, Self::returned);
        self.change(&mut rules.after_window, |dice| Some(dice.refusal()));
        self.change(&mut rules.arrival, |dice| dice.some(100, 3, Self::arrival));
        self.change(&mut rules.closed, |dice| Some(dice.refusal()));
        self.change(&mut rules.instead, |dice| Some(dice.instead()));
        self.change(&mut rules.count, |dice| dice.some(100, 2, Self::count));
        self.change(&mut rules.coupon, |dice| {
            Some(dice.of(&[CouponRule::CashFirst, CouponRule::CashProportion, CouponRule::Proportion]))
        });
        self.change(&mut rules.enabled, |_| false);
        self.change(&mut rules.evidence, |dice| dice.some(100, 2, Self::evidence));
        self.change(&mut rules.late_fee, |dice| Some(LateFee { after: dice.span(), fee: dice.fee() }));
        self.change(&mut rules.max_amount, |dice| Some(dice.amount()));
        self.change(&mut rules.min_amount, |dice| Some(dice.amount()));
        self.change(&mut rules.max_count, |dice| Some(1 + dice.below(4)));
        self.change(&mut rules.min_spacing, |dice| Some(dice.span()));
        self.change(&mut rules.minimum_wait, |dice| Some(dice.span()));
        self.change(&mut rules.operation_fee, |dice| Some(dice.fee()));
        self.change(&mut rules.partial, |_| false);
        self.change(&mut rules.real_time, Self::permission);
        self.change(&mut rules.same_business_day, Self::permission);
        self.change(&mut rules.since, |dice| Some(dice.of(&[Since::Capture, Since::Authorisation])));
        self.change(&mut rules.window, |dice| match dice.below(3) {
            0 => RefundWindow::Days(1 + dice.below(40)),
            1 => RefundWindow::Months(1 + dice.below(12)),
            _ => RefundWindow::WorkingDays(1 + dice.below(40)),
        });
    }

    fn hold(&mut self, rules: &mut HoldRules) {
        self.change(&mut rules.completion_roles, |_| vec!["manager".parse().unwrap()]);
        self.change(&mut rules.completion_void, |dice| {
            Some(CompletionVoidRules {
                authentication: None,
                operator_roles: Vec::new(),
                until_settlement: dice.chance(50),
                window: Some(dice.span()),
            })
        });
        self.change(&mut rules.enabled, |_| false);
        self.change(&mut rules.penalty, |_| None);
    }

    fn reversal(&mut self, rules: &mut ReversalRules) {
        self.change(&mut rules.enabled, |_| false);
        self.change(&mut rules.minimum_wait, |dice| Some(dice.span()));
        let after_window = self.refusal();
        if self.chance(20) {
            (rules.window, rules.after_window) = (Some(self.span()), Some(after_window));
        }
    }

    fn change<T>(&mut self, field: &mut T, make: impl FnOnce(&mut Self) -> T) {
        if self.chance(12) {
            *field = make(self);
        }
    }

    fn variants<R: Clone>(&mut self, base: Option<&R>, change: fn(&mut Self, &mut R)) -> Vec<Variant<R>> {
        let Some(base) = base else { return Vec::new() };
        let names = ["first", "second", "third"];
        let most = usize::try_from(self.below(4)).unwrap();
        let variant = |name: &&str| {
            let mut rules = base.clone();
            change(self, &mut rules);
            Variant { matches: self.matcher(), name: (*name).to_owned(), rules }
        };
        names.iter().take(most).map(variant).collect()
    }

    fn offline(&mut self) -> OfflineRules {
        OfflineRules {
            at_ceiling: self.refusal(),
            max_amount: self.maybe(40, Self::amount),
            max_count: self.maybe(40, |dice| 1 + dice.below(4)),
            max_total: self.maybe(40, Self::amount),
            max_records: 1 + self.below(4),
            refund: self.permission(),
            ..ceilings()
        }
    }

    fn document(&mut self) -> Document {
        let mut document = if self.chance(50) { LAKALA.clone() } else { UNIONPAY.clone() };
        if let Some(rules) = &mut document.void {
            self.void(rules);
        }
        if let Some(rules) = &mut document.refund {
            self.refund(rules);
        }
        document.when.void = self.variants(document.void.as_ref(), Self::void);
        document.when.refund = self.variants(document.refund.as_ref(), Self::refund);
        document.when.hold = self.variants(document.hold.as_ref(), Self::hold);
        document.when.reversal = self.variants(document.reversal.as_ref(), Self::reversal);
        document.when.code = self.variants(document.code.as_ref(), |dice, rules| {
            dice.change(&mut rules.expired, Self::permission);
            dice.change(&mut rules.scanned, Self::refusal);
            dice.change(&mut rules.enabled, |_| false);
        });
        document.calendar = self.maybe(50, |dice| Calendar {
            holidays: Vec::new(),
            until: dice.date(),
            weekend: vec![Weekday::Saturday, Weekday::Sunday],
            workdays: Vec::new(),
        });
        document.effective =
            self.maybe(15, |dice| Effective { from: dice.maybe(60, Self::date), until: dice.maybe(60, Self::date) });
        document.offline = self.maybe(70, Self::offline);
        let names = ["one", "two"];
        document.charge = names
            .iter()
            .take(usize::try_from(self.below(3)).unwrap())
            .map(|name| ChargeRule {
                fee: self.fee(),
                matches: self.maybe(80, Self::matcher),
                name: (*name).to_owned(),
            })
            .collect();
        document
    }

    /// What a host or a terminal adds to the facts of a sale for this policy.
    fn surround(&mut self, engine: &Engine, facts: &mut Facts) {
        let moments: Vec<i64> = vec![0, 1, 999, 60_000, 86_400_000, 700_000_000];
        facts.asker.terminal_class = self.maybe(50, |_| "counter".to_owned());
        facts.tallies = engine.needs().tallies.into_iter().map(|need| Tally { need, count: self.below(5) }).collect();
        if self.chance(10) {
            facts.tallies.pop();
        }
        if let Some(hold) = &mut facts.hold {
            hold.authorised_at.unix_ms -= self.of(&moments);
        }
        facts.balance.last_refund_at =
            self.maybe(20, |dice| Instant { unix_ms: facts.now.unix_ms - dice.of(&moments) });
        facts.offline = self.maybe(30, |dice| OfflineSituation {
            forwarding: dice.of(&[Forwarding::Kept, Forwarding::PerhapsSent, Forwarding::Forwarded]),
            clock_bound: Duration { ms: u64::try_from(dice.of(&moments)).unwrap() },
            last_contact: Instant { unix_ms: facts.now.unix_ms - dice.of(&moments) },
            bundle_made: Instant { unix_ms: facts.now.unix_ms - dice.of(&moments) },
            stored_records: dice.below(5),
            operations: dice.below(5),
            total: cny(i64::from(dice.below(10_000))),
        });
        if self.chance(10) {
            facts.requested_today = None;
        }
    }
}

/// The date so many days after `1970-01-01`.
fn date_text(days: i32) -> String {
    Instant { unix_ms: i64::from(days) * 86_400_000 }.to_string().chars().take(10).collect()
}

impl Dice {
    /// A line of a layer, or none.
    fn line(&mut self, lines: &mut String, percent: u32, text: impl FnOnce(&mut Self) -> String) {
        if self.chance(percent) {
            lines.push_str(&text(self));
            lines.push('\n');
        }
    }

    /// What a merchant says besides its provider: mostly stricter, sometimes not.
    fn layer(&mut self, upper: &str) -> String {
        let number = |dice: &mut Self, below| 1 + dice.below(below);
        let mut text = format!("layer = \"merchant\"\nextends = \"{upper}\"\nformat = 1\nname = \"{upper}\"\n");
        text.push_str("version = \"2\"\nsource = \"a law\"\n");
        self.line(&mut text, 50, |dice| {
            let kind = dice.of(&["purchase", "hotel-reservation"]);
            dice.of(&[
                format!("for = {{ kind = [\"{kind}\"] }}"),
                "for = { amount-from = \"500.00\" }".to_owned(),
                "for = { card-type = [\"debit\"], terminal-class = [\"counter\"] }".to_owned(),
                "for = { between = { from = \"20:00\", until = \"04:00\" } }".to_owned(),
            ])
        });
        text.push_str("[void]\n");
        self.line(&mut text, 25, |dice| format!("window = \"{} minutes\"", number(dice, 40)));
        self.line(&mut text, 15, |dice| format!("max-amount = \"{}.00\"", number(dice, 9_000)));
        self.line(&mut text, 15, |dice| format!("minimum-wait = \"{} seconds\"", number(dice, 50)));
        self.line(&mut text, 15, |dice| format!("operator-roles = [\"{}\"]", dice.of(&["manager", "cashier"])));
        self.line(&mut text, 10, |_| "enabled = false".to_owned());
        self.line(&mut text, 15, |_| "kinds-not-voidable = [\"top-up\"]".to_owned());
        self.line(&mut text, 15, |_| "evidence = [{ kind = \"receipt\", after = \"10 minutes\" }]".to_owned());
        self.line(&mut text, 15, |dice| format!("same = [\"{}\"]", dice.of(&["calendar-day", "open-batch"])));
        self.line(&mut text, 15, |dice| {
            let most = number(dice, 4);
            format!(
                "count = [{{ counted = \"operator\", at-most = {most}, within = \"1 hour\", at-ceiling = \"deny\" }}]"
            )
        });
        text.push_str("[refund]\n");
        self.line(&mut text, 25, |dice| format!("window = \"{} days\"", 1 + number(dice, 40)));
        self.line(&mut text, 15, |_| "partial = false".to_owned());
        self.line(&mut text, 15, |dice| format!("max-count = {}", number(dice, 3)));
        self.line(&mut text, 15, |dice| format!("max-amount = \"{}.00\"", number(dice, 9_000)));
        self.line(&mut text, 15, |dice| format!("minimum-wait = \"{} hours\"", number(dice, 20)));
        self.line(&mut text, 15, |_| "same-business-day = \"deny\"".to_owned());
        self.line(&mut text, 15, |_| "real-time = \"refer\"".to_owned());
        self.line(&mut text, 10, |_| "enabled = false\nclosed = \"deny\"".to_owned());
        text.push_str("[hold]\n");
        self.line(&mut text, 20, |_| "completion-roles = [\"manager\"]".to_owned());
        self.line(&mut text, 20, |_| "enabled = false".to_owned());
        text.push_str("[reversal]\n");
        self.line(&mut text, 20, |_| "enabled = false".to_owned());
        self.line(&mut text, 20, |dice| format!("minimum-wait = \"{} seconds\"", number(dice, 50)));
        text.push_str("[code]\n");
        self.line(&mut text, 20, |_| "expired = \"refer\"".to_owned());
        self.line(&mut text, 20, |_| "scanned = \"deny\"".to_owned());
        text.push_str("[offline]\n");
        self.line(&mut text, 20, |dice| format!("max-records = {}", number(dice, 4)));
        self.line(&mut text, 20, |_| "refund = \"deny\"".to_owned());
        self.line(&mut text, 20, |dice| format!("[effective]\nfrom = \"{}\"", dice.date()));
        text
    }
}

/// Layers that can be put upon a pack one after another, as texts.
pub(crate) fn any_layers(upper: &'static str) -> impl Strategy<Value = Vec<String>> {
    let rolls = prop::collection::vec(any::<u32>(), 0..90);
    prop::collection::vec(rolls, 1..3)
        .prop_map(move |layers| layers.into_iter().map(|rolls| layer(upper, rolls)).collect())
}

/// The layer that these rolls make.
pub(crate) fn layer(upper: &str, rolls: Vec<u32>) -> String {
    Dice { rolls, next: 0 }.layer(upper)
}

/// A policy that loads.
pub(crate) fn any_document() -> impl Strategy<Value = Document> {
    prop::collection::vec(any::<u32>(), 0..400)
        .prop_map(|rolls| Dice { rolls, next: 0 }.document())
        .prop_filter("a policy that is refused", |document| Engine::load(&canonical(document)).is_ok())
}

/// The facts of a sale as this policy is asked about it.
pub(crate) fn surrounded(engine: &Engine, facts: &Facts, rolls: Vec<u32>) -> Facts {
    let mut facts = facts.clone();
    Dice { rolls, next: 0 }.surround(engine, &mut facts);
    facts
}
