//! What a record promises its writer, one promise to a test.

use super::key::Key;
use super::lane::{self, Intent, Lane};
use super::list::{Entry, Page, Position, Tail};
use super::marks::Marks;
use super::{Commit, Creation, Record, Records, Unsound, probe};
use crate::error::Error;
use crate::limits::{KEY_BYTES, LANE_INTENTS, PAGE_ENTRIES, VALUE_BYTES};
use crate::ports::Kv as _;
use crate::testkit::{Fault, MemoryKv, Op, Plan, Trouble};
use rescind_model::{Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};

/// A record that knows its writes. Its first format was a bare text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    writes: Vec<String>,
    text: String,
}

impl Record for Note {
    const FORMAT: &'static str = "note/2";
    fn holds(&self, id: &str) -> bool {
        self.writes.iter().any(|w| w == id)
    }

    fn upcast(format: &str, data: serde_json::Value) -> Option<Result<Self, String>> {
        let read = |data: serde_json::Value| {
            let text = data.as_str().ok_or("no text")?.to_owned();
            Ok(Self { writes: Vec::new(), text })
        };
        (format == "note/1").then(|| read(data))
    }
}

fn note(text: &str, writes: &[&str]) -> Note {
    Note { writes: writes.iter().map(|w| (*w).to_owned()).collect(), text: text.to_owned() }
}

fn key() -> Key {
    Key::lane(0)
}

fn records(kv: &MemoryKv) -> Records<'_, MemoryKv> {
    Records::new(kv, Creation::Direct, "sha256:refunds")
}

/// Writes the record's first value.
async fn begin(records: &Records<'_, MemoryKv>, text: &str) {
    let slot = records.open::<Note>(&key()).await.unwrap();
    assert_eq!(records.commit(slot, &note(text, &["w1"]), "w1", 1).await.unwrap(), Commit::Written);
}

#[tokio::test]
async fn an_envelope_names_both_components_and_only_those_that_decided() {
    let kv = MemoryKv::new(Fault::None);
    let envelope = async |records: Records<'_, MemoryKv>, n: u64| {
        let key = Key::lane(u8::try_from(n).unwrap());
        records.put(&key, &note("x", &[])).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&kv.get(key.as_str()).await.unwrap().unwrap()).unwrap()
    };
    let one = envelope(records(&kv), 1).await;
    assert_eq!(
        one,
        serde_json::json!({"f": "note/2", "v": 1, "c": "sha256:refunds", "d": {"writes": [], "text": "x"}})
    );
    let both = envelope(records(&kv).decided_by(Some("sha256:eligibility")), 2).await;
    assert_eq!(both["e"], "sha256:eligibility");
}

#[tokio::test]
async fn an_older_format_is_read_and_written_in_todays_and_any_other_is_refused() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    kv.set(key().as_str(), br#"{"f":"note/1","v":7,"c":"","d":"hello"}"#).await.unwrap();
    assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(note("hello", &[])));
    let slot = records.open::<Note>(&key()).await.unwrap();
    assert_eq!(slot.value, Some(note("hello", &[])));
    assert_eq!(records.commit(slot, &note("hello", &["w1"]), "w1", 1).await.unwrap(), Commit::Written);
    let bytes = kv.get(key().as_str()).await.unwrap().unwrap();
    let now: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((now["f"].as_str(), now["v"].as_u64()), (Some("note/2"), Some(8)));

    for (bytes, why) in [
        (r#"{"f":"note/1","v":7,"c":"","d":5}"#, "not what note/1 says: no text"),
        (r#"{"f":"note/3","v":7,"c":"","d":"hello"}"#, "expected format note/2, found note/3"),
        (r#"{"f":"note/2","v":7,"c":"","d":"hello"}"#, "expected format note/2, found note/2"),
        (r#"{"f":"note/3","v":7,"c":"","d":{"writes":[],"text":"x"}}"#, "expected format note/2, found note/3"),
        ("twelve bytes", "expected format note/2, found no envelope"),
    ] {
        kv.set(key().as_str(), bytes.as_bytes()).await.unwrap();
        let refused = records.read::<Note>(&key()).await.unwrap_err();
        assert!(matches!(&refused, Error::Internal(m) if m.contains(why) && m.contains(key().as_str())), "{refused:?}");
    }
}

#[tokio::test]
async fn a_record_grows_up_to_its_limit_and_not_a_byte_beyond() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    records.put(&key(), &Note::default()).await.unwrap();
    let empty = kv.get(key().as_str()).await.unwrap().unwrap().len();
    let largest = "x".repeat(VALUE_BYTES - empty);
    records.put(&key(), &note(&largest, &[])).await.unwrap();
    assert_eq!(kv.get(key().as_str()).await.unwrap().unwrap().len(), VALUE_BYTES);
    let refused = records.put(&key(), &note(&format!("{largest}x"), &[])).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { code: "record.full", .. }), "{refused:?}");
}

#[tokio::test]
async fn who_loses_a_race_learns_it_from_one_look() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    begin(&records, "a").await;
    let (mine, theirs) = (records.open(&key()).await.unwrap(), records.open(&key()).await.unwrap());
    let won = note("theirs", &["w1", "w2"]);
    assert_eq!(records.commit(theirs, &won, "w2", 2).await.unwrap(), Commit::Written);
    let before = kv.calls();
    assert_eq!(records.commit(mine, &note("mine", &["w1", "w3"]), "w3", 3).await.unwrap(), Commit::Lost);
    let after = kv.calls();
    assert_eq!((after.swap - before.swap, after.get - before.get, after.open - before.open), (1, 1, 0));
    assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(won));
}

#[tokio::test]
async fn a_moments_trouble_does_not_end_a_write() {
    for op in [Op::Swap, Op::Get] {
        for trouble in [Trouble::FailsBefore, Trouble::FailsAfter] {
            let kv = MemoryKv::new(Fault::None);
            let records = records(&kv);
            begin(&records, "a").await;
            let slot = records.open(&key()).await.unwrap();
            kv.plan(Plan::once(trouble, 0).of(op));
            let next = note("b", &["w1", "w2"]);
            assert_eq!(records.commit(slot, &next, "w2", 2).await.unwrap(), Commit::Written, "{op:?} {trouble:?}");
            assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(next));
        }
    }
}

#[tokio::test]
async fn trouble_that_lasts_is_said_and_never_taken_for_an_answer() {
    let of_swaps = Plan::always(Trouble::FailsBefore).of(Op::Swap);
    let of_every_answer = Plan::always(Trouble::FailsAfter);
    for (plan, took_place) in [(of_swaps, false), (of_every_answer, true)] {
        let kv = MemoryKv::new(Fault::None);
        let records = records(&kv);
        begin(&records, "a").await;
        let slot = records.open(&key()).await.unwrap();
        kv.plan(plan.clone());
        let unproved = records.commit(slot, &note("b", &["w1", "w2"]), "w2", 2).await.unwrap_err();
        assert!(matches!(unproved, Error::Unavailable(_)), "{plan:?}: {unproved:?}");
        kv.calm();
        assert_eq!(records.read::<Note>(&key()).await.unwrap().unwrap().holds("w2"), took_place, "{plan:?}");
    }
}

#[tokio::test]
async fn a_write_that_another_was_built_on_is_written() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    begin(&records, "a").await;
    let (mine, theirs) = (records.open(&key()).await.unwrap(), records.open(&key()).await.unwrap());
    let both = note("both", &["w1", "w2", "w3"]);
    assert_eq!(records.commit(theirs, &both, "w3", 3).await.unwrap(), Commit::Written);
    assert_eq!(records.commit(mine, &note("mine", &["w1", "w2"]), "w2", 2).await.unwrap(), Commit::Written);
    assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(both));
}

#[tokio::test]
async fn who_lost_and_could_not_look_does_not_write_over_the_winner() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    begin(&records, "a").await;
    let (mine, theirs) = (records.open(&key()).await.unwrap(), records.open(&key()).await.unwrap());
    let won = note("theirs", &["w1", "w2"]);
    assert_eq!(records.commit(theirs, &won, "w2", 2).await.unwrap(), Commit::Written);
    kv.plan(Plan::once(Trouble::FailsBefore, 0).of(Op::Get));
    assert_eq!(records.commit(mine, &note("mine", &["w1", "w3"]), "w3", 3).await.unwrap(), Commit::Lost);
    assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(won));
}

#[tokio::test]
async fn a_creation_is_tried_again_too() {
    for creation in [Creation::Direct, Creation::Headed] {
        for trouble in [Trouble::FailsBefore, Trouble::SaysDone] {
            let kv = MemoryKv::new(Fault::None);
            let records = Records::new(&kv, creation, "");
            kv.plan(Plan::once(trouble, 0).of(Op::Swap));
            begin(&records, "a").await;
            assert_eq!(
                records.read::<Note>(&key()).await.unwrap(),
                Some(note("a", &["w1"])),
                "{creation:?} {trouble:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_was_put_is_there_or_it_is_an_error() {
    for trouble in [Trouble::FailsBefore, Trouble::SaysDone] {
        let kv = MemoryKv::new(Fault::None);
        let records = records(&kv);
        kv.plan(Plan::once(trouble, 0).of(Op::Set));
        records.put(&key(), &note("a", &[])).await.unwrap();
        assert_eq!(records.read::<Note>(&key()).await.unwrap(), Some(note("a", &[])));
        kv.plan(Plan::always(trouble).of(Op::Set));
        let unproved = records.put(&key(), &note("b", &[])).await.unwrap_err();
        assert!(matches!(unproved, Error::Unavailable(_)), "{trouble:?}: {unproved:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_to_a_store_that_is_refused() {
    let kv = MemoryKv::new(Fault::None);
    let records = Records::new(&kv, Creation::Refused(Unsound::NoCreation), "");
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::StoreRefused(Unsound::NoCreation))));
    refused(records.writable());
    refused(records.put(&key(), &note("a", &[])).await);
    refused(records.open::<Note>(&key()).await.map(|_| ()));
    refused(records.remove(&key()).await);
    assert_eq!(kv.keys(), Vec::<String>::new());
}

/// Two writers of one record: the first is held up between its look and its write.
#[tokio::test]
async fn an_update_that_lost_is_decided_again_on_what_is_there() {
    let kv = MemoryKv::new(Fault::None);
    let records = records(&kv);
    let add = async |id: &str, unique| {
        let mut looks = 0;
        let change = |there: Option<&Note>| {
            looks += 1;
            let mut next = there.cloned().unwrap_or_default();
            next.writes.push(id.to_owned());
            Ok((Some(next), ()))
        };
        records.update::<Note, _, _>(&key(), id, unique, change).await.unwrap();
        looks
    };
    assert_eq!(add("w1", 1).await, 1);
    kv.plan(Plan::once(Trouble::Held, 0).of(Op::Swap));
    let second = async {
        let looks = add("w3", 3).await;
        kv.release();
        looks
    };
    assert_eq!(tokio::join!(add("w2", 2), second), (2, 1));
    assert_eq!(records.read::<Note>(&key()).await.unwrap().unwrap().writes, ["w1", "w3", "w2"]);
    let nothing = records.update::<Note, _, _>(&key(), "w4", 4, |_| Ok((None, "no"))).await.unwrap();
    assert_eq!(nothing, "no");
    assert!(!records.read::<Note>(&key()).await.unwrap().unwrap().holds("w4"));
}

#[test]
fn a_bodys_number_is_never_nothing_and_its_own_at_each_attempt() {
    assert_eq!(super::body_key("k", 255), "k#00000000000000ff");
    let numbers =
        [(0, 0), (5, 0), (5, 1), (u64::MAX, 0), (u64::MAX, 1)].map(|(unique, n)| super::head_nonce(unique, n));
    assert_eq!(numbers, [1, 5, 6, i64::MAX, 1]);
}

#[tokio::test]
async fn a_record_that_was_removed_meanwhile_is_not_brought_back() {
    for creation in [Creation::Direct, Creation::Headed] {
        let kv = MemoryKv::new(Fault::None);
        let records = Records::new(&kv, creation, "");
        begin(&records, "a").await;
        let slot = records.open(&key()).await.unwrap();
        records.remove(&key()).await.unwrap();
        let next = note("b", &["w1", "w2"]);
        assert_eq!(records.commit(slot, &next, "w2", 2).await.unwrap(), Commit::Lost, "{creation:?}");
        assert!(!records.is_there(&key()).await.unwrap());
        begin(&records, "anew").await;
        assert!(records.is_there(&key()).await.unwrap());
    }
}

#[tokio::test]
async fn a_store_that_fails_is_not_reached() {
    let kv = MemoryKv::new(Fault::None);
    records(&kv).reach().await.unwrap();
    kv.plan(Plan::always(Trouble::FailsBefore));
    assert!(matches!(records(&kv).reach().await, Err(Error::Unavailable(_))));
}

#[test]
fn only_creation_by_head_leaves_bodies() {
    let kv = MemoryKv::new(Fault::None);
    assert!(Records::new(&kv, Creation::Headed, "").leaves_bodies());
    assert!(!records(&kv).leaves_bodies());
}

#[tokio::test]
async fn a_probe_says_what_it_saw_and_passes_nothing_unclear_for_a_property() {
    let third_swap = |trouble| Plan::once(trouble, 2).of(Op::Swap);
    let fourth_swap = |trouble| Plan::once(trouble, 3).of(Op::Swap);
    let of = Fault::UpsertOverNothing;
    let told = [
        (Fault::None, None, Some(Creation::Direct)),
        (of, None, Some(Creation::Headed)),
        (Fault::SaysRefused, None, Some(Creation::Direct)),
        (Fault::SaysSwapped, None, Some(Creation::Direct)),
        (Fault::NoCreation, None, Some(Creation::Refused(Unsound::NoCreation))),
        (Fault::NoAtomics, None, Some(Creation::Refused(Unsound::NoAtomics))),
        // One lie about the second swap of the race: neither a store that always says so nor an honest one.
        (Fault::None, Some(Plan::once(Trouble::SaysDone, 1).of(Op::Swap)), None),
        // The swap over a head did not write; or it did not write and says that it did.
        (of, Some(third_swap(Trouble::FailsBefore)), None),
        (of, Some(fourth_swap(Trouble::SaysDone)), None),
        // Every read and write takes place, and no swap does: no moment's trouble.
        (
            Fault::None,
            Some(Plan::always(Trouble::FailsBefore).of(Op::Swap)),
            Some(Creation::Refused(Unsound::NoAtomics)),
        ),
    ];
    for (fault, plan, expected) in told {
        let kv = MemoryKv::new(fault);
        if let Some(plan) = plan.clone() {
            kv.plan(plan);
        }
        let found = probe(&kv, 1).await;
        match expected {
            Some(creation) => assert_eq!(found.unwrap(), creation, "{fault:?} {plan:?}"),
            None => assert!(matches!(found, Err(Error::Unavailable(_))), "{fault:?} {plan:?}: {found:?}"),
        }
    }
}

fn intent(id: &str) -> Intent {
    let at = Instant::from_unix_ms(0).unwrap();
    let (merchant, sale) = (MerchantId::parse("m1").unwrap(), SaleId::parse("S-1").unwrap());
    Intent {
        id: id.to_owned(),
        merchant,
        sale,
        at,
        page: None,
        lists: std::collections::BTreeMap::new(),
        published: false,
    }
}

#[test]
fn a_lane_holds_its_intents_and_its_last_write_and_is_full_at_its_limit() {
    let mut lane = Lane { intents: vec![intent("i1"), intent("i2")], mark: "w9".to_owned(), struck: 0 };
    assert!(lane.holds("i1") && lane.holds("i2") && lane.holds("w9"));
    assert!(!lane.holds("i3") && !lane.holds(""));
    lane.intents = (1..LANE_INTENTS).map(|n| intent(&n.to_string())).collect();
    assert!(!lane.is_full());
    lane.intents.push(intent("last"));
    assert!(lane.is_full());

    let written = |struck| serde_json::to_string(&Lane { struck, ..Lane::default() }).unwrap();
    assert_eq!(written(0), r#"{"intents":[]}"#);
    assert_eq!(written(3), r#"{"intents":[],"struck":3}"#);
}

/// A lane is where a sale's intents are looked for: another number for the same sale would lose them.
#[test]
fn a_sale_stays_in_its_lane_for_ever() {
    let lanes = [("m1", "S-1"), ("m1", "S-2"), ("m2", "S-1"), ("shop-7", "20261123-000451")]
        .map(|(merchant, sale)| lane::of(&MerchantId::parse(merchant).unwrap(), &SaleId::parse(sale).unwrap()));
    assert_eq!(lanes, [14, 6, 1, 2]);
}

#[test]
fn a_page_holds_a_write_if_it_holds_all_of_it() {
    let entry = |id: &str| Entry { id: id.to_owned(), at: String::new() };
    let mut page = Page { entries: vec![entry("a"), entry("b")] };
    assert!(page.holds("a") && page.holds("a\nb"));
    assert!(!page.holds("c") && !page.holds("a\nc") && !page.holds("c\na"));
    page.entries = (1..PAGE_ENTRIES).map(|n| entry(&n.to_string())).collect();
    assert!(!page.is_full());
    page.entries.push(entry("last"));
    assert!(page.is_full());
    assert!(Tail { page: 3 }.holds("3") && Tail { page: 3 }.holds("2"));
    assert!(!Tail { page: 3 }.holds("4") && !Tail { page: 3 }.holds("x"));
}

fn listed(number: usize) -> Entry {
    Entry { id: format!("e{number}"), at: String::new() }
}

async fn all(records: &Records<'_, MemoryKv>, from: Position, limit: usize) -> (Vec<String>, Option<Position>, bool) {
    let slice = records.slice(&Key::notices(), from, limit).await.unwrap();
    let last = slice.entries.last().map(|(position, _)| *position);
    (slice.entries.into_iter().map(|(_, entry)| entry.id).collect(), last, slice.more)
}

#[tokio::test]
async fn a_list_goes_on_from_page_to_page_and_names_each_entry_once() {
    let kv = MemoryKv::new(Fault::None);
    let (records, list) = (records(&kv), Key::notices());
    let count = PAGE_ENTRIES * 2 + 3;
    let ids: Vec<String> = (0..count).map(|n| listed(n).id).collect();
    assert_eq!(all(&records, Position::START, 9).await, (vec![], None, false));
    for n in 0..count {
        records.append(&list, &listed(n), u64::try_from(n).unwrap() * 1_000).await.unwrap();
    }
    assert_eq!(records.tail(&list).await.unwrap(), 2);
    assert_eq!(all(&records, Position::START, count).await.0, ids);
    // Page by page, from where the last one ended.
    let (mut from, mut read) = (Position::START, Vec::new());
    loop {
        let (entries, last, more) = all(&records, from, 50).await;
        assert!(entries.len() == 50 || !more);
        read.extend(entries);
        from = last.unwrap_or(from);
        if !more {
            break;
        }
    }
    assert_eq!(read, ids);
    assert!(!all(&records, Position::START, count).await.2 && all(&records, Position::START, count - 1).await.2);
    // Again: the entry is on the last page already, or on the page that its writer began with.
    records.append(&list, &listed(count - 1), 1).await.unwrap();
    records.add_from(&list, 0, &[listed(0), listed(1)], 2).await.unwrap();
    assert_eq!(all(&records, Position::START, count).await.0, ids);
}

#[tokio::test]
async fn what_a_page_has_no_room_for_goes_to_the_next() {
    let kv = MemoryKv::new(Fault::None);
    let (records, list) = (records(&kv), Key::notices());
    let most: Vec<Entry> = (0..PAGE_ENTRIES - 1).map(listed).collect();
    assert_eq!(records.add_to_page(&list, 0, &most, 1).await.unwrap(), vec![]);
    let three: Vec<Entry> = (PAGE_ENTRIES - 1..PAGE_ENTRIES + 2).map(listed).collect();
    assert_eq!(records.add_to_page(&list, 0, &three, 2).await.unwrap(), three[1..]);
    // The same again: the first is there, the others still have no room.
    assert_eq!(records.add_to_page(&list, 0, &three, 3).await.unwrap(), three[1..]);
    assert_eq!(records.tail(&list).await.unwrap(), 0);
    records.add_from(&list, 0, &three, 4).await.unwrap();
    assert_eq!(records.tail(&list).await.unwrap(), 1);
    let ids: Vec<String> = (0..PAGE_ENTRIES + 2).map(|n| listed(n).id).collect();
    assert_eq!(all(&records, Position::START, 1_000).await.0, ids);
}

#[tokio::test]
async fn two_writers_of_a_page_are_both_on_it() {
    let kv = MemoryKv::new(Fault::None);
    let (records, list) = (records(&kv), Key::notices());
    records.append(&list, &listed(0), 1).await.unwrap();
    kv.plan(Plan::once(Trouble::Held, 0).of(Op::Swap));
    let second = async {
        let written = records.append(&list, &listed(2), 3_000).await;
        kv.release();
        written
    };
    let entry = listed(1);
    let (one, other) = tokio::join!(records.append(&list, &entry, 2_000), second);
    one.and(other).unwrap();
    assert_eq!(all(&records, Position::START, 9).await.0, ["e0", "e2", "e1"]);
}

#[tokio::test]
async fn a_tail_never_goes_back() {
    let kv = MemoryKv::new(Fault::None);
    let (records, list) = (records(&kv), Key::notices());
    for (full, tail) in [(0, 1), (0, 1), (2, 3), (1, 3), (2, 3)] {
        let writes = kv.calls().swap;
        let behind = records.tail(&list).await.unwrap() < full + 1;
        assert_eq!(records.advance(&list, full, full * 1_000).await.unwrap(), full + 1);
        assert_eq!((records.tail(&list).await.unwrap(), kv.calls().swap > writes), (tail, behind));
    }
}

#[test]
fn a_record_remembers_its_latest_writes() {
    let mut marks = Marks::default();
    let mut written = Vec::new();
    for n in 0..200 {
        let id = format!("w{n}");
        assert!(!marks.has(&id));
        marks.add(&id);
        written.push(id);
        assert!(written.iter().rev().take(16).all(|id| marks.has(id)));
        assert_eq!(written.iter().filter(|id| marks.has(id)).count(), written.len().min(16));
    }
}

#[test]
fn a_position_is_what_an_earlier_answer_gave() {
    let last = Position { page: 12, index: PAGE_ENTRIES };
    assert_eq!(Position::parse(&last.to_string()).unwrap(), last);
    for text in ["", "1", ".", "1.", ".1", "1.-1", "1.2.3", "x.1", &format!("1.{}", PAGE_ENTRIES + 1)] {
        let refused = Position::parse(text).unwrap_err();
        assert!(matches!(&refused, Error::Malformed { field, .. } if field == "after"), "{text}: {refused:?}");
    }
}

#[test]
fn a_key_is_its_text_and_no_longer_than_every_store_takes() {
    let key = Key::met(&"k".repeat(KEY_BYTES));
    assert_eq!(key.to_string(), key.as_str());
    assert_eq!(key.clone().checked().unwrap(), key);
    assert!(matches!(Key::met(&"k".repeat(KEY_BYTES + 1)).checked(), Err(Error::Internal(_))));
}
