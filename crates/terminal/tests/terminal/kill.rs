//! The process is killed, at any moment, on real files: what it said is there.

use crate::world::{Shop, at, bundle, terminal_key};
use rescind_bundle::{Ed25519, Signer as _, Verified};
use rescind_journal::{Acknowledgement, Entry, Head, Owner, Record, verify_batch};
use rescind_terminal::Terminal;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How often it is killed.
const ROUNDS: u64 = 20;

fn owner() -> Owner {
    Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() }
}

/// A shop whose terminal has its files in a folder that outlives it.
fn shop(folder: &Path) -> Shop {
    let mut shop = Shop::new();
    shop.folder = TempDir::new_in(folder).unwrap();
    shop
}

/// The server: what it has is in files that are whole or not there, numbered.
struct Server<'a>(&'a Path);

impl Server<'_> {
    fn path(&self, n: usize) -> std::path::PathBuf {
        self.0.join(format!("batch-{n:05}"))
    }

    /// Every record it has, and the place it has come to.
    fn received(&self) -> (usize, Option<Head>, Vec<Record>) {
        let (mut known, mut records, mut n) = (None, Vec::new(), 0);
        while let Ok(bytes) = std::fs::read(self.path(n)) {
            let key = terminal_key();
            let batch = verify_batch(&bytes, key.public(), &Ed25519, &owner(), known.as_ref()).unwrap();
            records.extend(batch.new_records().iter().map(|(record, _)| record.clone()));
            known = Some(batch.end);
            n += 1;
        }
        (n, known, records)
    }

    fn take(&self, batch: &[u8], now: i64) -> Acknowledgement {
        let (n, known, _) = self.received();
        let key = terminal_key();
        let taken = verify_batch(batch, key.public(), &Ed25519, &owner(), known.as_ref());
        let taken = taken.expect("what a terminal exports, the server takes");
        let draft = self.0.join("draft");
        std::fs::write(&draft, batch).unwrap();
        std::fs::rename(draft, self.path(n)).unwrap();
        Acknowledgement { head: taken.end, server_time: at(now), counted: None, operations: vec![] }
    }
}

/// Not a test of its own: what [`killed_at_any_moment_a_terminal_has_what_it_said`] starts and kills.
#[test]
#[ignore = "started by another test"]
fn works_until_it_is_killed() {
    let Ok(folder) = std::env::var("RESCIND_TERMINAL_TO_KILL") else { return };
    let folder = Path::new(&folder);
    let round: u64 = std::env::var("RESCIND_ROUND").unwrap().parse().unwrap();
    let shop = shop(folder);
    let server = Server(folder);
    let mut setup = crate::world::setup(&folder.join("home"), &shop.boot);
    setup.boot = format!("run-{round}");
    let said = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what}").unwrap();
        out.flush().unwrap();
    };
    let mut terminal = Terminal::open(setup, Box::new(terminal_key()), shop.reading()).unwrap();
    terminal.hear(shop.reading(), shop.reading(), at(shop.now)).unwrap();
    terminal.apply_bundle(shop.reading(), bundle(1 + round)).unwrap();
    said(&format!("version {}", 1 + round));
    for n in 0_u64.. {
        let id = format!("S-{round}-{n}");
        shop.sells(&mut terminal, &id, 1_000);
        let operation = format!("V-{round}-{n}");
        let answer = terminal.begin(shop.reading(), &shop.begin(&operation, &id, 1_000)).unwrap();
        // A ceiling may stand in the way until the server was told.
        if answer.operation.is_some() {
            said(&format!("begun {operation}"));
        }
        if n % 3 == 2 {
            while let Some(export) = terminal.export(shop.reading(), 1, 7).unwrap() {
                let answer = server.take(&export.batch, shop.now);
                terminal.acknowledge(shop.reading(), shop.reading(), &answer).unwrap();
                said(&format!("acknowledged {}", answer.head.next));
                // The answer's own time is on record too: there is always something more to tell.
                if export.remaining == 0 {
                    break;
                }
            }
        }
    }
}

#[test]
#[cfg_attr(rescind_translated, ignore = "it starts itself without the emulator; the journal's test knows of it")]
fn killed_at_any_moment_a_terminal_has_what_it_said() {
    let folder = TempDir::new().unwrap();
    let server = Server(folder.path());
    let (mut begun, mut version, mut acknowledged) = (BTreeSet::new(), 0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::works_until_it_is_killed", "--ignored", "--nocapture"])
            .env("RESCIND_TERMINAL_TO_KILL", folder.path())
            .env("RESCIND_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Some answers are awaited, for a busy machine's sake; then it is killed wherever it is.
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        for _ in 0..4 + round * 5 % 17 {
            while out.read_line(&mut said).unwrap() > 0 && !said.ends_with('\n') {}
        }
        std::thread::sleep(Duration::from_micros(700 * (round * 7 % 23)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it was killed");
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        said.push_str(&String::from_utf8_lossy(&rest));
        // The last line may be half of one.
        for line in said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split_once(' ') {
                Some(("begun", operation)) => drop(begun.insert(operation.to_owned())),
                Some(("version", number)) => version = number.parse().unwrap(),
                Some(("acknowledged", next)) => acknowledged = next.parse::<u64>().unwrap(),
                _ => {}
            }
        }
        let shop = shop(folder.path());
        let setup = crate::world::setup(&folder.path().join("home"), &shop.boot);
        let mut terminal = Terminal::open(setup, Box::new(terminal_key()), shop.reading()).unwrap();
        assert!(terminal.bundle().map_or(0, Verified::version) >= version, "round {round}");
        let status = terminal.status(shop.reading()).unwrap();
        assert!(status.journal.acknowledged.next >= acknowledged, "round {round}");
        let (_, known, records) = server.received();
        assert!(known.map_or(1, |head| head.next) >= status.journal.acknowledged.next, "round {round}");
        // What waits, counted from outside: everything that was begun and is not let go of.
        let kept = |record: &&Record| record.number < status.journal.acknowledged.next;
        let gone = operations(records.iter().filter(kept));
        let waiting = begun.difference(&gone).count();
        assert!(usize::try_from(status.journal.counters.operations).unwrap() >= waiting, "round {round}: a count fell");
        for operation in begun.difference(&gone) {
            match terminal.reprint(shop.reading(), &operation.parse().unwrap()) {
                Ok(_) => {}
                Err(error) => panic!("round {round}: {operation} is lost: {error}"),
            }
        }
        terminal.close();
    }
    // At last the server is told of everything.
    let shop = shop(folder.path());
    let setup = crate::world::setup(&folder.path().join("home"), &shop.boot);
    let mut terminal = Terminal::open(setup, Box::new(terminal_key()), shop.reading()).unwrap();
    while let Some(export) = terminal.export(shop.reading(), 1, 50).unwrap() {
        let answer = server.take(&export.batch, shop.now);
        terminal.acknowledge(shop.reading(), shop.reading(), &answer).unwrap();
        if export.remaining == 0 {
            break;
        }
    }
    let (_, _, records) = server.received();
    let arrived = operations(records.iter());
    assert!(begun.is_subset(&arrived), "{:?}", begun.difference(&arrived).collect::<Vec<_>>());
    assert!(begun.len() > 20 && version > 4, "{} begun, version {version}", begun.len());
}

fn operations<'a>(records: impl Iterator<Item = &'a Record>) -> BTreeSet<String> {
    let of = |record: &Record| match &record.entry {
        Entry::Operation(operation) => Some(operation.id.to_string()),
        _ => None,
    };
    records.filter_map(of).collect()
}
