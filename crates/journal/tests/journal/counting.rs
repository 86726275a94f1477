//! What ceilings are held against, and what is full.

use crate::world::{
    anchor, at, bundle, cny, day, decision, incident, key, open, opening, operation, operation_of, outcome, stored_sale,
};
use rescind_journal::testkit::TornFile;
use rescind_journal::{DayCount, Entry, Head, Incident, Journal, JournalError, Opening, Room, limits};
use rescind_model::Money;

fn usd(minor: i64) -> Money {
    Money { minor, currency: "USD".to_owned() }
}

#[test]
fn operations_are_counted_until_the_server_has_them_and_by_day_for_longer() {
    let file = TornFile::default();
    let mut journal = open(&file).unwrap();
    journal.append(at(1), &[decision(1), operation_of(1, cny(100), "2026-11-23")]).unwrap();
    journal.append(at(2), &[operation_of(2, usd(7), "2026-11-24")]).unwrap();
    let middle = journal.head();
    journal.append(at(3), &[operation_of(9, cny(23), "2026-11-24"), outcome(9)]).unwrap();
    let counters = journal.counters().clone();
    assert_eq!((counters.records, counters.operations), (5, 3));
    assert_eq!(counters.totals, [cny(123), usd(7)]);
    assert_eq!(counters.total("CNY"), Some(&cny(123)));
    assert_eq!(counters.total("EUR"), None);
    let days = [
        DayCount { day: day("2026-11-23"), operations: 1, totals: vec![cny(100)] },
        DayCount { day: day("2026-11-24"), operations: 2, totals: vec![cny(23), usd(7)] },
    ];
    assert_eq!(counters.days, days);

    journal.acknowledge(&middle).unwrap();
    assert_eq!((journal.counters().records, journal.counters().operations), (2, 1));
    assert_eq!(journal.counters().totals, [cny(23)]);
    assert_eq!(journal.counters().days, days, "a day's count does not end with a contact");
    drop(journal);
    assert_eq!(open(&file).unwrap().counters().totals, [cny(23)], "and all of it outlives a restart");
}

#[test]
fn a_day_of_long_ago_is_forgotten_before_a_recent_one() {
    let mut journal = open(&TornFile::default()).unwrap();
    for n in 1..=20 {
        journal.append(at(1), &[operation_of(n, cny(1), &format!("2026-11-{:02}", 21 - n))]).unwrap();
    }
    let days: Vec<_> = journal.counters().days.iter().map(|count| count.day.day).collect();
    assert_eq!(days, (5..=20).collect::<Vec<u8>>());
    assert_eq!(journal.counters().operations, 20);
}

#[test]
fn a_full_journal_takes_no_business_and_still_what_follows_from_it() {
    let opening = Opening { room: Room { records: 3, bytes: 1_000_000 }, ..opening() };
    let file = TornFile::default();
    let mut journal = Journal::open_on(file.clone(), &opening).unwrap();
    journal.append(at(1), &[stored_sale(1), operation(1)]).unwrap();
    let full = |result: Result<u64, JournalError>| matches!(result, Err(JournalError::Full { records: 2.., .. }));
    assert!(full(journal.append(at(2), &[decision(2), operation(2)])), "all of it or nothing");
    assert_eq!(journal.head().next, 3);
    journal.append(at(2), &[stored_sale(2)]).unwrap();
    assert!(full(journal.append(at(3), &[stored_sale(3)])));
    assert!(full(journal.append(at(3), &[outcome(1), stored_sale(3)])), "business does not come in behind an outcome");
    for entry in [outcome(1), anchor(3), bundle(2), incident()] {
        journal.append(at(3), &[entry]).unwrap();
    }
    let mut last = Ok(0);
    for _ in 0..=limits::RESERVE_RECORDS {
        last = journal.append(at(3), &[incident()]);
    }
    assert!(full(last), "the reserve has an end too");
    // The server acknowledges, and there is room again; also after a restart.
    let head = journal.head();
    journal.acknowledge(&head).unwrap();
    drop(journal);
    assert_eq!(Journal::open_on(file, &opening).unwrap().append(at(4), &[stored_sale(3)]).unwrap(), head.next);
}

#[test]
fn bytes_are_room_too() {
    let opening = Opening { room: Room { records: 1_000, bytes: 5_000 }, ..opening() };
    let mut journal = Journal::open_on(TornFile::default(), &opening).unwrap();
    let mut taken = 0;
    while journal.append(at(1), &[decision(1)]).is_ok() {
        taken += 1;
    }
    assert!((1..=4).contains(&taken), "{taken}");
    assert!(journal.counters().bytes <= 5_000);
    let large = Opening { room: Room { records: u64::MAX, bytes: u64::MAX }, ..opening };
    let room = Journal::open_on(TornFile::default(), &large).unwrap().room();
    assert_eq!(room, Room { records: limits::RECORDS, bytes: limits::BYTES }, "nobody opens one without bounds");
}

#[test]
fn what_is_no_entry_is_not_written() {
    let mut journal = open(&TornFile::default()).unwrap();
    let long = Entry::Incident(Incident::Other { code: "c".into(), detail: "d".repeat(limits::TEXT_BYTES + 1) });
    let mut huge = stored_sale(1);
    if let Entry::Sale(stored) = &mut huge {
        stored.sale.kind = "k".repeat(limits::RECORD_BYTES);
    }
    let many = vec![incident(); limits::APPEND_RECORDS + 1];
    for entries in [vec![], vec![long], vec![huge], many] {
        assert!(matches!(journal.append(at(1), &entries), Err(JournalError::BadEntry(_))));
    }
    let currencies: Vec<Entry> = (0..=limits::CURRENCIES)
        .map(|n| operation_of(1, Money { minor: 1, currency: format!("X{n:02}") }, "2026-11-23"))
        .collect();
    assert!(matches!(journal.append(at(1), &currencies), Err(JournalError::Uncountable(_))));
    assert_eq!((journal.head().next, journal.counters().records), (1, 0));
    journal.append(at(1), &[incident()]).unwrap();
}

#[test]
fn times_and_versions_only_go_forward() {
    let file = TornFile::default();
    let mut journal = open(&file).unwrap();
    assert_eq!((journal.time().highest, journal.bundle_version()), (None, 0));
    journal.append(at(10), &[anchor(9), bundle(4)]).unwrap();
    journal.append(at(5), &[bundle(2)]).unwrap();
    journal.see(at(7)).unwrap();
    journal.see(at(30)).unwrap();
    drop(journal);
    let journal = open(&file).unwrap();
    assert_eq!((journal.time().highest, journal.bundle_version()), (Some(at(30)), 4));
    assert_eq!(journal.time().anchor.as_ref().unwrap().server, at(9));
}

#[test]
fn a_journal_belongs_to_one_terminal() {
    let file = TornFile::default();
    let mut journal = open(&file).unwrap();
    journal.append(at(1), &[incident()]).unwrap();
    drop(journal);
    let mut other = opening();
    other.owner.terminal = "T-2".parse().unwrap();
    assert!(matches!(Journal::open_on(file.clone(), &other), Err(JournalError::OtherOwner { .. })));
    // Its id is asked for only once.
    let again = Opening { id: rescind_journal::JournalId([1; 16]), ..opening() };
    let journal = Journal::open_on(file, &again).unwrap();
    assert_eq!(journal.head().journal, opening().id);
    assert_eq!(journal.acknowledged(), Head::first(&opening().owner.merchant, &opening().owner.terminal, opening().id));
    assert!(journal.export(1, 1, &key()).unwrap().is_some());
}
