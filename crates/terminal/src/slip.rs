//! The slip of an operation that the terminal began. What waits for the server is printed as waiting (待联机确认); only
//! what cancelled its sale here is printed as done (撤销成功).

use crate::answer::Texts;
use crate::error::TerminalError;
use crate::setup::Setup;
use rescind_journal::StoredOperation;
use rescind_model::record::{DecisionRecord, Question};
use rescind_model::{
    ActingPerson, Actor, ApprovalPlan, Decision, Digest, Duration, Executor, Grounds, Instant, OfflineEffect,
    Operation, OperationState, PersonId, Refund, RefundId, RefundRequest, RefundState, SlipRequest, VoidOperation, Way,
};

/// Prints the slip.
///
/// # Errors
/// [`TerminalError::Unprintable`].
pub(crate) fn print(
    setup: &Setup,
    operation: &StoredOperation,
    decided: &DecisionRecord,
    decision: &Decision,
    at: Instant,
    reprint: bool,
) -> Result<Texts<String>, TerminalError> {
    let facts = &decided.input.facts;
    let begun = Begun { setup, operation, decided, decision };
    let (mut void_operation, mut refund, mut other) = (None, None, None);
    match operation.way {
        Way::Void => void_operation = Some(begun.void()),
        Way::Refund => refund = Some(begun.refund()?),
        Way::Reversal | Way::OrderClose | Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid => {
            other = Some(begun.other());
        }
    }
    let request = SlipRequest {
        merchant_name: setup.merchant_name.clone(),
        sale: facts.sale.clone(),
        void_operation,
        refund,
        operation: other,
        outcome: facts.status.outcome,
        hold: facts.hold.clone(),
        reprint,
        at,
        utc_offset_minutes: setup.utc_offset_minutes,
        offline: Some(operation.effect),
    };
    Ok(Texts::both(|locale| rescind_notification::slip(&request, locale))?)
}

struct Begun<'a> {
    setup: &'a Setup,
    operation: &'a StoredOperation,
    decided: &'a DecisionRecord,
    decision: &'a Decision,
}

impl Begun<'_> {
    fn state(&self) -> OperationState {
        match self.operation.effect {
            OfflineEffect::CancelsLocally => OperationState::Done,
            OfflineEffect::Queued => OperationState::Authorised,
        }
    }

    /// Who asked. Without a person, the terminal itself stands on the slip.
    fn person(&self) -> PersonId {
        let terminal = || PersonId { value: self.setup.terminal.as_str().to_owned() };
        self.operation.operator.clone().unwrap_or_else(terminal)
    }

    fn grounds(&self) -> Grounds {
        let facts = &self.decided.input.facts;
        Grounds {
            authentication: facts.authentication.clone(),
            identity: facts.identity.first().cloned(),
            grant: None,
            order: None,
            decision: Some(self.decided.id.clone()),
        }
    }

    fn void(&self) -> VoidOperation {
        let at = self.decided.at;
        VoidOperation {
            id: self.operation.id.clone(),
            amount: self.operation.amount.clone(),
            reason: self.operation.reason.clone().unwrap_or_default(),
            requested_by: self.person(),
            terminal: Some(self.setup.terminal.clone()),
            executor: Executor::Terminal,
            provider_reference: self.operation.id.as_str().to_owned(),
            state: self.state(),
            reversing: false,
            queries: 0,
            attention: false,
            fees: self.decision.obligations.fees.clone(),
            policy: self.decided.policy.clone(),
            authorised_at: at,
            updated_at: at,
            due_at: None,
            evidence: None,
            grounds: self.grounds(),
        }
    }

    fn refund(&self) -> Result<Refund, TerminalError> {
        let (at, obligations) = (self.decided.at, &self.decision.obligations);
        let id = RefundId::parse(self.operation.id.as_str())
            .map_err(|error| TerminalError::Unprintable(error.to_string()))?;
        let plan = obligations.approvals.clone().unwrap_or_else(|| ApprovalPlan {
            tier: "automatic".to_owned(),
            needed: 0,
            roles: Vec::new(),
            expires_after: Duration { ms: 0 },
            escalations: Vec::new(),
        });
        Ok(Refund {
            id,
            request: RefundRequest {
                amount: self.operation.amount.clone(),
                reason: self.operation.reason.clone().unwrap_or_default(),
                note: None,
                evidence: Vec::new(),
                requested_by: self.person(),
                operator: self.operation.operator.clone(),
                contact: None,
                corrects: None,
            },
            revision: 1,
            digest: Digest::of(self.operation.id.as_str().as_bytes()),
            state: RefundState::Submitted,
            plan,
            approvals: Vec::new(),
            fees: obligations.fees.clone(),
            arrival: obligations.arrival,
            executor: obligations.executor,
            provider_reference: self.operation.id.as_str().to_owned(),
            attempts: 0,
            queries: 0,
            attention: false,
            policy: self.decided.policy.clone(),
            submitted_at: at,
            updated_at: at,
            due_at: None,
            evidence: None,
            ended_because: None,
            grounds: self.grounds(),
            inquiries: Vec::new(),
            coupon: obligations.coupon.clone(),
            funding: obligations.funding,
            trace: None,
        })
    }

    fn other(&self) -> Operation {
        let at = self.decided.at;
        let (penalty, trouble) = match &self.decided.input.question {
            Question::Operation(question) => (question.penalty, question.trouble),
            Question::Void(_) | Question::Refund(_) => (false, None),
        };
        let requested_by = match &self.operation.operator {
            Some(person) => {
                Actor::Person(ActingPerson { id: person.clone(), roles: self.decided.input.facts.asker.roles.clone() })
            }
            None => Actor::Terminal(self.setup.terminal.clone()),
        };
        let cause = self.operation.reason.clone();
        Operation {
            id: self.operation.id.clone(),
            kind: self.operation.way,
            amount: self.operation.amount.clone(),
            cause: cause.or_else(|| trouble.map(|trouble| word(trouble).to_owned())).unwrap_or_default(),
            penalty,
            capture: None,
            requested_by,
            terminal: Some(self.setup.terminal.clone()),
            executor: Executor::Terminal,
            provider_reference: self.operation.id.as_str().to_owned(),
            state: self.state(),
            attempts: 0,
            queries: 0,
            schedule: Vec::new(),
            attention: false,
            fees: self.decision.obligations.fees.clone(),
            policy: self.decided.policy.clone(),
            authorised_at: at,
            updated_at: at,
            due_at: None,
            evidence: None,
            grounds: self.grounds(),
        }
    }
}

fn word(trouble: rescind_model::Trouble) -> &'static str {
    use rescind_model::token::Token as _;
    trouble.token()
}
