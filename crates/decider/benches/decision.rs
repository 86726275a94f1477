//! How long one decision takes through the component: warm, in a fresh instance, and in Pulley, beside the native engine.
//! All are measured in turns, so that what slows the machine slows all of them.
//!
//! `cargo xtask build --components` first; then `cargo bench -p rescind-decider`. `FIGURES=warm` measures those
//! whose name has that word, for a profiler.
#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a bench that fails, fails")]
#![allow(missing_docs, reason = "a program")]

use rescind_decider::{Runtime, Target, Translation};
use rescind_eligibility::Engine;
use rescind_model::record::Question;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, CardType, Channel, Counted, Digest, Facts, Instant, Money,
    Period, PersonId, RefundQuestion, Role, Sale, SaleOutcome, SaleStatus, SettlementMode, Tally, TallyNeed,
    VoidQuestion, Way,
};
use std::hint::black_box;
use std::time::{Duration, Instant as Watch};

/// Rounds, in each of which everything is measured in turn.
const ROUNDS: usize = 60;

/// Calls of one kind in a round, each a sample of its own: enough that the caches are its own.
const PER_ROUND: usize = 100;

/// The first calls of a kind in a round, which are not counted: they find the caches of another.
const SETTLING: usize = 20;

fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

fn facts(engine: &Engine) -> Facts {
    let paid_at = Instant::parse("2026-11-23T14:00:00+08:00").unwrap();
    Facts {
        sale: Sale {
            id: "S-1".parse().unwrap(),
            merchant: "M-1".parse().unwrap(),
            slip: None,
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: cny(100_000),
            fee_charged: cny(600),
            channel: Channel::Card,
            card_type: Some(CardType::Credit),
            kind: "purchase".to_owned(),
            payer_token: None,
            coupon: None,
            contact: None,
            service_at: None,
            paid_at,
            business_day: engine.business_day_of(paid_at).unwrap(),
            settlement: SettlementMode::Ordinary,
        },
        status: SaleStatus {
            outcome: SaleOutcome::Good,
            batch_closed_at: None,
            settled_at: None,
            paid_out_at: None,
            late: None,
        },
        balance: Balance {
            cleared: cny(0),
            voided: cny(0),
            reserved: cny(0),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: cny(0),
            coupon_returned: cny(0),
            operation_open: false,
            requested: cny(0),
        },
        now: Instant::parse("2026-11-23T14:10:00+08:00").unwrap(),
        business_day: None,
        tallies: vec![Tally {
            need: TallyNeed { way: Way::Void, counted: Counted::MerchantAccount, period: Period::BusinessDay },
            count: 0,
        }],
        requested_today: Some(cny(0)),
        asker: Asker {
            person: PersonId::parse("P-1").ok(),
            roles: vec![Role::parse("cashier").unwrap()],
            terminal: None,
            terminal_class: None,
        },
        code: None,
        hold: None,
        operation: Some(Digest::of(b"this")),
        authentication: PersonId::parse("P-1").ok().map(|person| Authentication {
            person,
            method: AuthenticationMethod::Pin,
            at: Instant::parse("2026-11-23T14:09:00+08:00").unwrap(),
            operation: Some(Digest::of(b"this")),
        }),
        identity: Vec::new(),
        offline: None,
    }
}

struct Figure {
    what: String,
    samples: Vec<u64>,
    run: Box<dyn FnMut() -> Duration>,
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let watch = Watch::now();
    let out = black_box(run());
    let taken = watch.elapsed();
    drop(out);
    taken
}

fn runtime(component: &[u8], target: &Target) -> Runtime {
    let translation = Translation::of(component, target).unwrap();
    println!("{target}: translated, {} kB", translation.bytes().len() / 1_000);
    translation.run(4).unwrap()
}

fn main() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let component = std::fs::read(
        std::env::var("RESCIND_ELIGIBILITY")
            .unwrap_or_else(|_| format!("{folder}/../../target/components/eligibility.wasm")),
    )
    .unwrap();
    let path = format!("{folder}/../../policies/lakala.toml");
    let compiled = rescind_policy::compile(&std::fs::read_to_string(path).unwrap(), "lakala.toml").unwrap();
    let document: &'static [u8] = Box::leak(compiled.canonical().to_vec().into_boxed_slice());
    let engine = Engine::load(document).unwrap();
    let today = facts(&engine);
    let next_day = Facts { now: Instant::parse("2026-11-24T14:10:00+08:00").unwrap(), ..today.clone() };
    let void = Question::Void(VoidQuestion {
        amount: cny(100_000),
        reason: Some("duplicate".to_owned()),
        legal: false,
        evidence: Vec::new(),
    });
    let refund = Question::Refund(RefundQuestion {
        amount: cny(60_000),
        reason: Some("quality".to_owned()),
        evidence: Vec::new(),
    });
    let questions =
        [("void, allowed", &today, &void), ("refund, allowed", &next_day, &refund), ("void, denied", &next_day, &void)];

    let mut figures: Vec<Figure> = Vec::new();
    let mut add = |what: String, run: Box<dyn FnMut() -> Duration>| {
        figures.push(Figure { what, samples: Vec::with_capacity(ROUNDS * PER_ROUND), run });
    };
    let native = std::rc::Rc::new(engine);
    for (what, facts, question) in questions {
        let (facts, question, engine) = (facts.clone(), question.clone(), native.clone());
        add(
            format!("native engine: {what}"),
            Box::new(move || {
                timed(|| match &question {
                    Question::Void(question) => engine.decide_void(&facts, question),
                    Question::Refund(question) => engine.decide_refund(&facts, question),
                    Question::Operation(question) => engine.decide_operation(&facts, question),
                })
            }),
        );
    }
    add("native engine: load".to_owned(), Box::new(move || timed(|| Engine::load(document))));
    for target in [Target::Host, Target::Pulley] {
        let runtime = runtime(&component, &target);
        let name = if target.is_pulley() { "Pulley" } else { "component" };
        for (what, facts, question) in questions {
            let (facts, question) = (facts.clone(), question.clone());
            let mut decider = runtime.decider(document).unwrap();
            add(format!("{name}, warm: {what}"), Box::new(move || timed(|| decider.decide(&facts, &question))));
        }
        let (facts, question) = (next_day.clone(), refund.clone());
        let fresh = runtime.clone();
        let (f, q) = (facts.clone(), question.clone());
        add(
            format!("{name}, fresh with load: refund, allowed"),
            Box::new(move || timed(|| fresh.decide_once(document, &f, &q))),
        );
        let fresh = runtime.clone();
        add(
            format!("{name}, fresh without load: refund, allowed"),
            Box::new(move || {
                let watch = Watch::now();
                let instance = fresh.instance().unwrap();
                let made = watch.elapsed();
                let mut loaded = instance.load(document).unwrap();
                made + timed(|| {
                    let decided = loaded.decide(&facts, &question);
                    drop(loaded);
                    decided
                })
            }),
        );
        let fresh = runtime.clone();
        add(format!("{name}: an instance and its end"), Box::new(move || timed(|| drop(fresh.instance()))));
    }
    let only = std::env::var("FIGURES").unwrap_or_default();
    figures.retain(|figure| figure.what.contains(&only));
    for _ in 0..ROUNDS {
        for figure in &mut figures {
            for _ in 0..SETTLING {
                (figure.run)();
            }
            for _ in 0..PER_ROUND {
                let taken = (figure.run)();
                figure.samples.push(u64::try_from(taken.as_nanos()).unwrap());
            }
        }
    }
    println!("{:<52} {:>9} {:>9}   {} samples each", "", "p50 ns", "p99 ns", ROUNDS * PER_ROUND);
    for figure in &mut figures {
        figure.samples.sort_unstable();
        let at = |percent: usize| figure.samples.get(figure.samples.len() * percent / 100).unwrap();
        println!("{:<52} {:>9} {:>9}", figure.what, at(50), at(99));
    }
}
