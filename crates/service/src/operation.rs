//! Operations and their outcomes: authorised, looked up, reported, resolved, printed.

use crate::app::App;
use crate::count::Gathered;
use crate::decision::Asked;
use crate::error::Error;
use crate::limits::{PROPOSAL_HOLDS, WORDS_APART};
use crate::outstanding;
use crate::planted::{Mistake, made};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::proof::{AskedOperation, ShownProof};
use crate::refund::{check_text, find};
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use crate::take_back::{Taking, Way as TakeBack};
use crate::void::{provider_reference, tail};
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, BusinessDay, Capture, CaseId, Command, CommandId, Decision, Executor, Facts, Fee, Grounds, Instant, Ledger,
    Locale, MerchantId, Money, Operation, OperationAuthorisation, OperationId, OperationQuestion, OutcomeReport,
    PersonId, Refund, RefundId, Resolution, ResultOf, Sale, SaleId, SaleOutcome, SlipRequest, Target, TerminalId,
    Trouble, TroubleReport, VoidOperation, Way,
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

/// A reversal, an order close or something done to a hold that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationAsk {
    /// What: the first of these that the policy allows. Never empty, never void or refund.
    pub ways: &'static [Way],
    /// The amount. Absent: all of it.
    pub amount: Option<Money>,
    /// Whether a completion keeps a penalty.
    pub penalty: bool,
    /// The acquiring fee that is charged for a completion. Absent: what the policy charges.
    pub fee_charged: Option<Money>,
    /// What went wrong at the till, recorded together with the operation.
    pub trouble: Option<TroubleReport>,
    /// The reason code.
    pub reason: Option<String>,
    /// The operator, where the key is not a person's own.
    pub operator: Option<PersonId>,
    /// The terminal, where the key is not a terminal's own.
    pub terminal: Option<TerminalId>,
    /// The referral whose grant it uses.
    pub grant: Option<CaseId>,
    /// The fees that the asker saw: those of the decision, or it is refused.
    pub fees: Option<Vec<Fee>>,
    /// What was shown to say which operator asks.
    pub proof: ShownProof,
}

impl OperationAsk {
    /// One way for all of the payment, with nothing besides.
    #[must_use]
    pub fn of(ways: &'static [Way]) -> Self {
        Self {
            ways,
            amount: None,
            penalty: false,
            fee_charged: None,
            trouble: None,
            reason: None,
            operator: None,
            terminal: None,
            grant: None,
            fees: None,
            proof: ShownProof::default(),
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        self.trouble.as_ref().map(|told| told.trouble)
    }

    /// Asks the policy, way after way, until one is open. None open: the last answer, which knows of no other way. Gives all
    /// that was asked.
    pub(crate) fn decide<Q: crate::ports::Policy>(&self, policy: &Q, facts: &Facts) -> Vec<Asked> {
        let question = |way: Way| OperationQuestion {
            way,
            amount: self.amount.clone(),
            trouble: self.trouble(),
            reason: self.reason.clone(),
            penalty: self.penalty,
        };
        let mut asked = Vec::new();
        for way in self.ways {
            let question = question(*way);
            let answer = policy.decide_operation(facts, &question);
            // What cannot be decided is no reason to try another way.
            let goes_on = answer.as_ref().is_ok_and(|decision| decision.outcome != rescind_model::Outcome::Allow);
            asked.push((Question::Operation(question), answer));
            if !goes_on {
                break;
            }
        }
        asked
    }
}

/// Whether a way undoes what a terminal made.
fn undoes(way: Way) -> bool {
    matches!(way, Way::Reversal | Way::OrderClose)
}

/// An operation on its way into the ledger.
struct Operating<'a> {
    ask: &'a OperationAsk,
    id: &'a OperationId,
    /// The business day of the request, which is that of a completion.
    day: BusinessDay,
}

impl Operating<'_> {
    /// What the policy charges for what a completion captures.
    fn charge<P: Ports>(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: &Decision) -> Money {
        let captured = Sale { captured: decision.amount.clone(), business_day: self.day, ..ledger.sale.clone() };
        // A decision was made on the very sale, so that it can be charged for.
        crate::sale::charge_by(&*taking.deciding.policy, &captured).unwrap_or_else(|_| decision.amount.zero_like())
    }
}

impl<P: Ports> TakeBack<P> for Operating<'_> {
    async fn gather(&self, app: &App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        let (deciding, asker, accepted) = (taking.deciding, &taking.asker, taking.accepted);
        // What is refused of a good payment is refused with advice, which looks at its other ways and what they count.
        let facts = if ledger.status.outcome == SaleOutcome::Good {
            app.facts_of_all_ways(ledger, deciding, asker, accepted).await?
        } else {
            app.facts(ledger, &deciding.policy, asker, accepted).await?
        };
        // The operation itself counts nowhere.
        Ok(Gathered { facts, counts: Vec::new() })
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Vec<Asked> {
        self.ask.decide(policy, facts)
    }

    fn change(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: Decision) -> Command {
        let ask = self.ask;
        let capture = (decision.way == Way::HoldCompletion).then(|| Capture {
            fee_charged: ask.fee_charged.clone().unwrap_or_else(|| self.charge(taking, ledger, &decision)),
            business_day: self.day,
        });
        let cause = ask.trouble().map(|trouble| trouble.token().to_owned());
        // Whoever made the payment undoes it: another terminal cannot, and must not be held up by it.
        let made_at = ledger.sale.slip.as_ref().map(|slip| &slip.terminal);
        let asked_at = taking.asker.terminal.as_ref();
        let terminal = if undoes(decision.way) { made_at.or(asked_at) } else { asked_at.or(made_at) };
        Command::Authorise(OperationAuthorisation {
            id: self.id.clone(),
            cause: cause.or_else(|| ask.reason.clone()).unwrap_or_default(),
            penalty: ask.penalty,
            capture,
            terminal: terminal.cloned(),
            provider_reference: provider_reference(taking.command),
            decision,
            grounds: Grounds { grant: ask.grant.clone(), ..taking.shown.grounds() },
        })
    }

    fn fees_seen(&self) -> Option<&[Fee]> {
        self.ask.fees.as_deref()
    }

    fn grant(&self) -> Option<&CaseId> {
        self.ask.grant.as_ref()
    }

    fn first(&self) -> Option<Command> {
        self.ask.trouble.clone().map(Command::RecordTrouble)
    }

    async fn announce(
        &self,
        app: &App<P>,
        taking: &Taking<'_, P>,
        ledger: &Ledger,
        change: &Command,
    ) -> Result<(), Error> {
        let Command::Authorise(wanted) = change else { return Ok(()) };
        if let (true, Some(terminal)) = (outstanding::holds_up(ledger, &wanted.decision), &wanted.terminal) {
            app.note_outstanding(taking.merchant, terminal, taking.sale, self.id, taking.accepted).await?;
        }
        if let Some(capture) = &wanted.capture {
            // Found by the day it is captured on, too.
            let mut captured = ledger.sale.clone();
            captured.business_day = capture.business_day;
            app.index_anew(&ledger.sale, &captured).await?;
        }
        Ok(())
    }
}

/// What a name of an operation stands for in its payment.
#[must_use]
pub fn named(aggregate: &Aggregate, id: &OperationId) -> Option<Target> {
    let void = find_void(aggregate, id).map(|void| Target::Void(void.id.clone()));
    void.or_else(|| find_operation(aggregate, id).map(|operation| Target::Operation(operation.id.clone())))
}

/// Who carries an operation out, and at which terminal if only one may say what became of it.
fn executor_of<'a>(aggregate: &'a Aggregate, target: &Target) -> Option<(Executor, Option<&'a TerminalId>)> {
    match target {
        Target::Void(id) => find_void(aggregate, id).map(|void| (void.executor, void.terminal.as_ref())),
        Target::Operation(id) => {
            find_operation(aggregate, id).map(|operation| (operation.executor, operation.terminal.as_ref()))
        }
        Target::Refund(id) => find(aggregate, id).map(|refund| (refund.executor, None)),
    }
}

/// An operation's sale is part of its id.
fn sale_of(id: &OperationId) -> Result<SaleId, Error> {
    let sale = id.as_str().rsplit_once('~').map(|(sale, _)| sale);
    sale.and_then(|s| SaleId::parse(s).ok()).ok_or(Error::NotFound("operation"))
}

/// What one of two persons said about an operation that no evidence will end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proposal {
    by: PersonId,
    second: PersonId,
    took_place: bool,
    at: Instant,
    /// How often the operation had been sent: a later attempt is another question.
    attempts: u32,
    /// Whether the second person has said the same: the first can no longer take it back.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    agreed: bool,
    /// Proves the last changes: a word that was answered at once must not be said a second time.
    #[serde(default)]
    marks: Marks,
}

impl Proposal {
    /// Whether two words are about the same attempt, within the time in which they belong together.
    fn meets(&self, later: &Self) -> bool {
        self.attempts == later.attempts && later.at.since(self.at) <= PROPOSAL_HOLDS
    }

    /// Whether this is the other person's word for the same.
    fn is_answered_by(&self, later: &Self) -> bool {
        self.by == later.second && self.second == later.by && self.took_place == later.took_place
    }

    /// Whether the other's word comes so soon that what was being sent when the first was said may still arrive.
    fn is_too_fresh_for(&self, later: &Self) -> bool {
        !self.took_place && later.at.since(self.at) < WORDS_APART
    }

    /// Whether this is the same word of the same person.
    fn is_repeated_by(&self, later: &Self) -> bool {
        self.by == later.by && self.second == later.second && self.took_place == later.took_place
    }
}

impl Record for Proposal {
    const FORMAT: &'static str = "resolution/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
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

    /// Authorises a reversal, an order close or something done to a hold, if the policy and the ledger let it.
    ///
    /// # Errors
    /// No such payment; [`Error::Decided`] with the decision if the policy refuses or refers; the ledger's rejections.
    pub async fn operate(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &OperationAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let there = self.sale(who, merchant, id).await?;
        self.operate_on(who, there, ask, command).await
    }

    /// The same, on a payment that the asker may see.
    pub(crate) async fn operate_on(
        &self,
        who: &Principal,
        there: Aggregate,
        ask: &OperationAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        let sale = &there.ledger.sale;
        let operation = OperationId { value: format!("{}~{}", sale.id, tail(command)) };
        if find_operation(&there, &operation).is_some() {
            // Carried out before: what was shown for it may have ended since.
            return Ok((there, operation));
        }
        if let (Some(named), Some(slip)) = (&ask.terminal, &sale.slip)
            && ask.ways.iter().any(|way| undoes(*way))
            && *named != slip.terminal
        {
            return Err(Error::invalid("/terminal", format!("terminal {} made it and undoes it", slip.terminal)));
        }
        let accepted = self.ports.now();
        let merchant = self.merchant(&sale.merchant).await?;
        let asked = AskedOperation {
            way: ask.ways.first().copied().unwrap_or(Way::Reversal),
            sale: sale.id.clone(),
            amount: ask.amount.clone().unwrap_or_else(|| sale.captured.clone()),
            reason: ask.reason.clone(),
            terminal: ask.terminal.clone(),
            penalty: ask.penalty,
            order: None,
            case: ask.grant.clone(),
            fees: ask.fees.clone(),
        };
        let standing = self.standing_of_asker(who, &merchant.id, ask.operator.as_ref(), &asked, &ask.proof).await?;
        // A terminal undoes what it cannot finish by itself, and the back office what its systems tell it: a person is
        // named where there is one, and wherever the policy demands one.
        let actor = match &standing.asker.person {
            Some(_) => standing.actor("/operator")?,
            None => who.actor(&merchant.id),
        };
        let deciding = self.deciding_on(who, &merchant, sale, &standing.asker, accepted).await?;
        let day = deciding.policy.business_day_of(accepted)?;
        let taking = Taking {
            who,
            merchant: &merchant.id,
            sale: &sale.id,
            deciding: &deciding,
            shown: standing.shown(None),
            asker: standing.asker,
            actor,
            command,
            accepted,
        };
        let way = Operating { ask, id: &operation, day };
        Ok((self.take_back(&taking, &way).await?, operation))
    }

    /// Records what became of an operation that a terminal carries out.
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
        let target = named(&aggregate, id).ok_or(Error::NotFound("operation"))?;
        self.report_of(who, merchant, aggregate, target, outcome, command).await?;
        self.operation(who, merchant, id).await
    }

    /// Records what became of a refund that a terminal carries out.
    ///
    /// # Errors
    /// No such refund; a terminal does not carry it out; the outcome contradicts a final one.
    pub async fn report_refund(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        outcome: ResultOf,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::ReportOutcome, merchant)?;
        let (aggregate, _) = self.refund(who, merchant, id).await?;
        let target = Target::Refund(id.clone());
        Ok((self.report_of(who, merchant, aggregate, target, outcome, command).await?, id.clone()))
    }

    async fn report_of(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        aggregate: Aggregate,
        target: Target,
        outcome: ResultOf,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        let (executor, terminal) = executor_of(&aggregate, &target).ok_or(Error::NotFound("operation"))?;
        if executor != Executor::Terminal {
            return Err(Error::Conflict {
                code: "operation.not-yours",
                message: "the courier carries this operation out and asks the provider itself".to_owned(),
            });
        }
        if let (Bearer::Terminal { terminal, .. }, Some(own)) = (&who.bearer, terminal)
            && terminal != own
        {
            return Err(Error::NotFound("operation"));
        }
        let report = OutcomeReport { target, outcome };
        self.report_as(&who.actor(merchant), merchant, &aggregate.ledger.sale.id, report, command).await
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
        let Bearer::Person { person } = &who.bearer else {
            return Err(Error::Forbidden("a resolution is given by persons".to_owned()));
        };
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
        let target = match target {
            Target::Void(id) | Target::Operation(id) => &named(&aggregate, id).ok_or(Error::NotFound("operation"))?,
            Target::Refund(_) => target,
        };
        let sale = aggregate.ledger.sale.id.clone();
        let attempts = open_attempts(&aggregate, target)?;
        if *person == second {
            return Err(Error::Rejected(rescind_model::Rejection::NotPermitted("same-person".to_owned())));
        }
        // Each of the two says it with a key of their own. The first is kept until the second agrees.
        let records = self.records().await?;
        let key = Key::resolution(merchant, &sale, &describe(target));
        let now = self.ports.now();
        let mark = self.random_hex(32);
        let own = Proposal {
            by: person.clone(),
            second: second.clone(),
            took_place,
            at: now,
            attempts,
            agreed: false,
            marks: Marks::default(),
        };
        // That the second agreed is written down before the payment is changed: in between, the first could take back
        // what the second relies on.
        let agreed = records
            .update::<Proposal, _, _>(&key, &mark, self.unique(), |there| {
                let mut marks = there.map(|there| there.marks.clone()).unwrap_or_default();
                marks.add(&mark);
                match there.filter(|there| there.meets(&own)) {
                    Some(there) if there.is_answered_by(&own) && there.is_too_fresh_for(&own) => Err(Error::Conflict {
                        code: "operation.conflict",
                        message: format!(
                            "{} said so less than {} s ago: what may be on its way to the provider has to arrive first; \
                             look there again, then say it",
                            there.by,
                            WORDS_APART.ms / 1_000
                        ),
                    }),
                    Some(there) if there.is_answered_by(&own) => {
                        Ok((Some(Proposal { agreed: true, marks, ..there.clone() }), true))
                    }
                    Some(there) if there.agreed && there.is_repeated_by(&own) => Ok((None, true)),
                    Some(there) if there.agreed => Err(Error::Conflict {
                        code: "operation.conflict",
                        message: "two persons have said what became of it: ask again how it stands".to_owned(),
                    }),
                    _ => Ok((Some(Proposal { marks, ..own.clone() }), false)),
                }
            })
            .await?;
        if !agreed && !made(Mistake::OneWord) {
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

    /// Whether a person says that an operation of unknown outcome did not take place. From then on it is not sent again: the
    /// second person looks for it at the provider, and it must not take place after that.
    pub(crate) async fn is_denied(&self, merchant: &MerchantId, sale: &SaleId, target: &Target) -> Result<bool, Error> {
        let key = Key::resolution(merchant, sale, &describe(target));
        let said = self.records().await?.read::<Proposal>(&key).await?;
        let now = self.ports.now();
        Ok(said.is_some_and(|said| !said.took_place && now.since(said.at) <= PROPOSAL_HOLDS))
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
        let (aggregate, printed) = match target {
            Target::Void(id) | Target::Operation(id) => {
                let (aggregate, id) = self.operation(who, merchant, id).await?;
                let void = find_void(&aggregate, &id).cloned();
                let operation = find_operation(&aggregate, &id).filter(|_| void.is_none()).cloned();
                (aggregate, (void, None, operation))
            }
            Target::Refund(id) => {
                let (aggregate, id) = self.refund(who, merchant, id).await?;
                let refund = find(&aggregate, &id).cloned();
                (aggregate, (None, refund, None))
            }
        };
        self.print(aggregate, printed, locale, reprint).await
    }

    /// The slip of a sale itself.
    ///
    /// # Errors
    /// No such sale; one that is neither good nor held has no slip.
    pub async fn sale_slip(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        locale: Locale,
        reprint: bool,
    ) -> Result<String, Error> {
        let aggregate = self.sale(who, merchant, sale).await?;
        let outcome = aggregate.ledger.status.outcome;
        if !matches!(outcome, SaleOutcome::Good | SaleOutcome::Held) {
            return Err(Error::Rejected(rescind_model::Rejection::SaleNotGood(outcome.token().to_owned())));
        }
        self.print(aggregate, (None, None, None), locale, reprint).await
    }

    async fn print(
        &self,
        aggregate: Aggregate,
        (void_operation, refund, operation): (Option<VoidOperation>, Option<Refund>, Option<Operation>),
        locale: Locale,
        reprint: bool,
    ) -> Result<String, Error> {
        let merchant = self.merchant(&aggregate.ledger.sale.merchant).await?;
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
            offline: None,
        };
        self.ports.slip(&request, locale).map_err(|e| Error::Internal(format!("a slip cannot be printed: {e:?}")))
    }
}
