//! Two slots: whatever happens, the active bundle is a whole one that was checked, the old or the new.

use crate::world::{DAY, NOW, bundle, content, engine, key, trust};
use rescind_bundle::testkit::{Chance, TornDisk};
use rescind_bundle::{Disk, Ed25519, Folder, Refusal, Signer as _, Slot, Store, StoreError, Trust, Update, Verified};

fn open<D: Disk>(disk: D, floor: u64) -> Store<D> {
    Store::open(disk, trust(), engine(), floor, &Ed25519).unwrap()
}

fn version<D: Disk>(store: &Store<D>) -> Option<u64> {
    store.active().map(Verified::version)
}

#[test]
fn a_bundle_stays_active_over_restarts_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let at = || Folder::open(folder.path().join("bundles")).unwrap();
    assert_eq!(version(&open(at(), 0)), None);
    for (offered, before) in [(1, None), (2, Some(1)), (3, Some(2))] {
        let mut store = open(at(), 0);
        let update = store.install(bundle(offered, 9_000), NOW, &Ed25519).unwrap();
        assert_eq!(update, Update::Installed { before, version: offered });
        assert_eq!(store.install(bundle(offered, 9_000), NOW, &Ed25519).unwrap(), Update::Unchanged);
        let again = open(at(), 0);
        assert_eq!(again.active().unwrap().bytes(), bundle(offered, 9_000));
        assert_eq!((again.floor(), again.damaged()), (offered, [].as_slice()));
    }
}

#[test]
fn what_is_refused_leaves_the_active_one_alone() {
    let mut store = open(TornDisk::default(), 0);
    store.install(bundle(5, 100), NOW, &Ed25519).unwrap();
    let mut altered = bundle(6, 100);
    altered[400] ^= 1;
    let refused = [
        (altered, NOW, "bundle.signature"),
        (bundle(4, 100), NOW, "bundle.rollback"),
        (bundle(5, 101), NOW, "bundle.rollback"),
        (bundle(6, 100), NOW + 60 * DAY, "bundle.expired"),
        (content(6, 100).sign(&[], &key(9)).unwrap(), NOW, "bundle.unknown-key"),
        (vec![], NOW, "bundle.truncated"),
    ];
    let steps = store.into_disk();
    let (mut store, before) = (open(steps.clone(), 0), steps.steps());
    for (bytes, now, code) in refused {
        assert_eq!(store.install(bytes, now, &Ed25519).unwrap_err().code(), code);
        assert_eq!(version(&store), Some(5));
    }
    assert_eq!(steps.steps(), before, "nothing was written");
}

#[test]
fn an_expired_bundle_is_still_the_active_one() {
    // Whoever asks it for a decision learns that it holds no longer; the next bundle is compared with it all the same.
    let mut store = open(TornDisk::default(), 0);
    store.install(bundle(5, 100), NOW, &Ed25519).unwrap();
    let store = open(store.into_disk(), 0);
    let late = NOW + 60 * DAY;
    assert!(matches!(store.active().unwrap().holds_at(late), Err(Refusal::Expired { .. })));
    assert!(store.active().unwrap().holds_at(NOW).is_ok());
}

#[test]
fn a_damaged_slot_does_not_bring_an_older_version_back() {
    let mut store = open(TornDisk::default(), 0);
    store.install(bundle(1, 2_000), NOW, &Ed25519).unwrap();
    store.install(bundle(2, 2_000), NOW, &Ed25519).unwrap();
    let mut disk = store.into_disk();
    disk.write("slot-b", &bundle(2, 2_000)[..1_000]).unwrap();
    let mut store = open(disk, 0);
    assert_eq!(version(&store), None);
    assert_eq!(store.floor(), 2);
    let codes: Vec<_> = store.damaged().iter().map(|(slot, refusal)| (*slot, refusal.code())).collect();
    assert_eq!(codes, [(Slot::B, "bundle.truncated"), (Slot::A, "bundle.rollback")]);
    assert!(matches!(
        store.install(bundle(1, 2_000), NOW, &Ed25519),
        Err(StoreError::Refused(Refusal::Rollback { .. }))
    ));
    // The same version again, from the server, heals it.
    store.install(bundle(2, 2_000), NOW, &Ed25519).unwrap();
    assert_eq!(version(&open(store.into_disk(), 0)), Some(2));
}

#[test]
fn without_a_pointer_the_newest_is_active_and_what_the_journal_knows_is_the_floor() {
    let mut store = open(TornDisk::default(), 0);
    store.install(bundle(1, 100), NOW, &Ed25519).unwrap();
    store.install(bundle(2, 100), NOW, &Ed25519).unwrap();
    let mut disk = store.into_disk();
    disk.write("active", b"rubbish").unwrap();
    assert_eq!(version(&open(disk.clone(), 0)), Some(2));
    assert_eq!(version(&open(disk.clone(), 2)), Some(2));
    assert_eq!(version(&open(disk, 3)), None);
}

#[test]
fn a_bundle_that_could_not_be_checked_after_a_restart_is_not_taken() {
    // The terminal learns of key 2 by the first bundle; the second is signed by it and forgets to say how it came.
    let (_, change) = trust().change(vec![key(2).public().clone()], &key(1)).unwrap();
    let first = content(1, 100).sign(std::slice::from_ref(&change), &key(2)).unwrap();
    let mut store = open(TornDisk::default(), 0);
    store.install(first, NOW, &Ed25519).unwrap();
    assert_eq!(store.trust().number, 2);
    let forgetful = content(2, 100).sign(&[], &key(2)).unwrap();
    let refused = store.install(forgetful, NOW, &Ed25519).unwrap_err();
    assert!(matches!(refused, StoreError::Refused(Refusal::BrokenChange { .. })), "{refused}");
    let second = content(2, 100).sign(&[change], &key(2)).unwrap();
    store.install(second, NOW, &Ed25519).unwrap();
    let store = open(store.into_disk(), 0);
    assert_eq!((version(&store), store.trust().number), (Some(2), 2));
}

#[test]
fn a_retired_key_cannot_fork_a_terminal_that_knows() {
    let (_, change) = trust().change(vec![key(2).public().clone()], &key(1)).unwrap();
    let mut store = open(TornDisk::default(), 0);
    store.install(content(1, 100).sign(&[change], &key(2)).unwrap(), NOW, &Ed25519).unwrap();
    let (_, fork) = trust().change(vec![key(66).public().clone()], &key(1)).unwrap();
    let refused = store.install(content(2, 100).sign(&[fork], &key(66)).unwrap(), NOW, &Ed25519).unwrap_err();
    assert!(matches!(refused, StoreError::Refused(Refusal::UnknownKey(_))), "{refused}");
}

#[test]
fn a_thousand_power_losses_leave_the_old_bundle_or_the_new() {
    // How many steps an update takes.
    let mut store = open(TornDisk::default(), 0);
    store.install(bundle(1, 3_000), NOW, &Ed25519).unwrap();
    let disk = store.into_disk();
    let before = disk.steps();
    let mut store = open(disk.clone(), 0);
    store.install(bundle(2, 3_000), NOW, &Ed25519).unwrap();
    let steps = disk.steps() - before;
    assert_eq!(steps, 7);

    let (one, two, three) = (bundle(1, 3_000), bundle(2, 4_000), bundle(3, 2_000));
    let (mut old, mut new, mut torn) = (0, 0, 0);
    for seed in 0..1_000 {
        let mut chance = Chance::new(seed);
        let disk = TornDisk::default();
        open(disk.clone(), 0).install(one.clone(), NOW, &Ed25519).unwrap();
        let mut store = open(disk.clone(), 0);
        disk.cut_after(chance.below(steps));
        store.install(two.clone(), NOW, &Ed25519).expect_err("the power went");
        assert_eq!(version(&store), Some(1), "seed {seed}: what is in memory stays as it was");
        disk.restart(&mut chance);
        let slot = disk.read("slot-b", usize::MAX).unwrap();
        torn += usize::from(slot.is_some_and(|slot| !slot.is_empty() && slot != two));

        // And the power may go again while the interrupted update is repeated.
        let mut store = open(disk.clone(), 0);
        let found = store.active().unwrap_or_else(|| panic!("seed {seed}: {:?}", store.damaged()));
        match found.version() {
            1 => (old, _) = (old + 1, assert_eq!(found.bytes(), one)),
            2 => (new, _) = (new + 1, assert_eq!(found.bytes(), two)),
            other => panic!("seed {seed}: version {other}"),
        }
        let before = found.version();
        disk.cut_after(chance.below(steps));
        let again = store.install(two.clone(), NOW, &Ed25519);
        assert_eq!(again.is_ok(), before == 2, "seed {seed}");
        disk.restart(&mut chance);
        let mut store = open(disk.clone(), 0);
        assert!(version(&store) >= Some(before), "seed {seed}: never back");
        store.install(three.clone(), NOW, &Ed25519).unwrap();
        assert_eq!(open(disk, 0).active().unwrap().bytes(), three, "seed {seed}");
    }
    // The cuts reached everything.
    assert!(old > 500 && new > 50 && torn > 50, "old {old}, new {new}, torn {torn}");
}

#[test]
fn after_an_uncertain_end_nothing_is_written_before_the_store_was_opened_again() {
    let disk = TornDisk::default();
    let mut store = open(disk.clone(), 0);
    store.install(bundle(1, 2_000), NOW, &Ed25519).unwrap();
    disk.cut_after(6);
    assert!(matches!(store.install(bundle(2, 2_000), NOW, &Ed25519), Err(StoreError::Disk(_))));
    disk.restart(&mut Chance::new(1));
    let before = disk.steps();
    assert!(matches!(store.install(bundle(3, 2_000), NOW, &Ed25519), Err(StoreError::OpenAgain)));
    assert_eq!(disk.steps(), before);
}

#[test]
fn trust_reads_back_from_the_json_it_is_provisioned_by() {
    let json = serde_json::to_string(&trust()).unwrap();
    assert_eq!(json, format!(r#"{{"name":"lakala-north","number":1,"keys":["{}"]}}"#, key(1).public()),);
    assert_eq!(serde_json::from_str::<Trust>(&json).unwrap(), trust());
}
