//! Laws that hold for every sale, at every time, under both packs.

use crate::world::{LAKALA, UNIONPAY, at, cny, engine, later, of, ordinary, proof, refund, tally, void};
use proptest::prelude::*;
use rescind_eligibility::Engine;
use rescind_model::token::Token as _;
use rescind_model::{
    Asker, BusinessDay, Counted, Decision, DecisionError, Duration, Facts, FeeKind, Hold, IdentityKind, IdentityProof,
    Instant, Money, OperationQuestion, Outcome, PaymentCode, Presenter, RefundQuestion, Remedy, Role, SaleOutcome,
    SettlementMode, Trouble, VoidQuestion, Way,
};
use rescind_policy::document::{CouponRule, Document, Matcher, RefundRules, RefundWindow, ReturnedFee, Variant};
use rescind_policy::scalar::{Amount, Span};

fn packs() -> impl Strategy<Value = &'static Document> {
    prop_oneof![Just(&*LAKALA), Just(&*UNIONPAY)]
}

fn any_outcome() -> impl Strategy<Value = SaleOutcome> {
    let all: Vec<SaleOutcome> = SaleOutcome::ALL.iter().map(|(outcome, _)| *outcome).collect();
    prop::sample::select(all)
}

/// Gives a payment the beginning that its outcome needs, or one it can have: 0 a code nobody scanned, 1 a scanned code,
/// 2 a hold, else none.
fn begin(facts: &mut Facts, began: u8) {
    let paid_at = facts.sale.paid_at;
    let after = |ms: i64| Instant { unix_ms: paid_at.unix_ms + ms };
    let code = |scanned_at| PaymentCode {
        presented_by: Presenter::Merchant,
        reference: "O-1".to_owned(),
        created_at: paid_at,
        expires_at: after(120_000),
        scanned_at,
    };
    match facts.status.outcome {
        SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired => facts.code = Some(code(None)),
        SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed => facts.hold = Some(hold(facts)),
        _ if began < 2 => facts.code = Some(code(Some(paid_at))),
        _ if began == 2 => facts.hold = Some(hold(facts)),
        _ => {}
    }
}

fn hold(facts: &Facts) -> Hold {
    let captured = &facts.sale.captured;
    Hold {
        authorised: captured.clone(),
        ceiling: cny(captured.minor.saturating_mul(115).div_euclid(100)),
        authorised_at: facts.sale.paid_at,
        expires_at: Instant { unix_ms: facts.sale.paid_at.unix_ms + 30 * 86_400_000 },
        authorisation_code: None,
    }
}

/// Whether another operation than a void or refund can be under way with it.
fn can_be_under_way(facts: &Facts) -> bool {
    match facts.status.outcome {
        SaleOutcome::Unknown | SaleOutcome::Unpaid | SaleOutcome::Held => true,
        SaleOutcome::Good => facts.hold.is_some(),
        _ => false,
    }
}

/// Sales as they come, in any state that a sound ledger can be in.
fn any_facts(document: &'static Document) -> impl Strategy<Value = Facts> {
    let engine = engine(document);
    let status = (
        prop_oneof![8 => Just(SaleOutcome::Good), 5 => any_outcome()],
        prop_oneof![4 => Just(SettlementMode::Ordinary), 1 => Just(SettlementMode::RealTime)],
        prop::bool::weighted(0.2),
        prop_oneof![6 => Just("purchase"), 1 => Just("top-up"), 2 => Just("hotel-reservation"), 1 => Just("travel-package")],
        0..5_u32,
        prop::sample::select(vec!["cashier", "manager", "reviewer"]),
    );
    // Cleared and reserved as shares of the sale; voided or void under way instead of them.
    let balance = (0..3_u8, 0..=100_i64, 0..=100_i64, 0..3_u32);
    // How it began, whether something is under way with it, and when its service is due, in hours after the payment.
    let origin = (0..4_u8, prop::bool::weighted(0.2), prop::option::weighted(0.8, -24..400_i64));
    // Near the payment, near a cut-off, near the end of the window, anywhere.
    let later = prop_oneof![0..7_200_000_i64, 0..200_000_000_i64, 0..3_000_000_000_i64, 0..40_000_000_000_i64];
    (1..=9_999_999_i64, 0..5_000_000_000_i64, later, status, balance, origin).prop_map(
        move |(
            captured,
            paid,
            later,
            (outcome, settlement, settled, kind, voids, role),
            (which, cleared, reserved, sent),
            (began, under_way, due),
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
                tally.count = voids;
            }
            facts.asker.roles = vec![Role::parse(role).unwrap()];
            facts.authentication = Some(proof(facts.now));
            facts.identity = vec![IdentityProof { kind: IdentityKind::CardPresented, reference: None, at: facts.now }];
            facts.sale.service_at = due.map(|hours| Instant { unix_ms: paid_at.unix_ms + hours * 3_600_000 });
            begin(&mut facts, began);
            if under_way && can_be_under_way(&facts) {
                facts.balance.operation_open = true;
                if matches!(outcome, SaleOutcome::Good | SaleOutcome::Unknown) {
                    facts.balance.reserved = cny(captured);
                }
                return facts;
            }
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

pub(crate) fn pack_and_facts() -> impl Strategy<Value = (&'static Document, Facts)> {
    packs().prop_flat_map(|document| any_facts(document).prop_map(move |facts| (document, facts)))
}

fn ask(engine: &Engine, facts: &Facts, way: Way, amount: i64) -> Decision {
    let decisions = engine.assess(facts, Some(&cny(amount.max(1)))).unwrap();
    match decisions.iter().find(|decision| decision.way == way) {
        Some(decision) => decision.clone(),
        None => panic!("{way:?} is not among {decisions:?}"),
    }
}

/// What can be refunded now: what is left and no penalty keeps.
fn refundable(engine: &Engine, facts: &Facts) -> i64 {
    of(&engine.assess(facts, None).unwrap(), Way::Refund).amount.minor
}

/// Follows a remedy and says whether it leads where it says.
fn is_true(engine: &Engine, facts: &Facts, decision: &Decision, remedy: &Remedy, rule: &str) -> bool {
    let captured = facts.sale.captured.minor;
    let refundable = refundable(engine, facts);
    let is_open = |facts: &Facts, way, amount| ask(engine, facts, way, amount).outcome != Outcome::Deny;
    // Whether it is open by now or by time, whoever does it.
    let opens = |way, amount| {
        let decision = ask(engine, facts, way, amount);
        decision.opens_at.is_some()
            || decision.outcome != Outcome::Deny
            || decision.findings.iter().all(|finding| finding.rule.ends_with(".operator-role"))
    };
    let gone = |facts: &Facts, amount: i64| {
        let then = ask(engine, facts, decision.way, amount);
        then.findings.iter().all(|finding| finding.rule != rule)
    };
    match remedy {
        Remedy::UseVoid => {
            // Who may operate it is another question.
            let decision = ask(engine, facts, Way::Void, captured);
            decision.findings.iter().all(|finding| finding.rule == "void.operator-role")
        }
        Remedy::UseRefund => is_open(facts, Way::Refund, refundable.min(decision.amount.minor)),
        Remedy::UseRefundFrom(at) => {
            let before = Instant { unix_ms: at.unix_ms - 1 };
            is_open(&later(facts, *at), Way::Refund, refundable.min(decision.amount.minor))
                && !is_open(&later(facts, before), Way::Refund, refundable.min(decision.amount.minor))
        }
        Remedy::RetryAfter(at) => gone(&later(facts, *at), decision.amount.minor),
        Remedy::ReduceTo(amount) => gone(facts, amount.minor),
        Remedy::UseReversal => opens(Way::Reversal, captured),
        Remedy::UseOrderClose => opens(Way::OrderClose, captured),
        Remedy::UseHoldRelease => opens(Way::HoldRelease, captured),
        Remedy::UseCompletionVoid => opens(Way::CompletionVoid, captured),
        Remedy::AwaitOutcome => facts.balance.reserved.minor > 0 || facts.balance.operation_open,
        Remedy::AskRole(role) => {
            let mut facts = facts.clone();
            facts.asker.roles = vec![role.clone()];
            gone(&facts, decision.amount.minor)
        }
        // Nobody can have paid, and nobody can pay any more.
        Remedy::NewSale => matches!(
            facts.status.outcome,
            SaleOutcome::Declined | SaleOutcome::Failed | SaleOutcome::Reversed | SaleOutcome::Cancelled
        ),
        // Proofs are not asked for when ways are looked at, and nothing has been printed.
        Remedy::Authenticate | Remedy::Identify(_) | Remedy::Reprint => false,
        Remedy::Provide(_) | Remedy::ContactSupport | Remedy::None => true,
    }
}

/// Whether nothing of the payment is there to be taken back, now or later.
fn is_at_its_end(facts: &Facts) -> bool {
    let balance = &facts.balance;
    match facts.status.outcome {
        SaleOutcome::Good => balance.cleared.minor + balance.voided.minor == facts.sale.captured.minor,
        SaleOutcome::Unknown | SaleOutcome::Unpaid | SaleOutcome::Expired | SaleOutcome::Held => false,
        _ => true,
    }
}

fn good_and_whole(facts: &Facts) -> bool {
    facts.status.outcome == SaleOutcome::Good && facts.balance.reserved.minor + facts.balance.cleared.minor == 0
}

/// `amount × part / whole`, rounded half up, by another road than the crate's.
fn half_up(amount: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(amount) * i128::from(part);
    let (quotient, rest) = (product / i128::from(whole), product % i128::from(whole));
    i64::try_from(quotient + i128::from(rest * 2 >= i128::from(whole))).unwrap()
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
        (facts.code, facts.hold) = (None, None);
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
        let all_is_kept = facts.sale.kind == "hotel-reservation";
        prop_assert!(is_open || opens || facts.sale.kind == "top-up" || all_is_kept, "{:?}", decisions);
    }

    #[test]
    fn no_state_of_a_payment_is_without_a_way((document, facts) in pack_and_facts()) {
        let engine = engine(document);
        let decisions = engine.assess(&facts, None).unwrap();
        let way_on = |decision: &Decision| {
            decision.outcome != Outcome::Deny
                || decision.opens_at.is_some()
                || decision.findings.iter().any(|finding| finding.remedy != Remedy::None)
        };
        if is_at_its_end(&facts) {
            // Nothing to take back is said by void and refund alike, without false hope.
            for decision in decisions.iter().filter(|decision| matches!(decision.way, Way::Void | Way::Refund)) {
                prop_assert!(!way_on(decision), "{:?}", decision);
            }
        } else {
            prop_assert!(decisions.iter().any(way_on), "{:?}", decisions);
        }
    }

    #[test]
    fn every_operation_is_decided_with_a_true_remedy(
        (document, facts) in pack_and_facts(),
        way in prop::sample::select(vec![Way::Reversal, Way::OrderClose, Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid]),
        trouble in prop::option::of(prop::sample::select(Trouble::ALL.iter().map(|(trouble, _)| *trouble).collect::<Vec<_>>())),
        penalty in any::<bool>(),
    ) {
        let engine = engine(document);
        let question = OperationQuestion { way, amount: None, trouble, reason: None, penalty };
        let decision = engine.decide_operation(&facts, &question).unwrap();
        prop_assert_eq!(decision.way, way);
        prop_assert_eq!(decision.outcome == Outcome::Allow, decision.findings.is_empty());
        for finding in &decision.findings {
            let good = facts.status.outcome == SaleOutcome::Good;
            let declined = trouble == Some(Trouble::Declined) && finding.rule == "reversal.nothing-to-reverse";
            let told = match &finding.remedy {
                Remedy::Reprint => good && trouble == Some(Trouble::PrinterFault),
                Remedy::NewSale if declined => true,
                // The completion asked about here may keep a penalty, which the ways looked at do not.
                Remedy::ReduceTo(_) if penalty => true,
                remedy => is_true(&engine, &facts, &decision, remedy, &finding.rule),
            };
            prop_assert!(told, "{:?} of {:?}", finding, decision);
        }
        // What may be done is done to a payment of the right state, and to nothing else.
        if decision.outcome == Outcome::Allow {
            let right = match way {
                Way::Reversal => facts.status.outcome == SaleOutcome::Unknown,
                Way::OrderClose => matches!(facts.status.outcome, SaleOutcome::Unpaid | SaleOutcome::Expired),
                Way::HoldRelease | Way::HoldCompletion => facts.status.outcome == SaleOutcome::Held,
                _ => good_and_whole(&facts) && facts.hold.is_some(),
            };
            prop_assert!(right && !facts.balance.operation_open && !facts.balance.void_open, "{:?}", decision);
        }
    }

    #[test]
    fn a_legal_order_takes_what_is_left_and_never_more((document, mut facts) in pack_and_facts(), share in 1..=120_i64) {
        let engine = engine(document);
        facts.asker.roles = vec![Role::parse("compliance").unwrap()];
        let spoken_for = facts.balance.cleared.minor + facts.balance.voided.minor + facts.balance.reserved.minor;
        let left = facts.sale.captured.minor - spoken_for;
        for amount in [left, (facts.sale.captured.minor * share / 100).max(1)].into_iter().filter(|amount| *amount > 0) {
            let question = VoidQuestion { amount: cny(amount), reason: None, legal: true, evidence: Vec::new() };
            let decision = engine.decide_void(&facts, &question).unwrap();
            let free = !facts.balance.void_open && !facts.balance.operation_open;
            let expected = facts.status.outcome == SaleOutcome::Good && free && amount == left;
            prop_assert_eq!(decision.outcome == Outcome::Allow, expected, "{:?}", decision);
            prop_assert!(!expected || decision.obligations.persons == 2);
        }
    }

    /// `DOMAIN.md` §5.5 over random schedules in which refunds are also withdrawn or fail.
    #[test]
    fn coupon_and_fee_are_split_exactly_over_any_schedule_of_refunds(
        captured in prop_oneof![1..=40_i64, 1..=99_999_999_999_999_i64],
        shares in (0..=1_000_000_i64, 0..=1_000_000_i64),
        parts in prop::collection::vec(
            (prop_oneof![1..=1_000_000_i64, 25_000..=120_000_i64], prop::option::weighted(0.4, any::<prop::sample::Index>())),
            0..24,
        ),
        rule in prop::sample::select(vec![CouponRule::Proportion, CouponRule::CashProportion, CouponRule::CashFirst]),
    ) {
        let mut document = UNIONPAY.clone();
        document.refund.as_mut().unwrap().coupon = Some(rule);
        let engine = engine(&document);
        let of = |share: i64, whole: i64| i64::try_from(i128::from(whole) * i128::from(share) / 1_000_000).unwrap();
        let (coupon, charged) = (of(shares.0, captured), of(shares.1, captured));
        let mut facts = ordinary(&engine, captured, at("2026-11-20T14:00:00+08:00"));
        facts.now = at("2026-11-23T14:00:00+08:00");
        facts.sale.fee_charged = cny(charged);
        facts.sale.coupon = Some(cny(coupon));
        // Every refund that stands, with its coupon part and its fee.
        let mut standing: Vec<(i64, i64, i64)> = Vec::new();
        let mut whole_schedule = parts;
        // The last one takes what is left.
        whole_schedule.push((1_000_000, None));
        let mut undisturbed = true;
        for (share, falls) in whole_schedule {
            let left = captured - facts.balance.requested.minor;
            let amount = of(share, left);
            if amount == 0 {
                continue;
            }
            let decision = engine.decide_refund(&facts, &refund(amount)).unwrap();
            prop_assert_eq!(decision.outcome, Outcome::Allow);
            let part = decision.obligations.coupon.as_ref().map_or(0, |part| part.minor);
            let fee: i64 = decision.obligations.fees.iter()
                .filter(|fee| fee.kind == FeeKind::AcquiringReturned)
                .map(|fee| fee.amount.minor)
                .sum();
            prop_assert!(part >= 0 && part <= amount && fee >= 0);
            standing.push((amount, part, fee));
            let sums = |standing: &[(i64, i64, i64)]| {
                standing.iter().fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2))
            };
            let (taken_back, to_sponsor, fees) = sums(&standing);
            // Nobody gets more than each paid.
            prop_assert!(to_sponsor <= coupon && taken_back - to_sponsor <= captured - coupon && fees <= charged);
            if undisturbed {
                let due = match rule {
                    CouponRule::Proportion => half_up(coupon, taken_back, captured),
                    CouponRule::CashProportion => taken_back - half_up(captured - coupon, taken_back, captured),
                    CouponRule::CashFirst => (taken_back - (captured - coupon)).max(0),
                };
                prop_assert_eq!(to_sponsor, due);
                prop_assert_eq!(fees, half_up(charged, taken_back, captured));
            }
            if let Some(one) = falls {
                // Any that stands may be withdrawn, fail or come back.
                standing.remove(one.index(standing.len()));
                undisturbed = false;
            }
            let (taken_back, to_sponsor, fees) = sums(&standing);
            facts.balance.requested = cny(taken_back);
            facts.balance.reserved = cny(taken_back);
            facts.balance.coupon_returned = cny(to_sponsor);
            facts.balance.fee_returned = cny(fees);
        }
        prop_assert_eq!(facts.balance.requested.minor, captured);
        prop_assert_eq!(facts.balance.coupon_returned.minor, coupon);
        prop_assert_eq!(facts.balance.fee_returned.minor, charged);
    }

    #[test]
    fn opens_at_and_open_until_are_the_edges((document, facts) in pack_and_facts()) {
        let engine = engine(document);
        for decision in engine.assess(&facts, None).unwrap() {
            if decision.amount.is_zero() {
                continue;
            }
            let then = |at: Instant| {
                let facts = later(&facts, at);
                ask(&engine, &facts, decision.way, decision.amount.minor)
            };
            let before = |at: Instant| Instant { unix_ms: at.unix_ms - 1 };
            if let Some(opens) = decision.opens_at {
                prop_assert!(facts.now < opens);
                prop_assert_eq!(then(before(opens)).outcome, Outcome::Deny);
                prop_assert_ne!(then(opens).outcome, Outcome::Deny);
            }
            if let Some(end) = decision.open_until {
                prop_assert!(facts.now < end);
                let (last, over) = (then(before(end)), then(end));
                prop_assert_ne!(last.outcome, Outcome::Deny);
                // From then on it is denied, or left to support for one reason more.
                prop_assert_ne!(over.outcome, Outcome::Allow);
                let one_more = over.findings.iter().any(|f| last.findings.iter().all(|known| known.rule != f.rule));
                prop_assert!(over.outcome == Outcome::Deny || one_more);
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
        let openness = |outcome| match outcome { Outcome::Deny => 0, Outcome::Refer => 1, Outcome::Allow => 2 };
        prop_assert!(openness(longer.outcome) >= openness(shorter.outcome));
    }

    #[test]
    fn a_full_refund_in_any_parts_returns_exactly_the_fee_charged(
        document in packs(),
        captured in 1..=99_999_999_999_999_i64,
        share in 0..=1_000_000_i64,
        cuts in prop::collection::vec(0..=1_000_000_i64, 0..8),
        rule in prop::sample::select(vec![ReturnedFee::Full, ReturnedFee::Proportion, ReturnedFee::Kept]),
        of_variant in any::<bool>(),
    ) {
        let mut document = document.clone();
        let section = document.refund.as_mut().unwrap();
        if of_variant {
            // The section says something else, which must not matter.
            section.acquiring_fee = if rule == ReturnedFee::Kept { ReturnedFee::Full } else { ReturnedFee::Kept };
            let rules = RefundRules { acquiring_fee: rule, ..section.clone() };
            let matches = Matcher { kind: vec!["purchase".to_owned()], ..Matcher::default() };
            document.when.refund = vec![Variant { matches, name: "some".to_owned(), rules }];
        } else {
            section.acquiring_fee = rule;
        }
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
        facts.tallies[0].count = counts.2;
        let amount = Money { minor: amounts[8], currency: currency.to_owned() };
        facts.sale.coupon = Some(cny(amounts[6]));
        facts.sale.service_at = Some(instant(2));
        facts.sale.kind = "hotel-reservation".to_owned();
        facts.balance.coupon_returned = cny(amounts[5]);
        facts.authentication = Some(proof(instant(3)));
        for (outcome, _) in SaleOutcome::ALL {
            facts.status.outcome = *outcome;
            begin(&mut facts, 0);
            for (way, _) in Way::ALL {
                let question = OperationQuestion { way: *way, amount: Some(amount.clone()), trouble: None, reason: None, penalty: true };
                let _five = engine.decide_operation(&facts, &question).is_ok();
            }
            let _six = engine.assess(&facts, None).is_ok();
        }
        facts.status.outcome = SaleOutcome::Good;
        let _one = engine.assess(&facts, Some(&amount)).is_ok();
        let _two = engine.assess(&facts, None).is_ok();
        let _three = engine.decide_void(&facts, &VoidQuestion { amount: amount.clone(), reason: None, legal: false, evidence: Vec::new() }).is_ok();
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
    let wrong_tally = Facts { tallies: vec![tally(Counted::Terminal, 0)], ..facts.clone() };
    assert_eq!(engine.decide_void(&wrong_tally, &void(10_000)), missing("tallies.merchant-account"));

    let mut nobody = facts.clone();
    nobody.asker = Asker { person: None, roles: Vec::new(), terminal: None, terminal_class: None };
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
    let places: [fn(&mut Facts) -> &mut Money; 10] = [
        |facts| facts.sale.coupon.insert(cny(0)),
        |facts| &mut facts.balance.coupon_returned,
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
        let question =
            VoidQuestion { amount: cny(10_000), reason: Some(reason.to_owned()), legal: false, evidence: Vec::new() };
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
