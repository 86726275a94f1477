//! Any bytes as a bundle. Signatures are taken for right, or nothing behind them would ever be reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind_bundle::{Ed25519, Engine, PublicKey, Trust, Unverified, Verifier, check, inspect, verify};

/// Believes everything.
struct Credulous;

impl Verifier for Credulous {
    fn verify(&self, _: &PublicKey, _: &[&[u8]], _: &[u8]) -> Result<(), Unverified> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let key = PublicKey::parse("ed25519:ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c").unwrap();
    let trust = Trust::first("lakala-north", key);
    let engine = Engine { target: "pulley64".into(), wasmtime: "48.0.0".into(), profile: [3; 32] };
    let seen = verify(bytes.to_vec(), &trust, 5_000, None, &engine, &Credulous);
    if let Ok(seen) = &seen {
        // Whatever is given out is a part of what came in.
        let within = |part: &[u8]| {
            let (all, part) = (seen.bytes().as_ptr_range(), part.as_ptr_range());
            all.start <= part.start && part.end <= all.end
        };
        assert!(!seen.code().is_empty() && within(seen.code()));
        for class in [None, Some("kiosk")] {
            assert!(seen.policy(class).is_none_or(|policy| !policy.is_empty() && within(policy)));
        }
        assert!(inspect(bytes).is_ok_and(|shown| !shown.to_string().is_empty()));
        assert!(seen.holds_at(5_000).is_ok());
    }
    // With real signatures nothing of this is taken but what was signed: the seeds.
    if let Ok(seen) = check(bytes, &trust, &Ed25519) {
        assert_eq!(seen.name, "lakala-north");
    }
});
