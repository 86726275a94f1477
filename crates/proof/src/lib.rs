//! Operators' proofs: that a person at a till showed who they are, for one operation and for a short while.
//!
//! A proof is a text that the gateway signs (ed25519) after it checked an operator's PIN or the signature of their device.
//! It names the person and the digest of the *one* operation it was given for, so whoever copies it can do nothing else
//! with it. Everybody who knows the public keys can check it, also a terminal without a line: [`verify`] is a pure
//! function of text, keys and time. There is no clock, no chance and no store in this crate.
//!
//! | file | idea |
//! |---|---|
//! | `operation` | what an operation is, as one digest that both sides compute |
//! | `proof` | the proof, its text, signing and checking |
//! | `key` | who signs: the key of a deployment, and its successors |
//! | `challenge` | what an operator's own device signs instead of a PIN |
//! | `wire` | texts and numbers as bytes that cannot run into each other |
//!
//! ```
//! use rescind_proof::{Authenticated, Method, Operation, Proof, SigningKey, operation_digest, verify};
//!
//! let key = SigningKey::from_seed([7; 32]);
//! let digest = operation_digest(&Operation {
//!     merchant: "M-1",
//!     sale: "S-1",
//!     way: "void",
//!     minor: 10_000,
//!     currency: "CNY",
//!     reason: Some("wrong-amount"),
//!     terminal: Some("T1"),
//!     holder: "terminal",
//!     penalty: false,
//!     order: None,
//!     case: None,
//!     fees: None,
//! });
//! let by = Authenticated { method: Method::Pin, at_unix_ms: 1_000 };
//! let proof = Proof {
//!     merchant: "M-1".into(),
//!     terminal: Some("T1".into()),
//!     person: "li".into(),
//!     operator: "07".into(),
//!     roles: vec!["supervisor".into()],
//!     authenticated: by,
//!     expires_at_unix_ms: 121_000,
//!     operation: digest,
//! };
//! let text = key.sign(&proof).expect("it fits");
//! let seen = verify(&text, &[key.public(None)], 60_000, 0).expect("it is genuine and fresh");
//! seen.must_be_for(&digest).expect("and for this operation");
//! assert_eq!(seen, proof);
//! ```

#![no_std]

extern crate alloc;

mod challenge;
mod key;
mod operation;
mod proof;
mod wire;

pub use challenge::{Challenge, ShownOperation, device_signed, is_device_key};
pub use key::{KeyId, ProofKey, SigningKey};
pub use operation::{Operation, OperationDigest, SeenFee, operation_digest};
pub use proof::{Authenticated, MAX_BYTES, MAX_LIFETIME_MS, Method, PREFIX, Proof, ProofError, Unsignable, verify};
