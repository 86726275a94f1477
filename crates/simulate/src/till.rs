//! A terminal that sold and voided without the server: what it hands in later, again and again, in batches that overlap. The
//! batches are the same in every run.

use anyhow::{Context as _, Result, anyhow};
use rescind_bundle::SigningKey;
use rescind_journal::{Entry, Head, JournalId, Owner, Record, StoredOperation, StoredSale, sign_batch};
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Input, Question};
use rescind_model::{
    Asker, Balance, BusinessDay, CardType, Channel, Digest, Duration, Facts, Forwarding, Instant, MerchantId, Money,
    OfflineEffect, OfflineSituation, OperationId, PersonId, Role, Sale, SaleId, SaleOutcome, SaleStatus,
    SettlementMode, SlipNumbers, TerminalId, VoidQuestion, Way,
};
use rescind_service::native::NativePolicy;
use rescind_service::ports::Policy as _;

use crate::shop::NOON;

/// The sale that never left the terminal and was voided there.
pub const VOIDED: &str = "J-1";

/// The sale that the terminal made without the server, and that stands.
pub const KEPT: &str = "J-2";

/// The sale that the server knows, and whose void waited at the terminal.
pub const KNOWN: &str = "J-3";

/// What each of them was, in cents.
pub const CENTS: i64 = 10_000;

/// The number after the last record.
pub const NEXT: u64 = 7;

/// Records by number, from one to another: what is handed in. The last is all of them.
const BATCHES: [(usize, usize); 4] = [(0, 2), (1, 4), (3, 6), (0, 6)];

/// The key that signs the terminal's journal.
#[must_use]
pub fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

fn yuan(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

fn before_noon(minutes: i64) -> Instant {
    Instant { unix_ms: NOON.saturating_sub(minutes.saturating_mul(60_000)) }
}

/// A sale as the terminal keeps it.
///
/// # Errors
/// A name that is none.
pub fn sale(name: &str, minutes: i64) -> Result<Sale> {
    Ok(Sale {
        id: SaleId::parse(name)?,
        merchant: MerchantId::parse("M-1")?,
        slip: Some(SlipNumbers {
            terminal: TerminalId::parse("T1")?,
            batch: "000001".to_owned(),
            voucher: name.to_owned(),
            trace: name.to_owned(),
        }),
        order_number: Some(format!("ORDER-{name}")),
        retrieval_reference: None,
        operator: None,
        captured: yuan(CENTS),
        coupon: None,
        fee_charged: yuan(60),
        channel: Channel::Card,
        card_type: Some(CardType::Credit),
        kind: "purchase".to_owned(),
        payer_token: Some("9f86d081884c7d65".to_owned()),
        contact: None,
        service_at: None,
        paid_at: before_noon(minutes),
        business_day: BusinessDay::new(2026, 11, 23)?,
        settlement: SettlementMode::Ordinary,
    })
}

/// Decides a void as the terminal does: by the policy's engine, from what it knows.
fn decides(
    engine: &NativePolicy,
    sale: &Sale,
    forwarding: Forwarding,
    at: Instant,
    number: u64,
) -> Result<DecisionRecord> {
    let zero = yuan(0);
    let facts = Facts {
        sale: sale.clone(),
        status: SaleStatus {
            outcome: SaleOutcome::Good,
            batch_closed_at: None,
            settled_at: None,
            paid_out_at: None,
            late: None,
        },
        balance: Balance {
            cleared: zero.clone(),
            voided: zero.clone(),
            reserved: zero.clone(),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: zero.clone(),
            coupon_returned: zero.clone(),
            operation_open: false,
            requested: zero.clone(),
        },
        now: at,
        business_day: None,
        tallies: Vec::new(),
        requested_today: None,
        asker: Asker {
            person: Some(PersonId::parse("M-1.supervisor")?),
            roles: vec![Role::parse("supervisor")?],
            terminal: Some(TerminalId::parse("T1")?),
            terminal_class: None,
        },
        code: None,
        hold: None,
        operation: None,
        authentication: None,
        identity: Vec::new(),
        offline: Some(OfflineSituation {
            forwarding,
            clock_bound: Duration { ms: 5_000 },
            last_contact: before_noon(60),
            bundle_made: before_noon(120),
            stored_records: 0,
            operations: 0,
            total: zero,
        }),
    };
    let question = VoidQuestion {
        amount: sale.captured.clone(),
        reason: Some("wrong-amount".to_owned()),
        legal: false,
        evidence: Vec::new(),
    };
    let decision = engine.decide_void(&facts, &question).map_err(|error| anyhow!("{error:?}"))?;
    if !decision.findings.is_empty() {
        return Err(anyhow!("the terminal must not void {}: {:?}", sale.id, decision.findings));
    }
    let input = Input { facts, question: Question::Void(question) };
    Ok(DecisionRecord {
        format: FORMAT.to_owned(),
        id: format!("T1.07070707.{number}"),
        merchant: sale.merchant.clone(),
        sale: sale.id.clone(),
        at,
        policy: engine.identity(),
        component: Digest::of(b"native"),
        input_digest: input.digest(),
        input,
        answer: Answer::Decided(decision),
    })
}

/// The void of a sale: the decision, and the operation that was begun because of it.
fn voids(
    engine: &NativePolicy,
    name: &str,
    sale: &Sale,
    forwarding: Forwarding,
    minutes: i64,
    number: u64,
) -> Result<[Entry; 2]> {
    let record = decides(engine, sale, forwarding, before_noon(minutes), number)?;
    let Answer::Decided(decision) = &record.answer else { return Err(anyhow!("no decision")) };
    let operation = StoredOperation {
        id: OperationId::parse(name)?,
        sale: sale.id.clone(),
        way: Way::Void,
        amount: decision.amount.clone(),
        effect: decision.obligations.offline.unwrap_or(OfflineEffect::Queued),
        decision: number,
        day: BusinessDay::new(2026, 11, 23)?,
        reason: Some("wrong-amount".to_owned()),
        operator: record.input.facts.asker.person.clone(),
        proof: None,
    };
    Ok([Entry::Decision(Box::new(record)), Entry::Operation(Box::new(operation))])
}

/// What the terminal hands in, under a policy that lets it decide offline.
///
/// # Errors
/// The policy cannot be loaded, or does not let it.
pub fn batches(policy: &[u8]) -> Result<Vec<Vec<u8>>> {
    let engine = NativePolicy::load(policy).map_err(|error| anyhow!("{error:?}"))?;
    let stored = |sale: &Sale| Entry::Sale(Box::new(StoredSale { sale: sale.clone(), outcome: SaleOutcome::Good }));
    let (voided, kept, known) = (sale(VOIDED, 8)?, sale(KEPT, 6)?, sale(KNOWN, 10)?);
    let [decided, begun] = voids(&engine, "V-1", &voided, Forwarding::Kept, 7, 2)?;
    let [decided_too, waits] = voids(&engine, "V-2", &known, Forwarding::Forwarded, 5, 5)?;
    let entries = [(8, stored(&voided)), (7, decided), (7, begun), (6, stored(&kept)), (5, decided_too), (5, waits)];
    let owner = Owner { merchant: MerchantId::parse("M-1")?, terminal: TerminalId::parse("T1")? };
    let mut head = Head::first(&owner.merchant, &owner.terminal, JournalId([7; 16]));
    let (mut heads, mut records) = (Vec::new(), Vec::new());
    for (number, (minutes, entry)) in (1_u64..).zip(entries) {
        let bytes = serde_json::to_vec(&Record { number, at: before_noon(minutes), entry })?;
        heads.push(head);
        head = head.after(&bytes);
        records.push(bytes);
    }
    let signed = BATCHES.iter().map(|(from, until)| {
        let records: Vec<&[u8]> =
            records.get(*from..*until).context("no such records")?.iter().map(Vec::as_slice).collect();
        let start = heads.get(*from).context("no such record")?;
        sign_batch(&owner, start, &records, &key()).map_err(|error| anyhow!("{error:?}"))
    });
    signed.collect()
}
