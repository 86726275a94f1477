//! Counts that a policy limits: how often somebody did something, in the business day or within a span that moves.
//!
//! What is counted is gathered before the decision and reserved after it, if it still is what was gathered; the sale is
//! committed, and the reservation confirmed. Whoever is interrupted leaves a reservation that its sale settles.

use crate::app::App;
use crate::error::Error;
use crate::policies::Deciding;
use crate::ports::{Policy as _, Ports};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::tally::{Count, Place, Rolling, Tally as DayTally, before};
use crate::store::{Commit, Record as _};
use rescind_model::token::Token as _;
use rescind_model::{
    Asker, BusinessDay, CommandId, Counted, Facts, Instant, Ledger, MerchantId, Money, Period, PersonId, Sale, SaleId,
    Tally, TallyNeed, TerminalId, Way,
};

/// Facts, and the counts that the operation would add to.
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(crate) counts: Vec<Counting>,
}

/// A count that an operation adds to.
#[derive(Debug, Clone)]
pub(crate) struct Counting {
    key: Key,
    period: Period,
    /// 1, or minor units.
    adds: i64,
    /// What it was when the facts were gathered.
    found: i64,
}

/// A place that a request made.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    counting: Counting,
    at: Instant,
}

/// Whom a count is about. Without a subject the fact stays away; the policy then cannot decide, which is an error and no
/// answer.
fn subject(counted: Counted, sale: &Sale, asker: &Asker) -> Option<String> {
    match counted {
        Counted::MerchantAccount => Some(sale.merchant.to_string()),
        Counted::PayerToken => sale.payer_token.clone(),
        Counted::Operator => asker.person.as_ref().map(ToString::to_string),
        Counted::Terminal => asker.terminal.as_ref().map(ToString::to_string),
    }
}

/// Whose operations, as keys have it.
fn name_of(counted: Counted) -> &'static str {
    match counted {
        Counted::MerchantAccount => "merchant-account",
        Counted::PayerToken => "payer-token",
        Counted::Operator => "operator",
        Counted::Terminal => "terminal",
    }
}

/// The record of a count in its period.
fn place_of(need: &TallyNeed, sale: &Sale, facts: &Facts, subject: &str) -> Option<Key> {
    let (merchant, counted) = (&sale.merchant, name_of(need.counted));
    match (need.period, need.way) {
        (Period::Rolling(_), way) => Some(Key::rolling_tally(merchant, way.token(), counted, subject)),
        (Period::BusinessDay, Way::Void) => Some(Key::void_tally(merchant, facts.business_day?, counted, subject)),
        (Period::BusinessDay, Way::Refund) => Some(Key::refund_tally(merchant, facts.business_day?, counted, subject)),
        // No policy limits how often anything else is done in a day: it is not chosen but follows from what went wrong.
        (Period::BusinessDay, _) => None,
    }
}

/// What a terminal's own operations of a business day amount to, for those counts that are of one terminal and a day: others
/// cannot add to them.
///
/// # Errors
/// The store's.
pub(crate) async fn terminal_tallies<P: Ports>(
    app: &App<P>,
    merchant: &MerchantId,
    terminal: &TerminalId,
    day: BusinessDay,
    needs: &[TallyNeed],
    now: Instant,
) -> Result<Vec<Tally>, Error> {
    let mut tallies = Vec::new();
    for need in needs.iter().filter(|need| need.counted == Counted::Terminal && need.period == Period::BusinessDay) {
        let name = name_of(need.counted);
        let key = match need.way {
            Way::Void => Key::void_tally(merchant, day, name, terminal.as_str()),
            Way::Refund => Key::refund_tally(merchant, day, name, terminal.as_str()),
            _ => continue,
        };
        let (_, count) = app.look_up(key, need.period, merchant, None, now).await?;
        tallies.push(Tally { need: *need, count: u32::try_from(count).unwrap_or(u32::MAX) });
    }
    Ok(tallies)
}

/// The instant from which on a period counts.
fn later_than(period: Period, now: Instant) -> Instant {
    match period {
        Period::Rolling(span) => before(now, span),
        Period::BusinessDay => Instant { unix_ms: i64::MIN },
    }
}

/// What a policy wants counted, and what its candidate wants besides: the record of the decision then has enough for both,
/// as far as the policy in force keeps the counts.
fn tallies_of<P: Ports>(deciding: &Deciding<P::Policy>) -> Vec<TallyNeed> {
    let mut tallies = deciding.policy.needs().tallies;
    for need in deciding.candidate.iter().flat_map(|wanted| &wanted.tallies) {
        if !tallies.contains(need) {
            tallies.push(*need);
        }
    }
    tallies
}

impl<P: Ports> App<P> {
    /// Gathers facts with the counts that the policy asks for on these ways. `own`: this command's reservations do not
    /// count, and it adds to what is counted of the first of the ways.
    pub(crate) async fn gather(
        &self,
        ledger: &Ledger,
        deciding: &Deciding<P::Policy>,
        asker: &Asker,
        now: Instant,
        ways: &[Way],
        own: Option<&CommandId>,
    ) -> Result<Gathered, Error> {
        let mut facts = self.facts(ledger, &deciding.policy, asker, now).await?;
        let mut counts = Vec::new();
        let sale = &ledger.sale;
        let kept = deciding.policy.needs().tallies;
        for need in tallies_of::<P>(deciding) {
            if !ways.contains(&need.way) {
                continue;
            }
            let Some(subject) = subject(need.counted, sale, asker) else { continue };
            let Some(key) = place_of(&need, sale, &facts, &subject) else { continue };
            let wanted = kept.contains(&need);
            // What only a candidate wants and nobody keeps would be found to be nothing, whatever was done: without it the
            // candidate cannot decide, which is what its comparison says.
            let of_kept = |other: &TallyNeed| {
                other.counted == need.counted && place_of(other, sale, &facts, &subject).as_ref() == Some(&key)
            };
            if !wanted && !kept.iter().any(of_kept) {
                continue;
            }
            let (key, found) = match self.look_up(key, need.period, &sale.merchant, own, now).await {
                Ok(found) => found,
                Err(why) if !wanted => {
                    // Whatever is wrong with what only a candidate wants: it goes without, and errs when it is compared.
                    self.ports.log(&format!("a count for a candidate of {}: {why}", sale.merchant));
                    continue;
                }
                Err(other) => return Err(other),
            };
            facts.tallies.push(Tally { need, count: u32::try_from(found).unwrap_or(u32::MAX) });
            // What only a candidate wants counted is looked up and not kept: it costs nobody a write.
            if own.is_some() && ways.first() == Some(&need.way) && wanted {
                counts.push(Counting { key, period: need.period, adds: 1, found });
            }
        }
        Ok(Gathered { facts, counts })
    }

    /// Adds how much a person asked to be refunded today, if the policy asks for it. `adds`: what this command adds to it.
    pub(crate) async fn gather_requested(
        &self,
        gathered: &mut Gathered,
        deciding: &Deciding<P::Policy>,
        person: Option<&PersonId>,
        adds: Option<(i64, &CommandId)>,
    ) -> Result<(), Error> {
        // A sum that only a candidate wants is kept by nobody: without it the candidate cannot decide.
        if !deciding.policy.needs().requested_today {
            return Ok(());
        }
        let facts = &mut gathered.facts;
        let merchant = &facts.sale.merchant;
        let found = match (person, facts.business_day) {
            (Some(person), Some(day)) => {
                let key = Key::requested_tally(merchant, day, person);
                let own = adds.map(|(_, command)| command);
                let (key, found) = self.look_up(key, Period::BusinessDay, merchant, own, facts.now).await?;
                if let Some((adds, _)) = adds {
                    gathered.counts.push(Counting { key, period: Period::BusinessDay, adds, found });
                }
                found
            }
            // Nobody in particular asks, so nobody has asked for anything today.
            _ => 0,
        };
        facts.requested_today = Some(Money { minor: found, currency: facts.sale.captured.currency.clone() });
        Ok(())
    }

    /// The facts with every count that any way may need.
    pub(crate) async fn facts_of_all_ways(
        &self,
        ledger: &Ledger,
        deciding: &Deciding<P::Policy>,
        asker: &Asker,
        now: Instant,
    ) -> Result<Facts, Error> {
        let mut gathered = self.gather(ledger, deciding, asker, now, &[Way::Void, Way::Refund], None).await?;
        self.gather_requested(&mut gathered, deciding, asker.person.as_ref(), None).await?;
        Ok(gathered.facts)
    }

    /// The total of a business day without one command.
    ///
    /// # Errors
    /// The store's.
    #[cfg(test)]
    pub(crate) async fn total(
        &self,
        key: &Key,
        merchant: &MerchantId,
        own: Option<&CommandId>,
        now: Instant,
    ) -> Result<i64, Error> {
        self.counted(key, Period::BusinessDay, merchant, own, now).await
    }

    /// A count, by a key that the store can hold.
    async fn look_up(
        &self,
        key: Key,
        period: Period,
        merchant: &MerchantId,
        own: Option<&CommandId>,
        now: Instant,
    ) -> Result<(Key, i64), Error> {
        let key = key.checked()?;
        let found = self.counted(&key, period, merchant, own, now).await?;
        Ok((key, found))
    }

    async fn counted(
        &self,
        key: &Key,
        period: Period,
        merchant: &MerchantId,
        own: Option<&CommandId>,
        now: Instant,
    ) -> Result<i64, Error> {
        match period {
            Period::BusinessDay => self.count_in::<DayTally>(key, period, merchant, own, now).await,
            Period::Rolling(_) => self.count_in::<Rolling>(key, period, merchant, own, now).await,
        }
    }

    /// A count without one command, after dropping reservations that came to nothing.
    async fn count_in<T: Count>(
        &self,
        key: &Key,
        period: Period,
        merchant: &MerchantId,
        own: Option<&CommandId>,
        now: Instant,
    ) -> Result<i64, Error> {
        let records = self.records().await?;
        let Some(tally) = records.read::<T>(key).await? else { return Ok(0) };
        let stale = tally.stale(now);
        for place in &stale {
            let sale = records.read::<Aggregate>(&Key::sale(merchant, &place.sale)).await?;
            let came_through = sale.is_some_and(|s| s.holds(&place.id));
            self.settle_in::<T>(key, &place.id, came_through, Some(place.at)).await?;
        }
        let tally = if stale.is_empty() { Some(tally) } else { records.read::<T>(key).await? };
        let without = own.map_or("", CommandId::as_str);
        Ok(tally.map_or(Some(0), |t| t.total_without(without, later_than(period, now))).unwrap_or(i64::MAX))
    }

    /// Reserves this command's places, if the counts still are what was gathered. `own`: the places that this request made
    /// itself.
    pub(crate) async fn reserve(
        &self,
        counts: &[Counting],
        command: &CommandId,
        sale: &SaleId,
        now: Instant,
        own: &mut Vec<Taken>,
    ) -> Result<bool, Error> {
        for count in counts {
            let reserved = match count.period {
                Period::BusinessDay => self.reserve_in::<DayTally>(count, command, sale, now, own).await?,
                Period::Rolling(_) => self.reserve_in::<Rolling>(count, command, sale, now, own).await?,
            };
            if !reserved {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn reserve_in<T: Count>(
        &self,
        count: &Counting,
        command: &CommandId,
        sale: &SaleId,
        now: Instant,
        own: &mut Vec<Taken>,
    ) -> Result<bool, Error> {
        let records = self.records().await?;
        let slot = records.open::<T>(&count.key).await?;
        let mut next = slot.value.clone().unwrap_or_default();
        let from = later_than(count.period, now);
        if next.total_without(command.as_str(), from) != Some(count.found) {
            return Ok(false);
        }
        // Another request of this command may be at it as well (a claim that was taken over from somebody alive), and rely
        // on the place that it finds. Then it is neither's to remove: whoever looks when it is old asks the sale.
        let there = next.open().iter().find(|place| place.id == command.as_str()).map(|place| place.at);
        let at = there.map_or(now, |there| now.max(Instant { unix_ms: there.unix_ms.saturating_add(1) }));
        let place = Place { id: command.to_string(), sale: sale.clone(), adds: count.adds, at };
        let proof = place.proof();
        if !next.reserve(place) {
            return Err(Error::Unavailable("too many operations are being counted at once".to_owned()));
        }
        let written = records.commit(slot, &next, &proof, self.unique()).await? == Commit::Written;
        if written && there.is_none() {
            own.push(Taken { counting: count.clone(), at });
        }
        Ok(written)
    }

    /// The command came through: its places count from now on, whoever of its requests made them.
    pub(crate) async fn settle(&self, counts: &[Counting], command: &CommandId) -> Result<(), Error> {
        for count in counts {
            let id = command.as_str();
            match count.period {
                Period::BusinessDay => self.settle_in::<DayTally>(&count.key, id, true, None).await?,
                Period::Rolling(_) => self.settle_in::<Rolling>(&count.key, id, true, None).await?,
            }
        }
        Ok(())
    }

    /// This request gives up. It removes the places that it made, unless another request of the command relies on them by now.
    pub(crate) async fn give_up(&self, own: &mut Vec<Taken>, command: &CommandId) -> Result<(), Error> {
        for Taken { counting, at } in own.drain(..) {
            let id = command.as_str();
            match counting.period {
                Period::BusinessDay => self.settle_in::<DayTally>(&counting.key, id, false, Some(at)).await?,
                Period::Rolling(_) => self.settle_in::<Rolling>(&counting.key, id, false, Some(at)).await?,
            }
        }
        Ok(())
    }

    async fn settle_in<T: Count>(
        &self,
        key: &Key,
        id: &str,
        came_through: bool,
        only_as_of: Option<Instant>,
    ) -> Result<(), Error> {
        let records = self.records().await?;
        records
            .update::<T, _, _>(key, &format!("settled {id}"), self.unique(), |there| {
                let Some(mut next) = there.cloned() else { return Ok((None, ())) };
                let changed = next.settle(id, came_through, only_as_of);
                Ok((changed.then_some(next), ()))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::{Counting, Taken};
    use crate::store::key::Key;
    use crate::testkit::World;
    use rescind_model::{BusinessDay, CommandId, Instant, MerchantId, Period, SaleId};

    /// The places of one command, asked for by two requests at once: the second took over a claim whose holder was alive.
    #[tokio::test]
    async fn a_request_that_gives_up_leaves_what_another_of_its_command_relies_on() {
        let world = World::new();
        let app = &world.app;
        let merchant = MerchantId::parse("M-1").unwrap();
        let key = Key::void_tally(&merchant, BusinessDay::new(2026, 11, 23).unwrap(), "merchant-account", "M-1");
        let count = |found| [Counting { key: key.clone(), period: Period::BusinessDay, adds: 1, found }];
        let (sale, command) = (SaleId::parse("S-1").unwrap(), CommandId { value: "c-1".to_owned() });
        let now = |ms: i64| Instant { unix_ms: 1_795_406_400_000 + ms };
        let total = || async { app.total(&key, &merchant, None, now(10)).await.unwrap() };
        let mut one: Vec<Taken> = Vec::new();
        let mut two: Vec<Taken> = Vec::new();
        // Whoever is alone leaves nothing behind.
        assert!(app.reserve(&count(0), &command, &sale, now(0), &mut one).await.unwrap());
        app.give_up(&mut one, &command).await.unwrap();
        assert_eq!(total().await, 0);
        // The second gathered something else, reserves nothing, and removes nothing.
        assert!(app.reserve(&count(0), &command, &sale, now(0), &mut one).await.unwrap());
        assert!(!app.reserve(&count(5), &command, &sale, now(1), &mut two).await.unwrap());
        app.give_up(&mut two, &command).await.unwrap();
        assert_eq!(total().await, 1);
        // The second finds the place and makes it new: neither removes it, at the same instant or another.
        assert!(app.reserve(&count(0), &command, &sale, now(0), &mut two).await.unwrap());
        app.give_up(&mut two, &command).await.unwrap();
        app.give_up(&mut one, &command).await.unwrap();
        assert_eq!(total().await, 1);
        // It came through, and counts once, whoever says so.
        app.settle(&count(0), &command).await.unwrap();
        app.settle(&count(0), &command).await.unwrap();
        assert_eq!((total().await, app.total(&key, &merchant, Some(&command), now(10)).await.unwrap()), (1, 1));
    }
}
