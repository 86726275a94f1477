//! What a terminal did without the server: taken in once, decided again, carried out as far as it still stands.

use super::device::{Device, lakala, noon, now, owner, send, stored, sync, taken};
use super::race::begun;
use super::shop::{Reply, Shop, cny, sale};
use crate::limits::{BAD_BATCHES, SYNC_LEASE};
use crate::ports::{OutboundAnswer, Ports as _};
use crate::terminal::notice::CODES;
use crate::testkit::{Fault, MemoryKv, Plan, Trouble};
use rescind_bundle::SigningKey;
use rescind_journal::{
    Acknowledgement, Became, Entry, Head, Incident, JournalId, OperationOutcome, OperationResult, SalesForwarded,
    StoredSale, sign_batch,
};
use rescind_model::record::Answer;
use rescind_model::{Duration, Forwarding, SaleOutcome};
use serde_json::{Value, json};

/// The notices in the feed.
async fn notices(shop: &Shop) -> Vec<Value> {
    let feed = shop.get(&shop.system, "/v1/events?limit=100&audience=merchant&locale=en").await.expect(200);
    let items = feed["items"].as_array().unwrap().clone();
    items.into_iter().filter(|item| item["type"].as_str().unwrap().starts_with("terminal.")).collect()
}

/// Their codes, all of which are promised.
async fn codes(shop: &Shop) -> Vec<String> {
    let codes = notices(shop).await.into_iter().map(|notice| notice["code"].as_str().unwrap().to_owned());
    codes
        .inspect(|code| {
            let promised = CODES.contains(&code.as_str()) || crate::http::code::find(code).is_some();
            assert!(promised || code.starts_with("terminal."), "{code}");
        })
        .collect()
}

async fn sale_of(shop: &Shop, id: &str) -> Value {
    shop.get(&shop.system, &format!("/v1/transactions/{id}")).await.expect(200)
}

fn became<'a>(answer: &'a Acknowledgement, operation: &str) -> &'a Became {
    let found = answer.operations.iter().find(|answer| answer.operation.as_str() == operation);
    &found.unwrap_or_else(|| panic!("{operation}: {answer:?}")).became
}

/// A terminal that sold and voided offline, and queued the void of a sale that the server knows. It is noon.
async fn busy(shop: &Shop) -> Device {
    let mut device = Device::registered(shop).await;
    let known = stored("S-2", noon(-10));
    shop.world.app.register_sale(&terminal(shop).await, known.clone(), SaleOutcome::Good).await.unwrap();
    device.knows(known);
    device.sells("S-1", noon(-8));
    device.voids("V-1", "S-1", noon(-7));
    device.voids("V-2", "S-2", noon(-5));
    device.sells("S-3", noon(-3));
    device
}

async fn terminal(shop: &Shop) -> crate::principal::Principal {
    shop.world.app.authenticate(Some(&format!("Bearer {}", shop.terminal))).await.unwrap()
}

#[tokio::test]
async fn what_was_done_is_recorded_and_what_waits_goes_its_ordinary_way() {
    let shop = Shop::new().await;
    let mut device = busy(&shop).await;
    let answer = taken(&shop, device.all()).await;
    assert_eq!((became(&answer, "V-1"), became(&answer, "V-2")), (&Became::Done, &Became::Accepted));
    assert_eq!((answer.head.next, answer.server_time), (7, now(&shop)));
    assert_eq!((device.acknowledge(&answer), device.waiting()), (6, 0));

    let done = sale_of(&shop, "S-1").await;
    assert_eq!((&done["operations"][0]["state"], &done["balance"]["voided"]), (&json!("done"), &cny("100.00")));
    assert_eq!((&done["operations"][0]["executor"], &done["balance"]["left"]), (&json!("terminal"), &cny("0.00")));
    let queued = sale_of(&shop, "S-2").await;
    assert_eq!(
        (&queued["operations"][0]["state"], &queued["operations"][0]["executor"]),
        (&json!("authorised"), &json!("courier"))
    );
    assert_eq!(sale_of(&shop, "S-3").await["status"]["outcome"], "good");
    // The ordinary way leads to the provider, once; what was done at the terminal never does.
    shop.world.app.ports.answer_with(Box::new(|_, _, _| {
        Ok(OutboundAnswer { status: 200, body: br#"{"status":"done","code":"00"}"#.to_vec() })
    }));
    shop.world.app.tick().await.unwrap();
    let sent = shop.world.app.ports.sent();
    assert_eq!(sent.iter().filter(|sent| sent.method == "POST").count(), 1, "{sent:?}");
    assert!(String::from_utf8(sent[0].body.clone()).unwrap().contains("S-2"));
    assert_eq!(sale_of(&shop, "S-2").await["operations"][0]["state"], "done");
    assert_eq!(codes(&shop).await, Vec::<String>::new());
    // Every decision is kept, made here again; the operation names its own.
    let kept = shop.get(&shop.manager, "/v1/decisions?day=2026-11-23&limit=100").await.expect(200);
    let ids: Vec<&str> = kept["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().filter(|id| id.starts_with("t-T1.")).count(), 2, "{ids:?}");
}

#[tokio::test]
async fn the_same_batch_again_and_one_that_overlaps_get_the_same_answer_and_have_no_effect() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    let first = taken(&shop, device.export(1, 3)).await;
    assert_eq!(first.head.next, 4);
    let all = taken(&shop, device.all()).await;
    assert_eq!(became(&all, "V-1"), &Became::Done);
    let before = (sale_of(&shop, "S-1").await, sale_of(&shop, "S-2").await);
    shop.world.app.ports.pass(Duration::minutes(90));
    let again = taken(&shop, device.all()).await;
    assert_eq!((again.head, &again.operations, &again.counted), (all.head, &all.operations, &all.counted));
    // An older one is known too: the terminal hears how far the server is.
    let older = taken(&shop, device.export(1, 3)).await;
    assert_eq!((older.head, &older.operations), (all.head, &first.operations));
    assert_eq!((sale_of(&shop, "S-1").await, sale_of(&shop, "S-2").await), before);
    assert_eq!(codes(&shop).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_batch_that_is_not_the_terminals_own_whole_story_is_refused_reported_and_not_applied() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    let stored_before = shop.stored().len();
    let good = device.all();
    let first = Head::first(&owner().merchant, &owner().terminal, JournalId([7; 16]));
    let record = |number: u64, text: &str| {
        json!({"number": number, "at": 1_795_406_400_000_i64, "entry": {"incident": {"bundle-refused": {"code": text}}}})
            .to_string()
            .into_bytes()
    };
    let one = record(1, "a");
    let after = first.after(&one);
    let two = record(2, "b");
    let signed = |start: &Head, records: &[&[u8]]| sign_batch(&owner(), start, records, &device.key).unwrap();
    let other = SigningKey::from_seed([8; 32]);
    let mut stranger = owner();
    stranger.terminal = "T2".parse().unwrap();
    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let mut cases = vec![
        (sign_batch(&owner(), &first, &[&one], &other).unwrap(), 403, "batch.signature"),
        (altered, 403, "batch.signature"),
        (
            sign_batch(
                &stranger,
                &Head::first(&stranger.merchant, &stranger.terminal, first.journal),
                &[&one],
                &device.key,
            )
            .unwrap(),
            403,
            "batch.owner",
        ),
        (signed(&after, &[&two]), 409, "batch.gap"),
        (signed(&first, &[&two]), 422, "batch.record"),
        (good[..good.len() - 7].to_vec(), 400, "batch.truncated"),
        (b"nonsense".to_vec(), 400, "batch.malformed"),
    ];
    for (batch, status, code) in &cases {
        sync(&shop, batch.clone()).await.refused(*status, code);
        assert_eq!(sync(&shop, batch.clone()).await.code(), *code, "the same again is the same");
    }
    let told = codes(&shop).await;
    let mut expected: Vec<&str> = cases.iter().map(|(_, _, code)| *code).collect();
    assert_eq!(told, expected, "each is told once");
    assert!(!shop.stored().iter().any(|key| key.starts_with("sale:M-1:S-1")), "{stored_before}");
    // Once something is known, another story and another journal are refused too.
    taken(&shop, device.export(1, 3)).await;
    let fork = signed(&first, &[&one, &record(2, "x"), &record(3, "y")]);
    let anew = Head::first(&owner().merchant, &owner().terminal, JournalId([8; 16]));
    let later = [(fork, 409, "batch.fork"), (signed(&anew, &[&one]), 409, "batch.journal")];
    for (batch, status, code) in &later {
        sync(&shop, batch.clone()).await.refused(*status, code);
    }
    cases.extend(later);
    expected = cases.iter().map(|(_, _, code)| *code).collect();
    assert_eq!(codes(&shop).await, expected);
    let notice = notices(&shop).await.pop().unwrap();
    assert_eq!(notice["message"]["title"], "Incident at terminal T1");
    // The true story goes on.
    assert_eq!(taken(&shop, good).await.head.next, 7);
    // Whoever sends nothing but rubbish does not flood the feed.
    for n in 0..u64::from(BAD_BATCHES) + 4 {
        sync(&shop, n.to_be_bytes().to_vec()).await.refused(400, "batch.malformed");
    }
    assert_eq!(codes(&shop).await.len(), usize::try_from(BAD_BATCHES).unwrap());
}

#[tokio::test]
async fn only_a_terminal_hands_in_and_only_as_it_was_exported() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    for key in [&shop.system, &shop.admin, &shop.manager] {
        let reply = send(&shop, key, device.all()).await;
        assert!(reply.status == 403 || reply.status == 400, "{}", reply.text);
    }
    let body = String::new();
    shop.call(&shop.terminal, "POST", "/v1/terminal/sync", None, &body).await.refused(415, "batch.media-unknown");
    let large = sync(&shop, vec![0; rescind_journal::limits::BATCH_BYTES + 1]).await;
    large.refused(413, "body.too-large");
    let unknown = Shop::new().await;
    sync(&unknown, device.all()).await.refused(409, "journal.no-key");
}

#[tokio::test]
async fn a_decision_that_differs_by_one_bit_or_rests_on_an_unknown_policy_lets_nothing() {
    for (code, change) in [("decision.differs", true), ("policy.unknown", false)] {
        let shop = Shop::new().await;
        let mut device = Device::registered(&shop).await;
        let known = stored("S-2", noon(-10));
        shop.world.app.register_sale(&terminal(&shop).await, known.clone(), SaleOutcome::Good).await.unwrap();
        device.knows(known);
        let (mut record, proof) = device.decides("S-2", noon(-5));
        if change {
            let Answer::Decided(decision) = &mut record.answer else { panic!("{record:?}") };
            decision.obligations.slip = !decision.obligations.slip;
        } else {
            record.policy.hash.hex.replace_range(..1, if record.policy.hash.hex.starts_with('0') { "1" } else { "0" });
        }
        device.begins("V-2", record, proof, noon(-5));
        device.sells("S-3", noon(-3));
        let answer = taken(&shop, device.all()).await;
        assert_eq!(became(&answer, "V-2"), &Became::Refused);
        assert_eq!(device.acknowledge(&answer), 3, "what was reported is dealt with");
        assert_eq!(sale_of(&shop, "S-2").await["operations"], json!([]));
        assert_eq!(sale_of(&shop, "S-3").await["status"]["outcome"], "good");
        assert_eq!(codes(&shop).await, [code, "operation.undecided", "became.refused"]);
        if change {
            let detail = notices(&shop).await[0]["detail"].as_str().unwrap().to_owned();
            assert!(detail.ends_with("the first difference is at /decided/obligations/slip"), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_proof_that_is_not_genuine_or_for_another_operation_lets_nothing() {
    let shop = Shop::new().await;
    let mut device = Device::registered(&shop).await;
    for id in ["S-2", "S-3"] {
        let known = stored(id, noon(-10));
        shop.world.app.register_sale(&terminal(&shop).await, known.clone(), SaleOutcome::Good).await.unwrap();
        device.knows(known);
    }
    let (_, other) = device.decides("S-3", noon(-5));
    let (record, _) = device.decides("S-2", noon(-5));
    device.begins("V-1", record, other, noon(-5));
    let (record, proof) = device.decides("S-3", noon(-4));
    let forged = proof.map(|text| {
        let last = if text.ends_with('A') { 'B' } else { 'A' };
        text.chars().take(text.len() - 1).chain([last]).collect()
    });
    device.begins("V-2", record, forged, noon(-4));
    let (record, _) = device.decides("S-3", noon(-3));
    device.begins("V-3", record, None, noon(-3));
    let answer = taken(&shop, device.all()).await;
    for name in ["V-1", "V-2", "V-3"] {
        assert_eq!(became(&answer, name), &Became::Refused, "{name}");
    }
    let told = codes(&shop).await;
    assert_eq!(told.iter().filter(|code| *code == "became.refused").count(), 3, "{told:?}");
    assert!(
        told.contains(&"proof.other-operation".to_owned()) && told.contains(&"proof.missing".to_owned()),
        "{told:?}"
    );
    assert_eq!(sale_of(&shop, "S-3").await["operations"], json!([]));
}

#[tokio::test]
async fn a_void_that_comes_too_late_becomes_a_refund_under_its_ordinary_approval() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    // The next morning: the window is over, and the refund of yesterday's sale is open.
    shop.world.app.ports.pass(Duration::minutes(22 * 60));
    let answer = taken(&shop, device.all()).await;
    let Became::Refund(refund) = became(&answer, "V-2") else { panic!("{answer:?}") };
    let detail = answer.operations.iter().find(|answer| answer.operation.as_str() == "V-2").unwrap().detail.clone();
    assert_eq!(detail.unwrap(), format!("too late for the void of S-2: refund {refund} was opened instead"));
    let shown = shop.get(&shop.system, &format!("/v1/refunds/{refund}")).await.expect(200);
    assert_eq!((&shown["amount"], &shown["requested_by"]), (&cny("100.00"), &json!("M-1.supervisor")), "{shown}");
    assert_eq!(shown["state"], "approved", "up to 100.00 approves itself, by the policy");
    assert_eq!(became(&answer, "V-1"), &Became::Done, "what was done is done, however late it is heard of");
    let told = notices(&shop).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["type"], &told[0]["code"]), (&json!("terminal.operation"), &json!("became.refund")));
    assert_eq!((&told[0]["refund"], &told[0]["operation"]), (&json!(refund.as_str()), &json!("V-2")));
    // Again it is the same refund, and the only one.
    assert_eq!(taken(&shop, device.all()).await.operations, answer.operations);
    assert_eq!(sale_of(&shop, "S-2").await["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_void_that_is_open_to_nobody_any_more_is_refused_with_the_reason_and_the_operator_is_told() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    // It is still the same day: the window is over, and Lakala refunds no sale of the day.
    shop.world.app.ports.pass(Duration::minutes(120));
    let answer = taken(&shop, device.all()).await;
    assert_eq!(became(&answer, "V-2"), &Became::Refused);
    let detail = answer.operations.iter().find(|answer| answer.operation.as_str() == "V-2").unwrap().detail.clone();
    assert!(detail.as_ref().is_some_and(|words| words.contains("23:00")), "{detail:?}");
    assert_eq!(codes(&shop).await, ["became.refused"]);
}

#[tokio::test]
async fn what_the_policy_leaves_to_support_becomes_a_case() {
    let shop = Shop::new().await;
    let mut device = Device::registered(&shop).await;
    for n in 0..4 {
        let known = stored(&format!("S-{n}"), noon(-10));
        shop.world.app.register_sale(&terminal(&shop).await, known.clone(), SaleOutcome::Good).await.unwrap();
        device.knows(known);
        device.voids(&format!("V-{n}"), &format!("S-{n}"), noon(-5));
    }
    let answer = taken(&shop, device.all()).await;
    for n in 0..3 {
        assert_eq!(became(&answer, &format!("V-{n}")), &Became::Accepted);
    }
    // Lakala: three voids a day, then call support.
    let Became::Case(case) = became(&answer, "V-3") else { panic!("{answer:?}") };
    let open = shop.get(&shop.manager, "/v1/cases").await.expect(200);
    assert_eq!(open["items"][0]["id"], case.as_str());
    assert_eq!(codes(&shop).await, ["became.case"]);
}

#[tokio::test]
async fn what_contradicts_what_is_known_is_reported_and_acknowledged() {
    let shop = Shop::new().await;
    let mut device = Device::registered(&shop).await;
    // Another sale of that id is here.
    shop.post(&shop.system, "/v1/transactions", &sale("S-1", "2026-11-23T11:00:00+08:00")).await.expect(201);
    device.sells("S-1", noon(-8));
    // One that the terminal calls never sent, and others know of.
    shop.world.app.register_sale(&terminal(&shop).await, stored("S-2", noon(-8)), SaleOutcome::Good).await.unwrap();
    device.sells("S-2", noon(-8));
    let settled = json!({"type": "settled"});
    shop.tell(&shop.system, "/v1/transactions/S-2/events", &settled).await.expect(200);
    device.voids("V-2", "S-2", noon(-7));
    // A word about an operation that nobody carries out.
    let outcome = OperationOutcome { operation: "V-9".parse().unwrap(), result: OperationResult::Done, detail: None };
    device.write(noon(-6), &[Entry::Outcome(outcome)]);
    let refused = Incident::BundleRefused { code: "bundle.signature".into() };
    let moved = SalesForwarded { sales: vec!["S-1".parse().unwrap()], state: Forwarding::PerhapsSent };
    device.write(noon(-6), &[Entry::Incident(refused), Entry::Forwarding(moved)]);
    // What cannot be a sale.
    let mut odd = stored("S-4", noon(-3));
    odd.order_number = Some("4111111111111111".to_owned());
    odd.kind = "no kind".to_owned();
    device.write(noon(-3), &[Entry::Sale(Box::new(StoredSale { sale: odd, outcome: SaleOutcome::Good }))]);
    let answer = taken(&shop, device.all()).await;
    assert_eq!(answer.head.next, 9);
    assert_eq!(became(&answer, "V-2"), &Became::Refused);
    let expected = [
        "sale.differs",
        "sale.not-kept",
        "became.refused",
        "outcome.without-operation",
        "terminal.bundle.refused",
        "record.refused",
    ];
    assert_eq!(codes(&shop).await, expected);
    assert_eq!(sale_of(&shop, "S-2").await["operations"], json!([]));
}

#[tokio::test]
async fn a_large_batch_is_acknowledged_in_part_and_resumed() {
    let shop = Shop::new().await;
    let mut device = Device::registered(&shop).await;
    for n in 0..150 {
        device.sells(&format!("S-{n}"), noon(-100 + n / 2));
    }
    let mut rounds = 0;
    while device.waiting() > 0 {
        let answer = taken(&shop, device.all()).await;
        assert!(device.acknowledge(&answer) > 0);
        rounds += 1;
    }
    assert_eq!(rounds, 2);
    assert_eq!(sale_of(&shop, "S-149").await["status"]["outcome"], "good");
}

#[tokio::test]
async fn a_journals_key_changes_only_once_everything_is_dealt_with_or_for_a_reason() {
    let shop = Shop::new().await;
    let mut device = busy(&shop).await;
    let put = async |body: Value| {
        shop.call(&shop.admin, "PUT", "/v1/terminals/T1?merchant=M-1", None, &body.to_string()).await
    };
    let key = |seed: u8| rescind_bundle::Signer::public(&SigningKey::from_seed([seed; 32])).to_string();
    let shown = put(json!({"label": "counter"})).await.expect(200);
    assert_eq!(shown["journal_key"], key(9), "what is not named stays");
    put(json!({"label": "counter", "journal_key": "ed25519:00"})).await.refused(422, "body.invalid");
    put(json!({"label": "counter", "replace_journal": "lost"})).await.refused(422, "body.invalid");
    // In part: something was seen that is not dealt with.
    let kv = shop.world.app.ports.kv();
    kv.plan(Plan::always(Trouble::FailsBefore).on("sale:M-1:S-3"));
    let answer = taken(&shop, device.all()).await;
    assert_eq!(answer.head.next, 6);
    kv.calm();
    put(json!({"label": "counter", "journal_key": key(5)})).await.refused(409, "journal.open");
    taken(&shop, device.all()).await;
    put(json!({"label": "counter", "journal_key": key(5)})).await.expect(200);
    sync(&shop, device.all()).await.refused(403, "batch.signature");
    device.key = SigningKey::from_seed([5; 32]);
    device.sells("S-5", noon(-1));
    assert_eq!(taken(&shop, device.all()).await.head.next, 8, "the chain goes on under the new key");
    // A new device: another journal, for a reason, which is told.
    let anew = Device::new(device.policy.clone(), Some(shop.till.clone()));
    let replace = json!({"label": "counter", "journal_key": key(9), "replace_journal": "the device was stolen"});
    for _ in 0..2 {
        put(replace.clone()).await.expect(200);
    }
    let mut anew = anew;
    anew.sells("S-6", noon(-1));
    assert_eq!(taken(&shop, anew.all()).await.head.next, 2);
    put(replace).await.expect(200);
    anew.sells("S-7", noon(-1));
    assert_eq!(taken(&shop, anew.export(2, 9)).await.head.next, 3, "a retry of the change changes nothing more");
    let told = notices(&shop).await;
    let replaced: Vec<&Value> = told.iter().filter(|notice| notice["code"] == "journal.replaced").collect();
    assert_eq!(replaced.len(), 1);
    assert!(replaced[0]["detail"].as_str().unwrap().starts_with("the device was stolen; journal 0707"), "{replaced:?}");
}

#[tokio::test]
async fn an_unknown_outcome_becomes_known_and_the_terminals_counts_come_back() {
    let shop = Shop::new().await;
    let per_terminal = lakala().replace("counted = \"merchant-account\"", "counted = \"terminal\"");
    let server = super::shop::other_version(&super::shop::other_version(&per_terminal));
    let server = rescind_policy::compile(&server, "lakala.toml").unwrap();
    shop.world.app.put_policy("lakala", server.canonical()).await.unwrap();
    let mut device = busy(&shop).await;
    let unknown = stored("S-4", noon(-9));
    device
        .write(noon(-9), &[Entry::Sale(Box::new(StoredSale { sale: unknown.clone(), outcome: SaleOutcome::Unknown }))]);
    device.write(noon(-2), &[Entry::Sale(Box::new(StoredSale { sale: unknown, outcome: SaleOutcome::Good }))]);
    let answer = taken(&shop, device.all()).await;
    assert_eq!(sale_of(&shop, "S-4").await["status"]["outcome"], "good");
    let counted = answer.counted.unwrap();
    assert_eq!((counted.day.to_string().as_str(), counted.tallies.len()), ("2026-11-23", 1));
    assert_eq!(counted.tallies[0].count, 2, "the one that was done there, and the one that waited");
}

fn kv(shop: &Shop) -> &MemoryKv {
    shop.world.app.ports.kv()
}

/// Everything that can be seen, without the times.
async fn seen(shop: &Shop) -> Value {
    shop.world.app.publish_waiting().await;
    let mut all = Vec::new();
    for id in ["S-1", "S-2", "S-3"] {
        all.push(shop.get(&shop.system, &format!("/v1/transactions/{id}")).await.json());
    }
    let feed = shop.get(&shop.system, "/v1/events?limit=100").await.expect(200);
    let mut events: Vec<String> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {} {} {}", item["type"], item["sale"], item["sequence"], item["code"]))
        .collect();
    events.sort();
    timeless(json!({"sales": all, "feed": events}))
}

fn timeless(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !(name == "at" || name.ends_with("_at")));
            Value::Object(kept.map(|(name, value)| (name, timeless(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(timeless).collect(),
        other => other,
    }
}

async fn synced(shop: &Shop, batch: &[u8]) -> Reply {
    sync(shop, batch.to_vec()).await
}

/// Sends the batch until all of it is acknowledged, as a terminal does.
async fn finished(shop: &Shop, batch: &[u8], end: u64, case: &str) -> Acknowledgement {
    for _ in 0..8 {
        let reply = synced(shop, batch).await;
        match reply.status.as_u16() {
            200 => {
                let answer = Acknowledgement::read(reply.text.as_bytes()).unwrap();
                if answer.head.next == end {
                    return answer;
                }
            }
            409 => {
                reply.refused(409, "sync.in-flight");
                shop.world.app.ports.pass(SYNC_LEASE);
                shop.world.app.ports.pass(Duration { ms: 1 });
            }
            _ => {
                reply.refused(503, "store.unavailable");
            }
        }
    }
    panic!("{case}: it does not come to an end")
}

#[tokio::test]
async fn a_sync_that_is_interrupted_anywhere_is_finished_by_the_next() {
    for backend in [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused] {
        for later in [0, 22 * 60] {
            let start = Shop::on(backend, "lakala").await;
            let mut device = busy(&start).await;
            device.write(noon(-1), &[Entry::Incident(Incident::BundleRefused { code: "x".into() })]);
            start.world.app.ports.pass(Duration::minutes(later));
            start.world.app.publish_waiting().await;
            let batch = device.all();
            let honest = start.copy().await;
            let before = kv(&honest).calls().total();
            let answer = taken(&honest, batch.clone()).await;
            let operations = kv(&honest).calls().total().saturating_sub(before);
            let expected = seen(&honest).await;
            // Every place once, and some for each of the other ways to fail; fewer where the store differs in how it answers only.
            let fewer = if backend == Fault::None { 1 } else { 4 };
            for (step, trouble) in
                [(1, Trouble::FailsAfter), (3, Trouble::FailsBefore), (7, Trouble::SaysDone), (7, Trouble::SaysRefused)]
            {
                for n in (0..operations).step_by(step * fewer) {
                    let shop = start.copy().await;
                    let case = format!("{backend:?}, {later} minutes later, {trouble:?} at {n} of {operations}");
                    // It goes bad and stays so: as if the instance had died there.
                    kv(&shop).plan(Plan { after: n, ..Plan::always(trouble) });
                    let cut = synced(&shop, &batch).await;
                    assert!([200, 409, 503].contains(&cut.status.as_u16()), "{case}: {}", cut.text);
                    kv(&shop).calm();
                    let end = finished(&shop, &batch, answer.head.next, &case).await;
                    assert_eq!(end.operations, answer.operations, "{case}");
                    shop.world.app.publish_notices().await.unwrap();
                    assert_eq!(seen(&shop).await, expected, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn two_syncs_of_the_same_batch_at_once_have_one_effect() {
    for backend in [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused] {
        let start = Shop::on(backend, "lakala").await;
        let device = busy(&start).await;
        start.world.app.publish_waiting().await;
        let batch = device.all();
        let honest = start.copy().await;
        let answer = taken(&honest, batch.clone()).await;
        let expected = seen(&honest).await;
        for seed in 0..12 {
            let shop = start.copy().await;
            kv(&shop).seed(seed);
            kv(&shop).plan(Plan::always(Trouble::Slow));
            let (one, two) = tokio::join!(synced(&shop, &batch), synced(&shop, &batch));
            kv(&shop).calm();
            for reply in [&one, &two] {
                let good = reply.status == 200 || reply.code() == "sync.in-flight";
                assert!(good, "{backend:?}, seed {seed}: {}", reply.text);
            }
            assert!(one.status == 200 || two.status == 200, "{backend:?}, seed {seed}");
            let end = finished(&shop, &batch, answer.head.next, "after both").await;
            assert_eq!((end.operations, seen(&shop).await), (answer.operations.clone(), expected.clone()));
        }
    }
}

#[tokio::test]
async fn a_sync_that_comes_while_another_is_held_up_anywhere_waits_or_finds_it_done() {
    let start = Shop::new().await;
    let device = busy(&start).await;
    start.world.app.publish_waiting().await;
    let batch = device.all();
    let honest = start.copy().await;
    let answer = taken(&honest, batch.clone()).await;
    let expected = seen(&honest).await;
    let mut turned_away = 0;
    for number in 0.. {
        let shop = start.copy().await;
        kv(&shop).plan(Plan::once(Trouble::Held, number));
        let mut first = Box::pin(synced(&shop, &batch));
        if begun(first.as_mut()).await.is_some() {
            assert!(number > 40, "{number}");
            break;
        }
        let second = synced(&shop, &batch).await;
        kv(&shop).release();
        let first = first.await;
        for reply in [&first, &second] {
            if reply.status != 200 {
                reply.refused(409, "sync.in-flight");
                turned_away += 1;
            }
        }
        let case = format!("held at {number}");
        let end = finished(&shop, &batch, answer.head.next, &case).await;
        assert_eq!((end.operations, seen(&shop).await), (answer.operations.clone(), expected.clone()), "{case}");
    }
    assert!(turned_away > 20, "{turned_away}");
}

#[tokio::test]
async fn a_sync_that_was_given_up_is_taken_over_and_its_late_end_acknowledges_nothing() {
    let shop = Shop::new().await;
    let device = busy(&shop).await;
    kv(&shop).plan(Plan::once(Trouble::Held, 40));
    let batch = device.all();
    let mut first = Box::pin(synced(&shop, &batch));
    assert!(begun(first.as_mut()).await.is_none());
    sync(&shop, batch.clone()).await.refused(409, "sync.in-flight");
    shop.world.app.ports.pass(SYNC_LEASE);
    shop.world.app.ports.pass(Duration { ms: 1 });
    let answer = taken(&shop, batch.clone()).await;
    kv(&shop).release();
    first.await.refused(409, "sync.in-flight");
    assert_eq!(taken(&shop, batch.clone()).await.operations, answer.operations);
    assert_eq!(sale_of(&shop, "S-2").await["operations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_full_card_number_gets_in_by_a_journal() {
    let shop = Shop::new().await;
    let mut device = Device::registered(&shop).await;
    let mut sold = stored("S-1", noon(-8));
    sold.order_number = Some("order 4111111111111111".to_owned());
    device.write(noon(-8), &[Entry::Sale(Box::new(StoredSale { sale: sold.clone(), outcome: SaleOutcome::Good }))]);
    device.knows(sold);
    let (record, _) = device.decides("S-1", noon(-7));
    device.write(noon(-7), &[Entry::Decision(Box::new(record))]);
    let words = Incident::Other { code: "x".into(), detail: "card 4111111111111111".into() };
    device.write(noon(-6), &[Entry::Incident(words)]);
    taken(&shop, device.all()).await;
    assert_eq!(codes(&shop).await, ["decision.form", "terminal.x"]);
    for key in shop.stored() {
        let bytes = crate::ports::Kv::get(kv(&shop), &key).await.unwrap().unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("4111111111111111"), "{key}");
    }
}

#[tokio::test]
async fn staff_are_told_by_webhook_too_once_and_nobody_else_is() {
    let shop = Shop::new().await;
    let device = Device::registered(&shop).await;
    for audience in ["merchant", "customer"] {
        let ask = json!({"url": format!("https://example.com/{audience}"), "audience": audience, "locale": "zh-CN"});
        shop.post(&shop.manager, "/v1/webhook-endpoints", &ask).await.expect(201);
    }
    shop.world.app.ports.answer_with(Box::new(|_, _, _| Ok(OutboundAnswer { status: 200, body: Vec::new() })));
    let mut altered = busy_batch(device);
    let last = altered.len() - 1;
    altered[last] ^= 1;
    sync(&shop, altered).await.refused(403, "batch.signature");
    for _ in 0..2 {
        shop.world.app.tick().await.unwrap();
    }
    let sent = shop.world.app.ports.sent();
    let told: Vec<Value> = sent.iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect();
    assert_eq!((sent.len(), sent[0].url.as_str()), (1, "https://example.com/merchant"), "{told:?}");
    assert_eq!((&told[0]["type"], &told[0]["data"]["code"]), (&json!("terminal.incident"), &json!("batch.signature")));
    assert_eq!(told[0]["data"]["message"]["title"], "终端 T1 异常");
}

fn busy_batch(mut device: Device) -> Vec<u8> {
    device.sells("S-1", noon(-8));
    device.all()
}
