//! What somebody was promised: answers that were kept, ids that were taken, counts that were reserved.

use super::finding::Code;
use super::repair::Repair;
use super::shelf::{Listed, short};
use super::walk::Walk;
use crate::error::Error;
use crate::idempotency::Claim;
use crate::refund::Pointer;
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::Page;
use crate::store::tally::{Count, Rolling, Tally};
use crate::terminal::journal::KnownJournal;
use rescind_model::{EventKind, MerchantId, SaleId};
use std::collections::{HashMap, HashSet};

/// What was promised and not met so far.
#[derive(Default)]
pub(super) struct Promises {
    /// What kept answers name, each in its sale.
    answered: HashSet<u128>,
    /// Ids of refunds: where each leads.
    pointers: HashMap<u128, u128>,
    /// What lists of things name, each in its sale.
    things: HashSet<u128>,
}

/// What a kept answer says is in a sale: the sale, and the refund or operation in it.
struct Said {
    sale: String,
    /// `refund` or `operation`, and its name.
    thing: Option<(&'static str, String)>,
}

impl Said {
    fn in_answer(claim: &Claim) -> Option<Self> {
        let answer = claim.answer.as_ref().filter(|answer| (200..300).contains(&answer.status))?;
        let body: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let (sale, id) = (text("sale")?, text("id"));
        // Only refunds have a revision, only operations somebody who carries them out and a kind.
        let thing = match (body.get("revision"), body.get("executor"), body.get("kind")) {
            (Some(_), _, _) => id.map(|id| ("refund", id)),
            (None, Some(_), Some(_)) => id.map(|id| ("operation", id)),
            _ => None,
        };
        Some(Self { sale, thing })
    }

    fn name(&self, merchant: &str) -> u128 {
        match &self.thing {
            Some((kind, id)) => short(&[merchant, &self.sale, kind, id]),
            None => short(&[merchant, &self.sale]),
        }
    }
}

impl<K: Listed> Walk<'_, '_, K> {
    pub(super) fn claim(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        let Some((claim, _)) = self.decode::<Claim>(key, bytes) else { return };
        match &claim.answer {
            Some(_) => {
                if let Some(said) = Said::in_answer(&claim) {
                    self.promises.answered.insert(said.name(merchant));
                }
            }
            None if claim.payload.is_some() => {
                self.found(Code::ClaimOpen, key, "the same request finds out what became of it");
            }
            // It was given back: nothing took place under it.
            None => {}
        }
    }

    pub(super) fn pointer(&mut self, key: &str, merchant: &str, refund: &str, bytes: &[u8]) {
        if let Some((there, _)) = self.decode::<Pointer>(key, bytes) {
            let sale = short(&[merchant, there.sale.as_str()]);
            self.promises.pointers.insert(short(&[merchant, refund]), sale);
        }
    }

    /// The entries of a list of things that are in sales.
    pub(super) fn things(&mut self, key: &str, list: &str, page: &Page) {
        for entry in &page.entries {
            if !self.promises.things.insert(short(&[list, &entry.id])) {
                self.found(Code::ListTwice, key, format!("{} is in an earlier page too", entry.id));
            }
        }
    }

    /// Whether a list names a thing of a sale; it is then met.
    pub(super) fn take_thing(&mut self, list: &str, id: &str) -> bool {
        self.promises.things.remove(&short(&[list, id]))
    }

    /// A sale meets what was answered about it.
    pub(super) fn meet_answers(&mut self, merchant: &str, sale: &str, aggregate: &Aggregate) {
        let ledger = &aggregate.ledger;
        self.promises.answered.remove(&short(&[merchant, sale]));
        for refund in &ledger.refunds {
            self.promises.answered.remove(&short(&[merchant, sale, "refund", refund.id.as_str()]));
        }
        let voids = ledger.voids.iter().map(|void| void.id.as_str());
        for id in voids.chain(ledger.operations.iter().map(|operation| operation.id.as_str())) {
            self.promises.answered.remove(&short(&[merchant, sale, "operation", id]));
        }
    }

    /// Every refund whose name does not say where it is has a pointer.
    pub(super) fn meet_pointers(&mut self, key: &str, merchant: &str, sale: &str, aggregate: &Aggregate) {
        let here = short(&[merchant, sale]);
        for refund in aggregate.ledger.refunds.iter().filter(|refund| !refund.id.as_str().contains('~')) {
            let name = short(&[merchant, refund.id.as_str()]);
            if self.promises.pointers.get(&name) == Some(&here) {
                self.promises.pointers.remove(&name);
                continue;
            }
            let submitted = aggregate.events.iter();
            let mut submitted =
                submitted.filter(|e| e.kind == EventKind::RefundSubmitted && e.refund.as_ref() == Some(&refund.id));
            let taken = self.promises.pointers.contains_key(&name);
            let what = format!("the id {} does not lead here", refund.id);
            match submitted.next().filter(|_| !taken) {
                Some(event) => {
                    let (sale, command) = (aggregate.ledger.sale.id.clone(), event.command.clone());
                    let merchant = aggregate.ledger.sale.merchant.clone();
                    let repair = Repair::Point { merchant, refund: refund.id.clone(), sale, command };
                    self.mend(Code::PointerMissing, key, what, vec![repair]);
                }
                None => self.found(Code::PointerMissing, key, what),
            }
        }
    }

    pub(super) async fn tally(&mut self, key: &str, merchant: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some((tally, _)) = self.decode::<Tally>(key, bytes) else { return Ok(()) };
        if tally.confirmed < 0 || tally.open.iter().any(|place| place.adds < 0) {
            self.found(Code::TallyNegative, key, format!("{} is confirmed", tally.confirmed));
        }
        self.places(key, merchant, &tally).await
    }

    pub(super) async fn rolling(&mut self, key: &str, merchant: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some((rolling, _)) = self.decode::<Rolling>(key, bytes) else { return Ok(()) };
        self.places(key, merchant, &rolling).await
    }

    async fn places(&mut self, key: &str, merchant: &str, count: &impl Count) -> Result<(), Error> {
        let Ok(merchant) = MerchantId::parse(merchant) else { return Ok(()) };
        for place in count.open() {
            let sale = self.shelf.read::<Aggregate>(&Key::sale(&merchant, &place.sale)).await?;
            let became = match sale.is_some_and(|sale| crate::store::Record::holds(&sale, &place.id)) {
                true => "it took place, and is counted for good by whoever counts next",
                false => "it did not take place, and is dropped by whoever counts next",
            };
            self.found(Code::TallyOpen, key, format!("{} of {}: {became}", place.id, place.sale));
        }
        Ok(())
    }

    pub(super) fn journal(&mut self, key: &str, bytes: &[u8]) {
        let Some((journal, _)) = self.decode::<KnownJournal>(key, bytes) else { return };
        if journal.work.is_some() {
            self.found(Code::JournalClaim, key, "the terminal's next sync takes over");
        }
        if let (Some(known), Some(seen)) = (&journal.known, &journal.seen)
            && known.journal == seen.journal
            && known.next > seen.next
        {
            let what = format!("dealt with before {}, seen before {}", known.next, seen.next);
            self.found(Code::JournalOrder, key, what);
        }
    }

    /// What was promised and no sale met.
    pub(super) async fn name_unmet_promises(&mut self) -> Result<(), Error> {
        if !self.promises.answered.is_empty() {
            self.again::<Claim>("idem:", |this, key, claim| {
                let merchant = key.split(':').nth(1).unwrap_or_default();
                if let Some(said) = Said::in_answer(&claim)
                    && this.promises.answered.contains(&said.name(merchant))
                {
                    let thing = said.thing.as_ref().map_or_else(String::new, |(kind, id)| format!("{kind} {id} of "));
                    this.found(Code::AnswerLost, key, format!("{thing}sale {} is not there", said.sale));
                }
            })
            .await?;
        }
        if !self.promises.pointers.is_empty() {
            let mut unmet: Vec<(String, Key, SaleId)> = Vec::new();
            self.again::<Pointer>("refund:", |this, key, pointer| {
                let mut parts = key.split(':').skip(1);
                let (merchant, refund) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let left = this.promises.pointers.contains_key(&short(&[merchant, refund]));
                if let (true, Ok(merchant)) = (left, MerchantId::parse(merchant)) {
                    unmet.push((key.to_owned(), Key::sale(&merchant, &pointer.sale), pointer.sale));
                }
            })
            .await?;
            for (key, record, sale) in unmet {
                if self.shelf.has(&record).await? {
                    let what =
                        format!("{sale} has no such refund: its request did not get that far, and may come again");
                    self.found(Code::PointerUnused, &key, what);
                } else {
                    self.found(Code::PointerDangling, &key, format!("there is no sale {sale}"));
                }
            }
        }
        if !self.promises.things.is_empty() {
            for kind in ["cancels", "cases", "liabilities", "orders", "queued", "refunds"] {
                self.again::<Page>(&format!("{kind}:"), |this, key, page| {
                    let name = key.rsplit_once(':').map_or(key, |(list, _)| list);
                    // A business day tells cancellations apart for people only.
                    let list =
                        if kind == "cancels" { name.rsplit_once(':').map_or(name, |(all, _)| all) } else { name };
                    for entry in &page.entries {
                        if this.promises.things.contains(&short(&[list, &entry.id])) {
                            let what = format!("{} is not in sale {}", entry.id, entry.at);
                            this.found(Code::ListDangling, key, what);
                        }
                    }
                })
                .await?;
            }
        }
        Ok(())
    }
}
