//! What a terminal may decide without the server.

use crate::world::{
    UNIONPAY, after, alone, amount, at, ceilings, cny, engine, later, of, ordinary, refunded, sale, seconds, tally,
    voided,
};
use rescind_eligibility::Engine;
use rescind_model::{
    Counted, Decision, Duration, Facts, Forwarding, Instant, OfflineEffect, OfflineSituation, OperationQuestion,
    Outcome, SaleOutcome, VoidQuestion, Way,
};
use rescind_policy::document::{
    CountLimit, Matcher, OfflineRules, Permission, TierBasis, TimeBand, Variant, VoidRules, Weekday,
};
use rescind_policy::scalar::Span;

fn with(change: impl FnOnce(&mut OfflineRules)) -> Engine {
    let mut document = UNIONPAY.clone();
    let mut rules = ceilings();
    change(&mut rules);
    document.offline = Some(rules);
    engine(&document)
}

fn offline(facts: &Facts, change: impl FnOnce(&mut OfflineSituation)) -> Facts {
    let mut here = alone(facts);
    change(&mut here);
    Facts { offline: Some(here), ..facts.clone() }
}

fn rules(decision: &Decision) -> Vec<&str> {
    decision.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn only_the_void_of_a_sale_that_never_left_the_terminal_is_done_at_once() {
    let engine = with(|_| {});
    for (forwarding, effect) in [
        (Forwarding::Kept, OfflineEffect::CancelsLocally),
        (Forwarding::PerhapsSent, OfflineEffect::Queued),
        (Forwarding::Forwarded, OfflineEffect::Queued),
    ] {
        let facts = offline(&sale(&engine), |here| here.forwarding = forwarding);
        let void = voided(&engine, &facts);
        assert_eq!((void.outcome, void.obligations.offline), (Outcome::Allow, Some(effect)), "{forwarding:?}");
        // A refund needs somebody who pays it.
        let refund = refunded(&engine, &facts, 10_000);
        assert_eq!((refund.outcome, refund.obligations.offline), (Outcome::Allow, Some(OfflineEffect::Queued)));
    }
    // What is not allowed has no effect, and what the server decides has none of these.
    let facts = offline(&sale(&engine), |here| here.stored_records = 500);
    assert_eq!(voided(&engine, &facts).obligations.offline, None);
    assert_eq!(voided(&engine, &sale(&engine)).obligations.offline, None);
}

#[test]
fn each_way_has_its_own_permission() {
    let engine = with(|rules| {
        (rules.void, rules.refund, rules.reversal) = (Permission::Allow, Permission::Deny, Permission::Refer);
    });
    let facts = offline(&sale(&engine), |_| {});
    assert_eq!(voided(&engine, &facts).outcome, Outcome::Allow);
    let refund = refunded(&engine, &facts, 1);
    assert_eq!((refund.outcome, rules(&refund)), (Outcome::Deny, vec!["offline.way"]));
    let mut unknown = facts.clone();
    unknown.status.outcome = SaleOutcome::Unknown;
    let reversal = engine.assess(&unknown, None).unwrap();
    let reversal = of(&reversal, Way::Reversal);
    assert_eq!((reversal.outcome, rules(reversal)), (Outcome::Refer, vec!["offline.way"]));
    let question =
        OperationQuestion { way: Way::OrderClose, amount: None, trouble: None, reason: None, penalty: false };
    assert!(!rules(&engine.decide_operation(&facts, &question).unwrap()).contains(&"offline.way"));
}

#[test]
fn every_ceiling_has_two_sides() {
    type Change = fn(&mut OfflineSituation);
    let engine = with(|rules| {
        rules.max_amount = amount(10_000);
        rules.max_total = amount(30_000);
        rules.max_count = Some(3);
    });
    let table: [(&str, Change, Change); 5] = [
        ("offline.total", |here| here.total = cny(20_000), |here| here.total = cny(20_001)),
        ("offline.count", |here| here.operations = 2, |here| here.operations = 3),
        ("offline.records", |here| here.stored_records = 499, |here| here.stored_records = 500),
        (
            "offline.contact",
            |here| here.last_contact.unix_ms -= 86_400_000,
            |here| here.last_contact.unix_ms -= 86_400_001,
        ),
        (
            "offline.bundle",
            |here| here.bundle_made.unix_ms -= 7 * 86_400_000,
            |here| here.bundle_made.unix_ms -= 7 * 86_400_000 + 1,
        ),
    ];
    for (rule, below, above) in table {
        let decide = |change: Change| voided(&engine, &offline(&sale(&engine), change));
        assert_eq!(decide(below).outcome, Outcome::Allow, "{rule}");
        assert_eq!((decide(above).outcome, rules(&decide(above))), (Outcome::Deny, vec![rule]));
    }
    let large = offline(&ordinary(&engine, 10_001, at(crate::world::PAID)), |_| {});
    let decision = engine.decide_void(&large, &crate::world::void(10_001)).unwrap();
    assert_eq!((decision.outcome, rules(&decision)), (Outcome::Deny, vec!["offline.amount"]));
}

#[test]
fn what_a_terminal_knows_ends_when_it_is_too_old() {
    let engine = with(|_| {});
    let facts = offline(&sale(&engine), |here| {
        here.last_contact.unix_ms -= 82_800_000;
        here.clock_bound = Duration::seconds(60);
    });
    // 24 hours after the last contact, an hour from now, less the minute that the clock may be off.
    let end = Instant { unix_ms: facts.now.unix_ms + 3_600_000 - 60_000 + 1 };
    let decision = voided(&engine, &facts);
    assert_eq!((decision.outcome, decision.open_until), (Outcome::Allow, Some(end)));
    let last = later(&facts, Instant { unix_ms: end.unix_ms - 1 });
    assert_eq!(voided(&engine, &last).outcome, Outcome::Allow);
    assert_eq!(rules(&voided(&engine, &later(&facts, end))), ["offline.contact"]);
}

#[test]
fn a_clock_fails_closed_on_both_sides_of_a_limit() {
    let engine = with(|_| {});
    let cut_off = at("2026-11-23T23:00:00+08:00");
    let asked = |ms: i64| {
        let now = Instant { unix_ms: cut_off.unix_ms + ms };
        let facts = offline(&later(&sale(&engine), now), |here| here.clock_bound = Duration::seconds(30));
        voided(&engine, &facts)
    };
    // True time is at most 30 seconds later: 22:59:29.999 is before the cut-off whatever the clock is off.
    assert_eq!(asked(-30_001).outcome, Outcome::Allow);
    for ms in [-30_000, -1, 0, 1, 29_999] {
        assert!(rules(&asked(ms)).contains(&"offline.clock"), "{ms}");
    }
    // From 30 seconds after it on, it has certainly passed.
    assert_eq!(rules(&asked(30_000)), ["void.business-day"]);
}

#[test]
fn a_clock_that_is_behind_what_the_server_said_proves_nothing() {
    let engine = with(|_| {});
    let ahead = |ms: i64| {
        offline(&sale(&engine), |here| {
            here.last_contact.unix_ms += ms;
            here.clock_bound = Duration::seconds(30);
        })
    };
    assert_eq!(voided(&engine, &ahead(30_000)).outcome, Outcome::Allow);
    assert_eq!(rules(&voided(&engine, &ahead(30_001))), ["offline.contact"]);
}

#[test]
fn what_only_the_server_knows_waits_for_it() {
    let mut document = UNIONPAY.clone();
    document.offline = Some(ceilings());
    let count = |counted, within: Option<Span>| CountLimit {
        at_ceiling: Permission::Deny,
        at_most: within.map(|_| 3),
        counted,
        per_business_day: if within.is_some() { None } else { Some(3) },
        within,
    };
    document.void.as_mut().unwrap().count =
        vec![count(Counted::Terminal, None), count(Counted::MerchantAccount, seconds(86_400))];
    let engine = engine(&document);
    let facts = offline(&sale(&engine), |_| {});
    // It knows its own voids, and not those of the merchant's other terminals in 24 hours.
    let void = voided(&engine, &facts);
    assert_eq!((void.outcome, rules(&void)), (Outcome::Refer, vec!["offline.unknown"]));
    let unknown = Facts { requested_today: None, ..facts.clone() };
    let refund = refunded(&engine, &unknown, 1);
    assert_eq!((refund.outcome, rules(&refund)), (Outcome::Refer, vec!["offline.unknown"]));
    // The strictest tier, whatever it is.
    assert_eq!(refund.obligations.approvals.unwrap().tier, "two-persons");
    assert_eq!(refunded(&engine, &facts, 1).obligations.approvals.unwrap().tier, "automatic");
}

#[test]
fn no_legal_order_is_carried_out_by_a_terminal_alone() {
    let mut document = crate::world::LAKALA.clone();
    document.offline = Some(ceilings());
    let engine = engine(&document);
    let mut facts = offline(&sale(&engine), |_| {});
    facts.asker.roles = vec!["compliance".parse().unwrap()];
    let question = VoidQuestion { amount: cny(10_000), reason: None, legal: true, evidence: Vec::new() };
    let decision = engine.decide_void(&facts, &question).unwrap();
    assert_eq!((decision.outcome, rules(&decision)), (Outcome::Refer, vec!["offline.unknown"]));
}

#[test]
fn a_policy_without_a_word_on_it_decides_nothing_offline() {
    let engine = engine(&UNIONPAY);
    let facts = offline(&after(&sale(&engine), 1_000), |_| {});
    for decision in engine.assess(&facts, None).unwrap() {
        assert_eq!((decision.outcome, rules(&decision)), (Outcome::Refer, vec!["offline.enabled"]));
    }
}

/// What a void at so many milliseconds from an edge, by a clock that may be off by half a minute, is refused or referred by.
fn around(engine: &Engine, edge: &str, ms: i64, change: impl Fn(&mut Facts)) -> Vec<String> {
    let edge = at(edge);
    let paid = Instant { unix_ms: edge.unix_ms - 600_000 };
    let mut facts = later(&ordinary(engine, 10_000, paid), Instant { unix_ms: edge.unix_ms + ms });
    change(&mut facts);
    let facts = offline(&facts, |here| here.clock_bound = Duration::seconds(30));
    voided(engine, &facts).findings.into_iter().map(|finding| finding.rule).collect()
}

fn variant(name: &str, matches: Matcher, change: impl FnOnce(&mut VoidRules)) -> Variant<VoidRules> {
    let mut rules = UNIONPAY.void.clone().unwrap();
    change(&mut rules);
    Variant { name: name.to_owned(), matches, rules }
}

#[test]
fn a_clock_fails_closed_on_both_sides_of_a_time_of_day_and_of_a_weekday() {
    // Voids at night only; no amount too large on a Tuesday only.
    let mut night = UNIONPAY.clone();
    night.offline = Some(ceilings());
    night.void.as_mut().unwrap().enabled = false;
    night.void.as_mut().unwrap().same = Vec::new();
    let time = |text: &str| rescind_policy::scalar::TimeOfDay::parse(text).unwrap();
    let between = Some(TimeBand { from: time("22:00"), until: time("06:00") });
    night.when.void =
        vec![variant("night", Matcher { between, ..Matcher::default() }, |rules| rules.same = Vec::new())];
    let mut tuesday = UNIONPAY.clone();
    tuesday.offline = Some(ceilings());
    tuesday.void.as_mut().unwrap().max_amount = amount(5_000);
    let weekday = vec![Weekday::Tuesday];
    tuesday.when.void = vec![variant("tuesday", Matcher { weekday, ..Matcher::default() }, |_| {})];
    for (document, edge, before) in [
        (night, "2026-11-23T22:00:00+08:00", "void.enabled"),
        (tuesday, "2026-11-24T00:00:00+08:00", "void.amount-limit"),
    ] {
        let engine = engine(&document);
        let asked = |ms: i64| around(&engine, edge, ms, |_| {});
        assert_eq!(asked(-30_001), [before]);
        for ms in [-30_000, -1] {
            assert_eq!(asked(ms), [before, "offline.clock"], "{edge} {ms}");
        }
        for ms in [0, 10_000, 29_999] {
            assert_eq!(asked(ms), ["offline.clock"], "{edge} {ms}");
        }
        assert!(asked(30_000).is_empty());
    }
}

#[test]
fn a_count_of_a_business_day_is_open_around_its_cut_off() {
    let mut document = UNIONPAY.clone();
    document.offline = Some(ceilings());
    let void = document.void.as_mut().unwrap();
    (void.same, void.count) = (
        Vec::new(),
        vec![CountLimit {
            at_ceiling: Permission::Deny,
            at_most: None,
            counted: Counted::Operator,
            per_business_day: Some(3),
            within: None,
        }],
    );
    let engine = engine(&document);
    let asked = |ms: i64, count: u32| {
        around(&engine, "2026-11-23T23:00:00+08:00", ms, |facts| facts.tallies = vec![tally(Counted::Operator, count)])
    };
    assert_eq!(asked(-30_001, 3), ["void.count"]);
    assert_eq!(asked(-30_000, 3), ["void.count", "offline.clock"]);
    // The clock shows the new day, of which nothing is counted yet; it may be the old one still.
    for ms in [0, 10_000, 29_999] {
        assert_eq!(asked(ms, 0), ["offline.clock"], "{ms}");
    }
    assert!(asked(30_000, 0).is_empty());
    assert!(asked(-30_001, 2).is_empty());
}

#[test]
fn what_a_requester_asked_for_in_a_business_day_is_open_around_its_cut_off() {
    let mut document = UNIONPAY.clone();
    document.offline = Some(ceilings());
    document.refund.as_mut().unwrap().same_business_day = Permission::Allow;
    let refund = |tiers_by: Vec<TierBasis>, ms: i64| {
        let mut document = document.clone();
        document.refund.as_mut().unwrap().tiers_by = tiers_by;
        let engine = engine(&document);
        let edge = at("2026-11-23T23:00:00+08:00");
        let paid = at("2026-11-20T14:00:00+08:00");
        let facts = later(&ordinary(&engine, 10_000, paid), Instant { unix_ms: edge.unix_ms + ms });
        let facts = offline(&facts, |here| here.clock_bound = Duration::seconds(30));
        rules(&refunded(&engine, &facts, 100)).contains(&"offline.clock")
    };
    for (ms, is_open) in [(-30_001, false), (-30_000, true), (0, true), (29_999, true), (30_000, false)] {
        assert_eq!(refund(vec![TierBasis::RequesterDay], ms), is_open, "{ms}");
        assert!(!refund(vec![TierBasis::Sale], ms));
    }
}
