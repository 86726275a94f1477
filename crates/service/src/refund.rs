//! Refunds: submitted, reviewed, approved, cleared.

use crate::app::App;
use crate::count::Gathered;
use crate::decision::Asked;
use crate::error::Error;
use crate::identity::ShownIdentity;
use crate::limits::{LIST_LIMIT, SWAP_ATTEMPTS, TEXT_BYTES};
use crate::personal::{Kind, Personal};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::proof::{AskedOperation, ShownProof};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::Position;
use crate::store::{Commit, Record};
use crate::take_back::{Taking, Way};
use crate::void::{provider_reference, tail};
use rescind_model::record::Question;
use rescind_model::{
    Actor, CaseId, Command, CommandId, Consent, Decision, Digest, EvidenceItem, Facts, Fee, Grounds, Ledger,
    MerchantId, Money, PersonId, Refund, RefundId, RefundQuestion, RefundRequest, RefundState, RefundSubmission,
    Refusal, SaleId,
};
use serde::{Deserialize, Serialize};

/// A refund that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAsk {
    /// The caller's own id.
    pub id: Option<RefundId>,
    /// Of which sale.
    pub sale: SaleId,
    /// How much.
    pub amount: Money,
    /// The reason code.
    pub reason: Option<String>,
    /// Free text, masked.
    pub note: Option<String>,
    /// How the customer is reached about it.
    pub contact: Option<Personal>,
    /// Evidence.
    pub evidence: Vec<EvidenceItem>,
    /// The person who asks, where the key is not a person's own.
    pub requester: Option<PersonId>,
    /// The person who operated the terminal.
    pub operator: Option<PersonId>,
    /// The granted referral it rests on, where the policy leaves it to support.
    pub case: Option<CaseId>,
    /// The fees that the asker saw: those of the decision, or it is refused.
    pub fees: Option<Vec<Fee>>,
    /// The cleared refund whose wrong amount it corrects.
    pub corrects: Option<RefundId>,
    /// What the operator showed.
    pub proof: ShownProof,
    /// What the customer showed.
    pub identity: Option<ShownIdentity>,
}

/// What a request says that is kept outside the ledger.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) note: Option<&'a str>,
    pub(crate) contact: Option<&'a Personal>,
    pub(crate) evidence: &'a [EvidenceItem],
}

/// Refunds in the order they were submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRefunds {
    /// Each with its sale.
    pub items: Vec<(Aggregate, RefundId)>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// Where a refund with a caller-made id is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pointer {
    pub(crate) sale: SaleId,
    pub(crate) command: CommandId,
}

impl Record for Pointer {
    const FORMAT: &'static str = "refund-pointer/1";
    fn holds(&self, id: &str) -> bool {
        self.command.as_str() == id
    }
}

impl<P: Ports> App<P> {
    /// Submits a refund: decides, reserves the amount, and reviews it automatically.
    ///
    /// # Errors
    /// [`Error::Decided`] with the decision; [`Error::ExceedsBalance`] with what is left; [`Error::Conflict`]
    /// `refund.id-taken`.
    pub async fn submit_refund(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: &RefundAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let accepted = self.ports.now();
        let merchant = self.merchant(merchant).await?;
        let requester = ask.requester.as_ref().or(ask.operator.as_ref());
        let made = || RefundId { value: format!("{}~{}", ask.sale, tail(command)) };
        let named = ask.id.clone().unwrap_or_else(made);
        let asked = AskedOperation {
            way: rescind_model::Way::Refund,
            sale: ask.sale.clone(),
            amount: ask.amount.clone(),
            reason: ask.reason.clone(),
            terminal: None,
            penalty: false,
            order: None,
            case: ask.case.clone(),
            fees: ask.fees.clone(),
        };
        let there = if ask.proof.0.is_some() || ask.identity.is_some() {
            Some(self.sale(who, &merchant.id, &ask.sale).await?)
        } else {
            None
        };
        if let Some(there) = there.as_ref().filter(|there| there.holds(command.as_str())) {
            // Carried out before: what was shown for it may have ended since.
            return Ok((there.clone(), named));
        }
        let standing = self.standing_of_asker(who, &merchant.id, requester, &asked, &ask.proof).await?;
        let identity = match (&ask.identity, &there) {
            (Some(shown), Some(there)) => {
                let sale = &there.ledger.sale;
                Some(self.check_identity(who, sale, asked.way, &asked.amount, shown, command).await?)
            }
            _ => None,
        };
        let person = standing.person("/requester")?;
        if let (Bearer::Person { person }, Some(named)) = (&who.bearer, &ask.requester)
            && named != person
        {
            return Err(Error::Forbidden("a person asks in the own name only".to_owned()));
        }
        if let Some(operator) = &ask.operator {
            self.person_at("/operator", operator, &merchant.id).await?;
        }
        let actor = standing.actor("/requester")?;
        let id = match &ask.id {
            Some(id) => {
                // Looked at first: a sale that is not there, or not the asker's, must not use the id up.
                self.sale(who, &merchant.id, &ask.sale).await?;
                self.claim_refund_id(&merchant.id, id, &ask.sale, command).await?
            }
            None => named,
        };
        let texts = Texts { note: ask.note.as_deref(), contact: ask.contact.as_ref(), evidence: &ask.evidence };
        // On the heap: seldom taken, and large where every request would carry it.
        let (note, contact) = Box::pin(self.keep_texts(who, &merchant.id, &ask.sale, texts, command)).await?;
        let there = match there {
            // What decides depends on the terminal that made the payment.
            None if !merchant.policies_by_class.is_empty() => Some(self.sale(who, &merchant.id, &ask.sale).await?),
            looked_at => looked_at,
        };
        let deciding = match &there {
            Some(there) => self.deciding_on(who, &merchant, &there.ledger.sale, &standing.asker, accepted).await?,
            None => self.deciding(&merchant, None, accepted).await?,
        };
        let taking = Taking {
            who,
            merchant: &merchant.id,
            sale: &ask.sale,
            deciding: &deciding,
            shown: standing.shown(identity),
            asker: standing.asker,
            actor,
            command,
            accepted,
        };
        let way = Submission { ask, id: &id, person: &person, note, contact };
        Ok((self.take_back(&taking, &way).await?, id))
    }

    /// Keeps what must not stand in the ledger, before the command that commits to it; gives the commitments to the note and
    /// the contact.
    pub(crate) async fn keep_texts(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        texts: Texts<'_>,
        command: &CommandId,
    ) -> Result<(Option<Digest>, Option<Digest>), Error> {
        if texts.note.is_none() && texts.contact.is_none() && texts.evidence.is_empty() {
            return Ok((None, None));
        }
        let there = self.sale(who, merchant, sale).await?;
        if there.holds(command.as_str()) {
            // Carried out before: nothing is decided or committed any more.
            return Ok((None, None));
        }
        self.names_evidence(merchant, sale, texts.evidence).await?;
        let note = match texts.note {
            Some(text) => {
                let note = Personal { kind: Kind::Note, text: text.to_owned() };
                Some(self.keep_text(merchant, &there.ledger, command, "note", &note).await?)
            }
            None => None,
        };
        let contact = match texts.contact {
            Some(contact) => Some(self.keep_text(merchant, &there.ledger, command, "contact", contact).await?),
            None => None,
        };
        Ok((note, contact))
    }

    /// Makes a caller's id this command's own. The pointer comes first: if nothing follows, it points to a sale without
    /// that refund, which reads as no refund.
    async fn claim_refund_id(
        &self,
        merchant: &MerchantId,
        id: &RefundId,
        sale: &SaleId,
        command: &CommandId,
    ) -> Result<RefundId, Error> {
        if id.as_str().contains('~') {
            return Err(Error::invalid("/id", "expected an id without '~'"));
        }
        let taken = || Error::Conflict { code: "refund.id-taken", message: format!("there is already a refund {id}") };
        let records = self.records().await?;
        let key = Key::refund(merchant, id).checked()?;
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Pointer>(&key).await?;
            if let Some(there) = &slot.value {
                if there.command == *command {
                    return Ok(id.clone());
                }
                // A claim whose command never came through may be taken over once its request cannot be alive: the
                // sale it names tells.
                let named = records.read::<Aggregate>(&Key::sale(merchant, &there.sale)).await?;
                let used = named.is_some_and(|a| a.ledger.refunds.iter().any(|r| r.id == *id));
                if used || there.sale != *sale {
                    return Err(taken());
                }
            }
            let next = Pointer { sale: sale.clone(), command: command.clone() };
            if records.commit(slot, &next, command.as_str(), self.unique()).await? == Commit::Written {
                return Ok(id.clone());
            }
        }
        Err(taken())
    }

    /// The sale of a refund.
    pub(crate) async fn sale_of_refund(&self, merchant: &MerchantId, id: &RefundId) -> Result<SaleId, Error> {
        if let Some((sale, _)) = id.as_str().rsplit_once('~') {
            return SaleId::parse(sale).map_err(|_| Error::NotFound("refund"));
        }
        let pointer = self.records().await?.read::<Pointer>(&Key::refund(merchant, id)).await?;
        pointer.map(|p| p.sale).ok_or(Error::NotFound("refund"))
    }

    /// A refund with its sale.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist and one that is not the asker's.
    pub async fn refund(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
    ) -> Result<(Aggregate, RefundId), Error> {
        let sale = self.sale_of_refund(merchant, id).await?;
        let not_found = |e| if matches!(e, Error::NotFound(_)) { Error::NotFound("refund") } else { e };
        let aggregate = self.sale(who, merchant, &sale).await.map_err(not_found)?;
        find(&aggregate, id).ok_or(Error::NotFound("refund"))?;
        Ok((aggregate, id.clone()))
    }

    /// A merchant's refunds in the order they were submitted, of one state or all.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn list_refunds(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        state: Option<RefundState>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListedRefunds, Error> {
        who.may(Deed::Read, merchant)?;
        self.publish_waiting().await;
        let mut from = after.map_or(Ok(Position::START), Position::parse)?;
        let limit = limit.clamp(1, LIST_LIMIT);
        let records = self.records().await?;
        let mut items: Vec<(Aggregate, RefundId)> = Vec::new();
        // A rare state must not make one request read the whole list: after this many entries the caller goes on.
        let slice = records.slice(&Key::refunds(merchant), from, LIST_LIMIT.saturating_mul(4)).await?;
        let mut more = slice.more;
        for (position, entry) in slice.entries {
            if items.len() >= limit {
                more = true;
                break;
            }
            from = position;
            let (Ok(sale), Ok(id)) = (SaleId::parse(&entry.at), RefundId::parse(&entry.id)) else { continue };
            if items.iter().any(|(_, known)| *known == id) {
                continue;
            }
            let Some(aggregate) = records.read::<Aggregate>(&Key::sale(merchant, &sale)).await? else { continue };
            let Some(refund) = find(&aggregate, &id) else { continue };
            if state.is_none_or(|s| refund.state == s) && crate::sale::visible(who, merchant, &aggregate) {
                items.push((aggregate, id));
            }
        }
        Ok(ListedRefunds { items, next: more.then(|| from.to_string()) })
    }

    /// Changes a refund that is there.
    ///
    /// # Errors
    /// Not permitted; no such refund; the ledger's rejections.
    pub async fn change_refund(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        change: RefundChange,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(change.deed(), merchant)?;
        if let RefundChange::Decline { reason } | RefundChange::Withdraw { reason } = &change {
            check_text("/reason", reason)?;
        }
        let (aggregate, _) = self.refund(who, merchant, id).await?;
        let actor = match (&change, &who.bearer, find(&aggregate, id)) {
            // A system or terminal withdraws for the person who asked.
            (RefundChange::Withdraw { .. }, Bearer::Terminal { .. } | Bearer::System { .. }, Some(refund)) => {
                Actor::Person(self.person_at("/requester", &refund.request.requested_by, merchant).await?)
            }
            _ => who.actor(merchant),
        };
        let sale = &aggregate.ledger.sale.id;
        if matches!(change, RefundChange::Clear | RefundChange::Retry)
            && find(&aggregate, id).is_some_and(|refund| refund.funding.is_some())
        {
            let again = change == RefundChange::Retry;
            return Ok((self.clear_funded(&actor, &aggregate, id, again, command).await?, id.clone()));
        }
        let change = change.command(id);
        let outcome = self
            .transact(merchant, sale, command, |app, a| app.plain(a, &change, &actor, command))
            .await
            .map_err(|e| match e {
                Error::NotFound(_) => Error::NotFound("refund"),
                other => other,
            })?;
        Ok((outcome.aggregate(), id.clone()))
    }
}

/// A refund on its way into the ledger.
pub(crate) struct Submission<'a> {
    pub(crate) ask: &'a RefundAsk,
    pub(crate) id: &'a RefundId,
    pub(crate) person: &'a PersonId,
    pub(crate) note: Option<Digest>,
    pub(crate) contact: Option<Digest>,
}

impl<P: Ports> Way<P> for Submission<'_> {
    async fn gather(&self, app: &App<P>, taking: &Taking<'_, P>, ledger: &Ledger) -> Result<Gathered, Error> {
        let ways = [rescind_model::Way::Refund];
        let (accepted, own) = (taking.accepted, Some(taking.command));
        let mut gathered = app.gather(ledger, taking.deciding, &taking.asker, accepted, &ways, own).await?;
        let adds = Some((self.ask.amount.minor, taking.command));
        app.gather_requested(&mut gathered, taking.deciding, Some(self.person), adds).await?;
        Ok(gathered)
    }

    fn decide(&self, policy: &P::Policy, facts: &Facts) -> Vec<Asked> {
        let question = RefundQuestion {
            amount: self.ask.amount.clone(),
            reason: self.ask.reason.clone(),
            evidence: self.ask.evidence.iter().map(|e| e.kind.clone()).collect(),
        };
        let answer = policy.decide_refund(facts, &question);
        vec![(Question::Refund(question), answer)]
    }

    fn fees_seen(&self) -> Option<&[Fee]> {
        self.ask.fees.as_deref()
    }

    fn grant(&self) -> Option<&CaseId> {
        self.ask.case.as_ref()
    }

    fn change(&self, taking: &Taking<'_, P>, ledger: &Ledger, decision: Decision) -> Command {
        let ask = self.ask;
        // Whose proof a terminal shows is who operates it.
        let at_the_till = || match &taking.who.bearer {
            Bearer::Terminal { .. } => taking.shown.authentication.as_ref().map(|proof| proof.person.clone()),
            Bearer::Admin | Bearer::Person { .. } | Bearer::System { .. } => None,
        };
        Command::SubmitRefund(RefundSubmission {
            id: self.id.clone(),
            request: RefundRequest {
                amount: ask.amount.clone(),
                reason: ask.reason.clone().unwrap_or_default(),
                note: self.note.clone(),
                evidence: ask.evidence.clone(),
                requested_by: self.person.clone(),
                operator: ask.operator.clone().or_else(at_the_till).or_else(|| ledger.sale.operator.clone()),
                contact: self.contact.clone(),
                corrects: ask.corrects.clone(),
            },
            grounds: Grounds { grant: ask.case.clone(), ..taking.shown.grounds() },
            provider_reference: provider_reference(taking.command),
            decision,
        })
    }
}

/// What somebody wants done with a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundChange {
    /// Consent to it, bound to what the person saw; to what it is now, if absent.
    Approve {
        /// The revision the person saw.
        revision: Option<u32>,
        /// The digest the person saw.
        digest: Option<Digest>,
    },
    /// Refuse it.
    Decline {
        /// Why.
        reason: String,
    },
    /// Take it back: the requester's.
    Withdraw {
        /// Why.
        reason: String,
    },
    /// Send it to clearing once it is approved.
    Clear,
    /// Try it again under its old reference once it failed.
    Retry,
}

impl RefundChange {
    fn deed(&self) -> Deed {
        match self {
            Self::Approve { .. } | Self::Decline { .. } => Deed::Review,
            Self::Withdraw { .. } => Deed::TakeBack,
            Self::Clear | Self::Retry => Deed::Clear,
        }
    }

    fn command(self, id: &RefundId) -> Command {
        let refund = id.clone();
        match self {
            Self::Approve { revision, digest } => Command::Approve(Consent { refund, revision, digest }),
            Self::Decline { reason } => Command::Decline(Refusal { refund, reason }),
            Self::Withdraw { reason } => Command::Withdraw(Refusal { refund, reason }),
            Self::Clear => Command::Clear(refund),
            Self::Retry => Command::Retry(refund),
        }
    }
}

/// A refund in its sale.
#[must_use]
pub fn find<'a>(aggregate: &'a Aggregate, id: &RefundId) -> Option<&'a Refund> {
    aggregate.ledger.refunds.iter().find(|r| r.id == *id)
}

pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    if text.len() > TEXT_BYTES {
        return Err(Error::invalid(field, format!("expected at most {TEXT_BYTES} bytes")));
    }
    Ok(())
}
