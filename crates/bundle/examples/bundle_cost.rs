//! What a bundle costs a terminal: `cargo run --release -p rescind-bundle --example bundle_cost [FOLDER]`.
//!
//! FOLDER is on the disk that is asked about; a temporary one otherwise.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a native program for people who measure; what fails, fails loudly"
)]

use rescind_bundle::testkit::Chance;
use rescind_bundle::{
    ClassPolicy, Content, Ed25519, Engine, Folder, Signer as _, SigningKey, Store, Times, Trust, verify,
};
use std::path::PathBuf;
use std::time::{Duration, Instant as Clock};

/// As large as the translated component may become.
const CODE: usize = 800_000;
const NOW: i64 = 5_000;

fn content(version: u64) -> Content {
    let mut chance = Chance::new(version);
    let text = |text: &str| text.to_owned();
    Content {
        name: text("lakala-north"),
        version,
        target: text("pulley64"),
        wasmtime: text("48.0.0"),
        profile: [3; 32],
        component: [4; 32],
        code: (0..CODE).map(|_| u8::try_from(chance.below(256)).unwrap()).collect(),
        policies: vec![ClassPolicy { class: None, canonical: vec![b'p'; 3_000] }],
        proof_keys: vec![],
        times: Times { not_before: 1_000, expires: 9_000, made_at: 1_000, server_time: 1_500 },
    }
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    println!("{what:<44} p50 {:>10.1?}  worst {:>10.1?}", times[times.len() / 2], times[times.len() - 1]);
}

fn times(count: u64, mut work: impl FnMut(u64)) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..count {
        let begun = Clock::now();
        work(n);
        times.push(begun.elapsed());
    }
    times
}

fn main() {
    let key = SigningKey::from_seed([7; 32]);
    let trust = Trust::first("lakala-north", key.public().clone());
    let engine = Engine { target: "pulley64".into(), wasmtime: "48.0.0".into(), profile: [3; 32] };
    let plain = content(1).sign(&[], &key).unwrap();
    println!("{:<44} {} bytes around {CODE} of code and 3000 of policy", "a bundle", plain.len());
    let check = |bytes: &[u8]| verify(bytes.to_vec(), &trust, NOW, None, &engine, &Ed25519).unwrap();
    show("check, with its signature", times(200, |_| assert_eq!(check(&plain).version(), 1)));
    let mut changes = Vec::new();
    let mut known = trust.clone();
    for n in 0..8_u8 {
        let signer = SigningKey::from_seed([7 + n; 32]);
        let (after, change) = known.change(vec![SigningKey::from_seed([8 + n; 32]).public().clone()], &signer).unwrap();
        known = after;
        changes.push(change);
    }
    let changed = content(1).sign(&changes, &SigningKey::from_seed([15; 32])).unwrap();
    show("check, after 8 changes of keys", times(200, |_| assert_eq!(check(&changed).trust().number, 9)));
    let small = Content { code: vec![1], ..content(1) }.sign(&[], &key).unwrap();
    show("check of one without code", times(200, |_| assert_eq!(check(&small).version(), 1)));

    let folder =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("rescind-bundle-cost"), PathBuf::from);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let open = || Store::open(Folder::open(&folder).unwrap(), trust.clone(), engine.clone(), 0, &Ed25519).unwrap();
    let bundles: Vec<Vec<u8>> = (1..=10).map(|version| content(version).sign(&[], &key).unwrap()).collect();
    let mut store = open();
    let mut bundles = bundles.into_iter();
    show(
        "install, durable",
        times(10, |_| {
            store.install(bundles.next().unwrap(), NOW, &Ed25519).unwrap();
        }),
    );
    show("open the store", times(50, |_| assert_eq!(open().active().unwrap().version(), 10)));
    std::fs::remove_dir_all(&folder).unwrap();
}
