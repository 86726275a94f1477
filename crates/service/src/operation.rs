//! Operations and their outcomes: looked up, reported, resolved, printed.

use crate::app::App;
use crate::error::Error;
use crate::limits::PROPOSAL_HOLDS;
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::refund::{check_text, find};
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, Command, CommandId, Instant, Locale, MerchantId, Operation, OperationId, OutcomeReport, PersonId,
    Resolution, ResultOf, SaleId, SlipRequest, Target, VoidOperation,
};
use rescind_model::{OperationState, RefundState};
use serde::{Deserialize, Serialize};

/// A void in its sale.
#[must_use]
pub fn find_void<'a>(aggregate: &'a Aggregate, id: &OperationId) -> Option<&'a VoidOperation> {
    aggregate.ledger.voids.iter().find(|v| v.id == *id)
}

/// Another operation in its payment.
#[must_use]
pub fn find_operation<'a>(aggregate: &'a Aggregate, id: &OperationId) -> Option<&'a Operation> {
    aggregate.ledger.operations.iter().find(|o| o.id == *id)
}

/// An operation's sale is part of its id.
fn sale_of(id: &OperationId) -> Result<SaleId, Error> {
    let sale = id.as_str().rsplit_once('~').map(|(sale, _)| sale);
    sale.and_then(|s| SaleId::parse(s).ok()).ok_or(Error::NotFound("operation"))
}

/// What one of two persons said about an operation that no evidence will end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    by: PersonId,
    second: PersonId,
    took_place: bool,
    at: Instant,
    /// How often the operation had been sent: a later attempt is another question.
    attempts: u32,
}

impl Proposal {
    fn mark(&self) -> String {
        format!("{} {} {} {} {}", self.by, self.second, self.took_place, self.at.unix_ms, self.attempts)
    }
}

impl Record for Proposal {
    const FORMAT: &'static str = "resolution/1";
    fn holds(&self, id: &str) -> bool {
        self.mark() == id
    }
}

/// How often an operation was sent, if it is one that two persons may end: its outcome is unknown, or a person has to look
/// at it.
fn open_attempts(aggregate: &Aggregate, target: &Target) -> Result<u32, Error> {
    let (open, state, attempts) = match target {
        Target::Void(id) => {
            let void = find_void(aggregate, id).ok_or(Error::NotFound("operation"))?;
            (void.attention || void.state == OperationState::Unknown, void.state.token(), 0)
        }
        Target::Refund(id) => {
            let refund = find(aggregate, id).ok_or(Error::NotFound("refund"))?;
            (refund.attention || refund.state == RefundState::Unknown, refund.state.token(), refund.attempts)
        }
        Target::Operation(id) => {
            let operation = find_operation(aggregate, id).ok_or(Error::NotFound("operation"))?;
            let unknown = operation.state == OperationState::Unknown;
            (operation.attention || unknown, operation.state.token(), operation.attempts)
        }
    };
    if open { Ok(attempts) } else { Err(Error::Rejected(rescind_model::Rejection::WrongState(state.to_owned()))) }
}

fn describe(target: &Target) -> String {
    match target {
        Target::Void(id) => format!("void {id}"),
        Target::Refund(id) => format!("refund {id}"),
        Target::Operation(id) => format!("operation {id}"),
    }
}

fn as_operation(error: Error) -> Error {
    if matches!(error, Error::NotFound(_)) { Error::NotFound("operation") } else { error }
}

impl<P: Ports> App<P> {
    /// A void or another operation with its sale.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist and one that is not the asker's.
    pub async fn operation(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &OperationId,
    ) -> Result<(Aggregate, OperationId), Error> {
        let aggregate = self.sale(who, merchant, &sale_of(id)?).await.map_err(as_operation)?;
        if find_void(&aggregate, id).is_none() && find_operation(&aggregate, id).is_none() {
            return Err(Error::NotFound("operation"));
        }
        Ok((aggregate, id.clone()))
    }

    /// Records what became of a void that a terminal carries out.
    ///
    /// # Errors
    /// No such operation; it is not this terminal's; the outcome contradicts a final one.
    pub async fn report(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &OperationId,
        outcome: ResultOf,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        who.may(Deed::ReportOutcome, merchant)?;
        let (aggregate, _) = self.operation(who, merchant, id).await?;
        let void = find_void(&aggregate, id).ok_or(Error::NotFound("operation"))?;
        if void.executor != rescind_model::Executor::Terminal {
            return Err(Error::Conflict {
                code: "operation.not-yours",
                message: "the courier carries this operation out and asks the provider itself".to_owned(),
            });
        }
        if let (Bearer::Terminal { terminal, .. }, Some(own)) = (&who.bearer, &void.terminal)
            && terminal != own
        {
            return Err(Error::NotFound("operation"));
        }
        let report = OutcomeReport { target: Target::Void(id.clone()), outcome };
        self.report_as(&who.actor(merchant), merchant, &aggregate.ledger.sale.id, report, command).await?;
        self.operation(who, merchant, id).await
    }

    /// Records what became of an operation.
    pub(crate) async fn report_as(
        &self,
        actor: &Actor,
        merchant: &MerchantId,
        sale: &SaleId,
        report: OutcomeReport,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        let change = Command::Report(report);
        Ok(self.transact(merchant, sale, command, |app, a| app.plain(a, &change, actor, command)).await?.aggregate())
    }

    /// Two persons end an operation that no evidence will end: each asks for it with a key of their own and names the
    /// other. What the first says is kept for a day and changes nothing; the second's word, if it is the same, does.
    ///
    /// # Errors
    /// The ledger's rejections: same person, wrong state, no reason.
    #[expect(clippy::too_many_arguments, reason = "each is a part of what two persons put their names to")]
    pub async fn resolve(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        target: &Target,
        took_place: bool,
        second: PersonId,
        reason: String,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        who.may(Deed::Clear, merchant)?;
        check_text("/reason", &reason)?;
        let second_person = self.person_at("/second", &second, merchant).await?;
        if !second_person.roles.iter().any(|r| matches!(r.as_str(), "manager" | "finance")) {
            return Err(Error::Forbidden("the second person needs one of the roles manager, finance".to_owned()));
        }
        let aggregate = match target {
            Target::Void(id) | Target::Operation(id) => self.operation(who, merchant, id).await?.0,
            Target::Refund(id) => self.refund(who, merchant, id).await?.0,
        };
        if aggregate.holds(command.as_str()) {
            // Carried out by an earlier request under the same key, whose answer was lost.
            return Ok(aggregate);
        }
        let sale = aggregate.ledger.sale.id.clone();
        let attempts = open_attempts(&aggregate, target)?;
        let Bearer::Person { person } = &who.bearer else {
            return Err(Error::Forbidden("a resolution is given by persons".to_owned()));
        };
        if *person == second {
            return Err(Error::Rejected(rescind_model::Rejection::NotPermitted("same-person".to_owned())));
        }
        // Each of the two says it with a key of their own. The first is kept until the second agrees.
        let records = self.records().await?;
        let key = Key::resolution(merchant, &sale, &describe(target));
        let now = self.ports.now();
        let own = Proposal { by: person.clone(), second: second.clone(), took_place, at: now, attempts };
        let agreed = records.read::<Proposal>(&key).await?.is_some_and(|there| {
            there.by == second
                && there.second == *person
                && there.took_place == took_place
                && there.attempts == attempts
                && now.since(there.at) <= PROPOSAL_HOLDS
        });
        if !agreed {
            let mark = own.mark();
            records.update::<Proposal, _, _>(&key, &mark, self.unique(), |_| Ok((Some(own.clone()), ()))).await?;
            return self.sale(who, merchant, &sale).await;
        }
        let change = Command::Resolve(Resolution { target: target.clone(), took_place, second, reason });
        let actor = who.actor(merchant);
        Ok(self
            .transact(merchant, &sale, command, |app, a| {
                if open_attempts(a, target)? != attempts {
                    return Err(Error::Conflict {
                        code: "operation.conflict",
                        message: "the operation was sent again meanwhile".to_owned(),
                    });
                }
                app.plain(a, &change, &actor, command)
            })
            .await?
            .aggregate())
    }

    /// The slip of an operation as it stands now.
    ///
    /// # Errors
    /// No such operation.
    pub async fn slip(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        target: &Target,
        locale: Locale,
        reprint: bool,
    ) -> Result<String, Error> {
        let (void_operation, refund, operation, aggregate) = match target {
            Target::Void(id) => {
                let (aggregate, id) = self.operation(who, merchant, id).await?;
                (find_void(&aggregate, &id).cloned(), None, None, aggregate)
            }
            Target::Refund(id) => {
                let (aggregate, id) = self.refund(who, merchant, id).await?;
                (None, find(&aggregate, &id).cloned(), None, aggregate)
            }
            Target::Operation(id) => {
                let (aggregate, id) = self.operation(who, merchant, id).await?;
                (None, None, find_operation(&aggregate, &id).cloned(), aggregate)
            }
        };
        let merchant = self.merchant(merchant).await?;
        // Without any of the three, the slip would be one of the sale itself.
        if void_operation.is_none() && refund.is_none() && operation.is_none() {
            return Err(Error::NotFound("operation"));
        }
        let request = SlipRequest {
            merchant_name: merchant.name,
            sale: aggregate.ledger.sale,
            void_operation,
            refund,
            operation,
            outcome: aggregate.ledger.status.outcome,
            hold: aggregate.ledger.hold,
            reprint,
            at: self.ports.now(),
            utc_offset_minutes: merchant.utc_offset_minutes,
        };
        self.ports.slip(&request, locale).map_err(|e| Error::Internal(format!("a slip cannot be printed: {e:?}")))
    }
}
