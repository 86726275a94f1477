//! Voids: checked without effect, or decided, reserved and committed.

use crate::app::App;
use crate::error::Error;
use crate::identity::{CheckedIdentity, ShownIdentity};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::proof::{AskedOperation, ShownProof};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::tally::{Place, Tally};
use crate::store::{Commit, Record as _};
use crate::take_back::{Taking, Way};
use rescind_model::{
    Asker, CaseId, Command, CommandId, Counted, Decision, Facts, Fee, Grounds, Instant, Ledger, MerchantId, Money,
    OperationId, PersonId, Sale, SaleId, TerminalId, VoidAuthorisation, VoidQuestion,
};

/// A void that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VoidAsk {
    /// The amount the asker has in mind; must equal the sale. Absent: the sale's.
    pub amount: Option<Money>,
    /// The reason code.
    pub reason: Option<String>,
    /// The operator, where the key is not a person's own.
    pub operator: Option<PersonId>,
    /// The terminal, where the key is not a terminal's own.
    pub terminal: Option<TerminalId>,
    /// The granted referral it rests on, where the policy leaves it to support.
    pub case: Option<CaseId>,
    /// The fees that the asker saw: those of the decision, or it is refused.
    pub fees: Option<Vec<Fee>>,
    /// What the operator showed.
    pub proof: ShownProof,
    /// What the customer showed.
    pub identity: Option<ShownIdentity>,
}

/// Facts, and the tallies they were read from.
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    /// Tallies with what this operation would add.
    pub(crate) tallies: Vec<(Key, i64)>,
}

impl<P: Ports> App<P> {
    /// Decides a void without any effect.
    ///
    /// # Errors
    /// No such sale, an unknown operator, an amount that cannot be.
    pub async fn check_void(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &VoidAsk,
    ) -> Result<Decision, Error> {
        who.may(Deed::TakeBack, merchant)?;
        let aggregate = self.sale(who, merchant, id).await?;
        let merchant = self.merchant(merchant).await?;
        let policy = self.policy_of(&merchant).await?;
        let sale = &aggregate.ledger.sale;
        let asked = asked(sale, ask);
        let standing = self.standing_of_asker(who, &merchant.id, ask.operator.as_ref(), &asked, &ask.proof).await?;
        standing.person("/operator")?;
        let now = self.ports.now();
        // A code is not tried without effect: a confirmation counts when the void is asked for.
        let at_the_counter = ask.identity.as_ref().filter(|i| !matches!(i, ShownIdentity::Confirmed { .. }));
        let identity = at_the_counter
            .map(|identity| crate::identity::at_the_counter(who, sale, identity, now))
            .transpose()?
            .map(|proof| CheckedIdentity { proof, confirmation: None });
        let mut gathered = self.gather(&aggregate.ledger, &policy, &standing.asker, now, None).await?;
        standing.shown(identity).tell(&mut gathered.facts);
        if gathered.facts.authentication.is_none() && gathered.facts.identity.is_empty() {
            // Whoever shows nothing only looks: the obligations say what will have to be shown.
            gathered.facts.operation = None;
        }
        Ok(policy.decide_void(&gathered.facts, &question(&aggregate.ledger.sale, ask))?)
    }

    /// Decides a void and, if the policy allows it, reserves the sale for it.
    ///
    /// # Errors
    /// [`Error::Decided`] with the decision if the policy refuses or refers; the ledger's rejections.
    pub async fn void(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &VoidAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let there = self.sale(who, merchant, id).await?;
        let operation = OperationId { value: format!("{id}~{}", tail(command)) };
        if there.holds(command.as_str()) {
            // Carried out before: what was shown for it may have ended since.
            return Ok((there, operation));
        }
        let merchant = self.merchant(merchant).await?;
        let policy = self.policy_of(&merchant).await?;
        let sale = &there.ledger.sale;
        let asked = asked(sale, ask);
        let standing = self.standing_of_asker(who, &merchant.id, ask.operator.as_ref(), &asked, &ask.proof).await?;
        let actor = standing.actor("/operator")?;
        let identity = match &ask.identity {
            Some(shown) => Some(self.check_identity(who, sale, asked.way, &asked.amount, shown, command).await?),
            None => None,
        };
        let taking = Taking {
            who,
            merchant: &merchant.id,
            sale: id,
            policy: &*policy,
            shown: standing.shown(identity),
            asker: standing.asker,
            actor,
            command,
            accepted: self.ports.now(),
        };
        let way = Void { ask, operation: &operation };
        Ok((self.take_back(&taking, &way).await?, operation))
    }

    /// Gathers facts with the counts that the policy asks for. `own`: this command's reservations do not count.
    pub(crate) async fn gather(
        &self,
        ledger: &Ledger,
        policy: &P::Policy,
        asker: &Asker,
        now: Instant,
        own: Option<&CommandId>,
    ) -> Result<Gathered, Error> {
        let mut facts = self.facts(ledger, policy, asker, now).await?;
        let mut tallies = Vec::new();
        let Some(day) = facts.business_day else { return Ok(Gathered { facts, tallies }) };
        for need in policy.needs().tallies {
            if need.way != rescind_model::Way::Void || need.period != rescind_model::Period::BusinessDay {
                continue;
            }
            let counted = need.counted;
            let sale = &ledger.sale;
            let (name, subject) = match counted {
                Counted::MerchantAccount => ("merchant-account", Some(sale.merchant.to_string())),
                Counted::PayerToken => ("payer-token", sale.payer_token.clone()),
                Counted::Operator => ("operator", asker.person.as_ref().map(ToString::to_string)),
                Counted::Terminal => ("terminal", asker.terminal.as_ref().map(ToString::to_string)),
            };
            // Without a subject the fact stays away; the policy then cannot decide, which is an error and no answer.
            let Some(subject) = subject else { continue };
            let key = Key::void_tally(&sale.merchant, day, name, &subject).checked()?;
            let total = self.total(&key, &sale.merchant, own, now).await?;
            facts.tallies.push(rescind_model::Tally { need, count: u32::try_from(total).unwrap_or(u32::MAX) });
            tallies.push((key, 1));
        }
        Ok(Gathered { facts, tallies })
    }

    /// A tally's total without one command, after dropping reservations that came to nothing.
    pub(crate) async fn total(
        &self,
        key: &Key,
        merchant: &MerchantId,
        own: Option<&CommandId>,
        now: Instant,
    ) -> Result<i64, Error> {
        let records = self.records().await?;
        let Some(tally) = records.read::<Tally>(key).await? else { return Ok(0) };
        let stale: Vec<Place> = tally.stale(now).cloned().collect();
        for place in &stale {
            let sale = records.read::<Aggregate>(&Key::sale(merchant, &place.sale)).await?;
            let came_through = sale.is_some_and(|s| s.holds(&place.id));
            self.settle_one(key, &place.id, came_through, Some(place.at)).await?;
        }
        let tally = if stale.is_empty() { Some(tally) } else { records.read::<Tally>(key).await? };
        let without = own.map_or("", CommandId::as_str);
        Ok(tally.map_or(Some(0), |t| t.total_without(without)).unwrap_or(i64::MAX))
    }

    /// Reserves this command's places, if the totals still are what was gathered.
    pub(crate) async fn reserve(
        &self,
        gathered: &Gathered,
        command: &CommandId,
        sale: &SaleId,
        now: Instant,
    ) -> Result<bool, Error> {
        let records = self.records().await?;
        let expected = gathered.facts.tallies.iter().map(|t| i64::from(t.count));
        let expected = expected.chain(gathered.facts.requested_today.iter().map(|m| m.minor));
        for ((key, adds), expected) in gathered.tallies.iter().zip(expected) {
            let slot = records.open::<Tally>(key).await?;
            let mut next = slot.value.clone().unwrap_or_default();
            if next.total_without(command.as_str()) != Some(expected) {
                return Ok(false);
            }
            let place = Place { id: command.to_string(), sale: sale.clone(), adds: *adds, at: now };
            let proof = place.proof();
            if !next.reserve(place) {
                return Err(Error::Unavailable("too many operations are being counted at once".to_owned()));
            }
            if records.commit(slot, &next, &proof, self.unique()).await? == Commit::Lost {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends this command's reservations.
    pub(crate) async fn settle(
        &self,
        tallies: &[(Key, i64)],
        command: &CommandId,
        came_through: bool,
    ) -> Result<(), Error> {
        for (key, _) in tallies {
            self.settle_one(key, command.as_str(), came_through, None).await?;
        }
        Ok(())
    }

    async fn settle_one(
        &self,
        key: &Key,
        id: &str,
        came_through: bool,
        only_as_of: Option<Instant>,
    ) -> Result<(), Error> {
        let records = self.records().await?;
        records
            .update::<Tally, _, _>(key, &format!("settled {id}"), self.unique(), |there| {
                let Some(mut next) = there.cloned() else { return Ok((None, ())) };
                let changed = next.settle(id, came_through, only_as_of);
                Ok((changed.then_some(next), ()))
            })
            .await
    }
}

/// A void on its way.
struct Void<'a> {
    ask: &'a VoidAsk,
    operation: &'a OperationId,
}

impl<P: Ports> Way<P> for Void<'_> {
    async fn gather(&self, app: &App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        app.gather(ledger, taking.policy, &taking.asker, taking.accepted, Some(taking.command)).await
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Result<Decision, Error> {
        Ok(policy.decide_void(facts, &question(&facts.sale, self.ask))?)
    }

    fn fees_seen(&self) -> Option<&[Fee]> {
        self.ask.fees.as_deref()
    }

    fn grant(&self) -> Option<&CaseId> {
        self.ask.case.as_ref()
    }

    fn change(&self, taking: &Taking<'_, P>, _: &Ledger, decision: Decision) -> Command {
        Command::AuthoriseVoid(VoidAuthorisation {
            id: self.operation.clone(),
            reason: self.ask.reason.clone().unwrap_or_default(),
            terminal: taking.asker.terminal.clone(),
            provider_reference: provider_reference(taking.command),
            decision,
            grounds: Grounds { grant: self.ask.case.clone(), ..taking.shown.grounds() },
        })
    }
}

/// The void as an operator's proof names it.
fn asked(sale: &Sale, ask: &VoidAsk) -> AskedOperation {
    AskedOperation {
        way: rescind_model::Way::Void,
        sale: sale.id.clone(),
        amount: ask.amount.clone().unwrap_or_else(|| sale.captured.clone()),
        reason: ask.reason.clone(),
        terminal: ask.terminal.clone(),
        penalty: false,
        order: None,
        case: ask.case.clone(),
        fees: ask.fees.clone(),
    }
}

fn question(sale: &Sale, ask: &VoidAsk) -> VoidQuestion {
    VoidQuestion {
        amount: ask.amount.clone().unwrap_or_else(|| sale.captured.clone()),
        reason: ask.reason.clone(),
        legal: false,
        evidence: Vec::new(),
    }
}

/// The last 16 digits of a command: enough to name an operation within its sale.
pub(crate) fn tail(command: &CommandId) -> String {
    let digits: Vec<char> = command.as_str().chars().rev().take(16).collect();
    digits.into_iter().rev().collect()
}

/// The reference that every attempt of a command's operation gives to the provider.
pub(crate) fn provider_reference(command: &CommandId) -> String {
    format!("R{}", command.as_str().trim_start_matches("c-"))
}
