//! Explanations: the same decisions, with every rule that was asked, each where the policy states it.

use crate::documents::{any_document, surrounded};
use crate::laws::pack_and_facts;
use crate::world::{
    LAKALA, PAID, UNIONPAY, after, amount, at, cny, engine, later, ordinary, refund, sale, seconds, void,
};
use proptest::prelude::*;
use rescind_eligibility::{Considered, Engine, Explanation, Sides, Stated, rule};
use rescind_model::record::Question;
use rescind_model::{Decision, DecisionError, Facts, Finding, OperationQuestion, Outcome, Remedy, Value, Way};
use rescind_policy::document::{CountLimit, Matcher, Permission, Variant};

/// What is asked of every payment.
pub(crate) fn questions(facts: &Facts) -> Vec<Question> {
    let captured = facts.sale.captured.minor;
    let operation = |way| OperationQuestion { way, amount: None, trouble: None, reason: None, penalty: false };
    let legal = rescind_model::VoidQuestion { legal: true, ..void(captured) };
    let ways = [Way::Reversal, Way::OrderClose, Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid];
    [
        Question::Void(void(captured)),
        Question::Void(legal),
        Question::Refund(refund(1)),
        Question::Refund(refund(captured)),
    ]
    .into_iter()
    .chain(ways.map(|way| Question::Operation(operation(way))))
    .collect()
}

pub(crate) fn decide(engine: &Engine, facts: &Facts, question: &Question) -> Result<Decision, DecisionError> {
    match question {
        Question::Void(question) => engine.decide_void(facts, question),
        Question::Refund(question) => engine.decide_refund(facts, question),
        Question::Operation(question) => engine.decide_operation(facts, question),
    }
}

/// What stands in the way, as the explanation has it.
fn standing(considered: &[Considered]) -> Vec<Finding> {
    let standing = considered.iter().filter(|rule| rule.verdict != Outcome::Allow);
    let finding = |rule: &Considered| Finding {
        rule: rule.rule.to_owned(),
        verdict: rule.verdict,
        observed: rule.observed.clone(),
        limit: rule.limit.clone(),
        remedy: rule.remedy.clone().unwrap(),
    };
    standing.map(finding).collect()
}

/// Whatever is stated is among what the policy says it states, on a side that can be reached.
fn unstated<'e>(stated: &[Stated], explanation: &'e Explanation) -> Vec<&'e Considered> {
    let is_stated = |considered: &Considered| {
        let of = |sides: Sides| if considered.stands { sides.stands } else { sides.passes };
        considered.place.is_empty()
            || stated.iter().any(|s| s.rule == considered.rule && s.place == considered.place && of(s.sides))
    };
    explanation.considered.iter().filter(|considered| !is_stated(considered)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_decides_the_same_and_knows_only_what_is_stated(
        document in any_document(),
        (_, facts) in pack_and_facts(),
        rolls in prop::collection::vec(any::<u32>(), 32),
    ) {
        let engine = engine(&document);
        let facts = surrounded(&engine, &facts, rolls);
        let stated = engine.stated();
        for question in questions(&facts) {
            let explained = engine.explain(&facts, &question);
            prop_assert_eq!(explained.clone().map(|explanation| explanation.decision), decide(&engine, &facts, &question));
            let Ok(explanation) = explained else { continue };
            prop_assert_eq!(standing(&explanation.considered), explanation.decision.findings.clone());
            prop_assert!(unstated(&stated, &explanation).is_empty(), "{:?}", unstated(&stated, &explanation));
            for considered in &explanation.considered {
                let is_term = rule::TERMS.contains(&considered.rule);
                prop_assert!(is_term != rule::ALL.contains(&considered.rule), "{:?}", considered);
                prop_assert_eq!(considered.remedy.is_some(), considered.verdict != Outcome::Allow);
                prop_assert!(is_term || considered.stands == (considered.verdict != Outcome::Allow), "{:?}", considered);
            }
        }
        let all = engine.explain_all(&facts, None);
        let decisions = all.map(|all| all.into_iter().map(|explanation| explanation.decision).collect::<Vec<_>>());
        prop_assert_eq!(decisions, engine.assess(&facts, None));
        let charged = engine.explain_charge(&facts.sale).map(|(fee, _)| fee);
        prop_assert_eq!(charged, engine.acquiring_fee(&facts.sale));
    }

    /// The document and the input decide, and nothing else: not what was asked before, not which instance is asked.
    #[test]
    fn the_same_input_gives_the_same_answer_under_any_policy(
        document in any_document(),
        (_, facts) in pack_and_facts(),
        rolls in prop::collection::vec(any::<u32>(), 32),
    ) {
        let (one, other) = (engine(&document), engine(&document));
        let facts = surrounded(&one, &facts, rolls);
        let answers = |engine: &Engine| -> Vec<_> { questions(&facts).iter().map(|q| decide(engine, &facts, q)).collect() };
        let first = answers(&one);
        prop_assert_eq!(&first, &answers(&other));
        prop_assert_eq!(&first, &answers(&one));
    }
}

fn explain(engine: &Engine, facts: &Facts, question: &Question) -> Explanation {
    engine.explain(facts, question).unwrap()
}

/// Rule, place and side of what was considered in a place.
fn at_place<'e>(explanation: &'e Explanation, place: &str) -> Vec<(&'static str, bool, &'e Value, &'e Value)> {
    let here = explanation.considered.iter().filter(|considered| considered.place == place);
    here.map(|considered| (considered.rule, considered.stands, &considered.observed, &considered.limit)).collect()
}

#[test]
fn every_rule_is_told_with_what_it_saw_whether_it_stands_or_not() {
    let engine = engine(&LAKALA);
    let facts = after(&sale(&engine), 1_799_999);
    let allowed = explain(&engine, &facts, &Question::Void(void(10_000)));
    let lasting = |ms| Value::Lasting(rescind_model::Duration { ms });
    assert_eq!(at_place(&allowed, "void.window"), [("void.window", false, &lasting(1_799_999), &lasting(1_800_000))]);
    assert_eq!(at_place(&allowed, "void.count[0]"), [("void.count", false, &Value::Count(0), &Value::Count(3))]);
    let over = explain(&engine, &after(&facts, 1_800_000), &Question::Void(void(10_000)));
    let window = over.considered.iter().find(|considered| considered.rule == "void.window").unwrap();
    assert_eq!((window.verdict, window.stands), (Outcome::Deny, true));
    assert_eq!(window.remedy, Some(Remedy::UseRefundFrom(at("2026-11-23T23:00:00+08:00"))));
    // What is no policy's choice has no place in it.
    let outcome = over.considered.iter().find(|considered| considered.rule == "sale.outcome").unwrap();
    assert_eq!((outcome.place.as_str(), outcome.stands), ("", false));
}

#[test]
fn what_a_variant_changes_is_stated_there_and_the_rest_in_its_section() {
    let mut document = LAKALA.clone();
    let mut rules = document.void.clone().unwrap();
    rules.window = seconds(180);
    let matches = Matcher { amount_from: amount(5_000), ..Matcher::default() };
    document.when.void = vec![Variant { matches, name: "large".to_owned(), rules }];
    let engine = engine(&document);
    let large = explain(&engine, &sale(&engine), &Question::Void(void(10_000)));
    assert_eq!(large.variant.as_deref(), Some("large"));
    assert_eq!(at_place(&large, "void.when[large]"), [("policy.variant", true, &Value::Absent, &Value::Absent)]);
    assert_eq!(at_place(&large, "void.when[large].window").len(), 1);
    assert_eq!(at_place(&large, "void.until-settlement").len(), 1);
    assert_eq!(at_place(&large, "void.window"), []);
    let small = explain(&engine, &ordinary(&engine, 100, at(PAID)), &Question::Void(void(100)));
    assert_eq!(small.variant, None);
    assert!(!at_place(&small, "void.when[large]")[0].1);
    assert_eq!(at_place(&small, "void.window").len(), 1);
    let stated = engine.stated();
    for place in ["void.when[large]", "void.when[large].window", "void.window", "void.until-settlement"] {
        let here: Vec<Sides> = stated.iter().filter(|s| s.place == place).map(|s| s.sides).collect();
        assert_eq!(here, [Sides { passes: true, stands: true }], "{place}");
    }
    assert!(stated.iter().all(|stated| stated.place != "void.when[large].until-settlement"));
}

#[test]
fn what_comes_with_a_refund_is_told_up_to_what_applies() {
    let engine = engine(&LAKALA);
    let mut facts = ordinary(&engine, 200_000, at(PAID));
    facts.sale.fee_charged = cny(1_200);
    let tiers = |minor| -> Vec<(String, bool)> {
        let facts = later(&facts, at("2026-11-24T14:00:00+08:00"));
        let explanation = explain(&engine, &facts, &Question::Refund(refund(minor)));
        let tiers = explanation.considered.iter().filter(|considered| considered.rule == "refund.tier");
        tiers.map(|tier| (tier.place.clone(), tier.stands)).collect()
    };
    let named = |name: &str, applies| (format!("refund.tier[{name}]"), applies);
    assert_eq!(tiers(10_000), [named("automatic", true)]);
    assert_eq!(tiers(10_001), [named("automatic", false), named("one-person", true)]);
    assert_eq!(tiers(100_001)[2], named("two-persons", true));
    let late = |asked: &str| {
        let explanation = explain(&engine, &later(&facts, at(asked)), &Question::Refund(refund(1)));
        at_place(&explanation, "refund.late-fee")[0].1
    };
    assert!(!late("2026-12-08T13:59:59.999+08:00"));
    assert!(late("2026-12-08T14:00:00+08:00"));
}

#[test]
fn a_pack_states_every_side_that_a_case_can_touch() {
    let engine = engine(&UNIONPAY);
    let stated = engine.stated();
    let sides = |rule: &str, place: &str| {
        let found = stated.iter().find(|stated| stated.rule == rule && stated.place == place);
        found.map(|stated| (stated.sides.passes, stated.sides.stands))
    };
    assert_eq!(sides("void.enabled", "void.enabled"), Some((true, false)));
    assert_eq!(sides("void.business-day", "void.same[0]"), Some((true, true)));
    assert_eq!(sides("refund.real-time", "refund.real-time"), Some((true, false)));
    // 0.01 is the smallest amount there is: nothing is below it.
    assert_eq!(sides("refund.amount-limit", "refund.min-amount"), Some((true, false)));
    assert_eq!(sides("refund.tier", "refund.tier[two-persons]"), Some((false, true)));
    assert_eq!(sides("refund.arrival", "refund.arrival[0]"), Some((false, true)));
    assert_eq!(sides("void.window", "void.window"), None);
    let mut places: Vec<(&str, &str)> = stated.iter().map(|stated| (stated.rule, stated.place.as_str())).collect();
    let all = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), all);
    assert!(stated.iter().all(|s| !s.place.is_empty() && (s.sides.passes || s.sides.stands)));
}

#[test]
fn a_charge_is_told_up_to_the_one_that_applies_with_its_floor_and_cap() {
    use rescind_policy::document::{ChargeRule, FeeRule};
    use rescind_policy::scalar::Rate;
    let fee = |cap| FeeRule {
        cap,
        fixed: None,
        floor: None,
        payer: rescind_model::Party::Merchant,
        rate: Some(Rate::parse("0.5%").unwrap()),
    };
    let mut document = UNIONPAY.clone();
    let hotels = Some(Matcher { kind: vec!["hotel".to_owned()], ..Matcher::default() });
    document.charge = vec![
        ChargeRule { fee: fee(None), matches: hotels, name: "hotels".to_owned() },
        ChargeRule { fee: fee(amount(2_000)), matches: None, name: "others".to_owned() },
    ];
    let engine = engine(&document);
    let told = |captured| {
        let (fee, considered) = engine.explain_charge(&ordinary(&engine, captured, at(PAID)).sale).unwrap();
        let places: Vec<(String, bool)> = considered.into_iter().map(|c| (c.place, c.stands)).collect();
        (fee.unwrap().minor, places)
    };
    let charge = |place: &str, applies| (place.to_owned(), applies);
    let hotels = charge("charge[hotels]", false);
    let others = charge("charge[others]", true);
    assert_eq!(told(400_000), (2_000, vec![hotels.clone(), others.clone(), charge("charge[others].cap", false)]));
    assert_eq!(told(400_200), (2_000, vec![hotels, others, charge("charge[others].cap", true)]));
}

#[test]
fn a_limit_that_cannot_be_asked_is_an_error_in_an_explanation_too() {
    let mut document = LAKALA.clone();
    document.void.as_mut().unwrap().count.push(CountLimit {
        at_ceiling: Permission::Deny,
        at_most: Some(1),
        counted: rescind_model::Counted::PayerToken,
        per_business_day: None,
        within: seconds(600),
    });
    let engine = engine(&document);
    let missing = Err(DecisionError::MissingFact("tallies.payer-token.600s".to_owned()));
    assert_eq!(engine.explain(&sale(&engine), &Question::Void(void(10_000))), missing);
}
