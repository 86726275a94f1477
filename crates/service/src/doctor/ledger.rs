//! One sale by itself: its sums, its history, and whether anything of it waits for nobody.

use super::finding::Code;
use crate::sale::Aggregate;
use rescind_model::standing::Standing;
use rescind_model::{
    Actor, Command, CommandId, Executor, Instant, Ledger, OperationState, RefundState, Rejection, Side, chain,
};
use std::collections::BTreeSet;

/// Everything that is wrong with a sale by itself. `version` counts the writes of its record.
pub(super) fn faults(aggregate: &Aggregate, version: u64, now: Instant) -> Vec<(Code, String)> {
    let ledger = &aggregate.ledger;
    let mut found = Vec::new();
    money(ledger, now, &mut found);
    if let Err(broken) = chain::verify(ledger, &aggregate.events) {
        found.push((Code::SaleChain, broken.to_string()));
    }
    if aggregate.commits != version {
        let what = format!("it counts {} changes, and was written {version} times", aggregate.commits);
        found.push((Code::SaleCommits, what));
    }
    consent(ledger, &mut found);
    limbo(ledger, &mut found);
    found
}

fn money(ledger: &Ledger, now: Instant, found: &mut Vec<(Code, String)>) {
    let captured = &ledger.sale.captured;
    match Standing::of(ledger) {
        Err(error) => found.push((Code::SaleConservation, error.to_string())),
        Ok(standing) => match standing.fee_returned.exceeds(&ledger.sale.fee_charged) {
            Ok(false) => {}
            Ok(true) => found.push((
                Code::SaleFees,
                format!("{} of {} given back", standing.fee_returned.minor, ledger.sale.fee_charged.minor),
            )),
            Err(error) => found.push((Code::SaleFees, error.to_string())),
        },
    }
    let refunds = ledger.refunds.iter().map(|refund| (refund.id.as_str(), &refund.request.amount));
    let voids = ledger.voids.iter().map(|void| (void.id.as_str(), &void.amount));
    let operations = ledger.operations.iter().map(|operation| (operation.id.as_str(), &operation.amount));
    for (id, amount) in refunds.chain(voids).chain(operations) {
        if amount.minor <= 0 || amount.currency != captured.currency {
            let what = format!("{id} is over {} minor units of {}", amount.minor, amount.currency);
            found.push((Code::SaleConservation, what));
        }
    }
    let mut expected = 0_u64;
    for entry in &ledger.entries {
        expected = expected.saturating_add(1);
        if entry.sequence != expected {
            found.push((Code::SalePostings, format!("expected entry {expected}, found entry {}", entry.sequence)));
            break;
        }
        let sum = entry.postings.iter().fold(0_i128, |sum, line| {
            let minor = i128::from(line.amount.minor);
            if line.side == Side::Debit { sum.saturating_add(minor) } else { sum.saturating_sub(minor) }
        });
        let odd = entry.postings.iter().any(|line| line.amount.currency != captured.currency);
        if sum != 0 || odd {
            let what = format!("entry {} ({}) is out of balance by {sum} minor units", entry.sequence, entry.what);
            found.push((Code::SalePostings, what));
        }
    }
    // Whatever else the transitions hold against a ledger before they change it.
    if found.is_empty() {
        let command = CommandId { value: "doctor".to_owned() };
        let tried = rescind_refunds::apply(ledger, &Command::PassTime, &Actor::System, &command, now);
        if let Err(Rejection::Invalid(why)) = tried
            && why.starts_with("ledger")
        {
            found.push((Code::SaleConservation, why));
        }
    }
}

/// INVARIANT (*consent*, `DOMAIN.md` §10): no clearing without the approvals the plan demanded, of the revision that clears.
fn consent(ledger: &Ledger, found: &mut Vec<(Code, String)>) {
    for refund in &ledger.refunds {
        let gone = matches!(refund.state, RefundState::Clearing | RefundState::Unknown | RefundState::Cleared);
        let agreed = refund.approvals.iter().filter(|a| a.revision == refund.revision && a.digest == refund.digest);
        let persons: BTreeSet<&str> = agreed.map(|approval| approval.by.as_str()).collect();
        let needed = usize::try_from(refund.plan.needed).unwrap_or(usize::MAX);
        if gone && persons.len() < needed {
            let what = format!("{} needs {needed} approvals and has {}", refund.id, persons.len());
            found.push((Code::SaleConsent, what));
        }
    }
}

/// INVARIANT (*no-limbo*, `DOMAIN.md` §10): what holds a reservation is due at an instant, waits for clearing, or has a
/// person called to it.
fn limbo(ledger: &Ledger, found: &mut Vec<(Code, String)>) {
    // An approved refund waits for `clear`; one that is queued is looked after by time, as is a terminal that is silent.
    let refunds = ledger.refunds.iter().filter(|refund| {
        let waits = match refund.state {
            RefundState::Approved | RefundState::Queued => true,
            RefundState::Clearing => refund.executor == Executor::Terminal,
            _ => false,
        };
        refund.state.holds_reservation() && !waits && refund.due_at.is_none() && !refund.attention
    });
    let silent = |executor, state| {
        executor == Executor::Terminal && matches!(state, OperationState::Authorised | OperationState::Sent)
    };
    let voids = ledger.voids.iter().filter(|void| {
        void.state.holds_reservation() && !silent(void.executor, void.state) && void.due_at.is_none() && !void.attention
    });
    let operations = ledger.operations.iter().filter(|one| {
        one.state.holds_reservation() && !silent(one.executor, one.state) && one.due_at.is_none() && !one.attention
    });
    let refunds = refunds.map(|refund| refund.id.as_str());
    let others = voids.map(|void| void.id.as_str()).chain(operations.map(|operation| operation.id.as_str()));
    for id in refunds.chain(others) {
        found.push((Code::SaleLimbo, format!("{id} is under way, due at no instant, and nobody is called to it")));
    }
}
