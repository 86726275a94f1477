//! Double entries: what every effect moves between accounts, posted in the transition that makes it so.
//!
//! | `what` | when | debit | credit |
//! |---|---|---|---|
//! | `sale` | a payment is captured | customer, coupon sponsor | merchant |
//! | `acquiring-fee` | with it | merchant | acquiring fees |
//! | `void` | a void is done | merchant | customer, coupon sponsor |
//! | `refund` | a refund cleared | merchant | customer, coupon sponsor |
//! | `fee` | with either, or another operation | see below | |
//! | `return` | a cleared refund came back | the entries `refund` and `fee` of it, sides swapped | |
//! | `liability` | a liability is opened | the debtor | liabilities |
//! | `liability-ended` | it ended | liabilities | the debtor |
//! | the kind of the operation | a capture is undone | the entries `sale` and `acquiring-fee` of it, sides swapped | |
//!
//! Fees: of `acquiring-returned` the debit is on acquiring fees and the credit on the merchant; of `operation` and `late`
//! the debit is on the payer's account and the credit on operation fees or late fees.
//!
//! A liability is a provision: its end releases it, however it ended. What settles it through this system (a retry, a
//! further refund) posts its own entry, and what was agreed outside moves no money here.
//!
//! LAW: with balances counted as debits less credits, `customer` is what the payer has paid and not got back, `merchant` is
//! below zero by what the merchant is due, `acquiring-fees` by what is kept of the fee charged, and `liabilities` by all that
//! is owed. All accounts together are zero.

use crate::draft::Draft;
use rescind_model::{Account, Entry, Fee, FeeKind, Ledger, Liability, Money, Party, Posting, Rejection, Side};

const SALE: &str = "sale";
const ACQUIRING_FEE: &str = "acquiring-fee";
const VOID: &str = "void";
const REFUND: &str = "refund";
const FEE: &str = "fee";
const RETURN: &str = "return";
const LIABILITY: &str = "liability";
const LIABILITY_ENDED: &str = "liability-ended";

/// The payment is captured: posts it and the acquiring fee, unless a capture stands already. `about` is the hold-completion
/// or other operation that captured it, nothing for the sale itself. Call it once `ledger.sale` holds what was paid.
pub(crate) fn captured(draft: &mut Draft<'_>, about: Option<&str>) -> Result<(), Rejection> {
    if standing_capture(&draft.ledger).is_some() {
        return Ok(());
    }
    let sale = &draft.ledger.sale;
    let (captured, fee) = (sale.captured.clone(), sale.fee_charged.clone());
    let coupon = sale.coupon.clone().unwrap_or_else(|| captured.zero_like());
    let paid = captured.minus(&coupon).map_err(damaged)?;
    let lines = vec![
        debit(Account::Customer, paid),
        debit(Account::CouponSponsor, coupon),
        credit(Account::Merchant, captured),
    ];
    post(draft, SALE, about, lines)?;
    let lines = vec![debit(Account::Merchant, fee.clone()), credit(Account::AcquiringFees, fee)];
    post(draft, ACQUIRING_FEE, about, lines)
}

/// What was captured was not, or is no more: a reversal, an order close or the void of a completion was done. Posts the
/// opposite of the capture that stands, if one does. `what` is the operation's kind, `about` its name.
#[allow(dead_code, reason = "the operations that undo a capture call it")]
pub(crate) fn uncaptured(draft: &mut Draft<'_>, what: &str, about: &str) -> Result<(), Rejection> {
    let Some(index) = standing_capture(&draft.ledger) else { return Ok(()) };
    let capture = draft.ledger.entries.iter().skip(index);
    let undone: Vec<_> = capture.take_while(|entry| [SALE, ACQUIRING_FEE].contains(&entry.what.as_str())).collect();
    let lines = undone.into_iter().flat_map(|entry| opposite(&entry.postings)).collect();
    post(draft, what, Some(about), lines)
}

/// A void is done; `coupon` is the sponsor's part of it.
pub(crate) fn voided(
    draft: &mut Draft<'_>,
    amount: &Money,
    coupon: &Money,
    fees: &[Fee],
    about: &str,
) -> Result<(), Rejection> {
    given_back(draft, VOID, amount, coupon, about)?;
    fees_of(draft, fees, about)
}

/// A refund cleared; `coupon` is the sponsor's part of it.
pub(crate) fn refunded(
    draft: &mut Draft<'_>,
    amount: &Money,
    coupon: Option<&Money>,
    fees: &[Fee],
    about: &str,
) -> Result<(), Rejection> {
    let coupon = coupon.cloned().unwrap_or_else(|| amount.zero_like());
    given_back(draft, REFUND, amount, &coupon, about)?;
    fees_of(draft, fees, about)
}

/// The fees of an operation that was done. Nothing is posted where there are none.
pub(crate) fn fees_of(draft: &mut Draft<'_>, fees: &[Fee], about: &str) -> Result<(), Rejection> {
    let lines = fees.iter().flat_map(|fee| {
        let (from, to) = match fee.kind {
            FeeKind::AcquiringReturned => (Account::AcquiringFees, Account::Merchant),
            FeeKind::Operation => (account_of(fee.payer), Account::OperationFees),
            FeeKind::Late => (account_of(fee.payer), Account::LateFees),
        };
        [debit(from, fee.amount.clone()), credit(to, fee.amount.clone())]
    });
    let lines = lines.collect();
    post(draft, FEE, Some(about), lines)
}

/// A cleared refund came back: whatever was posted for it is undone, fees included.
pub(crate) fn returned(draft: &mut Draft<'_>, refund: &str) -> Result<(), Rejection> {
    let of_it = draft
        .ledger
        .entries
        .iter()
        .filter(|entry| entry.about.as_deref() == Some(refund) && [REFUND, FEE].contains(&entry.what.as_str()));
    let lines = of_it.flat_map(|entry| opposite(&entry.postings)).collect();
    post(draft, RETURN, Some(refund), lines)
}

/// Somebody owes money.
pub(crate) fn owed(draft: &mut Draft<'_>, liability: &Liability) -> Result<(), Rejection> {
    let Liability { id, amount, debtor, .. } = liability;
    let lines = vec![debit(account_of(*debtor), amount.clone()), credit(Account::Liabilities, amount.clone())];
    post(draft, LIABILITY, Some(id.as_str()), lines)
}

/// Nobody owes it any more.
pub(crate) fn released(draft: &mut Draft<'_>, liability: &Liability) -> Result<(), Rejection> {
    let Liability { id, amount, debtor, .. } = liability;
    let lines = vec![debit(Account::Liabilities, amount.clone()), credit(account_of(*debtor), amount.clone())];
    post(draft, LIABILITY_ENDED, Some(id.as_str()), lines)
}

/// The debits less the credits of one account, in minor units.
pub(crate) fn balance(ledger: &Ledger, account: Account) -> Result<i64, Rejection> {
    let lines = ledger.entries.iter().flat_map(|entry| &entry.postings).filter(|line| line.account == account);
    lines.map(signed).try_fold(0_i64, |sum, minor| sum.checked_add(minor?)).ok_or_else(overflow)
}

fn given_back(draft: &mut Draft<'_>, what: &str, amount: &Money, coupon: &Money, about: &str) -> Result<(), Rejection> {
    let payers = amount.minus(coupon).map_err(damaged)?;
    let lines = vec![
        debit(Account::Merchant, amount.clone()),
        credit(Account::Customer, payers),
        credit(Account::CouponSponsor, coupon.clone()),
    ];
    post(draft, what, Some(about), lines)
}

/// Where the capture that stands begins: the last one, unless it was undone since.
fn standing_capture(ledger: &Ledger) -> Option<usize> {
    let mut captures = ledger.entries.iter().enumerate().filter(|(_, entry)| entry.what == SALE);
    let (index, _) = captures.next_back()?;
    const LATER: [&str; 8] = [SALE, ACQUIRING_FEE, VOID, REFUND, FEE, RETURN, LIABILITY, LIABILITY_ENDED];
    let undone = ledger.entries.iter().skip(index).any(|entry| !LATER.contains(&entry.what.as_str()));
    (!undone).then_some(index)
}

/// Posts an entry, if it moves anything.
///
/// INVARIANT (*conservation*, `DOMAIN.md` §10): its debits are its credits.
fn post(draft: &mut Draft<'_>, what: &str, about: Option<&str>, lines: Vec<Posting>) -> Result<(), Rejection> {
    let postings: Vec<_> = lines.into_iter().filter(|line| !line.amount.is_zero()).collect();
    if postings.is_empty() {
        return Ok(());
    }
    let count = u64::try_from(draft.ledger.entries.len()).map_err(|_| overflow())?;
    let entry = Entry {
        sequence: count.checked_add(1).ok_or_else(overflow)?,
        at: draft.clock().at,
        command: draft.command().clone(),
        what: what.to_owned(),
        about: about.map(str::to_owned),
        postings,
    };
    if !balances(&entry) {
        return Err(Rejection::Invalid(format!("ledger: the entry {what} does not balance")));
    }
    draft.ledger.entries.push(entry);
    Ok(())
}

/// Whether the debits of an entry are its credits, in one currency.
pub(crate) fn balances(entry: &Entry) -> bool {
    let one_currency = entry.postings.windows(2).all(|pair| match pair {
        [first, second] => first.amount.currency == second.amount.currency,
        _ => true,
    });
    let difference = entry.postings.iter().map(signed).try_fold(0_i64, |sum, minor| sum.checked_add(minor?));
    one_currency && difference == Some(0)
}

fn opposite(lines: &[Posting]) -> Vec<Posting> {
    let swap = |side| if side == Side::Debit { Side::Credit } else { Side::Debit };
    lines.iter().map(|line| Posting { side: swap(line.side), ..line.clone() }).collect()
}

fn account_of(party: Party) -> Account {
    match party {
        Party::Merchant => Account::Merchant,
        Party::Customer => Account::Customer,
        Party::Acquirer => Account::Acquirer,
    }
}

fn debit(account: Account, amount: Money) -> Posting {
    Posting { account, side: Side::Debit, amount }
}

fn credit(account: Account, amount: Money) -> Posting {
    Posting { account, side: Side::Credit, amount }
}

fn signed(line: &Posting) -> Option<i64> {
    match line.side {
        Side::Debit => Some(line.amount.minor),
        Side::Credit => line.amount.minor.checked_neg(),
    }
}

fn damaged(error: impl core::fmt::Display) -> Rejection {
    Rejection::Invalid(format!("ledger: {error}"))
}

fn overflow() -> Rejection {
    Rejection::Invalid("ledger: its entries are out of range".to_owned())
}
