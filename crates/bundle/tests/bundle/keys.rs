//! Keys come and go while terminals lie in drawers.

use crate::world::{NOW, content, engine, key, trust};
use rescind_bundle::{BadChange, BrokenChange, Ed25519, PublicKey, Refusal, Signer as _, Trust, limits, verify};

fn public(n: u8) -> PublicKey {
    key(n).public().clone()
}

/// What a terminal that believes `trust` says of a bundle signed by key `signer`.
fn offer(trust: &Trust, version: u64, changes: &[Vec<u8>], signer: u8) -> Result<Trust, Refusal> {
    let bytes = content(version, 50).sign(changes, &key(signer)).unwrap();
    verify(bytes, trust, NOW, None, &engine(), &Ed25519).map(|seen| seen.trust().clone())
}

#[test]
fn a_terminal_that_slept_through_every_change_still_finds_the_way() {
    // 1 → {1, 2} → {2} → {2, 3} → {3, 4}: each signed by a key of the set before.
    let drawer = trust();
    let (second, to_second) = drawer.change(vec![public(1), public(2)], &key(1)).unwrap();
    let (third, to_third) = second.change(vec![public(2)], &key(2)).unwrap();
    let (fourth, to_fourth) = third.change(vec![public(2), public(3)], &key(2)).unwrap();
    let (fifth, to_fifth) = fourth.change(vec![public(3), public(4)], &key(3)).unwrap();
    let all = [to_second, to_third, to_fourth, to_fifth];

    for (awake, known) in [&drawer, &second, &third, &fourth, &fifth].into_iter().enumerate() {
        for signer in [3, 4] {
            assert_eq!(offer(known, 9, &all, signer), Ok(fifth.clone()), "knows set {}, signed by {signer}", awake + 1);
        }
        // Key 1 was retired by the third set, key 2 by the fifth: all who see the changes know it.
        for signer in [1, 2] {
            assert_eq!(offer(known, 9, &all, signer), Err(Refusal::RetiredKey(public(signer).id())));
        }
    }
    assert_eq!(fifth.number, 5);
    assert_eq!(fifth.retired, [public(1), public(2)]);
}

#[test]
fn whoever_has_a_retired_key_reaches_only_terminals_that_do_not_know() {
    let (second, _) = trust().change(vec![public(2)], &key(1)).unwrap();
    // The thief of key 1 makes a second set of their own.
    let (_, stolen) = trust().change(vec![public(66)], &key(1)).unwrap();
    assert_eq!(offer(&second, 9, std::slice::from_ref(&stolen), 66), Err(Refusal::UnknownKey(public(66).id())));
    assert_eq!(offer(&second, 9, &[stolen], 1), Err(Refusal::RetiredKey(public(1).id())));
    // And a third, after the genuine second.
    let (_, third) = Trust { number: 2, ..trust() }.change(vec![public(66)], &key(1)).unwrap();
    let expected = Refusal::BrokenChange { number: 3, why: BrokenChange::UnknownKey(public(1).id()) };
    assert_eq!(offer(&second, 9, &[third], 66), Err(expected));
}

#[test]
fn a_missing_change_is_named() {
    let (second, to_second) = trust().change(vec![public(2)], &key(1)).unwrap();
    let (third, to_third) = second.change(vec![public(3)], &key(2)).unwrap();
    let gap = Refusal::BrokenChange { number: 2, why: BrokenChange::Gap { expected: 2, found: 3 } };
    assert_eq!(offer(&trust(), 9, std::slice::from_ref(&to_third), 3), Err(gap.clone()));
    assert_eq!(offer(&trust(), 9, &[to_third.clone(), to_second], 3), Err(gap), "in the wrong order");
    assert_eq!(offer(&second, 9, &[to_third], 3), Ok(third), "it is enough for who knows the second");
}

#[test]
fn a_change_of_another_line_or_an_altered_one_leads_nowhere() {
    let south = Trust { name: "lakala-south".into(), ..trust() };
    let (_, change) = south.change(vec![public(2)], &key(1)).unwrap();
    let why = BrokenChange::OtherName("lakala-south".into());
    assert_eq!(offer(&trust(), 9, &[change], 2), Err(Refusal::BrokenChange { number: 2, why }));
    let (_, mut change) = trust().change(vec![public(2)], &key(1)).unwrap();
    let last = change.len() - 1;
    change[last] ^= 1;
    let refused = offer(&trust(), 9, &[change], 2).unwrap_err();
    assert!(matches!(refused, Refusal::BrokenChange { number: 2, why: BrokenChange::Unverified(_) }), "{refused}");
}

#[test]
fn a_set_cannot_be_changed_by_strangers_nor_into_nonsense() {
    let refused = |keys: Vec<PublicKey>, signer| trust().change(keys, &key(signer)).unwrap_err();
    assert_eq!(refused(vec![public(2)], 2), BadChange::NotTrusted(public(2).id()));
    for keys in [vec![], vec![public(2), public(2)], (1..=17).map(public).collect()] {
        assert!(matches!(refused(keys, 1), BadChange::Keys(_)));
    }
    let (second, _) = trust().change(vec![public(2)], &key(1)).unwrap();
    assert!(matches!(second.change(vec![public(1), public(2)], &key(2)), Err(BadChange::Keys(_))), "1 was retired");
}

#[test]
fn keys_can_change_as_often_as_a_bundle_can_carry() {
    let (mut known, mut changes) = (trust(), Vec::new());
    for n in 0..limits::CHANGES {
        let n = u8::try_from(n).unwrap();
        let (next, change) = known.change(vec![public(n + 2)], &key(n + 1)).unwrap();
        (known, _) = (next, changes.push(change));
    }
    let last = u8::try_from(limits::CHANGES).unwrap() + 1;
    assert_eq!(offer(&trust(), 9, &changes, last), Ok(known.clone()));
    let (_, one_more) = known.change(vec![public(last + 1)], &key(last)).unwrap();
    changes.push(one_more);
    assert!(content(9, 50).sign(&changes, &key(last + 1)).is_err());
}
