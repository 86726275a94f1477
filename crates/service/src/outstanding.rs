//! Reversals that a terminal still owes. `DOMAIN.md` §5.2: an unknown card sale is reversed at once, stored and forwarded,
//! *before the terminal's next transaction*.
//!
//! The list of a terminal only says where to look: it is written before the reversal is authorised, and each entry is
//! checked against its payment's ledger. So an entry whose reversal never came through holds nothing up, none is lost,
//! and what was reported is dropped by whoever looks next.

use crate::app::App;
use crate::error::Error;
use crate::limits::{INTENT_PATIENCE, OUTSTANDING};
use crate::ports::Ports;
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use rescind_model::{
    Decision, Executor, Instant, Ledger, MerchantId, OperationId, OperationState, SaleId, SaleOutcome, TerminalId, Way,
};
use serde::{Deserialize, Serialize};

/// A reversal that a terminal was told to carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owed {
    sale: SaleId,
    operation: OperationId,
    /// When it was written down.
    at: Instant,
}

/// All of them at one terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outstanding {
    owed: Vec<Owed>,
    /// Proves a change that added nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    mark: String,
}

impl Record for Outstanding {
    const FORMAT: &'static str = "outstanding/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id || self.owed.iter().any(|o| o.operation.as_str() == id)
    }
}

/// Whether an operation, authorised by this decision, has to be done before its terminal sells again: it undoes a payment
/// that may have been captured, and the terminal carries it out.
pub(crate) fn holds_up(ledger: &Ledger, decision: &Decision) -> bool {
    decision.obligations.executor == Executor::Terminal
        && matches!(decision.way, Way::Reversal | Way::OrderClose)
        && ledger.status.outcome == SaleOutcome::Unknown
}

/// What a ledger says of an entry.
enum Standing {
    /// The terminal has not said what became of it.
    Owed,
    /// It was reported, or never authorised.
    Over,
    /// Its commit may be under way.
    Open,
}

impl Owed {
    fn standing(&self, aggregate: Option<&Aggregate>, now: Instant) -> Standing {
        let operation = aggregate.and_then(|a| a.ledger.operations.iter().find(|o| o.id == self.operation));
        match operation.map(|o| o.state) {
            Some(OperationState::Authorised | OperationState::Sent) => Standing::Owed,
            // Once the terminal has said that it does not know, the courier finds out.
            Some(OperationState::Unknown | OperationState::Done | OperationState::Failed) => Standing::Over,
            None if now.since(self.at) > INTENT_PATIENCE => Standing::Over,
            None => Standing::Open,
        }
    }
}

impl<P: Ports> App<P> {
    /// Writes down that a terminal is about to owe a reversal.
    ///
    /// # Errors
    /// The list is full: [`Error::ReversalOutstanding`] with the first that the terminal has to report before it begins
    /// another, or [`Error::Unavailable`] where all of it may still be under way. One that is not in the list would not hold
    /// the terminal up once the others are reported.
    pub(crate) async fn note_outstanding(
        &self,
        merchant: &MerchantId,
        terminal: &TerminalId,
        sale: &SaleId,
        operation: &OperationId,
        now: Instant,
    ) -> Result<(), Error> {
        let owed = Owed { sale: sale.clone(), operation: operation.clone(), at: now };
        let key = Key::outstanding(merchant, terminal).checked()?;
        let records = self.records().await?;
        let mut first = None;
        if records.read::<Outstanding>(&key).await?.is_some_and(|there| there.owed.len() >= OUTSTANDING) {
            // What is over makes room.
            first = self.prune_outstanding(merchant, &key).await?;
        }
        records
            .update::<Outstanding, _, _>(&key, operation.as_str(), self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if next.owed.contains(&owed) {
                    return Ok((None, ()));
                }
                next.owed.retain(|o| o.operation != owed.operation);
                if next.owed.len() >= OUTSTANDING {
                    let under_way =
                        || Error::Unavailable("too many reversals of one terminal are under way".to_owned());
                    return Err(first.clone().map_or_else(under_way, Error::ReversalOutstanding));
                }
                next.owed.push(owed.clone());
                Ok((Some(next), ()))
            })
            .await
    }

    /// Fails while a terminal owes a reversal. Drops what is over.
    ///
    /// # Errors
    /// [`Error::ReversalOutstanding`] with the operation.
    pub(crate) async fn must_owe_nothing(&self, merchant: &MerchantId, terminal: &TerminalId) -> Result<(), Error> {
        let key = Key::outstanding(merchant, terminal).checked()?;
        let first = self.prune_outstanding(merchant, &key).await?;
        first.map_or(Ok(()), |operation| Err(Error::ReversalOutstanding(operation)))
    }

    /// Drops what is over; gives the first that is owed.
    async fn prune_outstanding(&self, merchant: &MerchantId, key: &Key) -> Result<Option<OperationId>, Error> {
        let records = self.records().await?;
        let Some(there) = records.read::<Outstanding>(key).await? else { return Ok(None) };
        let now = self.ports.now();
        let mut first = None;
        let mut over: Vec<Owed> = Vec::new();
        for owed in there.owed {
            let aggregate = records.read::<Aggregate>(&Key::sale(merchant, &owed.sale)).await?;
            match owed.standing(aggregate.as_ref(), now) {
                Standing::Owed => first = first.or(Some(owed.operation)),
                Standing::Over => over.push(owed),
                Standing::Open => {}
            }
        }
        if !over.is_empty() {
            let mark = self.random_hex(16);
            records
                .update::<Outstanding, _, _>(key, &mark, self.unique(), |there| {
                    let Some(mut next) = there.cloned() else { return Ok((None, ())) };
                    // One that was written down anew meanwhile stays.
                    next.owed.retain(|o| !over.contains(o));
                    next.mark.clone_from(&mark);
                    Ok((Some(next), ()))
                })
                .await?;
        }
        Ok(first)
    }
}
