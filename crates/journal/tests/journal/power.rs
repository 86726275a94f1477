//! The power goes at any moment: what was returned is there, and what is there fits itself.

use crate::world::{anchor, at, cny, decision, incident, key, open, operation, outcome, owner, stored_sale};
use rescind_bundle::testkit::Chance;
use rescind_bundle::{Ed25519, Signer as _};
use rescind_journal::testkit::TornFile;
use rescind_journal::{Entry, Head, Journal, JournalError, verify_batch};

/// What the world outside knows: what the terminal was told is written, and what the server has.
struct Outside {
    /// Every record that is or may be in the journal, by number from 1.
    written: Vec<Entry>,
    /// Those that the terminal was told are written.
    told: usize,
    /// What the server acknowledged, and each entry it has.
    server: Option<Head>,
    arrived: Vec<Entry>,
}

impl Outside {
    fn new() -> Self {
        Self { written: Vec::new(), told: 0, server: None, arrived: Vec::new() }
    }

    /// One thing a terminal does.
    fn live(&mut self, journal: &mut Journal, chance: &mut Chance) -> Result<(), JournalError> {
        let second = i64::try_from(self.written.len()).unwrap();
        let n = u64::try_from(self.written.len()).unwrap() + 1;
        match chance.below(8) {
            0..=4 => {
                let entries = match chance.below(4) {
                    0 => vec![stored_sale(n)],
                    1 => vec![decision(n), operation(n)],
                    2 => vec![operation(n), outcome(n), anchor(second)],
                    _ => vec![incident()],
                };
                self.written.truncate(self.told);
                self.written.extend(entries.clone());
                journal.append(at(second), &entries)?;
                self.told = self.written.len();
            }
            5 => journal.see(at(second))?,
            _ => {
                // Send some, and be acknowledged; the answer may be lost.
                let from = self.server.map_or(1, |head| head.next);
                let most = 1 + chance.index(4);
                let Some(export) = journal.export(from, most, &key())? else { return Ok(()) };
                let batch = verify_batch(&export.batch, key().public(), &Ed25519, &owner(), self.server.as_ref());
                let batch = batch.expect("what the terminal exports, the server takes");
                self.arrived.extend(batch.new_records().iter().map(|(record, _)| record.entry.clone()));
                self.server = Some(batch.end);
                if chance.below(4) > 0 {
                    journal.acknowledge(&batch.end)?;
                }
            }
        }
        Ok(())
    }

    /// What must be true after any power loss.
    fn check(&mut self, journal: &Journal, seed: u64) {
        let head = usize::try_from(journal.head().next).unwrap() - 1;
        assert!(head == self.told || head == self.written.len(), "seed {seed}: {head} of {} told", self.told);
        self.told = head;
        self.written.truncate(head);
        // What the server has and what the journal has is everything, in order, and nothing else.
        assert_eq!(self.arrived, self.written[..self.arrived.len()], "seed {seed}");
        let kept = usize::try_from(journal.acknowledged().next).unwrap() - 1;
        assert!(kept <= self.arrived.len(), "seed {seed}: let go of what the server does not have");
        let records = journal.records(1, usize::MAX).unwrap();
        let entries: Vec<Entry> = records.into_iter().map(|record| record.entry).collect();
        assert_eq!(entries, self.written[kept..], "seed {seed}");
        // Counters are the truth of what waits. They are counted here by other means than there.
        let waiting = entries.iter().filter(|entry| matches!(entry, Entry::Operation(_))).count();
        let counters = journal.counters();
        assert_eq!(usize::try_from(counters.operations).unwrap(), waiting, "seed {seed}");
        assert_eq!(usize::try_from(counters.records).unwrap(), entries.len(), "seed {seed}");
        let total = counters.total("CNY").cloned().unwrap_or(cny(0));
        assert_eq!(total, cny(12_800 * i64::try_from(waiting).unwrap()), "seed {seed}");
        let ever = self.written.iter().filter(|entry| matches!(entry, Entry::Operation(_))).count();
        let of_day: u32 = counters.days.iter().map(|day| day.operations).sum();
        assert_eq!(usize::try_from(of_day).unwrap(), ever, "seed {seed}");
        // And the server takes what there is.
        if let Some(export) = journal.export(1, usize::MAX, &key()).unwrap() {
            verify_batch(&export.batch, key().public(), &Ed25519, &owner(), self.server.as_ref()).unwrap();
        }
    }
}

#[test]
fn a_thousand_power_losses_break_no_chain_lose_no_record_and_lower_no_count() {
    let (mut cuts, mut seed, mut during) = (0, 0, [0; 3]);
    while cuts < 1_000 {
        seed += 1;
        let mut chance = Chance::new(seed);
        let mut outside = Outside::new();
        let mut file = TornFile::default();
        drop(open(&file).unwrap());
        // A life with several power losses.
        for _ in 0..4 {
            let mut journal = open(&file).unwrap();
            outside.check(&journal, seed);
            file.cut_after(chance.below(120));
            let before = (journal.head(), journal.acknowledged());
            let mut ended = None;
            for _ in 0..60 {
                if let Err(error) = outside.live(&mut journal, &mut chance) {
                    ended = Some(error);
                    break;
                }
            }
            assert!(ended.is_some() == file.is_dark(), "seed {seed}: {ended:?}");
            let again = journal.append(at(0), &[incident()]);
            assert!(!file.is_dark() || again.is_err(), "seed {seed}: without power nothing is written");
            if again.is_ok() {
                outside.written.truncate(outside.told);
                outside.written.push(incident());
                outside.told += 1;
            }
            cuts += usize::from(file.is_dark());
            during[usize::from(journal.head() != before.0)] += 1;
            drop(journal);
            file = file.restart(&mut chance);
        }
        outside.check(&open(&file).unwrap(), seed);
    }
    assert!(during[0] > 20 && during[1] > 500, "{during:?}");
}

#[test]
fn the_power_can_go_again_while_a_journal_is_repaired() {
    for seed in 0..60 {
        let mut chance = Chance::new(seed);
        let mut outside = Outside::new();
        let mut file = TornFile::default();
        drop(open(&file).unwrap());
        let mut journal = open(&file).unwrap();
        file.cut_after(40 + chance.below(60));
        while outside.live(&mut journal, &mut chance).is_ok() {}
        drop(journal);
        for _ in 0..4 {
            file = file.restart(&mut chance);
            file.cut_after(chance.below(12));
            drop(open(&file));
        }
        file = file.restart(&mut chance);
        outside.check(&open(&file).unwrap_or_else(|error| panic!("seed {seed}: {error}")), seed);
    }
}

#[test]
fn after_a_failure_nothing_is_believed_before_the_journal_was_opened_again() {
    let file = TornFile::default();
    let mut journal = open(&file).unwrap();
    journal.append(at(1), &[incident()]).unwrap();
    file.cut_after(1);
    assert!(matches!(journal.append(at(2), &[incident()]), Err(JournalError::Disk(_))));
    assert_eq!(journal.append(at(2), &[incident()]).unwrap_err().code(), "journal.open-again");
    assert!(matches!(journal.see(at(9)), Err(JournalError::OpenAgain)));
    assert!(matches!(journal.records(1, 9), Err(JournalError::OpenAgain)));
    assert!(matches!(journal.export(1, 9, &key()), Err(JournalError::OpenAgain)));
}

#[test]
fn bytes_that_changed_by_themselves_are_found() {
    let file = TornFile::default();
    let mut journal = open(&file).unwrap();
    for n in 0..40 {
        journal.append(at(n), &[stored_sale(1), operation(1)]).unwrap();
    }
    drop(journal);
    let bytes = file.bytes();
    let mut chance = Chance::new(5);
    let (mut found, mut harmless) = (0, 0);
    for _ in 0..300 {
        let mut rotten = bytes.clone();
        let at = chance.index(rotten.len());
        rotten[at] ^= 1 << chance.below(8);
        // Free pages may change; what is read may not.
        match open(&TornFile::of(rotten)) {
            Ok(journal) => {
                assert_eq!(journal.records(1, 999).unwrap().len(), 80, "byte {at}");
                harmless += 1;
            }
            Err(JournalError::Damaged(_) | JournalError::Disk(_)) => found += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(found > 0 && harmless > 0, "found {found}, harmless {harmless}");
}
