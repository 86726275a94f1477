//! The service over ports in memory: storage on stores that lie, what a transition costs, the feed, the courier.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test may fail loudly, and counts small things"
)]

use rescind_model::{
    Audience, Channel, CommandId, Instant, Locale, MerchantId, Money, PersonId, RefundId, RefundState, Sale, SaleId,
    SaleOutcome, SettlementMode, Way,
};
use rescind_proof::Operation;
use rescind_service::code::{CodeAsk, ScanAsk};
use rescind_service::endpoint::EndpointAsk;
use rescind_service::feed::Told;
use rescind_service::hold::HoldAsk;
use rescind_service::idempotency::{Answer, Begin};
use rescind_service::operation::OperationAsk;
use rescind_service::ports::{Kv as _, NoAnswer, OutboundAnswer, Ports as _};
use rescind_service::principal::Principal;
use rescind_service::proof::ShownProof;
use rescind_service::refund::{RefundAsk, RefundChange};
use rescind_service::reversal::TroubleAsk;
use rescind_service::store::key::Key;
use rescind_service::store::lane;
use rescind_service::store::list::{Entry, Page, Position};
use rescind_service::store::tally::{Place, Tally};
use rescind_service::store::{Commit, Creation, Records, probe};
use rescind_service::testkit::{Fault, MemoryKv, Op, Plan, Till, Trouble, World};
use rescind_service::void::VoidAsk;
use rescind_service::{App, Error};
use std::collections::BTreeSet;
use std::sync::Mutex;

const FAULTS: [Fault; 3] = [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused];

fn pack(name: &str) -> (String, Vec<u8>) {
    let path = format!("{}/../../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let compiled = rescind_policy::compile(&std::fs::read_to_string(path).unwrap(), name).unwrap();
    (compiled.document().name.clone(), compiled.canonical().to_vec())
}

struct Shop {
    world: World,
    merchant: MerchantId,
    cashier: Principal,
    manager: Principal,
    system: Principal,
    till: Till,
}

impl Shop {
    async fn on(fault: Fault) -> Self {
        let world = World::on(fault);
        let (name, canonical) = pack("lakala");
        let merchant = world.merchant("m1", &name, &canonical).await.unwrap();
        let who = async |token: String| world.app.authenticate(Some(&format!("Bearer {token}"))).await.unwrap();
        let cashier = who(world.person_key(&merchant, "cashier").await.unwrap()).await;
        let manager = who(world.person_key(&merchant, "manager").await.unwrap()).await;
        let system = who(world.system_key(&merchant).await.unwrap()).await;
        let till = Till::of(&world.app).await.unwrap();
        Self { world, merchant, cashier, manager, system, till }
    }

    /// A void of 10.00, with the cashier's proof for it.
    fn void_ask(&self, sale: &SaleId) -> VoidAsk {
        let operation = Operation {
            merchant: self.merchant.as_str(),
            sale: sale.as_str(),
            way: "void",
            minor: 1_000,
            currency: "CNY",
            reason: Some("wrong-amount"),
            terminal: None,
            holder: "person",
            penalty: false,
            order: None,
            case: None,
            fees: None,
        };
        let cashier = PersonId::parse("m1.cashier").unwrap();
        let proof = self.till.proof(self.app().ports.now(), &cashier, "cashier", &operation).unwrap();
        VoidAsk { reason: Some("wrong-amount".to_owned()), proof: ShownProof(Some(proof)), ..VoidAsk::default() }
    }

    fn app(&self) -> &App<rescind_service::testkit::TestPorts> {
        &self.world.app
    }

    async fn sale(&self, id: &str, amount: &str, minutes_ago: i64) -> SaleId {
        let now = self.app().ports.now();
        let paid_at = Instant { unix_ms: now.unix_ms - minutes_ago * 60_000 };
        let id = SaleId::parse(id).unwrap();
        let sale = Sale {
            id: id.clone(),
            merchant: self.merchant.clone(),
            slip: None,
            order_number: Some(format!("O-{id}")),
            retrieval_reference: None,
            operator: Some(PersonId::parse("m1.cashier").unwrap()),
            captured: Money::parse(amount, "CNY").unwrap(),
            fee_charged: Money::parse("0.60", "CNY").unwrap(),
            channel: Channel::Card,
            card_type: None,
            kind: "purchase".to_owned(),
            payer_token: None,
            coupon: None,
            contact: None,
            service_at: None,
            paid_at,
            business_day: self.app().business_day_of(&self.merchant, paid_at).await.unwrap(),
            settlement: SettlementMode::Ordinary,
        };
        let (_, created) = self.app().register_sale(&self.system, sale.clone(), SaleOutcome::Good).await.unwrap();
        assert!(created);
        let (_, again) = self.app().register_sale(&self.system, sale, SaleOutcome::Good).await.unwrap();
        assert!(!again, "the same sale again is harmless");
        id
    }

    fn ask(sale: &SaleId, amount: &str) -> RefundAsk {
        RefundAsk {
            id: None,
            sale: sale.clone(),
            amount: Money::parse(amount, "CNY").unwrap(),
            reason: Some("returned-goods".to_owned()),
            note: None,
            contact: None,
            evidence: Vec::new(),
            requester: None,
            operator: None,
            case: None,
            fees: None,
            corrects: None,
            proof: ShownProof::default(),
            identity: None,
        }
    }

    /// A decision in every lane: the first of a day also writes down when they all go.
    async fn decide_in_every_lane(&self) {
        let mut lanes = BTreeSet::new();
        for n in 0..1_000 {
            let name = format!("L-{n}");
            if lanes.insert(lane::of(&self.merchant, &SaleId::parse(&name).unwrap())) {
                let sale = self.sale(&name, "10.00", 5).await;
                self.app().check_void(&self.cashier, &self.merchant, &sale, &self.void_ask(&sale)).await.unwrap();
            }
        }
        assert_eq!(lanes.len(), usize::from(rescind_service::limits::LANES));
        self.app().publish_waiting().await;
        self.app().tick().await.unwrap();
    }

    async fn refund(&self, sale: &SaleId, amount: &str, command: &str) -> Result<RefundId, Error> {
        let command = CommandId::parse(command).unwrap();
        let made = self.app().submit_refund(&self.cashier, &self.merchant, &Self::ask(sale, amount), &command).await;
        made.map(|(_, id)| id)
    }
}

#[tokio::test]
async fn the_probe_finds_out_how_a_store_creates() {
    for (fault, creation) in [
        (Fault::None, Creation::Direct),
        (Fault::SaysRefused, Creation::Direct),
        (Fault::SaysSwapped, Creation::Direct),
        (Fault::VersionBeginsAnew, Creation::Direct),
        (Fault::ToldTwice, Creation::Direct),
        (Fault::UpsertOverNothing, Creation::Headed),
    ] {
        let kv = MemoryKv::new(fault);
        assert_eq!(probe(&kv, 7).await.unwrap(), creation, "{fault:?}");
        assert!(kv.keys().is_empty(), "the probe leaves nothing behind: {:?}", kv.keys());
    }
}

#[tokio::test]
async fn a_moments_trouble_never_passes_for_a_property_of_the_store() {
    for (fault, creation) in [
        (Fault::None, Creation::Direct),
        (Fault::SaysRefused, Creation::Direct),
        (Fault::SaysSwapped, Creation::Direct),
        (Fault::UpsertOverNothing, Creation::Headed),
    ] {
        for trouble in
            [Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused, Trouble::Stale]
        {
            if fault == Fault::UpsertOverNothing && trouble == Trouble::Stale {
                // Spin's SQLite is one connection to one file: nothing in it is stale.
                continue;
            }
            for n in 0..32 {
                let kv = MemoryKv::new(fault);
                kv.plan(Plan::once(trouble, n));
                // Refused is not remembered: the next request probes again.
                let found = probe(&kv, 7).await.ok().filter(|c| !matches!(c, Creation::Refused(_)));
                assert!(found.is_none_or(|c| c == creation), "{fault:?}, {trouble:?} at {n}: {found:?}");
                kv.calm();
                assert_eq!(probe(&kv, 8).await.unwrap(), creation, "{fault:?}, {trouble:?} at {n}");
            }
        }
    }
}

#[tokio::test]
async fn a_stale_handle_is_not_taken_for_a_lost_race() {
    let kv = MemoryKv::new(Fault::None);
    let records = Records::new(&kv, Creation::Direct, "test");
    let list = Key::directory("stale");
    let entry = |id: &str| Entry { id: id.to_owned(), at: String::new() };
    records.append(&list, &entry("a"), 1).await.unwrap();
    records.append(&list, &entry("b"), 2).await.unwrap();
    let slot = records.open::<Page>(&list.page(0)).await.unwrap();
    let three = Page { entries: vec![entry("a"), entry("b"), entry("c")] };
    // The swap does not arrive, and the next handle is older than what was seen.
    kv.plan(Plan::once(Trouble::SaysDone, 0).of(Op::Swap));
    kv.plan(Plan::once(Trouble::Stale, 0).of(Op::Open));
    assert_eq!(records.commit(slot, &three, "c", 3).await.unwrap(), Commit::Written);
    assert_eq!(records.read::<Page>(&list.page(0)).await.unwrap(), Some(three));
}

#[tokio::test]
async fn a_creation_has_one_winner_on_every_store() {
    for fault in FAULTS {
        let kv = MemoryKv::new(fault);
        let records = Records::new(&kv, probe(&kv, 7).await.unwrap(), "test");
        let key = Key::directory("race");
        let page = |id: &str| Page { entries: vec![Entry { id: id.to_owned(), at: String::new() }] };
        let one = records.open::<Page>(&key).await.unwrap();
        let two = records.open::<Page>(&key).await.unwrap();
        assert_eq!(records.commit(one, &page("one"), "one", 1).await.unwrap(), Commit::Written, "{fault:?}");
        assert_eq!(records.commit(two, &page("two"), "two", 2).await.unwrap(), Commit::Lost, "{fault:?}");
        assert_eq!(records.read::<Page>(&key).await.unwrap(), Some(page("one")), "{fault:?}");
        // And so has a change.
        let one = records.open::<Page>(&key).await.unwrap();
        let two = records.open::<Page>(&key).await.unwrap();
        assert_eq!(records.commit(two, &page("two"), "two", 3).await.unwrap(), Commit::Written, "{fault:?}");
        assert_eq!(records.commit(one, &page("three"), "three", 4).await.unwrap(), Commit::Lost, "{fault:?}");
        assert_eq!(records.read::<Page>(&key).await.unwrap(), Some(page("two")), "{fault:?}");
    }
}

#[tokio::test]
async fn a_removed_record_can_be_made_again() {
    for fault in FAULTS {
        let kv = MemoryKv::new(fault);
        let records = Records::new(&kv, probe(&kv, 7).await.unwrap(), "test");
        let list = Key::directory("again");
        let entry = |id: &str| Entry { id: id.to_owned(), at: String::new() };
        records.append(&list, &entry("a"), 1).await.unwrap();
        records.remove(&list.page(0)).await.unwrap();
        assert_eq!(records.slice(&list, Position::START, 10).await.unwrap().entries, vec![], "{fault:?}");
        records.append(&list, &entry("b"), 2).await.unwrap();
        let slice = records.slice(&list, Position::START, 10).await.unwrap();
        assert_eq!(slice.entries.into_iter().map(|(_, e)| e.id).collect::<Vec<_>>(), ["b"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_list_keeps_order_and_drops_repetitions_over_many_pages() {
    let kv = MemoryKv::new(Fault::None);
    let records = Records::new(&kv, Creation::Direct, "test");
    let list = Key::directory("long");
    for n in 0..300_u64 {
        let entry = Entry { id: n.to_string(), at: String::new() };
        records.append(&list, &entry, n).await.unwrap();
        records.append(&list, &entry, n).await.unwrap();
    }
    let mut at = Position::START;
    let mut ids = Vec::new();
    loop {
        let slice = records.slice(&list, at, 70).await.unwrap();
        for (position, entry) in slice.entries {
            at = position;
            ids.push(entry.id);
        }
        if !slice.more {
            break;
        }
    }
    assert_eq!(ids, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_batch_is_written_only_when_all_of_it_is() {
    let kv = MemoryKv::new(Fault::None);
    let records = Records::new(&kv, Creation::Direct, "test");
    let list = Key::directory("batch");
    let entry = |id: &str| Entry { id: id.to_owned(), at: String::new() };
    let slow = records.open::<Page>(&list.page(0)).await.unwrap();
    // Somebody else writes the last of the two meanwhile.
    assert_eq!(records.add_to_page(&list, 0, &[entry("b")], 1).await.unwrap(), []);
    let both = Page { entries: vec![entry("a"), entry("b")] };
    assert_eq!(records.commit(slow, &both, "a\nb", 2).await.unwrap(), Commit::Lost);
    assert_eq!(records.add_to_page(&list, 0, &[entry("a"), entry("b")], 3).await.unwrap(), []);
    let slice = records.slice(&list, Position::START, 10).await.unwrap();
    assert_eq!(slice.entries.into_iter().map(|(_, e)| e.id).collect::<Vec<_>>(), ["b", "a"]);
}

#[tokio::test]
async fn a_place_is_given_back_even_when_another_is_at_the_same_time() {
    let kv = MemoryKv::new(Fault::None);
    let records = Records::new(&kv, Creation::Direct, "test");
    let key = Key::directory("tally");
    let place =
        |id: &str| Place { id: id.to_owned(), sale: SaleId::parse("S").unwrap(), adds: 1, at: Instant { unix_ms: 1 } };
    let mut tally = Tally::default();
    assert!(tally.reserve(place("c1")) && tally.reserve(place("c2")));
    let slot = records.open::<Tally>(&key).await.unwrap();
    assert_eq!(records.commit(slot, &tally, &place("c2").proof(), 1).await.unwrap(), Commit::Written);
    let (one, two) = (records.open::<Tally>(&key).await.unwrap(), records.open::<Tally>(&key).await.unwrap());
    let (mut without_one, mut without_two) = (tally.clone(), tally);
    assert!(without_one.settle("c1", true, None) && without_two.settle("c2", false, None));
    assert_eq!(records.commit(one, &without_one, "settled c1", 2).await.unwrap(), Commit::Written);
    assert_eq!(records.commit(two, &without_two, "settled c2", 3).await.unwrap(), Commit::Lost);
    assert_eq!(records.read::<Tally>(&key).await.unwrap().unwrap().total_without("c2"), Some(1));
}

#[tokio::test]
async fn an_unknown_format_is_refused_and_named() {
    let kv = MemoryKv::new(Fault::None);
    kv.set("list:odd:p00000000", br#"{"f":"page/2","v":1,"c":"x","d":{"entries":[],"more":1}}"#).await.unwrap();
    let records = Records::new(&kv, Creation::Direct, "test");
    let error = records.read::<Page>(&Key::directory("odd").page(0)).await.unwrap_err();
    assert!(matches!(&error, Error::Internal(why) if why.contains("page/1") && why.contains("page/2")), "{error:?}");
}

#[tokio::test]
async fn two_refunds_cannot_both_take_what_is_left_on_any_store() {
    for fault in FAULTS {
        let shop = Shop::on(fault).await;
        let sale = shop.sale("S-1", "100.00", 3 * 24 * 60).await;
        shop.refund(&sale, "60.00", "c-1").await.unwrap();
        let refused = shop.refund(&sale, "60.00", "c-2").await.unwrap_err();
        let left = match refused {
            Error::ExceedsBalance { left } => left,
            Error::Decided(decision) => {
                assert_eq!(decision.findings.first().unwrap().rule, "refund.balance");
                Money::parse("40.00", "CNY").unwrap()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(left.decimal_text(), "40.00");
        // The same command again is the same refund.
        shop.refund(&sale, "60.00", "c-1").await.unwrap();
        let there = shop.app().sale(&shop.system, &shop.merchant, &sale).await.unwrap();
        assert_eq!(there.ledger.refunds.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn the_fourth_void_of_a_day_is_referred_and_a_refused_one_does_not_count() {
    let shop = Shop::on(Fault::None).await;
    for n in 1..=3 {
        let sale = shop.sale(&format!("S-{n}"), "10.00", 5).await;
        let command = CommandId::parse(&format!("c-{n}")).unwrap();
        shop.app().void(&shop.cashier, &shop.merchant, &sale, &shop.void_ask(&sale), &command).await.unwrap();
        // Voiding it again is refused, and does not use up a place.
        let again = CommandId::parse(&format!("c-{n}-again")).unwrap();
        let refused = shop.app().void(&shop.cashier, &shop.merchant, &sale, &shop.void_ask(&sale), &again).await;
        assert!(matches!(refused, Err(Error::Decided(_))), "{refused:?}");
    }
    let sale = shop.sale("S-4", "10.00", 5).await;
    let command = CommandId::parse("c-4").unwrap();
    let refused =
        shop.app().void(&shop.cashier, &shop.merchant, &sale, &shop.void_ask(&sale), &command).await.unwrap_err();
    let Error::Decided(decision) = refused else { panic!("{refused:?}") };
    assert_eq!(decision.outcome, rescind_model::Outcome::Refer);
    assert_eq!(decision.findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["void.count"]);
}

#[tokio::test]
async fn a_key_is_claimed_once_and_answers_the_same_for_ever() {
    let shop = Shop::on(Fault::None).await;
    let app = shop.app();
    let payload = rescind_model::Digest::of(b"one");
    let Begin::Fresh(ticket) = app.begin(&shop.merchant, "k", &payload, None).await.unwrap() else { panic!() };
    assert!(matches!(app.begin(&shop.merchant, "k", &payload, None).await, Err(Error::KeyInFlight)));
    let other = rescind_model::Digest::of(b"two");
    assert!(matches!(app.begin(&shop.merchant, "k", &other, None).await, Err(Error::KeyReused)));
    let answer = Answer { status: 201, body: "{}".to_owned() };
    app.finish(ticket, &answer).await.unwrap();
    let Begin::Replay(again) = app.begin(&shop.merchant, "k", &payload, None).await.unwrap() else { panic!() };
    assert_eq!(again, answer);
}

#[tokio::test]
async fn a_key_that_was_given_back_is_free_and_one_whose_owner_died_is_taken_over() {
    let shop = Shop::on(Fault::None).await;
    let app = shop.app();
    let (one, two) = (rescind_model::Digest::of(b"one"), rescind_model::Digest::of(b"two"));
    let Begin::Fresh(ticket) = app.begin(&shop.merchant, "k", &one, None).await.unwrap() else { panic!() };
    app.abandon(ticket, &Error::NotFound("refund")).await.unwrap();
    let Begin::Fresh(ticket) = app.begin(&shop.merchant, "k", &two, None).await.unwrap() else { panic!() };
    let command = ticket.command().clone();
    drop(ticket);
    assert!(matches!(app.begin(&shop.merchant, "k", &two, None).await, Err(Error::KeyInFlight)));
    app.ports.pass(rescind_service::limits::IDEMPOTENCY_LEASE);
    app.ports.pass(rescind_model::Duration { ms: 1 });
    let Begin::Fresh(ticket) = app.begin(&shop.merchant, "k", &two, None).await.unwrap() else { panic!() };
    assert_eq!(ticket.command(), &command, "a retry is the same command");
}

#[tokio::test]
async fn the_feed_has_every_event_once_however_often_it_is_published() {
    for fault in [Fault::None, Fault::UpsertOverNothing] {
        let shop = Shop::on(fault).await;
        let mut expected = 0;
        for n in 0..90 {
            let sale = shop.sale(&format!("S-{n}"), "100.00", 3 * 24 * 60).await;
            shop.refund(&sale, "60.00", &format!("c-{n}")).await.unwrap();
            let there = shop.app().sale(&shop.system, &shop.merchant, &sale).await.unwrap();
            expected += there.events.len();
            if n % 7 == 0 {
                shop.app().publish_waiting().await;
                shop.app().publish_waiting().await;
                shop.app().tick().await.unwrap();
            }
        }
        let mut after: Option<String> = None;
        let mut seen: Vec<(String, u64)> = Vec::new();
        loop {
            let page = shop.app().events(&shop.system, &shop.merchant, after.as_deref(), 100).await.unwrap();
            if page.items.is_empty() {
                break;
            }
            seen.extend(page.items.iter().map(|item| match &item.told {
                Told::OfSale { event, aggregate } => (aggregate.ledger.sale.id.to_string(), event.sequence),
                Told::OfTerminal(notice) => panic!("{notice:?}"),
            }));
            after = Some(page.next);
        }
        assert_eq!(seen.len(), expected, "{fault:?}");
        for n in 0..90 {
            let id = format!("S-{n}");
            let own: Vec<u64> = seen.iter().filter(|(s, _)| *s == id).map(|(_, q)| *q).collect();
            assert_eq!(own, (1..=own.len() as u64).collect::<Vec<_>>(), "events of {id} are in order, none twice");
        }
        let listed = shop.app().list_refunds(&shop.system, &shop.merchant, None, None, 100).await.unwrap();
        assert_eq!(listed.items.len(), 90);
    }
}

#[tokio::test]
async fn the_courier_pays_once_however_the_provider_behaves() {
    // The provider takes the refund and is silent; asked again, it knows.
    let shop = Shop::on(Fault::None).await;
    let calls: std::sync::Arc<Mutex<Vec<String>>> = std::sync::Arc::default();
    let seen = std::sync::Arc::clone(&calls);
    shop.app().ports.answer_with(Box::new(move |method, url, _| {
        seen.lock().unwrap().push(format!("{method} {url}"));
        match method {
            "POST" => Err(NoAnswer("silence".to_owned())),
            _ => Ok(OutboundAnswer { status: 200, body: br#"{"status":"done","code":"00"}"#.to_vec() }),
        }
    }));
    let sale = shop.sale("S-1", "100.00", 3 * 24 * 60).await;
    let refund = shop.refund(&sale, "60.00", "c-1").await.unwrap();
    let command = CommandId::parse("c-clear").unwrap();
    shop.app().change_refund(&shop.manager, &shop.merchant, &refund, RefundChange::Clear, &command).await.unwrap();
    shop.app().tick().await.unwrap();
    let state = async || {
        let (there, id) = shop.app().refund(&shop.system, &shop.merchant, &refund).await.unwrap();
        rescind_service::refund::find(&there, &id).unwrap().state
    };
    assert_eq!(state().await, RefundState::Unknown);
    for _ in 0..5 {
        shop.app().ports.pass(rescind_model::Duration::seconds(2));
        shop.app().tick().await.unwrap();
    }
    assert_eq!(state().await, RefundState::Cleared);
    shop.app().tick().await.unwrap();
    let metrics = shop.app().metrics().await.unwrap();
    assert!(metrics.contains("rescind_intents_pending 0\n"), "everything that followed is done: {metrics}");
    let posts = calls.lock().unwrap().iter().filter(|c| c.starts_with("POST")).count();
    assert_eq!(posts, 1, "{:?}", calls.lock().unwrap());
}

#[tokio::test]
async fn an_outcome_nobody_can_tell_ends_in_a_persons_hands_and_never_by_a_timer() {
    let shop = Shop::on(Fault::None).await;
    let sale = shop.sale("S-1", "100.00", 3 * 24 * 60).await;
    let refund = shop.refund(&sale, "60.00", "c-1").await.unwrap();
    shop.app()
        .change_refund(
            &shop.manager,
            &shop.merchant,
            &refund,
            RefundChange::Clear,
            &CommandId::parse("c-clear").unwrap(),
        )
        .await
        .unwrap();
    for _ in 0..400 {
        shop.app().tick().await.unwrap();
        shop.app().ports.pass(rescind_model::Duration::minutes(15));
    }
    let (there, id) = shop.app().refund(&shop.system, &shop.merchant, &refund).await.unwrap();
    let refund = rescind_service::refund::find(&there, &id).unwrap();
    assert_eq!(refund.state, RefundState::Unknown);
    assert!(refund.attention);
    let standing = rescind_model::standing::Standing::of(&there.ledger).unwrap();
    assert_eq!(standing.left.decimal_text(), "40.00", "the reservation stands");
}

#[tokio::test]
async fn a_resolution_that_was_carried_out_and_not_answered_is_found_when_it_comes_again() {
    let shop = Shop::on(Fault::None).await;
    let sale = shop.sale("S-1", "100.00", 3 * 24 * 60).await;
    let refund = shop.refund(&sale, "60.00", "c-1").await.unwrap();
    let command = |name: &str| CommandId::parse(name).unwrap();
    let clear = RefundChange::Clear;
    shop.app().change_refund(&shop.manager, &shop.merchant, &refund, clear, &command("c-clear")).await.unwrap();
    // The provider is silent.
    shop.app().tick().await.unwrap();
    let token = shop.world.person_key(&shop.merchant, "finance").await.unwrap();
    let finance = shop.app().authenticate(Some(&format!("Bearer {token}"))).await.unwrap();
    let target = rescind_model::Target::Refund(refund.clone());
    let say = async |who: &Principal, other: &str, id: &str| {
        let other = PersonId::parse(other).unwrap();
        let why = "the bank says so".to_owned();
        shop.app().resolve(who, &shop.merchant, &target, true, other, why, &command(id)).await.unwrap()
    };
    say(&shop.manager, "m1.finance", "c-one").await;
    let done = say(&finance, "m1.manager", "c-two").await;
    assert_eq!(rescind_service::refund::find(&done, &refund).unwrap().state, RefundState::Cleared);
    assert_eq!(say(&finance, "m1.manager", "c-two").await, done);
}

#[tokio::test]
async fn an_approval_that_nobody_gives_expires_by_the_timer() {
    let shop = Shop::on(Fault::None).await;
    let sale = shop.sale("S-1", "900.00", 3 * 24 * 60).await;
    let refund = shop.refund(&sale, "500.00", "c-1").await.unwrap();
    shop.app().tick().await.unwrap();
    for _ in 0..80 {
        shop.app().ports.pass(rescind_model::Duration::minutes(60));
        shop.app().tick().await.unwrap();
    }
    let (there, id) = shop.app().refund(&shop.system, &shop.merchant, &refund).await.unwrap();
    assert_eq!(rescind_service::refund::find(&there, &id).unwrap().state, RefundState::Expired);
    let kinds: Vec<_> = there.events.iter().map(|e| e.kind).collect();
    assert!(kinds.contains(&rescind_model::EventKind::RefundEscalated), "{kinds:?}");
}

#[tokio::test]
async fn webhooks_come_in_order_and_again_until_they_are_taken() {
    let shop = Shop::on(Fault::None).await;
    let ask = EndpointAsk {
        url: "https://hooks.example/a".to_owned(),
        audience: Audience::Merchant,
        locale: Locale::En,
        description: None,
        customer_messages: false,
    };
    let (_, secret) = shop.app().create_endpoint(&shop.manager, &shop.merchant, ask).await.unwrap();
    let up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_up = std::sync::Arc::clone(&up);
    shop.app().ports.answer_with(Box::new(move |_, _, _| {
        let status = if is_up.load(std::sync::atomic::Ordering::SeqCst) { 200 } else { 503 };
        Ok(OutboundAnswer { status, body: Vec::new() })
    }));
    let sale = shop.sale("S-1", "100.00", 3 * 24 * 60).await;
    shop.refund(&sale, "60.00", "c-1").await.unwrap();
    let report = shop.app().tick().await.unwrap();
    assert_eq!((report.delivered, report.undelivered), (0, 1));
    up.store(true, std::sync::atomic::Ordering::SeqCst);
    shop.app().ports.pass(rescind_model::Duration::seconds(6));
    let report = shop.app().tick().await.unwrap();
    let there = shop.app().sale(&shop.system, &shop.merchant, &sale).await.unwrap();
    assert_eq!(report.delivered as usize, there.events.len());
    let sent = shop.app().ports.sent();
    // Each is sealed with the endpoint's secret, and a repetition has the id of the first try.
    let id = |n: usize| sent[n].headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1.clone();
    assert_eq!(id(0), id(1));
    for request in &sent {
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let headers = rescind_model::SealHeaders {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let tolerance = rescind_model::Duration::minutes(5);
        let now = shop.app().ports.now();
        shop.app().ports.verify(std::slice::from_ref(&secret), &headers, &request.body, now, tolerance).unwrap();
    }
    let again = shop.app().tick().await.unwrap();
    assert_eq!(again.delivered, 0);
}

/// What each transition costs. The numbers are what it takes to be right; a change has to be meant.
#[tokio::test]
async fn a_transition_costs_a_fixed_number_of_store_operations_however_much_is_stored() {
    let shop = Shop::on(Fault::None).await;
    shop.decide_in_every_lane().await;
    let app = shop.app();
    let mut costs: Vec<Vec<u64>> = Vec::new();
    for stored in [0, 200] {
        for n in 0..stored {
            let sale = shop.sale(&format!("F-{stored}-{n}"), "100.00", 3 * 24 * 60).await;
            shop.refund(&sale, "0.01", &format!("f-{stored}-{n}")).await.unwrap();
            // Whatever waits is published, as the courier does all the time.
            app.publish_waiting().await;
            app.tick().await.unwrap();
        }
        let mut row = Vec::new();
        let mut mark = app.ports.kv().calls().total();
        let mut step = |row: &mut Vec<u64>| {
            let now = app.ports.kv().calls().total();
            row.push(now - mark);
            mark = now;
        };
        let sale = shop.sale(&format!("S-{stored}"), "100.00", 3 * 24 * 60).await;
        step(&mut row); // Register twice: once new, once again.
        let refund = shop.refund(&sale, "10.00", &format!("c-{stored}")).await.unwrap();
        step(&mut row); // Submit, without the key's own record.
        app.change_refund(
            &shop.manager,
            &shop.merchant,
            &refund,
            RefundChange::Clear,
            &CommandId::parse(&format!("k-{stored}")).unwrap(),
        )
        .await
        .unwrap();
        step(&mut row); // Clear.
        let young = shop.sale(&format!("V-{stored}"), "10.00", 5).await;
        step(&mut row);
        app.check_void(&shop.cashier, &shop.merchant, &young, &shop.void_ask(&young)).await.unwrap();
        step(&mut row); // Check a void.
        app.void(
            &shop.cashier,
            &shop.merchant,
            &young,
            &shop.void_ask(&young),
            &CommandId::parse(&format!("v-{stored}")).unwrap(),
        )
        .await
        .unwrap();
        step(&mut row); // Void.
        costs.push(row);
    }
    assert_eq!(costs[0], costs[1], "the cost does not grow with what is stored");
    assert_eq!(costs[0], EXPECTED_COSTS, "register twice, submit, clear, register twice, check, void");
}

/// Calls of `get`, `set`, `delete`, `cas.new` with `current`, `swap` and `increment` together. Seven of those of each decision
/// (submit, check, void) keep its record: looked for, written and looked at, and listed: the last page found, opened, written, looked at. A
/// registration looks at the lane before it reads the sale, the second one for nothing.
const EXPECTED_COSTS: [u64; 6] = [17, 22, 7, 17, 12, 24];

/// The same for how payments begin and for what is done to them besides voids and refunds.
#[tokio::test]
async fn every_other_transition_costs_a_fixed_number_of_store_operations_too() {
    let shop = Shop::on(Fault::None).await;
    shop.decide_in_every_lane().await;
    let app = shop.app();
    let mut costs: Vec<Vec<u64>> = Vec::new();
    for stored in [0, 50] {
        for n in 0..stored {
            app.create_code(&shop.system, &shop.merchant, &code_ask(&format!("F-{n}"))).await.unwrap();
            app.publish_waiting().await;
            app.tick().await.unwrap();
        }
        let mut row = Vec::new();
        let mut mark = app.ports.kv().calls().total();
        let mut step = |row: &mut Vec<u64>| {
            let now = app.ports.kv().calls().total();
            row.push(now - mark);
            mark = now;
        };
        let id = |name: &str| SaleId::parse(&format!("{name}-{stored}")).unwrap();
        let command = |name: &str| CommandId::parse(&format!("{name}-{stored}")).unwrap();
        let (scanned, cancelled, held) = (id("A"), id("B"), id("H"));
        app.create_code(&shop.system, &shop.merchant, &code_ask(scanned.as_str())).await.unwrap();
        step(&mut row); // Make a code.
        let scan = ScanAsk {
            outcome: SaleOutcome::Good,
            at: None,
            business_day: None,
            fee_charged: None,
            payer_token: None,
            retrieval_reference: None,
        };
        app.scan(&shop.system, &shop.merchant, &scanned, &scan, &command("scan")).await.unwrap();
        step(&mut row); // Scan it.
        app.create_code(&shop.system, &shop.merchant, &code_ask(cancelled.as_str())).await.unwrap();
        step(&mut row);
        let close = OperationAsk::of(&[Way::OrderClose]);
        app.cancel_code(&shop.manager, &shop.merchant, &cancelled, &close, &command("close")).await.unwrap();
        step(&mut row); // Cancel one.
        app.register_hold(&shop.system, &shop.merchant, &hold_ask(held.as_str(), app.ports.now())).await.unwrap();
        step(&mut row); // Register a hold.
        let complete = OperationAsk::of(&[Way::HoldCompletion]);
        app.change_hold(&shop.manager, &shop.merchant, &held, &complete, &command("complete")).await.unwrap();
        step(&mut row); // Complete it.
        let unknown = HoldAsk { outcome: SaleOutcome::Unknown, ..hold_ask(id("U").as_str(), app.ports.now()) };
        app.register_hold(&shop.system, &shop.merchant, &unknown).await.unwrap();
        step(&mut row);
        let told = TroubleAsk { trouble: rescind_model::Trouble::NoAnswer, note: None, operator: None, terminal: None };
        app.trouble(&shop.manager, &shop.merchant, &id("U"), &told, &command("trouble")).await.unwrap();
        step(&mut row); // Tell of a trouble, and have it undone.
        costs.push(row);
    }
    assert_eq!(costs[0], costs[1], "the cost does not grow with what is stored");
    assert_eq!(costs[0], COSTS_OF_OTHERS, "make, scan, make, cancel, hold, complete, hold, trouble");
}

/// As `EXPECTED_COSTS`: two or three reads before, the record opened, announced and committed, each write read back. A scan
/// without a fee reads merchant and policy once more, for the charge. What is decided (cancel, complete, undo) keeps its record.
const COSTS_OF_OTHERS: [u64; 8] = [9, 11, 9, 16, 9, 16, 9, 16];

fn code_ask(id: &str) -> CodeAsk {
    CodeAsk {
        id: SaleId::parse(id).unwrap(),
        amount: Money::parse("10.00", "CNY").unwrap(),
        coupon: None,
        presented_by: rescind_model::Presenter::Payer,
        reference: None,
        slip: None,
        order_number: None,
        operator: None,
        kind: "purchase".to_owned(),
        service_at: None,
        settlement: SettlementMode::Ordinary,
    }
}

fn hold_ask(id: &str, at: Instant) -> HoldAsk {
    HoldAsk {
        id: SaleId::parse(id).unwrap(),
        amount: Money::parse("10.00", "CNY").unwrap(),
        authorised_at: at,
        authorisation_code: None,
        outcome: SaleOutcome::Held,
        slip: None,
        order_number: None,
        retrieval_reference: None,
        operator: None,
        channel: Channel::Card,
        card_type: None,
        kind: "purchase".to_owned(),
        payer_token: None,
        service_at: None,
        settlement: SettlementMode::Ordinary,
    }
}
