//! Writes what the fuzzers begin with: genuine bundles and batches, lives of terminals, answers of a server.

use rescind_bundle::{ClassPolicy, Content, ProofKey, Signer as _, SigningKey, Times, Trust};
use rescind_journal::{Entry, Head, Incident, JournalId, Owner, Record, sign_batch};
use rescind_model::Instant;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let key = SigningKey::from_seed([7; 32]);
    let next = SigningKey::from_seed([8; 32]);
    let trust = Trust::first("lakala-north", key.public().clone());
    let (second, change) = trust.change(vec![key.public().clone(), next.public().clone()], &key)?;
    let (_, another) = second.change(vec![next.public().clone()], &next)?;
    let content = Content {
        name: "lakala-north".into(),
        version: 3,
        target: "pulley64".into(),
        wasmtime: "48.0.0".into(),
        profile: [3; 32],
        component: [4; 32],
        code: b"translated".to_vec(),
        policies: vec![
            ClassPolicy { class: None, canonical: b"{}".to_vec() },
            ClassPolicy { class: Some("kiosk".into()), canonical: b"{}".to_vec() },
        ],
        proof_keys: vec![ProofKey { public: [5; 32], retired_at_unix_ms: Some(2_000) }],
        times: Times { not_before: 1_000, expires: 9_000, made_at: 1_000, server_time: 1_500 },
    };
    let plain = content.sign(&[], &key)?;
    let changed = content.sign(&[change, another], &next)?;

    let owner = Owner { merchant: "M-1".parse()?, terminal: "T-1".parse()? };
    let start = Head::first(&owner.merchant, &owner.terminal, JournalId([7; 16]));
    let record = |number| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let entry = Entry::Incident(Incident::BundleRefused { code: "bundle.signature".into() });
        let at = Instant::parse("2026-11-23T01:00:00Z")?;
        Ok(serde_json::to_vec(&Record { number, at, entry })?)
    };
    let (one, two) = (record(1)?, record(2)?);
    let batch = sign_batch(&owner, &start, &[&one, &two], &key)?;
    let rest = sign_batch(&owner, &start.after(&one), &[&two], &key)?;

    let slots = [&[0, 128][..], &plain, &plain].concat();
    for (target, name, bytes) in [
        ("bundle", "plain", plain),
        ("bundle", "changed", changed),
        ("batch", "whole", batch),
        ("batch", "rest", rest),
        ("batch", "record", one),
        ("slots", "both", slots),
    ] {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)?;
    }
    for (name, calls) in LIVES {
        write(&corpus.join("terminal"), name, &calls.concat())?;
    }
    let answer = r#"{"head":HEAD,"server-time":{"unix_ms":1795402800000}}"#;
    let counted = r#"{"head":HEAD,"server-time":{"unix_ms":1795402800000},"counted":{"day":{"year":2026,"month":11,"day":23},"tallies":[]},
        "operations":[{"operation":"V-1","became":"accepted"},{"operation":"V-2","became":{"refund":"R-1"},"detail":"太晚"},
        {"operation":"V-3","became":{"case":"C-1"}},{"operation":"V-4","became":"refused"}]}"#;
    for place in 0..=4_u8 {
        write(&corpus.join("acknowledgement"), &format!("answer-{place}"), &[&[place], answer.as_bytes()].concat())?;
    }
    write(&corpus.join("acknowledgement"), "counted", &[&[2], counted.as_bytes()].concat())?;
    Ok(())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), bytes)
}

/// Scripts for the C interface: what is called, on which terminal, when, with what, about which sale, into what.
const LIVES: [(&str, &[[u8; 6]]); 4] = [
    (
        "a-day",
        &[
            [0, 0, 0, 0, 0, 0],
            [14, 0, 0, 0, 0, 0],
            [15, 0, 1, 0, 0, 0],
            [7, 0, 1, 0, 1, 0],
            [3, 0, 1, 0, 1, 0],
            [4, 0, 2, 0, 1, 0],
            [5, 0, 2, 0, 1, 0],
            [6, 0, 2, 0, 1, 0],
            [9, 0, 3, 0, 0, 0],
            [7, 0, 3, 0, 0, 0],
            [9, 0, 3, 0, 0, 0],
            [11, 0, 3, 0, 0, 0],
            [9, 0, 3, 0, 1, 7],
            [17, 0, 3, 0, 1, 0],
            [16, 0, 4, 0, 0, 0],
            [12, 0, 4, 0, 0, 0],
            [13, 0, 5, 0, 0, 0],
            [2, 0, 0, 0, 0, 0],
            [0, 0, 6, 0, 0, 0],
            [11, 0, 6, 0, 0, 0],
            [15, 0, 6, 0, 1, 0],
            [2, 0, 6, 0, 0, 0],
            [16, 0, 6, 0, 0, 0],
        ],
    ),
    (
        "a-module",
        &[
            [1, 1, 0, 0, 0, 0],
            [14, 0, 0, 0, 0, 0],
            [15, 0, 1, 0, 0, 0],
            [7, 0, 1, 0, 2, 0],
            [8, 0, 1, 0, 2, 0],
            [9, 0, 2, 0, 2, 0],
            [10, 0, 2, 0, 2, 0],
            [12, 0, 2, 0, 0, 0],
            [12, 0, 2, 0, 0, 2],
            [17, 0, 2, 0, 0, 0],
            [13, 0, 3, 0, 0, 0],
            [12, 0, 3, 0, 0, 0],
            [2, 0, 3, 0, 0, 0],
        ],
    ),
    (
        "mistakes",
        &[
            [0, 0, 0, 5, 0, 0],
            [1, 1, 0, 0, 1, 0],
            [0, 1, 0, 0, 0, 0],
            [16, 0, 0, 0, 0, 5],
            [16, 0, 0, 0, 0, 6],
            [7, 0, 0, 7, 0, 0],
            [7, 0, 0, 63, 0, 0],
            [3, 0, 0, 6, 0, 2],
            [18, 0, 0, 0, 0, 0],
            [12, 0, 0, 0, 0, 0],
            [15, 0, 0, 4, 0, 0],
            [15, 0, 0, 128, 0, 0],
            [8, 0, 0, 0, 0, 0],
            [16, 7, 0, 0, 0, 0],
            [18, 3, 0, 0, 0, 0],
            [19, 0, 0, 0, 120, 0],
            [20, 0, 0, 0, 0, 0],
        ],
    ),
    (
        "two-terminals",
        &[
            [0, 0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 0],
            [15, 0, 0, 0, 1, 0],
            [15, 2, 0, 0, 2, 0],
            [7, 2, 0, 0, 1, 0],
            [7, 0, 0, 0, 1, 0],
            [6, 2, 200, 0, 129, 0],
            [6, 0, 130, 0, 139, 0],
            [5, 2, 0, 0, 129, 0],
            [2, 2, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ],
    ),
];
