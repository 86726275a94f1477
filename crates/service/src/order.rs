//! Legal and compliance orders: one person puts one forward, a second carries it into a void, both with a role that the
//! policy names. It goes beyond windows and never beyond what is left; the regulator gets a report.

use crate::app::App;
use crate::case::without_proofs;
use crate::count::Gathered;
use crate::error::Error;
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Principal};
use crate::proof::{AskedOperation, ShownProof};
use crate::register::{Registered, sale_in};
use crate::sale::Aggregate;
use crate::store::Record as _;
use crate::store::key::Key;
use crate::take_back::{Taking, Way};
use crate::void::{provider_reference, tail};
use rescind_model::record::Question;
use rescind_model::standing::Standing;
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, Asker, Command, CommandId, Decision, Facts, Grounds, Instant, Ledger, LegalOrder, MerchantId, Money,
    OperationId, OrderId, OrderProposal, OrderState, Outcome, Rejection, Role, SaleId, VoidAuthorisation, VoidQuestion,
};

/// The reason code that the void of an order carries.
const REASON: &str = "legal-order";

/// Roles besides those of the policy that see the report.
const OVERSEERS: [&str; 2] = ["compliance", "auditor"];

/// An order in its payment.
#[must_use]
pub fn find<'a>(aggregate: &'a Aggregate, id: &OrderId) -> Option<&'a LegalOrder> {
    aggregate.ledger.orders.iter().find(|order| order.id == *id)
}

impl<P: Ports> App<P> {
    /// The first of two persons puts an order forward, for all that is left of the payment.
    ///
    /// # Errors
    /// Not permitted; no such payment; [`Error::Decided`] if not even an order can take it back; the ledger's rejections.
    pub async fn propose_order(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        reference: &str,
        reason: &str,
        command: &CommandId,
    ) -> Result<(Aggregate, OrderId), Error> {
        let record = self.merchant(merchant).await?;
        let policy = self.policy_of(&record).await?;
        let terms = policy.terms();
        let person = who.person_with(merchant, &terms.legal_roles)?;
        let asker = Asker {
            person: Some(person.id.clone()),
            roles: person.roles.clone(),
            terminal: None,
            terminal_class: None,
        };
        let actor = Actor::Person(person);
        let id = OrderId { value: format!("{sale}~{}", tail(command)) };
        let there = self.payment(merchant, sale).await?;
        if there.holds(command.as_str()) {
            return Ok((there, id));
        }
        // What could not be carried out is not put forward. The proof comes with the second person.
        let amount = left_of(&there.ledger)?;
        if !amount.is_zero() {
            let facts = self.facts(&there.ledger, &policy, &asker, self.ports.now()).await?;
            let decision = without_proofs(policy.decide_void(&facts, &question(&amount))?);
            if decision.outcome != Outcome::Allow {
                return Err(Error::Decided(Box::new(decision)));
            }
        }
        let outcome = self
            .transact(merchant, sale, command, |app, a| {
                a.must_have_room()?;
                let proposal = OrderProposal {
                    id: id.clone(),
                    reference: reference.to_owned(),
                    reason: reason.to_owned(),
                    amount: left_of(&a.ledger)?,
                    lives: terms.order_lives,
                };
                app.plain(a, &Command::ProposeOrder(proposal), &actor, command)
            })
            .await?;
        Ok((outcome.aggregate(), id))
    }

    /// The second person carries an order into a void of all that is left.
    ///
    /// # Errors
    /// Not permitted; the same person; no such order; the policy or the ledger refuses the void.
    pub async fn confirm_order(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &OrderId,
        proof: &ShownProof,
        command: &CommandId,
    ) -> Result<(Aggregate, OrderId), Error> {
        let record = self.merchant(merchant).await?;
        let policy = self.policy_of(&record).await?;
        let person = who.person_with(merchant, &policy.terms().legal_roles)?;
        let sale = sale_in(id.as_str()).ok_or(Error::NotFound("legal order"))?;
        let no_order = |e| if matches!(e, Error::NotFound(_)) { Error::NotFound("legal order") } else { e };
        let there = self.payment(merchant, &sale).await.map_err(no_order)?;
        let order = find(&there, id).ok_or(Error::NotFound("legal order"))?;
        if order.proposed_by == person.id {
            return Err(Error::Rejected(Rejection::NotPermitted("same-person".to_owned())));
        }
        if there.holds(command.as_str()) {
            // Carried out before: what was shown for it may have ended since.
            return Ok((there, id.clone()));
        }
        must_wait(order)?;
        let asked = AskedOperation {
            way: rescind_model::Way::Void,
            sale: sale.clone(),
            amount: order.amount.clone(),
            reason: None,
            terminal: None,
            penalty: false,
            order: Some(id.clone()),
            case: None,
            fees: None,
        };
        let standing = self.standing_of_asker(who, merchant, None, &asked, proof).await?;
        let accepted = self.ports.now();
        let deciding = self.deciding(&record, standing.asker.terminal_class.as_deref(), accepted).await?;
        let taking = Taking {
            who,
            merchant,
            sale: &sale,
            deciding: &deciding,
            shown: standing.shown(None),
            asker: standing.asker,
            actor: Actor::Person(person),
            command,
            accepted,
        };
        let operation = OperationId { value: format!("{sale}~{}", tail(command)) };
        let way = LegalVoid { order: id, operation: &operation, amount: order.amount.clone() };
        Ok((self.take_back(&taking, &way).await.map_err(no_order)?, id.clone()))
    }

    /// The report for the regulator: orders put forward from one instant to before another, in order.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn compliance_report(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        from: Option<Instant>,
        to: Option<Instant>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Registered<OrderId>, Error> {
        let record = self.merchant(merchant).await?;
        let mut roles = self.policy_of(&record).await?.terms().legal_roles;
        roles.extend(OVERSEERS.iter().filter_map(|role| Role::parse(role).ok()));
        if who.bearer != Bearer::Admin {
            who.person_with(merchant, &roles)?;
        }
        self.registered(&Key::orders(merchant), merchant, after, limit, |aggregate, name| {
            let id = OrderId::parse(name).ok()?;
            let at = find(aggregate, &id)?.proposed_at;
            let within = from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to);
            within.then_some(id)
        })
        .await
    }

    /// A payment, for whoever a policy's role lets at it: what a cashier sees is no matter here.
    async fn payment(&self, merchant: &MerchantId, sale: &SaleId) -> Result<Aggregate, Error> {
        let found = self.records().await?.read::<Aggregate>(&Key::sale(merchant, sale)).await?;
        self.with_batch(found.ok_or(Error::NotFound("transaction"))?).await
    }
}

/// The order waits for its second person.
fn must_wait(order: &LegalOrder) -> Result<(), Error> {
    if order.state == OrderState::Proposed {
        return Ok(());
    }
    Err(Error::Rejected(Rejection::WrongState(order.state.token().to_owned())))
}

/// All that is left of a payment.
fn left_of(ledger: &Ledger) -> Result<Money, Error> {
    let standing = Standing::of(ledger).map_err(|e| Error::Internal(format!("ledger {}: {e}", ledger.sale.id)))?;
    Ok(standing.left)
}

fn question(amount: &Money) -> VoidQuestion {
    VoidQuestion { amount: amount.clone(), reason: None, legal: true, evidence: Vec::new() }
}

/// The void that carries an order out.
struct LegalVoid<'a> {
    order: &'a OrderId,
    operation: &'a OperationId,
    amount: Money,
}

impl<P: Ports> Way<P> for LegalVoid<'_> {
    async fn gather(&self, app: &App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        // Somebody else may have confirmed it in between. What is then left would be refused for another reason.
        ledger.orders.iter().find(|order| order.id == *self.order).map_or(Ok(()), must_wait)?;
        // Counts do not stand in its way, and it is not one of those that are counted.
        let facts = app.facts(ledger, &taking.deciding.policy, &taking.asker, taking.accepted).await?;
        Ok(Gathered { facts, counts: Vec::new() })
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Result<(Question, Decision), Error> {
        let question = question(&self.amount);
        let decision = policy.decide_void(facts, &question)?;
        Ok((Question::Void(question), decision))
    }

    fn change(&self, taking: &Taking<'_, P>, _: &Ledger, decision: Decision) -> Command {
        Command::AuthoriseVoid(VoidAuthorisation {
            id: self.operation.clone(),
            reason: REASON.to_owned(),
            terminal: None,
            provider_reference: provider_reference(taking.command),
            decision,
            grounds: Grounds { order: Some(self.order.clone()), ..taking.shown.grounds() },
        })
    }
}
