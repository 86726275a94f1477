//! The `Operator-Proof` header, and the keys that such proofs are checked with.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::ports::Ports;
use crate::proof::{PublishedKey, ShownProof};
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;

/// The header's name, as errors and documents write it.
pub const OPERATOR_PROOF: &str = "Operator-Proof";

// In a header, because it is not a part of what is asked: the same request with a newer proof is the same request, under
// the same idempotency key.
impl<S: Send + Sync> FromRequestParts<S> for ShownProof {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(OPERATOR_PROOF).iter();
        let malformed = || Error::Malformed {
            field: OPERATOR_PROOF.to_owned(),
            message: "expected one proof or session token".to_owned(),
        };
        match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(one), None) if one.len() <= rescind_proof::MAX_BYTES => {
                let text = one.to_str().map_err(|_| malformed())?;
                Ok(Self(Some(text.to_owned())))
            }
            _ => Err(malformed().into()),
        }
    }
}

/// A public key that proofs are checked with.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofKey {
    /// The first 8 bytes of the SHA-256 of the public key, as hexadecimal digits: proofs name their key so.
    id: String,
    /// Always `ed25519`.
    algorithm: &'static str,
    /// The public key: 32 bytes as base64url without padding.
    public_key: String,
    /// Since when it signs.
    created_at: Time,
    /// Since when its successor does. What it signed before then holds until it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<Time>,
}

fn listing(keys: Vec<PublishedKey>) -> Listing<ProofKey> {
    let items = keys
        .into_iter()
        .map(|key| ProofKey {
            id: key.id,
            algorithm: "ed25519",
            public_key: URL_SAFE_NO_PAD.encode(key.public),
            created_at: Time(key.created_at),
            retired_at: key.retired_at.map(Time),
        })
        .collect();
    Listing { items, next: None }
}

/// `GET /v1/proof-keys`
pub async fn keys<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    caller.general(&[])?;
    answer::json(StatusCode::OK, &listing(app.proof_keys().await?))
}

/// `POST /v1/proof-keys/rotations`
pub async fn rotate<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::CREATED, &listing(app.rotate_proof_keys(&who).await?))
}
