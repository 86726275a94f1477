//! The world of the tests: both packs, and one ordinary sale to vary.

use rescind_eligibility::Engine;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, CardType, Channel, Counted, Decision, Digest, Duration,
    Facts, Forwarding, Instant, Money, OfflineSituation, Period, PersonId, RefundQuestion, Remedy, Role, Sale,
    SaleOutcome, SaleStatus, SettlementMode, SlipNumbers, Tally, TallyNeed, VoidQuestion, Way,
};
use rescind_policy::canonical;
use rescind_policy::document::{Document, OfflineRules, Permission, RefundRules, VoidRules};
use rescind_policy::scalar::{Amount, Span};
use std::sync::LazyLock;

pub(crate) static LAKALA: LazyLock<Document> = LazyLock::new(|| pack("lakala"));
pub(crate) static UNIONPAY: LazyLock<Document> = LazyLock::new(|| pack("unionpay"));

pub(crate) fn pack(name: &str) -> Document {
    let path = format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    rescind_policy::compile(&text, name).unwrap().document().clone()
}

pub(crate) fn engine(document: &Document) -> Engine {
    Engine::load(&canonical(document)).unwrap_or_else(|error| panic!("{error:?}"))
}

pub(crate) fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// A good, unsettled purchase, nothing of it taken back, asked about by a manager at the instant of its payment.
pub(crate) fn ordinary(engine: &Engine, captured: i64, paid_at: Instant) -> Facts {
    Facts {
        sale: Sale {
            id: "S-1".parse().unwrap(),
            merchant: "M-1".parse().unwrap(),
            slip: Some(SlipNumbers {
                terminal: "T-1".parse().unwrap(),
                batch: "1".to_owned(),
                voucher: "1".to_owned(),
                trace: "1".to_owned(),
            }),
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: cny(captured),
            fee_charged: cny(0),
            channel: Channel::Card,
            card_type: Some(CardType::Debit),
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
        now: paid_at,
        business_day: None,
        tallies: [Counted::MerchantAccount, Counted::PayerToken, Counted::Operator, Counted::Terminal]
            .map(|counted| tally(counted, 0))
            .to_vec(),
        requested_today: Some(cny(0)),
        asker: Asker {
            person: Some(PersonId::parse("P-1").unwrap()),
            roles: vec![Role::parse("manager").unwrap()],
            terminal: None,
            terminal_class: None,
        },
        code: None,
        hold: None,
        operation: Some(Digest::of(b"this")),
        authentication: Some(proof(paid_at)),
        identity: Vec::new(),
        offline: None,
    }
}

/// So many voids in the business day.
pub(crate) fn tally(counted: Counted, count: u32) -> Tally {
    Tally { need: TallyNeed { way: Way::Void, counted, period: Period::BusinessDay }, count }
}

/// The manager's proof for this very operation.
pub(crate) fn proof(at: Instant) -> Authentication {
    let person = PersonId::parse("P-1").unwrap();
    Authentication { person, method: AuthenticationMethod::Pin, at, operation: Some(Digest::of(b"this")) }
}

pub(crate) fn void(amount: i64) -> VoidQuestion {
    VoidQuestion { amount: cny(amount), reason: Some("duplicate".to_owned()), legal: false, evidence: Vec::new() }
}

pub(crate) fn refund(amount: i64) -> RefundQuestion {
    RefundQuestion { amount: cny(amount), reason: Some("duplicate".to_owned()), evidence: vec!["receipt".to_owned()] }
}

pub(crate) fn of(decisions: &[Decision], way: Way) -> &Decision {
    decisions.iter().find(|decision| decision.way == way).unwrap()
}

/// The facts a while later, nothing else changed: whoever asks proves anew who they are.
pub(crate) fn later(facts: &Facts, now: Instant) -> Facts {
    Facts { now, authentication: Some(proof(now)), ..facts.clone() }
}

/// When an ordinary sale was paid.
pub(crate) const PAID: &str = "2026-11-23T14:00:00+08:00";

pub(crate) fn amount(minor: i64) -> Option<Amount> {
    Some(Amount::new(minor).unwrap())
}

pub(crate) fn seconds(seconds: u32) -> Option<Span> {
    Some(Span::new(seconds).unwrap())
}

/// `UnionPay`'s rules with some changed: they refuse little by themselves.
pub(crate) fn void_rules(change: impl FnOnce(&mut VoidRules)) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    change(document.void.as_mut().unwrap());
    engine(&document)
}

pub(crate) fn refund_rules(change: impl FnOnce(&mut RefundRules)) -> Engine {
    let mut document: Document = UNIONPAY.clone();
    change(document.refund.as_mut().unwrap());
    engine(&document)
}

pub(crate) fn sale(engine: &Engine) -> Facts {
    ordinary(engine, 10_000, at(PAID))
}

pub(crate) fn after(facts: &Facts, ms: i64) -> Facts {
    later(facts, Instant { unix_ms: facts.sale.paid_at.unix_ms + ms })
}

/// Rule and remedy of each finding.
pub(crate) fn findings(decision: &Decision) -> Vec<(&str, &Remedy)> {
    decision.findings.iter().map(|finding| (finding.rule.as_str(), &finding.remedy)).collect()
}

pub(crate) fn voided(engine: &Engine, facts: &Facts) -> Decision {
    engine.decide_void(facts, &void(10_000)).unwrap()
}

pub(crate) fn refunded(engine: &Engine, facts: &Facts, minor: i64) -> Decision {
    engine.decide_refund(facts, &refund(minor)).unwrap()
}

/// A terminal that heard from the server just now, with a perfect clock, asked about a sale that never left it.
pub(crate) fn alone(facts: &Facts) -> OfflineSituation {
    OfflineSituation {
        forwarding: Forwarding::Kept,
        clock_bound: Duration { ms: 0 },
        last_contact: facts.now,
        bundle_made: facts.now,
        stored_records: 0,
        operations: 0,
        total: cny(0),
    }
}

/// What terminals may decide alone: everything, for a day after the last contact and a week after the bundle was made.
pub(crate) fn ceilings() -> OfflineRules {
    OfflineRules {
        at_ceiling: Permission::Deny,
        bundle_age: Span::new(7 * 86_400).unwrap(),
        contact_age: Span::new(86_400).unwrap(),
        max_amount: None,
        max_count: None,
        max_records: 500,
        max_total: None,
        other: Permission::Allow,
        refund: Permission::Allow,
        reversal: Permission::Allow,
        void: Permission::Allow,
    }
}
