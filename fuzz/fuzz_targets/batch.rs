//! Any bytes as a batch, as a record, and as a place that is known. Signatures are taken for right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind_bundle::{PublicKey, Unverified, Verifier};
use rescind_journal::{Head, JournalId, Owner, read_record, verify_batch};

/// Believes everything.
struct Credulous;

impl Verifier for Credulous {
    fn verify(&self, _: &PublicKey, _: &[&[u8]], _: &[u8]) -> Result<(), Unverified> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let key = PublicKey::parse("ed25519:ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c").unwrap();
    let owner = Owner { merchant: "M-1".parse().unwrap(), terminal: "T-1".parse().unwrap() };
    let begun = Head::first(&owner.merchant, &owner.terminal, JournalId([7; 16]));
    for known in [None, Some(&begun)] {
        if let Ok(batch) = verify_batch(bytes, &key, &Credulous, &owner, known) {
            assert_eq!(batch.end.next - batch.start.next, u64::try_from(batch.records.len()).unwrap());
            assert!(batch.known <= batch.records.len());
            // Taken once, it has nothing new the next time.
            let again = verify_batch(bytes, &key, &Credulous, &owner, Some(&batch.end)).unwrap();
            assert_eq!(again.new_records(), []);
        }
    }
    let _ = read_record(bytes, 1).map(|record| assert_eq!(record.number, 1));
});
