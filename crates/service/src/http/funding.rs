//! Accounts and funds: the double entries of a payment, a merchant's balances, and what limits its refunds.

use crate::books::{Prefunded, Turnover, Waiting};
use crate::error::Error;
use crate::funding::{Funds, Receipt};
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::{Amount, Positive};
use crate::http::number::not_a_card;
use crate::http::problem::{Noun, Problem};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{AccountWord, FundingBasisWord, SideWord, Word};
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::token::Token as _;
use rescind_model::{Account, BusinessDay, Entry, FundingBasis, MerchantId, Money, SaleId, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A double entry: the sum of its debits is the sum of its credits.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Entry))]
pub struct EntryView {
    /// Counts the payment's entries from 1.
    sequence: u64,
    /// When.
    at: Time,
    /// What it posts: `sale`, `acquiring-fee`, `void`, `refund`, `fee`, `return`, `liability` …
    what: String,
    /// The operation, refund or liability it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// At least two.
    postings: Vec<PostingView>,
}

/// One line of an entry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Posting))]
pub struct PostingView {
    /// The account.
    account: AccountWord,
    /// The side.
    side: SideWord,
    /// How much, never zero.
    amount: Amount,
}

/// What an account was debited and credited with.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AccountBalance))]
pub struct BalanceLine {
    /// The account.
    account: AccountWord,
    /// The sum of its debits.
    debit: Amount,
    /// The sum of its credits.
    credit: Amount,
    /// The side on which more stands. Absent: they are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<SideWord>,
    /// By how much.
    balance: Amount,
}

/// The entries of one payment, and what they amount to.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entries {
    /// The sale.
    sale: String,
    /// In order.
    items: Vec<EntryView>,
    /// By account.
    balances: Vec<BalanceLine>,
}

impl EntryView {
    /// An entry.
    pub fn of(entry: &Entry) -> Self {
        let posting = |posting: &rescind_model::Posting| PostingView {
            account: Word(posting.account),
            side: Word(posting.side),
            amount: Amount(posting.amount.clone()),
        };
        Self {
            sequence: entry.sequence,
            at: Time(entry.at),
            what: entry.what.clone(),
            about: entry.about.clone(),
            postings: entry.postings.iter().map(posting).collect(),
        }
    }
}

fn amount(minor: i64, currency: &str) -> Amount {
    // A sum over many payments may be more than one payment can be.
    Amount(Money { minor: minor.max(0), currency: currency.to_owned() })
}

fn line(account: Account, turnover: Turnover, currency: &str) -> BalanceLine {
    let difference = turnover.debit.saturating_sub(turnover.credit);
    let side = match difference {
        0 => None,
        more if more > 0 => Some(Word(Side::Debit)),
        _ => Some(Word(Side::Credit)),
    };
    BalanceLine {
        account: Word(account),
        debit: amount(turnover.debit, currency),
        credit: amount(turnover.credit, currency),
        side,
        balance: amount(difference.saturating_abs(), currency),
    }
}

/// What entries amount to, by account.
pub fn balances_of(entries: &[Entry]) -> Vec<BalanceLine> {
    let mut sums: BTreeMap<(&'static str, String), Turnover> = BTreeMap::new();
    for posting in entries.iter().flat_map(|entry| &entry.postings) {
        let sum = sums.entry((posting.account.token(), posting.amount.currency.clone())).or_default();
        let side = if posting.side == Side::Debit { &mut sum.debit } else { &mut sum.credit };
        *side = side.saturating_add(posting.amount.minor);
    }
    let lines = sums.into_iter().filter_map(|((account, currency), turnover)| {
        Account::from_token(account).map(|account| line(account, turnover, &currency))
    });
    lines.collect()
}

/// `GET /v1/transactions/{id}/entries`
pub async fn entries<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let ledger = app.sale(&scope.who, &scope.merchant, &id).await?.ledger;
    let items = ledger.entries.iter().map(EntryView::of).collect();
    answer::json(StatusCode::OK, &Entries { sale: id.value, items, balances: balances_of(&ledger.entries) })
}

/// A merchant's accounts: the sum of the entries of all its payments.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balances {
    /// The merchant.
    merchant: String,
    /// By currency and account.
    items: Vec<BalanceLine>,
    /// Whether everything that happened so far is in the sums. If not, ask again: they go on where they stopped.
    complete: bool,
}

/// `GET /v1/merchants/{id}/balances`
pub async fn balances<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<MerchantId>,
) -> Result<Response, Problem> {
    let scope = caller.scope_at(&id, &[])?;
    let read = app.balances(&scope.who, &scope.merchant).await?;
    let mut items = Vec::new();
    for (currency, accounts) in &read.books.accounts {
        for (account, turnover) in accounts {
            let known = Account::from_token(account);
            let known = known.ok_or_else(|| Problem::internal(format!("the books hold the account {account:?}")))?;
            items.push(line(known, *turnover, currency));
        }
    }
    answer::json(StatusCode::OK, &Balances { merchant: scope.merchant.value, items, complete: read.complete })
}

/// A merchant's funds for refunds on a business day.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Funding))]
pub struct FundsView {
    /// The merchant.
    merchant: String,
    /// The business day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    business_day: BusinessDay,
    /// What limits refunds under the policy in force. Absent: nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<FundingBasisWord>,
    /// By currency.
    items: Vec<FundsLine>,
    /// Whether everything that happened so far is in the sums. If not, ask again: they go on where they stopped.
    complete: bool,
}

/// Funds in one currency.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FundsLine {
    /// Payments of the business day, gross.
    income: Amount,
    /// What voids, reversals and the like took back on it. It makes the income smaller.
    taken_back: Amount,
    /// Refunds that went to clearing on it, or are about to, and have not ended.
    held: Amount,
    /// Refunds that went to clearing on it and cleared.
    cleared: Amount,
    /// What is left of the income for refunds.
    left: Amount,
    /// Refunds that wait for funds, of whatever day.
    queued: QueuedLine,
    /// What was paid in beforehand, of whatever day.
    prefunded: PrefundedLine,
}

/// Refunds that wait for funds.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Queued))]
pub struct QueuedLine {
    /// How many.
    count: u64,
    /// Their sum.
    amount: Amount,
}

/// What was paid in beforehand.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PrefundedFunds))]
pub struct PrefundedLine {
    /// Paid in so far.
    paid_in: Amount,
    /// Refunds in clearing, or about to be.
    held: Amount,
    /// Refunds that cleared and did not come back.
    cleared: Amount,
    /// What is left.
    left: Amount,
}

impl FundsView {
    fn of(merchant: MerchantId, funds: &Funds) -> Self {
        let books = &funds.read.books;
        let day = books.days.get(&funds.day);
        let mut currencies: Vec<&String> = day.into_iter().flatten().map(|(currency, _)| currency).collect();
        currencies.extend(books.waiting.keys());
        currencies.extend(books.prefunded.keys());
        currencies.sort();
        currencies.dedup();
        let items = currencies.into_iter().map(|currency| {
            let today = day.and_then(|day| day.get(currency)).copied().unwrap_or_default();
            let Waiting { count, amount: waits } = books.waiting.get(currency).copied().unwrap_or_default();
            let Prefunded { paid_in, clearing, cleared } = books.prefunded.get(currency).copied().unwrap_or_default();
            let (income, before) = (FundingBasis::SameDayIncome, FundingBasis::Prefunded);
            let held = |basis, clearing: i64| clearing.saturating_add(books.held(basis, funds.day, currency));
            FundsLine {
                income: amount(today.income, currency),
                taken_back: amount(today.taken_back, currency),
                held: amount(held(income, today.clearing), currency),
                cleared: amount(today.cleared, currency),
                left: amount(books.left(income, funds.day, currency), currency),
                queued: QueuedLine { count: u64::try_from(count).unwrap_or(0), amount: amount(waits, currency) },
                prefunded: PrefundedLine {
                    paid_in: amount(paid_in, currency),
                    held: amount(held(before, clearing), currency),
                    cleared: amount(cleared, currency),
                    left: amount(books.left(before, funds.day, currency), currency),
                },
            }
        });
        Self {
            items: items.collect(),
            merchant: merchant.value,
            business_day: funds.day,
            basis: funds.basis.map(Word),
            complete: funds.read.complete,
        }
    }
}

/// `GET /v1/merchants/{id}/funding`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<MerchantId>,
) -> Result<Response, Problem> {
    let scope = caller.scope_at(&id, &["business_day"])?;
    let day = scope.asked.read_with("business_day", BusinessDay::parse)?;
    let funds = app.funds(&scope.who, &scope.merchant, day).await?;
    answer::json(StatusCode::OK, &FundsView::of(scope.merchant, &funds))
}

/// Money that a merchant paid in for its refunds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PayIn {
    /// The payer's own id for it: the same id is counted once.
    id: String,
    /// How much.
    amount: Positive,
    /// What it is.
    note: Option<Text>,
}

/// Money that was paid in.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Receipt))]
pub struct ReceiptView {
    /// The payer's own id for it.
    id: String,
    /// The merchant.
    merchant: String,
    /// How much.
    amount: Amount,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// When it was recorded.
    at: Time,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

/// `POST /v1/merchants/{id}/funds`
pub async fn pay_in<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<MerchantId>,
    instruction: Instruction<PayIn>,
) -> Result<Response, Problem> {
    let scope = caller.scope_at(&id, &[])?;
    not_a_card(&instruction.ask.id).map_err(|e| Error::invalid("/id", e))?;
    let about = About { noun: Noun::Operation, subject: None };
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, _| async move {
            let mut texts = Texts::default();
            let note = texts.take_some(ask.note);
            let receipt = app.pay_in(&scope.who, &scope.merchant, &ask.id, &ask.amount.0, note).await?;
            let Receipt { id, amount, note, at, .. } = receipt;
            let merchant = scope.merchant.value.clone();
            let masked = texts.masked();
            let view = ReceiptView { id, merchant, amount: Amount(amount), note, at: Time(at), masked };
            Ok((StatusCode::CREATED, view))
        })
        .await
}
