//! Which rules hold for which sale.

use crate::world::{LAKALA, PAID, UNIONPAY, amount, at, cny, engine, later, ordinary, refunded, seconds, voided};
use rescind_eligibility::Engine;
use rescind_model::{BusinessDay, CardType, Channel, Counted, Facts, Instant, Outcome, Remedy, Way};
use rescind_policy::document::{
    CountLimit, Document, Matcher, Permission, TierBasis, TimeBand, Variant, VoidRules, Weekday,
};
use rescind_policy::scalar::{Date, TimeOfDay};

/// `UnionPay`'s rules, with another window for sales that match.
fn windows(of: impl IntoIterator<Item = (&'static str, Matcher, u32)>) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    let base = document.void.as_mut().unwrap();
    (base.window, base.same) = (seconds(86_400), Vec::new());
    let base = base.clone();
    let variant = |(name, matches, window): (&str, Matcher, u32)| {
        let rules = VoidRules { window: seconds(window), ..base.clone() };
        Variant { matches, name: name.to_owned(), rules }
    };
    document.when.void = of.into_iter().map(variant).collect();
    engine(&document)
}

/// How long after the payment a void is open, in seconds.
fn window_of(engine: &Engine, facts: &Facts) -> i64 {
    (voided(engine, facts).open_until.unwrap().unix_ms - facts.sale.paid_at.unix_ms) / 1_000
}

#[test]
fn the_first_variant_that_matches_holds_and_else_the_section() {
    let credit = Matcher { card_type: vec![CardType::Credit], ..Matcher::default() };
    let cards = Matcher { channel: vec![Channel::Card], ..Matcher::default() };
    let engine = windows([("credit", credit, 180), ("card", cards, 600)]);
    let mut facts = ordinary(&engine, 10_000, at(PAID));
    for (channel, card_type, window) in [
        (Channel::Card, Some(CardType::Credit), 180),
        (Channel::Card, Some(CardType::Debit), 600),
        // A sale without a known kind of card is of no kind of card.
        (Channel::Card, None, 600),
        (Channel::PaymentCode, None, 86_400),
        (Channel::PaymentCode, Some(CardType::Credit), 180),
    ] {
        (facts.sale.channel, facts.sale.card_type) = (channel, card_type);
        assert_eq!(window_of(&engine, &facts), window, "{channel:?} {card_type:?}");
    }
}

#[test]
fn every_condition_has_two_sides() {
    let word = |word: &str| vec![word.to_owned()];
    let date = |text: &str| Date::parse(text).ok();
    let any = Matcher::default;
    type Change = fn(&mut Facts);
    let table: [(&str, Matcher, Change, Change); 8] = [
        (
            "amount-from",
            Matcher { amount_from: amount(5_000), ..any() },
            |f| f.sale.captured = cny(5_000),
            |f| f.sale.captured = cny(4_999),
        ),
        (
            "amount-below",
            Matcher { amount_below: amount(5_000), ..any() },
            |f| f.sale.captured = cny(4_999),
            |f| f.sale.captured = cny(5_000),
        ),
        (
            "kind",
            Matcher { kind: vec!["hotel".to_owned(), "travel".to_owned()], ..any() },
            |f| f.sale.kind = "travel".to_owned(),
            |_| {},
        ),
        ("merchant", Matcher { merchant: word("M-1"), ..any() }, |_| {}, |f| f.sale.merchant = "M-2".parse().unwrap()),
        (
            "terminal-class",
            Matcher { terminal_class: word("unattended"), ..any() },
            |f| f.asker.terminal_class = Some("unattended".to_owned()),
            |_| {},
        ),
        (
            "paid-from",
            Matcher { paid_from: date("2026-11-23"), ..any() },
            |_| {},
            |f| f.sale.business_day = BusinessDay::parse("2026-11-22").unwrap(),
        ),
        (
            "paid-before",
            Matcher { paid_before: date("2026-11-23"), ..any() },
            |f| f.sale.business_day = BusinessDay::parse("2026-11-22").unwrap(),
            |_| {},
        ),
        (
            "all of it",
            Matcher { kind: word("purchase"), amount_from: amount(10_001), ..any() },
            |f| f.sale.captured = cny(10_001),
            |f| f.sale.captured = cny(10_000),
        ),
    ];
    for (name, matcher, does, does_not) in table {
        let engine = windows([("some", matcher, 600)]);
        for (change, window) in [(does, 600), (does_not, 86_400)] {
            let mut facts = ordinary(&engine, 10_000, at(PAID));
            change(&mut facts);
            let decision = engine.decide_void(&facts, &crate::world::void(facts.sale.captured.minor)).unwrap();
            let open = decision.open_until.unwrap().unix_ms - facts.sale.paid_at.unix_ms;
            assert_eq!(open, window * 1_000, "{name}");
        }
    }
}

fn band(from: &str, until: &str) -> Option<TimeBand> {
    Some(TimeBand { from: TimeOfDay::parse(from).unwrap(), until: TimeOfDay::parse(until).unwrap() })
}

/// At night, and on Sundays, no void at all.
fn closed_at(matcher: Matcher) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    let base = document.void.as_mut().unwrap();
    (base.window, base.same) = (seconds(10 * 86_400), Vec::new());
    let rules = VoidRules { enabled: false, ..base.clone() };
    document.when.void = vec![Variant { matches: matcher, name: "closed".to_owned(), rules }];
    engine(&document)
}

#[test]
fn a_band_of_time_is_half_open_and_goes_over_midnight() {
    let engine = closed_at(Matcher { between: band("22:30", "06:00"), ..Matcher::default() });
    let facts = ordinary(&engine, 10_000, at("2026-11-23T12:00:00+08:00"));
    for (asked, outcome, until) in [
        ("2026-11-23T22:29:59.999+08:00", Outcome::Allow, Some("2026-11-23T22:30:00+08:00")),
        ("2026-11-23T22:30:00+08:00", Outcome::Deny, None),
        ("2026-11-24T00:00:00+08:00", Outcome::Deny, None),
        ("2026-11-24T05:59:59.999+08:00", Outcome::Deny, None),
        ("2026-11-24T06:00:00+08:00", Outcome::Allow, Some("2026-11-24T22:30:00+08:00")),
        // The last evening before the window is over.
        ("2026-12-03T06:00:00+08:00", Outcome::Allow, Some("2026-12-03T12:00:00+08:00")),
    ] {
        let decision = voided(&engine, &later(&facts, at(asked)));
        assert_eq!((decision.outcome, decision.open_until), (outcome, until.map(at)), "{asked}");
    }
}

#[test]
fn a_weekday_is_a_local_calendar_day() {
    let engine = closed_at(Matcher { weekday: vec![Weekday::Sunday], ..Matcher::default() });
    // 2026-11-29 is a Sunday; its midnights are the evenings before in UTC.
    let facts = ordinary(&engine, 10_000, at("2026-11-26T12:00:00+08:00"));
    for (asked, outcome, until) in [
        ("2026-11-26T12:00:00+08:00", Outcome::Allow, Some("2026-11-28T16:00:00Z")),
        ("2026-11-28T15:59:59.999Z", Outcome::Allow, Some("2026-11-28T16:00:00Z")),
        ("2026-11-28T16:00:00Z", Outcome::Deny, None),
        ("2026-11-29T15:59:59.999Z", Outcome::Deny, None),
        ("2026-11-29T16:00:00Z", Outcome::Allow, Some("2026-12-05T16:00:00Z")),
    ] {
        let decision = voided(&engine, &later(&facts, at(asked)));
        assert_eq!((decision.outcome, decision.open_until), (outcome, until.map(at)), "{asked}");
    }
}

#[test]
fn a_band_on_some_weekdays_changes_only_there() {
    let matcher = Matcher { between: band("09:00", "10:00"), weekday: vec![Weekday::Friday], ..Matcher::default() };
    let engine = closed_at(matcher);
    let facts = ordinary(&engine, 10_000, at("2026-11-23T12:00:00+08:00"));
    let until = |asked: &str| voided(&engine, &later(&facts, at(asked))).open_until;
    assert_eq!(until("2026-11-23T12:00:00+08:00"), Some(at("2026-11-27T09:00:00+08:00")));
    assert_eq!(until("2026-11-27T10:00:00+08:00"), Some(at("2026-12-03T12:00:00+08:00")));
}

#[test]
fn a_band_of_other_sales_ends_nothing() {
    let night = Matcher { between: band("22:00", "06:00"), kind: vec!["hotel".to_owned()], ..Matcher::default() };
    let engine = windows([("night", night, 600)]);
    let facts = ordinary(&engine, 10_000, at(PAID));
    assert_eq!(window_of(&engine, &facts), 86_400);
}

#[test]
fn the_host_gathers_what_any_variant_counts() {
    let limit = |counted| CountLimit {
        at_ceiling: Permission::Deny,
        at_most: None,
        counted,
        per_business_day: Some(3),
        within: None,
    };
    let mut document: Document = LAKALA.clone();
    let mut rules = document.void.clone().unwrap();
    rules.count = vec![limit(Counted::MerchantAccount), limit(Counted::Operator)];
    let matches = Matcher { amount_from: amount(100_000), ..Matcher::default() };
    document.when.void = vec![Variant { matches: matches.clone(), name: "large".to_owned(), rules }];
    let mut rules = document.refund.clone().unwrap();
    rules.count = vec![limit(Counted::Operator)];
    document.refund.as_mut().unwrap().tiers_by = vec![TierBasis::Sale];
    rules.tiers_by = vec![TierBasis::RequesterDay];
    document.when.refund = vec![Variant { matches, name: "large".to_owned(), rules }];
    let needs = engine(&document).needs();
    let counted: Vec<(Way, Counted)> = needs.tallies.iter().map(|need| (need.way, need.counted)).collect();
    let expected =
        [(Way::Void, Counted::MerchantAccount), (Way::Void, Counted::Operator), (Way::Refund, Counted::Operator)];
    assert_eq!((counted.as_slice(), needs.requested_today), (expected.as_slice(), true));
    // A tier of a small sale does not ask what the requester asked for today.
    let engine = engine(&document);
    let mut facts = ordinary(&engine, 10_000, at(PAID));
    (facts.now, facts.requested_today) = (at("2026-11-25T12:00:00+08:00"), None);
    assert_eq!(refunded(&engine, &facts, 1).outcome, Outcome::Allow);
}

#[test]
fn advice_follows_the_rules_that_hold() {
    // Refunds of hotel sales only from the next business day on, others at once.
    let mut document: Document = UNIONPAY.clone();
    document.void.as_mut().unwrap().enabled = false;
    let mut rules = document.refund.clone().unwrap();
    rules.same_business_day = Permission::Deny;
    let matches = Matcher { kind: vec!["hotel".to_owned()], ..Matcher::default() };
    document.when.refund = vec![Variant { matches, name: "hotel".to_owned(), rules }];
    let engine = engine(&document);
    let mut facts = ordinary(&engine, 10_000, at(PAID));
    assert_eq!(voided(&engine, &facts).findings[0].remedy, Remedy::UseRefund);
    facts.sale.kind = "hotel".to_owned();
    let opens: Instant = at("2026-11-23T23:00:00+08:00");
    assert_eq!(voided(&engine, &facts).findings[0].remedy, Remedy::UseRefundFrom(opens));
}
