//! Idempotency: one record per merchant and key, made before any effect. It holds the digest of what was asked, the
//! command that carries it out, and in the end the answer. The command's id follows from merchant and key alone, so a
//! retry, by whichever instance, is the same command; a ledger that holds it already is never changed by it again.

use crate::app::App;
use crate::error::Error;
use crate::limits::{IDEMPOTENCY_KEY_BYTES, IDEMPOTENCY_LEASE, SWAP_ATTEMPTS};
use crate::planted::{Mistake, made};
use crate::ports::Ports;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::{Commit, Record};
use rescind_model::{CommandId, Digest, Instant, MerchantId, RefundId, SaleId};
use serde::{Deserialize, Serialize};

/// An answer as it was first given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON text. Problem details if the status is 400 or more.
    pub body: String,
}

/// The record of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// What was asked; absent after it was given up without effect.
    pub(crate) payload: Option<Digest>,
    /// Who works on it: a random text.
    owner: String,
    /// Since when.
    pub(crate) claimed_at: Instant,
    /// The first answer.
    pub(crate) answer: Option<Answer>,
}

impl Record for Claim {
    const FORMAT: &'static str = "idempotency/1";
    fn holds(&self, id: &str) -> bool {
        self.owner == id || self.answer.as_ref().is_some_and(|answer| answer.proof() == id)
    }
}

impl Answer {
    /// The id under which the write of this answer, and of no other, is proved.
    fn proof(&self) -> String {
        format!("answered {} {}", self.status, Digest::of(self.body.as_bytes()))
    }
}

/// Where a command will be found once it was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// In this sale.
    Sale(SaleId),
    /// In the sale of this refund.
    Refund(RefundId),
}

/// The right to carry a command out.
#[derive(Debug)]
pub struct Ticket {
    key: Key,
    owner: String,
    command: CommandId,
    merchant: MerchantId,
    subject: Option<Subject>,
    /// Whether nobody had claimed the key for this request before: what an earlier claimant did is not known.
    first: bool,
}

impl Ticket {
    /// The command's id.
    #[must_use]
    pub fn command(&self) -> &CommandId {
        &self.command
    }
}

/// What to do about a request.
#[derive(Debug)]
pub enum Begin {
    /// Carry it out.
    Fresh(Ticket),
    /// It was carried out: this was the answer.
    Replay(Answer),
}

impl<P: Ports> App<P> {
    /// Claims a key for a request.
    ///
    /// # Errors
    /// [`Error::KeyReused`] for another payload, [`Error::KeyInFlight`] while the first request is under way,
    /// [`Error::Malformed`] for a key that is not one.
    pub async fn begin(
        &self,
        merchant: &MerchantId,
        key: &str,
        payload: &Digest,
        subject: Option<&Subject>,
    ) -> Result<Begin, Error> {
        if key.is_empty()
            || key.len() > IDEMPOTENCY_KEY_BYTES
            || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        {
            return Err(Error::Malformed {
                field: "Idempotency-Key".to_owned(),
                message: format!("expected 1 to {IDEMPOTENCY_KEY_BYTES} printable ASCII characters"),
            });
        }
        let records = self.records().await?;
        let place = Key::idempotency(merchant, key).checked()?;
        let command = CommandId { value: format!("c-{}", short(&Digest::of(place.as_str().as_bytes()))) };
        let owner = self.random_hex(32);
        let ticket = |owner: String, first: bool| Ticket {
            key: place.clone(),
            owner,
            first,
            command: command.clone(),
            merchant: merchant.clone(),
            subject: subject.cloned(),
        };
        if made(Mistake::ForgetKey) {
            let command = CommandId { value: format!("c-{}", self.random_hex(32)) };
            return Ok(Begin::Fresh(Ticket { command, ..ticket(owner, true) }));
        }
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Claim>(&place).await?;
            let now = self.ports.now();
            if let Some(claim) = &slot.value {
                if claim.payload.as_ref().is_some_and(|p| p != payload) {
                    return Err(Error::KeyReused);
                }
                if let Some(answer) = &claim.answer {
                    return Ok(Begin::Replay(answer.clone()));
                }
                let alive = claim.payload.is_some() && now.since(claim.claimed_at) <= IDEMPOTENCY_LEASE;
                if alive && !self.committed(&ticket(String::new(), false)).await? {
                    return Err(Error::KeyInFlight);
                }
            }
            let first = slot.value.as_ref().is_none_or(|c| c.payload.is_none());
            let next = Claim { payload: Some(payload.clone()), owner: owner.clone(), claimed_at: now, answer: None };
            if records.commit(slot, &next, &owner, self.unique()).await? == Commit::Written {
                return Ok(Begin::Fresh(ticket(owner, first)));
            }
        }
        Err(Error::KeyInFlight)
    }

    /// Keeps the first answer, and gives the one that is kept: a request that took over may have been first, and whoever asked
    /// under the key is to be told the same.
    ///
    /// # Errors
    /// The store's: the command took place, only the record of its answer is missing; a retry finds the command.
    pub async fn finish(&self, ticket: Ticket, answer: &Answer) -> Result<Answer, Error> {
        if made(Mistake::ForgetKey) {
            return Ok(answer.clone());
        }
        let records = self.records().await?;
        let now = self.ports.now();
        records
            .update::<Claim, _, _>(&ticket.key, &answer.proof(), self.unique(), |claim| {
                // It was claimed: who does not see that sees what was before, and proves nothing.
                let claim = claim.ok_or_else(|| Error::Unavailable("a claim is not seen yet".to_owned()))?;
                if let Some(kept) = &claim.answer {
                    return Ok((None, kept.clone()));
                }
                let next = Claim { answer: Some(answer.clone()), claimed_at: now, ..claim.clone() };
                Ok((Some(next), answer.clone()))
            })
            .await
    }

    /// Gives a key back after an error. After a bad request nothing took place, and the key may be used again, for another
    /// request too. After a failure nothing is known: the same request may come back at once, another one never.
    ///
    /// # Errors
    /// The store's: the key is then free after its lease.
    pub async fn abandon(&self, ticket: Ticket, error: &Error) -> Result<(), Error> {
        let failure = matches!(error, Error::Unavailable(_) | Error::StoreRefused(_) | Error::Internal(_));
        let records = self.records().await?;
        let mark = self.random_hex(32);
        records
            .update::<Claim, _, _>(&ticket.key, &mark, self.unique(), |claim| {
                let mine = claim.filter(|c| c.owner == ticket.owner && c.answer.is_none());
                let next = |c: &Claim| Claim {
                    payload: c.payload.clone().filter(|_| failure || !ticket.first),
                    owner: mark.clone(),
                    claimed_at: Instant { unix_ms: 0 },
                    answer: None,
                };
                Ok((mine.map(next), ()))
            })
            .await
    }

    /// Whether an earlier request under the key carried the command out, and only its answer is missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn carried_out_before(&self, ticket: &Ticket) -> Result<bool, Error> {
        Ok(!ticket.first && self.committed(ticket).await?)
    }

    async fn committed(&self, ticket: &Ticket) -> Result<bool, Error> {
        let Some(subject) = &ticket.subject else { return Ok(false) };
        let sale = match self.sale_of_subject(&ticket.merchant, subject).await {
            Err(Error::NotFound(_)) => return Ok(false),
            found => found?,
        };
        let aggregate = self.records().await?.read::<Aggregate>(&Key::sale(&ticket.merchant, &sale)).await?;
        Ok(aggregate.is_some_and(|a| a.holds(ticket.command.as_str())))
    }

    pub(crate) async fn sale_of_subject(&self, merchant: &MerchantId, subject: &Subject) -> Result<SaleId, Error> {
        match subject {
            Subject::Sale(sale) => Ok(sale.clone()),
            Subject::Refund(refund) => self.sale_of_refund(merchant, refund).await,
        }
    }
}

/// The first 32 digits: 128 bits.
pub(crate) fn short(digest: &Digest) -> String {
    digest.as_str().chars().take(32).collect()
}
