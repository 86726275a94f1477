//! Writes what the fuzzers begin with: genuine bundles and batches.

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
    Ok(())
}
