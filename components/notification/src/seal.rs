//! Webhook signatures by the Standard Webhooks scheme (<https://www.standardwebhooks.com>, version 1, symmetric).
//!
//! Signed is `id.timestamp.body`: the id and the timestamp cannot be exchanged without breaking the signature, so a
//! receiver can refuse old messages and recognise repeated ones.

use crate::limits::{ID_BYTES, SECRET_BYTES, SECRETS, SIGNATURE_BYTES, SIGNATURE_ENTRIES};
use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rescind_model::{Duration, Instant, SealError, SealHeaders};
use sha2::Sha256;

/// What marks a secret as one.
const SECRET_PREFIX: &str = "whsec_";

/// The version of HMAC-SHA256 signatures.
const VERSION: &str = "v1";

/// Secrets are handed around with and without padding.
const SECRET_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that is ready to sign.
type Key = Hmac<Sha256>;

/// Seals a body for sending. Each secret adds a signature, so that receivers can rotate keys one after the other.
///
/// # Errors
/// - [`SealError::BadSecret`] without secrets, with more than eight, or if one is not `whsec_` and the base64 of 24 to 64 bytes.
/// - [`SealError::BadId`] if the id is empty, longer than 256 bytes, or holds a dot or anything but visible ASCII.
/// - [`SealError::BadTimestamp`] before 1970 or after 9999.
pub fn seal(secrets: &[impl AsRef<str>], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError> {
    let keys = keys(secrets)?;
    check_id(id)?;
    let at = Instant::from_unix_ms(at.unix_ms).map_err(|_| SealError::BadTimestamp)?;
    let timestamp = at.unix_ms.div_euclid(1_000).to_string();
    let signatures: Vec<String> = keys
        .into_iter()
        .map(|key| {
            let tag = signing(key, id, &timestamp, body).finalize().into_bytes();
            format!("{VERSION},{}", STANDARD.encode(tag))
        })
        .collect();
    Ok(SealHeaders { id: id.to_owned(), timestamp, signature: signatures.join(" ") })
}

/// Checks a sealed body that was received: a signature of the known version by any of the secrets suffices. Entries of
/// other versions and malformed ones are passed over. Comparison takes constant time.
///
/// # Errors
/// - [`SealError::BadSecret`], [`SealError::BadId`] as in [`seal()`].
/// - [`SealError::BadTimestamp`] if the timestamp is not a plain number of seconds between 1970 and 9999.
/// - [`SealError::TooOld`], [`SealError::TooNew`] if it is further from `now` than the tolerance.
/// - [`SealError::NoMatch`] if no signature matches, or the signature header is longer than [`SIGNATURE_BYTES`](crate::SIGNATURE_BYTES).
pub fn verify(
    secrets: &[impl AsRef<str>],
    headers: &SealHeaders,
    body: &[u8],
    now: Instant,
    tolerance: Duration,
) -> Result<(), SealError> {
    let keys = keys(secrets)?;
    check_id(&headers.id)?;
    check_time(&headers.timestamp, now, tolerance)?;
    if headers.signature.len() > SIGNATURE_BYTES {
        return Err(SealError::NoMatch);
    }
    let given: Vec<Vec<u8>> = headers
        .signature
        .split(' ')
        .filter(|entry| !entry.is_empty())
        .take(SIGNATURE_ENTRIES)
        .filter_map(|entry| entry.strip_prefix(VERSION)?.strip_prefix(','))
        .filter_map(|tag| STANDARD.decode(tag).ok())
        .collect();
    let mut genuine = false;
    for key in keys {
        let expected = signing(key, &headers.id, &headers.timestamp, body);
        for tag in &given {
            // All pairs are compared, so that the time does not tell which secret is the current one.
            genuine |= expected.clone().verify_slice(tag).is_ok();
        }
    }
    if genuine { Ok(()) } else { Err(SealError::NoMatch) }
}

fn keys(secrets: &[impl AsRef<str>]) -> Result<Vec<Key>, SealError> {
    if secrets.is_empty() || secrets.len() > SECRETS {
        return Err(SealError::BadSecret);
    }
    secrets.iter().map(|secret| key(secret.as_ref()).ok_or(SealError::BadSecret)).collect()
}

fn key(secret: &str) -> Option<Key> {
    let bytes = SECRET_BASE64.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    if SECRET_BYTES.contains(&bytes.len()) { Key::new_from_slice(&bytes).ok() } else { None }
}

fn check_id(id: &str) -> Result<(), SealError> {
    // A dot would let bytes move between id and timestamp; a line break would start another header.
    let good = !id.is_empty() && id.len() <= ID_BYTES && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
    if good { Ok(()) } else { Err(SealError::BadId) }
}

fn check_time(timestamp: &str, now: Instant, tolerance: Duration) -> Result<(), SealError> {
    // `parse` alone would take a plus sign.
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let sealed = Some(timestamp)
        .filter(|_| digits)
        .and_then(|text| text.parse::<i64>().ok())
        .and_then(|seconds| seconds.checked_mul(1_000))
        .and_then(|ms| Instant::from_unix_ms(ms).ok())
        .ok_or(SealError::BadTimestamp)?;
    if now.since(sealed) > tolerance {
        Err(SealError::TooOld)
    } else if sealed.since(now) > tolerance {
        Err(SealError::TooNew)
    } else {
        Ok(())
    }
}

fn signing(mut key: Key, id: &str, timestamp: &str, body: &[u8]) -> Key {
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        key.update(part);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The published vector of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const OTHER_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn at(seconds: i64) -> Instant {
        Instant::from_unix_ms(seconds.checked_mul(1_000).unwrap()).unwrap()
    }

    fn headers(id: &str, timestamp: &str, signature: &str) -> SealHeaders {
        SealHeaders { id: id.into(), timestamp: timestamp.into(), signature: signature.into() }
    }

    fn check(headers: &SealHeaders, body: &[u8]) -> Result<(), SealError> {
        verify(&[SECRET], headers, body, at(SECONDS), Duration::minutes(5))
    }

    #[test]
    fn the_published_vector_comes_out() {
        let sealed = seal(&[SECRET], ID, at(SECONDS), BODY).unwrap();
        assert_eq!(sealed, headers(ID, "1614265330", SIGNATURE));
        assert_eq!(check(&sealed, BODY), Ok(()));
    }

    #[test]
    fn whatever_is_tampered_with_breaks_the_seal() {
        let longer = format!("{SIGNATURE}AAAA");
        let shorter = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1A==";
        let table: &[(&str, SealHeaders, &[u8])] = &[
            ("the body", headers(ID, "1614265330", SIGNATURE), br#"{"test": 2432232315}"#),
            ("a byte more", headers(ID, "1614265330", SIGNATURE), br#"{"test": 2432232314} "#),
            ("no body", headers(ID, "1614265330", SIGNATURE), b""),
            ("the id", headers("msg_p5jXN8AQM9LWM0D4loKWxJel", "1614265330", SIGNATURE), BODY),
            ("the timestamp", headers(ID, "1614265331", SIGNATURE), BODY),
            ("a zero before the timestamp", headers(ID, "01614265330", SIGNATURE), BODY),
            ("no signature", headers(ID, "1614265330", ""), BODY),
            ("another version", headers(ID, "1614265330", &SIGNATURE.replace("v1", "v2")), BODY),
            ("a version that begins alike", headers(ID, "1614265330", &SIGNATURE.replace("v1", "v1a")), BODY),
            ("no version", headers(ID, "1614265330", SIGNATURE.trim_start_matches("v1,")), BODY),
            ("one letter of the signature", headers(ID, "1614265330", &SIGNATURE.replace("g0h", "g1h")), BODY),
            ("a longer signature", headers(ID, "1614265330", &longer), BODY),
            ("a shorter signature", headers(ID, "1614265330", shorter), BODY),
            ("an empty signature", headers(ID, "1614265330", "v1,"), BODY),
        ];
        for (what, headers, body) in table {
            assert_eq!(check(headers, body), Err(SealError::NoMatch), "{what}");
        }
    }

    #[test]
    fn unknown_versions_and_malformed_entries_are_passed_over() {
        for signature in [
            format!("v2,AAAA {SIGNATURE}"),
            format!("v1a,AAAA nonsense v1 v1, v1,=== v1,!!! ,, {SIGNATURE}"),
            format!("{SIGNATURE} v1,AAAA"),
            format!("  {SIGNATURE}  "),
        ] {
            assert_eq!(check(&headers(ID, "1614265330", &signature), BODY), Ok(()), "{signature}");
        }
    }

    #[test]
    fn headers_without_end_are_not_read_to_their_end() {
        let entries = "v1,AAAA ".repeat(SIGNATURE_ENTRIES);
        assert_eq!(check(&headers(ID, "1614265330", &format!("{entries}{SIGNATURE}")), BODY), Err(SealError::NoMatch));
        let padding = " ".repeat(SIGNATURE_BYTES);
        assert_eq!(check(&headers(ID, "1614265330", &format!("{SIGNATURE}{padding}")), BODY), Err(SealError::NoMatch));
        assert_eq!(check(&headers(&"m".repeat(257), "1614265330", SIGNATURE), BODY), Err(SealError::BadId));
        assert_eq!(check(&headers(ID, &"9".repeat(10_000), SIGNATURE), BODY), Err(SealError::BadTimestamp));
    }

    #[test]
    fn a_rotated_secret_still_opens_the_seal() {
        let sealed = seal(&[OTHER_SECRET, SECRET], ID, at(SECONDS), BODY).unwrap();
        assert_eq!(sealed.signature.split(' ').count(), 2);
        let within = Duration::minutes(5);
        for secrets in [[SECRET].as_slice(), &[OTHER_SECRET], &[OTHER_SECRET, SECRET]] {
            assert_eq!(verify(secrets, &sealed, BODY, at(SECONDS), within), Ok(()));
        }
        let third = format!("whsec_{}", STANDARD.encode([7; 24]));
        assert_eq!(verify(&[third], &sealed, BODY, at(SECONDS), within), Err(SealError::NoMatch));
    }

    #[test]
    fn the_tolerance_holds_in_both_directions() {
        let sealed = headers(ID, "1614265330", SIGNATURE);
        let now = |offset: i64| {
            verify(&[SECRET], &sealed, BODY, at(SECONDS.checked_add(offset).unwrap()), Duration::minutes(5))
        };
        assert_eq!(now(300), Ok(()));
        assert_eq!(now(-300), Ok(()));
        assert_eq!(now(301), Err(SealError::TooOld));
        assert_eq!(now(-301), Err(SealError::TooNew));
        assert_eq!(
            verify(&[SECRET], &sealed, BODY, Instant { unix_ms: i64::MIN }, Duration { ms: 1 }),
            Err(SealError::TooNew)
        );
        assert_eq!(
            verify(&[SECRET], &sealed, BODY, Instant { unix_ms: i64::MAX }, Duration { ms: 1 }),
            Err(SealError::TooOld)
        );
    }

    #[test]
    fn a_timestamp_is_a_plain_number_of_seconds() {
        for bad in [
            "",
            " 1614265330",
            "1614265330 ",
            "+1614265330",
            "-1",
            "1614265330.0",
            "0x60",
            "1e9",
            "99999999999999999999",
            "253402300800",
            "١",
        ] {
            assert_eq!(check(&headers(ID, bad, SIGNATURE), BODY), Err(SealError::BadTimestamp), "{bad:?}");
        }
        assert_eq!(seal(&[SECRET], ID, Instant { unix_ms: -1 }, BODY), Err(SealError::BadTimestamp));
    }

    #[test]
    fn an_id_that_could_move_bytes_or_start_a_header_is_refused() {
        for bad in ["", "a.b", "a b", "a\r\nb", "号", "\u{0}"] {
            assert_eq!(seal(&[SECRET], bad, at(SECONDS), BODY), Err(SealError::BadId), "{bad:?}");
            assert_eq!(check(&headers(bad, "1614265330", SIGNATURE), BODY), Err(SealError::BadId), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_has_its_prefix_and_24_to_64_bytes() {
        let secret = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        let sealing = |secret: &str| seal(&[secret], ID, at(SECONDS), BODY).map(|_| ());
        assert_eq!(sealing(&secret(24)), Ok(()));
        assert_eq!(sealing(&secret(64)), Ok(()));
        assert_eq!(sealing(secret(32).trim_end_matches('=')), Ok(()), "padding is optional");
        for bad in [
            &secret(23),
            &secret(65),
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        ] {
            assert_eq!(sealing(bad), Err(SealError::BadSecret), "{bad:?}");
        }
        assert_eq!(seal(&[""; 0], ID, at(SECONDS), BODY), Err(SealError::BadSecret));
        assert_eq!(seal(&[SECRET; 9], ID, at(SECONDS), BODY), Err(SealError::BadSecret));
        assert_eq!(seal(&[SECRET, "bad"], ID, at(SECONDS), BODY), Err(SealError::BadSecret));
    }

    proptest! {
        #[test]
        fn every_seal_opens_and_no_flipped_bit_does(
            body in prop::collection::vec(any::<u8>(), 1..200),
            seconds in 0_i64..4_000_000_000,
            bit in any::<prop::sample::Index>(),
        ) {
            let sealed = seal(&[SECRET], ID, at(seconds), &body).unwrap();
            let zero = Duration { ms: 0 };
            prop_assert_eq!(verify(&[SECRET], &sealed, &body, at(seconds), zero), Ok(()));
            let mut other = body;
            let byte = bit.get_mut(&mut other);
            *byte ^= 0x10;
            prop_assert_eq!(verify(&[SECRET], &sealed, &other, at(seconds), zero), Err(SealError::NoMatch));
        }

        #[test]
        fn no_header_panics(id in ".{0,40}", timestamp in ".{0,30}", signature in ".{0,200}", now in any::<i64>(), ms in any::<u64>()) {
            let headers = headers(&id, &timestamp, &signature);
            let answer = verify(&[SECRET], &headers, BODY, Instant { unix_ms: now }, Duration { ms });
            prop_assert!(answer.is_err());
        }
    }
}
