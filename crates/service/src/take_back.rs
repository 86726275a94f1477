//! Taking money back, the same for voids and refunds: gather facts, decide, make the transition, reserve what is counted
//! across sales, commit, confirm. If somebody else changed the sale or a count meanwhile, from the beginning, with the
//! instant at which the request was accepted.

use crate::app::App;
use crate::error::Error;
use crate::limits::SWAP_ATTEMPTS;
use crate::ports::Ports;
use crate::principal::Principal;
use crate::sale::Aggregate;
use crate::store::Record as _;
use crate::store::key::Key;
use crate::void::Gathered;
use core::future::Future;
use rescind_model::{
    Actor, Asker, CaseId, Command, CommandId, Decision, Facts, Instant, Ledger, MerchantId, Outcome as Verdict,
    Rejection, SaleId,
};

/// Who wants what taken back, and by which command.
pub(crate) struct Taking<'a, P: Ports> {
    pub(crate) who: &'a Principal,
    pub(crate) merchant: &'a MerchantId,
    pub(crate) sale: &'a SaleId,
    pub(crate) policy: &'a P::Policy,
    pub(crate) asker: Asker,
    pub(crate) actor: Actor,
    pub(crate) command: &'a CommandId,
    /// The instant at which the request was accepted decides, however long the race takes.
    pub(crate) accepted: Instant,
}

/// In which a void and a refund differ.
pub(crate) trait Way<P: Ports>: Sync {
    /// Gathers the facts, and the counts that this operation would add to.
    fn gather(
        &self,
        app: &App<P>,
        taking: &Taking<'_, P>,
        ledger: &Ledger,
    ) -> impl Future<Output = Result<Gathered, Error>> + Send;
    /// Asks the policy.
    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Result<Decision, Error>;
    /// The granted referral that it rests on where the policy leaves it to support. Whether it lifts what the policy found
    /// is the ledger's to say.
    fn grant(&self) -> Option<&CaseId>;
    /// What the ledger is told once the policy allows it.
    fn change(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: Decision) -> Command;
}

impl<P: Ports> App<P> {
    /// Takes money back on a way, if the policy and the ledger let it.
    pub(crate) async fn take_back<W: Way<P>>(&self, taking: &Taking<'_, P>, way: &W) -> Result<Aggregate, Error> {
        let Taking { merchant, sale, command, accepted, .. } = taking;
        let mut announced = false;
        let mut reserved: Vec<(Key, i64)> = Vec::new();
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, there) = self.open_sale(merchant, sale).await?;
            if there.holds(command.as_str()) {
                self.settle(&reserved, command, true).await?;
                return Ok(there);
            }
            if !crate::sale::visible(taking.who, merchant, &there) {
                return Err(Error::NotFound("transaction"));
            }
            there.must_have_room()?;
            let overlaid = self.with_batch(there.clone()).await?;
            let gathered = way.gather(self, taking, &overlaid.ledger).await?;
            let decision = way.decide(taking.policy, &gathered.facts)?;
            let lifted = decision.outcome == Verdict::Refer && way.grant().is_some();
            if decision.outcome != Verdict::Allow && !lifted {
                self.settle(&reserved, command, false).await?;
                return Err(Error::Decided(Box::new(decision)));
            }
            let change = way.change(taking, &there.ledger, decision);
            let transition = match self.ports.apply(&there.ledger, &change, &taking.actor, command, *accepted) {
                Ok(transition) => transition,
                Err(rejection) => {
                    self.settle(&reserved, command, false).await?;
                    if lifted && rejection == Rejection::NoSuchOperation {
                        return Err(Error::NotFound("case"));
                    }
                    return Err(rejection.into());
                }
            };
            if reserved.is_empty() && !gathered.tallies.is_empty() {
                reserved.clone_from(&gathered.tallies);
                if !self.reserve(&gathered, command, sale, *accepted).await? {
                    // Somebody else's operation was counted in between.
                    self.settle(&reserved, command, false).await?;
                    reserved.clear();
                    continue;
                }
            }
            if let Some(done) = self.try_commit(slot, &there, transition, command, &mut announced).await? {
                self.settle(&reserved, command, true).await?;
                return Ok(done);
            }
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }
}
