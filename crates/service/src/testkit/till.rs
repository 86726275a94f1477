//! A till where an operator has just shown who they are: proofs for tests that are about something else.

use super::TestPorts;
use crate::app::App;
use crate::error::Error;
use crate::limits::PROOF_LIFETIME;
use rescind_model::{Instant, PersonId};
use rescind_proof::{Authenticated, Method, Operation, Proof, SigningKey, operation_digest};
use std::sync::Arc;

/// Signs proofs with the application's key, without asking its store.
#[derive(Debug, Clone)]
pub struct Till {
    signer: Arc<SigningKey>,
}

impl Till {
    /// A till of an application.
    ///
    /// # Errors
    /// The store's: the key is read, and made if there is none.
    pub async fn of(app: &App<TestPorts>) -> Result<Self, Error> {
        Ok(Self { signer: Arc::new(app.signer().await?) })
    }

    /// The proof of a person with a role for an operation, given at a time.
    ///
    /// # Errors
    /// A time or name that cannot be.
    pub fn proof(&self, at: Instant, person: &PersonId, role: &str, what: &Operation<'_>) -> Result<String, Error> {
        let internal = |why: String| Error::Internal(why);
        let expires = at.plus(PROOF_LIFETIME).map_err(|e| internal(e.to_string()))?;
        let proof = Proof {
            merchant: what.merchant.to_owned(),
            terminal: what.terminal.map(str::to_owned),
            person: person.to_string(),
            operator: "1".to_owned(),
            roles: vec![role.to_owned()],
            authenticated: Authenticated { method: Method::Pin, at_unix_ms: at.unix_ms },
            expires_at_unix_ms: expires.unix_ms,
            operation: operation_digest(what),
        };
        self.signer.sign(&proof).map_err(|e| internal(e.to_string()))
    }
}
