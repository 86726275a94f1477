//! Voids: checked without effect, or decided, reserved and committed.

use crate::app::App;
use crate::count::Gathered;
use crate::error::Error;
use crate::identity::{CheckedIdentity, ShownIdentity};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::proof::{AskedOperation, ShownProof};
use crate::sale::Aggregate;
use crate::store::Record as _;
use crate::take_back::{Taking, Way};
use rescind_model::record::Question;
use rescind_model::{
    CaseId, Command, CommandId, Decision, EvidenceItem, Facts, Fee, Grounds, Ledger, MerchantId, Money, OperationId,
    PersonId, Sale, SaleId, TerminalId, VoidAuthorisation, VoidQuestion,
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
    /// Evidence that comes with it.
    pub evidence: Vec<EvidenceItem>,
    /// The fees that the asker saw: those of the decision, or it is refused.
    pub fees: Option<Vec<Fee>>,
    /// What the operator showed.
    pub proof: ShownProof,
    /// What the customer showed.
    pub identity: Option<ShownIdentity>,
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
        let sale = &aggregate.ledger.sale;
        let asked = asked(sale, ask);
        let standing = self.standing_of_asker(who, &merchant.id, ask.operator.as_ref(), &asked, &ask.proof).await?;
        standing.person("/operator")?;
        let now = self.ports.now();
        let deciding = self.deciding(&merchant, standing.asker.terminal_class.as_deref(), now).await?;
        // A code is not tried without effect: a confirmation counts when the void is asked for.
        let at_the_counter = ask.identity.as_ref().filter(|i| !matches!(i, ShownIdentity::Confirmed { .. }));
        let identity = at_the_counter
            .map(|identity| crate::identity::at_the_counter(who, sale, identity, now))
            .transpose()?
            .map(|proof| CheckedIdentity { proof, confirmation: None });
        let asker = &standing.asker;
        let mut facts =
            self.gather(&aggregate.ledger, &deciding, asker, now, &[rescind_model::Way::Void], None).await?.facts;
        standing.shown(identity).tell(&mut facts);
        if facts.authentication.is_none() && facts.identity.is_empty() {
            // Whoever shows nothing only looks: the obligations say what will have to be shown.
            facts.operation = None;
        }
        let question = question(sale, ask);
        let decision = deciding.policy.decide_void(&facts, &question)?;
        self.record_check(&merchant, &facts, Question::Void(question), &decision).await?;
        Ok(decision)
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
        let accepted = self.ports.now();
        let merchant = self.merchant(merchant).await?;
        let sale = &there.ledger.sale;
        let asked = asked(sale, ask);
        let standing = self.standing_of_asker(who, &merchant.id, ask.operator.as_ref(), &asked, &ask.proof).await?;
        let actor = standing.actor("/operator")?;
        let identity = match &ask.identity {
            Some(shown) => Some(self.check_identity(who, sale, asked.way, &asked.amount, shown, command).await?),
            None => None,
        };
        Box::pin(self.names_evidence(&merchant.id, id, &ask.evidence)).await?;
        let deciding = self.deciding(&merchant, standing.asker.terminal_class.as_deref(), accepted).await?;
        let taking = Taking {
            who,
            merchant: &merchant.id,
            sale: id,
            deciding: &deciding,
            shown: standing.shown(identity),
            asker: standing.asker,
            actor,
            command,
            accepted,
        };
        let way = Void { ask, operation: &operation };
        Ok((self.take_back(&taking, &way).await?, operation))
    }
}

/// A void on its way.
struct Void<'a> {
    ask: &'a VoidAsk,
    operation: &'a OperationId,
}

impl<P: Ports> Way<P> for Void<'_> {
    async fn gather(&self, app: &App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        let ways = [rescind_model::Way::Void];
        app.gather(ledger, taking.deciding, &taking.asker, taking.accepted, &ways, Some(taking.command)).await
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Result<(Question, Decision), Error> {
        let question = question(&facts.sale, self.ask);
        let decision = policy.decide_void(facts, &question)?;
        Ok((Question::Void(question), decision))
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
        evidence: ask.evidence.iter().map(|item| item.kind.clone()).collect(),
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
