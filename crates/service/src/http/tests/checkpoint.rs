//! Checkpoints: each event of the feed is in one of them and in no other, whatever happens while they are made, and what is
//! taken out of them is checked with the file and the public key.

use super::people;
use super::shop::{Shop, pack, refund, sale};
use crate::checkpoint::Room;
use crate::doctor::{Finding, Hands, examine};
use crate::error::Error;
use crate::ports::{Kv as _, Ports as _};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::lane;
use crate::testkit::{Fault, Op, Plan, Trouble};
use rescind_audit::{Export, Proved, Refused, verify};
use rescind_bundle::PublicKey;
use rescind_model::{Instant, MerchantId, Money, SaleId};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

/// The world begins on 2026-11-23 at 04:00 UTC.
const FIRST_DAY: i64 = 1_795_406_400_000 / DAY_MS;

/// A day's hour, counted from the first day.
fn at(day: i64, hour: i64) -> Instant {
    Instant { unix_ms: (FIRST_DAY + day) * DAY_MS + hour * 3_600_000 }
}

impl Shop {
    fn is(&self, day: i64, hour: i64) {
        self.world.app.ports.set_now(at(day, hour));
    }

    async fn make(&self) -> Result<u32, Error> {
        self.world.app.make_checkpoints(self.world.app.ports.now()).await
    }

    /// Ticks until the days that are over have their checkpoints.
    async fn made(&self) -> u32 {
        let mut all = 0;
        for _ in 0..100 {
            all += self.make().await.unwrap();
        }
        all
    }

    async fn published_sale(&self, id: &str) {
        let now = self.world.app.ports.now();
        self.post(&self.system, "/v1/transactions", &sale(id, &now.to_string())).await.expect(201);
        self.world.app.publish_waiting().await;
    }

    async fn public_keys(&self) -> Vec<PublicKey> {
        let keys = self.get(&self.reviewer, "/v1/checkpoint-keys").await.expect(200);
        let keys = keys["items"].as_array().unwrap().iter();
        keys.map(|key| PublicKey::parse(key["public_key"].as_str().unwrap()).unwrap()).collect()
    }

    async fn proved(&self, path: &str) -> Proved {
        let reply = self.get(&self.manager, path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        verify(reply.text.as_bytes(), &self.public_keys().await).unwrap()
    }

    /// Day, heads, beginning and end of each checkpoint; that each continues the one before it is checked.
    async fn row(&self) -> Vec<(String, u64, String, String)> {
        let listed = self.get(&self.manager, "/v1/checkpoints?limit=100").await.expect(200);
        let listed = listed["items"].as_array().unwrap().clone();
        if let Some(last) = listed.last() {
            let path = format!("/v1/checkpoints/{}?since=1", last["number"]);
            assert_eq!(self.proved(&path).await.checkpoints.len(), listed.len());
        }
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let line = |item: &Value| {
            (text(item, "day"), item["heads"].as_u64().unwrap(), text(item, "from"), text(item, "until"))
        };
        listed.iter().map(line).collect()
    }
}

fn line(day: &str, heads: u64, from: &str, until: &str) -> (String, u64, String, String) {
    (day.to_owned(), heads, from.to_owned(), until.to_owned())
}

#[tokio::test]
async fn a_payment_of_several_days_is_proved_as_it_was_at_the_end_of_each() {
    let shop = Shop::new().await;
    shop.published_sale("S-1").await;
    shop.get(&shop.manager, "/v1/transactions/S-1/audit").await.refused(409, "checkpoint.not-yet");
    shop.made().await;
    assert_eq!(shop.row().await, []);
    // The second day has begun, and waits for what is late.
    shop.world.app.ports.set_now(Instant { unix_ms: at(1, 0).unix_ms + 300_000 });
    assert_eq!(shop.made().await, 0);
    shop.is(1, 2);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.made().await, 0);
    assert_eq!(shop.row().await, [line("2026-11-23", 1, "0.0", "0.1")]);

    shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await.expect(201);
    shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "10.00")).await.expect(201);
    shop.world.app.publish_waiting().await;
    let first = shop.proved("/v1/transactions/S-1/audit").await.payment.unwrap();
    assert_eq!((first.checkpoint, first.head.events, first.events.unwrap().len()), (1, 1, 1));
    shop.get(&shop.manager, "/v1/transactions/S-1/audit?event=2").await.refused(409, "checkpoint.not-yet");
    shop.get(&shop.manager, "/v1/transactions/S-1/audit?event=99").await.refused(404, "not-found");

    shop.is(2, 1);
    assert_eq!(shop.made().await, 1);
    let row = shop.row().await;
    let events = row[1].1;
    assert_eq!(row[1], line("2026-11-24", events, "0.1", &format!("0.{}", 1 + events)));
    assert!(events > 2, "{row:?}");
    let whole = shop.proved("/v1/transactions/S-1/audit").await;
    let payment = whole.payment.unwrap();
    let numbers = (payment.checkpoint, payment.head.events, payment.events.as_ref().unwrap().len() as u64);
    assert_eq!(numbers, (2, events + 1, events + 1));
    let aggregate = shop.get(&shop.system, "/v1/transactions/S-1/export").await.expect(200);
    assert_eq!(aggregate["chain"]["head"], payment.head.link.to_string(), "it is the ledger's own head");
    assert_eq!(aggregate["ledger"]["entries"].as_array().unwrap().len(), payment.entries.len());
    // As it was at the end of the first day, and that the second continues it.
    let before = shop.proved("/v1/transactions/S-1/audit?event=1&until=2").await;
    assert_eq!((before.payment.unwrap().head, before.checkpoints.len()), (first.head, 2));
    shop.get(&shop.manager, "/v1/transactions/S-1/audit?event=1&until=3").await.refused(404, "not-found");
    shop.get(&shop.manager, "/v1/transactions/S-1/audit?until=1").await.refused(404, "not-found");
    shop.get(&shop.manager, "/v1/transactions/S-1/audit?event=0").await.refused(422, "parameter.invalid");
    for path in ["/v1/checkpoints/0", "/v1/checkpoints/3", "/v1/checkpoints/x", "/v1/checkpoints/1?since=2"] {
        shop.get(&shop.manager, path).await.refused(404, "not-found");
    }
    let listed = shop.get(&shop.manager, "/v1/checkpoints?after=1&limit=1").await.expect(200);
    assert_eq!((&listed["items"][0]["number"], listed.get("next")), (&json!(2), None));
    let listed = shop.get(&shop.manager, "/v1/checkpoints?limit=1").await.expect(200);
    assert_eq!((&listed["items"][0]["number"], &listed["next"]), (&json!(1), &json!("1")));
    let mut findings: Vec<Finding> = Vec::new();
    examine(shop.world.app.ports.kv(), at(2, 1), Hands::Off, &mut findings).await.unwrap();
    let about: Vec<&Finding> = findings.iter().filter(|finding| finding.key.contains("checkpoint")).collect();
    assert!(about.is_empty(), "the doctor knows what is stored of checkpoints: {about:?}");
}

#[tokio::test]
async fn days_whose_ticks_were_skipped_are_made_one_after_the_other() {
    let shop = Shop::new().await;
    for (day, ids) in [(0, &["S-1", "S-2"][..]), (1, &["S-3"]), (3, &["S-4", "S-5", "S-6"])] {
        shop.is(day, 6);
        for id in ids {
            shop.published_sale(id).await;
        }
        if day == 0 {
            // The first tick there is: what counts as skipped comes after it.
            assert_eq!(shop.made().await, 0);
        }
    }
    shop.is(9, 12);
    assert_eq!(shop.made().await, 3);
    let expected =
        [line("2026-11-23", 2, "0.0", "0.2"), line("2026-11-24", 1, "0.2", "0.3"), line("2026-11-26", 3, "0.3", "0.6")];
    assert_eq!(shop.row().await, expected);
    for (id, number) in [("S-1", 1), ("S-2", 1), ("S-3", 2), ("S-4", 3), ("S-6", 3)] {
        let proved = shop.proved(&format!("/v1/transactions/{id}/audit")).await;
        assert_eq!(proved.payment.unwrap().checkpoint, number, "{id}");
    }
}

#[tokio::test]
async fn what_was_there_before_the_first_checkpoint_is_in_it() {
    let shop = Shop::new().await;
    shop.published_sale("S-1").await;
    shop.is(5, 6);
    shop.published_sale("S-2").await;
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.row().await, [line("2026-11-27", 1, "0.0", "0.1")]);
}

#[tokio::test]
async fn an_event_that_is_published_late_is_of_the_day_it_is_published_on() {
    let shop = Shop::new().await;
    // Of two lanes, so that the second can be published before the first.
    let of = |id: &str| lane::of(&shop.merchant, &SaleId::parse(id).unwrap());
    let late = "S-0".to_owned();
    let prompt = (1..99).map(|n| format!("S-{n}")).find(|id| of(id) != of(&late)).unwrap();
    assert_eq!(shop.made().await, 0);
    let body = |id: &str| sale(id, &shop.world.app.ports.now().to_string());
    shop.post(&shop.system, "/v1/transactions", &body(&late)).await.expect(201);
    shop.is(1, 6);
    shop.post(&shop.system, "/v1/transactions", &body(&prompt)).await.expect(201);
    shop.world.app.publish_lane(of(&prompt)).await.unwrap();
    assert_eq!(shop.made().await, 0, "nothing was published on the first day");
    shop.world.app.publish_lane(of(&late)).await.unwrap();
    assert_eq!(shop.made().await, 0, "and the first day is over");
    shop.is(2, 6);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.row().await, [line("2026-11-24", 2, "0.0", "0.2")]);
    for id in [late, prompt] {
        let payment = shop.proved(&format!("/v1/transactions/{id}/audit")).await.payment.unwrap();
        assert_eq!((payment.checkpoint, payment.head.events), (1, 1));
    }
}

#[tokio::test]
async fn what_a_wrong_clock_dates_into_the_future_ends_no_day() {
    let shop = Shop::new().await;
    assert_eq!(shop.made().await, 0);
    shop.is(40, 0);
    shop.published_sale("S-1").await;
    shop.is(0, 8);
    shop.published_sale("S-2").await;
    shop.is(1, 6);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.row().await, [line("2026-11-23", 2, "0.0", "0.2")]);
    for id in ["S-1", "S-2"] {
        let path = format!("/v1/transactions/{id}/audit?event=1");
        assert_eq!(shop.proved(&path).await.payment.unwrap().checkpoint, 1, "{id}");
    }
}

#[tokio::test]
async fn a_day_with_more_than_a_checkpoint_takes_has_several() {
    let shop = Shop::new().await;
    assert_eq!(shop.made().await, 0);
    for n in 0..300 {
        let now = shop.world.app.ports.now();
        shop.post(&shop.system, "/v1/transactions", &sale(&format!("S-{n}"), &now.to_string())).await.expect(201);
        if n % 40 == 0 {
            shop.world.app.publish_waiting().await;
        }
    }
    shop.world.app.publish_waiting().await;
    shop.is(1, 6);
    let small = shop.copy().await;
    let mut made = 0;
    for _ in 0..100 {
        let now = small.world.app.ports.now();
        made += small.world.app.make_checkpoints_within(Room { pages: 1, volumes: 2 }, now).await.unwrap();
    }
    assert_eq!(made, 2);
    let day = "2026-11-23";
    assert_eq!(small.row().await, [line(day, 256, "0.0", "2.0"), line(day, 44, "2.0", "2.44")]);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.row().await, [line(day, 300, "0.0", "2.44")]);
    let feed = shop.world.app.read_feed(&shop.merchant, crate::store::list::Position::START, 300).await.unwrap();
    for (place, item) in
        feed.items.iter().enumerate().filter(|(place, _)| [0, 1, 127, 128, 255, 256, 299].contains(place))
    {
        let crate::feed::Told::OfSale { aggregate, .. } = &item.told else { panic!("no notices here") };
        let path = format!("/v1/transactions/{}/audit", aggregate.ledger.sale.id);
        let number = if place < 256 { 1 } else { 2 };
        assert_eq!(small.proved(&path).await.payment.unwrap().checkpoint, number, "{place}");
        assert_eq!(shop.proved(&path).await.payment.unwrap().checkpoint, 1, "{place}");
    }
}

/// A shop whose first day is over, with keys and salts that copies of it share.
async fn at_the_end_of_a_day(store: Fault) -> Shop {
    let shop = Shop::on(store, "lakala").await;
    shop.world.app.checkpoint_keys().await.unwrap();
    shop.world.app.checkpoint_salt().await.map(|_| ()).unwrap();
    assert_eq!(shop.made().await, 0);
    for id in ["S-1", "S-2", "S-3"] {
        shop.published_sale(id).await;
    }
    shop.is(1, 6);
    shop.published_sale("S-4").await;
    shop
}

/// The one checkpoint: what it commits to. Its instant and so its hash differ.
async fn committed(shop: &Shop) -> (usize, rescind_audit::tree::Root) {
    let row = shop.get(&shop.manager, "/v1/checkpoints/1").await;
    let proved = verify(row.text.as_bytes(), &shop.public_keys().await).unwrap();
    (shop.row().await.len(), proved.checkpoints[0].0.tree)
}

#[tokio::test]
async fn making_one_is_interrupted_anywhere_and_goes_on_to_the_same() {
    for store in [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused] {
        let shop = at_the_end_of_a_day(store).await;
        let expected = {
            let calm = shop.copy().await;
            assert_eq!(calm.made().await, 1);
            committed(&calm).await
        };
        assert_eq!(expected.0, 1);
        let mut troubles = vec![Trouble::FailsBefore, Trouble::FailsAfter, Trouble::SaysDone, Trouble::SaysRefused];
        if store == Fault::None {
            troubles.push(Trouble::Stale);
        }
        let mut struck = 0;
        for trouble in troubles {
            for place in 0.. {
                let copy = shop.copy().await;
                copy.world.app.ports.kv().plan(Plan::once(trouble, place));
                let before = copy.world.app.ports.kv().calls().total();
                let told = copy.make().await;
                let calls = copy.world.app.ports.kv().calls().total() - before;
                copy.world.app.ports.kv().calm();
                copy.made().await;
                // What one that was unreadable for a moment missed on its day is in the next.
                copy.is(2, 6);
                copy.made().await;
                let (_, tree) = committed(&copy).await;
                let late = told.is_ok() && tree != expected.1;
                assert!(tree == expected.1 || late, "{store:?} {trouble:?} at {place}: {told:?}");
                for id in ["S-1", "S-2", "S-3", "S-4"] {
                    copy.proved(&format!("/v1/transactions/{id}/audit")).await;
                }
                let heads: u64 = copy.row().await.iter().map(|(_, heads, ..)| heads).sum();
                assert_eq!(heads, 4, "{store:?} {trouble:?} at {place}");
                if place > calls {
                    break;
                }
                struck += 1;
            }
        }
        assert!(struck > 60, "{struck}");
    }
}

#[tokio::test]
async fn two_couriers_at_once_make_one() {
    for store in [Fault::None, Fault::UpsertOverNothing, Fault::SaysRefused] {
        let shop = at_the_end_of_a_day(store).await;
        let expected = {
            let calm = shop.copy().await;
            calm.made().await;
            committed(&calm).await
        };
        for seed in 0..60 {
            let copy = shop.copy().await;
            let kv = copy.world.app.ports.kv();
            kv.seed(seed);
            kv.plan(Plan::always(Trouble::Slow));
            let (one, other) = tokio::join!(copy.make(), copy.make());
            let made = one.unwrap() + other.unwrap();
            kv.calm();
            copy.made().await;
            assert_eq!((committed(&copy).await, made), (expected, 1), "{store:?} {seed}");
        }
    }
}

#[tokio::test]
async fn one_that_stood_still_for_days_spoils_nothing() {
    let shop = at_the_end_of_a_day(Fault::None).await;
    // It is held up before its first write, and the others go on without it.
    shop.world.app.ports.kv().plan(Plan { times: 1, ..Plan::always(Trouble::Held).of(Op::Set) });
    let behind = shop.make();
    let others = async {
        // Whatever is held now is released when the other is through.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        shop.is(2, 6);
        shop.published_sale("S-5").await;
        let made = shop.made().await;
        shop.is(3, 6);
        let more = shop.made().await;
        shop.world.app.ports.kv().release();
        (made, more)
    };
    let (told, made) = tokio::join!(behind, others);
    assert_eq!((told, made), (Ok(0), (2, 1)));
    assert_eq!(shop.made().await, 0);
    let days: Vec<(String, u64)> = shop.row().await.into_iter().map(|(day, heads, ..)| (day, heads)).collect();
    let day = |day: &str, heads| (day.to_owned(), heads);
    assert_eq!(days, [day("2026-11-23", 3), day("2026-11-24", 1), day("2026-11-25", 1)]);
}

#[tokio::test]
async fn one_merchant_that_cannot_be_read_holds_up_no_other() {
    let shop = Shop::new().await;
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let theirs = shop.world.system_key(&other).await.unwrap();
    assert_eq!(shop.made().await, 0);
    shop.published_sale("S-1").await;
    shop.post(&theirs, "/v1/transactions", &sale("S-1", "2026-11-23T11:50:00+08:00")).await.expect(201);
    shop.world.app.publish_waiting().await;
    let kv = shop.world.app.ports.kv();
    let key = Key::sale(&shop.merchant, &SaleId::parse("S-1").unwrap());
    let good = kv.get(key.as_str()).await.unwrap().unwrap();
    kv.set(key.as_str(), b"damaged").await.unwrap();
    shop.is(1, 6);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.get(&theirs, "/v1/checkpoints").await.expect(200)["items"][0]["heads"], 1);
    assert!(shop.world.app.ports.logged().iter().any(|line| line.starts_with("checkpoint of M-1: ")));
    kv.set(key.as_str(), &good).await.unwrap();
    shop.is(2, 6);
    assert_eq!(shop.made().await, 1);
    assert_eq!(shop.row().await, [line("2026-11-24", 1, "0.0", "0.1")]);
}

#[tokio::test]
async fn a_history_that_was_changed_in_the_store_is_noticed() {
    let shop = Shop::new().await;
    shop.published_sale("S-1").await;
    shop.is(1, 6);
    shop.made().await;
    let keys = shop.public_keys().await;
    let good = shop.get(&shop.manager, "/v1/transactions/S-1/audit").await;
    let key = Key::sale(&shop.merchant, &SaleId::parse("S-1").unwrap());
    let change = async |change: fn(&mut Aggregate)| {
        let shop = shop.copy().await;
        let records = shop.world.app.records().await.unwrap();
        let slot = records.open::<Aggregate>(&key).await.unwrap();
        let mut changed = slot.value.clone().unwrap();
        change(&mut changed);
        let id = changed.recent.last().unwrap().to_string();
        records.commit(slot, &changed, &id, 7).await.unwrap();
        shop
    };
    // An event, with its chain made anew; and a double entry, which no chain of the ledger covers.
    let event = change(|a| {
        let ledger = &mut a.ledger;
        a.events[0].amount = Some(Money::parse("1.00", "CNY").unwrap());
        let start = rescind_model::chain::start(&ledger.sale.merchant, &ledger.sale.id);
        a.events[0].link = rescind_model::chain::link(&start, &a.events[0]);
        ledger.chain = a.events[0].link.clone();
    });
    let entry = change(|a| a.ledger.entries[0].postings.iter_mut().for_each(|p| p.amount.minor = 1));
    for shop in [event.await, entry.await] {
        shop.get(&shop.manager, "/v1/transactions/S-1/audit").await.refused(409, "checkpoint.differs");
        assert!(shop.world.app.ports.logged().iter().any(|line| line.contains("the history was changed")));
    }
    // The file that was taken out before still proves what it was.
    assert!(verify(good.text.as_bytes(), &keys).is_ok());
    assert!(matches!(verify(good.text.as_bytes(), &[]), Err(Refused::UnknownKey { number: 1, .. })));
}

#[tokio::test]
async fn who_may_take_out_a_payment_gets_its_proof_and_a_masked_one_withholds_the_history() {
    let shop = Shop::new().await;
    shop.published_sale("S-1").await;
    shop.is(1, 6);
    shop.made().await;
    let auditor = people::hire(&shop, "aude", &["M-1"], "auditor").await;
    let support = people::hire(&shop, "helen", &["M-1"], "support").await;
    let keys = shop.public_keys().await;
    let audit = "/v1/transactions/S-1/audit";
    for (key, path, shown) in [
        (&shop.manager, audit, true),
        (&auditor, audit, true),
        (&shop.system, audit, true),
        (&shop.finance, audit, false),
        (&support, audit, false),
        (&shop.admin, "/v1/transactions/S-1/audit?merchant=M-1", false),
    ] {
        let reply = shop.get(key, path).await;
        let name = reply.headers.get("content-disposition").map(|name| name.to_str().unwrap().to_owned());
        assert_eq!(name.as_deref(), Some("attachment; filename=\"M-1-S-1-audit.json\""), "{}", reply.text);
        let payment = verify(reply.text.as_bytes(), &keys).unwrap().payment.unwrap();
        assert_eq!((payment.events.is_some(), payment.head.events, payment.entries.len()), (shown, 1, 1 + 1));
        assert_eq!(reply.text.contains("\"actor\""), shown);
    }
    for key in [&shop.reviewer, &shop.supervisor, &shop.terminal] {
        shop.get(key, audit).await.refused(403, "auth.forbidden");
    }
    for key in [&shop.manager, &auditor, &shop.system] {
        shop.get(key, "/v1/checkpoints").await.expect(200);
        assert_eq!(shop.get(key, "/v1/checkpoints/1").await.status, 200);
    }
    for key in [&shop.reviewer, &shop.supervisor, &shop.terminal, &shop.finance, &support] {
        shop.get(key, "/v1/checkpoints").await.refused(403, "auth.forbidden");
        shop.get(key, "/v1/checkpoints/1").await.refused(403, "auth.forbidden");
    }
    let other = shop.world.merchant("M-2", "lakala", &pack("lakala")).await.unwrap();
    let stranger = shop.world.person_key(&other, "manager").await.unwrap();
    shop.get(&stranger, audit).await.refused(404, "not-found");
    shop.get(&stranger, "/v1/checkpoints?merchant=M-1").await.refused(404, "not-found");
    assert_eq!(shop.get(&stranger, "/v1/checkpoints").await.expect(200), json!({"items": []}));
    for path in [audit, "/v1/checkpoints", "/v1/checkpoints/1", "/v1/checkpoint-keys"] {
        shop.get("", path).await.refused(401, "auth.required");
    }
}

#[tokio::test]
async fn a_rotated_key_signs_no_more_and_what_it_signed_stays_proved() {
    let shop = Shop::new().await;
    shop.published_sale("S-1").await;
    shop.is(1, 6);
    shop.made().await;
    let rotated = shop.post(&shop.admin, "/v1/checkpoint-keys/rotations", &json!({})).await.expect(201);
    let [old, new] = &rotated["items"].as_array().unwrap()[..] else { panic!("{rotated}") };
    assert!(old["retired_at"].is_string() && new.get("retired_at").is_none(), "{rotated}");
    shop.published_sale("S-2").await;
    shop.is(2, 6);
    shop.made().await;
    let listed = shop.get(&shop.manager, "/v1/checkpoints").await.expect(200);
    assert_eq!([&listed["items"][0]["key"], &listed["items"][1]["key"]], [&old["id"], &new["id"]]);
    assert_eq!(shop.proved("/v1/checkpoints/2?since=1").await.checkpoints.len(), 2);
    let stored = shop.world.app.ports.kv().get("secret:checkpoint-keys").await.unwrap().unwrap();
    assert_eq!(String::from_utf8(stored).unwrap().matches("\"seed\"").count(), 1, "nobody signs with the old one");
}

#[tokio::test]
async fn what_one_payment_proves_says_nothing_of_those_beside_it() {
    let shop = Shop::new().await;
    for id in ["S-1", "S-2"] {
        shop.published_sale(id).await;
    }
    shop.is(1, 6);
    shop.made().await;
    let text = shop.get(&shop.manager, "/v1/transactions/S-1/audit").await.text;
    let export = Export::read(text.as_bytes()).unwrap();
    let beside = export.payment.as_ref().unwrap().way[0].siblings[0];
    // Whoever knows all of S-2 but the deployment's secret, and tries the salt of S-1 or none.
    let records = shop.world.app.records().await.unwrap();
    let other = SaleId::parse("S-2").unwrap();
    let there = records.read::<Aggregate>(&Key::sale(&shop.merchant, &other)).await.unwrap().unwrap();
    let leaf = |merchant: &MerchantId, salt| {
        let head = rescind_audit::Head::after((merchant, &other), (&there.events, &there.ledger.entries), 1, salt);
        let digest = head.unwrap().digest(merchant, &other);
        rescind_audit::Tree::of([digest.0.to_vec()]).root().root
    };
    for salt in [export.payment.as_ref().unwrap().head.salt, rescind_audit::Hash([0; 32])] {
        assert_ne!(leaf(&shop.merchant, salt), beside);
    }
    let own = Export::read(shop.get(&shop.manager, "/v1/transactions/S-2/audit").await.text.as_bytes()).unwrap();
    assert_eq!(leaf(&shop.merchant, own.payment.unwrap().head.salt), beside, "with its salt it is that one");
    assert!(!text.contains("S-2"));
}
