//! Who signs and who checks: keys, and the two traits behind which a security module can stand.

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;

use crate::limits;

/// What a private key's text begins with.
const SECRET_PREFIX: &str = "rescind-signing-key/1:ed25519:";

/// How a key signs: the number that COSE gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Algorithm(pub i64);

impl Algorithm {
    /// Ed25519 (`EdDSA`, RFC 9053). Others are a module's own; COSE leaves numbers below -65536 to private use.
    pub const ED25519: Self = Self(-8);
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ED25519 { f.write_str("ed25519") } else { write!(f, "cose{}", self.0) }
    }
}

/// Which key: the first 8 bytes of the SHA-256 of the public key. It finds a key; the signature proves it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why something is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct BadKey(&'static str);

/// A public key. As text: its algorithm, a colon, hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A key of some algorithm.
    ///
    /// # Errors
    /// [`BadKey`] if it is empty, longer than [`limits::PUBLIC_KEY_BYTES`], or no point that ed25519 can safely use.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, BadKey> {
        if bytes.is_empty() || bytes.len() > limits::PUBLIC_KEY_BYTES {
            return Err(BadKey("a public key of 1 to 128 bytes"));
        }
        if algorithm == Algorithm::ED25519 {
            let point = bytes.try_into().ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
            // A weak key "signs" anything: for it some signatures hold for every message.
            point.filter(|point| !point.is_weak()).ok_or(BadKey("an ed25519 public key of 32 bytes"))?;
        }
        Ok(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes, as its algorithm writes them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Names it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest: [u8; 32] = Sha256::digest(&self.bytes).into();
        let mut id = KeyId([0; 8]);
        for (to, from) in id.0.iter_mut().zip(digest) {
            *to = from;
        }
        id
    }

    /// Reads `ed25519:…` or, for a module's own algorithm, `cose-65600:…`.
    ///
    /// # Errors
    /// [`BadKey`] if it is not of that form.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        const FORM: BadKey = BadKey("a public key such as ed25519: and 64 hexadecimal digits");
        let (algorithm, digits) = text.split_once(':').ok_or(FORM)?;
        let algorithm = match algorithm.strip_prefix("cose") {
            Some(number) => Algorithm(number.parse().map_err(|_| FORM)?),
            None if algorithm == "ed25519" => Algorithm::ED25519,
            None => return Err(FORM),
        };
        if digits.len() > limits::PUBLIC_KEY_BYTES.saturating_mul(2) {
            return Err(FORM);
        }
        Self::new(algorithm, &hex::decode(digits).map_err(|_| FORM)?)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, hex::encode(&self.bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Whoever signs could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not sign: {0}")]
pub struct SignFailed(pub String);

/// Signs: a key in memory, or a security module.
pub trait Signer {
    /// The public half.
    fn public(&self) -> &PublicKey;

    /// The signature of a message, which comes in parts and is what they are together.
    ///
    /// # Errors
    /// [`SignFailed`], in the module's words.
    fn sign(&self, message: &[&[u8]]) -> Result<Vec<u8>, SignFailed>;
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Nobody here can check this algorithm.
    #[error("nobody here can check signatures by {0}")]
    Algorithm(Algorithm),
    /// It was altered, or signed by somebody else.
    #[error("the signature is wrong: it was altered, or signed by somebody else")]
    Signature,
}

/// Checks signatures: [`Ed25519`], or a module that knows more.
pub trait Verifier {
    /// Fails unless the key signed the message, which comes in parts and is what they are together.
    ///
    /// # Errors
    /// [`Unverified`].
    fn verify(&self, key: &PublicKey, message: &[&[u8]], signature: &[u8]) -> Result<(), Unverified>;
}

/// Checks ed25519 signatures, and no others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ed25519;

impl Verifier for Ed25519 {
    fn verify(&self, key: &PublicKey, message: &[&[u8]], signature: &[u8]) -> Result<(), Unverified> {
        if key.algorithm != Algorithm::ED25519 {
            return Err(Unverified::Algorithm(key.algorithm));
        }
        let public = key.bytes.as_slice().try_into().map_err(|_| Unverified::Signature)?;
        let public = VerifyingKey::from_bytes(public).map_err(|_| Unverified::Signature)?;
        let signature = Signature::from_slice(signature).map_err(|_| Unverified::Signature)?;
        // Part by part, so that nothing is copied. A weak key was refused when it became a `PublicKey`.
        let mut stream = public.verify_stream(&signature).map_err(|_| Unverified::Signature)?;
        for part in message {
            stream.update(part);
        }
        stream.finalize_and_verify().map_err(|_| Unverified::Signature)
    }
}

/// An ed25519 key that signs. Never shown, never logged; overwritten when it is dropped.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.public.id())
    }
}

impl SigningKey {
    /// The key of a seed: 32 bytes that nobody could predict.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let bytes = secret.verifying_key().to_bytes().to_vec();
        Self { secret, public: PublicKey { algorithm: Algorithm::ED25519, bytes } }
    }

    /// The private key as text, for the file it is kept in. Whoever reads it can sign.
    #[must_use]
    pub fn secret_text(&self) -> String {
        format!("{SECRET_PREFIX}{}", hex::encode(self.secret.to_bytes()))
    }

    /// Reads what [`SigningKey::secret_text`] wrote; white space around it is fine.
    ///
    /// # Errors
    /// [`BadKey`] if it is something else. The message does not repeat it.
    pub fn parse_secret(text: &str) -> Result<Self, BadKey> {
        const FORM: BadKey = BadKey("a signing key of this program: rescind-signing-key/1:ed25519: and 64 digits");
        let digits = text.trim().strip_prefix(SECRET_PREFIX).ok_or(FORM)?;
        let mut seed = [0; 32];
        hex::decode_to_slice(digits, &mut seed).map_err(|_| FORM)?;
        Ok(Self::from_seed(seed))
    }
}

impl Signer for SigningKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
        Ok(self.secret.sign(&message.concat()).to_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text_and_says_nothing_secret() {
        let key = SigningKey::from_seed([7; 32]);
        assert_eq!(PublicKey::parse(&key.public().to_string()), Ok(key.public().clone()));
        let again = SigningKey::parse_secret(&format!("{}\n", key.secret_text())).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(!format!("{key:?}").contains(&hex::encode([7; 32])));
        let module = PublicKey::new(Algorithm(-65_600), &[4; 65]).unwrap();
        assert_eq!(PublicKey::parse(&module.to_string()), Ok(module));
        for bad in
            ["", "ed25519:", "ed25519:00", "rsa:00", "cose:00", "cose-1:", &format!("cose-1:{}", "0".repeat(300))]
        {
            assert!(PublicKey::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "rescind-signing-key/1:ed25519:00", &hex::encode([7; 32])] {
            assert!(SigningKey::parse_secret(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_weak_key_is_no_key() {
        // The neutral element: with it, a signature can be made that holds for any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(PublicKey::new(Algorithm::ED25519, &neutral).is_err());
    }

    #[test]
    fn a_message_is_what_its_parts_are_together() {
        let key = SigningKey::from_seed([7; 32]);
        let signature = key.sign(&[b"ab", b"", b"c"]).unwrap();
        assert_eq!(Ed25519.verify(key.public(), &[b"abc"], &signature), Ok(()));
        assert_eq!(Ed25519.verify(key.public(), &[b"a", b"bc"], &signature), Ok(()));
        assert_eq!(Ed25519.verify(key.public(), &[b"abd"], &signature), Err(Unverified::Signature));
        assert_eq!(Ed25519.verify(key.public(), &[b"abc"], &signature[1..]), Err(Unverified::Signature));
        let other = PublicKey::new(Algorithm(-65_600), key.public().bytes()).unwrap();
        assert_eq!(Ed25519.verify(&other, &[b"abc"], &signature), Err(Unverified::Algorithm(Algorithm(-65_600))));
    }
}
