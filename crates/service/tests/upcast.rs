//! Records of every format that was ever released are still read. The fixtures were written by the code of that time:
//! `sale-1-refund.json` is a sale of 5,000.00 with a refund in review that has a note and one of two approvals,
//! `sale-1-void.json` one of 100.00 whose void is authorised.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use rescind_model::{
    Account, Actor, Command, CommandId, EventKind, Instant, MerchantId, OutcomeReport, RefundState, ResultOf, SaleId,
    Side, Target, chain,
};
use rescind_service::personal::ErasureAsk;
use rescind_service::ports::{Kv as _, Ports as _};
use rescind_service::principal::Principal;
use rescind_service::refund::RefundChange;
use rescind_service::sale::Aggregate;
use rescind_service::store::key::Key;
use rescind_service::store::{Creation, Records};
use rescind_service::testkit::{Fault, MemoryKv, World};
use rescind_service::{App, Error};

const REFUND: &str = include_str!("fixtures/sale-1-refund.json");
const VOID: &str = include_str!("fixtures/sale-1-void.json");
const NOTE: &str = "call me on 13812345678";

struct Old {
    world: World,
    merchant: MerchantId,
}

impl Old {
    async fn with(id: &str, record: &str) -> Self {
        let path = format!("{}/../../policies/lakala.toml", env!("CARGO_MANIFEST_DIR"));
        let pack = rescind_policy::compile(&std::fs::read_to_string(path).unwrap(), "lakala").unwrap();
        let world = World::new();
        let merchant = world.merchant("m1", "lakala", pack.canonical()).await.unwrap();
        world.app.ports.kv().set(&format!("sale:m1:{id}"), record.as_bytes()).await.unwrap();
        Self { world, merchant }
    }

    fn app(&self) -> &App<rescind_service::testkit::TestPorts> {
        &self.world.app
    }

    async fn who(&self, name: &str) -> Principal {
        let key = self.world.person_key(&self.merchant, name).await.unwrap();
        self.app().authenticate(Some(&format!("Bearer {key}"))).await.unwrap()
    }

    async fn read(&self, id: &str) -> Aggregate {
        let records = self.app().records().await.unwrap();
        records.read::<Aggregate>(&Key::sale(&self.merchant, &SaleId::parse(id).unwrap())).await.unwrap().unwrap()
    }

    async fn bytes(&self, id: &str) -> String {
        let bytes = self.app().ports.kv().get(&format!("sale:m1:{id}")).await.unwrap().unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

fn command(id: &str) -> CommandId {
    CommandId::parse(id).unwrap()
}

#[tokio::test]
async fn a_sale_of_the_first_format_is_read_and_changed() {
    let old = Old::with("S-1", REFUND).await;
    let before = old.read("S-1").await;
    assert_eq!(chain::verify(&before.ledger, &before.events), Ok(()));
    assert_eq!((before.events.len(), before.commits), (4, 3));
    let refund = before.ledger.refunds[0].clone();
    assert_eq!((refund.state, refund.approvals.len(), refund.request.note.clone()), (RefundState::InReview, 1, None));
    assert_eq!(refund.approvals[0].digest, refund.digest);
    assert_eq!((before.notes.len(), before.notes[0].text.as_str()), (1, NOTE));
    assert_eq!(old.bytes("S-1").await, REFUND, "reading writes nothing");

    // The approval of then counts: one more is enough, and the refund goes out.
    let manager = old.who("manager").await;
    let yes = RefundChange::Approve { revision: None, digest: Some(refund.digest.clone()) };
    let app = old.app();
    let (after, _) = app.change_refund(&manager, &old.merchant, &refund.id, yes, &command("c-1")).await.unwrap();
    assert_eq!(after.ledger.refunds[0].state, RefundState::Approved);
    let finance = old.who("finance").await;
    let done = app.change_refund(&finance, &old.merchant, &refund.id, RefundChange::Clear, &command("c-2")).await;
    assert_eq!(done.unwrap().0.ledger.refunds[0].state, RefundState::Clearing);
    let now = old.read("S-1").await;
    assert_eq!(chain::verify(&now.ledger, &now.events), Ok(()));
    assert_eq!(now.notes, before.notes);
    let bytes = old.bytes("S-1").await;
    assert!(bytes.starts_with(r#"{"f":"sale/2","v":5,"c":"native","d":"#), "{bytes}");
}

#[tokio::test]
async fn the_books_of_an_old_sale_are_those_that_are_kept_today() {
    let old = Old::with("S-2", VOID).await;
    let before = old.read("S-2").await;
    let entry = |what: &str| before.ledger.entries.iter().find(|e| e.what == what).unwrap().clone();
    assert_eq!(
        entry("sale").postings.iter().map(|p| (p.account, p.side)).collect::<Vec<_>>(),
        vec![(Account::Customer, Side::Debit), (Account::Merchant, Side::Credit)]
    );
    // The same sale, registered by today's component: the same entries but for the instant.
    let ports = &old.app().ports;
    let registered = before.events[0].clone();
    let fresh = ports
        .open_ledger(
            &before.ledger.sale,
            rescind_model::SaleOutcome::Good,
            &rescind_model::Origin::Sale,
            &registered.actor,
            &registered.command,
            registered.at,
        )
        .unwrap();
    assert_eq!(before.ledger.entries, fresh.ledger.entries);
    assert_eq!(fresh.events[0].link, before.events[0].link, "and the same link");

    // It goes on as any other: the void is done, and its entry balances the sale's.
    let void = before.ledger.voids[0].id.clone();
    let at = Instant { unix_ms: before.events[1].at.unix_ms + 1_000 };
    let evidence = rescind_model::Evidence {
        source: "provider".to_owned(),
        code: Some("00".to_owned()),
        reference: None,
        note: None,
        at,
    };
    let target = Target::Void(void);
    let sent = ports.apply(&before.ledger, &Command::RecordSent(target.clone()), &Actor::System, &command("k-1"), at);
    let report = Command::Report(OutcomeReport { target, outcome: ResultOf::Done(evidence) });
    let done = ports.apply(&sent.unwrap().ledger, &report, &Actor::System, &command("k-2"), at).unwrap();
    let customer: i64 = done
        .ledger
        .entries
        .iter()
        .flat_map(|e| &e.postings)
        .filter(|p| p.account == Account::Customer)
        .map(|p| if p.side == Side::Debit { p.amount.minor } else { -p.amount.minor })
        .sum();
    assert_eq!(customer, 0);
}

#[tokio::test]
async fn the_note_of_an_old_refund_can_be_erased() {
    let old = Old::with("S-1", REFUND).await;
    let manager = old.who("manager").await;
    let sale = SaleId::parse("S-1").unwrap();
    let ask = ErasureAsk { reason: "asked".to_owned(), commitments: None };
    for key in ["c-1", "c-1", "c-2"] {
        old.app().erase(&manager, &old.merchant, &sale, &ask, &command(key)).await.unwrap();
    }
    let now = old.read("S-1").await;
    assert_eq!(now.events.iter().filter(|e| e.kind == EventKind::DataErased).count(), 1);
    assert!(now.notes.is_empty());
    assert!(!old.bytes("S-1").await.contains("13812345678"));
    assert_eq!(chain::verify(&now.ledger, &now.events), Ok(()));
}

#[tokio::test]
async fn the_note_of_an_old_refund_goes_when_its_time_is_over() {
    let old = Old::with("S-1", REFUND).await;
    let manager = old.who("manager").await;
    let refund = old.read("S-1").await.ledger.refunds[0].id.clone();
    let no = RefundChange::Decline { reason: "no receipt".to_owned() };
    old.app().change_refund(&manager, &old.merchant, &refund, no, &command("c-1")).await.unwrap();
    assert_eq!(old.app().retain().await.unwrap(), 0);
    assert_eq!(old.read("S-1").await.notes.len(), 1);
    for _ in 0..400 {
        old.app().ports.pass(rescind_model::Duration { ms: 86_400_000 });
    }
    for _ in 0..20 {
        old.app().retain().await.unwrap();
    }
    let now = old.read("S-1").await;
    assert!(now.notes.is_empty());
    assert_eq!(now.events.iter().filter(|e| e.kind == EventKind::DataErased).count(), 1);
    assert_eq!(chain::verify(&now.ledger, &now.events), Ok(()));
}

#[tokio::test]
async fn what_was_consented_to_before_is_not_made_good_by_reading_it() {
    // The amount was changed in the store: the digest of then does not fit, and stays; so does what was agreed to.
    let tampered = REFUND.replace(r#""amount":{"minor":300000"#, r#""amount":{"minor":400000"#);
    let old = Old::with("S-1", &tampered).await;
    let refund = old.read("S-1").await.ledger.refunds[0].clone();
    let then = "062b18d97a96b907d8f392c4d9b570e8b3996b7782d034c216ddc767fd4e06e6";
    assert_eq!((refund.digest.as_str(), refund.approvals[0].digest.as_str()), (then, then));
    let yes = RefundChange::Approve { revision: None, digest: None };
    let manager = old.who("manager").await;
    let app = old.app();
    app.change_refund(&manager, &old.merchant, &refund.id, yes, &command("c-1")).await.unwrap();
    let finance = old.who("finance").await;
    let sent = app.change_refund(&finance, &old.merchant, &refund.id, RefundChange::Clear, &command("c-2")).await;
    assert_eq!(sent.unwrap_err(), Error::Rejected(rescind_model::Rejection::NotAllowed("consent".to_owned())));
}

#[tokio::test]
async fn a_format_nobody_knows_is_refused_and_named() {
    for (record, says) in [
        (REFUND.replace("sale/1", "sale/3"), "expected format sale/2, found sale/3"),
        (REFUND.replace("sale/1", "sale/0"), "expected format sale/2, found sale/0"),
        (REFUND.replace(r#""status":"#, r#""state":"#), "not what sale/1 says"),
        (REFUND.replace(r#""voids":[]"#, r#""voids":[],"cases":[]"#), "cases: not a field of this format"),
    ] {
        let kv = MemoryKv::new(Fault::None);
        kv.set("sale:m1:S-1", record.as_bytes()).await.unwrap();
        let records = Records::new(&kv, Creation::Direct, "native");
        let key = Key::sale(&MerchantId::parse("m1").unwrap(), &SaleId::parse("S-1").unwrap());
        match records.read::<Aggregate>(&key).await.unwrap_err() {
            Error::Internal(why) => assert!(why.contains(says), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_record_names_both_components_that_made_it() {
    let kv = MemoryKv::new(Fault::None);
    kv.set("sale:m1:S-1", REFUND.as_bytes()).await.unwrap();
    let records = Records::new(&kv, Creation::Direct, "refunds-digest").decided_by(Some("eligibility-digest"));
    let key = Key::sale(&MerchantId::parse("m1").unwrap(), &SaleId::parse("S-1").unwrap());
    let slot = records.open::<Aggregate>(&key).await.unwrap();
    let next = slot.value.clone().unwrap();
    records.commit(slot, &next, "c-00000000000000000000000000000002", 1).await.unwrap();
    let bytes = String::from_utf8(kv.get("sale:m1:S-1").await.unwrap().unwrap()).unwrap();
    let begins = r#"{"f":"sale/2","v":4,"c":"refunds-digest","e":"eligibility-digest","d":"#;
    assert!(bytes.starts_with(begins), "{bytes}");
    assert_eq!(records.read::<Aggregate>(&key).await.unwrap(), Some(next));
}

#[tokio::test]
async fn an_old_payment_that_nobody_knows_of_has_been_so_since_it_was_registered() {
    let mut record: serde_json::Value = serde_json::from_str(VOID).unwrap();
    record["d"]["ledger"]["status"]["outcome"] = "Unknown".into();
    record["d"]["ledger"]["voids"] = serde_json::json!([]);
    let id = record["d"]["ledger"]["sale"]["id"].as_str().unwrap().to_owned();
    let old = Old::with(&id, &record.to_string()).await;
    let there = old.read(&id).await;
    let since = there.events[0].at;
    assert_eq!(there.ledger.doubt, Some(rescind_model::Doubt { since, attention: false }));
}
