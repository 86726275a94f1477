//! A terminal that works without the server: a real journal on a file in memory, and decisions by the very policy engine.

use super::shop::{Reply, Shop, other_version};
use crate::native::NativePolicy;
use crate::ports::{Policy as _, Ports as _};
use crate::testkit::Till;
use axum::body::Body;
use http::Request;
use rescind_bundle::{Signer as _, SigningKey};
use rescind_journal::testkit::TornFile;
use rescind_journal::{Acknowledgement, Entry, Journal, JournalId, Opening, Owner, Room, StoredOperation, StoredSale};
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Input, Question};
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, CardType, Channel, Digest, Duration, Facts, Forwarding,
    Instant, Money, OfflineEffect, OfflineSituation, OperationId, Sale, SaleOutcome, SaleStatus, SettlementMode,
    SlipNumbers, VoidQuestion, Way,
};
use rescind_proof::Operation;
use serde_json::json;

/// The policy of terminals: Lakala's without the count that only the server knows, with a terminal's ceilings. `server` is the
/// server's, which it is made of.
pub fn terminal_policy(server: &str) -> Vec<u8> {
    let (before, count) = server.split_once("[[void.count]]").unwrap();
    let (_, after) = count.split_once("# 退款 -").unwrap();
    let text = format!(
        "{before}\n# 退款 -{after}\n[offline]\nvoid = \"allow\"\nreversal = \"allow\"\nrefund = \"allow\"\nother = \"refer\"\n\
         at-ceiling = \"refer\"\nmax-amount = \"500.00\"\nmax-total = \"5000.00\"\nmax-count = 50\nmax-records = 400\n\
         contact-age = \"24 hours\"\nbundle-age = \"7 days\"\n"
    )
    .replace("leaves-to-layers = [\"offline\"]", "");
    rescind_policy::compile(&other_version(&text), "terminal.toml").unwrap().canonical().to_vec()
}

pub fn lakala() -> &'static str {
    include_str!("../../../../../policies/lakala.toml")
}

pub struct Device {
    journal: Journal,
    pub key: SigningKey,
    pub policy: Vec<u8>,
    engine: NativePolicy,
    /// Signs what operators show; without it they show nothing.
    till: Option<Till>,
    /// The sales it knows, and how far each got.
    sales: Vec<(Sale, Forwarding)>,
}

pub fn owner() -> Owner {
    Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() }
}

fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

/// Minutes after noon in China, when the shop's clock stands.
pub fn noon(minutes: i64) -> Instant {
    Instant { unix_ms: 1_795_406_400_000 + minutes * 60_000 }
}

/// A sale of 100.00 as a terminal stores it.
pub fn stored(id: &str, paid_at: Instant) -> Sale {
    Sale {
        id: id.parse().unwrap(),
        merchant: "M-1".parse().unwrap(),
        slip: Some(SlipNumbers {
            terminal: "T1".parse().unwrap(),
            batch: "000001".into(),
            voucher: id.into(),
            trace: id.into(),
        }),
        order_number: Some(format!("ORDER-{id}")),
        retrieval_reference: None,
        operator: None,
        captured: cny(10_000),
        coupon: None,
        fee_charged: cny(60),
        channel: Channel::Card,
        card_type: Some(CardType::Credit),
        kind: "purchase".into(),
        payer_token: Some("9f86d081884c7d659a2feaa0c55ad015".into()),
        contact: None,
        service_at: None,
        paid_at,
        business_day: rescind_model::BusinessDay::new(2026, 11, 23).unwrap(),
        settlement: SettlementMode::Ordinary,
    }
}

impl Device {
    pub fn new(policy: Vec<u8>, till: Option<Till>) -> Self {
        let opening =
            Opening { owner: owner(), id: JournalId([7; 16]), room: Room { records: 1_000, bytes: 4_000_000 } };
        Self {
            journal: Journal::open_on(TornFile::default(), &opening).unwrap(),
            key: SigningKey::from_seed([9; 32]),
            engine: NativePolicy::load(&policy).unwrap(),
            policy,
            till,
            sales: Vec::new(),
        }
    }

    /// A terminal whose key and policy the server knows.
    pub async fn registered(shop: &Shop) -> Self {
        let device = Self::new(terminal_policy(lakala()), Some(shop.till.clone()));
        shop.world.app.install_policy(&shop.world.admin, "lakala", &device.policy).await.unwrap();
        device.register(shop).await;
        device
    }

    pub async fn register(&self, shop: &Shop) {
        let ask = json!({"label": "counter", "journal_key": self.key.public().to_string()});
        shop.call(&shop.admin, "PUT", "/v1/terminals/T1?merchant=M-1", None, &ask.to_string()).await.expect(200);
    }

    pub fn write(&mut self, at: Instant, entries: &[Entry]) -> u64 {
        self.journal.append(at, entries).unwrap()
    }

    /// A sale that never left the terminal.
    pub fn sells(&mut self, id: &str, paid_at: Instant) -> Sale {
        let sale = stored(id, paid_at);
        self.write(paid_at, &[Entry::Sale(Box::new(StoredSale { sale: sale.clone(), outcome: SaleOutcome::Good }))]);
        self.sales.push((sale.clone(), Forwarding::Kept));
        sale
    }

    /// A sale that was sent on: the server knows it.
    pub fn knows(&mut self, sale: Sale) {
        self.sales.push((sale, Forwarding::Forwarded));
    }

    /// Decides a void as the terminal would, by a supervisor who showed who they are a second before.
    pub fn decides(&self, sale: &str, at: Instant) -> (DecisionRecord, Option<String>) {
        let (sale, forwarding) = self.sales.iter().find(|(known, _)| known.id.as_str() == sale).unwrap().clone();
        let zero = cny(0);
        let person: rescind_model::PersonId = "M-1.supervisor".parse().unwrap();
        let operation = Operation {
            merchant: "M-1",
            sale: sale.id.as_str(),
            way: "void",
            minor: sale.captured.minor,
            currency: "CNY",
            reason: Some("wrong-amount"),
            terminal: Some("T1"),
            holder: "terminal",
            penalty: false,
            order: None,
            case: None,
            fees: None,
        };
        let digest = rescind_proof::operation_digest(&operation);
        let digest = Digest { hex: digest.iter().map(|byte| format!("{byte:02x}")).collect() };
        let shown = Instant { unix_ms: at.unix_ms - 1_000 };
        let proof = self.till.as_ref().map(|till| till.proof(shown, &person, "supervisor", &operation).unwrap());
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
            tallies: vec![],
            requested_today: None,
            asker: Asker {
                person: Some(person.clone()),
                roles: vec!["supervisor".parse().unwrap()],
                terminal: Some("T1".parse().unwrap()),
                terminal_class: None,
            },
            code: None,
            hold: None,
            operation: Some(digest.clone()),
            authentication: proof.as_ref().map(|_| Authentication {
                person,
                method: AuthenticationMethod::Pin,
                at: shown,
                operation: Some(digest),
            }),
            identity: vec![],
            offline: Some(OfflineSituation {
                forwarding,
                clock_bound: Duration { ms: 5_000 },
                last_contact: noon(-60),
                bundle_made: noon(-120),
                stored_records: 0,
                operations: 0,
                total: zero,
            }),
        };
        let asked = VoidQuestion {
            amount: sale.captured.clone(),
            reason: Some("wrong-amount".into()),
            legal: false,
            evidence: vec![],
        };
        let answer = match self.engine.decide_void(&facts, &asked) {
            Ok(decision) => Answer::Decided(decision),
            Err(error) => Answer::Error(error),
        };
        let input = Input { facts, question: Question::Void(asked) };
        let number = self.journal.head().next;
        let record = DecisionRecord {
            format: FORMAT.to_owned(),
            id: format!("T1.07070707.{number}"),
            merchant: "M-1".parse().unwrap(),
            sale: sale.id,
            at,
            policy: self.engine.identity(),
            component: Digest::of(b"native"),
            input_digest: input.digest(),
            input,
            answer,
        };
        (record, proof)
    }

    /// The void of a sale, as the terminal begins it: done if the sale never left, else it waits.
    pub fn voids(&mut self, name: &str, sale: &str, at: Instant) {
        let (record, proof) = self.decides(sale, at);
        self.begins(name, record, proof, at);
    }

    pub fn begins(&mut self, name: &str, record: DecisionRecord, proof: Option<String>, at: Instant) {
        let Answer::Decided(decision) = &record.answer else { panic!("{:?}", record.answer) };
        assert_eq!(decision.findings, vec![], "{name}");
        let operation = StoredOperation {
            id: OperationId::parse(name).unwrap(),
            sale: record.sale.clone(),
            way: Way::Void,
            amount: decision.amount.clone(),
            effect: decision.obligations.offline.unwrap_or(OfflineEffect::Queued),
            decision: self.journal.head().next,
            day: rescind_model::BusinessDay::new(2026, 11, 23).unwrap(),
            reason: Some("wrong-amount".into()),
            operator: record.input.facts.asker.person.clone(),
            proof,
        };
        self.write(at, &[Entry::Decision(Box::new(record)), Entry::Operation(Box::new(operation))]);
    }

    /// Records from a number on, as a signed batch.
    pub fn export(&self, from: u64, most: usize) -> Vec<u8> {
        self.journal.export(from, most, &self.key).unwrap().expect("there are records").batch
    }

    pub fn all(&self) -> Vec<u8> {
        self.export(1, 256)
    }

    /// Takes an acknowledgement, as the terminal's library does; gives how many records it let go.
    pub fn acknowledge(&mut self, answer: &Acknowledgement) -> u64 {
        self.journal.acknowledge(&answer.head).unwrap()
    }

    pub fn waiting(&self) -> u64 {
        self.journal.counters().records
    }
}

/// Sends a batch with a key.
pub async fn send(shop: &Shop, key: &str, batch: Vec<u8>) -> Reply {
    let request = Request::builder()
        .method("POST")
        .uri("/v1/terminal/sync?locale=en")
        .header("content-type", "application/cbor")
        .header("authorization", format!("Bearer {key}"));
    shop.send(request.body(Body::from(batch)).unwrap()).await
}

/// The terminal hands a batch in.
pub async fn sync(shop: &Shop, batch: Vec<u8>) -> Reply {
    send(shop, &shop.terminal, batch).await
}

/// The same, and it is taken: the answer as the terminal reads it.
pub async fn taken(shop: &Shop, batch: Vec<u8>) -> Acknowledgement {
    let reply = sync(shop, batch).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    Acknowledgement::read(reply.text.as_bytes()).unwrap()
}

pub fn now(shop: &Shop) -> Instant {
    shop.world.app.ports.now()
}
