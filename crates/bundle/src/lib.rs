//! The signed bundle: everything that a terminal decides with, in one file that is checked before anything of it is used.
//!
//! A bundle holds the eligibility component translated for one target, the policies of the classes of terminals, the keys
//! that check operators' proofs, and when all of that holds. Around it is a signature in a `COSE_Sign1` envelope. It is a
//! pure function of bytes, keys and time whether a bundle is taken: [`verify`] checks everything and only then gives out
//! parts, as slices of the very bytes it checked. Nothing is allocated by a length that was only read.
//!
//! | file | idea |
//! |---|---|
//! | `key` | who signs and who checks: ed25519 here, a security module behind two traits |
//! | `cose` | the envelope around everything that is signed |
//! | `trust` | whom a terminal believes, and how that changes while terminals are away |
//! | `content` | what a bundle says |
//! | `draft` | a bundle on its way to the key that signs it |
//! | `engines` | the engines that terminals have, or had |
//! | `verified` | checking a bundle |
//! | `inspect` | what stands in a bundle, for people |
//! | `store`, `disk` | two slots that survive a power loss, and what they need of a disk |
//! | `wire` | CBOR, read within limits |
//!
//! ```
//! use rescind_bundle::{
//!     ClassPolicy, Content, Ed25519, Engine, Refusal, Signer, SigningKey, Times, Trust, verify,
//! };
//!
//! let key = SigningKey::from_seed([7; 32]);
//! let trust = Trust::first("lakala-north", key.public().clone());
//! let engine = Engine { target: "pulley64".into(), wasmtime: "48.0.0".into(), profile: [1; 32] };
//! let content = Content {
//!     name: "lakala-north".into(),
//!     version: 1,
//!     target: "pulley64".into(),
//!     wasmtime: "48.0.0".into(),
//!     profile: [1; 32],
//!     component: [2; 32],
//!     code: b"translated".to_vec(),
//!     policies: vec![ClassPolicy { class: None, canonical: b"{}".to_vec() }],
//!     proof_keys: vec![],
//!     times: Times { not_before: 1_000, expires: 9_000, made_at: 1_000, server_time: 1_500 },
//! };
//! let bytes = content.sign(&[], &key).expect("terminals would take it");
//!
//! let bundle = verify(bytes.clone(), &trust, 2_000, None, &engine, &Ed25519).expect("it is genuine and holds");
//! assert_eq!(bundle.code(), b"translated");
//!
//! let late = verify(bytes, &trust, 9_000, None, &engine, &Ed25519).expect_err("its time is over");
//! assert_eq!(late, Refusal::Expired { expires: 9_000, now: 9_000 });
//! ```

mod content;
pub mod cose;
#[cfg(feature = "store")]
mod disk;
mod draft;
pub mod engines;
#[cfg(feature = "inspect")]
mod inspect;
mod key;
pub mod limits;
#[cfg(feature = "store")]
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
mod trust;
mod verified;
pub mod wire;

pub use content::{ClassPolicy, Content, Times, Unsignable};
#[cfg(feature = "store")]
pub use disk::{Disk, Folder};
pub use draft::Draft;
#[cfg(feature = "inspect")]
pub use inspect::{
    InspectedChange, InspectedProofKey, Inspection, Part, check, inspect, inspect_change, inspect_draft,
};
pub use key::{Algorithm, BadKey, Ed25519, KeyId, PublicKey, SignFailed, Signer, SigningKey, Unverified, Verifier};
pub use rescind_proof::ProofKey;
#[cfg(feature = "store")]
pub use store::{Slot, Store, StoreError, Update};
pub use trust::{BadChange, BrokenChange, Trust};
pub use verified::{Engine, Installed, Refusal, Verified, verify, verify_genuine, verify_installed};
