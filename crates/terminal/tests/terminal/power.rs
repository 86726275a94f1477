//! The power goes, anywhere: a day's work is cut in every part of it. Afterwards the terminal knows everything that it had
//! answered, its counts are not below the truth, its bundle is a whole one, and the server takes what there is.

use crate::world::{Shop, at, sale, sale_id, setup, terminal_key};
use rescind_bundle::testkit::{Chance, TornDisk};
use rescind_bundle::{Ed25519, Signer as _, Verified};
use rescind_journal::testkit::TornFile;
use rescind_journal::{Acknowledgement, Entry, Head, Journal, JournalId, Opening, Owner, Record, Room, verify_batch};
use rescind_model::{Forwarding, OfflineEffect, SaleOutcome};
use rescind_terminal::{Terminal, TerminalError};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Days whose power goes. Each one opens and verifies bundles of 800 kB.
const CUTS: usize = 1_000;

/// The bundles of every day, signed once.
static BUNDLES: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| [1, 2, 3].map(crate::world::bundle));

fn bundle(version: usize) -> Vec<u8> {
    BUNDLES[version - 1].clone()
}

/// The parts of a day, in order.
const PARTS: [&str; 6] = ["open", "bundle", "record", "update", "export", "acknowledge"];

fn owner() -> Owner {
    Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() }
}

fn open(shop: &Shop, disk: &TornDisk, file: &TornFile) -> Result<Terminal<TornDisk>, TerminalError> {
    let opening = Opening { owner: owner(), id: JournalId([7; 16]), room: Room { records: 60, bytes: 1024 * 1024 } };
    let journal = Journal::open_on(file.clone(), &opening)?;
    let setup = setup(shop.folder.path(), &shop.boot);
    Terminal::open_on(setup, Box::new(terminal_key()), disk.clone(), journal, shop.reading())
}

/// What the server has.
#[derive(Default)]
struct Server {
    known: Option<Head>,
    records: Vec<Record>,
}

impl Server {
    /// Takes a batch: it fits what was there before, or the chain is broken.
    fn take(&mut self, batch: &[u8], now: i64) -> Acknowledgement {
        let key = terminal_key();
        let batch = verify_batch(batch, key.public(), &Ed25519, &owner(), self.known.as_ref());
        let batch = batch.expect("what a terminal exports, the server takes");
        self.records.extend(batch.new_records().iter().map(|(record, _)| record.clone()));
        self.known = Some(batch.end);
        Acknowledgement { head: batch.end, server_time: at(now), counted: None, operations: vec![] }
    }

    fn operations(&self) -> BTreeSet<String> {
        let of = |record: &Record| match &record.entry {
            Entry::Operation(operation) => Some(operation.id.to_string()),
            _ => None,
        };
        self.records.iter().filter_map(of).collect()
    }
}

/// What the terminal had answered when the power went.
#[derive(Default)]
struct Answered {
    /// In which part of the day.
    part: usize,
    /// Whether the journal was there: on a real disk it gets its name once it is whole.
    began: bool,
    version: u64,
    sales: Vec<String>,
    begun: Vec<(String, OfflineEffect)>,
    /// That a sale was perhaps sent.
    sent: bool,
    /// Where the server's answer may have been taken.
    acknowledged: bool,
    /// Steps of journal and bundles when each part of the day began.
    steps: Vec<(u64, u64)>,
}

/// A day of work in small, until the power goes.
struct Day {
    shop: Shop,
    disk: TornDisk,
    file: TornFile,
    server: Server,
    answered: Answered,
}

impl Day {
    fn new() -> Self {
        let (shop, disk, file) = (Shop::new(), TornDisk::default(), TornFile::default());
        Self { shop, disk, file, server: Server::default(), answered: Answered::default() }
    }

    fn begins(&mut self, part: &str) {
        self.answered.part = PARTS.iter().position(|name| *name == part).unwrap();
        self.answered.steps.push((self.file.steps(), self.disk.steps()));
    }

    fn sell_and_void(&mut self, terminal: &mut Terminal<TornDisk>, n: u32) -> Result<(), TerminalError> {
        let (shop, id) = (&self.shop, format!("S-{n}"));
        terminal.record_sale(shop.reading(), sale(&id, 10_000, shop.now), SaleOutcome::Good, Forwarding::Kept)?;
        self.answered.sales.push(id.clone());
        if n == 2 {
            terminal.forward(shop.reading(), &sale_id(&id), Forwarding::PerhapsSent)?;
            self.answered.sent = true;
        }
        let begin = shop.begin(&format!("V-{n}"), &id, 10_000);
        let done = terminal.begin(shop.reading(), &begin)?.operation.unwrap();
        self.answered.begun.push((format!("V-{n}"), done.effect));
        Ok(())
    }

    /// What arrives, and the answer; `most` records at once.
    fn sync(&mut self, terminal: &mut Terminal<TornDisk>, most: usize) -> Result<(), TerminalError> {
        while let Some(export) = terminal.export(self.shop.reading(), 1, most)? {
            let answer = self.server.take(&export.batch, self.shop.now);
            self.answered.acknowledged = true;
            terminal.acknowledge(self.shop.reading(), self.shop.reading(), &answer)?;
            // The answer's own time is on record too: there is always something more to tell.
            if export.remaining == 0 {
                break;
            }
        }
        Ok(())
    }

    fn work(&mut self) -> Result<(), TerminalError> {
        self.begins("open");
        let mut terminal = open(&self.shop, &self.disk, &self.file)?;
        self.answered.began = true;
        terminal.hear(self.shop.reading(), self.shop.reading(), at(self.shop.now))?;
        self.begins("bundle");
        terminal.apply_bundle(self.shop.reading(), bundle(1))?;
        self.answered.version = 1;
        self.begins("record");
        (1..=3).try_for_each(|n| self.sell_and_void(&mut terminal, n))?;
        self.begins("update");
        terminal.apply_bundle(self.shop.reading(), bundle(2))?;
        self.answered.version = 2;
        // Exporting notes that time went on.
        self.begins("export");
        self.shop.later(700_000);
        let export = terminal.export(self.shop.reading(), 1, 4)?.unwrap();
        let answer = self.server.take(&export.batch, self.shop.now);
        self.begins("acknowledge");
        self.answered.acknowledged = true;
        terminal.acknowledge(self.shop.reading(), self.shop.reading(), &answer)?;
        self.sync(&mut terminal, 5)
    }

    /// The power comes back.
    fn restart(&mut self, chance: &mut Chance) {
        self.disk.restart(chance);
        self.file = self.file.restart(chance);
    }

    /// What must be true, and that work goes on.
    fn check(&mut self, seed: u64) {
        let mut terminal = open(&self.shop, &self.disk, &self.file)
            .unwrap_or_else(|error| panic!("seed {seed}: it does not open: {error}"));
        let reading = self.shop.reading();
        let version = terminal.bundle().map_or(0, Verified::version);
        assert!((self.answered.version..=2).contains(&version), "seed {seed}: version {version}");

        // Nothing that was answered is missing: here, or at the server if it said so.
        let status = terminal.status(reading).unwrap();
        let kept = status.journal.acknowledged.next;
        assert!(self.server.known.map_or(1, |head| head.next) >= kept, "seed {seed}: let go of what nobody has");
        assert!(self.answered.acknowledged || kept == 1, "seed {seed}: let go before the server answered");
        let arrived: BTreeSet<String> = self
            .server
            .records
            .iter()
            .filter(|record| record.number < kept)
            .filter_map(|record| match &record.entry {
                Entry::Operation(operation) => Some(operation.id.to_string()),
                _ => None,
            })
            .collect();
        let waiting: Vec<_> = self.answered.begun.iter().filter(|(id, _)| !arrived.contains(id)).collect();
        let counters = &status.journal.counters;
        assert!(usize::try_from(counters.operations).unwrap() >= waiting.len(), "seed {seed}: a count fell");
        let total = counters.total("CNY").map_or(0, |total| total.minor);
        assert!(total >= 10_000 * i64::try_from(waiting.len()).unwrap(), "seed {seed}: a sum fell: {total}");
        let of_day: u32 = counters.days.iter().map(|day| day.operations).sum();
        assert!(usize::try_from(of_day).unwrap() >= self.answered.begun.len(), "seed {seed}: the day's count fell");
        for (id, effect) in waiting {
            match terminal.reprint(reading, &id.parse().unwrap()) {
                Ok(again) => assert_eq!(again.operation.unwrap().effect, *effect, "seed {seed}"),
                Err(error) => panic!("seed {seed}: {id} is lost: {error}"),
            }
        }
        if self.answered.sent && kept == 1 && version > 0 {
            // What was perhaps sent is never voided here alone.
            let again = terminal.begin(reading, &self.shop.begin("V-2", "S-2", 10_000));
            let effect = again.unwrap().operation.map(|done| done.effect);
            assert_eq!(effect, Some(OfflineEffect::Queued), "seed {seed}");
        }

        // And the day goes on, to its end: the server has every record once, in order.
        if version == 0 {
            terminal.hear(self.shop.reading(), self.shop.reading(), at(self.shop.now)).unwrap();
        }
        if version == 0 || seed.is_multiple_of(8) {
            terminal.apply_bundle(self.shop.reading(), bundle(3)).unwrap();
        }
        self.sell_and_void(&mut terminal, 9).unwrap();
        self.sync(&mut terminal, 5).unwrap();
        let numbers: Vec<u64> = self.server.records.iter().map(|record| record.number).collect();
        assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(), "seed {seed}");
        let operations = self.server.operations();
        let lost = self.answered.begun.iter().find(|(id, _)| !operations.contains(id));
        assert!(lost.is_none(), "seed {seed}: the server never had {lost:?}");
        let sales: BTreeSet<String> = self
            .server
            .records
            .iter()
            .filter_map(|record| match &record.entry {
                Entry::Sale(stored) => Some(stored.sale.id.to_string()),
                _ => None,
            })
            .collect();
        assert!(self.answered.sales.iter().all(|sale| sales.contains(sale)), "seed {seed}: {sales:?}");
    }
}

#[test]
fn whatever_was_answered_is_there_after_the_power_went() {
    // A day without, for where its parts begin.
    let mut day = Day::new();
    day.work().unwrap();
    let mut steps = std::mem::take(&mut day.answered.steps);
    steps.push((day.file.steps(), day.disk.steps()));
    assert_eq!(steps.len(), PARTS.len() + 1);
    day.restart(&mut Chance::new(0));
    day.check(0);

    let mut cuts = [0_usize; PARTS.len()];
    let mut seed = 0;
    while cuts.iter().sum::<usize>() < CUTS {
        seed += 1;
        let mut chance = Chance::new(seed);
        let mut day = Day::new();
        // Every part as often, and within it either disk, if it is used there. Both are then gone.
        let part = chance.index(PARTS.len());
        let ((file, disk), (file_end, disk_end)) = (steps[part], steps[part + 1]);
        match (file_end - file, disk_end - disk) {
            (files, disks) if disks > 0 && (files == 0 || chance.below(2) == 0) => {
                day.disk.cut_after(disk + chance.below(disks));
            }
            (files, _) => day.file.cut_after(file + chance.below(files.max(1))),
        }
        if day.work().is_err() {
            cuts[day.answered.part] += 1;
            // Before that there is no terminal that could know anything.
            if day.answered.began {
                day.restart(&mut chance);
                day.check(seed);
            }
        }
    }
    println!("{seed} days, the power went in {:?}", PARTS.iter().zip(cuts).collect::<Vec<_>>());
    assert!(cuts.iter().all(|cuts| *cuts > CUTS / 20), "{cuts:?}");
}
