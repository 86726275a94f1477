//! Bundles: what is taken, what is refused, and what decides meanwhile.

use crate::world::{DAY, MADE, Shop, at, bundle, bundle_key, content, li, policy, rules, sale_id};
use rescind_bundle::{ClassPolicy, Refusal, SigningKey, Update};
use rescind_model::Outcome;
use rescind_terminal::{Code, Setup, Terminal, TerminalError};

#[test]
fn without_a_bundle_nothing_is_decided_and_records_still_leave() {
    let mut shop = Shop::new();
    let mut terminal = shop.open();
    let early = terminal.apply_bundle(shop.reading(), bundle(1));
    assert!(matches!(early, Err(TerminalError::ClockUnknown)), "{early:?}");
    terminal.hear(shop.reading(), shop.reading(), at(shop.now)).unwrap();
    shop.sells(&mut terminal, "S-1", 12_000);
    let none = terminal.check_void(shop.reading(), &sale_id("S-1"), None, li());
    assert!(matches!(none, Err(TerminalError::NoBundle(_))), "{none:?}");
    assert!(shop.sync(&mut terminal) > 0);
}

#[test]
fn a_bundle_that_is_not_what_it_should_be_changes_nothing() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let stranger = content(2, Code::Native).sign(&[], &SigningKey::from_seed([9; 32])).unwrap();
    let mut altered = bundle(2);
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let mut cut = bundle(2);
    cut.truncate(cut.len() - 1);
    let mut other = content(2, Code::Native);
    other.target = "s390x-unknown-linux-gnu".into();
    let other = other.sign(&[], &bundle_key()).unwrap();
    // Where there is no native code, byte code is what is expected: its other pointer width is not.
    let mut pulley = content(2, Code::Pulley);
    if pulley.target == content(2, Code::Native).target {
        pulley.target = "pulley64".into();
    }
    let pulley = pulley.sign(&[], &bundle_key()).unwrap();
    let mut profile = content(2, Code::Native);
    profile.profile[0] ^= 1;
    let profile = profile.sign(&[], &bundle_key()).unwrap();
    let mut expired = content(2, Code::Native);
    expired.times.expires = shop.now + 5_000;
    let expired = expired.sign(&[], &bundle_key()).unwrap();
    for (what, bytes, code) in [
        ("stranger", stranger, "bundle.unknown-key"),
        ("altered", altered, "bundle.signature"),
        ("cut", cut, "bundle.truncated"),
        ("other target", other, "bundle.target"),
        ("pulley", pulley, "bundle.target"),
        ("profile", profile, "bundle.profile"),
        // It ends within what the clock may be off.
        ("expired", expired, "bundle.expired"),
        ("nothing", vec![], "bundle.truncated"),
    ] {
        let refused = terminal.apply_bundle(shop.reading(), bytes);
        let found = match &refused {
            Err(TerminalError::Refused(refusal)) => refusal.code(),
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(found, code, "{what}");
        assert_eq!(terminal.bundle().map(rescind_bundle::Verified::version), Some(1));
        let look = terminal.check_void(shop.reading(), &sale_id("S-1"), Some("wrong-amount".into()), li()).unwrap();
        assert_eq!(look.decision.outcome, Outcome::Allow);
    }
}

#[test]
fn what_is_signed_and_cannot_be_loaded_changes_nothing() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    let mut broken = content(2, Code::Native);
    broken.policies = vec![ClassPolicy { class: None, canonical: b"{}".to_vec() }];
    let refused = terminal.apply_bundle(shop.reading(), broken.sign(&[], &bundle_key()).unwrap());
    assert!(matches!(refused, Err(TerminalError::Decider(_))), "{refused:?}");
    let mut classes = content(2, Code::Native);
    classes.policies[0].class = Some("kiosk".into());
    let refused = terminal.apply_bundle(shop.reading(), classes.sign(&[], &bundle_key()).unwrap());
    assert!(matches!(refused, Err(TerminalError::NoBundle(_))), "{refused:?}");
    assert_eq!(terminal.bundle().map(rescind_bundle::Verified::version), Some(1));
}

#[test]
fn the_next_bundle_decides_at_once_and_after_a_restart_and_there_is_no_way_back() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let mut stricter = content(2, Code::Native);
    stricter.policies[0].canonical = policy("max-amount = \"100.00\"");
    let update = terminal.apply_bundle(shop.reading(), stricter.sign(&[], &bundle_key()).unwrap()).unwrap();
    assert_eq!(update, Update::Installed { before: Some(1), version: 2 });
    for restarted in [false, true] {
        if restarted {
            terminal.close();
            terminal = shop.later(1_000).open();
        }
        let look = terminal.check_void(shop.reading(), &sale_id("S-1"), Some("wrong-amount".into()), li()).unwrap();
        assert!(rules(&look).contains(&"void.amount-limit"), "{:?}", rules(&look));
    }
    let back = terminal.apply_bundle(shop.reading(), bundle(1));
    assert!(matches!(back, Err(TerminalError::Refused(Refusal::Rollback { installed: 2, offered: 1 }))), "{back:?}");
}

#[test]
fn a_bundle_that_has_expired_decides_nothing() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    shop.now = MADE + 30 * DAY - 1_000;
    let late = terminal.check_void(shop.reading(), &sale_id("S-1"), None, li());
    assert!(matches!(late, Err(TerminalError::NoBundle(_))), "{late:?}");
    assert!(!terminal.status(shop.reading()).unwrap().bundle.unwrap().holds);
}

#[test]
fn byte_code_decides_where_there_is_no_other() {
    let shop = Shop::new();
    let setup = Setup { code: Code::Pulley, ..crate::world::setup(shop.folder.path(), &shop.boot) };
    let key = Box::new(crate::world::terminal_key());
    let mut terminal = Terminal::open(setup, key, shop.reading()).unwrap();
    terminal.hear(shop.reading(), shop.reading(), at(shop.now)).unwrap();
    let bytes = content(1, Code::Pulley).sign(&[], &bundle_key()).unwrap();
    terminal.apply_bundle(shop.reading(), bytes).unwrap();
    shop.sells(&mut terminal, "S-1", 12_000);
    let answer = terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
    assert!(answer.operation.is_some());
    let width = if cfg!(target_pointer_width = "32") { "pulley32" } else { "pulley64" };
    assert_eq!(terminal.status(shop.reading()).unwrap().target, width);
}

#[test]
fn the_folder_of_another_terminal_is_refused_and_one_in_use_too() {
    let shop = Shop::new();
    let terminal = shop.ready();
    let setup = || crate::world::setup(shop.folder.path(), &shop.boot);
    let locked = Terminal::open(setup(), Box::new(crate::world::terminal_key()), shop.reading());
    assert!(matches!(locked, Err(TerminalError::Disk(_))), "{locked:?}");
    terminal.close();
    let other = Setup { terminal: "T2".parse().unwrap(), ..setup() };
    let other = Terminal::open(other, Box::new(crate::world::terminal_key()), shop.reading());
    assert!(matches!(other, Err(TerminalError::Conflict(_))), "{other:?}");
}
