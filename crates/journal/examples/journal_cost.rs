//! What a journal costs: `cargo run --release -p rescind-journal --example journal_cost [FOLDER]`.
//!
//! FOLDER is on the disk that is asked about; a temporary one otherwise.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a native program for people who measure; what fails, fails loudly"
)]

use rescind_bundle::{Ed25519, Signer as _, SigningKey};
use rescind_journal::testkit::TornFile;
use rescind_journal::{
    Entry, Journal, JournalId, Opening, OperationOutcome, OperationResult, Owner, Room, StoredOperation, verify_batch,
};
use rescind_model::{BusinessDay, Instant, Money, OfflineEffect, Way};
use std::path::PathBuf;
use std::time::{Duration, Instant as Clock};

const RECORDS: u64 = 2_000;

/// As large as a decision with everything it depended on.
fn large(n: u64) -> Entry {
    let detail = Some("x".repeat(1_000));
    let operation = format!("O-{n}").parse().unwrap();
    Entry::Outcome(OperationOutcome { operation, result: OperationResult::Done, detail })
}

fn operation(n: u64) -> Entry {
    Entry::Operation(Box::new(StoredOperation {
        id: format!("O-{n}").parse().unwrap(),
        sale: format!("S-{n}").parse().unwrap(),
        way: Way::Void,
        amount: Money { minor: 12_800, currency: "CNY".to_owned() },
        effect: OfflineEffect::Queued,
        decision: n,
        day: BusinessDay::parse("2026-11-23").unwrap(),
        reason: Some("duplicate".to_owned()),
        operator: None,
        proof: None,
    }))
}

fn opening() -> Opening {
    let owner = Owner { merchant: "M-1".parse().unwrap(), terminal: "T-1".parse().unwrap() };
    Opening { owner, id: JournalId([7; 16]), room: Room { records: 20_000, bytes: u64::MAX } }
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:<44} p50 {:>10.1?}  p99 {:>10.1?}", at(50), at(99));
}

fn fill(journal: &mut Journal, what: &str) {
    let at = Instant::parse("2026-11-23T01:00:00Z").unwrap();
    let mut times = Vec::new();
    for n in 0..RECORDS / 4 {
        let begun = Clock::now();
        journal.append(at, &[large(n), large(n), large(n), operation(n)]).unwrap();
        times.push(begun.elapsed());
    }
    show(what, times);
}

fn main() {
    let key = SigningKey::from_seed([9; 32]);
    let memory = TornFile::default();
    let mut journal = Journal::open_on(memory.clone(), &opening()).unwrap();
    let before = memory.work();
    fill(&mut journal, "append of 4 records, 3.6 KB, in memory");
    let after = memory.work();
    let appends = RECORDS / 4;
    println!(
        "{:<44} {} syncs, {} bytes written",
        "  each of them",
        (after.0 - before.0) / appends,
        (after.1 - before.1) / appends
    );
    println!("{:<44} {} bytes for {} bytes of records", "  file", memory.bytes().len(), journal.counters().bytes);

    let folder =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("rescind-journal-cost"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("journal");
    if path.exists() {
        std::fs::remove_file(&path).unwrap();
    }
    let mut journal = Journal::open(&path, &opening()).unwrap();
    println!("{:<44} {} bytes", "an empty journal's file", std::fs::metadata(&path).unwrap().len());
    fill(&mut journal, "append of 4 records, on the disk, durable");
    println!("{:<44} {} bytes", "its file", std::fs::metadata(&path).unwrap().len());
    drop(journal);

    let begun = Clock::now();
    let mut journal = Journal::open(&path, &opening()).unwrap();
    println!("{:<44} {:.1?}", format!("open and audit {RECORDS} records"), begun.elapsed());

    let (mut exports, mut checks, mut lets_go, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut known = None;
    let begun = Clock::now();
    loop {
        let begun = Clock::now();
        let Some(export) = journal.export(1, usize::MAX, &key).unwrap() else { break };
        exports.push(begun.elapsed());
        sizes.push(export.batch.len());
        let begun = Clock::now();
        let owner = opening().owner;
        let batch = verify_batch(&export.batch, key.public(), &Ed25519, &owner, known.as_ref()).unwrap();
        checks.push(begun.elapsed());
        known = Some(batch.end);
        let begun = Clock::now();
        journal.acknowledge(&batch.end).unwrap();
        lets_go.push(begun.elapsed());
    }
    println!(
        "{:<44} {:.1?} in {} batches, the largest {} bytes",
        "all of it to the server",
        begun.elapsed(),
        sizes.len(),
        sizes.iter().max().unwrap()
    );
    show("  export of a batch, signed", exports);
    show("  check of a batch, at the server", checks);
    show("  acknowledgement, durable", lets_go);
    println!("{:<44} {} bytes", "the file after that", std::fs::metadata(&path).unwrap().len());
    std::fs::remove_file(&path).unwrap();
}
