//! *conservation* across payments: a merchant's accounts are the sum of the postings of its payments, as far as its books
//! have read; what was paid in is the sum of its receipts.

use super::finding::Code;
use super::publication::is_ahead;
use super::shelf::Listed;
use super::walk::Walk;
use crate::books::{Books, ByCurrency, Turnover};
use crate::funding::Receipt;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::Position;
use rescind_model::token::Token as _;
use rescind_model::{MerchantId, Side};
use std::collections::BTreeMap;

/// The books that were met, and what they are held against.
#[derive(Default)]
pub(super) struct Ledgers {
    books: BTreeMap<String, Books>,
    accounts: BTreeMap<String, ByCurrency<BTreeMap<String, Turnover>>>,
    receipts: BTreeMap<String, ByCurrency<i64>>,
}

impl Ledgers {
    /// Up to where a merchant's books have read its feed.
    pub(super) fn read_to(&self, merchant: &str) -> Position {
        self.books.get(merchant).map_or(Position::START, |books| books.at)
    }

    /// Adds the postings of a payment that its merchant's books have read: those of the commands whose first event has a
    /// sequence number up to `booked`.
    pub(super) fn add(&mut self, aggregate: &Aggregate, booked: u64) {
        let merchant = aggregate.ledger.sale.merchant.as_str();
        if booked == 0 || !self.books.contains_key(merchant) {
            return;
        }
        let accounts = self.accounts.entry(merchant.to_owned()).or_default();
        for entry in &aggregate.ledger.entries {
            let first = aggregate.events.iter().find(|event| event.command == entry.command);
            if first.is_none_or(|first| first.sequence > booked) {
                continue;
            }
            for posting in &entry.postings {
                let account = accounts.entry(posting.amount.currency.clone()).or_default();
                let turnover = account.entry(posting.account.token().to_owned()).or_default();
                let sum = if posting.side == Side::Debit { &mut turnover.debit } else { &mut turnover.credit };
                *sum = sum.saturating_add(posting.amount.minor);
            }
        }
    }
}

impl<K: Listed> Walk<'_, '_, K> {
    pub(super) fn books(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        let Some((books, _)) = self.decode::<Books>(key, bytes) else { return };
        let open = books.holds.len().saturating_add(books.coming.len());
        if open > 0 {
            self.found(Code::BooksHold, key, format!("{open} are open: whoever reads the books next settles them"));
        }
        self.ledgers.books.insert(merchant.to_owned(), books);
    }

    pub(super) fn receipt(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        let Ok(of) = MerchantId::parse(merchant) else { return };
        let Some(receipt) = self.fitting::<Receipt>(key, bytes, |there| Key::receipt(&of, &there.id)) else { return };
        // Its money counts once it is not announced any more.
        let books = self.ledgers.books.get(merchant);
        let announced = books.is_some_and(|books| books.coming.iter().any(|coming| coming.token == receipt.token));
        if !announced {
            let sums = self.ledgers.receipts.entry(merchant.to_owned()).or_default();
            let sum = sums.entry(receipt.amount.currency).or_insert(0);
            *sum = sum.saturating_add(receipt.amount.minor);
        }
    }

    /// Once all payments were met.
    pub(super) fn look_at_books(&mut self) {
        let Ledgers { books, mut accounts, mut receipts } = core::mem::take(&mut self.ledgers);
        for (merchant, books) in books {
            let key = format!("books:{merchant}");
            let end = self.publication.ends.get(&merchant).copied().unwrap_or(Position::START);
            if is_ahead(books.at, end) {
                let what = format!("they were read up to {}, and the feed ends at {end}", books.at);
                self.found(Code::CursorAhead, &key, what);
            }
            let summed = accounts.remove(&merchant).unwrap_or_default();
            let wrong: Vec<String> = differing(&books.accounts, &summed);
            if !wrong.is_empty() {
                self.found(Code::BooksAccounts, &key, wrong.join("; "));
            }
            let received = receipts.remove(&merchant).unwrap_or_default();
            let currencies = books.prefunded.keys().chain(received.keys());
            for currency in currencies.collect::<std::collections::BTreeSet<_>>() {
                let booked = books.prefunded.get(currency).map_or(0, |funds| funds.paid_in);
                let received = received.get(currency).copied().unwrap_or(0);
                if booked != received {
                    let what = format!("{booked} minor units of {currency} are booked, the receipts say {received}");
                    self.found(Code::BooksPaidIn, &key, what);
                }
            }
        }
        for (merchant, received) in receipts {
            let what = format!("receipts in {} currencies, and no books", received.len());
            self.found(Code::BooksPaidIn, &format!("books:{merchant}"), what);
        }
    }
}

/// The accounts that two sums do not agree about.
fn differing(
    booked: &ByCurrency<BTreeMap<String, Turnover>>,
    summed: &ByCurrency<BTreeMap<String, Turnover>>,
) -> Vec<String> {
    let names = |of: &ByCurrency<BTreeMap<String, Turnover>>| -> Vec<(String, String)> {
        of.iter().flat_map(|(currency, of)| of.keys().map(|name| (currency.clone(), name.clone()))).collect()
    };
    let mut all = names(booked);
    all.extend(names(summed));
    all.sort();
    all.dedup();
    let of = |sums: &ByCurrency<BTreeMap<String, Turnover>>, currency: &str, name: &str| {
        sums.get(currency).and_then(|of| of.get(name)).copied().unwrap_or_default()
    };
    let mut wrong = Vec::new();
    for (currency, name) in all {
        let (booked, summed) = (of(booked, &currency, &name), of(summed, &currency, &name));
        if booked != summed {
            wrong.push(format!(
                "{name} in {currency}: debits {} and credits {} are booked, the payments say {} and {}",
                booked.debit, booked.credit, summed.debit, summed.credit
            ));
        }
    }
    wrong
}
