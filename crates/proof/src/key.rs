//! Who signs proofs: one key of a deployment at a time, then its successor.

use crate::proof::{Proof, Unsignable, text_of};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// Which key: the first 8 bytes of the SHA-256 of the public key. It finds a key; the signature proves it.
pub type KeyId = [u8; 8];

/// A public key, for checking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofKey {
    /// The ed25519 public key.
    pub public: [u8; 32],
    /// When a successor took over, in ms since the Unix epoch: what it signs from then on is not genuine.
    /// What it signed before holds until it expires.
    pub retired_at_unix_ms: Option<i64>,
}

impl ProofKey {
    /// Names the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest: [u8; 32] = Sha256::digest(self.public).into();
        let mut id = KeyId::default();
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        id
    }
}

/// A key that signs. Never shown, never logged.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// The key of a seed: 32 bytes that nobody could predict.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self, retired_at_unix_ms: Option<i64>) -> ProofKey {
        ProofKey { public: self.0.verifying_key().to_bytes(), retired_at_unix_ms }
    }

    /// A proof as a text.
    ///
    /// # Errors
    /// [`Unsignable`] for one that [`verify`](crate::verify) would refuse in any case.
    pub fn sign(&self, proof: &Proof) -> Result<alloc::string::String, Unsignable> {
        text_of(proof, self.public(None).id(), |message| self.0.sign(message).to_bytes())
    }

    /// Signs a challenge as an operator's device does: for tests, and for devices in Rust.
    #[must_use]
    pub fn sign_challenge(&self, challenge: &crate::Challenge<'_>) -> [u8; 64] {
        self.0.sign(challenge.text().as_bytes()).to_bytes()
    }
}
