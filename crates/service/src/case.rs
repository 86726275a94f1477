//! Referrals: what the policy leaves to support is opened as a case, decided by a person with one of the roles that the
//! policy names, and its grant is used once, by the operation it was given for.

use crate::announcement::Announcement;
use crate::app::App;
use crate::decision::Asked;
use crate::error::Error;
use crate::limits::SWAP_ATTEMPTS;
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::register::{Registered, sale_in};
use crate::sale::Aggregate;
use crate::store::Record as _;
use crate::store::key::Key;
use crate::void::tail;
use rescind_model::record::Question;
use rescind_model::{
    ActingPerson, Actor, CaseAssignment, CaseDecision, CaseId, CaseOpening, CaseState, Command, CommandId, Decision,
    EvidenceItem, Facts, Ledger, MerchantId, Money, OperationQuestion, Outcome, PersonId, Referral, RefundQuestion,
    Remedy, Role, SaleId, TerminalId, VoidQuestion, Way,
};

/// A case that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAsk {
    /// The way that the policy leaves to support.
    pub way: Way,
    /// How much. Absent: all of it, or what is left for a refund.
    pub amount: Option<Money>,
    /// The reason code of the operation.
    pub reason: Option<String>,
    /// Evidence for support.
    pub evidence: Vec<EvidenceItem>,
    /// Whether a completion keeps a penalty.
    pub penalty: bool,
    /// The person who asks, where the key is not a person's own.
    pub requester: Option<PersonId>,
    /// The terminal, where the key is not a terminal's own.
    pub terminal: Option<TerminalId>,
}

/// What support does with a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseChange {
    /// Takes it, or gives it to somebody.
    Assign {
        /// To whom; to whoever asks, if absent.
        to: Option<PersonId>,
    },
    /// Grants or refuses.
    Decide {
        /// Which of the two.
        grant: bool,
        /// Why.
        because: String,
    },
}

/// A case in its payment.
#[must_use]
pub fn find<'a>(aggregate: &'a Aggregate, id: &CaseId) -> Option<&'a Referral> {
    aggregate.ledger.cases.iter().find(|case| case.id == *id)
}

/// Roles besides support's that see all cases of a merchant.
const OVERSEERS: [&str; 3] = ["manager", "auditor", "compliance"];

impl<P: Ports> App<P> {
    /// Opens a case. The policy is asked again: there is one only for what it leaves to support.
    ///
    /// # Errors
    /// [`Error::Conflict`] `case.not-needed` if the policy allows it by itself, [`Error::Decided`] if it denies it; the
    /// ledger's rejections.
    pub async fn open_case(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        ask: &CaseAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, CaseId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let seen = self.sale(who, merchant, sale).await?;
        if let (Bearer::Person { person }, Some(named)) = (&who.bearer, &ask.requester)
            && named != person
        {
            return Err(Error::Forbidden("a person asks in the own name only".to_owned()));
        }
        let accepted = self.ports.now();
        let merchant = self.merchant(merchant).await?;
        let asker = self.asker(who, &merchant.id, ask.requester.as_ref(), ask.terminal.as_ref()).await?;
        let Some(person) = asker.person.clone() else {
            return Err(Error::invalid("/requester", "expected the person who asks: this key is not a person's own"));
        };
        let actor = Actor::Person(ActingPerson { id: person, roles: asker.roles.clone() });
        let id = CaseId { value: format!("{sale}~{}", tail(command)) };
        let deciding = self.deciding_on(who, &merchant, &seen.ledger.sale, &asker, accepted).await?;
        let lives = deciding.policy.terms().case_lives;
        let mut announcement = Announcement::default();
        Box::pin(self.names_evidence(&merchant.id, sale, &ask.evidence)).await?;
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, there) = self.open_sale(&merchant.id, sale, &mut announcement).await?;
            if there.holds(command.as_str()) {
                return Ok((there, id));
            }
            there.must_have_room()?;
            let overlaid = self.with_batch(there.clone()).await?;
            let facts = self.facts_of_all_ways(&overlaid.ledger, &deciding, &asker, accepted).await?;
            let policy = &deciding.policy;
            let asked = vec![decide::<P>(policy, &facts, &overlaid.ledger, ask)];
            let (_, decision) = self.record_decisions(&policy.identity(), &facts, asked, command).await?;
            let decision = must_refer(decision)?;
            let opening = CaseOpening {
                id: id.clone(),
                decision,
                reason: ask.reason.clone(),
                penalty: ask.penalty,
                evidence: ask.evidence.clone(),
                lives,
            };
            let change = Command::OpenCase(opening);
            let transition = self.ports.apply(&there.ledger, &change, &actor, command, accepted)?;
            if let Some(done) = self.try_commit(slot, &there, transition, command, &mut announcement).await? {
                return Ok((done, id));
            }
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }

    /// A case with its payment: for support, and for everybody who sees the payment.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist and one that is not the asker's.
    pub async fn case(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &CaseId,
    ) -> Result<(Aggregate, CaseId), Error> {
        let roles = self.support_roles(merchant).await?;
        if !who.holds_any(merchant, &roles) {
            who.may(Deed::Read, merchant)?;
        }
        let sale = sale_in(id.as_str()).ok_or(Error::NotFound("case"))?;
        let found = self.records().await?.read::<Aggregate>(&Key::sale(merchant, &sale)).await?;
        let seen = found.filter(|a| crate::sale::visible(who, merchant, a) && find(a, id).is_some());
        Ok((seen.ok_or(Error::NotFound("case"))?, id.clone()))
    }

    /// A merchant's cases in the order they were opened, of one state or all.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn list_cases(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        state: Option<CaseState>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Registered<CaseId>, Error> {
        let support = self.support_roles(merchant).await?;
        let sees_all = match &who.bearer {
            Bearer::Admin | Bearer::System { .. } => true,
            Bearer::Terminal { .. } => false,
            Bearer::Person { .. } => {
                who.holds_any(merchant, &support)
                    || who.roles_at(merchant).iter().any(|r| OVERSEERS.contains(&r.as_str()))
            }
        };
        if !sees_all {
            let names: Vec<&str> = support.iter().map(Role::as_str).chain(OVERSEERS).collect();
            return Err(Error::Forbidden(format!("this needs one of the roles {}", names.join(", "))));
        }
        self.registered(&Key::cases(merchant), merchant, after, limit, |aggregate, name| {
            let id = CaseId::parse(name).ok()?;
            let case = find(aggregate, &id)?;
            state.is_none_or(|s| case.state == s).then_some(id)
        })
        .await
    }

    /// Support takes, grants or refuses a case.
    ///
    /// # Errors
    /// Not a person of support; no such case; the ledger's rejections.
    pub async fn change_case(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &CaseId,
        change: CaseChange,
        command: &CommandId,
    ) -> Result<(Aggregate, CaseId), Error> {
        let record = self.merchant(merchant).await?;
        let terms = self.policy_of(&record).await?.terms();
        let person = who.person_with(merchant, &terms.support_roles)?;
        let (aggregate, _) = self.case(who, merchant, id).await?;
        let change = match change {
            CaseChange::Assign { to } => {
                if let Some(to) = &to {
                    let theirs = self.person_at("/to", to, merchant).await?;
                    if !theirs.roles.iter().any(|role| terms.support_roles.contains(role)) {
                        return Err(Error::invalid("/to", format!("{to} is not a person of support")));
                    }
                }
                let to = to.unwrap_or_else(|| person.id.clone());
                Command::AssignCase(CaseAssignment { id: id.clone(), to })
            }
            CaseChange::Decide { grant, because } => {
                let holds_for = terms.grant_lives;
                Command::DecideCase(CaseDecision { id: id.clone(), grant, because, holds_for })
            }
        };
        let actor = Actor::Person(person);
        let sale = &aggregate.ledger.sale.id;
        let outcome = self
            .transact(merchant, sale, command, |app, a| app.plain(a, &change, &actor, command))
            .await
            .map_err(|e| if matches!(e, Error::NotFound(_)) { Error::NotFound("case") } else { e })?;
        Ok((outcome.aggregate(), id.clone()))
    }

    async fn support_roles(&self, merchant: &MerchantId) -> Result<Vec<Role>, Error> {
        let merchant = self.merchant(merchant).await?;
        Ok(self.policy_of(&merchant).await?.terms().support_roles)
    }
}

/// Asks the policy about the way.
fn decide<P: Ports>(policy: &P::Policy, facts: &Facts, ledger: &Ledger, ask: &CaseAsk) -> Asked {
    let all = || match ask.way {
        Way::Refund => rescind_model::standing::Standing::of(ledger).map_or_else(
            |_| ledger.sale.captured.clone(),
            |standing| if standing.left.is_zero() { ledger.sale.captured.clone() } else { standing.left },
        ),
        _ => ledger.sale.captured.clone(),
    };
    let amount = ask.amount.clone();
    let reason = ask.reason.clone();
    match ask.way {
        Way::Void => {
            let evidence = ask.evidence.iter().map(|e| e.kind.clone()).collect();
            let question = VoidQuestion { amount: amount.unwrap_or_else(all), reason, legal: false, evidence };
            let answer = policy.decide_void(facts, &question);
            (Question::Void(question), answer)
        }
        Way::Refund => {
            let evidence = ask.evidence.iter().map(|e| e.kind.clone()).collect();
            let question = RefundQuestion { amount: amount.unwrap_or_else(all), reason, evidence };
            let answer = policy.decide_refund(facts, &question);
            (Question::Refund(question), answer)
        }
        way => {
            let question = OperationQuestion { way, amount, trouble: None, reason, penalty: ask.penalty };
            let answer = policy.decide_operation(facts, &question);
            (Question::Operation(question), answer)
        }
    }
}

/// The decision, if it leaves the matter to support.
pub(crate) fn must_refer(decision: Decision) -> Result<Decision, Error> {
    let decision = without_proofs(decision);
    match decision.outcome {
        Outcome::Refer => Ok(decision),
        Outcome::Deny => Err(Error::Decided(Box::new(decision))),
        Outcome::Allow => Err(Error::Conflict {
            code: "case.not-needed",
            message: "the policy allows it without support: ask for it".to_owned(),
        }),
    }
}

/// A decision as it is without the proofs that are given only with the operation itself: an operator or customer who asks
/// support today cannot prove today who carries it out tomorrow. The operation is held against them when it comes.
pub(crate) fn without_proofs(mut decision: Decision) -> Decision {
    decision.findings.retain(|finding| !matches!(finding.remedy, Remedy::Authenticate | Remedy::Identify(_)));
    let any = |verdict: Outcome| decision.findings.iter().any(|finding| finding.verdict == verdict);
    decision.outcome = if any(Outcome::Deny) {
        Outcome::Deny
    } else if any(Outcome::Refer) {
        Outcome::Refer
    } else {
        Outcome::Allow
    };
    decision
}
