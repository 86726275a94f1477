//! What people see of a bundle.

use crate::world::{content, key, trust};
use rescind_bundle::{Ed25519, Refusal, Signer as _, Trust, check, inspect};

#[test]
fn a_bundle_shows_what_it_says() {
    let (_, change) = trust().change(vec![key(1).public().clone(), key(2).public().clone()], &key(1)).unwrap();
    let bytes = content(7, 100).sign(&[change], &key(2)).unwrap();
    let shown = inspect(&bytes).unwrap();
    let lines: Vec<String> = shown.to_string().lines().map(str::to_owned).collect();
    let (one, two) = (key(1).public().id(), key(2).public().id());
    assert_eq!(lines[0], format!("bundle      lakala-north version 7, {} bytes", bytes.len()));
    assert_eq!(lines[2], format!("signed by   {two} (ed25519)"));
    assert_eq!(lines[3], "target      x86_64-unknown-linux-gnu, engine 48.0.0");
    assert!(lines[7].starts_with("policy      ") && lines[7].ends_with(" 13 bytes, every class"), "{}", lines[7]);
    assert!(lines[8].ends_with(" 16 bytes, kiosk"), "{}", lines[8]);
    assert!(lines[10].ends_with(", retired at 2026-11-23T00:00:00Z"), "{}", lines[10]);
    assert_eq!(lines[11], "holds       from 2026-11-23T00:00:00Z until 2026-12-23T00:00:00Z");
    assert_eq!(lines[13], format!("key set 2   {one} {two}, signed by {one}"));
    assert_eq!(lines.len(), 14);

    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["version"], 7);
    assert_eq!(json["key"], two.to_string());
    assert_eq!(json["policies"][1]["class"], "kiosk");
    assert_eq!(json["changes"][0]["keys"][1], key(2).public().to_string());
}

#[test]
fn whoever_gives_bundles_out_can_check_them_for_any_target() {
    let mut other = content(7, 100);
    other.target = "pulley32".into();
    let bytes = other.sign(&[], &key(1)).unwrap();
    assert_eq!(check(&bytes, &trust(), &Ed25519).unwrap().target, "pulley32");
    let strangers = Trust::first("lakala-north", key(9).public().clone());
    assert_eq!(check(&bytes, &strangers, &Ed25519).unwrap_err(), Refusal::UnknownKey(key(1).public().id()));
    assert!(matches!(check(&bytes[1..], &trust(), &Ed25519), Err(Refusal::Malformed(_))));
}
