//! Batches on their way: complete, in order, signed, and the same however often they are sent.

use crate::world::{anchor, at, decision, everything, incident, key, open, operation, owner, stored_sale};
use rescind_bundle::{Ed25519, Signer as _, SigningKey, Unverified};
use rescind_journal::testkit::TornFile;
use rescind_journal::{
    BadBatch, Batch, Entry, Head, Incident, Journal, JournalError, JournalId, Link, Owner, limits, sign_batch,
    verify_batch,
};

fn check(batch: &[u8], known: Option<&Head>) -> Result<Batch, BadBatch> {
    verify_batch(batch, key().public(), &Ed25519, &owner(), known)
}

fn journal(entries: &[Entry]) -> Journal {
    let mut journal = open(&TornFile::default()).unwrap();
    for (n, entry) in entries.iter().enumerate() {
        journal.append(at(i64::try_from(n).unwrap()), std::slice::from_ref(entry)).unwrap();
    }
    journal
}

fn incidents(count: usize) -> Vec<Entry> {
    vec![incident(); count]
}

#[test]
fn everything_that_was_written_arrives_as_it_was() {
    let entries = everything();
    let journal = journal(&entries);
    let export = journal.export(1, 100, &key()).unwrap().unwrap();
    assert_eq!((export.first, export.last, export.remaining), (1, 7, 0));
    let batch = check(&export.batch, None).unwrap();
    assert_eq!(batch.records.iter().map(|(record, _)| record.entry.clone()).collect::<Vec<_>>(), entries);
    assert_eq!(batch.records.iter().map(|(record, _)| record.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(batch.records[6].0.at, at(6));
    assert_eq!((batch.start, batch.end, batch.known), (journal.acknowledged(), journal.head(), 0));
    assert_eq!(batch.records[6].1, journal.head().link);
    assert_eq!(
        journal.records(1, 100).unwrap(),
        batch.records.into_iter().map(|(record, _)| record).collect::<Vec<_>>()
    );
}

#[test]
fn a_journal_goes_out_in_parts_that_can_be_sent_again() {
    let mut journal = journal(&incidents(10));
    let first = journal.export(1, 4, &key()).unwrap().unwrap();
    assert_eq!((first.first, first.last, first.remaining), (1, 4, 6));
    assert_eq!(journal.export(1, 4, &key()).unwrap().unwrap(), first, "the same records, the same bytes");
    let known = check(&first.batch, None).unwrap().end;

    // The answer was lost: the terminal sends it again, then in parts of another size.
    let again = check(&first.batch, Some(&known)).unwrap();
    assert_eq!((again.known, again.new_records().len(), again.end), (4, 0, known));
    let overlap = check(&journal.export(3, 5, &key()).unwrap().unwrap().batch, Some(&known)).unwrap();
    assert_eq!((overlap.known, overlap.new_records().len(), overlap.end.next), (2, 3, 8));
    assert_eq!(overlap.new_records()[0].0.number, 5);

    assert_eq!(journal.acknowledge(&known).unwrap(), 4);
    let rest = journal.export(1, 100, &key()).unwrap().unwrap();
    assert_eq!((rest.first, rest.last, rest.remaining), (5, 10, 0), "what was acknowledged is not there any more");
    let rest = check(&rest.batch, Some(&known)).unwrap();
    // A late, older batch is still genuine, and has nothing new.
    assert_eq!(check(&first.batch, Some(&rest.end)).unwrap().new_records(), []);
    assert_eq!(journal.acknowledge(&rest.end).unwrap(), 6);
    assert_eq!(journal.export(1, 100, &key()).unwrap(), None);
    assert_eq!(journal.export(99, 100, &key()).unwrap(), None);
}

#[test]
fn a_decision_and_its_operation_are_never_parted() {
    let mut journal = open(&TornFile::default()).unwrap();
    for n in 0..3 {
        let number = 2 * n + 1;
        assert_eq!(journal.append(at(1), &[decision(n), operation(number)]).unwrap(), number);
    }
    let parts = |journal: &Journal, from, most| {
        let export = journal.export(from, most, &key()).unwrap().unwrap();
        (export.first, export.last, export.remaining)
    };
    assert_eq!(parts(&journal, 1, 1), (1, 2, 4), "the operation comes along");
    assert_eq!(parts(&journal, 1, 2), (1, 2, 4));
    assert_eq!(parts(&journal, 1, 3), (1, 2, 4), "the decision stays with its operation");
    assert_eq!(parts(&journal, 1, 5), (1, 4, 2));
    assert_eq!(parts(&journal, 2, 2), (2, 2, 4), "who asks for half gets half");

    // A server that was interrupted may know of the decision alone.
    let all = check(&journal.export(1, 6, &key()).unwrap().unwrap().batch, None).unwrap();
    let place = |next: u64, link| Head { next, link, ..all.start };
    let third = place(4, all.records[2].1);
    assert_eq!(journal.acknowledge(&third).unwrap(), 2, "the decision is kept as long as its operation");
    assert_eq!(journal.acknowledged(), place(3, all.records[1].1));
    assert_eq!(journal.acknowledge(&third).unwrap(), 0);
    let again = check(&journal.export(1, 100, &key()).unwrap().unwrap().batch, Some(&third)).unwrap();
    assert_eq!((again.known, again.new_records().len()), (1, 3), "the server goes on where it was");
    assert_eq!(journal.acknowledge(&again.end).unwrap(), 4);
}

#[test]
fn an_acknowledgement_is_taken_once_and_only_of_this_story() {
    let mut journal = journal(&incidents(5));
    let third = check(&journal.export(1, 3, &key()).unwrap().unwrap().batch, None).unwrap().end;
    let bad = |journal: &mut Journal, head: Head| match journal.acknowledge(&head) {
        Err(JournalError::BadAcknowledgement(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        bad(&mut journal, Head { link: Link([1; 32]), ..third }),
        "its link is not the one here: the server knows another story"
    );
    assert_eq!(bad(&mut journal, Head { journal: JournalId([8; 16]), ..third }), "it is of another journal");
    assert_eq!(bad(&mut journal, Head { next: 99, ..third }), "it is of records that are not written yet");
    assert_eq!(journal.counters().records, 5, "nothing was let go");
    assert_eq!(journal.acknowledge(&third).unwrap(), 3);
    assert_eq!(journal.acknowledge(&third).unwrap(), 0);
    assert_eq!(journal.acknowledge(&Head { next: 2, ..third }).unwrap(), 0, "an older one is late, not wrong");
    assert_eq!(
        bad(&mut journal, Head { link: Link([1; 32]), ..third }),
        "its link is not the one here: the server knows another story"
    );
    assert_eq!((journal.acknowledged(), journal.counters().records), (third, 2));
}

#[test]
fn a_gap_a_fork_and_another_journal_are_told_apart() {
    let journal = journal(&incidents(6));
    let all = journal.export(1, 100, &key()).unwrap().unwrap().batch;
    let late = journal.export(4, 100, &key()).unwrap().unwrap().batch;
    assert_eq!(check(&late, None), Err(BadBatch::Gap { expected: 1, found: 4 }));
    let known = check(&all, None).unwrap().records;
    let head =
        |n: usize| Head { journal: JournalId([7; 16]), next: u64::try_from(n).unwrap() + 1, link: known[n - 1].1 };
    assert_eq!(check(&late, Some(&head(2))), Err(BadBatch::Gap { expected: 3, found: 4 }));
    assert_eq!(check(&late, Some(&head(3))).unwrap().new_records().len(), 3);

    // The server heard another third record.
    let other = Head { link: Link([3; 32]), ..head(3) };
    assert_eq!(check(&late, Some(&other)), Err(BadBatch::Fork { before: 4 }));
    assert_eq!(check(&all, Some(&other)), Err(BadBatch::Fork { before: 4 }));
    // And one that begins with a first link of its own.
    let begun = Head { next: 1, link: Link([5; 32]), ..head(1) };
    let invented = sign_batch(&owner(), &begun, &[br#"{"number":1}"#], &key()).unwrap();
    assert_eq!(check(&invented, None), Err(BadBatch::Fork { before: 1 }));
    assert_eq!(check(&invented, Some(&head(3))), Err(BadBatch::Fork { before: 1 }));

    let before = Head { journal: JournalId([8; 16]), ..head(3) };
    let expected = BadBatch::OtherJournal { expected: JournalId([8; 16]), found: JournalId([7; 16]) };
    assert_eq!(check(&late, Some(&before)), Err(expected));
}

#[test]
fn only_this_terminal_tells_its_story() {
    let journal = journal(&incidents(2));
    let batch = journal.export(1, 100, &SigningKey::from_seed([1; 32])).unwrap().unwrap().batch;
    assert_eq!(check(&batch, None), Err(BadBatch::Unverified(Unverified::Signature)));
    let elsewhere = Owner { terminal: "T-2".parse().unwrap(), ..owner() };
    let batch = journal.export(1, 100, &key()).unwrap().unwrap().batch;
    let refused = verify_batch(&batch, key().public(), &Ed25519, &elsewhere, None);
    assert_eq!(refused, Err(BadBatch::OtherOwner { merchant: "M-1".into(), terminal: "T-1".into() }));
}

#[test]
fn every_byte_and_every_part_of_a_batch_counts() {
    let batch = journal(&[anchor(1), incident()]).export(1, 100, &key()).unwrap().unwrap().batch;
    check(&batch, None).unwrap();
    for at in 0..batch.len() {
        for bit in [0, 3, 7] {
            let mut altered = batch.clone();
            altered[at] ^= 1 << bit;
            let refusal = check(&altered, None).expect_err(&format!("bit {bit} of byte {at} was altered"));
            let unbelieved = ["batch.malformed", "batch.truncated", "batch.signature"];
            assert!(unbelieved.contains(&refusal.code()), "byte {at}: {refusal}");
        }
        assert_eq!(check(&batch[..at], None).unwrap_err().code(), "batch.truncated", "cut off at {at}");
    }
    assert_eq!(check(&[batch.as_slice(), &[0]].concat(), None).unwrap_err().code(), "batch.malformed");
    assert_eq!(check(&vec![0; limits::BATCH_BYTES + 1], None).unwrap_err().code(), "batch.too-large");
}

#[test]
fn a_terminal_that_signs_nonsense_is_told_which_record() {
    let start = Head::first(&owner().merchant, &owner().terminal, JournalId([7; 16]));
    let good = br#"{"number":1,"at":{"unix_ms":1795395600000},"entry":{"incident":{"bundle-refused":{"code":"x"}}}}"#;
    let signed = |records: &[&[u8]]| check(&sign_batch(&owner(), &start, records, &key()).unwrap(), None);
    assert_eq!(signed(&[good]).unwrap().records.len(), 1);
    let long = format!(
        r#"{{"number":1,"at":{{"unix_ms":1795395600000}},"entry":{{"incident":{{"bundle-refused":{{"code":"{}"}}}}}}}}"#,
        "x".repeat(1_025)
    );
    let nonsense: [(&[u8], &str); 5] = [
        (b"", "EOF"),
        (b"{", "EOF"),
        (br#"{"number":1,"at":{"unix_ms":1795395600000},"entry":{"gift":{}}}"#, "unknown variant"),
        (good, "it says it is record 1"),
        (long.as_bytes(), "a text is too long"),
    ];
    for (bytes, why) in nonsense {
        let records: &[&[u8]] = if bytes == good { &[good, bytes] } else { &[bytes] };
        match signed(records) {
            Err(BadBatch::Record { number, reason }) => {
                assert!(reason.contains(why), "{reason}");
                assert_eq!(usize::try_from(number).unwrap(), records.len());
            }
            other => panic!("{why}: {other:?}"),
        }
    }
    let many = vec![good.as_slice(); limits::BATCH_RECORDS + 1];
    assert_eq!(signed(&many).unwrap_err().code(), "batch.malformed");
    assert_eq!(signed(&[]).unwrap_err().code(), "batch.malformed");
}

#[test]
fn a_batch_has_a_size_whatever_its_records_have() {
    let large = Entry::Incident(Incident::Other { code: "c".repeat(1_024), detail: "d".repeat(1_024) });
    let mut journal = open(&TornFile::default()).unwrap();
    for _ in 0..32 {
        journal.append(at(0), &vec![large.clone(); 16]).unwrap();
    }
    let mut from = 1;
    let mut known = None;
    let mut batches = 0;
    while let Some(export) = journal.export(from, usize::MAX, &key()).unwrap() {
        assert!(export.batch.len() <= limits::BATCH_BYTES);
        known = Some(check(&export.batch, known.as_ref()).unwrap().end);
        (from, batches) = (export.last + 1, batches + 1);
    }
    assert_eq!((from, known), (513, Some(journal.head())));
    assert!(batches >= 3, "{batches}");
}

#[test]
fn the_chain_names_its_owner_and_its_journal() {
    let first = |merchant: &str, terminal: &str, id| {
        Link::first(&merchant.parse().unwrap(), &terminal.parse().unwrap(), JournalId([id; 16]))
    };
    let one = first("M-1", "T-1", 7);
    for other in [first("M-2", "T-1", 7), first("M-1", "T-2", 7), first("M-1", "T-1", 8), first("M-1T", "-1", 7)] {
        assert_ne!(one, other);
    }
    // Kept: what a journal in the field begins with does not change.
    assert_eq!(one.to_string(), "7a9dfe1d52e5c9aa67fa67c8cf2345a26d5ae092bcd3db21ac40f4ce4fd9f2a7");
    assert_eq!(one.then(b"record").to_string(), "b1a9725452c619c2c0e5499e66c84eaa4cfc136c64296f64f46335483c1b07d2");
    let json = serde_json::to_string(&stored_sale(1)).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), stored_sale(1));
}
