//! What the journal says of each sale: how far it went, and what was done to it here.
//!
//! It is read from the journal when the terminal is opened and follows every record from there, so it holds what is on the
//! disk and nothing else. What the server acknowledged is forgotten together with its records: the server knows it.

use crate::error::TerminalError;
use crate::limits;
use rescind_journal::{Entry, OperationResult, Record, SalesForwarded, StoredOperation, StoredSale};
use rescind_model::{Balance, Forwarding, Instant, Money, OfflineEffect, OperationId, Sale, SaleId, SaleOutcome, Way};
use std::collections::HashMap;

/// A sale as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) sale: Sale,
    pub(crate) outcome: SaleOutcome,
    pub(crate) forwarding: Forwarding,
}

/// An operation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) operation: StoredOperation,
    pub(crate) at: Instant,
    pub(crate) result: Option<OperationResult>,
}

impl Begun {
    /// Whether it cancelled its sale for good.
    fn is_done(&self) -> bool {
        match self.result {
            None => self.operation.effect == OfflineEffect::CancelsLocally,
            Some(result) => result == OperationResult::Done,
        }
    }

    /// Whether it holds its amount: it waits for the server, or nobody knows.
    fn is_open(&self) -> bool {
        match self.result {
            None => self.operation.effect == OfflineEffect::Queued,
            Some(result) => result == OperationResult::Unknown,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Book {
    sales: HashMap<SaleId, Stored>,
    operations: HashMap<SaleId, Vec<Begun>>,
    sale_of: HashMap<OperationId, SaleId>,
}

impl Book {
    /// Follows a record.
    pub(crate) fn follow(&mut self, record: &Record) {
        match &record.entry {
            Entry::Sale(stored) => self.sale_stored(stored),
            Entry::Operation(operation) => {
                self.sale_of.insert(operation.id.clone(), operation.sale.clone());
                let begun = Begun { operation: operation.as_ref().clone(), at: record.at, result: None };
                self.operations.entry(operation.sale.clone()).or_default().push(begun);
            }
            Entry::Outcome(outcome) => {
                let begun = self.sale_of.get(&outcome.operation).and_then(|sale| self.operations.get_mut(sale));
                let begun = begun.and_then(|all| all.iter_mut().find(|begun| begun.operation.id == outcome.operation));
                if let Some(begun) = begun {
                    begun.result = Some(outcome.result);
                }
            }
            Entry::Forwarding(SalesForwarded { sales, state }) => {
                for sale in sales {
                    if let Some(stored) = self.sales.get_mut(sale) {
                        stored.forwarding = farther(stored.forwarding, *state);
                    }
                }
            }
            Entry::Decision(_) | Entry::Anchor(_) | Entry::Bundle(_) | Entry::Incident(_) => {}
        }
    }

    fn sale_stored(&mut self, stored: &StoredSale) {
        let StoredSale { sale, outcome } = stored;
        // Told again, its outcome may be another; how far it went is not.
        let forwarding = self.sales.get(&sale.id).map_or(Forwarding::Kept, |before| before.forwarding);
        self.sales.insert(sale.id.clone(), Stored { sale: sale.clone(), outcome: *outcome, forwarding });
    }

    pub(crate) fn sale(&self, id: &SaleId) -> Option<&Stored> {
        self.sales.get(id)
    }

    pub(crate) fn operations(&self, sale: &SaleId) -> &[Begun] {
        self.operations.get(sale).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn operation(&self, id: &OperationId) -> Option<&Begun> {
        let sale = self.sale_of.get(id)?;
        self.operations(sale).iter().find(|begun| begun.operation.id == *id)
    }

    /// Whether a void here cancelled the sale: it must not leave the terminal as a sale any more.
    pub(crate) fn is_cancelled(&self, sale: &SaleId) -> bool {
        self.operations(sale).iter().any(|begun| begun.operation.way == Way::Void && begun.is_done())
    }

    /// Fails if no more may be done to a sale.
    pub(crate) fn must_have_room(&self, sale: &SaleId) -> Result<(), TerminalError> {
        if self.operations(sale).len() < limits::OPERATIONS {
            return Ok(());
        }
        Err(TerminalError::Conflict(format!("64 operations were begun on sale {sale}: let the server see them first")))
    }

    /// How many operations were begun here on a business day, of one way and not taken back.
    pub(crate) fn begun_on(&self, day: rescind_model::BusinessDay, way: Way) -> u32 {
        let begun = self.operations.values().flatten();
        let counted = begun.filter(|begun| {
            let ended = matches!(begun.result, Some(OperationResult::Failed | OperationResult::Withdrawn));
            begun.operation.day == day && begun.operation.way == way && !ended
        });
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }

    /// What is spoken for of a sale: what was told of it, and what was begun here since.
    pub(crate) fn balance(&self, sale: &Sale, told: Option<&Balance>) -> Result<Balance, TerminalError> {
        let zero = sale.captured.zero_like();
        let mut balance = told.cloned().unwrap_or_else(|| Balance {
            cleared: zero.clone(),
            voided: zero.clone(),
            reserved: zero.clone(),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: zero.clone(),
            coupon_returned: zero.clone(),
            operation_open: false,
            requested: zero,
        });
        for begun in self.operations(&sale.id) {
            add(&mut balance, begun)?;
        }
        Ok(balance)
    }
}

/// The farther of two.
fn farther(one: Forwarding, other: Forwarding) -> Forwarding {
    match (one, other) {
        (Forwarding::Forwarded, _) | (_, Forwarding::Forwarded) => Forwarding::Forwarded,
        (Forwarding::PerhapsSent, _) | (_, Forwarding::PerhapsSent) => Forwarding::PerhapsSent,
        (Forwarding::Kept, Forwarding::Kept) => Forwarding::Kept,
    }
}

fn add(balance: &mut Balance, begun: &Begun) -> Result<(), TerminalError> {
    let amount = &begun.operation.amount;
    let plus = |sum: &Money| sum.plus(amount).map_err(|error| TerminalError::Conflict(error.to_string()));
    match (begun.operation.way, begun.is_done(), begun.is_open()) {
        (Way::Void, true, _) => balance.voided = plus(&balance.voided)?,
        (Way::Void, _, true) => {
            balance.reserved = plus(&balance.reserved)?;
            balance.void_open = true;
        }
        (Way::Refund, done, open) if done || open => {
            if done {
                balance.cleared = plus(&balance.cleared)?;
                balance.refunds_sent = balance.refunds_sent.saturating_add(1);
            } else {
                balance.reserved = plus(&balance.reserved)?;
            }
            balance.requested = plus(&balance.requested)?;
            balance.refunds_counted = balance.refunds_counted.saturating_add(1);
            balance.last_refund_at = balance.last_refund_at.max(Some(begun.at));
        }
        (Way::Reversal | Way::OrderClose | Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid, _, true) => {
            balance.operation_open = true;
        }
        _ => {}
    }
    Ok(())
}
