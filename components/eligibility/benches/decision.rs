//! How long one native decision takes, warm. The whole-system figures are `cargo xtask bench`; this is for work on the rules.
#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a bench that fails, fails")]

use rescind_eligibility::Engine;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, CardType, Channel, Counted, Digest, Facts, Instant, Money,
    Period, PersonId, RefundQuestion, Role, Sale, SaleOutcome, SaleStatus, SettlementMode, Tally, TallyNeed,
    VoidQuestion, Way,
};
use std::hint::black_box;
use std::time::{Duration, Instant as Watch};

const ROUNDS: usize = 51;
const PER_ROUND: u32 = 2_000;

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

fn measure(what: &str, mut run: impl FnMut()) {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let watch = Watch::now();
            for _ in 0..PER_ROUND {
                run();
            }
            watch.elapsed() / PER_ROUND
        })
        .collect();
    rounds.sort_unstable();
    let (median, worst) = (rounds.get(ROUNDS / 2).unwrap(), rounds.last().unwrap());
    println!(
        "{what:<52} {:>6} ns median of {ROUNDS} rounds, {:>6} ns slowest round",
        median.as_nanos(),
        worst.as_nanos()
    );
}

fn main() {
    let path = format!("{}/../../policies/lakala.toml", env!("CARGO_MANIFEST_DIR"));
    let compiled = rescind_policy::compile(&std::fs::read_to_string(path).unwrap(), "lakala.toml").unwrap();
    let bytes = compiled.canonical();
    let engine = Engine::load(bytes).unwrap();
    let today = facts(&engine);
    let next_day = Facts { now: Instant::parse("2026-11-24T14:10:00+08:00").unwrap(), ..today.clone() };
    let void =
        VoidQuestion { amount: cny(100_000), reason: Some("duplicate".to_owned()), legal: false, evidence: Vec::new() };
    let refund = RefundQuestion { amount: cny(60_000), reason: Some("quality".to_owned()), evidence: Vec::new() };

    measure("void, allowed", || drop(black_box(engine.decide_void(black_box(&today), &void))));
    measure("void, denied with advice on the refund", || {
        drop(black_box(engine.decide_void(black_box(&next_day), &void)));
    });
    measure("refund, allowed with a plan and a fee", || {
        drop(black_box(engine.decide_refund(black_box(&next_day), &refund)));
    });
    measure("refund, denied with advice on the void", || {
        drop(black_box(engine.decide_refund(black_box(&today), &refund)));
    });
    measure("assess, every way at once", || drop(black_box(engine.assess(black_box(&today), None))));
    measure(&format!("load, {} bytes", bytes.len()), || drop(black_box(Engine::load(black_box(bytes)))));
}
