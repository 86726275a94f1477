//! The power goes, anywhere. Afterwards the terminal knows everything that it had answered, and its bundle is a whole one.

use crate::world::{Shop, at, bundle, setup, terminal_key};
use rescind_bundle::Verified;
use rescind_bundle::testkit::{Chance, TornDisk};
use rescind_journal::testkit::TornFile;
use rescind_journal::{Journal, JournalId, Opening, Owner, Room};
use rescind_model::{Forwarding, OfflineEffect};
use rescind_terminal::{Terminal, TerminalError};

/// Cuts: each one opens and verifies bundles of 800 kB twice, in a debug build.
const CUTS: u64 = 250;

fn open(shop: &Shop, disk: &TornDisk, file: &TornFile) -> Result<Terminal<TornDisk>, TerminalError> {
    let owner = Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() };
    let opening = Opening { owner, id: JournalId([7; 16]), room: Room { records: 60, bytes: 1024 * 1024 } };
    let journal = Journal::open_on(file.clone(), &opening)?;
    let setup = setup(shop.folder.path(), &shop.boot);
    Terminal::open_on(setup, Box::new(terminal_key()), disk.clone(), journal, shop.reading())
}

/// What the terminal had answered when the power went.
#[derive(Default)]
struct Answered {
    /// Whether the journal was there: on a real disk it gets its name once it is whole.
    began: bool,
    version: u64,
    begun: Vec<(String, OfflineEffect)>,
    released: bool,
}

/// A day of work in small, until the power goes.
fn work(shop: &mut Shop, disk: &TornDisk, file: &TornFile, answered: &mut Answered) -> Result<(), TerminalError> {
    let mut terminal = open(shop, disk, file)?;
    answered.began = true;
    terminal.hear(shop.reading(), shop.reading(), at(shop.now))?;
    terminal.apply_bundle(shop.reading(), bundle(1))?;
    answered.version = 1;
    for n in 1..=3 {
        let sale = crate::world::sale(&format!("S-{n}"), 10_000, shop.now);
        terminal.record_sale(shop.reading(), sale, rescind_model::SaleOutcome::Good, Forwarding::Kept)?;
        if n == 2 {
            terminal.forward(shop.reading(), &crate::world::sale_id("S-2"), Forwarding::PerhapsSent)?;
        }
        let begin = shop.begin(&format!("V-{n}"), &format!("S-{n}"), 10_000);
        let done = terminal.begin(shop.reading(), &begin)?.operation.unwrap();
        answered.begun.push((format!("V-{n}"), done.effect));
    }
    terminal.apply_bundle(shop.reading(), bundle(2))?;
    answered.version = 2;
    let export = terminal.export(shop.reading(), 1, 100)?.unwrap();
    let answer = shop.answer(&export.batch);
    answered.released = true;
    terminal.acknowledge(shop.reading(), shop.reading(), &answer)?;
    Ok(())
}

#[test]
fn whatever_was_answered_is_there_after_the_power_went() {
    let (mut went_out, mut finished) = (0, 0);
    for seed in 0..CUTS {
        let mut chance = Chance::new(seed);
        let mut shop = Shop::new();
        let (disk, file) = (TornDisk::default(), TornFile::default());
        // Which of the two goes first is chance too: both are then gone.
        file.cut_after(chance.below(400));
        disk.cut_after(chance.below(40));
        let mut answered = Answered::default();
        if work(&mut shop, &disk, &file, &mut answered).is_ok() {
            finished += 1;
        } else {
            went_out += 1;
        }
        if !answered.began {
            continue;
        }
        disk.restart(&mut chance);
        let file = file.restart(&mut chance);
        let mut terminal =
            open(&shop, &disk, &file).unwrap_or_else(|error| panic!("seed {seed}: it does not open: {error}"));
        let version = terminal.bundle().map_or(0, Verified::version);
        assert!(version >= answered.version, "seed {seed}: version {version}, {} was answered", answered.version);
        let status = terminal.status(shop.reading()).unwrap();
        if !answered.released {
            let counters = status.journal.counters;
            assert!(usize::try_from(counters.operations).unwrap() >= answered.begun.len(), "seed {seed}");
            for (id, effect) in &answered.begun {
                let again = terminal.reprint(shop.reading(), &id.parse().unwrap());
                let again = again.unwrap_or_else(|error| panic!("seed {seed}: {id} is lost: {error}"));
                assert_eq!(again.operation.unwrap().effect, *effect, "seed {seed}");
            }
        }
    }
    assert!(went_out > 10 && finished > 0, "{went_out} cuts, {finished} days without");
}
