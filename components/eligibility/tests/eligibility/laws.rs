//! Laws that hold for every sale, at every time, under both packs.

use crate::world::{LAKALA, UNIONPAY, at, cny, engine, later, of, ordinary, refund, void};
use proptest::prelude::*;
use rescind_eligibility::Engine;
use rescind_model::{
    Asker, BusinessDay, Counted, Decision, DecisionError, Duration, Facts, FeeKind, Instant, Money, Outcome,
    RefundQuestion, Remedy, Role, SaleOutcome, SettlementMode, Tally, VoidQuestion, Way,
};
use rescind_policy::document::{Document, RefundWindow, ReturnedFee};
use rescind_policy::scalar::{Amount, Span};

fn packs() -> impl Strategy<Value = &'static Document> {
    prop_oneof![Just(&*LAKALA), Just(&*UNIONPAY)]
}

/// Sales as they come, in any state that a sound ledger can be in.
fn any_facts(document: &'static Document) -> impl Strategy<Value = Facts> {
    let engine = engine(document);
    let status = (
        prop_oneof![8 => Just(SaleOutcome::Good), 1 => Just(SaleOutcome::Unknown), 1 => Just(SaleOutcome::Declined), 1 => Just(SaleOutcome::Failed)],
        prop_oneof![4 => Just(SettlementMode::Ordinary), 1 => Just(SettlementMode::RealTime)],
        prop::bool::weighted(0.2),
        prop_oneof![6 => Just("purchase"), 1 => Just("top-up")],
        0..5_u32,
        prop::sample::select(vec!["cashier", "manager", "reviewer"]),
    );
    // Cleared and reserved as shares of the sale; voided or void under way instead of them.
    let balance = (0..3_u8, 0..=100_i64, 0..=100_i64, 0..3_u32);
    // Near the payment, near a cut-off, near the end of the window, anywhere.
    let later = prop_oneof![0..7_200_000_i64, 0..200_000_000_i64, 0..3_000_000_000_i64, 0..40_000_000_000_i64];
    (1..=9_999_999_i64, 0..5_000_000_000_i64, later, status, balance).prop_map(
        move |(
            captured,
            paid,
            later,
            (outcome, settlement, settled, kind, voids, role),
            (which, cleared, reserved, sent),
        )| {
            let paid_at = Instant::from_unix_ms(1_763_800_000_000 + paid).unwrap();
            let mut facts = ordinary(&engine, captured, paid_at);
            facts.now = Instant::from_unix_ms(paid_at.unix_ms + later).unwrap();
            facts.sale.settlement = settlement;
            facts.sale.kind = kind.to_owned();
            facts.sale.fee_charged = cny(captured * 6 / 1_000);
            facts.status.outcome = outcome;
            facts.status.settled_at = settled.then_some(facts.now);
            for tally in &mut facts.tallies {
                tally.voids_today = voids;
            }
            facts.asker.roles = vec![Role::parse(role).unwrap()];
            let balance = &mut facts.balance;
            if outcome == SaleOutcome::Good {
                match which {
                    0 => {}
                    1 => {
                        balance.cleared = cny(captured * cleared / 100);
                        balance.reserved = cny((captured - balance.cleared.minor) * reserved / 100);
                        balance.requested = cny(balance.cleared.minor + balance.reserved.minor);
                        balance.refunds_counted = 2;
                        balance.refunds_sent = sent;
                    }
                    _ if cleared > 50 => balance.voided = cny(captured),
                    _ => {
                        balance.reserved = cny(captured);
                        balance.void_open = true;
                    }
                }
            }
            facts
        },
    )
}

fn pack_and_facts() -> impl Strategy<Value = (&'static Document, Facts)> {
    packs().prop_flat_map(|document| any_facts(document).prop_map(move |facts| (document, facts)))
}

fn ask(engine: &Engine, facts: &Facts, way: Way, amount: i64) -> Decision {
    let decisions = engine.assess(facts, Some(&cny(amount))).unwrap();
    of(&decisions, way).clone()
}

/// Follows a remedy and says whether it leads where it says.
fn is_true(engine: &Engine, facts: &Facts, decision: &Decision, remedy: &Remedy, rule: &str) -> bool {
    let captured = facts.sale.captured.minor;
    let left = captured - facts.balance.cleared.minor - facts.balance.voided.minor - facts.balance.reserved.minor;
    let open = |facts: &Facts, way, amount| ask(engine, facts, way, amount).outcome != Outcome::Deny;
    match remedy {
        Remedy::UseVoid => {
            // Who may operate it is another question.
            let decision = ask(engine, facts, Way::Void, captured);
            decision.findings.iter().all(|finding| finding.rule == "void.operator-role")
        }
        Remedy::UseRefund => open(facts, Way::Refund, left.min(decision.amount.minor)),
        Remedy::UseRefundFrom(at) => {
            let before = Instant { unix_ms: at.unix_ms - 1 };
            open(&later(facts, *at), Way::Refund, left.min(decision.amount.minor))
                && !open(&later(facts, before), Way::Refund, left.min(decision.amount.minor))
        }
        Remedy::RetryAfter(at) => {
            let then = ask(engine, &later(facts, *at), decision.way, decision.amount.minor);
            then.findings.iter().all(|finding| finding.rule != rule)
        }
        Remedy::ReduceTo(amount) => {
            let then = ask(engine, facts, decision.way, amount.minor);
            then.findings.iter().all(|finding| finding.rule != rule)
        }
        Remedy::UseReversal => {
            let decisions = engine.assess(facts, None).unwrap();
            of(&decisions, Way::Reversal).outcome == Outcome::Allow
        }
        Remedy::AwaitOutcome => facts.balance.reserved.minor > 0,
        Remedy::AskRole(role) => {
            let mut facts = facts.clone();
            facts.asker.roles = vec![role.clone()];
            let then = ask(engine, &facts, decision.way, decision.amount.minor);
            then.findings.iter().all(|finding| finding.rule != rule)
        }
        Remedy::Provide(_) | Remedy::ContactSupport | Remedy::None => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_remedy_leads_where_it_says((document, facts) in pack_and_facts(), share in 1..=120_i64) {
        let engine = engine(document);
        let amount = (facts.sale.captured.minor * share / 100).max(1);
        for decision in engine.assess(&facts, Some(&cny(amount))).unwrap() {
            prop_assert_eq!(decision.outcome == Outcome::Allow, decision.findings.is_empty());
            let worst = decision.findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>();
            prop_assert_eq!(decision.outcome == Outcome::Deny, worst.contains(&Outcome::Deny));
            for finding in &decision.findings {
                prop_assert!(is_true(&engine, &facts, &decision, &finding.remedy, &finding.rule), "{:?} of {:?}", finding, decision);
            }
        }
    }

    #[test]
    fn a_good_unrefunded_sale_inside_its_refund_window_never_lacks_a_remedy((document, mut facts) in pack_and_facts()) {
        let engine = engine(document);
        facts.status.outcome = SaleOutcome::Good;
        facts.balance = ordinary(&engine, facts.sale.captured.minor, facts.sale.paid_at).balance;
        // Inside the shorter of the two windows.
        let passed = (facts.now.unix_ms - facts.sale.paid_at.unix_ms) % (30 * 86_400_000);
        facts.now = Instant { unix_ms: facts.sale.paid_at.unix_ms + passed };
        let decisions = engine.assess(&facts, None).unwrap();
        let is_open = decisions.iter().any(|decision| decision.outcome != Outcome::Deny);
        let opens = decisions.iter().any(|decision| decision.opens_at.is_some());
        let helped = decisions.iter().all(|decision| decision.findings.iter().all(|finding| finding.remedy != Remedy::None));
        prop_assert!(helped, "{:?}", decisions);
        // Only a kind that the policy names needs support; any other sale has a way that is open or will be.
        prop_assert!(is_open || opens || facts.sale.kind == "top-up", "{:?}", decisions);
    }

    #[test]
    fn opens_at_and_open_until_are_the_edges((document, facts) in pack_and_facts()) {
        let engine = engine(document);
        for decision in engine.assess(&facts, None).unwrap() {
            if decision.amount.is_zero() {
                continue;
            }
            let then = |at: Instant| ask(&engine, &later(&facts, at), decision.way, decision.amount.minor);
            let before = |at: Instant| Instant { unix_ms: at.unix_ms - 1 };
            if let Some(opens) = decision.opens_at {
                prop_assert!(facts.now < opens);
                prop_assert_eq!(then(before(opens)).outcome, Outcome::Deny);
                prop_assert_ne!(then(opens).outcome, Outcome::Deny);
            }
            if let Some(end) = decision.open_until {
                prop_assert!(facts.now < end);
                prop_assert_ne!(then(before(end)).outcome, Outcome::Deny);
                prop_assert_eq!(then(end).outcome, Outcome::Deny);
            }
        }
    }

    #[test]
    fn a_longer_void_window_never_refuses_what_a_shorter_allowed(
        (_, facts) in Just(&*LAKALA).prop_flat_map(|d| any_facts(d).prop_map(move |f| (d, f))),
        short in 1..7_200_u32,
        more in 0..7_200_u32,
    ) {
        let with = |seconds| {
            let mut document = LAKALA.clone();
            document.void.as_mut().unwrap().window = Some(Span::new(seconds).unwrap());
            engine(&document).decide_void(&facts, &void(facts.sale.captured.minor)).unwrap()
        };
        let (shorter, longer) = (with(short), with(short + more));
        prop_assert!(shorter.outcome == Outcome::Deny || longer.outcome == shorter.outcome);
        prop_assert!(shorter.open_until.is_none() || longer.open_until >= shorter.open_until);
    }

    #[test]
    fn a_longer_refund_window_never_refuses_what_a_shorter_allowed(
        (document, facts) in pack_and_facts(),
        short in 2..400_u32,
        more in 0..400_u32,
    ) {
        let with = |days| {
            let mut document = document.clone();
            document.refund.as_mut().unwrap().window = RefundWindow::Days(days);
            engine(&document).decide_refund(&facts, &refund(1)).unwrap()
        };
        let (shorter, longer) = (with(short), with(short + more));
        prop_assert!(shorter.outcome == Outcome::Deny || longer.outcome == shorter.outcome);
    }

    #[test]
    fn a_full_refund_in_any_parts_returns_exactly_the_fee_charged(
        document in packs(),
        captured in 1..=99_999_999_999_999_i64,
        share in 0..=1_000_000_i64,
        cuts in prop::collection::vec(0..=1_000_000_i64, 0..8),
        rule in prop::sample::select(vec![ReturnedFee::Full, ReturnedFee::Proportion, ReturnedFee::Kept]),
    ) {
        let mut document = document.clone();
        document.refund.as_mut().unwrap().acquiring_fee = rule;
        let engine = engine(&document);
        let of = |share: i64| i64::try_from(i128::from(captured) * i128::from(share) / 1_000_000).unwrap();
        let charged = of(share);
        let mut ends: Vec<i64> = cuts.into_iter().map(of).filter(|end| *end > 0).collect();
        ends.push(captured);
        ends.sort_unstable();
        ends.dedup();

        let paid = at("2026-11-20T14:00:00+08:00");
        let mut facts = ordinary(&engine, captured, paid);
        facts.now = at("2026-11-23T14:00:00+08:00");
        facts.sale.fee_charged = cny(charged);
        for end in ends {
            let part = end - facts.balance.requested.minor;
            let decision = engine.decide_refund(&facts, &refund(part)).unwrap();
            prop_assert_eq!(decision.outcome, Outcome::Allow);
            let returned: i64 = decision.obligations.fees.iter()
                .filter(|fee| fee.kind == FeeKind::AcquiringReturned)
                .map(|fee| fee.amount.minor)
                .sum();
            facts.balance.fee_returned = cny(facts.balance.fee_returned.minor + returned);
            facts.balance.requested = cny(end);
            facts.balance.cleared = cny(end);
            facts.balance.refunds_counted += 1;
            prop_assert!(facts.balance.fee_returned.minor <= charged);
            if rule == ReturnedFee::Full && end < captured {
                prop_assert_eq!(returned, 0);
            }
            if rule == ReturnedFee::Proportion {
                // Half up: twice the exact value, plus one, halved.
                let exact = (i128::from(charged) * i128::from(end) * 2 + i128::from(captured)) / (2 * i128::from(captured));
                prop_assert_eq!(i128::from(facts.balance.fee_returned.minor), exact);
            }
        }
        let expected = if rule == ReturnedFee::Kept { 0 } else { charged };
        prop_assert_eq!(facts.balance.fee_returned.minor, expected);
    }

    #[test]
    fn splitting_never_lowers_a_tier(document in packs(), first in 1..300_000_i64, second in 1..300_000_i64, other_sale in any::<bool>()) {
        let engine = engine(document);
        let mut facts = ordinary(&engine, 600_000, at("2026-11-20T14:00:00+08:00"));
        facts.now = at("2026-11-23T14:00:00+08:00");
        let needed = |facts: &Facts, amount| {
            engine.decide_refund(facts, &refund(amount)).unwrap().obligations.approvals.unwrap().needed
        };
        let whole = needed(&facts, first + second);
        if other_sale {
            facts.requested_today = Some(cny(first));
        } else {
            facts.balance.reserved = cny(first);
            facts.balance.requested = cny(first);
        }
        prop_assert_eq!(needed(&facts, second), whole);
    }

    #[test]
    fn the_same_question_gives_the_same_answer((document, facts) in pack_and_facts()) {
        let (one, other) = (engine(document), engine(document));
        let bytes = |engine: &Engine| format!("{:?}", (
            engine.assess(&facts, None),
            engine.decide_void(&facts, &void(facts.sale.captured.minor)),
            engine.decide_refund(&facts, &refund(1)),
        ));
        prop_assert_eq!(bytes(&one), bytes(&other));
    }

    #[test]
    fn what_was_decided_is_what_was_assessed((document, facts) in pack_and_facts()) {
        let engine = engine(document);
        let captured = facts.sale.captured.minor;
        let assessed = engine.assess(&facts, Some(&cny(captured))).unwrap();
        prop_assert_eq!(of(&assessed, Way::Void), &engine.decide_void(&facts, &void(captured)).unwrap());
        prop_assert_eq!(of(&assessed, Way::Refund), &engine.decide_refund(&facts, &refund(captured)).unwrap());
    }

    #[test]
    fn no_facts_panic(
        document in packs(),
        times in prop::collection::vec(prop_oneof![any::<i64>(), 0..=253_402_300_799_999_i64, Just(253_402_300_799_999)], 6),
        amounts in prop::collection::vec(prop_oneof![any::<i64>(), 0..=99_999_999_999_999_i64, 0..100_i64], 9),
        (year, month, day) in (prop_oneof![any::<u16>(), Just(9999), Just(1970)], any::<u8>(), prop_oneof![any::<u8>(), Just(1)]),
        counts in (any::<u32>(), any::<u32>(), any::<u32>()),
        currency in prop::sample::select(vec!["CNY", "USD", "", "人民币"]),
    ) {
        let engine = engine(document);
        let mut facts = ordinary(&engine, 1, at("2026-11-20T14:00:00+08:00"));
        let instant = |index: usize| Instant { unix_ms: times[index] };
        facts.sale.paid_at = instant(0);
        facts.now = instant(1);
        facts.status.settled_at = Some(instant(2));
        facts.status.paid_out_at = Some(instant(3));
        facts.status.batch_closed_at = Some(instant(4));
        facts.balance.last_refund_at = Some(instant(5));
        facts.sale.business_day = BusinessDay { year, month, day };
        facts.sale.captured = cny(amounts[0]);
        facts.sale.fee_charged = cny(amounts[1]);
        facts.balance.cleared = cny(amounts[2]);
        facts.balance.reserved = cny(amounts[3]);
        facts.balance.voided = cny(amounts[4]);
        facts.balance.fee_returned = cny(amounts[5]);
        facts.balance.requested = cny(amounts[6]);
        facts.requested_today = Some(cny(amounts[7]));
        facts.balance.refunds_counted = counts.0;
        facts.balance.refunds_sent = counts.1;
        facts.tallies[0].voids_today = counts.2;
        let amount = Money { minor: amounts[8], currency: currency.to_owned() };
        let _one = engine.assess(&facts, Some(&amount)).is_ok();
        let _two = engine.assess(&facts, None).is_ok();
        let _three = engine.decide_void(&facts, &VoidQuestion { amount: amount.clone(), reason: None }).is_ok();
        let _four = engine.decide_refund(&facts, &RefundQuestion { amount, reason: None, evidence: Vec::new() }).is_ok();
    }
}

#[test]
fn a_fact_that_a_rule_needs_is_never_guessed() {
    let engine = engine(&LAKALA);
    let facts = ordinary(&engine, 10_000, at("2026-11-23T14:00:00+08:00"));
    let missing = |name: &str| Err(DecisionError::MissingFact(name.to_owned()));

    let no_tally = Facts { tallies: Vec::new(), ..facts.clone() };
    assert_eq!(engine.decide_void(&no_tally, &void(10_000)), missing("tallies.merchant-account"));
    assert_eq!(engine.assess(&no_tally, None), missing("tallies.merchant-account").map(|never: Decision| vec![never]));
    let wrong_tally = Facts { tallies: vec![Tally { counted: Counted::Terminal, voids_today: 0 }], ..facts.clone() };
    assert_eq!(engine.decide_void(&wrong_tally, &void(10_000)), missing("tallies.merchant-account"));

    let mut nobody = facts.clone();
    nobody.asker = Asker { person: None, roles: Vec::new(), terminal: None };
    assert_eq!(engine.decide_void(&nobody, &void(10_000)), missing("asker.person"));
    // Before anybody signs in, the ways can be looked at: the obligations name the roles.
    let decisions = engine.assess(&nobody, None).unwrap();
    assert_eq!(of(&decisions, Way::Void).outcome, Outcome::Allow);
    assert_eq!(of(&decisions, Way::Void).obligations.operator_roles.len(), 3);

    let mut unknown_day = facts;
    unknown_day.now = at("2026-11-24T14:00:00+08:00");
    unknown_day.requested_today = None;
    assert_eq!(engine.decide_refund(&unknown_day, &refund(100)), missing("requested-today"));
}

#[test]
fn every_amount_must_be_in_the_policys_currency() {
    let engine = engine(&UNIONPAY);
    let facts = ordinary(&engine, 10_000, at("2026-11-23T14:00:00+08:00"));
    let dollars = Money { minor: 0, currency: "USD".to_owned() };
    let places: [fn(&mut Facts) -> &mut Money; 8] = [
        |facts| &mut facts.sale.captured,
        |facts| &mut facts.sale.fee_charged,
        |facts| &mut facts.balance.cleared,
        |facts| &mut facts.balance.voided,
        |facts| &mut facts.balance.reserved,
        |facts| &mut facts.balance.fee_returned,
        |facts| &mut facts.balance.requested,
        |facts| facts.requested_today.as_mut().unwrap(),
    ];
    for place in places {
        let mut facts = facts.clone();
        *place(&mut facts) = dollars.clone();
        assert!(matches!(engine.assess(&facts, None), Err(DecisionError::BadAmount(_))));
        assert!(matches!(engine.decide_void(&facts, &void(10_000)), Err(DecisionError::BadAmount(_))));
        assert!(matches!(engine.decide_refund(&facts, &refund(1)), Err(DecisionError::BadAmount(_))));
    }
}

#[test]
fn a_sale_of_nothing_is_no_sale() {
    let engine = engine(&UNIONPAY);
    let facts = ordinary(&engine, 0, at("2026-11-23T14:00:00+08:00"));
    assert!(matches!(engine.assess(&facts, None), Err(DecisionError::BadAmount(_))));
}

#[test]
fn a_reason_that_is_not_listed_is_not_repeated_if_it_could_be_anything() {
    let engine = engine(&LAKALA);
    let facts = ordinary(&engine, 10_000, at("2026-11-23T14:00:00+08:00"));
    for (reason, shown) in [
        ("because", "because"),
        ("6222021234567890123", "unlisted"),
        ("张三 13800138000", "unlisted"),
        ("", "unlisted"),
    ] {
        let question = VoidQuestion { amount: cny(10_000), reason: Some(reason.to_owned()) };
        let decision = engine.decide_void(&facts, &question).unwrap();
        assert_eq!(decision.findings.len(), 1);
        assert_eq!(decision.findings[0].observed, rescind_model::Value::Text(shown.to_owned()));
    }
}

#[test]
fn a_customer_never_pays_more_than_a_refund_brings() {
    let mut document = LAKALA.clone();
    let rules = document.refund.as_mut().unwrap();
    let late = rules.late_fee.as_mut().unwrap();
    late.fee.payer = rescind_model::Party::Customer;
    rules.operation_fee = Some(late.fee.clone());
    rules.operation_fee.as_mut().unwrap().fixed = Some(Amount::new(30).unwrap());
    let engine = engine(&document);
    let mut facts = ordinary(&engine, 10_000, at("2026-11-01T14:00:00+08:00"));
    facts.now = at("2026-11-23T14:00:00+08:00");
    let fees = |amount| -> Vec<(FeeKind, i64)> {
        let decision = engine.decide_refund(&facts, &refund(amount)).unwrap();
        decision.obligations.fees.iter().map(|fee| (fee.kind, fee.amount.minor)).collect()
    };
    assert_eq!(fees(1_000), [(FeeKind::Operation, 30), (FeeKind::Late, 100)]);
    assert_eq!(fees(50), [(FeeKind::Operation, 30), (FeeKind::Late, 20)]);
    assert_eq!(fees(20), [(FeeKind::Operation, 20)]);
}

#[test]
fn clock_skew_is_bounded() {
    assert_eq!(rescind_eligibility::window::CLOCK_SKEW, Duration::minutes(5));
}
