//! Our envelopes are everybody's: another implementation of COSE reads and checks them, and we its.

use crate::world::{NOW, bundle, content, engine, key, trust};
use coset::{CborSerializable as _, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, iana};
use rescind_bundle::cose::{Envelope, Kind};
use rescind_bundle::{Ed25519, Signer as _, Verifier as _, verify};

#[test]
fn coset_reads_and_checks_what_we_sign() {
    let (_, change) = trust().change(vec![key(2).public().clone()], &key(1)).unwrap();
    for bytes in [bundle(3, 100), content(3, 100).sign(&[change], &key(2)).unwrap()] {
        let signer = if bytes == bundle(3, 100) { key(1) } else { key(2) };
        let sign1 = CoseSign1::from_tagged_slice(&bytes).unwrap();
        assert_eq!(sign1.protected.header.alg, Some(coset::Algorithm::Assigned(iana::Algorithm::EdDSA)));
        assert_eq!(sign1.protected.header.key_id, signer.public().id().0);
        assert_eq!(
            sign1.protected.header.content_type,
            Some(coset::ContentType::Text(Kind::Bundle.content_type().to_owned()))
        );
        sign1
            .verify_signature(&[], |signature, message| Ed25519.verify(signer.public(), &[message], signature))
            .unwrap();
        assert_eq!(sign1.clone().to_tagged_vec().unwrap(), bytes, "and writes it the same way");
        assert!(CoseSign1::from_slice(&bytes).is_err(), "the tag is there");
    }
}

#[test]
fn we_take_what_coset_signs() {
    let ours = bundle(3, 100);
    let payload = Envelope::read(&ours, Kind::Bundle, 10_000).unwrap().payload.to_vec();
    let header = HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .content_type(Kind::Bundle.content_type().to_owned())
        .key_id(key(1).public().id().0.to_vec())
        .build();
    let theirs = CoseSign1Builder::new()
        .protected(header)
        .payload(payload)
        .create_signature(&[], |message| key(1).sign(&[message]).unwrap())
        .build()
        .to_tagged_vec()
        .unwrap();
    assert_eq!(theirs, ours);
    assert!(verify(theirs, &trust(), NOW, None, &engine(), &Ed25519).is_ok());
}
