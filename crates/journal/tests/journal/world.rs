//! A terminal with a journal, and what it writes down.

use rescind_bundle::SigningKey;
use rescind_journal::testkit::TornFile;
use rescind_journal::{
    BundleChange, Entry, Incident, Journal, JournalError, JournalId, Opening, OperationOutcome, OperationResult, Owner,
    Room, StoredOperation, StoredSale, TimeAnchor,
};
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Input, Question};
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, BusinessDay, CardType, Channel, Decision, Digest, Duration,
    Executor, Facts, Forwarding, Instant, Money, Obligations, OfflineEffect, OfflineSituation, OperationId, Outcome,
    PersonId, PolicyIdentity, Role, Sale, SaleId, SaleOutcome, SaleStatus, SettlementMode, SlipNumbers, VoidQuestion,
    Way,
};

pub fn owner() -> Owner {
    Owner { merchant: "M-1".parse().unwrap(), terminal: "T-1".parse().unwrap() }
}

pub fn opening() -> Opening {
    Opening { owner: owner(), id: JournalId([7; 16]), room: Room { records: 1_000, bytes: 4_000_000 } }
}

pub fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

pub fn open(file: &TornFile) -> Result<Journal, JournalError> {
    Journal::open_on(file.clone(), &opening())
}

pub fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

/// So many seconds after nine o'clock.
pub fn at(second: i64) -> Instant {
    Instant::parse("2026-11-23T01:00:00Z")
        .unwrap()
        .plus(Duration { ms: u64::try_from(second).unwrap() * 1_000 })
        .unwrap()
}

pub fn day(text: &str) -> BusinessDay {
    BusinessDay::parse(text).unwrap()
}

pub fn sale(n: u64) -> Sale {
    Sale {
        id: format!("S-{n}").parse().unwrap(),
        merchant: "M-1".parse().unwrap(),
        slip: Some(SlipNumbers {
            terminal: "T-1".parse().unwrap(),
            batch: "000012".to_owned(),
            voucher: format!("{n:06}"),
            trace: format!("{:06}", n + 40),
        }),
        order_number: None,
        retrieval_reference: Some(format!("{n:012}")),
        operator: Some("P-1".parse().unwrap()),
        captured: cny(12_800),
        fee_charged: cny(77),
        channel: Channel::Card,
        card_type: Some(CardType::Debit),
        kind: "purchase".to_owned(),
        payer_token: Some("tok_5f2c9a".to_owned()),
        coupon: None,
        contact: None,
        service_at: None,
        paid_at: at(0),
        business_day: day("2026-11-23"),
        settlement: SettlementMode::Ordinary,
    }
}

pub fn stored_sale(n: u64) -> Entry {
    Entry::Sale(Box::new(StoredSale { sale: sale(n), outcome: SaleOutcome::Good }))
}

/// A decision that allowed the void of a sale which the server has not heard of.
pub fn decision(n: u64) -> Entry {
    let person = PersonId::parse("P-1").unwrap();
    let policy = PolicyIdentity { name: "lakala".into(), version: "1.1.0".into(), hash: Digest::of(b"policy") };
    let facts = Facts {
        sale: sale(n),
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
        now: at(60),
        business_day: Some(day("2026-11-23")),
        tallies: Vec::new(),
        requested_today: Some(cny(0)),
        asker: Asker {
            person: Some(person.clone()),
            roles: vec![Role::parse("supervisor").unwrap()],
            terminal: Some("T-1".parse().unwrap()),
            terminal_class: Some("counter".to_owned()),
        },
        code: None,
        hold: None,
        operation: Some(Digest::of(b"this")),
        authentication: Some(Authentication {
            person,
            method: AuthenticationMethod::Pin,
            at: at(50),
            operation: Some(Digest::of(b"this")),
        }),
        identity: Vec::new(),
        offline: Some(OfflineSituation {
            forwarding: Forwarding::Kept,
            clock_bound: Duration { ms: 2_000 },
            last_contact: at(0),
            bundle_made: at(0),
            stored_records: 3,
            operations: 1,
            total: cny(12_800),
        }),
    };
    let question =
        VoidQuestion { amount: cny(12_800), reason: Some("duplicate".into()), legal: false, evidence: vec![] };
    let input = Input { facts, question: Question::Void(question) };
    let decision = Decision {
        way: Way::Void,
        amount: cny(12_800),
        outcome: Outcome::Allow,
        findings: vec![],
        obligations: Obligations {
            fees: vec![],
            approvals: None,
            evidence: vec![],
            operator_roles: vec![Role::parse("supervisor").unwrap()],
            executor: Executor::Terminal,
            slip: true,
            arrival: None,
            identity: vec![],
            authentication: None,
            persons: 1,
            coupon: None,
            penalty: None,
            funding: None,
            queries: vec![],
            offline: Some(OfflineEffect::CancelsLocally),
        },
        opens_at: None,
        open_until: None,
        policy: policy.clone(),
    };
    Entry::Decision(Box::new(DecisionRecord {
        format: FORMAT.to_owned(),
        id: format!("D-{n}"),
        merchant: "M-1".parse().unwrap(),
        sale: SaleId::parse(&format!("S-{n}")).unwrap(),
        at: at(60),
        policy,
        component: Digest::of(b"component"),
        input_digest: input.digest(),
        input,
        answer: Answer::Decided(decision),
    }))
}

pub fn operation_of(n: u64, amount: Money, on: &str) -> Entry {
    Entry::Operation(Box::new(StoredOperation {
        id: OperationId::parse(&format!("O-{n}")).unwrap(),
        sale: SaleId::parse(&format!("S-{n}")).unwrap(),
        way: Way::Void,
        amount,
        effect: OfflineEffect::CancelsLocally,
        decision: n,
        day: day(on),
        reason: Some("duplicate".to_owned()),
        operator: Some(PersonId::parse("P-1").unwrap()),
        proof: None,
    }))
}

pub fn operation(n: u64) -> Entry {
    operation_of(n, cny(12_800), "2026-11-23")
}

pub fn outcome(n: u64) -> Entry {
    let operation = OperationId::parse(&format!("O-{n}")).unwrap();
    Entry::Outcome(OperationOutcome { operation, result: OperationResult::Done, detail: None })
}

pub fn anchor(second: i64) -> Entry {
    Entry::Anchor(TimeAnchor { server: at(second), wall: at(second), monotonic_ms: 1_000, boot: "b-1".to_owned() })
}

pub fn bundle(version: u64) -> Entry {
    Entry::Bundle(BundleChange { before: None, version, bundle: Digest::of(b"bundle") })
}

pub fn incident() -> Entry {
    Entry::Incident(Incident::ClockSetBack { seen: at(100), shows: at(10) })
}

/// One of each.
pub fn everything() -> Vec<Entry> {
    vec![stored_sale(1), decision(1), operation(1), outcome(1), anchor(5), bundle(3), incident()]
}
