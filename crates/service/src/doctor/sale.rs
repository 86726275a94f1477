//! A sale against everything that names it, and that it names.

use super::finding::Code;
use super::ledger::faults;
use super::publication::Told;
use super::repair::Repair;
use super::shelf::{Listed, short};
use super::walk::Walk;
use crate::error::Error;
use crate::register;
use crate::sale::{Aggregate, SaleQuery};
use crate::store::key::Key;
use crate::store::list::{Entry, Page};
use rescind_model::{CommandId, Duration, MerchantId, SaleId};

/// How much later than it is due a sale may be looked after: a step that could not be taken is tried again within half a
/// minute.
const LATE: Duration = Duration { ms: 60_000 };

impl<K: Listed> Walk<'_, '_, K> {
    pub(super) async fn sale(&mut self, key: &str, merchant: &str, sale: &str, bytes: &[u8]) -> Result<(), Error> {
        let told = self.publication.told.remove(&short(&[merchant, sale])).unwrap_or_default();
        let Some((aggregate, version)) = self.decode::<Aggregate>(key, bytes) else { return Ok(()) };
        let (id, of) = (&aggregate.ledger.sale.id, &aggregate.ledger.sale.merchant);
        if id.as_str() != sale || of.as_str() != merchant {
            self.found(Code::RecordElsewhere, key, format!("what is in it is sale {id} of {of}"));
            return Ok(());
        }
        self.report.events = self.report.events.saturating_add(aggregate.ledger.events);
        for (code, what) in faults(&aggregate, version, self.now) {
            self.found(code, key, what);
        }
        if !self.is_merchant(of).await? {
            self.found(Code::SaleMerchant, key, format!("there is no merchant {of}"));
        }
        self.meet_answers(merchant, sale, &aggregate);
        self.meet_pointers(key, merchant, sale, &aggregate);
        self.look_at_events(key, &aggregate, told);
        self.look_at_lists(key, &aggregate, told).await?;
        self.look_at_reminders(key, &aggregate);
        for query in SaleQuery::of(&aggregate.ledger.sale) {
            let list = query.key(of);
            if !self.is_listed(&list, sale).await? {
                let entry = Entry { id: sale.to_owned(), at: String::new() };
                let what = format!("{list} does not name it");
                self.mend(Code::IndexMissing, key, what, vec![Repair::Append { list, entry }]);
            }
        }
        self.ledgers.add(&aggregate, told.booked);
        Ok(())
    }

    fn look_at_events(&mut self, key: &str, aggregate: &Aggregate, told: Told) {
        let sale = &aggregate.ledger.sale;
        let there = aggregate.events.last().map_or(0, |event| event.sequence);
        if told.last > there {
            let what = format!("the feed tells {} events, and there are {there}", told.last);
            self.found(Code::EventDangling, key, what);
        }
        let waiting = self.publication.intents.get(&(sale.merchant.clone(), sale.id.clone()));
        let announced = |command: &CommandId| {
            waiting.is_some_and(|all| all.iter().any(|intent| !intent.published && intent.id == command.as_str()))
        };
        let untold = aggregate.events.iter().filter(|event| event.sequence > told.last && !announced(&event.command));
        let mut commands: Vec<(&CommandId, Vec<u64>)> = Vec::new();
        for event in untold {
            match commands.iter_mut().find(|(command, _)| *command == &event.command) {
                Some((_, sequences)) => sequences.push(event.sequence),
                None => commands.push((&event.command, vec![event.sequence])),
            }
        }
        let mut found = Vec::new();
        for (command, sequences) in commands {
            // The first events of a command may be in a page that was then full: the others follow after it.
            let begun = aggregate.events.iter().any(|e| e.sequence <= told.last && e.command == *command);
            let page = begun.then_some(told.page);
            let what = format!("events {sequences:?} of {command} are not in the feed, and not announced");
            let (merchant, sale, command) = (sale.merchant.clone(), sale.id.clone(), command.clone());
            found.push((what, Repair::Announce { merchant, sale, command, page, published: false }));
        }
        for (what, repair) in found {
            self.mend(Code::EventUntold, key, what, vec![repair]);
        }
    }

    /// What was published is in the lists of such things.
    async fn look_at_lists(&mut self, key: &str, aggregate: &Aggregate, told: Told) -> Result<(), Error> {
        let sale = &aggregate.ledger.sale;
        let merchant = &sale.merchant;
        for event in &aggregate.events {
            if crate::code::is_cancellation(aggregate, event)
                && let Some(operation) = &event.operation
            {
                let listed = self.take_thing(&format!("cancels:{merchant}"), operation.as_str());
                if !listed && event.sequence <= told.last {
                    // The day under which it belongs follows from the policy of then.
                    self.found(Code::ListMissing, key, format!("{operation} is in no list of cancelled codes"));
                }
            }
            for (list, entry) in register::entries(merchant, &sale.id, event) {
                // One thing is in such a list once, whatever it went through.
                let first = aggregate.events.iter().find(|e| {
                    let same = register::entries(merchant, &sale.id, e);
                    same.iter().any(|(other, there)| *other == list && there.id == entry.id)
                });
                if first.is_some_and(|first| first.sequence < event.sequence) {
                    continue;
                }
                let listed = if list.as_str().starts_with("index:") {
                    self.is_listed(&list, &entry.id).await?
                } else {
                    self.take_thing(list.as_str(), &entry.id)
                };
                if !listed && event.sequence <= told.last {
                    let what = format!("{} is not in {list}", entry.id);
                    self.mend(Code::ListMissing, key, what, vec![Repair::Append { list, entry }]);
                }
            }
        }
        Ok(())
    }

    /// INVARIANT (*no-limbo*, `DOMAIN.md` §10): whatever is due for a sale, the courier is reminded of it.
    fn look_at_reminders(&mut self, key: &str, aggregate: &Aggregate) {
        let Some(due) = rescind_refunds::due(&aggregate.ledger) else { return };
        let (merchant, sale) = (&aggregate.ledger.sale.merchant, &aggregate.ledger.sale.id);
        let announced = self.publication.intents.contains_key(&(merchant.clone(), sale.clone()));
        let reminded = self.publication.reminders.get(&short(&[merchant.as_str(), sale.as_str()])).copied();
        let latest = due.max(self.now).unix_ms.saturating_add(i64::try_from(LATE.ms).unwrap_or_default());
        if announced || reminded.is_some_and(|at| at <= latest) {
            return;
        }
        let what = match reminded {
            Some(at) => format!(
                "it is due at {due}, and the courier is reminded {} s later",
                at.saturating_sub(due.unix_ms).div_euclid(1_000)
            ),
            None => format!("it is due at {due}, and in no bucket of due times"),
        };
        if !self.publication.looked_through {
            self.found(Code::SaleUnheard, key, what);
            return;
        }
        let repairs = aggregate.recent.last().map(|command| Repair::Announce {
            merchant: merchant.clone(),
            sale: sale.clone(),
            command: command.clone(),
            page: None,
            // Its events are not to be published again: only the courier is to look after the sale.
            published: true,
        });
        self.mend(Code::SaleForgotten, key, what, repairs.into_iter().collect());
    }

    pub(super) async fn index_page(&mut self, key: &str, merchant: &str, page: &Page) -> Result<(), Error> {
        let Ok(merchant) = MerchantId::parse(merchant) else { return Ok(()) };
        for entry in &page.entries {
            let there = match SaleId::parse(&entry.id) {
                Ok(sale) => self.shelf.has(&Key::sale(&merchant, &sale)).await?,
                Err(_) => false,
            };
            if !there {
                self.found(Code::IndexUnused, key, format!("{} was never registered", entry.id));
            }
        }
        Ok(())
    }

    /// What no sale answered to.
    pub(super) async fn name_what_is_left(&mut self) -> Result<(), Error> {
        self.name_untaken_references().await?;
        self.name_unmet_promises().await?;
        self.name_unlisted_decisions().await
    }
}
