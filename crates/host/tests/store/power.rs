//! The power is cut.

use std::sync::Arc;

use rescind_host::store::{SqliteStore, Trial};

use crate::disk::{self, Disk, Plan};
use crate::history::{Ended, History, read_file};

/// Power cuts in one run, each at a step of its own. `RESCIND_POWER_CUTS` makes it more, `RESCIND_SEED` others.
const CUTS: u64 = 600;

/// Writers at once, and sessions of each.
const WRITERS: u64 = 4;
const SESSIONS: usize = 12;

/// Pages of the log at which it is copied into the database: so few that it happens several times in a run.
const LOG_PAGES: u32 = 24;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Writers write to a disk until they are done or it is cut.
fn write(disk: &Arc<Disk>, seed: u64) -> History {
    let power = Arc::clone(disk);
    let history = History::until(move || power.is_cut());
    let trial = Trial { vfs: Some(disk::NAME.to_owned()), log_pages: Some(LOG_PAGES), ..history.trial() };
    // The power may be cut while the database is being made.
    let Ok(store) = SqliteStore::open_with(&disk.database(), trial) else {
        assert!(disk.is_cut());
        return history;
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (history, store) = (&history, &store);
            let mut chance = fastrand::Rng::with_seed(seed ^ (writer << 32));
            scope.spawn(move || {
                for _ in 0..SESSIONS {
                    if let Ended::Refused(error) = history.session(store, &mut chance) {
                        assert!(disk.is_cut(), "{error}");
                        return;
                    }
                }
            });
        }
    });
    history
}

#[test]
fn after_a_power_cut_everything_acknowledged_is_there_and_nothing_half() {
    let (cuts, seed) = (number("RESCIND_POWER_CUTS", CUTS), number("RESCIND_SEED", 1));
    // How many steps there are to be cut at.
    let whole = Disk::new(seed, Plan::default());
    let history = write(&whole, seed);
    assert_eq!(history.must_have_been(&read_file(&whole.database()), history.written(), "no cut"), history.written());
    let steps = whole.steps();
    let (mut acknowledged, mut beyond, mut early, mut written) = (0, 0, 0, 0);
    for run in 0..cuts {
        let seed = seed.wrapping_add(run).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let at = fastrand::Rng::with_seed(seed).u64(1..steps);
        let disk = Disk::new(seed, Plan { cut_at: Some(at), ..Plan::default() });
        let history = write(&disk, seed);
        let left = disk.after_power_cut();
        let about = format!("run {run}, cut at step {at} of some {steps}");
        let state = match SqliteStore::open(&disk::file(left.path())) {
            Ok(store) => crate::history::read(&store),
            Err(error) => panic!("{about}: {error}"),
        };
        let least = history.acknowledged();
        let end = history.must_have_been(&state, least, &about);
        acknowledged += history.sessions();
        beyond += u64::from(end > least);
        early += u64::from(least == 0);
        written += history.written();
        disk::forget(&disk);
    }
    println!(
        "{cuts} power cuts at random steps of some {steps}: {written} writes, {acknowledged} sessions acknowledged and all there, \
         {early} cut before the first, {beyond} came back with a whole transaction that nobody had been told of"
    );
    assert!(acknowledged > 0 && beyond > 0 && early > 0, "the cuts did not meet every case");
    disk::forget(&whole);
}

/// Without this the test above could say that all is well because it looks at nothing.
#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let found = (0..40).find_map(|seed| {
        let at = fastrand::Rng::with_seed(seed).u64(200..400);
        let disk = Disk::new(seed, Plan { cut_at: Some(at), lies: true, ..Plan::default() });
        let history = write(&disk, seed);
        let left = disk.after_power_cut();
        disk::forget(&disk);
        match SqliteStore::open(&disk::file(left.path())) {
            Ok(store) => history.has_been(&crate::history::read(&store), history.acknowledged()).err(),
            Err(error) => Some(error.to_string()),
        }
    });
    assert!(found.is_some());
}
