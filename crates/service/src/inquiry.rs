//! Questions about a refund in review: a reviewer asks, the merchant answers, and the request is then another one.

use crate::app::App;
use crate::error::Error;
use crate::personal::{Kind, Personal};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::refund::{Texts, check_text};
use crate::sale::Aggregate;
use crate::store::Record as _;
use rescind_model::{
    Actor, Command, CommandId, EvidenceItem, Information, InformationRequest, MerchantId, PersonId, RefundId, Rejection,
};

/// What the merchant answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The note that replaces the request's.
    pub note: Option<String>,
    /// Evidence that is added.
    pub evidence: Vec<EvidenceItem>,
    /// The person who answers, where the key is not a person's own.
    pub requester: Option<PersonId>,
}

impl<P: Ports> App<P> {
    /// A reviewer asks the merchant something.
    ///
    /// # Errors
    /// Not permitted; no such refund; the ledger's rejections.
    pub async fn ask_information(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        question: String,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::Review, merchant)?;
        check_text("/question", &question)?;
        if question.trim().is_empty() {
            return Err(Error::Rejected(Rejection::ReasonRequired));
        }
        let (there, _) = self.refund(who, merchant, id).await?;
        if there.holds(command.as_str()) {
            return Ok((there, id.clone()));
        }
        let asked = Personal { kind: Kind::Question, text: question };
        let question = Box::pin(self.keep_text(merchant, &there.ledger, command, "question", &asked)).await?;
        let change = Command::AskInformation(InformationRequest { refund: id.clone(), question });
        self.tell_refund(who, merchant, id, change, &who.actor(merchant), command).await
    }

    /// The merchant answers: the revision changes, and the approvals so far fall.
    ///
    /// # Errors
    /// Not permitted; no such refund; the ledger's rejections.
    pub async fn provide_information(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        answer: Answered,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        if let Some(note) = &answer.note {
            check_text("/note", note)?;
        }
        let actor = self.person_for(who, merchant, answer.requester.as_ref()).await?;
        let Answered { note, evidence, .. } = answer;
        let sale = self.refund(who, merchant, id).await?.0.ledger.sale.id;
        let texts = Texts { note: note.as_deref(), contact: None, evidence: &evidence };
        let (note, _) = Box::pin(self.keep_texts(who, merchant, &sale, texts, command)).await?;
        let change = Command::ProvideInformation(Information { refund: id.clone(), note, evidence });
        self.tell_refund(who, merchant, id, change, &actor, command).await
    }

    /// The person who acts: whose key it is, or whom a system or terminal names.
    pub(crate) async fn person_for(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        named: Option<&PersonId>,
    ) -> Result<Actor, Error> {
        match (&who.bearer, named) {
            (Bearer::Person { person }, Some(named)) if named != person => {
                Err(Error::Forbidden("a person asks in the own name only".to_owned()))
            }
            (Bearer::Person { .. }, _) => Ok(who.actor(merchant)),
            (_, Some(named)) => Ok(Actor::Person(self.person_at("/requester", named, merchant).await?)),
            (_, None) => {
                Err(Error::invalid("/requester", "expected the person who asks: this key is not a person's own"))
            }
        }
    }

    /// Tells the ledger of a refund something.
    pub(crate) async fn tell_refund(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        change: Command,
        actor: &Actor,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        let (aggregate, _) = self.refund(who, merchant, id).await?;
        let sale = &aggregate.ledger.sale.id;
        let outcome = self
            .transact(merchant, sale, command, |app, a| app.plain(a, &change, actor, command))
            .await
            .map_err(|e| if matches!(e, Error::NotFound(_)) { Error::NotFound("refund") } else { e })?;
        Ok((outcome.aggregate(), id.clone()))
    }
}
