//! What the courier does next for an operation: follows from the ledger alone, so that courier and ledger cannot disagree.

use crate::{Channel, Executor, Ledger, Operation, OperationState, SaleOutcome, Way};

/// What is to be done with the provider for an operation whose `due-at` has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask what became of the sale. If it is good, `report` the operation `failed` with that evidence: the sale stands. If
    /// the provider says that it was not paid and cannot be any more, `report` it `done`. Otherwise `record-query`.
    AskForSale,
    /// `record-sent`, then send under the provider reference, for the first time or again. Without an answer: `report`
    /// `unknown`, or `record-query` if it is unknown already.
    Send,
    /// Ask what became of the operation under its provider reference; if the provider has never seen it, send it again.
    /// Without an answer: `report` `unknown`, or `record-query` if it is unknown already.
    AskForOperation,
}

/// The next step of an operation, whenever it is due; nothing while it is its terminal's, and once it has ended.
#[must_use]
pub fn next_step(operation: &Operation, ledger: &Ledger) -> Option<Step> {
    let terminals = operation.executor == Executor::Terminal;
    match operation.state {
        OperationState::Done | OperationState::Failed => None,
        OperationState::Authorised | OperationState::Sent if terminals => None,
        OperationState::Authorised if asks_first(operation, ledger) => Some(Step::AskForSale),
        OperationState::Authorised => Some(Step::Send),
        // Stored and forwarded: a reversal is sent until it is answered (0420, 0421).
        OperationState::Sent | OperationState::Unknown if operation.kind == Way::Reversal => Some(Step::Send),
        OperationState::Sent | OperationState::Unknown => Some(Step::AskForOperation),
    }
}

/// Whether the courier still has to ask for the sale before it may send the operation.
///
/// `DOMAIN.md` §5.2: an unknown card sale is reversed at once; an unknown payment by code is asked for on the network's
/// schedule, then closed or reversed. What a terminal carries out, it asks for itself.
#[must_use]
pub fn asks_first(operation: &Operation, ledger: &Ledger) -> bool {
    operation.executor == Executor::Courier
        && operation.state == OperationState::Authorised
        && needs_asking(operation.kind, ledger)
        && usize::try_from(operation.queries).unwrap_or(usize::MAX) < operation.schedule.len()
}

/// Whether an operation of this kind, authorised now, undoes a payment by code that nobody knows the outcome of.
#[must_use]
pub fn needs_asking(kind: Way, ledger: &Ledger) -> bool {
    matches!(kind, Way::Reversal | Way::OrderClose)
        && ledger.status.outcome == SaleOutcome::Unknown
        && ledger.sale.channel == Channel::PaymentCode
}
