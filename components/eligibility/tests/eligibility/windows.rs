//! Windows under policies of every shape: what is open stays open until it says, and longer windows refuse no more.

use crate::documents::{any_document, surrounded};
use crate::laws::pack_and_facts;
use crate::world::{engine, later, of, refund, void};
use proptest::prelude::*;
use rescind_eligibility::Engine;
use rescind_model::{Facts, Instant, Outcome, Tally};
use rescind_policy::canonical;
use rescind_policy::document::RefundWindow;
use rescind_policy::scalar::Span;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// With variants too, which time of day can choose: then another answer can follow, but none comes before.
    #[test]
    fn under_any_policy_a_way_is_open_until_it_says(
        document in any_document(),
        (_, facts) in pack_and_facts(),
        rolls in prop::collection::vec(any::<u32>(), 32),
        share in 1..=1_000_i64,
    ) {
        let engine = engine(&document);
        // A terminal's own limits are told a little early, by its clock.
        let requested_today = facts.requested_today.clone();
        let mut facts = Facts { offline: None, requested_today, ..surrounded(&engine, &facts, rolls) };
        facts.tallies.extend(engine.needs().tallies.into_iter().map(|need| Tally { need, count: 0 }));
        for decision in engine.assess(&facts, None).unwrap_or_default() {
            let then = |at: i64| {
                let facts = later(&facts, Instant { unix_ms: at });
                let decisions = engine.assess(&facts, Some(&decision.amount)).unwrap();
                of(&decisions, decision.way).outcome
            };
            let (mut from, now) = (facts.now.unix_ms, decision.outcome);
            if let Some(opens) = decision.opens_at {
                prop_assert_eq!((now, then(opens.unix_ms - 1)), (Outcome::Deny, Outcome::Deny));
                prop_assert_ne!(then(opens.unix_ms), Outcome::Deny);
                from = opens.unix_ms;
            }
            if let Some(end) = decision.open_until {
                prop_assert!(from < end.unix_ms);
                for at in [end.unix_ms - 1, from + (end.unix_ms - 1 - from) / 1_000 * share] {
                    prop_assert_ne!(then(at), Outcome::Deny, "{:?} at {}", decision, at);
                }
            }
        }
    }

    /// Of two variants that differ in their window alone, and of sections likewise.
    #[test]
    fn a_longer_window_of_a_variant_never_refuses_what_a_shorter_allowed(
        document in any_document(),
        (_, facts) in pack_and_facts(),
        rolls in prop::collection::vec(any::<u32>(), 32),
        (short, more) in (2..40_u32, 0..40_u32),
    ) {
        let with = |days: u32| {
            let mut document = document.clone();
            let span = Span::new(days * 3_600).unwrap();
            let voids = document.void.iter_mut().chain(document.when.void.iter_mut().map(|variant| &mut variant.rules));
            voids.for_each(|rules| (rules.window, rules.minimum_wait) = (Some(span), None));
            let refunds = document.refund.iter_mut().chain(document.when.refund.iter_mut().map(|variant| &mut variant.rules));
            refunds.for_each(|rules| (rules.window, rules.minimum_wait) = (RefundWindow::WorkingDays(days), None));
            Engine::load(&canonical(&document))
        };
        // A policy that cannot be with such windows says nothing of them.
        let (Ok(shorter), Ok(longer)) = (with(short), with(short + more)) else { return Ok(()) };
        let facts = surrounded(&shorter, &facts, rolls);
        // No answer is less than any, but where the longer window goes on after the policy's calendar: nobody knows that end.
        let is_unknown = |after: Option<i32>| after.is_none() && document.calendar.is_some();
        let openness = |engine: &Engine| {
            let rank = |outcome| match outcome { Outcome::Deny => 0, Outcome::Refer => 1, Outcome::Allow => 2 };
            let void = engine.decide_void(&facts, &void(facts.sale.captured.minor)).map(|decision| rank(decision.outcome)).ok();
            (void, engine.decide_refund(&facts, &refund(1)).map(|decision| rank(decision.outcome)).ok())
        };
        let (before, after) = (openness(&shorter), openness(&longer));
        // A clock that is not good enough for the longer end is no window.
        prop_assume!(facts.offline.is_none());
        prop_assert!(after.0 >= before.0, "{:?} {:?}", before, after);
        prop_assert!(after.1 >= before.1 || is_unknown(after.1), "{:?} {:?}", before, after);
    }
}
