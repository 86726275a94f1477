//! The proof: what it says, how it is written, and when it holds.

use crate::key::{KeyId, ProofKey};
use crate::operation::OperationDigest;
use crate::wire::{Reader, TEXT_BYTES, put_short};
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};

/// What the text of a proof begins with.
pub const PREFIX: &str = "rsp1.";

/// Longest text of a proof in bytes, so that a header can be refused before it is looked at.
pub const MAX_BYTES: usize = 4_096;

/// Longest time a proof may hold, in ms. What claims more was signed by mistake, and is refused.
pub const MAX_LIFETIME_MS: i64 = 600_000;

/// Most roles in a proof.
const ROLES: usize = 16;

/// What is signed begins so, and nothing else that such a key may ever sign does.
const DOMAIN: &[u8] = b"rescind-proof/1\n";

/// How an operator showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Number and PIN.
    Pin,
    /// A challenge signed by their device.
    Signature,
}

/// How and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated {
    /// How.
    pub method: Method,
    /// When, in ms since the Unix epoch: also when the proof was issued.
    pub at_unix_ms: i64,
}

/// That an operator showed who they are, for one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// At which merchant.
    pub merchant: String,
    /// At which terminal, if at one.
    pub terminal: Option<String>,
    /// The person.
    pub person: String,
    /// The person's operator number.
    pub operator: String,
    /// In which roles: those of the operator, not all that the person holds.
    pub roles: Vec<String>,
    /// How and when.
    pub authenticated: Authenticated,
    /// The first instant at which it no longer holds, in ms since the Unix epoch.
    pub expires_at_unix_ms: i64,
    /// The one operation it is for.
    pub operation: OperationDigest,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is not a proof, or not one of this version.
    #[error("this is not a proof")]
    Malformed,
    /// No key of that id is known.
    #[error("the proof is signed with an unknown key")]
    UnknownKey,
    /// The key had a successor when it was signed.
    #[error("the proof was signed after its key was retired")]
    RetiredKey,
    /// It was altered, or signed by somebody else.
    #[error("the proof's signature is wrong")]
    BadSignature,
    /// It was issued in the future.
    #[error("the proof does not hold yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the proof has expired")]
    Expired,
    /// It claims to hold longer than any proof may.
    #[error("the proof claims to hold too long")]
    TooLong,
    /// It was given for something else.
    #[error("the proof was given for another operation")]
    OtherOperation,
}

/// Why a proof cannot be signed: a text is too long, there are too many roles, or it would hold too long or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proof with such content cannot be signed")]
pub struct Unsignable;

impl Proof {
    /// Fails unless it was given for this very operation. Digests are no secrets: comparing them may take any time.
    ///
    /// # Errors
    /// [`ProofError::OtherOperation`].
    pub fn must_be_for(&self, operation: &OperationDigest) -> Result<(), ProofError> {
        if self.operation == *operation { Ok(()) } else { Err(ProofError::OtherOperation) }
    }

    /// Whether its times can be: issued, then expired, not too long after.
    fn has_sound_lifetime(&self) -> bool {
        let lifetime = self.expires_at_unix_ms.checked_sub(self.authenticated.at_unix_ms);
        lifetime.is_some_and(|ms| (1..=MAX_LIFETIME_MS).contains(&ms))
    }
}

/// A proof as a text: the prefix, then base64url of content and signature.
pub(crate) fn text_of(proof: &Proof, key: KeyId, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Result<String, Unsignable> {
    if !proof.has_sound_lifetime() || proof.roles.len() > ROLES {
        return Err(Unsignable);
    }
    let mut bytes = write(proof, key).ok_or(Unsignable)?;
    let signature = sign(&message(&bytes));
    bytes.extend(signature);
    let mut text = String::from(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
    if text.len() > MAX_BYTES { Err(Unsignable) } else { Ok(text) }
}

fn message(content: &[u8]) -> Vec<u8> {
    [DOMAIN, content].concat()
}

fn write(proof: &Proof, key: KeyId) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(TEXT_BYTES);
    out.extend(key);
    for text in [&proof.merchant, &proof.person, &proof.operator] {
        put_short(&mut out, text)?;
    }
    out.push(u8::from(proof.terminal.is_some()));
    if let Some(terminal) = &proof.terminal {
        put_short(&mut out, terminal)?;
    }
    out.push(u8::try_from(proof.roles.len()).ok()?);
    for role in &proof.roles {
        put_short(&mut out, role)?;
    }
    out.push(match proof.authenticated.method {
        Method::Pin => 1,
        Method::Signature => 2,
    });
    out.extend(proof.authenticated.at_unix_ms.to_be_bytes());
    out.extend(proof.expires_at_unix_ms.to_be_bytes());
    out.extend(proof.operation);
    Some(out)
}

fn read(bytes: &[u8]) -> Option<(KeyId, Proof)> {
    let mut reader = Reader(bytes);
    let key = reader.array()?;
    let (merchant, person, operator) = (reader.text()?, reader.text()?, reader.text()?);
    let terminal = match reader.byte()? {
        0 => None,
        1 => Some(reader.text()?),
        _ => return None,
    };
    let count = usize::from(reader.byte()?);
    if count > ROLES {
        return None;
    }
    let roles = (0..count).map(|_| reader.text()).collect::<Option<Vec<String>>>()?;
    let method = match reader.byte()? {
        1 => Method::Pin,
        2 => Method::Signature,
        _ => return None,
    };
    let authenticated = Authenticated { method, at_unix_ms: reader.number()? };
    let expires_at_unix_ms = reader.number()?;
    let operation = reader.array()?;
    let whole = reader.0.is_empty();
    let proof = Proof { merchant, terminal, person, operator, roles, authenticated, expires_at_unix_ms, operation };
    whole.then_some((key, proof))
}

/// Checks a proof. The same text, keys and times always give the same answer.
///
/// `skew_ms` is how far the clock of whoever signed may be from `now_unix_ms`: it widens both ends. That it is for the
/// right operation is a question of its own: [`Proof::must_be_for`].
///
/// # Errors
/// [`ProofError`], the first that applies: its form, its key, its signature, its times. Nothing that an unsigned text
/// says is believed, so only what is genuine can be found expired.
pub fn verify(text: &str, keys: &[ProofKey], now_unix_ms: i64, skew_ms: i64) -> Result<Proof, ProofError> {
    if text.len() > MAX_BYTES {
        return Err(ProofError::Malformed);
    }
    let encoded = text.strip_prefix(PREFIX).ok_or(ProofError::Malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| ProofError::Malformed)?;
    let (content, signature) = bytes.split_last_chunk::<64>().ok_or(ProofError::Malformed)?;
    let (id, proof) = read(content).ok_or(ProofError::Malformed)?;
    let key = keys.iter().find(|key| key.id() == id).ok_or(ProofError::UnknownKey)?;
    let verifier = VerifyingKey::from_bytes(&key.public).map_err(|_| ProofError::UnknownKey)?;
    verifier
        .verify_strict(&message(content), &Signature::from_bytes(signature))
        .map_err(|_| ProofError::BadSignature)?;
    let issued = proof.authenticated.at_unix_ms;
    if key.retired_at_unix_ms.is_some_and(|retired| issued > retired) {
        return Err(ProofError::RetiredKey);
    }
    if !proof.has_sound_lifetime() {
        return Err(ProofError::TooLong);
    }
    let skew = skew_ms.max(0);
    if issued > now_unix_ms.saturating_add(skew) {
        return Err(ProofError::NotYetValid);
    }
    if proof.expires_at_unix_ms <= now_unix_ms.saturating_sub(skew) {
        return Err(ProofError::Expired);
    }
    Ok(proof)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "clippy does not see that what proptest! makes are tests")]
mod tests {
    use super::*;
    use crate::SigningKey;
    use alloc::string::ToString as _;
    use alloc::vec;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_406_400_000;

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn proof() -> Proof {
        Proof {
            merchant: "M-1".to_string(),
            terminal: Some("T1".to_string()),
            person: "M-1.supervisor".to_string(),
            operator: "07".to_string(),
            roles: vec!["supervisor".to_string()],
            authenticated: Authenticated { method: Method::Pin, at_unix_ms: NOW },
            expires_at_unix_ms: NOW + 120_000,
            operation: [9; 32],
        }
    }

    fn check(text: &str, now: i64, skew: i64) -> Result<Proof, ProofError> {
        verify(text, &[SigningKey::from_seed([8; 32]).public(None), key().public(None)], now, skew)
    }

    #[test]
    fn what_was_signed_is_what_is_read() {
        for proof in [
            proof(),
            Proof { terminal: None, roles: Vec::new(), ..proof() },
            Proof {
                authenticated: Authenticated { method: Method::Signature, at_unix_ms: NOW },
                roles: vec!["cashier".to_string(), "supervisor".to_string()],
                ..proof()
            },
        ] {
            let text = key().sign(&proof).unwrap();
            assert!(text.is_ascii() && text.len() < 400, "{text}");
            assert_eq!(check(&text, NOW + 1, 0), Ok(proof));
        }
    }

    #[test]
    fn each_reason_has_its_own_error() {
        let text = key().sign(&proof()).unwrap();
        let end = NOW + 120_000;
        assert_eq!(check(&text, end - 1, 0), Ok(proof()));
        assert_eq!(check(&text, end, 0), Err(ProofError::Expired));
        assert_eq!(check(&text, end + 4_999, 5_000), Ok(proof()));
        assert_eq!(check(&text, end + 5_000, 5_000), Err(ProofError::Expired));
        assert_eq!(check(&text, NOW - 1, 0), Err(ProofError::NotYetValid));
        assert_eq!(check(&text, NOW - 5_000, 5_000), Ok(proof()));
        assert_eq!(check(&text, NOW - 5_001, 5_000), Err(ProofError::NotYetValid));
        // A negative tolerance is none.
        assert_eq!(check(&text, NOW, -1_000), Ok(proof()));
        assert_eq!(verify(&text, &[], NOW, 0), Err(ProofError::UnknownKey));
        let stranger = SigningKey::from_seed([1; 32]);
        assert_eq!(verify(&text, &[stranger.public(None)], NOW, 0), Err(ProofError::UnknownKey));
        assert_eq!(proof().must_be_for(&[9; 32]), Ok(()));
        assert_eq!(proof().must_be_for(&[8; 32]), Err(ProofError::OtherOperation));
        for nonsense in ["", "rsp1.", "rsp2.AAAA", "rsp1.!!!!", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(check(nonsense, NOW, 0), Err(ProofError::Malformed), "{nonsense}");
        }
    }

    #[test]
    fn a_retired_key_vouches_for_what_it_signed_before() {
        let text = key().sign(&proof()).unwrap();
        let retired = |at| verify(&text, &[key().public(Some(at))], NOW + 1, 0);
        assert_eq!(retired(NOW + 1), Ok(proof()));
        assert_eq!(retired(NOW), Ok(proof()));
        assert_eq!(retired(NOW - 1), Err(ProofError::RetiredKey));
    }

    #[test]
    fn what_would_be_refused_is_not_signed() {
        let never = |proof: Proof| assert_eq!(key().sign(&proof), Err(Unsignable));
        never(Proof { expires_at_unix_ms: NOW, ..proof() });
        never(Proof { expires_at_unix_ms: NOW + MAX_LIFETIME_MS + 1, ..proof() });
        never(Proof { expires_at_unix_ms: i64::MIN, ..proof() });
        never(Proof { person: "x".repeat(256), ..proof() });
        never(Proof { roles: vec!["x".to_string(); ROLES + 1], ..proof() });
    }

    #[test]
    fn what_claims_to_hold_for_ever_is_refused_though_it_is_signed() {
        use ed25519_dalek::Signer as _;
        let eternal = Proof { expires_at_unix_ms: i64::MAX, ..proof() };
        let mut bytes = write(&eternal, key().public(None).id()).unwrap();
        let signer = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        bytes.extend(signer.sign(&message(&bytes)).to_bytes());
        let text = alloc::format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(check(&text, NOW + 1, 0), Err(ProofError::TooLong));
    }

    proptest! {
        #[test]
        fn any_altered_byte_is_refused(at in any::<proptest::sample::Index>(), to in any::<u8>()) {
            let text = key().sign(&proof()).unwrap();
            // Of the text …
            let mut altered = text.clone().into_bytes();
            let place = at.index(altered.len());
            prop_assume!(altered[place] != to);
            altered[place] = to;
            if let Ok(altered) = String::from_utf8(altered) {
                prop_assert!(check(&altered, NOW + 1, 0).is_err(), "{}", altered);
            }
            // … and of what it stands for.
            let mut bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap();
            let place = at.index(bytes.len());
            prop_assume!(bytes[place] != to);
            bytes[place] = to;
            let altered = alloc::format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            let refused = check(&altered, NOW + 1, 0).unwrap_err();
            prop_assert!(
                matches!(refused, ProofError::Malformed | ProofError::UnknownKey | ProofError::BadSignature),
                "{:?}", refused
            );
        }

        #[test]
        fn nothing_that_is_cut_or_longer_is_taken(cut in 0_usize..300, more in "[A-Za-z0-9_-]{1,8}") {
            let text = key().sign(&proof()).unwrap();
            let shorter: String = text.chars().take(cut.min(text.len() - 1)).collect();
            prop_assert!(check(&shorter, NOW + 1, 0).is_err());
            let longer = text + &more;
            prop_assert!(check(&longer, NOW + 1, 0).is_err());
        }

        #[test]
        fn no_text_makes_it_stumble(text in "(rsp1\\.)?[A-Za-z0-9_-]{0,400}", now in any::<i64>(), skew in any::<i64>()) {
            prop_assert!(verify(&text, &[key().public(None)], now, skew).is_err());
        }

        #[test]
        fn it_holds_from_its_issue_to_its_end_and_no_longer(after in -200_000_i64..400_000) {
            let text = key().sign(&proof()).unwrap();
            let expected = match after {
                ..0 => Err(ProofError::NotYetValid),
                0..120_000 => Ok(proof()),
                _ => Err(ProofError::Expired),
            };
            prop_assert_eq!(check(&text, NOW + after, 0), expected);
        }
    }
}
