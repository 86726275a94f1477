//! Reviewers' systems: a signed webhook approves or declines in the name of a person they vouch for.

use crate::app::App;
use crate::directory::Source;
use crate::error::Error;
use crate::limits::WEBHOOK_TOLERANCE;
use crate::ports::Ports;
use crate::principal::{Bearer, Grant, Principal};
use crate::refund::RefundChange;
use crate::sale::Aggregate;
use crate::store::key::Key;
use rescind_model::{CommandId, Digest, RefundId, SealHeaders};

/// What a reviewers' system says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// About which refund.
    pub refund: RefundId,
    /// Its own name for the person.
    pub principal: String,
    /// Yes or no.
    pub approve: bool,
    /// The revision the person saw.
    pub revision: Option<u32>,
    /// The digest the person saw.
    pub digest: Option<Digest>,
    /// Why not.
    pub reason: Option<String>,
}

impl<P: Ports> App<P> {
    /// The system a webhook comes from, once its signature and time are verified.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an unknown or revoked source, a stale or tampered message: the same for all.
    pub async fn review_source(&self, source: &str, headers: &SealHeaders, body: &[u8]) -> Result<Source, Error> {
        let found = self.records().await?.read::<Source>(&Key::source(source)).await?;
        let found = found.filter(|s| s.revoked_at.is_none()).ok_or(Error::Unauthenticated)?;
        self.ports
            .verify(core::slice::from_ref(&found.secret), headers, body, self.ports.now(), WEBHOOK_TOLERANCE)
            .map_err(|_| Error::Unauthenticated)?;
        Ok(found)
    }

    /// Carries a verified verdict out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a principal that maps to nobody; the ledger's rejections.
    pub async fn apply_verdict(
        &self,
        source: &Source,
        verdict: &Verdict,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        let unknown = || Error::Forbidden("the principal is not mapped to an approver".to_owned());
        let person = source.principals.get(&verdict.principal).ok_or_else(unknown)?;
        let acting = self.person_at("/principal", person, &source.merchant).await.map_err(|_| unknown())?;
        // The same rights as with a key of the person's own.
        let who = Principal {
            key: source.id.clone(),
            bearer: Bearer::Person { person: person.clone() },
            grants: vec![Grant { merchant: source.merchant.clone(), roles: acting.roles }],
        };
        let change = if verdict.approve {
            RefundChange::Approve { revision: verdict.revision, digest: verdict.digest.clone() }
        } else {
            RefundChange::Decline { reason: verdict.reason.clone().unwrap_or_default() }
        };
        self.change_refund(&who, &source.merchant, &verdict.refund, change, command).await
    }
}
