//! An operation that a terminal began without the server.
//!
//! What is *done* there (a sale that never left the terminal, and its void) is recorded as what it was. What *waits* is
//! decided now, with what is known now, as if it were asked for at this moment: allowed, it goes the ordinary way; too late
//! for a void, a refund is opened in its place, under its ordinary approval; left to support, a case. The operator had shown
//! who they are at the terminal, in time: the policy is told how old that was when the operation was asked for.
//!
//! Each operation has one record under the terminal's name for it, made with the instant at which it was first decided
//! here. A sync that was interrupted goes on from it: by the same instant, under the same commands.

use crate::announcement::Announcement;
use crate::count::{Counting, Gathered, Taken};
use crate::decision::Asked;
use crate::error::Error;
use crate::identity::CheckedIdentity;
use crate::limits::{NOTICE_BYTES, SWAP_ATTEMPTS};
use crate::operation::{OperationAsk, find_operation, find_void, named};
use crate::ports::{Policy as _, Ports};
use crate::proof::{AskedOperation, Shown, ShownProof};
use crate::refund::{RefundAsk, Submission};
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use crate::take_back::{Taking, Way as TakeBack};
use crate::terminal::agreement::{kept_name, reason_of};
use crate::terminal::notice::{Kind, TerminalNotice, cut};
use crate::terminal::sync::{Stop, Sync};
use crate::void::{provider_reference, tail};
use rescind_journal::{Became, OperationOutcome, OperationResult, StoredOperation};
use rescind_model::record::{Answer, DecisionRecord, Question};
use rescind_model::{
    ActingPerson, Actor, Asker, Authentication, Command, CommandId, Decision, Digest, Duration, Evidence, Executor,
    Facts, Grounds, Instant, Ledger, Locale, OfflineEffect, OperationId, OperationState, Outcome, OutcomeReport,
    RefundId, Rejection, Remedy, ResultOf, SaleId, SaleOutcome, Target, VoidAuthorisation, Way,
};
use serde::{Deserialize, Serialize};

/// What became of an operation here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offline {
    /// The record's number in the journal.
    number: u64,
    sale: SaleId,
    /// When it was first decided here: what counts is decided at this instant, however often it is gone on with.
    accepted: Instant,
    /// What the terminal is answered.
    pub(crate) answer: Option<Said>,
    marks: Marks,
}

/// An answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) became: Became,
    pub(crate) detail: Option<String>,
    /// Why it is a matter for persons: the code of an incident.
    incident: Option<String>,
}

impl Record for Offline {
    const FORMAT: &'static str = "offline-operation/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

impl Said {
    fn plainly(became: Became) -> Self {
        Self { became, detail: None, incident: None }
    }

    fn because(became: Became, detail: impl Into<String>) -> Self {
        Self { became, detail: Some(cut(detail.into(), NOTICE_BYTES)), incident: None }
    }

    /// It is not carried out, and somebody has to find out why it was asked for.
    fn incident(code: &str, detail: impl Into<String>) -> Self {
        let detail = cut(detail.into(), NOTICE_BYTES);
        Self { became: Became::Refused, detail: Some(detail), incident: Some(code.to_owned()) }
    }
}

/// What an operation may turn into: each has a command of its own, so that none is carried out under the name of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    AsAsked,
    Refund,
    Case,
}

impl Turn {
    fn word(self) -> &'static str {
        match self {
            Self::AsAsked => "as-asked",
            Self::Refund => "refund",
            Self::Case => "case",
        }
    }
}

/// An operation with everything that decides about it.
struct Queued<'a> {
    operation: &'a StoredOperation,
    /// The decision that let it, made again and found to be the same.
    then: &'a DecisionRecord,
    number: u64,
    accepted: Instant,
    asker: Asker,
    actor: Actor,
    shown: Shown,
}

impl<P: Ports> Sync<'_, P> {
    fn command(&self, number: u64, turn: Turn) -> CommandId {
        let (merchant, terminal) = (&self.merchant.id, &self.terminal.id);
        let name = format!("offline\n{merchant}\n{terminal}\n{}\n{number}\n{}", self.head.journal, turn.word());
        CommandId { value: format!("c-{}", crate::idempotency::short(&Digest::of(name.as_bytes()))) }
    }

    pub(crate) fn place_of(&self, operation: &OperationId) -> Result<Key, Error> {
        let journal = self.head.journal.to_string();
        Key::offline_operation(&self.merchant.id, &self.terminal.id, &journal, operation.as_str()).checked()
    }

    /// Deals with an operation, once.
    pub(crate) async fn take_operation(&self, number: u64, operation: &StoredOperation) -> Result<(), Error> {
        let app = self.app;
        let place = self.place_of(&operation.id)?;
        let (now, mark) = (app.ports.now(), app.random_hex(16));
        // It is decided at this instant for ever: a policy has to hold then.
        app.deciding(&self.merchant, self.terminal.class.as_deref(), now).await?;
        let first =
            Offline { number, sale: operation.sale.clone(), accepted: now, answer: None, marks: Marks::default() };
        let records = app.records().await?;
        let there = records
            .update::<Offline, _, _>(&place, &mark, app.unique(), |there| {
                if let Some(there) = there {
                    return Ok((None, there.clone()));
                }
                let mut next = first.clone();
                next.marks.add(&mark);
                Ok((Some(next.clone()), next))
            })
            .await?;
        if there.number != number {
            let detail = format!("record {} has an operation of that name", there.number);
            return self.incident(number, "operation.name-taken", &detail, Some(operation)).await;
        }
        let said = match there.answer {
            Some(said) => said,
            None => {
                let said = match self.decide(number, operation, there.accepted).await {
                    Ok(said) => said,
                    Err(error) if Stop::is(&error) => return Err(error),
                    Err(error) => self.refused(&operation.sale, &error).await?,
                };
                self.keep(&place, &said).await?;
                said
            }
        };
        self.tell_staff(number, operation, &said, there.accepted).await
    }

    async fn keep(&self, place: &Key, said: &Said) -> Result<(), Error> {
        let mark = self.app.random_hex(16);
        self.app
            .records()
            .await?
            .update::<Offline, _, _>(place, &mark, self.app.unique(), |there| {
                let there = there.ok_or_else(|| Error::Unavailable("an operation is not seen yet".to_owned()))?;
                if there.answer.is_some() {
                    return Ok((None, ()));
                }
                let mut next = Offline { answer: Some(said.clone()), ..there.clone() };
                next.marks.add(&mark);
                Ok((Some(next), ()))
            })
            .await
    }

    /// What did not go as the terminal hoped is told to staff; what did, its sale's events tell.
    async fn tell_staff(
        &self,
        number: u64,
        operation: &StoredOperation,
        said: &Said,
        at: Instant,
    ) -> Result<(), Error> {
        let detail = said.detail.clone().unwrap_or_default();
        if let Some(code) = &said.incident {
            self.incident(number, code, &detail, Some(operation)).await?;
        }
        let (code, refund, case) = match &said.became {
            Became::Accepted | Became::Done => return Ok(()),
            Became::Refund(refund) => ("became.refund", Some(refund.clone()), None),
            Became::Case(case) => ("became.case", None, Some(case.clone())),
            Became::Refused => ("became.refused", None, None),
        };
        let name = format!("operation\n{}\n{number}", self.head.journal);
        let notice = TerminalNotice::new(&self.merchant.id, &self.terminal.id, Kind::Operation, code, &name, at);
        self.app
            .notify(TerminalNotice {
                record: Some(number),
                sale: Some(operation.sale.clone()),
                operation: Some(operation.id.clone()),
                amount: Some(operation.amount.clone()),
                refund,
                case,
                detail,
                ..notice
            })
            .await
    }

    /// The decision that let an operation, if it is one that does.
    async fn decision_of(
        &self,
        number: u64,
        operation: &StoredOperation,
    ) -> Result<Result<(DecisionRecord, Decision), Said>, Error> {
        let not = |code: &str, what: &str| Ok(Err(Said::incident(code, what)));
        if operation.decision >= number {
            return not("operation.undecided", "it names a decision that comes after it");
        }
        let (merchant, terminal) = (&self.merchant.id, &self.terminal.id);
        let Some(then) = self.app.agreed_decision(merchant, terminal, &self.head, operation.decision).await? else {
            return not("operation.undecided", "the decision it rests on could not be made again here");
        };
        let Answer::Decided(decision) = &then.answer else {
            return not("operation.undecided", "it rests on a question that was not decided");
        };
        let facts = &then.input.facts;
        let same = decision.outcome == Outcome::Allow
            && then.sale == operation.sale
            && decision.way == operation.way
            && decision.amount == operation.amount
            && reason_of(&then.input.question) == operation.reason.as_deref()
            && facts.asker.person == operation.operator;
        let effect = match decision.obligations.offline {
            Some(OfflineEffect::CancelsLocally) => true,
            Some(OfflineEffect::Queued) => operation.effect == OfflineEffect::Queued,
            None => false,
        };
        if !same || !effect {
            return not("operation.differs", "it is not what its decision allowed");
        }
        let decision = decision.clone();
        Ok(Ok((then, decision)))
    }

    async fn decide(&self, number: u64, operation: &StoredOperation, accepted: Instant) -> Result<Said, Error> {
        let (then, decision) = match self.decision_of(number, operation).await? {
            Ok(found) => found,
            Err(said) => return Ok(said),
        };
        let shown = match self.shown(operation, &then, &decision).await {
            Ok(shown) => shown,
            Err(Error::Unproved { code, message }) => return Ok(Said::incident(code, message)),
            Err(other) => return Err(other),
        };
        if operation.effect == OfflineEffect::CancelsLocally {
            return self.record_done(number, operation, &then, decision, shown, accepted).await;
        }
        let sale = match self.app.sale(self.who, &self.merchant.id, &operation.sale).await {
            Err(Error::NotFound(_)) => return Ok(Said::because(Became::Refused, "there is no such sale here")),
            found => found?,
        };
        if let Some(said) = self.carried_out(number, operation, &sale) {
            return Ok(said);
        }
        // Who the person is now: roles that were taken away since count no more, and none counts that was not shown.
        let mut asker = self.app.asker(self.who, &self.merchant.id, operation.operator.as_ref(), None).await?;
        if shown.authentication.is_some() {
            asker.roles.retain(|role| then.input.facts.asker.roles.contains(role));
        }
        let Some(person) = asker.person.clone() else {
            return Ok(Said::because(Became::Refused, "it takes a person who asks: the terminal named nobody"));
        };
        let actor = Actor::Person(ActingPerson { id: person, roles: asker.roles.clone() });
        let queued = Queued { operation, then: &then, number, accepted, asker, actor, shown };
        self.carry_out(&queued, &sale).await
    }

    /// What the operator and the customer had shown. A proof has to be genuine and for this very operation, as it was when it
    /// was shown.
    async fn shown(
        &self,
        operation: &StoredOperation,
        then: &DecisionRecord,
        decision: &Decision,
    ) -> Result<Shown, Error> {
        let facts = &then.input.facts;
        let authentication = match (&facts.authentication, &operation.proof) {
            (None, _) => None,
            (Some(_), None) => {
                let message = "the operator's proof that it rests on did not come with it";
                return Err(Error::Unproved { code: "proof.missing", message });
            }
            (Some(claimed), Some(text)) => {
                let penalty = matches!(&then.input.question, Question::Operation(question) if question.penalty);
                let asked = |fees| AskedOperation {
                    way: operation.way,
                    sale: operation.sale.clone(),
                    amount: operation.amount.clone(),
                    reason: operation.reason.clone(),
                    terminal: None,
                    penalty,
                    order: None,
                    case: None,
                    fees,
                };
                let forms = [asked(None), asked(Some(decision.obligations.fees.clone()))];
                let off_by = facts.offline.as_ref().map_or(Duration { ms: 0 }, |here| here.clock_bound);
                let (who, merchant) = (self.who, &self.merchant.id);
                let proved = self.app.proof_shown_at(who, merchant, text, &forms, (facts.now, off_by)).await?;
                if proved != *claimed {
                    let message = "the decision rests on another proof than the one that came with it";
                    return Err(Error::Unproved { code: "proof.other-operation", message });
                }
                Some(proved)
            }
        };
        let identity = facts.identity.first().cloned();
        Ok(Shown {
            operation: facts.operation.clone(),
            authentication,
            identity: identity.map(|proof| CheckedIdentity { proof, confirmation: None }),
        })
    }

    /// Whether an earlier sync carried it out, and only its answer was lost.
    fn carried_out(&self, number: u64, operation: &StoredOperation, sale: &Aggregate) -> Option<Said> {
        let command = |turn| self.command(number, turn);
        let holds = |turn| sale.holds(command(turn).as_str());
        if holds(Turn::AsAsked) {
            return Some(Said::plainly(self.as_asked(operation, sale, &command(Turn::AsAsked))));
        }
        if holds(Turn::Refund) {
            return Some(self.instead(operation, &refund_name(&operation.sale, &command(Turn::Refund))));
        }
        holds(Turn::Case).then(|| Said::plainly(Became::Case(case_name(&operation.sale, &command(Turn::Case)))))
    }

    /// What became of an operation that is carried out as it was asked for.
    fn as_asked(&self, operation: &StoredOperation, sale: &Aggregate, command: &CommandId) -> Became {
        if operation.way == Way::Refund {
            return Became::Accepted;
        }
        let id = operation_name(&operation.sale, command);
        let state = find_void(sale, &id).map(|void| void.state);
        let state = state.or_else(|| find_operation(sale, &id).map(|operation| operation.state));
        if state == Some(OperationState::Done) { Became::Done } else { Became::Accepted }
    }

    fn instead(&self, operation: &StoredOperation, refund: &RefundId) -> Said {
        let words = match self.locale {
            Locale::ZhCn => format!("撤销已过时限,已转为退货申请 {refund}"),
            Locale::En => format!("too late for the void of {}: refund {refund} was opened instead", operation.sale),
        };
        Said::because(Became::Refund(refund.clone()), words)
    }

    async fn carry_out(&self, queued: &Queued<'_>, sale: &Aggregate) -> Result<Said, Error> {
        let command = self.command(queued.number, Turn::AsAsked);
        let result = match queued.operation.way {
            Way::Void => self.void(queued, sale, &command).await,
            Way::Refund => self.refund(queued, sale, &command).await.map(|(aggregate, _)| aggregate),
            way => self.operate(queued, way, &command).await,
        };
        match result {
            Ok(after) => Ok(Said::plainly(self.as_asked(queued.operation, &after, &command))),
            Err(Error::Decided(decision)) if decision.outcome == Outcome::Refer => self.refer(queued, &decision).await,
            Err(Error::Decided(decision)) if queued.operation.way == Way::Void && is_too_late(&decision) => {
                self.refund_instead(queued, sale, &decision).await
            }
            Err(other) => Err(other),
        }
    }

    async fn void(&self, queued: &Queued<'_>, sale: &Aggregate, command: &CommandId) -> Result<Aggregate, Error> {
        let id = operation_name(&queued.operation.sale, command);
        let way = OfflineVoid { queued, id: &id };
        self.take(queued, sale, command, &way).await
    }

    /// Opens a refund for what was asked for, or in its place.
    async fn refund(
        &self,
        queued: &Queued<'_>,
        sale: &Aggregate,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        let operation = queued.operation;
        let id = refund_name(&operation.sale, command);
        let person = queued.asker.person.as_ref().ok_or_else(|| Error::invalid("/requester", "expected a person"))?;
        let ask = RefundAsk {
            id: None,
            sale: operation.sale.clone(),
            amount: operation.amount.clone(),
            reason: operation.reason.clone(),
            note: None,
            contact: None,
            evidence: Vec::new(),
            requester: Some(person.clone()),
            operator: Some(person.clone()),
            case: None,
            fees: None,
            corrects: None,
            proof: ShownProof::default(),
            identity: None,
        };
        let inner = Submission { ask: &ask, id: &id, person, note: None, contact: None };
        let way = OfflineRefund { queued, inner };
        Ok((self.take(queued, sale, command, &way).await?, id))
    }

    async fn take<W: TakeBack<P>>(
        &self,
        queued: &Queued<'_>,
        sale: &Aggregate,
        command: &CommandId,
        way: &W,
    ) -> Result<Aggregate, Error> {
        let (merchant, accepted) = (&self.merchant, queued.accepted);
        let asker = queued.asker.clone();
        let deciding = self.app.deciding_on(self.who, merchant, &sale.ledger.sale, &asker, accepted).await?;
        let taking = Taking {
            who: self.who,
            merchant: &merchant.id,
            sale: &queued.operation.sale,
            deciding: &deciding,
            asker,
            actor: queued.actor.clone(),
            command,
            shown: queued.shown.clone(),
            accepted,
        };
        Box::pin(self.app.take_back(&taking, way)).await
    }

    /// Anything that is neither void nor refund is asked for as it would be online.
    async fn operate(&self, queued: &Queued<'_>, way: Way, command: &CommandId) -> Result<Aggregate, Error> {
        let ways: &'static [Way] = match way {
            Way::Reversal => &[Way::Reversal],
            Way::OrderClose => &[Way::OrderClose],
            Way::HoldRelease => &[Way::HoldRelease],
            Way::HoldCompletion => &[Way::HoldCompletion],
            Way::CompletionVoid => &[Way::CompletionVoid],
            Way::Void | Way::Refund => return Err(Error::Internal("a void or refund goes another way".to_owned())),
        };
        let penalty = matches!(&queued.then.input.question, Question::Operation(question) if question.penalty);
        let ask = OperationAsk {
            amount: Some(queued.operation.amount.clone()),
            penalty,
            reason: queued.operation.reason.clone(),
            operator: queued.asker.person.clone(),
            ..OperationAsk::of(ways)
        };
        let (app, merchant) = (self.app, &self.merchant.id);
        Ok(Box::pin(app.operate(self.who, merchant, &queued.operation.sale, &ask, command)).await?.0)
    }

    /// It is too late for the void. The customer gets the money back all the same, if a refund is open.
    async fn refund_instead(&self, queued: &Queued<'_>, sale: &Aggregate, decision: &Decision) -> Result<Said, Error> {
        let command = self.command(queued.number, Turn::Refund);
        match self.refund(queued, sale, &command).await {
            Ok((_, id)) => Ok(self.instead(queued.operation, &id)),
            Err(Error::Decided(refused)) if refused.outcome == Outcome::Refer => self.refer(queued, &refused).await,
            Err(Error::Decided(refused)) => {
                let words = [self.explained(decision)?, self.explained(&refused)?].concat();
                Ok(Said::because(Became::Refused, words.join(" ")))
            }
            Err(other) => Err(other),
        }
    }

    /// The policy leaves it to support: a case is opened in the operator's name.
    async fn refer(&self, queued: &Queued<'_>, decision: &Decision) -> Result<Said, Error> {
        let operation = queued.operation;
        let ask = crate::case::CaseAsk {
            way: decision.way,
            amount: Some(operation.amount.clone()),
            reason: operation.reason.clone(),
            evidence: Vec::new(),
            penalty: false,
            requester: queued.asker.person.clone(),
            terminal: None,
        };
        let command = self.command(queued.number, Turn::Case);
        let (app, merchant) = (self.app, &self.merchant.id);
        let words = self.explained(decision)?.join(" ");
        match Box::pin(app.open_case(self.who, merchant, &operation.sale, &ask, &command)).await {
            Ok((_, case)) => Ok(Said::because(Became::Case(case), words)),
            // What may have changed since is said as it is now.
            Err(Error::Decided(now)) => Ok(Said::because(Became::Refused, self.explained(&now)?.join(" "))),
            Err(other) => Err(other),
        }
    }

    /// Records the void of a sale that never left the terminal: it took place there, and nothing is sent to anybody.
    async fn record_done(
        &self,
        number: u64,
        operation: &StoredOperation,
        then: &DecisionRecord,
        decision: Decision,
        shown: Shown,
        accepted: Instant,
    ) -> Result<Said, Error> {
        let app = self.app;
        let command = self.command(number, Turn::AsAsked);
        let asker = then.input.facts.asker.clone();
        let Some(person) = asker.person.clone() else {
            return Ok(Said::incident("operation.nameless", "a void takes a person, and the terminal named nobody"));
        };
        let actor = Actor::Person(ActingPerson { id: person, roles: asker.roles.clone() });
        let id = operation_name(&operation.sale, &command);
        let mut decision = decision;
        // Whoever would carry it out online: this one the terminal did.
        decision.obligations.executor = Executor::Terminal;
        let kept = kept_name(&self.terminal.id, &self.head, operation.decision);
        let change = Command::AuthoriseVoid(VoidAuthorisation {
            id: id.clone(),
            reason: operation.reason.clone().unwrap_or_default(),
            terminal: Some(self.terminal.id.clone()),
            provider_reference: provider_reference(&command),
            decision,
            grounds: Grounds { decision: Some(kept), ..shown.grounds() },
        });
        let evidence = Evidence {
            source: "terminal".to_owned(),
            code: None,
            reference: None,
            note: Some("cancelled at the terminal: the sale was never sent".to_owned()),
            at: then.at.min(accepted),
        };
        let done = Command::Report(OutcomeReport { target: Target::Void(id), outcome: ResultOf::Done(evidence) });
        let by_terminal = Actor::Terminal(self.terminal.id.clone());
        let mut announcement = Announcement::default();
        let mut reserved: Vec<Counting> = Vec::new();
        let mut own: Vec<Taken> = Vec::new();
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, there) = match app.open_sale(&self.merchant.id, &operation.sale, &mut announcement).await {
                Err(Error::NotFound(_)) => {
                    return Ok(Said::incident("operation.without-sale", "the sale it cancelled did not come with it"));
                }
                opened => opened?,
            };
            if there.holds(command.as_str()) {
                app.settle(&reserved, &command).await?;
                return Ok(Said::plainly(Became::Done));
            }
            if !is_untouched(&there, &by_terminal) {
                app.give_up(&mut own, &command).await?;
                let why = "the terminal cancelled it as never sent, and others know of it: a person has to see what \
                           became of the money";
                return Ok(Said::incident("sale.not-kept", why));
            }
            let transition = app.ports.apply(&there.ledger, &change, &actor, &command, accepted)?;
            let after = app.ports.apply(&transition.ledger, &done, &by_terminal, &command, accepted)?;
            let events = transition.events.into_iter().chain(after.events).collect();
            let transition = rescind_model::Transition { ledger: after.ledger, events };
            if reserved.is_empty() {
                let sale = &there.ledger.sale;
                let deciding = app.deciding_on(self.who, &self.merchant, sale, &asker, accepted).await?;
                let ways = [Way::Void];
                let gathered = app.gather(&there.ledger, &deciding, &asker, accepted, &ways, Some(&command)).await?;
                reserved.clone_from(&gathered.counts);
                if !app.reserve(&reserved, &command, &operation.sale, accepted, &mut own).await? {
                    app.give_up(&mut own, &command).await?;
                    reserved.clear();
                    continue;
                }
            }
            if app.try_commit(slot, &there, transition, &command, &mut announcement).await?.is_some() {
                app.settle(&reserved, &command).await?;
                return Ok(Said::plainly(Became::Done));
            }
        }
        Err(Error::Unavailable(format!("sale {} is written by too many at once", operation.sale)))
    }

    /// A decision in the operator's words.
    fn explained(&self, decision: &Decision) -> Result<Vec<String>, Error> {
        self.app.explain_at(&self.merchant, decision, self.locale)
    }

    /// Why something is not carried out, for the operator.
    async fn refused(&self, sale: &SaleId, error: &Error) -> Result<Said, Error> {
        let words = match error {
            Error::Decided(decision) => self.explained(decision)?.join(" "),
            Error::Rejected(Rejection::ConflictsWith(other)) => match self.locale {
                Locale::ZhCn => format!("{other} 正在处理或已完成"),
                Locale::En => format!("{other} is under way or took place"),
            },
            Error::Rejected(rejection) => format!("{sale}: {rejection:?}"),
            other => format!("{sale}: {other}"),
        };
        Ok(Said::because(Became::Refused, rescind_model::card_number::mask(&words).text))
    }

    /// What became of an operation that the terminal itself carried out after it had let it wait.
    pub(crate) async fn take_outcome(&self, number: u64, outcome: &OperationOutcome) -> Result<(), Error> {
        let app = self.app;
        let there = app.records().await?.read::<Offline>(&self.place_of(&outcome.operation)?).await?;
        let unknown = "the terminal says what became of an operation that is not carried out here";
        let Some(there) = there.filter(|there| there.number < number) else {
            return self.incident(number, "outcome.without-operation", unknown, None).await;
        };
        let sale = app.sale(self.who, &self.merchant.id, &there.sale).await?;
        let id = operation_name(&there.sale, &self.command(there.number, Turn::AsAsked));
        let Some(target) = named(&sale, &id) else {
            // It may have taken place although it was refused here: money that nobody knows of.
            let detail = format!("operation {}: {unknown}", outcome.operation);
            return self.incident(number, "outcome.without-operation", &detail, None).await;
        };
        let at = self.record_time.min(app.ports.now());
        let note = outcome.detail.as_deref().map(|text| rescind_model::card_number::mask(text).text);
        let evidence = Evidence { source: "terminal".to_owned(), code: None, reference: None, note, at };
        let result = match outcome.result {
            OperationResult::Done => ResultOf::Done(evidence),
            OperationResult::Failed | OperationResult::Withdrawn => ResultOf::Failed(evidence),
            OperationResult::Unknown => ResultOf::Unknown(evidence),
        };
        let report = OutcomeReport { target, outcome: result };
        let actor = Actor::Terminal(self.terminal.id.clone());
        let command = self.command(number, Turn::AsAsked);
        app.report_as(&actor, &self.merchant.id, &there.sale, report, &command).await.map(|_| ())
    }
}

/// Whether a sale is known here by its terminal alone, as one that stands, and nothing happened to it.
fn is_untouched(sale: &Aggregate, by: &Actor) -> bool {
    let status = &sale.ledger.status;
    sale.events.first().is_some_and(|event| event.actor == *by)
        && status.outcome == SaleOutcome::Good
        && status.settled_at.is_none()
        && status.paid_out_at.is_none()
        && sale.ledger.voids.is_empty()
        && sale.ledger.refunds.is_empty()
        && sale.ledger.operations.is_empty()
}

/// Whether a void is refused because its time is over: a refund would do.
fn is_too_late(decision: &Decision) -> bool {
    let instead = |remedy: &Remedy| matches!(remedy, Remedy::UseRefund | Remedy::UseRefundFrom(_));
    decision.findings.iter().any(|finding| instead(&finding.remedy))
}

fn operation_name(sale: &SaleId, command: &CommandId) -> OperationId {
    OperationId { value: format!("{sale}~{}", tail(command)) }
}

fn refund_name(sale: &SaleId, command: &CommandId) -> RefundId {
    RefundId { value: format!("{sale}~{}", tail(command)) }
}

fn case_name(sale: &SaleId, command: &CommandId) -> rescind_model::CaseId {
    rescind_model::CaseId { value: format!("{sale}~{}", tail(command)) }
}

/// What was shown at the terminal, as old as it was when the operation was asked for: what happened in between is not the
/// operator's delay.
fn tell(queued: &Queued<'_>, facts: &mut Facts) {
    let then = &queued.then.input.facts;
    let aged = |at: Instant| Instant {
        unix_ms: facts.now.unix_ms.saturating_sub(then.now.unix_ms.saturating_sub(at.unix_ms)),
    };
    let authentication = queued.shown.authentication.as_ref();
    let authentication = authentication.map(|proof| Authentication { at: aged(proof.at), ..proof.clone() });
    facts.operation.clone_from(&then.operation);
    facts.authentication = authentication;
    facts.identity.clone_from(&then.identity);
}

/// A void that waited.
struct OfflineVoid<'a> {
    queued: &'a Queued<'a>,
    id: &'a OperationId,
}

impl<P: Ports> TakeBack<P> for OfflineVoid<'_> {
    async fn gather(&self, app: &crate::App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        let ways = [Way::Void];
        app.gather(ledger, taking.deciding, &taking.asker, taking.accepted, &ways, Some(taking.command)).await
    }

    fn tell(&self, _: &Taking<'_, P>, facts: &mut Facts) {
        tell(self.queued, facts);
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Vec<Asked> {
        let Question::Void(question) = &self.queued.then.input.question else { return Vec::new() };
        vec![(Question::Void(question.clone()), policy.decide_void(facts, question))]
    }

    fn change(&self, taking: &Taking<'_, P>, _: &Ledger, decision: Decision) -> Command {
        Command::AuthoriseVoid(VoidAuthorisation {
            id: self.id.clone(),
            reason: self.queued.operation.reason.clone().unwrap_or_default(),
            terminal: taking.asker.terminal.clone(),
            provider_reference: provider_reference(taking.command),
            decision,
            grounds: taking.shown.grounds(),
        })
    }
}

/// A refund that waited, or that takes the place of a void.
struct OfflineRefund<'a> {
    queued: &'a Queued<'a>,
    inner: Submission<'a>,
}

impl<P: Ports> TakeBack<P> for OfflineRefund<'_> {
    async fn gather(&self, app: &crate::App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        TakeBack::<P>::gather(&self.inner, app, taking, ledger).await
    }

    fn tell(&self, _: &Taking<'_, P>, facts: &mut Facts) {
        tell(self.queued, facts);
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Vec<Asked> {
        TakeBack::<P>::decide(&self.inner, policy, facts)
    }

    fn change(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: Decision) -> Command {
        TakeBack::<P>::change(&self.inner, taking, ledger, decision)
    }
}
