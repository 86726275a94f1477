//! The world of the tests: both packs, and one ordinary sale to vary.

use rescind_eligibility::Engine;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, CardType, Channel, Counted, Decision, Digest, Facts, Instant,
    Money, Period, PersonId, RefundQuestion, Role, Sale, SaleOutcome, SaleStatus, SettlementMode, SlipNumbers, Tally,
    TallyNeed, VoidQuestion, Way,
};
use rescind_policy::canonical;
use rescind_policy::document::Document;
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
