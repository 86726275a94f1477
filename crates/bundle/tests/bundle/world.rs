//! A line of bundles, and a terminal that takes them.

use rescind_bundle::{ClassPolicy, Content, Engine, ProofKey, Signer as _, SigningKey, Times, Trust};

/// When the bundles of this world are made: 2026-11-23T00:00:00Z.
pub const MADE: i64 = 1_795_392_000_000;
/// A day in ms.
pub const DAY: i64 = 86_400_000;
/// When nearly everything happens.
pub const NOW: i64 = MADE + DAY;

pub fn key(n: u8) -> SigningKey {
    SigningKey::from_seed([n; 32])
}

/// Trust in key 1.
pub fn trust() -> Trust {
    Trust::first("lakala-north", key(1).public().clone())
}

pub fn engine() -> Engine {
    Engine { target: "x86_64-unknown-linux-gnu".into(), wasmtime: "48.0.0".into(), profile: [3; 32] }
}

/// A bundle of a version, with code of so many bytes.
pub fn content(version: u64, code: usize) -> Content {
    Content {
        name: "lakala-north".into(),
        version,
        target: "x86_64-unknown-linux-gnu".into(),
        wasmtime: "48.0.0".into(),
        profile: [3; 32],
        component: [4; 32],
        code: (0..code).map(|n| u8::try_from(n % 251).unwrap() ^ u8::try_from(version % 256).unwrap()).collect(),
        policies: vec![
            ClassPolicy { class: None, canonical: b"{\"for\":\"all\"}".to_vec() },
            ClassPolicy { class: Some("kiosk".into()), canonical: b"{\"for\":\"kiosks\"}".to_vec() },
        ],
        proof_keys: vec![
            ProofKey { public: [5; 32], retired_at_unix_ms: None },
            ProofKey { public: [6; 32], retired_at_unix_ms: Some(MADE) },
        ],
        times: Times { not_before: MADE, expires: MADE + 30 * DAY, made_at: MADE, server_time: MADE + 1_000 },
    }
}

/// It, signed by key 1.
pub fn bundle(version: u64, code: usize) -> Vec<u8> {
    content(version, code).sign(&[], &key(1)).unwrap()
}
