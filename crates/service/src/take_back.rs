//! Taking money back, the same for every way: gather facts, decide, record the decision, make the transition, reserve what is counted across
//! sales, use up what the customer confirmed, commit, confirm. If somebody else changed the sale or a count meanwhile, from the beginning, with the
//! instant at which the request was accepted.

use crate::announcement::Announcement;
use crate::app::App;
use crate::count::{Counting, Gathered, Taken};
use crate::decision::Asked;
use crate::error::Error;
use crate::limits::SWAP_ATTEMPTS;
use crate::planted::{Mistake, made};
use crate::policies::Deciding;
use crate::ports::{Policy as _, Ports};
use crate::principal::Principal;
use crate::proof::Shown;
use crate::sale::Aggregate;
use crate::store::Record as _;
use core::future::Future;
use rescind_model::{
    Actor, Asker, CaseId, Command, CommandId, Decision, Facts, Fee, Instant, Ledger, MerchantId, Outcome as Verdict,
    Rejection, SaleId, Transition,
};

/// Who wants what taken back, and by which command.
pub(crate) struct Taking<'a, P: Ports> {
    pub(crate) who: &'a Principal,
    pub(crate) merchant: &'a MerchantId,
    pub(crate) sale: &'a SaleId,
    /// The policy that holds at the instant of acceptance, for the class of the terminal that made the payment.
    pub(crate) deciding: &'a Deciding<P::Policy>,
    pub(crate) asker: Asker,
    pub(crate) actor: Actor,
    pub(crate) command: &'a CommandId,
    /// What was shown for it: by the operator, by the customer.
    pub(crate) shown: Shown,
    /// The instant at which the request was accepted decides, however long the race takes.
    pub(crate) accepted: Instant,
}

/// In which the ways differ.
pub(crate) trait Way<P: Ports>: Sync {
    /// Gathers the facts, and the counts that this operation would add to.
    fn gather(
        &self,
        app: &App<P>,
        taking: &Taking<'_, P>,
        ledger: &Ledger,
    ) -> impl Future<Output = Result<Gathered, Error>> + Send;
    /// Asks the policy; gives all that was asked, in order. The last answer counts.
    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Vec<Asked>;
    /// What the ledger is told once the policy allows it.
    fn change(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: Decision) -> Command;
    /// The referral whose grant lifts what the policy refers, if one was named. Whether it does is for the ledger to say.
    fn grant(&self) -> Option<&CaseId> {
        None
    }
    /// The fees that the asker saw, where they say so. They stand behind these and no others.
    fn fees_seen(&self) -> Option<&[Fee]> {
        None
    }
    /// Puts into the facts what was shown for it.
    fn tell(&self, taking: &Taking<'_, P>, facts: &mut Facts) {
        taking.shown.tell(facts);
    }
    /// What the ledger is told before the change, in the same commit.
    fn first(&self) -> Option<Command> {
        None
    }
    /// Writes down what has to be found even if the commit that follows is the last thing that happens.
    fn announce(
        &self,
        _app: &App<P>,
        _taking: &Taking<'_, P>,
        _ledger: &Ledger,
        _change: &Command,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        core::future::ready(Ok(()))
    }
}

/// What a command puts into the ledger names the record of the decision that let it.
fn name_record(change: &mut Command, record: String) {
    let grounds = match change {
        Command::AuthoriseVoid(wanted) => &mut wanted.grounds,
        Command::Authorise(wanted) => &mut wanted.grounds,
        Command::SubmitRefund(wanted) => &mut wanted.grounds,
        _ => return,
    };
    grounds.decision = Some(record);
}

impl<P: Ports> App<P> {
    /// Takes money back on a way, if the policy and the ledger let it.
    pub(crate) async fn take_back<W: Way<P>>(&self, taking: &Taking<'_, P>, way: &W) -> Result<Aggregate, Error> {
        let Taking { merchant, sale, command, accepted, .. } = taking;
        let mut announcement = Announcement::default();
        let mut reserved: Vec<Counting> = Vec::new();
        let mut own: Vec<Taken> = Vec::new();
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, there) = self.open_sale(merchant, sale, &mut announcement).await?;
            if there.holds(command.as_str()) {
                self.settle(&reserved, command).await?;
                return Ok(there);
            }
            if !crate::sale::visible(taking.who, merchant, &there) {
                return Err(Error::NotFound("transaction"));
            }
            there.must_have_room()?;
            let overlaid = self.with_batch(there.clone()).await?;
            let mut gathered = way.gather(self, taking, &overlaid.ledger).await?;
            way.tell(taking, &mut gathered.facts);
            let policy = &taking.deciding.policy;
            let asked = way.decide(policy, &gathered.facts);
            // Before anything follows from it, and whatever it is.
            let (record, decision) = self.record_decisions(&policy.identity(), &gathered.facts, asked, command).await?;
            let referred = decision.outcome == Verdict::Refer && way.grant().is_some();
            if decision.outcome != Verdict::Allow && !referred {
                self.give_up(&mut own, command).await?;
                return Err(Error::Decided(Box::new(decision)));
            }
            if way.fees_seen().is_some_and(|seen| seen != decision.obligations.fees) {
                self.give_up(&mut own, command).await?;
                return Err(Error::Conflict {
                    code: "fees.changed",
                    message: "the fees are others than those that were seen: look at them again".to_owned(),
                });
            }
            let decided = referred.then(|| Box::new(decision.clone()));
            let mut change = way.change(taking, &there.ledger, decision);
            name_record(&mut change, record);
            let transition = match self.follow(taking, &there.ledger, way.first().as_ref(), &change) {
                Ok(transition) => transition,
                Err(rejection) => {
                    self.give_up(&mut own, command).await?;
                    // A grant that does not lift what was referred leaves the answer what it was.
                    return Err(decided.map_or_else(|| rejection.into(), Error::Decided));
                }
            };
            if reserved.is_empty() && !gathered.counts.is_empty() {
                reserved.clone_from(&gathered.counts);
                if !made(Mistake::CountAfterwards)
                    && !self.reserve(&gathered.counts, command, sale, *accepted, &mut own).await?
                {
                    // Somebody else's operation was counted in between.
                    self.give_up(&mut own, command).await?;
                    reserved.clear();
                    continue;
                }
            }
            if let Some(confirmation) = taking.shown.identity.as_ref().and_then(|i| i.confirmation.as_deref())
                && let Err(error) = self.consume_confirmation(merchant, sale, confirmation, command).await
            {
                self.give_up(&mut own, command).await?;
                return Err(error);
            }
            way.announce(self, taking, &there.ledger, &change).await?;
            if let Some(done) = self.try_commit(slot, &there, transition, command, &mut announcement).await? {
                if made(Mistake::CountAfterwards) {
                    self.reserve(&gathered.counts, command, sale, *accepted, &mut own).await?;
                }
                self.settle(&reserved, command).await?;
                return Ok(done);
            }
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }

    /// One or two changes as one transition.
    fn follow(
        &self,
        taking: &Taking<'_, P>,
        ledger: &Ledger,
        first: Option<&Command>,
        change: &Command,
    ) -> Result<Transition, Rejection> {
        let apply = |ledger: &Ledger, change: &Command| {
            self.ports.apply(ledger, change, &taking.actor, taking.command, taking.accepted)
        };
        let Some(first) = first else { return apply(ledger, change) };
        let before = apply(ledger, first)?;
        let after = apply(&before.ledger, change)?;
        Ok(Transition { events: before.events.into_iter().chain(after.events).collect(), ..after })
    }
}
