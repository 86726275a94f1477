//! Each rule at its edges, for rules that no pack uses and for combinations.

use crate::world::{
    LAKALA, PAID, UNIONPAY, after, alone, amount, at, ceilings, cny, engine, findings, later, of, ordinary, proof,
    refund, refund_rules, refunded, sale, seconds, tally, void, void_rules, voided,
};
use rescind_eligibility::Engine;
use rescind_model::{
    BusinessDay, CardType, Channel, Counted, Decision, DecisionError, Duration, Facts, Finding, FundingBasis, Hold,
    IdentityKind, IdentityProof, Instant, OfflineSituation, OperationQuestion, Outcome, Party, PaymentCode, Period,
    PersonId, Presenter, Remedy, Role, SaleOutcome, SettlementMode, Tally, TallyNeed, Value, VoidQuestion, Way,
};
use rescind_policy::document::{
    ArrivalRule, AuthenticationRule, Calendar, ChargeRule, CountLimit, CouponRule, Document, Effective, EvidenceRule,
    FeeRule, IdentityRule, Instead, Matcher, OfflineRules, PenaltyStep, Permission, PrepaidRule, RefundWindow,
    ReversalRules, Same, Since, Weekday,
};
use rescind_policy::scalar::{Date, Rate, Span};

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
}

#[test]
fn a_payment_that_no_terminal_made_is_in_no_open_batch() {
    let engine = void_rules(|void| void.same = vec![Same::OpenBatch]);
    let mut facts = sale(&engine);
    facts.sale.slip = None;
    let decision = voided(&engine, &facts);
    assert_eq!(findings(&decision), [("void.batch", &Remedy::UseRefund)]);
    assert_eq!(decision.findings[0].observed, Value::Absent);
    // So the other ways are answered too.
    let ways = engine.assess(&facts, None).unwrap();
    let outcomes: Vec<(Way, Outcome)> = ways.iter().map(|decision| (decision.way, decision.outcome)).collect();
    assert_eq!(outcomes, [(Way::Void, Outcome::Deny), (Way::Refund, Outcome::Allow)]);
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
        void.count =
            vec![limit(Counted::Operator, 5, Permission::Deny), limit(Counted::Terminal, 2, Permission::Refer)];
    });
    let counted: Vec<Counted> = engine.needs().tallies.iter().map(|need| need.counted).collect();
    assert_eq!(counted, [Counted::Operator, Counted::Terminal]);
    let with = |operator, terminal| {
        let mut facts = sale(&engine);
        facts.tallies = vec![tally(Counted::Terminal, terminal), tally(Counted::Operator, operator)];
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
        after: None,
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
    facts.tallies[0].count = 3;
    facts.asker.roles = vec![Role::parse("guest").unwrap()];
    let question = VoidQuestion { amount: cny(1), reason: None, legal: false, evidence: Vec::new() };
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

// ------------------------------------------------------------------------------------------- proofs

#[test]
fn an_unbound_demand_takes_a_proof_for_anything_but_none_for_something_else() {
    let engine = refund_rules(|refund| {
        refund.authentication = Some(AuthenticationRule { bound: false, max_age: Span::new(60).unwrap() });
    });
    let mut facts = sale(&engine);
    let any = |facts: &Facts| rescind_model::Authentication { operation: None, ..proof(facts.now) };
    facts.authentication = Some(any(&facts));
    assert_eq!(refunded(&engine, &facts, 1).outcome, Outcome::Allow);
    facts.authentication = Some(proof(facts.now));
    assert_eq!(refunded(&engine, &facts, 1).outcome, Outcome::Allow);
    facts.operation = Some(rescind_model::Digest::of(b"another"));
    let decision = refunded(&engine, &facts, 1);
    assert_eq!(findings(&decision), [("refund.authentication", &Remedy::Authenticate)]);
    assert_eq!(decision.findings[0].observed, Value::Text("other-operation".to_owned()));
    // What is only looked at, before it is asked for, needs no proof yet: the obligations name it.
    facts.operation = None;
    let looked_at = refunded(&engine, &facts, 1);
    assert_eq!(looked_at.outcome, Outcome::Allow);
    assert!(looked_at.obligations.authentication.is_some());
    facts.operation = Some(rescind_model::Digest::of(b"this"));
    facts.authentication = Some(any(&facts));
    facts.asker.person = None;
    assert_eq!(refunded(&engine, &facts, 1).findings[0].observed, Value::Text("other-person".to_owned()));
    facts.asker.person = PersonId::parse("P-1").ok();
    facts.now = Instant { unix_ms: facts.now.unix_ms + 60_001 };
    assert_eq!(refunded(&engine, &facts, 1).findings[0].observed, Value::Lasting(Duration { ms: 60_001 }));
}

#[test]
fn the_larger_the_amount_the_stricter_the_proof_of_the_customer() {
    let rule = |above, any_of: &[IdentityKind]| IdentityRule { above, any_of: any_of.to_vec() };
    let engine = refund_rules(|refund| {
        refund.identity = vec![
            rule(amount(1_000), &[IdentityKind::CustomerConfirmed, IdentityKind::PinVerified]),
            rule(amount(5_000), &[IdentityKind::PinVerified]),
        ];
    });
    let mut facts = sale(&engine);
    let confirmed = IdentityProof { kind: IdentityKind::CustomerConfirmed, reference: None, at: facts.now };
    facts.identity = vec![confirmed];
    assert_eq!(refunded(&engine, &facts, 1_000).obligations.identity, []);
    assert_eq!(refunded(&engine, &facts, 5_000).outcome, Outcome::Allow);
    let decision = refunded(&engine, &facts, 5_001);
    assert_eq!(findings(&decision), [("refund.identity", &Remedy::Identify(IdentityKind::PinVerified))]);
    assert_eq!(decision.findings[0].observed, Value::Text("customer-confirmed".to_owned()));
    facts.identity.clear();
    assert_eq!(refunded(&engine, &facts, 1_000).outcome, Outcome::Allow);
    let decision = refunded(&engine, &facts, 1_001);
    assert_eq!(findings(&decision), [("refund.identity", &Remedy::Identify(IdentityKind::CustomerConfirmed))]);
}

// ------------------------------------------------------------------------------------------- the other ways

fn asked(engine: &Engine, facts: &Facts, way: Way) -> Decision {
    let question = OperationQuestion { way, amount: None, trouble: None, reason: None, penalty: false };
    engine.decide_operation(facts, &question).unwrap()
}

fn unknown(engine: &Engine) -> Facts {
    let mut facts = sale(engine);
    facts.status.outcome = SaleOutcome::Unknown;
    facts
}

/// `WeChat Pay`'s rules for reversals: at least 15 seconds and at most 7 days after the payment.
fn reversal_rules(change: impl FnOnce(&mut ReversalRules)) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    let rules = document.reversal.as_mut().unwrap();
    rules.minimum_wait = seconds(15);
    rules.window = seconds(7 * 86_400);
    rules.after_window = Some(Permission::Deny);
    change(rules);
    engine(&document)
}

#[test]
fn a_reversal_waits_and_has_an_end() {
    let engine = reversal_rules(|_| {});
    let facts = unknown(&engine);
    let (opens, ends) = (at("2026-11-23T14:00:15+08:00"), at("2026-11-30T14:00:00+08:00"));
    let early = asked(&engine, &after(&facts, 14_999), Way::Reversal);
    assert_eq!(findings(&early), [("reversal.minimum-wait", &Remedy::RetryAfter(opens))]);
    assert_eq!((early.opens_at, early.open_until), (Some(opens), Some(ends)));
    // A void that is asked for meanwhile is sent to the reversal all the same.
    let meanwhile = voided(&engine, &after(&facts, 14_999));
    assert_eq!(findings(&meanwhile), [("sale.outcome", &Remedy::UseReversal)]);
    let open = asked(&engine, &after(&facts, 15_000), Way::Reversal);
    assert_eq!((open.outcome, open.open_until), (Outcome::Allow, Some(ends)));
    let over = later(&facts, ends);
    assert_eq!(asked(&engine, &Facts { now: Instant { unix_ms: ends.unix_ms - 1 }, ..facts }, Way::Reversal), open);
    assert_eq!(findings(&asked(&engine, &over, Way::Reversal)), [("reversal.window", &Remedy::ContactSupport)]);
    assert_eq!(voided(&engine, &over).findings[0].remedy, Remedy::ContactSupport);
}

#[test]
fn after_its_window_a_reversal_can_be_left_to_support() {
    let engine = reversal_rules(|rules| rules.after_window = Some(Permission::Refer));
    let facts = unknown(&engine);
    let over = asked(&engine, &after(&facts, 7 * 86_400_000), Way::Reversal);
    assert_eq!((over.outcome, over.findings[0].rule.as_str()), (Outcome::Refer, "reversal.window"));
    // Support grants on these terms.
    assert_eq!(over.obligations.queries.len(), 6);
}

#[test]
fn what_is_switched_off_leaves_no_payment_behind() {
    let mut document = UNIONPAY.clone();
    document.reversal.as_mut().unwrap().enabled = false;
    (document.code, document.hold) = (None, None);
    let engine = engine(&document);
    let mut facts = unknown(&engine);
    let support = |decision: &Decision, rule: &str| {
        assert_eq!(decision.outcome, Outcome::Refer);
        assert_eq!(findings(decision), [(rule, &Remedy::ContactSupport)]);
    };
    support(&asked(&engine, &facts, Way::Reversal), "reversal.enabled");
    facts.status.outcome = SaleOutcome::Unpaid;
    facts.code = Some(PaymentCode {
        presented_by: Presenter::Payer,
        reference: "O-1".to_owned(),
        created_at: facts.now,
        expires_at: facts.now,
        scanned_at: None,
    });
    support(&asked(&engine, &facts, Way::OrderClose), "order-close.enabled");
    facts.status.outcome = SaleOutcome::Held;
    facts.hold = Some(Hold {
        authorised: cny(10_000),
        ceiling: cny(10_000),
        authorised_at: facts.now,
        expires_at: at("2026-12-23T14:00:00+08:00"),
        authorisation_code: None,
    });
    support(&asked(&engine, &facts, Way::HoldRelease), "hold-release.enabled");
    let completion = asked(&engine, &facts, Way::HoldCompletion);
    assert_eq!(findings(&completion), [("hold-completion.enabled", &Remedy::UseHoldRelease)]);
    facts.status.outcome = SaleOutcome::Good;
    let voided = asked(&engine, &facts, Way::CompletionVoid);
    assert_eq!(findings(&voided), [("completion-void.enabled", &Remedy::UseRefund)]);
    assert_eq!(
        engine.decide_operation(
            &facts,
            &OperationQuestion { way: Way::Void, amount: None, trouble: None, reason: None, penalty: false }
        ),
        Err(DecisionError::MissingFact("way".to_owned()))
    );
}

#[test]
fn a_policy_without_a_word_on_reversals_always_reverses_what_is_unknown() {
    let engine = engine(&Document { reversal: None, ..UNIONPAY.clone() });
    let decision = asked(&engine, &after(&unknown(&engine), 400 * 86_400_000), Way::Reversal);
    assert_eq!((decision.outcome, decision.open_until), (Outcome::Allow, None));
    let waits: Vec<u64> = decision.obligations.queries.iter().map(|wait| wait.ms).collect();
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
}

#[test]
fn a_policy_says_how_long_things_live_and_who_does_what_is_rare() {
    let terms = engine(&LAKALA).terms();
    let roles = |roles: &[Role]| roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!((terms.code_lives, terms.hold_ceiling_percent), (Some(Duration::minutes(5)), Some(115)));
    assert_eq!(
        (roles(&terms.support_roles), roles(&terms.legal_roles)),
        (vec!["support".to_owned()], vec!["compliance".to_owned()])
    );
    assert_eq!((terms.funding, terms.retention_days), (None, 365));
    assert_eq!(engine(&UNIONPAY).terms().funding, Some(FundingBasis::SameDayIncome));
    // A policy of before knows neither codes nor holds nor orders, and support is called so.
    let bare = Document { code: None, hold: None, legal: None, support: None, privacy: None, ..LAKALA.clone() };
    let terms = engine(&bare).terms();
    assert_eq!((terms.code_lives, terms.hold_ceiling_percent, terms.hold_lives), (None, None, None));
    assert_eq!((roles(&terms.support_roles), roles(&terms.legal_roles)), (vec!["support".to_owned()], Vec::new()));
    let day = Duration { ms: 86_400_000 };
    assert_eq!((terms.grant_lives, terms.case_lives, terms.order_lives), (day, day, day));
    let legal = VoidQuestion { amount: cny(10_000), reason: None, legal: true, evidence: Vec::new() };
    let decision = engine(&bare).decide_void(&sale(&engine(&bare)), &legal).unwrap();
    assert_eq!(findings(&decision), [("legal.enabled", &Remedy::ContactSupport)]);
}

// ------------------------------------------------------------------------------------------- paid for in advance

#[test]
fn a_penalty_has_a_fixed_part_and_a_share_and_never_exceeds_the_sale() {
    let step = |within: Option<Span>, fixed: i64, rate: &str| PenaltyStep {
        fixed: amount(fixed),
        rate: Some(Rate::parse(rate).unwrap()),
        within,
    };
    let mut document = UNIONPAY.clone();
    document.prepaid = vec![PrepaidRule {
        cancellable: Permission::Allow,
        kind: "purchase".to_owned(),
        penalty: vec![step(seconds(86_400), 9_000, "50%"), step(None, 100, "0.005%")],
    }];
    document.refund.as_mut().unwrap().partial = false;
    let engine = engine(&document);
    let mut facts = sale(&engine);
    facts.sale.service_at = Some(at("2026-11-25T14:00:00+08:00"));
    // 1.00 and half a minor unit, rounded up: all but that is the whole of what can be refunded.
    let decision = engine.assess(&facts, None).unwrap().swap_remove(1);
    assert_eq!((decision.outcome, decision.amount.clone()), (Outcome::Allow, cny(9_899)));
    assert_eq!(decision.obligations.penalty, Some(cny(101)));
    assert_eq!(decision.open_until, Some(at("2026-11-24T14:00:00+08:00")));
    assert_eq!(
        findings(&refunded(&engine, &facts, 9_898)),
        [("refund.partial", &Remedy::Provide("full-amount".to_owned()))]
    );
    let last_day = later(&facts, at("2026-11-24T14:00:00+08:00"));
    let decision = refunded(&engine, &last_day, 1);
    assert!(findings(&decision).contains(&("refund.penalty", &Remedy::ContactSupport)));
    assert_eq!(voided(&engine, &facts).findings[0].rule, "void.penalty");
}

#[test]
fn a_legal_order_costs_nothing_and_returns_what_is_left_of_fee_and_coupon() {
    let engine = engine(&LAKALA);
    let mut facts = sale(&engine);
    facts.sale.fee_charged = cny(61);
    facts.sale.coupon = Some(cny(1_001));
    facts.balance.cleared = cny(5_000);
    facts.balance.requested = cny(5_000);
    facts.balance.refunds_sent = 1;
    facts.balance.fee_returned = cny(31);
    facts.balance.coupon_returned = cny(501);
    facts.asker.roles = vec![Role::parse("compliance").unwrap()];
    let question = VoidQuestion { amount: cny(5_000), reason: None, legal: true, evidence: Vec::new() };
    let decision = engine.decide_void(&facts, &question).unwrap();
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(decision.obligations.coupon, Some(cny(500)));
    let fees: Vec<i64> = decision.obligations.fees.iter().map(|fee| fee.amount.minor).collect();
    assert_eq!(fees, [30]);
}

#[test]
fn a_sponsor_that_got_more_than_is_due_gets_nothing_and_gives_nothing() {
    // Of six refunds of one minor unit each, those that fell to the payer were withdrawn: three are left, all the sponsor's.
    let engine = engine(&UNIONPAY);
    let mut facts = ordinary(&engine, 8, at(PAID));
    facts.sale.coupon = Some(cny(4));
    facts.balance.reserved = cny(3);
    facts.balance.requested = cny(3);
    facts.balance.coupon_returned = cny(3);
    assert_eq!(refunded(&engine, &facts, 1).obligations.coupon, None);
    assert_eq!(refunded(&engine, &facts, 5).obligations.coupon, Some(cny(1)));
}

#[test]
fn a_completion_can_demand_a_role_and_a_proof() {
    let mut document = LAKALA.clone();
    let rules = document.hold.as_mut().unwrap();
    rules.completion_roles = vec![Role::parse("manager").unwrap()];
    rules.completion_authentication = rules.release_authentication;
    let engine = engine(&document);
    let mut facts = sale(&engine);
    facts.status.outcome = SaleOutcome::Held;
    facts.hold = Some(Hold {
        authorised: cny(10_000),
        ceiling: cny(11_500),
        authorised_at: facts.now,
        expires_at: at("2026-12-23T14:00:00+08:00"),
        authorisation_code: None,
    });
    let decision = asked(&engine, &facts, Way::HoldCompletion);
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(decision.obligations.operator_roles, document.hold.as_ref().unwrap().completion_roles);
    assert!(decision.obligations.authentication.is_some_and(|demand| demand.bound));
    facts.asker.roles = vec![Role::parse("cashier").unwrap()];
    facts.authentication = None;
    let manager = Remedy::AskRole(Role::parse("manager").unwrap());
    let expected =
        [("hold-completion.operator-role", &manager), ("hold-completion.authentication", &Remedy::Authenticate)];
    assert_eq!(findings(&asked(&engine, &facts, Way::HoldCompletion)), expected);
}

#[test]
fn what_a_legal_order_voided_counts_for_the_fee_and_coupon_of_what_is_refunded_later() {
    // 20.00 were voided by legal order, 80.00 came back from the network since.
    let engine = engine(&UNIONPAY);
    let mut facts = sale(&engine);
    facts.sale.fee_charged = cny(60);
    facts.sale.coupon = Some(cny(2_000));
    facts.balance.voided = cny(2_000);
    facts.balance.fee_returned = cny(12);
    facts.balance.coupon_returned = cny(400);
    for (minor, fee, coupon) in [(8_000, 48, 1_600), (1_000, 6, 200)] {
        let obligations = refunded(&engine, &facts, minor).obligations;
        let fees: Vec<i64> = obligations.fees.iter().map(|fee| fee.amount.minor).collect();
        assert_eq!((fees, obligations.coupon), (vec![fee], Some(cny(coupon))));
    }
}

#[test]
fn an_expired_code_is_closed_before_anything_is_sold_anew() {
    for document in [&*LAKALA, &*UNIONPAY] {
        let engine = engine(document);
        let mut facts = sale(&engine);
        facts.status.outcome = SaleOutcome::Expired;
        let created_at = facts.now;
        facts.now = at("2026-11-23T20:00:00+08:00");
        facts.code = Some(PaymentCode {
            presented_by: Presenter::Merchant,
            reference: "O-1".to_owned(),
            created_at,
            expires_at: facts.now,
            scanned_at: None,
        });
        assert_eq!(asked(&engine, &facts, Way::OrderClose).outcome, Outcome::Allow);
        let reversal = asked(&engine, &facts, Way::Reversal);
        assert_eq!(findings(&reversal), [("reversal.outcome", &Remedy::UseOrderClose)]);
        // Where the policy does not let it be closed, nobody says that nothing was paid.
        for (permission, outcome) in [(Permission::Deny, Outcome::Deny), (Permission::Refer, Outcome::Refer)] {
            let mut strict = document.clone();
            strict.code.as_mut().unwrap().expired = permission;
            let close = asked(&self::engine(&strict), &facts, Way::OrderClose);
            assert_eq!(findings(&close), [("order-close.expired", &Remedy::ContactSupport)]);
            assert_eq!(close.outcome, outcome);
        }
        facts.status.outcome = SaleOutcome::Cancelled;
        let reversal = asked(&engine, &facts, Way::Reversal);
        assert_eq!(findings(&reversal), [("reversal.nothing-to-reverse", &Remedy::NewSale)]);
    }
}

#[test]
fn a_code_that_was_scanned_before_its_time_ran_out_is_not_simply_closed() {
    let mut document = LAKALA.clone();
    for (expired, expected) in [
        (Permission::Allow, vec![("order-close.scanned", &Remedy::ContactSupport)]),
        (
            Permission::Deny,
            vec![("order-close.scanned", &Remedy::ContactSupport), ("order-close.expired", &Remedy::ContactSupport)],
        ),
    ] {
        let code = document.code.as_mut().unwrap();
        (code.expired, code.scanned) = (expired, Permission::Refer);
        let engine = engine(&document);
        let mut facts = sale(&engine);
        let created_at = facts.now;
        facts.now = at("2026-11-23T14:10:00+08:00");
        facts.status.outcome = SaleOutcome::Expired;
        facts.code = Some(PaymentCode {
            presented_by: Presenter::Merchant,
            reference: "O-1".to_owned(),
            created_at,
            expires_at: facts.now,
            scanned_at: Some(created_at),
        });
        let close = asked(&engine, &facts, Way::OrderClose);
        assert_eq!(findings(&close), expected);
        assert_ne!(close.outcome, Outcome::Allow);
    }
}

#[test]
fn nobody_is_told_to_ask_for_less_where_less_is_closed_too() {
    let limited = |kinds: &[&str]| {
        refund_rules(|refund| {
            refund.max_amount = amount(5_000);
            refund.kinds_not_refundable = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            refund.not_refundable = Some(Permission::Deny);
        })
    };
    let limit = |kinds: &[&str], minor: i64, reserved: i64| {
        let engine = limited(kinds);
        let mut facts = after(&sale(&engine), 2 * 86_400_000);
        facts.sale.kind = "top-up".to_owned();
        (facts.balance.reserved, facts.balance.requested) = (cny(reserved), cny(reserved));
        let decision = refunded(&engine, &facts, minor);
        decision.findings.into_iter().map(|finding| (finding.rule, finding.remedy)).collect::<Vec<_>>()
    };
    let found = |rule: &str, remedy: Remedy| (rule.to_owned(), remedy);
    assert_eq!(limit(&[], 10_000, 0), [found("refund.amount-limit", Remedy::ReduceTo(cny(5_000)))]);
    assert_eq!(limit(&[], 4_000, 8_000), [found("refund.balance", Remedy::ReduceTo(cny(2_000)))]);
    assert_eq!(limit(&["top-up"], 10_000, 0).last(), Some(&found("refund.amount-limit", Remedy::ContactSupport)));
    assert_eq!(limit(&["top-up"], 4_000, 8_000).first(), Some(&found("refund.balance", Remedy::ContactSupport)));
}

#[test]
fn the_payers_part_is_rounded_half_up_and_the_coupons_is_the_rest() {
    // WeChat Pay, 退款: cash back = refund × cash ÷ total, rounded half up.
    let engine = refund_rules(|refund| refund.coupon = Some(CouponRule::CashProportion));
    for (captured, coupon, amount, part) in [
        (2, 1, 1, None),
        (1_000, 500, 333, Some(166)),
        (1_000, 300, 900, Some(270)),
        (10_000, 3_333, 50, Some(17)),
        (1_000, 500, 1_000, Some(500)),
    ] {
        let mut facts = ordinary(&engine, captured, at(PAID));
        facts.sale.coupon = Some(cny(coupon));
        assert_eq!(refunded(&engine, &facts, amount).obligations.coupon, part.map(cny), "{captured} {coupon} {amount}");
    }
}

#[test]
fn a_kind_that_is_not_voidable_leads_to_the_refund() {
    let engine = void_rules(|void| void.kinds_not_voidable = vec!["gift-card".to_owned()]);
    let mut facts = sale(&engine);
    assert_eq!(voided(&engine, &facts).outcome, Outcome::Allow);
    facts.sale.kind = "gift-card".to_owned();
    let decision = voided(&engine, &facts);
    assert_eq!(findings(&decision), [("void.kind", &Remedy::UseRefund)]);
    assert_eq!(decision.findings[0].observed, Value::Text("gift-card".to_owned()));
}

#[test]
fn a_void_can_demand_evidence_from_some_time_on() {
    let rule = |kind: &str, after| EvidenceRule { above: None, after, kind: kind.to_owned(), reasons: Vec::new() };
    let engine = void_rules(|void| void.evidence = vec![rule("slip", None), rule("letter", seconds(3_600))]);
    let facts = sale(&engine);
    let with = |ms, evidence: &[&str]| {
        let evidence = evidence.iter().map(|kind| (*kind).to_owned()).collect();
        engine.decide_void(&after(&facts, ms), &VoidQuestion { evidence, ..void(10_000) }).unwrap()
    };
    let provide = |kind: &str| Remedy::Provide(kind.to_owned());
    assert_eq!(findings(&with(0, &[])), [("void.evidence", &provide("slip"))]);
    let enough = with(3_599_999, &["slip"]);
    // It suffices until the letter is demanded too.
    assert_eq!((enough.outcome, enough.open_until), (Outcome::Allow, Some(at("2026-11-23T15:00:00+08:00"))));
    assert_eq!(findings(&with(3_600_000, &["slip"])), [("void.evidence", &provide("letter"))]);
    let all = with(3_600_000, &["letter", "slip"]);
    assert_eq!((all.outcome, all.open_until), (Outcome::Allow, Some(at("2026-11-23T23:00:00+08:00"))));
    assert_eq!(all.obligations.evidence, ["slip", "letter"]);
    // Whoever looks is told.
    assert_eq!(of(&engine.assess(&facts, None).unwrap(), Way::Void).obligations.evidence, ["slip"]);
}

#[test]
fn a_refund_waits_until_the_minimum_has_passed() {
    let engine = refund_rules(|refund| refund.minimum_wait = seconds(15));
    let facts = sale(&engine);
    let opens = at("2026-11-23T14:00:15+08:00");
    let early = refunded(&engine, &after(&facts, 14_999), 1);
    assert_eq!(
        (findings(&early), early.opens_at),
        (vec![("refund.minimum-wait", &Remedy::RetryAfter(opens))], Some(opens))
    );
    assert_eq!(refunded(&engine, &after(&facts, 15_000), 1).outcome, Outcome::Allow);
}

#[test]
fn refunds_of_all_sales_are_counted_in_a_day_and_in_any_span() {
    let engine = refund_rules(|refund| {
        refund.count = vec![
            limit(Counted::Operator, 5, Permission::Deny),
            CountLimit {
                per_business_day: None,
                at_most: Some(3),
                within: seconds(86_400),
                ..limit(Counted::PayerToken, 0, Permission::Refer)
            },
        ];
    });
    let need = |counted, period| TallyNeed { way: Way::Refund, counted, period };
    let rolling = Period::Rolling(Duration::seconds(86_400));
    let needs = vec![need(Counted::Operator, Period::BusinessDay), need(Counted::PayerToken, rolling)];
    assert_eq!(engine.needs().tallies, needs);
    let mut facts = sale(&engine);
    let voids = facts.tallies.clone();
    let mut with = |operator, payer| {
        facts.tallies.clone_from(&voids);
        facts.tallies.extend(needs.iter().cloned().zip([operator, payer]).map(|(need, count)| Tally { need, count }));
        refunded(&engine, &facts, 1)
    };
    assert_eq!(with(4, 2).outcome, Outcome::Allow);
    assert_eq!(with(4, 3).outcome, Outcome::Refer);
    assert_eq!(findings(&with(4, 3)), [("refund.tally", &Remedy::ContactSupport)]);
    assert_eq!(with(5, 2).outcome, Outcome::Deny);
    // The whole sale can be voided instead.
    let whole = engine.decide_refund(&facts, &refund(10_000)).unwrap();
    assert_eq!(findings(&whole), [("refund.tally", &Remedy::UseVoid)]);
    // A count of voids is none of refunds, and one of a day none of another span.
    facts.tallies = voids.clone();
    let missing = |name: &str| Err(DecisionError::MissingFact(name.to_owned()));
    assert_eq!(engine.decide_refund(&facts, &refund(1)), missing("tallies.refund.operator"));
    facts.tallies.push(Tally { need: need(Counted::Operator, Period::BusinessDay), count: 0 });
    facts.tallies.push(Tally { need: need(Counted::PayerToken, Period::BusinessDay), count: 0 });
    assert_eq!(engine.decide_refund(&facts, &refund(1)), missing("tallies.refund.payer-token.86400s"));
}

#[test]
fn a_window_can_run_from_the_authorisation() {
    let engine = refund_rules(|refund| {
        refund.since = Some(Since::Authorisation);
        refund.window = RefundWindow::Days(30);
    });
    let mut facts = sale(&engine);
    let held = at("2026-11-13T14:00:00+08:00");
    facts.hold = Some(Hold {
        authorised: cny(10_000),
        ceiling: cny(11_500),
        authorised_at: held,
        expires_at: at("2026-12-13T14:00:00+08:00"),
        authorisation_code: None,
    });
    let end = at("2026-12-13T14:00:00+08:00");
    let last = refunded(&engine, &later(&facts, Instant { unix_ms: end.unix_ms - 1 }), 1);
    assert_eq!((last.outcome, last.open_until), (Outcome::Allow, Some(end)));
    assert_eq!(findings(&refunded(&engine, &later(&facts, end), 1)), [("refund.window", &Remedy::ContactSupport)]);
    // What came from no hold was authorised when it was paid.
    facts.hold = None;
    assert_eq!(refunded(&engine, &facts, 1).open_until, Some(at("2026-12-23T14:00:00+08:00")));
}

/// 2026-10-01 to 2026-10-07 off, Saturday 10 October worked instead.
fn national_day() -> Option<Calendar> {
    let days = |days: &[&str]| days.iter().map(|day| Date::parse(day).unwrap()).collect();
    Some(Calendar {
        holidays: days(&["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"]),
        until: Date::parse("2026-12-31").unwrap(),
        weekend: vec![Weekday::Saturday, Weekday::Sunday],
        workdays: days(&["2026-10-10"]),
    })
}

#[test]
fn a_window_of_working_days_is_over_when_the_last_of_them_ends() {
    let mut document = UNIONPAY.clone();
    document.calendar = national_day();
    let rules = document.refund.as_mut().unwrap();
    (rules.window, rules.after_window) = (RefundWindow::WorkingDays(3), None);
    let engine = engine(&document);
    // Paid late on the last of September: 8, 9 and, for the holidays, Saturday 10 October are worked.
    let facts = ordinary(&engine, 10_000, at("2026-09-30T22:00:00+08:00"));
    let end = at("2026-10-11T00:00:00+08:00");
    let last = refunded(&engine, &later(&facts, Instant { unix_ms: end.unix_ms - 1 }), 1);
    assert_eq!((last.outcome, last.open_until), (Outcome::Allow, Some(end)));
    let over = refunded(&engine, &later(&facts, end), 1);
    assert_eq!((over.outcome, over.findings[0].rule.as_str()), (Outcome::Deny, "refund.window"));
}

#[test]
fn beyond_the_calendar_nobody_says_whether_a_window_is_over() {
    let mut document = UNIONPAY.clone();
    document.calendar = national_day();
    let rules = document.refund.as_mut().unwrap();
    (rules.window, rules.after_window) = (RefundWindow::WorkingDays(3), None);
    let engine = engine(&document);
    let facts = ordinary(&engine, 10_000, at("2026-12-30T12:00:00+08:00"));
    let reach = at("2027-01-01T00:00:00+08:00");
    let last = refunded(&engine, &later(&facts, Instant { unix_ms: reach.unix_ms - 1 }), 1);
    assert_eq!((last.outcome, last.open_until), (Outcome::Allow, Some(reach)));
    let beyond = refunded(&engine, &later(&facts, reach), 1);
    assert_eq!(beyond.outcome, Outcome::Refer);
    assert_eq!(findings(&beyond), [("refund.window", &Remedy::ContactSupport)]);
    // Without a calendar, Monday to Friday are worked for ever.
    document.calendar = None;
    let engine = crate::world::engine(&document);
    assert_eq!(refunded(&engine, &facts, 1).open_until, Some(at("2027-01-05T00:00:00+08:00")));
}

#[test]
fn an_arrival_has_dates_as_far_as_the_calendar_reaches() {
    let arrival =
        |working_days| vec![ArrivalRule { card_type: None, channel: None, min_days: 1, max_days: 3, working_days }];
    let day = |text: &str| Some(BusinessDay::parse(text).unwrap());
    let with = |working_days, asked: &str| {
        let mut document = UNIONPAY.clone();
        document.calendar = national_day();
        document.refund.as_mut().unwrap().arrival = arrival(working_days);
        let engine = engine(&document);
        let facts = ordinary(&engine, 10_000, at(asked));
        let arrival = refunded(&engine, &facts, 1).obligations.arrival.unwrap();
        (arrival.earliest, arrival.latest)
    };
    assert_eq!(with(true, "2026-09-29T12:00:00+08:00"), (day("2026-09-30"), day("2026-10-09")));
    // After the cut-off it is the next business day.
    assert_eq!(with(true, "2026-09-29T23:00:00+08:00"), (day("2026-10-08"), day("2026-10-10")));
    assert_eq!(with(false, "2026-09-29T12:00:00+08:00"), (day("2026-09-30"), day("2026-10-02")));
    assert_eq!(with(true, "2026-12-30T12:00:00+08:00"), (day("2026-12-31"), None));
}

#[test]
fn a_way_that_is_closed_says_what_that_means_and_where_to_go() {
    for (closed, outcome) in
        [(None, Outcome::Deny), (Some(Permission::Deny), Outcome::Deny), (Some(Permission::Refer), Outcome::Refer)]
    {
        for (instead, void_remedy, refund_remedy) in [
            (None, Remedy::UseRefund, Remedy::UseVoid),
            (Some(Instead::OtherWay), Remedy::UseRefund, Remedy::UseVoid),
            (Some(Instead::Support), Remedy::ContactSupport, Remedy::ContactSupport),
            (Some(Instead::Nothing), Remedy::None, Remedy::None),
        ] {
            let engine = void_rules(|void| (void.enabled, void.closed, void.instead) = (false, closed, instead));
            let decision = voided(&engine, &sale(&engine));
            assert_eq!((decision.outcome, findings(&decision)), (outcome, vec![("void.enabled", &void_remedy)]));
            let engine =
                refund_rules(|refund| (refund.enabled, refund.closed, refund.instead) = (false, closed, instead));
            let decision = refunded(&engine, &sale(&engine), 10_000);
            assert_eq!((decision.outcome, findings(&decision)), (outcome, vec![("refund.enabled", &refund_remedy)]));
        }
    }
}

#[test]
fn a_policy_that_is_not_in_force_leaves_everything_to_support() {
    let mut document = UNIONPAY.clone();
    document.effective =
        Some(Effective { from: Date::parse("2026-11-23").ok(), until: Date::parse("2026-11-25").ok() });
    let engine = engine(&document);
    let decide = |asked: &str| {
        let facts = ordinary(&engine, 10_000, at(asked));
        let (void, refund) = (voided(&engine, &facts), refunded(&engine, &facts, 1));
        assert_eq!(void.outcome, refund.outcome, "{asked}");
        (void.outcome, refund)
    };
    for asked in ["2026-11-22T23:59:59.999+08:00", "2026-11-25T00:00:00+08:00"] {
        let (outcome, refund) = decide(asked);
        assert_eq!(outcome, Outcome::Refer, "{asked}");
        assert_eq!(findings(&refund), [("policy.effective", &Remedy::ContactSupport)]);
    }
    assert_eq!(decide("2026-11-23T00:00:00+08:00").0, Outcome::Allow);
    let (outcome, refund) = decide("2026-11-24T23:59:59.999+08:00");
    assert_eq!((outcome, refund.open_until), (Outcome::Allow, Some(at("2026-11-25T00:00:00+08:00"))));
    // Reversals and closes too: no other policy was told to the terminal.
    let mut facts = unknown(&engine);
    facts.now = at("2026-11-25T00:00:00+08:00");
    assert_eq!(findings(&asked(&engine, &facts, Way::Reversal)), [("policy.effective", &Remedy::ContactSupport)]);
}

#[test]
fn a_sale_is_charged_by_the_first_charge_that_matches() {
    let fee = |rate: &str, cap, floor| FeeRule {
        cap,
        fixed: None,
        floor,
        payer: Party::Merchant,
        rate: Some(Rate::parse(rate).unwrap()),
    };
    let by = |name: &str, matches, fee| ChargeRule { fee, matches, name: name.to_owned() };
    let card =
        |card_type| Some(Matcher { card_type: vec![card_type], channel: vec![Channel::Card], ..Matcher::default() });
    let mut document = UNIONPAY.clone();
    document.charge = vec![
        by("credit", card(CardType::Credit), fee("0.6%", None, None)),
        by("debit", card(CardType::Debit), fee("0.5%", amount(2_000), None)),
        by(
            "code",
            Some(Matcher { channel: vec![Channel::PaymentCode], ..Matcher::default() }),
            fee("0.38%", None, amount(1)),
        ),
    ];
    let engine = engine(&document);
    let charged = |channel, card_type, captured| {
        let mut facts = ordinary(&engine, captured, at(PAID));
        (facts.sale.channel, facts.sale.card_type) = (channel, card_type);
        engine.acquiring_fee(&facts.sale).unwrap().map(|fee| fee.minor)
    };
    // Half a minor unit is rounded up: 0.6 % of 4.17 is 2.502 fen; of 4.16 2.496; of 0.83 0.498; of 0.84 0.504.
    for (captured, minor) in [(416, 2), (417, 3), (83, 0), (84, 1), (100_000, 600)] {
        assert_eq!(charged(Channel::Card, Some(CardType::Credit), captured), Some(minor), "{captured}");
    }
    for (captured, minor) in [(399_900, 2_000), (399_899, 1_999), (400_000, 2_000), (400_001, 2_000)] {
        assert_eq!(charged(Channel::Card, Some(CardType::Debit), captured), Some(minor), "{captured}");
    }
    assert_eq!(charged(Channel::PaymentCode, None, 1), Some(1));
    assert_eq!(charged(Channel::PaymentCode, None, 1_000), Some(4));
    // A kind of card that no charge is for, or none that is known.
    assert_eq!(charged(Channel::Card, Some(CardType::Prepaid), 1_000), None);
    assert_eq!(charged(Channel::Card, None, 1_000), None);
}

#[test]
fn every_ceiling_that_a_terminal_alone_is_above_is_reported_in_order() {
    let mut document = UNIONPAY.clone();
    let refused = |engine: &Engine, facts: &Facts| {
        let decision = voided(engine, facts);
        assert_eq!(decision.outcome, Outcome::Refer);
        assert!(decision.findings.iter().all(|finding| finding.remedy == Remedy::Provide("connection".to_owned())));
        decision.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let silent = engine(&document);
    let mut facts = sale(&silent);
    facts.offline = Some(alone(&facts));
    assert_eq!(refused(&silent, &facts), ["offline.enabled"]);
    document.offline = Some(OfflineRules {
        at_ceiling: Permission::Refer,
        void: Permission::Refer,
        max_amount: amount(9_999),
        max_total: amount(9_999),
        max_count: Some(1),
        max_records: 1,
        ..ceilings()
    });
    document.void.as_mut().unwrap().count = vec![limit(Counted::MerchantAccount, 3, Permission::Refer)];
    let strict = engine(&document);
    facts.tallies.clear();
    let before = |seconds: i64| Instant { unix_ms: facts.now.unix_ms - seconds * 1_000 };
    facts.offline = Some(OfflineSituation {
        clock_bound: Duration::seconds(9 * 3_600),
        last_contact: before(86_400),
        bundle_made: before(7 * 86_400),
        stored_records: 1,
        operations: 1,
        ..alone(&facts)
    });
    let all = [
        "offline.unknown",
        "offline.way",
        "offline.amount",
        "offline.total",
        "offline.count",
        "offline.records",
        "offline.contact",
        "offline.bundle",
        "offline.clock",
    ];
    assert_eq!(refused(&strict, &facts), all);
}

/// At most so many in a business day.
fn limit(counted: Counted, most: u32, at_ceiling: Permission) -> CountLimit {
    CountLimit { counted, at_ceiling, per_business_day: Some(most), at_most: None, within: None }
}
