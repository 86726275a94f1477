//! Whatever is not exactly right is refused, and says why.

use crate::world::{DAY, MADE, NOW, bundle, content, engine, key, trust};
use rescind_bundle::cose::{Kind, seal};
use rescind_bundle::{
    Algorithm, ClassPolicy, Content, Ed25519, Installed, PublicKey, Refusal, SignFailed, Signer, Unsignable, limits,
    verify,
};

fn take(bytes: &[u8]) -> Result<rescind_bundle::Verified, Refusal> {
    verify(bytes.to_vec(), &trust(), NOW, None, &engine(), &Ed25519)
}

#[test]
fn a_genuine_bundle_gives_what_was_signed() {
    let (content, bytes) = (content(7, 5_000), bundle(7, 5_000));
    let seen = take(&bytes).unwrap();
    assert_eq!((seen.name(), seen.version()), ("lakala-north", 7));
    assert_eq!(seen.code(), content.code);
    assert_eq!(seen.component(), &content.component);
    assert_eq!(seen.policy(None), Some(content.policies[0].canonical.as_slice()));
    assert_eq!(seen.policy(Some("kiosk")), Some(content.policies[1].canonical.as_slice()));
    assert_eq!(seen.policy(Some("handheld")), Some(content.policies[0].canonical.as_slice()));
    assert_eq!(seen.proof_keys(), content.proof_keys);
    assert_eq!(seen.times(), content.times);
    assert_eq!(seen.trust(), &trust());
    assert_eq!(seen.signer(), key(1).public().id());
    assert_eq!(seen.bytes(), bytes);
    // The code is a part of the very bytes that were checked.
    let (within, all) = (seen.code().as_ptr_range(), seen.bytes().as_ptr_range());
    assert!(all.start <= within.start && within.end <= all.end);
}

#[test]
fn without_a_policy_for_all_a_class_without_one_has_none() {
    let mut content = content(1, 100);
    content.policies.remove(0);
    let seen = take(&content.sign(&[], &key(1)).unwrap()).unwrap();
    assert_eq!(seen.policy(None), None);
    assert_eq!(seen.policy(Some("handheld")), None);
    assert!(seen.policy(Some("kiosk")).is_some());
}

#[test]
fn every_byte_counts() {
    let bytes = bundle(1, 300);
    let mut codes = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let refusal = take(&altered).expect_err(&format!("bit {bit} of byte {at} was altered"));
            *codes.entry(refusal.code()).or_default() += 1;
        }
    }
    // Nothing that is said in an altered bundle is believed, so none is refused for what it says.
    let unbelieved =
        ["bundle.algorithm", "bundle.malformed", "bundle.signature", "bundle.truncated", "bundle.unknown-key"];
    assert_eq!(codes.keys().filter(|code| !unbelieved.contains(code)).count(), 0, "{codes:?}");
    // Content and signature are far the most of it.
    assert!(codes["bundle.signature"] > 8 * 300, "{codes:?}");
    assert_eq!(codes["bundle.unknown-key"], 64, "the key id has 64 bits: {codes:?}");
}

#[test]
fn every_byte_counts_also_of_a_change_of_keys() {
    let (next, change) = trust().change(vec![key(2).public().clone()], &key(1)).unwrap();
    assert_eq!(next.number, 2);
    let bytes = content(1, 100).sign(&[change], &key(2)).unwrap();
    take(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        take(&altered).expect_err(&format!("byte {at} was altered"));
    }
}

#[test]
fn every_part_is_not_the_whole() {
    let bytes = bundle(1, 300);
    for end in 0..bytes.len() {
        let refusal = take(&bytes[..end]).expect_err(&format!("cut off at {end}"));
        assert_eq!(refusal.code(), "bundle.truncated", "at {end}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(take(&longer).unwrap_err().code(), "bundle.malformed");
    // The same lengths written in a longer way are signed all the same; they are not taken.
    let signature = bytes.len() - 66;
    assert_eq!(bytes[signature..signature + 2], [0x58, 64]);
    let padded = [&bytes[..signature], &[0x59, 0, 64], &bytes[signature + 2..]].concat();
    assert_eq!(take(&padded).unwrap_err().code(), "bundle.malformed");
}

#[test]
fn a_length_that_is_only_claimed_is_never_believed() {
    // A payload of 2^60 bytes, a list of 2^60 changes of keys.
    let claims: [&[u8]; 4] = [
        &[0xd2, 0x84, 0x40, 0xa0, 0x5b, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2],
        &[0xd2, 0x84, 0x5b, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2],
        &[0xd2, 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2],
        &[0xdb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for claim in claims {
        assert!(matches!(take(claim), Err(Refusal::Malformed(_))), "{claim:?}");
    }
    let large = vec![0xd2; limits::BUNDLE_BYTES + 1];
    assert_eq!(take(&large).unwrap_err().code(), "bundle.too-large");
}

#[test]
fn only_who_is_trusted_can_sign() {
    let stranger = key(9);
    let bytes = content(1, 100).sign(&[], &stranger).unwrap();
    assert_eq!(take(&bytes).unwrap_err(), Refusal::UnknownKey(stranger.public().id()));

    // One who claims to be the trusted key.
    struct Liar(PublicKey);
    impl Signer for Liar {
        fn public(&self) -> &PublicKey {
            &self.0
        }
        fn sign(&self, message: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
            key(9).sign(message)
        }
    }
    let bytes = content(1, 100).sign(&[], &Liar(key(1).public().clone())).unwrap();
    assert_eq!(take(&bytes).unwrap_err(), Refusal::BadSignature);
}

#[test]
fn a_signature_for_one_thing_is_none_for_another() {
    let content = content(1, 100).sign(&[], &key(1)).unwrap();
    let payload = rescind_bundle::cose::Envelope::read(&content, Kind::Bundle, 10_000).unwrap().payload.to_vec();
    for kind in [Kind::Keys, Kind::Journal] {
        let other = seal(kind, &[], &payload, &key(1)).unwrap();
        assert_eq!(take(&other).unwrap_err().code(), "bundle.malformed");
    }
}

#[test]
fn an_algorithm_that_nobody_here_knows_is_named() {
    let module = PublicKey::new(Algorithm(-65_600), &[4; 65]).unwrap();
    struct Module(PublicKey);
    impl Signer for Module {
        fn public(&self) -> &PublicKey {
            &self.0
        }
        fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
            Ok(vec![9; 72])
        }
    }
    let bytes = content(1, 100).sign(&[], &Module(module.clone())).unwrap();
    let trust = rescind_bundle::Trust::first("lakala-north", module);
    let refused = verify(bytes.clone(), &trust, NOW, None, &engine(), &Ed25519).unwrap_err();
    assert_eq!(refused, Refusal::UnknownAlgorithm(Algorithm(-65_600)));

    // A terminal that has the module takes it.
    struct Certified;
    impl rescind_bundle::Verifier for Certified {
        fn verify(&self, _: &PublicKey, _: &[&[u8]], signature: &[u8]) -> Result<(), rescind_bundle::Unverified> {
            if signature == [9; 72] { Ok(()) } else { Err(rescind_bundle::Unverified::Signature) }
        }
    }
    assert_eq!(verify(bytes, &trust, NOW, None, &engine(), &Certified).unwrap().version(), 1);
}

#[test]
fn what_does_not_fit_this_terminal_is_refused_with_the_reason() {
    let refused = |change: &dyn Fn(&mut Content)| {
        let mut content = content(5, 100);
        change(&mut content);
        take(&content.sign(&[], &key(1)).unwrap()).unwrap_err()
    };
    let fits = engine();
    assert_eq!(
        refused(&|content| content.name = "lakala-south".into()),
        Refusal::OtherName { expected: "lakala-north".into(), found: "lakala-south".into() }
    );
    assert_eq!(
        refused(&|content| content.target = "pulley64".into()),
        Refusal::OtherTarget { expected: fits.target, found: "pulley64".into() }
    );
    assert_eq!(
        refused(&|content| content.wasmtime = "49.0.0".into()),
        Refusal::OtherEngine { expected: "48.0.0".into(), found: "49.0.0".into() }
    );
    assert_eq!(refused(&|content| content.profile[31] ^= 1), Refusal::OtherProfile);
    assert_eq!(
        refused(&|content| content.times.not_before = NOW + 1),
        Refusal::NotYet { not_before: NOW + 1, now: NOW }
    );
    assert_eq!(refused(&|content| content.times.expires = NOW), Refusal::Expired { expires: NOW, now: NOW });
}

#[test]
fn a_bundle_holds_from_its_first_to_before_its_last_instant() {
    let bytes = bundle(1, 100);
    for (now, holds) in [(MADE - 1, false), (MADE, true), (MADE + 30 * DAY - 1, true), (MADE + 30 * DAY, false)] {
        assert_eq!(verify(bytes.clone(), &trust(), now, None, &engine(), &Ed25519).is_ok(), holds, "{now}");
    }
}

#[test]
fn there_is_no_way_back_to_an_older_version() {
    let installed = take(&bundle(5, 100)).unwrap().installed();
    let offer = |version, code, installed| {
        verify(bundle(version, code), &trust(), NOW, Some(installed), &engine(), &Ed25519).map(|seen| seen.version())
    };
    assert_eq!(offer(4, 100, installed), Err(Refusal::Rollback { installed: 5, offered: 4 }));
    assert_eq!(offer(5, 100, installed), Ok(5), "the very same");
    assert_eq!(
        offer(5, 101, installed),
        Err(Refusal::Rollback { installed: 5, offered: 5 }),
        "another of that version"
    );
    assert_eq!(offer(5, 101, Installed { version: 5, digest: None }), Ok(5), "only the version is known");
    assert_eq!(offer(6, 100, installed), Ok(6));
}

#[test]
fn what_terminals_would_refuse_is_not_signed() {
    type Change = dyn Fn(&mut Content);
    let unsignable: [(&str, &Change); 12] = [
        ("no name", &|content| content.name.clear()),
        ("a name with a line break", &|content| content.name.push('\n')),
        ("a long name", &|content| content.name = "n".repeat(limits::TEXT_BYTES + 1)),
        ("version 0", &|content| content.version = 0),
        ("no code", &|content| content.code.clear()),
        ("much code", &|content| content.code = vec![0; limits::CODE_BYTES + 1]),
        ("no policy", &|content| content.policies.clear()),
        ("two policies for one class", &|content| content.policies[1].class = None),
        ("an empty policy", &|content| content.policies[0].canonical.clear()),
        ("many proof keys", &|content| content.proof_keys = vec![content.proof_keys[0]; limits::PROOF_KEYS + 1]),
        ("it expires before it holds", &|content| content.times.expires = content.times.not_before),
        ("it was signed before it was made", &|content| content.times.server_time = MADE - 1),
    ];
    for (what, change) in unsignable {
        let mut content = content(1, 100);
        change(&mut content);
        assert!(matches!(content.sign(&[], &key(1)), Err(Unsignable::Content(_))), "{what}");
    }
    let class =
        |n: usize| ClassPolicy { class: Some(format!("class-{n}")), canonical: vec![b'x'; limits::POLICY_BYTES] };
    let mut full = content(1, limits::CODE_BYTES);
    full.policies = (0..limits::POLICIES).map(class).collect();
    assert!(full.sign(&[], &key(1)).is_ok(), "everything as large as it may be fits");
    full.policies.push(class(99));
    assert!(matches!(full.sign(&[], &key(1)), Err(Unsignable::Content(_))));
}
