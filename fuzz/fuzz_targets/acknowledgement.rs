//! Any bytes as the server's answer to a batch, read and taken by a journal with records that wait. The first byte
//! chooses the journal's own place to be put where the text has `HEAD`, so that genuine places are met.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind_bundle::SigningKey;
use rescind_journal::testkit::TornFile;
use rescind_journal::{Acknowledgement, Entry, Incident, Journal, JournalId, Opening, Owner, Room};
use rescind_model::Instant;
use std::sync::LazyLock;

/// Records that wait.
const RECORDS: usize = 4;

fn opening() -> Opening {
    let owner = Owner { merchant: "M-1".parse().unwrap(), terminal: "T-1".parse().unwrap() };
    Opening { owner, id: JournalId([7; 16]), room: Room { records: 100, bytes: 1_000_000 } }
}

fn incident(n: usize) -> Entry {
    Entry::Incident(Incident::BundleRefused { code: format!("bundle.{n}") })
}

/// A journal's bytes, and the places between its records.
static WAITING: LazyLock<(Vec<u8>, Vec<String>)> = LazyLock::new(|| {
    let file = TornFile::default();
    let mut journal = Journal::open_on(file.clone(), &opening()).unwrap();
    let mut places = vec![serde_json::to_string(&journal.head()).unwrap()];
    for n in 0..RECORDS {
        journal.append(Instant { unix_ms: 1_795_402_800_000 }, &[incident(n)]).unwrap();
        places.push(serde_json::to_string(&journal.head()).unwrap());
    }
    drop(journal);
    (file.bytes(), places)
});

fuzz_target!(|bytes: &[u8]| {
    let (file, places) = &*WAITING;
    let Some((chosen, text)) = bytes.split_first() else { return };
    let place = &places[usize::from(*chosen) % places.len()];
    let text = String::from_utf8_lossy(text).replace("HEAD", place);
    let Ok(read) = Acknowledgement::read(text.as_bytes()) else { return };
    let again = serde_json::to_vec(&read).unwrap();
    assert_eq!(Acknowledgement::read(&again).unwrap(), read, "it is not what was written of it");

    let mut journal = Journal::open_on(TornFile::of(file.clone()), &opening()).unwrap();
    let (before, end) = (journal.acknowledged(), journal.head());
    match journal.acknowledge(&read.head) {
        Ok(released) => {
            // Only what the chain has at that place is let go, and nothing after it.
            let genuine = places.iter().any(|place| serde_json::to_string(&read.head).unwrap() == *place);
            assert!(genuine, "a place that is none was believed: {:?}", read.head);
            assert_eq!(released, read.head.next - before.next);
            assert_eq!(journal.acknowledged(), read.head);
        }
        Err(_) => assert_eq!(journal.acknowledged(), before),
    }
    assert_eq!(journal.head(), end);
    let left = journal.records(1, usize::MAX).unwrap();
    assert_eq!(left.len() as u64, end.next - journal.acknowledged().next);
    // And it goes on.
    journal.append(Instant { unix_ms: 1_795_402_900_000 }, &[incident(9)]).unwrap();
    assert!(journal.export(1, 100, &SigningKey::from_seed([9; 32])).unwrap().is_some());
});
