//! Each rule at its edges, for rules that no pack uses and for combinations.

use crate::world::{LAKALA, UNIONPAY, at, cny, engine, later, ordinary, refund, void};
use rescind_eligibility::Engine;
use rescind_model::{
    Counted, Decision, DecisionError, Facts, Finding, Instant, Outcome, Remedy, Role, SettlementMode, Tally, Value,
};
use rescind_policy::document::{
    CountLimit, Document, EvidenceRule, Permission, RefundRules, RefundWindow, Same, VoidRules,
};
use rescind_policy::scalar::{Amount, Span};

const PAID: &str = "2026-11-23T14:00:00+08:00";

fn amount(minor: i64) -> Option<Amount> {
    Some(Amount::new(minor).unwrap())
}

fn seconds(seconds: u32) -> Option<Span> {
    Some(Span::new(seconds).unwrap())
}

/// `UnionPay`'s rules with some changed: they refuse little by themselves.
fn void_rules(change: impl FnOnce(&mut VoidRules)) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    change(document.void.as_mut().unwrap());
    engine(&document)
}

fn refund_rules(change: impl FnOnce(&mut RefundRules)) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    change(document.refund.as_mut().unwrap());
    engine(&document)
}

fn sale(engine: &Engine) -> Facts {
    ordinary(engine, 10_000, at(PAID))
}

fn after(facts: &Facts, ms: i64) -> Facts {
    later(facts, Instant { unix_ms: facts.sale.paid_at.unix_ms + ms })
}

/// Rule and remedy of each finding.
fn findings(decision: &Decision) -> Vec<(&str, &Remedy)> {
    decision.findings.iter().map(|finding| (finding.rule.as_str(), &finding.remedy)).collect()
}

fn voided(engine: &Engine, facts: &Facts) -> Decision {
    engine.decide_void(facts, &void(10_000)).unwrap()
}

fn refunded(engine: &Engine, facts: &Facts, minor: i64) -> Decision {
    engine.decide_refund(facts, &refund(minor)).unwrap()
}

#[test]
fn a_void_waits_until_the_minimum_has_passed() {
    let engine = void_rules(|void| void.minimum_wait = seconds(15));
    let facts = sale(&engine);
    let early = voided(&engine, &after(&facts, 14_999));
    let opens = at("2026-11-23T14:00:15+08:00");
    assert_eq!(findings(&early), [("void.minimum-wait", &Remedy::RetryAfter(opens))]);
    assert_eq!(early.opens_at, Some(opens));
    assert_eq!(early.open_until, Some(at("2026-11-23T23:00:00+08:00")));
    assert_eq!(voided(&engine, &after(&facts, 15_000)).outcome, Outcome::Allow);
}

#[test]
fn a_void_that_would_open_after_its_end_does_not_open() {
    let engine = void_rules(|void| void.minimum_wait = seconds(15));
    let facts = ordinary(&engine, 10_000, at("2026-11-23T22:59:50+08:00"));
    let decision = voided(&engine, &facts);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!((decision.opens_at, decision.open_until), (None, None));
}

#[test]
fn a_calendar_day_ends_at_local_midnight() {
    let engine = void_rules(|void| void.same = vec![Same::CalendarDay]);
    let facts = sale(&engine);
    let midnight = at("2026-11-24T00:00:00+08:00");
    let last = voided(&engine, &later(&facts, at("2026-11-23T23:59:59.999+08:00")));
    assert_eq!((last.outcome, last.open_until), (Outcome::Allow, Some(midnight)));
    let over = voided(&engine, &later(&facts, midnight));
    assert_eq!(findings(&over), [("void.calendar-day", &Remedy::UseRefund)]);
}

#[test]
fn a_clock_that_is_behind_does_not_move_a_question_before_its_payment() {
    // Paid at local midnight, asked a second before it by the host's clock.
    let engine = void_rules(|void| void.same = vec![Same::CalendarDay]);
    let facts = ordinary(&engine, 10_000, at("2026-11-24T00:00:00+08:00"));
    let decision = voided(&engine, &after(&facts, -1_000));
    assert_eq!((decision.outcome, decision.open_until), (Outcome::Allow, Some(at("2026-11-25T00:00:00+08:00"))));
    // Paid at the cut-off: the question is of the sale's business day, not of the day before.
    let engine = refund_rules(|refund| refund.same_business_day = Permission::Deny);
    let facts = ordinary(&engine, 10_000, at("2026-11-23T23:00:00+08:00"));
    let decision = refunded(&engine, &after(&facts, -1_000), 10_000);
    assert_eq!(decision.findings[0].observed, Value::Day(facts.sale.business_day));
    assert_eq!(decision.opens_at, Some(at("2026-11-24T23:00:00+08:00")));
}

#[test]
fn the_earliest_end_of_all_windows_counts() {
    let engine = void_rules(|void| {
        void.same = vec![Same::BusinessDay, Same::CalendarDay];
        void.window = seconds(2 * 3_600);
    });
    let ends = |paid: &str| voided(&engine, &ordinary(&engine, 10_000, at(paid))).open_until;
    assert_eq!(ends("2026-11-23T14:00:00+08:00"), Some(at("2026-11-23T16:00:00+08:00")));
    assert_eq!(ends("2026-11-23T22:00:00+08:00"), Some(at("2026-11-23T23:00:00+08:00")));
    assert_eq!(ends("2026-11-23T23:30:00+08:00"), Some(at("2026-11-24T00:00:00+08:00")));
}

#[test]
fn a_closed_batch_ends_the_void() {
    let engine = void_rules(|void| void.same = vec![Same::OpenBatch]);
    let mut facts = sale(&engine);
    assert_eq!(voided(&engine, &facts).outcome, Outcome::Allow);
    facts.status.batch_closed_at = Some(facts.now);
    let decision = voided(&engine, &facts);
    assert_eq!(findings(&decision), [("void.batch", &Remedy::UseRefund)]);
    assert_eq!(decision.findings[0].observed, Value::At(facts.now));
    // A sale without a terminal has no batch: whether it is open is not known.
    facts.sale.slip = None;
    assert_eq!(engine.decide_void(&facts, &void(10_000)), Err(DecisionError::MissingFact("sale.slip".to_owned())));
}

#[test]
fn void_amounts_have_a_smallest_and_a_largest() {
    let engine = void_rules(|void| {
        void.min_amount = amount(100);
        void.max_amount = amount(2_000_000);
    });
    for (captured, allowed) in [(99, false), (100, true), (2_000_000, true), (2_000_001, false)] {
        let facts = ordinary(&engine, captured, at(PAID));
        let decision = engine.decide_void(&facts, &void(captured)).unwrap();
        assert_eq!(decision.outcome == Outcome::Allow, allowed, "{captured}");
        if !allowed {
            assert_eq!(findings(&decision), [("void.amount-limit", &Remedy::UseRefund)]);
        }
    }
}

#[test]
fn each_count_is_held_against_its_own_limit() {
    let engine = void_rules(|void| {
        void.count = vec![
            CountLimit { counted: Counted::Operator, per_business_day: 5, at_ceiling: Permission::Deny },
            CountLimit { counted: Counted::Terminal, per_business_day: 2, at_ceiling: Permission::Refer },
        ];
    });
    assert_eq!(engine.needs().void_tallies, [Counted::Operator, Counted::Terminal]);
    let with = |operator, terminal| {
        let mut facts = sale(&engine);
        facts.tallies = vec![
            Tally { counted: Counted::Terminal, voids_today: terminal },
            Tally { counted: Counted::Operator, voids_today: operator },
        ];
        voided(&engine, &facts)
    };
    assert_eq!(with(4, 1).outcome, Outcome::Allow);
    assert_eq!(
        (with(4, 2).outcome, findings(&with(4, 2))),
        (Outcome::Refer, vec![("void.count", &Remedy::ContactSupport)])
    );
    assert_eq!((with(5, 1).outcome, findings(&with(5, 1))), (Outcome::Deny, vec![("void.count", &Remedy::UseRefund)]));
    // Both are reported, and deny is stronger than refer in either order.
    assert_eq!((with(5, 2).outcome, with(5, 2).findings.len()), (Outcome::Deny, 2));
    assert_eq!(with(u32::MAX, 0).outcome, Outcome::Deny);
}

#[test]
fn a_void_switched_off_says_so_and_leaves_the_refund() {
    for engine in [void_rules(|void| void.enabled = false), engine(&Document { void: None, ..UNIONPAY.clone() })] {
        let decision = voided(&engine, &sale(&engine));
        assert_eq!(findings(&decision), [("void.enabled", &Remedy::UseRefund)]);
    }
}

#[test]
fn a_refund_switched_off_says_so_and_leaves_the_void() {
    for engine in
        [refund_rules(|refund| refund.enabled = false), engine(&Document { refund: None, ..UNIONPAY.clone() })]
    {
        let facts = sale(&engine);
        assert_eq!(findings(&refunded(&engine, &facts, 10_000)), [("refund.enabled", &Remedy::UseVoid)]);
        assert_eq!(findings(&refunded(&engine, &facts, 9_999)), [("refund.enabled", &Remedy::ContactSupport)]);
        assert_eq!(voided(&engine, &facts).outcome, Outcome::Allow);
        assert_eq!(
            findings(&voided(&engine, &later(&facts, at("2026-11-24T14:00:00+08:00")))),
            [("void.business-day", &Remedy::ContactSupport)]
        );
    }
}

#[test]
fn a_sale_that_is_not_refundable_in_parts_is_refunded_whole() {
    let engine = refund_rules(|refund| refund.partial = false);
    let facts = sale(&engine);
    assert_eq!(
        findings(&refunded(&engine, &facts, 9_999)),
        [("refund.partial", &Remedy::Provide("full-amount".to_owned()))]
    );
    assert_eq!(refunded(&engine, &facts, 10_000).outcome, Outcome::Allow);
}

#[test]
fn the_last_refund_is_allowed_and_the_first_too_many_is_not() {
    let engine = refund_rules(|refund| refund.max_count = Some(50));
    let mut facts = sale(&engine);
    for (counted, allowed) in [(0, true), (49, true), (50, false), (u32::MAX, false)] {
        facts.balance.refunds_counted = counted;
        assert_eq!(refunded(&engine, &facts, 1).outcome == Outcome::Allow, allowed, "{counted}");
    }
    assert_eq!(findings(&refunded(&engine, &facts, 1)), [("refund.count", &Remedy::ContactSupport)]);
}

#[test]
fn refunds_of_one_sale_keep_their_distance() {
    let engine = refund_rules(|refund| refund.min_spacing = seconds(60));
    let mut facts = sale(&engine);
    facts.balance.last_refund_at = Some(facts.now);
    let opens = Instant { unix_ms: facts.now.unix_ms + 60_000 };
    let early = refunded(&engine, &after(&facts, 59_999), 1);
    assert_eq!((findings(&early), early.opens_at), (vec![("refund.spacing", &Remedy::RetryAfter(opens))], Some(opens)));
    assert_eq!(refunded(&engine, &after(&facts, 60_000), 1).outcome, Outcome::Allow);
}

#[test]
fn refund_amounts_have_a_smallest_and_a_largest() {
    let engine = refund_rules(|refund| {
        refund.min_amount = amount(100);
        refund.max_amount = amount(5_000);
    });
    let facts = sale(&engine);
    assert_eq!(findings(&refunded(&engine, &facts, 99)), [("refund.amount-limit", &Remedy::ContactSupport)]);
    assert_eq!(refunded(&engine, &facts, 100).outcome, Outcome::Allow);
    assert_eq!(refunded(&engine, &facts, 5_000).outcome, Outcome::Allow);
    assert_eq!(findings(&refunded(&engine, &facts, 5_001)), [("refund.amount-limit", &Remedy::ReduceTo(cny(5_000)))]);
    // The void that is over still leads to a refund, in parts.
    let over = later(&facts, at("2026-11-24T14:00:00+08:00"));
    assert_eq!(findings(&voided(&engine, &over)), [("void.business-day", &Remedy::UseRefund)]);
}

#[test]
fn evidence_is_demanded_by_reason_and_amount_and_each_kind_once() {
    let rule = |kind: &str, reasons: &[&str], above| EvidenceRule {
        above,
        kind: kind.to_owned(),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    let engine = refund_rules(|refund| {
        refund.evidence = vec![
            rule("photo", &["quality"], None),
            rule("receipt", &[], amount(5_000)),
            rule("receipt", &["quality"], None),
            rule("statement", &["duplicate"], amount(8_000)),
        ];
    });
    let facts = sale(&engine);
    let demanded = |minor, reason: &str| -> Vec<String> {
        let question =
            rescind_model::RefundQuestion { amount: cny(minor), reason: Some(reason.to_owned()), evidence: Vec::new() };
        let decision = engine.decide_refund(&facts, &question).unwrap();
        assert!(decision.findings.iter().all(|finding| finding.rule == "refund.evidence"));
        let kind = |finding: &Finding| match &finding.remedy {
            Remedy::Provide(kind) => kind.clone(),
            other => panic!("{other:?}"),
        };
        decision.findings.iter().map(kind).collect()
    };
    assert_eq!(demanded(1, "not-delivered"), [""; 0]);
    assert_eq!(demanded(5_000, "not-delivered"), [""; 0]);
    assert_eq!(demanded(5_001, "not-delivered"), ["receipt"]);
    assert_eq!(demanded(1, "quality"), ["photo", "receipt"]);
    assert_eq!(demanded(10_000, "quality"), ["photo", "receipt"]);
    assert_eq!(demanded(8_001, "duplicate"), ["receipt", "statement"]);
    // Before a reason is chosen, what every reason demands is named.
    let assessed = engine.assess(&facts, Some(&cny(8_001))).unwrap();
    assert_eq!(assessed[1].obligations.evidence, ["receipt"]);
}

#[test]
fn a_permission_can_refer_instead_of_deny() {
    let engine = void_rules(|void| {
        void.paid_out = Permission::Refer;
        void.after_refund = Permission::Refer;
    });
    let mut facts = sale(&engine);
    facts.sale.settlement = SettlementMode::RealTime;
    facts.balance.refunds_sent = 1;
    let decision = voided(&engine, &facts);
    assert_eq!(decision.outcome, Outcome::Refer);
    let rules: Vec<&str> = decision.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["void.after-refund", "void.paid-out"]);
    // Support grants on these terms.
    assert!(decision.obligations.slip);
    let engine = void_rules(|void| void.paid_out = Permission::Allow);
    facts.balance.refunds_sent = 0;
    assert_eq!(voided(&engine, &facts).outcome, Outcome::Allow);
}

#[test]
fn every_rule_that_fails_is_reported_in_order() {
    let engine = engine(&LAKALA);
    let mut facts = later(&sale(&engine), at("2026-11-24T14:00:00+08:00"));
    facts.sale.settlement = SettlementMode::RealTime;
    facts.status.settled_at = Some(facts.now);
    facts.status.paid_out_at = Some(facts.now);
    facts.balance.refunds_sent = 1;
    facts.balance.reserved = cny(1);
    facts.balance.requested = cny(1);
    facts.tallies[0].voids_today = 3;
    facts.asker.roles = vec![Role::parse("guest").unwrap()];
    let question = rescind_model::VoidQuestion { amount: cny(1), reason: None, legal: false };
    let decision = engine.decide_void(&facts, &question).unwrap();
    let rules: Vec<&str> = decision.findings.iter().map(|finding| finding.rule.as_str()).collect();
    let expected = [
        "void.after-refund",
        "void.balance",
        "void.amount",
        "void.paid-out",
        "void.settled",
        "void.window",
        "void.count",
        "void.operator-role",
        "void.reason",
    ];
    assert_eq!(rules, expected);
    assert_eq!(decision.outcome, Outcome::Deny);
    // Whatever is denied obliges nobody to anything.
    assert!(
        decision.obligations.fees.is_empty() && decision.obligations.approvals.is_none() && !decision.obligations.slip
    );
}

#[test]
fn a_window_as_short_as_the_day_of_the_sale_leads_to_support() {
    // The policy checks refuse this for one day; two days in a business day that the host keeps open can still be too short.
    let engine = refund_rules(|refund| {
        refund.same_business_day = Permission::Deny;
        refund.window = RefundWindow::Days(2);
    });
    let mut facts = later(&sale(&engine), at("2026-11-25T13:59:59+08:00"));
    facts.business_day = Some(facts.sale.business_day);
    let decision = refunded(&engine, &facts, 5_000);
    assert_eq!(findings(&decision), [("refund.same-day", &Remedy::ContactSupport)]);
    assert_eq!(decision.opens_at, None);
}

#[test]
fn a_policy_is_loaded_from_its_compiled_form_only() {
    let refused = |bytes: &[u8]| Engine::load(bytes).unwrap_err();
    assert_eq!(refused(b"").code, "policy.shape");
    assert_eq!(refused(b"name = \"lakala\"").code, "policy.shape");
    let bytes = rescind_policy::canonical(&LAKALA);
    let spaced = String::from_utf8(bytes.clone()).unwrap().replacen(':', ": ", 1);
    assert_eq!(refused(spaced.as_bytes()).code, "policy.not-canonical");
    let engine = Engine::load(&bytes).unwrap();
    assert_eq!(engine.identity().hash, rescind_model::Digest::of(&bytes));
    assert!(engine.needs().requested_today);
}
